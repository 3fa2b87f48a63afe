//! The brush that corrects what is taken for strokes: its bar, its ring on the stage, what is
//! filled, and its keys.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{Element, HtmlInputElement, KeyboardEvent};

use super::canvas::{Ground, draw_pieces};
use super::editor::{Editor, Finished, PointInPhoto};
use super::icons::Icon;
use super::keys::CONTROLS;
use super::later::View;
use super::lean::{text, truth, when};
use super::page::Page;
use super::pieces::tinted;
use super::stage::px;
use crate::photo::{BoxInPhoto, PhotoSize};
use crate::removal::{Brush, BrushStroke, Method};

/// Least and greatest width in photo pixels.
const WIDTHS: (u32, u32) = (2, 150);

/// The width at first, as a share of a box's height: about that of a stroke.
const USUAL_WIDTH: f64 = 0.1;

impl Page {
    /// Takes the brush up or lays it down; tells whether there is a photo.
    pub fn toggle_brush(self) -> bool {
        let Some(height) = self.look(|editor| editor.boxes().first().map(|b| b.area.height)) else {
            return false;
        };
        if self.brush.get_untracked().is_some() {
            self.lay_brush_down();
            return true;
        }
        if self.brush_width.get_untracked() == 0 {
            let usual = height.map_or(0.0, |height| f64::from(height) * USUAL_WIDTH);
            self.set_brush_width(usual.round() as u32);
        }
        self.edit(Editor::cancel);
        // Its slider would take the pointer.
        self.divider.set(None);
        self.brush_at.set(self.look(middle_of_box));
        self.brush.set(Some(Brush::Adds));
        self.announcement.set(
            "Brush: paint in boxes to add strokes. Arrows move it, Enter begins and ends a \
             stroke, X takes away instead, Escape lays it down."
                .to_owned(),
        );
        true
    }

    /// Lays the brush down, with what was begun.
    pub fn lay_brush_down(self) {
        self.edit(Editor::cancel);
        self.brush.set(None);
        self.announcement.set("Brush laid down.".to_owned());
    }

    fn set_brush_width(self, width: u32) {
        self.brush_width.set(width.clamp(WIDTHS.0, WIDTHS.1));
    }

    /// As [`Page::set_brush_width`], and says so.
    fn change_brush_width(self, width: u32) {
        self.set_brush_width(width);
        let width = self.brush_width.get_untracked();
        self.announcement.set(format!("Brush {width} pixels wide."));
    }

    /// Begins a stroke; `other` of what the brush does otherwise.
    pub fn begin_stroke(self, point_in_photo: PointInPhoto, other: bool) {
        let Some(brush) = self.brush.get_untracked() else { return };
        let brush = if other { opposite(brush) } else { brush };
        let width = f64::from(self.brush_width.get_untracked());
        self.brush_at.set(Some(point_in_photo));
        self.edit(|editor| editor.begin_paint(brush, width, point_in_photo));
    }
}

fn opposite(brush: Brush) -> Brush {
    match brush {
        Brush::Adds => Brush::Takes,
        Brush::Takes => Brush::Adds,
    }
}

// ---- Keys -------------------------------------------------------------------------------------

