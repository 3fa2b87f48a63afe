//! HEIC, the format of phones' photos (ISO/IEC 23008-12, with pictures of H.265). It is only read: a
//! result is written as JPEG.

use heifer::{Options, heifer_isobmff::HeifFile};
use image::{DynamicImage, ImageBuffer};

use super::{
    LeftOut,
    header::{MAX_PIXELS, MAX_PROFILE_BYTES, check_size},
    pixels::PhotoError,
};

/// A photo's picture, upright, with its colour profile.
///
/// Samples have 8 bits; those of 10 bits lose two. Colours that are described without a profile
/// become sRGB. The file's own turns are done, and what its EXIF data say of them does not count
/// (6.5.10, 6.5.12 and A.2.1).
pub fn decode(bytes: &[u8]) -> Result<(DynamicImage, Option<Vec<u8>>), PhotoError> {
    let file = HeifFile::parse(bytes).map_err(|error| PhotoError::Heic(error.into()))?;
    let profile = file.icc_profile(file.primary_id).ok().flatten();
    if profile.is_some_and(|profile| profile.len() > MAX_PROFILE_BYTES) {
        return Err(super::HeaderError::ProfileTooLarge.into());
    }
    let options = Options { max_pixels: MAX_PIXELS, ..Options::default() };
    let decoded = match profile {
        Some(_) => heifer::decode_rgba8(bytes, &options),
        None => heifer::decode_srgb_rgba8(bytes, &options),
    };
    let decoded = decoded.map_err(PhotoError::Heic)?;
    check_size(decoded.width.into(), decoded.height.into())?;
    let (width, height) = (decoded.width, decoded.height);
    let image = match decoded.has_alpha {
        true => ImageBuffer::from_raw(width, height, decoded.data).map(DynamicImage::ImageRgba8),
        false => {
            ImageBuffer::from_raw(width, height, decoded.into_rgb8()).map(DynamicImage::ImageRgb8)
        }
    };
    let image = image.ok_or(PhotoError::Heic(heifer::Error::Invalid("samples are missing")))?;
    Ok((image, profile.map(<[u8]>::to_vec)))
}

/// How many photos a file holds; smaller copies and pictures that belong to another one (its depth,
/// brightness, or transparency) do not count. What is damaged is for [`decode`] to tell.
pub fn pictures_in(bytes: &[u8]) -> usize {
    HeifFile::parse(bytes).map_or(1, |file| file.top_level_image_ids().len())
}

/// The metadata of a file.
#[derive(Debug, Default)]
pub struct Found {
    /// EXIF data, beginning with their byte order.
    pub exif: Option<Vec<u8>>,
    /// A packet of XMP.
    pub xmp: Option<Vec<u8>>,
    /// Pictures that belong to the photo's.
    pub others: Vec<LeftOut>,
}

