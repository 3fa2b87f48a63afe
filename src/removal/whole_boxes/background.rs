//! Predicts the background inside the boxes from the photo around them.

use crate::{photo::Planes, removal::Lattice};

/// Differences up to this, on the scale 0 to 1, always pass: they are about as large as sensor
/// noise.
const ALWAYS_PASSES: f32 = 0.03;

/// How far a stroke's blur reaches, in pixels.
const BLUR: usize = 2;

/// Width of the smoothing as a share of the lattice's shorter side, and its minimum in crossings.
const SMOOTHING_SHARE: f64 = 0.25;
const LEAST_SMOOTHING: f64 = 2.0;

/// The expected background and its spread at every crossing of a lattice: a Gaussian-weighted
/// mean and standard deviation of the known pixels around.
pub(super) struct Background<'a> {
    lattice: &'a Lattice,
    planes: &'a Planes,
    tolerance: f32,
    /// A value for each channel and crossing; `None` if no pixel is known.
    estimate: Option<Estimate>,
}

struct Estimate {
    expected: Vec<f32>,
    spread: Vec<f32>,
}

impl<'a> Background<'a> {
    /// From the crossings of `lattice` on `planes` that are `known` to lie outside all boxes.
    ///
    /// Crossings that differ by more than `tolerance` standard deviations from the rest, such as
    /// the end of a stroke outside its box, are excluded: they are cleared in `known`, and the
    /// estimate is made without them.
    pub(super) fn new(
        lattice: &'a Lattice,
        planes: &'a Planes,
        known: &mut [bool],
        tolerance: f32,
    ) -> Self {
        let mut background = Background { lattice, planes, tolerance, estimate: None };
        background.estimate = background.estimate_from(known);
        let typical: Vec<bool> = (0..known.len())
            .map(|i| known[i] && background.differs_by(i, background.pixel_of(i)) <= 1.0)
            .collect();
        if typical != known && typical.contains(&true) {
            known.copy_from_slice(&typical);
            background.estimate = background.estimate_from(known);
        }
        background
    }

    /// Whether crossing `i` counts as background: its pixel and all pixels within [`BLUR`] of it
    /// must agree, because a stroke's blur reaches further than the stroke.
    pub(super) fn agrees(&self, i: usize) -> bool {
        self.around(i).all(|pixel| self.differs_by(i, pixel) <= 1.0)
    }

    /// Rows and columns of the pixels within [`BLUR`] of a crossing, along either axis.
    pub(super) fn around(&self, i: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (y, x) = self.pixel_of(i);
        let reach = |at: usize, limit: usize| at.saturating_sub(BLUR)..(at + BLUR + 1).min(limit);
        let columns = reach(x, self.planes.width);
        reach(y, self.planes.height).flat_map(move |y| columns.clone().map(move |x| (y, x)))
    }

    /// Row and column of a crossing's pixel.
    fn pixel_of(&self, i: usize) -> (usize, usize) {
        let width = self.lattice.columns.len();
        (self.lattice.rows[i / width], self.lattice.columns[i % width])
    }

    /// How far a pixel differs from the expected value at crossing `i`, in units of the allowed
    /// difference, in the channel with the largest difference; 0 if nothing is known.
    fn differs_by(&self, i: usize, (y, x): (usize, usize)) -> f32 {
        let Some(Estimate { expected, spread }) = &self.estimate else { return 0.0 };
        (0..self.planes.channels)
            .map(|c| {
                let at = c * self.lattice.len() + i;
                let allowed = (self.tolerance * spread[at]).max(ALWAYS_PASSES);
                (self.planes.at(c, y, x) - expected[at]).abs() / allowed
            })
            .fold(0.0, f32::max)
    }

    fn estimate_from(&self, known: &[bool]) -> Option<Estimate> {
        if !known.contains(&true) {
            return None;
        }
        let (height, width) = (self.lattice.rows.len(), self.lattice.columns.len());
        // The weights reach far enough to include the surroundings in the middle.
        let sigma = (SMOOTHING_SHARE * height.min(width) as f64).max(LEAST_SMOOTHING);
        let smooth = |plane: &dyn Fn(usize) -> f64| -> Vec<f64> {
            let across = smooth_rows(plane, height, width, sigma);
            let turned =
                smooth_rows(&|i| across[i % height * width + i / height], width, height, sigma);
            (0..height * width).map(|i| turned[i % width * height + i / width]).collect()
        };
        let flag = |i: usize| f64::from(u8::from(known[i]));
        let weight = smooth(&flag);
        let mut estimate = Estimate { expected: Vec::new(), spread: Vec::new() };
        for c in 0..self.planes.channels {
            let value = |i: usize| {
                let (y, x) = self.pixel_of(i);
                f64::from(self.planes.at(c, y, x))
            };
            let sum = smooth(&|i| flag(i) * value(i));
            let squares = smooth(&|i| flag(i) * value(i) * value(i));
            for i in 0..height * width {
                let mean = sum[i] / weight[i].max(f64::MIN_POSITIVE);
                let variance = squares[i] / weight[i].max(f64::MIN_POSITIVE) - mean * mean;
                estimate.expected.push(mean as f32);
                estimate.spread.push(variance.max(0.0).sqrt() as f32);
            }
        }
        Some(estimate)
    }
}

