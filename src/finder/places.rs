//! Places of digits, from the network's outputs.

use super::{CELL, HEIGHTS, OUTPUTS, pyramid::Tile};
use crate::photo::LooseBox;

/// The unit in which boxes reach from a position, in pixels of the scale.
pub(crate) const UNIT: f32 = 8.0;

/// Of boxes that share more than this part of their union, or of the smaller box, only the surest
/// is kept.
const SAME_UNION: f64 = 0.4;
const SAME_PART: f64 = 0.65;

/// Boxes that share at least this part of their union with the surest one vote on its sides.
const AGREE: f64 = 0.5;

/// The least confidence of those that vote, as a share of the least that is wanted.
const VOTES: f32 = 0.4;

/// A digit at one scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// Its box in the photo.
    pub(super) area: LooseBox,
    pub(super) confidence: f32,
    /// Whether a digit's middle is likelier there than at all eight positions around. The others only
    /// vote.
    pub(super) is_peak: bool,
}

/// The boxes of all positions of a tile where a digit's middle may be, from the network's outputs
/// `[OUTPUTS, rows, columns]`.
pub(super) fn places(outputs: &[f32], tile: &Tile, at_least: f32) -> Vec<Place> {
    let [rows, columns] = tile.size();
    let plane = rows * columns;
    let (odds, sides) = outputs.split_at(plane);
    debug_assert_eq!(sides.len(), (OUTPUTS - 1) * plane);
    let least = VOTES * at_least;
    let least_odds = (least / (1.0 - least)).ln();
    let is_peak = |row: usize, column: usize| {
        let at = row * columns + column;
        let around = |line: usize, limit: usize| line.saturating_sub(1)..(line + 2).min(limit);
        around(row, rows).all(|y| {
            around(column, columns).all(|x| {
                let other = y * columns + x;
                // Of equals, the first is the peak.
                odds[other] < odds[at] || (odds[other] == odds[at] && other >= at)
            })
        })
    };
    let mut places = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let at = row * columns + column;
            if odds[at] < least_odds || !tile.holds(row, column) {
                continue;
            }
            let reach = |side: usize| f64::from(UNIT * sides[side * plane + at].exp());
            let middle = |line: usize| ((line * CELL) as f64) + CELL as f64 / 2.0;
            let (x, y) = (middle(column), middle(row));
            let (top, bottom) = (y - reach(1), y + reach(3));
            let height = bottom - top;
            if !(0.7 * HEIGHTS[0]..1.4 * HEIGHTS[1]).contains(&height) {
                continue;
            }
            let area = tile.in_photo(x - reach(0), top, x + reach(2), bottom);
            let confidence = 1.0 / (1.0 + (-odds[at]).exp());
            places.push(Place { area, confidence, is_peak: is_peak(row, column) });
        }
    }
    places
}

/// Each digit once: of peaks that overlap, the surest, if it is as sure as this at least. Its box is
/// the mean of those that nearly agree with it, by their confidence (Gidaris and Komodakis, 2015, "box
/// voting"). The surest come first. Then, the same way, those that lie within one of them and are much
/// smaller: a plate with a number looks like a digit, too, from further away.
pub(super) fn merged(mut places: Vec<Place>, at_least: f32) -> [Vec<Place>; 2] {
    places.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let sure = places.iter().take_while(|place| place.confidence >= at_least);
    let peaks: Vec<Place> = sure.filter(|place| place.is_peak).copied().collect();
    let digits = once(&peaks);
    let inside: Vec<Place> = peaks
        .into_iter()
        .filter(|place| {
            let mut same = digits.iter().filter(|digit| are_same(place, digit)).peekable();
            same.peek().is_some() && same.all(|digit| is_within(&place.area, &digit.area))
        })
        .collect();
    // The votes may move two boxes onto one digit.
    [digits, once(&inside)].map(|kept| once(&voted(kept, &places)))
}

/// Of places that are the same, the first.
fn once(places: &[Place]) -> Vec<Place> {
    let mut once: Vec<Place> = Vec::new();
    for place in places {
        if !once.iter().any(|other| are_same(place, other)) {
            once.push(*place);
        }
    }
    once
}

/// These places, each with the mean box of all that nearly agree with it.
fn voted(mut kept: Vec<Place>, places: &[Place]) -> Vec<Place> {
    for place in &mut kept {
        let agree = places.iter().filter(|it| it.area.shared_union(&place.area) > AGREE);
        let votes: Vec<(f64, LooseBox)> =
            agree.map(|it| (f64::from(it.confidence).powi(2), it.area)).collect();
        let all: f64 = votes.iter().map(|(vote, _)| vote).sum();
        let mean = |of: fn(&LooseBox) -> f64| {
            votes.iter().map(|(vote, area)| vote * of(area)).sum::<f64>() / all
        };
        place.area = LooseBox {
            left: mean(|area| area.left),
            top: mean(|area| area.top),
            width: mean(|area| area.width),
            height: mean(|area| area.height),
        };
    }
    kept
}

