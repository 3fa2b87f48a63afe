//! Files that are given to the page.

use web_sys::{Blob, File, FileList};

/// A file with its name.
pub struct Given {
    /// Its name.
    pub name: String,
    /// Its content.
    pub file: Blob,
}

impl From<File> for Given {
    fn from(file: File) -> Self {
        Given { name: file.name(), file: file.into() }
    }
}

/// The files of a list.
pub fn given_of(files: &FileList) -> Vec<Given> {
    (0..files.length()).filter_map(|index| files.get(index)).map(Given::from).collect()
}
