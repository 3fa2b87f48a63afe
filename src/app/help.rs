//! The dialog that lists the keys.

use leptos::prelude::*;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::later::View;
use super::modal::Modal;
use super::page::Page;
use super::state::dialogs::Dialog;

/// Keys and what they do, by group.
const GROUPS: [(&str, &[(&str, &str)]); 4] = [
    (
        "Boxes",
        &[
            ("Drag", "draw a box; one beside or over another, too"),
            ("Click", "select a box; drag inside moves it, at a handle resizes it"),
            ("Shift + drag", "draw, even inside the selected box"),
            ("F", "find the digits"),
            ("N, Enter on the photo", "new box in the middle"),
            ("Ctrl + click, Ctrl + A", "select several, or all"),
            ("Tab", "next box"),
            ("Arrows", "move by 1 pixel, with Shift by 10"),
            ("Ctrl or Alt + arrows", "resize"),
            ("Ctrl + D", "duplicate"),
            ("Ctrl + C, X, V", "copy, cut, paste, also on another photo"),
            ("E", "correct what is read"),
            ("Delete", "delete"),
            ("R", "remove or keep the digit"),
            ("Esc", "cancel, or deselect"),
        ],
    ),
    (
        "Brush",
        &[
            ("P", "touch up the removal"),
            ("Drag", "fill, with Shift restore"),
            ("X", "swap the two"),
            (", and .", "narrower, wider"),
            ("Arrows, Enter", "move it; begin and end a stroke"),
            ("Esc", "close it"),
        ],
    ),
    (
        "View",
        &[
            ("Wheel, two fingers, + and -", "zoom"),
            ("Space + drag, middle button", "move the photo"),
            ("0", "fit the photo"),
            ("Hold O", "see the original"),
            ("I", "see inside the network"),
            ("B", "compare before and after; arrows move the line"),
            ("S", "original and result side by side"),
        ],
    ),
    (
        "Work",
        &[
            ("Ctrl + O", "open photos"),
            ("Ctrl + V", "paste photos"),
            ("[ and ], Page Up and Down", "previous and next photo"),
            ("Ctrl + Z", "undo"),
            ("Ctrl + Shift + Z, Ctrl + Y", "redo"),
            ("Ctrl + S", "save"),
            ("?", "this list"),
        ],
    ),
];

/// The dialog, for [`later`](super::later::later).
#[wasm_split(dialogs, fallible)]
pub fn part() -> Result<View, SplitLoaderError> {
    Ok(|page| Help(HelpProps { page }).into_any())
}

/// The dialog.
#[component]
fn Help(page: Page) -> impl IntoView {
    view! {
        <Modal
            name="help"
            title="Keys"
            shown=page.dialogs.shown(Dialog::Help)
            close=page.dialogs.closer(Dialog::Help)
        >
            <div class="help-groups">
                {GROUPS
                    .into_iter()
                    .map(|(title, keys)| {
                        view! {
                            <section>
                                <h3>{title}</h3>
                                <dl>
                                    {keys
                                        .iter()
                                        .map(|(key, effect)| {
                                            view! {
                                                <div>
                                                    <dt>
                                                        <kbd>{*key}</kbd>
                                                    </dt>
                                                    <dd>{*effect}</dd>
                                                </div>
                                            }
                                        })
                                        .collect_view()}
                                </dl>
                            </section>
                        }
                    })
                    .collect_view()}
            </div>
        </Modal>
    }
}
