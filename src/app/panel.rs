//! The side panel: the house numbers, their boxes one by one, saving, and the engine.

use leptos::html;
use leptos::prelude::*;

use super::canvas::context_in_memory;
use super::editor::{BoxId, Editor};
use super::house_number::{HouseNumber, texts};
use super::icons::Icon;
use super::inside::parameters::title;
use super::later::later;
use super::lean::{text, truth, when};
use super::marks;
use super::models::figures::{accuracy, megabytes, network_and_size};
use super::page::{EngineState, Page};
use super::photos::SaveArea;
use super::reading::{Sureness, percent, shown_reading};
use super::second_look::verdict;
use crate::classifier::UNSURE_BELOW;
use crate::photo::BoxInPhoto;
use crate::worker::protocol::{DeviceInfo, DeviceKind, EngineInfo, Method, Progress};

/// A line of the list.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Line {
    /// The heading of the house number with these boxes.
    Number(Vec<BoxId>),
    /// One of its boxes.
    Digit(BoxId),
}

/// All lines: each number's heading, then its boxes.
fn lines_of(numbers: &[HouseNumber]) -> Vec<Line> {
    let of = |ids: Vec<BoxId>| {
        let digits: Vec<Line> = ids.iter().map(|id| Line::Digit(*id)).collect();
        std::iter::once(Line::Number(ids)).chain(digits)
    };
    numbers.iter().flat_map(|number| of(number.ids())).collect()
}

/// The side panel.
#[component]
pub fn Panel(page: Page) -> impl IntoView {
    // While a box is dragged past others, its number would change with every move, and the list with
    // it.
    let adjusting = Memo::new(move |_| page.is_adjusting());
    let numbers = Memo::new(move |before: Option<&Vec<HouseNumber>>| match before {
        Some(before) if adjusting.get() => before.clone(),
        _ => page.house_numbers(),
    });
    let lines = Memo::new(move |_| numbers.with(|numbers| lines_of(numbers)));
    view! {
        <aside class="panel" aria-label="Readings">
            <Plate numbers=numbers />
            <section class="rows" aria-label="House numbers and their digits">
                <Show
                    when=move || !lines.with(Vec::is_empty)
                    fallback=|| {
                        view! {
                            <p class="rows-empty">
                                "Each box shows here with its reading, the runners-up, and a switch that says whether the digit is taken out."
                            </p>
                        }
                    }
                >
                    <ul>
                        <For each=move || lines.get() key=Line::clone let:line>
                            {match line {
                                Line::Number(ids) => {
                                    view! { <Heading page=page numbers=numbers ids=ids /> }.into_any()
                                }
                                Line::Digit(id) => view! { <Row page=page id=id /> }.into_any(),
                            }}
                        </For>
                    </ul>
                </Show>
                <Growth page=page />
                <Checked page=page />
            </section>
            <Looking page=page />
            <SaveArea page=page />
            <EngineCard page=page />
        </aside>
    }
}

/// The house numbers as a plate.
#[component]
fn Plate(numbers: Memo<Vec<HouseNumber>>) -> impl IntoView {
    let count =
        move || numbers.with(|numbers| numbers.iter().map(|n| n.digits.len()).sum::<usize>());
    let unsure = move || {
        let low = |best: &Option<(u8, f32)>| {
            best.is_some_and(|(_, sure)| Sureness::of_confidence(sure) == Sureness::Low)
        };
        let of = |number: &HouseNumber| number.digits.iter().filter(|(_, best)| low(best)).count();
        numbers.with(|numbers| numbers.iter().map(of).sum::<usize>())
    };
    view! {
        <section class="number">
            <h2>
                {text(move || {
                    let several = numbers.with(Vec::len) > 1;
                    if several { "House numbers" } else { "House number" }.to_owned()
                })}
            </h2>
            <div
                class="plate"
                class:is-empty=move || count() == 0
                class:is-longest=move || { count() > 16 }
                class:is-long=move || { (6..=16).contains(&count()) }
            >
                <output
                    data-testid="house-number"
                    data-number=text(move || numbers.with(|numbers| texts(numbers, " ")))
                >
                    {move || {
                        let numbers = numbers.get();
                        if numbers.is_empty() {
                            return view! { <span class="plate-none">"no boxes yet"</span> }.into_any();
                        }
                        numbers
                            .into_iter()
                            .map(|number| {
                                let digits = number.digits.into_iter().map(|(_, best)| digit(best));
                                view! { <span class="plate-number">{digits.collect_view()}</span> }
                            })
                            .collect_view()
                            .into_any()
                    }}
                </output>
            </div>
            <p class="number-note">
                {text(move || match unsure() {
                    0 => "In the order in which they are read.".to_owned(),
                    count => {
                        let below = percent(UNSURE_BELOW);
                        let boxes = if count == 1 { "box is" } else { "boxes are" };
                        format!("{count} {boxes} unsure, below {below}: another digit, or none.")
                    }
                })}
            </p>
        </section>
    }
}

