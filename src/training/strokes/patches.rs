//! Patches of synthetic photos: what the stroke network is given, and what it shall say.

use std::{fs, path::Path};

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::{
    dataset::format1::{Digit, Format1, Format1Error},
    photo::{BoxInPhoto, Colours, Filter, LooseBox, Photo, PhotoSize},
    strokes::Region,
};

/// Rows and columns of a patch, in pixels.
pub(super) const SIDE: usize = 64;

/// Folder of the photos without their digits, beside the photos.
const CLEAN: &str = "clean";

/// Digits higher than this are shrunk to it, as where the network is used.
const HIGHEST: f64 = 48.0;

/// A pixel is a stroke's when its digit changes one of its channels by so much, in levels of 255:
/// less is noise, or a JPEG's ringing.
const CHANGED: u8 = 9;

/// Every pixel counts this much of the mean, however little is at stake there.
const LEAST_COUNTS: f32 = 0.4;

/// Reach of the window, in pixels, whose mean stands for what a fill would put in its middle.
const FILL_REACH: usize = 4;

/// One pixel counts at most so many times the mean.
const MOST_COUNTS: f32 = 4.0;

/// What lies outside the boxes counts this share. Little is removed there, but a stroke that its
/// box cuts is followed, and that of a digit without a box must not pass for background.
const OUTSIDE_COUNTS: f32 = 0.2;

/// One patch.
pub(super) struct Patch {
    /// The network's input.
    pub(super) cells: Vec<f32>,
    /// The share of a stroke in each pixel, and how much it counts, in the order of cells.
    pub(super) target: Vec<f32>,
    pub(super) weight: Vec<f32>,
    /// The patch of the photo and of the same without its digits, row after row, 0 to 1.
    pub(super) photo: Vec<f32>,
    pub(super) clean: Vec<f32>,
    /// 1 at pixels in boxes, and at those that lie on the photo.
    pub(super) inside: Vec<f32>,
    pub(super) on_photo: Vec<f32>,
}

impl Patch {
    /// How much all its pixels count.
    pub(super) fn weight(&self) -> f64 {
        self.weight.iter().map(|&weight| f64::from(weight)).sum()
    }

    /// For its pixels in boxes: whether these log-odds call them a stroke's, and whether they are.
    pub(super) fn judged<'a>(&'a self, odds: &'a [f32]) -> impl Iterator<Item = (bool, bool)> {
        // Behind the colours' cells are those that say what lies in a box.
        let inside = &self.cells[self.cells.len() - self.target.len()..];
        let pixels = odds.iter().zip(&self.target).zip(inside);
        pixels
            .filter(|(_, inside)| **inside > 0.0)
            .map(|((odds, target), _)| (*odds > 0.0, *target > 0.5))
    }
}

/// How a patch differs from one to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variation {
    /// Boxes grown, some left out; size, place and sign drawn.
    Drawn,
    /// About the digit as it is.
    None,
}

/// Why a photo cannot be trained on.
pub(super) fn no_clean(folder: &Path, reason: &dyn std::fmt::Display) -> String {
    format!(
        "{}: {reason}. Strokes are learned from `doorplate data synth --clean`, which writes each \
         photo without its digits too",
        folder.join(CLEAN).display()
    )
}

/// A photo with its digits, and the same without them.
pub(super) struct Pair {
    photo: Photo,
    clean: Photo,
    /// Red: whether a pixel is a stroke's; green: how far from the truth it comes when that is
    /// answered wrongly.
    change: Photo,
    digits: Vec<Digit>,
}

/// Why a pair cannot be had.
pub(super) enum PairError {
    Photo(Format1Error),
    Clean(String),
}

impl Pair {
    pub(super) fn load(data: &Format1, i: usize) -> Result<Self, PairError> {
        let entry = &data.photos[i];
        let (photo, digits) = data.load(entry).map_err(PairError::Photo)?;
        let path = data.folder().join(CLEAN).join(&entry.name);
        let broken = |reason: &dyn std::fmt::Display| {
            PairError::Clean(no_clean(data.folder(), &format!("{}: {reason}", entry.name)))
        };
        let bytes = fs::read(path).map_err(|error| broken(&error))?;
        let clean = Photo::decode(&bytes).map_err(|error| broken(&error))?;
        let change =
            change(&photo, &clean).ok_or_else(|| broken(&"of another size than its photo"))?;
        Ok(Pair { photo, clean, change, digits })
    }

