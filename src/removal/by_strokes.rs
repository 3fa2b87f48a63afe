//! Fills the strokes that the stroke network finds, and leaves every other pixel as it is.
//!
//! The report repaints whole boxes from a few points, so all texture in them is lost. Here the
//! network also says how much each pixel counts as a key pixel, trained so that what is filled from
//! them comes close to the truth. Key pixels are folded in by levels (`levels`); the GRNN on the
//! last of them, whose cells lie closer than the report's grid, gives the fill; and the fill goes
//! over into the photo as the network becomes less sure.

use burn::tensor::Device;

use super::{
    Brush, Fill, Lattice, RemovalOptions, Round,
    corrections::Corrected,
    grnn::Grnn,
    levels::{self, LEAST_WEIGHT, Level},
    texture::{Smooth, texture},
};
use crate::{
    classifier::{EngineError, read_back},
    photo::{BoxInPhoto, Photo, Planes, luma},
    strokes::StrokeFinder,
};

/// A pixel whose chance of being a stroke is up to the first is left as it is, where those beside it
/// are too. Where one is above the second, it is filled.
const BACKGROUND: f32 = 0.2;
const FILLED: f32 = 0.7;

/// A pixel inside a box whose chance is above this is a stroke for certain enough to be followed out
/// of it.
const FOLLOWED: f32 = 0.5;

/// Pixels from one row or column of the GRNN's lattice to the next, and the width of its Gaussians,
/// which have the report's ratio.
const SPACING: usize = 2;
const SIGMA: f64 = 1.2;

/// A cell that counts at least this much of what the one does that counts most is shown as a key
/// pixel.
const KEY_PIXEL: f32 = 0.1;

/// How far a stroke's blur reaches into what the network calls background, in pixels, where it is
/// filled: in light, and in colour, which JPEG keeps at half the resolution and spreads over its
/// blocks.
const BLUR: usize = 1;
const COLOUR_BLUR: usize = 2;

/// Where strokes are filled.
pub(super) struct Boxes<'a> {
    /// What takes part of the photo.
    pub(super) area: BoxInPhoto,
    /// All boxes of the photo.
    pub(super) all: &'a [BoxInPhoto],
    /// Those that touch the area.
    pub(super) touching: &'a [BoxInPhoto],
    /// Its pixels outside boxes into which strokes are followed.
    pub(super) within_reach: Vec<bool>,
}

