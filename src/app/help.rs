//! The dialog that lists the keys.

use leptos::html;
use leptos::prelude::*;

use super::icons::Icon;
use super::page::Page;

/// Keys and what they do, by group.
const GROUPS: [(&str, &[(&str, &str)]); 3] = [
    (
        "Boxes",
        &[
            ("Drag", "draw a box on the photo"),
            ("Shift + drag", "draw, even over a box or handle"),
            ("Click", "select a box; drag inside it moves it"),
            ("Tab", "next box"),
            ("Arrows", "move by 1 pixel, with Shift by 10"),
            ("Ctrl or Alt + arrows", "resize"),
            ("Ctrl + D", "duplicate"),
            ("Delete", "delete"),
            ("R", "remove or keep the digit"),
            ("Esc", "cancel, or let go"),
        ],
    ),
    (
        "View",
        &[
            ("Wheel, + and -", "zoom"),
            ("Space + drag, middle button", "move the photo"),
            ("0", "fit the photo"),
            ("Hold O", "see the original"),
        ],
    ),
    (
        "Work",
        &[
            ("Ctrl + O", "open a photo"),
            ("Ctrl + V", "paste a photo"),
            ("Ctrl + Z", "undo"),
            ("Ctrl + Shift + Z, Ctrl + Y", "redo"),
            ("Ctrl + S", "save as PNG"),
            ("?", "this list"),
        ],
    ),
];

/// The dialog; a native one, which keeps the focus inside and closes with Esc.
#[component]
pub fn Help(page: Page) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        match (page.help.get(), dialog.open()) {
            // Fails only for a dialog that is not in the page.
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    view! {
        <dialog
            node_ref=dialog
            class="help"
            aria-labelledby="help-title"
            on:close=move |_| page.help.set(false)
        >
            <header>
                <h2 id="help-title">"Keys"</h2>
                <button
                    type="button"
                    class="quiet icon-only"
                    aria-label="Close"
                    on:click=move |_| page.help.set(false)
                >
                    {Icon::Close.view()}
                </button>
            </header>
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
        </dialog>
    }
}
