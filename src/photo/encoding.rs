//! The format and quality of a photo's file, so that the changed photo is written in the same ones.

use std::{borrow::Cow, io::Cursor, path::Path};

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder as _, ImageEncoder, ImageError, ImageFormat,
    ImageReader,
    codecs::{
        bmp::BmpEncoder,
        gif::GifEncoder,
        png::{CompressionType, FilterType, PngEncoder},
        tiff::TiffEncoder,
        webp::WebPEncoder,
    },
    metadata::Orientation,
};
use jpeg_encoder::{ColorType, Encoder, QuantizationTableType, SamplingFactor};

use super::{
    Change, JpegError, Photo, PhotoError, exif, header::HeaderError, jpeg::ZIGZAG,
    pixels::format_name, strip::exif_of_orientation, with_changes,
};

/// Quality, of 100, of a JPEG whose own tables cannot be read.
const JPEG_QUALITY: u8 = 92;

/// How a photo is encoded in its file: the format, a JPEG's quality, and the part of its EXIF data
/// that is kept.
///
/// Of all metadata, only the ICC profile is always kept (if the format can hold one), because
/// colours are wrong without it.
#[derive(Clone, Debug)]
pub struct Encoding {
    format: ImageFormat,
    jpeg: Option<JpegSettings>,
    exif: Option<Vec<u8>>,
    /// The same for a picture that stays stored as it is, not upright.
    exif_as_stored: Option<Vec<u8>>,
}

/// A written photo.
#[derive(Debug)]
pub struct Written {
    /// Its file.
    pub bytes: Vec<u8>,
    /// Of a JPEG, whether only blocks with changed pixels were written anew, or why all were.
    pub blocks: Option<Result<(), JpegError>>,
}

/// What a JPEG's quality is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct JpegSettings {
    /// Quantisation of brightness and of colour, row after row.
    luma: [u16; 64],
    chroma: [u16; 64],
    /// Pixels across and down that share a sample of colour.
    sampling: (u8, u8),
    progressive: bool,
}

impl Encoding {
    /// Whether a file of this name should have this format.
    pub fn is_named(&self, path: &Path) -> bool {
        ImageFormat::from_path(path).is_ok_and(|format| format == self.format)
    }

