//! Our own network: deeper and wider than the report's, to read better and to teach the small ones.
//! It has the same input as the PyTorch networks, so it can read exactly the input of its pupil.

use super::{Architecture, HeadLayer, PYTORCH_INPUT, Start, pytorch_stage};

pub(super) const NETWORK: Architecture = Architecture {
    name: "ConvNet128",
    input: PYTORCH_INPUT,
    start: Start::Uniform,
    stages: &[
        pytorch_stage(3, 32),
        pytorch_stage(3, 64),
        pytorch_stage(3, 128),
        pytorch_stage(3, 128),
    ],
    head: &[HeadLayer::Dropout(0.5), HeadLayer::Linear(10)],
};
