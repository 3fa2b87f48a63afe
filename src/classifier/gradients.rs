//! How a network's outputs depend on the samples of its input.

use super::{Classifier, DIGITS, EngineError, Reading};
use crate::photo::{BoxInPhoto, Photo};

/// The gradients of all digits by the pixels of one box.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxGradients {
    /// The digit that is read in the box.
    pub read: u8,
    /// Rows and columns of a gradient.
    pub side: usize,
    /// For each digit `side * side` values, row after row.
    pub of_digits: Vec<Vec<f32>>,
}

impl Classifier {
    /// The gradients of all digits' logits by the pixels of one box of a photo, stretched to the
    /// network's square even if the network itself sees other crops, so that they fit the box. If a
    /// network sees colours, a pixel's gradient is the sum over its channels: the effect of making
    /// it brighter.
    ///
    /// # Errors
    /// [`EngineError`] when the gradients are not finite.
    pub fn gradients_on_box(
        &self,
        photo: &Photo,
        area: BoxInPhoto,
    ) -> Result<BoxGradients, EngineError> {
        let input = self.stretched_input_of(photo, area);
        let logits = self.host.logits(&input);
        let logits = logits.first_chunk::<DIGITS>();
        let logits =
            logits.ok_or_else(|| EngineError::Numbers("the network gave no logits".to_owned()))?;
        let (read, _) = Reading::from_logits(logits).best();
        let side = self.architecture().input.side;
        let digits: Vec<usize> = (0..DIGITS).collect();
        let of_digits = self
            .gradients(&input, &digits)?
            .chunks_exact(input.len())
            .map(|planes| {
                let mut gradient = vec![0.0; side * side];
                for plane in planes.chunks_exact(side * side) {
                    gradient.iter_mut().zip(plane).for_each(|(sum, value)| *sum += value);
                }
                gradient
            })
            .collect();
        Ok(BoxGradients { read, side, of_digits })
    }

    /// The gradient of a digit's logit by each sample of one standardised input: plane after plane,
    /// row after row, as the input. If a value is positive, a brighter sample raises the network's
    /// logit for `digit`.
    ///
    /// It is the logit's, not the softmax's: where a network is sure, the softmax hardly moves
    /// whatever is done to the input.
    ///
    /// # Errors
    /// [`EngineError`] when the input has another number of samples, there is no such digit, or
    /// the gradient is not finite.
    pub fn input_gradient(&self, input: &[f32], digit: u8) -> Result<Vec<f32>, EngineError> {
        self.gradients(input, &[usize::from(digit)])
    }

    /// The gradients of some digits' logits by the samples of one input, one after the other. They
    /// are computed on the host, whatever the device.
    fn gradients(&self, input: &[f32], digits: &[usize]) -> Result<Vec<f32>, EngineError> {
        let values = self.host.input_gradients(input, digits)?;
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(EngineError::Numbers(format!("the gradient holds {value}")));
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        module::Module as _,
        tensor::{Device, Tensor, TensorData},
    };

    use super::*;
    use crate::classifier::{Architecture, Network, Norm, host_values, seeded};

    /// An untrained classifier, and an input that is alike in every run.
    fn classifier(name: &str) -> (Classifier, Vec<f32>) {
        let device = Device::flex();
        let architecture = Architecture::named(name).expect("a network");
        let net = seeded(Network::new(architecture, &device), 5);
        let input = (0..architecture.input.len() as u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0)
            .collect();
        (Classifier::new(net, device).expect("the CPU reads its own weights"), input)
    }

    fn logit(classifier: &Classifier, input: &[f32], digit: u8) -> f64 {
        let shape = classifier.architecture().input;
        let shape = [1, shape.channels(), shape.side, shape.side];
        let data = TensorData::new(input.to_vec(), shape);
        let logits = classifier.net.valid().forward(Tensor::from_data(data, &Device::flex()));
        f64::from(host_values(logits).expect("the CPU computes")[usize::from(digit)])
    }

