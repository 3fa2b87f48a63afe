//! A network with its weights on the host, for reading on the CPU.
//!
//! Burn's tensors allocate memory for each layer's result, and pass over all images at once. The
//! declared networks have few kinds of layers, so here their passes are written out, for one image
//! at a time, whose data stay in the cache. Without a GPU, the page reads with this. The gradient
//! at the input needs no graph either, so the page's engine contains no autodiff. Tests compare
//! both with Burn.

pub(crate) mod convolution;
pub(crate) mod matrix;
pub(crate) mod pooling;

use burn::nn::BatchNorm;
#[cfg(feature = "native")]
use rayon::prelude::*;

use self::{
    convolution::{Convolution, Sizes},
    matrix::{Into, Matrix, multiply},
};
use super::{Architecture, DIGITS, EngineError, HeadLayer, Network, Norm, Pool, host_values};

/// Images whose features go through the head together, so that its weights are read once.
const TOGETHER: usize = 16;

/// A network's layers, in the order in which an image passes them.
#[derive(Debug)]
pub(crate) struct HostNetwork {
    architecture: &'static Architecture,
    stages: Vec<HostStage>,
    head: Vec<HostLayer>,
}

#[derive(Debug)]
struct HostStage {
    sizes: Sizes,
    pool: Pool,
    convolution: Convolution,
    /// A scale and a shift a channel before the ReLU, and behind the pooling.
    before: Vec<[f32; 2]>,
    after: Option<Vec<[f32; 2]>>,
}

#[derive(Debug)]
enum HostLayer {
    Linear {
        /// `[inputs, outputs]`.
        weights: Vec<f32>,
        biases: Vec<f32>,
    },
    Relu,
}

/// The values of a stage that its backward pass needs.
#[derive(Default)]
struct Passed {
    convolved: Vec<f32>,
    winners: Vec<u8>,
}

/// Buffers that are kept from stage to stage.
#[derive(Default)]
struct Scratch {
    padded: Vec<f32>,
    row: Vec<f32>,
}

/// The scale and shift of each channel that normalise it by `mean` and `variance`, then apply
/// `gamma` and `beta`.
pub(crate) fn affine(
    [mean, variance]: [&[f32]; 2],
    [gamma, beta]: [&[f32]; 2],
    epsilon: f32,
) -> Vec<[f32; 2]> {
    let of_channel = mean.iter().zip(variance).zip(gamma.iter().zip(beta));
    of_channel
        .map(|((mean, variance), (gamma, beta))| {
            let scale = gamma / (variance + epsilon).sqrt();
            [scale, beta - mean * scale]
        })
        .collect()
}

/// A batch norm in inference, with its running statistics.
fn running_affine(norm: &BatchNorm) -> Result<Vec<[f32; 2]>, EngineError> {
    let mean = host_values(norm.running_mean.value_sync())?;
    let variance = host_values(norm.running_var.value_sync())?;
    let (gamma, beta) = (host_values(norm.gamma.val())?, host_values(norm.beta.val())?);
    Ok(affine([&mean, &variance], [&gamma, &beta], norm.epsilon as f32))
}

/// Scales and shifts each of an image's planes.
fn normalise(planes: &mut [f32], affine: &[[f32; 2]]) {
    let plane = planes.len() / affine.len();
    for (values, &[scale, shift]) in planes.chunks_exact_mut(plane).zip(affine) {
        values.iter_mut().for_each(|value| *value = scale * *value + shift);
    }
}

/// Scales each of an image's planes: the backward pass of [`normalise`].
fn scale(planes: &mut [f32], affine: &[[f32; 2]]) {
    let plane = planes.len() / affine.len();
    for (values, &[scale, _]) in planes.chunks_exact_mut(plane).zip(affine) {
        values.iter_mut().for_each(|value| *value *= scale);
    }
}

