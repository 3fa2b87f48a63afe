//! What a second look at a removal finds: plain data, for the page too.

use serde::{Deserialize, Serialize};

use crate::photo::BoxInPhoto;

/// What is left of the digit in one box once it was removed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The box.
    pub area: BoxInPhoto,
    /// Pixels that were not filled and look like strokes in the result, as a share of the stroke
    /// pixels that were found before, 0 to 1.
    pub residue: f32,
    /// Whether the digit that was read there before is still read: in the result as it is, or with
    /// its contrast stretched.
    pub legible: bool,
    /// Whether every pixel of the box looks as it did, to two levels in each sample.
    pub unchanged: bool,
}

impl Check {
    /// Residue up to this is what the network finds on walls without a digit, too.
    pub const MOST_RESIDUE: f32 = 0.1;

    /// Whether nothing is left to see or read.
    pub fn passes(&self) -> bool {
        !self.legible && !self.unchanged && self.residue <= Self::MOST_RESIDUE
    }
}
