//! The temperature that makes a classifier's confidences right as often as they say (Guo et al., 2017,
//! "On calibration of modern neural networks").

use burn::tensor::Device;

use super::{RunConfig, TrainingError, material::Material};
use crate::classifier::{Architecture, Classifier, Network, Reading};

/// Temperatures are searched for from the inverse of this up to this.
const HIGHEST_TEMPERATURE: f64 = 5.0;

/// Steps of the search; each leaves .62 of the range.
const STEPS: usize = 40;

/// The temperature at which the digits that validated a run are the most likely; `None` if there were
/// none. `net` are the run's weights.
///
/// # Errors
/// [`TrainingError`] when the run's data can no longer be used.
pub fn temperature_of(config: &RunConfig, net: &Network) -> Result<Option<f64>, TrainingError> {
    let architecture = Architecture::named(&config.net)?;
    let first = config.data.get(..1).unwrap_or_default();
    let RunConfig { validation, validate_on, seed, .. } = config;
    let validate_on = validate_on.as_deref();
    let material = Material::load(first, architecture, *validation, validate_on, *seed, |_| ())?;
    let classifier = Classifier::new(net.clone(), Device::flex())?;
    let mut read = Vec::new();
    for (inputs, digits) in material.validation(classifier.standardisation()) {
        let readings = pollster::block_on(classifier.read_inputs(&inputs))?;
        read.extend(readings.into_iter().zip(digits));
    }
    Ok((!read.is_empty()).then(|| temperature_for(&read)))
}

/// The temperature at which these digits are the most likely, by golden-section search: their
/// likelihood has one maximum.
fn temperature_for(read: &[(Reading, u8)]) -> f64 {
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let loss = |logarithm: f64| loss(read, logarithm.exp());
    let (mut low, mut high) = (-HIGHEST_TEMPERATURE.ln(), HIGHEST_TEMPERATURE.ln());
    for _ in 0..STEPS {
        let (first, second) = (high - golden * (high - low), low + golden * (high - low));
        if loss(first) < loss(second) {
            high = second;
        } else {
            low = first;
        }
    }
    f64::midpoint(low, high).exp()
}

/// The sum of the digits' negative log-likelihoods at a temperature.
fn loss(read: &[(Reading, u8)], temperature: f64) -> f64 {
    let of_one = |(reading, digit): &(Reading, u8)| {
        let powers = reading.confidences.map(|share| f64::from(share).powf(1.0 / temperature));
        let of_digit = powers.get(usize::from(*digit)).copied().unwrap_or(0.0);
        -(of_digit / powers.iter().sum::<f64>()).max(f64::MIN_POSITIVE).ln()
    };
    read.iter().map(of_one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_too_modest_gets_a_low_temperature_and_who_boasts_a_high_one() {
        // Right in nine of ten.
        let read = |confidence: f32| -> Vec<(Reading, u8)> {
            let mut confidences = [(1.0 - confidence) / 9.0; 10];
            confidences[3] = confidence;
            (0..100).map(|i| (Reading { confidences }, if i % 10 == 0 { 4 } else { 3 })).collect()
        };
        assert!(temperature_for(&read(0.7)) < 0.9);
        assert!(temperature_for(&read(0.99)) > 1.1);
        assert!((temperature_for(&read(0.9)) - 1.0).abs() < 0.1);
    }
}
