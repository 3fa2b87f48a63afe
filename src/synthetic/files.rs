//! Writes drawn photos to disk.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
    sync::Arc,
};

use image::{ExtendedColorType, GrayImage, ImageEncoder, Rgb, RgbImage, codecs::jpeg::JpegEncoder};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use serde::{Deserialize, Serialize};

use super::{
    Masks, Scene, Street, TypefaceError, TypefaceSplit, Typefaces, WallError, Walls, samples,
};
use crate::{
    dataset::{
        digit_struct::{LabelledBox, PhotoEntry},
        digit_struct_writer::{DigitStructWriteError, write_digit_struct},
        format1::{DIGIT_STRUCT, Digit},
        format2,
    },
    fault::{AtFault, Fault},
    files::write_whole,
    photo::{Photo, PhotoSize},
};

/// The largest sample picture, in bytes: the page should not wait for one.
const MAX_SAMPLE_BYTES: usize = 245_000;

/// Why drawn photos cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyntheticError {
    /// A photo could not be encoded.
    #[error("{}: the drawn photo could not be encoded ({reason})", path.display())]
    Encode {
        /// The file it was for.
        path: PathBuf,
        /// What the encoder said.
        reason: image::ImageError,
    },
    /// A list could not be put into JSON.
    #[error("{}: the list could not be written as JSON ({reason})", path.display())]
    Json {
        /// The file it was for.
        path: PathBuf,
        /// The serialiser's error.
        reason: serde_json::Error,
    },
    /// A file or the folder could not be written.
    #[error("{}: could not be written ({reason}). Is there space on the disk, and permission to \
             write?", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The typefaces cannot be used.
    #[error(transparent)]
    Typefaces(#[from] TypefaceError),
    /// The photos to draw on cannot be used.
    #[error(transparent)]
    Walls(#[from] WallError),
    /// `digitStruct.mat` could not be written.
    #[error(transparent)]
    DigitStruct(#[from] DigitStructWriteError),
}

impl AtFault for SyntheticError {
    fn fault(&self) -> Fault {
        match self {
            SyntheticError::Typefaces(error) => error.fault(),
            SyntheticError::Walls(error) => error.fault(),
            SyntheticError::DigitStruct(error) => error.fault(),
            SyntheticError::Encode { .. }
            | SyntheticError::Json { .. }
            | SyntheticError::Write { .. } => Fault::Other,
        }
    }
}

/// A sample picture's line in `index.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleEntry {
    /// The picture's file name.
    pub file: String,
    /// Its title on the page.
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

/// What [`write_set`] writes.
#[derive(Clone, Debug)]
pub struct SynthOptions {
    /// The folder; it is made if missing.
    pub out: PathBuf,
    /// How many photos, at least 1.
    pub photos: u32,
    /// The set's seed. Photo n is that of `seed * 2^32 + n`, so a longer set starts with the
    /// photos of a shorter one.
    pub seed: u32,
    /// The folder that `make typefaces` has filled; without it our own strokes write all numbers.
    pub typefaces: Option<PathBuf>,
    /// Which typefaces.
    pub split: TypefaceSplit,
    /// Photos to draw on; without them house fronts are drawn, too.
    pub walls: Option<Walls>,
    /// Write `masks/n.png` too: red is how much of a pixel's light comes from strokes, green how
    /// much of its sun their shadow takes, blue which digit that is (1 for the first, 0 for none).
    pub masks: bool,
    /// Write `clean/n.png` too: the photos without their digits.
    pub clean: bool,
    /// Cut [`SetWritten::crops`] as well.
    pub crops: bool,
}

/// What [`write_set`] has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetWritten {
    /// Photos.
    pub photos: u32,
    /// Digits on them.
    pub digits: u32,
    /// The digits cut out for Format 2, if asked for: N x 32 x 32 x 3, row after row, with red,
    /// green and blue interleaved.
    pub crops: Vec<u8>,
    /// Their N labels, 0 to 9.
    pub labels: Vec<u8>,
}

/// Writes `1.png` to `<photos>.png` and `digitStruct.mat`, in SVHN's Format 1, and what else the
/// options ask for. All cores draw; the files are the same for any number of cores. `on_photo` is
/// called for each photo, from the thread that wrote it.
///
/// `digitStruct.mat` comes last, and an earlier one is taken away first: a folder that has one is
/// complete. Earlier photos with higher numbers stay, unlisted.
///
/// # Errors
/// [`SyntheticError`] when the typefaces cannot be used, no photo is asked for, or a file cannot
/// be written.
pub fn write_set(
    options: &SynthOptions,
    on_photo: &(dyn Fn() + Sync),
) -> Result<SetWritten, SyntheticError> {
    let typefaces = match &options.typefaces {
        Some(folder) => Some(Arc::new(Typefaces::open(folder, options.split)?)),
        None => None,
    };
    let street = typefaces.clone().map_or_else(Street::default, Street::with);
    let folder = &options.out;
    make_folder(folder)?;
    let (masks, clean) = (folder.join("masks"), folder.join("clean"));
    for (wanted, folder) in [(options.masks, &masks), (options.clean, &clean)] {
        if wanted {
            make_folder(folder)?;
        }
    }
    let list = folder.join(DIGIT_STRUCT);
    // An earlier list would be wrong about the new photos until they are all there.
    if options.photos > 0 && list.exists() {
        std::fs::remove_file(&list)
            .map_err(|reason| SyntheticError::Write { path: list.clone(), reason })?;
    }
    let one = |n: u32| -> Result<(PhotoEntry, Vec<u8>), SyntheticError> {
        let seed = u64::from(options.seed) << 32 | u64::from(n);
        let name = format!("{n}.png");
        let scene = match &options.walls {
            Some(walls) => Some(walls.scene(seed, typefaces.as_deref())?),
            None => (options.masks || options.clean).then(|| street.scene(seed)),
        };
        let (photo, digits) = match scene {
            Some(Scene { photo, digits, masks: of_digits, clean: without }) => {
                if options.masks {
                    put_png(&masks.join(&name), &merged(&of_digits))?;
                }
                if options.clean {
                    put_png(&clean.join(&name), &without)?;
                }
                (photo, digits)
            }
            None => street.photo(seed),
        };
        put_png(&folder.join(&name), &photo)?;
        let crops = if options.crops {
            let size = PhotoSize { width: photo.width(), height: photo.height() };
            let photo =
                Photo::from_rgb8(size, photo.into_raw()).expect("the street draws no empty photo");
            digits.iter().flat_map(|digit| format2::crop_of(&photo, digit.area)).collect()
        } else {
            Vec::new()
        };
        let digits = digits
            .iter()
            .map(|&Digit { area, digit }| LabelledBox { area: area.into(), digit })
            .collect();
        on_photo();
        Ok((PhotoEntry { name, digits }, crops))
    };
    // Collected in the photos' order.
    let drawn: Vec<(PhotoEntry, Vec<u8>)> =
        (1..=options.photos).into_par_iter().map(one).collect::<Result<_, _>>()?;
    let (entries, crops): (Vec<PhotoEntry>, Vec<Vec<u8>>) = drawn.into_iter().unzip();
    write_digit_struct(&list, &entries)?;
    let labels: Vec<u8> =
        entries.iter().flat_map(|entry| entry.digits.iter().map(|digit| digit.digit)).collect();
    Ok(SetWritten {
        photos: options.photos,
        digits: labels.len() as u32,
        crops: crops.concat(),
        labels: if options.crops { labels } else { Vec::new() },
    })
}

/// [`write_set`] with our own strokes, and nothing but Format 1.
///
/// # Errors
/// [`SyntheticError`] when no photo is asked for, or a file cannot be written.
pub fn write_format1(
    folder: &Path,
    photos: u32,
    seed: u32,
) -> Result<Format1Written, SyntheticError> {
    let options = SynthOptions {
        out: folder.to_owned(),
        photos,
        seed,
        typefaces: None,
        split: TypefaceSplit::Train,
        walls: None,
        masks: false,
        clean: false,
        crops: false,
    };
    let SetWritten { photos, digits, .. } = write_set(&options, &|| ())?;
    Ok(Format1Written { photos, digits })
}

/// Three masks as the channels of one picture.
fn merged(masks: &Masks) -> RgbImage {
    RgbImage::from_fn(masks.strokes.width(), masks.strokes.height(), |x, y| {
        let at = |mask: &GrayImage| mask.get_pixel(x, y).0[0];
        Rgb([at(&masks.strokes), at(&masks.shadow), at(&masks.digit)])
    })
}

/// Not synced one by one: the list that makes them count comes last.
fn put_png(path: &Path, picture: &RgbImage) -> Result<(), SyntheticError> {
    let encode = |reason| SyntheticError::Encode { path: path.to_owned(), reason };
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).map_err(encode)?;
    std::fs::write(path, bytes.get_ref())
        .map_err(|reason| SyntheticError::Write { path: path.to_owned(), reason })
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
            .map_err(|reason| SyntheticError::Encode { path: path.to_owned(), reason })?;
        if bytes.len() <= MAX_SAMPLE_BYTES || quality <= 50 {
            return Ok(bytes);
        }
        quality -= 4;
    }
}

