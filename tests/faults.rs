//! `doorplate erase` on many photos when something goes wrong: photos and lists that are too large,
//! runs that are killed, pipes and devices in the place of files, names that are too long, lists
//! that fit two photos, results that somebody changed. docs/promises.md says what holds then.
#![cfg(all(feature = "native", unix))]

mod support;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::{self, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use image::{
    DynamicImage, ExtendedColorType, ImageEncoder as _, ImageFormat, RgbImage,
    codecs::{png::PngEncoder, webp::WebPEncoder},
};
use serde_json::{Value, json};
use support::{
    Ran, colourful, encoded, names_in, program,
    shop::{command, erase, erase_with, error_of, lines, results, shop, tally},
};

const ALL: &str = "photos --boxes lists/digitStruct.mat -o out";

/// Writes a photo's box file beside it.
fn put_box(photo: &Path) {
    let boxes = json!({ "boxes": [{ "left": 3, "top": 3, "width": 9, "height": 12 }] });
    fs::write(photo.with_extension("boxes.json"), boxes.to_string()).expect("written");
}

/// A shop with a photo of each name, and boxes beside them.
fn shop_of(names: &[&str]) -> tempfile::TempDir {
    let shop = tempfile::tempdir().expect("a temporary folder");
    let picture = encoded(&DynamicImage::ImageRgb8(colourful(40, 30)), ImageFormat::Png);
    for name in names {
        let photo = shop.path().join("photos").join(name);
        fs::create_dir_all(photo.parent().expect("a folder")).expect("made");
        fs::write(&photo, &picture).expect("written");
        put_box(&photo);
    }
    shop
}

/// Runs the program with the published models.
fn with_published(shop: &Path, command: &str) -> Ran {
    let mut program = program();
    program.current_dir(shop).args(command.split_whitespace());
    program.env("DOORPLATE_MODELS", Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
    program.output().expect("the built program starts").into()
}

fn find(shop: &Path, arguments: &str) -> Ran {
    with_published(shop, &format!("find {arguments}"))
}

fn files(shop: &Path) -> Vec<String> {
    results(&shop.join("out")).into_keys().collect()
}

// ---- Too large ------------------------------------------------------------------------------------

#[test]
fn a_photo_that_would_take_the_memory_is_named_and_the_rest_is_done() {
    let shop = shop_of(&["good.png", "boxes.png", "profile.png", "long.png", "texts.jpg"]);
    let photos = shop.path().join("photos");
    // 64 MB of nothing, which are 64 kB in the file.
    let mut profile = Vec::new();
    let mut encoder = PngEncoder::new(&mut profile);
    encoder.set_icc_profile(vec![0; 64 << 20]).expect("taken");
    encoder.write_image(&[0; 12], 2, 2, ExtendedColorType::Rgb8).expect("written");
    assert!(profile.len() < 1 << 20);
    fs::write(photos.join("profile.png"), profile).expect("written");
    let long = fs::File::options().append(true).open(photos.join("long.png")).expect("opened");
    long.set_len(300 << 20).expect("a file with a hole");
    let jpeg = encoded(&DynamicImage::ImageRgb8(colourful(40, 30)), ImageFormat::Jpeg);
    let comment = [&[0xFF, 0xFE, 0xFF, 0xFF], [b'x'; 0xFFFD].as_slice()].concat();
    let texts = [&jpeg[..2], &comment.repeat(600), &jpeg[2..]].concat();
    fs::write(photos.join("texts.jpg"), texts).expect("written");
    let one = r#"{"left": 3, "top": 3, "width": 9, "height": 12}"#;
    let many = format!("{{\"boxes\": [{}]}}", [one; 10_001].join(", "));
    fs::write(photos.join("boxes.boxes.json"), many).expect("written");

    let ran = erase(shop.path(), "photos -o out");
    let told = lines(&ran.stdout);
    assert_eq!(tally(&told), [1, 0, 4], "{told:?}");
    assert_eq!(files(shop.path()), ["good.png"]);
    for (photo, reason) in [
        ("boxes.png", "10001 boxes"),
        ("profile.png", "colour profile has more than 4 MB"),
        ("long.png", "the file has 300 MB; the limit is 256 MB"),
        ("texts.jpg", "37 MB of metadata"),
    ] {
        let error = error_of(&told, &format!("photos/{photo}"));
        assert!(error.contains(reason), "{photo}: {error}");
        let one = erase(shop.path(), &format!("photos/{photo} -o one.png")).refused(3);
        assert!(one.contains(reason), "{photo}: {one}");
        if photo != "boxes.png" {
            let found = find(shop.path(), &format!("photos/{photo}")).refused(3);
            assert!(found.contains(reason), "{photo}: {found}");
        }
    }
    ran.refused(6);
}

/// Writes a black photo of this many megapixels; its file is small.
fn put_large(photo: &Path, megapixels: u32) {
    let black = DynamicImage::ImageRgb8(RgbImage::new(1_000, megapixels * 1_000));
    fs::write(photo, encoded(&black, ImageFormat::Png)).expect("written");
    put_box(photo);
}

#[test]
fn a_photo_that_needs_more_memory_than_allowed_is_refused_before_it_is_read() {
    let shop = shop_of(&["1.png", "wide.png"]);
    let photos = shop.path().join("photos");
    put_large(&photos.join("large.png"), 40);
    let box_of_all = json!({ "boxes": [{ "left": 0, "top": 0, "width": 2000, "height": 2000 }] });
    let wide = DynamicImage::ImageRgb8(RgbImage::new(2_000, 2_000));
    fs::write(photos.join("wide.png"), encoded(&wide, ImageFormat::Png)).expect("written");
    fs::write(photos.join("wide.boxes.json"), box_of_all.to_string()).expect("written");
    let ran = erase(shop.path(), "photos -o out --memory 400MB --jobs 2");
    let told = lines(&ran.stdout);
    assert_eq!(tally(&told), [1, 0, 2], "{told:?}");
    let error = error_of(&told, "photos/large.png");
    assert!(error.contains("about 481 MB of memory") && error.contains("--memory"), "{error}");
    let error = error_of(&told, "photos/wide.png");
    assert!(error.contains("for its boxes"), "{error}");
    ran.refused(6);
    for wrong in ["2", "1MB", "many"] {
        erase(shop.path(), &format!("photos -o out --memory {wrong}")).refused(2);
    }
}

// ---- Killed ---------------------------------------------------------------------------------------

/// What is noted of photos in work.
fn noted(shop: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let work = shop.join("out/.doorplate/.doorplate/work");
    let entries = fs::read_dir(work).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name(), fs::read(entry.path()).ok()?))).collect()
}

