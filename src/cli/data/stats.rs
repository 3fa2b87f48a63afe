//! `doorplate data stats`

use std::path::PathBuf;

use clap::Parser;
use indicatif::ProgressBar;

use crate::{
    cli::{Context as _, Result},
    dataset::{
        format2::{CROP_BYTES, Format2},
        is_format2, open_photos,
        statistics::Statistics,
    },
    files::write_whole,
};

/// Print statistics of a data set: how often each digit occurs, the sizes of boxes and photos, the
/// brightness and contrast of crops.
#[derive(Debug, Parser)]
#[command(after_help = crate::cli::examples!(
    "doorplate data stats svhn/train --svg stats.svg"
))]
pub struct Args {
    /// Format 1 folder, folder with folders 0 to 9 of cropped digits, or Format 2 file (.mat).
    data: PathBuf,
    /// Print JSON, with the histograms, instead of text.
    #[arg(long)]
    json: bool,
    /// Also draw charts into this SVG file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    let statistics = if is_format2(&args.data) {
        let data = Format2::open(&args.data)?;
        let crops = data.crops.chunks_exact(CROP_BYTES).zip(data.digits.iter().copied());
        Statistics::of_crops(crops)
    } else {
        let data = open_photos(&args.data)?;
        let bar = ProgressBar::new(data.photos.len() as u64);
        let statistics = Statistics::of_format1(&data, &|| bar.inc(1));
        bar.finish_and_clear();
        statistics?
    };
    if let Some(path) = &args.svg {
        let svg = statistics.charts(&args.data.to_string_lossy())?;
        write_whole(path, svg.as_bytes()).context(path.display())?;
    }
    if args.json {
        tell!("{}", serde_json::to_string_pretty(&statistics)?)?;
    } else {
        crate::cli::output::print(format_args!("{}", statistics.report()))?;
    }
    Ok(())
}
