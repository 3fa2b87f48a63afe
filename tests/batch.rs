//! `doorplate erase` on many photos, as a user runs it: formats, what is done again and what is
//! not, parts, broken photos, interruptions, and what it refuses to write over.
#![cfg(feature = "native")]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::Stdio,
    time::{Duration, SystemTime},
};

use doorplate::{
    photo::{BoxInPhoto, Photo, PhotoSize},
    removal::stroke_reach,
};
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};
use support::{
    Ran, colourful, encoded, names_in, pixels_outside, program,
    shop::{boxes_of, command, erase, erase_with, error_of, lines, open, results, shop, tally},
};

#[test]
fn a_folder_is_erased_photo_by_photo() {
    let shop = shop(5);
    fs::create_dir(shop.path().join("photos/more")).expect("made");
    fs::rename(shop.path().join("photos/2.png"), shop.path().join("photos/more/2.png"))
        .expect("moved");
    fs::write(shop.path().join("photos/notes.txt"), "no photo").expect("written");
    for name in ["a.avif", "b.AVIF", "film.mp4", "._1.png", ".hidden"] {
        fs::write(shop.path().join("photos").join(name), "no photo").expect("written");
    }
    let ran = erase(shop.path(), "photos --boxes lists/digitStruct.mat -o out/erased --grow 0");
    assert!(ran.stderr.contains("5 photos written"), "{}", ran.stderr);
    let passed_over = "not photos by name: 1 ._ files of a Mac, 2 .avif, 1 .mp4\n";
    assert!(ran.stderr.contains(passed_over), "{}", ran.stderr);
    let lines = lines(&ran.done());
    assert_eq!(tally(&lines), [5, 0, 0]);
    let out = shop.path().join("out/erased");
    let written: Vec<String> = results(&out).into_keys().collect();
    assert_eq!(written, ["1.png", "3.png", "4.png", "5.png", "more/2.png"]);
    fs::rename(shop.path().join("photos/more/2.png"), shop.path().join("photos/2.png"))
        .expect("moved back");
    for (name, boxes) in boxes_of(shop.path()) {
        let inner = if name == "2.png" { "more/2.png" } else { &name };
        let line = &lines[&format!("photos/{inner}")];
        let readings = line["readings"].as_array().expect("readings");
        assert_eq!(readings.len(), boxes.len());
        for (reading, (area, digit)) in readings.iter().zip(&boxes) {
            assert_eq!(reading["box"], serde_json::to_value(area).expect("a box"));
            assert_eq!(reading["label"], digit.to_string());
            assert!(reading["digit"].as_u64().is_some_and(|digit| digit < 10));
        }
        for step in ["opening", "reading", "removal", "encoding"] {
            assert!(line["milliseconds"][step].as_f64().is_some_and(|time| time >= 0.0), "{line}");
        }
        let before = open(&shop.path().join("photos").join(&name));
        let after = open(&out.join(inner));
        let (old, new) = (before.to_rgba8(), after.to_rgba8());
        assert_ne!(old, new, "{name}");
        let areas: Vec<BoxInPhoto> = boxes.iter().map(|(area, _)| stroke_reach(area)).collect();
        for i in pixels_outside(before.size(), &areas) {
            assert_eq!(old[4 * i..4 * i + 4], new[4 * i..4 * i + 4], "{name}, pixel {i}");
        }
    }
}

/// Writes the photos' boxes in every format; what follows `--boxes` for each.
fn write_all_formats(shop: &Path) -> Vec<&'static str> {
    let boxes = boxes_of(shop);
    let write = |name: &str, text: String| {
        let path = shop.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    };
    let mut table = "photo,left,top,width,height,label\n".to_owned();
    let (mut own, mut images, mut annotations) = (Vec::new(), Vec::new(), Vec::new());
    write("yolo/classes.txt", "9\n8\n7\n6\n5\n4\n3\n2\n1\n0\n".to_owned());
    for (name, digits) in &boxes {
        let stem = name.trim_end_matches(".png");
        let PhotoSize { width: w, height: h } = open(&shop.join("photos").join(name)).size();
        let (mut yolo, mut voc, mut each) = (String::new(), String::new(), Vec::new());
        for (area, digit) in digits {
            let BoxInPhoto { left, top, width, height } = *area;
            table += &format!("{name},{left},{top},{width},{height},{digit}\n");
            let centre = |start: u32, length: u32, side: u32| {
                (f64::from(start) + f64::from(length) / 2.0) / f64::from(side)
            };
            yolo += &format!(
                "{} {} {} {} {}\n",
                9 - digit,
                centre(left, width, w),
                centre(top, height, h),
                f64::from(width) / f64::from(w),
                f64::from(height) / f64::from(h)
            );
            voc += &format!(
                "<object><name>{digit}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin>\
                 <xmax>{}</xmax><ymax>{}</ymax></bndbox></object>\n",
                left + 1,
                top + 1,
                left + width,
                top + height
            );
            let mut own = serde_json::to_value(area).expect("a box");
            own["label"] = digit.to_string().into();
            each.push(own);
            annotations.push(json!({
                "image_id": stem.parse::<u32>().expect("a number"),
                "category_id": digit + 20,
                "bbox": [left, top, width, height],
            }));
        }
        images.push(json!({
            "id": stem.parse::<u32>().expect("a number"),
            "file_name": name, "width": w, "height": h,
        }));
        write(&format!("yolo/{stem}.txt"), yolo);
        write(
            &format!("voc/{stem}.xml"),
            format!(
                "<annotation><size><width>{w}</width><height>{h}</height></size>{voc}</annotation>"
            ),
        );
        write(&format!("each/{stem}.boxes.json"), json!({ "boxes": each }).to_string());
        own.push(json!({ "photo": name, "boxes": each }));
    }
    let categories: Vec<Value> =
        (0..10).map(|digit| json!({ "id": digit + 20, "name": digit.to_string() })).collect();
    let coco = json!({ "images": images, "annotations": annotations, "categories": categories });
    write("coco.json", coco.to_string());
    write("own.json", json!({ "photos": own }).to_string());
    write("table.csv", table);
    vec!["yolo", "voc", "each", "coco.json", "own.json", "table.csv", "lists/digitStruct.mat"]
}

