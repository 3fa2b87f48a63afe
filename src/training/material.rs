//! The digits of a run: their sources, which are held back, and how inputs are made from them.

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Augmentation;
use crate::{
    classifier::{Architecture, Input, Normalisation, Standardisation},
    dataset::{
        digit_folders::{self, is_digit_folders},
        format2::{Format2, Format2Error},
        is_format2, open_photos,
        split::{split_by_digit, split_by_photo},
        store::{PatchFormat, Store, StoreError},
    },
    fault::{AtFault, Fault},
};

/// Data to train on: a Format 1 folder, ten folders of cropped digits, a Format 2 file (`.mat`), or
/// a store that `doorplate data prepare` made; written `PATH`, or `PATH@3` to show each of its
/// digits three times an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Source {
    /// The folder or file.
    pub path: PathBuf,
    /// How often each of its digits is shown in an epoch, at least 1.
    pub times: usize,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let times = text.rsplit_once('@').and_then(|(path, times)| {
            let times: usize = times.parse().ok()?;
            Some((path, times))
        });
        match times {
            Some((_, 0)) => Err(format!("{text}: each digit must be shown at least once")),
            Some((path, times)) => Ok(Source { path: path.into(), times }),
            None => Ok(Source { path: text.into(), times: 1 }),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display().to_string();
        // A path that itself ends like a multiplier needs one, or would be read as another path.
        let ends_like_one =
            path.rsplit_once('@').is_some_and(|(_, times)| times.parse::<usize>().is_ok());
        f.write_str(&path)?;
        if self.times > 1 || ends_like_one { write!(f, "@{}", self.times) } else { Ok(()) }
    }
}

/// Why data cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Photos, their list or a store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A Format 2 file cannot be used.
    #[error(transparent)]
    Format2(#[from] Format2Error),
    /// A store or a Format 2 file has digits cut out differently than the network needs.
    #[error(
        "{}: these digits are cut out as {found:?}, but {architecture} needs {}. Prepare them for \
         this network, or give the Format 1 folder",
        path.display(), architecture.input
    )]
    OtherPatches {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: PatchFormat,
        /// What is to be trained.
        architecture: &'static Architecture,
    },
    /// The same data twice: digits held back would be trained on.
    #[error("{}: given twice; to show its digits more often, write {}@2", path.display(), path.display())]
    Twice {
        /// The folder or file.
        path: PathBuf,
    },
    /// A photo to learn strokes from is not there without its digits.
    #[error("{reason}")]
    NoCleanPhoto {
        /// Which one, why, and what to do.
        reason: String,
    },
    /// A photo or its boxes, from which finding digits is to be learned.
    #[error("{}: {reason}", path.display())]
    Boxes {
        /// The photo, its box file, or the folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Nothing to train on.
    #[error(
        "{data}: no digit is left to train on after {percent:.0} % are held back for validation. \
         Give more data, or lower --validation"
    )]
    NoDigits {
        /// The data.
        data: String,
        /// Percent held back.
        percent: f64,
    },
}

impl AtFault for DataError {
    fn fault(&self) -> Fault {
        Fault::Input
    }
}

/// Opens data of any kind for a network, calling `progress` with the number of photos read.
///
/// # Errors
/// [`DataError`].
pub fn open_store(
    path: &Path,
    architecture: &'static Architecture,
    progress: impl FnMut(usize),
) -> Result<Store, DataError> {
    let input = architecture.input;
    let fitting = |store: Store| {
        let found = store.patches();
        if found.colours == input.colours && found.crop == input.crop {
            Ok(store)
        } else {
            Err(DataError::OtherPatches { path: path.to_owned(), found, architecture })
        }
    };
    if is_format2(path) {
        let store = Store::from_format2(Format2::open(path)?, input.colours);
        return fitting(store);
    }
    if path.is_dir() || !path.exists() {
        let data = open_photos(path).map_err(StoreError::from)?;
        let patches = PatchFormat::around(input.colours, input.crop, input.side);
        let store = Store::cut(&data, patches, progress)?;
        if is_digit_folders(path) {
            let groups = digit_folders::groups(&data).map_err(StoreError::from)?;
            return Ok(store.grouped(groups));
        }
        return Ok(store);
    }
    fitting(Store::open(path)?)
}

