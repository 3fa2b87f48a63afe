//! ConvNet48_333 with a second linear layer of the same width and dropout between the two.

use super::{Architecture, HeadLayer, PYTORCH_INPUT, Start, pytorch_stage};

pub(super) const NETWORK: Architecture = Architecture {
    name: "ConvNet48_Dropout2",
    input: PYTORCH_INPUT,
    start: Start::Uniform,
    stages: &[pytorch_stage(3, 48), pytorch_stage(3, 64), pytorch_stage(3, 32)],
    head: &[HeadLayer::Linear(800), HeadLayer::Dropout(0.5), HeadLayer::Linear(10)],
};
