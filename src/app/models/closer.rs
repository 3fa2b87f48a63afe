//! Models looked at more closely: on the open photo side by side, digit by digit, and each with
//! its matrix, its training's curves and its card.
//!
//! Views are drawn again as a whole. This is cheap here and keeps the code small, because each
//! reactive value of another type, and each closure in a view, adds code of its own.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::charts::{Chart, Series, bars, matrix};
use super::figures::{accuracy, grouped, network_and_size};
use super::side_by_side::{Row, SideBySide, disagreement};
use crate::app::canvas::draw_crop;
use crate::app::icons::Icon;
use crate::app::lean::{text, truth, when};
use crate::app::page::Page;
use crate::app::progress::{milliseconds, progress_bar, stage_of};
use crate::app::reading::percent;
use crate::app::state::engine::EngineState;
use crate::worker::protocol::{ColumnState, ModelInfo};

/// Colours that tell models apart; the next one has the first again.
const COLOURS: usize = 6;

/// The folder of the models, below the page.
const FOLDER: &str = "models/";

/// Which models are looked at, and what there is to see of them.
#[component]
pub fn Closer(page: Page, published: Memo<Vec<ModelInfo>>) -> impl IntoView {
    let several = truth(move || page.models.ticked.with(|ticked| ticked.len() > 1));
    let models = published.get_untracked();
    let ticks = models.iter().enumerate().map(|(i, model)| tick(page, model.name.clone(), i));
    let closers = models.iter().cloned().map(|model| model_closer(page, model)).collect_view();
    view! {
        <section class="closer" aria-label="Look closer">
            <h3>"Look closer"</h3>
            <p class="closer-note">
                "Tick a model to see its confusion matrix, its training and its card; tick several to compare them, also on the open photo."
            </p>
            <div class="ticks" role="group" aria-label="Models to look at">
                {ticks.collect_view()}
            </div>
            <Show when=when(move || several.get())>{side_by_side(page, published)}</Show>
            {move || by_digit(&page.models.ticked.get(), &published.get())}
            {closers}
        </section>
    }
}

/// A model's box to be ticked.
fn tick(page: Page, name: String, number: usize) -> AnyView {
    let ticked = page.models.ticked.with_untracked(|ticked| ticked.contains(&name));
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
            {swatch(number, name)}
        </label>
    }
    .into_any()
}

/// A model's name with its colour.
fn swatch(number: usize, name: String) -> AnyView {
    let class = format!("swatch series-{}", number % COLOURS);
    view! { <span class=class aria-hidden="true"></span> {name} }.into_any()
}

// ---- On the open photo --------------------------------------------------------------------------

/// What several models read in the boxes of the open photo.
fn side_by_side(page: Page, published: Memo<Vec<ModelInfo>>) -> AnyView {
    let obstacle = move || {
        let boxes =
            page.boxes.editor.with(|editor| editor.as_ref().map_or(0, |it| it.boxes().len()));
        match page.engine.state.get() {
            _ if boxes == 0 => {
                Some("Open a photo and draw a box round each digit: the models read them here.")
            }
            EngineState::Starting(_) => Some("The models read as soon as the engine is loaded."),
            EngineState::Failed(_) => Some("The engine is not running, so nothing is read."),
            EngineState::Ready(_) => None,
        }
    };
    // In the order of the list, however they were ticked.
    let names = move || {
        let ticked = page.models.ticked.get();
        let names = published.get().into_iter().map(|model| model.name);
        names.filter(|name| ticked.contains(name)).collect::<Vec<_>>()
    };
    let conclusion = text(move || match obstacle() {
        Some(why) => why.to_owned(),
        None => page
            .models
            .side_by_side
            .with(|table| disagreement(&table.rows(&names())))
            .unwrap_or_default(),
    });
    view! {
        <h4>"On this photo"</h4>
        <p class="disagreement" role="status" data-testid="disagreement">
            {conclusion}
        </p>
        <div class="table-frame" role="group" aria-label="Readings of each box" tabindex="0">
            {move || {
                obstacle().is_none().then(|| page.models.side_by_side.with(|table| comparison(page, table, &names())))
            }}
        </div>
    }
    .into_any()
}

