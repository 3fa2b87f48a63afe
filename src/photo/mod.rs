//! A decoded photo, boxes on it, crops from it, and patches that are copied back onto it.

mod geometry;
mod header;

pub use geometry::{BoxError, BoxInPhoto, Colours, CropShape, LooseBox, PhotoSize};
pub use header::{HeaderError, MAX_FILE_BYTES, MAX_PIXELS, size_from_header, size_from_reader};

cfg_if::cfg_if! {
    if #[cfg(feature = "native")] {
        mod encoding;
        mod exif;
        mod memory;
        mod strip;

        pub use encoding::{Encoding, Written};
        pub use memory::{MEMORY_OF_BOXES, memory_needed};
        pub use strip::without_metadata;
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

        pub use names::{PHOTO_EXTENSIONS, is_photo};
    }
}

cfg_if::cfg_if! {
    if #[cfg(feature = "codecs")] {
        mod jpeg;
        mod parts;
        mod pixels;

        pub use jpeg::{Change, JpegError, with_changes};
        pub use pixels::{Filter, Photo, PhotoError, Planes};
    }
}

cfg_if::cfg_if! {
    if #[cfg(any(feature = "dataset", feature = "engine"))] {
        pub(crate) use pixels::luma;
        pub(crate) use pixels::to_byte;
    }
}
