//! The SHA-256 of the files of a folder, listed beside them. Most damage to weights is not noticed
//! otherwise: one flipped bit makes other weights, which are numbers too.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::{folder_of, read_regular};

/// The list of a folder's files with their SHA-256, in the format of `sha256sum`.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// The SHA-256 as it stands in a list.
pub(crate) fn sum_of(content: &[u8]) -> String {
    format!("{:x}", Sha256::digest(content))
}

/// The SHA-256 and the file's name in a line of a list.
pub(crate) fn listed(line: &str) -> Option<(&str, &str)> {
    line.split_once("  ")
}

/// The content of a regular file of at most `limit` bytes. If a list beside it names it, its SHA-256
/// must be the listed one.
///
/// # Errors
/// As [`read_regular`], or that the file is damaged.
pub(crate) fn read_listed(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let content = read_regular(path, limit)?;
    let list = match fs::read_to_string(folder_of(path).join(SUMS)) {
        Ok(list) => list,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(content),
        Err(error) => {
            return Err(io::Error::new(error.kind(), format!("{SUMS} beside it: {error}")));
        }
    };
    let name = path.file_name().and_then(|name| name.to_str());
    let mut sums = list.lines().filter_map(listed).filter(|(_, listed)| Some(*listed) == name);
    if sums.next().is_some_and(|(sum, _)| sum != sum_of(&content)) {
        let what = format!("damaged: its SHA-256 is not the one that {SUMS} beside it lists");
        return Err(io::Error::new(ErrorKind::InvalidData, what));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_compared_with_the_list_beside_it_if_that_names_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("weights");
        fs::write(&path, b"whole").expect("written");
        let read = || read_listed(&path, 9).map_err(|error| error.to_string());
        assert_eq!(read().expect("there is no list"), b"whole");
        let list = folder.path().join(SUMS);
        fs::write(&list, format!("{}  weights of another\n", sum_of(b"other"))).expect("written");
        assert_eq!(read().expect("not named"), b"whole");
        fs::write(&list, format!("{}  weights\n", sum_of(b"whole"))).expect("written");
        assert_eq!(read().expect("as listed"), b"whole");
        fs::write(&path, b"whale").expect("written");
        let error = read().expect_err("another content");
        assert!(error.starts_with("damaged") && error.contains(SUMS), "{error}");
        fs::write(&list, [0xff]).expect("written");
        assert!(read().expect_err("no text").starts_with(SUMS));
    }
}
