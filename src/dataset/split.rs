//! Splits by photo: digits of one photo show in each other's crops, so a photo is never on both
//! sides.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Two sides of a split; indices into the list of photos, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Photos to train on.
    pub train: Vec<usize>,
    /// Photos to validate on.
    pub validation: Vec<usize>,
}

/// Draws `fraction` (0 to 1) of `photos` photos for validation; the same seed draws the same
/// photos on any machine.
pub fn split_by_photo(photos: usize, fraction: f64, seed: u64) -> Split {
    let mut order: Vec<usize> = (0..photos).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    // The fraction is clamped, so the product lies in 0..=photos.
    let held_back = (photos as f64 * fraction.clamp(0.0, 1.0)).round() as usize;
    let mut validation: Vec<usize> = order.drain(..held_back).collect();
    validation.sort_unstable();
    order.sort_unstable();
    Split { train: order, validation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_photo_is_on_one_side() {
        let split = split_by_photo(101, 0.1, 7);
        assert_eq!(split.validation.len(), 10);
        let mut all = [split.train.clone(), split.validation.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..101).collect::<Vec<_>>());
        assert_eq!(split, split_by_photo(101, 0.1, 7));
        assert_ne!(split, split_by_photo(101, 0.1, 8));
    }
}
