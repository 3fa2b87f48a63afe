//! PyTorch network of the report with small kernels: 3 3 3.

use super::{Architecture, HeadLayer, PYTORCH_INPUT, Start, pytorch_stage};

pub(super) const NETWORK: Architecture = Architecture {
    name: "ConvNet48_333",
    input: PYTORCH_INPUT,
    start: Start::Uniform,
    stages: &[pytorch_stage(3, 48), pytorch_stage(3, 64), pytorch_stage(3, 32)],
    head: &[HeadLayer::Linear(10)],
};
