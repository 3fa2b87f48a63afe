//! Convolutions with stride 1 and "same" padding.
//!
//! If an image's channels are innermost in memory, a kernel's row over all channels is one run of
//! values. So a few pixels can be computed at once directly from an image with zeros round it,
//! without first building a matrix of neighbourhoods. The sums of a few pixels and channels stay in
//! the processor's vector registers, whose width is that of the machine.

use burn::nn::conv::Conv2d;
use pulp::{Arch, Simd, WithSimd, bytemuck};

#[cfg(feature = "native")]
use super::matrix::{Into, Matrix, multiply};
use crate::classifier::{EngineError, host_values};

/// Pixels whose sums are gathered at once. With [`VECTORS`] of channels these are eight sums.
/// Together with the weights and the pixel they fit into sixteen registers.
const PIXELS: usize = 4;

/// Vectors of output channels whose sums are gathered at once.
const VECTORS: usize = 2;

/// A convolution's sizes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) channels_in: usize,
    pub(crate) channels_out: usize,
    /// Of input and output.
    pub(crate) rows: usize,
    /// Of input and output.
    pub(crate) columns: usize,
}

impl Sizes {
    /// Pixels of a plane.
    pub(crate) fn plane(&self) -> usize {
        self.rows * self.columns
    }

    /// Rows and columns.
    pub(crate) fn size(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }
}

/// A convolution's weights on the host.
#[derive(Debug)]
pub(crate) struct Convolution {
    channels_in: usize,
    /// Rows and columns of the kernel; odd.
    kernel: usize,
    /// `[channels out, channels in, kernel, kernel]`.
    pub(crate) weights: Vec<f32>,
    /// One a channel out.
    pub(crate) biases: Vec<f32>,
    /// The weights as [`Pass`] reads them, [`VECTORS`] of output channels after each other (the last
    /// may be one): `[kernel, kernel, channels in, channels out of these vectors]`, zero for channels
    /// that fill up the last vector.
    panels: Vec<f32>,
}

impl Convolution {
    /// A convolution of these weights, `[channels out, channels in, kernel, kernel]`.
    ///
    /// # Panics
    /// When they are not as many as the sizes say, or the kernel's side is even.
    pub(crate) fn new(
        weights: Vec<f32>,
        biases: Vec<f32>,
        channels_in: usize,
        kernel: usize,
    ) -> Self {
        let channels_out = biases.len();
        let taps = kernel * kernel;
        assert!(kernel % 2 == 1, "a kernel of {kernel} x {kernel} has no middle");
        assert_eq!(weights.len(), channels_out * channels_in * taps, "the weights' number");
        let lanes = Arch::new().dispatch(Lanes);
        let mut panels =
            Vec::with_capacity(channels_out.next_multiple_of(lanes) * channels_in * taps);
        for first in (0..channels_out).step_by(VECTORS * lanes) {
            let left = channels_out - first;
            let channels = (VECTORS * lanes).min(left.next_multiple_of(lanes));
            for tap in 0..taps {
                for from in 0..channels_in {
                    let weight = |out: usize| weights[(out * channels_in + from) * taps + tap];
                    panels.extend((first..first + channels.min(left)).map(weight));
                    panels.extend(std::iter::repeat_n(0.0, channels.saturating_sub(left)));
                }
            }
        }
        Convolution { channels_in, kernel, weights, biases, panels }
    }

    /// Reads a layer's weights back from its device, while waiting.
    ///
    /// # Errors
    /// [`EngineError`] when they cannot be read.
    pub(crate) fn of(layer: &Conv2d) -> Result<Self, EngineError> {
        let [channels_out, channels_in, kernel, _] = layer.weight.dims();
        let weights = host_values(layer.weight.val())?;
        let biases = match &layer.bias {
            Some(bias) => host_values(bias.val())?,
            None => vec![0.0; channels_out],
        };
        Ok(Convolution::new(weights, biases, channels_in, kernel))
    }

    /// Channels in and out.
    pub(crate) fn channels(&self) -> [usize; 2] {
        [self.channels_in, self.biases.len()]
    }

    /// The convolution that takes an output's gradient to the input's: channels exchanged, each
    /// kernel turned by half a turn, no biases.
    pub(crate) fn reversed(&self) -> Self {
        let taps = self.kernel * self.kernel;
        let channels_out = self.biases.len();
        let mut reversed = vec![0.0; self.weights.len()];
        for (i, kernel) in self.weights.chunks_exact(taps).enumerate() {
            let (out, from) = (i / self.channels_in, i % self.channels_in);
            let start = (from * channels_out + out) * taps;
            for (target, &tap) in reversed[start..start + taps].iter_mut().zip(kernel.iter().rev())
            {
                *target = tap;
            }
        }
        Convolution::new(reversed, vec![0.0; self.channels_in], channels_out, self.kernel)
    }

