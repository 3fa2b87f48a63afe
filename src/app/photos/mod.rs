//! The photos that are open on the page, one of them on the stage.
//!
//! [`gallery`], [`record`] and [`format`] are plain data and plain functions, tested without a browser; the
//! rest needs the feature `app`.

pub mod format;
pub mod gallery;
pub mod record;

pub use gallery::{Entry, Gallery, PhotoId, Progress};

cfg_if::cfg_if! {
    if #[cfg(feature = "app")] {
        pub(super) mod adding;
        pub(super) mod boxfiles;
        pub(super) mod files;
        pub(super) mod given;
        pub(super) mod keeping;
        pub(super) mod more;
        pub(super) mod named;
        pub(super) mod save_choice;
        pub(super) mod saving;
        pub(super) mod store;
        pub(super) mod strip;
        pub(super) mod thumbnail;
        pub(super) mod zip;
    }
}
