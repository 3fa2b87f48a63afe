//! How digits are taken out, and what shows of it.

use std::collections::HashMap;

use leptos::prelude::*;

use super::boxes::Boxes;
use super::seen::Seen;
use crate::app::editor::{BoxId, Editor};
use crate::app::pieces::Piece;
use crate::removal::Method;
use crate::worker::protocol::Check;

/// The removal.
#[derive(Clone, Copy)]
pub struct Removal {
    /// How digits are taken out.
    pub method: Seen<Method>,
    /// Pixels without the digits.
    pub pieces: Seen<Vec<Piece>, LocalStorage>,
    /// What the second look at the removal found in each box, as far as it was looked at.
    pub checks: Memo<HashMap<BoxId, Check>>,
    /// How many pixels the removal changes, once the engine has done it.
    pub changed: Seen<Option<u64>>,
}

impl Removal {
    /// Nothing is removed yet.
    pub fn new(boxes: Boxes) -> Self {
        let pieces = Seen::new_local(Vec::new());
        Removal {
            method: Seen::new(Method::default()),
            pieces,
            checks: Memo::new(move |_| checks_of(boxes, pieces)),
            changed: Seen::new(None),
        }
    }

    /// Changes how digits are taken out.
    pub fn change_method(self, change: impl FnOnce(&mut Method)) {
        self.method.update(change);
    }

    /// Adds pixels to the stage, or removes some.
    pub fn lay(self, lay: impl FnOnce(&mut Vec<Piece>)) {
        self.pieces.update(lay);
    }

    /// Takes all pixels away, as for another photo.
    pub fn clear(self) {
        self.pieces.set(Vec::new());
    }

    /// Notes how many pixels it changes.
    pub fn set_changed(self, count: Option<u64>) {
        self.changed.set(count);
    }
}

/// The checks of the boxes as they lie now.
fn checks_of(boxes: Boxes, pieces: Seen<Vec<Piece>, LocalStorage>) -> HashMap<BoxId, Check> {
    let grown = boxes.editor.with(|editor| editor.as_ref().map(Editor::grown).unwrap_or_default());
    pieces.with(|pieces| {
        let check = |(id, area)| {
            let piece = pieces.iter().find(|piece| piece.box_in_photo == area)?;
            Some((id, piece.check?))
        };
        grown.into_iter().filter_map(check).collect()
    })
}
