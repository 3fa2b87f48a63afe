//! One training run, from data to the files it leaves.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use burn::{
    module::{Module as _, Param},
    tensor::{Device, Tensor, TensorData},
};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    EarlyStopping, RunConfig, TrainingError, Verdict, WeightAverage,
    checkpoint::{
        Progress, RUN_FILE, State, all as checkpoints, config_of, newest_state, write_json,
    },
    copies::net_on,
    engine::Engine,
    files,
    lost_device::contained,
    material::{Material, mixed},
    targets,
    teacher::{self, Teacher},
};
use crate::{
    classifier::{Architecture, Classifier, EngineError, Network, Standardisation},
    evaluation::Confusion,
    files::write_whole,
};

/// What an epoch gave; a line of `<stem>_measures.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// From 1.
    pub epoch: usize,
    /// The steps' losses, summed.
    pub loss: f64,
    /// Accuracy on the validation digits; `None` when none are held back.
    pub accuracy: Option<f64>,
    /// Training time since the run's start, interruptions not counted.
    pub seconds: f64,
}

/// What a finished run leaves.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// The weights, as safetensors.
    pub weights: PathBuf,
    /// Readings of the validation digits.
    pub validation: Confusion,
    /// All epochs.
    pub epochs: Vec<EpochReport>,
}

/// Watches a run.
pub trait Watcher {
    /// Photos were read, in all so many.
    fn photos_read(&mut self, photos: usize);
    /// Step `step` of `steps` of an epoch is done; the epoch's mean loss so far.
    fn step(&mut self, step: usize, steps: usize, loss: f64);
    /// An epoch is done.
    fn epoch(&mut self, report: &EpochReport);
    /// Whether the run is to stop after this step, with a checkpoint.
    fn stop(&self) -> bool;
}

/// A run that has come to its end.
#[derive(Clone, Debug)]
pub struct FinishedRun {
    /// What it was made of.
    pub config: RunConfig,
    /// Its network.
    pub architecture: &'static Architecture,
    /// Its weights, as safetensors.
    pub weights: Vec<u8>,
    /// Its curves, as SVG.
    pub curves: Vec<u8>,
    /// Different digits it was trained on.
    pub trained_digits: u64,
    /// Its epochs.
    pub epochs: Vec<EpochReport>,
    /// Share of the validation digits that its weights read right, if any were held back.
    pub accuracy: Option<f64>,
}

/// Reads what the finished run in `folder` left.
///
/// # Errors
/// [`TrainingError`] when a file is missing or damaged, or the run has not come to its end.
pub fn finished_run(folder: &Path) -> Result<FinishedRun, TrainingError> {
    let config = config_of(folder)?;
    let state = newest_state(folder)?;
    if !state.ended(&config) {
        return Err(TrainingError::Checkpoint {
            path: folder.to_owned(),
            reason: format!(
                "the run has finished {} of {} epochs; go on with `doorplate train --resume`",
                state.finished.len(),
                config.epochs
            ),
        });
    }
    let read =
        |path: PathBuf| fs::read(&path).map_err(|source| TrainingError::File { path, source });
    Ok(FinishedRun {
        architecture: Architecture::named(&config.net)?,
        weights: read(files::weights(folder, &config))?,
        curves: read(files::curves(folder, &config))?,
        trained_digits: state.trained_digits,
        accuracy: match state.early_stopping.and_then(|judge| judge.best()) {
            Some(best) => Some(best.accuracy),
            None => state.finished.last().and_then(|last| last.accuracy),
        },
        epochs: state.finished,
        config,
    })
}

impl State {
    /// Whether the run has come to its end.
    fn ended(&self, config: &RunConfig) -> bool {
        self.ended_early || self.finished.len() >= config.epochs
    }
}

/// Runs `config` in `runs/<stem>` as [`train`] does, but takes up what is there of it already: a
/// run of the same configuration that was interrupted goes on, and a finished one is left alone.
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
        train(config, runs, devices, watcher)?;
    } else if config_of(&folder).ok().as_ref() != Some(config) {
        return Err(TrainingError::OtherRun { folder });
    } else if checkpoints(&folder)?.is_empty() {
        begin(config, &folder, devices, watcher)?;
    } else if !newest_state(&folder)?.ended(config) || finished_run(&folder).is_err() {
        resume(&folder, devices, watcher)?;
    }
    finished_run(&folder)
}

