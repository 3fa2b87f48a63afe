//! Where a box is taken hold of: its handles, and the part of it that moves it.
//!
//! Digits stand side by side, a pixel or two apart on the screen, so the next box mostly begins
//! right beside the last one, or even in its rim. Handles therefore lie inside their box, what is
//! seen of one is all that is grabbed, and a box that was only just drawn leaves its rim, and its sides
//! between the handles, to the next drag.

use super::handle::Handle;
use super::view::{BoxInScreen, PointInScreen};

/// What a box is pointed at with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hand {
    /// A mouse or a pen.
    #[default]
    Fine,
    /// A finger.
    Coarse,
}

/// A selected box, and what it can be dragged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grips {
    /// Where it lies.
    pub place_in_screen: BoxInScreen,
    /// Whether it was drawn and not touched since, so that most likely the next box is drawn.
    pub is_fresh: bool,
    /// With what.
    pub hand: Hand,
}

/// A handle's side in CSS pixels, where the box has room for it.
const FRESH_HANDLE: f64 = 8.0;
const FINE_HANDLE: f64 = 11.0;
const COARSE_HANDLE: f64 = 28.0;

/// The rim in CSS pixels in which a fresh box has no handles, and above and below is not moved. Boxes of
/// slanted digits overlap by a share of their width, so on a large one a mouse leaves as much to the next
/// box as a finger does.
const FINE_RIM: f64 = 3.0;
const FINE_RIM_SHARE: f64 = 1.0 / 8.0;
const COARSE_RIM: f64 = 10.0;

/// The share of a fresh box's width, on each side, that does not move it: where digits overlap, the next
/// one's box begins there. Its handles lie there, too, and are grabbed.
const FRESH_SIDE: f64 = 1.0 / 4.0;

/// A handle that is smaller cannot be seen.
const MIN_HANDLE: f64 = 3.0;

impl Grips {
    /// The handles, with their places from the box's top left corner. They leave the middle third
    /// of each side free, and lie at its middle only where there is room for seven.
    pub fn handles(&self) -> Vec<(Handle, BoxInScreen)> {
        let full = match (self.hand, self.is_fresh) {
            (Hand::Fine, false) => FINE_HANDLE,
            (Hand::Fine, true) => FRESH_HANDLE,
            (Hand::Coarse, false) => COARSE_HANDLE,
            // The finger that drew the box would find nothing but handles beside it.
            (Hand::Coarse, true) => return Vec::new(),
        };
        let BoxInScreen { width, height, .. } = self.place_in_screen;
        let (across, down) = self.rim();
        let size = |side: f64, rim: f64| full.min(side / 3.0 - rim);
        let (wide, high) = (size(width, across), size(height, down));
        if wide < MIN_HANDLE || high < MIN_HANDLE {
            return Vec::new();
        }
        let start = |low: bool, up: bool, side: f64, size: f64, rim: f64| match (low, up) {
            (true, _) => rim,
            (_, true) => side - rim - size,
            _ => (side - size) / 2.0,
        };
        let place = |handle: Handle| BoxInScreen {
            left: start(handle.moves_west(), handle.moves_east(), width, wide, across),
            top: start(handle.moves_north(), handle.moves_south(), height, high, down),
            width: wide,
            height: high,
        };
        let fits = |handle: &Handle| match handle {
            Handle::North | Handle::South => width >= 7.0 * full,
            Handle::East | Handle::West => height >= 7.0 * full,
            _ => true,
        };
        Handle::ALL.into_iter().filter(fits).map(|handle| (handle, place(handle))).collect()
    }

    /// Whether a drag that begins there, and on no handle, moves the box.
    pub fn moves_at(&self, point: PointInScreen) -> bool {
        let BoxInScreen { left, top, width, height } = self.place_in_screen;
        let (_, down) = self.rim();
        let across = if self.is_fresh { FRESH_SIDE * width } else { 0.0 };
        (left + across..left + width - across).contains(&point.x)
            && (top + down..top + height - down).contains(&point.y)
    }

