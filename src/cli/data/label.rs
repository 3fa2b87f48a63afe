//! `doorplate data label`

use std::{fs, path::PathBuf};

use clap::Parser;
use indicatif::ProgressBar;

use crate::{
    cli::{
        Context as _, Result, WrongArgument,
        device::{DeviceArg, WHAT_COMPUTES},
        read::open_photo,
    },
    dataset::{
        digit_struct::{LabelledBox, PhotoEntry},
        digit_struct_writer::write_digit_struct,
        format1::DIGIT_STRUCT,
    },
    fault::with_causes,
    training::PseudoLabeller,
};

/// Label photos by a trained network, and write them as Format 1.
///
/// The number must be in the middle of each photo, as in SVHN. Photos that the network is not sure
/// of are left out. Some of the labels are still wrong, so train on them with --teacher.
#[derive(Debug, Parser)]
pub struct Args {
    /// Folder with the photos.
    photos: PathBuf,
    /// Weights that `doorplate train` wrote.
    #[arg(long)]
    weights: PathBuf,
    /// A new folder for the labelled photos and their digitStruct.mat.
    #[arg(long)]
    out: PathBuf,
    /// Confidence that every digit of a number must reach, 0 to 1.
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
    let mut labeller = PseudoLabeller::load(&args.weights, &args.device.open()?)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(&args.photos).context(args.photos.display())? {
        let name = entry.context(args.photos.display())?.file_name().to_string_lossy().into_owned();
        if name.to_ascii_lowercase().ends_with(".png") {
            names.push(name);
        }
    }
    names.sort();
    if names.is_empty() {
        return Err(WrongArgument(format!(
            "{}: no PNG photo in this folder",
            args.photos.display()
        ))
        .into());
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
        let Some(found) = labeller.find(&photo)?.filter(|found| found.confidence >= args.least)
        else {
            continue;
        };
        digits += found.digits.len();
        let boxes = found.digits.iter();
        entries.push(PhotoEntry {
            name: name.clone(),
            digits: boxes.map(|&(area, digit)| LabelledBox { area: area.into(), digit }).collect(),
        });
    }
    bar.finish_and_clear();
    if entries.is_empty() {
        return Err(format!("no number was found with a confidence of {}", args.least).into());
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
