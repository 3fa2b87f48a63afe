//! A photo at several scales, cut into tiles.

use std::f64::consts::FRAC_1_SQRT_2;

use super::{CELL, HEIGHTS};
use crate::{
    photo::{Colours, Filter, LooseBox, Photo, PhotoSize, planes_resampled},
    unet,
};

/// The finest scale has at most this many pixels, to bound time and memory.
const MOST_PIXELS: f64 = 4.2e6;

/// Photos with a shorter diagonal are enlarged to twice their size: their digits may be a few pixels
/// tall.
const SMALL: f64 = 320.0;

/// Rows and columns of a tile's middle, and of its margin on each side, in pixels. The network sees
/// about as far as the margin, so a digit is found the same wherever the tiles are cut.
const MIDDLE: usize = 640;
const MARGIN: usize = 64;

/// Rows of a scale that are resampled at once: the rows of the photo that they are made of, already as
/// short as these, are held meanwhile.
const STRIP: usize = 32;

/// The mean sample of a photo, and the usual deviation.
pub(crate) const MEAN: f32 = 0.5;
pub(crate) const DEVIATION: f32 = 0.25;

/// A photo at one scale.
#[derive(Debug)]
struct Level {
    /// Pixels of this scale for each of the photo's, along a line.
    scale: f64,
    rows: usize,
    columns: usize,
    /// Red, green and blue, 0 to 1.
    planes: Vec<f32>,
}

/// A photo at all scales.
#[derive(Debug)]
pub(super) struct Pyramid {
    levels: Vec<Level>,
    /// Whether its right edge goes on at its left one.
    goes_round: bool,
}

/// Photos that are exactly twice as wide as they are tall, and have this width at least, are panoramas
/// that go round: cameras give them that shape, whether their file says so or not.
const LEAST_PANORAMA: u32 = 2048;

/// Whether a photo's right edge goes on at its left one.
pub(super) fn goes_round(size: PhotoSize) -> bool {
    size.width >= LEAST_PANORAMA && size.width == 2 * size.height
}

/// A part of one level.
#[derive(Debug)]
pub(super) struct Tile {
    level: usize,
    pub(super) scale: f64,
    /// Its first row and column, margin included; they may lie before the level's.
    top: isize,
    left: isize,
    rows: usize,
    columns: usize,
    /// The margin, in cells.
    margin: usize,
}

impl Tile {
    /// Rows and columns in cells.
    pub(super) fn size(&self) -> [usize; 2] {
        [self.rows / CELL, self.columns / CELL]
    }

    /// Whether the middle holds this cell; otherwise it belongs to another tile, or lies outside the
    /// photo.
    pub(super) fn holds(&self, row: usize, column: usize) -> bool {
        let within = |at: usize, cells: usize| at >= self.margin && at + self.margin < cells;
        within(row, self.rows / CELL) && within(column, self.columns / CELL)
    }

    /// A box in the photo, from one in the tile's pixels.
    pub(super) fn in_photo(&self, left: f64, top: f64, right: f64, bottom: f64) -> LooseBox {
        LooseBox {
            left: (self.left as f64 + left) / self.scale,
            top: (self.top as f64 + top) / self.scale,
            width: (right - left) / self.scale,
            height: (bottom - top) / self.scale,
        }
    }
}

impl Pyramid {
    /// From the finest scale to the one at which a digit as tall as the photo can be found. Each scale is
    /// `1 / sqrt(2)` of the one before: the network is surer of a digit of the larger heights that it
    /// knows, so that more are found than with halves.
    pub(super) fn of(photo: &Photo) -> Self {
        let (width, height) = (f64::from(photo.size().width), f64::from(photo.size().height));
        let mut scale: f64 = if width.hypot(height) < SMALL { 2.0 } else { 1.0 };
        while width * height * scale * scale > MOST_PIXELS {
            scale /= 2.0;
        }
        let finest = Level::of(photo, scale);
        let between = finest.at(scale * FRAC_1_SQRT_2);
        let mut levels = vec![finest, between];
        while let [.., before, last] = &levels[..]
            && last.rows as f64 > HEIGHTS[1]
            && last.columns > CELL
        {
            let halved = before.halved();
            levels.push(halved);
        }
        Pyramid { levels, goes_round: goes_round(photo.size()) }
    }

