//! SVHN's Format 1: a folder of full photos with one `digitStruct.mat`.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    digit_folders::DigitFoldersError,
    digit_struct::{DigitStructError, PhotoEntry, read_digit_struct},
};
use crate::{
    fault::{AtFault, Fault},
    files::read_regular,
    photo::{BoxError, BoxInPhoto, MAX_FILE_BYTES, Photo, PhotoError},
};

/// The list's name in every Format 1 folder.
pub const DIGIT_STRUCT: &str = "digitStruct.mat";

/// A Format 1 folder, with its list read and no photo decoded yet.
#[derive(Clone, Debug)]
pub struct Format1 {
    folder: PathBuf,
    /// The photos, in the list's order.
    pub photos: Vec<PhotoEntry>,
}

/// A digit on a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digit {
    /// Its box, clamped to the photo.
    pub area: BoxInPhoto,
    /// 0 to 9.
    pub digit: u8,
}

/// Why Format 1 data cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Format1Error {
    /// The folder has no list.
    #[error(
        "{}: no {DIGIT_STRUCT} here. Give the folder that holds SVHN's Format 1 photos and \
         their {DIGIT_STRUCT} (train, test or extra), or one with folders 0 to 9 of cropped digits",
        folder.display()
    )]
    NoList {
        /// The folder looked into.
        folder: PathBuf,
    },
    /// The list is damaged.
    #[error(transparent)]
    List(#[from] DigitStructError),
    /// Folders of digits, which are given in the place of a Format 1 folder, cannot be used.
    #[error(transparent)]
    DigitFolders(#[from] DigitFoldersError),
    /// The list names no photo.
    #[error("{}: the list names no photo", folder.join(DIGIT_STRUCT).display())]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// A photo cannot be read from disk.
    #[error("{} (the list's entry for {name})", path.display())]
    PhotoFile {
        /// The photo.
        path: PathBuf,
        /// Its name in the list.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// A photo cannot be decoded.
    #[error("{}", path.display())]
    Photo {
        /// The photo.
        path: PathBuf,
        /// What is wrong with it.
        source: PhotoError,
    },
    /// A box cannot be used.
    #[error("{}: {name}, box {index} (counted from 1)", folder.join(DIGIT_STRUCT).display())]
    Box {
        /// The folder.
        folder: PathBuf,
        /// The photo's name.
        name: String,
        /// The box's number in the photo's list, from 1.
        index: usize,
        /// What is wrong with it.
        source: BoxError,
    },
    /// The list has no such photo.
    #[error("{}: no entry for a photo named {name}", folder.display())]
    NotListed {
        /// The folder.
        folder: PathBuf,
        /// The name looked for.
        name: String,
    },
}

impl AtFault for Format1Error {
    fn fault(&self) -> Fault {
        Fault::Input
    }
}

impl Format1 {
    /// Reads the list of a folder.
    ///
    /// # Errors
    /// [`Format1Error`] when the list is missing, damaged or empty.
    pub fn open(folder: &Path) -> Result<Self, Format1Error> {
        let list = folder.join(DIGIT_STRUCT);
        if !list.is_file() {
            return Err(Format1Error::NoList { folder: folder.to_owned() });
        }
        let photos = read_digit_struct(&list)?;
        if photos.is_empty() {
            return Err(Format1Error::Empty { folder: folder.to_owned() });
        }
        Ok(Format1::of_entries(folder, photos))
    }

    /// Photos in `folder` that come from another source than Format 1's list.
    pub(super) fn of_entries(folder: &Path, photos: Vec<PhotoEntry>) -> Self {
        Format1 { folder: folder.to_owned(), photos }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The number of digits in all photos.
    pub fn digit_count(&self) -> usize {
        self.photos.iter().map(|photo| photo.digits.len()).sum()
    }

    /// The entry of the photo with this file name.
    ///
    /// # Errors
    /// [`Format1Error::NotListed`].
    pub fn entry(&self, name: &str) -> Result<&PhotoEntry, Format1Error> {
        self.position(name).map(|i| &self.photos[i])
    }

    /// Where in the list the photo with this file name is.
    ///
    /// # Errors
    /// [`Format1Error::NotListed`].
    pub fn position(&self, name: &str) -> Result<usize, Format1Error> {
        let found = self.photos.iter().position(|entry| entry.name == name);
        found.ok_or_else(|| Format1Error::NotListed {
            folder: self.folder.clone(),
            name: name.to_owned(),
        })
    }

    /// Decodes the photo of this name.
    pub(super) fn decode(folder: &Path, name: &str) -> Result<Photo, Format1Error> {
        let path = folder.join(name);
        let bytes = read_regular(&path, MAX_FILE_BYTES).map_err(|source| {
            Format1Error::PhotoFile { path: path.clone(), name: name.to_owned(), source }
        })?;
        Photo::decode(&bytes).map_err(|source| Format1Error::Photo { path, source })
    }

    /// Decodes an entry's photo and clamps its boxes to it.
    ///
    /// # Errors
    /// [`Format1Error`] when the photo is missing or damaged, or a box misses it.
    pub fn load(&self, entry: &PhotoEntry) -> Result<(Photo, Vec<Digit>), Format1Error> {
        let photo = Self::decode(&self.folder, &entry.name)?;
        let size = photo.size();
        let digits = entry
            .digits
            .iter()
            .enumerate()
            .map(|(i, labelled)| {
                let area = labelled.area.clamp_to(size).map_err(|source| Format1Error::Box {
                    folder: self.folder.clone(),
                    name: entry.name.clone(),
                    index: i + 1,
                    source,
                })?;
                Ok(Digit { area, digit: labelled.digit })
            })
            .collect::<Result<_, Format1Error>>()?;
        Ok((photo, digits))
    }
}
