//! The brush that corrects what is taken for strokes: its bar, its ring on the stage, what is
//! filled, and its keys.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{Element, HtmlInputElement, KeyboardEvent};

use super::actions::viewing::opposite;
use super::canvas::{Ground, draw_pieces};
use super::editor::{Editor, Finished, PointInPhoto};
use super::focus::CONTROLS;
use super::icons::Icon;
use super::later::View;
use super::layout::px;
use super::lean::{text, truth, when};
use super::page::Page;
use super::pieces::tinted;
use super::state::brush::WIDTHS;
use crate::removal::{Brush, BrushStroke, Method};

// ---- Keys -------------------------------------------------------------------------------------

/// Takes a key while the brush is up; returns whether it meant something.
pub fn key_down(page: Page, event: &KeyboardEvent, key: &str) -> bool {
    let Some(brush) = page.brush.does.get_untracked() else { return false };
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return false;
    }
    let step = if event.shift_key() { 10.0 } else { 1.0 };
    let width = page.brush.width.get_untracked();
    match key {
        "ArrowLeft" => move_by(page, -step, 0.0),
        "ArrowRight" => move_by(page, step, 0.0),
        "ArrowUp" => move_by(page, 0.0, -step),
        "ArrowDown" => move_by(page, 0.0, step),
        "Enter" => {
            let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            let of_control = |target: Element| target.closest(CONTROLS).ok().flatten();
            if target.and_then(of_control).is_some() {
                return false;
            }
            let place = page.brush_place();
            if page.edit(Editor::finish).is_some_and(Finished::is_painted) {
                page.messages.announce("Stroke ended.".to_owned());
            } else if let Some(place) = place {
                page.begin_stroke(place, false);
                page.messages.announce("Stroke begun.".to_owned());
            }
        }
        "x" => {
            let brush = opposite(brush);
            page.brush.take(Some(brush));
            let does = if brush == Brush::Adds { "fills" } else { "restores" };
            page.messages.announce(format!("The brush {does}."));
        }
        "," => page.change_brush_width(width - (width / 8).max(1)),
        "." => page.change_brush_width(width + (width / 8).max(1)),
        "Escape" => {
            if !page.edit(Editor::cancel).unwrap_or_default() {
                page.lay_brush_down();
            }
        }
        _ => return false,
    }
    true
}

fn move_by(page: Page, dx: f64, dy: f64) {
    let (Some(from), Some(photo)) = (page.brush_place(), page.look(Editor::photo)) else { return };
    let to = PointInPhoto {
        x: (from.x + dx).clamp(0.0, f64::from(photo.width)),
        y: (from.y + dy).clamp(0.0, f64::from(photo.height)),
    };
    page.brush.move_to(Some(to));
    if page.look(|editor| editor.painting().is_some()).unwrap_or_default() {
        page.edit(|editor| editor.drag_to(to));
    }
}

// ---- What shows -------------------------------------------------------------------------------

/// What is filled, tinted; there while the brush is up.
#[component]
pub fn Filled(page: Page) -> impl IntoView {
    view! {
        <Show when=when(move || page.brush.does.get().is_some())>
            {
                let canvas = NodeRef::<html::Canvas>::new();
                draw_pieces(page, canvas, Ground::Nothing, tinted);
                view! {
                    <canvas node_ref=canvas class="filled" data-testid="filled" aria-hidden="true"></canvas>
                }
            }
        </Show>
    }
}

/// The brush's ring, and the stroke that is being painted; there while the brush is up.
#[component]
pub fn BrushOnStage(page: Page) -> impl IntoView {
    let ring = move || {
        let brush = page.brush.does.get()?;
        let view = page.stage.view.get();
        let point = view.to_screen(page.brush.at.get()?);
        let width = f64::from(page.brush.width.get()) * view.zoom;
        Some(view! {
            <span
                class="brush-ring"
                class:takes=brush == Brush::Takes
                style:left=px(point.x - width / 2.0)
                style:top=px(point.y - width / 2.0)
                style:width=px(width)
                style:height=px(width)
            ></span>
        })
    };
    let stroke = move || {
        let line = |stroke: &BrushStroke| (stroke.brush, polyline(page, stroke));
        let (brush, (points, width)) = page
            .boxes
            .editor
            .with(|editor| editor.as_ref().and_then(Editor::painting).map(line))?;
        Some(view! {
            <svg class="brush-stroke" class:takes=brush == Brush::Takes>
                <polyline points=points stroke-width=width></polyline>
            </svg>
        })
    };
    view! {
        {stroke}
        {ring}
    }
}

