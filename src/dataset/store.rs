//! Digits that are cut out of their photos once for training, so that no epoch has to decode
//! pictures again.
//!
//! A store holds, for each digit, an 8-bit patch that shows its frame (the box, or the box widened
//! to a square) with a margin for shifts and turns, its digit and its photo's number. It is made in
//! memory, or written once to a file that is then mapped into memory: the system reads the parts
//! that are needed, and drops them if memory runs short.
//!
//! The file: 8 bytes of magic, the length of the description (4 bytes, little-endian) and the
//! description as JSON, then a byte for each digit, four bytes (little-endian) for each photo
//! number, the patches, plane after plane, row after row, and the SHA-256 of all that.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    format1::{Digit, Format1, Format1Error},
    format2::{self, Format2},
};
use crate::{
    fault::{AtFault, Fault},
    files::{Draft, draft_with, open_regular},
    photo::{BoxInPhoto, Colours, CropShape, LooseBox, Photo, PhotoSize, luma, to_byte},
};

/// The first bytes of a store's file.
const MAGIC: &[u8; 8] = b"DPSTORE3";

/// A description longer than this is damage.
const MAX_DESCRIPTION: usize = 1 << 16;

/// What a store's patches show.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatchFormat {
    /// Grey or colour.
    pub colours: Colours,
    /// How the digit's box becomes a square.
    pub crop: CropShape,
    /// Rows and columns of a patch.
    pub side: usize,
    /// What a patch shows beyond the frame on each side, as a share of the frame's side.
    pub margin: f32,
}

impl PatchFormat {
    /// Patches for a network's input of `input_side`: a quarter of the frame beyond it on each
    /// side, at the input's own scale.
    pub fn around(colours: Colours, crop: CropShape, input_side: usize) -> Self {
        PatchFormat { colours, crop, side: input_side + input_side.div_ceil(2), margin: 0.25 }
    }

    /// Values of one patch.
    pub fn values(&self) -> usize {
        self.colours.channels() * self.side * self.side
    }

    /// What a patch shows of a digit's photo.
    fn frame(&self, area: BoxInPhoto, photo: PhotoSize) -> LooseBox {
        let frame = self.crop.frame(area, photo);
        let margin = f64::from(self.margin);
        LooseBox {
            left: frame.left - margin * frame.width,
            top: frame.top - margin * frame.height,
            width: frame.width * (1.0 + 2.0 * margin),
            height: frame.height * (1.0 + 2.0 * margin),
        }
    }

    /// A digit's patch.
    pub fn cut(&self, photo: &Photo, digit: &Digit) -> Vec<u8> {
        let frame = self.frame(digit.area, photo.size());
        photo
            .square_of(frame, self.crop.filter(), self.colours, self.side as u32)
            .into_iter()
            .map(to_byte)
            .collect()
    }
}

/// The beginning of a store's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Description {
    patches: PatchFormat,
    count: usize,
    /// Whether photo numbers mean anything.
    by_photo: bool,
}

/// Where a store's digits are.
#[derive(Debug)]
enum Contents {
    Memory {
        digits: Vec<u8>,
        /// Empty where photos are not known.
        photos: Vec<u32>,
        patches: Vec<u8>,
    },
    Mapped {
        file: memmap2::Mmap,
        /// Where the digits begin in the file, and the SHA-256 behind the patches.
        start: usize,
        end: usize,
    },
}

/// Writes on, and sums what it writes.
struct Summed<'a> {
    out: &'a mut dyn io::Write,
    sum: Sha256,
}

impl io::Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Digits to train from.
#[derive(Debug)]
pub struct Store {
    description: Description,
    contents: Contents,
}

