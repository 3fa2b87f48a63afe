//! Files that are changed at random are read or refused, in bounded time and memory, without a panic. A
//! few hundred of each kind; `MUTATIONS=100000 cargo test --release --test mutations -- --nocapture`
//! does so many in all, and prints counts.
#![cfg(feature = "native")]

mod support;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use burn::tensor::Device;
use doorplate::{
    boxes::{BoxFormat, box_file_from_bytes},
    classifier::{Architecture, Classifier},
    dataset::{
        digit_struct::digit_struct_from_bytes, format2::Format2, format2_writer::write_format2,
    },
    photo::{
        BoxInPhoto, Change, Encoding, MAX_FILE_BYTES, Metadata, Photo, memory_needed, with_metadata,
    },
    publication::Manifest,
    synthetic::write_format1,
};
use image::{DynamicImage, ImageFormat};
use jpeg_encoder::{ColorType, Encoder};
use support::{colourful, encoded};

/// How many files of each of `kinds` are changed.
fn each(kinds: usize) -> usize {
    let wanted = std::env::var("MUTATIONS").ok().and_then(|text| text.parse::<usize>().ok());
    wanted.map_or(200, |wanted| wanted.div_ceil(kinds))
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        // Knuth's linear congruential generator; the first bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % end.max(1)
    }
}

/// Numbers at which sums and shapes often go wrong.
const ODD: [u32; 8] = [0, 1, 0x7F, 0xFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF];

/// A file with some of its bytes changed, lost, doubled or exchanged.
fn changed(file: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut file = file.to_vec();
    for _ in 0..1 + dice.below(4) {
        let length = file.len();
        if length < 8 {
            break;
        }
        // Mostly in the first part, where headers are.
        let end = if dice.below(3) == 0 { length } else { length.min(400) };
        let place = dice.below(end - 4);
        let odd = ODD[dice.below(ODD.len())];
        match dice.below(7) {
            0 => file[place] ^= 1 << dice.below(8),
            1 => file[place] = dice.below(256) as u8,
            2 => file[place..place + 4].copy_from_slice(&odd.to_le_bytes()),
            3 => file[place..place + 4].copy_from_slice(&odd.to_be_bytes()),
            4 => file.truncate(1 + dice.below(length)),
            5 => {
                let more = file[place..length.min(place + dice.below(600))].to_vec();
                file.splice(place..place, more);
            }
            _ => drop(file.drain(place..length.min(place + 1 + dice.below(40)))),
        }
    }
    file
}

/// Reads files changed from `seeds` with `read`; gives how many were read without an error.
fn read_changed(
    what: &str,
    seeds: &[Vec<u8>],
    count: usize,
    seed: u64,
    read: impl Fn(&[u8]) -> bool,
) {
    let mut dice = Dice(seed);
    let (mut taken, mut slowest) = (0, Duration::ZERO);
    for number in 0..count {
        let file = changed(&seeds[number % seeds.len()], &mut dice);
        let begun = Instant::now();
        let Ok(read) = catch_unwind(AssertUnwindSafe(|| read(&file))) else {
            let path = std::env::temp_dir().join(format!("doorplate-mutation-{what}-{number}"));
            std::fs::write(&path, &file).expect("written");
            panic!("{what}: file {number} panics; it is {}", path.display());
        };
        taken += usize::from(read);
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < Duration::from_secs(20), "{what}: {slowest:?}");
    assert!(taken < count, "{what}: changes must reach what is checked");
    println!("{what}: {count} files, {taken} read, the slowest in {slowest:.1?}");
}

/// Whether a photo can be read and written again with a change, as `erase` does.
fn photo(file: &[u8]) -> bool {
    let length = file.len() as u64;
    assert!(length < MAX_FILE_BYTES);
    let Ok((size, _)) = memory_needed(std::io::Cursor::new(file), length) else { return false };
    // Large ones only take longer: they are refused by their memory.
    if u64::from(size.width) * u64::from(size.height) > 1 << 20 {
        return false;
    }
    let Ok(mut photo) = Photo::decode(file) else { return false };
    for metadata in [Metadata::None, Metadata::NoPlace, Metadata::All] {
        let _ = with_metadata(file, metadata);
        let Ok(encoding) = Encoding::of(file, metadata) else { return false };
        let size = photo.size();
        let area = BoxInPhoto {
            left: 0,
            top: 0,
            width: size.width.div_ceil(2),
            height: size.height.div_ceil(3),
        };
        let pixels: Vec<bool> = (0..area.width * area.height).map(|i| i % 3 > 0).collect();
        let planes = photo.planes(area);
        photo.lay(area, &planes, &pixels);
        let Ok(written) = encoding.write_changed(file, &photo, &[Change { area, pixels: &pixels }])
        else {
            return false;
        };
        Photo::decode(&written.bytes).expect("what is written can be read");
    }
    true
}

