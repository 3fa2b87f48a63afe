//! Tells the digits in a box or an area apart, by their strokes.

use std::ops::RangeInclusive;

use crate::photo::{BoxInPhoto, Mask};

/// A box narrower than this multiple of its height holds one digit.
const SEVERAL_DIGITS_ASPECT: f32 = 0.9;

/// A pixel above this stroke probability counts as a stroke.
const LEAST_STROKE: f32 = 0.5;

/// A part that is shorter than this share of the tallest part is not a digit, but a dot, a dash or
/// dirt.
const LEAST_DIGIT_HEIGHT: f32 = 0.45;

/// Parts that share this much of the narrower one's columns are one digit, such as a stencilled 8,
/// or a 5 whose bar is apart.
const LEAST_SHARED_COLUMNS: f32 = 0.5;

/// A part wider than the first multiple of its height is two or more touching digits; one digit is
/// usually as wide as the second.
const MOST_DIGIT_ASPECT: f32 = 1.05;
const USUAL_DIGIT_ASPECT: f32 = 0.62;

/// Whether a box is wide enough to hold several digits.
pub(super) fn may_hold_several(area: &BoxInPhoto) -> bool {
    area.width as f32 > SEVERAL_DIGITS_ASPECT * area.height as f32
}

/// The digits in a box from left to right, from the stroke probabilities of its pixels; the box
/// itself if there are fewer than two.
pub(super) fn digits_of(strokes: &[f32], area: BoxInPhoto) -> Vec<BoxInPhoto> {
    let digits = separated(strokes, area, 0..=u32::MAX);
    if digits.len() < 2 { vec![area] } else { digits }
}

/// What may be digits in an area, from left to right, from the stroke probabilities of its pixels. What
/// is taller or shorter than these pixels is none.
pub(super) fn separated(
    strokes: &[f32],
    area: BoxInPhoto,
    heights: RangeInclusive<u32>,
) -> Vec<BoxInPhoto> {
    let (width, height) = (area.width as usize, area.height as usize);
    let mask = Mask::from_fn(width, height, |i| strokes[i] > LEAST_STROKE);
    let mut parts: Vec<BoxInPhoto> = mask
        .components()
        .into_iter()
        .filter_map(|part| hull(part.into_iter().map(|i| (i % width, i / width))))
        .filter(|part| part.height <= *heights.end())
        .collect();
    let tallest = parts.iter().map(|part| part.height).max().unwrap_or(0);
    parts.retain(|part| {
        part.height as f32 >= LEAST_DIGIT_HEIGHT * tallest as f32 || part.width > tallest / 4
    });
    parts.sort_by_key(|part| part.left);
    let mut digits: Vec<BoxInPhoto> = Vec::new();
    for part in parts {
        match digits.last_mut().filter(|last| common(last, &part) >= LEAST_SHARED_COLUMNS) {
            Some(last) => *last = last.union(&part),
            None => digits.push(part),
        }
    }
    digits.retain(|digit| {
        digit.height as f32 >= LEAST_DIGIT_HEIGHT * tallest as f32
            && heights.contains(&digit.height)
    });
    let apart = |digit: BoxInPhoto| cut_apart(&mask, digit);
    let digits: Vec<BoxInPhoto> = digits.into_iter().flat_map(apart).collect();
    let on_photo = |digit: BoxInPhoto| BoxInPhoto {
        left: area.left + digit.left,
        top: area.top + digit.top,
        ..digit
    };
    digits.into_iter().map(on_photo).collect()
}

/// The smallest box round some pixels, which are given by column and row.
fn hull(pixels: impl Iterator<Item = (usize, usize)>) -> Option<BoxInPhoto> {
    pixels
        .map(|(x, y)| BoxInPhoto { left: x as u32, top: y as u32, width: 1, height: 1 })
        .reduce(|a, b| a.union(&b))
}

/// The columns that two parts share, as a share of the narrower one's.
fn common(a: &BoxInPhoto, b: &BoxInPhoto) -> f32 {
    let shared = a.right().min(b.right()).saturating_sub(a.left.max(b.left));
    shared as f32 / a.width.min(b.width).max(1) as f32
}

