//! `doorplate bench removal`

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use image::RgbImage;

use super::{ghosts, time, traces, truth};
use crate::{
    classifier::EngineError,
    cli::{
        Result, WrongArgument,
        model::{ModelArgs, NamedNets},
    },
    evaluation::{Outcome, PeerExamples, Peers, PeersError},
    photo::BoxInPhoto,
    removal::{Method, Nets, USUAL_GROWTH_PERCENT},
};

/// Compare the removal with the unchanged photo, the report's four methods and OpenCV's inpainting:
/// by the difference from the truth on drawn photos, by what remains visible on real photos, and by
/// time.
///
/// OpenCV runs in the Python that the environment variable PYTHON names, by default python3.
/// Without cv2 there, its rows are left out. Its radius is 5, and its masks are grown by 0, 1 or 2
/// pixels, whichever gives the best result.
#[derive(Debug, Parser)]
#[command(after_help = crate::cli::examples!(
    "doorplate bench removal --measure time",
    "doorplate bench removal --photos 60 --scenes photos --sheets sheets",
    "doorplate bench removal --data svhn/test --judge tensorflow",
))]
pub struct Args {
    /// What is measured, separated by commas [default: truth and time, with --data also traces,
    /// with --signs also ghosts].
    #[arg(long, value_delimiter = ',', value_name = "WHAT")]
    measure: Vec<Measure>,
    /// Number of drawn photos.
    #[arg(long, help_heading = "Drawn photos", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    pub photos: u32,
    /// Seed of the drawn photos, and of the places of patches without digits on real photos.
    #[arg(long, help_heading = "Drawn photos", default_value_t = 1000)]
    pub seed: u32,
    /// Folder with the typefaces that `make typefaces` fetches; only those held back from training
    /// are used [default: the program's own digits].
    #[arg(long, help_heading = "Drawn photos")]
    pub typefaces: Option<PathBuf>,
    /// Enlarge each box by this percentage of its height on all sides before the removal. The grown
    /// boxes are measured.
    #[arg(long, value_name = "PERCENT", default_value_t = USUAL_GROWTH_PERCENT)]
    pub grow: u32,
    /// Draw the numbers on the photos in this folder, where they show no number, instead of on
    /// drawn house fronts. Use photos that training never saw.
    #[arg(long, help_heading = "Drawn photos", value_name = "FOLDER")]
    pub scenes: Option<PathBuf>,
    /// Where those photos show numbers, as for `data synth`.
    #[arg(long, help_heading = "Drawn photos", value_name = "PATH", requires = "scenes")]
    pub scene_boxes: Option<PathBuf>,
    /// Draw a sheet for each method into this folder: before, key pixels or mask, after, truth,
    /// error times 4; the worst photos first.
    #[arg(long, help_heading = "Drawn photos", value_name = "FOLDER")]
    pub sheets: Option<PathBuf>,
    /// Number of photos on a sheet.
    #[arg(
        long,
        help_heading = "Drawn photos",
        value_name = "NUMBER",
        default_value_t = 12,
        requires = "sheets"
    )]
    pub sheet_photos: usize,
    /// Format 1 folder with real photos.
    #[arg(long, help_heading = "Real photos", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Folder with photos of numbers, with box files beside them (JSON, VOC or YOLO). All numbers
    /// are removed, and a general OCR (RapidOCR, in the same Python) searches for digits that are
    /// left.
    #[arg(long, help_heading = "Real photos", value_name = "FOLDER")]
    pub signs: Option<PathBuf>,
    /// Number of these photos, spread evenly over the folder.
    #[arg(
        long,
        help_heading = "Real photos",
        value_name = "NUMBER",
        default_value_t = 50,
        requires = "signs"
    )]
    pub sign_photos: usize,
    /// The model that tries to read what is left on real photos [default: the manifest's first
    /// model that is not used in the removal].
    #[arg(long, help_heading = "Real photos", value_name = "NAME", requires = "data")]
    judge: Option<String>,
    #[command(flatten)]
    model: ModelArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Measure {
    /// Difference from the truth, on drawn photos.
    Truth,
    /// What remains visible, on real photos.
    Traces,
    /// What a general OCR still reads where numbers were removed.
    Ghosts,
    /// Time by box size, on one core.
    Time,
}

pub fn run(args: &Args) -> Result<()> {
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
    // Loaded first, so that a wrong name is reported at once and not after minutes.
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

/// What this program is compared by, with names: the unchanged photo, and every method.
pub fn own_ways() -> Vec<(String, Option<Method>)> {
    let methods = Method::all().into_iter().map(|method| (method.name().to_owned(), Some(method)));
    std::iter::once(("untouched".to_owned(), None)).chain(methods).collect()
}

/// The result of one method on a photo, or the unchanged photo.
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

/// Runs the peers; `None`, with a message, if there are none.
pub fn run_peers(examples: PeerExamples) -> Result<Option<Peers>> {
    match examples.run() {
        Ok(peers) => Ok(Some(peers)),
        Err(error @ PeersError::NoPython { .. }) => {
            tell!("OpenCV is left out: {error}")?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
