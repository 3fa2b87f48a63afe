//! Finds the strokes of the digits in boxes: the pixels that a digit, its shadow or their blur
//! changes. It also finds the key pixels, from which the background behind the strokes can be
//! predicted.
//!
//! Both come from a small network, which is trained on synthetic photos that are drawn with and
//! without their digits (`doorplate train --net StrokeNet`). No real photo had to be labelled for
//! it.

mod digits;
mod host;
mod network;
mod region;

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

pub(crate) use host::HostStrokeNet;
#[cfg(feature = "native")]
pub(crate) use host::{Activations, sizes};
#[cfg(feature = "native")]
pub(crate) use network::CELL;
pub(crate) use network::OUTPUTS;
pub use network::StrokeNet;
pub(crate) use region::Region;

use crate::{
    classifier::{EngineError, Precision, fill, read_back, safetensors_of},
    photo::{BoxInPhoto, Photo},
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
    /// for squares of [`CELL`](network::CELL) pixels, and may favour one pixel of a square. Strokes
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
pub struct StrokeFinder {
    net: StrokeNet,
    /// Its weights on the host, if it runs there.
    host: Option<Arc<HostStrokeNet>>,
    device: Device,
}

impl StrokeFinder {
    /// A trained network on `device`.
    ///
    /// # Errors
    /// [`EngineError`] when the weights cannot be read back.
    pub fn new(net: StrokeNet, device: Device) -> Result<Self, EngineError> {
        // On other devices they are not read back: one cannot wait for a browser's GPU.
        let on_host = device == Device::flex();
        let host = if on_host { Some(Arc::new(HostStrokeNet::of(&net)?)) } else { None };
        Ok(StrokeFinder { net, host, device })
    }

    /// Loads weights that `doorplate publish` or `doorplate train` wrote.
    ///
    /// # Errors
    /// What is wrong with the bytes: they are damaged, or a tensor is missing, unknown, or of
    /// another shape.
    pub fn from_safetensors(bytes: Vec<u8>, device: &Device) -> Result<Self, String> {
        let mut net = StrokeNet::new(device);
        fill(&mut net, bytes)?;
        StrokeFinder::new(net, device.clone()).map_err(|error| error.to_string())
    }

    /// The network.
    #[cfg(feature = "native")]
    pub(crate) fn net(&self) -> &StrokeNet {
        &self.net
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The weights as a safetensors file; the same weights give the same bytes.
    ///
    /// # Errors
    /// [`EngineError`] when they cannot be read back from the device.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, EngineError> {
        safetensors_of(&self.net, StrokeNet::NAME, Precision::Single)
    }

    /// The weights in half precision, for the network.
    ///
    /// # Errors
    /// [`EngineError`] when they cannot be read back from the device.
    pub fn to_half_safetensors(&self) -> Result<Vec<u8>, EngineError> {
        safetensors_of(&self.net, StrokeNet::NAME, Precision::Half)
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

    /// The network's results for a region's pixels, from its input.
    async fn found_in(&self, region: &Region, cells: Vec<f32>) -> Result<Found, EngineError> {
        let [channels, rows, columns] = region.cells();
        let odds = if let Some(host) = &self.host {
            host.odds(&cells, [rows, columns])
        } else {
            let cells = TensorData::new(cells, [1, channels, rows, columns]);
            read_back(self.net.forward(Tensor::from_data(cells, &self.device))).await?
        };
        if !odds.iter().all(|odds| odds.is_finite()) {
            return Err(EngineError::Numbers("the stroke network gave no numbers".to_owned()));
        }
        let probabilities: Vec<f32> = odds.iter().map(|odds| 1.0 / (1.0 + (-odds).exp())).collect();
        let (strokes, key_pixels) = probabilities.split_at(probabilities.len() / OUTPUTS);
        Ok(Found { strokes: region.unpacked(strokes), key_pixels: region.unpacked(key_pixels) })
    }
}
