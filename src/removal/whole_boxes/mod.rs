//! Fills whole boxes: the method without StrokeNet.
//!
//! A pixel of a box counts as background only if it is quiet in every box that holds it. The photo
//! around the boxes is background for certain: it has nodes of its own, and shows what the
//! background looks like. In the end, the folded-in values are smoothed.

mod background;
mod growth;
mod key_pixels;

pub use key_pixels::{Histogram, quiet_by_feature_maps};

use self::background::{Background, Range};
use super::{Fill, Grnn, Lattice, RemovalOptions, Round, groups::Group};
use crate::{
    classifier::{Classifier, EngineError, read_back},
    photo::{BoxInPhoto, Mask, Photo, Planes},
};

/// The longest side of a region, in pixels, on which the lattice keeps its spacing.
pub(super) const FINE_UP_TO: u32 = 480;

impl RemovalOptions {
    /// The options for a region: in large ones, spacing and Gaussians are widened together, so that
    /// a box drawn over half a photo by mistake takes a second and not an hour.
    fn for_region(&self, area: BoxInPhoto) -> Self {
        let coarser = self.coarser(area);
        RemovalOptions {
            spacing: self.spacing.max(1) * coarser,
            sigma: self.sigma.max(1.0) * coarser as f64,
            ..*self
        }
    }

    pub(super) fn coarser(&self, area: BoxInPhoto) -> usize {
        area.width.max(area.height).div_ceil(FINE_UP_TO) as usize
    }
}

/// Is called with a round's number, nodes and values.
type Watch<'a> = dyn FnMut(usize, &[bool], &[f32]) + 'a;

