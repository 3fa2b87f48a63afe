//! Writes `digitStruct.mat` in SVHN's layout, which [`super::digit_struct`] describes, so that
//! photos drawn by our own program are read by the same code as SVHN's.

use std::path::{Path, PathBuf};

use hdf5_pure::{AttrValue, FileBuilder, LibVer, mat::userblock};

use super::digit_struct::{LabelledBox, PhotoEntry};
use crate::{fault::AtFault, files::write_whole};

/// The text of the user block. MATLAB also writes a date, which is left out so that the same photos
/// give the same bytes.
const DESCRIPTION: &str = "MATLAB 7.3 MAT-file, Platform: doorplate HDF5 schema 0.5 .";

/// MATLAB stores UTF-16 code units, and this value tells their width of two bytes.
const UTF16_UNIT_BYTES: i32 = 2;

/// Why `digitStruct.mat` cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DigitStructWriteError {
    /// Nothing to list: MATLAB has no 0 x 1 reference list to read back.
    #[error("{}: there are no photos to list", path.display())]
    NoPhotos {
        /// The file asked for.
        path: PathBuf,
    },
    /// An entry the format cannot hold.
    #[error("{}: photo {name:?}: {problem}", path.display())]
    Entry {
        /// The file asked for.
        path: PathBuf,
        /// The photo's name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The HDF5 content could not be made.
    #[error("{}: the list could not be laid out as HDF5 ({reason})", path.display())]
    Layout {
        /// The file asked for.
        path: PathBuf,
        /// The HDF5 writer's error.
        reason: hdf5_pure::Error,
    },
    /// The file could not be written or renamed.
    #[error("{}: could not be written ({reason})", path.display())]
    Write {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
}

impl AtFault for DigitStructWriteError {}

/// Writes the entries in their order, over any earlier file of that name.
///
/// The file is written in its folder under a temporary name and then renamed, so that no reader
/// sees half of it.
///
/// # Errors
/// [`DigitStructWriteError`] when there is no entry, an entry has no digit, an empty name or a
/// digit above 9, or the file cannot be written.
pub fn write_digit_struct(path: &Path, photos: &[PhotoEntry]) -> Result<(), DigitStructWriteError> {
    let bytes = digit_struct_bytes(path, photos)?;
    let failed = |reason| DigitStructWriteError::Write { path: path.to_owned(), reason };
    write_whole(path, &bytes).map_err(failed)
}

fn digit_struct_bytes(
    path: &Path,
    photos: &[PhotoEntry],
) -> Result<Vec<u8>, DigitStructWriteError> {
    if photos.is_empty() {
        return Err(DigitStructWriteError::NoPhotos { path: path.to_owned() });
    }
    let mut file = FileBuilder::new();
    // MATLAB before R2021b reads no newer HDF5 than 1.8.
    file.with_libver_bounds(LibVer::Earliest, LibVer::V18);
    file.with_userblock(userblock::USERBLOCK_SIZE);
    file.with_userblock_content(&userblock::header_block(DESCRIPTION));

    let mut refs = Refs { group: file.create_group("#refs#"), count: 0 };
    let mut names = Vec::with_capacity(photos.len());
    let mut boxes = Vec::with_capacity(photos.len());
    for photo in photos {
        check(photo).map_err(|problem| DigitStructWriteError::Entry {
            path: path.to_owned(),
            name: photo.name.clone(),
            problem,
        })?;
        names.push(refs.text(&photo.name));
        boxes.push(refs.box_list(&photo.digits));
    }
    file.add_group(refs.group.finish());

    let mut list = file.create_group("digitStruct");
    list.set_attr("MATLAB_class", class("struct"));
    for (field, paths) in [("bbox", &boxes), ("name", &names)] {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        list.create_dataset(field)
            .with_path_references(&paths)
            .with_shape(&[paths.len() as u64, 1]);
    }
    file.add_group(list.finish());
    file.finish().map_err(|reason| DigitStructWriteError::Layout { path: path.to_owned(), reason })
}

fn check(photo: &PhotoEntry) -> Result<(), String> {
    if photo.name.is_empty() {
        return Err("it has no name".to_owned());
    }
    if photo.digits.is_empty() {
        return Err("it has no digits, which the format cannot say".to_owned());
    }
    match photo.digits.iter().find(|digit| digit.digit > 9) {
        Some(digit) => Err(format!("{} is not a digit", digit.digit)),
        None => Ok(()),
    }
}

/// The `#refs#` group: everything the lists point at, numbered in hexadecimal as MATLAB does.
struct Refs {
    group: hdf5_pure::GroupBuilder,
    count: u64,
}

impl Refs {
    fn next_name(&mut self) -> String {
        self.count += 1;
        format!("r{:x}", self.count)
    }

    /// A text as one column of UTF-16 code units; returns its path.
    fn text(&mut self, text: &str) -> String {
        let name = self.next_name();
        let units: Vec<u16> = text.encode_utf16().collect();
        self.group
            .create_dataset(&name)
            .with_u16_data(&units)
            .with_shape(&[units.len() as u64, 1])
            .set_attr("MATLAB_class", class("char"))
            .set_attr("MATLAB_int_decode", AttrValue::I32(UTF16_UNIT_BYTES));
        in_refs(&name)
    }

    /// A photo's boxes as a group of five fields; returns its path.
    fn box_list(&mut self, digits: &[LabelledBox]) -> String {
        let name = self.next_name();
        let mut list = self.group.create_group(&name);
        list.set_attr("MATLAB_class", class("struct"));
        for field in ["height", "label", "left", "top", "width"] {
            let value_of = |digit: &LabelledBox| match field {
                "height" => digit.area.height,
                "label" => f64::from(if digit.digit == 0 { 10 } else { digit.digit }),
                "left" => digit.area.left,
                "top" => digit.area.top,
                _ => digit.area.width,
            };
            if let [digit] = digits {
                let dataset = list.create_dataset(field);
                dataset.with_f64_data(&[value_of(digit)]).with_shape(&[1, 1]);
                dataset.set_attr("MATLAB_class", class("double"));
            } else {
                let paths: Vec<String> =
                    digits.iter().map(|digit| self.number(value_of(digit))).collect();
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                list.create_dataset(field)
                    .with_path_references(&paths)
                    .with_shape(&[paths.len() as u64, 1]);
            }
        }
        self.group.add_group(list.finish());
        in_refs(&name)
    }

    /// A number as a 1 x 1 double; returns its path.
    fn number(&mut self, value: f64) -> String {
        let name = self.next_name();
        let dataset = self.group.create_dataset(&name);
        dataset.with_f64_data(&[value]).with_shape(&[1, 1]);
        dataset.set_attr("MATLAB_class", class("double"));
        in_refs(&name)
    }
}

fn class(name: &str) -> AttrValue {
    AttrValue::AsciiString(name.to_owned())
}

fn in_refs(name: &str) -> String {
    format!("#refs#/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dataset::digit_struct::read_digit_struct, photo::LooseBox};

    fn digit(digit: u8, left: f64) -> LabelledBox {
        LabelledBox { area: LooseBox { left, top: -1.5, width: 9.0, height: 20.0 }, digit }
    }

    fn entry(name: &str, digits: Vec<LabelledBox>) -> PhotoEntry {
        PhotoEntry { name: name.to_owned(), digits }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let photos = [
            entry("1.png", vec![digit(0, 3.0)]),
            entry("2.png", vec![digit(1, 2.0), digit(0, 11.0), digit(9, 20.0)]),
        ];
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("digitStruct.mat");
        write_digit_struct(&path, &photos).expect("written");
        assert_eq!(read_digit_struct(&path).expect("read back"), photos);
        let left_over = std::fs::read_dir(folder.path()).expect("listed").count();
        assert_eq!(left_over, 1, "the temporary file was renamed");
    }

    #[test]
    fn the_layout_is_matlabs() {
        let photos = [entry("1.png", vec![digit(0, 3.0)]), entry("2.png", vec![digit(4, 1.0); 2])];
        let path = Path::new("digitStruct.mat");
        let bytes = digit_struct_bytes(path, &photos).expect("laid out");
        userblock::verify_header(&bytes).expect("MATLAB's user block");
        let file = hdf5_pure::File::from_bytes(bytes).expect("HDF5");
        let class_of = |attrs: std::collections::HashMap<String, AttrValue>| {
            attrs["MATLAB_class"].as_str().map(str::to_owned)
        };
        let list = file.group("digitStruct").expect("digitStruct");
        assert_eq!(class_of(list.attrs().expect("attributes")).as_deref(), Some("struct"));
        let names = file.dataset("digitStruct/name").expect("name");
        assert_eq!(names.shape().expect("shape"), [2, 1]);
        let name = file.dataset("#refs#/r1").expect("the first name");
        assert_eq!(name.shape().expect("shape"), [5, 1]);
        assert_eq!(class_of(name.attrs().expect("attributes")).as_deref(), Some("char"));
        // One digit is held in place, with label 10 for 0; several are references.
        let label = file.dataset("#refs#/r2/label").expect("the first label");
        assert_eq!(label.read_f64().expect("a number"), [10.0]);
        let labels = file.dataset("#refs#/r4/label").expect("the second photo's labels");
        assert_eq!(labels.shape().expect("shape"), [2, 1]);
        assert_eq!(labels.dereference().expect("references").len(), 2);
    }

    #[test]
    fn what_the_format_cannot_hold_is_refused() {
        let path = Path::new("digitStruct.mat");
        assert!(matches!(
            digit_struct_bytes(path, &[]),
            Err(DigitStructWriteError::NoPhotos { .. })
        ));
        for bad in [entry("1.png", vec![]), entry("", vec![digit(1, 0.0)]), {
            entry("1.png", vec![digit(10, 0.0)])
        }] {
            assert!(matches!(
                digit_struct_bytes(path, &[bad]),
                Err(DigitStructWriteError::Entry { .. })
            ));
        }
    }
}
