//! The part of a model's loading that waits for the network. It does not use the engine, so the
//! engine can continue to answer with its current model.

use std::ops::ControlFlow;

use super::{
    choosing::{self, Pick, Wish},
    fetching,
    protocol::{Answer, Progress},
};
use crate::publication::{FinderEntry, ModelEntry, StrokesEntry};

/// What is to be loaded.
pub(super) struct Order {
    /// URL of the models folder, ending in a slash.
    pub(super) models_url: String,
    /// The model's name; any model will do when absent.
    pub(super) model: Option<String>,
    /// Whether another model may take its place.
    pub(super) strict: bool,
    /// Whether it is only to be compared: without the network that finds strokes.
    pub(super) compared: bool,
}

/// A model whose weights are the published ones.
pub(super) struct Fetched {
    pub(super) entry: ModelEntry,
    pub(super) weights: Vec<u8>,
    /// The network that finds strokes, where one is published and can be had.
    pub(super) strokes: Option<(StrokesEntry, Vec<u8>)>,
    pub(super) from_cache: bool,
    /// Why it is not the one ordered, where it is not.
    pub(super) notice: Option<String>,
}

/// Fetches the manifest, reports its models, and fetches the weights of the requested one. Stops as
/// soon as it is no longer `wanted`.
///
/// # Errors
/// What could not be fetched or is not what was published, as a message for the user.
pub(super) async fn fetch(
    order: &Order,
    reply: &dyn Fn(Answer),
    wanted: &dyn Fn() -> bool,
) -> Result<Box<Fetched>, String> {
    reply(Answer::Progress(Progress::Manifest));
    let Order { models_url, model, strict, compared } = order;
    let manifest = fetching::manifest(models_url)
        .await
        .map_err(|error| format!("The list of models cannot be used: {error}."))?;
    reply(Answer::Models(manifest.models.iter().map(choosing::info).collect()));
    let wish = match model.as_deref() {
        None => Wish::Any,
        Some(name) if *strict => Wish::Only(name),
        Some(name) => Wish::Preferably(name),
    };
    let Pick { entry, notice } = choosing::pick(&manifest, wish)?;
    let picked = entry.clone();
    let total = entry.bytes;
    reply(Answer::Progress(Progress::Weights { received: 0, total }));
    let (weights, from_cache) = fetching::weights(models_url, entry.weights(), &mut |received| {
        reply(Answer::Progress(Progress::Weights { received, total }));
        if wanted() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .await?;
    let mut strokes = None;
    if manifest.strokes.is_none() && !compared {
        reply(Answer::Warning(whole_boxes("This site has no model that finds strokes")));
    }
    if let Some(entry) = manifest.strokes.filter(|_| !compared) {
        let mut go_on = |_| {
            if wanted() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        match fetching::weights(models_url, entry.weights(), &mut go_on).await {
            Ok((weights, _)) => strokes = Some((entry, weights)),
            Err(error) => reply(Answer::Warning(whole_boxes(&error))),
        }
    }
    Ok(Box::new(Fetched { entry: picked, weights, strokes, from_cache, notice }))
}

/// The network that finds digits, as it was fetched: its entry in the manifest and its weights.
pub(super) type FetchedFinder = Result<(FinderEntry, Vec<u8>), String>;

/// Fetches the manifest and the weights of the network that finds digits. Stops as soon as it is no
/// longer `wanted`.
pub(super) async fn fetch_finder(models_url: &str, wanted: &dyn Fn() -> bool) -> FetchedFinder {
    let manifest = fetching::manifest(models_url)
        .await
        .map_err(|error| format!("The list of models cannot be used: {error}."))?;
    let entry = manifest.finder.ok_or("This site has no model that finds numbers.")?;
    let mut go_on = |_| if wanted() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    let (weights, _) = fetching::weights(models_url, entry.weights(), &mut go_on)
        .await
        .map_err(|error| format!("The model that finds numbers cannot be used: {error}."))?;
    Ok((entry, weights))
}

/// The message for the user if the strokes' network cannot be used.
pub(super) fn whole_boxes(error: &str) -> String {
    format!("{error}. Whole boxes are filled, instead of strokes only.")
}
