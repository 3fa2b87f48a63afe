//! Convolutions with stride 1 and "same" padding, as matrix products: the columns of one image's
//! matrix are the neighbourhoods of its pixels.

use std::ops::Range;

use burn::nn::conv::Conv2d;

#[cfg(feature = "native")]
use super::matrix::multiply;
use super::matrix::{Into, Matrix, multiply_columns};
use crate::classifier::{EngineError, host_values};

/// Positions whose neighbourhoods are laid out at a time, so that they stay in the cache, and large
/// planes need no memory a multiple of theirs.
const TOGETHER: usize = 2048;

/// A convolution's sizes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) channels_in: usize,
    pub(crate) channels_out: usize,
    /// Rows and columns of the kernel; odd.
    pub(crate) kernel: usize,
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

    /// Values that an output pixel is made from.
    fn taps(&self) -> usize {
        self.channels_in * self.kernel * self.kernel
    }

    /// Weights.
    #[cfg(feature = "native")]
    pub(crate) fn weights(&self) -> usize {
        self.channels_out * self.taps()
    }

    /// The sizes of the convolution that takes an output's gradient to the input's.
    fn reversed(&self) -> Self {
        Sizes { channels_in: self.channels_out, channels_out: self.channels_in, ..*self }
    }
}

/// A convolution's weights on the host.
#[derive(Debug)]
pub(crate) struct Convolution {
    /// `[channels out, channels in, kernel, kernel]`.
    pub(crate) weights: Vec<f32>,
    /// One a channel out.
    pub(crate) biases: Vec<f32>,
}

impl Convolution {
    /// Reads a layer's weights back from its device, while waiting.
    ///
    /// # Errors
    /// [`EngineError`] when they cannot be read.
    pub(crate) fn of(layer: &Conv2d) -> Result<Self, EngineError> {
        let [channels_out, ..] = layer.weight.dims();
        let weights = host_values(layer.weight.val())?;
        let biases = match &layer.bias {
            Some(bias) => host_values(bias.val())?,
            None => vec![0.0; channels_out],
        };
        Ok(Convolution { weights, biases })
    }

    /// One image's outputs `[channels_out, rows, columns]`, from `[channels_in, rows, columns]`.
    pub(crate) fn forward(
        &self,
        image: &[f32],
        sizes: &Sizes,
        scratch: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        forward(image, &self.weights, &self.biases, sizes, scratch, out);
    }
}

/// Lays out the neighbourhoods of the pixels in some rows of one image, `[taps, pixels]`, zero beyond
/// its edge.
fn neighbourhoods(image: &[f32], sizes: &Sizes, rows: Range<usize>, matrix: &mut Vec<f32>) {
    let Sizes { kernel, columns, .. } = *sizes;
    let reach = kernel / 2;
    let pixels = rows.len() * columns;
    matrix.clear();
    matrix.resize(sizes.taps() * pixels, 0.0);
    let mut lines = matrix.chunks_exact_mut(pixels);
    for plane in image.chunks_exact(sizes.plane()) {
        for dy in 0..kernel {
            for dx in 0..kernel {
                let Some(line) = lines.next() else { return };
                // Output column x takes input column x + dx - reach.
                let (to, from) = (reach.saturating_sub(dx), dx.saturating_sub(reach));
                let length = columns.saturating_sub(to.max(from));
                let first = rows.start.max(reach.saturating_sub(dy));
                for y in first..(sizes.rows + reach).saturating_sub(dy).min(rows.end) {
                    let source = (y + dy - reach) * columns + from;
                    let target = (y - rows.start) * columns + to;
                    line[target..target + length].copy_from_slice(&plane[source..source + length]);
                }
            }
        }
    }
}

/// One image's outputs `[channels_out, rows, columns]`, from `[channels_in, rows, columns]`.
pub(crate) fn forward(
    image: &[f32],
    weights: &[f32],
    biases: &[f32],
    sizes: &Sizes,
    scratch: &mut Vec<f32>,
    out: &mut [f32],
) {
    for (plane, &bias) in out.chunks_exact_mut(sizes.plane()).zip(biases) {
        plane.fill(bias);
    }
    apply(image, weights, sizes, scratch, Into::Add, out);
}

fn apply(
    image: &[f32],
    weights: &[f32],
    sizes: &Sizes,
    scratch: &mut Vec<f32>,
    into: Into,
    out: &mut [f32],
) {
    let weights = Matrix::new(weights, sizes.channels_out, sizes.taps());
    let rows_together = (TOGETHER / sizes.columns.max(1)).max(1);
    for first in (0..sizes.rows).step_by(rows_together) {
        let rows = first..(first + rows_together).min(sizes.rows);
        let pixels = rows.len() * sizes.columns;
        neighbourhoods(image, sizes, rows, scratch);
        let neighbourhoods = Matrix::new(scratch, sizes.taps(), pixels);
        let (width, start) = (sizes.plane(), first * sizes.columns);
        multiply_columns(out, width, start, weights, neighbourhoods, into);
    }
}

/// Adds one image's part of the weights' gradient.
#[cfg(feature = "native")]
pub(crate) fn weight_gradient(
    image: &[f32],
    output_gradient: &[f32],
    sizes: &Sizes,
    scratch: &mut Vec<f32>,
    gradient: &mut [f32],
) {
    neighbourhoods(image, sizes, 0..sizes.rows, scratch);
    multiply(
        gradient,
        Matrix::new(output_gradient, sizes.channels_out, sizes.plane()),
        Matrix::new(scratch, sizes.taps(), sizes.plane()).transposed(),
        Into::Add,
    );
}

/// The weights of the convolution that takes an output's gradient to the input's: channels
/// exchanged, each kernel turned by half a turn.
pub(crate) fn reversed_weights(weights: &[f32], sizes: &Sizes) -> Vec<f32> {
    let kernel = sizes.kernel * sizes.kernel;
    let mut reversed = vec![0.0; weights.len()];
    for (i, taps) in weights.chunks_exact(kernel).enumerate() {
        let (out, from) = (i / sizes.channels_in, i % sizes.channels_in);
        let start = (from * sizes.channels_out + out) * kernel;
        for (target, &tap) in reversed[start..start + kernel].iter_mut().zip(taps.iter().rev()) {
            *target = tap;
        }
    }
    reversed
}

/// One image's input gradient, with the [`reversed_weights`].
pub(crate) fn input_gradient(
    output_gradient: &[f32],
    reversed_weights: &[f32],
    sizes: &Sizes,
    scratch: &mut Vec<f32>,
    gradient: &mut [f32],
) {
    apply(output_gradient, reversed_weights, &sizes.reversed(), scratch, Into::Replace, gradient);
}
