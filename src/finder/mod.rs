//! Finds the digits in a whole photo, so that nobody has to draw boxes.
//!
//! A small network looks at the photo at several scales, each of half the one before. At every
//! position it tells the log-odds that a digit's middle is there, and how far the digit's box
//! reaches from there. It is a one-stage detector without anchors (Tian et al., 2019, "FCOS"), whose
//! positions are trained with the soft targets of Li et al. (2020, "Generalized Focal Loss") and
//! whose boxes with the loss of Yu et al. (2016, "UnitBox").

mod places;
mod pyramid;

use burn::tensor::Device;

#[cfg(feature = "native")]
pub(crate) use places::UNIT;
#[cfg(feature = "native")]
pub(crate) use pyramid::cells_of;

use self::{
    places::{Place, merged, places},
    pyramid::{Pyramid, Tile},
};
use crate::{
    classifier::{Classifier, EngineError, Reading, WeightsError, is_unsure},
    photo::{BoxInPhoto, Photo, PhotoSize},
    unet::{Shape, UNetModel},
};

/// One position of the network's input and output is a square of this many pixels on each side.
pub(crate) const CELL: usize = 4;

/// Outputs for each position: the log-odds of a digit's middle, and the logarithms of how far its
/// box reaches to the left, up, right and down, in [`UNIT`]s.
pub(crate) const OUTPUTS: usize = 5;

/// Digits are found if they are this tall at one of the scales, in pixels of that scale: a little more
/// than the factor between two scales, so that every digit is at one of them, and so that a small
/// network has few sizes to know.
pub(crate) const HEIGHTS: [f64; 2] = [10.0, 28.0];

/// The confidence that usually counts as found.
pub const AT_LEAST: f32 = 0.6;

/// The confidence from which there may be a digit, so that a person is asked.
pub const PERHAPS: f32 = 0.35;

/// The memory in bytes that finding takes at most, beside the photo, on one core: the pyramid's finest
/// scale is bounded. Measured.
#[cfg(feature = "native")]
pub const MEMORY_OF_FINDING: u64 = 160 << 20;

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
        Ok(search.found())
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
        let found = self.find(photo, at_least).await?;
        read(photo, found, classifier).await
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
        let found = boxes_of(found.flatten_iter().collect(), photo.size(), at_least);
        pollster::block_on(read(photo, found, classifier))
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

    /// The digits that were found so far, the surest first. No two of them are the same digit.
    pub fn found(&self) -> Vec<DetectedDigit> {
        boxes_of(self.found.clone(), self.photo, self.at_least)
    }
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
    /// Whether it is a digit for sure: found with at least this confidence, and read surely, because
    /// the classifier, too, tells digits from what only looks like some.
    pub fn is_sure(&self, at_least: f32) -> bool {
        self.detected.confidence >= at_least && !is_unsure(self.reading.best().1)
    }
}

/// Reads what was found.
///
/// # Errors
/// [`EngineError`] when the device fails or gives anything but finite numbers.
pub async fn read(
    photo: &Photo,
    found: Vec<DetectedDigit>,
    classifier: &Classifier,
) -> Result<Vec<FoundDigit>, EngineError> {
    let boxes: Vec<BoxInPhoto> = found.iter().map(|digit| digit.area).collect();
    let readings = classifier.read(photo, &boxes).await?;
    let read = found.into_iter().zip(readings);
    Ok(read.map(|(detected, reading)| FoundDigit { detected, reading }).collect())
}

/// The digits at these places, once each.
fn boxes_of(found: Vec<Place>, photo: PhotoSize, at_least: f32) -> Vec<DetectedDigit> {
    let on_photo = |place: Place| {
        let area = place.area.clamp_to(photo).ok()?;
        Some(DetectedDigit { area, confidence: place.confidence })
    };
    merged(found, at_least).into_iter().filter_map(on_photo).collect()
}
