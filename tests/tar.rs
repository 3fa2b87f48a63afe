//! `doorplate erase --tar`: an archive of photos in, one of results and records out.
#![cfg(all(feature = "native", unix))]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};
use support::{
    Ran, colourful, encoded, program,
    shop::{boxes_of, command, erase, results, shop},
};
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

/// An archive from its members: names and contents.
fn archive<N: AsRef<Path>>(members: &[(N, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(1_700_000_000);
        builder.append_data(&mut header, name, *content).expect("added");
    }
    builder.into_inner().expect("written")
}

/// The members of an archive in their order; the archive may have no end mark.
fn members(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().expect("an archive");
    let member = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.expect("a member");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("read");
        assert_eq!(content.len() as u64, entry.size(), "a whole member");
        (entry.path().expect("a name").to_string_lossy().into_owned(), content)
    };
    entries.map(member).collect()
}

fn has_end_mark(archive: &[u8]) -> bool {
    archive.len() >= 1_024 && archive[archive.len() - 1_024..].iter().all(|byte| *byte == 0)
}

/// What a run gave: how it ended, and its output.
struct Gave {
    code: Option<i32>,
    out: Vec<u8>,
    stderr: String,
}

impl Gave {
    fn results(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all: BTreeMap<_, _> = members(&self.out).into_iter().collect();
        all.retain(|name, _| !name.ends_with(".json"));
        all
    }

    fn record(&self, name: &str) -> Value {
        let all: BTreeMap<_, _> = members(&self.out).into_iter().collect();
        let record = all.get(name).unwrap_or_else(|| panic!("{name} is not in {:?}", all.keys()));
        serde_json::from_slice(record).expect("JSON")
    }

