//! PyTorch network of the report with shrinking kernels: 7 5 3.

use super::{Architecture, HeadLayer, PYTORCH_INPUT, Start, pytorch_stage};

pub(super) const NETWORK: Architecture = Architecture {
    name: "ConvNet32_753",
    input: PYTORCH_INPUT,
    start: Start::Uniform,
    stages: &[pytorch_stage(7, 32), pytorch_stage(5, 64), pytorch_stage(3, 32)],
    head: &[HeadLayer::Linear(10)],
};
