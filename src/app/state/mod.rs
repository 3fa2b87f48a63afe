//! The page's state. Each file holds the signals of one subject. All code may read them
//! ([`Seen`](seen::Seen)), but only the methods beside them change them. No file here uses the page,
//! and few use each other.

pub mod asking;
pub mod boxes;
pub mod brush;
pub mod dialogs;
pub mod engine;
pub mod inspector;
pub mod keeping;
pub mod messages;
pub mod models;
pub mod open_photo;
pub mod photos;
pub mod removal;
pub mod saving;
pub mod seen;
pub mod stage;
pub mod version;
mod waiting;
