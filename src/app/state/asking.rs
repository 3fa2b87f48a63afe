//! What the engine was asked about the boxes, and when it is asked next.

use gloo::timers::callback::Timeout;
use leptos::prelude::*;

use crate::app::questions::Questions;

/// The questions about the boxes.
#[derive(Clone, Copy)]
pub struct Asking {
    asking: StoredValue<Inner, LocalStorage>,
}

#[derive(Default)]
struct Inner {
    questions: Questions,
    /// Until the engine is asked about the boxes.
    timer: Option<Timeout>,
    /// Until the engine looks at the removal again.
    check_timer: Option<Timeout>,
}

impl Asking {
    /// Nothing was asked.
    pub fn new() -> Self {
        Asking { asking: StoredValue::new_local(Inner::default()) }
    }

    /// Asks, or takes an answer in.
    pub fn ask<T>(self, ask: impl FnOnce(&mut Questions) -> T) -> Option<T> {
        self.asking.try_update_value(|inner| ask(&mut inner.questions))
    }

    /// Looks at what was asked.
    pub fn look<T>(self, look: impl FnOnce(&Questions) -> T) -> T {
        self.asking.with_value(|inner| look(&inner.questions))
    }

    /// Forgets what was asked about the boxes but their readings, and asks for no second look.
    pub fn forget(self) {
        self.asking.update_value(|inner| {
            inner.questions.forget();
            inner.check_timer = None;
        });
    }

    /// The same of all that was asked about a photo.
    pub fn forget_photo(self) {
        self.forget();
        self.asking.update_value(|inner| inner.questions.forget_photo());
    }

    /// Whether anything is about to be asked.
    pub fn is_scheduled(self) -> bool {
        self.asking.with_value(|inner| inner.timer.is_some() || inner.check_timer.is_some())
    }

    /// Asks after a pause. Returns whether that was not about to come already.
    pub fn ask_after(self, milliseconds: u32, ask: impl FnOnce() + 'static) -> bool {
        if self.asking.with_value(|inner| inner.timer.is_some()) {
            return false;
        }
        let timer = Timeout::new(milliseconds, ask);
        self.asking.update_value(|inner| inner.timer = Some(timer));
        true
    }

    /// Nothing is about to be asked but a second look.
    pub fn not_soon(self) {
        self.asking.update_value(|inner| inner.timer = None);
    }

    /// Whether a second look is about to be asked for.
    pub fn checks_soon(self) -> bool {
        self.asking.with_value(|inner| inner.check_timer.is_some())
    }

    /// Asks for a second look after a pause.
    pub fn check_after(self, milliseconds: u32, check: impl FnOnce() + 'static) {
        let timer = Timeout::new(milliseconds, check);
        self.asking.update_value(|inner| inner.check_timer = Some(timer));
    }

    /// No second look is about to be asked for.
    pub fn no_check(self) {
        self.asking.update_value(|inner| inner.check_timer = None);
    }
}
