//! Masks: pictures of which pixels of a photo are filled, or were changed. White pixels are, black ones
//! are not.

use std::{io::Cursor, path::Path, sync::Arc};

use image::{GrayImage, ImageFormat, Luma};

use super::{boxes::BoxesError, read::OpenPhotoError, read::open_photo};
use crate::{
    boxes::{GivenBox, MAX_BOXES, PhotoBoxes, Unit},
    photo::{BoxInPhoto, Change, Mask, Photo, PhotoSize},
    removal::{Brush, BrushStroke},
};

/// The end of a mask's name, behind its photo's stem.
pub const MASK_SUFFIX: &str = ".png";

/// What of a photo a mask says is filled: the boxes round its pieces, and strokes of the brush that
/// paint it, and nothing else in them.
pub fn read_mask(path: &Path) -> Result<PhotoBoxes, BoxesError> {
    let mask = open_photo(path).map_err(|error| match error {
        OpenPhotoError::File { path, source } => {
            crate::boxes::BoxFileError::File { path, source }.into()
        }
        OpenPhotoError::Photo { path, source } => BoxesError::Mask { path, source },
        OpenPhotoError::TooLarge { path, source } => BoxesError::LargeMask { path, source },
    })?;
    Ok(boxes_of(&mask))
}

/// Whatever is not black, and not clear, is in the mask: tools draw each object in a colour of its own.
fn boxes_of(picture: &Photo) -> PhotoBoxes {
    let size = picture.size();
    let (width, height) = (size.width as usize, size.height as usize);
    let samples = picture.to_rgba8();
    let is_in = |i: usize| samples[4 * i..4 * i + 3].iter().any(|&sample| sample > 0);
    let mask = Mask::from_fn(width, height, |i| samples[4 * i + 3] > 0 && is_in(i));
    let pieces = mask.components();
    let boxes: Vec<GivenBox> = pieces
        .iter()
        .filter_map(|piece| Some(GivenBox::new(around(piece, width)?.into(), None)))
        .collect();
    let mut given = PhotoBoxes { drawn_on: Some(size), ..PhotoBoxes::new(boxes, Unit::Pixels) };
    // More are refused when they are put on the photo.
    if (1..=MAX_BOXES).contains(&given.boxes.len()) {
        given.strokes = strokes_of(&mask, size);
    }
    given
}

/// The box round some pixels.
fn around(pixels: &[usize], width: usize) -> Option<BoxInPhoto> {
    let pixel = |&i: &usize| BoxInPhoto {
        left: (i % width) as u32,
        top: (i / width) as u32,
        width: 1,
        height: 1,
    };
    pixels.iter().map(pixel).reduce(|a, b| a.union(&b))
}

/// Strokes that paint a mask: one takes all pixels out, and one for each run of pixels in a row puts these
/// in.
fn strokes_of(mask: &Mask, size: PhotoSize) -> Vec<Arc<BrushStroke>> {
    let unit = BrushStroke::PER_PIXEL as i32;
    let middle = |at: usize| at as i32 * unit + unit / 2;
    let all = BrushStroke {
        brush: Brush::Takes,
        radius: (size.width + size.height) * BrushStroke::PER_PIXEL,
        points: vec![(0, 0)],
    };
    let mut strokes = vec![Arc::new(all)];
    for (y, row) in mask.chunks_exact(mask.width()).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run[0] {
                strokes.push(Arc::new(BrushStroke {
                    brush: Brush::Adds,
                    // Less than the way to the next pixel's middle.
                    radius: BrushStroke::PER_PIXEL / 2,
                    points: vec![(middle(x), middle(y)), (middle(x + run.len() - 1), middle(y))],
                }));
            }
            x += run.len();
        }
    }
    strokes
}

/// The mask of what was changed in a photo of this size, as a PNG.
///
/// # Errors
/// When there is not enough memory.
pub fn mask_of(size: PhotoSize, changes: &[Change<'_>]) -> Result<Vec<u8>, image::ImageError> {
    let mut mask = GrayImage::new(size.width, size.height);
    for change in changes {
        let width = change.area.width as usize;
        for (i, _) in change.pixels.iter().enumerate().filter(|(_, changed)| **changed) {
            let (x, y) = ((i % width) as u32, (i / width) as u32);
            mask.put_pixel(change.area.left + x, change.area.top + y, Luma([255]));
        }
    }
    let mut png = Cursor::new(Vec::new());
    mask.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_comes_back_as_the_strokes_that_paint_it() {
        let size = PhotoSize { width: 40, height: 30 };
        let area = BoxInPhoto { left: 5, top: 7, width: 9, height: 4 };
        let pixels: Vec<bool> = (0..36).map(|i| i % 5 != 0).collect();
        let png = mask_of(size, &[Change { area, pixels: &pixels }]).expect("a PNG");
        let given = boxes_of(&Photo::decode(&png).expect("a picture"));
        assert_eq!(given.drawn_on, Some(size));
        let boxes = given.on(size).expect("on the photo");
        let hull = boxes.iter().copied().reduce(|a, b| a.union(&b)).expect("a box");
        assert_eq!(hull, area);
        let [all, runs @ ..] = given.strokes.as_slice() else { panic!("strokes") };
        assert_eq!(all.brush, Brush::Takes);
        let painted: u32 = runs
            .iter()
            .map(|run| {
                assert_eq!((run.brush, run.radius), (Brush::Adds, 2));
                ((run.points[1].0 - run.points[0].0) / 4 + 1) as u32
            })
            .sum();
        assert_eq!(painted as usize, pixels.iter().filter(|inside| **inside).count());
        let empty = mask_of(size, &[]).expect("a PNG");
        let none = boxes_of(&Photo::decode(&empty).expect("a picture"));
        assert!(none.boxes.is_empty() && none.strokes.is_empty());
    }
}
