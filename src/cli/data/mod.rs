//! `doorplate data`

mod fetch;
mod show;
mod stats;

use std::path::Path;

use clap::{Parser, Subcommand};

/// Get, look at and make data sets.
#[derive(Debug, Parser)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Fetch(fetch::Args),
    Stats(stats::Args),
    Show(show::Args),
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Fetch(args) => fetch::run(args),
        Command::Stats(args) => stats::run(args),
        Command::Show(args) => show::run(args),
    }
}

/// Whether a data set is a Format 2 file rather than a Format 1 folder.
fn is_format2(data: &Path) -> bool {
    data.extension().is_some_and(|extension| extension == "mat") && !data.is_dir()
}
