//! Whether the work is kept in the browser, and what is known of the store meanwhile.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use gloo::timers::callback::Timeout;
use leptos::prelude::*;

use super::seen::Seen;
use crate::app::photos::gallery::PhotoId;
use crate::app::photos::store::Store;

/// Whether the work is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Not known yet.
    Starting,
    /// It is.
    Yes,
    /// It is not; why.
    No(String),
}

/// What keeps the work. Copies are the same.
#[derive(Clone, Copy)]
pub struct Keeping {
    /// Whether it is kept.
    pub kept: Seen<Kept>,
    /// Whether the page says that it was restored.
    pub restored: Seen<bool>,
    writing: StoredValue<Writing, LocalStorage>,
}

/// How far writing is.
#[derive(Default)]
struct Writing {
    store: Option<Rc<Store>>,
    /// Keys of files that are in the store.
    keys: HashMap<PhotoId, String>,
    /// Files that it has no room for.
    refused: HashSet<PhotoId>,
    timer: Option<Timeout>,
    is_on: bool,
    changed: bool,
}

impl Keeping {
    /// Nothing is kept yet.
    pub fn new() -> Self {
        Keeping {
            kept: Seen::new(Kept::Starting),
            restored: Seen::new(false),
            writing: StoredValue::new_local(Writing::default()),
        }
    }

    /// From now on the work is kept in this store.
    pub fn keeps_in(self, store: Rc<Store>) {
        self.writing.update_value(|writing| writing.store = Some(store));
        self.kept.set(Kept::Yes);
    }

    /// The work is not kept; the first reason is the one that is told.
    pub fn not_kept(self, reason: String) {
        if !matches!(self.kept.get_untracked(), Kept::No(_)) {
            self.kept.set(Kept::No(reason));
        }
    }

    /// Says that the last work was restored, or does not say so any more.
    pub fn set_restored(self, restored: bool) {
        self.restored.set(restored);
    }

    /// The store, once it is open.
    pub fn store(self) -> Option<Rc<Store>> {
        self.writing.with_value(|writing| writing.store.clone())
    }

    // ---- Files --------------------------------------------------------------------------------

    /// A photo's file is in the store.
    pub fn has_file(self, id: PhotoId, key: String) {
        self.writing.update_value(|writing| {
            writing.keys.insert(id, key);
        });
    }

    /// The store has no room for a photo's file.
    pub fn has_no_room(self, id: PhotoId) {
        self.writing.update_value(|writing| {
            writing.refused.insert(id);
        });
    }

    /// Whether a photo's file is in the store, or has no room there.
    pub fn knows(self, id: PhotoId) -> bool {
        self.writing
            .with_value(|writing| writing.keys.contains_key(&id) || writing.refused.contains(&id))
    }

    /// The key of a photo's file.
    pub fn key(self, id: PhotoId) -> Option<String> {
        self.writing.with_value(|writing| writing.keys.get(&id).cloned())
    }

    /// Only files with these keys are in the store.
    pub fn has_only(self, keys: &[String]) {
        self.writing.update_value(|writing| writing.keys.retain(|_, key| keys.contains(key)));
    }

    // ---- Turns --------------------------------------------------------------------------------

    /// Keeps the work after a pause; does nothing while that is about to come.
    pub fn keep_after(self, milliseconds: u32, keep: impl FnOnce() + 'static) {
        self.writing.update_value(|writing| {
            if writing.timer.is_none() {
                writing.timer = Some(Timeout::new(milliseconds, keep));
            }
        });
    }

    /// Whoever gets `true` writes until there is no change left; others' change is taken with it.
    pub fn begins(self) -> bool {
        self.writing
            .try_update_value(|writing| {
                // Dropped only here: a timer that has fired must not be cancelled from within.
                if let Some(timer) = writing.timer.take() {
                    timer.forget();
                }
                writing.changed = true;
                !std::mem::replace(&mut writing.is_on, true)
            })
            .unwrap_or_default()
    }

    /// Whether there is a change to be written.
    pub fn take_change(self) -> bool {
        self.writing
            .try_update_value(|writing| std::mem::take(&mut writing.changed))
            .unwrap_or_default()
    }

    /// Nobody writes any more.
    pub fn ended(self) {
        self.writing.update_value(|writing| writing.is_on = false);
    }
}
