//! Where the photo is on the stage: converts between photo and screen coordinates.

use crate::photo::{BoxInPhoto, PhotoSize};

/// A point in photo pixels; may lie beyond the photo's edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointInPhoto {
    /// From the left edge.
    pub x: f64,
    /// From the top edge.
    pub y: f64,
}

/// A point in CSS pixels from the stage's top left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointInScreen {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

impl PointInScreen {
    /// The point halfway to another.
    #[must_use]
    pub fn middle(self, other: Self) -> Self {
        PointInScreen { x: (self.x + other.x) / 2.0, y: (self.y + other.y) / 2.0 }
    }

    /// The distance to another point.
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// A rectangle in CSS pixels from the stage's top left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxInScreen {
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl BoxInScreen {
    /// The area shared with another rectangle.
    pub fn overlap(&self, other: &Self) -> f64 {
        let across =
            (self.left + self.width).min(other.left + other.width) - self.left.max(other.left);
        let down = (self.top + self.height).min(other.top + other.height) - self.top.max(other.top);
        across.max(0.0) * down.max(0.0)
    }
}

/// The stage's size in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SizeInScreen {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// Street photos of house numbers are often 100 x 50 pixels, so fitting scales up, but not so
/// far that a single pixel becomes the picture.
pub const MAX_FIT_ZOOM: f64 = 12.0;

/// Room kept on both sides of a fitted photo, and above and below it, where labels go.
const FIT_MARGINS: (f64, f64) = (20.0, 44.0);

/// The most that can be zoomed in, in CSS pixels a photo pixel.
const MAX_ZOOM: f64 = 64.0;

/// At least so many CSS pixels of the photo stay on the stage, however far it is panned.
const MIN_VISIBLE: f64 = 48.0;

/// How the photo is placed on the stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// CSS pixels a photo pixel.
    pub zoom: f64,
    /// The photo's top left corner on the stage.
    pub origin_in_screen: PointInScreen,
    /// Whether it still is as [`View::fit`] left it, so that it follows the stage's size.
    pub fitted: bool,
}

impl Default for View {
    fn default() -> Self {
        View { zoom: 1.0, origin_in_screen: PointInScreen { x: 0.0, y: 0.0 }, fitted: true }
    }
}

impl View {
    /// The whole photo in the middle of the stage.
    pub fn fit(photo: PhotoSize, stage: SizeInScreen) -> Self {
        let zoom = fit_zoom(photo, stage);
        View {
            zoom,
            origin_in_screen: PointInScreen {
                x: (stage.width - f64::from(photo.width) * zoom) / 2.0,
                y: (stage.height - f64::from(photo.height) * zoom) / 2.0,
            },
            fitted: true,
        }
    }

    /// The photo point below a point of the stage.
    pub fn to_photo(&self, point_in_screen: PointInScreen) -> PointInPhoto {
        PointInPhoto {
            x: (point_in_screen.x - self.origin_in_screen.x) / self.zoom,
            y: (point_in_screen.y - self.origin_in_screen.y) / self.zoom,
        }
    }

    /// Where a photo point lies on the stage.
    pub fn to_screen(&self, point_in_photo: PointInPhoto) -> PointInScreen {
        PointInScreen {
            x: point_in_photo.x * self.zoom + self.origin_in_screen.x,
            y: point_in_photo.y * self.zoom + self.origin_in_screen.y,
        }
    }

    /// Where a box lies on the stage.
    pub fn box_to_screen(&self, box_in_photo: BoxInPhoto) -> BoxInScreen {
        let corner = self.to_screen(PointInPhoto {
            x: f64::from(box_in_photo.left),
            y: f64::from(box_in_photo.top),
        });
        BoxInScreen {
            left: corner.x,
            top: corner.y,
            width: f64::from(box_in_photo.width) * self.zoom,
            height: f64::from(box_in_photo.height) * self.zoom,
        }
    }

