//! Reads a picture's format and size from a file's first bytes, without decoding it. This is so
//! cheap that the page can refuse an unusable file without waiting for the engine.

use std::io::{self, BufRead, Cursor, ErrorKind, Read as _, Seek, SeekFrom};

use imagesize::{Compression, ImageError, ImageType};

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
    #[error("this is not a picture: the content is not PNG, JPEG, WebP, HEIC, GIF, BMP or TIFF")]
    NotAPicture,
    /// A picture of a format that is not read.
    #[error(
        "this is a picture in the format {0}, which is not read. Save it as JPEG or PNG with another \
         program, for example the phone's own"
    )]
    NotRead(&'static str),
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

/// The name of a picture's format, by its first bytes; none of a format that cannot be read.
pub fn format_from_header(bytes: &[u8]) -> Option<&'static str> {
    Some(match imagesize::image_type(bytes).ok()? {
        ImageType::Png => "PNG",
        ImageType::Jpeg => "JPEG",
        ImageType::Webp => "WebP",
        ImageType::Gif => "GIF",
        ImageType::Bmp => "BMP",
        ImageType::Tiff => "TIFF",
        ImageType::Heif(Compression::Hevc) => "HEIC",
        _ => return None,
    })
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
    // What cannot be looked at is told below.
    let unread = unread_format(file.fill_buf().unwrap_or_default());
    let format = imagesize::reader_type(&mut file);
    match &format {
        Ok(
            ImageType::Png
            | ImageType::Jpeg
            | ImageType::Webp
            | ImageType::Gif
            | ImageType::Bmp
            | ImageType::Tiff
            | ImageType::Heif(Compression::Hevc),
        ) => {}
        Ok(_) | Err(_) => return Err(unread.map_or(HeaderError::NotAPicture, HeaderError::NotRead)),
    }
    let io_error = |error: io::Error| match error.kind() {
        ErrorKind::UnexpectedEof => HeaderError::Damaged("it ends too early".to_owned()),
        _ => HeaderError::Damaged(error.to_string()),
    };
    if matches!(format, Ok(ImageType::Jpeg)) {
        let JpegFrame { width, height, .. } = jpeg_frame(&mut file).map_err(io_error)?;
        return check_size(width.into(), height.into());
    }
    let size = format.as_ref().map_err(|_| HeaderError::NotAPicture)?.reader_size(&mut file);
    let size = size.map_err(|error| match error {
        ImageError::NotSupported => HeaderError::NotAPicture,
        ImageError::CorruptedImage => HeaderError::Damaged("it contradicts itself".to_owned()),
        ImageError::IoError(error) => io_error(error),
    })?;
    let (mut width, mut height) = (size.width as u64, size.height as u64);
    match format {
        // A negative height says that its rows begin at the top.
        Ok(ImageType::Bmp) => height = u64::from((height as u32 as i32).unsigned_abs()),
        Ok(ImageType::Gif) if width == 0 || height == 0 => {
            [width, height] = gif_screen(&mut file).map_err(io_error)?.map(u64::from);
        }
        _ => {}
    }
    check_size(width, height)
}

/// The name of a format that phones and browsers have but that is not read, by a file's first bytes.
fn unread_format(start: &[u8]) -> Option<&'static str> {
    match start {
        // A box of type "ftyp", and the brand in it (ISO/IEC 14496-12).
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.get(..4)? {
            b"avif" | b"avis" => Some("AVIF"),
            b"mif1" | b"mif2" | b"msf1" => Some("HEIF"),
            _ => None,
        },
        [0xFF, 0x0A, ..] | [0, 0, 0, 0x0C, b'J', b'X', b'L', b' ', ..] => Some("JPEG XL"),
        _ => None,
    }
}

/// What a JPEG's frame says (ITU-T T.81, B.2.2).
#[cfg_attr(
    not(feature = "native"),
    expect(dead_code, reason = "estimates of memory ask for these")
)]
pub(super) struct JpegFrame {
    /// The kind of frame: the second byte of its marker.
    pub code: u8,
    pub width: u16,
    pub height: u16,
    pub components: u8,
}

