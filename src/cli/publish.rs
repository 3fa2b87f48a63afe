//! `doorplate publish`

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use burn::tensor::Device;
use clap::Parser;
use indicatif::ProgressBar;

use super::{
    WrongArgument,
    device::{DeviceArg, WHAT_COMPUTES},
};
use crate::{
    classifier::{Architecture, Classifier},
    evaluation::{confusion_of, read_all},
    publication,
    strokes::{StrokeFinder, StrokeNet},
    training::{FinishedRun, finished_run, measure_strokes},
};

/// Measure a finished run's weights and publish them, with manifest and card.
///
/// They are published, and measured, in half precision.
#[derive(Debug, Parser)]
pub struct Args {
    /// The run's folder.
    run: PathBuf,
    /// The model's name: letters, digits, '-' and '_'.
    #[arg(long)]
    name: String,
    /// Format 1 folder or Format 2 file to measure on, or for StrokeNet a folder of `doorplate data
    /// synth --clean`; none of it may have been trained on.
    #[arg(long)]
    measure_on: PathBuf,
    /// What the model was trained on, for people.
    #[arg(long)]
    trained_on: String,
    /// What it is measured on, for people.
    #[arg(long)]
    measured_on: String,
    /// The models folder.
    #[arg(long, default_value = "models")]
    models: PathBuf,
    /// What computes.
    #[arg(long, value_name = "DEVICE", default_value_t = DeviceArg::Auto, help = WHAT_COMPUTES)]
    device: DeviceArg,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let plain = args.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    ensure!(
        plain && !args.name.is_empty(),
        WrongArgument(format!(
            "--name {}: use letters, digits, '-' and '_' only; it becomes part of file names",
            args.name
        ))
    );
    let run = finished_run(&args.run)?;
    if run.config.net == StrokeNet::NAME {
        return publish_strokes(args, &run);
    }
    let device = args.device.open()?;
    let architecture = Architecture::named(&run.config.net)?;
    let trained = Classifier::from_safetensors(architecture, run.weights, &Device::flex())
        .with_context(|| format!("{}", args.run.display()))?;
    let weights = trained.to_half_safetensors()?;
    let classifier = Classifier::from_safetensors(architecture, weights.clone(), &device)?;
    let bar = ProgressBar::new(0);
    let read = read_all(&classifier, &args.measure_on, |read, of| {
        bar.set_length(of as u64);
        bar.set_position(read as u64);
    })?;
    let confusion = confusion_of(&read);
    bar.finish_and_clear();
    let entry = publication::publish(
        &args.models,
        &publication::Publication {
            name: &args.name,
            architecture,
            weights: &weights,
            curves: &run.curves,
            trained_on: (&args.trained_on, run.trained_on),
            measured_on: &args.measured_on,
            confusion: &confusion,
            command: &run.config.to_string(),
        },
    )?;
    print!("{}", confusion.report());
    println!("\nPublished {} as {}", entry.name, args.models.join(&entry.file).display());
    Ok(())
}

/// Measures and publishes the network that finds strokes.
fn publish_strokes(args: &Args, run: &FinishedRun) -> anyhow::Result<()> {
    let load = |weights: Vec<u8>| {
        StrokeFinder::from_safetensors(weights, &Device::flex())
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("{}", args.run.display()))
    };
    let weights = load(run.weights.clone())?.to_half_safetensors()?;
    let measured = measure_strokes(&load(weights.clone())?, &args.measure_on)?;
    let entry = publication::publish_strokes(
        &args.models,
        &publication::StrokesPublication {
            name: &args.name,
            weights: &weights,
            curves: &run.curves,
            trained_on: &args.trained_on,
            measured_on: (&args.measured_on, measured.photos as u64),
            overlap: measured.overlap,
            command: &run.config.to_string(),
        },
    )?;
    println!("Strokes found of those found or missed: {:.1} %", 100.0 * measured.overlap);
    println!("\nPublished {} as {}", entry.name, args.models.join(&entry.file).display());
    Ok(())
}
