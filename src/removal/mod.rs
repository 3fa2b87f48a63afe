//! Takes digits out of a photo: key pixels, the GRNN, fold-in, the fill, and a second look at it.
//!
//! The report fills each digit's box alone, from the pixels inside it, so a neighbour's stroke
//! in the box is taken for background and comes back as a scar. Here all boxes near each other are
//! filled at once (`groups`). Where a network is at hand that finds strokes and key pixels, strokes
//! alone are filled (`strokes`); without it whole boxes are (`whole_boxes`). The report's own methods
//! stand beside these, to compare with (`report`). [`remove_proven`] looks at the result once more
//! (`proof`).

mod check;
#[cfg(feature = "engine")]
mod colour;
mod corrections;
mod erasure;
#[cfg(feature = "engine")]
mod fill;
#[cfg(feature = "engine")]
mod grnn;
#[cfg(feature = "engine")]
mod groups;
mod grown_boxes;
#[cfg(feature = "engine")]
mod method;
mod options;
#[cfg(feature = "engine")]
mod proof;
#[cfg(feature = "engine")]
mod report;
#[cfg(feature = "engine")]
pub(crate) mod strokes;
#[cfg(feature = "engine")]
mod whole_boxes;

pub use check::Check;
pub use corrections::{Brush, BrushStroke};
pub use erasure::Erasure;
#[cfg(feature = "engine")]
pub use fill::{Fill, Nets, Round};
#[cfg(feature = "engine")]
pub use grnn::{Grnn, Lattice};
pub use grown_boxes::{USUAL_GROWTH_PERCENT, grown_boxes};
#[cfg(feature = "engine")]
pub use method::{Proven, remove, remove_proven, remove_watched};
pub use options::{
    KeyPixels, Method, RemovalOptions, ReportOptions, Sigma, UnknownMethod, stroke_reach,
    texture_reach,
};
#[cfg(feature = "engine")]
pub use report::remove_as_reported;
#[cfg(feature = "engine")]
pub use whole_boxes::{Histogram, quiet_by_feature_maps};
