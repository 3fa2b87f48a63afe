//! Reports on models that read a data set, as text, JSON (through serde) and CSV.

use std::fmt::Write as _;

use serde::Serialize;

use super::{
    CALIBRATION_BINS, Calibration, Comparison, ConfusedPair, Confusion, DigitPlace, DigitScore,
    ReadDigit, confusion_of,
};

/// Lines of a list in the text.
const SHOWN: usize = 10;

/// One model's readings of a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelReport {
    /// The model.
    pub model: String,
    /// Its network.
    pub network: String,
    /// Digits that it read.
    pub digits: u64,
    /// Share of them that are right, 0 to 1; `None` without readings.
    pub accuracy: Option<f64>,
    /// Each digit's figures.
    pub scores: Vec<DigitScore>,
    /// True digits against readings.
    pub confusion: Confusion,
    /// Which digits are taken for which others, the most frequent first.
    pub most_confused: Vec<ConfusedPair>,
    /// Whether it is right as often as its confidence says.
    pub calibration: Calibration,
    /// What it read wrong, the surest first.
    pub mistakes: Vec<Mistake>,
}

/// A digit that was read wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mistake {
    /// The digit's number in its data set, counted from 1.
    pub number: usize,
    /// What it shows.
    pub truth: u8,
    /// What it was read as.
    pub read: u8,
    /// How sure the model was, 0 to 1.
    pub confidence: f32,
    /// Where it is.
    pub place: DigitPlace,
}

/// A model that cannot read a data set, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The model.
    pub model: String,
    /// What is in the way.
    pub reason: String,
}

/// Several models on the same data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The models that read the data.
    pub models: Vec<ModelReport>,
    /// Those that cannot.
    pub refused: Vec<Refusal>,
    /// Where they agree and disagree; `None` with fewer than two.
    pub comparison: Option<Comparison>,
}

impl ModelReport {
    /// Sums up a model's readings of a whole data set, and lists up to `mistakes` mistakes.
    pub fn new(model: &str, network: &str, read: &[ReadDigit], mistakes: usize) -> Self {
        let confusion = confusion_of(read);
        let sure = read.iter().map(|digit| (digit.reading.best().1, digit.is_right()));
        ModelReport {
            model: model.to_owned(),
            network: network.to_owned(),
            digits: confusion.total(),
            accuracy: confusion.accuracy(),
            scores: confusion.scores(),
            most_confused: confusion.most_confused(),
            calibration: Calibration::of(sure, CALIBRATION_BINS),
            mistakes: surest_mistakes(read, mistakes),
            confusion,
        }
    }

    /// All of it for people.
    pub fn text(&self) -> String {
        let mut text = self.confusion.report();
        // Writing to a String cannot fail, here and below.
        if !self.most_confused.is_empty() {
            let _ = writeln!(text, "\nMost confused");
            for pair in self.most_confused.iter().take(SHOWN) {
                let _ = writeln!(
                    text,
                    "{} read as {}: {:>4}, {:>4.1} % of all {}s",
                    pair.truth,
                    pair.read,
                    pair.count,
                    100.0 * pair.share,
                    pair.truth
                );
            }
        }
        let calibration = &self.calibration;
        if let (Some(error), Some(sure)) = (calibration.expected_error, calibration.mean_confidence)
        {
            let _ = writeln!(
                text,
                "\nCalibration: expected error {:.1} %, mean confidence {:.1} %\n\n\
                 Confidence in %   Readings   Mean confidence   Accuracy",
                100.0 * error,
                100.0 * sure
            );
            for bin in &calibration.bins {
                if let (Some(confidence), Some(accuracy)) = (bin.confidence, bin.accuracy) {
                    let _ = writeln!(
                        text,
                        "{:>5.1} to {:>5.1}    {:>8}           {:>5.1} %    {:>5.1} %",
                        100.0 * bin.above,
                        100.0 * bin.up_to,
                        bin.readings,
                        100.0 * confidence,
                        100.0 * accuracy
                    );
                }
            }
        }
        if !self.mistakes.is_empty() {
            let _ = writeln!(text, "\nMost confidently wrong");
            for mistake in self.mistakes.iter().take(SHOWN) {
                let _ = writeln!(
                    text,
                    "{} read as {}, {:>5.1} %: digit {}{}",
                    mistake.truth,
                    mistake.read,
                    100.0 * mistake.confidence,
                    mistake.number,
                    match &mistake.place {
                        DigitPlace::OnPhoto { photo, area } => format!(
                            " ({photo}, box {},{},{},{})",
                            area.left, area.top, area.width, area.height
                        ),
                        DigitPlace::Crop(_) => String::new(),
                    }
                );
            }
        }
        text
    }
}

