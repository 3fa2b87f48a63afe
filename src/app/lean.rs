//! Reactive values of few types.
//!
//! Each closure in a view is a type of its own, and for each the compiler repeats the code that
//! follows it: two to three kilobytes. A derived signal is one type for all closures of a result.

use leptos::prelude::*;

/// A text that changes.
pub fn text(of: impl Fn() -> String + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(of)
}

/// A truth that changes.
pub fn truth(of: impl Fn() -> bool + Send + Sync + 'static) -> Signal<bool> {
    Signal::derive(of)
}

/// The same as a condition of `Show`.
pub fn when(of: impl Fn() -> bool + Send + Sync + 'static) -> Box<dyn Fn() -> bool + Send + Sync> {
    Box::new(of)
}
