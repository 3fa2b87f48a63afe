//! `doorplate evaluate`

use std::path::{Path, PathBuf};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use super::{
    Context as _, Error, Result,
    finding::{FinderArgs, Finding},
    model::ModelsArgs,
    output,
    read::numbers_of,
};
use crate::{
    dataset::format1::{DIGIT_STRUCT, Format1},
    evaluation::{
        Confusion, ModelReport, ReadDigit, ReadError, Refusal, Report, calibration_svg,
        confusion_svg, mistake_sheet, read_all,
    },
    files::write_whole,
    numbers::house_numbers,
    photo::BoxInPhoto,
    publication,
    removal::Nets,
    training::measure_finder,
};

/// Measure how well networks read digits, or find them.
///
/// Prints accuracy; precision, recall, F1 and count of each digit; confusion; calibration; and the
/// most confident mistakes. Several models are compared side by side. A model that needs other
/// crops than the data have is named and skipped.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate evaluate --data svhn/test",
    "doorplate evaluate --data svhn/test --all --out report",
    "doorplate evaluate --data svhn/test --find"
))]
pub struct Args {
    /// A Format 1 folder, a folder with folders 0 to 9 of cropped digits, or a Format 2 file
    /// (.mat).
    #[arg(long)]
    data: PathBuf,
    /// Print JSON instead of text: the report of one model, or with --all or several models an
    /// object with `models`, `refused` and `comparison`.
    #[arg(long)]
    json: bool,
    /// Write a CSV file with a line for each model and digit.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write report.txt, report.json, report.csv, a confusion-<model>.svg for each model,
    /// calibration.svg and mistakes.png to this folder. It is created if needed, and files of these
    /// names are replaced.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How many mistakes of each model are listed and drawn, the most confident first.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(0..=1000))]
    mistakes: u16,
    /// Add the measurements of published models to their manifest and cards. MEASURED_ON describes
    /// the data for readers. An earlier measurement with the same MEASURED_ON is replaced; with --find,
    /// any earlier one.
    #[arg(long, value_name = "MEASURED_ON", conflicts_with_all = ["weights", "finder"])]
    record: Option<String>,
    /// Measure how well digits are found, not how well they are read: on the photos of a Format 1
    /// folder, or of a folder with box files beside its photos. Prints precision, recall and average
    /// precision of FinderNet's own boxes (at an intersection over union of .5), and for Format 1 how
    /// many house numbers are right as a whole, once strokes have completed them.
    #[arg(long, conflicts_with_all = ["csv", "out", "mistakes"])]
    find: bool,
    #[command(flatten)]
    finder: FinderArgs,
    #[command(flatten)]
    models: ModelsArgs,
}

