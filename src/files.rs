//! Writes files completely or not at all, by one process at a time, reads only what is a file, and
//! makes file names safe to print.

use std::{
    fs,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

mod read;

#[cfg(any(feature = "dataset", feature = "native"))]
pub(crate) use read::open_regular;
pub(crate) use read::read_regular;

cfg_if::cfg_if! {
    if #[cfg(feature = "native")] {
        mod again;

        mod sums;

        pub(crate) use again::write_again;
        pub(crate) use sums::{SUMS, listed, read_listed, sum_of};
    }
}

cfg_if::cfg_if! {
    if #[cfg(any(feature = "fetch", feature = "native"))] {
        mod lock;

        mod meter;

        pub(crate) use lock::{Lock, Sharing};
        pub(crate) use meter::{Counted, Rationed};
    }
}

/// How the names of temporary files begin.
const DRAFT: &str = ".doorplate-";

/// Removes the temporary files that killed processes left in `drafts`. The caller makes sure that no
/// other process writes there now.
///
/// # Errors
/// The system's error if the folder cannot be read, or a file cannot be removed.
#[cfg(feature = "native")]
pub(crate) fn remove_drafts(drafts: &Path) -> io::Result<()> {
    for entry in fs::read_dir(drafts)? {
        let entry = entry?;
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(DRAFT));
        if ours && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

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

/// The same with the temporary file in `drafts`, a folder on the same file system; so that what a
/// killed process leaves is all in one place.
///
/// # Errors
/// As [`write_whole`].
#[cfg(any(feature = "fetch", feature = "native"))]
pub(crate) fn write_whole_through(drafts: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    match draft_in(drafts, path, |out| out.write_all(content))?.put() {
        // A folder of results may be a mount of its own.
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => write_whole(path, content),
        done => done,
    }
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
    draft_in(folder_of(path), path, write)
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The same with the temporary file in this folder.
fn draft_in(
    folder: &Path,
    path: &Path,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<Draft> {
    let permissions = permissions_of(path);
    let file = temporary(folder, DRAFT, permissions.as_ref())?;
    filled(file, path, permissions, write)
}

/// An empty temporary file, whose name begins with `prefix`, to replace one with these permissions.
fn temporary(
    folder: &Path,
    prefix: &str,
    permissions: Option<&fs::Permissions>,
) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file is made, with the umask taken off. What replaces another file is its
        // owner's alone until it has that file's permissions, as these may be the stricter ones.
        let mode = if permissions.is_some() { 0o600 } else { 0o666 };
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    builder.prefix(prefix).tempfile_in(folder)
}

/// The draft of a file, from its temporary file.
fn filled(
    file: tempfile::NamedTempFile,
    path: &Path,
    permissions: Option<fs::Permissions>,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<Draft> {
    let mut out = BufWriter::new(file);
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

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left_in_a_message() {
        assert_eq!(printable("a/\u{1b}[2J\n\u{7f}\u{9b}b"), "a/\\u{1b}[2J\\u{a}\\u{7f}\\u{9b}b");
        assert_eq!(printable("Straße 7/é.png"), "Straße 7/é.png");
    }
}
