//! What everybody may read and only the files of this folder may write.

use leptos::prelude::*;

/// A signal that the whole page reads, and that changes only by the methods of what it belongs to.
///
/// Beside `RwSignal` it costs nothing: every method is a call of the same method there. (A
/// `ReadSignal` would be a second type for each kind of value, with code of its own.)
pub struct Seen<T: 'static, S: 'static = SyncStorage>(RwSignal<T, S>);

impl<T, S> Clone for Seen<T, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, S> Copy for Seen<T, S> {}

impl<T: Send + Sync + 'static> Seen<T> {
    /// A signal with its first value.
    pub(super) fn new(value: T) -> Self {
        Seen(RwSignal::new(value))
    }
}

impl<T: 'static> Seen<T, LocalStorage> {
    /// The same for what stays on one thread, as the browser's own objects do.
    pub(super) fn new_local(value: T) -> Self {
        Seen(RwSignal::new_local(value))
    }
}

impl<T: 'static, S: Storage<ArcRwSignal<T>>> Seen<T, S> {
    /// Looks at the value and follows it.
    pub fn with<U>(self, look: impl FnOnce(&T) -> U) -> U {
        self.0.with(look)
    }

    /// Looks at the value as it is now.
    pub fn with_untracked<U>(self, look: impl FnOnce(&T) -> U) -> U {
        self.0.with_untracked(look)
    }

    /// Follows the value without looking at it.
    pub fn track(self) {
        self.0.track();
    }

    /// Changes the value.
    pub(super) fn set(self, value: T) {
        self.0.set(value);
    }

    /// Changes the value in its place.
    pub(super) fn update(self, change: impl FnOnce(&mut T)) {
        self.0.update(change);
    }

    /// Changes the value in its place; gives what the change gives.
    pub(super) fn try_update<U>(self, change: impl FnOnce(&mut T) -> U) -> Option<U> {
        self.0.try_update(change)
    }

    /// Changes the value in its place, and tells those who follow it if the change says so.
    pub(super) fn maybe_update(self, change: impl FnOnce(&mut T) -> bool) {
        self.0.maybe_update(change);
    }
}

impl<T: Clone + 'static, S: Storage<ArcRwSignal<T>>> Seen<T, S> {
    /// The value, which is followed.
    pub fn get(self) -> T {
        self.0.get()
    }

    /// The value as it is now.
    pub fn get_untracked(self) -> T {
        self.0.get_untracked()
    }
}

impl<T: Clone + PartialEq + 'static, S: Storage<ArcRwSignal<T>>> Seen<T, S> {
    /// Changes the value where it is another one; nobody hears of what stays the same.
    pub(super) fn set_if_new(self, value: T) {
        if self.0.with_untracked(|old| *old != value) {
            self.0.set(value);
        }
    }
}

impl<T: Send + Sync + 'static> From<Seen<T>> for Signal<T> {
    fn from(seen: Seen<T>) -> Self {
        seen.0.into()
    }
}
