//! SVHN's Format 1: written and read back, and damaged in many ways.
#![cfg(feature = "dataset")]

mod support;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use doorplate::dataset::{
    digit_struct::{LabelledBox, PhotoEntry, read_digit_struct},
    digit_struct_writer::write_digit_struct,
    format1::{DIGIT_STRUCT, Format1},
};
use doorplate::fault::with_causes;
use doorplate::photo::LooseBox;
use doorplate::synthetic::{render, write_format1};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

const SEED: u32 = 5;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A folder of drawn photos.
fn drawn(photos: u32) -> TempDir {
    let folder = folder();
    write_format1(folder.path(), photos, SEED).expect("written");
    folder
}

/// A list entry with one box.
fn entry(name: &str, left: f64, top: f64, width: f64, height: f64) -> PhotoEntry {
    let area = LooseBox { left, top, width, height };
    PhotoEntry { name: name.to_owned(), digits: vec![LabelledBox { area, digit: 0 }] }
}

/// What is wrong with the first photo of a folder.
fn first_problem(folder: &Path) -> String {
    let data = Format1::open(folder).expect("the list is sound");
    let first = data.photos.first().expect("the list names a photo");
    with_causes(&data.load(first).expect_err("the photo cannot be used"))
}

/// Reads a list that holds `bytes`; it must be read, or refused with the file's name.
fn read_without_panic(path: &Path, bytes: &[u8], what: &str) -> bool {
    fs::write(path, bytes).expect("written");
    let read = catch_unwind(AssertUnwindSafe(|| read_digit_struct(path)));
    match read.unwrap_or_else(|_| panic!("{what}: the reader panicked")) {
        Ok(_) => true,
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains(&path.display().to_string()), "{what}: {message}");
            false
        }
    }
}

#[test]
fn drawn_photos_are_read_back_as_they_were_drawn() {
    let folder = drawn(9);
    let data = Format1::open(folder.path()).expect("opened");
    assert_eq!(data.photos.len(), 9);
    for (n, entry) in (1u64..).zip(&data.photos) {
        let scene = render(u64::from(SEED) << 32 | n);
        let (photo, digits) = data.load(entry).expect("loaded");
        assert_eq!(entry.name, format!("{n}.png"));
        assert_eq!(digits, scene.digits);
        let rgb: Vec<u8> = photo.to_rgba8().chunks(4).flat_map(|rgba| rgba[..3].to_vec()).collect();
        assert!(rgb == scene.photo.into_raw(), "{}: other pixels", entry.name);
    }
}

#[test]
fn a_list_cut_at_any_length_is_refused_by_name() {
    let folder = drawn(3);
    let whole = fs::read(folder.path().join(DIGIT_STRUCT)).expect("read");
    let cut = folder.path().join("cut.mat");
    for length in (0..whole.len()).step_by(29) {
        let read = read_without_panic(&cut, &whole[..length], &format!("cut to {length}"));
        assert!(!read, "cut to {length} of {} bytes, and read all the same", whole.len());
    }
}

#[test]
fn a_list_with_flipped_bytes_is_read_or_refused_but_never_panics() {
    let folder = drawn(3);
    let whole = fs::read(folder.path().join(DIGIT_STRUCT)).expect("read");
    let flipped = folder.path().join("flipped.mat");
    let mut dice = ChaCha8Rng::seed_from_u64(u64::from(SEED));
    let mut refused = 0;
    for _ in 0..3_000 {
        let mut bytes = whole.clone();
        let at = dice.random_range(512..bytes.len());
        bytes[at] ^= dice.random_range(1..=255u8);
        let what = format!("byte {at} of {} changed to {}", bytes.len(), bytes[at]);
        refused += usize::from(!read_without_panic(&flipped, &bytes, &what));
    }
    assert!(refused > 100, "only {refused} lists were refused: was anything damaged?");
}

#[test]
fn a_list_with_absurd_numbers_is_read_or_refused_but_never_panics() {
    let folder = drawn(2);
    let whole = fs::read(folder.path().join(DIGIT_STRUCT)).expect("read");
    let absurd = folder.path().join("absurd.mat");
    // Sizes, counts and addresses are 4 or 8 bytes wide and lie on even places.
    for (width, value) in [(4, 0xFF), (8, 0xFF), (8, 0x00), (7, 0x7F)] {
        for at in (512..whole.len() - width).step_by(4) {
            let mut bytes = whole.clone();
            bytes[at..at + width].fill(value);
            read_without_panic(&absurd, &bytes, &format!("{width} bytes at {at} set to {value}"));
        }
    }
}

