//! A decoded photo, boxes on it, crops from it, and patches that are copied back onto it.

mod geometry;
mod header;
mod saved;

pub use geometry::{BoxError, BoxInPhoto, Colours, CropShape, LooseBox, PhotoSize, SURROUNDINGS};
pub use header::{
    HeaderError, MAX_FILE_BYTES, MAX_PIXELS, format_from_header, size_from_header, size_from_reader,
};
pub use saved::{JPEG_QUALITY, LeftOut, Metadata, SaveChoice, SavedFormat};

cfg_if::cfg_if! {
    if #[cfg(feature = "native")] {
        mod memory;

        pub use memory::{MEMORY_OF_BOXES, memory_needed};
    }
}

cfg_if::cfg_if! {
    if #[cfg(feature = "encoding")] {
        mod encoding;
        mod metadata;
        mod screen;

        pub use encoding::{Encoding, Written};
        pub use metadata::with_metadata;
        pub use screen::ToScreen;
    }
}

cfg_if::cfg_if! {
    if #[cfg(feature = "engine")] {
        mod mask;

        pub use mask::Mask;
        pub(crate) use mask::{connected, largest_within};
    }
}

cfg_if::cfg_if! {
    if #[cfg(feature = "dataset")] {
        mod names;

        pub use names::{PHOTO_EXTENSIONS, is_mac_fork, is_photo};
    }
}

cfg_if::cfg_if! {
    if #[cfg(feature = "codecs")] {
        mod heic;
        mod jpeg;
        mod pages;
        mod parts;
        mod pixels;

        pub use jpeg::{Change, JpegError, with_changes};
        pub use pixels::{Filter, Photo, PhotoError, Planes, planes_resampled};
    }
}

cfg_if::cfg_if! {
    if #[cfg(any(feature = "dataset", feature = "engine"))] {
        pub(crate) use pixels::{luma, to_byte};
    }
}
