//! Which models a command uses.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use clap::Args;

use super::{
    Context as _, Result, WrongArgument,
    device::{DeviceArg, WHAT_COMPUTES},
};
use crate::{
    classifier::{Architecture, Classifier},
    finder::DigitFinder,
    publication::{Library, ModelEntry, ModelsFolderError, sha256_hex},
    removal::Nets,
};

/// The options of every command that reads or removes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub struct ModelArgs {
    /// A folder of published models [default: see `doorplate models --help`].
    #[arg(long, value_name = "FOLDER")]
    models: Option<PathBuf>,
    /// The model's name [default: see `doorplate models`].
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// What computes.
    #[arg(long, value_name = "DEVICE", default_value_t = DeviceArg::Cpu, help = WHAT_COMPUTES)]
    device: DeviceArg,
}

impl ModelArgs {
    /// Opens the device.
    pub fn device(&self) -> Result<Device> {
        self.device.open()
    }

    /// Loads the model on its device.
    pub fn load(&self) -> Result<Classifier> {
        Ok(self.load_entry(self.model.as_deref())?.1)
    }

    /// Loads the model and the network that finds strokes on their device.
    pub fn load_nets(&self) -> Result<NamedNets> {
        let (entry, classifier) = self.load_entry(self.model.as_deref())?;
        let (strokes, finder) = self.published().load_strokes(&self.device()?)?;
        let sha256 = format!("{}+{}", entry.sha256, strokes.sha256);
        let nets = Nets { classifier, strokes: Some(finder) };
        Ok(NamedNets { nets, model: entry.name, sha256 })
    }

    /// Loads the network that finds digits, on the same device: that of a run's weights, or the
    /// published one.
    pub fn load_finder(&self, weights: Option<&Path>) -> Result<NamedFinder> {
        load_finder(&self.published(), weights, &self.device()?)
    }

    fn published(&self) -> Library {
        Library::new(self.models.as_deref())
    }

    /// Loads a model that judges the results of the one called `used`: the model of this name, or
    /// the manifest's first model that is not `used`.
    pub fn load_judge(&self, name: Option<&str>, used: &str) -> Result<NamedModel> {
        let name = match name {
            Some(name) if name == used => {
                let part = format!("--judge {name}: this model is used in the removal itself");
                return Err(WrongArgument(format!("{part}; name another one")).into());
            }
            Some(name) => name.to_owned(),
            None => {
                let other = self.published().names()?.into_iter().find(|name| name != used);
                other.ok_or_else(|| {
                    WrongArgument(format!(
                        "there is no model besides {used} to judge by; publish another one"
                    ))
                })?
            }
        };
        let (entry, classifier) = self.load_entry(Some(&name))?;
        Ok(NamedModel { name: entry.name, classifier })
    }

    fn load_entry(&self, name: Option<&str>) -> Result<(ModelEntry, Classifier)> {
        Ok(self.published().load(name, &self.device()?)?)
    }
}

/// The networks of the removal, with names.
#[derive(Debug)]
pub struct NamedNets {
    pub nets: Nets,
    /// The model's name in the manifest.
    pub model: String,
    /// The SHA-256 of all weights.
    pub sha256: String,
}

/// The options of commands that measure several models.
#[derive(Debug, Args)]
#[command(next_help_heading = "Models")]
pub struct ModelsArgs {
    /// A folder of published models [default: see `doorplate models --help`].
    #[arg(long, value_name = "FOLDER")]
    models: Option<PathBuf>,
    /// A model's name; may be given more than once [default: the default model, unless --all or
    /// --weights is given].
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,
    /// All published models.
    #[arg(long, conflicts_with = "model")]
    all: bool,
    /// A file of weights that `doorplate train` wrote; may be given more than once.
    #[arg(long, value_name = "FILE")]
    weights: Vec<PathBuf>,
    /// The network of all --weights, or one for each of them in the same order [default: the one
    /// named in the file].
    #[arg(long, requires = "weights")]
    net: Vec<String>,
    /// What computes.
    #[arg(long, value_name = "DEVICE", default_value_t = DeviceArg::Cpu, help = WHAT_COMPUTES)]
    device: DeviceArg,
}

