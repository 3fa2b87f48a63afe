//! Sizes and boxes in photo coordinates: pixels, x to the right, y down, origin at the top left
//! corner of the upright photo (after EXIF orientation).

use serde::{Deserialize, Serialize};

/// Width and height of a photo in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PhotoSize {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Why a box cannot be used on a photo.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BoxError {
    /// A coordinate is NaN or infinite.
    #[error("its {field} is {value}, not a number of pixels")]
    NotFinite {
        /// Which field of the box.
        field: &'static str,
        /// The value it holds.
        value: f64,
    },
    /// Width or height is zero or negative.
    #[error("it is {width} x {height} pixels; a box needs a width and a height above zero")]
    Empty {
        /// The width given.
        width: f64,
        /// The height given.
        height: f64,
    },
    /// No pixel of the box lies on the photo.
    #[error(
        "it lies outside the photo: left {left}, top {top} on a photo of {} x {} pixels",
        photo.width, photo.height
    )]
    OutsidePhoto {
        /// Left edge given.
        left: f64,
        /// Top edge given.
        top: f64,
        /// The photo's size.
        photo: PhotoSize,
    },
}

/// A box as people and files give it: any numbers, possibly beyond the photo's edge.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LooseBox {
    /// Left edge in pixels; may be negative.
    pub left: f64,
    /// Top edge in pixels; may be negative.
    pub top: f64,
    /// Width in pixels.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
}

impl LooseBox {
    /// The area that it shares with another box, in square pixels.
    pub fn shared_area(&self, other: &LooseBox) -> f64 {
        let along = |a: f64, a_length: f64, b: f64, b_length: f64| {
            ((a + a_length).min(b + b_length) - a.max(b)).max(0.0)
        };
        along(self.left, self.width, other.left, other.width)
            * along(self.top, self.height, other.top, other.height)
    }

    /// What it shares with another box, as a part of their union, 0 to 1.
    pub fn shared_union(&self, other: &LooseBox) -> f64 {
        let both = self.shared_area(other);
        both / (self.width * self.height + other.width * other.height - both)
    }

    /// What it shares with another box, as a part of the smaller one, 0 to 1.
    pub fn shared_part(&self, other: &LooseBox) -> f64 {
        let smaller = (self.width * self.height).min(other.width * other.height);
        self.shared_area(other) / smaller
    }

    /// The smallest box that holds both.
    #[must_use]
    pub fn union(&self, other: &LooseBox) -> LooseBox {
        let (left, top) = (self.left.min(other.left), self.top.min(other.top));
        let right = (self.left + self.width).max(other.left + other.width);
        let bottom = (self.top + self.height).max(other.top + other.height);
        LooseBox { left, top, width: right - left, height: bottom - top }
    }

    /// The part of the box that lies on a photo, with its edges on whole pixels.
    ///
    /// Edges are rounded to the nearest pixel boundary; a box thinner than a pixel keeps one.
    ///
    /// # Errors
    /// [`BoxError`] when a number is not finite, the box has no area, or it misses the photo.
    pub fn clamp_to(self, photo: PhotoSize) -> Result<BoxInPhoto, BoxError> {
        for (field, value) in
            [("left", self.left), ("top", self.top), ("width", self.width), ("height", self.height)]
        {
            if !value.is_finite() {
                return Err(BoxError::NotFinite { field, value });
            }
        }
        if self.width <= 0.0 || self.height <= 0.0 {
            return Err(BoxError::Empty { width: self.width, height: self.height });
        }
        let span = |start: f64, length: f64, limit: u32| -> Option<(u32, u32)> {
            let limit = f64::from(limit);
            if start >= limit || start + length <= 0.0 {
                return None;
            }
            let first = start.round().clamp(0.0, limit - 1.0);
            let last = (start + length).round().clamp(first + 1.0, limit);
            // Both lie in 0..=limit, which came from a u32.
            Some((first as u32, (last - first) as u32))
        };
        match (span(self.left, self.width, photo.width), span(self.top, self.height, photo.height))
        {
            (Some((left, width)), Some((top, height))) => {
                Ok(BoxInPhoto { left, top, width, height })
            }
            _ => Err(BoxError::OutsidePhoto { left: self.left, top: self.top, photo }),
        }
    }
}

impl From<BoxInPhoto> for LooseBox {
    fn from(b: BoxInPhoto) -> Self {
        LooseBox {
            left: f64::from(b.left),
            top: f64::from(b.top),
            width: f64::from(b.width),
            height: f64::from(b.height),
        }
    }
}

/// A box of whole pixels that lies on its photo and has at least one pixel.
///
/// Made by [`LooseBox::clamp_to`]; the engine takes nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BoxInPhoto {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Columns, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
}

impl BoxInPhoto {
    /// One past the last column.
    pub fn right(&self) -> u32 {
        self.left + self.width
    }

    /// One past the last row.
    pub fn bottom(&self) -> u32 {
        self.top + self.height
    }

    /// The box grown by `margin` pixels on all sides, within the photo.
    #[must_use]
    pub fn grown(&self, margin: u32, photo: PhotoSize) -> Self {
        let left = self.left.saturating_sub(margin);
        let top = self.top.saturating_sub(margin);
        let right = self.right().saturating_add(margin).min(photo.width);
        let bottom = self.bottom().saturating_add(margin).min(photo.height);
        BoxInPhoto { left, top, width: right - left, height: bottom - top }
    }

