//! One step's loss and gradients, on this machine's processor or on other devices.

use burn::{
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};
use rayon::prelude::*;

use super::{
    super::{
        cpu::{Step, register},
        data_parallel::{data_parallel_step, on_host},
    },
    passes::{Passes, Sums},
};
use crate::{
    classifier::{EngineError, host_values},
    unet::UNet,
};

/// Where steps are computed. The loss by the network's outputs is the host's in any case.
pub(in super::super) enum Engine {
    /// On this machine's processor, by passes of our own.
    Host,
    /// By Burn's autodiff, each device taking its share of the inputs.
    Burn { devices: Vec<Device> },
}

impl Engine {
    /// An engine on `devices`, the first of which holds the network.
    pub(in super::super) fn new(devices: &[Device]) -> Self {
        if on_host(devices) { Engine::Host } else { Engine::burn(devices) }
    }

    /// Burn's autodiff on `devices`.
    fn burn(devices: &[Device]) -> Self {
        Engine::Burn { devices: devices.iter().map(|device| device.clone().autodiff()).collect() }
    }

    /// The sum of `loss` over a batch of inputs, and the gradients; `passes` are those of `net`. The
    /// loss is given an input's number and outputs, and gives its value and its gradient by them.
    pub(in super::super) fn step(
        &self,
        net: &UNet,
        passes: &Passes,
        inputs: &[&[f32]],
        loss: impl Fn(usize, &[f32]) -> (f64, Vec<f32>) + Sync,
    ) -> Result<Step, EngineError> {
        match self {
            Engine::Host => {
                let sums = passes.sums(inputs, loss);
                Ok(Step { loss: sums.loss as f32, gradients: gradients(net, sums) })
            }
            Engine::Burn { devices } => {
                let numbered: Vec<(usize, &[f32])> = inputs.iter().copied().enumerate().collect();
                let part = inputs.len().div_ceil(devices.len()).max(1);
                let parts = numbered.chunks(part).collect();
                // Nothing in the network is drawn at random, so any seed will do.
                data_parallel_step(devices, net, parts, 0, |net, device, inputs| {
                    share_of_loss(net, device, passes.side(), inputs, &loss)
                })
            }
        }
    }
}

/// The sum of `loss` over some inputs of `side` rows and columns, as a tensor that goes back through
/// the network.
fn share_of_loss(
    net: &UNet,
    device: &Device,
    side: usize,
    inputs: &[(usize, &[f32])],
    loss: impl Fn(usize, &[f32]) -> (f64, Vec<f32>) + Sync,
) -> Result<Tensor<1>, EngineError> {
    let tensor = |values: Vec<f32>| -> Tensor<4> {
        let channels = values.len() / (inputs.len() * side * side);
        Tensor::from_data(TensorData::new(values, [inputs.len(), channels, side, side]), device)
    };
    let cells = inputs.iter().flat_map(|(_, cells)| cells.iter().copied()).collect();
    let outputs = net.forward(tensor(cells));
    let on_host = host_values(outputs.clone())?;
    let of_inputs = inputs.par_iter().zip(on_host.par_chunks_exact(on_host.len() / inputs.len()));
    let of_inputs: Vec<_> = of_inputs.map(|((i, _), outputs)| loss(*i, outputs)).collect();
    let value: f64 = of_inputs.iter().map(|(value, _)| value).sum();
    let gradient = of_inputs.into_iter().flat_map(|(_, gradient)| gradient).collect();
    // A plane through the point where the loss is: its value and its slope are the loss's.
    let plane = (outputs * tensor(gradient)).sum();
    Ok(plane.clone() - plane.detach() + value)
}

/// The gradients for Burn's optimisers.
fn gradients(net: &UNet, sums: Sums) -> GradientsParams {
    let mut gradients = GradientsParams::new();
    for (conv, [of_weights, of_biases]) in net.convolutions.iter().zip(sums.gradients) {
        register(&mut gradients, &conv.weight, of_weights);
        if let Some(bias) = &conv.bias {
            register(&mut gradients, bias, of_biases);
        }
    }
    gradients
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{classifier::seeded, unet::Shape};

    /// Numbers from 0 to 1 that follow no pattern.
    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 24) as f32
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn other_devices_give_the_loss_and_gradients_of_the_host() {
        let device = Device::flex();
        let shape = Shape { name: "a", inputs: 6, widths: [8, 8, 16], outputs: 3 };
        let (side, pixels) = (16, 256);
        let net = seeded(UNet::new(&shape, &device.clone().autodiff()), 5);
        let passes = Passes::new(&net, side).expect("weights");
        let inputs = [10, 20, 30].map(|seed| numbers(shape.inputs * pixels, seed));
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        // Another loss for each input.
        let loss = |i: usize, outputs: &[f32]| {
            let targets = numbers(shape.outputs * pixels, 40 + i as u32);
            let misses: Vec<f32> = outputs.iter().zip(&targets).map(|(a, b)| a - b).collect();
            (misses.iter().map(|miss| f64::from(miss * miss) / 2.0).sum(), misses)
        };
        let step = |engine: Engine| engine.step(&net, &passes, &inputs, loss).expect("a step");
        let host = step(Engine::new(std::slice::from_ref(&device)));
        // On two, the second device's part is smaller.
        for devices in [vec![device.clone()], vec![device.clone(), device.clone()]] {
            let burns = step(Engine::burn(&devices));
            assert!((host.loss - burns.loss).abs() < 1e-5 * host.loss, "{}", burns.loss);
            for (i, conv) in net.convolutions.iter().enumerate() {
                let close = |host: Option<Vec<f32>>, burns: Option<Vec<f32>>, what: &str| {
                    let (host, burns) = (host.expect("a gradient"), burns.expect("a gradient"));
                    assert_eq!(host.len(), burns.len(), "{what} {i}");
                    let largest = burns.iter().fold(0.0f32, |most, value| most.max(value.abs()));
                    assert!(largest > 0.0, "{what} {i}");
                    for (host, burns) in host.iter().zip(&burns) {
                        assert!(
                            (host - burns).abs() < 1e-4 * largest,
                            "{what} {i}: {host} {burns}"
                        );
                    }
                };
                let weights = |step: &Step| {
                    step.gradients.get::<4>(conv.weight.id).map(|it| host_values(it).expect("read"))
                };
                close(weights(&host), weights(&burns), "weights");
                let bias = conv.bias.as_ref().expect("biases").id;
                let biases = |step: &Step| {
                    step.gradients.get::<1>(bias).map(|it| host_values(it).expect("read"))
                };
                close(biases(&host), biases(&burns), "biases");
            }
        }
    }
}
