//! Charts of what models were measured to read, drawn as SVG. A pointer, a finger or the arrow keys
//! are at one place of a chart at a time, and a line below says what is there; a table has it all.

use std::sync::Arc;

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::figures::{density, read_as, samples, share_or_none};
use crate::app::lean::text;
use crate::evaluation::{Confusion, DigitScore};

/// A place in a chart: column and row, from 0.
type Place = (usize, usize);

/// Where a chart's places lie in it.
#[derive(Clone, Copy)]
struct Grid {
    /// The chart's width and height, in its own units.
    size: (f64, f64),
    /// The first place's left and top.
    origin: (f64, f64),
    /// A place's width and height.
    cell: (f64, f64),
    /// Columns and rows.
    count: Place,
}

impl Grid {
    fn left(&self, column: usize) -> f64 {
        self.origin.0 + self.cell.0 * column as f64
    }

    fn top(&self, row: usize) -> f64 {
        self.origin.1 + self.cell.1 * row as f64
    }

    /// The place under a pointer over the chart's element.
    fn under(&self, event: &ev::PointerEvent) -> Option<Place> {
        let chart: Element = event.current_target()?.dyn_into().ok()?;
        let shown = chart.get_bounding_client_rect();
        let scale = self.size.0 / shown.width();
        let at = |shown: f64, origin: f64, cell: f64, count: usize| {
            let place = ((shown * scale - origin) / cell).floor();
            (0.0..count as f64).contains(&place).then_some(place as usize)
        };
        let x = f64::from(event.client_x()) - shown.left();
        let y = f64::from(event.client_y()) - shown.top();
        Some((
            at(x, self.origin.0, self.cell.0, self.count.0)?,
            at(y, self.origin.1, self.cell.1, self.count.1)?,
        ))
    }

    /// The place that an arrow key leads to.
    fn next(&self, (column, row): Place, key: &str) -> Option<Place> {
        let (columns, rows) = self.count;
        Some(match key {
            "ArrowLeft" => (column.saturating_sub(1), row),
            "ArrowRight" => ((column + 1).min(columns - 1), row),
            "ArrowUp" => (column, row.saturating_sub(1)),
            "ArrowDown" => (column, (row + 1).min(rows - 1)),
            _ => return None,
        })
    }
}

/// A chart of these shapes, the line that says what is at a place, and the table of all.
fn chart(
    name: String,
    grid: Grid,
    shapes: AnyView,
    say: Arc<dyn Fn(Place) -> String + Send + Sync>,
    table: AnyView,
) -> AnyView {
    let at = RwSignal::new(None::<Place>);
    let point = move |event: ev::PointerEvent| at.set(grid.under(&event));
    view! {
        <figure class="chart" data-testid="chart" data-name=name.clone()>
            <figcaption>{name.clone()}</figcaption>
            <svg
                viewBox=format!("0 0 {} {}", grid.size.0, grid.size.1)
                // What the arrow keys do here is not the reader's own.
                role="application"
                aria-label=format!("{name}; arrow keys go from place to place")
                tabindex="0"
                on:pointermove=point
                on:pointerdown=point
                on:pointerleave=move |event| {
                    // A finger leaves when it is lifted, and is done pointing then, not reading.
                    if event.pointer_type() == "mouse" {
                        at.set(None);
                    }
                }
                on:focus=move |_| {
                    if at.get_untracked().is_none() {
                        at.set(Some((0, 0)));
                    }
                }
                on:blur=move |_| at.set(None)
                on:keydown=move |event| {
                    let from = at.get_untracked().unwrap_or_default();
                    if let Some(place) = grid.next(from, &event.key()) {
                        event.prevent_default();
                        at.set(Some(place));
                    }
                }
            >
                {shapes}
                {move || {
                    at.get()
                        .map(|(column, row)| {
                            view! {
                                <rect
                                    class="chart-mark"
                                    x=grid.left(column)
                                    y=grid.top(row)
                                    width=grid.cell.0
                                    height=grid.cell.1
                                />
                            }
                        })
                }}
            </svg>
            <output class="chart-said" data-testid="said">
                {text(move || match at.get() {
                    Some(place) => say(place),
                    None => "Point at a place, or go there by arrow keys.".to_owned(),
                })}
            </output>
            <details>
                <summary>"As a table"</summary>
                <div class="table-frame">{table}</div>
            </details>
        </figure>
    }
    .into_any()
}

fn label(class: &'static str, x: f64, y: f64, text: String) -> AnyView {
    view! { <text class=class x=x y=y>{text}</text> }.into_any()
}

fn header_cells(names: impl Iterator<Item = String>) -> AnyView {
    names.map(|name| view! { <th scope="col">{name}</th> }).collect_view().into_any()
}

/// A row of a table with its name.
fn table_row(name: String, cells: impl Iterator<Item = String>) -> AnyView {
    view! {
        <tr>
            <th scope="row">{name}</th>
            {cells.map(|cell| view! { <td>{cell}</td> }).collect_view()}
        </tr>
    }
    .into_any()
}

