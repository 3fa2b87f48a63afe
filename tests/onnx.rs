//! Exported networks. Onnxruntime's answers are compared with this program's, if the Python that
//! `PYTHON` names (by default `python3`) has `numpy`, `onnx` and `onnxruntime`.
#![cfg(feature = "native")]

mod support;

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use burn::tensor::Device;
use doorplate::{
    classifier::{Architecture, Classifier, Network, seeded},
    dataset::format1::Format1,
    photo::{BoxInPhoto, Colours, Filter, LooseBox, Photo},
    publication::{Library, Manifest},
    synthetic::write_format1,
    unet::UNetModel,
};
use safetensors::{SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use support::{doorplate, names_in};
use tempfile::TempDir;

/// How far logits, confidences and shares may be from this program's.
const NEAR: f32 = 1e-3;

#[derive(Serialize, Deserialize)]
struct Values {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// A file for onnxruntime, with its inputs, and the outputs that this program computes.
struct Job {
    model: PathBuf,
    inputs: BTreeMap<&'static str, Values>,
    expected: BTreeMap<&'static str, Values>,
}

fn values(shape: &[usize], values: Vec<f32>) -> Values {
    assert_eq!(shape.iter().product::<usize>(), values.len());
    Values { shape: shape.to_vec(), values }
}

/// The Python to run, or `None` (with the reason printed) if it lacks something.
fn python() -> Option<OsString> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let imports = ["-c", "import numpy, onnx, onnxruntime"];
    if Command::new(&python).args(imports).output().is_ok_and(|it| it.status.success()) {
        return Some(python);
    }
    println!(
        "skipped: {} cannot import numpy, onnx and onnxruntime; name a Python that can in PYTHON",
        python.display()
    );
    None
}

/// Runs the files, and compares their outputs with what is expected.
fn compare(folder: &Path, jobs: &[Job]) {
    let Some(python) = python() else { return };
    let asked: Vec<_> = jobs
        .iter()
        .map(|job| serde_json::json!({ "model": job.model, "inputs": job.inputs }))
        .collect();
    let file = folder.join("jobs.json");
    fs::write(&file, serde_json::to_vec(&asked).expect("plain data")).expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx.py");
    let ran = Command::new(python).arg(script).arg(file).output().expect("Python starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let answers: Vec<BTreeMap<String, Values>> =
        serde_json::from_slice(&ran.stdout).expect("a list of outputs");
    assert_eq!(answers.len(), jobs.len());
    for (job, answer) in jobs.iter().zip(answers) {
        let model = job.model.display();
        assert_eq!(answer.len(), job.expected.len(), "{model}");
        for (name, expected) in &job.expected {
            let found = &answer[*name];
            assert_eq!(found.shape, expected.shape, "{model}: {name}");
            let pairs = found.values.iter().zip(&expected.values);
            let furthest =
                pairs.fold(0f32, |far, (a, b)| far.max((a - b).abs() / b.abs().max(1.0)));
            println!("{model}: {name} differs by {furthest:e} at most");
            assert!(furthest < NEAR, "{model}: {name} differs by {furthest}");
        }
    }
}

/// Drawn photos with their digits' boxes.
fn drawn(folder: &Path) -> Vec<(Photo, Vec<BoxInPhoto>)> {
    let data = folder.join("data");
    write_format1(&data, 4, 21).expect("drawn");
    let data = Format1::open(&data).expect("the list is read");
    let load = |entry| {
        let (photo, digits) = data.load(entry).expect("the photo is read");
        (photo, digits.into_iter().map(|digit| digit.area).collect())
    };
    data.photos.iter().map(load).collect()
}

/// What a classifier and its file are to answer for all digits on these photos.
fn reading(model: PathBuf, net: &Classifier, photos: &[(Photo, Vec<BoxInPhoto>)]) -> Job {
    let input = net.architecture().input;
    let (mut samples, mut inputs) = (Vec::new(), Vec::new());
    for (photo, boxes) in photos {
        for &area in boxes {
            samples.extend(input.crop_of(photo, area));
            inputs.extend(net.input_of(photo, area));
        }
    }
    let n = samples.len() / input.len();
    assert!(n > 3, "there are digits");
    let logits = pollster::block_on(net.logits(&inputs)).expect("computed").concat();
    let readings = pollster::block_on(net.read_inputs(&inputs)).expect("read");
    let confidences = readings.iter().flat_map(|reading| reading.confidences).collect();
    let shape = [n, input.channels(), input.side, input.side];
    Job {
        model,
        inputs: [("samples", values(&shape, samples))].into(),
        expected: [
            ("logits", values(&[n, 10], logits)),
            ("confidences", values(&[n, 10], confidences)),
        ]
        .into(),
    }
}

/// Planes of a part of a photo, red, green and blue, 0 to 1.
fn part(photo: &Photo, rows: usize, columns: usize) -> Vec<f32> {
    let size = photo.size();
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let whole = LooseBox { left: 0.0, top: 0.0, width, height };
    photo.resampled(whole, Filter::Triangle, Colours::Rgb, [rows as u32, columns as u32])
}

/// A network's outputs for planes of pixels, with cells of `side` pixels: `[outputs, rows, columns]` of
/// cells.
fn outputs(net: &UNetModel, planes: &[f32], [rows, columns]: [usize; 2], side: usize) -> Vec<f32> {
    let mut cells = Vec::with_capacity(planes.len());
    for plane in planes.chunks_exact(rows * columns) {
        for corner in 0..side * side {
            for y in 0..rows / side {
                for x in 0..columns / side {
                    let (y, x) = (y * side + corner / side, x * side + corner % side);
                    cells.push(plane[y * columns + x]);
                }
            }
        }
    }
    pollster::block_on(net.outputs(cells, [rows / side, columns / side])).expect("computed")
}

fn sigmoid(odds: f32) -> f32 {
    1.0 / (1.0 + (-odds).exp())
}

fn finding_strokes(model: PathBuf, net: &UNetModel, photo: &Photo, size: [usize; 2]) -> Job {
    let [rows, columns] = size;
    let pixels = rows * columns;
    let photo = part(photo, rows, columns);
    let mut planes = photo.clone();
    for plane in planes.chunks_exact_mut(pixels) {
        let mean = plane.iter().sum::<f32>() / pixels as f32;
        plane.iter_mut().for_each(|sample| *sample -= mean);
    }
    let squares: f32 = planes.iter().map(|sample| sample * sample).sum();
    let deviation = (squares / planes.len() as f32).sqrt();
    assert!(deviation > 0.04, "a photo with contrast");
    planes.iter_mut().for_each(|sample| *sample /= deviation);
    let boxes: Vec<f32> =
        (0..pixels).map(|i| f32::from(u8::from(i % columns > 8 && i / columns < 24))).collect();
    let prior: Vec<f32> = (0..pixels).map(|i| (i * 37 % 201) as f32 / 100.0 - 1.0).collect();
    planes.extend(boxes.iter().chain(&prior));
    let odds = outputs(net, &planes, size, 2);
    // Two planes, each of four planes of cells.
    let mut found = vec![0.0; 2 * pixels];
    for (i, pixel) in found.iter_mut().enumerate() {
        let (plane, y, x) = (i / pixels, i % pixels / columns, i % columns);
        let corner = 4 * plane + 2 * (y % 2) + x % 2;
        *pixel = sigmoid(odds[corner * pixels / 4 + y / 2 * (columns / 2) + x / 2]);
    }
    let key_pixels = found.split_off(pixels);
    let shape = [1, 1, rows, columns];
    Job {
        model,
        inputs: [
            ("photo", values(&[1, 3, rows, columns], photo)),
            ("boxes", values(&shape, boxes)),
            ("prior", values(&shape, prior)),
        ]
        .into(),
        expected: [("strokes", values(&shape, found)), ("key_pixels", values(&shape, key_pixels))]
            .into(),
    }
}

fn finding_digits(model: PathBuf, net: &UNetModel, photo: &Photo, size: [usize; 2]) -> Job {
    let photo = part(photo, size[0], size[1]);
    let planes: Vec<f32> = photo.iter().map(|sample| (sample - 0.5) / 0.25).collect();
    let [rows, columns] = size.map(|length| length / 4);
    let mut odds = outputs(net, &planes, size, 4);
    let reaches = odds.split_off(rows * columns).iter().map(|side| 8.0 * side.exp()).collect();
    let confidences = odds.into_iter().map(sigmoid).collect();
    Job {
        model,
        inputs: [("photo", values(&[1, 3, size[0], size[1]], photo))].into(),
        expected: [
            ("confidences", values(&[1, 1, rows, columns], confidences)),
            ("reaches", values(&[1, 4, rows, columns], reaches)),
        ]
        .into(),
    }
}

/// A classifier's weights with batch norms and input statistics that do something, as an untrained
/// network's do nothing.
fn varied(net: &Classifier) -> Vec<u8> {
    let bytes = net.to_safetensors().expect("written");
    let file = SafeTensors::deserialize(&bytes).expect("read");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("read");
    let vary = |name: &str, data: &[u8]| -> Vec<u8> {
        let (from, step): (f32, f32) = match name.rsplit('.').next() {
            Some("running_mean") => (-0.1, 0.05),
            Some("running_var") => (0.4, 0.1),
            Some("gamma") => (0.7, 0.1),
            Some("beta") => (-0.2, 0.07),
            Some("mean") => (0.3, 0.02),
            Some("deviation") => (0.15, 0.03),
            _ => return data.to_vec(),
        };
        let value = |i: usize| (from + step * (i % 7) as f32).to_le_bytes();
        (0..data.len() / 4).flat_map(value).collect()
    };
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = file
        .tensors()
        .into_iter()
        .map(|(name, it)| {
            let data = vary(&name, it.data());
            (name, it.shape().to_vec(), data)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, data)| {
        (name, TensorView::new(safetensors::Dtype::F32, shape.clone(), data).expect("it fits"))
    });
    let header: Option<HashMap<String, String>> = header.metadata().clone();
    safetensors::serialize(views, header).expect("written")
}

/// The folder of published models.
fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn published_networks_answer_in_onnxruntime_as_here() {
    let folder = folder();
    let at = folder.path();
    let models = published();
    let export = format!("export --all --models {} --onnx", models.display());
    let told = doorplate(at, &format!("{export} networks")).done();
    let networks = at.join("networks");
    let of = |name: &str| networks.join(format!("{name}.onnx"));

    let photos = drawn(at);
    let library = Library::new(Some(&models));
    let device = Device::flex();
    let mut jobs = Vec::new();
    for name in library.names().expect("names") {
        let (_, net) = library.load(Some(&name), &device).expect("a model");
        jobs.push(reading(of(&name), &net, &photos));
    }
    let (strokes, net) = library.load_strokes(&device).expect("StrokeNet");
    for (size, (photo, _)) in [[64, 96], [40, 72]].into_iter().zip(&photos) {
        jobs.push(finding_strokes(of(&strokes.name), net.model(), photo, size));
    }
    let (finder, net) = library.load_finder(&device).expect("FinderNet");
    for (size, (photo, _)) in [[64, 96], [48, 144]].into_iter().zip(&photos) {
        jobs.push(finding_digits(of(&finder.name), net.model(), photo, size));
    }
    let mut files: Vec<String> = jobs.iter().map(|job| job.model.display().to_string()).collect();
    files.sort();
    files.dedup();
    let written = names_in(&networks);
    assert_eq!(
        files,
        written.iter().map(|it| networks.join(it).display().to_string()).collect::<Vec<_>>()
    );
    assert_eq!(told.lines().count(), files.len(), "{told}");

    // The same weights give the same bytes, in a file of any name, over another one.
    fs::write(at.join("again.onnx"), "another file").expect("written");
    let model = format!("--model {} --models {}", strokes.name, models.display());
    doorplate(at, &format!("export {model} --onnx again.onnx")).done();
    let read = |path: PathBuf| fs::read(path).expect("read");
    assert_eq!(read(at.join("again.onnx")), read(of(&strokes.name)));
    compare(at, &jobs);
}

#[test]
fn every_declared_network_answers_in_onnxruntime_as_here() {
    let folder = folder();
    let at = folder.path();
    let photos = drawn(at);
    let device = Device::flex();
    let mut jobs = Vec::new();
    let mut export = "export --onnx networks".to_owned();
    for architecture in Architecture::ALL {
        let net = seeded(Network::new(architecture, &device), 3);
        let net = Classifier::new(net, device.clone());
        let weights = varied(&net.expect("the CPU reads its own weights"));
        let file = format!("{}.safetensors", architecture.name);
        fs::write(at.join(&file), &weights).expect("written");
        export += &format!(" --weights {file}");
        let net = Classifier::from_safetensors(architecture, weights, &device).expect("they fit");
        let model = at.join(format!("networks/{}.onnx", architecture.name));
        jobs.push(reading(model, &net, &photos));
    }
    doorplate(at, &export).done();
    assert_eq!(names_in(&at.join("networks")).len(), Architecture::ALL.len());
    compare(at, &jobs);
}

#[test]
fn what_cannot_be_exported_is_said() {
    let folder = folder();
    let at = folder.path();
    let models = format!("--models {}", published().display());
    let missing = doorplate(at, &format!("export {models} --model none --onnx a.onnx")).refused(4);
    assert!(missing.contains("none"), "{missing}");
    doorplate(at, &format!("export {models}")).refused(2);
    fs::write(at.join("a.safetensors"), "none").expect("written");
    let foreign = doorplate(at, "export --weights a.safetensors --onnx a.onnx").refused(4);
    assert!(foreign.contains("a.safetensors"), "{foreign}");
    let unknown = doorplate(at, "export --weights a.safetensors --net No --onnx a.onnx").refused(2);
    assert!(unknown.contains("ConvNet128"), "{unknown}");
    doorplate(at, &format!("export {models} --onnx no/such/folder/a.onnx")).refused(1);

    // Two files of one name would be one.
    let manifest = fs::read(published().join("manifest.json")).expect("read");
    let manifest = Manifest::parse(&manifest).expect("a manifest");
    let weights = published().join(&manifest.models[0].file);
    for name in ["x", "y"] {
        fs::create_dir(at.join(name)).expect("made");
        fs::copy(&weights, at.join(name).join("net.safetensors")).expect("copied");
    }
    let both = "--weights x/net.safetensors --weights y/net.safetensors";
    let twice = doorplate(at, &format!("export {both} --onnx out")).refused(2);
    assert!(twice.contains("net is the name of two networks"), "{twice}");
    assert!(!at.join("out").exists());
    let net = &manifest.models[0].architecture;
    let named = doorplate(at, &format!("export {both} --net {net} --onnx out")).refused(2);
    assert!(named.contains("two networks"), "{named}");
}
