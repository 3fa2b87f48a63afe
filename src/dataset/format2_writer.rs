//! Writes Format 2 in SVHN's layout, which [`super::format2`] describes, so that digits drawn by
//! our own program are read by the same code as SVHN's.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::ZlibEncoder};

use super::format2::{CROP_BYTES, SIDE, code};
use crate::{fault::AtFault, files::write_whole};

/// The text of the header, which is filled up with blanks. MATLAB also writes a date, which is left
/// out so that the same digits give the same bytes.
const DESCRIPTION: &[u8] = b"MATLAB 5.0 MAT-file, Platform: doorplate";

/// The description's bytes in the header.
const DESCRIPTION_BYTES: usize = 116;

/// Why a Format 2 file cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Format2WriteError {
    /// The pixels and the digits do not belong together.
    #[error(
        "{}: {bytes} bytes of pixels for {digits} digits, of 3072 bytes each",
        path.display()
    )]
    Counts {
        /// The file asked for.
        path: PathBuf,
        /// The pixels' bytes.
        bytes: usize,
        /// The number of digits.
        digits: usize,
    },
    /// More or fewer digits than the format can hold.
    #[error("{}: {digits} digits; the format holds 1 to {MOST_DIGITS}", path.display())]
    Amount {
        /// The file asked for.
        path: PathBuf,
        /// The number of digits.
        digits: usize,
    },
    /// A number that is not a digit.
    #[error("{}: entry {entry} (counted from 1): {digit} is not a digit", path.display())]
    Digit {
        /// The file asked for.
        path: PathBuf,
        /// The digit's number, from 1.
        entry: usize,
        /// What is there instead of 0 to 9.
        digit: u8,
    },
    /// The file could not be written or renamed.
    #[error("{}: could not be written ({reason})", path.display())]
    Write {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
}

impl AtFault for Format2WriteError {}

/// An element's length is a 32-bit number, and `X` has 64 bytes beside its pixels.
const MOST_DIGITS: usize = (u32::MAX as usize - 64) / CROP_BYTES;

/// Writes digits in their order, over any earlier file of that name: `crops` as in
/// [`super::format2::Format2::crops`], `digits` 0 to 9. The same digits give the same bytes.
///
/// The file is written in its folder under a temporary name and then renamed, so that no reader
/// sees half of it.
///
/// # Errors
/// [`Format2WriteError`] when the pixels are not 3,072 bytes for each digit, there is no digit, one
/// is above 9, or the file cannot be written.
pub fn write_format2(path: &Path, crops: &[u8], digits: &[u8]) -> Result<(), Format2WriteError> {
    let bytes = format2_bytes(path, crops, digits)?;
    let failed = |reason| Format2WriteError::Write { path: path.to_owned(), reason };
    write_whole(path, &bytes).map_err(failed)
}

fn format2_bytes(path: &Path, crops: &[u8], digits: &[u8]) -> Result<Vec<u8>, Format2WriteError> {
    let path = || path.to_owned();
    let count = digits.len();
    if count == 0 || count > MOST_DIGITS {
        return Err(Format2WriteError::Amount { path: path(), digits: count });
    }
    let (crops, rest) = crops.as_chunks::<CROP_BYTES>();
    if crops.len() != count || !rest.is_empty() {
        let bytes = crops.len() * CROP_BYTES + rest.len();
        return Err(Format2WriteError::Counts { path: path(), bytes, digits: count });
    }
    if let Some(i) = digits.iter().position(|&digit| digit > 9) {
        return Err(Format2WriteError::Digit { path: path(), entry: i + 1, digit: digits[i] });
    }
    // Writing to memory does not fail; an encoder could.
    let failed = |reason| Format2WriteError::Write { path: path(), reason };
    let mut file = DESCRIPTION.to_vec();
    file.resize(DESCRIPTION_BYTES, b' ');
    // No subsystem data; version 1.0; the mark that shows the order of bytes.
    file.extend_from_slice(&[0; 8]);
    file.extend_from_slice(b"\x00\x01IM");
    let side = SIDE as u32;
    packed(&mut file, b'X', &[side, side, 3, count as u32], |pixels| {
        let mut planes = [0; CROP_BYTES];
        for crop in crops {
            to_planes(crop, &mut planes);
            pixels.write_all(&planes)?;
        }
        Ok(())
    })
    .map_err(failed)?;
    let labels: Vec<u8> = digits.iter().map(|&digit| if digit == 0 { 10 } else { digit }).collect();
    packed(&mut file, b'y', &[count as u32, 1], |numbers| numbers.write_all(&labels))
        .map_err(failed)?;
    Ok(file)
}

