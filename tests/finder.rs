//! The network that finds digits as a user trains, publishes and uses it, on drawn photos.
#![cfg(feature = "native")]

mod support;

use std::fs;

use doorplate::publication::{MANIFEST, Manifest};
use support::{doorplate, names_in};

const TRAIN: &str = "train --net FinderNet --data data --device cpu --batch 16 --rate 0.003";

#[test]
fn a_finder_is_trained_published_and_used() {
    let shop = tempfile::tempdir().expect("a temporary folder");
    let at = shop.path();
    doorplate(at, "data synth --photos 60 --seed 3 --out data").done();
    let trained = doorplate(at, &format!("{TRAIN} --epochs 12 --validation 0.2 --id f")).done();
    assert!(trained.contains("Average precision"), "{trained}");
    let runs = names_in(&at.join("runs"));
    let [run] = runs.as_slice() else { panic!("one run, not {runs:?}") };
    let measures = fs::read_to_string(at.join(format!("runs/{run}/{run}_measures.csv")));
    let measures = measures.expect("read");
    let losses: Vec<f64> = measures
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).and_then(|it| it.parse().ok()).expect("a number"))
        .collect();
    assert!(losses[11] < 0.8 * losses[0], "it learns: {losses:?}");

    let what = "--measure-on data --trained-on drawn --measured-on drawn";
    doorplate(at, &format!("publish runs/{run} --name finder {what}")).done();
    let manifest = fs::read(at.join("models").join(MANIFEST)).expect("read");
    let entry = Manifest::parse(&manifest).expect("a manifest").finder.expect("its entry");
    assert!((0.0..=1.0).contains(&entry.measured.average_precision), "{entry:?}");
    assert_eq!((entry.measured_photos, entry.bytes < 500_000), (60, true), "{entry:?}");

    // It is measured again, on another photo.
    fs::create_dir(at.join("less")).expect("made");
    fs::copy(at.join("data/1.png"), at.join("less/1.png")).expect("copied");
    fs::write(at.join("less/1.txt"), "0 0.5 0.5 0.1 0.2\n").expect("written");
    doorplate(at, "evaluate --find --data less --record less").done();
    let manifest = fs::read(at.join("models").join(MANIFEST)).expect("read");
    let again = Manifest::parse(&manifest).expect("a manifest").finder.expect("its entry");
    assert_eq!((again.measured_on.as_str(), again.measured.digits), ("less", 1));
    assert_eq!(again.sha256, entry.sha256);
    let card = fs::read_to_string(at.join("models").join(&again.card)).expect("read");
    assert!(card.contains("less (1 photos)"), "{card}");

    // Photos without boxes are learned from only where a teacher finds their digits.
    fs::create_dir(at.join("more")).expect("made");
    for name in ["1.png", "2.png"] {
        fs::copy(at.join("data").join(name), at.join("more").join(name)).expect("copied");
    }
    let more = format!("{TRAIN} --data more --epochs 1 --validation 0 --out taught");
    let message = doorplate(at, &more).refused(3);
    assert!(message.contains("no photo here has a box file beside it"), "{message}");
    let teacher = format!("--teacher runs/{run}/{run}.safetensors");
    doorplate(at, &format!("{more} {teacher}")).done();
    let taught = names_in(&at.join("taught")).remove(0);
    let config = fs::read_to_string(at.join(format!("taught/{taught}/run.json"))).expect("read");
    assert!(config.contains(&format!("{run}.safetensors")), "{config}");
    let no_strokes = format!("{more} {teacher} --strokes runs/{run}/{run}.safetensors");
    let message = doorplate(at, &no_strokes).refused(4);
    assert!(message.contains(&format!("{run}.safetensors")), "{message}");
    doorplate(at, &format!("{more} {teacher} {teacher}")).refused(2);

    // The same seed gives the same weights.
    let weights = |folder: &str| {
        doorplate(at, &format!("{TRAIN} --epochs 1 --validation 0 --out {folder}")).done();
        let run = names_in(&at.join(folder)).remove(0);
        fs::read(at.join(format!("{folder}/{run}/{run}.safetensors"))).expect("weights")
    };
    assert_eq!(weights("once"), weights("again"));
}

#[test]
fn digits_are_found_written_and_read_back() {
    let shop = tempfile::tempdir().expect("a temporary folder");
    let at = shop.path();
    doorplate(at, "data synth --photos 3 --seed 3 --out data").done();
    fs::write(at.join("data/broken.png"), b"no picture").expect("written");
    let published = format!("--models {}/models", env!("CARGO_MANIFEST_DIR"));
    let ran = doorplate(at, &format!("find data --json -o found.json {published}"));
    assert_eq!(ran.code, Some(6), "{}", ran.stderr);
    let lines: Vec<serde_json::Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(lines.len(), 4, "a line for each photo");
    let digits = |line: &serde_json::Value| line["digits"].as_array().map(Vec::len);
    assert_eq!(lines.iter().filter(|line| line["error"].is_string()).count(), 1);
    let list = fs::read(at.join("found.json")).expect("written");
    let list: serde_json::Value = serde_json::from_slice(&list).expect("JSON");
    let listed: Vec<usize> = list["photos"]
        .as_array()
        .expect("photos")
        .iter()
        .map(|photo| photo["boxes"].as_array().expect("boxes").len())
        .collect();
    assert_eq!(listed, lines.iter().filter_map(digits).collect::<Vec<_>>());
    // As files beside the photos, `erase` takes them as they are.
    doorplate(at, &format!("find data/1.png --format yolo -o labels {published}")).done();
    assert!(at.join("labels/1.txt").is_file() && at.join("labels/classes.txt").is_file());
    doorplate(at, &format!("find data/broken.png {published}")).refused(3);
    doorplate(at, &format!("find nowhere {published}")).refused(3);
    doorplate(at, "find data --at-least 2").refused(2);
    doorplate(at, &format!("find data --format svhn -o a {published}")).refused(2);
}