    /// The encoding of a photo's file. With `keep_exif`, its EXIF data, including the location, are
    /// written again in JPEG, PNG and WebP, without previews and maker's notes: a preview would
    /// still show what was removed.
    ///
    /// # Errors
    /// [`PhotoError`] when the bytes are not a picture.
    pub fn of(bytes: &[u8], keep_exif: bool) -> Result<Self, PhotoError> {
        let reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|error| HeaderError::Damaged(error.to_string()))?;
        let format = reader.format().ok_or(HeaderError::NotAPicture)?;
        let (mut exif, mut exif_as_stored) = (None, None);
        if keep_exif {
            let damaged = |reason| PhotoError::Damaged { format: format_name(format), reason };
            let mut decoder = reader.into_decoder().map_err(damaged)?;
            // A photo whose metadata cannot be read is still a photo.
            let block = decoder.exif_metadata().ok().flatten();
            let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
            let kept = |orientation| exif::without_previews(block.clone()?, orientation);
            exif = kept(Orientation::NoTransforms);
            exif_as_stored = kept(orientation);
        }
        let jpeg = if format == ImageFormat::Jpeg { JpegSettings::of(bytes) } else { None };
        Ok(Encoding { format, jpeg, exif, exif_as_stored })
    }

    /// Whether this is a JPEG, of which [`Encoding::write_changed`] needs the file.
    pub fn is_jpeg(&self) -> bool {
        self.format == ImageFormat::Jpeg
    }

    /// A photo that was decoded from `file`, which has this encoding, and then changed in `changes`
    /// and nowhere else. Of a baseline or progressive JPEG only blocks with changed pixels are
    /// written anew, if that is possible. Its picture stays stored as it is, so its orientation is
    /// kept. All others are written by [`Encoding::write`], and `file` may be empty.
    ///
    /// # Errors
    /// As [`Encoding::write`].
    pub fn write_changed(
        &self,
        file: &[u8],
        photo: &Photo,
        changes: &[Change<'_>],
    ) -> Result<Written, PhotoError> {
        if !self.is_jpeg() {
            return Ok(Written { bytes: self.write(photo)?, blocks: None });
        }
        let orientation = Some(photo.orientation);
        let turned = orientation.filter(|orientation| *orientation != Orientation::NoTransforms);
        let exif = self.exif_as_stored.clone().or_else(|| turned.map(exif_of_orientation));
        let (bytes, blocks) = match with_changes(file, photo, changes, exif.as_deref()) {
            Ok(bytes) => (bytes, Ok(())),
            Err(reason) => (self.write(photo)?, Err(reason)),
        };
        Ok(Written { bytes, blocks: Some(blocks) })
    }

    /// A photo as a file of this encoding.
    ///
    /// PNG, TIFF and BMP keep every pixel; so does WebP, which is always written lossless. A JPEG
    /// is written with its own quantisation tables and colour sampling, so that unchanged pixels
    /// are rounded to the same values again, nearly everywhere. A GIF keeps 256 colours and its
    /// first frame.
    ///
    /// # Errors
    /// [`PhotoError::EncodeAs`] when the encoder fails, for example if there is not enough memory.
    pub fn write(&self, photo: &Photo) -> Result<Vec<u8>, PhotoError> {
        let mut bytes = Vec::new();
        let done = match self.format {
            ImageFormat::Jpeg => return self.write_jpeg(photo),
            ImageFormat::WebP => self.put(photo, WebPEncoder::new_lossless(&mut bytes)),
            ImageFormat::Bmp => self.put(photo, BmpEncoder::new(&mut bytes)),
            ImageFormat::Tiff => self.put(photo, TiffEncoder::new(Cursor::new(&mut bytes))),
            ImageFormat::Gif => {
                let rgba = photo.image.to_rgba8();
                let (width, height) = rgba.dimensions();
                // 10 of 30: the best palettes take very long on large photos.
                GifEncoder::new_with_speed(&mut bytes, 10).encode(
                    &rgba,
                    width,
                    height,
                    ExtendedColorType::Rgba8,
                )
            }
            _ => self.put(
                photo,
                PngEncoder::new_with_quality(
                    &mut bytes,
                    CompressionType::Default,
                    FilterType::Adaptive,
                ),
            ),
        };
        done.map_err(|error| self.failed(&error))?;
        Ok(bytes)
    }

    fn failed(&self, error: &dyn std::error::Error) -> PhotoError {
        PhotoError::EncodeAs { format: format_name(self.format), reason: error.to_string() }
    }

    /// Writes pixels and metadata with one of `image`'s encoders.
    fn put(&self, photo: &Photo, mut encoder: impl ImageEncoder) -> Result<(), ImageError> {
        if let Some(profile) = &photo.icc_profile {
            // BMP has no place for one.
            let _ = encoder.set_icc_profile(profile.clone());
        }
        if let Some(exif) = &self.exif {
            // Neither BMP nor this TIFF encoder has a place for it.
            let _ = encoder.set_exif_metadata(exif.clone());
        }
        let image = self.in_its_colours(&photo.image);
        encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into())
    }

    /// The image in colours that the format's encoder takes: TIFF's knows no grey with alpha.
    fn in_its_colours<'a>(&self, image: &'a DynamicImage) -> Cow<'a, DynamicImage> {
        use Cow::{Borrowed, Owned};
        match (self.format, image) {
            (ImageFormat::Tiff, DynamicImage::ImageLumaA8(_)) => {
                Owned(DynamicImage::ImageRgba8(image.to_rgba8()))
            }
            (ImageFormat::Tiff, DynamicImage::ImageLumaA16(_)) => {
                Owned(DynamicImage::ImageRgba16(image.to_rgba16()))
            }
            _ => Borrowed(image),
        }
    }

    fn write_jpeg(&self, photo: &Photo) -> Result<Vec<u8>, PhotoError> {
        let failed = |error| self.failed(&error);
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, JPEG_QUALITY);
        // Not with optimised Huffman tables: this encoder writes one component after the other then,
        // which the decoder that reads photos here, zune-jpeg 0.5.15, reads wrong.
        if let Some(settings) = &self.jpeg {
            let table = |values: &[u16; 64]| QuantizationTableType::Custom(Box::new(*values));
            encoder.set_quantization_tables(table(&settings.luma), table(&settings.chroma));
            let (across, down) = settings.sampling;
            let sampling = SamplingFactor::from_factors(across, down);
            encoder.set_sampling_factor(sampling.unwrap_or(SamplingFactor::F_1_1));
            encoder.set_progressive(settings.progressive);
        }
        if let Some(profile) = &photo.icc_profile {
            encoder.add_icc_profile(profile).map_err(failed)?;
        }
        if let Some(exif) = &self.exif {
            encoder.add_exif_metadata(exif).map_err(failed)?;
        }
        // Borrowed where they have the right form already: a copy of a large photo is large.
        let (samples, colours): (Cow<'_, [u8]>, _) = match &photo.image {
            DynamicImage::ImageLuma8(grey) => (Cow::Borrowed(grey.as_raw()), ColorType::Luma),
            DynamicImage::ImageRgb8(rgb) => (Cow::Borrowed(rgb.as_raw()), ColorType::Rgb),
            image => (Cow::Owned(image.to_rgb8().into_raw()), ColorType::Rgb),
        };
        let size = photo.size();
        // A JPEG's sides are 16 bits, also when it is turned.
        let (Ok(width), Ok(height)) = (u16::try_from(size.width), u16::try_from(size.height))
        else {
            let reason = format!("{} x {} pixels are too many", size.width, size.height);
            return Err(PhotoError::EncodeAs { format: "JPEG", reason });
        };
        encoder.encode(&samples, width, height, colours).map_err(failed)?;
        Ok(bytes)
    }
}

