//! Lets the known background grow into the boxes, as far as the photo continues smoothly.

use crate::{
    photo::{Planes, connected},
    removal::Lattice,
};

/// How much unevenness counts as smooth: as much as this share of the surroundings' crossings have
/// at most, ...
const SMOOTH_SHARE: f64 = 0.8;
/// ... times this factor, ...
const SMOOTH_FACTOR: f32 = 1.25;
/// ... but at least sensor noise, and at most less than the faintest stroke worth removing (on the
/// scale 0 to 1).
const LEAST_UNEVENNESS: f32 = 0.03;
const MOST_UNEVENNESS: f32 = 0.12;

/// A hole of at least this many crossings may be a stroke, and not only an uneven spot of the wall.
const STROKE_CROSSINGS: usize = 3;

/// A group of fewer crossings than this, apart from the wall around, is a speck.
const ISLAND_CROSSINGS: usize = 8;

/// Adds crossings inside the boxes to `nodes`, from neighbour to neighbour. A crossing is added if
/// its pixel is about as bright as its neighbour's, and if the 3 x 3 pixels around it are about
/// equal, both compared with the unevenness of the surroundings (`known`).
///
/// At a stroke's edge neither is the case, so the stroke is left out, while the wall on both of its
/// sides is added.
pub(super) fn grow(
    lattice: &Lattice,
    planes: &Planes,
    in_box: &[bool],
    known: &[bool],
    nodes: &mut [bool],
) {
    let (height, width) = (lattice.rows.len(), lattice.columns.len());
    let step = |i: usize, j: usize| {
        let ((ya, xa), (yb, xb)) = (pixel_of(lattice, i), pixel_of(lattice, j));
        (0..planes.channels)
            .map(|c| (planes.at(c, ya, xa) - planes.at(c, yb, xb)).abs())
            .fold(0.0, f32::max)
    };
    let neighbours = |i: usize| lattice.neighbours(i);
    let mut steps = Vec::new();
    for i in (0..height * width).filter(|&i| known[i]) {
        steps.extend(neighbours(i).filter(|&j| j > i && known[j]).map(|j| step(i, j)));
    }
    let smooth_step = usual(steps.into_iter());
    let smooth_range = usual(
        (0..height * width)
            .filter(|&i| known[i])
            .map(|i| range_around(planes, pixel_of(lattice, i))),
    );

    let mut front: Vec<usize> = (0..height * width).filter(|&i| nodes[i]).collect();
    while let Some(i) = front.pop() {
        for j in neighbours(i) {
            if !nodes[j]
                && in_box[j]
                && step(i, j) <= smooth_step
                && range_around(planes, pixel_of(lattice, j)) <= smooth_range
            {
                nodes[j] = true;
                front.push(j);
            }
        }
    }
}

/// Removes crossings inside the boxes that border on a hole of at least [`STROKE_CROSSINGS`]
/// crossings in `nodes`: beside a stroke, pixels that look smooth may still contain its blur, or
/// JPEG's ringing around it.
pub(super) fn shrink_from_strokes(lattice: &Lattice, in_box: &[bool], nodes: &mut [bool]) {
    let (height, width) = (lattice.rows.len(), lattice.columns.len());
    // A stroke may be slanted, so here all eight crossings around one count as next to it.
    let around = |i: usize| {
        let (y, x) = (i / width, i % width);
        let columns = x.saturating_sub(1)..(x + 2).min(width);
        (y.saturating_sub(1)..(y + 2).min(height))
            .flat_map(move |y| columns.clone().map(move |x| y * width + x))
    };
    let holes: Vec<bool> = (0..nodes.len()).map(|i| !nodes[i] && in_box[i]).collect();
    for hole in connected(&holes, around).into_iter().filter(|hole| hole.len() >= STROKE_CROSSINGS)
    {
        for i in hole.into_iter().flat_map(around).filter(|&i| in_box[i]) {
            nodes[i] = false;
        }
    }
}

