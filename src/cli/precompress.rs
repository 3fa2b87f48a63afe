//! `doorplate precompress`

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context as _;
use clap::Parser;
use rayon::prelude::*;

use crate::files::write_whole;

/// Files worth compressing; pictures and weights are dense already.
const ENDINGS: [&str; 8] = ["wasm", "js", "css", "html", "json", "svg", "webmanifest", "md"];

/// Write a Brotli and a gzip copy beside each text and WebAssembly file of a folder.
#[derive(Debug, Parser)]
pub struct Args {
    /// The folder.
    dir: PathBuf,
    /// Brotli's quality: 11 is smallest, 5 is quick.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u8).range(0..=11))]
    quality: u8,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut files = Vec::new();
    collect(&args.dir, &mut files)?;
    files.par_iter().try_for_each(|file| {
        compress(file, args.quality).with_context(|| format!("{}", file.display()))
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let unreadable = || format!("{}", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| ENDINGS.iter().any(|known| e == *known)) {
            files.push(path);
        }
    }
    Ok(())
}

/// Compresses one file, unless its copies are newer than it.
fn compress(file: &Path, quality: u8) -> anyhow::Result<()> {
    let changed = fs::metadata(file)?.modified()?;
    let beside = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let (brotli_path, gzip_path) = (beside(".br"), beside(".gz"));
    let newer = |path: &Path| {
        fs::metadata(path).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH) >= changed
    };
    if newer(&brotli_path) && newer(&gzip_path) {
        return Ok(());
    }
    let content = fs::read(file)?;
    let mut brotli = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: i32::from(quality),
        lgwin: 24,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut content.as_slice(), &mut brotli, &parameters)?;
    write_whole(&brotli_path, &brotli)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&content)?;
    write_whole(&gzip_path, &gzip.finish()?)?;
    Ok(())
}
