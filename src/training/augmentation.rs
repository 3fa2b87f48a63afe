//! Varies training inputs: each time a digit is shown, it is shifted, scaled, turned, lit and
//! degraded differently.

use std::{fmt, io::Cursor};

use image::{ExtendedColorType, ImageEncoder as _, codecs::jpeg::JpegEncoder};
use rand::{Rng, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{
    classifier::Input,
    dataset::store::PatchFormat,
    photo::{CropShape, SURROUNDINGS},
};

/// How much training inputs are varied; all zero leaves them unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Largest shift along each axis, as a share of the frame's side.
    pub shift: f32,
    /// Largest relative change of size along each axis.
    pub scale: f32,
    /// Largest rotation in degrees.
    pub rotation: f32,
    /// Largest shear in degrees.
    pub shear: f32,
    /// Largest change of brightness, on the scale 0 to 1.
    pub brightness: f32,
    /// Largest relative change of contrast.
    pub contrast: f32,
    /// Probability of inverting light and dark.
    pub inversion: f32,
    /// Largest standard deviation of a Gaussian blur, in pixels of the input.
    pub blur: f32,
    /// Largest standard deviation of added noise, on the scale 0 to 1.
    pub noise: f32,
    /// Probability of JPEG compression, at a quality of 20 to 80.
    pub jpeg: f32,
    /// Probability that a digit's surroundings are not shown, of networks that are given them: the
    /// edge of its square is repeated instead, as where only the digit is there.
    #[serde(default)]
    pub alone: f32,
    /// Probability that the colours of a colour input change places and fade.
    #[serde(default)]
    pub recolouring: f32,
}

impl Augmentation {
    /// Leaves each frame unchanged.
    pub const NONE: Augmentation = Augmentation {
        shift: 0.0,
        scale: 0.0,
        rotation: 0.0,
        shear: 0.0,
        brightness: 0.0,
        contrast: 0.0,
        inversion: 0.0,
        blur: 0.0,
        noise: 0.0,
        jpeg: 0.0,
        alone: 0.0,
        recolouring: 0.0,
    };

    /// For small networks and a few thousand digits.
    pub const LIGHT: Augmentation = Augmentation {
        shift: 0.06,
        scale: 0.10,
        rotation: 7.0,
        shear: 7.0,
        brightness: 0.10,
        contrast: 0.30,
        inversion: 0.30,
        blur: 0.0,
        noise: 0.02,
        jpeg: 0.0,
        alone: 0.0,
        recolouring: 0.0,
    };

    /// For many digits, or a network that overfits.
    pub const STRONG: Augmentation = Augmentation {
        shift: 0.10,
        scale: 0.15,
        rotation: 10.0,
        shear: 10.0,
        brightness: 0.15,
        contrast: 0.40,
        inversion: 0.50,
        blur: 1.2,
        noise: 0.04,
        jpeg: 0.10,
        alone: 0.0,
        recolouring: 0.0,
    };

