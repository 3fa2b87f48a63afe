//! Sheets that show the results of a removal, with a row for each photo.

use image::{GrayImage, Rgb, RgbImage, imageops};

use crate::{
    drawing::{INK, Lettering, MARK, OUTLINE, PAPER, dot, in_rows, outline, write},
    photo::{BoxInPhoto, to_byte},
};

/// Width of each picture on a sheet, in pixels; small photos are enlarged by whole numbers.
const WIDTH: u32 = 300;

/// How many times the error is brightened.
const BRIGHTENED: f32 = 4.0;

/// What a removal went by.
#[derive(Clone, Debug, PartialEq)]
pub enum Marks {
    /// Columns and rows of the key pixels on the photo.
    KeyPixels(Vec<(u32, u32)>),
    /// The pixels that were filled, as such that are not black.
    Mask(GrayImage),
}

/// One photo for a sheet; the pictures are of one size.
#[derive(Clone, Copy, Debug)]
pub struct SheetRow<'a> {
    /// What stands above it.
    pub caption: &'a str,
    /// The photo.
    pub before: &'a RgbImage,
    /// The boxes that were filled.
    pub boxes: &'a [BoxInPhoto],
    /// What the removal went by.
    pub marks: &'a Marks,
    /// What it made of the photo.
    pub after: &'a RgbImage,
    /// The photo without its digits.
    pub truth: &'a RgbImage,
}

/// Draws a sheet: a row a photo with before, key pixels or mask, after, truth, and the error four
/// times as large.
pub fn removal_sheet(rows: &[SheetRow<'_>]) -> RgbImage {
    let pictures: Vec<RgbImage> = rows.iter().flat_map(pictures_of).collect();
    in_rows(&pictures, 5)
}

fn pictures_of(row: &SheetRow<'_>) -> [RgbImage; 5] {
    let times = (WIDTH / row.before.width().max(1)).max(1);
    let enlarged = |picture: &RgbImage| {
        let (width, height) = (picture.width() * times, picture.height() * times);
        imageops::resize(picture, width, height, imageops::FilterType::Nearest)
    };
    let mut marked = enlarged(row.before);
    match row.marks {
        Marks::KeyPixels(pixels) => {
            for (x, y) in pixels {
                dot(&mut marked, x * times + times / 2, y * times + times / 2);
            }
        }
        Marks::Mask(mask) => {
            for (x, y, pixel) in marked.enumerate_pixels_mut() {
                if mask.get_pixel_checked(x / times, y / times).is_some_and(|m| m.0[0] > 0) {
                    *pixel = MARK;
                }
            }
        }
    }
    for area in row.boxes {
        outline(&mut marked, area, f64::from(times), (0, 0), OUTLINE);
    }
    let error = RgbImage::from_fn(row.after.width(), row.after.height(), |x, y| {
        let truth = row.truth.get_pixel_checked(x, y).map_or([0; 3], |pixel| pixel.0);
        let channels = row.after.get_pixel(x, y).0;
        let brightened = |c: usize| {
            to_byte(BRIGHTENED * f32::from(channels[c].abs_diff(truth[c])) / f32::from(u8::MAX))
        };
        Rgb([brightened(0), brightened(1), brightened(2)])
    });
    [
        captioned(&enlarged(row.before), row.caption),
        captioned(&marked, "key pixels or mask"),
        captioned(&enlarged(row.after), "after"),
        captioned(&enlarged(row.truth), "truth"),
        captioned(&enlarged(&error), "error x 4"),
    ]
}

/// A picture with a line of words above it.
fn captioned(picture: &RgbImage, caption: &str) -> RgbImage {
    let (width, height) = Lettering::Small.size(caption);
    let above = height + 2;
    let size = (picture.width().max(width), picture.height() + above);
    let mut with = RgbImage::from_pixel(size.0, size.1, PAPER);
    write(&mut with, caption, (0, 0), Lettering::Small, INK, None);
    imageops::replace(&mut with, picture, 0, i64::from(above));
    with
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    #[test]
    fn a_row_shows_what_was_done_and_how_wrong_it_is() {
        let picture = |value: u8| RgbImage::from_pixel(100, 20, Rgb([value; 3]));
        let (before, after, truth) = (picture(10), picture(110), picture(100));
        let boxes = [BoxInPhoto { left: 40, top: 5, width: 20, height: 10 }];
        let mask = GrayImage::from_fn(100, 20, |x, _| Luma([if x == 50 { 255 } else { 0 }]));
        for (marks, seen) in
            [(Marks::Mask(mask), (150, 30)), (Marks::KeyPixels(vec![(50, 10)]), (151, 31))]
        {
            let row = SheetRow {
                caption: "1",
                before: &before,
                boxes: &boxes,
                marks: &marks,
                after: &after,
                truth: &truth,
            };
            let pictures = pictures_of(&row);
            let above = pictures[0].height() - 60;
            let at = |i: usize, x: u32, y: u32| pictures[i].get_pixel(x, y + above).0;
            assert_eq!(at(0, 150, 30), [10; 3]);
            assert_eq!(at(1, seen.0, seen.1), MARK.0, "{marks:?}");
            assert_eq!(at(1, 120, 20), OUTLINE.0);
            assert_eq!((at(2, 9, 9), at(3, 9, 9), at(4, 9, 9)), ([110; 3], [100; 3], [40; 3]));
            let sheet = removal_sheet(&[row, row]);
            assert!(sheet.width() > 5 * 300 && sheet.height() > 2 * 60);
        }
    }
}
