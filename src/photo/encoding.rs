//! The format and quality of a photo's file, so that the changed photo is written in the same ones,
//! or in others.

use std::{borrow::Cow, io::Cursor, path::Path};

use image::{
    DynamicImage, ExtendedColorType, ImageEncoder, ImageError, ImageFormat,
    codecs::{
        bmp::BmpEncoder,
        gif::GifEncoder,
        png::{CompressionType, FilterType, PngEncoder},
        tiff::TiffEncoder,
        webp::WebPEncoder,
    },
    metadata::Orientation,
};
use jpeg_encoder::{
    ColorType, Encoder, PixelDensity, PixelDensityUnit, QuantizationTableType, SamplingFactor,
};

use super::{
    Change, JPEG_QUALITY, JpegError, LeftOut, Metadata, Photo, PhotoError, SaveChoice, SavedFormat,
    format_from_header,
    header::HeaderError,
    jpeg::ZIGZAG,
    metadata::{Density, DensityUnit, KeptMetadata, Rendering},
    pixels::format_name,
    with_changes,
};

/// How a photo is encoded in its file: the format, a JPEG's quality, and the metadata that are kept.
///
/// The colour profile is always kept (if the format can hold one), because colours are wrong without
/// it; so are a PNG's chunks about colours, and the resolution.
#[derive(Clone, Debug)]
pub struct Encoding {
    format: ImageFormat,
    /// The format of the photo's file, or the one that takes its place where it cannot be written.
    own: ImageFormat,
    /// Whether the photo's file is a JPEG, of which blocks may be kept.
    was_jpeg: bool,
    /// Of a JPEG's file.
    jpeg: Option<JpegSettings>,
    quality: u8,
    metadata: KeptMetadata,
    rendering: Rendering,
}