    /// Draws one input from a patch, samples 0 to 1 and not standardised.
    ///
    /// Writes all of `out`, which is of the input's length.
    pub fn draw(
        &self,
        patch: &[u8],
        patches: PatchFormat,
        input: &Input,
        rng: &mut ChaCha8Rng,
        out: &mut [f32],
    ) {
        let mut within = |reach: f32| {
            if reach > 0.0 { rng.random_range(-reach..=reach) } else { 0.0 }
        };
        // The frame's share of the patch, in the patch's pixels.
        let frame = patches.side as f32 / (1.0 + 2.0 * patches.margin);
        let middle = patches.side as f32 / 2.0;
        let (centre_x, centre_y) =
            (middle + frame * within(self.shift), middle + frame * within(self.shift));
        let (scale_x, scale_y) =
            (frame * (1.0 + within(self.scale)), frame * (1.0 + within(self.scale)));
        let (sin, cos) = within(self.rotation).to_radians().sin_cos();
        let shear = within(self.shear).to_radians().tan();
        let brightness = within(self.brightness);
        let contrast = 1.0 + within(self.contrast);
        let blur = within(self.blur).abs();
        let noise = within(self.noise).abs();
        let inverted = self.inversion > 0.0 && rng.random::<f32>() < self.inversion;
        let compressed = self.jpeg > 0.0 && rng.random::<f32>() < self.jpeg;
        let reach = match input.crop {
            CropShape::Surrounded if self.alone > 0.0 && rng.random::<f32>() < self.alone => {
                frame / SURROUNDINGS as f32 / 2.0
            }
            _ => middle,
        };
        let shown = [middle - reach, middle + reach];

        let side = input.side;
        let planes = patch.chunks_exact(patches.side * patches.side);
        for (plane, out) in planes.zip(out.chunks_exact_mut(side * side)) {
            for (row, out) in out.chunks_exact_mut(side).enumerate() {
                let v = (row as f32 + 0.5) / side as f32 - 0.5;
                for (column, out) in out.iter_mut().enumerate() {
                    let u = (column as f32 + 0.5) / side as f32 - 0.5 + shear * v;
                    let x = centre_x + scale_x * (cos * u - sin * v);
                    let y = centre_y + scale_y * (sin * u + cos * v);
                    *out = sample(plane, patches.side, shown, x, y);
                }
            }
        }
        if self.recolouring > 0.0 && rng.random::<f32>() < self.recolouring {
            recoloured(out, side * side, rng);
        }
        if blur > 0.2 {
            // Below that a kernel has one tap that counts.
            out.chunks_exact_mut(side * side).for_each(|plane| blurred(plane, side, blur));
        }
        for value in out.iter_mut() {
            let lit = if inverted { 1.0 - *value } else { *value };
            let lit = (lit - 0.5) * contrast + 0.5 + brightness;
            let grain = if noise > 0.0 {
                // A sum of three uniform values is near enough to a normal one.
                noise * (0..3).map(|_| rng.random_range(-1.0f32..=1.0)).sum::<f32>()
            } else {
                0.0
            };
            *value = (lit + grain).clamp(0.0, 1.0);
        }
        if compressed {
            through_jpeg(out, side, input.channels(), rng.random_range(20..=80));
        }
    }
}

/// Writes the options that give this augmentation; what is zero is left out.
impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--augmentation none")?;
        let kinds = [
            ("shift", self.shift),
            ("scale", self.scale),
            ("rotation", self.rotation),
            ("shear", self.shear),
            ("brightness", self.brightness),
            ("contrast", self.contrast),
            ("inversion", self.inversion),
            ("blur", self.blur),
            ("noise", self.noise),
            ("jpeg", self.jpeg),
            ("alone", self.alone),
            ("recolouring", self.recolouring),
        ];
        for (name, value) in kinds {
            if value != 0.0 {
                write!(f, " --{name} {value}")?;
            }
        }
        Ok(())
    }
}

/// Presets of augmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum AugmentationKind {
    /// No variation.
    None,
    /// For the small networks and a few thousand digits.
    Light,
    /// For many digits.
    Strong,
}

/// The augmentation on the command line: a preset, and the options that change single values of it.
#[derive(Clone, Copy, Debug, PartialEq, clap::Args)]
#[command(next_help_heading = "Augmentation")]
pub struct AugmentationArgs {
    /// How inputs are varied; the options after this one change single values of it.
    #[arg(long, value_enum, default_value_t = AugmentationKind::Light)]
    augmentation: AugmentationKind,
    /// Largest shift, as a share of the box's side.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    shift: Option<f32>,
    /// Largest relative change of size.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    scale: Option<f32>,
    /// Largest rotation, degrees.
    #[arg(long, value_name = "DEGREES", value_parser = angle)]
    rotation: Option<f32>,
    /// Largest shear, degrees.
    #[arg(long, value_name = "DEGREES", value_parser = angle)]
    shear: Option<f32>,
    /// Largest change of brightness, 0 to 1.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    brightness: Option<f32>,
    /// Largest relative change of contrast.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    contrast: Option<f32>,
    /// Probability of inverting light and dark.
    #[arg(long, value_name = "PROBABILITY", value_parser = share)]
    inversion: Option<f32>,
    /// Largest blur: standard deviation in pixels of the input, up to 10.
    #[arg(long, value_name = "PIXELS", value_parser = deviation)]
    blur: Option<f32>,
    /// Largest noise: standard deviation, 0 to 1.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    noise: Option<f32>,
    /// Probability of JPEG compression, at a quality of 20 to 80.
    #[arg(long, value_name = "PROBABILITY", value_parser = share)]
    jpeg: Option<f32>,
    /// Probability that a digit's surroundings are not shown, for networks that are given them.
    #[arg(long, value_name = "PROBABILITY", value_parser = share)]
    alone: Option<f32>,
    /// Probability that the colours of a colour input change places and fade.
    #[arg(long, value_name = "PROBABILITY", value_parser = share)]
    recolouring: Option<f32>,
}

