//! What the engine found but is not sure of: fetched once there is something to suggest.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::editor::Editor;
use super::focus::focus_stage;
use super::later::View;
use super::layout::px;
use super::page::Page;
use crate::photo::BoxInPhoto;

/// Whether there is anything to suggest.
pub fn are_any(page: Page) -> bool {
    page.finding.seen.with(|seen| !seen.is_empty())
        || page
            .boxes
            .editor
            .with(|editor| editor.as_ref().is_some_and(|editor| !editor.suggestions().is_empty()))
}

fn suggestions(page: Page) -> Vec<BoxInPhoto> {
    page.boxes.editor.with(|editor| editor.as_ref().map(Editor::suggestions).unwrap_or_default())
}

/// The suggestions over the photo, for [`later`](super::later::later).
#[wasm_split(views, fallible)]
pub fn on_stage() -> Result<View, SplitLoaderError> {
    Ok(|page| OnStage(OnStageProps { page }).into_any())
}

/// The line in the panel, for [`later`](super::later::later).
#[wasm_split(views, fallible)]
pub fn in_panel() -> Result<View, SplitLoaderError> {
    Ok(|page| InPanel(InPanelProps { page }).into_any())
}

/// Dashed boxes: of what may be digits, each to be taken or dismissed; and of what was seen so far.
#[component]
fn OnStage(page: Page) -> impl IntoView {
    let all = Memo::new(move |_| suggestions(page));
    let place = move |area: BoxInPhoto| page.stage.view.get().box_to_screen(area);
    let seen = move |area: BoxInPhoto| {
        view! {
            <span
                class="suggestion is-seen"
                data-testid="seen"
                style:left=px(place(area).left)
                style:top=px(place(area).top)
                style:width=px(place(area).width)
                style:height=px(place(area).height)
            ></span>
        }
    };
    let suggestion = move |area: BoxInPhoto| {
        let name = format!(
            "Perhaps a digit, {} by {} pixels: Enter makes it a box, Delete dismisses it",
            area.width, area.height
        );
        view! {
            <button
                type="button"
                class="suggestion"
                data-testid="suggestion"
                aria-label=name
                title="Perhaps a digit: click to take it, Delete to dismiss it"
                style:left=move || px(place(area).left)
                style:top=move || px(place(area).top)
                style:width=move || px(place(area).width)
                style:height=move || px(place(area).height)
                on:pointerdown=|event| event.stop_propagation()
                on:click=move |_| {
                    page.edit(|editor| editor.take_suggestion(area));
                    page.select_selected();
                }
                on:keydown=move |event| key_down(page, area, &event)
            ></button>
        }
    };
    view! {
        <div class="suggestions">
            <For each=move || all.get() key=|area| *area let:area>
                {suggestion(area)}
            </For>
            {move || page.finding.seen.get().into_iter().map(seen).collect_view()}
        </div>
    }
}

/// Enter takes a suggestion, as a click does; Delete dismisses it, and the one beside it gets the focus.
fn key_down(page: Page, area: BoxInPhoto, event: &KeyboardEvent) {
    match event.key().as_str() {
        // The stage makes a new box at Enter.
        "Enter" | " " => event.stop_propagation(),
        "Delete" | "Backspace" => {
            event.prevent_default();
            event.stop_propagation();
            let own = event.current_target().and_then(|own| own.dyn_into::<Element>().ok());
            let beside = own.and_then(|own| {
                own.next_element_sibling().or_else(|| own.previous_element_sibling())
            });
            page.edit(|editor| editor.dismiss_suggestion(area));
            match beside.and_then(|beside| beside.dyn_into::<HtmlElement>().ok()) {
                // Fails only for what is not in the page.
                Some(beside) => drop(beside.focus()),
                None => focus_stage(),
            }
        }
        _ => {}
    }
}

/// How many there are, and what becomes of all.
#[component]
fn InPanel(page: Page) -> impl IntoView {
    let count = Memo::new(move |_| suggestions(page).len());
    view! {
        <Show when=move || { count.get() > 0 }>
            <p class="suggested" data-testid="suggested">
                <span>
                    {move || match count.get() {
                        1 => "1 more may be a digit.".to_owned(),
                        count => format!("{count} more may be digits."),
                    }}
                </span>
                <button
                    type="button"
                    data-testid="take-all"
                    on:click=move |_| {
                        page.edit(Editor::take_suggestions);
                    }
                >
                    "Take"
                </button>
                <button
                    type="button"
                    class="quiet"
                    data-testid="dismiss-all"
                    on:click=move |_| {
                        page.edit(Editor::dismiss_suggestions);
                    }
                >
                    "Dismiss"
                </button>
            </p>
        </Show>
    }
}
