//! A trained network on a device.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::{HostUNet, Shape, UNet};
use crate::classifier::{EngineError, Precision, WeightsError, read_back, safetensors_of};

/// A network with weights, on a device.
#[derive(Clone, Debug)]
pub struct UNetModel {
    name: &'static str,
    net: UNet,
    /// Its weights on the host, if it runs there.
    host: Option<Arc<HostUNet>>,
    device: Device,
}

impl UNetModel {
    /// A trained network of this shape on `device`.
    ///
    /// # Errors
    /// [`EngineError`] when the weights cannot be read back.
    pub fn new(shape: &Shape, net: UNet, device: Device) -> Result<Self, EngineError> {
        // On other devices they are not read back: one cannot wait for a browser's GPU.
        let on_host = device == Device::flex();
        let host = if on_host { Some(Arc::new(HostUNet::of(&net)?)) } else { None };
        Ok(UNetModel { name: shape.name, net, host, device })
    }

    /// Loads weights that `doorplate publish` or `doorplate train` wrote.
    ///
    /// # Errors
    /// [`WeightsError`] when the bytes are damaged, or a tensor is missing, unknown, or of another
    /// shape.
    pub fn from_safetensors(
        shape: &Shape,
        bytes: Vec<u8>,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let foreign = |reason: String| WeightsError::Foreign { reason };
        let net = UNet::from_safetensors(shape, bytes, device).map_err(foreign)?;
        UNetModel::new(shape, net, device.clone()).map_err(|error| foreign(error.to_string()))
    }

    /// The network.
    #[cfg(feature = "native")]
    pub(crate) fn net(&self) -> &UNet {
        &self.net
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Its weights on the host, if it runs there.
    #[cfg(feature = "native")]
    pub(crate) fn on_host(&self) -> Option<&HostUNet> {
        self.host.as_deref()
    }

    /// The weights as a safetensors file; the same weights give the same bytes.
    ///
    /// # Errors
    /// [`EngineError`] when they cannot be read back from the device.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, EngineError> {
        safetensors_of(&self.net, self.name, Precision::Single)
    }

    /// The weights in half precision, for the network.
    ///
    /// # Errors
    /// [`EngineError`] when they cannot be read back from the device.
    pub fn to_half_safetensors(&self) -> Result<Vec<u8>, EngineError> {
        safetensors_of(&self.net, self.name, Precision::Half)
    }

    /// The outputs `[outputs, rows, columns]` for one input `[inputs, rows, columns]`.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails or gives anything but finite numbers.
    pub async fn outputs(
        &self,
        cells: Vec<f32>,
        [rows, columns]: [usize; 2],
    ) -> Result<Vec<f32>, EngineError> {
        let outputs = if let Some(host) = &self.host {
            host.outputs(&cells, [rows, columns])
        } else {
            let channels = cells.len() / (rows * columns);
            let cells = TensorData::new(cells, [1, channels, rows, columns]);
            read_back(self.net.forward(Tensor::from_data(cells, &self.device))).await?
        };
        if !outputs.iter().all(|output| output.is_finite()) {
            return Err(EngineError::Numbers(format!("{} gave no numbers", self.name)));
        }
        Ok(outputs)
    }
}
