//! Saves the state of a run: each checkpoint is written completely, and the newest is kept.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::ModuleOptimizer,
    store::{ModuleRecord, RecordError},
    tensor::{Bytes, Tensor},
};
use serde::{Deserialize, Serialize};

use super::{
    EarlyStopping, EpochReport, RunConfig, TrainingError, WeightAverage,
    lost_device::lost,
    sums::{read_summed, write_sums},
};
use crate::{
    classifier::{EngineError, MAX_WEIGHTS_BYTES},
    files::{read_regular, write_whole},
};

pub(super) const RUN_FILE: &str = "run.json";
/// The same file, from the folder of a checkpoint.
const RUN_FILE_FROM_CHECKPOINT: &str = "../run.json";
const STATE_FILE: &str = "state.json";
const MODEL_FILE: &str = "model.bpk";
const OPTIMIZER_FILE: &str = "optimizer.bpk";
const AVERAGE_FILE: &str = "average.bpk";
const BEST_FILE: &str = "best.safetensors";

/// What to do about a damaged checkpoint.
const ADVICE: &str =
    "Restore the run's folder from a copy, or start the run again without --resume";

/// The state of a run between two steps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// The epochs that are done.
    pub(super) finished: Vec<EpochReport>,
    /// Steps of the next epoch that are done, and their losses' sum.
    pub(super) steps: usize,
    pub(super) loss: f64,
    /// Training time so far.
    pub(super) seconds: f64,
    /// Different digits (of StrokeNet: photos) that are trained on.
    #[serde(rename = "trained_digits")]
    pub(super) trained_on: u64,
    pub(super) early_stopping: Option<EarlyStopping>,
    /// Whether early stopping has ended the run.
    pub(super) ended_early: bool,
    /// Updates of the weights' average.
    pub(super) average_updates: u64,
}

/// A run between two steps.
pub(super) struct Progress<M> {
    pub(super) net: M,
    pub(super) optimizer: ModuleOptimizer,
    pub(super) average: Option<WeightAverage<M>>,
    pub(super) state: State,
    /// The weights of the best epoch so far, where early stopping judges, as safetensors.
    pub(super) best: Option<Vec<u8>>,
}

impl State {
    /// Whether the run is finished.
    pub(super) fn ended(&self, config: &RunConfig) -> bool {
        self.ended_early || self.finished.len() >= config.epochs
    }
}

impl<M: Module> Progress<M> {
    /// Takes a run up from its newest checkpoint, whose weights `untrained` is filled with.
    pub(super) fn from_checkpoint(
        folder: &Path,
        config: &RunConfig,
        untrained: M,
    ) -> Result<Self, TrainingError> {
        let checkpoint = newest(folder)?;
        let mut files = read_summed(&checkpoint, ADVICE)?;
        let state = state_in(&files, &checkpoint)?;
        let mut bytes = |name: &str| files.remove(name).ok_or_else(|| unlisted(&checkpoint, name));
        let mut record = |name: &str| bytes(name).map(Bytes::from_bytes_vec);
        let damaged = |error: RecordError| TrainingError::Checkpoint {
            path: checkpoint.clone(),
            reason: error.to_string(),
        };
        let model = ModuleRecord::from_bytes(record(MODEL_FILE)?).map_err(damaged)?;
        let net = untrained.try_load_record(model).map_err(damaged)?;
        let optimizer =
            config.optimizer.init().from_bytes(record(OPTIMIZER_FILE)?).map_err(damaged)?;
        let average = match config.averaging {
            Some(decay) => {
                let average = record(AVERAGE_FILE)?;
                let updates = state.average_updates;
                let average =
                    WeightAverage::from_bytes(decay, updates, &net, average).map_err(damaged)?;
                Some(average)
            }
            None => None,
        };
        let judged = state.early_stopping.is_some_and(|judge| judge.best().is_some());
        let best = if judged { Some(bytes(BEST_FILE)?) } else { None };
        Ok(Progress { net, optimizer, average, state, best })
    }

    /// Whether all weights are numbers; a checkpoint with others is worth nothing.
    ///
    /// # Errors
    /// [`EngineError`] when the device that holds them is lost.
    pub(super) fn is_finite(&self) -> Result<bool, EngineError> {
        let mut finite = Finite(Ok(true));
        self.net.visit(&mut finite);
        finite.0
    }

