//! What is done to boxes without a pointer: by keys, buttons, sliders and the clipboard.

use super::Editor;
use super::boxes::{BoxId, PhotoBox, centred_at, moved_together, resized_within};
use super::handle::Handle;
use super::history::Merge;
use super::view::PointInPhoto;
use crate::photo::{BoxInPhoto, LooseBox};

/// How far a duplicate lies from its original, in photo pixels.
const DUPLICATE_OFFSET: f64 = 6.0;

/// Boxes that share more than this part of the smaller one hold the same digit.
const SAME_DIGIT: f64 = 0.4;

impl Editor {
    /// Moves the selected boxes by whole pixels. Nudges in quick succession are one step to undo.
    /// `now` is any clock in milliseconds. Returns whether anything changed.
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
    /// are one step to undo. Returns whether anything changed.
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
        // A neighbouring digit is most likely to the right and has the same size.
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
            let area = LooseBox::from(b.area).clamp_to(self.photo).ok()?;
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

    /// Adds boxes round digits that were found, where no box is yet, as one step to undo. Gives their
    /// number.
    pub fn add_found(&mut self, found: &[BoxInPhoto]) -> usize {
        let is_new = |area: &&BoxInPhoto| {
            let area = LooseBox::from(**area);
            !self.work.boxes.iter().any(|b| {
                let other = LooseBox::from(b.area);
                let smaller = (area.width * area.height).min(other.width * other.height);
                area.shared_area(&other) > SAME_DIGIT * smaller
            })
        };
        let new: Vec<BoxInPhoto> = found.iter().filter(is_new).copied().collect();
        if !new.is_empty() {
            self.cancel();
            self.history.keep(&self.work, None);
            for &area in &new {
                self.push(area, true);
            }
            self.select(None);
        }
        new.len()
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

    /// Sets which digit a box holds, 0 to 9, or goes back to the reading; as a step
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
    /// Changes in quick succession are one step to undo. Returns whether anything changed.
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
}
