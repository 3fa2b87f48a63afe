//! Editing boxes on a photo. Plain data and plain functions without web types, so that it can be
//! tested without a browser. The page turns pointer and key events into these calls.
//!
//! Names contain their coordinate system: *photo* (pixels of the upright photo, which the engine
//! gets) or *screen* (CSS pixels from the stage's top left corner). Only [`View`] converts between
//! them.
//!
//! This file holds the editor, its state, the selection and the undo history; `pointer` what a
//! pointer does, `edits` what a key or a button does.

mod boxes;
mod edits;
mod gesture;
mod grips;
mod handle;
mod history;
mod labels;
mod pointer;
mod suggestions;
#[cfg(test)]
mod tests;
mod view;
mod work;

pub use boxes::{BoxId, PhotoBox};
pub use gesture::{Draft, Finished};
pub use grips::{Grips, Hand};
pub use handle::Handle;
pub use labels::{LabelForm, PlacedLabel, place_labels};
pub use view::{BoxInScreen, MAX_FIT_ZOOM, PointInPhoto, PointInScreen, SizeInScreen, View};
pub use work::Work;

use std::sync::Arc;

use crate::numbers::house_numbers;
use crate::photo::{BoxInPhoto, LooseBox, PhotoSize};
use crate::removal::{BrushStroke, Erasure};
use gesture::Gesture;
use history::History;

/// The boxes and the brush's strokes on one photo, what is selected, what is being dragged, and the undo history.
#[derive(Clone, Debug)]
pub struct Editor {
    photo: PhotoSize,
    work: Work,
    selected: Option<BoxId>,
    /// What is selected besides.
    also: Vec<BoxId>,
    /// The box drawn last, until it is touched or another one is selected.
    fresh: Option<BoxId>,
    next_id: BoxId,
    gesture: Option<Gesture>,
    history: History,
}

/// The house numbers that boxes make, and their boxes, in reading order.
pub fn numbers_of(boxes: &[PhotoBox]) -> Vec<Vec<PhotoBox>> {
    let areas: Vec<BoxInPhoto> = boxes.iter().map(|b| b.area).collect();
    let boxes_of = |number: Vec<usize>| number.into_iter().map(|i| boxes[i]).collect();
    house_numbers(&areas).into_iter().map(boxes_of).collect()
}

impl Editor {
    /// An editor without boxes.
    pub fn new(photo: PhotoSize) -> Self {
        Editor {
            photo,
            work: Work::default(),
            selected: None,
            also: Vec::new(),
            fresh: None,
            next_id: 1,
            gesture: None,
            history: History::default(),
        }
    }

    /// Begins with earlier work, which cannot be undone. The boxes get new ids.
    pub fn begin_with(&mut self, work: &Work) {
        self.work.corrections.clone_from(&work.corrections);
        self.work.growth = work.growth;
        for b in &work.boxes {
            let id = self.push(b.area, b.remove);
            if let Some(own) = self.work.boxes.last_mut().filter(|own| own.id == id) {
                own.label = b.label;
            }
        }
        self.select(None);
    }

    /// Puts boxes in the place of all, as one step to undo.
    pub fn replace(&mut self, areas: &[BoxInPhoto]) {
        self.cancel();
        self.history.keep(&self.work, None);
        self.work.boxes.clear();
        self.work.suggestions.clear();
        for area in areas {
            self.push(*area, true);
        }
        self.select(None);
    }

    /// The same with boxes whose digits are `kept`, and with strokes of the brush. Without any, those
    /// that are there stay.
    pub fn replace_all(
        &mut self,
        areas: &[BoxInPhoto],
        kept: &[BoxInPhoto],
        strokes: &[Arc<BrushStroke>],
    ) {
        self.replace(areas);
        for b in &mut self.work.boxes {
            b.remove = !kept.contains(&b.area);
        }
        if !strokes.is_empty() {
            self.work.corrections = strokes.to_vec();
        }
    }

    /// The size that boxes are clamped to.
    pub fn photo(&self) -> PhotoSize {
        self.photo
    }

    /// Changes the size of the same photo, for example if two decoders disagree about its
    /// orientation. Boxes are clamped, and those outside the photo are removed. The undo history is
    /// dropped, because its boxes have the old size.
    pub fn set_photo(&mut self, photo: PhotoSize) {
        self.cancel();
        self.photo = photo;
        self.history = History::default();
        self.work.boxes.retain_mut(|b| match LooseBox::from(b.area).clamp_to(photo) {
            Ok(area) => {
                b.area = area;
                true
            }
            Err(_) => false,
        });
        self.work.suggestions.clear();
        self.drop_lost_selection();
    }

    /// Whether nothing was ever done here.
    pub fn is_untouched(&self) -> bool {
        self.work == Work::default() && !self.can_undo() && !self.can_redo()
    }

    /// All boxes, oldest first.
    pub fn boxes(&self) -> &[PhotoBox] {
        &self.work.boxes
    }

    /// All boxes in reading order: house number after house number.
    pub fn reading_order(&self) -> Vec<PhotoBox> {
        numbers_of(&self.work.boxes).into_iter().flatten().collect()
    }

