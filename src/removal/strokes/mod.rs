//! Fills the strokes that StrokeNet finds, and leaves every other pixel unchanged.
//!
//! The report repaints whole boxes from a few points, so all texture in them is lost. Here
//! StrokeNet also gives each pixel a weight as a key pixel, and was trained so that a fill from key
//! pixels comes close to the truth. Key pixels are folded in by levels (`levels`). The GRNN on the
//! finest level, whose cells are closer together than the report's grid, computes the fill. The
//! wall's `texture` or its `grain` is added. Where the network is less sure of a stroke, the fill
//! is blended with the photo.

mod cut_off;
mod followed;
mod grain;
pub(crate) mod levels;
mod one_colour;
mod ringing;
mod texture;

use burn::tensor::Device;

use self::{
    followed::followed,
    levels::{LEAST_WEIGHT, Level},
    texture::{Smooth, texture},
};
use super::{
    Fill, Grnn, Lattice, RemovalOptions, Round,
    colour::{to_light_and_colours, to_red_green_blue},
    groups::Group,
};
use crate::{
    classifier::{EngineError, read_back},
    photo::{BoxInPhoto, Mask, Photo, Planes, largest_within},
    strokes::{Found, StrokeFinder},
};

/// Areas that are filled begin and end at multiples of this many pixels of the photo. Cells of
/// background and grain are counted from an area's corner, so a box that moves by a pixel mostly gets
/// the same ones.
pub(super) const GRID: u32 = 16;

/// Stroke probability: up to `BACKGROUND` a pixel is kept, from `FILLED` on it is filled, and
/// between them fill and photo are blended.
const BACKGROUND: f32 = 0.1;
const FILLED: f32 = 0.45;

/// Stroke probability: up to the first a pixel has the network's weight as a key pixel, from the
/// second on it has none. Otherwise, with nothing else near, a digit would be filled with its own
/// colour.
const KEY_PIXEL_FADE: [f32; 2] = [0.25, 0.55];

/// Distance of the rows and columns of the GRNN's lattice, and the width of its Gaussians, in
/// pixels. Their ratio is the report's.
const SPACING: usize = 2;
const SIGMA: f64 = 1.2;

/// A cell is shown as a key pixel if its weight is at least this share of the largest one.
const LEAST_SHOWN_WEIGHT: f32 = 0.1;

/// How far a stroke's colour reaches into the background around it, in pixels: JPEG stores colours
/// at half the resolution, and spreads them over its blocks.
const COLOUR_BLUR: usize = 1;

/// The strokes and key pixels in a group's area, with the brush's corrections.
///
/// # Errors
/// [`EngineError`] when the device fails.
pub(super) async fn find(
    photo: &Photo,
    group: &Group<'_>,
    finder: &StrokeFinder,
    options: &RemovalOptions,
) -> Result<Found, EngineError> {
    let found = finder.find(photo, group.area, &group.touching).await?;
    let found = cut_off::left_out(found, group);
    let planes = photo.planes(group.area);
    let found = one_colour::completed(&planes, found, group);
    let found = ringing::completed(&planes, found, group);
    let mut found = group.corrected.found(found);
    found.strokes = grown(found.strokes, group.area.width as usize, options.grow);
    if options.grow > 0 {
        found.strokes_are_no_key_pixels();
    }
    Ok(found)
}

