//! Which blocks a change touches, and their new coefficients.

use image::{DynamicImage, metadata::Orientation};

use super::{
    Block, Change, JpegError, ZIGZAG,
    file::{Coding, Frame},
};
use crate::photo::{BoxInPhoto, Photo};

/// What is changed of a photo, as its file stores it.
pub struct Edit<'a> {
    frame: &'a Frame,
    pixels: Pixels<'a>,
    turn: Turn,
    changes: &'a [Change<'a>],
    /// For each component the blocks with a changed sample, row after row.
    touched: Vec<Vec<bool>>,
}

/// The new photo's samples, upright.
enum Pixels<'a> {
    Grey(&'a [u8]),
    Rgb(&'a [u8]),
}

/// How a stored picture of this size is turned upright.
#[derive(Clone, Copy)]
pub struct Turn {
    pub orientation: Orientation,
    pub width: u32,
    pub height: u32,
}

impl Turn {
    /// The place of a stored pixel in the upright photo.
    pub fn upright(self, [x, y]: [u32; 2]) -> [u32; 2] {
        let (from_right, from_below) = (self.width - 1 - x, self.height - 1 - y);
        match self.orientation {
            Orientation::NoTransforms => [x, y],
            Orientation::Rotate90 => [from_below, x],
            Orientation::Rotate180 => [from_right, from_below],
            Orientation::Rotate270 => [y, from_right],
            Orientation::FlipHorizontal => [from_right, y],
            Orientation::FlipVertical => [x, from_below],
            Orientation::Rotate90FlipH => [y, x],
            Orientation::Rotate270FlipH => [from_below, from_right],
        }
    }

    /// The upright size.
    pub fn size(self) -> [u32; 2] {
        match self.orientation {
            Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH => [self.height, self.width],
            _ => [self.width, self.height],
        }
    }

    /// The place of an upright pixel in the stored picture.
    fn stored(self, at: [u32; 2]) -> [u32; 2] {
        let [width, height] = self.size();
        let orientation = match self.orientation {
            // A quarter turn is undone by one the other way, all others by themselves.
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            other => other,
        };
        Turn { orientation, width, height }.upright(at)
    }
}

impl<'a> Edit<'a> {
    /// Finds the blocks that `changes` touch. `photo` is what they lead to.
    ///
    /// # Errors
    /// [`JpegError::OtherPhoto`] when the photo is not this file's.
    pub fn new(
        frame: &'a Frame,
        photo: &'a Photo,
        changes: &'a [Change<'a>],
    ) -> Result<Self, JpegError> {
        let turn =
            Turn { orientation: photo.orientation, width: frame.width, height: frame.height };
        let size = photo.size();
        let pixels = match (&photo.image, frame.components.len()) {
            (_, 4) => return Err(JpegError::Inks),
            (DynamicImage::ImageLuma8(grey), 1) => Pixels::Grey(grey.as_raw()),
            (DynamicImage::ImageRgb8(rgb), 3) => Pixels::Rgb(rgb.as_raw()),
            _ => return Err(JpegError::OtherPhoto),
        };
        let whole = BoxInPhoto { left: 0, top: 0, width: size.width, height: size.height };
        let fits = |change: &Change<'_>| {
            let Change { area, pixels } = change;
            area.intersection(&whole) == Some(*area)
                && pixels.len() == area.width as usize * area.height as usize
        };
        if turn.size() != [size.width, size.height] || !changes.iter().all(fits) {
            return Err(JpegError::OtherPhoto);
        }
        let mut edit = Edit { frame, pixels, turn, changes, touched: Vec::new() };
        edit.touched = edit.find_touched();
        Ok(edit)
    }

    fn find_touched(&self) -> Vec<Vec<bool>> {
        let none = |component: &super::file::Component| {
            vec![false; component.padded[0] * component.padded[1]]
        };
        let mut all: Vec<Vec<bool>> = self.frame.components.iter().map(none).collect();
        for change in self.changes {
            let width = change.area.width as usize;
            for (i, _) in change.pixels.iter().enumerate().filter(|(_, changed)| **changed) {
                let (x, y) = ((i % width) as u32, (i / width) as u32);
                let at = self.turn.stored([change.area.left + x, change.area.top + y]);
                for (component, touched) in self.frame.components.iter().zip(&mut all) {
                    let blocks = [0, 1].map(|way| {
                        let sample = at[way] / component.step[way];
                        let block = sample as usize / 8;
                        // Samples beyond the picture repeat its last ones, so that these must not
                        // be found there either.
                        let is_last = sample + 1 == component.samples[way];
                        block..=if is_last { component.padded[way] - 1 } else { block }
                    });
                    for row in blocks[1].clone() {
                        let row = row * component.padded[0];
                        touched[row + blocks[0].start()..=row + blocks[0].end()].fill(true);
                    }
                }
            }
        }
        all
    }

    /// Whether a block has a changed sample.
    pub fn touches(&self, component: usize, block: usize) -> bool {
        self.touched[component][block]
    }

    /// The blocks of a component that have a changed sample: number, column and row.
    pub fn touched(&self, component: usize) -> impl Iterator<Item = (usize, [usize; 2])> + '_ {
        let across = self.frame.components[component].padded[0];
        let blocks = self.touched[component].iter().enumerate().filter(|(_, touched)| **touched);
        blocks.map(move |(block, _)| (block, [block % across, block / across]))
    }

    /// Replaces a block's changed samples by the new photo's; the others stay as they are in the
    /// file, up to what its quantisation makes of them.
    pub fn replace(&self, component: usize, at: [usize; 2], block: &mut Block) {
        let of = &self.frame.components[component];
        let pixel_area = |way: usize, side: u32| {
            let first = (at[way] as u32 * 8).min(of.samples[way] - 1) * of.step[way];
            first..(first + 8 * of.step[way]).min(side)
        };
        let columns = pixel_area(0, self.frame.width);
        let rows = pixel_area(1, self.frame.height);
        let corners = [[columns.start, rows.start], [columns.end - 1, rows.end - 1]]
            .map(|corner| self.turn.upright(corner));
        let [left, top] = [0, 1].map(|way| corners[0][way].min(corners[1][way]));
        let [right, bottom] = [0, 1].map(|way| corners[0][way].max(corners[1][way]));
        let area = BoxInPhoto { left, top, width: right - left + 1, height: bottom - top + 1 };
        let near: Vec<&Change<'_>> = self
            .changes
            .iter()
            .filter(|change| change.area.intersection(&area).is_some())
            .collect();
        let mut samples = samples_of(block, &of.quantisation);
        for (i, sample) in samples.iter_mut().enumerate() {
            let place = [at[0] * 8 + i % 8, at[1] * 8 + i / 8];
            let place = [0, 1].map(|way| (place[way] as u32).min(of.samples[way] - 1));
            if let Some(new) = self.new_sample(component, place, &near) {
                *sample = new;
            }
        }
        *block = block_of(&samples, &of.quantisation);
    }

    /// A changed sample's new value, 0 to 255; `None` if none of its pixels has changed.
    fn new_sample(
        &self,
        component: usize,
        [column, row]: [u32; 2],
        near: &[&Change<'_>],
    ) -> Option<f32> {
        let [across, down] = self.frame.components[component].step;
        let columns = column * across..((column + 1) * across).min(self.frame.width);
        let rows = row * down..((row + 1) * down).min(self.frame.height);
        let pixels = || {
            let columns = columns.clone();
            rows.clone().flat_map(move |y| columns.clone().map(move |x| self.turn.upright([x, y])))
        };
        let changed = |at: [u32; 2]| near.iter().any(|change| change.changes(at));
        if !pixels().any(changed) {
            return None;
        }
        let sum: f32 = pixels().map(|at| self.value(component, at)).sum();
        Some(sum / pixels().count() as f32)
    }

    /// A component's value at a pixel of the upright photo, by JFIF's definition of brightness and
    /// colour (ITU-T T.871, 7).
    fn value(&self, component: usize, [x, y]: [u32; 2]) -> f32 {
        let pixel = y as usize * self.turn.size()[0] as usize + x as usize;
        let samples = match self.pixels {
            Pixels::Grey(samples) => return samples[pixel].into(),
            Pixels::Rgb(samples) => samples,
        };
        let at = |channel: usize| f32::from(samples[3 * pixel + channel]);
        if self.frame.coding == Coding::Rgb {
            return at(component);
        }
        let [r, g, b] = [at(0), at(1), at(2)];
        match component {
            0 => 0.299 * r + 0.587 * g + 0.114 * b,
            1 => 128.0 - 0.168_736 * r - 0.331_264 * g + 0.5 * b,
            _ => 128.0 + 0.5 * r - 0.418_688 * g - 0.081_312 * b,
        }
    }
}

