//! `doorplate sheet`

use std::{io::Cursor, path::PathBuf};

use anyhow::{Context as _, ensure};
use clap::Parser;
use image::{ImageFormat, Rgb, RgbImage, imageops};

use super::{
    boxes::{SVHN_GROWTH, grow},
    model::ModelArgs,
};
use crate::{
    dataset::format1::Format1,
    files::write_whole,
    photo::{BoxInPhoto, Photo},
    removal::{RemovalOptions, remove_digits},
};

/// Pixels between the pictures of a sheet.
const GAP: u32 = 8;

/// Draw a sheet, a row a photo: before with its boxes, key pixels, after.
#[derive(Debug, Parser)]
pub struct Args {
    /// Format 1 folder.
    #[arg(long)]
    data: PathBuf,
    /// Photo names, separated by commas.
    #[arg(long, value_delimiter = ',', required = true)]
    photos: Vec<String>,
    /// Where the sheet goes, as PNG.
    #[arg(short, long)]
    output: PathBuf,
    /// Width of each picture on the sheet, in pixels.
    #[arg(long, default_value_t = 480, value_parser = clap::value_parser!(u32).range(16..=4096))]
    width: u32,
    /// Percent of its height by which each box is grown on all sides before it is removed.
    #[arg(long, value_name = "PERCENT", default_value_t = SVHN_GROWTH)]
    grow: u32,
    #[command(flatten)]
    model: ModelArgs,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let data = Format1::open(&args.data)?;
    let classifier = args.model.load()?;
    let mut rows = Vec::new();
    for name in &args.photos {
        let (mut photo, digits) = data.load(data.entry(name)?)?;
        let boxes: Vec<BoxInPhoto> =
            digits.iter().map(|digit| grow(digit.area, args.grow, photo.size())).collect();
        ensure!(!boxes.is_empty(), "{name}: the list has no box for it");
        let options = RemovalOptions::default();
        let fills = pollster::block_on(remove_digits(&photo, &boxes, &classifier, &options))?;
        let before = enlarge(&photo, args.width)?;
        let scale = f64::from(before.width()) / f64::from(photo.size().width);
        let mut boxed = before.clone();
        for area in &boxes {
            outline(&mut boxed, area, scale);
        }
        let mut keys = boxed.clone();
        for fill in &fills {
            for (row, column) in &fill.key_pixels {
                let at = |first: u32, offset: usize| {
                    ((f64::from(first) + offset as f64 + 0.5) * scale) as u32
                };
                dot(&mut keys, at(fill.area.left, *column), at(fill.area.top, *row));
            }
            fill.lay_on(&mut photo);
        }
        rows.push([before, keys, enlarge(&photo, args.width)?]);
    }
    let width = 3 * (args.width + GAP) - GAP;
    let height = rows.iter().map(|row| row[0].height() + GAP).sum::<u32>() - GAP;
    let mut sheet = RgbImage::from_pixel(width, height, Rgb([255; 3]));
    let mut top = 0;
    for row in &rows {
        for (i, picture) in (0i64..).zip(row) {
            imageops::replace(&mut sheet, picture, i * i64::from(args.width + GAP), top);
        }
        top += i64::from(row[0].height() + GAP);
    }
    let mut png = Cursor::new(Vec::new());
    sheet.write_to(&mut png, ImageFormat::Png)?;
    write_whole(&args.output, png.get_ref()).with_context(|| format!("{}", args.output.display()))
}

/// The photo at the sheet's width; pixels are kept square and sharp when enlarged.
fn enlarge(photo: &Photo, width: u32) -> anyhow::Result<RgbImage> {
    let size = photo.size();
    let rgba = image::RgbaImage::from_raw(size.width, size.height, photo.to_rgba8())
        .context("a photo has four samples a pixel")?;
    let height = (f64::from(width) / f64::from(size.width) * f64::from(size.height)).round();
    let filter = if width > size.width {
        imageops::FilterType::CatmullRom
    } else {
        imageops::FilterType::Triangle
    };
    let resized = imageops::resize(&rgba, width, (height as u32).max(1), filter);
    Ok(image::DynamicImage::ImageRgba8(resized).to_rgb8())
}

fn outline(picture: &mut RgbImage, area: &BoxInPhoto, scale: f64) {
    let scaled = |v: u32| (f64::from(v) * scale) as u32;
    let (left, right) = (scaled(area.left), scaled(area.right()));
    let (top, bottom) = (scaled(area.top), scaled(area.bottom()));
    let mut paint = |x: u32, y: u32| {
        if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
            *pixel = Rgb([0, 220, 120]);
        }
    };
    for x in left..right {
        paint(x, top);
        paint(x, bottom.saturating_sub(1));
    }
    for y in top..bottom {
        paint(left, y);
        paint(right.saturating_sub(1), y);
    }
}

fn dot(picture: &mut RgbImage, x: u32, y: u32) {
    for dy in 0..3 {
        for dx in 0..3 {
            if let Some(pixel) = picture.get_pixel_mut_checked(x + dx, y + dy) {
                *pixel = Rgb([255, 40, 160]);
            }
        }
    }
}
