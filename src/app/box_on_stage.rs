//! One box on the stage: its frame, its handles, its label with reading and switch.

use leptos::html;
use leptos::prelude::*;

use super::editor::{BoxId, BoxInScreen, Editor, Grips, Handle, LabelForm};
use super::icons::Icon;
use super::layout::{Laid, Layout, px};
use super::lean::{text, truth, when};
use super::page::Page;
use super::reading::{Sureness, percent, shown_reading};
use super::second_look::warning;
use crate::classifier::is_unsure;

/// A box.
#[component]
pub fn BoxOnStage(page: Page, id: BoxId, layout: Memo<Layout>) -> impl IntoView {
    let element = NodeRef::<html::Div>::new();
    let this =
        Memo::new(move |_| page.boxes.editor.with(|editor| editor.as_ref()?.get(id).copied()));
    let area = move || this.get().map(|b| b.area);
    let removes = move || this.get().is_some_and(|b| b.remove);
    let selected = Memo::new(move |_| {
        page.boxes.editor.with(|editor| editor.as_ref().and_then(Editor::selected) == Some(id))
    });
    let selected_too = Memo::new(move |_| {
        page.boxes
            .editor
            .with(|editor| editor.as_ref().is_some_and(|editor| editor.is_selected(id)))
            && !selected.get()
    });
    let place = Memo::new(move |_| layout.with(|layout| layout.get(&id).copied()));
    let own = move || {
        place
            .get()
            .map_or(BoxInScreen { left: 0.0, top: 0.0, width: 0.0, height: 0.0 }, |laid| laid.own)
    };
    // How far the grown box reaches beyond this one at the top, right, bottom and left; empty where it
    // does not.
    let grown = text(move || {
        let Some(Laid { own, grown: Some(grown), .. }) = place.get() else { return String::new() };
        let (left, top) = (grown.left - own.left, grown.top - own.top);
        let (right, bottom) = (own.width - left - grown.width, own.height - top - grown.height);
        [top, right, bottom, left].map(px).join(" ")
    });
    // Labels lie within their box's element, so that a test or a screen reader finds them there.
    let label = move || {
        place.get().map(|Laid { own, label, .. }| {
            let place = label.place_in_screen;
            (place.left - own.left, place.top - own.top)
        })
    };
    let form = move || place.get().map_or(LabelForm::Digit, |laid| laid.label.form);
    let reading = shown_reading(page, area);
    let sureness = move || match this.get().and_then(|b| b.label) {
        Some(_) => Sureness::High,
        None => Sureness::of(reading.get().as_ref()),
    };
    let label_by_hand =
        move || this.get().and_then(|b| b.label).map(|digit| (digit.to_string(), 1.0));
    let digit =
        move || label_by_hand().or_else(|| reading.get().map(|shown| shown.reading.whole()));
    let is_none =
        move || label_by_hand().is_none() && reading.get().is_some_and(|shown| shown.is_no_digit());
    let warns = move || page.removal.checks.with(|checks| checks.get(&id).and_then(warning));

    // The wish comes from drawing, clicking and undoing; Tab focuses by itself.
    Effect::new(move |_| {
        if page.boxes.focus_wish.get() == Some(id)
            && let Some(element) = element.get()
        {
            let options = web_sys::FocusOptions::new();
            options.set_prevent_scroll(true);
            let _ = element.focus_with_options(&options);
            page.boxes.wish_focus(None);
        }
    });

    let name = move || {
        let fate = if removes() { "removed" } else { "kept" };
        let fate = warns().map_or(fate.to_owned(), |warning| format!("{fate}, {warning}"));
        match digit() {
            Some(_) if is_none() => format!("Box {id}: probably no digit, {fate}"),
            Some((digit, confidence)) => {
                let reads = if is_unsure(confidence) { "unsure, perhaps" } else { "reads" };
                format!("Box {id}: {reads} {digit}, {}, {fate}", percent(confidence))
            }
            None => format!("Box {id}: not read yet, {fate}"),
        }
    };
    let is_fresh = Memo::new(move |_| {
        page.boxes.editor.with(|editor| editor.as_ref().is_some_and(|editor| editor.is_fresh(id)))
    });
    let handles = move || {
        if !selected.get() {
            return Vec::new();
        }
        let grips =
            Grips { place_in_screen: own(), is_fresh: is_fresh.get(), hand: page.stage.hand.get() };
        let handle = |(handle, place): (Handle, BoxInScreen)| {
            view! {
                <span
                    class="handle"
                    data-handle=handle.name()
                    aria-hidden="true"
                    style:left=px(place.left)
                    style:top=px(place.top)
                    style:width=px(place.width)
                    style:height=px(place.height)
                ></span>
            }
        };
        grips.handles().into_iter().map(handle).collect::<Vec<_>>()
    };

    view! {
        <div
            node_ref=element
            class="box"
            class:is-selected=truth(move || selected.get())
            class:is-selected-too=truth(move || selected_too.get())
            class:is-kept=truth(move || !removes())
            class:is-fresh=truth(move || is_fresh.get())
            class:needs-look=truth(move || warns().is_some())
            class:is-unsure=truth(move || sureness() == Sureness::Low)
            class:is-stale=truth(move || reading.get().is_some_and(|shown| !shown.fresh))
            style:left=text(move || px(own().left))
            style:top=text(move || px(own().top))
            style:width=text(move || px(own().width))
            style:height=text(move || px(own().height))
            tabindex="0"
            role="group"
            aria-roledescription="digit box"
            aria-label=text(name)
            data-testid="box"
            data-box-id=id.to_string()
            data-digit=move || digit().map(|(digit, _)| digit.to_string())
            data-confidence=move || digit().map(|(_, confidence)| format!("{confidence:.4}"))
            data-remove=text(move || removes().to_string())
            on:focus=move |_| page.select_quietly(Some(id))
        >
            <span
                class="grown"
                class:is-hidden=truth(move || grown.get().is_empty())
                data-testid="grown"
                style:inset=grown
            ></span>
            <span class="frame"></span>
            {handles}
            <div
                style:min-width=text(move || {
                    px(place.get().map_or(0.0, |laid| laid.label.place_in_screen.width))
                })
                class="label"
                class:is-digit=truth(move || form() == LabelForm::Digit)
                style:left=text(move || px(label().map_or(0.0, |(left, _)| left)))
                style:top=text(move || px(label().map_or(0.0, |(_, top)| top)))
                on:click=move |_| page.pick(id)
            >
                <span class="label-reading" data-testid="box-reading">
                    <b>
                        {text(move || match digit() {
                            Some(_) if is_none() => "–?".to_owned(),
                            Some((digit, sure)) if is_unsure(sure) => format!("{digit}?"),
                            Some((digit, _)) => digit.to_string(),
                            None => "…".to_owned(),
                        })}
                    </b>
                    <Show when=when(move || form() == LabelForm::Full)>
                        <span class="label-confidence">
                            {text(move || {
                                digit().map(|(_, sure)| percent(sure)).unwrap_or_default()
                            })}
                        </span>
                    </Show>
                </span>
                <button
                    type="button"
                    class="label-switch"
                    role="switch"
                    tabindex="-1"
                    aria-checked=text(move || removes().to_string())
                    aria-label="Remove this digit"
                    title=text(move || {
                        match removes() {
                            true => "Removed. Click to keep this digit",
                            false => "Kept. Click to remove this digit",
                        }
                        .to_owned()
                    })
                    data-testid="box-remove"
                    on:click=move |event| {
                        event.stop_propagation();
                        page.toggle_remove(&[id]);
                    }
                >
                    {Icon::Eraser.view()}
                </button>
            </div>
        </div>
    }
}
