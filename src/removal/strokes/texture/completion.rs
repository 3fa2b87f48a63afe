//! Completes walls with a structure, such as brick, boards, lattice, and what stands before them.
//!
//! Each patch of the hole that the strokes leave is matched with the place of the wall that looks
//! most like it. Then each cell of the hole becomes the mean of what the places of the patches around
//! it say. Both are done in turn, from coarse cells to fine ones (after Wexler, Shechtman and Irani, *Space-Time
//! Completion of Video*, 2007). Places are found by trying those beside the neighbours' places, and
//! random ones (Barnes, Shechtman, Finkelstein and Goldman, *PatchMatch*, 2009). So joints and edges
//! meet across a stroke, and nothing needs to be known of the kind of wall.

use pulp::{Arch, NullaryFnOnce};

use super::{Smooth, Wall, sums_around};
use crate::removal::{options::TEXTURE_REACH, strokes::grain::scattered};

/// A patch reaches this many cells from its middle to each side.
const RADIUS: usize = 3;
const SIDE: usize = 2 * RADIUS + 1;

/// Cells of a scale are twice as large as those of the next one. The coarsest has at least as many
/// places as `LEAST_PLACES`.
pub(super) const SCALES: usize = 4;
const LEAST_PLACES: usize = 30;

/// Rounds of matching and averaging on the coarsest scale, on the others, and on the finest.
const ROUNDS: [usize; 3] = [6, 5, 3];

/// A place's mean colour is moved towards the smooth fill's, in each channel by at most this.
const MOST_OFFSET: f32 = 8.0 / 255.0;

/// Weight of the square of what then is left between both, in a patch's cells.
const TONE_WEIGHT: f32 = (SIDE * SIDE) as f32;

/// A cell of the hole counts less than one of the wall, by this factor for each cell between it and
/// the wall.
const FADE: f32 = 0.5;

/// How much a cell counts that is hardly filled.
const SHOWN: f32 = 0.25;

/// On the coarsest scale, all places are tried for all patches if there are at most so many pairs of
/// them: if a box moves by a pixel, the result is then nearly the same again.
const ALL_PAIRS: usize = 1_000_000;

/// On the finest scale places are searched this many cells around those of the coarser one.
const FINE_REACH: usize = 8;

/// How many random cells are tried for a first place.
const TRIES: u32 = 16;

/// Light, two colours, and a 0, because processors compute with four numbers at once.
type Colour = [f32; 4];

/// What to add to the samples of a smooth fill to get the completed one; `None` if the wall has too
/// few places to take anything from.
pub(super) fn completion(wall: &Wall, smooth: &Smooth<'_>) -> Option<Vec<f32>> {
    let mut scales = vec![Cells::of(wall, smooth)];
    while scales.len() < SCALES {
        let halved = scales.last().map(Cells::halved)?;
        scales.push(halved);
    }
    let mut scales: Vec<Scale> = scales.into_iter().map(Scale::of).collect();
    let usable = scales.iter().take_while(|scale| scale.places.len() >= LEAST_PLACES).count();
    scales.truncate(usable);
    let coarsest = scales.len().checked_sub(1)?;
    let mut matches: Option<Matches> = None;
    for number in (0..scales.len()).rev() {
        let coarser = matches.take().zip(scales.get(number + 1));
        let rounds = match number {
            _ if number == coarsest => ROUNDS[0],
            0 => ROUNDS[2],
            _ => ROUNDS[1],
        };
        let widest = (2 * TEXTURE_REACH) >> number;
        let reach = if number == 0 && coarser.is_some() { FINE_REACH } else { widest };
        matches = Some(scales[number].matched(coarser, rounds, [reach, widest]));
    }
    let (finest, matches) = scales.first().zip(matches)?;
    Some(finest.laid(&matches, wall, smooth))
}

/// The wall's cells, or larger ones.
struct Cells {
    /// The first one's row and column, counted in cells from the photo's corner.
    origin: [usize; 2],
    rows: usize,
    columns: usize,
    /// The smooth fill's in the hole.
    colours: Vec<Colour>,
    in_hole: Vec<bool>,
    /// Which are surely background.
    clear: Vec<bool>,
    /// Which look as in the photo, though nothing may be taken from them: what is hardly filled.
    shown: Vec<bool>,
}

