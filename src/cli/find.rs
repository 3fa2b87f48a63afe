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
    finding::{FinderArgs, Finding, Found},
    memory::Budget,
    model::ModelArgs,
    output::OutputError,
    places::{in_full, keep},
    read::{Number, check_memory, numbers_json, numbers_of, open_photo, photo_memory},
    review::{Card, PICTURES, Review},
};
use crate::{
    boxes::{BoxFormat, LabelledPhoto, YOLO_CLASSES, write_list, write_one, yolo_classes},
    classifier::Reading,
    files::{printable, write_whole},
    finder::{FoundDigit, MEMORY_OF_FINDING},
    photo::{BoxInPhoto, Photo, is_photo},
};

/// Photos that are looked at at once at most.
const AT_ONCE: usize = 32;

/// Find the digits in photos, and read them.
///
/// Digits that are read with a confidence below 0.7 are left out, because most of them are not
/// digits. Prints the house numbers of each photo. With -o it writes their boxes, which `read`,
/// `erase` and labelling tools take.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate find photo.jpg",
    "doorplate find photos -o boxes.json && doorplate erase photos --boxes boxes.json -o erased",
    "doorplate find photos --format yolo -o labels",
    "doorplate find photos --review review",
))]
pub struct Args {
    /// A photo, or a folder of photos, which may have subfolders.
    photos: PathBuf,
    #[command(flatten)]
    options: FinderArgs,
    /// Write a page for checking the results by eye to this folder (index.html). It shows each photo
    /// with what was found and what may be digits; photos where something may be missing come first.
    #[arg(long, value_name = "FOLDER")]
    review: Option<PathBuf>,
    /// Print a line of JSON for each photo: `photo`, its `digits`, each with `box`, `confidence`,
    /// `digit` and `reading_confidence`, its `numbers`, what may be digits in `perhaps`, with the same
    /// fields, and `milliseconds`. If a photo cannot be used, there is an `error` instead.
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

/// What was found in a photo, and the numbers that it makes.
struct Numbered {
    found: Found,
    numbers: Vec<Number>,
}

impl Numbered {
    fn in_photo(photo: &Photo, finding: &Finding) -> Result<Self> {
        let found = finding.find(photo)?;
        let of = |digit: &FoundDigit| (digit.detected.area, digit.reading.clone());
        let (boxes, readings): (Vec<BoxInPhoto>, Vec<Reading>) = found.sure.iter().map(of).unzip();
        Ok(Numbered { numbers: numbers_of(&boxes, &readings), found })
    }

    fn json(&self, photo: &Path, started: Instant) -> serde_json::Value {
        let digit = |it: &FoundDigit| {
            let (digit, confidence) = it.reading.best();
            serde_json::json!({
                "box": it.detected.area,
                "confidence": it.detected.confidence,
                "digit": digit,
                "reading_confidence": confidence,
            })
        };
        let digits = |of: &[FoundDigit]| of.iter().map(digit).collect::<serde_json::Value>();
        serde_json::json!({
            "photo": photo.to_string_lossy(),
            "digits": digits(&self.found.sure),
            "numbers": numbers_json(&self.numbers),
            "perhaps": digits(&self.found.unsure),
            "milliseconds": started.elapsed().as_secs_f64() * 1000.0,
        })
    }

    fn line(&self, photo: &Path) -> String {
        let numbers: Vec<&str> = self.numbers.iter().map(|it| it.digits.as_str()).collect();
        let numbers = if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") };
        format!("{}: {numbers}", printable(&photo.to_string_lossy()))
    }

