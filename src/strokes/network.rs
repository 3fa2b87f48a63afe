//! The stroke network: a small U-Net on half resolution.

use burn::{
    module::Module,
    nn::{
        Initializer, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
        pool::MaxPool2dConfig,
    },
    tensor::{
        Device, Tensor,
        activation::relu,
        module::interpolate,
        ops::{InterpolateMode, InterpolateOptions},
    },
};

/// One position of the network's input and output holds a square of this many pixels on each side,
/// in its channels.
pub const CELL: usize = 2;

/// Channels of a pixel: red, green, blue, whether it lies in a box, and the network's result at
/// half this resolution: twice the stroke probability minus 1, or 0 if there is none yet.
pub const CHANNELS: usize = 5;

/// Outputs for each pixel: the log-odds of a stroke, and of a key pixel.
pub const OUTPUTS: usize = 2;

/// The input's rows and columns are multiples of this many pixels: two poolings of a cell.
pub const MULTIPLE: usize = 4 * CELL;

/// Channels in and out of the 3 x 3 convolutions, first to last.
pub(crate) const CONVOLUTIONS: [[usize; 2]; 10] = [
    // Half resolution, quarter, eighth.
    [CHANNELS * CELL * CELL, 24],
    [24, 24],
    [24, 40],
    [40, 40],
    [40, 72],
    [72, 72],
    [72, 40],
    // Up again, each time with the result from the way down added.
    [40, 24],
    [24, 24],
    [24, OUTPUTS * CELL * CELL],
];

/// The network; all of its convolutions are 3 x 3, and all but the last end in a ReLU.
#[derive(Module, Debug)]
pub struct StrokeNet {
    /// [`CONVOLUTIONS`].
    pub(crate) convolutions: Vec<Conv2d>,
}

impl StrokeNet {
    /// Its name on the command line.
    pub const NAME: &str = "StrokeNet";

    /// A freshly initialised network (He et al., 2015).
    pub fn new(device: &Device) -> Self {
        let gain = 2f64.sqrt();
        let convolutions = CONVOLUTIONS
            .iter()
            .map(|&channels| {
                Conv2dConfig::new(channels, [3, 3])
                    .with_padding(PaddingConfig2d::Same)
                    .with_initializer(Initializer::KaimingUniform { gain, fan_out_only: false })
                    .init(device)
            })
            .collect();
        StrokeNet { convolutions }
    }

    /// Log-odds of strokes and of key pixels, `[n, 8, rows, columns]`, for inputs `[n, 20, rows,
    /// columns]`, where rows and columns are multiples of 4 and each position is a cell of 2 x 2
    /// pixels.
    pub fn forward(&self, cells: Tensor<4>) -> Tensor<4> {
        let conv = |i: usize, x: Tensor<4>| self.convolutions[i].forward(x);
        let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
        let half = relu(conv(1, relu(conv(0, cells))));
        let quarter = relu(conv(3, relu(conv(2, pool.forward(half.clone())))));
        let eighth = relu(conv(5, relu(conv(4, pool.forward(quarter.clone())))));
        let eighth = relu(conv(6, eighth));
        let quarter = relu(conv(7, doubled(eighth) + quarter));
        conv(9, relu(conv(8, doubled(quarter) + half)))
    }
}

/// Each value as a square of four.
fn doubled(x: Tensor<4>) -> Tensor<4> {
    let nearest = InterpolateOptions::new(InterpolateMode::Nearest);
    interpolate(x, nearest.with_scale_factor([2.0, 2.0]))
}
