//! Training runs, from the data to the files of a finished run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{
    RunConfig, TrainingError, Validation,
    checkpoint::{all as checkpoints, config_of, newest_state},
    classifiers::Classifiers,
    files,
    finder::Finder,
    strokes::Strokes,
    sums::read_summed,
    training_loop::{Place, Run},
};
use crate::{finder::FINDER_NET, strokes::STROKE_NET};

/// What an epoch gave; a line of `<stem>_measures.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// From 1.
    pub epoch: usize,
    /// The steps' losses, summed.
    pub loss: f64,
    /// What was measured on the validation data, [`Validation::share`]; `None` when none are held
    /// back.
    pub accuracy: Option<f64>,
    /// Training time since the run's start, interruptions not counted.
    pub seconds: f64,
}

/// What a finished run leaves.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// The weights, as safetensors.
    pub weights: PathBuf,
    /// What the weights give on the validation data, if any are held back.
    pub validation: Option<Validation>,
    /// All epochs.
    pub epochs: Vec<EpochReport>,
}

/// Watches a run.
pub trait Watcher {
    /// Called while photos are read, with their number so far.
    fn photos_read(&mut self, photos: usize);
    /// Step `step` of `steps` of an epoch is done; the epoch's mean loss so far.
    fn step(&mut self, step: usize, steps: usize, loss: f64);
    /// An epoch is done.
    fn epoch(&mut self, report: &EpochReport);
    /// Whether the run is to stop after this step, with a checkpoint.
    fn stop(&self) -> bool;
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct FinishedRun {
    /// What it was made of.
    pub config: RunConfig,
    /// Its weights, as safetensors.
    pub weights: Vec<u8>,
    /// Its curves, as SVG.
    pub curves: Vec<u8>,
    /// Different digits (of StrokeNet: photos) it was trained on.
    pub trained_on: u64,
    /// Its epochs.
    pub epochs: Vec<EpochReport>,
    /// What was measured of its weights on the validation data, [`Validation::share`], if any were
    /// held back.
    pub accuracy: Option<f64>,
}

/// Reads what the finished run in `folder` left.
///
/// # Errors
/// [`TrainingError`] when a file is missing or damaged, or the run is not finished.
pub fn finished_run(folder: &Path) -> Result<FinishedRun, TrainingError> {
    let config = config_of(folder)?;
    let state = newest_state(folder)?;
    if !state.ended(&config) {
        return Err(TrainingError::Checkpoint {
            path: folder.to_owned(),
            reason: format!(
                "the run has finished {} of {} epochs; continue with `doorplate train --resume`",
                state.finished.len(),
                config.epochs
            ),
        });
    }
    const ADVICE: &str = "`doorplate train --resume` writes the weights again";
    let weights = read_summed(folder, ADVICE)?.remove(&files::weights_name(&config));
    let path = files::curves(folder, &config);
    let curves = fs::read(&path).map_err(|source| TrainingError::File { path, source })?;
    Ok(FinishedRun {
        weights: weights.ok_or_else(|| TrainingError::Checkpoint {
            path: folder.to_owned(),
            reason: format!("its weights are not listed in SHA256SUMS. {ADVICE}"),
        })?,
        curves,
        trained_on: state.trained_on,
        accuracy: match state.early_stopping.and_then(|judge| judge.best()) {
            Some(best) => Some(best.accuracy),
            None => state.finished.last().and_then(|last| last.accuracy),
        },
        epochs: state.finished,
        config,
    })
}

/// Runs `config` in `runs/<stem>` like [`train`], but uses an existing run of the same
/// configuration: if it was interrupted, it continues, and if it is finished, it is left unchanged.
///
/// # Errors
/// [`TrainingError`]; among them that another run is in the folder.
pub fn train_or_go_on(
    config: &RunConfig,
    runs: &Path,
    devices: &[Device],
    watcher: &mut dyn Watcher,
) -> Result<FinishedRun, TrainingError> {
    let folder = runs.join(&config.stem);
    if !folder.exists() {
        begin(config, Place::Folder(&folder), devices, watcher)?;
    } else if config_of(&folder).ok().as_ref() != Some(config) {
        return Err(TrainingError::OtherRun { folder });
    } else if checkpoints(&folder)?.is_empty() {
        begin(config, Place::Folder(&folder), devices, watcher)?;
    } else if !newest_state(&folder)?.ended(config) || finished_run(&folder).is_err() {
        resume(&folder, devices, watcher)?;
    }
    finished_run(&folder)
}

/// Runs `config` from its start in `runs/<stem>` on `devices`: the CPU, or one or more others,
/// which share each batch. If there is such a folder already, the stem gets a number.
///
/// # Errors
/// [`TrainingError`]; a run that has reached its first checkpoint can be resumed.
pub fn train(
    config: &RunConfig,
    runs: &Path,
    devices: &[Device],
    watcher: &mut dyn Watcher,
) -> Result<RunOutcome, TrainingError> {
    begin(config, Place::Within(runs), devices, watcher)
}

fn begin(
    config: &RunConfig,
    folder: Place<'_>,
    devices: &[Device],
    watcher: &mut dyn Watcher,
) -> Result<RunOutcome, TrainingError> {
    match config.net.as_str() {
        name if name == FINDER_NET.name => Run::<Finder>::begin(config, folder, devices, watcher),
        name if name == STROKE_NET.name => Run::<Strokes>::begin(config, folder, devices, watcher),
        _ => Run::<Classifiers>::begin(config, folder, devices, watcher),
    }
}

/// Goes on with the run in `folder` from its last checkpoint.
///
/// # Errors
/// [`TrainingError`]; among them that there is no checkpoint.
pub fn resume(
    folder: &Path,
    devices: &[Device],
    watcher: &mut dyn Watcher,
) -> Result<RunOutcome, TrainingError> {
    let config = config_of(folder)?;
    match config.net.as_str() {
        name if name == FINDER_NET.name => Run::<Finder>::resume(&config, folder, devices, watcher),
        name if name == STROKE_NET.name => {
            Run::<Strokes>::resume(&config, folder, devices, watcher)
        }
        _ => Run::<Classifiers>::resume(&config, folder, devices, watcher),
    }
}
