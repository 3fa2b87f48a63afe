//! A photo's pixels: decoding, crops for the classifier and the removal, copying patches back.

use std::{borrow::Cow, io::Cursor};

use image::{
    ColorType, DynamicImage, GenericImageView, ImageBuffer, ImageDecoder, ImageEncoder,
    ImageFormat, ImageReader, Limits,
    codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder},
    metadata::Orientation,
};

use super::{
    BoxInPhoto, Colours, CropShape, HeaderError, JpegError, LooseBox, PhotoSize,
    format_from_header,
    header::{
        MAX_FILE_BYTES, MAX_METADATA_BYTES, MAX_PROFILE_BYTES, check_size, gif_screen,
        size_from_header,
    },
    heic, jpeg,
    pages::pictures_in,
    parts::{PartKind, walk_parts},
};
use crate::fault::{AtFault, Fault};

/// Memory that decoding may take, in bytes: 100 megapixels of 16-bit RGBA, and slack for the
/// decoder's own buffers.
const MAX_DECODER_BYTES: u64 = 1 << 30;

/// Why a photo cannot be decoded or saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PhotoError {
    /// The header already rules the file out.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The format is right but the pixels cannot be decoded.
    #[error("the {format} picture is damaged or cut short ({reason})")]
    Damaged {
        /// The format by content.
        format: &'static str,
        /// What the decoder said.
        reason: image::ImageError,
    },
    /// A JPEG that cannot be decoded, or of which a part is damaged or missing: other decoders fill
    /// what is missing with grey, which would pass for photo.
    #[error("the JPEG picture cannot be decoded, because {0}. {mend}", mend = .0.mend())]
    Jpeg(JpegError),
    /// A HEIC that cannot be decoded.
    #[error(
        "the HEIC picture cannot be decoded ({0}). If other programs show it, save it as JPEG with \
         one of them"
    )]
    Heic(heifer::Error),
    /// A file of several pictures, of which only the first would be done.
    #[error(
        "the {format} file holds {pictures} pictures, and digits would stay in all but the first. \
         Save the one that you need as a file of its own"
    )]
    Several {
        /// The format by content.
        format: &'static str,
        /// How many.
        pictures: usize,
    },
    /// The result could not be encoded.
    #[error("the picture could not be written as PNG ({0})")]
    Encode(image::ImageError),
    /// The result could not be encoded in the format that the photo came in.
    #[error("the picture could not be written as {format} ({reason})")]
    EncodeAs {
        /// The format.
        format: &'static str,
        /// What the encoder said.
        reason: String,
    },
}

impl AtFault for PhotoError {
    fn fault(&self) -> Fault {
        Fault::Input
    }
}

/// A decoded photo, upright, in its own depth and channels.
///
/// Samples are 8 or 16 bits, with one to four channels; 32-bit float TIFFs become 16 bits, as
/// PNG holds no more. An ICC profile is kept and saved again; all other metadata (EXIF with its
/// location among it) is dropped.
#[derive(Clone, Debug)]
pub struct Photo {
    pub(super) image: DynamicImage,
    pub(super) icc_profile: Option<Vec<u8>>,
    /// How the file's picture was turned to be upright.
    pub(super) orientation: Orientation,
}

/// A rectangle of samples, 0 to 1, with one plane for each channel: the form that the engine uses.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    /// Planes: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
    pub channels: usize,
    /// Rows of a plane.
    pub height: usize,
    /// Columns of a plane.
    pub width: usize,
    /// `channels * height * width` samples, plane after plane, row after row.
    pub samples: Vec<f32>,
}

impl Planes {
    /// The sample of channel `c` at row `y`, column `x`.
    pub fn at(&self, c: usize, y: usize, x: usize) -> f32 {
        self.samples[(c * self.height + y) * self.width + x]
    }
}

/// How bright the eye sees a colour: the weights of ITU-R BT.601, as the report's nets use them.
pub(crate) fn luma(r: f32, g: f32, b: f32) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// A sample of 0 to 1 as a byte.
pub(crate) fn to_byte(sample: f32) -> u8 {
    (sample * 255.0).round().clamp(0.0, 255.0) as u8
}

impl CropShape {
    /// How its pixels are resampled.
    pub fn filter(self) -> Filter {
        match self {
            CropShape::Stretched | CropShape::Surrounded => Filter::Triangle,
            CropShape::Widened => Filter::CatmullRom,
        }
    }
}

