//! The film strip: all photos, small, each with how far it is.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent, ScrollIntoViewOptions, ScrollLogicalPosition};

use super::gallery::{Entry, Gallery, PhotoId, Progress};
use super::{close, files};
use crate::app::bars::choose_file;
use crate::app::icons::Icon;
use crate::app::intake;
use crate::app::page::Page;

/// Digits of a house number that the strip has room for.
const MAX_DIGITS: usize = 6;

/// The film strip, once there are several photos or one that cannot be opened.
#[component]
pub fn Strip(page: Page) -> impl IntoView {
    let gallery = page.photos.gallery;
    let ids = Memo::new(move |_| {
        gallery.with(|gallery| gallery.entries().iter().map(|entry| entry.id).collect::<Vec<_>>())
    });
    let shown = Memo::new(move |_| {
        gallery.with(|gallery| {
            gallery.entries().len() > 1
                || gallery.entries().iter().any(|entry| entry.failure.is_some())
        })
    });
    let list = NodeRef::<html::Ul>::new();
    view! {
        <Show when=move || shown.get()>
            <nav class="strip" aria-label="Photos" data-testid="strip">
                <ul node_ref=list on:keydown=move |event| key_down(page, list, &event)>
                    <For each=move || ids.get() key=|id| *id let:id>
                        <Shot page=page id=id />
                    </For>
                    <li>
                        <button
                            type="button"
                            class="quiet shot-add"
                            aria-label="Add photos"
                            title="Add photos"
                            on:click=|_| choose_file()
                        >
                            {Icon::Plus.view()}
                        </button>
                    </li>
                </ul>
            </nav>
        </Show>
    }
}

/// One photo.
#[component]
fn Shot(page: Page, id: PhotoId) -> impl IntoView {
    let gallery = page.photos.gallery;
    let of = move |what: fn(&Entry) -> String| {
        Memo::new(move |_| gallery.with(|gallery| gallery.get(id).map(what)).unwrap_or_default())
    };
    let name = of(|entry| entry.name.clone());
    let thumbnail = of(|entry| entry.thumbnail.clone().unwrap_or_default());
    let number = of(number_of);
    let summary = of(Entry::summary);
    let failure = of(|entry| entry.failure.clone().unwrap_or_default());
    let progress = Memo::new(move |_| gallery.with(|gallery| gallery.get(id).map(Entry::progress)));
    let is_open = Memo::new(move |_| gallery.with(Gallery::open) == Some(id));
    // One stop for the Tab key in the whole strip; arrows lead on from there.
    let is_stop = Memo::new(move |_| {
        gallery.with(|gallery| {
            let first = || gallery.entries().first().map(|entry| entry.id);
            gallery.open().or_else(first) == Some(id)
        })
    });
    let tab_index = move || if is_stop.get() { "0" } else { "-1" };
    let button = NodeRef::<html::Button>::new();
    Effect::new(move |_| {
        if let Some(button) = button.get().filter(|_| is_open.get()) {
            let options = ScrollIntoViewOptions::new();
            options.set_block(ScrollLogicalPosition::Nearest);
            options.set_inline(ScrollLogicalPosition::Nearest);
            button.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });
    view! {
        <li class="shot" class:is-open=move || is_open.get()>
            <button
                node_ref=button
                type="button"
                class="shot-pick"
                data-testid="photo"
                data-photo-id=id
                data-name=move || name.get()
                data-state=move || state_name(progress.get())
                aria-current=move || is_open.get().then_some("true")
                aria-label=move || format!("{}, {}", name.get(), summary.get())
                title=move || match failure.get() {
                    why if why.is_empty() => format!("{}: {}", name.get(), summary.get()),
                    why => format!("{}: {why}", name.get()),
                }
                tabindex=tab_index
                on:click=move |_| {
                    if !is_open.get_untracked() || !page.photos.can_open(id) {
                        intake::open(page, id);
                    }
                }
            >
                <Show
                    when=move || !thumbnail.with(String::is_empty)
                    fallback=move || view! { <span class="shot-none">{Icon::Open.view()}</span> }
                >
                    <img src=move || thumbnail.get() alt="" draggable="false" />
                </Show>
                <span class="shot-mark" aria-hidden="true">
                    {move || match progress.get() {
                        Some(Progress::Failed) => Some(Icon::Warning.view().into_any()),
                        Some(Progress::Done) => {
                            Some(view! { {Icon::Check.view()} {number.get()} }.into_any())
                        }
                        Some(Progress::Unfinished) => Some(number.get().into_any()),
                        Some(Progress::Untouched) | None => None,
                    }}
                </span>
            </button>
            <button
                type="button"
                class="shot-close"
                aria-label=move || format!("Close {}", name.get())
                title="Close this photo"
                tabindex=tab_index
                on:click=move |_| close(page, id)
            >
                {Icon::Close.view()}
            </button>
        </li>
    }
}

fn state_name(progress: Option<Progress>) -> &'static str {
    match progress {
        None | Some(Progress::Untouched) => "untouched",
        Some(Progress::Unfinished) => "unfinished",
        Some(Progress::Done) => "done",
        Some(Progress::Failed) => "failed",
    }
}

/// The house number as far as it is read.
fn number_of(entry: &Entry) -> String {
    let mut boxes = entry.boxes.clone();
    boxes.sort_by_key(|b| (b.area.left * 2 + b.area.width, b.area.top, b.id));
    let digit = |area| entry.digits.get(area).map_or('?', |digit| char::from(b'0' + digit.min(&9)));
    let number: String = boxes.iter().take(MAX_DIGITS).map(|b| digit(&b.area)).collect();
    if boxes.len() > MAX_DIGITS { format!("{number}…") } else { number }
}

/// Arrows go from photo to photo, Delete closes one; neither is to reach the boxes.
fn key_down(page: Page, list: NodeRef<html::Ul>, event: &KeyboardEvent) {
    let steps = match event.key().as_str() {
        "ArrowLeft" | "ArrowUp" => -1,
        "ArrowRight" | "ArrowDown" => 1,
        "Delete" | "Backspace" => 0,
        _ => return,
    };
    event.prevent_default();
    event.stop_propagation();
    let focused = document().active_element();
    let Some(focused) = focused.and_then(|element| element.closest(".shot").ok().flatten()) else {
        return;
    };
    let pick = |shot: &web_sys::Element| {
        shot.query_selector(".shot-pick").ok().flatten()?.dyn_into::<HtmlElement>().ok()
    };
    let neighbour = match steps {
        -1 => focused.previous_element_sibling(),
        _ => focused.next_element_sibling(),
    };
    if steps != 0 {
        if let Some(pick) = neighbour.as_ref().and_then(pick) {
            // Fails only for what is not in the page.
            let _ = pick.focus();
        }
        return;
    }
    let id = pick(&focused)
        .and_then(|pick| pick.dataset().get("photoId"))
        .and_then(|id| id.parse::<PhotoId>().ok());
    if let Some(id) = id {
        files::close(page, id);
        // The focus would be lost with the photo that had it.
        if let Some(list) = list.get_untracked()
            && let Ok(Some(next)) = list.query_selector(".shot-pick[tabindex='0']")
            && let Ok(next) = next.dyn_into::<HtmlElement>()
        {
            let _ = next.focus();
        }
    }
}