/// A written photo.
#[derive(Debug)]
pub struct Written {
    /// Its file.
    pub bytes: Vec<u8>,
    /// Of a JPEG that was one before, whether only blocks with changed pixels were written again, or
    /// why all were.
    pub blocks: Option<Result<(), JpegError>>,
    /// What was in the photo's file, and is not in this one.
    pub left_out: Vec<LeftOut>,
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
        let extension = path.extension().unwrap_or_default();
        // Other names of JPEG, which `image` does not know.
        let is_jpeg = |name: &&str| extension.eq_ignore_ascii_case(name);
        ImageFormat::from_path(path).is_ok_and(|format| format == self.format)
            || self.format == ImageFormat::Jpeg
                && ["jpe", "jfif", "pjpeg", "pjp"].iter().any(is_jpeg)
    }

    /// The ending of such a file's name, in lower case.
    pub fn extension(&self) -> &'static str {
        match self.format {
            ImageFormat::Jpeg => "jpg",
            ImageFormat::WebP => "webp",
            ImageFormat::Gif => "gif",
            ImageFormat::Bmp => "bmp",
            ImageFormat::Tiff => "tif",
            _ => "png",
        }
    }

    /// The encoding of a photo's file, with these of its metadata.
    ///
    /// # Errors
    /// [`PhotoError`] when the bytes are not a picture.
    pub fn of(bytes: &[u8], metadata: Metadata) -> Result<Self, PhotoError> {
        let guessed = image::guess_format(bytes);
        let was_jpeg = guessed.as_ref().is_ok_and(|format| *format == ImageFormat::Jpeg);
        let format = match guessed {
            _ if format_from_header(bytes) == Some("HEIC") => ImageFormat::Jpeg,
            Ok(format) => format,
            Err(_) => return Err(HeaderError::NotAPicture.into()),
        };
        Ok(Encoding {
            format,
            own: format,
            was_jpeg,
            jpeg: JpegSettings::of(bytes).filter(|_| was_jpeg),
            quality: JPEG_QUALITY,
            metadata: KeptMetadata::of(bytes, metadata),
            rendering: Rendering::of(bytes),
        })
    }

    /// The encoding of a photo's file as it is chosen.
    ///
    /// # Errors
    /// As [`Encoding::of`].
    pub fn chosen(bytes: &[u8], choice: SaveChoice) -> Result<Self, PhotoError> {
        Ok(Self::of(bytes, choice.metadata)?.saved_as(choice.format, choice.quality))
    }

    fn saved_as(mut self, format: SavedFormat, quality: u8) -> Self {
        self.format = match format {
            SavedFormat::Own => self.own,
            SavedFormat::Png => ImageFormat::Png,
            SavedFormat::Jpeg => ImageFormat::Jpeg,
            SavedFormat::WebP => ImageFormat::WebP,
        };
        self.quality = quality.clamp(1, 100);
        self
    }

    /// Whether [`Encoding::write_changed`] needs the photo's file.
    pub fn needs_file(&self) -> bool {
        self.format == ImageFormat::Jpeg && self.was_jpeg
    }

    /// A photo that was decoded from `file`, whose encoding this was made of, and then changed in
    /// `changes` and nowhere else. If a baseline or progressive JPEG stays one, only blocks with
    /// changed pixels are written again, if that is possible. Its picture stays stored as it is, so
    /// its orientation is kept. All others are written by [`Encoding::write`], and `file` may be
    /// empty.
    ///
    /// # Errors
    /// As [`Encoding::write`].
    pub fn write_changed(
        &self,
        file: &[u8],
        photo: &Photo,
        changes: &[Change<'_>],
    ) -> Result<Written, PhotoError> {
        if !self.needs_file() {
            return self.write(photo);
        }
        let exif = self.metadata.exif(photo.orientation);
        match with_changes(file, photo, changes, exif.as_deref()) {
            Ok(mut bytes) => {
                let left_out = self.metadata.put_beside_exif(&mut bytes, photo.orientation);
                Ok(Written { bytes, blocks: Some(Ok(())), left_out })
            }
            Err(reason) => Ok(Written { blocks: Some(Err(reason)), ..self.write(photo)? }),
        }
    }

    /// A photo as a file of this encoding.
    ///
    /// PNG, TIFF and BMP keep every pixel; so does WebP, which is always written lossless. A JPEG
    /// is written with its own quantisation tables and colour sampling, so that unchanged pixels
    /// are rounded to the same values again, nearly everywhere. A GIF keeps 256 colours.
    ///
    /// # Errors
    /// [`PhotoError::EncodeAs`] when the encoder fails, for example if there is not enough memory.
    pub fn write(&self, photo: &Photo) -> Result<Written, PhotoError> {
        let grey = !photo.image.color().has_color();
        let own_profile = photo.icc_profile.as_deref();
        let profile = own_profile.filter(|profile| fits_pixels(profile, grey)).map(Cow::Borrowed);
        let profile_is_lost = own_profile.is_some() && profile.is_none();
        let is_png = self.format == ImageFormat::Png;
        let profile = match profile {
            None if !is_png && !profile_is_lost => self.rendering.profile(grey).map(Cow::Owned),
            profile => profile,
        };
        let profile = profile.as_deref();
        let mut bytes = Vec::new();
        match self.format {
            ImageFormat::Jpeg => self.write_jpeg(photo, profile, &mut bytes),
            ImageFormat::WebP => self.put(photo, profile, WebPEncoder::new_lossless(&mut bytes)),
            ImageFormat::Bmp => self.put(photo, profile, BmpEncoder::new(&mut bytes)),
            ImageFormat::Tiff => {
                self.put(photo, profile, TiffEncoder::new(Cursor::new(&mut bytes)))
            }
            ImageFormat::Gif => {
                let rgba = photo.image.to_rgba8();
                let (width, height) = rgba.dimensions();
                // 10 of 30: the best palettes take very long on large photos.
                GifEncoder::new_with_speed(&mut bytes, 10)
                    .encode(&rgba, width, height, ExtendedColorType::Rgba8)
                    .map_err(|error| self.failed(&error))
            }
            _ => self.put(
                photo,
                profile,
                PngEncoder::new_with_quality(&mut bytes, PNG_COMPRESSION, FilterType::Adaptive),
            ),
        }?;
        let mut rendering = self.rendering.clone();
        if turns_sides(photo.orientation) {
            rendering.density = rendering.density.map(Density::turned);
        }
        let chunks = if is_png { rendering.png_chunks() } else { Vec::new() };
        let upright = Orientation::NoTransforms;
        let mut left_out = self.metadata.put_into(&mut bytes, upright, &chunks);
        if profile_is_lost {
            left_out.push(LeftOut::ColourProfile);
        }
        Ok(Written { bytes, blocks: None, left_out })
    }

    fn failed(&self, error: &dyn std::error::Error) -> PhotoError {
        PhotoError::EncodeAs { format: format_name(self.format), reason: error.to_string() }
    }

    /// Writes pixels and profile with one of `image`'s encoders.
    fn put(
        &self,
        photo: &Photo,
        profile: Option<&[u8]>,
        mut encoder: impl ImageEncoder,
    ) -> Result<(), PhotoError> {
        if let Some(profile) = profile {
            // BMP has no place for one.
            let _ = encoder.set_icc_profile(profile.to_vec());
        }
        let image = self.in_its_colours(&photo.image);
        let written = encoder.write_image(
            image.as_bytes(),
            image.width(),
            image.height(),
            image.color().into(),
        );
        written.map_err(|error: ImageError| self.failed(&error))
    }

    /// The image in colours that the format's encoder takes: TIFF's knows no grey with alpha, WebP
    /// and BMP have 8 bits.
    fn in_its_colours<'a>(&self, image: &'a DynamicImage) -> Cow<'a, DynamicImage> {
        use Cow::{Borrowed, Owned};
        use DynamicImage::{ImageLuma16, ImageLumaA8, ImageLumaA16, ImageRgb16, ImageRgba16};
        match (self.format, image) {
            (ImageFormat::Tiff, ImageLumaA8(_)) => {
                Owned(DynamicImage::ImageRgba8(image.to_rgba8()))
            }
            (ImageFormat::Tiff, ImageLumaA16(_)) => Owned(ImageRgba16(image.to_rgba16())),
            (ImageFormat::WebP | ImageFormat::Bmp, ImageLuma16(_)) => {
                Owned(image.to_luma8().into())
            }
            (ImageFormat::WebP | ImageFormat::Bmp, ImageLumaA16(_)) => {
                Owned(image.to_luma_alpha8().into())
            }
            (ImageFormat::WebP | ImageFormat::Bmp, ImageRgb16(_)) => Owned(image.to_rgb8().into()),
            (ImageFormat::WebP | ImageFormat::Bmp, ImageRgba16(_)) => {
                Owned(image.to_rgba8().into())
            }
            _ => Borrowed(image),
        }
    }

    fn write_jpeg(
        &self,
        photo: &Photo,
        profile: Option<&[u8]>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), PhotoError> {
        let failed = |error| self.failed(&error);
        let mut encoder = Encoder::new(bytes, self.quality);
        // Not with optimised Huffman tables: this encoder writes one component after the other then,
        // which several decoders, zune-jpeg 0.5.15 among them, read wrong.
        if let Some(settings) = &self.jpeg {
            let table = |values: &[u16; 64]| QuantizationTableType::Custom(Box::new(*values));
            encoder.set_quantization_tables(table(&settings.luma), table(&settings.chroma));
            let (across, down) = settings.sampling;
            let sampling = SamplingFactor::from_factors(across, down);
            encoder.set_sampling_factor(sampling.unwrap_or(SamplingFactor::F_1_1));
            encoder.set_progressive(settings.progressive);
        }
        let density = self.rendering.density;
        let density =
            density.map(|of| if turns_sides(photo.orientation) { of.turned() } else { of });
        if let Some((x, y, unit)) = density.and_then(Density::for_jfif) {
            let unit = match unit {
                DensityUnit::Inch => PixelDensityUnit::Inches,
                DensityUnit::Centimetre => PixelDensityUnit::Centimeters,
                DensityUnit::Metre | DensityUnit::None => PixelDensityUnit::PixelAspectRatio,
            };
            encoder.set_density(PixelDensity { density: (x, y), unit });
        }
        if let Some(profile) = profile {
            encoder.add_icc_profile(profile).map_err(failed)?;
        }
        // Borrowed where they have the right form already: a copy of a large photo is large.
        let (samples, colours): (Cow<'_, [u8]>, _) = match &photo.image {
            DynamicImage::ImageLuma8(grey) => (Cow::Borrowed(grey.as_raw()), ColorType::Luma),
            DynamicImage::ImageRgb8(rgb) => (Cow::Borrowed(rgb.as_raw()), ColorType::Rgb),
            DynamicImage::ImageLuma16(_) => {
                (Cow::Owned(photo.image.to_luma8().into_raw()), ColorType::Luma)
            }
            image if image.color().has_alpha() => (Cow::Owned(on_white(image)), ColorType::Rgb),
            image => (Cow::Owned(image.to_rgb8().into_raw()), ColorType::Rgb),
        };
        let size = photo.size();
        // A JPEG's sides are 16 bits, also when it is turned.
        let (Ok(width), Ok(height)) = (u16::try_from(size.width), u16::try_from(size.height))
        else {
            let reason = format!("{} x {} pixels are too many", size.width, size.height);
            return Err(PhotoError::EncodeAs { format: "JPEG", reason });
        };
        encoder.encode(&samples, width, height, colours).map_err(failed)
    }
}

