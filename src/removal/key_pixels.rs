//! Key pixels: which pixels inside a box are thought to be background.

use crate::classifier::FeatureMaps;

/// Quiet pixels of one crop, by the feature maps of a network's first convolution.
///
/// For each of the maps' pixels the mean over the maps minus their standard deviation (n - 1) is
/// taken; the pixels inside the fullest of `bins` equal bins over the values' range are quiet:
/// a flat background answers alike everywhere, strokes and their edges do not.
///
/// The result has `side * side` flags, row after row. A crop whose values are all equal is quiet
/// throughout.
pub fn quiet_by_feature_maps(maps: &FeatureMaps, bins: usize) -> Vec<bool> {
    let pixels = maps.side * maps.side;
    let count = maps.maps as f32;
    let values: Vec<f32> = (0..pixels)
        .map(|pixel| {
            let at = |map: usize| maps.values[map * pixels + pixel];
            let mean = (0..maps.maps).map(at).sum::<f32>() / count;
            let squares: f32 = (0..maps.maps).map(|map| (at(map) - mean).powi(2)).sum();
            mean - (squares / (count - 1.0).max(1.0)).sqrt()
        })
        .collect();
    in_fullest_bin(&values, bins)
}

/// Which values lie in the fullest of `bins` equal bins over their range; the lowest such bin
/// when several are equally full.
fn in_fullest_bin(values: &[f32], bins: usize) -> Vec<bool> {
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if high <= low {
        return vec![true; values.len()];
    }
    let bins = bins.max(1);
    let bin_of = |value: f32| {
        let position = (value - low) / (high - low) * bins as f32;
        // The highest value belongs to the last bin.
        (position as usize).min(bins - 1)
    };
    let mut counts = vec![0usize; bins];
    for &value in values {
        counts[bin_of(value)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let fullest = counts.iter().position(|&count| count == most).unwrap_or(0);
    values.iter().map(|&value| bin_of(value) == fullest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
