//! What a run keeps on disk while it works, so that the next one knows how it ended.
//!
//! It is in a folder inside the records' folder, where no photo's record can be:
//!
//! - `drafts-…`: temporary files of results and records, for each process that may work at the same
//!   time. What a killed process left is removed by the next.
//! - `work`: a file for each photo in work. If a run is killed, they stay, and the next run does
//!   those photos alone. So a photo that kills the run is known at the second time, and skipped.
//! - `entries`: which photo has used an entry of the list of boxes, if the entry has no folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{inputs::Shard, records::time_of};
use crate::{files::remove_drafts, publication::sha256_hex};

/// How often the run was killed while a photo was in work, before the photo is skipped.
const DEATHS: u32 = 2;

/// The folders that hold a run's state.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    drafts: PathBuf,
    /// Whether other processes may use the same folder now.
    shared: bool,
    /// The files of photos in work.
    in_work: Mutex<Vec<PathBuf>>,
}

/// What is known about a photo that is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// Nothing.
    None,
    /// A run was killed while it was in work; or the photo has been skipped and is tried again.
    Suspect,
    /// It was alone in work when a run was killed, and not for the first time.
    Guilty,
}

/// A file in `work`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Entry {
    /// How many earlier runs were killed while the photo was in work.
    deaths: u32,
    /// Whether no other photo is in work now.
    alone: bool,
}

/// A photo in work, until it is dropped.
#[derive(Debug)]
pub struct InWork<'a> {
    state: &'a State,
    file: PathBuf,
}

impl State {
    /// Opens the state of a run, or of one shard of it, whose lock is held; and removes what a
    /// killed run left.
    pub fn open(folder: PathBuf, shard: Option<Shard>) -> io::Result<Self> {
        let own = shard.map_or_else(|| "all".to_owned(), Shard::name);
        let drafts = folder.join(format!("drafts-{own}"));
        fs::create_dir_all(&drafts)?;
        match shard {
            // Others may be at work.
            Some(_) => remove_drafts(&drafts)?,
            None => {
                for entry in fs::read_dir(&folder)? {
                    let entry = entry?;
                    let name = entry.file_name();
                    if name.to_str().is_some_and(|name| name.starts_with("drafts-")) {
                        remove_drafts(&entry.path())?;
                        if entry.path() != drafts {
                            // If it holds anything else, that is not ours.
                            let _ = fs::remove_dir(entry.path());
                        }
                    }
                }
            }
        }
        for part in ["work", "entries"] {
            fs::create_dir_all(folder.join(part))?;
        }
        Ok(State { folder, drafts, shared: shard.is_some(), in_work: Mutex::default() })
    }

    /// The folder for temporary files.
    pub fn drafts(&self) -> &Path {
        &self.drafts
    }

    /// The file that says that a photo is in work. A photo that has changed is another one, and so
    /// is any photo for another version of this program.
    fn file(&self, name: &Path, photo: &fs::Metadata) -> PathBuf {
        let known = json!([
            sha256_hex(name.as_os_str().as_encoded_bytes()),
            photo.len(),
            time_of(photo.modified().unwrap_or(SystemTime::UNIX_EPOCH)),
            env!("CARGO_PKG_VERSION"),
        ]);
        self.folder.join("work").join(sha256_hex(known.to_string().as_bytes()))
    }

    fn entry(file: &Path) -> Option<Entry> {
        match fs::read(file) {
            // A run may have been killed before it had written it.
            Ok(content) => Some(serde_json::from_slice(&content).unwrap_or_default()),
            Err(_) => None,
        }
    }

    /// What earlier runs say about a photo.
    pub fn suspicion(&self, name: &Path, photo: &fs::Metadata) -> Suspicion {
        match Self::entry(&self.file(name, photo)) {
            None => Suspicion::None,
            Some(Entry { deaths, alone: true }) if deaths + 1 >= DEATHS => Suspicion::Guilty,
            Some(_) => Suspicion::Suspect,
        }
    }

