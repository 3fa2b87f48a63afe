//! Sheets: photos side by side, with boxes and words on them.

use std::{convert::Infallible, io::Cursor};

use embedded_graphics::{
    Pixel,
    mono_font::{
        MonoFont, MonoTextStyle,
        ascii::{FONT_6X10, FONT_9X15_BOLD},
    },
    pixelcolor::{Rgb888, RgbColor as _},
    prelude::{Dimensions, DrawTarget, Drawable as _, Point, Size},
    primitives::Rectangle,
    text::{Baseline, Text},
};
use image::{ImageFormat, Rgb, RgbImage, imageops};

use crate::photo::{BoxInPhoto, Photo};

/// The ground of a sheet.
pub(crate) const PAPER: Rgb<u8> = Rgb([255; 3]);

/// Words.
pub(crate) const INK: Rgb<u8> = Rgb([40; 3]);

/// Outlines of boxes; seen on light walls and on dark ones.
pub(crate) const OUTLINE: Rgb<u8> = Rgb([0, 220, 120]);

/// What is marked on a photo; rare in streets.
#[cfg(feature = "native")]
pub(crate) const MARK: Rgb<u8> = Rgb([255, 40, 160]);

/// Pixels between the pictures of a sheet.
pub(crate) const GAP: u32 = 8;

/// How large words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lettering {
    /// 6 x 10 pixels a letter.
    Small,
    /// 9 x 15 pixels a letter, bold.
    Large,
}

impl Lettering {
    fn font(self) -> &'static MonoFont<'static> {
        match self {
            Lettering::Small => &FONT_6X10,
            Lettering::Large => &FONT_9X15_BOLD,
        }
    }

    /// Pixels across and down that a line of text takes.
    pub(crate) fn size(self, text: &str) -> (u32, u32) {
        let letter = self.font().character_size;
        (letter.width * text.chars().count() as u32, letter.height)
    }
}

/// Lets letters be drawn on a picture.
struct Canvas<'a>(&'a mut RgbImage);

impl Dimensions for Canvas<'_> {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Point::zero(), Size::new(self.0.width(), self.0.height()))
    }
}

