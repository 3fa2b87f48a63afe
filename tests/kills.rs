//! Commands that are killed at random times, or run twice at the same time, end as undisturbed ones
//! do. A few kills each; `KILLS=500 cargo test --release --test kills -- --nocapture` does more, and
//! prints counts.
#![cfg(all(feature = "native", unix))]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use doorplate::synthetic::write_format1;
use serde_json::Value;
use support::{
    Ran, colourful, doorplate, encoded, names_in, program,
    shop::{command, results, shop},
};

/// How often each command is killed: a share of `KILLS`, if that is given.
fn kills(few: u32, share: f64) -> u32 {
    let wanted = std::env::var("KILLS").ok().and_then(|text| text.parse::<f64>().ok());
    wanted.map_or(few, |wanted| (wanted * share) as u32)
}

/// Fractions from 0 to 1, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        // Knuth's linear congruential generator; the first bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 40) as f64 / f64::from(1 << 24)
    }
}

fn started(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built program starts")
}

/// Kills a command after this time; gives how it ended if it was faster.
fn killed_after(command: &mut Command, time: Duration) -> Option<Ran> {
    let mut child = started(command);
    thread::sleep(time);
    // Its number is not given away before it has been waited for, so nothing else can be hit.
    child.kill().expect("killed");
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    ran.code.is_some().then_some(ran)
}

/// Every result that is there is that of an undisturbed run, and each record is of a whole result.
fn check(shop: &Path, out: &str, whole: &BTreeMap<String, Vec<u8>>) {
    if !shop.join(out).exists() {
        // Killed before it had begun.
        return;
    }
    for (name, content) in results(&shop.join(out)) {
        assert!(whole.get(&name) == Some(&content), "{name} is not a whole result");
    }
    let records = shop.join(out).join(".doorplate");
    for name in if records.is_dir() { names_in(&records) } else { Vec::new() } {
        if let Some(photo) = name.strip_suffix(".json") {
            let there = shop.join(out).join(photo).exists();
            assert!(there, "{photo} has a record and no result");
        }
    }
}

const ERASE: &str = "photos --boxes lists/digitStruct.mat --jobs 2 -o";

#[test]
fn erase_ends_as_if_nobody_had_killed_it() {
    let shop = shop(8);
    let at = shop.path();
    let begun = Instant::now();
    command(at, &format!("{ERASE} whole")).output().expect("it starts");
    let whole_time = begun.elapsed();
    let whole = results(&at.join("whole"));
    assert_eq!(whole.len(), 8);
    let mut dice = Dice(1);
    let (mut kills_done, mut ends, mut killed_pairs) = (0, 0, 0);
    while kills_done < kills(8, 0.7) {
        // Two parts at the same time, or all in one process.
        let parts: &[&str] = if dice.roll() < 0.3 { &["0/2", "1/2"] } else { &[""] };
        killed_pairs += u32::from(parts.len() > 1);
        let mut children: Vec<Child> = parts
            .iter()
            .map(|part| {
                let shard = if part.is_empty() { String::new() } else { format!("--shard {part}") };
                started(&mut command(at, &format!("{ERASE} out {shard}")))
            })
            .collect();
        thread::sleep(whole_time.mul_f64(1.2 * dice.roll()));
        for child in &mut children {
            child.kill().expect("killed");
        }
        for child in children {
            let ran = Ran::from(child.wait_with_output().expect("it ends"));
            match ran.code {
                None => kills_done += 1,
                Some(0) => {}
                // No photo is blamed.
                code => panic!("{code:?}: {}{}", ran.stdout, ran.stderr),
            }
        }
        check(at, "out", &whole);
        // From time to time it may end.
        if dice.roll() < 0.2 {
            Ran::from(command(at, &format!("{ERASE} out")).output().expect("it starts")).done();
            assert!(results(&at.join("out")) == whole, "another end");
            let records = at.join("out/.doorplate");
            let names = names_in(&records);
            assert_eq!(names.len(), whole.len(), "records, and nothing else: {names:?}");
            let verify = command(at, &format!("{ERASE} out --verify")).output();
            Ran::from(verify.expect("it starts")).done();
            fs::remove_dir_all(at.join("out")).expect("removed");
            ends += 1;
        }
    }
    Ran::from(command(at, &format!("{ERASE} out")).output().expect("it starts")).done();
    assert!(results(&at.join("out")) == whole, "another end");
    println!(
        "erase: {kills_done} kills, {killed_pairs} times of two parts at once; {} ends compared",
        ends + 1
    );
}

