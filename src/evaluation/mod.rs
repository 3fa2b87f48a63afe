//! Measures how well digits are read: confusion, accuracy, precision, recall, F1, calibration,
//! mistakes; several models side by side; and one digit as the network sees it. It also measures
//! how well digits are removed: compared with the truth and with other programs, by what remains
//! visible on real photos, and by time.

mod calibration;

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::classifier::DIGITS;
pub use calibration::{CALIBRATION_BINS, Calibration, CalibrationBin};

cfg_if::cfg_if! {
    if #[cfg(feature = "native")] {
        mod charts;
        mod comparison;
        mod detection;
        mod ghosts;
        mod inspection;
        mod mistakes;
        mod outcome;
        mod read;
        mod removal_peers;
        mod removal_sheet;
        mod removal_time;
        mod report;
        mod restoration;
        mod traces;

        pub use charts::{ChartError, calibration_svg, confusion_svg};
        pub use comparison::{Comparison, PairComparison};
        pub use detection::{Detection, PrecisionRecall};
        pub use ghosts::GhostCrops;
        pub use inspection::Inspection;
        pub use mistakes::{SheetError, mistake_sheet};
        pub use outcome::{Outcome, rgb};
        pub use read::{DigitPlace, FoundDigit, ReadDigit, ReadError, confusion_of, find_digit, read_all};
        pub use removal_peers::{PEERS_RADIUS, PeerExamples, PeerWay, Peers, PeersError};
        pub use removal_sheet::{Marks, SheetRow, removal_sheet};
        pub use removal_time::{RemovalTime, removal_times};
        pub use report::{Mistake, ModelReport, Refusal, Report};
        pub use restoration::{Restoration, Spread};
        pub use traces::{ChanceReadings, Traces};
    }
}

/// Counts of true digit (row) against read digit (column).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    counts: [[u64; DIGITS]; DIGITS],
}

/// One digit's figures; a figure without a denominator is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DigitScore {
    /// 0 to 9.
    pub digit: u8,
    /// Share of readings as this digit that are right.
    pub precision: Option<f64>,
    /// Share of this digit's examples that are read right; its accuracy.
    pub recall: Option<f64>,
    /// Harmonic mean of the two.
    pub f1: Option<f64>,
    /// Examples that show this digit.
    pub samples: u64,
}

/// A digit that is taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfusedPair {
    /// The true digit.
    pub truth: u8,
    /// What it is read as.
    pub read: u8,
    /// How often.
    pub count: u64,
    /// Share of the true digit's examples.
    pub share: f64,
}

fn share(part: u64, whole: u64) -> Option<f64> {
    // Counts of digits stay far below 2^52, where f64 is exact.
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Confusion {
    /// Counts one reading. Digits above 9 are not counted.
    pub fn count(&mut self, truth: u8, read: u8) {
        let row = self.counts.get_mut(usize::from(truth));
        if let Some(cell) = row.and_then(|row| row.get_mut(usize::from(read))) {
            *cell += 1;
        }
    }

    /// How often `truth` was read as `read`.
    pub fn at(&self, truth: u8, read: u8) -> u64 {
        let row = self.counts.get(usize::from(truth));
        row.and_then(|row| row.get(usize::from(read))).copied().unwrap_or(0)
    }

    /// All readings.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Share of right readings, 0 to 1; `None` without readings.
    pub fn accuracy(&self) -> Option<f64> {
        let right = (0..10).map(|digit| self.at(digit, digit)).sum();
        share(right, self.total())
    }

    /// The figures of each digit, 0 to 9.
    pub fn scores(&self) -> Vec<DigitScore> {
        (0u8..10)
            .map(|digit| {
                let right = self.at(digit, digit);
                let samples = (0..10).map(|read| self.at(digit, read)).sum();
                let read_so = (0..10).map(|truth| self.at(truth, digit)).sum();
                let (precision, recall) = (share(right, read_so), share(right, samples));
                let f1 = match (precision, recall) {
                    (Some(p), Some(r)) if p + r > 0.0 => Some(2.0 * p * r / (p + r)),
                    _ => None,
                };
                DigitScore { digit, precision, recall, f1, samples }
            })
            .collect()
    }

    /// The digits that were taken for others, the most frequent first, then the larger share,
    /// then the smaller digits.
    pub fn most_confused(&self) -> Vec<ConfusedPair> {
        let mut pairs = Vec::new();
        for score in self.scores() {
            for read in (0u8..10).filter(|&read| read != score.digit) {
                let count = self.at(score.digit, read);
                if let Some(share) = share(count, score.samples).filter(|&share| share > 0.0) {
                    pairs.push(ConfusedPair { truth: score.digit, read, count, share });
                }
            }
        }
        pairs.sort_by(|a, b| b.count.cmp(&a.count).then(b.share.total_cmp(&a.share)));
        pairs
    }

    /// Overall accuracy, figures for each digit and the matrix, as readable text.
    pub fn report(&self) -> String {
        let figure = |value: Option<f64>| value.map_or("   -".into(), |v| format!("{v:4.2}"));
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = match self.accuracy() {
            Some(accuracy) => {
                writeln!(text, "Accuracy on {} digits: {:.1} %\n", self.total(), 100.0 * accuracy)
            }
            None => writeln!(text, "No digits were read.\n"),
        };
        let _ = writeln!(text, "Digit  Precision  Recall    F1  Samples");
        for score in self.scores() {
            let _ = writeln!(
                text,
                "{:>5}       {}    {}  {}  {:>7}",
                score.digit,
                figure(score.precision),
                figure(score.recall),
                figure(score.f1),
                score.samples
            );
        }
        let _ = writeln!(text, "\nConfusion (rows: true digit, columns: read as)");
        let _ = write!(text, "      ");
        for read in 0..10 {
            let _ = write!(text, "{read:>6}");
        }
        for truth in 0..10 {
            let _ = write!(text, "\n{truth:>6}");
            for read in 0..10 {
                let _ = write!(text, "{:>6}", self.at(truth, read));
            }
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_small_matrix() {
        let mut confusion = Confusion::default();
        for (truth, read) in [(1, 1), (1, 1), (1, 7), (7, 7), (7, 1), (0, 0)] {
            confusion.count(truth, read);
        }
        assert_eq!(confusion.accuracy(), Some(4.0 / 6.0));
        let one = confusion.scores()[1];
        assert_eq!(one.precision, Some(2.0 / 3.0));
        assert_eq!(one.recall, Some(2.0 / 3.0));
        assert_eq!(one.samples, 3);
        assert_eq!(confusion.scores()[5].precision, None);
        assert!(confusion.report().contains("Accuracy on 6 digits: 66.7 %"));
    }

    #[test]
    fn the_most_confused_come_first() {
        let mut confusion = Confusion::default();
        for (truth, read) in [(1, 1), (1, 7), (1, 7), (7, 1), (7, 7), (0, 8), (3, 3)] {
            confusion.count(truth, read);
        }
        let pairs: Vec<(u8, u8, u64, f64)> = confusion
            .most_confused()
            .iter()
            .map(|pair| (pair.truth, pair.read, pair.count, pair.share))
            .collect();
        assert_eq!(pairs, [(1, 7, 2, 2.0 / 3.0), (0, 8, 1, 1.0), (7, 1, 1, 0.5)]);
    }

    #[test]
    fn nothing_read_has_no_accuracy() {
        assert_eq!(Confusion::default().accuracy(), None);
    }
}