impl HostNetwork {
    /// Reads a network's weights back from its device, while waiting.
    ///
    /// # Errors
    /// [`EngineError`] when they cannot be read.
    pub(crate) fn of(net: &Network) -> Result<Self, EngineError> {
        let architecture = net.architecture();
        let mut channels_in = architecture.input.channels();
        let mut stages = Vec::with_capacity(net.stages.len());
        let declared = architecture.stages.iter().zip(architecture.sides());
        for ((stage, side), layers) in declared.zip(&net.stages) {
            let channels_out = stage.channels;
            let norm = layers.norm.as_ref().map(running_affine).transpose()?;
            let none = || vec![[1.0, 0.0]; channels_out];
            let (before, after) = match stage.norm {
                Norm::None => (none(), None),
                Norm::BeforeRelu => (norm.unwrap_or_else(none), None),
                Norm::AfterPool => (none(), norm),
            };
            stages.push(HostStage {
                sizes: Sizes { channels_in, channels_out, rows: side, columns: side },
                pool: stage.pool,
                convolution: Convolution::of(&layers.conv)?,
                before,
                after,
            });
            channels_in = channels_out;
        }
        let mut linears = net.linears.iter();
        let mut head = Vec::with_capacity(architecture.head.len());
        for layer in architecture.head {
            match *layer {
                HeadLayer::Linear(outputs) => {
                    let Some(linear) = linears.next() else { continue };
                    let weights = host_values(linear.weight.val())?;
                    let biases = match &linear.bias {
                        Some(bias) => host_values(bias.val())?,
                        None => vec![0.0; outputs],
                    };
                    head.push(HostLayer::Linear { weights, biases });
                }
                HeadLayer::Relu => head.push(HostLayer::Relu),
                // Only while training.
                HeadLayer::Dropout(_) => {}
            }
        }
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        let of_stage = |HostStage { convolution, .. }: &HostStage| {
            finite(&convolution.weights) && finite(&convolution.biases)
        };
        // Taking a maximum would hide values that are not numbers.
        if !stages.iter().all(of_stage) {
            return Err(EngineError::Numbers(format!(
                "some weights of {architecture} are not numbers"
            )));
        }
        Ok(HostNetwork { architecture, stages, head })
    }

    /// Logits `[n, 10]` of standardised inputs, one after the other; on all cores, if there are
    /// threads.
    pub(crate) fn logits(&self, inputs: &[f32]) -> Vec<f32> {
        let part = TOGETHER * self.architecture.input.len();
        #[cfg(feature = "native")]
        let parts = inputs.par_chunks(part);
        #[cfg(not(feature = "native"))]
        let parts = inputs.chunks(part);
        let logits: Vec<Vec<f32>> = parts.map(|images| self.logits_of(images)).collect();
        logits.concat()
    }

    fn logits_of(&self, images: &[f32]) -> Vec<f32> {
        let mut scratch = Scratch::default();
        let mut passed = Passed::default();
        let mut features = Vec::new();
        let images = images.chunks_exact(self.architecture.input.len());
        let count = images.len();
        for image in images {
            let mut below = image.to_vec();
            for stage in &self.stages {
                below = stage.read(&below, &mut scratch, &mut passed);
            }
            features.extend(below);
        }
        self.head(features, count, |_| {})
    }

    /// The head's outputs for `rows` rows of features; `see` is shown what each ReLU is given.
    fn head(&self, features: Vec<f32>, rows: usize, mut see: impl FnMut(&[f32])) -> Vec<f32> {
        let mut x = features;
        for layer in &self.head {
            match layer {
                HostLayer::Linear { weights, biases } => {
                    let mut out = biases.repeat(rows);
                    let inputs = Matrix::new(&x, rows, x.len() / rows.max(1));
                    let weights = Matrix::new(weights, x.len() / rows.max(1), biases.len());
                    multiply(&mut out, inputs, weights, Into::Add);
                    x = out;
                }
                HostLayer::Relu => {
                    see(&x);
                    x.iter_mut().for_each(|value| *value = value.max(0.0));
                }
            }
        }
        x
    }

    /// The gradients of some of the logits by the samples of one standardised input, one after
    /// the other, each as long as the input.
    ///
    /// # Errors
    /// [`EngineError`] when the input has another number of samples, or there is no such logit.
    pub(crate) fn input_gradients(
        &self,
        input: &[f32],
        digits: &[usize],
    ) -> Result<Vec<f32>, EngineError> {
        let samples = self.architecture.input.len();
        if input.len() != samples || digits.iter().any(|digit| *digit >= DIGITS) {
            return Err(EngineError::Input(format!(
                "no gradients of digits {digits:?} by {} samples: {} has {DIGITS} digits and \
                 {samples} samples",
                input.len(),
                self.architecture
            )));
        }
        let mut scratch = Scratch::default();
        let mut below = input.to_vec();
        let mut stages = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            let mut passed = Passed::default();
            below = stage.forward(&below, &mut scratch, &mut passed);
            stages.push((stage, passed));
        }
        let mut into_relus: Vec<Vec<f32>> = Vec::new();
        self.head(below, 1, |values| into_relus.push(values.to_vec()));

        let mut gradients: Vec<f32> = digits
            .iter()
            .flat_map(|digit| (0..DIGITS).map(move |logit| f32::from(logit == *digit)))
            .collect();
        for layer in self.head.iter().rev() {
            match layer {
                HostLayer::Linear { weights, biases } => {
                    let inputs = weights.len() / biases.len();
                    let turned = Matrix::new(weights, inputs, biases.len()).transposed();
                    let outputs = Matrix::new(&gradients, digits.len(), biases.len());
                    let mut below = vec![0.0; digits.len() * inputs];
                    multiply(&mut below, outputs, turned, Into::Replace);
                    gradients = below;
                }
                HostLayer::Relu => {
                    let given = into_relus.pop().unwrap_or_default();
                    for (gradient, given) in gradients.iter_mut().zip(given.iter().cycle()) {
                        *gradient = if *given > 0.0 { *gradient } else { 0.0 };
                    }
                }
            }
        }
        for (stage, passed) in stages.iter().rev() {
            let outputs = gradients.len() / digits.len().max(1);
            let of_digits = gradients.chunks_exact_mut(outputs);
            gradients =
                of_digits.flat_map(|g| stage.input_gradient(g, passed, &mut scratch)).collect();
        }
        Ok(gradients)
    }
}