/// A digit on the plate.
fn digit(best: Option<(u8, f32)>) -> AnyView {
    match best {
        Some((digit, sure)) => {
            let low = Sureness::of_confidence(sure) == Sureness::Low;
            view! { <span class:is-unsure=low>{digit.to_string()}</span> }.into_any()
        }
        None => view! { <span class="is-unread">"–"</span> }.into_any(),
    }
}

/// A house number in the list, above its boxes.
#[component]
fn Heading(page: Page, numbers: Memo<Vec<HouseNumber>>, ids: Vec<BoxId>) -> impl IntoView {
    let first = ids.first().copied();
    // By its first box: a number whose boxes change gets another heading.
    let of = move |part: fn(&HouseNumber) -> String| {
        text(move || {
            numbers.with(|numbers| {
                let own = |number: &&HouseNumber| number.digits.first().map(|(id, _)| *id) == first;
                numbers.iter().find(own).map(part).unwrap_or_default()
            })
        })
    };
    let number = of(HouseNumber::text);
    let ids = StoredValue::new(ids);
    let removed = Memo::new(move |_| {
        let removes = |editor: &Editor, id: &BoxId| editor.get(*id).is_some_and(|b| b.remove);
        page.editor.with(|editor| {
            let count = |editor: &Editor| {
                ids.with_value(|ids| ids.iter().filter(|id| removes(editor, id)).count())
            };
            editor.as_ref().map_or(0, count)
        })
    });
    view! {
        <li class="number-head" data-testid="number" data-number=number>
            <h3>
                <button
                    type="button"
                    class="quiet number-pick"
                    title="Select the boxes of this house number"
                    on:click=move |_| ids.with_value(|ids| page.select_several(ids))
                >
                    <span class="visually-hidden">"Select house number "</span>
                    <b>{number}</b>
                    " "
                    <span class="number-sure">
                        {of(|number| number.confidence().map(percent).unwrap_or_default())}
                    </span>
                </button>
            </h3>
            <button
                type="button"
                class="switch"
                role="switch"
                data-testid="number-remove"
                aria-checked=text(move || (removed.get() > 0).to_string())
                aria-label=text(move || format!("Remove house number {}", number.get()))
                title="Remove all digits of this house number"
                on:click=move |_| ids.with_value(|ids| page.toggle_remove(ids))
            >
                <span class="switch-track" aria-hidden="true"><span></span></span>
                <span class="switch-word" aria-hidden="true">
                    {text(move || {
                        match removed.get() {
                            0 => "keep",
                            count if count < ids.with_value(Vec::len) => "some",
                            _ => "remove",
                        }
                        .to_owned()
                    })}
                </span>
            </button>
        </li>
    }
}

