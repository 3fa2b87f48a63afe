//! Photos that are given: by the dialog, a drop, a paste; many at once, in folders, some broken.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, DataTransfer, File, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry,
    HtmlInputElement,
};

use super::given::{Given, given_of};
use super::{boxfiles, named::named, thumbnail};
use crate::app::browser::{bytes_of, describe};
use crate::app::icons::Icon;
use crate::app::page::Page;
use crate::app::state::messages::Tone;
use crate::photo::{HeaderError, PhotoSize, size_from_header};

/// Larger files are refused before they are read: twice their size has to fit in the page's
/// memory, and no photo within the limit of pixels comes near it.
const MAX_FILE_BYTES: f64 = 200.0 * 1024.0 * 1024.0;

/// A file's beginning, which holds the header of nearly all.
const HEADER_BYTES: f64 = 256.0 * 1024.0;

/// More files at once are likely a mistake, such as a whole disk.
const MAX_FILES: usize = 2000;

/// Takes a photo with the camera, on a phone or tablet: the style sheet shows it where the pointer
/// is coarse.
#[component]
pub fn Camera(page: Page) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let take = move |_| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    view! {
        <button
            type="button"
            class="quiet icon-only camera"
            aria-label="Take a photo"
            title="Take a photo"
            on:click=take
        >
            {Icon::Camera.view()}
        </button>
        <input
            node_ref=input
            class="visually-hidden"
            type="file"
            accept="image/*"
            capture="environment"
            tabindex="-1"
            aria-hidden="true"
            data-testid="camera-input"
            on:change=move |event| {
                let input: HtmlInputElement = event_target(&event);
                if let Some(files) = input.files() {
                    add(page, given_of(&files));
                }
                input.set_value("");
            }
        />
    }
}

/// Adds photos, opens the first of them, and names those that are refused.
pub fn add(page: Page, given: Vec<Given>) {
    add_readable(page, given, Vec::new());
}

/// Adds files, and names those that could not be read.
pub fn add_readable(page: Page, given: Vec<Given>, unread: Vec<String>) {
    if given.is_empty() && unread.is_empty() {
        return;
    }
    page.read_chosen(|ticket| async move { add_all(page, ticket, given, &unread).await });
}

/// Adds what was dropped, folders with all that is in them.
pub fn add_dropped(page: Page, transfer: &DataTransfer) {
    let items = transfer.items();
    // Taken out at once: the list is empty after this task.
    let entries: Vec<FileSystemEntry> = (0..items.length())
        .filter_map(|index| items.get(index)?.webkit_get_as_entry().ok().flatten())
        .collect();
    let has_folder = entries.iter().any(FileSystemEntry::is_directory);
    let files = transfer.files().map(|files| given_of(&files)).unwrap_or_default();
    if !has_folder {
        if files.is_empty() {
            page.messages.show(
                Tone::Notice,
                "That is not a file. Save the picture first, then drop its file.".to_owned(),
            );
        }
        add(page, files);
        return;
    }
    page.read_chosen(|ticket| async move {
        let mut found = Vec::new();
        let mut unread = Vec::new();
        for entry in entries {
            walk(entry, &mut found, &mut unread).await;
        }
        if found.is_empty() {
            let text = "No photos in this folder. Choose another one.".to_owned();
            page.messages.show(Tone::Error, text);
        }
        if found.len() >= MAX_FILES {
            let text =
                format!("Only the first {MAX_FILES} files are opened. Drop the others next.");
            page.messages.show(Tone::Notice, text);
        }
        add_all(page, ticket, found, &unread).await;
    });
}

/// Adds photos that were chosen with this ticket and opens the first of them, unless one that was
/// chosen later is opened; names those that are refused or `unread`.
pub async fn add_all(page: Page, ticket: u32, given: Vec<Given>, unread: &[String]) {
    let (box_files, given): (Vec<Given>, Vec<Given>) =
        given.into_iter().partition(|given| boxfiles::is_box_file(&given.name));
    let count = given.len();
    let mut refused = Vec::new();
    let mut added = Vec::new();
    for Given { name, file } in given {
        match check(&file).await {
            Ok(size) => {
                let id = page.photos.add(name, size, file);
                if added.is_empty() && page.open_chosen(ticket, id) {
                    page.messages.close_errors();
                }
                added.push(id);
            }
            Err(reason) => refused.push((name, reason)),
        }
    }
    // Behind the first photo, which closes the lines of before.
    if !unread.is_empty() {
        page.messages.show(Tone::Error, format!("Could not read {}. Try again.", named(unread)));
    }
    match refused.as_slice() {
        [] => {}
        [(name, reason)] if count == 1 => {
            page.messages.show(Tone::Error, format!("{name}: {reason}."));
        }
        refused => {
            let lines: Vec<String> =
                refused.iter().map(|(name, reason)| format!("{name} ({reason})")).collect();
            let text = format!("Not opened, {} of {count} files: {}.", lines.len(), named(&lines));
            page.messages.show(Tone::Error, text);
        }
    }
    for id in added {
        thumbnail::make(page, id).await;
    }
    // Only now, as decoding says which way up a photo is.
    if !box_files.is_empty() {
        boxfiles::apply(page, box_files).await;
    }
}

