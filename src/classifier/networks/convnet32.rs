//! The report's smaller PyTorch network: kernels 5 5 5.

use super::{Architecture, HeadLayer, PYTORCH_INPUT, Start, pytorch_stage};

pub(super) const NETWORK: Architecture = Architecture {
    name: "ConvNet32",
    input: PYTORCH_INPUT,
    start: Start::Uniform,
    stages: &[pytorch_stage(5, 32), pytorch_stage(5, 64), pytorch_stage(5, 32)],
    head: &[HeadLayer::Linear(10)],
};