    /// A patch about one of its digits; `None` of a photo without any.
    pub(super) fn patch(&self, variation: Variation, seed: u64) -> Option<Patch> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let varied = variation == Variation::Drawn;
        let size = self.photo.size();
        let middle = self.digits.get(rng.random_range(0..self.digits.len().max(1)))?.area;
        let boxes: Vec<BoxInPhoto> = self
            .digits
            .iter()
            .filter(|digit| digit.area == middle || !varied || rng.random_bool(0.8))
            .map(|digit| digit.area)
            .collect();
        let boxes: Vec<BoxInPhoto> = boxes
            .into_iter()
            .map(|area| grown(area, size, || if varied { rng.random_range(0.0..0.2) } else { 0.1 }))
            .collect();
        let mut scale = (HIGHEST / f64::from(middle.height)).min(1.0);
        let (mut right, mut down) = (0.0, 0.0);
        if varied {
            scale *= rng.random_range(-0.3..0.2f64).exp();
            (right, down) = (rng.random_range(-0.3..0.3), rng.random_range(-0.3..0.3));
        }
        let side = SIDE as f64 / scale;
        let frame = LooseBox {
            left: f64::from(middle.left) + f64::from(middle.width) / 2.0 + (right - 0.5) * side,
            top: f64::from(middle.top) + f64::from(middle.height) / 2.0 + (down - 0.5) * side,
            width: side,
            height: side,
        };
        let region = Region::square(frame, SIDE);
        let mut cells = region.cells_of(&self.photo, &boxes);
        if varied && rng.random_bool(0.3) {
            // Light numbers on dark doors are as good as dark ones on light doors.
            let colours = cells.len() / 4 * 3;
            cells[..colours].iter_mut().for_each(|sample| *sample = -*sample);
        }
        let pixels = [SIDE as u32; 2];
        let change = self.change.resampled(frame, Filter::Triangle, Colours::Rgb, pixels);
        let (target, rest) = change.split_at(SIDE * SIDE);
        let inside = region.inside(&boxes);
        let weight = weights(&inside, &rest[..SIDE * SIDE]);
        let colours =
            |photo: &Photo| photo.resampled(frame, Filter::Triangle, Colours::Rgb, pixels);
        let flags =
            |flags: Vec<bool>| flags.into_iter().map(|it| f32::from(u8::from(it))).collect();
        let PhotoSize { width, height } = size;
        let whole = BoxInPhoto { left: 0, top: 0, width, height };
        Some(Patch {
            cells,
            target: region.packed(target),
            weight: region.packed(&weight),
            photo: colours(&self.photo),
            clean: colours(&self.clean),
            on_photo: flags(region.inside(&[whole])),
            inside: flags(inside),
        })
    }
}

/// The box with each side moved out by a share of its height.
fn grown(area: BoxInPhoto, size: PhotoSize, mut share: impl FnMut() -> f64) -> BoxInPhoto {
    let height = f64::from(area.height);
    let [left, top, right, bottom] = [share(), share(), share(), share()].map(|it| it * height);
    let exact = LooseBox::from(area);
    let grown = LooseBox {
        left: exact.left - left,
        top: exact.top - top,
        width: exact.width + left + right,
        height: exact.height + top + bottom,
    };
    // A box that holds one on the photo has a part on it.
    grown.clamp_to(size).unwrap_or(area)
}

/// How much each pixel of a patch counts: by what a wrong answer costs there, and the same for
/// faint digits on calm walls as for others, so that the patch's mean is about 1 in its boxes.
fn weights(inside: &[bool], costs: &[f32]) -> Vec<f32> {
    let pixels = || inside.iter().zip(costs);
    let (sum, count) = pixels()
        .filter(|(inside, _)| **inside)
        .fold((0.0, 0.0), |(sum, count), (_, cost)| (sum + cost, count + 1.0));
    let mean = f32::max(sum / f32::max(count, 1.0), 1e-3);
    pixels()
        .map(|(inside, cost)| {
            let counts = LEAST_COUNTS + (1.0 - LEAST_COUNTS) * (cost / mean).min(MOST_COUNTS);
            if *inside { counts } else { OUTSIDE_COUNTS * counts }
        })
        .collect()
}

/// Where two photos differ, and what it costs to take a pixel for the other: a stroke that stays
/// is as wrong as its digit changes it; background that is filled, as far as it is from the mean
/// about it. `None` when their sizes differ.
fn change(photo: &Photo, clean: &Photo) -> Option<Photo> {
    if photo.size() != clean.size() {
        return None;
    }
    let (photo_rgba, clean_rgba) = (photo.to_rgba8(), clean.to_rgba8());
    let PhotoSize { width, height } = photo.size();
    let (width, height) = (width as usize, height as usize);
    let mut samples = Vec::with_capacity(3 * width * height);
    for (i, (a, b)) in photo_rgba.chunks_exact(4).zip(clean_rgba.chunks_exact(4)).enumerate() {
        let most = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
        if most >= CHANGED {
            samples.extend([255, most, 0]);
            continue;
        }
        let (y, x) = (i / width, i % width);
        let around = |at: usize, limit: usize| {
            at.saturating_sub(FILL_REACH)..(at + FILL_REACH + 1).min(limit)
        };
        let (mut sum, mut count) = (0u32, 0u32);
        for row in around(y, height) {
            let columns = around(x, width);
            let row =
                &clean_rgba[4 * (row * width + columns.start)..4 * (row * width + columns.end)];
            // Green stands for all three.
            sum += row.iter().skip(1).step_by(4).map(|&green| u32::from(green)).sum::<u32>();
            count += columns.len() as u32;
        }
        let mean = (sum / count.max(1)) as u8;
        samples.extend([0, b[1].abs_diff(mean), 0]);
    }
    Photo::from_rgb8(photo.size(), samples)
}