impl Cells {
    fn of(wall: &Wall, smooth: &Smooth<'_>) -> Self {
        let mut in_hole = vec![false; wall.clear.len()];
        let mut colours: Vec<Colour> = (0..wall.clear.len())
            .map(|cell| {
                let smooth = wall.samples(&wall.smooth, cell);
                let texture = wall.samples(&wall.texture, cell);
                [smooth[0] + texture[0], smooth[1] + texture[1], smooth[2] + texture[2], 0.0]
            })
            .collect();
        let pixels = smooth.changed.len();
        let mut shown = vec![false; wall.clear.len()];
        for pixel in (0..pixels).filter(|&pixel| smooth.changed[pixel]) {
            let (row, column) = wall.cell_of(smooth, pixel);
            let cell = row * wall.columns + column;
            in_hole[cell] |= smooth.hole[pixel];
            // One pixel stands for its cell.
            let from = if in_hole[cell] { smooth.filled } else { &smooth.planes.samples };
            shown[cell] = !in_hole[cell];
            for (c, sample) in colours[cell].iter_mut().enumerate().take(wall.channels()) {
                *sample = from[c * pixels + pixel];
            }
        }
        Cells {
            origin: [wall.area.top, wall.area.left].map(|at| at as usize / wall.side),
            rows: wall.rows,
            columns: wall.columns,
            colours,
            in_hole,
            clear: wall.clear.clone(),
            shown,
        }
    }

    /// Cells of twice the side. One is in the hole if most of it is.
    fn halved(&self) -> Self {
        let (rows, columns) = (self.rows.div_ceil(2), self.columns.div_ceil(2));
        let mut halved = Cells {
            origin: self.origin.map(|at| at / 2),
            rows,
            columns,
            colours: Vec::with_capacity(rows * columns),
            in_hole: Vec::with_capacity(rows * columns),
            clear: Vec::with_capacity(rows * columns),
            shown: Vec::with_capacity(rows * columns),
        };
        for i in 0..rows * columns {
            let (row, column) = (2 * (i / columns), 2 * (i % columns));
            let quarters = || {
                (row..(row + 2).min(self.rows)).flat_map(move |row| {
                    let columns = column..(column + 2).min(self.columns);
                    columns.map(move |column| row * self.columns + column)
                })
            };
            let holes = quarters().filter(|&cell| self.in_hole[cell]).count();
            let in_hole = 2 * holes > quarters().count();
            let counted = || quarters().filter(|&cell| in_hole || !self.in_hole[cell]);
            let share = 1.0 / counted().count() as f32;
            let mut colour = Colour::default();
            for cell in counted() {
                (0..4).for_each(|c| colour[c] += share * self.colours[cell][c]);
            }
            halved.colours.push(colour);
            halved.in_hole.push(in_hole);
            halved.clear.push(quarters().all(|cell| self.clear[cell]));
            halved.shown.push(!in_hole && quarters().any(|cell| self.shown[cell]));
        }
        halved
    }

    /// How far each cell of the hole is from cells outside of it, in cells; 0 for those.
    fn depths(&self) -> Vec<f32> {
        let (rows, columns) = (self.rows as i64, self.columns as i64);
        let mut depths: Vec<f32> =
            self.in_hole.iter().map(|hole| if *hole { f32::INFINITY } else { 0.0 }).collect();
        let mut pass = |cells: &mut dyn Iterator<Item = i64>, step: i64| {
            for i in cells {
                let before = [(0, -1), (-1, -1), (-1, 0), (-1, 1)];
                for (down, across) in before.map(|(down, across)| (step * down, step * across)) {
                    let (row, column) = (i / columns + down, i % columns + across);
                    if (0..rows).contains(&row) && (0..columns).contains(&column) {
                        let through = depths[(row * columns + column) as usize] + 1.0;
                        depths[i as usize] = depths[i as usize].min(through);
                    }
                }
            }
        };
        pass(&mut (0..rows * columns), 1);
        pass(&mut (0..rows * columns).rev(), -1);
        depths
    }
}

