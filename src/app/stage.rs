//! The stage: the photo, what replaces the removed digits, and the boxes over it.
//!
//! Photo and replacements are placed by one CSS transform; boxes and labels are placed in screen
//! coordinates, so that their lines and letters keep their size at every zoom.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, PointerEvent, WheelEvent};

use super::box_on_stage::BoxOnStage;
use super::brush::{BrushOnStage, Filled};
use super::canvas::{Ground, draw_pieces};
use super::divider;
use super::editor::{
    BoxId, Draft, Editor, Finished, Grips, Hand, Handle, PhotoBox, PointInScreen, SizeInScreen,
};
use super::focus::{focus_stage, is_typing};
use super::later::later;
use super::layout::{Layout, layout_of, px};
use super::lean::{text, truth};
use super::marks;
use super::page::Page;
use super::pieces::removed;
use crate::photo::{BoxInPhoto, PhotoSize};

/// How far a pointer strays in CSS pixels while it clicks.
const MOUSE_SLACK: f64 = 4.0;
const TOUCH_SLACK: f64 = 9.0;

/// The button of a pen's other end.
const PEN_ERASER: i16 = 5;

/// Above this zoom single pixels are shown sharp instead of blurred.
pub const PIXELATED_ABOVE: f64 = 3.0;

/// Pointers that are down, and what they do.
#[derive(Default)]
pub struct Pointers {
    down: Vec<(i32, PointInScreen)>,
    pans: bool,
    /// Whether the last one went down on a label, and may be about to click there.
    on_label: bool,
}

/// The stage.
#[component]
pub fn Stage(page: Page) -> impl IntoView {
    let stage = NodeRef::<html::Div>::new();
    let canvas = NodeRef::<html::Canvas>::new();
    let pointers = StoredValue::new_local(Pointers::default());

    follow_size(page, stage);
    draw_pieces(page, canvas, Ground::Photo, removed);

    let layout = Memo::new(move |last: Option<&Layout>| layout_of(page, last));
    let ids = Memo::new(move |_| {
        page.boxes.editor.with(|editor| {
            editor
                .as_ref()
                .map(|editor| editor.boxes().iter().map(|b| b.id).collect::<Vec<_>>())
                .unwrap_or_default()
        })
    });
    let draft = Memo::new(move |_| {
        let draft = page.boxes.editor.with(|editor| editor.as_ref().and_then(Editor::draft))?;
        Some((draft, page.stage.view.get().box_to_screen(draft.area)))
    });
    let photo =
        Memo::new(move |_| page.open.photo.with(|photo| photo.as_ref().map(|photo| photo.id)));
    Effect::new(move |_| {
        // Not from what is typed, nor from a dialog, nor from who goes from photo to photo by keys.
        let typing = is_typing(document().active_element().map(Into::into));
        let other = document().query_selector("dialog[open], .strip :focus-visible").ok().flatten();
        if photo.get().is_some() && !typing && other.is_none() && !page.saving.is_saving_all() {
            focus_stage();
        }
    });
    view! {
        <div
            node_ref=stage
            class="stage"
            class:has-photo=truth(move || page.open.photo.with(Option::is_some))
            class:is-pixelated=truth(move || page.stage.view.get().zoom > PIXELATED_ABOVE)
            class:is-comparing=truth(move || page.stage.comparing.get())
            class:is-panning=truth(move || page.stage.panning.get())
            data-testid="stage"
            tabindex="-1"
            role="group"
            aria-label="Photo with boxes. Drag to draw a box round a digit, or press N; question mark for the keys."
            on:pointerdown=move |event| pointer_down(page, stage, pointers, &event, false)
            on:pointermove=move |event| pointer_moved(page, stage, pointers, &event)
            on:pointerup=move |event| {
                // Browsers report no move of a finger before it has gone about 15 pixels.
                pointer_moved(page, stage, pointers, &event);
                pointer_up(page, pointers, &event, true);
            }
            on:pointercancel=move |event| pointer_up(page, pointers, &event, false)
            on:lostpointercapture=move |event| {
                // A label loses a finger to the stage when a drag that began on it becomes one.
                if event.target() == event.current_target() {
                    pointer_up(page, pointers, &event, false);
                }
            }
            on:wheel=move |event| wheel(page, stage, &event)
        >
            {photo_layer(page, canvas, view! { <Filled page=page /> }.into_any())}
            <For each=move || ids.get() key=|id| *id let:id>
                <BoxOnStage page=page id=id layout=layout />
            </For>
            {later(page, truth(move || !page.boxes.digit_places().is_empty()), Callback::new(|()| ()), || Box::pin(marks::digits()))}
            <BrushOnStage page=page />
            {later(page, divider::is_on(page), Callback::new(move |()| page.stage.divide(None)), || Box::pin(divider::part()))}
            {move || {
                draft
                    .get()
                    .map(|(Draft { area, is_sliver }, place)| {
                        view! {
                            <div
                                class="box is-draft"
                                class:is-sliver=is_sliver
                                style:left=px(place.left)
                                style:top=px(place.top)
                                style:width=px(place.width)
                                style:height=px(place.height)
                            >
                                <span class="frame"></span>
                                <span class="draft-size">
                                    {area.width} " × " {area.height}
                                    {is_sliver.then_some(": too thin")}
                                </span>
                            </div>
                        }
                    })
            }}
        </div>
    }
}

