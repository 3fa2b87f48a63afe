//! `doorplate finish`

mod compress;
mod precache;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;
use rayon::prelude::*;

use crate::cli::{Context as _, Result};

/// Finish a built page: write the list of its files with their hashes, for offline use, and a
/// Brotli and a gzip copy of each text and WebAssembly file.
#[derive(Debug, Parser)]
#[command(after_help = crate::cli::examples!("doorplate finish dist", "doorplate finish dist --quality 5"))]
pub struct Args {
    /// The folder of the built page.
    dir: PathBuf,
    /// Brotli's quality: 11 is smallest, 5 is quick.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u8).range(0..=11))]
    quality: u8,
}

pub fn run(args: &Args) -> Result<()> {
    if !args.dir.join("index.html").is_file() {
        return Err(format!(
            "{}: no index.html here; build the page with `make web` first",
            args.dir.display()
        )
        .into());
    }
    // The list first, because it is also compressed.
    precache::write(&args.dir, &files_in(&args.dir)?)?;
    files_in(&args.dir)?
        .par_iter()
        .filter(|file| has_ending(file, &compress::ENDINGS))
        .try_for_each(|file| compress::compress(file, args.quality).context(file.display()))
}

/// All files of a folder and of those in it.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).context(folder.display())? {
        let path = entry.context(folder.display())?.path();
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
