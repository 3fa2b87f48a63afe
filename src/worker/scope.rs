//! The worker's side of the messages: requests come in and answers go out, one at a time. Only the
//! files of a model are fetched at the same time.

use std::{cell::Cell, collections::VecDeque, rc::Rc};

use futures::{StreamExt as _, channel::mpsc};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::{
    engine::{Comparison, Engine, Finding, Taken},
    loading::{self, Fetched, FetchedFinder, Order},
    protocol::{Answer, Ask, Column, ColumnState, Failure, FailureKind, Reply, Request, RequestId},
    superseding::{self, Waiting},
};

/// What waits for the engine.
enum Work {
    /// A request.
    Take(Request),
    /// The rest of a model's loading, once its files are there.
    Install { id: RequestId, fetched: Result<Box<Fetched>, String> },
    /// The rest of finding digits, with the network for it where that had to be fetched.
    Find { id: RequestId, rest: Finding, fetched: Option<FetchedFinder> },
    /// The rest of a comparison, with its next model where that had to be fetched.
    Compare { id: RequestId, rest: Comparison, fetched: Option<Result<Box<Fetched>, String>> },
}

/// The request that is still wanted; fetches for older ones break off.
type Newest = Rc<Cell<RequestId>>;

/// Answers requests until the page ends the worker. Called once, by the worker's `main`.
pub fn main() {
    console_error_panic_hook::set_once();
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else {
        // Loaded in a page by mistake: there is nothing to answer to.
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
            let newest_load = Newest::default();
            let newest_comparison = Newest::default();
            let newest_find = Newest::default();
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
                let id = work.id();
                let reply = |answer| post(&scope, &Reply { id, answer });
                let taken = match work {
                    Work::Take(_) if superseded => Taken::Answered(Answer::Superseded),
                    Work::Install { .. } if superseded || id != newest_load.get() => {
                        Taken::Answered(Answer::Superseded)
                    }
                    Work::Compare { .. } if superseded || id != newest_comparison.get() => {
                        Taken::Answered(Answer::Superseded)
                    }
                    Work::Find { ref rest, .. }
                        if superseded || rest.is_in_the_open_photo() && id != newest_find.get() =>
                    {
                        Taken::Answered(Answer::Superseded)
                    }
                    Work::Take(Request { ask, .. }) => {
                        if loads(&ask) {
                            newest_load.set(id);
                        }
                        if ends_comparisons(&ask) {
                            newest_comparison.set(id);
                        }
                        if matches!(ask, Ask::Find { .. } | Ask::Open { .. }) {
                            newest_find.set(id);
                        }
                        engine.take(ask, &reply).await
                    }
                    Work::Install { fetched, .. } => {
                        Taken::Answered(engine.install(fetched, &reply).await)
                    }
                    Work::Find { rest, fetched: None, .. } => engine.find(rest, &reply).await,
                    Work::Find { rest, fetched: Some(fetched), .. } => {
                        engine.install_finder(rest, fetched)
                    }
                    Work::Compare { rest, fetched: None, .. } => engine.compare(rest, &reply).await,
                    Work::Compare { rest, fetched: Some(fetched), .. } => {
                        engine.keep_for(rest, fetched, &reply)
                    }
                };
                match taken {
                    Taken::Answered(answer) => reply(answer),
                    Taken::ToFetch(order) => {
                        let install = move |fetched| Work::Install { id, fetched };
                        fetch(id, order, &scope, &newest_load, &sender, install);
                    }
                    // Behind what else was asked meanwhile.
                    Taken::Finding(rest) => {
                        waiting.push_back(Work::Find { id, rest, fetched: None });
                    }
                    Taken::ToFetchFinder(rest, models_url) => {
                        let (newest, sender) = (Rc::clone(&newest_find), sender.clone());
                        wasm_bindgen_futures::spawn_local(async move {
                            let wanted = || !rest.is_in_the_open_photo() || newest.get() == id;
                            let fetched = loading::fetch_finder(&models_url, &wanted).await;
                            // The receiver lives as long as the worker.
                            let fetched = Some(fetched);
                            drop(sender.unbounded_send(Work::Find { id, rest, fetched }));
                        });
                    }
                    // Behind what else was asked meanwhile.
                    Taken::Comparing(rest) => {
                        waiting.push_back(Work::Compare { id, rest, fetched: None });
                    }
                    Taken::ToFetchFor(rest, order) => {
                        let go_on =
                            move |fetched| Work::Compare { id, rest, fetched: Some(fetched) };
                        fetch(id, order, &scope, &newest_comparison, &sender, go_on);
                    }
                }
            }
        }
    });
    // Tells the page that messages will be heard.
    let hello = Uint8Array::new_with_length(0);
    report(scope.post_message(&hello));
}

