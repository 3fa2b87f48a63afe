//! The stage: how the photo lies on it, what it is compared with, and what the pointer does there.

use super::seen::Seen;
use crate::app::comparison::Divider;
use crate::app::editor::{Hand, PointInScreen, SizeInScreen, View};
use crate::photo::PhotoSize;

/// The stage.
#[derive(Clone, Copy)]
pub struct Stage {
    /// How the photo lies on it.
    pub view: Seen<View>,
    /// Its size.
    pub size: Seen<SizeInScreen>,
    /// Whether the original is shown without the removals.
    pub comparing: Seen<bool>,
    /// The divider between before and after, while it is on.
    pub divider: Seen<Option<Divider>>,
    /// Whether the original is shown beside the result.
    pub beside: Seen<bool>,
    /// What it was pointed at with last.
    pub hand: Seen<Hand>,
    /// Whether a drag pans, as while Space is held.
    pub panning: Seen<bool>,
    /// Whether a file is being dragged over the page.
    pub dropping: Seen<bool>,
}

impl Stage {
    /// An empty stage.
    pub fn new() -> Self {
        Stage {
            view: Seen::new(View::default()),
            size: Seen::new(SizeInScreen { width: 0.0, height: 0.0 }),
            comparing: Seen::new(false),
            divider: Seen::new(None),
            beside: Seen::new(false),
            hand: Seen::new(Hand::default()),
            panning: Seen::new(false),
            dropping: Seen::new(false),
        }
    }

    /// Takes on its size; gives the last one where it is another.
    pub fn resize(self, size: SizeInScreen) -> Option<SizeInScreen> {
        let last = self.size.get_untracked();
        if last == size {
            return None;
        }
        self.size.set(size);
        Some(last)
    }

    /// Fits the photo to the stage.
    pub fn fit(self, photo: PhotoSize) {
        self.view.set(View::fit(photo, self.size.get_untracked()));
    }

    /// Zooms about a point of the stage, or about its middle.
    pub fn zoom(self, anchor: Option<PointInScreen>, factor: f64, photo: PhotoSize) {
        let stage = self.size.get_untracked();
        let middle = PointInScreen { x: stage.width / 2.0, y: stage.height / 2.0 };
        let anchor = anchor.unwrap_or(middle);
        self.view.update(|view| *view = view.zoomed_at(anchor, factor, photo, stage));
    }

    /// Shifts the photo on the stage.
    pub fn pan(self, dx: f64, dy: f64, photo: PhotoSize) {
        let stage = self.size.get_untracked();
        self.view.update(|view| *view = view.panned(dx, dy, photo, stage));
    }

    /// Shows the original, or the result again.
    pub fn compare(self, on: bool) {
        self.comparing.set(on);
    }

    /// Puts the divider somewhere, or takes it away.
    pub fn divide(self, divider: Option<Divider>) {
        self.divider.set(divider);
    }

    /// Shows the original beside the result, or the result alone.
    pub fn set_beside(self, on: bool) {
        self.beside.set(on);
    }

    /// Notes what it is pointed at with.
    pub fn pointed_with(self, hand: Hand) {
        self.hand.set_if_new(hand);
    }

    /// Has a drag pan, or not any more.
    pub fn pan_by_drag(self, on: bool) {
        self.panning.set(on);
    }

    /// A file is being dragged over the page, or not any more.
    pub fn drag_over(self, on: bool) {
        self.dropping.set(on);
    }
}
