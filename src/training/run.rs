//! One training run, from data to the files it leaves.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use burn::{
    module::Module,
    nn::loss::CrossEntropyLossConfig,
    optim::{
        AdaGradConfig, AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig,
        momentum::MomentumConfig,
    },
    store::{ModuleRecord, RecordError},
    tensor::{Bytes, Device, Int, Tensor, TensorData},
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::examples::{Augmentation, Example, SIDE, cut_examples};
use crate::{
    classifier::{Architecture, Classifier, ConvNet, EngineError},
    dataset::{
        format1::{Format1, Format1Error},
        split::split_by_photo,
    },
    evaluation::Confusion,
    files::write_whole,
};

const RUN_FILE: &str = "run.json";
const STATE_FILE: &str = "state.json";
const MODEL_FILE: &str = "model.bpk";
const OPTIMIZER_FILE: &str = "optimizer.bpk";

/// What a run is made of; `run.json` in its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// The network's name.
    pub net: String,
    /// The Format 1 folder.
    pub data: PathBuf,
    /// Passes over the training digits.
    pub epochs: usize,
    /// Digits a step.
    pub batch: usize,
    /// Highest learning rate.
    pub rate: f64,
    /// How the rate changes over the run.
    pub schedule: Schedule,
    /// The optimiser.
    pub optimizer: OptimizerKind,
    /// Share of the target spread over all digits.
    pub smoothing: f32,
    /// Share of the photos held back for validation.
    pub validation: f64,
    /// Draws the split, the order, the augmentation, the first weights and the dropout.
    pub seed: u64,
    /// How inputs are varied.
    pub augmentation: Augmentation,
    /// The files' common stem: id (if any), program, date and time.
    pub stem: String,
}

impl RunConfig {
    /// The command that starts this run again, but for the folder of the data and the time.
    pub fn command(&self) -> String {
        let mut command = format!(
            "doorplate train --data DIR --net {} --epochs {} --batch {} --rate {} --schedule {} \
             --optimizer {} --smoothing {} --validation {} --seed {}",
            self.net,
            self.epochs,
            self.batch,
            self.rate,
            option_name(&self.schedule),
            option_name(&self.optimizer),
            self.smoothing,
            self.validation,
            self.seed
        );
        if self.augmentation == Augmentation::NONE {
            command.push_str(" --no-augmentation");
        }
        command
    }
}

/// An option's value as the command line takes it.
fn option_name<T: clap::ValueEnum>(value: &T) -> String {
    value.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned())
}

/// A run that has come to its end.
#[derive(Clone, Debug)]
pub struct FinishedRun {
    /// What it was made of.
    pub config: RunConfig,
    /// Its network.
    pub architecture: Architecture,
    /// Its weights, as safetensors.
    pub weights: Vec<u8>,
    /// Digits it was trained on.
    pub trained_digits: u64,
}

/// Reads what the finished run in `folder` left.
///
/// # Errors
/// [`TrainingError`] when a file is missing or damaged, or the run has not come to its end.
pub fn finished_run(folder: &Path) -> Result<FinishedRun, TrainingError> {
    let config: RunConfig = read_json(&folder.join(RUN_FILE))?;
    let state: State = read_json(&newest_checkpoint(folder)?.join(STATE_FILE))?;
    let unusable = |reason: String| TrainingError::Checkpoint { path: folder.to_owned(), reason };
    if state.finished.len() < config.epochs {
        return Err(unusable(format!(
            "the run has finished {} of {} epochs; go on with `doorplate train --resume`",
            state.finished.len(),
            config.epochs
        )));
    }
    let path = folder.join(format!("{}.safetensors", config.stem));
    let weights = fs::read(&path).map_err(|source| TrainingError::File { path, source })?;
    let architecture = config.net.parse().map_err(unusable)?;
    Ok(FinishedRun { architecture, weights, trained_digits: state.trained_digits, config })
}

/// How the learning rate changes over the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// The same all along.
    Constant,
    /// Rises over the first twentieth, then falls to zero along a cosine.
    Cosine,
}

