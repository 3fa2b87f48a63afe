//! The parts of training that differ between kinds of networks, and that [`super::training_loop`]
//! uses.

use std::fmt;

use burn::{module::Module, tensor::Device};

use super::{RunConfig, TrainingError, Watcher, cpu::Step};
use crate::classifier::EngineError;

/// A kind of network to train, with the data of a run.
pub(super) trait Task: Sized {
    /// The network.
    type Net: Module + fmt::Display;
    /// What computes the steps.
    type Engine;

    /// What is trained on, in the plural.
    const EXAMPLES: &'static str;
    /// What [`Validation`]'s share is, for the curves.
    const MEASURE: &'static str;

    /// Reads the run's data; `devices` are those that will train.
    fn load(
        config: &RunConfig,
        devices: &[Device],
        watcher: &mut dyn Watcher,
    ) -> Result<Self, TrainingError>;

    /// A network whose weights are drawn when they are first asked for, or loaded instead.
    fn untrained(config: &RunConfig, device: &Device) -> Result<Self::Net, TrainingError>;

    /// The weights of a finished run, without autodiff; an error describes what is wrong with the
    /// bytes.
    fn from_safetensors(
        config: &RunConfig,
        bytes: Vec<u8>,
        device: &Device,
    ) -> Result<Self::Net, String>;

    /// The weights as a run leaves them, of a network without autodiff.
    fn to_safetensors(net: &Self::Net) -> Result<Vec<u8>, EngineError>;

    /// Lines for the results' file: the network's input, and how many weights it has.
    fn facts(net: &Self::Net) -> String;

    /// A newly drawn network with what is measured of the training data rather than learned.
    fn fitted(&self, net: Self::Net) -> Self::Net {
        net
    }

    /// A network, newly drawn or from a checkpoint, with the run's options.
    fn with_options(&self, net: Self::Net) -> Self::Net {
        net
    }

    /// The engine that computes the steps of `net` and its successors on `devices`. The network is
    /// on the first one.
    fn engine(&self, net: &Self::Net, devices: &[Device]) -> Result<Self::Engine, EngineError>;

    /// Different examples to train on.
    fn trained_on(&self) -> u64;

    /// Examples shown in an epoch.
    fn epoch_len(&self) -> usize;

    /// Examples shown in a step.
    fn step_len(&self) -> usize;

    /// Whether anything is held back for validation.
    fn validates(&self) -> bool;

    /// The loss and gradients of the examples at these positions of an epoch's
    /// [`epoch_len`](Self::epoch_len). What is drawn at random depends on `seed` alone.
    fn step(
        &self,
        engine: &mut Self::Engine,
        net: &Self::Net,
        positions: &[usize],
        seed: u64,
    ) -> Result<Step, TrainingError>;

    /// Measures a network without autodiff on what is held back; `None` when nothing is.
    fn validate(&self, net: &Self::Net) -> Result<Option<Validation>, EngineError>;
}

/// What weights give on the data that are held back for validation.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    /// What runs are judged by, 0 to 1: the share of digits that a classifier reads right, or
    /// StrokeNet's strokes found as a share of those found or missed (intersection over union).
    pub share: f64,
    /// The same, and more, as readable lines.
    pub report: String,
}