/// How well a PNG is packed. On a photo of 12 megapixels, level 6 took four times as long for a file
/// that was 6 % smaller; the fastest way was four times as fast, for one that was 36 % larger.
const PNG_COMPRESSION: CompressionType = CompressionType::Level(2);

/// Whether a profile can be for such pixels. What is no profile at all does no harm.
fn fits_pixels(profile: &[u8], grey: bool) -> bool {
    // ICC.1, 7.2: the colour space, and a signature.
    match (profile.get(16..20), profile.get(36..40)) {
        (Some(space), Some(b"acsp")) => space == if grey { b"GRAY" } else { b"RGB " },
        _ => true,
    }
}

/// Whether a picture that is turned like this swaps its sides.
fn turns_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// A picture's red, green and blue on white: what is transparent may have any colour, as it is never
/// seen.
fn on_white(image: &DynamicImage) -> Vec<u8> {
    let rgba = image.to_rgba8();
    let mut samples = Vec::with_capacity(rgba.as_raw().len() / 4 * 3);
    for pixel in rgba.pixels() {
        let [colours @ .., alpha] = pixel.0.map(u32::from);
        let over = |sample: u32| ((sample * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        samples.extend(colours.map(over));
    }
    samples
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
                let encoding = Encoding::of(&before, Metadata::None).expect("a picture");
                let settings = encoding.jpeg.clone().expect("its settings");
                assert_eq!((settings.sampling, settings.progressive), (factors, progressive));
                let photo = Photo::decode(&before).expect("a photo");
                let after = encoding.write(&photo).expect("written").bytes;
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
            let encoding = Encoding::of(&before, Metadata::All).expect("a picture");
            let photo = Photo::decode(&before).expect("a photo");
            let after = encoding.write(&photo).expect("written").bytes;
            assert_eq!(image::guess_format(&after).ok(), Some(format));
            let again = Photo::decode(&after).expect("a photo");
            assert_eq!(again.size(), photo.size());
            if !matches!(format, Gif | Jpeg) {
                assert_eq!(again.image, photo.image, "{format:?}");
            }
        }
        let orientation = Orientation::NoTransforms;
        let photo = Photo { image: grey, icc_profile: None, orientation };
        let png = photo.to_png().expect("a PNG");
        let tiff = Encoding { format: Tiff, ..Encoding::of(&png, Metadata::None).expect("one") };
        let again = Photo::decode(&tiff.write(&photo).expect("written").bytes).expect("a photo");
        assert_eq!(again.image.to_luma_alpha16(), photo.image.to_luma_alpha16());
    }
}
