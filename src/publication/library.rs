//! Finds published models and loads them.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use rust_embed::Embed;

use super::{
    FinderEntry, MANIFEST, Manifest, ModelEntry, ModelsFolderError, NetEntry, PublicationError,
    StrokesEntry,
};
use crate::{
    classifier::{Classifier, MAX_WEIGHTS_BYTES},
    files::read_regular,
    finder::DigitFinder,
    strokes::StrokeFinder,
};

/// The environment variable that names a models folder, if no option does.
pub const MODELS_VARIABLE: &str = "DOORPLATE_MODELS";

/// The published models, inside the program.
#[derive(Embed)]
#[folder = "models/"]
#[include = "manifest.json"]
#[include = "*.safetensors"]
struct Inside;

/// A place that holds published models: their manifest and the weights that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A models folder, as `doorplate publish` writes it.
    Folder(PathBuf),
    /// The program itself, which holds the models that were in `models/` when it was built.
    Inside,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Folder(folder) => folder.display().fmt(f),
            Place::Inside => f.write_str("inside the program"),
        }
    }
}

impl From<&Path> for Place {
    fn from(folder: &Path) -> Self {
        Place::Folder(folder.to_owned())
    }
}

impl Place {
    /// Its manifest.
    ///
    /// # Errors
    /// [`ModelsFolderError`] when it is missing, damaged, or of another format.
    pub fn manifest(&self) -> Result<Manifest, ModelsFolderError> {
        Manifest::parse(&self.file(MANIFEST)?)
            .map_err(|source| ModelsFolderError::Publication { place: self.clone(), source })
    }

    /// A file that the manifest names, or the manifest.
    fn file(&self, name: &str) -> Result<Vec<u8>, ModelsFolderError> {
        let (path, read) = match self {
            Place::Folder(folder) => {
                let path = folder.join(name);
                let read = read_regular(&path, MAX_WEIGHTS_BYTES);
                (path, read)
            }
            Place::Inside => {
                let missing = || io::Error::from(io::ErrorKind::NotFound);
                let file = Inside::get(name).map(|file| file.data.into_owned());
                (Path::new(&self.to_string()).join(name), file.ok_or_else(missing))
            }
        };
        read.map_err(|source| ModelsFolderError::File { path, source })
    }

    fn classifier(
        &self,
        entry: &ModelEntry,
        device: &Device,
    ) -> Result<Classifier, ModelsFolderError> {
        entry
            .classifier(self.file(&entry.file)?, device)
            .map_err(|source| ModelsFolderError::Publication { place: self.clone(), source })
    }
}

/// The places in which a command looks for models.
///
/// If a folder is chosen, by an option or by [`MODELS_VARIABLE`], only that one is used. Otherwise
/// names are looked up in `models` beside the program, in the platform's data folder, and inside
/// the program. The default model is the first one inside the program, so that other folders do not
/// change results unless asked to.
#[derive(Clone, Debug)]
pub struct Library {
    /// In the order in which names are looked up.
    places: Vec<Place>,
}

impl Library {
    /// The places to look in, where `chosen` is the folder that an option names.
    pub fn new(chosen: Option<&Path>) -> Self {
        let variable = std::env::var_os(MODELS_VARIABLE).filter(|value| !value.is_empty());
        let chosen = chosen.map(Path::to_owned).or(variable.map(PathBuf::from));
        let program = std::env::current_exe().and_then(fs::canonicalize).ok();
        let beside = program.as_deref().and_then(Path::parent).map(|folder| folder.join("models"));
        let data = dirs::data_dir().map(|folder| folder.join("doorplate").join("models"));
        Library::of(chosen, beside.into_iter().chain(data))
    }

    fn of(chosen: Option<PathBuf>, others: impl IntoIterator<Item = PathBuf>) -> Self {
        if let Some(chosen) = chosen {
            return Library { places: vec![Place::Folder(chosen)] };
        }
        let others = others.into_iter().filter(|folder| folder.join(MANIFEST).is_file());
        Library { places: others.map(Place::Folder).chain([Place::Inside]).collect() }
    }

