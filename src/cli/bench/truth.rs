//! Removal against the truth, on drawn photos.

use std::{fs, path::Path, sync::Arc};

use anyhow::Context as _;
use image::RgbImage;
use indicatif::ProgressBar;
use rayon::iter::{IntoParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use super::removal::{Args, outcome, own_ways, run_peers};
use crate::{
    classifier::EngineError,
    cli::boxes::grow,
    dataset::synthetic::{Scene, Street, TypefaceSplit, Typefaces},
    drawing::png,
    evaluation::{
        Outcome, PEERS_RADIUS, PeerExamples, PeerWay, Restoration, SheetRow, Spread, removal_sheet,
    },
    files::write_whole,
    photo::{BoxInPhoto, PhotoSize},
    removal::Nets,
};

/// A drawn photo and the boxes that are filled on it.
struct Example {
    scene: Scene,
    boxes: Vec<BoxInPhoto>,
}

/// What one way made of all photos.
struct Way {
    name: String,
    of_photos: Vec<(Outcome, Restoration)>,
}

/// Prints the table and draws the sheets. The peers' ways that came closest to the truth, one for
/// each algorithm and kind of mask; `None` without peers.
pub fn measure(args: &Args, nets: &Nets) -> anyhow::Result<Option<Vec<PeerWay>>> {
    let examples = draw(args)?;
    let bar = ProgressBar::new(examples.len() as u64);
    let own = own_ways();
    let of_photos: Vec<Vec<Outcome>> = examples
        .par_iter()
        .map(|Example { scene, boxes }| {
            let by = |way: &(String, Option<_>)| outcome(way.1.as_ref(), &scene.photo, boxes, nets);
            let outcomes = own.iter().map(by).collect::<Result<_, EngineError>>();
            bar.inc(1);
            outcomes
        })
        .collect::<Result<_, EngineError>>()?;
    bar.finish_and_clear();
    let mut ways: Vec<Way> =
        own.into_iter().map(|(name, _)| Way { name, of_photos: Vec::new() }).collect();
    for (outcomes, example) in of_photos.into_iter().zip(&examples) {
        for (way, outcome) in ways.iter_mut().zip(outcomes) {
            way.of_photos.extend(restoration(outcome, example));
        }
    }

    let mut peers_examples = PeerExamples::new()?;
    for Example { scene, boxes } in &examples {
        peers_examples.add(&scene.photo, boxes, Some(&scene.masks.strokes))?;
    }
    let mut best: Option<Vec<PeerWay>> = None;
    if let Some(peers) = run_peers(peers_examples)? {
        println!("OpenCV {}, radius {PEERS_RADIUS}", peers.version);
        let best = best.insert(Vec::new());
        for (peer, way) in closest(&peers.ways, |peer| {
            let mut way = Way { name: peer.name(), of_photos: Vec::new() };
            for (number, example) in examples.iter().enumerate() {
                let outcome = Outcome::by_peer(&peers, peer, number)?;
                way.of_photos.extend(restoration(outcome, example));
            }
            Ok(way)
        })? {
            best.push(peer);
            ways.push(way);
        }
    }
    print_table(&ways);
    if let Some(folder) = &args.sheets {
        draw_sheets(folder, &ways, &examples, args.sheet_photos)?;
    }
    Ok(best)
}

fn draw(args: &Args) -> anyhow::Result<Vec<Example>> {
    let street = match &args.typefaces {
        Some(folder) => Street::with(Arc::new(Typefaces::open(folder, TypefaceSplit::Validation)?)),
        None => Street::default(),
    };
    let example = |n: u32| {
        let scene = street.scene(u64::from(args.seed) << 32 | u64::from(n));
        let size = PhotoSize { width: scene.photo.width(), height: scene.photo.height() };
        let boxes: Vec<BoxInPhoto> = scene.digits.iter().map(|digit| digit.area).collect();
        let boxes = grow(&boxes, args.grow, size);
        Example { scene, boxes }
    };
    let examples: Vec<Example> = (1..=args.photos).into_par_iter().map(example).collect();
    Ok(examples.into_iter().filter(|example| !example.boxes.is_empty()).collect())
}

/// An outcome with its figures; `None` when the peer changed the photo's size.
fn restoration(outcome: Outcome, example: &Example) -> Option<(Outcome, Restoration)> {
    let Example { scene: Scene { clean, masks, .. }, boxes } = example;
    let restoration = Restoration::measure(&outcome.after, clean, boxes, &masks.strokes)?;
    Some((outcome, restoration))
}

fn psnr(way: &Way) -> f64 {
    let figures = way.of_photos.iter().map(|(_, photo)| photo.psnr_in_boxes).collect();
    Spread::of(figures).map_or(f64::NEG_INFINITY, |spread| spread.mean)
}

/// Of the peers' ways that differ only in how far the mask is grown, the one with the highest
/// signal-to-noise ratio.
fn closest(
    ways: &[PeerWay],
    mut measure: impl FnMut(&PeerWay) -> anyhow::Result<Way>,
) -> anyhow::Result<Vec<(PeerWay, Way)>> {
    let mut best: Vec<(PeerWay, Way)> = Vec::new();
    for peer in ways {
        let way = measure(peer)?;
        let kind = |peer: &PeerWay| (peer.algorithm.clone(), peer.mask.clone());
        match best.iter_mut().find(|(other, _)| kind(other) == kind(peer)) {
            Some(known) if psnr(&way) > psnr(&known.1) => *known = (peer.clone(), way),
            Some(_) => {}
            None => best.push((peer.clone(), way)),
        }
    }
    best.sort_by_key(|(peer, _)| peer.algorithm.clone());
    Ok(best)
}

fn print_table(ways: &[Way]) {
    let photos = ways.first().map_or(0, |way| way.of_photos.len());
    println!("Against the truth, {photos} drawn photos: mean, and mean of the worst tenth");
    println!(
        "{:<36}{:>18}{:>18}{:>16}{:>22}{:>9}",
        "", "PSNR in boxes, dB", "on strokes, dB", "SSIM in boxes", "error off strokes", "ms"
    );
    for Way { name, of_photos } in ways {
        let figures = |of: &dyn Fn(&Restoration) -> Option<f64>| -> Vec<f64> {
            of_photos.iter().filter_map(|(_, photo)| of(photo)).collect()
        };
        let pair = |spread: Option<Spread>, decimals: usize| {
            spread.map_or_else(
                || "-".to_owned(),
                |Spread { mean, worst }| format!("{mean:.decimals$} {worst:>6.decimals$}"),
            )
        };
        let times = of_photos.iter().map(|(outcome, _)| outcome.milliseconds).collect();
        let time = Spread::of(times).map_or(f64::NAN, |spread| spread.mean);
        println!(
            "{name:<36}{:>18}{:>18}{:>16}{:>22}{time:>9.1}",
            pair(Spread::of(figures(&|photo| Some(photo.psnr_in_boxes))), 1),
            pair(Spread::of(figures(&|photo| photo.psnr_on_strokes)), 1),
            pair(Spread::of(figures(&|photo| Some(photo.ssim_in_boxes))), 3),
            pair(Spread::of_errors(figures(&|photo| photo.error_off_strokes)), 2),
        );
    }
    println!();
}

/// A sheet a way, named after it, with the photos on which it does worst.
fn draw_sheets(
    folder: &Path,
    ways: &[Way],
    examples: &[Example],
    photos: usize,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for Way { name, of_photos } in ways {
        let mut order: Vec<usize> = (0..of_photos.len().min(examples.len())).collect();
        order.sort_by(|&a, &b| {
            of_photos[a].1.psnr_in_boxes.total_cmp(&of_photos[b].1.psnr_in_boxes)
        });
        order.truncate(photos);
        let captions: Vec<String> = order
            .iter()
            .map(|&i| format!("photo {}: {:.1} dB", i + 1, of_photos[i].1.psnr_in_boxes))
            .collect();
        let rows: Vec<SheetRow<'_>> = order
            .iter()
            .zip(&captions)
            .map(|(&i, caption)| SheetRow {
                caption,
                before: &examples[i].scene.photo,
                boxes: &examples[i].boxes,
                marks: &of_photos[i].0.marks,
                after: &of_photos[i].0.after,
                truth: &examples[i].scene.clean,
            })
            .collect();
        let sheet: RgbImage = removal_sheet(&rows);
        let plain: String =
            name.chars().filter(|c| *c != ',' && *c != '+').collect::<String>().to_lowercase();
        let words: Vec<&str> = plain.split_whitespace().collect();
        let path = folder.join(format!("{}.png", words.join("-")));
        write_whole(&path, &png(&sheet)?).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
