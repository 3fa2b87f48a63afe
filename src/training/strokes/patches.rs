//! Patches of synthetic photos: the stroke network's inputs and targets.

use std::path::Path;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::Passes;
use crate::{
    dataset::format1::{Digit, Format1, Format1Error},
    files::read_regular,
    photo::{BoxInPhoto, Colours, Filter, LooseBox, MAX_FILE_BYTES, Photo, PhotoSize},
    strokes::Region,
};

/// Rows and columns of a patch, in pixels.
pub(super) const SIDE: usize = 64;

/// Folder of the photos without their digits, beside the photos.
const CLEAN: &str = "clean";

/// How tall digits are in patches that show them as a whole, in pixels, as where the network is
/// used: those that are taller are shrunk.
const COARSE_HEIGHTS: [f64; 2] = [18.0, 48.0];

/// The same of patches that show their rims, for which the network is given what it finds at half
/// the resolution, and so on up from where digits are seen as a whole.
const FINE_HEIGHTS: [f64; 2] = [48.0, 256.0];

/// The share of patches that show rims, where digits are tall enough.
const FINE_SHARE: f64 = 0.45;

/// How far patches that show rims are enlarged at most: few photos have digits tall enough, and those
/// that do are often a little out of focus.
const ENLARGED: f64 = 2.0;

/// A pixel is a stroke's from the second of these differences on which its digit makes to one of its
/// channels (samples 0 to 1), and none's up to the first: less is noise, or a JPEG's ringing.
const CHANGED: [f32; 2] = [6.0 / 255.0, 12.0 / 255.0];

/// Every pixel has at least this share of the mean weight, even if an error there costs little.
const LEAST_COUNTS: f32 = 0.4;

/// Reach of the window, in pixels, whose mean approximates a fill of its middle.
const FILL_REACH: usize = 4;

/// A pixel has at most this many times the mean weight.
const MOST_COUNTS: f32 = 4.0;

/// What lies outside the boxes counts this share. Little is removed there, but a stroke that its
/// box cuts is followed, and that of a digit without a box must not pass for background.
const OUTSIDE_COUNTS: f32 = 0.2;

/// Page and command line grow boxes by this share of their height; some callers do not.
const GROWTH: f64 = 0.1;
const GROWN_SHARE: f64 = 0.75;

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
        // After the colours' cells come those that show which pixels lie in a box.
        let inside = &self.cells[3 * self.target.len()..];
        let pixels = odds.iter().zip(&self.target).zip(inside);
        pixels
            .filter(|(_, inside)| **inside > 0.0)
            .map(|((odds, target), _)| (*odds > 0.0, *target > 0.5))
    }
}

/// How a patch differs from one to the next.
#[derive(Clone, Copy)]
pub(super) enum Variation<'a> {
    /// Boxes as people draw them, some left out; size, place, sign and turn drawn. The passes
    /// compute what is found at half the resolution.
    Drawn(&'a Passes),
    /// Around the digit, without variation.
    None,
}

/// Why a photo cannot be trained on.
pub(super) fn no_clean(folder: &Path, reason: &dyn std::fmt::Display) -> String {
    format!(
        "{}: {reason}. StrokeNet is trained on data of `doorplate data synth --clean`, which also \
         writes each photo without its digits",
        folder.join(CLEAN).display()
    )
}

