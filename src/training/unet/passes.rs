//! Forward and backward passes of [`UNet`] on this machine's processor, one input per thread, with
//! the convolutions of the classifiers' passes.

use rayon::prelude::*;

use crate::{
    classifier::{EngineError, host::convolution::Convolution},
    unet::{Activations, HostUNet, UNet, sizes},
};

/// Inputs whose gradients are summed up before the sums are added: a constant, so that the order
/// of the additions does not depend on the number of threads.
const GROUP: usize = 4;

/// The network's weights on the host, for inputs of `side` rows and columns.
pub(in super::super) struct Passes {
    net: HostUNet,
    /// What takes each convolution's output's gradient to its input's.
    reversed: Vec<Convolution>,
    side: usize,
}

/// The sums of losses and gradients over inputs.
pub(super) struct Sums {
    pub(super) loss: f64,
    /// Of each convolution's weights and biases.
    pub(super) gradients: Vec<[Vec<f32>; 2]>,
}

impl Sums {
    fn zero(net: &HostUNet) -> Self {
        let gradients = net.layers.iter();
        let gradients = gradients
            .map(|layer| [&layer.weights, &layer.biases].map(|values| vec![0.0; values.len()]));
        Sums { loss: 0.0, gradients: gradients.collect() }
    }

    fn add(&mut self, other: &Sums) {
        self.loss += other.loss;
        for (sums, parts) in self.gradients.iter_mut().zip(&other.gradients) {
            for (sums, parts) in sums.iter_mut().zip(parts) {
                sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
            }
        }
    }
}

impl Passes {
    /// The passes of `net` for inputs of this many rows and columns, a multiple of 4.
    ///
    /// # Errors
    /// [`EngineError`] when the weights cannot be read.
    pub(in super::super) fn new(net: &UNet, side: usize) -> Result<Self, EngineError> {
        let net = HostUNet::of(net)?;
        let reversed = net.layers.iter().map(Convolution::reversed).collect();
        Ok(Passes { net, reversed, side })
    }

    /// Rows and columns of the inputs.
    pub(super) fn side(&self) -> usize {
        self.side
    }

    /// The outputs of one input.
    pub(in super::super) fn outputs(&self, cells: &[f32]) -> Vec<f32> {
        self.net.outputs(cells, [self.side; 2])
    }

    /// Sums up `loss` over `inputs`, each `[inputs, side, side]`, and its gradients. It is given an
    /// input's number and outputs `[outputs, side, side]`, and gives its value and its gradient by
    /// them.
    pub(super) fn sums(
        &self,
        inputs: &[&[f32]],
        loss: impl Fn(usize, &[f32]) -> (f64, Vec<f32>) + Sync,
    ) -> Sums {
        let parts: Vec<Sums> = inputs
            .par_chunks(GROUP)
            .enumerate()
            .map(|(group, cells)| {
                let mut sums = Sums::zero(&self.net);
                let mut scratch = Vec::new();
                for (i, cells) in cells.iter().enumerate() {
                    let loss = |odds: &[f32]| loss(group * GROUP + i, odds);
                    self.add_input(cells, loss, &mut scratch, &mut sums);
                }
                sums
            })
            .collect();
        let mut total = Sums::zero(&self.net);
        parts.iter().for_each(|part| total.add(part));
        total
    }

    fn add_input(
        &self,
        cells: &[f32],
        loss: impl Fn(&[f32]) -> (f64, Vec<f32>),
        scratch: &mut Vec<f32>,
        sums: &mut Sums,
    ) {
        let Activations { outputs, inputs } = self.net.forward(cells, [self.side; 2], scratch);
        let [pooled_full, pooled_half, sum_half, sum_full] = &inputs;
        let (loss, gradient) = loss(&outputs[9]);
        sums.loss += loss;
        let mut back = |i: usize, input: &[f32], gradient: &[f32]| {
            self.back(i, input, gradient, scratch, &mut sums.gradients[i])
        };
        let [full, half, quarter] = [self.side, self.side / 2, self.side / 4];
        let gradient = through_relu(back(9, &outputs[8], &gradient), &outputs[8]);
        let of_sum_full = back(8, sum_full, &gradient);
        let gradient = through_relu(halved(&of_sum_full, full), &outputs[7]);
        let of_sum_half = back(7, sum_half, &gradient);
        let gradient = through_relu(halved(&of_sum_half, half), &outputs[6]);
        let gradient = through_relu(back(6, &outputs[5], &gradient), &outputs[5]);
        let gradient = through_relu(back(5, &outputs[4], &gradient), &outputs[4]);
        let gradient = back(4, pooled_half, &gradient);
        let mut of_half = of_sum_half;
        unpooled_onto(&gradient, &outputs[3], pooled_half, quarter, &mut of_half);
        let gradient = through_relu(of_half, &outputs[3]);
        let gradient = through_relu(back(3, &outputs[2], &gradient), &outputs[2]);
        let gradient = back(2, pooled_full, &gradient);
        let mut of_full = of_sum_full;
        unpooled_onto(&gradient, &outputs[1], pooled_full, half, &mut of_full);
        let gradient = through_relu(of_full, &outputs[1]);
        let gradient = through_relu(back(1, &outputs[0], &gradient), &outputs[0]);
        // The gradient of the input is not needed.
        self.back_to_weights(0, cells, &gradient, scratch, &mut sums.gradients[0]);
    }

