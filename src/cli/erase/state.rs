//! What a run keeps on disk while it works, so that the next one knows how it ended.
//!
//! It is in a folder inside the records' folder, where no photo's record can be:
//!
//! - `drafts-…`: temporary files of results and records, for each process that may work at the same
//!   time. What a killed process left is removed by the next.
//! - `work`: a file for each photo in work. If a run is killed, they stay. One of these photos may
//!   be to blame, or none: the user may have lost patience, or the power failed. So the next run
//!   does the others first, and then each of these in a process of its own, by [`super::apart`]. If
//!   that process is killed and the run is not, the photo is to blame, and is skipped from then on;
//!   and also if both are killed at the same moment, as containers are when they run out of memory.
//! - `entries`: which photo has used an entry of the list of boxes, if the entry has no folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde_json::json;

use super::{inputs::Shard, records::time_of};
use crate::{
    files::{Lock, Sharing, remove_drafts},
    publication::sha256_hex,
};

/// The content of the file of a photo in work among others.
const SUSPECT: &str = "suspect";

/// The same for a photo in work in a process of its own, or to blame.
const GUILTY: &str = "guilty";

/// The lock of the process of one photo, among the temporary files. Only the run makes its file.
const APART: &str = ".doorplate-apart";

/// How long to wait for the process of one photo to end.
const A_WHILE: Duration = Duration::from_secs(10);

/// The folders that hold a run's state.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    drafts: PathBuf,
    /// Whether other processes may use the same folder now.
    shared: bool,
    /// Whether this is the process of one photo, whose state is that of the run that started it.
    apart: bool,
    /// The files of photos in work.
    in_work: Mutex<Vec<PathBuf>>,
}

/// What earlier runs say about a photo that is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// Nothing.
    None,
    /// A run was killed while it was in work.
    Suspect,
    /// Its own process was killed.
    Guilty,
}

/// A photo in work, until it is dropped.
#[derive(Debug)]
pub struct InWork<'a> {
    state: &'a State,
    file: PathBuf,
}

/// Leave to take the lock of the process of one photo.
#[derive(Debug)]
pub struct Allowed(PathBuf);

/// The folder for the temporary files of a whole run, or of one shard.
fn drafts_in(folder: &Path, shard: Option<Shard>) -> PathBuf {
    let part = shard.map_or_else(|| "all".to_owned(), Shard::name);
    folder.join(format!("drafts-{part}"))
}

