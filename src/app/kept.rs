//! What the browser keeps for the next visit. Storage may be switched off, as in some private
//! windows; what cannot be kept still holds for this visit.

use leptos::prelude::window;
use web_sys::Storage;

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

/// What was kept under this key.
pub fn read(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten()
}

/// Keeps a value in the place of the last one.
pub fn keep(key: &str, value: &str) {
    if let Some(storage) = storage() {
        // Fails where storage is full or read-only.
        let _ = storage.set_item(key, value);
    }
}

/// Keeps nothing under this key any more.
pub fn forget(key: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(key);
    }
}
