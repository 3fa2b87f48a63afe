//! How far loading is, and how long things took, for people.

use leptos::prelude::*;

use super::models::figures::megabytes;
use crate::worker::protocol::Progress;

/// How far the loading of a model is, as a bar.
pub fn progress_bar(test_id: &'static str, label: String, progress: Option<Progress>) -> AnyView {
    match progress {
        Some(Progress::Weights { received, total }) if total > 0 => view! {
            <progress
                data-testid=test_id
                aria-label=label
                max=total.to_string()
                value=received.min(total).to_string()
            ></progress>
        }
        .into_any(),
        _ => view! { <progress data-testid=test_id aria-label=label></progress> }.into_any(),
    }
}

/// How far the loading of a model is.
pub fn stage_of(progress: Option<&Progress>) -> String {
    match progress {
        None | Some(Progress::Manifest) => "Loading the model…".to_owned(),
        Some(Progress::Weights { received, total }) => {
            format!("Loading the model: {} of {}", megabytes(*received), megabytes(*total))
        }
        Some(Progress::Proving) => "Testing the device…".to_owned(),
    }
}

/// A time in milliseconds, for people.
pub fn milliseconds(time: f64) -> String {
    if time < 1.0 {
        "under 1 ms".to_owned()
    } else if time < 1000.0 {
        format!("{time:.0} ms")
    } else {
        format!("{:.1} s", time / 1000.0)
    }
}
