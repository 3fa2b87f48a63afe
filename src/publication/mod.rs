//! Published models: the manifest, weights named by their hash, publishing, checking.
//!
//! A models folder holds `manifest.json`, and for each model a safetensors file, whose name ends in
//! the first digits of its SHA-256, a card (Markdown) and the training's curves (SVG). The manifest
//! is written last, so the files that it names always exist.

#[cfg(feature = "native")]
mod library;
#[cfg(feature = "native")]
mod publish;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    classifier::{Architecture, Classifier, UnknownNetwork, WeightsError},
    evaluation::Confusion,
    finder::{DigitFinder, FINDER_NET},
    strokes::{STROKE_NET, StrokeFinder},
    unet::{Shape, UNetModel},
};

#[cfg(feature = "native")]
pub use library::{Library, MODELS_VARIABLE, Place};
#[cfg(feature = "native")]
pub use publish::{
    ModelsFolderError, NetPublication, Publication, publish, publish_finder, publish_strokes,
    record, record_finder,
};

/// The manifest's name in a models folder.
pub const MANIFEST: &str = "manifest.json";

/// The manifest's layout that this program writes and reads.
pub const MANIFEST_FORMAT: u32 = 1;

/// What a models folder holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The layout's number, [`MANIFEST_FORMAT`].
    pub format: u32,
    /// The models; the first is the default.
    pub models: Vec<ModelEntry>,
    /// The network that finds strokes; without one, removal fills whole boxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strokes: Option<StrokesEntry>,
    /// The network that finds digits; older manifests lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finder: Option<FinderEntry>,
}

/// A published network that finds something, and what it finds, `M`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetEntry<M> {
    /// Its name.
    pub name: String,
    /// The weights' file in the folder.
    pub file: String,
    /// The weights' SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The weights' size.
    pub bytes: u64,
    /// What it was trained on.
    pub trained_on: String,
    /// What it was measured on.
    pub measured_on: String,
    /// How many photos it was measured on.
    pub measured_photos: u64,
    /// What it found there; in the manifest, its fields are at the same level as these.
    #[serde(flatten)]
    pub measured: M,
    /// The command that trains it again.
    pub command: String,
    /// The card's file in the folder.
    pub card: String,
    /// The file in the folder with the training's curves, as SVG.
    pub curves: String,
}

/// What StrokeNet finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredStrokes {
    /// Strokes found as a share of those found or missed, 0 to 1.
    pub overlap: f64,
}

/// What FinderNet finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredDigits {
    /// The digits there were to find.
    pub digits: u64,
    /// The area under the curve of precision over recall, 0 to 1.
    pub average_precision: f64,
    /// The share of the boxes with a confidence of at least .5 that hold a digit, 0 to 1.
    pub precision: f64,
    /// The share of the digits that are found with such a confidence, 0 to 1.
    pub recall: f64,
}

/// The published network that finds strokes.
pub type StrokesEntry = NetEntry<MeasuredStrokes>;

/// The published network that finds digits.
pub type FinderEntry = NetEntry<MeasuredDigits>;

/// Published weights, of whatever network.
#[derive(Clone, Copy, Debug)]
pub struct PublishedWeights<'a> {
    /// The model's name.
    pub name: &'a str,
    /// The weights' file in the folder.
    pub file: &'a str,
    sha256: &'a str,
    /// Their size.
    pub bytes: u64,
}

/// One published model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelEntry {
    /// Its name, unique in the manifest.
    pub name: String,
    /// Its network, as [`Architecture`] writes it.
    pub architecture: String,
    /// What the network is given.
    pub input: String,
    /// The weights' file in the folder.
    pub file: String,
    /// The weights' SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The weights' size.
    pub bytes: u64,
    /// What it was trained on.
    pub trained_on: String,
    /// How many digits it was trained on.
    pub trained_digits: u64,
    /// Its first measurement; in the manifest, its fields are at the same level as these.
    #[serde(flatten)]
    pub measured: Measurement,
    /// What it was measured to read on other digits; older manifests lack it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_measured: Vec<Measurement>,
    /// The command that trains it again.
    pub command: String,
    /// The card's file in the folder.
    pub card: String,
    /// The file in the folder with the training's curves, as SVG.
    pub curves: String,
}

