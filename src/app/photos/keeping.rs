//! The work is kept in the browser, so that it is there after a reload or a crash.
//!
//! One tab keeps: the first that holds a lock, which the browser takes back when the tab is gone.
//! Others work all the same and say that theirs is not kept; so no two write to one record.

use std::cell::RefCell;
use std::rc::Rc;

use futures::channel::oneshot;
use futures::future::{Either, select};
use js_sys::Promise;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

use super::gallery::Gallery;
use super::record::Record;
use super::store::Store;
use super::thumbnail;
use crate::app::icons::Icon;
use crate::app::lean::when;
use crate::app::page::Page;
use crate::app::state::keeping::Kept;
use crate::app::state::messages::Tone;

/// The lock of the tab that keeps its work.
const LOCK: &str = "doorplate-work";

/// A page that is reloaded gets its lock back only when its predecessor is gone.
const LOCK_TRIES: u32 = 6;
const LOCK_PAUSE_MILLISECONDS: u32 = 150;

/// Pause after a change before it is kept, so that a series of changes is kept once.
const DELAY_MILLISECONDS: u32 = 400;

/// Restores the last work and keeps it from now on.
pub fn start(page: Page) {
    let keeping = page.keeping;
    // Before anybody can choose a photo: what is chosen while the work is read goes on the stage.
    let ticket = page.open.take_ticket();
    spawn_local(async move {
        if !is_first_tab().await {
            keeping
                .not_kept("Doorplate is open in another tab. Work here won't be saved.".to_owned());
            return;
        }
        match Store::open().await {
            Ok(store) => {
                let store = Rc::new(store);
                if let Err(error) = restore(page, ticket, &store).await {
                    leptos::logging::warn!("the last work could not be restored: {error}");
                }
                keeping.keeps_in(store);
                keep_soon(page);
            }
            Err(error) => {
                leptos::logging::warn!("no storage: {error}");
                keeping.not_kept(
                    "This browser does not let Doorplate keep your work. Save before you leave."
                        .to_owned(),
                );
            }
        }
    });
    Effect::new(move |_| {
        page.photos.gallery.track();
        keep_soon(page);
    });
    // Said once, until it is closed, and only when there is something that is not kept.
    let says = Memo::new(move |_| {
        let has_photos = page.photos.gallery.with(|gallery| !gallery.entries().is_empty());
        match keeping.kept.get() {
            Kept::No(reason) if has_photos => Some(reason),
            _ => None,
        }
    });
    Effect::new(move |said: Option<bool>| {
        let said = said.unwrap_or_default();
        match says.get() {
            Some(reason) if !said => {
                page.messages.show(Tone::Error, reason);
                true
            }
            _ => said,
        }
    });
    let leave = window_event_listener(ev::beforeunload, move |event| {
        let unsaved =
            page.photos.gallery.with_untracked(|gallery| gallery.unsaved().next().is_some());
        if unsaved && matches!(keeping.kept.get_untracked(), Kept::No(_)) {
            event.prevent_default();
        }
    });
    // The last moment that a page on a phone hears of.
    let hide = window_event_listener(ev::visibilitychange, move |_| {
        if document().hidden() {
            keep_now(page);
        }
    });
    on_cleanup(move || {
        leave.remove();
        hide.remove();
    });
}

/// Lets all photos go, here and in the store.
pub fn forget(page: Page) {
    page.keeping.set_restored(false);
    page.photos.forget_all();
    page.clear_stage();
    keep_now(page);
}

async fn restore(page: Page, ticket: u32, store: &Store) -> Result<(), idb::Error> {
    let Some(record) = store.record().await? else { return Ok(()) };
    let photos = page.photos;
    let mut restored = Vec::new();
    for (place, photo) in record.photos.iter().enumerate() {
        let Some(file) = store.file(&photo.key).await? else { continue };
        let id = photos.add(photo.name.clone(), photo.size, file);
        photos.change(|gallery| record.restore(place, gallery, id));
        page.keeping.has_file(id, photo.key.clone());
        restored.push((id, record.open == Some(place)));
    }
    if restored.is_empty() {
        return Ok(());
    }
    if let Some((id, _)) = restored.iter().find(|(_, open)| *open).or(restored.first()) {
        page.open_chosen(ticket, *id);
    }
    page.keeping.set_restored(true);
    spawn_local(async move {
        for (id, _) in restored {
            thumbnail::make(page, id).await;
        }
    });
    Ok(())
}

