//! The network that finds strokes as a user trains, publishes and uses it, on drawn photos.
#![cfg(feature = "native")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use doorplate::publication::{Library, MANIFEST, Manifest};
use support::{doorplate, names_in};
use tempfile::TempDir;

/// A folder with drawn photos in `data`, and the same without their digits in `data/clean`.
fn shop(photos: u32) -> TempDir {
    let shop = tempfile::tempdir().expect("a temporary folder");
    let draw = format!("data synth --photos {photos} --seed 3 --clean --out data");
    doorplate(shop.path(), &draw).done();
    shop
}

const TRAIN: &str = "train --net StrokeNet --data data --device cpu --batch 8 --rate 0.003";

#[test]
fn a_stroke_network_is_trained_published_and_used() {
    let shop = shop(150);
    let at = shop.path();
    let trained = doorplate(at, &format!("{TRAIN} --epochs 10 --validation 0.2 --id s")).done();
    assert!(trained.contains("Strokes found"), "{trained}");
    let runs = names_in(&at.join("runs"));
    let [run] = runs.as_slice() else { panic!("one run, not {runs:?}") };
    let measures = fs::read_to_string(at.join(format!("runs/{run}/{run}_measures.csv")));
    let measures = measures.expect("read");
    let column = |n: usize| -> Vec<f64> {
        let lines = measures.lines().skip(1);
        let value = |line: &str| line.split(',').nth(n).and_then(|it| it.parse().ok());
        lines.map(|line| value(line).expect("a number")).collect()
    };
    let (losses, overlaps) = (column(1), column(2));
    assert!(losses[9] < 0.9 * losses[0], "it learns: {losses:?}");
    assert!(overlaps[9] > 0.2, "{overlaps:?}");

    // A classifier beside it, as removal has one.
    doorplate(at, "train --net ConvNet48_333 --data data --epochs 1 --id c").done();
    let classifier = names_in(&at.join("runs")).into_iter().find(|name| name.starts_with('c'));
    let what = "--measure-on data --trained-on drawn --measured-on drawn";
    let classifier = classifier.expect("its run");
    doorplate(at, &format!("publish runs/{classifier} --name net {what}")).done();
    let erase = "erase data/1.png --boxes data/digitStruct.mat --json -o";
    doorplate(at, &format!("{erase} boxes.png --method whole-boxes")).done();
    // A model's name is taken: its card and curves would be lost.
    let refused = doorplate(at, &format!("publish runs/{run} --name net {what}")).refused(4);
    assert!(refused.contains("another kind of network"), "{refused}");
    let published = doorplate(at, &format!("publish runs/{run} --name strokes {what}")).done();
    assert!(published.contains("Published strokes"), "{published}");
    let manifest = fs::read(at.join("models").join(MANIFEST)).expect("read");
    let again = doorplate(at, &format!("publish runs/{classifier} --name strokes {what}"));
    assert!(again.refused(4).contains("another kind of network"));
    let entry = Manifest::parse(&manifest).expect("a manifest").strokes.expect("its entry");
    assert!(
        (0.0..=1.0).contains(&entry.measured.overlap) && entry.measured_photos == 150,
        "{entry:?}"
    );
    assert!(entry.bytes < 400_000, "{} bytes are too many to fetch", entry.bytes);
    let device = burn::tensor::Device::flex();
    let library = Library::new(Some(&at.join("models")));
    assert_eq!(library.load_strokes(&device).expect("loaded").0, entry);

    doorplate(at, &format!("{erase} strokes.png")).done();
    let picture = |name: &str| image::open(at.join(name)).expect("a PNG").to_rgb8();
    let (photo, boxes, strokes) =
        (picture("data/1.png"), picture("boxes.png"), picture("strokes.png"));
    let changed = |other: &image::RgbImage| {
        photo.pixels().zip(other.pixels()).filter(|(a, b)| a != b).count()
    };
    let [of_strokes, of_boxes] = [changed(&strokes), changed(&boxes)];
    assert!(0 < of_strokes && of_strokes < of_boxes, "{of_strokes} of {of_boxes} pixels");

    // Damaged or missing weights are refused: filling whole boxes instead would be another method.
    let weights = at.join("models").join(&entry.file);
    let mut bytes = fs::read(&weights).expect("read");
    bytes[1000] ^= 1;
    for spoil in [Some(bytes), None] {
        match spoil {
            Some(bytes) => fs::write(&weights, bytes).expect("written"),
            None => fs::remove_file(&weights).expect("removed"),
        }
        let message = doorplate(at, &format!("{erase} again.png")).refused(4);
        assert!(message.contains("strokes"), "{message}");
        assert!(!at.join("again.png").exists(), "nothing is written");
    }
}