/// Rows of a photo that are read at once to be resampled.
const BAND: usize = 64;

/// A kernel to resample with; where a picture shrinks, it is widened so that nothing aliases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Linear between neighbours.
    Triangle,
    /// The cubic through its neighbours (Keys, 1981, with a = -1/2).
    CatmullRom,
}

impl Filter {
    /// How far it reaches, in samples.
    fn support(self) -> f64 {
        match self {
            Filter::Triangle => 1.0,
            Filter::CatmullRom => 2.0,
        }
    }

    /// Its weight at a distance in samples.
    fn weight(self, distance: f64) -> f64 {
        let d = distance.abs();
        match self {
            Filter::Triangle => (1.0 - d).max(0.0),
            Filter::CatmullRom if d < 1.0 => (1.5 * d - 2.5) * d * d + 1.0,
            Filter::CatmullRom if d < 2.0 => ((2.5 - 0.5 * d) * d - 4.0) * d + 2.0,
            Filter::CatmullRom => 0.0,
        }
    }
}

/// For each of `outputs` samples over `length` from `start`, the pixels (0 to `limit` - 1) and
/// weights that make it up: a kernel of the samples' distance, at least that of pixels, its
/// weights' sum 1. What lies beyond the photo is its first or last pixel.
fn taps(filter: Filter, start: f64, length: f64, outputs: u32, limit: u32) -> Vec<Vec<(u32, f32)>> {
    let scale = length / f64::from(outputs);
    let unit = scale.max(1.0);
    let support = unit * filter.support();
    (0..outputs)
        .map(|i| {
            // Positions count from the first pixel's centre.
            let centre = start + (f64::from(i) + 0.5) * scale - 0.5;
            let (first, last) =
                ((centre - support).ceil() as i64, (centre + support).floor() as i64);
            let mut taps: Vec<(u32, f32)> = Vec::new();
            let mut sum = 0.0;
            for position in first..=last {
                let weight = filter.weight((position as f64 - centre) / unit) as f32;
                let pixel = position.clamp(0, i64::from(limit) - 1) as u32;
                sum += weight;
                match taps.last_mut() {
                    Some((last, total)) if *last == pixel => *total += weight,
                    _ => taps.push((pixel, weight)),
                }
            }
            for (_, weight) in &mut taps {
                *weight /= sum;
            }
            taps
        })
        .collect()
}

/// The first pixel that any taps name, and the number of pixels to the last one.
fn reach(taps: &[Vec<(u32, f32)>]) -> (u32, u32) {
    let pixels = || taps.iter().flatten().map(|&(pixel, _)| pixel);
    let first = pixels().min().unwrap_or(0);
    (first, pixels().max().unwrap_or(0) - first + 1)
}

/// Appends the samples that the taps of columns make of rows that are `width` wide, whose first column is
/// `left` in the taps' counting.
fn across(
    rows: &[f32],
    left: u32,
    width: u32,
    columns: &[Vec<(u32, f32)>],
    narrowed: &mut Vec<f32>,
) {
    for row in rows.chunks_exact(width as usize) {
        narrowed.extend(columns.iter().map(|taps| {
            let weighed = taps.iter().map(|&(x, weight)| weight * row[(x - left) as usize]);
            weighed.sum::<f32>()
        }));
    }
}

/// Appends the samples that the taps of rows make of a plane that is `columns` wide, whose first row is
/// `top` in the taps' counting.
fn down(plane: &[f32], top: u32, columns: usize, rows: &[Vec<(u32, f32)>], samples: &mut Vec<f32>) {
    for taps in rows {
        let start = samples.len();
        samples.resize(start + columns, 0.0);
        for &(y, weight) in taps {
            let row = &plane[(y - top) as usize * columns..];
            let sums = samples[start..].iter_mut().zip(row);
            sums.for_each(|(sum, value)| *sum += weight * value);
        }
    }
}

/// Planes of `from` rows and columns, at least one each, one after the other, resampled to `to` rows and
/// columns.
pub fn planes_resampled(planes: &[f32], from: [u32; 2], filter: Filter, to: [u32; 2]) -> Vec<f32> {
    let [rows, columns] =
        [0, 1].map(|line| taps(filter, 0.0, f64::from(from[line]), to[line], from[line]));
    let plane = from[0] as usize * from[1] as usize;
    let mut samples = Vec::with_capacity(planes.len() / plane * rows.len() * columns.len());
    for plane in planes.chunks_exact(plane) {
        let mut narrowed = Vec::with_capacity(from[0] as usize * columns.len());
        across(plane, 0, from[1], &columns, &mut narrowed);
        down(&narrowed, 0, columns.len(), &rows, &mut samples);
    }
    samples
}

