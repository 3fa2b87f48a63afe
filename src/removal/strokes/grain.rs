//! Grain for fills without texture: noise and fine unevenness like that of the surroundings.

use std::cmp::Reverse;

use super::levels::{LEAST_WEIGHT, Level};
use crate::photo::Planes;

/// Steps in pixels, in row and column, from a filled pixel to the background pixel from which its
/// grain is taken.
const GRAIN_STEPS: [i64; 9] = [-16, -12, -8, -5, 0, 5, 8, 12, 16];

/// A step is used only if it serves at least this share of the pixels that the best step serves.
/// Otherwise several steps would repeat the same few pixels as a lattice of dots.
const LEAST_SERVED_SHARE: f64 = 0.8;

/// Number of ranks into which steps are sorted, by how many pixels each serves.
const SERVED_RANKS: usize = 16;

/// Grain stronger than this many times the usual grain comes from a thing on the wall. For grain
/// from any place in the photo the limit is lower, because it differs from its neighbours and is
/// more visible.
const MOST_GRAIN: f32 = 3.0;
const MOST_GRAIN_ALONE: f32 = 1.0;

/// How far the mean of the background around the source of grain may differ from that around the
/// filled pixel, in each channel. Beyond a plate's edge the surface is another one, with other
/// grain.
const MOST_TONE_DIFFERENCE: f32 = 12.0 / 255.0;

/// For a pixel that no neighbour serves, this many random pixels of the background are tried.
const RANDOM_TRIES: u32 = 16;

/// Side in pixels of the squares whose mean is taken; grain is the difference from it.
const MEAN_SIDE: usize = 2;

/// For every sample of the `filled` pixels, the difference of a nearby background pixel from the
/// background's mean around it: noise and fine texture, which a Gaussian smooths away. If possible,
/// neighbours get it from neighbours, so that the grain is as fine as the photo's. A pixel that no
/// neighbour serves gets it from any place of the same brightness.
pub(super) fn grain(planes: &Planes, background: &[bool], filled: &[usize]) -> Vec<f32> {
    let smooth = Level {
        rows: planes.height,
        columns: planes.width,
        weights: background.iter().map(|it| if *it { 1.0 } else { LEAST_WEIGHT }).collect(),
        values: planes.samples.clone(),
    };
    let smooth = smooth.smoothed(MEAN_SIDE);
    let (height, width) = (planes.height as i64, planes.width as i64);
    let pixels = background.len();
    let alike = |i: usize, at: usize| {
        let planes = smooth.chunks_exact(pixels);
        planes.into_iter().all(|plane| (plane[i] - plane[at]).abs() <= MOST_TONE_DIFFERENCE)
    };
    let lender = |i: usize, (down, right): (i64, i64)| {
        let (y, x) = (i as i64 / width + down, i as i64 % width + right);
        let inside = (0..height).contains(&y) && (0..width).contains(&x);
        inside.then(|| (y * width + x) as usize).filter(|&at| background[at] && alike(i, at))
    };
    // Rounded to ranks, so that the order does not depend on a pixel more or less, which may differ
    // between processors.
    let serves = |step: (i64, i64)| {
        SERVED_RANKS * filled.iter().filter(|&&i| lender(i, step).is_some()).count()
            / filled.len().max(1)
    };
    let mut steps: Vec<(usize, (i64, i64))> = GRAIN_STEPS
        .iter()
        .flat_map(|&down| GRAIN_STEPS.iter().map(move |&right| (down, right)))
        .map(|step| (serves(step), step))
        .collect();
    // The step that serves most pixels comes first; equal ones are in the order of the table.
    steps.sort_by_key(|(serves, _)| Reverse(*serves));
    let most = steps.first().map_or(0, |(serves, _)| *serves);
    steps.retain(|(serves, _)| *serves as f64 >= LEAST_SERVED_SHARE * most as f64);
    let clear: Vec<usize> = (0..pixels).filter(|&i| background[i]).collect();
    if clear.is_empty() {
        return vec![0.0; planes.samples.len()];
    }
    let anywhere = |i: usize| {
        let mut tries =
            (0..RANDOM_TRIES).map(|n| scattered(RANDOM_TRIES * i as u32 + n) as usize % pixels);
        tries.find(|&at| background[at] && alike(i, at))
    };
    let lent: Vec<(usize, usize, f32)> = filled
        .iter()
        .filter_map(|&i| match steps.iter().find_map(|(_, step)| lender(i, *step)) {
            Some(from) => Some((i, from, MOST_GRAIN)),
            None => Some((i, anywhere(i)?, MOST_GRAIN_ALONE)),
        })
        .collect();
    let mut grain = vec![0.0; planes.samples.len()];
    for c in 0..planes.channels {
        let of = |i: usize| planes.samples[c * pixels + i] - smooth[c * pixels + i];
        let mut strengths: Vec<f32> = clear.iter().map(|&i| of(i).abs()).collect();
        let middle = strengths.len() / 2;
        let (_, usual, _) = strengths.select_nth_unstable_by(middle, f32::total_cmp);
        let usual = *usual;
        for &(i, from, most) in &lent {
            let most = most * usual;
            grain[c * pixels + i] = of(from).clamp(-most, most);
        }
    }
    grain
}

/// A hash of a number, so that results of neighbours look unrelated (a multiplication and a shift,
/// twice, as in MurmurHash3).
pub(super) fn scattered(i: u32) -> u32 {
    let i = (i ^ (i >> 16)).wrapping_mul(0x85eb_ca6b);
    let i = (i ^ (i >> 13)).wrapping_mul(0xc2b2_ae35);
    i ^ (i >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grain_is_the_surroundings_own() {
        let (height, width) = (24, 24);
        let noise = |i: usize| if (i * 7919 % 13) < 6 { 0.02 } else { -0.02 };
        let middle = |i: usize| (9..15).contains(&(i / width)) && (9..15).contains(&(i % width));
        let wall = |i: usize| if middle(i) { 0.1 } else { 0.5 + noise(i) };
        let samples: Vec<f32> = (0..height * width).map(wall).collect();
        let planes = Planes { channels: 1, height, width, samples };
        let background: Vec<bool> = (0..height * width).map(|i| !middle(i)).collect();
        let filled: Vec<usize> = (0..height * width).filter(|&i| middle(i)).collect();
        let mut strength = 0.0;
        for (i, grain) in grain(&planes, &background, &filled).into_iter().enumerate() {
            assert!(middle(i) && grain.abs() < 0.05 || grain == 0.0, "{i}: {grain}");
            strength += grain.abs() / 36.0;
        }
        assert!((0.01..0.03).contains(&strength), "{strength}");
    }
}
