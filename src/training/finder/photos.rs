//! Photos with the boxes of their digits.

use std::path::{Path, PathBuf};

use super::super::material::DataError;
use crate::{
    boxes::{BoxFile, BoxFormat, GivenBox, PhotoBoxes, Unit, read_box_file},
    dataset::{
        format1::{DIGIT_STRUCT, Format1},
        store::StoreError,
    },
    files::read_regular,
    photo::{LooseBox, MAX_FILE_BYTES, Photo, is_photo},
};

/// A box that is wider than this, in heights, goes round a whole number, and does not show where its
/// digits are.
const WIDEST_DIGIT: f64 = 1.15;

/// A photo and what is known of its digits.
#[derive(Clone, Debug)]
pub(super) struct Labelled {
    path: PathBuf,
    boxes: PhotoBoxes,
}

/// What a photo shows.
pub(super) struct Scene {
    pub(super) photo: Photo,
    /// Boxes round one digit each.
    pub(super) digits: Vec<LooseBox>,
    /// Boxes in which there are digits, but it is not known where.
    pub(super) numbers: Vec<LooseBox>,
}

/// The photos of a Format 1 folder; or those of a folder with a box file beside each, which may be
/// empty if the photo shows no digit.
pub(super) fn open(path: &Path) -> Result<Vec<Labelled>, DataError> {
    if path.join(DIGIT_STRUCT).is_file() || !path.is_dir() {
        let data = Format1::open(path).map_err(StoreError::Photos)?;
        let photos = data.photos.iter().map(|entry| Labelled {
            path: path.join(&entry.name),
            boxes: PhotoBoxes {
                boxes: entry
                    .digits
                    .iter()
                    .map(|it| GivenBox { area: it.area, label: None })
                    .collect(),
                unit: Unit::Pixels,
                drawn_on: None,
            },
        });
        return Ok(photos.collect());
    }
    let unreadable = |reason: String| DataError::Boxes { path: path.to_owned(), reason };
    let mut names: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(error.to_string()))? {
        names.push(entry.map_err(|error| unreadable(error.to_string()))?.path());
    }
    // The system's order is another one on every machine.
    names.sort_unstable();
    let mut photos = Vec::new();
    for path in names.into_iter().filter(|path| is_photo(path)) {
        if let Some(boxes) = boxes_beside(&path)? {
            photos.push(Labelled { path, boxes });
        }
    }
    if photos.is_empty() {
        return Err(unreadable(format!(
            "no photo here has a box file beside it, and there is no {DIGIT_STRUCT}"
        )));
    }
    Ok(photos)
}

/// The boxes in a file beside a photo; `None` if there is no such file.
fn boxes_beside(photo: &Path) -> Result<Option<PhotoBoxes>, DataError> {
    for format in [BoxFormat::Json, BoxFormat::Voc, BoxFormat::Yolo] {
        let Some(suffix) = format.suffix() else { continue };
        let mut name = photo.file_stem().unwrap_or_default().to_owned();
        name.push(suffix);
        let file = photo.with_file_name(name);
        if !file.is_file() {
            continue;
        }
        let failed = |reason: String| DataError::Boxes { path: file.clone(), reason };
        let read = read_box_file(&file, Some(format)).map_err(|error| failed(error.to_string()))?;
        let BoxFile::One(boxes) = read else {
            return Err(failed("it holds the boxes of many photos".to_owned()));
        };
        return Ok(Some(boxes));
    }
    Ok(None)
}

impl Labelled {
    /// Whether it is known to show a digit.
    pub(super) fn shows_digits(&self) -> bool {
        !self.boxes.boxes.is_empty()
    }

    /// Decodes the photo.
    pub(super) fn load(&self) -> Result<Scene, DataError> {
        let failed = |reason: String| DataError::Boxes { path: self.path.clone(), reason };
        let bytes = read_regular(&self.path, MAX_FILE_BYTES);
        let bytes = bytes.map_err(|error| failed(error.to_string()))?;
        let photo = Photo::decode(&bytes).map_err(|error| failed(error.to_string()))?;
        let boxes = self.boxes.on(photo.size()).map_err(|error| failed(error.to_string()))?;
        let (numbers, digits) = boxes
            .into_iter()
            .map(LooseBox::from)
            .partition(|area| area.width > WIDEST_DIGIT * area.height);
        Ok(Scene { photo, digits, numbers })
    }
}
