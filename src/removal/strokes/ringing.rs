//! JPEG's ringing around strokes. It stores squares of 8 x 8 pixels as waves, and leaves out weak ones:
//! in the squares of a stroke's sharp edge, light and dark lines remain beside the stroke, in which a
//! digit can still be read on a plain wall or a small plate.

use crate::{
    photo::{Mask, Planes, largest_within},
    removal::groups::Group,
    strokes::Found,
};

/// Side of JPEG's squares in pixels; a group's area begins with whole ones. Ringing reaches no further
/// from a stroke.
const SQUARE: usize = 8;

/// How many squares away, in row and column, the wall is looked at.
const WALL_REACH: usize = 4;

/// Pixels with a stroke probability above the first are strokes, below the second they are not.
const SURE_STROKE: f32 = 0.5;
const NO_STROKE: f32 = 0.1;

/// Root mean squares of the differences from the wall's tone, of samples from 0 to 1: up to the first
/// the wall is plain, and from the second on there is more than ringing beside a stroke.
const PLAIN: f32 = 3.0 / 255.0;
const MOST_RINGING: f32 = 16.0 / 255.0;

/// Beside strokes there is ringing if this difference is larger than that of the wall by this factor
/// and this amount.
const LEAST_FACTOR: f32 = 1.25;
const LEAST_RINGING: f32 = 0.75 / 255.0;

/// A small plate ends where its digits' ringing would end, so there is no wall like it to compare with.
/// Around it there are at least so many squares of another wall; the differences of one of its squares
/// from that square's tone, and of all of them from their common tone, are below these.
const LEAST_SQUARES_AROUND: usize = 12;
const PLAIN_IN_PLATE: f32 = 10.0 / 255.0;
const PLAIN_PLATE: f32 = 8.0 / 255.0;

/// The number of pixels beside strokes, and of squares of the wall, that are needed to compare them.
const LEAST_PIXELS: usize = 6;
const LEAST_SQUARES: usize = 4;

/// Takes pixels beside strokes for strokes where the wall is plain, but is not plain there. `planes` are
/// the group's area of the photo.
pub(super) fn completed(planes: &Planes, mut found: Found, group: &Group<'_>) -> Found {
    let [width, height] = [planes.width, planes.height];
    let inside = &group.corrected.inside;
    let near = largest_within(&found.strokes, width, SQUARE);
    // Other boxes may hold digits that are kept.
    let clear = Mask::from_fn(width, height, |i| {
        found.strokes[i] < NO_STROKE && (inside[i] || !group.in_any_box[i])
    });
    let beside = Mask::from_fn(width, height, |i| clear[i] && near[i] > SURE_STROKE);
    let squares = Squares::of(planes, &clear, &beside);
    let mut verdicts: Vec<Verdict> = (0..squares.len()).map(|at| squares.verdict(at)).collect();
    let holds_strokes = |at: &usize| squares.pixels_of(*at).any(|i| found.strokes[i] > SURE_STROKE);
    let of_strokes: Vec<usize> = (0..squares.len()).filter(holds_strokes).collect();
    let may_be_plate = of_strokes.iter().filter(|at| verdicts[**at] == Verdict::SmallPlate);
    let of_plate: Vec<Tone> = may_be_plate.map(|at| squares.beside_in(*at)).collect();
    if !may_ring_as_plate(&of_plate) {
        for verdict in verdicts.iter_mut().filter(|verdict| **verdict == Verdict::SmallPlate) {
            *verdict = Verdict::Structure;
        }
    }
    // Where most squares of a number ring, so do those that hold too little of the wall to tell.
    let count = |of: Verdict| of_strokes.iter().filter(|at| verdicts[**at] == of).count();
    let most_ring = count(Verdict::Ringing) + count(Verdict::SmallPlate)
        > count(Verdict::Plain) + count(Verdict::Structure);
    let likely = of_strokes.iter().filter(|at| most_ring && verdicts[**at] != Verdict::Structure);
    let ringing = (0..squares.len()).filter(|at| verdicts[*at] == Verdict::Ringing);
    for square in ringing.chain(likely.copied()) {
        // With the strokes' rims, in which some of it would remain.
        for i in squares.pixels_of(square).filter(|&i| near[i] > SURE_STROKE && inside[i]) {
            (found.strokes[i], found.key_pixels[i]) = (1.0, 0.0);
        }
    }
    found
}

/// The squares of an area, row after row.
struct Squares<'a> {
    planes: &'a Planes,
    /// The pixels beside strokes.
    beside: &'a Mask,
    /// The number of squares in row and column.
    rows: usize,
    columns: usize,
    /// Those that are all wall.
    walls: Vec<Option<Tone>>,
}

