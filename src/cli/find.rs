//! `doorplate find`

use std::{
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Parser;
use indicatif::ProgressBar;
use rayon::prelude::*;
use walkdir::WalkDir;

use super::{
    Context as _, Error, Result, WrongArgument,
    erase::batch::BatchError,
    model::ModelArgs,
    output::OutputError,
    read::{Number, numbers_json, numbers_of, open_photo},
};
use crate::{
    boxes::{BoxFormat, LabelledPhoto, YOLO_CLASSES, write_list, write_one, yolo_classes},
    classifier::{Classifier, Reading},
    files::{printable, write_whole},
    finder::{AT_LEAST, DetectedDigit, DigitFinder},
    photo::{BoxInPhoto, Photo, is_photo},
};

/// Photos that are looked at at once.
const AT_ONCE: usize = 32;

/// Find the digits in photos, and read them.
///
/// Digits that are read with a confidence below 0.7 are left out, as most of them are none. Prints the
/// house numbers of each photo. With -o it writes their boxes, which `read`, `erase` and
/// labelling tools take.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate find photo.jpg",
    "doorplate find photos -o boxes.json && doorplate erase photos --boxes boxes.json -o erased",
    "doorplate find photos --format yolo -o labels",
))]
pub struct Args {
    /// A photo, or a folder of photos, which may have subfolders.
    photos: PathBuf,
    #[command(flatten)]
    options: FinderArgs,
    /// Print a line of JSON for each photo: `photo`, its `digits`, each with `box`, `confidence`,
    /// `digit` and `reading_confidence`, its `numbers`, and `milliseconds`. If a photo cannot be
    /// used, there is an `error` instead.
    #[arg(long)]
    json: bool,
    /// Write the boxes to this file; in formats with a file for each photo, to this folder.
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// The format of the boxes.
    #[arg(long, value_name = "FORMAT", default_value_t = BoxFormat::Json, requires = "output")]
    format: BoxFormat,
    #[command(flatten)]
    model: ModelArgs,
}

/// How digits are found.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Finding")]
pub struct FinderArgs {
    /// Only digits that are found with at least this confidence, 0 to 1.
    #[arg(long, value_name = "CONFIDENCE", default_value_t = AT_LEAST, value_parser = confidence)]
    pub at_least: f32,
    /// Weights of FinderNet that `doorplate train` wrote [default: the published ones].
    #[arg(long, value_name = "FILE")]
    pub finder: Option<PathBuf>,
}

fn confidence(text: &str) -> Result<f32, String> {
    let share = text.parse::<f32>().ok().filter(|share| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| "give a number between 0 and 1, such as 0.5".to_owned())
}

/// What was found in a photo.
struct Found {
    digits: Vec<DetectedDigit>,
    readings: Vec<Reading>,
    numbers: Vec<Number>,
}

impl Found {
    fn in_photo(
        photo: &Photo,
        finder: &DigitFinder,
        classifier: &Classifier,
        at_least: f32,
    ) -> Result<Self> {
        let found = finder.find_and_read_in_parallel(photo, at_least, classifier)?;
        let sure = found.into_iter().filter(|digit| digit.is_sure(at_least));
        let (digits, readings): (Vec<DetectedDigit>, Vec<Reading>) =
            sure.map(|digit| (digit.detected, digit.reading)).unzip();
        let boxes: Vec<BoxInPhoto> = digits.iter().map(|digit| digit.area).collect();
        let numbers = numbers_of(&boxes, &readings);
        Ok(Found { digits, readings, numbers })
    }

    fn json(&self, photo: &Path, started: Instant) -> serde_json::Value {
        let digit = |(found, reading): (&DetectedDigit, &Reading)| {
            let (digit, confidence) = reading.best();
            serde_json::json!({
                "box": found.area,
                "confidence": found.confidence,
                "digit": digit,
                "reading_confidence": confidence,
            })
        };
        let digits: serde_json::Value = self.digits.iter().zip(&self.readings).map(digit).collect();
        serde_json::json!({
            "photo": photo.to_string_lossy(),
            "digits": digits,
            "numbers": numbers_json(&self.numbers),
            "milliseconds": started.elapsed().as_secs_f64() * 1000.0,
        })
    }

    fn line(&self, photo: &Path) -> String {
        let numbers: Vec<&str> = self.numbers.iter().map(|it| it.digits.as_str()).collect();
        let numbers = if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") };
        format!("{}: {numbers}", printable(&photo.to_string_lossy()))
    }

