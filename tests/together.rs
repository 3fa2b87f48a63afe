//! Several processes at one place, and what those that were killed leave for the next one. Each pair is
//! started a few times; `PAIRS=50 cargo test --release --test together` starts it more often.
#![cfg(feature = "native")]

mod support;

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use doorplate::{publication::sha256_hex, synthetic::write_format1};
use serde_json::Value;
use support::{Ran, doorplate, names_in, program};
use tempfile::TempDir;

const TRAIN: &str = "train --data data --validation 0 --epochs 1 --batch 8 --device cpu";

/// A folder with some drawn photos in `data`.
fn shop() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_format1(&folder.path().join("data"), 4, 5).expect("drawn");
    folder
}

fn start(at: &Path, command: &str) -> Child {
    program()
        .current_dir(at)
        .args(command.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built program starts")
}

/// How often each pair is started: `PAIRS`, if that is given.
fn pairs() -> usize {
    std::env::var("PAIRS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// Starts commands at the same time, and waits for both.
fn together(at: &Path, commands: [&str; 2]) -> [Ran; 2] {
    let children = commands.map(|command| start(at, command));
    children.map(|child| child.wait_with_output().expect("watched").into())
}

/// The same for commands that do not get in each other's way.
fn both_done(at: &Path, commands: [&str; 2]) {
    for ran in together(at, commands) {
        ran.done();
    }
}

/// The folders of runs, each of which is finished and named as its files are.
fn finished_runs(at: &Path) -> Vec<PathBuf> {
    let runs = at.join("runs");
    let named = names_in(&runs).into_iter().map(|name| {
        let run = runs.join(&name);
        assert!(run.join(format!("{name}.safetensors")).is_file(), "{:?}", names_in(&run));
        assert!(run.join(format!("{name}_curves.svg")).is_file(), "{:?}", names_in(&run));
        let hidden = names_in(&run).into_iter().filter(|name| name.starts_with('.'));
        assert_eq!(hidden.count(), 0, "{:?}", names_in(&run));
        run
    });
    named.collect()
}

fn weights(run: &Path) -> Vec<u8> {
    let name = run.file_name().expect("a name").to_string_lossy().into_owned();
    fs::read(run.join(format!("{name}.safetensors"))).expect("read")
}

#[test]
fn runs_that_are_started_together_get_a_folder_each() {
    let shop = shop();
    let other = format!("{TRAIN} --seed 2");
    for pair in 1..=pairs() {
        both_done(shop.path(), [TRAIN, &other]);
        let runs = finished_runs(shop.path());
        assert_eq!(runs.len(), 2 * pair, "{runs:?}");
    }
    let runs = finished_runs(shop.path());
    let of_first = runs.iter().filter(|run| weights(run) == weights(&runs[0])).count();
    assert_eq!(of_first, pairs(), "half of them are of each seed");
}

#[test]
fn one_run_is_resumed_by_one_process() {
    let shop = shop();
    doorplate(shop.path(), &format!("{TRAIN} --epochs 3 --id a")).done();
    let run = finished_runs(shop.path()).remove(0);
    let whole = weights(&run);
    let resume = format!("train --device cpu --resume {}", run.display());
    for _ in 0..pairs() {
        let ended = together(shop.path(), [&resume, &resume]);
        assert!(ended.iter().any(|ran| ran.code == Some(0)), "nobody went on");
        for refused in ended.into_iter().filter(|ran| ran.code != Some(0)) {
            let message = refused.refused(1);
            assert!(message.contains("another doorplate"), "{message}");
        }
        assert!(finished_runs(shop.path()) == [run.clone()] && weights(&run) == whole);
    }
}

fn publish(run: &Path, name: &str) -> String {
    format!(
        "publish {} --name {name} --measure-on data --device cpu --trained-on photos \
         --measured-on photos",
        run.display()
    )
}

fn published(at: &Path) -> Vec<Value> {
    let manifest = fs::read(at.join("models/manifest.json")).expect("read");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let models = manifest["models"].as_array().expect("a list").clone();
    for model in &models {
        let file = at.join("models").join(model["file"].as_str().expect("a name"));
        assert_eq!(model["sha256"], sha256_hex(&fs::read(file).expect("read")).as_str());
    }
    models
}

#[test]
fn models_that_are_published_together_are_all_published() {
    let shop = shop();
    let at = shop.path();
    both_done(at, [TRAIN, &format!("{TRAIN} --seed 2")]);
    let [one, other] = &finished_runs(at)[..] else { panic!("two runs were made") };
    for pair in 0..pairs() {
        let names = [format!("a{pair}"), format!("b{pair}")];
        both_done(at, [&publish(one, &names[0]), &publish(other, &names[1])]);
        assert_eq!(published(at).len(), 2 * (pair + 1));
    }
    let before = names_in(&at.join("models")).len();
    for _ in 0..pairs().div_ceil(3) {
        // The one that comes second replaces the other, whose weights are removed.
        both_done(at, [&publish(one, "same"), &publish(other, "same")]);
        assert_eq!(published(at).len(), 2 * pairs() + 1);
        assert_eq!(names_in(&at.join("models")).len(), before + 3, "weights, card and curves");
    }
}

#[test]
fn what_killed_processes_left_is_removed_and_nothing_else() {
    let shop = shop();
    let at = shop.path();
    doorplate(at, TRAIN).done();
    let run = finished_runs(at).remove(0);
    doorplate(at, &publish(&run, "first")).done();
    let models = at.join("models");
    for folder in [&run, &models] {
        // As a kill leaves them, with the lock of a process that is no more.
        fs::write(folder.join(".doorplate-Ab3dEf"), "half").expect("written");
        fs::write(folder.join(".lock"), "4711").expect("written");
        fs::write(folder.join("mine.txt"), "mine").expect("written");
        fs::create_dir(folder.join(".doorplate-mine")).expect("made");
    }
    doorplate(at, &publish(&run, "second")).done();
    doorplate(at, &format!("train --device cpu --resume {}", run.display())).done();
    for folder in [&run, &models] {
        let names = names_in(folder);
        let hidden: Vec<_> = names.iter().filter(|name| name.starts_with('.')).collect();
        assert_eq!(hidden, [".doorplate-mine"]);
        assert!(names.iter().any(|name| name == "mine.txt"), "{names:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_fetch_ends_at_ctrl_c_while_the_server_is_silent_and_leaves_nothing_empty() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for signal in ["-INT", "-TERM"] {
        let server = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = server.local_addr().expect("bound");
        let fetch = format!("data fetch test_32x32 --out new/svhn --source http://{address}");
        let child = start(folder.path(), &fetch);
        // It has asked, and waits for an answer that never comes.
        let (_connection, _) = server.accept().expect("it connects");
        let id = child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill runs").success());
        let ran: Ran = child.wait_with_output().expect("watched").into();
        let message = ran.refused(130);
        assert!(message.contains("start again to continue"), "{message}");
        assert_eq!(names_in(folder.path()), [""; 0]);
    }
}
