//! Texture for fills, which Gaussians leave smooth.
//!
//! Joints, boards and roughcast go on behind a digit, so where the wall around a fill has any
//! structure, the fill is completed from the wall, patch by patch (`completion`). Elsewhere it gets
//! grain.

mod completion;

use self::completion::{SCALES, completion};
use super::{
    grain,
    levels::{LEAST_WEIGHT, Level},
};
use crate::{
    photo::{BoxInPhoto, Mask, Photo, Planes},
    removal::{
        colour::to_light_and_colours,
        options::{TEXTURE_REACH, cell_side},
        stroke_reach,
    },
};

/// Side in cells of the squares whose mean is taken; texture is the difference from it.
const COARSE: usize = 8;

/// A cell's surroundings reach up to this many cells away: over a stroke's other side.
const STRUCTURE_REACH: usize = 10;

/// The root mean square of the texture around a cell (samples are 0 to 1) up to which a wall counts
/// as plain, and from which on as full of structure; and, because a stroke may hide the edge of two
/// plain walls, the same for the standard deviation of the colours, which is higher in light that
/// changes slowly.
const STRUCTURE: [f32; 2] = [2.0 / 255.0, 4.0 / 255.0];
const EDGE: [f32; 2] = [8.0 / 255.0, 16.0 / 255.0];

/// The height of digits in pixels up to which no fill is completed, and from which on it is
/// completely. On smaller ones, which are mostly out of focus, the pieces of a wall would remind of
/// digits more than a smooth fill does.
const COMPLETED_HEIGHT: [f32; 2] = [40.0, 64.0];

/// A fill without texture, and what it was computed from.
pub(super) struct Smooth<'a> {
    pub(super) area: BoxInPhoto,
    /// The planes of the area, as light and colours.
    pub(super) planes: &'a Planes,
    /// The fill, likewise.
    pub(super) filled: &'a [f32],
    /// Which pixels are surely background.
    pub(super) background: &'a Mask,
    /// Which pixels are filled, at least in part.
    pub(super) changed: &'a Mask,
    /// Which of those are filled for the most part.
    pub(super) hole: &'a Mask,
}

/// The values to add to a fill's samples. `grain`, 0 to 1, is the share of grain that is added
/// where the wall is plain; without grain nothing is added at all. Texture is taken from pixels in
/// `boxes` only if the fill knows them as background.
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
    let pixels = smooth.changed.len();
    let mut completed = to_complete(photo, smooth, boxes);
    if completed.iter().any(|share| *share > 0.0) {
        let wall = Wall::about(photo, smooth, boxes, TEXTURE_REACH);
        match completion(&wall, smooth) {
            Some(difference) => {
                for (i, (texture, difference)) in texture.iter_mut().zip(difference).enumerate() {
                    *texture = completed[i % pixels] * difference;
                }
            }
            None => completed.fill(0.0),
        }
    }
    let rest: Vec<usize> =
        (0..pixels).filter(|&i| smooth.changed[i] && completed[i] < 1.0).collect();
    if !rest.is_empty() {
        let laid = grain::grain(smooth.planes, smooth.background, &rest);
        for (i, (texture, laid)) in texture.iter_mut().zip(laid).enumerate() {
            *texture += (1.0 - completed[i % pixels]) * grain * laid;
        }
    }
    texture
}

