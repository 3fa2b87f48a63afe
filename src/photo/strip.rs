//! Takes metadata out of a picture's file, without encoding its pixels again.

use flate2::Crc;
use image::metadata::Orientation;

use super::parts::{PartKind, walk_parts};

/// The flags in a WebP's header that announce EXIF data and XMP.
const WEBP_EXIF: u8 = 0x08;
const WEBP_XMP: u8 = 0x04;

/// A picture's file without its metadata; pixels, colour profile and orientation stay as they are.
/// Of a file without metadata it is an exact copy.
///
/// Returns `None` for TIFF, whose metadata are spread over the file, and for damaged files.
pub fn without_metadata(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut stripped = Vec::with_capacity(bytes.len());
    let mut orientation = None;
    walk_parts(bytes, &mut |part| {
        let content = bytes.get(part.content.clone()).unwrap_or_default();
        match part.kind {
            PartKind::Picture | PartKind::Profile => {
                stripped.extend_from_slice(bytes.get(part.whole).unwrap_or_default());
            }
            // Without its orientation, a photo would lie on its side.
            PartKind::Exif if orientation.is_none() => {
                orientation = orientation_of(content);
                if let Some(orientation) = orientation {
                    put_orientation(&mut stripped, bytes, orientation);
                }
            }
            PartKind::Exif | PartKind::Other => {}
        }
    })?;
    if bytes.starts_with(b"RIFF") {
        mend_webp(&mut stripped, orientation.is_some())?;
    }
    Some(stripped)
}

/// How EXIF data say that the photo is to be turned; `None` if it is upright.
fn orientation_of(exif: &[u8]) -> Option<Orientation> {
    let block = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let found = Orientation::from_exif_chunk(block)?;
    (found != Orientation::NoTransforms).then_some(found)
}

/// EXIF data that hold an orientation and nothing else.
pub(super) fn exif_of_orientation(orientation: Orientation) -> Vec<u8> {
    // A directory with one entry: tag 274, one short number.
    let mut block = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    block.extend([orientation.to_exif(), 0, 0, 0, 0, 0, 0]);
    block
}

/// Writes EXIF data that hold an orientation and nothing else, as a part of a file like `bytes`.
fn put_orientation(file: &mut Vec<u8>, bytes: &[u8], orientation: Orientation) {
    let block = exif_of_orientation(orientation);
    let length = block.len() as u8;
    if bytes.starts_with(b"RIFF") {
        file.extend_from_slice(b"EXIF");
        file.extend([length, 0, 0, 0]);
        file.extend(block);
    } else if bytes.starts_with(b"\x89PNG") {
        file.extend([0, 0, 0, length]);
        let start = file.len();
        file.extend_from_slice(b"eXIf");
        file.extend(block);
        let mut checksum = Crc::new();
        checksum.update(file.get(start..).unwrap_or_default());
        file.extend(checksum.sum().to_be_bytes());
    } else {
        file.extend([0xFF, 0xE1, 0, length + 8]);
        file.extend_from_slice(b"Exif\0\0");
        file.extend(block);
    }
}

/// Sets a WebP's length, and the flags of what it holds.
fn mend_webp(file: &mut [u8], has_exif: bool) -> Option<()> {
    let length = u32::try_from(file.len().checked_sub(8)?).ok()?;
    file.get_mut(4..8)?.copy_from_slice(&length.to_le_bytes());
    if file.get(12..16)? == b"VP8X" {
        let flags = file.get_mut(20)?;
        *flags &= !WEBP_XMP;
        if !has_exif {
            *flags &= !WEBP_EXIF;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{
        DynamicImage, ExtendedColorType, ImageDecoder as _, ImageEncoder, ImageReader, RgbImage,
        codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder},
    };

    use super::*;

    const PLACE: &[u8] = b"51.5 north";

    /// EXIF data with a text, and an orientation if it is not 0.
    fn exif(orientation: u8) -> Vec<u8> {
        let mut block = b"MM\0\x2A\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        block.extend([orientation, 0, 0]);
        block.extend(b"\x01\x0E\0\x02\0\0\0\x0A\0\0\0\x26\0\0\0\0");
        block.extend(PLACE);
        block
    }

    fn written(mut encoder: impl ImageEncoder, orientation: Option<u8>) {
        let picture = RgbImage::from_fn(24, 16, |x, y| image::Rgb([x as u8 * 9, y as u8, 77]));
        encoder.set_icc_profile(b"a profile".to_vec()).expect("taken");
        if let Some(orientation) = orientation {
            encoder.set_exif_metadata(exif(orientation)).expect("taken");
        }
        encoder.write_image(&picture, 24, 16, ExtendedColorType::Rgb8).expect("written");
    }

    /// A picture in three formats.
    fn files(orientation: Option<u8>) -> [Vec<u8>; 3] {
        let [mut png, mut jpeg, mut webp] = [Vec::new(), Vec::new(), Vec::new()];
        written(PngEncoder::new(&mut png), orientation);
        written(JpegEncoder::new(&mut jpeg), orientation);
        written(WebPEncoder::new_lossless(&mut webp), orientation);
        [png, jpeg, webp]
    }

    #[test]
    fn metadata_go_and_everything_else_stays_to_the_byte() {
        for (plain, laden) in files(None).into_iter().zip(files(Some(1))) {
            assert_eq!(without_metadata(&plain).as_ref(), Some(&plain), "an exact copy");
            let stripped = without_metadata(&laden).expect("stripped");
            assert!(laden.windows(PLACE.len()).any(|part| part == PLACE));
            // A WebP's header has been made for metadata, so that it is a little longer.
            if !plain.starts_with(b"RIFF") {
                assert_eq!(stripped, plain);
            }
            let behind = [laden.as_slice(), b"a film"].concat();
            assert_eq!(without_metadata(&behind), Some(stripped.clone()));
            let mut decoder = ImageReader::new(Cursor::new(&stripped))
                .with_guessed_format()
                .expect("a picture")
                .into_decoder()
                .expect("a picture");
            assert_eq!(decoder.exif_metadata().expect("read"), None);
            assert_eq!(decoder.icc_profile().expect("read").as_deref(), Some(&b"a profile"[..]));
            let pixels = |file: &[u8]| image::load_from_memory(file).expect("a picture");
            assert!(pixels(&stripped) == pixels(&plain));
        }
    }

    #[test]
    fn a_photo_that_lies_on_its_side_is_still_turned() {
        for laden in files(Some(6)) {
            let stripped = without_metadata(&laden).expect("stripped");
            assert!(!stripped.windows(PLACE.len()).any(|part| part == PLACE));
            let upright = |file: &[u8]| {
                let reader = ImageReader::new(Cursor::new(file)).with_guessed_format();
                let mut decoder = reader.expect("a picture").into_decoder().expect("a picture");
                let orientation = decoder.orientation().expect("read");
                let mut image = DynamicImage::from_decoder(decoder).expect("decoded");
                image.apply_orientation(orientation);
                image
            };
            assert_eq!(upright(&stripped).width(), 16);
            assert!(upright(&stripped) == upright(&laden));
        }
    }
}
