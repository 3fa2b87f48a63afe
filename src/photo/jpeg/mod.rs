//! Decodes JPEGs, and changes them in their coefficients, so that the photo stays what it was where
//! nothing is changed.
//!
//! A JPEG holds blocks of 8 x 8 samples as rounded coefficients, packed by Huffman codes (ITU-T
//! T.81). To decode all pixels and to encode them again rounds every block a second time. For a change
//! only the packing is undone: blocks with changed pixels get new coefficients, and all others are
//! packed again as they are, with the file's own tables, sampling, restarts and scans.
//!
//! Pixels are decoded from the same coefficients ([`decode`]), because every library that could be
//! used on the page reads some files wrong without a word (zune-jpeg 0.5.15: files of several scans), or
//! takes damaged data for whole.

mod bits;
mod coder;
mod decode;
mod edit;
mod file;
mod huffman;
mod idct;
mod progressive;
mod sequential;

pub use self::decode::decode;
use self::{coder::Codes, coder::SLOTS, edit::Edit, file::JpegFile};
use super::{BoxInPhoto, Photo};

/// A block's quantised coefficients, in zigzag order.
type Block = [i16; 64];

/// The place of the zigzag's values in a block, row after row (T.81, figure 5).
pub(super) const ZIGZAG: [usize; 64] = zigzag();

const fn zigzag() -> [usize; 64] {
    let mut order = [0; 64];
    let (mut row, mut column, mut i) = (0usize, 0usize, 0);
    while i < 64 {
        order[i] = 8 * row + column;
        // Odd diagonals run down, even ones up; at an edge the next one begins.
        if (row + column) % 2 == 1 {
            match (row, column) {
                (7, _) => column += 1,
                (_, 0) => row += 1,
                _ => (row, column) = (row + 1, column - 1),
            }
        } else {
            match (row, column) {
                (_, 7) => row += 1,
                (0, _) => column += 1,
                _ => (row, column) = (row - 1, column + 1),
            }
        }
        i += 1;
    }
    order
}

/// Why a JPEG cannot be decoded, or cannot be changed in its coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JpegError {
    /// What is in the file contradicts itself, or a part of it ends early.
    #[error("its coded data are damaged")]
    Damaged,
    /// The file ends before its end marker.
    #[error("it is cut short, as its end marker is missing")]
    CutShort,
    /// It has not all scans: such a file shows a coarse picture, or one without colour.
    #[error("some of its scans are missing")]
    Incomplete,
    /// Arithmetic coding, in place of Huffman codes.
    #[error("it has arithmetic coding")]
    Arithmetic,
    /// Samples of another depth.
    #[error("it has {0} bits a sample")]
    Depth(u8),
    /// A lossless or hierarchical JPEG, or one whose height is told late.
    #[error("it is neither baseline nor progressive")]
    Process,
    /// Neither grey, nor three colours, nor four inks.
    #[error("it has {0} colour components")]
    Components(u8),
    /// Four inks, which can be decoded but not changed in their coefficients.
    #[error("it has the colours of a printer (CMYK)")]
    Inks,
    /// Components between whose samples pixels are divided unevenly.
    #[error("its colour sampling is unusual")]
    Sampling,
    /// Scans that send bits twice or in no order, or too many of them.
    #[error("its scans are unusual")]
    Script,
    /// EXIF data that do not fit into a segment, or have no place in the file.
    #[error("its EXIF data cannot be written again")]
    Metadata,
    /// The photo's size or colours are not those of the file.
    #[error("its size or colours are not those it was decoded with")]
    OtherPhoto,
}

impl JpegError {
    /// What to do with a file that cannot be decoded.
    pub fn mend(self) -> &'static str {
        match self {
            JpegError::Damaged | JpegError::CutShort | JpegError::Incomplete => {
                "Copy or download it again; if that is no better, another program may save what is \
                 left of it"
            }
            _ => "Save it as a usual JPEG or as PNG with another program",
        }
    }
}

/// Pixels of a photo that were changed.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Where they lie.
    pub area: BoxInPhoto,
    /// Which of the area's pixels they are, row after row.
    pub pixels: &'a [bool],
}

impl Change<'_> {
    /// Whether a pixel is changed, by its column and row in the photo.
    fn changes(&self, [x, y]: [u32; 2]) -> bool {
        let Self { area, pixels } = self;
        let (Some(column), Some(row)) = (x.checked_sub(area.left), y.checked_sub(area.top)) else {
            return false;
        };
        column < area.width
            && row < area.height
            && pixels.get((row * area.width + column) as usize).is_some_and(|changed| *changed)
    }
}

/// A JPEG of `photo`, which was decoded from `file` and then changed in `changes` and nowhere
/// else. The file's colour profile is kept; of all other metadata there will be `exif` alone, a
/// block that begins with its byte order. It must hold the orientation of `file`, as the picture
/// stays stored as it is.
///
/// Each block that has no sample of a changed pixel keeps its coefficients. In the others, samples
/// without a changed pixel keep their values up to quantisation. A sample of colour that several
/// pixels share is changed if one of them is. Neighbouring samples are not, although decoders that
/// smooth colour let them shine through by a quarter: the photo's pixels beside them are unchanged,
/// so their own colour is right.
///
/// Of a baseline JPEG only one block at a time is in memory; of a progressive one all coefficients,
/// two bytes each.
///
/// # Errors
/// [`JpegError`] when the file is damaged, or of a kind that cannot be changed so.
pub fn with_changes(
    file: &[u8],
    photo: &Photo,
    changes: &[Change<'_>],
    exif: Option<&[u8]>,
) -> Result<Vec<u8>, JpegError> {
    let parsed = JpegFile::read(file, exif)?;
    let frame = &parsed.frame;
    let edit = Edit::new(frame, photo, changes)?;
    let mut coefficients = None;
    if frame.progressive {
        let mut all = progressive::read(&parsed)?;
        for (component, blocks) in all.iter_mut().enumerate() {
            for (block, at) in edit.touched(component) {
                edit.replace(component, at, &mut blocks[block]);
            }
        }
        coefficients = Some(all);
    }
    let mut written = Codes::default();
    let mut new = Vec::with_capacity(file.len());
    for scan in &parsed.scans {
        let (codes, data) = match &coefficients {
            Some(all) => progressive::write(frame, scan, all)?,
            None => sequential::recode(frame, scan, &mut |component, step, block| {
                if edit.touches(component, step.block) {
                    edit.replace(component, step.at, block);
                }
            })?,
        };
        new.extend_from_slice(&scan.before);
        put_codes(&mut new, &mut written, codes);
        new.extend_from_slice(scan.header);
        new.extend(data);
    }
    new.extend([0xFF, 0xD9]);
    Ok(new)
}

/// Writes the codes that a scan needs and that do not stand in their places yet.
fn put_codes(file: &mut Vec<u8>, written: &mut Codes, codes: Codes) {
    let mut content = Vec::new();
    for (slot, (code, written)) in codes.into_iter().zip(written).enumerate().take(SLOTS) {
        if let Some(code) = code
            && written.as_ref() != Some(&code)
        {
            content.push((16 * (slot / 4) + slot % 4) as u8);
            content.extend(code.content());
            *written = Some(code);
        }
    }
    if !content.is_empty() {
        // Eight tables have some two thousand bytes at most.
        let length = content.len() as u16 + 2;
        file.extend([0xFF, 0xC4]);
        file.extend(length.to_be_bytes());
        file.extend(content);
    }
}

#[cfg(test)]
mod tests;