/// Touching digits, cut near each place where one should end, at the column with the fewest
/// strokes.
fn cut_apart(mask: &Mask, part: BoxInPhoto) -> Vec<BoxInPhoto> {
    let (width, height) = (part.width as f32, part.height as f32);
    if width <= MOST_DIGIT_ASPECT * height {
        return vec![part];
    }
    let count = (width / (USUAL_DIGIT_ASPECT * height)).round().max(2.0) as u32;
    let strokes_in = |x: u32| {
        (part.top..part.bottom()).filter(|&y| mask[y as usize * mask.width() + x as usize]).count()
    };
    let step = part.width / count;
    let mut edges = vec![part.left];
    for i in 1..count {
        let wanted = part.left + i * step;
        let near = wanted.saturating_sub(step / 3)..=wanted + step / 3;
        edges.extend(near.min_by_key(|&x| (strokes_in(x), x.abs_diff(wanted))));
    }
    edges.push(part.right());
    let between = edges.windows(2).filter(|pair| pair[0] < pair[1]);
    between.map(|pair| BoxInPhoto { left: pair[0], width: pair[1] - pair[0], ..part }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: BoxInPhoto = BoxInPhoto { left: 30, top: 10, width: 40, height: 20 };

    /// The digits of strokes in these parts of the area, by left, top, width and height.
    fn digits(parts: &[[u32; 4]]) -> Vec<[u32; 4]> {
        let inside = |x: u32, y: u32| {
            parts.iter().any(|&[left, top, width, height]| {
                BoxInPhoto { left, top, width, height }.contains(x, y)
            })
        };
        let pixels = (0..AREA.height).flat_map(|y| (0..AREA.width).map(move |x| (x, y)));
        let strokes: Vec<f32> = pixels.map(|(x, y)| if inside(x, y) { 0.9 } else { 0.1 }).collect();
        let found = digits_of(&strokes, AREA).into_iter();
        found.map(|b| [b.left - 30, b.top - 10, b.width, b.height]).collect()
    }

    #[test]
    fn digits_stand_in_order_without_dots_and_dashes() {
        let parts = [[20, 3, 8, 14], [4, 3, 3, 14], [31, 2, 8, 15], [12, 15, 2, 2]];
        assert_eq!(digits(&parts), [[4, 3, 3, 14], [20, 3, 8, 14], [31, 2, 8, 15]]);
    }

    #[test]
    fn what_is_too_tall_or_too_short_is_no_digit_and_hides_none() {
        // A post, a digit and a small letter.
        let strokes = |x: u32, y: u32| match x {
            0..4 => true,
            10..16 => (3..17).contains(&y),
            24..28 => (9..17).contains(&y),
            _ => false,
        };
        let pixels = (0..AREA.height).flat_map(|y| (0..AREA.width).map(move |x| (x, y)));
        let strokes: Vec<f32> =
            pixels.map(|(x, y)| if strokes(x, y) { 0.9 } else { 0.1 }).collect();
        let lefts = |heights| -> Vec<u32> {
            separated(&strokes, AREA, heights).iter().map(|it| it.left - AREA.left).collect()
        };
        assert_eq!(lefts(10..=18), [10]);
        assert_eq!(lefts(5..=18), [10, 24]);
        assert_eq!(lefts(0..=20), [0, 10], "beside the post, the letter is too short");
    }

    #[test]
    fn a_digit_in_two_parts_is_one() {
        let parts = [[4, 3, 8, 2], [4, 7, 8, 10], [20, 3, 8, 14]];
        assert_eq!(digits(&parts), [[4, 3, 8, 14], [20, 3, 8, 14]]);
    }

    #[test]
    fn digits_that_touch_are_cut_apart_where_there_is_least() {
        let parts = [[4, 2, 9, 16], [14, 2, 9, 16], [13, 16, 1, 2]];
        assert_eq!(digits(&parts), [[4, 2, 9, 16], [13, 2, 10, 16]]);
    }

    #[test]
    fn where_nothing_is_told_apart_the_box_is_one_digit() {
        assert_eq!(digits(&[]), [[0, 0, 40, 20]]);
        assert_eq!(digits(&[[10, 2, 9, 16]]), [[0, 0, 40, 20]]);
    }
}
