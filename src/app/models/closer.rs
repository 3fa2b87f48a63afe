//! Models looked at more closely: on the open photo side by side, digit by digit, and each with
//! its matrix, its training's curves and its card.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use super::card::{Block, blocks};
use super::charts::{Series, bars, matrix};
use super::figures::{accuracy, grouped, network_and_size};
use super::side_by_side::{Row, disagreement};
use crate::app::icons::Icon;
use crate::app::lean::text;
use crate::app::page::{EngineState, Page};
use crate::app::panel::{draw_crop, milliseconds, progress_bar, stage_of};
use crate::app::reading::percent;
use crate::worker::protocol::{ColumnState, ModelInfo};

/// Colours that tell models apart; the next one has the first again.
const COLOURS: usize = 6;

/// The folder of the models, below the page.
const FOLDER: &str = "models/";

/// A model that is looked at, and its colour.
#[derive(Clone, Debug, PartialEq)]
struct Chosen {
    model: ModelInfo,
    colour: usize,
}

/// Which models are looked at, and what there is to see of them.
#[component]
pub fn Closer(page: Page, published: Memo<Vec<ModelInfo>>) -> impl IntoView {
    let chosen = Memo::new(move |_| {
        let ticked = page.ticked.get();
        let models = published.get().into_iter().enumerate();
        models
            .filter(|(_, model)| ticked.contains(&model.name))
            .map(|(i, model)| Chosen { model, colour: i % COLOURS })
            .collect::<Vec<_>>()
    });
    view! {
        <section class="closer" aria-label="Look closer">
            <h3>"Look closer"</h3>
            <p class="closer-note">
                "Tick a model to see what it reads as what, its training and its card; tick several to see them side by side, on the open photo, too."
            </p>
            <div class="ticks" role="group" aria-label="Models to look at">
                {move || {
                    published
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(i, model)| tick(page, model.name, i % COLOURS))
                        .collect_view()
                }}
            </div>
            {move || (chosen.with(Vec::len) > 1).then(|| side_by_side(page, chosen))}
            {move || by_digit(&chosen.get())}
            <div class="closer-models">
                <For each=move || chosen.get() key=|one| one.model.name.clone() let:one>
                    {model_closer(one.model)}
                </For>
            </div>
        </section>
    }
}

/// A model's box to be ticked.
fn tick(page: Page, name: String, colour: usize) -> AnyView {
    let ticked = page.ticked.with_untracked(|ticked| ticked.contains(&name));
    view! {
        <label class="tick">
            <input
                type="checkbox"
                data-testid="tick"
                data-model=name.clone()
                prop:checked=ticked
                on:change={
                    let name = name.clone();
                    move |event: ev::Event| page.tick_model(&name, event_target_checked(&event))
                }
            />
            <span class=format!("swatch series-{colour}") aria-hidden="true"></span>
            {name}
        </label>
    }
    .into_any()
}

// ---- On the open photo --------------------------------------------------------------------------

/// What several models read in the boxes of the open photo.
fn side_by_side(page: Page, chosen: Memo<Vec<Chosen>>) -> AnyView {
    let names = Memo::new(move |_| {
        chosen.with(|all| all.iter().map(|one| one.model.name.clone()).collect::<Vec<_>>())
    });
    let rows = Memo::new(move |_| page.side_by_side.with(|table| names.with(|it| table.rows(it))));
    let obstacle = Memo::new(move |_| {
        let boxes = page.editor.with(|editor| editor.as_ref().map_or(0, |it| it.boxes().len()));
        match page.engine_state.get() {
            _ if boxes == 0 => {
                Some("Open a photo and draw a box round each digit: the models read them here.")
            }
            EngineState::Starting(_) => Some("The models read as soon as the engine is loaded."),
            EngineState::Failed(_) => Some("The engine is not running, so that nothing is read."),
            EngineState::Ready(_) => None,
        }
    });
    let table = move || {
        view! {
            <div class="table-frame" role="region" aria-label="Readings of each box" tabindex="0">
                <table class="side-by-side" data-testid="side-by-side">
                    <thead>
                        <tr>
                            <th scope="col">"Box"</th>
                            {move || {
                                names.get().into_iter().map(|name| view! { <th scope="col">{name}</th> }).collect_view()
                            }}
                            <th scope="col">"They"</th>
                        </tr>
                    </thead>
                    <tbody>
                        {move || {
                            let names = names.get();
                            (1..).zip(rows.get()).map(|(i, row)| box_row(page, i, row, &names)).collect_view()
                        }}
                    </tbody>
                    <tfoot>
                        <tr>
                            <th scope="row">"Time"</th>
                            {move || names.get().into_iter().map(|name| state_cell(page, name)).collect_view()}
                            <td></td>
                        </tr>
                    </tfoot>
                </table>
            </div>
            <p class="closer-note">"Boxes from left to right; all models read on the CPU."</p>
        }
    };
    view! {
        <h4>"On this photo"</h4>
        {move || match obstacle.get() {
            Some(why) => view! { <p class="closer-note">{why}</p> }.into_any(),
            None => table().into_any(),
        }}
        <p class="disagreement" role="status" data-testid="disagreement">
            {text(move || match obstacle.get() {
                None => rows.with(|rows| disagreement(rows)).unwrap_or_default(),
                Some(_) => String::new(),
            })}
        </p>
    }
    .into_any()
}

