//! The native program, one file for each command.

#[macro_use]
mod output;

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

/// The examples at the end of a command's help.
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

/// Reads the house numbers in a street photo and removes them; trains and publishes the networks
/// for this.
///
/// Exit codes: 0 done; 1 a file could not be written, or any other error; 2 wrong arguments; 3 a
/// photo, its boxes, a data set or a run cannot be used; 4 a model cannot be used; 5 the device
/// failed; 6 some photos of many failed, the others are done; 7 everything is written, but
/// something of a digit may still be visible; 130 stopped by Ctrl-C: `train` has written a
/// checkpoint, `erase` has finished the photos it had begun.
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

/// Arguments that are wrong in a way that clap cannot see.
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
        // Whoever read standard output has read enough, and wants to hear no more.
        Err(error) if output::is_closed(&error) => ExitCode::from(output::CLOSED),
        Err(error) => {
            // A file's name may hold control characters for the terminal.
            let lines: Vec<String> = message(&error).lines().map(printable).collect();
            note!("doorplate: {}", lines.join("\n"));
            exit_code(&error)
        }
    }
}

/// An error's message, followed by those of its causes that it does not already contain.
fn message(error: &anyhow::Error) -> String {
    error.chain().skip(1).map(ToString::to_string).fold(error.to_string(), |told, cause| {
        if told.contains(&cause) { told } else { format!("{told}: {cause}") }
    })
}

/// An error's exit code, as the program's help lists them.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    let code = error.chain().find_map(|cause| {
        // Transparent errors are not in the chain, but what they wrap is.
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
        } else if matches!(
            cause.downcast_ref(),
            Some(BatchError::SomeFailed { .. } | BatchError::NotWhole { .. })
        ) {
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
