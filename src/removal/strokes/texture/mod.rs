//! Texture for fills, which Gaussians leave smooth.
//!
//! Joints, boards and roughcast go on behind a digit as they do beside it. So what lies about a
//! filled part is looked for nearby, shifted, where the background is clear and as light as the
//! fill; and what the photo has there beyond a fill from the same key pixels is laid on the part.
//! Where there is no such place for a part as a whole, each of its tiles gets one of its own, and what
//! is left gets grain.

mod tiles;

use std::{cell::OnceCell, collections::BTreeMap, ops::RangeInclusive};

use super::{
    grain,
    levels::{self, LEAST_WEIGHT, Level},
};
use crate::{
    photo::{BoxInPhoto, Mask, Photo, Planes},
    removal::{
        colour::to_light_and_colours,
        options::{TEXTURE_REACH, cell_side},
        stroke_reach,
    },
};

/// Cells about a part that a shift must fit.
const RING: usize = 6;

/// Cells in row and column that share a mean, from which texture differs.
const COARSE: usize = 8;

/// Texture about a part whose mean square is below this, as a difference of samples 0 to 1, is noise
/// and needs no place to come from.
const LEAST_ENERGY: f32 = (2.0 / 255.0) * (2.0 / 255.0);

/// How far a place's smooth background may differ from the fill, as the root of the mean square.
const TONE: f32 = 8.0 / 255.0;

/// The least share of the mean square of the texture about a part that the middle one of its cells
/// has: where a few have it all, there is an edge and no texture.
const EVENNESS: f32 = 0.25;

/// How strong a place's texture is, as a mean square in shares of that about the part. What is
/// weaker shows that only an edge beside the part goes on, such as a plate's; what is stronger, that
/// there is a thing on the wall, or a digit that nobody boxed.
const STRENGTH: RangeInclusive<f32> = 0.6..=2.0;

/// A cell with more texture than so many times the most about the part is such a thing, too.
const STANDS_OUT: f32 = 2.0;

/// What shifts are judged by besides the distance of textures, which is 0 for the same and 2 for
/// strangers: the square of the tone's difference in shares of the texture about the part, and how
/// much stronger the place's texture is.
const TONE_COUNTS: f32 = 0.5;
const STRENGTH_COUNTS: f32 = 0.3;

/// A place that costs more, or whose texture correlates less with that about the part, has nothing to
/// do with it.
const MOST_COST: f32 = 2.0;
const LEAST_CORRELATION: f32 = 0.25;

/// Texture goes on behind a part where, between its strokes, it has this share of its mean square
/// about the part: less shows that there is a plate, and more what is left of the strokes. Where fewer
/// than so many cells lie between, it is told by how even the texture is ([`Wall::evenness`]).
const BETWEEN: RangeInclusive<f32> = 0.7..=1.15;
const LEAST_BETWEEN: usize = 40;
const EVEN_ALONE: f32 = 0.6;

/// A pattern's texture has at least this mean square and evenness, and correlates so well with itself
/// at some shift.
const LEAST_PATTERN: f32 = (8.0 / 255.0) * (8.0 / 255.0);
const EVEN_PATTERN: f32 = 0.15;
const LEAST_REPEAT: f32 = 0.4;

/// The least mean square of a wall with lines.
const LEAST_LINES: f32 = (4.0 / 255.0) * (4.0 / 255.0);

/// Roughcast is weaker and more even.
const LEAST_ROUGHCAST: f32 = (3.0 / 255.0) * (3.0 / 255.0);
const EVEN_ROUGHCAST: f32 = 0.45;

/// Cells in row and column of the blocks by which it is told how even texture is.
const BLOCK: usize = 8;

/// The share of the cells about a part that must have a counterpart.
const LEAST_COMMON: f32 = 0.6;

/// Shifts are tried in steps of so many cells with so many cells of a part and as many about it;
/// then the best few, and those between them, with all cells.
const STEP: usize = 2;
const SAMPLES: usize = 192;
const FINALISTS: usize = 4;

