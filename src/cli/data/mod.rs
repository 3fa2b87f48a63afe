//! `doorplate data`: one file a command.

mod prepare;

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
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Prepare(args) => prepare::run(args),
    }
}
