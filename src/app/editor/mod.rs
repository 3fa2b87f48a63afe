//! The editing of boxes on a photo: plain data and plain functions, no web types, so that it is
//! tested without a browser. The page turns pointer and key events into these calls.
//!
//! Two spaces occur, and names carry theirs: *photo* (pixels of the upright photo, what the
//! engine gets) and *screen* (CSS pixels from the stage's top left corner). [`View`] is the only
//! way from one to the other.

mod boxes;
mod gesture;
mod grips;
mod history;
mod labels;
mod view;
mod work;

pub use boxes::{BoxId, PhotoBox};
pub use gesture::Handle;
pub use grips::{Grips, Hand};
pub use labels::{LabelForm, PlacedLabel, place_labels};
pub use view::{BoxInScreen, MAX_FIT_ZOOM, PointInPhoto, PointInScreen, SizeInScreen, View};
pub use work::Work;

use std::sync::Arc;

use crate::numbers::house_numbers;
use crate::photo::{BoxInPhoto, PhotoSize};
use crate::removal::{Brush, BrushStroke, Erasure};
use boxes::{centred_at, from_corners, is_sliver, moved_together, resized_within};
use gesture::Gesture;
use history::{History, Merge};

/// How far a duplicate lies from its original, in photo pixels.
const DUPLICATE_OFFSET: f64 = 6.0;

/// The boxes and the brush's strokes on one photo, what is selected, what is being dragged, and the way back.
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

/// The least radius of a brush, in a stroke's units: a dab paints a pixel, wherever it lies.
const LEAST_RADIUS: u32 = 3;

/// A point as a stroke has it.
fn point_in_units(PointInPhoto { x, y }: PointInPhoto) -> (i32, i32) {
    // Casts from a float clamp, and take what is no number for 0.
    let unit = |at: f64| (at * f64::from(BrushStroke::PER_PIXEL)).round() as i32;
    (unit(x), unit(y))
}

/// The house numbers that boxes make, and their boxes, in reading order.
pub fn numbers_of(boxes: &[PhotoBox]) -> Vec<Vec<PhotoBox>> {
    let areas: Vec<BoxInPhoto> = boxes.iter().map(|b| b.area).collect();
    let boxes_of = |number: Vec<usize>| number.into_iter().map(|i| boxes[i]).collect();
    house_numbers(&areas).into_iter().map(boxes_of).collect()
}

