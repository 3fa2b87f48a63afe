//! The parts of a picture's file: those that its pixels need, its colour profile, and metadata.
//!
//! Only lengths and names are read, so this costs next to nothing and takes no memory.

use std::ops::Range;

/// What a part of a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// Pixels, and what is needed to show them as they are.
    Picture,
    /// The colour profile, or a piece of it.
    Profile,
    /// EXIF data.
    Exif,
    /// Other metadata: texts, previews, whatever stands behind the picture.
    Other,
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it holds.
    pub kind: PartKind,
    /// Its place in the file, with its header.
    pub whole: Range<usize>,
    /// Its content.
    pub content: Range<usize>,
}

/// Gives each part of a PNG, JPEG, WebP, GIF or BMP file to `see`, in order. Together they are the
/// whole file.
///
/// Returns `None` if the file has another format or its structure is damaged; then some parts may
/// have been seen.
pub fn walk_parts(bytes: &[u8], see: &mut dyn FnMut(Part)) -> Option<()> {
    let end = match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => walk_png(bytes, see)?,
        [0xFF, 0xD8, ..] => walk_jpeg(bytes, see)?,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => walk_webp(bytes, see)?,
        [b'G', b'I', b'F', b'8', ..] => walk_gif(bytes, see)?,
        // It has no place for metadata.
        [b'B', b'M', ..] => {
            see(part(PartKind::Picture, 0..bytes.len(), 0));
            bytes.len()
        }
        _ => return None,
    };
    if end < bytes.len() {
        see(part(PartKind::Other, end..bytes.len(), 0));
    }
    Some(())
}

/// A part whose content begins behind a header of this length.
fn part(kind: PartKind, whole: Range<usize>, header: usize) -> Part {
    let content = (whole.start + header).min(whole.end)..whole.end;
    Part { kind, whole, content }
}

/// A number of four bytes.
fn number(bytes: &[u8], at: usize, read: fn([u8; 4]) -> u32) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(read(bytes)).ok()
}

/// PNG (ISO/IEC 15948): chunks of length, name, content and checksum. Returns the picture's end.
fn walk_png(bytes: &[u8], see: &mut dyn FnMut(Part)) -> Option<usize> {
    see(part(PartKind::Picture, 0..8, 0));
    let mut at = 8;
    loop {
        let length = number(bytes, at, u32::from_be_bytes)?;
        let end = at.checked_add(length)?.checked_add(12)?;
        let name = bytes.get(at + 4..at + 8)?;
        bytes.get(..end)?;
        let kind = match name {
            b"iCCP" => PartKind::Profile,
            b"eXIf" => PartKind::Exif,
            b"tRNS" | b"gAMA" | b"cHRM" | b"sRGB" | b"sBIT" | b"bKGD" | b"pHYs" | b"cICP"
            | b"mDCV" | b"cLLI" | b"hIST" | b"acTL" | b"fcTL" | b"fdAT" => PartKind::Picture,
            // Names of chunks that are needed begin with a capital letter.
            [first, ..] if first.is_ascii_uppercase() => PartKind::Picture,
            _ => PartKind::Other,
        };
        see(Part { kind, whole: at..end, content: at + 8..end - 4 });
        at = end;
        if name == b"IEND" {
            return Some(end);
        }
    }
}

/// JPEG (ITU-T T.81): segments of marker, length and content, and scans without a length. Returns
/// the picture's end. Bytes between segments that belong to none are parts of their own; only a file
/// without an end marker is damaged.
fn walk_jpeg(bytes: &[u8], see: &mut dyn FnMut(Part)) -> Option<usize> {
    let mut at = 0;
    loop {
        let marker = next_marker(bytes, at)?;
        if marker > at {
            see(part(PartKind::Other, at..marker, 0));
            at = marker;
        }
        let code = *bytes.get(at + 1)?;
        let length = match code {
            0xD8 | 0xD9 | 0x01 | 0xD0..=0xD7 => 2,
            _ => 2 + usize::from(u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?])),
        };
        let mut end = at + length;
        let content = bytes.get(at + 4..end.max(at + 4)).unwrap_or_default();
        bytes.get(..end)?;
        let kind = match code {
            0xE1 if content.starts_with(b"Exif\0") => PartKind::Exif,
            0xE2 if content.starts_with(b"ICC_PROFILE\0") => PartKind::Profile,
            // Adobe's segment says how colours are coded; JFIF's, how large a pixel is.
            0xEE => PartKind::Picture,
            0xE0 if content.starts_with(b"JFIF\0") => PartKind::Picture,
            0xE0..=0xEF | 0xFE => PartKind::Other,
            _ => PartKind::Picture,
        };
        if code == 0xDA {
            end = end_of_scan(bytes, end)?;
        }
        see(part(kind, at..end, 4));
        at = end;
        if code == 0xD9 {
            return Some(end);
        }
    }
}

/// Where the next marker stands from `start` on. Before it there may be fill bytes of 0xFF (T.81,
/// B.1.1.2), and junk that some programs leave there.
fn next_marker(bytes: &[u8], start: usize) -> Option<usize> {
    let pairs = bytes.get(start..)?.windows(2);
    let found = pairs.into_iter().position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF));
    found.map(|behind| start + behind)
}