/// Adds a uint8 array with a name of one letter, as a zlib stream; `content` writes as many bytes
/// as the shape says.
fn packed(
    file: &mut Vec<u8>,
    name: u8,
    shape: &[u32],
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let count: u32 = shape.iter().product();
    let mut head = Vec::new();
    let mut words = |words: &[u32]| {
        head.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    };
    words(&[code::UINT32, 8, u32::from(code::UINT8_CLASS), 0]);
    words(&[code::INT32, 4 * shape.len() as u32]);
    words(shape);
    // A name of up to four bytes lies in its tag.
    words(&[1 << 16 | code::INT8, u32::from(name)]);
    // So do up to four labels, and only a longer array has a tag alone.
    let inline = count <= 4;
    if inline {
        words(&[count << 16 | code::UINT8]);
    } else {
        words(&[code::UINT8, count]);
    }
    let padding = match (count as usize, inline) {
        (count, true) => 4 - count,
        (count, false) => count.next_multiple_of(8) - count,
    };
    let bytes = (head.len() + count as usize + padding) as u32;

    let start = file.len();
    file.extend([code::COMPRESSED, 0].iter().flat_map(|word: &u32| word.to_le_bytes()));
    let body = file.len();
    let mut encoder = ZlibEncoder::new(&mut *file, Compression::default());
    for word in [code::MATRIX, bytes] {
        encoder.write_all(&word.to_le_bytes())?;
    }
    encoder.write_all(&head)?;
    content(&mut encoder)?;
    encoder.write_all(&[0; 8][..padding])?;
    encoder.finish()?;
    let length = u32::try_from(file.len() - body)
        .map_err(|_| io::Error::other("the packed pixels are over 4 GiB"))?;
    file[start + 4..body].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// Rows of pixels to three planes with the row running fastest.
fn to_planes(crop: &[u8; CROP_BYTES], planes: &mut [u8; CROP_BYTES]) {
    for (at, &value) in crop.iter().enumerate() {
        let (pixel, colour) = (at / 3, at % 3);
        let (y, x) = (pixel / SIDE, pixel % SIDE);
        planes[(colour * SIDE + x) * SIDE + y] = value;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::ZlibDecoder;

    use super::*;

    /// The file's elements, unpacked, as 32-bit words.
    fn unpacked(file: &[u8]) -> Vec<Vec<u32>> {
        let mut rest = &file[128..];
        let mut elements = Vec::new();
        while !rest.is_empty() {
            let word = |at: usize| u32::from_le_bytes(rest[at..][..4].try_into().expect("four"));
            let length = word(4) as usize;
            assert_eq!(word(0), code::COMPRESSED);
            let mut element = Vec::new();
            let packed = &rest[8..8 + length];
            ZlibDecoder::new(packed).read_to_end(&mut element).expect("a zlib stream");
            let words = element.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word));
            elements.push(words.collect());
            rest = &rest[8 + length..];
        }
        elements
    }

    #[test]
    fn the_layout_is_svhns() {
        let mut crops = vec![0; 5 * CROP_BYTES];
        // The first crop's second row, third pixel: red, green, blue.
        crops[(SIDE + 2) * 3..][..3].copy_from_slice(&[7, 8, 9]);
        let file = format2_bytes(Path::new("a.mat"), &crops, &[0, 1, 2, 3, 9]).expect("laid out");
        assert!(file.starts_with(b"MATLAB 5.0 MAT-file, Platform: doorplate   "));
        assert_eq!(file[116..128], *b"\0\0\0\0\0\0\0\0\0\x01IM");
        let elements = unpacked(&file);
        let [x, y] = elements.as_slice() else { panic!("{} elements", elements.len()) };
        let bytes = 5 * CROP_BYTES as u32;
        assert_eq!(x[..2], [14, bytes + 56]);
        assert_eq!(x[2..12], [6, 8, 9, 0, 5, 16, 32, 32, 3, 5]);
        assert_eq!(x[12..16], [0x1_0001, u32::from(b'X'), 2, bytes]);
        // X(2, 3, colour, 1), counted from 1: 32 rows a column, 1,024 pixels a colour.
        let pixel = |colour: usize| x[16 + (colour * 1_024 + 2 * 32) / 4].to_le_bytes()[1];
        assert_eq!([pixel(0), pixel(1), pixel(2)], [7, 8, 9]);
        let y_words = [14, 56, 6, 8, 9, 0, 5, 8, 5, 1, 0x1_0001, u32::from(b'y'), 2, 5];
        assert_eq!(y[..14], y_words);
        assert_eq!(y[14..], [0x03_02_01_0A, 9]);
    }
}
