//! The service worker as the page sees it: it is registered, a new version is announced, and photos
//! that other programs share come through it. What it does is said in `www/service-worker.js`.
//!
//! Nothing depends on it: where the browser has none, or forbids it, as in some private windows,
//! the page is fetched at every visit, and that is all.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    File, MessageEvent, RegistrationOptions, ServiceWorker, ServiceWorkerContainer,
    ServiceWorkerRegistration, ServiceWorkerState, ServiceWorkerUpdateViaCache,
};

use super::icons::Icon;
use super::page::Page;
use super::photos::adding::{add, add_readable};
use super::photos::given::Given;
use super::state::engine::EngineState;
use super::state::keeping::Kept;
use super::state::messages::Tone;
use super::state::version::NewVersion;

const SCRIPT: &str = "service-worker.js";

/// In the page's address when a photo is shared with it: the token to ask for it with.
const SHARED: &str = "shared";

/// Keeps the page for use without a network, announces new versions, and takes what other programs
/// hand to the page.
pub fn listen(page: Page) {
    take_launched(page);
    let Some(container) = container() else {
        take_shared(page, None);
        return;
    };
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        hear(page, &event.data());
    });
    container.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    let on_change = Closure::<dyn FnMut()>::new(move || {
        // Only where the user said so: elsewhere it would lose the work on the page.
        if page.version.new.get_untracked() == NewVersion::Asked {
            reload();
        }
    });
    container.set_oncontrollerchange(Some(on_change.as_ref().unchecked_ref()));
    on_change.forget();
    take_shared(page, container.controller());

    // Not before the engine is there (or is not to be had): what the worker fetches would slow it.
    let registered = StoredValue::new(false);
    Effect::new(move |_| {
        let loading = page.engine.state.with(|state| matches!(state, EngineState::Starting(_)));
        if !loading && !registered.get_value() {
            registered.set_value(true);
            let container = container.clone();
            // An error means that there is no worker, which is all right.
            spawn_local(async move { drop(register(page, container).await) });
        }
    });
}

/// Missing if the page does not come from a secure origin, although the binding's type says otherwise.
fn container() -> Option<ServiceWorkerContainer> {
    let navigator = window().navigator();
    js_sys::Reflect::get(&navigator, &"serviceWorker".into()).ok()?.dyn_into().ok()
}

async fn register(page: Page, container: ServiceWorkerContainer) -> Result<(), JsValue> {
    let options = RegistrationOptions::new();
    // The list of files, which the script imports, says what the newest version is.
    options.set_update_via_cache(ServiceWorkerUpdateViaCache::None);
    let registration = JsFuture::from(container.register_with_options(SCRIPT, &options)).await?;
    let registration: ServiceWorkerRegistration = registration.dyn_into()?;
    if let Some(active) = registration.active() {
        // Its files may have been thrown away since it was installed.
        active.post_message(&"fill".into())?;
    }
    let look = {
        let registration = registration.clone();
        move || {
            // Without a controller the page is the newest already: it came from the server.
            if registration.waiting().is_some()
                && container.controller().is_some()
                && page.version.new.get_untracked() == NewVersion::None
            {
                page.version.is_ready();
            }
        }
    };
    look();
    let follow = {
        let registration = registration.clone();
        move || {
            let Some(worker) = registration.installing() else { return };
            let (look, followed) = (look.clone(), worker.clone());
            let on_state = Closure::<dyn FnMut()>::new(move || {
                if followed.state() == ServiceWorkerState::Installed {
                    look();
                }
            });
            worker.set_onstatechange(Some(on_state.as_ref().unchecked_ref()));
            on_state.forget();
        }
    };
    follow();
    let on_found = Closure::<dyn FnMut()>::new(follow);
    registration.set_onupdatefound(Some(on_found.as_ref().unchecked_ref()));
    on_found.forget();
    Ok(())
}

fn reload() {
    // Fails only for a document that is not shown any more.
    let _ = window().location().reload();
}

/// Has the new version take over, and then the page is loaded again.
fn accept(page: Page) {
    page.version.was_asked();
    spawn_local(async move {
        // Without one that waits, another window's user has been quicker.
        if ask_waiting().await.is_none() {
            reload();
        }
    });
}

async fn ask_waiting() -> Option<()> {
    let registration = JsFuture::from(container()?.get_registration()).await.ok()?;
    let registration: ServiceWorkerRegistration = registration.dyn_into().ok()?;
    registration.waiting()?.post_message(&"take-over".into()).ok()
}