/// Fills a group of boxes completely. Pixels of another group's boxes are not background either.
pub(super) async fn fill(
    photo: &Photo,
    group: Group<'_>,
    classifier: &Classifier,
    options: &RemovalOptions,
    watch: &mut dyn FnMut(Round<'_>),
) -> Result<Fill, EngineError> {
    let Group { area, members, in_any_box, corrected, .. } = group;
    let inside = corrected.inside;
    let options = &options.for_region(area);
    let original = photo.planes(area);
    let pixels = original.height * original.width;

    let quiet = quiet_pixels(photo, &members, area, &in_any_box, classifier, options);
    let lattice = Lattice {
        rows: lattice_line(original.height, options.spacing),
        columns: lattice_line(original.width, options.spacing),
    };
    let crossings: Vec<usize> = lattice
        .rows
        .iter()
        .flat_map(|y| lattice.columns.iter().map(move |x| y * original.width + x))
        .collect();
    let channels = original.channels;
    let mut values: Vec<f32> = (0..channels)
        .flat_map(|c| crossings.iter().map(move |i| c * pixels + i))
        .map(|i| original.samples[i])
        .collect();
    let in_box: Vec<bool> = crossings.iter().map(|&i| in_any_box[i]).collect();
    let candidates: Vec<bool> = crossings.iter().map(|&i| in_any_box[i] && quiet[i]).collect();
    let mut nodes =
        choose_nodes(&lattice, &original, &in_any_box, &in_box, &candidates, &values, options);
    if !nodes.contains(&true) {
        // A box that covers the whole photo and has no quiet pixels: only its corners count as
        // background, as in the report.
        let (h, w) = (lattice.rows.len(), lattice.columns.len());
        for corner in [0, w - 1, (h - 1) * w, h * w - 1] {
            nodes[corner] = true;
        }
    }
    let key_pixels = (0..crossings.len())
        .filter(|&i| nodes[i])
        .map(|i| (crossings[i] / original.width, crossings[i] % original.width))
        .collect();

    let mut watch = |number: usize, nodes: &[bool], values: &[f32]| {
        watch(Round { area, number, lattice: &lattice, nodes, values });
    };
    let (net, rounds) =
        fold_in(&lattice, nodes, &mut values, channels, options, classifier, &mut watch).await?;
    let rows: Vec<usize> = (0..original.height).collect();
    let columns: Vec<usize> = (0..original.width).collect();
    let predicted = read_back(net.predict(&rows, &columns)).await?;
    let mut planes = original;
    for (i, sample) in planes.samples.iter_mut().enumerate() {
        if inside[i % pixels] {
            *sample = predicted[i].clamp(0.0, 1.0);
        }
    }
    Ok(Fill { area, boxes: members, strokes: Vec::new(), planes, inside, key_pixels, rounds })
}

/// Which crossings are background and become nodes: the photo around the boxes, its smooth
/// continuation into them, and the `candidates` in them that agree with both.
fn choose_nodes(
    lattice: &Lattice,
    planes: &Planes,
    in_any_box: &[bool],
    in_box: &[bool],
    candidates: &[bool],
    values: &[f32],
    options: &RemovalOptions,
) -> Vec<bool> {
    let mut known: Vec<bool> = in_box.iter().map(|inside| !inside).collect();
    let background = Background::new(lattice, planes, &mut known, options.tolerance);
    // Right beside a box the photo may show a stroke's blur, or a stroke that the box cuts.
    for (i, known) in known.iter_mut().enumerate() {
        let beside_a_box = || background.around(i).any(|(y, x)| in_any_box[y * planes.width + x]);
        *known = *known && (!beside_a_box() || background.agrees(i));
    }
    let mut nodes = known.clone();
    growth::grow(lattice, planes, in_box, &known, &mut nodes);
    let range = Range::inside(&nodes, in_box, values, planes.channels);
    let fits = |range: &Option<Range>, i: usize| {
        range.as_ref().is_none_or(|range| range.holds(i, values, lattice.len()))
    };
    for i in 0..lattice.len() {
        nodes[i] = nodes[i] || candidates[i] && background.agrees(i) && fits(&range, i);
    }
    growth::grow(lattice, planes, in_box, &known, &mut nodes);
    // Surroundings that end at the boxes, such as a dark frame round a light plate, do not show
    // what is inside.
    let range = Range::inside(&nodes, in_box, values, planes.channels);
    growth::shrink_from_strokes(lattice, in_box, &mut nodes);
    growth::drop_islands(lattice, in_box, &mut nodes);
    for i in 0..lattice.len() {
        nodes[i] = nodes[i] && (in_box[i] || fits(&range, i));
    }
    nodes
}

/// Which pixels of `area` are quiet in every member box that holds them.
fn quiet_pixels(
    photo: &Photo,
    members: &[BoxInPhoto],
    area: BoxInPhoto,
    in_any_box: &[bool],
    classifier: &Classifier,
    options: &RemovalOptions,
) -> Vec<bool> {
    // Pixels of another group's box are in no member's box: they are never quiet.
    let of_members = Mask::covered_by(members, area);
    let mut quiet: Vec<bool> =
        in_any_box.iter().zip(of_members.iter()).map(|(any, member)| !any || *member).collect();
    for b in members {
        let maps = classifier.first_feature_maps(photo, *b);
        let of_crop = quiet_by_feature_maps(&maps, options.bins);
        let nearest = |position: u32, length: u32| -> usize {
            // The centre of the pixel, scaled to the crop's side.
            ((2 * position as usize + 1) * maps.side / (2 * length as usize)).min(maps.side - 1)
        };
        for y in 0..b.height {
            for x in 0..b.width {
                if !of_crop[nearest(y, b.height) * maps.side + nearest(x, b.width)] {
                    let row = (b.top - area.top + y) as usize;
                    let column = (b.left - area.left + x) as usize;
                    quiet[row * area.width as usize + column] = false;
                }
            }
        }
    }
    quiet
}

/// Every `spacing`-th pixel of a line, and its last one.
pub(super) fn lattice_line(length: usize, spacing: usize) -> Vec<usize> {
    let mut line: Vec<usize> = (0..length).step_by(spacing).collect();
    if line.last() != Some(&(length - 1)) {
        line.push(length - 1);
    }
    line
}

/// Trains the net on `nodes`, predicts the crossings next to them, adds these as nodes, and repeats
/// this until the lattice is full. Then the values are smoothed. Returns the last net and the
/// number of rounds.
///
/// On a lattice the crossings nearest to a node are its neighbours in row and column.
async fn fold_in(
    lattice: &Lattice,
    mut nodes: Vec<bool>,
    values: &mut [f32],
    channels: usize,
    options: &RemovalOptions,
    classifier: &Classifier,
    watch: &mut Watch<'_>,
) -> Result<(Grnn, usize), EngineError> {
    let (height, width) = (lattice.rows.len(), lattice.columns.len());
    let device = classifier.device();
    let mut net =
        Grnn::train(lattice, options.sigma, &nodes, values, channels, None, device).await?;
    let key = nodes.clone();
    let mut rounds = 0;
    watch(rounds, &nodes, values);
    while nodes.contains(&false) {
        let near: Vec<usize> = (0..height * width)
            .filter(|&i| !nodes[i] && lattice.neighbours(i).any(|j| nodes[j]))
            .collect();
        if near.is_empty() {
            // This happens only on a lattice without any node, and there is always one.
            break;
        }
        let predicted = net.on_lattice().await?;
        for i in near {
            nodes[i] = true;
            for c in 0..channels {
                let at = c * height * width + i;
                values[at] = predicted[at].clamp(0.0, 1.0);
            }
        }
        rounds += 1;
        if !nodes.contains(&false) {
            relax(lattice, &key, values, channels);
        }
        watch(rounds, &nodes, values);
        net = Grnn::train(lattice, options.sigma, &nodes, values, channels, Some(&net), device)
            .await?;
    }
    Ok((net, rounds))
}

/// Maximum number of sweeps of [`relax`], and the change below which it has converged (on the scale
/// 0 to 1).
const MOST_SWEEPS: usize = 400;
const CONVERGED_CHANGE: f32 = 2e-4;

/// Over-relaxation: how far beyond the mean of its neighbours a value moves in each step of
/// [`relax`]. Above 1 it converges faster.
const OVER_RELAXATION: f32 = 1.8;

/// Evens out the folded-in values, so that every crossing but the `key` ones is the mean of its
/// neighbours: where rounds of fold-in from several sides meet, there are edges, which are
/// conspicuous on a plain wall.
fn relax(lattice: &Lattice, key: &[bool], values: &mut [f32], channels: usize) {
    let crossings = lattice.len();
    for plane in values.chunks_exact_mut(crossings).take(channels) {
        for _ in 0..MOST_SWEEPS {
            let mut largest = 0.0f32;
            for i in (0..crossings).filter(|&i| !key[i]) {
                let (sum, count) = lattice
                    .neighbours(i)
                    .fold((0.0, 0.0), |(sum, count), j| (sum + plane[j], count + 1.0));
                let change = sum / f32::max(count, 1.0) - plane[i];
                plane[i] += OVER_RELAXATION * change;
                largest = largest.max(change.abs());
            }
            if largest < CONVERGED_CHANGE {
                break;
            }
        }
        plane.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relaxed_hole_in_a_slope_is_a_slope() {
        let line: Vec<usize> = (0..60).step_by(3).collect();
        let lattice = Lattice { rows: line.clone(), columns: line };
        let slope = |i: usize| 0.2 + 0.02 * (i % 20) as f32;
        let key: Vec<bool> = (0..400usize)
            .map(|i| !(4..16).contains(&(i / 20)) || !(4..16).contains(&(i % 20)))
            .collect();
        let mut values: Vec<f32> = (0..400).map(|i| if key[i] { slope(i) } else { 0.9 }).collect();
        relax(&lattice, &key, &mut values, 1);
        for (i, value) in values.iter().enumerate() {
            assert!((value - slope(i)).abs() < 0.005, "crossing {i}: {value}");
        }
    }
}
