//! What is fetched once there is something to mark: boxes whose removal leaves something to see, and
//! the digits in boxes round several.

use leptos::prelude::*;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::editor::{BoxId, Editor};
use super::icons::Icon;
use super::later::View;
use super::layout::px;
use super::page::Page;
use super::second_look::warning;
use crate::photo::BoxInPhoto;

/// The warnings below the list, for [`later`](super::later::later).
#[wasm_split(views, fallible)]
pub fn warnings() -> Result<View, SplitLoaderError> {
    Ok(|page| Warnings(WarningsProps { page }).into_any())
}

/// The places of digits over the photo, for [`later`](super::later::later).
#[wasm_split(views, fallible)]
pub fn digits() -> Result<View, SplitLoaderError> {
    Ok(|page| DigitPlaces(DigitPlacesProps { page }).into_any())
}

/// A line for each box that does not pass, with a button that makes it larger.
#[component]
fn Warnings(page: Page) -> impl IntoView {
    let warned = Memo::new(move |_| {
        let order = page.boxes.editor.with(|editor| editor.as_ref().map(Editor::reading_order));
        page.removal.checks.with(|checks| {
            let of = |id: BoxId| Some((id, warning(checks.get(&id)?)?));
            order.unwrap_or_default().iter().filter_map(|b| of(b.id)).collect::<Vec<_>>()
        })
    });
    let line = move |(id, text): (BoxId, &'static str)| {
        view! {
            <li class="unsure-note" data-testid="warning">
                {Icon::Warning.view()}
                <button type="button" class="quiet" on:click=move |_| page.pick(id)>
                    {format!("Box {id}: {text}")}
                </button>
                <button
                    type="button"
                    data-testid="widen"
                    aria-label=format!("Make box {id} larger")
                    title="Make the box larger by a tenth of its height on all sides"
                    on:click=move |_| page.widen(id)
                >
                    "Enlarge"
                </button>
            </li>
        }
    };
    view! { <ul class="warnings">{move || warned.get().into_iter().map(line).collect_view()}</ul> }
}

/// Fine outlines of the digits in boxes round several.
#[component]
fn DigitPlaces(page: Page) -> impl IntoView {
    let place = move |digit: BoxInPhoto| {
        let place = page.stage.view.get().box_to_screen(digit);
        view! {
            <span
                class="grown digit-place"
                data-testid="digit-place"
                style:left=px(place.left)
                style:top=px(place.top)
                style:width=px(place.width)
                style:height=px(place.height)
            ></span>
        }
    };
    move || page.boxes.digit_places().into_iter().map(place).collect_view()
}