    /// Checks how it ended.
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

fn started(mut command: Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built program starts")
}

fn run_with(command: Command, input: Vec<u8>) -> Gave {
    let mut child = started(command);
    let mut stdin = child.stdin.take().expect("it is piped");
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    // It may have had enough before the end.
    let _ = writer.join().expect("no panic");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Gave { code: output.status.code(), out: output.stdout, stderr }
}

fn run(shop: &Path, arguments: &str, input: Vec<u8>) -> Gave {
    run_with(command(shop, &format!("--tar {arguments}")), input)
}

/// A photo's boxes as our own JSON.
fn boxes_json(shop: &Path, photo: &str) -> Vec<u8> {
    let boxes: Vec<Value> = boxes_of(shop)[photo].iter().map(|(area, _)| json!(area)).collect();
    json!({ "boxes": boxes }).to_string().into_bytes()
}

/// A folder with `count` photos and their boxes beside them, and an archive of it, sorted by name.
fn shop_and_archive(count: u32) -> (TempDir, Vec<u8>) {
    let shop = shop(count);
    let at = shop.path();
    for photo in boxes_of(at).keys() {
        let file = at.join("photos").join(photo).with_extension("boxes.json");
        fs::write(file, boxes_json(at, photo)).expect("written");
    }
    let files = results(&at.join("photos"));
    let all: Vec<(&String, &[u8])> = files.iter().map(|(name, file)| (name, &file[..])).collect();
    let archive = archive(&all);
    (shop, archive)
}

#[test]
fn results_are_those_of_files_in_order_and_the_same_bytes_with_any_number_of_threads() {
    let (shop, archive) = shop_and_archive(7);
    let at = shop.path();
    erase(at, "photos -o out").done();
    let whole = results(&at.join("out"));
    let one = run(at, "--jobs 1", archive.clone()).ends(0);
    assert!(one.results() == whole, "the same files");
    assert!(has_end_mark(&one.out));
    let names: Vec<String> = members(&one.out).into_iter().map(|(name, _)| name).collect();
    let expected: Vec<String> =
        (1..=7).flat_map(|i| [format!("{i}.png"), format!("{i}.png.json")]).collect();
    assert_eq!(names, expected);
    for jobs in ["--jobs 3", "--jobs 16 --memory 500MB"] {
        assert!(run(at, jobs, archive.clone()).ends(0).out == one.out, "{jobs}");
    }
    // Two archives, one behind the other, as `cat` gives them.
    let two = [archive.clone(), archive].concat();
    assert_eq!(members(&run(at, "", two).ends(0).out).len(), 4 * 7);
}

#[test]
fn boxes_come_before_their_photo_or_behind_it_or_from_elsewhere() {
    let (shop, whole) = shop_and_archive(2);
    let at = shop.path();
    let whole = run(at, "", whole).ends(0).results();
    let photos = results(&at.join("photos"));
    let (one, two) = (&photos["1.png"][..], &photos["2.png"][..]);
    let (boxes_one, boxes_two) = (&photos["1.boxes.json"][..], &photos["2.boxes.json"][..]);
    let mixed = archive(&[
        ("1.png", one),
        ("1.cls", b"3"),
        ("1.boxes.json", boxes_one),
        ("2.boxes.json", boxes_two),
        ("2.json", b"{\"caption\": \"a house\"}"),
        ("2.png", two),
    ]);
    let gave = run(at, "", mixed.clone()).ends(0);
    assert!(gave.results() == whole);
    assert!(gave.stderr.contains("2 members that are no photos"), "{}", gave.stderr);

    // Of the archive's own box files nothing is used then.
    let listed = run(at, "--boxes lists/digitStruct.mat", mixed).ends(0);
    assert!(listed.results() == whole);
    let json = archive(&[("a/1.png", one), ("a/1.json", boxes_one)]);
    let gave = run(at, "--boxes-format json", json).ends(0);
    assert!(gave.results()["a/1.png"] == whole["1.png"]);
    let listed = run(
        at,
        "--boxes lists/digitStruct.mat",
        archive(&[("a/1.png", one), ("b/1.png", one), ("2.png", two)]),
    );
    // One may be meant, or the other, or one in another archive.
    let listed = listed.ends(6);
    assert_eq!(listed.results().into_keys().collect::<Vec<_>>(), ["2.png"]);
    for folder in ["a", "b"] {
        let archive = archive(&[(format!("{folder}/1.png"), one)]);
        for gave in [&listed, &run(at, "--boxes lists/digitStruct.mat --pass-unlisted", archive)] {
            let error = gave.record(&format!("{folder}/1.png.json"))["error"].to_string();
            assert!(error.contains("1.png without a folder"), "{error}");
            assert_eq!(gave.code, Some(6));
        }
    }
    let path = "photo,left,top,width,height\na/1.png,3,3,9,12\n";
    fs::write(at.join("paths.csv"), path).expect("written");
    run(at, "--boxes paths.csv", archive(&[("a/1.png", one)])).ends(0);

    for (format, end, content) in [
        ("yolo", "txt", "0 0.5 0.5 0.2 0.4\n"),
        (
            "voc",
            "xml",
            "<annotation><object><name>1</name><bndbox><xmin>3</xmin><ymin>3</ymin><xmax>14</xmax>\
             <ymax>22</ymax></bndbox></object></annotation>",
        ),
    ] {
        let name = format!("1.{end}");
        let gave = run(
            at,
            &format!("--boxes-format {format}"),
            archive(&[("1.png", one), (&*name, content.as_bytes()), ("classes.txt", b"digit")]),
        );
        let record = gave.ends(0).record("1.png.json");
        assert_eq!(record["boxes"], 1, "{format}: {record}");
    }
}

#[test]
fn boxes_apart_from_their_photo_are_reported() {
    let shop = shop(2);
    let at = shop.path();
    let photos = results(&at.join("photos"));
    let boxes = boxes_json(at, "1.png");
    // The photo of the first ones is done without them; nobody may take it for done with them.
    let apart = archive(&[
        ("1.png", &photos["1.png"][..]),
        ("2.png", &photos["2.png"][..]),
        ("1.boxes.json", &boxes),
    ]);
    let gave = run(at, "", apart).ends(6);
    assert!(gave.record("1.boxes.json.json")["error"].to_string().contains("--sort=name"));
    assert!(has_end_mark(&gave.out), "the rest is done");

    let twice = archive(&[
        ("1.boxes.json", &boxes[..]),
        ("1.boxes.json", &boxes),
        ("1.png", &photos["1.png"]),
        ("1.png", &photos["1.png"]),
        ("2.png", &photos["2.png"]),
    ]);
    let gave = run(at, "", twice).ends(6);
    assert!(gave.record("1.png.json")["error"].to_string().contains("twice"));
    assert_eq!(gave.results().keys().collect::<Vec<_>>(), ["2.png"]);
}

#[test]
fn what_is_wrong_with_a_photo_is_in_its_record_and_the_rest_is_done() {
    let (shop, _) = shop_and_archive(3);
    let at = shop.path();
    let photos = results(&at.join("photos"));
    let archive = archive(&[
        ("a/1.boxes.json", &photos["1.boxes.json"][..]),
        ("a/1.png", &photos["1.png"]),
        ("a/broken.png", b"no picture"),
        ("a/empty.jpg", b""),
        ("a/half.png", &photos["2.png"][..photos["2.png"].len() / 2]),
        ("a/wrong.boxes.json", b"{\"boxes\": [{\"left\": 1}]}"),
        ("a/wrong.png", &photos["2.png"]),
        ("a/3.boxes.json", &photos["3.boxes.json"]),
        ("a/3.png", &photos["3.png"]),
    ]);
    let gave = run(at, "", archive.clone()).ends(6);
    assert_eq!(gave.results().keys().collect::<Vec<_>>(), ["a/1.png", "a/3.png"]);
    for name in ["broken.png", "empty.jpg", "half.png", "wrong.png"] {
        let record = gave.record(&format!("a/{name}.json"));
        assert_eq!(record["photo"], format!("a/{name}"));
        assert!(record["error"].is_string(), "{record}");
        assert!(gave.stderr.contains(name), "{}", gave.stderr);
    }
    assert!(gave.stderr.contains("4 of 6 photos failed"), "{}", gave.stderr);
    // Boxes that are missing are an error only if they are said to be there.
    let none = run(at, "--boxes lists/digitStruct.mat", archive).ends(6);
    assert!(none.record("a/broken.png.json")["error"].to_string().contains("no entry"));
}

#[test]
fn records_say_nothing_of_what_was_removed() {
    let (shop, archive) = shop_and_archive(2);
    let mut checked = program();
    checked.current_dir(shop.path()).args(["erase", "--tar"]);
    checked.arg("--models").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
    let gave = run_with(checked, archive);
    assert!(matches!(gave.code, Some(0 | 7)), "{}", gave.stderr);
    let record = gave.record("1.png.json");
    let mut fields: Vec<&String> = record.as_object().expect("an object").keys().collect();
    fields.sort();
    let known = [
        "boxes",
        "checks",
        "grown_by_percent",
        "left",
        "metadata_left_out",
        "method",
        "photo",
        "sha256",
    ];
    assert_eq!(fields, known);
    let check = record["checks"][0].as_object().expect("a check");
    let fields: Vec<&String> = check.keys().collect();
    assert_eq!(fields, ["legible", "passes", "residue", "unchanged"]);
    // Nor do headers tell when a photo was taken.
    let mut archive = tar::Archive::new(&gave.out[..]);
    for entry in archive.entries().expect("an archive") {
        let entry = entry.expect("a member");
        assert_eq!(entry.header().mtime().expect("a time"), 0);
    }
}

#[test]
fn photos_without_boxes_are_searched_or_as_asked() {
    let shop = shop(1);
    let at = shop.path();
    let plain = encoded(&DynamicImage::ImageRgb8(image::RgbImage::new(60, 40)), ImageFormat::Png);
    let archive = archive(&[("plain.png", &plain[..])]);
    let record = run(at, "", archive.clone()).ends(0).record("plain.png.json");
    assert_eq!((&record["boxes"], &record["found"]), (&json!(0), &json!(0)));
    let left_out = run(at, "--skip-empty", archive.clone()).ends(0);
    assert_eq!(left_out.record("plain.png.json")["left_out"], true);
    assert!(left_out.results().is_empty());
    run(at, "--boxes lists/digitStruct.mat", archive.clone()).ends(6);
    let passed = run(at, "--boxes lists/digitStruct.mat --pass-unlisted", archive).ends(0);
    assert!(passed.results()["plain.png"] == plain);
}

/// One member whose header is as `change` makes it.
fn odd(content: &[u8], change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_path("odd.png").expect("a name");
    change(&mut header);
    header.set_cksum();
    let mut builder = Builder::new(Vec::new());
    builder.append(&header, content).expect("added");
    let mut archive = builder.into_inner().expect("written");
    archive.truncate(archive.len() - 1_024);
    archive
}

/// A header with this name as it stands, which a builder would refuse.
fn named(name: &[u8], content: &[u8]) -> Vec<u8> {
    odd(content, |header| {
        let field = &mut header.as_gnu_mut().expect("GNU").name;
        field.fill(0);
        field[..name.len()].copy_from_slice(name);
    })
}

#[test]
fn hostile_names_and_members_that_are_no_files_are_refused() {
    let (shop, _) = shop_and_archive(1);
    let at = shop.path();
    let photos = results(&at.join("photos"));
    let (photo, boxes) = (&photos["1.png"][..], &photos["1.boxes.json"][..]);
    let kind = |kind: EntryType, link: &str| {
        odd(b"", |header| {
            header.set_entry_type(kind);
            header.set_size(0);
            if !link.is_empty() {
                header.set_link_name(link).expect("a link");
            }
        })
    };
    let good = archive(&[("1.boxes.json", boxes), ("1.png", photo)]);
    let pax = |records: &[(&str, &[u8])]| {
        let mut builder = Builder::new(Vec::new());
        builder.append_pax_extensions(records.iter().copied()).expect("added");
        let mut archive = builder.into_inner().expect("written");
        archive.truncate(archive.len() - 1_024);
        archive
    };
    let long = format!("{}/{}.png", "ä".repeat(120), "b".repeat(200));
    let longest = format!("a/{}.png", "b".repeat(251));
    for (what, before, record) in [
        ("a way out", named(b"../1.png", photo), Some("doorplate-refused/1.json")),
        ("a way out", named(b"a/../../1.png", photo), Some("doorplate-refused/1.json")),
        (
            "a long way out",
            [pax(&[("path", b"../../../../etc/x.png")]), named(b"1.png", photo)].concat(),
            Some("doorplate-refused/1.json"),
        ),
        (
            "a zero byte",
            [pax(&[("path", b"a\0b.png")]), named(b"1.png", photo)].concat(),
            Some("doorplate-refused/1.json"),
        ),
        ("a hard link", kind(EntryType::Link, "1.png"), Some("odd.png.json")),
        ("a symbolic link", kind(EntryType::Symlink, "/etc/passwd"), Some("odd.png.json")),
        ("a device", kind(EntryType::Char, ""), Some("odd.png.json")),
        ("a pipe", kind(EntryType::Fifo, ""), Some("odd.png.json")),
        (
            "holes",
            [pax(&[("GNU.sparse.major", b"1")]), named(b"odd.png", photo)].concat(),
            Some("odd.png.json"),
        ),
        (
            "another link",
            odd(b"", |header| {
                header.set_entry_type(EntryType::Symlink);
                header.set_path("notes.txt").expect("a name");
                header.set_link_name("/etc/passwd").expect("a link");
            }),
            None,
        ),
        ("an absolute path", named(b"/etc/1.png", photo), None),
        ("a long name", [pax(&[("path", long.as_bytes())]), named(b"1.png", photo)].concat(), None),
        (
            "the longest name",
            [pax(&[("path", longest.as_bytes())]), named(b"1.png", photo)].concat(),
            None,
        ),
        ("a name that is no UTF-8", named(b"\xFF\xFE.png", photo), None),
        ("a folder", odd(b"", |header| header.set_entry_type(EntryType::Directory)), None),
    ] {
        let gave = run(at, "", [before, good.clone()].concat());
        let gave = gave.ends(if record.is_some() { 6 } else { 0 });
        assert!(gave.results().contains_key("1.png"), "{what}: the next photo is done");
        if let Some(record) = record {
            let error = gave.record(record)["error"].to_string();
            assert!(gave.results().len() == 1, "{what}");
            println!("{what}: {error}");
        }
        for (name, _) in members(&gave.out) {
            assert!(!name.starts_with('/') && !name.contains(".."), "{what}: {name}");
            assert!(name.split('/').all(|part| part.len() <= 255), "{what}: {name}");
        }
    }
    let absolute =
        run(at, "", named(b"/etc/1.png", photo).into_iter().chain(good.clone()).collect());
    assert!(absolute.results().contains_key("etc/1.png"));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_in_memory() {
    let (shop, good) = shop_and_archive(1);
    let at = shop.path();
    let huge = |name: &str, size: u64| {
        let mut header = Header::new_gnu();
        header.set_path(name).expect("a name");
        header.set_size(size);
        header.set_cksum();
        let mut archive = header.as_bytes().to_vec();
        archive.resize(512 + usize::try_from(size.next_multiple_of(512)).expect("fits"), 0);
        archive
    };
    let mut input = huge("huge.jpg", (256 << 20) + 1);
    input.extend(huge("2.boxes.json", (16 << 20) + 1));
    // Not a photo, so of any size.
    input.extend(huge("film.mp4", 300 << 20));
    input.extend(&good);
    let child = started(command(at, "--tar --jobs 1"));
    let id = child.id();
    let (most, gave) = watched(child, id, input);
    let gave = gave.ends(6);
    let error = gave.record("huge.jpg.json")["error"].to_string();
    assert!(error.contains("256 MB"), "{error}");
    assert_eq!(gave.results().len(), 1);
    // The tooth: one of these members in memory would be more.
    assert!(most < 200, "{most} MB");

    // What does not fit into the memory that is allowed.
    let noise = encoded(&DynamicImage::ImageRgb8(colourful(4_000, 3_000)), ImageFormat::Png);
    let large = archive(&[("large.png", &noise[..])]);
    let refused = run(at, "--memory 240MB", [large, good].concat()).ends(6);
    let error = refused.record("large.png.json")["error"].to_string();
    assert!(error.contains("--memory"), "{error}");
    assert_eq!(refused.results().len(), 1);

    let bomb = odd(&vec![b'a'; 3 << 20], |header| {
        header.set_path("././@LongLink").expect("a name");
        header.set_entry_type(EntryType::GNULongName);
    });
    let gave = run(at, "", bomb).ends(3);
    assert!(gave.stderr.contains("than any archive needs"), "{}", gave.stderr);
}

/// The most memory in MB that a process takes until it ends, and what it gives.
fn watched(mut child: Child, id: u32, input: Vec<u8>) -> (u64, Gave) {
    let mut stdin = child.stdin.take().expect("it is piped");
    let writer = thread::spawn(move || stdin.write_all(&input));
    let watch = thread::spawn(move || {
        let mut most = 0;
        while let Ok(status) = fs::read_to_string(format!("/proc/{id}/status")) {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let Some(line) = line else { break };
            let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
            most = most.max(kilobytes / 1_000);
            thread::sleep(Duration::from_millis(5));
        }
        most
    });
    let output = child.wait_with_output().expect("it ends");
    let _ = writer.join().expect("no panic");
    let most = watch.join().expect("no panic");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (most, Gave { code: output.status.code(), out: output.stdout, stderr })
}

#[test]
fn memory_does_not_grow_with_the_archive() {
    let shop = shop(1);
    // Noise of 900 kB, in which nothing is removed.
    let mut state = 1_u64;
    let noise = image::RgbImage::from_fn(640, 480, |_, _| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        image::Rgb([(state >> 56) as u8, (state >> 48) as u8, (state >> 40) as u8])
    });
    let photo = encoded(&DynamicImage::ImageRgb8(noise), ImageFormat::Png);
    let most = |count: usize| {
        let names: Vec<String> = (0..count).map(|i| format!("{i}.png")).collect();
        let all: Vec<(&String, &[u8])> = names.iter().map(|name| (name, &photo[..])).collect();
        let arguments = "--tar --jobs 2 --boxes lists/digitStruct.mat --pass-unlisted";
        let child = started(command(shop.path(), arguments));
        let id = child.id();
        let (most, gave) = watched(child, id, archive(&all));
        assert_eq!(gave.ends(0).results().len(), count);
        most
    };
    let (few, many) = (most(30), most(300));
    println!("{few} MB with 30 photos, {many} MB with 300");
    // The archive has 270 MB.
    assert!(many < few + 60, "{few} MB with 30 photos, {many} MB with 300");
}

#[test]
fn a_cut_or_damaged_archive_gives_the_photos_before_and_no_end_mark() {
    let (shop, archive) = shop_and_archive(3);
    let at = shop.path();
    let whole = run(at, "", archive.clone()).ends(0).results();
    let step = archive.len() / 23;
    let mut seen = [false; 4];
    for cut in (0..archive.len() - 1_024).step_by(step).chain([archive.len() - 1_024]) {
        let gave = run(at, "--jobs 2", archive[..cut].to_vec()).ends(3);
        let results = gave.results();
        assert!(!has_end_mark(&gave.out), "cut at {cut}");
        for (name, content) in &results {
            assert!(whole[name] == *content, "cut at {cut}: {name}");
        }
        seen[results.len()] = true;
    }
    assert_eq!(seen, [true, true, true, false], "the last photo may have boxes behind the cut");
    // Zeros that the end mark begins with.
    assert_eq!(run(at, "", archive[..archive.len() - 512].to_vec()).ends(0).results().len(), 3);

    let mut damaged = archive;
    let second = damaged.windows(6).position(|name| name == b"2.png\0").expect("its header");
    damaged[second] ^= 1;
    let gave = run(at, "", damaged).ends(3);
    assert!(gave.stderr.contains("checksum"), "{}", gave.stderr);
    assert_eq!(gave.results().len(), 1);
}

#[test]
fn what_is_no_archive_of_photos_is_refused() {
    let shop = shop(1);
    let at = shop.path();
    for (input, reason) in [
        (b"".to_vec(), "end mark"),
        (b"\x1F\x8B\x08\0\0\0\0\0".to_vec(), "gzip -dc"),
        (fs::read(at.join("photos/1.png")).expect("read"), "not a tar archive"),
        (archive(&[("notes.txt", b"hello")]), "is a photo by its name"),
    ] {
        let gave = run(at, "", input).ends(3);
        assert!(gave.stderr.contains(reason), "{reason}: {}", gave.stderr);
        assert!(!has_end_mark(&gave.out));
    }
    // A part of a data set may be empty.
    let empty = archive::<&str>(&[]);
    assert!(run(at, "", empty.clone()).ends(0).out == empty);
    for wrong in ["--tar photos", "--tar -o out", "--tar --json", "--tar --shard 0/2"] {
        run_with(command(at, wrong), Vec::new()).ends(2);
    }
}

#[test]
fn a_closed_pipe_ends_it_in_silence() {
    let (shop, archive) = shop_and_archive(6);
    let mut child = started(command(shop.path(), "--tar"));
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("it is piped");
    let writer = thread::spawn(move || stdin.write_all(&archive));
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.refused(141), "");
    let _ = writer.join().expect("no panic");
}

