//! The original beside the result, at the same place and zoom. The stage itself is the half with
//! the result, where boxes are edited; this half is looked at, panned and zoomed.

use leptos::html;
use leptos::prelude::*;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::canvas::{Ground, draw_ground};
use super::later::View;
use super::lean::{truth, when};
use super::page::Page;
use super::stage::{
    PIXELATED_ABOVE, Pointers, photo_layer, pointer_down, pointer_moved, pointer_up, wheel,
};

/// The original, there while both are shown; for [`later`](super::later::later).
#[wasm_split(views, fallible)]
pub fn part() -> Result<View, SplitLoaderError> {
    Ok(|page| OriginalBeside(OriginalBesideProps { page }).into_any())
}

#[component]
fn OriginalBeside(page: Page) -> impl IntoView {
    view! {
        <Show when=when(move || page.stage.beside.get())>
            <Original page=page />
        </Show>
    }
}

#[component]
fn Original(page: Page) -> impl IntoView {
    let half = NodeRef::<html::Div>::new();
    let canvas = NodeRef::<html::Canvas>::new();
    let pointers = StoredValue::new_local(Pointers::default());
    draw_ground(page, canvas, Ground::Photo);
    view! {
        <div
            node_ref=half
            class="beside"
            class:is-pixelated=truth(move || page.stage.view.get().zoom > PIXELATED_ABOVE)
            data-testid="original-beside"
            role="img"
            aria-label="The original photo"
            on:pointerdown=move |event| pointer_down(page, half, pointers, &event, true)
            on:pointermove=move |event| pointer_moved(page, half, pointers, &event)
            on:pointerup=move |event| pointer_up(page, pointers, &event, true)
            on:pointercancel=move |event| pointer_up(page, pointers, &event, false)
            on:lostpointercapture=move |event| pointer_up(page, pointers, &event, false)
            on:wheel=move |event| wheel(page, half, &event)
        >
            {photo_layer(page, canvas, ().into_any())}
            <span class="half-name" aria-hidden="true">"Before"</span>
        </div>
        <span class="half-name is-after" aria-hidden="true">"After"</span>
    }
}
