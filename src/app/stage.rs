//! The stage: the photo, what replaces the removed digits, and the boxes over it.
//!
//! Photo and replacements are laid by one CSS transform; boxes and labels are laid in screen
//! coordinates, so that their lines and letters keep their size at every zoom.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::{Clamped, JsCast, JsValue, closure::Closure};
use web_sys::{
    CanvasRenderingContext2d, Element, HtmlCanvasElement, HtmlElement, ImageData, PointerEvent,
    WheelEvent,
};

use super::box_on_stage::BoxOnStage;
use super::brush::{BrushOnStage, Filled};
use super::divider::{self, DividerOnStage};
use super::editor::{
    BoxId, BoxInScreen, Editor, Finished, Handle, PlacedLabel, PointInScreen, SizeInScreen,
    place_labels,
};
use super::intake::describe;
use super::lean::{text, truth};
use super::messages::Tone;
use super::page::{Page, Piece};
use crate::photo::{BoxInPhoto, PhotoSize};
use crate::worker::protocol::Patch;

/// How far a pointer strays in CSS pixels while it clicks.
const MOUSE_SLACK: f64 = 4.0;
const TOUCH_SLACK: f64 = 9.0;

/// The button of a pen's other end.
const PEN_ERASER: i16 = 5;

/// Above this zoom single pixels are shown as they are instead of blurred.
pub const PIXELATED_ABOVE: f64 = 3.0;

/// Canvases beyond these limits fail in some browsers, so larger photos are shown reduced; boxes,
/// removal and the saved file keep the full resolution.
const MAX_CANVAS_SIDE: f64 = 16_384.0;
const MAX_CANVAS_PIXELS: f64 = 64_000_000.0;

/// Where each box and its label lie.
pub type Layout = HashMap<BoxId, (BoxInScreen, PlacedLabel)>;

/// Pointers that are down, and what they do.
#[derive(Default)]
pub struct Pointers {
    down: Vec<(i32, PointInScreen)>,
    pans: bool,
}

/// The stage.
#[component]
pub fn Stage(page: Page) -> impl IntoView {
    let stage = NodeRef::<html::Div>::new();
    let canvas = NodeRef::<html::Canvas>::new();
    let pieces = NodeRef::<html::Div>::new();
    let pointers = StoredValue::new_local(Pointers::default());

    follow_size(page, stage);
    draw_photo(page, canvas);
    lay_pieces(page, pieces, canvas_of);

    let layout = Memo::new(move |_| layout_of(page));
    let ids = Memo::new(move |_| {
        page.editor.with(|editor| {
            editor
                .as_ref()
                .map(|editor| editor.boxes().iter().map(|b| b.id).collect::<Vec<_>>())
                .unwrap_or_default()
        })
    });
    let draft = Memo::new(move |_| {
        let draft = page.editor.with(|editor| editor.as_ref().and_then(Editor::draft))?;
        Some((draft, page.view.get().box_to_screen(draft)))
    });
    // Left of the divider the photo below shows through.
    let clip = move || {
        divider::shown(page).map(|divider| format!("inset(0 0 0 {:.4}%)", divider.share() * 100.0))
    };
    let laid_over = view! {
        <div node_ref=pieces class="pieces" style:clip-path=clip aria-hidden="true"></div>
        <Filled page=page />
    };

    view! {
        <div
            node_ref=stage
            class="stage"
            class:has-photo=move || page.photo.with(Option::is_some)
            class:is-pixelated=move || { page.view.get().zoom > PIXELATED_ABOVE }
            class:is-comparing=move || page.comparing.get()
            class:is-panning=move || page.panning.get()
            data-testid="stage"
            role="group"
            aria-label="Photo with boxes. Drag to draw a box round a digit; press question mark for the keys."
            on:pointerdown=move |event| pointer_down(page, stage, pointers, &event, false)
            on:pointermove=move |event| pointer_moved(page, stage, pointers, &event)
            on:pointerup=move |event| pointer_up(page, pointers, &event, true)
            on:pointercancel=move |event| pointer_up(page, pointers, &event, false)
            on:lostpointercapture=move |event| pointer_up(page, pointers, &event, false)
            on:wheel=move |event| wheel(page, stage, &event)
        >
            {photo_layer(page, canvas, laid_over.into_any())}
            <For each=move || ids.get() key=|id| *id let:id>
                <BoxOnStage page=page id=id layout=layout />
            </For>
            <BrushOnStage page=page />
            <DividerOnStage page=page />
            {move || {
                draft
                    .get()
                    .map(|(area, place)| {
                        view! {
                            <div
                                class="box is-draft"
                                style:left=px(place.left)
                                style:top=px(place.top)
                                style:width=px(place.width)
                                style:height=px(place.height)
                            >
                                <span class="frame"></span>
                                <span class="draft-size">
                                    {area.width} " × " {area.height}
                                </span>
                            </div>
                        }
                    })
            }}
        </div>
    }
}