/// A photo with its digits, and the same without them.
pub(super) struct Pair {
    photo: Photo,
    clean: Photo,
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
        let bytes = read_regular(&path, MAX_FILE_BYTES).map_err(|error| broken(&error))?;
        let clean = Photo::decode(&bytes).map_err(|error| broken(&error))?;
        if photo.size() != clean.size() {
            return Err(broken(&"of another size than its photo"));
        }
        Ok(Pair { photo, clean, digits })
    }

    /// A patch around one of its digits; `None` if the photo has none.
    pub(super) fn patch(&self, variation: Variation<'_>, seed: u64) -> Option<Patch> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let size = self.photo.size();
        let middle = self.digits.get(rng.random_range(0..self.digits.len().max(1)))?.area;
        let height = f64::from(middle.height);
        let Variation::Drawn(passes) = variation else {
            let boxes = self.digits.iter().map(|digit| grown(digit.area, size, [GROWTH; 4]));
            let scale = (COARSE_HEIGHTS[1] / height).min(1.0);
            let region = region_about(middle, scale, [0.0; 2]);
            return Some(self.patch_of(&region, &boxes.collect::<Vec<_>>(), None, None));
        };
        let boxes = self.boxes_about(middle, &mut rng);
        let fine = ENLARGED * height > 1.1 * FINE_HEIGHTS[0] && rng.random_bool(FINE_SHARE);
        let ([least, most], largest) =
            if fine { (FINE_HEIGHTS, ENLARGED) } else { (COARSE_HEIGHTS, 1.0) };
        let most = most.min(1.15 * largest * height);
        let wanted = least * (most / least).max(1.0).powf(rng.random_range(0.0..=1.0));
        let scale = (wanted / height).min(largest);
        let spread = if fine { 0.55 * wanted / SIDE as f64 } else { 0.3 };
        let off = [rng.random_range(-spread..spread), rng.random_range(-spread..spread)];
        let region = region_about(middle, scale, off);
        let turn = Turn {
            flipped: rng.random_bool(0.5),
            upside_down: rng.random_bool(0.15),
            // Numbers that lie on their side are seldom, but there are some.
            transposed: rng.random_bool(0.15),
            // Light numbers on dark doors are as good as dark ones on light doors.
            inverted: rng.random_bool(0.3),
            colours: [[0, 1, 2], [1, 2, 0], [2, 1, 0], [0, 1, 2]][rng.random_range(0..4)],
        };
        let mut coarser: Option<(Region, Vec<f32>)> = None;
        if fine {
            // As where the network is used: from where the digit is seen as a whole.
            let halvings = (height * scale / COARSE_HEIGHTS[1]).log2().ceil().max(1.0) as i32;
            for halvings in (1..=halvings).rev() {
                let share = 0.5_f64.powi(halvings);
                let region = region_about(middle, share * scale, off.map(|off| share * off));
                let prior = coarser.as_ref().map(|(region, strokes)| (region, &strokes[..]));
                let odds = passes.outputs(&region.cells_of(&self.photo, &boxes, prior));
                let strokes: Vec<f32> =
                    odds[..SIDE * SIDE].iter().map(|odds| 1.0 / (1.0 + (-odds).exp())).collect();
                coarser = Some((region, region.unpacked(&strokes)));
            }
        }
        let prior = coarser.as_ref().map(|(region, strokes)| (region, &strokes[..]));
        Some(self.patch_of(&region, &boxes, prior, Some(turn)))
    }

    /// Boxes as people draw them, among them one of the digit in the middle: tight or loose, shifted,
    /// cutting strokes, one a digit with some left out, or one round the whole number.
    fn boxes_about(&self, middle: BoxInPhoto, rng: &mut ChaCha8Rng) -> Vec<BoxInPhoto> {
        let size = self.photo.size();
        let whole = rng.random_bool(0.3);
        let boxes: Vec<BoxInPhoto> = if whole {
            self.digits
                .iter()
                .map(|digit| digit.area)
                .reduce(|a, b| a.union(&b))
                .into_iter()
                .collect()
        } else {
            let stays = |digit: &&Digit| digit.area == middle || rng.random_bool(0.8);
            self.digits.iter().filter(stays).map(|digit| digit.area).collect()
        };
        let [least, most] = match rng.random_range(0..10) {
            0..4 => [-0.08, 0.06],
            4..7 => [0.0, 0.2],
            _ => [-0.02, 0.4],
        };
        let shift = if rng.random_bool(0.3) { 0.1 } else { 0.0 };
        let [right, down] =
            [rng.random_range(-1.0..1.0) * shift, rng.random_range(-1.0..1.0) * shift];
        let more = if rng.random_bool(GROWN_SHARE) { GROWTH } else { 0.0 };
        let drawn = |area: BoxInPhoto| {
            let mut by = |shift: f64| rng.random_range(least..most) + shift + more;
            grown(area, size, [by(-right), by(-down), by(right), by(down)])
        };
        boxes.into_iter().map(drawn).collect()
    }

    fn patch_of(
        &self,
        region: &Region,
        boxes: &[BoxInPhoto],
        prior: Option<(&Region, &[f32])>,
        turn: Option<Turn>,
    ) -> Patch {
        let pixels = [SIDE as u32; 2];
        let colours =
            |photo: &Photo| photo.resampled(region.frame(), Filter::Triangle, Colours::Rgb, pixels);
        let flags = |flags: Vec<bool>| -> Vec<f32> {
            flags.into_iter().map(|it| f32::from(u8::from(it))).collect()
        };
        let (photo, clean) = (colours(&self.photo), colours(&self.clean));
        let (target, costs) = change(&photo, &clean);
        let inside = region.inside(boxes);
        let weight = weights(&inside, &costs);
        let PhotoSize { width, height } = self.photo.size();
        let whole = BoxInPhoto { left: 0, top: 0, width, height };
        let mut planes = region.planes_of(&self.photo, boxes, prior);
        let mut patch = Patch {
            cells: Vec::new(),
            target,
            weight,
            photo,
            clean,
            on_photo: flags(region.inside(&[whole])),
            inside: flags(inside),
        };
        if let Some(turn) = turn {
            if turn.inverted {
                planes[..3 * SIDE * SIDE].iter_mut().for_each(|sample| *sample = -*sample);
            }
            turn.colours_of(&mut planes);
            turn.colours_of(&mut patch.photo);
            turn.colours_of(&mut patch.clean);
            let Patch { target, weight, photo, clean, inside, on_photo, .. } = &mut patch;
            for planes in [&mut planes, target, weight, photo, clean, inside, on_photo] {
                planes.chunks_exact_mut(SIDE * SIDE).for_each(|plane| turn.place(plane));
            }
        }
        patch.cells = region.packed(&planes);
        patch.target = region.packed(&patch.target);
        patch.weight = region.packed(&patch.weight);
        patch
    }
}