/// What the worker says.
fn hear(page: Page, data: &JsValue) {
    let field = |name: &str| js_sys::Reflect::get(data, &name.into()).unwrap_or_default();
    if field("otherWindows").as_f64().is_some() {
        page.version.is_ready();
        page.messages.show(
            Tone::Notice,
            "Doorplate is open in other windows. Close them, then reload here for the new version."
                .to_owned(),
        );
    } else if let Ok(photos) = field("photos").dyn_into::<js_sys::Array>() {
        let files: Vec<File> = photos.iter().filter_map(|file| file.dyn_into().ok()).collect();
        if files.is_empty() {
            tell_nothing_came(page);
        } else {
            add(page, files.into_iter().map(Given::from).collect());
        }
    }
}

fn tell_nothing_came(page: Page) {
    page.messages.show(
        Tone::Error,
        "The shared photo did not arrive. Open it here, or share it again.".to_owned(),
    );
}

/// Asks for the photo that another program shared, if that is why the page was opened.
fn take_shared(page: Page, controller: Option<ServiceWorker>) {
    let Ok(url) = window().location().href().and_then(|href| web_sys::Url::new(&href)) else {
        return;
    };
    let Some(token) = url.search_params().get(SHARED) else { return };
    // Reloaded, the page must not ask again.
    url.search_params().delete(SHARED);
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&url.href()));
    }
    let asked = controller.is_some_and(|controller| {
        controller.post_message(&format!("{SHARED} {token}").into()).is_ok()
    });
    if !asked {
        tell_nothing_came(page);
    }
}

/// Takes the photos that the system opens with the installed page.
fn take_launched(page: Page) {
    let field = |of: &JsValue, name: &str| js_sys::Reflect::get(of, &name.into()).ok();
    let Some(queue) = field(&window(), "launchQueue").filter(JsValue::is_object) else { return };
    let Some(set) = field(&queue, "setConsumer").and_then(|set| set.dyn_into().ok()) else {
        return;
    };
    let set: js_sys::Function = set;
    let consumer = Closure::<dyn FnMut(JsValue)>::new(move |launch: JsValue| {
        let handles = field(&launch, "files").and_then(|files| files.dyn_into().ok());
        let handles: js_sys::Array = handles.unwrap_or_default();
        if handles.length() == 0 {
            return;
        }
        spawn_local(async move {
            let (mut files, mut unread) = (Vec::new(), Vec::new());
            for handle in handles.iter() {
                match file_of(&handle).await {
                    Ok(file) => files.push(Given::from(file)),
                    Err(_) => unread.extend(field(&handle, "name").and_then(|it| it.as_string())),
                }
            }
            add_readable(page, files, unread);
        });
    });
    // A queue that does not take it opens no files; the page itself is not touched.
    let _ = set.call1(&queue, consumer.as_ref());
    consumer.forget();
}

async fn file_of(handle: &JsValue) -> Result<File, JsValue> {
    let get: js_sys::Function = js_sys::Reflect::get(handle, &"getFile".into())?.dyn_into()?;
    let promise: js_sys::Promise = get.call0(handle)?.dyn_into()?;
    JsFuture::from(promise).await?.dyn_into()
}

/// The line about a new version.
#[component]
pub fn UpdateLine(page: Page) -> impl IntoView {
    let shown = Memo::new(move |_| page.version.new.get() != NewVersion::None);
    view! {
        <Show when=move || shown.get()>
            <div class="message" data-testid="update">
                {Icon::Info.view()}
                <p>
                    {move || {
                        if page.open.photo.with(Option::is_none) {
                            "A new version is ready."
                        } else if page.keeping.kept.with(|kept| *kept == Kept::Yes) {
                            "A new version is ready. Your photos and boxes are kept."
                        } else {
                            "A new version is ready. Save the photo first: reloading closes it."
                        }
                    }}
                </p>
                <button
                    type="button"
                    class="primary"
                    data-testid="reload"
                    disabled=move || page.version.new.get() == NewVersion::Asked
                    on:click=move |_| accept(page)
                >
                    "Reload"
                </button>
                <button
                    type="button"
                    class="quiet icon-only"
                    aria-label="Not now"
                    title="Not now: the new version comes with the next visit"
                    on:click=move |_| page.version.not_now()
                >
                    {Icon::Close.view()}
                </button>
            </div>
        </Show>
    }
}
