//! `doorplate bench`

mod ghosts;
mod removal;
mod time;
mod traces;
mod truth;

use clap::{Parser, Subcommand};

use crate::cli::Result;

/// Measure how well digits are removed.
#[derive(Debug, Parser)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Removal(removal::Args),
}

pub fn run(args: &Args) -> Result<()> {
    let What::Removal(args) = &args.what;
    removal::run(args)
}
