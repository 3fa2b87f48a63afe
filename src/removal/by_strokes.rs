//! Fills the strokes that the stroke network finds, and leaves every other pixel as it is.
//!
//! The report repaints whole boxes from a few points, so all texture in them is lost. Here every
//! pixel of the region that is no stroke is background, inside the boxes too. A lattice finer
//! than the report's takes the means of the background about its crossings; the rest of it is
//! folded in and evened out; the GRNN on the full lattice gives the fill; and the fill goes over
//! into the photo as the network becomes less sure.

use super::{
    Fill, Lattice, RemovalOptions, Round, corrections::Corrected, fill::Watch, grnn::Grnn,
    lattice_line, relax,
};
use crate::{
    classifier::{EngineError, read_back},
    photo::{BoxInPhoto, Photo, Planes, luma},
    strokes::StrokeFinder,
};

/// A pixel whose chance of being a stroke is up to the first is background; where those beside it
/// are too, it is left as it is. Where one is above the second, it is filled.
const BACKGROUND: f32 = 0.3;
const FILLED: f32 = 0.9;

/// A pixel inside a box whose chance is above this is a stroke for certain enough to be followed out
/// of it.
const FOLLOWED: f32 = 0.5;

/// Where less than this share of the boxes would be background, a small plate full of digits for
/// instance, its likeliest pixels are, up to this chance: a fill from beyond the plate would be worse
/// than a little of a stroke's blur in it.
const LEAST_BACKGROUND: f32 = 0.25;
const LIKELIEST_BACKGROUND: f32 = 0.5;

/// Where less than this share of the boxes would be background for colours, which is further from
/// strokes, the background for light is theirs, too.
const LEAST_COLOURED: f32 = 0.08;

/// Pixels from one row or column of the lattice to the next, and the width of the Gaussians,
/// which have the report's ratio.
const SPACING: usize = 2;
const SIGMA: f64 = 1.2;

/// How far a stroke's blur reaches into what the network calls background, in pixels, where it is
/// filled: in light, and in colour, which JPEG keeps at half the resolution and spreads over its
/// blocks.
const BLUR: usize = 1;
const COLOUR_BLUR: usize = 2;

/// Where strokes are filled.
pub(super) struct Boxes<'a> {
    /// What takes part of the photo.
    pub(super) area: BoxInPhoto,
    /// All boxes that touch it.
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
    let found = corrected.chances(finder.find(photo, area, boxes.touching).await?);
    let chances = grown(found, height, width, options.grow);
    let changeable = followed(&chances, &corrected.inside, &boxes.within_reach, width);
    let blurred = largest_within(&chances, height, width, BLUR);
    let coloured = largest_within(&chances, height, width, COLOUR_BLUR);
    let has_colours = channels >= 3;
    let is_colour = |channel: usize| has_colours && (1..3).contains(&channel);
    if has_colours {
        to_light_and_colours(&mut planes.samples, pixels);
    }

    let limit = limit_of_background(&chances, &corrected.in_boxes, LEAST_BACKGROUND);
    let background = up_to(limit, &chances);
    let limit_of_colours = limit_of_background(&coloured, &corrected.in_boxes, LEAST_COLOURED);
    let background_of_colours = if limit_of_colours > BACKGROUND {
        background.clone()
    } else {
        up_to(BACKGROUND, &coloured)
    };

    let coarser = options.coarser(area);
    let lattice = Lattice {
        rows: lattice_line(height, SPACING * coarser),
        columns: lattice_line(width, SPACING * coarser),
    };
    let crossings = lattice.len();
    let mut values = Vec::with_capacity(channels * crossings);
    let mut key_pixels = Vec::new();
    let mut rounds = 0;
    for c in 0..channels {
        let background = if is_colour(c) { &background_of_colours } else { &background };
        let plane = &planes.samples[c * pixels..(c + 1) * pixels];
        let (nodes, mut of_plane) = means_of_background(&lattice, plane, background, width);
        let mut watch = |number: usize, nodes: &[bool], values: &[f32]| {
            // The light's rounds stand for the colours'.
            if c == 0 {
                watch(Round { area, number, lattice: &lattice, nodes, values });
            }
        };
        let in_plane = fold_in_means(&lattice, nodes.clone(), &mut of_plane, &mut watch);
        rounds = rounds.max(in_plane);
        relax(&lattice, &nodes, &mut of_plane, 1);
        values.extend(of_plane);
        if c == 0 {
            let nodes = (0..crossings).filter(|&i| nodes[i]);
            key_pixels = nodes.map(|i| pixel_of(&lattice, i)).collect();
        }
    }

    let sigma = SIGMA * coarser as f64;
    let all = vec![true; crossings];
    let net = Grnn::train(&lattice, sigma, &all, &values, channels, None, finder.device()).await?;
    let rows: Vec<usize> = (0..height).collect();
    let columns: Vec<usize> = (0..width).collect();
    let mut filled = read_back(net.predict(&rows, &columns)).await?;
    let share = |chance: f32, inside: bool| {
        let share = ((chance - BACKGROUND) / (FILLED - BACKGROUND)).clamp(0.0, 1.0);
        if inside { share } else { 0.0 }
    };
    let shares = |chances: &[f32]| -> Vec<f32> {
        chances.iter().zip(&changeable).map(|(chance, inside)| share(*chance, *inside)).collect()
    };
    let (of_light, of_colours) = (shares(&blurred), shares(&coloured));
    let clear = up_to(BACKGROUND, &coloured);
    let grain = grain(&planes, &filled, &clear, &of_colours);
    for (i, fill) in filled.iter_mut().enumerate() {
        let shares = if is_colour(i / pixels) { &of_colours } else { &of_light };
        let (sample, share) = (planes.samples[i], shares[i % pixels]);
        *fill = sample + share * (*fill + options.grain * grain[i] - sample);
    }
    if has_colours {
        to_red_green_blue(&mut filled, pixels);
    }
    planes.samples = filled.into_iter().map(|sample| sample.clamp(0.0, 1.0)).collect();
    let changed = of_light.iter().zip(&of_colours);
    let changed = changed.map(|(light, colour)| *light > 0.0 || has_colours && *colour > 0.0);
    Ok(Fill { area, planes, inside: changed.collect(), key_pixels, rounds })
}

