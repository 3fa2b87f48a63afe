//! Large strokes on walls with a pattern. No single place of the wall fits a whole digit, so each
//! tile is copied from the place that best continues the tile's surroundings, including tiles
//! filled before it (after Efros and Freeman, *Image Quilting for Texture Synthesis and Transfer*,
//! 2001, who do this for whole textures).

use std::{collections::BTreeMap, ops::RangeInclusive};

use super::{
    Energies, Kind, RING, STANDS_OUT, STRENGTH, Smooth, Wall, between_steps, energy, shifts,
};

/// Side of a tile in cells, and by how many cells neighbours overlap on each side, where they are
/// blended.
const TILE: i64 = 12;
const OVERLAP: i64 = 3;

/// How much lighter or darker than the tile's surroundings a place may be, as a root mean square.
/// Its brightness is then adjusted to them.
const MOST_TONE_DIFFERENCE: f32 = 10.0 / 255.0;

/// How much a tile may differ from the fill without texture, as a root mean square. That fill shows
/// whether there is a plate behind the digits.
const MOST_FILL_DIFFERENCE: f32 = 10.0 / 255.0;

/// How much its cells may differ from that fill, as a mean square divided by the median texture
/// around the tile.
const MOST_CELL_DIFFERENCE: f32 = 5.0;

/// By how many rows and columns of tiles one is at most away from those whose surroundings it is in.
const NEAR: i64 = 2;

/// The smallest evenness ([`Wall::evenness`]) of the texture around a tile.
const LEAST_EVENNESS: f32 = 0.25;

/// Weight of the difference in tone, compared with the difference of the surroundings, both as mean
/// squares.
const TONE_WEIGHT: f32 = 1.0;

/// The share of the cells around a tile that must have a counterpart.
const LEAST_COUNTERPARTS: f32 = 0.5;

/// Shifts are first tried with this many cells of a tile, and as many around it; then the best ones
/// with all.
const SAMPLES: usize = 40;
const FINALISTS: usize = 6;

/// A cell of the wall, by its number, and its colours.
struct Known {
    cell: usize,
    colours: [f32; 3],
}

/// A tile's cells, and those around it whose colours are known.
struct Tile {
    /// Its cells, with the fill's colours.
    cells: Vec<Known>,
    about: Vec<Known>,
    /// The variance of the colours around it.
    variance: f32,
    /// The evenness of the texture around it, by [`Wall::evenness`].
    evenness: f32,
    /// The energies of the texture around it.
    energies: Energies,
}

/// Number of pixels around a tile by which its place is adjusted to the pixel.
const FINE_SAMPLES: usize = 400;

/// The place a tile is copied from, in rows and columns of cells, and what is added to its colours.
struct Place {
    shift: (i64, i64),
    tone: [f32; 3],
    cost: f32,
}

