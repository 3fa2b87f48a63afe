//! Pixels that replace the photo's: plain data, tested without a browser; `canvas` draws them.

use std::ops::Range;
use std::rc::Rc;

use crate::photo::BoxInPhoto;
use crate::removal::stroke_reach;
use crate::worker::protocol::{Check, Patch};

/// Pixels that replace the photo's in one box and right beside it.
#[derive(Clone, Debug)]
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
/// original at once, without waiting for the engine, while its neighbours are unchanged.
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
/// Beyond it only what is filled shows. RGBA of the piece's reach.
pub fn removed(piece: &Piece) -> Vec<u8> {
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
    rgba
}

/// The colour of what is filled. The style sheet makes the whole canvas translucent, as pieces
/// overlap.
const TINT: [u8; 4] = [230, 0, 126, 255];

/// The piece's pixels that are filled, tinted. RGBA of the piece's reach.
pub fn tinted(piece: &Piece) -> Vec<u8> {
    let (area, reach) = (piece.patch.area, piece.reach());
    let tint = |column: u32, row: u32| match piece.patch.fills(column, row) {
        true => TINT,
        false => [0; 4],
    };
    let left = reach.left.saturating_sub(area.left);
    let top = reach.top.saturating_sub(area.top);
    (top..top + reach.height)
        .flat_map(|row| (left..left + reach.width).flat_map(move |column| tint(column, row)))
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(left: u32, top: u32) -> BoxInPhoto {
        BoxInPhoto { left, top, width: 20, height: 40 }
    }

    /// What the engine gives for boxes that it fills together: their hull.
    fn patch(boxes: &[BoxInPhoto], grey: u8) -> Patch {
        let area = boxes.iter().copied().reduce(|a, b| a.union(&b)).expect("a box");
        let pixels = (area.width * area.height) as usize;
        let filled = Patch::filled_of(&vec![false; pixels]);
        Patch { area, boxes: boxes.to_vec(), rgba: vec![grey; 4 * pixels], filled }
    }

    #[test]
    fn a_box_shows_its_own_patch_where_another_one_s_hull_covers_it() {
        let first = [at(10, 10), at(10, 60), at(10, 110), at(40, 110), at(70, 110)];
        let last = at(60, 30);
        let patches = vec![patch(&first, 1), patch(&[last], 2)];
        assert_eq!(patches[0].area.intersection(&last), Some(last), "covered by the first hull");
        let check = Check { area: last, residue: 0.5, legible: false, unchanged: false };
        let pieces = cut_pieces(patches, &[check]);
        assert_eq!(pieces.len(), 6);
        for piece in &pieces {
            let grey = if piece.box_in_photo == last { 2 } else { 1 };
            assert!(removed(piece).contains(&grey) && !removed(piece).contains(&(3 - grey)));
            assert_eq!(piece.check.is_some(), piece.box_in_photo == last);
        }
        assert!(pieces[0].is(&pieces[0]) && !pieces[0].is(&pieces[1]));
    }

    #[test]
    fn beyond_its_box_and_a_rim_a_piece_shows_only_what_is_filled() {
        let box_in_photo = BoxInPhoto { left: 12, top: 12, width: 4, height: 8 };
        let area = BoxInPhoto { left: 10, top: 10, width: 9, height: 12 };
        let mut filled = vec![false; 9 * 12];
        filled[0] = true;
        let patch = Patch {
            area,
            boxes: vec![box_in_photo],
            rgba: vec![255; 4 * 9 * 12],
            filled: Patch::filled_of(&filled),
        };
        let pieces = cut_pieces(vec![patch], &[]);
        let reach = pieces[0].reach();
        let rgba = removed(&pieces[0]);
        assert_eq!(rgba.len(), 4 * (reach.width * reach.height) as usize);
        let shows = |x: u32, y: u32| {
            let at = (y - reach.top) * reach.width + x - reach.left;
            rgba[4 * at as usize + 3] > 0
        };
        assert!(shows(12, 12) && shows(11, 11) && shows(16, 20), "the box and its rim");
        assert_eq!((reach.left, reach.top), (10, 10));
        assert!(shows(10, 10) && !shows(10, 11), "beyond, what is filled");
        let tints = tinted(&pieces[0]).chunks_exact(4).filter(|pixel| pixel[3] > 0).count();
        assert_eq!(tints, 1);
    }
}
