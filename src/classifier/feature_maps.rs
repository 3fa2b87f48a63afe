//! The first convolution's feature maps, computed on the host.
//!
//! Key pixels are chosen by comparing these values with thresholds. Two devices round
//! differently, and a value on the other side of a threshold would move a key pixel; plain
//! arithmetic in a fixed order gives the same bits on every machine, so that a photo comes out
//! alike from the page and from the command line.

/// A network's first convolution on the host: "same" padding, stride 1.
#[derive(Clone, Debug)]
pub(super) struct FirstConvolution {
    /// Rows and columns of its input and its maps.
    pub(super) side: usize,
    /// Input channels.
    pub(super) channels: usize,
    pub(super) kernel: usize,
    /// `maps * channels * kernel * kernel` weights.
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
    /// The feature maps of a standardised input of `channels * side * side` samples.
    pub(super) fn maps_of(&self, input: &[f32]) -> FeatureMaps {
        let (side, kernel) = (self.side, self.kernel);
        let reach = kernel / 2;
        // Zero padding around the input, so that the inner loop runs over whole rows.
        let padded_side = side + 2 * reach;
        let padded_plane = padded_side * padded_side;
        let mut padded = vec![0.0f32; self.channels * padded_plane];
        for (i, row) in input.chunks_exact(side).enumerate() {
            let (channel, y) = (i / side, i % side);
            let start = channel * padded_plane + (y + reach) * padded_side + reach;
            padded[start..start + side].copy_from_slice(row);
        }
        let taps = kernel * kernel;
        let mut values = vec![0.0; self.biases.len() * side * side];
        let maps = values.chunks_exact_mut(side * side);
        for ((weights, &bias), map) in
            self.weights.chunks_exact(self.channels * taps).zip(&self.biases).zip(maps)
        {
            for (y, row) in map.chunks_exact_mut(side).enumerate() {
                row.fill(bias);
                for (i, &weight) in weights.iter().enumerate() {
                    let (channel, tap) = (i / taps, i % taps);
                    let start =
                        channel * padded_plane + (y + tap / kernel) * padded_side + tap % kernel;
                    for (sum, &value) in row.iter_mut().zip(&padded[start..start + side]) {
                        *sum += weight * value;
                    }
                }
            }
        }
        FeatureMaps { maps: self.biases.len(), side, values }
    }
}