impl Photo {
    /// Decodes PNG, JPEG, WebP, HEIC, GIF, BMP or TIFF, and turns it upright by its EXIF orientation.
    ///
    /// # Errors
    /// [`PhotoError`] when the bytes are not such a picture, are damaged, hold more pictures than one, or
    /// hold more pixels than [`super::MAX_PIXELS`], or more of anything else than the other limits
    /// beside it.
    pub fn decode(bytes: &[u8]) -> Result<Self, PhotoError> {
        size_from_header(bytes)?;
        check_parts(bytes)?;
        let name = format_from_header(bytes).ok_or(HeaderError::NotAPicture)?;
        let pictures = pictures_in(bytes);
        if pictures > 1 {
            return Err(PhotoError::Several { format: name, pictures });
        }
        let format = image::guess_format(bytes);
        let Stored { image, icc_profile, orientation } = match format {
            _ if name == "HEIC" => Stored::heic(bytes)?,
            Ok(ImageFormat::Jpeg) => Stored::jpeg(bytes)?,
            Ok(format @ ImageFormat::Gif) => Stored::by(&with_gif_screen(bytes)?, format)?,
            Ok(format) => Stored::by(bytes, format)?,
            Err(_) => return Err(HeaderError::NotAPicture.into()),
        };
        let mut image = editable(image);
        image.apply_orientation(orientation);
        Ok(Photo { image, icc_profile, orientation })
    }

    /// A photo of 8-bit RGB samples, row after row.
    ///
    /// Returns `None` when `samples` is not `3 * width * height` long or holds no pixel.
    pub fn from_rgb8(size: PhotoSize, samples: Vec<u8>) -> Option<Self> {
        check_size(u64::from(size.width), u64::from(size.height)).ok()?;
        let image = ImageBuffer::from_raw(size.width, size.height, samples)?;
        Some(Photo {
            image: DynamicImage::ImageRgb8(image),
            icc_profile: None,
            orientation: Orientation::NoTransforms,
        })
    }

    /// Upright size in pixels.
    pub fn size(&self) -> PhotoSize {
        PhotoSize { width: self.image.width(), height: self.image.height() }
    }

    /// Its size as it is stored, before it is turned upright.
    pub fn stored_size(&self) -> PhotoSize {
        let PhotoSize { width, height } = self.size();
        match self.turns_on_its_side() {
            true => PhotoSize { width: height, height: width },
            false => PhotoSize { width, height },
        }
    }