impl Schedule {
    /// The rate at `step` of `steps`.
    fn rate(self, highest: f64, step: usize, steps: usize) -> f64 {
        match self {
            Schedule::Constant => highest,
            Schedule::Cosine => {
                // Steps stay far below 2^52, where f64 is exact.
                let warm_up = (steps / 20).max(1) as f64;
                let (step, steps) = (step as f64, steps as f64);
                if step < warm_up {
                    highest * (step + 1.0) / warm_up
                } else {
                    let done = (step - warm_up) / (steps - warm_up).max(1.0);
                    highest * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
                }
            }
        }
    }
}

/// The optimisers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam (Kingma and Ba, 2014).
    Adam,
    /// AdaGrad (Duchi et al., 2011).
    Adagrad,
    /// Stochastic gradient descent with momentum .9.
    Sgd,
}

impl OptimizerKind {
    fn init(self) -> ModuleOptimizer {
        match self {
            // PyTorch's epsilon; Burn's default of 1e-5 damps small gradients.
            OptimizerKind::Adam => AdamConfig::new().with_epsilon(1e-8).init(),
            OptimizerKind::Adagrad => AdaGradConfig::new().init(),
            OptimizerKind::Sgd => {
                let momentum = MomentumConfig::new().with_momentum(0.9);
                SgdConfig::new().with_momentum(Some(momentum)).init()
            }
        }
    }
}

/// Why a run stops before its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] Format1Error),
    /// Nothing to train on.
    #[error(
        "{}: no digit is left to train on after {validation:.0} % of the photos are held back \
         for validation. Give more photos, or lower --validation",
        data.display()
    )]
    NoDigits {
        /// The folder.
        data: PathBuf,
        /// Percent held back.
        validation: f64,
    },
    /// A file of the run cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A run's folder is there already.
    #[error(
        "{}: a run of this name is here already; resume it with --resume, or give another --id",
        folder.display()
    )]
    RunExists {
        /// The folder.
        folder: PathBuf,
    },
    /// A checkpoint or the run's description is damaged, or there is none.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// File or folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The loss is no number any more.
    #[error(
        "the loss became {loss} in epoch {epoch}; the last good checkpoint is kept in {}. \
         Try a lower --rate",
        folder.display()
    )]
    Diverged {
        /// The loss.
        loss: f32,
        /// The epoch, from 1.
        epoch: usize,
        /// The run's folder.
        folder: PathBuf,
    },
    /// The device failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What an epoch gave; a line of `<stem>_measures.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// From 1.
    pub epoch: usize,
    /// The steps' losses, summed.
    pub loss: f32,
    /// Accuracy on the validation photos; `None` when none are held back.
    pub accuracy: Option<f64>,
    /// Training time since the run's start, checkpoints and interruptions not counted.
    pub seconds: f64,
}

/// What a finished run leaves.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// The weights, as safetensors.
    pub weights: PathBuf,
    /// Readings of the validation photos.
    pub validation: Confusion,
    /// All epochs.
    pub epochs: Vec<EpochReport>,
}

/// Where a run stands between two epochs.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    finished: Vec<EpochReport>,
    trained_digits: u64,
}

/// Runs `config` from its start in `runs/<stem>`, calling `on_epoch` after each epoch.
///
/// # Errors
/// [`TrainingError`]; a run that has reached its first checkpoint can be resumed.
pub fn train(
    config: &RunConfig,
    architecture: Architecture,
    runs: &Path,
    device: &Device,
    on_step: &mut dyn FnMut(usize, usize, f32),
    on_epoch: &mut dyn FnMut(&EpochReport),
) -> Result<RunOutcome, TrainingError> {
    let folder = runs.join(&config.stem);
    if folder.exists() {
        return Err(TrainingError::RunExists { folder });
    }
    // Read the data before making a folder, so that a mistyped --data leaves nothing behind.
    let material = Material::load(config)?;
    fs::create_dir_all(&folder)
        .map_err(|source| TrainingError::File { path: folder.clone(), source })?;
    write_json(&folder.join(RUN_FILE), config)?;
    device.seed(config.seed);
    let start = Progress {
        net: architecture.init(&device.clone().autodiff()),
        optimizer: config.optimizer.init(),
        state: State { finished: Vec::new(), trained_digits: material.examples.len() as u64 },
    };
    go_on(config, architecture, &folder, &material, start, device, on_step, on_epoch)
}

