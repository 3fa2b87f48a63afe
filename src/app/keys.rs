//! Keys for the whole page.

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use super::browser::choose_file;
use super::brush;
use super::editor::Editor;
use super::focus::{CONTROLS, focus_label, focus_stage, is_typing};
use super::page::Page;
use super::photos::files::step;
use super::photos::saving::save;
use super::state::dialogs::Dialog;

/// Listens for keys as long as the page lives.
pub fn listen(page: Page) {
    let down = window_event_listener(ev::keydown, move |event| key_down(page, &event));
    let up = window_event_listener(ev::keyup, move |event| match event.key().as_str() {
        "o" | "O" => page.stage.compare(false),
        " " => page.stage.pan_by_drag(false),
        _ => {}
    });
    // A key that goes up in another window is never heard of here.
    let blur = window_event_listener(ev::blur, move |_| {
        page.stage.compare(false);
        page.stage.pan_by_drag(false);
    });
    on_cleanup(move || {
        down.remove();
        up.remove();
        blur.remove();
    });
}

fn key_down(page: Page, event: &KeyboardEvent) {
    // Not by the signals: while a dialog's code is being fetched, the page takes keys.
    let dialog = document().query_selector("dialog[open]").ok().flatten();
    if dialog.is_some() || page.saving.is_saving_all() {
        return;
    }
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let is = |selector: &str| {
        target.as_ref().is_some_and(|target| target.matches(selector).unwrap_or_default())
    };
    let within = |selector: &str| {
        target.as_ref().is_some_and(|target| target.closest(selector).ok().flatten().is_some())
    };
    let command = event.ctrl_key() || event.meta_key();
    let key = event.key();
    let is_typing = is_typing(event.target());
    // Whatever has the focus. Without a drag, Space remains the key of a control or of a text.
    let pans = key == " " && !command && page.look(|_| ()).is_some();
    if pans && !page.stage.panning.get_untracked() {
        page.stage.pan_by_drag(true);
    }
    if is_typing {
        return;
    }
    let key = if key.len() == 1 { key.to_lowercase() } else { key };
    let of_slider = ["Arrow", "Page", "Home", "End"].iter().any(|its| key.starts_with(its));
    if of_slider && within("input[type=range]") {
        return;
    }
    if brush::key_down(page, event, &key) {
        event.prevent_default();
        return;
    }
    let handled = match (command, key.as_str()) {
        (true, "z") if event.shift_key() => edit(page, Editor::redo),
        (true, "z") => edit(page, Editor::undo),
        (true, "y") => edit(page, Editor::redo),
        (true, "o") => {
            choose_file();
            true
        }
        (true, "s") => {
            save(page);
            true
        }
        (true, "d") => {
            if edit(page, Editor::duplicate) {
                page.select_selected();
            }
            page.look(|_| ()).is_some()
        }
        (true, "a") => {
            page.edit(Editor::select_all);
            page.look(|_| ()).is_some()
        }
        (true, "c" | "x") if is_text_selected() => false,
        (true, "c") => page.boxes.copy(),
        (true, "x") => page.boxes.copy() && edit(page, Editor::delete_selected),
        (_, "ArrowLeft") => arrow(page, event, -1, 0),
        (_, "ArrowRight") => arrow(page, event, 1, 0),
        (_, "ArrowUp") => arrow(page, event, 0, -1),
        (_, "ArrowDown") => arrow(page, event, 0, 1),
        (true, _) => false,
        (_, " ") => pans && !within(CONTROLS),
        (_, "Enter") if is(".stage") => page.new_box(),
        (_, "n") => page.new_box(),
        (_, "f") => page.find(),
        (_, "[" | "PageUp") => step(page, -1),
        (_, "]" | "PageDown") => step(page, 1),
        (_, "Escape") => escape(page),
        (_, "Delete" | "Backspace") => {
            let deleted = edit(page, Editor::delete_selected);
            if deleted {
                page.select_selected();
            }
            deleted
        }
        (_, "r") => page.toggle_remove_selected(),
        (_, "e") => match page.look(Editor::selected).flatten() {
            Some(id) => focus_label(id),
            None => false,
        },
        (_, "o") => {
            page.stage.compare(page.look(|_| ()).is_some());
            true
        }
        (_, "b") => page.toggle_divider(),
        (_, "s") => page.toggle_beside(),
        (_, "p") => page.toggle_brush(),
        (_, "0") => {
            page.fit();
            true
        }
        (_, "+" | "=") => {
            page.zoom(None, 1.4);
            true
        }
        (_, "-") => {
            page.zoom(None, 1.0 / 1.4);
            true
        }
        (_, "i") => {
            page.inspect();
            page.look(|_| ()).is_some()
        }
        (_, "?") => {
            page.dialogs.open(Dialog::Help);
            true
        }
        _ => false,
    };
    if handled {
        event.prevent_default();
    }
}

/// Whether text is selected, which is copied rather than boxes.
fn is_text_selected() -> bool {
    let selection = web_sys::window().and_then(|window| window.get_selection().ok().flatten());
    selection.is_some_and(|selection| !selection.is_collapsed())
}

fn edit(page: Page, change: fn(&mut Editor) -> bool) -> bool {
    page.edit(change).unwrap_or_default()
}

fn arrow(page: Page, event: &KeyboardEvent, dx: i32, dy: i32) -> bool {
    if page.look(Editor::selected).flatten().is_none() {
        return false;
    }
    let step = if event.shift_key() { 10 } else { 1 };
    let (dx, dy) = (dx * step, dy * step);
    let resize = event.ctrl_key() || event.alt_key() || event.meta_key();
    let now = event.time_stamp();
    page.edit(
        |editor| {
            if resize { editor.stretch(dx, dy, now) } else { editor.nudge(dx, dy, now) }
        },
    );
    // At the edge too, or the page would scroll.
    true
}

/// First what is being dragged goes, then the selection.
fn escape(page: Page) -> bool {
    if edit(page, Editor::cancel) {
        return true;
    }
    let had_selection = page.look(Editor::selected).flatten().is_some();
    page.select_quietly(None);
    if had_selection {
        focus_stage();
    }
    had_selection
}
