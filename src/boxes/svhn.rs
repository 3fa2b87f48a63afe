//! SVHN's `digitStruct.mat` as a list of boxes.

use std::path::Path;

use super::{BoxFileError, BoxList, GivenBox, PhotoBoxes};
use crate::dataset::digit_struct::digit_struct_from_bytes;

/// Reads the list. A photo that it names twice has the boxes of both entries.
pub(super) fn read(path: &Path, bytes: Vec<u8>) -> Result<BoxList, BoxFileError> {
    let mut list = BoxList::default();
    for entry in digit_struct_from_bytes(path, bytes)? {
        let boxes = entry
            .digits
            .iter()
            .map(|digit| GivenBox::new(digit.area, Some(digit.digit.to_string())));
        let photo = list.photos.entry(entry.name);
        photo.or_insert_with(|| PhotoBoxes::in_pixels(Vec::new())).boxes.extend(boxes);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use crate::{
        boxes::{BoxFile, read_box_file},
        dataset::format1::Format1,
        synthetic::write_format1,
    };

    #[test]
    fn the_list_gives_each_photo_its_digits() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_format1(folder.path(), 3, 4).expect("drawn");
        let data = Format1::open(folder.path()).expect("a list");
        let path = folder.path().join("digitStruct.mat");
        let Ok(BoxFile::Many(list)) = read_box_file(&path, None) else { panic!("a list") };
        assert_eq!(list.names().count(), 3);
        for entry in &data.photos {
            let boxes = &list.get(&entry.name).expect("listed").boxes;
            assert_eq!(boxes.len(), entry.digits.len());
            for (given, digit) in boxes.iter().zip(&entry.digits) {
                assert_eq!(given.area, digit.area);
                assert_eq!(given.label, Some(digit.digit.to_string()));
            }
        }
        std::fs::write(&path, "nonsense").expect("written");
        let message = read_box_file(&path, None).expect_err("damaged").to_string();
        assert!(message.contains("digitStruct.mat: not a readable MATLAB"), "{message}");
    }
}
