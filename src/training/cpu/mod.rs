//! Forward and backward passes of a network on this machine's processor.
//!
//! Burn's autodiff builds a graph of general tensor operations, each of which allocates memory for
//! its result and passes over all images. The declared networks have few kinds of layers, so here
//! their passes are written out: each thread computes one image at a time, whose data stay in the
//! cache, and all buffers are kept from step to step. The results are gradients of Burn's
//! parameters, for Burn's optimisers; tests compare them with Burn's autodiff. Sums are taken in a
//! fixed order, so the number of threads does not change the result.

mod head;
mod norm;

use std::cell::RefCell;

use burn::{
    module::Param,
    nn::BatchNorm,
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use self::{head::Head, norm::Statistics};
use crate::classifier::{
    Architecture, EngineError, Network, Norm, Pool,
    host::{
        convolution::{Convolution, Sizes},
        pooling,
    },
    host_values,
};

/// Images whose part of a weights' gradient is summed up before the sums are added: a constant,
/// so that the order of the additions does not depend on the number of threads.
const GROUP: usize = 4;

thread_local! {
    /// One image in the form that a convolution reads. It is kept, because allocating it again
    /// costs page faults.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// A network's buffers for one batch at a time.
#[derive(Debug)]
pub(super) struct CpuEngine {
    stages: Vec<StageBuffers>,
    head: Head,
}

/// What one step on a batch gives.
#[derive(Debug)]
pub(super) struct Step {
    /// The batch's mean loss.
    pub(super) loss: f32,
    /// The gradients of all weights.
    pub(super) gradients: GradientsParams,
}

#[derive(Debug)]
struct StageBuffers {
    sizes: Sizes,
    pool: Pool,
    norm: Norm,
    /// The convolution's outputs, then the pooling's, then the norm's, if that comes last.
    convolved: Vec<f32>,
    pooled: Vec<f32>,
    normed: Vec<f32>,
    winners: Vec<u8>,
    statistics: Statistics,
    affine: Vec<[f32; 2]>,
    /// Gradients of the pooled outputs and of the convolution's.
    pooled_gradient: Vec<f32>,
    convolved_gradient: Vec<f32>,
}

/// A stage's weights on the host.
struct StageWeights {
    convolution: Convolution,
    norm: Option<[Vec<f32>; 2]>,
}

impl CpuEngine {
    /// Buffers for networks of this architecture.
    pub(super) fn new(architecture: &'static Architecture) -> Self {
        let mut channels_in = architecture.input.channels();
        let stages = architecture
            .stages
            .iter()
            .zip(architecture.sides())
            .map(|(stage, side)| {
                let sizes =
                    Sizes { channels_in, channels_out: stage.channels, rows: side, columns: side };
                channels_in = stage.channels;
                StageBuffers {
                    sizes,
                    pool: stage.pool,
                    norm: stage.norm,
                    convolved: Vec::new(),
                    pooled: Vec::new(),
                    normed: Vec::new(),
                    winners: Vec::new(),
                    statistics: Statistics::default(),
                    affine: Vec::new(),
                    pooled_gradient: Vec::new(),
                    convolved_gradient: Vec::new(),
                }
            })
            .collect();
        CpuEngine { stages, head: Head::new(architecture) }
    }

    /// The mean loss of standardised `inputs` (one after the other) for `targets` `[n, 10]`, and
    /// the gradients. It also updates the network's running statistics; dropout draws from `rng`.
    ///
    /// # Errors
    /// [`EngineError`] when the weights cannot be read; `net` lives on the CPU.
    pub(super) fn step(
        &mut self,
        net: &Network,
        inputs: &[f32],
        targets: &[f32],
        rng: &mut ChaCha8Rng,
    ) -> Result<Step, EngineError> {
        let weights: Vec<StageWeights> =
            net.stages.iter().map(StageWeights::of).collect::<Result<_, _>>()?;
        let mut below = inputs;
        for ((buffers, weights), layers) in self.stages.iter_mut().zip(&weights).zip(&net.stages) {
            buffers.forward(below, weights, layers.norm.as_ref());
            if let Some(norm) = &layers.norm {
                keep_running(norm, &buffers.statistics)?;
            }
            below = buffers.outputs();
        }
        let mut gradients = GradientsParams::new();
        let (loss, mut gradient) = self.head.step(net, below, targets, rng, &mut gradients)?;
        for (i, layers) in net.stages.iter().enumerate().rev() {
            let (earlier, rest) = self.stages.split_at_mut(i);
            let (Some(buffers), Some(weights)) = (rest.first_mut(), weights.get(i)) else {
                continue;
            };
            let input = earlier.last().map_or(inputs, StageBuffers::outputs);
            let epsilon = layers.norm.as_ref().map_or(0.0, |norm| norm.epsilon as f32);
            if let (Some(found), Some(norm)) =
                (buffers.back_to_convolution(gradient, weights, epsilon), &layers.norm)
            {
                register(&mut gradients, &norm.gamma, found.gamma);
                register(&mut gradients, &norm.beta, found.beta);
            }
            let (of_weights, of_biases) = buffers.weight_gradients(input, &weights.convolution);
            register(&mut gradients, &layers.conv.weight, of_weights);
            if let Some(bias) = &layers.conv.bias {
                register(&mut gradients, bias, of_biases);
            }
            gradient = if i > 0 { buffers.input_gradient(weights) } else { Vec::new() };
        }
        Ok(Step { loss, gradients })
    }
}

/// Hands a gradient computed here to Burn's optimisers, as a plain tensor of the weight's shape.
pub(super) fn register<const D: usize>(
    gradients: &mut GradientsParams,
    weight: &Param<Tensor<D>>,
    values: Vec<f32>,
) {
    let shape = weight.val().dims();
    let tensor = Tensor::<D>::from_data(TensorData::new(values, shape), &Device::flex());
    gradients.register(weight.id, tensor);
}

impl StageWeights {
    fn of(layers: &crate::classifier::StageLayers) -> Result<Self, EngineError> {
        let norm = match &layers.norm {
            Some(norm) => Some([host_values(norm.gamma.val())?, host_values(norm.beta.val())?]),
            None => None,
        };
        Ok(StageWeights { convolution: Convolution::of(&layers.conv)?, norm })
    }
}

impl StageBuffers {
    fn outputs(&self) -> &[f32] {
        if self.norm == Norm::AfterPool { &self.normed } else { &self.pooled }
    }

    /// Values of one image: of the input, of the convolution's output, and of the pooled output.
    fn image_sizes(&self) -> [usize; 3] {
        let sizes = &self.sizes;
        let pooled_side = self.pool.output_side(sizes.rows);
        [
            sizes.channels_in * sizes.plane(),
            sizes.channels_out * sizes.plane(),
            sizes.channels_out * pooled_side * pooled_side,
        ]
    }

    fn forward(&mut self, inputs: &[f32], weights: &StageWeights, norm: Option<&BatchNorm>) {
        let [of_input, of_convolved, of_pooled] = self.image_sizes();
        let images = inputs.len() / of_input;
        let (sizes, pool) = (self.sizes, self.pool);
        let channels = sizes.channels_out;
        self.convolved.resize(images * of_convolved, 0.0);
        self.pooled.resize(images * of_pooled, 0.0);
        self.winners.resize(images * of_pooled, 0);
        self.convolved
            .par_chunks_exact_mut(of_convolved)
            .zip(inputs.par_chunks_exact(of_input))
            .for_each(|(out, image)| {
                SCRATCH.with_borrow_mut(|scratch| {
                    weights.convolution.forward(image, sizes.size(), scratch, out);
                });
            });
        self.affine = vec![[1.0, 0.0]; channels];
        let epsilon = norm.map_or(0.0, |norm| norm.epsilon as f32);
        if let (Norm::BeforeRelu, Some([gamma, beta])) = (self.norm, &weights.norm) {
            self.statistics = norm::statistics(&self.convolved, channels, sizes.plane());
            self.affine = self.statistics.affine(gamma, beta, epsilon);
        }
        let affine = &self.affine;
        self.pooled
            .par_chunks_exact_mut(of_pooled)
            .zip(self.winners.par_chunks_exact_mut(of_pooled))
            .zip(self.convolved.par_chunks_exact(of_convolved))
            .for_each(|((out, winners), image)| {
                pooling::forward(image, sizes.rows, pool, affine, out, winners);
            });
        if let (Norm::AfterPool, Some([gamma, beta])) = (self.norm, &weights.norm) {
            let plane = of_pooled / channels;
            self.statistics = norm::statistics(&self.pooled, channels, plane);
            let affine = self.statistics.affine(gamma, beta, epsilon);
            self.normed.clone_from(&self.pooled);
            for (i, plane) in self.normed.chunks_exact_mut(plane).enumerate() {
                let [scale, shift] = affine[i % channels];
                plane.iter_mut().for_each(|value| *value = scale * *value + shift);
            }
        }
    }

    /// Takes the outputs' gradient back to the convolution's outputs; gives that of the norm.
    fn back_to_convolution(
        &mut self,
        outputs_gradient: Vec<f32>,
        weights: &StageWeights,
        epsilon: f32,
    ) -> Option<norm::Gradients> {
        let [_, of_convolved, of_pooled] = self.image_sizes();
        let (sizes, pool) = (self.sizes, self.pool);
        self.pooled_gradient = outputs_gradient;
        let gamma = weights.norm.as_ref().map(|[gamma, _]| gamma);
        let mut of_norm = None;
        if let (Norm::AfterPool, Some(gamma)) = (self.norm, gamma) {
            let plane = of_pooled / sizes.channels_out;
            let gradient = &mut self.pooled_gradient;
            let found =
                norm::backward(&self.pooled, gradient, plane, &self.statistics, gamma, epsilon);
            of_norm = Some(found);
        }
        self.convolved_gradient.resize(self.convolved.len(), 0.0);
        let affine = &self.affine;
        self.convolved_gradient
            .par_chunks_exact_mut(of_convolved)
            .zip(self.convolved.par_chunks_exact(of_convolved))
            .zip(self.winners.par_chunks_exact(of_pooled))
            .zip(self.pooled_gradient.par_chunks_exact(of_pooled))
            .for_each(|(((gradient, image), winners), outputs)| {
                pooling::backward(image, sizes.rows, pool, affine, winners, outputs, gradient);
            });
        if let (Norm::BeforeRelu, Some(gamma)) = (self.norm, gamma) {
            let gradient = &mut self.convolved_gradient;
            let (values, plane) = (&self.convolved, sizes.plane());
            of_norm =
                Some(norm::backward(values, gradient, plane, &self.statistics, gamma, epsilon));
        }
        of_norm
    }

    /// Gradients of the convolution's weights and biases.
    fn weight_gradients(&self, inputs: &[f32], layer: &Convolution) -> (Vec<f32>, Vec<f32>) {
        let [of_input, of_convolved, _] = self.image_sizes();
        let sizes = self.sizes;
        let groups: Vec<(Vec<f32>, Vec<f32>)> = inputs
            .par_chunks(GROUP * of_input)
            .zip(self.convolved_gradient.par_chunks(GROUP * of_convolved))
            .map(|(inputs, gradients)| {
                let mut of_weights = vec![0.0; layer.weights.len()];
                let mut of_biases = vec![0.0; sizes.channels_out];
                let images = inputs.chunks_exact(of_input);
                for (image, gradient) in images.zip(gradients.chunks_exact(of_convolved)) {
                    SCRATCH.with_borrow_mut(|scratch| {
                        let (size, sum) = (sizes.size(), &mut of_weights);
                        layer.add_weight_gradient(image, gradient, size, scratch, sum);
                    });
                    for (sum, plane) in of_biases.iter_mut().zip(gradient.chunks(sizes.plane())) {
                        *sum += plane.iter().sum::<f32>();
                    }
                }
                (of_weights, of_biases)
            })
            .collect();
        let mut total = (vec![0.0; layer.weights.len()], vec![0.0; sizes.channels_out]);
        for (of_weights, of_biases) in &groups {
            total.0.iter_mut().zip(of_weights).for_each(|(sum, part)| *sum += part);
            total.1.iter_mut().zip(of_biases).for_each(|(sum, part)| *sum += part);
        }
        total
    }

    /// Gradient of the stage's inputs.
    fn input_gradient(&self, weights: &StageWeights) -> Vec<f32> {
        let [of_input, of_convolved, _] = self.image_sizes();
        let sizes = self.sizes;
        let reversed = weights.convolution.reversed();
        let images = self.convolved_gradient.len() / of_convolved;
        let mut gradient = vec![0.0; images * of_input];
        gradient
            .par_chunks_exact_mut(of_input)
            .zip(self.convolved_gradient.par_chunks_exact(of_convolved))
            .for_each(|(gradient, outputs)| {
                SCRATCH.with_borrow_mut(|scratch| {
                    reversed.forward(outputs, sizes.size(), scratch, gradient);
                });
            });
        gradient
    }
}

/// Takes a batch's statistics into the running ones, as Burn's batch norm does.
///
/// On the host: autodiff would record each tensor operation until a backward pass, and there is
/// none.
fn keep_running(norm: &BatchNorm, statistics: &Statistics) -> Result<(), EngineError> {
    let share = norm.momentum as f32;
    for (state, of_batch) in
        [(&norm.running_mean, &statistics.mean), (&norm.running_var, &statistics.variance)]
    {
        let running = state.value_sync();
        let device = running.device();
        let mut values = host_values(running)?;
        for (value, of_batch) in values.iter_mut().zip(of_batch) {
            *value = *value * (1.0 - share) + of_batch * share;
        }
        state.update(Tensor::from_floats(values.as_slice(), &device));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use burn::{
        module::Module as _,
        nn::loss::CrossEntropyLossConfig,
        tensor::{Int, TensorData},
    };
    use rand::{Rng as _, SeedableRng as _};

    use super::{super::targets, *};
    use crate::classifier::{HeadLayer, seeded};

    /// A network without dropout, which no two engines draw alike.
    fn without_dropout(architecture: &'static Architecture) -> &'static Architecture {
        let kept = |layer: &&HeadLayer| !matches!(layer, HeadLayer::Dropout(_));
        let head: Vec<HeadLayer> = architecture.head.iter().filter(kept).copied().collect();
        Box::leak(Box::new(Architecture { head: head.leak(), ..*architecture }))
    }

    /// How far gradients may differ, relative to the largest. Where rounding makes another of two values the
    /// larger one, or one positive, a gradient jumps; rounding grows from norm to norm, so that deep
    /// networks have some of these. A wrong gradient would be off by far more.
    fn most(architecture: &Architecture) -> f32 {
        if architecture.stages.len() > 4 { 2e-2 } else { 1e-3 }
    }

    fn close(ours: &[f32], burns: &[f32], most: f32, what: &str) {
        assert_eq!(ours.len(), burns.len(), "{what}");
        // Relative to the largest: single values may be sums that cancel out.
        let largest = burns.iter().fold(1e-3f32, |largest, value| largest.max(value.abs()));
        for (ours, burns) in ours.iter().zip(burns) {
            let error = (ours - burns).abs() / largest;
            assert!(error < most, "{what}: {ours} instead of {burns} (largest {largest})");
        }
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        host_values(tensor).expect("the CPU reads its own tensors")
    }

    #[test]
    fn losses_and_gradients_are_those_of_burns_autodiff() {
        for architecture in Architecture::ALL {
            let architecture = without_dropout(architecture);
            let name = architecture.name;
            let input = architecture.input;
            let device = Device::flex().autodiff();
            let net = seeded(Network::new(architecture, &device), 3);
            let mut rng = ChaCha8Rng::seed_from_u64(4);
            // Not a multiple of the group, so that the last one is shorter.
            let images = 6;
            let inputs: Vec<f32> =
                (0..images * input.len()).map(|_| rng.random_range(-1.0..1.0)).collect();
            let digits: Vec<u8> = (0..images as u8).map(|i| i * 3 % 10).collect();

            let twin = net.clone().fork(&device);
            let mut engine = CpuEngine::new(architecture);
            let targets = targets::of_digits(&digits, 0.1);
            let step = engine.step(&net, &inputs, &targets, &mut rng).expect("a step");

            let shape = [images, input.channels(), input.side, input.side];
            let labels: Vec<i32> = digits.iter().map(|&digit| i32::from(digit)).collect();
            let labels: Tensor<1, Int> =
                Tensor::from_data(TensorData::new(labels, [images]), &device);
            let inputs: Tensor<4> = Tensor::from_data(TensorData::new(inputs, shape), &device);
            let loss = CrossEntropyLossConfig::new()
                .with_smoothing(Some(0.1))
                .init(&device)
                .forward(twin.forward(inputs), labels);
            close(&[step.loss], &values(loss.clone().reshape([1])), 1e-3, &format!("{name}: loss"));
            let most = most(architecture);
            let burns = GradientsParams::from_grads(loss.backward(), &twin);
            let ours = &step.gradients;
            for (i, (layers, twin)) in net.stages.iter().zip(&twin.stages).enumerate() {
                let what = |part: &str| format!("{name}: stage {i}: {part}");
                compare(
                    ours,
                    &burns,
                    &layers.conv.weight,
                    &twin.conv.weight,
                    most,
                    &what("weights"),
                );
                if let (Some(norm), Some(twin)) = (&layers.norm, &twin.norm) {
                    compare(ours, &burns, &norm.gamma, &twin.gamma, most, &what("gamma"));
                    compare(ours, &burns, &norm.beta, &twin.beta, most, &what("beta"));
                    let running = |norm: &BatchNorm| {
                        [values(norm.running_mean.value()), values(norm.running_var.value())]
                    };
                    for (ours, burns) in running(norm).iter().zip(&running(twin)) {
                        close(ours, burns, 1e-3, &what("running statistics"));
                    }
                } else if let (Some(ours_of), Some(twins)) = (&layers.conv.bias, &twin.conv.bias) {
                    // A bias before a norm has no effect: its gradient is rounding alone.
                    compare(ours, &burns, ours_of, twins, most, &what("biases"));
                }
            }
            for (i, (linear, twin)) in net.linears.iter().zip(&twin.linears).enumerate() {
                let what = |part: &str| format!("{name}: linear {i}: {part}");
                compare(ours, &burns, &linear.weight, &twin.weight, most, &what("weights"));
                if let (Some(bias), Some(twin)) = (&linear.bias, &twin.bias) {
                    compare(ours, &burns, bias, twin, most, &what("biases"));
                }
            }
        }
    }

    fn compare<const D: usize>(
        ours: &GradientsParams,
        burns: &GradientsParams,
        weight: &Param<Tensor<D>>,
        twin: &Param<Tensor<D>>,
        most: f32,
        what: &str,
    ) {
        let gradient = |gradients: &GradientsParams, weight: &Param<Tensor<D>>| {
            values(gradients.get::<D>(weight.id).expect("a gradient for each weight"))
        };
        close(&gradient(ours, weight), &gradient(burns, twin), most, what);
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let architecture = Architecture::named("Caffe").expect("a network");
        let device = Device::flex().autodiff();
        let inputs: Vec<f32> = (0..9 * architecture.input.len())
            .map(|i| ((i * 7919) % 1009) as f32 / 504.5 - 1.0)
            .collect();
        let targets = targets::of_digits(&[0, 1, 2, 3, 4, 5, 6, 7, 8], 0.0);
        let start = seeded(Network::new(architecture, &device), 5);
        let with = |threads: usize| {
            let net = start.clone().fork(&device);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let mut rng = ChaCha8Rng::seed_from_u64(4);
            let mut engine = CpuEngine::new(architecture);
            let step = pool
                .expect("a pool of threads")
                .install(|| engine.step(&net, &inputs, &targets, &mut rng))
                .expect("a step");
            let of_first = step.gradients.get::<4>(net.stages[0].conv.weight.id);
            (step.loss, values(of_first.expect("a gradient")))
        };
        assert!(with(1) == with(3));
    }
}