    /// Whether width and height change places when it is turned upright.
    pub fn turns_on_its_side(&self) -> bool {
        use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
        matches!(self.orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
    }

    /// Where a box on the stored picture lies on the upright one.
    pub fn upright(&self, stored: LooseBox) -> LooseBox {
        let LooseBox { left, top, width, height } = stored;
        let size = self.stored_size();
        let from_right = f64::from(size.width) - left - width;
        let from_below = f64::from(size.height) - top - height;
        let at = |left, top| match self.turns_on_its_side() {
            true => LooseBox { left, top, width: height, height: width },
            false => LooseBox { left, top, width, height },
        };
        match self.orientation {
            Orientation::NoTransforms => at(left, top),
            Orientation::Rotate90 => at(from_below, left),
            Orientation::Rotate180 => at(from_right, from_below),
            Orientation::Rotate270 => at(top, from_right),
            Orientation::FlipHorizontal => at(from_right, top),
            Orientation::FlipVertical => at(left, from_below),
            Orientation::Rotate90FlipH => at(top, left),
            Orientation::Rotate270FlipH => at(from_below, from_right),
        }
    }

    /// 8-bit RGBA samples, alpha not multiplied in, rows from the top.
    pub fn to_rgba8(&self) -> Vec<u8> {
        self.image.to_rgba8().into_raw()
    }

    /// The photo in 8-bit red, green and blue, alpha left out.
    #[cfg(feature = "dataset")]
    pub(crate) fn into_rgb8(self) -> image::RgbImage {
        self.image.into_rgb8()
    }

    /// The part of the photo in one box, as a photo of its own.
    #[must_use]
    pub fn part(&self, area: BoxInPhoto) -> Self {
        let image = self.image.crop_imm(area.left, area.top, area.width, area.height);
        let orientation = Orientation::NoTransforms;
        Photo { image, icc_profile: self.icc_profile.clone(), orientation }
    }

    /// A square crop of a box, `side` x `side`, of this shape and resampled with its filter.
    /// Samples 0 to 1: plane after plane, row after row.
    pub fn square(
        &self,
        area: BoxInPhoto,
        shape: CropShape,
        colours: Colours,
        side: u32,
    ) -> Vec<f32> {
        self.square_of(shape.frame(area, self.size()), shape.filter(), colours, side)
    }

    /// The same for any frame. Outside the photo, the photo's edge is repeated.
    pub fn square_of(
        &self,
        frame: LooseBox,
        filter: Filter,
        colours: Colours,
        side: u32,
    ) -> Vec<f32> {
        self.resampled(frame, filter, colours, [side, side])
    }

    /// A frame of the photo, resampled to these numbers of rows and columns. Outside the photo, the
    /// photo's edge is repeated. Samples 0 to 1: plane after plane, row after row.
    pub fn resampled(
        &self,
        frame: LooseBox,
        filter: Filter,
        colours: Colours,
        [rows, width_out]: [u32; 2],
    ) -> Vec<f32> {
        let size = self.size();
        let columns = taps(filter, frame.left, frame.width, width_out, size.width);
        let rows = taps(filter, frame.top, frame.height, rows, size.height);
        let (left, width) = reach(&columns);
        let (top, height) = reach(&rows);
        let plane = |_| Vec::with_capacity(height as usize * columns.len());
        let mut narrowed: Vec<Vec<f32>> = (0..colours.channels()).map(plane).collect();
        // Band by band, and columns first: a box may be as large as the photo, and what is left of each
        // row is mostly short.
        for start in (0..height).step_by(BAND) {
            let height = (BAND as u32).min(height - start);
            let band = BoxInPhoto { left, top: top + start, width, height };
            for (rows, narrowed) in self.colour_planes(band, colours).iter().zip(&mut narrowed) {
                across(rows, left, width, &columns, narrowed);
            }
        }
        let mut samples = Vec::with_capacity(colours.channels() * rows.len() * columns.len());
        for plane in narrowed {
            down(&plane, top, columns.len(), &rows, &mut samples);
        }
        samples
    }

    /// The planes of one box in these colours, samples 0 to 1.
    fn colour_planes(&self, area: BoxInPhoto, colours: Colours) -> Vec<Vec<f32>> {
        let planes = self.planes(area);
        let pixels = planes.height * planes.width;
        let plane = |c: usize| &planes.samples[c * pixels..][..pixels];
        match (colours, planes.channels < 3) {
            (Colours::Grey, true) => vec![plane(0).to_vec()],
            (Colours::Rgb, true) => vec![plane(0).to_vec(); 3],
            (Colours::Rgb, false) => (0..3).map(|c| plane(c).to_vec()).collect(),
            (Colours::Grey, false) => {
                let colours = plane(0).iter().zip(plane(1)).zip(plane(2));
                vec![colours.map(|((r, g), b)| luma(*r, *g, *b)).collect()]
            }
        }
    }

    /// The samples of one box, in the photo's own channels.
    pub fn planes(&self, area: BoxInPhoto) -> Planes {
        let view = self.image.crop_imm(area.left, area.top, area.width, area.height);
        let channels = usize::from(self.image.color().channel_count());
        let interleaved: Vec<f32> = match view.color() {
            ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
                let pairs = view.as_bytes().chunks_exact(2);
                let values = pairs.map(|pair| u16::from_ne_bytes([pair[0], pair[1]]));
                values.map(|value| f32::from(value) / f32::from(u16::MAX)).collect()
            }
            _ => view.as_bytes().iter().map(|&v| f32::from(v) / f32::from(u8::MAX)).collect(),
        };
        let mut samples = Vec::with_capacity(interleaved.len());
        for channel in 0..channels {
            samples.extend(interleaved.chunks_exact(channels).map(|pixel| pixel[channel]));
        }
        Planes { channels, height: area.height as usize, width: area.width as usize, samples }
    }