/// One box in the list.
#[component]
fn Row(page: Page, id: BoxId) -> impl IntoView {
    let this = Memo::new(move |_| page.editor.with(|editor| editor.as_ref()?.get(id).copied()));
    let area = Memo::new(move |_| this.get().map(|b| b.area));
    let removes = move || this.get().is_some_and(|b| b.remove);
    let selected = move || {
        page.editor.with(|editor| editor.as_ref().is_some_and(|editor| editor.is_selected(id)))
    };
    let crop = NodeRef::<html::Canvas>::new();
    draw_crop(page, crop, area);
    let reading = shown_reading(page, move || area.get());
    let label = move || this.get().and_then(|b| b.label);
    let low = move || label().is_none() && Sureness::of(reading.get().as_ref()) == Sureness::Low;
    let best = move || reading.get().map(|shown| shown.reading.whole());
    let ranks = move || reading.get().map_or_else(Vec::new, |shown| shown.ranks());
    let several = move || reading.get().is_some_and(|shown| shown.reading.digits.len() > 1);
    view! {
        <li
            class="row"
            class:is-selected=truth(selected)
            class:is-unsure=truth(low)
            class:is-stale=truth(move || reading.get().is_some_and(|shown| !shown.fresh))
        >
            <input
                id=label_id(id)
                class="row-digit"
                class:is-number=truth(move || label().is_none() && several())
                class:is-set=truth(move || label().is_some())
                type="text"
                inputmode="numeric"
                autocomplete="off"
                maxlength="2"
                placeholder=text(move || {
                    best().map_or("–".to_owned(), |(digit, _)| digit.to_string())
                })
                data-testid="label"
                aria-label=format!("Digit of box {id}, if it is read wrong")
                title="Type the digit if it is read wrong (E); empty: as read"
                prop:value=text(move || label().map_or_else(String::new, |digit| digit.to_string()))
                on:input=move |event| {
                    // The digit typed last counts, so that a wrong one is typed over.
                    let text = event_target_value(&event);
                    let digit = text.chars().filter_map(|c| c.to_digit(10)).next_back();
                    let digit = digit.map(|digit| digit as u8);
                    page.edit(|editor| editor.set_label(id, digit));
                    let shown = digit.map_or_else(String::new, |digit| digit.to_string());
                    event_target::<web_sys::HtmlInputElement>(&event).set_value(&shown);
                }
                on:keydown=move |event| {
                    if matches!(event.key().as_str(), "Enter" | "Escape") {
                        page.select(Some(id));
                        page.focus_wish.set(Some(id));
                    }
                }
            />
            <button
                type="button"
                class="row-pick"
                on:click=move |_| page.pick(id)
            >
                <span class="visually-hidden">{format!("Select box {id}, reads ")}</span>
                <canvas node_ref=crop class="crop" aria-hidden="true"></canvas>
                <span class="row-facts">
                    <span class="ranks">
                        {move || {
                            ranks()
                                .into_iter()
                                .map(|(digit, confidence)| {
                                    view! {
                                        <span class="rank">
                                            <b>{digit.to_string()}</b>
                                            " "
                                            {percent(confidence)}
                                            <span class="bar" aria-hidden="true">
                                                <span style:width=format!("{:.0}%", confidence * 100.0)></span>
                                            </span>
                                        </span>
                                    }
                                })
                                .collect_view()
                        }}
                        <Show when=when(move || reading.get().is_none())>
                            <span class="rank is-waiting">"not read yet"</span>
                        </Show>
                    </span>
                    <span class="row-size">
                        {text(move || {
                            let size = |area: BoxInPhoto| format!("{} × {} px", area.width, area.height);
                            area.get().map(size).unwrap_or_default()
                        })}
                        <Show when=when(low)>
                            <span class="unsure-note">{Icon::Warning.view()} "unsure"</span>
                        </Show>
                    </span>
                </span>
            </button>
            <button
                type="button"
                class="switch"
                role="switch"
                aria-checked=text(move || removes().to_string())
                aria-label=format!("Remove the digit of box {id}")
                title="Remove this digit from the photo"
                on:click=move |_| page.toggle_remove(&[id])
            >
                <span class="switch-track" aria-hidden="true"><span></span></span>
                <span class="switch-word" aria-hidden="true">
                    {text(move || if removes() { "remove" } else { "keep" }.to_owned())}
                </span>
            </button>
            <button
                type="button"
                class="quiet icon-only"
                aria-label=format!("Delete box {id}")
                title="Delete this box"
                on:click=move |_| {
                    page.edit(|editor| editor.delete(id));
                }
            >
                {Icon::Trash.view()}
            </button>
        </li>
    }
}

