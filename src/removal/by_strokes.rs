//! Fills the strokes that the stroke network finds, and leaves every other pixel as it is.
//!
//! The report repaints whole boxes from a few points, so all texture in them is lost. Here every
//! pixel of the region that is no stroke is background, inside the boxes too. A lattice finer
//! than the report's takes the means of the background about its crossings; the rest of it is
//! folded in and evened out; the GRNN on the full lattice gives the fill; and the fill goes over
//! into the photo as the network becomes less sure.

use super::{Fill, Lattice, RemovalOptions, grnn::Grnn, lattice_line, relax};
use crate::{
    classifier::{EngineError, read_back},
    photo::{BoxInPhoto, Photo, Planes},
    strokes::StrokeFinder,
};

/// A pixel is background when its chance of being a stroke is below the first. Where that of a
/// pixel beside it is too, it is left as it is; where one is above the second, it is filled.
const LEFT: f32 = 0.3;
const FILLED: f32 = 0.6;

/// Pixels from one row or column of the lattice to the next, and the width of the Gaussians,
/// which have the report's ratio.
const SPACING: usize = 2;
const SIGMA: f64 = 1.2;

/// Fills the strokes in `inside` the boxes of `area`; `boxes` are all that touch it.
pub(super) async fn fill(
    photo: &Photo,
    area: BoxInPhoto,
    boxes: &[BoxInPhoto],
    inside: Vec<bool>,
    finder: &StrokeFinder,
    options: &RemovalOptions,
) -> Result<Fill, EngineError> {
    let planes = photo.planes(area);
    let (height, width, channels) = (planes.height, planes.width, planes.channels);
    let chances = finder.find(photo, area, boxes).await?;
    let background: Vec<bool> = chances.iter().map(|chance| *chance < LEFT).collect();

    let coarser = options.coarser(area);
    let lattice = Lattice {
        rows: lattice_line(height, SPACING * coarser),
        columns: lattice_line(width, SPACING * coarser),
    };
    let crossings = lattice.len();
    let mut values = vec![0.0; channels * crossings];
    let mut nodes = vec![false; crossings];
    let pixel = |i: usize| {
        (lattice.rows[i / lattice.columns.len()], lattice.columns[i % lattice.columns.len()])
    };
    let around = |at: usize, limit: usize| at.saturating_sub(1)..(at + 2).min(limit);
    for i in 0..crossings {
        let (y, x) = pixel(i);
        let about: Vec<usize> = around(y, height)
            .flat_map(|y| around(x, width).map(move |x| y * width + x))
            .filter(|&at| background[at])
            .collect();
        nodes[i] = !about.is_empty();
        for c in (0..channels).filter(|_| nodes[i]) {
            let plane = &planes.samples[c * height * width..];
            let sum: f32 = about.iter().map(|&at| plane[at]).sum();
            values[c * crossings + i] = sum / about.len() as f32;
        }
    }
    if !nodes.contains(&true) {
        // Strokes wherever one looks: what is left of background is the edge, as it is.
        for i in 0..crossings {
            let (y, x) = pixel(i);
            if y == 0 || x == 0 || y + 1 == height || x + 1 == width {
                nodes[i] = true;
                for c in 0..channels {
                    values[c * crossings + i] = planes.at(c, y, x);
                }
            }
        }
    }
    let key_pixels = (0..crossings).filter(|&i| nodes[i]).map(pixel).collect();
    let rounds = fold_in_means(&lattice, nodes.clone(), &mut values, channels);
    relax(&lattice, &nodes, &mut values, channels);

    let sigma = SIGMA * coarser as f64;
    let all = vec![true; crossings];
    let net = Grnn::train(&lattice, sigma, &all, &values, channels, None, finder.device()).await?;
    let rows: Vec<usize> = (0..height).collect();
    let columns: Vec<usize> = (0..width).collect();
    let predicted = read_back(net.predict(&rows, &columns)).await?;
    // A stroke's blur reaches further than the network dares to say.
    let shares: Vec<f32> = largest_around(&chances, height, width)
        .into_iter()
        .zip(&inside)
        .map(|(chance, inside)| {
            let share = ((chance - LEFT) / (FILLED - LEFT)).clamp(0.0, 1.0);
            if *inside { share } else { 0.0 }
        })
        .collect();
    let predicted: Vec<f32> = predicted.iter().map(|value| value.clamp(0.0, 1.0)).collect();
    let grain = grain(&planes, &predicted, &background, &shares);
    let mut planes = planes;
    for (i, sample) in planes.samples.iter_mut().enumerate() {
        let share = shares[i % (height * width)];
        let fill = (predicted[i] + options.grain * grain[i]).clamp(0.0, 1.0);
        *sample += share * (fill - *sample);
    }
    let inside = shares.iter().map(|share| *share > 0.0).collect();
    Ok(Fill { area, planes, inside, key_pixels, rounds })
}

