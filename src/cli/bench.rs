//! `doorplate bench`

use std::{path::PathBuf, time::Instant};

use clap::{Parser, Subcommand};
use indicatif::ProgressBar;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{
    boxes::{SVHN_GROWTH, grow},
    model::ModelArgs,
};
use crate::{
    classifier::EngineError,
    dataset::synthetic::{Scene, Street, TypefaceSplit, Typefaces},
    evaluation::Restoration,
    photo::{BoxInPhoto, Photo, PhotoSize},
    removal::{Nets, RemovalOptions, remove_digits},
};

/// Measure against the truth.
#[derive(Debug, Parser)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Removal(RemovalArgs),
}

/// How close removal comes to the photo without its digits, on drawn photos whose truth is known.
///
/// Each line holds the mean and, behind it, the mean of the worst tenth of the photos.
#[derive(Debug, Parser)]
struct RemovalArgs {
    /// How many photos are drawn.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    photos: u32,
    /// Draws the photos.
    #[arg(long, default_value_t = 1000)]
    seed: u32,
    /// Folder with the typefaces that `make typefaces` fetches, of which those held back are used;
    /// without it the program's own digits write all numbers.
    #[arg(long)]
    typefaces: Option<PathBuf>,
    /// Percent of its height by which each box is grown on all sides before it is removed; what is
    /// measured are the grown boxes.
    #[arg(long, value_name = "PERCENT", default_value_t = SVHN_GROWTH)]
    grow: u32,
    #[command(flatten)]
    model: ModelArgs,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let What::Removal(args) = &args.what;
    removal(args)
}

/// A way to take digits out.
struct Method {
    name: &'static str,
    erase: fn(&mut Photo, &[BoxInPhoto], &Nets) -> Result<(), EngineError>,
}

const METHODS: &[Method] = &[
    Method { name: "untouched", erase: |_, _, _| Ok(()) },
    Method {
        name: "boxes",
        erase: |photo, boxes, nets| erase(photo, boxes, &Nets { strokes: None, ..nets.clone() }),
    },
    Method { name: "doorplate", erase },
];

fn erase(photo: &mut Photo, boxes: &[BoxInPhoto], nets: &Nets) -> Result<(), EngineError> {
    let options = RemovalOptions::default();
    for fill in pollster::block_on(remove_digits(photo, boxes, nets, &options))? {
        fill.lay_on(photo);
    }
    Ok(())
}

/// One photo's figures by one method.
struct Measured {
    restoration: Restoration,
    milliseconds: f64,
}

fn removal(args: &RemovalArgs) -> anyhow::Result<()> {
    let street = match &args.typefaces {
        Some(folder) => Street::with(Typefaces::open(folder, TypefaceSplit::Validation)?),
        None => Street::default(),
    };
    let (nets, _) = args.model.load_nets()?;
    let bar = ProgressBar::new(u64::from(args.photos));
    let of_photos: Vec<Vec<Measured>> = (1..=args.photos)
        .into_par_iter()
        .map(|n| {
            let scene = street.scene(u64::from(args.seed) << 32 | u64::from(n));
            let measured = METHODS.iter().map(|method| measure(method, &scene, args.grow, &nets));
            let measured = measured.collect::<Result<Option<Vec<_>>, _>>();
            bar.inc(1);
            measured.map(Option::unwrap_or_default)
        })
        .collect::<Result<_, EngineError>>()?;
    bar.finish_and_clear();
    let of_photos: Vec<Vec<Measured>> =
        of_photos.into_iter().filter(|measured| !measured.is_empty()).collect();
    println!(
        "Against the truth, {} drawn photos: mean, and mean of the worst tenth",
        of_photos.len()
    );
    println!(
        "{:<12}{:>18}{:>18}{:>16}{:>8}",
        "", "PSNR in boxes, dB", "on strokes, dB", "SSIM in boxes", "ms"
    );
    for (i, method) in METHODS.iter().enumerate() {
        let of_method: Vec<&Measured> = of_photos.iter().filter_map(|photo| photo.get(i)).collect();
        let figures = |of: &dyn Fn(&Restoration) -> Option<f64>| {
            mean_and_worst(of_method.iter().filter_map(|one| of(&one.restoration)).collect())
        };
        let (boxes, worst_boxes) = figures(&|one| Some(one.psnr_in_boxes));
        let (strokes, worst_strokes) = figures(&|one| one.psnr_on_strokes);
        let (ssim, worst_ssim) = figures(&|one| Some(one.ssim_in_boxes));
        let (time, _) = mean_and_worst(of_method.iter().map(|one| one.milliseconds).collect());
        println!(
            "{:<12}{boxes:>11.1} {worst_boxes:>6.1}{strokes:>11.1} {worst_strokes:>6.1}{ssim:>9.3} \
             {worst_ssim:>6.3}{time:>8.1}",
            method.name
        );
    }
    Ok(())
}

/// Takes the digits out of a drawn photo by one method; `None` of a photo without boxes.
fn measure(
    method: &Method,
    scene: &Scene,
    growth: u32,
    nets: &Nets,
) -> Result<Option<Measured>, EngineError> {
    let size = PhotoSize { width: scene.photo.width(), height: scene.photo.height() };
    let Some(mut photo) = Photo::from_rgb8(size, scene.photo.as_raw().clone()) else {
        return Ok(None);
    };
    let boxes: Vec<BoxInPhoto> = scene.digits.iter().map(|digit| digit.area).collect();
    let boxes = grow(&boxes, growth, size);
    let started = Instant::now();
    (method.erase)(&mut photo, &boxes, nets)?;
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    let rgba = photo.to_rgba8();
    let repaired = image::RgbImage::from_fn(size.width, size.height, |x, y| {
        let at = 4 * (y * size.width + x) as usize;
        image::Rgb([rgba[at], rgba[at + 1], rgba[at + 2]])
    });
    let restoration = Restoration::measure(&repaired, &scene.clean, &boxes, &scene.masks.strokes);
    Ok(restoration.map(|restoration| Measured { restoration, milliseconds }))
}

/// The mean, and the mean of the lowest tenth (of one value at least).
fn mean_and_worst(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    (mean(&values), mean(&values[..values.len().div_ceil(10)]))
}
