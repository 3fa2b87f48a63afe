//! Trains the network that finds digits, on photos with the boxes of their digits.

mod loss;
mod views;

use std::{fmt::Display, iter, path::Path};

use burn::{module::Module as _, tensor::Device};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use self::{
    loss::loss,
    views::{CELLS, View},
};
use super::{
    RunConfig, TrainingError, Watcher,
    cpu::Step,
    material::{DataError, mixed, refuse_twice},
    photos::{Labelled, Teachers, open, teach},
    task::{Task, Validation},
    unet::{Engine, Passes},
};
use crate::{
    classifier::{EngineError, MAX_WEIGHTS_BYTES, Precision, safetensors_of},
    evaluation::Detection,
    files::read_listed,
    finder::{DigitFinder, FINDER_NET},
    photo::{BoxInPhoto, Photo},
    strokes::StrokeFinder,
    unet::{UNet, UNetModel},
};

/// Photos that validate at most: more would not make the figure surer, but epochs longer.
const VALIDATION_PHOTOS: usize = 400;

/// Views of each photo in a step: a large one takes longer to decode than to learn from.
const VIEWS: usize = 3;

/// Photos without digits that are held in memory at most.
const GROUNDS: usize = 128;

/// Digits that are found with less are not counted in measurements.
const LEAST_CONFIDENCE: f32 = 0.05;

/// The training of the network that finds digits. Views have their own augmentation, whatever that
/// of the run is.
pub(super) struct Finder {
    config: RunConfig,
    /// Each as often as it is shown in an epoch.
    photos: Vec<Labelled>,
    /// Photos without digits, which views of others show round them.
    grounds: Vec<Photo>,
    different: usize,
    validation: Vec<Labelled>,
}

impl Task for Finder {
    type Net = UNet;
    type Engine = Engine;

    const EXAMPLES: &'static str = "photos";
    const MEASURE: &'static str = "average precision on the validation photos";

    fn load(
        config: &RunConfig,
        _: &[Device],
        watcher: &mut dyn Watcher,
    ) -> Result<Self, TrainingError> {
        let validate_on = config.validate_on.as_deref();
        refuse_twice(&config.data, validate_on)?;
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let taught = !config.teachers.is_empty();
        let mut sources = Vec::new();
        for source in &config.data {
            let mut photos = open(&source.path, taught)?;
            photos.shuffle(&mut rng);
            sources.push(photos);
        }
        let mut held_back: Vec<Labelled> = Vec::new();
        if let Some(path) = validate_on {
            held_back = open(path, false)?;
            held_back.shuffle(&mut rng);
            held_back.truncate(VALIDATION_PHOTOS);
        } else {
            // What a teacher finds validates nothing.
            let known = sources.iter().flatten().filter(|it| it.is_known()).count().max(1) as f64;
            let share = config.validation.min(VALIDATION_PHOTOS as f64 / known);
            for photos in &mut sources {
                let known = photos.iter().filter(|it| it.is_known()).count();
                photos.sort_by_key(|it| !it.is_known());
                held_back.extend(photos.drain(..(known as f64 * share).round() as usize));
            }
        }
        for path in &config.teachers {
            let strokes = config.strokes.as_deref().map(|path| {
                let bytes = weights(path)?;
                StrokeFinder::from_safetensors(bytes, &Device::flex())
                    .map_err(|error| unusable(path, error))
            });
            let teachers = Teachers { finder: load(path)?, strokes: strokes.transpose()? };
            for (photos, source) in sources.iter_mut().zip(&config.data) {
                // What is shown once is so much that learning from its mistakes would take too long.
                teach(photos, &teachers, source.times > 1)?;
            }
        }
        let different = sources.iter().map(Vec::len).sum();
        let photos: Vec<Labelled> = (sources.iter().zip(&config.data))
            .flat_map(|(photos, source)| photos.iter().map(move |it| (it, source.times)))
            .flat_map(|(photo, times)| iter::repeat_n(photo.clone(), times))
            .collect();
        if !photos.iter().any(Labelled::shows_digits) {
            let data: Vec<String> = config.data.iter().map(ToString::to_string).collect();
            let percent = 100.0 * config.validation;
            return Err(DataError::NoDigits { data: data.join(", "), percent }.into());
        }
        let grounds = sources.iter().flatten().filter(|it| it.is_ground()).take(GROUNDS);
        let grounds = grounds.map(|it| Ok(it.load()?.photo)).collect::<Result<_, DataError>>()?;
        watcher.photos_read(photos.len() + held_back.len());
        Ok(Finder { config: config.clone(), photos, grounds, different, validation: held_back })
    }

