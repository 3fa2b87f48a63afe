//! A JPEG's pixels, from its coefficients.
//!
//! Every step is libjpeg's, as browsers use it: its transform ([`idct`](super::idct)), its smooth
//! ("fancy") enlargement of colour, and its integers for colours (ITU-T T.871, 7). So a photo has the
//! same pixels here and where it is shown. In contrast to libjpeg, damaged data are an error: it
//! would go on with grey or shifted blocks.

use image::{DynamicImage, GrayImage, RgbImage};

use super::{
    Block, JpegError,
    file::{Coding, Component, Frame, JpegFile},
    idct, progressive, sequential,
};

/// Decodes a picture as it is stored: grey, or red, green and blue, which CMYK's inks become as well.
///
/// Baseline files are decoded block by block; of progressive ones all coefficients are in memory, two
/// bytes each.
///
/// # Errors
/// [`JpegError`] when the file is of another kind, or when anything of its data is damaged or
/// missing.
pub fn decode(bytes: &[u8]) -> Result<DynamicImage, JpegError> {
    let file = JpegFile::read(bytes, None)?;
    let frame = &file.frame;
    let planes = planes(&file)?;
    let (width, height) = (frame.width as usize, frame.height as usize);
    let image = match frame.coding {
        Coding::Grey => {
            let [plane] = planes.as_slice() else { return Err(JpegError::Damaged) };
            let rows = plane.samples.chunks_exact(plane.width).take(height);
            let samples = rows.flat_map(|row| &row[..width]).copied().collect();
            GrayImage::from_raw(frame.width, frame.height, samples).map(DynamicImage::ImageLuma8)
        }
        coding => {
            let samples = coloured(frame, &planes, coding);
            RgbImage::from_raw(frame.width, frame.height, samples).map(DynamicImage::ImageRgb8)
        }
    };
    image.ok_or(JpegError::Damaged)
}

/// The samples of one component, with those that fill up its last blocks.
struct Plane {
    /// Samples in a row.
    width: usize,
    samples: Vec<u8>,
}

impl Plane {
    fn of(component: &Component) -> Self {
        let [across, down] = component.padded;
        Plane { width: 8 * across, samples: vec![0; 64 * across * down] }
    }

    /// Puts a block in its place, by column and row of blocks.
    fn put(&mut self, [column, row]: [usize; 2], quantisation: &[u16; 64], block: &Block) {
        let start = 8 * (row * self.width + column);
        let rows = self.samples[start..].chunks_mut(self.width);
        for (row, samples) in rows.zip(idct::samples(block, quantisation)) {
            row[..8].copy_from_slice(&samples);
        }
    }

    fn row(&self, y: usize) -> &[u8] {
        &self.samples[y * self.width..(y + 1) * self.width]
    }
}

/// All components' samples.
fn planes(file: &JpegFile<'_>) -> Result<Vec<Plane>, JpegError> {
    let frame = &file.frame;
    if frame.progressive {
        // Each component's coefficients are dropped once its samples are there.
        let all = frame.components.iter().zip(progressive::read_whole(file)?);
        return Ok(all
            .map(|(component, blocks)| {
                let mut plane = Plane::of(component);
                let across = component.padded[0];
                for (i, block) in blocks.iter().enumerate() {
                    plane.put([i % across, i / across], &component.quantisation, block);
                }
                plane
            })
            .collect());
    }
    let mut planes: Vec<Plane> = frame.components.iter().map(Plane::of).collect();
    for scan in &file.scans {
        sequential::read(frame, scan, &mut |component, step, block| {
            planes[component].put(step.at, &frame.components[component].quantisation, block);
        })?;
    }
    Ok(planes)
}

/// The picture in red, green and blue, row after row.
fn coloured(frame: &Frame, planes: &[Plane], coding: Coding) -> Vec<u8> {
    let (width, height) = (frame.width as usize, frame.height as usize);
    let mut samples = vec![0; 3 * width * height];
    let mut rows: Vec<Row> =
        frame.components.iter().map(|component| Row::new(component, width)).collect();
    for (y, line) in samples.chunks_exact_mut(3 * width).enumerate() {
        for ((row, component), plane) in rows.iter_mut().zip(&frame.components).zip(planes) {
            row.enlarge(component, plane, y);
        }
        let pixels = line.as_chunks_mut::<3>().0.iter_mut();
        match rows.as_slice() {
            [a, b, c] => {
                let of = a.samples.iter().zip(&b.samples).zip(&c.samples);
                match coding {
                    Coding::Rgb => {
                        pixels.zip(of).for_each(|(pixel, ((&r, &g), &b))| *pixel = [r, g, b]);
                    }
                    _ => pixels
                        .zip(of)
                        .for_each(|(pixel, ((&y, &cb), &cr))| *pixel = rgb_of(y, cb, cr)),
                }
            }
            [a, b, c, d] => {
                let of = a.samples.iter().zip(&b.samples).zip(&c.samples).zip(&d.samples);
                for (pixel, (((&a, &b), &c), &black)) in pixels.zip(of) {
                    let inks = match coding {
                        Coding::Ycck => rgb_of(a, b, c).map(|value| 255 - value),
                        _ => [a, b, c],
                    };
                    // Adobe stores what is left of the paper's white, and all programs take it so.
                    *pixel = inks.map(|ink| shared(ink, black));
                }
            }
            _ => {}
        }
    }
    samples
}

