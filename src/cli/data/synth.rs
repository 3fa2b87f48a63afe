//! `doorplate data synth`

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    cli::{Result, scenes::walls},
    dataset::format2_writer::write_format2,
    synthetic::{SynthOptions, TypefaceSplit, write_set},
};

/// Draw photos of house numbers with their boxes, in SVHN's Format 1 and Format 2.
///
/// The same options give the same files on every machine.
#[derive(Debug, Parser)]
#[command(after_help = crate::cli::examples!(
    "doorplate data synth --photos 1000 --out synth",
    "doorplate data synth --photos 1000 --scenes photos --clean --out walls"
))]
pub struct Args {
    /// Number of photos.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    photos: u32,
    /// Seed of the photos; a larger set with the same seed starts with the photos of a smaller one.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// The folder to write to: 1.png and so on, digitStruct.mat, and the digits in crops_32x32.mat.
    #[arg(long)]
    out: PathBuf,
    /// Folder with the typefaces that `make typefaces` fetches [default: the program's own digits].
    #[arg(long)]
    typefaces: Option<PathBuf>,
    /// Which typefaces are used: those for training, or those held back for validation.
    #[arg(long, value_enum, default_value_t = SplitArg::Train, requires = "typefaces")]
    split: SplitArg,
    /// Draw the numbers on real walls instead of on drawn house fronts: on the photos in this
    /// folder, in their light, where they show no number.
    #[arg(long, value_name = "FOLDER")]
    scenes: Option<PathBuf>,
    /// Boxes of the numbers that those photos show: a list, or a folder with a file for each photo
    /// (JSON, VOC or YOLO) [default: files beside the photos; a photo without such a file shows no
    /// number].
    #[arg(long, value_name = "PATH", requires = "scenes")]
    scene_boxes: Option<PathBuf>,
    /// Also write masks/N.png: red for strokes, green for their shadow, blue for which digit it is.
    #[arg(long)]
    masks: bool,
    /// Also write clean/N.png: the photos without their digits.
    #[arg(long)]
    clean: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitArg {
    Train,
    Validation,
}

pub fn run(args: &Args) -> Result<()> {
    let options = SynthOptions {
        out: args.out.clone(),
        photos: args.photos,
        seed: args.seed,
        typefaces: args.typefaces.clone(),
        split: match args.split {
            SplitArg::Train => TypefaceSplit::Train,
            SplitArg::Validation => TypefaceSplit::Validation,
        },
        walls: match &args.scenes {
            Some(folder) => Some(walls(folder, args.scene_boxes.as_deref())?),
            None => None,
        },
        masks: args.masks,
        clean: args.clean,
        crops: true,
    };
    let bar = ProgressBar::new(u64::from(args.photos)).with_style(ProgressStyle::with_template(
        "[{bar:30}] {pos}/{len} photos, {per_sec}, {eta} left",
    )?);
    let written = write_set(&options, &|| bar.inc(1))?;
    bar.finish_and_clear();
    let crops = args.out.join("crops_32x32.mat");
    write_format2(&crops, &written.crops, &written.labels)?;
    tell!("{} photos with {} digits: {}", written.photos, written.digits, args.out.display())?;
    Ok(())
}