/// Reads a JPEG up to its frame. Before a marker there may be fill bytes, and junk that some programs
/// leave there.
pub(super) fn jpeg_frame(file: &mut (impl BufRead + Seek)) -> io::Result<JpegFrame> {
    file.seek(SeekFrom::Start(0))?;
    let mut byte = || {
        let mut byte = [0];
        file.read_exact(&mut byte).map(|()| byte[0])
    };
    let mut before = byte()?;
    loop {
        let code = byte()?;
        let marker = before == 0xFF && !matches!(code, 0 | 0xFF);
        before = code;
        if !marker || matches!(code, 0x01 | 0xD0..=0xD8) {
            continue;
        }
        let length = u16::from_be_bytes([byte()?, byte()?]);
        if matches!(code, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF) {
            let _depth = byte()?;
            let height = u16::from_be_bytes([byte()?, byte()?]);
            let width = u16::from_be_bytes([byte()?, byte()?]);
            return Ok(JpegFrame { code, width, height, components: byte()? });
        }
        if matches!(code, 0xD9 | 0xDA) {
            return Err(io::Error::other("there is no frame before its data"));
        }
        for _ in 2..length {
            byte()?;
        }
    }
}

/// The size of a GIF's screen, whose sides are those of its first picture where it says 0, as in
/// browsers.
pub(super) fn gif_screen(file: &mut (impl BufRead + Seek)) -> io::Result<[u16; 2]> {
    file.seek(SeekFrom::Start(6))?;
    let mut bytes = |count: u64| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        file.by_ref().take(count).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == count { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
    };
    let number = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 2).map_or(0, |pair| u16::from_le_bytes([pair[0], pair[1]]))
    };
    let screen = bytes(7)?;
    let flags = screen.get(4).copied().unwrap_or(0);
    if flags & 0x80 != 0 {
        bytes(3 << ((flags & 7) + 1))?;
    }
    loop {
        match bytes(1)?.as_slice() {
            // An extension: its kind, then blocks with their lengths up to an empty one.
            [0x21] => {
                bytes(1)?;
                while let Some(&length @ 1..) = bytes(1)?.first() {
                    bytes(length.into())?;
                }
            }
            [0x2C] => {
                let place = bytes(8)?;
                return Ok([0, 2].map(|at| match number(&screen, at) {
                    0 => number(&place, at).saturating_add(number(&place, at + 4)),
                    side => side,
                }));
            }
            _ => return Err(io::Error::other("it has no picture")),
        }
    }
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
    fn a_gif_without_a_screen_has_the_size_of_its_first_picture() {
        let mut gif = b"GIF89a\0\0\0\0\x80\0\0\0\0\0\xFF\xFF\xFF".to_vec();
        gif.extend(b"\x21\xFE\x03abc\0\x21\xF9\x04\0\0\0\0\0\x2C\x02\0\0\0\x05\0\x07\0\0");
        assert_eq!(size_from_header(&gif), Ok(PhotoSize { width: 7, height: 7 }));
        gif[6] = 9;
        assert_eq!(size_from_header(&gif), Ok(PhotoSize { width: 9, height: 7 }));
        for cut in 13..gif.len() - 1 {
            assert!(matches!(size_from_header(&gif[..cut]), Err(HeaderError::Damaged(_))), "{cut}");
        }
    }

    #[test]
    fn a_jpeg_s_frame_is_found_behind_fill_bytes_and_junk() {
        let mut jpeg = b"\xFF\xD8\xFF\xFF\xFE\0\x05\xFF\xC0\x01junk\0\xFF\0\xFF\xFF\xFF".to_vec();
        jpeg.extend(b"\xC2\0\x11\x08\0\x1E\0\x28\x03");
        assert_eq!(size_from_header(&jpeg), Ok(PhotoSize { width: 40, height: 30 }));
        // Below that, nothing is said of what it is.
        for cut in 12..jpeg.len() {
            assert!(
                matches!(size_from_header(&jpeg[..cut]), Err(HeaderError::Damaged(_))),
                "{cut}"
            );
        }
        let scan = b"\xFF\xD8\xFF\xDA\0\x08\x01\x01\0\0\x3F\0 and its data";
        assert!(matches!(size_from_header(scan), Err(HeaderError::Damaged(_))));
    }

    #[test]
    fn what_is_no_picture_is_refused_by_content() {
        assert_eq!(size_from_header(b""), Err(HeaderError::Empty));
        assert_eq!(size_from_header(b"just some text"), Err(HeaderError::NotAPicture));
        let film = b"\0\0\0\x18ftypisom and more";
        assert_eq!(size_from_header(film), Err(HeaderError::NotAPicture));
        for (start, name) in [
            (&b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf"[..], "HEIF"),
            (b"\0\0\0\x1Cftypavif\0\0\0\0", "AVIF"),
            (b"\xFF\x0A and its data", "JPEG XL"),
            (b"\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL"),
        ] {
            assert_eq!(size_from_header(start), Err(HeaderError::NotRead(name)));
        }
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
        assert!(matches!(size_from_header(heic), Err(HeaderError::Damaged(_))));
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
