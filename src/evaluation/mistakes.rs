//! A sheet of digits that were read wrong.

use std::path::Path;

use image::{RgbImage, imageops};

use super::{Mistake, ModelReport, ReadError, read::Places};
use crate::{
    drawing::{INK, Lettering, OUTLINE, PAPER, fitted, in_rows, outline, png, write},
    fault::{AtFault, Fault},
    photo::{BoxInPhoto, Photo},
};

/// What a digit takes on the sheet, in pixels across and down, its three lines of words aside.
const CELL: u32 = 96;

/// Room for a line of words.
const LINE: u32 = 12;

/// Digits in a row.
const COLUMNS: usize = 10;

/// Digits are enlarged at most this many times.
const LARGEST_SCALE: f64 = 6.0;

/// Why a sheet cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SheetError {
    /// The data cannot be used.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The sheet cannot be encoded.
    #[error("the sheet could not be encoded as PNG")]
    Encode(#[from] image::ImageError),
}

impl AtFault for SheetError {
    fn fault(&self) -> Fault {
        match self {
            SheetError::Read(error) => error.fault(),
            SheetError::Encode(_) => Fault::Other,
        }
    }
}

/// A PNG of the mistakes in reports on a data set, with a part for each model. Each digit is shown
/// with its surroundings and its box, the true digit and the reading, the confidence, the photo's
/// name and the digit's number.
///
/// # Errors
/// [`SheetError`] when a photo cannot be used any more, or the sheet cannot be encoded.
pub fn mistake_sheet(data: &Path, models: &[ModelReport]) -> Result<Vec<u8>, SheetError> {
    let places = Places::open(data)?;
    let mut parts = Vec::new();
    for model in models {
        let wrong =
            model.digits - (0..10).map(|digit| model.confusion.at(digit, digit)).sum::<u64>();
        let title = format!(
            "{}: {} of {wrong} mistakes on {} digits",
            model.model,
            model.mistakes.len(),
            model.digits
        );
        let (width, height) = Lettering::Large.size(&title);
        let mut heading = RgbImage::from_pixel(width, height + 2, PAPER);
        write(&mut heading, &title, (0, 0), Lettering::Large, INK, None);
        parts.push(heading);
        let mut tiles = Vec::new();
        for mistake in &model.mistakes {
            if let Some((photo, area)) = places.photo_of(&mistake.place)? {
                tiles.push(tile(mistake, &photo, area));
            }
        }
        if !tiles.is_empty() {
            parts.push(in_rows(&tiles, COLUMNS));
        }
    }
    Ok(png(&in_rows(&parts, 1))?)
}

fn tile(mistake: &Mistake, photo: &Photo, area: BoxInPhoto) -> RgbImage {
    let size = photo.size();
    let around = area.grown(area.height.max(area.width) / 4, size);
    let (mut picture, scale) = fitted(&photo.part(around), CELL, CELL, LARGEST_SCALE);
    if around != area {
        let (left, top) = (area.left - around.left, area.top - around.top);
        let on_part = BoxInPhoto { left, top, ..area };
        outline(&mut picture, &on_part, scale, (0, 0), OUTLINE);
    }
    let mut tile = RgbImage::from_pixel(CELL, CELL + 3 * LINE, PAPER);
    let left = (CELL - picture.width().min(CELL)) / 2;
    let top = CELL - picture.height().min(CELL);
    imageops::replace(&mut tile, &picture, i64::from(left), i64::from(top));
    let name = match &mistake.place {
        super::DigitPlace::OnPhoto { photo, .. } => format!("{photo} #{}", mistake.number),
        super::DigitPlace::Crop(_) => format!("#{}", mistake.number),
    };
    let lines = [
        format!("{} read as {}", mistake.truth, mistake.read),
        format!("{:.1} %", 100.0 * mistake.confidence),
        name,
    ];
    for (i, line) in (0u32..).zip(&lines) {
        let width = Lettering::Small.size(line).0;
        // Long names lose their ends; short lines are centred.
        let x = CELL.saturating_sub(width) / 2;
        let y = CELL + 2 + i * LINE;
        write(&mut tile, line, (x as i32, y as i32), Lettering::Small, INK, None);
    }
    tile
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dataset::format1::Format1,
        drawing::GAP,
        evaluation::{DigitPlace, ReadDigit, read::tests::read_as},
        synthetic::write_format1,
    };

    #[test]
    fn a_sheet_has_a_tile_a_mistake_and_a_part_a_model() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_format1(folder.path(), 12, 3).expect("drawn");
        let data = Format1::open(folder.path()).expect("it was written");
        let mut read: Vec<ReadDigit> = Vec::new();
        for entry in &data.photos {
            for digit in data.load(entry).expect("whole").1 {
                let photo = entry.name.clone();
                let place = DigitPlace::OnPhoto { photo, area: digit.area };
                read.push(ReadDigit { place, ..read_as(digit.digit, (digit.digit + 1) % 10, 0.7) });
            }
        }
        let models = [12, 3, 0].map(|most| ModelReport::new("m", "Net", &read, most));
        let png = mistake_sheet(folder.path(), &models).expect("its photos are whole");
        let sheet = image::load_from_memory(&png).expect("it is a PNG").to_rgb8();
        let heading = Lettering::Large.size("m").1 + 2;
        let row = CELL + 3 * LINE + GAP;
        let (first, second) = (heading + 2 * row, heading + row);
        assert_eq!(sheet.height(), first + GAP + second + GAP + heading - GAP + GAP);
        assert_eq!(sheet.width(), COLUMNS as u32 * (CELL + GAP) - GAP);
        let outlined = sheet.pixels().filter(|pixel| **pixel == OUTLINE).count();
        assert!(outlined > 15 * 4 * 10, "{outlined} pixels of outlines for 15 boxes");
    }

    #[test]
    fn other_data_than_the_readings_are_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_format1(folder.path(), 2, 3).expect("drawn");
        let area = BoxInPhoto { left: 0, top: 0, width: 5, height: 5 };
        let place = DigitPlace::OnPhoto { photo: "gone.png".into(), area };
        let read = [ReadDigit { place, ..read_as(1, 2, 0.7) }];
        let error = mistake_sheet(folder.path(), &[ModelReport::new("m", "Net", &read, 1)])
            .expect_err("the list has no such photo");
        assert!(error.to_string().contains("gone.png"), "{error}");
    }
}