/// What a model was measured to read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Describes for readers on which digits.
    pub measured_on: String,
    /// How many digits these are.
    pub measured_digits: u64,
    /// Share of these that it reads right, 0 to 1.
    pub accuracy: f64,
    /// As what it reads each of these; older manifests lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Confusion>,
}

/// Why a manifest or weights cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublicationError {
    /// The manifest is not JSON of the known layout.
    #[error("{MANIFEST} is damaged ({0})")]
    Manifest(String),
    /// The manifest was written by a newer program.
    #[error("{MANIFEST} has format {0}; this program reads format {MANIFEST_FORMAT}")]
    Format(u32),
    /// No model at all, or none of that name.
    #[error("{MANIFEST} has no model {}", .0.as_deref().unwrap_or("at all"))]
    NoModel(Option<String>),
    /// Another kind of network has the name, and with it the card and the curves.
    #[error("the name {0} belongs to another kind of network; give --name another one")]
    NameTaken(String),
    /// The weights are not the published ones.
    #[error(
        "the weights of {name} are not the published ones: {problem}. They are refused; \
         fetch or publish them again"
    )]
    Tampered {
        /// The model.
        name: String,
        /// How they differ.
        problem: String,
    },
    /// The weights of a network that finds something are the published ones but do not fit it.
    #[error(
        "the weights of {name} belong to another version of this program ({reason}); use that \
         version, or weights that this one published"
    )]
    Net {
        /// The network's name in the manifest.
        name: String,
        /// What does not fit.
        reason: String,
    },
    /// The weights are the published ones but do not fit their network.
    #[error(
        "the weights of {name} belong to another version of this program ({reason}); use that \
         version, or weights that this one published"
    )]
    Weights {
        /// The model.
        name: String,
        /// What does not fit.
        reason: WeightsError,
    },
    /// The manifest names a network that this program does not have.
    #[error("{name}: {reason}")]
    Architecture {
        /// The model.
        name: String,
        /// Which networks there are.
        reason: UnknownNetwork,
    },
}

/// The SHA-256 of some bytes as 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`PublicationError`] when it is damaged, of another format, names files outside its
    /// folder, or counts other readings than it sums up.
    pub fn parse(bytes: &[u8]) -> Result<Self, PublicationError> {
        // The number first: of another layout nothing else is known.
        #[derive(Deserialize)]
        struct Layout {
            format: u32,
        }
        let damaged = |error: serde_json::Error| PublicationError::Manifest(error.to_string());
        let Layout { format } = serde_json::from_slice(bytes).map_err(damaged)?;
        if format != MANIFEST_FORMAT {
            return Err(PublicationError::Format(format));
        }
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(damaged)?;
        let of_models =
            manifest.models.iter().map(|it| (&it.name, [&it.file, &it.card, &it.curves]));
        let of_strokes =
            manifest.strokes.iter().map(|it| (&it.name, [&it.file, &it.card, &it.curves]));
        let of_finder =
            manifest.finder.iter().map(|it| (&it.name, [&it.file, &it.card, &it.curves]));
        for (name, files) in of_models.chain(of_strokes).chain(of_finder) {
            for file in files {
                if file.is_empty() || file.starts_with('.') || file.contains(['/', '\\', '%', '?'])
                {
                    let problem = format!("{name}: {file:?} is not a plain file name");
                    return Err(PublicationError::Manifest(problem));
                }
            }
        }
        for model in &manifest.models {
            for measurement in model.measurements() {
                measurement.check_counts(&model.name)?;
            }
        }
        Ok(manifest)
    }

    /// The names of all networks.
    #[cfg(feature = "native")]
    fn names(&self) -> impl Iterator<Item = &str> {
        let of_models = self.models.iter().map(|it| &it.name);
        let of_strokes = self.strokes.iter().map(|it| &it.name);
        of_models.chain(of_strokes).chain(self.finder.iter().map(|it| &it.name)).map(String::as_str)
    }

    /// The files of all weights.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let of_models = self.models.iter().map(|it| &it.file);
        let of_strokes = self.strokes.iter().map(|it| &it.file);
        of_models.chain(of_strokes).chain(self.finder.iter().map(|it| &it.file)).map(String::as_str)
    }

    /// The model of this name, or the first one.
    ///
    /// # Errors
    /// [`PublicationError::NoModel`].
    pub fn entry(&self, name: Option<&str>) -> Result<&ModelEntry, PublicationError> {
        let found = match name {
            Some(name) => self.models.iter().find(|model| model.name == name),
            None => self.models.first(),
        };
        found.ok_or_else(|| PublicationError::NoModel(name.map(str::to_owned)))
    }
}

