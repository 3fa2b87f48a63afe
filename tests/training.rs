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
    dataset::{format1::Format1, format2::crop_of, format2_writer::write_format2},
    photo::CropShape,
    synthetic::write_format1,
};
use serde_json::Value;
use support::{Ran, doorplate, names_in, program};
use tempfile::TempDir;

/// A folder with some drawn photos in `data` and, as Format 2, in `crops.mat`; in `wrong.mat`, the
/// latter are all said to be threes.
fn shop(photos: u32) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    write_format1(&data, photos, 5).expect("drawn");
    let data = Format1::open(&data).expect("opened");
    let (mut crops, mut digits) = (Vec::new(), Vec::new());
    for entry in &data.photos {
        let (photo, on_photo) = data.load(entry).expect("loaded");
        for digit in on_photo {
            crops.extend(crop_of(&photo, digit.area));
            digits.push(digit.digit);
        }
    }
    write_format2(&folder.path().join("crops.mat"), &crops, &digits).expect("written");
    digits.fill(3);
    write_format2(&folder.path().join("wrong.mat"), &crops, &digits).expect("written");
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
fn a_run_that_is_killed_goes_on_from_its_last_checkpoint_to_the_same_weights() {
    let shop = shop(100);
    let at = shop.path();
    let train = "train --data data@2 --device cpu --epochs 2 --batch 8 --checkpoint-every 7";
    doorplate(at, &format!("{train} --id a")).done();
    let begun = |at: &Path| {
        let run = runs(at).into_iter().nth(1)?;
        let names = names_in(&run);
        // The second one: that the first is gone and nothing else lost is part of the test.
        names.iter().any(|name| name == "checkpoint-000000014").then_some(run)
    };
    let mut child = program()
        .current_dir(at)
        .args(format!("{train} --id b").split_whitespace())
        .stderr(Stdio::null())
        .spawn()
        .expect("the built program starts");
    let killed = loop {
        assert!(child.try_wait().expect("watched").is_none(), "it ended before it was killed");
        match begun(at) {
            Some(run) => break run,
            None => std::thread::sleep(std::time::Duration::from_millis(2)),
        }
    };
    child.kill().expect("killed");
    child.wait().expect("waited for");
    let resume = format!("train --device cpu --resume {}", killed.display());
    doorplate(at, &resume).done();
    let unbroken = runs(at).into_iter().next().expect("a run");
    assert!(weights(&unbroken) == weights(&killed), "the resumed run's weights are others");
}

/// Flips the lowest bit of a file's byte; the same again restores it.
fn flip(path: &Path, byte: usize) {
    let mut content = fs::read(path).expect("read");
    content[byte] ^= 1;
    fs::write(path, content).expect("written");
}

#[test]
fn a_damaged_checkpoint_or_damaged_weights_are_refused() {
    let shop = shop(12);
    let at = shop.path();
    let train = "train --data data --device cpu --epochs 1 --patience 3 --averaging 0.9 --seed 1";
    doorplate(at, train).done();
    let run = runs(at).pop().expect("a run");
    let resume = format!("train --device cpu --resume {}", run.display());
    let checkpoint = run.join("checkpoint-000000001");
    let seed = fs::read_to_string(run.join("run.json")).expect("read").find("\"seed\": 1");
    let seed = seed.expect("the options name the seed") + "\"seed\": ".len();
    let mut damage = vec![(run.join("run.json"), seed)];
    let names = names_in(&checkpoint);
    assert_eq!(names.len(), 6, "{names:?}");
    for name in &names {
        let path = checkpoint.join(name);
        let middle = fs::read(&path).expect("read").len() / 2;
        damage.push((path, middle));
    }
    for (path, byte) in damage {
        flip(&path, byte);
        let message = doorplate(at, &resume).refused(3);
        assert!(message.contains("SHA256SUMS") && message.contains("from a copy"), "{message}");
        flip(&path, byte);
    }
    let publish = format!(
        "publish {} --name mine --trained-on a --measured-on b --measure-on data --device cpu",
        run.display()
    );
    let name = names_in(&run).into_iter().find(|name| name.ends_with(".safetensors"));
    let weights = run.join(name.expect("weights"));
    flip(&weights, fs::read(&weights).expect("read").len() - 1);
    let message = doorplate(at, &publish).refused(3);
    assert!(message.contains(".safetensors: damaged") && message.contains("--resume"), "{message}");
    let others = [
        format!("{train} --start {}", weights.display()),
        format!("{train} --teacher {}", weights.display()),
        format!("evaluate --data data --weights {} --device cpu", weights.display()),
    ];
    for command in others {
        let message = doorplate(at, &command).refused(4);
        assert!(message.contains(".safetensors: damaged"), "{message}");
    }
    doorplate(at, &resume).done();
    doorplate(at, &publish).done();
}

