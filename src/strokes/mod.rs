//! Finds the strokes of the digits in boxes: the pixels that a digit, its shadow or their blur
//! changes. It also finds the key pixels, from which the background behind the strokes can be
//! predicted.
//!
//! Both come from a small network, which is trained on synthetic photos that are drawn with and
//! without their digits (`doorplate train --net StrokeNet`). No real photo had to be labelled for
//! it.

mod digits;
mod region;

use std::ops::RangeInclusive;

use burn::tensor::Device;

pub(crate) use region::Region;
#[cfg(feature = "native")]
pub(crate) use region::{COARSE_HEIGHT, FINE_HEIGHT, LEAST_CONTRAST};

use crate::{
    classifier::{EngineError, WeightsError},
    photo::{BoxInPhoto, Photo},
    unet::{self, Shape, UNetModel},
};

/// One position of the network's input and output holds a square of this many pixels on each side,
/// in its channels.
pub(crate) const CELL: usize = 2;

/// Channels of a pixel: red, green, blue, whether it lies in a box, and the network's result at
/// half this resolution: twice the stroke probability minus 1, or 0 if there is none yet.
pub(crate) const CHANNELS: usize = 5;

/// Outputs for each pixel: the log-odds of a stroke, and of a key pixel.
pub(crate) const OUTPUTS: usize = 2;

/// A region's rows and columns are multiples of this many pixels.
pub(crate) const MULTIPLE: usize = unet::MULTIPLE * CELL;

/// The network.
pub const STROKE_NET: Shape = Shape {
    name: "StrokeNet",
    inputs: CHANNELS * CELL * CELL,
    widths: [24, 40, 72],
    outputs: OUTPUTS * CELL * CELL,
};

/// The network's results for the pixels of an area, row after row, each 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The probability that a pixel is a stroke.
    pub strokes: Vec<f32>,
    /// A pixel's weight as a key pixel: background that shows what is behind the strokes.
    pub key_pixels: Vec<f32>,
}

impl Found {
    /// The same without alternation from one pixel of its `region` to the next: the network answers
    /// for squares of [`CELL`] pixels, and may favour one pixel of a square. Strokes
    /// also end softly, a pixel further out, like their blur.
    fn evened(self, region: &Region) -> Self {
        let even = |plane: &[f32]| region.blurred(plane);
        let strokes: Vec<f32> =
            self.strokes.iter().zip(even(&self.strokes)).map(|(a, b)| a.max(b)).collect();
        let mut found = Found { strokes, key_pixels: even(&self.key_pixels) };
        found.strokes_are_no_key_pixels();
        found
    }

    /// Limits each pixel's weight as a key pixel to the probability that it is not a stroke.
    pub(crate) fn strokes_are_no_key_pixels(&mut self) {
        for (weight, stroke) in self.key_pixels.iter_mut().zip(&self.strokes) {
            *weight = weight.min(1.0 - stroke);
        }
    }
}

/// A stroke network with weights, on a device.
#[derive(Clone, Debug)]
pub struct StrokeFinder(UNetModel);

impl From<UNetModel> for StrokeFinder {
    fn from(model: UNetModel) -> Self {
        StrokeFinder(model)
    }
}

impl StrokeFinder {
    /// Loads weights that `doorplate publish` or `doorplate train` wrote.
    ///
    /// # Errors
    /// [`WeightsError`] when the bytes are damaged, or a tensor is missing, unknown, or of another
    /// shape.
    pub fn from_safetensors(bytes: Vec<u8>, device: &Device) -> Result<Self, WeightsError> {
        UNetModel::from_safetensors(&STROKE_NET, bytes, device).map(StrokeFinder)
    }

    /// The network with its weights.
    pub fn model(&self) -> &UNetModel {
        &self.0
    }

    /// The strokes and key pixels of `area`; `boxes` say where the digits are.
    ///
    /// Tall digits are found from coarse to fine: first at a resolution at which the network sees
    /// them as a whole, then at twice the resolution with the first result as a prior, and so on,
    /// until their rims are exact.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails or gives anything but finite numbers.
    pub async fn find(
        &self,
        photo: &Photo,
        area: BoxInPhoto,
        boxes: &[BoxInPhoto],
    ) -> Result<Found, EngineError> {
        let mut coarser: Option<(Region, Found)> = None;
        for region in Region::coarse_to_fine(area, boxes) {
            let prior = coarser.as_ref().map(|(region, found)| (region, found.strokes.as_slice()));
            let cells = region.cells_of(photo, boxes, prior);
            coarser = Some((region, self.found_in(&region, cells).await?));
        }
        let Some((region, found)) = coarser else {
            return Err(EngineError::Input("an area without a region".to_owned()));
        };
        let found = found.evened(&region);
        Ok(Found {
            strokes: region.pixels_of(&found.strokes, area),
            key_pixels: region.pixels_of(&found.key_pixels, area),
        })
    }

    /// The digits in a box, from left to right: several if it is round a whole number; the box
    /// itself if it holds one digit, or if the digits cannot be separated.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    pub async fn digits_in(
        &self,
        photo: &Photo,
        area: BoxInPhoto,
    ) -> Result<Vec<BoxInPhoto>, EngineError> {
        if !digits::may_hold_several(&area) {
            return Ok(vec![area]);
        }
        let found = self.find(photo, area, &[area]).await?;
        Ok(digits::digits_of(&found.strokes, area))
    }

    /// What may be digits beside each other in an area, from left to right; what is taller or shorter
    /// than these pixels is none. `line` is round all of them. Strokes are looked for only at the
    /// resolution at which the network sees whole digits.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    pub async fn parts_in(
        &self,
        photo: &Photo,
        area: BoxInPhoto,
        line: BoxInPhoto,
        heights: RangeInclusive<u32>,
    ) -> Result<Vec<BoxInPhoto>, EngineError> {
        let Some(region) = Region::coarse_to_fine(area, &[line]).into_iter().next() else {
            return Ok(Vec::new());
        };
        let cells = region.cells_of(photo, &[line], None);
        let found = self.found_in(&region, cells).await?;
        Ok(digits::separated(&region.pixels_of(&found.strokes, area), area, heights))
    }

    /// The network's results for a region's pixels, from its input.
    async fn found_in(&self, region: &Region, cells: Vec<f32>) -> Result<Found, EngineError> {
        let odds = self.0.outputs(cells, region.cells()).await?;
        let probabilities: Vec<f32> = odds.iter().map(|odds| 1.0 / (1.0 + (-odds).exp())).collect();
        let (strokes, key_pixels) = probabilities.split_at(probabilities.len() / OUTPUTS);
        Ok(Found { strokes: region.unpacked(strokes), key_pixels: region.unpacked(key_pixels) })
    }
}
