//! The header and the tools above the stage.

use leptos::prelude::*;
use web_sys::HtmlInputElement;

use super::browser::{FILE_INPUT, choose_file};
use super::editor::Editor;
use super::icons::Icon;
use super::lean::text;
use super::page::Page;
use super::photos::adding::{Camera, add};
use super::photos::given::given_of;
use super::state::dialogs::Dialog;
use super::theme;

/// The header: what this is, that the photo stays, keys, light or dark.
#[component]
pub fn Header(page: Page) -> impl IntoView {
    view! {
        <header class="header">
            <div class="brand">
                <img src="icon.svg" alt="" width="30" height="30" />
                <h1>"Doorplate"</h1>
            </div>
            <button
                type="button"
                class="quiet stays"
                data-testid="stays"
                aria-haspopup="dialog"
                title="What this page has fetched"
                on:click=move |_| page.dialogs.open(Dialog::Fetches)
            >
                {Icon::Lock.view()}
                <span>"Your photo stays on this machine"</span>
            </button>
            <div class="header-tools">
                <button
                    type="button"
                    class="quiet"
                    title="Keys (?)"
                    aria-label="Show the keys"
                    on:click=move |_| page.dialogs.open(Dialog::Help)
                >
                    {Icon::Keyboard.view()}
                    <span class="wide-only">"Keys"</span>
                </button>
                <button
                    type="button"
                    class="quiet icon-only"
                    data-testid="theme"
                    title="Light or dark"
                    aria-label="Switch light or dark"
                    on:click=|_| theme::toggle()
                >
                    {Icon::Theme.view()}
                </button>
            </div>
        </header>
    }
}

/// The tools above the stage, those that are used most first: a phone shows the others only when the
/// row is moved sideways.
#[component]
pub fn Tools(page: Page) -> impl IntoView {
    let no_photo = move || page.open.photo.with(Option::is_none);
    let cannot = move |can: fn(&Editor) -> bool| {
        move || !page.boxes.editor.with(|editor| editor.as_ref().is_some_and(can))
    };
    let zoom = move || match no_photo() {
        true => "–".to_owned(),
        false => format!("{:.0} %", page.stage.view.get().zoom * 100.0),
    };
    let compare = move |on: bool| move || page.stage.compare(on && !untrack(no_photo));
    let (hold, release) = (compare(true), compare(false));
    view! {
        <div class="tools" role="toolbar" aria-label="Photo tools">
            <button type="button" class="open" aria-label="Open photos" on:click=|_| choose_file()>
                {Icon::Open.view()}
                <span>"Open photos"</span>
            </button>
            <Camera page=page />
            <input
                id=FILE_INPUT
                class="visually-hidden"
                type="file"
                multiple
                accept="image/png,image/jpeg,image/webp,image/gif,image/bmp,image/tiff,.tif,.tiff,.heic,.heif,.hif,.json,.csv,.tsv,.txt,.xml"
                tabindex="-1"
                aria-hidden="true"
                data-testid="file-input"
                on:change=move |event| {
                    let input: HtmlInputElement = event_target(&event);
                    if let Some(files) = input.files() {
                        add(page, given_of(&files));
                    }
                    // So that the same file can be chosen again.
                    input.set_value("");
                }
            />
            <button
                type="button"
                class="quiet"
                data-testid="find"
                aria-label="Find numbers"
                title="Find the digits in the photo (F)"
                disabled=no_photo
                on:click=move |_| {
                    page.find();
                }
            >
                {Icon::Find.view()}
                <span class="wide-only">"Find numbers"</span>
            </button>
            <span class="divider" aria-hidden="true"></span>
            <button
                type="button"
                class="quiet icon-only"
                data-testid="undo"
                aria-label="Undo"
                title="Undo (Ctrl+Z)"
                disabled=cannot(Editor::can_undo)
                on:click=move |_| {
                    page.edit(Editor::undo);
                }
            >
                {Icon::Undo.view()}
            </button>
            <button
                type="button"
                class="quiet icon-only"
                data-testid="redo"
                aria-label="Redo"
                title="Redo (Ctrl+Shift+Z)"
                disabled=cannot(Editor::can_redo)
                on:click=move |_| {
                    page.edit(Editor::redo);
                }
            >
                {Icon::Redo.view()}
            </button>
            <button
                type="button"
                class="quiet icon-only"
                data-testid="brush"
                aria-pressed=text(move || page.brush.does.get().is_some().to_string())
                aria-label="Touch up the removal"
                title="Touch up the removal (P)"
                disabled=no_photo
                on:click=move |_| {
                    page.toggle_brush();
                }
            >
                {Icon::Brush.view()}
            </button>
            <span class="divider" aria-hidden="true"></span>
            <button
                type="button"
                class="quiet"
                data-testid="before-after"
                aria-pressed=move || page.stage.divider.with(Option::is_some).to_string()
                aria-label="Compare before and after"
                title="Compare before and after (B)"
                disabled=no_photo
                on:click=move |_| {
                    page.toggle_divider();
                }
            >
                {Icon::Compare.view()}
                <span class="wide-only">"Compare"</span>
            </button>
            <button
                type="button"
                class="quiet compare"
                data-testid="compare"
                aria-pressed=move || page.stage.comparing.get().to_string()
                aria-label="Hold for original"
                title="Hold to see the original (hold O)"
                disabled=no_photo
                on:pointerdown=move |_| hold()
                on:pointerup=move |_| release()
                on:pointerleave=move |_| release()
                on:pointercancel=move |_| release()
                on:blur=move |_| release()
                on:contextmenu=|event| event.prevent_default()
                on:keydown=move |event| {
                    if matches!(event.key().as_str(), " " | "Enter") {
                        hold();
                    }
                }
                on:keyup=move |_| release()
            >
                {Icon::Eye.view()}
                <span class="wide-only">"Hold for original"</span>
            </button>
            <button
                type="button"
                class="quiet icon-only"
                data-testid="side-by-side"
                aria-pressed=text(move || page.stage.beside.get().to_string())
                aria-label="Original and result side by side"
                title="Original and result side by side (S)"
                disabled=no_photo
                on:click=move |_| {
                    page.toggle_beside();
                }
            >
                {Icon::Beside.view()}
            </button>
            <span class="divider" aria-hidden="true"></span>
            <button
                type="button"
                class="quiet icon-only"
                aria-label="Zoom out"
                title="Zoom out (-)"
                disabled=no_photo
                on:click=move |_| page.zoom(None, 1.0 / 1.4)
            >
                {Icon::Minus.view()}
            </button>
            <button
                type="button"
                class="quiet zoom"
                aria-label=move || format!("{}, fit the photo to the stage", zoom())
                title="Fit the photo (0)"
                disabled=no_photo
                on:click=move |_| page.fit()
            >
                {zoom}
            </button>
            <button
                type="button"
                class="quiet icon-only"
                aria-label="Zoom in"
                title="Zoom in (+)"
                disabled=no_photo
                on:click=move |_| page.zoom(None, 1.4)
            >
                {Icon::Plus.view()}
            </button>
            <p class="file-name">
                {move || {
                    page.open.photo
                        .with(|photo| {
                            photo
                                .as_ref()
                                .map(|photo| {
                                    view! {
                                        <span class="file-stem">{photo.name.clone()}</span>
                                        <span class="file-size">
                                            {photo.size.width} " × " {photo.size.height}
                                        </span>
                                    }
                                })
                        })
                }}
            </p>
        </div>
    }
}
