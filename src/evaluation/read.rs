//! Reads all digits of a data set.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    classifier::{Architecture, Classifier, EngineError, Reading},
    dataset::{
        format1::{Format1, Format1Error},
        format2::{self, Format2, Format2Error},
        is_format2, open_photos,
    },
    evaluation::Confusion,
    fault::{AtFault, Fault},
    photo::{BoxInPhoto, CropShape, Photo, PhotoSize},
};

/// Digits read at once.
const DIGITS_AT_ONCE: usize = 256;

/// A digit, and how it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadDigit {
    /// What it shows, 0 to 9.
    pub truth: u8,
    /// How it was read.
    pub reading: Reading,
    /// Where it is.
    pub place: DigitPlace,
}

impl ReadDigit {
    /// Whether it was read as what it shows.
    pub fn is_right(&self) -> bool {
        self.reading.best().0 == self.truth
    }
}

/// Where a digit is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum DigitPlace {
    /// On a photo of Format 1.
    OnPhoto {
        /// The photo's file name.
        photo: String,
        /// The digit's box.
        #[serde(rename = "box")]
        area: BoxInPhoto,
    },
    /// A crop of Format 2, counted from 0.
    Crop(usize),
}

/// Why a data set cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The photos or their list cannot be used.
    #[error(transparent)]
    Format1(#[from] Format1Error),
    /// The crops cannot be used.
    #[error(transparent)]
    Format2(#[from] Format2Error),
    /// The network is given another kind of crop.
    #[error(
        "{}: Format 2's crops show a digit's surroundings, but {architecture} needs {}; measure it \
         on Format 1",
        path.display(), architecture.input
    )]
    OtherCrops {
        /// The file.
        path: PathBuf,
        /// The network.
        architecture: &'static Architecture,
    },
    /// The device failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl AtFault for ReadError {
    fn fault(&self) -> Fault {
        match self {
            ReadError::Engine(error) => error.fault(),
            ReadError::Format1(_) | ReadError::Format2(_) | ReadError::OtherCrops { .. } => {
                Fault::Input
            }
        }
    }
}

/// Refuses Format 2's crops for networks that are given a digit's box alone.
fn check_crops(architecture: &'static Architecture, data: &Path) -> Result<(), ReadError> {
    // If the file does not exist, opening it reports this.
    let crops = is_format2(data) && data.exists();
    if crops && architecture.input.crop == CropShape::Stretched {
        return Err(ReadError::OtherCrops { path: data.to_owned(), architecture });
    }
    Ok(())
}

/// A crop of Format 2 with the box round all of it; `None` of a crop that there is not.
fn crop_as_photo(crops: &Format2, i: usize) -> Option<(Photo, BoxInPhoto)> {
    if i >= crops.len() {
        return None;
    }
    let (width, height) = (format2::SIDE as u32, format2::SIDE as u32);
    let photo = Photo::from_rgb8(PhotoSize { width, height }, crops.crop(i).to_vec())?;
    Some((photo, BoxInPhoto { left: 0, top: 0, width, height }))
}

/// Reads all digits of a Format 1 folder, of ten folders of cropped digits or of a Format 2 file
/// (`.mat`), calling `progress` with the
/// number of digits read so far and in all.
///
/// # Errors
/// [`ReadError`] at the first photo that cannot be used, or when the device fails.
pub fn read_all(
    classifier: &Classifier,
    data: &Path,
    mut progress: impl FnMut(usize, usize),
) -> Result<Vec<ReadDigit>, ReadError> {
    let mut pending = Pending { classifier, digits: Vec::new(), inputs: Vec::new() };
    let mut read = Vec::new();
    check_crops(classifier.architecture(), data)?;
    if is_format2(data) {
        let crops = Format2::open(data)?;
        for (i, &truth) in crops.digits.iter().enumerate() {
            let Some((photo, whole)) = crop_as_photo(&crops, i) else { continue };
            pending.add(truth, DigitPlace::Crop(i), classifier.input_of(&photo, whole));
            if pending.digits.len() >= DIGITS_AT_ONCE {
                pending.read_into(&mut read)?;
                progress(read.len(), crops.len());
            }
        }
        pending.read_into(&mut read)?;
    } else {
        let data = open_photos(data)?;
        let total = data.digit_count();
        for entry in &data.photos {
            let (photo, digits) = data.load(entry)?;
            for digit in digits {
                let place = DigitPlace::OnPhoto { photo: entry.name.clone(), area: digit.area };
                pending.add(digit.digit, place, classifier.input_of(&photo, digit.area));
            }
            if pending.digits.len() >= DIGITS_AT_ONCE {
                pending.read_into(&mut read)?;
                progress(read.len(), total);
            }
        }
        pending.read_into(&mut read)?;
    }
    Ok(read)
}

