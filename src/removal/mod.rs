//! Removes digits from a photo: key pixels, the GRNN, fold-in, the fill, and a second look at it.
//!
//! The report (see docs/words.md) fills each digit's box by itself, from the pixels inside it. If a
//! neighbour's stroke reaches into the box, it is taken for background, and leaves a scar. Here
//! boxes near each other are filled together (`groups`). With StrokeNet, which finds strokes and
//! key pixels, only strokes are filled (`strokes`); without it whole boxes are (`whole_boxes`). The
//! report's own methods are kept for comparison (`report`). [`remove_proven`] also checks the
//! result (`proof`).

mod check;
mod corrections;
mod erasure;
mod grown_boxes;
mod options;

pub use check::Check;
pub use corrections::{Brush, BrushStroke};
pub use erasure::Erasure;
pub use grown_boxes::{USUAL_GROWTH_PERCENT, grown_boxes};
pub use options::{
    KeyPixels, Method, RemovalOptions, ReportOptions, Sigma, UnknownMethod, stroke_reach,
    texture_reach,
};

/// The way fills are made. Raise it with every change after which a photo gets other pixels: only by
/// it do `erase`'s records know that results of earlier builds are outdated, as models have hashes,
/// but code has none. 4: noise beside strokes is filled on small plates, too; what a box cuts off from the
/// next line is left.
pub const FILLS: u32 = 4;

cfg_if::cfg_if! {
    if #[cfg(feature = "engine")] {
        mod colour;
        mod corrected;
        mod fill;
        mod grnn;
        mod groups;
        mod method;
        mod proof;
        mod report;
        pub(crate) mod strokes;
        mod whole_boxes;

        pub use fill::{Fill, Nets, Round};
        pub use grnn::{Grnn, Lattice};
        pub use method::{Proven, remove, remove_proven, remove_watched};
        pub use report::remove_as_reported;
        pub use whole_boxes::{Histogram, quiet_by_feature_maps};
    }
}
