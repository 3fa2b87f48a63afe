//! Views of photos: the inputs and targets of the network that finds digits.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::photos::Scene;
use crate::{
    finder::{CELL, HEIGHTS, cells_of},
    photo::{Colours, Filter, LooseBox},
};

/// Rows and columns of a view, in cells and in pixels.
pub(super) const CELLS: usize = 32;
const SIDE: usize = CELLS * CELL;

/// The share of views round a digit, where there is one; the others are anywhere.
const ROUND_A_DIGIT: f64 = 0.85;

/// Digits are enlarged this far at most; beyond, they show nothing more.
const ENLARGED: f64 = 3.0;

/// How far a digit lies from the view's middle at most, in sides.
const OFF: f64 = 0.42;

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
    /// A view of a scene, drawn by `rng`.
    pub(super) fn of(scene: &Scene, rng: &mut ChaCha8Rng) -> Self {
        let frame = frame(scene, rng);
        let pixels = [SIDE as u32; 2];
        let mut planes = scene.photo.resampled(frame, Filter::Triangle, Colours::Rgb, pixels);
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

/// The part of the photo that a view shows.
fn frame(scene: &Scene, rng: &mut ChaCha8Rng) -> LooseBox {
    let size = scene.photo.size();
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let log_uniform = |[least, most]: [f64; 2], rng: &mut ChaCha8Rng| {
        least * (most / least).powf(rng.random_range(0.0..=1.0))
    };
    let round = (!scene.digits.is_empty() && rng.random_bool(ROUND_A_DIGIT))
        .then(|| scene.digits[rng.random_range(0..scene.digits.len())]);
    let (scale, x, y) = match round {
        Some(digit) => {
            let wanted = log_uniform(HEIGHTS, rng);
            let scale = (wanted / digit.height).min(ENLARGED);
            let mut off = || rng.random_range(-OFF..OFF) * SIDE as f64 / scale;
            let (x, y) = (digit.left + digit.width / 2.0, digit.top + digit.height / 2.0);
            (scale, x + off(), y + off())
        }
        None => {
            // From a scale at which the photo is about as small as the view to its own size.
            let whole = SIDE as f64 / width.min(height);
            let scale = log_uniform([whole.min(1.0), whole.max(1.0)], rng);
            let (x, y) = (rng.random_range(0.0..=width), rng.random_range(0.0..=height));
            (scale, x, y)
        }
    };
    let stretched = rng.random_range(-STRETCHED..STRETCHED).exp();
    let side = SIDE as f64 / scale;
    let (width, height) = (side * stretched, side / stretched);
    LooseBox { left: x - width / 2.0, top: y - height / 2.0, width, height }
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
