//! The loss of the stroke network: it must find strokes, and key pixels from which a fill comes
//! close to the truth.
//!
//! There are no labels for key pixels. Each patch is filled as in [`crate::removal`], by the same
//! levels, in steps that have a gradient. The gradient of the fill's distance to the same photo
//! without its digits tells whether each pixel's weight must rise or fall.

use burn::tensor::{
    Device, Tensor, TensorData,
    activation::sigmoid,
    module::{avg_pool2d, max_pool2d},
    ops::{AvgPoolOptions, MaxPoolOptions},
};

use super::patches::{Patch, SIDE};
use crate::{
    removal::strokes::levels::{LEAST_WEIGHT, taps},
    strokes::{CELL, OUTPUTS},
};

/// The share of telling strokes in the loss; the rest is the fill's.
const OF_STROKES: f64 = 0.75;

/// The fill's loss is this root of its mean squared error, so that bad fills count more than good
/// ones, but not so much that these did not count; with a factor that brings it to the size of the
/// other, and the square of half a level, below which there is nothing to gain.
const ROOT: f32 = 0.25;
const FACTOR: f32 = 10.0;
const NOTHING_TO_GAIN: f32 = 4e-6;

/// The fill takes a pixel's place by its log-odds of being a stroke, steepest at the first, where
/// half of it does; the second is the steepness.
const HALF_FILLED: f32 = 0.4;
const STEEPNESS: f32 = 1.6;

/// A patch's part of the loss of its batch, which has this number of patches and this total weight,
/// and the gradient by the network's outputs `[8, side, side]`.
pub(super) fn loss(patch: &Patch, odds: &[f32], patches: usize, weight: f64) -> (f64, Vec<f32>) {
    let (of_fill, mut gradient) = loss_of_fill(patch, odds);
    let share = (1.0 - OF_STROKES) / patches as f64;
    gradient.iter_mut().for_each(|gradient| *gradient *= share as f32);
    let mut loss = share * f64::from(of_fill);
    let share = OF_STROKES / weight;
    // The outputs for key pixels follow those for strokes.
    let known = patch.target.iter().zip(&patch.weight);
    for ((&odds, (&target, &weight)), gradient) in odds.iter().zip(known).zip(&mut gradient) {
        // Cross entropy of log-odds z with a share t: max(z, 0) - z t + ln(1 + exp(-|z|)).
        let entropy = odds.max(0.0) - odds * target + (-odds.abs()).exp().ln_1p();
        loss += share * f64::from(weight * entropy);
        *gradient += share as f32 * weight * (1.0 / (1.0 + (-odds).exp()) - target);
    }
    (loss, gradient)
}

/// How far the fill of a patch is from the truth, and the gradient by the network's outputs.
fn loss_of_fill(patch: &Patch, odds: &[f32]) -> (f32, Vec<f32>) {
    let device = Device::flex().autodiff();
    let cells = SIDE / CELL;
    let odds = TensorData::new(odds.to_vec(), [OUTPUTS, CELL, CELL, cells, cells]);
    let odds = Tensor::<5>::from_data(odds, &device).require_grad();
    // A cell's pixels lie in its channels.
    let of_pixels = odds.clone().permute([0, 3, 1, 4, 2]).reshape([OUTPUTS, 1, SIDE, SIDE]);
    let strokes = of_pixels.clone().narrow(0, 0, 1);
    let key_pixels = of_pixels.narrow(0, 1, 1);
    let plane = |values: &[f32]| -> Tensor<4> {
        let channels = values.len() / (SIDE * SIDE);
        Tensor::from_data(TensorData::new(values.to_vec(), [1, channels, SIDE, SIDE]), &device)
    };
    let (photo, clean) = (plane(&patch.photo), plane(&patch.clean));
    let (inside, on_photo) = (plane(&patch.inside), plane(&patch.on_photo));

    let weights = (sigmoid(key_pixels) * on_photo.clone()).clamp_min(LEAST_WEIGHT);
    let fill = filled(photo.clone(), weights, SIDE);
    let around = MaxPoolOptions::new([3, 3]).with_stride([1, 1]).with_padding([1, 1]);
    let odds_around = max_pool2d(strokes, around);
    let share = sigmoid((odds_around - HALF_FILLED) * STEEPNESS) * inside.clone();
    let result = photo.clone() + share * (fill - photo);
    let counts = inside * on_photo;
    let pixels = (counts.clone().sum() * 3.0).clamp_min(1.0);
    let error = ((result - clean).square() * counts).sum() / pixels;
    let loss = (error + NOTHING_TO_GAIN).powf_scalar(ROOT) * FACTOR;
    let gradients = loss.backward();
    let gradient = odds.grad(&gradients).map(|gradient| gradient.into_data().try_into_vec());
    let Some(Ok(gradient)) = gradient else {
        unreachable!("all outputs take part in the loss, and the host's numbers can be read")
    };
    (loss.into_scalar(), gradient)
}

