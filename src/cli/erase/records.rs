//! Which photos are already done: one record for each photo, in a hidden folder of the output
//! folder.
//!
//! Each record is a file of its own. So any number of processes on any number of machines can write
//! records side by side, and none needs to know those of the others.
//!
//! An output folder may be shared, together with its records. So they contain no reading, no box
//! and no path, only hashes to compare with.

use std::{
    ffi::OsString,
    fs,
    io::{
        self,
        ErrorKind::{PermissionDenied, ReadOnlyFilesystem},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{inputs::Shard, state::State};
use crate::{
    boxes::PhotoBoxes,
    fault::{AtFault, Fault},
    files::{Lock, Sharing, write_whole_through},
    photo::Metadata,
    publication::sha256_hex,
    removal::{FILLS, Method},
};

/// The records' folder. It also marks the files beside it as ours, so that they may be replaced.
pub const RECORDS: &str = ".doorplate";

/// The folder that marks a folder of masks as ours. It is not that of records, so that no masks are
/// written among results.
const MASKS: &str = ".doorplate-masks";

/// What a record's name adds to that of its photo.
pub const SUFFIX: &str = ".json";

/// The longest name of a file, in bytes, on usual file systems.
const LONGEST_NAME: usize = 255;

/// How long to wait for a lock that a killed process may have passed on to one that it was just
/// starting.
const A_MOMENT: Duration = Duration::from_millis(200);

/// What was done with a photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The SHA-256 of the photo's path, from the file system's root.
    pub photo: String,
    /// The SHA-256 of the photo's file, by which a moved photo is recognised.
    pub content: String,
    /// The hash of all that the result depends on, as [`made_of`] gives it.
    pub made_of: String,
    /// The result's length.
    pub bytes: u64,
    /// The SHA-256 of the result's file.
    pub sha256: String,
    /// In how many boxes something of a digit may still be visible.
    pub left: u64,
    /// Whether the result was checked, so that nothing of a digit is visible if `left` is 0.
    #[serde(default)]
    pub checked: bool,
    /// The hash of the entry with its boxes in a list, as [`entry_of`] gives it.
    #[serde(default)]
    pub entry: Option<String>,
    /// The SHA-256 of the mask's file, if a mask was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
}

impl Record {
    /// Whether the file at `result` is still the one that this record describes.
    pub fn is_of(&self, result: &Path) -> bool {
        // The length first: most changed files then need not be read.
        let same_length = fs::symlink_metadata(result)
            .is_ok_and(|found| found.is_file() && found.len() == self.bytes);
        same_length && sha256_of(result).is_ok_and(|sha256| sha256 == self.sha256)
    }

    /// Whether the file at `mask` is still the mask that was written with the result.
    pub fn has_mask(&self, mask: &Path) -> bool {
        let is_file = fs::symlink_metadata(mask).is_ok_and(|found| found.is_file());
        is_file && sha256_of(mask).is_ok_and(|sha256| self.mask.as_ref() == Some(&sha256))
    }
}

/// The SHA-256 of a file, which is read piece by piece.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut fs::File::open(path)?, &mut hash)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The hash of an entry in a list of boxes.
pub fn entry_of(list: &Path, entry: &str) -> String {
    let list = list.canonicalize().unwrap_or_else(|_| list.to_owned());
    sha256_hex(json!([hash_of(&list), entry]).to_string().as_bytes())
}

/// Nanoseconds since 1970, negative for a time before, as text.
pub fn time_of(time: SystemTime) -> String {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos().to_string(),
        Err(before) => format!("-{}", before.duration().as_nanos()),
    }
}

/// The name of a photo's record, in the same folders.
pub fn record_name(photo: &Path) -> PathBuf {
    let file_name = photo.file_name().unwrap_or_default();
    if file_name.len() + SUFFIX.len() <= LONGEST_NAME {
        let mut name = OsString::from(photo);
        name.push(SUFFIX);
        return name.into();
    }
    // A name that leaves no room for more.
    let hash = sha256_hex(file_name.as_encoded_bytes());
    photo.with_file_name(format!(".{hash}{SUFFIX}"))
}

/// The hash by which a record recognises a photo's path.
pub fn hash_of(path: &Path) -> String {
    sha256_hex(path.as_os_str().as_encoded_bytes())
}