#[test]
fn boxes_in_every_format_come_to_the_same() {
    let shop = shop(4);
    let mut first = None;
    for source in write_all_formats(shop.path()) {
        let out = format!("out-{}", source.replace('/', "-"));
        let ran = erase(shop.path(), &format!("photos --boxes {source} -o {out} --grow 5"));
        assert!(!ran.stderr.contains("is not a digit"), "{source}: {}", ran.stderr);
        assert!(!ran.stderr.contains("no such photo"), "{source}: {}", ran.stderr);
        let readings: Vec<Value> =
            lines(&ran.done()).into_values().map(|line| line["readings"].clone()).collect();
        let got = (readings, results(&shop.path().join(out)));
        assert_eq!(got.1.len(), 4);
        let first = first.get_or_insert(got.clone());
        assert!(*first == got, "{source} differs");
    }
    // Beside the photos, which is where they are looked for when nothing is said.
    for name in names_in(&shop.path().join("each")) {
        fs::copy(shop.path().join("each").join(&name), shop.path().join("photos").join(&name))
            .expect("copied");
    }
    let done = erase(shop.path(), "photos -o out --grow 5").done();
    assert_eq!(tally(&lines(&done)), [4, 0, 0]);
    assert!(first.is_some_and(|(_, first)| first == results(&shop.path().join("out"))));
    // One photo's boxes from the same files.
    for source in ["yolo/3.txt", "voc/3.xml", "table.csv", "coco.json", "each"] {
        let one = format!("photos/3.png --boxes {source} -o one.png --grow 5");
        erase(shop.path(), &one).done();
        let one = open(&shop.path().join("one.png")).to_rgba8();
        assert_eq!(one, open(&shop.path().join("out/3.png")).to_rgba8(), "{source}");
    }
}

#[test]
fn photos_keep_their_format_and_lose_their_place() {
    let shop = tempfile::tempdir().expect("a temporary folder");
    let photos = shop.path().join("photos");
    fs::create_dir(&photos).expect("made");
    let picture = DynamicImage::ImageRgb8(colourful(90, 70));
    let formats = [
        ("a.jpg", ImageFormat::Jpeg),
        ("b.png", ImageFormat::Png),
        ("c.webp", ImageFormat::WebP),
        ("d.bmp", ImageFormat::Bmp),
        ("e.tif", ImageFormat::Tiff),
    ];
    // An EXIF block with the camera's model and a quarter turn, in a JPEG's second segment.
    let exif = [
        &b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x02\x01\x10\0\x02\0\0\0\x08\0\0\0\x26"[..],
        b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0BoxCam1\0",
    ]
    .concat();
    for (name, format) in formats {
        let mut bytes = encoded(&picture, format);
        if format == ImageFormat::Jpeg {
            let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
            let segment = [&[0xFF, 0xE1], &length[..], &exif].concat();
            bytes.splice(2..2, segment);
        }
        fs::write(photos.join(name), bytes).expect("written");
        let stem = name.split('.').next().expect("a stem");
        let boxes = json!({ "boxes": [{ "left": 30, "top": 20, "width": 20, "height": 30 }] });
        fs::write(photos.join(format!("{stem}.boxes.json")), boxes.to_string()).expect("written");
    }
    for (photo, line) in lines(&erase(shop.path(), "photos -o out").done()) {
        let is_jpeg = photo.ends_with(".jpg");
        let written = if is_jpeg { json!("blocks") } else { Value::Null };
        assert_eq!(line["written"], written, "{line}");
        let left_out = match photo.rsplit('.').next() {
            Some("jpg") => json!(["exif"]),
            Some("tif") => json!(["tags"]),
            _ => json!([]),
        };
        assert_eq!(line["metadata_left_out"], left_out, "{line}");
    }
    for (name, format) in formats {
        let after = fs::read(shop.path().join("out").join(name)).expect("written");
        assert_eq!(image::guess_format(&after).ok(), Some(format), "{name}");
    }
    let has_camera = |out: &str| {
        let bytes = fs::read(shop.path().join(out).join("a.jpg")).expect("written");
        bytes.windows(7).any(|part| part == b"BoxCam1")
    };
    // It stays on its side, and so must what says so.
    let is_upright = || open(&shop.path().join("out/a.jpg")).size().height == 90;
    assert!(!has_camera("out") && is_upright());
    let again = erase(shop.path(), "photos -o out --metadata all").done();
    assert_eq!(tally(&lines(&again)), [5, 0, 0], "another option, another result");
    assert!(has_camera("out") && is_upright());
}

#[test]
fn started_again_it_does_what_is_missing_or_has_changed() {
    let shop = shop(6);
    let run = |options: &str| {
        let done = erase(shop.path(), &format!("photos --boxes own.json -o out {options}")).done();
        tally(&lines(&done))
    };
    write_all_formats(shop.path());
    assert_eq!(run(""), [6, 0, 0]);
    let first = results(&shop.path().join("out"));
    assert_eq!(run(""), [0, 6, 0]);

    // Another method, or another parameter of it.
    assert_eq!(run("--method grid"), [6, 0, 0]);
    assert!(results(&shop.path().join("out")) != first);
    assert_eq!(run("--method grid"), [0, 6, 0]);
    assert_eq!(run("--method grid --sigma 2"), [6, 0, 0]);
    assert_eq!(run("--method doorplate"), [6, 0, 0]);
    assert!(results(&shop.path().join("out")) == first);

    // A result that is gone, one that was cut short, one of the same length, a record that is gone.
    let out = shop.path().join("out");
    fs::remove_file(out.join("1.png")).expect("removed");
    fs::write(out.join("2.png"), "half").expect("written");
    fs::remove_file(out.join(".doorplate/3.png.json")).expect("removed");
    let mut other = fs::read(out.join("4.png")).expect("read");
    other.reverse();
    fs::write(out.join("4.png"), other).expect("written");
    assert_eq!(run(""), [4, 2, 0]);
    assert!(results(&out) == first);

    // A result that cannot be replaced has no record any more, as nothing says what is there.
    fs::remove_file(out.join("5.png")).expect("removed");
    fs::create_dir(out.join("5.png")).expect("in its place");
    let ran = erase(shop.path(), "photos --boxes own.json -o out");
    assert_eq!(tally(&lines(&ran.stdout)), [0, 5, 1]);
    ran.refused(6);
    assert!(!out.join(".doorplate/5.png.json").exists());
    fs::remove_dir(out.join("5.png")).expect("removed");
    assert_eq!(run(""), [1, 5, 0]);
    assert!(results(&out) == first);

    // A changed photo, by its content or by its time alone; changed boxes of another.
    let photos = shop.path().join("photos");
    fs::copy(photos.join("2.png"), photos.join("1.png")).expect("copied");
    let later = SystemTime::now() + Duration::from_secs(60);
    let touched = fs::File::options().append(true).open(photos.join("2.png")).expect("opened");
    touched.set_modified(later).expect("set");
    let own = fs::read_to_string(shop.path().join("own.json")).expect("read");
    let mut own: Value = serde_json::from_str(&own).expect("JSON");
    let third = own["photos"].as_array_mut().expect("a list").iter_mut();
    let third = third.into_iter().find(|photo| photo["photo"] == "3.png").expect("listed");
    third["boxes"][0]["width"] = 7.into();
    // The first photo is the second's copy now.
    let own = own.to_string();
    fs::write(shop.path().join("own.json"), &own).expect("written");
    let ran = erase(shop.path(), "photos --boxes own.json -o out");
    let told = lines(&ran.stdout);
    assert_eq!(told["photos/3.png"]["readings"][0]["box"]["width"], 7);
    assert_eq!(tally(&told)[1], 3, "{told:?}");
    // Changed options.
    assert_eq!(
        erase(shop.path(), "photos --boxes own.json -o out --grow 30 --jobs 1").code,
        ran.code
    );
}

