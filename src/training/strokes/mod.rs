//! Trains the stroke network on synthetic photos and the same photos without their digits.

mod loss;
mod patches;

use std::{collections::HashSet, iter, path::Path};

use burn::{module::Module as _, tensor::Device};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use self::{
    loss::loss,
    patches::{Pair, PairError, Patch, SIDE, Variation},
};
use super::{
    RunConfig, TrainingError, Watcher,
    cpu::Step,
    material::{DataError, mixed, refuse_twice},
    task::{Task, Validation},
    unet::{Engine, Passes},
};
use crate::{
    classifier::{EngineError, Precision, safetensors_of},
    dataset::{
        format1::{Format1, Format1Error},
        store::StoreError,
    },
    strokes::{CELL, STROKE_NET, StrokeFinder},
    unet::UNet,
};

/// Photos that validate at most: more would not make the figure surer, but epochs longer.
const VALIDATION_PHOTOS: usize = 1000;

/// Patches of each photo in a step: a large one takes longer to decode than to learn from.
const PATCHES: usize = 4;

/// A photo: which source, and which of its photos.
type Place = (usize, usize);

/// The stroke network's training. Patches have their own augmentation, whatever that of the run is.
pub(super) struct Strokes {
    config: RunConfig,
    sources: Vec<Format1>,
    /// Each as often as it is shown in an epoch.
    photos: Vec<Place>,
    validation: Vec<Patch>,
}

impl Task for Strokes {
    type Net = UNet;
    type Engine = Engine;

    const EXAMPLES: &'static str = "photos";
    const MEASURE: &'static str = "overlap on the validation photos";

    fn load(
        config: &RunConfig,
        _: &[Device],
        watcher: &mut dyn Watcher,
    ) -> Result<Self, TrainingError> {
        let validate_on = config.validate_on.as_deref();
        refuse_twice(&config.data, validate_on)?;
        let paths = config.data.iter().map(|source| source.path.as_path()).chain(validate_on);
        let opened = paths.map(|path| Format1::open(path).map_err(unusable));
        let sources: Vec<Format1> = opened.collect::<Result<_, _>>()?;
        let with_digits = |source: usize| {
            let photos = sources[source].photos.iter().enumerate();
            photos.filter(|(_, entry)| !entry.digits.is_empty()).map(move |(i, _)| (source, i))
        };
        let mut photos: Vec<Place> = Vec::new();
        for (i, source) in config.data.iter().enumerate() {
            photos.extend(with_digits(i).flat_map(|place| iter::repeat_n(place, source.times)));
        }
        // A photo that is shown more than once is on one side all the same.
        let mut held_back: Vec<Place> = match validate_on {
            Some(_) => with_digits(config.data.len()).collect(),
            None => photos.iter().copied().collect::<HashSet<_>>().into_iter().collect(),
        };
        held_back.sort_unstable();
        held_back.shuffle(&mut ChaCha8Rng::seed_from_u64(config.seed));
        let share = if validate_on.is_some() { 1.0 } else { config.validation };
        let share = (held_back.len() as f64 * share).round() as usize;
        held_back.truncate(share.min(VALIDATION_PHOTOS));
        let validating: HashSet<Place> = held_back.iter().copied().collect();
        photos.retain(|photo| !validating.contains(photo));
        if photos.is_empty() {
            let data: Vec<String> = config.data.iter().map(ToString::to_string).collect();
            let percent = 100.0 * config.validation;
            return Err(DataError::NoDigits { data: data.join(", "), percent }.into());
        }
        let validation = held_back.par_iter();
        let validation = validation.map(|&(i, n)| patches(&sources[i], n, Variation::None, 1, 0));
        let validation = gathered(validation)?;
        watcher.photos_read(photos.len() + validation.len());
        Ok(Strokes { config: config.clone(), sources, photos, validation })
    }

    fn untrained(_: &RunConfig, device: &Device) -> Result<UNet, TrainingError> {
        Ok(UNet::new(&STROKE_NET, device))
    }

    fn from_safetensors(_: &RunConfig, bytes: Vec<u8>, device: &Device) -> Result<UNet, String> {
        UNet::from_safetensors(&STROKE_NET, bytes, device)
    }

