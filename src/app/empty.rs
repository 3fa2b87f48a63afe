//! What the stage shows before there is a photo. `www/index.html` holds the same in plain HTML,
//! so that it is there before the page's wasm is.

use leptos::prelude::*;

use super::browser::choose_file;
use super::icons::Icon;
use super::page::Page;
use super::samples::{self, Sample};

/// The three steps, the samples, and where the photo goes: nowhere.
#[component]
pub fn Empty(page: Page) -> impl IntoView {
    let samples = RwSignal::new(Vec::<Sample>::new());
    leptos::task::spawn_local(async move { samples.set(samples::fetch_samples().await) });
    view! {
        <div class="empty">
            <h2>"Take the house number out of a photo"</h2>
            <p class="empty-lead">
                "Doorplate reads the digits you mark and fills them in with their surroundings."
            </p>
            <ol class="steps">
                <li>
                    <b>"Open a photo"</b>
                    <span>"Drop it anywhere here, paste it, or choose a file."</span>
                </li>
                <li>
                    <b>"Drag a box round each digit"</b>
                    <span>"Its reading shows in place; the digit goes."</span>
                </li>
                <li>
                    <b>"Save the picture"</b>
                    <span>"A PNG at full resolution; the rest is untouched."</span>
                </li>
            </ol>
            <p class="empty-actions">
                <button type="button" class="primary" on:click=|_| choose_file()>
                    {Icon::Open.view()}
                    "Choose a photo"
                </button>
                <span>"or drop one here, or paste it"</span>
            </p>
            <Show when=move || !samples.with(Vec::is_empty)>
                <div class="samples">
                    <h3>"Or try one of these"</h3>
                    <ul>
                        <For each=move || samples.get() key=|sample| sample.file.clone() let:sample>
                            <li>
                                <button
                                    type="button"
                                    class="sample"
                                    data-testid="sample"
                                    on:click={
                                        let sample = sample.clone();
                                        move |_| samples::open_sample(page, sample.clone())
                                    }
                                >
                                    <img
                                        src=sample.url()
                                        alt=""
                                        width=sample.width
                                        height=sample.height
                                        loading="lazy"
                                    />
                                    <span>{sample.title.clone()}</span>
                                </button>
                            </li>
                        </For>
                    </ul>
                </div>
            </Show>
            <p class="empty-private">
                {Icon::Lock.view()}
                "The photo never leaves this machine: reading and removing run in your browser."
            </p>
        </div>
    }
}
