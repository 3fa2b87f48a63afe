//! The lines that say something to the user.

use leptos::prelude::*;

use super::icons::Icon;
use super::offline::UpdateLine;
use super::page::Page;
use super::photos::keeping::Restored;
use super::state::messages::Tone;

/// The lines above the buttons that save: beside the stage or below it, never over it.
#[component]
pub fn MessageLines(page: Page) -> impl IntoView {
    let messages = page.messages;
    view! {
        <div class="messages" role="status" aria-live="polite">
            <For each=move || messages.shown.get() key=|message| message.id let:message>
                <div
                    class="message"
                    class:is-error=message.tone == Tone::Error
                    class:is-done=message.tone == Tone::Done
                    data-testid="message"
                >
                    {match message.tone {
                        Tone::Done => Icon::Check,
                        Tone::Notice => Icon::Info,
                        Tone::Error => Icon::Warning,
                    }
                        .view()}
                    <p>{message.text}</p>
                    <button
                        type="button"
                        class="quiet icon-only"
                        aria-label="Close this message"
                        on:click=move |_| messages.close(message.id)
                    >
                        {Icon::Close.view()}
                    </button>
                </div>
            </For>
            <Restored page=page />
            <UpdateLine page=page />
        </div>
    }
}
