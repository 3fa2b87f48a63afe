//! Writes files completely or not at all, by one process at a time, and makes file names safe to
//! print.

use std::{
    fs,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

/// A message with its control characters escaped, as `\u{1b}`: a file's name may hold any, and a
/// terminal would obey them.
#[cfg(feature = "native")]
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            printable.extend(c.escape_unicode());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// A complete file under a temporary name, which is removed unless it is renamed to its final name.
pub(crate) struct Draft {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Draft {
    /// Gives the file its name, over any earlier file of that name.
    ///
    /// # Errors
    /// The system's error if renaming fails; the temporary file is then removed.
    pub(crate) fn put(self) -> io::Result<()> {
        self.file.persist(self.path).map(drop).map_err(|error| error.error)
    }
}

/// Writes a file under a temporary name in its folder, then renames it. So a reader of `path` sees
/// the old content or the new, never a part.
///
/// # Errors
/// The system's error if the folder is missing, the disk is full, or renaming fails; the temporary
/// file is then removed.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    draft(path, content)?.put()
}

/// Writes a file under a temporary name in the folder of `path`, where it is to go.
///
/// # Errors
/// The system's error if the folder is missing or the disk is full; the temporary file is then
/// removed.
pub(crate) fn draft(path: &Path, content: &[u8]) -> io::Result<Draft> {
    draft_with(path, |out| out.write_all(content))
}

/// The same with a file's content as `write` writes it, piece by piece.
///
/// # Errors
/// As [`draft`], and what `write` gives.
pub(crate) fn draft_with(
    path: &Path,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<Draft> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let permissions = permissions_of(path);
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file is made, with the umask taken off. What replaces another file is its
        // owner's alone until it has that file's permissions, as these may be the stricter ones.
        let mode = if permissions.is_some() { 0o600 } else { 0o666 };
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    let mut out = BufWriter::new(builder.prefix(".doorplate-").tempfile_in(folder)?);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Some(permissions) = permissions {
        // File systems without permissions refuse this; there the file is not more accessible for
        // it.
        let _ = file.as_file().set_permissions(permissions);
    }
    file.as_file().sync_all()?;
    Ok(Draft { file, path: path.to_owned() })
}

/// The permissions of a file that is about to be replaced, on systems with permissions for each
/// file.
fn permissions_of(path: &Path) -> Option<fs::Permissions> {
    // Not through a link: that is replaced itself.
    let replaced = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Nobody's rights to run the old file as its owner pass on to new content.
        Some(fs::Permissions::from_mode(replaced.permissions().mode() & 0o777))
    }
    #[cfg(not(unix))]
    {
        let _ = replaced;
        None
    }
}

/// A lock that keeps other processes of this program from changing the same files, until it is
/// dropped, or the process ends for any reason.
///
/// It is a lock of the operating system on a file, which exists only while the lock is held. File
/// systems without such locks grant it to everybody.
#[cfg(feature = "native")]
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    /// None where the file system has no locks.
    file: Option<fs::File>,
}

/// Who else may hold the same lock.
#[cfg(feature = "native")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    Nobody,
    /// All that share it.
    Sharers,
}

#[cfg(feature = "native")]
impl Lock {
    /// Locks the file at `path`, which is made; tries for as long as `patience`.
    ///
    /// # Errors
    /// An error that another process holds the lock, with its number if it is known; or the
    /// system's error if the file cannot be created.
    pub(crate) fn take(
        path: PathBuf,
        sharing: Sharing,
        patience: std::time::Duration,
    ) -> io::Result<Self> {
        let until = std::time::Instant::now() + patience;
        loop {
            let mut options = fs::File::options();
            let mut file = options.read(true).append(true).create(true).open(&path)?;
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
                        io::Write::write_all(&mut file, std::process::id().to_string().as_bytes())?;
                    }
                    return Ok(Lock { path, file: Some(file) });
                }
                Err(fs::TryLockError::Error(error))
                    if error.kind() == io::ErrorKind::Unsupported =>
                {
                    return Ok(Lock { path, file: None });
                }
                Err(fs::TryLockError::Error(error)) => return Err(error),
                Err(fs::TryLockError::WouldBlock) if std::time::Instant::now() < until => {
                    std::thread::sleep(std::time::Duration::from_millis(20));
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
}

#[cfg(feature = "native")]
impl Drop for Lock {
    fn drop(&mut self) {
        // A shared one stays until the last of its holders, which can lock it alone.
        if let Some(_locked) = self.file.take_if(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether a file is still the one at `path`.
#[cfg(feature = "native")]
fn is_at(file: &fs::File, path: &Path) -> bool {
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

#[cfg(all(test, feature = "native"))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lock_is_held_by_one_or_by_all_that_share_it_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lock");
        let take = |sharing| Lock::take(path.clone(), sharing, Duration::ZERO);
        let alone = take(Sharing::Nobody).expect("free");
        for sharing in [Sharing::Nobody, Sharing::Sharers] {
            let refused = take(sharing).expect_err("held").to_string();
            assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
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
        std::thread::scope(|scope| {
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

    #[test]
    fn nothing_that_a_terminal_obeys_is_left_in_a_message() {
        assert_eq!(printable("a/\u{1b}[2J\n\u{7f}\u{9b}b"), "a/\\u{1b}[2J\\u{a}\\u{7f}\\u{9b}b");
        assert_eq!(printable("Straße 7/é.png"), "Straße 7/é.png");
    }
}
