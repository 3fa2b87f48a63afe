//! The removal as the report (see docs/words.md) describes it, for comparison, and to be shown step
//! by step.
//!
//! Each box is filled by itself, from its original pixels. Key pixels are chosen on a grid in the
//! box, and a GRNN is trained to reproduce them. Then there are rounds of fold-in until the grid is
//! full or the maximum of rounds is reached, and the net predicts the whole box. Only the training
//! differs: the report's Adagrad stops close to the optimum, while [`Grnn`] and the dense system of
//! the adaptive variant reach it.

mod adaptive;
mod key_pixels;

use self::adaptive::{AdaptiveGrnn, REACH};
use super::{
    Fill, Grnn, Lattice, ReportOptions, Round, Sigma,
    whole_boxes::{FINE_UP_TO, lattice_line},
};
use crate::{
    classifier::{Classifier, EngineError, read_back},
    photo::{BoxInPhoto, Mask, Photo, Planes},
};

/// Maximum number of nodes of an adaptive net: its system is dense, so time grows with their cube.
const MOST_ADAPTIVE_NODES: usize = 600;

impl ReportOptions {
    /// By which factor the net is coarser in a large box, so that a box drawn over a whole photo by
    /// mistake takes seconds and not hours.
    fn coarser_in(&self, area: BoxInPhoto) -> usize {
        let coarser = area.width.max(area.height).div_ceil(FINE_UP_TO) as usize;
        let Sigma::Adaptive = self.sigma else { return coarser };
        let nodes = |coarser: usize| {
            let spacing = self.spacing.max(1).saturating_mul(coarser);
            // The most that the lattice can have, including the last row and column.
            let lines = |length: u32| (length as usize - 1).div_ceil(spacing) + 1;
            lines(area.width) * lines(area.height)
        };
        let fits = |coarser: &usize| nodes(*coarser) <= MOST_ADAPTIVE_NODES;
        (coarser..).find(fits).unwrap_or(coarser)
    }
}

