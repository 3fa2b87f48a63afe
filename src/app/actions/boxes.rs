//! What is done to boxes; the engine is asked about them a moment later.

use crate::app::editor::{BoxId, Editor};
use crate::app::page::Page;
use crate::app::questions::Questions;
use crate::app::state::dialogs::Dialog;
use crate::app::state::messages::Tone;
use crate::photo::BoxInPhoto;

/// A digit's width as a share of its height, mostly.
const USUAL_WIDTH_BY_HEIGHT: f64 = 0.6;

impl Page {
    /// Changes the boxes; the engine is asked a moment later. Gives what the change gives.
    pub fn edit<T>(self, change: impl FnOnce(&mut Editor) -> T) -> Option<T> {
        let result = self.boxes.change(change);
        if result.is_some() {
            self.sync_soon();
        }
        result
    }

    /// Looks at the boxes without following them.
    pub fn look<T>(self, look: impl FnOnce(&Editor) -> T) -> Option<T> {
        self.boxes.look(look)
    }

    /// Selects a box whose element has the focus already.
    pub fn select_quietly(self, id: Option<BoxId>) {
        if self.look(Editor::selected).flatten() != id {
            self.boxes.change(|editor| editor.select(id));
            if self.dialogs.is_open_now(Dialog::Inspector) {
                self.sync_soon();
            }
        }
    }

    /// Selects a box and wishes for its element to have the focus.
    pub fn select(self, id: Option<BoxId>) {
        self.select_quietly(id);
        if id.is_some() {
            self.boxes.wish_focus(id);
        }
    }

    /// The same of the box that is selected now, as after a change.
    pub fn select_selected(self) {
        self.select(self.look(Editor::selected).flatten());
    }

    /// Selects a box that was pointed at on purpose, so that it is taken hold of as such.
    pub fn pick(self, id: BoxId) {
        self.boxes.change(|editor| editor.select(Some(id)));
        self.select(Some(id));
    }

    /// Makes a box in the middle of what is in sight, and selects it; returns whether there is a photo.
    pub fn new_box(self) -> bool {
        let Some(photo) = self.look(Editor::photo) else { return false };
        let (middle, width, height) =
            self.stage.view.get_untracked().in_sight(photo, self.stage.size.get_untracked());
        // A fifth of what is in sight is large enough to be seen, and leaves room beside it.
        let height = (height.min(width) / 5.0).round();
        let usual = ((height * USUAL_WIDTH_BY_HEIGHT).round() as u32, height as u32);
        self.edit(|editor| editor.add_at(middle, usual));
        self.select_selected();
        self.messages.announce(
            "New box: arrows move it, with Shift faster, with Control they resize it.".to_owned(),
        );
        true
    }

    /// Has the engine find the digits in the photo, if there is one.
    pub fn find(self) -> bool {
        if self.look(|_| ()).is_none() {
            return false;
        }
        self.asking.ask(Questions::wish_to_find);
        self.messages.announce("Looking for numbers.".to_owned());
        self.sync_soon();
        true
    }

    /// Puts boxes round the digits that were found, where there are none yet, as one step to undo.
    pub fn take_found(self, found: &[(BoxInPhoto, f32)]) {
        let areas: Vec<BoxInPhoto> = found.iter().map(|(area, _)| *area).collect();
        let new = self.edit(|editor| editor.add_found(&areas)).unwrap_or_default();
        let digits = |count: usize| {
            if count == 1 { "1 digit".to_owned() } else { format!("{count} digits") }
        };
        self.messages.show(
            Tone::Done,
            match (new, areas.len()) {
                (0, 0) => "No number found. Draw a box round each digit.".to_owned(),
                (0, _) => "Nothing more found: all digits have a box already.".to_owned(),
                (new, _) => {
                    format!("Found {}. Delete wrong boxes, draw missing ones.", digits(new))
                }
            },
        );
    }

    /// Selects several boxes and wishes for the last one's element to have the focus.
    pub fn select_several(self, ids: &[BoxId]) {
        self.edit(|editor| editor.select_several(ids));
        self.boxes.wish_focus(ids.last().copied());
    }

    /// Makes a box larger, so that more of what is in it is found and removed.
    pub fn widen(self, id: BoxId) {
        self.edit(|editor| editor.widen(id));
        self.select(Some(id));
        self.messages.announce(format!("Box {id} is larger now."));
    }

    /// Turns the removal of all boxes on or off.
    pub fn toggle_remove(self, ids: &[BoxId]) {
        self.edit(|editor| {
            let removes = ids.iter().any(|id| editor.get(*id).is_some_and(|b| b.remove));
            editor.set_remove(ids, !removes)
        });
    }

    /// The same of the selected boxes. Returns whether there are any.
    pub fn toggle_remove_selected(self) -> bool {
        let selected = self.look(Editor::selection).unwrap_or_default();
        self.toggle_remove(&selected);
        !selected.is_empty()
    }

    /// Pastes the boxes that were copied last, from this photo or another one.
    pub fn paste(self) {
        let copied = self.boxes.copied();
        if self.edit(|editor| editor.paste(&copied)).unwrap_or_default() {
            self.select_selected();
        }
    }

    /// Opens the inspector on the selected box, or on the first in reading order.
    pub fn inspect(self) {
        let first = |editor: &Editor| {
            editor.selected().or_else(|| editor.reading_order().first().map(|b| b.id))
        };
        let Some(id) = self.look(first).flatten() else { return };
        self.select_quietly(Some(id));
        self.dialogs.open(Dialog::Inspector);
        self.sync_soon();
    }
}
