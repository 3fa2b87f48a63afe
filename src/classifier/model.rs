//! A network with its weights, ready to read.

cfg_if::cfg_if! {
    if #[cfg(feature = "native")] {
        pub(super) mod native;
        pub(super) mod pytorch;
        pub(super) mod seeded;
    }
}

use std::sync::Arc;

use burn::{
    module::Param,
    tensor::{DType, Device, Tensor, TensorData},
};
use burn_store::{
    FloatCastAdapter, HalfPrecisionAdapter, ModuleSnapshot, ModuleStore, SafetensorsStore,
};

use super::{
    Architecture, DIGITS, Input, Network, Normalisation, Reading,
    feature_maps::{FeatureMaps, FirstConvolution},
    host::HostNetwork,
};
use crate::{
    fault::{AtFault, Fault},
    photo::{BoxInPhoto, CropShape, Photo},
};

/// Crops that go through the network at once; more are split, so that 200 boxes on a photo need
/// no more memory than these.
const BATCH: usize = 32;

/// Where a weights file names its network.
const ARCHITECTURE: &str = "architecture";

/// Why weights cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are not a safetensors file, are cut short, or hold other tensors.
    #[error("the weights do not fit {architecture} ({reason})")]
    Unusable {
        /// The network they were meant for.
        architecture: &'static Architecture,
        /// What is wrong.
        reason: String,
    },
    /// The bytes are not a safetensors file of this program.
    #[error("this is not a file of weights that `doorplate train` wrote ({reason})")]
    Foreign {
        /// What is wrong.
        reason: String,
    },
}

impl AtFault for WeightsError {
    fn fault(&self) -> Fault {
        Fault::Model
    }
}

/// Why the engine cannot compute something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The device cannot be opened or failed: it is lost, a kernel does not run, memory is used up.
    #[error("the device failed ({0})")]
    Device(String),
    /// Numbers are missing, not finite, or not those that the CPU computes.
    #[error("the engine computed wrong numbers ({0})")]
    Numbers(String),
    /// The engine was given something that does not fit its networks.
    #[error("the engine cannot compute this ({0})")]
    Input(String),
}

impl EngineError {
    /// What happened, without the kind of failure.
    pub fn reason(&self) -> &str {
        match self {
            EngineError::Device(reason)
            | EngineError::Numbers(reason)
            | EngineError::Input(reason) => reason,
        }
    }
}

impl AtFault for EngineError {
    fn fault(&self) -> Fault {
        Fault::Device
    }
}

/// Reads a tensor back from its device.
///
/// # Errors
/// [`EngineError`] when the device failed or is lost.
pub(crate) async fn read_back<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, EngineError> {
    let data = tensor.into_data_async().await.map_err(|e| EngineError::Device(format!("{e:?}")))?;
    data.try_into_vec::<f32>().map_err(|e| EngineError::Device(format!("{e:?}")))
}

/// What is done to a network's input samples: `(x - mean) * scale`, sample by sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardisation {
    mean: Vec<f32>,
    scale: Vec<f32>,
}

/// Deviations below this (on the scale 0 to 1) count as this: a pixel that is the same in all
/// training digits would otherwise blow up in the first photo where it isn't.
const LEAST_DEVIATION: f32 = 1e-3;

impl Standardisation {
    /// What `network` was declared with and, where this is measured, trained with.
    ///
    /// # Errors
    /// [`EngineError`] when the statistics cannot be read back; they are read while waiting.
    pub fn of(network: &Network) -> Result<Self, EngineError> {
        let input = network.architecture().input;
        let values = |statistic: &Option<Param<Tensor<3>>>, or: f32| match statistic {
            Some(statistic) => host_values(statistic.val()),
            None => Ok(vec![or; input.len()]),
        };
        let (mean, deviation) = match input.normalisation {
            Normalisation::Centred => (0.5, 0.5),
            Normalisation::Mean | Normalisation::MeanAndDeviation => (0.0, 1.0),
        };
        let mean = values(&network.mean, mean)?;
        let deviation = values(&network.deviation, deviation)?;
        let scale = deviation.iter().map(|d| 1.0 / d.max(LEAST_DEVIATION)).collect();
        Ok(Standardisation { mean, scale })
    }

    /// Standardises the samples of one input, or of several one after the other.
    pub fn apply(&self, samples: &mut [f32]) {
        for input in samples.chunks_mut(self.mean.len().max(1)) {
            for ((sample, mean), scale) in input.iter_mut().zip(&self.mean).zip(&self.scale) {
                *sample = (*sample - mean) * scale;
            }
        }
    }
}

