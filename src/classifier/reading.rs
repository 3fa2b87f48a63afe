//! What a classifier says of one box.

use serde::{Deserialize, Serialize};

/// Digits a classifier tells apart.
pub const DIGITS: usize = 10;

/// Below this confidence a reading is unsure: the box may well hold another digit, or none. Of boxes on
/// walls without any number 88 % stay below it by the first published ConvNet128, of digits in sharp
/// photos that are read right 4 %; at 0.5 these were 72 and 1 %.
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

    /// The softmax of a network's ten outputs.
    #[cfg(feature = "engine")]
    pub(crate) fn from_logits(logits: &[f32; DIGITS]) -> Self {
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exps = logits.map(|logit| (logit - max).exp());
        let sum: f32 = exps.iter().sum();
        Reading { confidences: exps.map(|exp| exp / sum) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
