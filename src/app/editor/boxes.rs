//! One box and what edits make of its rectangle: always whole pixels, always on the photo, never
//! below the minimum size.

use super::handle::Handle;
use super::view::PointInPhoto;
use crate::photo::{BoxInPhoto, PhotoSize};

/// Names a box for its whole life; an id is never used again, not even after a deletion.
pub type BoxId = u32;

/// The shortest side of a box in photo pixels. Less cannot be a legible digit, and could not be
/// grabbed again.
pub const MIN_SIDE: u32 = 3;

/// How many times as long as its shorter side a box's longer one is at most. A bare stroke of a 1
/// is eight times as tall as wide, five digits in a row are five times as wide as tall; what is
/// thinner was a pointer that slipped.
pub const MAX_PROPORTION: u32 = 10;

/// A box on the photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhotoBox {
    /// Its name.
    pub id: BoxId,
    /// Where it lies.
    pub area: BoxInPhoto,
    /// Whether its digit is to be removed.
    pub remove: bool,
    /// The digit that a person says it is, 0 to 9, even if another one is read.
    pub label: Option<u8>,
}

/// The minimum side along one axis: a photo narrower than [`MIN_SIDE`] is its own limit.
pub(super) fn least_side(photo_side: u32) -> u32 {
    MIN_SIDE.min(photo_side)
}

/// Whether a box is too thin to hold a digit: a side is below [`MIN_SIDE`], or its proportion
/// above [`MAX_PROPORTION`].
pub(super) fn is_sliver(area: BoxInPhoto, photo: PhotoSize) -> bool {
    let (shorter, longer) = (area.width.min(area.height), area.width.max(area.height));
    area.width < least_side(photo.width)
        || area.height < least_side(photo.height)
        || longer > shorter.saturating_mul(MAX_PROPORTION)
}

/// A box at a place, about its centre, and as near to it as the photo's edges let it.
pub(super) fn centred_at(
    centre: PointInPhoto,
    (width, height): (u32, u32),
    photo: PhotoSize,
) -> BoxInPhoto {
    let side = |length: u32, limit: u32| length.clamp(least_side(limit), limit.max(1));
    let (width, height) = (side(width, photo.width), side(height, photo.height));
    let start = |centre: f64, length: u32, limit: u32| {
        shifted(0, centre - f64::from(length) / 2.0, limit.saturating_sub(length))
    };
    BoxInPhoto {
        left: start(centre.x, width, photo.width),
        top: start(centre.y, height, photo.height),
        width,
        height,
    }
}

/// The box between two corners in any order, which may be a sliver; none when it misses the photo
/// or is below the minimum size along both axes.
pub(super) fn from_corners(
    a: PointInPhoto,
    b: PointInPhoto,
    photo: PhotoSize,
) -> Option<BoxInPhoto> {
    let (left, right) = whole_span(a.x, b.x, photo.width)?;
    let (top, bottom) = whole_span(a.y, b.y, photo.height)?;
    let tiny = right - left < least_side(photo.width) && bottom - top < least_side(photo.height);
    // A line has a pixel, too, or it could not be shown while it is drawn.
    let span = |low: u32, high: u32| (low.min(high.max(1) - 1), (high - low).max(1));
    let ((left, width), (top, height)) = (span(left, right), span(top, bottom));
    (!tiny).then_some(BoxInPhoto { left, top, width, height })
}

/// The boxes shifted together as far as the photo reaches, their places to each other kept.
pub(super) fn moved_together(
    areas: &[BoxInPhoto],
    dx: f64,
    dy: f64,
    photo: PhotoSize,
) -> Vec<BoxInPhoto> {
    let Some(hull) = areas.iter().copied().reduce(|a, b| a.union(&b)) else { return Vec::new() };
    let moved = moved_within(hull, dx, dy, photo);
    areas
        .iter()
        .map(|area| BoxInPhoto {
            left: moved.left + (area.left - hull.left),
            top: moved.top + (area.top - hull.top),
            ..*area
        })
        .collect()
}

/// The box shifted as far as the photo reaches, its size kept.
pub(super) fn moved_within(area: BoxInPhoto, dx: f64, dy: f64, photo: PhotoSize) -> BoxInPhoto {
    BoxInPhoto {
        left: shifted(area.left, dx, photo.width.saturating_sub(area.width)),
        top: shifted(area.top, dy, photo.height.saturating_sub(area.height)),
        ..area
    }
}

/// The box with the handle's edges shifted; the other edges stay. A box that this would make a
/// sliver, and was none, is unchanged.
pub(super) fn resized_within(
    area: BoxInPhoto,
    handle: Handle,
    dx: f64,
    dy: f64,
    photo: PhotoSize,
) -> BoxInPhoto {
    let (mut left, mut right) = (area.left, area.right());
    let (mut top, mut bottom) = (area.top, area.bottom());
    let (least_width, least_height) = (least_side(photo.width), least_side(photo.height));
    if handle.moves_west() {
        left = shifted(left, dx, right.saturating_sub(least_width));
    }
    if handle.moves_east() {
        right = shifted(right, dx, photo.width).max(left + least_width).min(photo.width);
    }
    if handle.moves_north() {
        top = shifted(top, dy, bottom.saturating_sub(least_height));
    }
    if handle.moves_south() {
        bottom = shifted(bottom, dy, photo.height).max(top + least_height).min(photo.height);
    }
    let resized = BoxInPhoto {
        left,
        top,
        width: right.saturating_sub(left).max(1),
        height: bottom.saturating_sub(top).max(1),
    };
    if is_sliver(resized, photo) && !is_sliver(area, photo) { area } else { resized }
}

/// A whole coordinate moved by any number and clamped to `0..=limit`. A shift that is no number
/// moves nothing.
fn shifted(from: u32, by: f64, limit: u32) -> u32 {
    if by.is_nan() {
        return from.min(limit);
    }
    // Clamped to 0..=limit, which came from a u32.
    (f64::from(from) + by).round().clamp(0.0, f64::from(limit)) as u32
}

/// Two ends in any order as whole pixel boundaries on the photo; none when they miss it.
fn whole_span(a: f64, b: f64, limit: u32) -> Option<(u32, u32)> {
    if !a.is_finite() || !b.is_finite() {
        return None;
    }
    let (low, high) = (a.min(b), a.max(b));
    if high <= 0.0 || low >= f64::from(limit) {
        return None;
    }
    let whole = |value: f64| value.round().clamp(0.0, f64::from(limit)) as u32;
    Some((whole(low), whole(high)))
}