fn jpeg(progressive: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 85);
    encoder.set_progressive(progressive);
    encoder.set_restart_interval(3);
    let exif = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    encoder.add_exif_metadata(exif).expect("taken");
    encoder.encode(colourful(61, 47).as_raw(), 61, 47, ColorType::Rgb).expect("written");
    file
}

const KINDS: usize = 16;

#[test]
fn photos_that_are_changed_at_random_are_read_or_refused() {
    let count = each(KINDS);
    let rgb = DynamicImage::ImageRgb8(colourful(61, 47));
    let wide = DynamicImage::ImageRgba16(rgb.to_rgba16());
    let png = vec![encoded(&rgb, ImageFormat::Png), encoded(&wide, ImageFormat::Png)];
    read_changed("png", &png, count, 1, photo);
    read_changed("jpeg", &[jpeg(false)], count, 2, photo);
    read_changed("progressive jpeg", &[jpeg(true)], count, 3, photo);
    for (seed, format, name) in [
        (4, ImageFormat::WebP, "webp"),
        (5, ImageFormat::Gif, "gif"),
        (6, ImageFormat::Bmp, "bmp"),
        (7, ImageFormat::Tiff, "tiff"),
    ] {
        read_changed(name, &[encoded(&rgb, format)], count, seed, photo);
    }
}

#[test]
fn boxes_and_lists_that_are_changed_at_random_are_read_or_refused() {
    let count = each(KINDS);
    let files: [(&str, BoxFormat, &str); 5] = [
        (
            "json",
            BoxFormat::Json,
            r#"{"photos": [{"photo": "a/1.png", "boxes": [{"left": 1, "top": 2.5, "width": 3, "height": 4e1, "label": "7"}]}, {"photo": "2.png", "boxes": []}]}"#,
        ),
        (
            "csv",
            BoxFormat::Csv,
            "photo,left,top,width,height,label\na/1.png,1,2.5,3,4,7\n\"2,.png\",1,2,3,4,\n",
        ),
        ("yolo", BoxFormat::Yolo, "0 0.5 0.5 0.25 0.125\n3 0.1 0.2 0.05 0.1\n"),
        (
            "voc",
            BoxFormat::Voc,
            "<annotation><filename>1.png</filename><size><width>61</width><height>47</height>\
             </size><object><name>7</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax>\
             <ymax>12</ymax></bndbox></object></annotation>",
        ),
        (
            "coco",
            BoxFormat::Coco,
            r#"{"images": [{"id": 1, "file_name": "1.png", "width": 61, "height": 47}], "annotations": [{"id": 1, "image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4]}], "categories": [{"id": 2, "name": "7"}]}"#,
        ),
    ];
    for (seed, (name, format, text)) in (10..).zip(files) {
        read_changed(name, &[text.as_bytes().to_vec()], count, seed, |file| {
            let read = box_file_from_bytes(Path::new(name), file.to_vec(), Some(format), None);
            read.map_err(|error| assert!(error.to_string().contains(name))).is_ok()
        });
    }
}

#[test]
fn data_sets_and_manifests_that_are_changed_at_random_are_read_or_refused() {
    let count = each(KINDS);
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_format1(folder.path(), 4, 5).expect("drawn");
    let list = std::fs::read(folder.path().join("digitStruct.mat")).expect("read");
    read_changed("digitStruct", &[list], count, 20, |file| {
        digit_struct_from_bytes(Path::new("digitStruct"), file.to_vec()).is_ok()
    });
    let crops = folder.path().join("crops.mat");
    let pixels: Vec<u8> = (0..3 * 3_072_u32).map(|i| (i / 7) as u8).collect();
    write_format2(&crops, &pixels, &[1, 2, 3]).expect("written");
    let crops = std::fs::read(crops).expect("read");
    read_changed("format 2", &[crops], count, 21, |file| {
        Format2::from_bytes(Path::new("crops"), file).is_ok()
    });
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let manifest = std::fs::read(models.join("manifest.json")).expect("read");
    read_changed("manifest", &[manifest], count, 22, |file| Manifest::parse(file).is_ok());
    // The header of a weights file; its tensors are protected by the hash in the manifest.
    let weights = std::fs::read_dir(&models).expect("a folder").filter_map(|entry| {
        let path = entry.expect("an entry").path();
        let ours = path.extension().is_some_and(|extension| extension == "safetensors");
        ours.then(|| std::fs::read(path).expect("read"))
    });
    let smallest = weights.min_by_key(Vec::len).expect("weights");
    let count = count.min(2_000);
    read_changed("weights", &[smallest], count, 23, |file| {
        Architecture::of_weights(file)
            .and_then(|net| Classifier::from_safetensors(net, file.to_vec(), &Device::flex()))
            .is_ok()
    });
}
