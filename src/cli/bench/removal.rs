//! `doorplate bench removal`

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use image::RgbImage;

use super::{ghosts, time, traces, truth};
use crate::{
    classifier::EngineError,
    cli::{
        WrongArgument,
        model::{ModelArgs, NamedNets},
    },
    evaluation::{Outcome, PeerExamples, Peers, PeersError},
    photo::BoxInPhoto,
    removal::{Method, Nets, USUAL_GROWTH_PERCENT},
};

/// Removal beside the untouched photo, the report's four methods and OpenCV's inpainting: against
/// the truth on drawn photos, by what is left to see on real ones, and by time.
///
/// OpenCV runs in the Python that the environment's PYTHON names, else in python3; where that has
/// no cv2, its lines are left out. Radius 5; a mask is grown by 0, 1 or 2 pixels, whichever comes
/// closest to the truth.
#[derive(Debug, Parser)]
pub struct Args {
    /// What is measured, with commas [default: truth, time, traces with --data, and ghosts with
    /// --signs].
    #[arg(long, value_delimiter = ',', value_name = "WHAT")]
    measure: Vec<Measure>,
    /// How many photos are drawn.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    pub photos: u32,
    /// Draws the photos, and places the patches without digits on real ones.
    #[arg(long, default_value_t = 1000)]
    pub seed: u32,
    /// Folder with the typefaces that `make typefaces` fetches, of which those held back are used;
    /// without it the program's own digits write all numbers.
    #[arg(long)]
    pub typefaces: Option<PathBuf>,
    /// Percent of its height by which each box is grown on all sides before it is removed; what is
    /// measured are the grown boxes.
    #[arg(long, value_name = "PERCENT", default_value_t = USUAL_GROWTH_PERCENT)]
    pub grow: u32,
    /// Draw the numbers on parts of the photos in this folder that show none, instead of on drawn
    /// house fronts; they should be photos that training never saw.
    #[arg(long, value_name = "FOLDER")]
    pub scenes: Option<PathBuf>,
    /// Where those photos show numbers, as for `data synth`.
    #[arg(long, value_name = "PATH", requires = "scenes")]
    pub scene_boxes: Option<PathBuf>,
    /// Draw a sheet a method into this folder: before, key pixels or mask, after, truth, error
    /// times 4; the worst photos first.
    #[arg(long, value_name = "FOLDER")]
    pub sheets: Option<PathBuf>,
    /// How many photos a sheet shows.
    #[arg(long, value_name = "NUMBER", default_value_t = 12, requires = "sheets")]
    pub sheet_photos: usize,
    /// Format 1 folder with real photos.
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Folder with photos of numbers and their boxes, beside them (JSON, VOC or YOLO): all are
    /// removed, and a general OCR (RapidOCR, in that Python) looks for what is left of them.
    #[arg(long, value_name = "FOLDER")]
    pub signs: Option<PathBuf>,
    /// How many of these photos, spread over the folder.
    #[arg(long, value_name = "NUMBER", default_value_t = 50, requires = "signs")]
    pub sign_photos: usize,
    /// The model that says what can still be read on real photos [default: the manifest's first
    /// that takes no part in the removal].
    #[arg(long, value_name = "NAME", requires = "data")]
    judge: Option<String>,
    #[command(flatten)]
    model: ModelArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Measure {
    /// How close drawn photos come to the truth.
    Truth,
    /// What is left to see on real photos.
    Traces,
    /// What a general OCR still reads where numbers were removed.
    Ghosts,
    /// Time by box size, on one core.
    Time,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let asked = |what: Measure| args.measure.is_empty() || args.measure.contains(&what);
    if args.measure.contains(&Measure::Traces) && args.data.is_none() {
        let needs = "--measure traces looks at real photos; name their folder with --data";
        return Err(WrongArgument(needs.to_owned()).into());
    }
    if args.measure.contains(&Measure::Ghosts) && args.signs.is_none() {
        let needs = "--measure ghosts looks at photos of numbers; name their folder with --signs";
        return Err(WrongArgument(needs.to_owned()).into());
    }
    let NamedNets { nets, model: used, .. } = args.model.load_nets()?;
    // Looked for at once, so that a wrong name is not told after minutes.
    let real = match &args.data {
        Some(folder) if asked(Measure::Traces) => {
            Some((folder, args.model.load_judge(args.judge.as_deref(), &used)?))
        }
        _ => None,
    };
    let mut best = None;
    if asked(Measure::Truth) {
        best = truth::measure(args, &nets)?;
    }
    if let Some((folder, judge)) = real {
        traces::measure(args, folder, &judge, &nets, best.as_deref())?;
    }
    if let Some(folder) = args.signs.as_ref().filter(|_| asked(Measure::Ghosts)) {
        ghosts::measure(args, folder, &nets)?;
    }
    if asked(Measure::Time) {
        time::measure(&nets)?;
    }
    Ok(())
}

/// The ways of this program, with their names: the photo as it is, and every method.
pub fn own_ways() -> Vec<(String, Option<Method>)> {
    let methods = Method::all().into_iter().map(|method| (method.name().to_owned(), Some(method)));
    std::iter::once(("untouched".to_owned(), None)).chain(methods).collect()
}

/// What one of these ways makes of a photo.
pub fn outcome(
    way: Option<&Method>,
    photo: &RgbImage,
    boxes: &[BoxInPhoto],
    nets: &Nets,
) -> Result<Outcome, EngineError> {
    match way {
        Some(method) => Outcome::by_method(method, photo, boxes, nets),
        None => Ok(Outcome::untouched(photo)),
    }
}

/// Runs the peers; `None`, said aloud, where there are none.
pub fn run_peers(examples: PeerExamples) -> Result<Option<Peers>, PeersError> {
    match examples.run() {
        Ok(peers) => Ok(Some(peers)),
        Err(error @ PeersError::NoPython { .. }) => {
            println!("OpenCV is left out: {error}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
