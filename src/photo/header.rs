//! Reads a picture's format and size from a file's first bytes, without decoding it. This is so
//! cheap that the page can refuse an unusable file without waiting for the engine.

use std::io::{BufRead, Cursor, ErrorKind, Seek};

use imagesize::{ImageError, ImageType};

use super::PhotoSize;

/// The largest photo that is decoded: 100 megapixels.
pub const MAX_PIXELS: u64 = 100_000_000;

/// The largest file of a photo: 256 MiB.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// The largest colour profile, unpacked: 4 MiB. Those of cameras and printers have up to 3.
pub const MAX_PROFILE_BYTES: usize = 4 << 20;

/// The most metadata that a photo may carry, previews among them: 32 MiB.
pub const MAX_METADATA_BYTES: usize = 32 << 20;

/// Why a file is refused before decoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The file holds nothing.
    #[error("the file is empty (0 bytes)")]
    Empty,
    /// The content is not of a format that can be read, whatever the file's name is.
    #[error("this is not a picture: the content is not PNG, JPEG, WebP, GIF, BMP or TIFF")]
    NotAPicture,
    /// The format is right, but the header ends early or contradicts itself.
    #[error("the picture's header is damaged or cut short ({0})")]
    Damaged(String),
    /// Width or height is zero.
    #[error("the picture's header says {width} x {height} pixels, so there is nothing to show")]
    NoPixels {
        /// Width in the header.
        width: u64,
        /// Height in the header.
        height: u64,
    },
    /// More than [`MAX_PIXELS`].
    #[error(
        "the picture has {width} x {height} pixels ({} megapixels); the limit is {} megapixels. \
         Scale it down or cut out the part with the house number",
        width * height / 1_000_000,
        MAX_PIXELS / 1_000_000
    )]
    TooLarge {
        /// Width in the header.
        width: u64,
        /// Height in the header.
        height: u64,
    },
    /// More than [`MAX_FILE_BYTES`].
    #[error(
        "the file has {} MB; the limit is {} MB. Save the photo compressed, or scale it down",
        bytes >> 20,
        MAX_FILE_BYTES >> 20
    )]
    FileTooLarge {
        /// The file's length.
        bytes: u64,
    },
    /// More than [`MAX_PROFILE_BYTES`].
    #[error(
        "its colour profile has more than {} MB, which no real one has. Save the photo without it, \
         or in sRGB",
        MAX_PROFILE_BYTES >> 20
    )]
    ProfileTooLarge,
    /// More than [`MAX_METADATA_BYTES`].
    #[error(
        "it has {} MB of metadata; the limit is {} MB. Save the photo without them",
        bytes >> 20,
        MAX_METADATA_BYTES >> 20
    )]
    TooMuchMetadata {
        /// Bytes of metadata.
        bytes: usize,
    },
}

/// Reads a picture's size from its header, without decoding it.
///
/// The size is the stored one: EXIF orientation may yet swap width and height.
///
/// # Errors
/// [`HeaderError`] when the bytes are not a picture of a format that can be read, or the picture
/// has no pixels or more than [`MAX_PIXELS`].
pub fn size_from_header(bytes: &[u8]) -> Result<PhotoSize, HeaderError> {
    if bytes.is_empty() {
        return Err(HeaderError::Empty);
    }
    size_from_reader(Cursor::new(bytes))
}

/// The same from a file, of which only the header is read.
///
/// # Errors
/// As [`size_from_header`].
pub fn size_from_reader(mut file: impl BufRead + Seek) -> Result<PhotoSize, HeaderError> {
    let format = imagesize::reader_type(&mut file);
    match &format {
        Ok(
            ImageType::Png
            | ImageType::Jpeg
            | ImageType::Webp
            | ImageType::Gif
            | ImageType::Bmp
            | ImageType::Tiff,
        ) => {}
        Ok(_) | Err(_) => return Err(HeaderError::NotAPicture),
    }
    let size = format.and_then(|format| format.reader_size(&mut file));
    let size = size.map_err(|error| match error {
        ImageError::NotSupported => HeaderError::NotAPicture,
        ImageError::CorruptedImage => HeaderError::Damaged("it contradicts itself".to_owned()),
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            HeaderError::Damaged("it ends too early".to_owned())
        }
        ImageError::IoError(error) => HeaderError::Damaged(error.to_string()),
    })?;
    check_size(size.width as u64, size.height as u64)
}

/// Refuses sizes that cannot or must not be decoded.
pub(super) fn check_size(width: u64, height: u64) -> Result<PhotoSize, HeaderError> {
    if width == 0 || height == 0 {
        return Err(HeaderError::NoPixels { width, height });
    }
    if width.saturating_mul(height) > MAX_PIXELS {
        return Err(HeaderError::TooLarge { width, height });
    }
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width), Ok(height)) => Ok(PhotoSize { width, height }),
        _ => Err(HeaderError::TooLarge { width, height }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_picture_is_refused_by_content() {
        assert_eq!(size_from_header(b""), Err(HeaderError::Empty));
        assert_eq!(size_from_header(b"just some text"), Err(HeaderError::NotAPicture));
        assert!(matches!(
            size_from_header(b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"),
            Err(HeaderError::Damaged(_))
        ));
    }

    #[test]
    fn a_huge_png_header_is_refused_before_decoding() {
        let mut header = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR".to_vec();
        header.extend(30_000u32.to_be_bytes());
        header.extend(30_000u32.to_be_bytes());
        header.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(
            size_from_header(&header),
            Err(HeaderError::TooLarge { width: 30_000, height: 30_000 })
        );
    }
}
