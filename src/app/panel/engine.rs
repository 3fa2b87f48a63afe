//! The panel's part about the engine and its models.

use leptos::prelude::*;

use crate::app::icons::Icon;
use crate::app::lean::{text, truth, when};
use crate::app::page::Page;
use crate::app::progress::{milliseconds, progress_bar, stage_of};
use crate::app::state::engine::EngineState;
use crate::worker::protocol::{DeviceInfo, DeviceKind, EngineInfo};

/// Which engine runs, how long it took, and the button of its models.
#[component]
pub fn EngineCard(page: Page) -> impl IntoView {
    let state = page.engine.state;
    let failed = move || matches!(state.get(), EngineState::Failed(_));
    view! {
        <section class="engine" aria-label="Engine">
            <div
                class="engine-status"
                class:is-ready=truth(move || matches!(state.get(), EngineState::Ready(_)))
                class:is-failed=truth(failed)
                data-testid="engine-status"
                role="status"
            >
                <span class="lamp" aria-hidden="true"></span>
                <div>
                    <p class="engine-line">
                        {text(move || headline(&state.get(), page.engine.timing.get().device.as_ref()))}
                    </p>
                    <p class="engine-detail">{text(move || detail(&state.get()))}</p>
                </div>
            </div>
            {move || match state.get() {
                EngineState::Starting(progress) => {
                    Some(progress_bar("progress", "Loading the engine".to_owned(), progress))
                }
                _ => None,
            }}
            <Show when=when(failed)>
                <button type="button" class="wide" data-testid="retry" on:click=move |_| page.try_again()>
                    "Try again"
                </button>
            </Show>
            <ModelChoice page=page />
            <p
                class="timing"
                data-testid="timing"
                data-read-milliseconds=move || {
                    page.engine.timing.get().read.map(|(_, time)| format!("{time:.3}"))
                }
            >
                {move || {
                    let timing = page.engine.timing.get();
                    let read = timing
                        .read
                        .map(|(count, time)| {
                            let noun = if count == 1 { "digit" } else { "digits" };
                            format!("read {count} {noun} in {}", milliseconds(time))
                        });
                    let erased = timing
                        .erased
                        .map(|time| format!("removed in {}", milliseconds(time)));
                    [read, erased].into_iter().flatten().collect::<Vec<_>>().join(" · ")
                }}
            </p>
        </section>
    }
}

/// The button of the models and their figures, which one is being loaded, and why the last one
/// chosen is not in use.
#[component]
fn ModelChoice(page: Page) -> impl IntoView {
    let count = Memo::new(move |_| page.models.known.with(|models| models.published().len()));
    view! {
        <Show when=when(move || count.get() > 0)>
            <button
                type="button"
                data-testid="choose-model"
                aria-haspopup="dialog"
                on:click=move |_| page.open_models()
            >
                {text(move || match count.get() {
                    1 => "About the model".to_owned(),
                    count => format!("Compare {count} models"),
                })}
            </button>
        </Show>
        {move || {
            page.models.known
                .with(|models| models.switch().cloned())
                .map(|switch| {
                    view! {
                        <div class="model-switch">
                            <p>
                                {format!("{}: {}", switch.name, stage_of(switch.progress.as_ref()))}
                            </p>
                            {progress_bar(
                                "model-progress",
                                format!("Loading {}", switch.name),
                                switch.progress,
                            )}
                        </div>
                    }
                })
        }}
        {move || {
            page.models.known
                .with(|models| models.failure().map(str::to_owned))
                .map(|why| {
                    view! {
                        <p class="model-failure" role="alert" data-testid="model-failure">
                            {Icon::Warning.view()}
                            <span>{why}</span>
                        </p>
                    }
                })
        }}
    }
}

fn headline(state: &EngineState, last: Option<&DeviceInfo>) -> String {
    match state {
        EngineState::Starting(None) => "Loading the engine…".to_owned(),
        EngineState::Starting(progress) => stage_of(progress.as_ref()),
        // The device of the last answer, as the CPU takes over where a GPU is lost.
        EngineState::Ready(info) => match last.unwrap_or(&info.device) {
            DeviceInfo { kind: DeviceKind::WebGpu, name } => format!("Using WebGPU: {name}"),
            DeviceInfo { kind: DeviceKind::Cpu, name } => format!("Using the {name}"),
        },
        EngineState::Failed(_) => "The engine stopped".to_owned(),
    }
}

fn detail(state: &EngineState) -> String {
    match state {
        EngineState::Starting(_) => "You can open a photo and draw boxes now.".to_owned(),
        EngineState::Ready(EngineInfo { model, .. }) => {
            format!("{}, {:.0}\u{a0}% accurate", model.name, 100.0 * model.accuracy)
        }
        EngineState::Failed(reason) => reason.clone(),
    }
}
