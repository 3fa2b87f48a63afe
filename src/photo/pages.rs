//! How many pictures a file holds. Of an animation or of a document of many pages only the first would be
//! changed, and the others would be lost, or keep what was to be removed.

use std::ops::Range;

use super::{format_from_header, heic, parts::walk_parts};

/// The most pages that are looked for; a file may say that they follow each other in a circle.
const MAX_PAGES: usize = 1_000;

/// The pictures in a file: frames of a GIF, PNG or WebP, pages of a TIFF. Smaller copies of a page
/// and masks for one do not count; photos of a HEIC. 1 for all other files.
pub fn pictures_in(bytes: &[u8]) -> usize {
    match bytes {
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Tiff::of(bytes).pages(),
        [b'R', b'I', b'F', b'F', ..] => count(bytes, |part| usize::from(part.starts_with(b"ANMF"))),
        [b'G', b'I', b'F', ..] => count(bytes, |part| usize::from(part.starts_with(&[0x2C]))),
        // Length, name and number of frames.
        [0x89, b'P', b'N', b'G', ..] => count(bytes, |part| match part.get(4..12) {
            Some(&[b'a', b'c', b'T', b'L', a, b, c, d]) => {
                u32::from_be_bytes([a, b, c, d]).try_into().unwrap_or(MAX_PAGES)
            }
            _ => 0,
        }),
        _ if format_from_header(bytes) == Some("HEIC") => heic::pictures_in(bytes),
        _ => 1,
    }
    .max(1)
}

/// Adds up what each part of a file counts. What is damaged is for the decoder to tell.
fn count(bytes: &[u8], of: impl Fn(&[u8]) -> usize) -> usize {
    let mut sum = 0usize;
    let _ = walk_parts(bytes, &mut |part| {
        sum = sum.saturating_add(of(bytes.get(part.whole).unwrap_or_default()));
    });
    sum
}

/// A TIFF (revision 6.0), or a BigTIFF.
struct Tiff<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    big: bool,
}

impl<'a> Tiff<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let big_endian = bytes.starts_with(b"M");
        Tiff { bytes, big_endian, big: bytes.get(2..4).is_some_and(|it| it.contains(&43)) }
    }

    /// A number of two, four or eight bytes.
    fn number(&self, at: usize, bytes: usize) -> Option<usize> {
        let range: Range<usize> = at..at.checked_add(bytes)?;
        let bytes = self.bytes.get(range)?;
        let joined = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let value = match self.big_endian {
            true => bytes.iter().fold(0, joined),
            false => bytes.iter().rev().fold(0, joined),
        };
        value.try_into().ok()
    }

    fn pages(&self) -> usize {
        // A directory's number of entries, an entry, and the offset of the next directory.
        let (count, entry, offset) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let mut directory = self.number(if self.big { 8 } else { 4 }, offset);
        let mut pages = 0;
        for _ in 0..MAX_PAGES {
            let Some(at) = directory.filter(|&at| at > 0) else { break };
            let Some(entries) = self.number(at, count) else { break };
            let place = |i: usize| Some(at + count + i.checked_mul(entry)?);
            // Tag 254: bit 0 is set for a smaller copy, bit 2 for a mask.
            let kind = (0..entries.min(1 << 16)).find_map(|i| {
                let at = place(i)?;
                (self.number(at, 2)? == 254).then(|| self.number(at + entry - offset, 4))?
            });
            pages += usize::from(kind.unwrap_or(0) & 0b101 == 0);
            directory = place(entries).and_then(|at| self.number(at, offset));
        }
        pages
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, Frame, ImageFormat, RgbaImage, codecs::gif::GifEncoder};

    use super::*;

    /// A TIFF of directories that each hold one entry, tag 254 with these values.
    fn tiff(kinds: &[u8], big_endian: bool) -> Vec<u8> {
        let short = |value: u16| match big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        };
        let long = |value: usize| match big_endian {
            true => (value as u32).to_be_bytes(),
            false => (value as u32).to_le_bytes(),
        };
        let mut file = if big_endian { b"MM".to_vec() } else { b"II".to_vec() };
        file.extend(short(42));
        file.extend(long(8));
        for (i, &kind) in kinds.iter().enumerate() {
            file.extend([short(1), short(254), short(4)].concat());
            file.extend([long(1), long(kind.into())].concat());
            let next = if i + 1 < kinds.len() { file.len() + 4 } else { 0 };
            file.extend(long(next));
        }
        file
    }

    #[test]
    fn pages_are_counted_without_their_smaller_copies_and_masks() {
        for big_endian in [false, true] {
            for (kinds, pages) in
                [(&[0][..], 1), (&[0, 0, 0], 3), (&[0, 1, 4, 5], 1), (&[2, 1, 2], 2), (&[1], 1)]
            {
                let file = tiff(kinds, big_endian);
                assert_eq!(pictures_in(&file), pages, "{kinds:?}");
                for cut in 0..file.len() {
                    assert!(pictures_in(&file[..cut]) <= kinds.len(), "{kinds:?}, cut at {cut}");
                }
            }
            // A directory that is its own successor.
            let mut circle = tiff(&[0], big_endian);
            let end = circle.len();
            let first = circle[4..8].to_vec();
            circle[end - 4..].copy_from_slice(&first);
            assert_eq!(pictures_in(&circle), MAX_PAGES);
        }
    }

    #[test]
    fn frames_are_counted() {
        for format in [
            ImageFormat::Png,
            ImageFormat::WebP,
            ImageFormat::Gif,
            ImageFormat::Tiff,
            ImageFormat::Jpeg,
        ] {
            let mut file = Cursor::new(Vec::new());
            DynamicImage::new_rgb8(9, 7).write_to(&mut file, format).expect("written");
            assert_eq!(pictures_in(&file.into_inner()), 1, "{format:?}");
        }
        let mut gif = Vec::new();
        let mut encoder = GifEncoder::new(&mut gif);
        for _ in 0..3 {
            encoder.encode_frame(Frame::new(RgbaImage::new(9, 7))).expect("written");
        }
        drop(encoder);
        assert_eq!(pictures_in(&gif), 3);
        let png = [
            b"\x89PNG\r\n\x1A\n\0\0\0\x08acTL\0\0\0\x05\0\0\0\0crc!".as_slice(),
            b"\0\0\0\0IENDcrc!",
        ];
        assert_eq!(pictures_in(&png.concat()), 5);
        let chunk = |name: &[u8]| [name, &[2, 0, 0, 0, 0, 0]].concat();
        let chunks = [chunk(b"ANIM"), chunk(b"ANMF"), chunk(b"ANMF")].concat();
        let length = (4 + chunks.len() as u32).to_le_bytes();
        assert_eq!(pictures_in(&[b"RIFF", &length[..], b"WEBP", &chunks].concat()), 2);
    }
}