/// A digit's place: which store, and which of its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    store: usize,
    digit: usize,
}

/// The digits of a run, ready to draw from.
#[derive(Debug)]
pub struct Material {
    input: Input,
    stores: Vec<Store>,
    /// Each as often as it is shown in an epoch.
    train: Vec<Place>,
    validation: Vec<Place>,
}

impl Material {
    /// Opens all sources, and holds back the share `validation` of the first one's digits, or
    /// none but takes those of `validate_on`.
    ///
    /// # Errors
    /// [`DataError`] when a source cannot be used, or nothing is left to train on.
    pub fn load(
        sources: &[Source],
        architecture: &'static Architecture,
        validation: f64,
        validate_on: Option<&Path>,
        seed: u64,
        mut progress: impl FnMut(usize),
    ) -> Result<Self, DataError> {
        let validation = if validate_on.is_some() { 0.0 } else { validation };
        refuse_twice(sources, validate_on)?;
        let mut material = Material {
            input: architecture.input,
            stores: Vec::new(),
            train: Vec::new(),
            validation: Vec::new(),
        };
        for (number, source) in sources.iter().enumerate() {
            let store = open_store(&source.path, architecture, &mut progress)?;
            let place = |digit: usize| Place { store: number, digit };
            let mut train: Vec<Place> = if number == 0 {
                let split = match store.photos() {
                    Some(photos) => split_by_photo(&photos, validation, seed),
                    None => split_by_digit(store.digits(), validation, seed),
                };
                material.validation.extend(split.validation.into_iter().map(place));
                split.train.into_iter().map(place).collect()
            } else {
                (0..store.len()).map(place).collect()
            };
            train = train.repeat(source.times);
            material.train.append(&mut train);
            material.stores.push(store);
        }
        if let Some(path) = validate_on {
            let store = open_store(path, architecture, &mut progress)?;
            let place = |digit: usize| Place { store: sources.len(), digit };
            material.validation = (0..store.len()).map(place).collect();
            material.stores.push(store);
        }
        if material.train.is_empty() {
            let data: Vec<String> = sources.iter().map(ToString::to_string).collect();
            return Err(DataError::NoDigits { data: data.join(", "), percent: 100.0 * validation });
        }
        Ok(material)
    }

    /// Shows these in each epoch, too.
    pub(super) fn add(&mut self, store: Store) {
        let number = self.stores.len();
        self.train.extend((0..store.len()).map(|digit| Place { store: number, digit }));
        self.stores.push(store);
    }

    /// Digits shown in an epoch.
    pub fn epoch_len(&self) -> usize {
        self.train.len()
    }

    /// Different digits to train on.
    pub fn train_len(&self) -> usize {
        let mut places: Vec<(usize, usize)> =
            self.train.iter().map(|place| (place.store, place.digit)).collect();
        places.sort_unstable();
        places.dedup();
        places.len()
    }

    /// Mean and standard deviation of the training digits, sample by sample over the input, without
    /// augmentation.
    fn statistics(&self) -> (Vec<f32>, Vec<f32>) {
        let length = self.input.len();
        // This many digits give the same result as all of them.
        let step = self.train.len().div_ceil(20_000).max(1);
        let chosen: Vec<Place> = self.train.iter().copied().step_by(step).collect();
        let mut sum = vec![0.0f64; length];
        let mut squares = vec![0.0f64; length];
        for some in chosen.chunks(512) {
            let inputs = self.drawn(some, &Augmentation::NONE, |_| 0);
            for input in inputs.chunks_exact(length) {
                for ((sum, square), &value) in sum.iter_mut().zip(&mut squares).zip(input) {
                    let value = f64::from(value);
                    *sum += value;
                    *square += value * value;
                }
            }
        }
        let count = chosen.len() as f64;
        let mean: Vec<f64> = sum.iter().map(|sum| sum / count).collect();
        let deviation = squares
            .iter()
            .zip(&mean)
            .map(|(square, mean)| (square / count - mean * mean).max(0.0).sqrt() as f32)
            .collect();
        (mean.into_iter().map(|mean| mean as f32).collect(), deviation)
    }