impl JpegSettings {
    /// The settings in the segments before a JPEG's first scan; `None` if these are incomplete.
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut tables: [Option<[u16; 64]>; 4] = [None; 4];
        let mut frame: Option<(bool, &[u8])> = None;
        let mut rest = bytes.get(2..)?;
        loop {
            // Any number of 0xFF may precede a marker.
            let (&marker, behind) = rest.split_first()?;
            let (code, behind) = match (marker, *behind.first()?) {
                (0xFF, 0xFF) => {
                    rest = behind;
                    continue;
                }
                (0xFF, code) => (code, behind.get(1..)?),
                _ => return None,
            };
            if code == 0xDA {
                break;
            }
            let length = usize::from(u16::from_be_bytes([*behind.first()?, *behind.get(1)?]));
            let segment = behind.get(2..length)?;
            match code {
                0xDB => read_tables(segment, &mut tables)?,
                // Baseline, extended and progressive frames; the rest is not seen in photos.
                0xC0..=0xC2 => frame = Some((code == 0xC2, segment)),
                _ => {}
            }
            rest = behind.get(length..)?;
        }
        let (progressive, frame) = frame?;
        // Precision, height, width, then three bytes a component: its id, its sampling, its table.
        let components: Vec<&[u8]> =
            frame.get(6..)?.chunks_exact(3).take(usize::from(*frame.get(5)?)).collect();
        let first = components.first()?;
        let second = components.get(1).unwrap_or(first);
        let table = |component: &[u8]| tables.get(usize::from(*component.get(2)?)).copied()?;
        let factors = |component: &[u8]| component.get(1).map(|both| (both >> 4, both & 15));
        let ((across, down), (across_2, down_2)) = (factors(first)?, factors(second)?);
        let ratio = |all: u8, part: u8| all.checked_div(part).unwrap_or(1).max(1);
        Some(JpegSettings {
            luma: table(first)?,
            chroma: table(second)?,
            sampling: (ratio(across, across_2), ratio(down, down_2)),
            progressive,
        })
    }
}

