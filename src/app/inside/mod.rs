//! The inspector: what a network makes of one box, and its digit's removal step by step.

pub mod parameters;
pub mod pixels;

cfg_if::cfg_if! {
    if #[cfg(feature = "app")] {
        mod controls;
        mod picture;
        mod view;

        pub use view::part;
    }
}
