//! Saving the open photo, or all one after the other, and how.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::format::{UniqueNames, format_name, left_out_sentence, saved_name};
use super::gallery::Gallery;
use super::more::More;
use super::save_choice;
use super::zip::Zip;
use crate::app::browser::{blob_of, describe, download};
use crate::app::comparison::changed_share;
use crate::app::editor::Editor;
use crate::app::icons::Icon;
use crate::app::later::{fetched, later};
use crate::app::lean::{text, truth, when};
use crate::app::modal::Modal;
use crate::app::page::Page;
use crate::app::state::engine::EngineState;
use crate::app::state::messages::Tone;
use crate::app::state::saving::SavingAll;
use crate::photo::{Metadata, PhotoSize};
use crate::worker::protocol::SavedFile;

/// The name of the file with all photos.
const ZIP_NAME: &str = "doorplate.zip";

/// Why the open photo cannot be saved now, for people; none when it can.
fn save_obstacle(page: Page) -> Option<&'static str> {
    if page.open.photo.with(Option::is_none) {
        return Some("Open a photo to begin.");
    }
    match page.engine.state.with(|state| match state {
        EngineState::Starting(_) => Some("The engine is still loading."),
        EngineState::Failed(_) => Some("The engine stopped. Try again below."),
        EngineState::Ready(_) => None,
    }) {
        Some(obstacle) => return Some(obstacle),
        None if !page.open.in_engine.get() => return Some("The photo is still loading."),
        None => {}
    }
    let (boxes, removed) = page.boxes.editor.with(|editor| {
        editor
            .as_ref()
            .map(|editor| (editor.boxes().len(), editor.erasure().boxes.len()))
            .unwrap_or_default()
    });
    match (boxes, removed) {
        (0, _) => Some("Drag a box round each digit first."),
        (_, 0) => Some("Switch Remove on for at least one digit."),
        _ if page.saving.one.get() => Some("The picture is being made."),
        _ => None,
    }
}

/// Saves the open photo without its digits.
pub fn save(page: Page) {
    if untrack(|| save_obstacle(page)).is_some() {
        return;
    }
    let Some(photo) = page.open.photo.get_untracked() else { return };
    let erasure = page.look(Editor::erasure).unwrap_or_default();
    spawn_local(async move {
        let made = async {
            let file = page.saved_file(erasure.clone()).await?;
            let name = saved_name(&photo.name, &file.extension);
            let blob =
                blob_of(&file.bytes, &media_type(&file)).map_err(|error| describe(&error))?;
            download(&blob, &name)?;
            Ok::<_, String>((name, file))
        };
        match made.await {
            Ok((name, SavedFile { left_out, reencoded_because, .. })) => {
                page.photos.change(|gallery| gallery.saved(photo.id, erasure));
                let mut text = format!("Saved as {name}.{}", left_out_sentence(&left_out));
                if let Some(reason) = reencoded_because {
                    text.push_str(&format!(" The whole JPEG was encoded again, because {reason}."));
                }
                text.push_str(" Check it before you share it.");
                page.messages.show(Tone::Done, text);
            }
            Err(reason) => page
                .messages
                .show(Tone::Error, format!("Could not save {}: {reason}. Try again.", photo.name)),
        }
    });
}

fn media_type(file: &SavedFile) -> String {
    let name = match file.extension.as_str() {
        "jpg" => "jpeg",
        "tif" => "tiff",
        same => same,
    };
    format!("image/{name}")
}

/// [`save_all`].
#[wasm_split(files, fallible)]
fn saving_all() -> Result<fn(Page), SplitLoaderError> {
    Ok(save_all)
}

