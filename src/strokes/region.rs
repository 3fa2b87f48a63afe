//! A region of a photo as the stroke network sees it, and what the network says of it as the
//! photo sees that.

use super::network::{CELL, CHANNELS, MULTIPLE};
use crate::photo::{BoxInPhoto, Colours, Filter, LooseBox, Photo};

/// Digits higher than this are shrunk to it, in pixels: the network has seen no higher ones.
const HIGHEST: f64 = 48.0;

/// Regions with a longer side are shrunk to it, in pixels, so that the cost is bounded.
const LONGEST: f64 = 1024.0;

/// Contrasts below this (on the scale 0 to 1) are not made larger: they are noise.
const LEAST_CONTRAST: f32 = 0.04;

/// A part of a photo, resampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Region {
    /// What it shows of the photo; it may leave it.
    frame: LooseBox,
    /// Its pixels, multiples of [`MULTIPLE`].
    rows: usize,
    columns: usize,
}

impl Region {
    /// The region for an area with these boxes: shrunk where digits are high, and a little larger
    /// than the area, so that rows and columns come out even.
    pub(crate) fn around(area: BoxInPhoto, boxes: &[BoxInPhoto]) -> Self {
        let highest = boxes.iter().filter(|b| b.within(&area, 0)).map(|b| b.height).max();
        let longest = f64::from(area.width.max(area.height));
        let scale = highest.map_or(1.0, |height| HIGHEST / f64::from(height));
        let scale = scale.min(LONGEST / longest).min(1.0);
        let pixels = |length: u32| {
            ((f64::from(length) * scale).ceil() as usize).next_multiple_of(MULTIPLE).max(MULTIPLE)
        };
        let (rows, columns) = (pixels(area.height), pixels(area.width));
        let frame = LooseBox {
            left: f64::from(area.left),
            top: f64::from(area.top),
            width: columns as f64 / scale,
            height: rows as f64 / scale,
        };
        Region { frame, rows, columns }
    }

    /// A square region of this frame, `side` pixels in row and column.
    #[cfg(feature = "native")]
    pub(crate) fn square(frame: LooseBox, side: usize) -> Self {
        Region { frame, rows: side, columns: side }
    }

    /// Channels, rows and columns of the network's input.
    pub(crate) fn cells(&self) -> [usize; 3] {
        [CHANNELS * CELL * CELL, self.rows / CELL, self.columns / CELL]
    }

    /// The network's input for one region, in the order of [`Region::cells`].
    pub(crate) fn cells_of(&self, photo: &Photo, boxes: &[BoxInPhoto]) -> Vec<f32> {
        let size = [self.rows as u32, self.columns as u32];
        let mut planes = photo.resampled(self.frame, Filter::Triangle, Colours::Rgb, size);
        standardise(&mut planes, self.rows * self.columns);
        planes.extend(self.inside(boxes).into_iter().map(|inside| f32::from(u8::from(inside))));
        self.packed(&planes)
    }

    /// Which of its pixels have their centre in a box.
    pub(crate) fn inside(&self, boxes: &[BoxInPhoto]) -> Vec<bool> {
        let (down, across) = (self.step(self.frame.height, self.rows), self.frame.width);
        let across = self.step(across, self.columns);
        let mut inside = Vec::with_capacity(self.rows * self.columns);
        for row in 0..self.rows {
            let y = self.frame.top + (row as f64 + 0.5) * down;
            for column in 0..self.columns {
                let x = self.frame.left + (column as f64 + 0.5) * across;
                inside.push(boxes.iter().any(|b| {
                    let b = LooseBox::from(*b);
                    (b.left..b.left + b.width).contains(&x)
                        && (b.top..b.top + b.height).contains(&y)
                }));
            }
        }
        inside
    }

    fn step(&self, length: f64, pixels: usize) -> f64 {
        length / pixels as f64
    }

    /// Planes of its pixels as planes of cells: four planes for each.
    pub(crate) fn packed(&self, planes: &[f32]) -> Vec<f32> {
        let mut packed = Vec::with_capacity(planes.len());
        for plane in planes.chunks_exact(self.rows * self.columns) {
            for (dy, dx) in corners() {
                for y in (dy..self.rows).step_by(CELL) {
                    let row = &plane[y * self.columns..(y + 1) * self.columns];
                    packed.extend(row.iter().skip(dx).step_by(CELL));
                }
            }
        }
        packed
    }

