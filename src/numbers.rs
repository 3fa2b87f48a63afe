//! House numbers: which boxes of a photo are read together, and in which order.
//!
//! A box holds one digit. Digits next to each other on a straight or slanted line form a number. So
//! do digits right below each other, if none of them is on such a line. Two boxes are linked only
//! if each is the nearest neighbour of the other on that side. So a number never branches, and two
//! numbers near each other remain separate.

use crate::photo::{BoxInPhoto, LooseBox};

/// The smaller height of two neighbours is at least this share of the larger one.
const LEAST_HEIGHT_RATIO: f64 = 0.6;

/// The widest gap between neighbours on a line, and between those in a column, in heights.
const WIDEST_GAP: f64 = 0.8;
const WIDEST_GAP_DOWN: f64 = 0.4;

/// Neighbours on a line overlap in height by at least this share of the smaller height, so that
/// lines may climb by about a third; neighbours in a column overlap in width by at least this
/// share.
const LEAST_SHARED_HEIGHT: f64 = 0.4;
const LEAST_SHARED_WIDTH: f64 = 0.6;

/// The most that neighbours may cover of each other along the line, as a share of the smaller one.
/// Beyond that they are two boxes for one digit.
const MOST_OVERLAP: f64 = 0.5;

/// Boxes that share more than this part of the smaller one are round the same digit.
const SAME_DIGIT: f64 = 0.4;

/// Whether two boxes are round the same digit, or one of them round the other's number.
pub fn same_digit(a: BoxInPhoto, b: BoxInPhoto) -> bool {
    LooseBox::from(a).shared_part(&b.into()) > SAME_DIGIT
}

/// The numbers that these boxes make, in reading order: rows from top to bottom, each from left to
/// right. A number is given by the indices of its boxes in reading order: from left to right, or
/// from top to bottom. Each box is in exactly one number.
pub fn house_numbers(boxes: &[BoxInPhoto]) -> Vec<Vec<usize>> {
    let (lines, columns) = (chains(boxes, gap_across), chains(boxes, gap_down));
    let mut on_a_line = vec![false; boxes.len()];
    for i in lines.iter().filter(|line| line.len() > 1).flatten() {
        on_a_line[*i] = true;
    }
    let mut in_a_column = vec![false; boxes.len()];
    let mut numbers = Vec::new();
    for column in columns {
        if column.len() > 1 && !column.iter().any(|&i| on_a_line[i]) {
            column.iter().for_each(|&i| in_a_column[i] = true);
            numbers.push(column);
        }
    }
    numbers.extend(lines.into_iter().filter(|line| !line.iter().any(|&i| in_a_column[i])));
    in_reading_order(boxes, numbers)
}

/// The probability that all digits of a number are right, 0 to 1, if mistakes are independent of
/// each other.
pub fn joint_confidence(confidences: impl IntoIterator<Item = f32>) -> f32 {
    confidences.into_iter().product()
}

/// Boxes in chains, in which neighbours are each other's nearest. `gap` is the distance from one
/// box to the next, if the second follows the first at all.
fn chains(
    boxes: &[BoxInPhoto],
    gap: fn(&BoxInPhoto, &BoxInPhoto) -> Option<f64>,
) -> Vec<Vec<usize>> {
    let mut next: Vec<Option<(f64, usize)>> = vec![None; boxes.len()];
    let mut previous = next.clone();
    for (i, a) in boxes.iter().enumerate() {
        for (j, b) in boxes.iter().enumerate() {
            let Some(gap) = gap(a, b) else { continue };
            if next[i].is_none_or(|(least, _)| gap < least) {
                next[i] = Some((gap, j));
            }
            if previous[j].is_none_or(|(least, _)| gap < least) {
                previous[j] = Some((gap, i));
            }
        }
    }
    let follower = |i: usize| {
        let (_, j) = next[i]?;
        (previous[j]?.1 == i).then_some(j)
    };
    let is_first = |j: usize| previous[j].is_none_or(|(_, i)| follower(i) != Some(j));
    // A chain always leads further right or down, so it ends.
    let chain = |first: usize| std::iter::successors(Some(first), |&i| follower(i)).collect();
    (0..boxes.len()).filter(|&i| is_first(i)).map(chain).collect()
}