/// Fills a part tile by tile from the wall, and gives the pixels for which no place was found.
/// `texture` is what is added to the fill.
pub(super) fn lend(
    wall: &Wall,
    smooth: &Smooth<'_>,
    part: &[usize],
    kind: Kind,
    texture: &mut [f32],
) -> Vec<usize> {
    let mut pixels_of: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
    for &pixel in part {
        let (row, column) = wall.cell_of(smooth, pixel);
        for row in tiles_with(row as i64) {
            for column in tiles_with(column as i64) {
                pixels_of.entry((row, column)).or_default().push(pixel);
            }
        }
    }
    let pixels = smooth.background.len();
    let mut laid: BTreeMap<usize, [f32; 3]> = BTreeMap::new();
    // For each pixel that is filled: the sums of weights, and of weighted samples.
    let mut sums: BTreeMap<usize, (f32, Vec<f32>)> = BTreeMap::new();
    let mut open: BTreeMap<(i64, i64), Tile> = BTreeMap::new();
    for (at, own) in &pixels_of {
        open.insert(*at, Tile::of(wall, smooth, own, &laid));
    }
    let mut without: BTreeMap<(i64, i64), Tile> = BTreeMap::new();
    let mut limits = kind.distances().iter().copied();
    let Some(mut limit) = limits.next() else { return part.to_vec() };
    loop {
        if open.is_empty() {
            let Some(next) = limits.next() else { break };
            limit = next;
            open.append(&mut without);
        }
        // The tile with the most known surroundings comes next.
        let known = |tile: &Tile| tile.about.len() as f32 / tile.cells.len() as f32;
        let most = open.iter().max_by(|(_, a), (_, b)| known(a).total_cmp(&known(b)));
        let Some(at) = most.map(|(at, _)| *at) else { break };
        let Some(tile) = open.remove(&at) else { break };
        let Some(place) = tile.best_place(wall, limit) else {
            without.insert(at, tile);
            continue;
        };
        let (down, across) = tile.to_the_pixel(wall, &place);
        for &Known { cell, .. } in &tile.cells {
            let lender = wall.shifted(cell, place.shift).map(|lender| wall.colours(lender));
            let colours = lender.unwrap_or_default();
            let colours = [0, 1, 2].map(|c| colours[c] + place.tone[c]);
            laid.entry(cell).or_insert(colours);
        }
        let (top, left) = wall.origin(smooth.area);
        let [width, side] = [smooth.planes.width, wall.side];
        for &pixel in &pixels_of[&at] {
            let (y, x) = (pixel / width + top, pixel % width + left);
            let Some(from) = wall.pixel(y as i64 + down, x as i64 + across) else { continue };
            let weight = ramp(y as f32 / side as f32, at.0) * ramp(x as f32 / side as f32, at.1);
            let (weights, samples) =
                sums.entry(pixel).or_insert_with(|| (0.0, vec![0.0; wall.planes.channels]));
            *weights += weight;
            for (c, sample) in samples.iter_mut().enumerate() {
                let tone = place.tone.get(c).copied().unwrap_or(0.0);
                let lent = wall.planes.samples[c * wall.background.len() + from];
                *sample += weight * (lent + tone);
            }
        }
        // Tiles nearby have more known surroundings now.
        let near = |of: &(i64, i64)| (of.0 - at.0).abs().max((of.1 - at.1).abs()) <= NEAR;
        for (of, tile) in open.iter_mut().chain(&mut without).filter(|(of, _)| near(of)) {
            *tile = Tile::of(wall, smooth, &pixels_of[of], &laid);
        }
    }
    for (pixel, (weight, samples)) in &sums {
        for (c, sample) in samples.iter().enumerate() {
            let at = c * pixels + pixel;
            texture[at] = sample / weight - smooth.filled[at];
        }
    }
    part.iter().filter(|pixel| !sums.contains_key(pixel)).copied().collect()
}

impl Tile {
    fn of(
        wall: &Wall,
        smooth: &Smooth<'_>,
        pixels: &[usize],
        laid: &BTreeMap<usize, [f32; 3]>,
    ) -> Self {
        let plane = |c: usize| &smooth.filled[c * smooth.background.len()..];
        let mut cells: Vec<Known> = pixels
            .iter()
            .map(|&pixel| {
                let (row, column) = wall.cell_of(smooth, pixel);
                let sample = |c| if c < wall.channels() { plane(c)[pixel] } else { 0.0 };
                Known { cell: row * wall.columns + column, colours: [0, 1, 2].map(sample) }
            })
            .collect();
        cells.sort_by_key(|known| known.cell);
        // One pixel stands for its cell, as the fill is smooth.
        cells.dedup_by_key(|known| known.cell);
        let places =
            || cells.iter().map(|known| (known.cell / wall.columns, known.cell % wall.columns));
        let around = |at: usize, limit: usize| at.saturating_sub(RING)..(at + RING + 1).min(limit);
        // The rows and columns that hold all cells and their surroundings.
        let range = |of: fn((usize, usize)) -> usize, limit: usize| {
            let (least, most) = (places().map(of).min(), places().map(of).max());
            around(least.unwrap_or(0), limit).start..around(most.unwrap_or(0), limit).end
        };
        let (rows, columns) = (range(|at| at.0, wall.rows), range(|at| at.1, wall.columns));
        let mut is_about = vec![false; rows.len() * columns.len()];
        for (row, column) in places() {
            let across = around(column, wall.columns);
            let across = across.start - columns.start..across.end - columns.start;
            for row in around(row, wall.rows) {
                is_about[(row - rows.start) * columns.len()..][across.clone()].fill(true);
            }
        }
        let cell_at = |i: usize| {
            (rows.start + i / columns.len()) * wall.columns + columns.start + i % columns.len()
        };
        let about: Vec<Known> = (0..is_about.len())
            .filter(|&i| is_about[i])
            .map(cell_at)
            .filter_map(|cell| {
                let known = wall.clear[cell].then(|| wall.colours(cell));
                Some(Known { cell, colours: known.or_else(|| laid.get(&cell).copied())? })
            })
            .collect();
        let count = about.len().max(1) as f32;
        let mean = [0, 1, 2].map(|c| about.iter().map(|it| it.colours[c]).sum::<f32>() / count);
        let variance =
            about.iter().map(|it| energy(&[0, 1, 2].map(|c| it.colours[c] - mean[c]))).sum::<f32>()
                / count;
        let clear = about.iter().filter(|it| wall.clear[it.cell]);
        let energies: Vec<(usize, f32)> =
            clear.map(|it| (it.cell, energy(&wall.samples(&wall.texture, it.cell)))).collect();
        let evenness = wall.evenness(energies.iter().copied());
        let energies = Energies::of(energies.iter().map(|it| it.1).collect(), wall.channels());
        Tile { cells, about, variance, evenness, energies }
    }

