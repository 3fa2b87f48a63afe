//! The brush that corrects what is taken for strokes.

use super::seen::Seen;
use crate::app::editor::PointInPhoto;
use crate::removal::Brush;

/// Minimum and maximum width in photo pixels.
pub const WIDTHS: (u32, u32) = (2, 150);

/// The brush.
#[derive(Clone, Copy)]
pub struct BrushInHand {
    /// What it does, while it is up.
    pub does: Seen<Option<Brush>>,
    /// Its width in photo pixels; 0 before it is first used.
    pub width: Seen<u32>,
    /// Where it is.
    pub at: Seen<Option<PointInPhoto>>,
}

impl BrushInHand {
    /// Laid down.
    pub fn new() -> Self {
        BrushInHand { does: Seen::new(None), width: Seen::new(0), at: Seen::new(None) }
    }

    /// Whether it is up, without following it.
    pub fn is_up(self) -> bool {
        self.does.get_untracked().is_some()
    }

    /// Changes what it does, or switches it off.
    pub fn take(self, does: Option<Brush>) {
        self.does.set(does);
    }

    /// Makes it so wide, within its limits.
    pub fn set_width(self, width: u32) {
        self.width.set(width.clamp(WIDTHS.0, WIDTHS.1));
    }

    /// Moves it; without a place it is nowhere on this photo yet.
    pub fn move_to(self, point_in_photo: Option<PointInPhoto>) {
        self.at.set(point_in_photo);
    }
}
