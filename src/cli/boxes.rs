//! Boxes for a photo, from one file or a file a photo.

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
    removal::grown_boxes,
};

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

/// The boxes, each grown for the removal by `percent` of its height. On the command line every box's
/// digit is removed, so none is kept that growth had to stop at.
pub fn grow(boxes: &[BoxInPhoto], percent: u32, size: PhotoSize) -> Vec<BoxInPhoto> {
    grown_boxes(boxes, &[], percent, size)
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
