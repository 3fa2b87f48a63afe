//! The first convolution's feature maps, computed on the host.
//!
//! Key pixels are chosen by comparing these values with thresholds. Two devices round
//! differently, and a value on the other side of a threshold would move a key pixel; plain
//! arithmetic in a fixed order gives the same bits on every machine, so that a photo comes out
//! alike from the page and from the command line.

use super::convnet::INPUT_SIDE;

/// A network's first convolution on the host: one input channel, "same" padding, stride 1.
#[derive(Clone, Debug)]
pub(super) struct FirstConvolution {
    pub(super) kernel: usize,
    /// `maps * kernel * kernel` weights.
    pub(super) weights: Vec<f32>,
    /// A bias a map.
    pub(super) biases: Vec<f32>,
}

/// The first convolution's outputs for one crop.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMaps {
    /// Number of maps.
    pub maps: usize,
    /// Rows and columns of a map.
    pub side: usize,
    /// `maps * side * side` values before batch normalisation, map after map, row after row.
    pub values: Vec<f32>,
}

impl FirstConvolution {
    /// The feature maps of a normalised input of `INPUT_SIDE * INPUT_SIDE` values.
    pub(super) fn maps_of(&self, input: &[f32]) -> FeatureMaps {
        let (side, kernel) = (INPUT_SIDE, self.kernel);
        let reach = kernel / 2;
        // Zero padding around the input, so that the inner loop runs over whole rows.
        let padded_side = side + 2 * reach;
        let mut padded = vec![0.0f32; padded_side * padded_side];
        for (y, row) in input.chunks_exact(side).enumerate() {
            let start = (y + reach) * padded_side + reach;
            padded[start..start + side].copy_from_slice(row);
        }
        let mut values = Vec::with_capacity(self.biases.len() * side * side);
        for (weights, &bias) in self.weights.chunks_exact(kernel * kernel).zip(&self.biases) {
            for y in 0..side {
                let mut row = [bias; INPUT_SIDE];
                for (tap, &weight) in weights.iter().enumerate() {
                    let start = (y + tap / kernel) * padded_side + tap % kernel;
                    for (sum, &value) in row.iter_mut().zip(&padded[start..start + side]) {
                        *sum += weight * value;
                    }
                }
                values.extend(row);
            }
        }
        FeatureMaps { maps: self.biases.len(), side, values }
    }
}
