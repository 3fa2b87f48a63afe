//! Writes and reads a models folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    FinderEntry, MANIFEST, MANIFEST_FORMAT, Manifest, MeasuredDigits, MeasuredStrokes, Measurement,
    ModelEntry, NetEntry, Place, PublicationError, StrokesEntry, sha256_hex,
};
use crate::{
    classifier::{Architecture, MAX_WEIGHTS_BYTES},
    evaluation::{Confusion, Detection},
    fault::{AtFault, Fault},
    files::{Draft, Lock, Sharing, draft, read_regular, remove_drafts},
};

/// Why a models folder cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelsFolderError {
    /// A file cannot be read.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or the folder cannot be written.
    #[error("{}: could not be written ({reason}). Is there space on the disk, and permission to \
             write?", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// The manifest or the weights cannot be used.
    #[error("{place}")]
    Publication {
        /// Where they are.
        place: Place,
        /// What is wrong.
        source: PublicationError,
    },
    /// No place has a model of this name.
    #[error("there is no model {name}; the names were looked up in {}. `doorplate models` lists \
             all", places.join(", "))]
    NoModel {
        /// The name.
        name: String,
        /// Where it was looked for.
        places: Vec<String>,
    },
    /// The program was built without the network that finds strokes.
    #[error(
        "this program was built without the network that finds strokes; name a folder that has it with --models"
    )]
    NoStrokes,
    /// The same of the network that finds digits.
    #[error(
        "this program was built without the network that finds digits; name a folder that has it with --models"
    )]
    NoFinder,
}

impl AtFault for ModelsFolderError {
    fn fault(&self) -> Fault {
        match self {
            ModelsFolderError::Write { .. } => Fault::Other,
            ModelsFolderError::File { .. }
            | ModelsFolderError::Publication { .. }
            | ModelsFolderError::NoModel { .. }
            | ModelsFolderError::NoStrokes
            | ModelsFolderError::NoFinder => Fault::Model,
        }
    }
}