/// Pixels about a part from which what is behind it is told.
const CONTEXT: usize = 9;

/// A fill without texture, and what it was told from.
pub(super) struct Smooth<'a> {
    pub(super) area: BoxInPhoto,
    /// Of the area, as light and colours.
    pub(super) planes: &'a Planes,
    /// The fill, likewise.
    pub(super) filled: &'a [f32],
    /// How much each pixel counts as a key pixel.
    pub(super) weights: &'a [f32],
    /// Which pixels are clear background.
    pub(super) background: &'a Mask,
    /// Which are filled, at least in part.
    pub(super) changed: &'a Mask,
}

/// What is to be added to a fill's samples. `grain`, 0 to 1, is how much of the grain is laid on, and
/// the least of what is laid on of textures. No pixel in `boxes` lends any texture but what the fill
/// knows as background.
pub(super) fn texture(
    photo: &Photo,
    smooth: &Smooth<'_>,
    boxes: &[BoxInPhoto],
    grain: f32,
) -> Vec<f32> {
    let mut texture = vec![0.0; smooth.planes.samples.len()];
    if grain <= 0.0 {
        return texture;
    }
    let near = Wall::about(photo, smooth, boxes, RING + COARSE);
    let wide = OnceCell::new();
    let mut grained = Vec::new();
    for part in smooth.changed.components() {
        // Most walls are plain, which shows right beside a part.
        let energies = near.about_part(smooth, &part).energies;
        if !energies.textured && energies.mean < near.channels() as f32 * LEAST_LINES {
            grained.extend(part);
            continue;
        }
        let wall = wide.get_or_init(|| Wall::about(photo, smooth, boxes, TEXTURE_REACH));
        let cells = wall.about_part(smooth, &part);
        match wall.best_shift(&cells) {
            Some(Match { shift, correlation, .. }) => {
                // The correlation itself would come closest to the truth, and look flat.
                let share = (1.5 * correlation).clamp(grain, 1.0);
                wall.lend(smooth, &part, shift, |at, difference| {
                    texture[at] = share * difference;
                });
            }
            None => match wall.texture_about(&cells) {
                Some(kind) => {
                    let left = tiles::lend(wall, smooth, &part, kind, &mut texture);
                    grained.extend(left);
                }
                None => grained.extend(part),
            },
        }
    }
    if !grained.is_empty() {
        let laid = grain::grain(smooth.planes, smooth.background, &grained);
        texture.iter_mut().zip(laid).for_each(|(texture, laid)| *texture += grain * laid);
    }
    texture
}

/// What is about a fill, as far as texture may come from.
struct Wall {
    area: BoxInPhoto,
    /// As light and colours.
    planes: Planes,
    /// Which pixels are clear background.
    background: Vec<bool>,
    /// Pixels in row and column of a cell.
    side: usize,
    rows: usize,
    columns: usize,
    /// Which cells are background as a whole.
    clear: Vec<bool>,
    /// A plane for each of the channels that count, of the cells' smooth background.
    smooth: Vec<f32>,
    /// How far the cells differ from it, 0 where they are not clear.
    texture: Vec<f32>,
}

/// The cells of a part and those about it.
struct Cells {
    of_part: Vec<Cell>,
    about: Vec<Cell>,
    /// Of the texture about the part.
    energies: Energies,
}

/// The [`energy`] of cells' texture.
struct Energies {
    mean: f32,
    /// Of the middle one.
    middle: f32,
    most: f32,
    /// Whether it is texture at all, and not noise or an edge.
    textured: bool,
}

impl Energies {
    fn of(mut energies: Vec<f32>, channels: usize) -> Self {
        energies.sort_by(f32::total_cmp);
        let mean = energies.iter().sum::<f32>() / energies.len().max(1) as f32;
        let middle = energies.get(energies.len() / 2).copied().unwrap_or(0.0);
        let most = energies.last().copied().unwrap_or(0.0);
        let least = channels as f32 * LEAST_ENERGY;
        Energies { mean, middle, most, textured: mean >= least && middle >= EVENNESS * mean }
    }
}

