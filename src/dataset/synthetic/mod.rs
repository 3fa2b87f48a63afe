//! House fronts with numbers, drawn by our own program: sample pictures for the page, and photos
//! with labels in SVHN's layout, so that tests and training run without SVHN.
//!
//! A photo's way: a `Wall` (`front`) becomes a `Surface` with colour, relief and gloss; plates and
//! `props` are stamped onto it; a `Number`, set in our own strokes (`digits`) or in one of `typefaces`, is put on a copy; `Light`
//! and `Camera` turn both into photos, one with digits and one without, equal everywhere outside
//! the digits' boxes. `small` makes up photos like SVHN's, `samples` composes the page's.
//!
//! The same seed gives the same bytes on every machine: randomness is ChaCha8, functions beyond
//! sums, products and square roots are `libm`'s.

mod camera;
mod dice;
mod digits;
mod files;
mod front;
mod noise;
mod number;
mod props;
mod samples;
mod small;
mod surface;
mod typefaces;

use image::RgbImage;

pub use files::{Format1Written, SampleEntry, SyntheticError, write_format1, write_samples};
pub use small::{Street, render};
pub use typefaces::{
    PinnedFile, PinnedTypeface, TypefaceError, TypefaceKind, TypefaceSplit, Typefaces,
    pinned_typefaces,
};

use crate::{dataset::format1::Digit, photo::BoxInPhoto};
use camera::{Camera, blended};
use number::{Mount, Number};
use surface::{Light, Surface};

/// A drawn photo, and what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The photo.
    pub photo: RgbImage,
    /// The digits from left to right. A box holds all pixels that its digit changes: the digit,
    /// the shadow it throws, and their blur.
    pub digits: Vec<Digit>,
    /// The same photo, noise and all, had the digits never been there. It equals the photo
    /// outside the boxes.
    pub clean: RgbImage,
}

/// Pixels about a digit's last visible pixel that still belong to its box. In them the digit's
/// remaining blur fades out.
const BOX_MARGIN: u32 = 1;

/// How much a digit must cover a pixel for the pixel to count as the digit's, 0 to 1.
const LEAST_COVER: f32 = 0.16;

/// How much a digit must change a pixel's channel for the same, in levels of 0 to 1.
const LEAST_CHANGE: f32 = 6.0 / 255.0;

/// Puts numbers on a surface, takes the photo with and without them, and finds the boxes.
fn photograph(
    bare: &Surface,
    numbers: &[(Number, Mount)],
    light: &Light,
    camera: &Camera,
    dice: &mut dice::Dice,
) -> Scene {
    let mut full = bare.clone();
    let mut covers = Vec::new();
    for (number, mount) in numbers {
        let placed = number.placed(bare, mount.reach(light), dice);
        mount.draw(&mut full, &placed, light, dice.bits());
        for digit in &placed {
            let cover: Vec<[f32; 1]> =
                mount.influence(bare, digit, light).into_iter().map(|share| [share]).collect();
            covers.push((digit.digit, camera.project(&cover, bare.width)));
        }
    }
    let taken =
        |surface: &Surface| camera.developed(&camera.project(&surface.lit(light), surface.width));
    let (photo, clean) = (taken(&full), taken(bare));
    let change: Vec<f32> = photo
        .iter()
        .zip(&clean)
        .map(|(p, c)| p.iter().zip(c).map(|(p, c)| (p - c).abs()).fold(0.0, f32::max))
        .collect();
    let digits: Vec<Digit> = covers
        .iter()
        .filter_map(|(digit, cover)| {
            let area = changed_box(camera, |i| {
                cover.get(i).is_some_and(|share| share[0] > LEAST_COVER)
                    && change.get(i).is_some_and(|&change| change > LEAST_CHANGE)
            })?;
            let size = crate::photo::PhotoSize { width: camera.width, height: camera.height };
            Some(Digit { area: area.grown(BOX_MARGIN, size), digit: *digit })
        })
        .collect();
    let share = share_of_boxes(camera, &digits);
    let photo = camera.quantised(&blended(&photo, &clean, &share), &clean);
    let clean = camera.quantised(&clean, &clean);
    Scene { photo: picture(camera, photo), digits, clean: picture(camera, clean) }
}

