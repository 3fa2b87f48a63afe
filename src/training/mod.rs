//! Trains networks: runs, their data and augmentation, checkpoints, and the files of finished runs.

mod augmentation;
mod benchmark;
mod calibration;
mod checkpoint;
mod classifiers;
mod config;
mod copies;
mod cpu;
mod data_parallel;
mod early_stopping;
mod engine;
mod error;
mod files;
mod finder;
mod lost_device;
mod material;
mod no_digits;
mod optimizer;
mod photos;
mod pseudo_labels;
mod run;
mod schedule;
mod strokes;
mod sums;
mod targets;
mod task;
mod teacher;
mod training_loop;
mod unet;
mod weight_average;

pub use augmentation::{Augmentation, AugmentationArgs, AugmentationKind};
pub use benchmark::Benchmark;
pub use calibration::temperature_of;
pub use config::RunConfig;
pub use early_stopping::{BestEpoch, EarlyStopping, Verdict};
pub use error::TrainingError;
pub use finder::measure_finder;
pub use material::{DataError, Material, Source, open_store};
pub use optimizer::{OptimizerArgs, OptimizerConfig, OptimizerError, OptimizerKind};
pub use pseudo_labels::{FoundNumber, PseudoLabeller};
pub use run::{
    EpochReport, FinishedRun, RunOutcome, Watcher, finished_run, resume, train, train_or_go_on,
};
pub use schedule::{
    LearningRate, LearningRateArgs, LearningRateError, Schedule, ScheduleKind, WarmUp,
};
pub use strokes::measure_strokes;
pub use task::Validation;
pub use weight_average::WeightAverage;