/// A model with the name that reports give it.
#[derive(Debug)]
pub struct NamedModel {
    pub name: String,
    pub classifier: Classifier,
}

impl ModelsArgs {
    /// The models folder that --record writes to.
    pub fn folder(&self) -> Result<PathBuf, WrongArgument> {
        let folder = self.published().chosen().map(Path::to_owned);
        folder.ok_or_else(|| {
            WrongArgument("--record writes into a models folder; name it with --models".to_owned())
        })
    }

    fn published(&self) -> Library {
        Library::new(self.models.as_deref())
    }

    /// Loads the network that finds digits: that of a run's weights, or the published one.
    pub fn load_finder(&self, weights: Option<&Path>) -> Result<NamedFinder> {
        load_finder(&self.published(), weights, &self.device.open()?)
    }

    /// Whether the command line asks for more than one model.
    pub fn several(&self) -> bool {
        self.all || self.model.len() + self.weights.len() > 1
    }

    /// Loads all models on their device, those of the manifest before the weights.
    pub fn load(&self) -> Result<Vec<NamedModel>> {
        let device = self.device.open()?;
        let mut names: Vec<Option<String>> = self.model.iter().cloned().map(Some).collect();
        if self.all {
            names = self.published().names()?.into_iter().map(Some).collect();
        }
        // If the manifest is empty, loading the first model says so.
        if names.is_empty() && (self.all || self.weights.is_empty()) {
            names.push(None);
        }
        let mut models: Vec<NamedModel> = Vec::new();
        for name in &names {
            let (entry, classifier) = self.published().load(name.as_deref(), &device)?;
            models.push(NamedModel { name: entry.name, classifier });
        }
        for (path, architecture) in self.weights.iter().zip(self.networks()?) {
            let bytes = std::fs::read(path)
                .map_err(|source| ModelsFolderError::File { path: path.clone(), source })?;
            let architecture = match architecture {
                Some(architecture) => architecture,
                None => Architecture::of_weights(&bytes).context(path.display())?,
            };
            let classifier = Classifier::from_safetensors(architecture, bytes, &device)
                .context(path.display())?;
            let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            // Two runs' files may have one name.
            let taken = models.iter().any(|model| model.name == stem);
            let name = if taken { path.display().to_string() } else { stem };
            models.push(NamedModel { name, classifier });
        }
        for (i, model) in models.iter().enumerate() {
            if models[..i].iter().any(|earlier| earlier.name == model.name) {
                let twice = format!("{} is given twice; give each model once", model.name);
                return Err(WrongArgument(twice).into());
            }
        }
        Ok(models)
    }

    /// The network of each of the weights, where the command line names it.
    fn networks(&self) -> Result<Vec<Option<&'static Architecture>>, WrongArgument> {
        let named = |name: &str| {
            Architecture::named(name).map(Some).map_err(|error| WrongArgument(error.to_string()))
        };
        match self.net.as_slice() {
            [] => Ok(vec![None; self.weights.len()]),
            [one] => Ok(vec![named(one)?; self.weights.len()]),
            nets if nets.len() == self.weights.len() => nets.iter().map(|net| named(net)).collect(),
            nets => Err(WrongArgument(format!(
                "--net is given {} times for {} --weights; give it once for all, or once for each",
                nets.len(),
                self.weights.len()
            ))),
        }
    }
}

/// A network that finds digits, and which one it is.
pub struct NamedFinder {
    pub finder: DigitFinder,
    /// The SHA-256 of its weights.
    pub sha256: String,
}

fn load_finder(library: &Library, weights: Option<&Path>, device: &Device) -> Result<NamedFinder> {
    let Some(path) = weights else {
        let (entry, finder) = library.load_finder(device)?;
        return Ok(NamedFinder { finder, sha256: entry.sha256 });
    };
    let bytes = std::fs::read(path)
        .map_err(|source| ModelsFolderError::File { path: path.to_owned(), source })?;
    let sha256 = sha256_hex(&bytes);
    let finder = DigitFinder::from_safetensors(bytes, device).context(path.display())?;
    Ok(NamedFinder { finder, sha256 })
}
