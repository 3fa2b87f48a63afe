//! Patches of synthetic photos: what the stroke network is given, and what it shall say.

use std::{fs, path::Path};

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::passes::Example;
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

/// A pixel that its digit changes by so many levels or more counts this much more than one that
/// it leaves alone: what is overlooked there hurts most.
const STRONG: f32 = 64.0;
const STRONG_COUNTS: f32 = 3.0;

/// One patch, in cells.
pub(super) struct Patch {
    cells: Vec<f32>,
    target: Vec<f32>,
    weight: Vec<f32>,
}

impl Patch {
    pub(super) fn example(&self) -> Example<'_> {
        Example { cells: &self.cells, target: &self.target, weight: &self.weight }
    }

    /// How much all its pixels count.
    pub(super) fn weight(&self) -> f64 {
        self.weight.iter().map(|&weight| f64::from(weight)).sum()
    }

    /// Which of its pixels in boxes are strokes, beside these log-odds of theirs.
    pub(super) fn judged<'a>(&'a self, odds: &'a [f32]) -> impl Iterator<Item = (bool, bool)> {
        let pixels = odds.iter().zip(&self.target).zip(&self.weight);
        pixels
            .filter(|(_, weight)| **weight > 0.0)
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
    /// Red: whether a pixel is a stroke's; green: by how much its digit changes it.
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
        Ok(Pair { photo, change, digits })
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
        let weight: Vec<f32> = region
            .inside(&boxes)
            .into_iter()
            .zip(rest)
            .map(|(inside, change)| {
                let strength = (change * 255.0 / STRONG).min(1.0);
                if inside { 1.0 + STRONG_COUNTS * strength } else { 0.0 }
            })
            .collect();
        Some(Patch { cells, target: region.packed(target), weight: region.packed(&weight) })
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

/// Where and by how much two photos differ; `None` when their sizes do.
fn change(photo: &Photo, clean: &Photo) -> Option<Photo> {
    if photo.size() != clean.size() {
        return None;
    }
    let (photo_rgba, clean_rgba) = (photo.to_rgba8(), clean.to_rgba8());
    let pixels = photo_rgba.chunks_exact(4).zip(clean_rgba.chunks_exact(4));
    let samples = pixels
        .flat_map(|(a, b)| {
            let most = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
            [if most >= CHANGED { 255 } else { 0 }, most, 0]
        })
        .collect();
    Photo::from_rgb8(photo.size(), samples)
}
