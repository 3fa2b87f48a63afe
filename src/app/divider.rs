//! The divider between before and after: a slider over the photo, for pointer, touch and keys.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{HtmlElement, KeyboardEvent, PointerEvent};

use super::comparison::Divider;
use super::editor::{Editor, PointInScreen};
use super::focus::focus_stage;
use super::icons::Icon;
use super::later::View;
use super::layout::px;
use super::lean::when;
use super::page::Page;

/// How far a key moves it, as a share of the photo's width.
const STEP: f64 = 0.01;
const LARGE_STEP: f64 = 0.1;

/// The divider, there while it is on; for [`later`](super::later::later).
#[wasm_split(views, fallible)]
pub fn part() -> Result<View, SplitLoaderError> {
    Ok(|page| DividerOnStage(DividerOnStageProps { page }).into_any())
}

/// Whether it is on.
pub fn is_on(page: Page) -> Signal<bool> {
    Memo::new(move |_| page.stage.divider.with(Option::is_some)).into()
}

#[component]
fn DividerOnStage(page: Page) -> impl IntoView {
    let on = is_on(page);
    view! {
        <Show when=when(move || on.get())>
            <Slider page=page />
        </Show>
    }
}

#[component]
fn Slider(page: Page) -> impl IntoView {
    let element = NodeRef::<html::Div>::new();
    let shown = Memo::new(move |_| page.divider_shown());
    let line = move || {
        let photo = page.boxes.editor.with(|editor| editor.as_ref().map(Editor::photo))?;
        Some(shown.get()?.line_in_screen(page.stage.view.get(), photo, page.stage.size.get()))
    };
    let length =
        move |of: fn(super::editor::BoxInScreen) -> f64| move || px(line().map_or(0.0, of));
    let percent = move || shown.get().map_or(0.0, |divider| divider.share() * 100.0);
    // Whoever switches it on wants to move it next.
    Effect::new(move |_| {
        if let Some(element) = element.get() {
            let options = web_sys::FocusOptions::new();
            options.set_prevent_scroll(true);
            let _ = element.focus_with_options(&options);
        }
    });
    // Keys go on to work where the slider had them.
    on_cleanup(|| {
        let focused = document().active_element();
        if focused.is_some_and(|element| element.class_list().contains("comparison")) {
            focus_stage();
        }
    });
    view! {
        <div
            node_ref=element
            class="comparison"
            style:left=length(|line| line.left)
            style:top=length(|line| line.top)
            style:height=length(|line| line.height)
            tabindex="0"
            role="slider"
            aria-label="Divider between before and after"
            aria-orientation="horizontal"
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || format!("{:.0}", percent())
            aria-valuetext=move || format!("{:.0} % before, {:.0} % after", percent(), 100.0 - percent())
            data-testid="divider"
            on:pointerdown=move |event| pointer_down(&event)
            on:pointermove=move |event| pointer_moved(page, &event)
            on:keydown=move |event| key_down(page, &event)
        >
            <span class="comparison-side" aria-hidden="true">"Before"</span>
            <span class="comparison-knob" aria-hidden="true">{Icon::Compare.view()}</span>
            <span class="comparison-side is-after" aria-hidden="true">"After"</span>
        </div>
    }
}

fn slider_of(event: &PointerEvent) -> Option<HtmlElement> {
    event.current_target().and_then(|target| target.dyn_into().ok())
}

fn pointer_down(event: &PointerEvent) {
    if event.button() != 0 {
        return;
    }
    // No box is drawn below it.
    event.stop_propagation();
    if let Some(slider) = slider_of(event) {
        // Without the capture a quick drag loses the divider; that is all that is lost.
        let _ = slider.set_pointer_capture(event.pointer_id());
    }
}

fn pointer_moved(page: Page, event: &PointerEvent) {
    let Some(slider) = slider_of(event) else { return };
    if !slider.has_pointer_capture(event.pointer_id()) {
        return;
    }
    event.stop_propagation();
    let Some(stage) = slider.parent_element().map(|stage| stage.get_bounding_client_rect()) else {
        return;
    };
    let point_in_screen = PointInScreen {
        x: f64::from(event.client_x()) - stage.left(),
        y: f64::from(event.client_y()) - stage.top(),
    };
    if let Some(photo) = page.look(Editor::photo) {
        let view = page.stage.view.get_untracked();
        page.stage.divide(Some(Divider::at(point_in_screen, view, photo)));
    }
}

fn key_down(page: Page, event: &KeyboardEvent) {
    let Some(share) = untrack(|| page.divider_shown()).map(Divider::share) else { return };
    if event.ctrl_key() || event.alt_key() || event.meta_key() {
        return;
    }
    let step = if event.shift_key() { LARGE_STEP } else { STEP };
    let share = match event.key().as_str() {
        "ArrowRight" | "ArrowUp" => share + step,
        "ArrowLeft" | "ArrowDown" => share - step,
        "PageUp" => share + LARGE_STEP,
        "PageDown" => share - LARGE_STEP,
        "Home" => 0.0,
        "End" => 1.0,
        _ => return,
    };
    // The selected box's keys are the same.
    event.stop_propagation();
    event.prevent_default();
    page.stage.divide(Some(Divider::of_share(share)));
}
