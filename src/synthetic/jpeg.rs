//! The losses of JPEG: colour is reduced to half the resolution, and each block of 8 x 8 samples
//! loses the frequencies that the quality cannot hold. No file is written or read. The computation
//! is done here, so that the result is the same on every machine.

use std::sync::OnceLock;

/// Samples along a block's side.
const SIDE: usize = 8;

/// Annex K of the JPEG standard: the usual steps of brightness, row after row.
const BRIGHTNESS: [f32; 64] = [
    16.0, 11.0, 10.0, 16.0, 24.0, 40.0, 51.0, 61.0, //
    12.0, 12.0, 14.0, 19.0, 26.0, 58.0, 60.0, 55.0, //
    14.0, 13.0, 16.0, 24.0, 40.0, 57.0, 69.0, 56.0, //
    14.0, 17.0, 22.0, 29.0, 51.0, 87.0, 80.0, 62.0, //
    18.0, 22.0, 37.0, 56.0, 68.0, 109.0, 103.0, 77.0, //
    24.0, 35.0, 55.0, 64.0, 81.0, 104.0, 113.0, 92.0, //
    49.0, 64.0, 78.0, 87.0, 103.0, 121.0, 120.0, 101.0, //
    72.0, 92.0, 95.0, 98.0, 112.0, 100.0, 103.0, 99.0,
];

/// The usual steps of colour.
const COLOUR: [f32; 64] = [
    17.0, 18.0, 24.0, 47.0, 99.0, 99.0, 99.0, 99.0, //
    18.0, 21.0, 26.0, 66.0, 99.0, 99.0, 99.0, 99.0, //
    24.0, 26.0, 56.0, 99.0, 99.0, 99.0, 99.0, 99.0, //
    47.0, 66.0, 99.0, 99.0, 99.0, 99.0, 99.0, 99.0, //
    99.0, 99.0, 99.0, 99.0, 99.0, 99.0, 99.0, 99.0, //
    99.0, 99.0, 99.0, 99.0, 99.0, 99.0, 99.0, 99.0, //
    99.0, 99.0, 99.0, 99.0, 99.0, 99.0, 99.0, 99.0, //
    99.0, 99.0, 99.0, 99.0, 99.0, 99.0, 99.0, 99.0,
];

/// How a photo is kept.
#[derive(Clone, Copy, Debug)]
pub struct Jpeg {
    /// 1 (worst) to 100, as encoders count it.
    pub quality: u32,
    /// Where the blocks of 16 x 16 pixels start: columns and rows, 0 to 15 each, that the first
    /// blocks lie outside the photo. It was cut from a larger one.
    pub offset: [usize; 2],
}

/// Side in samples of the squares of pixels that are encoded independently.
pub const MCU: usize = 2 * SIDE;

impl Jpeg {
    /// Red, green and blue, 0 to 255, `width` pixels per row, after JPEG compression.
    ///
    /// Each square of [`MCU`] pixels depends on itself alone.
    pub fn lossy(&self, pixels: &mut [[f32; 3]], width: usize) {
        let height = pixels.len() / width.max(1);
        if width == 0 || height == 0 {
            return;
        }
        let steps = |table: &[f32; 64]| {
            let quality = self.quality.clamp(1, 100) as f32;
            let scale = if quality < 50.0 { 5000.0 / quality } else { 200.0 - 2.0 * quality };
            table.map(|step| ((step * scale + 50.0) / 100.0).floor().clamp(1.0, 255.0))
        };
        let (brightness, colour) = (steps(&BRIGHTNESS), steps(&COLOUR));
        let start = |offset: usize| -((offset % MCU) as isize);
        let mut top = start(self.offset[1]);
        while top < height as isize {
            let mut left = start(self.offset[0]);
            while left < width as isize {
                square(pixels, [width, height], [left, top], &brightness, &colour);
                left += MCU as isize;
            }
            top += MCU as isize;
        }
    }
}

/// One square of 16 x 16 pixels: four blocks of brightness, one of each colour difference.
fn square(
    pixels: &mut [[f32; 3]],
    [width, height]: [usize; 2],
    [left, top]: [isize; 2],
    brightness: &[f32; 64],
    colour: &[f32; 64],
) {
    // Beyond the photo its edge is repeated.
    let index = |x: usize, y: usize| {
        let column = (left + x as isize).clamp(0, width as isize - 1) as usize;
        let row = (top + y as isize).clamp(0, height as isize - 1) as usize;
        row * width + column
    };
    let mut luma = [0.0_f32; MCU * MCU];
    let (mut blue, mut red) = ([0.0_f32; 64], [0.0_f32; 64]);
    for y in 0..MCU {
        for x in 0..MCU {
            let [r, g, b] = pixels[index(x, y)];
            luma[y * MCU + x] = 0.299 * r + 0.587 * g + 0.114 * b - 128.0;
            let half = (y / 2) * SIDE + x / 2;
            blue[half] += 0.25 * (-0.168_736 * r - 0.331_264 * g + 0.5 * b);
            red[half] += 0.25 * (0.5 * r - 0.418_688 * g - 0.081_312 * b);
        }
    }
    for (by, bx) in [(0, 0), (0, SIDE), (SIDE, 0), (SIDE, SIDE)] {
        let mut block = [0.0; 64];
        for y in 0..SIDE {
            let row = (by + y) * MCU + bx;
            block[y * SIDE..(y + 1) * SIDE].copy_from_slice(&luma[row..row + SIDE]);
        }
        quantised(&mut block, brightness);
        for y in 0..SIDE {
            let row = (by + y) * MCU + bx;
            luma[row..row + SIDE].copy_from_slice(&block[y * SIDE..(y + 1) * SIDE]);
        }
    }
    quantised(&mut blue, colour);
    quantised(&mut red, colour);
    let seen = |start: isize, size: usize| {
        let first = (-start).max(0) as usize;
        let last = (size as isize - start).clamp(0, MCU as isize) as usize;
        first..last
    };
    for y in seen(top, height) {
        for x in seen(left, width) {
            let half = (y / 2) * SIDE + x / 2;
            let (l, cb, cr) = (luma[y * MCU + x] + 128.0, blue[half], red[half]);
            pixels[index(x, y)] =
                [l + 1.402 * cr, l - 0.344_136 * cb - 0.714_136 * cr, l + 1.772 * cb];
        }
    }
}

