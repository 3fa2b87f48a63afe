//! The readers and the published model on real SVHN, where it is at hand.
#![cfg(feature = "native")]

mod support;

use std::path::Path;

use doorplate::{
    dataset::{
        digit_struct::read_digit_struct,
        format1::{Digit, Format1},
        format2::{CROP_BYTES, Format2, crop_of},
    },
    evaluation::{confusion_of, read_all},
    numbers::house_numbers,
    photo::{BoxInPhoto, Photo},
    publication,
    removal::{Method, Nets, RemovalOptions, remove},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::svhn;

/// The published networks, or `None` (with the reason printed) before there are any.
fn published() -> Option<Nets> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    if !models.join(publication::MANIFEST).is_file() {
        println!("skipped: no published model in {}", models.display());
        return None;
    }
    let device = burn::tensor::Device::flex();
    let library = publication::Library::new(Some(&models));
    let (_, classifier) = library.load(None, &device).expect("it can be loaded");
    let (_, finder) = library.load_strokes(&device).expect("it can be loaded");
    Some(Nets { classifier, strokes: Some(finder) })
}

/// Reads the list of a part, and loads every photo with every box.
fn check_part(part: &str, photos: usize, digits: usize) {
    let Some(svhn) = svhn() else { return };
    let data = Format1::open(&svhn.join(part)).expect("the list is read");
    assert_eq!((data.photos.len(), data.digit_count()), (photos, digits));
    for entry in &data.photos {
        let (photo, digits) = data.load(entry).expect("the photo is read");
        let size = photo.size();
        assert_eq!(digits.len(), entry.digits.len());
        for Digit { area, digit } in digits {
            assert!(area.right() <= size.width && area.bottom() <= size.height, "{}", entry.name);
            assert!(digit <= 9);
        }
    }
}

#[test]
fn the_train_part_with_its_contiguous_list_is_read_whole() {
    check_part("train", 2_026, 4_487);
}

#[test]
fn crops_are_cut_as_format_2_has_them() {
    let Some(svhn) = svhn() else { return };
    let crops = svhn.with_file_name("format2").join("train_32x32.mat");
    if !crops.is_file() {
        println!("skipped: no {}", crops.display());
        return;
    }
    let official = Format2::open(&crops).expect("the crops are read");
    let data = Format1::open(&svhn.join("train")).expect("the list is read");
    let mut official = official.crops.chunks_exact(CROP_BYTES);
    let mut differences = Vec::new();
    for entry in &data.photos {
        let (photo, digits) = data.load(entry).expect("the photo is read");
        for digit in digits {
            let theirs = official.next().expect("a crop for each digit");
            let sum: u32 = crop_of(&photo, digit.area)
                .iter()
                .zip(theirs)
                .map(|(&ours, &theirs)| u32::from(ours.abs_diff(theirs)))
                .sum();
            differences.push(f64::from(sum) / CROP_BYTES as f64);
        }
    }
    assert!(official.next().is_none());
    differences.sort_by(f64::total_cmp);
    let median = differences[differences.len() / 2];
    println!("median difference {median:.2}, largest {:.1}", differences[differences.len() - 1]);
    assert!(median < 1.0, "{median} grey levels");
}

#[test]
fn the_test_part_with_its_chunked_list_is_read_whole() {
    check_part("test", 500, 971);
}

#[test]
fn a_damaged_real_list_is_read_or_refused_but_never_panics() {
    let Some(svhn) = svhn() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let damaged = folder.path().join("digitStruct.mat");
    let whole = std::fs::read(svhn.join("test/digitStruct.mat")).expect("read");
    let mut dice = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..150 {
        let mut bytes = whole.clone();
        let at = dice.random_range(512..bytes.len() - 8);
        // Near the start lie the headers, at the end the chunked tables.
        let at = if dice.random() { at } else { 512 + at % 20_000 };
        bytes[at..at + 8].fill(dice.random());
        std::fs::write(&damaged, bytes).expect("written");
        if let Err(error) = read_digit_struct(&damaged) {
            assert!(error.to_string().contains("digitStruct.mat"), "offset {at}: {error}");
        }
        std::fs::write(&damaged, &whole[..at]).expect("written");
        assert!(read_digit_struct(&damaged).is_err(), "cut to {at}, and read all the same");
    }
}

