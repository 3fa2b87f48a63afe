//! Measures training's speed.

use std::{path::Path, time::Instant};

use burn::tensor::Device;

use super::{
    Augmentation, OptimizerConfig, OptimizerKind, Source, TrainingError,
    engine::Engine,
    material::{Material, mixed},
    targets,
};
use crate::classifier::{Architecture, Network};

/// A network and data to measure training's speed on.
#[derive(Debug)]
pub struct Benchmark {
    architecture: &'static Architecture,
    material: Material,
    batch: usize,
    augmentation: Augmentation,
}

impl Benchmark {
    /// Reads the digits of a Format 1 folder.
    ///
    /// # Errors
    /// [`TrainingError`] when the network is unknown or the data cannot be used.
    pub fn load(
        network: &str,
        data: &Path,
        batch: usize,
        augmentation: Augmentation,
    ) -> Result<Self, TrainingError> {
        let architecture = Architecture::named(network)?;
        let source = Source { path: data.to_owned(), times: 1 };
        let material = Material::load(&[source], architecture, 0.0, None, 1, |_| ())?;
        Ok(Benchmark { architecture, material, batch, augmentation })
    }

    /// Images a second over `seconds`, after three steps to warm up: drawing, forward and
    /// backward pass and Adam. With `own_passes` as `doorplate train` computes on the CPU, else
    /// by Burn's autodiff.
    ///
    /// # Errors
    /// [`TrainingError`] when the engine fails.
    pub fn images_a_second(&self, seconds: f64, own_passes: bool) -> Result<f64, TrainingError> {
        let device = Device::flex();
        device.seed(1);
        let mut net = Network::new(self.architecture, &device.clone().autodiff());
        let devices = [device];
        let mut engine =
            if own_passes { Engine::new(&net, &devices)? } else { Engine::burn(&net, &devices)? };
        let mut optimizer = OptimizerConfig::new(OptimizerKind::Adam).init();
        let mut started = Instant::now();
        let mut images = 0;
        for step in 0.. {
            if step == 3 {
                (started, images) = (Instant::now(), 0);
            }
            if step > 3 && started.elapsed().as_secs_f64() > seconds {
                break;
            }
            let first = step as usize * self.batch;
            let positions: Vec<usize> =
                (first..first + self.batch).map(|i| i % self.material.epoch_len()).collect();
            let seed = mixed(1, step);
            let (inputs, digits) = self.material.batch(&positions, &self.augmentation, seed);
            let done = engine.step(&net, inputs, &targets::of_digits(&digits, 0.0), seed)?;
            net = optimizer.step(0.003, net, done.gradients);
            images += self.batch;
        }
        Ok(images as f64 / started.elapsed().as_secs_f64())
    }
}
