//! How much memory a photo takes while it is changed, by its header alone.

use std::io::{BufRead, Seek, SeekFrom};

use image::{ImageDecoder as _, codecs::tiff::TiffDecoder};
use imagesize::ImageType;

use super::{
    HeaderError, MAX_FILE_BYTES, PhotoSize,
    header::{JpegFrame, jpeg_frame},
    size_from_reader,
};

/// Bytes of memory that a removal takes for each pixel of its boxes, with the check. Measured:
/// about 300 where boxes are as large as a house, less on larger ones.
pub const MEMORY_OF_BOXES: u64 = 320;

/// A photo's size, stored and not yet turned upright, and the bytes of memory that decoding,
/// turning and writing it take at most, without its boxes. `file` is read up to the pixels.
///
/// The factors are those of the decoders and encoders here, measured on noise, which packs worst;
/// `tests/memory.rs` compares them with what the program takes.
///
/// # Errors
/// [`HeaderError`] when the file is not a picture, or has too many bytes or pixels.
pub fn memory_needed(
    mut file: impl BufRead + Seek,
    bytes: u64,
) -> Result<(PhotoSize, u64), HeaderError> {
    if bytes == 0 {
        return Err(HeaderError::Empty);
    }
    if bytes > MAX_FILE_BYTES {
        return Err(HeaderError::FileTooLarge { bytes });
    }
    let size = size_from_reader(&mut file)?;
    let damaged = |error: std::io::Error| HeaderError::Damaged(error.to_string());
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    let format = imagesize::reader_type(&mut file).map_err(|_| HeaderError::NotAPicture)?;
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    let of_pixel = match format {
        // The pixels, and up to three times as much packed, as the encoder's buffers grow.
        ImageType::Png => 4 * png_pixel(&mut file),
        ImageType::Jpeg => jpeg_pixel(&mut file),
        ImageType::Tiff => 4 * tiff_pixel(&mut file),
        ImageType::Bmp => 12,
        _ => 20,
    };
    let pixels = u64::from(size.width) * u64::from(size.height);
    // The file itself; of a JPEG also the decoder's copy, and the result, which are in the pixels'
    // share elsewhere.
    let of_file = if format == ImageType::Jpeg { 3 } else { 1 };
    Ok((size, of_pixel * pixels + of_file * bytes))
}

/// Bytes of a decoded pixel of a PNG.
fn png_pixel(file: &mut impl BufRead) -> u64 {
    let mut header = [0; 26];
    // A header that is cut short is refused when the photo is decoded.
    let _ = file.read_exact(&mut header);
    let [.., depth, colours] = header;
    let channels = match colours {
        0 => 1,
        2 => 3,
        4 => 2,
        _ => 4,
    };
    channels * if depth == 16 { 2 } else { 1 }
}

/// Bytes that a pixel of a JPEG takes: decoded, and as samples of its colours, or turned. Of a
/// progressive one the coefficients of all its colours are in memory.
fn jpeg_pixel(file: &mut (impl BufRead + Seek)) -> u64 {
    // A header that is damaged is refused when the photo is decoded.
    let Ok(JpegFrame { code, components, .. }) = jpeg_frame(file) else { return 11 };
    let components = u64::from(components).clamp(1, 4);
    match (code, components) {
        (0xC0 | 0xC1, 1) => 2,
        (0xC0 | 0xC1, _) => 3 + components,
        _ => 3 + 2 * components,
    }
}

/// Bytes of a decoded pixel of a TIFF.
fn tiff_pixel(file: &mut (impl BufRead + Seek)) -> u64 {
    // The largest kind for one whose header cannot be read; it is refused when it is decoded.
    TiffDecoder::new(file).map_or(16, |decoder| decoder.color_type().bytes_per_pixel().into())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat};
    use jpeg_encoder::{ColorType, Encoder};

    use super::*;

    /// Bytes for each pixel.
    fn of_pixel(file: &[u8]) -> u64 {
        let length = file.len() as u64;
        let (size, all) = memory_needed(Cursor::new(file), length).expect("a picture");
        assert_eq!(size, PhotoSize { width: 40, height: 30 });
        let of_file = if file.starts_with(b"\xFF\xD8") { 3 } else { 1 };
        (all - of_file * length) / (40 * 30)
    }

    #[test]
    fn the_memory_of_a_photo_depends_on_its_kind() {
        let of = |image: DynamicImage, format| {
            let mut file = Cursor::new(Vec::new());
            image.write_to(&mut file, format).expect("written");
            of_pixel(&file.into_inner())
        };
        assert_eq!(of(DynamicImage::new_luma8(40, 30), ImageFormat::Png), 4);
        assert_eq!(of(DynamicImage::new_rgb8(40, 30), ImageFormat::Png), 12);
        assert_eq!(of(DynamicImage::new_rgba16(40, 30), ImageFormat::Png), 32);
        assert_eq!(of(DynamicImage::new_rgb16(40, 30), ImageFormat::Tiff), 24);
        assert_eq!(of(DynamicImage::new_rgb8(40, 30), ImageFormat::Jpeg), 6);
        assert_eq!(of(DynamicImage::new_luma8(40, 30), ImageFormat::Jpeg), 2);
        let mut progressive = Vec::new();
        let mut encoder = Encoder::new(&mut progressive, 90);
        encoder.set_progressive(true);
        encoder.add_exif_metadata(&[0; 999]).expect("taken");
        encoder.encode(&[0; 40 * 30 * 3], 40, 30, ColorType::Rgb).expect("written");
        assert_eq!(of_pixel(&progressive), 9);
    }

    #[test]
    fn a_file_that_is_too_long_is_refused_by_its_length() {
        let refused = memory_needed(Cursor::new(b"anything"), MAX_FILE_BYTES + 1);
        let error = refused.expect_err("too long").to_string();
        assert!(error.contains("256 MB; the limit is 256 MB"), "{error}");
        assert_eq!(memory_needed(Cursor::new(b""), 0), Err(HeaderError::Empty));
    }
}
