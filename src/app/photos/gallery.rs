//! The photos of one sitting: plain data, tested without a browser. Files and pixels are kept
//! beside it by id (see `state::photos`).

use std::collections::HashMap;
use std::sync::Arc;

use super::format::{UniqueNames, stem_of};
#[cfg(any(feature = "boxes", test))]
use crate::app::editor::PhotoBox;
use crate::app::editor::{Editor, Work};
use crate::photo::{BoxInPhoto, PhotoSize};
use crate::removal::{BrushStroke, Erasure};

/// Names a photo for the life of the page; an id is never used again.
pub type PhotoId = u32;

/// A photo and what was done on it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name here.
    pub id: PhotoId,
    /// The file's name.
    pub name: String,
    /// Its upright size; until something decoded it, the stored one from its header.
    pub size: PhotoSize,
    /// What was made on it.
    pub work: Work,
    /// The digits that the engine read, by box; from left to right where it is one round several.
    pub digits: HashMap<BoxInPhoto, Vec<u8>>,
    /// Whether the engine looked for digits in all of it.
    pub looked_through: bool,
    /// Whether it was asked to do so while another photo was open. It is asked once: a photo that
    /// ends the engine would end the next one, too.
    asked_beside: bool,
    /// A small picture as a data URL.
    pub thumbnail: Option<String>,
    /// Why it cannot be opened.
    pub failure: Option<String>,
    /// What was removed in the file saved last.
    saved: Option<Erasure>,
    /// The work with its undo history, while another photo is on the stage.
    editor: Option<Editor>,
}

/// How far a photo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It has no boxes.
    Untouched,
    /// Its present boxes are not saved.
    Unfinished,
    /// It is saved with its present boxes.
    Done,
    /// It cannot be opened.
    Failed,
}

impl Entry {
    /// Whether nothing was done on it, and it can be opened as far as is known.
    fn is_untouched(&self) -> bool {
        let editor = self.editor.as_ref();
        self.failure.is_none()
            && self.work == Work::default()
            && editor.is_none_or(Editor::is_untouched)
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        if self.failure.is_some() {
            Progress::Failed
        } else if self.work.boxes.is_empty() {
            Progress::Untouched
        } else if self.saved.as_ref() == Some(&self.work.erasure(self.size)) {
            Progress::Done
        } else {
            Progress::Unfinished
        }
    }

    /// What was removed in the file saved last.
    pub fn saved(&self) -> Option<&Erasure> {
        self.saved.as_ref()
    }

    /// How far it is, for people.
    pub fn summary(&self) -> String {
        let count = self.work.boxes.len();
        let boxes = if count == 1 { "1 box".to_owned() } else { format!("{count} boxes") };
        let read = self.work.boxes.iter().filter(|b| self.digits.contains_key(&b.area)).count();
        match self.progress() {
            Progress::Failed => "cannot be opened".to_owned(),
            Progress::Untouched if self.looked_through => "no number found".to_owned(),
            Progress::Untouched => "no boxes yet".to_owned(),
            Progress::Done => format!("{boxes}, saved"),
            Progress::Unfinished if read < count => format!("{boxes}, {read} read, not saved"),
            Progress::Unfinished => format!("{boxes}, not saved"),
        }
    }
}

/// All photos in the order they came, and which one is open.
#[derive(Clone, Debug, Default)]
pub struct Gallery {
    entries: Vec<Entry>,
    open: Option<PhotoId>,
    last_id: PhotoId,
}

impl Gallery {
    /// Adds a photo behind the others.
    pub fn add(&mut self, name: String, size: PhotoSize) -> PhotoId {
        self.last_id = self.last_id.wrapping_add(1);
        self.entries.push(Entry {
            id: self.last_id,
            name,
            size,
            work: Work::default(),
            digits: HashMap::new(),
            looked_through: false,
            asked_beside: false,
            thumbnail: None,
            failure: None,
            saved: None,
            editor: None,
        });
        self.last_id
    }

