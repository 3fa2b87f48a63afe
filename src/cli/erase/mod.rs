//! `doorplate erase`

mod apart;
pub(super) mod batch;
mod feed;
mod inputs;
mod memory;
mod one;
pub(super) mod records;
mod state;
mod verify;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Parser;
use image::ImageFormat;

use self::{inputs::Shard, memory::Size};
use super::{
    WrongArgument,
    boxes::{given_or_none, grow, read_boxes},
    finding::{Finding, FindingArgs},
    method::MethodArgs,
    model::ModelArgs,
    read::{numbers_in, numbers_json, open_photo, photo_file, readings_json},
};
use crate::{
    boxes::BoxFormat,
    classifier::EngineError,
    cli::{Context as _, Result},
    fault::{AtFault, Fault},
    files::{printable, write_again},
    photo::{BoxInPhoto, Change, Encoding, JpegError, Photo, Written},
    removal::{
        Check, Erasure, Fill, Method, Nets, Proven, USUAL_GROWTH_PERCENT, remove_proven,
        remove_watched,
    },
};

/// Remove the digits from a photo, or from many: those in boxes, or those that are found.
///
/// Given a folder, or a list of photos on standard input, it writes each photo to the output folder
/// in the photo's own format, and prints a line of JSON for it. If a photo fails, the line says
/// why, and the others are still done. If the command is run again, it skips photos that are done.
/// A photo is done again if its size or modification time, its boxes, an option that affects the
/// result, the model, or the result itself has changed.
#[derive(Debug, Parser)]
#[command(after_help = crate::cli::examples!(
    "doorplate erase photo.jpg -o out.jpg",
    "doorplate erase photo.jpg --boxes boxes.json -o out.png",
    "doorplate erase photos -o erased",
    "doorplate erase photos --boxes labels.csv -o erased --no-readings",
    "find photos -name '*.jpg' -print0 | doorplate erase - -0 --root photos --boxes b.csv -o erased",
))]
pub struct Args {
    /// The photo; or a folder of photos, including its subfolders; or - for a list of photos on
    /// standard input, one path per line.
    photo: PathBuf,
    /// The boxes: Doorplate's JSON, CSV, a COCO JSON, SVHN's digitStruct.mat, or a folder with the
    /// same subfolders as the photos' and a file for each photo (<stem>.boxes.json, VOC's
    /// <stem>.xml or YOLO's <stem>.txt) [default: <stem>.boxes.json beside the photo; without such a
    /// file, the digits are found].
    #[arg(long)]
    boxes: Option<PathBuf>,
    /// The format of the boxes, if the file's name does not show it.
    #[arg(long, value_name = "FORMAT")]
    boxes_format: Option<BoxFormat>,
    /// The result: for one photo a file, as PNG or in the photo's own format; for many photos a
    /// folder, which is created if needed.
    #[arg(short, long)]
    output: PathBuf,
    /// Enlarge each box by this percentage of its height on all sides, because tight boxes often
    /// cut strokes short. Strokes are followed a little further. All other pixels outside are
    /// unchanged, apart from rounding in GIF files and in the blocks of a JPEG that are filled.
    #[arg(long, value_name = "PERCENT", default_value_t = USUAL_GROWTH_PERCENT)]
    grow: u32,
    /// Print one JSON object with readings, checks and time. For many photos there is always a line
    /// of JSON each.
    #[arg(long)]
    json: bool,
    /// Do not check the result for visible remains of digits, and do not fill more where there are
    /// some. This is faster.
    #[arg(long)]
    no_check: bool,
    /// Leave readings out of the JSON and of messages, so that these can be shared without
    /// revealing what was removed.
    #[arg(long)]
    no_readings: bool,
    /// Write no result for photos in which nothing is found, instead of the same photo again.
    #[arg(long)]
    skip_empty: bool,
    #[command(flatten)]
    finding: FindingArgs,
    #[command(flatten)]
    many: Many,
    #[command(flatten)]
    method: MethodArgs,
    #[command(flatten)]
    model: ModelArgs,
}

