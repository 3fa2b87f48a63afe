//! Writes a file that an earlier process may have been killed at writing.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::Path,
};

use super::{DRAFT, filled, folder_of, lock::is_at, permissions_of, temporary};

/// As [`super::write_whole`]; and removes the temporary files of processes that were killed while they
/// wrote the same file. Those of processes that write it now are locked, and stay.
///
/// # Errors
/// As [`super::write_whole`].
pub(crate) fn write_again(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let prefix = prefix_of(path);
    remove_abandoned(folder, &prefix);
    let permissions = permissions_of(path);
    let file = loop {
        let file = temporary(folder, &prefix, permissions.as_ref())?;
        // Another process may have taken it for abandoned before it was locked.
        match file.as_file().try_lock() {
            Ok(()) if is_at(file.as_file(), file.path()) => break file,
            Ok(()) | Err(fs::TryLockError::WouldBlock) => {}
            // On file systems without locks, nothing is taken for abandoned.
            Err(fs::TryLockError::Error(_)) => break file,
        }
    };
    filled(file, path, permissions, |out| out.write_all(content))?.put()
}

/// How the names of the temporary files of this file begin.
fn prefix_of(path: &Path) -> String {
    let mut hash = DefaultHasher::new();
    path.file_name().hash(&mut hash);
    format!("{DRAFT}{:016x}-", hash.finish())
}

/// Removes what nobody writes any more. What cannot be removed is only litter.
fn remove_abandoned(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let of_file = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if !of_file || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        if let Ok(file) = fs::File::options().append(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_was_abandoned_is_removed_and_what_is_being_written_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("1.png");
        let left = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, "half").expect("written");
            path
        };
        let prefix = prefix_of(&path);
        let abandoned = left(&format!("{prefix}a"));
        let busy = left(&format!("{prefix}b"));
        let of_others = left(&format!("{}c", prefix_of(Path::new("2.png"))));
        let writing = fs::File::options().append(true).open(&busy).expect("opened");
        writing.lock().expect("locked");
        write_again(&path, b"whole").expect("written");
        assert!(!abandoned.exists() && busy.exists() && of_others.exists());
        assert_eq!(fs::read(&path).expect("read"), b"whole");
        drop(writing);
        write_again(&path, b"another").expect("written");
        assert!(!busy.exists());
    }

    #[test]
    fn several_at_the_same_time_all_write_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("1.png");
        thread::scope(|scope| {
            for writer in 0..8_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        write_again(path, &[writer; 100]).expect("written");
                    }
                });
            }
        });
        let content = fs::read(&path).expect("read");
        assert!(content.len() == 100 && content.iter().all(|byte| *byte == content[0]));
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1);
    }
}
