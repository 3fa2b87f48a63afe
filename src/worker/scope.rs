//! The worker's side of the wire: messages in, answers out, one request at a time.

use std::collections::VecDeque;

use futures::{StreamExt as _, channel::mpsc};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::{
    engine::Engine,
    protocol::{Answer, Ask, Failure, FailureKind, Reply, Request, RequestId},
};

/// Answers requests until the page ends the worker. Called once, by the worker's `main`.
pub fn main() {
    console_error_panic_hook::set_once();
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else {
        // Loaded in a page by mistake: there is nobody to answer.
        return;
    };
    let (sender, mut inbox) = mpsc::unbounded::<Request>();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
        let scope = scope.clone();
        move |event: MessageEvent| {
            let bytes = Uint8Array::new(&event.data()).to_vec();
            match postcard::from_bytes(&bytes) {
                // The receiver lives as long as the worker.
                Ok(request) => drop(sender.unbounded_send(request)),
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
            loop {
                if waiting.is_empty() {
                    let Some(request) = inbox.next().await else { break };
                    waiting.push_back(request);
                }
                // Messages that came while the engine was busy are still the event loop's.
                gloo::timers::future::TimeoutFuture::new(0).await;
                while let Ok(request) = inbox.try_recv() {
                    waiting.push_back(request);
                }
                let Some(Request { id, ask }) = waiting.pop_front() else { continue };
                let reply = |answer| post(&scope, &Reply { id, answer });
                let answer = if waiting.iter().any(|newer| supersedes(&newer.ask, &ask)) {
                    Answer::Superseded
                } else {
                    engine.answer(ask, &reply).await
                };
                reply(answer);
            }
        }
    });
    // Tells the page that messages will be heard.
    let hello = Uint8Array::new_with_length(0);
    report(scope.post_message(&hello));
}

/// Whether the answer to `older` is of no use any more once `newer` is asked.
fn supersedes(newer: &Ask, older: &Ask) -> bool {
    matches!(
        (newer, older),
        (Ask::Open { .. }, Ask::Open { .. } | Ask::Read { .. } | Ask::Erase { .. } | Ask::Preview)
            | (Ask::Read { .. }, Ask::Read { .. })
            | (Ask::Erase { .. }, Ask::Erase { .. })
    )
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