#[test]
fn the_published_model_reads_nine_in_ten_of_the_test_digits() {
    let (Some(svhn), Some(Nets { classifier, .. })) = (svhn(), published()) else { return };
    let read = read_all(&classifier, &svhn.join("test"), |_, _| ()).expect("all are read");
    let confusion = confusion_of(&read);
    let accuracy = confusion.accuracy().expect("there are digits");
    println!("accuracy {accuracy:.4} on {} digits", confusion.total());
    assert_eq!(confusion.total(), 971);
    assert!(accuracy >= 0.9, "{accuracy}");
}

#[test]
fn the_digits_of_a_photo_make_one_number_in_their_order() {
    let Some(svhn) = svhn() else { return };
    for (part, least) in [("train", 0.97), ("test", 0.97)] {
        let data = Format1::open(&svhn.join(part)).expect("the list is read");
        let mut whole = 0;
        for entry in &data.photos {
            let (_, digits) = data.load(entry).expect("the photo is read");
            let areas: Vec<BoxInPhoto> = digits.iter().map(|digit| digit.area).collect();
            whole += usize::from(house_numbers(&areas) == [(0..areas.len()).collect::<Vec<_>>()]);
        }
        let share = whole as f64 / data.photos.len() as f64;
        println!("{part}: {share:.4} of {} photos", data.photos.len());
        assert!(share > least, "{part}: {share}");
    }
}

/// Mean absolute step from each pixel of a box to its right neighbour, in grey levels of 0 to 1:
/// a digit has edges, a wall has few.
fn unrest(photo: &Photo, area: BoxInPhoto) -> f32 {
    let planes = photo.planes(area);
    let mut sum = 0.0;
    for y in 0..planes.height {
        for x in 1..planes.width {
            sum += (planes.at(0, y, x) - planes.at(0, y, x - 1)).abs();
        }
    }
    sum / (planes.height * (planes.width - 1)).max(1) as f32
}

#[test]
fn removed_digits_leave_neither_edges_nor_their_reading() {
    let (Some(svhn), Some(nets)) = (svhn(), published()) else { return };
    let data = Format1::open(&svhn.join("test")).expect("the list is read");
    for name in ["13.png", "30.png", "401.png"] {
        let (mut photo, digits) =
            data.load(data.entry(name).expect("listed")).expect("the photo is read");
        let before = photo.clone();
        let boxes: Vec<BoxInPhoto> = digits.iter().map(|digit| digit.area).collect();
        // As much as the program grows the boxes of SVHN's lists.
        let grown: Vec<BoxInPhoto> =
            boxes.iter().map(|area| area.grown(area.height / 10, photo.size())).collect();
        let options = RemovalOptions::default();
        let fills = pollster::block_on(remove(&photo, &grown, &Method::Doorplate(options), &nets));
        for fill in fills.expect("filled") {
            fill.lay_on(&mut photo);
        }
        let read = |photo: &Photo| {
            pollster::block_on(nets.classifier.read(photo, &boxes)).expect("the engine runs")
        };
        for (digit, (old, new)) in digits.iter().zip(read(&before).iter().zip(&read(&photo))) {
            let (old_unrest, new_unrest) =
                (unrest(&before, digit.area), unrest(&photo, digit.area));
            println!(
                "{name}, {}: read as {:?}, then as {:?}; unrest {old_unrest:.4}, then {new_unrest:.4}",
                digit.digit,
                old.best(),
                new.best(),
            );
            assert!(new_unrest < 0.5 * old_unrest, "{name}: edges are left of {}", digit.digit);
            // A bare wall has to be read as something, and that is a 1 more often than not.
            let truth = new.confidences[usize::from(digit.digit)];
            assert!(digit.digit == 1 || truth < 0.5, "{name}: {} can still be read", digit.digit);
        }
    }
}
