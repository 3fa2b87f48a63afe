//! `doorplate train`

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use burn::tensor::Device;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use time::macros::format_description;

use super::{
    Context as _, Result, WrongArgument,
    device::DeviceArg,
    lend::name_the_lost,
    plan,
    stop::{Late, listen},
};
use crate::{
    classifier::Architecture,
    finder::FINDER_NET,
    strokes::STROKE_NET,
    training::{
        self, Augmentation, AugmentationArgs, EpochReport, FinishedRun, LearningRateArgs,
        OptimizerArgs, RunConfig, RunOutcome, Source, Watcher,
    },
};

/// Train a network on SVHN's photos or crops, or on synthetic street numbers.
///
/// Each run has its own folder for checkpoints and, at the end, weights, results, measures and
/// curves. Ctrl-C ends a run after the current step, with a checkpoint; if that takes more than 4
/// seconds, without one, so that it goes on from the last.
#[derive(Debug, Parser)]
#[command(args_override_self = true, after_help = super::examples!(
    "doorplate train --data svhn/train --net ConvNet48_Dropout3",
    "doorplate train --resume runs/RUN",
    "doorplate train --plan assets/plans/pytorch.txt --data svhn/train --device cuda"
))]
pub struct Args {
    /// A Format 1 folder, a folder with folders 0 to 9 of cropped digits, a Format 2 file (.mat) or
    /// a prepared store; PATH@3 shows each of its digits three times an epoch. May be given more
    /// than once.
    #[arg(long, help_heading = "Data", value_name = "PATH[@TIMES]", required_unless_present_any = ["resume", "plan"])]
    data: Vec<Source>,
    /// Photos with boxes round all their digits: a Format 1 folder, or a box file beside each photo. Where
    /// there is none, a network that reads digits is shown as many places as TIMES says, so that it
    /// learns to be unsure there. May be given more than once.
    #[arg(long, help_heading = "Data", value_name = "PATH[@TIMES]")]
    no_digits: Vec<Source>,
    /// Weights of a FinderNet: in the photos of --no-digits, what it takes for digits is shown, too.
    #[arg(long, help_heading = "Data", value_name = "FILE", requires = "no_digits")]
    finder: Option<PathBuf>,
    /// The network: one of those that docs/training.md lists for reading digits; StrokeNet, which
    /// finds digits' strokes and is trained on data of `doorplate data synth --clean`; or FinderNet,
    /// which finds digits in whole photos.
    #[arg(long, help_heading = "Network and training", default_value = "ConvNet48_Dropout3")]
    net: String,
    /// Passes over the training data.
    #[arg(long, help_heading = "Network and training", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Digits per step; for StrokeNet patches, and for FinderNet views, of photos.
    #[arg(long, help_heading = "Network and training", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    #[command(flatten)]
    learning_rate: LearningRateArgs,
    #[command(flatten)]
    optimizer: OptimizerArgs,
    /// Label smoothing: share of the target that is spread over all digits, 0 to 1.
    #[arg(long, help_heading = "Targets", value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    smoothing: f64,
    /// Probability with which dropout drops a feature, from 0 to below 1 [default: the network's
    /// own].
    #[arg(long, help_heading = "Network and training", value_name = "PROBABILITY", value_parser = below_one)]
    dropout: Option<f64>,
    /// Start from the weights of an earlier run of the same network.
    #[arg(long, help_heading = "Network and training", value_name = "FILE")]
    start: Option<PathBuf>,
    /// Weights of a trained network whose readings of the same augmented inputs are the target. If
    /// given more than once, the target is the mean of all readings. For FinderNet: weights of an
    /// earlier run, which find the digits in boxes round whole numbers, and in photos without boxes.
    #[arg(long, help_heading = "Targets", value_name = "FILE")]
    teacher: Vec<PathBuf>,
    /// Weights of a StrokeNet: boxes round whole numbers in which FinderNet's teacher does not find all
    /// digits are split by the strokes that it finds.
    #[arg(long, help_heading = "Targets", value_name = "FILE", requires = "teacher")]
    strokes: Option<PathBuf>,
    /// Share of the target that comes from the teachers, 0 to 1; the rest comes from the label.
    #[arg(long, help_heading = "Targets", value_name = "SHARE", default_value_t = 0.9, value_parser = share, requires = "teacher")]
    teaching: f64,
    /// Share of the first --data that is held back for validation, 0 to 1. It is a share of the
    /// photos, of the groups of pictures that hardly differ (cropped digits), or of each digit
    /// (Format 2). For StrokeNet and FinderNet it is a share of the photos of all --data, of which at
    /// most 1000 and 400 are used.
    #[arg(long, help_heading = "Data", value_name = "SHARE", default_value_t = 0.1, value_parser = share)]
    validation: f64,
    /// Validate on these data, and train on all of --data.
    #[arg(long, help_heading = "Data", value_name = "PATH")]
    validate_on: Option<PathBuf>,
    /// End the run after this many epochs without a better validation accuracy (for StrokeNet,
    /// overlap with the true strokes; for FinderNet, average precision), and keep the weights of the
    /// best epoch.
    #[arg(long, help_heading = "Network and training", value_name = "EPOCHS")]
    patience: Option<NonZeroUsize>,
    /// Validate and publish a moving average of the weights, with this decay, such as 0.999.
    #[arg(long, help_heading = "Network and training", value_name = "DECAY", value_parser = share)]
    averaging: Option<f64>,
    #[command(flatten)]
    augmentation: AugmentationArgs,
    /// Steps between checkpoints within an epoch.
    #[arg(long, help_heading = "Run", value_name = "STEPS")]
    checkpoint_every: Option<NonZeroUsize>,
    /// Seed of the split, the order, the augmentation, the first weights and the dropout.
    #[arg(long, help_heading = "Network and training", default_value_t = 1)]
    seed: u64,
    /// Prefix of the names of the run's files.
    #[arg(long, help_heading = "Run")]
    id: Option<String>,
    /// Folder for all runs; each run gets a folder in it.
    #[arg(long, help_heading = "Run", default_value = "runs")]
    pub(super) out: PathBuf,
    /// Continue the run in this folder from its last checkpoint, with the options it was started
    /// with.
    #[arg(long, help_heading = "Run", value_name = "RUN", conflicts_with_all = ["data", "plan"])]
    resume: Option<PathBuf>,
    /// Do many runs: each line of this file holds the options of one run, separated by spaces. They
    /// replace those on the command line, except --data and --device, which are added to them. Text
    /// after # is a comment. If started again, it continues where it stopped.
    #[arg(long, help_heading = "Run", value_name = "FILE", conflicts_with = "id")]
    pub(super) plan: Option<PathBuf>,
    /// What computes: auto, cpu, wgpu, cuda, cuda:NUMBER or, for a machine that runs lend-device,
    /// ws://HOST:PORT. Several devices, separated by commas, share each batch.
    #[arg(
        long,
        help_heading = "Run",
        value_name = "DEVICE",
        value_delimiter = ',',
        default_value = "auto"
    )]
    device: Vec<DeviceArg>,
}

