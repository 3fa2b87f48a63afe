//! The networks that read a digit: their input, their readings, their feature maps.
//!
//! Each network is declared in a short file of `networks/`; [`Network`] makes a Burn module of
//! any [`Architecture`], and [`Classifier`] reads digits with its trained weights.

mod reading;

pub use reading::{BoxReading, DIGITS, Reading, UNSURE_BELOW, is_unsure};

/// The largest file of a network's weights that is read.
#[cfg(feature = "native")]
pub const MAX_WEIGHTS_BYTES: u64 = 1 << 30;

cfg_if::cfg_if! {
    if #[cfg(feature = "engine")] {
        mod architecture;
        mod feature_maps;
        mod gradients;
        pub(crate) mod host;
        mod model;
        mod network;
        mod networks;

        pub use architecture::{
            Architecture, HeadLayer, Input, Norm, Normalisation, Pool, Stage, Start, UnknownNetwork,
        };
        pub use feature_maps::FeatureMaps;
        pub use gradients::BoxGradients;
        #[cfg(feature = "native")]
        pub use model::{native::network_named_in, pytorch::TensorNames, seeded::seeded};
        pub use model::{Classifier, EngineError, Standardisation, WeightsError};
        pub(crate) use model::{Precision, fill, host_values, read_back, safetensors_of};
        pub use network::{Network, StageLayers};
    }
}