    /// Lays new samples over the pixels of `area` for which `inside` (row-major over the area)
    /// is true; every other pixel keeps its exact value.
    ///
    /// Values outside 0 to 1 are clamped.
    ///
    /// # Panics
    /// When `patch` and `inside` are not of the area's size and the photo's channels; the engine
    /// makes all three from one area.
    pub fn lay(&mut self, area: BoxInPhoto, patch: &Planes, inside: &[bool]) {
        let channels = usize::from(self.image.color().channel_count());
        let plane = area.width as usize * area.height as usize;
        assert_eq!(patch.samples.len(), channels * plane, "a patch has its area's samples");
        assert_eq!(inside.len(), plane, "a mask has its area's pixels");
        let row_pixels = self.image.width() as usize;
        let targets = inside.iter().enumerate().filter(|(_, inside)| **inside).map(|(i, _)| {
            let (y, x) = (i / area.width as usize, i % area.width as usize);
            (i, (area.top as usize + y) * row_pixels + area.left as usize + x)
        });
        fn write<S: Copy>(
            samples: &mut [S],
            channels: usize,
            plane: usize,
            patch: &[f32],
            targets: impl Iterator<Item = (usize, usize)>,
            quantise: impl Fn(f32) -> S,
        ) {
            for (from, to) in targets {
                for c in 0..channels {
                    samples[to * channels + c] = quantise(patch[c * plane + from]);
                }
            }
        }
        // `as` saturates, and clamping turns NaN's comparison into the range's edge.
        let to_u16 = |v: f32| (v.clamp(0.0, 1.0) * 65_535.0).round() as u16;
        let p = &patch.samples;
        match &mut self.image {
            DynamicImage::ImageLuma8(i) => write(i, channels, plane, p, targets, to_byte),
            DynamicImage::ImageLumaA8(i) => write(i, channels, plane, p, targets, to_byte),
            DynamicImage::ImageRgb8(i) => write(i, channels, plane, p, targets, to_byte),
            DynamicImage::ImageRgba8(i) => write(i, channels, plane, p, targets, to_byte),
            DynamicImage::ImageLuma16(i) => write(i, channels, plane, p, targets, to_u16),
            DynamicImage::ImageLumaA16(i) => write(i, channels, plane, p, targets, to_u16),
            DynamicImage::ImageRgb16(i) => write(i, channels, plane, p, targets, to_u16),
            DynamicImage::ImageRgba16(i) => write(i, channels, plane, p, targets, to_u16),
            _ => unreachable!("decoding leaves 8 or 16 bits and one to four channels"),
        }
    }

    /// The photo as a PNG file, in its own depth and channels, with its ICC profile.
    ///
    /// # Errors
    /// [`PhotoError::Encode`] when the encoder fails, for example if there is not enough memory.
    pub fn to_png(&self) -> Result<Vec<u8>, PhotoError> {
        let mut png = Vec::new();
        let mut encoder =
            PngEncoder::new_with_quality(&mut png, CompressionType::Default, PngFilter::Adaptive);
        if let Some(profile) = &self.icc_profile {
            // Only the profile is lost if this fails, and PNG takes any bytes here.
            let _ = encoder.set_icc_profile(profile.clone());
        }
        let (width, height) = self.image.dimensions();
        encoder
            .write_image(self.image.as_bytes(), width, height, self.image.color().into())
            .map_err(PhotoError::Encode)?;
        Ok(png)
    }
}

/// A picture as it is stored in its file.
struct Stored {
    image: DynamicImage,
    icc_profile: Option<Vec<u8>>,
    orientation: Orientation,
}

impl Stored {
    fn jpeg(bytes: &[u8]) -> Result<Self, PhotoError> {
        let image = jpeg::decode(bytes).map_err(PhotoError::Jpeg)?;
        // A photo without a readable profile or orientation is still a photo.
        // A profile of inks is for none of the colours that these have become.
        let icc_profile = joined_profile(contents(bytes, PartKind::Profile))
            .filter(|profile| profile.get(16..20) != Some(b"CMYK"));
        let orientation = exif_in(bytes).and_then(orientation_of);
        let orientation = orientation.unwrap_or(Orientation::NoTransforms);
        Ok(Stored { image, icc_profile, orientation })
    }

    /// Its file says how it is turned, so that it is upright when it is decoded.
    fn heic(bytes: &[u8]) -> Result<Self, PhotoError> {
        let (image, icc_profile) = heic::decode(bytes)?;
        Ok(Stored { image, icc_profile, orientation: Orientation::NoTransforms })
    }