    /// Writes a checkpoint whole, then removes the older ones; `steps` are those of the run.
    pub(super) fn save(
        &mut self,
        folder: &Path,
        config: &RunConfig,
        steps: usize,
    ) -> Result<(), TrainingError> {
        let target = folder.join(format!("checkpoint-{steps:09}"));
        let draft = folder.join(format!("checkpoint-{steps:09}.partial"));
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| TrainingError::File { path, source }
        };
        for (_, leftover) in folders(folder)?.into_iter().filter(|(number, _)| number.is_none()) {
            fs::remove_dir_all(&leftover).map_err(at(&leftover))?;
        }
        fs::create_dir(&draft).map_err(at(&draft))?;
        let unsaved = |error: RecordError| TrainingError::Checkpoint {
            path: draft.clone(),
            reason: error.to_string(),
        };
        // A record of the network itself would lack the last step's running statistics, which
        // Burn keeps aside until they are asked for; valid() asks.
        let model = self.net.valid().into_record().into_bytes().map_err(unsaved)?;
        let optimizer = self.optimizer.into_bytes().map_err(unsaved)?;
        let average = self.average.as_ref().map(WeightAverage::to_bytes).transpose();
        let average = average.map_err(unsaved)?;
        self.state.average_updates = self.average.as_ref().map_or(0, WeightAverage::updates);
        let json = |error: serde_json::Error| at(&draft)(error.into());
        let state = serde_json::to_vec_pretty(&self.state).map_err(json)?;
        let mut files: Vec<(&str, &[u8])> =
            vec![(STATE_FILE, &state), (MODEL_FILE, &model), (OPTIMIZER_FILE, &optimizer)];
        files.extend(average.as_ref().map(|average| (AVERAGE_FILE, &average[..])));
        files.extend(self.best.as_ref().map(|best| (BEST_FILE, &best[..])));
        for (name, content) in &files {
            let path = draft.join(name);
            write_whole(&path, content).map_err(at(&path))?;
        }
        // The same options make the same run, so they are checked as well.
        let options = serde_json::to_vec_pretty(config).map_err(json)?;
        files.push((RUN_FILE_FROM_CHECKPOINT, &options));
        write_sums(&draft, files)?;
        fs::rename(&draft, &target).map_err(at(&target))?;
        for (number, older) in all(folder)? {
            if number < steps {
                fs::remove_dir_all(&older).map_err(at(&older))?;
            }
        }
        Ok(())
    }
}

/// Finds weights that are not numbers.
struct Finite(Result<bool, EngineError>);

impl ModuleVisitor for Finite {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // If a weight is not a number, their sum is not a number either; so only one value is read
        // back.
        if self.0 == Ok(true) {
            let sum = param.val().abs().sum().try_into_scalar::<f32>();
            self.0 = sum.map(f32::is_finite).map_err(lost);
        }
    }
}

/// The state of a run's newest checkpoint.
pub(super) fn newest_state(folder: &Path) -> Result<State, TrainingError> {
    let checkpoint = newest(folder)?;
    state_in(&read_summed(&checkpoint, ADVICE)?, &checkpoint)
}

/// The state among a checkpoint's files.
fn state_in(files: &BTreeMap<String, Vec<u8>>, checkpoint: &Path) -> Result<State, TrainingError> {
    let state = files.get(STATE_FILE).ok_or_else(|| unlisted(checkpoint, STATE_FILE))?;
    from_json(&checkpoint.join(STATE_FILE), state)
}

/// A checkpoint lacks a file that its run needs.
fn unlisted(checkpoint: &Path, name: &str) -> TrainingError {
    TrainingError::Checkpoint {
        path: checkpoint.to_owned(),
        reason: format!("it has no {name}. {ADVICE}"),
    }
}

/// All folders of checkpoints of a run: complete ones with the number of their steps, and parts
/// left by an interruption without.
fn folders(folder: &Path) -> Result<Vec<(Option<usize>, PathBuf)>, TrainingError> {
    let unreadable = |source| TrainingError::File { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        if let Some(number) = name.to_str().and_then(|name| name.strip_prefix("checkpoint-")) {
            found.push((number.parse().ok(), entry.path()));
        }
    }
    Ok(found)
}

/// All complete checkpoints of a run, by their steps, ascending.
pub(super) fn all(folder: &Path) -> Result<Vec<(usize, PathBuf)>, TrainingError> {
    let mut whole: Vec<(usize, PathBuf)> =
        folders(folder)?.into_iter().filter_map(|(number, path)| Some((number?, path))).collect();
    whole.sort();
    Ok(whole)
}

fn newest(folder: &Path) -> Result<PathBuf, TrainingError> {
    all(folder)?.pop().map(|(_, path)| path).ok_or_else(|| TrainingError::Checkpoint {
        path: folder.to_owned(),
        reason: "no checkpoint is here; start the run again without --resume".to_owned(),
    })
}

pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), TrainingError> {
    serde_json::to_vec_pretty(value)
        .map_err(io::Error::from)
        .and_then(|json| write_whole(path, &json))
        .map_err(|source| TrainingError::File { path: path.to_owned(), source })
}

/// What the run in `folder` is made of.
///
/// # Errors
/// [`TrainingError`] when no run is there or its description is damaged.
pub(super) fn config_of(folder: &Path) -> Result<RunConfig, TrainingError> {
    read_json(&folder.join(RUN_FILE)).map_err(|error| match error {
        TrainingError::File { source, .. }
            if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            TrainingError::Checkpoint {
                path: folder.to_owned(),
                reason: "no run is here; name one of the folders that `doorplate train` makes in \
                         its --out"
                    .to_owned(),
            }
        }
        error => error,
    })
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, TrainingError> {
    let bytes = read_regular(path, MAX_WEIGHTS_BYTES)
        .map_err(|source| TrainingError::File { path: path.to_owned(), source })?;
    from_json(path, &bytes)
}

fn from_json<T: for<'de> Deserialize<'de>>(path: &Path, json: &[u8]) -> Result<T, TrainingError> {
    serde_json::from_slice(json).map_err(|error| TrainingError::Checkpoint {
        path: path.to_owned(),
        reason: format!("damaged ({error})"),
    })
}