#[test]
fn parts_are_apart_and_together_everything() {
    let shop = shop(12);
    let part = |index: u32, out: &str| -> BTreeSet<String> {
        let arguments = format!("photos --boxes lists/digitStruct.mat -o {out} --shard {index}/3");
        lines(&erase(shop.path(), &arguments).done()).into_keys().collect()
    };
    let parts: Vec<BTreeSet<String>> = (0..3).map(|index| part(index, "out")).collect();
    assert_eq!(parts.iter().map(BTreeSet::len).sum::<usize>(), 12);
    let union: BTreeSet<&String> = parts.iter().flatten().collect();
    assert_eq!(union.len(), 12);
    assert!(parts.iter().filter(|part| !part.is_empty()).count() > 1);
    let whole = erase(shop.path(), "photos --boxes lists/digitStruct.mat -o out").done();
    assert_eq!(tally(&lines(&whole)), [0, 12, 0], "the parts left nothing to do");

    // When photos come or go, the others stay where they are; a list has the same parts.
    for name in ["3.png", "7.png"] {
        fs::remove_file(shop.path().join("photos").join(name)).expect("removed");
    }
    let after = part(1, "out-after");
    let expected = parts[1].iter().filter(|name| !matches!(&name[7..], "3.png" | "7.png"));
    assert!(after.iter().eq(expected));
    let list: String = after.iter().chain(&parts[0]).map(|name| format!("{name}\n")).collect();
    let listed = erase_with(
        shop.path(),
        "- --boxes lists/digitStruct.mat --root photos -o out-list --shard 1/3",
        list.as_bytes(),
    );
    assert!(lines(&listed.done()).into_keys().eq(after));
    for wrong in ["3/3", "x", "1"] {
        erase(shop.path(), &format!("photos -o o --shard {wrong}")).refused(2);
    }
}

#[test]
fn a_list_comes_with_lines_or_zero_bytes() {
    let shop = shop(3);
    let boxes = "--boxes lists/digitStruct.mat";
    let done = erase_with(
        shop.path(),
        &format!("- {boxes} -o out"),
        b"photos/1.png\n\n./photos/2.png\r\n",
    );
    assert_eq!(tally(&lines(&done.done())), [2, 0, 0]);
    assert_eq!(names_in(&shop.path().join("out/photos")), ["1.png", "2.png"]);
    let done = erase_with(
        shop.path(),
        &format!("- -0 {boxes} --root photos -o out-0"),
        b"photos/1.png\0photos/3.png",
    );
    assert_eq!(tally(&lines(&done.done())), [2, 0, 0]);
    assert_eq!(results(&shop.path().join("out-0")).len(), 2);
    let nothing = erase_with(shop.path(), &format!("- {boxes} -o out"), b"").done();
    assert_eq!(nothing, "", "an empty list is no mistake");
    let ran =
        erase_with(shop.path(), &format!("- {boxes} -o out"), b"../a.png\nnone.png\nphotos\n");
    let told = lines(&ran.stdout);
    ran.refused(6);
    assert!(error_of(&told, "../a.png").contains("--root"));
    assert!(error_of(&told, "none.png").contains("none.png: No such file"));
    assert!(error_of(&told, "photos").contains("not a regular file"));
}

#[test]
fn a_broken_photo_is_reported_and_the_rest_goes_on() {
    let shop = shop(7);
    let photos = shop.path().join("photos");
    let whole = fs::read(photos.join("2.png")).expect("read");
    fs::write(photos.join("2.png"), &whole[..whole.len() / 2]).expect("written");
    fs::write(photos.join("3.png"), "no picture").expect("written");
    fs::write(photos.join("extra.jpg"), b"").expect("written");
    fs::copy(photos.join("4.png"), photos.join("unlisted.png")).expect("copied");
    fs::remove_file(photos.join("5.png")).expect("removed");
    let ran = erase(shop.path(), "photos --boxes lists/digitStruct.mat -o out");
    let told = lines(&ran.stdout);
    assert_eq!(tally(&told), [4, 0, 4]);
    assert!(error_of(&told, "photos/2.png").contains("damaged or cut short"));
    assert!(error_of(&told, "photos/3.png").contains("not a picture"));
    assert!(error_of(&told, "photos/unlisted.png").contains("no entry for a photo named"));
    assert!(results(&shop.path().join("out")).into_keys().eq(["1.png", "4.png", "6.png", "7.png"]));
    let message = ran.refused(6);
    assert!(message.contains("4 of 8 photos failed"), "{message}");
    assert!(message.contains("boxes for 5.png, but no such photo"), "{message}");
    assert!(message.contains("photos/2.png: "), "{message}");

    // Mended, only these are done; and a photo that nobody looked at is let through if asked.
    fs::write(photos.join("2.png"), &whole).expect("written");
    fs::remove_file(photos.join("3.png")).expect("removed");
    fs::remove_file(photos.join("extra.jpg")).expect("removed");
    let done =
        erase(shop.path(), "photos --boxes lists/digitStruct.mat -o out --pass-unlisted").done();
    let told = lines(&done);
    assert_eq!(tally(&told), [2, 4, 0]);
    assert_eq!(told["photos/unlisted.png"]["readings"], json!([]));
    let (before, after) =
        (open(&photos.join("unlisted.png")), open(&shop.path().join("out/unlisted.png")));
    assert_eq!(before.to_rgba8(), after.to_rgba8());
}

