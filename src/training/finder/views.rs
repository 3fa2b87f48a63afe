//! Views of photos: the inputs and targets of the network that finds digits.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::super::photos::Scene;
use crate::{
    finder::{CELL, HEIGHTS, cells_of},
    photo::{Colours, Filter, LooseBox, Photo, PhotoSize},
};

/// Rows and columns of a view, in cells and in pixels.
pub(super) const CELLS: usize = 24;
const SIDE: usize = CELLS * CELL;

/// The share of views round a digit, where there is one; the others are anywhere.
const ROUND_A_DIGIT: f64 = 0.85;

/// The share of those that show a part of a digit that is far too large, up to this height: strokes of
/// large digits are no small ones.
const PART_OF_A_DIGIT: f64 = 0.12;
const LARGEST_PART: f64 = 160.0;

/// The share of views round something that a teacher took for a digit, where there is any.
const ROUND_A_MISTAKE: f64 = 0.3;

/// The share of views that reach beyond their photo and show another one there; the others repeat the
/// photo's edge, as finding does. Otherwise close photos, which show digits more often than not, would
/// be known by that edge.
const ON_A_GROUND: f64 = 0.6;

/// The share of other views of grounds, of which a part is laid on another ground, so that digits are
/// not known by the edge of what is laid there; and the sides of that part, in those of the view.
const A_PART_OF_A_GROUND: f64 = 0.3;
const PART_OF_A_GROUND: std::ops::Range<f64> = 0.2..0.8;

/// Digits are enlarged this far at most; beyond, they show nothing more.
const ENLARGED: f64 = 3.0;

/// How far a digit lies from the view's middle at most, in sides.
const FARTHEST_FROM_MIDDLE: f64 = 0.42;

/// How far views are stretched or squeezed at most, as a power of e.
const STRETCHED: f64 = 0.15;

/// Digits with heights up to these shares of those that are found, below and above, neither count
/// as digits nor as none: at the next scale they are found.
const UNDECIDED: [f64; 2] = [0.6, 1.6];

/// How soon the target falls off from a digit's middle: its deviation is this share of the box, and
/// at least this many pixels.
const FALL_OFF: f32 = 0.16;
const LEAST_FALL_OFF: f32 = 1.0;

/// What is to be learned at a position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    /// How near it is to a digit's middle: 1 if its cell holds it, down to 0.
    pub(super) target: f32,
    /// How much it counts; nothing where it is not known what is there.
    pub(super) weight: f32,
    /// The left, top, right and bottom of that digit's box, in pixels of the view.
    pub(super) area: [f32; 4],
}

/// One input, and what is to be found in it.
pub(super) struct View {
    /// The network's input.
    pub(super) cells: Vec<f32>,
    /// Row after row.
    pub(super) places: Vec<Position>,
    /// The number of digits in it.
    pub(super) digits: usize,
}

impl View {
    /// A view of a scene, drawn by `rng`. `grounds` are photos without digits.
    pub(super) fn of(scene: &Scene, grounds: &[Photo], rng: &mut ChaCha8Rng) -> Self {
        let frame = frame(scene, rng);
        let pixels = [SIDE as u32; 2];
        let mut planes = scene.photo.resampled(frame, Filter::Triangle, Colours::Rgb, pixels);
        let shown = shown(scene, frame, rng);
        if !grounds.is_empty() && shown != [0.0, 0.0, SIDE as f64, SIDE as f64] {
            let ground = &grounds[rng.random_range(0..grounds.len())];
            let other = anywhere(ground.size(), rng);
            let ground = ground.resampled(other, Filter::Triangle, Colours::Rgb, pixels);
            lay_round(&mut planes, shown, &ground);
        }
        vary(&mut planes, rng);
        let cells = cells_of(&mut planes, SIDE);
        let in_view = |area: &LooseBox| {
            let (across, down) = (SIDE as f64 / frame.width, SIDE as f64 / frame.height);
            let (left, top) = ((area.left - frame.left) * across, (area.top - frame.top) * down);
            let (right, bottom) = (left + area.width * across, top + area.height * down);
            [left, top, right, bottom].map(|edge| edge as f32)
        };
        let nothing = Position { target: 0.0, weight: 1.0, area: [0.0; 4] };
        let mut view = View { cells, places: vec![nothing; CELLS * CELLS], digits: 0 };
        for number in &scene.numbers {
            view.leave_out(in_view(number));
        }
        for digit in &scene.digits {
            let area @ [_, top, _, bottom] = in_view(digit);
            let height = f64::from(bottom - top);
            if (HEIGHTS[0]..HEIGHTS[1]).contains(&height) {
                view.add(area);
            } else if (UNDECIDED[0] * HEIGHTS[0]..UNDECIDED[1] * HEIGHTS[1]).contains(&height) {
                view.leave_out(area);
            }
        }
        view
    }

    /// Does not count what lies in a box.
    fn leave_out(&mut self, [left, top, right, bottom]: [f32; 4]) {
        for (at, place) in self.places.iter_mut().enumerate() {
            let (x, y) = middle(at);
            if (left..right).contains(&x) && (top..bottom).contains(&y) {
                place.weight = 0.0;
            }
        }
    }

