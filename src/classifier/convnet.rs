//! The report's PyTorch networks: three stages of convolution, batch normalisation, ReLU and
//! 2 x 2 max pooling, then a linear layer.

use burn::{
    module::{Module, Param},
    nn::{
        BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor, activation::relu},
};

use super::DIGITS;

/// Side of the square grey input.
pub const INPUT_SIDE: usize = 40;

/// One stage: convolution ("same" padding), batch normalisation, ReLU, 2 x 2 max pooling.
#[derive(Module, Debug)]
struct Stage {
    conv: Conv2d,
    norm: BatchNorm,
    pool: MaxPool2d,
}

impl Stage {
    fn new(channels_in: usize, channels_out: usize, kernel: usize, device: &Device) -> Self {
        Stage {
            conv: Conv2dConfig::new([channels_in, channels_out], [kernel, kernel])
                .with_padding(PaddingConfig2d::Same)
                .init(device),
            norm: BatchNormConfig::new(channels_out).init(device),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.pool.forward(relu(self.norm.forward(self.conv.forward(input))))
    }
}

/// A network of the family.
#[derive(Module, Debug)]
pub struct ConvNet {
    stage1: Stage,
    stage2: Stage,
    stage3: Stage,
    dropout: Dropout,
    head: Linear,
}

impl ConvNet {
    /// A freshly initialised network with the given kernel sizes and channels by stage, and the
    /// chance with which each feature is dropped before the head while training.
    pub fn new(kernels: [usize; 3], channels: [usize; 3], dropout: f64, device: &Device) -> Self {
        let [c1, c2, c3] = channels;
        let [k1, k2, k3] = kernels;
        let pooled_side = INPUT_SIDE / 8;
        ConvNet {
            stage1: Stage::new(1, c1, k1, device),
            stage2: Stage::new(c1, c2, k2, device),
            stage3: Stage::new(c2, c3, k3, device),
            dropout: DropoutConfig::new(dropout).init(),
            head: LinearConfig::new(c3 * pooled_side * pooled_side, DIGITS).init(device),
        }
    }

    /// Logits `[n, 10]` of normalised grey crops `[n, 1, 40, 40]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let features = self.stage3.forward(self.stage2.forward(self.stage1.forward(input)));
        self.head.forward(self.dropout.forward(features.flatten(1, 3)))
    }

    /// The first convolution: weights `[maps, 1, kernel, kernel]` and biases `[maps]`.
    pub fn first_convolution(&self) -> (Tensor<4>, Option<Tensor<1>>) {
        let conv = &self.stage1.conv;
        (conv.weight.val(), conv.bias.as_ref().map(Param::val))
    }

    /// Weights, biases and batch-norm statistics, counted as the report counts them: PyTorch
    /// keeps one more number, the batches seen, with each of the three batch norms.
    pub fn reported_parameter_count(&self) -> usize {
        self.num_params() + 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_the_reports() {
        let device = Device::flex();
        let dropout3 = ConvNet::new([3, 3, 3], [48, 64, 32], 0.5, &device);
        assert_eq!(dropout3.reported_parameter_count(), 55_245);
        let wide = ConvNet::new([5, 5, 5], [48, 64, 32], 0.0, &device);
        assert_eq!(wide.reported_parameter_count(), 137_933);
        let input = Tensor::zeros([3, 1, INPUT_SIDE, INPUT_SIDE], &device);
        assert_eq!(dropout3.forward(input).dims(), [3, DIGITS]);
    }
}
