//! Which published model a command uses.

use std::path::PathBuf;

use burn::tensor::Device;
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
    /// Opens the device.
    pub fn device(&self) -> anyhow::Result<Device> {
        self.device.open()
    }

    /// Loads the model on its device.
    pub fn load(&self) -> anyhow::Result<Classifier> {
        let device = self.device()?;
        let (_, classifier) = publication::load(&self.models, self.model.as_deref(), &device)?;
        Ok(classifier)
    }
}
