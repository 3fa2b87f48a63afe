//! Numbers drawn on photos: what `doorplate data synth --scenes` writes, leaves out and refuses.
#![cfg(feature = "native")]

mod support;

use std::{fs, path::Path};

use doorplate::{dataset::format1::Format1, photo::BoxInPhoto};
use image::{DynamicImage, ImageFormat};
use support::{colourful, doorplate, encoded, names_in};

const SYNTH: &str = "data synth --photos 6 --clean --masks --scenes scenes";

/// A folder with `scenes`, in which photos of these sizes stand.
fn scenes(sizes: &[(u32, u32)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("scenes")).expect("made");
    for (n, (width, height)) in sizes.iter().enumerate() {
        let photo = encoded(&DynamicImage::ImageRgb8(colourful(*width, *height)), ImageFormat::Png);
        fs::write(folder.path().join(format!("scenes/{n}.png")), photo).expect("written");
    }
    folder
}

fn pixels(folder: &Path, name: &str) -> image::RgbImage {
    image::open(folder.join(name)).expect("a picture").to_rgb8()
}

#[test]
fn numbers_are_drawn_on_photos_with_all_that_is_known_of_them() {
    let folder = scenes(&[(300, 220), (260, 300)]);
    doorplate(folder.path(), &format!("{SYNTH} --out a")).done();
    doorplate(folder.path(), &format!("{SYNTH} --out b")).done();
    let a = folder.path().join("a");
    let data = Format1::open(&a).expect("Format 1");
    assert_eq!(data.photos.len(), 6);
    for entry in &data.photos {
        let bytes = |set: &str| fs::read(folder.path().join(set).join(&entry.name)).expect("read");
        assert_eq!(bytes("a"), bytes("b"), "{}: the same seed, the same bytes", entry.name);
        let (photo, clean) = (pixels(&a, &entry.name), pixels(&a.join("clean"), &entry.name));
        let masks = pixels(&a.join("masks"), &entry.name);
        let (_, digits) = data.load(entry).expect("a photo");
        assert!(!digits.is_empty(), "{}", entry.name);
        let inside = |x, y| {
            let about = |area: BoxInPhoto| {
                area.left <= x + 2
                    && x <= area.right() + 2
                    && area.top <= y + 2
                    && y <= area.bottom() + 2
            };
            digits.iter().any(|digit| about(digit.area))
        };
        let mut changed = 0;
        for (x, y, mask) in masks.enumerate_pixels() {
            let strokes = mask.0[0];
            assert!(strokes < 200 || inside(x, y), "{}: {x}, {y} is in no box", entry.name);
            let differs = photo.get_pixel(x, y) != clean.get_pixel(x, y);
            changed += u32::from(strokes > 60 && differs);
        }
        assert!(changed > 0, "{}: strokes that change nothing", entry.name);
    }
}

#[test]
fn nothing_is_drawn_where_the_photos_show_numbers() {
    let folder = scenes(&[(240, 160)]);
    // The whole photo is one number.
    fs::write(folder.path().join("scenes/0.txt"), "0 0.5 0.5 1 1\n").expect("written");
    let message = doorplate(folder.path(), &format!("{SYNTH} --out a")).refused(3);
    assert!(message.contains("no room for a number"), "{message}");
}

#[test]
fn photos_that_cannot_be_used_are_left_out_and_named() {
    let folder = scenes(&[(300, 220), (20, 20)]);
    fs::write(folder.path().join("scenes/broken.jpg"), b"\xFF\xD8 no more").expect("written");
    let odd = folder.path().join("scenes/\u{1b}[2J.jpg");
    if cfg!(unix) {
        fs::write(&odd, b"no photo").expect("written");
    }
    let ran = doorplate(folder.path(), &format!("{SYNTH} --out a"));
    if cfg!(unix) {
        assert!(ran.stderr.contains("\\u{1b}[2J.jpg: left out"), "{}", ran.stderr);
        assert!(!ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
        fs::remove_file(odd).expect("removed");
    }
    ran.done();
    assert!(names_in(&folder.path().join("a")).contains(&"6.png".to_owned()));
    fs::remove_file(folder.path().join("scenes/0.png")).expect("removed");
    let message = doorplate(folder.path(), &format!("{SYNTH} --out b")).refused(3);
    assert!(message.contains("broken.jpg") && message.contains("1.png"), "{message}");
    assert!(message.contains("none of its 2 photos"), "{message}");
}

#[test]
fn folders_without_photos_and_boxes_of_other_photos_are_exit_code_3() {
    let folder = scenes(&[]);
    let message = doorplate(folder.path(), &format!("{SYNTH} --out a")).refused(3);
    assert!(message.contains("no photos"), "{message}");
    let folder = scenes(&[(300, 220)]);
    let others = r#"{"photos": [{"photo": "other.png", "boxes": []}]}"#;
    fs::write(folder.path().join("boxes.json"), others).expect("written");
    let command = format!("{SYNTH} --scene-boxes boxes.json --out a");
    let message = doorplate(folder.path(), &command).refused(3);
    assert!(message.contains("boxes of other photos"), "{message}");
    doorplate(folder.path(), "data synth --photos 2 --scenes nowhere --out a").refused(3);
}