    /// Adds the gradients of a convolution's weights and biases.
    fn back_to_weights(
        &self,
        i: usize,
        input: &[f32],
        gradient: &[f32],
        scratch: &mut Vec<f32>,
        [of_weights, of_biases]: &mut [Vec<f32>; 2],
    ) {
        let sizes = sizes(&self.net.layers, i, [self.side; 2]);
        let layer = &self.net.layers[i];
        layer.add_weight_gradient(input, gradient, sizes.size(), scratch, of_weights);
        for (sum, plane) in of_biases.iter_mut().zip(gradient.chunks_exact(sizes.plane())) {
            *sum += plane.iter().sum::<f32>();
        }
    }

    /// The same, and the gradient of the convolution's input.
    fn back(
        &self,
        i: usize,
        input: &[f32],
        gradient: &[f32],
        scratch: &mut Vec<f32>,
        sums: &mut [Vec<f32>; 2],
    ) -> Vec<f32> {
        self.back_to_weights(i, input, gradient, scratch, sums);
        let sizes = sizes(&self.net.layers, i, [self.side; 2]);
        let mut of_input = vec![0.0; input.len()];
        self.reversed[i].forward(gradient, sizes.size(), scratch, &mut of_input);
        of_input
    }
}

/// The four values of planes of `2 * columns` columns for position `i` of planes of `columns`
/// columns. Planes have an even number of rows, so several planes can be treated as one.
fn square(i: usize, columns: usize) -> [usize; 4] {
    let at = 4 * columns * (i / columns) + 2 * (i % columns);
    [at, at + 1, at + 2 * columns, at + 2 * columns + 1]
}

/// Gives the pooled values' gradient, of `side` columns, to the first of the largest each.
fn unpooled_onto(gradient: &[f32], input: &[f32], pooled: &[f32], side: usize, onto: &mut [f32]) {
    for (i, (gradient, largest)) in gradient.iter().zip(pooled).enumerate() {
        if let Some(at) = square(i, side).into_iter().find(|&at| input[at] == *largest) {
            onto[at] += gradient;
        }
    }
}

/// The sum of each square of four; `side` is the input's.
fn halved(input: &[f32], side: usize) -> Vec<f32> {
    let sum = |i| square(i, side / 2).into_iter().map(|at| input[at]).sum();
    (0..input.len() / 4).map(sum).collect()
}

/// A gradient before a ReLU, from the one behind it and the ReLU's outputs.
fn through_relu(mut gradient: Vec<f32>, outputs: &[f32]) -> Vec<f32> {
    for (gradient, output) in gradient.iter_mut().zip(outputs) {
        if *output <= 0.0 {
            *gradient = 0.0;
        }
    }
    gradient
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};

    use super::*;
    use crate::{
        classifier::{host_values, seeded},
        unet::Shape,
    };

    #[test]
    fn the_passes_are_those_of_burns_autodiff() {
        let device = Device::flex().autodiff();
        let shape = Shape { name: "a", inputs: 20, widths: [24, 40, 72], outputs: 8 };
        let net = seeded(UNet::new(&shape, &device), 5);
        let side = 8;
        let mut state = 1u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 24) as f32
        };
        let cells: Vec<f32> = (0..2 * 20 * side * side).map(|_| 2.0 * next() - 1.0).collect();
        let target: Vec<f32> = (0..2 * 8 * side * side).map(|_| next()).collect();

        let tensor = |values: &[f32], channels: usize| -> Tensor<4> {
            let shape = [2, channels, side, side];
            Tensor::from_data(TensorData::new(values.to_vec(), shape), &device)
        };
        let odds = net.forward(tensor(&cells, 20));
        let loss = (odds.clone() - tensor(&target, 8)).square().sum();
        let gradients = loss.backward();

        let passes = Passes::new(&net, side).expect("weights");
        let inputs: Vec<&[f32]> = cells.chunks(20 * side * side).collect();
        let targets: Vec<&[f32]> = target.chunks(8 * side * side).collect();
        let ours = passes.sums(&inputs, |i, odds: &[f32]| {
            let misses = || odds.iter().zip(targets[i]).map(|(odds, target)| odds - target);
            let loss = misses().map(|miss| f64::from(miss * miss)).sum();
            (loss, misses().map(|miss| 2.0 * miss).collect())
        });
        let close = |ours: &[f32], burns: &[f32], what: &str| {
            assert_eq!(ours.len(), burns.len(), "{what}");
            let largest = burns.iter().fold(0.0f32, |most, value| most.max(value.abs()));
            assert!(largest > 0.0, "{what}");
            for (ours, burns) in ours.iter().zip(burns) {
                assert!((ours - burns).abs() < 1e-4 * largest, "{what}: {ours} {burns}");
            }
        };
        close(&passes.outputs(inputs[0]), &host_values(odds).expect("read")[..512], "odds");
        let burns = loss.into_scalar::<f32>();
        assert!((ours.loss - f64::from(burns)).abs() < 1e-4 * f64::from(burns), "{}", ours.loss);
        for (i, (conv, [of_weights, of_biases])) in
            net.convolutions.iter().zip(&ours.gradients).enumerate()
        {
            let burns = conv.weight.grad(&gradients).expect("a gradient");
            close(of_weights, &host_values(burns).expect("read"), &format!("weights {i}"));
            let bias = conv.bias.as_ref().expect("biases");
            let burns = bias.grad(&gradients).expect("a gradient");
            close(of_biases, &host_values(burns).expect("read"), &format!("biases {i}"));
        }
    }
}
