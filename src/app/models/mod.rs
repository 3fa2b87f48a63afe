//! The published models: which one is in use, what each was measured to read, and several of them
//! side by side on the open photo.
//!
//! [`choice`], [`figures`], [`charts`] and [`side_by_side`] are plain data, tested without a browser.

pub mod charts;
pub mod choice;
pub mod figures;
pub mod side_by_side;

cfg_if::cfg_if! {
    if #[cfg(feature = "app")] {
        mod closer;
        mod view;

        pub use view::part;
    }
}
