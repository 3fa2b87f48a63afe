//! Trains the network that finds digits, on photos with the boxes of their digits.

mod loss;
mod photos;
mod views;

use std::{iter, path::Path};

use burn::{module::Module as _, tensor::Device};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use self::{
    loss::loss,
    photos::{Labelled, open},
    views::{CELLS, View},
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
    evaluation::Detection,
    finder::{DigitFinder, FINDER_NET},
    photo::BoxInPhoto,
    unet::{UNet, UNetModel},
};

/// Photos that validate at most: more would not make the figure surer, but epochs longer.
const VALIDATION_PHOTOS: usize = 400;

/// Views of each photo in a step: a large one takes longer to decode than to learn from.
const VIEWS: usize = 2;

/// Digits that are found with less are not counted in measurements.
const LEAST_CONFIDENCE: f32 = 0.05;

/// The training of the network that finds digits. Views have their own augmentation, whatever that
/// of the run is.
pub(super) struct Finder {
    config: RunConfig,
    /// Each as often as it is shown in an epoch.
    photos: Vec<Labelled>,
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
        let mut photos: Vec<Labelled> = Vec::new();
        let mut held_back: Vec<Labelled> = Vec::new();
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let mut different = 0;
        for source in &config.data {
            let mut of_source = open(&source.path)?;
            of_source.shuffle(&mut rng);
            let share = if validate_on.is_some() { 0.0 } else { config.validation };
            held_back.extend(of_source.drain(..(of_source.len() as f64 * share).round() as usize));
            different += of_source.len();
            photos.extend(of_source.iter().flat_map(|it| iter::repeat_n(it.clone(), source.times)));
        }
        if let Some(path) = validate_on {
            held_back = open(path)?;
        }
        held_back.shuffle(&mut rng);
        held_back.truncate(VALIDATION_PHOTOS);
        if !photos.iter().any(Labelled::shows_digits) {
            let data: Vec<String> = config.data.iter().map(ToString::to_string).collect();
            let percent = 100.0 * config.validation;
            return Err(DataError::NoDigits { data: data.join(", "), percent }.into());
        }
        watcher.photos_read(photos.len() + held_back.len());
        Ok(Finder { config: config.clone(), photos, different, validation: held_back })
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
                Ok((0..VIEWS).map(|_| View::of(&scene, &mut rng)).collect())
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
    measured(finder, &open(data)?)
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
