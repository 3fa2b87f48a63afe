//! Boxes for a photo, from JSON or from SVHN's digitStruct.mat.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use crate::{
    dataset::format1::Format1,
    photo::{BoxInPhoto, LooseBox, PhotoSize},
};

/// A boxes file: `{"boxes": [{"left": 1, "top": 2, "width": 3, "height": 4}, ...]}`. Other
/// members, such as `label`, are let through.
#[derive(Deserialize)]
struct BoxesFile {
    boxes: Vec<LooseBox>,
}

/// Reads the boxes of `photo` from `file` and clamps them to it.
pub fn read_boxes(file: &Path, photo: &Path, size: PhotoSize) -> anyhow::Result<Vec<BoxInPhoto>> {
    let loose = if file.extension().is_some_and(|extension| extension == "mat") {
        let folder = file.parent().unwrap_or_else(|| Path::new("."));
        let Some(name) = photo.file_name().and_then(|name| name.to_str()) else {
            bail!("{}: not a file name that {} could list", photo.display(), file.display());
        };
        ensure!(
            file.file_name().is_some_and(|name| name == crate::dataset::format1::DIGIT_STRUCT),
            "{}: boxes are read from a file named {}",
            file.display(),
            crate::dataset::format1::DIGIT_STRUCT
        );
        let data = Format1::open(folder)?;
        data.entry(name)?.digits.iter().map(|digit| digit.area).collect()
    } else {
        let text = std::fs::read(file).with_context(|| format!("{}", file.display()))?;
        let parsed: BoxesFile = serde_json::from_slice(&text).with_context(|| {
            format!(
                "{}: not a boxes file; it should hold \
                 {{\"boxes\": [{{\"left\": 1, \"top\": 2, \"width\": 3, \"height\": 4}}]}}",
                file.display()
            )
        })?;
        parsed.boxes
    };
    ensure!(!loose.is_empty(), "{}: it holds no box for {}", file.display(), photo.display());
    loose
        .into_iter()
        .enumerate()
        .map(|(i, loose)| {
            loose
                .clamp_to(size)
                .with_context(|| format!("{}: box {} (counted from 1)", file.display(), i + 1))
        })
        .collect()
}
