//! SVHN's photos, boxes and labels; splits; synthetic street numbers.

pub mod contact_sheet;
pub mod digit_struct;
pub mod digit_struct_writer;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod format1;
pub mod format2;
pub mod format2_writer;
pub mod split;
pub mod statistics;
pub mod store;
pub mod synthetic;

use std::path::Path;

/// Whether a data set is a Format 2 file (`.mat`) rather than a Format 1 folder.
pub fn is_format2(data: &Path) -> bool {
    data.extension().is_some_and(|extension| extension == "mat") && !data.is_dir()
}