#[test]
fn what_it_cannot_be_trained_with_is_refused() {
    let shop = shop(4);
    let at = shop.path();
    for option in ["--dropout 0.2", "--teacher x", "--smoothing 0.1", "--augmentation strong"] {
        let message = doorplate(at, &format!("{TRAIN} {option}")).refused(2);
        assert!(message.contains(option.split(' ').next().expect("its name")), "{message}");
    }
    let message = doorplate(at, &format!("{TRAIN} --validation 0 --patience 3")).refused(2);
    assert!(message.contains("--validation"), "{message}");
    let message = doorplate(at, &format!("{TRAIN} --start data/1.png")).refused(4);
    assert!(message.contains("1.png"), "{message}");
    let message = doorplate(at, &format!("{TRAIN} --validate-on data")).refused(3);
    assert!(message.contains("given twice"), "{message}");
    assert!(!at.join("runs").exists(), "a run was begun");
    fs::remove_file(at.join("data/clean/2.png")).expect("removed");
    let message = doorplate(at, &format!("{TRAIN} --validation 0 --out a")).refused(3);
    assert!(message.contains("2.png") && message.contains("--clean"), "{message}");
    let small = image::RgbImage::new(3, 3);
    small.save(at.join("data/clean/2.png")).expect("written");
    let message = doorplate(at, &format!("{TRAIN} --validation 0 --out b")).refused(3);
    assert!(message.contains("another size"), "{message}");
}

/// Trains with some options more, in a folder of its own, and gives the run's folder.
fn trained(at: &Path, out: &str, options: &str) -> PathBuf {
    doorplate(at, &format!("{TRAIN} --out {out} {options}")).done();
    at.join(out).join(names_in(&at.join(out)).remove(0))
}

fn left_by(run: &Path, ending: &str) -> PathBuf {
    let name = names_in(run).into_iter().find(|name| name.ends_with(ending));
    run.join(name.unwrap_or_else(|| panic!("a finished run has {ending}")))
}

#[test]
fn the_same_seed_gives_the_same_weights() {
    let shop = shop(12);
    let weights = |out: &str| {
        let run = trained(shop.path(), out, "--epochs 1 --validation 0");
        fs::read(left_by(&run, ".safetensors")).expect("read")
    };
    assert_eq!(weights("a"), weights("b"));
}

#[test]
fn it_starts_from_weights_on_any_device_and_ends_with_the_best_epochs() {
    let shop = shop(12);
    let at = shop.path();
    let first = trained(at, "first", "--epochs 1 --validation 0");
    let first = left_by(&first, ".safetensors");
    // At this rate no weight moves, so the first epoch is the best; two devices compute by Burn.
    let options = format!(
        "--start {} --device cpu,cpu --validate-on more --seed 2 --optimizer sgd --rate \
         1e-30 --schedule constant --epochs 9 --patience 2",
        first.display()
    );
    doorplate(at, "data synth --photos 4 --seed 4 --clean --out more").done();
    let second = trained(at, "second", &options);
    let read = |path: &Path| fs::read(path).expect("read");
    assert!(read(&first) == read(&left_by(&second, ".safetensors")), "other weights");
    let results = fs::read_to_string(left_by(&second, "_results.txt")).expect("read");
    assert!(results.contains("those of epoch 1, the best"), "{results}");
    assert!(results.contains("Trained on: 12 photos"), "{results}");
    let measures = fs::read_to_string(left_by(&second, "_measures.csv")).expect("read");
    assert_eq!(measures.lines().count(), 1 + 3, "{measures}");
}
