//! The files that a run reads back: all that are in its list, and none that is not.

use std::{collections::BTreeMap, fs, io, path::Path};

use super::TrainingError;
use crate::files::{SUMS, listed, sum_of, write_whole};

/// Lists files of `folder`, by their paths from there, with their contents.
///
/// # Errors
/// [`TrainingError::File`] when the list cannot be written.
pub(super) fn write_sums<'a>(
    folder: &Path,
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<(), TrainingError> {
    let lines = files.into_iter().map(|(name, content)| format!("{}  {name}\n", sum_of(content)));
    let path = folder.join(SUMS);
    write_whole(&path, lines.collect::<String>().as_bytes())
        .map_err(|source| TrainingError::File { path, source })
}

/// The contents of the files that `folder` lists, by their paths from there. `advice` says what to
/// do if something is wrong.
///
/// # Errors
/// [`TrainingError::Checkpoint`] when there is no list, or a file is not the one that was listed.
pub(super) fn read_summed(
    folder: &Path,
    advice: &str,
) -> Result<BTreeMap<String, Vec<u8>>, TrainingError> {
    let path = folder.join(SUMS);
    let refused = |path: &Path, problem: &str| TrainingError::Checkpoint {
        path: path.to_owned(),
        reason: format!("{problem}. {advice}"),
    };
    let damaged_list = || refused(&path, "damaged");
    let list = fs::read_to_string(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => refused(
            &path,
            "missing, so damage to the files here would not be noticed (earlier versions of this \
             program did not write it)",
        ),
        io::ErrorKind::InvalidData => damaged_list(),
        _ => TrainingError::File { path: path.clone(), source: error },
    })?;
    let mut files = BTreeMap::new();
    for line in list.split_inclusive('\n') {
        let (sum, name) = line.strip_suffix('\n').and_then(listed).ok_or_else(damaged_list)?;
        let file = folder.join(name);
        let content = fs::read(&file).map_err(|error| {
            refused(&file, &format!("cannot be read ({error}), but {SUMS} lists it"))
        })?;
        if sum_of(&content) != sum {
            let problem = format!("damaged: its SHA-256 is not the one that {SUMS} lists");
            return Err(refused(&file, &problem));
        }
        files.insert(name.to_owned(), content);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_comes_back_and_any_flipped_bit_is_refused() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let folder = run.path().join("checkpoint");
        fs::create_dir(&folder).expect("made");
        let files = [("model", &[0, 255, 7][..]), ("../run", b"options")];
        for (name, content) in files {
            fs::write(folder.join(name), content).expect("written");
        }
        write_sums(&folder, files).expect("written");
        let read = read_summed(&folder, "").expect("whole");
        assert_eq!(read["model"], [0, 255, 7]);
        assert_eq!(read["../run"], b"options");
        for name in ["model", "../run", SUMS] {
            let path = folder.join(name);
            let whole = fs::read(&path).expect("read");
            for bit in 0..8 * whole.len() {
                let mut flipped = whole.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                fs::write(&path, &flipped).expect("written");
                let refused = read_summed(&folder, "Restore it");
                let Err(TrainingError::Checkpoint { reason, .. }) = refused else {
                    panic!("{name}, bit {bit}: {refused:?}")
                };
                assert!(reason.ends_with("Restore it"), "{reason}");
            }
            fs::write(&path, &whole).expect("written");
        }
        read_summed(&folder, "").expect("whole again");
        fs::remove_file(folder.join(SUMS)).expect("removed");
        let none = read_summed(&folder, "").expect_err("nothing is listed").to_string();
        assert!(none.contains("SHA256SUMS: missing"), "{none}");
    }
}