/// The photo as the view places it, and what is drawn over it in its own pixels.
pub fn photo_layer(page: Page, canvas: NodeRef<html::Canvas>, laid_over: AnyView) -> AnyView {
    let transform = text(move || {
        let view = page.stage.view.get();
        format!(
            "translate({}px, {}px) scale({})",
            view.origin_in_screen.x, view.origin_in_screen.y, view.zoom
        )
    });
    let side = move |side: fn(PhotoSize) -> u32| {
        text(move || {
            let size = page.open.photo.with(|photo| photo.as_ref().map(|photo| photo.size));
            format!("{}px", size.map_or(0, side))
        })
    };
    view! {
        <div
            class="photo"
            class:is-hidden=truth(move || page.open.photo.with(Option::is_none))
            style:transform=transform
            style:width=side(|size| size.width)
            style:height=side(|size| size.height)
        >
            <canvas node_ref=canvas></canvas>
            {laid_over}
        </div>
    }
    .into_any()
}

// ---- Size ------------------------------------------------------------------------------------

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
    let paints = !only_pans && page.brush.does.get_untracked().is_some();
    let is_eraser = event.button() == PEN_ERASER && paints;
    if !(matches!(event.button(), 0 | 1) || is_eraser) {
        return;
    }
    // What is copied next are boxes.
    if let Ok(Some(selection)) = window().get_selection() {
        let _ = selection.remove_all_ranges();
    }
    let hand = hand_of(event);
    page.stage.pointed_with(hand);
    let point = point_in_screen(stage, event);
    let pans = only_pans || event.button() == 1 || page.stage.panning.get_untracked();
    let on_label = closest(".label").is_some();
    let down: Vec<i32> = pointers
        .try_update_value(|pointers| {
            pointers.down.retain(|(id, _)| *id != event.pointer_id());
            pointers.down.push((event.pointer_id(), point));
            pointers.pans = pans;
            pointers.on_label = on_label;
            pointers.down.iter().map(|(id, _)| *id).collect()
        })
        .unwrap_or_default();
    let several = down.len() > 1;
    if pans || several || !on_label {
        down.into_iter().for_each(|id| capture(stage, id));
        // Keeps the middle button from scrolling, and the focus from leaving the selected box.
        event.prevent_default();
    }
    if pans && !only_pans {
        // Or the key that pans would work the control that has the focus, when it goes up.
        focus_stage();
    }
    if several || pans {
        page.edit(Editor::cancel);
        return;
    }
    let view = page.stage.view.get_untracked();
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
    let adds = event.ctrl_key() || event.meta_key();
    if let (Some(id), true, false) = (over, adds, on_label) {
        page.edit(|editor| editor.toggle_selected(id));
        return;
    }
    page.boxes.change(|editor| {
        let grips = |b: &PhotoBox| Grips {
            place_in_screen: view.box_to_screen(b.area),
            is_fresh: editor.is_fresh(b.id),
            hand,
        };
        let selected = editor.selection().into_iter().filter_map(|id| editor.get(id));
        let moved = selected.filter(|b| grips(b).moves_at(point)).map(|b| b.id).next();
        match (over, handle, moved) {
            _ if event.shift_key() => editor.begin_draw(point_in_photo, slack, None),
            (Some(id), Some(handle), _) => editor.begin_resize(id, handle, point_in_photo),
            (_, _, Some(id)) => editor.begin_move(id, point_in_photo, slack),
            _ => editor.begin_draw(point_in_photo, slack, over),
        }
    });
}

fn hand_of(event: &PointerEvent) -> Hand {
    if event.pointer_type() == "touch" { Hand::Coarse } else { Hand::Fine }
}

fn capture(stage: NodeRef<html::Div>, pointer_id: i32) {
    if let Some(stage) = stage.get_untracked() {
        // Without the capture a drag ends at the stage's edge; that is all that is lost.
        let _ = stage.set_pointer_capture(pointer_id);
    }
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
    page.stage.pointed_with(hand_of(event));
    if page.brush.does.get_untracked().is_some() {
        page.brush.move_to(Some(page.stage.view.get_untracked().to_photo(point)));
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
            let view = page.stage.view.get_untracked();
            let paints = page.look(|editor| editor.painting().is_some()).unwrap_or_default();
            // Of a box only the last place counts, of a stroke the way there.
            let way = if paints { coalesced(event) } else { Vec::new() };
            let way = way.iter().map(|event| point_in_screen(stage, event));
            let points: Vec<_> = way.chain([point]).map(|point| view.to_photo(point)).collect();
            if page.look(Editor::has_gesture).unwrap_or_default() {
                page.edit(|editor| points.iter().for_each(|point| editor.drag_to(*point)));
            }
            // From now on it is no click on the label that it began on.
            let on_label = pointers.with_value(|pointers| pointers.on_label);
            if on_label && page.look(Editor::is_dragging).unwrap_or_default() {
                pointers.update_value(|pointers| pointers.on_label = false);
                capture(stage, id);
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

/// The moves that the browser joined into one event, if it says so.
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
    let (was_down, on_label) = pointers
        .try_update_value(|pointers| {
            let count = pointers.down.len();
            pointers.down.retain(|(other, _)| *other != id);
            // After a pinch the finger that stays must not start to draw.
            (pointers.down.len() < count, pointers.on_label)
        })
        .unwrap_or_default();
    if !was_down || !page.look(Editor::has_gesture).unwrap_or_default() {
        return;
    }
    // What is clicked of a label is the label's own matter.
    if !keeps || on_label {
        page.edit(Editor::cancel);
        return;
    }
    match page.edit(Editor::finish) {
        Some(Finished::Click(over)) => page.select(over),
        Some(Finished::Drawn(id) | Finished::Changed(id)) => page.select(Some(id)),
        Some(Finished::Painted) => return,
        Some(Finished::Sliver(BoxInPhoto { width, height, .. })) => page
            .messages
            .announce(format!("{width} by {height} pixels are too thin for a digit: no box.")),
        Some(Finished::Nothing) | None => {}
    }
    if page.look(Editor::selected).flatten().is_none() {
        // A click on empty photo lets go of the box.
        focus_stage();
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