    /// All that was made.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// What is taken out of the photo, with the stroke that is being painted.
    pub fn erasure(&self) -> Erasure {
        match &self.gesture {
            Some(Gesture::Paint(stroke)) => {
                let mut work = self.work.clone();
                work.corrections.push(Arc::new(stroke.clone()));
                work.erasure(self.photo)
            }
            _ => self.work.erasure(self.photo),
        }
    }

    /// The boxes whose digits are removed, each with the grown box that is filled.
    pub fn grown(&self) -> Vec<(BoxId, BoxInPhoto)> {
        self.work.grown(self.photo)
    }

    /// The stroke that is being painted.
    pub fn painting(&self) -> Option<&BrushStroke> {
        match &self.gesture {
            Some(Gesture::Paint(stroke)) => Some(stroke),
            _ => None,
        }
    }

    /// The box with this id.
    pub fn get(&self, id: BoxId) -> Option<&PhotoBox> {
        self.work.boxes.iter().find(|b| b.id == id)
    }

    /// The selected box's id; of several, that of the one selected last.
    pub fn selected(&self) -> Option<BoxId> {
        self.selected
    }

    /// The ids of all selected boxes, the one selected last first.
    pub fn selection(&self) -> Vec<BoxId> {
        self.selected.into_iter().chain(self.also.iter().rev().copied()).collect()
    }

    /// Whether a box is among the selected ones.
    pub fn is_selected(&self, id: BoxId) -> bool {
        self.selected == Some(id) || self.also.contains(&id)
    }

    /// Selects one box, or nothing. An id that is not there selects nothing.
    pub fn select(&mut self, id: Option<BoxId>) {
        self.selected = id.filter(|id| self.get(*id).is_some());
        self.also.clear();
        self.fresh = None;
    }

    /// Whether a box was drawn and not touched since.
    pub fn is_fresh(&self, id: BoxId) -> bool {
        self.fresh == Some(id)
    }

    /// Adds a box to the selection, or takes it out.
    pub fn toggle_selected(&mut self, id: BoxId) {
        self.fresh = None;
        if self.selected == Some(id) {
            self.selected = self.also.pop();
        } else if self.also.contains(&id) {
            self.also.retain(|other| *other != id);
        } else if self.get(id).is_some() {
            self.also.extend(self.selected.replace(id));
        }
    }

    /// Selects these boxes, the last one last.
    pub fn select_several(&mut self, ids: &[BoxId]) {
        self.select(None);
        for id in ids {
            self.toggle_selected(*id);
        }
    }

    /// Selects every box, the last one in reading order last.
    pub fn select_all(&mut self) {
        self.select_several(&self.reading_order().iter().map(|b| b.id).collect::<Vec<_>>());
    }
    /// Whether there is a step back.
    pub fn can_undo(&self) -> bool {
        self.history.can_undo()
    }

    /// Whether there is a step forward.
    pub fn can_redo(&self) -> bool {
        self.history.can_redo()
    }

    /// Undoes the last step; a gesture in progress is the last step.
    pub fn undo(&mut self) -> bool {
        if self.cancel() {
            return true;
        }
        let undone = self.history.undo(&mut self.work);
        self.drop_lost_selection();
        undone
    }

    /// Does the last undone step again.
    pub fn redo(&mut self) -> bool {
        self.cancel();
        let redone = self.history.redo(&mut self.work);
        self.drop_lost_selection();
        redone
    }

    fn push(&mut self, area: BoxInPhoto, remove: bool) -> BoxId {
        let id = self.next_id;
        self.next_id += 1;
        self.work.boxes.push(PhotoBox { id, area, remove, label: None });
        self.select(Some(id));
        id
    }

    fn set_area(&mut self, id: BoxId, area: BoxInPhoto) {
        for b in self.work.boxes.iter_mut().filter(|b| b.id == id) {
            b.area = area;
        }
    }

    fn set_areas(&mut self, areas: impl IntoIterator<Item = (BoxId, BoxInPhoto)>) {
        areas.into_iter().for_each(|(id, area)| self.set_area(id, area));
    }

    fn areas_of(&self, ids: &[BoxId]) -> Vec<(BoxId, BoxInPhoto)> {
        ids.iter().filter_map(|id| self.get(*id)).map(|b| (b.id, b.area)).collect()
    }

    /// Records a finished drag: the state before it is the present one with the old areas.
    fn keep_change_of(&mut self, originals: Vec<(BoxId, BoxInPhoto)>) {
        let ids: Vec<BoxId> = originals.iter().map(|(id, _)| *id).collect();
        let after = self.areas_of(&ids);
        if after == originals {
            return;
        }
        self.set_areas(originals);
        self.history.keep(&self.work, None);
        self.set_areas(after);
    }

    fn drop_lost_selection(&mut self) {
        let there: Vec<BoxId> = self.work.boxes.iter().map(|b| b.id).collect();
        self.also.retain(|id| there.contains(id));
        if !self.selected.is_some_and(|id| there.contains(&id)) {
            self.selected = self.also.pop();
        }
    }
}
