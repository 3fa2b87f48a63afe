//! Puts drawn photos on disk.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs::jpeg::JpegEncoder};
use serde::{Deserialize, Serialize};

use super::{render, samples};
use crate::dataset::{
    digit_struct::{LabelledBox, PhotoEntry},
    digit_struct_writer::{DigitStructWriteError, write_digit_struct},
    format1::{DIGIT_STRUCT, Digit},
};
use crate::files::write_whole;

/// The largest sample picture, in bytes: the page should not wait for one.
const MAX_SAMPLE_BYTES: usize = 245_000;

/// Why drawn photos cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyntheticError {
    /// A photo could not be encoded.
    #[error("{}: the drawn photo could not be encoded ({source})", path.display())]
    Encode {
        /// The file it was for.
        path: PathBuf,
        /// What the encoder said.
        source: image::ImageError,
    },
    /// A list could not be put into JSON.
    #[error("{}: the list could not be written as JSON ({source})", path.display())]
    Json {
        /// The file it was for.
        path: PathBuf,
        /// What the serialiser said.
        source: serde_json::Error,
    },
    /// A file or the folder could not be written.
    #[error("{}: could not be written ({source}). Is there room, and may you write here?", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `digitStruct.mat` could not be written.
    #[error(transparent)]
    DigitStruct(#[from] DigitStructWriteError),
}

/// A sample picture's line in `index.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleEntry {
    /// The picture's file name.
    pub file: String,
    /// What it shows, for people.
    pub title: String,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
}

/// A box as the page's box files hold it.
#[derive(Serialize)]
struct BoxLine {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    label: u8,
}

#[derive(Serialize)]
struct BoxFile {
    boxes: Vec<BoxLine>,
}

/// What [`write_format1`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format1Written {
    /// Photos.
    pub photos: u32,
    /// Digits on them.
    pub digits: u32,
}

/// Writes the page's sample pictures: JPEGs, a `<stem>.boxes.json` beside each, and `index.json`
/// that lists them. Earlier files of these names are replaced; the folder is made if missing.
///
/// # Errors
/// [`SyntheticError`] when a picture cannot be encoded or a file cannot be written.
pub fn write_samples(folder: &Path) -> Result<Vec<SampleEntry>, SyntheticError> {
    make_folder(folder)?;
    let mut entries = Vec::new();
    for sample in samples::all() {
        let scene = (sample.draw)();
        let file = format!("{}.jpg", sample.stem);
        let path = folder.join(&file);
        put(&path, &jpeg_within(&scene.photo, &path)?)?;
        let boxes = BoxFile { boxes: scene.digits.iter().map(box_line).collect() };
        put_json(&folder.join(format!("{}.boxes.json", sample.stem)), &boxes)?;
        entries.push(SampleEntry {
            file,
            title: sample.title.to_owned(),
            width: scene.photo.width(),
            height: scene.photo.height(),
        });
    }
    put_json(&folder.join("index.json"), &entries)?;
    Ok(entries)
}

/// Writes `1.png` to `<photos>.png` and `digitStruct.mat`, as SVHN's Format 1 lays them out.
/// Photo n is [`render`] of `seed * 2^32 + n`, so a longer run starts with the photos of a shorter one.
///
/// `digitStruct.mat` comes last, and an earlier one is taken away first: a folder that has one is
/// complete. Earlier photos with higher numbers stay, unlisted.
///
/// # Errors
/// [`SyntheticError`] when no photo is asked for, or a file cannot be written.
pub fn write_format1(
    folder: &Path,
    photos: u32,
    seed: u32,
) -> Result<Format1Written, SyntheticError> {
    make_folder(folder)?;
    let list = folder.join(DIGIT_STRUCT);
    // An earlier list would be wrong about the new photos until they are all there.
    if photos > 0 && list.exists() {
        std::fs::remove_file(&list)
            .map_err(|source| SyntheticError::Write { path: list.clone(), source })?;
    }
    let mut entries = Vec::new();
    let mut digits = 0;
    for n in 1..=photos {
        let scene = render(u64::from(seed) << 32 | u64::from(n));
        let name = format!("{n}.png");
        let path = folder.join(&name);
        let encode = |source| SyntheticError::Encode { path: path.clone(), source };
        let mut bytes = Cursor::new(Vec::new());
        scene.photo.write_to(&mut bytes, image::ImageFormat::Png).map_err(encode)?;
        // Not synced one by one: the list that makes them count comes last.
        std::fs::write(&path, bytes.get_ref())
            .map_err(|source| SyntheticError::Write { path: path.clone(), source })?;
        digits += scene.digits.len() as u32;
        let digits = scene
            .digits
            .iter()
            .map(|&Digit { area, digit }| LabelledBox { area: area.into(), digit })
            .collect();
        entries.push(PhotoEntry { name, digits });
    }
    write_digit_struct(&list, &entries)?;
    Ok(Format1Written { photos, digits })
}