/// A row of a patch has one cell more than it needs, without weight: most processors compute with this
/// many numbers at once.
const LANES: usize = SIDE + 1;

/// What is around a cell, row after row: each cell's colour, a line for each of its three numbers, and
/// its weight.
struct Patch {
    at: usize,
    rows: [([[f32; LANES]; 3], [f32; LANES]); SIDE],
}

/// Cells of one size with what matching needs, and a rim around them as wide as a patch reaches.
struct Scale {
    /// As in [`Cells`].
    origin: [usize; 2],
    rows: usize,
    columns: usize,
    colours: Vec<Colour>,
    /// The same, a plane for each of the three numbers, with a cell more behind the last.
    planes: [Vec<f32>; 3],
    /// The mean colour of the patch around each cell, with the smooth fill in the hole.
    means: Vec<Colour>,
    /// How much a cell counts in a patch.
    weights: Vec<f32>,
    in_hole: Vec<bool>,
    /// Whether the patch around a cell is all background.
    is_place: Vec<bool>,
    /// The cells for which that is so.
    places: Vec<usize>,
    /// The cells whose patch reaches into the hole, row after row.
    targets: Vec<usize>,
    /// The numbers of cells in `targets`, and `NONE` for others.
    target_at: Vec<usize>,
}

const NONE: usize = usize::MAX;

/// For each of a scale's targets the place that looks most like it, and how little, as a sum of
/// squares.
struct Matches {
    places: Vec<usize>,
    costs: Vec<f32>,
}

/// A round of matching, to be computed with all that this processor can do.
struct Search<'a> {
    scale: &'a Scale,
    matches: &'a mut Matches,
    colours: &'a [Colour],
    all_pairs: bool,
    round: usize,
    reach: usize,
}

impl NullaryFnOnce for Search<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Search { scale, matches, colours, all_pairs, round, reach } = self;
        if all_pairs {
            scale.find_best(matches, colours);
        } else {
            scale.improve(matches, colours, round, reach);
        }
    }
}

impl Scale {
    fn of(cells: Cells) -> Self {
        let (rows, columns) = (cells.rows + 2 * RADIUS, cells.columns + 2 * RADIUS);
        let count = rows * columns;
        let mut colours = vec![Colour::default(); count];
        let mut weights = vec![0.0; count];
        let (mut in_hole, mut clear) = (vec![false; count], vec![false; count]);
        for (i, depth) in cells.depths().into_iter().enumerate() {
            let at = (i / cells.columns + RADIUS) * columns + i % cells.columns + RADIUS;
            colours[at] = cells.colours[i];
            in_hole[at] = cells.in_hole[i];
            clear[at] = cells.clear[i];
            weights[at] = match (cells.clear[i], cells.in_hole[i]) {
                (true, _) => 1.0,
                (false, true) => FADE.powf(depth),
                (false, false) if cells.shown[i] => SHOWN,
                // Such as another digit.
                (false, false) => 0.0,
            };
        }
        let unclear: Vec<f32> = clear.iter().map(|it| f32::from(u8::from(!it))).collect();
        let holes: Vec<f32> = in_hole.iter().map(|it| f32::from(u8::from(*it))).collect();
        // A patch beyond the rim has none of the cells.
        let inner = |i: usize| {
            (RADIUS..rows - RADIUS).contains(&(i / columns))
                && (RADIUS..columns - RADIUS).contains(&(i % columns))
        };
        let (unclear, holes) =
            (sums_around(&unclear, columns, RADIUS), sums_around(&holes, columns, RADIUS));
        let is_place: Vec<bool> = (0..count).map(|i| inner(i) && unclear[i] < 0.5).collect();
        let targets: Vec<usize> = (0..count).filter(|&i| inner(i) && holes[i] > 0.5).collect();
        let mut target_at = vec![NONE; count];
        targets.iter().enumerate().for_each(|(number, at)| target_at[*at] = number);
        let mut means = vec![Colour::default(); count];
        let planes = std::array::from_fn(|c| {
            let mut plane: Vec<f32> = colours.iter().map(|colour| colour[c]).collect();
            for (mean, sum) in means.iter_mut().zip(sums_around(&plane, columns, RADIUS)) {
                mean[c] = sum / (SIDE * SIDE) as f32;
            }
            plane.push(0.0);
            plane
        });
        let places = (0..count).filter(|&i| is_place[i]).collect();
        Scale {
            origin: cells.origin,
            rows,
            columns,
            colours,
            planes,
            means,
            weights,
            in_hole,
            is_place,
            places,
            targets,
            target_at,
        }
    }

