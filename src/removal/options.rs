//! The methods of removal, and their parameters: plain data, which the page uses, too.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::photo::{BoxInPhoto, PhotoSize};

/// A method of removal, with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Method {
    /// Doorplate's own: the strokes that are found are filled.
    Doorplate(RemovalOptions),
    /// The same without the network that finds strokes.
    WholeBoxes(RemovalOptions),
    /// [`remove_as_reported`](super::remove_as_reported).
    Report(ReportOptions),
}

/// The names of [`Method::Doorplate`] and [`Method::WholeBoxes`].
const DOORPLATE: &str = "doorplate";
const WHOLE_BOXES: &str = "whole-boxes";

impl Method {
    /// Every method with its default parameters, Doorplate's own first.
    pub fn all() -> Vec<Self> {
        let reported = KeyPixels::ALL.iter().map(|way| Method::Report(ReportOptions::by(*way)));
        let own = [Method::default(), Method::WholeBoxes(RemovalOptions::default())];
        own.into_iter().chain(reported).collect()
    }

    /// The name that [`FromStr`] accepts.
    pub fn name(&self) -> &'static str {
        match self {
            Method::Doorplate(_) => DOORPLATE,
            Method::WholeBoxes(_) => WHOLE_BOXES,
            Method::Report(options) => options.key_pixels.name(),
        }
    }
}

impl Default for Method {
    fn default() -> Self {
        Method::Doorplate(RemovalOptions::default())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no method of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no method is called {name:?}; there are {}", names())]
pub struct UnknownMethod {
    /// The unknown name.
    pub name: String,
}

fn names() -> String {
    let names: Vec<&str> = Method::all().iter().map(Method::name).collect();
    names.join(", ")
}

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        let found = Method::all().into_iter().find(|method| method.name() == name);
        found.ok_or_else(|| UnknownMethod { name: name.to_owned() })
    }
}

/// The removal's parameters; the defaults are the report's, if it names them. Bins, spacing, sigma
/// and tolerance are for whole boxes; grain and growth are for strokes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemovalOptions {
    /// Bins of the feature maps' histogram.
    pub bins: usize,
    /// Pixels from one lattice row or column to the next.
    pub spacing: usize,
    /// Width of the net's Gaussians in pixels, at least 1.
    pub sigma: f64,
    /// Pixels of the photo around the boxes that take part.
    pub context: u32,
    /// How far, in standard deviations of the surroundings, a quiet pixel may differ from them and
    /// still count as background.
    pub tolerance: f32,
    /// How much of the surroundings' grain is added to filled strokes, 0 to 1; this is also the
    /// least share of texture that is added. With 0 neither is added.
    pub grain: f32,
    /// Pixels by which strokes are grown before the fill; shrunk, if below 0. The pixels that a
    /// stroke grows over are not key pixels.
    pub grow: i8,
}

impl RemovalOptions {
    /// Two boxes with fewer pixels between them than this are filled together, so that no group
    /// changes pixels in another group's boxes, or beside them.
    pub fn joins_within(&self, a: &BoxInPhoto, b: &BoxInPhoto) -> u32 {
        self.context.max(reach_of(a) + reach_of(b))
    }

    /// How many pixels around some boxes take part in their fill.
    #[cfg(feature = "engine")]
    pub(super) fn context_of(&self, boxes: &[BoxInPhoto]) -> u32 {
        let reach = boxes.iter().map(reach_of).max().unwrap_or(0);
        self.context.max(reach + LEAST_REACH)
    }
}

/// Strokes are followed out of boxes by at least and at most this many pixels.
const LEAST_REACH: u32 = 3;
const MOST_REACH: u32 = 48;

/// How far the strokes of a box's digit are followed: a seventh of its height.
fn reach_of(area: &BoxInPhoto) -> u32 {
    (area.height / 7).clamp(LEAST_REACH, MOST_REACH)
}

/// A box, enlarged by the distance to which its digit's strokes are followed: a seventh of its
/// height, from 3 to 48 pixels. It may extend beyond the photo. Boxes are drawn by hand, and the
/// part of a stroke outside them would remain as a scar.
pub fn stroke_reach(area: &BoxInPhoto) -> BoxInPhoto {
    let endless = PhotoSize { width: u32::MAX, height: u32::MAX };
    area.grown(reach_of(area), endless)
}

