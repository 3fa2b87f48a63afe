//! Fetches and unpacks SVHN's official files.
//!
//! A file is fetched in these steps. Bytes are added to `<name>.part`, over as many connections as
//! needed (`download`). The whole file is checked against the published size and SHA-256. It is
//! renamed to its final name, and its SHA-256 is written to `<name>.sha256`. A `.tar.gz` is
//! unpacked beside it (`archive`), and the folder renamed. So a file or folder under its final name
//! is always complete.
//!
//! What is half done, except the `.part` file, is in a folder of its own, which only the holder of
//! the set's lock touches. So what a killed process left there is removed by the next one.

mod archive;
mod connection;
mod download;
mod error;
#[cfg(test)]
mod tests;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub use error::FetchError;

use self::{
    archive::{Limits, unpack},
    download::Download,
};
use super::format1::DIGIT_STRUCT;
use crate::files::{Lock, Sharing};

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
    /// Bytes a second. A connection that brings fewer on average, over as long as it might be
    /// silent, counts as broken, and a try that brings fewer as one without anything new.
    pub slowest: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            tries: 8,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            silence: Duration::from_secs(30),
            slowest: 1_000,
        }
    }
}

/// How files are fetched.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// The address that the files' names are put behind: [`HOME`] or a mirror of it.
    pub source: String,
    /// Also take files whose size or SHA-256 is not the published one. They are checked only for
    /// being of the right kind and, if archives, whole.
    pub accept_changed: bool,
    /// The bytes that such a file may have.
    pub most_bytes: u64,
    /// Leave an archive where it is after it has been unpacked.
    pub keep_archive: bool,
    /// How long the server is waited for.
    pub patience: Patience,
    /// Ends the fetch soon after it is set to true, with [`FetchError::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        FetchOptions {
            source: HOME.to_owned(),
            accept_changed: false,
            // Four times the largest of SVHN's files.
            most_bytes: 8_000_000_000,
            keep_archive: false,
            patience: Patience::default(),
            stop: Arc::default(),
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

/// Between two looks at whether the fetch is to stop.
const TICK: Duration = Duration::from_millis(50);

/// Who is told what happens, and who may stop it.
struct Watch<'a> {
    told: &'a mut dyn FnMut(Event<'_>),
    stop: &'a AtomicBool,
    /// What is fetched, for messages.
    path: &'a Path,
}

impl Watch<'_> {
    fn tell(&mut self, event: Event<'_>) -> Result<(), FetchError> {
        (self.told)(event);
        self.check()
    }

    /// An error once the fetch is to stop.
    fn check(&self) -> Result<(), FetchError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(FetchError::Stopped { path: self.path.to_owned() });
        }
        Ok(())
    }

    fn pause(&self, pause: Duration) -> Result<(), FetchError> {
        let until = Instant::now() + pause;
        loop {
            self.check()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(TICK));
        }
    }
}