    /// All photos.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The photo with this id.
    pub fn get(&self, id: PhotoId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: PhotoId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.id == id)
    }

    /// The open photo.
    pub fn open(&self) -> Option<PhotoId> {
        self.open
    }

    /// Makes a photo the open one, or none.
    pub fn set_open(&mut self, id: Option<PhotoId>) {
        self.open = id.filter(|id| self.get(*id).is_some());
    }

    /// The photo `steps` away from the open one; none at the ends.
    pub fn neighbour(&self, steps: isize) -> Option<PhotoId> {
        let open = self.entries.iter().position(|entry| Some(entry.id) == self.open);
        let place = open.map_or(Some(0), |place| place.checked_add_signed(steps))?;
        self.entries.get(place).map(|entry| entry.id)
    }

    /// Takes a photo out; gives the one that should be open then: its neighbour if it was open
    /// itself. One that cannot be opened is nobody's heir.
    pub fn close(&mut self, id: PhotoId) -> Option<PhotoId> {
        let Some(place) = self.entries.iter().position(|entry| entry.id == id) else {
            return self.open;
        };
        self.entries.remove(place);
        if self.open == Some(id) {
            let (before, behind) = self.entries.split_at(place.min(self.entries.len()));
            let heir = behind.iter().chain(before.iter().rev());
            self.open = heir.filter(|entry| entry.failure.is_none()).map(|entry| entry.id).next();
        }
        self.open
    }

    /// Takes up what is on the stage. Returns whether that is new.
    pub fn note(&mut self, id: PhotoId, size: PhotoSize, work: &Work) -> bool {
        let Some(entry) = self.get_mut(id) else { return false };
        let changed = entry.work != *work || entry.size != size;
        if changed {
            entry.size = size;
            entry.work.clone_from(work);
            entry.digits.retain(|area, _| work.boxes.iter().any(|b| b.area == *area));
        }
        changed
    }

    /// Takes up the digits that were read on the stage. Returns whether any is new.
    pub fn note_digits(&mut self, id: PhotoId, digits: &[(BoxInPhoto, Vec<u8>)]) -> bool {
        let Some(entry) = self.get_mut(id) else { return false };
        let before = entry.digits.clone();
        entry.digits.extend(digits.iter().cloned());
        entry.digits != before
    }

    /// Keeps the editor of a photo that leaves the stage.
    pub fn put_aside(&mut self, id: PhotoId, editor: Editor) {
        let size = editor.photo();
        self.note(id, size, editor.work());
        if let Some(entry) = self.get_mut(id) {
            entry.editor = Some(editor);
        }
    }

    /// The editor for a photo that comes to the stage, with its present boxes.
    pub fn take_editor(&mut self, id: PhotoId, size: PhotoSize) -> Editor {
        let Some(entry) = self.get_mut(id) else { return Editor::new(size) };
        let known = entry.editor.take().filter(|editor| *editor.work() == entry.work);
        let mut editor = known.unwrap_or_else(|| {
            let mut editor = Editor::new(entry.size);
            editor.begin_with(&entry.work);
            editor
        });
        if editor.photo() != size {
            editor.set_photo(size);
        }
        editor
    }

    /// The next photo in which the engine may look for digits while another one is open, or none: one
    /// on which nothing was done yet. It is given once.
    pub fn next_to_look_through(&mut self) -> Option<PhotoId> {
        let open = self.open;
        let entry = self.entries.iter_mut().find(|entry| {
            let waits = Some(entry.id) != open && !entry.asked_beside && !entry.looked_through;
            waits && entry.is_untouched()
        })?;
        entry.asked_beside = true;
        Some(entry.id)
    }

    /// Puts boxes round the digits that were found in a photo that is not on the stage, as one step to
    /// undo, unless something was done on it meanwhile.
    pub fn put_found(
        &mut self,
        id: PhotoId,
        size: PhotoSize,
        sure: &[(BoxInPhoto, u8)],
        unsure: &[BoxInPhoto],
    ) {
        let is_open = self.open == Some(id);
        let Some(entry) = self.get_mut(id).filter(|it| !is_open && it.is_untouched()) else {
            return;
        };
        entry.looked_through = true;
        let mut editor = Editor::new(size);
        let areas: Vec<BoxInPhoto> = sure.iter().map(|(area, _)| *area).collect();
        editor.add_found(&areas, unsure);
        self.put_aside(id, editor);
        let digits: Vec<_> = sure.iter().map(|(area, digit)| (*area, vec![*digit])).collect();
        self.note_digits(id, &digits);
    }

    /// Puts boxes in the place of all of a photo that is not on the stage, as one step to undo.
    pub fn replace_boxes(
        &mut self,
        id: PhotoId,
        areas: &[BoxInPhoto],
        kept: &[BoxInPhoto],
        strokes: &[Arc<BrushStroke>],
    ) {
        let Some(size) = self.get(id).map(|entry| entry.size) else { return };
        let mut editor = self.take_editor(id, size);
        editor.replace_all(areas, kept, strokes);
        self.put_aside(id, editor);
    }

    /// Each photo's name, and where one occurs twice, with a number behind the second's stem.
    pub fn unique_names(&self) -> Vec<(PhotoId, String)> {
        let mut names = UniqueNames::default();
        self.entries.iter().map(|entry| (entry.id, names.take(&entry.name))).collect()
    }

    /// The photo whose name has this stem.
    pub fn of_stem(&self, stem: &str) -> Option<PhotoId> {
        let names = self.unique_names();
        names.into_iter().find(|(_, name)| stem_of(name) == stem).map(|(id, _)| id)
    }

    /// All photos that can be opened with their boxes and digits, to be written to a file.
    #[cfg(feature = "boxes")]
    pub fn labelled(&self) -> Vec<crate::boxes::LabelledPhoto> {
        self.unique_names()
            .into_iter()
            .filter_map(|(id, name)| {
                let entry = self.get(id).filter(|entry| entry.failure.is_none())?;
                // A label is one digit; a box round several has none.
                let read = |b: &PhotoBox| match entry.digits.get(&b.area)?.as_slice() {
                    [digit] => Some(*digit),
                    _ => None,
                };
                let digit = |b: &PhotoBox| (b.area, b.label.or_else(|| read(b)));
                let boxes = entry.work.boxes.iter().map(digit).collect();
                let stays = entry.work.boxes.iter().filter(|b| !b.remove);
                let kept = stays.map(|b| b.area).collect();
                let strokes = entry.work.corrections.clone();
                Some(crate::boxes::LabelledPhoto { name, size: entry.size, boxes, kept, strokes })
            })
            .collect()
    }

    /// Remembers what was taken out of a photo that was saved.
    pub fn saved(&mut self, id: PhotoId, erasure: Erasure) {
        if let Some(entry) = self.get_mut(id) {
            entry.saved = Some(erasure);
        }
    }

    /// Photos with something to remove that is not in a saved file.
    pub fn unsaved(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.progress() == Progress::Unfinished)
    }

    /// Photos with something to remove.
    pub fn removable(&self) -> Vec<PhotoId> {
        self.entries
            .iter()
            .filter(|entry| entry.failure.is_none() && entry.work.boxes.iter().any(|b| b.remove))
            .map(|entry| entry.id)
            .collect()
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::removal::Brush;

    const SIZE: PhotoSize = PhotoSize { width: 100, height: 50 };

    fn area(left: u32) -> BoxInPhoto {
        BoxInPhoto { left, top: 5, width: 10, height: 20 }
    }

    fn boxes(lefts: &[u32]) -> Work {
        let boxes = (1..)
            .zip(lefts)
            .map(|(id, left)| PhotoBox { id, area: area(*left), remove: true, label: None })
            .collect();
        Work { boxes, ..Work::default() }
    }

    fn three() -> (Gallery, [PhotoId; 3]) {
        let mut gallery = Gallery::default();
        let ids = ["a.png", "b.png", "c.png"].map(|name| gallery.add(name.to_owned(), SIZE));
        (gallery, ids)
    }

    #[test]
    fn the_way_leads_from_end_to_end_and_no_further() {
        let (mut gallery, [a, b, c]) = three();
        assert_eq!(gallery.neighbour(1), Some(a), "nothing is open yet");
        gallery.set_open(Some(b));
        assert_eq!((gallery.neighbour(-1), gallery.neighbour(1)), (Some(a), Some(c)));
        gallery.set_open(Some(c));
        assert_eq!(gallery.neighbour(1), None);
        gallery.set_open(Some(77));
        assert_eq!(gallery.open(), None);
    }

    #[test]
    fn closing_the_open_one_opens_its_neighbour_and_another_changes_nothing() {
        let (mut gallery, [a, b, c]) = three();
        gallery.set_open(Some(b));
        assert_eq!(gallery.close(a), Some(b));
        assert_eq!(gallery.close(b), Some(c));
        assert_eq!(gallery.close(77), Some(c));
        assert_eq!(gallery.close(c), None);
        let new = gallery.add("d.png".to_owned(), SIZE);
        assert!(![a, b, c].contains(&new), "ids are never used again");
    }

    #[test]
    fn what_cannot_be_opened_is_not_opened_in_place_of_a_closed_one() {
        let (mut gallery, [a, b, c]) = three();
        gallery.get_mut(c).expect("there").failure = Some("why".to_owned());
        gallery.set_open(Some(b));
        assert_eq!(gallery.close(b), Some(a));
        assert_eq!(gallery.close(a), None);
    }

    #[test]
    fn photos_that_nobody_touched_are_looked_through_once_beside_the_open_one() {
        let (mut gallery, [a, b, c]) = three();
        gallery.set_open(Some(a));
        gallery.note(b, SIZE, &boxes(&[3]));
        assert_eq!(gallery.next_to_look_through(), Some(c), "b has a box");
        assert_eq!(gallery.next_to_look_through(), None, "each is asked about once");
        // As upright as the engine decoded it.
        let upright = PhotoSize { width: SIZE.height, height: SIZE.width };
        gallery.put_found(c, upright, &[(area(1), 4), (area(20), 2)], &[area(35)]);
        let entry = gallery.get(c).expect("there");
        assert_eq!((entry.size, entry.work.boxes.len()), (upright, 2));
        assert_eq!(entry.work.suggestions, [area(35)]);
        assert_eq!(entry.summary(), "2 boxes, not saved", "and both read");
        let mut editor = gallery.take_editor(c, upright);
        assert!(editor.undo() && editor.boxes().is_empty(), "one step to undo");

        // What was done meanwhile stays, and so does what is open.
        gallery.put_found(b, SIZE, &[(area(50), 1)], &[]);
        assert_eq!(gallery.get(b).expect("there").work.boxes, boxes(&[3]).boxes);
        gallery.put_found(a, SIZE, &[(area(50), 1)], &[]);
        assert!(gallery.get(a).expect("there").work.boxes.is_empty());
        gallery.put_found(77, SIZE, &[(area(50), 1)], &[]);
        // Where none is found, this is known, too.
        let d = gallery.add("d.png".to_owned(), SIZE);
        assert_eq!(gallery.next_to_look_through(), Some(d));
        gallery.put_found(d, SIZE, &[], &[]);
        assert_eq!(gallery.get(d).expect("there").summary(), "no number found");
        let broken = gallery.add("e.png".to_owned(), SIZE);
        gallery.get_mut(broken).expect("there").failure = Some("why".to_owned());
        assert_eq!(gallery.next_to_look_through(), None);
    }

    #[test]
    fn a_photo_is_done_while_its_boxes_are_as_saved() {
        let (mut gallery, [a, ..]) = three();
        let state = |gallery: &Gallery| gallery.get(a).expect("there").progress();
        assert_eq!(state(&gallery), Progress::Untouched);
        gallery.note(a, SIZE, &boxes(&[1, 20]));
        assert_eq!(state(&gallery), Progress::Unfinished);
        assert_eq!(gallery.unsaved().count(), 1);
        gallery.note_digits(a, &[(area(1), vec![7])]);
        assert_eq!(gallery.get(a).expect("there").summary(), "2 boxes, 1 read, not saved");
        gallery.saved(a, boxes(&[1, 20]).erasure(SIZE));
        assert_eq!(state(&gallery), Progress::Done);
        let dab = BrushStroke { brush: Brush::Adds, radius: 4, points: vec![(20, 40)] };
        let mut painted = boxes(&[1, 20]);
        painted.corrections.push(Arc::new(dab));
        assert!(gallery.note(a, SIZE, &painted));
        assert_eq!(state(&gallery), Progress::Unfinished, "painted since");
        let narrow = Work { growth: 0, ..boxes(&[1, 20]) };
        assert!(gallery.note(a, SIZE, &narrow));
        assert_eq!(state(&gallery), Progress::Unfinished, "grown otherwise");
        gallery.note(a, SIZE, &boxes(&[1, 20]));
        assert_eq!(state(&gallery), Progress::Done);
        assert_eq!(gallery.removable(), [a]);
        gallery.note(a, SIZE, &boxes(&[1]));
        assert_eq!(state(&gallery), Progress::Unfinished);
    }

    #[test]
    fn digits_of_boxes_that_are_gone_are_forgotten() {
        let (mut gallery, [a, ..]) = three();
        gallery.note(a, SIZE, &boxes(&[1, 20]));
        assert!(gallery.note_digits(a, &[(area(1), vec![7]), (area(20), vec![8])]));
        assert!(!gallery.note_digits(a, &[(area(1), vec![7])]));
        assert!(gallery.note(a, SIZE, &boxes(&[20])));
        assert!(!gallery.note(a, SIZE, &boxes(&[20])));
        assert_eq!(gallery.get(a).expect("there").digits, HashMap::from([(area(20), vec![8])]));
    }

    #[test]
    fn photos_of_one_name_are_told_apart() {
        let (mut gallery, [a, ..]) = three();
        let again = gallery.add("a.png".to_owned(), SIZE);
        assert_eq!(gallery.of_stem("a"), Some(a));
        assert_eq!(gallery.of_stem("a-2"), Some(again));
        assert_eq!(gallery.of_stem("x"), None);
        gallery.replace_boxes(again, &[area(4)], &[], &[]);
        assert!(gallery.take_editor(again, SIZE).can_undo());
        assert_eq!(gallery.removable(), [again]);
    }

    #[test]
    fn the_way_back_survives_another_photo_unless_the_boxes_changed_meanwhile() {
        let (mut gallery, [a, ..]) = three();
        let mut editor = gallery.take_editor(a, SIZE);
        editor.replace(&[area(3)]);
        assert!(editor.can_undo());
        gallery.put_aside(a, editor);
        let editor = gallery.take_editor(a, SIZE);
        assert!(editor.can_undo());
        gallery.put_aside(a, editor);
        gallery.note(a, SIZE, &boxes(&[9]));
        let editor = gallery.take_editor(a, SIZE);
        assert!(!editor.can_undo());
        assert_eq!(editor.boxes()[0].area, area(9));
        let turned = gallery.take_editor(a, PhotoSize { width: 50, height: 100 });
        assert_eq!(turned.photo(), PhotoSize { width: 50, height: 100 });
    }
}
