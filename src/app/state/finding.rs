//! Whether digits are looked for in new photos, and what was seen so far.

use super::seen::Seen;
use crate::app::kept;
use crate::photo::BoxInPhoto;

const KEY: &str = "doorplate-find";
const OFF: &str = "off";

/// The search for digits.
#[derive(Clone, Copy)]
pub struct Finding {
    /// Whether a new photo is looked through unasked.
    pub unasked: Seen<bool>,
    /// Whether the engine looks for digits.
    pub looks: Seen<bool>,
    /// What may be digits, while the rest of the photo is still looked through.
    pub seen: Seen<Vec<BoxInPhoto>>,
    /// Whether the next photo to look through beside the open one is being chosen.
    pub chooses: Seen<bool>,
}

impl Finding {
    /// As a person chose before; nothing is seen yet.
    pub fn new() -> Self {
        Finding {
            unasked: Seen::new(kept::read(KEY).as_deref() != Some(OFF)),
            looks: Seen::new(false),
            seen: Seen::new(Vec::new()),
            chooses: Seen::new(false),
        }
    }

    /// Chooses whether new photos are looked through, for the next visit, too.
    pub fn set_unasked(self, unasked: bool) {
        match unasked {
            true => kept::forget(KEY),
            false => kept::keep(KEY, OFF),
        }
        self.unasked.set(unasked);
    }

    /// Notes whether the engine looks for digits.
    pub fn set_looks(self, looks: bool) {
        self.looks.set_if_new(looks);
    }

    /// Notes whether the next photo to look through beside the open one is being chosen.
    pub fn set_chooses(self, chooses: bool) {
        self.chooses.set_if_new(chooses);
    }

    /// Notes what was seen so far.
    pub fn sees(self, areas: Vec<BoxInPhoto>) {
        self.seen.set_if_new(areas);
    }
}
