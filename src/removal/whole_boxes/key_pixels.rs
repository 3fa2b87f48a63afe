//! Key pixels: the pixels inside a box that are taken for background.

use crate::classifier::FeatureMaps;

/// Quiet pixels of one crop, by the feature maps of a network's first convolution.
///
/// For each pixel, the mean over the maps minus their standard deviation (n - 1) is computed, and
/// these values are counted in `bins` equal bins over their range. Pixels in the fullest bin are
/// quiet: a flat background gives similar values everywhere, strokes and their edges do not.
///
/// The result has `side * side` flags, row after row. A crop whose values are all equal is quiet
/// throughout.
pub fn quiet_by_feature_maps(maps: &FeatureMaps, bins: usize) -> Vec<bool> {
    let (mean, deviation) = maps.mean_and_deviation();
    let values: Vec<f32> = mean.iter().zip(deviation).map(|(mean, d)| mean - d).collect();
    in_fullest_bin(&values, bins)
}

/// How many values lie in each of equal bins over their range.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// The lowest value.
    pub low: f32,
    /// The highest value.
    pub high: f32,
    /// The bins' counts, from the lowest values to the highest.
    pub counts: Vec<usize>,
}

impl Histogram {
    /// Counts the values in `bins` bins, at least one.
    pub fn of(values: &[f32], bins: usize) -> Self {
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut histogram = Histogram { low, high, counts: vec![0; bins.max(1)] };
        for &value in values {
            let bin = histogram.bin_of(value);
            histogram.counts[bin] += 1;
        }
        histogram
    }

    /// The fullest bin; the lowest when several are equally full.
    pub fn fullest(&self) -> usize {
        let most = self.counts.iter().copied().max().unwrap_or(0);
        self.counts.iter().position(|&count| count == most).unwrap_or(0)
    }

    /// The bin of a value that was counted.
    fn bin_of(&self, value: f32) -> usize {
        let bins = self.counts.len();
        let position = (value - self.low) / (self.high - self.low) * bins as f32;
        // The highest value belongs to the last bin.
        (position as usize).min(bins - 1)
    }
}

/// Which values lie in the fullest of `bins` equal bins over their range; the lowest such bin
/// when several are equally full.
fn in_fullest_bin(values: &[f32], bins: usize) -> Vec<bool> {
    let histogram = Histogram::of(values, bins);
    if histogram.high <= histogram.low {
        return vec![true; values.len()];
    }
    let fullest = histogram.fullest();
    values.iter().map(|&value| histogram.bin_of(value) == fullest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_every_value_once() {
        let histogram = Histogram::of(&[0.0, 0.1, 0.5, 0.9, 1.0], 4);
        assert_eq!((histogram.low, histogram.high), (0.0, 1.0));
        assert_eq!(histogram.counts, [2, 0, 1, 2]);
        assert_eq!(histogram.fullest(), 0);
        assert_eq!(Histogram::of(&[0.3; 4], 3).counts, [4, 0, 0]);
    }

    #[test]
    fn the_fullest_bin_wins() {
        let values = [0.0, 0.1, 0.9, 0.95, 1.0];
        assert_eq!(in_fullest_bin(&values, 5), [false, false, true, true, true]);
    }

    #[test]
    fn equal_values_are_all_quiet() {
        assert_eq!(in_fullest_bin(&[0.3; 4], 35), [true; 4]);
    }

    #[test]
    fn a_flat_background_is_quiet_and_a_stroke_is_not() {
        // Two maps of 8 x 8: an edge detector's answer at columns 3 and 5, a stroke at 4.
        let side = 8;
        let mut values = vec![0.1; 2 * side * side];
        for y in 0..side {
            for x in 3..=5 {
                values[y * side + x] = 0.9;
                values[side * side + y * side + x] = -0.9;
            }
        }
        let quiet = quiet_by_feature_maps(&FeatureMaps { maps: 2, side, values }, 35);
        for (i, quiet) in quiet.iter().enumerate() {
            assert_eq!(*quiet, !(3..=5).contains(&(i % side)));
        }
    }
}