/// A block's samples after its frequencies have been rounded to whole steps.
fn quantised(block: &mut [f32; 64], steps: &[f32; 64]) {
    let waves = waves();
    let mut frequencies = transformed(block, waves, false);
    for (frequency, step) in frequencies.iter_mut().zip(steps) {
        // To the nearest; `round` is a call where this is an addition.
        let wanted = *frequency / step;
        *frequency = ((wanted + 16_384.5).floor() - 16_384.0) * step;
    }
    *block = transformed(&frequencies, waves, true);
}

/// The discrete cosine transform of a block along both axes, or its inverse.
fn transformed(block: &[f32; 64], waves: &[f32; 64], inverse: bool) -> [f32; 64] {
    let mut turned = [0.0; 64];
    // Twice rows times waves, and turned over in between.
    let mut from = *block;
    for _ in 0..2 {
        for y in 0..SIDE {
            let mut sums = [0.0_f32; SIDE];
            for k in 0..SIDE {
                let sample = from[y * SIDE + k];
                for (x, sum) in sums.iter_mut().enumerate() {
                    let wave = if inverse { waves[k * SIDE + x] } else { waves[x * SIDE + k] };
                    *sum += sample * wave;
                }
            }
            for (x, sum) in sums.into_iter().enumerate() {
                turned[x * SIDE + y] = sum;
            }
        }
        from = turned;
    }
    from
}

/// Row k: the wave of frequency k at the eight samples, scaled so that the inverse is the
/// transpose.
fn waves() -> &'static [f32; 64] {
    static WAVES: OnceLock<[f32; 64]> = OnceLock::new();
    WAVES.get_or_init(|| {
        std::array::from_fn(|i| {
            let (k, x) = ((i / SIDE) as f32, (i % SIDE) as f32);
            let scale = if i < SIDE { 0.125_f32.sqrt() } else { 0.5 };
            scale * libm::cosf((2.0 * x + 1.0) * k * std::f32::consts::PI / 16.0)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, height: usize) -> Vec<[f32; 3]> {
        (0..width * height)
            .map(|i| {
                let (x, y) = ((i % width) as f32, (i / width) as f32);
                [120.0 + 3.0 * x, 90.0 + 2.0 * y, 150.0 - x - y]
            })
            .collect()
    }

    fn largest_change(a: &[[f32; 3]], b: &[[f32; 3]]) -> f32 {
        a.iter()
            .zip(b)
            .flat_map(|(p, q)| p.iter().zip(q).map(|(p, q)| (p - q).abs()))
            .fold(0.0, f32::max)
    }

    #[test]
    fn the_transform_and_its_inverse_give_the_block_back() {
        let block: [f32; 64] = std::array::from_fn(|i| ((i * 37) % 101) as f32 - 50.0);
        let there = transformed(&block, waves(), false);
        let mean = block.iter().sum::<f32>() / 64.0;
        assert!((there[0] - 8.0 * mean).abs() < 1e-3, "the first frequency is the mean");
        let back = transformed(&there, waves(), true);
        for (a, b) in block.iter().zip(back) {
            assert!((a - b).abs() < 1e-3, "{a} and {b}");
        }
    }

    #[test]
    fn a_better_quality_takes_less_and_the_best_next_to_nothing() {
        let before = picture(37, 21);
        let loss = |quality| {
            let mut after = before.clone();
            Jpeg { quality, offset: [5, 11] }.lossy(&mut after, 37);
            let squares = before
                .iter()
                .zip(&after)
                .map(|(p, q)| p.iter().zip(q).map(|(p, q)| (p - q) * (p - q)).sum::<f32>());
            squares.sum::<f32>()
        };
        assert!(loss(100) < loss(80) && loss(80) < loss(20), "the better the less");
        let mut after = before.clone();
        Jpeg { quality: 100, offset: [0, 0] }.lossy(&mut after, 37);
        // Only colour at half the resolution is left: at most a pixel's step of this ramp.
        assert!(largest_change(&before, &after) < 5.0);
    }

    #[test]
    fn a_square_depends_on_itself_alone() {
        let before = picture(40, 40);
        let mut changed = before.clone();
        changed[18 * 40 + 18] = [255.0, 0.0, 0.0];
        let lossy = |pixels: &[[f32; 3]]| {
            let mut after = pixels.to_vec();
            Jpeg { quality: 60, offset: [3, 7] }.lossy(&mut after, 40);
            after
        };
        for (i, (a, b)) in lossy(&before).iter().zip(lossy(&changed)).enumerate() {
            let same = ((i % 40) + 3) / MCU == 21 / MCU && ((i / 40) + 7) / MCU == 25 / MCU;
            assert!(same || *a == b, "pixel {i} is of another square");
        }
    }
}
