//! The networks that read a digit: their input, their readings, their feature maps.
//!
//! One file a network family; [`Architecture`] names each network as files and people do.

#[cfg(feature = "engine")]
mod convnet;
#[cfg(feature = "engine")]
mod feature_maps;
#[cfg(feature = "engine")]
mod model;
mod reading;

#[cfg(feature = "engine")]
pub use convnet::ConvNet;
#[cfg(feature = "engine")]
pub use feature_maps::FeatureMaps;
#[cfg(feature = "engine")]
pub(crate) use model::read_back;
#[cfg(feature = "engine")]
pub use model::{Architecture, Classifier, EngineError, WeightsError};
pub use reading::{DIGITS, Reading};
