//! The engine behind typed messages: everything of the classifier and the removal that the page
//! uses runs here, in a worker, so that the page never waits. It knows nothing of the page.

// Plain data, so that the native tests reach it.
#[cfg(all(feature = "engine", any(feature = "worker", test)))]
mod choosing;
#[cfg(feature = "worker")]
mod devices;
#[cfg(feature = "worker")]
mod engine;
#[cfg(feature = "worker")]
mod fetching;
#[cfg(all(feature = "engine", any(feature = "worker", test)))]
mod inspecting;
#[cfg(feature = "worker")]
mod loading;
pub mod protocol;
#[cfg(feature = "worker")]
mod scope;
#[cfg(any(feature = "worker", test))]
mod superseding;

#[cfg(feature = "worker")]
pub use scope::main;
