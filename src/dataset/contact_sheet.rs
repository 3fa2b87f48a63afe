//! Sheets for looking at a data set: photos with their boxes and labels, and crops.

use image::RgbImage;
use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;

use super::format1::{Digit, Format1, Format1Error};
use crate::{
    drawing::{INK, Lettering, OUTLINE, PAPER, fitted, in_rows, outline, png, write},
    fault::{AtFault, Fault},
    photo::{MAX_PIXELS, Photo, PhotoSize},
};

/// What a photo may take on a sheet, in pixels.
const PHOTO_CELL: (u32, u32) = (240, 150);

/// Photos and crops are enlarged at most this many times, because more only enlarges the pixels.
const LARGEST_SCALE: f64 = 5.0;

/// What a crop takes on a sheet, in pixels.
const CROP_CELL: u32 = 72;

/// Room for a line of text, in pixels.
const LINE: u32 = 15;

/// Behind a label, so that it is read on any photo.
const LABEL_GROUND: image::Rgb<u8> = image::Rgb([0, 90, 50]);

/// Why a sheet cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContactSheetError {
    /// A photo cannot be used.
    #[error(transparent)]
    Photo(#[from] Format1Error),
    /// The sheet would have more pixels than a picture may.
    #[error("{pictures} pictures do not fit on one sheet; the most are {most}. Ask for fewer")]
    TooMany {
        /// Pictures asked for.
        pictures: usize,
        /// What fits.
        most: usize,
    },
    /// The sheet cannot be encoded.
    #[error("the sheet could not be written as PNG")]
    Encode(#[from] image::ImageError),
}

impl AtFault for ContactSheetError {
    fn fault(&self) -> Fault {
        match self {
            ContactSheetError::Photo(error) => error.fault(),
            ContactSheetError::TooMany { .. } | ContactSheetError::Encode(_) => Fault::Other,
        }
    }
}

/// Draws `count` of `of` things without drawing one twice, all of them if there are no more, in
/// ascending order. The same seed draws the same ones on any machine.
pub fn draw_indices(of: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = index::sample(&mut rng, of, count.min(of)).into_vec();
    drawn.sort_unstable();
    drawn
}

/// A PNG of photos (indices into the data set's list), in rows of `columns`: each with its boxes,
/// a label at each box, and below it its name, its number and its size.
///
/// # Errors
/// [`ContactSheetError`] when a photo cannot be used, or there are too many.
///
/// # Panics
/// When an index is beyond the list.
pub fn photo_sheet(
    data: &Format1,
    photos: &[usize],
    columns: usize,
) -> Result<Vec<u8>, ContactSheetError> {
    check_count(photos.len(), PHOTO_CELL.0, PHOTO_CELL.1 + 2 * LINE)?;
    let tiles = photos
        .iter()
        .map(|&i| {
            let entry = &data.photos[i];
            let (photo, digits) = data.load(entry)?;
            Ok(photo_tile(&entry.name, &photo, &digits))
        })
        .collect::<Result<Vec<_>, Format1Error>>()?;
    Ok(png(&in_rows(&tiles, columns))?)
}

/// A PNG of the boxes' content on these photos, in rows of `columns`: each box with its digit, its
/// photo's name and its size in pixels.
///
/// # Errors
/// As [`photo_sheet`].
///
/// # Panics
/// When an index is beyond the list.
pub fn box_sheet(
    data: &Format1,
    photos: &[usize],
    columns: usize,
) -> Result<Vec<u8>, ContactSheetError> {
    let count = photos.iter().map(|&i| data.photos[i].digits.len()).sum();
    check_count(count, CROP_CELL, CROP_CELL + 2 * LINE)?;
    let mut tiles = Vec::with_capacity(count);
    for &i in photos {
        let entry = &data.photos[i];
        let (photo, digits) = data.load(entry)?;
        for digit in digits {
            let area = digit.area;
            let words = [entry.name.clone(), format!("{} x {}", area.width, area.height)];
            tiles.push(crop_tile(&photo.part(area), digit.digit, &words));
        }
    }
    Ok(png(&in_rows(&tiles, columns))?)
}

/// A PNG of square crops, in rows of `columns`, each with its digit and its number: those of
/// `crops`, which are pairs of a number and `side * side * 3` bytes of red, green and blue, row
/// after row, and a digit. Crops of another length are left out.
///
/// # Errors
/// [`ContactSheetError`] when there are too many.
pub fn crop_sheet<'a>(
    crops: impl ExactSizeIterator<Item = (usize, &'a [u8], u8)>,
    side: u32,
    columns: usize,
) -> Result<Vec<u8>, ContactSheetError> {
    check_count(crops.len(), CROP_CELL, CROP_CELL + 2 * LINE)?;
    let size = PhotoSize { width: side, height: side };
    let tiles: Vec<RgbImage> = crops
        .filter_map(|(number, rgb, digit)| {
            let crop = Photo::from_rgb8(size, rgb.to_vec())?;
            Some(crop_tile(&crop, digit, &[format!("no. {number}")]))
        })
        .collect();
    Ok(png(&in_rows(&tiles, columns))?)
}

fn check_count(pictures: usize, width: u32, height: u32) -> Result<(), ContactSheetError> {
    let most = (MAX_PIXELS / (u64::from(width) * u64::from(height))) as usize;
    if pictures > most { Err(ContactSheetError::TooMany { pictures, most }) } else { Ok(()) }
}

/// As much of a line as fits. The end is kept, because it says more than the beginning.
fn shortened(text: &str, lettering: Lettering, width: u32) -> String {
    let letters: Vec<char> = text.chars().collect();
    let fit = (width / lettering.size("0").0) as usize;
    if letters.len() <= fit {
        return text.to_owned();
    }
    let end = &letters[letters.len() - fit.saturating_sub(2)..];
    format!("..{}", end.iter().collect::<String>())
}

fn photo_tile(name: &str, photo: &Photo, digits: &[Digit]) -> RgbImage {
    let (picture, scale) = fitted(photo, PHOTO_CELL.0, PHOTO_CELL.1, LARGEST_SCALE);
    // Above the photo there is room for the labels of boxes at its top.
    let mut tile = RgbImage::from_pixel(PHOTO_CELL.0, picture.height() + 2 * LINE, PAPER);
    image::imageops::replace(&mut tile, &picture, 0, i64::from(LINE));
    for digit in digits {
        outline(&mut tile, &digit.area, scale, (0, LINE), OUTLINE);
        let label = digit.digit.to_string();
        let (width, height) = Lettering::Large.size(&label);
        let left = (f64::from(digit.area.left) * scale) as u32;
        // The photo begins a line below the tile's top, so the label's top is the box's top less
        // the label's height.
        let top = LINE + (f64::from(digit.area.top) * scale) as u32 - height.min(LINE);
        let at = (left.min(PHOTO_CELL.0 - width) as i32, top as i32);
        write(&mut tile, &label, at, Lettering::Large, OUTLINE, Some(LABEL_GROUND));
    }
    let number: String = digits.iter().map(|digit| digit.digit.to_string()).collect();
    let size = photo.size();
    let facts = format!("  {number}  {} x {}", size.width, size.height);
    let room = PHOTO_CELL.0.saturating_sub(Lettering::Small.size(&facts).0);
    let line = shortened(name, Lettering::Small, room) + &facts;
    let below = (LINE + picture.height() + 3) as i32;
    write(&mut tile, &line, (0, below), Lettering::Small, INK, None);
    tile
}

fn crop_tile(crop: &Photo, digit: u8, words: &[String]) -> RgbImage {
    let (picture, _) = fitted(crop, CROP_CELL, CROP_CELL, LARGEST_SCALE);
    let lines = 1 + words.len() as u32;
    let mut tile = RgbImage::from_pixel(CROP_CELL, CROP_CELL + lines * LINE, PAPER);
    let left = (CROP_CELL - picture.width().min(CROP_CELL)) / 2;
    let top = CROP_CELL - picture.height().min(CROP_CELL);
    image::imageops::replace(&mut tile, &picture, i64::from(left), i64::from(top));
    let label = digit.to_string();
    let centred = |width: u32| (CROP_CELL.saturating_sub(width) / 2) as i32;
    let mut y = CROP_CELL as i32 + 1;
    let at = (centred(Lettering::Large.size(&label).0), y);
    write(&mut tile, &label, at, Lettering::Large, INK, None);
    for words in words {
        y += LINE as i32 - 1;
        let words = shortened(words, Lettering::Small, CROP_CELL);
        let at = (centred(Lettering::Small.size(&words).0), y);
        write(&mut tile, &words, at, Lettering::Small, INK, None);
    }
    tile
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{photo::BoxInPhoto, synthetic::write_format1};

    fn decoded(png: &[u8]) -> RgbImage {
        image::load_from_memory(png).expect("it is a PNG").to_rgb8()
    }

    #[test]
    fn the_same_seed_draws_the_same_things_once_each() {
        let drawn = draw_indices(1_000, 20, 7);
        assert_eq!(drawn.len(), 20);
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(drawn, draw_indices(1_000, 20, 7));
        assert_ne!(drawn, draw_indices(1_000, 20, 8));
        assert_eq!(draw_indices(3, 20, 7), [0, 1, 2]);
        assert_eq!(draw_indices(0, 20, 7), [0; 0]);
    }

    #[test]
    fn a_photo_keeps_its_pixels_between_outlines_and_labels() {
        let size = PhotoSize { width: 20, height: 10 };
        let photo = Photo::from_rgb8(size, vec![90; 600]).expect("it has pixels");
        let area = BoxInPhoto { left: 4, top: 4, width: 5, height: 6 };
        let tile = photo_tile("1.png", &photo, &[Digit { area, digit: 7 }]);
        let scale = LARGEST_SCALE as u32;
        assert_eq!(tile.height(), 10 * scale + 2 * LINE);
        assert_eq!(tile.get_pixel(4 * scale, LINE + 4 * scale), &OUTLINE);
        assert_eq!(tile.get_pixel(9 * scale - 1, LINE + 10 * scale - 1), &OUTLINE);
        assert_eq!(tile.get_pixel(4 * scale + 2, LINE + 4 * scale + 2).0, [90; 3]);
        // The label is on the box's upper edge.
        assert_eq!(tile.get_pixel(4 * scale, LINE + 4 * scale - 1), &LABEL_GROUND);
        assert_eq!(tile.get_pixel(0, 0), &PAPER);
        assert!(tile.rows().next_back().is_some_and(|mut row| row.all(|pixel| pixel == &PAPER)));
    }

    #[test]
    fn sheets_of_a_data_set_have_a_tile_a_photo_or_digit() {
        let folder = tempfile::tempdir().expect("there is room");
        let written = write_format1(folder.path(), 5, 3).expect("there is room");
        let data = Format1::open(folder.path()).expect("it was written");
        let sheet = decoded(&photo_sheet(&data, &[0, 2, 4], 2).expect("its photos are whole"));
        assert_eq!(sheet.width(), 2 * PHOTO_CELL.0 + crate::drawing::GAP);
        let all: Vec<usize> = (0..5).collect();
        let crops = decoded(&box_sheet(&data, &all, 1).expect("its photos are whole"));
        let tile = CROP_CELL + 3 * LINE + crate::drawing::GAP;
        assert_eq!(crops.height() + crate::drawing::GAP, written.digits * tile);
    }

    #[test]
    fn crops_of_another_length_are_left_out_and_too_many_refused() {
        let crop = vec![50; 32 * 32 * 3];
        let crops: [(usize, &[u8], u8); 3] = [(1, &crop, 4), (2, &crop[1..], 5), (3, &crop, 0)];
        let sheet = decoded(&crop_sheet(crops.into_iter(), 32, 9).expect("few crops"));
        assert_eq!(sheet.width(), 2 * CROP_CELL + crate::drawing::GAP);
        assert_eq!(sheet.get_pixel(CROP_CELL / 2, CROP_CELL / 2).0, [50; 3]);
        let many = vec![(1, &*crop, 4); 100_000];
        let error = crop_sheet(many.into_iter(), 32, 9).expect_err("too many");
        assert!(matches!(error, ContactSheetError::TooMany { pictures: 100_000, .. }), "{error}");
    }

    #[test]
    fn long_names_keep_their_end() {
        assert_eq!(shortened("12.png", Lettering::Small, 72), "12.png");
        assert_eq!(shortened("a_rather_long_name.png", Lettering::Small, 72), "..g_name.png");
        assert_eq!(shortened("abc", Lettering::Small, 0), "..");
    }
}
