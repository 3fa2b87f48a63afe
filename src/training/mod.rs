//! Trains a network on Format 1 data: runs, checkpoints, the files a run leaves.

mod examples;
mod run;

pub use examples::{Augmentation, Example, cut_examples};
pub use run::{
    EpochReport, OptimizerKind, RunConfig, RunOutcome, Schedule, TrainingError, evaluate_photos,
    resume, train,
};
