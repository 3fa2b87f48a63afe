//! One step's loss and gradients of the stroke network, on this machine's processor or on other
//! devices.

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
    loss::loss,
    passes::{Passes, Sums},
    patches::{Patch, SIDE},
};
use crate::{
    classifier::{EngineError, host_values},
    strokes::{CELL, OUTPUTS, StrokeNet},
};

/// Where steps are computed. The loss by the network's outputs is the host's in any case.
pub(in super::super) enum Engine {
    /// On this machine's processor, by passes of our own.
    Host,
    /// By Burn's autodiff, each device taking its share of the patches.
    Burn { devices: Vec<Device> },
}

impl Engine {
    /// An engine on `devices`, the first of which holds the network.
    pub(super) fn new(devices: &[Device]) -> Self {
        if on_host(devices) { Engine::Host } else { Engine::burn(devices) }
    }

    /// Burn's autodiff on `devices`.
    fn burn(devices: &[Device]) -> Self {
        Engine::Burn { devices: devices.iter().map(|device| device.clone().autodiff()).collect() }
    }

    /// The loss of a batch of patches, and the gradients; `passes` are those of `net`.
    pub(super) fn step(
        &self,
        net: &StrokeNet,
        passes: &Passes,
        patches: &[Patch],
    ) -> Result<Step, EngineError> {
        let weight: f64 = patches.iter().map(Patch::weight).sum::<f64>().max(1.0);
        let loss = |patch: &Patch, odds: &[f32]| loss(patch, odds, patches.len(), weight);
        match self {
            Engine::Host => {
                let inputs: Vec<&[f32]> = patches.iter().map(|p| p.cells.as_slice()).collect();
                let sums = passes.sums(&inputs, |i, odds: &[f32]| loss(&patches[i], odds));
                Ok(Step { loss: sums.loss as f32, gradients: gradients(net, sums) })
            }
            Engine::Burn { devices } => {
                let part = patches.len().div_ceil(devices.len()).max(1);
                let parts = patches.chunks(part).collect();
                // Nothing in the network is drawn at random, so any seed will do.
                data_parallel_step(devices, net, parts, 0, |net, device, patches| {
                    share_of_loss(net, device, patches, loss)
                })
            }
        }
    }
}

/// The sum of `loss` over some patches, as a tensor that goes back through the network.
fn share_of_loss(
    net: &StrokeNet,
    device: &Device,
    patches: &[Patch],
    loss: impl Fn(&Patch, &[f32]) -> (f64, Vec<f32>) + Sync,
) -> Result<Tensor<1>, EngineError> {
    let side = SIDE / CELL;
    let tensor = |values: Vec<f32>| -> Tensor<4> {
        let channels = values.len() / (patches.len() * side * side);
        Tensor::from_data(TensorData::new(values, [patches.len(), channels, side, side]), device)
    };
    let cells = patches.iter().flat_map(|patch| patch.cells.iter().copied()).collect();
    let odds = net.forward(tensor(cells));
    let on_host = host_values(odds.clone())?;
    let of_patches = patches.par_iter().zip(on_host.par_chunks_exact(OUTPUTS * SIDE * SIDE));
    let of_patches: Vec<_> = of_patches.map(|(patch, odds)| loss(patch, odds)).collect();
    let value: f64 = of_patches.iter().map(|(value, _)| value).sum();
    let gradient = of_patches.into_iter().flat_map(|(_, gradient)| gradient).collect();
    // A plane through the point where the loss is: its value and its slope are the loss's.
    let plane = (odds * tensor(gradient)).sum();
    Ok(plane.clone() - plane.detach() + value)
}

/// The gradients for Burn's optimisers.
fn gradients(net: &StrokeNet, sums: Sums) -> GradientsParams {
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

    /// Numbers from 0 to 1 that follow no pattern.
    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 24) as f32
        };
        (0..count).map(|_| next()).collect()
    }

    fn patch(net: &StrokeNet, seed: u32) -> Patch {
        let [_, channels, _, _] = net.convolutions[0].weight.dims();
        let pixels = SIDE * SIDE;
        let flags = |seed| numbers(pixels, seed).into_iter().map(f32::round).collect();
        Patch {
            cells: numbers(channels * pixels / (CELL * CELL), seed),
            target: numbers(pixels, seed + 1),
            weight: numbers(pixels, seed + 2),
            photo: numbers(3 * pixels, seed + 3),
            clean: numbers(3 * pixels, seed + 4),
            inside: flags(seed + 5),
            on_photo: flags(seed + 6),
        }
    }

    #[test]
    fn other_devices_give_the_loss_and_gradients_of_the_host() {
        let device = Device::flex();
        device.seed(5);
        let net = StrokeNet::new(&device.clone().autodiff());
        let passes = Passes::new(&net, SIDE / CELL).expect("weights");
        let patches = [10, 20, 30].map(|seed| patch(&net, seed));
        let step = |engine: Engine| engine.step(&net, &passes, &patches).expect("a step");
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
