//! The GPU's answers against the CPU's, on a machine with a GPU or a software Vulkan.
#![cfg(feature = "wgpu")]

mod support;

use std::{fs, path::Path, sync::OnceLock};

use burn::tensor::Device;
use doorplate::{
    classifier::Classifier,
    photo::{BoxInPhoto, Photo, PhotoSize},
    removal::{Grnn, Lattice, Method, Nets, RemovalOptions, remove},
};
use support::{colourful, doorplate, names_in, untrained_classifier};

/// How far the GPU may be off, on the scale 0 to 1.
const REACH: f32 = 1e-3;

/// The GPU, or `None` (with the reason printed) where there is none. It can be opened only once.
fn gpu() -> Option<Device> {
    static GPU: OnceLock<Option<Device>> = OnceLock::new();
    GPU.get_or_init(|| match Device::wgpu_options().init() {
        Ok(device) => Some(device),
        Err(error) => {
            println!("skipped: no GPU could be opened ({error:?})");
            None
        }
    })
    .clone()
}

/// The same classifier on another device.
fn moved(classifier: &Classifier, device: &Device) -> Classifier {
    let weights = classifier.to_safetensors().expect("written");
    Classifier::from_safetensors(classifier.architecture(), weights, device).expect("read back")
}

fn photo() -> Photo {
    let size = PhotoSize { width: 96, height: 64 };
    let samples = colourful(size.width, size.height).into_raw();
    Photo::from_rgb8(size, samples).expect("the samples fit the size")
}

/// Some boxes: two that touch, one alone, one at the corner.
fn boxes() -> [BoxInPhoto; 4] {
    [(8, 10), (24, 11), (60, 20), (80, 40)].map(|(left, top)| BoxInPhoto {
        left,
        top,
        width: 16,
        height: 24,
    })
}

fn assert_near(gpu: &[f32], cpu: &[f32]) {
    assert_eq!(gpu.len(), cpu.len());
    for (i, (gpu, cpu)) in gpu.iter().zip(cpu).enumerate() {
        assert!((gpu - cpu).abs() <= REACH, "value {i}: {gpu} on the GPU, {cpu} on the CPU");
    }
}

#[test]
fn the_classifier_reads_the_same_on_the_gpu() {
    let Some(gpu) = gpu() else { return };
    let on_cpu = untrained_classifier();
    let on_gpu = moved(&on_cpu, &gpu);
    // One box, a few, and more than one batch.
    for count in [1, 4, 50] {
        let boxes: Vec<BoxInPhoto> = boxes().into_iter().cycle().take(count).collect();
        let read = |classifier: &Classifier| -> Vec<f32> {
            let readings = pollster::block_on(classifier.read(&photo(), &boxes));
            readings.expect("read").iter().flat_map(|reading| reading.confidences).collect()
        };
        let cpu = read(&on_cpu);
        assert_eq!(cpu.len(), 10 * count);
        assert_near(&read(&on_gpu), &cpu);
    }
}

#[test]
fn the_net_learns_the_same_on_the_gpu() {
    let Some(gpu) = gpu() else { return };
    let lattice =
        Lattice { rows: (0..40).step_by(3).collect(), columns: (0..61).step_by(3).collect() };
    let crossings = lattice.len();
    let nodes: Vec<bool> = (0..crossings).map(|i| i % 5 != 2).collect();
    let values: Vec<f32> =
        (0..3 * crossings).map(|i| 0.5 + 0.4 * (i as f32 * 0.37).sin()).collect();
    let predicted = |device: &Device| -> Vec<f32> {
        let net = pollster::block_on(Grnn::train(&lattice, 1.8, &nodes, &values, 3, None, device))
            .expect("trained");
        let rows: Vec<usize> = (0..40).collect();
        let columns: Vec<usize> = (0..61).collect();
        let data = net.predict(&rows, &columns).into_data();
        data.try_into_vec().expect("32-bit floats")
    };
    assert_near(&predicted(&gpu), &predicted(&Device::flex()));
}

#[test]
fn a_removal_is_the_same_on_the_gpu() {
    let Some(gpu) = gpu() else { return };
    let on_cpu = untrained_classifier();
    let removed = |classifier: &Classifier| {
        let options = RemovalOptions::default();
        let nets = Nets { classifier: classifier.clone(), strokes: None };
        pollster::block_on(remove(&photo(), &boxes(), &Method::Doorplate(options), &nets))
            .expect("removed")
    };
    let (cpu, gpu) = (removed(&on_cpu), removed(&moved(&on_cpu, &gpu)));
    assert_eq!(gpu.len(), cpu.len());
    for (gpu, cpu) in gpu.iter().zip(&cpu) {
        assert_eq!((gpu.area, &gpu.key_pixels), (cpu.area, &cpu.key_pixels));
        assert_near(&gpu.planes.samples, &cpu.planes.samples);
    }
}

/// The summed loss of each epoch of the only run in a folder.
fn losses(runs: &Path) -> Vec<f64> {
    let run = runs.join(names_in(runs).remove(0));
    let name = names_in(&run).into_iter().find(|name| name.ends_with("_measures.csv"));
    let measures = fs::read_to_string(run.join(name.expect("its measures"))).expect("read");
    let loss = |line: &str| line.split(',').nth(1).and_then(|loss| loss.parse().ok());
    measures.lines().skip(1).map(|line| loss(line).expect("a loss")).collect()
}

#[test]
fn the_stroke_network_learns_the_same_on_the_gpu() {
    if gpu().is_none() {
        return;
    }
    let shop = tempfile::tempdir().expect("a temporary folder");
    doorplate(shop.path(), "data synth --photos 12 --seed 3 --clean --out data").done();
    let curve = |device: &str| {
        let train = "train --net StrokeNet --data data --epochs 2 --batch 8 --rate 0.003";
        doorplate(shop.path(), &format!("{train} --device {device} --out {device}")).done();
        losses(&shop.path().join(device))
    };
    let (cpu, gpu) = (curve("cpu"), curve("wgpu"));
    assert!(cpu.len() == 2 && cpu[1] < cpu[0], "it learns: {cpu:?}");
    // The same but for rounding, which grows from step to step.
    for (cpu, gpu) in cpu.iter().zip(&gpu) {
        assert!((cpu - gpu).abs() < 1e-2 * cpu, "{gpu} on the GPU, {cpu} on the CPU");
    }
}
