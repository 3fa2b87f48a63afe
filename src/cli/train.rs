//! `doorplate train`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use time::macros::format_description;

use super::{WrongArgument, device::DeviceArg};
use crate::{
    classifier::Architecture,
    training::{self, Augmentation, EpochReport, OptimizerKind, RunConfig, Schedule},
};

/// Train a network on SVHN's Format 1 photos, with validation by photo.
#[derive(Debug, Parser)]
pub struct Args {
    /// Folder with the photos and their digitStruct.mat.
    #[arg(long, required_unless_present = "resume", conflicts_with = "resume")]
    data: Option<PathBuf>,
    /// The network.
    #[arg(long, default_value = "ConvNet48_Dropout3")]
    net: Architecture,
    /// Passes over the training digits.
    #[arg(long, default_value_t = 60)]
    epochs: usize,
    /// Digits a step.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Highest learning rate.
    #[arg(long, default_value_t = 0.003)]
    rate: f64,
    /// How the rate changes over the run.
    #[arg(long, value_enum, default_value_t = Schedule::Cosine)]
    schedule: Schedule,
    /// The optimiser.
    #[arg(long, value_enum, default_value_t = OptimizerKind::Adam)]
    optimizer: OptimizerKind,
    /// Share of the target spread over all digits, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    smoothing: f32,
    /// Share of the photos held back for validation, 0 to 1.
    #[arg(long, default_value_t = 0.1)]
    validation: f64,
    /// Show each box as it is, without shifts, turns and new light.
    #[arg(long)]
    no_augmentation: bool,
    /// Draws the split, the order, the augmentation, the first weights and the dropout.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Put before the names of the run's files.
    #[arg(long)]
    id: Option<String>,
    /// Folder for runs; each gets one of its own.
    #[arg(long, default_value = "runs")]
    out: PathBuf,
    /// Go on with the run in this folder from its last checkpoint; its own options hold.
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
    /// What computes.
    #[arg(long, value_enum, default_value_t = DeviceArg::Auto)]
    device: DeviceArg,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let device = args.device.open()?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "{prefix} [{bar:30}] {pos}/{len} steps, loss {msg}, {eta} left",
    )?);
    let mut on_step = |step: usize, steps: usize, loss: f32| {
        bar.set_length(steps as u64);
        bar.set_position(step as u64);
        bar.set_message(format!("{loss:.4}"));
    };
    let mut on_epoch = |report: &EpochReport| {
        let accuracy =
            report.accuracy.map_or(String::new(), |a| format!("  validation {:.2} %", 100.0 * a));
        let line = format!(
            "epoch {:>4}  loss {:>9.3}{accuracy}  {:>6.0} s",
            report.epoch, report.loss, report.seconds
        );
        // Unlike the bar, the line is also wanted in a log file.
        if bar.is_hidden() {
            eprintln!("{line}");
        } else {
            bar.println(line);
        }
        bar.reset();
        bar.set_prefix(format!("epoch {:>4}", report.epoch + 1));
    };
    let outcome = match (&args.resume, &args.data) {
        (Some(folder), _) => training::resume(folder, &device, &mut on_step, &mut on_epoch)?,
        (None, Some(data)) => {
            let config = config(args, data.clone())?;
            training::train(&config, args.net, &args.out, &device, &mut on_step, &mut on_epoch)?
        }
        // The argument parser asks for one of the two.
        (None, None) => anyhow::bail!("give --data or --resume"),
    };
    bar.finish_and_clear();
    if outcome.validation.total() > 0 {
        println!("On the validation photos:\n{}", outcome.validation.report());
    }
    println!("Weights: {}", outcome.weights.display());
    Ok(())
}

fn config(args: &Args, data: PathBuf) -> anyhow::Result<RunConfig> {
    let format = format_description!("[year]-[month]-[day]_[hour]-[minute]-[second]");
    let now = time::OffsetDateTime::now_utc().format(format).context("formatting the time")?;
    let stem = match &args.id {
        Some(id) => {
            let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            anyhow::ensure!(
                plain && !id.starts_with('.'),
                WrongArgument(format!(
                    "--id {id}: use letters, digits, '-', '_' and '.' only; it becomes part of \
                     file names"
                ))
            );
            format!("{id}_train_{now}")
        }
        None => format!("train_{now}"),
    };
    let augmentation = if args.no_augmentation { Augmentation::NONE } else { Augmentation::LIGHT };
    Ok(RunConfig {
        net: args.net.to_string(),
        data,
        epochs: args.epochs,
        batch: usize::from(args.batch),
        rate: args.rate,
        schedule: args.schedule,
        optimizer: args.optimizer,
        smoothing: args.smoothing,
        validation: args.validation,
        seed: args.seed,
        augmentation,
        stem,
    })
}
