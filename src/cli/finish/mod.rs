//! `doorplate finish`

mod compress;
mod precache;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use clap::Parser;
use rayon::prelude::*;

/// Finish a built page: write the list of its files with their hashes, for offline use, and a
/// Brotli and a gzip copy of each text and WebAssembly file.
#[derive(Debug, Parser)]
pub struct Args {
    /// The folder of the built page.
    dir: PathBuf,
    /// Brotli's quality: 11 is smallest, 5 is quick.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u8).range(0..=11))]
    quality: u8,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    ensure!(
        args.dir.join("index.html").is_file(),
        "{}: no index.html here; build the page with `make web` first",
        args.dir.display()
    );
    // The list first, because it is also compressed.
    precache::write(&args.dir, &files_in(&args.dir)?)?;
    files_in(&args.dir)?
        .par_iter()
        .filter(|file| has_ending(file, &compress::ENDINGS))
        .try_for_each(|file| {
            compress::compress(file, args.quality).with_context(|| format!("{}", file.display()))
        })
}

/// All files of a folder and of those in it.
fn files_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let unreadable = || format!("{}", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn has_ending(file: &Path, endings: &[&str]) -> bool {
    file.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known))
}

/// The path of a file's copy.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