    /// Notes that a photo is in work. `suspicion` tells what is known about it.
    pub fn begin(
        &self,
        name: &Path,
        photo: &fs::Metadata,
        suspicion: Suspicion,
    ) -> io::Result<InWork<'_>> {
        let file = self.file(name, photo);
        let earlier = Self::entry(&file).map_or(0, |entry| entry.deaths + 1);
        let entry = match suspicion {
            Suspicion::None => Entry { deaths: 0, alone: false },
            // It was wanted again.
            Suspicion::Guilty => Entry { deaths: DEATHS - 1, alone: true },
            Suspicion::Suspect => Entry { deaths: earlier, alone: true },
        };
        self.in_work().push(file.clone());
        let in_work = InWork { state: self, file };
        fs::write(&in_work.file, serde_json::to_vec(&entry)?)?;
        Ok(in_work)
    }

    /// Forgets what earlier runs say about a photo, because it is done.
    pub fn acquit(&self, name: &Path, photo: &fs::Metadata) {
        let _ = fs::remove_file(self.file(name, photo));
    }

    /// Forgets what is in work, before the process ends for a reason that is not a photo's fault.
    pub fn forgive(&self) {
        for file in self.in_work().iter() {
            let _ = fs::remove_file(file);
        }
    }

    fn in_work(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        // The list is complete even after a panic elsewhere.
        self.in_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The photo that has used an entry of a list, if there is one.
    pub fn user_of(&self, entry: &str) -> Option<PathBuf> {
        let name = fs::read(self.folder.join("entries").join(entry)).ok()?;
        Some(PathBuf::from(String::from_utf8(name).ok()?))
    }

    /// Notes that a photo uses an entry of a list. Both are what [`Self::user_of`] takes and gives.
    pub fn note_user(&self, entry: &str, name: &Path) -> io::Result<()> {
        fs::write(self.folder.join("entries").join(entry), name.to_string_lossy().as_bytes())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.drafts);
        if self.shared {
            return;
        }
        // What is not empty stays.
        let parts = ["work", "entries"].map(|part| self.folder.join(part));
        for folder in parts.iter().chain([&self.folder]) {
            let _ = fs::remove_dir(folder);
        }
    }
}

impl Drop for InWork<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
        self.state.in_work().retain(|file| *file != self.file);
    }
}

#[cfg(test)]
mod tests {
    use std::mem::forget;

    use super::*;

    #[test]
    fn a_photo_is_guilty_after_it_was_alone_at_a_second_death() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let open = || State::open(folder.path().join("state"), None).expect("opened");
        let path = folder.path().join("1.png");
        fs::write(&path, "one").expect("written");
        let photo = || fs::metadata(&path).expect("there");
        let name = Path::new("1.png");
        // A process that is killed drops nothing.
        let killed = |suspicion| {
            let state = open();
            forget(state.begin(name, &photo(), suspicion).expect("begun"));
        };

        assert_eq!(open().suspicion(name, &photo()), Suspicion::None);
        drop(open().begin(name, &photo(), Suspicion::None).expect("begun"));
        assert!(!folder.path().join("state").exists(), "nothing is left");

        killed(Suspicion::None);
        assert_eq!(open().suspicion(name, &photo()), Suspicion::Suspect);
        assert_eq!(open().suspicion(Path::new("2.png"), &photo()), Suspicion::None);
        drop(open().begin(name, &photo(), Suspicion::Suspect).expect("begun"));
        assert_eq!(open().suspicion(name, &photo()), Suspicion::None, "it was innocent");

        killed(Suspicion::None);
        killed(Suspicion::Suspect);
        assert_eq!(open().suspicion(name, &photo()), Suspicion::Guilty);
        killed(Suspicion::Guilty);
        assert_eq!(open().suspicion(name, &photo()), Suspicion::Guilty);
        fs::write(&path, "another").expect("written");
        assert_eq!(open().suspicion(name, &photo()), Suspicion::None, "a photo that was mended");

        killed(Suspicion::None);
        open().acquit(name, &photo());
        assert_eq!(open().suspicion(name, &photo()), Suspicion::None, "it is done after all");

        let state = open();
        forget(state.begin(name, &photo(), Suspicion::None).expect("begun"));
        state.forgive();
        assert_eq!(state.suspicion(name, &photo()), Suspicion::None, "nobody is to blame");
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = folder.path().join("state");
        let shard = |text: &str| Some(text.parse().expect("a shard"));
        let leave = |shard| {
            let drafts = State::open(state.clone(), shard).expect("opened").drafts.clone();
            fs::create_dir_all(&drafts).expect("made");
            fs::write(drafts.join(".doorplate-1"), "half").expect("written");
            drafts
        };
        let [one, other] = [leave(shard("0/2")), leave(shard("1/2"))];
        fs::write(one.join("somebody's"), "own").expect("written");
        drop(State::open(state.clone(), shard("0/2")).expect("opened"));
        assert!(!one.join(".doorplate-1").exists() && other.join(".doorplate-1").exists());
        drop(State::open(state.clone(), None).expect("opened"));
        assert!(!other.exists() && one.join("somebody's").exists());
    }
}