    /// The standardisation that the training digits ask for.
    pub fn measure_standardisation(&self) -> Option<(Vec<f32>, Vec<f32>)> {
        (self.input.normalisation != Normalisation::Centred).then(|| self.statistics())
    }

    /// Draws the inputs of some places on all cores, not standardised; the randomness of each
    /// depends only on the `seed` of its position.
    fn drawn(
        &self,
        places: &[Place],
        augmentation: &Augmentation,
        seed: impl Fn(usize) -> u64 + Sync,
    ) -> Vec<f32> {
        let length = self.input.len();
        let mut inputs = vec![0.0; places.len() * length];
        inputs.par_chunks_exact_mut(length).zip(places).enumerate().for_each(
            |(i, (out, place))| {
                if let Some(store) = self.stores.get(place.store) {
                    let mut rng = ChaCha8Rng::seed_from_u64(seed(i));
                    let patch = store.patch(place.digit);
                    augmentation.draw(patch, store.patches(), &self.input, &mut rng, out);
                }
            },
        );
        inputs
    }

    fn digits(&self, places: &[Place]) -> Vec<u8> {
        places.iter().map(|place| self.stores[place.store].digits()[place.digit]).collect()
    }

    /// Inputs (samples 0 to 1, not standardised) and digits of the training digits at these
    /// positions (of an epoch's `epoch_len`); `seed` is the step's.
    pub fn batch(
        &self,
        positions: &[usize],
        augmentation: &Augmentation,
        seed: u64,
    ) -> (Vec<f32>, Vec<u8>) {
        let places: Vec<Place> = positions.iter().map(|&i| self.train[i]).collect();
        let inputs = self.drawn(&places, augmentation, |i| mixed(seed, i as u64));
        (inputs, self.digits(&places))
    }

    /// Standardised inputs and labels of all validation digits, without augmentation, in batches.
    pub fn validation<'a>(
        &'a self,
        standardisation: &'a Standardisation,
    ) -> impl Iterator<Item = (Vec<f32>, Vec<u8>)> + 'a {
        self.validation.chunks(256).map(|places| {
            let mut inputs = self.drawn(places, &Augmentation::NONE, |_| 0);
            standardisation.apply(&mut inputs);
            (inputs, self.digits(places))
        })
    }

    /// Digits held back for validation.
    pub fn validation_len(&self) -> usize {
        self.validation.len()
    }
}

/// Refuses data that are given twice: what is held back of the one would be trained on in the other.
///
/// # Errors
/// [`DataError::Twice`].
pub(super) fn refuse_twice(
    sources: &[Source],
    validate_on: Option<&Path>,
) -> Result<(), DataError> {
    let mut seen = HashSet::new();
    for path in sources.iter().map(|source| source.path.as_path()).chain(validate_on) {
        // What is not there is reported when it is opened.
        if let Ok(real) = path.canonicalize()
            && !seen.insert(real)
        {
            return Err(DataError::Twice { path: path.to_owned() });
        }
    }
    Ok(())
}

/// A seed made of two numbers, so that neither neighbouring seeds nor neighbouring positions have
/// related random numbers (the finaliser of SplitMix64).
pub(super) fn mixed(seed: u64, position: u64) -> u64 {
    let mut z = seed ^ position.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_as_they_are_written() {
        for (path, times) in [("train", 1), ("train", 3), ("a@3", 1), ("a@b", 1), ("a@3", 2)] {
            let source = Source { path: path.into(), times };
            assert_eq!(source.to_string().parse(), Ok(source));
        }
        assert!("train@0".parse::<Source>().is_err());
    }
}