/// The options that a result depends on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Percent of its height by which each box is grown.
    pub growth: u32,
    /// Whether boxes were drawn on photos as they are stored.
    pub as_stored: bool,
    /// Whether masks of what was changed are written, too.
    pub masks: bool,
    /// Which metadata are kept.
    pub metadata: Metadata,
    /// Whether results are checked, and more is filled if something is left.
    pub checked: bool,
    /// How digits are removed.
    pub method: Method,
    /// The SHA-256 of the networks' weights.
    pub model: String,
    /// What finds digits, as [`Finding::made_of`] tells it.
    ///
    /// [`Finding::made_of`]: crate::cli::finding::Finding::made_of
    pub finder: String,
}

/// The hash of everything that a result depends on: the photo's length and time, the boxes as
/// given, what finds others if any does, the options, the model, the way fills are made, and this
/// program's version.
///
/// The photo's content is not read for this: like `make` and `rsync`, it takes a file with the same
/// length and time, to the nanosecond, for the same photo.
pub fn made_of(
    photo: &fs::Metadata,
    boxes: &PhotoBoxes,
    finds: bool,
    settings: &Settings,
) -> String {
    let modified = photo.modified().ok().map(time_of);
    let boxes_given: Vec<_> =
        boxes.boxes.iter().map(|given| json!([given.area, given.label, given.keep])).collect();
    let all = json!({
        "photo": [photo.len(), modified],
        "boxes": [boxes_given, format!("{:?}", boxes.unit), boxes.drawn_on],
        "strokes": boxes.strokes,
        "masks": settings.masks,
        "found": finds.then_some(&settings.finder),
        "grow": settings.growth,
        "as_stored": settings.as_stored,
        "metadata": settings.metadata.name(),
        "checked": settings.checked,
        "method": format!("{:?}", settings.method),
        "model": settings.model,
        "fills": FILLS,
        "version": env!("CARGO_PKG_VERSION"),
    });
    sha256_hex(all.to_string().as_bytes())
}

/// The records of an output folder.
#[derive(Debug)]
pub struct Records {
    folder: PathBuf,
    /// None for a run that only looks. Closed before the locks are given back.
    state: Option<State>,
    _locks: Vec<Lock>,
}

/// Why a folder cannot be used for results.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    #[error("{}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(
        "{}: this folder holds other files, not {what} of an earlier run; give a new or an empty \
         folder",
        path.display()
    )]
    NotOurs { path: PathBuf, what: &'static str },
    #[error("{}: no results of an earlier run are here", path.display())]
    NoRecords { path: PathBuf },
}

impl AtFault for ClaimError {
    fn fault(&self) -> Fault {
        match self {
            ClaimError::File { .. } => Fault::Other,
            ClaimError::NotOurs { .. } | ClaimError::NoRecords { .. } => Fault::Arguments,
        }
    }
}

/// Makes sure that the files in a folder of masks may be replaced. It is created if it is missing.
pub fn claim_masks(folder: &Path) -> Result<(), ClaimError> {
    mark(folder, MASKS, "masks").map(drop)
}

/// Creates the folder called `name` in a folder that is new, empty, or has it already.
fn mark(folder: &Path, name: &str, what: &'static str) -> Result<PathBuf, ClaimError> {
    let error = |source| ClaimError::File { path: folder.to_owned(), source };
    let marked = folder.join(name);
    if !marked.is_dir() {
        fs::create_dir_all(folder).map_err(error)?;
        for entry in fs::read_dir(folder).map_err(error)? {
            let name = entry.map_err(error)?.file_name();
            // Another process may be marking it right now, and desktops leave hidden files.
            if !name.to_string_lossy().starts_with('.') && !marked.is_dir() {
                return Err(ClaimError::NotOurs { path: folder.to_owned(), what });
            }
        }
        fs::create_dir_all(&marked).map_err(error)?;
    }
    Ok(marked)
}

impl Records {
    /// Opens the records of an output folder, which is created if it is missing, for a whole run or
    /// one shard of it. Until they are dropped, no other process can open them for the same part.
    pub fn claim(output: &Path, shard: Option<Shard>) -> Result<Self, ClaimError> {
        let error = |source| ClaimError::File { path: output.to_owned(), source };
        let folder = mark(output, RECORDS, "results")?;
        // Shards work side by side, each once; a run without shards works alone.
        let lock =
            |name: String, sharing| Lock::take(folder.join(name), sharing, A_MOMENT).map_err(error);
        let locks = match shard {
            None => vec![lock(".lock".to_owned(), Sharing::Nobody)?],
            Some(shard) => vec![
                lock(".lock".to_owned(), Sharing::Sharers)?,
                lock(format!(".lock-{}", shard.name()), Sharing::Nobody)?,
            ],
        };
        if shard.is_none() {
            remove_old_locks(&folder).map_err(error)?;
        }
        let state = State::open(folder.join(RECORDS), shard).map_err(error)?;
        Ok(Records { folder, state: Some(state), _locks: locks })
    }