    /// The rim's breadth beside and above; the middle half of a box is always its own.
    fn rim(&self) -> (f64, f64) {
        let BoxInScreen { width, height, .. } = self.place_in_screen;
        let full = match (self.is_fresh, self.hand) {
            (false, _) => 0.0,
            (true, Hand::Fine) => (FINE_RIM_SHARE * width).clamp(FINE_RIM, COARSE_RIM),
            (true, Hand::Coarse) => COARSE_RIM,
        };
        (full.min(width / 4.0), full.min(height / 4.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grips(width: f64, height: f64, is_fresh: bool, hand: Hand) -> Grips {
        let place_in_screen = BoxInScreen { left: 100.0, top: 50.0, width, height };
        Grips { place_in_screen, is_fresh, hand }
    }

    const HANDS: [Hand; 2] = [Hand::Fine, Hand::Coarse];

    #[test]
    fn handles_lie_inside_and_leave_the_middle_to_the_move() {
        for hand in HANDS {
            for is_fresh in [false, true] {
                for (width, height) in [(4.0, 9.0), (12.0, 20.0), (40.0, 70.0), (300.0, 400.0)] {
                    let grips = grips(width, height, is_fresh, hand);
                    let middle = BoxInScreen {
                        left: width / 3.0 + 0.01,
                        top: height / 3.0 + 0.01,
                        width: width / 3.0 - 0.02,
                        height: height / 3.0 - 0.02,
                    };
                    for (handle, place) in grips.handles() {
                        let whole = BoxInScreen { left: 0.0, top: 0.0, width, height };
                        let inside = place.overlap(&whole) - place.width * place.height;
                        assert!(inside.abs() < 1e-9, "{handle:?} of {grips:?}");
                        assert!(place.overlap(&middle) == 0.0, "{handle:?} of {grips:?}");
                    }
                    let at = PointInScreen { x: 100.0 + width / 2.0, y: 50.0 + height / 2.0 };
                    assert!(grips.moves_at(at), "{grips:?}");
                }
            }
        }
    }

    #[test]
    fn the_next_box_may_begin_beside_any_box_and_in_the_rim_of_a_fresh_one() {
        let at = |x: f64| PointInScreen { x, y: 60.0 };
        for hand in HANDS {
            assert!(!grips(40.0, 70.0, false, hand).moves_at(at(140.0)));
            assert!(grips(40.0, 70.0, false, hand).moves_at(at(139.0)));
            assert!(!grips(40.0, 70.0, true, hand).moves_at(at(139.0)));
            // No handle either is where a fresh box leaves its rim to the next one.
            let rim = BoxInScreen { left: 38.0, top: 0.0, width: 2.0, height: 70.0 };
            let in_rim = |(_, place): (Handle, BoxInScreen)| place.overlap(&rim) > 0.0;
            assert!(!grips(40.0, 70.0, true, hand).handles().into_iter().any(in_rim));
        }
        assert!(grips(4.0, 8.0, true, Hand::Coarse).moves_at(PointInScreen { x: 102.0, y: 54.0 }));
    }

    #[test]
    fn the_next_box_may_overlap_a_fresh_large_one() {
        let grips = grips(87.0, 126.0, true, Hand::Fine);
        // 9 of 87 pixels, as of digits that lean, enlarged three times; and 20, a little lower.
        for (x, y) in [(178.0, 59.0), (167.0, 75.0), (120.0, 75.0)] {
            assert!(!grips.moves_at(PointInScreen { x, y }));
            let at = |place: BoxInScreen| {
                (place.left..place.left + place.width).contains(&(x - 100.0))
                    && (place.top..place.top + place.height).contains(&(y - 50.0))
            };
            assert!(!grips.handles().into_iter().any(|(_, place)| at(place)));
        }
        for hand in HANDS {
            let moves_at =
                |x| self::grips(87.0, 126.0, true, hand).moves_at(PointInScreen { x, y: 75.0 });
            assert_eq!([120.0, 125.0, 160.0, 167.0].map(moves_at), [false, true, true, false]);
        }
    }

    #[test]
    fn a_finger_gets_larger_handles_once_it_tapped_the_box() {
        assert!(grips(90.0, 120.0, true, Hand::Coarse).handles().is_empty());
        let sides = |is_fresh, hand| {
            let handles = grips(90.0, 120.0, is_fresh, hand).handles();
            (handles.len(), handles[0].1.width)
        };
        assert_eq!(sides(false, Hand::Coarse), (4, 28.0));
        assert_eq!(sides(false, Hand::Fine), (8, 11.0));
        assert_eq!(sides(true, Hand::Fine), (8, 8.0));
    }
}