/// The digits that were read wrong, the surest first; the earlier one where two are as sure.
fn surest_mistakes(read: &[ReadDigit], most: usize) -> Vec<Mistake> {
    let mut mistakes: Vec<Mistake> = (1..)
        .zip(read)
        .filter(|(_, digit)| !digit.is_right())
        .map(|(number, digit)| {
            let (read, confidence) = digit.reading.best();
            Mistake { number, truth: digit.truth, read, confidence, place: digit.place.clone() }
        })
        .collect();
    mistakes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    mistakes.truncate(most);
    mistakes
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

impl Report {
    /// Brings models' readings together; those of two or more are compared.
    pub fn new(read: &[(ModelReport, Vec<ReadDigit>)], refused: Vec<Refusal>) -> Self {
        let named: Vec<(&str, &[ReadDigit])> =
            read.iter().map(|(report, read)| (report.model.as_str(), read.as_slice())).collect();
        Report {
            comparison: (named.len() > 1).then(|| Comparison::of(&named)),
            models: read.iter().map(|(report, _)| report.clone()).collect(),
            refused,
        }
    }

    /// The whole report as text: each model, then the models side by side.
    pub fn text(&self) -> String {
        let alone = self.models.len() == 1 && self.refused.is_empty();
        let mut text = String::new();
        for report in &self.models {
            if !alone {
                let heading = format!("{} ({})", report.model, report.network);
                let _ = writeln!(text, "{heading}\n{}\n", "=".repeat(heading.chars().count()));
            }
            text += &report.text();
            if !alone {
                text.push('\n');
            }
        }
        if let Some(comparison) = &self.comparison {
            text += &self.side_by_side();
            text += &disagreements(comparison);
        }
        for refusal in &self.refused {
            let _ = writeln!(text, "Not read by {}: {}", refusal.model, refusal.reason);
        }
        text
    }

    /// A line a model.
    fn side_by_side(&self) -> String {
        let names = self.models.iter().map(|report| report.model.chars().count());
        let width = names.max().unwrap_or(0).max("Model".len());
        let mut text = String::from("Side by side\n============\n\n");
        let _ = write!(text, "{:<width$}  Accuracy  Calibration error  F1:", "Model");
        for digit in 0..10 {
            let _ = write!(text, "{digit:>5}");
        }
        for report in &self.models {
            let _ = write!(
                text,
                "\n{:<width$}  {:>8}  {:>17}     ",
                report.model,
                percent(report.accuracy),
                percent(report.calibration.expected_error)
            );
            for score in &report.scores {
                let f1 = score.f1.map_or_else(|| "-".to_owned(), |f1| format!("{f1:.2}"));
                let _ = write!(text, "{f1:>5}");
            }
        }
        text.push('\n');
        text
    }

    /// A line a model and digit.
    pub fn csv(&self) -> String {
        let mut csv = "model,network,digit,samples,right,precision,recall,f1\n".to_owned();
        let figure = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.6}"));
        for report in &self.models {
            for score in &report.scores {
                let _ = writeln!(
                    csv,
                    "{},{},{},{},{},{},{},{}",
                    quoted(&report.model),
                    report.network,
                    score.digit,
                    score.samples,
                    report.confusion.at(score.digit, score.digit),
                    figure(score.precision),
                    figure(score.recall),
                    figure(score.f1)
                );
            }
        }
        csv
    }
}