    /// The middle of what shows of the photo, and how much that is: width and height in photo
    /// pixels, at least one each.
    pub fn in_sight(&self, photo: PhotoSize, stage: SizeInScreen) -> (PointInPhoto, f64, f64) {
        let first = self.to_photo(PointInScreen { x: 0.0, y: 0.0 });
        let last = self.to_photo(PointInScreen { x: stage.width, y: stage.height });
        let span = |first: f64, last: f64, limit: u32| {
            let (first, last) = (first.max(0.0), last.min(f64::from(limit)));
            ((first + last) / 2.0, (last - first).max(1.0))
        };
        let (x, width) = span(first.x, last.x, photo.width);
        let (y, height) = span(first.y, last.y, photo.height);
        (PointInPhoto { x, y }, width, height)
    }

    /// Zoomed by a factor with the photo point below `anchor` held in place. Within limits: not
    /// beyond 64 CSS pixels a photo pixel, not far below the fitting size.
    #[must_use]
    pub fn zoomed_at(
        &self,
        anchor: PointInScreen,
        factor: f64,
        photo: PhotoSize,
        stage: SizeInScreen,
    ) -> Self {
        if !factor.is_finite() || factor <= 0.0 {
            return *self;
        }
        let least = (fit_zoom(photo, stage) / 2.0).min(1.0);
        let zoom = (self.zoom * factor).clamp(least, MAX_ZOOM.max(least));
        let held = self.to_photo(anchor);
        View {
            zoom,
            origin_in_screen: PointInScreen {
                x: anchor.x - held.x * zoom,
                y: anchor.y - held.y * zoom,
            },
            fitted: false,
        }
        .kept_in_sight(photo, stage)
    }

    /// Shifted by a distance on the stage, as far as some of the photo stays in sight.
    #[must_use]
    pub fn panned(&self, dx: f64, dy: f64, photo: PhotoSize, stage: SizeInScreen) -> Self {
        if !dx.is_finite() || !dy.is_finite() {
            return *self;
        }
        View {
            zoom: self.zoom,
            origin_in_screen: PointInScreen {
                x: self.origin_in_screen.x + dx,
                y: self.origin_in_screen.y + dy,
            },
            fitted: false,
        }
        .kept_in_sight(photo, stage)
    }

    fn kept_in_sight(mut self, photo: PhotoSize, stage: SizeInScreen) -> Self {
        let clamp = |origin: f64, photo_side: u32, stage_side: f64| {
            let length = f64::from(photo_side) * self.zoom;
            let visible = MIN_VISIBLE.min(length).min(stage_side.max(0.0));
            origin.clamp(visible - length, (stage_side - visible).max(visible - length))
        };
        let x = clamp(self.origin_in_screen.x, photo.width, stage.width);
        let y = clamp(self.origin_in_screen.y, photo.height, stage.height);
        self.origin_in_screen = PointInScreen { x, y };
        self
    }
}