pub fn run(args: &Args) -> Result<()> {
    let record = args.record.as_deref();
    // Reported before the models read, which may take hours.
    let record = record.map(|measured_on| Ok::<_, Error>((measured_on, args.models.folder()?)));
    let record = record.transpose()?;
    if args.find {
        return find(args, record);
    }
    let models = args.models.load()?;
    let mut read: Vec<(ModelReport, Vec<ReadDigit>)> = Vec::new();
    let mut refused: Vec<Refusal> = Vec::new();
    let mut first_refusal = None;
    for model in &models {
        let network = model.classifier.architecture();
        match read_with_progress(&model.name, |progress| {
            read_all(&model.classifier, &args.data, progress)
        }) {
            Ok(digits) => {
                let mistakes = usize::from(args.mistakes);
                let report = ModelReport::new(&model.name, network.name, &digits, mistakes);
                read.push((report, digits));
            }
            Err(error @ ReadError::OtherCrops { .. }) => {
                refused.push(Refusal { model: model.name.clone(), reason: error.to_string() });
                first_refusal.get_or_insert(error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    if let (true, Some(error)) = (read.is_empty(), first_refusal) {
        return Err(error.into());
    }
    let report = Report::new(&read, refused);
    for refusal in &report.refused {
        note!("doorplate: not read by {}: {}", refusal.model, refusal.reason);
    }
    let json = match report.models.as_slice() {
        [one] if !args.models.several() => serde_json::to_string_pretty(one)?,
        _ => serde_json::to_string_pretty(&report)?,
    };
    if let Some(file) = &args.csv {
        put(file, report.csv().as_bytes())?;
    }
    if let Some(folder) = &args.out {
        write_folder(folder, &args.data, &report, &json)?;
    }
    if let Some((measured_on, folder)) = &record {
        let measured: Vec<(&str, &Confusion)> =
            report.models.iter().map(|it| (it.model.as_str(), &it.confusion)).collect();
        publication::record(folder, measured_on, &measured)?;
    }
    if args.json {
        tell!("{json}")?;
    } else {
        output::print(format_args!("{}", report.text()))?;
    }
    Ok(())
}

/// Measures how well digits are found, and whole numbers read, and records it with a description of the
/// data in a models folder.
fn find(args: &Args, record: Option<(&str, PathBuf)>) -> Result<()> {
    let finder = args.models.load_finder(args.finder.finder.as_deref())?;
    let detection = measure_finder(&finder.finder, &args.data)?;
    let mut numbers = Vec::new();
    if args.data.join(DIGIT_STRUCT).is_file() {
        let strokes = args.models.load_strokes()?;
        for model in args.models.load()? {
            let nets = Nets { classifier: model.classifier, strokes: Some(strokes.clone()) };
            let finding = Finding::by(finder.clone(), nets, args.finder.at_least);
            numbers.push((model.name, whole_numbers(&args.data, &finding)?));
        }
    }
    if let Some((measured_on, folder)) = record {
        publication::record_finder(&folder, measured_on, &detection)?;
    }
    let photos = detection.photos();
    if args.json {
        let found = detection.at(args.finder.at_least);
        let numbers: serde_json::Map<String, serde_json::Value> =
            numbers.into_iter().map(|(name, right)| (name, right.into())).collect();
        let report = serde_json::json!({
            "photos": photos,
            "digits": detection.digits(),
            "average_precision": detection.average_precision(),
            "at_least": args.finder.at_least,
            "precision": found.precision,
            "recall": found.recall,
            "f1": found.f1(),
            "false_alarms": detection.false_alarms(args.finder.at_least),
            "numbers_right": numbers,
        });
        tell!("{report:#}")?;
        return Ok(());
    }
    output::print(format_args!("{detection}"))?;
    for (name, right) in numbers {
        let share = 100.0 * right as f64 / photos.max(1) as f64;
        tell!("Whole numbers right, read by {name}: {right} of {photos} ({share:.1} %)")?;
    }
    Ok(())
}

/// Photos of a Format 1 folder whose digits are all found and read right, in reading order, and
/// nothing else with them.
fn whole_numbers(data: &Path, finding: &Finding) -> Result<usize> {
    let data = Format1::open(data)?;
    let of_photos = data.photos.par_iter().map(|entry| -> Result<bool> {
        let (photo, truth) = data.load(entry)?;
        let sure = finding.find(&photo)?.sure.into_iter();
        let (boxes, readings): (Vec<BoxInPhoto>, Vec<_>) =
            sure.map(|digit| (digit.detected.area, digit.reading)).unzip();
        let read: Vec<String> =
            numbers_of(&boxes, &readings).into_iter().map(|number| number.digits).collect();
        let areas: Vec<BoxInPhoto> = truth.iter().map(|digit| digit.area).collect();
        let numbers = house_numbers(&areas).into_iter();
        let expected: Vec<String> = numbers
            .map(|number| number.iter().map(|&i| truth[i].digit.to_string()).collect())
            .collect();
        Ok(read == expected)
    });
    let right: Vec<bool> = of_photos.collect::<Result<_>>()?;
    Ok(right.into_iter().filter(|right| *right).count())
}

/// Reads behind a progress bar that is gone afterwards.
fn read_with_progress<T>(name: &str, read: impl FnOnce(&mut dyn FnMut(usize, usize)) -> T) -> T {
    let bar = ProgressBar::new(0).with_message(name.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    let result = read(&mut |read, of| {
        bar.set_length(of as u64);
        bar.set_position(read as u64);
    });
    bar.finish_and_clear();
    result
}

fn put(path: &Path, content: &[u8]) -> Result<()> {
    write_whole(path, content).context(path.display())
}

/// Draws everything before it writes anything.
fn write_folder(folder: &Path, data: &Path, report: &Report, json: &str) -> Result<()> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (file, model) in file_names(&report.models).into_iter().zip(&report.models) {
        files.push((file, confusion_svg(&model.model, &model.confusion)?.into_bytes()));
    }
    files.push(("calibration.svg".to_owned(), calibration_svg(&report.models)?.into_bytes()));
    files.push(("mistakes.png".to_owned(), mistake_sheet(data, &report.models)?));
    files.push(("report.csv".to_owned(), report.csv().into_bytes()));
    files.push(("report.json".to_owned(), format!("{json}\n").into_bytes()));
    files.push(("report.txt".to_owned(), report.text().into_bytes()));
    std::fs::create_dir_all(folder).context(folder.display())?;
    for (name, content) in &files {
        put(&folder.join(name), content)?;
    }
    Ok(())
}

/// A file name for each model's confusion matrix: the model's name, with what file names don't
/// take everywhere made plain, and a number where two become the same by that.
fn file_names(models: &[ModelReport]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for model in models {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }
        };
        let stem: String = model.model.chars().map(plain).collect();
        let mut name = format!("confusion-{stem}.svg");
        let mut number = 2;
        // Some systems don't tell capitals from small letters.
        while names.iter().any(|taken| taken.eq_ignore_ascii_case(&name)) {
            name = format!("confusion-{stem}-{number}.svg");
            number += 1;
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_a_file_of_its_own() {
        let models = ["a", "runs/b.1", "runs b.1", "A"];
        let models = models.map(|name| ModelReport::new(name, "Net", &[], 0));
        let expected = [
            "confusion-a.svg",
            "confusion-runs_b.1.svg",
            "confusion-runs_b.1-2.svg",
            "confusion-A-2.svg",
        ];
        assert_eq!(file_names(&models), expected);
    }
}
