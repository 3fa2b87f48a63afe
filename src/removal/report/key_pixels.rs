//! The report's four ways to choose key pixels, and its light/dark filter.

use crate::{
    classifier::{Classifier, EngineError},
    photo::{BoxInPhoto, Photo, Planes, luma},
    removal::{KeyPixels, Lattice, ReportOptions, quiet_by_feature_maps},
};

/// Which crossings of a box's lattice, of those `on_grid`, become key pixels. The caller adds the
/// corners. `planes` are the box's pixels.
pub(super) fn choose(
    photo: &Photo,
    area: BoxInPhoto,
    planes: &Planes,
    lattice: &Lattice,
    on_grid: &[bool],
    classifier: &Classifier,
    options: &ReportOptions,
) -> Result<Vec<bool>, EngineError> {
    let on_lattice = |quiet: &[bool], side: usize| quiet_crossings(quiet, side, planes, lattice);
    let quiet = match options.key_pixels {
        KeyPixels::FeatureMaps => {
            let maps = classifier.first_feature_maps(photo, area);
            on_lattice(&quiet_by_feature_maps(&maps, options.bins), maps.side)
        }
        KeyPixels::GradientNearAverage => {
            let gradients = classifier.gradients_on_box(photo, area)?;
            let quiet =
                quiet_near_average(&gradients.of_digits, gradients.read, options.percentile);
            on_lattice(&quiet, gradients.side)
        }
        KeyPixels::GradientValue => {
            let gradients = classifier.gradients_on_box(photo, area)?;
            let of_read = gradients.of_digits.get(usize::from(gradients.read));
            let quiet = quiet_by_value(of_read.map_or(&[], Vec::as_slice), options.percentile);
            on_lattice(&quiet, gradients.side)
        }
        KeyPixels::Grid => vec![true; lattice.len()],
    };
    let mut chosen: Vec<bool> = quiet.iter().zip(on_grid).map(|(q, on)| *q && *on).collect();
    if options.key_pixels != KeyPixels::FeatureMaps {
        let brightness = brightness_at(planes, lattice);
        keep_light_or_dark(&mut chosen, &brightness, options.filter);
    }
    Ok(chosen)
}

/// The crossings whose pixel is quiet in the crop of `side * side` pixels that the network sees:
/// the crop is resized to the box by its nearest pixels.
fn quiet_crossings(quiet: &[bool], side: usize, planes: &Planes, lattice: &Lattice) -> Vec<bool> {
    let nearest = |position: usize, length: usize| {
        // The centre of the pixel, scaled to the crop's side.
        ((2 * position + 1) * side / (2 * length)).min(side - 1)
    };
    let rows = lattice.rows.iter().map(|&y| nearest(y, planes.height) * side);
    rows.flat_map(|row| lattice.columns.iter().map(move |&x| row + nearest(x, planes.width)))
        .map(|i| quiet.get(i).copied().unwrap_or(false))
        .collect()
}

/// The brightness at every crossing, 0 to 1.
fn brightness_at(planes: &Planes, lattice: &Lattice) -> Vec<f32> {
    let pixels = lattice.rows.iter().flat_map(|&y| lattice.columns.iter().map(move |&x| (y, x)));
    pixels
        .map(|(y, x)| match planes.channels {
            // Grey, with alpha or without.
            1 | 2 => planes.at(0, y, x),
            _ => luma(planes.at(0, y, x), planes.at(1, y, x), planes.at(2, y, x)),
        })
        .collect()
}

/// The light/dark filter. It assumes that strokes and background differ in brightness, and that
/// most candidates are background.
///
/// With m the median brightness of the candidates, s their standard deviation (n) and t the
/// `factor`: if m is below their mean, those below m + t s are kept, otherwise those above m - t s.
/// If all candidates are equally bright, all are kept.
fn keep_light_or_dark(candidates: &mut [bool], brightness: &[f32], factor: f32) {
    let mut values: Vec<f32> =
        brightness.iter().zip(candidates.iter()).filter_map(|(b, c)| c.then_some(*b)).collect();
    values.sort_by(f32::total_cmp);
    let (Some(&lowest), Some(&highest)) = (values.first(), values.last()) else { return };
    if lowest == highest {
        return;
    }
    let count = values.len() as f32;
    let median = f32::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
    let mean = values.iter().sum::<f32>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
    let room = factor * variance.sqrt();
    for (candidate, &value) in candidates.iter_mut().zip(brightness) {
        let stays = if median < mean { value < median + room } else { value > median - room };
        *candidate = *candidate && stays;
    }
}

/// Values on the scale of 0, the lowest, to 1, the highest; 0 throughout when all are equal.
fn scaled(values: &[f32]) -> Vec<f32> {
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = high - low;
    values.iter().map(|value| if range > 0.0 { (value - low) / range } else { 0.0 }).collect()
}

/// Which values are no higher than the `percent`-th percentile, linear between values.
fn lowest(values: &[f32], percent: f32) -> Vec<bool> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return Vec::new() };
    let at = percent.clamp(0.0, 100.0) * last as f32 / 100.0;
    let (below, share) = (at as usize, at.fract());
    let above = sorted[(below + 1).min(last)];
    let threshold = sorted[below] + share * (above - sorted[below]);
    values.iter().map(|value| *value <= threshold).collect()
}

