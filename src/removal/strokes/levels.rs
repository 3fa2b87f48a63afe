//! Fold-in by levels: predicts the background behind strokes from weighted key pixels.
//!
//! Pixels are clustered into larger and larger cells, similar to the clusters of pattern nodes in
//! Specht's GRNN. A cell holds the weighted mean of its pixels, and the sum of their weights, at
//! most 1. On the coarsest level one cell holds all. Then, from the coarsest level to the finest,
//! each cell's value is its own mean in proportion to its weight, and otherwise the value of the
//! level above, interpolated by Gaussians between that level's cells. So where key pixels are far
//! apart, values come from larger cells.

/// Width of the Gaussians between cells as a share of a cell's side, as in the report.
const SIGMA: f64 = 0.6;

/// Number of cells of the coarser level, in row or column, from which a finer one is interpolated.
const GAUSSIAN_TAPS: usize = 4;

/// The smallest weight, so that every cell has a mean.
pub(crate) const LEAST_WEIGHT: f32 = 1e-5;

/// One level.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Level {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// How much each cell counts, at least [`LEAST_WEIGHT`].
    pub(crate) weights: Vec<f32>,
    /// A plane for each channel.
    pub(crate) values: Vec<f32>,
}

impl Level {
    fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// The level whose cells each hold `side` x `side` of this one's cells.
    pub(super) fn clustered(&self, side: usize) -> Level {
        let (rows, columns) = (self.rows.div_ceil(side), self.columns.div_ceil(side));
        let sums = sums_of_cells(&self.weights, self.columns, side);
        let mut values = Vec::with_capacity(sums.len() * self.values.len() / self.len());
        for plane in self.values.chunks_exact(self.len()) {
            let weighted: Vec<f32> =
                plane.iter().zip(&self.weights).map(|(value, weight)| weight * value).collect();
            let of_cells = sums_of_cells(&weighted, self.columns, side);
            values.extend(of_cells.iter().zip(&sums).map(|(of_cell, sum)| of_cell / sum));
        }
        let weights = sums.into_iter().map(|sum| sum.min(1.0)).collect();
        Level { rows, columns, weights, values }
    }

    /// The values of the background for each cell, from means of `side` x `side` cells, a power of two,
    /// folded in and interpolated.
    pub(super) fn smoothed(&self, side: usize) -> Vec<f32> {
        let mut level = fold_in(self.clustered(side), &mut |_, _| {});
        let mut finer = side;
        while finer > 1 {
            finer /= 2;
            let size @ [rows, columns] = [self.rows.div_ceil(finer), self.columns.div_ceil(finer)];
            let values = level.between(size);
            level = Level { rows, columns, weights: vec![1.0; rows * columns], values };
        }
        level.values
    }

    /// Mixes each value with `from_above`, in proportion to its weight.
    pub(super) fn completed(&mut self, from_above: &[f32]) {
        let weights = self.weights.iter().cycle();
        for ((value, above), weight) in self.values.iter_mut().zip(from_above).zip(weights) {
            *value = above + weight * (*value - above);
        }
    }

    /// The values for the cells of a level of twice the resolution, with these numbers of rows and
    /// columns.
    pub(super) fn between(&self, [rows, columns]: [usize; 2]) -> Vec<f32> {
        let (down, across) = (taps(rows, self.rows), taps(columns, self.columns));
        let mut values = Vec::new();
        for plane in self.values.chunks_exact(self.len()) {
            let wide: Vec<f32> = plane
                .chunks_exact(self.columns)
                .flat_map(|row| {
                    let of = |taps: &Vec<(usize, f32)>| {
                        taps.iter().map(|(from, weight)| weight * row[*from]).sum::<f32>()
                    };
                    across.iter().map(of)
                })
                .collect();
            for taps in &down {
                let mut row = vec![0.0; columns];
                for (from, weight) in taps {
                    let line = &wide[from * columns..(from + 1) * columns];
                    row.iter_mut().zip(line).for_each(|(sum, value)| *sum += weight * value);
                }
                values.extend(row);
            }
        }
        values
    }
}

/// The sums of a plane's samples in cells of `side` in row and column.
fn sums_of_cells(plane: &[f32], columns: usize, side: usize) -> Vec<f32> {
    let mut sums = Vec::new();
    for lines in plane.chunks(columns * side) {
        let mut row = vec![0.0; columns.div_ceil(side)];
        for line in lines.chunks_exact(columns) {
            for (sum, cell) in row.iter_mut().zip(line.chunks(side)) {
                *sum += cell.iter().sum::<f32>();
            }
        }
        sums.extend(row);
    }
    sums
}

