//! SVHN's Format 2: one file of digits, each a 32 x 32 crop and its label (Netzer et al., 2011).
//!
//! The file is MATLAB v5: a 128-byte header, then one element for each variable, usually a zlib
//! stream of its own. `X` is 32 x 32 x 3 x N uint8 with the row running fastest, then the column,
//! the colour and the digit; `y` is N x 1 labels, uint8 or double, with 10 for the digit 0. The
//! layout is MathWorks' "MAT-File Format", chapter 1.
//!
//! A crop is the digit's box widened to a square about its centre, so neighbours show.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::bufread::ZlibDecoder;

use super::digit_struct::digit_of_label;
use crate::{
    fault::{AtFault, Fault},
    files::open_regular,
    photo::{BoxInPhoto, Colours, CropShape, Photo, to_byte},
};

/// A crop's width and height, in pixels.
pub const SIDE: usize = 32;

/// A crop's bytes: 32 rows of 32 pixels of red, green and blue.
pub const CROP_BYTES: usize = SIDE * SIDE * 3;

/// A digit's crop as Format 2 holds it: rows of pixels of red, green and blue.
pub fn crop_of(photo: &Photo, area: BoxInPhoto) -> Vec<u8> {
    let planes = photo.square(area, CropShape::Widened, Colours::Rgb, SIDE as u32);
    let plane = SIDE * SIDE;
    (0..CROP_BYTES).map(|i| to_byte(planes[i % 3 * plane + i / 3])).collect()
}

/// The header's bytes.
const HEADER: usize = 128;

/// The types of elements and of the numbers in them, and the classes of arrays, by the codes that
/// the file has for them. There are more.
pub(super) mod code {
    pub const INT8: u32 = 1;
    pub const UINT8: u32 = 2;
    pub const INT32: u32 = 5;
    pub const UINT32: u32 = 6;
    pub const MATRIX: u32 = 14;
    pub const COMPRESSED: u32 = 15;

    pub const DOUBLE_CLASS: u8 = 6;
    pub const UINT8_CLASS: u8 = 9;
    /// Classes above this one have neither shape nor name in the usual places.
    pub const LAST_PLAIN_CLASS: u8 = 15;
}

/// How many crops are unpacked at once: enough to make the cost of a call into the decoder
/// negligible.
const BATCH: usize = 64;

/// No shape has more dimensions, and no name more bytes, unless the file is damaged.
const LONGEST_LIST: u32 = 4_096;

/// Photos compress to a little less than half. Memory of up to this many times the file's size is
/// allocated at the start, and more only while pixels are read.
const USUAL_SHRINKAGE: u64 = 4;

/// A Format 2 file, read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format2 {
    /// N x 32 x 32 x 3: row after row, with red, green and blue interleaved.
    pub crops: Vec<u8>,
    /// N digits, 0 to 9 (the file's label 10 is 0).
    pub digits: Vec<u8>,
}

