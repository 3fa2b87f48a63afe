//! The report's variant of the GRNN in which every node has its own width.
//!
//! The net's value at a pixel X is
//!
//! ```text
//! y(X) = sum_i w_i exp(-D_i^2 / 2 sigma_i^2) / sum_i exp(-D_i^2 / 2 sigma_i^2)
//! sigma_i^2 = 1 + 1.5 ln d_i^2
//! ```
//!
//! where d_i is node i's distance to the nearest other node, in pixels. No matrix product over
//! the lattice gives this, so the weights come from a dense system.

/// How far a node reaches, in units of its sigma; beyond that it would add less than 1e-21 to a
/// sum.
pub(super) const REACH: f64 = 10.0;

/// A pivot below this is a rounding error: the node's Gaussian is a sum of others', and the node
/// gets no weight.
const LEAST_PIVOT: f64 = 1e-12;

/// A trained net.
#[derive(Clone, Debug)]
pub(super) struct AdaptiveGrnn {
    /// Row and column of each node's pixel.
    nodes: Vec<(usize, usize)>,
    /// The nodes' sigmas in pixels.
    sigmas: Vec<f64>,
    /// For each channel a weight for each node.
    weights: Vec<Vec<f64>>,
}

/// The nodes' sigmas in pixels, at least `unit`. Distances are measured in this unit.
///
/// A node without another has the least width.
fn sigmas_of(nodes: &[(usize, usize)], unit: f64) -> Vec<f64> {
    let nearest = |i: usize| {
        let others = nodes.iter().enumerate().filter(|&(j, _)| j != i);
        others.map(|(_, other)| squared_distance(nodes[i], *other)).min()
    };
    (0..nodes.len())
        .map(|i| {
            let squared = nearest(i).map_or(1.0, |squared| squared as f64 / (unit * unit));
            unit * (1.0 + 1.5 * squared.ln()).max(1.0).sqrt()
        })
        .collect()
}

fn squared_distance(a: (usize, usize), b: (usize, usize)) -> usize {
    a.0.abs_diff(b.0).pow(2) + a.1.abs_diff(b.1).pow(2)
}

fn gaussian(distance: usize, sigma: f64) -> f64 {
    let distance = distance as f64 / sigma;
    (-distance * distance / 2.0).exp()
}

impl AdaptiveGrnn {
    /// Trains a net to reproduce the `values` (for each channel one for each node) at its nodes.
    pub(super) fn train(nodes: Vec<(usize, usize)>, values: Vec<Vec<f64>>, unit: f64) -> Self {
        let sigmas = sigmas_of(&nodes, unit);
        let mut rows: Vec<Vec<f64>> = nodes
            .iter()
            .map(|at| {
                let kernel = nodes.iter().zip(&sigmas).map(|(node, sigma)| {
                    gaussian(at.0.abs_diff(node.0), *sigma)
                        * gaussian(at.1.abs_diff(node.1), *sigma)
                });
                let row: Vec<f64> = kernel.collect();
                let sum: f64 = row.iter().sum();
                row.into_iter().map(|k| k / sum).collect()
            })
            .collect();
        let weights = solve(&mut rows, values);
        AdaptiveGrnn { nodes, sigmas, weights }
    }

    /// The net's values over a grid of pixels: channel after channel, row after row; 0 where no
    /// node is within [`REACH`].
    pub(super) fn predict(&self, rows: &[usize], columns: &[usize]) -> Vec<f32> {
        let pixels = rows.len() * columns.len();
        let mut above = vec![0.0; self.weights.len() * pixels];
        let mut below = vec![0.0; pixels];
        let within = |line: &[usize], at: usize, sigma: f64| -> Vec<(usize, f64)> {
            let factor = |(i, position): (usize, &usize)| {
                let distance = position.abs_diff(at);
                (distance as f64 <= REACH * sigma).then(|| (i, gaussian(distance, sigma)))
            };
            line.iter().enumerate().filter_map(factor).collect()
        };
        for (n, (&(row, column), &sigma)) in self.nodes.iter().zip(&self.sigmas).enumerate() {
            let across = within(columns, column, sigma);
            for (y, down) in within(rows, row, sigma) {
                for &(x, factor) in &across {
                    let (at, k) = (y * columns.len() + x, down * factor);
                    below[at] += k;
                    for (c, weights) in self.weights.iter().enumerate() {
                        above[c * pixels + at] += k * weights[n];
                    }
                }
            }
        }
        let quotient = |(i, sum): (usize, &f64)| {
            let below: f64 = below[i % pixels];
            if below > 0.0 { (sum / below) as f32 } else { 0.0 }
        };
        above.iter().enumerate().map(quotient).collect()
    }
}