    fn untrained(_: &RunConfig, device: &Device) -> Result<UNet, TrainingError> {
        Ok(UNet::new(&FINDER_NET, device))
    }

    fn from_safetensors(_: &RunConfig, bytes: Vec<u8>, device: &Device) -> Result<UNet, String> {
        UNet::from_safetensors(&FINDER_NET, bytes, device)
    }

    fn to_safetensors(net: &UNet) -> Result<Vec<u8>, EngineError> {
        safetensors_of(net, FINDER_NET.name, Precision::Single)
    }

    fn facts(net: &UNet) -> String {
        format!(
            "Input: views of {CELLS} x {CELLS} cells\nTotal network weights + biases: {}\n",
            net.num_params()
        )
    }

    fn engine(&self, _: &UNet, devices: &[Device]) -> Result<Engine, EngineError> {
        Ok(Engine::new(devices))
    }

    fn trained_on(&self) -> u64 {
        self.different as u64
    }

    fn epoch_len(&self) -> usize {
        self.photos.len()
    }

    fn step_len(&self) -> usize {
        self.config.batch.div_ceil(VIEWS)
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
        let passes = Passes::new(net, CELLS)?;
        let views: Vec<Vec<View>> = positions
            .par_iter()
            .enumerate()
            .map(|(n, &position)| {
                let scene = self.photos[position].load()?;
                let mut rng = ChaCha8Rng::seed_from_u64(mixed(seed, n as u64));
                Ok((0..VIEWS).map(|_| View::of(&scene, &self.grounds, &mut rng)).collect())
            })
            .collect::<Result<_, DataError>>()?;
        let views: Vec<View> = views.into_iter().flatten().collect();
        let digits = views.iter().map(|view| view.digits).sum::<usize>().max(1) as f32;
        let inputs: Vec<&[f32]> = views.iter().map(|view| view.cells.as_slice()).collect();
        let loss = |i: usize, outputs: &[f32]| loss(&views[i], outputs, digits);
        Ok(engine.step(net, &passes, &inputs, loss)?)
    }

    fn validate(&self, net: &UNet) -> Result<Option<Validation>, EngineError> {
        if self.validation.is_empty() {
            return Ok(None);
        }
        let model = UNetModel::new(&FINDER_NET, net.clone(), Device::flex())?;
        let measured = measured(&DigitFinder::from(model), &self.validation);
        let measured = measured.map_err(|error| EngineError::Input(error.to_string()))?;
        Ok(Some(Validation {
            share: measured.average_precision(),
            report: format!("On the validation photos:\n{measured}"),
        }))
    }
}

/// Measures what weights find on the photos of `data`.
///
/// # Errors
/// [`TrainingError`] when the data cannot be used.
pub fn measure_finder(finder: &DigitFinder, data: &Path) -> Result<Detection, TrainingError> {
    measured(finder, &open(data, false)?)
}

/// Weights that a run left.
pub(super) fn load(path: &Path) -> Result<DigitFinder, TrainingError> {
    DigitFinder::from_safetensors(weights(path)?, &Device::flex())
        .map_err(|error| unusable(path, error))
}

fn weights(path: &Path) -> Result<Vec<u8>, TrainingError> {
    read_listed(path, MAX_WEIGHTS_BYTES).map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, error: impl Display) -> TrainingError {
    TrainingError::Weights { path: path.to_owned(), reason: error.to_string() }
}

fn measured(finder: &DigitFinder, photos: &[Labelled]) -> Result<Detection, TrainingError> {
    let of_photos = photos.par_iter().map(|labelled| {
        let scene = labelled.load()?;
        let found = pollster::block_on(finder.find(&scene.photo, LEAST_CONFIDENCE))?;
        let found: Vec<(BoxInPhoto, f32)> =
            found.iter().map(|digit| (digit.area, digit.confidence)).collect();
        Ok(Detection::of(&found, &scene.digits, &scene.numbers))
    });
    of_photos.try_reduce(Detection::default, |a, b| Ok(a.with(b)))
}