#[cfg(unix)]
#[test]
fn on_a_full_disk_a_run_ends_with_a_message_and_leaves_no_half_of_a_checkpoint() {
    let shop = shop(12);
    let at = shop.path();
    // A limit on files' sizes, in blocks of 512 or 1024 bytes, is met as a full disk is: what a
    // write says is an error. The description of a run fits, a checkpoint does not.
    let limited = Command::new("bash")
        .current_dir(at)
        .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_doorplate"))
        .args("train --data data --device cpu --epochs 1 --batch 8".split_whitespace())
        .output()
        .expect("bash starts");
    let message = Ran::from(limited).refused(1);
    assert!(message.contains("checkpoint-"), "{message}");
    let run = runs(at).into_iter().next().expect("a run");
    let whole = |name: &String| name.starts_with("checkpoint-") && !name.ends_with(".partial");
    assert!(!names_in(&run).iter().any(whole), "half a checkpoint passes for a whole one");
    let resume = format!("train --device cpu --resume {}", run.display());
    assert!(doorplate(at, &resume).refused(3).contains("no checkpoint"));
}

/// Compares a run that is stopped and resumed with one that is not.
#[cfg(unix)]
fn goes_on_to_the_same_weights(at: &Path, train: &str) {
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

#[cfg(unix)]
#[test]
fn a_run_stopped_within_an_epoch_goes_on_to_the_same_weights() {
    let shop = shop(200);
    let train = "train --data data@2 --data crops.mat --net Caffe --device cpu --epochs 3 \
                 --batch 8 --averaging 0.99 --optimizer adadelta --rate 1 --patience 3 --jpeg 0.1";
    goes_on_to_the_same_weights(shop.path(), train);
}

#[cfg(unix)]
#[test]
fn a_stroke_networks_run_goes_on_to_the_same_weights() {
    let shop = tempfile::tempdir().expect("a temporary folder");
    doorplate(shop.path(), "data synth --photos 60 --seed 3 --clean --out data").done();
    let train = "train --data data@2 --net StrokeNet --device cpu --epochs 3 --batch 8 --rate \
                 0.003 --averaging 0.99 --patience 3 --checkpoint-every 7";
    goes_on_to_the_same_weights(shop.path(), train);
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
fn a_pupil_learns_what_its_teacher_says_of_the_inputs_it_is_shown() {
    let shop = shop(12);
    let at = shop.path();
    let train = "train --net Caffe --device cpu --validation 0 --epochs 2 --batch 16 --data";
    doorplate(at, &format!("{train} crops.mat --id a")).done();
    let teacher = &runs(at)[0];
    let name = names_in(teacher).into_iter().find(|name| name.ends_with(".safetensors"));
    fs::copy(teacher.join(name.expect("weights")), at.join("teacher.safetensors")).expect("copied");

    // With a teacher alone, the labels have no say; with both, they have.
    let taught = format!("{train} crops.mat --teacher teacher.safetensors --seed 2 --teaching");
    let misled = format!("{train} wrong.mat --teacher teacher.safetensors --seed 2 --teaching");
    for (i, command) in [
        format!("{taught} 1 --id b"),
        format!("{misled} 1 --id c"),
        format!("{taught} 0.5 --id d"),
        format!("{misled} 0.5 --id e"),
    ]
    .iter()
    .enumerate()
    {
        doorplate(at, command).done();
        assert_eq!(runs(at).len(), i + 2);
    }
    let of: Vec<Vec<u8>> = runs(at).iter().map(|run| weights(run)).collect();
    assert!(of[1] == of[2], "labels changed what a teacher taught");
    assert!(of[3] != of[4] && of[3] != of[1] && of[0] != of[1]);

    let command = "train --net ConvNet48 --data data --teacher teacher.safetensors --out none";
    let message = doorplate(at, command).refused(4);
    assert!(message.contains("Caffe is given 32 x 32 RGB"), "{message}");
    fs::write(at.join("teacher.safetensors"), b"no weights").expect("written");
    let message = doorplate(at, command).refused(4);
    assert!(message.contains("teacher.safetensors") && message.contains("train"), "{message}");
    assert!(!at.join("none").exists(), "a run was begun");
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
fn the_plans_at_hand_are_plans() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plans = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/plans");
    let report =
        [("pytorch.txt", 7), ("settings.txt", 11), ("tensorflow.txt", 1), ("caffe.txt", 1)];
    let published = [
        ("convnet128.txt", 1),
        ("convnet128-sharp.txt", 1),
        ("convnet48-dropout3.txt", 1),
        ("convnet48-dropout3-again.txt", 1),
        ("convnet48-dropout3-last.txt", 1),
        ("other-six.txt", 6),
        ("finder.txt", 1),
        ("finder-2.txt", 1),
        ("finder-3.txt", 1),
        ("finder-4.txt", 1),
        ("finder-5.txt", 1),
        ("finder-6.txt", 1),
        ("reader.txt", 1),
        ("reader-full.txt", 1),
        ("strokes.txt", 1),
        ("strokes-2.txt", 1),
        ("strokes-3.txt", 1),
        ("strokes-4.txt", 1),
        ("synthetic-convnet128.txt", 1),
        ("synthetic-convnet48-dropout3.txt", 1),
    ];
    for (name, runs) in report.into_iter().chain(published) {
        let plan = plans.join(name).display().to_string();
        // All lines are understood; there is nothing to train on.
        let message =
            doorplate(folder.path(), &format!("train --plan {plan} --data none")).refused(1);
        assert!(message.contains(&format!("{runs} of {runs} runs failed")), "{message}");
    }
    assert_eq!(names_in(&plans).len(), report.len() + published.len());
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
        ("--net StrokeNet --smoothing 0.1", "StrokeNet"),
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