/// Where the next marker stands behind a scan's data.
fn end_of_scan(bytes: &[u8], start: usize) -> Option<usize> {
    let data = bytes.get(start..)?;
    // A zero is stuffed behind each 0xFF of the data, and restart markers belong to it.
    let is_marker =
        |pair: &[u8]| matches!(pair, &[0xFF, code] if !matches!(code, 0x00 | 0xD0..=0xD7 | 0xFF));
    data.windows(2).position(is_marker).map(|behind| start + behind)
}

/// WebP (RFC 9649): chunks of name, length and content, padded to an even length. Returns the
/// picture's end.
fn walk_webp(bytes: &[u8], see: &mut dyn FnMut(Part)) -> Option<usize> {
    let file_end = number(bytes, 4, u32::from_le_bytes)?.checked_add(8)?;
    bytes.get(..file_end)?;
    see(part(PartKind::Picture, 0..12, 0));
    let mut at = 12;
    while at < file_end {
        let length = number(bytes, at + 4, u32::from_le_bytes)?;
        let content = at + 8..at.checked_add(8)?.checked_add(length)?;
        // Some writers leave out the last padding.
        let end = (content.end + length % 2).min(file_end);
        bytes.get(content.clone())?;
        let kind = match bytes.get(at..at + 4)? {
            b"ICCP" => PartKind::Profile,
            b"EXIF" => PartKind::Exif,
            b"VP8X" | b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ANMF" => PartKind::Picture,
            _ => PartKind::Other,
        };
        see(Part { kind, whole: at..end, content });
        at = end;
    }
    Some(file_end)
}

/// GIF (GIF89a): a header, then extensions and pictures in blocks. Returns the picture's end.
fn walk_gif(bytes: &[u8], see: &mut dyn FnMut(Part)) -> Option<usize> {
    // The bytes of a table of colours, by the flags that announce it.
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut at = 13 + table(*bytes.get(10)?);
    bytes.get(..at)?;
    see(part(PartKind::Picture, 0..at, 0));
    loop {
        let (kind, blocks) = match *bytes.get(at)? {
            0x3B => {
                see(part(PartKind::Picture, at..at + 1, 0));
                return Some(at + 1);
            }
            0x2C => (PartKind::Picture, at + 11 + table(*bytes.get(at + 9)?)),
            0x21 => {
                let kind = match (*bytes.get(at + 1)?, bytes.get(at + 3..at + 14)) {
                    (0xFE, _) => PartKind::Other,
                    (0xFF, Some(b"NETSCAPE2.0" | b"ANIMEXTS1.0")) => PartKind::Picture,
                    (0xFF, Some(b"ICCRGBG1012")) => PartKind::Profile,
                    (0xFF, _) => PartKind::Other,
                    _ => PartKind::Picture,
                };
                (kind, at + 2)
            }
            _ => return None,
        };
        let mut end = blocks;
        loop {
            let length = usize::from(*bytes.get(end)?);
            end += 1 + length;
            if length == 0 {
                break;
            }
        }
        see(part(kind, at..end, 2));
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat};

    use super::*;

    #[test]
    fn the_parts_of_a_file_are_the_whole_file_and_a_damaged_one_does_no_harm() {
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::WebP,
            ImageFormat::Gif,
            ImageFormat::Bmp,
        ] {
            let mut file = Cursor::new(Vec::new());
            let image = DynamicImage::new_rgba8(40, 30);
            let image = if format == ImageFormat::Jpeg { image.to_rgb8().into() } else { image };
            image.write_to(&mut file, format).expect("written");
            let mut file = file.into_inner();
            let picture = file.len();
            file.extend(b"behind it");
            let mut reached = 0;
            walk_parts(&file, &mut |part| {
                assert_eq!(part.whole.start, reached, "{format:?}");
                assert!(part.content.start >= part.whole.start, "{format:?}");
                assert!(part.content.end <= part.whole.end, "{format:?}");
                let behind = part.whole.start >= picture && format != ImageFormat::Bmp;
                assert_eq!(part.kind == PartKind::Other, behind, "{format:?}: {part:?}");
                reached = part.whole.end;
            })
            .expect("a whole file");
            assert_eq!(reached, file.len(), "{format:?}");
            for cut in 0..picture {
                let whole = walk_parts(&file[..cut], &mut |part| {
                    assert!(part.whole.end <= cut, "{format:?}, cut at {cut}");
                });
                assert!(whole.is_none() || format == ImageFormat::Bmp, "{format:?}, at {cut}");
            }
            for at in 0..picture {
                for value in [0, 0x7F, 0xFF] {
                    let mut damaged = file.clone();
                    damaged[at] = value;
                    // Reading must end, and within the file.
                    let _ = walk_parts(&damaged, &mut |part| {
                        assert!(part.whole.end <= file.len(), "{format:?}, at {at}");
                    });
                }
            }
        }
    }
}