/// Reads one segment of quantisation tables.
fn read_tables(mut segment: &[u8], tables: &mut [Option<[u16; 64]>; 4]) -> Option<()> {
    while let Some((&head, behind)) = segment.split_first() {
        let wide = head >> 4 != 0;
        let bytes = if wide { 128 } else { 64 };
        let values = behind.get(..bytes)?;
        let mut table = [0; 64];
        for (i, at) in ZIGZAG.into_iter().enumerate() {
            let value = if wide {
                u16::from_be_bytes([*values.get(2 * i)?, *values.get(2 * i + 1)?])
            } else {
                u16::from(*values.get(i)?)
            };
            // Values above a byte are those of quality 1 and below, and are written as bytes.
            *table.get_mut(at)? = value.clamp(1, 255);
        }
        *tables.get_mut(usize::from(head & 15))? = Some(table);
        segment = behind.get(bytes..)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::photo::PhotoSize;

    const SIZE: PhotoSize = PhotoSize { width: 61, height: 43 };

    /// A smooth picture, as photos are.
    fn smooth() -> Photo {
        let picture = RgbImage::from_fn(SIZE.width, SIZE.height, |x, y| {
            let wave =
                |k: f32| (128.0 + 90.0 * (x as f32 / k).sin() * (y as f32 / 9.0).cos()) as u8;
            Rgb([wave(7.0), wave(11.0), wave(17.0)])
        });
        Photo::from_rgb8(SIZE, picture.into_raw()).expect("a photo")
    }

    fn jpeg(sampling: SamplingFactor, quality: u8, progressive: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, quality);
        encoder.set_sampling_factor(sampling);
        encoder.set_progressive(progressive);
        let samples = smooth().image.to_rgb8().into_raw();
        encoder.encode(&samples, 61, 43, ColorType::Rgb).expect("written");
        bytes
    }

    #[test]
    fn a_jpeg_keeps_tables_sampling_and_scans() {
        for (sampling, factors) in [
            (SamplingFactor::F_1_1, (1, 1)),
            (SamplingFactor::F_2_1, (2, 1)),
            (SamplingFactor::F_2_2, (2, 2)),
        ] {
            for (quality, progressive) in [(35, false), (80, true), (100, false)] {
                let before = jpeg(sampling, quality, progressive);
                let encoding = Encoding::of(&before, false).expect("a picture");
                let settings = encoding.jpeg.clone().expect("its settings");
                assert_eq!((settings.sampling, settings.progressive), (factors, progressive));
                let photo = Photo::decode(&before).expect("a photo");
                let after = encoding.write(&photo).expect("written");
                assert_eq!(JpegSettings::of(&after), Some(settings), "quality {quality}");
                let photo_after = Photo::decode(&after).expect("a photo");
                let furthest = photo.image.as_bytes().iter().zip(photo_after.image.as_bytes());
                let furthest = furthest.map(|(a, b)| a.abs_diff(*b)).max();
                // Colour that four pixels share is averaged again.
                assert!(furthest < Some(24), "{factors:?}, quality {quality}: {furthest:?}");
            }
        }
    }

    #[test]
    fn a_damaged_jpeg_header_has_no_settings_and_does_no_harm() {
        let whole = jpeg(SamplingFactor::F_2_2, 80, false);
        let scan = whole.windows(2).position(|pair| pair == [0xFF, 0xDA]).expect("a scan");
        for end in 0..scan {
            assert_eq!(JpegSettings::of(&whole[..end]), None, "cut at {end}");
        }
        for at in 2..scan {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                // Reading must end, whatever the bytes are.
                let _ = JpegSettings::of(&damaged);
            }
        }
    }

    #[test]
    fn every_format_is_written_as_itself_and_lossless_ones_keep_every_pixel() {
        use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
        let photo = smooth();
        let grey = DynamicImage::ImageLumaA16(photo.image.to_luma_alpha16());
        for (image, format) in [
            (&photo.image, Png),
            (&photo.image, Tiff),
            (&photo.image, Bmp),
            (&photo.image, WebP),
            (&photo.image, Gif),
            (&photo.image, Jpeg),
            (&grey, Png),
        ] {
            let mut before = Cursor::new(Vec::new());
            let source = if format == Gif { &image.to_rgba8().into() } else { image };
            source.write_to(&mut before, format).expect("written");
            let before = before.into_inner();
            let encoding = Encoding::of(&before, true).expect("a picture");
            let photo = Photo::decode(&before).expect("a photo");
            let after = encoding.write(&photo).expect("written");
            assert_eq!(image::guess_format(&after).ok(), Some(format));
            let again = Photo::decode(&after).expect("a photo");
            assert_eq!(again.size(), photo.size());
            if !matches!(format, Gif | Jpeg) {
                assert_eq!(again.image, photo.image, "{format:?}");
            }
        }
        let orientation = Orientation::NoTransforms;
        let photo = Photo { image: grey, icc_profile: None, orientation };
        let tiff = Encoding { format: Tiff, jpeg: None, exif: None, exif_as_stored: None };
        let again = Photo::decode(&tiff.write(&photo).expect("written")).expect("a photo");
        assert_eq!(again.image.to_luma_alpha16(), photo.image.to_luma_alpha16());
    }
}