/// The element in which a box's digit is corrected.
pub fn label_id(id: BoxId) -> String {
    format!("label-{id}")
}

/// The box's part of the original photo, so that a reading can be checked after the removal.
pub fn draw_crop(page: Page, canvas: NodeRef<html::Canvas>, area: Memo<Option<BoxInPhoto>>) {
    /// The crop's sides on the canvas; twice the CSS size, for sharp screens.
    const SIDES: (f64, f64) = (72.0, 96.0);
    Effect::new(move |_| {
        let (Some(canvas), Some(area)) = (canvas.get(), area.get()) else { return };
        canvas.set_width(SIDES.0 as u32);
        canvas.set_height(SIDES.1 as u32);
        let (width, height) = (f64::from(area.width), f64::from(area.height));
        let scale = (SIDES.0 / width).min(SIDES.1 / height);
        let (shown_width, shown_height) = (width * scale, height * scale);
        page.picture.with(|picture| {
            let (Some(picture), Ok(Some(context))) = (picture, context_in_memory(&canvas)) else {
                return;
            };
            // A crop that cannot be drawn leaves its place empty; the box itself is on the stage.
            let _ = context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
                picture,
                f64::from(area.left),
                f64::from(area.top),
                width,
                height,
                (SIDES.0 - shown_width) / 2.0,
                (SIDES.1 - shown_height) / 2.0,
                shown_width,
                shown_height,
            );
        });
    });
}

/// By how many percent of their height boxes are grown at most, as far as the slider goes.
const MAX_GROWTH: u32 = 50;

/// How far boxes are grown before their digits are removed.
#[component]
fn Growth(page: Page) -> impl IntoView {
    let growth = Memo::new(move |_| {
        page.editor.with(|editor| {
            let editor = editor.as_ref().filter(|editor| !editor.boxes().is_empty())?;
            Some(editor.work().growth)
        })
    });
    let percent = text(move || growth.get().unwrap_or_default().to_string());
    view! {
        <label
            class="growth"
            class:is-hidden=truth(move || growth.get().is_none())
            title="Digits are removed from their boxes and so far beyond, in percent of a box's height; the fine line shows it"
        >
            <span>"Grow boxes"</span>
            <input
                type="range"
                data-testid="growth"
                min="0"
                max=MAX_GROWTH.to_string()
                prop:value=percent
                on:input=move |event| {
                    let input: web_sys::HtmlInputElement = event_target(&event);
                    if let Ok(percent) = input.value().parse() {
                        page.edit(|editor| editor.set_growth(percent, event.time_stamp()));
                    }
                }
            />
            <output>{percent} " %"</output>
        </label>
    }
}

/// What the second look at the removal came to.
#[component]
fn Checked(page: Page) -> impl IntoView {
    let verdict = text(move || {
        let removed = page.editor.with(|editor| {
            let boxes = editor.as_ref().map(Editor::boxes).unwrap_or_default();
            boxes.iter().filter(|b| b.remove).count()
        });
        page.checks.with(|checks| verdict(checks, removed))
    });
    let left =
        truth(move || page.checks.with(|checks| checks.values().any(|check| !check.passes())));
    view! {
        <p class="checked" role="status" data-testid="checked">
            {verdict}
        </p>
        {later(page, left, Callback::new(|()| ()), || Box::pin(marks::warnings()))}
    }
}

