//! Boxes for photos, from one file for all or one file for each.

use std::{
    borrow::Cow,
    collections::HashMap,
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use clap::{ValueEnum, builder::PossibleValue};

use super::{
    masks::{MASK_SUFFIX, read_mask},
    memory::TooLargeError,
};
use crate::{
    boxes::{
        BoxFile, BoxFileError, BoxFormat, BoxList, OnPhotoError, PhotoBoxes, composed, decomposed,
        plain_name, read_box_file, read_own_box_file,
    },
    dataset::format1::DIGIT_STRUCT,
    fault::{AtFault, Fault},
    photo::{BoxError, BoxInPhoto, PHOTO_EXTENSIONS, Photo, PhotoError, PhotoSize},
    removal::{BrushStroke, Erasure, grown_boxes},
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
        "{}: it holds one photo's boxes and does not say which photo's; give a folder with \
         such a file for each photo, or one file that lists the boxes of many photos",
        path.display()
    )]
    OfOnePhoto { path: PathBuf },
    #[error(
        "{}: it may be for {} or for {}, as its name is the stem of both; rename one of the photos and \
         give each its own file",
        path.display(), photo.display(), other.display()
    )]
    SharedStem { path: PathBuf, photo: PathBuf, other: PathBuf },
    #[error("{}", path.display())]
    Mask { path: PathBuf, source: PhotoError },
    #[error("{}", path.display())]
    LargeMask { path: PathBuf, source: TooLargeError },
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
        use BoxFormat::{Coco, Csv, Json, Svhn, Voc, Yolo, YoloConfidenceFirst};
        &[Json, Csv, Yolo, YoloConfidenceFirst, Voc, Coco, Svhn]
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
    List { path: PathBuf, list: BoxList, common_folder: Option<String>, uses: Mutex<Uses> },
    /// A file that holds one photo's boxes.
    One { path: PathBuf, boxes: PhotoBoxes },
    /// A file for each photo, in one of these formats: beside the photo, or in a folder with the
    /// same subfolders as the photos'.
    Each {
        folder: Option<PathBuf>,
        formats: Vec<BoxFormat>,
        /// The format that was named on the command line.
        named: Option<BoxFormat>,
    },
    /// A mask for each photo, in a folder with the same subfolders as the photos'.
    Masks { folder: PathBuf },
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
            BoxSource::Each { folder: folder.map(Path::to_owned), formats, named: format }
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
            BoxFile::Many(list) => {
                let common_folder = list.common_folder();
                BoxSource::List { path, list, common_folder, uses: Mutex::default() }
            }
        })
    }

    /// Opens a folder of masks, or the mask of one photo.
    pub fn open_masks(path: &Path) -> Result<Self, BoxesError> {
        Ok(match path.is_dir() {
            true => BoxSource::Masks { folder: path.to_owned() },
            false => BoxSource::One { path: path.to_owned(), boxes: read_mask(path)? },
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
                let entry = self.entry(photo, name);
                let boxes = entry.and_then(|entry| list.get(&entry.name));
                let boxes = boxes.ok_or_else(|| BoxesError::NotListed {
                    path: path.clone(),
                    photo: file_name(photo),
                })?;
                Ok((path.clone(), Cow::Borrowed(boxes)))
            }
            BoxSource::One { path, boxes } => Ok((path.clone(), Cow::Borrowed(boxes))),
            BoxSource::Masks { folder } => {
                let files = siblings(&folder.join(name), MASK_SUFFIX);
                let Some(path) = files.iter().find(|file| may_exist(file)).cloned() else {
                    let path = files.into_iter().next().unwrap_or_default();
                    return Err(BoxesError::NoFile { path });
                };
                if let Some(other) = of_same_stem(photo) {
                    return Err(BoxesError::SharedStem { path, photo: photo.to_owned(), other });
                }
                let boxes = read_mask(&path)?;
                Ok((path, Cow::Owned(boxes)))
            }
            BoxSource::Each { folder, formats, named } => {
                let beside = folder.as_ref().map_or(photo.to_owned(), |folder| folder.join(name));
                let suffixes = formats.iter().filter_map(|format| format.suffix());
                let mut missing = None;
                for file in suffixes.flat_map(|suffix| siblings(&beside, suffix)) {
                    if !may_exist(&file) {
                        missing.get_or_insert(file);
                        continue;
                    }
                    if let Some(other) = of_same_stem(photo) {
                        let photo = photo.to_owned();
                        return Err(BoxesError::SharedStem { path: file, photo, other });
                    }
                    let BoxFile::One(boxes) = read_own_box_file(&file, *named)? else {
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
        let BoxSource::List { list, common_folder, .. } = self else { return None };
        let names = names_of(photo, name);
        // By the photo's path, also in the folder that the list has all its photos in; then by its
        // file name alone.
        let in_folder = |name: &String| Some(format!("{}/{name}", common_folder.as_ref()?));
        let by_path = [Some(names[0].clone()), Some(names[1].clone()), in_folder(&names[0])];
        let by_path = by_path.into_iter().flatten().find(|name| list.get(name).is_some());
        let by_file_name = by_path.is_none();
        let entry =
            by_path.or_else(|| Some(names[2].clone()).filter(|it| list.get(it).is_some()))?;
        Some(Entry { name: entry, by_file_name })
    }

    /// The folder that a list has all its photos in, if they were found elsewhere.
    pub fn assumed_folder(&self) -> Option<&str> {
        let BoxSource::List { common_folder: Some(folder), uses, .. } = self else { return None };
        let used = &uses.lock().unwrap_or_else(PoisonError::into_inner).of_entries;
        let elsewhere = |(entry, users): (&String, &Users)| {
            let name = entry.strip_prefix(folder.as_str()).and_then(|name| name.strip_prefix('/'));
            let used = users.by_path.as_ref().map(|path| plain_name(&path.to_string_lossy()));
            name.is_some() && used.as_deref() == name
        };
        used.iter().any(elsewhere).then_some(folder.as_str())
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
    composed(&photo.file_name().unwrap_or_default().to_string_lossy())
}

/// The files beside a photo that have the photo's stem and `suffix` as their name: as it is, and with
/// accents composed with their letters or apart from them, as archives from other systems have them.
fn siblings(photo: &Path, suffix: &str) -> Vec<PathBuf> {
    let stem = photo.file_stem().unwrap_or_default();
    let with_suffix = |stem: &OsStr| {
        let mut name = OsString::from(stem);
        name.push(suffix);
        photo.with_file_name(name)
    };
    let mut files = vec![with_suffix(stem)];
    // Most names have no accents.
    if let Some(text) = stem.to_str().filter(|text| !text.is_ascii()) {
        files.extend([composed(text), decomposed(text)].map(|stem| with_suffix(stem.as_ref())));
    }
    files
}

/// Another photo in the same folder that has the same stem.
pub fn of_same_stem(photo: &Path) -> Option<PathBuf> {
    let extensions = PHOTO_EXTENSIONS.iter();
    let names =
        extensions.flat_map(|extension| [(*extension).to_owned(), extension.to_uppercase()]);
    let others = names.map(|extension| photo.with_extension(extension));
    // On some systems capitals make no difference, so that the same file has several names.
    let is_other = |other: &PathBuf| {
        let same = other.file_name().zip(photo.file_name());
        same.is_some_and(|(a, b)| !a.eq_ignore_ascii_case(b)) && other.is_file()
    };
    others.into_iter().find(is_other)
}

/// The boxes of a photo on it.
#[derive(Debug, Default)]
pub struct OnPhoto {
    /// Those whose digits are removed.
    pub areas: Vec<BoxInPhoto>,
    /// Their labels.
    pub labels: Vec<Option<String>>,
    /// Those whose digits are kept.
    pub kept: Vec<BoxInPhoto>,
    /// Strokes of the brush.
    pub strokes: Vec<Arc<BrushStroke>>,
}

impl OnPhoto {
    /// All boxes.
    pub fn all(&self) -> Vec<BoxInPhoto> {
        [self.areas.as_slice(), &self.kept].concat()
    }

    /// What is removed, with its boxes grown by `percent` of their height.
    pub fn erasure(&self, percent: u32, size: PhotoSize) -> Erasure {
        let boxes = grown_boxes(&self.areas, &self.kept, percent, size);
        Erasure { boxes, others: self.kept.clone(), corrections: self.strokes.clone() }
    }
}

/// The boxes of a photo on it; `as_stored` if they were drawn before it was turned upright.
pub fn on_photo(
    boxes: &PhotoBoxes,
    photo: &Photo,
    as_stored: bool,
) -> Result<OnPhoto, OnPhotoError> {
    let mut on = OnPhoto { strokes: boxes.strokes.clone(), ..OnPhoto::default() };
    for (area, given) in areas_on(boxes, photo, as_stored)?.into_iter().zip(&boxes.boxes) {
        if given.keep {
            on.kept.push(area);
        } else {
            on.areas.push(area);
            on.labels.push(given.label.clone());
        }
    }
    Ok(on)
}

fn areas_on(
    boxes: &PhotoBoxes,
    photo: &Photo,
    as_stored: bool,
) -> Result<Vec<BoxInPhoto>, OnPhotoError> {
    if as_stored && !boxes.strokes.is_empty() {
        return Err(OnPhotoError::UprightStrokes);
    }
    if as_stored {
        let upright = |(i, area): (usize, BoxInPhoto)| {
            let area = photo.upright(area.into()).clamp_to(photo.size());
            area.map_err(|reason| OnPhotoError::Box { index: i + 1, reason })
        };
        return boxes.on(photo.stored_size())?.into_iter().enumerate().map(upright).collect();
    }
    if photo.turns_on_its_side() {
        return boxes.on_turned(photo.stored_size());
    }
    boxes.on(photo.size())
}

/// The boxes, each grown for a removal of all of them by `percent` of its height, so that they may grow
/// into each other.
pub fn grow(boxes: &[BoxInPhoto], percent: u32, size: PhotoSize) -> Vec<BoxInPhoto> {
    grown_boxes(boxes, &[], percent, size)
}

fn is_matlab(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "mat")
}

/// The boxes of the photo at `path` on it, of which there must be at least one; as [`on_photo`] takes
/// them.
pub fn read_boxes(
    file: Option<&Path>,
    format: Option<BoxFormat>,
    path: &Path,
    photo: &Photo,
    as_stored: bool,
) -> Result<OnPhoto, BoxesError> {
    read_boxes_of(&BoxSource::open(file, format)?, path, photo, as_stored)
}

/// The same from an open source.
pub fn read_boxes_of(
    source: &BoxSource,
    path: &Path,
    photo: &Photo,
    as_stored: bool,
) -> Result<OnPhoto, BoxesError> {
    let name = path.file_name().map_or(path, Path::new);
    let (file, boxes) = source.find(path, name)?;
    if boxes.boxes.is_empty() {
        return Err(BoxesError::None { path: file, photo: path.to_owned() });
    }
    on_photo(&boxes, photo, as_stored).map_err(|source| BoxesError::OnPhoto { path: file, source })
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
