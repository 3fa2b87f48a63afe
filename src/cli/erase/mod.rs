//! `doorplate erase`

mod apart;
pub(super) mod archive;
pub(super) mod batch;
mod eraser;
mod feed;
mod inputs;
mod one;
pub(super) mod records;
mod state;
mod verify;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::{Parser, ValueEnum, builder::PossibleValue};
use image::ImageFormat;

use self::inputs::Shard;
use super::{
    WrongArgument,
    boxes::{BoxSource, BoxesError, given_or_none, read_boxes_of},
    finding::{Finding, FindingArgs},
    masks::mask_of,
    memory::Size,
    method::MethodArgs,
    model::ModelArgs,
    places::{keep, keep_out_of},
    read::{check_memory, numbers_in, numbers_json, open_photo, photo_file, readings_json},
};
use crate::{
    boxes::BoxFormat,
    classifier::EngineError,
    cli::{Context as _, Result},
    fault::{AtFault, Fault},
    files::{printable, write_again},
    finder::MEMORY_OF_FINDING,
    photo::{
        Change, Encoding, JpegError, LeftOut, MEMORY_OF_BOXES, Metadata, Photo, SaveChoice,
        SavedFormat, Written,
    },
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
    "doorplate erase --tar < photos.tar > erased.tar",
))]
pub struct Args {
    /// The photo; or a folder of photos, including its subfolders; or - for a list of photos on
    /// standard input, one path per line.
    #[arg(required_unless_present = "tar")]
    photo: Option<PathBuf>,
    /// The boxes: Doorplate's JSON, CSV, a COCO JSON, SVHN's digitStruct.mat, or a folder with the
    /// same subfolders as the photos' and a file for each photo (<stem>.boxes.json, VOC's
    /// <stem>.xml or YOLO's <stem>.txt) [default: <stem>.boxes.json beside the photo; without such a
    /// file, the digits are found].
    #[arg(long)]
    boxes: Option<PathBuf>,
    /// The format of the boxes, if the file's name does not show it.
    #[arg(long, value_name = "FORMAT")]
    boxes_format: Option<BoxFormat>,
    /// The boxes were drawn on photos as they are stored, before their EXIF orientation turns them
    /// upright. Boxes that only fit so are refused without this.
    #[arg(long)]
    boxes_as_stored: bool,
    /// Fill what masks say, and nothing else: pictures of the photos' size, black but for what is to be
    /// filled, as other tools' segmentations. For one photo its mask, for many a folder with the same
    /// subfolders as the photos' and <stem>.png for each.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["boxes", "boxes_format", "find"])]
    masks: Option<PathBuf>,
    /// Write a mask of what was changed for each photo: black, and white where it was changed. For one
    /// photo the name of a PNG; for many a folder, in which masks are called <stem>.png.
    #[arg(long, value_name = "PATH")]
    write_masks: Option<PathBuf>,
    /// The result: for one photo a file, as PNG, JPEG, WebP or in the photo's own format; for many
    /// photos a folder, which is created if needed.
    #[arg(short, long, required_unless_present = "tar")]
    output: Option<PathBuf>,
    /// Read a tar archive from standard input: photos, each with its box file before or behind it if
    /// it has one. Write an archive to standard output in the same order: for each photo its result
    /// under the same name, and a record <name>.json, which holds nothing that was read.
    #[arg(long, conflicts_with_all = ["photo", "output", "json", "null", "root", "shard", "retry", "apart", "verify", "masks", "write_masks"])]
    tar: bool,
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
    /// Leave readings, the boxes of checks and names of classes out of the JSON and of messages, so
    /// that these can be shared without revealing what was removed, and where.
    #[arg(long)]
    no_readings: bool,
    /// Write no result for photos in which nothing is found, instead of the same photo again.
    #[arg(long)]
    skip_empty: bool,
    /// Which metadata the result keeps: none, all but the place where the photo was taken, or all.
    /// A panorama always keeps its geometry. Previews, gain maps, other pictures in the file, and
    /// blocks of Photoshop and of camera makers are always left out, because they show the original
    /// photo; \"metadata_left_out\" in the JSON says what was.
    #[arg(long, value_name = "CHOICE", default_value = Metadata::None.name())]
    metadata: Metadata,
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
    /// Write photos that have no entry in the boxes, with their digits, instead of reporting them
    /// as failed. Only metadata are removed, as --metadata says.
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
    let (Some(photo), Some(output)) = (&args.photo, &args.output) else {
        // Nothing else is accepted without them.
        return archive::run(args);
    };
    if photo.as_os_str() == "-" || photo.is_dir() {
        return batch::run(args, photo, output);
    }
    if let Some(option) = args.many.given() {
        let only = format!("{option} is for a folder of photos, or - for a list of them");
        return Err(WrongArgument(only).into());
    }
    erase_one(args, photo, output)
}

