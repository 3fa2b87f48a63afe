//! A network with its weights, ready to read.

use std::{fmt, str::FromStr};

use burn::tensor::{Device, Tensor, TensorData};
use burn_store::{ModuleSnapshot, ModuleStore, SafetensorsStore};

use super::{
    ConvNet, DIGITS, Reading,
    convnet::INPUT_SIDE,
    feature_maps::{FeatureMaps, FirstConvolution},
};
use crate::photo::{BoxInPhoto, Photo};

/// Crops that go through the network at once; more are split, so that 200 boxes on a photo need
/// no more memory than these.
const BATCH: usize = 32;

/// The networks, by the report's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// Kernels 3 3 3, channels 48 64 32, dropout .5 before the ten outputs: the report's winner.
    ConvNet48Dropout3,
}

impl Architecture {
    /// All of them, in the report's order.
    pub const ALL: [Architecture; 1] = [Architecture::ConvNet48Dropout3];

    /// A freshly initialised network.
    pub fn init(self, device: &Device) -> ConvNet {
        match self {
            Architecture::ConvNet48Dropout3 => ConvNet::new([3, 3, 3], [48, 64, 32], 0.5, device),
        }
    }

    /// Its input, for people and manifests.
    pub fn input(self) -> &'static str {
        match self {
            Architecture::ConvNet48Dropout3 => {
                "40 x 40 grey, the box stretched to a square (bilinear), (x - 0.5) / 0.5"
            }
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Architecture::ConvNet48Dropout3 => "ConvNet48_Dropout3",
        })
    }
}

impl FromStr for Architecture {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Architecture::ALL
            .into_iter()
            .find(|known| known.to_string().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                let known: Vec<String> =
                    Architecture::ALL.iter().map(ToString::to_string).collect();
                format!("no network is called {name}; there are: {}", known.join(", "))
            })
    }
}

/// Why weights cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are no safetensors file, are cut short, or hold other tensors.
    #[error("the weights do not fit {architecture} ({reason})")]
    Unusable {
        /// The network they were meant for.
        architecture: Architecture,
        /// What is wrong.
        reason: String,
    },
}

/// The engine failed while computing: a lost device, a kernel that does not run, no memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine failed ({0})")]
pub struct EngineError(pub String);

/// Reads a tensor back from its device.
///
/// # Errors
/// [`EngineError`] when the device failed or is lost.
pub(crate) async fn read_back<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, EngineError> {
    let data = tensor.into_data_async().await.map_err(|e| EngineError(format!("{e:?}")))?;
    data.try_into_vec::<f32>().map_err(|e| EngineError(format!("{e:?}")))
}

/// A network with weights, on a device.
#[derive(Clone, Debug)]
pub struct Classifier {
    architecture: Architecture,
    net: ConvNet,
    first: FirstConvolution,
    device: Device,
}

/// A network with weights from a safetensors file's bytes.
fn load_net(
    architecture: Architecture,
    bytes: Vec<u8>,
    device: &Device,
) -> Result<ConvNet, WeightsError> {
    let unusable = |reason: String| WeightsError::Unusable { architecture, reason };
    let mut net = architecture.init(device);
    let mut store = SafetensorsStore::from_bytes(Some(bytes));
    let applied = net.load_from(&mut store).map_err(|error| unusable(error.to_string()))?;
    if let Some((missing, _)) = applied.missing.first() {
        return Err(unusable(format!("{missing} is missing")));
    }
    if let Some(unused) = applied.unused.first() {
        return Err(unusable(format!("{unused} has no place in it")));
    }
    if let Some(error) = applied.errors.first() {
        return Err(unusable(error.to_string()));
    }
    Ok(net)
}

impl Classifier {
    /// A classifier of a trained network on `device`.
    ///
    /// # Errors
    /// [`EngineError`] when the weights cannot be read back. They are read while waiting, which
    /// a browser's GPU does not allow; there, use [`Classifier::from_safetensors`].
    pub fn new(
        architecture: Architecture,
        net: ConvNet,
        device: Device,
    ) -> Result<Self, EngineError> {
        let (weights, biases) = net.first_convolution();
        let [maps, _, kernel, _] = weights.dims();
        let values = |data: TensorData| {
            data.try_into_vec::<f32>().map_err(|error| EngineError(error.to_string()))
        };
        let unread = |error| EngineError(format!("{error:?}"));
        let first = FirstConvolution {
            kernel,
            weights: values(weights.try_into_data().map_err(unread)?)?,
            biases: match biases {
                Some(biases) => values(biases.try_into_data().map_err(unread)?)?,
                None => vec![0.0; maps],
            },
        };
        Ok(Classifier { architecture, net, first, device })
    }

