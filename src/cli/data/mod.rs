//! `doorplate data`, one file for each command.

mod fetch;
mod label;
mod prepare;
mod show;
mod split;
mod stats;
mod synth;

use clap::{Parser, Subcommand};

use crate::cli::Result;

/// Get, draw, prepare and show data sets.
#[derive(Debug, Parser)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Fetch(fetch::Args),
    Synth(synth::Args),
    Prepare(prepare::Args),
    Split(split::Args),
    Stats(stats::Args),
    Show(show::Args),
    Label(label::Args),
}

pub fn run(args: &Args) -> Result<()> {
    match &args.command {
        Command::Fetch(args) => fetch::run(args),
        Command::Synth(args) => synth::run(args),
        Command::Prepare(args) => prepare::run(args),
        Command::Split(args) => split::run(args),
        Command::Stats(args) => stats::run(args),
        Command::Show(args) => show::run(args),
        Command::Label(args) => label::run(args),
    }
}