    /// What four planes of cells say of the pixels of `area`, which the region was made
    /// [`around`](Region::around): linear between the region's pixels.
    pub(crate) fn pixels_of(&self, cells: &[f32], area: BoxInPhoto) -> Vec<f32> {
        let (rows, columns) = (self.rows / CELL, self.columns / CELL);
        let at = |y: usize, x: usize| {
            let corner = (y % CELL) * CELL + x % CELL;
            cells[(corner * rows + y / CELL) * columns + x / CELL]
        };
        let down = self.frame.height / self.rows as f64;
        let across = self.frame.width / self.columns as f64;
        // Where between two of the region's rows (or columns) a pixel's centre lies.
        let between = |pixel: u32, step: f64, limit: usize| {
            let position = ((f64::from(pixel) + 0.5) / step - 0.5).clamp(0.0, (limit - 1) as f64);
            let first = position as usize;
            (first, (first + 1).min(limit - 1), (position - first as f64) as f32)
        };
        let mut pixels = Vec::with_capacity(area.width as usize * area.height as usize);
        for y in 0..area.height {
            let (top, bottom, v) = between(y, down, self.rows);
            for x in 0..area.width {
                let (left, right, u) = between(x, across, self.columns);
                let mix = |a: f32, b: f32, share: f32| a + share * (b - a);
                let upper = mix(at(top, left), at(top, right), u);
                let lower = mix(at(bottom, left), at(bottom, right), u);
                pixels.push(mix(upper, lower, v));
            }
        }
        pixels
    }
}

/// The places in a cell, as rows and columns.
fn corners() -> impl Iterator<Item = (usize, usize)> {
    (0..CELL).flat_map(|dy| (0..CELL).map(move |dx| (dy, dx)))
}

/// Takes the mean of each of three planes from it, and divides all by their common deviation, so
/// that light and contrast do not matter.
fn standardise(planes: &mut [f32], pixels: usize) {
    let mut squares = 0.0;
    for plane in planes.chunks_exact_mut(pixels) {
        let mean = plane.iter().sum::<f32>() / pixels as f32;
        for sample in plane {
            *sample -= mean;
            squares += *sample * *sample;
        }
    }
    let deviation = (squares / planes.len() as f32).sqrt().max(LEAST_CONTRAST);
    planes.iter_mut().for_each(|sample| *sample /= deviation);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(left: u32, top: u32, width: u32, height: u32) -> BoxInPhoto {
        BoxInPhoto { left, top, width, height }
    }

    #[test]
    fn high_digits_are_shrunk_and_sizes_come_out_even() {
        let small = Region::around(area(3, 4, 38, 58), &[area(12, 13, 20, 40)]);
        assert_eq!((small.rows, small.columns), (64, 40));
        assert_eq!((small.frame.width, small.frame.height), (40.0, 64.0));
        let large = Region::around(area(0, 0, 300, 400), &[area(50, 50, 200, 192)]);
        assert_eq!((large.rows, large.columns), (104, 80));
        assert_eq!(large.frame.height, 416.0);
    }

    #[test]
    fn what_is_packed_comes_back() {
        let region = Region::around(area(0, 0, 16, 24), &[]);
        let plane: Vec<f32> = (0..16 * 24u16).map(f32::from).collect();
        let packed = region.packed(&plane);
        assert_eq!(packed[..2], [0.0, 2.0], "every other pixel");
        assert_eq!(region.pixels_of(&packed, area(0, 0, 16, 24)), plane);
    }

    #[test]
    fn light_and_contrast_do_not_matter() {
        let mut dark: Vec<f32> = (0..48u8).map(|i| f32::from(i % 7) / 40.0).collect();
        let mut light: Vec<f32> = dark.iter().map(|sample| 0.3 + 2.0 * sample).collect();
        standardise(&mut dark, 16);
        standardise(&mut light, 16);
        for (dark, light) in dark.iter().zip(&light) {
            assert!((dark - light).abs() < 1e-4, "{dark} {light}");
        }
    }
}
