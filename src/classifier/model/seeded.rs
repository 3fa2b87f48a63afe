//! Untrained networks that are the same in every run.

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Tensor, TensorData},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The network with drawn weights that depend on `seed` alone, uniform and as wide as their layer's
/// fan-in asks (He et al., 2015); its biases become 0. For tests: a freshly initialised network's
/// weights come from a random number generator that all threads of the process share, so that even
/// after `Device::seed` they depend on what other tests draw.
#[must_use]
pub fn seeded<M: Module>(net: M, seed: u64) -> M {
    net.map(&mut Drawn { rng: ChaCha8Rng::seed_from_u64(seed), fields: Vec::new() })
}

struct Drawn {
    rng: ChaCha8Rng,
    /// For each level from the module to the mapper's position: whether it is a layer's bias.
    fields: Vec<bool>,
}

impl ModuleMapper for Drawn {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.fields.push(name == "bias");
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.fields.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let dims = param.dims();
        let width = match D {
            1 if self.fields.last() == Some(&true) => 0.0,
            // A linear layer's weights `[in, out]`, a convolution's `[out, in, kernel, kernel]`.
            2 => (6.0 / dims[0] as f32).sqrt(),
            4 => (6.0 / dims[1..].iter().product::<usize>() as f32).sqrt(),
            // What batch norms and the input's statistics start with.
            _ => return param,
        };
        let count = dims.iter().product();
        let values: Vec<f32> =
            (0..count).map(|_| width * self.rng.random_range(-1.0..1.0)).collect();
        param.map(|weights| {
            let drawn = Tensor::from_data(TensorData::new(values, dims), &weights.device());
            if weights.is_require_grad() { drawn.require_grad() } else { drawn }
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::classifier::{Architecture, Classifier, Network};

    #[test]
    fn weights_depend_on_the_seed_alone() {
        let device = Device::flex();
        let architecture = Architecture::named("ConvNet48_Dropout3").expect("a network");
        let bytes = |seed: u64| {
            let net = seeded(Network::new(architecture, &device), seed);
            let classifier = Classifier::new(net, device.clone()).expect("the CPU's own weights");
            classifier.to_safetensors().expect("written")
        };
        assert!(bytes(1) == bytes(1));
        assert!(bytes(1) != bytes(2));
    }
}