/// Runs `config` from its start in `runs/<stem>` on `devices`: the CPU, or one or more others,
/// which share each batch.
///
/// # Errors
/// [`TrainingError`]; a run that has reached its first checkpoint can be resumed.
pub fn train(
    config: &RunConfig,
    runs: &Path,
    devices: &[Device],
    watcher: &mut dyn Watcher,
) -> Result<RunOutcome, TrainingError> {
    let folder = runs.join(&config.stem);
    if folder.exists() {
        return Err(TrainingError::RunExists { folder });
    }
    begin(config, &folder, devices, watcher)
}

fn begin(
    config: &RunConfig,
    folder: &Path,
    devices: &[Device],
    watcher: &mut dyn Watcher,
) -> Result<RunOutcome, TrainingError> {
    // Read everything before making a folder, so that a mistyped path leaves nothing behind.
    let architecture = Architecture::named(&config.net)?;
    let teachers = teachers(config, architecture, first(devices))?;
    let material = load(config, architecture, watcher)?;
    if config.patience.is_some() && material.validation_len() == 0 {
        return Err(TrainingError::NothingToJudgeBy);
    }
    let cpu = Device::flex();
    cpu.seed(config.seed);
    let mut net = match &config.start {
        Some(path) => started_from(path, architecture, &cpu)?,
        None => Network::new(architecture, &cpu.autodiff()),
    };
    if let (None, Some((mean, deviation))) = (&config.start, material.measure_standardisation()) {
        net.mean = net.mean.map(|param| with_values(param, mean));
        net.deviation = net.deviation.map(|param| with_values(param, deviation));
    }
    // Weights are drawn when they are first asked for: here, on the CPU, so that a seed gives the
    // same ones whatever computes, and before steps draw dropout from the same chance.
    let net = net_on(&first(devices).clone().autodiff(), &net)?;
    fs::create_dir_all(folder)
        .map_err(|source| TrainingError::File { path: folder.to_owned(), source })?;
    write_json(&folder.join(RUN_FILE), config)?;
    let start = Progress {
        optimizer: config.optimizer.init(),
        average: config.averaging.map(|decay| WeightAverage::new(decay, &net)),
        net,
        state: State {
            finished: Vec::new(),
            steps: 0,
            loss: 0.0,
            seconds: 0.0,
            trained_digits: material.train_len() as u64,
            early_stopping: config.patience.map(EarlyStopping::new),
            ended_early: false,
            average_updates: 0,
        },
        best: None,
    };
    Run { config, folder, material: &material, devices }.go_on(start, &teachers, watcher)
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
    let architecture = Architecture::named(&config.net)?;
    let start = Progress::from_checkpoint(folder, &config, architecture, first(devices))?;
    let teachers = teachers(&config, architecture, first(devices))?;
    let material = load(&config, architecture, watcher)?;
    if material.train_len() as u64 != start.state.trained_digits {
        return Err(TrainingError::Checkpoint {
            path: folder.to_owned(),
            reason: format!(
                "the run was trained on {} digits, but its data have {} now; put back what they \
                 were, or start anew",
                start.state.trained_digits,
                material.train_len()
            ),
        });
    }
    Run { config: &config, folder, material: &material, devices }.go_on(start, &teachers, watcher)
}

fn load(
    config: &RunConfig,
    architecture: &'static Architecture,
    watcher: &mut dyn Watcher,
) -> Result<Material, TrainingError> {
    let mut photos = 0;
    let read = |more: usize| {
        photos += more;
        watcher.photos_read(photos);
    };
    let validate_on = config.validate_on.as_deref();
    let RunConfig { data, validation, seed, .. } = config;
    Ok(Material::load(data, architecture, *validation, validate_on, *seed, read)?)
}

/// The network with the weights of an earlier run, which go on to be trained.
fn started_from(
    path: &Path,
    architecture: &'static Architecture,
    device: &Device,
) -> Result<Network, TrainingError> {
    let unusable = |reason: String| TrainingError::Weights { path: path.to_owned(), reason };
    let bytes = fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let classifier = Classifier::from_safetensors(architecture, bytes, device)
        .map_err(|error| unusable(error.to_string()))?;
    Ok(classifier.into_network().train())
}

fn teachers(
    config: &RunConfig,
    pupil: &'static Architecture,
    device: &Device,
) -> Result<Vec<Teacher>, TrainingError> {
    config.teachers.iter().map(|path| Teacher::load(path, pupil, device)).collect()
}

