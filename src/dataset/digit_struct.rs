//! Reads `digitStruct.mat`, SVHN's list of photos, boxes and labels (Netzer et al., 2011).
//!
//! The file is MATLAB v7.3, which is HDF5 after a 512-byte user block. `digitStruct/name` and
//! `digitStruct/bbox` are N x 1 object references: the first to the photo's name as UTF-16 code
//! units, the second to a group with `height`, `label`, `left`, `top` and `width`. Each of these is
//! a 1 x 1 double if the photo has one digit, otherwise k x 1 references to 1 x 1 doubles.

use std::path::{Path, PathBuf};

use hdf5_pure::{DType, Dataset, File, Group, Object};

use crate::{files::open_regular, photo::LooseBox};

/// More digits than any house number has: a longer list means a damaged file.
const MAX_DIGITS_IN_PHOTO: u64 = 1_000;

/// An object reference is an address in the file.
const REFERENCE_BYTES: u64 = 8;

/// The fields of each digit in a box list.
const FIELDS: [&str; 5] = ["label", "left", "top", "width", "height"];

/// A group with more fields is not a box list. If all entries referred to it, reading would take
/// forever.
const MAX_FIELDS: usize = 50;

/// A photo's entry in `digitStruct.mat`.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoEntry {
    /// The photo's file name, without a folder.
    pub name: String,
    /// Its digits, in the file's order.
    pub digits: Vec<LabelledBox>,
}

/// A digit's box and what it shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelledBox {
    /// The box; it may stick out of the photo.
    pub area: LooseBox,
    /// 0 to 9 (the file's label 10 is 0).
    pub digit: u8,
}

/// Why `digitStruct.mat` cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DigitStructError {
    /// The file cannot be opened, or is not HDF5, or is cut short.
    #[error(
        "{}: not a readable MATLAB v7.3 file ({reason}). Is it SVHN's Format 1 \
         digitStruct.mat, and complete?",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The HDF5 reader's error.
        reason: hdf5_pure::Error,
    },
    /// One of the two lists of references is damaged.
    #[error("{}: {list}: {problem}", path.display())]
    List {
        /// The file.
        path: PathBuf,
        /// Where the list is in the file.
        list: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// One entry is damaged.
    #[error("{}: entry {entry} (counted from 1): {problem}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The entry's number, from 1, which is also the photo's number in SVHN.
        entry: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// Reads all entries, in the file's order.
///
/// # Errors
/// [`DigitStructError`] when the file, or any entry, is not as described above. Names that
/// would lead out of the photo's folder are refused.
pub fn read_digit_struct(path: &Path) -> Result<Vec<PhotoEntry>, DigitStructError> {
    let failed = |reason| DigitStructError::File { path: path.to_owned(), reason };
    open_regular(path).map_err(|error| failed(error.into()))?;
    let file = File::open(path).map_err(failed)?;
    read_file(path, &file)
}

/// Reads all entries of a file that is in memory already; errors call it `path`.
///
/// # Errors
/// As [`read_digit_struct`].
pub fn digit_struct_from_bytes(
    path: &Path,
    bytes: Vec<u8>,
) -> Result<Vec<PhotoEntry>, DigitStructError> {
    let file = File::from_bytes(bytes)
        .map_err(|reason| DigitStructError::File { path: path.to_owned(), reason })?;
    read_file(path, &file)
}

fn read_file(path: &Path, file: &File) -> Result<Vec<PhotoEntry>, DigitStructError> {
    let whole = |reason| DigitStructError::File { path: path.to_owned(), reason };
    // Each entry is an object of the file, so there are fewer of them than bytes.
    let most = file.file_size() / REFERENCE_BYTES;
    let list = |list: &'static str| {
        let references = read_references(&file.dataset(list).map_err(whole)?, most);
        references.map_err(|problem| DigitStructError::List {
            path: path.to_owned(),
            list,
            problem,
        })
    };
    let (names, boxes) = (list("digitStruct/name")?, list("digitStruct/bbox")?);
    let damaged =
        |entry, problem| DigitStructError::Entry { path: path.to_owned(), entry, problem };
    if names.len() != boxes.len() {
        return Err(damaged(
            names.len().min(boxes.len()) + 1,
            format!("the file has {} names but {} box lists", names.len(), boxes.len()),
        ));
    }
    let mut room = file.file_size();
    let mut photos = Vec::with_capacity(names.len());
    for (i, (name, boxes)) in names.iter().zip(&boxes).enumerate() {
        let photo = read_entry(name, boxes).map_err(|problem| damaged(i + 1, problem))?;
        // A damaged file can refer to one long list from everywhere.
        room = room.checked_sub(least_bytes(&photo)).ok_or_else(|| {
            let problem = "more digits and names than the file has room for".to_owned();
            damaged(i + 1, problem)
        })?;
        photos.push(photo);
    }
    Ok(photos)
}

/// The smallest size of an entry in its file: a UTF-16 name and five numbers for each digit.
fn least_bytes(photo: &PhotoEntry) -> u64 {
    (photo.name.encode_utf16().count() * 2 + photo.digits.len() * FIELDS.len() * 8) as u64
}

