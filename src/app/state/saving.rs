//! Saving: how pictures are saved, and how far it is.

use futures::channel::oneshot;
use leptos::prelude::*;

use super::seen::Seen;
use super::waiting::{Waiting, answer};
use crate::app::kept;
use crate::app::photos::format::SaveChoice;

/// The choice of format is kept under this key.
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
    /// Whether the open photo's PNG is being made.
    pub one: Seen<bool>,
    /// How far saving all is, while it is in progress.
    pub all: Seen<Option<SavingAll>>,
    waits_for_png: StoredValue<Waiting<Vec<u8>>, LocalStorage>,
}

impl Saving {
    /// Nothing is being saved; pictures will be as it was chosen last.
    pub fn new() -> Self {
        let choice = kept::read(CHOICE_KEY).map(|text| SaveChoice::from_kept(&text));
        Saving {
            choice: Seen::new(choice.unwrap_or_default()),
            one: Seen::new(false),
            all: Seen::new(None),
            waits_for_png: StoredValue::new_local(None),
        }
    }

    /// Chooses how pictures are saved, from now on and at the next visit.
    pub fn choose(self, choice: SaveChoice) {
        self.choice.set(choice);
        kept::keep(CHOICE_KEY, &choice.to_string());
    }

    /// Notes whether the open photo's PNG is being made.
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

    /// Waits for the PNG that was asked for.
    pub fn await_png(self) -> oneshot::Receiver<Result<Vec<u8>, String>> {
        let (sender, receiver) = oneshot::channel();
        self.waits_for_png.set_value(Some(sender));
        receiver
    }

    /// Gives the PNG, or why there is none, to who waits for it.
    pub fn answer_png(self, png: Result<Vec<u8>, String>) {
        answer(self.waits_for_png.try_update_value(Option::take).flatten(), png);
    }

    /// Nobody gets a PNG of the photo that leaves the stage.
    pub fn let_go(self) {
        self.waits_for_png.set_value(None);
    }
}