/// Quiet pixels by the gradients of all digits, each scaled to 0..1: where that of the digit
/// `read` differs least from the mean of the others.
fn quiet_near_average(of_digits: &[Vec<f32>], read: u8, percent: f32) -> Vec<bool> {
    let of_digits: Vec<Vec<f32>> = of_digits.iter().map(|gradient| scaled(gradient)).collect();
    let read = usize::from(read);
    let Some(of_read) = of_digits.get(read) else { return Vec::new() };
    let others = (of_digits.len() - 1).max(1) as f32;
    let differences: Vec<f32> = of_read
        .iter()
        .enumerate()
        .map(|(pixel, own)| {
            let all: f32 = of_digits.iter().filter_map(|gradient| gradient.get(pixel)).sum();
            (own - (all - own) / others).abs()
        })
        .collect();
    lowest(&differences, percent)
}

/// Quiet pixels by one gradient, scaled to 0..1: where it is lowest. The scale does not change
/// which these are.
fn quiet_by_value(gradient: &[f32], percent: f32) -> Vec<bool> {
    lowest(&scaled(gradient), percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(brightness: &[f32], factor: f32) -> Vec<bool> {
        let mut candidates = vec![true; brightness.len()];
        keep_light_or_dark(&mut candidates, brightness, factor);
        candidates
    }

    #[test]
    fn the_filter_drops_the_few_that_are_darker_or_lighter() {
        // A light wall with a dark stroke: median .8 above the mean .7, deviation .262.
        let light = [0.8, 0.8, 0.9, 0.8, 0.8, 0.1];
        assert_eq!(kept(&light, 0.2), [true, true, true, true, true, false]);
        // A dark one with a light stroke.
        let dark = light.map(|value| 1.0 - value);
        assert_eq!(kept(&dark, 0.2), [true, true, true, true, true, false]);
        // With a factor of 0 the median itself is dropped; with a large one everything is kept.
        assert_eq!(kept(&light, 0.0), [false, false, true, false, false, false]);
        assert_eq!(kept(&light, 3.0), [true; 6]);
        assert_eq!(kept(&[0.4; 5], 0.2), [true; 5]);
        // Pixels that are not candidates do not count, and do not become candidates.
        let mut some = [true, true, true, false, false, false];
        keep_light_or_dark(&mut some, &[0.8, 0.8, 0.1, 0.8, 0.0, 0.0], 0.2);
        assert_eq!(some, [true, true, false, false, false, false]);
    }

    #[test]
    fn the_lowest_are_a_share_of_the_values() {
        let values: Vec<f32> = (0..101u8).rev().map(f32::from).collect();
        let quiet = lowest(&values, 8.0);
        assert_eq!(quiet.iter().filter(|quiet| **quiet).count(), 9);
        assert!(quiet[100] && quiet[92] && !quiet[91]);
        assert_eq!(lowest(&[1.0, 2.0], 60.0), [true, false]);
        assert_eq!(lowest(&[1.0; 3], 8.0), [true; 3]);
        assert!(lowest(&[], 8.0).is_empty());
    }

    #[test]
    fn gradients_tell_a_flat_background_from_a_stroke() {
        // 20 x 20 pixels with a stroke down columns 8 to 11: the gradient of the digit that is
        // read, 3, depends on it, those of the others do not.
        let pixel = |other: usize| -> Vec<f32> {
            let at = |i: usize| match (i % 20, other) {
                (8..12, 3) => 5.0,
                (0, _) => -1.0,
                (19, _) => 1.0,
                _ => 0.01 * (i % 7) as f32,
            };
            (0..400).map(at).collect()
        };
        let of_digits: Vec<Vec<f32>> = (0..10).map(pixel).collect();
        let quiet = quiet_near_average(&of_digits, 3, 8.0);
        assert!(quiet.contains(&true));
        for (i, quiet) in quiet.iter().enumerate().filter(|(i, _)| (8..12).contains(&(i % 20))) {
            assert!(!quiet, "the stroke at {i}");
        }
        // The first column has the lowest gradient: 5 % of the pixels.
        let quiet = quiet_by_value(&of_digits[3], 5.0);
        for (i, quiet) in quiet.iter().enumerate() {
            assert_eq!(*quiet, i % 20 == 0, "pixel {i}");
        }
    }

    #[test]
    fn a_quiet_crop_is_laid_on_the_box_by_its_nearest_pixels() {
        // Of a crop of 4 x 4 the left half is quiet.
        let quiet: Vec<bool> = (0..16).map(|i| i % 4 < 2).collect();
        let planes = Planes { channels: 1, height: 2, width: 10, samples: vec![0.5; 20] };
        let lattice = Lattice { rows: vec![0, 1], columns: vec![0, 3, 4, 5, 9] };
        let found = quiet_crossings(&quiet, 4, &planes, &lattice);
        assert_eq!(found, [true, true, true, false, false].repeat(2));
    }
}
