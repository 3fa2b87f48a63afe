//! The built program as a user runs it, on drawn photos: what it writes, what it refuses, with
//! which exit code, and what a full disk or an interruption leaves behind.
#![cfg(feature = "native")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use doorplate::{dataset::format1::Format1, publication::sha256_hex, synthetic::write_format1};
use serde_json::{Value, json};
use support::{Ran, doorplate, names_in, pixels_outside, program};
use tempfile::TempDir;

const PHOTOS: u32 = 40;

/// A folder with drawn photos in `data`, a finished run of 2 epochs in `runs`, and what it
/// published as `first` in `models`. Made once a test run; tests that change it take a copy.
fn workshop() -> &'static Path {
    static WORKSHOP: OnceLock<PathBuf> = OnceLock::new();
    WORKSHOP.get_or_init(|| {
        // Not a temporary folder, as nothing removes what a static holds.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-workshop");
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the last run's folder can be removed");
        }
        write_format1(&folder.join("data"), PHOTOS, 2).expect("drawn");
        doorplate(&folder, "train --data data --epochs 2 --device cpu --id unbroken").done();
        publish(&folder, "first").done();
        folder
    })
}

/// A copy of the workshop that may be changed.
fn own_workshop() -> TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    copy_folder(workshop(), copy.path());
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for name in names_in(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(from, to).expect("copied");
        }
    }
}

/// The only folder in `runs`.
fn run_folder(workshop: &Path) -> PathBuf {
    let runs = workshop.join("runs");
    match names_in(&runs).as_slice() {
        [run] => runs.join(run),
        runs => panic!("one run was made, not {runs:?}"),
    }
}

fn publish_command(workshop: &Path, name: &str) -> Command {
    let mut command = program();
    command.current_dir(workshop).arg("publish").arg(run_folder(workshop));
    command.args(["--name", name, "--measure-on", "data", "--device", "cpu"]);
    command.args(["--trained-on", "drawn photos", "--measured-on", "the same photos"]);
    command
}

fn publish(workshop: &Path, name: &str) -> Ran {
    publish_command(workshop, name).output().expect("the built program starts").into()
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("read")).expect("JSON")
}

/// Every file of a folder with its content.
fn content_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names = names_in(folder);
    names
        .into_iter()
        .map(|name| (name.clone(), fs::read(folder.join(name)).expect("read")))
        .collect()
}

/// Writes a boxes file for a photo.
fn write_boxes(folder: &Path, boxes: &[[f64; 4]]) {
    let boxes: Vec<Value> = boxes
        .iter()
        .map(|[left, top, width, height]| {
            json!({ "left": left, "top": top, "width": width, "height": height })
        })
        .collect();
    let text = json!({ "boxes": boxes }).to_string();
    fs::write(folder.join("boxes.json"), text).expect("written");
}

#[test]
fn a_run_leaves_its_files_with_one_stem() {
    let run = run_folder(workshop());
    let stem = run.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(stem.starts_with("unbroken_train_"), "{stem}");
    for name in [
        format!("{stem}.safetensors"),
        format!("{stem}_results.txt"),
        format!("{stem}_measures.csv"),
        format!("{stem}_curves.svg"),
    ] {
        assert!(run.join(&name).is_file(), "{name} is missing among {:?}", names_in(&run));
    }
    let measures = fs::read_to_string(run.join(format!("{stem}_measures.csv"))).expect("read");
    let lines: Vec<&str> = measures.lines().collect();
    assert_eq!(lines[0], "epoch,loss,validation_accuracy,seconds");
    assert!(lines.len() == 3 && lines[2].starts_with("2,"), "{measures}");
    let results = fs::read_to_string(run.join(format!("{stem}_results.txt"))).expect("read");
    for part in ["ConvNet48_Dropout3", "Epochs: 2", "--seed 1", "Confusion"] {
        assert!(results.contains(part), "{part} is missing in {results}");
    }
}

/// Starts a run of 2 epochs in `workshop` and kills it after the first; its folder, or `None`
/// when it was quicker than the kill.
fn killed_run(workshop: &Path) -> Option<PathBuf> {
    let mut child = program()
        .current_dir(workshop)
        .args(["train", "--data", "data", "--epochs", "2", "--device", "cpu"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built program starts");
    // The line of the first epoch is written behind its checkpoint.
    let mut line = String::new();
    let mut messages = BufReader::new(child.stderr.take().expect("it is piped"));
    messages.read_line(&mut line).expect("read");
    assert!(line.starts_with("epoch    1"), "{line}");
    child.kill().expect("killed");
    child.wait().expect("waited for");
    let run = run_folder(workshop);
    let left = names_in(&run);
    let finished = left.iter().any(|name| name.ends_with(".safetensors"));
    (!finished).then_some(run)
}

#[test]
fn a_killed_run_goes_on_to_the_same_weights() {
    let shop = own_workshop();
    let weights = |run: &Path| {
        let stem = run.file_name().expect("a name").to_string_lossy().into_owned();
        fs::read(run.join(format!("{stem}.safetensors"))).expect("read")
    };
    let unbroken = weights(&run_folder(shop.path()));
    let run = (0..9).find_map(|_| {
        fs::remove_dir_all(shop.path().join("runs")).expect("removed");
        killed_run(shop.path())
    });
    let run = run.expect("one of nine runs is killed in time");
    let unfinished = publish(shop.path(), "early").refused(3);
    assert!(unfinished.contains("1 of 2 epochs"), "{unfinished}");

    let resumed = program()
        .current_dir(shop.path())
        .args(["train", "--device", "cpu", "--resume"])
        .arg(&run)
        .output()
        .expect("the built program starts");
    Ran::from(resumed).done();
    assert!(weights(&run) == unbroken, "the resumed run's weights differ from the unbroken run's");
}

#[test]
fn what_cannot_be_trained_on_leaves_no_run_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("empty")).expect("made");
    let message = doorplate(folder.path(), "train --data empty").refused(3);
    assert!(message.contains("empty: no digitStruct.mat here"), "{message}");
    doorplate(folder.path(), "train --data nowhere").refused(3);
    write_format1(&folder.path().join("data"), 2, 1).expect("drawn");
    let message = doorplate(folder.path(), "train --data data --validation 1").refused(3);
    assert!(message.contains("lower --validation"), "{message}");
    doorplate(folder.path(), "train --data data --id ../up").refused(2);
    doorplate(folder.path(), "train").refused(2);
    doorplate(folder.path(), "train --data data --net NoSuchNet").refused(2);
    assert_eq!(names_in(folder.path()), ["data", "empty"]);
    for command in ["train --resume data", "train --resume nothing", "train --resume data/1.png"] {
        let message = doorplate(folder.path(), command).refused(3);
        assert!(message.contains("no run is here"), "{message}");
    }
}

