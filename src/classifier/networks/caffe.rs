//! The report's Caffe network, on Format 2's colour crops.

use super::{
    Architecture, Colours, CropShape, HeadLayer, Input, Norm, Normalisation, Pool, Stage, Start,
};

pub(super) const NETWORK: Architecture = Architecture {
    name: "Caffe",
    input: Input {
        side: 32,
        colours: Colours::Rgb,
        crop: CropShape::Widened,
        normalisation: Normalisation::Mean,
    },
    start: Start::Xavier,
    stages: &[
        Stage { kernel: 5, channels: 32, norm: Norm::AfterPool, pool: Pool::Max3 },
        Stage { kernel: 5, channels: 32, norm: Norm::AfterPool, pool: Pool::Mean3 },
        Stage { kernel: 5, channels: 64, norm: Norm::None, pool: Pool::Mean3 },
    ],
    head: &[HeadLayer::Dropout(0.5), HeadLayer::Linear(10)],
};
