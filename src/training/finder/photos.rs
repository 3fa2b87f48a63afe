//! Photos with the boxes of their digits.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::super::{TrainingError, material::DataError};
use crate::{
    boxes::{BoxFile, BoxFormat, GivenBox, PhotoBoxes, Unit, read_box_file},
    classifier::EngineError,
    dataset::{
        format1::{DIGIT_STRUCT, Format1},
        store::StoreError,
    },
    files::read_regular,
    finder::DigitFinder,
    photo::{LooseBox, MAX_FILE_BYTES, Photo, is_photo},
};

/// A box that is wider than this, in heights, goes round a whole number, and does not show where its
/// digits are.
const WIDEST_DIGIT: f64 = 1.15;

/// What a teacher finds with less than the first is no digit, with more than the second it is one;
/// between them it is not known.
const UNSURE: [f32; 2] = [0.2, 0.6];

/// The digits that a teacher finds in a number's box are believed if the box round them all shares
/// this part of their union with the number's.
const ALL_OF_A_NUMBER: f64 = 0.65;

/// A digit belongs to a number if this share of it lies in the number's box.
const OF_THE_NUMBER: f64 = 0.6;

/// A photo and what is known of its digits.
#[derive(Clone, Debug)]
pub(super) struct Labelled {
    path: PathBuf,
    /// `None` if nothing is known.
    boxes: Option<PhotoBoxes>,
    taught: Taught,
}

/// What a teacher found in a photo, beside the boxes that are known.
#[derive(Clone, Debug, Default)]
struct Taught {
    digits: Vec<LooseBox>,
    unsure: Vec<LooseBox>,
    /// What it took for digits, but is none.
    mistakes: Vec<LooseBox>,
}

/// What a photo shows.
pub(super) struct Scene {
    pub(super) photo: Photo,
    /// Boxes round one digit each.
    pub(super) digits: Vec<LooseBox>,
    /// Boxes in which there are digits or may be, but it is not known where; some of `digits` may lie
    /// in them.
    pub(super) numbers: Vec<LooseBox>,
    /// Boxes of what a teacher took for digits, but is none.
    pub(super) mistakes: Vec<LooseBox>,
}

impl Scene {
    /// Whether it is known to show no digit.
    pub(super) fn is_ground(&self) -> bool {
        self.digits.is_empty() && self.numbers.is_empty()
    }
}

/// The photos of a Format 1 folder; or those of a folder with a box file beside each, which may be
/// empty if the photo shows no digit. A photo without a box file is left out unless `all` are wanted.
pub(super) fn open(path: &Path, all: bool) -> Result<Vec<Labelled>, DataError> {
    let labelled = |path, boxes| Labelled { path, boxes, taught: Taught::default() };
    if path.join(DIGIT_STRUCT).is_file() || !path.is_dir() {
        let data = Format1::open(path).map_err(StoreError::Photos)?;
        let photos = data.photos.iter().map(|entry| {
            let digits = entry.digits.iter();
            let boxes = PhotoBoxes {
                boxes: digits.map(|it| GivenBox { area: it.area, label: None }).collect(),
                unit: Unit::Pixels,
                drawn_on: None,
            };
            labelled(path.join(&entry.name), Some(boxes))
        });
        return Ok(photos.collect());
    }
    let unreadable = |reason: String| DataError::Boxes { path: path.to_owned(), reason };
    let mut names: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(error.to_string()))? {
        names.push(entry.map_err(|error| unreadable(error.to_string()))?.path());
    }
    // The system's order is another one on every machine.
    names.sort_unstable();
    let mut photos = Vec::new();
    for path in names.into_iter().filter(|path| is_photo(path)) {
        let boxes = boxes_beside(&path)?;
        if boxes.is_some() || all {
            photos.push(labelled(path, boxes));
        }
    }
    if photos.is_empty() {
        return Err(unreadable(format!(
            "no photo here has a box file beside it, and there is no {DIGIT_STRUCT}"
        )));
    }
    Ok(photos)
}

/// The boxes in a file beside a photo; `None` if there is no such file.
fn boxes_beside(photo: &Path) -> Result<Option<PhotoBoxes>, DataError> {
    for format in [BoxFormat::Json, BoxFormat::Voc, BoxFormat::Yolo] {
        let Some(suffix) = format.suffix() else { continue };
        let mut name = photo.file_stem().unwrap_or_default().to_owned();
        name.push(suffix);
        let file = photo.with_file_name(name);
        if !file.is_file() {
            continue;
        }
        let failed = |reason: String| DataError::Boxes { path: file.clone(), reason };
        let read = read_box_file(&file, Some(format)).map_err(|error| failed(error.to_string()))?;
        let BoxFile::One(boxes) = read else {
            return Err(failed("it holds the boxes of many photos".to_owned()));
        };
        return Ok(Some(boxes));
    }
    Ok(None)
}