impl PublishedWeights<'_> {
    /// Whether these bytes are the published weights.
    ///
    /// # Errors
    /// [`PublicationError::Tampered`] when size or hash differ.
    pub fn check(&self, weights: &[u8]) -> Result<(), PublicationError> {
        let tampered =
            |problem| Err(PublicationError::Tampered { name: self.name.to_owned(), problem });
        if weights.len() as u64 != self.bytes {
            return tampered(format!("{} bytes instead of {}", weights.len(), self.bytes));
        }
        let hash = sha256_hex(weights);
        if hash != self.sha256 {
            return tampered(format!("SHA-256 {hash} instead of {}", self.sha256));
        }
        Ok(())
    }
}

impl<M> NetEntry<M> {
    /// Its weights' file.
    pub fn weights(&self) -> PublishedWeights<'_> {
        let NetEntry { name, file, sha256, bytes, .. } = self;
        PublishedWeights { name, file, sha256, bytes: *bytes }
    }

    /// The network of this shape with these weights, after checking them.
    fn model(
        &self,
        shape: &Shape,
        weights: Vec<u8>,
        device: &Device,
    ) -> Result<UNetModel, PublicationError> {
        self.weights().check(&weights)?;
        UNetModel::from_safetensors(shape, weights, device).map_err(|error| PublicationError::Net {
            name: self.name.clone(),
            reason: error.to_string(),
        })
    }
}

impl StrokesEntry {
    /// The network with these weights, after checking them.
    ///
    /// # Errors
    /// [`PublicationError`] when the weights are not the published ones or do not fit.
    pub fn finder(
        &self,
        weights: Vec<u8>,
        device: &Device,
    ) -> Result<StrokeFinder, PublicationError> {
        Ok(self.model(&STROKE_NET, weights, device)?.into())
    }
}

impl FinderEntry {
    /// The network with these weights, after checking them.
    ///
    /// # Errors
    /// [`PublicationError`] when the weights are not the published ones or do not fit.
    pub fn finder(
        &self,
        weights: Vec<u8>,
        device: &Device,
    ) -> Result<DigitFinder, PublicationError> {
        Ok(self.model(&FINDER_NET, weights, device)?.into())
    }
}

impl Measurement {
    /// Counts readings; `measured_on` describes for readers of which digits.
    pub fn of(measured_on: &str, confusion: &Confusion) -> Self {
        Measurement {
            measured_on: measured_on.to_owned(),
            measured_digits: confusion.total(),
            accuracy: confusion.accuracy().unwrap_or(0.0),
            confusion: Some(confusion.clone()),
        }
    }