/// The metadata of a photo's file; what is damaged is left out.
pub fn metadata_in(bytes: &[u8]) -> Found {
    let Ok(file) = HeifFile::parse(bytes) else { return Found::default() };
    let photo = file.primary_id;
    let mut others = Vec::new();
    if !file.referencing_items(photo, b"thmb").is_empty() {
        others.push(LeftOut::Preview);
    }
    // Depth, mattes, and the brightness of HDR; transparency stays, but is such a picture, too.
    if !file.referencing_items(photo, b"auxl").is_empty() {
        others.push(LeftOut::Pictures);
    }
    let exif = file.exif(photo).ok().flatten();
    Found { exif, xmp: file.xmp(photo).ok().flatten(), others }
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use heifer::{EncodeOptions, Image};

    use super::*;
    use crate::photo::{
        Encoding, Metadata, Photo, PhotoSize, format_from_header, size_from_header,
    };

    const SIZE: PhotoSize = PhotoSize { width: 200, height: 120 };

    /// Soft colours, which the encoder hardly changes.
    fn samples() -> Vec<u8> {
        (0..SIZE.height * SIZE.width)
            .flat_map(|i| {
                let (x, y) = (i % SIZE.width, i / SIZE.width);
                [(x + 20) as u8, (2 * y) as u8, (200 - x / 2 - y / 2) as u8]
            })
            .collect()
    }

    fn heic(exif: Option<Vec<u8>>) -> Vec<u8> {
        let samples = samples();
        let pixels = samples.as_chunks::<3>().0.iter();
        let data = pixels.flat_map(|&[r, g, b]| [r.into(), g.into(), b.into(), 255]).collect();
        let (width, height) = (SIZE.width, SIZE.height);
        let image = Image { width, height, bit_depth: 8, has_alpha: false, data };
        let metadata = heifer::Metadata { exif, ..Default::default() };
        let options = EncodeOptions { quality: 95, ..Default::default() };
        heifer::encode_with_metadata(&image, &metadata, &options).expect("encoded")
    }

    /// EXIF data with a camera's name, an orientation that turns by a quarter, and a place.
    fn exif() -> Vec<u8> {
        let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
            [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value].concat()
        };
        let mut exif = b"MM\0\x2A\0\0\0\x08\0\x02".to_vec();
        exif.extend(entry(0x010F, 2, 4, *b"Cam\0"));
        exif.extend(entry(0x0112, 3, 1, [0, 6, 0, 0]));
        exif.extend([0; 4]);
        exif
    }

    #[test]
    fn a_heic_is_decoded_upright_whatever_its_exif_data_say() {
        let file = heic(Some(exif()));
        assert_eq!(format_from_header(&file), Some("HEIC"));
        assert_eq!(size_from_header(&file), Ok(SIZE));
        let photo = Photo::decode(&file).expect("a photo");
        assert_eq!((photo.size(), photo.stored_size()), (SIZE, SIZE));
        let off = photo.image.to_rgb8().into_raw();
        let most = off.iter().zip(samples()).map(|(a, b)| a.abs_diff(b)).max();
        assert!(most.is_some_and(|most| most <= 12), "{most:?}");
    }

    #[test]
    fn a_result_is_a_jpeg_with_the_metadata_that_were_chosen() {
        let file = heic(Some(exif()));
        let photo = Photo::decode(&file).expect("a photo");
        for (choice, has_camera) in [(Metadata::None, false), (Metadata::All, true)] {
            let encoding = Encoding::of(&file, choice).expect("a picture");
            assert_eq!((encoding.extension(), encoding.needs_file()), ("jpg", false));
            let written = encoding.write_changed(&[], &photo, &[]).expect("written");
            let again = Photo::decode(&written.bytes).expect("a JPEG");
            // The orientation of the file's EXIF data is not that of the result.
            assert_eq!((again.size(), again.stored_size()), (SIZE, SIZE));
            let camera = written.bytes.windows(4).any(|bytes| bytes == b"Cam\0");
            assert_eq!(camera, has_camera, "{choice:?}");
            assert_eq!(written.left_out.contains(&LeftOut::Exif), !has_camera, "{choice:?}");
        }
    }

    #[test]
    fn transparency_is_kept() {
        let with_alpha: Vec<u8> = samples()
            .as_chunks::<3>()
            .0
            .iter()
            .enumerate()
            .flat_map(|(i, &[r, g, b])| [r, g, b, if i % 200 < 100 { 0 } else { 255 }])
            .collect();
        let options = EncodeOptions::default();
        let file = heifer::encode_rgba8(SIZE.width, SIZE.height, &with_alpha, &options);
        let photo = Photo::decode(&file.expect("encoded")).expect("a photo");
        let rgba = photo.to_rgba8();
        assert!(rgba[3] < 10 && rgba[4 * 199 + 3] > 245, "{} {}", rgba[3], rgba[4 * 199 + 3]);
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let file = heic(None);
        for cut in (0..file.len()).step_by(7) {
            assert!(Photo::decode(&file[..cut]).is_err(), "cut at {cut}");
            let _ = (pictures_in(&file[..cut]), metadata_in(&file[..cut]));
        }
        for at in (0..file.len()).step_by(5) {
            let mut damaged = file.clone();
            damaged[at] ^= 0x55;
            // It may still be a picture; what counts is that it ends.
            let _ = (Photo::decode(&damaged), metadata_in(&damaged));
        }
    }
}
