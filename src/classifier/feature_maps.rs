//! The first convolution's feature maps, computed on the host.
//!
//! Key pixels are chosen by comparing these values with thresholds. Two devices round differently,
//! and a value on the other side of a threshold would move a key pixel. Plain arithmetic in a fixed
//! order gives the same bits on every machine, so the page and the command line give the same
//! result.

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

impl FeatureMaps {
    /// One map's `side * side` values; none of a map that there is not.
    pub fn map(&self, map: usize) -> &[f32] {
        let pixels = self.side * self.side;
        self.values.get(map * pixels..(map + 1) * pixels).unwrap_or_default()
    }

    /// Each pixel's mean over the maps, and its standard deviation there (n - 1): `side * side`
    /// values each.
    pub fn mean_and_deviation(&self) -> (Vec<f32>, Vec<f32>) {
        let pixels = self.side * self.side;
        let count = self.maps as f32;
        (0..pixels)
            .map(|pixel| {
                let at = |map: usize| self.values[map * pixels + pixel];
                let mean = (0..self.maps).map(at).sum::<f32>() / count;
                let squares: f32 = (0..self.maps).map(|map| (at(map) - mean).powi(2)).sum();
                (mean, (squares / (count - 1.0).max(1.0)).sqrt())
            })
            .unzip()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_are_over_the_maps() {
        // Three maps of 2 x 2; by hand: the pixels' values are 1 2 3, 0 0 0, -1 0 4, 5 5 5.
        let values = vec![1., 0., -1., 5., 2., 0., 0., 5., 3., 0., 4., 5.];
        let maps = FeatureMaps { maps: 3, side: 2, values };
        let (mean, deviation) = maps.mean_and_deviation();
        assert_eq!(mean, [2.0, 0.0, 1.0, 5.0]);
        assert_eq!(deviation, [1.0, 0.0, 7f32.sqrt(), 0.0]);
        assert_eq!(maps.map(1), [2.0, 0.0, 0.0, 5.0]);
        assert!(maps.map(3).is_empty());
    }
}