    /// All tiles of all levels, those of the finest first. Their middles cover each level once.
    pub(super) fn tiles(&self) -> Vec<Tile> {
        let mut tiles = Vec::new();
        for (i, level) in self.levels.iter().enumerate() {
            for (top, rows) in cuts(level.rows) {
                for (left, columns) in cuts(level.columns) {
                    tiles.push(Tile {
                        level: i,
                        scale: level.scale,
                        top: top as isize - MARGIN as isize,
                        left: left as isize - MARGIN as isize,
                        rows: rows + 2 * MARGIN,
                        columns: columns + 2 * MARGIN,
                        margin: MARGIN / CELL,
                    });
                }
            }
        }
        tiles
    }

    /// The network's input for a tile. Outside the photo, the photo's edge is repeated, or what is
    /// beyond a panorama's seam.
    pub(super) fn cells(&self, tile: &Tile) -> Vec<f32> {
        let level = &self.levels[tile.level];
        let inside = |at: isize, limit: usize| at.clamp(0, limit as isize - 1) as usize;
        let column_at = |at: isize| match self.goes_round {
            true => at.rem_euclid(level.columns as isize) as usize,
            false => inside(at, level.columns),
        };
        let mut planes = Vec::with_capacity(3 * tile.rows * tile.columns);
        for plane in level.planes.chunks_exact(level.rows * level.columns) {
            for row in 0..tile.rows {
                let row = inside(tile.top + row as isize, level.rows) * level.columns;
                let row = &plane[row..row + level.columns];
                let columns = 0..tile.columns;
                planes.extend(columns.map(|column| row[column_at(tile.left + column as isize)]));
            }
        }
        as_cells(&mut planes, tile.rows, tile.columns)
    }
}

/// Where tiles are cut along a line: each middle's start and length, a multiple of the network's.
fn cuts(length: usize) -> Vec<(usize, usize)> {
    let multiple = unet::MULTIPLE * CELL;
    let whole = (0..length).step_by(MIDDLE);
    whole.map(|start| (start, (length - start).min(MIDDLE).next_multiple_of(multiple))).collect()
}

impl Level {
    fn of(photo: &Photo, scale: f64) -> Self {
        let size = photo.size();
        let pixels = |length: u32| (f64::from(length) * scale).round().max(1.0) as usize;
        let (rows, columns) = (pixels(size.height), pixels(size.width));
        let mut planes = vec![0.0; 3 * rows * columns];
        // Strip by strip, because the photo's rows are held, though shortened.
        for top in (0..rows).step_by(STRIP) {
            let count = STRIP.min(rows - top);
            let step = f64::from(size.height) / rows as f64;
            let frame = LooseBox {
                left: 0.0,
                top: top as f64 * step,
                width: f64::from(size.width),
                height: count as f64 * step,
            };
            let pixels = [count as u32, columns as u32];
            let strip = photo.resampled(frame, Filter::Triangle, Colours::Rgb, pixels);
            let parts = strip.chunks_exact(count * columns);
            for (plane, part) in planes.chunks_exact_mut(rows * columns).zip(parts) {
                plane[top * columns..][..part.len()].copy_from_slice(part);
            }
        }
        Level { scale, rows, columns, planes }
    }

    /// The same at another scale.
    fn at(&self, scale: f64) -> Self {
        let pixels = |length: usize| (length as f64 * scale / self.scale).round().max(1.0) as u32;
        let (rows, columns) = (pixels(self.rows), pixels(self.columns));
        let from = [self.rows as u32, self.columns as u32];
        let planes = planes_resampled(&self.planes, from, Filter::Triangle, [rows, columns]);
        Level { scale, rows: rows as usize, columns: columns as usize, planes }
    }

    /// The same at half the scale: each pixel is the mean of four.
    fn halved(&self) -> Self {
        let (rows, columns) = (self.rows.div_ceil(2), self.columns.div_ceil(2));
        let mut planes = Vec::with_capacity(3 * rows * columns);
        for plane in self.planes.chunks_exact(self.rows * self.columns) {
            for row in 0..rows {
                let line = |row: usize| &plane[row.min(self.rows - 1) * self.columns..];
                let (above, below) = (line(2 * row), line(2 * row + 1));
                planes.extend((0..columns).map(|column| {
                    let (a, b) = (2 * column, (2 * column + 1).min(self.columns - 1));
                    (above[a] + above[b] + below[a] + below[b]) / 4.0
                }));
            }
        }
        Level { scale: self.scale / 2.0, rows, columns, planes }
    }
}

