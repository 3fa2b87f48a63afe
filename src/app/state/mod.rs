//! What the page knows, by matter. Each file holds the signals of one matter; everybody may read
//! them ([`Seen`](seen::Seen)), and they change by the methods beside them only. No matter knows of
//! the page, and few of another one.

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
