//! The native program, one file for each command.

#[macro_use]
mod output;

mod bench;
mod boxes;
mod completions;
mod data;
mod device;
mod erase;
mod error;
mod evaluate;
mod find;
mod finding;
mod finish;
mod inspect;
mod lend;
mod method;
mod model;
mod models;
mod plan;
mod publish;
mod read;
mod review;
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

use self::error::{Context, Error, Result, WrongArgument, exit_codes_help};
use crate::{fault::Fault, files::printable};

/// Reads the house numbers in a street photo and removes them; trains and publishes the networks
/// for this.
#[derive(Debug, Parser)]
#[command(name = "doorplate", version, about, after_long_help = exit_codes_help())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Read(read::Args),
    Find(find::Args),
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

/// Runs the program on this process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Read(args) => read::run(&args),
        Command::Find(args) => find::run(&args),
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
            // Whoever has closed standard output has read enough, and wants to hear no more.
            if error.fault() != Fault::Unheard {
                // A file's name may hold control characters for the terminal.
                let lines: Vec<String> = error.to_string().lines().map(printable).collect();
                note!("doorplate: {}", lines.join("\n"));
            }
            ExitCode::from(error.exit_code())
        }
    }
}