/// How often each digit is read as each other.
pub fn matrix(model: &str, confusion: &Confusion) -> AnyView {
    let grid =
        Grid { size: (310.0, 310.0), origin: (48.0, 48.0), cell: (26.0, 26.0), count: (10, 10) };
    let mut shapes = vec![
        label("axis", 178.0, 16.0, "read as".to_owned()),
        view! { <text class="axis" transform="translate(15 178) rotate(-90)">"true digit"</text> }
            .into_any(),
    ];
    for place in 0..10u8 {
        let (along, middle) = (usize::from(place), 13.0);
        shapes.push(label("tick", grid.left(along) + middle, 38.0, place.to_string()));
        shapes.push(label("tick", 34.0, grid.top(along) + middle, place.to_string()));
        for read in 0..10u8 {
            let (x, y) = (grid.left(usize::from(read)), grid.top(along));
            let count = confusion.at(place, read);
            let density = density(count, samples(confusion, place));
            let class = if place == read { "is-right" } else { "is-wrong" };
            shapes.push(
                view! {
                    <rect class="cell" x=x + 0.5 y=y + 0.5 width=25 height=25 />
                    <rect class=class x=x + 0.5 y=y + 0.5 width=25 height=25 fill-opacity=density />
                }
                .into_any(),
            );
            if count > 0 {
                let class = match density > 0.7 {
                    true if place == read => "count is-on-right",
                    true => "count is-on-wrong",
                    false => "count",
                };
                shapes.push(label(class, x + middle, y + middle, count.to_string()));
            }
        }
    }
    let table = view! {
        <table>
            <caption>"Rows: true digit; columns: read as"</caption>
            <thead>
                <tr>
                    <th scope="col">"Digit"</th>
                    {header_cells((0..10).map(|read| read.to_string()))}
                </tr>
            </thead>
            <tbody>
                {(0..10u8)
                    .map(|truth| {
                        let counts = (0..10u8).map(|read| confusion.at(truth, read).to_string());
                        table_row(truth.to_string(), counts)
                    })
                    .collect_view()}
            </tbody>
        </table>
    };
    let confusion = confusion.clone();
    let say = Arc::new(move |(read, truth): Place| read_as(&confusion, truth as u8, read as u8));
    chart(format!("Confusion of {model}"), grid, shapes.into_any(), say, table.into_any())
}

/// A model's figures by digit, and the number of its colour.
#[derive(Clone)]
pub struct Series {
    /// The model.
    pub model: String,
    /// Its colour, from 0.
    pub colour: usize,
    /// Its figures, digit by digit.
    pub scores: Vec<DigitScore>,
}

/// A figure of each digit as bars, those of several models side by side.
pub fn bars(name: &'static str, all: &[Series], figure: fn(&DigitScore) -> Option<f64>) -> AnyView {
    let height = 110.0;
    let grid =
        Grid { size: (350.0, 146.0), origin: (36.0, 10.0), cell: (31.0, height), count: (10, 1) };
    let mut shapes = Vec::new();
    for percent in [0, 50, 100] {
        let y = 10.0 + height - f64::from(percent) / 100.0 * height;
        shapes.push(view! { <line x1=36 x2=346 y1=y y2=y /> }.into_any());
        shapes.push(label("scale", 31.0, y, format!("{percent} %")));
    }
    let width = 25.0 / all.len().max(1) as f64;
    for digit in 0..10 {
        let left = grid.left(digit) + 3.0;
        shapes.push(label("tick", left + 12.5, 134.0, digit.to_string()));
        for (i, series) in all.iter().enumerate() {
            let value = series.scores.get(digit).and_then(figure).unwrap_or(0.0) * height;
            shapes.push(
                view! {
                    <rect
                        class=format!("bar series-{}", series.colour)
                        x=left + width * i as f64
                        y=10.0 + height - value
                        width=0.88 * width
                        height=value
                    />
                }
                .into_any(),
            );
        }
    }
    let of = move |series: &Series, digit: usize| {
        share_or_none(series.scores.get(digit).and_then(figure))
    };
    let table = view! {
        <table>
            <thead>
                <tr>
                    <th scope="col">"Digit"</th>
                    {header_cells(all.iter().map(|series| series.model.clone()))}
                </tr>
            </thead>
            <tbody>
                {(0..10)
                    .map(|digit| {
                        table_row(digit.to_string(), all.iter().map(move |series| of(series, digit)))
                    })
                    .collect_view()}
            </tbody>
        </table>
    };
    let all = all.to_vec();
    let say = Arc::new(move |(digit, _): Place| {
        let figures: Vec<String> =
            all.iter().map(|series| format!("{} {}", series.model, of(series, digit))).collect();
        format!("Digit {digit}: {}", figures.join(", "))
    });
    chart(name.to_owned(), grid, shapes.into_any(), say, table.into_any())
}
