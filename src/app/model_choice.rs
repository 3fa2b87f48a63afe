//! The dialog that lists the published models with their facts, one of them to be chosen.

use leptos::prelude::*;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::later::View;
use super::modal::Modal;
use super::page::Page;
use crate::worker::protocol::ModelInfo;

/// The dialog, for [`later`](super::later::later).
#[wasm_split(models, fallible)]
pub fn part() -> Result<View, SplitLoaderError> {
    Ok(|page| ModelDialog(ModelDialogProps { page }).into_any())
}

/// The dialog.
#[component]
fn ModelDialog(page: Page) -> impl IntoView {
    // Compared, so that the buttons stay, and with them the focus, while the list stays the same.
    let published = Memo::new(move |_| page.models.with(|models| models.published().to_vec()));
    view! {
        <Modal name="models" title="Models" shown=page.choosing_model>
            <p class="models-lead">
                "The model reads the digits. The choice is kept for your next visit."
            </p>
            <ul>
                {move || {
                    published
                        .get()
                        .into_iter()
                        .map(|model| view! { <ModelButton page=page model=model /> })
                        .collect_view()
                }}
            </ul>
        </Modal>
    }
}

/// One model with its facts.
#[component]
fn ModelButton(page: Page, model: ModelInfo) -> impl IntoView {
    let name = model.name.clone();
    let in_use = Memo::new({
        let name = name.clone();
        move |_| page.models.with(|models| models.is_in_use(&name))
    });
    let awaited = Memo::new({
        let name = name.clone();
        move |_| page.models.with(|models| models.is_awaited(&name))
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
                        page.choosing_model.set(false);
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
                {model.obstacle.map(|reason| view! { <span class="model-obstacle">{reason}</span> })}
            </button>
        </li>
    }
}

/// A model's network and the size of its weights.
pub fn network_and_size(model: &ModelInfo) -> String {
    format!("{}, {}", model.architecture, megabytes(model.bytes))
}

/// What a model was measured to read, and on what.
pub fn accuracy(model: &ModelInfo) -> String {
    let ModelInfo { accuracy, measured_digits, measured_on, .. } = model;
    let percent = accuracy * 100.0;
    format!("reads {percent:.1}\u{a0}% of {measured_digits} digits right: {measured_on}")
}

/// A size in millions of bytes.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1}\u{a0}MB", bytes as f64 / 1e6)
}
