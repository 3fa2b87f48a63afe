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
    pyramid::Pyramid,
};
use crate::{
    classifier::{Classifier, EngineError, Reading, WeightsError, is_unsure},
    photo::{BoxInPhoto, Photo},
    unet::{Shape, UNetModel},
};

/// One position of the network's input and output is a square of this many pixels on each side.
pub(crate) const CELL: usize = 4;

/// Outputs for each position: the log-odds of a digit's middle, and the logarithms of how far its
/// box reaches to the left, up, right and down, in [`UNIT`]s.
pub(crate) const OUTPUTS: usize = 5;

/// Digits are found if they are this tall at one of the scales, in pixels of that scale.
pub(crate) const HEIGHTS: [f64; 2] = [9.0, 48.0];

/// The confidence that usually counts as found.
pub const AT_LEAST: f32 = 0.6;

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
        let pyramid = Pyramid::of(photo);
        let mut found = Vec::new();
        for tile in pyramid.tiles() {
            let outputs = self.0.outputs(pyramid.cells(&tile), tile.size()).await?;
            found.extend(places(&outputs, &tile, at_least));
        }
        Ok(boxes_of(found, photo, at_least))
    }

    /// The digits in a photo that are found, and of which `classifier` is sure what they are: it also
    /// tells digits from what only looks like some.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails or gives anything but finite numbers.
    pub async fn find_and_read(
        &self,
        photo: &Photo,
        at_least: f32,
        classifier: &Classifier,
    ) -> Result<Vec<(DetectedDigit, Reading)>, EngineError> {
        let found = self.find(photo, at_least).await?;
        read_surely(photo, found, classifier).await
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
    ) -> Result<Vec<(DetectedDigit, Reading)>, EngineError> {
        use rayon::prelude::*;

        let Some(host) = self.0.on_host() else {
            return pollster::block_on(self.find_and_read(photo, at_least, classifier));
        };
        let pyramid = Pyramid::of(photo);
        let found = pyramid.tiles().into_par_iter().map(|tile| {
            let outputs = host.outputs(&pyramid.cells(&tile), tile.size());
            places(&outputs, &tile, at_least)
        });
        let found = boxes_of(found.flatten_iter().collect(), photo, at_least);
        pollster::block_on(read_surely(photo, found, classifier))
    }
}

/// Reads what was found, and keeps what the classifier is sure of.
async fn read_surely(
    photo: &Photo,
    found: Vec<DetectedDigit>,
    classifier: &Classifier,
) -> Result<Vec<(DetectedDigit, Reading)>, EngineError> {
    let boxes: Vec<BoxInPhoto> = found.iter().map(|digit| digit.area).collect();
    let readings = classifier.read(photo, &boxes).await?;
    let read = found.into_iter().zip(readings);
    Ok(read.filter(|(_, reading)| !is_unsure(reading.best().1)).collect())
}

/// The digits at these places, once each.
fn boxes_of(found: Vec<Place>, photo: &Photo, at_least: f32) -> Vec<DetectedDigit> {
    let on_photo = |place: Place| {
        let area = place.area.clamp_to(photo.size()).ok()?;
        Some(DetectedDigit { area, confidence: place.confidence })
    };
    merged(found, at_least).into_iter().filter_map(on_photo).collect()
}
