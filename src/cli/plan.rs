//! `doorplate train --plan`: many runs, one after the other.

use std::{ffi::OsString, fs, io, path::Path};

use clap::Parser as _;

use super::{
    Context as _, Result, WrongArgument,
    train::{self, Stop},
};
use crate::{
    files::{read_regular, write_whole},
    training::FinishedRun,
};

/// The largest plan that is read.
const MAX_PLAN_BYTES: u64 = 16 << 20;

/// A run of a plan.
struct PlannedRun {
    stem: String,
    args: train::Args,
}

/// Runs all of a plan, and writes a table beside its runs after each of them.
///
/// A run that fails is reported, and the others are still done.
pub fn run(file: &Path, stop: &Stop) -> Result<()> {
    let runs = read_plan(file)?;
    let mut table = "run,net,examples,epochs,seconds,loss,validation_accuracy\n".to_owned();
    let mut failed = 0;
    for planned in &runs {
        note!("{}", planned.stem);
        match train::start_or_go_on(&planned.args, planned.stem.clone(), stop) {
            Ok(run) => table.push_str(&line(&planned.stem, &run)),
            Err(error) if stop.is_asked() => return Err(error),
            Err(error) => {
                failed += 1;
                note!("doorplate: {}: {error}", planned.stem);
                table.push_str(&format!("{},,,,,,\n", planned.stem));
            }
        }
        // The table is written even if no run came far enough to create a folder.
        let out = &planned.args.out;
        fs::create_dir_all(out).context(out.display())?;
        let path = out.join(format!("{}_plan.csv", plan_name(file)));
        write_whole(&path, table.as_bytes()).context(path.display())?;
    }
    tell!("{table}")?;
    if failed > 0 {
        return Err(format!("{failed} of {} runs failed", runs.len()).into());
    }
    Ok(())
}

/// A run's line of the table.
fn line(stem: &str, run: &FinishedRun) -> String {
    let (seconds, loss) = run.epochs.last().map_or((0.0, 0.0), |last| (last.seconds, last.loss));
    let accuracy = run.accuracy.map_or(String::new(), |accuracy| format!("{accuracy:.4}"));
    format!(
        "{stem},{},{},{},{seconds:.0},{loss:.4},{accuracy}\n",
        run.config.net,
        run.trained_on,
        run.epochs.len(),
    )
}

fn plan_name(file: &Path) -> String {
    file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

/// Reads all lines before the first run, so that a mistake in the last one is reported at once.
fn read_plan(file: &Path) -> Result<Vec<PlannedRun>> {
    let text = read_regular(file, MAX_PLAN_BYTES).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    });
    let text = text.context(format_args!("reading the plan {}", file.display()))?;
    let here: Vec<OsString> = std::env::args_os().collect();
    let mut runs = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let wrong = |problem: String| {
            WrongArgument(format!("{}, line {number}: {problem}", file.display()))
        };
        // The names of the program and the command come before the options.
        let common = here.iter().skip(2).cloned();
        let options = line.split_whitespace().map(OsString::from);
        let all = std::iter::once(OsString::from("train")).chain(common).chain(options);
        let args = train::Args::try_parse_from(all).map_err(|error| wrong(error.to_string()))?;
        train::check(&args).map_err(|error| wrong(error.to_string()))?;
        let stem = format!("{}-{:02}", plan_name(file), runs.len() + 1);
        runs.push(PlannedRun { stem, args });
    }
    if runs.is_empty() {
        return Err(WrongArgument(format!("{}: the plan has no run", file.display())).into());
    }
    Ok(runs)
}
