//! The generalised regression neural network (Alilou and Yaghmaee, 2015) on a pixel lattice,
//! trained exactly.
//!
//! With one pattern node for each key pixel, the net's value at a pixel X is
//!
//! ```text
//! y(X) = sum_i w_i exp(-D_i^2 / 2 sigma^2) / sum_i exp(-D_i^2 / 2 sigma^2)
//! ```
//!
//! where D_i is X's distance to node i. The exponential is a product of one in rows and one in
//! columns. So with the weights W on a lattice (zero where there is no node), M the 0/1 mask of
//! nodes, and G the matrices of the one-dimensional Gaussians, the net over any grid of pixels is
//! `(G_y W G_x) / (G_y M G_x)`: two small matrix products for each channel.
//!
//! Training finds the weights with which the net reproduces the key pixels y: with K the nodes' own
//! Gaussian matrix and d = K 1, the weights solve `K w = d * y`. K is symmetric and positive
//! definite, so conjugate gradients with the product above reach the answer in a few steps, without
//! ever forming K.

use burn::tensor::{Device, Tensor, TensorData};

use crate::classifier::EngineError;
use crate::classifier::read_back;

/// Conjugate-gradient steps between two checks of the residual. A check has to wait for the device.
const STEPS_BETWEEN_CHECKS: usize = 6;

/// Maximum number of residual checks. With a wide sigma on a dense lattice, rounding can prevent
/// convergence, and training ends here.
const MOST_CHECKS: usize = 16;

/// Mean squared error at the nodes, on the scale 0 to 1, at which training ends.
const TARGET_ERROR: f32 = 1e-9;

/// Keeps quotients of vanishing numbers finite; far below any residual that matters.
const TINY: f32 = 1e-30;

/// Rows and columns of pixels whose crossings may hold nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lattice {
    /// Pixel rows, ascending.
    pub rows: Vec<usize>,
    /// Pixel columns, ascending.
    pub columns: Vec<usize>,
}

