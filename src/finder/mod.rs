//! Finds the digits in a whole photo, so that nobody has to draw boxes.
//!
//! A small network looks at the photo at several scales, two for each halving. At every
//! position it tells the log-odds that a digit's middle is there, and how far the digit's box
//! reaches from there. It is a one-stage detector without anchors (Tian et al., 2019, "FCOS"), whose
//! positions are trained with the soft targets of Li et al. (2020, "Generalized Focal Loss") and
//! whose boxes with the loss of Yu et al. (2016, "UnitBox"). Numbers of which it finds a part are then
//! completed by their strokes.

mod neighbours;
mod places;
mod pyramid;

use burn::tensor::Device;

pub use neighbours::completed_by_strokes;
#[cfg(feature = "native")]
pub(crate) use places::UNIT;
#[cfg(feature = "native")]
pub(crate) use pyramid::{DEVIATION, MEAN, cells_of};

use self::{
    places::{Place, is_within, merged, places},
    pyramid::{Pyramid, Tile, goes_round},
};
use crate::{
    classifier::{Classifier, EngineError, Reading, WeightsError, is_unsure},
    numbers::{house_numbers, same_digit},
    photo::{BoxInPhoto, LooseBox, Photo, PhotoSize},
    unet::{Shape, UNetModel},
};

/// One position of the network's input and output is a square of this many pixels on each side.
pub(crate) const CELL: usize = 4;

/// Outputs for each position: the log-odds of a digit's middle, and the logarithms of how far its
/// box reaches to the left, up, right and down, in [`UNIT`]s.
pub(crate) const OUTPUTS: usize = 5;

/// Digits are found if they are this tall at one of the scales, in pixels of that scale: so far apart
/// that every digit is at two or three of them, and so near that a small network has few sizes to know.
pub(crate) const HEIGHTS: [f64; 2] = [10.0, 28.0];

/// The confidence that usually counts as found.
pub const AT_LEAST: f32 = 0.55;

/// The confidence from which there may be a digit, so that a person is asked.
pub const PERHAPS: f32 = 0.4;

/// A digit of a number may be less confident by this much, if all of the number are confident enough in
/// the mean; and one that stands alone must be more so by this much. What only looks like a digit mostly
/// stands alone.
const LESS_IN_A_NUMBER: f32 = 0.15;
const MORE_ALONE: f32 = 0.2;

/// The share of a number's digits that must be read surely. One that is not, such as a 1 that might be
/// a 7, belongs to the number still.
const READ_OF_A_NUMBER: f32 = 0.66;

/// There is some digit if this confidence is that of its reading at least, and that there is none is less
/// likely than this. Networks that do not know places without digits are modest there.
const LIKELY_READ: f32 = 0.4;
const NO_DIGIT_BELOW: f32 = 0.1;

/// What stands at a number's end and is less confident than the surest of its digits, by more than the first
/// of these, is none of them if that it is no digit is likely; or by more than the second, unless it is read
/// with the third.
const LESS_AT_AN_END: f32 = 0.1;
const MUCH_LESS_AT_AN_END: f32 = 0.25;
const CLEARLY_READ: f32 = 0.98;

/// More confidence is never asked for.
const HIGHEST_NEEDED: f32 = 0.99;

/// The confidence from which digits matter, where this one counts as found.
pub fn matters_from(at_least: f32) -> f32 {
    PERHAPS.min(at_least - LESS_IN_A_NUMBER).max(f32::MIN_POSITIVE)
}

/// The memory in bytes that finding takes at most, beside the photo, on one core: the pyramid's finest
/// scale is bounded. Measured.
#[cfg(feature = "native")]
pub const MEMORY_OF_FINDING: u64 = 192 << 20;

/// The way digits are found. Raise it with every change after which other boxes are found, as
/// `removal::FILLS` with every change of a fill. 2: numbers are completed by their strokes. 3: two scales
/// for each halving. 4: digits within others, weak ends, and digits that are not read.
#[cfg(feature = "native")]
pub const FINDS: u32 = 4;

