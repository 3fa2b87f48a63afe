//! Photos in and out: reading files, having the browser decode them, samples, downloads.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;
use wasm_bindgen::{Clamped, JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, File, FileList, ImageBitmap, ImageData};

use super::editor::Editor;
use super::messages::Tone;
use super::page::Page;
use crate::photo::{PhotoSize, size_from_header};

/// Larger files are refused before they are read: twice their size has to fit in the page's
/// memory, and no photo within the limit of pixels comes near it.
const MAX_FILE_BYTES: f64 = 200.0 * 1024.0 * 1024.0;

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
    response.json().await.unwrap_or_default()
}

/// Opens a sample picture.
pub fn open_sample(page: Page, sample: Sample) {
    let ticket = page.loading_began();
    spawn_local(async move {
        match fetch_blob(&sample.url()).await {
            Ok(blob) => open_with_ticket(page, ticket, blob, sample.file, None).await,
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

/// The files of a drop, a paste or a file dialog.
pub fn files_of(list: &FileList) -> Vec<File> {
    (0..list.length()).filter_map(|index| list.get(index)).collect()
}

/// Opens the first picture of those given at once.
pub fn open_files(page: Page, files: Vec<File>) {
    let count = files.len();
    // A file without a known type may still be a picture: its content decides.
    let picture = files.iter().position(|file| file.type_().starts_with("image/"));
    let Some(file) = files.into_iter().nth(picture.unwrap_or_default()) else { return };
    if count > 1 {
        page.messages.show(
            Tone::Notice,
            format!("{count} files were given; {} is opened, one at a time.", file.name()),
        );
    }
    open_file(page, file);
}

fn open_file(page: Page, file: File) {
    let name = file.name();
    let ticket = page.loading_began();
    spawn_local(async move {
        open_with_ticket(page, ticket, file.into(), name, None).await;
        page.loading_ended();
    });
}

/// Goes back to a photo that was open before, with its boxes.
pub fn open_again(page: Page, blob: Blob, name: String, editor: Editor) {
    let ticket = page.loading_began();
    spawn_local(async move {
        open_with_ticket(page, ticket, blob, name, Some(editor)).await;
        page.loading_ended();
    });
}

async fn open_with_ticket(
    page: Page,
    ticket: u32,
    blob: Blob,
    name: String,
    carried: Option<Editor>,
) {
    if blob.size() > MAX_FILE_BYTES {
        let megabytes = blob.size() / (1024.0 * 1024.0);
        page.messages.show(
            Tone::Error,
            format!(
                "{name} has {megabytes:.0} MB; the limit is 200 MB. Save it as JPEG or PNG, or \
                 scale it down."
            ),
        );
        return;
    }
    let buffer = match JsFuture::from(blob.array_buffer()).await {
        Ok(buffer) => buffer,
        Err(error) => {
            page.messages
                .show(Tone::Error, format!("{name} could not be read: {}.", describe(&error)));
            return;
        }
    };
    if !page.is_last_chosen(ticket) {
        return;
    }
    let bytes = js_sys::Uint8Array::new(&buffer).to_vec();
    if let Err(error) = size_from_header(&bytes) {
        page.messages.show(Tone::Error, format!("{name}: {error}."));
        return;
    }
    page.accept(ticket, blob.clone(), name, bytes, carried);
    let picture = decode(window().create_image_bitmap_with_blob(&blob)).await;
    if !page.is_accepted(ticket) {
        return;
    }
    match picture {
        Ok(picture) => {
            let size = PhotoSize { width: picture.width(), height: picture.height() };
            page.show_photo(picture, size);
        }
        Err(_) => page.await_preview(),
    }
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

async fn decode(promise: Result<js_sys::Promise, JsValue>) -> Result<ImageBitmap, JsValue> {
    JsFuture::from(promise?).await?.dyn_into()
}

/// Hands a PNG to the browser as a download.
///
/// # Errors
/// The browser's own words.
pub fn download(png: &[u8], name: &str) -> Result<(), String> {
    let start = || -> Result<(), JsValue> {
        let blob = blob_of(png, "image/png")?;
        let url = web_sys::Url::create_object_url_with_blob(&blob)?;
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

fn blob_of(bytes: &[u8], media_type: &str) -> Result<Blob, JsValue> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    Blob::new_with_u8_array_sequence_and_options(&parts, &options)
}

/// What a JavaScript error says.
pub fn describe(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "the browser does not say why".to_owned())
}
