//! One step's loss and gradients, on this machine's processor or on other devices.

use std::thread;

use burn::{
    optim::{GradientsAccumulator, GradientsParams},
    tensor::{Device, Tensor, TensorData, activation::log_softmax},
};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::{
    copies::{gradients_on, net_on},
    cpu::{CpuEngine, Step},
    lost_device::{contained, lost},
};
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

/// A part of a batch after its forward pass: its mean loss, the network that it went through, its
/// digits.
type Passed = (Tensor<1>, Network, usize);

/// Each device takes an equal part of the batch through a copy of the network, all at the same
/// time; the gradients are gathered on the first device, weighted by the parts' sizes. Batch norms
/// see their device's part, and the first device's statistics are kept, as Burn's own data-parallel
/// strategy has it.
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
    let forward = |i: usize, device: &Device, inputs: &[f32], targets: &[f32]| {
        device.seed(seed.wrapping_add(i as u64));
        let net = if i == 0 { net.clone() } else { net_on(device, net)? };
        let images = targets.len() / DIGITS;
        let shape = [images, input.channels(), input.side, input.side];
        let inputs: Tensor<4> = Tensor::from_data(TensorData::new(inputs.to_vec(), shape), device);
        let targets: Tensor<2> =
            Tensor::from_data(TensorData::new(targets.to_vec(), [images, DIGITS]), device);
        let products = log_softmax(net.forward(inputs), 1).mul(targets);
        Ok::<Passed, EngineError>((products.sum().div_scalar(-(images as f32)), net, images))
    };
    let backward = &|i: usize, (loss, part_net, images_here): Passed| {
        let loss = loss.mul_scalar(images_here as f32 / images as f32);
        let mut gradients = GradientsParams::from_grads(loss.backward(), &part_net);
        // Read when all is asked for: the device need not wait for this thread.
        let value = loss.try_into_scalar::<f32>().map_err(lost)?;
        if i > 0 {
            gradients = gradients_on(&devices[0], &part_net, gradients)?;
        }
        Ok::<(f32, GradientsParams), EngineError>((value, gradients))
    };
    let steps = thread::scope(|scope| {
        let mut steps = Vec::new();
        let mut others = Vec::new();
        // Forward passes are asked for by this thread alone: they draw dropout, for which devices
        // of a kind share one source of chance. The first device comes last, as one that computes
        // while it is asked keeps this thread busy.
        for (i, (device, (inputs, targets))) in devices.iter().zip(parts).enumerate().rev() {
            let passed = forward(i, device, inputs, targets)?;
            if i > 0 {
                others.push(scope.spawn(move || contained(|| backward(i, passed))?));
            } else {
                steps.push(backward(i, passed)?);
            }
        }
        for other in others.into_iter().rev() {
            let ended = |_| Err(EngineError("a device's thread ended".to_owned()));
            steps.push(other.join().unwrap_or_else(ended)?);
        }
        Ok::<_, EngineError>(steps)
    })?;
    let mut loss = 0.0;
    let mut gathered = GradientsAccumulator::new();
    for (part_loss, gradients) in steps {
        loss += part_loss;
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

    #[test]
    fn the_first_devices_statistics_are_kept() {
        let architecture = Architecture::named("ConvNet48_333").expect("a network");
        let device = Device::flex();
        let start = Network::new(architecture, &device.clone().autodiff());
        let inputs: Vec<f32> = (0..4 * architecture.input.len())
            .map(|i| ((i * 7919) % 1009) as f32 / 504.5 - 1.0)
            .collect();
        let after = |devices: &[Device], images: usize| {
            let net = net_on(&device.clone().autodiff(), &start).expect("copied");
            let inputs = &inputs[..images * architecture.input.len()];
            let mut engine = Engine::burn(devices);
            let targets = targets::of_digits(&[3, 1, 4, 1][..images], 0.0);
            engine.step(&net, inputs, &targets, 1).expect("a step");
            let norm = net.stages[0].norm.as_ref().expect("a norm");
            host_values(norm.running_mean.value_sync()).expect("read back")
        };
        let first_half = after(std::slice::from_ref(&device), 2);
        assert!(first_half.iter().any(|&mean| mean != 0.0));
        assert!(after(&[device.clone(), device.clone()], 4) == first_half);
    }
}