/// The network.
pub const FINDER_NET: Shape =
    Shape { name: "FinderNet", inputs: 3 * CELL * CELL, widths: [32, 56, 80], outputs: OUTPUTS };

/// A digit that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectedDigit {
    /// Its box.
    pub area: BoxInPhoto,
    /// The probability that a digit is there, 0 to 1.
    pub confidence: f32,
}

/// A network that finds digits, with weights, on a device.
#[derive(Clone, Debug)]
pub struct DigitFinder(UNetModel);

impl From<UNetModel> for DigitFinder {
    fn from(model: UNetModel) -> Self {
        DigitFinder(model)
    }
}

impl DigitFinder {
    /// Loads weights that `doorplate publish` or `doorplate train` wrote.
    ///
    /// # Errors
    /// [`WeightsError`] when the bytes are damaged, or a tensor is missing, unknown, or of another
    /// shape.
    pub fn from_safetensors(bytes: Vec<u8>, device: &Device) -> Result<Self, WeightsError> {
        UNetModel::from_safetensors(&FINDER_NET, bytes, device).map(DigitFinder)
    }

    /// The network with its weights.
    pub fn model(&self) -> &UNetModel {
        &self.0
    }

    /// The digits in a photo that are found with at least this confidence (0 to 1), the surest
    /// first. No two of them are the same digit.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails or gives anything but finite numbers.
    pub async fn find(
        &self,
        photo: &Photo,
        at_least: f32,
    ) -> Result<Vec<DetectedDigit>, EngineError> {
        let mut search = Search::of(photo, at_least);
        while search.look_further(self).await? {}
        Ok(search.candidates().digits)
    }

    /// The digits in a photo that are found, each with its reading by `classifier`.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails or gives anything but finite numbers.
    pub async fn find_and_read(
        &self,
        photo: &Photo,
        at_least: f32,
        classifier: &Classifier,
    ) -> Result<Vec<FoundDigit>, EngineError> {
        let mut search = Search::of(photo, at_least);
        while search.look_further(self).await? {}
        read(photo, search.candidates(), classifier).await
    }

    /// The same, found on all of this machine's processors, if the network is on the host.
    ///
    /// # Errors
    /// [`EngineError`] when the device gives anything but finite numbers.
    #[cfg(feature = "native")]
    pub fn find_and_read_in_parallel(
        &self,
        photo: &Photo,
        at_least: f32,
        classifier: &Classifier,
    ) -> Result<Vec<FoundDigit>, EngineError> {
        use rayon::prelude::*;

        let Some(host) = self.0.on_host() else {
            return pollster::block_on(self.find_and_read(photo, at_least, classifier));
        };
        let pyramid = Pyramid::of(photo);
        let found = pyramid.tiles().into_par_iter().map(|tile| {
            let outputs = host.outputs(&pyramid.cells(&tile), tile.size());
            places(&outputs, &tile, at_least)
        });
        let candidates = candidates(found.flatten_iter().collect(), photo.size(), at_least);
        pollster::block_on(read(photo, candidates, classifier))
    }
}

/// A search for the digits of a photo, a part at a time, so that something else can be done between
/// them. Large digits are looked for first.
#[derive(Debug)]
pub struct Search {
    pyramid: Pyramid,
    /// Where was not looked yet, the next one last.
    tiles: Vec<Tile>,
    found: Vec<Place>,
    photo: PhotoSize,
    at_least: f32,
}

impl Search {
    /// A search that has not looked anywhere yet, for digits that are found with at least this
    /// confidence, 0 to 1.
    pub fn of(photo: &Photo, at_least: f32) -> Self {
        let pyramid = Pyramid::of(photo);
        let tiles = pyramid.tiles();
        Search { pyramid, tiles, found: Vec::new(), photo: photo.size(), at_least }
    }

