//! The worker's side of the wire: messages in, answers out, one request at a time. Only what a
//! model's loading has to fetch is fetched beside that.

use std::{cell::Cell, collections::VecDeque, rc::Rc};

use futures::{StreamExt as _, channel::mpsc};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::{
    engine::{Engine, Taken},
    loading::{self, Fetched, Order},
    protocol::{Answer, Ask, Failure, FailureKind, Reply, Request, RequestId},
};

/// What waits for the engine.
enum Work {
    /// A request.
    Take(Request),
    /// The rest of a model's loading, once its files are there.
    Install { id: RequestId, fetched: Result<Box<Fetched>, String> },
}

/// Answers requests until the page ends the worker. Called once, by the worker's `main`.
pub fn main() {
    console_error_panic_hook::set_once();
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else {
        // Loaded in a page by mistake: there is nobody to answer.
        return;
    };
    let (sender, mut inbox) = mpsc::unbounded::<Work>();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
        let (scope, sender) = (scope.clone(), sender.clone());
        move |event: MessageEvent| {
            let bytes = Uint8Array::new(&event.data()).to_vec();
            match postcard::from_bytes(&bytes) {
                // The receiver lives as long as the worker.
                Ok(request) => drop(sender.unbounded_send(Work::Take(request))),
                Err(error) => post(
                    &scope,
                    &Reply {
                        id: RequestId::MAX,
                        answer: Answer::Failed(Failure {
                            kind: FailureKind::Engine,
                            message: format!("The engine could not read a request ({error})."),
                        }),
                    },
                ),
            }
        }
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();

    wasm_bindgen_futures::spawn_local({
        let scope = scope.clone();
        async move {
            let mut engine = Engine::default();
            let mut waiting = VecDeque::new();
            // The request whose model is wanted; fetches for older ones break off.
            let newest_load = Rc::new(Cell::new(RequestId::default()));
            loop {
                if waiting.is_empty() {
                    let Some(work) = inbox.next().await else { break };
                    waiting.push_back(work);
                }
                // Messages that came while the engine was busy are still the event loop's.
                gloo::timers::future::TimeoutFuture::new(0).await;
                while let Ok(work) = inbox.try_recv() {
                    waiting.push_back(work);
                }
                let Some(work) = waiting.pop_front() else { continue };
                let superseded = waiting.iter().any(|newer| supersedes(newer, &work));
                let (id, answer) = match work {
                    Work::Take(Request { id, .. }) if superseded => (id, Answer::Superseded),
                    Work::Install { id, .. } if superseded || id != newest_load.get() => {
                        (id, Answer::Superseded)
                    }
                    Work::Take(Request { id, ask }) => {
                        if loads(&ask) {
                            newest_load.set(id);
                        }
                        let reply = |answer| post(&scope, &Reply { id, answer });
                        match engine.take(ask, &reply).await {
                            Taken::Answered(answer) => (id, answer),
                            Taken::ToFetch(order) => {
                                fetch(id, order, &scope, &newest_load, &sender);
                                continue;
                            }
                        }
                    }
                    Work::Install { id, fetched } => {
                        let reply = |answer| post(&scope, &Reply { id, answer });
                        (id, engine.install(fetched, &reply).await)
                    }
                };
                post(&scope, &Reply { id, answer });
            }
        }
    });
    // Tells the page that messages will be heard.
    let hello = Uint8Array::new_with_length(0);
    report(scope.post_message(&hello));
}

/// Fetches a model's files while the engine goes on; what comes of it joins the waiting work.
fn fetch(
    id: RequestId,
    order: Order,
    scope: &DedicatedWorkerGlobalScope,
    newest_load: &Rc<Cell<RequestId>>,
    sender: &mpsc::UnboundedSender<Work>,
) {
    let (scope, newest_load, sender) = (scope.clone(), Rc::clone(newest_load), sender.clone());
    wasm_bindgen_futures::spawn_local(async move {
        let reply = |answer| post(&scope, &Reply { id, answer });
        let fetched = loading::fetch(&order, &reply, &|| newest_load.get() == id).await;
        // The receiver lives as long as the worker.
        drop(sender.unbounded_send(Work::Install { id, fetched }));
    });
}

/// Whether a request loads a model.
fn loads(ask: &Ask) -> bool {
    matches!(ask, Ask::Start { .. } | Ask::Switch { .. })
}

/// Whether `older` is of no use any more once `newer` is asked.
fn supersedes(newer: &Work, older: &Work) -> bool {
    let Work::Take(Request { ask: newer, .. }) = newer else { return false };
    match older {
        Work::Install { .. } => loads(newer),
        Work::Take(Request { ask: older, .. }) => {
            loads(newer) && loads(older)
                || matches!(
                    (newer, older),
                    (
                        Ask::Open { .. },
                        Ask::Open { .. } | Ask::Read { .. } | Ask::Erase { .. } | Ask::Preview
                    ) | (Ask::Read { .. }, Ask::Read { .. })
                        | (Ask::Erase { .. }, Ask::Erase { .. })
                )
        }
    }
}

fn post(scope: &DedicatedWorkerGlobalScope, reply: &Reply) {
    let bytes = match postcard::to_allocvec(reply) {
        Ok(bytes) => bytes,
        Err(error) => {
            // Plain data always encodes; the console is for whoever breaks that.
            web_sys::console::error_1(&format!("an answer cannot be encoded: {error}").into());
            return;
        }
    };
    let message = Uint8Array::from(bytes.as_slice());
    let transfer = js_sys::Array::of1(&message.buffer());
    report(scope.post_message_with_transfer(&message, &transfer));
}

/// The page is gone when posting fails; the console hears of it.
fn report(posted: Result<(), wasm_bindgen::JsValue>) {
    if let Err(error) = posted {
        web_sys::console::error_1(&error);
    }
}
