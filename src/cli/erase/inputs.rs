//! The photos to be done: those of a folder or a list, or one part of them.

use std::{
    borrow::Cow,
    io::{self, BufRead, Read as _},
    path::{Component, Path, PathBuf},
    str::FromStr,
};

use sha2::{Digest as _, Sha256};
use walkdir::{DirEntry, WalkDir};

use crate::cli::places::absolute;

/// A photo to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it is.
    pub photo: PathBuf,
    /// Its path relative to the folder of all photos, from which [`result_name`] makes that of its
    /// result.
    pub name: PathBuf,
}

/// Names of files whose results are JPEGs, because nothing here writes HEIC.
const HEIC_EXTENSIONS: [&str; 3] = ["heic", "heif", "hif"];

/// The path of a photo's result relative to the output folder: the photo's, with `.jpg` behind the
/// whole name of a HEIC. Phones often save a JPEG beside it, with the same stem.
pub fn result_name(name: &Path) -> Cow<'_, Path> {
    let extension = name.extension().unwrap_or_default();
    match HEIC_EXTENSIONS.iter().any(|heic| extension.eq_ignore_ascii_case(heic)) {
        true => Cow::Owned(name.with_added_extension("jpg")),
        false => Cow::Borrowed(name),
    }
}

/// The photo that a result was made of, if [`result_name`] gave it another name.
pub fn source_of(result: &Path) -> Option<PathBuf> {
    let name = result.with_extension("");
    (result_name(&name) == result).then_some(name)
}

/// One photo of a folder, or of a list.
pub fn input(photo: &Path, folder: Option<&Path>, root: Option<&Path>) -> Result<Input, Unusable> {
    match folder {
        Some(folder) => {
            let name = photo.strip_prefix(folder).unwrap_or(photo).to_owned();
            Ok(Input { photo: photo.to_owned(), name })
        }
        None => named(photo.to_owned(), root),
    }
}

/// A path that cannot be used as a photo.
#[derive(Debug)]
pub struct Unusable {
    /// The path that was given or found.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

/// The files in a folder and its subfolders, in the system's order, so that no list of them has to
/// be kept. Links are followed; a link that leads in a circle, or into `output`, is unusable.
pub fn files_in(
    folder: &Path,
    output: &Path,
) -> impl Iterator<Item = Result<Input, Unusable>> + 'static {
    let (root, output) = (folder.to_owned(), output.to_owned());
    // Only a link can lead to the output folder, because that is never inside.
    let into_output = move |entry: &DirEntry| {
        entry.path_is_symlink()
            && entry.path().canonicalize().is_ok_and(|target| {
                target.starts_with(&output)
                    || entry.file_type().is_dir() && output.starts_with(target)
            })
    };
    let mut walk = WalkDir::new(folder).follow_links(true).into_iter();
    std::iter::from_fn(move || {
        loop {
            let entry = match walk.next()? {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(&root).to_owned();
                    let problem = match error.loop_ancestor() {
                        Some(ancestor) => {
                            format!("this link leads back to {}", ancestor.display())
                        }
                        None => match error.io_error() {
                            Some(error) => error.to_string(),
                            None => error.to_string(),
                        },
                    };
                    return Some(Err(Unusable { path, problem }));
                }
            };
            if into_output(&entry) {
                if entry.file_type().is_dir() {
                    walk.skip_current_dir();
                }
                let problem = "this link leads to the output folder".to_owned();
                return Some(Err(Unusable { path: entry.into_path(), problem }));
            }
            if entry.file_type().is_dir() {
                continue;
            }
            let photo = entry.into_path();
            let name = photo.strip_prefix(&root).unwrap_or(&photo).to_owned();
            return Some(Ok(Input { photo, name }));
        }
    })
}

/// The photos of a list, read one by one. The list may begin with a byte-order mark, and may be
/// UTF-16 then, as PowerShell writes it.
pub fn listed<R: BufRead + 'static>(
    list: R,
    null: bool,
    root: Option<PathBuf>,
) -> impl Iterator<Item = Result<Input, Unusable>> + 'static {
    let end = if null { 0 } else { b'\n' };
    let mut lines = Some(Lines::of(list, end));
    std::iter::from_fn(move || {
        loop {
            let line = match lines.as_mut()? {
                Ok(lines) => lines.next(),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            let mut bytes = match line {
                Ok(bytes) if bytes.is_empty() => return None,
                Ok(bytes) => bytes,
                Err(error) => {
                    lines = None;
                    let problem = format!("the rest of the list cannot be read ({error})");
                    return Some(Err(Unusable { path: PathBuf::from("-"), problem }));
                }
            };
            if bytes.last() == Some(&end) {
                bytes.pop();
            }
            // Lists made on Windows end lines so; no photo's name ends in a carriage return.
            if !null && bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
            if bytes.is_empty() {
                continue;
            }
            return Some(match path_of(bytes) {
                Ok(photo) => named(photo, root.as_deref()),
                Err(unusable) => Err(unusable),
            });
        }
    })
}

