//! The networks that read a digit: their input, their readings, their feature maps.
//!
//! Each network is declared in a short file of `networks/`; [`Network`] makes a Burn module of
//! any [`Architecture`], and [`Classifier`] reads digits with its trained weights.

#[cfg(feature = "engine")]
mod architecture;
#[cfg(feature = "engine")]
mod feature_maps;
#[cfg(feature = "engine")]
mod gradients;
#[cfg(feature = "engine")]
pub(crate) mod host;
#[cfg(feature = "engine")]
mod model;
#[cfg(feature = "engine")]
mod network;
#[cfg(feature = "engine")]
mod networks;
mod reading;

#[cfg(feature = "engine")]
pub use architecture::{
    Architecture, HeadLayer, Input, Norm, Normalisation, Pool, Stage, Start, UnknownNetwork,
};
#[cfg(feature = "engine")]
pub use feature_maps::FeatureMaps;
#[cfg(feature = "engine")]
pub use gradients::BoxGradients;
#[cfg(feature = "engine")]
pub use model::{Classifier, EngineError, Standardisation, WeightsError};
#[cfg(feature = "engine")]
pub(crate) use model::{Precision, fill, host_values, read_back, safetensors_of};
#[cfg(feature = "engine")]
pub use network::{Network, StageLayers};
pub use reading::{BoxReading, DIGITS, Reading, UNSURE_BELOW, is_unsure};
