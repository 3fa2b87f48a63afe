//! Reads files that others made, which may be anything.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

/// Opens a regular file. A pipe or a device is refused before it is opened: a pipe without a writer
/// would never open, and a device might never end.
///
/// # Errors
/// The system's error, or that this is not a regular file.
pub(crate) fn open_regular(path: &Path) -> io::Result<(fs::File, fs::Metadata)> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        let what = format!("this is {}, not a regular file", kind_of(metadata.file_type()));
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    Ok((fs::File::open(path)?, metadata))
}

/// The content of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open_regular`], or that the file is larger.
pub(crate) fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = open_regular(path)?;
    let too_large = || {
        let message = format!("the file is larger than {} MB, which is the limit", limit >> 20);
        io::Error::new(io::ErrorKind::FileTooLarge, message)
    };
    if metadata.len() > limit {
        return Err(too_large());
    }
    let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    // It may be growing.
    file.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(content)
}

fn kind_of(kind: fs::FileType) -> &'static str {
    if kind.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    "something else"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_regular_file_of_a_usual_size_is_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        fs::write(&path, "four").expect("written");
        assert_eq!(read_regular(&path, 4).expect("read"), b"four");
        assert!(read_regular(&path, 3).expect_err("too long").to_string().contains("limit"));
        let error = read_regular(folder.path(), 9).expect_err("a folder").to_string();
        assert!(error.contains("a folder, not a regular file"), "{error}");
        #[cfg(unix)]
        {
            let error = read_regular(Path::new("/dev/zero"), 9).expect_err("endless").to_string();
            assert!(error.contains("a device, not a regular file"), "{error}");
            let socket = folder.path().join("socket");
            let _listening = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
            let error = read_regular(&socket, 9).expect_err("a socket").to_string();
            assert!(error.contains("a socket, not a regular file"), "{error}");
        }
    }
}