/// The network's input from planes of red, green and blue, 0 to 1, of `side` pixels in row and
/// column.
#[cfg(feature = "native")]
pub(crate) fn cells_of(planes: &mut [f32], side: usize) -> Vec<f32> {
    as_cells(planes, side, side)
}

/// Planes of red, green and blue, 0 to 1, as the network's input.
fn as_cells(planes: &mut [f32], rows: usize, columns: usize) -> Vec<f32> {
    planes.iter_mut().for_each(|sample| *sample = (*sample - MEAN) / DEVIATION);
    unet::packed(planes, rows, columns, CELL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: u32, height: u32) -> Photo {
        let pixels = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [((x + 2 * y) % 251) as u8; 3]))
            .collect();
        Photo::from_rgb8(PhotoSize { width, height }, pixels).expect("its pixels")
    }

    #[test]
    fn scales_go_from_the_smallest_digits_to_one_as_tall_as_the_photo() {
        let scales = |width, height| -> Vec<f64> {
            Pyramid::of(&grey(width, height)).levels.iter().map(|level| level.scale).collect()
        };
        let powers = |first: f64, count: i32| -> Vec<f64> {
            (0..count).map(|i| first * FRAC_1_SQRT_2.powi(i)).collect()
        };
        let close = |found: Vec<f64>, expected: Vec<f64>| {
            assert_eq!(found.len(), expected.len(), "{found:?}");
            let mut pairs = found.iter().zip(&expected);
            assert!(pairs.all(|(a, b)| (a / b - 1.0).abs() < 1e-9), "{found:?}");
        };
        close(scales(100, 50), powers(2.0, 5));
        close(scales(640, 480), powers(1.0, 10));
        assert_eq!(scales(4000, 3000)[0], 0.5);
        close(scales(1, 1), powers(2.0, 2));
    }

    #[test]
    fn the_middles_of_all_tiles_cover_each_level_once() {
        let pyramid = Pyramid::of(&grey(1500, 700));
        for (i, level) in pyramid.levels.iter().enumerate() {
            let mut covered = vec![0u8; level.rows.div_ceil(CELL) * level.columns.div_ceil(CELL)];
            for tile in pyramid.tiles().iter().filter(|tile| tile.level == i) {
                let [rows, columns] = tile.size();
                assert!(rows % unet::MULTIPLE == 0 && columns % unet::MULTIPLE == 0);
                for (row, column) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
                    let y = (tile.top + (row * CELL) as isize) / CELL as isize;
                    let x = (tile.left + (column * CELL) as isize) / CELL as isize;
                    let on_level = y < level.rows.div_ceil(CELL) as isize
                        && x < level.columns.div_ceil(CELL) as isize;
                    if tile.holds(row, column) && on_level {
                        covered[y as usize * level.columns.div_ceil(CELL) + x as usize] += 1;
                    }
                }
            }
            assert!(covered.iter().all(|times| *times == 1), "level {i}");
        }
    }

    #[test]
    fn beyond_a_panoramas_seam_its_other_edge_follows() {
        let photo = grey(2048, 1024);
        let pyramid = Pyramid::of(&photo);
        let coarsest = pyramid.tiles().pop().expect("a tile");
        let cells = pyramid.cells(&coarsest);
        let level = &pyramid.levels[coarsest.level];
        // The first row of cells lies above the photo, its first column left of it.
        let column = (-(MARGIN as isize)).rem_euclid(level.columns as isize) as usize;
        let expected = (level.planes[column] - MEAN) / DEVIATION;
        assert!((cells[0] - expected).abs() < 1e-6, "{} {expected}", cells[0]);
    }

    #[test]
    fn beyond_the_photo_its_edge_is_repeated() {
        let photo = grey(40, 40);
        let pyramid = Pyramid::of(&photo);
        let tiles = pyramid.tiles();
        let cells = pyramid.cells(&tiles[0]);
        // The first sample of the first cell is that of the photo's first pixel.
        let first = (0.0 - MEAN) / DEVIATION;
        assert!((cells[0] - first).abs() < 0.02, "{} {first}", cells[0]);
        assert_eq!(cells.len(), 3 * tiles[0].rows * tiles[0].columns);
    }
}
