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
    publication::{self, Measurement},
    strokes::{StrokeFinder, StrokeNet},
    training::{FinishedRun, finished_run, measure_strokes},
};

/// Measure a finished run's weights and publish them, with manifest and card.
///
/// The weights are published and measured in half precision.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate publish runs/RUN --name mine --trained-on \"SVHN train\" --measure-on svhn/test --measured-on \"SVHN test\""
))]
pub struct Args {
    /// The run's folder.
    run: PathBuf,
    /// The model's name: letters, digits, '-' and '_'.
    #[arg(long)]
    name: String,
    /// The data to measure on, which must not have been trained on: a Format 1 folder, a folder
    /// with folders 0 to 9 of cropped digits, or a Format 2 file; for StrokeNet a folder of
    /// `doorplate data synth --clean`. May be given more than once, with a --measured-on each.
    #[arg(long, required = true)]
    measure_on: Vec<PathBuf>,
    /// Describes for readers what the model was trained on.
    #[arg(long)]
    trained_on: String,
    /// Describes for readers what it is measured on; one for each --measure-on, in the same order.
    #[arg(long, required = true)]
    measured_on: Vec<String>,
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
    ensure!(
        args.measure_on.len() == args.measured_on.len(),
        WrongArgument(format!(
            "--measure-on is given {} times and --measured-on {} times; give as many of each",
            args.measure_on.len(),
            args.measured_on.len()
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
    let mut measurements = Vec::new();
    let mut report = String::new();
    for (data, measured_on) in args.measure_on.iter().zip(&args.measured_on) {
        let bar = ProgressBar::new(0);
        let read = read_all(&classifier, data, |read, of| {
            bar.set_length(of as u64);
            bar.set_position(read as u64);
        })?;
        bar.finish_and_clear();
        let confusion = confusion_of(&read);
        report += &format!("{measured_on}\n{}\n", confusion.report());
        measurements.push(Measurement::of(measured_on, &confusion));
    }
    let measured = measurements.remove(0);
    let entry = publication::publish(
        &args.models,
        &publication::Publication {
            name: &args.name,
            architecture,
            weights: &weights,
            curves: &run.curves,
            trained_on: (&args.trained_on, run.trained_on),
            measured,
            also_measured: measurements,
            command: &run.config.to_string(),
        },
    )?;
    crate::cli::output::print(format_args!("{report}"))?;
    tell!("Published {} as {}", entry.name, args.models.join(&entry.file).display())?;
    Ok(())
}

/// Measures and publishes the network that finds strokes.
fn publish_strokes(args: &Args, run: &FinishedRun) -> anyhow::Result<()> {
    let ([data], [measured_on]) = (args.measure_on.as_slice(), args.measured_on.as_slice()) else {
        let reason = format!("--measure-on: {} is measured on one folder", StrokeNet::NAME);
        return Err(WrongArgument(reason).into());
    };
    let load = |weights: Vec<u8>| {
        StrokeFinder::from_safetensors(weights, &Device::flex())
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("{}", args.run.display()))
    };
    let weights = load(run.weights.clone())?.to_half_safetensors()?;
    let measured = measure_strokes(&load(weights.clone())?, data)?;
    let entry = publication::publish_strokes(
        &args.models,
        &publication::StrokesPublication {
            name: &args.name,
            weights: &weights,
            curves: &run.curves,
            trained_on: &args.trained_on,
            measured_on: (measured_on, measured.photos as u64),
            overlap: measured.overlap,
            command: &run.config.to_string(),
        },
    )?;
    tell!("Strokes found of those found or missed: {:.1} %", 100.0 * measured.overlap)?;
    tell!("\nPublished {} as {}", entry.name, args.models.join(&entry.file).display())?;
    Ok(())
}