/// Half the cosine of `i` sixteenths of half a turn.
const HALF_COSINES: [f32; 9] = [
    0.5,
    0.490_392_65,
    0.461_939_78,
    0.415_734_8,
    0.353_553_4,
    0.277_785_1,
    0.191_341_72,
    0.097_545_16,
    0.0,
];

/// The share of frequency `u` at sample `x` in a row of eight (T.81, A.3.3).
fn wave(u: usize, x: usize) -> f32 {
    if u == 0 {
        // Divided by the square root of two.
        return HALF_COSINES[4];
    }
    match (2 * x + 1) * u % 32 {
        i @ 0..=8 => HALF_COSINES[i],
        i @ 9..=16 => -HALF_COSINES[16 - i],
        i @ 17..=24 => -HALF_COSINES[i - 16],
        i => HALF_COSINES[32 - i],
    }
}

/// Rows of eight, each by its weights with `weight`, then the same for columns.
fn transformed(values: &[f32; 64], weight: fn(usize, usize) -> f32) -> [f32; 64] {
    let weights: [[f32; 8]; 8] =
        std::array::from_fn(|to| std::array::from_fn(|from| weight(to, from)));
    let turned = |values: &[f32; 64]| -> [f32; 64] {
        std::array::from_fn(|i| {
            let (row, to) = (i % 8, i / 8);
            (0..8).map(|from| weights[to][from] * values[row * 8 + from]).sum()
        })
    };
    turned(&turned(values))
}

