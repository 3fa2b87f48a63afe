//! Saving the open photo, or all one after the other, and how.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{Blob, HtmlCanvasElement, HtmlInputElement, HtmlSelectElement};

use super::format::{PictureFormat, SaveChoice, UniqueNames, saved_name};
use super::gallery::Gallery;
use super::more::More;
use super::zip::Zip;
use crate::app::browser::{blob_of, bytes_of, can_draw, context_of, decode, describe, download};
use crate::app::comparison::changed_share;
use crate::app::editor::Editor;
use crate::app::icons::Icon;
use crate::app::later::fetched;
use crate::app::lean::{text, truth, when};
use crate::app::modal::Modal;
use crate::app::page::Page;
use crate::app::state::engine::EngineState;
use crate::app::state::messages::Tone;
use crate::app::state::saving::SavingAll;

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
    let choice = page.saving.choice.get_untracked();
    spawn_local(async move {
        let made = async {
            let png = page.png(erasure.clone()).await?;
            let (file, format) = encode(png, choice).await?;
            let name = saved_name(&photo.name, format);
            download(&file, &name)?;
            Ok::<_, String>((name, format))
        };
        match made.await {
            Ok((name, format)) => {
                page.photos.change(|gallery| gallery.saved(photo.id, erasure));
                let mut text = format!("Saved as {name}. Check it before you share it.");
                if format != choice.format {
                    text.push_str(&instead(choice.format));
                }
                page.messages.show(Tone::Done, text);
            }
            Err(reason) => page
                .messages
                .show(Tone::Error, format!("Could not save {}: {reason}. Try again.", photo.name)),
        }
    });
}

fn instead(format: PictureFormat) -> String {
    format!(" This browser cannot write it as {}, so it is a PNG.", format.name())
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
    let choice = page.saving.choice.get_untracked();
    let count = ids.len();
    // At once, so that a second click finds it.
    page.saving.set_all(Some(SavingAll { number: 1, count, name: String::new() }));
    spawn_local(async move {
        let mut zip = Zip::new();
        let mut names = UniqueNames::default();
        let (mut done, mut failures, mut replaced) = (Vec::new(), Vec::new(), false);
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
                let (file, format) = encode(page.png(erasure.clone()).await?, choice).await?;
                let bytes = bytes_of(&file).await?;
                zip.add(&names.take(&saved_name(&name, format)), &bytes)?;
                Ok::<_, String>((erasure, format))
            };
            match made.await {
                Ok((erasure, format)) => {
                    replaced |= format != choice.format;
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
                let mut text = format!("Saved {} {photos} as {ZIP_NAME}.", done.len());
                if replaced {
                    text.push_str(&instead(choice.format));
                }
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

/// The engine's PNG in the chosen format; as PNG where the browser cannot write that.
async fn encode(png: Vec<u8>, choice: SaveChoice) -> Result<(Blob, PictureFormat), String> {
    let file = blob_of(&png, PictureFormat::Png.media_type()).map_err(|error| describe(&error))?;
    drop(png);
    if choice.format == PictureFormat::Png {
        return Ok((file, PictureFormat::Png));
    }
    match encode_on_canvas(&file, choice).await {
        Ok(Some(encoded)) => Ok((encoded, choice.format)),
        // Some browsers write no WebP, or have canvases only up to a size; the PNG is whole.
        Ok(None) | Err(_) => Ok((file, PictureFormat::Png)),
    }
}

/// None where the browser writes another format or has no canvas of this size.
async fn encode_on_canvas(png: &Blob, choice: SaveChoice) -> Result<Option<Blob>, JsValue> {
    let picture = decode(window().create_image_bitmap_with_blob(png)).await?;
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    canvas.set_width(picture.width());
    canvas.set_height(picture.height());
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let Some(context) = context_of(&canvas)? else { return Ok(None) };
    if !can_draw(&context) {
        return Ok(None);
    }
    // JPEG knows no transparency, and would make it black.
    context.set_fill_style_str("#fff");
    context.fill_rect(0.0, 0.0, width, height);
    if choice.format != PictureFormat::Jpeg {
        context.clear_rect(0.0, 0.0, width, height);
    }
    context.draw_image_with_image_bitmap(&picture, 0.0, 0.0)?;
    picture.close();
    let encoded = to_blob(&canvas, choice).await?;
    Ok(encoded.filter(|file| file.type_() == choice.format.media_type()))
}

async fn to_blob(canvas: &HtmlCanvasElement, choice: SaveChoice) -> Result<Option<Blob>, JsValue> {
    let quality = JsValue::from_f64(f64::from(choice.quality) / 100.0);
    let promise = js_sys::Promise::new(&mut |resolve, reject| {
        let done = Closure::once_into_js(move |file: JsValue| {
            // Cannot fail: it is the promise's own function.
            let _ = resolve.call1(&JsValue::NULL, &file);
        });
        let asked = canvas.to_blob_with_type_and_encoder_options(
            done.unchecked_ref(),
            choice.format.media_type(),
            &quality,
        );
        if let Err(error) = asked {
            let _ = reject.call1(&JsValue::NULL, &error);
        }
    });
    Ok(wasm_bindgen_futures::JsFuture::from(promise).await?.dyn_into().ok())
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
                    format!("Save as {}", choice.get().format.name())
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
    view! {
        <section class="save-more" aria-label="How to save">
            <div class="save-choice">
                <label>
                    "Format"
                    <select
                        data-testid="save-format"
                        on:change=move |event| {
                            let select: HtmlSelectElement = event_target(&event);
                            if let Some(format) = PictureFormat::from_name(&select.value()) {
                                page.saving.choose(SaveChoice { format, ..choice.get_untracked() });
                            }
                        }
                    >
                        {PictureFormat::ALL
                            .into_iter()
                            .map(|format| {
                                view! {
                                    <option
                                        value=format.name()
                                        selected=truth(move || choice.get().format == format)
                                    >
                                        {format.name()}
                                    </option>
                                }
                            })
                            .collect_view()}
                    </select>
                </label>
                <Show when=when(move || choice.get().format != PictureFormat::Png)>
                    <label>
                        {text(move || format!("Quality {} %", choice.get().quality))}
                        <input
                            type="range"
                            data-testid="save-quality"
                            min=SaveChoice::MIN_QUALITY.to_string()
                            max="100"
                            prop:value=text(move || choice.get().quality.to_string())
                            on:input=move |event| {
                                let input: HtmlInputElement = event_target(&event);
                                if let Ok(quality) = input.value().parse() {
                                    page.saving.choose(SaveChoice { quality, ..choice.get_untracked() });
                                }
                            }
                        />
                    </label>
                </Show>
            </div>
            <p id="save-note" class="save-note">
                {text(move || {
                    if let Some(obstacle) = obstacle.get() {
                        return obstacle.to_owned();
                    }
                    let size = page.open.photo.with(|photo| photo.as_ref().map(|photo| photo.size));
                    size.map_or_else(String::new, |size| {
                        format!(
                            "Full resolution, {} × {} pixels. Saved without location or camera \
                             data.",
                            size.width, size.height
                        )
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