    /// Looks at one part more. `false` if all were looked at before.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails or gives anything but finite numbers.
    pub async fn look_further(&mut self, finder: &DigitFinder) -> Result<bool, EngineError> {
        let Some(tile) = self.tiles.pop() else { return Ok(false) };
        let outputs = finder.0.outputs(self.pyramid.cells(&tile), tile.size()).await?;
        self.found.extend(places(&outputs, &tile, self.at_least));
        Ok(true)
    }

    /// What was found so far.
    pub fn candidates(&self) -> Candidates {
        candidates(self.found.clone(), self.photo, self.at_least)
    }
}

/// What looks like a digit in a photo.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    /// The surest first. No two of them are the same digit.
    pub digits: Vec<DetectedDigit>,
    /// What looks like a digit within one of these that is much larger, which may be a plate with several.
    pub inside: Vec<DetectedDigit>,
}

/// A digit that was found, and what it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundDigit {
    /// Where it is.
    pub detected: DetectedDigit,
    /// What it is.
    pub reading: Reading,
}

impl FoundDigit {
    /// Whether it is sure which digit it is.
    pub fn is_read(&self) -> bool {
        !is_unsure(self.reading.best().1)
    }

    /// Whether it is sure that it is some digit.
    fn is_some_digit(&self) -> bool {
        let likely =
            self.reading.best().1 >= LIKELY_READ && self.reading.no_digit() < NO_DIGIT_BELOW;
        likely || self.is_read()
    }
}

/// The digits of numbers that are found with at least this confidence, 0 to 1, and all others.
///
/// The classifier must be sure of [`READ_OF_A_NUMBER`] of a number's digits, too: it tells digits from
/// what only looks like some. If there is no such number, it is enough if it is sure that they are digits,
/// and not which: most photos show a number.
pub fn sure_and_unsure(
    found: Vec<FoundDigit>,
    at_least: f32,
) -> (Vec<FoundDigit>, Vec<FoundDigit>) {
    let mut is_sure = sure_of(&found, at_least, FoundDigit::is_read);
    if !is_sure.contains(&true) {
        is_sure = sure_of(&found, at_least, FoundDigit::is_some_digit);
    }
    let (mut sure, mut unsure) = (Vec::new(), Vec::new());
    for (digit, is_sure) in found.into_iter().zip(is_sure) {
        if is_sure { &mut sure } else { &mut unsure }.push(digit);
    }
    (sure, unsure)
}

/// Whether each digit belongs to a number that is found with at least this confidence and read.
fn sure_of(
    found: &[FoundDigit],
    at_least: f32,
    is_read: impl Fn(&FoundDigit) -> bool,
) -> Vec<bool> {
    let is_read = |i: usize| is_read(&found[i]);
    let is_candidate = |&i: &usize| {
        let less = if is_read(i) { LESS_IN_A_NUMBER } else { 0.0 };
        found[i].detected.confidence >= at_least - less
    };
    let is_found = |number: &[usize]| {
        let confidences = number.iter().map(|&i| found[i].detected.confidence);
        is_sure_number(&confidences.collect::<Vec<_>>(), at_least)
    };
    let mut is_sure = vec![false; found.len()];
    let mut rest = Vec::new();
    let candidates: Vec<usize> = (0..found.len()).filter(is_candidate).collect();
    for number in numbers_of(found, &candidates) {
        let number = without_weak_ends(found, &number, is_read);
        let read = number.iter().filter(|&&i| is_read(i)).count();
        if read as f32 >= READ_OF_A_NUMBER * number.len() as f32 && is_found(number) {
            number.iter().for_each(|&i| is_sure[i] = true);
        } else {
            rest.extend(number.iter().copied().filter(|&i| is_read(i)));
        }
    }
    // Without what is not read, other digits are neighbours.
    for number in numbers_of(found, &rest).into_iter().filter(|number| is_found(number)) {
        number.into_iter().for_each(|i| is_sure[i] = true);
    }
    is_sure
}

