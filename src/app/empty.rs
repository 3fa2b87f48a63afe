//! What the stage shows before there is a photo. `www/index.html` holds the same in plain HTML,
//! so that it is there before the page's wasm is.

use leptos::prelude::*;

use super::browser::choose_file;
use super::icons::Icon;
use super::page::Page;
use super::samples::{self, Sample};

/// One line that says what to do, the button for it, and the samples last: they come later, and
/// nothing may move then.
#[component]
pub fn Empty(page: Page) -> impl IntoView {
    let samples = RwSignal::new(Vec::<Sample>::new());
    leptos::task::spawn_local(async move { samples.set(samples::fetch_samples().await) });
    view! {
        <div class="empty">
            <h2>"Take the house number out of a photo"</h2>
            <p class="empty-lead">"Open a photo, check the boxes, save."</p>
            <p class="empty-actions">
                <button type="button" class="primary" on:click=|_| choose_file()>
                    {Icon::Open.view()}
                    "Choose a photo"
                </button>
                <span class="wide-only">"or drop or paste one"</span>
            </p>
            <Show when=move || !samples.with(Vec::is_empty)>
                <div class="samples">
                    <h3>"Or try one of these:"</h3>
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
        </div>
    }
}