/// The device that holds the network.
fn first(devices: &[Device]) -> &Device {
    devices.first().expect("the command line gives at least one device")
}

fn with_values(param: Param<Tensor<3>>, values: Vec<f32>) -> Param<Tensor<3>> {
    param.map(|old| {
        let data = TensorData::new(values, old.dims());
        Tensor::from_data(data, &old.device()).set_require_grad(false)
    })
}

/// What stays the same from step to step.
struct Run<'a> {
    config: &'a RunConfig,
    folder: &'a Path,
    material: &'a Material,
    devices: &'a [Device],
}

impl Run<'_> {
    /// Takes all steps from `start` on; a device that is lost on the way ends the run with an error.
    fn go_on(
        &self,
        start: Progress,
        teachers: &[Teacher],
        watcher: &mut dyn Watcher,
    ) -> Result<RunOutcome, TrainingError> {
        let done = if matches!(self.devices, [device] if *device == Device::flex()) {
            self.train(start, teachers, watcher)
        } else {
            contained(|| self.train(start, teachers, watcher))
                .map_err(TrainingError::Engine)
                .flatten()
        };
        done.map_err(|error| match error {
            TrainingError::Engine(source) => {
                TrainingError::Device { source, folder: self.folder.to_owned() }
            }
            error => error,
        })
    }

    fn train(
        &self,
        mut progress: Progress,
        teachers: &[Teacher],
        watcher: &mut dyn Watcher,
    ) -> Result<RunOutcome, TrainingError> {
        let config = self.config;
        let architecture = progress.net.architecture();
        let standardisation = Standardisation::of(&progress.net)?;
        let mut engine = Engine::new(architecture, self.devices);
        if let Some(chance) = config.dropout {
            progress.net = progress.net.with_dropout(chance);
        }
        if let Engine::Cpu(_) = engine {
            // Autodiff notes every weight of every step, and forgets them in its backward pass
            // only, which our own passes never call: a long run would fill the memory.
            progress.net = progress.net.no_grad();
        }
        let batch = config.batch.max(1);
        let steps_an_epoch = self.material.epoch_len().div_ceil(batch);
        let steps = steps_an_epoch * config.epochs;
        let before = progress.state.seconds;
        let started = Instant::now();
        while !progress.state.ended(config) {
            let epoch = progress.state.finished.len();
            // Each epoch's and step's chance depends on the seed and its number alone, so that a
            // resumed run draws what an unbroken one draws.
            let epoch_seed = mixed(config.seed, epoch as u64);
            let mut order: Vec<usize> = (0..self.material.epoch_len()).collect();
            order.shuffle(&mut ChaCha8Rng::seed_from_u64(epoch_seed));
            for (i, positions) in order.chunks(batch).enumerate().skip(progress.state.steps) {
                let step_seed = mixed(epoch_seed, i as u64);
                let (mut inputs, digits) =
                    self.material.batch(positions, &config.augmentation, step_seed);
                let mut targets = targets::of_digits(&digits, config.smoothing);
                teacher::teach(teachers, &inputs, config.teaching, &mut targets)?;
                standardisation.apply(&mut inputs);
                let step = engine.step(&progress.net, &inputs, &targets, step_seed)?;
                if !step.loss.is_finite() {
                    return Err(self.diverged(step.loss, epoch, i));
                }
                let done = epoch * steps_an_epoch + i;
                let rate = config.learning_rate.rate(done, steps);
                progress.net = progress.optimizer.step(rate, progress.net, step.gradients);
                if let Some(average) = &mut progress.average {
                    average.update(&progress.net);
                }
                progress.state.steps = i + 1;
                progress.state.loss += f64::from(step.loss);
                progress.state.seconds = before + started.elapsed().as_secs_f64();
                watcher.step(i + 1, steps_an_epoch, progress.state.loss / (i + 1) as f64);
                if i + 1 == steps_an_epoch {
                    // The epoch is finished first: its checkpoint is the next thing.
                    break;
                }
                let stop = watcher.stop();
                let due = config.checkpoint_every.is_some_and(|every| (done + 1) % every == 0);
                if stop || due {
                    self.save(&mut progress, epoch, i, done + 1)?;
                }
                if stop {
                    return Err(self.stopped(epoch, i));
                }
            }
            if !progress.is_finite()? {
                return Err(self.diverged(f32::NAN, epoch, steps_an_epoch - 1));
            }
            self.finish_epoch(&mut progress, &standardisation)?;
            progress.state.seconds = before + started.elapsed().as_secs_f64();
            let last = steps_an_epoch - 1;
            self.save(&mut progress, epoch, last, (epoch + 1) * steps_an_epoch)?;
            files::write_measures(self.folder, config, &progress.state.finished)?;
            if let Some(report) = progress.state.finished.last() {
                watcher.epoch(report);
            }
            if watcher.stop() && !progress.state.ended(config) {
                return Err(self.stopped(epoch, last));
            }
        }
        self.leave(&progress, &standardisation)
    }

    /// Writes a checkpoint after step `step` of epoch `epoch` (both from 0), the `steps`-th of the
    /// run; one that cannot be gone on from is never written.
    fn save(
        &self,
        progress: &mut Progress,
        epoch: usize,
        step: usize,
        steps: usize,
    ) -> Result<(), TrainingError> {
        if !progress.is_finite()? {
            return Err(self.diverged(f32::NAN, epoch, step));
        }
        progress.save(self.folder, steps)
    }

    /// After step `step` of epoch `epoch` (both from 0), with a checkpoint.
    fn stopped(&self, epoch: usize, step: usize) -> TrainingError {
        TrainingError::Stopped { epoch: epoch + 1, step: step + 1, folder: self.folder.to_owned() }
    }

    fn diverged(&self, loss: f32, epoch: usize, step: usize) -> TrainingError {
        TrainingError::Diverged {
            loss,
            epoch: epoch + 1,
            step: step + 1,
            folder: self.folder.to_owned(),
        }
    }

    /// Measures an epoch, and judges it where the run may end early.
    fn finish_epoch(
        &self,
        progress: &mut Progress,
        standardisation: &Standardisation,
    ) -> Result<(), TrainingError> {
        let reader = self.reader(progress)?;
        let accuracy = self.validate(&reader, standardisation)?.accuracy();
        let state = &mut progress.state;
        let epoch = state.finished.len() + 1;
        state.finished.push(EpochReport {
            epoch,
            loss: state.loss,
            accuracy,
            seconds: state.seconds,
        });
        (state.steps, state.loss) = (0, 0.0);
        if let (Some(judge), Some(accuracy)) = (&mut state.early_stopping, accuracy) {
            match judge.judge(epoch, accuracy) {
                Verdict::Best => progress.best = Some(reader.to_safetensors()?),
                Verdict::Wait => {}
                Verdict::Stop => state.ended_early = true,
            }
        }
        Ok(())
    }

    /// The network to read with: averaged where the run averages, without autodiff.
    fn reader(&self, progress: &Progress) -> Result<Classifier, EngineError> {
        let net = match &progress.average {
            Some(average) => average.apply_to(&progress.net),
            None => self.config.optimizer.net_for_reading(&progress.optimizer, &progress.net),
        };
        Classifier::new(net, first(self.devices).clone())
    }

    fn validate(
        &self,
        reader: &Classifier,
        standardisation: &Standardisation,
    ) -> Result<Confusion, EngineError> {
        let mut confusion = Confusion::default();
        for (inputs, digits) in self.material.validation(standardisation) {
            let readings = pollster::block_on(reader.read_inputs(&inputs))?;
            for (digit, reading) in digits.iter().zip(readings) {
                confusion.count(*digit, reading.best().0);
            }
        }
        Ok(confusion)
    }

    /// Writes the files of a run that has come to its end.
    fn leave(
        &self,
        progress: &Progress,
        standardisation: &Standardisation,
    ) -> Result<RunOutcome, TrainingError> {
        let (reader, bytes) = match &progress.best {
            Some(best) => {
                let (architecture, device) = (progress.net.architecture(), first(self.devices));
                let reader = Classifier::from_safetensors(architecture, best.clone(), device)
                    .map_err(|error| EngineError(error.to_string()))?;
                (reader, best.clone())
            }
            None => {
                let reader = self.reader(progress)?;
                let bytes = reader.to_safetensors()?;
                (reader, bytes)
            }
        };
        let validation = self.validate(&reader, standardisation)?;
        let weights = files::weights(self.folder, self.config);
        write_whole(&weights, &bytes)
            .map_err(|source| TrainingError::File { path: weights.clone(), source })?;
        files::write_results(self.folder, self.config, progress, self.devices, &validation)?;
        let measure = "accuracy on the validation digits";
        files::write_curves(self.folder, self.config, measure, &progress.state.finished)?;
        Ok(RunOutcome { weights, validation, epochs: progress.state.finished.clone() })
    }
}