/// The digits of a number without what stands at its ends and is no digit beside the others, as a frame
/// or a handrail looks like a 1.
fn without_weak_ends<'a>(
    found: &[FoundDigit],
    number: &'a [usize],
    is_read: impl Fn(usize) -> bool,
) -> &'a [usize] {
    let most = number.iter().map(|&i| found[i].detected.confidence).fold(0.0, f32::max);
    let is_weak = |&i: &usize| {
        let FoundDigit { detected, reading } = &found[i];
        let less = most - detected.confidence;
        (less > MUCH_LESS_AT_AN_END && reading.best().1 < CLEARLY_READ)
            || (less > LESS_AT_AN_END && !is_read(i) && reading.no_digit() > NO_DIGIT_BELOW)
    };
    // The surest one is not weak.
    let first = number.iter().position(|i| !is_weak(i)).unwrap_or(0);
    let last = number.iter().rposition(|i| !is_weak(i)).unwrap_or(0);
    &number[first..=last]
}

/// Those of the unsure digits that stand beside sure ones, as if they were of the same number.
pub fn beside_numbers(sure: &[FoundDigit], unsure: Vec<FoundDigit>) -> Vec<FoundDigit> {
    let all: Vec<FoundDigit> = sure.iter().cloned().chain(unsure).collect();
    let numbers = numbers_of(&all, &(0..all.len()).collect::<Vec<_>>());
    let is_sure = |&i: &usize| i < sure.len();
    let numbers = numbers.into_iter().filter(|number| number.iter().any(is_sure));
    numbers.flatten().filter(|i| !is_sure(i)).map(|i| all[i].clone()).collect()
}

/// The numbers that some of these digits make.
fn numbers_of(found: &[FoundDigit], digits: &[usize]) -> Vec<Vec<usize>> {
    let boxes: Vec<BoxInPhoto> = digits.iter().map(|&i| found[i].detected.area).collect();
    let numbers = house_numbers(&boxes).into_iter();
    numbers.map(|number| number.into_iter().map(|i| digits[i]).collect()).collect()
}