impl<'a> Squares<'a> {
    fn of(planes: &'a Planes, clear: &Mask, beside: &'a Mask) -> Self {
        let (rows, columns) = (planes.height.div_ceil(SQUARE), planes.width.div_ceil(SQUARE));
        let mut squares = Squares { planes, beside, rows, columns, walls: Vec::new() };
        let wall = |square: usize| {
            let all_wall = squares.pixels_of(square).all(|i| clear[i] && !beside[i]);
            all_wall.then(|| Tone::of(planes, squares.pixels_of(square)))
        };
        squares.walls = (0..squares.len()).map(wall).collect();
        squares
    }

    fn len(&self) -> usize {
        self.rows * self.columns
    }

    fn pixels_of(&self, square: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        let part = |at: usize, end: usize| at * SQUARE..((at + 1) * SQUARE).min(end);
        let width = self.planes.width;
        let across = part(square % self.columns, width);
        let down = part(square / self.columns, self.planes.height);
        down.flat_map(move |y| across.clone().map(move |x| y * width + x))
    }

    /// Those up to [`WALL_REACH`] away.
    fn about(&self, square: usize) -> impl Iterator<Item = usize> {
        let near =
            |at: usize, end: usize| at.saturating_sub(WALL_REACH)..(at + WALL_REACH + 1).min(end);
        let columns = self.columns;
        let across = near(square % columns, columns);
        near(square / columns, self.rows)
            .flat_map(move |row| across.clone().map(move |column| row * columns + column))
    }

    /// What a square looks like beside strokes.
    fn beside_in(&self, square: usize) -> Tone {
        Tone::of(self.planes, self.pixels_of(square).filter(|&i| self.beside[i]))
    }

    fn verdict(&self, square: usize) -> Verdict {
        let beside = self.beside_in(square);
        if beside.pixels < LEAST_PIXELS {
            return Verdict::Unknown;
        }
        // Beyond the edge of a plate there is another wall.
        let walls = self.about(square).filter_map(|at| self.walls[at].as_ref());
        let (alike, others): (Vec<&Tone>, Vec<&Tone>) =
            walls.partition(|wall| wall.differs_by(&beside) < MOST_RINGING);
        if alike.len() < LEAST_SQUARES {
            let in_plate = others.len() >= LEAST_SQUARES_AROUND
                && beside.spread_about(&beside) < PLAIN_IN_PLATE;
            return if in_plate { Verdict::SmallPlate } else { Verdict::Structure };
        }
        let wall = Tone::of_all(&alike);
        let (of_wall, of_beside) = (wall.spread_about(&wall), beside.spread_about(&wall));
        if of_wall > PLAIN || of_beside > MOST_RINGING {
            Verdict::Structure
        } else if of_beside >= LEAST_FACTOR * of_wall + LEAST_RINGING {
            Verdict::Ringing
        } else {
            Verdict::Plain
        }
    }
}

/// Whether squares together may be one plate, plain but for ringing.
fn may_ring_as_plate(squares: &[Tone]) -> bool {
    let squares: Vec<&Tone> = squares.iter().collect();
    let plate = Tone::of_all(&squares);
    !squares.is_empty() && (PLAIN..PLAIN_PLATE).contains(&plate.spread_about(&plate))
}

/// What a square looks like beside strokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// As plain as the wall.
    Plain,
    /// The wall is plain, but not here.
    Ringing,
    /// The wall is not plain, or there is more than ringing.
    Structure,
    /// Nearly plain, and further from strokes there is another wall only.
    SmallPlate,
    /// There are too few pixels.
    Unknown,
}

/// What some pixels look like.
struct Tone {
    pixels: usize,
    /// The mean of their samples in each channel.
    means: Vec<f32>,
    /// The variance, in the mean of the channels.
    variance: f32,
}

impl Tone {
    fn of(planes: &Planes, pixels: impl Iterator<Item = usize> + Clone) -> Self {
        let count = pixels.clone().count();
        let mean = |of: &dyn Fn(usize) -> f32| pixels.clone().map(of).sum::<f32>() / count as f32;
        let channels = || planes.samples.chunks_exact(planes.width * planes.height);
        let means: Vec<f32> = channels().map(|plane| mean(&|i| plane[i])).collect();
        let variances =
            channels().zip(&means).map(|(plane, of)| mean(&|i| (plane[i] - of).powi(2)));
        let variance = variances.sum::<f32>() / planes.channels as f32;
        Tone { pixels: count, means, variance }
    }

    /// That of squares together, of which there is one at least.
    fn of_all(squares: &[&Tone]) -> Self {
        let mean = |of: &dyn Fn(&Tone) -> f32| {
            squares.iter().map(|square| of(square)).sum::<f32>() / squares.len() as f32
        };
        let channels = squares.first().map_or(0, |square| square.means.len());
        let means = (0..channels).map(|c| mean(&|square| square.means[c])).collect();
        let pixels = squares.iter().map(|square| square.pixels).sum();
        let all = Tone { pixels, means, variance: 0.0 };
        let variance = mean(&|square| square.spread_about(&all).powi(2));
        Tone { variance, ..all }
    }

