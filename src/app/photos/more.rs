//! What is wanted rarely: boxes as files, and deleting what is kept.

use leptos::prelude::*;

use super::boxfiles::{WRITTEN, export};
use super::keeping::forget;
use crate::app::lean::{text, truth};
use crate::app::page::Page;
use crate::app::state::keeping::Kept;

/// The part of the panel that opens on demand.
#[component]
pub fn More(page: Page) -> impl IntoView {
    let none = Memo::new(move |_| page.photos.gallery.with(|gallery| gallery.entries().is_empty()));
    let is_empty = truth(move || none.get());
    let forget_all = move |_| {
        let unsaved = page.photos.gallery.with_untracked(|gallery| gallery.unsaved().count());
        let question = format!("Delete all photos and boxes? Not saved yet: {unsaved}.");
        // A browser that cannot ask forgets.
        if unsaved == 0 || window().confirm_with_message(&question).unwrap_or(true) {
            forget(page);
        }
    };
    view! {
        <details class="more">
            <summary data-testid="more">"Export boxes and storage"</summary>
            <p id="export-note">
                "Save all boxes as a file for other tools. Open or drop it to get them back."
            </p>
            <div class="more-formats" role="group" aria-describedby="export-note">
                {WRITTEN
                    .into_iter()
                    .map(|(format, name)| {
                        view! {
                            <button
                                type="button"
                                data-testid="export"
                                aria-label=format!("Save the boxes as {name}")
                                disabled=is_empty
                                on:click=move |_| export(page, format)
                            >
                                {name}
                            </button>
                        }
                    })
                    .collect_view()}
            </div>
            <p>
                {text(move || match page.keeping.kept.get() {
                    Kept::No(reason) => reason,
                    Kept::Starting | Kept::Yes => {
                        "Photos and boxes stay in this browser until you close or delete them."
                            .to_owned()
                    }
                })}
            </p>
            <button
                type="button"
                data-testid="forget"
                disabled=is_empty
                on:click=forget_all
            >
                "Delete all from this browser"
            </button>
        </details>
    }
}
