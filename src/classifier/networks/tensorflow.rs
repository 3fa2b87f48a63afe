//! The report's TensorFlow network, on Format 2's grey crops.

use super::{
    Architecture, Colours, CropShape, HeadLayer, Input, Norm, Normalisation, Pool, Stage, Start,
};

pub(super) const NETWORK: Architecture = Architecture {
    name: "TensorFlow",
    input: Input {
        side: 32,
        colours: Colours::Grey,
        crop: CropShape::Widened,
        normalisation: Normalisation::MeanAndDeviation,
    },
    start: Start::Xavier,
    stages: &[
        Stage { kernel: 5, channels: 32, norm: Norm::None, pool: Pool::Max2 },
        Stage { kernel: 5, channels: 64, norm: Norm::None, pool: Pool::Max2 },
    ],
    head: &[
        HeadLayer::Dropout(0.5),
        HeadLayer::Linear(256),
        HeadLayer::Relu,
        HeadLayer::Linear(10),
    ],
};
