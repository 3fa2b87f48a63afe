//! What a pointer that is down is doing.

use super::boxes::BoxId;
use super::handle::Handle;
use super::view::PointInPhoto;
use crate::photo::BoxInPhoto;
use crate::removal::BrushStroke;

/// What a finished gesture came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// No gesture was in progress.
    Nothing,
    /// The pointer hardly moved: a click, on a box or on empty photo.
    Click(Option<BoxId>),
    /// A new box was drawn and selected.
    Drawn(BoxId),
    /// What was drawn is too thin for a digit, and no box.
    Sliver(BoxInPhoto),
    /// A box was moved or resized.
    Changed(BoxId),
    /// The brush painted a stroke.
    Painted,
}

/// A box that is being drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Where it lies.
    pub area: BoxInPhoto,
    /// Whether it is too thin for a digit, and would be no box.
    pub is_sliver: bool,
}

impl Finished {
    /// Whether it was a stroke of the brush.
    pub fn is_painted(self) -> bool {
        self == Finished::Painted
    }
}
/// A drag in progress. `from` is where the pointer went down; `original` is the box before it,
/// `originals` all that are moved.
#[derive(Clone, Debug)]
pub(super) enum Gesture {
    /// A new box.
    Draw { from: PointInPhoto, slack: f64, over: Option<BoxId>, draft: Option<BoxInPhoto> },
    /// Boxes move with the pointer, which went down on one of them.
    Move {
        id: BoxId,
        from: PointInPhoto,
        slack: f64,
        originals: Vec<(BoxId, BoxInPhoto)>,
        moved: bool,
    },
    /// The brush paints a stroke.
    Paint(BrushStroke),
    /// Some edges of a box move with the pointer.
    Resize { id: BoxId, handle: Handle, from: PointInPhoto, original: BoxInPhoto },
}
