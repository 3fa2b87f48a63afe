//! What only the native program asks of a network with weights: which one a file holds, and its
//! parts, to train it further and to write it as ONNX.

use safetensors::SafeTensors;

use super::{ARCHITECTURE, Architecture, Classifier, Network, Standardisation, WeightsError};

/// The name of the network, of whatever kind, that is named in a file of weights.
///
/// # Errors
/// [`WeightsError::Foreign`] when the bytes are no safetensors file or don't say so.
pub fn network_named_in(weights: &[u8]) -> Result<String, WeightsError> {
    let foreign = |reason: String| WeightsError::Foreign { reason };
    let (_, header) =
        SafeTensors::read_metadata(weights).map_err(|error| foreign(error.to_string()))?;
    let name = header.metadata().as_ref().and_then(|entries| entries.get(ARCHITECTURE));
    name.cloned().ok_or_else(|| foreign("it does not name its network".to_owned()))
}

impl Architecture {
    /// The network that is named in a file of weights.
    ///
    /// # Errors
    /// [`WeightsError::Foreign`] when the bytes are no safetensors file or don't say so.
    pub fn of_weights(bytes: &[u8]) -> Result<&'static Self, WeightsError> {
        Architecture::named(&network_named_in(bytes)?)
            .map_err(|error| WeightsError::Foreign { reason: error.to_string() })
    }
}

impl Standardisation {
    /// What is subtracted from each sample.
    pub(crate) fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// By what the rest is multiplied.
    pub(crate) fn scale(&self) -> &[f32] {
        &self.scale
    }
}

impl Classifier {
    /// The network with its weights.
    pub(crate) fn network(&self) -> &Network {
        &self.net
    }

    /// The same, without the rest.
    pub(crate) fn into_network(self) -> Network {
        self.net
    }

    /// What its inputs' samples go through.
    pub(crate) fn standardisation(&self) -> &Standardisation {
        &self.standardisation
    }
}