/// A box along one axis: where it begins and how long it is.
type Span = (f64, f64);

fn across(b: &BoxInPhoto) -> Span {
    (f64::from(b.left), f64::from(b.width))
}

fn down(b: &BoxInPhoto) -> Span {
    (f64::from(b.top), f64::from(b.height))
}

fn middle((start, length): Span) -> f64 {
    start + length / 2.0
}

/// The length that two spans share; below zero the gap between them.
fn shared(a: Span, b: Span) -> f64 {
    (a.0 + a.1).min(b.0 + b.1) - a.0.max(b.0)
}

/// How far box `b` is to the right of `a`, between their middles, if it is the next digit.
fn gap_across(a: &BoxInPhoto, b: &BoxInPhoto) -> Option<f64> {
    follows(across(a), across(b), WIDEST_GAP * mean_height(a, b)?)?;
    let lower = f64::from(a.height.min(b.height));
    (shared(down(a), down(b)) >= LEAST_SHARED_HEIGHT * lower).then(|| distance(a, b))
}

/// The same for a box right below.
fn gap_down(a: &BoxInPhoto, b: &BoxInPhoto) -> Option<f64> {
    follows(down(a), down(b), WIDEST_GAP_DOWN * mean_height(a, b)?)?;
    let narrower = f64::from(a.width.min(b.width));
    (shared(across(a), across(b)) >= LEAST_SHARED_WIDTH * narrower).then(|| distance(a, b))
}

/// Whether `b` begins where `a` ends, with at most this gap, and covers little of it.
fn follows(a: Span, b: Span, widest: f64) -> Option<()> {
    let covered = shared(a, b);
    let comes_after = middle(b) > middle(a);
    (comes_after && -covered <= widest && covered <= MOST_OVERLAP * a.1.min(b.1)).then_some(())
}

/// The mean height of two boxes that are about equally tall.
fn mean_height(a: &BoxInPhoto, b: &BoxInPhoto) -> Option<f64> {
    let (low, high) = (f64::from(a.height.min(b.height)), f64::from(a.height.max(b.height)));
    (low >= LEAST_HEIGHT_RATIO * high).then_some((low + high) / 2.0)
}

fn distance(a: &BoxInPhoto, b: &BoxInPhoto) -> f64 {
    (middle(across(a)) - middle(across(b))).hypot(middle(down(a)) - middle(down(b)))
}

