//! `doorplate completions` and `doorplate man`

use std::path::PathBuf;

use clap::{CommandFactory as _, Parser};
use clap_complete::Shell;

use super::{Cli, Context as _, Result};
use crate::files::write_whole;

/// Print a script that completes this program's commands and options in a shell.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate completions bash > ~/.local/share/bash-completion/completions/doorplate",
    "doorplate completions fish > ~/.config/fish/completions/doorplate.fish",
))]
pub struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Write manual pages, one for the program and one for each command.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!("doorplate man ~/.local/share/man/man1"))]
pub struct ManArgs {
    /// The folder to write to, which is created if needed.
    folder: PathBuf,
}

pub fn completions(args: &CompletionsArgs) -> Result<()> {
    // Into memory first, because clap would panic at a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "doorplate", &mut script);
    Ok(super::output::print(format_args!("{}", String::from_utf8_lossy(&script)))?)
}

pub fn man(args: &ManArgs) -> Result<()> {
    let folder = args.folder.display();
    std::fs::create_dir_all(&args.folder).context(format_args!("{folder}: cannot be created"))?;
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    write_pages(&program, &args.folder)
}

/// Writes the page of a command, and those of its subcommands.
fn write_pages(command: &clap::Command, folder: &std::path::Path) -> Result<()> {
    let page = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    page.render(&mut text)?;
    let path = folder.join(page.get_filename());
    write_whole(&path, &text).context(format_args!("{}: could not be written", path.display()))?;
    command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .try_for_each(|command| write_pages(command, folder))
}