fn read_entry(name: &Object, boxes: &Object) -> Result<PhotoEntry, String> {
    let Object::Dataset(name) = name else {
        return Err("its name is a group, not a text".to_owned());
    };
    let Object::Group(boxes) = boxes else {
        return Err("its box list is not a group".to_owned());
    };
    let name = read_name(name)?;
    let [label, left, top, width, height] = read_fields(boxes)?;
    for (values, field) in [&left, &top, &width, &height].into_iter().zip(&FIELDS[1..]) {
        if values.len() != label.len() {
            let (labels, values) = (label.len(), values.len());
            return Err(format!("{name}: {labels} labels but {values} values of {field}"));
        }
    }
    let digits = label
        .iter()
        .zip(left.iter().zip(&top))
        .zip(width.iter().zip(&height))
        .map(|((&label, (&left, &top)), (&width, &height))| {
            Ok(LabelledBox {
                area: LooseBox { left, top, width, height },
                digit: digit_of_label(label).map_err(|problem| format!("{name}: {problem}"))?,
            })
        })
        .collect::<Result<_, String>>()?;
    Ok(PhotoEntry { name, digits })
}

/// Reads the lists of a photo's digits, in the order of [`FIELDS`].
fn read_fields(boxes: &Group) -> Result<[Vec<f64>; FIELDS.len()], String> {
    let unreadable = |error| format!("its box list is unreadable ({error})");
    let mut lists = FIELDS.map(|_| None);
    // One walk through the group: to look up each field by name would be a walk a field.
    let datasets = boxes.iter_datasets().map_err(unreadable)?;
    if datasets.len() > MAX_FIELDS {
        return Err(format!("its box list has {} fields, not {}", datasets.len(), FIELDS.len()));
    }
    for (name, dataset) in datasets {
        if let Some(i) = FIELDS.iter().position(|&field| field == name) {
            lists[i] = Some(read_field(&dataset, FIELDS[i])?);
        }
    }
    if let Some(i) = lists.iter().position(Option::is_none) {
        return Err(format!("its box list has no {}", FIELDS[i]));
    }
    Ok(lists.map(Option::unwrap_or_default))
}

/// SVHN writes the digit 0 as label 10.
pub(super) fn digit_of_label(label: f64) -> Result<u8, String> {
    (0u8..10)
        .find(|&digit| label == f64::from(if digit == 0 { 10 } else { digit }))
        .ok_or_else(|| format!("label {label} is not one of 1 to 10"))
}

fn read_name(dataset: &Dataset) -> Result<String, String> {
    let unreadable = |error| format!("its name is unreadable ({error})");
    match dataset.dtype().map_err(unreadable)? {
        DType::U16 => {}
        other => return Err(format!("its name is {other}, not UTF-16 text")),
    }
    count(dataset, 4_096)?;
    let units = dataset.read_u16().map_err(unreadable)?;
    let name = String::from_utf16(&units).map_err(|_| "its name is not valid UTF-16".to_owned())?;
    let plain =
        !name.is_empty() && name != ".." && name != "." && !name.contains(['/', '\\', '\0']);
    if plain { Ok(name) } else { Err(format!("its name {name:?} is not a plain file name")) }
}

fn read_field(dataset: &Dataset, field: &str) -> Result<Vec<f64>, String> {
    let unreadable = |error| format!("its {field} is unreadable ({error})");
    match dataset.dtype().map_err(unreadable)? {
        DType::F64 => {
            count(dataset, MAX_DIGITS_IN_PHOTO)?;
            return dataset.read_f64().map_err(unreadable);
        }
        DType::ObjectReference => {}
        other => return Err(format!("its {field} is {other}, neither doubles nor references")),
    }
    read_references(dataset, MAX_DIGITS_IN_PHOTO)
        .map_err(|problem| format!("its {field}: {problem}"))?
        .iter()
        .map(|object| {
            // A value is a number, never another list: so references cannot run in circles.
            let Object::Dataset(value) = object else {
                return Err(format!("its {field} refers to a group, not to a number"));
            };
            match (value.dtype(), count(value, 1)) {
                (Ok(DType::F64), Ok(1)) => {}
                _ => return Err(format!("its {field} refers to something other than one double")),
            }
            let value = value.read_f64().map_err(unreadable)?;
            value.first().copied().ok_or_else(|| format!("its {field} refers to nothing"))
        })
        .collect()
}

/// Reads a list of up to `most` references.
fn read_references(dataset: &Dataset, most: u64) -> Result<Vec<Object>, String> {
    let unreadable = |error| format!("its references are unreadable ({error})");
    count(dataset, most)?;
    match dataset.element_size().map_err(unreadable)? {
        REFERENCE_BYTES => dataset.dereference().map_err(unreadable),
        bytes => Err(format!("references of {bytes} bytes, not {REFERENCE_BYTES}")),
    }
}

/// The number of values; an error if a damaged shape says more than `most`, and would ask for all
/// the memory there is.
fn count(dataset: &Dataset, most: u64) -> Result<u64, String> {
    let shape = dataset.shape().map_err(|error| format!("its shape is unreadable ({error})"))?;
    count_of_shape(&shape, most)
}

fn count_of_shape(shape: &[u64], most: u64) -> Result<u64, String> {
    let count = shape.iter().fold(1u64, |product, &n| product.saturating_mul(n));
    if count > most {
        Err(format!("a list of {count} values, more than {most}"))
    } else {
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_whose_product_overflows_is_too_long() {
        // Modulo 2^64 the product is 1.
        let shape = [3u64, 0xAAAA_AAAA_AAAA_AAAB];
        assert_eq!(shape[0].wrapping_mul(shape[1]), 1);
        count_of_shape(&shape, 1).expect_err("more than one value");
        assert_eq!(count_of_shape(&[1, 1], 1), Ok(1));
        assert_eq!(count_of_shape(&[], 1), Ok(1));
    }
}
