//! Seeded randomness. The stream of ChaCha8 is fixed by its specification, and the random numbers
//! are computed from it here. So a seed gives the same photo on every machine, and with every later
//! version of a random-number crate.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// A stream of random choices.
#[derive(Clone, Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A whole number, all 32-bit values alike.
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A number in 0 (included) to 1 (excluded).
    pub fn unit(&mut self) -> f32 {
        // 24 bits are what an f32 holds exactly.
        (self.bits() >> 8) as f32 / (1 << 24) as f32
    }

    /// A number from `low` to `high`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// A number about normally distributed, mean 0 and deviation 1; never beyond -3.5 or 3.5.
    pub fn normal(&mut self) -> f32 {
        // Four numbers added have a mean of 2 and a deviation of the square root of a third.
        let sum = self.unit() + self.unit() + self.unit() + self.unit();
        (sum - 2.0) * 1.732_050_8
    }

    /// Which of the weights, each as often as its share of their sum; 0 where they add up to 0.
    pub fn weighted(&mut self, weights: &[f32]) -> usize {
        let mut at = self.unit() * weights.iter().sum::<f32>();
        for (i, weight) in weights.iter().enumerate() {
            if at < *weight {
                return i;
            }
            at -= weight;
        }
        0
    }

    /// A whole number in 0 to `count - 1`; 0 for a count of 0.
    pub fn below(&mut self, count: u32) -> u32 {
        ((u64::from(self.bits()) * u64::from(count)) >> 32) as u32
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// One of the choices.
    pub fn pick<T: Copy, const N: usize>(&mut self, choices: [T; N]) -> T {
        const { assert!(N > 0, "nothing to choose from") };
        choices[self.below(N as u32) as usize]
    }

    /// A colour near `colour`: as a whole lighter or darker by up to `spread`, and each channel
    /// by up to a third of it.
    pub fn near(&mut self, colour: [f32; 3], spread: f32) -> [f32; 3] {
        let all = 1.0 + self.range(-spread, spread);
        colour.map(|c| (c * all * (1.0 + self.range(-spread, spread) / 3.0)).clamp(0.0, 1.0))
    }
}
