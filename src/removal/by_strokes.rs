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
    photo::{BoxInPhoto, Photo},
    strokes::StrokeFinder,
};

/// A pixel whose chance of being a stroke, or that of a pixel beside it, is below the first is
/// left as it is; one above the second is filled.
const LEFT: f32 = 0.15;
const FILLED: f32 = 0.5;

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
    let chances = largest_around(&chances, height, width);

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
        let background: Vec<usize> = around(y, height)
            .flat_map(|y| around(x, width).map(move |x| y * width + x))
            .filter(|&at| chances[at] < LEFT)
            .collect();
        nodes[i] = !background.is_empty();
        for c in (0..channels).filter(|_| nodes[i]) {
            let plane = &planes.samples[c * height * width..];
            let sum: f32 = background.iter().map(|&at| plane[at]).sum();
            values[c * crossings + i] = sum / background.len() as f32;
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
    let shares: Vec<f32> = chances
        .iter()
        .zip(&inside)
        .map(|(chance, inside)| {
            let share = ((chance - LEFT) / (FILLED - LEFT)).clamp(0.0, 1.0);
            if *inside { share } else { 0.0 }
        })
        .collect();
    let mut planes = planes;
    for (i, sample) in planes.samples.iter_mut().enumerate() {
        let share = shares[i % (height * width)];
        *sample += share * (predicted[i].clamp(0.0, 1.0) - *sample);
    }
    let inside = shares.iter().map(|share| *share > 0.0).collect();
    Ok(Fill { area, planes, inside, key_pixels, rounds })
}

/// The largest value of each pixel and the eight around it: a stroke's blur reaches further than
/// the network dares to say.
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