/// The table of boxes and models.
fn comparison(page: Page, table: &SideBySide, names: &[String]) -> AnyView {
    let heads =
        names.iter().map(|name| view! { <th scope="col">{name.clone()}</th> }).collect_view();
    let rows = (1..).zip(table.rows(names)).map(|(i, row)| box_row(page, i, row, names));
    let states = names.iter().map(|name| state_cell(name, table.state(name)));
    view! {
        <table class="compared-boxes" data-testid="compared-boxes">
            <thead>
                <tr>
                    <th scope="col">"Box"</th>
                    {heads}
                    <th scope="col">"They"</th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
            <tfoot>
                <tr>
                    <th scope="row">"Time, CPU"</th>
                    {states.collect_view()}
                    <td></td>
                </tr>
            </tfoot>
        </table>
    }
    .into_any()
}

/// A box in the table, with its part of the photo.
fn box_row(page: Page, number: usize, row: Row, models: &[String]) -> AnyView {
    let crop = NodeRef::<html::Canvas>::new();
    let area = row.area;
    draw_crop(page, crop, Memo::new(move |_| Some(area)));
    let verdict = match row.digits.iter().flatten().count() {
        _ if row.disagree => view! { {Icon::Warning.view()} "differ" }.into_any(),
        0 | 1 => ().into_any(),
        _ => "agree".into_any(),
    };
    let cells = models.iter().zip(row.digits).map(|(model, digit)| {
        let digits = digit.map(|(digit, _)| digit.to_string());
        let shown = digits.clone().unwrap_or_else(|| "–".to_owned());
        view! {
            <td
                data-model=model.clone()
                data-digit=digits
                data-confidence=digit.map(|(_, confidence)| format!("{confidence:.4}"))
            >
                <b>{shown}</b>
                " "
                {digit.map(|(_, confidence)| percent(confidence))}
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
            <td class="agreement">{verdict}</td>
        </tr>
    }
    .into_any()
}

/// How far a model is: what it took, what it waits for, or what is in its way.
fn state_cell(model: &str, state: Option<&ColumnState>) -> AnyView {
    let (name, content) = match state {
        None => ("waiting", "waiting".into_any()),
        Some(ColumnState::Read { milliseconds: time, .. }) => {
            ("read", milliseconds(*time).into_any())
        }
        Some(ColumnState::Loading(progress)) => {
            let label = format!("Loading {model}");
            let bar = progress_bar("compared-progress", label, Some(progress.clone()));
            ("loading", view! { {stage_of(Some(progress))} {bar} }.into_any())
        }
        Some(ColumnState::Failed(why)) => {
            ("failed", view! { {Icon::Warning.view()} {why.clone()} }.into_any())
        }
    };
    view! {
        <td data-testid="compared-state" data-model=model.to_owned() data-state=name>
            {content}
        </td>
    }
    .into_any()
}

// ---- Digit by digit -----------------------------------------------------------------------------

/// Precision and recall of each digit, of all models that are looked at.
fn by_digit(ticked: &[String], published: &[ModelInfo]) -> AnyView {
    let ticked = || published.iter().enumerate().filter(|(_, it)| ticked.contains(&it.name));
    let of = |(i, model): (usize, &ModelInfo)| {
        let scores = model.confusion.as_ref()?.scores();
        Some(Series { model: model.name.clone(), colour: i % COLOURS, scores })
    };
    let all: Vec<Series> = ticked().filter_map(of).collect();
    if all.is_empty() {
        return ().into_any();
    }
    let mut measured_on = ticked().map(|(_, model)| &model.measured_on);
    let first = measured_on.next();
    let note = match measured_on.any(|other| Some(other) != first) {
        true => "These were measured on different digits, so small differences say little.",
        false => "",
    };
    let legend = all.iter().map(|series| {
        view! { <li>{swatch(series.colour, series.model.clone())}</li> }
    });
    view! {
        <h4>"Digit by digit"</h4>
        <ul class="legend">{legend.collect_view()}</ul>
        <p class="closer-note">{note}</p>
        <div class="charts">
            {chart(bars("Precision", &all, |score| score.precision))}
            {chart(bars("Recall", &all, |score| score.recall))}
        </div>
    }
    .into_any()
}

/// A chart. A pointer, a finger (by the mouse events that follow it) or the arrow keys are at one
/// place of it, and a line below says what is there; a table has it all.
fn chart(chart: Chart) -> AnyView {
    const NOWHERE: usize = usize::MAX;
    let Chart { name, grid, shapes, said, head, rows } = chart;
    let at = RwSignal::new(NOWHERE);
    let mark = text(move || {
        let (x, y) = if at.get() == NOWHERE { (-1e3, 0.0) } else { grid.corner(at.get()) };
        format!("translate({x} {y})")
    });
    let line = text(move || match said.get(at.get()) {
        Some(said) => said.clone(),
        None => "Point at a place, or go there by arrow keys.".to_owned(),
    });
    view! {
        <figure class="chart" data-testid="chart" data-name=name.clone()>
            <figcaption>{name.clone()}</figcaption>
            <svg
                viewBox=format!("0 0 {} {}", grid.size.0, grid.size.1)
                // What the arrow keys do here is not the reader's own.
                role="application"
                aria-label=format!("{name}; arrow keys go from place to place")
                tabindex="0"
                on:mousemove=move |event| {
                    let Some(chart) = event.current_target() else { return };
                    let shown = chart.unchecked_ref::<Element>().get_bounding_client_rect();
                    let scale = grid.size.0 / shown.width();
                    let x = scale * (f64::from(event.client_x()) - shown.left());
                    let y = scale * (f64::from(event.client_y()) - shown.top());
                    at.set(grid.place_at(x, y).unwrap_or(NOWHERE));
                }
                on:focus=move |_| {
                    if at.get_untracked() == NOWHERE {
                        at.set(0);
                    }
                }
                on:keydown=move |event| {
                    let from = Some(at.get_untracked()).filter(|at| *at != NOWHERE).unwrap_or(0);
                    if let Some(place) = grid.next(from, &event.key()) {
                        event.prevent_default();
                        at.set(place);
                    }
                }
            >
                <g inner_html=shapes></g>
                <rect class="chart-mark" transform=mark width=grid.cell.0 height=grid.cell.1 />
            </svg>
            <output class="chart-said" data-testid="said">{line}</output>
            <details>
                <summary>"As a table"</summary>
                <div class="table-frame" role="group" aria-label=format!("{name}, as a table") tabindex="0">
                    {table(head, rows)}
                </div>
            </details>
        </figure>
    }
    .into_any()
}

/// A table whose rows begin with their names; it may lack a head.
fn table(head: Vec<String>, rows: Vec<Vec<String>>) -> AnyView {
    let row = |cells: Vec<String>, of_head: bool| {
        let cells = cells.into_iter().enumerate().map(|(i, cell)| match (of_head, i) {
            (true, _) => view! { <th scope="col">{cell}</th> }.into_any(),
            (false, 0) => view! { <th scope="row">{cell}</th> }.into_any(),
            (false, _) => view! { <td>{cell}</td> }.into_any(),
        });
        view! { <tr>{cells.collect_view()}</tr> }.into_any()
    };
    let head = if head.is_empty() { ().into_any() } else { row(head, true) };
    let rows = rows.into_iter().map(|cells| row(cells, false)).collect_view();
    view! { <table><thead>{head}</thead><tbody>{rows}</tbody></table> }.into_any()
}

// ---- One model ----------------------------------------------------------------------------------

/// One model with its figures, its matrix, its curves and its card, while it is ticked.
fn model_closer(page: Page, model: ModelInfo) -> impl IntoView {
    let name = model.name.clone();
    let ticked = Memo::new(move |_| page.models.ticked.with(|ticked| ticked.contains(&name)));
    move || if ticked.get() { closer(&model) } else { ().into_any() }
}

fn closer(model: &ModelInfo) -> AnyView {
    let ModelInfo { name, trained_on, trained_digits, .. } = model;
    let matrix = match &model.confusion {
        Some(confusion) => chart(matrix(name, confusion)),
        None => "No confusion matrix was published for this model.".into_any(),
    };
    view! {
        <article class="closer-model" data-testid="closer" data-model=name.clone() aria-label=name.clone()>
            <h4>{name.clone()}</h4>
            <p>{format!("{}; {}.", network_and_size(model), accuracy(model))}</p>
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
            {card(model)}
        </article>
    }
    .into_any()
}

/// What else a model was published with.
fn card(model: &ModelInfo) -> AnyView {
    let weights = format!("{} bytes", grouped(model.bytes));
    let facts = [("Input", &model.input), ("Weights", &weights), ("SHA-256", &model.sha256)];
    let rows = facts.map(|(name, fact)| vec![name.to_owned(), fact.clone()]).to_vec();
    view! {
        <details class="card" data-testid="card">
            <summary>"Card"</summary>
            {table(Vec::new(), rows)}
            <p>"Trained with"</p>
            <pre tabindex="0" role="group" aria-label="The command it was trained with">
                {model.command.clone()}
            </pre>
        </details>
    }
    .into_any()
}
