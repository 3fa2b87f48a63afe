//! What happens on the page across its matters, as methods of `Page`, each file by one theme.

pub mod asking;
pub mod boxes;
pub mod engine;
pub mod finding;
pub mod opening;
pub mod viewing;
