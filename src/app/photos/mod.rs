//! The photos that are open on the page, one of them on the stage.
//!
//! [`gallery`], [`record`] and [`format`] are plain data and plain functions, tested without a browser; the
//! rest needs the feature `app`.

#[cfg(feature = "app")]
mod adding;
#[cfg(feature = "app")]
mod boxfiles;
#[cfg(feature = "app")]
mod files;
pub mod format;
pub mod gallery;
#[cfg(feature = "app")]
pub(super) mod keeping;
#[cfg(feature = "app")]
mod more;
pub mod record;
#[cfg(feature = "app")]
mod saving;
#[cfg(feature = "app")]
mod store;
#[cfg(feature = "app")]
mod strip;
#[cfg(feature = "app")]
mod thumbnail;
#[cfg(feature = "app")]
mod zip;

#[cfg(feature = "app")]
pub(super) use adding::{Camera, Given, add, add_all, add_dropped, add_readable, given_of};
#[cfg(feature = "app")]
pub(super) use files::{Photos, close, follow_stage, step};
pub use gallery::{Entry, Gallery, PhotoId, Progress};
#[cfg(feature = "app")]
pub(super) use saving::{SaveArea, SavingAllDialog, save};
#[cfg(feature = "app")]
pub(super) use strip::{part as strip, wanted as strip_wanted};

/// Lines that are named in one message.
#[cfg(feature = "app")]
const MAX_NAMED: usize = 6;

/// The first few lines, and how many more there are.
#[cfg(feature = "app")]
fn named(lines: &[String]) -> String {
    let shown = lines.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join("; ");
    match lines.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