/// Why a Format 2 file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Format2Error {
    /// The file cannot be opened, or the disk fails.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is something else.
    #[error(
        "{}: {found}, not a MATLAB v5 file. Is it SVHN's Format 2 (train_32x32.mat, \
         test_32x32.mat or extra_32x32.mat), and complete?",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: String,
    },
    /// An element is damaged before its variable is known.
    #[error("{}: element {element} (counted from 1): {problem}", path.display())]
    Element {
        /// The file.
        path: PathBuf,
        /// The element's number, from 1.
        element: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A variable is damaged, or is not what Format 2 has under this name.
    #[error("{}: variable {variable}: {problem}", path.display())]
    Variable {
        /// The file.
        path: PathBuf,
        /// `X` or `y`.
        variable: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// One digit's crop or label is damaged.
    #[error("{}: variable {variable}, entry {entry} (counted from 1): {problem}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// `X` or `y`.
        variable: &'static str,
        /// The digit's number, from 1.
        entry: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The two variables are of different lengths.
    #[error("{}: X has {crops} crops, but y has {digits} labels", path.display())]
    Counts {
        /// The file.
        path: PathBuf,
        /// Crops in `X`.
        crops: usize,
        /// Labels in `y`.
        digits: usize,
    },
}

impl AtFault for Format2Error {
    fn fault(&self) -> Fault {
        Fault::Input
    }
}

impl Format2 {
    /// Reads a file. It needs memory for the crops (3,072 bytes each) and little more.
    ///
    /// # Errors
    /// [`Format2Error`] when the file cannot be read or is not as described above.
    pub fn open(path: &Path) -> Result<Self, Format2Error> {
        let failed = |source| Format2Error::File { path: path.to_owned(), source };
        let (file, metadata) = open_regular(path).map_err(failed)?;
        let length = metadata.len();
        Reader { path, length, big_endian: false }.read(BufReader::with_capacity(1 << 16, file))
    }

    /// Reads what is in memory already; errors call it `path`.
    ///
    /// # Errors
    /// As [`Format2::open`].
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, Format2Error> {
        Reader { path, length: bytes.len() as u64, big_endian: false }.read(bytes)
    }

    /// The number of digits.
    pub fn len(&self) -> usize {
        self.digits.len()
    }

    /// No file is read that is empty, but fields can be.
    pub fn is_empty(&self) -> bool {
        self.digits.is_empty()
    }

    /// The pixels of crop `i` (from 0, below [`Format2::len`]): row after row, with red, green and
    /// blue interleaved.
    pub fn crop(&self, i: usize) -> &[u8] {
        &self.crops[i * CROP_BYTES..][..CROP_BYTES]
    }
}

/// A tag: what follows it, and how long that is. Up to four bytes can lie in the tag itself.
struct Tag {
    kind: u32,
    bytes: u32,
    inline: Option<[u8; 4]>,
}

/// What the file has given so far.
#[derive(Default)]
struct Found {
    crops: Option<Vec<u8>>,
    digits: Option<Vec<u8>>,
}

/// The two variables, with the names that the file has for them.
#[derive(Clone, Copy, PartialEq)]
enum Variable {
    Crops,
    Labels,
}

impl Variable {
    fn name(self) -> &'static str {
        match self {
            Variable::Crops => "X",
            Variable::Labels => "y",
        }
    }
}

/// What is known of the file while it is read.
struct Reader<'a> {
    path: &'a Path,
    /// The file's length in bytes.
    length: u64,
    big_endian: bool,
}

