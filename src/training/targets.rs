//! The targets of training: for each input shares of the ten digits, `[n, 10]`, which add up to
//! one.

use crate::classifier::DIGITS;

/// The targets of these digits; the share `smoothing` of each is spread over all ten.
pub(super) fn of_digits(digits: &[u8], smoothing: f32) -> Vec<f32> {
    let spread = smoothing / DIGITS as f32;
    let mut targets = vec![spread; digits.len() * DIGITS];
    for (target, &digit) in targets.chunks_exact_mut(DIGITS).zip(digits) {
        if let Some(share) = target.get_mut(usize::from(digit)) {
            *share += 1.0 - smoothing;
        }
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_shares() {
        let targets = of_digits(&[3, 0], 0.1);
        assert!((targets[3] - 0.91).abs() < 1e-6 && (targets[4] - 0.01).abs() < 1e-6);
        assert!((targets[10] - 0.91).abs() < 1e-6);
        for target in targets.chunks_exact(DIGITS) {
            assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{target:?}");
        }
    }
}
