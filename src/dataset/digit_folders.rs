//! Cropped digits in ten folders, `0` to `9`, named after the digit that their pictures show: the
//! layout that torchvision's `ImageFolder` reads.
//!
//! Each picture is treated as a photo with one box round all of it, so code for Format 1 can read
//! these. No file says which pictures show the same sign, but pictures that hardly differ usually
//! do. [`groups`] keeps these together when digits are held back.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{
    digit_struct::{LabelledBox, PhotoEntry},
    format1::{DIGIT_STRUCT, Format1, Format1Error},
};
use crate::photo::{Colours, Filter, LooseBox, Photo, PhotoSize, is_photo};

/// Rows and columns of the thumbnails that are compared.
const THUMBNAIL_SIDE: u32 = 12;

/// Two pictures of a digit are alike when their thumbnails' samples correlate more than this...
const ALIKE_CORRELATION: f32 = 0.9;

/// ...and the root mean square of their difference is less than this, on the scale 0 to 1 (30
/// grey levels of 255).
const ALIKE_DIFFERENCE: f32 = 30.0 / 255.0;

/// Why folders of digits cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DigitFoldersError {
    /// A folder cannot be listed.
    #[error("{}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There are folders of digits, and another one.
    #[error(
        "{}: {name:?} is none of the digits 0 to 9, after which the folders beside it are \
         named. Move it elsewhere, or give one of its own folders",
        folder.display()
    )]
    OtherFolder {
        /// The folder of folders.
        folder: PathBuf,
        /// The other folder's name.
        name: String,
    },
    /// A digit's folder holds a folder.
    #[error(
        "{}: a folder inside a digit's folder, which holds pictures only. Move its pictures up, \
         or the folder elsewhere",
        folder.display()
    )]
    Nested {
        /// The folder inside.
        folder: PathBuf,
    },
    /// No picture at all.
    #[error(
        "{}: no picture is in its folders 0 to 9; by their names, pictures are PNG, JPEG, WebP, \
         GIF, BMP and TIFF files",
        folder.display()
    )]
    Empty {
        /// The folder of folders.
        folder: PathBuf,
    },
}

/// The digit that a folder is named as.
fn digit_of(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [digit @ b'0'..=b'9'] => Some(digit - b'0'),
        _ => None,
    }
}

/// Whether this is a folder with folders of digits rather than one of Format 1's photos.
pub fn is_digit_folders(path: &Path) -> bool {
    !path.join(DIGIT_STRUCT).is_file() && (0..=9).any(|digit| path.join(digit.to_string()).is_dir())
}

/// What a folder holds, sorted by name, without hidden files and folders: each one's name and
/// whether it is a folder.
fn list(folder: &Path) -> Result<Vec<(String, bool)>, DigitFoldersError> {
    let error = |source| DigitFoldersError::Folder { folder: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(error)? {
        let entry = entry.map_err(error)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            // Links are followed.
            found.push((name, entry.path().is_dir()));
        }
    }
    found.sort();
    Ok(found)
}

/// Lists the pictures, and decodes each once for its size. Their names are `<digit>/<file>`, in
/// order. Files whose names are not those of pictures are skipped, and so are hidden files and
/// folders, and files beside the digits' folders.
///
/// # Errors
/// [`Format1Error`] when there is no picture, one cannot be decoded, or there are folders that do
/// not belong to a digit.
pub fn open(folder: &Path) -> Result<Format1, Format1Error> {
    let mut pictures: Vec<(String, u8)> = Vec::new();
    for (name, is_folder) in list(folder)? {
        if !is_folder {
            continue;
        }
        let Some(digit) = digit_of(&name) else {
            return Err(DigitFoldersError::OtherFolder { folder: folder.to_owned(), name }.into());
        };
        let of_digit = folder.join(&name);
        for (file, is_folder) in list(&of_digit)? {
            if is_folder {
                return Err(DigitFoldersError::Nested { folder: of_digit.join(file) }.into());
            }
            if is_photo(Path::new(&file)) {
                pictures.push((format!("{name}/{file}"), digit));
            }
        }
    }
    if pictures.is_empty() {
        return Err(DigitFoldersError::Empty { folder: folder.to_owned() }.into());
    }
    let photos = pictures
        .into_par_iter()
        .map(|(name, digit)| {
            let size = Format1::decode(folder, &name)?.size();
            Ok(PhotoEntry { digits: vec![LabelledBox { area: whole(size), digit }], name })
        })
        .collect::<Result<_, Format1Error>>()?;
    Ok(Format1::of_entries(folder, photos))
}