/// A cell with what a shift must fit: the fill in a part, the texture about it.
struct Cell {
    row: i64,
    column: i64,
    samples: [f32; 3],
}

/// Texture that tiles take up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It repeats, as brick and boards do: tiles must fit.
    Pattern,
    /// It does not, and nobody sees where one piece ends.
    Roughcast,
    /// A few lines on a plain wall, such as the joints of boards: tiles must fit well.
    Lines,
}

impl Kind {
    /// How far what is about a tile may be from what is about its place, as a mean square in shares of
    /// the variance (2 is for strangers): tiles that nothing fits by the first are tried again by the
    /// next, when there is more about them.
    fn distances(self) -> &'static [f32] {
        match self {
            Kind::Pattern => &[0.8, 1.2, 1.6],
            Kind::Roughcast => &[1.6, 2.4],
            Kind::Lines => &[0.2, 0.4],
        }
    }
}

/// Of the texture about a part and of that at a shift: the sums of squares and of products.
struct Sums {
    here: f32,
    there: f32,
    both: f32,
}

/// How well a shift, of rows and columns of cells, fits.
#[derive(Clone, Copy, Debug)]
struct Match {
    shift: (i64, i64),
    /// Smaller is better.
    cost: f32,
    correlation: f32,
}

impl Wall {
    /// As far as `reach` cells beyond the fill's area.
    fn about(photo: &Photo, smooth: &Smooth<'_>, boxes: &[BoxInPhoto], reach: usize) -> Self {
        let inner = smooth.area;
        let near: Vec<BoxInPhoto> = boxes.iter().filter(|b| b.within(&inner, 0)).copied().collect();
        let side = cell_side(&near);
        let area = inner.grown((reach * side) as u32, photo.size());
        let mut planes = photo.planes(area);
        let [height, width, channels] = [planes.height, planes.width, planes.channels];
        if channels >= 3 {
            to_light_and_colours(&mut planes.samples, height * width);
        }
        let mut background = vec![true; height * width];
        let mut set = |part: &BoxInPhoto, to: &dyn Fn(u32, u32) -> bool| {
            for y in part.top.max(area.top)..part.bottom().min(area.bottom()) {
                for x in part.left.max(area.left)..part.right().min(area.right()) {
                    background[(y - area.top) as usize * width + (x - area.left) as usize] =
                        to(y, x);
                }
            }
        };
        boxes.iter().for_each(|b| set(&stroke_reach(b), &|_, _| false));
        let columns = inner.width as usize;
        set(&inner, &|y, x| {
            smooth.background[(y - inner.top) as usize * columns + (x - inner.left) as usize]
        });
        let weights = background.iter().map(|it| if *it { 1.0 } else { LEAST_WEIGHT }).collect();
        // Lent to the level and taken back: they may be a hundred megabytes.
        let values = std::mem::take(&mut planes.samples);
        let of_pixels = Level { rows: height, columns: width, weights, values };
        let mut cells = of_pixels.clustered(side);
        planes.samples = of_pixels.values;
        let [rows, columns] = [cells.rows, cells.columns];
        // Transparency is no texture.
        let counted = if channels >= 3 { 3 } else { 1 };
        cells.values.truncate(counted * rows * columns);
        let mut clear = vec![true; rows * columns];
        for (i, background) in background.iter().enumerate() {
            clear[i / width / side * columns + i % width / side] &= background;
        }
        let mut coarse = levels::fold_in(cells.clustered(COARSE), &mut |_, _| {});
        let mut finer = COARSE;
        while finer > 1 {
            finer /= 2;
            let size @ [rows, columns] = [rows.div_ceil(finer), columns.div_ceil(finer)];
            let values = coarse.between(size);
            coarse = Level { rows, columns, weights: vec![1.0; rows * columns], values };
        }
        let differences = cells.values.iter().zip(&coarse.values).zip(clear.iter().cycle());
        let texture = differences
            .map(|((value, mean), clear)| if *clear { value - mean } else { 0.0 })
            .collect();
        Wall {
            area,
            planes,
            background,
            side,
            rows,
            columns,
            clear,
            smooth: coarse.values,
            texture,
        }
    }

