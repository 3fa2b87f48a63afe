//! What `doorplate erase` says that a photo takes, against what it takes. The photos are noise, which
//! packs worst.
#![cfg(all(feature = "native", target_os = "linux"))]

mod support;

use std::{fs, path::Path, process::Stdio, thread, time::Duration};

use image::{DynamicImage, ImageBuffer, ImageFormat};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use serde_json::{Value, json};
use support::{encoded, program};
use tempfile::TempDir;

/// So large that most of them are refused with the least memory that may be given.
const SIDE: u32 = 4_000;

fn noise(samples: usize) -> Vec<u8> {
    let mut state = 1_u64;
    (0..samples)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

fn image(channels: usize) -> DynamicImage {
    let samples = noise(channels * SIDE as usize * SIDE as usize);
    let image = match channels {
        1 => ImageBuffer::from_raw(SIDE, SIDE, samples).map(DynamicImage::ImageLuma8),
        3 => ImageBuffer::from_raw(SIDE, SIDE, samples).map(DynamicImage::ImageRgb8),
        _ => ImageBuffer::from_raw(SIDE, SIDE, samples).map(DynamicImage::ImageRgba8),
    };
    image.expect("as many samples")
}

fn jpeg(progressive: bool, turned: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 92);
    encoder.set_progressive(progressive);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    if turned {
        let exif = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        encoder.add_exif_metadata(exif).expect("taken");
    }
    let samples = image(3).into_bytes();
    encoder.encode(&samples, SIDE as u16, SIDE as u16, ColorType::Rgb).expect("written");
    file
}

/// The most memory that a run takes, in MB, and what it prints.
fn run(at: &Path, memory: &str) -> (u64, String) {
    let mut erase = program();
    erase.current_dir(at).args(["erase", "photos", "-o", "out", "--jobs", "1", "--memory", memory]);
    erase.env("DOORPLATE_MODELS", Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
    let mut child =
        erase.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().expect("it can be asked").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(kilobytes.unwrap_or(0));
        thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().expect("it ended");
    (most * 1_024 / 1_000_000, String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A folder with a folder of one photo, which has one box, or none, so that digits are found.
fn with_photo(name: &str, file: &[u8], area: Option<&Value>) -> TempDir {
    let shop = tempfile::tempdir().expect("a temporary folder");
    let photo = shop.path().join("photos").join(name);
    fs::create_dir(shop.path().join("photos")).expect("made");
    fs::write(&photo, file).expect("written");
    if let Some(area) = area {
        let boxes = json!({ "boxes": [area] }).to_string();
        fs::write(photo.with_extension("boxes.json"), boxes).expect("written");
    }
    shop
}

#[test]
fn no_photo_takes_more_memory_than_is_said() {
    use ImageFormat::{Bmp, Gif, Png, Tiff, WebP};
    type Make = Box<dyn Fn() -> Vec<u8> + Sync>;
    let small = json!({ "left": 100, "top": 100, "width": 60, "height": 100 });
    let large = json!({ "left": 100, "top": 100, "width": 1200, "height": 1200 });
    let lossless =
        |channels, format| -> Make { Box::new(move || encoded(&image(channels), format)) };
    let deep = |format| -> Make {
        Box::new(move || encoded(&DynamicImage::ImageRgba16(image(4).to_rgba16()), format))
    };
    let cases: Vec<(&str, Make, _)> = vec![
        ("grey.png", lossless(1, Png), Some(&small)),
        ("colour.png", lossless(3, Png), Some(&small)),
        ("clear.png", lossless(4, Png), Some(&small)),
        ("deep.png", deep(Png), Some(&small)),
        ("box.png", lossless(3, Png), Some(&large)),
        ("plain.jpg", Box::new(|| jpeg(false, false)), Some(&small)),
        ("turned.jpg", Box::new(|| jpeg(false, true)), Some(&small)),
        ("progressive.jpg", Box::new(|| jpeg(true, true)), Some(&small)),
        ("colour.webp", lossless(3, WebP), Some(&small)),
        ("clear.webp", lossless(4, WebP), Some(&small)),
        ("colour.bmp", lossless(3, Bmp), Some(&small)),
        ("colour.tif", lossless(3, Tiff), Some(&small)),
        ("deep.tif", deep(Tiff), Some(&small)),
        ("clear.gif", lossless(4, Gif), Some(&small)),
        ("searched.png", lossless(3, Png), None),
    ];
    // Two at a time, as each is a process of its own.
    let wrong: Vec<&str> = thread::scope(|scope| {
        let halves = [0, 1].map(|half| cases.iter().skip(half).step_by(2));
        let halves = halves.map(|mut cases| {
            scope.spawn(move || {
                let took_more = |(name, make, area): &&(&'static str, Make, Option<&Value>)| {
                    takes_more(name, &make(), *area)
                };
                cases.by_ref().filter(took_more).map(|case| case.0).collect::<Vec<_>>()
            })
        });
        halves.into_iter().flat_map(|half| half.join().expect("it ends")).collect()
    });
    assert!(wrong.is_empty(), "{wrong:?} take more");
}

/// What is set aside for the program beside its photos, in MB.
const PROGRAM: f64 = 120.0;

/// Whether a photo takes more memory than is said, with what is set aside for the program.
fn takes_more(name: &str, file: &[u8], area: Option<&Value>) -> bool {
    let shop = with_photo(name, file, area);
    let (_, refused) = run(shop.path(), "240MB");
    let said = refused.split_once("about ").and_then(|(_, rest)| rest.split_once(" of memory"));
    let said = said.map(|(said, _)| match said.split_once(' ') {
        Some((number, "GB")) => number.parse::<f64>().expect("a number") * 1e3,
        Some((number, _)) => number.parse().expect("a number"),
        None => panic!("{said}"),
    });
    let (most, told) = run(shop.path(), "64GB");
    assert!(!told.contains("error"), "{told}");
    // One that is not refused takes what is left beside the program at most.
    let said = said.unwrap_or(PROGRAM) + PROGRAM;
    println!("{name:<16} said {said:>6.0} MB, took {most:>6} MB");
    said < most as f64
}