/// Solves `rows x = right` for each of the right sides, by Gaussian elimination with the largest
/// pivot of each column.
fn solve(rows: &mut [Vec<f64>], mut right: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = rows.len();
    for i in 0..n {
        let largest = (i..n).max_by(|&a, &b| rows[a][i].abs().total_cmp(&rows[b][i].abs()));
        if let Some(largest) = largest {
            rows.swap(i, largest);
            right.iter_mut().for_each(|side| side.swap(i, largest));
        }
        if rows[i][i].abs() < LEAST_PIVOT {
            continue;
        }
        let (done, rest) = rows.split_at_mut(i + 1);
        let pivot = &done[i][i..];
        for (j, row) in (i + 1..n).zip(rest) {
            let factor = row[i] / pivot[0];
            if factor != 0.0 {
                for (value, p) in row[i..].iter_mut().zip(pivot) {
                    *value -= factor * p;
                }
                right.iter_mut().for_each(|side| side[j] -= factor * side[i]);
            }
        }
    }
    for side in &mut right {
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|j| rows[i][j] * side[j]).sum();
            let pivot = rows[i][i];
            side[i] = if pivot.abs() < LEAST_PIVOT { 0.0 } else { (side[i] - known) / pivot };
        }
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes at distances from 1 to 14, and a value each.
    fn some() -> (Vec<(usize, usize)>, Vec<f64>) {
        let nodes = vec![(0, 0), (0, 1), (3, 3), (6, 3), (9, 12), (19, 2), (19, 27), (12, 21)];
        let values = vec![0.1, 0.9, 0.4, 0.5, 0.7, 0.2, 0.3, 0.6];
        (nodes, values)
    }

    #[test]
    fn sigmas_follow_the_distance_to_the_nearest_other_node() {
        let (nodes, _) = some();
        let sigmas = sigmas_of(&nodes, 1.0);
        // Neighbours at distance 1: ln 1 = 0.
        assert!((sigmas[0] - 1.0).abs() < 1e-12 && (sigmas[1] - 1.0).abs() < 1e-12);
        // At distance 3: 1 + 1.5 ln 9.
        assert!((sigmas[2] - (1.0 + 1.5 * 9f64.ln()).sqrt()).abs() < 1e-12);
        assert_eq!(sigmas_of(&[(4, 4)], 1.0), [1.0]);
        // On a lattice twice as coarse everything is twice as wide.
        let doubled: Vec<_> = nodes.iter().map(|(y, x)| (2 * y, 2 * x)).collect();
        for (wide, sigma) in sigmas_of(&doubled, 2.0).iter().zip(&sigmas) {
            assert!((wide - 2.0 * sigma).abs() < 1e-12);
        }
    }

    #[test]
    fn predictions_match_the_formula_and_give_back_the_nodes() {
        let (nodes, values) = some();
        let other: Vec<f64> = values.iter().map(|value| 1.0 - value * value).collect();
        let net = AdaptiveGrnn::train(nodes.clone(), vec![values.clone(), other.clone()], 1.0);
        let (rows, columns): (Vec<usize>, Vec<usize>) = ((0..20).collect(), (0..28).collect());
        let predicted = net.predict(&rows, &columns);
        for (channel, given) in [values, other].iter().enumerate() {
            for (i, (y, x)) in nodes.iter().enumerate() {
                let got = f64::from(predicted[(channel * 20 + y) * 28 + x]);
                assert!((got - given[i]).abs() < 1e-6, "node {i}: {got} for {}", given[i]);
            }
            for (y, x) in rows.iter().flat_map(|y| columns.iter().map(move |x| (*y, *x))) {
                let (mut above, mut below) = (0.0, 0.0);
                for (i, node) in nodes.iter().enumerate() {
                    let nearest = nodes.iter().filter(|other| *other != node);
                    let nearest = nearest.map(|other| squared_distance(*node, *other)).min();
                    let variance = 1.0 + 1.5 * (nearest.expect("another node") as f64).ln();
                    let squared = squared_distance(*node, (y, x)) as f64;
                    let k = (-squared / (2.0 * variance)).exp();
                    above += net.weights[channel][i] * k;
                    below += k;
                }
                let got = f64::from(predicted[(channel * 20 + y) * 28 + x]);
                assert!((got - above / below).abs() < 1e-5, "at {y} {x}: {got}");
            }
        }
    }

    #[test]
    fn a_node_that_says_nothing_new_gets_no_weight() {
        let solved = solve(&mut [vec![1.0, 1.0], vec![1.0, 1.0]], vec![vec![0.5, 0.5]]);
        assert_eq!(solved, [[0.5, 0.0]]);
    }
}
