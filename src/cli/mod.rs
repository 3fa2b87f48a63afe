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
mod export;
mod find;
mod finding;
mod finish;
mod import;
mod inspect;
mod lend;
mod masks;
mod memory;
mod method;
mod model;
mod models;
mod places;
mod plan;
mod publish;
mod read;
mod review;
mod samples;
mod scenes;
mod serve;
mod sheet;
mod stop;
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
#[command(name = "doorplate", version, after_long_help = after_long_help())]
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
    Export(export::Args),
    Import(import::Args),
    Serve(serve::Args),
    Samples(samples::Args),
    Finish(finish::Args),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
}

/// What follows the list of commands.
fn after_long_help() -> String {
    let examples = examples!(
        "doorplate read photo.jpg                             # prints the house numbers",
        "doorplate erase photo.jpg -o out.jpg                 # removes them",
        "doorplate erase photos --boxes labels -o erased      # a folder, with boxes of your own",
        "doorplate erase --help                               # describes all options of a command",
    );
    format!("{examples}\n\n{}", exit_codes_help())
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
        Command::Export(args) => export::run(&args),
        Command::Import(args) => import::run(&args),
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// The commands below this one that do something themselves, each with its path.
    fn leaves(command: &clap::Command, path: &str) -> Vec<(String, clap::Command)> {
        let path = format!("{path} {}", command.get_name());
        if !command.has_subcommands() {
            return vec![(path, command.clone())];
        }
        let own = command.get_subcommands().filter(|command| command.get_name() != "help");
        own.flat_map(|command| leaves(command, &path)).collect()
    }

    /// The examples of a command's help, from their `doorplate` to what a shell does with the rest.
    fn examples_of(help: &str) -> Vec<Vec<String>> {
        let lines = help.lines().skip_while(|line| *line != "Examples:").skip(1);
        let lines = lines.take_while(|line| line.starts_with("  "));
        let mut examples = Vec::new();
        for command in lines.flat_map(|line| line.split(" && ")) {
            let start = command.find("doorplate ").expect("an example of this program");
            let mut words: Vec<String> = Vec::new();
            for (i, part) in command[start..].split('"').enumerate() {
                if i % 2 == 1 {
                    words.push(part.to_owned());
                } else {
                    words.extend(part.split_whitespace().map(str::to_owned));
                }
            }
            let end = words.iter().position(|word| [">", "<", "|", "#"].contains(&word.as_str()));
            words.truncate(end.unwrap_or(words.len()));
            examples.push(words);
        }
        examples
    }

    #[test]
    fn every_command_s_help_has_examples_that_the_program_accepts() {
        let mut program = Cli::command();
        program.build();
        let mut commands = leaves(&program, "");
        assert!(commands.len() > 20, "{} commands", commands.len());
        commands.push(("doorplate".to_owned(), program));
        for (path, mut command) in commands {
            let help = command.render_long_help().to_string();
            let examples = examples_of(&help);
            assert!(!examples.is_empty(), "{path}: no \"Examples:\" in {help}");
            for example in examples {
                let parsed = Cli::try_parse_from(&example);
                let is_help =
                    |error: &clap::Error| error.kind() == clap::error::ErrorKind::DisplayHelp;
                if let Err(error) = parsed
                    && !is_help(&error)
                {
                    panic!("{path}: {example:?} is refused: {error}");
                }
            }
        }
    }

    #[test]
    fn no_group_of_options_is_too_long_to_be_looked_through() {
        for (path, command) in leaves(&Cli::command(), "") {
            let mut groups = std::collections::BTreeMap::<_, usize>::new();
            for option in command.get_arguments().filter(|it| !it.is_positional()) {
                *groups.entry(option.get_help_heading().unwrap_or("Options")).or_default() += 1;
            }
            for (heading, options) in groups {
                assert!(options <= 15, "{path}: {options} options under {heading:?}");
            }
        }
    }
}