#[test]
fn bad_boxes_spoil_their_photo_and_a_bad_list_the_run() {
    let shop = shop(6);
    let put = |name: &str, text: &str| {
        fs::write(shop.path().join("photos").join(name), text).expect("written");
    };
    let boxes = |area: &str| format!("{{\"boxes\": [{area}]}}");
    put("1.boxes.json", &boxes(r#"{"left": 2, "top": 2, "width": -4, "height": 5}"#));
    put("2.boxes.json", &boxes(r#"{"left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4}"#));
    put(
        "3.boxes.json",
        &boxes(r#"{"left": -9, "top": -9, "width": 1e6, "height": 1e6, "label": "plate"}"#),
    );
    put("4.boxes.json", "{\n\"boxes\": [\n{]}");
    put("5.boxes.json", &boxes(""));
    put("9.boxes.json", &boxes(""));
    let ran = erase(shop.path(), "photos -o out");
    let told = lines(&ran.stdout);
    assert!(error_of(&told, "photos/1.png").contains("1.boxes.json: box 1 (counted from 1)"));
    assert!(error_of(&told, "photos/2.png").contains("look like fractions"));
    assert!(error_of(&told, "photos/4.png").contains("4.boxes.json:3: not a boxes file"));
    assert!(told["photos/6.png"]["found"].is_number(), "without a file, digits are found");
    assert!(told["photos/5.png"]["found"].is_null(), "not where a file says that there are none");
    // It may well be taken for a number of several digits.
    assert!(told["photos/3.png"]["readings"].as_array().is_some_and(|all| !all.is_empty()));
    assert_eq!(told["photos/5.png"]["readings"], json!([]), "it says that there are none");
    let message = ran.refused(6);
    assert_eq!(message.matches("the class \"plate\" is not a digit").count(), 1, "{message}");
    assert!(message.contains("boxes for photos/9.boxes.json, but no such photo"), "{message}");

    for (name, text, reason) in [
        ("bad.csv", "photo,left,top,width,height\n1.png,1,2,three,4\n", "bad.csv:2: column 4"),
        ("bad.json", "{\"photos\":\n[{\"photo\": 1}]}", "bad.json:2: not a boxes file"),
        ("coco.json", "{\"images\": [],\n\"annotations\": [1]}", "coco.json:2: not a COCO file"),
        ("digitStruct.mat", "nonsense", "digitStruct.mat: not a readable MATLAB"),
        ("one.json", "{\"boxes\": []}", "does not say which photo's"),
    ] {
        fs::write(shop.path().join(name), text).expect("written");
        let ran = erase(shop.path(), &format!("photos --boxes {name} -o out-bad"));
        let message = ran.refused(3);
        assert!(message.contains(reason), "{message}");
    }
    assert!(!shop.path().join("out-bad").exists(), "a refusal makes no folder");
    let message = erase(shop.path(), "photos --boxes none.csv -o out-bad").refused(3);
    assert!(message.contains("none.csv"), "{message}");
}

#[test]
fn boxes_that_could_be_meant_otherwise_are_refused() {
    let shop = shop(6);
    let photos = shop.path().join("photos");
    let put = |name: &str, text: &[u8]| fs::write(photos.join(name), text).expect("written");
    // Two photos of one stem, a confidence before the box, and what a Mac leaves beside files.
    put("1.jpg", &encoded(&DynamicImage::ImageRgb8(colourful(40, 30)), ImageFormat::Jpeg));
    put("1.boxes.json", br#"{"boxes": []}"#);
    put("._2.png", b"no photo");
    put("._2.txt", b"no boxes");
    put("2.txt", b"3 0.91 0.3 0.3 0.15 0.35\n");
    put("3.txt", b"3.0 0.5 0.5 0.4 0.5 0.93 17\n");
    // A photo that is stored lying on its side, and boxes that were drawn on it so.
    let mut turned = std::io::Cursor::new(Vec::new());
    let mut encoder = image::codecs::png::PngEncoder::new(&mut turned);
    let exif = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    image::ImageEncoder::set_exif_metadata(&mut encoder, exif).expect("taken");
    let (picture, colours) = (colourful(120, 60), image::ExtendedColorType::Rgb8);
    image::ImageEncoder::write_image(encoder, &picture, 120, 60, colours).expect("written");
    put("4.png", &turned.into_inner());
    put("4.boxes.json", br#"{"boxes": [{"left": 80, "top": 20, "width": 20, "height": 30}]}"#);
    // Accents apart from their letters in the name of the boxes.
    fs::rename(photos.join("5.png"), photos.join("Caf\u{E9}.png")).expect("renamed");
    let one = br#"{"boxes": [{"left": 2, "top": 2, "width": 9, "height": 12}]}"#;
    put("Cafe\u{301}.boxes.json", one);

    let ran = erase(shop.path(), "photos --boxes photos -o out --pass-unlisted");
    let told = lines(&ran.stdout);
    for name in ["photos/1.png", "photos/1.jpg"] {
        assert!(error_of(&told, name).contains("is the stem of both"), "{}", told[name]);
    }
    let reason = error_of(&told, "photos/2.png");
    assert!(reason.contains("2.txt:1: ") && reason.contains("yolo-confidence-first"), "{reason}");
    assert_eq!(told["photos/3.png"]["boxes"], 1);
    assert!(error_of(&told, "photos/4.png").contains("--boxes-as-stored"));
    assert_eq!(told["photos/Caf\u{E9}.png"]["boxes"], 1, "its list is found");
    assert!(!ran.stderr.contains("no such photo"), "{}", ran.stderr);
    assert!(!told.contains_key("photos/._2.png"), "no photo");
    ran.refused(6);

    let ran = erase(shop.path(), "photos --boxes photos -o stored --boxes-as-stored --grow 0");
    let told = lines(&ran.stdout);
    // Upright, it is 60 wide; what was at the right is at the bottom.
    let read = &told["photos/4.png"]["readings"][0]["box"];
    assert_eq!([&read["left"], &read["top"], &read["height"]], [10, 80, 20], "{read}");
    let format = "--boxes-format yolo-confidence-first";
    let ran = erase(shop.path(), &format!("photos --boxes photos -o first {format}"));
    let told = lines(&ran.stdout);
    assert_eq!(told["photos/2.png"]["boxes"], 1, "{}", told["photos/2.png"]);
}

#[test]
fn masks_are_written_and_say_what_is_filled() {
    let shop = shop(3);
    let run = |options: &str| erase(shop.path(), &format!("photos {options}"));
    let ran = run("--boxes lists/digitStruct.mat -o out --write-masks masks");
    let told = lines(&ran.done());
    let masks = shop.path().join("masks");
    assert_eq!(told["photos/1.png"]["mask"], json!("masks/1.png"));
    let pixels = |path: &Path| image::open(path).expect("a picture").to_rgb8();
    let changed = |name: &str, out: &str| -> Vec<bool> {
        let before = pixels(&shop.path().join("photos").join(name));
        let after = pixels(&shop.path().join(out).join(name));
        before.pixels().zip(after.pixels()).map(|(a, b)| a != b).collect()
    };
    for name in ["1.png", "2.png", "3.png"] {
        let mask = pixels(&masks.join(name));
        assert!(mask.pixels().all(|pixel| pixel.0 == [0; 3] || pixel.0 == [255; 3]));
        let filled: Vec<bool> = mask.pixels().map(|pixel| pixel.0[0] > 0).collect();
        assert!(filled.contains(&true), "{name}");
        assert!(
            changed(name, "out").iter().zip(&filled).all(|(changed, filled)| filled | !changed)
        );
    }
    // Deleted, it is made again.
    fs::remove_file(masks.join("1.png")).expect("removed");
    let again = "--boxes lists/digitStruct.mat -o out --write-masks masks";
    let verify = || run(&format!("{again} --verify"));
    assert!(verify().refused(6).contains("2 whole, 1 missing"));
    run(again).done();
    assert!(masks.join("1.png").is_file());
    verify().done();
    // Changed or replaced, too.
    let mask = fs::read(masks.join("1.png")).expect("read");
    fs::copy(masks.join("2.png"), masks.join("1.png")).expect("copied");
    assert!(verify().refused(6).contains("2 whole, 0 missing, 1 changed"));
    assert_eq!(tally(&lines(&run(again).done())), [1, 2, 0]);
    assert!(fs::read(masks.join("1.png")).expect("read") == mask);

    // A mask of another tool: two pieces, in colours.
    let size = open(&shop.path().join("photos/1.png")).size();
    let in_mask = |x: u32, y: u32| (4..14).contains(&y) && ((4..9).contains(&x) || x == 20);
    let drawn = image::RgbImage::from_fn(size.width, size.height, |x, y| {
        image::Rgb(if in_mask(x, y) { [0, x as u8, 128] } else { [0; 3] })
    });
    let given = shop.path().join("given");
    fs::create_dir(&given).expect("made");
    drawn.save(given.join("1.png")).expect("written");
    drawn.save(given.join("2.png")).expect("written");
    image::GrayImage::new(7, 7).save(given.join("3.png")).expect("written");
    let ran = run("--masks given -o filled --write-masks again");
    let told = lines(&ran.stdout);
    assert_eq!(told["photos/1.png"]["boxes"], 2);
    let again = pixels(&shop.path().join("again/1.png"));
    for (x, y, pixel) in again.enumerate_pixels() {
        assert_eq!(pixel.0[0] > 0, in_mask(x, y), "{x}, {y}");
    }
    let filled: Vec<bool> = again.pixels().map(|pixel| pixel.0[0] > 0).collect();
    assert!(
        changed("1.png", "filled").iter().zip(&filled).all(|(changed, filled)| filled | !changed)
    );
    let reason = error_of(&told, "photos/3.png");
    assert!(reason.contains("drawn on a photo of 7 x 7"), "{reason}");
    ran.refused(6);
    let refused = run("--masks given -o grid --method grid").refused(2);
    assert!(refused.contains("--masks"), "{refused}");
    let refused = run("--masks given -o inside --write-masks inside/masks").refused(2);
    assert!(refused.contains("another folder"), "{refused}");
}

#[test]
fn masks_replace_no_photo_no_result_and_nothing_that_is_given() {
    let shop = shop(2);
    let photos = shop.path().join("photos");
    let boxes = "--boxes lists/digitStruct.mat";
    erase(shop.path(), &format!("photos {boxes} -o first --write-masks given")).done();
    let all = || [results(&photos), results(&shop.path().join("given"))];
    let before = all();
    let one = "photos/1.png";
    for (arguments, reason) in [
        (format!("{one} {boxes} -o o.png --write-masks {one}"), "the photo itself"),
        (format!("{one} {boxes} -o o.png --write-masks photos/../{one}"), "the photo itself"),
        (format!("{one} {boxes} -o o.png --write-masks ./o.png"), "the result itself"),
        (format!("{one} {boxes} -o o.png --write-masks o.boxes.json"), "ends in .png"),
        (format!("{one} --masks given/1.png -o o.png --write-masks given/1.png"), "the given mask"),
        (format!("{one} --masks given -o o.png --write-masks given/1.png"), "the given masks"),
        (format!("{one} --masks given/1.png -o given/1.png"), "the given mask itself"),
        ("photos --masks given -o o --write-masks given".to_owned(), "given masks itself"),
        ("photos --masks given -o o --write-masks given/more".to_owned(), "inside the folder"),
        ("photos --boxes given -o o --write-masks given".to_owned(), "of the boxes itself"),
        (format!("photos {boxes} -o first --write-masks first"), "of the results itself"),
        (format!("photos {boxes} -o o --write-masks lists"), "other files, not masks"),
    ] {
        let message = erase(shop.path(), &arguments).refused(2);
        assert!(message.contains(reason), "{arguments}: {message}");
        assert!(all() == before, "{arguments}");
        assert!(!shop.path().join("o.png").exists(), "{arguments}");
    }
    // A list says nothing of a folder of all photos.
    let listed = format!("- {boxes} --root photos -o listed --write-masks photos");
    let run = || erase_with(shop.path(), &listed, b"photos/1.png\n");
    assert!(run().refused(2).contains("other files, not masks"));
    fs::create_dir(photos.join(".doorplate-masks")).expect("marked");
    let ran = run();
    let error = error_of(&lines(&ran.stdout), "photos/1.png").to_owned();
    assert!(error.contains("its mask would overwrite the photo"), "{error}");
    ran.refused(6);
    assert!(all() == before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("photos", shop.path().join("link")).expect("linked");
        let message =
            erase(shop.path(), &format!("photos {boxes} -o o --write-masks link")).refused(2);
        assert!(message.contains("the folder of the photos itself"), "{message}");
        let masks = shop.path().join("masks");
        fs::create_dir(photos.join("a")).expect("made");
        fs::rename(photos.join("1.png"), photos.join("a/1.png")).expect("moved");
        fs::create_dir_all(masks.join(".doorplate-masks")).expect("marked");
        symlink("../photos/a", masks.join("a")).expect("linked");
        let before = all();
        let ran = erase(shop.path(), &format!("photos {boxes} -o linked --write-masks masks"));
        let told = lines(&ran.stdout);
        assert_eq!(tally(&told), [1, 0, 1], "{told:?}");
        let error = error_of(&told, "photos/a/1.png");
        assert!(error.contains("outside the masks folder"), "{error}");
        ran.refused(6);
        assert!(all() == before);
        assert!(!shop.path().join("linked/a/1.png").exists());
    }
}

#[test]
fn digits_that_are_kept_stay_and_brush_strokes_count() {
    let shop = shop(1);
    let (_, digits) = boxes_of(shop.path()).into_iter().next().expect("a photo");
    let (area, _) = digits[0];
    let mut own = serde_json::to_value(area).expect("a box");
    let write = |own: &Value, strokes: Value| {
        let file = json!({"boxes": [own], "strokes": strokes}).to_string();
        fs::write(shop.path().join("photos/1.boxes.json"), file).expect("written");
    };
    let filled = |out: &str| {
        erase(shop.path(), &format!("photos -o {out} --write-masks {out}-masks")).done();
        let mask = image::open(shop.path().join(format!("{out}-masks/1.png"))).expect("a mask");
        mask.to_luma8()
    };
    write(&own, json!([]));
    assert!(filled("plain").pixels().any(|pixel| pixel.0 == [255]));
    // Over the whole box and far around it.
    let all = json!([{"fill": false, "radius": 5000, "points": [[0, 0]]}]);
    write(&own, all);
    assert!(filled("brushed").pixels().all(|pixel| pixel.0 == [0]), "nothing is filled");
    own["keep"] = true.into();
    write(&own, json!([]));
    assert!(filled("kept").pixels().all(|pixel| pixel.0 == [0]), "it is kept");
}

#[test]
fn a_list_may_have_its_photos_in_another_folder() {
    let shop = shop(3);
    let table = "photo,left,top,width,height\n\
                 C:\\labels\\set\\1.png,2,2,9,12\nC:\\labels\\set\\2.png,2,2,9,12\n\
                 C:\\labels\\set\\3.png,2,2,9,12\n";
    fs::write(shop.path().join("boxes.csv"), table).expect("written");
    let ran = erase(shop.path(), "photos --boxes boxes.csv -o out");
    assert!(ran.stderr.contains("all its photos in C:/labels/set"), "{}", ran.stderr);
    assert_eq!(tally(&lines(&ran.stdout)), [3, 0, 0]);
}

#[test]
fn digits_are_found_where_no_boxes_are_given() {
    let shop = shop(4);
    let blank = Photo::from_rgb8(PhotoSize { width: 90, height: 60 }, vec![120; 3 * 90 * 60]);
    let blank = blank.and_then(|photo| photo.to_png().ok()).expect("a photo");
    fs::write(shop.path().join("photos/blank.png"), &blank).expect("written");
    let ran = erase(shop.path(), "photos -o out");
    assert!(ran.stderr.contains("no number was found in"), "{}", ran.stderr);
    let told = lines(&ran.done());
    assert_eq!((&told["photos/blank.png"]["found"], tally(&told)), (&json!(0), [5, 0, 0]));
    let found = |line: &Value| line["found"].as_u64().expect("a number");
    let all: u64 = told.values().map(found).sum();
    assert!(all > 0, "{told:?}");
    for line in told.values() {
        assert_eq!(line["boxes"], 0);
        assert_eq!(line["readings"].as_array().map(Vec::len), Some(found(line) as usize));
    }
    let plain = |of: &Path| open(of).to_rgba8();
    assert_eq!(
        plain(&shop.path().join("out/blank.png")),
        plain(&shop.path().join("photos/blank.png"))
    );

    // What finds counts among what a result depends on.
    assert_eq!(tally(&lines(&erase(shop.path(), "photos -o out").done())), [0, 5, 0]);
    let told = lines(&erase(shop.path(), "photos -o out --at-least 0.95").done());
    assert_eq!(tally(&told), [5, 0, 0]);
    assert!(told.values().map(found).sum::<u64>() < all);

    erase(shop.path(), "photos -o without --skip-empty").done();
    assert!(!shop.path().join("without/blank.png").exists());

    // Beside the boxes of a list, only what has no box is found.
    let given = "photos --boxes lists/digitStruct.mat --pass-unlisted -o both";
    let told = lines(&erase(shop.path(), given).done());
    assert!(told.values().all(|line| line["found"].is_null()));
    let told = lines(&erase(shop.path(), &format!("{given} --find")).done());
    let more: u64 = told.values().map(found).sum();
    assert!(more < all, "{more} of {all}");
    assert_eq!(told["photos/1.png"]["boxes"], boxes_of(shop.path())["1.png"].len());

    let one = erase(shop.path(), "photos/blank.png -o blank.png --skip-empty");
    assert!(one.stderr.contains("no number found") && !shop.path().join("blank.png").exists());
    one.done();
}

#[test]
fn nothing_is_written_over_that_is_not_ours() {
    let shop = shop(2);
    let photos = results(&shop.path().join("photos"));
    let boxes = "--boxes lists/digitStruct.mat";
    fs::create_dir(shop.path().join("full")).expect("made");
    fs::write(shop.path().join("full/own.png"), "somebody's").expect("written");
    for (out, reason) in [
        ("photos", "the folder of the photos itself"),
        ("photos/../photos", "the folder of the photos itself"),
        ("photos/out", "inside the folder of the photos"),
        ("photos/a/b", "inside the folder of the photos"),
        (".", "the folder of the photos is inside this one"),
        ("full", "holds other files"),
    ] {
        let message = erase(shop.path(), &format!("photos {boxes} -o {out}")).refused(2);
        assert!(message.contains(reason), "{out}: {message}");
    }
    assert!(photos == results(&shop.path().join("photos")));
    // Results given as photos again.
    erase(shop.path(), &format!("photos {boxes} -o out")).done();
    let ran = erase_with(shop.path(), &format!("- {boxes} --root out -o out"), b"out/1.png\n");
    assert!(error_of(&lines(&ran.stdout), "out/1.png").contains("in the output folder"));
    // Two photos with one result: in one list, and of an earlier run.
    fs::create_dir_all(shop.path().join("other/photos")).expect("made");
    let elsewhere = shop.path().join("other/photos/1.png");
    fs::copy(shop.path().join("photos/2.png"), &elsewhere).expect("copied");
    let before = results(&shop.path().join("out"));
    let ran = erase(shop.path(), &format!("other/photos {boxes} -o out"));
    let told = lines(&ran.stdout);
    assert!(error_of(&told, "other/photos/1.png").contains("the result of another photo"));
    ran.refused(6);
    assert!(results(&shop.path().join("out")) == before);
    // The same photo in another place is no other photo.
    fs::copy(shop.path().join("photos/1.png"), &elsewhere).expect("copied");
    let moved = erase(shop.path(), &format!("other/photos {boxes} -o out")).done();
    assert_eq!(tally(&lines(&moved)), [1, 0, 0], "its time is another");
    let again = erase(shop.path(), &format!("other/photos {boxes} -o out")).done();
    assert_eq!(tally(&lines(&again)), [0, 1, 0]);
    assert!(results(&shop.path().join("out")) == before);
    // Two photos with one name, where the boxes tell names alone.
    fs::copy(shop.path().join("photos/2.png"), shop.path().join("other/1.png")).expect("copied");
    let ran = erase(shop.path(), &format!("other {boxes} -o out-other"));
    let told = lines(&ran.stdout);
    assert_eq!(tally(&told), [1, 0, 1], "{told:?}");
    assert!(ran.refused(6).contains("names photos without folders"));
    for (arguments, reason) in [
        ("photos/1.png --shard 0/2 -o out.png", "--shard is for"),
        ("photos -0 -o o", "-0 and --root are for a list"),
    ] {
        let message = erase(shop.path(), arguments).refused(2);
        assert!(message.contains(reason), "{message}");
    }
    fs::create_dir(shop.path().join("empty")).expect("made");
    let message = erase(shop.path(), &format!("empty {boxes} -o o")).refused(3);
    assert!(message.contains("no photo in this folder"), "{message}");
}

#[test]
fn an_output_folder_that_is_handed_on_does_not_say_what_was_removed() {
    let shop = shop(3);
    let arguments = "photos --boxes lists/digitStruct.mat -o out";
    let told = lines(&erase(shop.path(), &format!("{arguments} --no-readings")).done());
    assert_eq!(tally(&told), [3, 0, 0]);
    for line in told.values() {
        assert!(line.get("readings").is_none() && line.get("numbers").is_none(), "{line}");
        assert_eq!(line["left"], 0);
    }
    let records = || results(&shop.path().join("out/.doorplate"));
    let (first, folder) = (records(), shop.path().to_string_lossy().into_owned());
    assert_eq!(first.len(), 3);
    for (name, content) in &first {
        let record: Value = serde_json::from_slice(content).expect("JSON");
        let fields: Vec<&str> =
            record.as_object().expect("an object").keys().map(String::as_str).collect();
        let expected =
            ["bytes", "checked", "content", "entry", "left", "made_of", "photo", "sha256"];
        assert_eq!(fields, expected, "{name}");
        let text = String::from_utf8_lossy(content);
        assert!(!text.contains(&folder) && !text.contains(".png"), "{name}: {text}");
    }
    // What is said of a photo that was done before comes from no record either.
    let again = lines(&erase(shop.path(), arguments).done());
    assert_eq!(tally(&again), [0, 3, 0], "readings are no part of a result");
    let line = &again["photos/1.png"];
    assert_eq!((&line["left"], &line["method"]), (&json!(0), &json!("doorplate")));
    assert!(line.get("readings").is_none(), "{line}");
    assert!(records() == first);

    // Lines have checks, too, and a list may have the number itself as a box's class.
    let list = "photo,left,top,width,height,label\n1.png,4,4,9,12,1906\n";
    fs::write(shop.path().join("list.csv"), list).expect("written");
    let one = "photos/1.png --boxes list.csv -o one.png --no-readings --json";
    for arguments in [one, "photos --boxes list.csv --pass-unlisted -o checked --no-readings"] {
        let mut checked = program();
        checked.current_dir(shop.path()).arg("erase").args(arguments.split(' '));
        checked.arg("--models").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
        let ran = Ran::from(checked.output().expect("it starts"));
        assert!(!ran.stderr.contains("1906") && !ran.stdout.contains("1906"), "{}", ran.stderr);
        assert_eq!(ran.stderr.contains("a class is not a digit"), arguments != one, "{arguments}");
        let told = lines(&ran.stdout);
        let check = &told["photos/1.png"]["checks"][0];
        assert!(check["passes"].is_boolean() && check.get("box").is_none(), "{check}");
    }

    let one = "photos/1.png --boxes lists/digitStruct.mat -o one.png --no-readings";
    let report = erase(shop.path(), &format!("{one} --json")).json();
    assert!(report.get("readings").is_none() && report.get("numbers").is_none(), "{report}");
    let message = erase(shop.path(), one).done();
    assert!(message.contains("removed the digits in"), "{message}");
}

#[test]
fn without_the_network_that_finds_strokes_nothing_is_erased() {
    let shop = shop(1);
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let own = shop.path().join("models");
    fs::create_dir(&own).expect("made");
    let copied = names_in(&models).into_iter().filter(|name| {
        let published = ["manifest.json", "strokes-", "reader-", "finder-"];
        published.iter().any(|start| name.starts_with(start))
    });
    for name in copied.filter(|name| !name.ends_with(".md") && !name.ends_with(".svg")) {
        fs::copy(models.join(&name), own.join(&name)).expect("copied");
    }
    let strokes = names_in(&own).into_iter().find(|name| name.starts_with("strokes-"));
    let strokes = own.join(strokes.expect("published"));
    let mut bytes = fs::read(&strokes).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    for damaged in [Some(bytes), None] {
        match damaged {
            Some(bytes) => fs::write(&strokes, bytes).expect("written"),
            None => fs::remove_file(&strokes).expect("removed"),
        }
        for arguments in ["photos -o out", "photos/1.png -o one.png"] {
            let mut erase = program();
            erase.current_dir(shop.path()).arg("erase").args(arguments.split(' '));
            erase.args(["--boxes", "lists/digitStruct.mat", "--models", "models"]);
            let message = Ran::from(erase.output().expect("it starts")).refused(4);
            assert!(message.contains("strokes"), "{message}");
        }
    }
    assert!(!shop.path().join("out").exists() && !shop.path().join("one.png").exists());

    // Methods that do not need it go on, and say what the check could not see.
    for method in ["whole-boxes", "grid", "feature-maps"] {
        let mut erase = program();
        erase.current_dir(shop.path()).args(["erase", "photos", "-o", method, "--method", method]);
        erase.args(["--boxes", "lists/digitStruct.mat", "--models", "models"]);
        let ran = Ran::from(erase.output().expect("it starts"));
        assert!(matches!(ran.code, Some(0 | 7)), "{method}: {}", ran.stderr);
        assert!(ran.stderr.contains("goes on without it"), "{method}: {}", ran.stderr);
        let told = lines(&ran.stdout);
        let checks = told["photos/1.png"]["checks"].as_array().expect("checks");
        assert_eq!(checks.is_empty(), method != "whole-boxes", "{method}");
        assert!(checks.iter().all(|check| check["residue"].is_null()), "{checks:?}");
    }
}

#[cfg(unix)]
#[test]
fn no_result_leaves_the_output_folder_through_a_link() {
    use std::os::unix::fs::symlink;
    let shop = shop(4);
    let photos = shop.path().join("photos");
    for (folder, name) in [("a", "2.png"), ("b", "3.png")] {
        fs::create_dir(photos.join(folder)).expect("made");
        fs::rename(photos.join(name), photos.join(folder).join(name)).expect("moved");
    }
    let before = results(&photos);
    let arguments = "photos --boxes lists/digitStruct.mat -o out";
    // Claimed by an earlier run, so that links in it are not taken for other files.
    let out = shop.path().join("out");
    fs::create_dir_all(out.join(".doorplate")).expect("made");
    symlink("../photos/a", out.join("a")).expect("linked");
    fs::create_dir(shop.path().join("elsewhere")).expect("made");
    symlink("../../elsewhere", out.join(".doorplate/b")).expect("linked");
    // A link in a result's own place is replaced, and not what it leads to.
    symlink("../photos/1.png", out.join("1.png")).expect("linked");
    let ran = erase(shop.path(), arguments);
    let told = lines(&ran.stdout);
    assert!(results(&photos) == before, "the photos are as they were");
    assert_eq!(tally(&told), [2, 0, 2], "{told:?}");
    for photo in ["photos/a/2.png", "photos/b/3.png"] {
        let error = error_of(&told, photo);
        assert!(error.contains("outside the output folder") && error.contains("link"), "{error}");
    }
    assert_eq!(names_in(&shop.path().join("elsewhere")), [""; 0]);
    assert!(fs::symlink_metadata(out.join("1.png")).expect("written").is_file());
    ran.refused(6);

    fs::remove_file(out.join("a")).expect("removed");
    fs::remove_file(out.join(".doorplate/b")).expect("removed");
    assert_eq!(tally(&lines(&erase(shop.path(), arguments).done())), [2, 2, 0]);
}

#[cfg(unix)]
#[test]
fn control_characters_of_a_photos_name_do_not_reach_the_terminal() {
    let shop = shop(1);
    let name = "photos/\u{1b}[2J.png";
    fs::write(shop.path().join(name), "no picture").expect("written");
    let ran = erase(shop.path(), "photos --boxes lists/digitStruct.mat -o out");
    assert!(lines(&ran.stdout).contains_key(name), "JSON has its own escapes");
    let message = ran.refused(6);
    assert!(message.contains("photos/\\u{1b}[2J.png: "), "{message}");
    assert!(!message.contains('\u{1b}'), "{message:?}");

    let mut one = command(shop.path(), "photos/1.png --boxes lists/digitStruct.mat");
    let ran = Ran::from(one.args(["-o", "a\u{1b}b.png"]).output().expect("it starts"));
    let message = ran.done();
    assert!(message.contains("written to a\\u{1b}b.png"), "{message}");
}

#[cfg(unix)]
#[test]
fn links_that_lead_in_circles_and_closed_folders_are_reported() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let shop = shop(3);
    let photos = shop.path().join("photos");
    symlink(&photos, photos.join("circle")).expect("linked");
    symlink(shop.path().join("nowhere.png"), photos.join("broken.png")).expect("linked");
    fs::create_dir(shop.path().join("real")).expect("made");
    fs::rename(photos.join("3.png"), shop.path().join("real/3.png")).expect("moved");
    symlink(shop.path().join("real"), photos.join("linked")).expect("linked");
    let run = || erase(shop.path(), "photos --boxes lists/digitStruct.mat -o out");
    let ran = run();
    let told = lines(&ran.stdout);
    assert_eq!(tally(&told), [3, 0, 2], "{told:?}");
    assert!(error_of(&told, "photos/circle").contains("leads back to photos"));
    assert!(error_of(&told, "photos/broken.png").contains("No such file"));
    assert!(told.contains_key("photos/linked/3.png"));
    ran.refused(6);

    symlink(shop.path().join("out"), photos.join("results")).expect("linked");
    fs::create_dir(photos.join("closed")).expect("made");
    let mode = |mode| {
        let closed = photos.join("closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(mode)).expect("set");
        // Whoever may do everything sees through any door.
        fs::read_dir(&closed).is_err()
    };
    let closed = mode(0o000);
    let ran = run();
    mode(0o700);
    let told = lines(&ran.stdout);
    assert!(error_of(&told, "photos/results").contains("leads to the output folder"));
    assert_eq!(told.contains_key("photos/closed"), closed, "{told:?}");
    ran.refused(6);
}

#[test]
fn a_pipe_that_closes_ends_the_run() {
    let shop = shop(8);
    let mut child = command(shop.path(), "photos --boxes lists/digitStruct.mat -o out --jobs 1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built program starts");
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.refused(141), "", "whoever has read enough wants to hear no more");
    let whole = erase(shop.path(), "photos --boxes lists/digitStruct.mat -o out").done();
    let [written, before, failed] = tally(&lines(&whole));
    assert!(before > 0 && written > 0 && failed == 0, "{whole}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_whole_results_and_the_next_run_does_the_rest() {
    let shop = shop(9);
    let arguments = "- --boxes lists/digitStruct.mat --root photos -o out --jobs 1";
    let list = |photos: std::ops::RangeInclusive<u32>| -> String {
        photos.map(|i| format!("photos/{i}.png\n")).collect()
    };
    let mut child = command(shop.path(), arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built program starts");
    // The list stays open, so that the run cannot end by itself before it is stopped.
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(list(1..=6).as_bytes()).expect("it listens");
    stdin.flush().expect("sent");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut told = String::new();
    stdout.read_line(&mut told).expect("the first line");
    // Sent by the shell's own command, as a terminal would.
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
    for line in stdout.lines() {
        told += &format!("{}\n", line.expect("a line"));
    }
    let message = Ran::from(child.wait_with_output().expect("it ends")).refused(130);
    drop(stdin);
    assert!(message.contains("run the same command again to continue"), "{message}");
    let [done, _, _] = tally(&lines(&told));
    assert!((1..=6).contains(&done), "{done} were done");
    let out = shop.path().join("out");
    let left = results(&out);
    assert_eq!(left.len(), done, "what was told is there, and nothing else: {:?}", names_in(&out));
    for (name, content) in &left {
        Photo::decode(content).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let rest = lines(&erase_with(shop.path(), arguments, list(1..=9).as_bytes()).done());
    assert_eq!(tally(&rest), [9 - done, done, 0]);

    // As a run that nothing stopped.
    erase(shop.path(), "photos --boxes lists/digitStruct.mat -o whole").done();
    assert!(results(&out) == results(&shop.path().join("whole")));
}