fn box_line(&Digit { area, digit }: &Digit) -> BoxLine {
    let (left, top) = (area.left, area.top);
    BoxLine { left, top, width: area.width, height: area.height, label: digit }
}

/// The photo as a JPEG at the best quality, from 86 down, that keeps it small enough.
fn jpeg_within(photo: &RgbImage, path: &Path) -> Result<Vec<u8>, SyntheticError> {
    let mut quality = 86;
    loop {
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, quality)
            .write_image(photo, photo.width(), photo.height(), ExtendedColorType::Rgb8)
            .map_err(|source| SyntheticError::Encode { path: path.to_owned(), source })?;
        if bytes.len() <= MAX_SAMPLE_BYTES || quality <= 50 {
            return Ok(bytes);
        }
        quality -= 4;
    }
}

fn make_folder(folder: &Path) -> Result<(), SyntheticError> {
    std::fs::create_dir_all(folder)
        .map_err(|source| SyntheticError::Write { path: folder.to_owned(), source })
}

fn put_json(path: &Path, value: &impl Serialize) -> Result<(), SyntheticError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|source| SyntheticError::Json { path: path.to_owned(), source })?;
    bytes.push(b'\n');
    put(path, &bytes)
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), SyntheticError> {
    write_whole(path, bytes)
        .map_err(|source| SyntheticError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dataset::{digit_struct::read_digit_struct, format1::Format1},
        photo::{LooseBox, Photo, PhotoSize},
    };

    #[test]
    fn format1_is_read_by_the_reader_of_svhn() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let written = write_format1(folder.path(), 12, 3).expect("written");
        let set = Format1::open(folder.path()).expect("opened");
        assert_eq!(set.photos.len(), 12);
        assert_eq!(set.digit_count(), written.digits as usize);
        for (n, entry) in (1u64..).zip(&set.photos) {
            let (photo, digits) = set.load(entry).expect("loaded");
            let scene = render(3 << 32 | n);
            assert_eq!(photo.size().width, scene.photo.width());
            assert_eq!(digits, scene.digits);
        }
    }

    #[test]
    fn a_longer_run_starts_with_the_same_photos() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (short, long) = (folder.path().join("short"), folder.path().join("long"));
        write_format1(&short, 2, 9).expect("written");
        write_format1(&long, 4, 9).expect("written");
        for name in ["1.png", "2.png"] {
            let read = |folder: &Path| std::fs::read(folder.join(name)).expect("read");
            assert_eq!(read(&short), read(&long));
        }
        let list = |folder: &Path| read_digit_struct(&folder.join(DIGIT_STRUCT)).expect("read");
        assert_eq!(list(&short), list(&long)[..2]);
    }

    fn samples_folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples")
    }

    #[test]
    fn the_sample_pictures_are_whole_and_light_and_their_boxes_lie_on_them() {
        let read = |name: &str| std::fs::read(samples_folder().join(name)).expect("read");
        let entries: Vec<SampleEntry> =
            serde_json::from_slice(&read("index.json")).expect("the list");
        assert_eq!(entries.len(), samples::all().len());
        let mut total = 0;
        for (entry, sample) in entries.iter().zip(samples::all()) {
            assert_eq!(entry.file, format!("{}.jpg", sample.stem));
            let bytes = read(&entry.file);
            assert!(bytes.len() < 250_000, "{} has {} bytes", entry.file, bytes.len());
            total += bytes.len();
            let photo = Photo::decode(&bytes).expect("decoded");
            let size = PhotoSize { width: entry.width, height: entry.height };
            assert_eq!(photo.size(), size);
            let boxes: serde_json::Value =
                serde_json::from_slice(&read(&format!("{}.boxes.json", sample.stem)))
                    .expect("the boxes");
            // The number is the last part of the name.
            let boxes = boxes["boxes"].as_array().expect("a list");
            let digits: String = boxes.iter().map(|line| line["label"].to_string()).collect();
            assert_eq!(Some(digits.as_str()), sample.stem.rsplit('-').next());
            for line in boxes {
                let field = |name: &str| line[name].as_f64().expect("a number");
                let area = LooseBox {
                    left: field("left"),
                    top: field("top"),
                    width: field("width"),
                    height: field("height"),
                };
                let clamped = area.clamp_to(size).expect("on the photo");
                assert_eq!(LooseBox::from(clamped), area);
            }
        }
        assert!(total < 1_000_000, "{total} bytes in all");
    }

    #[test]
    fn the_program_draws_the_pictures_in_the_repository() {
        // One of the six stands for all: drawing them takes a while.
        let [sample, ..] = samples::all();
        let path = samples_folder().join(format!("{}.jpg", sample.stem));
        let drawn = jpeg_within(&(sample.draw)().photo, &path).expect("encoded");
        assert!(
            drawn == std::fs::read(&path).expect("read"),
            "{} is out of date: write the samples again",
            path.display()
        );
    }

    #[test]
    fn no_photos_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = write_format1(folder.path(), 0, 1).expect_err("nothing to write");
        assert!(error.to_string().contains("no photos"), "{error}");
    }
}
