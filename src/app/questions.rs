//! What to ask the engine about the boxes, and which of its answers the stage keeps meanwhile.
//! Plain data, tested without a browser; [`super::dialogue`] knows which questions are open.

use super::erasing::{affected, textured_from};
use super::pieces::{Piece, cut_pieces};
use crate::photo::BoxInPhoto;
use crate::removal::{Erasure, Method};
use crate::worker::protocol::{Ask, Check, Patch};

/// What was asked last, as far as the next question depends on it.
#[derive(Debug, Default)]
pub struct Questions {
    read: Vec<BoxInPhoto>,
    /// Whether the digits in the photo are to be found, as soon as the engine has it.
    finds: bool,
    removal: Option<(Erasure, Method)>,
    /// Areas whose fill on the stage is not that of the boxes as they were asked about last; none
    /// while it is so of all.
    unfilled: Option<Vec<BoxInPhoto>>,
    /// Boxes that came or went while others' texture was left unchanged.
    moved: Vec<BoxInPhoto>,
    /// Whether the last answer about the removal was a second look.
    checking: bool,
    inside: Option<InsideQuestion>,
    comparison: Option<(Vec<String>, Vec<BoxInPhoto>)>,
}

/// What the inspector was asked: the box, the gradient's digit, what is taken out, the method.
type InsideQuestion = (BoxInPhoto, Option<u8>, Erasure, Method);

/// What is to be done about the removal.
#[derive(Clone, Debug)]
pub enum Removal {
    /// Nothing before the open question is answered.
    Waits,
    /// Nothing: the last question was the same.
    Settled,
    /// Nothing is left to fill; what is not wanted any more goes.
    Clears,
    /// To ask this.
    Asks(Ask),
}

impl Questions {
    /// Everything about the boxes but their readings is to be asked again.
    pub fn forget(&mut self) {
        self.removal = None;
        self.unfilled = None;
        self.inside = None;
        self.comparison = None;
    }

    /// Everything is to be asked again, as of another photo.
    pub fn forget_photo(&mut self) {
        self.read.clear();
        self.finds = false;
        self.forget();
    }

    /// The digits in the photo are to be found.
    pub fn wish_to_find(&mut self) {
        self.finds = true;
    }

    /// Asks for the digits in the photo, if that was wished for.
    pub fn finding(&mut self) -> Option<Ask> {
        std::mem::take(&mut self.finds).then_some(Ask::Find)
    }

    /// Asks for readings. Only boxes are asked about whose reading is not known: a reading depends
    /// on nothing but its own box, and moving one of many should cost one. `is_open` says whether
    /// the last such question waits for its answer.
    pub fn reading(&mut self, unread: Vec<BoxInPhoto>, is_open: bool) -> Option<Ask> {
        if unread.is_empty() || (is_open && self.read == unread) {
            return None;
        }
        self.read.clone_from(&unread);
        Some(Ask::Read { boxes: unread })
    }

    /// Asks for the removal of all digits that are to be removed now.
    ///
    /// Boxes near each other are asked about together, because they are filled together; boxes with no
    /// change near them keep their fill. While a box is dragged, the next question waits for the
    /// answer, so that a slow machine answers at all. Boxes that only take their texture from near
    /// it follow when it is released.
    pub fn removal(
        &mut self,
        erasure: Erasure,
        method: &Method,
        is_dragging: bool,
        is_open: bool,
    ) -> Removal {
        if is_dragging && is_open {
            return Removal::Waits;
        }
        let question = (erasure, method.clone());
        let settled = is_dragging || self.moved.is_empty();
        if settled && self.removal.as_ref() == Some(&question) {
            return Removal::Settled;
        }
        let before = self.removal.replace(question.clone());
        let (erasure, method) = question;
        let boxes = self.boxes_to_fill(before, &erasure, &method, is_dragging);
        if boxes.is_empty() {
            return Removal::Clears;
        }
        Removal::Asks(Ask::Erase { erasure: erasure.part(boxes), method, check: false })
    }

