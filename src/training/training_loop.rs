//! The loop that trains every kind of network: steps, epochs, checkpoints, and the end.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use burn::{module::Module as _, tensor::Device};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;

use super::{
    EarlyStopping, EpochReport, RunConfig, RunOutcome, TrainingError, Verdict, Watcher,
    WeightAverage,
    checkpoint::{Progress, RUN_FILE, State, all as checkpoints, config_of, write_json},
    copies::net_on,
    data_parallel::on_host,
    files,
    lost_device::contained,
    material::mixed,
    sums::write_sums,
    task::Task,
};
use crate::{
    classifier::{EngineError, MAX_WEIGHTS_BYTES},
    files::{Lock, Sharing, read_listed, remove_drafts, write_whole},
};

/// A run, and what stays the same from step to step.
pub(super) struct Run<'a, T> {
    config: &'a RunConfig,
    folder: &'a Path,
    devices: &'a [Device],
    task: T,
}

/// Where a new run goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// This folder, in which the same run may have been begun.
    Folder(&'a Path),
    /// A new folder in this one.
    Within(&'a Path),
}

/// Keeps other processes from training in the same folder, and removes what one that was killed
/// left there.
fn lock_of(folder: &Path) -> Result<Lock, TrainingError> {
    let failed = |source| TrainingError::File { path: folder.to_owned(), source };
    let lock = Lock::take(folder.join(".lock"), Sharing::Nobody, Duration::ZERO).map_err(failed)?;
    if lock.keeps_away() {
        remove_drafts(folder).map_err(failed)?;
    }
    Ok(lock)
}

impl<T: Task> Run<'_, T> {
    /// Trains from the start.
    pub(super) fn begin(
        config: &RunConfig,
        place: Place<'_>,
        devices: &[Device],
        watcher: &mut dyn Watcher,
    ) -> Result<RunOutcome, TrainingError> {
        // Read everything before making a folder, so that a mistyped path leaves nothing behind.
        let task = T::load(config, devices, watcher)?;
        if config.patience.is_some() && !task.validates() {
            return Err(TrainingError::NothingToJudgeBy);
        }
        let cpu = Device::flex();
        cpu.seed(config.seed);
        let net = match &config.start {
            Some(path) => started_from::<T>(path, config, &cpu)?,
            None => task.fitted(T::untrained(config, &cpu.autodiff())?),
        };
        // Weights are drawn when they are first asked for: here, on the CPU, so that a seed gives
        // the same ones whatever computes, and before steps draw dropout by the same generator.
        let net = net_on(first(devices), &net)?;
        let (config, folder) = match place {
            Place::Within(runs) => files::claim(config, runs)?,
            Place::Folder(folder) => {
                let failed = |source| TrainingError::File { path: folder.to_owned(), source };
                fs::create_dir_all(folder).map_err(failed)?;
                (config.clone(), folder.to_owned())
            }
        };
        let (config, folder) = (&config, folder.as_path());
        let _lock = lock_of(folder)?;
        let other = config_of(folder).ok().as_ref() != Some(config);
        if folder.join(RUN_FILE).exists() && (other || !checkpoints(folder)?.is_empty()) {
            // Of a run that was started in the same moment.
            return Err(TrainingError::RunExists { folder: folder.to_owned() });
        }
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
                trained_on: task.trained_on(),
                early_stopping: config.patience.map(EarlyStopping::new),
                ended_early: false,
                average_updates: 0,
            },
            best: None,
        };
        Run { config, folder, devices, task }.go_on(start, watcher)
    }

    /// Goes on from the last checkpoint.
    pub(super) fn resume(
        config: &RunConfig,
        folder: &Path,
        devices: &[Device],
        watcher: &mut dyn Watcher,
    ) -> Result<RunOutcome, TrainingError> {
        let _lock = lock_of(folder)?;
        let untrained = T::untrained(config, &first(devices).clone().autodiff())?;
        let start = Progress::from_checkpoint(folder, config, untrained)?;
        let task = T::load(config, devices, watcher)?;
        if task.trained_on() != start.state.trained_on {
            return Err(TrainingError::Checkpoint {
                path: folder.to_owned(),
                reason: format!(
                    "the run was trained on {} {}, but its data have {} now; restore the data, or \
                     start a new run",
                    start.state.trained_on,
                    T::EXAMPLES,
                    task.trained_on()
                ),
            });
        }
        Run { config, folder, devices, task }.go_on(start, watcher)
    }

    /// Takes all steps from `start` on; if a device is lost, the run ends with an error.
    fn go_on(
        &self,
        start: Progress<T::Net>,
        watcher: &mut dyn Watcher,
    ) -> Result<RunOutcome, TrainingError> {
        let done = if on_host(self.devices) {
            self.train(start, watcher)
        } else {
            contained(|| self.train(start, watcher)).map_err(TrainingError::Engine).flatten()
        };
        done.map_err(|error| match error {
            TrainingError::Engine(reason) => {
                TrainingError::Device { reason, folder: self.folder.to_owned() }
            }
            error => error,
        })
    }

    fn train(
        &self,
        mut progress: Progress<T::Net>,
        watcher: &mut dyn Watcher,
    ) -> Result<RunOutcome, TrainingError> {
        let config = self.config;
        progress.net = self.task.with_options(progress.net);
        let mut engine = self.task.engine(&progress.net, self.devices)?;
        if on_host(self.devices) {
            // Autodiff notes every weight of every step, and forgets them in its backward pass
            // only, which our own passes never call: a long run would fill the memory.
            progress.net = progress.net.no_grad();
        }
        let step_len = self.task.step_len().max(1);
        let steps_an_epoch = self.task.epoch_len().div_ceil(step_len);
        let steps = steps_an_epoch * config.epochs;
        let before = progress.state.seconds;
        let started = Instant::now();
        while !progress.state.ended(config) {
            let epoch = progress.state.finished.len();
            // What an epoch and a step draw at random depends on the seed and their numbers alone,
            // so that a resumed run draws what an unbroken one draws.
            let epoch_seed = mixed(config.seed, epoch as u64);
            let mut order: Vec<usize> = (0..self.task.epoch_len()).collect();
            order.shuffle(&mut ChaCha8Rng::seed_from_u64(epoch_seed));
            for (i, positions) in order.chunks(step_len).enumerate().skip(progress.state.steps) {
                let step_seed = mixed(epoch_seed, i as u64);
                let step = self.task.step(&mut engine, &progress.net, positions, step_seed)?;
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
            self.finish_epoch(&mut progress)?;
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
        self.leave(&progress)
    }

    /// Writes a checkpoint after step `step` of epoch `epoch` (both from 0), the `steps`-th of the
    /// run; one that cannot be gone on from is never written.
    fn save(
        &self,
        progress: &mut Progress<T::Net>,
        epoch: usize,
        step: usize,
        steps: usize,
    ) -> Result<(), TrainingError> {
        if !progress.is_finite()? {
            return Err(self.diverged(f32::NAN, epoch, step));
        }
        progress.save(self.folder, self.config, steps)
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
    fn finish_epoch(&self, progress: &mut Progress<T::Net>) -> Result<(), TrainingError> {
        let reader = self.reader(progress);
        let share = self.task.validate(&reader)?.map(|validation| validation.share);
        let state = &mut progress.state;
        let epoch = state.finished.len() + 1;
        let (loss, seconds) = (state.loss, state.seconds);
        state.finished.push(EpochReport { epoch, loss, accuracy: share, seconds });
        (state.steps, state.loss) = (0, 0.0);
        if let (Some(judge), Some(share)) = (&mut state.early_stopping, share) {
            match judge.judge(epoch, share) {
                Verdict::Best => progress.best = Some(T::to_safetensors(&reader)?),
                Verdict::Wait => {}
                Verdict::Stop => state.ended_early = true,
            }
        }
        Ok(())
    }

    /// The network to read with: averaged where the run averages, without autodiff.
    fn reader(&self, progress: &Progress<T::Net>) -> T::Net {
        match &progress.average {
            Some(average) => average.apply_to(&progress.net),
            None => self.config.optimizer.net_for_reading(&progress.optimizer, &progress.net),
        }
    }

    /// Writes the files of a finished run.
    fn leave(&self, progress: &Progress<T::Net>) -> Result<RunOutcome, TrainingError> {
        let (reader, bytes) = match &progress.best {
            Some(best) => {
                let reader = T::from_safetensors(self.config, best.clone(), first(self.devices));
                (reader.map_err(EngineError::Input)?, best.clone())
            }
            None => {
                let reader = self.reader(progress);
                let bytes = T::to_safetensors(&reader)?;
                (reader, bytes)
            }
        };
        let validation = self.task.validate(&reader)?;
        let epochs = progress.state.finished.clone();
        let weights = files::weights(self.folder, self.config);
        write_whole(&weights, &bytes)
            .map_err(|source| TrainingError::File { path: weights.clone(), source })?;
        write_sums(self.folder, [(files::weights_name(self.config).as_str(), &bytes[..])])?;
        let found = validation.as_ref();
        files::write_results::<T>(self.folder, self.config, progress, self.devices, found)?;
        files::write_curves(self.folder, self.config, T::MEASURE, &epochs)?;
        Ok(RunOutcome { weights, validation, epochs })
    }
}

/// The network with the weights of an earlier run, to be trained further.
fn started_from<T: Task>(
    path: &Path,
    config: &RunConfig,
    device: &Device,
) -> Result<T::Net, TrainingError> {
    let unusable = |reason: String| TrainingError::Weights { path: path.to_owned(), reason };
    let bytes =
        read_listed(path, MAX_WEIGHTS_BYTES).map_err(|error| unusable(error.to_string()))?;
    Ok(T::from_safetensors(config, bytes, device).map_err(unusable)?.train())
}

/// The device that holds the network.
fn first(devices: &[Device]) -> &Device {
    devices.first().expect("the command line gives at least one device")
}
