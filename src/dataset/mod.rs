//! SVHN's photos, boxes and labels; folders of cropped digits; splits.

pub mod contact_sheet;
pub mod digit_folders;
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

use std::path::Path;

use format1::{Format1, Format1Error};

/// Whether a data set is a Format 2 file (`.mat`) rather than a folder.
pub fn is_format2(data: &Path) -> bool {
    data.extension().is_some_and(|extension| extension == "mat") && !data.is_dir()
}

/// Opens a Format 1 folder, or ten folders of cropped digits. Each cropped digit is then a photo
/// with a box round all of it.
///
/// # Errors
/// [`Format1Error`] when the folder is neither, or cannot be used.
pub fn open_photos(folder: &Path) -> Result<Format1, Format1Error> {
    if digit_folders::is_digit_folders(folder) {
        digit_folders::open(folder)
    } else {
        Format1::open(folder)
    }
}
