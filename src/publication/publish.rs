//! Writing and reading a models folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use burn::tensor::Device;

use super::{MANIFEST, MANIFEST_FORMAT, Manifest, ModelEntry, PublicationError, sha256_hex};
use crate::{
    classifier::{Architecture, Classifier},
    evaluation::Confusion,
    files::{Draft, draft},
};

/// Why a models folder cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelsFolderError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or the folder cannot be written.
    #[error("{}: could not be written ({source}). Is there room, and may you write here?", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The manifest or the weights cannot be used.
    #[error("{}: {source}", folder.display())]
    Publication {
        /// The models folder.
        folder: PathBuf,
        /// What is wrong.
        source: PublicationError,
    },
}

/// What is published of a model.
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
    /// What it was measured on.
    pub measured_on: &'a str,
    /// The readings there.
    pub confusion: &'a Confusion,
    /// The command that trains it again.
    pub command: &'a str,
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> ModelsFolderError {
    let path = path.to_owned();
    move |source| ModelsFolderError::File { path, source }
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> ModelsFolderError {
    let path = path.to_owned();
    move |source| ModelsFolderError::Write { path, source }
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
    let in_folder = |source| ModelsFolderError::Publication { folder: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(write_error(folder))?;
    let manifest_path = folder.join(MANIFEST);
    let mut manifest = match fs::read(&manifest_path) {
        Ok(bytes) => Manifest::parse(&bytes).map_err(in_folder)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Manifest { format: MANIFEST_FORMAT, models: Vec::new() }
        }
        Err(error) => return Err(file_error(&manifest_path)(error)),
    };
    let sha256 = sha256_hex(publication.weights);
    let (short_hash, _) = sha256.split_at(12);
    let entry = ModelEntry {
        name: publication.name.to_owned(),
        architecture: publication.architecture.to_string(),
        input: publication.architecture.input.to_string(),
        file: format!("{}-{short_hash}.safetensors", publication.name),
        bytes: publication.weights.len() as u64,
        trained_on: publication.trained_on.0.to_owned(),
        trained_digits: publication.trained_on.1,
        measured_on: publication.measured_on.to_owned(),
        measured_digits: publication.confusion.total(),
        accuracy: publication.confusion.accuracy().unwrap_or(0.0),
        command: publication.command.to_owned(),
        card: format!("{}.md", publication.name),
        curves: format!("{}.svg", publication.name),
        sha256,
    };
    let replaced = match manifest.models.iter_mut().find(|model| model.name == entry.name) {
        Some(model) => Some(std::mem::replace(model, entry.clone())),
        None => {
            manifest.models.push(entry.clone());
            None
        }
    };
    let mut json = serde_json::to_vec_pretty(&manifest)
        .map_err(io::Error::from)
        .map_err(write_error(&manifest_path))?;
    json.push(b'\n');
    let card = card(&entry, publication.confusion);
    let files = [
        (folder.join(&entry.file), publication.weights),
        (folder.join(&entry.card), card.as_bytes()),
        (folder.join(&entry.curves), publication.curves),
        (manifest_path, &json),
    ];
    let drafts: Vec<(&Path, Draft)> = files
        .iter()
        .map(|(path, content)| match draft(path, content) {
            Ok(draft) => Ok((path.as_path(), draft)),
            Err(error) => Err(write_error(path)(error)),
        })
        .collect::<Result<_, _>>()?;
    for (path, draft) in drafts {
        draft.put().map_err(write_error(path))?;
    }
    if let Some(replaced) = replaced.filter(|replaced| replaced.file != entry.file) {
        let path = folder.join(&replaced.file);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(write_error(&path)(error));
            }
            _ => {}
        }
    }
    Ok(entry)
}

/// Reads a models folder's manifest.
///
/// # Errors
/// [`ModelsFolderError`] when it is missing, damaged, or of another format.
pub fn read_manifest(folder: &Path) -> Result<Manifest, ModelsFolderError> {
    let path = folder.join(MANIFEST);
    let bytes = fs::read(&path).map_err(file_error(&path))?;
    Manifest::parse(&bytes)
        .map_err(|source| ModelsFolderError::Publication { folder: folder.to_owned(), source })
}

/// Loads a model from a models folder: the named one, or the manifest's first.
///
/// # Errors
/// [`ModelsFolderError`] when a file is missing, or the weights are not the published ones.
pub fn load(
    folder: &Path,
    name: Option<&str>,
    device: &Device,
) -> Result<(ModelEntry, Classifier), ModelsFolderError> {
    let in_folder = |source| ModelsFolderError::Publication { folder: folder.to_owned(), source };
    let manifest = read_manifest(folder)?;
    let entry = manifest.entry(name).map_err(in_folder)?;
    let weights_path = folder.join(&entry.file);
    let weights = fs::read(&weights_path).map_err(file_error(&weights_path))?;
    let classifier = entry.classifier(weights, device).map_err(in_folder)?;
    Ok((entry.clone(), classifier))
}

/// A model's card.
fn card(entry: &ModelEntry, confusion: &Confusion) -> String {
    format!(
        "# {}\n\n\
         | | |\n|---|---|\n\
         | network | {} |\n\
         | input | {} |\n\
         | weights | `{}`, {} bytes |\n\
         | SHA-256 | `{}` |\n\
         | trained on | {} ({} digits) |\n\
         | measured on | {} ({} digits) |\n\
         | accuracy there | {:.1} % |\n\n\
         Trained with\n\n    {}\n\n\
         ![loss and accuracy over the epochs]({})\n\n\
         ## Readings of the {} digits\n\n```text\n{}```\n",
        entry.name,
        entry.architecture,
        entry.input,
        entry.file,
        entry.bytes,
        entry.sha256,
        entry.trained_on,
        entry.trained_digits,
        entry.measured_on,
        entry.measured_digits,
        100.0 * entry.accuracy,
        entry.command,
        entry.curves,
        entry.measured_digits,
        confusion.report(),
    )
}