    /// How many channels count.
    fn channels(&self) -> usize {
        self.smooth.len() / self.clear.len()
    }

    /// Of a plane for each channel that counts, a cell's samples.
    fn samples(&self, planes: &[f32], cell: usize) -> [f32; 3] {
        let mut samples = [0.0; 3];
        for (sample, plane) in samples.iter_mut().zip(planes.chunks_exact(self.clear.len())) {
            *sample = plane[cell];
        }
        samples
    }

    /// How far the fill's first pixel lies from the wall's, in rows and columns.
    fn origin(&self, area: BoxInPhoto) -> (usize, usize) {
        ((area.top - self.area.top) as usize, (area.left - self.area.left) as usize)
    }

    /// The cell, as row and column, of a pixel of the fill.
    fn cell_of(&self, smooth: &Smooth<'_>, pixel: usize) -> (usize, usize) {
        let (top, left) = self.origin(smooth.area);
        let width = smooth.planes.width;
        ((pixel / width + top) / self.side, (pixel % width + left) / self.side)
    }

    fn about_part(&self, smooth: &Smooth<'_>, part: &[usize]) -> Cells {
        let pixels = smooth.background.len();
        let mut is_part = vec![false; self.clear.len()];
        let mut of_part: Vec<Cell> = Vec::new();
        for &i in part {
            let (row, column) = self.cell_of(smooth, i);
            let cell = &mut is_part[row * self.columns + column];
            if !*cell {
                *cell = true;
                // One pixel stands for its cell, as the fill is smooth.
                let mut samples = [0.0; 3];
                for (c, sample) in samples.iter_mut().enumerate().take(self.channels()) {
                    *sample = smooth.filled[c * pixels + i];
                }
                of_part.push(Cell { row: row as i64, column: column as i64, samples });
            }
        }
        let around = |at: i64, limit: usize| {
            (at as usize).saturating_sub(RING)..(at as usize + RING + 1).min(limit)
        };
        let mut is_about = vec![false; self.clear.len()];
        for cell in &of_part {
            for row in around(cell.row, self.rows) {
                let columns = around(cell.column, self.columns);
                is_about[row * self.columns..][columns].fill(true);
            }
        }
        let about: Vec<Cell> = (0..self.clear.len())
            .filter(|&i| is_about[i] && self.clear[i])
            .map(|i| Cell {
                row: (i / self.columns) as i64,
                column: (i % self.columns) as i64,
                samples: self.samples(&self.texture, i),
            })
            .collect();
        let energies = about.iter().map(|cell| energy(&cell.samples)).collect();
        let energies = Energies::of(energies, self.channels());
        Cells { of_part, about, energies }
    }

    /// The shift to the place whose texture goes on best, if any does.
    fn best_shift(&self, cells: &Cells) -> Option<Match> {
        if !cells.energies.textured {
            return None;
        }
        let every = cells.of_part.len().max(cells.about.len()).div_ceil(SAMPLES);
        let mut found: Vec<Match> =
            shifts().filter_map(|shift| self.fit(cells, shift, every)).collect();
        let by_cost = |a: &Match, b: &Match| a.cost.total_cmp(&b.cost);
        found.sort_by(by_cost);
        let finer = found.iter().take(FINALISTS).flat_map(|of| between_steps(of.shift));
        let best = finer.filter_map(|shift| self.fit(cells, shift, 1)).min_by(by_cost)?;
        (best.cost <= MOST_COST && best.correlation >= LEAST_CORRELATION).then_some(best)
    }

