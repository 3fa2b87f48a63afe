//! Boxes for a photo, from one file or a file a photo, and how far they are grown.

use std::{
    borrow::Cow,
    collections::HashMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use clap::{ValueEnum, builder::PossibleValue};

use crate::{
    boxes::{
        BoxFile, BoxFileError, BoxFormat, BoxList, OnPhotoError, PhotoBoxes, plain_name,
        read_box_file,
    },
    dataset::format1::DIGIT_STRUCT,
    photo::{BoxError, BoxInPhoto, PhotoSize},
};

/// Percent of their height by which boxes from SVHN's list are grown for the removal.
pub const SVHN_GROWTH: u32 = 10;

/// Why a photo's boxes cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BoxesError {
    #[error(transparent)]
    File(#[from] BoxFileError),
    #[error("{}: of MATLAB files, only SVHN's {DIGIT_STRUCT} holds boxes", path.display())]
    NotDigitStruct { path: PathBuf },
    #[error("{}: no entry for a photo named {photo}", path.display())]
    NotListed { path: PathBuf, photo: String },
    #[error("no boxes for it: there is no {}", path.display())]
    NoFile { path: PathBuf },
    #[error("{}: it holds no box for {}", path.display(), photo.display())]
    None { path: PathBuf, photo: PathBuf },
    #[error("{}: {source}", path.display())]
    OnPhoto { path: PathBuf, source: OnPhotoError },
    #[error(
        "{}: it holds one photo's boxes and does not say which photo's; give the folder of such \
         files, or a list of photos",
        path.display()
    )]
    OfOnePhoto { path: PathBuf },
    #[error("--box: {source}")]
    Given { source: BoxError },
}

impl BoxesError {
    /// Whether this only says that nobody looked for boxes on the photo.
    pub fn is_unlisted(&self) -> bool {
        matches!(self, BoxesError::NotListed { .. } | BoxesError::NoFile { .. })
    }
}

impl ValueEnum for BoxFormat {
    fn value_variants<'a>() -> &'a [Self] {
        use BoxFormat::{Coco, Csv, Json, Svhn, Voc, Yolo};
        &[Json, Csv, Yolo, Voc, Coco, Svhn]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, _) = BoxFormat::NAMES.iter().find(|(_, format)| format == self)?;
        Some(PossibleValue::new(name))
    }
}

/// How far boxes are grown for the removal when the command line does not say: SVHN's boxes often
/// cut a stroke short, other boxes are taken at their word.
pub fn default_growth(file: Option<&Path>, format: Option<BoxFormat>) -> u32 {
    let of_svhn = match format {
        Some(format) => format == BoxFormat::Svhn,
        None => file.is_some_and(is_matlab),
    };
    if of_svhn { SVHN_GROWTH } else { 0 }
}

/// Where photos' boxes come from.
#[derive(Debug)]
pub enum BoxSource {
    /// A file that lists many photos. Where it names them without folders, `taken` holds which
    /// photo took which entry.
    List { path: PathBuf, list: BoxList, taken: Mutex<HashMap<String, PathBuf>> },
    /// A file that holds one photo's boxes.
    One { path: PathBuf, boxes: PhotoBoxes },
    /// A file a photo, in one of these formats: beside the photo, or in a folder that is laid out
    /// like the photos' own.
    Each { folder: Option<PathBuf>, formats: Vec<BoxFormat> },
}

impl BoxSource {
    /// Opens a file or a folder of boxes; without either, each photo's own file is looked for
    /// beside it.
    pub fn open(path: Option<&Path>, format: Option<BoxFormat>) -> Result<Self, BoxesError> {
        let each = |folder: Option<&Path>, formats: &[BoxFormat]| {
            let formats = format.map_or(formats.to_vec(), |format| vec![format]);
            BoxSource::Each { folder: folder.map(Path::to_owned), formats }
        };
        let Some(path) = path else { return Ok(each(None, &[BoxFormat::Json])) };
        if path.is_dir() {
            return Ok(each(Some(path), &[BoxFormat::Json, BoxFormat::Voc, BoxFormat::Yolo]));
        }
        if format.is_none()
            && is_matlab(path)
            && path.file_name().is_none_or(|name| name != DIGIT_STRUCT)
        {
            return Err(BoxesError::NotDigitStruct { path: path.to_owned() });
        }
        let path = path.to_owned();
        Ok(match read_box_file(&path, format)? {
            BoxFile::One(boxes) => BoxSource::One { path, boxes },
            BoxFile::Many(list) => BoxSource::List { path, list, taken: Mutex::default() },
        })
    }