/// Gaussian smoothing along the rows of a `height x width` plane.
fn smooth_rows(plane: &dyn Fn(usize) -> f64, height: usize, width: usize, sigma: f64) -> Vec<f64> {
    let kernel: Vec<f64> = (0..width).map(|d| (-(d as f64 / sigma).powi(2) / 2.0).exp()).collect();
    let mut smoothed = Vec::with_capacity(height * width);
    for y in 0..height {
        let row: Vec<f64> = (0..width).map(|x| plane(y * width + x)).collect();
        for x in 0..width {
            smoothed.push(row.iter().enumerate().map(|(f, v)| kernel[f.abs_diff(x)] * v).sum());
        }
    }
    smoothed
}

/// For a [`Range`], at least one in this many of the boxes' crossings must be known, and at least
/// this number.
const KNOWN_ONE_IN: usize = 20;
const LEAST_KNOWN: usize = 4;

/// One in this many of the known values is ignored as an outlier at each end of a range.
const OUTLIERS_ONE_IN: usize = 10;

/// The smallest margin added to a range at each end, on the scale 0 to 1.
const LEAST_MARGIN: f32 = 0.06;

/// The range of values of the background inside the boxes, if enough of it is known.
pub(super) struct Range {
    /// Lowest and highest value, by channel.
    limits: Vec<(f32, f32)>,
}

impl Range {
    /// The range of the nodes that lie in a box; `None` if there are too few.
    pub(super) fn inside(
        nodes: &[bool],
        in_box: &[bool],
        values: &[f32],
        channels: usize,
    ) -> Option<Self> {
        let crossings = nodes.len();
        let boxed = in_box.iter().filter(|inside| **inside).count();
        let inside: Vec<usize> = (0..crossings).filter(|&i| nodes[i] && in_box[i]).collect();
        if inside.len() < LEAST_KNOWN.max(boxed / KNOWN_ONE_IN) {
            return None;
        }
        let limits = (0..channels)
            .map(|c| {
                let mut seen: Vec<f32> =
                    inside.iter().map(|&i| values[c * crossings + i]).collect();
                seen.sort_by(f32::total_cmp);
                let tail = seen.len() / OUTLIERS_ONE_IN;
                let (low, high) = (seen[tail], seen[seen.len() - 1 - tail]);
                let room = ((high - low) / 2.0).max(LEAST_MARGIN);
                (low - room, high + room)
            })
            .collect();
        Some(Range { limits })
    }

    /// Whether the values at crossing `i` lie in the range.
    pub(super) fn holds(&self, i: usize, values: &[f32], crossings: usize) -> bool {
        (self.limits.iter().enumerate())
            .all(|(c, (low, high))| (*low..=*high).contains(&values[c * crossings + i]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slope of light with a dark spot.
    fn slope(spot: (usize, usize)) -> (Lattice, Planes) {
        let line: Vec<usize> = (0..30).step_by(3).collect();
        let mut samples: Vec<f32> = (0..900).map(|i| 0.5 + 0.01 * (i % 30) as f32).collect();
        samples[spot.0 * 30 + spot.1] = 0.0;
        let planes = Planes { channels: 1, height: 30, width: 30, samples };
        (Lattice { rows: line.clone(), columns: line }, planes)
    }

    #[test]
    fn a_spot_outside_the_boxes_is_set_aside() {
        let (lattice, planes) = slope((6, 6));
        let mut known = vec![true; 100];
        let background = Background::new(&lattice, &planes, &mut known, 2.5);
        assert!(!known[22], "the spot is no background");
        assert_eq!(known.iter().filter(|known| **known).count(), 99);
        assert!(background.agrees(77));
    }

    #[test]
    fn a_spot_beside_a_crossing_keeps_it_out() {
        let (lattice, planes) = slope((13, 13));
        // Row 12, column 12, and all crossings around it lie in a box.
        let mut known: Vec<bool> =
            (0..100usize).map(|i| (i / 10).abs_diff(4) > 1 || (i % 10).abs_diff(4) > 1).collect();
        let background = Background::new(&lattice, &planes, &mut known, 2.5);
        assert!(!background.agrees(44));
        assert!(background.agrees(33));
    }

    #[test]
    fn without_surroundings_everything_passes() {
        let (lattice, planes) = slope((6, 6));
        let background = Background::new(&lattice, &planes, &mut [false; 100], 2.5);
        assert!(background.agrees(22));
    }

    #[test]
    fn a_frame_round_a_plate_is_out_of_the_plates_range() {
        // Ten crossings: a dark frame, a plate of which some is known inside the box, the frame.
        let values = [0.1, 0.8, 0.8, 0.82, 0.3, 0.79, 0.8, 0.81, 0.8, 0.1];
        let nodes = [true, true, true, true, false, true, true, true, true, true];
        let in_box = [false, false, true, true, true, true, true, true, false, false];
        let range = Range::inside(&nodes, &in_box, &values, 1).expect("enough is known");
        let held: Vec<bool> = (0..10).map(|i| range.holds(i, &values, 10)).collect();
        assert_eq!(held, [false, true, true, true, false, true, true, true, true, false]);
        assert!(Range::inside(&[false; 10], &in_box, &values, 1).is_none());
    }
}