    /// Whether the counted readings of the model `name` are those that number and accuracy sum up.
    fn check_counts(&self, name: &str) -> Result<(), PublicationError> {
        let Some(confusion) = &self.confusion else { return Ok(()) };
        let Measurement { measured_digits, accuracy, .. } = self;
        let wrong = |what: String| Err(PublicationError::Manifest(format!("{name}: {what}")));
        // A wider type than a count, because the sum may not fit into a count.
        let counts = (0..10).flat_map(|truth| (0..10).map(move |read| (truth, read)));
        let total: u128 = counts.map(|(truth, read)| u128::from(confusion.at(truth, read))).sum();
        if total != u128::from(*measured_digits) {
            return wrong(format!(
                "its confusion counts {total} readings, and measured_digits is {measured_digits}"
            ));
        }
        match confusion.accuracy() {
            Some(counted) if (counted - accuracy).abs() > 1e-9 => wrong(format!(
                "its confusion has an accuracy of {counted}, and the entry one of {accuracy}"
            )),
            _ => Ok(()),
        }
    }
}

impl ModelEntry {
    /// What it was measured to read, the first measurement first.
    pub fn measurements(&self) -> impl Iterator<Item = &Measurement> {
        std::iter::once(&self.measured).chain(&self.also_measured)
    }

    /// Takes a measurement in: in the place of the one on the same digits, or behind all others.
    pub fn measure(&mut self, measurement: Measurement) {
        let mut known = std::iter::once(&mut self.measured).chain(&mut self.also_measured);
        match known.find(|it| it.measured_on == measurement.measured_on) {
            Some(earlier) => *earlier = measurement,
            None => self.also_measured.push(measurement),
        }
    }