    /// The place that best continues the wall, if any does.
    fn best_place(&self, wall: &Wall, limit: f32) -> Option<Place> {
        if !self.energies.textured || self.evenness < LEAST_EVENNESS {
            return None;
        }
        let every = self.cells.len().max(self.about.len()).div_ceil(SAMPLES);
        let mut places: Vec<Place> =
            shifts().filter_map(|shift| self.place(wall, shift, every, limit)).collect();
        let by_cost = |a: &Place, b: &Place| a.cost.total_cmp(&b.cost);
        places.sort_by(by_cost);
        let finer = places.iter().take(FINALISTS).flat_map(|of| between_steps(of.shift));
        finer.filter_map(|shift| self.place(wall, shift, 1, limit)).min_by(by_cost)
    }

    /// The shift of a place in pixels, within half a cell of that in cells.
    fn to_the_pixel(&self, wall: &Wall, place: &Place) -> (i64, i64) {
        let side = wall.side as i64;
        let (down, across) = (place.shift.0 * side, place.shift.1 * side);
        let clear = self.about.iter().filter(|known| wall.clear[known.cell]);
        let pixels: Vec<(i64, i64)> = clear
            .flat_map(|known| {
                let (row, column) = (known.cell / wall.columns, known.cell % wall.columns);
                let inside =
                    move |i: i64| (row as i64 * side + i / side, column as i64 * side + i % side);
                (0..side * side).map(inside)
            })
            .collect();
        let pixels: Vec<(i64, i64)> =
            pixels.iter().step_by(pixels.len().div_ceil(FINE_SAMPLES).max(1)).copied().collect();
        let count = wall.background.len();
        let distance = |(down, across): (i64, i64)| {
            let (mut sum, mut common) = (0.0, 0.0);
            for &(y, x) in &pixels {
                let both = wall.pixel(y, x).zip(wall.pixel(y + down, x + across));
                let Some((here, there)) = both else { continue };
                if wall.background[there] {
                    let differs = [0, 1, 2].map(|c| {
                        if c < wall.channels() {
                            let samples = &wall.planes.samples[c * count..];
                            samples[here] - samples[there] - place.tone[c]
                        } else {
                            0.0
                        }
                    });
                    sum += energy(&differs);
                    common += 1.0;
                }
            }
            sum / f32::max(common, 1.0)
        };
        let near = || -side / 2..=side / 2;
        near()
            .flat_map(|y| near().map(move |x| (down + y, across + x)))
            .map(|shift| (shift, distance(shift)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map_or((down, across), |(shift, _)| shift)
    }

    /// How well every `every`-th cell fits a shift; `None` if nothing may be copied from there.
    fn place(&self, wall: &Wall, shift: (i64, i64), every: usize, limit: f32) -> Option<Place> {
        // The difference of the place, with its tone adjusted, from the fill.
        let (mut strength, mut far, mut sums) = (0.0, 0.0, [0.0; 3]);
        for known in self.cells.iter().step_by(every) {
            let lender = wall.shifted(known.cell, shift).filter(|lender| wall.clear[*lender])?;
            let lent = energy(&wall.samples(&wall.texture, lender));
            if lent > STANDS_OUT * self.energies.most {
                return None;
            }
            strength += lent;
            let there = wall.colours(lender);
            let differs = [0, 1, 2].map(|c| there[c] - known.colours[c]);
            far += energy(&differs);
            (0..3).for_each(|c| sums[c] += differs[c]);
        }
        let count = self.cells.len().div_ceil(every) as f32;
        strength /= count * self.energies.mean;
        if !STRENGTH.contains(&strength) {
            return None;
        }
        let (mut common, mut squares, mut tone) = (0.0, 0.0, [0.0; 3]);
        for known in self.about.iter().step_by(every) {
            let lender = wall.shifted(known.cell, shift).filter(|lender| wall.clear[*lender]);
            let Some(lender) = lender else { continue };
            let there = wall.colours(lender);
            let differs = [0, 1, 2].map(|c| known.colours[c] - there[c]);
            squares += energy(&differs);
            (0..3).for_each(|c| tone[c] += differs[c]);
            common += 1.0;
        }
        if common < LEAST_COUNTERPARTS * self.about.len().div_ceil(every) as f32 {
            return None;
        }
        let tone = tone.map(|sum| sum / common);
        let off = energy(&tone);
        let distance = squares / common - off;
        let off_fill = [0, 1, 2].map(|c| sums[c] / count + tone[c]);
        let strange = energy(&off_fill);
        let far = far / count - energy(&sums.map(|sum| sum / count)) + strange;
        let fits = distance <= limit * self.variance
            && far <= MOST_CELL_DIFFERENCE * self.energies.middle
            && strange <= wall.channels() as f32 * MOST_FILL_DIFFERENCE * MOST_FILL_DIFFERENCE
            && off <= wall.channels() as f32 * MOST_TONE_DIFFERENCE * MOST_TONE_DIFFERENCE;
        let cost = distance + TONE_WEIGHT * off;
        fits.then_some(Place { shift, tone, cost })
    }
}

impl Wall {
    /// The cell at this distance in rows and columns from another.
    fn shifted(&self, cell: usize, (down, across): (i64, i64)) -> Option<usize> {
        let to = |at: usize, by: i64, limit: usize| {
            let to = at as i64 + by;
            (0..limit as i64).contains(&to).then_some(to as usize)
        };
        let row = to(cell / self.columns, down, self.rows)?;
        Some(row * self.columns + to(cell % self.columns, across, self.columns)?)
    }

    /// The pixel at a row and column, which may lie outside the wall.
    fn pixel(&self, row: i64, column: i64) -> Option<usize> {
        let [height, width] = [self.planes.height as i64, self.planes.width as i64];
        let inside = (0..height).contains(&row) && (0..width).contains(&column);
        inside.then(|| (row * width + column) as usize)
    }

    /// A clear cell's colours.
    fn colours(&self, cell: usize) -> [f32; 3] {
        let (smooth, texture) =
            (self.samples(&self.smooth, cell), self.samples(&self.texture, cell));
        [0, 1, 2].map(|c| smooth[c] + texture[c])
    }
}

/// The overlapping tiles that contain a cell's row or column.
fn tiles_with(cell: i64) -> RangeInclusive<i64> {
    (cell - OVERLAP).div_euclid(TILE)..=(cell + OVERLAP).div_euclid(TILE)
}

/// The weight of a tile at a row or column, in cells: less towards its ends.
fn ramp(at: f32, tile: i64) -> f32 {
    let from_middle = (at - (tile as f32 + 0.5) * TILE as f32).abs();
    let overlap = OVERLAP as f32;
    ((TILE as f32 / 2.0 + overlap - from_middle) / (2.0 * overlap)).clamp(0.01, 1.0)
}
