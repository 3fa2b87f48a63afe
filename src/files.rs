//! Files written whole or not at all.

use std::{
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

/// A file on disk, whole but under a temporary name; gone unless it is put in its place.
pub(crate) struct Draft {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Draft {
    /// Gives the file its name, over any earlier file of that name.
    ///
    /// # Errors
    /// What the system says when renaming fails; the temporary file is gone then.
    pub(crate) fn put(self) -> io::Result<()> {
        self.file.persist(self.path).map(drop).map_err(|error| error.error)
    }
}

/// Writes a file under a temporary name in its folder, then renames it: whoever reads `path`
/// sees the old content or the new, never a part.
///
/// # Errors
/// What the system says when the folder is missing, the disk is full, or renaming fails; the
/// temporary file is gone then.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    draft(path, content)?.put()
}

/// Writes a file under a temporary name in the folder of `path`, where it is to go.
///
/// # Errors
/// What the system says when the folder is missing or the disk is full; the temporary file is
/// gone then.
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
    let mut builder = tempfile::Builder::new();
    // As a plain new file would be; temporary files are private to their user by default.
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o644))
    };
    let mut out = BufWriter::new(builder.prefix(".doorplate-").tempfile_in(folder)?);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    Ok(Draft { file, path: path.to_owned() })
}
