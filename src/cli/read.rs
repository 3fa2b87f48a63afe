//! `doorplate read`

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Parser;

use super::{boxes::read_boxes, model::ModelArgs};
use crate::{
    classifier::Reading,
    photo::{BoxInPhoto, Photo, PhotoError},
};

/// Read the digits in boxes on a photo.
#[derive(Debug, Parser)]
pub struct Args {
    /// The photo.
    photo: PathBuf,
    /// The boxes, or the list or folder that has them: JSON, CSV, YOLO, VOC, COCO or SVHN's
    /// digitStruct.mat.
    #[arg(long)]
    boxes: PathBuf,
    /// Print one JSON object instead of a line a box.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

/// Why a photo cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenPhotoError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Photo { path: PathBuf, source: PhotoError },
}

/// Reads and decodes a photo.
pub fn open_photo(path: &Path) -> Result<Photo, OpenPhotoError> {
    let bytes = std::fs::read(path)
        .map_err(|source| OpenPhotoError::File { path: path.to_owned(), source })?;
    Photo::decode(&bytes).map_err(|source| OpenPhotoError::Photo { path: path.to_owned(), source })
}

/// The boxes and their readings, as every command's `--json` prints them.
pub fn readings_json(boxes: &[BoxInPhoto], readings: &[Reading]) -> serde_json::Value {
    let one = |(area, reading): (&BoxInPhoto, &Reading)| {
        let (digit, confidence) = reading.best();
        serde_json::json!({
            "box": area,
            "digit": digit,
            "confidence": confidence,
            "confidences": reading.confidences,
        })
    };
    boxes.iter().zip(readings).map(one).collect()
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let photo = open_photo(&args.photo)?;
    let boxes = read_boxes(Some(&args.boxes), None, &args.photo, photo.size())?;
    let classifier = args.model.load()?;
    let readings = pollster::block_on(classifier.read(&photo, &boxes))?;
    if args.json {
        let report = serde_json::json!({
            "photo": args.photo.to_string_lossy(),
            "readings": readings_json(&boxes, &readings),
        });
        println!("{report}");
        return Ok(());
    }
    for (area, reading) in boxes.iter().zip(&readings) {
        let top: Vec<String> = reading
            .top(3)
            .into_iter()
            .map(|(digit, confidence)| format!("{digit} {:.1} %", 100.0 * confidence))
            .collect();
        println!(
            "{:>5} {:>5} {:>4} x {:<4} {}",
            area.left,
            area.top,
            area.width,
            area.height,
            top.join(", ")
        );
    }
    Ok(())
}