fn fit_zoom(photo: PhotoSize, stage: SizeInScreen) -> f64 {
    // On a small stage a fixed margin would leave nothing for the photo.
    let room = |side: f64, margin: f64| (side - 2.0 * margin.min(side / 6.0)).max(1.0);
    let across = room(stage.width, FIT_MARGINS.0) / f64::from(photo.width.max(1));
    let down = room(stage.height, FIT_MARGINS.1) / f64::from(photo.height.max(1));
    across.min(down).min(MAX_FIT_ZOOM)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: PhotoSize = PhotoSize { width: 100, height: 50 };
    const LARGE: PhotoSize = PhotoSize { width: 8000, height: 6000 };
    const STAGE: SizeInScreen = SizeInScreen { width: 900.0, height: 700.0 };

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9 * (1.0 + a.abs())
    }

    #[test]
    fn fitting_scales_small_photos_up_and_large_ones_down() {
        let small = View::fit(SMALL, STAGE);
        assert!(small.zoom > 7.0 && small.zoom <= MAX_FIT_ZOOM, "{}", small.zoom);
        let large = View::fit(LARGE, STAGE);
        assert!(large.zoom < 0.2);
        for (view, photo) in [(small, SMALL), (large, LARGE)] {
            let middle = view.to_screen(PointInPhoto {
                x: f64::from(photo.width) / 2.0,
                y: f64::from(photo.height) / 2.0,
            });
            assert!(close(middle.x, 450.0) && close(middle.y, 350.0));
        }
    }

    #[test]
    fn what_is_in_sight_is_the_photo_s_part_on_the_stage() {
        let view = View::fit(SMALL, STAGE);
        let (middle, width, height) = view.in_sight(SMALL, STAGE);
        assert!(close(middle.x, 50.0) && close(middle.y, 25.0));
        assert!(close(width, 100.0) && close(height, 50.0));
        // A corner of it fills the stage.
        let corner = PointInScreen { x: 450.0 - 50.0 * view.zoom, y: 350.0 - 25.0 * view.zoom };
        let near = view.zoomed_at(corner, 4.0, SMALL, STAGE);
        let (middle, width, _) = near.in_sight(SMALL, STAGE);
        assert!(width < 50.0 && middle.x < 20.0 && middle.x > 0.0, "{middle:?}");
    }

    #[test]
    fn one_pixel_is_not_blown_up_to_the_whole_stage() {
        let view = View::fit(PhotoSize { width: 1, height: 1 }, STAGE);
        assert!(close(view.zoom, MAX_FIT_ZOOM));
    }

    #[test]
    fn a_stage_without_size_gives_a_usable_view() {
        let view = View::fit(SMALL, SizeInScreen { width: 0.0, height: 0.0 });
        assert!(view.zoom.is_finite() && view.zoom > 0.0);
        let panned = view.panned(10.0, 10.0, SMALL, SizeInScreen { width: 0.0, height: 0.0 });
        assert!(panned.origin_in_screen.x.is_finite());
    }

    #[test]
    fn screen_and_photo_are_inverse() {
        let view = View::fit(LARGE, STAGE).panned(13.0, -7.5, LARGE, STAGE);
        let point = PointInScreen { x: 123.4, y: 567.8 };
        let back = view.to_screen(view.to_photo(point));
        assert!(close(back.x, point.x) && close(back.y, point.y));
    }

    #[test]
    fn zooming_holds_the_point_below_the_cursor() {
        let view = View::fit(SMALL, STAGE);
        let anchor = PointInScreen { x: 300.0, y: 320.0 };
        let before = view.to_photo(anchor);
        for factor in [1.1, 2.0, 0.8] {
            let after = view.zoomed_at(anchor, factor, SMALL, STAGE).to_photo(anchor);
            assert!(close(before.x, after.x) && close(before.y, after.y), "factor {factor}");
        }
    }

    #[test]
    fn zoom_has_limits_and_survives_nonsense() {
        let view = View::fit(SMALL, STAGE);
        let anchor = PointInScreen { x: 450.0, y: 350.0 };
        assert!(close(view.zoomed_at(anchor, 1e9, SMALL, STAGE).zoom, 64.0));
        assert!(view.zoomed_at(anchor, 1e-9, SMALL, STAGE).zoom >= 0.5);
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(view.zoomed_at(anchor, factor, SMALL, STAGE), view);
        }
    }

    #[test]
    fn the_photo_cannot_be_lost_by_panning() {
        for (dx, dy) in [(1e6, 1e6), (-1e6, -1e6)] {
            let view = View::fit(SMALL, STAGE).panned(dx, dy, SMALL, STAGE);
            let shown = view.box_to_screen(BoxInPhoto { left: 0, top: 0, width: 100, height: 50 });
            let stage = BoxInScreen { left: 0.0, top: 0.0, width: 900.0, height: 700.0 };
            assert!(shown.overlap(&stage) > 1000.0);
        }
    }
}