    /// Matches the targets in some rounds, at first with the places of the coarser scale, or else
    /// with any up to `widest` away, then with those up to `reach` around them.
    fn matched(
        &self,
        coarser: Option<(Matches, &Scale)>,
        rounds: usize,
        [reach, widest]: [usize; 2],
    ) -> Matches {
        let mut matches = Matches {
            places: (0..self.targets.len())
                .map(|number| {
                    let finer = coarser.as_ref().and_then(|(matches, scale)| {
                        self.place_from(scale, matches, self.targets[number])
                    });
                    let any = || self.any_place(self.targets[number], widest);
                    finer.unwrap_or_else(any)
                })
                .collect(),
            costs: vec![0.0; self.targets.len()],
        };
        let mut colours = self.colours.clone();
        if coarser.is_some() {
            self.average(&matches, &mut colours);
        }
        for round in 0..rounds {
            let all_pairs =
                coarser.is_none() && self.targets.len() * self.places.len() <= ALL_PAIRS;
            let search = Search {
                scale: self,
                matches: &mut matches,
                colours: &colours,
                all_pairs,
                round,
                reach,
            };
            Arch::new().dispatch(search);
            self.average(&matches, &mut colours);
        }
        matches
    }

    /// Tries all places for each target.
    #[inline(always)]
    fn find_best(&self, matches: &mut Matches, colours: &[Colour]) {
        let targets = self.targets.iter().zip(&mut matches.places).zip(&mut matches.costs);
        for ((at, best), least) in targets {
            let patch = self.patch(colours, *at);
            *least = self.cost(&patch, *best, f32::INFINITY);
            for &place in &self.places {
                let cost = self.cost(&patch, place, *least);
                if cost < *least {
                    (*best, *least) = (place, cost);
                }
            }
        }
    }

    /// The place of a cell by that of the coarser scale's.
    fn place_from(&self, coarser: &Scale, matches: &Matches, at: usize) -> Option<usize> {
        let (row, column) = (at / self.columns - RADIUS, at % self.columns - RADIUS);
        let above = (row / 2 + RADIUS) * coarser.columns + column / 2 + RADIUS;
        let number = Some(coarser.target_at[above]).filter(|number| *number != NONE)?;
        let place = matches.places[number];
        let row = 2 * (place / coarser.columns - RADIUS) + row % 2 + RADIUS;
        let column = 2 * (place % coarser.columns - RADIUS) + column % 2 + RADIUS;
        let inside = row < self.rows && column < self.columns;
        inside.then(|| row * self.columns + column).filter(|place| self.is_place[*place])
    }

    /// A random number for a cell, which depends on its place in the photo, and on nothing else that
    /// is different if a box moves: then the result is nearly the same again.
    fn random(&self, at: usize, seed: u32) -> u32 {
        let row = self.origin[0] + at / self.columns;
        let column = self.origin[1] + at % self.columns;
        scattered(row as u32 ^ scattered(column as u32 ^ scattered(seed)))
    }

    /// A random cell up to `reach` rows and columns from another.
    #[inline(always)]
    fn cell_near(&self, cell: usize, reach: usize, random: u32) -> Option<usize> {
        // From 16 bits, without a division.
        let by = |random: u32| (random as usize * (2 * reach + 1)) >> 16;
        let row = (cell / self.columns + by(random & 0xffff)).checked_sub(reach)?;
        let column = (cell % self.columns + by(random >> 16)).checked_sub(reach)?;
        (row < self.rows && column < self.columns).then_some(row * self.columns + column)
    }