impl DrawTarget for Canvas<'_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(at, colour) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else { continue };
            if let Some(pixel) = self.0.get_pixel_mut_checked(x, y) {
                *pixel = Rgb([colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

/// Writes a line of text with its upper left corner at `(x, y)`, as far as the picture reaches;
/// other characters than ASCII become question marks. With a `ground`, the letters are on that
/// colour.
pub(crate) fn write(
    picture: &mut RgbImage,
    text: &str,
    (x, y): (i32, i32),
    lettering: Lettering,
    colour: Rgb<u8>,
    ground: Option<Rgb<u8>>,
) {
    let rgb = |Rgb([r, g, b]): Rgb<u8>| Rgb888::new(r, g, b);
    let mut style = MonoTextStyle::new(lettering.font(), rgb(colour));
    style.background_color = ground.map(rgb);
    let plain = |c: char| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' };
    let text: String = text.chars().map(plain).collect();
    let line = Text::with_baseline(&text, Point::new(x, y), style, Baseline::Top);
    // The canvas takes every pixel.
    let Ok(_) = line.draw(&mut Canvas(picture));
}

/// The photo at another size; pixels stay sharp when enlarged. Transparency is left out.
pub(crate) fn resized(photo: &Photo, width: u32, height: u32) -> RgbImage {
    let size = photo.size();
    let rgba = image::RgbaImage::from_raw(size.width, size.height, photo.to_rgba8())
        .expect("a photo has four samples a pixel");
    let filter = if width > size.width {
        imageops::FilterType::CatmullRom
    } else {
        imageops::FilterType::Triangle
    };
    let resized = imageops::resize(&rgba, width.max(1), height.max(1), filter);
    image::DynamicImage::ImageRgba8(resized).to_rgb8()
}

/// The photo as large as fits, no more than `times` its size, and how many times that is.
pub(crate) fn fitted(photo: &Photo, width: u32, height: u32, times: f64) -> (RgbImage, f64) {
    let size = photo.size();
    let scale = (f64::from(width) / f64::from(size.width))
        .min(f64::from(height) / f64::from(size.height))
        .min(times);
    let scaled = |pixels: u32| (f64::from(pixels) * scale).round() as u32;
    (resized(photo, scaled(size.width), scaled(size.height)), scale)
}

/// Draws a box of a photo on a picture of it that is `scale` times as large, with the photo's
/// corner at `offset`.
pub(crate) fn outline(
    picture: &mut RgbImage,
    area: &BoxInPhoto,
    scale: f64,
    (dx, dy): (u32, u32),
    colour: Rgb<u8>,
) {
    let scaled = |v: u32| (f64::from(v) * scale) as u32;
    let (left, right) = (dx + scaled(area.left), dx + scaled(area.right()));
    let (top, bottom) = (dy + scaled(area.top), dy + scaled(area.bottom()));
    let mut paint = |x: u32, y: u32| {
        if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
            *pixel = colour;
        }
    };
    for x in left..right {
        paint(x, top);
        paint(x, bottom.saturating_sub(1).max(top));
    }
    for y in top..bottom {
        paint(left, y);
        paint(right.saturating_sub(1).max(left), y);
    }
}

/// Marks a place on a picture, as far as the picture reaches.
#[cfg(feature = "native")]
pub(crate) fn dot(picture: &mut RgbImage, x: u32, y: u32) {
    for (x, y) in (y..y + 3).flat_map(|y| (x..x + 3).map(move |x| (x, y))) {
        if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
            *pixel = MARK;
        }
    }
}

/// Puts pictures in rows of `columns`, on paper. Each row is as tall as its tallest picture, and
/// each column as wide as the widest of all. Without pictures, one pixel of paper.
pub(crate) fn in_rows(pictures: &[RgbImage], columns: usize) -> RgbImage {
    let columns = columns.clamp(1, pictures.len().max(1));
    let cell = pictures.iter().map(RgbImage::width).max().unwrap_or(1);
    let heights: Vec<u32> = pictures
        .chunks(columns)
        .map(|row| row.iter().map(RgbImage::height).max().unwrap_or(0))
        .collect();
    let width = columns as u32 * (cell + GAP) - GAP;
    let height = heights.iter().map(|height| height + GAP).sum::<u32>().saturating_sub(GAP);
    let mut sheet = RgbImage::from_pixel(width, height.max(1), PAPER);
    let mut top = 0;
    for (row, height) in pictures.chunks(columns).zip(heights) {
        for (i, picture) in (0i64..).zip(row) {
            imageops::replace(&mut sheet, picture, i * i64::from(cell + GAP), top);
        }
        top += i64::from(height + GAP);
    }
    sheet
}

/// A picture as a PNG file.
///
/// # Errors
/// The encoder's error.
pub(crate) fn png(picture: &RgbImage) -> Result<Vec<u8>, image::ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coloured(width: u32, height: u32, colour: u8) -> RgbImage {
        RgbImage::from_pixel(width, height, Rgb([colour; 3]))
    }

    #[test]
    fn rows_are_as_high_as_their_highest_picture() {
        let pictures = [coloured(10, 5, 1), coloured(20, 30, 2), coloured(4, 4, 3)];
        let sheet = in_rows(&pictures, 2);
        assert_eq!(sheet.dimensions(), (20 + GAP + 20, 30 + GAP + 4));
        assert_eq!(sheet.get_pixel(0, 0), &Rgb([1; 3]));
        assert_eq!(sheet.get_pixel(20 + GAP, 29), &Rgb([2; 3]));
        assert_eq!(sheet.get_pixel(0, 30 + GAP), &Rgb([3; 3]));
        assert_eq!(sheet.get_pixel(10, 0), &PAPER);
        assert_eq!(in_rows(&[], 3).dimensions(), (1, 1));
    }

    #[test]
    fn letters_stay_where_they_are_put() {
        let mut picture = coloured(40, 20, 255);
        write(&mut picture, "8é", (10, 5), Lettering::Small, Rgb([0; 3]), Some(Rgb([200; 3])));
        let (width, height) = Lettering::Small.size("8é");
        assert_eq!((width, height), (12, 10));
        let inside = |x: u32, y: u32| (10..10 + width).contains(&x) && (5..15).contains(&y);
        for (x, y, pixel) in picture.enumerate_pixels() {
            assert_eq!(inside(x, y), pixel != &PAPER, "({x}, {y})");
        }
        assert!(picture.pixels().filter(|pixel| pixel.0 == [0; 3]).count() > 20);
        // Over the edge, and beyond it.
        write(&mut picture, "8", (38, -4), Lettering::Large, Rgb([0; 3]), None);
        write(&mut picture, "8", (-400, 4_000), Lettering::Large, Rgb([0; 3]), None);
    }

    #[test]
    fn a_box_over_the_edge_is_drawn_as_far_as_it_goes() {
        let mut picture = coloured(10, 10, 255);
        let area = BoxInPhoto { left: 2, top: 2, width: 40, height: 40 };
        outline(&mut picture, &area, 2.0, (0, 0), OUTLINE);
        assert_eq!(picture.get_pixel(9, 4), &OUTLINE);
        assert_eq!(picture.get_pixel(4, 9), &OUTLINE);
        assert_eq!(picture.get_pixel(5, 5), &PAPER);
    }
}