/// For each of `to` cells in a line, the cells of the coarser level (there are `from`) from which
/// it is interpolated, with their weights.
pub(crate) fn taps(to: usize, from: usize) -> Vec<Vec<(usize, f32)>> {
    let of = |i: usize| {
        // Where its middle lies, in cells of the coarser line.
        let middle = (i as f64 + 0.5) / 2.0 - 0.5;
        let first = middle.floor() as isize + 1 - (GAUSSIAN_TAPS / 2) as isize;
        let near =
            (first..first + GAUSSIAN_TAPS as isize).filter_map(|at| usize::try_from(at).ok());
        let near = near.filter(|at| *at < from).map(|at| {
            let distance = (at as f64 - middle) / SIGMA;
            (at, (-distance * distance / 2.0).exp())
        });
        let near: Vec<(usize, f64)> = near.collect();
        let total: f64 = near.iter().map(|(_, weight)| weight).sum();
        near.into_iter().map(|(at, weight)| (at, (weight / total) as f32)).collect()
    };
    (0..to).map(of).collect()
}

/// Completes a level from those above it, which it makes; `watch` sees each of them once it is
/// complete, the coarsest first, with how many of the finest level's cells its own have in row and
/// column.
pub(crate) fn fold_in(finest: Level, watch: &mut dyn FnMut(&Level, usize)) -> Level {
    let mut levels = vec![finest];
    while let Some(level) = levels.last().filter(|level| level.len() > 1) {
        levels.push(level.clustered(2));
    }
    let mut complete: Option<Level> = None;
    while let Some(mut level) = levels.pop() {
        if let Some(above) = complete {
            level.completed(&above.between([level.rows, level.columns]));
        }
        watch(&level, 1 << levels.len());
        complete = Some(level);
    }
    complete.unwrap_or_else(|| unreachable!("the finest level is there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(rows: usize, columns: usize, of: impl Fn(usize, usize) -> (f32, f32)) -> Level {
        let cells = || (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x)));
        Level {
            rows,
            columns,
            weights: cells().map(|(y, x)| of(y, x).0).collect(),
            values: cells().map(|(y, x)| of(y, x).1).collect(),
        }
    }

    #[test]
    fn clusters_are_weighted_means() {
        let clustered =
            level(2, 3, |y, x| (0.25 * x as f32 + 0.25, (y * 3 + x) as f32)).clustered(2);
        assert_eq!((clustered.rows, clustered.columns), (1, 2));
        assert_eq!(clustered.weights, [1.0, 1.0], "1.5 is cut to 1");
        let mean = (0.25 * (0.0 + 3.0) + 0.5 * (1.0 + 4.0)) / 1.5;
        assert!((clustered.values[0] - mean).abs() < 1e-6);
        assert_eq!(clustered.values[1], (2.0 + 5.0) / 2.0);
    }

    #[test]
    fn shares_of_a_line_add_up() {
        for (to, from) in [(1, 1), (2, 1), (7, 4), (64, 32)] {
            for (i, taps) in taps(to, from).iter().enumerate() {
                let total: f32 = taps.iter().map(|(_, share)| share).sum();
                assert!((total - 1.0).abs() < 1e-5, "{i} of {to}");
                let likeliest = taps.iter().max_by(|a, b| a.1.total_cmp(&b.1));
                assert_eq!(likeliest.map(|(at, _)| *at), Some(i / 2), "{i} of {to}");
            }
        }
    }

    #[test]
    fn a_hole_takes_what_lies_about_it_and_key_pixels_stay() {
        let wall = |x: usize| 0.2 + 0.02 * x as f32;
        let hole = |y: usize, x: usize| (6..14).contains(&y) && (8..20).contains(&x);
        let finest = level(20, 29, |y, x| match hole(y, x) {
            true => (LEAST_WEIGHT, 0.9),
            false => (1.0, wall(x)),
        });
        let mut sides = Vec::new();
        let filled = fold_in(finest.clone(), &mut |level, side| {
            assert!(level.len() >= 1);
            sides.push(side);
        });
        assert_eq!(sides, [32, 16, 8, 4, 2, 1]);
        for (i, value) in filled.values.iter().enumerate() {
            let (y, x) = (i / 29, i % 29);
            let off = if hole(y, x) { 0.08 } else { 1e-5 };
            assert!((value - wall(x)).abs() < off, "{y}, {x}: {value}");
        }
    }

    #[test]
    fn one_key_pixel_fills_all() {
        let finest =
            level(9, 5, |y, x| if (y, x) == (4, 1) { (1.0, 0.3) } else { (LEAST_WEIGHT, 0.8) });
        let filled = fold_in(finest, &mut |_, _| {});
        assert!(filled.values.iter().all(|value| (value - 0.3).abs() < 1e-3), "{filled:?}");
    }
}