    /// Loads weights that `doorplate publish` or `doorplate train` wrote.
    ///
    /// # Errors
    /// [`WeightsError`] when the bytes are damaged, or a tensor is missing, left over, or of
    /// another shape.
    pub fn from_safetensors(
        architecture: Architecture,
        bytes: Vec<u8>,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        // The first convolution is read on the CPU, and the weights loaded again for another
        // device: tensors cannot be read back from a browser's GPU without waiting, nor moved
        // to it.
        let cpu = Device::flex();
        let net = load_net(architecture, bytes.clone(), &cpu)?;
        let classifier = Classifier::new(architecture, net, cpu)
            .map_err(|error| WeightsError::Unusable { architecture, reason: error.to_string() })?;
        if classifier.device == *device {
            return Ok(classifier);
        }
        let net = load_net(architecture, bytes, device)?;
        Ok(Classifier { net, device: device.clone(), ..classifier })
    }

    /// The weights as a safetensors file; the same weights give the same bytes.
    ///
    /// # Errors
    /// [`EngineError`] when they cannot be read back from the device.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, EngineError> {
        // One entry only: the store writes several in a random order, and weights are published
        // under their hash.
        let mut store = SafetensorsStore::from_bytes(None)
            .clear_metadata()
            .metadata("architecture", self.architecture.to_string());
        store.collect_from(&self.net).map_err(|error| EngineError(error.to_string()))?;
        store.get_bytes().map_err(|error| EngineError(error.to_string()))
    }

    /// Which network this is.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The normalised input of one box, `INPUT_SIDE * INPUT_SIDE` values from -1 to 1.
    pub fn input_of(photo: &Photo, area: BoxInPhoto) -> Vec<f32> {
        let mut crop = photo.grey_square(area, INPUT_SIDE as u32);
        for value in &mut crop {
            *value = (*value - 0.5) / 0.5;
        }
        crop
    }

    /// Reads the digits in all boxes of a photo, in batches; one reading a box, in order.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails or gives anything but finite numbers.
    pub async fn read(
        &self,
        photo: &Photo,
        boxes: &[BoxInPhoto],
    ) -> Result<Vec<Reading>, EngineError> {
        let inputs: Vec<f32> = boxes.iter().flat_map(|&area| Self::input_of(photo, area)).collect();
        self.read_inputs(&inputs).await
    }

    /// Reads normalised inputs laid end to end; one reading an input, in order.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails or gives anything but finite numbers.
    pub async fn read_inputs(&self, inputs: &[f32]) -> Result<Vec<Reading>, EngineError> {
        let mut readings = Vec::with_capacity(inputs.len() / (INPUT_SIDE * INPUT_SIDE));
        for batch in inputs.chunks(BATCH * INPUT_SIDE * INPUT_SIDE) {
            let crops = batch.len() / (INPUT_SIDE * INPUT_SIDE);
            let logits = read_back(self.net.forward(self.input_tensor(batch))).await?;
            for logits in logits.chunks_exact(DIGITS).take(crops) {
                let Ok(logits) = <&[f32; DIGITS]>::try_from(logits) else { continue };
                if !logits.iter().all(|logit| logit.is_finite()) {
                    return Err(EngineError(format!("the network gave {logits:?}")));
                }
                readings.push(Reading::from_logits(logits));
            }
        }
        Ok(readings)
    }

    /// The first convolution's outputs for one box of a photo; the same bits on every device.
    pub fn first_feature_maps(&self, photo: &Photo, area: BoxInPhoto) -> FeatureMaps {
        self.first.maps_of(&Self::input_of(photo, area))
    }

    /// Inputs as a tensor `[n, 1, 40, 40]`, n at least 2: some GPU kernels for a single row ask
    /// for subgroup operations that the device may lack.
    fn input_tensor(&self, inputs: &[f32]) -> Tensor<4> {
        let one = INPUT_SIDE * INPUT_SIDE;
        let mut values = inputs.to_vec();
        values.resize(inputs.len().max(2 * one), 0.0);
        let crops = values.len() / one;
        let data = TensorData::new(values, [crops, 1, INPUT_SIDE, INPUT_SIDE]);
        Tensor::from_data(data, &self.device)
    }
}
