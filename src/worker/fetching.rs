//! Fetches the manifest and weights, and keeps them in the browser's cache by content.

use std::ops::ControlFlow;

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Cache, DedicatedWorkerGlobalScope, ReadableStreamDefaultReader, Request, RequestCache,
    RequestInit, Response,
};

use crate::publication::{MANIFEST, Manifest, PublishedWeights};

/// The cache's name. Weights are kept under file names that hold their hash, so what is cached
/// never goes stale.
const CACHE: &str = "doorplate-models";

/// Why something could not be fetched, as a message for the user.
pub(super) type FetchError = String;

fn scope() -> Result<DedicatedWorkerGlobalScope, JsValue> {
    js_sys::global().dyn_into().map_err(JsValue::from)
}

/// The cache, where the browser has one and allows it (a private window may not).
async fn cache() -> Option<Cache> {
    let caches = scope().ok()?.caches().ok()?;
    JsFuture::from(caches.open(CACHE)).await.ok()?.dyn_into().ok()
}

async fn cached(url: &str) -> Option<Vec<u8>> {
    let found = JsFuture::from(cache().await?.match_with_str(url)).await.ok()?;
    let response: Response = found.dyn_into().ok()?;
    let buffer = JsFuture::from(response.array_buffer().ok()?).await.ok()?;
    Some(Uint8Array::new(&buffer).to_vec())
}

/// Keeps bytes in the cache; without a cache, or with a full one, the next visit fetches again.
async fn keep(url: &str, bytes: &[u8]) {
    let Some(cache) = cache().await else { return };
    let mut copy = bytes.to_vec();
    if let Ok(response) = Response::new_with_opt_u8_array(Some(&mut copy)) {
        let _ = JsFuture::from(cache.put_with_str(url, &response)).await;
    }
}

async fn forget(url: &str) {
    if let Some(cache) = cache().await {
        let _ = JsFuture::from(cache.delete_with_str(url)).await;
    }
}

/// Fetches a file piece by piece. `progress` is called with the bytes so far, and can stop the
/// fetch.
async fn fetch(
    url: &str,
    cache: RequestCache,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Vec<u8>, FetchError> {
    let unreachable = |_| format!("{url} cannot be reached; is the network up?");
    let init = RequestInit::new();
    init.set_cache(cache);
    let request = Request::new_with_str_and_init(url, &init).map_err(unreachable)?;
    let answer = scope().map_err(unreachable)?.fetch_with_request(&request);
    let response: Response =
        JsFuture::from(answer).await.map_err(unreachable)?.dyn_into().map_err(unreachable)?;
    if !response.ok() {
        return Err(format!("{url}: the server answers {}", response.status()));
    }
    let cut = |_| format!("{url}: the connection broke off");
    let Some(body) = response.body() else { return Ok(Vec::new()) };
    let reader: ReadableStreamDefaultReader =
        body.get_reader().dyn_into().map_err(|_| format!("{url}: the answer cannot be read"))?;
    let mut bytes = Vec::new();
    loop {
        let piece = JsFuture::from(reader.read()).await.map_err(cut)?;
        let done = Reflect::get(&piece, &"done".into()).map_err(cut)?;
        if done.is_truthy() {
            return Ok(bytes);
        }
        let value = Reflect::get(&piece, &"value".into()).map_err(cut)?;
        bytes.extend(Uint8Array::new(&value).to_vec());
        if progress(bytes.len() as u64).is_break() {
            // The stream is dropped in any case; nothing waits for its end.
            let _ = reader.cancel();
            return Err(format!("the request for {url} was cancelled"));
        }
    }
}

/// The manifest of the models folder at `models_url`; the last one seen when the network is down.
pub(super) async fn manifest(models_url: &str) -> Result<Manifest, FetchError> {
    let url = format!("{models_url}{MANIFEST}");
    let parse = |bytes: &[u8]| Manifest::parse(bytes).map_err(|error| error.to_string());
    match fetch(&url, RequestCache::NoCache, &mut |_| ControlFlow::Continue(())).await {
        Ok(bytes) => {
            let manifest = parse(&bytes)?;
            keep(&url, &bytes).await;
            Ok(manifest)
        }
        Err(error) => match cached(&url).await {
            Some(bytes) => parse(&bytes),
            None => Err(error),
        },
    }
}

/// A model's weights and whether they came from the cache; they are the published ones.
pub(super) async fn weights(
    models_url: &str,
    published: PublishedWeights<'_>,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<(Vec<u8>, bool), FetchError> {
    let url = format!("{models_url}{}", published.file);
    if let Some(bytes) = cached(&url).await {
        if published.check(&bytes).is_ok() {
            return Ok((bytes, true));
        }
        forget(&url).await;
    }
    let bytes = fetch(&url, RequestCache::NoStore, progress)
        .await
        .map_err(|error| format!("The weights of {} are missing: {error}", published.name))?;
    published.check(&bytes).map_err(|error| error.to_string())?;
    keep(&url, &bytes).await;
    Ok((bytes, false))
}