/// The photo as the view lays it, and what lies over it in its own pixels.
pub fn photo_layer(page: Page, canvas: NodeRef<html::Canvas>, laid_over: AnyView) -> AnyView {
    let transform = text(move || {
        let view = page.view.get();
        format!(
            "translate({}px, {}px) scale({})",
            view.origin_in_screen.x, view.origin_in_screen.y, view.zoom
        )
    });
    let side = move |side: fn(PhotoSize) -> u32| {
        text(move || {
            let size = page.photo.with(|photo| photo.as_ref().map(|photo| photo.size));
            format!("{}px", size.map_or(0, side))
        })
    };
    view! {
        <div
            class="photo"
            class:is-hidden=truth(move || page.photo.with(Option::is_none))
            style:transform=transform
            style:width=side(|size| size.width)
            style:height=side(|size| size.height)
        >
            <canvas node_ref=canvas class="original"></canvas>
            {laid_over}
        </div>
    }
    .into_any()
}

/// A length for a style property.
pub fn px(length: f64) -> String {
    format!("{length:.1}px")
}

fn layout_of(page: Page) -> Layout {
    let (boxes, selected) = page.editor.with(|editor| match editor {
        Some(editor) => (editor.boxes().to_vec(), editor.selected()),
        None => (Vec::new(), None),
    });
    let view = page.view.get();
    let places: Vec<BoxInScreen> = boxes.iter().map(|b| view.box_to_screen(b.area)).collect();
    let in_focus = boxes.iter().position(|b| Some(b.id) == selected);
    let labels = place_labels(&places, in_focus, page.stage.get());
    boxes.iter().map(|b| b.id).zip(places.into_iter().zip(labels)).collect()
}

// ---- Pixels -----------------------------------------------------------------------------------

fn follow_size(page: Page, stage: NodeRef<html::Div>) {
    Effect::new(move |_| {
        let Some(element) = stage.get() else { return };
        let observed = element.clone();
        let resized = Closure::<dyn FnMut()>::new(move || {
            page.stage_resized(SizeInScreen {
                width: f64::from(observed.client_width()),
                height: f64::from(observed.client_height()),
            });
        });
        if let Ok(observer) = web_sys::ResizeObserver::new(resized.as_ref().unchecked_ref()) {
            observer.observe(&element);
        }
        // The stage lives as long as the page does.
        resized.forget();
    });
}

/// Draws the photo whenever there is another one.
pub fn draw_photo(page: Page, canvas: NodeRef<html::Canvas>) {
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let drawn = page.picture.with(|picture| match picture {
            Some(picture) => draw_reduced(&canvas, picture),
            None => {
                canvas.set_width(0);
                canvas.set_height(0);
                Ok(())
            }
        });
        if let Err(error) = drawn {
            page.messages.show(
                Tone::Error,
                format!("The browser cannot show this photo: {}.", describe(&error)),
            );
        }
    });
}

fn draw_reduced(canvas: &HtmlCanvasElement, picture: &web_sys::ImageBitmap) -> Result<(), JsValue> {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let scale = (MAX_CANVAS_SIDE / width.max(height))
        .min((MAX_CANVAS_PIXELS / (width * height)).sqrt())
        .min(1.0);
    let (width, height) = ((width * scale).round().max(1.0), (height * scale).round().max(1.0));
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    if let Some(context) = context_of(canvas)? {
        context.draw_image_with_image_bitmap_and_dw_and_dh(picture, 0.0, 0.0, width, height)?;
    }
    Ok(())
}

/// The 2D context of a canvas; none when the browser has no memory for one.
pub fn context_of(canvas: &HtmlCanvasElement) -> Result<Option<CanvasRenderingContext2d>, JsValue> {
    Ok(canvas.get_context("2d")?.and_then(|context| context.dyn_into().ok()))
}

/// The same of a small canvas, whose pixels are kept in memory: those on a GPU are a layer each to
/// the browser, and a hundred of them slow down every frame; and each look at them fetches them.
pub fn context_in_memory(
    canvas: &HtmlCanvasElement,
) -> Result<Option<CanvasRenderingContext2d>, JsValue> {
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
    let context = canvas.get_context_with_context_options("2d", &options)?;
    Ok(context.and_then(|context| context.dyn_into().ok()))
}

