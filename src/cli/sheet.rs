//! `doorplate sheet`

use std::path::PathBuf;

use clap::Parser;

use super::{
    Context as _, Result, boxes::grow, method::MethodArgs, model::ModelArgs, places::keep_out_of,
};
use crate::{
    dataset::format1::Format1,
    drawing::{OUTLINE, dot, fitted, in_rows, outline, png},
    files::write_whole,
    photo::{BoxInPhoto, Photo},
    removal::{USUAL_GROWTH_PERCENT, remove},
};

/// Draw a sheet with a row for each photo: the photo with its boxes, the key pixels, the result.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate sheet --data svhn/test --photos 13.png,30.png --output sheet.png",
))]
pub struct Args {
    /// Format 1 folder.
    #[arg(long)]
    data: PathBuf,
    /// Photo names, separated by commas.
    #[arg(long, value_delimiter = ',', required = true)]
    photos: Vec<String>,
    /// The sheet, a PNG file.
    #[arg(short, long)]
    output: PathBuf,
    /// Width of each picture on the sheet, in pixels.
    #[arg(long, default_value_t = 480, value_parser = clap::value_parser!(u32).range(16..=4096))]
    width: u32,
    /// Enlarge each box by this percentage of its height on all sides before the removal.
    #[arg(long, value_name = "PERCENT", default_value_t = USUAL_GROWTH_PERCENT)]
    grow: u32,
    #[command(flatten)]
    method: MethodArgs,
    #[command(flatten)]
    model: ModelArgs,
}

pub fn run(args: &Args) -> Result<()> {
    let method = args.method.method()?;
    keep_out_of(&args.data, "the data set", &args.output)?;
    let data = Format1::open(&args.data)?;
    let nets = args.model.load_nets_for(&method)?.nets;
    let mut pictures = Vec::new();
    for name in &args.photos {
        let (mut photo, digits) = data.load(data.entry(name)?)?;
        let boxes: Vec<BoxInPhoto> = digits.iter().map(|digit| digit.area).collect();
        let boxes = grow(&boxes, args.grow, photo.size());
        if boxes.is_empty() {
            return Err(format!("{name}: the list has no box for it").into());
        }
        let fills = pollster::block_on(remove(&photo, &boxes, &method, &nets))?;
        let enlarged = |photo: &Photo| fitted(photo, args.width, u32::MAX, f64::INFINITY);
        let (before, scale) = enlarged(&photo);
        let mut boxed = before.clone();
        for area in &boxes {
            outline(&mut boxed, area, scale, (0, 0), OUTLINE);
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
        pictures.extend([before, keys, enlarged(&photo).0]);
    }
    let sheet = png(&in_rows(&pictures, 3))?;
    write_whole(&args.output, &sheet).context(args.output.display())
}
