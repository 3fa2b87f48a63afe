//! The lines of the panel's list: house numbers and their boxes.

use leptos::html;
use leptos::prelude::*;

use crate::app::canvas::draw_crop;
use crate::app::editor::{BoxId, Editor};
use crate::app::focus::label_id;
use crate::app::house_number::HouseNumber;
use crate::app::icons::Icon;
use crate::app::lean::{text, truth, when};
use crate::app::page::Page;
use crate::app::reading::{Sureness, percent, shown_reading};
use crate::photo::BoxInPhoto;

/// A house number in the list, above its boxes.
#[component]
pub fn Heading(page: Page, numbers: Memo<Vec<HouseNumber>>, ids: Vec<BoxId>) -> impl IntoView {
    let first = ids.first().copied();
    // By its first box: a number whose boxes change gets another heading.
    let of = move |part: fn(&HouseNumber) -> String| {
        text(move || {
            numbers.with(|numbers| {
                let own = |number: &&HouseNumber| number.digits.first().map(|(id, _)| *id) == first;
                numbers.iter().find(own).map(part).unwrap_or_default()
            })
        })
    };
    let number = of(HouseNumber::text);
    let ids = StoredValue::new(ids);
    let removed = Memo::new(move |_| {
        let removes = |editor: &Editor, id: &BoxId| editor.get(*id).is_some_and(|b| b.remove);
        page.boxes.editor.with(|editor| {
            let count = |editor: &Editor| {
                ids.with_value(|ids| ids.iter().filter(|id| removes(editor, id)).count())
            };
            editor.as_ref().map_or(0, count)
        })
    });
    view! {
        <li class="number-head" data-testid="number" data-number=number>
            <h3>
                <button
                    type="button"
                    class="quiet number-pick"
                    title="Select the boxes of this house number"
                    on:click=move |_| ids.with_value(|ids| page.select_several(ids))
                >
                    <span class="visually-hidden">"Select house number "</span>
                    <b>{number}</b>
                    " "
                    <span class="number-sure">
                        {of(|number| number.confidence().map(percent).unwrap_or_default())}
                    </span>
                </button>
            </h3>
            <button
                type="button"
                class="switch"
                role="switch"
                data-testid="number-remove"
                aria-checked=text(move || (removed.get() > 0).to_string())
                aria-label=text(move || format!("Remove house number {}", number.get()))
                title="Remove all digits of this house number"
                on:click=move |_| ids.with_value(|ids| page.toggle_remove(ids))
            >
                <span class="switch-track" aria-hidden="true"><span></span></span>
                <span class="switch-word" aria-hidden="true">
                    {text(move || {
                        match removed.get() {
                            0 => "keep",
                            count if count < ids.with_value(Vec::len) => "some",
                            _ => "remove",
                        }
                        .to_owned()
                    })}
                </span>
            </button>
        </li>
    }
}

/// One box in the list.
#[component]
pub fn Row(page: Page, id: BoxId) -> impl IntoView {
    let this =
        Memo::new(move |_| page.boxes.editor.with(|editor| editor.as_ref()?.get(id).copied()));
    let area = Memo::new(move |_| this.get().map(|b| b.area));
    let removes = move || this.get().is_some_and(|b| b.remove);
    let selected = move || {
        page.boxes
            .editor
            .with(|editor| editor.as_ref().is_some_and(|editor| editor.is_selected(id)))
    };
    let crop = NodeRef::<html::Canvas>::new();
    draw_crop(page, crop, area);
    let reading = shown_reading(page, move || area.get());
    let label = move || this.get().and_then(|b| b.label);
    let low = move || label().is_none() && Sureness::of(reading.get().as_ref()) == Sureness::Low;
    let best = move || reading.get().map(|shown| shown.reading.whole());
    let ranks = move || reading.get().map_or_else(Vec::new, |shown| shown.ranks());
    let several = move || reading.get().is_some_and(|shown| shown.reading.digits.len() > 1);
    view! {
        <li
            class="row"
            class:is-selected=truth(selected)
            class:is-unsure=truth(low)
            class:is-stale=truth(move || reading.get().is_some_and(|shown| !shown.fresh))
        >
            <input
                id=label_id(id)
                class="row-digit"
                class:is-number=truth(move || label().is_none() && several())
                class:is-set=truth(move || label().is_some())
                type="text"
                inputmode="numeric"
                autocomplete="off"
                maxlength="2"
                placeholder=text(move || {
                    best().map_or("–".to_owned(), |(digit, _)| digit.to_string())
                })
                data-testid="label"
                aria-label=format!("Digit of box {id}, if it is read wrong")
                title="Type the digit if it is read wrong (E); empty: as read"
                prop:value=text(move || label().map_or_else(String::new, |digit| digit.to_string()))
                on:input=move |event| {
                    // The digit typed last counts, so that a wrong one is typed over.
                    let text = event_target_value(&event);
                    let digit = text.chars().filter_map(|c| c.to_digit(10)).next_back();
                    let digit = digit.map(|digit| digit as u8);
                    page.edit(|editor| editor.set_label(id, digit));
                    let shown = digit.map_or_else(String::new, |digit| digit.to_string());
                    event_target::<web_sys::HtmlInputElement>(&event).set_value(&shown);
                }
                on:keydown=move |event| {
                    if matches!(event.key().as_str(), "Enter" | "Escape") {
                        page.select(Some(id));
                        page.boxes.wish_focus(Some(id));
                    }
                }
            />
            <button
                type="button"
                class="row-pick"
                on:click=move |_| page.pick(id)
            >
                <span class="visually-hidden">{format!("Select box {id}, reads ")}</span>
                <canvas node_ref=crop class="crop" aria-hidden="true"></canvas>
                <span class="row-facts">
                    <span class="ranks">
                        {move || {
                            ranks()
                                .into_iter()
                                .map(|(digit, confidence)| {
                                    view! {
                                        <span class="rank">
                                            <b>{digit.to_string()}</b>
                                            " "
                                            {percent(confidence)}
                                            <span class="bar" aria-hidden="true">
                                                <span style:width=format!("{:.0}%", confidence * 100.0)></span>
                                            </span>
                                        </span>
                                    }
                                })
                                .collect_view()
                        }}
                        <Show when=when(move || reading.get().is_none())>
                            <span class="rank is-waiting">"not read yet"</span>
                        </Show>
                    </span>
                    <span class="row-size">
                        {text(move || {
                            let size = |area: BoxInPhoto| format!("{} × {} px", area.width, area.height);
                            area.get().map(size).unwrap_or_default()
                        })}
                        <Show when=when(low)>
                            <span class="unsure-note">{Icon::Warning.view()} "unsure"</span>
                        </Show>
                    </span>
                </span>
            </button>
            <button
                type="button"
                class="switch"
                role="switch"
                aria-checked=text(move || removes().to_string())
                aria-label=format!("Remove the digit of box {id}")
                title="Remove this digit from the photo"
                on:click=move |_| page.toggle_remove(&[id])
            >
                <span class="switch-track" aria-hidden="true"><span></span></span>
                <span class="switch-word" aria-hidden="true">
                    {text(move || if removes() { "remove" } else { "keep" }.to_owned())}
                </span>
            </button>
            <button
                type="button"
                class="quiet icon-only"
                aria-label=format!("Delete box {id}")
                title="Delete this box"
                on:click=move |_| {
                    page.edit(|editor| editor.delete(id));
                }
            >
                {Icon::Trash.view()}
            </button>
        </li>
    }
}
