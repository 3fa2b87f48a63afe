//! The networks, one file for each. A new one needs a new file, and a line in each list here.

mod caffe;
mod convnet128;
mod convnet32;
mod convnet32_753;
mod convnet48;
mod convnet48_333;
mod convnet48_dropout;
mod convnet48_dropout2;
mod convnet48_dropout3;
mod reader_net;
mod tensorflow;

use super::architecture::{
    Architecture, HeadLayer, Input, Norm, Normalisation, Pool, Stage, Start,
};
use crate::photo::{Colours, CropShape};

pub(super) const ALL: &[&Architecture] = &[
    &tensorflow::NETWORK,
    &caffe::NETWORK,
    &convnet32::NETWORK,
    &convnet48::NETWORK,
    &convnet32_753::NETWORK,
    &convnet48_333::NETWORK,
    &convnet48_dropout::NETWORK,
    &convnet48_dropout2::NETWORK,
    &convnet48_dropout3::NETWORK,
    &convnet128::NETWORK,
    &reader_net::NETWORK,
];

/// The input of the report's PyTorch networks.
const PYTORCH_INPUT: Input = Input {
    side: 40,
    colours: Colours::Grey,
    crop: CropShape::Stretched,
    normalisation: Normalisation::Centred,
};

/// A stage of the report's PyTorch networks.
const fn pytorch_stage(kernel: usize, channels: usize) -> Stage {
    Stage { kernel, channels, norm: Norm::BeforeRelu, pool: Pool::Max2 }
}