/// Texture for a fill is searched up to this many cells away, in rows and columns.
pub(super) const TEXTURE_REACH: usize = 48;

/// The side in pixels of the cells in which texture is searched: one pixel for digits as tall as
/// they usually are in street photos.
pub(super) fn cell_side(boxes: &[BoxInPhoto]) -> usize {
    let highest = boxes.iter().map(|b| b.height).max().unwrap_or(0);
    highest.div_ceil(80).max(1) as usize
}

/// Up to this distance from boxes, in pixels, their fills may depend on other boxes.
pub fn texture_reach(boxes: &[BoxInPhoto]) -> u32 {
    // Around its box, a digit's strokes may be joined with its neighbours'.
    let reach = boxes.iter().map(reach_of).max().unwrap_or(0);
    (TEXTURE_REACH * cell_side(boxes)) as u32 + 2 * reach
}

impl Default for RemovalOptions {
    fn default() -> Self {
        RemovalOptions {
            bins: 35,
            spacing: 3,
            sigma: 1.8,
            context: 9,
            tolerance: 2.5,
            grain: 0.6,
            grow: 0,
        }
    }
}

/// The parameters of the report's removal; the defaults are the report's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportOptions {
    /// How key pixels are chosen.
    pub key_pixels: KeyPixels,
    /// Bins of the feature maps' histogram, at least 1.
    pub bins: usize,
    /// Pixels from one grid row or column to the next, at least 1.
    pub spacing: usize,
    /// Percentage of the crop's pixels that count as quiet by their gradients, 0 to 100.
    pub percentile: f32,
    /// How far beyond their median, in standard deviations, the light/dark filter keeps candidates.
    /// It is used with all choices of key pixels except feature maps.
    pub filter: f32,
    /// Width of the net's Gaussians.
    pub sigma: Sigma,
    /// Maximum number of rounds of fold-in.
    pub rounds: usize,
}

impl ReportOptions {
    /// The report's parameters for one choice of key pixels.
    pub fn by(key_pixels: KeyPixels) -> Self {
        ReportOptions {
            key_pixels,
            bins: 35,
            spacing: 3,
            percentile: 8.0,
            filter: if key_pixels == KeyPixels::Grid { 0.1 } else { 0.2 },
            sigma: Sigma::Fixed(1.8),
            rounds: 30,
        }
    }
}

/// How the report chooses key pixels on the grid. The corners are always key pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyPixels {
    /// Where the feature maps of the first convolution give similar values,
    /// [`quiet_by_feature_maps`](super::quiet_by_feature_maps); the report's final choice.
    FeatureMaps,
    /// Where the gradient of the predicted digit is nearest to the mean of the others'.
    GradientNearAverage,
    /// Where the gradient of the predicted digit is lowest.
    GradientValue,
    /// Everywhere.
    Grid,
}

impl KeyPixels {
    /// All ways.
    pub const ALL: &[KeyPixels] = &[
        KeyPixels::FeatureMaps,
        KeyPixels::GradientNearAverage,
        KeyPixels::GradientValue,
        KeyPixels::Grid,
    ];

    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            KeyPixels::FeatureMaps => "feature-maps",
            KeyPixels::GradientNearAverage => "gradient-near-average",
            KeyPixels::GradientValue => "gradient-value",
            KeyPixels::Grid => "grid",
        }
    }
}

/// The width of the net's Gaussians.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Sigma {
    /// One for all nodes, in pixels, at least 1.
    Fixed(f64),
    /// For each node `sigma^2 = 1 + 1.5 ln d^2`, with d its distance in pixels to the nearest
    /// other node.
    Adaptive,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_found_by_its_name_and_no_other() {
        let names: Vec<&str> = Method::all().iter().map(Method::name).collect();
        assert_eq!(
            names,
            [
                "doorplate",
                "whole-boxes",
                "feature-maps",
                "gradient-near-average",
                "gradient-value",
                "grid"
            ]
        );
        for method in Method::all() {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        let error = "Grid".parse::<Method>().expect_err("names are in small letters");
        assert!(error.to_string().ends_with("gradient-value, grid"), "{error}");
    }
}
