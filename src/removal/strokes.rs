//! Which pixels of the boxes are strokes: those that the background does not explain.
//!
//! The report lays the fill over the whole box, and the wall's texture is lost with the digit.
//! Where the photo differs from the fill by no more than the surroundings do from theirs, it is
//! background, and is left as it is.

use crate::photo::Planes;

/// A pixel that differs by so many times the surroundings' noise is a stroke's; one that is next
/// to a stroke's is one from the lower number on.
const CERTAIN: f32 = 5.0;
const POSSIBLE: f32 = 2.0;

/// The least noise, 0 to 1: a drawn wall has none.
const LEAST_NOISE: f32 = 1.5 / 255.0;

/// Certain pixels that a stroke has at least; fewer are specks of the wall.
const LEAST_PIXELS: usize = 4;

/// How much of the fill each pixel is to show, 0 to 1: all of it on strokes and `reach` pixels
/// about them, where their blur is, none where the photo is background.
///
/// `predicted` are the fill's samples, plane after plane; only pixels `inside` can show it. The
/// pixels outside all boxes say how far background differs from it.
pub(super) fn shares(
    original: &Planes,
    predicted: &[f32],
    inside: &[bool],
    in_any_box: &[bool],
    reach: usize,
) -> Vec<f32> {
    let (width, height) = (original.width, original.height);
    let pixels = width * height;
    // An alpha channel comes last, and has no noise to compare with.
    let colours = if original.channels < 3 { 1 } else { 3 };
    let difference: Vec<f32> = (0..pixels)
        .map(|i| {
            (0..colours)
                .map(|c| (original.samples[c * pixels + i] - predicted[c * pixels + i]).abs())
                .fold(0.0, f32::max)
        })
        .collect();
    let mut around: Vec<f32> =
        (0..pixels).filter(|&i| !in_any_box[i]).map(|i| difference[i]).collect();
    if around.len() < 16 {
        // Hardly any surroundings: nothing says what background is.
        return inside.iter().map(|&inside| if inside { 1.0 } else { 0.0 }).collect();
    }
    let middle = around.len() / 2;
    let (_, median, _) = around.select_nth_unstable_by(middle, f32::total_cmp);
    // The median of a normal deviation is .6745 of its standard deviation.
    let noise = (*median / 0.6745).max(LEAST_NOISE);
    let possible = |i: usize| inside[i] && difference[i] > POSSIBLE * noise;
    let mut stroke = vec![false; pixels];
    let mut seen = vec![false; pixels];
    for start in 0..pixels {
        if seen[start] || !possible(start) {
            continue;
        }
        let mut component = vec![start];
        seen[start] = true;
        let mut next = 0;
        while let Some(&i) = component.get(next) {
            next += 1;
            for j in about(i, 1, width, height) {
                if !seen[j] && possible(j) {
                    seen[j] = true;
                    component.push(j);
                }
            }
        }
        let certain = component.iter().filter(|&&i| difference[i] > CERTAIN * noise).count();
        if certain >= LEAST_PIXELS {
            component.into_iter().for_each(|i| stroke[i] = true);
        }
    }
    let mut grown = vec![false; pixels];
    for i in (0..pixels).filter(|&i| stroke[i]) {
        for j in about(i, reach, width, height) {
            grown[j] = true;
        }
    }
    (0..pixels)
        .map(|i| {
            if !inside[i] {
                return 0.0;
            }
            if grown[i] {
                return 1.0;
            }
            // Fades out over two pixels, so that the fill has no edge.
            let near = |reach: usize| about(i, reach, width, height).any(|j| grown[j]);
            if near(1) {
                0.67
            } else if near(2) {
                0.33
            } else {
                0.0
            }
        })
        .collect()
}

/// The pixels of the square of `reach` about a pixel, itself among them.
fn about(i: usize, reach: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    let (y, x) = (i / width, i % width);
    let columns = x.saturating_sub(reach)..(x + reach + 1).min(width);
    (y.saturating_sub(reach)..(y + reach + 1).min(height))
        .flat_map(move |y| columns.clone().map(move |x| y * width + x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_are_found_and_the_wall_is_left() {
        let (width, height) = (40, 30);
        let wall = |i: usize| 0.6 + if (i * 7919) % 13 < 6 { 0.01 } else { -0.01 };
        let stroke = |i: usize| (18..22).contains(&(i % width)) && (8..22).contains(&(i / width));
        let samples: Vec<f32> =
            (0..width * height).map(|i| if stroke(i) { 0.1 } else { wall(i) }).collect();
        let inside: Vec<bool> = (0..width * height)
            .map(|i| (10..30).contains(&(i % width)) && (5..25).contains(&(i / width)))
            .collect();
        let original = Planes { channels: 1, height, width, samples };
        let shares = shares(&original, &vec![0.6; width * height], &inside, &inside, 2);
        let at = |x: usize, y: usize| shares[y * width + x];
        assert_eq!((at(20, 15), at(16, 15), at(23, 15)), (1.0, 1.0, 1.0));
        assert_eq!((at(12, 15), at(27, 15), at(5, 15)), (0.0, 0.0, 0.0));
        assert!(at(24, 15) > 0.5 && at(25, 15) > 0.0 && at(25, 15) < 0.5);
    }

    #[test]
    fn without_surroundings_all_is_filled() {
        let original = Planes { channels: 1, height: 4, width: 4, samples: vec![0.5; 16] };
        assert_eq!(shares(&original, &[0.5; 16], &[true; 16], &[true; 16], 2), [1.0; 16]);
    }
}
