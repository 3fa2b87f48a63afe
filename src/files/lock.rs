//! What keeps processes out of each other's way.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process, thread,
    time::{Duration, Instant},
};

/// A lock that keeps other processes of this program from changing the same files, until it is
/// dropped, or the process ends for any reason.
///
/// It is a lock of the operating system on a file, which exists only while the lock is held. File
/// systems without such locks grant it to everybody.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    /// None where the file system has no locks.
    file: Option<fs::File>,
}

/// Who else may hold the same lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    Nobody,
    /// All that share it.
    Sharers,
}

impl Lock {
    /// Locks the file at `path`, which is made; tries for as long as `patience`.
    ///
    /// # Errors
    /// An error that another process holds the lock, with its number if it is known; or the
    /// system's error if the file cannot be created.
    pub(crate) fn take(path: PathBuf, sharing: Sharing, patience: Duration) -> io::Result<Self> {
        Self::take_if(path, sharing, patience, true)
    }

    /// The same for a file that must be there.
    ///
    /// # Errors
    /// As [`Self::take`], and that there is no such file.
    #[cfg(feature = "native")]
    pub(crate) fn take_existing(
        path: PathBuf,
        sharing: Sharing,
        patience: Duration,
    ) -> io::Result<Self> {
        Self::take_if(path, sharing, patience, false)
    }

    fn take_if(
        path: PathBuf,
        sharing: Sharing,
        patience: Duration,
        create: bool,
    ) -> io::Result<Self> {
        let until = Instant::now() + patience;
        loop {
            let mut options = fs::File::options();
            let mut file = options.read(true).append(true).create(create).open(&path)?;
            let taken = match sharing {
                Sharing::Nobody => file.try_lock(),
                Sharing::Sharers => file.try_lock_shared(),
            };
            match taken {
                // The file may have been removed by its holder since it was opened.
                Ok(()) if !is_at(&file, &path) => {}
                Ok(()) => {
                    if sharing == Sharing::Nobody {
                        // The content left by a process that was killed is out of date.
                        file.set_len(0)?;
                        io::Write::write_all(&mut file, process::id().to_string().as_bytes())?;
                    }
                    return Ok(Lock { path, file: Some(file) });
                }
                Err(fs::TryLockError::Error(error))
                    if error.kind() == io::ErrorKind::Unsupported =>
                {
                    return Ok(Lock { path, file: None });
                }
                Err(fs::TryLockError::Error(error)) => return Err(error),
                Err(fs::TryLockError::WouldBlock) if Instant::now() < until => {
                    thread::sleep(Duration::from_millis(20));
                }
                Err(fs::TryLockError::WouldBlock) => {
                    let number = fs::read_to_string(&path).unwrap_or_default();
                    let process = match number.trim().parse::<u32>() {
                        Ok(number) => format!("another doorplate (process {number})"),
                        Err(_) => "another doorplate".to_owned(),
                    };
                    let message = format!(
                        "{process} is at work here; wait until it has ended, or use another folder"
                    );
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, message));
                }
            }
        }
    }

    /// Whether the file system has locks, so that it does keep others away.
    #[cfg(feature = "native")]
    pub(crate) fn keeps_away(&self) -> bool {
        self.file.is_some()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A shared one stays until the last of its holders, which can lock it alone.
        if let Some(_locked) = self.file.take_if(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether a file is still the one at `path`.
pub(super) fn is_at(file: &fs::File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let same = file.metadata().and_then(|file| {
            fs::metadata(path).map(|at| (at.dev(), at.ino()) == (file.dev(), file.ino()))
        });
        same.unwrap_or(false)
    }
    #[cfg(not(unix))]
    {
        // There an open file cannot be removed.
        let _ = file;
        path.exists()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_or_by_all_that_share_it_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lock");
        let take = |sharing| Lock::take(path.clone(), sharing, Duration::ZERO);
        let alone = take(Sharing::Nobody).expect("free");
        for sharing in [Sharing::Nobody, Sharing::Sharers] {
            let refused = take(sharing).expect_err("held").to_string();
            assert!(refused.contains(&format!("process {}", process::id())), "{refused}");
        }
        drop(alone);
        assert!(!path.exists());
        let (one, other) = (take(Sharing::Sharers), take(Sharing::Sharers));
        let (one, other) = (one.expect("free"), other.expect("shared"));
        take(Sharing::Nobody).expect_err("shared by others");
        drop(one);
        take(Sharing::Nobody).expect_err("still held by one");
        drop(other);
        drop(take(Sharing::Nobody).expect("free again"));
        assert!(!path.exists());
    }

    #[test]
    fn whoever_is_patient_gets_a_lock_in_the_end() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (counted, path) = (folder.path().join("counted"), folder.path().join("lock"));
        fs::write(&counted, "0").expect("written");
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let lock =
                            Lock::take(path.clone(), Sharing::Nobody, Duration::from_secs(60));
                        let _lock = lock.expect("in the end");
                        let count = fs::read_to_string(&counted).expect("read");
                        let count: u32 = count.parse().expect("a number");
                        fs::write(&counted, (count + 1).to_string()).expect("written");
                    }
                });
            }
        });
        assert_eq!(fs::read_to_string(&counted).expect("read"), "80");
    }
}
