//! Why a run stops before its end.

use std::{io, path::PathBuf};

use super::material::DataError;
use crate::{
    classifier::{EngineError, UnknownNetwork},
    fault::{AtFault, Fault},
};

/// Why a run stops before its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The run names a network that this program does not have.
    #[error(transparent)]
    Network(#[from] UnknownNetwork),
    /// A file of the run cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The same run of a plan was begun by another process.
    #[error(
        "{}: another doorplate has begun this run; start the plan again to continue with it",
        folder.display()
    )]
    RunExists {
        /// The folder.
        folder: PathBuf,
    },
    /// A plan's run finds another run in its place.
    #[error(
        "{}: there is already a run with other options; give another --out, or rename the plan",
        folder.display()
    )]
    OtherRun {
        /// The folder.
        folder: PathBuf,
    },
    /// A checkpoint or the run's description is damaged, or does not exist.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// File or folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A teacher's weights, or those to start with, cannot be used.
    #[error("{}: {reason}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Early stopping without data to judge by.
    #[error("--patience needs validation data; hold some back with --validation")]
    NothingToJudgeBy,
    /// The loss is no longer a number.
    #[error(
        "the loss became {loss} in step {step} of epoch {epoch}; the last good checkpoint is \
         kept in {}. Try a lower --rate",
        folder.display()
    )]
    Diverged {
        /// The loss.
        loss: f32,
        /// The epoch, from 1.
        epoch: usize,
        /// The epoch's step, from 1.
        step: usize,
        /// The run's folder.
        folder: PathBuf,
    },
    /// The run was asked to stop; a checkpoint is written.
    #[error(
        "stopped after step {step} of epoch {epoch}; continue with `doorplate train --resume {}`",
        folder.display()
    )]
    Stopped {
        /// The epoch, from 1.
        epoch: usize,
        /// The epoch's last finished step, from 1.
        step: usize,
        /// The run's folder.
        folder: PathBuf,
    },
    /// The device failed before the run's first step.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A device failed or was lost in a run.
    #[error(
        "{reason}; `doorplate train --resume {}` continues from the last checkpoint, if there is \
         one, on this device or another",
        folder.display()
    )]
    Device {
        /// What failed.
        reason: EngineError,
        /// The run's folder.
        folder: PathBuf,
    },
}

impl AtFault for TrainingError {
    fn fault(&self) -> Fault {
        match self {
            TrainingError::Network(error) => error.fault(),
            TrainingError::RunExists { .. }
            | TrainingError::OtherRun { .. }
            | TrainingError::NothingToJudgeBy => Fault::Arguments,
            TrainingError::Data(error) => error.fault(),
            TrainingError::Checkpoint { .. } => Fault::Input,
            TrainingError::Weights { .. } => Fault::Model,
            TrainingError::Engine(error) | TrainingError::Device { reason: error, .. } => {
                error.fault()
            }
            TrainingError::Stopped { .. } => Fault::Stopped,
            TrainingError::File { .. } | TrainingError::Diverged { .. } => Fault::Other,
        }
    }
}