/// A box in the table, with its part of the photo.
fn box_row(page: Page, number: usize, row: Row, models: &[String]) -> AnyView {
    let crop = NodeRef::<html::Canvas>::new();
    let area = row.area;
    draw_crop(page, crop, Memo::new(move |_| Some(area)));
    let cells = models.iter().zip(row.digits).map(|(model, digit)| {
        let (digit, confidence) = digit.unzip();
        view! {
            <td
                data-model=model.clone()
                data-digit=digit.map(|digit| digit.to_string())
                data-confidence=confidence.map(|it| format!("{it:.4}"))
            >
                {match digit.zip(confidence) {
                    Some((digit, confidence)) => {
                        view! { <b>{digit.to_string()}</b> " " {percent(confidence)} }.into_any()
                    }
                    None => "–".into_any(),
                }}
            </td>
        }
    });
    view! {
        <tr
            class:is-disagreeing=row.disagree
            data-testid="compared-box"
            data-disagree=row.disagree.to_string()
        >
            <th scope="row">
                <canvas node_ref=crop class="crop" aria-hidden="true"></canvas>
                {number.to_string()}
            </th>
            {cells.collect_view()}
            <td class="agreement">
                {row.disagree.then(|| view! { {Icon::Warning.view()} "differ" })}
            </td>
        </tr>
    }
    .into_any()
}

/// How far a model is: what it took, what it waits for, or what is in its way.
fn state_cell(page: Page, model: String) -> AnyView {
    let state = Memo::new({
        let model = model.clone();
        move |_| page.side_by_side.with(|table| table.state(&model).cloned())
    });
    let name = move || match state.get() {
        None => "waiting",
        Some(ColumnState::Loading(_)) => "loading",
        Some(ColumnState::Read { .. }) => "read",
        Some(ColumnState::Failed(_)) => "failed",
    };
    let label = format!("Loading {model}");
    view! {
        <td data-testid="compared-state" data-model=model data-state=name>
            {move || match state.get() {
                None => "waiting".into_any(),
                Some(ColumnState::Read { milliseconds: time, .. }) => milliseconds(time).into_any(),
                Some(ColumnState::Loading(progress)) => {
                    view! {
                        {stage_of(Some(&progress))}
                        {progress_bar("compared-progress", label.clone(), Some(progress))}
                    }
                        .into_any()
                }
                Some(ColumnState::Failed(why)) => {
                    view! { <span class="compared-failure">{Icon::Warning.view()} {why}</span> }.into_any()
                }
            }}
        </td>
    }
    .into_any()
}

// ---- Digit by digit -----------------------------------------------------------------------------

/// Precision and recall of each digit, of all models that are looked at.
fn by_digit(chosen: &[Chosen]) -> AnyView {
    let of = |one: &Chosen| {
        let scores = one.model.confusion.as_ref()?.scores();
        Some(Series { model: one.model.name.clone(), colour: one.colour, scores })
    };
    let all: Vec<Series> = chosen.iter().filter_map(of).collect();
    let Some(first) = chosen.first().filter(|_| !all.is_empty()) else { return ().into_any() };
    let other_digits = chosen.iter().any(|one| one.model.measured_on != first.model.measured_on);
    let legend = all
        .iter()
        .map(|series| {
            view! {
                <li>
                    <span class=format!("swatch series-{}", series.colour) aria-hidden="true"></span>
                    {series.model.clone()}
                </li>
            }
        })
        .collect_view();
    view! {
        <h4>"Digit by digit"</h4>
        <ul class="legend">{legend}</ul>
        {other_digits
            .then(|| {
                view! {
                    <p class="closer-note">
                        "These were measured on different digits, so that small differences say little."
                    </p>
                }
            })}
        <div class="charts">
            {bars("Precision", &all, |score| score.precision)}
            {bars("Recall", &all, |score| score.recall)}
        </div>
    }
    .into_any()
}