/// Photos `[1, 3, side, side]`, filled by their pixels' weights `[1, 1, side, side]`, as by
/// [`crate::removal::strokes::levels::fold_in`].
fn filled(values: Tensor<4>, weights: Tensor<4>, side: usize) -> Tensor<4> {
    if side == 1 {
        return values;
    }
    let halved = |x: Tensor<4>| avg_pool2d(x, AvgPoolOptions::new([2, 2]).with_stride([2, 2]));
    let means = halved(weights.clone());
    let above = halved(values.clone() * weights.clone()) / means.clone();
    let above = filled(above, (means * 4.0).clamp_max(1.0), side / 2);
    let mut shares = vec![0.0; side * (side / 2)];
    for (i, taps) in taps(side, side / 2).into_iter().enumerate() {
        for (from, share) in taps {
            shares[i * (side / 2) + from] = share;
        }
    }
    let down: Tensor<4> =
        Tensor::from_data(TensorData::new(shares, [1, 1, side, side / 2]), &values.device());
    let down = down.expand([1, 3, side, side / 2]);
    let above = down.clone().matmul(above).matmul(down.swap_dims(2, 3));
    above.clone() + weights * (values - above)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::removal::strokes::levels::{Level, fold_in};

    /// Numbers from 0 to 1 that follow no pattern.
    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 24) as f32
        };
        (0..count).map(|_| next()).collect()
    }

    fn patch() -> Patch {
        let pixels = SIDE * SIDE;
        let flags = |seed| numbers(pixels, seed).into_iter().map(f32::round).collect();
        Patch {
            cells: Vec::new(),
            target: numbers(pixels, 1),
            weight: numbers(pixels, 2),
            photo: numbers(3 * pixels, 3),
            clean: numbers(3 * pixels, 4),
            inside: flags(5),
            on_photo: flags(6),
        }
    }

    #[test]
    fn patches_are_filled_as_photos_are() {
        let (weights, values) = (numbers(SIDE * SIDE, 7), numbers(3 * SIDE * SIDE, 8));
        let weights: Vec<f32> =
            weights.iter().map(|weight| weight.powi(8).max(LEAST_WEIGHT)).collect();
        let device = Device::flex();
        let plane = |values: &[f32], channels| -> Tensor<4> {
            Tensor::from_data(TensorData::new(values.to_vec(), [1, channels, SIDE, SIDE]), &device)
        };
        let burns = filled(plane(&values, 3), plane(&weights, 1), SIDE);
        let burns: Vec<f32> = burns.into_data().try_into_vec().expect("numbers");
        let level = Level { rows: SIDE, columns: SIDE, weights, values };
        let ours = fold_in(level, &mut |_, _| {}).values;
        for (i, (ours, burns)) in ours.iter().zip(&burns).enumerate() {
            assert!((ours - burns).abs() < 1e-4, "{i}: {ours}, not {burns}");
        }
    }

    #[test]
    fn the_gradient_is_the_losses() {
        let patch = patch();
        let outputs = OUTPUTS * SIDE * SIDE;
        let odds: Vec<f32> = numbers(outputs, 9).iter().map(|odds| 4.0 * odds - 3.0).collect();
        let (_, gradient) = loss(&patch, &odds, 3, 50.0);
        assert_eq!(gradient.len(), outputs);
        // Along some directions, of strokes alone, of key pixels alone, and of both.
        for (seed, range) in [(10, 0..outputs / 2), (11, outputs / 2..outputs), (12, 0..outputs)] {
            let direction: Vec<f32> = numbers(outputs, seed)
                .iter()
                .enumerate()
                .map(|(i, number)| if range.contains(&i) { number - 0.3 } else { 0.0 })
                .collect();
            let at = |step: f32| {
                let odds: Vec<f32> =
                    odds.iter().zip(&direction).map(|(odds, by)| odds + step * by).collect();
                loss(&patch, &odds, 3, 50.0).0
            };
            let step = 0.02;
            let expected = (at(step) - at(-step)) / f64::from(2.0 * step);
            let ours: f64 = gradient.iter().zip(&direction).map(|(g, by)| f64::from(g * by)).sum();
            assert!((ours - expected).abs() < 0.02 * expected.abs(), "{ours}, not {expected}");
        }
    }
}
