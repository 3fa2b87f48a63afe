//! The engine's worker as the page sees it: questions go in, what still matters comes out, and a
//! worker that crashed is replaced.
//!
//! The worker is spawned by hand: gloo-worker's bridge hides the `Worker` itself, and with it
//! `terminate` and the `error` event, without which a crashed engine could neither be noticed
//! nor replaced.
//!
//! On the wire a message is a `Uint8Array` with a postcard-encoded [`Request`] or [`Reply`],
//! its buffer transferred. The worker's first message is an empty one: it says that its wasm is
//! loaded and listens. Earlier requests wait here. A message that is not a `Uint8Array` says what the
//! worker fetched.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::browser::describe;
use super::dialogue::{Dialogue, Heard, Kind};
use crate::worker::protocol::{Ask, Reply, Request, RequestId};

/// The module script that loads the engine, relative to the page.
const SCRIPT: &str = "engine-start.js";

/// What the engine has to say.
pub enum Event {
    /// An answer that still matters.
    Heard(Heard),
    /// The worker crashed and a new one took over; everything open was asked again.
    Replaced {
        /// What was wrong with the old one.
        reason: String,
        /// How often that happened since the user last started the engine.
        restarts: u32,
    },
    /// The browser's records of what the worker fetched, as JSON.
    Fetched(String),
    /// The worker crashed too often.
    GaveUp {
        /// What was wrong with the last one.
        reason: String,
    },
}

/// A handle on the engine; clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: Rc<RefCell<Inner>>,
    tell: Rc<dyn Fn(Event)>,
}

#[derive(Default)]
struct Inner {
    dialogue: Dialogue,
    link: Option<Link>,
    /// Whether the last worker crashed once too often; only [`Engine::try_again`] ends it.
    gave_up: bool,
    /// Counts the workers, so that a late event of a terminated one is not taken for the new's.
    generation: u32,
}

