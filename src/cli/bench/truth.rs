//! Compares the removal with the truth, on photos with drawn numbers: on drawn fronts, or on real
//! walls.

use std::{fs, path::Path, sync::Arc};

use image::RgbImage;
use indicatif::ProgressBar;
use rayon::iter::{IntoParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use super::removal::{Args, outcome, own_ways, run_peers};
use crate::{
    classifier::EngineError,
    cli::{Context as _, Result, boxes::grow, scenes::walls},
    drawing::png,
    evaluation::{
        Outcome, PEERS_RADIUS, PeerExamples, PeerWay, Restoration, SheetRow, Spread, removal_sheet,
    },
    files::write_whole,
    photo::{BoxInPhoto, PhotoSize},
    removal::{Method, Nets},
    synthetic::{Scene, Street, TypefaceSplit, Typefaces, WallError},
};

/// A drawn photo and the boxes in which it is measured.
struct Example {
    scene: Scene,
    boxes: Vec<BoxInPhoto>,
}

/// Which boxes a method gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Boxes {
    /// As they are measured.
    Measured,
    /// Each cuts its digit's strokes by a twentieth of its height on all sides, before it is grown
    /// like the others.
    Tight,
    /// One round the whole number.
    Whole,
}

/// By this percentage of its height a tight box is too small on each side.
const TIGHT_PERCENT: u32 = 5;

impl Example {
    fn boxes_as(&self, kind: Boxes, growth: u32) -> Vec<BoxInPhoto> {
        let size = PhotoSize { width: self.scene.photo.width(), height: self.scene.photo.height() };
        let digits = self.scene.digits.iter().map(|digit| digit.area);
        match kind {
            Boxes::Measured => self.boxes.clone(),
            Boxes::Tight => {
                let cut = |area: BoxInPhoto| {
                    let by = area.height * TIGHT_PERCENT / 100;
                    let by = by.min((area.width.min(area.height) - 1) / 2);
                    BoxInPhoto {
                        left: area.left + by,
                        top: area.top + by,
                        width: area.width - 2 * by,
                        height: area.height - 2 * by,
                    }
                };
                grow(&digits.map(cut).collect::<Vec<_>>(), growth, size)
            }
            Boxes::Whole => {
                let whole = digits.reduce(|a, b| a.union(&b));
                grow(&whole.into_iter().collect::<Vec<_>>(), growth, size)
            }
        }
    }
}

/// A method of this program, with its boxes.
struct OwnWay {
    name: String,
    /// `None` leaves the photo unchanged.
    method: Option<Method>,
    boxes: Boxes,
    /// Whether the result is checked, and more is filled if something is left.
    checked: bool,
}

/// The results of one method on all photos.
struct Way {
    name: String,
    of_photos: Vec<(Outcome, Restoration)>,
}

/// Prints the table and draws the sheets. Gives the peers' settings that came closest to the truth,
/// one for each algorithm and kind of mask; `None` without peers.
pub fn measure(args: &Args, nets: &Nets) -> Result<Option<Vec<PeerWay>>> {
    let examples = draw(args)?;
    let bar = ProgressBar::new(examples.len() as u64);
    let mut own: Vec<OwnWay> = own_ways()
        .into_iter()
        .map(|(name, method)| OwnWay { name, method, boxes: Boxes::Measured, checked: false })
        .collect();
    let doorplate = |name: &str, boxes, checked| {
        let (name, method) = (format!("doorplate, {name}"), Some(Method::default()));
        OwnWay { name, method, boxes, checked }
    };
    own.splice(
        2..2,
        [
            doorplate("checked", Boxes::Measured, true),
            doorplate("tight boxes", Boxes::Tight, false),
            doorplate("a box a number", Boxes::Whole, false),
        ],
    );
    let of_photos: Vec<Vec<Outcome>> = examples
        .par_iter()
        .map(|example| {
            let by = |way: &OwnWay| {
                let boxes = example.boxes_as(way.boxes, args.grow);
                match &way.method {
                    Some(method) if way.checked => {
                        Outcome::checked(method, &example.scene.photo, &boxes, nets)
                    }
                    method => outcome(method.as_ref(), &example.scene.photo, &boxes, nets),
                }
            };
            let outcomes = own.iter().map(by).collect::<Result<_, EngineError>>();
            bar.inc(1);
            outcomes
        })
        .collect::<Result<_, EngineError>>()?;
    bar.finish_and_clear();
    let mut ways: Vec<Way> =
        own.into_iter().map(|way| Way { name: way.name, of_photos: Vec::new() }).collect();
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
        tell!("OpenCV {}, radius {PEERS_RADIUS}", peers.version)?;
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
    print_table(&ways)?;
    if let Some(folder) = &args.sheets {
        draw_sheets(folder, &ways, &examples, args.sheet_photos)?;
    }
    Ok(best)
}

fn draw(args: &Args) -> Result<Vec<Example>> {
    let typefaces = match &args.typefaces {
        Some(folder) => Some(Arc::new(Typefaces::open(folder, TypefaceSplit::Validation)?)),
        None => None,
    };
    let walls = match &args.scenes {
        Some(folder) => Some(walls(folder, args.scene_boxes.as_deref())?),
        None => None,
    };
    let street = typefaces.clone().map_or_else(Street::default, Street::with);
    let example = |n: u32| {
        let seed = u64::from(args.seed) << 32 | u64::from(n);
        let scene = match &walls {
            Some(walls) => walls.scene(seed, typefaces.as_deref())?,
            None => street.scene(seed),
        };
        let size = PhotoSize { width: scene.photo.width(), height: scene.photo.height() };
        let boxes: Vec<BoxInPhoto> = scene.digits.iter().map(|digit| digit.area).collect();
        let boxes = grow(&boxes, args.grow, size);
        Ok(Example { scene, boxes })
    };
    let drawn: Result<Vec<Example>, WallError> =
        (1..=args.photos).into_par_iter().map(example).collect();
    let examples = drawn?;
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

/// Of the peers' settings that differ only in how far the mask is grown, the one with the highest
/// PSNR.
fn closest(
    ways: &[PeerWay],
    mut measure: impl FnMut(&PeerWay) -> Result<Way>,
) -> Result<Vec<(PeerWay, Way)>> {
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

fn print_table(ways: &[Way]) -> Result<()> {
    let photos = ways.first().map_or(0, |way| way.of_photos.len());
    tell!("Against the truth, {photos} drawn photos: mean, and mean of the worst tenth")?;
    tell!(
        "{:<36}{:>18}{:>18}{:>16}{:>22}{:>9}",
        "",
        "PSNR in boxes, dB",
        "on strokes, dB",
        "SSIM in boxes",
        "error off strokes",
        "ms"
    )?;
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
        tell!(
            "{name:<36}{:>18}{:>18}{:>16}{:>22}{time:>9.1}",
            pair(Spread::of(figures(&|photo| Some(photo.psnr_in_boxes))), 1),
            pair(Spread::of(figures(&|photo| photo.psnr_on_strokes)), 1),
            pair(Spread::of(figures(&|photo| Some(photo.ssim_in_boxes))), 3),
            pair(Spread::of_errors(figures(&|photo| photo.error_off_strokes)), 2),
        )?;
    }
    tell!("")?;
    Ok(())
}

/// A sheet for each method, named after it, with its worst photos.
fn draw_sheets(folder: &Path, ways: &[Way], examples: &[Example], photos: usize) -> Result<()> {
    fs::create_dir_all(folder).context(folder.display())?;
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
        write_whole(&path, &png(&sheet)?).context(path.display())?;
    }
    Ok(())
}