/// Goes on with the run in `folder` from its last checkpoint.
///
/// # Errors
/// [`TrainingError`]; among them that there is no checkpoint.
pub fn resume(
    folder: &Path,
    device: &Device,
    on_step: &mut dyn FnMut(usize, usize, f32),
    on_epoch: &mut dyn FnMut(&EpochReport),
) -> Result<RunOutcome, TrainingError> {
    let config: RunConfig = read_json(&folder.join(RUN_FILE))?;
    let architecture = config
        .net
        .parse()
        .map_err(|reason| TrainingError::Checkpoint { path: folder.join(RUN_FILE), reason })?;
    let start = Progress::from_checkpoint(folder, &config, architecture, device)?;
    let material = Material::load(&config)?;
    go_on(&config, architecture, folder, &material, start, device, on_step, on_epoch)
}

/// The data of a run, ready to draw from.
struct Material {
    data: Format1,
    validation_photos: Vec<usize>,
    examples: Vec<Example>,
}

impl Material {
    fn load(config: &RunConfig) -> Result<Self, TrainingError> {
        let data = Format1::open(&config.data)?;
        let split = split_by_photo(data.photos.len(), config.validation, config.seed);
        let examples = cut_examples(&data, &split.train, || ())?;
        if examples.is_empty() {
            return Err(TrainingError::NoDigits {
                data: config.data.clone(),
                validation: 100.0 * config.validation,
            });
        }
        Ok(Material { data, validation_photos: split.validation, examples })
    }
}

/// Network and optimiser between two epochs.
struct Progress {
    net: ConvNet,
    optimizer: ModuleOptimizer,
    state: State,
}

impl Progress {
    fn from_checkpoint(
        folder: &Path,
        config: &RunConfig,
        architecture: Architecture,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let checkpoint = newest_checkpoint(folder)?;
        let record = |path: PathBuf| -> Result<Bytes, TrainingError> {
            match fs::read(&path) {
                Ok(bytes) => Ok(Bytes::from_bytes_vec(bytes)),
                Err(source) => Err(TrainingError::File { path, source }),
            }
        };
        let damaged = |error: RecordError| TrainingError::Checkpoint {
            path: checkpoint.clone(),
            reason: error.to_string(),
        };
        let model =
            ModuleRecord::from_bytes(record(checkpoint.join(MODEL_FILE))?).map_err(damaged)?;
        let net = architecture
            .init(&device.clone().autodiff())
            .try_load_record(model)
            .map_err(damaged)?;
        let optimizer = config
            .optimizer
            .init()
            .from_bytes(record(checkpoint.join(OPTIMIZER_FILE))?)
            .map_err(damaged)?;
        let state = read_json(&checkpoint.join(STATE_FILE))?;
        Ok(Progress { net, optimizer, state })
    }

    /// Writes a checkpoint whole, then removes the older ones.
    fn save(&self, folder: &Path) -> Result<(), TrainingError> {
        let done = self.state.finished.len();
        let target = folder.join(format!("checkpoint-{done:05}"));
        let draft = folder.join(format!("checkpoint-{done:05}.partial"));
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| TrainingError::File { path, source }
        };
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(at(&draft))?;
        }
        fs::create_dir(&draft).map_err(at(&draft))?;
        let unsaved = |error: RecordError| TrainingError::Checkpoint {
            path: draft.clone(),
            reason: error.to_string(),
        };
        let model = self.net.clone().into_record().into_bytes().map_err(unsaved)?;
        let optimizer = self.optimizer.into_bytes().map_err(unsaved)?;
        for (name, bytes) in [(MODEL_FILE, &model), (OPTIMIZER_FILE, &optimizer)] {
            let path = draft.join(name);
            write_whole(&path, bytes).map_err(at(&path))?;
        }
        write_json(&draft.join(STATE_FILE), &self.state)?;
        fs::rename(&draft, &target).map_err(at(&target))?;
        for (number, older) in checkpoints(folder)? {
            if number < done {
                fs::remove_dir_all(&older).map_err(at(&older))?;
            }
        }
        Ok(())
    }
}