/// Where boxes come from.
fn source(args: &Args) -> Result<BoxSource, BoxesError> {
    match &args.masks {
        Some(masks) => BoxSource::open_masks(masks),
        None => BoxSource::open(args.boxes.as_deref(), args.boxes_format),
    }
}

/// Refuses masks for a method that does not follow them.
fn check_masks(args: &Args, method: &Method) -> Result<()> {
    match (&args.masks, method) {
        (Some(_), Method::Report(_)) => {
            let not = format!("--masks: the method {} fills whole boxes", method.name());
            Err(WrongArgument(not).into())
        }
        _ => Ok(()),
    }
}

fn erase_one(args: &Args, path: &Path, output: &Path) -> Result<()> {
    let method = args.method.method()?;
    check_masks(args, &method)?;
    let mut photo = open_photo(path)?;
    check_places(args, path, output)?;
    let (encoding, photo_file) = encoding_of(path, output, args.metadata)?;
    let file = args.masks.as_deref().or(args.boxes.as_deref());
    let given =
        source(args).and_then(|source| read_boxes_of(&source, path, &photo, args.boxes_as_stored));
    let given = given_or_none(given, file)?;
    let nets = args.model.load_nets_for(&method)?.nets;
    let finds = args.finding.finds(given.is_none());
    let mut boxes = given.unwrap_or_default();
    if finds {
        check_memory(path, MEMORY_OF_FINDING, 0)?;
        let finding = Finding::load(&args.finding.options, &args.model, nets.clone())?;
        boxes.areas.extend(finding.find_to_remove(&photo, &boxes.all())?);
    }
    let erasure = boxes.erasure(args.grow, photo.size());
    let pixels = erasure.boxes.iter().map(|area| u64::from(area.width) * u64::from(area.height));
    check_memory(path, 0, pixels.sum::<u64>().saturating_mul(MEMORY_OF_BOXES))?;
    let read = match args.no_readings {
        true => Vec::new(),
        false => pollster::block_on(nets.read(&photo, &boxes.areas))?,
    };
    let started = Instant::now();
    let Proven { fills, checks } =
        pollster::block_on(removed(&photo, &erasure, &method, &nets, args.no_check))?;
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    for fill in &fills {
        fill.lay_on(&mut photo);
    }
    let nothing = boxes.areas.is_empty();
    if nothing {
        let why = if boxes.kept.is_empty() { "no number found" } else { "all digits are kept" };
        note!("doorplate: {}: {why}", printable(&path.to_string_lossy()));
    }
    let changes: Vec<Change<'_>> = fills.iter().map(Fill::change).collect();
    let Written { bytes, blocks, left_out } =
        encoding.write_changed(&photo_file, &photo, &changes)?;
    if !(nothing && args.skip_empty) {
        write_again(output, &bytes).context(output.display())?;
        if let Some(path) = &args.write_masks {
            write_again(path, &mask_of(photo.size(), &changes)?).context(path.display())?;
        }
    }
    let numbers = numbers_in(&read);
    let mut report = serde_json::json!({
        "photo": path.to_string_lossy(),
        "output": output.to_string_lossy(),
        "grown_by_percent": args.grow,
        "method": method.name(),
        "readings": readings_json(&read),
        "numbers": numbers_json(&numbers),
        "checks": checks_json(&checks, &nets),
        "metadata_left_out": left_out_json(&left_out),
        "removal_milliseconds": milliseconds,
    });
    if let Some(said) = note_blocks(&mut report, blocks) {
        note!("doorplate: {}: {said}", printable(&path.display().to_string()));
    }
    // Who asks for none knows that all are left out.
    if args.metadata != Metadata::None && !left_out.is_empty() {
        let names: Vec<&str> = left_out.iter().map(|what| what.description()).collect();
        let photo = printable(&path.display().to_string());
        note!("doorplate: {photo}: left out: {}", names.join(", "));
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
            path.display(),
            output.display()
        );
        tell!("{}", printable(&message))?;
    }
    match left_in(&checks) {
        0 => Ok(()),
        boxes => Err(LeftError::OnPhoto { photo: path.to_owned(), boxes }.into()),
    }
}

