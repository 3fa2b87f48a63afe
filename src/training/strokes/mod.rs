//! Trains the stroke network on synthetic photos and the same photos without their digits.

mod loss;
mod passes;
mod patches;

use std::{
    fs, iter,
    path::{Path, PathBuf},
    time::Instant,
};

use burn::{module::Module as _, optim::GradientsParams, tensor::Device};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use self::{
    loss::loss,
    passes::{Passes, Sums},
    patches::{Pair, PairError, Patch, SIDE, Variation},
};
use super::{
    EpochReport, RunConfig, TrainingError, Watcher, WeightAverage,
    checkpoint::{RUN_FILE, config_of, write_json},
    cpu::register,
    files,
    material::{DataError, mixed},
};
use crate::{
    dataset::{
        format1::{Format1, Format1Error},
        store::StoreError,
    },
    files::write_whole,
    strokes::{CELL, StrokeFinder, StrokeNet},
};

/// Photos that validate at most: more would not make the figure surer, but epochs longer.
const VALIDATION_PHOTOS: usize = 1000;

/// Patches of each photo in a step: a large one takes longer to decode than to learn from.
const PATCHES: usize = 4;

/// How a run of the stroke network ended.
#[derive(Clone, Debug)]
pub struct StrokesOutcome {
    /// The weights' file.
    pub weights: PathBuf,
    /// Photos trained on.
    pub photos: usize,
    /// The epochs; their accuracy is the overlap on the validation photos: strokes found, as a
    /// share of those found or missed (intersection over union).
    pub epochs: Vec<EpochReport>,
}

/// Trains the stroke network of `config` in `runs/<stem>`, on this machine's processor.
///
/// Of the options, those of data, epochs, batch, rate, optimiser, validation, averaging and seed
/// hold; patches are varied in a way of their own. The weights are written after every epoch.
///
/// # Errors
/// [`TrainingError`].
pub fn train_strokes(
    config: &RunConfig,
    runs: &Path,
    watcher: &mut dyn Watcher,
) -> Result<StrokesOutcome, TrainingError> {
    let folder = runs.join(&config.stem);
    if folder.exists() {
        return Err(TrainingError::RunExists { folder });
    }
    let sources: Vec<Format1> = config
        .data
        .iter()
        .map(|source| Format1::open(&source.path).map_err(unusable))
        .collect::<Result<_, _>>()?;
    let mut photos: Vec<(usize, usize)> = Vec::new();
    for (i, (data, source)) in sources.iter().zip(&config.data).enumerate() {
        for (n, entry) in data.photos.iter().enumerate() {
            if !entry.digits.is_empty() {
                photos.extend(iter::repeat_n((i, n), source.times));
            }
        }
    }
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    photos.shuffle(&mut rng);
    // A photo that is shown more than once is on one side all the same.
    let mut held_back = photos.clone();
    held_back.sort_unstable();
    held_back.dedup();
    held_back.shuffle(&mut rng);
    let share = (held_back.len() as f64 * config.validation).round() as usize;
    held_back.truncate(share.min(VALIDATION_PHOTOS));
    photos.retain(|photo| !held_back.contains(photo));
    let load = |&(i, n): &(usize, usize), variation: Variation<'_>, count, seed| {
        load_patches(&sources[i], n, variation, count, seed)
    };
    let validation: Vec<Vec<Patch>> = held_back
        .par_iter()
        .map(|photo| load(photo, Variation::None, 1, 0))
        .collect::<Result<_, _>>()?;
    let validation: Vec<Patch> = validation.into_iter().flatten().collect();
    if photos.is_empty() {
        let data: Vec<String> = config.data.iter().map(ToString::to_string).collect();
        let percent = 100.0 * config.validation;
        return Err(DataError::NoDigits { data: data.join(", "), percent }.into());
    }
    watcher.photos_read(photos.len() + validation.len());
    fs::create_dir_all(&folder)
        .map_err(|source| TrainingError::File { path: folder.clone(), source })?;
    write_json(&folder.join(RUN_FILE), config)?;

    let cpu = Device::flex();
    cpu.seed(config.seed);
    // Autodiff notes every weight of every step until a backward pass of its own.
    let mut net = StrokeNet::new(&cpu.clone().autodiff()).no_grad();
    let mut optimizer = config.optimizer.init();
    let mut average = config.averaging.map(|decay| WeightAverage::new(decay, &net));
    let batch = config.batch.div_ceil(PATCHES);
    let steps_an_epoch = photos.len().div_ceil(batch);
    let steps = steps_an_epoch * config.epochs;
    let weights = files::weights(&folder, config);
    let started = Instant::now();
    let mut epochs: Vec<EpochReport> = Vec::new();
    for epoch in 0..config.epochs {
        let epoch_seed = mixed(config.seed, epoch as u64);
        photos.shuffle(&mut ChaCha8Rng::seed_from_u64(epoch_seed));
        let mut epoch_loss = 0.0;
        for (i, batch) in photos.chunks(batch).enumerate() {
            let step_seed = mixed(epoch_seed, i as u64);
            let passes = Passes::new(&net, SIDE / CELL)?;
            let patches: Vec<Vec<Patch>> = batch
                .par_iter()
                .enumerate()
                .map(|(n, photo)| {
                    load(photo, Variation::Drawn(&passes), PATCHES, mixed(step_seed, n as u64))
                })
                .collect::<Result<_, _>>()?;
            let patches: Vec<Patch> = patches.into_iter().flatten().collect();
            let weight: f64 = patches.iter().map(Patch::weight).sum::<f64>().max(1.0);
            let inputs: Vec<&[f32]> = patches.iter().map(|patch| patch.cells.as_slice()).collect();
            let sums = passes
                .sums(&inputs, |i, odds: &[f32]| loss(&patches[i], odds, patches.len(), weight));
            let loss = sums.loss;
            if !loss.is_finite() {
                let (epoch, step) = (epoch + 1, i + 1);
                return Err(TrainingError::Diverged { loss: loss as f32, epoch, step, folder });
            }
            let rate = config.learning_rate.rate(epoch * steps_an_epoch + i, steps);
            net = optimizer.step(rate, net.clone(), gradients(&net, sums));
            if let Some(average) = &mut average {
                average.update(&net);
            }
            epoch_loss += loss;
            watcher.step(i + 1, steps_an_epoch, epoch_loss / (i + 1) as f64);
            if watcher.stop() {
                return Err(TrainingError::StoppedForGood { epoch: epoch + 1, folder });
            }
        }
        let reader = match &average {
            Some(average) => average.apply_to(&net),
            None => net.valid(),
        };
        let report = EpochReport {
            epoch: epoch + 1,
            loss: epoch_loss,
            accuracy: overlap(&Passes::new(&reader, SIDE / CELL)?, &validation),
            seconds: started.elapsed().as_secs_f64(),
        };
        watcher.epoch(&report);
        epochs.push(report);
        let bytes = StrokeFinder::new(reader, cpu.clone())?.to_safetensors()?;
        write_whole(&weights, &bytes)
            .map_err(|source| TrainingError::File { path: weights.clone(), source })?;
        files::write_measures(&folder, config, &epochs)?;
        files::write_curves(&folder, config, "overlap on the validation photos", &epochs)?;
    }
    Ok(StrokesOutcome { weights, photos: photos.len(), epochs })
}

