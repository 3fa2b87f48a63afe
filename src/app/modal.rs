//! A dialog in front of the page.

use leptos::html;
use leptos::prelude::*;

use super::icons::Icon;

/// A dialog with a title and a button that closes it; a native one, which keeps the focus inside,
/// closes with Esc, and gives the focus back. It is there while `shown` is true; `close` makes it
/// false.
#[component]
pub fn Modal(
    /// Its class and its test id.
    name: &'static str,
    title: &'static str,
    shown: Signal<bool>,
    close: Callback<()>,
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        match (shown.get(), dialog.open()) {
            // Fails only for a dialog that is not in the page.
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    view! {
        <dialog
            node_ref=dialog
            class=name
            data-testid=name
            aria-label=title
            on:close=move |_| close.run(())
        >
            <header>
                <h2>{title}</h2>
                <button
                    type="button"
                    class="quiet icon-only"
                    aria-label="Close"
                    on:click=move |_| close.run(())
                >
                    {Icon::Close.view()}
                </button>
            </header>
            {children()}
        </dialog>
    }
}
