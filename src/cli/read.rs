//! `doorplate read`

use std::{
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use clap::Parser;

use super::{
    Result,
    boxes::{given_or_none, read_boxes},
    finding::{Finding, FindingArgs},
    memory::{Budget, TooLargeError},
    model::ModelArgs,
};
use crate::{
    classifier::{BoxReading, Reading, is_unsure},
    fault::{AtFault, Fault},
    files::{open_regular, printable, read_regular},
    finder::MEMORY_OF_FINDING,
    numbers::{house_numbers, joint_confidence},
    photo::{BoxInPhoto, MAX_FILE_BYTES, Photo, PhotoError, PhotoSize, memory_needed},
};

/// Read the house numbers in a photo.
///
/// With --boxes, or a file <stem>.boxes.json beside the photo, it reads what is in these boxes; a box
/// round a whole number is read digit by digit. Otherwise it finds the digits first.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate read photo.jpg",
    "doorplate read photo.jpg --boxes boxes.json",
    "doorplate read 13.png --boxes digitStruct.mat --json",
))]
pub struct Args {
    /// The photo.
    photo: PathBuf,
    /// A file or folder with the boxes: JSON, CSV, YOLO, VOC, COCO or SVHN's digitStruct.mat.
    #[arg(long)]
    boxes: Option<PathBuf>,
    /// The boxes were drawn on the photo as it is stored, before its EXIF orientation turns it upright.
    #[arg(long)]
    boxes_as_stored: bool,
    #[command(flatten)]
    finding: FindingArgs,
    /// Print one JSON object instead of a line for each house number and for each digit.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

/// Why a photo cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenPhotoError {
    #[error("{}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}", path.display())]
    Photo { path: PathBuf, source: PhotoError },
    #[error("{}", path.display())]
    TooLarge { path: PathBuf, source: TooLargeError },
}

impl AtFault for OpenPhotoError {
    fn fault(&self) -> Fault {
        Fault::Input
    }
}

/// Reads a photo's file, once its header has shown that it is one that can be used.
pub fn photo_file(path: &Path) -> Result<Vec<u8>, OpenPhotoError> {
    photo_memory(path)?;
    read_regular(path, MAX_FILE_BYTES)
        .map_err(|source| OpenPhotoError::File { path: path.to_owned(), source })
}

/// A photo's stored size, and the memory that it takes without its boxes, by its header.
pub fn photo_memory(path: &Path) -> Result<(PhotoSize, u64), OpenPhotoError> {
    let (file, metadata) = open_regular(path)
        .map_err(|source| OpenPhotoError::File { path: path.to_owned(), source })?;
    memory_needed(BufReader::new(file), metadata.len())
        .map_err(|error| OpenPhotoError::Photo { path: path.to_owned(), source: error.into() })
}

/// Refuses a photo that takes more memory than there is, with `more` besides for what is done with
/// it, and `of_boxes` for what is done in its boxes. Otherwise the system might end the program
/// without a word.
pub fn check_memory(path: &Path, more: u64, of_boxes: u64) -> Result<(), OpenPhotoError> {
    let (_, memory) = photo_memory(path)?;
    Budget::admits_alone(memory + more, of_boxes)
        .map_err(|source| OpenPhotoError::TooLarge { path: path.to_owned(), source })
}

/// Reads and decodes a photo, if there is enough memory for it.
pub fn open_photo(path: &Path) -> Result<Photo, OpenPhotoError> {
    check_memory(path, 0, 0)?;
    let bytes = photo_file(path)?;
    Photo::decode(&bytes).map_err(|source| OpenPhotoError::Photo { path: path.to_owned(), source })
}

/// The digits read and their boxes, as every command's `--json` prints them. For digits in a box
/// round a whole number, `in_box` is the index of that box.
pub fn readings_json(read: &[BoxReading]) -> serde_json::Value {
    let digits = read.iter().enumerate().flat_map(|(i, of_box)| {
        let several = of_box.digits.len() > 1;
        of_box.digits.iter().map(move |(area, reading)| {
            let (digit, confidence) = reading.best();
            let mut json = serde_json::json!({
                "box": area,
                "digit": digit,
                "confidence": confidence,
                "confidences": reading.confidences,
                "no_digit": reading.no_digit(),
            });
            if is_unsure(confidence) {
                json["unsure"] = true.into();
            }
            if several {
                json["in_box"] = i.into();
            }
            json
        })
    });
    digits.collect()
}