#[test]
fn two_of_the_same_command_at_once_do_the_work_once() {
    let shop = shop(8);
    let at = shop.path();
    command(at, &format!("{ERASE} whole")).output().expect("it starts");
    let whole = results(&at.join("whole"));
    let pairs = std::env::var("PAIRS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let mut refused = 0;
    for _ in 0..pairs {
        let two = [0, 1].map(|_| started(&mut command(at, &format!("{ERASE} out"))));
        let codes = two.map(|child| {
            let ran = Ran::from(child.wait_with_output().expect("it ends"));
            assert!(
                ran.code == Some(0) || ran.stderr.contains("another doorplate"),
                "{}",
                ran.stderr
            );
            ran.code
        });
        assert!(codes.contains(&Some(0)), "one of them does it");
        refused += codes.iter().filter(|code| **code != Some(0)).count();
        assert!(results(&at.join("out")) == whole);
        fs::remove_dir_all(at.join("out")).expect("removed");
    }
    println!("erase: {pairs} pairs of the same command, {refused} refused, all ends the same");
}

/// A folder with drawn photos in `data`.
fn workshop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_format1(&folder.path().join("data"), 30, 5).expect("drawn");
    folder
}

/// The weights of a finished run.
fn weights(run: &Path) -> Option<Vec<u8>> {
    let name = names_in(run).into_iter().find(|name| name.ends_with(".safetensors"))?;
    Some(fs::read(run.join(name)).expect("read"))
}

/// Whether this is a whole checkpoint, and not one that was being written.
fn is_checkpoint(name: &str) -> bool {
    name.strip_prefix("checkpoint-").is_some_and(|steps| steps.parse::<u32>().is_ok())
}

#[test]
fn train_ends_with_the_same_weights_however_often_it_is_killed() {
    let shop = workshop();
    let at = shop.path();
    let train = "train --data data --net Caffe --device cpu --epochs 2 --batch 8 \
                 --checkpoint-every 2";
    let begun = Instant::now();
    doorplate(at, &format!("{train} --id whole --out whole")).done();
    let whole_time = begun.elapsed();
    let run_in = |folder: &str| {
        let runs = at.join(folder);
        let name = if runs.is_dir() { names_in(&runs).into_iter().next() } else { None };
        name.map(|name| runs.join(name))
    };
    let whole = weights(&run_in("whole").expect("a run")).expect("weights");
    let mut dice = Dice(2);
    let (mut kills_done, mut ends, mut resumed) = (0, 0, 0);
    while kills_done < kills(3, 0.1) || ends == 0 {
        let run = run_in("runs");
        let has_checkpoint =
            run.as_ref().is_some_and(|run| names_in(run).iter().any(|name| is_checkpoint(name)));
        let arguments = match &run {
            Some(run) if has_checkpoint => {
                resumed += 1;
                format!("train --device cpu --resume {}", run.display())
            }
            run => {
                if run.is_some() {
                    fs::remove_dir_all(at.join("runs")).expect("removed");
                }
                format!("{train} --id killed")
            }
        };
        let mut command = program();
        command.current_dir(at).args(arguments.split_whitespace());
        let time = if kills_done < kills(3, 0.1) {
            whole_time.mul_f64(1.2 * dice.roll())
        } else {
            Duration::from_secs(600).min(whole_time * 20)
        };
        let ended = if kills_done < kills(3, 0.1) {
            killed_after(&mut command, time)
        } else {
            Some(Ran::from(command.output().expect("it starts")))
        };
        match ended {
            None => kills_done += 1,
            Some(ran) => {
                ran.done();
                let run = run_in("runs").expect("a run");
                assert!(weights(&run).as_ref() == Some(&whole), "other weights");
                fs::remove_dir_all(at.join("runs")).expect("removed");
                ends += 1;
            }
        }
    }
    println!("train: {kills_done} kills, resumed {resumed} times, {ends} ends compared");
}

