//! Reads all digits of a data set.

use std::path::{Path, PathBuf};

use crate::{
    classifier::{Architecture, Classifier, EngineError, Reading},
    dataset::{
        format1::{Format1, Format1Error},
        format2::{self, Format2, Format2Error},
        is_format2,
    },
    evaluation::Confusion,
    photo::{BoxInPhoto, CropShape, Photo, PhotoSize},
};

/// Digits read at once.
const SOME: usize = 256;

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

/// Where a digit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigitPlace {
    /// On a photo of Format 1.
    OnPhoto {
        /// The photo's file name.
        photo: String,
        /// The digit's box.
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
        "{}: Format 2's crops show a digit's surroundings, but {architecture} is given {}; \
         measure it on Format 1",
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

/// Reads all digits of a Format 1 folder or a Format 2 file (`.mat`), calling `progress` with the
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
    if is_format2(data) {
        let architecture = classifier.architecture();
        let input = architecture.input;
        if input.crop != CropShape::Widened {
            return Err(ReadError::OtherCrops { path: data.to_owned(), architecture });
        }
        let crops = Format2::open(data)?;
        let (width, height) = (format2::SIDE as u32, format2::SIDE as u32);
        let whole = BoxInPhoto { left: 0, top: 0, width, height };
        for (i, &truth) in crops.digits.iter().enumerate() {
            let Some(photo) = Photo::from_rgb8(PhotoSize { width, height }, crops.crop(i).to_vec())
            else {
                continue;
            };
            pending.add(truth, DigitPlace::Crop(i), classifier.input_of(&photo, whole));
            if pending.digits.len() >= SOME {
                pending.read_into(&mut read)?;
                progress(read.len(), crops.len());
            }
        }
        pending.read_into(&mut read)?;
    } else {
        let data = Format1::open(data)?;
        let total = data.digit_count();
        for entry in &data.photos {
            let (photo, digits) = data.load(entry)?;
            for digit in digits {
                let place = DigitPlace::OnPhoto { photo: entry.name.clone(), area: digit.area };
                pending.add(digit.digit, place, classifier.input_of(&photo, digit.area));
            }
            if pending.digits.len() >= SOME {
                pending.read_into(&mut read)?;
                progress(read.len(), total);
            }
        }
        pending.read_into(&mut read)?;
    }
    Ok(read)
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
