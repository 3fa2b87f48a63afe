//! Splits data in two sides. A photo is never on both sides, because digits of one photo are
//! visible in each other's crops. If photos are not known, an equal share of each digit is taken.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Two sides of a split; indices of digits, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Digits to train on.
    pub train: Vec<usize>,
    /// Digits to validate on.
    pub validation: Vec<usize>,
}

/// How many of `count` are `fraction` (0 to 1) of them.
fn share(count: usize, fraction: f64) -> usize {
    // The fraction is clamped, so the product lies in 0..=count.
    (count as f64 * fraction.clamp(0.0, 1.0)).round() as usize
}

/// Draws `fraction` (0 to 1) of the photos for validation; `photo_of` has the photo of each
/// digit. The same seed draws the same photos on any machine.
pub fn split_by_photo(photo_of: &[u32], fraction: f64, seed: u64) -> Split {
    let mut photos = photo_of.to_vec();
    photos.sort_unstable();
    photos.dedup();
    photos.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    photos.truncate(share(photos.len(), fraction));
    photos.sort_unstable();
    let (validation, train) =
        (0..photo_of.len()).partition(|&i| photos.binary_search(&photo_of[i]).is_ok());
    Split { train, validation }
}

/// Draws `fraction` (0 to 1) of each digit's examples for validation, as the report does with
/// Format 2. The same seed draws the same ones on any machine.
pub fn split_by_digit(digits: &[u8], fraction: f64, seed: u64) -> Split {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut held_back = vec![false; digits.len()];
    for digit in 0..=9 {
        let mut of_digit: Vec<usize> = (0..digits.len()).filter(|&i| digits[i] == digit).collect();
        of_digit.shuffle(&mut rng);
        for &i in &of_digit[..share(of_digit.len(), fraction)] {
            held_back[i] = true;
        }
    }
    let (validation, train) = (0..digits.len()).partition(|&i| held_back[i]);
    Split { train, validation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_photo_is_on_one_side() {
        // Photos of one to three digits.
        let photo_of: Vec<u32> = (0..101).flat_map(|n| vec![n; 1 + n as usize % 3]).collect();
        let split = split_by_photo(&photo_of, 0.1, 7);
        let mut photos: Vec<u32> = split.validation.iter().map(|&i| photo_of[i]).collect();
        photos.dedup();
        assert_eq!(photos.len(), 10);
        assert!(split.train.iter().all(|&i| !photos.contains(&photo_of[i])));
        assert_eq!(split.train.len() + split.validation.len(), photo_of.len());
        assert_eq!(split, split_by_photo(&photo_of, 0.1, 7));
        assert_ne!(split, split_by_photo(&photo_of, 0.1, 8));
    }

    #[test]
    fn every_digit_gives_its_share() {
        let digits: Vec<u8> = (0..300).map(|i| if i < 100 { 1 } else { 7 }).collect();
        let split = split_by_digit(&digits, 0.13, 7);
        let held_back = |digit| split.validation.iter().filter(|&&i| digits[i] == digit).count();
        assert_eq!([held_back(1), held_back(7)], [13, 26]);
        assert_eq!(split.train.len(), 261);
        assert_ne!(split, split_by_digit(&digits, 0.13, 8));
    }
}
