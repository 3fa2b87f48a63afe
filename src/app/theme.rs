//! Light or dark: the system's choice until the user makes one, which is kept.
//!
//! `www/app-start.js` sets the kept choice before the page's wasm is there; the key and the
//! values are the same there.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::kept;

const KEY: &str = "doorplate-theme";

/// Changes to the other theme and keeps the choice.
pub fn toggle() {
    let Some(root) = root() else { return };
    let chosen = root.dataset().get("theme");
    let is_dark = match chosen.as_deref() {
        Some(theme) => theme == "dark",
        None => system_is_dark(),
    };
    let theme = if is_dark { "light" } else { "dark" };
    // Cannot fail: the name is valid.
    let _ = root.dataset().set("theme", theme);
    kept::keep(KEY, theme);
}

fn system_is_dark() -> bool {
    window()
        .match_media("(prefers-color-scheme: dark)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches())
}

/// The page's root element.
pub fn root() -> Option<HtmlElement> {
    document().document_element()?.dyn_into().ok()
}
