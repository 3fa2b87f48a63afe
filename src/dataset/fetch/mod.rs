//! Fetches and unpacks SVHN's official files.
//!
//! A file is fetched in these steps. Bytes are added to `<name>.part`, over as many connections as
//! needed (`download`). The whole file is checked against the published size and SHA-256. It is
//! renamed to its final name, and its SHA-256 is written to `<name>.sha256`. A `.tar.gz` is
//! unpacked beside it (`archive`), and the folder renamed. So a file or folder under its final name
//! is always complete.

mod archive;
mod download;
mod error;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

pub use error::FetchError;

use self::{
    archive::{Limits, unpack},
    download::Download,
};
use super::format1::DIGIT_STRUCT;

/// The official address of SVHN's files. It has no HTTPS, so the SHA-256 is checked instead.
pub const HOME: &str = "http://ufldl.stanford.edu/housenumbers";

/// One of SVHN's official files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfficialFile {
    /// What the set is called on the command line and, unpacked, on disk: `train`.
    pub set: &'static str,
    /// Its file name: `train.tar.gz`.
    pub name: &'static str,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: &'static str,
}

/// SVHN's six files: Format 1 as `.tar.gz`, Format 2 as `.mat`.
///
/// Stanford publishes no sums. These are those that Hugging Face's `datasets` kept for all six
/// (`datasets/svhn/dataset_infos.json`); TensorFlow Datasets (`url_checksums/svhn_cropped.txt`) has
/// the same for the three `.mat`, and docTR (`doctr/datasets/svhn.py`) for `train.tar.gz` and
/// `test.tar.gz`.
pub const OFFICIAL_FILES: [OfficialFile; 6] = [
    OfficialFile {
        set: "train",
        name: "train.tar.gz",
        bytes: 404_141_560,
        sha256: "4b17bb33b6cd8f963493168f80143da956f28ec406cc12f8e5745a9f91a51898",
    },
    OfficialFile {
        set: "test",
        name: "test.tar.gz",
        bytes: 276_555_967,
        sha256: "57ac9ceb530e4aa85b55d991be8fc49c695b3d71c6f6a88afea86549efde7fb5",
    },
    OfficialFile {
        set: "extra",
        name: "extra.tar.gz",
        bytes: 1_955_489_752,
        sha256: "e857e27d1e65bd1e7d3959b094061777f6506bbc39889a0df3bba6a729d60f9c",
    },
    OfficialFile {
        set: "train_32x32",
        name: "train_32x32.mat",
        bytes: 182_040_794,
        sha256: "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
    },
    OfficialFile {
        set: "test_32x32",
        name: "test_32x32.mat",
        bytes: 64_275_384,
        sha256: "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
    },
    OfficialFile {
        set: "extra_32x32",
        name: "extra_32x32.mat",
        bytes: 1_329_278_602,
        sha256: "a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3",
    },
];

impl OfficialFile {
    /// The file of a set, by the name in [`OfficialFile::set`].
    pub fn of_set(set: &str) -> Option<Self> {
        OFFICIAL_FILES.into_iter().find(|file| file.set == set)
    }

    /// Whether it is unpacked to a folder.
    fn is_archive(&self) -> bool {
        Path::new(self.name).extension().is_some_and(|extension| extension == "gz")
    }

    /// The first bytes of the file, and the name of that format for messages.
    fn beginning(&self) -> (&'static [u8], &'static str) {
        if self.is_archive() {
            // RFC 1952: the two identifying bytes, and deflate.
            (b"\x1f\x8b\x08", "a gzip archive")
        } else {
            (b"MATLAB 5.0 MAT-file", "a MATLAB v5 file")
        }
    }
}

/// How long a server is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Tries in a row that may bring nothing new.
    pub tries: u32,
    /// The pause after the first of them; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause, also if the server asks for more.
    pub longest_pause: Duration,
    /// How long a connection may be silent before it counts as broken.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            tries: 8,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            silence: Duration::from_secs(30),
        }
    }
}

/// How files are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchOptions {
    /// The address that the files' names are put behind: [`HOME`] or a mirror of it.
    pub source: String,
    /// Also take files whose size or SHA-256 is not the published one. They are checked only for
    /// being of the right kind and, if archives, whole.
    pub accept_changed: bool,
    /// Leave an archive where it is after it has been unpacked.
    pub keep_archive: bool,
    /// How long the server is waited for.
    pub patience: Patience,
}

impl Default for FetchOptions {
    fn default() -> Self {
        FetchOptions {
            source: HOME.to_owned(),
            accept_changed: false,
            keep_archive: false,
            patience: Patience::default(),
        }
    }
}

/// Progress with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Bytes come from the server.
    Downloading,
    /// Its SHA-256 is worked out.
    Checking,
    /// Its entries are written; bytes are those of the archive.
    Unpacking,
}

/// What happens while a file is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Bytes done in a stage, and all its bytes where they are known.
    Progress {
        /// The stage.
        stage: Stage,
        /// Bytes done.
        done: u64,
        /// All bytes.
        of: Option<u64>,
    },
    /// A try failed; the next one comes after a pause.
    Retrying {
        /// Why it failed.
        reason: &'a str,
        /// The pause.
        pause: Duration,
    },
    /// The bytes received so far cannot be used, and the file is fetched again from its beginning.
    StartingOver {
        /// Why.
        reason: &'a str,
    },
}

/// What [`fetch`] left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The folder with its photos and `digitStruct.mat`, or the `.mat` file.
    pub path: PathBuf,
    /// The file's SHA-256 in hexadecimal; `None` when its folder was there already, without a
    /// note of it.
    pub sha256: Option<String>,
    /// Whether it was there already, and nothing was fetched.
    pub was_there: bool,
}

/// Fetches a file into `folder`, which is made if missing, and unpacks it there: `train.tar.gz` to
/// the folder `train`. Files that exist are not fetched again. After a break the bytes so far are
/// kept, and the next call continues after them.
///
/// # Errors
/// [`FetchError`]; nothing half-written has a file's or folder's own name then.
pub fn fetch(
    file: &OfficialFile,
    folder: &Path,
    options: &FetchOptions,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Fetched, FetchError> {
    fs::create_dir_all(folder)
        .map_err(|reason| FetchError::Write { path: folder.to_owned(), reason })?;
    let path = folder.join(file.name);
    let set = folder.join(file.set);
    if file.is_archive() && set.exists() {
        // It was renamed to this only when it was whole; without its list it is something else.
        if !set.join(DIGIT_STRUCT).is_file() {
            return Err(FetchError::InTheWay { path: set });
        }
        let sha256 = download::noted_sha256(&path);
        return Ok(Fetched { path: set, sha256, was_there: true });
    }
    let was_there = path.exists();
    // An archive without a note was put there by hand, and stays.
    let ours = !was_there || download::noted_sha256(&path).is_some();
    let published = (!options.accept_changed).then_some((file.bytes, file.sha256));
    let url = format!("{}/{}", options.source.trim_end_matches('/'), file.name);
    let download = Download {
        url: &url,
        path: &path,
        beginning: file.beginning(),
        published,
        patience: options.patience,
    };
    let sha256 = if was_there { download.check(watch)? } else { download.run(watch)? };
    let mut fetched = Fetched { path: path.clone(), sha256: Some(sha256), was_there };
    if file.is_archive() {
        unpack(&path, file.set, folder, &Limits::default(), watch)?;
        if ours && !options.keep_archive {
            fs::remove_file(&path).map_err(|reason| FetchError::Write { path, reason })?;
        }
        fetched = Fetched { path: set, was_there: false, ..fetched };
    }
    Ok(fetched)
}
