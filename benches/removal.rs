//! Removal times by box size on the CPU, key pixels to patch, weights loaded before; beside each
//! the report's own way of training the same kind of net: a table of distances between all nodes
//! and pixels, weights trained by Adagrad (rate .1, until the mean squared error is below 5e-5 or
//! for 2,000 rounds) anew in every round of fold-in.
//!
//! Run with `make bench`. Ratios compare medians of the same run on the same pictures.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark stops at the first thing that is not as it must be"
)]

use std::{hint::black_box, path::Path, time::Instant};

use burn::tensor::Device;
use doorplate::{
    classifier::Classifier,
    dataset::synthetic,
    photo::{BoxInPhoto, Photo, PhotoSize},
    publication,
    removal::{Nets, RemovalOptions, quiet_by_feature_maps, remove_digits},
};
use image::imageops;

/// Widths and heights; 20 x 40 is a usual digit of SVHN.
const SIZES: [(u32, u32); 6] = [(10, 20), (20, 40), (40, 80), (80, 160), (120, 240), (200, 300)];

/// The peer's cost grows with the square of the area, so it is timed up to this height only.
const PEER_UP_TO: u32 = 80;

fn main() {
    // `cargo test` runs benchmarks too, to see that they still build; timing is not its business.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let device = Device::flex();
    let (_, classifier) = publication::load(&models, None, &device).unwrap();
    let strokes = publication::load_strokes(&models, &device).unwrap();
    let nets = Nets { classifier: classifier.clone(), strokes };
    println!("box, px      area x side   removal, ms   growth   report's way, ms   ratio");
    let mut before: Option<(f64, f64)> = None;
    for (width, height) in SIZES {
        let (photo, area) = scene(width, height);
        let boxes = [area];
        let options = RemovalOptions::default();
        let ours = median(if height > 160 { 5 } else { 15 }, || {
            black_box(pollster::block_on(remove_digits(&photo, &boxes, &nets, &options))).unwrap();
        });
        let work = f64::from(width * height * width.max(height));
        let growth = before.map_or("      ".to_owned(), |(time, old_work)| {
            format!("{:6.2}", (ours / time).ln() / (work / old_work).ln())
        });
        let peer = if height <= PEER_UP_TO {
            let peer = median(1, || {
                black_box(peer::remove(&photo, area, &classifier));
            });
            format!("{peer:>16.0}   {:>5.0}", peer / ours)
        } else {
            "               -       -".to_owned()
        };
        println!("{width:>4} x {height:<4}  {work:>12.0}   {ours:>11.2}   {growth}   {peer}");
        before = Some((ours, work));
    }
    println!(
        "\ngrowth: the exponent of (area times side) between a row and the one before; \
         below 1 is less than area times side"
    );
}

/// A synthetic house number, enlarged so that its first digit's box has the given size.
fn scene(width: u32, height: u32) -> (Photo, BoxInPhoto) {
    let scene = synthetic::render(11);
    let digit = scene.digits.first().unwrap().area;
    let scaled = |length: u32, from: u32, to: u32| (length * to).div_ceil(from);
    let size = PhotoSize {
        width: scaled(scene.photo.width(), digit.width, width),
        height: scaled(scene.photo.height(), digit.height, height),
    };
    let enlarged =
        imageops::resize(&scene.photo, size.width, size.height, imageops::FilterType::CatmullRom);
    let photo = Photo::from_rgb8(size, enlarged.into_raw()).unwrap();
    let area = BoxInPhoto {
        left: digit.left * width / digit.width,
        top: digit.top * height / digit.height,
        width,
        height,
    };
    (photo, area)
}