/// Why a store cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The photos or their list cannot be used.
    #[error(transparent)]
    Photos(#[from] Format1Error),
    /// The file cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a store of this version.
    #[error("{}: {problem}. Make it again with `doorplate data prepare`", path.display())]
    NoStore {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl AtFault for StoreError {
    fn fault(&self) -> Fault {
        Fault::Input
    }
}

impl Store {
    /// A store in memory; `photos` is empty, or has a number a digit by which the digits of one
    /// photo are kept together.
    pub(crate) fn in_memory(
        patches: PatchFormat,
        digits: Vec<u8>,
        photos: Vec<u32>,
        values: Vec<u8>,
    ) -> Self {
        let description =
            Description { patches, count: digits.len(), by_photo: !photos.is_empty() };
        Store { description, contents: Contents::Memory { digits, photos, patches: values } }
    }

    /// Cuts out all digits of a Format 1 folder on all cores, calling `progress` with the number
    /// of photos after each batch of them.
    ///
    /// # Errors
    /// [`StoreError`] at the first photo or box that cannot be used.
    pub fn cut(
        data: &Format1,
        patches: PatchFormat,
        mut progress: impl FnMut(usize),
    ) -> Result<Self, StoreError> {
        let mut digits = Vec::with_capacity(data.digit_count());
        let mut photos = Vec::with_capacity(data.digit_count());
        let mut values = Vec::with_capacity(data.digit_count() * patches.values());
        let numbered: Vec<_> = (0u32..).zip(&data.photos).collect();
        for some in numbered.chunks(256) {
            let cut: Vec<Vec<(u8, u32, Vec<u8>)>> = some
                .par_iter()
                .map(|&(number, entry)| {
                    let (photo, digits) = data.load(entry)?;
                    let cut = |digit: &Digit| (digit.digit, number, patches.cut(&photo, digit));
                    Ok(digits.iter().map(cut).collect())
                })
                .collect::<Result<_, Format1Error>>()?;
            for (digit, photo, patch) in cut.into_iter().flatten() {
                digits.push(digit);
                photos.push(photo);
                values.extend(patch);
            }
            progress(some.len());
        }
        Ok(Store::in_memory(patches, digits, photos, values))
    }

    /// The same digits with a group number for each: digits of one group stay together when some
    /// are held back.
    #[must_use]
    pub fn grouped(self, groups: Vec<u32>) -> Self {
        let Contents::Memory { digits, patches, .. } = self.contents else { return self };
        Store::in_memory(self.description.patches, digits, groups, patches)
    }

    /// A store of Format 2's crops: without a margin, and without photo numbers.
    pub fn from_format2(data: Format2, colours: Colours) -> Self {
        let side = format2::SIDE;
        let patches = PatchFormat { colours, crop: CropShape::Widened, side, margin: 0.0 };
        let mut values = Vec::with_capacity(data.len() * patches.values());
        for crop in data.crops.chunks_exact(format2::CROP_BYTES) {
            match colours {
                Colours::Rgb => {
                    for channel in 0..3 {
                        values.extend(crop.iter().skip(channel).step_by(3));
                    }
                }
                Colours::Grey => values.extend(crop.chunks_exact(3).map(|pixel| {
                    let [r, g, b] = [0, 1, 2].map(|channel| f32::from(pixel[channel]));
                    luma(r, g, b).round() as u8
                })),
            }
        }
        Store::in_memory(patches, data.digits, Vec::new(), values)
    }

    /// Writes the store to a file.
    ///
    /// # Errors
    /// [`StoreError::File`] when it cannot be written; an earlier file is then unchanged.
    pub fn write(&self, path: &Path) -> Result<(), StoreError> {
        let file = |source| StoreError::File { path: path.to_owned(), source };
        let description =
            serde_json::to_vec(&self.description).map_err(|error| file(error.into()))?;
        let length = (description.len() as u32).to_le_bytes();
        let draft = draft_with(path, |out| {
            let mut out = Summed { out, sum: Sha256::new() };
            out.write_all(MAGIC)?;
            out.write_all(&length)?;
            out.write_all(&description)?;
            match &self.contents {
                Contents::Memory { digits, photos, patches } => {
                    out.write_all(digits)?;
                    for i in 0..digits.len() {
                        out.write_all(&photos.get(i).unwrap_or(&0).to_le_bytes())?;
                    }
                    out.write_all(patches)?;
                }
                Contents::Mapped { file, start, end } => out.write_all(&file[*start..*end])?,
            }
            out.out.write_all(&out.sum.finalize())
        });
        draft.and_then(Draft::put).map_err(file)
    }

    /// Maps a store's file into memory.
    ///
    /// The file must not be changed while it is in use; this program never does so, it writes
    /// stores under a temporary name and renames them.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read, is damaged, cut short, or of another version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let at = |source| StoreError::File { path: path.to_owned(), source };
        let no_store = |problem: String| StoreError::NoStore { path: path.to_owned(), problem };
        let (file, _) = open_regular(path).map_err(at)?;
        #[expect(unsafe_code, reason = "memory mapping has no safe interface")]
        // SAFETY: the file is only read; if another process changes it meanwhile, only pixels and
        // labels change, which are plain bytes and are checked when used.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(at)?;
        let Some((magic, rest)) = map.split_first_chunk::<8>() else {
            return Err(no_store("too short for a store of digits".to_owned()));
        };
        if magic != MAGIC {
            return Err(no_store("not a store of digits of this program's version".to_owned()));
        }
        let description = rest
            .split_first_chunk::<4>()
            .map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest))
            .filter(|&(length, rest)| length <= MAX_DESCRIPTION && length <= rest.len())
            .ok_or_else(|| no_store("cut short in its description".to_owned()))?;
        let (length, rest) = description;
        let description: Description = serde_json::from_slice(&rest[..length])
            .map_err(|error| no_store(format!("its description is damaged ({error})")))?;
        let PatchFormat { side, margin, .. } = description.patches;
        if side == 0 || !(0.0..=1.0).contains(&margin) {
            return Err(no_store(format!("patches of side {side} with a margin of {margin}")));
        }
        let start = MAGIC.len() + 4 + length;
        let wanted = description
            .patches
            .side
            .checked_mul(description.patches.side)
            .and_then(|plane| plane.checked_mul(description.patches.colours.channels()))
            .and_then(|patch| patch.checked_add(5))
            .and_then(|one| one.checked_mul(description.count))
            .ok_or_else(|| no_store("its description names impossible sizes".to_owned()))?;
        let end = map.len().saturating_sub(Sha256::output_size());
        if end.checked_sub(start) != Some(wanted) {
            return Err(no_store(format!(
                "{} bytes of digits instead of {wanted}",
                end.saturating_sub(start)
            )));
        }
        // One flipped bit would train other weights.
        if Sha256::digest(&map[..end])[..] != map[end..] {
            return Err(no_store("damaged: its SHA-256 is not the one at its end".to_owned()));
        }
        let store = Store { description, contents: Contents::Mapped { file: map, start, end } };
        match store.digits().iter().position(|&digit| digit > 9) {
            Some(i) => Err(no_store(format!("entry {} is not a digit", i + 1))),
            None => Ok(store),
        }
    }

    /// What its patches show.
    pub fn patches(&self) -> PatchFormat {
        self.description.patches
    }

    /// The number of digits.
    pub fn len(&self) -> usize {
        self.description.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.description.count == 0
    }

    /// What each patch shows, 0 to 9.
    pub fn digits(&self) -> &[u8] {
        match &self.contents {
            Contents::Memory { digits, .. } => digits,
            Contents::Mapped { file, start, .. } => &file[*start..start + self.len()],
        }
    }

    /// The number of the photo that each digit is from, counted from 0, if known.
    pub fn photos(&self) -> Option<Vec<u32>> {
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, &byte| n << 8 | u32::from(byte));
        self.description.by_photo.then(|| match &self.contents {
            Contents::Memory { photos, .. } => photos.clone(),
            Contents::Mapped { file, start, .. } => {
                let first = start + self.len();
                file[first..first + 4 * self.len()].chunks_exact(4).map(number).collect()
            }
        })
    }

    /// The patch of digit `i`: plane after plane, row after row.
    ///
    /// # Panics
    /// When there are fewer digits.
    pub fn patch(&self, i: usize) -> &[u8] {
        let values = self.description.patches.values();
        let patches = match &self.contents {
            Contents::Memory { patches, .. } => patches,
            Contents::Mapped { file, start, .. } => &file[start + 5 * self.len()..],
        };
        &patches[i * values..(i + 1) * values]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn patches() -> PatchFormat {
        PatchFormat { colours: Colours::Grey, crop: CropShape::Stretched, side: 2, margin: 0.0 }
    }

    fn small() -> Store {
        Store::in_memory(patches(), vec![3, 1, 9], vec![0, 0, 7], (0..12).collect())
    }

    #[test]
    fn a_store_comes_back_from_its_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("digits.store");
        small().write(&path).expect("written");
        let store = Store::open(&path).expect("opened");
        assert_eq!(store.digits(), [3, 1, 9]);
        assert_eq!(store.photos(), Some(vec![0, 0, 7]));
        assert_eq!(store.patch(2), [8, 9, 10, 11]);
    }

    #[test]
    fn a_file_cut_short_anywhere_or_of_another_version_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("digits.store");
        small().write(&path).expect("written");
        let whole = std::fs::read(&path).expect("read");
        for length in 1..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("written");
            let error = Store::open(&path).expect_err("cut short");
            assert!(error.to_string().contains("data prepare"), "{error}");
        }
        let mut older = whole.clone();
        older[7] = b'0';
        std::fs::write(&path, &older).expect("written");
        let error = Store::open(&path).expect_err("an older version").to_string();
        assert!(error.contains("version"), "{error}");
        let mut no_digit = small();
        no_digit.contents = Contents::Memory {
            digits: vec![10, 1, 9],
            photos: vec![0, 0, 7],
            patches: (0..12).collect(),
        };
        no_digit.write(&path).expect("written");
        let error = Store::open(&path).expect_err("no digit").to_string();
        assert!(error.contains("entry 1"), "{error}");
    }

    #[test]
    fn a_file_with_any_bit_flipped_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("digits.store");
        small().write(&path).expect("written");
        let whole = std::fs::read(&path).expect("read");
        for bit in 0..8 * whole.len() {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &flipped).expect("written");
            assert!(Store::open(&path).is_err(), "bit {bit} of byte {}", bit / 8);
        }
        std::fs::write(&path, &whole).expect("written");
        let mapped = Store::open(&path).expect("whole");
        let copy = folder.path().join("copy.store");
        mapped.write(&copy).expect("written");
        assert_eq!(std::fs::read(copy).expect("read"), whole);
    }

    #[test]
    fn a_patch_shows_the_box_and_its_margin() {
        let size = PhotoSize { width: 60, height: 60 };
        let samples = (0..60 * 60u32).flat_map(|i| [(i % 60 * 4) as u8; 3]).collect();
        let photo = Photo::from_rgb8(size, samples).expect("the samples fit the size");
        let area = BoxInPhoto { left: 20, top: 20, width: 20, height: 20 };
        let patches = PatchFormat::around(Colours::Grey, CropShape::Stretched, 20);
        let patch = patches.cut(&photo, &Digit { area, digit: 1 });
        // 30 columns at the photo's own scale, from column 15 on.
        assert_eq!(patch.len(), 900);
        for (i, &value) in patch.iter().take(30).enumerate() {
            assert_eq!(usize::from(value), 4 * (15 + i));
        }
    }
}
