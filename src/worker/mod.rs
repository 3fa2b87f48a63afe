//! The engine behind typed messages: everything of the classifier and the removal that the page
//! uses runs here, in a worker, so that the page never waits. It does not depend on the page.

// Plain data, so that the native tests reach it.
pub mod protocol;

cfg_if::cfg_if! {
    if #[cfg(all(feature = "engine", any(feature = "worker", test)))] {
        mod choosing;
        mod inspecting;
    }
}

cfg_if::cfg_if! {
    if #[cfg(feature = "worker")] {
        mod devices;
        mod engine;
        mod fetching;
        mod loading;
        mod scope;

        pub use scope::main;
    }
}

#[cfg(any(feature = "worker", test))]
mod superseding;