#[test]
fn evaluation_counts_every_digit_in_text_and_json() {
    let shop = workshop();
    let report = doorplate(shop, "evaluate --data data --json").json();
    let digits = report["digits"].as_u64().expect("a count");
    assert!(digits >= u64::from(PHOTOS));
    let scores = report["scores"].as_array().expect("a score a digit");
    assert_eq!(scores.len(), 10);
    assert_eq!(scores.iter().filter_map(|score| score["samples"].as_u64()).sum::<u64>(), digits);
    let counts = report["confusion"]["counts"].as_array().expect("ten rows");
    let right: u64 = (0..10).filter_map(|i| counts[i][i].as_u64()).sum();
    let accuracy = report["accuracy"].as_f64().expect("a share");
    assert!((accuracy - right as f64 / digits as f64).abs() < 1e-12);

    let text = doorplate(shop, "evaluate --data data").done();
    assert!(
        text.contains(&format!("Accuracy on {digits} digits: {:.1} %", 100.0 * accuracy)),
        "{text}"
    );
    assert!(text.contains("Precision  Recall    F1  Samples") && text.contains("Confusion"));

    // The file of weights alone, without the manifest.
    let names = names_in(&shop.join("models"));
    let file = names.iter().find(|name| name.ends_with(".safetensors")).expect("weights");
    let of_file = format!("evaluate --data data --json --weights models/{file}");
    let mut of_file = doorplate(shop, &of_file).json();
    assert_eq!((&report["model"], &of_file["model"]), (&"first".into(), &file[..18].into()));
    of_file["model"] = report["model"].clone();
    assert_eq!(of_file, report);
}

#[test]
fn data_that_cannot_be_used_is_exit_code_3() {
    let shop = own_workshop();
    fs::create_dir(shop.path().join("empty")).expect("made");
    let message = doorplate(shop.path(), "evaluate --data empty").refused(3);
    assert!(message.contains("empty: no digitStruct.mat here"), "{message}");
    fs::remove_file(shop.path().join("data/7.png")).expect("removed");
    let message = doorplate(shop.path(), "evaluate --data data").refused(3);
    assert!(message.contains("data/7.png"), "{message}");
    let list = shop.path().join("data/digitStruct.mat");
    let whole = fs::read(&list).expect("read");
    fs::write(&list, &whole[..whole.len() / 2]).expect("written");
    let message = doorplate(shop.path(), "evaluate --data data").refused(3);
    assert!(message.contains("data/digitStruct.mat"), "{message}");
}

#[test]
fn a_publication_says_what_it_is() {
    let models = workshop().join("models");
    let manifest = read_json(&models.join("manifest.json"));
    let model = &manifest["models"][0];
    let file = model["file"].as_str().expect("a name");
    let weights = fs::read(models.join(file)).expect("the named file is there");
    assert_eq!(model["sha256"], sha256_hex(&weights).as_str());
    assert_eq!(model["bytes"], weights.len());
    assert_eq!(file, format!("first-{}.safetensors", &sha256_hex(&weights)[..12]));
    let stem = run_folder(workshop()).file_name().expect("a name").to_owned();
    let single = run_folder(workshop()).join(stem).with_extension("safetensors");
    let single = fs::metadata(single).expect("the run's weights").len();
    assert!(weights.len() as u64 * 10 < single * 6, "in half precision: {}", weights.len());
    assert_eq!(model["architecture"], "ConvNet48_Dropout3");
    assert_eq!(model["trained_on"], "drawn photos");
    let measured = model["measured_digits"].as_u64().expect("a count");
    let trained = model["trained_digits"].as_u64().expect("a count");
    assert!(trained > 0 && trained < measured, "a tenth of the photos was held back");
    let command = model["command"].as_str().expect("a command");
    assert!(command.starts_with("doorplate train") && command.contains("--epochs 2"), "{command}");
    let card = fs::read_to_string(models.join("first.md")).expect("the card");
    for part in [file, "drawn photos", command, &format!("{measured} digits"), "first.svg"] {
        assert!(card.contains(part), "{part} is missing in {card}");
    }
    assert_eq!(names_in(&models).len(), 4, "nothing else is left: {:?}", names_in(&models));
}

#[test]
fn a_published_model_is_measured_again_and_on_other_digits_and_says_so() {
    let shop = own_workshop();
    let models = shop.path().join("models");
    let manifest = models.join("manifest.json");
    let published = read_json(&manifest);
    let sum = |model: &Value| -> u64 {
        let rows = model["confusion"]["counts"].as_array().expect("ten rows");
        rows.iter()
            .flat_map(|row| row.as_array().expect("ten counts"))
            .filter_map(Value::as_u64)
            .sum()
    };
    assert_eq!(published["models"][0]["measured_digits"], sum(&published["models"][0]));

    // As an older program published it.
    let mut older = published.clone();
    older["models"][0].as_object_mut().expect("an entry").remove("confusion");
    fs::write(&manifest, older.to_string()).expect("written");
    write_format1(&shop.path().join("others"), 6, 5).expect("drawn");
    let report =
        doorplate(shop.path(), "evaluate --data others --json --record other_photos").json();
    let again = read_json(&manifest);
    let model = &again["models"][0];
    let same = ["name", "sha256", "trained_on", "command", "measured_on", "accuracy"];
    for same in same {
        assert_eq!(model[same], published["models"][0][same]);
    }
    assert_eq!(model["also_measured"].as_array().map(Vec::len), Some(1));
    let other = &model["also_measured"][0];
    assert_eq!(other["measured_on"], "other_photos");
    assert_eq!(other["measured_digits"], report["digits"]);
    assert_eq!(other["accuracy"], report["accuracy"]);
    assert_eq!(other["confusion"], report["confusion"]);
    assert_eq!(sum(other), report["digits"].as_u64().expect("a count"));
    let card = fs::read_to_string(models.join("first.md")).expect("the card");
    assert!(card.contains("other_photos") && card.contains("the same photos"), "{card}");

    // Once more on the first digits: that measurement gets its readings, and nothing is added.
    let mut command = program();
    command.current_dir(shop.path()).args(["evaluate", "--data", "data", "--models", "models"]);
    let ran: Ran =
        command.args(["--record", "the same photos"]).output().expect("it starts").into();
    ran.done();
    let again = read_json(&manifest);
    let model = &again["models"][0];
    assert_eq!(model["confusion"], published["models"][0]["confusion"]);
    assert_eq!(model["also_measured"].as_array().map(Vec::len), Some(1));
    let card = fs::read_to_string(models.join("first.md")).expect("the card");
    assert_eq!(card.matches("## Readings of").count(), 2, "{card}");
    assert_eq!(names_in(&models).len(), 4, "nothing else is left: {:?}", names_in(&models));

    let file = model["file"].as_str().expect("a name");
    let unpublished = format!("evaluate --data others --record x --weights models/{file}");
    doorplate(shop.path(), &unpublished).refused(2);
    assert_eq!(read_json(&manifest), again);
}

/// The path of a file of the drawn samples.
fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples").join(name)
}