/// The options for many photos.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "For many photos")]
struct Many {
    /// Paths on standard input are separated by zero bytes instead of line ends.
    #[arg(short = '0', long)]
    null: bool,
    /// The folder that holds all listed photos. A result gets the same path in the output folder as
    /// its photo has in this folder [default: the current folder; for absolute paths /].
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Do only part I of N, counted from 0, for example 0/4. A photo's name decides to which part
    /// it belongs.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Number of photos at the same time [default: the number of cores].
    #[arg(long, value_name = "NUMBER")]
    jobs: Option<NonZeroUsize>,
    /// Keep the EXIF data of JPEG, PNG and WebP, including the place where the photo was taken.
    /// Previews and maker's notes are removed, because they show the original photo.
    #[arg(long)]
    keep_exif: bool,
    /// Write photos that have no entry in the boxes, with their digits, instead of reporting them
    /// as failed. Only their metadata are removed, unless --keep-exif is given.
    #[arg(long)]
    pass_unlisted: bool,
    /// Memory that may be used, for example 2GB. Photos that would take more together wait for each
    /// other, and one that would take more alone is refused [default: three quarters of what is free,
    /// and for one photo of what the machine has].
    #[arg(long, value_name = "SIZE")]
    memory: Option<Size>,
    /// Try photos again that are skipped because the program was killed while it did them alone.
    #[arg(long)]
    retry: bool,
    /// Do this photo only. The program starts itself so for photos that were in work when an
    /// earlier run was killed.
    #[arg(long, value_name = "PHOTO", hide = true)]
    apart: Option<PathBuf>,
    /// Do no photo, but look at the results of an earlier run with the same arguments: which are
    /// whole, missing, changed or outdated, and on which something of a digit may still be visible.
    #[arg(long)]
    verify: bool,
}

impl Many {
    /// An option that is given, but has no meaning for one photo.
    fn given(&self) -> Option<&'static str> {
        [
            (self.null, "-0"),
            (self.root.is_some(), "--root"),
            (self.shard.is_some(), "--shard"),
            (self.jobs.is_some(), "--jobs"),
            (self.keep_exif, "--keep-exif"),
            (self.pass_unlisted, "--pass-unlisted"),
            (self.memory.is_some(), "--memory"),
            (self.retry, "--retry"),
            (self.apart.is_some(), "--apart"),
            (self.verify, "--verify"),
        ]
        .into_iter()
        .find_map(|(given, name)| given.then_some(name))
    }
}

pub fn run(args: &Args) -> Result<()> {
    if args.photo.as_os_str() == "-" || args.photo.is_dir() {
        return batch::run(args);
    }
    if let Some(option) = args.many.given() {
        let only = format!("{option} is for a folder of photos, or - for a list of them");
        return Err(WrongArgument(only).into());
    }
    erase_one(args)
}

fn erase_one(args: &Args) -> Result<()> {
    let method = args.method.method()?;
    let png = ImageFormat::from_path(&args.output).is_ok_and(|format| format == ImageFormat::Png);
    let mut photo = open_photo(&args.photo)?;
    if let (Ok(photo), Ok(output)) = (args.photo.canonicalize(), args.output.canonicalize())
        && photo == output
    {
        let same = format!("{}: this is the photo itself", args.output.display());
        return Err(WrongArgument(same).into());
    }
    let own = if png { None } else { Some(own_encoding(&args.photo, &args.output)?) };
    let file = args.boxes.as_deref();
    let given = read_boxes(file, args.boxes_format, &args.photo, photo.size());
    let given = given_or_none(given, file)?;
    let nets = args.model.load_nets()?.nets;
    let finds = args.finding.finds(given.is_none());
    let mut boxes = given.unwrap_or_default();
    if finds {
        let finding = Finding::load(&args.finding.options, &args.model, nets.classifier.clone())?;
        boxes.extend(finding.find_beside(&photo, &boxes)?);
    }
    let read = match args.no_readings {
        true => Vec::new(),
        false => pollster::block_on(nets.read(&photo, &boxes))?,
    };
    let grown = grow(&boxes, args.grow, photo.size());
    let started = Instant::now();
    let Proven { fills, checks } =
        pollster::block_on(removed(&photo, &grown, &method, &nets, args.no_check))?;
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    for fill in &fills {
        fill.lay_on(&mut photo);
    }
    let nothing = boxes.is_empty();
    if nothing {
        note!("doorplate: {}: no number found", printable(&args.photo.to_string_lossy()));
    }
    let Written { bytes, blocks } = match own {
        Some((encoding, file)) => {
            let changes: Vec<Change<'_>> = fills.iter().map(Fill::change).collect();
            encoding.write_changed(&file, &photo, &changes)?
        }
        None => Written { bytes: photo.to_png()?, blocks: None },
    };
    if !(nothing && args.skip_empty) {
        write_again(&args.output, &bytes).context(args.output.display())?;
    }
    let numbers = numbers_in(&read);
    let mut report = serde_json::json!({
        "photo": args.photo.to_string_lossy(),
        "output": args.output.to_string_lossy(),
        "grown_by_percent": args.grow,
        "method": method.name(),
        "readings": readings_json(&read),
        "numbers": numbers_json(&numbers),
        "checks": checks_json(&checks),
        "removal_milliseconds": milliseconds,
    });
    if let Some(said) = note_blocks(&mut report, blocks) {
        note!("doorplate: {}: {said}", printable(&args.photo.display().to_string()));
    }
    if args.no_readings {
        leave_readings_out(&mut report);
    }
    if args.json {
        tell!("{report}")?;
    } else if !nothing {
        let removed = match args.no_readings {
            true => "the digits".to_owned(),
            false => {
                let numbers = numbers.iter().map(|number| number.digits.as_str());
                numbers.collect::<Vec<_>>().join(", ")
            }
        };
        let message = format!(
            "{}: removed {removed} in {milliseconds:.1} ms, written to {}",
            args.photo.display(),
            args.output.display()
        );
        tell!("{}", printable(&message))?;
    }
    match left_in(&checks) {
        0 => Ok(()),
        boxes => Err(LeftError::OnPhoto { photo: args.photo.clone(), boxes }.into()),
    }
}