/// Saves all photos with something to remove as one file, one after the other.
fn save_all(page: Page) {
    let ids = page.photos.gallery.with_untracked(Gallery::removable);
    // The open photo's picture may be in the making, and the engine makes one at a time.
    if ids.is_empty() || page.saving.is_saving_all() || page.saving.one.get_untracked() {
        return;
    }
    let before = page.photos.open();
    let count = ids.len();
    // At once, so that a second click finds it.
    page.saving.set_all(Some(SavingAll { number: 1, count, name: String::new() }));
    spawn_local(async move {
        let mut zip = Zip::new();
        let mut names = UniqueNames::default();
        let (mut done, mut failures, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        for (number, id) in (1..).zip(ids) {
            let Some((_, name)) = page.photos.file(id) else { continue };
            let state = SavingAll { number, count, name: name.clone() };
            // Cancelled by taking the state away.
            if number > 1 && !page.saving.is_saving_all() {
                break;
            }
            page.saving.set_all(Some(state));
            let made = async {
                if !(page.open.id() == Some(id) && page.open.in_engine.get_untracked()) {
                    page.open_photo(id);
                    page.open.arrived().await?;
                }
                let erasure = page.look(Editor::erasure).unwrap_or_default();
                let file = page.saved_file(erasure.clone()).await?;
                zip.add(&names.take(&saved_name(&name, &file.extension)), &file.bytes)?;
                Ok::<_, String>((erasure, file.left_out))
            };
            match made.await {
                Ok((erasure, of_it)) => {
                    left_out.extend(of_it);
                    done.push((id, erasure));
                }
                Err(_) if !page.saving.is_saving_all() => break,
                Err(reason) => failures.push(format!("{name} ({reason})")),
            }
        }
        let cancelled = !page.saving.is_saving_all();
        page.saving.set_all(None);
        if let Some(before) = before.filter(|id| page.photos.can_open(*id))
            && page.photos.open() != Some(before)
        {
            page.open_photo(before);
        }
        if cancelled {
            page.messages.show(Tone::Notice, "Cancelled; nothing was saved.".to_owned());
            return;
        }
        if !failures.is_empty() {
            let text = format!("Not saved: {}.", failures.join("; "));
            page.messages.show(Tone::Error, text);
        }
        if done.is_empty() {
            return;
        }
        match zip.finish().and_then(|file| download(&file, ZIP_NAME)) {
            Ok(()) => {
                let photos = if done.len() == 1 { "photo" } else { "photos" };
                left_out.sort_unstable();
                left_out.dedup();
                let left_out = left_out_sentence(&left_out);
                let text = format!("Saved {} {photos} as {ZIP_NAME}.{left_out}", done.len());
                page.photos.change(|gallery| {
                    for (id, erasure) in done {
                        gallery.saved(id, erasure);
                    }
                });
                page.messages.show(Tone::Done, text);
            }
            Err(reason) => {
                page.messages
                    .show(Tone::Error, format!("Could not save {ZIP_NAME}: {reason}. Try again."));
            }
        }
    });
}

/// The buttons that save; they are always in sight.
#[component]
pub fn SaveBar(page: Page) -> impl IntoView {
    let obstacle = Memo::new(move |_| save_obstacle(page));
    let counts = Memo::new(move |_| {
        page.photos.gallery.with(|gallery| (gallery.removable().len(), gallery.entries().len()))
    });
    let choice = page.saving.choice;
    let ready = Memo::new(move |_| page.engine.is_ready());
    view! {
        <button
            type="button"
            class="primary wide"
            data-testid="save"
            disabled=truth(move || obstacle.get().is_some())
            title=text(move || {
                let hint = "Save the photo without the digits (Ctrl+S)";
                obstacle.get().unwrap_or(hint).to_owned()
            })
            aria-describedby="save-note"
            on:click=move |_| save(page)
        >
            {Icon::Save.view()}
            {text(move || {
                if page.saving.one.get() {
                    "Making the picture…".to_owned()
                } else {
                    let own = page.open.photo.with(|photo| photo.as_ref().map(|it| it.format));
                    match format_name(choice.get().format, own.unwrap_or_default()) {
                        "" => "Save".to_owned(),
                        name => format!("Save as {name}"),
                    }
                }
            })}
        </button>
        <Show when=when(move || counts.get().1 > 1)>
            <button
                type="button"
                class="wide"
                data-testid="save-all"
                disabled=truth(move || {
                    counts.get().0 == 0 || !ready.get() || page.saving.one.get()
                })
                title="Save all photos with digits to remove as one zip"
                on:click=move |_| {
                    spawn_local(async move {
                        if let Some(save_all) = fetched(page, Box::pin(saving_all())).await {
                            save_all(page);
                        }
                    });
                }
            >
                {text(move || match counts.get() {
                    (0, _) => "Save all".to_owned(),
                    (count, all) if count < all => format!("Save {count} of {all} photos"),
                    (_, all) => format!("Save {all} photos"),
                })}
            </button>
        </Show>
    }
}

/// The panel's part about how is saved.
#[component]
pub fn SaveArea(page: Page) -> impl IntoView {
    let obstacle = Memo::new(move |_| save_obstacle(page));
    let choice = page.saving.choice;
    let is_open = truth(move || page.open.photo.with(Option::is_some));
    view! {
        <section class="save-more" aria-label="How to save">
            {later(page, is_open, Callback::new(|()| ()), || Box::pin(save_choice::part()))}
            <p id="save-note" class="save-note">
                {text(move || {
                    if let Some(obstacle) = obstacle.get() {
                        return obstacle.to_owned();
                    }
                    let size = page.open.photo.with(|photo| photo.as_ref().map(|photo| photo.size));
                    size.map_or_else(String::new, |size| {
                        let metadata = match choice.get().metadata {
                            Metadata::None => "without location or camera data",
                            Metadata::NoPlace => "without location, but with camera data",
                            Metadata::All => "with location and camera data",
                        };
                        let PhotoSize { width, height } = size;
                        format!("Full resolution, {width} × {height} pixels. Saved {metadata}.")
                    })
                })}
            </p>
            {move || {
                let size = page.open.photo.with(|photo| photo.as_ref().map(|photo| photo.size))?;
                let changed = page.removal.changed.get()?;
                Some(
                    view! {
                        <p class="save-note" data-testid="changed">
                            {format!("{}.", changed_share(changed, size))}
                        </p>
                    },
                )
            }}
            <More page=page />
        </section>
    }
}

/// The dialog that shows how far saving all is; nothing else can be done meanwhile.
#[component]
pub fn SavingAllDialog(page: Page) -> impl IntoView {
    let saving = page.saving.all;
    let shown = RwSignal::new(false);
    Effect::new(move |_| shown.set(saving.with(Option::is_some)));
    // Closed by the user, by the button or Esc.
    Effect::new(move |_| {
        if !shown.get() && page.saving.is_saving_all() {
            page.saving.set_all(None);
            page.open.failed("cancelled".to_owned());
        }
    });
    let of = move |part: fn(&SavingAll) -> String| {
        text(move || saving.with(|saving| saving.as_ref().map(part).unwrap_or_default()))
    };
    view! {
        <Modal
            name="saving-all"
            title="Saving all photos"
            shown=shown.into()
            close=Callback::new(move |()| shown.set(false))
        >
            <div class="saving-all-body">
                <p>
                    {of(|saving| {
                        format!("Photo {} of {}: {}", saving.number, saving.count, saving.name)
                    })}
                </p>
                <progress
                    aria-label="Photos saved"
                    max=of(|saving| saving.count.to_string())
                    value=of(|saving| saving.number.saturating_sub(1).to_string())
                ></progress>
                <button type="button" data-testid="cancel-saving" on:click=move |_| shown.set(false)>
                    "Cancel"
                </button>
            </div>
        </Modal>
    }
}
