//! The dialog with all published models: their figures, one of them to be chosen, and any of them
//! to be looked at more closely.

use leptos::prelude::*;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::closer::Closer;
use super::figures::{accuracy, grouped, network_and_size};
use crate::app::later::View;
use crate::app::lean::when;
use crate::app::modal::Modal;
use crate::app::page::Page;
use crate::app::state::dialogs::Dialog;
use crate::worker::protocol::ModelInfo;

/// The dialog, for [`later`](crate::app::later::later).
#[wasm_split(models, fallible)]
pub fn part() -> Result<View, SplitLoaderError> {
    Ok(|page| ModelDialog(ModelDialogProps { page }).into_any())
}

/// The dialog.
#[component]
fn ModelDialog(page: Page) -> impl IntoView {
    // Compared, so that the buttons stay, and with them the focus, while the list stays the same.
    let published =
        Memo::new(move |_| page.models.known.with(|models| models.published().to_vec()));
    view! {
        <Modal
            name="models"
            title="Models"
            shown=page.dialogs.shown(Dialog::Models)
            close=page.dialogs.closer(Dialog::Models)
        >
            <p class="models-lead">
                "The chosen model reads the digits. The choice is kept for your next visit."
            </p>
            <ul class="models-list">
                {move || {
                    published
                        .get()
                        .into_iter()
                        .map(|model| view! { <ModelButton page=page model=model /> })
                        .collect_view()
                }}
            </ul>
            <Show when=when(move || page.dialogs.is_open(Dialog::Models))>
                <Closer page=page published=published />
            </Show>
        </Modal>
    }
}

/// One model with its facts.
#[component]
fn ModelButton(page: Page, model: ModelInfo) -> impl IntoView {
    let name = model.name.clone();
    let in_use = Memo::new({
        let name = name.clone();
        move |_| page.models.known.with(|models| models.is_in_use(&name))
    });
    let awaited = Memo::new({
        let name = name.clone();
        move |_| page.models.known.with(|models| models.is_awaited(&name))
    });
    let unusable = model.obstacle.is_some();
    view! {
        <li>
            // Not the attribute `disabled`: the reason is to be reached by keyboard, too.
            <button
                type="button"
                class="model"
                class:is-in-use=move || in_use.get()
                data-testid="model"
                data-model=name.clone()
                aria-current=move || in_use.get().then_some("true")
                aria-disabled=unusable.then_some("true")
                on:click=move |_| {
                    if !unusable {
                        page.dialogs.close(Dialog::Models);
                        page.choose_model(&name);
                    }
                }
            >
                <span class="model-name">
                    {model.name.clone()}
                    <span class="model-mark">
                        {move || match (awaited.get(), in_use.get()) {
                            (true, _) => "loading",
                            (false, true) => "in use",
                            (false, false) if unusable => "not usable",
                            (false, false) => "",
                        }}
                    </span>
                </span>
                <span class="model-facts">{network_and_size(&model)}</span>
                <span class="model-facts">{accuracy(&model)}</span>
                <span class="model-facts">
                    {format!("trained on {} digits", grouped(model.trained_digits))}
                </span>
                {model.obstacle.map(|reason| view! { <span class="model-obstacle">{reason}</span> })}
            </button>
        </li>
    }
}