/// A row of a component, enlarged to the picture's width.
struct Row {
    samples: Vec<u8>,
    /// Sums of two rows' samples, before they are enlarged across.
    sums: Vec<u16>,
}

impl Row {
    fn new(component: &Component, width: usize) -> Self {
        // Enlarged by whole steps, a row may be a little wider than the picture.
        let [across, _] = component.step;
        let samples = vec![0; width.next_multiple_of(across as usize)];
        Row { samples, sums: vec![0; component.samples[0] as usize] }
    }

    /// Makes the picture's row `y` of a component.
    fn enlarge(&mut self, component: &Component, plane: &Plane, y: usize) {
        let [width, height] = component.samples.map(|samples| samples as usize);
        let [across, down] = component.step.map(|step| step as usize);
        let source = plane.row(y / down).get(..width).unwrap_or_default();
        // Smooth where a sample is shared by two pixels across, down or both. Very narrow
        // pictures are not smoothed across.
        match [across, down] {
            [1, 1] => self.samples.copy_from_slice(source),
            [1, 2] => {
                let near = beside(plane, y, height).get(..width).unwrap_or_default();
                let bias = if y.is_multiple_of(2) { 1 } else { 2 };
                for ((to, &own), &near) in self.samples.iter_mut().zip(source).zip(near) {
                    *to = ((3 * u16::from(own) + u16::from(near) + bias) >> 2) as u8;
                }
            }
            [2, 1] if width > 2 => {
                self.sums.iter_mut().zip(source).for_each(|(sum, &own)| *sum = own.into());
                self.enlarge_twice([1, 2], 2);
            }
            [2, 2] if width > 2 => {
                let near = beside(plane, y, height).get(..width).unwrap_or_default();
                for ((sum, &own), &near) in self.sums.iter_mut().zip(source).zip(near) {
                    *sum = 3 * u16::from(own) + u16::from(near);
                }
                self.enlarge_twice([8, 7], 4);
            }
            _ => {
                for (to, &own) in self.samples.chunks_exact_mut(across).zip(source) {
                    to.fill(own);
                }
            }
        }
    }

    /// Two samples of each sum: three quarters of it, and one of the sum on that side. The two are
    /// rounded by adding `bias`, so that a half goes up and down in turns.
    fn enlarge_twice(&mut self, bias: [u16; 2], shift: u32) {
        let (sums, pairs) = (&self.sums, self.samples.as_chunks_mut::<2>().0);
        let last = sums.len() - 1;
        let pair = |before: u16, own: u16, after: u16| {
            [(3 * own + before + bias[0]) >> shift, (3 * own + after + bias[1]) >> shift]
                .map(|value| value as u8)
        };
        pairs[0] = pair(sums[0], sums[0], sums[1]);
        pairs[last] = pair(sums[last - 1], sums[last], sums[last]);
        for (to, near) in pairs[1..].iter_mut().zip(sums.windows(3)) {
            *to = pair(near[0], near[1], near[2]);
        }
    }
}

/// Of two rows that the picture's row `y` lies between, the one that is further away.
fn beside(plane: &Plane, y: usize, height: usize) -> &[u8] {
    let row = y / 2;
    let near = if y.is_multiple_of(2) { row.saturating_sub(1) } else { (row + 1).min(height - 1) };
    plane.row(near)
}

/// JFIF's colours, with 16 bits behind the point.
fn rgb_of(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    const HALF: i32 = 1 << 15;
    [
        y + ((91_881 * cr + HALF) >> 16),
        y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16),
        y + ((116_130 * cb + HALF) >> 16),
    ]
    .map(|value| value.clamp(0, 255) as u8)
}

/// The part of the paper's white that two inks leave together, each of which leaves so much.
fn shared(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 127;
    (product / 255) as u8
}
