//! Boxes for a photo, from JSON or from SVHN's digitStruct.mat.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    dataset::format1::{DIGIT_STRUCT, Format1, Format1Error},
    photo::{BoxError, BoxInPhoto, LooseBox, PhotoSize},
};

/// Percent of their height by which boxes from SVHN's list are grown for the removal.
pub const SVHN_GROWTH: u32 = 10;

/// A boxes file: `{"boxes": [{"left": 1, "top": 2, "width": 3, "height": 4}, ...]}`. Other
/// members, such as `label`, are let through.
#[derive(Deserialize)]
struct BoxesFile {
    boxes: Vec<LooseBox>,
}

/// Why a photo's boxes cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BoxesError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(
        "{}: not a boxes file ({source}); it should hold \
         {{\"boxes\": [{{\"left\": 1, \"top\": 2, \"width\": 3, \"height\": 4}}]}}",
        path.display()
    )]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("{}: of MATLAB files, only SVHN's {DIGIT_STRUCT} holds boxes", path.display())]
    NotDigitStruct { path: PathBuf },
    #[error(transparent)]
    Format1(#[from] Format1Error),
    #[error("{}: it holds no box for {}", path.display(), photo.display())]
    None { path: PathBuf, photo: PathBuf },
    #[error("{}: box {index} (counted from 1): {source}", path.display())]
    Box { path: PathBuf, index: usize, source: BoxError },
    #[error("--box: {source}")]
    Given { source: BoxError },
}

/// How far boxes are grown for the removal when the command line does not say: SVHN's boxes often
/// cut a stroke short, other boxes are taken at their word.
pub fn default_growth(file: &Path) -> u32 {
    if is_matlab(file) { SVHN_GROWTH } else { 0 }
}

/// A box grown on all sides by `percent` of its height, as far as the photo reaches.
pub fn grow(area: BoxInPhoto, percent: u32, size: PhotoSize) -> BoxInPhoto {
    let margin = u64::from(area.height) * u64::from(percent.min(1_000)) / 100;
    // Ten times a photo's height at most; what does not fit reaches every edge anyhow.
    area.grown(u32::try_from(margin).unwrap_or(u32::MAX), size)
}

fn is_matlab(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "mat")
}

/// Reads the boxes of `photo` from `file` and clamps them to it.
pub fn read_boxes(
    file: &Path,
    photo: &Path,
    size: PhotoSize,
) -> Result<Vec<BoxInPhoto>, BoxesError> {
    let path = || file.to_owned();
    let loose: Vec<LooseBox> = if is_matlab(file) {
        if file.file_name().is_none_or(|name| name != DIGIT_STRUCT) {
            return Err(BoxesError::NotDigitStruct { path: path() });
        }
        let data = Format1::open(file.parent().unwrap_or_else(|| Path::new(".")))?;
        let name = photo.file_name().unwrap_or_default().to_string_lossy();
        data.entry(&name)?.digits.iter().map(|digit| digit.area).collect()
    } else {
        let text =
            std::fs::read(file).map_err(|source| BoxesError::File { path: path(), source })?;
        let parsed: BoxesFile = serde_json::from_slice(&text)
            .map_err(|source| BoxesError::Json { path: path(), source })?;
        parsed.boxes
    };
    if loose.is_empty() {
        return Err(BoxesError::None { path: path(), photo: photo.to_owned() });
    }
    loose
        .into_iter()
        .enumerate()
        .map(|(i, loose)| {
            loose.clamp_to(size).map_err(|source| BoxesError::Box {
                path: path(),
                index: i + 1,
                source,
            })
        })
        .collect()
}