    /// The places, in the order in which names are looked up.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The place of the default model, which is the first one there.
    pub fn of_default(&self) -> &Place {
        self.places.last().unwrap_or(&Place::Inside)
    }

    /// The folder that was chosen, which commands that change published models write to.
    pub fn chosen(&self) -> Option<&Path> {
        match self.places.as_slice() {
            [Place::Folder(folder)] => Some(folder),
            _ => None,
        }
    }

    /// The names of all models, the default one first.
    ///
    /// # Errors
    /// [`ModelsFolderError`] when a manifest cannot be read.
    pub fn names(&self) -> Result<Vec<String>, ModelsFolderError> {
        let mut names: Vec<String> = Vec::new();
        for place in self.places.iter().rev() {
            for model in place.manifest()?.models {
                if !names.contains(&model.name) {
                    names.push(model.name);
                }
            }
        }
        Ok(names)
    }

    /// Loads a model: the named one, or the default.
    ///
    /// # Errors
    /// [`ModelsFolderError`] when there is no model of this name, a file is missing, or the weights
    /// are not the published ones.
    pub fn load(
        &self,
        name: Option<&str>,
        device: &Device,
    ) -> Result<(ModelEntry, Classifier), ModelsFolderError> {
        let places = match name {
            Some(_) => &self.places[..],
            None => std::slice::from_ref(self.of_default()),
        };
        for place in places {
            match place.manifest()?.entry(name) {
                Ok(entry) => return Ok((entry.clone(), place.classifier(entry, device)?)),
                // Of a single place it says which manifest lacks what.
                Err(source) if places.len() == 1 => {
                    return Err(ModelsFolderError::Publication { place: place.clone(), source });
                }
                Err(_) => {}
            }
        }
        Err(ModelsFolderError::NoModel {
            name: name.unwrap_or_default().to_owned(),
            places: places.iter().map(Place::to_string).collect(),
        })
    }

    /// Loads the network that finds strokes: the chosen folder's, or the one inside the program if
    /// that folder has none, or if none was chosen.
    ///
    /// # Errors
    /// [`ModelsFolderError`] when a file is missing, or the weights are not the published ones.
    pub fn load_strokes(
        &self,
        device: &Device,
    ) -> Result<(StrokesEntry, StrokeFinder), ModelsFolderError> {
        let entry = |manifest: Manifest| manifest.strokes;
        self.load_net(entry, |it, weights| it.finder(weights, device), ModelsFolderError::NoStrokes)
    }

    /// Loads the network that finds digits, from the same places.
    ///
    /// # Errors
    /// [`ModelsFolderError`] when a file is missing, or the weights are not the published ones.
    pub fn load_finder(
        &self,
        device: &Device,
    ) -> Result<(FinderEntry, DigitFinder), ModelsFolderError> {
        let entry = |manifest: Manifest| manifest.finder;
        self.load_net(entry, |it, weights| it.finder(weights, device), ModelsFolderError::NoFinder)
    }

    /// The network that finds strokes, and where it is; `None` if there is none.
    ///
    /// # Errors
    /// [`ModelsFolderError`] when a manifest is missing, damaged, or of another format.
    pub fn strokes(&self) -> Result<Option<(&Place, StrokesEntry)>, ModelsFolderError> {
        self.net(|manifest| manifest.strokes)
    }

    /// The network that finds digits, and where it is; `None` if there is none.
    ///
    /// # Errors
    /// [`ModelsFolderError`] when a manifest is missing, damaged, or of another format.
    pub fn finder(&self) -> Result<Option<(&Place, FinderEntry)>, ModelsFolderError> {
        self.net(|manifest| manifest.finder)
    }

