//! SVHN's photos, boxes and labels; splits; synthetic street numbers.

pub mod contact_sheet;
pub mod digit_struct;
pub mod digit_struct_writer;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod format1;
pub mod split;
pub mod statistics;
pub mod synthetic;