/// How far each pixel of the fill is to be completed, from 0 where the wall around it is plain, or
/// digits are small, to 1.
fn to_complete(photo: &Photo, smooth: &Smooth<'_>, boxes: &[BoxInPhoto]) -> Vec<f32> {
    let own = boxes.iter().filter(|b| b.within(&smooth.area, 0));
    let height = own.map(|b| b.height).max().unwrap_or(0);
    let of_height = ramp(height as f32, COMPLETED_HEIGHT);
    if of_height <= 0.0 {
        return vec![0.0; smooth.changed.len()];
    }
    // Most walls are plain, which can be seen right beside a fill.
    let wall = Wall::about(photo, smooth, boxes, STRUCTURE_REACH + COARSE);
    let structure = wall.structure();
    let share = |i: usize| {
        let (row, column) = wall.cell_of(smooth, i);
        of_height * structure[row * wall.columns + column]
    };
    let changed = smooth.changed.iter().enumerate();
    changed.map(|(i, changed)| if *changed { share(i) } else { 0.0 }).collect()
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

impl Wall {
    /// The wall up to `reach` cells beyond the fill's area.
    fn about(photo: &Photo, smooth: &Smooth<'_>, boxes: &[BoxInPhoto], reach: usize) -> Self {
        let inner = smooth.area;
        let near: Vec<BoxInPhoto> = boxes.iter().filter(|b| b.within(&inner, 0)).copied().collect();
        let side = cell_side(&near);
        let mut area = inner.grown((reach * side) as u32, photo.size());
        // Cells of all scales are the same ones wherever the area begins.
        let coarsest = (side << (SCALES - 1)) as u32;
        let (left, top) = (area.left % coarsest, area.top % coarsest);
        area = BoxInPhoto {
            left: area.left - left,
            top: area.top - top,
            width: area.width + left,
            height: area.height + top,
        };
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
        let smooth = cells.smoothed(COARSE);
        let differences = cells.values.iter().zip(&smooth).zip(clear.iter().cycle());
        let texture = differences
            .map(|((value, mean), clear)| if *clear { value - mean } else { 0.0 })
            .collect();
        Wall { area, planes, background, side, rows, columns, clear, smooth, texture }
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

    /// How much structure there is around each cell, from 0 on a plain wall to 1.
    fn structure(&self) -> Vec<f32> {
        let around = |plane: &[f32]| sums_around(plane, self.columns, STRUCTURE_REACH);
        let clear: Vec<f32> = self.clear.iter().map(|it| f32::from(u8::from(*it))).collect();
        let counts = around(&clear);
        let cells = clear.len();
        let (mut texture, mut variance) = (vec![0.0; cells], vec![0.0; cells]);
        let planes = self.texture.chunks_exact(cells).zip(self.smooth.chunks_exact(cells));
        for (of_texture, smooth) in planes {
            let masked = |of: &dyn Fn(usize) -> f32| -> Vec<f32> {
                around(&(0..cells).map(|i| clear[i] * of(i)).collect::<Vec<f32>>())
            };
            let squares = masked(&|i| of_texture[i].powi(2));
            let sums = masked(&|i| of_texture[i] + smooth[i]);
            let squared = masked(&|i| (of_texture[i] + smooth[i]).powi(2));
            for i in 0..cells {
                texture[i] += squares[i] / counts[i];
                variance[i] += squared[i] / counts[i] - (sums[i] / counts[i]).powi(2);
            }
        }
        let channels = self.channels() as f32;
        (0..cells)
            .map(|i| match counts[i] >= 1.0 {
                true => {
                    let root = |sum: f32| (sum / channels).max(0.0).sqrt();
                    ramp(root(texture[i]), STRUCTURE).max(ramp(root(variance[i]), EDGE))
                }
                // Nothing is known in the middle of thick strokes.
                false => 1.0,
            })
            .collect()
    }
}

/// 0 up to the first of two values, 1 from the second on, and linear between them.
fn ramp(at: f32, [from, to]: [f32; 2]) -> f32 {
    ((at - from) / (to - from)).clamp(0.0, 1.0)
}

/// The sums of a plane's samples up to `reach` rows and columns around each; there are none beyond
/// the first and last row and column.
fn sums_around(plane: &[f32], columns: usize, reach: usize) -> Vec<f32> {
    let rows = plane.len() / columns;
    let around = |at: usize, limit: usize| (at.saturating_sub(reach), (at + reach + 1).min(limit));
    // Sums of all samples before one, by row and then by column; their differences are the sums of
    // any number of samples.
    let mut sums = vec![0.0; (rows + 1) * columns];
    let mut before = vec![0.0; columns + 1];
    for (row, samples) in plane.chunks_exact(columns).enumerate() {
        for (i, sample) in samples.iter().enumerate() {
            before[i + 1] = before[i] + f64::from(*sample);
        }
        for column in 0..columns {
            let (first, end) = around(column, columns);
            let sum = before[end] - before[first];
            sums[(row + 1) * columns + column] = sums[row * columns + column] + sum;
        }
    }
    let sum = |i: usize| {
        let (first, end) = around(i / columns, rows);
        let at = |row: usize| sums[row * columns + i % columns];
        (at(end) - at(first)) as f32
    };
    (0..plane.len()).map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::PhotoSize;

    const SIZE: PhotoSize = PhotoSize { width: 180, height: 130 };
    /// A black digit.
    const DIGIT: BoxInPhoto = BoxInPhoto { left: 80, top: 33, width: 14, height: 64 };

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
        let mut filled = Level {
            rows: planes.height,
            columns: planes.width,
            weights: background.iter().map(|it| if *it { 1.0 } else { LEAST_WEIGHT }).collect(),
            values: planes.samples.clone(),
        };
        let told = crate::removal::strokes::levels::fold_in(filled.clustered(2), &mut |_, _| {});
        filled.completed(&told.between([planes.height, planes.width]));
        let filled = filled.values;
        let smooth = Smooth {
            area,
            planes: &planes,
            filled: &filled,
            background: &background,
            changed: &changed,
            hole: &changed,
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
    fn sums_end_at_the_edges() {
        // 3 rows of 4.
        let plane: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let sums = sums_around(&plane, 4, 1);
        assert_eq!(sums[0], 0.0 + 1.0 + 4.0 + 5.0);
        assert_eq!(sums[5], (0..11).filter(|i| i % 4 < 3).sum::<i32>() as f32);
        assert_eq!(sums[11], 6.0 + 7.0 + 10.0 + 11.0);
        assert_eq!(sums_around(&plane, 4, 9), [66.0; 12]);
    }

    #[test]
    fn joints_go_on_behind_a_digit() {
        let (with, without) = errors(DIGIT, brick, &added(brick, &[DIGIT]));
        assert!(with < 0.3 * without, "{with} {without}");
    }

    #[test]
    fn an_edge_goes_on_behind_a_digit() {
        let wall = |x: u32, y: u32| if x + y / 4 < 105 { 0.35 } else { 0.65 };
        let added = added(wall, &[DIGIT]);
        let neither = |sample: f32| usize::from((0.45..0.55).contains(&sample));
        let without: usize = added.iter().map(|(fill, _)| neither(*fill)).sum();
        let with: usize = added.iter().map(|(fill, added)| neither(fill + added)).sum();
        assert!(4 * with < without, "{with} {without}");
        let (with, without) = errors(DIGIT, wall, &added);
        assert!(with < 0.7 * without, "{with} {without}");
    }

    #[test]
    fn small_digits_get_grain_only() {
        let small = BoxInPhoto { left: 80, top: 50, width: 12, height: 30 };
        let added = added_to(small, brick, &[small]);
        let (with, without) = errors(small, brick, &added);
        assert!(with > 0.7 * without, "{with} {without}");
        assert!(added.iter().any(|(_, grain)| *grain != 0.0));
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
        assert!(least > -0.3, "{least}");
    }

    #[test]
    fn nothing_comes_from_other_boxes() {
        let boxes: Vec<BoxInPhoto> = (0..6)
            .map(|column| BoxInPhoto { left: 30 * column, top: 0, width: 26, height: 130 })
            .filter(|b| !b.within(&DIGIT, 10))
            .chain([DIGIT])
            .collect();
        // White digits fill the other boxes.
        let wall =
            |x: u32, y: u32| if boxes.iter().any(|b| b.contains(x, y)) { 1.0 } else { brick(x, y) };
        let most = added(wall, &boxes).into_iter().map(|(fill, added)| fill + added);
        let most = most.fold(0.0, f32::max);
        assert!(most < 0.9, "{most}");
    }
}