    /// The boxes whose fill may differ from what was there before.
    fn boxes_to_fill(
        &mut self,
        before: Option<(Erasure, Method)>,
        erasure: &Erasure,
        method: &Method,
        is_dragging: bool,
    ) -> Vec<BoxInPhoto> {
        match (before, &mut self.unfilled) {
            (Some((before, same)), Some(unfilled)) if same == *method => {
                let changed = erasure.changed_since(&before);
                self.moved.extend(&changed);
                unfilled.extend(changed);
                if !is_dragging {
                    let moved = std::mem::take(&mut self.moved);
                    unfilled.extend(textured_from(&moved, &erasure.boxes, method));
                }
                affected(unfilled, &erasure.boxes, method)
            }
            (_, unfilled) => {
                self.moved.clear();
                *unfilled = Some(erasure.boxes.clone());
                erasure.boxes.clone()
            }
        }
    }

    /// Takes in that the last question about the removal was answered; `checked` if by a second
    /// look.
    pub fn removal_came(&mut self, checked: bool) {
        self.unfilled = Some(Vec::new());
        self.checking = checked;
    }

    /// Whether the last answer about the removal was a second look, so that the next one follows
    /// at once.
    pub fn is_checking(&self) -> bool {
        self.checking
    }

    /// Asks for a second look at what is on the stage as the engine removed it last: at the first
    /// boxes that are filled together and were not looked at again. Not at all of them at once: a
    /// box that is dragged next would wait for them.
    pub fn check(&self, pieces: &[Piece]) -> Option<Ask> {
        let (erasure, method) = self.removal.as_ref()?;
        let mut unchecked = pieces.iter().filter(|piece| piece.check.is_none());
        let first = unchecked.find(|piece| erasure.boxes.contains(&piece.box_in_photo))?;
        let boxes = affected(&[first.box_in_photo], &erasure.boxes, method);
        let erasure = erasure.part(boxes);
        Some(Ask::Erase { erasure, method: method.clone(), check: true })
    }

    /// Replaces the fill of some boxes by a new one, and keeps that of the others where it is still
    /// wanted.
    pub fn lay(
        &self,
        pieces: &mut Vec<Piece>,
        boxes: &[BoxInPhoto],
        patches: Vec<Patch>,
        checks: &[Check],
    ) {
        let wanted = self.removal.as_ref().map_or(&[][..], |(erasure, _)| &erasure.boxes);
        pieces.retain(|piece| {
            let area = &piece.box_in_photo;
            wanted.contains(area) && !boxes.contains(area)
        });
        pieces.extend(cut_pieces(patches, checks));
    }

    /// Asks what is inside a box. `grown` is the part of the photo that is filled there; none where
    /// the digit is kept.
    pub fn inside(
        &mut self,
        area: BoxInPhoto,
        grown: Option<BoxInPhoto>,
        digit: Option<u8>,
        erasure: &Erasure,
        method: &Method,
    ) -> Option<Ask> {
        let grown = grown.unwrap_or(area);
        // What is removed is looked at with all that is filled together with it.
        let boxes = match erasure.boxes.contains(&grown) {
            true => affected(&[grown], &erasure.boxes, method),
            false => vec![grown],
        };
        let question = (area, digit, erasure.part(boxes), method.clone());
        if !is_new(&mut self.inside, &question) {
            return None;
        }
        let (area, digit, erasure, method) = question;
        Some(Ask::Inspect { area, digit, erasure, method })
    }

    /// Has these models read the boxes; none are models that have.
    pub fn comparison(
        &mut self,
        models: Vec<String>,
        boxes: Vec<BoxInPhoto>,
        is_open: bool,
    ) -> Option<Ask> {
        let question = (models, boxes);
        let asked = !is_new(&mut self.comparison, &question) && is_open;
        let (models, boxes) = question;
        (!models.is_empty() && !asked).then_some(Ask::Compare { models, boxes })
    }
}

/// Whether the last question was another one; from now on it is this one.
fn is_new<Q: Clone + PartialEq>(last: &mut Option<Q>, question: &Q) -> bool {
    last.replace(question.clone()).as_ref() != Some(question)
}

#[cfg(test)]
mod tests;
