//! Puts metadata into files of PNG, JPEG and WebP.

use crc32fast::Hasher;

/// What is put into a file.
#[derive(Debug, Default)]
pub struct Contents<'a> {
    /// Whole PNG chunks about colours and resolution.
    pub chunks: &'a [u8],
    /// EXIF data, beginning with their byte order.
    pub exif: Option<Vec<u8>>,
    /// A packet of XMP.
    pub xmp: Option<&'a str>,
    /// Photoshop's resources with IPTC data, for a JPEG.
    pub iptc: Option<&'a [u8]>,
    /// Whole segments or chunks with texts, of a file of this kind.
    pub texts: Vec<&'a [u8]>,
}

/// The kinds of files that have a place for metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Chunks.
    Png,
    /// Segments.
    Jpeg,
    /// Chunks of RIFF.
    WebP,
}

/// The names before EXIF data and XMP in a JPEG's segments.
const EXIF_NAME: &[u8] = b"Exif\0\0";
pub const XMP_NAME: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// The most that a JPEG's segment holds.
const MAX_SEGMENT: usize = 65_533;

/// The same of EXIF data and XMP.
pub const MAX_EXIF: usize = MAX_SEGMENT - EXIF_NAME.len();
pub const MAX_XMP: usize = MAX_SEGMENT - XMP_NAME.len();

/// The keyword and the further fields before XMP in a PNG's chunk of text: not compressed, in no
/// language.
pub const XMP_KEYWORD: &[u8] = b"XML:com.adobe.xmp\0";

/// Where a PNG's header ends.
const PNG_HEADER: usize = 33;

/// The flags in a WebP's header that announce EXIF data, XMP, alpha and a profile.
const WEBP_EXIF: u8 = 0x08;
const WEBP_XMP: u8 = 0x04;
const WEBP_ALPHA: u8 = 0x10;

impl Container {
    /// The kind of a file; none where it has no place for metadata, or another one.
    pub fn of(file: &[u8]) -> Option<Self> {
        match file {
            [0x89, b'P', b'N', b'G', ..] => Some(Container::Png),
            [0xFF, 0xD8, ..] => Some(Container::Jpeg),
            [b'R', b'I', b'F', b'F', ..] => Some(Container::WebP),
            _ => None,
        }
    }

    /// Puts metadata into a whole file of this kind, which has none so far. What is too long for it
    /// must not be there. `None` if the file is damaged.
    pub fn put(self, file: &mut Vec<u8>, contents: &Contents<'_>) -> Option<()> {
        match self {
            Container::Png => put_into_png(file, contents),
            Container::Jpeg => put_into_jpeg(file, contents),
            Container::WebP => put_into_webp(file, contents),
        }
    }
}

/// A PNG's chunk.
pub fn png_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = (content.len() as u32).to_be_bytes().to_vec();
    chunk.extend_from_slice(name);
    chunk.extend_from_slice(content);
    let mut checksum = Hasher::new();
    checksum.update(name);
    checksum.update(content);
    chunk.extend(checksum.finalize().to_be_bytes());
    chunk
}

fn put_into_png(file: &mut Vec<u8>, contents: &Contents<'_>) -> Option<()> {
    let mut new = contents.chunks.to_vec();
    if let Some(exif) = &contents.exif {
        new.extend(png_chunk(b"eXIf", exif));
    }
    if let Some(xmp) = contents.xmp {
        new.extend(png_chunk(b"iTXt", &[XMP_KEYWORD, &[0; 4], xmp.as_bytes()].concat()));
    }
    new.extend(contents.texts.concat());
    file.get(PNG_HEADER..)?;
    file.splice(PNG_HEADER..PNG_HEADER, new);
    Some(())
}

fn put_into_jpeg(file: &mut Vec<u8>, contents: &Contents<'_>) -> Option<()> {
    let mut new = Vec::new();
    let mut segment = |code: u8, name: &[u8], content: &[u8]| {
        new.extend([0xFF, code]);
        // What is too long is not here, by the contract of `put`.
        new.extend(((2 + name.len() + content.len()) as u16).to_be_bytes());
        new.extend_from_slice(name);
        new.extend_from_slice(content);
    };
    if let Some(exif) = &contents.exif {
        segment(0xE1, EXIF_NAME, exif);
    }
    if let Some(xmp) = contents.xmp {
        segment(0xE1, XMP_NAME, xmp.as_bytes());
    }
    let pieces = contents.iptc.unwrap_or_default().chunks(MAX_SEGMENT - super::iptc::NAME.len());
    pieces.for_each(|piece| segment(0xED, super::iptc::NAME, piece));
    new.extend(contents.texts.concat());
    // JFIF's segments are the first ones, and EXIF data, which may be there already, stand behind
    // them: some programs look for them nowhere else.
    let mut at = 2;
    loop {
        let head = file.get(at..at + 4)?;
        let is_exif = || file.get(at + 4..).is_some_and(|content| content.starts_with(EXIF_NAME));
        match head {
            [0xFF, 0xE0, ..] => {}
            [0xFF, 0xE1, ..] if is_exif() => {}
            _ => break,
        }
        at += 2 + usize::from(u16::from_be_bytes([head[2], head[3]]));
    }
    file.splice(at..at, new);
    Some(())
}

fn put_into_webp(file: &mut Vec<u8>, contents: &Contents<'_>) -> Option<()> {
    let (exif, xmp) = (contents.exif.as_deref(), contents.xmp.map(str::as_bytes));
    let named = [(b"EXIF", exif, WEBP_EXIF), (b"XMP ", xmp, WEBP_XMP)];
    let mut flags = 0;
    for (name, content, flag) in named {
        let Some(content) = content else { continue };
        flags |= flag;
        file.extend_from_slice(name);
        file.extend((content.len() as u32).to_le_bytes());
        file.extend_from_slice(content);
        file.extend(vec![0; content.len() % 2]);
    }
    if flags != 0 && file.get(12..16)? == b"VP8L" {
        // A file without a header that has a place for flags (RFC 9649, 2.7): its size and whether it
        // has alpha are in the picture's first bits, behind a signature.
        let bits = u32::from_le_bytes(file.get(21..25)?.try_into().ok()?);
        let (width, height) = (bits & 0x3FFF, bits >> 14 & 0x3FFF);
        let alpha = if bits >> 28 & 1 == 1 { WEBP_ALPHA } else { 0 };
        let mut header = b"VP8X\x0A\0\0\0".to_vec();
        header.extend([alpha, 0, 0, 0]);
        header.extend_from_slice(&width.to_le_bytes()[..3]);
        header.extend_from_slice(&height.to_le_bytes()[..3]);
        file.splice(12..12, header);
    }
    if flags != 0 && file.get(12..16)? != b"VP8X" {
        return None;
    }
    set_webp_flags(file, flags)
}

/// Sets a WebP's length, and which of EXIF data and XMP it holds.
pub fn set_webp_flags(file: &mut [u8], held: u8) -> Option<()> {
    let length = u32::try_from(file.len().checked_sub(8)?).ok()?;
    file.get_mut(4..8)?.copy_from_slice(&length.to_le_bytes());
    if file.get(12..16)? == b"VP8X" {
        let flags = file.get_mut(20)?;
        *flags = *flags & !(WEBP_EXIF | WEBP_XMP) | held;
    }
    Some(())
}
