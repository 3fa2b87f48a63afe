//! Trains a network on Format 1 data: runs, checkpoints, the files a run leaves.

pub mod early_stopping;
mod examples;
pub mod optimizer;
mod run;
pub mod schedule;
pub mod weight_average;

pub use examples::{Augmentation, Example, cut_examples};
pub use run::{
    EpochReport, FinishedRun, OptimizerKind, RunConfig, RunOutcome, Schedule, TrainingError,
    evaluate_photos, finished_run, resume, train,
};
