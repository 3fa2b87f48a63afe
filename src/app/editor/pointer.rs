//! What a pointer does: it draws, moves and resizes boxes, and paints.

use std::sync::Arc;

use super::Editor;
use super::boxes::{BoxId, from_corners, is_sliver, moved_together, resized_within};
use super::gesture::{Draft, Finished, Gesture};
use super::handle::Handle;
use super::view::PointInPhoto;
use crate::removal::{Brush, BrushStroke};

/// The minimum radius of a brush, in a stroke's units: a dab anywhere paints at least one pixel.
pub(super) const MIN_RADIUS: u32 = 3;

/// A point as a stroke has it.
fn point_in_units(PointInPhoto { x, y }: PointInPhoto) -> (i32, i32) {
    // Casts from a float clamp, and take what is no number for 0.
    let unit = |at: f64| (at * f64::from(BrushStroke::PER_PIXEL)).round() as i32;
    (unit(x), unit(y))
}

impl Editor {
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

    /// Whether a gesture of any kind is in progress.
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
        let radius = ((width / 2.0 * unit).round() as u32).max(MIN_RADIUS);
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
                // Once begun it stays a move, so that a box can be put back where it was.
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

    /// Ends the gesture and puts everything back as it was before. Returns whether there was one.
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
}
