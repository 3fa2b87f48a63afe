//! What a box cuts off from the line of text above or below its number. A box round a whole number is
//! rarely level with it, so the tops of letters in the next line get into the box, and would be
//! filled like digits.

use crate::{
    photo::{BoxInPhoto, Mask, largest_within},
    removal::groups::Group,
    strokes::Found,
};

/// A pixel above this probability is a stroke.
const STROKE: f32 = 0.5;

/// As shares of the height of the tallest part in a box: a digit is at least as tall as the first, what
/// is cut off at most as the second. Between a digit and the next line there is at least this gap, and
/// what is cut off reaches the box's edge, or is at most so far from it.
const LEAST_DIGIT: f32 = 0.6;
const MOST_CUT_OFF: f32 = 0.45;
const LEAST_GAP: f32 = 0.06;
const MOST_FROM_EDGE: f32 = 0.03;

/// How far the blur of a stroke reaches, as a share of that height, and in pixels at least.
const BLUR: f32 = 0.04;
const LEAST_BLUR: usize = 2;

/// Takes no strokes for strokes that boxes cut off from a line above or below.
pub(super) fn left_out(mut found: Found, group: &Group<'_>) -> Found {
    let [width, height] = [group.area.width as usize, group.area.height as usize];
    let strokes = Mask::from_fn(width, height, |i| found.strokes[i] > STROKE);
    let parts: Vec<Part> = strokes.components().into_iter().map(|c| Part::of(c, width)).collect();
    let mut cut = vec![false; parts.len()];
    let mut belongs = vec![false; parts.len()];
    let mut blur = LEAST_BLUR;
    for area in &group.members {
        let own = BoxInPhoto {
            left: area.left - group.area.left,
            top: area.top - group.area.top,
            ..*area
        };
        let inside: Vec<(usize, BoxInPhoto)> = parts
            .iter()
            .enumerate()
            .filter_map(|(at, part)| Some((at, part.hull.intersection(&own)?)))
            .collect();
        let tallest = inside.iter().map(|(_, part)| part.height).max().unwrap_or(0) as f32;
        let sides = [Side::Above, Side::Below];
        let lost: Vec<usize> =
            sides.into_iter().flat_map(|side| cut_off(&inside, &own, tallest, side)).collect();
        for (at, _) in inside {
            let is_lost = lost.contains(&at);
            cut[at] |= is_lost;
            // What one box cuts off may be another one's digit.
            belongs[at] |= !is_lost;
        }
        if !lost.is_empty() {
            blur = blur.max((BLUR * tallest) as usize);
        }
    }
    let is_left_out = |at: usize| cut[at] && !belongs[at];
    if !(0..parts.len()).any(is_left_out) {
        return found;
    }
    let with_blur = |left_out: bool| {
        let mut mask = vec![0.0; found.strokes.len()];
        let these = parts.iter().enumerate().filter(|(at, _)| is_left_out(*at) == left_out);
        these.for_each(|(_, part)| part.pixels.iter().for_each(|&i| mask[i] = 1.0));
        largest_within(&mask, width, blur)
    };
    let (left_out, digits) = (with_blur(true), with_blur(false));
    for i in 0..left_out.len() {
        if left_out[i] > digits[i] {
            (found.strokes[i], found.key_pixels[i]) = (0.0, 0.0);
        }
    }
    found
}

/// Connected strokes.
struct Part {
    pixels: Vec<usize>,
    /// The smallest box round them.
    hull: BoxInPhoto,
}

impl Part {
    fn of(pixels: Vec<usize>, width: usize) -> Self {
        let pixel = |i: &usize| BoxInPhoto {
            left: (i % width) as u32,
            top: (i / width) as u32,
            width: 1,
            height: 1,
        };
        let hull = pixels.iter().map(pixel).reduce(|a, b| a.union(&b));
        Part { hull: hull.unwrap_or_else(|| unreachable!("a component has pixels")), pixels }
    }
}

/// Where the next line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Above,
    Below,
}