    /// The largest difference of the means in a channel.
    fn differs_by(&self, other: &Tone) -> f32 {
        let differences = self.means.iter().zip(&other.means).map(|(a, b)| (a - b).abs());
        differences.fold(0.0, f32::max)
    }

    /// The root mean square of the pixels' difference from the means of others.
    fn spread_about(&self, other: &Tone) -> f32 {
        let squares = self.means.iter().zip(&other.means).map(|(a, b)| (a - b).powi(2));
        (self.variance + squares.sum::<f32>() / self.means.len() as f32).sqrt()
    }
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::*;
    use crate::{
        photo::{BoxInPhoto, Photo, PhotoSize},
        removal::{Erasure, RemovalOptions, strokes::GRID},
    };

    const SIZE: PhotoSize = PhotoSize { width: 120, height: 110 };
    const DIGIT: BoxInPhoto = BoxInPhoto { left: 40, top: 25, width: 40, height: 60 };

    const WALL: u8 = 200;

    /// A slanted bar: an upright one hardly rings.
    fn bar(x: u32, y: u32) -> bool {
        (30..80).contains(&y) && (45 + (y - 30) * 2 / 5..51 + (y - 30) * 2 / 5).contains(&x)
    }

    /// The samples of a dark bar on a wall.
    fn samples(wall: impl Fn(u32, u32) -> u8) -> Vec<u8> {
        let pixels = (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| (x, y)));
        pixels.flat_map(|(x, y)| [if bar(x, y) { 20 } else { wall(x, y) }; 3]).collect()
    }

    fn as_jpeg(samples: &[u8], quality: u8) -> Photo {
        let mut file = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, quality)
            .encode(samples, SIZE.width, SIZE.height, image::ExtendedColorType::Rgb8)
            .expect("a JPEG");
        Photo::decode(&file).expect("a photo")
    }

    /// The squared differences from the wall, of pixels of the digit's box that are not found as strokes,
    /// in grey levels: before and after, if the bar with a rim of a pixel was found. `wall` is where
    /// it is.
    fn ringing(photo: &Photo, wall: impl Fn(u32, u32) -> bool) -> (f32, f32) {
        let erasure = Erasure::of(&[DIGIT]);
        let all = erasure.all();
        let groups = Group::of(photo, &erasure, &all, &RemovalOptions::default(), GRID);
        let group = &groups[0];
        let planes = photo.planes(group.area);
        let of_area = (group.area.top..group.area.bottom())
            .flat_map(|y| (group.area.left..group.area.right()).map(move |x| (x, y)));
        let is_wall: Vec<bool> = of_area.clone().map(|(x, y)| wall(x, y)).collect();
        let strokes = of_area.map(|(x, y)| if bar(x, y) { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
        let strokes = largest_within(&strokes, planes.width, 1);
        let key_pixels = strokes.iter().map(|stroke| 1.0 - stroke).collect();
        let left = |strokes: &[f32]| {
            let left = (0..strokes.len())
                .filter(|&i| strokes[i] == 0.0 && group.corrected.inside[i] && is_wall[i]);
            left.map(|i| (255.0 * planes.samples[i] - f32::from(WALL)).powi(2)).sum::<f32>()
        };
        let before = left(&strokes);
        let found = completed(&planes, Found { strokes, key_pixels }, group);
        assert!(found.strokes.iter().zip(&found.key_pixels).all(|(s, key)| s + key == 1.0));
        (before, left(&found.strokes))
    }

    #[test]
    fn the_ringing_of_a_jpeg_is_filled_on_plain_walls_only() {
        let plain = samples(|_, _| WALL);
        let (before, after) = ringing(&as_jpeg(&plain, 70), |_, _| true);
        assert!(before > 1000.0 && after < before / 10.0, "{before} {after}");
        let (before, after) =
            ringing(&Photo::from_rgb8(SIZE, plain).expect("a photo"), |_, _| true);
        assert_eq!((before, after), (0.0, 0.0));
        // A plate of which no whole square is left beyond the ringing. Its own edge rings, too.
        let about_bar = |x: u32, y: u32, by: u32| {
            (30 - by..80 + by).contains(&y)
                && (x.saturating_sub(by)..=x + by).any(|x| bar(x, y.clamp(30, 79)))
        };
        let wall = |x, y| if about_bar(x, y, 12) { WALL } else { WALL - 120 };
        let (before, after) = ringing(&as_jpeg(&samples(wall), 80), |x, y| about_bar(x, y, 5));
        assert!(before > 1000.0 && after < before / 3.0, "{before} {after}");
        let rough = samples(|x, y| WALL - 20 + (x * 31 + y * 17 + x * y) as u8 % 40);
        let (before, after) = ringing(&as_jpeg(&rough, 70), |_, _| true);
        assert_eq!(before, after);
    }
}