/// The photo's size, if it can be one, from as little of the file as says so.
async fn check(file: &Blob) -> Result<PhotoSize, String> {
    if file.size() > MAX_FILE_BYTES {
        let megabytes = file.size() / (1024.0 * 1024.0);
        return Err(format!(
            "it has {megabytes:.0} MB; the limit is 200 MB. Save it as JPEG or PNG, or scale it \
             down"
        ));
    }
    let start = file.slice_with_f64_and_f64(0.0, HEADER_BYTES).map_err(|error| describe(&error))?;
    match size_from_header(&bytes_of(&start).await?) {
        Err(HeaderError::Damaged(_)) if file.size() > HEADER_BYTES => {
            size_from_header(&bytes_of(file).await?)
        }
        result => result,
    }
    .map_err(|error| error.to_string())
}

/// Files that may be pictures in a folder and its folders, in their names' order. Other files
/// in a folder, such as `.DS_Store`, were not chosen by anybody and are skipped.
async fn walk(entry: FileSystemEntry, found: &mut Vec<Given>, unread: &mut Vec<String>) {
    let mut waiting = vec![entry];
    while let Some(entry) = waiting.pop() {
        if found.len() >= MAX_FILES {
            return;
        }
        let name = entry.name();
        let read = if entry.is_directory() {
            children_of(entry.unchecked_into()).await.map(|children| {
                // The last is taken first.
                let by_name = |a: &FileSystemEntry, b: &FileSystemEntry| b.name().cmp(&a.name());
                let children = children
                    .sort_by(&mut |a, b| by_name(a.unchecked_ref(), b.unchecked_ref()) as i32);
                waiting.extend(children.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
            })
        } else {
            file_of(entry.unchecked_into()).await.map(|file| {
                if is_wanted(&file) {
                    found.push(file.into());
                }
            })
        };
        if read.is_err() {
            unread.push(name);
        }
    }
}

fn is_wanted(file: &File) -> bool {
    let name = file.name().to_lowercase();
    !name.starts_with('.')
        && (file.type_().starts_with("image/")
            || boxfiles::is_box_file(&name)
            || [".tif", ".tiff", ".heic", ".heif", ".hif"].iter().any(|end| name.ends_with(end)))
}

async fn children_of(folder: FileSystemDirectoryEntry) -> Result<js_sys::Array, JsValue> {
    let reader = folder.create_reader();
    let mut children = js_sys::Array::new();
    loop {
        // Browsers give a hundred or so at a time, and at last none.
        let batch: js_sys::Array = called_back(|done, failed| {
            reader.read_entries_with_callback_and_callback(done, failed)
        })
        .await?
        .unchecked_into();
        if batch.length() == 0 {
            return Ok(children);
        }
        children = children.concat(&batch);
    }
}

async fn file_of(entry: FileSystemFileEntry) -> Result<File, JsValue> {
    called_back(|done, failed| {
        entry.file_with_callback_and_callback(done, failed);
        Ok(())
    })
    .await
    .map(JsCast::unchecked_into)
}

/// What a function of the time before promises calls back with.
async fn called_back(
    call: impl FnOnce(&js_sys::Function, &js_sys::Function) -> Result<(), JsValue>,
) -> Result<JsValue, JsValue> {
    let mut call = Some(call);
    let promise = js_sys::Promise::new(&mut |resolve, reject| {
        let Some(call) = call.take() else { return };
        if let Err(error) = call(&resolve, &reject) {
            // Cannot fail: it is the promise's own function.
            let _ = reject.call1(&JsValue::NULL, &error);
        }
    });
    JsFuture::from(promise).await
}
