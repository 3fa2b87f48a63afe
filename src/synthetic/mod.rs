//! House fronts with numbers, drawn by our own program: sample pictures for the page, and photos
//! with labels in SVHN's layout, so that tests and training run without SVHN.
//!
//! How a photo is made: a `Wall` (`front`) becomes a `Surface` with colour, relief and gloss;
//! plates and `props` are stamped onto it; a `Number`, set in our own strokes (`digits`) or in one
//! of `typefaces`, is put on a copy; `Light` and `Camera` turn both into photos, one with digits
//! and one without, equal everywhere outside the digits' boxes. `street` makes up photos like
//! SVHN's, `samples` composes the page's, and `walls` puts numbers on parts of real photos.
//!
//! The same seed gives the same bytes on every machine: randomness is ChaCha8, mathematical
//! functions other than square roots come from `libm`.

mod annotator;
mod camera;
mod dice;
mod digits;
mod files;
mod front;
mod jpeg;
mod noise;
mod number;
mod props;
mod samples;
mod street;
mod surface;
mod typefaces;
mod walls;

use image::{GrayImage, RgbImage};

pub use files::{
    Format1Written, SampleEntry, SetWritten, SynthOptions, SyntheticError, write_format1,
    write_samples, write_set,
};
pub use street::{Street, render};
pub use typefaces::{
    PinnedFile, PinnedTypeface, TypefaceError, TypefaceKind, TypefaceSplit, Typefaces,
    pinned_typefaces,
};
pub use walls::{LEAST_SIDE, Wall, WallError, Walls};

use crate::{dataset::format1::Digit, photo::BoxInPhoto};
use camera::{Camera, blended};
use number::{Mount, Number};
use surface::{Light, Surface};

/// A drawn photo like SVHN's, and what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The photo.
    pub photo: RgbImage,
    /// The digits from left to right, in boxes as people draw them: now a little too large, now
    /// through a stroke.
    pub digits: Vec<Digit>,
    /// Which pixels are a digit's.
    pub masks: Masks,
    /// The same photo without the digits: the same wall, light, noise and JPEG steps. It equals the
    /// photo, except in the squares of 16 x 16 pixels that a digit, its shadow or their blur
    /// reaches.
    pub clean: RgbImage,
}

/// Which pixels of a photo are a digit's; each picture has the photo's size.
#[derive(Clone, Debug, PartialEq)]
pub struct Masks {
    /// How much of a pixel's light comes from strokes, their blur included: 255 is all.
    pub strokes: GrayImage,
    /// How much of the sun the digits' shadows take from it beside the strokes: 255 is all.
    pub shadow: GrayImage,
    /// Which digit that is: 1 for the first of the photo's digits, 0 for none.
    pub digit: GrayImage,
}

/// A sample picture, drawn with and without its digits.
#[derive(Clone, Debug, PartialEq)]
struct Picture {
    photo: RgbImage,
    /// The digits from left to right. A box holds all pixels that its digit changes: the digit,
    /// the shadow it throws, and their blur.
    digits: Vec<Digit>,
    /// The same photo, noise and all, had the digits never been there. It equals the photo
    /// outside the boxes.
    clean: RgbImage,
}