    /// Its weights' file.
    pub fn weights(&self) -> PublishedWeights<'_> {
        let ModelEntry { name, file, sha256, bytes, .. } = self;
        PublishedWeights { name, file, sha256, bytes: *bytes }
    }

    /// The classifier with these weights, after checking them.
    ///
    /// # Errors
    /// [`PublicationError`] when the weights are not the published ones or do not fit.
    pub fn classifier(
        &self,
        weights: Vec<u8>,
        device: &Device,
    ) -> Result<Classifier, PublicationError> {
        self.weights().check(&weights)?;
        let architecture = Architecture::named(&self.architecture)
            .map_err(|reason| PublicationError::Architecture { name: self.name.clone(), reason })?;
        Classifier::from_safetensors(architecture, weights, device)
            .map_err(|reason| PublicationError::Weights { name: self.name.clone(), reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(weights: &[u8]) -> ModelEntry {
        ModelEntry {
            name: "a".into(),
            architecture: "ConvNet48_Dropout3".into(),
            input: String::new(),
            file: "a.safetensors".into(),
            sha256: sha256_hex(weights),
            bytes: weights.len() as u64,
            trained_on: String::new(),
            trained_digits: 0,
            measured: Measurement {
                measured_on: "test photos".into(),
                measured_digits: 0,
                accuracy: 0.0,
                confusion: None,
            },
            also_measured: Vec::new(),
            command: String::new(),
            card: "a.md".into(),
            curves: "a.svg".into(),
        }
    }

    /// The result of parsing a manifest with this one model.
    fn parsed(entry: &ModelEntry) -> Result<ModelEntry, String> {
        let manifest =
            Manifest { format: 1, models: vec![entry.clone()], strokes: None, finder: None };
        let bytes = serde_json::to_vec(&manifest).expect("plain data");
        let manifest = Manifest::parse(&bytes).map_err(|error| error.to_string())?;
        Ok(manifest.models[0].clone())
    }

    #[test]
    fn counted_readings_are_kept_and_have_to_add_up() {
        let mut model = entry(b"x");
        assert_eq!(parsed(&model).expect("an older manifest has none").measured.confusion, None);
        let mut confusion = Confusion::default();
        for (truth, read) in [(3, 3), (3, 5), (0, 0), (9, 9)] {
            confusion.count(truth, read);
        }
        model.measured = Measurement::of("test photos", &confusion);
        assert_eq!((model.measured.measured_digits, model.measured.accuracy), (4, 0.75));
        assert_eq!(parsed(&model), Ok(model.clone()));
        model.measure(Measurement::of("street photos", &confusion));
        assert_eq!(parsed(&model), Ok(model.clone()));
        for broken in [0, 1] {
            let mut model = model.clone();
            let measured = |model: &mut ModelEntry, change: fn(&mut Measurement)| match broken {
                0 => change(&mut model.measured),
                _ => model.also_measured.iter_mut().for_each(change),
            };
            measured(&mut model, |it| it.accuracy = 0.8);
            let refused = parsed(&model).expect_err("another accuracy");
            assert!(refused.contains("a: ") && refused.contains("0.75"), "{refused}");
            measured(&mut model, |it| it.measured_digits = 5);
            let refused = parsed(&model).expect_err("another sum");
            assert!(refused.contains("counts 4 readings"), "{refused}");
        }
    }

    #[test]
    fn a_measurement_takes_the_place_of_the_one_on_the_same_digits() {
        let mut model = entry(b"x");
        let mut confusion = Confusion::default();
        confusion.count(3, 3);
        for on in ["street photos", "street photos", "test photos", "drawn photos"] {
            confusion.count(1, 7);
            model.measure(Measurement::of(on, &confusion));
        }
        let measured: Vec<(&str, u64)> =
            model.measurements().map(|it| (it.measured_on.as_str(), it.measured_digits)).collect();
        assert_eq!(measured, [("test photos", 4), ("street photos", 3), ("drawn photos", 5)]);
    }

    #[test]
    fn a_manifest_of_one_measurement_is_laid_out_as_before_there_were_several() {
        let json = serde_json::to_value(entry(b"x")).expect("plain data");
        assert_eq!(json["measured_on"], "test photos");
        assert_eq!(json["accuracy"], 0.0);
        assert!(json.get("also_measured").is_none() && json.get("measured").is_none(), "{json}");
    }

    #[test]
    fn a_confusion_of_another_size_or_beyond_counting_is_refused() {
        let manifest = |counts: Vec<Vec<u64>>| {
            let manifest =
                Manifest { format: 1, models: vec![entry(b"x")], strokes: None, finder: None };
            let mut json = serde_json::to_value(manifest).expect("plain data");
            json["models"][0]["confusion"] = serde_json::json!({ "counts": counts });
            Manifest::parse(json.to_string().as_bytes()).map_err(|error| error.to_string())
        };
        assert!(manifest(vec![vec![0; 10]; 10]).is_ok());
        assert!(manifest(vec![vec![0; 10]; 9]).is_err());
        assert!(manifest(vec![vec![0; 11]; 10]).is_err());
        // Two of these add up to nothing where sums wrap.
        let mut counts = vec![vec![0; 10]; 10];
        counts[0][0] = 1 << 63;
        counts[9][9] = 1 << 63;
        assert!(manifest(counts).is_err_and(|error| error.contains("18446744073709551616")));
    }

    #[test]
    fn one_changed_byte_or_a_missing_one_is_refused() {
        let weights = [1u8, 2, 3, 4];
        let entry = entry(&weights);
        assert!(entry.weights().check(&weights).is_ok());
        let changed = entry.weights().check(&[1, 2, 3, 5]).expect_err("another byte");
        assert!(changed.to_string().contains("SHA-256"));
        let cut = entry.weights().check(&weights[..3]).expect_err("too short");
        assert!(cut.to_string().contains("3 bytes instead of 4"));
    }

    #[test]
    fn manifests_of_other_formats_or_with_paths_are_refused() {
        let mut manifest =
            Manifest { format: 2, models: vec![entry(b"x")], strokes: None, finder: None };
        let bytes = serde_json::to_vec(&manifest).expect("plain data");
        assert!(matches!(Manifest::parse(&bytes), Err(PublicationError::Format(2))));
        manifest.format = 1;
        manifest.models[0].file = "../secret".into();
        let bytes = serde_json::to_vec(&manifest).expect("plain data");
        assert!(matches!(Manifest::parse(&bytes), Err(PublicationError::Manifest(_))));
        assert!(matches!(Manifest::parse(b"{"), Err(PublicationError::Manifest(_))));
    }
}
