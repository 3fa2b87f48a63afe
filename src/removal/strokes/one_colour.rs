//! Finds strokes that the network missed by their colour. The digits of a number mostly have one
//! colour, and nothing around them has it.

use crate::{
    photo::{Mask, Planes, largest_within},
    removal::groups::Group,
    strokes::Found,
};

/// Pixels with a stroke probability above the first show the strokes' colour; pixels in a box below
/// the second show the background's.
const SURE_STROKE: f32 = 0.5;
const SURE_BACKGROUND: f32 = 0.03;

/// Bins of a channel in histograms of colours.
const BINS: usize = 16;

/// The usual share of strokes among a number's pixels, used as the prior before the colour is
/// known.
const USUAL_STROKE_SHARE: f32 = 0.2;

/// A colour counts as the strokes' only if at least this share of them has it.
const LEAST_COLOUR_SHARE: f32 = 0.002;

/// Probability by colour: up to the first a pixel is unchanged, and from the second on it is a
/// stroke.
const COLOUR_BLEND: [f32; 2] = [0.8, 0.95];

/// The number of stroke pixels that are needed to know their colour.
const LEAST_STROKE_PIXELS: usize = 12;

/// A stroke's rim, in pixels, whose colour is mixed with the background's.
const RIM_PIXELS: usize = 1;

/// Adds pixels of the strokes' colour that are connected with the strokes found in a group's boxes.
/// No pixel of that colour counts as a key pixel then. `planes` are the group's area of the photo.
pub(super) fn completed(planes: &Planes, mut found: Found, group: &Group<'_>) -> Found {
    let mask = |is: &dyn Fn(usize) -> bool| Mask::from_fn(planes.width, planes.height, is);
    let inside = &group.corrected.inside;
    let sure = mask(&|i| inside[i] && found.strokes[i] > SURE_STROKE);
    if sure.iter().filter(|sure| **sure).count() < LEAST_STROKE_PIXELS {
        return found;
    }
    // Outside all boxes there is no digit.
    let background = mask(&|i| match inside[i] {
        true => found.strokes[i] < SURE_BACKGROUND,
        false => !group.in_any_box[i] && !group.within_reach[i],
    });
    let (of_strokes, of_background) = (shares(planes, &sure), shares(planes, &background));
    let by_colour: Vec<f32> = (0..found.strokes.len())
        .map(|i| {
            let colour = bin_of(planes, i);
            let stroke = USUAL_STROKE_SHARE * of_strokes[colour];
            let background = (1.0 - USUAL_STROKE_SHARE) * of_background[colour];
            stroke / (stroke + background + USUAL_STROKE_SHARE * LEAST_COLOUR_SHARE)
        })
        .collect();
    let [least, most] = COLOUR_BLEND;
    let stroke = |i: usize| ((by_colour[i] - least) / (most - least)).clamp(0.0, 1.0);
    let ways = mask(&|i| sure[i] || inside[i] && stroke(i) > 0.5);
    let reached = ways.reached_from(&sure);
    let added: Vec<f32> =
        (0..reached.len()).map(|i| if reached[i] { stroke(i) } else { 0.0 }).collect();
    let added = largest_within(&added, planes.width, RIM_PIXELS);
    for (i, added) in added.into_iter().enumerate() {
        if inside[i] {
            found.strokes[i] = found.strokes[i].max(added);
        }
        let no_key = found.strokes[i].max(by_colour[i]);
        found.key_pixels[i] = found.key_pixels[i].min(1.0 - no_key);
    }
    found
}

