//! Texture for fills, which Gaussians leave smooth.
//!
//! Joints, boards and roughcast continue behind a digit. So for each filled part, a place nearby is
//! searched that looks like the part's surroundings, where the background is free of boxes and has
//! the fill's brightness. There the difference between the photo and a fill from the same key
//! pixels is taken, and added to the part. If no place fits the whole part, each of its tiles gets
//! a place of its own, and the rest gets grain.

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

/// A shift must fit the cells around a part, up to this distance in cells.
const RING: usize = 6;

/// Side in cells of the squares whose mean is taken; texture is the difference from it.
const COARSE: usize = 8;

/// If the mean square of the texture around a part is below this (samples are 0 to 1), it is noise,
/// and no place is searched for it.
const LEAST_ENERGY: f32 = (2.0 / 255.0) * (2.0 / 255.0);

/// How far a place's smooth background may differ from the fill, as a root mean square.
const MOST_TONE_DIFFERENCE: f32 = 8.0 / 255.0;

/// The median square of the texture around a part must be at least this share of the mean square.
/// Otherwise a few cells have nearly all of it: this is an edge, not texture.
const LEAST_EVENNESS: f32 = 0.25;

/// The allowed strength of a place's texture: its mean square divided by that around the part. If
/// it is weaker, only an edge beside the part is continued there, such as a plate's; if it is
/// stronger, there is a thing on the wall, or a digit without a box.
const STRENGTH: RangeInclusive<f32> = 0.6..=2.0;

/// A cell with more than this many times the strongest texture around the part is such a thing,
/// too.
const STANDS_OUT: f32 = 2.0;

/// The cost of a shift is the distance of textures, which is 0 for equal and 2 for unrelated ones.
/// To it are added, with these weights, the square of the tone's difference, divided by the texture
/// around the part, and how much stronger the place's texture is.
const TONE_WEIGHT: f32 = 0.5;
const STRENGTH_WEIGHT: f32 = 0.3;

/// A place with a higher cost, or a lower correlation with the texture around the part, is
/// rejected.
const MOST_COST: f32 = 2.0;
const LEAST_CORRELATION: f32 = 0.25;

/// Texture continues behind a part if its mean square between the strokes, divided by that around
/// the part, is in this range. Less shows that there is a plate, and more shows remains of the
/// strokes. If there are fewer cells than this between the strokes, the evenness of the texture
/// decides ([`Wall::evenness`]).
const BETWEEN_STRENGTH: RangeInclusive<f32> = 0.7..=1.15;
const LEAST_CELLS_BETWEEN: usize = 40;
const EVEN_ALONE: f32 = 0.6;

/// A pattern's texture has at least this mean square and evenness, and at some shift at least this
/// correlation with itself.
const LEAST_PATTERN: f32 = (8.0 / 255.0) * (8.0 / 255.0);
const EVEN_PATTERN: f32 = 0.15;
const LEAST_REPEAT: f32 = 0.4;

/// The height in pixels from which on boxes are filled by tiles. On smaller digits a tile is half a
/// digit, and shows more than a smooth fill.
const LEAST_TILED: u32 = 36;

/// Roughcast is weaker and more even.
const LEAST_ROUGHCAST: f32 = (3.0 / 255.0) * (3.0 / 255.0);
const EVEN_ROUGHCAST: f32 = 0.45;

/// Side in cells of the blocks by which the evenness of texture is measured.
const BLOCK: usize = 8;

/// The share of the cells around a part that must have a counterpart.
const LEAST_COUNTERPARTS: f32 = 0.6;

/// Shifts are first tried in steps of `STEP` cells, with `SAMPLES` cells of a part and as many
/// around it; then the best ones, and those next to them, with all cells.
const STEP: usize = 2;
const SAMPLES: usize = 192;
const FINALISTS: usize = 4;

/// Up to this many pixels around a part, its background is predicted from them.
const CONTEXT: usize = 9;