    /// What kind of texture is about a part, if it goes on behind it.
    fn texture_about(&self, cells: &Cells) -> Option<Kind> {
        let cell_energy = |cell: &Cell| energy(&cell.samples);
        let number = |cell: &Cell| cell.row as usize * self.columns + cell.column as usize;
        let evenness = self.evenness(cells.about.iter().map(|it| (number(it), cell_energy(it))));
        let range = |of: fn(&Cell) -> i64| {
            let places = || cells.of_part.iter().map(of);
            Some(places().min()?..=places().max()?)
        };
        let (rows, columns) = (range(|cell| cell.row)?, range(|cell| cell.column)?);
        let is_between = |cell: &&Cell| rows.contains(&cell.row) && columns.contains(&cell.column);
        let between: Vec<f32> = cells.about.iter().filter(is_between).map(cell_energy).collect();
        let goes_on = if between.len() < LEAST_BETWEEN {
            evenness >= EVEN_ALONE
        } else {
            let mean = between.iter().sum::<f32>() / between.len() as f32;
            BETWEEN.contains(&(mean / cells.energies.mean))
        };
        if !goes_on {
            return None;
        }
        let strength = cells.energies.mean / self.channels() as f32;
        if !cells.energies.textured {
            // Told by what lies between strokes alone: about a part that has nothing there, lines may
            // be a plate's edges.
            return (between.len() >= LEAST_BETWEEN && strength >= LEAST_LINES)
                .then_some(Kind::Lines);
        }
        if strength < LEAST_PATTERN {
            return (strength >= LEAST_ROUGHCAST && evenness >= EVEN_ROUGHCAST)
                .then_some(Kind::Roughcast);
        }
        let every = cells.about.len().div_ceil(4 * SAMPLES);
        let apart = |(down, across): &(i64, i64)| down.abs().max(across.abs()) >= RING as i64;
        let repeats = evenness >= EVEN_PATTERN
            && shifts().filter(apart).any(|shift| {
                self.correlation(&cells.about, shift, every).is_some_and(|it| it >= LEAST_REPEAT)
            });
        repeats.then_some(Kind::Pattern)
    }

    /// How much texture all but a sixth of the blocks of cells have, in shares of the mean. Cells are
    /// told by their number, with the [`energy`] of their texture.
    fn evenness(&self, cells: impl Iterator<Item = (usize, f32)>) -> f32 {
        let mut blocks: BTreeMap<(usize, usize), (f32, usize)> = BTreeMap::new();
        let (mut sum, mut count) = (0.0, 0.0);
        for (cell, energy) in cells {
            let at = (cell / self.columns / BLOCK, cell % self.columns / BLOCK);
            let (in_block, cells) = blocks.entry(at).or_default();
            *in_block += energy;
            *cells += 1;
            sum += energy;
            count += 1.0;
        }
        let of_many = blocks.values().filter(|(_, cells)| 5 * cells >= BLOCK * BLOCK);
        let mut means: Vec<f32> = of_many.map(|(sum, cells)| sum / *cells as f32).collect();
        means.sort_by(f32::total_cmp);
        means.get(means.len() / 6).map_or(0.0, |mean| mean * count / sum)
    }

    /// The cell that lies so many rows and columns from another and is background as a whole.
    fn lender(&self, cell: &Cell, (down, across): (i64, i64)) -> Option<usize> {
        let (row, column) = (cell.row + down, cell.column + across);
        let inside =
            (0..self.rows as i64).contains(&row) && (0..self.columns as i64).contains(&column);
        let at = inside.then(|| row as usize * self.columns + column as usize)?;
        self.clear[at].then_some(at)
    }

    /// How the texture of `every` so many cells correlates with that at a shift; none where too few
    /// have a counterpart.
    fn correlation(&self, about: &[Cell], shift: (i64, i64), every: usize) -> Option<f32> {
        let Sums { here, there, both } = self.sums(about, shift, every)?;
        Some(both / (here * there).sqrt())
    }

