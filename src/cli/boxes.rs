//! Boxes for photos, from one file for all or one file for each.

use std::{
    borrow::Cow,
    collections::HashMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use clap::{ValueEnum, builder::PossibleValue};

use crate::{
    boxes::{
        BoxFile, BoxFileError, BoxFormat, BoxList, OnPhotoError, PhotoBoxes, plain_name,
        read_box_file, read_own_box_file,
    },
    dataset::format1::DIGIT_STRUCT,
    fault::{AtFault, Fault},
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
    #[error("no boxes for this photo: there is no {}", path.display())]
    NoFile { path: PathBuf },
    #[error("{}: there is no box for {}", path.display(), photo.display())]
    None { path: PathBuf, photo: PathBuf },
    #[error("{}", path.display())]
    OnPhoto { path: PathBuf, source: OnPhotoError },
    #[error(
        "{}: it holds one photo's boxes and does not say which photo's; give the folder of such \
         files, or a list of photos",
        path.display()
    )]
    OfOnePhoto { path: PathBuf },
    #[error("--box")]
    Given { source: BoxError },
}

impl AtFault for BoxesError {
    fn fault(&self) -> Fault {
        Fault::Input
    }
}

impl BoxesError {
    /// Whether it only means that there is no entry for the photo.
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

/// The source of photos' boxes.
#[derive(Debug)]
pub enum BoxSource {
    /// A file that lists many photos. `uses` holds which photos use which entry, for lists that
    /// name photos without folders.
    List { path: PathBuf, list: BoxList, uses: Mutex<Uses> },
    /// A file that holds one photo's boxes.
    One { path: PathBuf, boxes: PhotoBoxes },
    /// A file for each photo, in one of these formats: beside the photo, or in a folder with the
    /// same subfolders as the photos'.
    Each { folder: Option<PathBuf>, formats: Vec<BoxFormat> },
}

/// Which photos use the entries of a list.
#[derive(Debug, Default)]
pub struct Uses {
    of_entries: HashMap<String, Users>,
    /// Whether all photos are known.
    all_known: bool,
}

/// The photos that use one entry.
#[derive(Debug, Default)]
struct Users {
    /// The one whose path is that of the entry.
    by_path: Option<PathBuf>,
    /// The first two in other folders that have its file name.
    by_file_name: Vec<PathBuf>,
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the list calls it.
    pub name: String,
    /// Whether the list gives its photo's file name alone, and the photo is in a folder: then
    /// others may be meant as well.
    pub by_file_name: bool,
}

impl BoxSource {
    /// Opens a file or a folder of boxes. Without either, each photo's boxes are in a file beside
    /// it.
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
            BoxFile::Many(list) => BoxSource::List { path, list, uses: Mutex::default() },
        })
    }

    /// The photo's boxes as given, and the file they come from. `name` is the photo's path relative
    /// to the folder of all photos.
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
                    if !may_exist(&file) {
                        missing.get_or_insert(file);
                        continue;
                    }
                    let BoxFile::One(boxes) = read_own_box_file(&file, format)? else {
                        return Err(BoxesError::NotListed { path: file, photo: file_name(photo) });
                    };
                    return Ok((file, Cow::Owned(boxes)));
                }
                Err(BoxesError::NoFile { path: missing.unwrap_or(beside) })
            }
        }
    }

    /// The list's entry for a photo; none for files of one photo each.
    pub fn entry(&self, photo: &Path, name: &Path) -> Option<Entry> {
        let BoxSource::List { list, .. } = self else { return None };
        let names = names_of(photo, name);
        let place = names.iter().position(|name| list.get(name).is_some())?;
        let [of_name, of_path, file_name] = names;
        let by_file_name = place == 2;
        Some(Entry { name: [of_name, of_path, file_name].into_iter().nth(place)?, by_file_name })
    }

    /// Whether an entry of the list can be used by photos in several folders.
    pub fn has_plain_names(&self) -> bool {
        let BoxSource::List { list, .. } = self else { return false };
        list.names().any(|name| !name.contains('/'))
    }

    /// Notes all photos that there are, before the first one is done. Otherwise it is the second of
    /// two photos with one entry that is refused, as the first is done by then.
    pub fn know_all(&self, photos: impl Iterator<Item = (PathBuf, PathBuf)>) {
        let BoxSource::List { uses, .. } = self else { return };
        for (photo, name) in photos {
            self.take(&photo, &name);
        }
        uses.lock().unwrap_or_else(PoisonError::into_inner).all_known = true;
    }

    /// Notes that a photo uses its entry. If another photo uses the same entry, because the list
    /// has only file names without folders, it gives that other photo: the entry may be meant for
    /// either.
    pub fn take(&self, photo: &Path, name: &Path) -> Option<PathBuf> {
        let BoxSource::List { uses, .. } = self else { return None };
        let Entry { name: entry, by_file_name } = self.entry(photo, name)?;
        // The map is complete even after a panic elsewhere.
        let mut uses = uses.lock().unwrap_or_else(PoisonError::into_inner);
        let all_known = uses.all_known;
        let users = uses.of_entries.entry(entry).or_default();
        let other = users.by_file_name.iter().find(|other| *other != name).cloned();
        if by_file_name {
            if users.by_file_name.len() < 2 && !users.by_file_name.iter().any(|one| one == name) {
                users.by_file_name.push(name.to_owned());
            }
            users.by_path.clone().or(other)
        } else {
            users.by_path = Some(name.to_owned());
            // An entry with its very path is this photo's; but another one has used it by now.
            other.filter(|_| !all_known)
        }
    }

    /// Names in the list that no photo has used, sorted.
    pub fn left_over(&self) -> Vec<&str> {
        let BoxSource::List { list, uses, .. } = self else { return Vec::new() };
        let used = &uses.lock().unwrap_or_else(PoisonError::into_inner).of_entries;
        let mut names: Vec<&str> = list.names().filter(|name| !used.contains_key(*name)).collect();
        names.sort_unstable();
        names
    }
}

/// Whether a file exists, as far as can be known.
fn may_exist(file: &Path) -> bool {
    // No file has a name that is too long.
    file.try_exists().unwrap_or_else(|error| error.kind() != io::ErrorKind::InvalidFilename)
}

/// Names that a list may give a photo: its path relative to the folder of photos, its path as
/// given, its file name.
fn names_of(photo: &Path, name: &Path) -> [String; 3] {
    [plain_name(&name.to_string_lossy()), plain_name(&photo.to_string_lossy()), file_name(photo)]
}

fn file_name(photo: &Path) -> String {
    photo.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The file beside a photo with the photo's stem and `suffix` as its name.
fn sibling(photo: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(photo.file_stem().unwrap_or_default());
    name.push(suffix);
    photo.with_file_name(name)
}

/// The boxes, each grown for the removal by `percent` of its height. On the command line the digits
/// of all boxes are removed, so boxes may grow into each other.
pub fn grow(boxes: &[BoxInPhoto], percent: u32, size: PhotoSize) -> Vec<BoxInPhoto> {
    grown_boxes(boxes, &[], percent, size)
}

fn is_matlab(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "mat")
}

/// One photo's boxes on the photo, of which there must be at least one.
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

/// The boxes of a photo, or none if no `file` of boxes was named and there is none beside the photo.
pub fn given_or_none<T>(
    boxes: Result<T, BoxesError>,
    file: Option<&Path>,
) -> Result<Option<T>, BoxesError> {
    match boxes {
        Err(error) if file.is_none() && error.is_unlisted() => Ok(None),
        boxes => boxes.map(Some),
    }
}