    /// One image's outputs `[channels out, rows, columns]`, from `[channels in, rows, columns]`.
    ///
    /// # Panics
    /// When `image` or `out` is of another size.
    pub(crate) fn forward(
        &self,
        image: &[f32],
        [rows, columns]: [usize; 2],
        scratch: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        assert_eq!(image.len(), self.channels_in * rows * columns, "the input's size");
        assert_eq!(out.len(), self.biases.len() * rows * columns, "the output's size");
        if image.is_empty() {
            return;
        }
        self.pad(image, [rows, columns], scratch);
        Arch::new().dispatch(Pass { of: self, padded: scratch, columns, out });
    }

    /// Writes an image `[channels in, rows, columns]` as `[rows, columns, channels in]`, with zeros
    /// round it as far as the kernel reaches.
    fn pad(&self, image: &[f32], [rows, columns]: [usize; 2], padded: &mut Vec<f32>) {
        let (channels, reach) = (self.channels_in, self.kernel / 2);
        let padded_columns = columns + 2 * reach;
        padded.clear();
        padded.resize((rows + 2 * reach) * padded_columns * channels, 0.0);
        for (channel, plane) in image.chunks_exact(rows * columns).enumerate() {
            for (y, row) in plane.chunks_exact(columns).enumerate() {
                let start = ((y + reach) * padded_columns + reach) * channels + channel;
                let targets = padded[start..].iter_mut().step_by(channels);
                targets.zip(row).for_each(|(target, &value)| *target = value);
            }
        }
    }

    /// Adds one image's part of the weights' gradient.
    #[cfg(feature = "native")]
    pub(crate) fn add_weight_gradient(
        &self,
        image: &[f32],
        output_gradient: &[f32],
        size: [usize; 2],
        scratch: &mut Vec<f32>,
        gradient: &mut [f32],
    ) {
        let (channels_out, pixels) = (self.biases.len(), size[0] * size[1]);
        let taps = self.channels_in * self.kernel * self.kernel;
        self.lay_out_neighbourhoods(image, size, scratch);
        let neighbourhoods = Matrix::new(scratch, taps, pixels).transposed();
        let output_gradient = Matrix::new(output_gradient, channels_out, pixels);
        multiply(gradient, output_gradient, neighbourhoods, Into::Add);
    }

    /// The neighbourhoods of one image's pixels, `[channels in * kernel * kernel, pixels]`, zero
    /// beyond its edge.
    #[cfg(feature = "native")]
    fn lay_out_neighbourhoods(
        &self,
        image: &[f32],
        [rows, columns]: [usize; 2],
        matrix: &mut Vec<f32>,
    ) {
        let (kernel, reach, pixels) = (self.kernel, self.kernel / 2, rows * columns);
        matrix.clear();
        matrix.resize(self.channels_in * kernel * kernel * pixels, 0.0);
        let mut lines = matrix.chunks_exact_mut(pixels);
        for plane in image.chunks_exact(pixels) {
            for dy in 0..kernel {
                for dx in 0..kernel {
                    let Some(line) = lines.next() else { return };
                    // Output column x takes input column x + dx - reach.
                    let (to, from) = (reach.saturating_sub(dx), dx.saturating_sub(reach));
                    let length = columns.saturating_sub(to.max(from));
                    for y in reach.saturating_sub(dy)..(rows + reach).saturating_sub(dy).min(rows) {
                        let source = (y + dy - reach) * columns + from;
                        let target = y * columns + to;
                        let run = &plane[source..source + length];
                        line[target..target + length].copy_from_slice(run);
                    }
                }
            }
        }
    }
}

/// Values that a vector of this machine holds.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// A convolution of one image.
struct Pass<'a> {
    of: &'a Convolution,
    /// `[rows + kernel - 1, columns + kernel - 1, channels in]`.
    padded: &'a [f32],
    /// Of the output.
    columns: usize,
    /// `[channels out, rows, columns]`.
    out: &'a mut [f32],
}

impl WithSimd for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (panels, _) = S::as_simd_f32s(&self.of.panels);
        let vectors = self.of.biases.len().div_ceil(S::F32_LANES);
        let taps = self.of.kernel * self.of.kernel * self.of.channels_in;
        let (pairs, last) = panels.split_at(vectors / VECTORS * VECTORS * taps);
        let mut first = 0;
        for panel in pairs.chunks_exact(VECTORS * taps) {
            self.channels::<S, VECTORS>(simd, panel, first);
            first += VECTORS * S::F32_LANES;
        }
        if !last.is_empty() {
            self.channels::<S, 1>(simd, last, first);
        }
    }
}