impl Reader<'_> {
    fn read(mut self, mut file: impl BufRead) -> Result<Format2, Format2Error> {
        self.read_header(&mut file)?;
        let mut found = Found::default();
        for element in 1.. {
            if !self.read_element(&mut file, element, &mut found)? {
                break;
            }
        }
        let missing = |variable: Variable| {
            self.variable(variable, "not in the file; is the file cut short?".to_owned())
        };
        let crops = found.crops.ok_or_else(|| missing(Variable::Crops))?;
        let digits = found.digits.ok_or_else(|| missing(Variable::Labels))?;
        if crops.len() / CROP_BYTES != digits.len() {
            return Err(Format2Error::Counts {
                path: self.path.to_owned(),
                crops: crops.len() / CROP_BYTES,
                digits: digits.len(),
            });
        }
        Ok(Format2 { crops, digits })
    }

    fn read_header(&mut self, file: &mut impl Read) -> Result<(), Format2Error> {
        let mut header = [0; HEADER];
        let length = match fill(file, &mut header) {
            Ok(()) => HEADER,
            Err((length, error)) if error.kind() == io::ErrorKind::UnexpectedEof => length,
            Err((_, source)) => {
                return Err(Format2Error::File { path: self.path.to_owned(), source });
            }
        };
        let header = &header[..length];
        let hdf5 = header.starts_with(b"\x89HDF") || header.starts_with(b"MATLAB 7.3");
        let found = match header.get(HEADER - 4..) {
            _ if hdf5 => "MATLAB v7.3 (as Format 1's digitStruct.mat)",
            None => "cut short inside its header, or something else altogether",
            Some([0, 1, b'I', b'M']) => return Ok(()),
            Some([1, 0, b'M', b'I']) => {
                self.big_endian = true;
                return Ok(());
            }
            Some([0, 2, b'I', b'M'] | [2, 0, b'M', b'I']) => "MATLAB v7.3",
            // MATLAB v4 begins with four numbers below 5,000; v5 with four bytes of text.
            Some(_) if header[..4].contains(&0) => "MATLAB v4, or something else altogether",
            Some(_) => "something else",
        };
        Err(Format2Error::Version { path: self.path.to_owned(), found: found.to_owned() })
    }

    /// Reads the next element; `false` at the end of the file.
    fn read_element(
        &self,
        file: &mut impl BufRead,
        element: usize,
        found: &mut Found,
    ) -> Result<bool, Format2Error> {
        let damaged = |problem| self.element(element, problem);
        let at_end = file.fill_buf().map_err(|error| damaged(error.to_string()))?.is_empty();
        if at_end {
            return Ok(false);
        }
        let tag = self.read_tag(file).map_err(damaged)?;
        let mut inside = file.take(u64::from(tag.bytes));
        match tag.kind {
            code::MATRIX => {
                self.read_matrix(&mut inside, element, found)?;
            }
            code::COMPRESSED => {
                let mut unpacked = ZlibDecoder::new(&mut inside);
                let tag = self.read_tag(&mut unpacked).map_err(damaged)?;
                if tag.kind != code::MATRIX {
                    return Err(damaged(format!("unpacks to type {}, not to an array", tag.kind)));
                }
                let mut body = (&mut unpacked).take(u64::from(tag.bytes));
                if self.read_matrix(&mut body, element, found)? {
                    // The stream's checksum comes behind its last byte.
                    match fill(&mut unpacked, &mut [0]) {
                        Err((_, error)) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                        Err((_, error)) => return Err(damaged(unreadable(&error))),
                        Ok(()) => return Err(damaged("longer than it says".to_owned())),
                    }
                }
            }
            kind => return Err(damaged(format!("of type {kind}, neither an array nor packed"))),
        }
        // The rest is read and dropped, so that damage in it is noticed.
        io::copy(&mut inside, &mut io::sink()).map_err(|error| damaged(error.to_string()))?;
        match inside.limit() {
            0 => Ok(true),
            missing => Err(damaged(format!("cut short, {missing} bytes are missing"))),
        }
    }

    /// Reads an array if it is one of the two, and returns whether it was.
    fn read_matrix<R: Read>(
        &self,
        body: &mut io::Take<R>,
        element: usize,
        found: &mut Found,
    ) -> Result<bool, Format2Error> {
        let damaged = |problem| self.element(element, problem);
        let flags = self.read_small(body, code::UINT32).map_err(damaged)?;
        let Some((flags, _)) = flags.split_first_chunk::<4>() else {
            return Err(damaged("an array without a class".to_owned()));
        };
        let flags = self.u32(*flags);
        let [class, flags, ..] = flags.to_le_bytes();
        if class > code::LAST_PLAIN_CLASS {
            return Ok(false);
        }
        let shape = self.read_small(body, code::INT32).map_err(damaged)?;
        let shape: Vec<u32> = shape.as_chunks().0.iter().map(|&size| self.u32(size)).collect();
        let name = self.read_small(body, code::INT8).map_err(damaged)?;
        let variable = match name.as_slice() {
            b"X" => Variable::Crops,
            b"y" => Variable::Labels,
            _ => return Ok(false),
        };
        let twice = match variable {
            Variable::Crops => found.crops.is_some(),
            Variable::Labels => found.digits.is_some(),
        };
        const COMPLEX: u8 = 8;
        let wrong = |problem: &str| self.variable(variable, problem.to_owned());
        if twice {
            return Err(wrong("twice in the file"));
        }
        if flags & COMPLEX != 0 {
            return Err(wrong("of complex numbers"));
        }
        match variable {
            Variable::Crops => found.crops = Some(self.read_crops(body, class, &shape)?),
            Variable::Labels => found.digits = Some(self.read_labels(body, class, &shape)?),
        }
        Ok(true)
    }

    fn read_crops<R: Read>(
        &self,
        body: &mut io::Take<R>,
        class: u8,
        shape: &[u32],
    ) -> Result<Vec<u8>, Format2Error> {
        let wrong = |problem| self.variable(Variable::Crops, problem);
        if class != code::UINT8_CLASS {
            return Err(wrong(format!("{}, not uint8", class_name(class))));
        }
        let count = match shape {
            // MATLAB drops last dimensions of 1.
            [32, 32, 3] => 1,
            &[32, 32, 3, count] if count > 0 => count,
            _ => return Err(wrong(format!("{}, not 32 x 32 x 3 x N", shape_text(shape)))),
        };
        let tag = self.read_tag(body).map_err(wrong)?;
        let needed = u64::from(count) * CROP_BYTES as u64;
        if tag.kind != code::UINT8 || u64::from(tag.bytes) != needed {
            let (kind, bytes) = (tag.kind, tag.bytes);
            return Err(wrong(format!(
                "{bytes} bytes of type {kind} where {count} crops need {needed} of type {}",
                code::UINT8
            )));
        }
        let needed = tag.bytes as usize;
        let at_once = self.length.saturating_mul(USUAL_SHRINKAGE).min(u64::from(tag.bytes));
        let mut crops = Vec::with_capacity(at_once as usize);
        let mut batch = vec![0; needed.min(BATCH * CROP_BYTES)];
        while crops.len() < needed {
            let done = crops.len();
            batch.truncate(needed - done);
            fill(body, &mut batch).map_err(|(filled, error)| {
                let entry = (done + filled) / CROP_BYTES + 1;
                self.entry(Variable::Crops, entry, unreadable(&error))
            })?;
            crops.resize(done + batch.len(), 0);
            let planes = batch.as_chunks().0;
            for (planes, crop) in planes.iter().zip(crops[done..].as_chunks_mut().0) {
                interleave(planes, crop);
            }
        }
        self.finish(body, Variable::Crops)?;
        Ok(crops)
    }

    fn read_labels<R: Read>(
        &self,
        body: &mut io::Take<R>,
        class: u8,
        shape: &[u32],
    ) -> Result<Vec<u8>, Format2Error> {
        let wrong = |problem| self.variable(Variable::Labels, problem);
        if class != code::UINT8_CLASS && class != code::DOUBLE_CLASS {
            return Err(wrong(format!("{}, neither uint8 nor double", class_name(class))));
        }
        let &([count, 1] | [1, count]) = shape else {
            return Err(wrong(format!("{}, not N x 1", shape_text(shape))));
        };
        let tag = self.read_tag(body).map_err(wrong)?;
        let Some(width) = number_width(tag.kind) else {
            return Err(wrong(format!("stored as type {}, which is not a number", tag.kind)));
        };
        if u64::from(tag.bytes) != u64::from(count) * width as u64 {
            return Err(wrong(format!("{} bytes for {count} numbers of {width}", tag.bytes)));
        }
        let mut digits = Vec::new();
        let mut number = [0; 8];
        let number = &mut number[..width];
        let mut inline = tag.inline.map(io::Cursor::new);
        for entry in 1..=count as usize {
            let wrong = |problem| self.entry(Variable::Labels, entry, problem);
            let read = match &mut inline {
                Some(bytes) => fill(bytes, number),
                None => fill(body, number),
            };
            read.map_err(|(_, error)| wrong(unreadable(&error)))?;
            if self.big_endian {
                number.reverse();
            }
            digits.push(digit_of_label(number_value(tag.kind, number)).map_err(wrong)?);
        }
        self.finish(body, Variable::Labels)?;
        Ok(digits)
    }

    /// Checks that nothing but padding is left of a variable.
    fn finish<R: Read>(
        &self,
        body: &mut io::Take<R>,
        variable: Variable,
    ) -> Result<(), Format2Error> {
        let more = |n| self.variable(variable, format!("{n} bytes more than its shape needs"));
        match body.limit() {
            0..8 => {}
            rest => return Err(more(rest)),
        }
        let cut = |error: io::Error| self.variable(variable, unreadable(&error));
        io::copy(body, &mut io::sink()).map_err(cut)?;
        Ok(())
    }

    /// Reads a tag, with what lies in it.
    fn read_tag(&self, source: &mut impl Read) -> Result<Tag, String> {
        let mut tag = [0; 8];
        fill(source, &mut tag).map_err(|(_, error)| unreadable(&error))?;
        let [kind, bytes] = [[tag[0], tag[1], tag[2], tag[3]], [tag[4], tag[5], tag[6], tag[7]]];
        Ok(match self.u32(kind) {
            kind if kind >> 16 == 0 => Tag { kind, bytes: self.u32(bytes), inline: None },
            kind if kind >> 16 > 4 => return Err(format!("a tag that says {kind:#x}")),
            kind => Tag { kind: kind & 0xFFFF, bytes: kind >> 16, inline: Some(bytes) },
        })
    }

    /// Reads a short element of this type, with its padding.
    fn read_small(&self, source: &mut impl Read, kind: u32) -> Result<Vec<u8>, String> {
        let tag = self.read_tag(source)?;
        if tag.kind != kind || tag.bytes > LONGEST_LIST {
            let (found, bytes) = (tag.kind, tag.bytes);
            return Err(format!("{bytes} bytes of type {found} where a few of type {kind} belong"));
        }
        let bytes = tag.bytes as usize;
        if let Some(inline) = tag.inline {
            return Ok(inline[..bytes].to_vec());
        }
        let mut content = vec![0; bytes.next_multiple_of(8)];
        fill(source, &mut content).map_err(|(_, error)| unreadable(&error))?;
        content.truncate(bytes);
        Ok(content)
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn element(&self, element: usize, problem: String) -> Format2Error {
        Format2Error::Element { path: self.path.to_owned(), element, problem }
    }

    fn variable(&self, variable: Variable, problem: String) -> Format2Error {
        Format2Error::Variable { path: self.path.to_owned(), variable: variable.name(), problem }
    }

    fn entry(&self, variable: Variable, entry: usize, problem: String) -> Format2Error {
        let variable = variable.name();
        Format2Error::Entry { path: self.path.to_owned(), variable, entry, problem }
    }
}

