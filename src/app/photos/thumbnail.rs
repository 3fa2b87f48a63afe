//! Small pictures of photos.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlCanvasElement, ImageBitmap};

use super::gallery::PhotoId;
use crate::app::browser::{context_in_memory, decode};
use crate::app::page::Page;
use crate::photo::PhotoSize;

/// Its sides in pixels: twice those in `www/styles/strip.css`, for sharp screens.
const SIDES: (f64, f64) = (168.0, 120.0);

const QUALITY: f64 = 0.7;

/// Makes a photo's thumbnail, if the browser can decode the photo; the decoded photo is freed at
/// once.
pub async fn make(page: Page, id: PhotoId) {
    let Some((file, _)) = page.photos.file(id) else { return };
    let Ok(picture) = decode(window().create_image_bitmap_with_blob(&file)).await else { return };
    let size = PhotoSize { width: picture.width(), height: picture.height() };
    take(page, id, &picture, size);
    picture.close();
}

/// The photo's thumbnail from its pixels.
pub fn take(page: Page, id: PhotoId, picture: &ImageBitmap, size: PhotoSize) {
    let thumbnail = draw(picture).ok();
    page.photos.take_up(|gallery| {
        let Some(entry) = gallery.get_mut(id) else { return false };
        if entry.work.boxes.is_empty() {
            entry.size = size;
        }
        entry.thumbnail = thumbnail;
        true
    });
}

/// The middle of the picture, so that the whole frame is filled.
fn draw(picture: &ImageBitmap) -> Result<String, JsValue> {
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    canvas.set_width(SIDES.0 as u32);
    canvas.set_height(SIDES.1 as u32);
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let scale = (SIDES.0 / width).max(SIDES.1 / height);
    let (part_width, part_height) = (SIDES.0 / scale, SIDES.1 / scale);
    if let Some(context) = context_in_memory(&canvas)? {
        context.set_fill_style_str("#888");
        context.fill_rect(0.0, 0.0, SIDES.0, SIDES.1);
        context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
            picture,
            (width - part_width) / 2.0,
            (height - part_height) / 2.0,
            part_width,
            part_height,
            0.0,
            0.0,
            SIDES.0,
            SIDES.1,
        )?;
    }
    canvas.to_data_url_with_type_and_encoder_options("image/jpeg", &JsValue::from_f64(QUALITY))
}