#[test]
fn a_list_that_is_no_matlab_file_is_refused_by_name() {
    let folder = folder();
    let list = folder.path().join(DIGIT_STRUCT);
    for content in [&b""[..], b"text", &[0; 4_096], b"\x89HDF\r\n\x1a\n"] {
        fs::write(&list, content).expect("written");
        let message = Format1::open(folder.path()).expect_err("no list").to_string();
        assert!(message.contains(&list.display().to_string()), "{message}");
        assert!(message.contains("MATLAB"), "{message}");
    }
}

#[test]
fn a_missing_photo_is_named() {
    let folder = drawn(2);
    let photo = folder.path().join("1.png");
    fs::remove_file(&photo).expect("removed");
    let message = first_problem(folder.path());
    assert!(message.contains(&photo.display().to_string()), "{message}");
    assert!(message.contains("the list's entry for 1.png"), "{message}");
}

#[test]
fn a_damaged_photo_is_named() {
    let folder = drawn(2);
    let photo = folder.path().join("1.png");
    let bytes = fs::read(&photo).expect("read");
    fs::write(&photo, &bytes[..bytes.len() / 2]).expect("written");
    let message = first_problem(folder.path());
    assert!(message.contains(&photo.display().to_string()), "{message}");
    assert!(message.contains("damaged or cut short"), "{message}");
}

#[test]
fn a_useless_box_is_named_with_list_photo_and_number() {
    let folder = drawn(1);
    let list = folder.path().join(DIGIT_STRUCT);
    let useless = [
        (entry("1.png", 5_000.0, 2.0, 10.0, 10.0), "outside the photo"),
        (entry("1.png", 2.0, 2.0, 0.0, 10.0), "above zero"),
        (entry("1.png", 2.0, 2.0, 10.0, f64::NAN), "not a number of pixels"),
    ];
    for (mut entry, reason) in useless {
        let good = LooseBox { left: 1.0, top: 1.0, width: 4.0, height: 4.0 };
        entry.digits.insert(0, LabelledBox { area: good, digit: 1 });
        write_digit_struct(&list, &[entry]).expect("written");
        let message = first_problem(folder.path());
        assert!(message.contains(&list.display().to_string()), "{message}");
        assert!(message.contains("1.png, box 2"), "{message}");
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_refused_with_its_entry() {
    let folder = drawn(1);
    let list = folder.path().join(DIGIT_STRUCT);
    for name in ["../1.png", "..", "/etc/passwd", "a\\b.png"] {
        let good = entry("1.png", 1.0, 1.0, 4.0, 4.0);
        let bad = entry(name, 1.0, 1.0, 4.0, 4.0);
        write_digit_struct(&list, &[good, bad]).expect("written");
        let message = Format1::open(folder.path()).expect_err("refused").to_string();
        assert!(message.contains(&list.display().to_string()), "{message}");
        assert!(message.contains("entry 2") && message.contains("plain file name"), "{message}");
    }
}

#[test]
fn a_box_over_the_edge_is_clamped() {
    let folder = drawn(1);
    let list = folder.path().join(DIGIT_STRUCT);
    write_digit_struct(&list, &[entry("1.png", -3.0, -2.0, 12.0, 10_000.0)]).expect("written");
    let data = Format1::open(folder.path()).expect("opened");
    let (photo, digits) = data.load(&data.photos[0]).expect("loaded");
    let area = digits[0].area;
    assert_eq!((area.left, area.top, area.width), (0, 0, 9));
    assert_eq!(area.height, photo.size().height);
}

#[test]
fn an_empty_folder_says_what_belongs_there() {
    let folder = folder();
    for path in [folder.path().to_owned(), folder.path().join("nowhere")] {
        let message = Format1::open(&path).expect_err("nothing here").to_string();
        assert!(message.contains(&path.display().to_string()), "{message}");
        assert!(message.contains(DIGIT_STRUCT), "{message}");
    }
}

#[test]
fn a_photo_that_is_not_listed_is_named() {
    let folder = drawn(1);
    let data = Format1::open(folder.path()).expect("opened");
    let message = data.entry("7.png").expect_err("not there").to_string();
    let folder = folder.path().display().to_string();
    assert!(message.contains("7.png") && message.contains(&folder), "{message}");
}