#[test]
fn a_signal_ends_it_also_while_the_archive_is_silent_or_nobody_reads() {
    let (shop, archive) = shop_and_archive(6);
    let whole = run(shop.path(), "", archive.clone()).ends(0).results();
    for (signal, reads) in [("-INT", true), ("-TERM", true), ("-TERM", false)] {
        let mut child = started(command(shop.path(), "--tar --jobs 2"));
        let mut stdin = child.stdin.take().expect("it is piped");
        // Enough to fill the pipe of the results, if nobody reads.
        let mut rest = if reads { Vec::new() } else { archive.repeat(20) };
        rest.splice(0..0, archive[..archive.len() - 1_024].iter().copied());
        let writer = thread::spawn(move || {
            let _ = stdin.write_all(&rest);
            // It stays open.
            stdin
        });
        let reader = child.stdout.take().map(|mut stdout| {
            thread::spawn(move || {
                let mut out = vec![0; 3];
                stdout.read_exact(&mut out).expect("it begins");
                if reads {
                    stdout.read_to_end(&mut out).expect("read");
                }
                (out, stdout)
            })
        });
        thread::sleep(Duration::from_secs(2));
        let sent = Instant::now();
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.is_ok_and(|status| status.success()));
        let ran = Ran::from(child.wait_with_output().expect("it ends"));
        assert!(sent.elapsed() < Duration::from_secs(5), "{:?}", sent.elapsed());
        let _ = ran.refused(130);
        let (out, _) = reader.expect("it is piped").join().expect("no panic");
        drop(writer.join().expect("no panic"));
        if reads {
            assert!(!has_end_mark(&out));
            let gave = Gave { code: None, out, stderr: String::new() };
            assert!(gave.results().iter().all(|(name, content)| whole[name] == *content));
        }
    }
}