/// Starts a run in a group of its own, and waits until it has noted that a photo is in work.
fn in_work(shop: &Path) -> Child {
    let before = noted(shop);
    let mut child = command(shop, "photos -o out")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("the built program starts");
    while noted(shop)
        .iter()
        .all(|(name, entry)| entry.is_empty() || before.get(name) == Some(entry))
    {
        assert!(child.try_wait().expect("it can be asked").is_none(), "it ended by itself");
    }
    child
}

/// Kills a run while a photo is in work, but not the process that does the photo, if that is one of
/// its own; which ends by itself.
fn kill_in_work(shop: &Path) {
    let mut child = in_work(shop);
    child.kill().expect("killed");
    child.wait().expect("it ends");
    let begun = Instant::now();
    while noted(shop).values().any(|entry| entry == b"guilty") {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not see that its run is gone");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Kills a run while a photo is in work, with all its processes at the same time.
fn kill_all_in_work(shop: &Path) {
    let mut child = in_work(shop);
    let kill = format!("kill -9 -{}", child.id());
    assert!(Command::new("sh").arg("-c").arg(kill).status().expect("a shell").success());
    child.wait().expect("it ends");
}

#[test]
fn photos_in_work_when_a_run_is_killed_are_done_alone_by_the_next() {
    let shop = shop_of(&["1.png", "2.png"]);
    put_large(&shop.path().join("photos/slow.png"), 20);
    // However often it is killed: it is no photo's fault.
    for _ in 0..3 {
        kill_in_work(shop.path());
    }
    let ran = erase(shop.path(), "photos -o out");
    assert!(ran.stderr.contains("slow.png: an earlier run"), "{}", ran.stderr);
    assert_eq!(tally(&lines(&ran.done()))[2], 0);
    assert_eq!(files(shop.path()), ["1.png", "2.png", "slow.png"]);
    assert_eq!(names_in(&shop.path().join("out/.doorplate")).len(), 3, "records, nothing else");
    // What is done alone is as what is done among others.
    let before = results(&shop.path().join("out"));
    fs::remove_dir_all(shop.path().join("out")).expect("removed");
    erase(shop.path(), "photos -o out").done();
    assert!(results(&shop.path().join("out")) == before);
}

#[test]
fn a_photo_whose_own_process_is_killed_is_skipped_until_that_is_wanted_or_it_changes() {
    let shop = shop_of(&[]);
    let slow = shop.path().join("photos/slow.png");
    fs::create_dir(shop.path().join("photos")).expect("made");
    put_large(&slow, 20);
    for _ in 0..2 {
        kill_all_in_work(shop.path());
    }
    for _ in 0..2 {
        let ran = erase(shop.path(), "photos -o out");
        let told = lines(&ran.stdout);
        let error = error_of(&told, "photos/slow.png");
        assert!(error.contains("it is skipped") && error.contains("--retry"), "{error}");
        ran.refused(6);
    }
    // It was killed for no fault of its own.
    assert_eq!(tally(&lines(&erase(shop.path(), "photos -o out --retry").done())), [1, 0, 0]);
    assert_eq!(tally(&lines(&erase(shop.path(), "photos -o out").done())), [0, 1, 0]);

    fs::remove_file(shop.path().join("out/slow.png")).expect("removed");
    for _ in 0..2 {
        kill_all_in_work(shop.path());
    }
    put_large(&slow, 19);
    assert_eq!(tally(&lines(&erase(shop.path(), "photos -o out").done())), [1, 0, 0]);
}

#[test]
fn a_photo_that_fails_in_its_own_process_is_reported_as_any_other() {
    let shop = shop_of(&["1.png"]);
    let slow = shop.path().join("photos/slow.png");
    put_large(&slow, 20);
    kill_in_work(shop.path());
    // The photo is the same, but its box is not on it any more.
    let far = json!({ "boxes": [{ "left": 9_000, "top": 3, "width": 9, "height": 12 }] });
    fs::write(slow.with_extension("boxes.json"), far.to_string()).expect("written");
    for _ in 0..2 {
        let ran = erase(shop.path(), "photos -o out");
        let told = lines(&ran.stdout);
        assert!(error_of(&told, "photos/slow.png").contains("slow.boxes.json"), "{told:?}");
        let message = ran.refused(6);
        assert_eq!(message.matches("slow.boxes.json").count(), 1, "{message}");
    }
    put_box(&slow);
    assert_eq!(tally(&lines(&erase(shop.path(), "photos -o out").done())), [1, 1, 0]);
}

/// Runs the program with at most this much memory, as `ulimit -v` limits it.
fn with_memory(shop: &Path, kilobytes: u64, arguments: &str) -> Ran {
    limited(shop, kilobytes, &command(shop, arguments))
}

fn limited(shop: &Path, kilobytes: u64, command: &Command) -> Ran {
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(format!("ulimit -v {kilobytes} && exec \"$@\"")).arg("sh");
    limited.arg(command.get_program()).args(command.get_args()).current_dir(shop);
    limited.env("DOORPLATE_MODELS", Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
    let output = limited.output().expect("the shell starts");
    assert!(output.status.signal().is_none() || output.status.signal() == Some(6));
    output.into()
}

#[cfg(target_os = "linux")]
#[test]
fn a_photo_that_kills_the_run_is_named_by_the_next_run_and_tried_again_if_asked() {
    let shop = shop_of(&["1.png", "2.png", "3.png"]);
    let guilty = shop.path().join("photos/guilty.png");
    put_large(&guilty, 90);
    // More than the process can have, so that it does die.
    let run = || with_memory(shop.path(), LIMIT, "photos -o out --memory 64GB");
    let ran = run();
    assert_eq!(ran.code, None, "{}{}", ran.stdout, ran.stderr);
    for skipped in [false, true] {
        let ran = run();
        let told = lines(&ran.stdout);
        let error = error_of(&told, "photos/guilty.png");
        assert!(error.contains("it is skipped") && error.contains("--retry"), "{error}");
        assert_eq!(tally(&told)[2], 1, "{told:?}");
        assert_eq!(ran.stderr.contains("it is done alone now"), !skipped, "{}", ran.stderr);
        assert_eq!(files(shop.path()), ["1.png", "2.png", "3.png"]);
        let message = ran.refused(6);
        assert!(message.contains("guilty.png"), "{message}");
    }
    // The limit is seen where nobody says otherwise, and nothing dies.
    let seen = with_memory(shop.path(), LIMIT, "photos -o out --retry");
    assert!(seen.refused(6).contains("--memory"));
    // Where there is enough memory, it is done when that is wanted.
    assert_eq!(tally(&lines(&erase(shop.path(), "photos -o out").stdout)), [0, 3, 1]);
    assert_eq!(
        tally(&lines(&erase(shop.path(), "photos -o out --retry --memory 2GB").done())),
        [1, 3, 0]
    );
    assert_eq!(tally(&lines(&erase(shop.path(), "photos -o out").done())), [0, 4, 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_photo_that_is_too_large_for_the_memory_is_named_by_every_command() {
    let shop = shop_of(&["1.png", "2.png"]);
    let photos = shop.path().join("photos");
    put_large(&photos.join("large.png"), 90);
    for name in ["a.png", "b.png", "c.png"] {
        // Each alone fits, but not all.
        put_large(&photos.join(name), 30);
    }
    let wide = DynamicImage::ImageRgb8(RgbImage::new(2_000, 2_000));
    fs::write(shop.path().join("wide.png"), encoded(&wide, ImageFormat::Png)).expect("written");
    let box_of_all = json!({ "boxes": [{ "left": 0, "top": 0, "width": 2000, "height": 2000 }] });
    fs::write(shop.path().join("wide.boxes.json"), box_of_all.to_string()).expect("written");
    let run = |arguments: &str| {
        let mut command = program();
        command.args(arguments.split_whitespace());
        limited(shop.path(), 1_000_000, &command)
    };
    for (arguments, photo) in [
        ("find photos/large.png", "photos/large.png"),
        ("read photos/large.png", "photos/large.png"),
        ("read photos/large.png --find", "photos/large.png"),
        ("erase photos/large.png -o out.png", "photos/large.png"),
        ("erase wide.png -o out.png", "wide.png"),
        ("erase photos/1.png --masks photos/large.png -o out.png", "photos/large.png"),
        ("inspect photos/large.png --box 3,3,9,12 -o out.png", "photos/large.png"),
    ] {
        let message = run(arguments).refused(3);
        assert!(
            message.contains(&format!("{photo}: it would take about")),
            "{arguments}: {message}"
        );
        assert!(!message.contains("--memory"), "{arguments} has no such option: {message}");
        assert!(!shop.path().join("out.png").exists(), "{arguments}");
    }
    let ran = run("find photos --json");
    let told = lines(&ran.stdout);
    assert!(error_of(&told, "photos/large.png").contains("it would take about"), "{told:?}");
    assert_eq!(tally(&told), [5, 0, 1], "{told:?}");
    ran.refused(6);
}

#[cfg(target_os = "linux")]
#[test]
fn metadata_that_say_they_are_huge_take_no_memory() {
    let shop = shop_of(&["1.png"]);
    let mut webp = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut webp);
    encoder.set_exif_metadata(b"MM\0\x2A\0\0\0\x08\0\0\0\0\0\0".to_vec()).expect("taken");
    encoder.set_icc_profile(b"a profile".to_vec()).expect("taken");
    encoder.write_image(colourful(40, 30).as_raw(), 40, 30, ExtendedColorType::Rgb8).expect("made");
    for (name, part) in [("exif", b"EXIF"), ("profile", b"ICCP")] {
        let at = webp.windows(4).position(|name| name == part).expect("it has one");
        let mut huge = webp.clone();
        huge[at + 4..at + 8].fill(0xFF);
        let photo = shop.path().join(format!("photos/{name}.webp"));
        fs::write(&photo, huge).expect("written");
        put_box(&photo);
    }
    for keep in ["", "--metadata all"] {
        let ran = with_memory(shop.path(), LIMIT, &format!("photos -o out --memory 250MB {keep}"));
        assert!(ran.code.is_some(), "it died: {}", ran.stderr);
        // Without its profile a photo is still a photo; without its pixels it is none.
        let told = lines(&ran.stdout);
        assert!(told["photos/exif.webp"]["error"].is_null(), "{}", ran.stderr);
    }
}

/// Kilobytes of memory in which small photos are done, and one of 90 megapixels is not.
#[cfg(target_os = "linux")]
const LIMIT: u64 = 300_000;

#[test]
fn what_killed_runs_left_is_removed_by_the_next() {
    let shop = shop(3);
    erase(shop.path(), ALL).done();
    let records = shop.path().join("out/.doorplate");
    assert_eq!(names_in(&records), ["1.png.json", "2.png.json", "3.png.json"]);
    for part in ["all", "0-of-2"] {
        let drafts = records.join(format!(".doorplate/drafts-{part}"));
        fs::create_dir_all(&drafts).expect("made");
        fs::write(drafts.join(".doorplate-a1b2c3"), "half a result").expect("written");
    }
    fs::write(records.join(".lock-0-of-2"), "1").expect("written");
    fs::write(records.join(".lock"), "1").expect("written");
    assert_eq!(tally(&lines(&erase(shop.path(), ALL).done())), [0, 3, 0]);
    assert_eq!(names_in(&records), ["1.png.json", "2.png.json", "3.png.json"]);
}

#[test]
fn what_a_killed_removal_from_one_photo_left_is_removed_by_the_next_to_the_same_file() {
    let shop = shop_of(&["1.png"]);
    let photo = shop.path().join("photos/slow.png");
    put_large(&photo, 40);
    let out = shop.path().join("out");
    fs::create_dir(&out).expect("made");
    fs::write(out.join("somebody's"), "own").expect("written");
    let mut child = command(shop.path(), "photos/slow.png -o out/1.png");
    let mut child = child.stdout(Stdio::null()).spawn().expect("the built program starts");
    while names_in(&out).len() < 2 {
        assert!(child.try_wait().expect("it can be asked").is_none(), "it ended by itself");
    }
    child.kill().expect("killed");
    child.wait().expect("it ends");
    // It may have been too fast.
    let left = names_in(&out).into_iter().filter(|name| name.starts_with(".doorplate-"));
    println!("{} temporary files left", left.count());
    erase(shop.path(), "photos/1.png -o out/1.png").done();
    assert_eq!(names_in(&out), ["1.png", "somebody's"]);
}

// ---- Lists ----------------------------------------------------------------------------------------

#[test]
fn an_entry_without_a_folder_that_fits_two_photos_is_used_for_none_or_for_the_first() {
    let shop = shop_of(&["a/1.png", "b/1.png", "b/2.png"]);
    for name in ["a/1", "b/1", "b/2"] {
        fs::remove_file(shop.path().join(format!("photos/{name}.boxes.json"))).expect("removed");
    }
    fs::write(
        shop.path().join("list.csv"),
        "photo,left,top,width,height\n1.png,3,3,9,12\n2.png,3,3,9,12\n",
    )
    .expect("written");
    // All photos are known: nobody can say which is meant.
    let ran = erase(shop.path(), "photos --boxes list.csv -o whole");
    let told = lines(&ran.stdout);
    assert_eq!(tally(&told), [1, 0, 2], "{told:?}");
    assert!(error_of(&told, "photos/a/1.png").contains("b/1.png has this name too"));
    assert!(error_of(&told, "photos/b/1.png").contains("a/1.png has this name too"));
    ran.refused(6);

    // In pieces, the second is refused, and the first is named.
    let piece = |list: &str| {
        let arguments = "- --root photos --boxes list.csv -o out";
        erase_with(shop.path(), arguments, list.as_bytes())
    };
    assert_eq!(tally(&lines(&piece("photos/a/1.png\n").done())), [1, 0, 0]);
    let ran = piece("photos/b/1.png\nphotos/b/2.png\n");
    let told = lines(&ran.stdout);
    assert_eq!(tally(&told), [1, 0, 1], "{told:?}");
    let error = error_of(&told, "photos/b/1.png");
    assert!(error.contains("was used for a/1.png") && error.contains("out/a/1.png"), "{error}");
    ran.refused(6);
    assert_eq!(files(shop.path()), ["a/1.png", "b/2.png"]);
    assert_eq!(tally(&lines(&piece("photos/a/1.png\n").done())), [0, 1, 0]);
    // A photo that has moved is done once its old result is gone, as the message says.
    fs::remove_file(shop.path().join("out/a/1.png")).expect("removed");
    fs::remove_file(shop.path().join("photos/a/1.png")).expect("removed");
    assert_eq!(tally(&lines(&piece("photos/b/1.png\n").done())), [1, 0, 0]);

    // A photo in no folder has the entry's own path; but it comes too late.
    fs::copy(shop.path().join("photos/b/1.png"), shop.path().join("photos/1.png")).expect("copied");
    piece("photos/1.png\n").refused(6);
    fs::remove_dir_all(shop.path().join("out")).expect("removed");
    piece("photos/1.png\n").done();
    piece("photos/b/1.png\n").refused(6);
}

#[test]
fn lists_come_in_the_encodings_of_other_systems() {
    let shop = shop(2);
    let boxes = "photo,left,top,width,height\r\n1.png,3,3,9,12\r\n2.png,3,3,9,12\r\n";
    let wide = |text: &str| -> Vec<u8> {
        [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    fs::write(shop.path().join("list.csv"), wide(boxes)).expect("written");
    let list = wide("photos/1.png\r\nphotos/2.png\r\n");
    let ran = erase_with(shop.path(), "- --root photos --boxes list.csv -o out", &list);
    assert_eq!(tally(&lines(&ran.done())), [2, 0, 0]);
}

// ---- Names and copies -----------------------------------------------------------------------------

#[test]
fn the_longest_names_are_done_and_known_again() {
    let names: Vec<String> =
        [240, 249, 250, 251, 255].map(|length| format!("{}.png", "n".repeat(length - 4))).into();
    let shop = shop_of(&["1.png"]);
    let photo = shop.path().join("photos/1.png");
    let mut list = "photo,left,top,width,height\n".to_owned();
    for name in &names {
        fs::copy(&photo, photo.with_file_name(name)).expect("copied");
        list += &format!("{name},3,3,9,12\n");
    }
    fs::write(shop.path().join("list.csv"), list).expect("written");
    fs::remove_file(&photo).expect("removed");
    let run = || tally(&lines(&erase(shop.path(), "photos --boxes list.csv -o out").done()));
    assert_eq!(run(), [5, 0, 0]);
    assert_eq!(run(), [0, 5, 0]);
    assert_eq!(files(shop.path()).len(), 5);
    // A box file's name would be too long; so there is none.
    let done = erase(shop.path(), "photos -o out-passed --pass-unlisted").done();
    assert_eq!(tally(&lines(&done)), [5, 0, 0]);
}

#[test]
fn a_photo_from_which_nothing_is_removed_is_the_same_file() {
    let shop = tempfile::tempdir().expect("a temporary folder");
    let photos = shop.path().join("photos");
    fs::create_dir(&photos).expect("made");
    let picture = DynamicImage::ImageRgb8(colourful(90, 70));
    let formats = [
        ("a.jpg", ImageFormat::Jpeg),
        ("b.png", ImageFormat::Png),
        ("c.webp", ImageFormat::WebP),
        ("d.bmp", ImageFormat::Bmp),
    ];
    for (name, format) in formats {
        fs::write(photos.join(name), encoded(&picture, format)).expect("written");
    }
    let plain = results(&photos);
    // A text with a place, as a comment.
    let place = [b"\xFF\xFE\0\x0C51.5 N-0.1".as_slice(), &plain["a.jpg"][2..]].concat();
    fs::write(photos.join("e.jpg"), [b"\xFF\xD8", place.as_slice()].concat()).expect("written");
    erase(shop.path(), "photos -o out --pass-unlisted").done();
    let mut passed = results(&shop.path().join("out"));
    let stripped = passed.remove("e.jpg").expect("passed");
    assert!(passed == plain, "the same bytes");
    assert!(stripped == plain["a.jpg"], "without the comment, and nothing else changed");
    erase(shop.path(), "photos -o out --pass-unlisted --metadata all").done();
    assert!(results(&shop.path().join("out")) == results(&photos), "with it");
}

// ---- What a command is given ----------------------------------------------------------------------

#[test]
fn no_command_writes_over_what_it_is_given() {
    let shop = shop_of(&["1.png", "a/2.png", "pictures/0.jpg"]);
    let photos = shop.path().join("photos");
    let before = results(&photos);
    for (command, reason) in [
        ("find photos/1.png -o photos/1.png", "a photo itself"),
        ("find photos -o photos/a/2.png", "a photo itself"),
        ("find photos --review photos", "might replace photos/pictures/0.jpg"),
        ("inspect photos/1.png --box 3,3,9,12 -o photos/../photos/1.png", "the photo itself"),
        ("inspect --data photos --digit 1 -o photos/1.png", "in the data set"),
        ("sheet --data photos --photos 1.png -o photos/a/2.png", "in the data set"),
    ] {
        let message = with_published(shop.path(), command).refused(2);
        assert!(message.contains(reason), "{command}: {message}");
        assert!(results(&photos) == before, "{command}");
    }
    find(shop.path(), "photos/1.png -o photos/1.csv --format csv").done();
}

// ---- What is no file ------------------------------------------------------------------------------

#[test]
fn pipes_and_devices_are_refused_at_once() {
    let shop = shop_of(&["1.png"]);
    let photos = shop.path().join("photos");
    for pipe in ["photos/pipe.png", "pipe.csv", "photos/2.boxes.json"] {
        let made = Command::new("mkfifo").arg(shop.path().join(pipe)).status();
        assert!(made.is_ok_and(|status| status.success()));
    }
    fs::copy(photos.join("1.png"), photos.join("2.png")).expect("copied");
    std::os::unix::fs::symlink("/dev/zero", photos.join("zero.png")).expect("linked");
    let ran = erase(shop.path(), "photos -o out");
    let told = lines(&ran.stdout);
    assert_eq!(tally(&told), [1, 0, 3], "{told:?}");
    assert!(error_of(&told, "photos/pipe.png").contains("not a regular file"));
    assert!(error_of(&told, "photos/zero.png").contains("not a regular file"));
    assert!(error_of(&told, "photos/2.png").contains("a pipe, not a regular file"));
    ran.refused(6);
    for (arguments, what) in [
        ("photos/pipe.png -o one.png", "a pipe"),
        ("photos/zero.png -o one.png", "a device"),
        ("photos/1.png --boxes pipe.csv -o one.png", "a pipe"),
        ("photos/1.png --boxes /dev/zero -o one.png", "a device"),
        ("photos --boxes pipe.csv -o out", "a pipe"),
    ] {
        let message = erase(shop.path(), arguments).refused(3);
        assert!(message.contains(&format!("{what}, not a regular file")), "{arguments}: {message}");
    }
    let message = find(shop.path(), "photos/pipe.png").refused(3);
    assert!(message.contains("a pipe, not a regular file"), "{message}");

    // Data, weights, plans and manifests.
    for pipe in ["pipe", "pipe.mat", "model/manifest.json"] {
        let pipe = shop.path().join(pipe);
        fs::create_dir_all(pipe.parent().expect("a folder")).expect("made");
        let made = Command::new("mkfifo").arg(pipe).status();
        assert!(made.is_ok_and(|status| status.success()));
    }
    for (command, what) in [
        ("data prepare pipe -o store", "a pipe"),
        ("data prepare pipe.mat -o store", "a pipe"),
        ("data prepare /dev/zero -o store", "a device"),
        ("train --data pipe --device cpu", "a pipe"),
        ("train --plan pipe --device cpu", "a pipe"),
        ("find photos/1.png --finder pipe", "a pipe"),
        ("find photos/1.png --finder /dev/zero", "a device"),
        ("find photos/1.png --models model", "a pipe"),
        ("data label photos --weights pipe --out labelled --device cpu", "a pipe"),
        ("data label photos --weights pipe --finder pipe --out labelled --device cpu", "a pipe"),
    ] {
        // With a limit, so that what waits for a writer fails and does not hang.
        let ran = Command::new("timeout")
            .args(["30", env!("CARGO_BIN_EXE_doorplate")])
            .args(command.split(' '))
            .current_dir(shop.path())
            .env("DOORPLATE_MODELS", Path::new(env!("CARGO_MANIFEST_DIR")).join("models"))
            .output();
        let ran = Ran::from(ran.expect("it starts"));
        let refused = format!("{what}, not a regular file");
        assert!(ran.stderr.contains(&refused), "{command}: {:?} {}", ran.code, ran.stderr);
        assert!(ran.code.is_some_and(|code| (1..=4).contains(&code)), "{command}: {:?}", ran.code);
    }
}

#[test]
fn output_that_nobody_reads_or_holds_is_no_panic() {
    let shop = shop_of(&["1.png"]);
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let all = [
        "models",
        "models --json",
        "completions bash",
        "read photos/1.png --boxes photos/1.boxes.json",
        "find photos/1.png",
        "find photos --json",
        "erase photos/1.png -o one.png --no-check",
        "erase photos -o out --no-check",
    ];
    for arguments in all {
        let run = |stdout: Stdio| {
            let mut program = program();
            program.current_dir(shop.path()).args(arguments.split(' '));
            program.env("DOORPLATE_MODELS", &models).stdout(stdout);
            Ran::from(program.output().expect("the built program starts"))
        };
        let (reader, mut writer) = io::pipe().expect("a pipe");
        drop(reader);
        // Programs that other tests start at this moment have it open until they run.
        while writer.write(b"x").is_ok() {}
        let ran = run(writer.into());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(141), ""), "{arguments}");
        if let Ok(full) = fs::File::options().write(true).open("/dev/full") {
            let message = run(full.into()).refused(1);
            assert!(
                message.contains("standard output cannot be written"),
                "{arguments}: {message}"
            );
        }
    }
    assert!(shop.path().join("out/1.png").exists(), "what was begun is finished");
}

// ---- Looking again --------------------------------------------------------------------------------

#[test]
fn results_are_looked_at_without_doing_them_again() {
    let shop = shop(6);
    let verify = |options: &str| erase(shop.path(), &format!("{ALL} --verify {options}"));
    let message = verify("").refused(2);
    assert!(message.contains("no results of an earlier run"), "{message}");
    assert!(!shop.path().join("out").exists());
    // A time before 1970 is a time like any other.
    let old = SystemTime::UNIX_EPOCH - Duration::from_secs(86_400);
    let touch = |name: &str, time: SystemTime| {
        let photo = fs::File::options().append(true).open(shop.path().join(name)).expect("opened");
        photo.set_modified(time).expect("set");
    };
    touch("photos/1.png", old);
    erase(shop.path(), ALL).done();
    let before = results(&shop.path().join("out"));
    let ran = verify("");
    assert!(ran.stderr.contains("6 whole, 0 missing"), "{}", ran.stderr);
    let told = lines(&ran.done());
    for line in told.values() {
        assert_eq!(
            (&line["state"], &line["checked"], &line["left"]),
            (&json!("whole"), &json!(false), &json!(0))
        );
    }

    let out = shop.path().join("out");
    touch("photos/1.png", old + Duration::from_secs(1));
    fs::remove_file(out.join("2.png")).expect("removed");
    let mut changed = before["3.png"].clone();
    changed.reverse();
    fs::write(out.join("3.png"), changed).expect("written");
    fs::remove_file(out.join(".doorplate/4.png.json")).expect("removed");
    fs::copy(shop.path().join("photos/5.png"), out.join("original.png")).expect("copied");
    let found = results(&out);
    let ran = verify("");
    let states: Vec<(String, Value)> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"))
        .map(|line| (line["output"].as_str().expect("a path").to_owned(), line["state"].clone()))
        .collect();
    for (name, state) in [
        ("1.png", "outdated"),
        ("2.png", "missing"),
        ("3.png", "changed"),
        ("4.png", "unknown"),
        ("5.png", "whole"),
        ("original.png", "unknown"),
    ] {
        let of_name = states.iter().find(|(output, _)| output.ends_with(&format!("/{name}")));
        assert_eq!(of_name.map(|(_, state)| state), Some(&json!(state)), "{name}");
    }
    let message = ran.refused(6);
    assert!(message.contains("5 of 7 results are not"), "{message}");
    assert!(message.contains("original.png: not a result"), "{message}");
    assert!(results(&out) == found, "nothing is done");
    let message = erase(shop.path(), "photos/1.png -o 1.png --verify").refused(2);
    assert!(message.contains("--verify is for"), "{message}");

    fs::remove_file(out.join("original.png")).expect("removed");
    assert_eq!(tally(&lines(&erase(shop.path(), ALL).done())), [4, 2, 0]);
    assert!(results(&out) == before);
    verify("").done();
    assert!(verify("--grow 7").refused(6).contains("6 outdated"));
    // While another run is at work, nothing can be said.
    let lock = fs::File::create(out.join(".doorplate/.lock")).expect("made");
    lock.lock().expect("locked");
    assert!(verify("").refused(1).contains("another doorplate"));
}
