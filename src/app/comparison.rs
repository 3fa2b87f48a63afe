//! Before and after: where the divider between the two is, and how much of the photo differs.
//! Plain data, tested without a browser.

use super::editor::{BoxInScreen, PointInPhoto, PointInScreen, SizeInScreen, View};
use crate::photo::{BoxInPhoto, PhotoSize};

/// Space in CSS pixels that stays between the divider and the stage's edges, for its knob.
const EDGE: f64 = 22.0;

/// Two decoders of one JPEG differ by up to 3 of 255 in a channel: the browser’s, whose pixels
/// are on the stage, and the engine’s (measured on the samples).
const DECODERS_DIFFER: u32 = 4;

/// The divider: left of it is the photo as it was, right of it without the digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Divider {
    /// Its place as a share of the photo's width, 0 to 1.
    share: f64,
}

impl Default for Divider {
    fn default() -> Self {
        Divider { share: 0.5 }
    }
}

impl Divider {
    /// At a point of the stage.
    #[must_use]
    pub fn at(point_in_screen: PointInScreen, view: View, photo: PhotoSize) -> Self {
        let share = view.to_photo(point_in_screen).x / f64::from(photo.width.max(1));
        Divider::of_share(share)
    }

    /// At a share of the photo's width; beyond the photo it is at the photo's edge.
    #[must_use]
    pub fn of_share(share: f64) -> Self {
        Divider { share: if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.5 } }
    }

    /// The share of the photo's width that is left of it.
    pub fn share(self) -> f64 {
        self.share
    }

    /// Where it is shown: at its place, or as close to that as the stage lets it be seen, so that
    /// it can always be grabbed, however the photo is zoomed and panned.
    #[must_use]
    pub fn in_sight(self, view: View, photo: PhotoSize, stage: SizeInScreen) -> Self {
        let whole = BoxInPhoto { left: 0, top: 0, width: photo.width, height: photo.height };
        let shown = view.box_to_screen(whole);
        let wanted = shown.left + self.share * shown.width;
        // Of a photo narrower than the edges leave, its own middle.
        let least = EDGE.max(shown.left);
        let most = (stage.width - EDGE).min(shown.left + shown.width);
        if least > most || (least..=most).contains(&wanted) {
            return self;
        }
        Divider::at(PointInScreen { x: wanted.clamp(least, most), y: 0.0 }, view, photo)
    }

    /// The line on the stage: its top and its length are those of the photo in sight.
    pub fn line_in_screen(self, view: View, photo: PhotoSize, stage: SizeInScreen) -> BoxInScreen {
        let at = |y: u32| {
            let x = self.share * f64::from(photo.width);
            view.to_screen(PointInPhoto { x, y: f64::from(y) })
        };
        let top = at(0).y.max(0.0);
        let bottom = at(photo.height).y.min(stage.height);
        BoxInScreen { left: at(0).x, top, width: 0.0, height: (bottom - top).max(0.0) }
    }
}

/// How many pixels two pictures of the same size (RGBA, 8 bits a channel) show differently, of
/// those that count: more than two decoders do.
pub fn changed_pixels(before: &[u8], after: &[u8], counts: impl Fn(usize) -> bool) -> u64 {
    let differ = |(a, b): (&[u8; 4], &[u8; 4])| {
        // What is seen: transparent pixels have no colour.
        let seen = |pixel: &[u8; 4], channel: u8| u32::from(channel) * u32::from(pixel[3]);
        a[3].abs_diff(b[3]) > 0
            || a.iter().zip(b).take(3).any(|(x, y)| {
                seen(a, *x).abs_diff(seen(b, *y)) > DECODERS_DIFFER * u32::from(u8::MAX)
            })
    };
    let pairs = before.as_chunks().0.iter().zip(after.as_chunks().0);
    pairs.enumerate().filter(|(index, pair)| counts(*index) && differ(*pair)).count() as u64
}

/// Says how much of a photo changed, with two significant digits.
pub fn changed_share(changed: u64, photo: PhotoSize) -> String {
    let pixels = f64::from(photo.width.max(1)) * f64::from(photo.height.max(1));
    let percent = changed as f64 * 100.0 / pixels;
    let percent = match percent {
        0.0 => "0".to_owned(),
        p if p < 0.01 => "less than 0.01".to_owned(),
        p if p < 0.095 => format!("{p:.2}"),
        p if p < 9.95 => format!("{p:.1}"),
        p => format!("{p:.0}"),
    };
    format!("{percent}\u{a0}% of the photo’s pixels changed")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: PhotoSize = PhotoSize { width: 200, height: 100 };
    const STAGE: SizeInScreen = SizeInScreen { width: 800.0, height: 600.0 };

    fn view(zoom: f64, x: f64) -> View {
        View { zoom, origin_in_screen: PointInScreen { x, y: 50.0 }, fitted: false }
    }

    #[test]
    fn a_divider_stands_where_it_is_put_and_within_the_photo() {
        let view = view(2.0, 100.0);
        let at = |x: f64| Divider::at(PointInScreen { x, y: 0.0 }, view, PHOTO).share();
        assert!((at(200.0) - 0.25).abs() < 1e-9);
        assert_eq!((at(-1e9), at(1e9), at(f64::NAN)), (0.0, 1.0, 0.5));
        let line = Divider::of_share(0.25).line_in_screen(view, PHOTO, STAGE);
        assert_eq!((line.left, line.top, line.height), (200.0, 50.0, 200.0));
    }

    #[test]
    fn a_divider_stays_in_sight_of_a_photo_that_is_zoomed_and_panned() {
        let middle = Divider::default();
        assert_eq!(middle.in_sight(view(2.0, 100.0), PHOTO, STAGE), middle);
        for (shift, edge) in [(-5_000.0, EDGE), (700.0, 800.0 - EDGE)] {
            let view = view(40.0, shift);
            let shown = middle.in_sight(view, PHOTO, STAGE).line_in_screen(view, PHOTO, STAGE);
            assert!((shown.left - edge).abs() < 1e-6, "{shift}: {}", shown.left);
            assert!(shown.top >= 0.0 && shown.top + shown.height <= STAGE.height);
        }
        // A stage without size, as before it is laid out.
        let none = SizeInScreen { width: 0.0, height: 0.0 };
        assert_eq!(middle.in_sight(view(2.0, 0.0), PHOTO, none), middle);
    }

    #[test]
    fn pixels_count_that_are_seen_to_differ() {
        let before = [[10, 20, 30, 255], [10, 20, 30, 255], [10, 20, 30, 255], [9, 9, 9, 0]];
        let after = [[10, 20, 30, 255], [14, 20, 26, 255], [10, 90, 30, 255], [200, 0, 0, 0]];
        let (before, after) = (before.as_flattened(), after.as_flattened());
        assert_eq!(changed_pixels(before, after, |_| true), 1);
        assert_eq!(changed_pixels(before, after, |index| index != 2), 0);
        assert_eq!(changed_pixels(before, before, |_| true), 0);
        assert_eq!(changed_pixels(&[0, 0, 0, 0], &[0, 0, 0, 255], |_| true), 1, "transparency");
    }

    #[test]
    fn shares_have_two_digits_that_mean_something() {
        let photo = PhotoSize { width: 1000, height: 1000 };
        for (changed, said) in
            [(0, "0"), (50, "less than 0.01"), (500, "0.05"), (18_400, "1.8"), (123_000, "12")]
        {
            let text = changed_share(changed, photo).replace('\u{a0}', " ");
            assert_eq!(text, format!("{said} % of the photo’s pixels changed"));
        }
    }
}
