//! One-line messages to the user, and what is told to screen readers only.

use leptos::prelude::*;

use super::seen::Seen;

/// Errors that are shown at once.
const MAX_SHOWN: usize = 2;

/// How long a line stays that needs no action.
const NOTICE_MILLISECONDS: u32 = 4_000;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something is done.
    Done,
    /// Something to know; the work goes on.
    Notice,
    /// Something did not work.
    Error,
}

/// A line for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its name; none is used twice.
    pub id: u32,
    /// What it is about.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// The lines that are shown.
#[derive(Clone, Copy)]
pub struct Messages {
    /// The lines, oldest first.
    pub shown: Seen<Vec<Message>>,
    /// What is told to screen readers only.
    pub announcement: Seen<String>,
    last_id: StoredValue<u32>,
    /// The line about the engine's restarts; each takes the place of the one before.
    about_engine: StoredValue<u32>,
}

impl Messages {
    /// No lines.
    pub fn new() -> Self {
        Messages {
            shown: Seen::new(Vec::new()),
            announcement: Seen::new(String::new()),
            last_id: StoredValue::new(0),
            about_engine: StoredValue::new(0),
        }
    }

    /// Shows a line in the place of the last one. Errors stay until they are closed or outlived by
    /// newer lines.
    pub fn show(self, tone: Tone, text: String) {
        self.push(tone, text);
    }

    /// Tells screen readers something that others see.
    pub fn announce(self, text: String) {
        self.announcement.set(text);
    }

    /// Shows a line about the engine's restarts in the place of the last one.
    pub fn show_about_engine(self, text: String) {
        self.close_about_engine();
        self.about_engine.set_value(self.push(Tone::Notice, text));
    }

    /// Closes the line about the engine's restarts.
    pub fn close_about_engine(self) {
        self.close(self.about_engine.get_value());
    }

    fn push(self, tone: Tone, text: String) -> u32 {
        let id = self
            .last_id
            .try_update_value(|id| {
                *id = id.wrapping_add(1);
                *id
            })
            .unwrap_or_default();
        self.shown.update(|shown| {
            shown.retain(|message| message.tone == Tone::Error && message.text != text);
            let surplus = (shown.len() + 1).saturating_sub(MAX_SHOWN);
            shown.drain(..surplus);
            shown.push(Message { id, tone, text });
        });
        if tone != Tone::Error {
            gloo::timers::callback::Timeout::new(NOTICE_MILLISECONDS, move || self.close(id))
                .forget();
        }
        id
    }

    /// Closes a line.
    pub fn close(self, id: u32) {
        self.shown.update(|shown| shown.retain(|message| message.id != id));
    }

    /// Closes the lines about what did not work.
    pub fn close_errors(self) {
        self.shown.update(|shown| shown.retain(|message| message.tone != Tone::Error));
    }
}