/// Row and column of a crossing's pixel.
fn pixel_of(lattice: &Lattice, i: usize) -> (usize, usize) {
    let columns = lattice.columns.len();
    (lattice.rows[i / columns], lattice.columns[i % columns])
}

/// The chance of being a stroke up to which a pixel is background, for boxes that hold the pixels
/// `inside`, so that at `least` this share of them is.
fn limit_of_background(chances: &[f32], inside: &[bool], least: f32) -> f32 {
    let in_boxes = chances.iter().zip(inside).filter(|(_, inside)| **inside);
    let mut in_boxes: Vec<f32> = in_boxes.map(|(chance, _)| *chance).collect();
    let least = (least * in_boxes.len() as f32) as usize;
    if least >= in_boxes.len() {
        return BACKGROUND;
    }
    let (_, limit, _) = in_boxes.select_nth_unstable_by(least, f32::total_cmp);
    limit.clamp(BACKGROUND, LIKELIEST_BACKGROUND)
}

fn up_to(limit: f32, chances: &[f32]) -> Vec<bool> {
    chances.iter().map(|chance| *chance <= limit).collect()
}

/// Which crossings have background in the 3 x 3 pixels around them, and its mean there; where
/// nothing is background, the plane's edge is, as it is.
fn means_of_background(
    lattice: &Lattice,
    plane: &[f32],
    background: &[bool],
    width: usize,
) -> (Vec<bool>, Vec<f32>) {
    let height = plane.len() / width;
    let around = |at: usize, limit: usize| at.saturating_sub(1)..(at + 2).min(limit);
    let mean = |i: usize| {
        let (y, x) = pixel_of(lattice, i);
        let pixels = around(y, height).flat_map(|y| around(x, width).map(move |x| y * width + x));
        let (sum, count) = pixels
            .filter(|&at| background[at])
            .fold((0.0, 0.0), |(sum, count), at| (sum + plane[at], count + 1.0));
        (count > 0.0).then(|| sum / count)
    };
    let mut means: Vec<Option<f32>> = (0..lattice.len()).map(mean).collect();
    if means.iter().all(Option::is_none) {
        for (i, mean) in means.iter_mut().enumerate() {
            let (y, x) = pixel_of(lattice, i);
            if y == 0 || x == 0 || y + 1 == height || x + 1 == width {
                *mean = Some(plane[y * width + x]);
            }
        }
    }
    let nodes = means.iter().map(Option::is_some).collect();
    (nodes, means.into_iter().map(Option::unwrap_or_default).collect())
}

