//! Follows strokes out of their boxes, because people draw boxes too small.

use super::{BACKGROUND, COLOUR_BLUR};
use crate::{
    photo::{Mask, largest_within},
    removal::{Brush, corrected::Corrected},
};

/// Strokes are followed out of a box from pixels in it with a stroke probability above this.
const LEAST_FOLLOWED: f32 = 0.5;

/// The pixels that may change: those inside boxes, and of those `within_reach` the ones into which
/// strokes in the boxes continue, or which the brush adds, with their blur. Strokes of a neighbour
/// do not continue from a box, and are left unchanged.
pub(super) fn followed(strokes: &[f32], corrected: &Corrected, within_reach: &Mask) -> Mask {
    let (width, height) = (within_reach.width(), within_reach.height());
    let inside = &corrected.inside;
    let may_be_reached = |i: usize| within_reach[i] && corrected.brush(i) != Some(Brush::Takes);
    let seeds = Mask::from_fn(width, height, |i| {
        let added = may_be_reached(i) && corrected.brush(i) == Some(Brush::Adds);
        added || inside[i] && strokes[i] > LEAST_FOLLOWED
    });
    let ways = Mask::from_fn(width, height, |i| may_be_reached(i) && strokes[i] > BACKGROUND);
    let reached = ways.reached_from(&seeds);
    let outside: Vec<f32> = reached
        .iter()
        .zip(inside.iter())
        .map(|(reached, inside)| f32::from(u8::from(*reached && !inside)))
        .collect();
    let with_blur = largest_within(&outside, width, COLOUR_BLUR);
    Mask::from_fn(width, height, |i| inside[i] || with_blur[i] > 0.0 && may_be_reached(i))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::BoxInPhoto;

    #[test]
    fn strokes_are_followed_out_of_their_box_and_others_are_not() {
        // A box of columns 6 to 11; one bar continues out of it to the right, another is beside it.
        let (height, width) = (16, 24);
        let inside = Mask::from_fn(width, height, |i| (6..12).contains(&(i % width)));
        let within_reach = Mask::from_fn(width, height, |i| {
            (2..6).contains(&(i % width)) || (12..16).contains(&(i % width))
        });
        let bar = |x: usize, y: usize| y == 5 && x >= 8;
        let neighbour = |x: usize, y: usize| y == 12 && x <= 4;
        let strokes: Vec<f32> = (0..height * width)
            .map(|i| {
                if bar(i % width, i / width) || neighbour(i % width, i / width) { 0.9 } else { 0.1 }
            })
            .collect();
        let area = BoxInPhoto { left: 0, top: 0, width: 24, height: 16 };
        let corrected = Corrected::of(area, inside.clone(), &inside, &[]);
        let changeable = followed(&strokes, &corrected, &within_reach);
        for (i, changeable) in changeable.iter().enumerate() {
            let (x, y) = (i % width, i / width);
            let of_bar = (12..16).contains(&x) && (4..7).contains(&y);
            assert_eq!(*changeable, inside[i] || of_bar, "column {x}, row {y}");
        }
    }
}
