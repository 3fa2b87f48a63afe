//! Photos with the boxes of their digits.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{TrainingError, material::DataError};
use crate::{
    boxes::{BoxFile, BoxFormat, GivenBox, PhotoBoxes, Unit, read_box_file},
    classifier::EngineError,
    dataset::{
        format1::{DIGIT_STRUCT, Format1},
        store::StoreError,
    },
    files::read_regular,
    finder::DigitFinder,
    photo::{BoxInPhoto, LooseBox, MAX_FILE_BYTES, Photo, is_photo},
    strokes::StrokeFinder,
};

/// A box that is wider than this, in heights, goes round a whole number, and does not show where its
/// digits are.
const WIDEST_DIGIT: f64 = 1.15;

/// What a teacher finds with less than the first is no digit, with more than the second it is one;
/// between them it is not known.
const UNSURE: [f32; 2] = [0.2, 0.6];

/// The digits that are found in a number's box are believed if the box round them all shares this part
/// of their union with the number's. Strokes lie close together, and boxes are drawn with some room.
const ALL_OF_A_NUMBER: f64 = 0.65;
const ALL_STROKES_OF_A_NUMBER: f64 = 0.5;

/// The most digits of a number, and the least height of one as a share of the tallest one's: where more
/// or smaller ones are found, some are something behind the number.
const MOST_DIGITS: usize = 5;
const LEAST_HEIGHT: f64 = 0.6;

/// A digit belongs to a number if this share of it lies in the number's box.
const OF_THE_NUMBER: f64 = 0.6;

/// Networks that find what the boxes of photos do not tell.
pub(super) struct Teachers {
    /// Finds digits.
    pub(super) finder: DigitFinder,
    /// Splits boxes in which `finder` does not find all digits.
    pub(super) strokes: Option<StrokeFinder>,
}

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
            let boxes = digits.map(|it| GivenBox::new(it.area, None)).collect();
            let boxes = PhotoBoxes::new(boxes, Unit::Pixels);
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