    fn labelled(&self, name: String, photo: &Photo) -> LabelledPhoto {
        let digits = self.digits.iter().zip(&self.readings);
        let boxes = digits.map(|(found, reading)| (found.area, Some(reading.best().0))).collect();
        LabelledPhoto { name, size: photo.size(), boxes }
    }
}

pub fn run(args: &Args) -> Result<()> {
    if args.format == BoxFormat::Svhn {
        let part = "--format svhn: a digitStruct.mat cannot say that a photo has no digits";
        return Err(WrongArgument(format!("{part}; choose another format")).into());
    }
    let photos = photos(&args.photos)?;
    let finder = args.model.load_finder(args.options.finder.as_deref())?;
    let classifier = args.model.load()?;
    let bar = ProgressBar::new(photos.len() as u64);
    let (mut labelled, mut failed) = (Vec::new(), 0);
    // Some at a time, so that lines come in the photos' order and soon.
    for some in photos.chunks(AT_ONCE) {
        let done: Vec<Result<(String, LabelledPhoto)>> = some
            .par_iter()
            .map(|(path, name)| one(args, path, name, &finder, &classifier))
            .collect();
        for ((path, _), done) in some.iter().zip(done) {
            bar.inc(1);
            match done {
                Ok((line, photo)) => {
                    bar.suspend(|| tell!("{line}"))?;
                    labelled.push(photo);
                }
                Err(error) if *path == args.photos => return Err(error),
                Err(error) => {
                    failed += 1;
                    bar.suspend(|| report(args, path, &error))?;
                }
            }
        }
    }
    bar.finish_and_clear();
    if let Some(output) = &args.output {
        match write_list(args.format, &labelled) {
            Some(list) => put(output.clone(), &list)?,
            None => write_each(output, args.format, &labelled)?,
        }
    }
    match failed {
        0 => Ok(()),
        failed => Err(BatchError::SomeFailed { failed, all: photos.len() as u64 }.into()),
    }
}

/// The line to print for a photo, and its boxes.
fn one(
    args: &Args,
    path: &Path,
    name: &str,
    finder: &DigitFinder,
    classifier: &Classifier,
) -> Result<(String, LabelledPhoto)> {
    let started = Instant::now();
    let photo = open_photo(path)?;
    let found = Found::in_photo(&photo, finder, classifier, args.options.at_least)?;
    let line = if args.json { found.json(path, started).to_string() } else { found.line(path) };
    Ok((line, found.labelled(name.to_owned(), &photo)))
}

/// Says that one of many photos cannot be used.
fn report(args: &Args, path: &Path, error: &Error) -> Result<(), OutputError> {
    let error = printable(&error.to_string());
    if args.json {
        tell!("{}", serde_json::json!({ "photo": path.to_string_lossy(), "error": error }))
    } else {
        note!("doorplate: {error}");
        Ok(())
    }
}

/// The photos to look at, each with its path in the folder.
fn photos(given: &Path) -> Result<Vec<(PathBuf, String)>> {
    if !given.is_dir() {
        let name = given.file_name().unwrap_or(given.as_os_str()).to_string_lossy().into_owned();
        return Ok(vec![(given.to_owned(), name)]);
    }
    let mut photos = Vec::new();
    for entry in WalkDir::new(given).follow_links(true).sort_by_file_name() {
        let path = entry.map_err(io::Error::from).context(given.display())?.into_path();
        if path.is_file() && is_photo(&path) {
            let name = path.strip_prefix(given).unwrap_or(&path).to_string_lossy().into_owned();
            photos.push((path, name));
        }
    }
    if photos.is_empty() {
        return Err(BatchError::NoPhotos { path: given.to_owned() }.into());
    }
    Ok(photos)
}

/// Writes a file for each photo, named like the photo.
fn write_each(folder: &Path, format: BoxFormat, photos: &[LabelledPhoto]) -> Result<()> {
    let suffix = format.suffix().unwrap_or_default().trim_start_matches('.');
    for photo in photos {
        let Some(text) = write_one(format, photo) else { continue };
        put(folder.join(&photo.name).with_extension(suffix), &text)?;
    }
    if format == BoxFormat::Yolo {
        put(folder.join(YOLO_CLASSES), &yolo_classes())?;
    }
    Ok(())
}

/// Writes a file, and the folders that it is to be in.
fn put(path: PathBuf, text: &str) -> Result<()> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| write_whole(&path, text.as_bytes())).context(path.display())
}