#[test]
fn publish_leaves_the_old_models_or_the_new_ones() {
    let shop = workshop();
    let at = shop.path();
    doorplate(at, "train --data data --net Caffe --device cpu --epochs 1 --batch 8 --id a").done();
    let run = format!("runs/{}", names_in(&at.join("runs"))[0]);
    let publish = |models: &str, name: &str| {
        let mut command = program();
        command.current_dir(at).args(["publish", &run, "--name", name, "--models", models]);
        command.args(["--measure-on", "data", "--device", "cpu"]);
        command.args(["--trained-on", "drawn photos", "--measured-on", "the same photos"]);
        command
    };
    let files = |folder: &str| -> BTreeMap<String, Vec<u8>> {
        let mut files = results(&at.join(folder));
        files.retain(|name, _| !name.starts_with(".doorplate-"));
        files
    };
    let mut whole_time = Duration::ZERO;
    for folder in ["whole", "killed"] {
        let begun = Instant::now();
        Ran::from(publish(folder, "first").output().expect("it starts")).done();
        whole_time = begun.elapsed();
    }
    let first = files("killed");
    assert!(first == files("whole"), "publishing gives the same twice");
    Ran::from(publish("whole", "second").output().expect("it starts")).done();
    let both = files("whole");
    // The networks that find strokes and digits come from the program, as the folder has none.
    let listed = || -> usize {
        let found = doorplate(at, "models --models killed --json").json();
        found.as_array().map_or(0, |it| it.iter().filter(|it| it["kind"] == "reader").count())
    };
    let mut dice = Dice(3);
    let (mut kills_done, mut done) = (0, 0);
    while kills_done < kills(3, 0.1) {
        match killed_after(&mut publish("killed", "second"), whole_time.mul_f64(1.2 * dice.roll()))
        {
            None => kills_done += 1,
            Some(ran) => drop(ran.done()),
        }
        let manifest: Value =
            serde_json::from_slice(&fs::read(at.join("killed/manifest.json")).expect("read"))
                .expect("a whole manifest");
        let models = manifest["models"].as_array().map_or(0, Vec::len);
        assert!(models == 1 || models == 2, "{manifest}");
        assert_eq!(listed(), models, "all of them can be used");
        if models == 2 {
            done += 1;
            Ran::from(publish("killed", "second").output().expect("it starts")).done();
            assert!(files("killed") == both, "another end");
            fs::remove_dir_all(at.join("killed")).expect("removed");
            fs::create_dir(at.join("killed")).expect("made");
            for (name, content) in &first {
                fs::write(at.join("killed").join(name), content).expect("written");
            }
        }
    }
    Ran::from(publish("killed", "second").output().expect("it starts")).done();
    assert!(files("killed") == both, "another end");
    println!("publish: {kills_done} kills, {} ends compared", done + 1);
}