/// Whether digits of these confidences are a number.
fn is_sure_number(confidences: &[f32], at_least: f32) -> bool {
    let alone = (at_least + MORE_ALONE).min(HIGHEST_NEEDED);
    mean(confidences) >= if confidences.len() == 1 { alone } else { at_least }
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

/// Reads what was found. What is not read surely, but holds digits that are, gives way to them: it is a
/// plate with a number, or a part of the wall.
///
/// # Errors
/// [`EngineError`] when the device fails or gives anything but finite numbers.
pub async fn read(
    photo: &Photo,
    candidates: Candidates,
    classifier: &Classifier,
) -> Result<Vec<FoundDigit>, EngineError> {
    let Candidates { digits, mut inside } = candidates;
    let digits = read_each(photo, digits, classifier).await?;
    inside.retain(|it| digits.iter().any(|digit| !digit.is_read() && is_inside(it, digit)));
    let inside = read_each(photo, inside, classifier).await?;
    Ok(opened(digits, inside))
}

/// The digits, those that are read surely in place of those that are not and hold them.
fn opened(mut digits: Vec<FoundDigit>, mut inside: Vec<FoundDigit>) -> Vec<FoundDigit> {
    inside.retain(FoundDigit::is_read);
    let holds_some = |digit: &FoundDigit| inside.iter().any(|it| is_inside(&it.detected, digit));
    digits.retain(|digit| digit.is_read() || !holds_some(digit));
    digits.extend(inside);
    digits
}

fn is_inside(inner: &DetectedDigit, outer: &FoundDigit) -> bool {
    is_within(&inner.area.into(), &outer.detected.area.into())
}

async fn read_each(
    photo: &Photo,
    digits: Vec<DetectedDigit>,
    classifier: &Classifier,
) -> Result<Vec<FoundDigit>, EngineError> {
    let boxes: Vec<BoxInPhoto> = digits.iter().map(|digit| digit.area).collect();
    let readings = classifier.read(photo, &boxes).await?;
    let read = digits.into_iter().zip(readings);
    Ok(read.map(|(detected, reading)| FoundDigit { detected, reading }).collect())
}

/// The digits at these places, once each.
fn candidates(found: Vec<Place>, photo: PhotoSize, at_least: f32) -> Candidates {
    let [digits, inside] = merged(found, at_least).map(|places| boxes_of(places, photo));
    Candidates { digits, inside }
}

/// The boxes of places. One on a panorama's seam is in two.
fn boxes_of(places: Vec<Place>, photo: PhotoSize) -> Vec<DetectedDigit> {
    let places = places.into_iter();
    if !goes_round(photo) {
        return places.filter_map(|place| detected(place.area, place.confidence, photo)).collect();
    }
    let round = f64::from(photo.width);
    let mut digits: Vec<DetectedDigit> = Vec::new();
    for Place { area, confidence, .. } in places {
        let parts = [0.0, round, -round].map(|by| LooseBox { left: area.left + by, ..area });
        for part in parts.into_iter().filter_map(|area| detected(area, confidence, photo)) {
            // Two scales may have found it on either side.
            if !digits.iter().any(|other| same_digit(other.area, part.area)) {
                digits.push(part);
            }
        }
    }
    digits
}

fn detected(area: LooseBox, confidence: f32, photo: PhotoSize) -> Option<DetectedDigit> {
    Some(DetectedDigit { area: area.clamp_to(photo).ok()?, confidence })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A digit at this place, found with this confidence, that is most likely a 3: so likely.
    fn digit(left: u32, confidence: f32, read: f32) -> FoundDigit {
        let mut confidences = [0.0; 10];
        (confidences[3], confidences[4]) = (read, 1.0 - read);
        let area = BoxInPhoto { left, top: 10, width: 10, height: 20 };
        let detected = DetectedDigit { area, confidence };
        FoundDigit { detected, reading: Reading { confidences } }
    }

    /// One that is likely a 3 and as likely no digit at all.
    fn perhaps_none(left: u32, confidence: f32) -> FoundDigit {
        let mut digit = digit(left, confidence, 0.0);
        digit.reading.confidences = [0.05; 10];
        digit.reading.confidences[3] = 0.55;
        digit
    }

    fn lefts(digits: &[FoundDigit]) -> Vec<u32> {
        digits.iter().map(|it| it.detected.area.left).collect()
    }

    fn sure_of_these(found: Vec<FoundDigit>) -> Vec<u32> {
        let all = found.len();
        let (sure, unsure) = sure_and_unsure(found, 0.5);
        assert_eq!(sure.len() + unsure.len(), all);
        lefts(&sure)
    }

    #[test]
    fn digits_alone_need_more_confidence_than_those_of_a_number() {
        let sure_of = sure_of_these;
        let digit = |left: u32, confidence: f32, is_read: bool| {
            if is_read { digit(left, confidence, 0.9) } else { perhaps_none(left, confidence) }
        };
        assert_eq!(sure_of(vec![digit(0, 0.75, true), digit(300, 0.65, true)]), [0]);
        let number = |first, second| vec![digit(0, first, true), digit(12, second, true)];
        assert_eq!(sure_of(number(0.65, 0.4)), [0, 12]);
        assert!(sure_of(number(0.5, 0.4)).is_empty());
        assert!(sure_of(number(0.65, 0.3)).is_empty(), "the second is none, so one is left alone");
        assert!(sure_of(vec![digit(0, 0.9, false)]).is_empty(), "nobody knows what it reads");
        // One of three may be read unsurely, one of two may not.
        let [unread, second, third] =
            [digit(0, 0.65, false), digit(12, 0.65, true), digit(24, 0.65, true)];
        assert_eq!(sure_of(vec![unread.clone(), second.clone(), third.clone()]), [0, 12, 24]);
        assert!(sure_of(vec![unread.clone(), second.clone()]).is_empty());
        let one_surer =
            FoundDigit { detected: DetectedDigit { confidence: 0.8, ..second.detected }, ..second };
        assert_eq!(sure_of(vec![unread, one_surer]), [12]);
    }

    #[test]
    fn without_a_number_that_is_read_some_digit_is_enough() {
        let read = digit(0, 0.8, 0.9);
        let some = digit(300, 0.8, 0.5);
        assert_eq!(sure_of_these(vec![some.clone()]), [300]);
        assert_eq!(sure_of_these(vec![read, some.clone()]), [0]);
        assert!(sure_of_these(vec![perhaps_none(300, 0.8)]).is_empty());
        assert!(sure_of_these(vec![digit(300, 0.6, 0.5)]).is_empty(), "found with less confidence");
        let mut any = some;
        any.reading.confidences = [0.0, 0.3, 0.0, 0.35, 0.35, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert!(sure_of_these(vec![any]).is_empty(), "it may be anything");
    }

    #[test]
    fn what_is_weak_at_a_numbers_end_is_none_of_its_digits() {
        let number = |end: FoundDigit| {
            let digits = [digit(0, 0.9, 0.99), digit(12, 0.9, 0.99)];
            sure_of_these(digits.into_iter().chain([end]).collect()).len()
        };
        assert_eq!(number(digit(24, 0.6, 0.9)), 2, "much less confident");
        assert_eq!(number(digit(24, 0.6, 0.99)), 3, "but clearly a digit");
        assert_eq!(number(digit(24, 0.7, 0.9)), 3, "a little less confident");
        assert_eq!(number(digit(24, 0.75, 0.5)), 3, "not read, but a digit");
        assert_eq!(number(perhaps_none(24, 0.75)), 2);
        assert_eq!(number(perhaps_none(24, 0.85)), 3, "nearly as confident");
        let within = [digit(0, 0.9, 0.99), perhaps_none(12, 0.6), digit(24, 0.9, 0.99)];
        assert_eq!(sure_of_these(within.to_vec()), [0, 12, 24]);
    }

    #[test]
    fn what_stands_beside_a_sure_number_may_be_of_it() {
        let sure = [digit(100, 0.9, 0.99), digit(112, 0.9, 0.99)];
        let mut above = digit(100, 0.5, 0.5);
        above.detected.area.top = 60;
        let unsure = vec![digit(124, 0.5, 0.5), digit(88, 0.5, 0.5), digit(300, 0.5, 0.5), above];
        assert_eq!(lefts(&beside_numbers(&sure, unsure.clone())), [88, 124]);
        assert!(beside_numbers(&[], unsure).is_empty());
    }

    #[test]
    fn what_is_not_read_gives_way_to_the_digits_that_it_holds() {
        let plate = |read: f32| {
            let mut plate = digit(0, 0.9, read);
            plate.detected.area = BoxInPhoto { left: 0, top: 0, width: 40, height: 50 };
            plate
        };
        let inner = vec![digit(8, 0.8, 0.9), digit(21, 0.7, 0.9)];
        let unread = vec![digit(8, 0.8, 0.5)];
        let beside = digit(60, 0.7, 0.5);
        assert_eq!(lefts(&opened(vec![plate(0.5), beside.clone()], inner.clone())), [60, 8, 21]);
        assert_eq!(lefts(&opened(vec![plate(0.5)], unread)), [0]);
        assert_eq!(lefts(&opened(vec![beside], Vec::new())), [60]);
    }

    #[test]
    fn a_digit_on_a_panoramas_seam_is_in_two_boxes() {
        let place = |left: f64, confidence| Place {
            area: LooseBox { left, top: 100.0, width: 20.0, height: 40.0 },
            confidence,
            is_peak: true,
        };
        let found = |width| -> Vec<(u32, u32)> {
            let photo = PhotoSize { width, height: 1024 };
            let both = vec![place(2040.0, 0.9), place(-7.0, 0.8)];
            boxes_of(both, photo).iter().map(|it| (it.area.left, it.area.width)).collect()
        };
        assert_eq!(found(2048), [(2040, 8), (0, 12)]);
        assert_eq!(found(2050), [(2040, 10), (0, 13)], "no panorama");
    }
}
