//! SVHN's photos, boxes and labels; splits; synthetic street numbers.

pub mod digit_struct;
pub mod digit_struct_writer;
pub mod format1;
pub mod format2;
pub mod format2_writer;
pub mod split;
pub mod synthetic;