/// Lets a teacher find the digits of numbers, and of photos of which nothing is known; and, if
/// `mistakes` are wanted, notes what else it takes for digits.
pub(super) fn teach(
    photos: &mut [Labelled],
    teacher: &DigitFinder,
    mistakes: bool,
) -> Result<(), TrainingError> {
    photos.par_iter_mut().try_for_each(|labelled| {
        if !mistakes && labelled.boxes.as_ref().is_some_and(|it| !may_hold_numbers(it)) {
            return Ok(());
        }
        let Scene { photo, digits, numbers, .. } = labelled.load()?;
        let mut taught = Taught::default();
        if labelled.boxes.is_none() {
            let found = found(&photo, teacher)?;
            let (sure, unsure): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|(_, confidence)| *confidence >= UNSURE[1]);
            let boxes = |of: Vec<(LooseBox, f32)>| of.into_iter().map(|it| it.0).collect();
            (taught.digits, taught.unsure) = (boxes(sure), boxes(unsure));
        } else {
            taught.digits = digits_of(&photo, &numbers, teacher)?;
            if mistakes {
                let is_free = |area: &LooseBox| {
                    !digits.iter().chain(&numbers).any(|other| area.shared_area(other) > 0.0)
                };
                let found = found(&photo, teacher)?.into_iter().map(|(area, _)| area);
                taught.mistakes = found.filter(is_free).collect();
            }
        }
        labelled.taught = taught;
        Ok(())
    })
}

/// Whether some of the boxes go round whole numbers; in fractions a number may look like a digit.
fn may_hold_numbers(boxes: &PhotoBoxes) -> bool {
    let any = boxes.boxes.iter().any(|it| is_number(&it.area));
    !boxes.boxes.is_empty() && (boxes.unit == Unit::Fractions || any)
}

/// Whether a box goes round a whole number.
fn is_number(area: &LooseBox) -> bool {
    area.width > WIDEST_DIGIT * area.height
}

fn found(photo: &Photo, teacher: &DigitFinder) -> Result<Vec<(LooseBox, f32)>, EngineError> {
    let found = pollster::block_on(teacher.find(photo, UNSURE[0]))?;
    Ok(found.into_iter().map(|digit| (digit.area.into(), digit.confidence)).collect())
}

/// The digits of those numbers of which a teacher finds all, as far as can be told.
fn digits_of(
    photo: &Photo,
    numbers: &[LooseBox],
    teacher: &DigitFinder,
) -> Result<Vec<LooseBox>, EngineError> {
    let mut digits = Vec::new();
    for number in numbers {
        // With as much around it as it is tall.
        let by = number.height;
        let around = LooseBox {
            left: number.left - by,
            top: number.top - by,
            width: number.width + 2.0 * by,
            height: number.height + 2.0 * by,
        };
        let Ok(around) = around.clamp_to(photo.size()) else { continue };
        let (left, top) = (f64::from(around.left), f64::from(around.top));
        let found = found(&photo.part(around), teacher)?.into_iter();
        let own: Vec<LooseBox> = found
            .map(|(area, _)| LooseBox { left: area.left + left, top: area.top + top, ..area })
            .filter(|it| it.shared_area(number) > OF_THE_NUMBER * it.width * it.height)
            .collect();
        let least = |of: fn(&LooseBox) -> f64| own.iter().map(of).fold(f64::INFINITY, f64::min);
        let (left, top) = (least(|it| it.left), least(|it| it.top));
        let (right, bottom) = (least(|it| -it.left - it.width), least(|it| -it.top - it.height));
        let all = LooseBox { left, top, width: -right - left, height: -bottom - top };
        if !own.is_empty() && all.shared_union(number) >= ALL_OF_A_NUMBER {
            digits.extend(own);
        }
    }
    Ok(digits)
}

impl Labelled {
    /// Whether it is known to show a digit, or a teacher found one.
    pub(super) fn shows_digits(&self) -> bool {
        let known = self.boxes.as_ref().is_some_and(|it| !it.boxes.is_empty());
        known || !self.taught.digits.is_empty()
    }

    /// Whether it is known to show none.
    pub(super) fn is_ground(&self) -> bool {
        self.boxes.as_ref().is_some_and(|it| it.boxes.is_empty())
    }

    /// Whether its digits are known without a teacher.
    pub(super) fn is_known(&self) -> bool {
        self.boxes.is_some()
    }

    /// Decodes the photo.
    pub(super) fn load(&self) -> Result<Scene, DataError> {
        let failed = |reason: String| DataError::Boxes { path: self.path.clone(), reason };
        let bytes = read_regular(&self.path, MAX_FILE_BYTES);
        let bytes = bytes.map_err(|error| failed(error.to_string()))?;
        let photo = Photo::decode(&bytes).map_err(|error| failed(error.to_string()))?;
        let boxes = match &self.boxes {
            Some(boxes) => boxes.on(photo.size()).map_err(|error| failed(error.to_string()))?,
            None => Vec::new(),
        };
        let (mut numbers, mut digits): (Vec<_>, Vec<_>) =
            boxes.into_iter().map(LooseBox::from).partition(is_number);
        numbers.extend(&self.taught.unsure);
        digits.extend(&self.taught.digits);
        Ok(Scene { photo, digits, numbers, mistakes: self.taught.mistakes.clone() })
    }
}
