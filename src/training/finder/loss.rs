//! The loss of the network that finds digits.

use super::views::{CELLS, View};
use crate::finder::{CELL, UNIT};

/// Positions count for a box from this target on, by their target.
const ON_BOX: f32 = 0.2;

/// The share of boxes in the loss; the rest is finding.
const OF_BOXES: f32 = 0.5;

/// Reaches are held within these powers of e, in [`UNIT`]s, so that a step cannot overflow.
const REACHES: [f32; 2] = [-4.0, 4.0];

/// A view's part of the loss of its batch, which has this many digits in its views, and the gradient
/// by the network's outputs.
pub(super) fn loss(view: &View, outputs: &[f32], digits: f32) -> (f64, Vec<f32>) {
    let mut gradient = vec![0.0; outputs.len()];
    let mut loss = 0.0;
    let plane = CELLS * CELLS;
    for at in 0..plane {
        let place = &view.places[at];
        let (value, slope) = finding(outputs[at], place.target);
        loss += f64::from(place.weight * value / digits);
        gradient[at] = place.weight * slope / digits;
        if place.target <= ON_BOX {
            continue;
        }
        let middle = |line: usize| (line * CELL) as f32 + CELL as f32 / 2.0;
        let (x, y) = (middle(at % CELLS), middle(at / CELLS));
        let [left, top, right, bottom] = place.area;
        let truth = [x - left, y - top, right - x, bottom - y];
        if truth.iter().any(|&reach| reach <= 0.0) {
            continue;
        }
        let given = [1, 2, 3, 4].map(|side| outputs[side * plane + at]);
        let (value, slopes) = of_box(given, truth);
        let weight = OF_BOXES * place.target * place.weight / digits;
        loss += f64::from(weight * value);
        for (side, slope) in slopes.into_iter().enumerate() {
            gradient[(side + 1) * plane + at] = weight * slope;
        }
    }
    (loss, gradient)
}

/// Cross entropy of log-odds and a target from 0 to 1, times the square of the distance between
/// probability and target (Li et al., 2020, "Generalized Focal Loss"), and its slope.
fn finding(odds: f32, target: f32) -> (f32, f32) {
    let probability = 1.0 / (1.0 + (-odds).exp());
    let entropy = odds.max(0.0) - odds * target + (-odds.abs()).exp().ln_1p();
    let miss = probability - target;
    let slope_of_square = 2.0 * miss * probability * (1.0 - probability);
    (miss * miss * entropy, slope_of_square * entropy + miss * miss * miss)
}

/// The negative logarithm of the intersection over union of two boxes that reach from one position
/// to the left, up, right and down: one by the powers of e in `given`, in [`UNIT`]s, the other
/// `truth` pixels. And its slope by each of `given`.
fn of_box(given: [f32; 4], truth: [f32; 4]) -> (f32, [f32; 4]) {
    let reaches = given.map(|power| UNIT * power.clamp(REACHES[0], REACHES[1]).exp());
    let shared: [f32; 4] = std::array::from_fn(|side| reaches[side].min(truth[side]));
    let lengths = |reaches: [f32; 4]| [reaches[0] + reaches[2], reaches[1] + reaches[3]];
    let [own, true_, both] = [reaches, truth, shared].map(lengths);
    let area = |[width, height]: [f32; 2]| width * height;
    let union = area(own) + area(true_) - area(both);
    let value = (union / area(both)).ln();
    let slopes = std::array::from_fn(|side| {
        // By this reach, areas grow as the other length.
        let other = 1 - side % 2;
        let of_both = if reaches[side] < truth[side] { both[other] } else { 0.0 };
        let of_union = own[other] - of_both;
        let within = (REACHES[0]..REACHES[1]).contains(&given[side]);
        let slope = of_union / union - of_both / area(both);
        if within { slope * reaches[side] } else { 0.0 }
    });
    (value, slopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_the_values() {
        for (odds, target) in [(-3.0, 0.0), (0.4, 0.7), (2.0, 1.0), (-1.0, 0.3)] {
            let step = 1e-3;
            let expected =
                (finding(odds + step, target).0 - finding(odds - step, target).0) / (2.0 * step);
            let (_, slope) = finding(odds, target);
            assert!((slope - expected).abs() < 2e-3, "{odds} {target}: {slope}, not {expected}");
        }
        let given = [-0.3, 0.5, 0.1, -1.0];
        let truth = [5.0, 9.0, 14.0, 2.0];
        let (_, slopes) = of_box(given, truth);
        for side in 0..4 {
            let moved = |by: f32| {
                let mut given = given;
                given[side] += by;
                of_box(given, truth).0
            };
            let expected = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            assert!((slopes[side] - expected).abs() < 2e-3, "{side}: {}", slopes[side]);
        }
    }
}