/// The checkpoints in a run's folder, by the epochs they hold.
fn checkpoints(folder: &Path) -> Result<Vec<(usize, PathBuf)>, TrainingError> {
    let unreadable = |source| TrainingError::File { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|n| n.strip_prefix("checkpoint-")?.parse().ok());
        if let Some(number) = number {
            found.push((number, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

fn newest_checkpoint(folder: &Path) -> Result<PathBuf, TrainingError> {
    checkpoints(folder)?.pop().map(|(_, path)| path).ok_or_else(|| TrainingError::Checkpoint {
        path: folder.to_owned(),
        reason: "no checkpoint is here; start the run again without --resume".to_owned(),
    })
}

#[expect(clippy::too_many_arguments, reason = "one caller each from start and resume")]
fn go_on(
    config: &RunConfig,
    architecture: Architecture,
    folder: &Path,
    material: &Material,
    mut progress: Progress,
    device: &Device,
    on_step: &mut dyn FnMut(usize, usize, f32),
    on_epoch: &mut dyn FnMut(&EpochReport),
) -> Result<RunOutcome, TrainingError> {
    let batch = config.batch.max(1);
    let steps_an_epoch = material.examples.len().div_ceil(batch);
    let steps = steps_an_epoch * config.epochs;
    let autodiff = device.clone().autodiff();
    let criterion = CrossEntropyLossConfig::new()
        .with_smoothing((config.smoothing > 0.0).then_some(config.smoothing))
        .init(&autodiff);
    let before = progress.state.finished.last().map_or(0.0, |epoch| epoch.seconds);
    let started = Instant::now();
    let measures = folder.join(format!("{}_measures.csv", config.stem));
    for epoch in progress.state.finished.len()..config.epochs {
        // Every epoch's chance depends on seed and epoch alone, so that a resumed run draws what
        // an unbroken one draws.
        let epoch_seed = config.seed ^ (epoch as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut rng = ChaCha8Rng::seed_from_u64(epoch_seed);
        device.seed(epoch_seed);
        let mut order: Vec<usize> = (0..material.examples.len()).collect();
        order.shuffle(&mut rng);
        let mut loss_sum = 0.0;
        for (i, indices) in order.chunks(batch).enumerate() {
            let mut inputs = Vec::with_capacity(indices.len() * SIDE * SIDE);
            let mut digits = Vec::with_capacity(indices.len());
            for example in indices.iter().filter_map(|&i| material.examples.get(i)) {
                example.draw(&config.augmentation, &mut rng, &mut inputs);
                digits.push(i32::from(example.digit));
            }
            let count = digits.len();
            let input: Tensor<4> =
                Tensor::from_data(TensorData::new(inputs, [count, 1, SIDE, SIDE]), &autodiff);
            let target: Tensor<1, Int> =
                Tensor::from_data(TensorData::new(digits, [count]), &autodiff);
            let loss = criterion.forward(progress.net.forward(input), target);
            let value = loss.clone().into_scalar::<f32>();
            if !value.is_finite() {
                return Err(TrainingError::Diverged {
                    loss: value,
                    epoch: epoch + 1,
                    folder: folder.to_owned(),
                });
            }
            let gradients = GradientsParams::from_grads(loss.backward(), &progress.net);
            let rate = config.schedule.rate(config.rate, epoch * steps_an_epoch + i, steps);
            progress.net = progress.optimizer.step(rate, progress.net, gradients);
            loss_sum += value;
            on_step(i + 1, steps_an_epoch, loss_sum / (i + 1) as f32);
        }
        let reader = Classifier::new(architecture, progress.net.valid(), device.clone())?;
        let confusion = evaluate_photos(
            &reader,
            &material.data,
            material.validation_photos.iter().copied(),
            &mut || (),
        )?;
        let report = EpochReport {
            epoch: epoch + 1,
            loss: loss_sum,
            accuracy: confusion.accuracy(),
            seconds: before + started.elapsed().as_secs_f64(),
        };
        progress.state.finished.push(report);
        progress.save(folder)?;
        let csv = measures_csv(&progress.state.finished);
        write_whole(&measures, csv.as_bytes())
            .map_err(|source| TrainingError::File { path: measures.clone(), source })?;
        on_epoch(&report);
    }

    let reader = Classifier::new(architecture, progress.net.valid(), device.clone())?;
    let validation = evaluate_photos(
        &reader,
        &material.data,
        material.validation_photos.iter().copied(),
        &mut || (),
    )?;
    let weights = folder.join(format!("{}.safetensors", config.stem));
    let bytes = reader.to_safetensors()?;
    write_whole(&weights, &bytes)
        .map_err(|source| TrainingError::File { path: weights.clone(), source })?;
    let results = folder.join(format!("{}_results.txt", config.stem));
    let text = results_text(
        config,
        &progress.net,
        material.examples.len(),
        device,
        &progress.state.finished,
        &validation,
    );
    write_whole(&results, text.as_bytes())
        .map_err(|source| TrainingError::File { path: results, source })?;
    Ok(RunOutcome { weights, validation, epochs: progress.state.finished })
}

/// Reads all digits of these photos (indices into `data.photos`), calling `progress` after each
/// photo.
///
/// # Errors
/// [`TrainingError`] at the first photo that cannot be used, or when the device fails.
pub fn evaluate_photos(
    classifier: &Classifier,
    data: &Format1,
    photos: impl Iterator<Item = usize>,
    progress: &mut dyn FnMut(),
) -> Result<Confusion, TrainingError> {
    let mut confusion = Confusion::default();
    let mut truths = Vec::new();
    let mut inputs = Vec::new();
    let mut read = |truths: &mut Vec<u8>, inputs: &mut Vec<f32>| -> Result<(), TrainingError> {
        for (truth, reading) in
            truths.iter().zip(pollster::block_on(classifier.read_inputs(inputs))?)
        {
            confusion.count(*truth, reading.best().0);
        }
        truths.clear();
        inputs.clear();
        Ok(())
    };
    for entry in photos.filter_map(|i| data.photos.get(i)) {
        let (photo, digits) = data.load(entry)?;
        for digit in digits {
            truths.push(digit.digit);
            inputs.extend(Classifier::input_of(&photo, digit.area));
        }
        if truths.len() >= 32 {
            read(&mut truths, &mut inputs)?;
        }
        progress();
    }
    read(&mut truths, &mut inputs)?;
    Ok(confusion)
}

fn measures_csv(epochs: &[EpochReport]) -> String {
    let mut csv = "epoch,loss,validation_accuracy,seconds\n".to_owned();
    for epoch in epochs {
        let accuracy = epoch.accuracy.map_or(String::new(), |a| format!("{a:.4}"));
        // Writing to a String cannot fail.
        let _ = writeln!(csv, "{},{:.4},{accuracy},{:.1}", epoch.epoch, epoch.loss, epoch.seconds);
    }
    csv
}

fn results_text(
    config: &RunConfig,
    net: &ConvNet,
    digits: usize,
    device: &Device,
    epochs: &[EpochReport],
    validation: &Confusion,
) -> String {
    let (loss, seconds) = epochs.last().map_or((0.0, 0.0), |last| (last.loss, last.seconds));
    let mut text = format!(
        "{net}\n\nNetwork: {}\nImage size: ({SIDE}, {SIDE})\nTotal network weights + biases: {}\n\
         Trained on: {digits} digits of {}\nEpochs: {}\nLearning rate: {} ({:?})\n\
         Batch size: {}\nFinal loss (last epoch, summed): {loss:.4}\nRun device: {device:?}\n\
         Optimizer: {:?}\nLabel smoothing: {}\nAugmentation: {:?}\nSeed: {}\n\
         Elapsed time: {seconds:.0} s\n",
        config.net,
        net.reported_parameter_count(),
        config.data.display(),
        epochs.len(),
        config.rate,
        config.schedule,
        config.batch,
        config.optimizer,
        config.smoothing,
        config.augmentation,
        config.seed,
    );
    // Writing to a String cannot fail.
    let _ = match validation.accuracy() {
        Some(_) => write!(text, "\nOn the validation photos:\n{}", validation.report()),
        None => writeln!(text, "\nNo photos were held back for validation."),
    };
    text
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), TrainingError> {
    serde_json::to_vec_pretty(value)
        .map_err(io::Error::from)
        .and_then(|json| write_whole(path, &json))
        .map_err(|source| TrainingError::File { path: path.to_owned(), source })
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, TrainingError> {
    let bytes =
        fs::read(path).map_err(|source| TrainingError::File { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes).map_err(|error| TrainingError::Checkpoint {
        path: path.to_owned(),
        reason: format!("damaged ({error})"),
    })
}
