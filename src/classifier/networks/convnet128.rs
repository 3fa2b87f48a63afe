//! Our own: deeper and wider than the report's, to read better and to teach the small ones. It
//! sees what the PyTorch networks see, so it can judge the very input that its pupil is given.

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