    fn labelled(&self, name: String, photo: &Photo) -> LabelledPhoto {
        let labelled = |it: &FoundDigit| (it.detected.area, Some(it.reading.best().0));
        let boxes = self.found.sure.iter().map(labelled).collect();
        let (kept, strokes) = (Vec::new(), Vec::new());
        LabelledPhoto { name, size: photo.size(), boxes, kept, strokes }
    }
}

pub fn run(args: &Args) -> Result<()> {
    if args.format == BoxFormat::Svhn {
        let part = "--format svhn: a digitStruct.mat cannot say that a photo has no digits";
        return Err(WrongArgument(format!("{part}; choose another format")).into());
    }
    let photos = photos(&args.photos)?;
    check_places(args, &photos)?;
    let finding = Finding::load(&args.options, &args.model, args.model.load_nets()?.nets)?;
    let review = args.review.as_deref().map(Review::begin).transpose()?;
    let bar = ProgressBar::new(photos.len() as u64);
    let (mut labelled, mut cards, mut failed) = (Vec::new(), Vec::new(), 0);
    let budget = Budget::usual();
    let mut rest = photos.as_slice();
    // Some at a time, so that lines come in the photos' order and soon.
    while let Some((some, others)) = rest.split_at_checked(at_once(rest, &budget))
        && !some.is_empty()
    {
        rest = others;
        let done: Vec<Result<Done>> = some
            .par_iter()
            .map(|(path, name)| one(args, path, name, &finding, review.as_ref()))
            .collect();
        for ((path, _), done) in some.iter().zip(done) {
            bar.inc(1);
            match done {
                Ok(done) => {
                    bar.suspend(|| tell!("{}", done.line))?;
                    labelled.push(done.boxes);
                    cards.extend(done.card);
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
    if let Some(review) = &review {
        review.finish(cards)?;
    }
    match failed {
        0 => Ok(()),
        failed => Err(BatchError::SomeFailed { failed, all: photos.len() as u64 }.into()),
    }
}

/// How many of these photos, from the first, there is memory for at the same time. A photo that is
/// too large alone is refused when it is opened.
fn at_once(photos: &[(PathBuf, String)], budget: &Budget) -> usize {
    let mut taken: u64 = 0;
    let fits = |(path, _): &&(PathBuf, String)| {
        // What cannot be opened takes none.
        let needed = photo_memory(path).map_or(0, |(_, memory)| memory + MEMORY_OF_FINDING);
        taken += needed;
        taken <= budget.all()
    };
    let together = photos.iter().take(AT_ONCE).take_while(fits).count();
    together.max(usize::from(!photos.is_empty()))
}

/// Refuses to write over a photo.
fn check_places(args: &Args, photos: &[(PathBuf, String)]) -> Result<()> {
    if let Some(output) = &args.output {
        for (photo, _) in photos {
            keep(output, &[(photo, "a photo")])?;
        }
    }
    if let Some(review) = &args.review {
        let pictures = in_full(&review.join(PICTURES)).context(review.display())?;
        let within = |photo: &Path| photo.canonicalize().is_ok_and(|it| it.starts_with(&pictures));
        if let Some((photo, _)) = photos.iter().find(|(photo, _)| within(photo)) {
            return Err(WrongArgument(format!(
                "{}: the page's pictures might replace {}; give another folder",
                review.display(),
                photo.display()
            ))
            .into());
        }
    }
    Ok(())
}

/// What becomes of a photo.
struct Done {
    /// The line to print.
    line: String,
    boxes: LabelledPhoto,
    /// Its part of the page to look through, if there is one.
    card: Option<Card>,
}

fn one(
    args: &Args,
    path: &Path,
    name: &str,
    finding: &Finding,
    review: Option<&Review>,
) -> Result<Done> {
    let started = Instant::now();
    check_memory(path, MEMORY_OF_FINDING, 0)?;
    let photo = open_photo(path)?;
    let numbered = Numbered::in_photo(&photo, finding)?;
    let card = review.map(|review| review.card(name, &photo, &numbered.found, &numbered.numbers));
    Ok(Done {
        line: match args.json {
            true => numbered.json(path, started).to_string(),
            false => numbered.line(path),
        },
        boxes: numbered.labelled(name.to_owned(), &photo),
        card: card.transpose()?,
    })
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
pub(super) fn put(path: PathBuf, text: &str) -> Result<()> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| write_whole(&path, text.as_bytes())).context(path.display())
}