    /// Opens the records for one photo, on behalf of the run that has started this process and
    /// holds the locks.
    pub fn apart(output: &Path, shard: Option<Shard>) -> Result<Self, ClaimError> {
        let error = |source| ClaimError::File { path: output.to_owned(), source };
        let folder = output.join(RECORDS);
        let (state, lock) = State::of_run(folder.join(RECORDS), shard).map_err(error)?;
        Ok(Records { folder, state: Some(state), _locks: vec![lock] })
    }

    /// Opens the records of an output folder to look at them, while no run works there.
    pub fn look(output: &Path) -> Result<Self, ClaimError> {
        let folder = output.join(RECORDS);
        if !folder.is_dir() {
            return Err(ClaimError::NoRecords { path: output.to_owned() });
        }
        let locks = match Lock::take(folder.join(".lock"), Sharing::Sharers, Duration::ZERO) {
            Ok(lock) => vec![lock],
            // Whoever can only read has no lock, and looks all the same.
            Err(error) if matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem) => vec![],
            Err(source) => return Err(ClaimError::File { path: output.to_owned(), source }),
        };
        Ok(Records { folder, state: None, _locks: locks })
    }

    /// What this run and earlier ones keep while they work; none for a run that only looks.
    pub fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// The path of a photo's record.
    pub fn path(&self, name: &Path) -> PathBuf {
        self.folder.join(record_name(name))
    }

    /// Writes a file whole, through a temporary one that the next run removes if this is killed.
    pub fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        match &self.state {
            Some(state) => write_whole_through(state.drafts(), path, content),
            None => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// A photo's record, or `None` if there is none that can be read; then it is written again.
    /// This also replaces records of earlier versions, which contained readings.
    pub fn get(&self, name: &Path) -> Option<Record> {
        serde_json::from_slice(&fs::read(self.path(name)).ok()?).ok()
    }

    /// Removes a photo's record before its result is replaced: a run that ends between the two must
    /// not leave a record that belongs to another result.
    pub fn remove(&self, name: &Path) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes a photo's record, once its result is in its place.
    pub fn put(&self, name: &Path, record: &Record) -> io::Result<()> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        self.write(&path, &serde_json::to_vec(record)?)
    }
}