/// A stroke's corners and width on the stage.
fn polyline(page: Page, stroke: &BrushStroke) -> (String, String) {
    let view = page.stage.view.get();
    let unit = f64::from(BrushStroke::PER_PIXEL);
    let corner = |(x, y): (i32, i32)| {
        let at = PointInPhoto { x: f64::from(x) / unit, y: f64::from(y) / unit };
        let at = view.to_screen(at);
        format!("{:.1},{:.1}", at.x, at.y)
    };
    // A line of one point shows nothing.
    let ends = stroke.points.first().into_iter().chain(&stroke.points);
    let points: Vec<String> = ends.map(|point| corner(*point)).collect();
    let width = f64::from(stroke.radius) * 2.0 / unit * view.zoom;
    (points.join(" "), format!("{width:.1}"))
}

/// What the brush does and how wide it is, there while it is up; for [`later`](super::later::later).
#[wasm_split(views, fallible)]
pub fn part() -> Result<View, SplitLoaderError> {
    Ok(|page| BrushBar(BrushBarProps { page }).into_any())
}

#[component]
fn BrushBar(page: Page) -> impl IntoView {
    view! {
        <Show when=when(move || page.brush.does.get().is_some())>
            <Bar page=page />
        </Show>
    }
}

#[component]
fn Bar(page: Page) -> impl IntoView {
    let kind =
        move |brush: Brush, test_id: &'static str, name: &'static str, title: &'static str| {
            view! {
                <button
                    type="button"
                    class="quiet"
                    data-testid=test_id
                    title=title
                    aria-pressed=text(move || (page.brush.does.get() == Some(brush)).to_string())
                    on:click=move |_| page.brush.take(Some(brush))
                >
                    {name}
                </button>
            }
        };
    let note = text(move || {
        let no_boxes =
            page.boxes.editor.with(|editor| editor.as_ref().is_none_or(|e| e.boxes().is_empty()));
        page.removal
            .method
            .with(|method| match method {
                Method::Report(_) => "The brush does not work with this method.",
                _ if no_boxes => "Draw a box first: the brush works in boxes.",
                Method::WholeBoxes(_) => "This method fills whole boxes; Restore does nothing.",
                Method::Doorplate(_) => "Works in boxes and close to them. Shift swaps the two.",
            })
            .to_owned()
    });
    view! {
        <div
            class="brush-bar"
            data-testid="brush-bar"
            role="group"
            aria-label="Brush"
        >
            {kind(Brush::Adds, "brush-adds", "Fill", "Fill what was missed (X)")}
            {kind(Brush::Takes, "brush-takes", "Restore", "Restore what was not a digit (X)")}
            <label class="brush-width">
                <span>{text(move || format!("{} px", page.brush.width.get()))}</span>
                <input
                    type="range"
                    data-testid="brush-width"
                    aria-label="Width of the brush"
                    title="Width of the brush (comma and full stop)"
                    min=WIDTHS.0.to_string()
                    max=WIDTHS.1.to_string()
                    prop:value=text(move || page.brush.width.get().to_string())
                    on:input=move |event| {
                        let input: HtmlInputElement = event_target(&event);
                        if let Ok(width) = input.value().parse() {
                            page.brush.set_width(width);
                        }
                    }
                />
            </label>
            <button
                type="button"
                class="quiet icon-only"
                data-testid="brush-done"
                aria-label="Close the brush"
                title="Close the brush (Esc)"
                on:click=move |_| page.lay_brush_down()
            >
                {Icon::Close.view()}
            </button>
            <p
                class="brush-note"
                class:is-warning=truth(move || {
                    page.removal.method.with(|method| matches!(method, Method::Report(_)))
                })
            >
                {note}
            </p>
        </div>
    }
}
