//! Where the focus is, and where it goes.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::editor::BoxId;

/// What Enter and space work by themselves.
pub const CONTROLS: &str = "button, a, summary, [role=switch]";

/// Whether what is typed there is the element's own.
pub fn is_typing(target: Option<web_sys::EventTarget>) -> bool {
    let element = target.and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| {
        let field = element.closest("input:not([type=file], [type=range]), textarea, select");
        field.ok().flatten().is_some()
    })
}

/// Gives the stage the focus, so that keys are about the photo.
pub fn focus_stage() {
    let stage = document().query_selector(".stage").ok().flatten();
    if let Some(stage) = stage.and_then(|stage| stage.dyn_into::<HtmlElement>().ok()) {
        // Cannot fail on an element of the page.
        let _ = stage.focus();
    }
}

/// The element in which a box's digit is corrected.
pub fn label_id(id: BoxId) -> String {
    format!("label-{id}")
}

/// Goes to the field in which a box's digit is corrected; returns whether it is there.
pub fn focus_label(id: BoxId) -> bool {
    let field = document().get_element_by_id(&label_id(id));
    let Some(field) = field.and_then(|field| field.dyn_into::<HtmlElement>().ok()) else {
        return false;
    };
    // Cannot fail on an element of the page.
    let _ = field.focus();
    true
}