/// Numbers are in one row if they overlap by half of the smaller height.
fn in_reading_order(boxes: &[BoxInPhoto], numbers: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let hull = |number: &[usize]| number.iter().map(|&i| boxes[i]).reduce(|a, b| a.union(&b));
    let mut numbers: Vec<(BoxInPhoto, Vec<usize>)> =
        numbers.into_iter().filter_map(|number| Some((hull(&number)?, number))).collect();
    numbers.sort_by_key(|(hull, _)| (u64::from(hull.top) + u64::from(hull.bottom()), hull.left));
    let mut rows: Vec<Vec<(BoxInPhoto, Vec<usize>)>> = Vec::new();
    for number in numbers {
        let beside = |row: &&mut Vec<(BoxInPhoto, Vec<usize>)>| {
            row.first().is_some_and(|(first, _)| {
                let lower = f64::from(first.height.min(number.0.height));
                shared(down(first), down(&number.0)) >= lower / 2.0
            })
        };
        match rows.iter_mut().find(beside) {
            Some(row) => row.push(number),
            None => rows.push(vec![number]),
        }
    }
    for row in &mut rows {
        row.sort_by_key(|(hull, _)| hull.left);
    }
    rows.into_iter().flatten().map(|(_, number)| number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(left: u32, top: u32) -> BoxInPhoto {
        sized(left, top, 20, 40)
    }

    fn sized(left: u32, top: u32, width: u32, height: u32) -> BoxInPhoto {
        BoxInPhoto { left, top, width, height }
    }

    #[test]
    fn digits_on_a_line_are_read_from_left_to_right_whatever_their_order() {
        assert_eq!(house_numbers(&[at(50, 12), at(0, 8), at(24, 10)]), [[1, 2, 0]]);
        // A narrow 1, boxes that touch and one that is a digit's width away.
        let uneven = [sized(0, 0, 8, 40), at(9, 2), at(29, 0), sized(75, 3, 22, 36)];
        assert_eq!(house_numbers(&uneven), [[0, 1, 2, 3]]);
        assert!(house_numbers(&[]).is_empty());
        assert_eq!(house_numbers(&[at(3, 3)]), [[0]]);
    }

    #[test]
    fn what_stands_apart_or_is_of_another_size_is_another_number() {
        let far = [at(0, 0), at(22, 0), at(100, 0), at(122, 0)];
        assert_eq!(house_numbers(&far), [[0, 1], [2, 3]]);
        let small_beside_large = [at(0, 0), sized(24, 10, 8, 16), sized(34, 10, 8, 16)];
        assert_eq!(house_numbers(&small_beside_large), [vec![0], vec![1, 2]]);
    }

    #[test]
    fn rows_are_read_one_after_the_other() {
        let grid = [at(24, 50), at(0, 50), at(24, 0), at(0, 0), at(200, 60), at(190, 5)];
        assert_eq!(house_numbers(&grid), [vec![3, 2], vec![5], vec![1, 0], vec![4]]);
    }

    #[test]
    fn slanted_lines_are_one_number_and_two_close_ones_stay_two() {
        for step in [-14i32, -8, 8, 14] {
            let slanted = |i: i32| at(24 * i as u32, (100 + step * i) as u32);
            let line: Vec<BoxInPhoto> = (0..5).map(slanted).collect();
            assert_eq!(house_numbers(&line), [[0, 1, 2, 3, 4]], "{step} pixels a digit");
            let below = line.iter().map(|b| BoxInPhoto { top: b.top + 42, ..*b });
            let both: Vec<BoxInPhoto> = line.iter().copied().chain(below).collect();
            let numbers = house_numbers(&both);
            assert!(numbers.contains(&vec![0, 1, 2, 3, 4]), "{step}: {numbers:?}");
            assert!(numbers.contains(&vec![5, 6, 7, 8, 9]), "{step}: {numbers:?}");
        }
    }

    #[test]
    fn a_clear_column_is_read_from_top_to_bottom_and_an_unclear_one_is_not_read_as_a_whole() {
        let column = [at(2, 88), at(0, 0), sized(6, 44, 9, 40)];
        assert_eq!(house_numbers(&column), [[1, 2, 0]]);
        // Below a number, and on bells far from each other.
        assert_eq!(house_numbers(&[at(0, 0), at(24, 0), at(12, 44)]), [vec![0, 1], vec![2]]);
        assert_eq!(house_numbers(&[at(0, 0), at(0, 60), at(0, 120)]), [[0], [1], [2]]);
        // A steep diagonal is neither a line nor a column.
        assert_eq!(house_numbers(&[at(0, 0), at(22, 36), at(44, 72)]), [[0], [1], [2]]);
    }

    #[test]
    fn two_boxes_for_one_digit_are_not_two_digits_of_a_number() {
        assert_eq!(house_numbers(&[at(0, 0), at(6, 6)]), [[0], [1]]);
        assert_eq!(house_numbers(&[at(0, 0), at(0, 0)]), [[0], [1]]);
    }

    #[test]
    fn every_box_is_in_one_number() {
        // Whole coordinates from a fixed sequence, so close together that boxes overlap in every
        // way.
        let mut seed = 12_345u32;
        let mut next = |limit: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % limit
        };
        for _ in 0..200 {
            let boxes: Vec<BoxInPhoto> =
                (0..30).map(|_| sized(next(200), next(150), 5 + next(40), 10 + next(60))).collect();
            let mut all: Vec<usize> = house_numbers(&boxes).into_iter().flatten().collect();
            all.sort_unstable();
            assert_eq!(all, (0..30).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_number_is_as_sure_as_all_its_digits() {
        assert!((joint_confidence([0.5, 0.5, 1.0]) - 0.25).abs() < 1e-6);
        assert_eq!(joint_confidence([]), 1.0);
    }
}