/// The first three planes, of red, green and blue, as light and two colours (ITU-T T.871, JPEG's),
/// all on the scale 0 to 1.
fn to_light_and_colours(samples: &mut [f32], pixels: usize) {
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

/// The pixels that may change: those `inside` boxes, and those `within_reach` of them that strokes
/// inside go on into, with their blur. A neighbour's strokes do not go on from a box.
fn followed(chances: &[f32], inside: &[bool], within_reach: &[bool], width: usize) -> Vec<bool> {
    let height = chances.len() / width;
    let around = |at: usize, limit: usize| at.saturating_sub(1)..(at + 2).min(limit);
    let mut reached: Vec<bool> =
        chances.iter().zip(inside).map(|(chance, inside)| *inside && *chance > FOLLOWED).collect();
    let mut ends: Vec<usize> = (0..chances.len()).filter(|&i| reached[i]).collect();
    while let Some(end) = ends.pop() {
        for y in around(end / width, height) {
            for next in around(end % width, width).map(|x| y * width + x) {
                if within_reach[next] && !reached[next] && chances[next] > BACKGROUND {
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
    let of_reach = with_blur.iter().zip(within_reach).map(|(near, within)| *near > 0.0 && *within);
    of_reach.zip(inside).map(|(reached, inside)| reached || *inside).collect()
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

/// Gives the crossings without a value the mean of those of their neighbours that have one, from
/// the edge inwards; returns the number of rounds.
fn fold_in_means(
    lattice: &Lattice,
    mut nodes: Vec<bool>,
    values: &mut [f32],
    watch: &mut Watch<'_>,
) -> usize {
    let mut rounds = 0;
    watch(rounds, &nodes, values);
    while nodes.contains(&false) {
        let mean = |i: usize| {
            let known = lattice.neighbours(i).filter(|&j| nodes[j]);
            let (sum, count) =
                known.fold((0.0, 0.0), |(sum, count), j| (sum + values[j], count + 1.0));
            (count > 0.0).then(|| (i, sum / count))
        };
        let near: Vec<(usize, f32)> =
            (0..nodes.len()).filter(|&i| !nodes[i]).filter_map(mean).collect();
        if near.is_empty() {
            break;
        }
        for (i, value) in near {
            (nodes[i], values[i]) = (true, value);
        }
        rounds += 1;
        watch(rounds, &nodes, values);
    }
    rounds
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
        let changeable = followed(&chances, &inside, &within_reach, width);
        for (i, changeable) in changeable.into_iter().enumerate() {
            let (x, y) = (i % width, i / width);
            let of_bar = (12..16).contains(&x) && (3..8).contains(&y);
            assert_eq!(changeable, inside[i] || of_bar, "column {x}, row {y}");
        }
    }

    #[test]
    fn background_goes_on_into_the_strokes() {
        // A wall that grows lighter from left to right, with a stroke down its middle.
        let (height, width) = (20, 30);
        let wall = |i: usize| 0.2 + 0.02 * (i % width) as f32;
        let stroke = |i: usize| (12..18).contains(&(i % width));
        let plane: Vec<f32> = (0..600).map(|i| if stroke(i) { 0.0 } else { wall(i) }).collect();
        let lattice = Lattice { rows: lattice_line(height, 2), columns: lattice_line(width, 2) };
        let background: Vec<bool> = (0..600).map(|i| !stroke(i)).collect();
        let (nodes, mut values) = means_of_background(&lattice, &plane, &background, width);
        assert!(nodes.contains(&false));
        assert!(fold_in_means(&lattice, nodes.clone(), &mut values, &mut |_, _, _| {}) > 0);
        relax(&lattice, &nodes, &mut values, 1);
        for (i, value) in values.iter().enumerate() {
            let (y, x) = pixel_of(&lattice, i);
            assert!((value - wall(y * width + x)).abs() < 0.03, "{y}, {x}: {value}");
        }
    }

    #[test]
    fn a_plate_full_of_digits_keeps_some_background() {
        let inside: Vec<bool> = (0..200).map(|i| i < 100).collect();
        let chances = |low: f32| -> Vec<f32> {
            (0..200).map(|i| if (30..100).contains(&i) { 0.95 } else { low }).collect()
        };
        // Enough of it, hardly any surely, and none.
        for (low, limit) in [(0.05, 0.3), (0.42, 0.42), (0.9, 0.5)] {
            let chances = chances(low);
            assert_eq!(limit_of_background(&chances, &inside, 0.25), limit);
            let background = up_to(limit, &chances).into_iter().zip(&inside);
            let count = background.filter(|(background, inside)| *background && **inside).count();
            assert_eq!(count, if low < 0.5 { 30 } else { 0 });
        }
        assert_eq!(limit_of_background(&[], &[], 0.25), BACKGROUND);
    }

    #[test]
    fn grain_is_the_surroundings_own() {
        let (height, width) = (24, 24);
        let noise = |i: usize| if (i * 7919 % 13) < 6 { 0.02 } else { -0.02 };
        let samples: Vec<f32> = (0..height * width).map(|i| 0.5 + noise(i)).collect();
        let planes = Planes { channels: 1, height, width, samples };
        let flat = vec![0.5; height * width];
        let middle = |i: usize| (9..15).contains(&(i / width)) && (9..15).contains(&(i % width));
        let background: Vec<bool> = (0..height * width).map(|i| !middle(i)).collect();
        let shares: Vec<f32> =
            (0..height * width).map(|i| f32::from(u8::from(middle(i)))).collect();
        for (i, grain) in grain(&planes, &flat, &background, &shares).into_iter().enumerate() {
            assert!(
                (grain.abs() - if middle(i) { 0.02 } else { 0.0 }).abs() < 1e-6,
                "{i}: {grain}"
            );
        }
    }
}