/// A finished run of the stroke network.
#[derive(Clone, Debug)]
pub struct FinishedStrokes {
    /// What it was made of.
    pub config: RunConfig,
    /// Its weights, as safetensors.
    pub weights: Vec<u8>,
    /// Its curves, as SVG.
    pub curves: Vec<u8>,
}

/// Reads what the run in `folder` left; `None` when it is a classifier's.
///
/// # Errors
/// [`TrainingError`] when a file is missing or damaged.
pub fn finished_strokes(folder: &Path) -> Result<Option<FinishedStrokes>, TrainingError> {
    let config = config_of(folder)?;
    if config.net != StrokeNet::NAME {
        return Ok(None);
    }
    let read = |path: PathBuf| {
        fs::read(&path).map_err(|source| TrainingError::File { path: path.clone(), source })
    };
    let weights = read(files::weights(folder, &config))?;
    let curves = read(files::curves(folder, &config))?;
    Ok(Some(FinishedStrokes { config, weights, curves }))
}

/// What the stroke network finds on photos that it has not been trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeasuredStrokes {
    /// The photos.
    pub photos: usize,
    /// Strokes found as a share of those found or missed, 0 to 1.
    pub overlap: f64,
}

/// Measures weights on the synthetic photos of `data`, drawn with `--clean`.
///
/// # Errors
/// [`TrainingError`] when the data cannot be used.
pub fn measure_strokes(
    finder: &StrokeFinder,
    data: &Path,
) -> Result<MeasuredStrokes, TrainingError> {
    let data = Format1::open(data).map_err(unusable)?;
    let patches: Vec<Vec<Patch>> = (0..data.photos.len())
        .into_par_iter()
        .map(|i| load_patches(&data, i, Variation::None, 1, 0))
        .collect::<Result<_, _>>()?;
    let patches: Vec<Patch> = patches.into_iter().flatten().collect();
    let passes = Passes::new(finder.net(), SIDE / CELL)?;
    let overlap = overlap(&passes, &patches).unwrap_or(0.0);
    Ok(MeasuredStrokes { photos: patches.len(), overlap })
}

/// So many patches of a photo; none of one without digits.
fn load_patches(
    data: &Format1,
    i: usize,
    variation: Variation<'_>,
    count: usize,
    seed: u64,
) -> Result<Vec<Patch>, TrainingError> {
    let pair = Pair::load(data, i).map_err(|error| match error {
        PairError::Photo(error) => unusable(error),
        PairError::Clean(reason) => TrainingError::Data(DataError::NoCleanPhoto { reason }),
    })?;
    Ok((0..count as u64).filter_map(|n| pair.patch(variation, mixed(seed, n))).collect())
}

fn unusable(error: Format1Error) -> TrainingError {
    TrainingError::Data(DataError::Store(StoreError::Photos(error)))
}

/// The gradients for Burn's optimisers.
fn gradients(net: &StrokeNet, sums: Sums) -> GradientsParams {
    let mut gradients = GradientsParams::new();
    for (conv, [of_weights, of_biases]) in net.convolutions.iter().zip(sums.gradients) {
        register(&mut gradients, &conv.weight, of_weights);
        if let Some(bias) = &conv.bias {
            register(&mut gradients, bias, of_biases);
        }
    }
    gradients
}

/// Strokes found as a share of those found or missed; `None` without patches.
fn overlap(passes: &Passes, patches: &[Patch]) -> Option<f64> {
    let counts = patches.par_iter().map(|patch| {
        let odds = passes.odds(&patch.cells);
        patch.judged(&odds).fold([0u64; 2], |[both, either], (found, stroke)| {
            [both + u64::from(found && stroke), either + u64::from(found || stroke)]
        })
    });
    let [both, either] = counts.reduce(|| [0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
    (either > 0).then(|| both as f64 / either as f64)
}