    /// A random place for a target, if possible up to `reach` away.
    fn any_place(&self, at: usize, reach: usize) -> usize {
        let mut tries = (0..TRIES).filter_map(|n| self.cell_near(at, reach, self.random(at, n)));
        tries
            .find(|&place| self.is_place[place])
            .unwrap_or_else(|| self.places[self.random(at, TRIES) as usize % self.places.len()])
    }

    /// Tries for each target the places beside those of its neighbours, and random ones nearer and
    /// nearer to its own, first up to `reach` away; forwards, then backwards.
    #[inline(always)]
    fn improve(&self, matches: &mut Matches, colours: &[Colour], round: usize, reach: usize) {
        let count = self.targets.len();
        for backwards in [false, true] {
            for step in 0..count {
                let number = if backwards { count - 1 - step } else { step };
                let at = self.targets[number];
                let patch = self.patch(colours, at);
                let place = matches.places[number];
                // It has changed with the colours since the round before.
                let cost = match backwards {
                    true => matches.costs[number],
                    false => self.cost(&patch, place, f32::INFINITY),
                };
                let mut best = (place, cost);
                for apart in [1, self.columns] {
                    let neighbour = if backwards { at + apart } else { at - apart };
                    if let Some(of_it) = matches.places.get(self.target_at[neighbour]) {
                        let beside = if backwards { of_it - apart } else { of_it + apart };
                        best = self.better(&patch, beside, best);
                    }
                }
                let mut reach = reach;
                while reach > 0 {
                    let seed = (round * 2 + usize::from(backwards)) * 16 + reach.ilog2() as usize;
                    let random = self.random(at, seed as u32);
                    if let Some(candidate) = self.cell_near(best.0, reach, random) {
                        best = self.better(&patch, candidate, best);
                    }
                    reach /= 2;
                }
                (matches.places[number], matches.costs[number]) = best;
            }
        }
    }

    /// Of a place with its cost and another cell, the one that looks more like a patch.
    #[inline(always)]
    fn better(&self, patch: &Patch, cell: usize, best: (usize, f32)) -> (usize, f32) {
        if cell == best.0 || !self.is_place[cell] {
            return best;
        }
        let cost = self.cost(patch, cell, best.1);
        if cost < best.1 { (cell, cost) } else { best }
    }

    /// What is added to a place's colours at a target, and the mean square of what is then left
    /// between their means.
    #[inline(always)]
    fn offset(&self, at: usize, place: usize) -> (Colour, f32) {
        let (mut offset, mut left) = (Colour::default(), 0.0);
        let means = self.means[at].iter().zip(self.means[place]);
        for (offset, (here, there)) in offset.iter_mut().zip(means) {
            *offset = (here - there).clamp(-MOST_OFFSET, MOST_OFFSET);
            left += (here - there - *offset).powi(2);
        }
        (offset, left)
    }

    /// The patch around a target, to be compared with places.
    #[inline(always)]
    fn patch(&self, colours: &[Colour], at: usize) -> Patch {
        let mut patch = Patch { at, rows: Default::default() };
        let corner = at - RADIUS * self.columns - RADIUS;
        for (row, (of_cells, weights)) in patch.rows.iter_mut().enumerate() {
            for column in 0..SIDE {
                let cell = corner + row * self.columns + column;
                (0..3).for_each(|c| of_cells[c][column] = colours[cell][c]);
                weights[column] = self.weights[cell];
            }
        }
        patch
    }

    /// How little a place looks like a patch; any value from `limit` on if it is more than that.
    #[inline(always)]
    fn cost(&self, patch: &Patch, place: usize, limit: f32) -> f32 {
        let (offset, left) = self.offset(patch.at, place);
        let mut cost = TONE_WEIGHT * self.weights[patch.at] * left;
        let corner = RADIUS * self.columns + RADIUS;
        // Summing up takes as long as a row, so it is not done after each.
        for (first, rows) in [(0, &patch.rows[..2]), (2, &patch.rows[2..4]), (4, &patch.rows[4..])]
        {
            if cost >= limit {
                break;
            }
            let mut sums = [0.0; LANES];
            for (row, (here, weights)) in rows.iter().enumerate() {
                let from = place + (first + row) * self.columns - corner;
                for ((here, plane), offset) in here.iter().zip(&self.planes).zip(offset) {
                    let there = &plane[from..from + LANES];
                    for lane in 0..LANES {
                        let differs = here[lane] - there[lane] - offset;
                        sums[lane] += weights[lane] * differs * differs;
                    }
                }
            }
            cost += sums.iter().sum::<f32>();
        }
        cost
    }