/// Fills the strokes found in the group's boxes, and their continuation close to the boxes.
///
/// # Errors
/// [`EngineError`] when the device fails.
pub(super) async fn fill(
    photo: &Photo,
    group: &Group<'_>,
    found: Found,
    finder: &StrokeFinder,
    options: &RemovalOptions,
    watch: &mut dyn FnMut(Round<'_>),
) -> Result<Fill, EngineError> {
    let area = group.area;
    let mut planes = photo.planes(area);
    let [height, width, channels] = [planes.height, planes.width, planes.channels];
    let pixels = height * width;
    let Found { strokes, key_pixels: mut weights } = found;
    for (weight, stroke) in weights.iter_mut().zip(&strokes) {
        let [least, most] = KEY_PIXEL_FADE;
        *weight *= 1.0 - ((stroke - least) / (most - least)).clamp(0.0, 1.0);
    }
    let changeable = followed(&strokes, &group.corrected, &group.within_reach);
    let coloured = largest_within(&strokes, width, COLOUR_BLUR);
    let has_colours = channels >= 3;
    let is_colour = |channel: usize| has_colours && (1..3).contains(&channel);
    if has_colours {
        to_light_and_colours(&mut planes.samples, pixels);
    }

    let Behind { samples: mut filled, key_pixels, rounds } =
        behind(area, &planes, &weights, options, finder.model().device(), watch).await?;
    let share = |probability: f32, may_change: bool| {
        let share = ((probability - BACKGROUND) / (FILLED - BACKGROUND)).clamp(0.0, 1.0);
        if may_change { share } else { 0.0 }
    };
    let shares = |strokes: &[f32]| -> Vec<f32> {
        strokes.iter().zip(changeable.iter()).map(|(stroke, may)| share(*stroke, *may)).collect()
    };
    let (of_light, of_colours) = (shares(&strokes), shares(&coloured));
    let clear = Mask::from_fn(width, height, |i| coloured[i] <= BACKGROUND);
    let changed =
        Mask::from_fn(width, height, |i| of_light[i] > 0.0 || has_colours && of_colours[i] > 0.0);
    let hole = Mask::from_fn(width, height, |i| of_light[i] > 0.5);
    let smooth = Smooth {
        area,
        planes: &planes,
        filled: &filled,
        background: &clear,
        changed: &changed,
        hole: &hole,
    };
    let texture = texture(photo, &smooth, group.all, options.grain);
    for (i, fill) in filled.iter_mut().enumerate() {
        let shares = if is_colour(i / pixels) { &of_colours } else { &of_light };
        let (sample, share) = (planes.samples[i], shares[i % pixels]);
        *fill = sample + share * (*fill + texture[i] - sample);
    }
    if has_colours {
        to_red_green_blue(&mut filled, pixels);
    }
    planes.samples = filled.into_iter().map(|sample| sample.clamp(0.0, 1.0)).collect();
    let boxes = group.members.clone();
    Ok(Fill { area, boxes, strokes, planes, inside: changed, key_pixels, rounds })
}

/// The background behind the strokes, predicted from key pixels.
struct Behind {
    /// A plane a channel.
    samples: Vec<f32>,
    /// As row and column.
    key_pixels: Vec<(usize, usize)>,
    /// Rounds of fold-in.
    rounds: usize,
}

/// Predicts it from the planes of `area`, with `weights` for its pixels.
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
        // Only the rounds of light are shown, not those of the colours.
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

/// Which cells have enough weight to be shown as key pixels.
fn key_cells(weights: &[f32]) -> Vec<bool> {
    let most = weights.iter().fold(0.0, |most: f32, weight| most.max(*weight));
    weights.iter().map(|weight| *weight >= LEAST_SHOWN_WEIGHT * most).collect()
}

/// The middles of cells of `side` pixels, in half pixels, because they may lie between two pixels.
fn doubled_middles(level: &Level, side: usize) -> Lattice {
    let line = |cells: usize| (0..cells).map(|cell| 2 * cell * side + side - 1).collect();
    Lattice { rows: line(level.rows), columns: line(level.columns) }
}

/// Stroke probabilities with the strokes grown by `by` pixels, or shrunk if `by` is below 0.
fn grown(strokes: Vec<f32>, width: usize, by: i8) -> Vec<f32> {
    let reach = usize::from(by.unsigned_abs());
    match by {
        0 => strokes,
        1.. => largest_within(&strokes, width, reach),
        // Strokes are shrunk by growing the background.
        _ => {
            let background: Vec<f32> = strokes.iter().map(|stroke| 1.0 - stroke).collect();
            let background = largest_within(&background, width, reach);
            background.iter().map(|background| 1.0 - background).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_grow_and_shrink_by_whole_pixels() {
        // A square of 5 x 5 in the middle of 11 x 11.
        let square = |i: usize| (3..8).contains(&(i / 11)) && (3..8).contains(&(i % 11));
        let strokes: Vec<f32> = (0..121).map(|i| f32::from(u8::from(square(i)))).collect();
        let pixels = |by: i8| grown(strokes.clone(), 11, by).iter().sum::<f32>();
        assert_eq!([-3, -2, -1, 0, 1, 3].map(pixels), [0.0, 1.0, 9.0, 25.0, 49.0, 121.0]);
    }
}
