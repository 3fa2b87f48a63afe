//! The page.

pub mod dialogue;
pub mod editor;