/// A running worker. The closures live as long as it does.
struct Link {
    worker: Worker,
    listens: bool,
    waiting: Vec<RequestId>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl Engine {
    /// An engine that is not running yet; `tell` is called with everything it has to say.
    pub fn new(tell: impl Fn(Event) + 'static) -> Self {
        Engine { inner: Rc::default(), tell: Rc::new(tell) }
    }

    /// Asks something; the engine is loaded with the first question. Older questions of the same
    /// kind are dropped.
    pub fn ask(&self, ask: Ask) {
        let id = self.inner.borrow_mut().dialogue.ask(ask);
        let (runs, gave_up) = {
            let inner = self.inner.borrow();
            (inner.link.is_some(), inner.gave_up)
        };
        if runs || (!gave_up && self.spawn()) {
            self.send(id);
        }
    }

    /// Starts over because the user wants to. A running worker is asked again, so that what it
    /// has loaded stays; otherwise a new one is loaded and told everything.
    pub fn try_again(&self, start: Ask) {
        if self.inner.borrow().link.is_some() {
            self.ask(start);
            return;
        }
        let ids = {
            let mut inner = self.inner.borrow_mut();
            inner.gave_up = false;
            inner.dialogue.ask(start);
            inner.dialogue.try_again()
        };
        if self.spawn() {
            ids.into_iter().for_each(|id| self.send(id));
        }
    }

    /// Whether a question of this kind waits for its answer, and one may come.
    pub fn awaits(&self, kind: Kind) -> bool {
        let inner = self.inner.borrow();
        inner.link.is_some() && inner.dialogue.awaits(kind)
    }

    /// Replaces a crashed worker, or gives up.
    fn replace(&self, reason: String) {
        let (ids, restarts) = {
            let mut inner = self.inner.borrow_mut();
            inner.link = None;
            (inner.dialogue.restart(), inner.dialogue.restarts())
        };
        let Some(ids) = ids else {
            self.give_up(reason);
            return;
        };
        if self.spawn() {
            ids.into_iter().for_each(|id| self.send(id));
            (self.tell)(Event::Replaced { reason, restarts });
        }
    }

    fn give_up(&self, reason: String) {
        self.inner.borrow_mut().gave_up = true;
        (self.tell)(Event::GaveUp { reason });
    }

    /// Tells whether there is a worker now.
    fn spawn(&self) -> bool {
        let generation = {
            let mut inner = self.inner.borrow_mut();
            inner.generation += 1;
            inner.generation
        };
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = match Worker::new_with_options(SCRIPT, &options) {
            Ok(worker) => worker,
            Err(error) => {
                self.give_up(describe(&error));
                return false;
            }
        };
        let engine = self.clone();
        let on_message = Closure::new(move |event: MessageEvent| {
            if engine.is_current(generation) {
                engine.receive(&event.data());
            }
        });
        let engine = self.clone();
        let on_error = Closure::new(move |event: ErrorEvent| {
            event.prevent_default();
            if !engine.is_current(generation) {
                return;
            }
            let reason = error_message(&event);
            // Not from within: replacing the worker drops this very closure.
            let engine = engine.clone();
            gloo::timers::callback::Timeout::new(0, move || {
                if engine.is_current(generation) {
                    engine.replace(reason);
                }
            })
            .forget();
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        self.inner.borrow_mut().link = Some(Link {
            worker,
            listens: false,
            waiting: Vec::new(),
            _on_message: on_message,
            _on_error: on_error,
        });
        true
    }

    fn is_current(&self, generation: u32) -> bool {
        let inner = self.inner.borrow();
        inner.generation == generation && inner.link.is_some()
    }

    fn send(&self, id: RequestId) {
        let mut inner = self.inner.borrow_mut();
        let Inner { dialogue, link, .. } = &mut *inner;
        let Some(link) = link else { return };
        if !link.listens {
            link.waiting.push(id);
            return;
        }
        // A question that was replaced while it waited is not there any more.
        if let Some(request) = dialogue.request(id) {
            post(&link.worker, request);
        }
    }

    fn receive(&self, data: &JsValue) {
        let Some(bytes) = data.dyn_ref::<js_sys::Uint8Array>() else {
            // From the script that loads the engine (`www/engine-start.js`).
            let fetched = js_sys::Reflect::get(data, &JsValue::from_str("fetched"));
            if let Some(entries) = fetched.ok().and_then(|entries| entries.as_string()) {
                (self.tell)(Event::Fetched(entries));
            }
            return;
        };
        if bytes.length() == 0 {
            let waiting = match &mut self.inner.borrow_mut().link {
                Some(link) => {
                    link.listens = true;
                    std::mem::take(&mut link.waiting)
                }
                None => Vec::new(),
            };
            waiting.into_iter().for_each(|id| self.send(id));
            return;
        }
        let reply = match postcard::from_bytes::<Reply>(&bytes.to_vec()) {
            Ok(reply) => reply,
            Err(error) => {
                let reason = format!("its answer cannot be read: {error}");
                self.replace_soon(reason);
                return;
            }
        };
        let (heard, held) = {
            let dialogue = &mut self.inner.borrow_mut().dialogue;
            (dialogue.hear(reply), dialogue.take_held())
        };
        held.into_iter().for_each(|id| self.send(id));
        match heard {
            None => {}
            Some(Heard::Crashed(reason)) => self.replace_soon(reason),
            Some(heard) => (self.tell)(Event::Heard(heard)),
        }
    }

    fn replace_soon(&self, reason: String) {
        let engine = self.clone();
        let generation = self.inner.borrow().generation;
        gloo::timers::callback::Timeout::new(0, move || {
            if engine.is_current(generation) {
                engine.replace(reason);
            }
        })
        .forget();
    }
}

/// Sends a request; its bytes are moved to the worker, not copied.
fn post(worker: &Worker, request: &Request) {
    let room = match &request.ask {
        Ask::Open { file } => file.len() + 16,
        _ => 64,
    };
    // Encoding plain data into memory cannot fail.
    let Ok(encoded) = postcard::to_extend(request, Vec::with_capacity(room)) else { return };
    let bytes = js_sys::Uint8Array::from(encoded.as_slice());
    let transfer = js_sys::Array::of1(&bytes.buffer());
    if worker.post_message_with_transfer(&bytes, &transfer).is_err() {
        // The list of what to transfer is ours and right; a browser that refuses all the same
        // gets a copy.
        let _ = worker.post_message(&bytes);
    }
}

/// What an error event says; one without a message is a script that could not be loaded at all.
fn error_message(event: &ErrorEvent) -> String {
    // A failed load gives a plain Event, whose message is not a string, although the type says so.
    let message = js_sys::Reflect::get(event, &JsValue::from_str("message"))
        .ok()
        .and_then(|message| message.as_string())
        .unwrap_or_default();
    match message.strip_prefix("Uncaught ").unwrap_or(&message) {
        "" => "its script could not be loaded".to_owned(),
        message => message.to_owned(),
    }
}
