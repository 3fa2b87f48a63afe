//! Writes the files of a finished run, whose names all begin with the run's stem.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use plotters::prelude::*;

use super::{
    EpochReport, RunConfig, TrainingError,
    checkpoint::Progress,
    task::{Task, Validation},
};
use crate::files::write_whole;

/// Makes a folder in `runs` for a new run. It has the name of the run's stem, or, if another run has
/// it, such as one that was started in the same second, that with a number; the stem changes with
/// it.
pub(super) fn claim(
    config: &RunConfig,
    runs: &Path,
) -> Result<(RunConfig, PathBuf), TrainingError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TrainingError::File { path, source }
    };
    fs::create_dir_all(runs).map_err(failed(runs))?;
    let mut stem = config.stem.clone();
    let mut number = 1;
    loop {
        let folder = runs.join(&stem);
        match fs::create_dir(&folder) {
            Ok(()) => return Ok((RunConfig { stem, ..config.clone() }, folder)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                number += 1;
                stem = format!("{}-{number}", config.stem);
            }
            Err(error) => return Err(failed(&folder)(error)),
        }
    }
}

fn file(folder: &Path, config: &RunConfig, ending: &str) -> PathBuf {
    folder.join(format!("{}{ending}", config.stem))
}

/// The name of the run's weights.
pub(super) fn weights_name(config: &RunConfig) -> String {
    format!("{}.safetensors", config.stem)
}

/// Where the run's weights are.
pub(super) fn weights(folder: &Path, config: &RunConfig) -> PathBuf {
    folder.join(weights_name(config))
}

/// Where the run's curves are.
pub(super) fn curves(folder: &Path, config: &RunConfig) -> PathBuf {
    file(folder, config, "_curves.svg")
}

fn put(path: PathBuf, text: &str) -> Result<(), TrainingError> {
    write_whole(&path, text.as_bytes()).map_err(|source| TrainingError::File { path, source })
}

/// Writes a line an epoch.
pub(super) fn write_measures(
    folder: &Path,
    config: &RunConfig,
    epochs: &[EpochReport],
) -> Result<(), TrainingError> {
    let mut csv = "epoch,loss,validation_accuracy,seconds\n".to_owned();
    for epoch in epochs {
        let accuracy = epoch.accuracy.map_or(String::new(), |a| format!("{a:.4}"));
        // Writing to a String cannot fail.
        let _ = writeln!(csv, "{},{:.4},{accuracy},{:.1}", epoch.epoch, epoch.loss, epoch.seconds);
    }
    put(file(folder, config, "_measures.csv"), &csv)
}

/// Writes what the run was and what it gave.
pub(super) fn write_results<T: Task>(
    folder: &Path,
    config: &RunConfig,
    progress: &Progress<T::Net>,
    devices: &[Device],
    validation: Option<&Validation>,
) -> Result<(), TrainingError> {
    let net = &progress.net;
    let epochs = &progress.state.finished;
    let (loss, seconds) = epochs.last().map_or((0.0, 0.0), |last| (last.loss, last.seconds));
    let data: Vec<String> = config.data.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "{net}\n\nNetwork: {}\n{}Trained on: {} {examples} of {}\nEpochs: {}\nLearning rate: {}\nBatch size: {}\nFinal loss (last epoch, summed): {loss:.4}\n\
         Run device: {devices:?}\nOptimizer: {}\nElapsed time: {seconds:.0} s\n\
         Command: {config}\n",
        config.net,
        T::facts(net),
        progress.state.trained_on,
        data.join(", "),
        epochs.len(),
        config.learning_rate.highest,
        config.batch,
        config.optimizer.kind,
        examples = T::EXAMPLES,
    );
    // Writing to a String cannot fail.
    let _ = match validation {
        Some(Validation { report, .. }) => write!(text, "\n{report}"),
        None => writeln!(text, "\nNo {} were held back for validation.", T::EXAMPLES),
    };
    if let Some(best) = progress.state.early_stopping.and_then(|judge| judge.best()) {
        let _ = writeln!(text, "\nThe weights are those of epoch {}, the best.", best.epoch);
    }
    put(file(folder, config, "_results.txt"), &text)
}

/// Draws the loss over the epochs, and what is measured on the validation data, by its name.
pub(super) fn write_curves(
    folder: &Path,
    config: &RunConfig,
    measure: &str,
    epochs: &[EpochReport],
) -> Result<(), TrainingError> {
    let path = curves(folder, config);
    let svg =
        curves_svg(&config.net, measure, epochs).map_err(|reason| TrainingError::Checkpoint {
            path: path.clone(),
            reason: format!("the curves could not be drawn ({reason})"),
        })?;
    put(path, &svg)
}

/// The curves as SVG; the loss is each epoch's share of the first one's.
fn curves_svg(title: &str, measure: &str, epochs: &[EpochReport]) -> Result<String, String> {
    let mut svg = String::new();
    let first = epochs.first().map_or(1.0, |epoch| epoch.loss.max(f64::MIN_POSITIVE));
    let highest = epochs.iter().map(|epoch| epoch.loss / first).fold(1.0, f64::max);
    {
        let area = SVGBackend::with_string(&mut svg, (720, 400)).into_drawing_area();
        area.fill(&WHITE).map_err(|error| error.to_string())?;
        let last = epochs.len().max(2) as f64;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(48)
            .build_cartesian_2d(1.0..last, 0.0..highest)
            .map_err(|error| error.to_string())?;
        chart
            .configure_mesh()
            .x_desc("epoch")
            .x_label_formatter(&|epoch| format!("{epoch:.0}"))
            .y_label_formatter(&|share| format!("{share:.1}"))
            .light_line_style(WHITE)
            .draw()
            .map_err(|error| error.to_string())?;
        let loss = epochs.iter().map(|epoch| (epoch.epoch as f64, epoch.loss / first));
        let accuracy =
            epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, epoch.accuracy?)));
        let (brown, blue) = (RGBColor(190, 80, 20), RGBColor(20, 90, 160));
        let loss: Vec<(f64, f64)> = loss.collect();
        let lines = [
            ("loss, as a share of the first epoch's", brown, loss),
            (measure, blue, accuracy.collect()),
        ];
        for (label, colour, points) in lines {
            if points.is_empty() {
                continue;
            }
            chart
                .draw_series(LineSeries::new(points, colour.stroke_width(2)))
                .map_err(|error| error.to_string())?
                .label(label)
                .legend(move |(x, y)| {
                    PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2))
                });
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.2))
            .draw()
            .map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}
