//! What the engine found: boxes where it is sure, suggestions where it is not.

use super::Editor;
use super::boxes::PhotoBox;
use crate::numbers::same_digit;
use crate::photo::BoxInPhoto;

impl Editor {
    /// What may be a digit, where no box is.
    pub fn suggestions(&self) -> Vec<BoxInPhoto> {
        self.work.suggestions.iter().copied().filter(|area| self.is_free(*area)).collect()
    }

    fn is_free(&self, area: BoxInPhoto) -> bool {
        !self.work.boxes.iter().any(|b| same_digit(b.area, area))
    }

    /// Adds boxes round digits that were found, where no box is yet, and what may be digits as
    /// suggestions in the place of earlier ones: all as one step to undo. Gives the number of new
    /// boxes.
    pub fn add_found(&mut self, sure: &[BoxInPhoto], unsure: &[BoxInPhoto]) -> usize {
        let new: Vec<BoxInPhoto> = sure.iter().copied().filter(|it| self.is_free(*it)).collect();
        if !new.is_empty() || self.work.suggestions != unsure {
            self.cancel();
            self.history.keep(&self.work, None);
            self.push_all(&new);
            self.work.suggestions = unsure.to_vec();
        }
        new.len()
    }

    /// Puts boxes round digits that were found within a box in its place, as one step to undo. Gives
    /// their number; without any, the box stays.
    pub fn put_found_within(&mut self, within: BoxInPhoto, found: &[BoxInPhoto]) -> usize {
        let is_other = |b: &PhotoBox| b.area != within;
        let others: Vec<BoxInPhoto> =
            self.work.boxes.iter().filter(|b| is_other(b)).map(|b| b.area).collect();
        let is_free = |area: &BoxInPhoto| !others.iter().any(|other| same_digit(*other, *area));
        let new: Vec<BoxInPhoto> = found.iter().copied().filter(is_free).collect();
        if !new.is_empty() {
            self.cancel();
            self.history.keep(&self.work, None);
            self.work.boxes.retain(is_other);
            self.push_all(&new);
        }
        new.len()
    }

    /// Makes a suggestion a box, and selects it. Returns whether it was there.
    pub fn take_suggestion(&mut self, area: BoxInPhoto) -> bool {
        let taken = self.dismiss_suggestion(area);
        if taken {
            self.push(area, true);
        }
        taken
    }

    /// Makes all suggestions boxes, as one step to undo. Returns whether there were any.
    pub fn take_suggestions(&mut self) -> bool {
        let all = self.suggestions();
        let taken = self.dismiss_suggestions();
        self.push_all(&all);
        taken
    }

    /// Forgets a suggestion. Returns whether it was there.
    pub fn dismiss_suggestion(&mut self, area: BoxInPhoto) -> bool {
        self.dismiss(|it| it == area)
    }

    /// Forgets all suggestions, as one step to undo. Returns whether there were any.
    pub fn dismiss_suggestions(&mut self) -> bool {
        self.dismiss(|_| true)
    }

    fn dismiss(&mut self, is_one: impl Fn(BoxInPhoto) -> bool) -> bool {
        let some = self.work.suggestions.iter().any(|area| is_one(*area));
        if some {
            self.cancel();
            self.history.keep(&self.work, None);
            self.work.suggestions.retain(|area| !is_one(*area));
        }
        some
    }

    fn push_all(&mut self, areas: &[BoxInPhoto]) {
        for area in areas {
            self.push(*area, true);
        }
        if !areas.is_empty() {
            self.select(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::PhotoSize;

    fn area(left: u32) -> BoxInPhoto {
        BoxInPhoto { left, top: 10, width: 20, height: 40 }
    }

    fn areas(editor: &Editor) -> Vec<BoxInPhoto> {
        editor.boxes().iter().map(|b| b.area).collect()
    }

    #[test]
    fn what_is_found_is_one_step_and_leaves_boxes_that_are_there() {
        let mut editor = Editor::new(PhotoSize { width: 300, height: 100 });
        editor.replace(&[area(0)]);
        assert_eq!(editor.add_found(&[area(2), area(50)], &[area(100), area(48)]), 1);
        assert_eq!(areas(&editor), [area(0), area(50)]);
        assert_eq!(editor.suggestions(), [area(100)], "none where a box is");
        // The same again changes nothing, so there is nothing to undo.
        let before = editor.clone();
        assert_eq!(editor.add_found(&[area(50)], &[area(100), area(48)]), 0);
        assert_eq!(editor.work(), before.work());
        assert!(editor.undo());
        assert_eq!(areas(&editor), [area(0)]);
        assert!(editor.suggestions().is_empty());
    }

    #[test]
    fn suggestions_are_taken_and_dismissed_one_by_one_or_all() {
        let mut editor = Editor::new(PhotoSize { width: 300, height: 100 });
        assert!(!editor.take_suggestions() && !editor.dismiss_suggestions());
        editor.add_found(&[], &[area(0), area(50), area(100), area(150)]);
        assert!(editor.take_suggestion(area(50)));
        assert_eq!(editor.selected(), Some(1));
        assert!(!editor.take_suggestion(area(50)), "only once");
        assert!(editor.dismiss_suggestion(area(0)));
        assert_eq!(editor.suggestions(), [area(100), area(150)]);
        assert!(editor.take_suggestions());
        assert_eq!(areas(&editor), [area(50), area(100), area(150)]);
        assert!(editor.undo());
        assert_eq!((areas(&editor).len(), editor.suggestions().len()), (1, 2));
        assert!(editor.dismiss_suggestions());
        assert!(editor.suggestions().is_empty());
    }

    #[test]
    fn digits_within_a_box_take_its_place_and_it_stays_without_any() {
        let mut editor = Editor::new(PhotoSize { width: 300, height: 100 });
        let within = BoxInPhoto { width: 90, ..area(40) };
        editor.replace(&[area(0), within]);
        assert_eq!(editor.put_found_within(within, &[]), 0);
        assert_eq!(areas(&editor), [area(0), within]);
        assert_eq!(editor.put_found_within(within, &[area(45), area(70), area(1)]), 2);
        assert_eq!(areas(&editor), [area(0), area(45), area(70)]);
        editor.undo();
        assert_eq!(areas(&editor), [area(0), within]);
    }
}
