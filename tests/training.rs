//! Training runs as a user starts, stops and plans them, on drawn photos.
#![cfg(feature = "native")]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use doorplate::{
    classifier::Architecture,
    dataset::{
        format1::Format1, format2_writer::write_format2, store::PatchFormat,
        synthetic::write_format1,
    },
    photo::{Colours, CropShape},
};
use serde_json::Value;
use support::{Ran, doorplate, names_in, program};
use tempfile::TempDir;

/// A folder with some drawn photos in `data` and, as Format 2, in `crops.mat`.
fn shop(photos: u32) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    write_format1(&data, photos, 5).expect("drawn");
    let data = Format1::open(&data).expect("opened");
    let patches =
        PatchFormat { colours: Colours::Rgb, crop: CropShape::Widened, side: 32, margin: 0.0 };
    let (mut crops, mut digits) = (Vec::new(), Vec::new());
    for entry in &data.photos {
        let (photo, on_photo) = data.load(entry).expect("loaded");
        for digit in on_photo {
            let planes = patches.cut(&photo, &digit);
            let pixels = planes.len() / 3;
            crops.extend((0..planes.len()).map(|i| planes[i % 3 * pixels + i / 3]));
            digits.push(digit.digit);
        }
    }
    write_format2(&folder.path().join("crops.mat"), &crops, &digits).expect("written");
    folder
}

fn runs(folder: &Path) -> Vec<PathBuf> {
    let runs = folder.join("runs");
    names_in(&runs).into_iter().map(|name| runs.join(name)).collect()
}

fn weights(run: &Path) -> Vec<u8> {
    let name = names_in(run).into_iter().find(|name| name.ends_with(".safetensors"));
    fs::read(run.join(name.expect("a finished run has weights"))).expect("read")
}

#[test]
fn every_network_is_trained_from_photos_and_those_with_surroundings_from_crops() {
    let shop = shop(8);
    for architecture in Architecture::ALL {
        let net = architecture.name;
        let train = format!("train --device cpu --epochs 1 --batch 8 --net {net} --out runs-{net}");
        doorplate(shop.path(), &format!("{train} --data data")).done();
        let from_crops = doorplate(shop.path(), &format!("{train} --data crops.mat --id crops"));
        if architecture.input.crop == CropShape::Widened {
            from_crops.done();
        } else {
            let message = from_crops.refused(3);
            assert!(message.contains("crops.mat") && message.contains(net), "{message}");
        }
        for run in names_in(&shop.path().join(format!("runs-{net}"))) {
            let weights = format!("runs-{net}/{run}/{run}.safetensors");
            let evaluate = format!("evaluate --data data --net {net} --weights {weights} --json");
            let report = doorplate(shop.path(), &evaluate).json();
            assert!(report["digits"].as_u64().is_some_and(|digits| digits >= 8), "{report}");
        }
    }
}

#[test]
fn a_prepared_store_trains_as_its_photos_do_and_only_what_it_is_cut_for() {
    let shop = shop(12);
    let at = shop.path();
    doorplate(at, "data prepare data --net ConvNet48 -o digits.store").done();
    doorplate(at, "train --data digits.store --device cpu --epochs 1 --id store").done();
    doorplate(at, "train --data data --device cpu --epochs 1 --id photos").done();
    let [photos, store] = &runs(at)[..] else { panic!("two runs: {:?}", runs(at)) };
    assert!(weights(photos) == weights(store), "the store's weights are others");
    let message = doorplate(at, "train --data digits.store --net Caffe").refused(3);
    assert!(message.contains("digits.store") && message.contains("Caffe"), "{message}");
    fs::write(at.join("old.store"), b"DPSTORE0 something older").expect("written");
    let message = doorplate(at, "train --data old.store").refused(3);
    assert!(message.contains("data prepare"), "{message}");
}

/// Starts a run, asks it to stop (as Ctrl-C does) after its first epoch, and gives its folder.
#[cfg(unix)]
fn stopped_run(at: &Path, command: &str) -> PathBuf {
    let mut child = program()
        .current_dir(at)
        .args(command.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built program starts");
    let mut messages = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    messages.read_line(&mut line).expect("read");
    assert!(line.starts_with("epoch    1"), "{line}");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill runs").success());
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut messages, &mut rest).expect("read");
    let code = child.wait().expect("waited for").code();
    assert_eq!(code, Some(130), "{rest}");
    assert!(rest.contains("stopped after step") && rest.contains("--resume"), "{rest}");
    runs(at).into_iter().next_back().expect("a run")
}

#[cfg(unix)]
#[test]
fn a_run_stopped_within_an_epoch_goes_on_to_the_same_weights() {
    let shop = shop(200);
    let at = shop.path();
    let train = "train --data data@2 --data crops.mat --net TensorFlow --device cpu --epochs 3 \
                 --batch 8 --averaging 0.99 --optimizer adadelta --rate 1 --patience 3 --jpeg 0.1";
    doorplate(at, &format!("{train} --id a")).done();
    let stopped = stopped_run(at, &format!("{train} --id b"));
    let resumed = program()
        .current_dir(at)
        .args(["train", "--device", "cpu", "--resume"])
        .arg(&stopped)
        .output()
        .expect("the built program starts");
    Ran::from(resumed).done();
    let unbroken = runs(at).into_iter().next().expect("a run");
    assert!(weights(&unbroken) == weights(&stopped), "the resumed run's weights are others");
}

