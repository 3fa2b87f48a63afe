//! The side panel: the house numbers, their boxes one by one, saving, and the engine.

mod engine;
mod rows;

use leptos::prelude::*;

use self::engine::EngineCard;
use self::rows::{Heading, Row};
use super::editor::{BoxId, Editor};
use super::house_number::{HouseNumber, texts};
use super::icons::Icon;
use super::inside::parameters::title;
use super::later::later;
use super::lean::{text, truth};
use super::marks;
use super::messages::MessageLines;
use super::page::Page;
use super::photos::saving::{SaveArea, SaveBar};
use super::reading::{Sureness, percent};
use super::second_look::verdict;
use super::state::engine::EngineState;
use crate::classifier::UNSURE_BELOW;
use crate::removal::Method;

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
    let adjusting = Memo::new(move |_| page.boxes.is_adjusting());
    let numbers = Memo::new(move |before: Option<&Vec<HouseNumber>>| match before {
        Some(before) if adjusting.get() => before.clone(),
        _ => page.boxes.house_numbers(),
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
                                "Each box shows here with its reading and a switch that removes or keeps the digit."
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
            <section class="save" aria-label="Save">
                <MessageLines page=page />
                <SaveBar page=page />
            </section>
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
                    0 => "In reading order.".to_owned(),
                    count => {
                        let below = percent(UNSURE_BELOW);
                        let boxes = if count == 1 { "box is" } else { "boxes are" };
                        format!("{count} {boxes} unsure, below {below}. Check them.")
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

/// By how many percent of their height boxes are grown at most, as far as the slider goes.
const MAX_GROWTH: u32 = 50;

/// How far boxes are grown before their digits are removed.
#[component]
fn Growth(page: Page) -> impl IntoView {
    let growth = Memo::new(move |_| {
        page.boxes.editor.with(|editor| {
            let editor = editor.as_ref().filter(|editor| !editor.boxes().is_empty())?;
            Some(editor.work().growth)
        })
    });
    let percent = text(move || growth.get().unwrap_or_default().to_string());
    view! {
        <label
            class="growth"
            class:is-hidden=truth(move || growth.get().is_none())
            title="How far beyond its box a digit is removed, in percent of the box's height"
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
        let removed = page.boxes.editor.with(|editor| {
            let boxes = editor.as_ref().map(Editor::boxes).unwrap_or_default();
            boxes.iter().filter(|b| b.remove).count()
        });
        page.removal.checks.with(|checks| verdict(checks, removed))
    });
    let left = truth(move || {
        page.removal.checks.with(|checks| checks.values().any(|check| !check.passes()))
    });
    view! {
        <p class="checked" role="status" data-testid="checked">
            {verdict}
        </p>
        {later(page, left, Callback::new(|()| ()), || Box::pin(marks::warnings()))}
    }
}

/// The button of the inspector, and the removal method if it is not Doorplate's own.
#[component]
fn Looking(page: Page) -> impl IntoView {
    let nothing_to_see = move || {
        page.boxes
            .editor
            .with(|editor| editor.as_ref().is_none_or(|editor| editor.boxes().is_empty()))
            || page.engine.state.with(|state| matches!(state, EngineState::Failed(_)))
    };
    let other_way = Memo::new(move |_| {
        page.removal.method.with(|method| (*method != Method::default()).then(|| title(method)))
    });
    view! {
        <section class="looking" aria-label="Look inside">
            <button
                type="button"
                class="wide"
                data-testid="inspect"
                aria-haspopup="dialog"
                disabled=nothing_to_see
                title="See what the network sees, and the removal step by step (I)"
                on:click=move |_| page.inspect()
            >
                {Icon::Look.view()}
                "See inside"
            </button>
            {move || {
                other_way
                    .get()
                    .map(|way| {
                        view! {
                            <p class="other-way">
                                <span>{format!("Removal: {way}, changed.")}</span>
                                <button
                                    type="button"
                                    class="quiet"
                                    on:click=move |_| {
                                        page.change_method(|method| *method = Method::default());
                                    }
                                >
                                    "Reset to default"
                                </button>
                            </p>
                        }
                    })
            }}
        </section>
    }
}
