//! How pictures are saved: format, quality and metadata. A part of the page that is fetched when the
//! first photo is open.

use leptos::prelude::*;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{HtmlInputElement, HtmlSelectElement};

use super::format::{FORMATS, MIN_QUALITY, format_from_key, format_key, format_name, has_quality};
use crate::app::later::View;
use crate::app::lean::{text, truth, when};
use crate::app::page::Page;
use crate::photo::{Metadata, SaveChoice, SavedFormat};

/// The fields, for [`later`](crate::app::later::later).
#[wasm_split(saving, fallible)]
pub fn part() -> Result<View, SplitLoaderError> {
    Ok(|page| SaveFields(SaveFieldsProps { page }).into_any())
}

/// What becomes of the metadata, for people.
fn metadata_name(metadata: Metadata) -> &'static str {
    match metadata {
        Metadata::None => "Remove all",
        Metadata::NoPlace => "Keep all but place",
        Metadata::All => "Keep all",
    }
}

#[component]
fn SaveFields(page: Page) -> impl IntoView {
    let choice = page.saving.choice;
    let own = move || page.open.photo.with(|photo| photo.as_ref().map_or("", |it| it.format));
    let choose = move |change: &dyn Fn(&mut SaveChoice)| {
        let mut choice = choice.get_untracked();
        change(&mut choice);
        page.saving.choose(choice);
    };
    view! {
        <div class="save-choice">
            <label>
                "Format"
                <select
                    data-testid="save-format"
                    on:change=move |event| {
                        let select: HtmlSelectElement = event_target(&event);
                        if let Some(format) = format_from_key(&select.value()) {
                            choose(&|choice| choice.format = format);
                        }
                    }
                >
                    {FORMATS
                        .into_iter()
                        .map(|format| {
                            view! {
                                <option
                                    value=format_key(format)
                                    selected=truth(move || choice.get().format == format)
                                >
                                    {text(move || match format {
                                        SavedFormat::Own if own() == "HEIC" => {
                                            "JPEG (instead of HEIC)".to_owned()
                                        }
                                        SavedFormat::Own => format!("Original ({})", own()),
                                        other => format_name(other, "").to_owned(),
                                    })}
                                </option>
                            }
                        })
                        .collect_view()}
                </select>
            </label>
            <label>
                "Metadata"
                <select
                    data-testid="save-metadata"
                    title="Camera, time and descriptions. Previews and other pictures in the file are always removed, as they show the original."
                    on:change=move |event| {
                        let select: HtmlSelectElement = event_target(&event);
                        if let Some(metadata) = Metadata::from_name(&select.value()) {
                            choose(&|choice| choice.metadata = metadata);
                        }
                    }
                >
                    {Metadata::NAMES
                        .into_iter()
                        .map(|(key, metadata)| {
                            view! {
                                <option
                                    value=key
                                    selected=truth(move || choice.get().metadata == metadata)
                                >
                                    {metadata_name(metadata)}
                                </option>
                            }
                        })
                        .collect_view()}
                </select>
            </label>
            <Show when=when(move || has_quality(choice.get().format, own()))>
                <label class="save-quality">
                    {text(move || format!("Quality {} %", choice.get().quality))}
                    <input
                        type="range"
                        data-testid="save-quality"
                        min=MIN_QUALITY.to_string()
                        max="100"
                        prop:value=text(move || choice.get().quality.to_string())
                        on:input=move |event| {
                            let input: HtmlInputElement = event_target(&event);
                            if let Ok(quality) = input.value().parse() {
                                choose(&|choice| choice.quality = quality);
                            }
                        }
                    />
                </label>
            </Show>
        </div>
    }
}
