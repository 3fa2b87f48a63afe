//! SVHN's `digitStruct.mat` from memory: cut anywhere, of wrong types and shapes, and with
//! references that run in circles.
#![cfg(feature = "dataset")]

use std::path::Path;

use doorplate::{
    dataset::{
        digit_struct::{LabelledBox, PhotoEntry, digit_struct_from_bytes},
        digit_struct_writer::write_digit_struct,
    },
    photo::LooseBox,
};
use hdf5_pure::{FileBuilder, GroupBuilder};

const FIELDS: [&str; 5] = ["height", "label", "left", "top", "width"];

fn read(bytes: Vec<u8>) -> Result<Vec<PhotoEntry>, String> {
    digit_struct_from_bytes(Path::new("list.mat"), bytes).map_err(|error| error.to_string())
}

/// What is wrong with these bytes, after checking that the file is named.
fn problem(bytes: Vec<u8>) -> String {
    let message = read(bytes).expect_err("refused");
    assert!(message.starts_with("list.mat: "), "{message}");
    message
}

/// A list of one photo: `fill` makes its box list, `#refs#/b`, and what else it wants.
fn list(fill: impl FnOnce(&mut GroupBuilder, &mut GroupBuilder)) -> Vec<u8> {
    list_of("#refs#/n", "#refs#/b", fill)
}

/// A list of one photo whose name and box list are where these say.
fn list_of(
    name: &str,
    boxes: &str,
    fill: impl FnOnce(&mut GroupBuilder, &mut GroupBuilder),
) -> Vec<u8> {
    lists_of(&[name], &[boxes], fill)
}

/// A list of photos whose names and box lists are where these say.
fn lists_of(
    names: &[&str],
    boxes: &[&str],
    fill: impl FnOnce(&mut GroupBuilder, &mut GroupBuilder),
) -> Vec<u8> {
    let mut file = FileBuilder::new();
    let mut refs = file.create_group("#refs#");
    let units: Vec<u16> = "1.png".encode_utf16().collect();
    refs.create_dataset("n").with_u16_data(&units).with_shape(&[5, 1]);
    refs.create_dataset("one").with_f64_data(&[1.0]).with_shape(&[1, 1]);
    let mut group = refs.create_group("b");
    fill(&mut refs, &mut group);
    refs.add_group(group.finish());
    file.add_group(refs.finish());
    let mut photos = file.create_group("digitStruct");
    for (list, paths) in [("name", names), ("bbox", boxes)] {
        let shape = [paths.len() as u64, 1];
        photos.create_dataset(list).with_path_references(paths).with_shape(&shape);
    }
    file.add_group(photos.finish());
    file.finish().expect("laid out")
}

/// Five fields, all with these numbers.
fn numbers(group: &mut GroupBuilder, values: &[f64]) {
    for field in FIELDS {
        group.create_dataset(field).with_f64_data(values).with_shape(&[values.len() as u64, 1]);
    }
}

/// Five fields, all with these references.
fn references(group: &mut GroupBuilder, paths: &[&str]) {
    for field in FIELDS {
        let shape = [paths.len() as u64, 1];
        group.create_dataset(field).with_path_references(paths).with_shape(&shape);
    }
}

#[test]
fn the_lists_of_these_tests_can_be_read() {
    let area = LooseBox { left: 1.0, top: 1.0, width: 1.0, height: 1.0 };
    let digit = LabelledBox { area, digit: 1 };
    for (bytes, digits) in [
        (list(|_, group| numbers(group, &[1.0])), 1),
        (list(|_, group| references(group, &["#refs#/one"; 3])), 3),
    ] {
        let photo = PhotoEntry { name: "1.png".to_owned(), digits: vec![digit; digits] };
        assert_eq!(read(bytes), Ok(vec![photo]));
    }
}