/// Takes a key while the brush is up; tells whether it meant something.
pub fn key_down(page: Page, event: &KeyboardEvent, key: &str) -> bool {
    let Some(brush) = page.brush.get_untracked() else { return false };
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return false;
    }
    let step = if event.shift_key() { 10.0 } else { 1.0 };
    let width = page.brush_width.get_untracked();
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
            let place = place(page);
            if page.edit(Editor::finish).is_some_and(Finished::is_painted) {
                page.announcement.set("Stroke ended.".to_owned());
            } else if let Some(place) = place {
                page.begin_stroke(place, false);
                page.announcement.set("Stroke begun.".to_owned());
            }
        }
        "x" => {
            let brush = opposite(brush);
            page.brush.set(Some(brush));
            let does = if brush == Brush::Adds { "adds" } else { "takes away" };
            page.announcement.set(format!("The brush {does}."));
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

/// The middle of the selected box, of the first one, or of the photo.
fn middle_of_box(editor: &Editor) -> PointInPhoto {
    let selected = editor.selected().and_then(|id| editor.get(id)).copied();
    let b = selected.or_else(|| editor.reading_order().first().copied());
    let PhotoSize { width, height } = editor.photo();
    let BoxInPhoto { left, top, width, height } =
        b.map_or(BoxInPhoto { left: 0, top: 0, width, height }, |b| b.area);
    let middle = |start: u32, length: u32| f64::from(start) + f64::from(length) / 2.0;
    PointInPhoto { x: middle(left, width), y: middle(top, height) }
}

/// Where the brush is; on another photo than last, in the middle.
fn place(page: Page) -> Option<PointInPhoto> {
    page.brush_at.get_untracked().or_else(|| page.look(middle_of_box))
}

fn move_by(page: Page, dx: f64, dy: f64) {
    let (Some(from), Some(photo)) = (place(page), page.look(Editor::photo)) else { return };
    let to = PointInPhoto {
        x: (from.x + dx).clamp(0.0, f64::from(photo.width)),
        y: (from.y + dy).clamp(0.0, f64::from(photo.height)),
    };
    page.brush_at.set(Some(to));
    if page.look(|editor| editor.painting().is_some()).unwrap_or_default() {
        page.edit(|editor| editor.drag_to(to));
    }
}

// ---- What shows -------------------------------------------------------------------------------

/// What is filled, tinted; there while the brush is up.
#[component]
pub fn Filled(page: Page) -> impl IntoView {
    view! {
        <Show when=when(move || page.brush.get().is_some())>
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
        let brush = page.brush.get()?;
        let view = page.view.get();
        let point = view.to_screen(page.brush_at.get()?);
        let width = f64::from(page.brush_width.get()) * view.zoom;
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
        let (brush, (points, width)) =
            page.editor.with(|editor| editor.as_ref().and_then(Editor::painting).map(line))?;
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
    let view = page.view.get();
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
        <Show when=when(move || page.brush.get().is_some())>
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
                    aria-pressed=text(move || (page.brush.get() == Some(brush)).to_string())
                    on:click=move |_| page.brush.set(Some(brush))
                >
                    {name}
                </button>
            }
        };
    let note = text(move || {
        let no_boxes =
            page.editor.with(|editor| editor.as_ref().is_none_or(|e| e.boxes().is_empty()));
        page.method
            .with(|method| match method {
                Method::Report(_) => "This way to take digits out knows no brush.",
                _ if no_boxes => "Acts in boxes: lay the brush down and draw one first.",
                Method::WholeBoxes(_) => "Boxes are filled wholly; what is taken away stays.",
                Method::Doorplate(_) => {
                    "Acts in boxes and right beside them. Shift does the opposite."
                }
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
            {kind(Brush::Adds, "brush-adds", "Add", "Paint strokes that were not found (X)")}
            {kind(Brush::Takes, "brush-takes", "Take away", "Paint what is no stroke (X)")}
            <label class="brush-width">
                <span>{text(move || format!("{} px", page.brush_width.get()))}</span>
                <input
                    type="range"
                    data-testid="brush-width"
                    aria-label="Width of the brush"
                    title="Width of the brush (comma and full stop)"
                    min=WIDTHS.0.to_string()
                    max=WIDTHS.1.to_string()
                    prop:value=text(move || page.brush_width.get().to_string())
                    on:input=move |event| {
                        let input: HtmlInputElement = event_target(&event);
                        if let Ok(width) = input.value().parse() {
                            page.set_brush_width(width);
                        }
                    }
                />
            </label>
            <button
                type="button"
                class="quiet icon-only"
                data-testid="brush-done"
                aria-label="Lay the brush down"
                title="Lay the brush down (Esc)"
                on:click=move |_| page.lay_brush_down()
            >
                {Icon::Close.view()}
            </button>
            <p
                class="brush-note"
                class:is-warning=truth(move || {
                    page.method.with(|method| matches!(method, Method::Report(_)))
                })
            >
                {note}
            </p>
        </div>
    }
}
