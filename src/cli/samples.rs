//! `doorplate samples`

use std::path::PathBuf;

use clap::Parser;

use super::Result;
use crate::synthetic::write_samples;

/// Draw the page's sample pictures again, with their boxes and their index.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate samples --out samples"
))]
pub struct Args {
    /// The folder to write to.
    #[arg(long, default_value = "assets/samples")]
    out: PathBuf,
}

pub fn run(args: &Args) -> Result<()> {
    for sample in write_samples(&args.out)? {
        tell!("{}: {}", args.out.join(&sample.file).display(), sample.title)?;
    }
    Ok(())
}
