//! Trained networks that say how to read the very inputs their pupil is given (Hinton, Vinyals and
//! Dean, 2015, "Distilling the Knowledge in a Neural Network"; the same view of each input for
//! both, after Beyer et al., 2022, "Knowledge distillation: A good teacher is patient and
//! consistent").

use std::{fs, path::Path};

use burn::tensor::{Device, Tensor, TensorData, activation::softmax};

use super::{TrainingError, cpu::CpuEngine};
use crate::classifier::{
    Architecture, Classifier, DIGITS, EngineError, Network, Reading, Standardisation, host_values,
};

/// A trained network on the device that its pupil is trained on.
#[derive(Debug)]
pub(super) struct Teacher {
    net: Network,
    standardisation: Standardisation,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    Cpu(CpuEngine),
    Burn(Device),
}

/// Moves `targets` (`[n, 10]`) the share `teaching` of the way to the mean of what `teachers` say
/// of `samples` (laid end to end, 0 to 1, not standardised); without teachers, leaves them.
///
/// # Errors
/// [`EngineError`] when the device fails.
pub(super) fn teach(
    teachers: &mut [Teacher],
    samples: &[f32],
    teaching: f32,
    targets: &mut [f32],
) -> Result<(), EngineError> {
    let each = teaching / teachers.len().max(1) as f32;
    if !teachers.is_empty() {
        targets.iter_mut().for_each(|share| *share *= 1.0 - teaching);
    }
    for teacher in teachers {
        for (target, share) in targets.iter_mut().zip(teacher.shares(samples)?) {
            *target += each * share;
        }
    }
    Ok(())
}

impl Teacher {
    /// Loads the weights that a run left, for a pupil of this architecture.
    ///
    /// # Errors
    /// [`TrainingError::Weights`] when the file cannot be used, or when its network is given
    /// other crops than the pupil.
    pub(super) fn load(
        path: &Path,
        pupil: &'static Architecture,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let (teacher, architecture) = Teacher::open(path, device)?;
        if !architecture.input.sees_what(&pupil.input) {
            return Err(TrainingError::Weights {
                path: path.to_owned(),
                reason: format!(
                    "{architecture} is given {}, but {pupil} {}",
                    architecture.input, pupil.input
                ),
            });
        }
        Ok(teacher)
    }

    /// Loads the weights that a run left, with their network's declaration.
    ///
    /// # Errors
    /// [`TrainingError::Weights`] when the file cannot be used.
    pub(super) fn open(
        path: &Path,
        device: &Device,
    ) -> Result<(Self, &'static Architecture), TrainingError> {
        let unusable = |reason: String| TrainingError::Weights { path: path.to_owned(), reason };
        let bytes = fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let architecture =
            Architecture::of_weights(&bytes).map_err(|error| unusable(error.to_string()))?;
        let classifier = Classifier::from_safetensors(architecture, bytes, device)
            .map_err(|error| unusable(error.to_string()))?;
        let net = classifier.into_network();
        let standardisation = Standardisation::of(&net)?;
        let engine = if *device == Device::flex() {
            Engine::Cpu(CpuEngine::new(architecture))
        } else {
            Engine::Burn(device.clone())
        };
        Ok((Teacher { net, standardisation, engine }, architecture))
    }

    /// How it reads `samples` (laid end to end, 0 to 1, not standardised): `[n, 10]`.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    pub(super) fn shares(&mut self, samples: &[f32]) -> Result<Vec<f32>, EngineError> {
        let mut inputs = samples.to_vec();
        self.standardisation.apply(&mut inputs);
        match &mut self.engine {
            Engine::Cpu(engine) => {
                let logits = engine.logits(&self.net, &inputs)?;
                let (logits, _) = logits.as_chunks::<DIGITS>();
                Ok(logits
                    .iter()
                    .flat_map(|logits| Reading::from_logits(logits).confidences)
                    .collect())
            }
            Engine::Burn(device) => {
                let input = self.net.architecture().input;
                let images = inputs.len() / input.len();
                let shape = [images, input.channels(), input.side, input.side];
                let inputs: Tensor<4> = Tensor::from_data(TensorData::new(inputs, shape), &*device);
                host_values(softmax(self.net.forward(inputs), 1))
            }
        }
    }
}