impl AugmentationArgs {
    /// The augmentation that these options ask for.
    pub fn augmentation(&self) -> Augmentation {
        let base = match self.augmentation {
            AugmentationKind::None => Augmentation::NONE,
            AugmentationKind::Light => Augmentation::LIGHT,
            AugmentationKind::Strong => Augmentation::STRONG,
        };
        Augmentation {
            shift: self.shift.unwrap_or(base.shift),
            scale: self.scale.unwrap_or(base.scale),
            rotation: self.rotation.unwrap_or(base.rotation),
            shear: self.shear.unwrap_or(base.shear),
            brightness: self.brightness.unwrap_or(base.brightness),
            contrast: self.contrast.unwrap_or(base.contrast),
            inversion: self.inversion.unwrap_or(base.inversion),
            blur: self.blur.unwrap_or(base.blur),
            noise: self.noise.unwrap_or(base.noise),
            jpeg: self.jpeg.unwrap_or(base.jpeg),
            alone: self.alone.unwrap_or(base.alone),
            recolouring: self.recolouring.unwrap_or(base.recolouring),
        }
    }
}

fn within(text: &str, most: f32) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (0.0..=most).contains(&value) => Ok(value),
        _ => Err(format!("give a number from 0 to {most}")),
    }
}

fn share(text: &str) -> Result<f32, String> {
    within(text, 1.0)
}

fn angle(text: &str) -> Result<f32, String> {
    within(text, 60.0)
}

fn deviation(text: &str) -> Result<f32, String> {
    within(text, 10.0)
}

/// A plane at `x`, `y`, bilinear; 0 to 1. Nothing beyond `shown` in either direction is seen, its
/// edge is repeated.
fn sample(plane: &[u8], side: usize, shown: [f32; 2], x: f32, y: f32) -> f32 {
    let [first, last] = [shown[0], shown[1] - 1.0];
    let (x, y) = ((x - 0.5).clamp(first, last), (y - 0.5).clamp(first, last));
    let (x0, y0) = (x as usize, y as usize);
    let (x1, y1) = ((x0 + 1).min(side - 1), (y0 + 1).min(side - 1));
    let (fx, fy) = (x - x0 as f32, y - y0 as f32);
    let at = |x: usize, y: usize| f32::from(plane[y * side + x]);
    let above = at(x0, y0) * (1.0 - fx) + at(x1, y0) * fx;
    let below = at(x0, y1) * (1.0 - fx) + at(x1, y1) * fx;
    (above * (1.0 - fy) + below * fy) / 255.0
}

/// Lets the planes of red, green and blue change places and fade towards their mean; other inputs
/// are unchanged. What a digit is does not depend on its colour.
fn recoloured(planes: &mut [f32], plane: usize, rng: &mut ChaCha8Rng) {
    let order = {
        let mut order = [0, 1, 2];
        order.shuffle(rng);
        order
    };
    let fading: f32 = rng.random();
    let mut parts = planes.chunks_exact_mut(plane);
    if let (Some(red), Some(green), Some(blue)) = (parts.next(), parts.next(), parts.next()) {
        for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
            let old = [*red, *green, *blue];
            let mean = old.iter().sum::<f32>() / 3.0;
            let [first, second, third] = order.map(|i| old[i] + fading * (mean - old[i]));
            (*red, *green, *blue) = (first, second, third);
        }
    }
}

/// Blurs a plane with a Gaussian, edges repeated.
fn blurred(plane: &mut [f32], side: usize, deviation: f32) {
    let reach = (2.5 * deviation).ceil() as usize;
    let kernel: Vec<f32> = (0..=2 * reach)
        .map(|i| {
            let distance = i as f32 - reach as f32;
            (-distance * distance / (2.0 * deviation * deviation)).exp()
        })
        .collect();
    let total: f32 = kernel.iter().sum();
    // Rows, written as columns; twice that is both directions, and upright again.
    for _ in 0..2 {
        let source = plane.to_vec();
        for (y, row) in source.chunks_exact(side).enumerate() {
            for x in 0..side {
                let tap = |(i, weight): (usize, &f32)| {
                    weight * row[(x + i).saturating_sub(reach).min(side - 1)]
                };
                plane[x * side + y] = kernel.iter().enumerate().map(tap).sum::<f32>() / total;
            }
        }
    }
}