    /// Makes each cell of the hole the mean of what the places of all patches around it say.
    fn average(&self, matches: &Matches, colours: &mut [Colour]) {
        let mut sums = vec![Colour::default(); self.in_hole.len()];
        let corner = RADIUS * self.columns + RADIUS;
        for (at, place) in self.targets.iter().zip(&matches.places) {
            let (offset, _) = self.offset(*at, *place);
            let weight = self.weights[*at].max(f32::MIN_POSITIVE);
            for row in 0..SIDE {
                let (here, there) =
                    (at + row * self.columns - corner, place + row * self.columns - corner);
                let of_place = &self.colours[there..][..SIDE];
                for (sum, of_place) in sums[here..][..SIDE].iter_mut().zip(of_place) {
                    (0..3).for_each(|c| sum[c] += weight * (of_place[c] + offset[c]));
                    sum[3] += weight;
                }
            }
        }
        for (at, sum) in sums.into_iter().enumerate().filter(|(at, _)| self.in_hole[*at]) {
            (0..3).for_each(|c| colours[at][c] = sum[c] / sum[3]);
        }
    }

    /// The completed pixels less the smooth fill's samples: each is the mean of what the places of
    /// the patches around it say, mostly the nearest ones, so that it is as sharp as the photo.
    fn laid(&self, matches: &Matches, wall: &Wall, smooth: &Smooth<'_>) -> Vec<f32> {
        let mut costs = matches.costs.clone();
        costs.sort_by(f32::total_cmp);
        let usual = costs.get(3 * costs.len() / 4).copied().unwrap_or(0.0).max(1e-6);
        let (pixels, of_wall) = (smooth.changed.len(), wall.background.len());
        let width = smooth.planes.width;
        let (top, left) = wall.origin(smooth.area);
        let mut laid = vec![0.0; smooth.planes.samples.len()];
        let mut sums = vec![0.0; wall.planes.channels];
        for pixel in (0..pixels).filter(|&pixel| smooth.changed[pixel]) {
            let (y, x) = (pixel / width + top, pixel % width + left);
            let (row, column) = (y / wall.side + RADIUS, x / wall.side + RADIUS);
            sums.fill(0.0);
            let mut weights = 0.0;
            for at in (row - 1..=row + 1)
                .flat_map(|row| (column - 1..=column + 1).map(move |column| (row, column)))
            {
                let cell = at.0 * self.columns + at.1;
                let number = self.target_at[cell];
                if number == NONE {
                    continue;
                }
                let place = matches.places[number];
                let from = |pixel: usize, at: usize, place: usize| {
                    pixel + place * wall.side - at * wall.side
                };
                let from = from(y, at.0, place / self.columns) * wall.planes.width
                    + from(x, at.1, place % self.columns);
                // In cells.
                let apart = |pixel: usize, at: usize| {
                    (pixel as f32 + 0.5) / wall.side as f32 - ((at - RADIUS) as f32 + 0.5)
                };
                let apart = apart(y, at.0).powi(2) + apart(x, at.1).powi(2);
                let weight = self.weights[cell].max(f32::MIN_POSITIVE)
                    * (-apart - 2.0 * matches.costs[number] / usual).exp();
                let (offset, _) = self.offset(cell, place);
                for (c, sum) in sums.iter_mut().enumerate() {
                    let offset = if c < wall.channels() { offset[c] } else { 0.0 };
                    *sum += weight * (wall.planes.samples[c * of_wall + from] + offset);
                }
                weights += weight;
            }
            if weights > 0.0 {
                for (c, sum) in sums.iter().enumerate() {
                    laid[c * pixels + pixel] = sum / weights - smooth.filled[c * pixels + pixel];
                }
            }
        }
        laid
    }
}