    /// The photo's boxes as they are given, and the file they come from. `name` is the photo's
    /// path from the folder that all photos are in.
    pub fn find(
        &self,
        photo: &Path,
        name: &Path,
    ) -> Result<(PathBuf, Cow<'_, PhotoBoxes>), BoxesError> {
        match self {
            BoxSource::List { path, list, .. } => {
                let found = names_of(photo, name).into_iter().find_map(|name| list.get(&name));
                let boxes = found.ok_or_else(|| BoxesError::NotListed {
                    path: path.clone(),
                    photo: file_name(photo),
                })?;
                Ok((path.clone(), Cow::Borrowed(boxes)))
            }
            BoxSource::One { path, boxes } => Ok((path.clone(), Cow::Borrowed(boxes))),
            BoxSource::Each { folder, formats } => {
                let beside = folder.as_ref().map_or(photo.to_owned(), |folder| folder.join(name));
                let files = formats
                    .iter()
                    .filter_map(|format| Some((*format, sibling(&beside, format.suffix()?))));
                let mut missing = None;
                for (format, file) in files {
                    if !file.try_exists().unwrap_or(true) {
                        missing.get_or_insert(file);
                        continue;
                    }
                    let BoxFile::One(boxes) = read_box_file(&file, Some(format))? else {
                        return Err(BoxesError::NotListed { path: file, photo: file_name(photo) });
                    };
                    return Ok((file, Cow::Owned(boxes)));
                }
                Err(BoxesError::NoFile { path: missing.unwrap_or(beside) })
            }
        }
    }

    /// Notes that a photo will take its boxes. The other photo where the list names both by the
    /// same plain file name: it cannot mean both.
    pub fn take(&self, photo: &Path, name: &Path) -> Option<PathBuf> {
        let BoxSource::List { list, taken, .. } = self else { return None };
        let entry = names_of(photo, name).into_iter().find(|name| list.get(name).is_some())?;
        // What a panic elsewhere leaves is a whole map.
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let other = taken.get(&entry).filter(|other| *other != name).cloned();
        if other.is_none() {
            taken.insert(entry, name.to_owned());
        }
        other
    }

    /// Names in the list that no photo has taken, sorted.
    pub fn left_over(&self) -> Vec<&str> {
        let BoxSource::List { list, taken, .. } = self else { return Vec::new() };
        let taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<&str> = list.names().filter(|name| !taken.contains_key(*name)).collect();
        names.sort_unstable();
        names
    }
}

/// What a list may call a photo: its path from the folder of photos, its path as it was given, its
/// file name.
fn names_of(photo: &Path, name: &Path) -> [String; 3] {
    [plain_name(&name.to_string_lossy()), plain_name(&photo.to_string_lossy()), file_name(photo)]
}

fn file_name(photo: &Path) -> String {
    photo.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The file beside a photo whose name is the photo's stem and `suffix`.
fn sibling(photo: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(photo.file_stem().unwrap_or_default());
    name.push(suffix);
    photo.with_file_name(name)
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

/// One photo's boxes on the photo, of which there must be one at least, and the file that they
/// come from.
pub fn read_boxes(
    file: Option<&Path>,
    format: Option<BoxFormat>,
    photo: &Path,
    size: PhotoSize,
) -> Result<Vec<BoxInPhoto>, BoxesError> {
    let source = BoxSource::open(file, format)?;
    let name = photo.file_name().map_or(photo, Path::new);
    let (path, boxes) = source.find(photo, name)?;
    if boxes.boxes.is_empty() {
        return Err(BoxesError::None { path, photo: photo.to_owned() });
    }
    boxes.on(size).map_err(|source| BoxesError::OnPhoto { path, source })
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