    #[test]
    fn it_is_what_central_differences_give() {
        // Grey with batch norm, grey without, colour with mean pooling.
        for (name, digit) in [("ConvNet48_Dropout3", 3), ("TensorFlow", 0), ("Caffe", 9)] {
            let (classifier, input) = classifier(name);
            let gradient = classifier.input_gradient(&input, digit).expect("the CPU computes");
            assert_eq!(gradient.len(), input.len());
            let largest = gradient.iter().fold(0.0f32, |a, b| a.max(b.abs()));
            let step = 1e-2;
            let mut errors: Vec<f64> = (0..input.len())
                .step_by(input.len() / 60)
                .map(|i| {
                    let moved = |by: f32| {
                        let mut input = input.clone();
                        input[i] += by;
                        logit(&classifier, &input, digit)
                    };
                    let difference = (moved(step) - moved(-step)) / f64::from(2.0 * step);
                    (difference - f64::from(gradient[i])).abs() / f64::from(largest)
                })
                .collect();
            errors.sort_by(f64::total_cmp);
            // Most are exact; a step over a ReLU's or a maximum's corner moves a few. How many depends
            // on the weights, which other tests' draws from the device's generator change; a wrong
            // gradient misses by about 1.
            let (median, last) = (errors[errors.len() / 2], errors[errors.len() - 1]);
            assert!(median < 0.05 && last < 0.5, "{name}: {median:.4}, {last:.4}");
        }
    }

    #[test]
    fn gradients_on_a_box_are_those_of_its_input_digit_by_digit() {
        let size = crate::photo::PhotoSize { width: 30, height: 50 };
        let samples = (0..30 * 50 * 3u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
        let photo = Photo::from_rgb8(size, samples.collect()).expect("a photo");
        let area = BoxInPhoto { left: 4, top: 6, width: 20, height: 33 };
        for name in ["ConvNet48_Dropout3", "Caffe"] {
            let (classifier, _) = classifier(name);
            let found = classifier.gradients_on_box(&photo, area).expect("the CPU computes");
            let input = classifier.stretched_input_of(&photo, area);
            let pixels = found.side * found.side;
            let logits = (0..10).map(|digit| logit(&classifier, &input, digit));
            let highest = logits.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
            assert_eq!(highest.map(|(digit, _)| digit), Some(usize::from(found.read)), "{name}");
            assert_eq!(found.of_digits.len(), 10);
            for (digit, gradient) in (0u8..).zip(&found.of_digits) {
                assert_eq!(gradient.len(), pixels);
                let alone = classifier.input_gradient(&input, digit).expect("the CPU computes");
                let largest = alone.iter().fold(0.0f32, |a, b| a.max(b.abs()));
                for (i, value) in gradient.iter().enumerate() {
                    let sum: f32 = alone.iter().skip(i).step_by(pixels).sum();
                    assert!((value - sum).abs() < 1e-4 * largest, "{name}, {digit} at {i}");
                }
            }
        }
    }

    #[test]
    fn it_neither_drops_features_nor_moves_statistics() {
        let (classifier, input) = classifier("ConvNet48_Dropout3");
        assert!(classifier.architecture().stages.iter().any(|stage| stage.norm != Norm::None));
        let before = classifier.to_safetensors().expect("weights");
        let first = classifier.input_gradient(&input, 7).expect("the CPU computes");
        assert_eq!(first, classifier.input_gradient(&input, 7).expect("the CPU computes"));
        assert!(classifier.to_safetensors().expect("weights") == before);
    }

    #[test]
    fn other_inputs_and_digits_are_refused() {
        let (classifier, input) = classifier("ConvNet32");
        let short = classifier.input_gradient(&input[1..], 7).expect_err("too short");
        assert!(short.to_string().contains("1599 samples"), "{short}");
        assert!(classifier.input_gradient(&input, 10).is_err());
    }
}