#[test]
fn a_copied_program_works_in_any_folder_whatever_models_are_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [empty, other] = ["empty", "other"].map(|name| folder.path().join(name));
    fs::create_dir(&empty).expect("made");
    fs::create_dir_all(other.join("models")).expect("made");
    fs::write(other.join("models/manifest.json"), "no manifest").expect("written");
    let copy = empty.join(format!("copied{}", std::env::consts::EXE_SUFFIX));
    fs::copy(env!("CARGO_BIN_EXE_doorplate"), &copy).expect("copied");
    // Without its boxes beside it, so that they are found if none are given.
    let photo = "photo.jpg";
    fs::copy(sample("door-606.jpg"), other.join(photo)).expect("copied");
    let boxes = sample("door-606.boxes.json");
    let boxes = boxes.to_str().expect("plain letters");
    let run = |arguments: &[&str]| -> Ran {
        let mut program = Command::new(&copy);
        program.current_dir(&other).env_remove("DOORPLATE_MODELS").args(arguments);
        // Nothing from the platform's data folder either.
        program.env("HOME", &empty).env_remove("XDG_DATA_HOME");
        program.output().expect("the copy starts").into()
    };

    let read = run(&["read", photo, "--boxes", boxes, "--json"]).json();
    assert_eq!(read["numbers"][0]["number"], "606");
    let found = run(&["read", photo, "--json"]).json();
    assert_eq!(found["numbers"][0]["number"], "606", "the network that finds digits is there");

    run(&["erase", photo, "--boxes", boxes, "-o", "out.jpg", "--json"]).done();
    let after = run(&["read", "out.jpg", "--boxes", boxes, "--json"]).json();
    assert_ne!(after["numbers"][0]["number"], "606");

    let listed = run(&["models"]).done();
    let manifest =
        read_json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join("manifest.json"));
    let line = |name: &Value, does: &str, bytes: &Value| {
        let name = name.as_str().expect("a name");
        let kilobytes = format!("{} kB", bytes.as_u64().expect("a size").div_ceil(1000));
        let is_it = |line: &&str| line.split_whitespace().any(|word| word == name);
        let line = listed.lines().find(is_it);
        let line = line.unwrap_or_else(|| panic!("no {name} in\n{listed}"));
        for part in [does, &kilobytes, "inside the program"] {
            assert!(line.contains(part), "no {part:?} in {line:?}");
        }
        line.starts_with('*')
    };
    let models = manifest["models"].as_array().expect("models");
    for (i, model) in models.iter().enumerate() {
        assert_eq!(line(&model["name"], "reads", &model["bytes"]), i == 0, "{listed}");
    }
    for (net, does) in [("strokes", "finds strokes"), ("finder", "finds digits")] {
        let net = &manifest[net];
        assert!(line(&net["name"], does, &net["bytes"]), "{listed}");
    }
    let json = run(&["models", "--json"]).json();
    let kinds: Vec<&str> = json
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["kind"].as_str().expect("a kind"))
        .collect();
    assert_eq!(kinds[kinds.len() - 2..], ["strokes", "finder"]);
    assert_eq!(kinds.iter().filter(|kind| **kind == "reader").count(), models.len());
    let strokes = &json[kinds.len() - 2];
    assert_eq!(strokes["file"], manifest["strokes"]["file"]);
    assert_eq!(
        (&strokes["place"], &strokes["default"]),
        (&json!("inside the program"), &json!(true))
    );

    assert_eq!(names_in(&empty), [copy.file_name().expect("a name").to_string_lossy()]);
    assert_eq!(names_in(&other), ["models", "out.jpg", "photo.jpg"], "nothing else is written");
}

/// A folder for commands that neither read nor write there.
fn here() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// The commands that the program's help lists.
fn commands_in_help() -> Vec<String> {
    let help = doorplate(here(), "--help").done();
    let (_, list) = help.split_once("Commands:\n").expect("a list of commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.split_whitespace().next());
    let names: Vec<String> = names.filter(|name| *name != "help").map(str::to_owned).collect();
    assert!(names.len() > 15 && names.contains(&"erase".to_owned()), "{names:?}");
    names
}

#[test]
fn completions_name_every_command_in_each_shell() {
    let commands = commands_in_help();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = doorplate(here(), &format!("completions {shell}")).done();
        for command in &commands {
            assert!(script.contains(command), "{shell} does not complete {command}");
        }
        for part in ["synth", "boxes-as-stored"] {
            assert!(script.contains(part), "{shell} does not complete {part}");
        }
    }
    let message = doorplate(here(), "completions no-shell").refused(2);
    assert!(message.contains("fish"), "{message}");
}

#[test]
fn man_pages_are_written_for_the_program_and_each_command() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    doorplate(folder.path(), "man pages/man1").done();
    let pages = folder.path().join("pages/man1");
    let names = names_in(&pages);
    let page = |name: &str| fs::read_to_string(pages.join(name)).expect("a page");
    // What groff takes for a hyphen that may be copied.
    let program = page("doorplate.1").replace("\\-", "-");
    for command in commands_in_help() {
        let name = format!("doorplate-{command}.1");
        assert!(names.contains(&name), "no {name} in {names:?}");
        assert!(program.contains(&format!("doorplate-{command}(1)")), "{command}");
    }
    assert!(names.contains(&"doorplate-data-synth.1".to_owned()), "{names:?}");
    assert!(page("doorplate-erase.1").replace("\\-", "-").contains("--boxes-as-stored"));
}

/// Crops of the digits of drawn photos, in folders named as what they show; how many.
fn write_digit_folders(folder: &Path, photos: u32) -> usize {
    let drawn = tempfile::tempdir().expect("a temporary folder");
    write_format1(drawn.path(), photos, 7).expect("drawn");
    let data = Format1::open(drawn.path()).expect("it was written");
    let mut count = 0;
    for entry in &data.photos {
        let (photo, digits) = data.load(entry).expect("whole");
        for digit in digits {
            let of_digit = folder.join(digit.digit.to_string());
            fs::create_dir_all(&of_digit).expect("made");
            let png = photo.part(digit.area).to_png().expect("encoded");
            fs::write(of_digit.join(format!("{count}.png")), png).expect("written");
            count += 1;
        }
    }
    count
}

