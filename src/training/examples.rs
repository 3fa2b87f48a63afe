//! Training examples: each digit cut out once with a margin, then shifted, scaled, turned and
//! relit anew each time it is shown.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{
    dataset::format1::{Digit, Format1, Format1Error},
    photo::{BoxInPhoto, Photo},
};

/// Side of a network's square input.
pub const SIDE: usize = 40;

/// Side of a kept patch; the digit's box fills about two thirds of it.
const PATCH: usize = 60;

/// A digit's grey surroundings, to draw training inputs from.
#[derive(Clone, Debug)]
pub struct Example {
    /// What it shows, 0 to 9.
    pub digit: u8,
    /// `PATCH * PATCH` grey values, 0 to 1.
    patch: Vec<f32>,
    /// Left, top, width and height of the digit's box in the patch.
    box_in_patch: [f32; 4],
}

/// How far training inputs stray from the box; all zero shows the box as it is.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Augmentation {
    /// Largest shift along each axis, as a share of the box's side.
    pub shift: f32,
    /// Largest relative change of size along each axis.
    pub scale: f32,
    /// Largest rotation and shear in degrees.
    pub rotation: f32,
    /// Largest change of brightness, on the scale 0 to 1.
    pub brightness: f32,
    /// Largest relative change of contrast.
    pub contrast: f32,
    /// Chance of inverting light and dark.
    pub inversion: f32,
    /// Largest standard deviation of added noise.
    pub noise: f32,
}

impl Augmentation {
    /// Shows each box as it is.
    pub const NONE: Augmentation = Augmentation {
        shift: 0.0,
        scale: 0.0,
        rotation: 0.0,
        brightness: 0.0,
        contrast: 0.0,
        inversion: 0.0,
        noise: 0.0,
    };

    /// What suits the small networks and the few thousand digits at hand.
    pub const LIGHT: Augmentation = Augmentation {
        shift: 0.06,
        scale: 0.10,
        rotation: 7.0,
        brightness: 0.10,
        contrast: 0.30,
        inversion: 0.30,
        noise: 0.02,
    };
}

impl Example {
    fn cut(photo: &Photo, digit: &Digit) -> Self {
        let size = photo.size();
        let area = digit.area;
        // Half a box's width and height more, a quarter on each side, as far as the photo goes;
        // beyond its edge the last pixels are repeated when inputs are drawn.
        let (margin_x, margin_y) = (area.width.div_ceil(4), area.height.div_ceil(4));
        let left = area.left.saturating_sub(margin_x);
        let top = area.top.saturating_sub(margin_y);
        let around = BoxInPhoto {
            left,
            top,
            width: (area.right() + margin_x).min(size.width) - left,
            height: (area.bottom() + margin_y).min(size.height) - top,
        };
        let to_patch_x = PATCH as f32 / around.width as f32;
        let to_patch_y = PATCH as f32 / around.height as f32;
        Example {
            digit: digit.digit,
            patch: photo.grey_square(around, PATCH as u32),
            box_in_patch: [
                (area.left - left) as f32 * to_patch_x,
                (area.top - top) as f32 * to_patch_y,
                area.width as f32 * to_patch_x,
                area.height as f32 * to_patch_y,
            ],
        }
    }

    /// Draws one normalised input of `SIDE * SIDE` values into `input`.
    pub fn draw(&self, augmentation: &Augmentation, rng: &mut ChaCha8Rng, input: &mut Vec<f32>) {
        let a = augmentation;
        let mut within = |reach: f32| {
            if reach > 0.0 { rng.random_range(-reach..=reach) } else { 0.0 }
        };
        let [left, top, width, height] = self.box_in_patch;
        let centre_x = left + width * (0.5 + within(a.shift));
        let centre_y = top + height * (0.5 + within(a.shift));
        let (scale_x, scale_y) = (1.0 + within(a.scale), 1.0 + within(a.scale));
        let turn = within(a.rotation).to_radians();
        let shear = within(a.rotation).to_radians().tan();
        let brightness = within(a.brightness);
        let contrast = 1.0 + within(a.contrast);
        let noise = within(a.noise).abs();
        let inverted = a.inversion > 0.0 && rng.random::<f32>() < a.inversion;
        let (sin, cos) = turn.sin_cos();
        for row in 0..SIDE {
            let v = (row as f32 + 0.5) / SIDE as f32 - 0.5;
            for column in 0..SIDE {
                let u = (column as f32 + 0.5) / SIDE as f32 - 0.5 + shear * v;
                let x = centre_x + width * scale_x * (cos * u - sin * v);
                let y = centre_y + height * scale_y * (sin * u + cos * v);
                let mut value = self.sample(x - 0.5, y - 0.5);
                if inverted {
                    value = 1.0 - value;
                }
                value = (value - 0.5) * contrast + 0.5 + brightness;
                if noise > 0.0 {
                    // A sum of three uniform values is near enough to a normal one.
                    let sum: f32 = (0..3).map(|_| rng.random_range(-1.0f32..=1.0)).sum();
                    value += noise * sum;
                }
                input.push((value.clamp(0.0, 1.0) - 0.5) / 0.5);
            }
        }
    }

    /// The patch at column `x`, row `y`, bilinear, edges repeated.
    fn sample(&self, x: f32, y: f32) -> f32 {
        let limit = (PATCH - 1) as f32;
        let (x, y) = (x.clamp(0.0, limit), y.clamp(0.0, limit));
        let (x0, y0) = (x as usize, y as usize);
        let (x1, y1) = ((x0 + 1).min(PATCH - 1), (y0 + 1).min(PATCH - 1));
        let (fx, fy) = (x - x0 as f32, y - y0 as f32);
        let at = |x: usize, y: usize| self.patch[y * PATCH + x];
        (at(x0, y0) * (1.0 - fx) + at(x1, y0) * fx) * (1.0 - fy)
            + (at(x0, y1) * (1.0 - fx) + at(x1, y1) * fx) * fy
    }
}

/// Cuts out all digits of these photos (indices into `data.photos`), calling `progress` after
/// each photo.
///
/// # Errors
/// [`Format1Error`] at the first photo or box that cannot be used.
pub fn cut_examples(
    data: &Format1,
    photos: &[usize],
    mut progress: impl FnMut(),
) -> Result<Vec<Example>, Format1Error> {
    let mut examples = Vec::new();
    for entry in photos.iter().filter_map(|&i| data.photos.get(i)) {
        let (photo, digits) = data.load(entry)?;
        examples.extend(digits.iter().map(|digit| Example::cut(&photo, digit)));
        progress();
    }
    Ok(examples)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::{classifier::Classifier, photo::PhotoSize};

    #[test]
    fn without_augmentation_the_input_is_the_classifiers() {
        let size = PhotoSize { width: 90, height: 90 };
        // Smooth, so that resampling twice changes little.
        let samples =
            (0..90 * 90u32).flat_map(|i| [(i % 90 * 2) as u8, (i / 90 * 2) as u8, 90]).collect();
        let photo = Photo::from_rgb8(size, samples).expect("the samples fit the size");
        let area = BoxInPhoto { left: 20, top: 25, width: 40, height: 40 };
        let example = Example::cut(&photo, &Digit { area, digit: 3 });
        let mut input = Vec::new();
        example.draw(&Augmentation::NONE, &mut ChaCha8Rng::seed_from_u64(0), &mut input);
        let exact = Classifier::input_of(&photo, area);
        assert_eq!(input.len(), exact.len());
        for (drawn, exact) in input.iter().zip(&exact) {
            assert!((drawn - exact).abs() < 0.02, "{drawn} is not near {exact}");
        }
    }
}