/// Fills the buffer, or returns how many bytes there were.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> Result<(), (usize, io::Error)> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => return Err((filled, io::ErrorKind::UnexpectedEof.into())),
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err((filled, error)),
        }
    }
    Ok(())
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "cut short here".to_owned(),
        _ => format!("damaged here ({error})"),
    }
}

/// Three planes with the row running fastest, to rows of pixels.
fn interleave(planes: &[u8; CROP_BYTES], crop: &mut [u8; CROP_BYTES]) {
    let (red, rest) = planes.split_at(SIDE * SIDE);
    let (green, blue) = rest.split_at(SIDE * SIDE);
    for (y, row) in crop.as_chunks_mut::<{ SIDE * 3 }>().0.iter_mut().enumerate() {
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let at = x * SIDE + y;
            *pixel = [red[at], green[at], blue[at]];
        }
    }
}

/// The number of bytes of a number of this type; `None` for types that are not numbers.
fn number_width(kind: u32) -> Option<usize> {
    Some(match kind {
        code::INT8 | code::UINT8 => 1,
        3 | 4 => 2,
        code::INT32 | code::UINT32 | 7 => 4,
        9 | 12 | 13 => 8,
        _ => return None,
    })
}

/// The value of a number of this type, from its bytes with the lowest first. MATLAB stores doubles
/// in the narrowest type that holds them all.
fn number_value(kind: u32, bytes: &[u8]) -> f64 {
    let unsigned = bytes.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
    let unused = 64 - 8 * bytes.len() as u32;
    let signed = (unsigned << unused) as i64 >> unused;
    match kind {
        code::INT8 | 3 | code::INT32 | 12 => signed as f64,
        7 => f64::from(f32::from_bits(unsigned as u32)),
        9 => f64::from_bits(unsigned),
        _ => unsigned as f64,
    }
}

fn class_name(class: u8) -> String {
    let names = [
        "a cell array",
        "a struct",
        "an object",
        "text",
        "sparse",
        "double",
        "single",
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
    ];
    let name = usize::from(class).checked_sub(1).and_then(|i| names.get(i));
    name.map_or_else(|| format!("of class {class}"), |&name| name.to_owned())
}

fn shape_text(shape: &[u32]) -> String {
    let sizes: Vec<String> = shape.iter().map(u32::to_string).collect();
    format!("of shape {}", sizes.join(" x "))
}
