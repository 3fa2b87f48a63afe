//! `evaluate` and `inspect` as a user runs them, with the published classifier and an untrained
//! one on drawn photos: what they print and write, and what they refuse.
#![cfg(feature = "native")]

mod support;

use std::{fs, path::Path};

use burn::tensor::Device;
use doorplate::classifier::{Architecture, Classifier, Network, seeded};
use serde_json::Value;
use support::{Ran, doorplate, names_in, program};
use tempfile::TempDir;

/// The repository's published model that is given the box alone.
const PUBLISHED: &str = "convnet48-dropout3";

/// A folder with 20 drawn photos in `data` and untrained weights in `untrained.safetensors`.
fn workshop() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    doorplate(folder.path(), "data synth --photos 20 --seed 3 --out data").done();
    let device = Device::flex();
    let net = Network::new(Architecture::named("Caffe").expect("a network"), &device);
    let caffe = Classifier::new(seeded(net, 7), device).expect("the CPU reads its own weights");
    let weights = caffe.to_safetensors().expect("the CPU reads its own weights");
    fs::write(folder.path().join("untrained.safetensors"), weights).expect("written");
    folder
}

/// Runs the program with the published models; `command` is split at blanks.
fn with_published(folder: &Path, command: &str) -> Ran {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut program = program();
    program.current_dir(folder).args(command.split_whitespace()).arg("--models").arg(models);
    program.output().expect("the built program starts").into()
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().expect("a list")
}

#[test]
fn two_models_are_reported_side_by_side() {
    let shop = workshop();
    let command = format!(
        "evaluate --data data --model {PUBLISHED} --weights untrained.safetensors --net Caffe \
         --mistakes 7 --csv digits.csv --out report"
    );
    let text = with_published(shop.path(), &command).done();
    let report = with_published(shop.path(), &format!("{command} --json")).json();

    let [published, untrained] = list(&report, "models") else { panic!("two models") };
    assert_eq!(
        (&published["model"], &untrained["model"]),
        (&PUBLISHED.into(), &"untrained".into())
    );
    assert_eq!(
        (&published["network"], &untrained["network"]),
        (&"ConvNet48_Dropout3".into(), &"Caffe".into())
    );
    let digits = published["digits"].as_u64().expect("a count");
    assert!(digits >= 20 && untrained["digits"] == digits);
    let accuracy = |model: &Value| model["accuracy"].as_f64().expect("a share");
    assert!(accuracy(published) > 0.5 && accuracy(untrained) < 0.4, "{text}");
    assert_eq!(list(untrained, "mistakes").len(), 7);
    let readings = list(&published["calibration"], "bins").iter();
    assert_eq!(readings.filter_map(|bin| bin["readings"].as_u64()).sum::<u64>(), digits);

    let all = with_published(shop.path(), "evaluate --data data --all --json --mistakes 7").json();
    assert!(list(&all, "models").contains(published), "--all has the published model's report");

    let [pair] = list(&report["comparison"], "pairs") else { panic!("one pair") };
    let count = |member: &str| pair[member].as_u64().expect("a count");
    let right = count("both_right") + count("only_first_right");
    assert_eq!(right as f64 / digits as f64, accuracy(published));
    let wrong = count("both_wrong_alike") + count("both_wrong_differently");
    assert_eq!(right + count("only_second_right") + wrong, digits);

    for part in
        ["Side by side", "convnet48-dropout3 (ConvNet48_Dropout3)", "Most confidently wrong"]
    {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }

    let folder = shop.path().join("report");
    let expected = [
        "calibration.svg",
        "confusion-convnet48-dropout3.svg",
        "confusion-untrained.svg",
        "mistakes.png",
        "report.csv",
        "report.json",
        "report.txt",
    ];
    assert_eq!(names_in(&folder), expected);
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("text");
    assert_eq!(read("report.txt"), text);
    assert_eq!(serde_json::from_str::<Value>(&read("report.json")).expect("JSON"), report);
    let csv = read("report.csv");
    assert_eq!(csv, fs::read_to_string(shop.path().join("digits.csv")).expect("text"));
    let samples = csv.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        fields[3].parse::<u64>().expect("a count")
    });
    assert_eq!((csv.lines().count(), samples.sum::<u64>()), (1 + 2 * 10, 2 * digits));
    for name in &expected[..3] {
        assert!(read(name).starts_with("<svg") && read(name).trim_end().ends_with("</svg>"));
    }
    let sheet = image::open(folder.join("mistakes.png")).expect("a PNG");
    assert!(sheet.width() > 600 && sheet.height() > 200);
}