#[test]
fn folders_of_cropped_digits_are_data_like_any_other() {
    let shop = own_workshop();
    let count = write_digit_folders(&shop.path().join("crops"), 30);
    let run = |command: &str| doorplate(shop.path(), command);

    let report = run("evaluate --data crops --json").json();
    assert_eq!(report["digits"], count);
    let mistakes = report["mistakes"].as_array().expect("a list");
    let photo = mistakes[0]["place"]["photo"].as_str().expect("a picture's name");
    assert!(shop.path().join("crops").join(photo).is_file(), "{photo}");
    let text = run("evaluate --data crops").done();
    assert!(text.contains(&format!("{count} digits")) && text.contains("Precision"), "{text}");

    run("data split crops --share 0.3 --out sides").done();
    let pictures = |side: &str| -> Vec<String> {
        let folder = shop.path().join("sides").join(side);
        let digits = names_in(&folder).into_iter();
        digits
            .flat_map(|digit| {
                let names = names_in(&folder.join(&digit)).into_iter();
                names.map(move |name| format!("{digit}/{name}"))
            })
            .collect()
    };
    let (train, test) = (pictures("train"), pictures("test"));
    assert_eq!(train.len() + test.len(), count);
    assert!(!test.is_empty() && test.iter().all(|name| !train.contains(name)), "{test:?}");
    let message = run("data split crops --out sides").refused(2);
    assert!(message.contains("sides"), "{message}");

    run("train --data data --data sides/train@2 --epochs 1 --device cpu --out runs2").done();
    run("train --data crops --validation 0.2 --epochs 1 --device cpu --out runs3").done();
    run("data prepare crops -o crops.store").done();
    let stats = run("data stats crops --json").json();
    assert_eq!(stats["digits"], count);
    run("data show crops --count 3 -o sheet.png").done();

    let mut publish = publish_command(shop.path(), "first");
    publish.args(["--measure-on", "crops"]);
    let message = Ran::from(publish.output().expect("it starts")).refused(2);
    assert!(message.contains("2 times"), "{message}");
    let mut publish = publish_command(shop.path(), "first");
    publish.args(["--measure-on", "crops", "--measured-on", "crops of others"]);
    Ran::from(publish.output().expect("it starts")).done();
    let manifest = read_json(&shop.path().join("models/manifest.json"));
    let model = &manifest["models"][0];
    assert_eq!(model["measured_on"], "the same photos");
    assert_eq!(model["also_measured"][0]["measured_on"], "crops of others");
    assert_eq!(model["also_measured"][0]["measured_digits"], count);
}

#[test]
fn folders_of_cropped_digits_that_cannot_be_used_are_exit_code_3() {
    let shop = own_workshop();
    let folder = shop.path().join("crops");
    fs::create_dir_all(folder.join("3")).expect("made");
    for command in [
        "evaluate --data crops",
        "train --data crops --device cpu",
        "data stats crops",
        "data split crops --out sides",
    ] {
        let message = doorplate(shop.path(), command).refused(3);
        assert!(message.contains("no picture is in its folders"), "{command}: {message}");
    }
    fs::write(folder.join("3/a.png"), "text").expect("written");
    let message = doorplate(shop.path(), "evaluate --data crops").refused(3);
    assert!(message.contains("crops/3/a.png") && message.contains("not a picture"), "{message}");
    assert!(!shop.path().join("sides").exists());
}

