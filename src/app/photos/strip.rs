//! The film strip: all photos, small, each with how far it is.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{HtmlElement, KeyboardEvent, ScrollIntoViewOptions, ScrollLogicalPosition};

use super::files::close;
use super::gallery::{Entry, Gallery, PhotoId, Progress};
use crate::app::browser::choose_file;
use crate::app::editor::{PhotoBox, numbers_of};
use crate::app::icons::Icon;
use crate::app::later::View;
use crate::app::lean::when;
use crate::app::page::Page;

/// Letters of house numbers that fit into the strip.
const MAX_LETTERS: usize = 6;

/// The film strip, there while it is [`wanted`]; for [`later`](crate::app::later::later).
#[wasm_split(views, fallible)]
pub fn part() -> Result<View, SplitLoaderError> {
    Ok(|page| Strip(StripProps { page }).into_any())
}

/// Whether there are several photos, or one that cannot be opened.
pub fn wanted(page: Page) -> Signal<bool> {
    let gallery = page.photos.gallery;
    let wanted = move |_: Option<&bool>| {
        gallery.with(|gallery| {
            gallery.entries().len() > 1
                || gallery.entries().iter().any(|entry| entry.failure.is_some())
        })
    };
    Memo::new(wanted).into()
}

#[component]
fn Strip(page: Page) -> impl IntoView {
    let gallery = page.photos.gallery;
    let ids = Memo::new(move |_| {
        gallery.with(|gallery| gallery.entries().iter().map(|entry| entry.id).collect::<Vec<_>>())
    });
    let wanted = wanted(page);
    let list = NodeRef::<html::Ul>::new();
    view! {
        <Show when=when(move || wanted.get())>
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

/// What is shown of one photo.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shown {
    name: String,
    summary: String,
    title: String,
    thumbnail: Option<String>,
    number: String,
    state: &'static str,
    is_open: bool,
    /// One stop for the Tab key in the whole strip; arrows lead on from there.
    is_stop: bool,
}

impl Shown {
    fn of(gallery: &Gallery, id: PhotoId) -> Self {
        let Some(entry) = gallery.get(id) else { return Shown::default() };
        let first = || gallery.entries().first().map(|entry| entry.id);
        let summary = entry.summary();
        Shown {
            name: entry.name.clone(),
            title: format!("{}: {}", entry.name, entry.failure.as_ref().unwrap_or(&summary)),
            summary,
            thumbnail: entry.thumbnail.clone(),
            number: number_of(entry),
            state: match entry.progress() {
                Progress::Untouched => "untouched",
                Progress::Unfinished => "unfinished",
                Progress::Done => "done",
                Progress::Failed => "failed",
            },
            is_open: gallery.open() == Some(id),
            is_stop: gallery.open().or_else(first) == Some(id),
        }
    }
}

/// One photo.
#[component]
fn Shot(page: Page, id: PhotoId) -> impl IntoView {
    let gallery = page.photos.gallery;
    let shown = Memo::new(move |_| gallery.with(|gallery| Shown::of(gallery, id)));
    let text = move |of: fn(&Shown) -> String| Signal::derive(move || shown.with(of));
    let tab_index = text(|shown| if shown.is_stop { "0" } else { "-1" }.to_owned());
    let is_open = Signal::derive(move || shown.with(|shown| shown.is_open));
    let button = NodeRef::<html::Button>::new();
    Effect::new(move |_| {
        if let Some(button) = button.get().filter(|_| shown.with(|shown| shown.is_open)) {
            let options = ScrollIntoViewOptions::new();
            options.set_block(ScrollLogicalPosition::Nearest);
            options.set_inline(ScrollLogicalPosition::Nearest);
            button.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });
    view! {
        <li class="shot" class:is-open=is_open>
            <button
                node_ref=button
                type="button"
                class="shot-pick"
                data-testid="photo"
                data-photo-id=id
                data-name=text(|shown| shown.name.clone())
                data-state=text(|shown| shown.state.to_owned())
                aria-current=text(|shown| shown.is_open.to_string())
                aria-label=text(|shown| format!("{}, {}", shown.name, shown.summary))
                title=text(|shown| shown.title.clone())
                tabindex=tab_index
                on:click=move |_| {
                    if !shown.with_untracked(|shown| shown.is_open) || !page.photos.can_open(id) {
                        page.open_photo(id);
                    }
                }
            >
                {move || match shown.with(|shown| shown.thumbnail.clone()) {
                    Some(url) => view! { <img src=url alt="" draggable="false" /> }.into_any(),
                    None => view! { <span class="shot-none">{Icon::Open.view()}</span> }.into_any(),
                }}
                <span class="shot-mark" aria-hidden="true">
                    {text(|shown| {
                        let sign = match shown.state {
                            "failed" => "!",
                            "done" => "✓ ",
                            _ => "",
                        };
                        format!("{sign}{}", shown.number)
                    })}
                </span>
            </button>
            <button
                type="button"
                class="shot-close"
                aria-label=text(|shown| format!("Close {}", shown.name))
                title="Close this photo"
                tabindex=tab_index
                on:click=move |_| close(page, id)
            >
                {Icon::Close.view()}
            </button>
        </li>
    }
}

/// The house numbers as far as they are read.
fn number_of(entry: &Entry) -> String {
    let digits = |b: &PhotoBox| -> String {
        let read = || entry.digits.get(&b.area).map(Vec::as_slice);
        let digits = b.label.as_ref().map(std::slice::from_ref).or_else(read);
        digits.map_or("?".to_owned(), |digits| digits.iter().map(u8::to_string).collect())
    };
    let numbers: Vec<String> = numbers_of(&entry.work.boxes)
        .iter()
        .map(|number| number.iter().map(digits).collect())
        .collect();
    let text = numbers.join(", ");
    match text.char_indices().nth(MAX_LETTERS) {
        Some((end, _)) => {
            format!("{}…", text.get(..end).unwrap_or_default().trim_end_matches([',', ' ']))
        }
        None => text,
    }
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
        close(page, id);
        // The focus would be lost with the photo that had it.
        if let Some(list) = list.get_untracked()
            && let Ok(Some(next)) = list.query_selector(".shot-pick[tabindex='0']")
            && let Ok(next) = next.dyn_into::<HtmlElement>()
        {
            let _ = next.focus();
        }
    }
}
