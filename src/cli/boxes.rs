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

/// The boxes, each grown on all sides by `percent` of its height, as far as the photo reaches.
///
/// Where two grown boxes beside each other nearly touch, the left one is widened to the right
/// one: the sliver between them shows both strokes' blur, and would stay as a line.
pub fn grow(boxes: &[BoxInPhoto], percent: u32, size: PhotoSize) -> Vec<BoxInPhoto> {
    let margin = |area: &BoxInPhoto| {
        let margin = u64::from(area.height) * u64::from(percent.min(1_000)) / 100;
        // Ten times a photo's height at most; what does not fit reaches every edge anyhow.
        u32::try_from(margin).unwrap_or(u32::MAX)
    };
    let grown: Vec<BoxInPhoto> = boxes.iter().map(|area| area.grown(margin(area), size)).collect();
    let widened = |(area, before): (&BoxInPhoto, &BoxInPhoto)| {
        let next = grown.iter().filter(|next| {
            next.left > area.right()
                && next.left - area.right() <= margin(before)
                && next.top < area.bottom()
                && area.top < next.bottom()
        });
        let right = next.map(|next| next.left).min().unwrap_or(area.right());
        BoxInPhoto { width: right - area.left, ..*area }
    };
    grown.iter().zip(boxes).map(widened).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grown_boxes_leave_no_sliver_between_them() {
        let size = PhotoSize { width: 200, height: 120 };
        let area = |left, top| BoxInPhoto { left, top, width: 20, height: 40 };
        // Gaps of 9, of 30, and none beside a box in another row.
        let boxes = [area(10, 20), area(39, 22), area(89, 20), area(118, 70)];
        let grown = grow(&boxes, 10, size);
        assert_eq!((grown[0].left, grown[0].right()), (6, 35));
        assert_eq!(grown[1].left, 35);
        assert_eq!(grown[1].right(), 63);
        assert_eq!(grown[2].right(), 113);
        // As they are, boxes stay as they are.
        assert_eq!(grow(&boxes, 0, size), boxes);
    }
}