/// The box round all of a photo.
fn whole(size: PhotoSize) -> LooseBox {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    LooseBox { left: 0.0, top: 0.0, width, height }
}

/// A picture's thumbnail.
struct Thumbnail {
    /// Red, green and blue samples, 0 to 1.
    samples: Vec<f32>,
    mean: f32,
    /// Standard deviation of the samples.
    deviation: f32,
}

impl Thumbnail {
    fn of(photo: &Photo) -> Self {
        let frame = whole(photo.size());
        let samples = photo.square_of(frame, Filter::Triangle, Colours::Rgb, THUMBNAIL_SIDE);
        let count = samples.len() as f32;
        let mean = samples.iter().sum::<f32>() / count;
        let variance = samples.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
        Thumbnail { samples, mean, deviation: variance.sqrt() }
    }

    /// Whether the two pictures hardly differ.
    fn is_like(&self, other: &Self) -> bool {
        let shift = self.mean - other.mean;
        if shift.abs() >= ALIKE_DIFFERENCE {
            // The whole difference is at least that of the means.
            return false;
        }
        let count = self.samples.len() as f32;
        let pairs = self.samples.iter().zip(&other.samples);
        let covariance =
            pairs.map(|(a, b)| (a - self.mean) * (b - other.mean)).sum::<f32>() / count;
        let square =
            self.deviation.powi(2) + other.deviation.powi(2) - 2.0 * covariance + shift * shift;
        square < ALIKE_DIFFERENCE.powi(2)
            && covariance >= ALIKE_CORRELATION * self.deviation * other.deviation
    }
}

/// A number for each picture of `data` (from [`open`]), the same for pictures of a digit that are
/// linked by a chain of pictures, each of which hardly differs from the next. The time grows with
/// the square of the number of a digit's pictures.
///
/// # Errors
/// [`Format1Error`] when a picture cannot be decoded any more.
pub fn groups(data: &Format1) -> Result<Vec<u32>, Format1Error> {
    let thumbnails: Vec<Thumbnail> = data
        .photos
        .par_iter()
        .map(|entry| Ok(Thumbnail::of(&Format1::decode(data.folder(), &entry.name)?)))
        .collect::<Result<_, Format1Error>>()?;
    let digit_of = |i: usize| data.photos[i].digits.first().map(|labelled| labelled.digit);
    let alike: Vec<(usize, usize)> = (0..thumbnails.len())
        .into_par_iter()
        .flat_map_iter(|i| {
            let thumbnails = &thumbnails;
            let of_digit = (0..i).filter(move |&other| digit_of(other) == digit_of(i));
            of_digit
                .filter(move |&other| thumbnails[i].is_like(&thumbnails[other]))
                .map(move |other| (i, other))
        })
        .collect();
    Ok(linked(thumbnails.len(), &alike))
}

