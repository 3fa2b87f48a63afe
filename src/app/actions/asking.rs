//! Asking the engine. What is asked is decided by `questions`; here is when, and of whom.

use crate::app::dialogue::Kind;
use crate::app::editor::{Editor, PhotoBox};
use crate::app::page::Page;
use crate::app::questions::{Questions, Removal};
use crate::app::state::dialogs::Dialog;
use crate::photo::BoxInPhoto;
use crate::removal::Method;
use crate::worker::protocol::Ask;

/// Pause after a change of boxes before the engine is asked: about two frames, so that the removal
/// follows the box while it is dragged, but is not asked for at every event of the pointer. What
/// the engine does not get to before the next question, it drops.
const ASK_DELAY_MILLISECONDS: u32 = 30;

/// Pause after a removal before the engine looks at it once more, which takes several times as long
/// and would be in the way of the next change.
const CHECK_DELAY_MILLISECONDS: u32 = 200;

impl Page {
    /// Asks the engine something.
    pub fn ask(self, ask: Ask) {
        self.engine.ask(ask);
        self.update_busy();
    }

    /// Notes whether anything is in progress.
    pub fn update_busy(self) {
        let kinds = [
            Kind::Switch,
            Kind::Open,
            Kind::Preview,
            Kind::Find,
            Kind::Read,
            Kind::Erase,
            Kind::Save,
            Kind::Inspect,
            Kind::Compare,
        ];
        let asked = kinds.into_iter().any(|kind| self.engine.awaits(kind));
        let busy = asked || self.open.is_loading() || self.asking.is_scheduled();
        self.engine.set_busy(busy);
        self.finding.set_looks(self.engine.awaits(Kind::Find));
        self.saving.set_one(self.engine.awaits(Kind::Save));
        if !busy {
            self.find_beside();
        }
    }

    /// Asks for what is not known yet about the boxes, a moment later.
    pub fn sync_soon(self) {
        if self.asking.ask_after(ASK_DELAY_MILLISECONDS, move || self.sync_now()) {
            self.update_busy();
        }
    }

    /// Asks for what is not known yet about the present boxes.
    fn sync_now(self) {
        self.asking.not_soon();
        if self.engine_has_stage() {
            if let Some(ask) = self.asking.ask(Questions::finding).flatten() {
                self.ask(ask);
            }
            self.ask_readings();
            self.ask_removal();
            self.ask_inside();
            self.ask_comparison();
        }
        self.update_busy();
    }

    /// Whether the engine runs and has the photo that is on the stage.
    fn engine_has_stage(self) -> bool {
        self.open.is_on_stage() && self.engine.is_ready_now() && self.open.in_engine.get_untracked()
    }

    fn ask_readings(self) {
        let (unread, is_open) = (self.boxes.unread(), self.engine.awaits(Kind::Read));
        if let Some(ask) = self.asking.ask(|it| it.reading(unread, is_open)).flatten() {
            self.ask(ask);
        }
    }

    fn ask_removal(self) {
        let is_dragging = self.boxes.look(Editor::is_adjusting).unwrap_or_default();
        let is_open = self.engine.awaits(Kind::Erase);
        let erasure = self.boxes.look(Editor::erasure).unwrap_or_default();
        let nothing = erasure.boxes.is_empty();
        let method = self.removal.method.get_untracked();
        match self.asking.ask(|it| it.removal(erasure, &method, is_dragging, is_open)) {
            None | Some(Removal::Waits) => {}
            Some(Removal::Settled) => self.check_soon(),
            Some(Removal::Clears) => {
                self.asking.no_check();
                // An answer may still come.
                let lay = |pieces: &mut Vec<_>| {
                    self.asking.look(|it| it.lay(pieces, &[], Vec::new(), &[]));
                };
                self.removal.lay(lay);
                if nothing {
                    self.engine.took(|timing| timing.erased = None);
                }
                self.check_soon();
            }
            Some(Removal::Asks(ask)) => {
                self.asking.no_check();
                self.ask(ask);
            }
        }
    }

    /// Has the engine look once more at what it removed, as soon as nothing changes for a moment.
    fn check_soon(self) {
        if self.asking.checks_soon() || self.check().is_none() {
            return;
        }
        let goes_on = self.asking.look(Questions::is_checking);
        let delay = if goes_on { 0 } else { CHECK_DELAY_MILLISECONDS };
        self.asking.check_after(delay, move || {
            self.asking.no_check();
            if let Some(ask) = self.check() {
                self.ask(ask);
            }
            self.update_busy();
        });
        self.update_busy();
    }

    /// The question that has the engine look once more; none while anything is about to change.
    fn check(self) -> Option<Ask> {
        let changes = self.boxes.look(Editor::has_gesture)? || self.engine.awaits(Kind::Erase);
        if changes || !self.engine_has_stage() {
            return None;
        }
        self.asking.look(|it| self.removal.pieces.with_untracked(|pieces| it.check(pieces)))
    }

    /// Asks what is inside the selected box, while the inspector is open.
    fn ask_inside(self) {
        let selected = |editor: &Editor| editor.get(editor.selected()?).copied();
        let selected = self.boxes.look(selected).flatten();
        let is_open = self.dialogs.is_open_now(Dialog::Inspector);
        let Some(PhotoBox { id, area, .. }) = selected.filter(|_| is_open) else { return };
        let grown = self.boxes.look(Editor::grown).unwrap_or_default();
        let grown = grown.into_iter().find(|(other, _)| *other == id).map(|(_, grown)| grown);
        let erasure = self.boxes.look(Editor::erasure).unwrap_or_default();
        let digit = self.inspector.gradient_of.get_untracked();
        let method = self.removal.method.get_untracked();
        let ask = self.asking.ask(|it| it.inside(area, grown, digit, &erasure, &method)).flatten();
        if let Some(ask) = ask {
            self.ask(ask);
        }
    }

    /// Has the models that are ticked read the boxes, while their view is open.
    fn ask_comparison(self) {
        let ticked = self.models.ticked.get_untracked();
        let boxes: Vec<BoxInPhoto> = self
            .boxes
            .look(|editor| editor.reading_order().iter().map(|b| b.area).collect())
            .unwrap_or_default();
        if !self.dialogs.is_open_now(Dialog::Models) || ticked.len() < 2 || boxes.is_empty() {
            return;
        }
        let models = self.models.turn_to(&boxes, &ticked);
        let is_open = self.engine.awaits(Kind::Compare);
        if let Some(ask) = self.asking.ask(|it| it.comparison(models, boxes, is_open)).flatten() {
            self.ask(ask);
        }
    }

    /// Shows another digit's gradient; without one, that of the digit that is read.
    pub fn show_gradient_of(self, digit: Option<u8>) {
        self.inspector.show_gradient_of(digit);
        self.sync_soon();
    }

    /// Changes how digits are taken out.
    pub fn change_method(self, change: impl FnOnce(&mut Method)) {
        self.removal.change_method(change);
        self.sync_soon();
    }
}