/// How two bytes make a unit of UTF-16.
type Unit = fn([u8; 2]) -> u16;

/// The lines of a list with their ends, UTF-16 as UTF-8.
struct Lines<R> {
    list: io::Chain<io::Cursor<Vec<u8>>, R>,
    end: u8,
    /// `None` for a list of bytes.
    unit: Option<Unit>,
}

impl<R: BufRead> Lines<R> {
    fn of(mut list: R, end: u8) -> io::Result<Self> {
        let mut start = Vec::new();
        list.by_ref().take(3).read_to_end(&mut start)?;
        let (mark, unit): (_, Option<Unit>) = match start.as_slice() {
            [0xEF, 0xBB, 0xBF] => (3, None),
            [0xFF, 0xFE, ..] => (2, Some(u16::from_le_bytes)),
            [0xFE, 0xFF, ..] => (2, Some(u16::from_be_bytes)),
            _ => (0, None),
        };
        start.drain(..mark);
        Ok(Lines { list: io::Cursor::new(start).chain(list), end, unit })
    }

    /// The next line; empty at the end of the list.
    fn next(&mut self) -> io::Result<Vec<u8>> {
        let Some(unit) = self.unit else {
            let mut line = Vec::new();
            self.list.read_until(self.end, &mut line)?;
            return Ok(line);
        };
        let mut units = Vec::new();
        while !self.list.fill_buf()?.is_empty() {
            let mut pair = [0; 2];
            self.list.read_exact(&mut pair)?;
            units.push(unit(pair));
            if units.last() == Some(&u16::from(self.end)) {
                break;
            }
        }
        let damaged = |_| io::Error::new(io::ErrorKind::InvalidData, "this is damaged UTF-16 text");
        Ok(String::from_utf16(&units).map_err(damaged)?.into_bytes())
    }
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> Result<PathBuf, Unusable> {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};
    Ok(PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> Result<PathBuf, Unusable> {
    String::from_utf8(bytes).map(PathBuf::from).map_err(|error| Unusable {
        path: String::from_utf8_lossy(error.as_bytes()).into_owned().into(),
        problem: "this path is not UTF-8".to_owned(),
    })
}

/// A listed photo with its name: its path relative to `root` if that is given, otherwise its own
/// path. An absolute path loses its leading `/`, as with `tar`.
fn named(photo: PathBuf, root: Option<&Path>) -> Result<Input, Unusable> {
    let outside = |photo: &Path| {
        let problem = match root {
            Some(root) => format!("it is not in {}, the --root", root.display()),
            None => "its path leads out of the current folder; give a --root".to_owned(),
        };
        Unusable { path: photo.to_owned(), problem }
    };
    let from_root = match root {
        None => photo.clone(),
        // Both as absolute paths, because either may be relative.
        Some(root) => match (absolute(&photo), absolute(root)) {
            (Ok(photo), Ok(root)) => {
                photo.strip_prefix(root).map(Path::to_owned).unwrap_or_default()
            }
            _ => PathBuf::new(),
        },
    };
    match resolved(&from_root) {
        Some(name) if name.file_name().is_some() => Ok(Input { photo, name }),
        _ => Err(outside(&photo)),
    }
}

/// A path without `.`, `..` and the root; `None` if it leads out of the folder where it starts.
pub fn resolved(path: &Path) -> Option<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => resolved.push(part),
            Component::ParentDir => {
                if !resolved.pop() {
                    return None;
                }
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(resolved)
}

/// One part of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    parts: u64,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once('/').and_then(|(index, parts)| {
            Some((index.parse::<u64>().ok()?, parts.parse::<u64>().ok()?))
        });
        match numbers {
            Some((index, parts)) if index < parts => Ok(Shard { index, parts }),
            Some((index, parts)) if parts > 0 => Err(format!(
                "there is no part {index} of {parts}; parts are counted from 0, so the last is \
                 {}/{parts}",
                parts - 1
            )),
            _ => Err("give the part, from 0, and the number of parts, as 0/4".to_owned()),
        }
    }
}

