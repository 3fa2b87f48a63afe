//! A decoded photo, boxes on it, crops from it, patches laid back on it.

#[cfg(feature = "native")]
mod encoding;
#[cfg(feature = "native")]
mod exif;
mod geometry;
mod header;
#[cfg(feature = "engine")]
mod mask;
#[cfg(feature = "dataset")]
mod names;
#[cfg(feature = "codecs")]
mod pixels;

#[cfg(feature = "native")]
pub use encoding::Encoding;
pub use geometry::{BoxError, BoxInPhoto, Colours, CropShape, LooseBox, PhotoSize};
pub use header::{HeaderError, MAX_PIXELS, size_from_header};
#[cfg(feature = "engine")]
pub use mask::Mask;
#[cfg(feature = "engine")]
pub(crate) use mask::{connected, largest_within};
#[cfg(feature = "dataset")]
pub use names::{PHOTO_EXTENSIONS, is_photo};
#[cfg(any(feature = "dataset", feature = "engine"))]
pub(crate) use pixels::luma;
#[cfg(any(feature = "dataset", feature = "engine"))]
pub(crate) use pixels::to_byte;
#[cfg(feature = "codecs")]
pub use pixels::{Filter, Photo, PhotoError, Planes};