/// The bytes of the tensors that the run's optimiser moves, by their names.
fn learned(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let file = weights(run);
    let (length, rest) = file.split_first_chunk::<8>().expect("the header's length");
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let header: BTreeMap<String, Value> = serde_json::from_slice(header).expect("a header");
    let of_tensor = |(name, entry): (String, Value)| {
        let at = |i: usize| entry["data_offsets"][i].as_u64().map(|at| at as usize);
        let moves = name.ends_with("weight") || name.ends_with("bias");
        moves.then(|| (name, data[at(0).expect("a start")..at(1).expect("an end")].to_vec()))
    };
    header.into_iter().filter_map(of_tensor).collect()
}

#[test]
fn a_seed_gives_the_same_first_weights_whatever_computes() {
    let shop = shop(4);
    // At this rate no weight moves. Two devices compute through Burn, one by our own passes.
    let train = "train --data data --validation 0 --net ConvNet48_333 --epochs 1 --optimizer sgd \
                 --rate 1e-30 --schedule constant";
    let first = |name: &str, more: &str| {
        doorplate(shop.path(), &format!("{train} --out {name} {more}")).done();
        let run = names_in(&shop.path().join(name)).pop().expect("a run");
        learned(&shop.path().join(name).join(run))
    };
    let one = first("one", "--device cpu");
    assert!(one.len() >= 8, "{:?}", one.keys());
    assert!(one == first("two", "--device cpu,cpu"), "other first weights");
    assert!(one != first("other", "--device cpu --seed 2"), "the seed changes nothing");
}

#[test]
fn a_plan_runs_all_its_lines_and_goes_on_where_it_was() {
    let shop = shop(12);
    let at = shop.path();
    let plan =
        "# the report's optimisers\n--optimizer sgd --rate 0.01\n\n--net ConvNet32 --epochs 2\n";
    fs::write(at.join("optimisers.txt"), plan).expect("written");
    let command = "train --plan optimisers.txt --data data --device cpu --epochs 1 --batch 16";
    let table = doorplate(at, command).done();
    assert!(table.contains("optimisers-01,ConvNet48_Dropout3,"), "{table}");
    assert!(table.contains("optimisers-02,ConvNet32,"), "{table}");
    assert!(at.join("runs/optimisers_plan.csv").is_file());
    // A run that is missing is made again; a finished one is left alone.
    fs::remove_dir_all(at.join("runs/optimisers-02")).expect("removed");
    let again = doorplate(at, command);
    assert_eq!(again.stderr.matches("epoch  ").count(), 2, "{}", again.stderr);
    assert!(again.done().contains("optimisers-01,ConvNet48_Dropout3,"));
    assert!(!weights(&at.join("runs/optimisers-02")).is_empty());
    // A line that has become another is never taken for the run that is there.
    fs::write(at.join("optimisers.txt"), "--optimizer adagrad\n").expect("written");
    let message = doorplate(at, command).refused(1);
    assert!(message.contains("a run with other options"), "{message}");
}

#[test]
fn a_mistake_in_a_plan_is_known_before_its_first_run() {
    let shop = shop(4);
    let at = shop.path();
    for (line, problem) in [
        ("--net ConvNet99", "ConvNet99"),
        ("--rate fast", "rate"),
        ("--momentum 0.9", "--momentum"),
        ("--no-such-option", "--no-such-option"),
    ] {
        fs::write(at.join("plan.txt"), format!("--epochs 1\n{line}\n")).expect("written");
        let message = doorplate(at, "train --plan plan.txt --data data").refused(2);
        assert!(message.contains("line 2") && message.contains(problem), "{message}");
        assert!(!at.join("runs").exists(), "something ran");
    }
    fs::write(at.join("plan.txt"), "# nothing\n").expect("written");
    let message = doorplate(at, "train --plan plan.txt --data data").refused(2);
    assert!(message.contains("no run"), "{message}");
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_says_where() {
    let shop = shop(12);
    let command = "train --data data --device cpu --optimizer sgd --rate 1e38 --epochs 9 \
                   --schedule constant --batch 8";
    let message = doorplate(shop.path(), command).refused(1);
    assert!(message.contains("the loss became") && message.contains("in step"), "{message}");
}

#[test]
fn no_digit_is_both_held_back_and_trained_on() {
    let shop = shop(4);
    let message = doorplate(shop.path(), "train --data data --data ./data").refused(3);
    assert!(message.contains("given twice"), "{message}");
    doorplate(shop.path(), "train --data data --validate-on data").refused(3);
}

#[test]
fn early_stopping_needs_digits_to_judge_by() {
    let shop = shop(4);
    let message =
        doorplate(shop.path(), "train --data data --patience 2 --validation 0").refused(2);
    assert!(message.contains("--validation"), "{message}");
}