/// The parts of a model that are published.
#[derive(Clone, Debug)]
pub struct Publication<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its network.
    pub architecture: &'static Architecture,
    /// The safetensors file's bytes.
    pub weights: &'a [u8],
    /// The training's curves, as SVG.
    pub curves: &'a [u8],
    /// What it was trained on, and how many digits that was.
    pub trained_on: (&'a str, u64),
    /// What it was first measured to read.
    pub measured: Measurement,
    /// What it was measured to read on other digits.
    pub also_measured: Vec<Measurement>,
    /// The command that trains it again.
    pub command: &'a str,
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> ModelsFolderError {
    let path = path.to_owned();
    move |source| ModelsFolderError::File { path, source }
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> ModelsFolderError {
    let path = path.to_owned();
    move |reason| ModelsFolderError::Write { path, reason }
}

/// What is published of a network that finds something.
#[derive(Clone, Debug)]
pub struct NetPublication<'a, M> {
    /// Its name.
    pub name: &'a str,
    /// The safetensors file's bytes.
    pub weights: &'a [u8],
    /// The training's curves, as SVG.
    pub curves: &'a [u8],
    /// What it was trained on.
    pub trained_on: &'a str,
    /// What it was measured on, and how many photos that was.
    pub measured_on: (&'a str, u64),
    /// What it found there.
    pub measured: M,
    /// The command that trains it again.
    pub command: &'a str,
}

impl<'a> NetPublication<'a, ()> {
    /// The same with what was measured, and on how many photos.
    pub fn measured<M>(self, photos: u64, measured: M) -> NetPublication<'a, M> {
        let NetPublication { name, weights, curves, trained_on, measured_on, command, .. } = self;
        let measured_on = (measured_on.0, photos);
        NetPublication { name, weights, curves, trained_on, measured_on, measured, command }
    }
}

impl From<&Detection> for MeasuredDigits {
    fn from(detection: &Detection) -> Self {
        let found = detection.at(0.5);
        MeasuredDigits {
            digits: detection.digits() as u64,
            average_precision: detection.average_precision(),
            precision: found.precision,
            recall: found.recall,
        }
    }
}

/// The names that a model's files get.
struct Names {
    file: String,
    card: String,
    curves: String,
    sha256: String,
}

impl Names {
    fn of(name: &str, weights: &[u8]) -> Self {
        let sha256 = sha256_hex(weights);
        let (short_hash, _) = sha256.split_at(12);
        Names {
            file: format!("{name}-{short_hash}.safetensors"),
            card: format!("{name}.md"),
            curves: format!("{name}.svg"),
            sha256,
        }
    }
}

/// Publishes a model in `folder`, in the place of one with the same name or behind the others.
///
/// All files are written under temporary names, so that a full disk is met before anything
/// changes. Then they get their own, the manifest last, so a reader sees the old publication or
/// the new one; replaced weights are removed after that.
///
/// # Errors
/// [`ModelsFolderError`]; the folder then still holds what it held.
pub fn publish(
    folder: &Path,
    publication: &Publication<'_>,
) -> Result<ModelEntry, ModelsFolderError> {
    let (mut manifest, _lock) = manifest_to_change(folder)?;
    let Names { file, card, curves, sha256 } = Names::of(publication.name, publication.weights);
    let entry = ModelEntry {
        name: publication.name.to_owned(),
        architecture: publication.architecture.to_string(),
        input: publication.architecture.input.to_string(),
        file,
        sha256,
        bytes: publication.weights.len() as u64,
        trained_on: publication.trained_on.0.to_owned(),
        trained_digits: publication.trained_on.1,
        measured: publication.measured.clone(),
        also_measured: publication.also_measured.clone(),
        command: publication.command.to_owned(),
        card,
        curves,
    };
    let replaced = match manifest.models.iter_mut().find(|model| model.name == entry.name) {
        Some(model) => Some(std::mem::replace(model, entry.clone()).file),
        None => {
            manifest.models.push(entry.clone());
            None
        }
    };
    if manifest.names().filter(|name| *name == publication.name).count() > 1 {
        return Err(name_taken(folder, publication.name));
    }
    let card = card_of(&entry);
    let files = [
        (entry.file.as_str(), publication.weights),
        (&entry.card, card.as_bytes()),
        (&entry.curves, publication.curves),
    ];
    put(folder, &files, &manifest, replaced)?;
    Ok(entry)
}

/// Writes what published models were measured to read into manifest and cards, of all of them or
/// of none; their weights stay, and so does what they were measured to read on other digits.
///
/// # Errors
/// [`ModelsFolderError`], also when one of the models is not published; the folder then still
/// holds what it held.
pub fn record(
    folder: &Path,
    measured_on: &str,
    measured: &[(&str, &Confusion)],
) -> Result<(), ModelsFolderError> {
    let _lock = locked(folder)?;
    let mut manifest = Place::from(folder).manifest()?;
    let mut cards = Vec::new();
    for (name, confusion) in measured {
        let named = manifest.models.iter_mut().find(|model| model.name == *name);
        let Some(entry) = named else {
            let source = PublicationError::NoModel(Some((*name).to_owned()));
            return Err(ModelsFolderError::Publication { place: folder.into(), source });
        };
        entry.measure(Measurement::of(measured_on, confusion));
        cards.push((entry.card.clone(), card_of(entry)));
    }
    let files: Vec<(&str, &[u8])> =
        cards.iter().map(|(name, card)| (name.as_str(), card.as_bytes())).collect();
    put(folder, &files, &manifest, None)
}

/// Writes what the published network that finds digits was measured to find into manifest and card, in
/// place of what it was measured to find before.
///
/// # Errors
/// [`ModelsFolderError`], also when no such network is published.
pub fn record_finder(
    folder: &Path,
    measured_on: &str,
    detection: &Detection,
) -> Result<(), ModelsFolderError> {
    let _lock = locked(folder)?;
    let mut manifest = Place::from(folder).manifest()?;
    let Some(entry) = &mut manifest.finder else {
        return Err(ModelsFolderError::NoFinder);
    };
    entry.measured_on = measured_on.to_owned();
    entry.measured_photos = detection.photos() as u64;
    entry.measured = detection.into();
    let (name, card) = (entry.card.clone(), card_of_finder(entry));
    put(folder, &[(&name, card.as_bytes())], &manifest, None)
}

/// Publishes the network that finds strokes, and replaces an earlier one, like [`publish`] for a
/// model.
///
/// # Errors
/// [`ModelsFolderError`]; the folder then still holds what it held.
pub fn publish_strokes(
    folder: &Path,
    publication: NetPublication<'_, MeasuredStrokes>,
) -> Result<StrokesEntry, ModelsFolderError> {
    publish_net(folder, publication, |manifest| &mut manifest.strokes, card_of_strokes)
}

/// The same for the network that finds digits.
///
/// # Errors
/// [`ModelsFolderError`]; the folder then still holds what it held.
pub fn publish_finder(
    folder: &Path,
    publication: NetPublication<'_, MeasuredDigits>,
) -> Result<FinderEntry, ModelsFolderError> {
    publish_net(folder, publication, |manifest| &mut manifest.finder, card_of_finder)
}

fn publish_net<M: Clone>(
    folder: &Path,
    publication: NetPublication<'_, M>,
    place: impl FnOnce(&mut Manifest) -> &mut Option<NetEntry<M>>,
    card: impl FnOnce(&NetEntry<M>) -> String,
) -> Result<NetEntry<M>, ModelsFolderError> {
    let (mut manifest, _lock) = manifest_to_change(folder)?;
    let names = Names::of(publication.name, publication.weights);
    let entry = NetEntry {
        name: publication.name.to_owned(),
        file: names.file,
        sha256: names.sha256,
        bytes: publication.weights.len() as u64,
        trained_on: publication.trained_on.to_owned(),
        measured_on: publication.measured_on.0.to_owned(),
        measured_photos: publication.measured_on.1,
        measured: publication.measured,
        command: publication.command.to_owned(),
        card: names.card,
        curves: names.curves,
    };
    let replaced = place(&mut manifest).replace(entry.clone()).map(|replaced| replaced.file);
    if manifest.names().filter(|name| *name == publication.name).count() > 1 {
        return Err(name_taken(folder, publication.name));
    }
    let card = card(&entry);
    let files = [
        (entry.file.as_str(), publication.weights),
        (&entry.card, card.as_bytes()),
        (&entry.curves, publication.curves),
    ];
    put(folder, &files, &manifest, replaced)?;
    Ok(entry)
}

fn name_taken(folder: &Path, name: &str) -> ModelsFolderError {
    let source = PublicationError::NameTaken(name.to_owned());
    ModelsFolderError::Publication { place: folder.into(), source }
}

/// The folder's manifest, or an empty one; the folder is made if it is missing. Nobody else changes it
/// while the lock is held.
fn manifest_to_change(folder: &Path) -> Result<(Manifest, Lock), ModelsFolderError> {
    fs::create_dir_all(folder).map_err(write_error(folder))?;
    let lock = locked(folder)?;
    let path = folder.join(MANIFEST);
    let manifest = match read_regular(&path, MAX_WEIGHTS_BYTES) {
        Ok(bytes) => Manifest::parse(&bytes)
            .map_err(|source| ModelsFolderError::Publication { place: folder.into(), source })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Manifest { format: MANIFEST_FORMAT, models: Vec::new(), strokes: None, finder: None }
        }
        Err(error) => return Err(file_error(&path)(error)),
    };
    Ok((manifest, lock))
}