/// For each colour the share of some pixels that have it, or a similar one.
fn shares(planes: &Planes, of: &Mask) -> Vec<f32> {
    let mut counts = vec![0.0; BINS * BINS * BINS];
    let mut all = 0.0f32;
    for (i, _) in of.iter().enumerate().filter(|(_, counts)| **counts) {
        counts[bin_of(planes, i)] += 1.0;
        all += 1.0;
    }
    // Neighbours in each channel count, too, because noise and light are uneven.
    for step in [1, BINS, BINS * BINS] {
        let before = counts.clone();
        for (i, count) in counts.iter_mut().enumerate() {
            let at = i / step % BINS;
            let below = if at > 0 { before[i - step] } else { before[i] };
            let above = if at + 1 < BINS { before[i + step] } else { before[i] };
            *count = (below + 2.0 * before[i] + above) / 4.0;
        }
    }
    counts.iter().map(|count| count / all.max(1.0)).collect()
}
/// The bin of a pixel's colour; grey photos have as many bins as one channel.
fn bin_of(planes: &Planes, i: usize) -> usize {
    let pixels = planes.width * planes.height;
    let channels = if planes.channels >= 3 { 3 } else { 1 };
    (0..channels).fold(0, |bin, c| {
        let level = (planes.samples[c * pixels + i].clamp(0.0, 1.0) * BINS as f32) as usize;
        bin * BINS + level.min(BINS - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        photo::{BoxInPhoto, Photo, PhotoSize},
        removal::{Erasure, RemovalOptions, strokes::GRID},
    };

    const SIZE: PhotoSize = PhotoSize { width: 60, height: 50 };
    const DIGIT: BoxInPhoto = BoxInPhoto { left: 20, top: 10, width: 20, height: 30 };

    /// The result for a bar in the digit's box, of which the network found the upper half.
    fn completed_bar(colour: [u8; 3], wall: impl Fn(u32, u32) -> [u8; 3]) -> Found {
        let bar = |x: u32, y: u32| (27..33).contains(&x) && (12..38).contains(&y);
        let pixels = || (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| (x, y)));
        let samples = pixels().flat_map(|(x, y)| if bar(x, y) { colour } else { wall(x, y) });
        let photo = Photo::from_rgb8(SIZE, samples.collect()).expect("a photo");
        let erasure = Erasure::of(&[DIGIT]);
        let all = erasure.all();
        let groups = Group::of(&photo, &erasure, &all, &RemovalOptions::default(), GRID);
        let area = groups[0].area;
        let of_area = || {
            let rows = area.top..area.bottom();
            rows.flat_map(|y| (area.left..area.right()).map(move |x| (x, y)))
        };
        let found = |(x, y): (u32, u32)| match (bar(x, y), y < 25) {
            (true, true) => 0.9,
            (true, false) => 0.1,
            _ => 0.01,
        };
        let strokes: Vec<f32> = of_area().map(found).collect();
        let key_pixels = vec![0.9; strokes.len()];
        let planes = photo.planes(area);
        let completed = completed(&planes, Found { strokes, key_pixels }, &groups[0]);
        // The bar's lower half, without its ends.
        let lower: Vec<usize> = of_area()
            .enumerate()
            .filter(|(_, (x, y))| bar(*x, *y) && (26..37).contains(y))
            .map(|(i, _)| i)
            .collect();
        let of = |plane: &[f32]| lower.iter().map(|&i| plane[i]).collect();
        Found { strokes: of(&completed.strokes), key_pixels: of(&completed.key_pixels) }
    }

    #[test]
    fn what_has_the_strokes_colour_is_theirs() {
        let found = completed_bar([200, 30, 30], |x, y| [150 - (x + y) as u8, 150, 140]);
        assert!(found.strokes.iter().all(|stroke| *stroke > 0.9), "{:?}", found.strokes);
        assert!(found.key_pixels.iter().all(|weight| *weight < 0.1), "{:?}", found.key_pixels);
    }

    #[test]
    fn a_colour_that_the_wall_has_tells_nothing() {
        // White on a wall with white stripes.
        let wall = |x: u32, _| if x % 10 < 3 { [240; 3] } else { [120; 3] };
        let found = completed_bar([240; 3], wall);
        assert!(found.strokes.iter().all(|stroke| *stroke < 0.2), "{:?}", found.strokes);
    }
}