/// A house number, and the probability that all of its digits are right.
pub struct Number {
    /// Its digits, in reading order.
    pub digits: String,
    confidence: f32,
    /// Indices of their boxes.
    pub boxes: Vec<usize>,
}

/// The house numbers that the digits in some boxes make, in reading order.
pub fn numbers_in(read: &[BoxReading]) -> Vec<Number> {
    let (boxes, readings) = digits_of(read);
    numbers_of(&boxes, &readings)
}

/// Numbers as every command's `--json` prints them: `readings` are indices in the list of that
/// name.
pub fn numbers_json(numbers: &[Number]) -> serde_json::Value {
    let one = |number: &Number| {
        serde_json::json!({
            "number": number.digits,
            "confidence": number.confidence,
            "readings": number.boxes,
        })
    };
    numbers.iter().map(one).collect()
}

/// The box of each digit, and what is read in it.
fn digits_of(read: &[BoxReading]) -> (Vec<BoxInPhoto>, Vec<Reading>) {
    read.iter().flat_map(|of_box| of_box.digits.iter().cloned()).unzip()
}

pub fn numbers_of(boxes: &[BoxInPhoto], readings: &[Reading]) -> Vec<Number> {
    let number = |boxes: Vec<usize>| {
        let best = || boxes.iter().filter_map(|&i| readings.get(i)).map(Reading::best);
        Number {
            digits: best().map(|(digit, _)| digit.to_string()).collect(),
            confidence: joint_confidence(best().map(|(_, confidence)| confidence)),
            boxes,
        }
    };
    house_numbers(boxes).into_iter().map(number).collect()
}

pub fn run(args: &Args) -> Result<()> {
    let photo = open_photo(&args.photo)?;
    let file = args.boxes.as_deref();
    let given = read_boxes(file, None, &args.photo, &photo, args.boxes_as_stored);
    let given = given_or_none(given, file)?;
    let nets = args.model.load_nets()?.nets;
    let finds = args.finding.finds(given.is_none());
    let mut boxes = given.map(|given| given.all()).unwrap_or_default();
    if finds {
        check_memory(&args.photo, MEMORY_OF_FINDING, 0)?;
        let finding = Finding::load(&args.finding.options, &args.model, nets.clone())?;
        boxes.extend(finding.find_beside(&photo, &boxes)?);
    }
    let read = pollster::block_on(nets.read(&photo, &boxes))?;
    let (boxes, readings) = digits_of(&read);
    let numbers = numbers_of(&boxes, &readings);
    if args.json {
        let report = serde_json::json!({
            "photo": args.photo.to_string_lossy(),
            "readings": readings_json(&read),
            "numbers": numbers_json(&numbers),
        });
        tell!("{report}")?;
        return Ok(());
    }
    if numbers.is_empty() {
        note!("doorplate: {}: no number found", printable(&args.photo.to_string_lossy()));
    }
    for Number { digits, confidence, boxes: members } in numbers {
        tell!("{digits} {:.1} %", 100.0 * confidence)?;
        for i in members {
            if let (Some(area), Some(reading)) = (boxes.get(i), readings.get(i)) {
                tell!("{}", line(area, reading))?;
            }
        }
    }
    Ok(())
}

/// A box with the three digits that it most likely holds.
fn line(area: &BoxInPhoto, reading: &Reading) -> String {
    let of = |(digit, confidence): (u8, f32)| format!("{digit} {:.1} %", 100.0 * confidence);
    let none =
        reading.is_no_digit().then(|| format!("no digit {:.1} %", 100.0 * reading.no_digit()));
    let top: Vec<String> = none.into_iter().chain(reading.top(3).into_iter().map(of)).collect();
    let BoxInPhoto { left, top: y, width, height } = area;
    format!("{left:>5} {y:>5} {width:>4} x {height:<4} {}", top.join(", "))
}