/// What a JPEG of this quality leaves of an input.
fn through_jpeg(planes: &mut [f32], side: usize, channels: usize, quality: u8) {
    let plane = side * side;
    let interleaved: Vec<u8> = (0..plane * channels)
        .map(|i| (planes[i % channels * plane + i / channels] * 255.0).round() as u8)
        .collect();
    let colours = if channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut file = Vec::new();
    let written = JpegEncoder::new_with_quality(&mut file, quality).write_image(
        &interleaved,
        side as u32,
        side as u32,
        colours,
    );
    let decoded = image::load(Cursor::new(&file), image::ImageFormat::Jpeg);
    // In memory neither can fail; if one did, the input would be unchanged.
    if let (Ok(()), Ok(decoded)) = (written, decoded) {
        let bytes = if channels == 1 {
            decoded.into_luma8().into_raw()
        } else {
            decoded.into_rgb8().into_raw()
        };
        for (i, byte) in bytes.into_iter().enumerate() {
            planes[i % channels * plane + i / channels] = f32::from(byte) / 255.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::{
        classifier::Architecture,
        dataset::format1::Digit,
        photo::{BoxInPhoto, Photo, PhotoSize},
    };

    /// A smooth photo, so that resampling twice changes little, and a box on it.
    fn smooth() -> (Photo, Digit) {
        let size = PhotoSize { width: 90, height: 90 };
        let samples =
            (0..90 * 90u32).flat_map(|i| [(i % 90 * 2) as u8, (i / 90 * 2) as u8, 90]).collect();
        let photo = Photo::from_rgb8(size, samples).expect("the samples fit the size");
        let area = BoxInPhoto { left: 20, top: 25, width: 40, height: 30 };
        (photo, Digit { area, digit: 3 })
    }

    fn drawn(augmentation: &Augmentation, network: &str) -> (Vec<f32>, Vec<f32>) {
        let input = Architecture::named(network).expect("a network").input;
        let (photo, digit) = smooth();
        let patches = PatchFormat::around(input.colours, input.crop, input.side);
        let patch = patches.cut(&photo, &digit);
        let mut out = vec![0.0; input.len()];
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        augmentation.draw(&patch, patches, &input, &mut rng, &mut out);
        (out, input.crop_of(&photo, digit.area))
    }

    #[test]
    fn without_augmentation_the_input_is_the_classifiers() {
        for network in ["ConvNet48_Dropout3", "TensorFlow", "Caffe", "ReaderNet"] {
            let (drawn, exact) = drawn(&Augmentation::NONE, network);
            assert_eq!(drawn.len(), exact.len());
            for (drawn, exact) in drawn.iter().zip(&exact) {
                assert!((drawn - exact).abs() < 0.02, "{network}: {drawn} is not near {exact}");
            }
        }
    }

    #[test]
    fn each_kind_changes_the_input_and_keeps_its_range() {
        let none = Augmentation::NONE;
        let kinds = [
            Augmentation { shift: 0.2, ..none },
            Augmentation { scale: 0.2, ..none },
            Augmentation { rotation: 20.0, ..none },
            Augmentation { shear: 20.0, ..none },
            Augmentation { brightness: 0.3, ..none },
            Augmentation { contrast: 0.5, ..none },
            Augmentation { inversion: 1.0, ..none },
            Augmentation { blur: 3.0, ..none },
            Augmentation { noise: 0.1, ..none },
            Augmentation { jpeg: 1.0, ..none },
            Augmentation { alone: 1.0, ..none },
            Augmentation { recolouring: 1.0, ..none },
        ];
        let (plain, _) = drawn(&none, "ReaderNet");
        for kind in kinds {
            let (drawn, _) = drawn(&kind, "ReaderNet");
            assert!(drawn.iter().all(|value| (0.0..=1.0).contains(value)), "{kind:?}");
            assert_ne!(drawn, plain, "{kind:?}");
        }
    }
}
