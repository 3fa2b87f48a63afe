//! The network with its weights on the host. It runs here without a GPU, and for the forward pass of
//! its training. A test compares it with Burn's tensors.

use super::network::{CONVOLUTIONS, HALVINGS, UNet};
use crate::classifier::{
    EngineError,
    host::convolution::{Convolution, Sizes},
};

/// The network's weights on the host.
#[derive(Debug)]
pub(crate) struct HostUNet {
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

/// The sizes of convolution `i` of these for an input of this many rows and columns, multiples of
/// [`super::MULTIPLE`].
pub(crate) fn sizes(layers: &[Convolution], i: usize, [rows, columns]: [usize; 2]) -> Sizes {
    let [channels_in, channels_out] = layers[i].channels();
    let halvings = HALVINGS[i];
    Sizes { channels_in, channels_out, rows: rows >> halvings, columns: columns >> halvings }
}

impl HostUNet {
    /// Reads a network's weights back from its device, and waits for them.
    ///
    /// # Errors
    /// [`EngineError`] when they cannot be read.
    pub(crate) fn of(net: &UNet) -> Result<Self, EngineError> {
        let layers = net.convolutions.iter().map(Convolution::of);
        Ok(HostUNet { layers: layers.collect::<Result<_, EngineError>>()? })
    }

    /// The outputs `[outputs, rows, columns]` of one input `[inputs, rows, columns]`.
    pub(crate) fn outputs(&self, cells: &[f32], size: [usize; 2]) -> Vec<f32> {
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
            let sizes = sizes(&self.layers, i, size);
            let mut out = vec![0.0; sizes.channels_out * sizes.plane()];
            self.layers[i].forward(input, sizes.size(), scratch, &mut out);
            if i + 1 < CONVOLUTIONS {
                out.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            out
        };
        let [full, half, quarter] = [0, 1, 2].map(|halvings| size[1] >> halvings);
        let first = convolve(0, cells);
        let down_full = convolve(1, &first);
        let pooled_full = pooled(&down_full, full);
        let third = convolve(2, &pooled_full);
        let down_half = convolve(3, &third);
        let pooled_half = pooled(&down_half, half);
        let fifth = convolve(4, &pooled_half);
        let sixth = convolve(5, &fifth);
        let seventh = convolve(6, &sixth);
        let sum_half = doubled_onto(&seventh, quarter, &down_half);
        let up_half = convolve(7, &sum_half);
        let sum_full = doubled_onto(&up_half, half, &down_full);
        let up_full = convolve(8, &sum_full);
        let last = convolve(9, &up_full);
        Activations {
            outputs: vec![
                first, down_full, third, down_half, fifth, sixth, seventh, up_half, up_full, last,
            ],
            inputs: [pooled_full, pooled_half, sum_half, sum_full],
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
    use crate::{
        classifier::{host_values, seeded},
        unet::Shape,
    };

    #[test]
    fn outputs_are_those_of_burns_tensors() {
        let device = Device::flex();
        let shape = Shape { name: "a", inputs: 20, widths: [24, 40, 72], outputs: 8 };
        let net = seeded(UNet::new(&shape, &device), 5);
        let host = HostUNet::of(&net).expect("the CPU's weights");
        // The second is computed in several parts.
        for [rows, columns] in [[8, 12], [52, 64]] {
            let cells: Vec<f32> = (0..(20 * rows * columns) as u32)
                .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0)
                .collect();
            let ours = host.outputs(&cells, [rows, columns]);
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
