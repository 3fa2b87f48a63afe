//! `doorplate data label`

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use clap::Parser;
use indicatif::ProgressBar;

use crate::{
    classifier::{Architecture, Classifier},
    cli::{
        Context as _, Result, WrongArgument,
        device::{DeviceArg, WHAT_COMPUTES},
        model::read_weights,
        read::open_photo,
    },
    dataset::{
        digit_struct::{LabelledBox, PhotoEntry},
        digit_struct_writer::write_digit_struct,
        format1::DIGIT_STRUCT,
    },
    fault::with_causes,
    finder::{AT_LEAST, DigitFinder},
    photo::{BoxInPhoto, Photo, is_photo},
    training::PseudoLabeller,
};

/// Label photos with a trained network, and write them as Format 1.
///
/// With --finder the number may be anywhere, and digits that the network is not sure of are left out.
/// Without, it must be in the middle of each photo, as in SVHN, and photos that the network is not sure
/// of are left out. Some of the labels are still wrong, so train on them with --teacher, or show them
/// less often than others.
#[derive(Debug, Parser)]
#[command(after_help = crate::cli::examples!(
    "doorplate data label photos --weights runs/RUN/RUN.safetensors --out labelled",
    "doorplate data label photos --weights reader.safetensors --finder finder.safetensors --out labelled",
))]
pub struct Args {
    /// Folder with the photos.
    photos: PathBuf,
    /// Weights that `doorplate train` wrote.
    #[arg(long)]
    weights: PathBuf,
    /// Weights of a FinderNet, which finds the digits.
    #[arg(long, value_name = "FILE")]
    finder: Option<PathBuf>,
    /// A new folder for the labelled photos and their digitStruct.mat.
    #[arg(long)]
    out: PathBuf,
    /// Confidence that a digit must reach (without --finder: every digit of a number), 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.9)]
    least: f32,
    /// What computes.
    #[arg(long, value_name = "DEVICE", default_value_t = DeviceArg::Auto, help = WHAT_COMPUTES)]
    device: DeviceArg,
}

pub fn run(args: &Args) -> Result<()> {
    if args.out.exists() {
        return Err(WrongArgument(format!(
            "{}: already exists; give a new folder",
            args.out.display()
        ))
        .into());
    }
    let device = args.device.open()?;
    let mut labeller = match &args.finder {
        Some(finder) => Labeller::Finding(finder_and_reader(finder, &args.weights, &device)?),
        None => Labeller::Guessing(PseudoLabeller::load(&args.weights, &device)?),
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(&args.photos).context(args.photos.display())? {
        let path = entry.context(args.photos.display())?.path();
        if let Some(name) = path.file_name().filter(|_| is_photo(&path)) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    if names.is_empty() {
        return Err(
            WrongArgument(format!("{}: no photo in this folder", args.photos.display())).into()
        );
    }
    let bar = ProgressBar::new(names.len() as u64);
    let mut entries = Vec::new();
    let mut digits = 0;
    for name in &names {
        bar.inc(1);
        let photo = match open_photo(&args.photos.join(name)) {
            Ok(photo) => photo,
            Err(error) => {
                bar.suspend(|| note!("doorplate: left out: {}", with_causes(&error)));
                continue;
            }
        };
        let found = labeller.digits_of(&photo, args.least)?;
        if found.is_empty() {
            continue;
        }
        digits += found.len();
        let boxes = found.into_iter();
        entries.push(PhotoEntry {
            name: name.clone(),
            digits: boxes.map(|(area, digit)| LabelledBox { area: area.into(), digit }).collect(),
        });
    }
    bar.finish_and_clear();
    if entries.is_empty() {
        return Err(format!("no digit was found with a confidence of {}", args.least).into());
    }
    fs::create_dir_all(&args.out).context(args.out.display())?;
    for PhotoEntry { name, .. } in &entries {
        let (from, to) = (args.photos.join(name), args.out.join(name));
        fs::copy(&from, &to).context(to.display())?;
    }
    write_digit_struct(&args.out.join(DIGIT_STRUCT), &entries)?;
    tell!(
        "{} of {} photos with {digits} digits: {}",
        entries.len(),
        names.len(),
        args.out.display()
    )?;
    Ok(())
}

/// How digits are found.
enum Labeller {
    Finding((DigitFinder, Classifier)),
    Guessing(PseudoLabeller),
}

/// Loads what finds digits, and what reads them.
fn finder_and_reader(
    finder: &Path,
    reader: &Path,
    device: &Device,
) -> Result<(DigitFinder, Classifier)> {
    let bytes = read_weights(finder)?;
    let found_by = DigitFinder::from_safetensors(bytes, device).context(finder.display())?;
    let bytes = read_weights(reader)?;
    let architecture = Architecture::of_weights(&bytes).context(reader.display())?;
    let read_by =
        Classifier::from_safetensors(architecture, bytes, device).context(reader.display())?;
    Ok((found_by, read_by))
}

impl Labeller {
    /// The digits of which this is sure enough.
    fn digits_of(&mut self, photo: &Photo, least: f32) -> Result<Vec<(BoxInPhoto, u8)>> {
        match self {
            Labeller::Guessing(labeller) => {
                let found = labeller.find(photo)?.filter(|found| found.confidence >= least);
                Ok(found.map_or_else(Vec::new, |found| found.digits))
            }
            Labeller::Finding((finder, reader)) => {
                let found = finder.find_and_read_in_parallel(photo, AT_LEAST, reader)?;
                let read = found.iter().map(|it| (it.detected.area, it.reading.best()));
                Ok(read
                    .filter(|(_, (_, confidence))| *confidence >= least)
                    .map(|(area, (digit, _))| (area, digit))
                    .collect())
            }
        }
    }
}
