//! The published models, and what several of them read in the boxes.

use super::seen::Seen;
use crate::app::kept;
use crate::app::models::choice::{Memory, Models, Phase, Step};
use crate::app::models::side_by_side::SideBySide;
use crate::photo::BoxInPhoto;
use crate::worker::protocol::{Column, EngineInfo};

/// The model chosen, kept under this key for the next visit.
const MODEL_KEY: &str = "doorplate-model";

/// The published models.
#[derive(Clone, Copy)]
pub struct ModelChoice {
    /// What is known of them.
    pub known: Seen<Models>,
    /// The names of those that are looked at more closely.
    pub ticked: Seen<Vec<String>>,
    /// What these read in the boxes, as far as they were asked.
    pub side_by_side: Seen<SideBySide>,
}

impl ModelChoice {
    /// The models before the manifest is there, with the choice of the last visit.
    pub fn new() -> Self {
        ModelChoice {
            known: Seen::new(Models::new(kept::read(MODEL_KEY))),
            ticked: Seen::new(Vec::new()),
            side_by_side: Seen::new(SideBySide::default()),
        }
    }

    /// Takes in what is new about them.
    pub fn learn(self, learn: impl FnOnce(&mut Models)) {
        self.known.update(learn);
    }

    /// Chooses a model; returns what to ask the engine, if anything.
    pub fn choose(self, name: &str, phase: Phase) -> Option<Step> {
        self.known.try_update(|models| models.choose(name, phase)).flatten()
    }

    /// Takes in that the engine has started or gone over to another model, and keeps the choice.
    pub fn started(self, info: &EngineInfo) {
        match self.known.try_update(|models| models.started(info)) {
            Some(Memory::Keep(name)) => kept::keep(MODEL_KEY, &name),
            Some(Memory::Forget) => kept::forget(MODEL_KEY),
            Some(Memory::AsItIs) | None => {}
        }
    }

    /// Looks at a model more closely, or not any more.
    pub fn tick(self, name: &str, on: bool) {
        self.ticked.update(|ticked| {
            ticked.retain(|other| other != name);
            if on {
                ticked.push(name.to_owned());
            }
        });
        self.side_by_side.update(|table| table.forget_failure(name));
    }

    /// Takes in how far one of several models is.
    pub fn take_column(self, column: Column) {
        self.side_by_side.update(|table| table.take(column));
    }

    /// Turns to other boxes; gives those of these models that have not read them.
    pub fn turn_to(self, boxes: &[BoxInPhoto], ticked: &[String]) -> Vec<String> {
        self.side_by_side.update(|table| table.turn_to(boxes));
        self.side_by_side.with_untracked(|table| table.missing(ticked))
    }

    /// Forgets what several models read, as on another photo.
    pub fn forget_readings(self) {
        self.side_by_side.set(SideBySide::default());
    }
}