impl Lattice {
    /// Crossings.
    pub fn len(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// The crossings next to one in row and column, by their numbers, row after row.
    pub fn neighbours(&self, i: usize) -> impl Iterator<Item = usize> + use<> {
        let (height, width) = (self.rows.len(), self.columns.len());
        let (y, x) = (i / width, i % width);
        [
            (y > 0).then(|| i - width),
            (y + 1 < height).then(|| i + width),
            (x > 0).then(|| i - 1),
            (x + 1 < width).then(|| i + 1),
        ]
        .into_iter()
        .flatten()
    }

    /// Whether there are no crossings.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A trained net.
#[derive(Clone, Debug)]
pub struct Grnn {
    lattice: Lattice,
    sigma: f64,
    /// `[1, rows, columns]`: 1 at nodes.
    mask: Tensor<3>,
    /// `[channels, rows, columns]`: zero where there is no node.
    weights: Tensor<3>,
    device: Device,
}

/// The one-dimensional Gaussians between pixel positions, `[1, to.len(), from.len()]`.
fn gaussians(to: &[usize], from: &[usize], sigma: f64, device: &Device) -> Tensor<3> {
    let values: Vec<f32> = to
        .iter()
        .flat_map(|&t| {
            from.iter().map(move |&f| {
                let distance = t.abs_diff(f) as f64;
                (-distance * distance / (2.0 * sigma * sigma)).exp() as f32
            })
        })
        .collect();
    Tensor::from_data(TensorData::new(values, [1, to.len(), from.len()]), device)
}

impl Grnn {
    /// Trains a net to reproduce `values` at the nodes, to a mean squared error under 1e-8 (values
    /// on the scale 0 to 1).
    ///
    /// `nodes` has a flag for each crossing, row after row; `values` has `channels` planes of as
    /// many values, of which only those at nodes count. Training begins with the weights of
    /// `start`, a net on the same lattice, which are close if only a few nodes are new.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    ///
    /// # Panics
    /// When `nodes` or `values` are not of the lattice's size.
    pub async fn train(
        lattice: &Lattice,
        sigma: f64,
        nodes: &[bool],
        values: &[f32],
        channels: usize,
        start: Option<&Grnn>,
        device: &Device,
    ) -> Result<Self, EngineError> {
        let (height, width) = (lattice.rows.len(), lattice.columns.len());
        assert_eq!(nodes.len(), height * width, "a flag a crossing");
        assert_eq!(values.len(), channels * height * width, "a value a channel and crossing");
        let flags: Vec<f32> = nodes.iter().map(|&node| f32::from(u8::from(node))).collect();
        let mask: Tensor<3> = Tensor::from_data(TensorData::new(flags, [1, height, width]), device);
        let target: Tensor<3> =
            Tensor::from_data(TensorData::new(values.to_vec(), [channels, height, width]), device)
                * mask.clone();
        let rows = gaussians(&lattice.rows, &lattice.rows, sigma, device);
        let columns = gaussians(&lattice.columns, &lattice.columns, sigma, device);
        // The product K x over the nodes, on the lattice.
        let product = |x: Tensor<3>| rows.clone().matmul(x).matmul(columns.clone()) * mask.clone();
        // Off the nodes d is 0; 1 there keeps quotients finite without touching a node's value.
        let density = product(mask.clone());
        let divisor = density.clone() + (mask.clone().neg() + 1.0);

        let mut weights = match start {
            Some(net) => net.weights.clone() + target.clone() * (mask.clone() - net.mask.clone()),
            None => target.clone(),
        };
        let mut residual = density * target - product(weights.clone());
        let mut direction = residual.clone();
        let mut energy = dot(&residual, &residual);
        for _ in 0..MOST_CHECKS {
            let error = (residual.clone() / divisor.clone()).square();
            let count = mask.clone().sum().reshape([1, 1, 1]) + TINY;
            let worst = (error.sum_dims(&[1, 2]) / count).max_dim(0);
            match read_back(worst).await?.first() {
                Some(error) if *error <= TARGET_ERROR => break,
                Some(error) if error.is_finite() => {}
                _ => {
                    return Err(EngineError::Numbers(
                        "the infill's training gave no number".to_owned(),
                    ));
                }
            }
            for _ in 0..STEPS_BETWEEN_CHECKS {
                let image = product(direction.clone());
                let step = energy.clone() / (dot(&direction, &image) + TINY);
                weights = weights + direction.clone() * step.clone();
                residual = residual - image * step;
                let next = dot(&residual, &residual);
                direction = residual.clone() + direction * (next.clone() / (energy + TINY));
                energy = next;
            }
        }
        Ok(Grnn { lattice: lattice.clone(), sigma, mask, weights, device: device.clone() })
    }

    /// The net's values over a grid of pixels, `[channels, rows, columns]`.
    ///
    /// Where no node is near enough for single precision (about 13 sigma), the value is 0.
    pub fn predict(&self, rows: &[usize], columns: &[usize]) -> Tensor<3> {
        let down = gaussians(rows, &self.lattice.rows, self.sigma, &self.device);
        let across = gaussians(&self.lattice.columns, columns, self.sigma, &self.device);
        let spread = |x: Tensor<3>| down.clone().matmul(x).matmul(across.clone());
        spread(self.weights.clone()) / (spread(self.mask.clone()) + TINY)
    }

    /// The net's values at its own lattice, as [`Grnn::predict`] gives them, read back.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    pub async fn on_lattice(&self) -> Result<Vec<f32>, EngineError> {
        read_back(self.predict(&self.lattice.rows, &self.lattice.columns)).await
    }
}

/// The sums of products over each channel, `[channels, 1, 1]`.
fn dot(a: &Tensor<3>, b: &Tensor<3>) -> Tensor<3> {
    (a.clone() * b.clone()).sum_dims(&[1, 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some nodes and values that follow no pattern, from a fixed linear congruential sequence.
    fn scattered(crossings: usize, channels: usize) -> (Vec<bool>, Vec<f32>) {
        let mut state = 12_345u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 24) as f32
        };
        let nodes = (0..crossings).map(|_| next() < 0.4).collect();
        let values = (0..crossings * channels).map(|_| 0.2 + 0.6 * next()).collect();
        (nodes, values)
    }

    fn lattice(height: usize, width: usize) -> Lattice {
        Lattice { rows: (0..height).step_by(3).collect(), columns: (0..width).step_by(3).collect() }
    }

    #[test]
    fn predictions_match_the_formula_in_f64() {
        let device = Device::flex();
        for sigma in [1.0, 1.8, 2.5] {
            let lattice = lattice(40, 28);
            let (nodes, values) = scattered(lattice.len(), 3);
            let net = Grnn::train(&lattice, sigma, &nodes, &values, 3, None, &device);
            let net = pollster::block_on(net).expect("the CPU trains");
            let weights: Vec<f32> = net.weights.to_data().try_into_vec().expect("floats");
            let (rows, columns): (Vec<usize>, Vec<usize>) = ((0..40).collect(), (0..28).collect());
            let predicted: Vec<f32> =
                net.predict(&rows, &columns).to_data().try_into_vec().expect("floats");
            for channel in 0..3 {
                for &y in &rows {
                    for &x in &columns {
                        let (mut above, mut below, mut size) = (0.0f64, 0.0f64, 0.0f64);
                        for (i, &node) in nodes.iter().enumerate().filter(|(_, node)| **node) {
                            assert!(node);
                            let dy = lattice.rows[i / lattice.columns.len()] as f64 - y as f64;
                            let dx = lattice.columns[i % lattice.columns.len()] as f64 - x as f64;
                            let k = (-(dy * dy + dx * dx) / (2.0 * sigma * sigma)).exp();
                            let weight = f64::from(weights[channel * nodes.len() + i]);
                            above += weight * k;
                            size += weight.abs() * k;
                            below += k;
                        }
                        let got = f64::from(predicted[(channel * 40 + y) * 28 + x]);
                        // Relative to the size of the terms, because weights of both signs may
                        // cancel.
                        let error = (got - above / below).abs() / (size / below);
                        assert!(error < 1e-5, "sigma {sigma} at {y} {x}: {error}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_trained_net_gives_back_its_key_pixels() {
        let device = Device::flex();
        for sigma in [1.0, 1.8, 2.5] {
            let lattice = lattice(60, 90);
            let (nodes, values) = scattered(lattice.len(), 3);
            let net = Grnn::train(&lattice, sigma, &nodes, &values, 3, None, &device);
            let net = pollster::block_on(net).expect("the CPU trains");
            let given = pollster::block_on(net.on_lattice()).expect("the CPU predicts");
            for channel in 0..3 {
                let errors: Vec<f64> = (0..nodes.len())
                    .filter(|&i| nodes[i])
                    .map(|i| channel * nodes.len() + i)
                    .map(|i| f64::from(given[i] - values[i]).powi(2))
                    .collect();
                let mean = errors.iter().sum::<f64>() / errors.len() as f64;
                assert!(mean < 1e-8, "sigma {sigma}: mean squared error {mean}");
            }
        }
    }

    #[test]
    fn a_net_without_nodes_is_flat_zero_and_finite() {
        let device = Device::flex();
        let lattice = lattice(9, 9);
        let net = Grnn::train(&lattice, 1.8, &[false; 9], &[0.5; 9], 1, None, &device);
        let net = pollster::block_on(net).expect("the CPU trains");
        let given = pollster::block_on(net.on_lattice()).expect("the CPU predicts");
        assert!(given.iter().all(|&value| value == 0.0));
    }
}