/// Lays what a piece's canvas shows.
///
/// One small canvas a removed box instead of one as large as the photo: on a 100 megapixel photo
/// that would cost 400 MB for a few digits.
pub fn lay_pieces(
    page: Page,
    layer: NodeRef<html::Div>,
    canvas_of: fn(&Piece) -> Result<HtmlCanvasElement, JsValue>,
) {
    let canvases = StoredValue::new_local(Vec::<(Piece, HtmlCanvasElement)>::new());
    // Shown as long as there is a box exactly there that is to be removed: a box that is switched
    // off or deleted shows the original at once, and undo brings the piece back. While a box is
    // dragged its last piece stays until the next one comes, a moment behind the box: without, the
    // digit would flicker.
    let wanted = Memo::new(move |_| {
        page.editor.with(|editor| {
            let editor = editor.as_ref()?;
            let areas = editor.erasure().boxes.into_iter().collect::<HashSet<_>>();
            Some((areas, editor.is_adjusting()))
        })
    });
    let show = move || {
        let (wanted, adjusting) = wanted.get().unwrap_or_default();
        canvases.with_value(|canvases| {
            for (piece, canvas) in canvases {
                canvas.set_hidden(!adjusting && !wanted.contains(&piece.box_in_photo));
            }
        });
    };
    Effect::new(move |_| {
        let Some(layer) = layer.get() else { return };
        // While one of many boxes is dragged, the others' canvases stay as they are.
        let mut old = canvases.try_update_value(std::mem::take).unwrap_or_default();
        let mut known = |piece: &Piece| {
            let at = old.iter().position(|(before, _)| before.is(piece))?;
            Some(old.swap_remove(at).1)
        };
        let laid: Vec<(Piece, HtmlCanvasElement)> = page.pieces.with(|pieces| {
            pieces
                .iter()
                .filter_map(|piece| {
                    let canvas = known(piece).or_else(|| {
                        let canvas = canvas_of(piece).ok()?;
                        layer.append_child(&canvas).ok()?;
                        Some(canvas)
                    })?;
                    Some((piece.clone(), canvas))
                })
                .collect()
        });
        old.into_iter().for_each(|(_, canvas)| canvas.remove());
        canvases.set_value(laid);
        untrack(show);
    });
    Effect::new(move |_| show());
}

/// The piece's pixels in its box and a rim of one pixel, where the patch has it: without, the edges
/// of two touching pieces let a hairline of the original through at odd zooms. Beyond it only what
/// is filled shows.
fn canvas_of(piece: &Piece) -> Result<HtmlCanvasElement, JsValue> {
    let (patch, inner, reach) = (&piece.patch, piece.box_in_photo, piece.reach());
    let mut rgba = rows_of(patch, reach.left..reach.right(), reach.top..reach.bottom());
    let pixels =
        (reach.top..reach.bottom()).flat_map(|y| (reach.left..reach.right()).map(move |x| (x, y)));
    for ((x, y), pixel) in pixels.zip(rgba.chunks_exact_mut(4)) {
        let in_rim = inner.within(&BoxInPhoto { left: x, top: y, width: 1, height: 1 }, 1);
        if !in_rim && !patch.fills(x - patch.area.left, y - patch.area.top) {
            pixel[3] = 0;
        }
    }
    canvas_at(reach, &rgba)
}

/// The colour of what is filled.
const TINT: [u8; 4] = [230, 0, 126, 120];

/// The piece's pixels that are filled, tinted.
pub fn mask_of(piece: &Piece) -> Result<HtmlCanvasElement, JsValue> {
    let (area, reach) = (piece.patch.area, piece.reach());
    let tint = |column: u32, row: u32| match piece.patch.fills(column, row) {
        true => TINT,
        false => [0; 4],
    };
    let left = reach.left.saturating_sub(area.left);
    let top = reach.top.saturating_sub(area.top);
    let rgba: Vec<u8> = (top..top + reach.height)
        .flat_map(|row| (left..left + reach.width).flat_map(move |column| tint(column, row)))
        .collect();
    canvas_at(reach, &rgba)
}