/// What a finished gesture came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// No gesture was under way.
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

    /// Takes on work from before, without a way back from it. The boxes' ids are given anew.
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
        for area in areas {
            self.push(*area, true);
        }
        self.select(None);
    }

    /// The size that boxes are clamped to.
    pub fn photo(&self) -> PhotoSize {
        self.photo
    }

    /// Takes on another size for the same photo, as when two decoders disagree about its
    /// orientation. Boxes are clamped; those that miss the photo go. The way back is lost, as it
    /// led to boxes of the old size.
    pub fn set_photo(&mut self, photo: PhotoSize) {
        self.cancel();
        self.photo = photo;
        self.history = History::default();
        self.work.boxes.retain_mut(|b| {
            match crate::photo::LooseBox::from(b.area).clamp_to(photo) {
                Ok(area) => {
                    b.area = area;
                    true
                }
                Err(_) => false,
            }
        });
        self.drop_lost_selection();
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

    /// Whether a box is being moved or resized right now.
    pub fn is_adjusting(&self) -> bool {
        matches!(self.gesture, Some(Gesture::Move { .. } | Gesture::Resize { .. }))
    }

    /// Whether the pointer went further than in a click.
    pub fn is_dragging(&self) -> bool {
        match self.gesture {
            Some(Gesture::Draw { draft, .. }) => draft.is_some(),
            Some(Gesture::Move { moved, .. }) => moved,
            Some(Gesture::Resize { .. } | Gesture::Paint(_)) => true,
            None => false,
        }
    }

    /// Whether a gesture of any kind is under way.
    pub fn has_gesture(&self) -> bool {
        self.gesture.is_some()
    }

    /// The box being drawn, once it is large enough to become one.
    pub fn draft(&self) -> Option<Draft> {
        match self.gesture {
            Some(Gesture::Draw { draft, .. }) => {
                draft.map(|area| Draft { area, is_sliver: is_sliver(area, self.photo) })
            }
            _ => None,
        }
    }

    /// Starts to draw at a point. `slack` is how far in photo pixels the pointer may stray and
    /// still be a click; `over` is the box below the pointer, which such a click selects.
    pub fn begin_draw(&mut self, point_in_photo: PointInPhoto, slack: f64, over: Option<BoxId>) {
        self.cancel();
        self.gesture = Some(Gesture::Draw { from: point_in_photo, slack, over, draft: None });
    }

    /// Starts to move a box, and with it what is selected together with it. Does nothing when it is
    /// not there.
    pub fn begin_move(&mut self, id: BoxId, point_in_photo: PointInPhoto, slack: f64) {
        self.cancel();
        if self.get(id).is_none() {
            return;
        }
        let ids = if self.is_selected(id) { self.selection() } else { vec![id] };
        let originals = self.areas_of(&ids);
        self.gesture =
            Some(Gesture::Move { id, from: point_in_photo, slack, originals, moved: false });
    }

    /// Starts to resize a box by a handle. Does nothing when it is not there.
    pub fn begin_resize(&mut self, id: BoxId, handle: Handle, point_in_photo: PointInPhoto) {
        self.cancel();
        let Some(original) = self.get(id).map(|b| b.area) else { return };
        self.gesture = Some(Gesture::Resize { id, handle, from: point_in_photo, original });
    }

    /// Starts a stroke of the brush, so many photo pixels wide.
    pub fn begin_paint(&mut self, brush: Brush, width: f64, point_in_photo: PointInPhoto) {
        self.cancel();
        let unit = f64::from(BrushStroke::PER_PIXEL);
        // Casts from a float clamp, and take what is no number for 0.
        let radius = ((width / 2.0 * unit).round() as u32).max(LEAST_RADIUS);
        let points = vec![point_in_units(point_in_photo)];
        self.gesture = Some(Gesture::Paint(BrushStroke { brush, radius, points }));
    }

    /// Follows the pointer.
    pub fn drag_to(&mut self, point_in_photo: PointInPhoto) {
        let photo = self.photo;
        match &mut self.gesture {
            None => {}
            Some(Gesture::Draw { from, slack, draft, .. }) => {
                let is_click = (point_in_photo.x - from.x).abs() < *slack
                    && (point_in_photo.y - from.y).abs() < *slack;
                *draft = if is_click { None } else { from_corners(*from, point_in_photo, photo) };
            }
            Some(Gesture::Move { from, slack, originals, moved, .. }) => {
                let (dx, dy) = (point_in_photo.x - from.x, point_in_photo.y - from.y);
                // Once under way it stays a move, so that a box can be put back where it was.
                *moved |= dx.abs() >= *slack || dy.abs() >= *slack;
                let (dx, dy) = if *moved { (dx, dy) } else { (0.0, 0.0) };
                let (ids, areas): (Vec<_>, Vec<_>) = originals.iter().copied().unzip();
                let areas = moved_together(&areas, dx, dy, photo);
                self.set_areas(ids.into_iter().zip(areas));
            }
            Some(Gesture::Resize { id, handle, from, original }) => {
                let (dx, dy) = (point_in_photo.x - from.x, point_in_photo.y - from.y);
                let area = resized_within(*original, *handle, dx, dy, photo);
                let id = *id;
                self.set_area(id, area);
            }
            Some(Gesture::Paint(stroke)) => {
                let (x, y) = point_in_units(point_in_photo);
                // Steps that are short beside the brush's width show nowhere.
                let least = (stroke.radius / 4).max(BrushStroke::PER_PIXEL / 2);
                let is_far =
                    |last: &(i32, i32)| last.0.abs_diff(x) >= least || last.1.abs_diff(y) >= least;
                if stroke.points.last().is_none_or(is_far) {
                    stroke.points.push((x, y));
                }
            }
        }
    }

    /// Ends the gesture and keeps what it made, as one step to undo.
    pub fn finish(&mut self) -> Finished {
        match self.gesture.take() {
            None => Finished::Nothing,
            Some(Gesture::Draw { draft: None, over, .. }) => {
                self.fresh = self.fresh.filter(|fresh| over != Some(*fresh));
                Finished::Click(over)
            }
            Some(Gesture::Draw { draft: Some(area), .. }) if is_sliver(area, self.photo) => {
                Finished::Sliver(area)
            }
            Some(Gesture::Draw { draft: Some(area), .. }) => {
                self.history.keep(&self.work, None);
                let id = self.push(area, true);
                self.fresh = Some(id);
                Finished::Drawn(id)
            }
            Some(Gesture::Move { id, originals, moved: false, .. }) => {
                self.fresh = None;
                self.set_areas(originals);
                Finished::Click(Some(id))
            }
            Some(Gesture::Move { id, originals, .. }) => {
                self.fresh = None;
                self.keep_change_of(originals);
                Finished::Changed(id)
            }
            Some(Gesture::Resize { id, original, .. }) => {
                self.fresh = None;
                self.keep_change_of(vec![(id, original)]);
                Finished::Changed(id)
            }
            Some(Gesture::Paint(stroke)) => {
                self.history.keep(&self.work, None);
                self.work.corrections.push(Arc::new(stroke));
                Finished::Painted
            }
        }
    }

    /// Ends the gesture and puts everything back as it was before. Tells whether there was one.
    pub fn cancel(&mut self) -> bool {
        match self.gesture.take() {
            None => false,
            Some(Gesture::Draw { .. } | Gesture::Paint(_)) => true,
            Some(Gesture::Move { originals, .. }) => {
                self.set_areas(originals);
                true
            }
            Some(Gesture::Resize { id, original, .. }) => {
                self.set_area(id, original);
                true
            }
        }
    }

    /// Moves the selected boxes by whole pixels. Nudges in quick succession are one step to undo.
    /// `now` is any clock in milliseconds. Tells whether anything changed.
    pub fn nudge(&mut self, dx: i32, dy: i32, now: f64) -> bool {
        self.cancel();
        let Some(id) = self.selected else { return false };
        let (ids, before): (Vec<_>, Vec<_>) = self.areas_of(&self.selection()).into_iter().unzip();
        let after = moved_together(&before, f64::from(dx), f64::from(dy), self.photo);
        if after == before {
            return false;
        }
        self.history.keep(&self.work, Some(Merge::move_of(id, now)));
        self.set_areas(ids.into_iter().zip(after));
        true
    }

    /// Moves the selected box's right and bottom edges by whole pixels. Steps in quick succession
    /// are one step to undo. Tells whether anything changed.
    pub fn stretch(&mut self, dx: i32, dy: i32, now: f64) -> bool {
        self.cancel();
        let Some(PhotoBox { id, area, .. }) = self.selected.and_then(|id| self.get(id)).copied()
        else {
            return false;
        };
        let (dx, dy) = (f64::from(dx), f64::from(dy));
        let changed = resized_within(area, Handle::SouthEast, dx, dy, self.photo);
        if changed == area {
            return false;
        }
        self.history.keep(&self.work, Some(Merge::stretch_of(id, now)));
        self.set_area(id, changed);
        true
    }

    /// Adds copies of the selected boxes beside them and selects the copies.
    pub fn duplicate(&mut self) -> bool {
        let originals = self.copied();
        let areas: Vec<BoxInPhoto> = originals.iter().map(|b| b.area).collect();
        let Some(hull) = areas.iter().copied().reduce(|a, b| a.union(&b)) else { return false };
        // A neighbouring digit most likely stands to the right and has the same size.
        let shift = f64::from(hull.width).max(DUPLICATE_OFFSET);
        let mut places = moved_together(&areas, shift, 0.0, self.photo);
        if places == areas {
            places = moved_together(&areas, -DUPLICATE_OFFSET, DUPLICATE_OFFSET, self.photo);
        }
        self.add(&originals, places);
        true
    }

    /// Makes a box without a pointer, about a point, and selects it: as large as the selected one or
    /// the last one made, or of the `usual` width and height in photo pixels.
    pub fn add_at(&mut self, centre: PointInPhoto, usual: (u32, u32)) {
        let like = self.selected.and_then(|id| self.get(id)).or(self.work.boxes.last());
        let size = like.map_or(usual, |b| (b.area.width, b.area.height));
        let area = centred_at(centre, size, self.photo);
        let places = self.free_places(vec![area]);
        self.add(&[PhotoBox { id: 0, area, remove: true, label: None }], places);
    }

    /// Places a little off, where there are boxes just there already.
    fn free_places(&self, mut places: Vec<BoxInPhoto>) -> Vec<BoxInPhoto> {
        for _ in 0..self.work.boxes.len() {
            if !self.work.boxes.iter().any(|b| places.contains(&b.area)) {
                break;
            }
            places = moved_together(&places, DUPLICATE_OFFSET, DUPLICATE_OFFSET, self.photo);
        }
        places
    }

    /// The selected boxes, to be pasted.
    pub fn copied(&self) -> Vec<PhotoBox> {
        self.selection().iter().rev().filter_map(|id| self.get(*id)).copied().collect()
    }

    /// Adds copies of boxes, of this photo or another one, where they were, or a little off where
    /// there is such a box already; selects the copies.
    pub fn paste(&mut self, copied: &[PhotoBox]) -> bool {
        let fitted = |b: &PhotoBox| {
            let area = crate::photo::LooseBox::from(b.area).clamp_to(self.photo).ok()?;
            Some((*b, area))
        };
        let (copied, places): (Vec<PhotoBox>, Vec<BoxInPhoto>) =
            copied.iter().filter_map(fitted).unzip();
        if copied.is_empty() {
            return false;
        }
        let places = self.free_places(places);
        self.add(&copied, places);
        true
    }

    /// Adds boxes like these at these places, as one step to undo, and selects them.
    fn add(&mut self, like: &[PhotoBox], places: Vec<BoxInPhoto>) {
        self.cancel();
        self.history.keep(&self.work, None);
        let ids: Vec<BoxId> =
            like.iter().zip(places).map(|(b, area)| self.push(area, b.remove)).collect();
        self.select_several(&ids);
    }

    /// Deletes a box. The next one in reading order is selected in its place if it was selected.
    pub fn delete(&mut self, id: BoxId) -> bool {
        self.delete_all(&[id])
    }

    /// Deletes the selected boxes, as one step to undo.
    pub fn delete_selected(&mut self) -> bool {
        self.delete_all(&self.selection())
    }

    fn delete_all(&mut self, ids: &[BoxId]) -> bool {
        self.cancel();
        let order: Vec<BoxId> = self.reading_order().iter().map(|b| b.id).collect();
        let Some(first) = order.iter().position(|id| ids.contains(id)) else { return false };
        let (left, right) = order.split_at(first);
        let heir = right.iter().chain(left.iter().rev()).find(|id| !ids.contains(id)).copied();
        self.history.keep(&self.work, None);
        self.work.boxes.retain(|b| !ids.contains(&b.id));
        self.also.retain(|id| !ids.contains(id));
        if self.selected.is_some_and(|id| ids.contains(&id)) {
            self.select(heir);
        }
        true
    }

    /// Sets whether some boxes' digits are to be removed, as a step to undo.
    pub fn set_remove(&mut self, ids: &[BoxId], remove: bool) -> bool {
        self.change(ids, |b| b.remove = remove)
    }

    /// Says which digit a box holds, 0 to 9, whatever is read, or that the reading holds; as a step
    /// to undo.
    pub fn set_label(&mut self, id: BoxId, label: Option<u8>) -> bool {
        self.change(&[id], |b| b.label = label.filter(|digit| *digit < 10))
    }

    /// Makes a box larger by a tenth of its height on all sides, as far as the photo reaches, as a
    /// step to undo.
    pub fn widen(&mut self, id: BoxId) -> bool {
        let photo = self.photo;
        self.change(&[id], |b| b.area = b.area.grown(b.area.height.div_ceil(10), photo))
    }

    /// Sets by how many percent of its height each box is grown before its digit is removed.
    /// Changes in quick succession are one step to undo. Tells whether anything changed.
    pub fn set_growth(&mut self, percent: u32, now: f64) -> bool {
        self.cancel();
        if percent == self.work.growth {
            return false;
        }
        self.history.keep(&self.work, Some(Merge::growth(now)));
        self.work.growth = percent;
        true
    }

    fn change(&mut self, ids: &[BoxId], change: impl Fn(&mut PhotoBox)) -> bool {
        self.cancel();
        let mut changed = self.work.boxes.clone();
        changed.iter_mut().filter(|b| ids.contains(&b.id)).for_each(change);
        if changed == self.work.boxes {
            return false;
        }
        self.history.keep(&self.work, None);
        self.work.boxes = changed;
        true
    }

    /// Whether there is a step back.
    pub fn can_undo(&self) -> bool {
        self.history.can_undo()
    }

    /// Whether there is a step forward.
    pub fn can_redo(&self) -> bool {
        self.history.can_redo()
    }

    /// Takes back the last step; a gesture under way is the last step.
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

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: PhotoSize = PhotoSize { width: 100, height: 50 };

    fn at(x: f64, y: f64) -> PointInPhoto {
        PointInPhoto { x, y }
    }

    fn area(left: u32, top: u32, width: u32, height: u32) -> BoxInPhoto {
        BoxInPhoto { left, top, width, height }
    }

    fn draw(editor: &mut Editor, from: PointInPhoto, to: PointInPhoto) -> BoxId {
        editor.begin_draw(from, 0.5, None);
        editor.drag_to(to);
        match editor.finish() {
            Finished::Drawn(id) => id,
            other => panic!("a drag came to {other:?}"),
        }
    }

    fn one_box() -> (Editor, BoxId) {
        let mut editor = Editor::new(PHOTO);
        let id = draw(&mut editor, at(10.0, 10.0), at(30.0, 40.0));
        (editor, id)
    }

    fn area_of(editor: &Editor, id: BoxId) -> BoxInPhoto {
        editor.get(id).expect("the box is there").area
    }

    #[test]
    fn a_drag_draws_a_selected_box_to_be_removed_from_any_corner() {
        for (from, to) in [
            (at(10.2, 9.8), at(30.1, 40.0)),
            (at(30.1, 40.0), at(10.2, 9.8)),
            (at(30.1, 9.8), at(10.2, 40.0)),
        ] {
            let mut editor = Editor::new(PHOTO);
            let id = draw(&mut editor, from, to);
            assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
            assert_eq!(editor.selected(), Some(id));
            assert!(editor.get(id).is_some_and(|b| b.remove));
        }
    }

    #[test]
    fn a_box_is_widened_as_far_as_the_photo_reaches() {
        let (mut editor, id) = one_box();
        assert!(editor.widen(id));
        assert_eq!(area_of(&editor, id), area(7, 7, 26, 36));
        assert!(editor.widen(id) && editor.widen(id));
        assert_eq!(area_of(&editor, id), area(0, 0, 42, 50));
        assert!(editor.undo() && editor.undo() && editor.undo());
        assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
        editor.replace(&[area(0, 0, 100, 50)]);
        let all = editor.boxes()[0].id;
        assert!(!editor.widen(all), "all of the photo is no step");
    }

    #[test]
    fn a_click_is_not_a_box() {
        let mut editor = Editor::new(PHOTO);
        editor.begin_draw(at(10.0, 10.0), 2.0, None);
        editor.drag_to(at(11.5, 8.5));
        assert_eq!(editor.draft(), None);
        assert_eq!(editor.finish(), Finished::Click(None));
        assert!(editor.boxes().is_empty());
        assert!(!editor.can_undo(), "nothing happened, so there is nothing to undo");
    }

    #[test]
    fn a_click_on_a_box_names_it() {
        let (mut editor, id) = one_box();
        editor.begin_draw(at(20.0, 20.0), 2.0, Some(id));
        assert_eq!(editor.finish(), Finished::Click(Some(id)));
        editor.begin_move(id, at(20.0, 20.0), 2.0);
        editor.drag_to(at(21.0, 21.0));
        assert_eq!(editor.finish(), Finished::Click(Some(id)));
        assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
    }

    #[test]
    fn a_sliver_is_no_box_and_a_tiny_drag_a_click() {
        let mut editor = Editor::new(PhotoSize { width: 400, height: 300 });
        let mut drawn = |from: PointInPhoto, to: PointInPhoto| {
            editor.begin_draw(from, 0.1, None);
            editor.drag_to(to);
            let draft = editor.draft();
            let finished = editor.finish();
            assert_eq!(
                draft.is_some_and(|draft| draft.is_sliver),
                matches!(finished, Finished::Sliver(_)),
                "what is told while it is drawn"
            );
            finished
        };
        let sliver = Finished::Sliver(area(10, 10, 201, 3));
        assert_eq!(drawn(at(10.0, 10.0), at(211.0, 13.0)), sliver);
        // Below the least side, however short.
        assert_eq!(drawn(at(9.0, 10.0), at(9.6, 30.0)), Finished::Sliver(area(9, 10, 1, 20)));
        let at_the_edge = Finished::Sliver(area(399, 10, 1, 20));
        assert_eq!(drawn(at(399.8, 10.0), at(401.0, 30.0)), at_the_edge);
        assert_eq!(drawn(at(50.0, 20.0), at(51.0, 21.0)), Finished::Click(None));
        // A bare 1, and ten digits in a row.
        assert_eq!(drawn(at(10.0, 10.0), at(13.0, 40.0)), Finished::Drawn(1));
        assert_eq!(drawn(at(10.0, 50.0), at(210.0, 70.0)), Finished::Drawn(2));
        assert!(!editor.stretch(1, 0, 0.0), "nor is a box made one later");
        assert_eq!(editor.boxes().len(), 2);
    }

    #[test]
    fn slivers_that_were_opened_stay_and_can_be_mended() {
        let mut editor = Editor::new(PHOTO);
        editor.replace(&[area(0, 10, 90, 3)]);
        assert_eq!(area_of(&editor, 1), area(0, 10, 90, 3));
        editor.select(Some(1));
        assert!(editor.stretch(0, 1, 0.0));
        assert!(editor.stretch(0, 20, 0.0));
        assert_eq!(area_of(&editor, 1), area(0, 10, 90, 24));
    }

    #[test]
    fn a_box_is_fresh_from_its_drawing_until_it_is_touched() {
        let (mut editor, id) = one_box();
        assert!(editor.is_fresh(id));
        // Pointed at its rim, where a drag would draw.
        editor.begin_draw(at(10.0, 10.0), 2.0, Some(id));
        assert_eq!(editor.finish(), Finished::Click(Some(id)));
        assert!(!editor.is_fresh(id));
        let other = draw(&mut editor, at(40.0, 10.0), at(60.0, 40.0));
        assert!(editor.is_fresh(other) && !editor.is_fresh(id));
        editor.begin_move(other, at(50.0, 20.0), 2.0);
        assert!(!editor.is_dragging());
        editor.finish();
        assert!(!editor.is_fresh(other));
        let last = draw(&mut editor, at(70.0, 10.0), at(90.0, 40.0));
        editor.select(Some(last));
        assert!(!editor.is_fresh(last));
    }

    #[test]
    fn a_box_made_without_a_pointer_is_like_the_last_one_and_hides_no_other() {
        let mut editor = Editor::new(PHOTO);
        editor.add_at(at(50.0, 25.0), (6, 10));
        assert_eq!(area_of(&editor, 1), area(47, 20, 6, 10));
        assert!(editor.selected() == Some(1) && !editor.is_fresh(1));
        assert!(editor.stretch(2, 0, 0.0));
        editor.select(None);
        editor.add_at(at(0.0, 200.0), (6, 10));
        assert_eq!(area_of(&editor, 2), area(0, 40, 8, 10), "on the photo");
        editor.add_at(at(0.0, 30.0), (6, 10));
        editor.add_at(at(0.0, 30.0), (6, 10));
        assert_eq!(area_of(&editor, 4), area(6, 31, 8, 10), "beside the one before");
        assert!(editor.undo());
        assert_eq!(editor.boxes().len(), 3);
        let mut tiny = Editor::new(PhotoSize { width: 1, height: 2 });
        tiny.add_at(at(0.5, f64::NAN), (0, 0));
        assert_eq!(area_of(&tiny, 1), area(0, 0, 1, 2));
    }

    #[test]
    fn growth_is_undone_like_the_rest_and_quick_changes_are_one_step() {
        let (mut editor, _) = one_box();
        assert_eq!(editor.erasure().boxes, [area(7, 7, 26, 36)], "a tenth of the height");
        for (percent, now) in [(20, 0.0), (40, 100.0), (0, 200.0)] {
            assert!(editor.set_growth(percent, now));
        }
        assert!(!editor.set_growth(0, 300.0));
        assert_eq!(editor.erasure().boxes, [area(10, 10, 20, 30)]);
        assert!(editor.undo());
        assert_eq!(editor.work().growth, 10);
        let mut again = Editor::new(PHOTO);
        assert!(editor.redo());
        again.begin_with(editor.work());
        assert_eq!(again.work().growth, 0);
        again.replace(&[area(1, 1, 9, 9)]);
        assert_eq!(again.work().growth, 0, "boxes of a file");
    }

    #[test]
    fn a_box_drawn_beyond_the_edge_is_clamped_and_one_beside_the_photo_is_none() {
        let mut editor = Editor::new(PHOTO);
        let id = draw(&mut editor, at(-20.0, -20.0), at(15.0, 90.0));
        assert_eq!(area_of(&editor, id), area(0, 0, 15, 50));
        editor.begin_draw(at(-20.0, 10.0), 0.1, None);
        editor.drag_to(at(-5.0, 40.0));
        assert_eq!(editor.finish(), Finished::Click(None));
    }

    #[test]
    fn a_photo_of_one_pixel_takes_a_box_of_one_pixel() {
        let mut editor = Editor::new(PhotoSize { width: 1, height: 1 });
        let id = draw(&mut editor, at(-0.5, -0.5), at(1.5, 1.5));
        assert_eq!(area_of(&editor, id), area(0, 0, 1, 1));
        assert!(!editor.nudge(1, 1, 0.0));
        assert!(!editor.stretch(1, -1, 0.0));
    }

    #[test]
    fn moving_keeps_the_size_at_the_edge() {
        let (mut editor, id) = one_box();
        editor.begin_move(id, at(20.0, 20.0), 0.5);
        editor.drag_to(at(500.0, -500.0));
        assert!(editor.is_adjusting());
        assert_eq!(editor.finish(), Finished::Changed(id));
        assert_eq!(area_of(&editor, id), area(80, 0, 20, 30));
    }

    #[test]
    fn a_handle_moves_its_edges_only_and_stops_at_the_least_size() {
        let cases = [
            (Handle::NorthWest, 5.0, 5.0, area(15, 15, 15, 25)),
            (Handle::North, 5.0, 5.0, area(10, 15, 20, 25)),
            (Handle::NorthEast, 5.0, 5.0, area(10, 15, 25, 25)),
            (Handle::East, 5.0, 5.0, area(10, 10, 25, 30)),
            (Handle::SouthEast, 5.0, 5.0, area(10, 10, 25, 35)),
            (Handle::South, 5.0, 5.0, area(10, 10, 20, 35)),
            (Handle::SouthWest, 5.0, 5.0, area(15, 10, 15, 35)),
            (Handle::West, 5.0, 5.0, area(15, 10, 15, 30)),
            (Handle::West, 500.0, 0.0, area(27, 10, 3, 30)),
            (Handle::SouthEast, -500.0, -500.0, area(10, 10, 3, 3)),
            (Handle::SouthEast, 500.0, 500.0, area(10, 10, 90, 40)),
            (Handle::NorthWest, -500.0, -500.0, area(0, 0, 30, 40)),
        ];
        for (handle, dx, dy, expected) in cases {
            let (mut editor, id) = one_box();
            editor.begin_resize(id, handle, at(0.0, 0.0));
            editor.drag_to(at(dx, dy));
            assert_eq!(editor.finish(), Finished::Changed(id));
            assert_eq!(area_of(&editor, id), expected, "{handle:?} by {dx}, {dy}");
        }
    }

    #[test]
    fn escape_puts_a_dragged_box_back_and_leaves_no_step() {
        let (mut editor, id) = one_box();
        editor.begin_move(id, at(20.0, 20.0), 0.5);
        editor.drag_to(at(60.0, 20.0));
        assert_ne!(area_of(&editor, id), area(10, 10, 20, 30));
        assert!(editor.cancel());
        assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
        assert!(editor.undo(), "the drawing itself");
        assert!(!editor.can_undo());
    }

    #[test]
    fn a_drag_is_one_step_to_undo() {
        let (mut editor, id) = one_box();
        editor.begin_move(id, at(20.0, 20.0), 0.5);
        for step in 1..30 {
            editor.drag_to(at(20.0 + f64::from(step), 20.0));
        }
        editor.finish();
        assert!(editor.undo());
        assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
        assert!(editor.redo());
        assert_eq!(area_of(&editor, id), area(39, 10, 20, 30));
    }

    #[test]
    fn quick_nudges_merge_and_slow_ones_do_not() {
        let (mut editor, id) = one_box();
        for step in 0..5 {
            assert!(editor.nudge(1, 0, f64::from(step) * 100.0));
        }
        assert!(editor.nudge(0, 1, 10_000.0));
        assert!(editor.undo());
        assert_eq!(area_of(&editor, id), area(15, 10, 20, 30));
        assert!(editor.undo());
        assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
    }

    #[test]
    fn nudges_do_not_merge_over_an_undo_another_box_or_another_kind() {
        let (mut editor, id) = one_box();
        editor.nudge(1, 0, 0.0);
        editor.stretch(1, 0, 50.0);
        editor.undo();
        assert_eq!(area_of(&editor, id), area(11, 10, 20, 30));
        editor.nudge(1, 0, 100.0);
        editor.undo();
        assert_eq!(area_of(&editor, id), area(11, 10, 20, 30));
    }

    #[test]
    fn nudges_against_the_edge_leave_no_step() {
        let mut editor = Editor::new(PHOTO);
        draw(&mut editor, at(0.0, 0.0), at(10.0, 10.0));
        assert!(!editor.nudge(-1, 0, 0.0));
        assert!(editor.undo());
        assert!(!editor.can_undo());
    }

    #[test]
    fn undo_covers_the_switch_the_deletion_and_the_copy() {
        let (mut editor, id) = one_box();
        assert!(editor.set_remove(&[id], false));
        assert!(!editor.set_remove(&[id], false), "no change, no step");
        assert!(editor.duplicate());
        let copy = editor.selected().expect("the copy is selected");
        assert!(editor.get(copy).is_some_and(|b| !b.remove));
        assert_eq!(area_of(&editor, copy), area(30, 10, 20, 30));
        assert!(editor.delete_selected());
        assert_eq!(editor.selected(), Some(id), "the neighbour is selected next");
        assert!(editor.undo());
        assert!(editor.get(copy).is_some());
        assert!(editor.undo());
        assert!(editor.get(copy).is_none());
        assert!(editor.undo());
        assert!(editor.get(id).is_some_and(|b| b.remove));
        assert!(editor.redo());
        assert!(editor.get(id).is_some_and(|b| !b.remove));
    }

    #[test]
    fn a_new_step_ends_the_way_forward() {
        let (mut editor, id) = one_box();
        editor.nudge(5, 0, 0.0);
        editor.undo();
        assert!(editor.can_redo());
        editor.set_remove(&[id], false);
        assert!(!editor.can_redo());
    }

    #[test]
    fn a_duplicate_at_the_edge_does_not_hide_its_original() {
        let mut editor = Editor::new(PHOTO);
        let id = draw(&mut editor, at(80.0, 10.0), at(100.0, 40.0));
        assert!(editor.duplicate());
        let copy = editor.selected().expect("the copy is selected");
        assert_ne!(area_of(&editor, copy), area_of(&editor, id));
    }

    /// Three boxes from left to right, all selected, the last one last.
    fn three_selected() -> (Editor, [BoxId; 3]) {
        let mut editor = Editor::new(PHOTO);
        let ids = [5.0, 30.0, 60.0].map(|x| draw(&mut editor, at(x, 10.0), at(x + 10.0, 30.0)));
        editor.select_all();
        (editor, ids)
    }

    #[test]
    fn several_boxes_are_selected_one_by_one() {
        let (mut editor, [one, two, three]) = three_selected();
        assert_eq!(editor.selection(), [three, two, one]);
        editor.select(Some(two));
        assert_eq!(editor.selection(), [two]);
        editor.toggle_selected(one);
        assert_eq!((editor.selected(), editor.selection()), (Some(one), vec![one, two]));
        assert!(editor.is_selected(two) && !editor.is_selected(three));
        editor.toggle_selected(one);
        editor.toggle_selected(99);
        assert_eq!(editor.selection(), [two]);
        editor.toggle_selected(two);
        assert_eq!(editor.selected(), None);
    }

    #[test]
    fn several_boxes_move_as_one_and_keep_their_places_at_the_edge() {
        let (mut editor, ids) = three_selected();
        let lefts = |editor: &Editor| ids.map(|id| area_of(editor, id).left);
        editor.begin_move(ids[1], at(35.0, 20.0), 2.0);
        editor.drag_to(at(45.0, 20.0));
        assert_eq!(lefts(&editor), [15, 40, 70]);
        editor.drag_to(at(99.0, 20.0));
        assert_eq!(lefts(&editor), [35, 60, 90], "the last one is at the edge");
        assert_eq!(editor.finish(), Finished::Changed(ids[1]));
        assert!(editor.undo());
        assert_eq!(lefts(&editor), [5, 30, 60], "one step");
        editor.nudge(-9, 0, 0.0);
        assert_eq!(lefts(&editor), [0, 25, 55]);
        editor.begin_move(ids[1], at(30.0, 20.0), 2.0);
        editor.drag_to(at(40.0, 20.0));
        assert!(editor.cancel());
        assert_eq!(lefts(&editor), [0, 25, 55]);
        // One that is not selected moves alone.
        editor.select(Some(ids[0]));
        editor.begin_move(ids[2], at(60.0, 20.0), 2.0);
        editor.drag_to(at(65.0, 20.0));
        editor.finish();
        assert_eq!(lefts(&editor), [0, 25, 60]);
    }

    #[test]
    fn several_boxes_are_deleted_and_kept_in_one_step() {
        let (mut editor, [one, two, three]) = three_selected();
        assert!(editor.set_remove(&editor.selection(), false));
        assert!(editor.erasure().boxes.is_empty());
        assert!(editor.undo());
        assert_eq!(editor.erasure().boxes.len(), 3);
        editor.toggle_selected(two);
        assert!(editor.delete_selected());
        assert_eq!((editor.boxes().len(), editor.selected()), (1, Some(two)));
        assert!(editor.undo());
        assert_eq!(editor.boxes().len(), 3);
        editor.select(Some(one));
        editor.toggle_selected(three);
        assert!(editor.delete(three), "by its own button");
        assert_eq!(editor.selection(), [two], "the next one");
    }

    #[test]
    fn copies_are_pasted_where_they_were_also_on_another_photo() {
        let (mut editor, ids) = three_selected();
        editor.set_remove(&[ids[0]], false);
        let copied = editor.copied();
        assert!(editor.paste(&copied));
        assert_eq!(editor.boxes().len(), 6);
        let pasted: Vec<PhotoBox> = editor.copied();
        assert_eq!(pasted.iter().map(|b| b.area.left).collect::<Vec<_>>(), [11, 36, 66]);
        assert_eq!(pasted.iter().map(|b| b.remove).collect::<Vec<_>>(), [false, true, true]);
        assert!(editor.undo());
        assert_eq!(editor.boxes().len(), 3, "one step");

        // Smaller, so that the last box misses it.
        let mut other = Editor::new(PhotoSize { width: 50, height: 40 });
        assert!(other.paste(&copied));
        let lefts: Vec<u32> = other.boxes().iter().map(|b| b.area.left).collect();
        assert_eq!(lefts, [5, 30]);
        assert!(!other.paste(&[]));
    }

    #[test]
    fn a_label_is_a_digit_and_a_step_to_undo() {
        let (mut editor, id) = one_box();
        let label = |editor: &Editor| editor.get(id).and_then(|b| b.label);
        assert!(editor.set_label(id, Some(7)));
        assert!(!editor.set_label(id, Some(7)), "no change, no step");
        assert_eq!(label(&editor), Some(7));
        assert!(editor.set_label(id, Some(10)), "there is no such digit: as read");
        assert!(editor.undo());
        assert_eq!(label(&editor), Some(7));
        assert!(editor.undo());
        assert_eq!(label(&editor), None);
    }

    #[test]
    fn undo_during_a_drag_cancels_the_drag() {
        let (mut editor, id) = one_box();
        editor.begin_resize(id, Handle::East, at(30.0, 20.0));
        editor.drag_to(at(60.0, 20.0));
        assert!(editor.undo());
        assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
        assert!(editor.finish() == Finished::Nothing);
    }

    #[test]
    fn the_number_reads_from_left_to_right_whatever_the_order_of_drawing() {
        let mut editor = Editor::new(PHOTO);
        let right = draw(&mut editor, at(60.0, 5.0), at(80.0, 45.0));
        let left = draw(&mut editor, at(5.0, 8.0), at(20.0, 45.0));
        let middle = draw(&mut editor, at(20.0, 2.0), at(60.0, 45.0));
        let ids: Vec<BoxId> = editor.reading_order().iter().map(|b| b.id).collect();
        assert_eq!(ids, [left, middle, right]);
    }

    #[test]
    fn boxes_that_are_not_there_change_nothing() {
        let (mut editor, _) = one_box();
        editor.select(Some(99));
        assert_eq!(editor.selected(), None);
        assert!(!editor.delete(99) && !editor.set_remove(&[99], true) && !editor.delete_selected());
        assert!(!editor.nudge(1, 1, 0.0) && !editor.duplicate());
        editor.begin_move(99, at(0.0, 0.0), 1.0);
        editor.begin_resize(99, Handle::North, at(0.0, 0.0));
        assert!(!editor.has_gesture());
    }

    #[test]
    fn another_size_clamps_the_boxes() {
        let (mut editor, id) = one_box();
        let gone = draw(&mut editor, at(70.0, 5.0), at(90.0, 45.0));
        editor.set_photo(PhotoSize { width: 50, height: 30 });
        assert_eq!(area_of(&editor, id), area(10, 10, 20, 20));
        assert!(editor.get(gone).is_none());
        assert_eq!(editor.selected(), None);
        assert!(!editor.can_undo());
    }

    #[test]
    fn points_that_are_no_numbers_do_no_harm() {
        let (mut editor, id) = one_box();
        editor.begin_move(id, at(f64::NAN, 0.0), 1.0);
        editor.drag_to(at(f64::NAN, f64::INFINITY));
        editor.finish();
        editor.begin_draw(at(f64::NAN, 0.0), 1.0, None);
        editor.drag_to(at(20.0, 20.0));
        editor.finish();
        for b in editor.boxes() {
            assert!(b.area.right() <= 100 && b.area.bottom() <= 50);
        }
    }

    /// Paints from point to point, 8 pixels wide.
    fn paint(editor: &mut Editor, brush: Brush, points: &[PointInPhoto]) {
        let (first, others) = points.split_first().expect("a stroke has a point");
        editor.begin_paint(brush, 8.0, *first);
        others.iter().for_each(|point| editor.drag_to(*point));
        assert_eq!(editor.finish(), Finished::Painted);
    }

    #[test]
    fn a_stroke_is_one_step_to_undo_and_counts_while_it_is_painted() {
        let (mut editor, _) = one_box();
        editor.begin_paint(Brush::Adds, 8.0, at(12.0, 12.0));
        editor.drag_to(at(12.1, 12.0));
        editor.drag_to(at(18.0, 12.0));
        let painting = editor.painting().expect("a stroke").clone();
        assert_eq!(
            (painting.radius, painting.points.as_slice()),
            (16, [(48, 48), (72, 48)].as_slice())
        );
        assert_eq!(editor.erasure().corrections.len(), 1);
        assert!(editor.work().corrections.is_empty(), "not yet");
        assert!(editor.cancel());
        assert!(editor.erasure().corrections.is_empty());

        paint(&mut editor, Brush::Adds, &[at(12.0, 12.0), at(18.0, 12.0)]);
        paint(&mut editor, Brush::Takes, &[at(20.0, 20.0)]);
        assert_eq!(editor.erasure().corrections.len(), 2);
        assert!(editor.undo());
        assert_eq!(editor.erasure().corrections.len(), 1);
        assert_eq!(editor.boxes().len(), 1);
        assert!(editor.redo());
        assert_eq!(editor.work().corrections[1].brush, Brush::Takes);
    }

    #[test]
    fn strokes_of_a_deleted_box_are_without_effect_and_come_back_with_it() {
        let (mut editor, id) = one_box();
        paint(&mut editor, Brush::Adds, &[at(20.0, 20.0)]);
        assert!(editor.delete(id));
        assert!(editor.erasure().corrections.is_empty());
        assert!(editor.undo());
        assert_eq!(editor.erasure().corrections.len(), 1);
        let mut again = Editor::new(PHOTO);
        again.begin_with(editor.work());
        assert_eq!(again.erasure(), editor.erasure());
        assert!(!again.can_undo());
    }

    #[test]
    fn strokes_at_points_that_are_no_numbers_do_no_harm() {
        let (mut editor, _) = one_box();
        let nowhere = at(f64::NAN, f64::INFINITY);
        paint(&mut editor, Brush::Adds, &[nowhere, at(-1e300, 1e300), at(5.0, 5.0)]);
        editor.begin_paint(Brush::Adds, f64::NAN, nowhere);
        assert_eq!(editor.painting().map(|stroke| stroke.radius), Some(LEAST_RADIUS));
    }
}
