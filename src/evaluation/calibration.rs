//! Calibration: whether a classifier is right as often as its confidence says.

use serde::Serialize;

/// Bins of equal width between confidence 0 and 1, as Guo et al. take them (*On Calibration of
/// Modern Neural Networks*, 2017).
pub const CALIBRATION_BINS: usize = 15;

/// Confidence against accuracy: a reliability diagram's numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// The mean over all readings of the distance between their bin's accuracy and mean
    /// confidence (Guo et al. 2017), 0 to 1; `None` without readings.
    pub expected_error: Option<f64>,
    /// The mean confidence of all readings; `None` without readings. Above the accuracy, a
    /// classifier is too sure of itself.
    pub mean_confidence: Option<f64>,
    /// The bins, from the lowest confidence to the highest.
    pub bins: Vec<CalibrationBin>,
}

/// The readings whose confidence lies in one bin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// The confidences above this (0 belongs to the first bin)...
    pub above: f64,
    /// ... and up to this.
    pub up_to: f64,
    /// How many readings.
    pub readings: u64,
    /// Their mean confidence; `None` in an empty bin.
    pub confidence: Option<f64>,
    /// Share of them that are right; `None` in an empty bin.
    pub accuracy: Option<f64>,
}

impl Calibration {
    /// Sorts readings, each with its confidence (0 to 1) and whether it is right, into `bins`
    /// bins (at least one).
    pub fn of(readings: impl IntoIterator<Item = (f32, bool)>, bins: usize) -> Self {
        #[derive(Clone, Default)]
        struct Sums {
            readings: u64,
            right: u64,
            confidence: f64,
        }
        let bins = bins.max(1);
        let mut sums = vec![Sums::default(); bins];
        let mut all = Sums::default();
        for (confidence, right) in readings {
            let confidence = f64::from(confidence);
            // A bin holds its upper edge.
            let bin = (confidence * bins as f64).ceil() as usize;
            for sums in [&mut sums[bin.clamp(1, bins) - 1], &mut all] {
                sums.readings += 1;
                sums.right += u64::from(right);
                sums.confidence += confidence;
            }
        }
        let share = |part: f64, of: &Sums| (of.readings > 0).then(|| part / of.readings as f64);
        let distance: f64 = sums.iter().map(|bin| (bin.right as f64 - bin.confidence).abs()).sum();
        Calibration {
            expected_error: share(distance, &all),
            mean_confidence: share(all.confidence, &all),
            bins: (0..bins)
                .zip(&sums)
                .map(|(i, sums)| CalibrationBin {
                    above: i as f64 / bins as f64,
                    up_to: (i + 1) as f64 / bins as f64,
                    readings: sums.readings,
                    confidence: share(sums.confidence, sums),
                    accuracy: share(sums.right as f64, sums),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: Option<f64>, expected: f64) -> bool {
        value.is_some_and(|value| (value - expected).abs() < 1e-6)
    }

    #[test]
    fn the_expected_error_is_the_one_worked_out_by_hand() {
        // Four bins. (0.25, 0.5]: confidences 0.3 and 0.5, one right: |0.5 - 0.4| = 0.1.
        // (0.75, 1]: 0.8, 0.9 and 1.0, two right: |2/3 - 0.9| = 0.2333.
        // Over all five: 2/5 * 0.1 + 3/5 * 0.2333 = 0.18.
        let readings = [(0.3, true), (0.5, false), (0.8, true), (0.9, false), (1.0, true)];
        let calibration = Calibration::of(readings, 4);
        assert!(near(calibration.expected_error, 0.18), "{calibration:?}");
        assert!(near(calibration.mean_confidence, 0.7));
        let counts: Vec<u64> = calibration.bins.iter().map(|bin| bin.readings).collect();
        assert_eq!(counts, [0, 2, 0, 3]);
        let (second, last) = (calibration.bins[1], calibration.bins[3]);
        assert_eq!((second.above, second.up_to), (0.25, 0.5));
        assert!(near(second.confidence, 0.4) && near(second.accuracy, 0.5));
        assert!(near(last.confidence, 0.9) && near(last.accuracy, 2.0 / 3.0));
        assert_eq!((calibration.bins[0].confidence, calibration.bins[0].accuracy), (None, None));
    }

    #[test]
    fn edges_belong_to_the_bin_below_and_zero_to_the_first() {
        let calibration = Calibration::of([(0.0, false), (0.5, true)], 2);
        assert_eq!(calibration.bins[0].readings, 2);
        assert_eq!(Calibration::of([], 2).expected_error, None);
        assert_eq!(Calibration::of([(0.4, true)], 0).bins.len(), 1);
    }
}