#[test]
fn references_that_run_in_circles_are_refused() {
    let itself = list(|_, group| references(group, &["#refs#/b/label"; 2]));
    assert!(problem(itself).contains("other than one double"));
    let pair = list(|refs, group| {
        references(group, &["#refs#/p", "#refs#/q"]);
        refs.create_dataset("p").with_path_references(&["#refs#/q"]).with_shape(&[1, 1]);
        refs.create_dataset("q").with_path_references(&["#refs#/p"]).with_shape(&[1, 1]);
    });
    assert!(problem(pair).contains("other than one double"));
    let group = list(|_, group| references(group, &["#refs#/b"; 2]));
    assert!(problem(group).contains("refers to a group, not to a number"));
    for boxes in ["digitStruct", "#refs#"] {
        let message = problem(list_of("#refs#/n", boxes, |_, _| {}));
        assert!(message.contains("entry 1") && message.contains("has no label"), "{message}");
    }
    let message = problem(list_of("#refs#/n", "digitStruct/bbox", |_, _| {}));
    assert!(message.contains("box list is not a group"), "{message}");
    let message = problem(list_of("digitStruct/name", "#refs#/b", |_, _| {}));
    assert!(message.contains("its name is object_ref, not UTF-16 text"), "{message}");
    let message = problem(list_of("#refs#", "#refs#/b", |_, _| {}));
    assert!(message.contains("its name is a group"), "{message}");
}

#[test]
fn lists_that_every_entry_refers_to_are_not_read_without_end() {
    let names = ["#refs#/n"; 1_000];
    let boxes = ["#refs#/b"; 1_000];
    let long = lists_of(&names, &boxes, |_, group| numbers(group, &[1.0; 1_000]));
    assert!(problem(long).contains("more digits and names than the file has room for"));
    let wide = lists_of(&names, &boxes, |_, group| {
        for i in 0..1_000 {
            group.create_dataset(&format!("f{i}")).with_f64_data(&[1.0]).with_shape(&[1, 1]);
        }
    });
    assert!(problem(wide).contains("entry 1 (counted from 1): its box list has 1000 fields"));
    let message = problem(lists_of(&names, &boxes[1..], |_, group| numbers(group, &[1.0])));
    assert!(message.contains("entry 1000") && message.contains("999 box lists"), "{message}");
}

#[test]
fn wrong_types_shapes_and_labels_are_refused_with_their_entry() {
    let whole = |group: &mut GroupBuilder, but: &str| {
        for field in FIELDS.into_iter().filter(|&field| field != but) {
            group.create_dataset(field).with_f64_data(&[1.0]).with_shape(&[1, 1]);
        }
    };
    for (bytes, reason) in [
        (list(|_, group| whole(group, "label")), "has no label"),
        (list(|_, group| whole(group, "top")), "has no top"),
        (
            list(|_, group| {
                whole(group, "top");
                group.create_dataset("top").with_f64_data(&[1.0; 2]).with_shape(&[2, 1]);
            }),
            "1 labels but 2 values of top",
        ),
        (
            list(|_, group| {
                whole(group, "top");
                group.create_dataset("top").with_u8_data(&[1]).with_shape(&[1, 1]);
            }),
            "its top is u8, neither doubles nor references",
        ),
        (list(|_, group| numbers(group, &[1.0; 1_001])), "1001 values, more than 1000"),
        (list(|_, group| numbers(group, &[0.0])), "label 0 is not one of 1 to 10"),
        (list(|_, group| numbers(group, &[11.0])), "label 11 is not one of 1 to 10"),
        (list(|_, group| numbers(group, &[1.5])), "label 1.5 is not one of 1 to 10"),
        (
            list(|refs, group| {
                references(group, &["#refs#/two"; 2]);
                refs.create_dataset("two").with_f64_data(&[1.0; 2]).with_shape(&[2, 1]);
            }),
            "other than one double",
        ),
        (list(|_, group| references(group, &["#refs#/n"; 2])), "other than one double"),
    ] {
        let message = problem(bytes);
        assert!(message.contains("entry 1 (counted from 1)"), "{message}");
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn a_list_cut_at_every_byte_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("digitStruct.mat");
    let area = LooseBox { left: 1.0, top: 2.0, width: 3.0, height: 4.0 };
    let digits = vec![LabelledBox { area, digit: 1 }; 2];
    write_digit_struct(&path, &[PhotoEntry { name: "1.png".to_owned(), digits }]).expect("written");
    let whole = std::fs::read(&path).expect("read");
    assert_eq!(read(whole.clone()).expect("whole").len(), 1);
    for length in 0..whole.len() {
        problem(whole[..length].to_vec());
    }
}