impl Work {
    /// The request that it belongs to.
    fn id(&self) -> RequestId {
        match self {
            Work::Take(Request { id, .. })
            | Work::Install { id, .. }
            | Work::Find { id, .. }
            | Work::Compare { id, .. } => *id,
        }
    }
}

/// Fetches a model's files while the engine continues; the result is added to the waiting work.
fn fetch(
    id: RequestId,
    order: Order,
    scope: &DedicatedWorkerGlobalScope,
    newest: &Newest,
    sender: &mpsc::UnboundedSender<Work>,
    work: impl FnOnce(Result<Box<Fetched>, String>) -> Work + 'static,
) {
    let (scope, newest, sender) = (scope.clone(), Rc::clone(newest), sender.clone());
    wasm_bindgen_futures::spawn_local(async move {
        let reply = |answer| {
            let answer = match (answer, &order) {
                // One of several: its progress is shown in its column.
                (Answer::Progress(progress), Order { compared: true, model: Some(model), .. }) => {
                    let state = ColumnState::Loading(progress);
                    Answer::Column(Column { model: model.clone(), state })
                }
                (answer, _) => answer,
            };
            post(&scope, &Reply { id, answer });
        };
        let fetched = loading::fetch(&order, &reply, &|| newest.get() == id).await;
        // The receiver lives as long as the worker.
        drop(sender.unbounded_send(work(fetched)));
    });
}

/// Whether a request loads a model.
fn loads(ask: &Ask) -> bool {
    matches!(ask, Ask::Start { .. } | Ask::Switch { .. })
}

/// Whether a request ends the comparison in progress: another comparison, or another photo.
fn ends_comparisons(ask: &Ask) -> bool {
    matches!(ask, Ask::Compare { .. } | Ask::Open { .. })
}

/// Whether `newer` makes `older` useless.
fn supersedes(newer: &Work, older: &Work) -> bool {
    let Work::Take(Request { ask: newer, .. }) = newer else { return false };
    let older = match older {
        Work::Install { .. } => Waiting::Loading,
        Work::Find { rest, .. } if rest.is_in_the_open_photo() => Waiting::Finding,
        Work::Find { .. } => Waiting::FindingIn,
        Work::Compare { .. } => Waiting::Comparison,
        Work::Take(Request { ask, .. }) => Waiting::Asked(ask),
    };
    superseding::supersedes(newer, &older)
}

fn post(scope: &DedicatedWorkerGlobalScope, reply: &Reply) {
    let bytes = match postcard::to_allocvec(reply) {
        Ok(bytes) => bytes,
        Err(error) => {
            // Plain data can always be encoded; a programming error would appear on the console.
            web_sys::console::error_1(&format!("an answer cannot be encoded: {error}").into());
            return;
        }
    };
    let message = Uint8Array::from(bytes.as_slice());
    let transfer = js_sys::Array::of1(&message.buffer());
    report(scope.post_message_with_transfer(&message, &transfer));
}

/// Posting fails only if the page is closed; then the error is written to the console.
fn report(posted: Result<(), wasm_bindgen::JsValue>) {
    if let Err(error) = posted {
        web_sys::console::error_1(&error);
    }
}