    /// A digit to find.
    fn add(&mut self, area @ [left, top, right, bottom]: [f32; 4]) {
        let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
        let side = SIDE as f32;
        if (0.0..side).contains(&x) && (0.0..side).contains(&y) {
            self.digits += 1;
        }
        let fall_off = |length: f32| (FALL_OFF * length).max(LEAST_FALL_OFF);
        let (across, down) = (fall_off(right - left), fall_off(bottom - top));
        let half = CELL as f32 / 2.0;
        for (at, place) in self.places.iter_mut().enumerate() {
            let (cell_x, cell_y) = middle(at);
            // What is known of a digit counts, even if no more is known of its number.
            if (left..right).contains(&cell_x) && (top..bottom).contains(&cell_y) {
                place.weight = 1.0;
            }
            // From the cell's edge: the cell that holds the middle is at no distance.
            let far = |a: f32, b: f32, fall_off: f32| ((a - b).abs() - half).max(0.0) / fall_off;
            let far = far(x, cell_x, across).powi(2) + far(y, cell_y, down).powi(2);
            let target = (-far / 2.0).exp();
            if target > place.target {
                place.target = target;
                place.area = area;
            }
        }
    }
}

/// A cell's middle, in pixels of the view.
fn middle(at: usize) -> (f32, f32) {
    let line = |line: usize| (line * CELL) as f32 + CELL as f32 / 2.0;
    (line(at % CELLS), line(at / CELLS))
}

/// The left, top, right and bottom of what a view shows of its photo, in pixels of the view; beyond
/// them it shows another one. All of it where the photo's edge is repeated.
fn shown(scene: &Scene, frame: LooseBox, rng: &mut ChaCha8Rng) -> [f64; 4] {
    let side = SIDE as f64;
    if scene.is_ground() && rng.random_bool(A_PART_OF_A_GROUND) {
        let [[left, right], [top, bottom]] = [(); 2].map(|()| {
            let length = side * rng.random_range(PART_OF_A_GROUND);
            let start = rng.random_range(0.0..side - length);
            [start, start + length]
        });
        return [left, top, right, bottom];
    }
    if !rng.random_bool(ON_A_GROUND) {
        return [0.0, 0.0, side, side];
    }
    let size = scene.photo.size();
    let (across, down) = (side / frame.width, side / frame.height);
    [
        (-frame.left * across).max(0.0),
        (-frame.top * down).max(0.0),
        ((f64::from(size.width) - frame.left) * across).min(side),
        ((f64::from(size.height) - frame.top) * down).min(side),
    ]
}

/// Replaces what lies beyond the left, top, right and bottom edges of a view by another one.
fn lay_round(planes: &mut [f32], [left, top, right, bottom]: [f64; 4], ground: &[f32]) {
    for (at, (sample, other)) in planes.iter_mut().zip(ground).enumerate() {
        let middle = |line: usize| line as f64 + 0.5;
        let (x, y) = (middle(at % SIDE), middle(at / SIDE % SIDE));
        if !((left..right).contains(&x) && (top..bottom).contains(&y)) {
            *sample = *other;
        }
    }
}

/// A number from the first to the second, its logarithm anywhere between theirs.
fn log_uniform([least, most]: [f64; 2], rng: &mut ChaCha8Rng) -> f64 {
    least * (most / least).powf(rng.random_range(0.0..=1.0))
}

/// A part of a photo, anywhere, at a scale from that at which the photo is about as small as the view
/// to its own.
fn anywhere(size: PhotoSize, rng: &mut ChaCha8Rng) -> LooseBox {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let whole = SIDE as f64 / width.min(height);
    let scale = log_uniform([whole.min(1.0), whole.max(1.0)], rng);
    let (x, y) = (rng.random_range(0.0..=width), rng.random_range(0.0..=height));
    stretched(scale, x, y, rng)
}

/// A view's frame at a scale about a point, a little stretched.
fn stretched(scale: f64, x: f64, y: f64, rng: &mut ChaCha8Rng) -> LooseBox {
    let stretched = rng.random_range(-STRETCHED..STRETCHED).exp();
    let side = SIDE as f64 / scale;
    let (width, height) = (side * stretched, side / stretched);
    LooseBox { left: x - width / 2.0, top: y - height / 2.0, width, height }
}

/// The part of the photo that a view shows.
fn frame(scene: &Scene, rng: &mut ChaCha8Rng) -> LooseBox {
    let one_of = |boxes: &[LooseBox], share: f64, rng: &mut ChaCha8Rng| {
        (!boxes.is_empty() && rng.random_bool(share))
            .then(|| boxes[rng.random_range(0..boxes.len())])
    };
    let (round, heights) = if let Some(mistake) = one_of(&scene.mistakes, ROUND_A_MISTAKE, rng) {
        (mistake, HEIGHTS)
    } else if let Some(digit) = one_of(&scene.digits, ROUND_A_DIGIT, rng) {
        let heights = match rng.random_bool(PART_OF_A_DIGIT) {
            true => [UNDECIDED[1] * HEIGHTS[1], LARGEST_PART],
            false => HEIGHTS,
        };
        (digit, heights)
    } else {
        return anywhere(scene.photo.size(), rng);
    };
    let scale = (log_uniform(heights, rng) / round.height).min(ENLARGED);
    let mut off =
        || rng.random_range(-FARTHEST_FROM_MIDDLE..FARTHEST_FROM_MIDDLE) * SIDE as f64 / scale;
    let (x, y) = (round.left + round.width / 2.0, round.top + round.height / 2.0);
    let (x, y) = (x + off(), y + off());
    stretched(scale, x, y, rng)
}