/// The lock of a models folder, from which it removes what a process that was killed left. Publishing
/// takes moments, once all is measured.
fn locked(folder: &Path) -> Result<Lock, ModelsFolderError> {
    const PATIENCE: Duration = Duration::from_secs(30);
    let path = folder.join(".lock");
    let lock = Lock::take(path, Sharing::Nobody, PATIENCE).map_err(file_error(folder))?;
    if lock.keeps_away() {
        remove_drafts(folder).map_err(write_error(folder))?;
    }
    Ok(lock)
}

/// Puts files and then the manifest in their places, and removes the weights that were `replaced`.
fn put(
    folder: &Path,
    files: &[(&str, &[u8])],
    manifest: &Manifest,
    replaced: Option<String>,
) -> Result<(), ModelsFolderError> {
    let manifest_path = folder.join(MANIFEST);
    let json = serde_json::to_string_pretty(manifest)
        .map_err(io::Error::from)
        .map_err(write_error(&manifest_path))?;
    let json = rows_on_lines(&json);
    let files = files.iter().copied().chain([(MANIFEST, json.as_bytes())]);
    let drafts: Vec<(PathBuf, Draft)> = files
        .map(|(name, content)| {
            let path = folder.join(name);
            match draft(&path, content) {
                Ok(draft) => Ok((path, draft)),
                Err(error) => Err(write_error(&path)(error)),
            }
        })
        .collect::<Result<_, _>>()?;
    for (path, draft) in drafts {
        draft.put().map_err(write_error(&path))?;
    }
    // Weights that are published again unchanged keep their name.
    let kept = |file: &str| manifest.files().any(|name| name == file);
    if let Some(replaced) = replaced.filter(|replaced| !kept(replaced)) {
        let path = folder.join(&replaced);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(write_error(&path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Indented JSON with lists of numbers on one line each: a model's confusion is ten lines long
/// then, and no hundred and twenty.
fn rows_on_lines(json: &str) -> String {
    let mut rows = String::with_capacity(json.len());
    let mut in_row = false;
    for line in json.lines() {
        let item = line.trim_start();
        let number = item.trim_end_matches(',').parse::<u64>().is_ok();
        match (in_row, number) {
            (true, true) => rows.push(' '),
            (false, true) => {}
            (true, false) if item.starts_with(']') => {}
            _ if rows.is_empty() => {}
            _ => rows.push('\n'),
        }
        rows.push_str(if in_row || number { item } else { line });
        in_row = number;
    }
    rows.push('\n');
    rows
}

/// The card of the network that finds strokes.
fn card_of_strokes(entry: &StrokesEntry) -> String {
    let found = format!(
        "| overlap there (intersection over union) | {:.1} % |\n",
        100.0 * entry.measured.overlap
    );
    card_of_net(
        entry,
        "Gives for each pixel in and around boxes the probability that it is a digit's stroke, and \
         its weight as a key pixel.",
        &found,
        "overlap",
    )
}

/// The card of the network that finds digits.
fn card_of_finder(entry: &FinderEntry) -> String {
    let MeasuredDigits { digits, average_precision, precision, recall } = entry.measured;
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let found = format!(
        "| digits there | {digits} |\n\
         | average precision (intersection over union of at least .5) | {} |\n\
         | precision and recall with a confidence of at least .5 | {} and {} |\n",
        percent(average_precision),
        percent(precision),
        percent(recall)
    );
    card_of_net(
        entry,
        "Finds the digits in a whole photo: the box of each, and its confidence.",
        &found,
        "average precision",
    )
}

/// The card of a network that finds something: what it `does`, rows of what it `found`, and the name
/// of its `measure`.
fn card_of_net<M>(entry: &NetEntry<M>, does: &str, found: &str, measure: &str) -> String {
    format!(
        "# {}\n\n\
         {does}\n\n\
         | | |\n|---|---|\n\
         | weights | `{}`, {} bytes |\n\
         | SHA-256 | `{}` |\n\
         | trained on | {} |\n\
         | measured on | {} ({} photos) |\n\
         {found}\n\
         Trained with\n\n    {}\n\n\
         ![loss and {measure} over the epochs]({})\n",
        entry.name,
        entry.file,
        entry.bytes,
        entry.sha256,
        entry.trained_on,
        entry.measured_on,
        entry.measured_photos,
        entry.command,
        entry.curves,
    )
}

/// A model's card.
fn card_of(entry: &ModelEntry) -> String {
    let mut measured = String::new();
    let mut readings = String::new();
    for Measurement { measured_on, measured_digits, accuracy, confusion } in entry.measurements() {
        measured += &format!(
            "| measured on | {measured_on} ({measured_digits} digits) |\n\
             | accuracy there | {:.1} % |\n",
            100.0 * accuracy
        );
        if let Some(confusion) = confusion {
            readings += &format!(
                "\n## Readings of the {measured_digits} digits\n\n{measured_on}\n\n\
                 ```text\n{}```\n",
                confusion.report()
            );
        }
    }
    format!(
        "# {}\n\n\
         | | |\n|---|---|\n\
         | network | {} |\n\
         | input | {} |\n\
         | weights | `{}`, {} bytes |\n\
         | SHA-256 | `{}` |\n\
         | trained on | {} ({} digits) |\n\
         {measured}\n\
         Trained with\n\n    {}\n\n\
         ![loss and accuracy over the epochs]({})\n{readings}",
        entry.name,
        entry.architecture,
        entry.input,
        entry.file,
        entry.bytes,
        entry.sha256,
        entry.trained_on,
        entry.trained_digits,
        entry.command,
        entry.curves,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_numbers_stand_on_lines_and_nothing_else_changes() {
        let value = serde_json::json!({
            "a": [[1, 2, 3], [4, 5, 6]],
            "b": ["7", "]"],
            "c": { "d": 8, "e": [], "f": [9] },
        });
        let rows = rows_on_lines(&serde_json::to_string_pretty(&value).expect("plain data"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&rows).expect("JSON"), value);
        assert!(rows.contains("[1, 2, 3],\n") && rows.contains("\"d\": 8,\n"), "{rows}");
        let confusion = Confusion::default();
        let rows = rows_on_lines(&serde_json::to_string_pretty(&confusion).expect("plain data"));
        assert_eq!(rows.lines().count(), 14, "{rows}");
    }
}
