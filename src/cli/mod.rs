//! The native program: one file a command.

mod boxes;
mod device;
mod erase;
mod evaluate;
mod model;
mod publish;
mod read;
mod sheet;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Reads the house numbers in a street photo and takes them out of it; trains and publishes the
/// classifiers that do so.
#[derive(Debug, Parser)]
#[command(name = "doorplate", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Read(read::Args),
    Erase(erase::Args),
    Sheet(sheet::Args),
    Train(train::Args),
    Evaluate(evaluate::Args),
    Publish(publish::Args),
}

/// Runs the program on this process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Read(args) => read::run(&args),
        Command::Erase(args) => erase::run(&args),
        Command::Sheet(args) => sheet::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Publish(args) => publish::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("doorplate: {error:#}");
            ExitCode::FAILURE
        }
    }
}
