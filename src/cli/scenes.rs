//! Street photos on whose walls numbers are drawn.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::{
    Result,
    boxes::{BoxSource, BoxesError},
};
use crate::{
    fault::{AtFault, Fault},
    files::{printable, read_regular},
    photo::{MAX_FILE_BYTES, Photo, is_photo},
    synthetic::{LEAST_SIDE, Wall, Walls},
};

/// Why photos cannot be drawn on.
#[derive(Debug, thiserror::Error)]
pub enum ScenesError {
    #[error("{}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("{}: there are no photos in this folder", folder.display())]
    NoPhotos { folder: PathBuf },
    #[error("{}: none of its {count} photos can be drawn on", folder.display())]
    NoneUsable { folder: PathBuf, count: usize },
    #[error(
        "{}: it has no boxes for the photos in {}; are these the boxes of other photos?",
        boxes.display(),
        folder.display()
    )]
    OtherPhotos { boxes: PathBuf, folder: PathBuf },
}

impl AtFault for ScenesError {
    fn fault(&self) -> Fault {
        Fault::Input
    }
}

/// The photos of a folder, with the boxes of the numbers they show. `boxes` is a list, or a folder
/// with a file for each photo; without it, box files beside the photos are used. Photos that cannot
/// be used are reported and skipped.
///
/// # Errors
/// [`ScenesError`], and what is wrong with the boxes.
pub fn walls(folder: &Path, boxes: Option<&Path>) -> Result<Walls> {
    let source = BoxSource::open(Some(boxes.unwrap_or(folder)), None)?;
    let mut names: Vec<PathBuf> = Vec::new();
    let unreadable = |source| ScenesError::Folder { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_photo(&path) && path.is_file() {
            names.push(path);
        }
    }
    // The system's order is another one on every machine.
    names.sort_unstable();
    if names.is_empty() {
        return Err(ScenesError::NoPhotos { folder: folder.to_owned() }.into());
    }
    let unlisted = AtomicUsize::new(0);
    let opened: Vec<Result<Wall>> =
        names.par_iter().map(|path| wall(path, folder, &source, &unlisted)).collect();
    let mut walls = Vec::new();
    for (path, wall) in names.iter().zip(opened) {
        match wall {
            Ok(wall) => walls.push(wall),
            Err(error) => {
                let message = format!("{}: left out: {error}", path.display());
                note!("doorplate: {}", printable(&message));
            }
        }
    }
    let (count, unlisted) = (names.len(), unlisted.into_inner());
    match boxes {
        Some(boxes) if unlisted == count => {
            let (boxes, folder) = (boxes.to_owned(), folder.to_owned());
            return Err(ScenesError::OtherPhotos { boxes, folder }.into());
        }
        None if unlisted > 0 => note!(
            "{unlisted} of {count} photos have no box file beside them, and are assumed to show no \
             numbers"
        ),
        _ => {}
    }
    let none = |_| ScenesError::NoneUsable { folder: folder.to_owned(), count };
    Ok(Walls::new(walls).map_err(none)?)
}

fn wall(path: &Path, folder: &Path, source: &BoxSource, unlisted: &AtomicUsize) -> Result<Wall> {
    // Decoded as a whole, so that a damaged photo is found now and not after an hour.
    let size = Photo::decode(&read_regular(path, MAX_FILE_BYTES)?)?.size();
    if size.width.min(size.height) < LEAST_SIDE {
        return Err(format!("smaller than {LEAST_SIDE} x {LEAST_SIDE} pixels").into());
    }
    let name = path.strip_prefix(folder).unwrap_or(path);
    let numbers = match source.find(path, name) {
        Ok((file, boxes)) => {
            boxes.on(size).map_err(|source| BoxesError::OnPhoto { path: file, source })?
        }
        Err(error) if error.is_unlisted() => {
            unlisted.fetch_add(1, Ordering::Relaxed);
            if matches!(error, BoxesError::NotListed { .. }) {
                return Err(error.into());
            }
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Wall { path: path.to_owned(), numbers })
}
