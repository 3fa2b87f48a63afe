//! `doorplate publish`

use std::path::PathBuf;

use burn::tensor::Device;
use clap::Parser;
use indicatif::ProgressBar;

use super::{
    Context as _, Result, WrongArgument,
    device::{DeviceArg, WHAT_COMPUTES},
};
use crate::{
    classifier::{Architecture, Classifier},
    evaluation::{confusion_of, read_all},
    finder::FINDER_NET,
    publication::{self, MeasuredDigits, MeasuredStrokes, Measurement, NetPublication},
    strokes::STROKE_NET,
    training::{
        FinishedRun, RunConfig, finished_run, measure_finder, measure_strokes, temperature_of,
    },
    unet::UNetModel,
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
    /// What the model was trained on, as a description for readers.
    #[arg(long)]
    trained_on: String,
    /// What it is measured on, as a description for readers; one for each --measure-on, in the same
    /// order.
    #[arg(long, required = true)]
    measured_on: Vec<String>,
    /// Scale the network's outputs so that its confidences fit the digits that validated the run
    /// (temperature scaling). What it reads stays the same.
    #[arg(long)]
    calibrate: bool,
    /// The models folder.
    #[arg(long, default_value = "models")]
    models: PathBuf,
    /// What computes.
    #[arg(long, value_name = "DEVICE", default_value_t = DeviceArg::Auto, help = WHAT_COMPUTES)]
    device: DeviceArg,
}

pub fn run(args: &Args) -> Result<()> {
    let plain = args.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !plain || args.name.is_empty() {
        return Err(WrongArgument(format!(
            "--name {}: use letters, digits, '-' and '_' only; it becomes part of file names",
            args.name
        ))
        .into());
    }
    if args.measure_on.len() != args.measured_on.len() {
        return Err(WrongArgument(format!(
            "--measure-on is given {} times and --measured-on {} times; give as many of each",
            args.measure_on.len(),
            args.measured_on.len()
        ))
        .into());
    }
    let run = finished_run(&args.run)?;
    if run.config.net == STROKE_NET.name || run.config.net == FINDER_NET.name {
        if args.calibrate {
            return Err(WrongArgument(format!(
                "--calibrate does not apply to {}, which reads no digits",
                run.config.net
            ))
            .into());
        }
        return publish_net(args, &run);
    }
    let device = args.device.open()?;
    let architecture = Architecture::named(&run.config.net)?;
    let trained = Classifier::from_safetensors(architecture, run.weights, &Device::flex())
        .context(args.run.display())?;
    let trained = if args.calibrate { calibrated(&run.config, trained)? } else { trained };
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

/// The classifier at the temperature at which its confidences fit the digits that validated its run.
fn calibrated(config: &RunConfig, trained: Classifier) -> Result<Classifier> {
    let net = trained.into_network();
    let temperature = temperature_of(config, &net)?.ok_or_else(|| {
        WrongArgument("--calibrate: the run held no digits back for validation".to_owned())
    })?;
    tell!("Temperature: {temperature:.3}")?;
    Ok(Classifier::new(net.at_temperature(temperature), Device::flex())?)
}

/// Measures and publishes a network that finds strokes or digits.
fn publish_net(args: &Args, run: &FinishedRun) -> Result<()> {
    let net = run.config.net.as_str();
    let ([data], [measured_on]) = (args.measure_on.as_slice(), args.measured_on.as_slice()) else {
        let reason = format!("--measure-on: {net} is measured on one folder");
        return Err(WrongArgument(reason).into());
    };
    let shape = if net == STROKE_NET.name { &STROKE_NET } else { &FINDER_NET };
    let load = |weights: Vec<u8>| {
        UNetModel::from_safetensors(shape, weights, &Device::flex()).context(args.run.display())
    };
    let weights = load(run.weights.clone())?.to_half_safetensors()?;
    let model = load(weights.clone())?;
    let command = run.config.to_string();
    let publication = NetPublication {
        name: &args.name,
        weights: &weights,
        curves: &run.curves,
        trained_on: &args.trained_on,
        measured_on: (measured_on, 0),
        measured: (),
        command: &command,
    };
    let (file, report) = if shape == &STROKE_NET {
        let (photos, overlap) = measure_strokes(&model.into(), data)?;
        let publication = publication.measured(photos as u64, MeasuredStrokes { overlap });
        let file = publication::publish_strokes(&args.models, publication)?.file;
        (file, format!("Strokes found of those found or missed: {:.1} %\n", 100.0 * overlap))
    } else {
        let detection = measure_finder(&model.into(), data)?;
        let measured = MeasuredDigits::from(&detection);
        let publication = publication.measured(detection.photos() as u64, measured);
        let file = publication::publish_finder(&args.models, publication)?.file;
        (file, detection.to_string())
    };
    tell!("{report}\nPublished {} as {}", args.name, args.models.join(file).display())?;
    Ok(())
}