/// Shows a run's progress, and listens for Ctrl-C.
struct Terminal {
    bar: ProgressBar,
    stop: Stop,
}

impl Terminal {
    fn new(stop: Stop) -> Result<Self> {
        let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
            "{prefix} [{bar:30}] {pos}/{len} steps, loss {msg}, {eta} left",
        )?);
        Ok(Terminal { bar, stop })
    }
}

impl Watcher for Terminal {
    fn photos_read(&mut self, photos: usize) {
        self.bar.set_prefix(format!("{photos} photos read"));
        self.bar.tick();
    }

    fn step(&mut self, step: usize, steps: usize, loss: f64) {
        self.bar.set_length(steps as u64);
        self.bar.set_position(step as u64);
        self.bar.set_message(format!("{loss:.4}"));
    }

    fn epoch(&mut self, report: &EpochReport) {
        let accuracy =
            report.accuracy.map_or(String::new(), |a| format!("  validation {:.2} %", 100.0 * a));
        let line = format!(
            "epoch {:>4}  loss {:>9.3}{accuracy}  {:>6.0} s",
            report.epoch, report.loss, report.seconds
        );
        // Unlike the bar, the line is also wanted in a log file.
        if self.bar.is_hidden() {
            note!("{line}");
        } else {
            self.bar.println(line);
        }
        self.bar.reset();
        self.bar.set_prefix(format!("epoch {:>4}", report.epoch + 1));
    }

    fn stop(&self) -> bool {
        self.stop.is_asked()
    }
}

/// Whether a run is to stop.
#[derive(Clone, Default)]
pub(super) struct Stop {
    asked: Arc<AtomicBool>,
    /// Whether the run knows, and is about to write a checkpoint.
    seen: Arc<AtomicBool>,
}

impl Stop {
    /// Whether the run is to stop, which it then does.
    pub(super) fn is_asked(&self) -> bool {
        let asked = self.asked.load(Ordering::Relaxed);
        if asked {
            self.seen.store(true, Ordering::Relaxed);
        }
        asked
    }
}

pub fn run(args: &Args) -> Result<()> {
    let stop = Stop::default();
    let seen = Arc::clone(&stop.seen);
    listen(&stop.asked, "stopping after this step", move || match seen.load(Ordering::Relaxed) {
        // It writes a checkpoint.
        true => Late::Wait,
        // It reads data, or validates, or a step takes long. The last checkpoint is there.
        false => Late::End,
    })?;
    if let Some(file) = &args.plan {
        return plan::run(file, &stop);
    }
    let outcome = match &args.resume {
        Some(folder) => {
            training::resume(folder, &devices(args)?, &mut Terminal::new(stop.clone())?)
                .map_err(|error| name_the_lost(&args.device, error))?
        }
        None => start(args, &stop)?,
    };
    if let Some(validation) = outcome.validation {
        tell!("{}", validation.report)?;
    }
    tell!("Weights: {}", outcome.weights.display())?;
    Ok(())
}

