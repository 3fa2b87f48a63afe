//! Which dialog is open.

use leptos::prelude::*;

use super::seen::Seen;

/// The dialogs that are opened by a button or a key. They are modal: one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// The keys.
    Help,
    /// The models.
    Models,
    /// The inspector.
    Inspector,
    /// What was fetched.
    Fetches,
}

/// The open dialog, if any.
#[derive(Clone, Copy)]
pub struct Dialogs {
    open: Seen<Option<Dialog>>,
}

impl Dialogs {
    /// None is open.
    pub fn new() -> Self {
        Dialogs { open: Seen::new(None) }
    }

    /// Opens a dialog, in the place of another one.
    pub fn open(self, dialog: Dialog) {
        self.open.set(Some(dialog));
    }

    /// Closes a dialog; another one that is open by now stays.
    pub fn close(self, dialog: Dialog) {
        if self.is_open_now(dialog) {
            self.open.set(None);
        }
    }

    /// Whether a dialog is open; follows it.
    pub fn is_open(self, dialog: Dialog) -> bool {
        self.open.get() == Some(dialog)
    }

    /// Whether a dialog is open, without following it.
    pub fn is_open_now(self, dialog: Dialog) -> bool {
        self.open.get_untracked() == Some(dialog)
    }

    /// What closes a dialog.
    pub fn closer(self, dialog: Dialog) -> Callback<()> {
        Callback::new(move |()| self.close(dialog))
    }

    /// Whether a dialog is open, as a signal.
    pub fn shown(self, dialog: Dialog) -> Signal<bool> {
        Signal::derive(move || self.is_open(dialog))
    }
}