    /// The sums of squares of the texture of `every` so many cells and of that at a shift, and of the
    /// products of both; none where too few have a counterpart.
    fn sums(&self, about: &[Cell], shift: (i64, i64), every: usize) -> Option<Sums> {
        let (mut here, mut there, mut both, mut common) = (0.0, 0.0, 0.0, 0);
        for cell in about.iter().step_by(every) {
            if let Some(at) = self.lender(cell, shift) {
                let lent = self.samples(&self.texture, at);
                here += energy(&cell.samples);
                there += energy(&lent);
                both += (0..3).map(|c| cell.samples[c] * lent[c]).sum::<f32>();
                common += 1;
            }
        }
        let all = about.len().div_ceil(every);
        let enough = common as f32 >= LEAST_COMMON * all as f32;
        (enough && here > 0.0 && there > 0.0).then_some(Sums { here, there, both })
    }

    /// How well a shift fits `every` so many of the cells; none where it must not lend.
    fn fit(&self, cells: &Cells, shift: (i64, i64), every: usize) -> Option<Match> {
        let count = cells.of_part.len().div_ceil(every) as f32;
        let most_tone = count * self.channels() as f32 * TONE * TONE;
        let most_strength = count * STRENGTH.end() * cells.energies.mean;
        let most_lent = STANDS_OUT * cells.energies.most;
        let (mut tone, mut strength) = (0.0, 0.0);
        for cell in cells.of_part.iter().step_by(every) {
            let at = self.lender(cell, shift)?;
            let smooth = self.samples(&self.smooth, at);
            tone += energy(&[0, 1, 2].map(|c| smooth[c] - cell.samples[c]));
            let lent = energy(&self.samples(&self.texture, at));
            strength += lent;
            if tone > most_tone || strength > most_strength || lent > most_lent {
                return None;
            }
        }
        let [tone, strength] = [tone / count, strength / count / cells.energies.mean];
        if !STRENGTH.contains(&strength) {
            return None;
        }
        let Sums { here, there, both } = self.sums(&cells.about, shift, every)?;
        let cost = (here - 2.0 * both + there) / here
            + TONE_COUNTS * tone / cells.energies.mean
            + STRENGTH_COUNTS * (strength - 1.0).max(0.0);
        let correlation = both / (here * there).sqrt();
        Some(Match { shift, cost, correlation })
    }

    /// Calls `lay` with each sample of a part and with how far the photo at the shifted place
    /// differs from what the same key pixels tell of it.
    fn lend(
        &self,
        smooth: &Smooth<'_>,
        part: &[usize],
        (down, across): (i64, i64),
        mut lay: impl FnMut(usize, f32),
    ) {
        let (height, width) = (smooth.planes.height, smooth.planes.width);
        let bounds = |of: &dyn Fn(usize) -> usize, limit: usize| {
            let places = || part.iter().map(|&i| of(i));
            let (low, high) = (places().min().unwrap_or(0), places().max().unwrap_or(0));
            low.saturating_sub(CONTEXT)..(high + CONTEXT + 1).min(limit)
        };
        let (rows, columns) = (bounds(&|i| i / width, height), bounds(&|i| i % width, width));
        let (top, left) = self.origin(smooth.area);
        let side = self.side as i64;
        let shifted = |at: usize, origin: usize, by: i64, limit: usize| {
            let to = (at + origin) as i64 + by * side;
            (0..limit as i64).contains(&to).then_some(to as usize)
        };
        let size @ [of_rows, of_columns] = [rows.len(), columns.len()];
        let mut place = Level {
            rows: of_rows,
            columns: of_columns,
            weights: vec![LEAST_WEIGHT; of_rows * of_columns],
            values: vec![0.0; of_rows * of_columns * self.planes.channels],
        };
        for (i, weight) in place.weights.iter_mut().enumerate() {
            let (y, x) = (rows.start + i / of_columns, columns.start + i % of_columns);
            let from = shifted(y, top, down, self.planes.height)
                .zip(shifted(x, left, across, self.planes.width))
                .map(|(y, x)| y * self.planes.width + x);
            let Some(from) = from else { continue };
            if self.background[from] {
                *weight = smooth.weights[y * width + x].clamp(LEAST_WEIGHT, 1.0);
            }
            for c in 0..self.planes.channels {
                place.values[c * size[0] * size[1] + i] =
                    self.planes.samples[c * self.background.len() + from];
            }
        }
        let photo = place.values.clone();
        let told = levels::fold_in(place.clustered(2), &mut |_, _| {}).between(size);
        place.completed(&told);
        for &i in part {
            let at = (i / width - rows.start) * of_columns + i % width - columns.start;
            for c in 0..self.planes.channels {
                let at = c * of_rows * of_columns + at;
                lay(c * height * width + i, photo[at] - place.values[at]);
            }
        }
    }
}

