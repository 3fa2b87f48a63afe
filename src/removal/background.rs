//! What the photo around the boxes says of the background inside them.

use super::Lattice;

/// Differences up to this much, on the scale 0 to 1, always pass: about sensor noise.
const ALWAYS_PASSES: f32 = 0.06;

/// Width of the smoothing as a share of the lattice's shorter side, and its least in crossings.
const REACH: f64 = 0.25;
const LEAST_REACH: f64 = 2.0;

/// The expected background and its spread at every crossing of a lattice: a Gaussian-weighted
/// mean and standard deviation of the known pixels around.
pub(super) struct Estimate {
    channels: usize,
    crossings: usize,
    /// `channels * crossings`; `None` where nothing is known.
    expected: Option<Vec<f32>>,
    spread: Vec<f32>,
}

impl Estimate {
    /// From the crossings that are `known` to be background; `values` has `channels` planes.
    pub(super) fn new(lattice: &Lattice, known: &[bool], values: &[f32], channels: usize) -> Self {
        let (height, width) = (lattice.rows.len(), lattice.columns.len());
        let crossings = height * width;
        if !known.contains(&true) {
            return Estimate { channels, crossings, expected: None, spread: Vec::new() };
        }
        // The weights reach as far as it takes to see the surroundings from the middle.
        let sigma = (REACH * height.min(width) as f64).max(LEAST_REACH);
        let smooth = |plane: &dyn Fn(usize) -> f64| -> Vec<f64> {
            let across = convolve(plane, height, width, sigma, false);
            convolve(&|i| across[i], height, width, sigma, true)
        };
        let flag = |i: usize| f64::from(u8::from(known[i]));
        let weight = smooth(&flag);
        let mut expected = Vec::with_capacity(channels * crossings);
        let mut spread = Vec::with_capacity(channels * crossings);
        for c in 0..channels {
            let value = |i: usize| f64::from(values[c * crossings + i]);
            let sum = smooth(&|i| flag(i) * value(i));
            let squares = smooth(&|i| flag(i) * value(i) * value(i));
            for i in 0..crossings {
                let mean = sum[i] / weight[i].max(f64::MIN_POSITIVE);
                let variance = squares[i] / weight[i].max(f64::MIN_POSITIVE) - mean * mean;
                expected.push(mean as f32);
                spread.push(variance.max(0.0).sqrt() as f32);
            }
        }
        Estimate { channels, crossings, expected: Some(expected), spread }
    }

    /// Whether the values at crossing `i` pass for background: in every channel within
    /// `tolerance` standard deviations of what is expected there. Where nothing is known,
    /// everything passes.
    pub(super) fn agrees(&self, i: usize, values: &[f32], tolerance: f32) -> bool {
        let Some(expected) = &self.expected else { return true };
        (0..self.channels).map(|c| c * self.crossings + i).all(|at| {
            let allowed = (tolerance * self.spread[at]).max(ALWAYS_PASSES);
            (values[at] - expected[at]).abs() <= allowed
        })
    }
}

/// A one-dimensional Gaussian smoothing of a `height x width` plane along rows or down columns.
fn convolve(
    plane: &dyn Fn(usize) -> f64,
    height: usize,
    width: usize,
    sigma: f64,
    down: bool,
) -> Vec<f64> {
    let length = if down { height } else { width };
    let kernel: Vec<f64> = (0..length).map(|d| (-(d as f64 / sigma).powi(2) / 2.0).exp()).collect();
    (0..height * width)
        .map(|i| {
            let (y, x) = (i / width, i % width);
            if down {
                (0..height).map(|from| kernel[from.abs_diff(y)] * plane(from * width + x)).sum()
            } else {
                (0..width)
                    .map(|from| kernel[from.abs_diff(x)] * plane(y * width + from))
                    .sum::<f64>()
            }
        })
        .collect()
}