fn keep_soon(page: Page) {
    page.keeping.keep_after(DELAY_MILLISECONDS, move || keep_now(page));
}

fn keep_now(page: Page) {
    let keeping = page.keeping;
    if !keeping.begins() {
        return;
    }
    spawn_local(async move {
        while let Some(store) = keeping.store()
            && keeping.take_change()
        {
            if let Err(error) = write(page, &store).await {
                leptos::logging::warn!("the work could not be kept: {error}");
                keeping.not_kept(
                    "This browser has no room to keep your work. Save before you leave.".to_owned(),
                );
            }
        }
        keeping.ended();
    });
}

/// Files first, then the record that names them, then what it no longer names goes: whenever the
/// page ends, what the record names is there.
async fn write(page: Page, store: &Store) -> Result<(), idb::Error> {
    let photos = page.photos;
    let keeping = page.keeping;
    for id in photos.ids() {
        let Some((file, _)) = photos.file(id).filter(|_| !keeping.knows(id)) else { continue };
        // Not the id alone: a later visit counts from 1 again.
        let key = format!("{:.0}-{id}", js_sys::Date::now());
        match store.keep_file(&key, &file).await {
            Ok(()) => keeping.has_file(id, key),
            Err(error) => {
                keeping.has_no_room(id);
                leptos::logging::warn!("a photo could not be kept: {error}");
                keeping.not_kept(
                    "This browser has no room to keep all photos. Save before you leave."
                        .to_owned(),
                );
            }
        }
    }
    let record = photos
        .gallery
        .with_untracked(|gallery: &Gallery| Record::of(gallery, |id| keeping.key(id)));
    store.keep_record(&record).await?;
    let keys: Vec<String> = record.photos.into_iter().map(|photo| photo.key).collect();
    keeping.has_only(&keys);
    store.keep_only(&keys).await
}

/// Takes the lock for as long as the page lives. A browser without locks has only this tab, as far
/// as can be told.
async fn is_first_tab() -> bool {
    for attempt in 0..LOCK_TRIES {
        if attempt > 0 {
            gloo::timers::future::TimeoutFuture::new(LOCK_PAUSE_MILLISECONDS).await;
        }
        if try_lock().await.unwrap_or(true) {
            return true;
        }
    }
    false
}

/// Web Locks are not in `web-sys` but as unstable, so by hand.
async fn try_lock() -> Result<bool, JsValue> {
    let navigator = js_sys::Reflect::get(&window(), &"navigator".into())?;
    let locks = js_sys::Reflect::get(&navigator, &"locks".into())?;
    let request: js_sys::Function = js_sys::Reflect::get(&locks, &"request".into())?.dyn_into()?;
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE)?;
    let (sender, receiver) = oneshot::channel();
    let sender = RefCell::new(Some(sender));
    let got = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        if let Some(sender) = sender.take() {
            // The receiver waits below.
            let _ = sender.send(!lock.is_null());
        }
        if lock.is_null() {
            return JsValue::UNDEFINED;
        }
        // Held until this promise is kept, which it never is.
        Promise::new(&mut |_, _| {}).into()
    });
    let request: Promise = request.call3(&locks, &LOCK.into(), &options, &got)?.dyn_into()?;
    // Where storage is forbidden the request is refused, and nobody is called back.
    match select(receiver, JsFuture::from(request)).await {
        Either::Left((got, _)) => Ok(got.unwrap_or(true)),
        Either::Right((ended, receiver)) => {
            ended?;
            Ok(receiver.await.unwrap_or(true))
        }
    }
}

/// Says that the last work was restored, and offers to let it go.
#[component]
pub fn Restored(page: Page) -> impl IntoView {
    let restored = page.keeping.restored;
    view! {
        <Show when=when(move || restored.get())>
            <div class="message" data-testid="restored">
                <p>"Your last work is back."</p>
                <button type="button" data-testid="discard" on:click=move |_| forget(page)>
                    "Delete it"
                </button>
                <button
                    type="button"
                    class="quiet icon-only"
                    aria-label="Close this message"
                    on:click=move |_| page.keeping.set_restored(false)
                >
                    {Icon::Close.view()}
                </button>
            </div>
        </Show>
    }
}