/// Numbers for `count` things from 0 on, the same for things that the pairs link.
fn linked(count: usize, pairs: &[(usize, usize)]) -> Vec<u32> {
    /// The first of all things that `i` is linked with, as far as is known.
    fn root(first: &mut [usize], mut i: usize) -> usize {
        while first[i] != i {
            first[i] = first[first[i]];
            i = first[i];
        }
        i
    }
    let mut first: Vec<usize> = (0..count).collect();
    for &(a, b) in pairs {
        let (a, b) = (root(&mut first, a), root(&mut first, b));
        first[a.max(b)] = a.min(b);
    }
    let mut numbers = vec![0; count];
    let mut next = 0;
    for i in 0..count {
        let root = root(&mut first, i);
        numbers[i] = if root == i {
            next += 1;
            next - 1
        } else {
            numbers[root]
        };
    }
    numbers
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::fault::with_causes;

    /// A picture with a bright bar across dark ground: `place` is the bar's first row, `light` is
    /// added to all samples.
    fn picture(place: u32, light: u8) -> RgbImage {
        RgbImage::from_fn(24, 36, |_, y| {
            let value = if (place..place + 9).contains(&y) { 190 } else { 40 };
            Rgb([value + light, value, value])
        })
    }

    fn save(folder: &Path, name: &str, picture: &RgbImage) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        picture.save(path).expect("written");
    }

    #[test]
    fn pictures_are_photos_with_one_box_round_all_and_in_order() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        for name in ["7/b.png", "7/a.jpg", "0/c.PNG"] {
            save(folder, name, &picture(3, 0));
        }
        fs::write(folder.join("README.md"), "no picture").expect("written");
        fs::write(folder.join("7/list.txt"), "no picture").expect("written");
        fs::create_dir(folder.join(".cache")).expect("made");
        assert!(is_digit_folders(folder));
        let data = open(folder).expect("three pictures");
        let names: Vec<&str> = data.photos.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["0/c.PNG", "7/a.jpg", "7/b.png"]);
        let (photo, digits) = data.load(&data.photos[2]).expect("whole");
        let [digit] = digits.as_slice() else { panic!("one digit: {digits:?}") };
        let PhotoSize { width, height } = photo.size();
        assert_eq!((digit.digit, width, height), (7, 24, 36));
        let area = digit.area;
        assert_eq!((area.left, area.top, area.width, area.height), (0, 0, width, height));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let refused = |folder: &Path| with_causes(&open(folder).expect_err("refused"));
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let folder = temporary.path();
        assert!(!is_digit_folders(folder));
        fs::create_dir(folder.join("4")).expect("made");
        fs::write(folder.join("4/list.txt"), "no picture").expect("written");
        let message = refused(folder);
        assert!(message.contains("no picture is in its folders 0 to 9"), "{message}");
        save(folder, "4/a.png", &picture(3, 0));
        fs::create_dir(folder.join("10")).expect("made");
        let message = refused(folder);
        assert!(message.contains("\"10\" is none of the digits"), "{message}");
        fs::remove_dir(folder.join("10")).expect("removed");
        fs::create_dir(folder.join("4/more")).expect("made");
        let message = refused(folder);
        assert!(message.contains("more: a folder inside"), "{message}");
        fs::remove_dir(folder.join("4/more")).expect("removed");
        fs::write(folder.join("4/b.jpg"), b"\xff\xd8\xff and no more").expect("written");
        let message = refused(folder);
        assert!(message.contains("4/b.jpg: "), "{message}");
    }

    #[test]
    fn pictures_that_hardly_differ_are_one_group_and_others_are_not() {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let folder = temporary.path();
        save(folder, "1/a.png", &picture(3, 0));
        save(folder, "1/b.png", &picture(20, 0));
        save(folder, "1/c.png", &picture(3, 12));
        // In another light it would be another sign.
        let bright =
            RgbImage::from_fn(
                24,
                36,
                |_, y| Rgb([if (3..12).contains(&y) { 255 } else { 150 }; 3]),
            );
        save(folder, "1/d.png", &bright);
        // The same picture in another digit's folder was sorted wrongly, and does not count as a
        // link.
        save(folder, "2/a.png", &picture(3, 0));
        let data = open(folder).expect("five pictures");
        assert_eq!(groups(&data).expect("whole"), [0, 1, 0, 2, 3]);
    }

    #[test]
    fn links_join_groups() {
        assert_eq!(linked(6, &[(3, 1), (5, 3), (4, 2)]), [0, 1, 2, 1, 2, 1]);
        assert_eq!(linked(3, &[]), [0, 1, 2]);
        assert!(linked(0, &[]).is_empty());
    }
}
