//! The engine behind typed messages: everything of the classifier and the removal that the page
//! uses runs here, in a worker, so that the page never waits. It knows nothing of the page.

#[cfg(feature = "worker")]
mod devices;
#[cfg(feature = "worker")]
mod engine;
#[cfg(feature = "worker")]
mod fetching;
pub mod protocol;
#[cfg(feature = "worker")]
mod scope;

#[cfg(feature = "worker")]
pub use scope::main;