/// The smallest box that holds all pixels (numbered row after row) for which `belongs`.
fn changed_box(camera: &Camera, belongs: impl Fn(usize) -> bool) -> Option<BoxInPhoto> {
    let mut found: Option<BoxInPhoto> = None;
    for y in 0..camera.height {
        for x in 0..camera.width {
            if belongs(y as usize * camera.width as usize + x as usize) {
                let pixel = BoxInPhoto { left: x, top: y, width: 1, height: 1 };
                found = Some(found.map_or(pixel, |area| area.union(&pixel)));
            }
        }
    }
    found
}

/// How much of the photo with digits each pixel takes: 1 in a box, 0 outside, between in its
/// margin.
fn share_of_boxes(camera: &Camera, digits: &[Digit]) -> Vec<f32> {
    let width = camera.width as usize;
    let mut share = vec![0.0_f32; width * camera.height as usize];
    for Digit { area, .. } in digits {
        for y in area.top..area.bottom() {
            for x in area.left..area.right() {
                let edge = (x - area.left)
                    .min(area.right() - 1 - x)
                    .min(y - area.top)
                    .min(area.bottom() - 1 - y);
                let fade = ((edge as f32 + 0.5) / BOX_MARGIN as f32).min(1.0);
                if let Some(share) = share.get_mut(y as usize * width + x as usize) {
                    *share = share.max(fade);
                }
            }
        }
    }
    share
}

fn picture(camera: &Camera, bytes: Vec<u8>) -> RgbImage {
    RgbImage::from_raw(camera.width, camera.height, bytes)
        .unwrap_or_else(|| RgbImage::new(camera.width, camera.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_bytes_and_another_seed_others() {
        assert_eq!(render(7), render(7));
        assert_ne!(render(7).photo, render(8).photo);
    }

    #[test]
    fn boxes_lie_on_the_photo_and_hold_every_changed_pixel() {
        for seed in 0..60 {
            let scene = render(seed);
            let (width, height) = scene.photo.dimensions();
            assert!((1..=5).contains(&scene.digits.len()), "seed {seed}");
            for digit in &scene.digits {
                let area = digit.area;
                assert!(area.right() <= width && area.bottom() <= height, "seed {seed}");
                assert!(digit.digit <= 9);
            }
            for (x, y, pixel) in scene.photo.enumerate_pixels() {
                let boxed = scene.digits.iter().any(|digit| digit.area.contains(x, y));
                assert!(
                    boxed || pixel == scene.clean.get_pixel(x, y),
                    "seed {seed}: pixel {x}, {y} changed outside all boxes"
                );
            }
        }
    }

    #[test]
    fn boxes_are_tight() {
        for seed in 0..60 {
            let scene = render(seed);
            for Digit { area, digit } in &scene.digits {
                let changed = |x: u32, y: u32| {
                    let (p, c) = (scene.photo.get_pixel(x, y), scene.clean.get_pixel(x, y));
                    p.0.iter().zip(c.0).any(|(&p, c)| p.abs_diff(c) > 3)
                };
                // Within three pixels of each edge, something has changed.
                let near = |n: u32| 0..n.min(3);
                let columns = || area.left..area.right();
                let rows = || area.top..area.bottom();
                let message = format!("seed {seed}, digit {digit}, {area:?}");
                let row = |y: u32| columns().any(|x| changed(x, y));
                let column = |x: u32| rows().any(|y| changed(x, y));
                assert!(near(area.height).any(|i| row(area.top + i)), "top: {message}");
                assert!(near(area.height).any(|i| row(area.bottom() - 1 - i)), "foot: {message}");
                assert!(near(area.width).any(|i| column(area.left + i)), "left: {message}");
                assert!(near(area.width).any(|i| column(area.right() - 1 - i)), "right: {message}");
            }
        }
    }
}
