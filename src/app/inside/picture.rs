//! A picture in the inspector, with a mark on the point of the photo that the pointer is on in
//! any of them.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::{Clamped, JsValue};
use web_sys::{HtmlCanvasElement, ImageData, PointerEvent};

use crate::app::browser::context_in_memory;
use crate::app::lean::text;
use crate::app::state::seen::Seen;

/// A part of the photo: left, top, width and height in pixels.
pub type Frame = [f64; 4];

/// A point of the photo.
pub type Point = [f64; 2];

/// What a picture shows.
#[derive(Clone, PartialEq)]
pub struct Shown {
    /// Pixels across and down.
    pub size: [u32; 2],
    /// RGBA, layer upon layer.
    pub layers: Vec<Vec<u8>>,
    /// The part of the photo that lies below the layers, if any.
    pub below: Option<Frame>,
    /// The part of the photo that the picture is of.
    pub frame: Frame,
}

/// A picture with its name and, below it, what there is to know.
#[component]
pub fn Picture(
    name: &'static str,
    #[prop(into)] caption: Signal<String>,
    #[prop(into)] shown: Signal<Option<Shown>, LocalStorage>,
    /// The photo's pixels, for what lies below.
    photo: Seen<Option<web_sys::ImageBitmap>, LocalStorage>,
    mark: RwSignal<Option<Point>>,
    #[prop(optional)] class: &'static str,
) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        shown.with(|shown| {
            if let Some(shown) = shown {
                // What cannot be drawn for want of memory stays empty.
                let _ = photo.with(|photo| draw(&canvas, shown, photo.as_ref()));
            }
        });
    });
    let pointed = move |event: PointerEvent| {
        let Some(canvas) = canvas.get_untracked() else { return };
        let frame = shown.with_untracked(|shown| shown.as_ref().map(|shown| shown.frame));
        let Some([left, top, width, height]) = frame else { return };
        let place = canvas.get_bounding_client_rect();
        let across = (f64::from(event.client_x()) - place.left()) / place.width().max(1.0);
        let down = (f64::from(event.client_y()) - place.top()) / place.height().max(1.0);
        let inside = (0.0..=1.0).contains(&across) && (0.0..=1.0).contains(&down);
        mark.set(inside.then_some([left + across * width, top + down * height]));
    };
    // In parts of the picture, where the mark lies on it.
    let marked = move || {
        let [x, y] = mark.get()?;
        let [left, top, width, height] =
            shown.with(|shown| shown.as_ref().map(|shown| shown.frame))?;
        let (across, down) = ((x - left) / width, (y - top) / height);
        let inside = (0.0..=1.0).contains(&across) && (0.0..=1.0).contains(&down);
        inside.then(|| format!("left:{:.2}%;top:{:.2}%", 100.0 * across, 100.0 * down))
    };
    let aspect = text(move || {
        let size = shown.with(|shown| shown.as_ref().map(|shown| shown.size));
        size.map_or_else(String::new, |[width, height]| format!("{width} / {height}"))
    });
    view! {
        <figure class=format!("picture {class}") data-testid="picture" data-name=name>
            <figcaption>{name}</figcaption>
            <div
                class="picture-frame"
                style:aspect-ratio=aspect
                on:pointermove=pointed
                on:pointerdown=pointed
                on:pointerleave=move |_| mark.set(None)
            >
                <canvas node_ref=canvas role="img" aria-label=name></canvas>
                {move || marked().map(|style| view! { <span class="picture-mark" style=style></span> })}
            </div>
            <p class="picture-note">{caption}</p>
        </figure>
    }
}

fn draw(
    canvas: &HtmlCanvasElement,
    shown: &Shown,
    photo: Option<&web_sys::ImageBitmap>,
) -> Result<(), JsValue> {
    let [width, height] = shown.size;
    canvas.set_width(width);
    canvas.set_height(height);
    let Some(context) = context_in_memory(canvas)? else { return Ok(()) };
    if let (Some([left, top, across, down]), Some(photo)) = (shown.below, photo) {
        context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
            photo,
            left,
            top,
            across,
            down,
            0.0,
            0.0,
            f64::from(width),
            f64::from(height),
        )?;
    }
    for layer in &shown.layers {
        let data = ImageData::new_with_u8_clamped_array_and_sh(Clamped(layer), width, height)?;
        if shown.below.is_none() && shown.layers.len() == 1 {
            context.put_image_data(&data, 0.0, 0.0)?;
        } else {
            lay(&context, &data)?;
        }
    }
    Ok(())
}

/// Draws pixels over what is there; `put_image_data` would replace it.
fn lay(context: &web_sys::CanvasRenderingContext2d, data: &ImageData) -> Result<(), JsValue> {
    use wasm_bindgen::JsCast as _;
    let layer: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    layer.set_width(data.width());
    layer.set_height(data.height());
    if let Some(own) = context_in_memory(&layer)? {
        own.put_image_data(data, 0.0, 0.0)?;
    }
    context.draw_image_with_html_canvas_element(&layer, 0.0, 0.0)
}
