//! Where results may go: never over what they are made of.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use super::{Context as _, Result, WrongArgument};

/// A path from the file system's root, whether or not anything exists there.
pub fn absolute(path: &Path) -> io::Result<PathBuf> {
    let mut absolute = PathBuf::new();
    for component in std::path::absolute(path)?.components() {
        match component {
            Component::ParentDir => drop(absolute.pop()),
            other => absolute.push(other),
        }
    }
    Ok(absolute)
}

/// Where a path leads through all links, whether or not anything exists there.
pub fn in_full(path: &Path) -> io::Result<PathBuf> {
    let from_root = std::path::absolute(path)?;
    // A part that does not exist yet cannot be a link.
    let there = from_root.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
    match there {
        Some((part, real)) if part == from_root => Ok(real),
        Some((part, real)) => absolute(&real.join(from_root.strip_prefix(part).unwrap_or(path))),
        None => absolute(path),
    }
}

/// Whether two paths lead to the same file, also through links and mounts.
#[cfg(unix)]
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // A link at the place itself is replaced, not the file it leads to.
    let of = |metadata: io::Result<fs::Metadata>| metadata.ok().map(|it| (it.dev(), it.ino()));
    let a = of(fs::symlink_metadata(a));
    a.is_some() && a == of(fs::metadata(b))
}

#[cfg(not(unix))]
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Refuses to write `output` over any of these files, each with what it is.
pub fn keep<P: AsRef<Path>>(output: &Path, files: &[(P, &str)]) -> Result<()> {
    let place = in_full(output).context(output.display())?;
    for (file, what) in files {
        let file = file.as_ref();
        if in_full(file).context(file.display())? == place {
            let same = format!("{}: this is {what} itself; give another name", output.display());
            return Err(WrongArgument(same).into());
        }
    }
    Ok(())
}

/// Refuses to write `output` into this folder.
pub fn keep_out_of(folder: &Path, what: &str, output: &Path) -> Result<()> {
    let real = in_full(folder).context(folder.display())?;
    if in_full(output).context(output.display())?.starts_with(real) {
        let inside = format!("{}: this is in {what}; give another name", output.display());
        return Err(WrongArgument(inside).into());
    }
    Ok(())
}

/// Refuses a folder for results that is the one called `what`, or in it, or contains it: files in it
/// would be overwritten, or results taken for them.
pub fn keep_apart(folder: &Path, what: &str, results: &Path) -> Result<()> {
    let real = in_full(folder).context(folder.display())?;
    let place = in_full(results).context(results.display())?;
    let reason = if place == real {
        format!("this is {what} itself")
    } else if place.starts_with(&real) {
        format!("this is inside {what}")
    } else if real.starts_with(&place) {
        format!("{what} is inside this one")
    } else {
        return Ok(());
    };
    let refused = format!("{}: {reason}; give another folder, apart from it", results.display());
    Err(WrongArgument(refused).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_any_of_its_paths() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let photos = folder.path().join("photos");
        fs::create_dir(&photos).expect("made");
        let photo = photos.join("1.png");
        fs::write(&photo, "a photo").expect("written");
        let mut same = vec![photo.clone(), photos.join("../photos/./1.png")];
        let mut apart = vec![photos.join("2.png"), photos.join("none/1.png")];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("photos", folder.path().join("link")).expect("linked");
            std::os::unix::fs::symlink("photos/1.png", folder.path().join("a")).expect("linked");
            same.extend([folder.path().join("link/1.png"), folder.path().join("a")]);
            apart.push(folder.path().join("link/2.png"));
        }
        for path in &same {
            let error = keep(path, &[(&photo, "the photo")]).expect_err("the photo").to_string();
            assert!(error.contains("the photo itself"), "{error}");
        }
        for path in &apart {
            keep(path, &[(&photo, "the photo")]).expect("another file");
            keep_out_of(&photos, "the data", path).expect_err("in the folder");
        }
        keep_out_of(&photos, "the data", &folder.path().join("2.png")).expect("outside");
        // What is not there yet is compared, too.
        let new = folder.path().join("new/1.png");
        keep(&new, &[(&photos.join("../new/1.png"), "the result")]).expect_err("the same");
        keep_apart(&photos, "the folder of the photos", &new).expect("apart");
    }
}
