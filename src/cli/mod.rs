//! The native program: one file a command.

mod bench;
mod boxes;
mod completions;
mod data;
mod device;
mod erase;
mod evaluate;
mod finish;
mod inspect;
mod lend;
mod method;
mod model;
mod models;
mod plan;
mod publish;
mod read;
mod samples;
mod scenes;
mod serve;
mod sheet;
mod train;

/// What a command's help ends with: lines that can be typed.
macro_rules! examples {
    ($first:literal $(, $more:literal)* $(,)?) => {
        concat!("Examples:\n  ", $first $(, "\n  ", $more)*)
    };
}
use examples;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::{
    boxes::BoxesError,
    erase::{BatchError, LeftError},
    read::OpenPhotoError,
    scenes::ScenesError,
};
use crate::{
    classifier::{EngineError, WeightsError},
    dataset::{
        contact_sheet::ContactSheetError,
        format1::Format1Error,
        format2::Format2Error,
        store::StoreError,
        synthetic::{SyntheticError, TypefaceError, WallError},
    },
    evaluation::{ReadError, SheetError},
    files::printable,
    photo::PhotoError,
    publication::ModelsFolderError,
    training::{DataError, TrainingError},
};

/// Reads the house numbers in a street photo and takes them out of it; trains and publishes the
/// classifiers that do so.
///
/// Exit codes: 0 done; 1 a file could not be written, or anything not named here; 2 wrong
/// arguments; 3 a photo, its boxes, a data set or a run cannot be used; 4 a model cannot be used;
/// 5 the device failed; 6 some photos of many failed, and the rest is done; 7 all is written, but
/// something of a digit may still be seen; 130 stopped by Ctrl-C: training with a checkpoint, erasing
/// after the photos under way.
#[derive(Debug, Parser)]
#[command(name = "doorplate", version, about, long_about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Read(read::Args),
    Erase(Box<erase::Args>),
    Sheet(Box<sheet::Args>),
    Data(data::Args),
    Train(Box<train::Args>),
    LendDevice(lend::Args),
    Evaluate(evaluate::Args),
    Bench(bench::Args),
    Models(models::Args),
    Inspect(inspect::Args),
    Publish(publish::Args),
    Serve(serve::Args),
    Samples(samples::Args),
    Finish(finish::Args),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
}

/// Arguments that no parser can refuse by themselves.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct WrongArgument(String);

/// Runs the program on this process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Read(args) => read::run(&args),
        Command::Erase(args) => erase::run(&args),
        Command::Sheet(args) => sheet::run(&args),
        Command::Data(args) => data::run(&args),
        Command::Train(args) => train::run(&args),
        Command::LendDevice(args) => lend::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Publish(args) => publish::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Samples(args) => samples::run(&args),
        Command::Finish(args) => finish::run(&args),
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => completions::man(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A file's name may hold characters that a terminal obeys.
            let lines: Vec<String> = message(&error).lines().map(printable).collect();
            eprintln!("doorplate: {}", lines.join("\n"));
            exit_code(&error)
        }
    }
}

/// What an error says and what its causes add: most of them are told in its own words already.
fn message(error: &anyhow::Error) -> String {
    error.chain().skip(1).map(ToString::to_string).fold(error.to_string(), |told, cause| {
        if told.contains(&cause) { told } else { format!("{told}: {cause}") }
    })
}

/// An error's exit code, as the program's help lists them.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    let code = error.chain().find_map(|cause| {
        // Transparent errors are not in the chain themselves, but show what they wrap.
        let training = cause.downcast_ref::<TrainingError>();
        if cause.is::<WrongArgument>()
            || matches!(
                training,
                Some(
                    TrainingError::Network(_)
                        | TrainingError::NothingToJudgeBy
                        | TrainingError::RunExists { .. }
                        | TrainingError::OtherRun { .. }
                )
            )
        {
            Some(2)
        } else if matches!(training, Some(TrainingError::Stopped { .. }))
            || matches!(cause.downcast_ref(), Some(BatchError::Stopped))
        {
            Some(130)
        } else if matches!(cause.downcast_ref(), Some(BatchError::SomeFailed { .. })) {
            Some(6)
        } else if cause.is::<LeftError>() {
            Some(7)
        } else if cause.is::<PhotoError>()
            || cause.is::<OpenPhotoError>()
            || cause.is::<BoxesError>()
            || matches!(
                cause.downcast_ref(),
                Some(BatchError::NoPhotos { .. } | BatchError::Folder { .. })
            )
            || cause.is::<Format1Error>()
            || cause.is::<Format2Error>()
            || cause.is::<StoreError>()
            || cause.is::<DataError>()
            || cause.is::<TypefaceError>()
            || cause.is::<ScenesError>()
            || matches!(cause.downcast_ref(), Some(SyntheticError::Walls(_)))
            || cause.is::<WallError>()
            || matches!(cause.downcast_ref(), Some(ContactSheetError::Photo(_)))
            || matches!(cause.downcast_ref(), Some(SheetError::Read(_)))
            || matches!(training, Some(TrainingError::Data(_) | TrainingError::Checkpoint { .. }))
            || cause.downcast_ref::<ReadError>().is_some_and(|e| !matches!(e, ReadError::Engine(_)))
        {
            Some(3)
        } else if let Some(error) = cause.downcast_ref::<ModelsFolderError>() {
            Some(if matches!(error, ModelsFolderError::Write { .. }) { 1 } else { 4 })
        } else if cause.is::<WeightsError>()
            || matches!(training, Some(TrainingError::Weights { .. }))
        {
            Some(4)
        } else if cause.is::<EngineError>()
            || cause.is::<ReadError>()
            || matches!(training, Some(TrainingError::Engine(_) | TrainingError::Device { .. }))
        {
            Some(5)
        } else {
            None
        }
    });
    ExitCode::from(code.unwrap_or(1))
}