/// A CSV field (RFC 4180): quoted where it has to be.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn disagreements(comparison: &Comparison) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "\nOf {} digits, {} are read right by all models, {} by none; on {} all models agree.",
        comparison.digits, comparison.all_right, comparison.none_right, comparison.all_alike
    );
    for pair in &comparison.pairs {
        let _ = writeln!(
            text,
            "\n{} and {} read {} digits differently:\n\
             {:>6}  both right\n{:>6}  only {} right\n{:>6}  only {} right\n\
             {:>6}  both wrong, alike\n{:>6}  both wrong, differently",
            pair.first,
            pair.second,
            pair.read_differently(),
            pair.both_right,
            pair.only_first_right,
            pair.first,
            pair.only_second_right,
            pair.second,
            pair.both_wrong_alike,
            pair.both_wrong_differently
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::read::tests::read_as;

    fn small() -> Vec<ReadDigit> {
        vec![
            read_as(1, 1, 0.9),
            read_as(7, 1, 0.6),
            read_as(7, 7, 0.8),
            read_as(7, 2, 0.95),
            read_as(0, 8, 0.6),
        ]
    }

    #[test]
    fn the_surest_mistakes_come_first() {
        let report = ModelReport::new("m", "Net", &small(), 2);
        assert_eq!((report.digits, report.accuracy), (5, Some(0.4)));
        let mistakes: Vec<(usize, u8, u8)> =
            report.mistakes.iter().map(|m| (m.number, m.truth, m.read)).collect();
        assert_eq!(mistakes, [(4, 7, 2), (2, 7, 1)]);
        // By hand: (0.9, 1), (0.8, 1), (0.95, 0), twice (0.6, 0), every other one alone in its
        // bin: (0.1 + 0.2 + 0.95 + 2 * 0.6) / 5.
        let error = report.calibration.expected_error.expect("there are readings");
        assert!((error - 0.49).abs() < 1e-6, "{error}");
    }

    #[test]
    fn the_text_says_what_the_figures_say() {
        let text = ModelReport::new("m", "Net", &small(), 9).text();
        for part in [
            "Accuracy on 5 digits: 40.0 %",
            "7 read as 1:    1, 33.3 % of all 7s",
            "expected error 49.0 %",
            "7 read as 2,  95.0 %: digit 4",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn several_models_are_put_side_by_side_and_refusals_told() {
        let read =
            |name: &str, read: Vec<ReadDigit>| (ModelReport::new(name, "Net", &read, 9), read);
        let mut better = small();
        better[1] = read_as(7, 7, 0.9);
        let refused = vec![Refusal { model: "c".into(), reason: "other crops".into() }];
        let report = Report::new(&[read("a", small()), read("b", better)], refused);
        let pair = &report.comparison.as_ref().expect("two models").pairs[0];
        assert_eq!((pair.only_first_right, pair.only_second_right), (0, 1));
        let text = report.text();
        for part in
            ["a (Net)\n=======", "a        40.0 %", "b        60.0 %", "Not read by c: other"]
        {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(text.contains("a and b read 1 digits differently"), "{text}");
        let alone = Report::new(&[read("a", small())], Vec::new());
        assert!(alone.comparison.is_none() && alone.text().starts_with("Accuracy on 5"));
    }

    #[test]
    fn csv_has_a_line_a_model_and_digit() {
        let read = small();
        let report = ModelReport::new("a,\"b\"", "Net", &read, 9);
        let csv = Report::new(&[(report, read)], Vec::new()).csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 11);
        assert_eq!(lines[2], "\"a,\"\"b\"\"\",Net,1,1,1,0.500000,1.000000,0.666667");
        assert_eq!(lines[1 + 7], "\"a,\"\"b\"\"\",Net,7,3,1,1.000000,0.333333,0.500000");
        assert_eq!(lines[1 + 3], "\"a,\"\"b\"\"\",Net,3,0,0,,,");
    }
}
