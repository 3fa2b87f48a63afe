//! Helpers for what every part of the page does with the browser: files, pictures, canvases, what
//! an error says. They know nothing of the page.

use leptos::prelude::*;
use wasm_bindgen::{Clamped, JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, CanvasRenderingContext2d, HtmlCanvasElement, HtmlElement, ImageBitmap,
    ImageData,
};

use crate::photo::PhotoSize;

// ---- Files ------------------------------------------------------------------------------------

/// What a JavaScript error says.
pub fn describe(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "the browser does not say why".to_owned())
}

/// A file from the server.
///
/// # Errors
/// What the server or the browser says.
pub async fn fetch_blob(url: &str) -> Result<Blob, String> {
    let response = gloo::net::http::Request::get(url).send().await.map_err(|e| e.to_string())?;
    if !response.ok() {
        return Err(format!("the server answers {}", response.status()));
    }
    let bytes = response.binary().await.map_err(|error| error.to_string())?;
    blob_of(&bytes, "").map_err(|error| describe(&error))
}

/// A file's content.
///
/// # Errors
/// The browser's own words, as when the file is gone from its place.
pub async fn bytes_of(file: &Blob) -> Result<Vec<u8>, String> {
    let buffer = JsFuture::from(file.array_buffer())
        .await
        .map_err(|error| format!("it could not be read: {}", describe(&error)))?;
    Ok(js_sys::Uint8Array::new(&buffer).to_vec())
}

/// Hands a file to the browser as a download.
///
/// # Errors
/// The browser's own words.
pub fn download(file: &Blob, name: &str) -> Result<(), String> {
    let start = || -> Result<(), JsValue> {
        let url = web_sys::Url::create_object_url_with_blob(file)?;
        let anchor: web_sys::HtmlAnchorElement = document().create_element("a")?.dyn_into()?;
        anchor.set_href(&url);
        anchor.set_download(name);
        anchor.click();
        // Not at once: some browsers fetch the URL only after this task.
        gloo::timers::callback::Timeout::new(30_000, move || {
            let _ = web_sys::Url::revoke_object_url(&url);
        })
        .forget();
        Ok(())
    };
    start().map_err(|error| describe(&error))
}

/// A file of these bytes.
///
/// # Errors
/// The browser's own, as when it has too little memory.
pub fn blob_of(bytes: &[u8], media_type: &str) -> Result<Blob, JsValue> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    Blob::new_with_u8_array_sequence_and_options(&parts, &options)
}

/// One file of several parts.
///
/// # Errors
/// The browser's own, as when it has too little memory.
pub fn join(parts: &[Blob], media_type: &str) -> Result<Blob, JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let parts: js_sys::Array = parts.iter().collect();
    Blob::new_with_blob_sequence_and_options(&parts, &options)
}

/// The id of the input that takes files.
pub const FILE_INPUT: &str = "file-input";

/// Opens the browser's file dialog.
pub fn choose_file() {
    let input = document().get_element_by_id(FILE_INPUT);
    if let Some(input) = input.and_then(|input| input.dyn_into::<HtmlElement>().ok()) {
        input.click();
    }
}

// ---- Pictures ---------------------------------------------------------------------------------

/// The picture that the engine decoded.
///
/// # Errors
/// The browser's own words, as when it has too little memory.
pub async fn picture_from_rgba(size: PhotoSize, rgba: &[u8]) -> Result<ImageBitmap, String> {
    let data = ImageData::new_with_u8_clamped_array_and_sh(Clamped(rgba), size.width, size.height)
        .map_err(|error| describe(&error))?;
    decode(window().create_image_bitmap_with_image_data(&data))
        .await
        .map_err(|error| describe(&error))
}

/// A picture that the browser decodes.
///
/// # Errors
/// The browser's own, as for a format that it does not know.
pub async fn decode(promise: Result<js_sys::Promise, JsValue>) -> Result<ImageBitmap, JsValue> {
    JsFuture::from(promise?).await?.dyn_into()
}

/// A small canvas with these pixels.
pub fn canvas_with(width: u32, height: u32, rgba: &[u8]) -> Result<HtmlCanvasElement, JsValue> {
    let data = ImageData::new_with_u8_clamped_array_and_sh(Clamped(rgba), width, height)?;
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    canvas.set_width(width);
    canvas.set_height(height);
    if let Some(context) = context_in_memory(&canvas)? {
        context.put_image_data(&data, 0.0, 0.0)?;
    }
    Ok(canvas)
}

/// The 2D context of a canvas; none when the browser has no memory for one.
pub fn context_of(canvas: &HtmlCanvasElement) -> Result<Option<CanvasRenderingContext2d>, JsValue> {
    Ok(canvas.get_context("2d")?.and_then(|context| context.dyn_into().ok()))
}

/// Whether what is drawn on a canvas comes there: on one that is too large for it a browser draws
/// nothing, and does not say so. Its first pixel is another one then.
pub fn can_draw(context: &CanvasRenderingContext2d) -> bool {
    context.fill_rect(0.0, 0.0, 1.0, 1.0);
    let pixel = context.get_image_data(0.0, 0.0, 1.0, 1.0);
    pixel.is_ok_and(|pixel| pixel.data().0.get(3) == Some(&u8::MAX))
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