#[test]
fn a_model_for_other_crops_is_named_and_the_others_go_on() {
    let shop = workshop();
    let both = format!(
        "evaluate --data data/crops_32x32.mat --model {PUBLISHED} --weights untrained.safetensors \
         --net Caffe"
    );
    let report = with_published(shop.path(), &format!("{both} --json --out report")).json();
    let [untrained] = list(&report, "models") else { panic!("one model can read crops") };
    assert_eq!(untrained["model"], "untrained");
    assert!(report["comparison"].is_null());
    let [refusal] = list(&report, "refused") else { panic!("one model cannot") };
    assert_eq!(refusal["model"], PUBLISHED);
    assert!(refusal["reason"].as_str().is_some_and(|reason| reason.contains("Format 2")));
    assert!(names_in(&shop.path().join("report")).contains(&"confusion-untrained.svg".to_owned()));

    let text = with_published(shop.path(), &both).done();
    assert!(text.contains(&format!("Not read by {PUBLISHED}: ")), "{text}");
    let alone = format!("evaluate --data data/crops_32x32.mat --model {PUBLISHED}");
    let message = with_published(shop.path(), &alone).refused(3);
    assert!(message.contains("measure it on Format 1"), "{message}");
}

#[test]
fn models_that_are_not_there_or_meant_twice_are_refused() {
    let shop = workshop();
    let evaluate = |models: &str, code: i32| {
        with_published(shop.path(), &format!("evaluate --data data {models}")).refused(code)
    };
    assert!(evaluate("--model no-such-model", 4).contains("no-such-model"));
    assert!(evaluate(&format!("--model {PUBLISHED} --model {PUBLISHED}"), 2).contains("twice"));
    evaluate(&format!("--all --model {PUBLISHED}"), 2);
    let nets = "--weights untrained.safetensors --net Caffe --net TensorFlow";
    assert!(evaluate(nets, 2).contains("once for each"));
    evaluate("--weights untrained.safetensors --net Dog", 2);
    // Another network's weights.
    evaluate("--weights untrained.safetensors --net TensorFlow", 4);
    fs::write(shop.path().join("file"), "in the way").expect("written");
    assert!(evaluate("--out file", 1).contains("file"));
    assert!(evaluate("--csv nowhere/digits.csv", 1).contains("nowhere/digits.csv"));
}

#[test]
fn one_digit_is_drawn_from_its_data_set_and_from_its_photo() {
    let shop = workshop();
    let report = with_published(shop.path(), "evaluate --data data --json").json();
    let mistake = &list(&report, "mistakes")[0];
    let number = &mistake["number"];
    let command = format!("inspect --data data --digit {number} --output of-data.png");
    let said = with_published(shop.path(), &command).done();
    let reading = format!(
        "read as {}, {:.1} %",
        mistake["read"],
        100.0 * mistake["confidence"].as_f64().expect("a share")
    );
    assert!(said.contains(&format!("{reading}; it shows {}", mistake["truth"])), "{said}");

    let (photo, area) = (&mistake["place"]["photo"], &mistake["place"]["box"]);
    let command = format!(
        "inspect data/{} --box {},{},{},{} --output of-photo.png",
        photo.as_str().expect("a name"),
        area["left"],
        area["top"],
        area["width"],
        area["height"]
    );
    let said = with_published(shop.path(), &command).done();
    assert!(said.contains(&reading) && !said.contains("it shows"), "{said}");
    let picture = |name: &str| image::open(shop.path().join(name)).expect("a PNG").to_rgb8();
    let (of_data, of_photo) = (picture("of-data.png"), picture("of-photo.png"));
    assert_eq!(of_data.dimensions(), of_photo.dimensions());
    // Below the title, all but the bars' colours is the same.
    let map = |picture: &image::RgbImage| {
        image::imageops::crop_imm(picture, 0, 320, 1048, 600).to_image()
    };
    assert!(map(&of_data) == map(&of_photo));

    let crop = "inspect --model convnet128 --data data/crops_32x32.mat --digit 2 --output crop.png";
    let message = with_published(shop.path(), crop).refused(3);
    assert!(message.contains("Format 2"), "{message}");
}

#[test]
fn digits_that_are_not_there_are_refused() {
    let shop = workshop();
    let inspect = |arguments: &str, code: i32| {
        with_published(shop.path(), &format!("inspect {arguments} --output x.png")).refused(code)
    };
    assert!(inspect("--data data --digit 0", 2).contains("counted from 1"));
    assert!(inspect("--data data --digit 100000", 2).contains("no digit 100000"));
    inspect("--data data", 2);
    inspect("--digit 1", 2);
    inspect("data/1.png", 2);
    inspect("data/1.png --data data --digit 1", 2);
    assert!(inspect("data/1.png --box 1,2,3", 2).contains("four numbers"));
    assert!(inspect("data/1.png --box 9000,2,3,4", 3).contains("outside the photo"));
    inspect("data/1.png --box NaN,2,3,4", 3);
    inspect("data/none.png --box 1,2,3,4", 3);
    inspect("data/digitStruct.mat --box 1,2,3,4", 3);
    inspect("--data nowhere --digit 1", 3);
    let message = with_published(shop.path(), "inspect --data data --digit 1 --output no/x.png");
    assert!(message.refused(1).contains("no/x.png"));
    assert!(!shop.path().join("x.png").exists());
}
