//! Which models a command uses.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use clap::Args;

use super::{
    Context as _, Result, WrongArgument,
    device::{DeviceArg, WHAT_COMPUTES},
};
use crate::{
    classifier::{Architecture, Classifier, MAX_WEIGHTS_BYTES, network_named_in},
    fault::with_causes,
    files::{printable, read_listed},
    finder::{DigitFinder, FINDER_NET},
    publication::{FinderEntry, Library, ModelEntry, ModelsFolderError, StrokesEntry, sha256_hex},
    removal::{Method, Nets},
    strokes::{STROKE_NET, StrokeFinder},
    unet::Shape,
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

    /// The same for a method of removal. Only Doorplate's own needs the network that finds strokes.
    /// The others go on without it if it cannot be loaded: boxes round whole numbers are then read
    /// as one digit, and the check cannot look for strokes.
    pub fn load_nets_for(&self, method: &Method) -> Result<NamedNets> {
        if matches!(method, Method::Doorplate(_)) {
            return self.load_nets();
        }
        let (entry, classifier) = self.load_entry(self.model.as_deref())?;
        let (strokes, sha256) = match self.published().load_strokes(&self.device()?) {
            Ok((strokes, finder)) => (Some(finder), format!("{}+{}", entry.sha256, strokes.sha256)),
            Err(error) => {
                let error = printable(&with_causes(&error));
                note!(
                    "doorplate: {error}; the method {} goes on without it, but boxes round whole \
                     numbers are read as one digit, and nothing looks for what is left of strokes",
                    method.name()
                );
                (None, entry.sha256)
            }
        };
        Ok(NamedNets { nets: Nets { classifier, strokes }, model: entry.name, sha256 })
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

/// The options of commands that take several models.
#[derive(Debug, Args)]
#[command(next_help_heading = "Models")]
pub struct WhichModels {
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
}

/// The options of commands that measure several models.
#[derive(Debug, Args)]
#[command(next_help_heading = "Models")]
pub struct ModelsArgs {
    #[command(flatten)]
    which: WhichModels,
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

/// A network of any kind with the name that its files get.
#[derive(Debug)]
pub struct AnyNamedNet {
    pub name: String,
    /// The SHA-256 of its weights' file.
    pub sha256: String,
    pub net: AnyNet,
}

/// A network of any kind, with its weights.
#[derive(Debug)]
pub enum AnyNet {
    Classifier(Box<Classifier>),
    Strokes(StrokeFinder),
    Finder(DigitFinder),
}

impl From<(ModelEntry, Classifier)> for AnyNamedNet {
    fn from((entry, classifier): (ModelEntry, Classifier)) -> Self {
        let ModelEntry { name, sha256, .. } = entry;
        AnyNamedNet { name, sha256, net: AnyNet::Classifier(Box::new(classifier)) }
    }
}

impl From<(StrokesEntry, StrokeFinder)> for AnyNamedNet {
    fn from((entry, finder): (StrokesEntry, StrokeFinder)) -> Self {
        AnyNamedNet { name: entry.name, sha256: entry.sha256, net: AnyNet::Strokes(finder) }
    }
}

impl From<(FinderEntry, DigitFinder)> for AnyNamedNet {
    fn from((entry, finder): (FinderEntry, DigitFinder)) -> Self {
        AnyNamedNet { name: entry.name, sha256: entry.sha256, net: AnyNet::Finder(finder) }
    }
}

impl WhichModels {
    fn published(&self) -> Library {
        Library::new(self.models.as_deref())
    }

    /// Whether the command line asks for more than one model.
    pub fn several(&self) -> bool {
        self.all || self.model.len() + self.weights.len() > 1
    }

    /// Whether the default model is meant, as nothing else is named.
    fn is_default(&self) -> bool {
        !self.all && self.model.is_empty() && self.weights.is_empty()
    }

    /// Loads all networks on the CPU, those of the manifest before the weights. Those that find
    /// strokes and digits have names, too.
    pub fn load_any(&self) -> Result<Vec<AnyNamedNet>> {
        let device = Device::flex();
        let library = self.published();
        // For weights alone no models are needed.
        let asked = self.all || !self.model.is_empty();
        let known = if asked { library.names()? } else { Vec::new() };
        let mut nets: Vec<AnyNamedNet> = Vec::new();
        if self.is_default() {
            nets.push(library.load(None, &device)?.into());
        }
        for name in if self.all { &known } else { &self.model } {
            if !known.contains(name) {
                let others: [AnyNamedNet; 2] =
                    [library.load_strokes(&device)?.into(), library.load_finder(&device)?.into()];
                if let Some(net) = others.into_iter().find(|net| net.name == *name) {
                    nets.push(net);
                    continue;
                }
            }
            nets.push(library.load(Some(name), &device)?.into());
        }
        if self.all {
            nets.push(library.load_strokes(&device)?.into());
            nets.push(library.load_finder(&device)?.into());
        }
        for (path, named) in self.weights.iter().zip(self.networks()?) {
            nets.push(net_of_weights(path, named, &device)?);
        }
        Ok(nets)
    }

    /// The name of the network of each of the weights, where the command line gives it.
    fn networks(&self) -> Result<Vec<Option<&str>>, WrongArgument> {
        match self.net.as_slice() {
            [] => Ok(vec![None; self.weights.len()]),
            [one] => Ok(vec![Some(one.as_str()); self.weights.len()]),
            nets if nets.len() == self.weights.len() => {
                Ok(nets.iter().map(|net| Some(net.as_str())).collect())
            }
            nets => Err(WrongArgument(format!(
                "--net is given {} times for {} --weights; give it once for all, or once for each",
                nets.len(),
                self.weights.len()
            ))),
        }
    }
}

/// A network of any kind from a file of weights; `named` is its network, if the file's own word is not
/// to count.
fn net_of_weights(path: &Path, named: Option<&str>, device: &Device) -> Result<AnyNamedNet> {
    let bytes = read_weights(path)?;
    let sha256 = sha256_hex(&bytes);
    let network = match named {
        Some(name) => name.to_owned(),
        None => network_named_in(&bytes).context(path.display())?,
    };
    let is = |shape: &Shape| network.eq_ignore_ascii_case(shape.name);
    let net = if is(&STROKE_NET) {
        StrokeFinder::from_safetensors(bytes, device).map(AnyNet::Strokes)
    } else if is(&FINDER_NET) {
        DigitFinder::from_safetensors(bytes, device).map(AnyNet::Finder)
    } else {
        let architecture = match named {
            Some(name) => Architecture::named(name)?,
            None => Architecture::of_weights(&bytes).context(path.display())?,
        };
        Classifier::from_safetensors(architecture, bytes, device)
            .map(|classifier| AnyNet::Classifier(Box::new(classifier)))
    };
    Ok(AnyNamedNet { name: stem_of(path), sha256, net: net.context(path.display())? })
}

/// The file of a network's weights, compared with the list that a run writes beside it.
pub fn read_weights(path: &Path) -> Result<Vec<u8>, ModelsFolderError> {
    read_listed(path, MAX_WEIGHTS_BYTES)
        .map_err(|source| ModelsFolderError::File { path: path.to_owned(), source })
}

/// A file's name without its ending.
fn stem_of(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

impl ModelsArgs {
    /// The models folder that --record writes to.
    pub fn folder(&self) -> Result<PathBuf, WrongArgument> {
        let folder = self.which.published().chosen().map(Path::to_owned);
        folder.ok_or_else(|| {
            WrongArgument("--record writes into a models folder; name it with --models".to_owned())
        })
    }

    /// Loads the network that finds digits: that of a run's weights, or the published one.
    pub fn load_finder(&self, weights: Option<&Path>) -> Result<NamedFinder> {
        load_finder(&self.which.published(), weights, &self.device.open()?)
    }

    /// Loads the published network that finds strokes.
    pub fn load_strokes(&self) -> Result<StrokeFinder> {
        Ok(self.which.published().load_strokes(&self.device.open()?)?.1)
    }

    /// Whether the command line asks for more than one model.
    pub fn several(&self) -> bool {
        self.which.several()
    }

    /// Loads all models on their device, those of the manifest before the weights.
    pub fn load(&self) -> Result<Vec<NamedModel>> {
        let device = self.device.open()?;
        let which = &self.which;
        let library = which.published();
        let mut names: Vec<Option<String>> = which.model.iter().cloned().map(Some).collect();
        if which.all {
            names = library.names()?.into_iter().map(Some).collect();
        }
        // If the manifest is empty, loading the first model says so.
        if names.is_empty() && (which.all || which.is_default()) {
            names.push(None);
        }
        let mut models: Vec<NamedModel> = Vec::new();
        for name in &names {
            let (entry, classifier) = library.load(name.as_deref(), &device)?;
            models.push(NamedModel { name: entry.name, classifier });
        }
        let networks = which.networks()?.into_iter();
        let networks: Vec<Option<&Architecture>> = networks
            .map(|name| name.map(Architecture::named).transpose())
            .collect::<Result<_, _>>()?;
        for (path, architecture) in which.weights.iter().zip(networks) {
            let bytes = read_weights(path)?;
            let architecture = match architecture {
                Some(architecture) => architecture,
                None => Architecture::of_weights(&bytes).context(path.display())?,
            };
            let classifier = Classifier::from_safetensors(architecture, bytes, &device)
                .context(path.display())?;
            let stem = stem_of(path);
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
}

/// A network that finds digits, and which one it is.
#[derive(Clone)]
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
    let bytes = read_weights(path)?;
    let sha256 = sha256_hex(&bytes);
    let finder = DigitFinder::from_safetensors(bytes, device).context(path.display())?;
    Ok(NamedFinder { finder, sha256 })
}