/// Steps in pixels, in row and column, from a filled pixel to the background that lends it its
/// grain.
const GRAIN_STEPS: [i64; 9] = [-16, -12, -8, -5, 0, 5, 8, 12, 16];

/// Grain stronger than so many times the usual is a thing on the wall.
const USUAL_GRAIN: f32 = 3.0;

/// For every sample that is filled in part, how far that of a background pixel nearby lies from the
/// fill there: noise and fine texture, which a Gaussian leaves out. Neighbours get it from
/// neighbours, as far as that goes, so that its fineness is the photo's.
fn grain(planes: &Planes, predicted: &[f32], background: &[bool], shares: &[f32]) -> Vec<f32> {
    let (height, width) = (planes.height as i64, planes.width as i64);
    let pixels = background.len();
    let lender = |i: usize, (down, right): (i64, i64)| {
        let (y, x) = (i as i64 / width + down, i as i64 % width + right);
        let inside = (0..height).contains(&y) && (0..width).contains(&x);
        inside.then(|| (y * width + x) as usize).filter(|&at| background[at])
    };
    let filled: Vec<usize> = (0..pixels).filter(|&i| shares[i] > 0.0).collect();
    let mut steps: Vec<(usize, (i64, i64))> = GRAIN_STEPS
        .iter()
        .flat_map(|&down| GRAIN_STEPS.iter().map(move |&right| (down, right)))
        .map(|step| (filled.iter().filter(|&&i| lender(i, step).is_some()).count(), step))
        .collect();
    // The step that serves most comes first; among equals the order is that of the table.
    steps.sort_by_key(|(serves, _)| std::cmp::Reverse(*serves));
    let mut grain = vec![0.0; planes.samples.len()];
    for c in 0..planes.channels {
        let of = |i: usize| planes.samples[c * pixels + i] - predicted[c * pixels + i];
        let mut strengths: Vec<f32> =
            (0..pixels).filter(|&i| background[i]).map(|i| of(i).abs()).collect();
        let middle = strengths.len() / 2;
        if strengths.is_empty() {
            continue;
        }
        let (_, usual, _) = strengths.select_nth_unstable_by(middle, f32::total_cmp);
        let most = USUAL_GRAIN * *usual;
        for &i in &filled {
            if let Some(from) = steps.iter().find_map(|(_, step)| lender(i, *step)) {
                grain[c * pixels + i] = of(from).clamp(-most, most);
            }
        }
    }
    grain
}

/// The largest value of each pixel and the eight around it.
fn largest_around(values: &[f32], height: usize, width: usize) -> Vec<f32> {
    let mut largest = Vec::with_capacity(values.len());
    for y in 0..height {
        for x in 0..width {
            let rows = y.saturating_sub(1)..(y + 2).min(height);
            let most = rows
                .flat_map(|y| {
                    &values[y * width + x.saturating_sub(1)..y * width + (x + 2).min(width)]
                })
                .fold(0.0f32, |most, value| most.max(*value));
            largest.push(most);
        }
    }
    largest
}

/// Gives the crossings without a value the mean of those of their neighbours that have one, from
/// the edge inwards; returns the number of rounds.
fn fold_in_means(
    lattice: &Lattice,
    mut nodes: Vec<bool>,
    values: &mut [f32],
    channels: usize,
) -> usize {
    let crossings = lattice.len();
    let mut rounds = 0;
    while nodes.contains(&false) {
        let near: Vec<(usize, Vec<usize>)> = (0..crossings)
            .filter(|&i| !nodes[i])
            .map(|i| (i, lattice.neighbours(i).filter(|&j| nodes[j]).collect()))
            .filter(|(_, known): &(usize, Vec<usize>)| !known.is_empty())
            .collect();
        for (i, known) in &near {
            nodes[*i] = true;
            for plane in values.chunks_exact_mut(crossings).take(channels) {
                plane[*i] = known.iter().map(|&j| plane[j]).sum::<f32>() / known.len() as f32;
            }
        }
        if near.is_empty() {
            break;
        }
        rounds += 1;
    }
    rounds
}