// ---- One model ----------------------------------------------------------------------------------

/// One model with its figures, its matrix, its curves and its card.
fn model_closer(model: ModelInfo) -> AnyView {
    let ModelInfo { name, trained_on, trained_digits, .. } = &model;
    let matrix = match &model.confusion {
        Some(confusion) => matrix(name, confusion),
        None => {
            view! { <p class="closer-note">"Its publication does not say what it reads as what."</p> }
                .into_any()
        }
    };
    view! {
        <article class="closer-model" data-testid="closer" data-model=name.clone() aria-label=name.clone()>
            <h4>{name.clone()}</h4>
            <p>{format!("{}; {}.", network_and_size(&model), accuracy(&model))}</p>
            <p class="closer-note">
                {format!("Trained on {} digits: {trained_on}.", grouped(*trained_digits))}
            </p>
            <div class="charts">
                {matrix}
                <figure class="chart">
                    <figcaption>"Training"</figcaption>
                    <img
                        class="curves"
                        src=format!("{FOLDER}{}", model.curves)
                        alt=format!("Loss and accuracy of {name} over the epochs of its training")
                        loading="lazy"
                    />
                </figure>
            </div>
            {card(model.card.clone())}
        </article>
    }
    .into_any()
}

/// A model's card, fetched when it is opened.
fn card(file: String) -> AnyView {
    let content = RwSignal::new(None::<Result<Vec<Block>, String>>);
    let asked = StoredValue::new(false);
    let fetch = move |_| {
        if asked.get_value() && !content.with_untracked(|it| matches!(it, Some(Err(_)))) {
            return;
        }
        asked.set_value(true);
        let url = format!("{FOLDER}{file}");
        leptos::task::spawn_local(async move {
            let card = fetch_text(&url).await.map(|markdown| blocks(&markdown));
            // The dialog may be closed by now.
            let _ = content.try_set(Some(card));
        });
    };
    view! {
        <details class="card" data-testid="card" on:toggle=fetch>
            <summary>"Card"</summary>
            {move || match content.get() {
                None => view! { <p class="closer-note">"Fetching…"</p> }.into_any(),
                Some(Err(why)) => view! { <p role="alert">{why}</p> }.into_any(),
                Some(Ok(blocks)) => blocks.into_iter().map(block).collect_view().into_any(),
            }}
        </details>
    }
    .into_any()
}

async fn fetch_text(url: &str) -> Result<String, String> {
    let unreachable = |_| "The card cannot be fetched; is the network up?".to_owned();
    let response = gloo::net::http::Request::get(url).send().await.map_err(unreachable)?;
    if !response.ok() {
        return Err(format!("{url}: the server answers {}.", response.status()));
    }
    response.text().await.map_err(unreachable)
}

/// A block of a card; all of it is text.
fn block(block: Block) -> AnyView {
    match block {
        Block::Heading(title) => view! { <h5>{title}</h5> }.into_any(),
        Block::Paragraph(text) => view! { <p>{text}</p> }.into_any(),
        Block::List(items) => {
            let items = items.into_iter().map(|item| view! { <li>{item}</li> }).collect_view();
            view! { <ul class="card-list">{items}</ul> }.into_any()
        }
        Block::Verbatim(text) => view! {
            <pre tabindex="0" role="region" aria-label="Text with its own lines">{text}</pre>
        }
        .into_any(),
        Block::Table { head, rows } => {
            let head = (!head.is_empty()).then(|| {
                let cells = head.into_iter().map(|cell| view! { <th scope="col">{cell}</th> });
                view! { <thead><tr>{cells.collect_view()}</tr></thead> }
            });
            let row = |cells: Vec<String>| {
                let cells = cells.into_iter().map(|cell| view! { <td>{cell}</td> }).collect_view();
                view! { <tr>{cells}</tr> }
            };
            let rows = rows.into_iter().map(row).collect_view();
            view! { <table>{head} <tbody>{rows}</tbody></table> }.into_any()
        }
    }
}