    /// Decodes one of the other formats.
    fn by(bytes: &[u8], format: ImageFormat) -> Result<Self, PhotoError> {
        let damaged = |reason| PhotoError::Damaged { format: format_name(format), reason };
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_DECODER_BYTES);
        let mut reader = reader_of(bytes, format);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        check_size(u64::from(width), u64::from(height))?;
        let whole = WholeMetadata::of(bytes);
        let icc_profile = whole.profile.then(|| decoder.icc_profile().ok().flatten()).flatten();
        if icc_profile.as_ref().is_some_and(|profile| profile.len() > MAX_PROFILE_BYTES) {
            return Err(HeaderError::ProfileTooLarge.into());
        }
        let orientation = whole.exif.then(|| decoder.orientation().ok()).flatten();
        let orientation = orientation.unwrap_or(Orientation::NoTransforms);
        let image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
        Ok(Stored { image, icc_profile, orientation })
    }
}

fn reader_of(bytes: &[u8], format: ImageFormat) -> ImageReader<Cursor<&[u8]>> {
    ImageReader::with_format(Cursor::new(bytes), format)
}

/// The contents of all parts of a kind.
fn contents(bytes: &[u8], kind: PartKind) -> Vec<&[u8]> {
    let mut contents = Vec::new();
    // What is damaged is for the decoder to tell.
    let _ = walk_parts(bytes, &mut |part| {
        if part.kind == kind {
            contents.extend(bytes.get(part.content));
        }
    });
    contents
}

/// The EXIF data of a picture's file; the first ones, if there are several.
pub(super) fn exif_in(bytes: &[u8]) -> Option<&[u8]> {
    contents(bytes, PartKind::Exif).first().copied()
}

/// How EXIF data say that a picture is to be turned; `None` if they do not say it.
pub(super) fn orientation_of(exif: &[u8]) -> Option<Orientation> {
    Orientation::from_exif_chunk(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif))
}

/// A JPEG's colour profile, whose pieces are numbered from 1 and say how many there are (ICC.1,
/// B.4). `None` if one is missing.
fn joined_profile(mut pieces: Vec<&[u8]>) -> Option<Vec<u8>> {
    const NAME: usize = b"ICC_PROFILE\0".len();
    pieces.sort_by_key(|piece| piece.get(NAME).copied());
    let mut profile = Vec::new();
    for (i, piece) in pieces.iter().enumerate() {
        let whole = piece.get(NAME) == u8::try_from(i + 1).ok().as_ref()
            && piece.get(NAME + 1).map(|&count| usize::from(count)) == Some(pieces.len());
        profile.extend_from_slice(piece.get(NAME + 2..).filter(|_| whole)?);
    }
    Some(profile).filter(|profile| !profile.is_empty())
}

/// A GIF whose screen has a size.
fn with_gif_screen(bytes: &[u8]) -> Result<Cow<'_, [u8]>, HeaderError> {
    let sides = bytes.get(6..10).unwrap_or_default();
    if sides.as_chunks::<2>().0.iter().all(|side| *side != [0, 0]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let screen = gif_screen(&mut Cursor::new(bytes))
        .map_err(|error| HeaderError::Damaged(error.to_string()))?;
    let mut bytes = bytes.to_vec();
    for (to, side) in bytes[6..10].as_chunks_mut::<2>().0.iter_mut().zip(screen) {
        *to = side.to_le_bytes();
    }
    Ok(Cow::Owned(bytes))
}

/// Refuses a file that is too long, or whose metadata or colour profile are: decoders would take
/// memory for them, and a PNG's profile of 1 MB can unpack to 1 GB.
fn check_parts(bytes: &[u8]) -> Result<(), HeaderError> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(HeaderError::FileTooLarge { bytes: bytes.len() as u64 });
    }
    let (mut metadata, mut profile, mut unpacks) = (0, 0, true);
    // The film that some phones append is no part of this.
    let mut behind = 0;
    // What is damaged is for the decoder to tell.
    let _ = walk_parts(bytes, &mut |part| {
        let content = bytes.get(part.content).unwrap_or_default();
        match part.kind {
            PartKind::Picture => {}
            PartKind::Profile if bytes.starts_with(b"\x89PNG") => {
                unpacks = unpacks && profile_fits(content);
            }
            PartKind::Profile => profile += content.len(),
            PartKind::Exif | PartKind::Other if part.whole.end == bytes.len() => {
                behind = content.len();
            }
            PartKind::Exif | PartKind::Other => metadata += content.len(),
        }
    });
    if !unpacks || profile > MAX_PROFILE_BYTES {
        return Err(HeaderError::ProfileTooLarge);
    }
    if metadata > MAX_METADATA_BYTES {
        return Err(HeaderError::TooMuchMetadata { bytes: metadata });
    }
    Ok(())
}

