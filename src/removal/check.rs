//! The result of the second look at a removal: plain data, which the page uses, too.

use serde::{Deserialize, Serialize};

use crate::photo::BoxInPhoto;

/// What is left of the digit in one box after its removal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The box.
    pub area: BoxInPhoto,
    /// Pixels that were not filled and look like strokes in the result, as a share of the stroke
    /// pixels that were found before, 0 to 1.
    pub residue: f32,
    /// Whether the digit that was read there before can still be read: in the result itself, or
    /// with its contrast stretched.
    pub legible: bool,
    /// Whether every pixel of the box is unchanged, to within two levels in each sample.
    pub unchanged: bool,
}

impl Check {
    /// On walls without a digit, the network also finds residue up to this.
    pub const MOST_RESIDUE: f32 = 0.1;

    /// Whether nothing is left to see or read.
    pub fn passes(&self) -> bool {
        !self.legible && !self.unchanged && self.residue <= Self::MOST_RESIDUE
    }
}