/// Varies light, contrast and colours, and adds noise.
fn vary(planes: &mut [f32], rng: &mut ChaCha8Rng) {
    let plane = SIDE * SIDE;
    let contrast = rng.random_range(-0.6f32..0.4).exp();
    let light = rng.random_range(-0.15f32..0.15);
    let sign = if rng.random_bool(0.2) { -contrast } else { contrast };
    planes.iter_mut().for_each(|sample| *sample = 0.5 + light + sign * (*sample - 0.5));
    if rng.random_bool(0.3) {
        let [first, second] = [0, rng.random_range(1..3)];
        for at in 0..plane {
            planes.swap(first * plane + at, second * plane + at);
        }
    }
    let noise = if rng.random_bool(0.4) { rng.random_range(0.0f32..0.05) } else { 0.0 };
    for sample in planes {
        *sample = (*sample + noise * (rng.random::<f32>() - 0.5) * 2.0).clamp(0.0, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    fn plain(width: u32, height: u32, level: u8) -> Photo {
        let pixels = vec![level; (3 * width * height) as usize];
        Photo::from_rgb8(PhotoSize { width, height }, pixels).expect("its pixels")
    }

    fn scene(digits: Vec<LooseBox>) -> Scene {
        Scene { photo: plain(60, 40, 255), digits, numbers: Vec::new(), mistakes: Vec::new() }
    }

    #[test]
    fn another_photo_shows_beyond_the_edges_of_what_is_laid_on_it() {
        let side = SIDE as f64;
        let mut planes = vec![1.0; 3 * SIDE * SIDE];
        lay_round(&mut planes, [10.0, 0.0, side, 40.0], &vec![0.0; 3 * SIDE * SIDE]);
        for plane in planes.chunks_exact(SIDE * SIDE) {
            let at = |x: usize, y: usize| plane[y * SIDE + x];
            assert_eq!((at(9, 5), at(10, 5), at(SIDE - 1, 39), at(50, 40)), (0.0, 1.0, 1.0, 0.0));
        }
        // Of a photo with digits, all that the view holds is shown; of one without, a part may be.
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let frame = LooseBox { left: -20.0, top: -30.0, width: 96.0, height: 96.0 };
        let digit = LooseBox { left: 20.0, top: 10.0, width: 10.0, height: 20.0 };
        let (with, without) = (scene(vec![digit]), scene(Vec::new()));
        let all = [0.0, 0.0, side, side];
        let photo = [20.0, 30.0, 80.0, 70.0];
        for _ in 0..50 {
            let shown = shown(&with, frame, &mut rng);
            assert!(shown == all || shown == photo, "{shown:?}");
        }
        let parts = (0..50).filter(|_| ![all, photo].contains(&shown(&without, frame, &mut rng)));
        assert!((5..30).contains(&parts.count()));
    }

    #[test]
    fn digits_of_a_right_size_are_to_be_found_and_larger_ones_are_not() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let digit = LooseBox { left: 20.0, top: 10.0, width: 10.0, height: 20.0 };
        let scene = scene(vec![digit]);
        let views: Vec<View> = (0..60).map(|_| View::of(&scene, &[], &mut rng)).collect();
        let found = views.iter().filter(|view| view.digits == 1).count();
        assert!((30..58).contains(&found), "{found}");
        for view in &views {
            let targets = view.places.iter().map(|place| place.target);
            let highest = targets.fold(0.0, f32::max);
            assert!(view.digits == 0 || highest == 1.0, "the cell of its middle");
            for place in view.places.iter().filter(|place| place.target == 1.0) {
                let height = f64::from(place.area[3] - place.area[1]);
                assert!((HEIGHTS[0]..HEIGHTS[1]).contains(&height), "{height}");
            }
        }
    }

    #[test]
    fn what_is_known_of_a_digit_counts_even_in_a_number_of_which_no_more_is_known() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let digit = LooseBox { left: 20.0, top: 10.0, width: 10.0, height: 20.0 };
        let number = LooseBox { left: 0.0, width: 60.0, ..digit };
        let scene = Scene { numbers: vec![number], ..scene(vec![digit]) };
        let views = (0..60).map(|_| View::of(&scene, &[], &mut rng));
        let with_digit = views.filter(|view| view.digits == 1);
        let mut some = 0;
        for view in with_digit {
            some += 1;
            assert!(view.places.iter().any(|it| it.target == 1.0 && it.weight == 1.0));
            assert!(view.places.iter().any(|it| it.weight == 0.0), "the rest of the number");
        }
        assert!(some > 10);
    }
}
