//! Where a box is taken hold of: its handles, and the part of it that moves it.
//!
//! Digits stand side by side and overlap, so the next box mostly begins right beside the last one, or
//! in it. Handles therefore lie inside their box, what is seen of one is all that is grabbed, and a box
//! that was only just drawn leaves its corners and its outer quarters to the next drag.

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
const FINE_HANDLE: f64 = 11.0;
const COARSE_HANDLE: f64 = 28.0;

/// The share of a fresh box's width and height, on each side, that does not move it: the next digit's box
/// may begin there.
const FRESH_SIDE: f64 = 1.0 / 4.0;

/// A handle that is smaller cannot be seen.
const MIN_HANDLE: f64 = 3.0;

impl Grips {
    /// The handles, with their places from the box's top left corner. They leave the middle third
    /// of each side free, and lie at its middle only where there is room for seven. A fresh box has none
    /// at its corners, where the next box mostly begins, and none for a finger, which finds little else.
    pub fn handles(&self) -> Vec<(Handle, BoxInScreen)> {
        let full = match self.hand {
            Hand::Fine => FINE_HANDLE,
            Hand::Coarse if self.is_fresh => return Vec::new(),
            Hand::Coarse => COARSE_HANDLE,
        };
        let BoxInScreen { width, height, .. } = self.place_in_screen;
        let (wide, high) = (full.min(width / 3.0), full.min(height / 3.0));
        if wide < MIN_HANDLE || high < MIN_HANDLE {
            return Vec::new();
        }
        let start = |low: bool, up: bool, side: f64, size: f64| match (low, up) {
            (true, _) => 0.0,
            (_, true) => side - size,
            _ => (side - size) / 2.0,
        };
        let place = |handle: Handle| BoxInScreen {
            left: start(handle.moves_west(), handle.moves_east(), width, wide),
            top: start(handle.moves_north(), handle.moves_south(), height, high),
            width: wide,
            height: high,
        };
        let fits = |handle: &Handle| match handle {
            Handle::North | Handle::South => width >= 7.0 * full,
            Handle::East | Handle::West => height >= 7.0 * full,
            _ => !self.is_fresh,
        };
        Handle::ALL.into_iter().filter(fits).map(|handle| (handle, place(handle))).collect()
    }

    /// Whether a drag that begins there, and on no handle, moves the box.
    pub fn moves_at(&self, point: PointInScreen) -> bool {
        let BoxInScreen { left, top, width, height } = self.place_in_screen;
        let share = if self.is_fresh { FRESH_SIDE } else { 0.0 };
        let (across, down) = (share * width, share * height);
        (left + across..left + width - across).contains(&point.x)
            && (top + down..top + height - down).contains(&point.y)
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
    fn the_next_box_may_begin_beside_any_box_and_in_the_outer_quarters_of_a_fresh_one() {
        for hand in HANDS {
            let moves_at = |is_fresh: bool, x: f64, y: f64| {
                grips(40.0, 80.0, is_fresh, hand).moves_at(PointInScreen { x, y })
            };
            assert!(!moves_at(false, 140.0, 90.0) && !moves_at(false, 120.0, 130.0));
            assert!(moves_at(false, 139.0, 90.0) && moves_at(false, 120.0, 129.0));
            assert_eq!(
                [109.0, 111.0, 129.0, 131.0].map(|x| moves_at(true, x, 90.0)),
                [false, true, true, false]
            );
            assert_eq!(
                [69.0, 71.0, 109.0, 111.0].map(|y| moves_at(true, 120.0, y)),
                [false, true, true, false]
            );
        }
        assert!(grips(4.0, 8.0, true, Hand::Coarse).moves_at(PointInScreen { x: 102.0, y: 54.0 }));
    }

    #[test]
    fn a_fresh_box_has_handles_at_the_middle_of_its_sides_and_none_for_a_finger() {
        let names = |hand| {
            let handles = grips(90.0, 120.0, true, hand).handles();
            handles.into_iter().map(|(handle, _)| handle.name()).collect::<Vec<_>>()
        };
        assert_eq!(names(Hand::Fine), ["n", "e", "s", "w"]);
        assert!(names(Hand::Coarse).is_empty());
    }

    #[test]
    fn a_finger_gets_larger_handles() {
        let sides = |hand| {
            let handles = grips(90.0, 120.0, false, hand).handles();
            (handles.len(), handles[0].1.width)
        };
        assert_eq!(sides(Hand::Coarse), (4, 28.0));
        assert_eq!(sides(Hand::Fine), (8, 11.0));
    }
}
