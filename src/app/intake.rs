//! Photos in and out: reading files, having the browser decode them, samples, downloads.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;
use wasm_bindgen::{Clamped, JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, ImageBitmap, ImageData};

use super::messages::Tone;
use super::page::Page;
use super::photos::{Given, PhotoId, add_all};
use crate::photo::{PhotoSize, size_from_header};

/// The folder of the sample pictures, relative to the page.
const SAMPLES: &str = "samples/";

/// A sample picture as `samples/index.json` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sample {
    /// Its file in the folder.
    pub file: String,
    /// What it shows.
    pub title: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Sample {
    /// Its URL, relative to the page.
    pub fn url(&self) -> String {
        format!("{SAMPLES}{}", self.file)
    }
}

/// The sample pictures; none when the list is not there or cannot be read, as the page is whole
/// without them.
pub async fn fetch_samples() -> Vec<Sample> {
    let Ok(response) = gloo::net::http::Request::get(&format!("{SAMPLES}index.json")).send().await
    else {
        return Vec::new();
    };
    if !response.ok() {
        return Vec::new();
    }
    let list = response.binary().await.unwrap_or_default();
    serde_json::from_slice(&list).unwrap_or_default()
}

/// Opens a sample picture.
pub fn open_sample(page: Page, sample: Sample) {
    let ticket = page.loading_began();
    spawn_local(async move {
        match fetch_blob(&sample.url()).await {
            Ok(file) => add_all(page, ticket, vec![Given { name: sample.file, file }], &[]).await,
            Err(reason) => page.messages.show(
                Tone::Error,
                format!("The sample {} could not be fetched: {reason}", sample.file),
            ),
        }
        page.loading_ended();
    });
}

async fn fetch_blob(url: &str) -> Result<Blob, String> {
    let response = gloo::net::http::Request::get(url).send().await.map_err(|e| e.to_string())?;
    if !response.ok() {
        return Err(format!("the server answers {}", response.status()));
    }
    let bytes = response.binary().await.map_err(|error| error.to_string())?;
    blob_of(&bytes, "").map_err(|error| describe(&error))
}

/// Opens one of the photos.
pub fn open(page: Page, id: PhotoId) {
    let Some((file, name)) = page.photos.file(id) else { return };
    page.photos.gallery.update(|gallery| gallery.set_open(Some(id)));
    let ticket = page.loading_began();
    spawn_local(async move {
        if let Err(reason) = open_with_ticket(page, ticket, id, &file).await {
            page.photos.fail(id, &reason);
            page.photo_failed(reason.clone());
            page.messages.show(Tone::Error, format!("{name}: {reason}."));
            let shown = page.photo.with_untracked(|photo| photo.as_ref().map(|photo| photo.id));
            page.photos.gallery.update(|gallery| gallery.set_open(shown));
        }
        page.loading_ended();
    });
}

async fn open_with_ticket(page: Page, ticket: u32, id: PhotoId, file: &Blob) -> Result<(), String> {
    let bytes = bytes_of(file).await?;
    if !page.is_last_chosen(ticket) {
        return Ok(());
    }
    size_from_header(&bytes).map_err(|error| error.to_string())?;
    page.accept(ticket, id, bytes);
    let picture = decode(window().create_image_bitmap_with_blob(file)).await;
    match picture {
        Ok(picture) if page.is_accepted(ticket) => {
            let size = PhotoSize { width: picture.width(), height: picture.height() };
            page.show_photo(picture, size);
        }
        Ok(picture) => picture.close(),
        Err(_) if page.is_accepted(ticket) => page.await_preview(),
        Err(_) => {}
    }
    Ok(())
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

/// What a JavaScript error says.
pub fn describe(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "the browser does not say why".to_owned())
}
