//! Trained networks whose readings of their pupil's own inputs are its targets (Hinton, Vinyals and
//! Dean, 2015, "Distilling the Knowledge in a Neural Network"; the same view of each input for
//! both, after Beyer et al., 2022, "Knowledge distillation: A good teacher is patient and
//! consistent").

use std::path::Path;

use burn::tensor::Device;

use super::TrainingError;
use crate::{
    classifier::{Architecture, Classifier, EngineError, MAX_WEIGHTS_BYTES},
    files::read_listed,
};

/// A trained network on the device that its pupil is trained on.
#[derive(Debug)]
pub(super) struct Teacher(Classifier);

/// Moves `targets` (`[n, 10]`) by the share `teaching` towards the mean of the `teachers`' readings
/// of `samples` (one after the other, 0 to 1, not standardised). Without teachers they are
/// unchanged.
///
/// # Errors
/// [`EngineError`] when the device fails.
pub(super) fn teach(
    teachers: &[Teacher],
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
        let bytes =
            read_listed(path, MAX_WEIGHTS_BYTES).map_err(|error| unusable(error.to_string()))?;
        let architecture =
            Architecture::of_weights(&bytes).map_err(|error| unusable(error.to_string()))?;
        let classifier = Classifier::from_safetensors(architecture, bytes, device)
            .map_err(|error| unusable(error.to_string()))?;
        Ok((Teacher(classifier), architecture))
    }

    /// Its readings of `samples` (one after the other, 0 to 1, not standardised): `[n, 10]`.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    pub(super) fn shares(&self, samples: &[f32]) -> Result<Vec<f32>, EngineError> {
        let mut inputs = samples.to_vec();
        self.0.standardisation().apply(&mut inputs);
        let readings = pollster::block_on(self.0.read_inputs(&inputs))?;
        Ok(readings.iter().flat_map(|reading| reading.confidences).collect())
    }
}