    /// The smallest box that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let left = self.left.min(other.left);
        let top = self.top.min(other.top);
        let right = self.right().max(other.right());
        let bottom = self.bottom().max(other.bottom());
        BoxInPhoto { left, top, width: right - left, height: bottom - top }
    }

    /// The part of the box that lies in another; `None` when they share no pixel.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let left = self.left.max(other.left);
        let top = self.top.max(other.top);
        let width = self.right().min(other.right()).checked_sub(left)?;
        let height = self.bottom().min(other.bottom()).checked_sub(top)?;
        (width > 0 && height > 0).then_some(BoxInPhoto { left, top, width, height })
    }

    /// Whether fewer than `gap` pixels lie between the two boxes along both axes; with a gap of
    /// zero, whether they share a pixel.
    pub fn within(&self, other: &Self, gap: u32) -> bool {
        self.left < other.right().saturating_add(gap)
            && other.left < self.right().saturating_add(gap)
            && self.top < other.bottom().saturating_add(gap)
            && other.top < self.bottom().saturating_add(gap)
    }

    /// Whether the pixel at column `x`, row `y` of the photo lies in the box.
    pub fn contains(&self, x: u32, y: u32) -> bool {
        (self.left..self.right()).contains(&x) && (self.top..self.bottom()).contains(&y)
    }
}

/// How a digit's box becomes a square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CropShape {
    /// The box itself, stretched.
    Stretched,
    /// The box widened (or heightened) to a square around its centre, in whole pixels, so that
    /// neighbours show; of this square the part on the photo, stretched. With this and the bicubic
    /// filter, crops are closest to SVHN's own Format 2: they differ by a quarter of a grey level,
    /// by the median over its train photos.
    Widened,
    /// The same square, and around it what there is of the photo: the square's side is
    /// [`SURROUNDINGS`] times the box's longer one. Outside the photo, its edge is repeated.
    Surrounded,
}

/// How much longer the side of [`CropShape::Surrounded`] is than the box's longer side.
pub const SURROUNDINGS: f64 = 1.25;

impl CropShape {
    /// What a crop of `area` shows of its photo.
    pub fn frame(self, area: BoxInPhoto, photo: PhotoSize) -> LooseBox {
        let exact = LooseBox::from(area);
        match self {
            CropShape::Stretched => exact,
            CropShape::Widened => {
                let side = exact.width.max(exact.height);
                // Halves are rounded up, also left of and above the photo.
                let part = |start: f64, length: f64, limit: u32| {
                    let first = (start + (length - side) / 2.0 + 0.5).floor();
                    let last = (first + side).min(f64::from(limit));
                    (first.max(0.0), last - first.max(0.0))
                };
                let (left, width) = part(exact.left, exact.width, photo.width);
                let (top, height) = part(exact.top, exact.height, photo.height);
                LooseBox { left, top, width, height }
            }
            CropShape::Surrounded => {
                let side = SURROUNDINGS * exact.width.max(exact.height);
                LooseBox {
                    left: exact.left + (exact.width - side) / 2.0,
                    top: exact.top + (exact.height - side) / 2.0,
                    width: side,
                    height: side,
                }
            }
        }
    }
}

/// The colours of a crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colours {
    /// One channel: .299 R + .587 G + .114 B.
    Grey,
    /// Three channels.
    Rgb,
}

impl Colours {
    /// Channels.
    pub fn channels(self) -> usize {
        match self {
            Colours::Grey => 1,
            Colours::Rgb => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: PhotoSize = PhotoSize { width: 100, height: 50 };

    fn loose(left: f64, top: f64, width: f64, height: f64) -> LooseBox {
        LooseBox { left, top, width, height }
    }

    #[test]
    fn a_box_over_the_edge_keeps_the_part_on_the_photo() {
        let clamped = loose(-5.0, 40.0, 20.0, 30.0).clamp_to(PHOTO).expect("overlaps the photo");
        assert_eq!(clamped, BoxInPhoto { left: 0, top: 40, width: 15, height: 10 });
    }

    #[test]
    fn a_sliver_keeps_one_pixel() {
        let clamped = loose(99.9, 0.0, 0.05, 0.2).clamp_to(PHOTO).expect("touches the last column");
        assert_eq!(clamped, BoxInPhoto { left: 99, top: 0, width: 1, height: 1 });
    }

    #[test]
    fn useless_boxes_are_refused_with_their_reason() {
        assert!(matches!(loose(0.0, 0.0, 0.0, 4.0).clamp_to(PHOTO), Err(BoxError::Empty { .. })));
        assert!(matches!(
            loose(100.0, 0.0, 5.0, 5.0).clamp_to(PHOTO),
            Err(BoxError::OutsidePhoto { .. })
        ));
        assert!(matches!(
            loose(f64::NAN, 0.0, 5.0, 5.0).clamp_to(PHOTO),
            Err(BoxError::NotFinite { field: "left", .. })
        ));
        assert!(loose(1e300, 1e300, 1e300, 1e300).clamp_to(PHOTO).is_err());
    }

    #[test]
    fn within_counts_the_gap_on_both_axes() {
        let a = BoxInPhoto { left: 0, top: 0, width: 10, height: 10 };
        let touching = BoxInPhoto { left: 10, top: 0, width: 5, height: 5 };
        let far = BoxInPhoto { left: 10, top: 40, width: 5, height: 5 };
        assert!(!a.within(&touching, 0));
        assert!(a.within(&touching, 1));
        assert!(!a.within(&far, 5));
    }
}
