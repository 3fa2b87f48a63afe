//! The native program: one file a command.

mod device;
mod evaluate;
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
    Train(train::Args),
    Evaluate(evaluate::Args),
}

/// Runs the program on this process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Train(args) => train::run(args),
        Command::Evaluate(args) => evaluate::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("doorplate: {error:#}");
            ExitCode::FAILURE
        }
    }
}