/// A canvas with these pixels, to be laid over this part of the photo.
fn canvas_at(area: BoxInPhoto, rgba: &[u8]) -> Result<HtmlCanvasElement, JsValue> {
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    canvas.set_width(area.width);
    canvas.set_height(area.height);
    // Named in full: Leptos has a method of the same name for elements.
    let style = HtmlElement::style(&canvas);
    style.set_property("left", &format!("{}px", area.left))?;
    style.set_property("top", &format!("{}px", area.top))?;
    let data = ImageData::new_with_u8_clamped_array_and_sh(Clamped(rgba), area.width, area.height)?;
    if let Some(context) = context_in_memory(&canvas)? {
        context.put_image_data(&data, 0.0, 0.0)?;
    }
    Ok(canvas)
}

/// The part of a patch's pixels in these columns and rows of the photo; what the patch does not
/// hold is missing, which makes the whole too short to be drawn.
fn rows_of(patch: &Patch, columns: Range<u32>, rows: Range<u32>) -> Vec<u8> {
    let at = |column: u32, row: u32| {
        let (x, y) = (column.saturating_sub(patch.area.left), row.saturating_sub(patch.area.top));
        (y as usize * patch.area.width as usize + x as usize) * 4
    };
    rows.filter_map(|row| patch.rgba.get(at(columns.start, row)..at(columns.end, row)))
        .flatten()
        .copied()
        .collect()
}

// ---- Pointers ---------------------------------------------------------------------------------

fn point_in_screen(stage: NodeRef<html::Div>, event: &web_sys::MouseEvent) -> PointInScreen {
    let corner = stage
        .get_untracked()
        .map(|stage| stage.get_bounding_client_rect())
        .map_or((0.0, 0.0), |rect| (rect.left(), rect.top()));
    PointInScreen {
        x: f64::from(event.client_x()) - corner.0,
        y: f64::from(event.client_y()) - corner.1,
    }
}

/// A pointer goes down on the stage, or on what `only_pans`.
pub fn pointer_down(
    page: Page,
    stage: NodeRef<html::Div>,
    pointers: StoredValue<Pointers, LocalStorage>,
    event: &PointerEvent,
    only_pans: bool,
) {
    if page.look(|_| ()).is_none() {
        return;
    }
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let closest =
        |selector: &str| target.as_ref().and_then(|target| target.closest(selector).ok().flatten());
    let paints = !only_pans && page.brush.get_untracked().is_some();
    let is_eraser = event.button() == PEN_ERASER && paints;
    if closest(".label").is_some() || !(matches!(event.button(), 0 | 1) || is_eraser) {
        return;
    }
    // What is copied next are boxes.
    if let Ok(Some(selection)) = window().get_selection() {
        let _ = selection.remove_all_ranges();
    }
    if let Some(stage) = stage.get_untracked() {
        // Without the capture a drag ends at the stage's edge; that is all that is lost.
        let _ = stage.set_pointer_capture(event.pointer_id());
    }
    // Keeps the middle button from scrolling, and the focus from leaving the selected box.
    event.prevent_default();
    let point = point_in_screen(stage, event);
    let pans = only_pans || event.button() == 1 || page.panning.get_untracked();
    let count = pointers
        .try_update_value(|pointers| {
            pointers.down.retain(|(id, _)| *id != event.pointer_id());
            pointers.down.push((event.pointer_id(), point));
            pointers.pans = pans;
            pointers.down.len()
        })
        .unwrap_or_default();
    if count > 1 || pans {
        page.edit(Editor::cancel);
        return;
    }
    let view = page.view.get_untracked();
    let point_in_photo = view.to_photo(point);
    if paints {
        page.begin_stroke(point_in_photo, event.shift_key() || is_eraser);
        return;
    }
    let slack = if event.pointer_type() == "mouse" { MOUSE_SLACK } else { TOUCH_SLACK } / view.zoom;
    let over = closest("[data-box-id]")
        .and_then(|element| element.get_attribute("data-box-id"))
        .and_then(|id| id.parse::<BoxId>().ok());
    let handle = closest("[data-handle]")
        .and_then(|element| element.get_attribute("data-handle"))
        .and_then(|name| Handle::from_name(&name));
    if let (Some(id), true) = (over, event.ctrl_key() || event.meta_key()) {
        page.edit(|editor| editor.toggle_selected(id));
        return;
    }
    page.editor.update(|editor| {
        let Some(editor) = editor else { return };
        match (over, handle) {
            // Digits stand side by side, so the next box often begins on a handle of the last.
            _ if event.shift_key() => editor.begin_draw(point_in_photo, slack, None),
            (Some(id), Some(handle)) => editor.begin_resize(id, handle, point_in_photo),
            (Some(id), None) if editor.is_selected(id) => {
                editor.begin_move(id, point_in_photo, slack);
            }
            _ => editor.begin_draw(point_in_photo, slack, over),
        }
    });
}