impl HostStage {
    /// Values of one image's outputs.
    fn outputs(&self) -> usize {
        let side = self.pool.output_side(self.sizes.rows);
        self.sizes.channels_out * side * side
    }

    fn convolve(&self, image: &[f32], scratch: &mut Scratch, convolved: &mut Vec<f32>) {
        convolved.resize(self.sizes.channels_out * self.sizes.plane(), 0.0);
        self.convolution.forward(image, self.sizes.size(), &mut scratch.padded, convolved);
    }

    /// One image's outputs, from its `channels_in * side * side` inputs, without values for a
    /// backward pass.
    fn read(&self, image: &[f32], scratch: &mut Scratch, passed: &mut Passed) -> Vec<f32> {
        if self.pool != Pool::Max2 {
            return self.forward(image, scratch, passed);
        }
        self.convolve(image, scratch, &mut passed.convolved);
        let mut pooled = vec![0.0; self.outputs()];
        let (side, row) = (self.sizes.rows, &mut scratch.row);
        pooling::largest_of_four(&passed.convolved, side, &self.before, row, &mut pooled);
        if let Some(after) = &self.after {
            normalise(&mut pooled, after);
        }
        pooled
    }

    /// One image's outputs, and the values that the backward pass needs.
    fn forward(&self, image: &[f32], scratch: &mut Scratch, passed: &mut Passed) -> Vec<f32> {
        self.convolve(image, scratch, &mut passed.convolved);
        let (side, convolved) = (self.sizes.rows, &passed.convolved);
        let mut pooled = vec![0.0; self.outputs()];
        passed.winners.resize(pooled.len(), 0);
        let winners = &mut passed.winners;
        pooling::forward(convolved, side, self.pool, &self.before, &mut pooled, winners);
        if let Some(after) = &self.after {
            normalise(&mut pooled, after);
        }
        pooled
    }

    /// The gradient of the inputs, from that of the outputs, which is used up.
    fn input_gradient(
        &self,
        outputs: &mut [f32],
        passed: &Passed,
        scratch: &mut Scratch,
    ) -> Vec<f32> {
        let Sizes { channels_in, rows: side, .. } = self.sizes;
        if let Some(after) = &self.after {
            scale(outputs, after);
        }
        let Passed { convolved, winners } = passed;
        let mut gradient = vec![0.0; convolved.len()];
        let before = &self.before;
        pooling::backward(convolved, side, self.pool, before, winners, outputs, &mut gradient);
        scale(&mut gradient, before);
        let mut inputs = vec![0.0; channels_in * self.sizes.plane()];
        let reversed = self.convolution.reversed();
        reversed.forward(&gradient, self.sizes.size(), &mut scratch.padded, &mut inputs);
        inputs
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        module::Module as _,
        tensor::{Device, Tensor, TensorData},
    };

    use super::*;
    use crate::classifier::seeded;

    #[test]
    fn logits_are_those_of_burns_tensors() {
        let device = Device::flex();
        for architecture in Architecture::ALL {
            let net = seeded(Network::new(architecture, &device), 7).valid();
            // Statistics of their own, not the ones that every network starts with.
            for norm in net.stages.iter().filter_map(|layers| layers.norm.as_ref()) {
                let channels = norm.gamma.dims()[0];
                let values = |start: f32, step: f32| {
                    let values: Vec<f32> = (0..channels).map(|i| start + step * i as f32).collect();
                    Tensor::<1>::from_floats(values.as_slice(), &device)
                };
                norm.running_mean.update(values(0.0, 1.0 / channels as f32));
                norm.running_var.update(values(1.0, 0.1));
            }
            let shape = architecture.input;
            // More than go through the head together, and not a multiple of it.
            let images = TOGETHER + 3;
            let inputs: Vec<f32> = (0..(images * shape.len()) as u32)
                .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0)
                .collect();
            let ours = HostNetwork::of(&net).expect("the CPU's weights").logits(&inputs);
            let shape = [images, shape.channels(), shape.side, shape.side];
            let inputs: Tensor<4> = Tensor::from_data(TensorData::new(inputs, shape), &device);
            let burns = host_values(net.forward(inputs)).expect("the CPU computes");
            assert_eq!(ours.len(), burns.len());
            let largest = burns.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            for (ours, burns) in ours.iter().zip(&burns) {
                let name = architecture.name;
                assert!((ours - burns).abs() < 1e-4 * largest, "{name}: {ours}, not {burns}");
            }
        }
    }
}