/// Waits until the process of a killed run that does one photo has ended, which it does once it sees
/// that its run is gone; then no such process can begin any more.
fn outlive(drafts: &Path) -> io::Result<()> {
    match Lock::take_existing(drafts.join(APART), Sharing::Nobody, A_WHILE) {
        // Its file is removed with it.
        Ok(lock) => drop(lock),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

impl State {
    /// Opens the state of a run, or of one shard of it, whose lock is held; and removes what a
    /// killed run left.
    pub fn open(folder: PathBuf, shard: Option<Shard>) -> io::Result<Self> {
        let drafts = drafts_in(&folder, shard);
        fs::create_dir_all(&drafts)?;
        match shard {
            // Others may be at work.
            Some(_) => {
                // No whole run can be at work beside a shard.
                outlive(&drafts_in(&folder, None))?;
                outlive(&drafts)?;
                remove_drafts(&drafts)?;
            }
            None => {
                for entry in fs::read_dir(&folder)? {
                    let entry = entry?;
                    let name = entry.file_name();
                    if name.to_str().is_some_and(|name| name.starts_with("drafts-")) {
                        outlive(&entry.path())?;
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
        let shared = shard.is_some();
        Ok(State { folder, drafts, shared, apart: false, in_work: Mutex::default() })
    }

    /// The state of the run that has started this process for one photo, with the lock of such a
    /// process; an error if that run is gone.
    pub fn of_run(folder: PathBuf, shard: Option<Shard>) -> io::Result<(Self, Lock)> {
        let drafts = drafts_in(&folder, shard);
        let lock = Lock::take_existing(drafts.join(APART), Sharing::Nobody, A_WHILE)?;
        let state = State { folder, drafts, shared: true, apart: true, in_work: Mutex::default() };
        Ok((state, lock))
    }

    /// Allows the process of one photo to take its lock, as long as the result is held.
    pub fn allow_apart(&self) -> io::Result<Allowed> {
        let path = self.drafts.join(APART);
        fs::write(&path, "")?;
        Ok(Allowed(path))
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

    /// What earlier runs say about a photo.
    pub fn suspicion(&self, name: &Path, photo: &fs::Metadata) -> Suspicion {
        match fs::read(self.file(name, photo)) {
            Ok(content) if content == GUILTY.as_bytes() => Suspicion::Guilty,
            // A run may have been killed before it had written all of it.
            Ok(_) => Suspicion::Suspect,
            Err(_) => Suspicion::None,
        }
    }

    /// Notes that a photo is in work.
    pub fn begin(&self, name: &Path, photo: &fs::Metadata) -> io::Result<InWork<'_>> {
        let file = self.file(name, photo);
        let mut in_work = self.in_work();
        in_work.push(file.clone());
        fs::write(&file, if self.apart { GUILTY } else { SUSPECT })?;
        drop(in_work);
        Ok(InWork { state: self, file })
    }

    /// Forgets what earlier runs say about a photo, because it is done.
    pub fn acquit(&self, name: &Path, photo: &fs::Metadata) {
        let _ = fs::remove_file(self.file(name, photo));
    }

    /// Notes that a photo's own process was killed.
    pub fn condemn(&self, name: &Path, photo: &fs::Metadata) -> io::Result<()> {
        fs::write(self.file(name, photo), GUILTY)
    }

    /// Ends the process for a reason that is not the fault of a photo in work.
    pub fn forgive_and_exit(&self, code: i32) -> ! {
        // Held to the end, so that no other photo is begun.
        let in_work = self.in_work();
        for file in in_work.iter() {
            // One that an earlier run has left is still the one that may be to blame for that.
            let _ = if self.apart { fs::write(file, SUSPECT) } else { fs::remove_file(file) };
        }
        process::exit(code)
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
        if self.apart {
            return;
        }
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

impl Drop for Allowed {
    fn drop(&mut self) {
        // Usually that process has removed it.
        let _ = fs::remove_file(&self.0);
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
    fn a_photo_is_guilty_if_its_own_process_was_killed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("1.png");
        fs::write(&path, "one").expect("written");
        let photo = || fs::metadata(&path).expect("there");
        let name = Path::new("1.png");
        let in_state = || folder.path().join("state");
        let open = || State::open(in_state(), None).expect("opened");
        let suspicion = || open().suspicion(name, &photo());
        // A process that is killed drops nothing.
        let killed = |state: State| {
            forget(state.begin(name, &photo()).expect("begun"));
            forget(state);
        };
        let apart = |run: &State| {
            let allowed = run.allow_apart().expect("allowed");
            let (state, lock) = State::of_run(in_state(), None).expect("of the run");
            (state, lock, allowed)
        };

        assert_eq!(suspicion(), Suspicion::None);
        drop(open().begin(name, &photo()).expect("begun"));
        assert!(!in_state().exists(), "nothing is left");

        for _ in 0..3 {
            killed(open());
            assert_eq!(suspicion(), Suspicion::Suspect);
            assert_eq!(open().suspicion(Path::new("2.png"), &photo()), Suspicion::None);
        }
        let run = open();
        drop(apart(&run).0.begin(name, &photo()).expect("begun"));
        State::of_run(in_state(), None).expect_err("its run has not started it");
        drop(run);
        assert_eq!(suspicion(), Suspicion::None, "it was innocent");

        killed(open());
        let run = open();
        let (state, lock, allowed) = apart(&run);
        killed(state);
        drop((lock, allowed, run));
        assert_eq!(suspicion(), Suspicion::Guilty);
        fs::write(&path, "another").expect("written");
        assert_eq!(suspicion(), Suspicion::None, "a photo that was mended");

        killed(open());
        let run = open();
        run.condemn(name, &photo()).expect("noted");
        drop(run);
        assert_eq!(suspicion(), Suspicion::Guilty);
        open().acquit(name, &photo());
        assert_eq!(suspicion(), Suspicion::None, "it is done after all");
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