fn make_folder(folder: &Path) -> Result<(), SyntheticError> {
    std::fs::create_dir_all(folder)
        .map_err(|reason| SyntheticError::Write { path: folder.to_owned(), reason })
}

fn put_json(path: &Path, value: &impl Serialize) -> Result<(), SyntheticError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|reason| SyntheticError::Json { path: path.to_owned(), reason })?;
    bytes.push(b'\n');
    put(path, &bytes)
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), SyntheticError> {
    write_whole(path, bytes)
        .map_err(|reason| SyntheticError::Write { path: path.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::render;
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

    #[test]
    fn masks_clean_photos_and_crops_lie_beside_the_photos() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = SynthOptions {
            out: folder.path().to_owned(),
            photos: 5,
            seed: 4,
            typefaces: None,
            split: TypefaceSplit::Train,
            walls: None,
            masks: true,
            clean: true,
            crops: true,
        };
        let told = std::sync::atomic::AtomicU32::new(0);
        let count = || {
            told.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        };
        let written = write_set(&options, &count).expect("written");
        assert_eq!((written.photos, told.into_inner()), (5, 5));
        assert_eq!(written.labels.len(), written.digits as usize);
        assert_eq!(written.crops.len(), written.labels.len() * 32 * 32 * 3);
        let open = |path: &str| image::open(folder.path().join(path)).expect(path).into_rgb8();
        let mut crops = written.crops.chunks(32 * 32 * 3).zip(&written.labels);
        for n in 1..=5 {
            let scene = render(4 << 32 | n);
            assert_eq!(open(&format!("{n}.png")), scene.photo);
            assert_eq!(open(&format!("clean/{n}.png")), scene.clean);
            for (x, y, pixel) in open(&format!("masks/{n}.png")).enumerate_pixels() {
                let masks = [&scene.masks.strokes, &scene.masks.shadow, &scene.masks.digit];
                assert_eq!(pixel.0, masks.map(|mask| mask.get_pixel(x, y).0[0]));
            }
            let size = PhotoSize { width: scene.photo.width(), height: scene.photo.height() };
            let photo = Photo::from_rgb8(size, scene.photo.into_raw()).expect("a photo");
            for digit in scene.digits {
                let (crop, label) = crops.next().expect("a crop for each digit");
                assert_eq!(crop, format2::crop_of(&photo, digit.area));
                assert_eq!(*label, digit.digit);
            }
        }
        assert_eq!(crops.next(), None);
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
        // Only one of the six is tested, because drawing takes a while.
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
