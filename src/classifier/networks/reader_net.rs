//! Our reader: in colour, with what is around the digit, and with two convolutions at each size.

use super::{
    Architecture, Colours, CropShape, HeadLayer, Input, Norm, Normalisation, Pool, Stage, Start,
};

const fn stage(channels: usize, pool: Pool) -> Stage {
    Stage { kernel: 3, channels, norm: Norm::BeforeRelu, pool }
}

pub(super) const NETWORK: Architecture = Architecture {
    name: "ReaderNet",
    input: Input {
        side: 32,
        colours: Colours::Rgb,
        crop: CropShape::Surrounded,
        normalisation: Normalisation::Centred,
    },
    start: Start::Uniform,
    stages: &[
        stage(24, Pool::None),
        stage(32, Pool::Max2),
        stage(64, Pool::None),
        stage(64, Pool::Max2),
        stage(96, Pool::None),
        stage(128, Pool::Max2),
        stage(128, Pool::Max2),
    ],
    head: &[HeadLayer::Dropout(0.5), HeadLayer::Linear(10)],
};