/// Reads a tensor back while waiting, which a browser's GPU does not allow.
pub(crate) fn host_values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, EngineError> {
    let data = tensor.try_into_data().map_err(|error| EngineError::Device(format!("{error:?}")))?;
    data.try_into_vec::<f32>().map_err(|error| EngineError::Device(error.to_string()))
}

/// A network with weights, on a device.
#[derive(Clone, Debug)]
pub struct Classifier {
    pub(super) net: Network,
    pub(super) host: Arc<HostNetwork>,
    standardisation: Standardisation,
    first: FirstConvolution,
    device: Device,
}

/// A network with weights from a safetensors file's bytes.
fn load_net(
    architecture: &'static Architecture,
    bytes: Vec<u8>,
    device: &Device,
) -> Result<Network, WeightsError> {
    let mut net = Network::new(architecture, device);
    fill(&mut net, bytes).map_err(|reason| WeightsError::Unusable { architecture, reason })?;
    Ok(net)
}

/// Loads the weights of a safetensors file's bytes into a network.
///
/// # Errors
/// What is wrong: the bytes are damaged, or a tensor is missing, left over, or of another shape.
pub(crate) fn fill(net: &mut impl ModuleSnapshot, bytes: Vec<u8>) -> Result<(), String> {
    // Published weights are in half precision; the networks compute in single. What does not fit is
    // said here, because the store would list all tensors.
    let mut store = SafetensorsStore::from_bytes(Some(bytes))
        .with_from_adapter(FloatCastAdapter::to(DType::F32))
        .validate(false)
        .allow_partial(true);
    fill_from(net, &mut store, |_| false)
}

/// Loads a store's weights into a network; the store leaves it to this to say what does not fit.
/// Tensors with a name that `may_be_left` are not needed.
///
/// # Errors
/// As [`fill`].
fn fill_from<S: ModuleStore>(
    net: &mut impl ModuleSnapshot,
    store: &mut S,
    may_be_left: impl Fn(&str) -> bool,
) -> Result<(), String> {
    let applied = net.load_from(store).map_err(|error| error.to_string())?;
    if let Some((missing, _)) = applied.missing.first() {
        return Err(format!("{missing} is missing"));
    }
    if let Some(unused) = applied.unused.iter().find(|name| !may_be_left(name)) {
        return Err(format!("the network has no {unused}"));
    }
    match applied.errors.first() {
        Some(error) => Err(error.to_string()),
        None => Ok(()),
    }
}

/// The precision of weights in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    Single,
    /// Batch norms and the input's statistics, which are few and wide in range, stay in single.
    Half,
}

/// A network's weights as a safetensors file that names it; the same weights give the same bytes.
///
/// # Errors
/// [`EngineError`] when they cannot be read back from the device.
pub(crate) fn safetensors_of(
    net: &impl ModuleSnapshot,
    name: &str,
    precision: Precision,
) -> Result<Vec<u8>, EngineError> {
    let store = SafetensorsStore::from_bytes(None);
    let store = match precision {
        Precision::Single => store,
        Precision::Half => store.with_to_adapter(HalfPrecisionAdapter::new()),
    };
    // One entry only: the store writes several in a random order, and weights are published
    // under their hash.
    let mut store = store.clear_metadata().metadata(ARCHITECTURE, name);
    store.collect_from(net).map_err(|error| EngineError::Device(error.to_string()))?;
    store.get_bytes().map_err(|error| EngineError::Device(error.to_string()))
}

impl Classifier {
    /// A classifier of a trained network on `device`.
    ///
    /// # Errors
    /// [`EngineError`] when the weights cannot be read back. They are read while waiting, which
    /// a browser's GPU does not allow; there, use [`Classifier::from_safetensors`].
    pub fn new(net: Network, device: Device) -> Result<Self, EngineError> {
        let standardisation = Standardisation::of(&net)?;
        let side = net.architecture().input.side;
        let first = match net.stages.first() {
            Some(stage) => {
                let [maps, channels, kernel, _] = stage.conv.weight.dims();
                FirstConvolution {
                    side,
                    channels,
                    kernel,
                    weights: host_values(stage.conv.weight.val())?,
                    biases: match &stage.conv.bias {
                        Some(biases) => host_values(biases.val())?,
                        None => vec![0.0; maps],
                    },
                }
            }
            None => return Err(EngineError::Input("the network has no convolution".to_owned())),
        };
        let host = Arc::new(HostNetwork::of(&net)?);
        Ok(Classifier { net, host, standardisation, first, device })
    }