/// The way into the inspector, and how digits are taken out where that is not Doorplate's own way.
#[component]
fn Looking(page: Page) -> impl IntoView {
    let nothing_to_see = move || {
        page.editor.with(|editor| editor.as_ref().is_none_or(|editor| editor.boxes().is_empty()))
            || page.engine_state.with(|state| matches!(state, EngineState::Failed(_)))
    };
    let other_way = Memo::new(move |_| {
        page.method.with(|method| (*method != Method::default()).then(|| title(method)))
    });
    view! {
        <section class="looking" aria-label="Look inside">
            <button
                type="button"
                class="wide"
                data-testid="inspect"
                aria-haspopup="dialog"
                disabled=nothing_to_see
                title="What the network sees, and the removal step by step (I)"
                on:click=move |_| page.inspect()
            >
                {Icon::Eye.view()}
                "See inside"
            </button>
            {move || {
                other_way
                    .get()
                    .map(|way| {
                        view! {
                            <p class="other-way">
                                <span>{format!("Taken out by: {way}, or with other settings.")}</span>
                                <button
                                    type="button"
                                    class="quiet"
                                    on:click=move |_| {
                                        page.change_method(|method| *method = Method::default());
                                    }
                                >
                                    "Reset"
                                </button>
                            </p>
                        }
                    })
            }}
        </section>
    }
}

#[component]
fn EngineCard(page: Page) -> impl IntoView {
    let state = page.engine_state;
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
                        {text(move || headline(&state.get(), page.timing.get().device.as_ref()))}
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
                    page.timing.get().read.map(|(_, time)| format!("{time:.3}"))
                }
            >
                {move || {
                    let timing = page.timing.get();
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

/// The way to the other models, which one is on its way, and why the last one chosen is not in
/// use. Nothing to choose where there is only one, whose facts the lines above give.
#[component]
fn ModelChoice(page: Page) -> impl IntoView {
    let count = Memo::new(move |_| page.models.with(|models| models.published().len()));
    let several = Memo::new(move |_| count.get() > 1);
    view! {
        <Show when=move || several.get()>
            <button
                type="button"
                data-testid="choose-model"
                aria-haspopup="dialog"
                on:click=move |_| page.open_models()
            >
                {move || format!("Choose or compare {} models", count.get())}
            </button>
        </Show>
        {move || {
            page.models
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
            page.models
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

/// How far the loading of a model is, as a bar.
pub fn progress_bar(test_id: &'static str, label: String, progress: Option<Progress>) -> AnyView {
    match progress {
        Some(Progress::Weights { received, total }) if total > 0 => view! {
            <progress
                data-testid=test_id
                aria-label=label
                max=total.to_string()
                value=received.min(total).to_string()
            ></progress>
        }
        .into_any(),
        _ => view! { <progress data-testid=test_id aria-label=label></progress> }.into_any(),
    }
}

/// How far the loading of a model is.
pub fn stage_of(progress: Option<&Progress>) -> String {
    match progress {
        None | Some(Progress::Manifest) => "Looking up the weights…".to_owned(),
        Some(Progress::Weights { received, total }) => {
            format!("Loading the weights: {} of {}", megabytes(*received), megabytes(*total))
        }
        Some(Progress::Proving) => "Checking the device's arithmetic…".to_owned(),
    }
}

fn headline(state: &EngineState, last: Option<&DeviceInfo>) -> String {
    match state {
        EngineState::Starting(None) => "Loading the engine…".to_owned(),
        EngineState::Starting(progress) => stage_of(progress.as_ref()),
        // The device of the last answer, as the CPU takes over where a GPU is lost.
        EngineState::Ready(info) => match last.unwrap_or(&info.device) {
            DeviceInfo { kind: DeviceKind::WebGpu, name } => format!("Runs on WebGPU: {name}"),
            DeviceInfo { kind: DeviceKind::Cpu, .. } => "Runs on the CPU".to_owned(),
        },
        EngineState::Failed(_) => "The engine is not running".to_owned(),
    }
}

fn detail(state: &EngineState) -> String {
    match state {
        EngineState::Starting(_) => "You can open a photo and draw boxes meanwhile.".to_owned(),
        EngineState::Ready(EngineInfo { model, .. }) => {
            format!("{} ({}) {}.", model.name, network_and_size(model), accuracy(model))
        }
        EngineState::Failed(reason) => reason.clone(),
    }
}

/// A time in milliseconds, for people.
pub fn milliseconds(time: f64) -> String {
    if time < 1.0 {
        "under 1 ms".to_owned()
    } else if time < 1000.0 {
        format!("{time:.0} ms")
    } else {
        format!("{:.1} s", time / 1000.0)
    }
}