/// Fills all `boxes` as the report does, with one fill for each box, in their order; if boxes
/// overlap, the later fill is on top. `watch` is called with each round of each box.
///
/// If no node is near enough for a prediction (10 sigma), a pixel gets the value of the nearest
/// one, which is the formula's limit.
///
/// # Errors
/// [`EngineError`] when the device fails.
pub async fn remove_as_reported(
    photo: &Photo,
    boxes: &[BoxInPhoto],
    classifier: &Classifier,
    options: &ReportOptions,
    watch: &mut dyn FnMut(Round<'_>),
) -> Result<Vec<Fill>, EngineError> {
    let mut fills = Vec::new();
    for &area in boxes {
        let mut watch = |number: usize, holds: &Holds| {
            let Holds { lattice, nodes, values, .. } = holds;
            watch(Round { area, number, lattice, nodes, values });
        };
        fills.push(fill_box(photo, area, classifier, options, &mut watch).await?);
    }
    Ok(fills)
}

async fn fill_box(
    photo: &Photo,
    area: BoxInPhoto,
    classifier: &Classifier,
    options: &ReportOptions,
    watch: &mut dyn FnMut(usize, &Holds),
) -> Result<Fill, EngineError> {
    let coarser = options.coarser_in(area);
    let spacing = options.spacing.max(1).saturating_mul(coarser);
    let width = Width::of(options.sigma, coarser);
    let planes = photo.planes(area);
    let lattice = Lattice {
        rows: lattice_line(planes.height, spacing),
        columns: lattice_line(planes.width, spacing),
    };
    let (rows, columns) = (lattice.rows.clone(), lattice.columns.clone());
    let on_grid: Vec<bool> = rows
        .iter()
        .flat_map(|y| columns.iter().map(move |x| y % spacing == 0 && x % spacing == 0))
        .collect();
    let mut nodes =
        key_pixels::choose(photo, area, &planes, &lattice, &on_grid, classifier, options)?;
    for corner in [0, columns.len() - 1, nodes.len() - columns.len(), nodes.len() - 1] {
        nodes[corner] = true;
    }
    let pixel_of = |i: usize| (rows[i / columns.len()], columns[i % columns.len()]);
    let key_pixels = (0..nodes.len()).filter(|&i| nodes[i]).map(pixel_of).collect();
    let crossings = nodes.len();
    let values = (0..planes.channels * crossings)
        .map(|at| {
            let (y, x) = pixel_of(at % crossings);
            planes.at(at / crossings, y, x)
        })
        .collect();
    let mut holds = Holds { lattice, nodes, values, channels: planes.channels };
    let (net, rounds) =
        fold_in(&mut holds, &on_grid, width, options.rounds, classifier, watch).await?;
    let every_row: Vec<usize> = (0..planes.height).collect();
    let every_column: Vec<usize> = (0..planes.width).collect();
    let samples = net.predict(&holds, width, &every_row, &every_column).await?;
    let inside = Mask::from_fn(planes.width, planes.height, |_| true);
    let (boxes, strokes) = (vec![area], Vec::new());
    let planes = Planes { samples, ..planes };
    Ok(Fill { area, boxes, strokes, planes, inside, key_pixels, rounds })
}

/// The nodes so far, and their values.
struct Holds {
    lattice: Lattice,
    nodes: Vec<bool>,
    /// `channels` planes with a value for each crossing.
    values: Vec<f32>,
    channels: usize,
}

impl Holds {
    /// For each crossing of `rows` and `columns` of pixels the nearest node: the squared distance
    /// in pixels, and the node's crossing. There is always one, because corners are nodes.
    fn nearest(&self, rows: &[usize], columns: &[usize]) -> Vec<(usize, usize)> {
        let width = self.lattice.columns.len();
        // Down each column of the lattice first, then across.
        let mut in_column = vec![(usize::MAX, 0); rows.len() * width];
        for x in 0..width {
            let nodes: Vec<(usize, usize)> = (self.lattice.rows.iter().enumerate())
                .filter(|(y, _)| self.nodes[y * width + x])
                .map(|(y, row)| (*row, y * width + x))
                .collect();
            for (y, row) in rows.iter().enumerate() {
                let after = nodes.partition_point(|(node, _)| node < row);
                let beside = &nodes[after.saturating_sub(1)..(after + 1).min(nodes.len())];
                let nearest = beside.iter().map(|&(node, i)| (node.abs_diff(*row).pow(2), i)).min();
                if let Some(nearest) = nearest {
                    in_column[y * width + x] = nearest;
                }
            }
        }
        let mut found = Vec::with_capacity(rows.len() * columns.len());
        for in_column in in_column.chunks_exact(width) {
            for &column in columns {
                let across =
                    in_column.iter().zip(&self.lattice.columns).map(|(&(down, i), node)| {
                        (down.saturating_add(node.abs_diff(column).pow(2)), i)
                    });
                found.extend(across.min());
            }
        }
        found
    }
}

/// The Gaussians' width in a box.
#[derive(Clone, Copy)]
enum Width {
    /// In pixels.
    Fixed(f64),
    /// The number of pixels that count as one.
    Adaptive(f64),
}

impl Width {
    fn of(sigma: Sigma, coarser: usize) -> Self {
        let coarser = coarser as f64;
        match sigma {
            // A width that is not a number counts as the smallest.
            Sigma::Fixed(sigma) => Width::Fixed(sigma.max(1.0) * coarser),
            Sigma::Adaptive => Width::Adaptive(coarser),
        }
    }

    /// The smallest width of a node, in pixels.
    fn least(self) -> f64 {
        match self {
            Width::Fixed(least) | Width::Adaptive(least) => least,
        }
    }
}

/// A trained net of either kind.
enum Net {
    Lattice(Box<Grnn>),
    Adaptive(AdaptiveGrnn),
}

impl Net {
    /// Trains a net on the nodes so far; `before` is the net of the last round.
    async fn train(
        holds: &Holds,
        width: Width,
        before: Option<&Net>,
        classifier: &Classifier,
    ) -> Result<Self, EngineError> {
        let Holds { lattice, nodes, values, channels } = holds;
        match width {
            Width::Fixed(sigma) => {
                let start = match before {
                    Some(Net::Lattice(net)) => Some(&**net),
                    _ => None,
                };
                let device = classifier.device();
                let net = Grnn::train(lattice, sigma, nodes, values, *channels, start, device);
                Ok(Net::Lattice(Box::new(net.await?)))
            }
            Width::Adaptive(unit) => {
                let columns = lattice.columns.len();
                let at: Vec<usize> = (0..nodes.len()).filter(|&i| nodes[i]).collect();
                let pixel_of =
                    |i: &usize| (lattice.rows[i / columns], lattice.columns[i % columns]);
                let of_nodes = |plane: &[f32]| at.iter().map(|&i| f64::from(plane[i])).collect();
                let values = values.chunks_exact(nodes.len()).map(of_nodes).collect();
                let nodes = at.iter().map(pixel_of).collect();
                Ok(Net::Adaptive(AdaptiveGrnn::train(nodes, values, unit)))
            }
        }
    }

    /// The values over a grid of pixels, 0 to 1: channel after channel, row after row.
    async fn predict(
        &self,
        holds: &Holds,
        width: Width,
        rows: &[usize],
        columns: &[usize],
    ) -> Result<Vec<f32>, EngineError> {
        let mut predicted = match self {
            Net::Lattice(net) => read_back(net.predict(rows, columns)).await?,
            Net::Adaptive(net) => net.predict(rows, columns),
        };
        let reach = (REACH * width.least()).powi(2);
        let nearest = holds.nearest(rows, columns);
        let planes = predicted.chunks_exact_mut(nearest.len());
        for (plane, values) in planes.zip(holds.values.chunks_exact(holds.nodes.len())) {
            for (value, &(squared, node)) in plane.iter_mut().zip(&nearest) {
                let known = if squared as f64 > reach { values[node] } else { *value };
                *value = known.clamp(0.0, 1.0);
            }
        }
        Ok(predicted)
    }
}

/// Folds the grid in: of the pixels `on_grid` that are not yet nodes, those nearest to a node are
/// predicted and become nodes, and the net is trained again. This ends when no pixel is left, or
/// after `most` rounds. Returns the last net and the number of rounds.
async fn fold_in(
    holds: &mut Holds,
    on_grid: &[bool],
    width: Width,
    most: usize,
    classifier: &Classifier,
    watch: &mut dyn FnMut(usize, &Holds),
) -> Result<(Net, usize), EngineError> {
    let mut net = Net::train(holds, width, None, classifier).await?;
    watch(0, holds);
    let (rows, columns) = (holds.lattice.rows.clone(), holds.lattice.columns.clone());
    for round in 0..most {
        let nearest = holds.nearest(&rows, &columns);
        let waiting: Vec<usize> =
            (0..on_grid.len()).filter(|&i| on_grid[i] && !holds.nodes[i]).collect();
        let Some(least) = waiting.iter().map(|&i| nearest[i].0).min() else {
            return Ok((net, round));
        };
        let predicted = net.predict(holds, width, &rows, &columns).await?;
        for i in waiting.into_iter().filter(|&i| nearest[i].0 == least) {
            holds.nodes[i] = true;
            for at in (0..holds.channels).map(|c| c * on_grid.len() + i) {
                holds.values[at] = predicted[at];
            }
        }
        net = Net::train(holds, width, Some(&net), classifier).await?;
        watch(round + 1, holds);
    }
    Ok((net, most))
}

#[cfg(test)]
mod tests;