/// Fills the strokes inside `boxes`, as `corrected` by a brush, and what goes on from them right
/// beside a box.
pub(super) async fn fill(
    photo: &Photo,
    boxes: &Boxes<'_>,
    corrected: Corrected,
    finder: &StrokeFinder,
    options: &RemovalOptions,
    watch: &mut dyn FnMut(Round<'_>),
) -> Result<Fill, EngineError> {
    let area = boxes.area;
    let mut planes = photo.planes(area);
    let [height, width, channels] = [planes.height, planes.width, planes.channels];
    let pixels = height * width;
    let found = corrected.found(finder.find(photo, area, boxes.touching).await?);
    let chances = grown(found.strokes, height, width, options.grow);
    let mut weights = found.key_pixels;
    if options.grow > 0 {
        let limits = chances.iter().map(|chance| 1.0 - chance);
        weights.iter_mut().zip(limits).for_each(|(weight, limit)| *weight = weight.min(limit));
    }
    let changeable = followed(&chances, &corrected, &boxes.within_reach, width);
    let blurred = largest_within(&chances, height, width, BLUR);
    let coloured = largest_within(&chances, height, width, COLOUR_BLUR);
    let has_colours = channels >= 3;
    let is_colour = |channel: usize| has_colours && (1..3).contains(&channel);
    if has_colours {
        to_light_and_colours(&mut planes.samples, pixels);
    }

    let Behind { samples: mut filled, key_pixels, rounds } =
        behind(area, &planes, &weights, options, finder.device(), watch).await?;
    let share = |chance: f32, may_change: bool| {
        let share = ((chance - BACKGROUND) / (FILLED - BACKGROUND)).clamp(0.0, 1.0);
        if may_change { share } else { 0.0 }
    };
    let shares = |chances: &[f32]| -> Vec<f32> {
        chances.iter().zip(&changeable).map(|(chance, inside)| share(*chance, *inside)).collect()
    };
    let (of_light, of_colours) = (shares(&blurred), shares(&coloured));
    let clear: Vec<bool> = coloured.iter().map(|chance| *chance <= BACKGROUND).collect();
    let changed: Vec<bool> = of_light
        .iter()
        .zip(&of_colours)
        .map(|(light, colours)| *light > 0.0 || has_colours && *colours > 0.0)
        .collect();
    let smooth = Smooth {
        area,
        planes: &planes,
        filled: &filled,
        weights: &weights,
        background: &clear,
        changed: &changed,
    };
    let texture = texture(photo, &smooth, boxes.all, options.grain);
    for (i, fill) in filled.iter_mut().enumerate() {
        let shares = if is_colour(i / pixels) { &of_colours } else { &of_light };
        let (sample, share) = (planes.samples[i], shares[i % pixels]);
        *fill = sample + share * (*fill + texture[i] - sample);
    }
    if has_colours {
        to_red_green_blue(&mut filled, pixels);
    }
    planes.samples = filled.into_iter().map(|sample| sample.clamp(0.0, 1.0)).collect();
    Ok(Fill { area, planes, inside: changed, key_pixels, rounds })
}

/// What lies behind the strokes, as key pixels tell it.
struct Behind {
    /// A plane a channel.
    samples: Vec<f32>,
    /// As row and column.
    key_pixels: Vec<(usize, usize)>,
    /// Rounds of fold-in.
    rounds: usize,
}

/// Tells it from the planes of `area`, of which each pixel counts as `weights` say.
async fn behind(
    area: BoxInPhoto,
    planes: &Planes,
    weights: &[f32],
    options: &RemovalOptions,
    device: &Device,
    watch: &mut dyn FnMut(Round<'_>),
) -> Result<Behind, EngineError> {
    let [height, width] = [planes.height, planes.width];
    let weights = weights.iter().map(|weight| weight.clamp(LEAST_WEIGHT, 1.0)).collect();
    let mut of_pixels =
        Level { rows: height, columns: width, weights, values: planes.samples.clone() };
    let spacing = SPACING * options.coarser(area);
    let finest = of_pixels.clustered(spacing);
    let mut rounds = 0;
    let mut show = |number: usize, level: &Level, side: usize, nodes: &[bool]| {
        let line = |cells: usize| (0..cells).map(|cell| cell * side * spacing).collect();
        let lattice = Lattice { rows: line(level.rows), columns: line(level.columns) };
        // The light's rounds stand for the colours'.
        let values = &level.values[..nodes.len()];
        watch(Round { area, number, lattice: &lattice, nodes, values });
    };
    let is_key = key_cells(&finest.weights);
    show(rounds, &finest, 1, &is_key);
    let key_cells = (0..is_key.len()).filter(|&i| is_key[i]);
    let key_pixels =
        key_cells.map(|i| (i / finest.columns * spacing, i % finest.columns * spacing)).collect();
    let complete = levels::fold_in(finest, &mut |level, side| {
        rounds += 1;
        show(rounds, level, side, &vec![true; level.rows * level.columns]);
    });

    let lattice = doubled_middles(&complete, spacing);
    let sigma = 2.0 * SIGMA * (spacing / SPACING) as f64;
    let all = vec![true; lattice.len()];
    let values = &complete.values;
    let net = Grnn::train(&lattice, sigma, &all, values, planes.channels, None, device).await?;
    let doubled = |length: usize| (0..length).map(|at| 2 * at).collect::<Vec<usize>>();
    let from_net = read_back(net.predict(&doubled(height), &doubled(width))).await?;
    of_pixels.completed(&from_net);
    Ok(Behind { samples: of_pixels.values, key_pixels, rounds })
}

/// Which cells' weights are those of key pixels.
fn key_cells(weights: &[f32]) -> Vec<bool> {
    let most = weights.iter().fold(0.0, |most: f32, weight| most.max(*weight));
    weights.iter().map(|weight| *weight >= KEY_PIXEL * most).collect()
}

/// The middles of cells of `side` pixels in half pixels, as they may lie between two.
fn doubled_middles(level: &Level, side: usize) -> Lattice {
    let line = |cells: usize| (0..cells).map(|cell| 2 * cell * side + side - 1).collect();
    Lattice { rows: line(level.rows), columns: line(level.columns) }
}

/// The first three planes, of red, green and blue, as light and two colours (ITU-T T.871, JPEG's),
/// all on the scale 0 to 1.
pub(super) fn to_light_and_colours(samples: &mut [f32], pixels: usize) {
    for i in 0..pixels {
        let [r, g, b] = [0, 1, 2].map(|c| samples[c * pixels + i]);
        let light = luma(r, g, b);
        samples[i] = light;
        samples[pixels + i] = 0.5 + (b - light) / 1.772;
        samples[2 * pixels + i] = 0.5 + (r - light) / 1.402;
    }
}

/// The way back.
fn to_red_green_blue(samples: &mut [f32], pixels: usize) {
    for i in 0..pixels {
        let [light, blue, red] = [0, 1, 2].map(|c| samples[c * pixels + i]);
        let r = light + 1.402 * (red - 0.5);
        let b = light + 1.772 * (blue - 0.5);
        samples[i] = r;
        samples[pixels + i] = (light - luma(r, 0.0, b)) / luma(0.0, 1.0, 0.0);
        samples[2 * pixels + i] = b;
    }
}

/// The pixels that may change: those inside boxes, and those `within_reach` of them that strokes
/// inside go on into, or that the brush adds, with their blur. A neighbour's strokes do not go on
/// from a box.
fn followed(
    chances: &[f32],
    corrected: &Corrected,
    within_reach: &[bool],
    width: usize,
) -> Vec<bool> {
    let height = chances.len() / width;
    let inside = &corrected.inside;
    let may_be_reached = |i: usize| within_reach[i] && corrected.brush(i) != Some(Brush::Takes);
    let around = |at: usize, limit: usize| at.saturating_sub(1)..(at + 2).min(limit);
    let begins = |i: usize| {
        let added = may_be_reached(i) && corrected.brush(i) == Some(Brush::Adds);
        added || inside[i] && chances[i] > FOLLOWED
    };
    let mut reached: Vec<bool> = (0..chances.len()).map(begins).collect();
    let mut ends: Vec<usize> = (0..chances.len()).filter(|&i| reached[i]).collect();
    while let Some(end) = ends.pop() {
        for y in around(end / width, height) {
            for next in around(end % width, width).map(|x| y * width + x) {
                if may_be_reached(next) && !reached[next] && chances[next] > BACKGROUND {
                    reached[next] = true;
                    ends.push(next);
                }
            }
        }
    }
    let outside = reached.iter().zip(inside);
    let outside: Vec<f32> =
        outside.map(|(reached, inside)| f32::from(u8::from(*reached && !inside))).collect();
    let with_blur = largest_within(&outside, height, width, COLOUR_BLUR);
    let changes = |i: usize| inside[i] || with_blur[i] > 0.0 && may_be_reached(i);
    (0..chances.len()).map(changes).collect()
}

/// Chances with the strokes grown by so many pixels, or shrunk where that is below 0.
fn grown(chances: Vec<f32>, height: usize, width: usize, by: i8) -> Vec<f32> {
    let reach = usize::from(by.unsigned_abs());
    match by {
        0 => chances,
        1.. => largest_within(&chances, height, width, reach),
        // What is left of strokes is what the background, grown, leaves of them.
        _ => {
            let background: Vec<f32> = chances.iter().map(|chance| 1.0 - chance).collect();
            let background = largest_within(&background, height, width, reach);
            background.iter().map(|chance| 1.0 - chance).collect()
        }
    }
}

/// The largest value within so many pixels of each, along rows and columns.
fn largest_within(values: &[f32], height: usize, width: usize, reach: usize) -> Vec<f32> {
    let around = |at: usize, limit: usize| at.saturating_sub(reach)..(at + reach + 1).min(limit);
    let most = |most: f32, value: &f32| most.max(*value);
    let along_rows: Vec<f32> = values
        .chunks_exact(width)
        .flat_map(|row| (0..width).map(move |x| row[around(x, width)].iter().fold(0.0, most)))
        .collect();
    (0..height * width)
        .map(|i| {
            let rows = around(i / width, height);
            rows.map(|y| along_rows[y * width + i % width]).fold(0.0, f32::max)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_back_as_they_were() {
        let samples: Vec<f32> = (0..30u8).map(|i| f32::from(i * 37 % 30) / 29.0).collect();
        let mut there_and_back = samples.clone();
        to_light_and_colours(&mut there_and_back, 10);
        assert!(there_and_back.iter().all(|sample| (-1e-6..=1.0 + 1e-6).contains(sample)));
        // The last plane is no colour, and stays.
        to_red_green_blue(&mut there_and_back, 10);
        for (back, sample) in there_and_back.iter().zip(&samples) {
            assert!((back - sample).abs() < 1e-5, "{back} {sample}");
        }
    }

    #[test]
    fn strokes_grow_and_shrink_by_whole_pixels() {
        // A square of 5 x 5 in the middle of 11 x 11.
        let square = |i: usize| (3..8).contains(&(i / 11)) && (3..8).contains(&(i % 11));
        let chances: Vec<f32> = (0..121).map(|i| f32::from(u8::from(square(i)))).collect();
        let pixels = |by: i8| grown(chances.clone(), 11, 11, by).iter().sum::<f32>();
        assert_eq!([-3, -2, -1, 0, 1, 3].map(pixels), [0.0, 1.0, 9.0, 25.0, 49.0, 121.0]);
    }

    #[test]
    fn the_largest_value_reaches_as_far_as_it_is_told() {
        let mut values = vec![0.1; 7 * 6];
        values[3 * 6 + 1] = 0.9;
        let largest = largest_within(&values, 7, 6, 2);
        for (i, value) in largest.iter().enumerate() {
            let near = (1..=5).contains(&(i / 6)) && i % 6 <= 3;
            assert_eq!(*value, if near { 0.9 } else { 0.1 }, "pixel {i}");
        }
    }

    #[test]
    fn strokes_are_followed_out_of_their_box_and_others_are_not() {
        // A box of columns 6 to 11; a bar goes on out of it to the right, one stands beside it.
        let (height, width) = (16, 24);
        let inside: Vec<bool> =
            (0..height * width).map(|i| (6..12).contains(&(i % width))).collect();
        let within_reach: Vec<bool> = (0..height * width)
            .map(|i| (2..6).contains(&(i % width)) || (12..16).contains(&(i % width)))
            .collect();
        let bar = |x: usize, y: usize| y == 5 && x >= 8;
        let neighbour = |x: usize, y: usize| y == 12 && x <= 4;
        let chances: Vec<f32> = (0..height * width)
            .map(|i| {
                if bar(i % width, i / width) || neighbour(i % width, i / width) { 0.9 } else { 0.1 }
            })
            .collect();
        let area = BoxInPhoto { left: 0, top: 0, width: 24, height: 16 };
        let corrected = Corrected::of(area, inside.clone(), &inside, &[]);
        let changeable = followed(&chances, &corrected, &within_reach, width);
        for (i, changeable) in changeable.into_iter().enumerate() {
            let (x, y) = (i % width, i / width);
            let of_bar = (12..16).contains(&x) && (3..8).contains(&y);
            assert_eq!(changeable, inside[i] || of_bar, "column {x}, row {y}");
        }
    }
}