/// What the pointers that are down do.
pub fn pointer_moved(
    page: Page,
    stage: NodeRef<html::Div>,
    pointers: StoredValue<Pointers, LocalStorage>,
    event: &PointerEvent,
) {
    let id = event.pointer_id();
    let point = point_in_screen(stage, event);
    if page.brush.get_untracked().is_some() {
        page.brush_at.set(Some(page.view.get_untracked().to_photo(point)));
    }
    let Some((before, after, pans)) = pointers
        .try_update_value(|pointers| {
            let before = pointers.down.clone();
            let own = pointers.down.iter_mut().find(|(other, _)| *other == id)?;
            own.1 = point;
            Some((before, pointers.down.clone(), pointers.pans))
        })
        .flatten()
    else {
        return;
    };
    match (before.as_slice(), after.as_slice()) {
        ([(_, from)], [(_, to)]) if pans => page.pan(to.x - from.x, to.y - from.y),
        ([_], [_]) => {
            let view = page.view.get_untracked();
            let paints = page.look(|editor| editor.painting().is_some()).unwrap_or_default();
            // Of a box only the last place counts, of a stroke the way there.
            let way = if paints { coalesced(event) } else { Vec::new() };
            let way = way.iter().map(|event| point_in_screen(stage, event));
            let points: Vec<_> = way.chain([point]).map(|point| view.to_photo(point)).collect();
            if page.look(Editor::has_gesture).unwrap_or_default() {
                page.edit(|editor| points.iter().for_each(|point| editor.drag_to(*point)));
            }
        }
        ([(_, a), (_, b), ..], [(_, c), (_, d), ..]) => {
            let (from, to) = (a.middle(*b), c.middle(*d));
            page.pan(to.x - from.x, to.y - from.y);
            page.zoom(Some(to), c.distance(*d) / a.distance(*b).max(1.0));
        }
        _ => {}
    }
}

/// The moves that the browser made one event of, where it tells.
fn coalesced(event: &PointerEvent) -> Vec<PointerEvent> {
    let list = js_sys::Reflect::get(event, &"getCoalescedEvents".into())
        .and_then(JsCast::dyn_into::<js_sys::Function>)
        .and_then(|list| list.call0(event));
    let list = list.map(|list| js_sys::Array::from(&list)).unwrap_or_default();
    list.iter().filter_map(|event| event.dyn_into().ok()).collect()
}

/// A pointer goes up and `keeps` what it did, or is taken away.
pub fn pointer_up(
    page: Page,
    pointers: StoredValue<Pointers, LocalStorage>,
    event: &PointerEvent,
    keeps: bool,
) {
    let id = event.pointer_id();
    let was_down = pointers
        .try_update_value(|pointers| {
            let count = pointers.down.len();
            pointers.down.retain(|(other, _)| *other != id);
            // After a pinch the finger that stays must not start to draw.
            pointers.down.len() < count
        })
        .unwrap_or_default();
    if !was_down || !page.look(Editor::has_gesture).unwrap_or_default() {
        return;
    }
    if !keeps {
        page.edit(Editor::cancel);
        return;
    }
    match page.edit(Editor::finish) {
        Some(Finished::Click(over)) => page.select(over),
        Some(Finished::Drawn(id) | Finished::Changed(id)) => page.select(Some(id)),
        Some(Finished::Painted) => return,
        Some(Finished::Nothing) | None => {}
    }
    if page.look(Editor::selected).flatten().is_none()
        && let Some(focused) = document().active_element()
        && let Ok(focused) = focused.dyn_into::<HtmlElement>()
    {
        // A click on empty photo lets go of the box.
        let _ = focused.blur();
    }
}

/// Zooms at the pointer.
pub fn wheel(page: Page, stage: NodeRef<html::Div>, event: &WheelEvent) {
    if page.look(|_| ()).is_none() {
        return;
    }
    event.prevent_default();
    let pixels = match event.delta_mode() {
        WheelEvent::DOM_DELTA_LINE => event.delta_y() * 16.0,
        WheelEvent::DOM_DELTA_PAGE => event.delta_y() * 400.0,
        _ => event.delta_y(),
    };
    // A pinch on a touchpad comes as a wheel with Ctrl and far smaller steps.
    let rate = if event.ctrl_key() { 0.01 } else { 0.0016 };
    page.zoom(Some(point_in_screen(stage, event)), (-pixels * rate).exp());
}