/// Which of the parts in a box, with what of them is in it, are cut off from a line on that side.
fn cut_off(
    parts: &[(usize, BoxInPhoto)],
    area: &BoxInPhoto,
    tallest: f32,
    side: Side,
) -> Vec<usize> {
    let digits = || parts.iter().filter(|(_, part)| part.height as f32 >= LEAST_DIGIT * tallest);
    // From a part to a digit on its other side; below 0 if they overlap.
    let gap = |part: &BoxInPhoto, digit: &BoxInPhoto| match side {
        Side::Above => digit.top as f32 - part.bottom() as f32,
        Side::Below => part.top as f32 - digit.bottom() as f32,
    };
    let apart = |part: &BoxInPhoto, digit: &BoxInPhoto| {
        part.left.saturating_sub(digit.right()).max(digit.left.saturating_sub(part.right()))
    };
    let is_beyond = |part: &BoxInPhoto| {
        let nearest = digits().map(|(_, digit)| apart(part, digit)).min();
        let mut beside = digits().filter(|(_, digit)| Some(apart(part, digit)) == nearest);
        part.height as f32 <= MOST_CUT_OFF * tallest
            && beside.all(|(_, digit)| gap(part, digit) >= LEAST_GAP * tallest)
    };
    let from_edge = |part: &BoxInPhoto| match side {
        Side::Above => part.top - area.top,
        Side::Below => area.bottom() - part.bottom(),
    };
    let beyond: Vec<_> = parts.iter().filter(|(_, part)| is_beyond(part)).collect();
    let is_cut = |part: &BoxInPhoto| from_edge(part) as f32 <= MOST_FROM_EDGE * tallest;
    let cut: u32 = beyond.iter().filter(|(_, part)| is_cut(part)).map(|(_, part)| part.width).sum();
    let all: u32 = beyond.iter().map(|(_, part)| part.width).sum();
    // Some letters of a line are shorter than others.
    if 2 * cut > all { beyond.into_iter().map(|(at, _)| *at).collect() } else { Vec::new() }
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::*;
    use crate::{
        photo::{Photo, PhotoSize},
        removal::{Erasure, RemovalOptions, strokes::GRID},
    };

    /// Where a box holds two digits, and ends at row 80.
    const NUMBER: BoxInPhoto = BoxInPhoto { left: 20, top: 10, width: 80, height: 70 };

    /// Of parts given by left, top, width and height, those that are still strokes, if the first box is
    /// round the two digits of this height.
    fn kept(height: u32, others: &[[u32; 4]]) -> Vec<bool> {
        kept_in(&[NUMBER], height, others)
    }

    fn kept_in(boxes: &[BoxInPhoto], height: u32, others: &[[u32; 4]]) -> Vec<bool> {
        let size = PhotoSize { width: 128, height: 128 };
        let photo = Photo::from_rgb8(size, vec![99; 128 * 128 * 3]).expect("a photo");
        let erasure = Erasure::of(boxes);
        let all = erasure.all();
        let groups = Group::of(&photo, &erasure, &all, &RemovalOptions::default(), GRID);
        let group = &groups[0];
        let digits = [[28, 16, 24, height], [64, 16, 24, height]];
        let mut strokes = vec![0.0; group.in_any_box.len()];
        let width = group.area.width as usize;
        let at =
            |x: u32, y: u32| (y - group.area.top) as usize * width + (x - group.area.left) as usize;
        for [left, top, width, height] in digits.iter().chain(others) {
            for y in *top..top + height {
                (*left..left + width).for_each(|x| strokes[at(x, y)] = 0.9);
            }
        }
        let found = left_out(Found { key_pixels: vec![0.5; strokes.len()], strokes }, group);
        digits.iter().chain(others).map(|part| found.strokes[at(part[0], part[1])] > 0.0).collect()
    }

    #[test]
    fn tops_of_letters_in_the_next_line_are_left() {
        // One of the letters is too short to reach the box's edge.
        let letters = [[22, 68, 14, 24], [40, 68, 14, 24], [58, 70, 6, 6], [70, 68, 14, 24]];
        assert_eq!(kept(46, &letters), [true, true, false, false, false, false]);
    }

    #[test]
    fn smaller_digits_and_pieces_of_a_digit_are_removed() {
        // In the box as a whole.
        assert_eq!(kept(40, &[[30, 62, 12, 12]]), [true; 3]);
        // In a box of its own.
        let next = BoxInPhoto { left: 24, top: 66, width: 24, height: 30 };
        assert_eq!(kept_in(&[NUMBER, next], 46, &[[30, 68, 12, 24]]), [true; 3]);
        // As tall as half a digit.
        assert_eq!(kept(34, &[[30, 58, 20, 22]]), [true; 3]);
        // The foot of a stencilled digit, which the box cuts.
        assert_eq!(kept(56, &[[30, 74, 20, 12]]), [true; 3]);
    }
}