/// Removes groups of fewer than [`ISLAND_CROSSINGS`] neighbouring crossings inside the boxes: a
/// speck between strokes, such as the eye of an 8, contains more of their blur than of the wall.
pub(super) fn drop_islands(lattice: &Lattice, in_box: &[bool], nodes: &mut [bool]) {
    for group in connected(nodes, |i| lattice.neighbours(i)) {
        if group.len() < ISLAND_CROSSINGS && group.iter().all(|&i| in_box[i]) {
            group.into_iter().for_each(|i| nodes[i] = false);
        }
    }
}

/// Row and column of a crossing's pixel.
fn pixel_of(lattice: &Lattice, i: usize) -> (usize, usize) {
    (lattice.rows[i / lattice.columns.len()], lattice.columns[i % lattice.columns.len()])
}

/// The largest difference among the 3 x 3 pixels around one, in the channel where it is largest.
fn range_around(planes: &Planes, (y, x): (usize, usize)) -> f32 {
    (0..planes.channels)
        .map(|c| {
            let mut low = f32::INFINITY;
            let mut high = f32::NEG_INFINITY;
            for y in y.saturating_sub(1)..(y + 2).min(planes.height) {
                for x in x.saturating_sub(1)..(x + 2).min(planes.width) {
                    low = low.min(planes.at(c, y, x));
                    high = high.max(planes.at(c, y, x));
                }
            }
            high - low
        })
        .fold(0.0, f32::max)
}

/// The unevenness that counts as smooth among these values.
fn usual(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    // The share is below 1, so the index is below the length.
    let at = (values.len() as f64 * SMOOTH_SHARE) as usize;
    values.get(at).map_or(LEAST_UNEVENNESS, |value| {
        (value * SMOOTH_FACTOR).clamp(LEAST_UNEVENNESS, MOST_UNEVENNESS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_on_both_sides_of_a_stroke_joins_and_the_stroke_does_not() {
        let line: Vec<usize> = (0..30).step_by(3).collect();
        let lattice = Lattice { rows: line.clone(), columns: line };
        // A wall with a slope of light and a vertical stroke at columns 13 to 17.
        let samples = (0..900)
            .map(|i| if (13..18).contains(&(i % 30)) { 0.1 } else { 0.5 + 0.003 * (i % 30) as f32 })
            .collect();
        let planes = Planes { channels: 1, height: 30, width: 30, samples };
        let known: Vec<bool> =
            (0..100usize).map(|i| i / 10 == 0 && !(4..=6).contains(&(i % 10))).collect();
        let mut nodes = known.clone();
        let in_box: Vec<bool> = (0..100usize).map(|i| i / 10 > 0).collect();
        grow(&lattice, &planes, &in_box, &known, &mut nodes);
        for (i, node) in nodes.iter().enumerate() {
            // Columns 12, 15 and 18 touch the stroke or its edge.
            assert_eq!(*node, !(4..=6).contains(&(i % 10)), "crossing {i}");
        }
    }

    #[test]
    fn key_pixels_keep_away_from_strokes_and_specks_go() {
        let line: Vec<usize> = (0..30).step_by(3).collect();
        let lattice = Lattice { rows: line.clone(), columns: line };
        // All in a box but the border; a stroke down column 4, a ring of holes round (5, 7).
        let in_box: Vec<bool> = (0..100usize)
            .map(|i| (1..9).contains(&(i / 10)) && (1..9).contains(&(i % 10)))
            .collect();
        let at = |y: usize, x: usize| y * 10 + x;
        let mut nodes = vec![true; 100];
        (2..8).for_each(|y| nodes[at(y, 4)] = false);
        shrink_from_strokes(&lattice, &in_box, &mut nodes);
        assert!(!nodes[at(5, 3)] && !nodes[at(5, 5)] && !nodes[at(1, 4)]);
        assert!(nodes[at(5, 2)] && nodes[at(5, 6)]);
        assert!(nodes[at(0, 4)], "outside the boxes nothing is taken back");

        let mut nodes = vec![true; 100];
        for (y, x) in [(4, 7), (6, 7), (5, 6), (5, 8)] {
            nodes[at(y, x)] = false;
        }
        drop_islands(&lattice, &in_box, &mut nodes);
        assert!(!nodes[at(5, 7)], "a speck among holes");
        assert!(nodes[at(5, 5)], "joined to the surroundings");
    }
}
