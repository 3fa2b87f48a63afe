//! Pixels that replace the photo's.

use std::ops::Range;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use web_sys::HtmlCanvasElement;

use super::canvas::canvas_with;
use crate::photo::BoxInPhoto;
use crate::removal::stroke_reach;
use crate::worker::protocol::{Check, Patch};

/// Pixels that replace the photo's in one box and right beside it.
#[derive(Clone)]
pub struct Piece {
    /// The box that was removed.
    pub box_in_photo: BoxInPhoto,
    /// The patch that holds its pixels.
    pub patch: Rc<Patch>,
    /// What the second look found in the box; none before it.
    pub check: Option<Check>,
}

impl Piece {
    /// The part of the photo that it may change: its box, and as far beyond it as strokes are
    /// followed.
    pub fn reach(&self) -> BoxInPhoto {
        let reach = stroke_reach(&self.box_in_photo);
        // The patch holds all that the removal may change.
        reach.intersection(&self.patch.area).unwrap_or(self.box_in_photo)
    }

    /// Whether the other is this very piece, of the same answer.
    pub fn is(&self, other: &Self) -> bool {
        self.box_in_photo == other.box_in_photo && Rc::ptr_eq(&self.patch, &other.patch)
    }
}

/// One piece a box of the patches, each with its check where there is one.
///
/// Boxes are shown piece by piece so that a box that is moved, switched off or deleted shows the
/// original at once, without waiting for the engine, while its neighbours stay as they are.
pub fn cut_pieces(patches: Vec<Patch>, checks: &[Check]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for patch in patches.into_iter().map(Rc::new) {
        pieces.extend(patch.boxes.iter().map(|&box_in_photo| {
            let check = checks.iter().find(|check| check.area == box_in_photo).copied();
            Piece { box_in_photo, patch: Rc::clone(&patch), check }
        }));
    }
    pieces
}

/// The piece's pixels in its box and a rim of one pixel, where the patch has it: without, the edges
/// of two touching pieces let a hairline of the original through where the photo is drawn reduced.
/// Beyond it only what is filled shows.
pub fn removed(piece: &Piece) -> Result<HtmlCanvasElement, JsValue> {
    let (patch, inner, reach) = (&piece.patch, piece.box_in_photo, piece.reach());
    let mut rgba = rows_of(patch, reach.left..reach.right(), reach.top..reach.bottom());
    let pixels =
        (reach.top..reach.bottom()).flat_map(|y| (reach.left..reach.right()).map(move |x| (x, y)));
    for ((x, y), pixel) in pixels.zip(rgba.chunks_exact_mut(4)) {
        let in_rim = inner.within(&BoxInPhoto { left: x, top: y, width: 1, height: 1 }, 1);
        if !in_rim && !patch.fills(x - patch.area.left, y - patch.area.top) {
            pixel[3] = 0;
        }
    }
    canvas_with(reach.width, reach.height, &rgba)
}

/// The colour of what is filled. The style sheet makes the whole canvas translucent, as pieces
/// overlap.
const TINT: [u8; 4] = [230, 0, 126, 255];

/// The piece's pixels that are filled, tinted.
pub fn tinted(piece: &Piece) -> Result<HtmlCanvasElement, JsValue> {
    let (area, reach) = (piece.patch.area, piece.reach());
    let tint = |column: u32, row: u32| match piece.patch.fills(column, row) {
        true => TINT,
        false => [0; 4],
    };
    let left = reach.left.saturating_sub(area.left);
    let top = reach.top.saturating_sub(area.top);
    let rgba: Vec<u8> = (top..top + reach.height)
        .flat_map(|row| (left..left + reach.width).flat_map(move |column| tint(column, row)))
        .collect();
    canvas_with(reach.width, reach.height, &rgba)
}

/// The part of a patch's pixels in these columns and rows of the photo; what the patch does not
/// hold is missing, which makes the whole too short to be drawn.
fn rows_of(patch: &Patch, columns: Range<u32>, rows: Range<u32>) -> Vec<u8> {
    let at = |column: u32, row: u32| {
        let (x, y) = (column.saturating_sub(patch.area.left), row.saturating_sub(patch.area.top));
        (y as usize * patch.area.width as usize + x as usize) * 4
    };
    rows.filter_map(|row| patch.rgba.get(at(columns.start, row)..at(columns.end, row)))
        .flatten()
        .copied()
        .collect()
}