    fn to_safetensors(net: &UNet) -> Result<Vec<u8>, EngineError> {
        safetensors_of(net, STROKE_NET.name, Precision::Single)
    }

    fn facts(net: &UNet) -> String {
        format!(
            "Input: patches of {SIDE} x {SIDE} pixels\nTotal network weights + biases: {}\n",
            net.num_params()
        )
    }

    fn engine(&self, _: &UNet, devices: &[Device]) -> Result<Engine, EngineError> {
        Ok(Engine::new(devices))
    }

    fn trained_on(&self) -> u64 {
        self.photos.iter().collect::<HashSet<_>>().len() as u64
    }

    fn epoch_len(&self) -> usize {
        self.photos.len()
    }

    fn step_len(&self) -> usize {
        self.config.batch.div_ceil(PATCHES)
    }

    fn validates(&self) -> bool {
        !self.validation.is_empty()
    }

    fn step(
        &self,
        engine: &mut Engine,
        net: &UNet,
        positions: &[usize],
        seed: u64,
    ) -> Result<Step, TrainingError> {
        // Patches that show rims are given what the network finds by now, on the host.
        let passes = Passes::new(net, SIDE / CELL)?;
        let drawn = Variation::Drawn(&passes);
        let positions = positions.par_iter().enumerate();
        let patches = gathered(positions.map(|(n, &position)| {
            let (source, i) = self.photos[position];
            patches(&self.sources[source], i, drawn, PATCHES, mixed(seed, n as u64))
        }))?;
        let weight: f64 = patches.iter().map(Patch::weight).sum::<f64>().max(1.0);
        let inputs: Vec<&[f32]> = patches.iter().map(|patch| patch.cells.as_slice()).collect();
        let loss = |i: usize, odds: &[f32]| loss(&patches[i], odds, patches.len(), weight);
        Ok(engine.step(net, &passes, &inputs, loss)?)
    }

    fn validate(&self, net: &UNet) -> Result<Option<Validation>, EngineError> {
        let passes = Passes::new(net, SIDE / CELL)?;
        Ok(overlap(&passes, &self.validation).map(|share| Validation {
            share,
            report: format!(
                "On the validation photos:\nStrokes found of those found or missed: {:.1} %\n",
                100.0 * share
            ),
        }))
    }
}

/// Measures weights on the synthetic photos of `data`, drawn with `--clean`: how many these are, and
/// the strokes found as a share of those found or missed, 0 to 1.
///
/// # Errors
/// [`TrainingError`] when the data cannot be used.
pub fn measure_strokes(finder: &StrokeFinder, data: &Path) -> Result<(usize, f64), TrainingError> {
    let data = Format1::open(data).map_err(unusable)?;
    let photos = (0..data.photos.len()).into_par_iter();
    let patches = gathered(photos.map(|i| patches(&data, i, Variation::None, 1, 0)))?;
    let passes = Passes::new(finder.model().net(), SIDE / CELL)?;
    Ok((patches.len(), overlap(&passes, &patches).unwrap_or(0.0)))
}

/// Patches of a photo; none if it has no digits.
fn patches(
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

/// The patches of all photos, in their order.
fn gathered(
    of_photos: impl ParallelIterator<Item = Result<Vec<Patch>, TrainingError>>,
) -> Result<Vec<Patch>, TrainingError> {
    let of_photos: Vec<Vec<Patch>> = of_photos.collect::<Result<_, _>>()?;
    Ok(of_photos.into_iter().flatten().collect())
}

fn unusable(error: Format1Error) -> TrainingError {
    TrainingError::Data(DataError::Store(StoreError::Photos(error)))
}

/// Strokes found as a share of those found or missed; `None` without patches.
fn overlap(passes: &Passes, patches: &[Patch]) -> Option<f64> {
    let counts = patches.par_iter().map(|patch| {
        let odds = passes.outputs(&patch.cells);
        patch.judged(&odds).fold([0u64; 2], |[both, either], (found, stroke)| {
            [both + u64::from(found && stroke), either + u64::from(found || stroke)]
        })
    });
    let [both, either] = counts.reduce(|| [0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
    (either > 0).then(|| both as f64 / either as f64)
}
