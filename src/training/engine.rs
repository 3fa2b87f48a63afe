//! One step's loss and gradients, on this machine's processor or on other devices.

use burn::{
    module::Module as _,
    optim::{GradientsAccumulator, GradientsParams},
    tensor::{Device, Tensor, TensorData, activation::log_softmax},
};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::cpu::{CpuEngine, Step};
use crate::classifier::{Architecture, DIGITS, EngineError, Network};

/// Where steps are computed.
#[derive(Debug)]
pub(super) enum Engine {
    /// On this machine's processor, by passes of our own.
    Cpu(CpuEngine),
    /// By Burn's autodiff, each device taking its share of the batch.
    Burn { devices: Vec<Device> },
}

impl Engine {
    /// An engine on `devices`, the first of which holds the network.
    pub(super) fn new(architecture: &'static Architecture, devices: &[Device]) -> Self {
        match devices {
            [device] if *device == Device::flex() => Engine::Cpu(CpuEngine::new(architecture)),
            _ => Engine::burn(devices),
        }
    }

    /// Burn's autodiff on `devices`.
    pub(super) fn burn(devices: &[Device]) -> Self {
        Engine::Burn { devices: devices.iter().map(|device| device.clone().autodiff()).collect() }
    }

    /// The mean loss of a batch of standardised inputs against `targets` `[n, 10]`, and the
    /// gradients; `seed` draws the dropout.
    pub(super) fn step(
        &mut self,
        net: &Network,
        inputs: &[f32],
        targets: &[f32],
        seed: u64,
    ) -> Result<Step, EngineError> {
        match self {
            Engine::Cpu(engine) => {
                engine.step(net, inputs, targets, &mut ChaCha8Rng::seed_from_u64(seed))
            }
            Engine::Burn { devices } => data_parallel_step(devices, net, inputs, targets, seed),
        }
    }
}

/// Each device takes an equal part of the batch through a copy of the network; the gradients are
/// gathered on the first device, weighted by the parts' sizes. Batch norms see their device's
/// part, and the first device's statistics are kept, as Burn's own data-parallel strategy has it.
fn data_parallel_step(
    devices: &[Device],
    net: &Network,
    inputs: &[f32],
    targets: &[f32],
    seed: u64,
) -> Result<Step, EngineError> {
    let input = net.architecture().input;
    let images = targets.len() / DIGITS;
    let part = images.div_ceil(devices.len());
    let parts = inputs.chunks(part * input.len()).zip(targets.chunks(part * DIGITS));
    let losses: Vec<(Tensor<1>, Network, usize)> = devices
        .iter()
        .zip(parts)
        .enumerate()
        .map(|(i, (device, (inputs, targets)))| {
            device.seed(seed.wrapping_add(i as u64));
            let net = if i == 0 { net.clone() } else { net.clone().fork(device) };
            let images = targets.len() / DIGITS;
            let shape = [images, input.channels(), input.side, input.side];
            let inputs: Tensor<4> =
                Tensor::from_data(TensorData::new(inputs.to_vec(), shape), device);
            let targets: Tensor<2> =
                Tensor::from_data(TensorData::new(targets.to_vec(), [images, DIGITS]), device);
            let products = log_softmax(net.forward(inputs), 1).mul(targets);
            (products.sum().div_scalar(-(images as f32)), net, images)
        })
        .collect();
    let mut loss = 0.0;
    let mut gathered = GradientsAccumulator::new();
    for (i, (part_loss, part_net, images_here)) in losses.into_iter().enumerate() {
        let share = images_here as f32 / images as f32;
        let part_loss = part_loss.mul_scalar(share);
        let value = part_loss.clone().try_into_scalar::<f32>();
        loss += value.map_err(|error| EngineError(format!("{error:?}")))?;
        let mut gradients = GradientsParams::from_grads(part_loss.backward(), &part_net);
        if i > 0 {
            gradients = gradients.to_device(&devices[0], &part_net);
        }
        gathered.accumulate(net, gradients);
    }
    Ok(Step { loss, gradients: gathered.grads() })
}

#[cfg(test)]
mod tests {
    use super::{super::targets, *};
    use crate::classifier::{HeadLayer, host_values};

    #[test]
    fn two_devices_give_the_loss_and_gradients_of_one() {
        // Without batch norms, which see their device's part, and without dropout, which each
        // device draws by itself.
        let like = Architecture::named("TensorFlow").expect("a network");
        let plain: &'static Architecture =
            Box::leak(Box::new(Architecture { head: &[HeadLayer::Linear(10)], ..*like }));
        let device = Device::flex();
        let net = Network::new(plain, &device.clone().autodiff());
        // Five digits: the second device's part is smaller.
        let inputs: Vec<f32> =
            (0..5 * plain.input.len()).map(|i| ((i * 7919) % 1009) as f32 / 504.5 - 1.0).collect();
        let targets = targets::of_digits(&[3, 1, 4, 1, 5], 0.0);
        let on = |devices: &[Device]| {
            let mut engine = Engine::burn(devices);
            let step = engine.step(&net, &inputs, &targets, 1).expect("a step");
            let of_first = step.gradients.get::<4>(net.stages[0].conv.weight.id);
            let of_first = host_values(of_first.expect("a gradient")).expect("read back");
            (step.loss, of_first)
        };
        let (one_loss, one) = on(std::slice::from_ref(&device));
        let (two_loss, two) = on(&[device.clone(), device]);
        assert!((one_loss - two_loss).abs() < 1e-5, "{one_loss} and {two_loss}");
        let largest = one.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        assert!(largest > 0.0);
        for (one, two) in one.iter().zip(&two) {
            assert!((one - two).abs() < 1e-4 * largest, "{one} and {two}");
        }
    }
}
