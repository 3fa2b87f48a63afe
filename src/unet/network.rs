//! The network's layers, as Burn's module.

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

use crate::classifier::fill;

/// The input's rows and columns are multiples of this: it is pooled twice.
pub const MULTIPLE: usize = 4;

/// Convolutions of a network.
pub(crate) const CONVOLUTIONS: usize = 10;

/// By how many halvings each convolution's sides are smaller than the input's.
pub(crate) const HALVINGS: [usize; CONVOLUTIONS] = [0, 0, 1, 1, 2, 2, 2, 1, 0, 0];

/// A kind of network: its name and its channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name on the command line.
    pub name: &'static str,
    /// Of the input.
    pub inputs: usize,
    /// Within the network, at full, half and quarter resolution of the input.
    pub widths: [usize; 3],
    /// Of the output.
    pub outputs: usize,
}

impl Shape {
    /// Channels in and out of the convolutions, first to last.
    fn convolutions(&self) -> [[usize; 2]; CONVOLUTIONS] {
        let [full, half, quarter] = self.widths;
        [
            [self.inputs, full],
            [full, full],
            [full, half],
            [half, half],
            [half, quarter],
            [quarter, quarter],
            [quarter, half],
            // Up again, each time with the result from the way down added.
            [half, full],
            [full, full],
            [full, self.outputs],
        ]
    }
}

/// A small U-Net (Ronneberger et al., 2015) on three resolutions. All of its convolutions are 3 x 3,
/// and all but the last end in a ReLU.
#[derive(Module, Debug)]
pub struct UNet {
    /// Of [`Shape::convolutions`].
    pub(crate) convolutions: Vec<Conv2d>,
}

impl UNet {
    /// A freshly initialised network (He et al., 2015).
    pub fn new(shape: &Shape, device: &Device) -> Self {
        let gain = 2f64.sqrt();
        let convolutions = shape
            .convolutions()
            .iter()
            .map(|&channels| {
                Conv2dConfig::new(channels, [3, 3])
                    .with_padding(PaddingConfig2d::Same)
                    .with_initializer(Initializer::KaimingUniform { gain, fan_out_only: false })
                    .init(device)
            })
            .collect();
        UNet { convolutions }
    }

    /// A network with the weights of a safetensors file.
    ///
    /// # Errors
    /// What is wrong with the bytes: they are damaged, or a tensor is missing, unknown, or of
    /// another shape.
    pub fn from_safetensors(
        shape: &Shape,
        bytes: Vec<u8>,
        device: &Device,
    ) -> Result<Self, String> {
        let mut net = UNet::new(shape, device);
        fill(&mut net, bytes)?;
        Ok(net)
    }

    /// Its outputs `[n, outputs, rows, columns]` for inputs `[n, inputs, rows, columns]`, where rows
    /// and columns are multiples of [`MULTIPLE`].
    pub fn forward(&self, inputs: Tensor<4>) -> Tensor<4> {
        let conv = |i: usize, x: Tensor<4>| self.convolutions[i].forward(x);
        let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
        let full = relu(conv(1, relu(conv(0, inputs))));
        let half = relu(conv(3, relu(conv(2, pool.forward(full.clone())))));
        let quarter = relu(conv(5, relu(conv(4, pool.forward(half.clone())))));
        let quarter = relu(conv(6, quarter));
        let half = relu(conv(7, doubled(quarter) + half));
        conv(9, relu(conv(8, doubled(half) + full)))
    }
}

/// Each value as a square of four.
fn doubled(x: Tensor<4>) -> Tensor<4> {
    let nearest = InterpolateOptions::new(InterpolateMode::Nearest);
    interpolate(x, nearest.with_scale_factor([2.0, 2.0]))
}