    /// The first manifest that has such a network, and its entry.
    fn net<M>(
        &self,
        entry: impl Fn(Manifest) -> Option<NetEntry<M>>,
    ) -> Result<Option<(&Place, NetEntry<M>)>, ModelsFolderError> {
        for place in [self.of_default(), &Place::Inside] {
            if let Some(entry) = entry(place.manifest()?) {
                return Ok(Some((place, entry)));
            }
        }
        Ok(None)
    }

    /// Loads the network whose entry the first manifest has, or says that it is `missing`.
    fn load_net<M, N>(
        &self,
        entry: impl Fn(Manifest) -> Option<NetEntry<M>>,
        load: impl Fn(&NetEntry<M>, Vec<u8>) -> Result<N, PublicationError>,
        missing: ModelsFolderError,
    ) -> Result<(NetEntry<M>, N), ModelsFolderError> {
        let Some((place, entry)) = self.net(entry)? else { return Err(missing) };
        let net = load(&entry, place.file(&entry.file)?)
            .map_err(|source| ModelsFolderError::Publication { place: place.clone(), source })?;
        Ok((entry, net))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with the manifest of the program's first model under another name, without weights.
    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let mut manifest = Place::Inside.manifest().expect("it was built with one");
        let model = manifest.models[0].clone();
        manifest.models = names
            .iter()
            .map(|name| ModelEntry { name: (*name).to_owned(), ..model.clone() })
            .collect();
        manifest.strokes = None;
        let json = serde_json::to_vec(&manifest).expect("plain data");
        fs::write(folder.path().join(MANIFEST), json).expect("written");
        folder
    }

    #[test]
    fn what_is_inside_works_without_any_folder() {
        let library = Library::of(None, []);
        let (entry, _) = library.load(None, &Device::flex()).expect("the default model");
        assert_eq!(library.names().expect("names")[0], entry.name);
        library.load_strokes(&Device::flex()).expect("the network that finds strokes");
        assert_eq!(library.chosen(), None);
    }

    #[test]
    fn further_folders_add_names_and_change_no_default() {
        let (other, empty) = (folder(&["mine"]), tempfile::tempdir().expect("a folder"));
        let library = Library::of(None, [other.path().to_owned(), empty.path().to_owned()]);
        assert_eq!(library.places(), [Place::from(other.path()), Place::Inside]);
        let names = library.names().expect("names");
        assert_eq!(names.last().map(String::as_str), Some("mine"));
        assert_ne!(names[0], "mine");
        let (entry, _) = library.load(None, &Device::flex()).expect("the default model");
        assert_eq!(entry.name, names[0]);
        // It is looked for in the folder, which lacks its weights.
        let missing = library.load(Some("mine"), &Device::flex()).expect_err("no weights");
        assert!(missing.to_string().contains(".safetensors"), "{missing}");
    }

    #[test]
    fn a_chosen_folder_is_the_only_one() {
        let (chosen, other) = (folder(&["a", "b"]), folder(&["mine"]));
        let library = Library::of(Some(chosen.path().to_owned()), [other.path().to_owned()]);
        assert_eq!(library.names().expect("names"), ["a", "b"]);
        assert_eq!(library.chosen(), Some(chosen.path()));
        let unknown = library.load(Some("mine"), &Device::flex()).expect_err("not there");
        assert!(unknown.to_string().contains(&*chosen.path().to_string_lossy()), "{unknown}");
    }

    #[test]
    fn a_name_that_is_nowhere_is_told_with_the_places() {
        let other = folder(&["mine"]);
        let library = Library::of(None, [other.path().to_owned()]);
        let unknown =
            library.load(Some("yours"), &Device::flex()).expect_err("nowhere").to_string();
        assert!(unknown.contains("yours") && unknown.contains("inside the program"), "{unknown}");
        assert!(unknown.contains(&*other.path().to_string_lossy()), "{unknown}");
    }
}