/// A digit of a data set, with its photo or crop.
#[derive(Clone, Debug)]
pub struct FoundDigit {
    /// The photo, or the crop.
    pub photo: Photo,
    /// The digit's box on it.
    pub area: BoxInPhoto,
    /// What it shows, 0 to 9.
    pub truth: u8,
    /// Where it is.
    pub place: DigitPlace,
}

/// The digit with this number (counted from 1) in data of any kind, as
/// [`read_all`] goes through them, for a network of `architecture`; `None` when there are fewer.
///
/// # Errors
/// [`ReadError`] when the data cannot be used, or are not what the network is given.
pub fn find_digit(
    architecture: &'static Architecture,
    data: &Path,
    number: usize,
) -> Result<Option<FoundDigit>, ReadError> {
    check_crops(architecture, data)?;
    let Some(mut before) = number.checked_sub(1) else { return Ok(None) };
    if is_format2(data) {
        let crops = Format2::open(data)?;
        return Ok(crop_as_photo(&crops, before).map(|(photo, area)| FoundDigit {
            photo,
            area,
            truth: crops.digits[before],
            place: DigitPlace::Crop(before),
        }));
    }
    let data = open_photos(data)?;
    for entry in &data.photos {
        if before < entry.digits.len() {
            let (photo, digits) = data.load(entry)?;
            let found = digits.get(before).map(|digit| FoundDigit {
                photo,
                area: digit.area,
                truth: digit.digit,
                place: DigitPlace::OnPhoto { photo: entry.name.clone(), area: digit.area },
            });
            return Ok(found);
        }
        before -= entry.digits.len();
    }
    Ok(None)
}

/// The data behind places, opened once.
pub(super) enum Places {
    Photos(Format1),
    Crops(Format2),
}

impl Places {
    pub(super) fn open(data: &Path) -> Result<Self, ReadError> {
        Ok(if is_format2(data) {
            Places::Crops(Format2::open(data)?)
        } else {
            Places::Photos(open_photos(data)?)
        })
    }

    /// The photo (or crop) of a place and the digit's box on it; `None` of a place in other data.
    pub(super) fn photo_of(
        &self,
        place: &DigitPlace,
    ) -> Result<Option<(Photo, BoxInPhoto)>, ReadError> {
        Ok(match (self, place) {
            (Places::Photos(data), DigitPlace::OnPhoto { photo, area }) => {
                Some((data.load(data.entry(photo)?)?.0, *area))
            }
            (Places::Crops(crops), DigitPlace::Crop(i)) => crop_as_photo(crops, *i),
            _ => None,
        })
    }
}

/// Digits that wait to be read together.
struct Pending<'a> {
    classifier: &'a Classifier,
    digits: Vec<(u8, DigitPlace)>,
    inputs: Vec<f32>,
}

impl Pending<'_> {
    fn add(&mut self, truth: u8, place: DigitPlace, input: Vec<f32>) {
        self.digits.push((truth, place));
        self.inputs.extend(input);
    }

    fn read_into(&mut self, read: &mut Vec<ReadDigit>) -> Result<(), EngineError> {
        let readings = pollster::block_on(self.classifier.read_inputs(&self.inputs))?;
        let digits = self.digits.drain(..).zip(readings);
        read.extend(digits.map(|((truth, place), reading)| ReadDigit { truth, reading, place }));
        self.inputs.clear();
        Ok(())
    }
}

/// Counts the readings.
pub fn confusion_of(read: &[ReadDigit]) -> Confusion {
    let mut confusion = Confusion::default();
    for digit in read {
        confusion.count(digit.truth, digit.reading.best().0);
    }
    confusion
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{classifier::DIGITS, synthetic::write_format1};

    /// A made-up reading of a digit.
    pub(in crate::evaluation) fn read_as(truth: u8, read: u8, confidence: f32) -> ReadDigit {
        let mut confidences = [(1.0 - confidence) / 9.0; DIGITS];
        confidences[usize::from(read)] = confidence;
        ReadDigit { truth, reading: Reading { confidences }, place: DigitPlace::Crop(0) }
    }

    #[test]
    fn digits_are_found_by_their_number() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_format1(folder.path(), 4, 3).expect("drawn");
        let data = Format1::open(folder.path()).expect("it was written");
        let architecture = Architecture::named("ConvNet48_Dropout3").expect("a network");
        let find = |number| find_digit(architecture, folder.path(), number).expect("whole data");
        let mut number = 0;
        for entry in &data.photos {
            for digit in data.load(entry).expect("whole").1 {
                number += 1;
                let found = find(number).expect("there is one");
                assert_eq!((found.truth, found.area), (digit.digit, digit.area));
                let photo = entry.name.clone();
                assert_eq!(found.place, DigitPlace::OnPhoto { photo, area: digit.area });
            }
        }
        assert!(find(0).is_none() && find(number + 1).is_none());
    }
}