fn are_same(a: &Place, b: &Place) -> bool {
    a.area.shared_union(&b.area) > SAME_UNION || a.area.shared_part(&b.area) > SAME_PART
}

/// Whether a box lies within one that is much larger.
pub(super) fn is_within(inner: &LooseBox, outer: &LooseBox) -> bool {
    inner.height < outer.height
        && inner.shared_part(outer) > SAME_PART
        && inner.shared_union(outer) <= SAME_UNION
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finder::pyramid::Pyramid,
        photo::{Photo, PhotoSize},
    };

    fn place(left: f64, top: f64, confidence: f32) -> Place {
        Place { area: LooseBox { left, top, width: 10.0, height: 20.0 }, confidence, is_peak: true }
    }

    #[test]
    fn of_boxes_round_one_digit_the_surest_stays() {
        let neighbour = place(11.0, 0.0, 0.6);
        let [kept, _] = merged(vec![place(20.0, 1.0, 0.2), neighbour, place(0.0, 0.0, 0.9)], 0.5);
        assert_eq!(kept, [place(0.0, 0.0, 0.9), neighbour]);
        // Those that nearly agree vote.
        let [agreed, _] = merged(vec![place(0.0, 0.0, 0.8), place(2.0, 1.0, 0.8)], 0.5);
        assert_eq!(agreed, [place(1.0, 0.5, 0.8)]);
        // Votes may move one onto the digit of another.
        let voter = Place { is_peak: false, ..place(3.4, 0.0, 0.84) };
        let [moved, _] = merged(vec![place(0.0, 0.0, 0.9), place(5.0, 0.0, 0.85), voter], 0.5);
        assert_eq!(moved, [place(0.0, 0.0, 0.9)]);
        // A part of a digit is no digit of its own.
        let part = Place {
            area: LooseBox { left: 1.0, top: 1.0, width: 5.0, height: 8.0 },
            ..place(0.0, 0.0, 0.5)
        };
        let [whole, inside] = merged(vec![place(0.0, 0.0, 0.9), part], 0.5);
        assert_eq!((whole, inside), (vec![place(0.0, 0.0, 0.9)], vec![part]));
    }

    #[test]
    fn what_lies_within_a_large_digit_is_kept_beside_it() {
        let plate = Place {
            area: LooseBox { left: 0.0, top: 0.0, width: 40.0, height: 50.0 },
            ..place(0.0, 0.0, 0.9)
        };
        let inner = [place(5.0, 15.0, 0.8), place(20.0, 15.0, 0.7)];
        let again = place(6.0, 15.0, 0.6);
        let beside = place(60.0, 15.0, 0.85);
        let [digits, inside] = merged(vec![plate, inner[0], inner[1], again, beside], 0.65);
        assert_eq!(digits, [plate, beside]);
        assert_eq!(inside.iter().map(|it| it.confidence).collect::<Vec<_>>(), [0.8, 0.7]);
        // What is nearly as large is the same digit again.
        let smaller = Place {
            area: LooseBox { left: 2.0, top: 2.0, width: 34.0, height: 44.0 },
            ..place(0.0, 0.0, 0.8)
        };
        let [digits, inside] = merged(vec![plate, smaller], 0.5);
        assert_eq!((digits.len(), inside.len()), (1, 0));
    }

    #[test]
    fn a_place_in_a_tiles_middle_is_a_box_in_the_photo_and_one_in_its_margin_is_not() {
        let size = PhotoSize { width: 200, height: 160 };
        let pixels = vec![0; 3 * 200 * 160];
        let photo = Photo::from_rgb8(size, pixels).expect("its pixels");
        // The first tile is of the finest scale, which shows so small a photo at twice its size.
        let tile = Pyramid::of(&photo).tiles().into_iter().next().expect("a tile");
        let [rows, columns] = tile.size();
        let mut outputs = vec![-9.0; rows * columns];
        outputs.extend(vec![0.0; 4 * rows * columns]);
        for (row, column) in [(20, 30), (20, 31), (2, 2)] {
            outputs[row * columns + column] = 3.0 + column as f32 / 100.0;
        }
        let found = places(&outputs, &tile, 0.5);
        let peaks: Vec<&Place> = found.iter().filter(|place| place.is_peak).collect();
        let [one] = peaks[..] else { panic!("one digit, not {found:?}") };
        // Its middle is that of cell (20, 31) behind a margin of 64 pixels, and it reaches 8 pixels to
        // each side, all at twice the photo's size.
        let expected = LooseBox { left: 27.0, top: 5.0, width: 8.0, height: 8.0 };
        assert_eq!(one.area, expected);
        assert!((one.confidence - 0.965).abs() < 0.001, "{}", one.confidence);
    }
}
