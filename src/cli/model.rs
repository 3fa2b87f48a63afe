//! Which published model a command uses.

use std::path::PathBuf;

use clap::Args;

use super::device::DeviceArg;
use crate::{classifier::Classifier, publication};

/// The options of every command that reads or removes.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// The models folder.
    #[arg(long, default_value = "models")]
    models: PathBuf,
    /// A model's name in its manifest; the first one when not given.
    #[arg(long)]
    model: Option<String>,
    /// What computes.
    #[arg(long, value_enum, default_value_t = DeviceArg::Cpu)]
    device: DeviceArg,
}

impl ModelArgs {
    /// Loads the model on its device.
    pub fn load(&self) -> anyhow::Result<Classifier> {
        let device = self.device.open()?;
        let (_, classifier) = publication::load(&self.models, self.model.as_deref(), &device)?;
        Ok(classifier)
    }
}