fn devices(args: &Args) -> Result<Vec<Device>> {
    args.device.iter().map(DeviceArg::open).collect()
}

/// Starts the run that the arguments describe.
fn start(args: &Args, stop: &Stop) -> Result<RunOutcome> {
    let config = config(args)?;
    let mut terminal = Terminal::new(stop.clone())?;
    let outcome = training::train(&config, &args.out, &devices(args)?, &mut terminal)
        .map_err(|error| name_the_lost(&args.device, error))?;
    terminal.bar.finish_and_clear();
    Ok(outcome)
}

/// The networks that do not read digits.
const OTHER_NETS: [&str; 2] = [STROKE_NET.name, FINDER_NET.name];

/// Refuses options that these networks do not have.
fn check_other_net(args: &Args) -> Result<(), WrongArgument> {
    let refused = [
        ("--teacher", !args.teacher.is_empty() && args.net != FINDER_NET.name),
        ("a second --teacher", args.teacher.len() > 1),
        ("--dropout", args.dropout.is_some()),
        ("--no-digits", !args.no_digits.is_empty()),
        ("--smoothing", args.smoothing != 0.0),
        ("--augmentation", args.augmentation.augmentation() != Augmentation::LIGHT),
    ];
    match refused.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(WrongArgument(format!("{option} does not apply to {}", args.net))),
        None => Ok(()),
    }
}

/// Starts or continues a run of a plan, in the folder `out/<stem>`; a finished run is left
/// unchanged.
pub(super) fn start_or_go_on(args: &Args, stem: String, stop: &Stop) -> Result<FinishedRun> {
    let config = RunConfig { stem, ..config(args)? };
    let mut terminal = Terminal::new(stop.clone())?;
    let run = training::train_or_go_on(&config, &args.out, &devices(args)?, &mut terminal)
        .map_err(|error| name_the_lost(&args.device, error))?;
    terminal.bar.finish_and_clear();
    Ok(run)
}

/// Refuses arguments that cannot become a plan's run.
pub(super) fn check(args: &Args) -> Result<()> {
    config(args).map(drop)
}

/// The run that the arguments describe.
fn config(args: &Args) -> Result<RunConfig> {
    let format = format_description!("[year]-[month]-[day]_[hour]-[minute]-[second]");
    let now = time::OffsetDateTime::now_utc().format(format).context("formatting the time")?;
    let stem = match &args.id {
        Some(id) => {
            let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            if !plain || id.starts_with('.') {
                return Err(WrongArgument(format!(
                    "--id {id}: use letters, digits, '-', '_' and '.' only; it becomes part of \
                     file names"
                ))
                .into());
            }
            format!("{id}_train_{now}")
        }
        None => format!("train_{now}"),
    };
    let wrong = |error: String| WrongArgument(error);
    if args.data.is_empty() {
        return Err(wrong("--data is missing".to_owned()).into());
    }
    let other_net = OTHER_NETS.into_iter().find(|name| *name == args.net);
    if other_net.is_some() {
        check_other_net(args)?;
    } else if args.strokes.is_some() {
        return Err(wrong("--strokes applies to FinderNet only".to_owned()).into());
    }
    Ok(RunConfig {
        net: match other_net {
            Some(name) => name,
            None => Architecture::named(&args.net).map_err(|error| wrong(error.to_string()))?.name,
        }
        .to_owned(),
        data: args.data.clone(),
        no_digits: args.no_digits.clone(),
        finder: args.finder.clone(),
        epochs: args.epochs as usize,
        batch: usize::from(args.batch),
        learning_rate: args
            .learning_rate
            .learning_rate()
            .map_err(|error| wrong(error.to_string()))?,
        optimizer: args.optimizer.config().map_err(|error| wrong(error.to_string()))?,
        smoothing: args.smoothing as f32,
        dropout: args.dropout,
        start: args.start.clone(),
        teachers: args.teacher.clone(),
        strokes: args.strokes.clone(),
        teaching: match other_net {
            None if !args.teacher.is_empty() => args.teaching as f32,
            _ => 0.0,
        },
        validation: args.validation,
        validate_on: args.validate_on.clone(),
        patience: args.patience,
        averaging: args.averaging,
        augmentation: args.augmentation.augmentation(),
        checkpoint_every: args.checkpoint_every,
        seed: args.seed,
        stem,
    })
}

fn below_one(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..1.0).contains(&value) => Ok(value),
        _ => Err("give a number from 0 up to, but not including, 1".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("give a number from 0 to 1".to_owned()),
    }
}
