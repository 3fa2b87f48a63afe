//! One step's loss and gradients of a classifier, on this machine's processor or on other devices.

use burn::tensor::{Device, Tensor, TensorData, activation::log_softmax};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::{
    cpu::{CpuEngine, Step},
    data_parallel::{data_parallel_step, on_host},
};
use crate::classifier::{DIGITS, EngineError, Network, Standardisation};

/// Computes a network's steps.
#[derive(Debug)]
pub(super) struct Engine {
    standardisation: Standardisation,
    place: Place,
}

/// Where steps are computed.
#[derive(Debug)]
enum Place {
    /// On this machine's processor, by passes of our own.
    Host(CpuEngine),
    /// By Burn's autodiff, each device taking its share of the batch.
    Burn { devices: Vec<Device> },
}

impl Engine {
    /// An engine for `net` on `devices`, the first of which holds it.
    ///
    /// # Errors
    /// [`EngineError`] when the statistics of the network's input cannot be read back.
    pub(super) fn new(net: &Network, devices: &[Device]) -> Result<Self, EngineError> {
        if !on_host(devices) {
            return Engine::burn(net, devices);
        }
        let place = Place::Host(CpuEngine::new(net.architecture()));
        Ok(Engine { standardisation: Standardisation::of(net)?, place })
    }

    /// Burn's autodiff on `devices`.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub(super) fn burn(net: &Network, devices: &[Device]) -> Result<Self, EngineError> {
        let devices = devices.iter().map(|device| device.clone().autodiff()).collect();
        Ok(Engine { standardisation: Standardisation::of(net)?, place: Place::Burn { devices } })
    }

    /// The mean loss of a batch of inputs (samples 0 to 1, one after the other) for `targets` `[n,
    /// 10]`, and the gradients; `seed` determines the dropout.
    pub(super) fn step(
        &mut self,
        net: &Network,
        mut inputs: Vec<f32>,
        targets: &[f32],
        seed: u64,
    ) -> Result<Step, EngineError> {
        self.standardisation.apply(&mut inputs);
        match &mut self.place {
            Place::Host(engine) => {
                engine.step(net, &inputs, targets, &mut ChaCha8Rng::seed_from_u64(seed))
            }
            Place::Burn { devices } => burn_step(devices, net, &inputs, targets, seed),
        }
    }
}

/// A step on standardised inputs, by Burn's autodiff.
fn burn_step(
    devices: &[Device],
    net: &Network,
    inputs: &[f32],
    targets: &[f32],
    seed: u64,
) -> Result<Step, EngineError> {
    let input = net.architecture().input;
    let images = targets.len() / DIGITS;
    let part = images.div_ceil(devices.len()).max(1);
    let parts = inputs.chunks(part * input.len()).zip(targets.chunks(part * DIGITS)).collect();
    data_parallel_step(devices, net, parts, seed, |net, device, (inputs, targets)| {
        let part = targets.len() / DIGITS;
        let shape = [part, input.channels(), input.side, input.side];
        let inputs: Tensor<4> = Tensor::from_data(TensorData::new(inputs.to_vec(), shape), device);
        let targets: Tensor<2> =
            Tensor::from_data(TensorData::new(targets.to_vec(), [part, DIGITS]), device);
        let products = log_softmax(net.forward(inputs), 1).mul(targets);
        Ok(products.sum().div_scalar(-(images as f32)))
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{copies::net_on, targets},
        *,
    };
    use crate::classifier::{Architecture, HeadLayer, host_values};

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
            let mut engine = Engine::burn(&net, devices).expect("statistics");
            let step = engine.step(&net, inputs.clone(), &targets, 1).expect("a step");
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
            let inputs = inputs[..images * architecture.input.len()].to_vec();
            let mut engine = Engine::burn(&net, devices).expect("statistics");
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
