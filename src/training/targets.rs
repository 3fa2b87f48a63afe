//! The targets of training: for each input shares of the ten digits, `[n, 10]`, which add up to
//! one.

use crate::classifier::DIGITS;

/// What is trained on where there is no digit.
pub(super) const NO_DIGIT: u8 = DIGITS as u8;

/// The targets of these digits; the share `smoothing` of each is spread over all ten. [`NO_DIGIT`] is
/// spread wholly: where there is no digit, each is as likely as the other.
pub(super) fn of_digits(digits: &[u8], smoothing: f32) -> Vec<f32> {
    let mut targets = Vec::with_capacity(digits.len() * DIGITS);
    for &digit in digits {
        let spread = if digit == NO_DIGIT { 1.0 } else { smoothing };
        let of_one = |i| spread / DIGITS as f32 + if i == digit { 1.0 - spread } else { 0.0 };
        targets.extend((0..NO_DIGIT).map(of_one));
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_shares() {
        let targets = of_digits(&[3, 0, NO_DIGIT], 0.1);
        assert!((targets[3] - 0.91).abs() < 1e-6 && (targets[4] - 0.01).abs() < 1e-6);
        assert!((targets[10] - 0.91).abs() < 1e-6);
        assert!(targets[20..].iter().all(|share| (share - 0.1).abs() < 1e-6));
        for target in targets.chunks_exact(DIGITS) {
            assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{target:?}");
        }
    }
}
