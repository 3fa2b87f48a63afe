//! Measures the time of a removal by the size of a box, on one core, without loading the weights.
//!
//! For comparison, the same picture is filled as the method's first program did: with a table of
//! distances between all nodes and pixels, and weights that are trained from the start in every
//! round of fold-in, by Adagrad (rate .1, until the mean squared error is below 5e-5, or for 2,000
//! rounds).

use std::{hint::black_box, time::Instant};

use image::imageops;

use crate::{
    classifier::EngineError,
    photo::{BoxInPhoto, Photo, PhotoSize},
    removal::{Erasure, KeyPixels, Method, Nets, ReportOptions, remove, remove_proven},
    synthetic,
};

/// Widths and heights; 20 x 40 is a usual digit of SVHN.
const SIZES: [(u32, u32); 5] = [(20, 40), (40, 80), (100, 150), (200, 300), (400, 900)];

/// The first program's cost grows with the square of the area, so it is timed up to this height
/// only.
const FIRST_PROGRAM_UP_TO: u32 = 150;

/// The report's feature maps are timed up to this height, as they take seconds beyond.
const REPORT_UP_TO: u32 = 300;

/// A scene whose first digit is away from the photo's edge.
const SCENE: u64 = 11;

/// Milliseconds for one box, those of the fastest of some runs: other programs only ever slow a
/// run down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RemovalTime {
    /// The box's width in pixels.
    pub width: u32,
    /// The box's height in pixels.
    pub height: u32,
    /// By Doorplate's own removal.
    pub doorplate: f64,
    /// The same with the second look, which fills more if something is left.
    pub checked: f64,
    /// By the report's with feature maps, trained exactly; `None` where that would take seconds.
    pub report: Option<f64>,
    /// By the same as the first program trains it; `None` where that would take minutes.
    pub first_program: Option<f64>,
}

impl RemovalTime {
    /// The exponent with which Doorplate's time grows from `before` to this one with the work, area
    /// times side.
    pub fn growth(&self, before: &Self) -> f64 {
        let work = |one: &Self| f64::from(one.width * one.height * one.width.max(one.height));
        (self.doorplate / before.doorplate).ln() / (work(self) / work(before)).ln()
    }
}

/// Takes the times on one core.
///
/// # Errors
/// [`EngineError`] when the device fails, or no thread can be had.
pub fn removal_times(nets: &Nets) -> Result<Vec<RemovalTime>, EngineError> {
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let one_core = one_core.map_err(|error| EngineError::Device(error.to_string()))?;
    one_core.install(|| SIZES.iter().map(|size| time_of(*size, nets)).collect())
}

fn time_of((width, height): (u32, u32), nets: &Nets) -> Result<RemovalTime, EngineError> {
    let Some((photo, area)) = scene(width, height) else {
        return Err(EngineError::Input(format!("no scene for a box of {width} x {height}")));
    };
    let boxes = [area];
    let runs = match height {
        0..=100 => 40,
        101..=300 => 10,
        _ => 4,
    };
    let by = |method: &Method| {
        fastest(runs, || {
            let fills = remove(&photo, &boxes, method, nets);
            pollster::block_on(fills).map(|fills| drop(black_box(fills)))
        })
    };
    Ok(RemovalTime {
        width,
        height,
        doorplate: by(&Method::default())?,
        checked: fastest(runs, || {
            let (erasure, method) = (Erasure::of(&boxes), Method::default());
            let proven = remove_proven(&photo, &erasure, &method, nets);
            pollster::block_on(proven).map(|proven| drop(black_box(proven)))
        })?,
        report: if height <= REPORT_UP_TO {
            Some(by(&Method::Report(ReportOptions::by(KeyPixels::FeatureMaps)))?)
        } else {
            None
        },
        first_program: if height <= FIRST_PROGRAM_UP_TO {
            Some(fastest(1, || {
                black_box(first_program::fill(&photo, area, &nets.classifier));
                Ok(())
            })?)
        } else {
            None
        },
    })
}

/// A drawn house number, enlarged so that its first digit's box has the given size.
fn scene(width: u32, height: u32) -> Option<(Photo, BoxInPhoto)> {
    let scene = synthetic::render(SCENE);
    let digit = scene.digits.first()?.area;
    let scaled = |length: u32, from: u32, to: u32| (length * to).div_ceil(from);
    let size = PhotoSize {
        width: scaled(scene.photo.width(), digit.width, width),
        height: scaled(scene.photo.height(), digit.height, height),
    };
    let enlarged =
        imageops::resize(&scene.photo, size.width, size.height, imageops::FilterType::CatmullRom);
    let area = BoxInPhoto {
        left: digit.left * width / digit.width,
        top: digit.top * height / digit.height,
        width,
        height,
    };
    Some((Photo::from_rgb8(size, enlarged.into_raw())?, area))
}

