//! Saving: how pictures are saved, and how far it is.

use futures::channel::oneshot;
use leptos::prelude::*;

use super::seen::Seen;
use super::waiting::{Waiting, answer};
use crate::app::kept;
use crate::app::photos::format::{kept_choice, text_to_keep};
use crate::photo::SaveChoice;
use crate::worker::protocol::SavedFile;

/// The choice of format and metadata is kept under this key.
const CHOICE_KEY: &str = "doorplate-save";

/// How far saving all is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavingAll {
    /// The photo that is being saved, from 1.
    pub number: usize,
    /// How many there are.
    pub count: usize,
    /// The photo's name.
    pub name: String,
}

/// Saving.
#[derive(Clone, Copy)]
pub struct Saving {
    /// How pictures are saved.
    pub choice: Seen<SaveChoice>,
    /// Whether the open photo's file is being made.
    pub one: Seen<bool>,
    /// How far saving all is, while it is in progress.
    pub all: Seen<Option<SavingAll>>,
    waits_for_file: StoredValue<Waiting<SavedFile>, LocalStorage>,
}

impl Saving {
    /// Nothing is being saved; pictures will be as it was chosen last.
    pub fn new() -> Self {
        let choice = kept::read(CHOICE_KEY).map(|text| kept_choice(&text));
        Saving {
            choice: Seen::new(choice.unwrap_or_default()),
            one: Seen::new(false),
            all: Seen::new(None),
            waits_for_file: StoredValue::new_local(None),
        }
    }

    /// Chooses how pictures are saved, from now on and at the next visit.
    pub fn choose(self, choice: SaveChoice) {
        self.choice.set(choice);
        kept::keep(CHOICE_KEY, &text_to_keep(choice));
    }

    /// Notes whether the open photo's file is being made.
    pub fn set_one(self, saving: bool) {
        self.one.set_if_new(saving);
    }

    /// Takes in how far saving all is; it ends, or is cancelled, without.
    pub fn set_all(self, state: Option<SavingAll>) {
        self.all.set(state);
    }

    /// Whether saving all is in progress.
    pub fn is_saving_all(self) -> bool {
        self.all.with_untracked(Option::is_some)
    }

    /// Waits for the file that was asked for.
    pub fn await_file(self) -> oneshot::Receiver<Result<SavedFile, String>> {
        let (sender, receiver) = oneshot::channel();
        self.waits_for_file.set_value(Some(sender));
        receiver
    }

    /// Gives the file, or why there is none, to who waits for it.
    pub fn answer_file(self, file: Result<SavedFile, String>) {
        answer(self.waits_for_file.try_update_value(Option::take).flatten(), file);
    }

    /// Nobody gets a file of the photo that leaves the stage.
    pub fn let_go(self) {
        self.waits_for_file.set_value(None);
    }
}