/// Removes the locks of shards that were killed. The lock of the whole folder is held.
fn remove_old_locks(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_lock =
            name.to_str().is_some_and(|name| name.starts_with(".lock-") && !name.ends_with(SUFFIX));
        if is_lock && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        boxes::{GivenBox, Unit},
        fault::with_causes,
        photo::LooseBox,
        removal::{Brush, BrushStroke, KeyPixels, ReportOptions, Sigma},
    };

    #[test]
    fn a_folder_is_claimed_once_or_once_for_each_shard() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let claim = |shard: Option<&str>| {
            Records::claim(folder.path(), shard.map(|shard| shard.parse().expect("a shard")))
        };
        let shards = [claim(Some("0/2")), claim(Some("1/2"))];
        assert!(shards.iter().all(Result::is_ok), "{shards:?}");
        for taken in [None, Some("0/2"), Some("1/2")] {
            let refused = with_causes(&claim(taken).expect_err("held"));
            assert!(refused.contains("another doorplate"), "{refused}");
        }
        drop(shards);
        let whole = claim(None).expect("free");
        claim(Some("0/2")).expect_err("all is one run's");
        drop(whole);
        claim(Some("0/2")).expect("free again");
    }

    #[test]
    fn whatever_a_result_depends_on_changes_the_hash() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let photo = folder.path().join("photo");
        fs::write(&photo, "one").expect("written");
        let metadata = || fs::metadata(&photo).expect("there");
        let area = LooseBox { left: 1.0, top: 2.0, width: 3.0, height: 4.0 };
        let boxes = PhotoBoxes::new(vec![GivenBox::new(area, None)], Unit::Pixels);
        let settings = Settings {
            growth: 10,
            as_stored: false,
            masks: false,
            metadata: Metadata::None,
            checked: true,
            method: Method::default(),
            model: "a".to_owned(),
            finder: "c".to_owned(),
        };
        let first = made_of(&metadata(), &boxes, false, &settings);
        assert_eq!(first, made_of(&metadata(), &boxes.clone(), false, &settings.clone()));

        let mut moved = boxes.clone();
        moved.boxes[0].area.left += 1e-9;
        let mut kept = boxes.clone();
        kept.boxes[0].keep = true;
        let stroke = BrushStroke { brush: Brush::Takes, radius: 4, points: vec![(3, 4)] };
        let brushed = PhotoBoxes { strokes: vec![Arc::new(stroke)], ..boxes.clone() };
        let fractions = PhotoBoxes { unit: Unit::Fractions, ..boxes.clone() };
        let mut changed = vec![
            made_of(&metadata(), &moved, false, &settings),
            made_of(&metadata(), &fractions, false, &settings),
            made_of(&metadata(), &kept, false, &settings),
            made_of(&metadata(), &brushed, false, &settings),
            made_of(&metadata(), &boxes, false, &Settings { masks: true, ..settings.clone() }),
            made_of(&metadata(), &boxes, false, &Settings { growth: 0, ..settings.clone() }),
            made_of(&metadata(), &boxes, false, &Settings { as_stored: true, ..settings.clone() }),
            made_of(
                &metadata(),
                &boxes,
                false,
                &Settings { metadata: Metadata::NoPlace, ..settings.clone() },
            ),
            made_of(&metadata(), &boxes, false, &Settings { checked: false, ..settings.clone() }),
            made_of(
                &metadata(),
                &boxes,
                false,
                &Settings { model: "b".to_owned(), ..settings.clone() },
            ),
            made_of(&metadata(), &boxes, true, &settings),
            made_of(
                &metadata(),
                &boxes,
                true,
                &Settings { finder: "d".to_owned(), ..settings.clone() },
            ),
        ];
        let reported = ReportOptions::by(KeyPixels::Grid);
        for options in [reported, ReportOptions { sigma: Sigma::Adaptive, ..reported }] {
            let settings = Settings { method: Method::Report(options), ..settings.clone() };
            changed.push(made_of(&metadata(), &boxes, false, &settings));
        }
        fs::write(&photo, "three").expect("written");
        changed.push(made_of(&metadata(), &boxes, false, &settings));
        // Also times before 1970, which scanners without a clock give.
        for seconds in [1, 2] {
            let file = fs::File::options().append(true).open(&photo).expect("opened");
            file.set_modified(UNIX_EPOCH - Duration::from_secs(seconds)).expect("set");
            changed.push(made_of(&metadata(), &boxes, false, &settings));
        }
        changed.push(first);
        changed.sort();
        changed.dedup();
        assert_eq!(changed.len(), 18);
    }

    #[test]
    fn a_folder_with_other_files_is_no_output_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let output = folder.path().join("a/b");
        Records::claim(&output, None).expect("made");
        fs::write(output.join("1.png"), "").expect("written");
        let records = Records::claim(&output, None).expect("known again");
        let name = Path::new("c/1.png");
        assert!(records.get(name).is_none());
        let record = Record {
            photo: hash_of(Path::new("/c/1.png")),
            content: "y".to_owned(),
            made_of: "x".to_owned(),
            bytes: 3,
            sha256: sha256_hex(b"abc"),
            left: 1,
            checked: true,
            entry: None,
            mask: Some(sha256_hex(b"mask")),
        };
        records.put(name, &record).expect("written");
        assert_eq!(records.get(name).as_ref(), Some(&record));
        fs::write(records.path(name), "{").expect("damaged");
        assert!(records.get(name).is_none());
        // A record of an earlier version.
        let mut older = serde_json::to_value(&record).expect("plain data");
        older["line"] = json!({ "readings": [] });
        fs::write(records.path(name), older.to_string()).expect("written");
        assert!(records.get(name).is_none());
        records.remove(name).expect("removed");
        assert!(!records.path(name).exists());
        records.remove(name).expect("it is gone already");

        for length in [249, 250, 251, 255] {
            let name = PathBuf::from("c").join("n".repeat(length));
            records.put(&name, &record).expect("written");
            assert_eq!(records.get(&name).as_ref(), Some(&record), "{length} bytes");
        }

        let result = output.join("1.png");
        for (content, same) in [("abc", true), ("abd", false), ("abcd", false)] {
            fs::write(&result, content).expect("written");
            assert_eq!(record.is_of(&result), same, "{content}");
        }
        for (content, same) in [("mask", true), ("mast", false)] {
            fs::write(&result, content).expect("written");
            assert_eq!(record.has_mask(&result), same, "{content}");
        }
        assert!(!Record { mask: None, ..record }.has_mask(&result), "no mask was written with it");
        let other = Records::claim(&folder.path().join("a/b/c"), None);
        other.expect("an empty one");
        fs::write(folder.path().join("own.png"), "").expect("written");
        let error = Records::claim(folder.path(), None).expect_err("somebody's photos");
        assert!(error.to_string().contains("holds other files"), "{error}");
    }
}
