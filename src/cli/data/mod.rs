//! `doorplate data`: one file a command.

mod prepare;
mod synth;

use clap::Subcommand;

/// Get, make, prepare and look at data to train on.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Prepare(prepare::Args),
    Synth(synth::Args),
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Prepare(args) => prepare::run(args),
        Command::Synth(args) => synth::run(args),
    }
}