impl Pass<'_> {
    /// The outputs' `N` vectors of channels from `first` on, from their panel.
    #[inline(always)]
    fn channels<S: Simd, const N: usize>(&mut self, simd: S, panel: &[S::f32s], first: usize) {
        let Convolution { channels_in, kernel, ref biases, .. } = *self.of;
        let padded_row = (self.columns + kernel - 1) * channels_in;
        let run = kernel * channels_in;
        let plane = self.out.len() / biases.len();
        for pixel in (0..plane).step_by(PIXELS) {
            // Beyond the last pixel the last one is repeated.
            let starts: [usize; PIXELS] = std::array::from_fn(|i| {
                let pixel = (pixel + i).min(plane - 1);
                pixel / self.columns * padded_row + pixel % self.columns * channels_in
            });
            let mut sums = [[simd.splat_f32s(0.0); N]; PIXELS];
            for (dy, weights) in panel.chunks_exact(run * N).enumerate() {
                let [a, b, c, d] =
                    starts.map(|start| &self.padded[start + dy * padded_row..][..run]);
                let pixels = a.iter().zip(b).zip(c).zip(d);
                for (weights, (((a, b), c), d)) in weights.chunks_exact(N).zip(pixels) {
                    for (sums, &value) in sums.iter_mut().zip([a, b, c, d]) {
                        let value = simd.splat_f32s(value);
                        for (sum, &weights) in sums.iter_mut().zip(weights) {
                            *sum = simd.mul_add_e_f32s(value, weights, *sum);
                        }
                    }
                }
            }
            let length = PIXELS.min(plane - pixel);
            let sums: [&[f32]; PIXELS] = std::array::from_fn(|i| bytemuck::cast_slice(&sums[i]));
            let planes = self.out.chunks_exact_mut(plane).zip(biases).skip(first);
            for (lane, (out, bias)) in planes.take(N * S::F32_LANES).enumerate() {
                for (out, sums) in out[pixel..pixel + length].iter_mut().zip(sums) {
                    *out = sums[lane] + bias;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition, tap by tap.
    fn by_hand(of: &Convolution, image: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
        let taps = of.channels_in * of.kernel * of.kernel;
        let mut out = Vec::new();
        for (weights, bias) in of.weights.chunks_exact(taps).zip(&of.biases) {
            for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
                let product = |(tap, weight): (usize, &f32)| {
                    let (line, dx) = (tap / of.kernel, tap % of.kernel);
                    let (channel, dy) = (line / of.kernel, line % of.kernel);
                    let y = (y + dy).checked_sub(of.kernel / 2).filter(|y| *y < rows)?;
                    let x = (x + dx).checked_sub(of.kernel / 2).filter(|x| *x < columns)?;
                    Some(weight * image[(channel * rows + y) * columns + x])
                };
                out.push(bias + weights.iter().enumerate().filter_map(product).sum::<f32>());
            }
        }
        out
    }

    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 997) as f32 / 498.0 - 1.0).collect()
    }

    #[test]
    fn all_sizes_come_out_as_defined() {
        // Channels that leave a part of a vector, or one of two, over; kernels larger than the
        // image; fewer pixels than are gathered at once.
        let cases = [
            ([1, 1], 1, [1, 1]),
            ([1, 5], 3, [1, 3]),
            ([3, 8], 5, [3, 2]),
            ([4, 20], 3, [7, 5]),
            ([2, 40], 7, [4, 9]),
            ([5, 33], 1, [2, 2]),
        ];
        let mut scratch = vec![9.0; 3];
        for ([channels_in, channels_out], kernel, size) in cases {
            let weights = values(channels_out * channels_in * kernel * kernel, 1);
            let of = Convolution::new(weights, values(channels_out, 2), channels_in, kernel);
            let image = values(channels_in * size[0] * size[1], 3);
            let mut out = vec![f32::NAN; channels_out * size[0] * size[1]];
            of.forward(&image, size, &mut scratch, &mut out);
            for (ours, expected) in out.iter().zip(by_hand(&of, &image, size)) {
                let name = format!("{channels_in} to {channels_out}, kernel {kernel}, {size:?}");
                assert!((ours - expected).abs() < 1e-4, "{name}: {ours}, not {expected}");
            }
        }
    }

    #[test]
    fn reversed_is_the_transpose() {
        // <conv(a), b> = <a, reversed(b)> for a convolution without biases.
        let size = [5, 6];
        let of = Convolution::new(values(6 * 3 * 9, 4), vec![0.0; 6], 3, 3);
        let (a, b) = (values(3 * 30, 5), values(6 * 30, 6));
        let (mut there, mut back) = (vec![0.0; 6 * 30], vec![0.0; 3 * 30]);
        of.forward(&a, size, &mut Vec::new(), &mut there);
        of.reversed().forward(&b, size, &mut Vec::new(), &mut back);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (there, back) = (dot(&there, &b), dot(&a, &back));
        assert!((there - back).abs() < 1e-3 * there.abs().max(1.0), "{there}, not {back}");
    }
}
