//! The ways to take digits out, behind one function.

use super::{Fill, Method, Nets, Round, fill_groups, remove_as_reported};
use crate::{
    classifier::EngineError,
    photo::{BoxInPhoto, Photo},
};

/// Fills all `boxes` of a photo by one method. The fills are meant to be laid over the photo in
/// their order.
///
/// # Errors
/// [`EngineError`] when the device fails.
pub async fn remove(
    photo: &Photo,
    boxes: &[BoxInPhoto],
    method: &Method,
    nets: &Nets,
) -> Result<Vec<Fill>, EngineError> {
    remove_watched(photo, boxes, method, nets, &mut |_| {}).await
}

/// [`remove`], showing `watch` each round of fold-in.
///
/// # Errors
/// [`EngineError`] when the device fails.
pub async fn remove_watched(
    photo: &Photo,
    boxes: &[BoxInPhoto],
    method: &Method,
    nets: &Nets,
    watch: &mut dyn FnMut(Round<'_>),
) -> Result<Vec<Fill>, EngineError> {
    match method {
        Method::Doorplate(options) => fill_groups(photo, boxes, nets, options, watch).await,
        Method::WholeBoxes(options) => {
            let nets = Nets { strokes: None, ..nets.clone() };
            fill_groups(photo, boxes, &nets, options, watch).await
        }
        Method::Report(options) => {
            remove_as_reported(photo, boxes, &nets.classifier, options, watch).await
        }
    }
}
