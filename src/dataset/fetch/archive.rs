//! Unpacks an archive that may come from anyone, and so may be malicious.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Write as _},
    path::{Component, Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;
use tar::EntryType;

use super::{Event, FetchError, Stage, Watch};
use crate::{
    dataset::format1::DIGIT_STRUCT,
    files::{Counted, Rationed},
};

/// What an archive may unpack to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Files and folders.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

impl Default for Limits {
    /// Several times what the largest of SVHN's archives holds: 202,353 photos, 2 GB.
    fn default() -> Self {
        Limits { entries: 1_000_000, bytes: 16 << 30 }
    }
}

/// What the headers of one entry may take: a long name is kept in memory.
const HEADER_BYTES: u64 = 1 << 20;

/// The padding that may follow an archive's last entry: `tar` fills up its last block with zeros.
const PADDING_BYTES: u64 = 64 << 20;

/// Between two progress events.
const PROGRESS_BYTES: u64 = 1 << 20;

/// Unpacks `archive`, all of whose entries lie in one folder named `set`, to `folder/set`. The
/// files are written to `drafts`, an empty folder, and the set in it is then renamed as a whole.
pub(super) fn unpack(
    archive: &Path,
    set: &str,
    folder: &Path,
    drafts: &Path,
    limits: &Limits,
    watch: &mut Watch<'_>,
) -> Result<(), FetchError> {
    let unreadable = |reason| FetchError::Read { path: archive.to_owned(), reason };
    let damaged = |error: io::Error| FetchError::Damaged {
        path: archive.to_owned(),
        reason: error.to_string(),
    };
    let too_much = |limit, what| FetchError::TooMuch { path: archive.to_owned(), limit, what };
    let file = File::open(archive).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();

    let (file, read) = Counted::new(file);
    let unzipped = MultiGzDecoder::new(BufReader::with_capacity(1 << 17, file));
    let (unzipped, ration) = Rationed::new(unzipped);
    let mut tar = tar::Archive::new(unzipped);
    let mut progress = 0;
    let (mut count, mut bytes) = (0u64, 0u64);
    let mut entries = tar.entries().map_err(damaged)?;
    loop {
        ration.set(HEADER_BYTES);
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(damaged)?;
        count += 1;
        if count > limits.entries {
            return Err(too_much(limits.entries, "files"));
        }
        let inside = path_inside(&entry, set).map_err(|problem| FetchError::Entry {
            path: archive.to_owned(),
            entry: String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
            problem,
        })?;
        let target = drafts.join(inside);
        let failed = |reason| FetchError::Write { path: target.clone(), reason };
        if entry.header().entry_type() == EntryType::Directory {
            fs::create_dir_all(&target).map_err(failed)?;
            continue;
        }
        bytes = bytes.saturating_add(entry.size());
        if bytes > limits.bytes {
            return Err(too_much(limits.bytes, "bytes"));
        }
        ration.set(entry.size());
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        // What is there already came from this archive: the folder was made for it.
        let mut out = File::create_new(&target).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => FetchError::Entry {
                path: archive.to_owned(),
                entry: String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
                problem: "is there twice".to_owned(),
            },
            _ => failed(source),
        })?;
        let copied = copy(&mut entry, &mut out, damaged, failed)?;
        if copied < entry.size() {
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            return Err(damaged(io::Error::other(format!("it ends within {name}"))));
        }
        if read.get() - progress >= PROGRESS_BYTES {
            progress = read.get();
            let (stage, of) = (Stage::Unpacking, Some(length));
            watch.tell(Event::Progress { stage, done: progress, of })?;
        }
    }
    // The gzip stream's own check sum comes last.
    ration.set(PADDING_BYTES);
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(damaged)?;

    let unpacked = drafts.join(set);
    if !unpacked.join(DIGIT_STRUCT).is_file() {
        let missing = format!("{set}/{DIGIT_STRUCT}");
        return Err(FetchError::Incomplete { path: archive.to_owned(), missing });
    }
    let place = folder.join(set);
    fs::rename(unpacked, &place).map_err(|reason| FetchError::Write { path: place, reason })?;
    watch.tell(Event::Progress { stage: Stage::Unpacking, done: length, of: Some(length) })
}

/// Where an entry goes below the folder, or what is wrong with it.
fn path_inside<R: Read>(entry: &tar::Entry<'_, R>, set: &str) -> Result<PathBuf, String> {
    match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::Directory => {}
        EntryType::Symlink | EntryType::Link => return Err("is a link".to_owned()),
        _ => return Err("is neither a file nor a folder".to_owned()),
    }
    let name = entry.path_bytes();
    let name = str::from_utf8(&name).map_err(|_| "has a name that is not UTF-8".to_owned())?;
    // Not harmful everywhere, but on some systems: other separators, drives, streams, and what
    // ends a name early.
    if name.contains(|c: char| c == '\\' || c == ':' || c.is_control()) {
        return Err("has a name that is not a plain path".to_owned());
    }
    let mut inside = PathBuf::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => inside.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Err("leads out of the folder with ..".to_owned()),
            Component::RootDir | Component::Prefix(_) => {
                return Err("has an absolute path".to_owned());
            }
        }
    }
    // A lone "./" is the folder that holds the set.
    if inside.as_os_str().is_empty() || inside.starts_with(set) {
        Ok(inside)
    } else {
        Err(format!("does not lie in the folder {set}"))
    }
}

/// Copies a file, with different errors for faults of the archive and of the disk. Returns the
/// number of bytes.
fn copy(
    from: &mut impl Read,
    to: &mut File,
    damaged: impl Fn(io::Error) -> FetchError,
    failed: impl Fn(io::Error) -> FetchError,
) -> Result<u64, FetchError> {
    let mut buffer = [0; 1 << 15];
    let mut copied = 0;
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(damaged(error)),
        };
        to.write_all(&buffer[..length]).map_err(&failed)?;
        copied += length as u64;
    }
}
