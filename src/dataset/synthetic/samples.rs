//! The page's sample pictures.

use super::Scene;

/// A sample picture.
pub(super) struct Sample {
    /// File name without its ending.
    pub stem: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// Draws it.
    pub draw: fn() -> Scene,
}

/// All of them, in the page's order.
pub(super) fn all() -> [Sample; 0] {
    []
}