/// The shifts that are tried first, in steps, as rows and columns of cells.
fn shifts() -> impl Iterator<Item = (i64, i64)> {
    let reach = TEXTURE_REACH as i64;
    let steps = move || (-reach..=reach).step_by(STEP);
    steps().flat_map(move |down| steps().map(move |across| (down, across)))
}

/// A shift and those between it and the next ones.
fn between_steps((down, across): (i64, i64)) -> impl Iterator<Item = (i64, i64)> {
    let between = || -(STEP as i64 - 1)..STEP as i64;
    between().flat_map(move |y| between().map(move |x| (down + y, across + x)))
}

/// The sum of squares.
fn energy(samples: &[f32; 3]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::PhotoSize;

    const SIZE: PhotoSize = PhotoSize { width: 180, height: 130 };
    /// A black digit.
    const DIGIT: BoxInPhoto = BoxInPhoto { left: 80, top: 50, width: 20, height: 30 };

    /// Courses of bricks with soft light joints.
    fn brick(x: u32, y: u32) -> f32 {
        let joint = |at: u32, period: u32| {
            (std::f32::consts::TAU * (at % period) as f32 / period as f32).cos()
        };
        0.6 + 0.12 * joint(y, 11) + 0.08 * joint(x + 12 * (y / 11 % 2), 24)
    }

    /// The pixels of a digit, as column and row.
    fn pixels(digit: BoxInPhoto) -> impl Iterator<Item = (u32, u32)> {
        let rows = digit.top..digit.bottom();
        rows.flat_map(move |y| (digit.left..digit.right()).map(move |x| (x, y)))
    }

    /// The fill of the digit's pixels and what is added to it, light alone.
    fn added(wall: impl Fn(u32, u32) -> f32, boxes: &[BoxInPhoto]) -> Vec<(f32, f32)> {
        added_to(DIGIT, wall, boxes)
    }

    /// The same of any digit that is a black box.
    fn added_to(
        black: BoxInPhoto,
        wall: impl Fn(u32, u32) -> f32,
        boxes: &[BoxInPhoto],
    ) -> Vec<(f32, f32)> {
        let digit = |x: u32, y: u32| black.contains(x, y);
        let all = (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| (x, y)));
        let samples: Vec<u8> = all
            .flat_map(|(x, y)| {
                let sample = if digit(x, y) { 0.0 } else { 255.0 * wall(x, y) };
                [sample.round() as u8; 3]
            })
            .collect();
        let photo = Photo::from_rgb8(SIZE, samples).expect("a photo");
        let area = black.grown(9, SIZE);
        let mut planes = photo.planes(area);
        let count = planes.height * planes.width;
        to_light_and_colours(&mut planes.samples, count);
        let inner =
            (area.top..area.bottom()).flat_map(|y| (area.left..area.right()).map(move |x| (x, y)));
        let flags: Vec<bool> = inner.map(|(x, y)| digit(x, y)).collect();
        let changed = Mask::from_fn(planes.width, planes.height, |i| flags[i]);
        let background = Mask::from_fn(planes.width, planes.height, |i| !flags[i]);
        let weights: Vec<f32> = background.iter().map(|it| f32::from(u8::from(*it))).collect();
        let mut filled = Level {
            rows: planes.height,
            columns: planes.width,
            weights: weights.iter().map(|weight| weight.max(LEAST_WEIGHT)).collect(),
            values: planes.samples.clone(),
        };
        let told = levels::fold_in(filled.clustered(2), &mut |_, _| {});
        filled.completed(&told.between([planes.height, planes.width]));
        let filled = filled.values;
        let smooth = Smooth {
            area,
            planes: &planes,
            filled: &filled,
            weights: &weights,
            background: &background,
            changed: &changed,
        };
        let texture = texture(&photo, &smooth, boxes, 0.6);
        assert!((0..3 * count).all(|i| changed[i % count] || texture[i] == 0.0));
        (0..count).filter(|i| changed[*i]).map(|i| (filled[i], texture[i])).collect()
    }

    /// The squares of the distance to the wall, with and without what is added.
    fn errors(
        digit: BoxInPhoto,
        wall: impl Fn(u32, u32) -> f32,
        added: &[(f32, f32)],
    ) -> (f32, f32) {
        let (mut with, mut without) = (0.0, 0.0);
        for ((x, y), (filled, added)) in pixels(digit).zip(added) {
            with += (filled + added - wall(x, y)).powi(2);
            without += (filled - wall(x, y)).powi(2);
        }
        (with, without)
    }

    #[test]
    fn joints_go_on_behind_a_digit() {
        let (with, without) = errors(DIGIT, brick, &added(brick, &[DIGIT]));
        assert!(with < 0.3 * without, "{with} {without}");
    }

    #[test]
    fn joints_go_on_behind_a_stroke_that_no_place_fits_as_a_whole() {
        let long = BoxInPhoto { left: 20, top: 55, width: 140, height: 16 };
        // Between these boxes tiles find a place, the stroke does not.
        let others = [20, 60, 100, 140].map(|left| [(left, 0), (left + 10, 92)]);
        let others = others.into_iter().flatten();
        let boxes: Vec<BoxInPhoto> = others
            .map(|(left, top)| BoxInPhoto { left, top, width: 8, height: 38 })
            .chain([long])
            .collect();
        let (with, without) = errors(long, brick, &added_to(long, brick, &boxes));
        assert!(with < 0.3 * without, "{with} {without}");
    }

    #[test]
    fn a_plain_plate_on_a_wall_stays_plain() {
        let plate = DIGIT.grown(14, SIZE);
        let wall = |x: u32, y: u32| {
            if plate.contains(x, y) { 0.9 } else { brick(x, y) }
        };
        let most = added(wall, &[DIGIT]).iter().map(|(_, added)| added.abs()).fold(0.0, f32::max);
        assert!(most < 0.02, "{most}");
    }

    #[test]
    fn things_on_the_wall_are_not_copied() {
        // Dark bars, each of which a shift by whole bricks would lay on the digit.
        let bar = |x: u32, y: u32| (x % 24).abs_diff(17) < 3 && y % 44 > 8;
        let wall = |x: u32, y: u32| {
            let near = DIGIT.grown(8, SIZE).contains(x, y);
            if bar(x, y) && !near { 0.05 } else { brick(x, y) }
        };
        let least = added(wall, &[DIGIT]).iter().map(|(_, added)| *added).fold(0.0, f32::min);
        assert!(least > -0.25, "{least}");
    }

    #[test]
    fn nothing_comes_from_other_boxes() {
        let boxes: Vec<BoxInPhoto> = (0..4)
            .flat_map(|row| (0..6).map(move |column| (30 * column, 34 * row)))
            .map(|(left, top)| BoxInPhoto { left, top, width: 26, height: 26 })
            .chain([DIGIT])
            .collect();
        let (with, without) = errors(DIGIT, brick, &added(brick, &boxes));
        assert!(with > 0.8 * without, "{with} {without}");
    }
}
