//! Takes digits out of a photo: key pixels, the GRNN, fold-in, the fill.
//!
//! The report fills each digit's box alone, from the pixels inside it, so a neighbour's stroke
//! in the box is taken for background and comes back as a scar. Here all boxes near each other
//! are filled at once. Where a network is at hand that finds strokes and key pixels, strokes alone
//! are filled (`by_strokes`), and the wall's texture goes on there (`texture`). Without it whole
//! boxes are: no pixel of any box counts as background unless it is quiet in every box that holds
//! it; and the photo around the boxes, which is background for certain, both holds nodes of its own
//! and says what background looks like. Last, what was folded in is evened out.

#[cfg(feature = "engine")]
mod background;
#[cfg(feature = "engine")]
mod by_strokes;
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
mod growth;
#[cfg(feature = "engine")]
mod key_pixels;
#[cfg(feature = "engine")]
pub(crate) mod levels;
#[cfg(feature = "engine")]
mod method;
mod options;
#[cfg(feature = "engine")]
mod report;
#[cfg(feature = "engine")]
mod texture;

pub use corrections::{Brush, BrushStroke};
pub use erasure::Erasure;
#[cfg(feature = "engine")]
pub use fill::{Fill, Nets, Round, remove_digits};
#[cfg(feature = "engine")]
pub use grnn::{Grnn, Lattice};
#[cfg(feature = "engine")]
pub use groups::groups_of;
pub use grown_boxes::{USUAL_GROWTH_PERCENT, grown_boxes};
#[cfg(feature = "engine")]
pub use key_pixels::{Histogram, quiet_by_feature_maps};
#[cfg(feature = "engine")]
pub use method::{remove, remove_watched};
pub use options::{
    KeyPixels, Method, RemovalOptions, ReportOptions, Sigma, UnknownMethod, stroke_reach,
    texture_reach,
};
#[cfg(feature = "engine")]
pub use report::remove_as_reported;

#[cfg(feature = "engine")]
use fill::{FINE_UP_TO, fill_groups, lattice_line};