/// Lets teachers find the digits of numbers, and of photos of which nothing is known; and, if
/// `mistakes` are wanted, notes what else they take for digits.
pub(super) fn teach(
    photos: &mut [Labelled],
    teachers: &Teachers,
    mistakes: bool,
) -> Result<(), TrainingError> {
    photos.par_iter_mut().try_for_each(|labelled| {
        if !mistakes && labelled.boxes.as_ref().is_some_and(|it| !may_hold_numbers(it)) {
            return Ok(());
        }
        let Scene { photo, digits, numbers, .. } = labelled.load()?;
        let mut taught = Taught::default();
        if labelled.boxes.is_none() {
            let found = found(&photo, &teachers.finder)?;
            let (sure, unsure): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|(_, confidence)| *confidence >= UNSURE[1]);
            let boxes = |of: Vec<(LooseBox, f32)>| of.into_iter().map(|it| it.0).collect();
            (taught.digits, taught.unsure) = (boxes(sure), boxes(unsure));
        } else {
            for number in &numbers {
                taught.digits.extend(teachers.digits_of(&photo, number)?);
            }
            // Some are as narrow as a wide digit.
            for digit in &digits {
                taught.digits.extend(teachers.split(&photo, digit)?);
            }
            if mistakes {
                let is_free = |area: &LooseBox| {
                    !digits.iter().chain(&numbers).any(|other| area.shared_area(other) > 0.0)
                };
                let found = found(&photo, &teachers.finder)?.into_iter().map(|(area, _)| area);
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

/// Whether a digit belongs to the number in a box.
fn lies_in(digit: &LooseBox, number: &LooseBox) -> bool {
    digit.shared_area(number) > OF_THE_NUMBER * digit.width * digit.height
}

/// Whether digits are those of the number in a box, as far as can be told: they are as many and as
/// tall as a number's, and the box round them shares at least this part of their union with it.
fn make_a_number(digits: &[LooseBox], number: &LooseBox, share: f64) -> bool {
    let tallest = digits.iter().map(|it| it.height).fold(0.0, f64::max);
    let hull = digits.iter().copied().reduce(|a, b| a.union(&b));
    (2..=MOST_DIGITS).contains(&digits.len())
        && digits.iter().all(|it| it.height >= LEAST_HEIGHT * tallest)
        && hull.is_some_and(|hull| hull.shared_union(number) >= share)
}

impl Teachers {
    /// The digits of a number; none if they are not all found.
    fn digits_of(&self, photo: &Photo, number: &LooseBox) -> Result<Vec<LooseBox>, EngineError> {
        // With as much around it as it is tall.
        let by = number.height;
        let around = LooseBox {
            left: number.left - by,
            top: number.top - by,
            width: number.width + 2.0 * by,
            height: number.height + 2.0 * by,
        };
        let Ok(around) = around.clamp_to(photo.size()) else { return Ok(Vec::new()) };
        let (left, top) = (f64::from(around.left), f64::from(around.top));
        let found = found(&photo.part(around), &self.finder)?.into_iter();
        let own: Vec<LooseBox> = found
            .map(|(area, _)| LooseBox { left: area.left + left, top: area.top + top, ..area })
            .filter(|it| lies_in(it, number))
            .collect();
        if make_a_number(&own, number, ALL_OF_A_NUMBER) {
            return Ok(own);
        }
        self.split(photo, number)
    }

    /// The digits that the strokes in a box make, if it holds several; otherwise none.
    fn split(&self, photo: &Photo, area: &LooseBox) -> Result<Vec<LooseBox>, EngineError> {
        let Some(strokes) = &self.strokes else { return Ok(Vec::new()) };
        let Ok(within) = area.clamp_to(photo.size()) else { return Ok(Vec::new()) };
        let digits: Vec<BoxInPhoto> = pollster::block_on(strokes.digits_in(photo, within))?;
        let digits: Vec<LooseBox> = digits.into_iter().map(LooseBox::from).collect();
        let is_number = make_a_number(&digits, area, ALL_STROKES_OF_A_NUMBER);
        Ok(if is_number { digits } else { Vec::new() })
    }
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
        let holds_several = |area: &LooseBox| {
            self.taught.digits.iter().filter(|digit| lies_in(digit, area)).count() > 1
        };
        let (mut numbers, mut digits): (Vec<_>, Vec<_>) = (boxes.into_iter().map(LooseBox::from))
            .partition(|area| is_number(area) || holds_several(area));
        numbers.extend(&self.taught.unsure);
        digits.extend(&self.taught.digits);
        Ok(Scene { photo, digits, numbers, mistakes: self.taught.mistakes.clone() })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{
        finder::FINDER_NET,
        photo::PhotoSize,
        publication::Library,
        unet::{UNet, UNetModel},
    };

    #[test]
    fn digits_make_a_number_if_they_are_few_as_tall_and_all_of_it() {
        let number = LooseBox { left: 0.0, top: 0.0, width: 100.0, height: 50.0 };
        let row = |count: usize| -> Vec<LooseBox> {
            let width = 100.0 / count as f64;
            let left = |i: usize| i as f64 * width;
            (0..count).map(|i| LooseBox { left: left(i), top: 0.0, width, height: 50.0 }).collect()
        };
        let make_one = |digits: &[LooseBox]| make_a_number(digits, &number, ALL_OF_A_NUMBER);
        assert_eq!([1, 2, 3, 5, 6].map(|n| make_one(&row(n))), [false, true, true, true, false]);
        let mut low = row(3);
        low[1] = LooseBox { top: 25.0, height: 25.0, ..low[1] };
        assert!(!make_one(&low));
        assert!(!make_one(&row(4)[..2]), "half of it");
    }

    #[test]
    fn a_number_is_split_by_its_strokes_and_a_digit_is_not() {
        let device = Device::flex();
        let net = UNetModel::new(&FINDER_NET, UNet::new(&FINDER_NET, &device), device.clone());
        let (_, strokes) = Library::new(None).load_strokes(&device).expect("the program's own");
        let finder = net.expect("the CPU's own weights").into();
        let teachers = Teachers { finder, strokes: Some(strokes) };
        // "111" on a plain wall.
        let size = PhotoSize { width: 120, height: 80 };
        let is_stroke = |x: u32, y: u32| {
            (20..60).contains(&y) && [30, 52, 74].iter().any(|&left| (left..left + 7).contains(&x))
        };
        let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        let pixels = pixels.flat_map(|(x, y)| [if is_stroke(x, y) { 30 } else { 190 }; 3]);
        let photo = Photo::from_rgb8(size, pixels.collect()).expect("its pixels");
        let number = LooseBox { left: 26.0, top: 17.0, width: 59.0, height: 46.0 };
        let digits = teachers.split(&photo, &number).expect("the CPU computes");
        let lefts: Vec<f64> = digits.iter().map(|it| it.left).collect();
        assert_eq!(lefts.len(), 3, "{digits:?}");
        for (left, expected) in lefts.iter().zip([30.0, 52.0, 74.0]) {
            assert!((left - expected).abs() <= 2.0, "{digits:?}");
        }
        // The box of one digit, and one that is far larger than what is in it.
        let one = LooseBox { left: 48.0, width: 15.0, ..number };
        let loose = LooseBox { left: 0.0, top: 0.0, width: 120.0, height: 80.0 };
        for area in [one, loose] {
            assert!(teachers.split(&photo, &area).expect("the CPU computes").is_empty());
        }
        let none = Teachers { strokes: None, ..teachers };
        assert!(none.split(&photo, &number).expect("nothing to compute").is_empty());

        // A box that is as narrow as a wide digit is a number's if several are found in it.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("1.png");
        let colours = image::RgbImage::from_pixel(120, 80, image::Rgb([190; 3]));
        colours.save(&path).expect("written");
        let narrow = LooseBox { left: 26.0, top: 13.0, width: 59.0, height: 54.0 };
        let boxes = PhotoBoxes::new(vec![GivenBox::new(narrow, None)], Unit::Pixels);
        let taught = |digits| Taught { digits, ..Taught::default() };
        let labelled = |taught| Labelled { path: path.clone(), boxes: Some(boxes.clone()), taught };
        let alone = labelled(taught(Vec::new())).load().expect("a photo");
        assert_eq!((alone.digits.len(), alone.numbers.len()), (1, 0));
        let split = labelled(taught(digits)).load().expect("a photo");
        assert_eq!((split.digits.len(), split.numbers.len()), (3, 1));
    }
}