/// The time of the fastest of some runs, in milliseconds.
fn fastest(
    runs: usize,
    mut work: impl FnMut() -> Result<(), EngineError>,
) -> Result<f64, EngineError> {
    let mut least = f64::INFINITY;
    for _ in 0..runs {
        let started = Instant::now();
        work()?;
        least = least.min(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(least)
}

/// The first program's method, in plain Rust.
mod first_program {
    use crate::{
        classifier::Classifier,
        photo::{BoxInPhoto, Photo},
        removal::quiet_by_feature_maps,
    };

    const SIGMA: f32 = 1.8;

    /// The box's pixels, row after row.
    pub(super) fn fill(photo: &Photo, area: BoxInPhoto, classifier: &Classifier) -> Vec<[f32; 3]> {
        let planes = photo.planes(area);
        let (height, width) = (planes.height, planes.width);
        let maps = classifier.first_feature_maps(photo, area);
        let quiet = quiet_by_feature_maps(&maps, 35);
        let nearest = |at: usize, length: usize| (2 * at + 1) * maps.side / (2 * length);
        let is_quiet =
            |y: usize, x: usize| quiet[nearest(y, height) * maps.side + nearest(x, width)];
        let mut nodes: Vec<(usize, usize)> =
            [(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)].into();
        let grid = (0..height).step_by(3).flat_map(|y| (0..width).step_by(3).map(move |x| (y, x)));
        let (chosen, mut grid): (Vec<_>, Vec<_>) =
            grid.filter(|pixel| !nodes.contains(pixel)).partition(|&(y, x)| is_quiet(y, x));
        nodes.extend(chosen);
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
            let predicted: Vec<[f32; 3]> =
                near.iter().map(|pixel| predict(&nodes, &weights, *pixel)).collect();
            nodes.extend(near);
            values.extend(predicted);
            weights.resize(nodes.len(), [1.0; 3]);
            grid = far;
            train(&nodes, &values, &mut weights);
        }
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
        pixels.map(|pixel| predict(&nodes, &weights, pixel)).collect()
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

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::publication::Library;

    #[test]
    fn the_first_program_and_the_exact_training_fill_alike() {
        // Which pixels are quiet is the network's choice, so a published one's is what counts.
        let published = Library::new(None).load(Some("convnet48-dropout3"), &Device::flex());
        let (_, classifier) = published.expect("the program's own");
        let (photo, area) = scene(20, 40).expect("a scene");
        let method = Method::Report(ReportOptions::by(KeyPixels::FeatureMaps));
        let boxes = [area];
        let nets = Nets { classifier, strokes: None };
        let fills = pollster::block_on(remove(&photo, &boxes, &method, &nets));
        let exact = &fills.expect("the CPU computes")[0].planes;
        let first = first_program::fill(&photo, area, &nets.classifier);
        let errors = first.iter().enumerate().flat_map(|(i, pixel)| {
            let exact = |c: usize| exact.samples[c * first.len() + i];
            [0, 1, 2].map(|c| f64::from(exact(c) - pixel[c].clamp(0.0, 1.0)).powi(2))
        });
        let difference = errors.sum::<f64>();
        let count = exact.samples.len() as f64;
        let mean = exact.samples.iter().map(|&s| f64::from(s)).sum::<f64>() / count;
        let deviation: f64 = exact.samples.iter().map(|&s| (f64::from(s) - mean).powi(2)).sum();
        assert!(deviation / count > 2e-3, "a fill that is not flat");
        // Adagrad stops at 5e-5 at the nodes, and fold-in carries what is left from round to round; a flat
        // fill is as far off as the deviation.
        assert!(difference < 0.67 * deviation, "{difference} of {deviation}");
    }

    #[test]
    fn growth_is_the_exponent_of_area_times_side() {
        let time = |width: u32, height: u32, doorplate: f64| RemovalTime {
            width,
            height,
            doorplate,
            checked: 2.0,
            report: None,
            first_program: None,
        };
        // Twice as large on both sides: eight times the work.
        let growth = time(20, 40, 9.0).growth(&time(10, 20, 3.0));
        assert!((growth - 3f64.ln() / 8f64.ln()).abs() < 1e-12);
    }
}