/// Which metadata a decoder may be asked for. That of WebP takes as much memory as the file says that
/// they have, up to 4 GB, before it sees that the file is shorter.
pub(super) struct WholeMetadata {
    pub(super) profile: bool,
    pub(super) exif: bool,
}

impl WholeMetadata {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let is_webp = bytes.starts_with(b"RIFF");
        let mut whole = WholeMetadata { profile: !is_webp, exif: !is_webp };
        // Parts that are longer than the file are not seen, nor what is behind them.
        let _ = walk_parts(bytes, &mut |part| match part.kind {
            PartKind::Profile => whole.profile = true,
            PartKind::Exif => whole.exif = true,
            PartKind::Picture | PartKind::Other => {}
        });
        whole
    }
}

/// Whether a PNG's colour profile is of a usual size once it is unpacked; also if it is damaged, as
/// it is ignored then.
fn profile_fits(chunk: &[u8]) -> bool {
    // A name, a zero, and a zero for the kind of packing.
    let Some(name) = chunk.iter().position(|byte| *byte == 0) else { return true };
    let packed = chunk.get(name + 2..).unwrap_or_default();
    let unpacked = fdeflate::decompress_to_vec_bounded(packed, MAX_PROFILE_BYTES);
    !matches!(unpacked, Err(fdeflate::BoundedDecompressionError::OutputTooLarge { .. }))
}

/// Float samples become 16-bit ones; all other kinds are unchanged.
fn editable(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageRgb32F(_) => DynamicImage::ImageRgb16(image.to_rgb16()),
        DynamicImage::ImageRgba32F(_) => DynamicImage::ImageRgba16(image.to_rgba16()),
        other => other,
    }
}

pub(super) fn format_name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Tiff => "TIFF",
        _ => "picture",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples that grow along both lines, so that any symmetric kernel keeps them away from the edges.
    #[test]
    fn a_slope_stays_one_at_any_size() {
        let (width, height) = (50u32, 200u32);
        let value = |x: f64, y: f64| 2.0 * x + 0.7 * y;
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let rgb = pixels.flat_map(|(x, y)| [value(f64::from(x), f64::from(y)).round() as u8; 3]);
        let photo = Photo::from_rgb8(PhotoSize { width, height }, rgb.collect()).expect("pixels");
        let frame = LooseBox { left: 5.0, top: 10.0, width: 40.0, height: 180.0 };
        let is_slope = |samples: &[f32], frame: LooseBox, [rows, columns]: [u32; 2]| {
            assert_eq!(samples.len(), (3 * rows * columns) as usize);
            let (across, down) = (frame.width / f64::from(columns), frame.height / f64::from(rows));
            for (i, sample) in samples.iter().enumerate() {
                let (row, column) = (i as u32 / columns % rows, i as u32 % columns);
                if !(2..rows - 2).contains(&row) || !(2..columns - 2).contains(&column) {
                    continue;
                }
                let x = frame.left + (f64::from(column) + 0.5) * across - 0.5;
                let y = frame.top + (f64::from(row) + 0.5) * down - 0.5;
                let error = f64::from(*sample) * 255.0 - value(x, y);
                assert!(error.abs() < 0.6, "{row} {column}: {error} away");
            }
        };
        // Smaller, in several bands of rows, and larger.
        for size in [[60, 10], [360, 80]] {
            for filter in [Filter::Triangle, Filter::CatmullRom] {
                is_slope(&photo.resampled(frame, filter, Colours::Rgb, size), frame, size);
            }
        }
        let whole =
            LooseBox { left: 0.0, top: 0.0, width: f64::from(width), height: f64::from(height) };
        let planes = photo.resampled(whole, Filter::Triangle, Colours::Rgb, [height, width]);
        let size = [141, 35];
        let resampled = planes_resampled(&planes, [height, width], Filter::Triangle, size);
        is_slope(&resampled, whole, size);
    }
}
