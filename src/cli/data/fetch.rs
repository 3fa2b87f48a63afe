//! `doorplate data fetch`

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    cli::{Context as _, Result},
    dataset::fetch::{Event, FetchOptions, HOME, OFFICIAL_FILES, OfficialFile, Stage, fetch},
};

/// Download SVHN's official files, check them and unpack them. If stopped and started again, it
/// continues where it stopped.
///
/// The files are for non-commercial use. If you use them, cite Netzer et al., "Reading Digits in
/// Natural Images with Unsupervised Feature Learning", 2011.
#[derive(Debug, Parser)]
#[command(after_help = crate::cli::examples!(
    "doorplate data fetch train --out svhn"
))]
pub struct Args {
    /// The sets: train, test and extra are Format 1 (photos and boxes); train_32x32, test_32x32 and
    /// extra_32x32 are Format 2 (crops).
    #[arg(required = true, value_name = "SET", value_parser = official_file)]
    sets: Vec<OfficialFile>,
    /// The folder to write to.
    #[arg(long, default_value = "data/svhn")]
    out: PathBuf,
    /// Address of a mirror of the official files.
    #[arg(long, value_name = "URL", default_value = HOME)]
    source: String,
    /// Accept files that differ from the official ones.
    #[arg(long)]
    accept_changed: bool,
    /// Keep the archives beside the files unpacked from them.
    #[arg(long)]
    keep_archives: bool,
}

fn official_file(set: &str) -> Result<OfficialFile, String> {
    OfficialFile::of_set(set).ok_or_else(|| {
        let sets: Vec<&str> = OFFICIAL_FILES.iter().map(|file| file.set).collect();
        format!("SVHN has no such set; it has {}", sets.join(", "))
    })
}

pub fn run(args: &Args) -> Result<()> {
    let options = FetchOptions {
        source: args.source.clone(),
        accept_changed: args.accept_changed,
        keep_archive: args.keep_archives,
        ..FetchOptions::default()
    };
    listen_for_ctrl_c(&options.stop)?;
    for file in &args.sets {
        fetch_one(file, args, &options)?;
    }
    Ok(())
}

fn listen_for_ctrl_c(stop: &Arc<AtomicBool>) -> Result<()> {
    let stop = Arc::clone(stop);
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            // At the second time, stop immediately.
            std::process::exit(130);
        }
    })
    .context("listening for Ctrl-C")
}

fn fetch_one(file: &OfficialFile, args: &Args, options: &FetchOptions) -> Result<()> {
    let style = "{prefix} [{bar:30}] {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
    let bar = ProgressBar::new(file.bytes);
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    let mut shown = None;
    // Unlike the bar, what goes wrong is also wanted in a log file.
    let say = |line: String| {
        if bar.is_hidden() {
            note!("{line}");
        } else {
            bar.println(line);
        }
    };
    let fetched = fetch(file, &args.out, options, &mut |event| match event {
        Event::Progress { stage, done, of } => {
            if shown != Some(stage) {
                shown = Some(stage);
                let doing = match stage {
                    Stage::Downloading => "fetching",
                    Stage::Checking => "checking",
                    Stage::Unpacking => "unpacking",
                };
                bar.set_prefix(format!("{}: {doing}", file.name));
                // The speed and the time left are those of one stage.
                bar.reset();
            }
            bar.set_length(of.unwrap_or(file.bytes));
            bar.set_position(done);
        }
        Event::Retrying { reason, pause } => {
            say(format!("{}: {reason}; trying again in {} s", file.name, pause.as_secs()));
        }
        Event::StartingOver { reason } => say(format!("{}: starting over: {reason}", file.name)),
    });
    bar.finish_and_clear();
    let fetched = fetched?;
    let there = if fetched.was_there { " (was there already)" } else { "" };
    let sum =
        fetched.sha256.map_or(String::new(), |sum| format!("\n  SHA-256 of {}: {sum}", file.name));
    tell!("{}{there}{sum}", fetched.path.display())?;
    Ok(())
}