/// Width in pixels of the margin around a digit's visible pixels that still belongs to its box. In
/// it the digit's remaining blur fades out.
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
) -> Picture {
    let mut full = bare.clone();
    let mut covers = Vec::new();
    for (number, mount) in numbers {
        let placed = number.placed(bare, mount.reach(light), dice);
        mount.shade(&mut full, &placed, light);
        mount.draw(&mut full, &placed, dice.bits());
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
    Picture { photo: picture(camera, photo), digits, clean: picture(camera, clean) }
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
    fn a_photo_alone_is_the_scene_s() {
        let scene = render(21);
        assert_eq!(Street::default().photo(21), (scene.photo, scene.digits));
    }

    /// The squares that JPEG keeps apart lie askew to the photo, so one that has changed can
    /// reach so far.
    const SQUARE: u32 = 15;

    #[test]
    fn the_clean_photo_is_the_same_away_from_the_masks() {
        for seed in 0..40 {
            let scene = render(seed);
            let (width, height) = scene.photo.dimensions();
            let masked = |x: u32, y: u32| {
                let at = |mask: &GrayImage| mask.get_pixel(x, y).0[0];
                at(&scene.masks.strokes).max(at(&scene.masks.shadow)) > 0
            };
            let mut changed = 0;
            for (x, y, pixel) in scene.photo.enumerate_pixels() {
                if pixel == scene.clean.get_pixel(x, y) {
                    continue;
                }
                changed += 1;
                // A blur's last percent and what keeps the sky off lie outside the masks.
                let reach = SQUARE + 12;
                let mut near = (y.saturating_sub(reach)..(y + reach).min(height)).flat_map(|y| {
                    (x.saturating_sub(reach)..(x + reach).min(width)).map(move |x| (x, y))
                });
                assert!(near.any(|(x, y)| masked(x, y)), "seed {seed}: pixel {x}, {y}");
            }
            assert!(changed > 0, "seed {seed}: the digits leave no trace");
        }
    }

    #[test]
    fn masks_name_the_digit_and_lie_about_in_its_box() {
        let (mut inside, mut all) = (0, 0);
        for seed in 0..60 {
            let scene = render(seed);
            for (x, y, digit) in scene.masks.digit.enumerate_pixels() {
                let strokes = scene.masks.strokes.get_pixel(x, y).0[0];
                let number = usize::from(digit.0[0]);
                assert!(number <= scene.digits.len(), "seed {seed}");
                assert!(number > 0 || strokes < 8, "seed {seed}: strokes of no digit");
                if strokes > 127 {
                    let area = scene.digits[number - 1].area;
                    all += 1;
                    inside += u32::from(area.contains(x, y));
                }
            }
        }
        assert!(100 * inside > 90 * all, "{inside} of {all} pixels lie in their digit's box");
    }

    #[test]
    fn sizes_counts_and_boxes_are_like_those_of_the_real_photos() {
        let scenes: Vec<Scene> = (1000..1400).map(render).collect();
        let middle = |mut values: Vec<f32>| {
            values.sort_by(f32::total_cmp);
            values[values.len() / 2]
        };
        let near = |name: &str, found: f32, real: f32, within: f32| {
            assert!((found / real - 1.0).abs() < within, "{name}: {found}, in SVHN {real}");
        };
        let photos = |of: fn(&Scene) -> f32| middle(scenes.iter().map(of).collect());
        let boxes = |of: fn(&Digit) -> f32| {
            middle(scenes.iter().flat_map(|scene| scene.digits.iter().map(of)).collect())
        };
        // Medians of 2,026 train photos of SVHN.
        near("photo's width", photos(|scene| scene.photo.width() as f32), 104.0, 0.2);
        near("photo's height", photos(|scene| scene.photo.height() as f32), 47.0, 0.2);
        near("box's height", boxes(|digit| digit.area.height as f32), 30.0, 0.15);
        near("box's width", boxes(|digit| digit.area.width as f32), 14.0, 0.2);
        let digits: Vec<u8> =
            scenes.iter().flat_map(|scene| scene.digits.iter().map(|digit| digit.digit)).collect();
        near("digits a photo", digits.len() as f32 / scenes.len() as f32, 2.21, 0.1);
        let ones = digits.iter().filter(|&&digit| digit == 1).count();
        near("share of ones", ones as f32 / digits.len() as f32, 0.196, 0.2);
    }

    #[test]
    fn boxes_lie_on_the_picture_and_hold_every_changed_pixel() {
        let [brick, ..] = samples::all();
        let Picture { photo, digits, clean } = (brick.draw)();
        let (width, height) = photo.dimensions();
        for Digit { area, digit } in &digits {
            assert!(area.right() <= width && area.bottom() <= height);
            assert!(*digit <= 9);
        }
        for (x, y, pixel) in photo.enumerate_pixels() {
            let boxed = digits.iter().any(|digit| digit.area.contains(x, y));
            assert!(boxed || pixel == clean.get_pixel(x, y), "pixel {x}, {y} changed outside");
        }
    }

    #[test]
    fn boxes_of_a_picture_are_tight() {
        let [brick, ..] = samples::all();
        let Picture { photo, digits, clean } = (brick.draw)();
        for Digit { area, digit } in &digits {
            let changed = |x: u32, y: u32| {
                let (p, c) = (photo.get_pixel(x, y), clean.get_pixel(x, y));
                p.0.iter().zip(c.0).any(|(&p, c)| p.abs_diff(c) > 3)
            };
            // Within three pixels of each edge, something has changed.
            let near = |n: u32| 0..n.min(3);
            let message = format!("digit {digit}, {area:?}");
            let row = |y: u32| (area.left..area.right()).any(|x| changed(x, y));
            let column = |x: u32| (area.top..area.bottom()).any(|y| changed(x, y));
            assert!(near(area.height).any(|i| row(area.top + i)), "top: {message}");
            assert!(near(area.height).any(|i| row(area.bottom() - 1 - i)), "foot: {message}");
            assert!(near(area.width).any(|i| column(area.left + i)), "left: {message}");
            assert!(near(area.width).any(|i| column(area.right() - 1 - i)), "right: {message}");
        }
    }
}
