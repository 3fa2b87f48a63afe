//! The boxes on the stage and what is read in them.

use std::collections::{HashMap, HashSet};

use leptos::prelude::*;

use super::seen::Seen;
use crate::app::editor::{BoxId, Editor, PhotoBox, numbers_of};
use crate::app::house_number::HouseNumber;
use crate::photo::BoxInPhoto;
use crate::worker::protocol::BoxReading;

/// Readings that are kept for boxes no longer there, so that undo shows them at once.
const MAX_KEPT_READINGS: usize = 2000;

/// The boxes on the stage.
#[derive(Clone, Copy)]
pub struct Boxes {
    /// The boxes; there is an editor exactly when there is a photo.
    pub editor: Seen<Option<Editor>>,
    /// A box whose element should get the focus, once it is there.
    pub focus_wish: Seen<Option<BoxId>>,
    readings: Seen<HashMap<BoxInPhoto, BoxReading>>,
    /// Boxes to be pasted.
    copied: StoredValue<Vec<PhotoBox>>,
}

impl Boxes {
    /// No photo, no boxes.
    pub fn new() -> Self {
        Boxes {
            editor: Seen::new(None),
            focus_wish: Seen::new(None),
            readings: Seen::new(HashMap::new()),
            copied: StoredValue::new(Vec::new()),
        }
    }

    /// Brings another photo's boxes to the stage, or none.
    pub fn show(self, editor: Option<Editor>) {
        self.forget_readings();
        self.editor.set(editor);
    }

    /// Changes the boxes; gives what the change gives, none without a photo.
    pub fn change<T>(self, change: impl FnOnce(&mut Editor) -> T) -> Option<T> {
        self.editor.try_update(|editor| editor.as_mut().map(change)).flatten()
    }

    /// Looks at the boxes without following them.
    pub fn look<T>(self, look: impl FnOnce(&Editor) -> T) -> Option<T> {
        self.editor.with_untracked(|editor| editor.as_ref().map(look))
    }

    /// Wishes for a box's element to have the focus; without one, the wish is fulfilled.
    pub fn wish_focus(self, id: Option<BoxId>) {
        self.focus_wish.set(id);
    }

    /// Keeps the selected boxes to be pasted. Returns whether there are any.
    pub fn copy(self) -> bool {
        let copied = self.look(Editor::copied).unwrap_or_default();
        let any = !copied.is_empty();
        if any {
            self.copied.set_value(copied);
        }
        any
    }

    /// The boxes that were copied last, from this photo or another one.
    pub fn copied(self) -> Vec<PhotoBox> {
        self.copied.get_value()
    }

    /// Whether a box is being moved or resized.
    pub fn is_adjusting(self) -> bool {
        self.editor.with(|editor| editor.as_ref().is_some_and(Editor::is_adjusting))
    }

    // ---- Readings -----------------------------------------------------------------------------

    /// Takes in what was read in some boxes.
    pub fn take_readings(self, boxes: Vec<BoxInPhoto>, readings: Vec<BoxReading>) {
        self.readings.update(|known| {
            if known.len() > MAX_KEPT_READINGS {
                known.clear();
            }
            known.extend(boxes.into_iter().zip(readings));
        });
    }

    /// Forgets what was read, as by another model.
    pub fn forget_readings(self) {
        self.readings.update(HashMap::clear);
    }

    /// The boxes that nothing was read in, each once.
    pub fn unread(self) -> Vec<BoxInPhoto> {
        let areas: Vec<BoxInPhoto> =
            self.look(|editor| editor.boxes().iter().map(|b| b.area).collect()).unwrap_or_default();
        let mut seen = HashSet::new();
        self.readings.with_untracked(|readings| {
            areas
                .into_iter()
                .filter(|area| !readings.contains_key(area) && seen.insert(*area))
                .collect()
        })
    }

    /// What the engine reads in an area of the photo, if it has said so.
    pub fn reading_of(self, area: BoxInPhoto) -> Option<BoxReading> {
        self.readings.with(|readings| readings.get(&area).cloned())
    }

    /// The house numbers on the stage, in reading order.
    pub fn house_numbers(self) -> Vec<HouseNumber> {
        let numbers = self.editor.with(|editor| {
            editor.as_ref().map(|editor| numbers_of(editor.boxes())).unwrap_or_default()
        });
        self.readings.with(|readings| {
            let digits = |b: PhotoBox| {
                let digits: Vec<Option<(u8, f32)>> = match (b.label, readings.get(&b.area)) {
                    (Some(label), _) => vec![Some((label, 1.0))],
                    (None, Some(reading)) => reading.best().map(Some).collect(),
                    (None, None) => vec![None],
                };
                digits.into_iter().map(move |digit| (b.id, digit))
            };
            let number = |boxes: Vec<PhotoBox>| HouseNumber {
                digits: boxes.into_iter().flat_map(digits).collect(),
            };
            numbers.into_iter().map(number).collect()
        })
    }

    /// The digits that were read in the boxes on the stage.
    pub fn digits(self) -> Vec<(BoxInPhoto, Vec<u8>)> {
        self.readings.with(|readings| {
            self.editor.with(|editor| {
                let boxes = editor.as_ref().map(Editor::boxes).unwrap_or_default();
                let best = |b: &PhotoBox| {
                    let digits = readings.get(&b.area)?.best().map(|(digit, _)| digit);
                    Some((b.area, digits.collect()))
                };
                boxes.iter().filter_map(best).collect()
            })
        })
    }

    /// Where the digits lie in boxes round several, as long as these are read and no person says
    /// what they hold.
    pub fn digit_places(self) -> Vec<BoxInPhoto> {
        self.readings.with(|readings| {
            self.editor.with(|editor| {
                let boxes = editor.as_ref().map(Editor::boxes).unwrap_or_default();
                let read = boxes.iter().filter(|b| b.label.is_none());
                let read = read.filter_map(|b| readings.get(&b.area));
                let several = read.filter(|reading| reading.digits.len() > 1);
                several.flat_map(|reading| &reading.digits).map(|(place, _)| *place).collect()
            })
        })
    }
}