    /// Loads weights that `doorplate publish` or `doorplate train` wrote.
    ///
    /// # Errors
    /// [`WeightsError`] when the bytes are damaged, or a tensor is missing, left over, or of
    /// another shape.
    pub fn from_safetensors(
        architecture: &'static Architecture,
        bytes: Vec<u8>,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        // The first convolution is read on the CPU, and the weights loaded again for another
        // device: tensors cannot be read back from a browser's GPU without waiting, nor moved
        // to it.
        let cpu = Device::flex();
        let net = load_net(architecture, bytes.clone(), &cpu)?;
        let classifier = Classifier::new(net, cpu)
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
        safetensors_of(&self.net, self.architecture().name, Precision::Single)
    }

    /// The weights in half precision, for the network.
    ///
    /// # Errors
    /// [`EngineError`] when they cannot be read back from the device.
    pub fn to_half_safetensors(&self) -> Result<Vec<u8>, EngineError> {
        safetensors_of(&self.net, self.architecture().name, Precision::Half)
    }

    /// Which network this is.
    pub fn architecture(&self) -> &'static Architecture {
        self.net.architecture()
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The standardised input of one box: plane after plane, row after row.
    pub fn input_of(&self, photo: &Photo, area: BoxInPhoto) -> Vec<f32> {
        let mut samples = self.architecture().input.crop_of(photo, area);
        self.standardisation.apply(&mut samples);
        samples
    }

    /// Reads the digits in all boxes of a photo, in batches; gives one reading for each box, in
    /// order.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails or gives anything but finite numbers.
    pub async fn read(
        &self,
        photo: &Photo,
        boxes: &[BoxInPhoto],
    ) -> Result<Vec<Reading>, EngineError> {
        let inputs: Vec<f32> = boxes.iter().flat_map(|&area| self.input_of(photo, area)).collect();
        self.read_inputs(&inputs).await
    }

    /// Reads standardised inputs, which come one after the other; gives one reading for each, in
    /// order.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails or gives anything but finite numbers.
    pub async fn read_inputs(&self, inputs: &[f32]) -> Result<Vec<Reading>, EngineError> {
        Ok(self.logits(inputs).await?.iter().map(Reading::from_logits).collect())
    }

    /// The network's ten outputs for each of such inputs, in order.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails or gives anything but finite numbers.
    pub async fn logits(&self, inputs: &[f32]) -> Result<Vec<[f32; DIGITS]>, EngineError> {
        let logits = if self.device == Device::flex() {
            self.host.logits(inputs)
        } else {
            self.logits_on_device(inputs).await?
        };
        let (logits, _) = logits.as_chunks::<DIGITS>();
        match logits.iter().find(|logits| !logits.iter().all(|logit| logit.is_finite())) {
            Some(logits) => Err(EngineError::Numbers(format!("the network gave {logits:?}"))),
            None => Ok(logits.to_vec()),
        }
    }

    async fn logits_on_device(&self, inputs: &[f32]) -> Result<Vec<f32>, EngineError> {
        let one = self.architecture().input.len();
        let mut all = Vec::with_capacity(inputs.len() / one * DIGITS);
        for batch in inputs.chunks(BATCH * one) {
            let mut logits = read_back(self.net.forward(self.input_tensor(batch))).await?;
            logits.truncate(batch.len() / one * DIGITS);
            all.append(&mut logits);
        }
        Ok(all)
    }

    /// The first convolution's outputs for one box of a photo, stretched to the network's square
    /// even if the network itself sees other crops, so that the maps fit the box; the same bits on
    /// every device.
    pub fn first_feature_maps(&self, photo: &Photo, area: BoxInPhoto) -> FeatureMaps {
        self.first.maps_of(&self.stretched_input_of(photo, area))
    }

    /// The standardised input of one box, stretched to the network's square even if the network
    /// itself sees other crops.
    pub(super) fn stretched_input_of(&self, photo: &Photo, area: BoxInPhoto) -> Vec<f32> {
        let input = Input { crop: CropShape::Stretched, ..self.architecture().input };
        let mut samples = input.crop_of(photo, area);
        self.standardisation.apply(&mut samples);
        samples
    }

    /// The first convolution's outputs for one standardised input, as the network itself computes
    /// them; the same bits on every device. `None` for another number of samples.
    pub fn feature_maps_of_input(&self, input: &[f32]) -> Option<FeatureMaps> {
        (input.len() == self.architecture().input.len()).then(|| self.first.maps_of(input))
    }

    /// Inputs as a tensor `[n, channels, side, side]`, n at least 2: some GPU kernels for a
    /// single row ask for subgroup operations that the device may lack.
    fn input_tensor(&self, inputs: &[f32]) -> Tensor<4> {
        let input = self.architecture().input;
        let mut values = inputs.to_vec();
        values.resize(inputs.len().max(2 * input.len()), 0.0);
        let crops = values.len() / input.len();
        let data = TensorData::new(values, [crops, input.channels(), input.side, input.side]);
        Tensor::from_data(data, &self.device)
    }
}