#[test]
fn publishing_under_a_name_again_replaces_it_and_others_stay() {
    let shop = own_workshop();
    let models = shop.path().join("models");
    publish(shop.path(), "second").done();
    let old = read_json(&models.join("manifest.json"));
    fs::remove_dir_all(shop.path().join("runs")).expect("removed");
    doorplate(shop.path(), "train --data data --epochs 1 --device cpu --seed 9").done();
    publish(shop.path(), "first").done();
    let new = read_json(&models.join("manifest.json"));
    let names = |manifest: &Value| {
        let models = manifest["models"].as_array().expect("a list").clone();
        models.into_iter().map(|model| model["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&new), ["first", "second"]);
    assert_eq!(new["models"][1], old["models"][1]);
    assert_ne!(new["models"][0]["sha256"], old["models"][0]["sha256"]);
    let file = |manifest: &Value, i: usize| {
        manifest["models"][i]["file"].as_str().expect("a name").to_owned()
    };
    let mut expected = vec![
        file(&new, 0),
        "first.md".into(),
        "first.svg".into(),
        "manifest.json".into(),
        file(&new, 1),
        "second.md".into(),
        "second.svg".into(),
    ];
    expected.sort();
    assert_eq!(names_in(&models), expected, "the replaced weights are gone");
    doorplate(shop.path(), "evaluate --data data --model second").done();
}

#[test]
fn a_name_that_is_no_file_name_is_refused() {
    let shop = workshop();
    for name in ["", "../up", "a b", "."] {
        let message = publish(shop, name).refused(2);
        assert!(message.contains("--name"), "{message}");
    }
}

/// Publishes with files limited to `kilobytes`, which fails as on a full disk.
#[cfg(unix)]
fn publish_on_full_disk(workshop: &Path, name: &str, kilobytes: u32) -> Ran {
    let publish = publish_command(workshop, name);
    let limited = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$@\"");
    let mut shell = Command::new("bash");
    shell.current_dir(workshop).args(["-c", &limited, "bash"]);
    shell.arg(publish.get_program()).args(publish.get_args());
    shell.output().expect("bash starts").into()
}

#[cfg(unix)]
#[test]
fn a_full_disk_while_publishing_leaves_the_old_publication() {
    let shop = own_workshop();
    let models = shop.path().join("models");
    fs::remove_dir_all(shop.path().join("runs")).expect("removed");
    doorplate(shop.path(), "train --data data --epochs 1 --device cpu --seed 9").done();

    let before = content_of(&models);
    let message = publish_on_full_disk(shop.path(), "first", 8).refused(1);
    assert!(message.contains(".safetensors: "), "{message}");
    assert!(content_of(&models) == before, "left: {:?}", names_in(&models));

    // Now room for weights and card, but not for a manifest that is long for other reasons.
    let manifest = models.join("manifest.json");
    let mut long = read_json(&manifest);
    let mut other = long["models"][0].clone();
    other["name"] = "other".into();
    other["trained_on"] = "x".repeat(2_000_000).into();
    long["models"].as_array_mut().expect("a list").push(other);
    fs::write(&manifest, long.to_string()).expect("written");
    let before = content_of(&models);
    let message = publish_on_full_disk(shop.path(), "first", 1_500).refused(1);
    assert!(message.contains("manifest.json: "), "{message}");
    assert!(content_of(&models) == before, "left: {:?}", names_in(&models));
    doorplate(shop.path(), "evaluate --data data").done();
}

#[test]
fn weights_that_are_not_the_published_ones_are_refused() {
    let shop = own_workshop();
    let models = shop.path().join("models");
    let manifest = models.join("manifest.json");
    let file = read_json(&manifest)["models"][0]["file"].as_str().expect("a name").to_owned();
    let weights = models.join(&file);
    let published = fs::read(&weights).expect("read");
    let evaluate = || doorplate(shop.path(), "evaluate --data data").refused(4);

    fs::write(&weights, &published[..published.len() - 1]).expect("written");
    assert!(evaluate().contains("bytes instead of"));
    let mut changed = published.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&weights, &changed).expect("written");
    assert!(evaluate().contains("SHA-256"));
    fs::remove_file(&weights).expect("removed");
    assert!(evaluate().contains(&file), "the missing file is named");
    fs::write(&manifest, "{").expect("written");
    assert!(evaluate().contains("manifest.json is damaged"));
    fs::remove_file(&manifest).expect("removed");
    assert!(evaluate().contains("manifest.json"));
}

#[test]
fn a_models_name_or_weights_that_are_not_there_are_exit_code_4() {
    let shop = own_workshop();
    let message = doorplate(shop.path(), "evaluate --data data --model third").refused(4);
    assert!(message.contains("has no model third"), "{message}");
    let message =
        doorplate(shop.path(), "evaluate --data data --weights no.safetensors").refused(4);
    assert!(message.contains("no.safetensors"), "{message}");
    for content in [&b""[..], b"not weights at all", &[0xFF; 64]] {
        fs::write(shop.path().join("bad.safetensors"), content).expect("written");
        let message =
            doorplate(shop.path(), "evaluate --data data --weights bad.safetensors").refused(4);
        assert!(message.contains("bad.safetensors"), "{message}");
    }
}

#[test]
fn boxes_from_json_and_from_the_list_read_the_same() {
    let shop = own_workshop();
    let from_list =
        doorplate(shop.path(), "read data/3.png --boxes data/digitStruct.mat --json").json();
    let readings = from_list["readings"].as_array().expect("a list");
    assert!(!readings.is_empty());
    for reading in readings {
        let confidences: Vec<f64> = reading["confidences"]
            .as_array()
            .expect("ten")
            .iter()
            .filter_map(Value::as_f64)
            .collect();
        assert_eq!(confidences.len(), 10);
        assert!((confidences.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        let digit = reading["digit"].as_u64().expect("a digit") as usize;
        assert_eq!(reading["confidence"].as_f64(), Some(confidences[digit]));
        assert!(confidences.iter().all(|c| *c <= confidences[digit]));
    }
    let boxes: Vec<Value> = readings.iter().map(|reading| reading["box"].clone()).collect();
    let text = json!({ "boxes": boxes }).to_string();
    fs::write(shop.path().join("boxes.json"), text).expect("written");
    let from_json = doorplate(shop.path(), "read data/3.png --boxes boxes.json --json").json();
    assert_eq!(from_json, from_list);
    let lines = doorplate(shop.path(), "read data/3.png --boxes boxes.json").done();
    // One number, whose heading stands above its digits.
    let digits: String = readings.iter().map(|reading| reading["digit"].to_string()).collect();
    let number = &from_list["numbers"][0];
    assert_eq!(
        (number["number"].as_str(), from_list["numbers"].as_array().map(Vec::len)),
        (Some(digits.as_str()), Some(1))
    );
    assert_eq!(number["readings"], json!((0..readings.len()).collect::<Vec<_>>()));
    let product: f64 =
        readings.iter().filter_map(|reading| reading["confidence"].as_f64()).product();
    assert!((number["confidence"].as_f64().expect("a confidence") - product).abs() < 1e-5);
    assert_eq!(lines.lines().count(), 1 + readings.len());
    assert!(lines.starts_with(&format!("{digits} ")), "{lines}");
}

#[test]
fn erasing_changes_the_boxes_and_nothing_else() {
    // But strokes that go on beyond their box.
    let shop = own_workshop();
    let report = doorplate(
        shop.path(),
        "erase data/3.png --boxes data/digitStruct.mat --grow 0 -o out.png --json",
    )
    .json();
    assert_eq!(report["output"], "out.png");
    assert!(report["removal_milliseconds"].as_f64().is_some_and(|ms| ms > 0.0));
    let open = |name: &str| {
        let bytes = fs::read(shop.path().join(name)).expect("read");
        doorplate::photo::Photo::decode(&bytes).expect("a photo")
    };
    let (before, after) = (open("data/3.png"), open("out.png"));
    assert_eq!(after.size(), before.size());
    let boxes: Vec<doorplate::photo::BoxInPhoto> = report["readings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|reading| serde_json::from_value(reading["box"].clone()).expect("a box"))
        .map(|area| doorplate::removal::stroke_reach(&area))
        .collect();
    let (old, new) = (before.to_rgba8(), after.to_rgba8());
    for i in pixels_outside(before.size(), &boxes) {
        assert_eq!(old[4 * i..4 * i + 4], new[4 * i..4 * i + 4], "pixel {i}");
    }
    assert_ne!(old, new);
    let again = doorplate(shop.path(), "erase data/3.png --boxes data/digitStruct.mat -o out.png");
    assert!(again.done().contains("out.png"), "an older result is replaced");
}

#[test]
fn numbers_are_told_in_reading_order_whatever_the_order_of_their_boxes() {
    let shop = own_workshop();
    let read = "read data/3.png --boxes data/digitStruct.mat --json";
    let read = doorplate(shop.path(), read).json();
    let mut boxes: Vec<Value> = read["readings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|reading| reading["box"].clone())
        .collect();
    assert!(boxes.len() > 1, "{read}");
    boxes.reverse();
    let last = boxes.len() - 1;
    fs::write(shop.path().join("boxes.json"), json!({ "boxes": boxes }).to_string())
        .expect("written");
    let erase = "erase data/3.png --boxes boxes.json --method whole-boxes --no-check -o out.png";
    let report = doorplate(shop.path(), &format!("{erase} --json")).json();
    assert_eq!(report["numbers"][0]["number"], read["numbers"][0]["number"]);
    assert_eq!(report["numbers"][0]["readings"][0], last, "its first digit's box came last");
    let told = doorplate(shop.path(), erase).done();
    let number = read["numbers"][0]["number"].as_str().expect("digits");
    assert!(told.contains(&format!("removed {number} in")), "{told}");
}

#[test]
fn methods_erase_each_in_its_way_and_refuse_each_others_parameters() {
    let shop = own_workshop();
    let erase = |arguments: &str| {
        let command = "erase data/3.png --boxes data/digitStruct.mat --json";
        doorplate(shop.path(), &format!("{command} {arguments}"))
    };
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for (i, arguments) in [
        "",
        "--method feature-maps",
        "--method feature-maps --bins 5 --spacing 4",
        "--method feature-maps --adaptive-sigma",
        "--method gradient-near-average",
        "--method gradient-value --percentile 20",
        "--method grid --filter 0.3 --sigma 2.5",
    ]
    .into_iter()
    .enumerate()
    {
        let report = erase(&format!("{arguments} -o {i}.png")).json();
        let name = arguments.split(' ').nth(1).unwrap_or("doorplate");
        assert_eq!(report["method"], name);
        let result = fs::read(shop.path().join(format!("{i}.png"))).expect("written");
        assert!(!seen.contains(&result), "{arguments:?} gives what another method gave");
        seen.push(result);
    }
    for (wrong, told) in [
        ("--method nonsense", "gradient-near-average"),
        ("--sigma 2", "--method doorplate does not have it"),
        ("--method doorplate --adaptive-sigma", "--method doorplate does not have it"),
        ("--method feature-maps --percentile 8", "gradient-value"),
        ("--method feature-maps --filter 0.2", "gradient-value and grid"),
        ("--method grid --bins 35", "a parameter of feature-maps"),
        ("--method grid --percentile 8", "gradient-value"),
        ("--method grid --sigma 0.5", "from 1 to 1000"),
        ("--method grid --sigma NaN", "from 1 to 1000"),
        ("--method grid --spacing 0", "--spacing"),
        ("--method grid --filter inf", "0 or more"),
        ("--method gradient-value --percentile 101", "from 0 to 100"),
        ("--method grid --sigma 2 --adaptive-sigma", "--adaptive-sigma"),
    ] {
        let refused = erase(&format!("{wrong} -o wrong.png")).refused(2);
        assert!(refused.contains(told), "{wrong}: {refused}");
    }
    assert!(!shop.path().join("wrong.png").exists());
    let sheet = "sheet --data data --photos 3.png -o";
    doorplate(shop.path(), &format!("{sheet} plain.png")).done();
    doorplate(shop.path(), &format!("{sheet} grid.png --method grid")).done();
    let drawn = |name: &str| fs::read(shop.path().join(name)).expect("drawn");
    assert_ne!(drawn("plain.png"), drawn("grid.png"));
    doorplate(shop.path(), &format!("{sheet} x.png --bins 3")).refused(2);
}

/// The figures in a table's line after its name.
fn figures(table: &str, name: &str) -> Vec<f64> {
    let mut lines = table.lines().filter(|line| line.starts_with(name));
    let line = lines.next().unwrap_or_else(|| panic!("no line {name:?} in\n{table}"));
    let numbers = line[name.len()..].split_whitespace().filter_map(|word| word.parse().ok());
    numbers.collect()
}

#[test]
fn removal_is_measured_beside_the_reports_and_the_untouched_photo() {
    let shop = own_workshop();
    publish(shop.path(), "second").done();
    let arguments = "bench removal --photos 3 --seed 7 --measure truth,traces --data data \
                     --sheets sheets --sheet-photos 2";
    // Python without cv2, so that the test is the same everywhere.
    let ran: Ran = program()
        .current_dir(shop.path())
        .args(arguments.split_whitespace())
        .env("PYTHON", "no-such-python")
        .output()
        .expect("the built program starts")
        .into();
    let table = ran.done();
    let (truth, traces) = table.split_once("Traces on").expect("two tables");
    assert!(truth.contains("OpenCV is left out: no-such-python"), "{table}");
    let names = ["doorplate", "feature-maps", "gradient-near-average", "gradient-value", "grid"];
    let untouched = figures(truth, "untouched");
    // Signal-to-noise in the boxes and on the strokes, similarity, error, their worst, and time.
    assert_eq!(untouched.len(), 9, "{table}");
    for name in names {
        let of = figures(truth, name);
        assert_eq!(of.len(), 9, "{name}: {table}");
        assert!(of[1] <= of[0] && of[3] <= of[2] && of[5] <= of[4] && of[7] >= of[6], "{table}");
        assert!(of[8] > 0.0, "{table}");
        assert!(shop.path().join(format!("sheets/{name}.png")).is_file(), "{name}");
    }
    let doorplate_s = figures(truth, "doorplate");
    assert!(untouched[0] < doorplate_s[0] && untouched[2] < doorplate_s[2], "{table}");

    assert!(traces.contains("judged by second"), "{table}");
    for name in names.iter().chain(&["untouched"]) {
        let of = figures(traces, name);
        let [read, change, seam] = of[..] else { panic!("{name}: {table}") };
        // Doorplate's own way follows strokes out of their boxes.
        let most = if *name == "doorplate" { 0.1 } else { 0.0 };
        assert!((0.0..=100.0).contains(&read) && change <= most && seam > 0.0, "{table}");
    }
    assert!(traces.contains("patches without digits"), "{table}");

    // The same seed gives the same figures.
    let again = doorplate(shop.path(), "bench removal --photos 3 --seed 7 --measure truth").done();
    assert_eq!(figures(&again, "doorplate")[..8], doorplate_s[..8]);
    let other = doorplate(shop.path(), "bench removal --photos 3 --seed 8 --measure truth").done();
    assert_ne!(figures(&other, "doorplate")[..8], doorplate_s[..8]);

    doorplate(shop.path(), "bench removal --photos 1 --measure traces").refused(2);
    let judged = "bench removal --photos 1 --measure traces --data data --judge first";
    let refused = doorplate(shop.path(), judged).refused(2);
    assert!(refused.contains("used in the removal"), "{refused}");
}

#[cfg(unix)]
#[test]
fn new_files_have_the_umasks_permissions_and_replaced_ones_keep_theirs() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = own_workshop();
    let mode = |name: &str| {
        let metadata = fs::metadata(shop.path().join(name)).expect("written");
        metadata.permissions().mode() & 0o777
    };
    let erase = |umask: &str, output: &str| {
        let script = format!("umask {umask}; exec \"$@\"");
        let program = program();
        let mut shell = Command::new("sh");
        shell.current_dir(shop.path()).args(["-c", &script, "sh"]).arg(program.get_program());
        shell.args(["erase", "data/3.png", "--boxes", "data/digitStruct.mat", "-o", output]);
        shell.args(["--method", "whole-boxes", "--no-check"]);
        Ran::from(shell.output().expect("sh starts")).done();
    };
    for (umask, expected) in [("077", 0o600), ("002", 0o664), ("022", 0o644)] {
        let name = format!("{umask}.png");
        erase(umask, &name);
        assert_eq!(mode(&name), expected, "{umask}: {:o}", mode(&name));
    }
    for (umask, kept) in [("002", 0o600), ("077", 0o646), ("022", 0o444)] {
        let path = shop.path().join("kept.png");
        let _ = fs::remove_file(&path);
        fs::write(&path, "an earlier result").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(kept)).expect("set");
        erase(umask, "kept.png");
        assert_eq!(mode("kept.png"), kept, "{umask}: {:o}", mode("kept.png"));
        assert!(fs::metadata(&path).expect("there").len() > 100, "a new result");
    }
}

#[test]
fn boxes_at_and_beyond_the_edge() {
    let shop = own_workshop();
    // What is left of digits that were drawn or are none is no matter here.
    let erase = "erase data/2.png --boxes boxes.json -o out.png --json --no-check";
    let erase = || doorplate(shop.path(), erase);
    write_boxes(shop.path(), &[[-5.0, -5.0, 15.0, 12.5]]);
    let clamped = erase().json();
    let expected = json!({ "left": 0, "top": 0, "width": 10, "height": 8 });
    assert_eq!(clamped["readings"][0]["box"], expected);
    assert_eq!(clamped["grown_by_percent"], 10, "as on the page");
    write_boxes(shop.path(), &[[-9.0, -9.0, 1e6, 1e6]]);
    erase().done();
    write_boxes(
        shop.path(),
        &(0..200).map(|i| [i as f64 % 20.0, i as f64 / 20.0, 4.0, 6.0]).collect::<Vec<_>>(),
    );
    let many = erase().json();
    assert_eq!(many["readings"].as_array().map(Vec::len), Some(200));

    fs::remove_file(shop.path().join("out.png")).expect("removed");
    for (boxes, reason) in [
        (vec![[1.0, 1.0, 4.0, 4.0], [2.0, 2.0, 0.0, 5.0]], "box 2 (counted from 1): it is 0 x 5"),
        (vec![[4_000.0, 2.0, 5.0, 5.0]], "box 1 (counted from 1): it lies outside the photo"),
        (vec![[1.0, 1.0, -3.0, 4.0]], "above zero"),
        (vec![], "there is no box for"),
    ] {
        write_boxes(shop.path(), &boxes);
        let message = erase().refused(3);
        assert!(message.contains(reason) && message.contains("boxes.json"), "{message}");
    }
    for text in ["", "{}", "[1, 2]", "{\"boxes\": [{\"left\": \"a\"}]}"] {
        fs::write(shop.path().join("boxes.json"), text).expect("written");
        let message = erase().refused(3);
        assert!(message.contains("boxes.json") && message.contains("not a"), "{message}");
    }
    assert!(!shop.path().join("out.png").exists(), "a refusal writes nothing");
}

#[test]
fn boxes_files_that_are_not_there_or_name_other_photos_are_exit_code_3() {
    let shop = own_workshop();
    let message = doorplate(shop.path(), "read data/1.png --boxes none.json").refused(3);
    assert!(message.contains("none.json"), "{message}");
    fs::copy(shop.path().join("data/1.png"), shop.path().join("other.png")).expect("copied");
    let message = doorplate(shop.path(), "read other.png --boxes data/digitStruct.mat").refused(3);
    assert!(message.contains("no entry for a photo named other.png"), "{message}");
    fs::write(shop.path().join("train_32x32.mat"), "x").expect("written");
    let message = doorplate(shop.path(), "read other.png --boxes train_32x32.mat").refused(3);
    assert!(message.contains("only SVHN's digitStruct.mat"), "{message}");
}

#[test]
fn an_output_that_would_cost_something_is_refused() {
    let shop = own_workshop();
    let message =
        doorplate(shop.path(), "erase data/1.png --boxes data/digitStruct.mat -o out.gif")
            .refused(2);
    assert!(message.contains(".png"), "{message}");
    let before = fs::read(shop.path().join("data/1.png")).expect("read");
    let onto_itself = "erase data/1.png --boxes data/digitStruct.mat -o data/../data/1.png";
    let message = doorplate(shop.path(), onto_itself).refused(2);
    assert!(message.contains("the photo itself"), "{message}");
    assert_eq!(fs::read(shop.path().join("data/1.png")).expect("read"), before);
    let message =
        doorplate(shop.path(), "erase data/1.png --boxes data/digitStruct.mat -o no/out.png")
            .refused(1);
    assert!(message.contains("no/out.png"), "{message}");
}

#[test]
fn the_name_of_the_result_decides_its_format() {
    let shop = own_workshop();
    for (name, format) in [
        ("out.png", image::ImageFormat::Png),
        ("out.JPEG", image::ImageFormat::Jpeg),
        ("out.webp", image::ImageFormat::WebP),
    ] {
        let command =
            format!("erase data/1.png --boxes data/digitStruct.mat -o {name} --no-check --json");
        let said = doorplate(shop.path(), &command).json();
        assert_eq!(said["metadata_left_out"], json!([]), "{name}");
        let written = fs::read(shop.path().join(name)).expect("written");
        assert_eq!(image::guess_format(&written).ok(), Some(format), "{name}");
    }
}

#[test]
fn photos_that_are_none_are_exit_code_3() {
    let shop = own_workshop();
    write_boxes(shop.path(), &[[1.0, 1.0, 5.0, 5.0]]);
    let photo = fs::read(shop.path().join("data/1.png")).expect("read");
    let bad = [
        (&b""[..], "empty"),
        (b"a text", "not a picture"),
        (&photo[..photo.len() / 2], "damaged or cut short"),
    ];
    for (content, reason) in bad {
        fs::write(shop.path().join("bad.png"), content).expect("written");
        let message = doorplate(shop.path(), "read bad.png --boxes boxes.json").refused(3);
        assert!(message.contains("bad.png") && message.contains(reason), "{message}");
    }
    let message = doorplate(shop.path(), "read no.png --boxes boxes.json").refused(3);
    assert!(message.contains("no.png"), "{message}");
}

#[test]
fn help_lists_the_exit_codes_and_wrong_arguments_are_code_2() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let help = doorplate(folder.path(), "--help").done();
    for line in ["Exit codes:\n    0  done\n", "\n    2  wrong arguments\n", "\n  130  stopped by"]
    {
        assert!(help.contains(line), "{help}");
    }
    for wrong in [
        "",
        "nonsense",
        "read",
        "read a.png --at-least 2",
        "evaluate --data d --net ConvNet48_Dropout3",
    ] {
        doorplate(folder.path(), wrong).refused(2);
    }
}

/// A server that is stopped at the end of its test.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    fn start_with(folder: &Path, options: &[&str]) -> Self {
        let mut child = program()
            .current_dir(folder)
            .args(["serve", "--dir", "dist", "--port", "0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the built program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("read");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        Server { address: address.expect("it says where it is").to_owned(), child }
    }

    /// The answer to a GET request, its head and its body.
    fn get(&self, path: &str, header: &str) -> (String, Vec<u8>) {
        self.get_from("Host: localhost\r\n", path, header)
    }

    fn get_from(&self, host: &str, path: &str, header: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
        write!(stream, "GET {path} HTTP/1.1\r\n{host}{header}Connection: close\r\n\r\n")
            .expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        (String::from_utf8_lossy(&answer[..head]).to_lowercase(), answer[head + 4..].to_vec())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; the test has said so then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with a small page in `dist`, compressed as `make web` does, and a secret beside it.
fn site() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dist = folder.path().join("dist");
    fs::create_dir(&dist).expect("made");
    fs::write(dist.join("index.html"), "<title>Doorplate</title>").expect("written");
    fs::write(dist.join("app.js"), "let a = 1;\n".repeat(200)).expect("written");
    fs::write(dist.join("app.wasm"), [0; 3_000]).expect("written");
    fs::write(folder.path().join("secret.txt"), "secret").expect("written");
    doorplate(folder.path(), "finish dist").done();
    folder
}

#[test]
fn a_finished_page_lists_its_files_by_their_hashes() {
    let site = site();
    let list = || fs::read_to_string(site.path().join("dist/precache.js")).expect("written");
    let first = list();
    // SHA-256 of the page, as sha256sum gives it.
    let page =
        "\"index.html\": \"3fe37cf479b2ac2974fcdbee275696440e23ed97f8c73003367dbd26aab581e4\"";
    assert!(first.contains(page), "{first}");
    assert!(!first.contains(".br") && !first.contains("precache"), "{first}");
    doorplate(site.path(), "finish dist").done();
    assert_eq!(list(), first, "the same files are the same version");
    fs::write(site.path().join("dist/app.js"), "let a = 2;\n").expect("written");
    doorplate(site.path(), "finish dist").done();
    let version = |list: &str| {
        list.lines().find(|line| line.contains("version")).map(str::to_owned).expect("it has one")
    };
    assert_ne!(version(&list()), version(&first));
    assert!(site.path().join("dist/precache.js.br").is_file());
}

#[test]
fn a_folder_without_a_page_is_not_finished() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let message = doorplate(folder.path(), "finish .").refused(1);
    assert!(message.contains("no index.html"), "{message}");
    assert!(!folder.path().join("precache.js").exists());
}

#[test]
fn the_server_sends_the_page_with_its_policy() {
    let site = site();
    let server = Server::start(site.path());
    assert!(server.address.starts_with("127.0.0.1:"), "{}", server.address);
    let (head, body) = server.get("/", "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(body, b"<title>Doorplate</title>");
    assert!(head.contains("content-type: text/html"), "{head}");
    assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
    assert!(head.contains("connect-src 'self'"), "{head}");
    assert!(head.contains("x-content-type-options: nosniff"), "{head}");
}

#[test]
fn the_server_sends_compressed_copies_to_those_who_take_them() {
    let site = site();
    let server = Server::start(site.path());
    for (file, kind) in [("app.js", "javascript"), ("app.wasm", "application/wasm")] {
        let plain = fs::read(site.path().join("dist").join(file)).expect("read");
        let (head, body) = server.get(&format!("/{file}"), "Accept-Encoding: br, gzip\r\n");
        assert!(head.contains("content-encoding: br"), "{head}");
        assert!(head.contains(kind), "{head}");
        assert!(body.len() < plain.len());
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut body.as_slice(), &mut unpacked).expect("Brotli");
        assert_eq!(unpacked, plain);
        let (head, body) = server.get(&format!("/{file}"), "Accept-Encoding: gzip\r\n");
        assert!(head.contains("content-encoding: gzip"), "{head}");
        assert!(body.starts_with(&[0x1F, 0x8B]));
        let (head, body) = server.get(&format!("/{file}"), "");
        assert!(!head.contains("content-encoding"), "{head}");
        assert!(head.contains("vary: accept-encoding"), "{head}");
        assert_eq!(body, plain);
    }
}

#[test]
fn the_server_answers_to_its_own_names_only() {
    let site = site();
    let server = Server::start_with(site.path(), &["--host", "Photos.Example"]);
    let address = server.address.clone();
    for host in ["localhost", "localhost:8080", &address, "[::1]:80", "photos.example"] {
        let (head, _) = server.get_from(&format!("Host: {host}\r\n"), "/", "");
        assert!(head.starts_with("http/1.1 200"), "{host}: {head}");
    }
    let (head, body) = server.get_from("Host: evil.example:80\r\n", "/", "");
    assert!(head.starts_with("http/1.1 421"), "{head}");
    let says = String::from_utf8_lossy(&body);
    assert!(says.contains("--host evil.example") && !says.contains("<title>"), "{says}");
    for unclear in ["", "Host: localhost\r\nHost: evil.example\r\n", "Host: a b\r\n"] {
        let (head, _) = server.get_from(unclear, "/", "");
        assert!(head.starts_with("http/1.1 400"), "{unclear}: {head}");
    }
    let (head, _) = server.get("http://evil.example/", "");
    assert!(head.starts_with("http/1.1 421"), "{head}");
    let wrong = doorplate(site.path(), "serve --host http://photos.example/").refused(2);
    assert!(wrong.contains("without http://"), "{wrong}");
}

#[test]
fn the_server_sends_a_range_or_the_whole() {
    let site = site();
    let server = Server::start(site.path());
    let file = fs::read(site.path().join("dist/app.js")).expect("read");
    let get = |range: &str| server.get("/app.js", &format!("Range: {range}\r\n"));
    for (range, part) in [
        ("bytes=5-9", &file[5..10]),
        ("bytes=2190-", &file[2_190..]),
        ("bytes=2190-9999", &file[2_190..]),
    ] {
        let (head, body) = get(range);
        assert!(head.starts_with("http/1.1 206"), "{range}: {head}");
        assert!(head.contains(&format!("/{}", file.len())), "{range}: {head}");
        assert_eq!(body, part, "{range}");
    }
    let (head, _) = get("bytes=2200-");
    assert!(head.starts_with("http/1.1 416"), "{head}");
    assert!(head.contains("content-range: bytes */2200"), "{head}");
    for ignored in ["nonsense", "bytes=9-3", "lines=1-2", "bytes=-99999", "bytes=0-1,3-4"] {
        let (head, body) = get(ignored);
        assert!(head.starts_with("http/1.1 200"), "{ignored}: {head}");
        assert_eq!(body, file, "{ignored}");
    }
    // A part of another version than the one that is there already would not fit.
    let (head, _) = get("bytes=5-9\r\nIf-Range: \"another\"");
    assert!(head.starts_with("http/1.1 200"), "{head}");
}

#[test]
#[cfg(unix)]
fn the_server_ends_at_a_signal_also_while_a_request_is_half_sent() {
    let site = site();
    for signal in ["-INT", "-TERM"] {
        let mut server = Server::start(site.path());
        let mut half = TcpStream::connect(&server.address).expect("it listens");
        half.write_all(b"GET / HTTP/1.1\r\nHost: local").expect("sent");
        let (head, _) = server.get("/", "");
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let id = server.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill runs").success());
        // Without an end the test would wait forever.
        let status = server.child.wait().expect("watched");
        assert_eq!(status.code(), Some(0), "{signal}: {status}");
    }
}

#[test]
#[cfg(unix)]
fn the_server_follows_no_link_out_of_its_folder() {
    let site = site();
    let dist = site.path().join("dist");
    std::os::unix::fs::symlink("../secret.txt", dist.join("link.txt")).expect("linked");
    fs::write(dist.join(".env"), "secret").expect("written");
    let server = Server::start(site.path());
    for path in ["/link.txt", "/.env"] {
        let (head, body) = server.get(path, "");
        assert!(head.starts_with("http/1.1 404"), "{path}: {head}");
        assert!(!String::from_utf8_lossy(&body).contains("secret"), "{path}");
    }
}

#[test]
fn the_server_gives_nothing_but_its_folder() {
    let site = site();
    let server = Server::start(site.path());
    let long = format!("/{}", "a".repeat(5_000));
    for path in [
        &long,
        "/none.js",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "//etc/passwd",
        "/a/../../secret.txt",
        "/%00",
    ] {
        let (head, body) = server.get(path, "");
        assert!(
            head.starts_with("http/1.1 404") || head.starts_with("http/1.1 400"),
            "{path}: {head}"
        );
        assert!(!String::from_utf8_lossy(&body).contains("secret"), "{path}");
        assert!(head.contains("content-security-policy"), "{path}: {head}");
    }
}

#[test]
fn a_server_without_a_page_says_how_to_build_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let message = doorplate(folder.path(), "serve --port 0").refused(1);
    assert!(message.contains("make web"), "{message}");
}
