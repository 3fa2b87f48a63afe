//! The inspector: what a network makes of one box, and its digit's removal step by step.

pub mod parameters;
pub mod pixels;

#[cfg(feature = "app")]
mod controls;
#[cfg(feature = "app")]
mod picture;
#[cfg(feature = "app")]
mod view;

#[cfg(feature = "app")]
pub use view::part;
