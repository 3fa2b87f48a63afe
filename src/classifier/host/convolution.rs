//! Convolutions with stride 1 and "same" padding, as matrix products: the columns of one image's
//! matrix are the neighbourhoods of its pixels.

use super::matrix::{Into, Matrix, multiply};

/// A convolution's sizes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) channels_in: usize,
    pub(crate) channels_out: usize,
    /// Rows and columns of the kernel; odd.
    pub(crate) kernel: usize,
    /// Rows and columns of input and output.
    pub(crate) side: usize,
}

impl Sizes {
    /// Pixels of a plane.
    pub(crate) fn plane(&self) -> usize {
        self.side * self.side
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

/// Lays out the neighbourhoods of one image's pixels, `[taps, side * side]`, zero beyond its edge.
fn neighbourhoods(image: &[f32], sizes: &Sizes, columns: &mut Vec<f32>) {
    let (side, kernel) = (sizes.side, sizes.kernel);
    let reach = kernel / 2;
    columns.clear();
    columns.resize(sizes.taps() * sizes.plane(), 0.0);
    let mut rows = columns.chunks_exact_mut(sizes.plane());
    for plane in image.chunks_exact(sizes.plane()) {
        for dy in 0..kernel {
            for dx in 0..kernel {
                let Some(row) = rows.next() else { return };
                // Output column x takes input column x + dx - reach.
                let (to, from) = (reach.saturating_sub(dx), dx.saturating_sub(reach));
                let length = side - to.max(from);
                for y in reach.saturating_sub(dy)..(side + reach - dy).min(side) {
                    let source = (y + dy - reach) * side + from;
                    let target = y * side + to;
                    row[target..target + length].copy_from_slice(&plane[source..source + length]);
                }
            }
        }
    }
}

/// One image's outputs `[channels_out, side, side]`, from `[channels_in, side, side]`.
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
    neighbourhoods(image, sizes, scratch);
    multiply(
        out,
        Matrix::new(weights, sizes.channels_out, sizes.taps()),
        Matrix::new(scratch, sizes.taps(), sizes.plane()),
        into,
    );
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
    neighbourhoods(image, sizes, scratch);
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