/// The median time of some runs after one that does not count, in milliseconds.
fn median(runs: usize, mut work: impl FnMut()) -> f64 {
    if runs > 1 {
        work();
    }
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The removal as the report describes it, in plain Rust.
mod peer {
    use super::*;

    const SIGMA: f32 = 1.8;

    pub(super) fn remove(photo: &Photo, area: BoxInPhoto, classifier: &Classifier) -> Vec<f32> {
        let planes = photo.planes(area);
        let (height, width) = (planes.height, planes.width);
        let maps = classifier.first_feature_maps(photo, area);
        let quiet = quiet_by_feature_maps(&maps, 35);
        let is_quiet = |y: usize, x: usize| {
            quiet[(y * maps.side / height) * maps.side + x * maps.side / width]
        };
        let mut grid: Vec<(usize, usize)> = (0..height)
            .step_by(3)
            .flat_map(|y| (0..width).step_by(3).map(move |x| (y, x)))
            .collect();
        let mut nodes: Vec<(usize, usize)> =
            [(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)].into();
        nodes.extend(
            grid.iter()
                .filter(|&&(y, x)| is_quiet(y, x) && !nodes.contains(&(y, x)))
                .copied()
                .collect::<Vec<_>>(),
        );
        grid.retain(|pixel| !nodes.contains(pixel));
        let mut values: Vec<[f32; 3]> =
            nodes.iter().map(|&(y, x)| [0, 1, 2].map(|c| planes.at(c, y, x))).collect();
        let mut weights = vec![[1.0f32; 3]; nodes.len()];
        train(&nodes, &values, &mut weights);
        for _ in 0..30 {
            if grid.is_empty() {
                break;
            }
            let nearest = |p: &(usize, usize)| {
                nodes.iter().map(|n| squared_distance(*p, *n)).min().unwrap_or(0)
            };
            let least = grid.iter().map(nearest).min().unwrap_or(0);
            let (near, far): (Vec<_>, Vec<_>) =
                grid.iter().partition(|pixel| nearest(pixel) == least);
            for pixel in near {
                let predicted = predict(&nodes, &weights, pixel);
                values.push(predicted);
                weights.push([1.0; 3]);
                nodes.push(pixel);
            }
            grid = far;
            train(&nodes, &values, &mut weights);
        }
        (0..height)
            .flat_map(|y| (0..width).map(move |x| (y, x)))
            .flat_map(|pixel| predict(&nodes, &weights, pixel))
            .collect()
    }

    fn squared_distance(a: (usize, usize), b: (usize, usize)) -> usize {
        a.0.abs_diff(b.0).pow(2) + a.1.abs_diff(b.1).pow(2)
    }

    fn kernel(a: (usize, usize), b: (usize, usize)) -> f32 {
        (-(squared_distance(a, b) as f32) / (2.0 * SIGMA * SIGMA)).exp()
    }

    fn predict(nodes: &[(usize, usize)], weights: &[[f32; 3]], pixel: (usize, usize)) -> [f32; 3] {
        let mut sum = [0.0f32; 3];
        let mut below = 0.0;
        for (node, weight) in nodes.iter().zip(weights) {
            let k = kernel(pixel, *node);
            below += k;
            for c in 0..3 {
                sum[c] += k * weight[c];
            }
        }
        sum.map(|s| s / below)
    }

    /// Adagrad on the mean squared error over nodes and channels.
    fn train(nodes: &[(usize, usize)], values: &[[f32; 3]], weights: &mut [[f32; 3]]) {
        let n = nodes.len();
        let mut k: Vec<f32> =
            nodes.iter().flat_map(|a| nodes.iter().map(|b| kernel(*a, *b))).collect();
        for row in k.chunks_exact_mut(n) {
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|v| *v /= sum);
        }
        let mut squares = vec![[1e-10f32; 3]; n];
        for _ in 0..2_000 {
            let mut gradient = vec![[0.0f32; 3]; n];
            let mut error = 0.0;
            for (row, value) in k.chunks_exact(n).zip(values) {
                let mut difference = [0.0f32; 3];
                for (kv, weight) in row.iter().zip(weights.iter()) {
                    for c in 0..3 {
                        difference[c] += kv * weight[c];
                    }
                }
                for c in 0..3 {
                    difference[c] -= value[c];
                    error += difference[c] * difference[c];
                }
                for (kv, g) in row.iter().zip(&mut gradient) {
                    for c in 0..3 {
                        g[c] += 2.0 * kv * difference[c] / (3 * n) as f32;
                    }
                }
            }
            if error / ((3 * n) as f32) < 5e-5 {
                return;
            }
            for i in 0..n {
                for c in 0..3 {
                    squares[i][c] += gradient[i][c] * gradient[i][c];
                    weights[i][c] -= 0.1 * gradient[i][c] / squares[i][c].sqrt();
                }
            }
        }
    }
}