/// Refuses to write over the photo, or what is given with it, or two files in one place.
fn check_places(args: &Args, photo: &Path, output: &Path) -> Result<()> {
    let mut given = vec![(photo, "the photo")];
    given.extend(args.masks.iter().map(|masks| (masks.as_path(), "the given mask")));
    given.extend(args.boxes.iter().map(|boxes| (boxes.as_path(), "the file of boxes")));
    let mut outputs = vec![output];
    keep(output, &given)?;
    if let Some(mask) = &args.write_masks {
        let is_png = mask.extension().is_some_and(|it| it.eq_ignore_ascii_case("png"));
        if !is_png {
            let png = format!("{}: a mask is a PNG; give a name that ends in .png", mask.display());
            return Err(WrongArgument(png).into());
        }
        given.push((output, "the result"));
        keep(mask, &given)?;
        outputs.push(mask);
    }
    if let Some(masks) = args.masks.as_deref().filter(|masks| masks.is_dir()) {
        for output in outputs {
            keep_out_of(masks, "the folder of the given masks", output)?;
        }
    }
    Ok(())
}

/// The encoding of the result, as its name says, and the photo's file if that is needed for it.
fn encoding_of(photo: &Path, output: &Path, metadata: Metadata) -> Result<(Encoding, Vec<u8>)> {
    let bytes = photo_file(photo)?;
    let format = match ImageFormat::from_path(output) {
        Ok(ImageFormat::Png) => SavedFormat::Png,
        Ok(ImageFormat::Jpeg) => SavedFormat::Jpeg,
        Ok(ImageFormat::WebP) => SavedFormat::WebP,
        _ => SavedFormat::Own,
    };
    let choice = SaveChoice { format, metadata, ..SaveChoice::default() };
    let encoding = Encoding::chosen(&bytes, choice)?;
    if !encoding.is_named(output) {
        return Err(WrongArgument(format!(
            "{}: the result is a PNG, JPEG or WebP, or has the photo's own format; give a name that \
             ends in .png, .jpg or .webp, or as the photo's name does",
            output.display()
        ))
        .into());
    }
    let file = Some(bytes).filter(|_| encoding.needs_file()).unwrap_or_default();
    Ok((encoding, file))
}

impl ValueEnum for Metadata {
    fn value_variants<'a>() -> &'a [Self] {
        &[Metadata::None, Metadata::NoPlace, Metadata::All]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

/// A removal with its check. There is no check if `no_check` is set, or for the report's methods,
/// which are here for comparison.
async fn removed(
    photo: &Photo,
    erasure: &Erasure,
    method: &Method,
    nets: &Nets,
    no_check: bool,
) -> Result<Proven, EngineError> {
    if no_check || matches!(method, Method::Report(_)) {
        let fills = remove_watched(photo, erasure, method, nets, &mut |_| {}).await?;
        return Ok(Proven { fills, checks: Vec::new() });
    }
    remove_proven(photo, erasure, method, nets).await
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

/// What of a photo's file is not in its result.
fn left_out_json(left_out: &[LeftOut]) -> serde_json::Value {
    left_out.iter().map(|what| what.name()).collect()
}

/// Removes from a photo's JSON what was read, and where.
fn leave_readings_out(said: &mut serde_json::Value) {
    if let Some(said) = said.as_object_mut() {
        said.remove("readings");
        said.remove("numbers");
    }
    let checks = said.get_mut("checks").and_then(serde_json::Value::as_array_mut);
    for check in checks.into_iter().flatten() {
        if let Some(fields) = check.as_object_mut() {
            fields.remove("box");
        }
    }
}

/// What the second look found in each box, in their order. Without the network that finds strokes,
/// nobody knows what is left of them.
fn checks_json(checks: &[Check], nets: &Nets) -> serde_json::Value {
    let one = |check: &Check| {
        serde_json::json!({
            "box": check.area,
            "residue": nets.strokes.as_ref().map(|_| check.residue),
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