/// Fetches a file into `folder`, which is made if missing, and unpacks it there: `train.tar.gz` to
/// the folder `train`. Files that exist are not fetched again. After a break the bytes so far are
/// kept, and the next call continues after them.
///
/// # Errors
/// [`FetchError`]; nothing half-written has a file's or folder's own name then, and a folder that
/// was made is removed if nothing is in it.
pub fn fetch(
    file: &OfficialFile,
    folder: &Path,
    options: &FetchOptions,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Fetched, FetchError> {
    let made: Vec<&Path> = folder
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    fs::create_dir_all(folder)
        .map_err(|reason| FetchError::Write { path: folder.to_owned(), reason })?;
    let fetched = fetch_into(file, folder, options, watch);
    if fetched.is_err() {
        // The system refuses to remove a folder with something in it, and those around it.
        let _ = made.into_iter().try_for_each(fs::remove_dir);
    }
    fetched
}

fn fetch_into(
    file: &OfficialFile,
    folder: &Path,
    options: &FetchOptions,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Fetched, FetchError> {
    let path = folder.join(file.name);
    let set = folder.join(file.set);
    // First without the lock, as the folder may be one that cannot be written to.
    if let Some(unpacked) = unpacked_before(file, &path, &set)? {
        remove_leftovers(file, folder, &path, options);
        return Ok(unpacked);
    }
    let (_lock, drafts) = locked(file, folder)?;
    if let Some(unpacked) = unpacked_before(file, &path, &set)? {
        return Ok(unpacked);
    }
    let mut watch = Watch { told: watch, stop: &options.stop, path: &path };
    let was_there = path.exists();
    // An archive without a note was put there by hand, and stays.
    let ours = !was_there || download::noted_sha256(&path).is_some();
    let url = format!("{}/{}", options.source.trim_end_matches('/'), file.name);
    let download = Download {
        url: &url,
        path: &path,
        drafts: drafts.path(),
        beginning: file.beginning(),
        published: (!options.accept_changed).then_some((file.bytes, file.sha256)),
        most_bytes: options.most_bytes,
        patience: options.patience,
    };
    let sha256 = if was_there { download.check(&mut watch)? } else { download.run(&mut watch)? };
    let mut fetched = Fetched { path: path.clone(), sha256: Some(sha256), was_there };
    if file.is_archive() {
        unpack(&path, file.set, folder, drafts.path(), &Limits::default(), &mut watch)?;
        if ours && !options.keep_archive {
            fs::remove_file(&path)
                .map_err(|reason| FetchError::Write { path: path.clone(), reason })?;
        }
        fetched = Fetched { path: set, was_there: false, ..fetched };
    }
    Ok(fetched)
}

/// The set's folder, if it is there.
fn unpacked_before(
    file: &OfficialFile,
    path: &Path,
    set: &Path,
) -> Result<Option<Fetched>, FetchError> {
    if !file.is_archive() || !set.exists() {
        return Ok(None);
    }
    // It was renamed to this only when it was whole; without its list it is something else.
    if !set.join(DIGIT_STRUCT).is_file() {
        return Err(FetchError::InTheWay { path: set.to_owned() });
    }
    let sha256 = download::noted_sha256(path);
    Ok(Some(Fetched { path: set.to_owned(), sha256, was_there: true }))
}

/// Removes what is left of a fetch that was killed once its set was unpacked: otherwise the archive
/// would stay for good.
fn remove_leftovers(file: &OfficialFile, folder: &Path, path: &Path, options: &FetchOptions) {
    if !folder.join(drafts_name(file)).exists() && !lock_path(file, folder).exists() {
        return;
    }
    // Another process may be at work, or the folder one that cannot be written to: then so be it.
    let Ok(_held) = locked(file, folder) else { return };
    if !options.keep_archive && download::noted_sha256(path).is_some() {
        let _ = fs::remove_file(path);
    }
}

fn lock_path(file: &OfficialFile, folder: &Path) -> PathBuf {
    folder.join(format!(".lock-{}", file.set))
}

/// The name of the folder for what is half done.
fn drafts_name(file: &OfficialFile) -> String {
    format!(".doorplate-fetching-{}", file.set)
}

/// The lock of a set, and an empty folder for what is half done, which is removed at the end.
fn locked(file: &OfficialFile, folder: &Path) -> Result<(Lock, TempDir), FetchError> {
    let lock = lock_path(file, folder);
    let lock = Lock::take(lock.clone(), Sharing::Nobody, Duration::ZERO).map_err(|reason| {
        if reason.kind() == io::ErrorKind::WouldBlock {
            FetchError::Busy { path: folder.join(file.name) }
        } else {
            FetchError::Write { path: lock, reason }
        }
    })?;
    let name = drafts_name(file);
    let drafts = folder.join(&name);
    let failed = |reason| FetchError::Write { path: drafts.clone(), reason };
    match fs::remove_dir_all(&drafts) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let made = tempfile::Builder::new().prefix(&name).rand_bytes(0).tempdir_in(folder);
    Ok((lock, made.map_err(failed)?))
}
