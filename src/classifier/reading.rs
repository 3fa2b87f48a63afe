//! A classifier's reading of one box.

use serde::{Deserialize, Serialize};

use crate::{numbers::joint_confidence, photo::BoxInPhoto};

/// The number of digits that a classifier distinguishes.
pub const DIGITS: usize = 10;

/// Below this confidence a reading is unsure: the box may hold another digit, or none. With the
/// first published ConvNet128, 88 % of boxes on walls without any number are below it, and 4 % of
/// digits in sharp photos that are read right. With 0.5 it was 72 % and 1 %.
pub const UNSURE_BELOW: f32 = 0.7;

/// Whether a digit of this confidence, 0 to 1, is not to be relied on.
pub fn is_unsure(confidence: f32) -> bool {
    confidence < UNSURE_BELOW
}

/// A digit read in one box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The softmax over digits 0 to 9; sums to one.
    pub confidences: [f32; DIGITS],
}

impl Reading {
    /// The `k` most likely digits with their confidences, best first.
    pub fn top(&self, k: usize) -> Vec<(u8, f32)> {
        let mut ranked: Vec<(u8, f32)> = (0u8..).zip(self.confidences).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked.truncate(k);
        ranked
    }

    /// The most likely digit and its confidence.
    pub fn best(&self) -> (u8, f32) {
        (0u8..)
            .zip(self.confidences)
            .fold((0, f32::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best })
    }

    /// How likely there is no digit at all, 0 to 1: what the shares of all ten have in common. A network
    /// that was trained with places without digits gives each digit the same share there; for others
    /// this is hardly more than 0.
    pub fn no_digit(&self) -> f32 {
        DIGITS as f32 * self.confidences.iter().copied().fold(f32::INFINITY, f32::min)
    }

    /// Whether there is rather no digit than any one.
    pub fn is_no_digit(&self) -> bool {
        self.no_digit() > self.best().1
    }

    /// The softmax of a network's ten outputs.
    #[cfg(feature = "engine")]
    pub(crate) fn from_logits(logits: &[f32; DIGITS]) -> Self {
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exps = logits.map(|logit| (logit - max).exp());
        let sum: f32 = exps.iter().sum();
        Reading { confidences: exps.map(|exp| exp / sum) }
    }
}

/// The reading of one box: a digit, or the digits of a number from left to right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoxReading {
    /// The box that was asked for.
    pub area: BoxInPhoto,
    /// The digits in it, each with a box of its own.
    pub digits: Vec<(BoxInPhoto, Reading)>,
}

impl BoxReading {
    /// Each digit as it is most likely, with its confidence.
    pub fn best(&self) -> impl Iterator<Item = (u8, f32)> {
        self.digits.iter().map(|(_, reading)| reading.best())
    }

    /// The digits as a text, and how likely all of them are right, 0 to 1.
    pub fn whole(&self) -> (String, f32) {
        let text = self.best().map(|(digit, _)| digit.to_string()).collect();
        (text, joint_confidence(self.best().map(|(_, confidence)| confidence)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sure of a digit by so much, and of no other one.
    fn reading(digit: usize, confidence: f32) -> Reading {
        let mut confidences = [0.0; DIGITS];
        confidences[digit] = confidence;
        Reading { confidences }
    }

    #[test]
    fn a_number_is_as_sure_as_all_its_digits() {
        let area = BoxInPhoto { left: 2, top: 3, width: 40, height: 20 };
        let digit = |left, digit, confidence| {
            (BoxInPhoto { left, width: 12, ..area }, reading(digit, confidence))
        };
        let read = BoxReading { area, digits: vec![digit(3, 0, 0.5), digit(20, 7, 0.8)] };
        let (text, confidence) = read.whole();
        assert_eq!(text, "07");
        assert!((confidence - 0.4).abs() < 1e-6);
    }

    #[test]
    fn where_all_digits_are_as_likely_there_is_none() {
        assert!((Reading { confidences: [0.1; DIGITS] }).is_no_digit());
        assert_eq!(reading(3, 0.4).no_digit(), 0.0);
        let mut perhaps = [0.03; DIGITS];
        perhaps[8] = 0.73;
        let perhaps = Reading { confidences: perhaps };
        assert!((perhaps.no_digit() - 0.3).abs() < 1e-6 && !perhaps.is_no_digit());
    }

    #[test]
    fn top_ranks_by_confidence() {
        let mut confidences = [0.0; DIGITS];
        confidences[3] = 0.7;
        confidences[8] = 0.3;
        let reading = Reading { confidences };
        assert_eq!(reading.best(), (3, 0.7));
        assert_eq!(reading.top(2), [(3, 0.7), (8, 0.3)]);
    }
}
