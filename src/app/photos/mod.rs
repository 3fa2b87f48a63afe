//! The photos that are open on the page, one of them on the stage.
//!
//! [`gallery`], [`record`] and [`format`] are plain data and plain functions, tested without a browser; the
//! rest needs the feature `app`.

pub mod format;
pub mod gallery;
pub mod record;

pub use gallery::{Entry, Gallery, PhotoId, Progress};

#[cfg(feature = "app")]
pub(super) mod adding;
#[cfg(feature = "app")]
pub(super) mod boxfiles;
#[cfg(feature = "app")]
pub(super) mod files;
#[cfg(feature = "app")]
pub(super) mod given;
#[cfg(feature = "app")]
pub(super) mod keeping;
#[cfg(feature = "app")]
pub(super) mod more;
#[cfg(feature = "app")]
pub(super) mod named;
#[cfg(feature = "app")]
pub(super) mod saving;
#[cfg(feature = "app")]
pub(super) mod store;
#[cfg(feature = "app")]
pub(super) mod strip;
#[cfg(feature = "app")]
pub(super) mod thumbnail;
#[cfg(feature = "app")]
pub(super) mod zip;