/// The photo's own encoding, which the name of the result must match, and its file.
fn own_encoding(photo: &Path, output: &Path) -> Result<(Encoding, Vec<u8>)> {
    let bytes = photo_file(photo)?;
    let encoding = Encoding::of(&bytes, false)?;
    if !encoding.is_named(output) {
        return Err(WrongArgument(format!(
            "{}: the result is a PNG or has the photo's own format; give a name that ends in .png, \
             or as the photo's name does",
            output.display()
        ))
        .into());
    }
    Ok((encoding, bytes))
}

/// A removal with its check. There is no check if `no_check` is set, or for the report's methods,
/// which are here for comparison.
async fn removed(
    photo: &Photo,
    boxes: &[BoxInPhoto],
    method: &Method,
    nets: &Nets,
    no_check: bool,
) -> Result<Proven, EngineError> {
    let erasure = Erasure::of(boxes);
    if no_check || matches!(method, Method::Report(_)) {
        let fills = remove_watched(photo, &erasure, method, nets, &mut |_| {}).await?;
        return Ok(Proven { fills, checks: Vec::new() });
    }
    remove_proven(photo, &erasure, method, nets).await
}

/// Says in a photo's JSON how a JPEG was written; returns a note if all of it was encoded again.
fn note_blocks(
    said: &mut serde_json::Value,
    blocks: Option<Result<(), JpegError>>,
) -> Option<String> {
    let (written, reason) = match blocks? {
        Ok(()) => ("blocks", None),
        Err(reason) => ("reencoded", Some(reason.to_string())),
    };
    if let Some(said) = said.as_object_mut() {
        said.insert("written".to_owned(), written.into());
        if let Some(reason) = &reason {
            said.insert("reencoded_because".to_owned(), reason.as_str().into());
        }
    }
    let note = |reason| format!("the whole JPEG was encoded again, because {reason}");
    reason.map(note)
}

/// Removes readings and numbers from a photo's JSON.
fn leave_readings_out(said: &mut serde_json::Value) {
    if let Some(said) = said.as_object_mut() {
        said.remove("readings");
        said.remove("numbers");
    }
}

/// What the second look found in each box, in their order.
fn checks_json(checks: &[Check]) -> serde_json::Value {
    let one = |check: &Check| {
        serde_json::json!({
            "box": check.area,
            "residue": check.residue,
            "legible": check.legible,
            "unchanged": check.unchanged,
            "passes": check.passes(),
        })
    };
    checks.iter().map(one).collect()
}

/// Boxes in which something is left of a digit.
fn left_in(checks: &[Check]) -> usize {
    checks.iter().filter(|check| !check.passes()).count()
}

/// Everything is written, but digits may still be visible.
#[derive(Debug, thiserror::Error)]
pub enum LeftError {
    /// On the only photo.
    #[error(
        "{}: in {boxes} of its boxes something of a digit may still be visible: look at the \
         result, and try a larger --grow, a tighter box, or the page's brush",
        photo.display()
    )]
    OnPhoto {
        /// The photo.
        photo: PathBuf,
        /// How many boxes.
        boxes: usize,
    },
    /// On some of many.
    #[error(
        "on {photos} of {all} photos something of a digit may still be visible (\"left\" in their \
         lines): look at those results, and try a larger --grow or tighter boxes"
    )]
    OnSome {
        /// Photos with something left.
        photos: u64,
        /// Photos in all.
        all: u64,
    },
}

impl AtFault for LeftError {
    fn fault(&self) -> Fault {
        Fault::Left
    }
}
