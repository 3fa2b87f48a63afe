//! A folder of drawn photos, and `doorplate erase` run on them.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path, process::Stdio};

use doorplate::{
    dataset::format1::Format1,
    photo::{BoxInPhoto, Photo},
    synthetic::write_format1,
};
use serde_json::Value;
use tempfile::TempDir;

use super::{Ran, names_in, program};

/// A folder to work in, with drawn photos in `photos` and their list beside it in `lists`.
pub fn shop(photos: u32) -> TempDir {
    let shop = tempfile::tempdir().expect("a temporary folder");
    write_format1(&shop.path().join("photos"), photos, 3).expect("drawn");
    fs::create_dir(shop.path().join("lists")).expect("made");
    let list = "digitStruct.mat";
    fs::rename(shop.path().join("photos").join(list), shop.path().join("lists").join(list))
        .expect("moved");
    shop
}

/// The boxes that the list in `lists` gives each photo.
pub fn boxes_of(shop: &Path) -> BTreeMap<String, Vec<(BoxInPhoto, u8)>> {
    let list = Format1::open(&shop.join("lists")).expect("a list");
    let photos = list.photos.iter().map(|entry| {
        let size = open(&shop.join("photos").join(&entry.name)).size();
        let digits = entry
            .digits
            .iter()
            .map(|digit| (digit.area.clamp_to(size).expect("on the photo"), digit.digit));
        (entry.name.clone(), digits.collect())
    });
    photos.collect()
}

/// Decodes a photo's file.
pub fn open(path: &Path) -> Photo {
    Photo::decode(&fs::read(path).expect("read")).expect("a photo")
}

/// Runs `doorplate erase` with the published models.
pub fn erase(shop: &Path, arguments: &str) -> Ran {
    erase_with(shop, arguments, b"")
}

/// Runs `doorplate erase` with the published models and with this on its standard input.
pub fn erase_with(shop: &Path, arguments: &str, input: &[u8]) -> Ran {
    let mut child = command(shop, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built program starts");
    child.stdin.take().expect("it is piped").write_all(input).expect("it listens");
    child.wait_with_output().expect("it ends").into()
}

/// `doorplate erase` with the published models, to be started.
pub fn command(shop: &Path, arguments: &str) -> std::process::Command {
    let mut command = program();
    // What is left on drawn photos is no matter here, and would be the exit code.
    command.current_dir(shop).args(["erase", "--no-check"]).args(arguments.split_whitespace());
    command.arg("--models").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
    command
}

/// The lines of a run, by their photo.
pub fn lines(stdout: &str) -> BTreeMap<String, Value> {
    let line = |text: &str| {
        let line: Value = serde_json::from_str(text).expect("a line of JSON");
        (line["photo"].as_str().expect("a photo").to_owned(), line)
    };
    let lines: BTreeMap<String, Value> = stdout.lines().map(line).collect();
    assert_eq!(lines.len(), stdout.lines().count(), "a photo has one line");
    lines
}

/// How many of a run's photos were written, were done before, and failed.
pub fn tally(lines: &BTreeMap<String, Value>) -> [usize; 3] {
    let count = |of: &dyn Fn(&Value) -> bool| lines.values().filter(|line| of(line)).count();
    let failed = count(&|line| line["error"].is_string());
    let before = count(&|line| line["skipped"] == true);
    [lines.len() - failed - before, before, failed]
}

/// What a failed run said of one photo.
pub fn error_of<'a>(lines: &'a BTreeMap<String, Value>, photo: &str) -> &'a str {
    let line = lines.get(photo).unwrap_or_else(|| panic!("{photo} is not among {lines:?}"));
    line["error"].as_str().unwrap_or_else(|| panic!("{photo} did not fail: {line}"))
}

/// Every file below a folder with its content, without the records.
pub fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for name in names_in(folder) {
        let path = folder.join(&name);
        if path.is_dir() && name != ".doorplate" {
            all.extend(
                results(&path)
                    .into_iter()
                    .map(|(inner, content)| (format!("{name}/{inner}"), content)),
            );
        } else if !path.is_dir() {
            all.insert(name, fs::read(path).expect("read"));
        }
    }
    all
}