impl Shard {
    /// Its name among the other parts.
    pub fn name(self) -> String {
        format!("{}-of-{}", self.index, self.parts)
    }

    /// Whether a photo belongs to this part. Only its name decides, so that all machines agree, and
    /// photos that are added later change nothing for it.
    pub fn holds(&self, name: &Path) -> bool {
        let name = name.to_string_lossy().replace('\\', "/");
        let hash = Sha256::digest(name.as_bytes());
        let first = hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        first % self.parts == self.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str, null: bool, root: Option<&str>) -> Vec<Result<String, String>> {
        let list = io::Cursor::new(list.as_bytes().to_vec());
        listed(list, null, root.map(PathBuf::from))
            .map(|input| match input {
                Ok(input) => Ok(input.name.to_string_lossy().into_owned()),
                Err(unusable) => Err(unusable.problem),
            })
            .collect()
    }

    #[test]
    fn listed_photos_are_named_from_their_root() {
        let ok = |name: &str| Ok(name.to_owned());
        assert_eq!(
            names("a.png\r\n\n./b/c.png\n/d/e.png\nf/../g.png", false, None),
            [ok("a.png"), ok("b/c.png"), ok("d/e.png"), ok("g.png")]
        );
        assert_eq!(names("a\nb.png\0c.png\0", true, None), [ok("a\nb.png"), ok("c.png")]);
        assert_eq!(names("/photos/a/b.png\n", false, Some("/photos/")), [ok("a/b.png")]);
        assert_eq!(names("a/b.png\n./a/c.png", false, Some(".")), [ok("a/b.png"), ok("a/c.png")]);
        for (path, root) in [
            ("../a.png", None),
            ("/other/a.png", Some("/photos")),
            ("/p/../../a", Some("/p")),
            (".", None),
        ] {
            let name = &names(path, false, root)[0];
            assert!(name.as_ref().is_err_and(|problem| problem.contains("--root")), "{name:?}");
        }
    }

    #[test]
    fn a_list_may_have_a_byte_order_mark_or_be_utf_16() {
        let text = "\u{FEFF}a/Straße.png\r\nb/\u{A41}\u{10A}.png\n";
        let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect();
        let lists: [Vec<u8>; 3] =
            [text.as_bytes().to_vec(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)];
        for list in lists {
            let names: Vec<PathBuf> = listed(io::Cursor::new(list), false, None)
                .map(|input| input.expect("a photo").name)
                .collect();
            assert_eq!(names, [Path::new("a/Straße.png"), Path::new("b/\u{A41}\u{10A}.png")]);
        }
        let cut = listed(io::Cursor::new(b"\xFF\xFEa\0b"), false, None).collect::<Vec<_>>();
        assert!(matches!(cut.as_slice(), [Err(_)]), "{cut:?}");
    }

    #[test]
    fn each_photo_belongs_to_one_part_for_ever() {
        let names: Vec<PathBuf> = (0..1_000).map(|i| PathBuf::from(format!("a/{i}.png"))).collect();
        for parts in [1, 2, 7] {
            let mut sizes = Vec::new();
            for index in 0..parts {
                let shard: Shard = format!("{index}/{parts}").parse().expect("a part");
                sizes.push(names.iter().filter(|name| shard.holds(name)).count() as u64);
            }
            assert_eq!(sizes.iter().sum::<u64>(), 1_000);
            assert!(sizes.iter().all(|size| size.abs_diff(1_000 / parts) < 100), "{sizes:?}");
        }
        // Other machines and later versions must give the same result.
        let shard = Shard { index: 0, parts: 4 };
        let of_ten = names.iter().take(10).map(|name| shard.holds(name));
        assert_eq!(of_ten.collect::<Vec<_>>(), OF_TEN);
    }

    /// Which of `a/0.png` to `a/9.png` are in the first of four parts.
    const OF_TEN: [bool; 10] = [true, false, false, true, false, false, false, true, false, false];

    #[test]
    fn parts_that_are_none_say_how_to_count() {
        for (text, reason) in
            [("4/4", "the last is 3/4"), ("0/0", "0/4"), ("1", "0/4"), ("-1/4", "0/4")]
        {
            let problem = text.parse::<Shard>().expect_err(text);
            assert!(problem.contains(reason), "{problem}");
        }
    }
}