/// Serves a folder on this machine until it is dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn of(folder: &Path) -> Self {
        fs::write(folder.join("index.html"), "").expect("written");
        let mut command = program();
        command.args(["serve", "--port", "0", "--dir"]).arg(folder);
        let mut process = started(&mut command);
        let mut line = String::new();
        let stdout = process.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it is");
        let address = line.split_whitespace().find(|word| word.starts_with("http://"));
        let address = address.expect("an address").trim_end_matches('/').to_owned();
        Server { process, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn fetch_ends_with_the_same_files_however_often_it_is_killed() {
    let shop = tempfile::tempdir().expect("a temporary folder");
    let at = shop.path();
    write_format1(&at.join("test"), 60, 5).expect("drawn");
    fs::create_dir(at.join("home")).expect("made");
    let archive = fs::File::create(at.join("home/test.tar.gz")).expect("made");
    let packed = flate2::write::GzEncoder::new(archive, flate2::Compression::fast());
    let mut tar = tar::Builder::new(packed);
    tar.append_dir_all("test", at.join("test")).expect("added");
    tar.into_inner().and_then(flate2::write::GzEncoder::finish).expect("written");
    let server = Server::of(&at.join("home"));
    let fetch = || {
        let mut command = program();
        command.current_dir(at).args(["data", "fetch", "test", "--accept-changed", "--out", "out"]);
        command.args(["--source", &server.address]);
        command
    };
    let begun = Instant::now();
    Ran::from(fetch().output().expect("it starts")).done();
    let whole_time = begun.elapsed();
    let whole = results(&at.join("out"));
    assert_eq!(whole.len(), 62, "photos, their list, and the sum of their archive");
    fs::remove_dir_all(at.join("out")).expect("removed");
    let mut dice = Dice(4);
    let (mut kills_done, mut ends) = (0, 0);
    while kills_done < kills(8, 0.1) || ends == 0 {
        let last = kills_done >= kills(8, 0.1);
        let time = if last { 20.0 } else { 1.2 * dice.roll() };
        let ended = killed_after(
            &mut fetch(),
            whole_time.mul_f64(time).max(if last {
                Duration::from_secs(10)
            } else {
                Duration::ZERO
            }),
        );
        let there = at.join("out/test");
        if there.exists() {
            let set = whole.iter().filter_map(|(name, content)| {
                Some((name.strip_prefix("test/")?.to_owned(), content.clone()))
            });
            assert!(results(&there) == set.collect(), "the set is there, and not whole");
        }
        match ended {
            None => kills_done += 1,
            Some(ran) => {
                ran.done();
                let end = results(&at.join("out"));
                let names = |of: &BTreeMap<String, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
                assert_eq!(names(&end), names(&whole), "other files");
                assert!(end == whole, "other contents");
                fs::remove_dir_all(at.join("out")).expect("removed");
                ends += 1;
            }
        }
    }
    println!("fetch: {kills_done} kills, {ends} ends compared");
}

/// Sends SIGTERM after a moment; gives how long the process lives on, and how it ends. `None` if it
/// has ended by itself before.
fn stopped_after(mut child: Child, moment: Duration) -> Option<(Duration, Option<i32>)> {
    thread::sleep(moment);
    if child.try_wait().expect("watched").is_some() {
        return None;
    }
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(kill.is_ok_and(|status| status.success()));
    let sent = Instant::now();
    // Without reading what it prints: its pipes may be full.
    let status = child.wait().expect("it ends");
    Some((sent.elapsed(), status.code()))
}

#[test]
fn a_signal_ends_every_command_in_five_seconds() {
    let shop = workshop();
    let at = shop.path();
    // One photo that takes long, with boxes all over it.
    fs::create_dir(at.join("large")).expect("made");
    let large = image::DynamicImage::ImageRgb8(colourful(4_000, 3_000));
    fs::write(at.join("large/1.png"), encoded(&large, image::ImageFormat::Png)).expect("written");
    let boxes: Vec<Value> = (0..300)
        .map(|i| {
            let (left, top) = (i % 20 * 190, i / 20 * 190);
            serde_json::json!({ "left": left, "top": top, "width": 170, "height": 180 })
        })
        .collect();
    let boxes = serde_json::json!({ "boxes": boxes }).to_string();
    fs::write(at.join("large/1.boxes.json"), boxes).expect("written");
    // So many lines of JSON that a pipe is full.
    fs::create_dir(at.join("many")).expect("made");
    for i in 0..2_500 {
        fs::write(at.join(format!("many/{i}.png")), "no photo").expect("written");
    }
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let models = models.display();
    doorplate(at, "train --data data --net Caffe --device cpu --epochs 1 --batch 8 --id a").done();
    let run = format!("runs/{}", names_in(&at.join("runs"))[0]);
    for (arguments, code) in [
        (format!("erase large -o out-large --models {models}"), Some(130)),
        (format!("erase large/1.png -o one.png --models {models}"), None),
        (format!("erase many -o out-many --boxes large --models {models}"), Some(130)),
        (
            "train --data data --net ConvNet128 --device cpu --epochs 1000 --batch 30".to_owned(),
            Some(130),
        ),
        (format!("find large --models {models}"), None),
        (format!("evaluate --data data --all --models {models}"), None),
        (
            format!(
                "publish {run} --name a --measure-on data --device cpu --trained-on a --measured-on a"
            ),
            None,
        ),
        ("data synth --photos 100000 --out drawn".to_owned(), None),
    ] {
        let mut command = program();
        command.current_dir(at).args(arguments.split_whitespace());
        let moment = if code.is_some() { 1_600 } else { 200 };
        let stopped = stopped_after(started(&mut command), Duration::from_millis(moment));
        let Some((time, ended)) = stopped else {
            assert!(code.is_none(), "it has ended by itself: {arguments}");
            println!("faster than any signal: {arguments}");
            continue;
        };
        println!("{time:.1?}, code {ended:?}: {arguments}");
        assert!(time < Duration::from_secs(5), "{time:?}: {arguments}");
        assert!(code.is_none() || ended == code, "{ended:?}: {arguments}");
    }
    // What was in work is not blamed, but done by the next run.
    let in_work = at.join("out-large/.doorplate/.doorplate/work");
    assert!(!in_work.exists() || names_in(&in_work).is_empty());
}