/// The region of a patch: of a digit in the middle, `off` from it in shares of the patch's side.
fn region_about(middle: BoxInPhoto, scale: f64, off: [f64; 2]) -> Region {
    let side = SIDE as f64 / scale;
    let along = |start: u32, length: u32, off: f64| {
        f64::from(start) + f64::from(length) / 2.0 + (off - 0.5) * side
    };
    let frame = LooseBox {
        left: along(middle.left, middle.width, off[0]),
        top: along(middle.top, middle.height, off[1]),
        width: side,
        height: side,
    };
    Region::square(frame, SIDE)
}

/// What does not matter of a patch.
struct Turn {
    flipped: bool,
    upside_down: bool,
    transposed: bool,
    inverted: bool,
    /// Which channel each of the three is.
    colours: [usize; 3],
}

impl Turn {
    /// Exchanges the first three planes.
    fn colours_of(&self, planes: &mut [f32]) {
        let before = planes[..3 * SIDE * SIDE].to_vec();
        for (to, from) in planes.chunks_exact_mut(SIDE * SIDE).zip(self.colours) {
            to.copy_from_slice(&before[from * SIDE * SIDE..][..SIDE * SIDE]);
        }
    }

    /// Flips and transposes a plane.
    fn place(&self, plane: &mut [f32]) {
        if self.flipped {
            plane.chunks_exact_mut(SIDE).for_each(<[f32]>::reverse);
        }
        if self.upside_down {
            plane.reverse();
            plane.chunks_exact_mut(SIDE).for_each(<[f32]>::reverse);
        }
        if self.transposed {
            for y in 0..SIDE {
                for x in 0..y {
                    plane.swap(y * SIDE + x, x * SIDE + y);
                }
            }
        }
    }
}

/// The box with its left, top, right and bottom side moved out by shares of its height.
fn grown(area: BoxInPhoto, size: PhotoSize, shares: [f64; 4]) -> BoxInPhoto {
    let [left, top, right, bottom] = shares.map(|share| share * f64::from(area.height));
    let exact = LooseBox::from(area);
    let grown = LooseBox {
        left: exact.left - left,
        top: exact.top - top,
        width: (exact.width + left + right).max(2.0),
        height: (exact.height + top + bottom).max(2.0),
    };
    // One that was moved off the photo stays where it was.
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

/// Where a patch differs from the same patch without digits, 0 to 1, and what a wrong answer costs
/// at each pixel. A stroke that is kept costs as much as the digit changes it; background that is
/// filled costs as much as it differs from the mean around it.
fn change(photo: &[f32], clean: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let pixels = SIDE * SIDE;
    let around = |at: usize| at.saturating_sub(FILL_REACH)..(at + FILL_REACH + 1).min(SIDE);
    // Green represents all three.
    let green = &clean[pixels..2 * pixels];
    (0..pixels)
        .map(|i| {
            let differs = (0..3).map(|c| (photo[c * pixels + i] - clean[c * pixels + i]).abs());
            let most = differs.fold(0.0, f32::max);
            let [least, certain] = CHANGED;
            let stroke = ((most - least) / (certain - least)).clamp(0.0, 1.0);
            if stroke >= 0.5 {
                return (stroke, most);
            }
            let rows = around(i / SIDE).map(|y| &green[y * SIDE..][around(i % SIDE)]);
            let (sum, count) = rows.fold((0.0, 0), |(sum, count), row| {
                (sum + row.iter().sum::<f32>(), count + row.len())
            });
            (stroke, (green[i] - sum / count as f32).abs())
        })
        .unzip()
}