/// The samples of a block, 0 to 255, row after row. They are clamped as when they are shown, so
/// that nothing goes on that cannot be seen.
fn samples_of(block: &Block, quantisation: &[u16; 64]) -> [f32; 64] {
    let mut coefficients = [0.0; 64];
    for ((&place, &value), &step) in ZIGZAG.iter().zip(block).zip(quantisation) {
        coefficients[place] = f32::from(value) * f32::from(step);
    }
    transformed(&coefficients, |x, u| wave(u, x)).map(|sample| (sample + 128.0).clamp(0.0, 255.0))
}

/// The coefficients of a block's samples.
pub fn block_of(samples: &[f32; 64], quantisation: &[u16; 64]) -> Block {
    let coefficients = transformed(&samples.map(|sample| sample - 128.0), wave);
    std::array::from_fn(|i| {
        let value = (coefficients[ZIGZAG[i]] / f32::from(quantisation[i])).round();
        // What 8 bits can give; baseline codes have symbols for no more.
        let (least, most) = if i == 0 { (-1024.0, 1023.0) } else { (-1023.0, 1023.0) };
        value.clamp(least, most) as i16
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_and_upright_places_are_those_of_the_turned_picture() {
        let stored = image::GrayImage::from_fn(5, 3, |x, y| image::Luma([(10 * y + x) as u8]));
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).expect("an orientation");
            let turn = Turn { orientation, width: 5, height: 3 };
            let mut upright = DynamicImage::ImageLuma8(stored.clone());
            upright.apply_orientation(orientation);
            assert_eq!(turn.size(), [upright.width(), upright.height()]);
            let upright = upright.to_luma8();
            for (x, y, value) in stored.enumerate_pixels() {
                let [to_x, to_y] = turn.upright([x, y]);
                assert_eq!(upright.get_pixel(to_x, to_y), value, "{orientation:?}");
                assert_eq!(turn.stored([to_x, to_y]), [x, y], "{orientation:?}");
            }
        }
    }

    #[test]
    fn coefficients_of_samples_are_the_standard_s_and_come_back() {
        let flat = block_of(&[144.0; 64], &[2; 64]);
        assert_eq!(flat, std::array::from_fn(|i| if i == 0 { 64 } else { 0 }));
        let block: Block =
            std::array::from_fn(|i| if i < 30 { ((i * 37 % 19) as i16 - 9) * 2 } else { 0 });
        let quantisation = std::array::from_fn(|i| 2 + i as u16 / 4);
        assert_eq!(block_of(&samples_of(&block, &quantisation), &quantisation), block);
        // By the formula of T.81, A.3.3.
        let samples: [f32; 64] = std::array::from_fn(|i| (i * 29 % 256) as f32);
        let coefficients = block_of(&samples, &[1; 64]);
        for (i, &place) in ZIGZAG.iter().enumerate() {
            let (v, u) = (place / 8, place % 8);
            let c = |u: usize| if u == 0 { 0.5f64.sqrt() } else { 1.0 };
            let cos = |x: usize, u: usize| {
                ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0).cos()
            };
            let sum: f64 = (0..64)
                .map(|i| (f64::from(samples[i]) - 128.0) * cos(i % 8, u) * cos(i / 8, v))
                .sum();
            let exact = 0.25 * c(u) * c(v) * sum;
            assert!((exact - f64::from(coefficients[i])).abs() < 0.51, "{u}, {v}: {exact}");
        }
    }
}
