//! The stroke network with its weights on the host. It runs here without a GPU, and for the forward
//! pass of its training. A test compares it with Burn's tensors.

use super::network::{CONVOLUTIONS, StrokeNet};
use crate::classifier::{
    EngineError,
    host::convolution::{Convolution, Sizes},
};

/// By how many halvings each convolution's sides are smaller than the input's.
const HALVINGS: [usize; CONVOLUTIONS.len()] = [0, 0, 1, 1, 2, 2, 2, 1, 0, 0];

/// The network's weights on the host.
#[derive(Debug)]
pub(crate) struct HostStrokeNet {
    /// First to last.
    pub(crate) layers: Vec<Convolution>,
}

/// The outputs of the convolutions for one input, after their ReLUs, and the inputs of some of
/// them.
pub(crate) struct Activations {
    /// Outputs, first to last.
    pub(crate) outputs: Vec<Vec<f32>>,
    /// Inputs of the convolutions 2 and 4 (pooled), 7 and 8 (summed).
    #[cfg_attr(not(feature = "native"), expect(dead_code, reason = "for the way back"))]
    pub(crate) inputs: [Vec<f32>; 4],
}

/// The sizes of convolution `i` for an input of this many cells in row and column, multiples of 4.
pub(crate) fn sizes(i: usize, [rows, columns]: [usize; 2]) -> Sizes {
    let [channels_in, channels_out] = CONVOLUTIONS[i];
    let halvings = HALVINGS[i];
    Sizes { channels_in, channels_out, rows: rows >> halvings, columns: columns >> halvings }
}

impl HostStrokeNet {
    /// Reads a network's weights back from its device, and waits for them.
    ///
    /// # Errors
    /// [`EngineError`] when they cannot be read.
    pub(crate) fn of(net: &StrokeNet) -> Result<Self, EngineError> {
        let layers = net.convolutions.iter().map(Convolution::of);
        Ok(HostStrokeNet { layers: layers.collect::<Result<_, EngineError>>()? })
    }

    /// Log-odds `[8, rows, columns]` of one input `[20, rows, columns]`.
    pub(crate) fn odds(&self, cells: &[f32], size: [usize; 2]) -> Vec<f32> {
        self.forward(cells, size, &mut Vec::new()).outputs.pop().unwrap_or_default()
    }

    /// The same, with all that the backward pass needs.
    pub(crate) fn forward(
        &self,
        cells: &[f32],
        size: [usize; 2],
        scratch: &mut Vec<f32>,
    ) -> Activations {
        let mut convolve = |i: usize, input: &[f32]| {
            let sizes = sizes(i, size);
            let mut out = vec![0.0; sizes.channels_out * sizes.plane()];
            self.layers[i].forward(input, sizes.size(), scratch, &mut out);
            if i + 1 < CONVOLUTIONS.len() {
                out.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            out
        };
        let [half, quarter, eighth] = [0, 1, 2].map(|halvings| size[1] >> halvings);
        let first = convolve(0, cells);
        let down_half = convolve(1, &first);
        let pooled_half = pooled(&down_half, half);
        let third = convolve(2, &pooled_half);
        let down_quarter = convolve(3, &third);
        let pooled_quarter = pooled(&down_quarter, quarter);
        let fifth = convolve(4, &pooled_quarter);
        let sixth = convolve(5, &fifth);
        let seventh = convolve(6, &sixth);
        let sum_quarter = doubled_onto(&seventh, eighth, &down_quarter);
        let up_quarter = convolve(7, &sum_quarter);
        let sum_half = doubled_onto(&up_quarter, quarter, &down_half);
        let up_half = convolve(8, &sum_half);
        let odds = convolve(9, &up_half);
        Activations {
            outputs: vec![
                first,
                down_half,
                third,
                down_quarter,
                fifth,
                sixth,
                seventh,
                up_quarter,
                up_half,
                odds,
            ],
            inputs: [pooled_half, pooled_quarter, sum_quarter, sum_half],
        }
    }
}

/// The largest of each square of four; `columns` are the input's.
fn pooled(input: &[f32], columns: usize) -> Vec<f32> {
    let mut pooled = Vec::with_capacity(input.len() / 4);
    for rows in input.chunks_exact(2 * columns) {
        let (above, below) = rows.split_at(columns);
        let pairs = above.chunks_exact(2).zip(below.chunks_exact(2));
        pooled.extend(pairs.map(|(a, b)| a[0].max(a[1]).max(b[0].max(b[1]))));
    }
    pooled
}

/// Each value, of planes of `columns` columns, as a square of four, and `other` added.
fn doubled_onto(input: &[f32], columns: usize, other: &[f32]) -> Vec<f32> {
    let mut sum = other.to_vec();
    for (row, onto) in input.chunks_exact(columns).zip(sum.chunks_exact_mut(4 * columns)) {
        let (above, below) = onto.split_at_mut(2 * columns);
        for onto in [above, below] {
            for (value, pair) in row.iter().zip(onto.chunks_exact_mut(2)) {
                pair[0] += value;
                pair[1] += value;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};

    use super::*;
    use crate::classifier::host_values;

    #[test]
    fn log_odds_are_those_of_burns_tensors() {
        let device = Device::flex();
        device.seed(5);
        let net = StrokeNet::new(&device);
        let host = HostStrokeNet::of(&net).expect("the CPU's weights");
        // The second is computed in several parts.
        for [rows, columns] in [[8, 12], [52, 64]] {
            let cells: Vec<f32> = (0..(20 * rows * columns) as u32)
                .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0)
                .collect();
            let ours = host.odds(&cells, [rows, columns]);
            let cells = TensorData::new(cells, [1, 20, rows, columns]);
            let burns = net.forward(Tensor::from_data(cells, &device));
            let burns = host_values(burns).expect("the CPU computes");
            assert_eq!(ours.len(), burns.len());
            let largest = burns.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            for (ours, burns) in ours.iter().zip(&burns) {
                assert!((ours - burns).abs() < 1e-4 * largest, "{ours}, not {burns}");
            }
        }
    }
}