/// A fill without texture, and what it was computed from.
pub(super) struct Smooth<'a> {
    pub(super) area: BoxInPhoto,
    /// The planes of the area, as light and colours.
    pub(super) planes: &'a Planes,
    /// The fill, likewise.
    pub(super) filled: &'a [f32],
    /// Each pixel's weight as a key pixel.
    pub(super) weights: &'a [f32],
    /// Which pixels are surely background.
    pub(super) background: &'a Mask,
    /// Which pixels are filled, at least in part.
    pub(super) changed: &'a Mask,
}

/// The values to add to a fill's samples. `grain`, 0 to 1, is the share of grain that is added, and
/// the smallest share of texture that is added. From pixels in `boxes`, texture is taken only if
/// the fill knows them as background.
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
    let own = boxes.iter().filter(|b| b.within(&smooth.area, 0));
    let is_tiled = own.map(|b| b.height).max().unwrap_or(0) >= LEAST_TILED;
    let mut grained = Vec::new();
    for part in smooth.changed.components() {
        // Most walls are plain, which can be seen right beside a part.
        if !near.about_part(smooth, &part).energies.textured {
            grained.extend(part);
            continue;
        }
        let wall = wide.get_or_init(|| Wall::about(photo, smooth, boxes, TEXTURE_REACH));
        let cells = wall.about_part(smooth, &part);
        match wall.best_shift(&cells) {
            Some(Match { shift, correlation, .. }) => {
                // The correlation itself would come closest to the truth, but look flat.
                let share = (1.5 * correlation).clamp(grain, 1.0);
                wall.lend(smooth, &part, shift, |at, difference| {
                    texture[at] = share * difference;
                });
            }
            None => match wall.texture_about(&cells).filter(|_| is_tiled) {
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

/// The wall around a fill, as far as texture may be taken from it.
struct Wall {
    area: BoxInPhoto,
    /// As light and colours.
    planes: Planes,
    /// Which pixels are surely background.
    background: Vec<bool>,
    /// Side of a cell in pixels.
    side: usize,
    rows: usize,
    columns: usize,
    /// Which cells are completely background.
    clear: Vec<bool>,
    /// The cells' smooth background, a plane for each channel that counts.
    smooth: Vec<f32>,
    /// The cells' difference from it, 0 for cells that are not clear.
    texture: Vec<f32>,
}

/// The cells of a part and those around it.
struct Cells {
    of_part: Vec<Cell>,
    about: Vec<Cell>,
    /// The energies of the texture around the part.
    energies: Energies,
}

/// The [`energy`] of cells' texture.
struct Energies {
    mean: f32,
    /// Of the middle one.
    middle: f32,
    most: f32,
    /// Whether it is texture, and not noise or an edge.
    textured: bool,
}

impl Energies {
    fn of(mut energies: Vec<f32>, channels: usize) -> Self {
        energies.sort_by(f32::total_cmp);
        let mean = energies.iter().sum::<f32>() / energies.len().max(1) as f32;
        let middle = energies.get(energies.len() / 2).copied().unwrap_or(0.0);
        let most = energies.last().copied().unwrap_or(0.0);
        let least = channels as f32 * LEAST_ENERGY;
        Energies { mean, middle, most, textured: mean >= least && middle >= LEAST_EVENNESS * mean }
    }
}

/// A cell with what a shift must fit: in a part the fill, around it the texture.
struct Cell {
    row: i64,
    column: i64,
    samples: [f32; 3],
}

/// Kinds of texture that are continued by tiles.
#[derive(Clone, Copy)]
enum Kind {
    /// It repeats, like brick and boards: tiles must fit.
    Pattern,
    /// It does not repeat, and the ends of pieces are invisible.
    Roughcast,
}

impl Kind {
    /// How much the surroundings of a tile may differ from those of its place, as a mean square
    /// divided by the variance (2 for unrelated ones). Tiles that nothing fits within the first
    /// limit are tried again with the next one, when more tiles around them are filled.
    fn distances(self) -> &'static [f32] {
        match self {
            Kind::Pattern => &[0.8, 1.2, 1.6],
            Kind::Roughcast => &[1.6, 2.4],
        }
    }
}

/// The sums of squares and of products of the texture around a part and that at a shift.
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
    /// The wall up to `reach` cells beyond the fill's area.
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
        // Moved into the level and back, because they may have a hundred megabytes.
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

    /// The number of channels that count.
    fn channels(&self) -> usize {
        self.smooth.len() / self.clear.len()
    }

    /// A cell's samples, of planes for each channel that counts.
    fn samples(&self, planes: &[f32], cell: usize) -> [f32; 3] {
        let mut samples = [0.0; 3];
        for (sample, plane) in samples.iter_mut().zip(planes.chunks_exact(self.clear.len())) {
            *sample = plane[cell];
        }
        samples
    }

    /// The distance of the fill's first pixel from the wall's, in rows and columns.
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
                // One pixel represents its cell, because the fill is smooth.
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

    /// The shift to the place whose texture fits best, if any does.
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

    /// The kind of texture around a part, if it continues behind the part.
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
        let goes_on = if between.len() < LEAST_CELLS_BETWEEN {
            evenness >= EVEN_ALONE
        } else {
            let mean = between.iter().sum::<f32>() / between.len() as f32;
            BETWEEN_STRENGTH.contains(&(mean / cells.energies.mean))
        };
        if !cells.energies.textured || !goes_on {
            return None;
        }
        let strength = cells.energies.mean / self.channels() as f32;
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

    /// The texture that all but a sixth of the blocks of cells reach, divided by the mean. Cells
    /// are given by number, with the [`energy`] of their texture.
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

    /// The cell at this distance in rows and columns from another, if it is completely background.
    fn lender(&self, cell: &Cell, (down, across): (i64, i64)) -> Option<usize> {
        let (row, column) = (cell.row + down, cell.column + across);
        let inside =
            (0..self.rows as i64).contains(&row) && (0..self.columns as i64).contains(&column);
        let at = inside.then(|| row as usize * self.columns + column as usize)?;
        self.clear[at].then_some(at)
    }

    /// The correlation of the texture of every `every`-th cell with that at a shift; `None` if too
    /// few have a counterpart.
    fn correlation(&self, about: &[Cell], shift: (i64, i64), every: usize) -> Option<f32> {
        let Sums { here, there, both } = self.sums(about, shift, every)?;
        Some(both / (here * there).sqrt())
    }

    /// The sums of squares of the texture of every `every`-th cell and of that at a shift, and of
    /// the products of both; `None` if too few have a counterpart.
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
        let enough = common as f32 >= LEAST_COUNTERPARTS * all as f32;
        (enough && here > 0.0 && there > 0.0).then_some(Sums { here, there, both })
    }

    /// How well a shift fits every `every`-th cell; `None` if no texture may be taken from there.
    fn fit(&self, cells: &Cells, shift: (i64, i64), every: usize) -> Option<Match> {
        let count = cells.of_part.len().div_ceil(every) as f32;
        let most_tone =
            count * self.channels() as f32 * MOST_TONE_DIFFERENCE * MOST_TONE_DIFFERENCE;
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
            + TONE_WEIGHT * tone / cells.energies.mean
            + STRENGTH_WEIGHT * (strength - 1.0).max(0.0);
        let correlation = both / (here * there).sqrt();
        Some(Match { shift, cost, correlation })
    }

    /// Calls `lay` with each sample of a part, and with the difference at the shifted place between
    /// the photo and the fill from the same key pixels.
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

/// A shift and those between it and the next steps.
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

    /// The fill of the digit's pixels and the texture added to it, for light only.
    fn added(wall: impl Fn(u32, u32) -> f32, boxes: &[BoxInPhoto]) -> Vec<(f32, f32)> {
        added_to(DIGIT, wall, boxes)
    }

    /// The same for any digit that is a black box.
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

    /// The squared distance to the wall, with and without the added texture.
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
        let long = BoxInPhoto { left: 20, top: 48, width: 140, height: LEAST_TILED };
        // Between these boxes there is a place for tiles, but not for the whole stroke.
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
        // Dark bars, each of which a shift by whole bricks would copy onto the digit.
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
