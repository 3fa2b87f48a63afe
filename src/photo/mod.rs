//! A decoded photo, boxes on it, crops from it, patches laid back on it.

mod geometry;
mod header;
#[cfg(feature = "codecs")]
mod pixels;

pub use geometry::{BoxError, BoxInPhoto, Colours, CropShape, LooseBox, PhotoSize};
pub use header::{HeaderError, MAX_PIXELS, size_from_header};
#[cfg(feature = "codecs")]
pub use pixels::{Filter, Photo, PhotoError, Planes};
#[cfg(feature = "dataset")]
pub(crate) use pixels::{luma, to_byte};
