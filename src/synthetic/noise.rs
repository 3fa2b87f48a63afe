//! Value noise: smooth random fields over the plane, from which plaster, grain and grime are made.
//!
//! Only integer hashing and plain sums and products are used, so the fields are the same on every
//! machine.

/// A hash of a lattice point: all bits depend on all inputs.
pub fn hash(x: i32, y: i32, seed: u32) -> u32 {
    mixed((x as u32).wrapping_mul(COLUMN) ^ (y as u32).wrapping_mul(ROW) ^ seed)
}

/// What a step to the right and one down add before mixing.
const COLUMN: u32 = 0x9E37_79B1;
const ROW: u32 = 0x85EB_CA77;

fn mixed(mut h: u32) -> u32 {
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    h ^ (h >> 15)
}

/// A hash as a number in 0 to 1.
fn share(hash: u32) -> f32 {
    // As signed: that is one instruction, and the value is the same.
    (hash >> 8) as i32 as f32 * (1.0 / (1 << 24) as f32)
}

/// A number in 0 to 1 that belongs to a lattice point.
pub fn lattice(x: i32, y: i32, seed: u32) -> f32 {
    share(hash(x, y, seed))
}

/// About normally distributed noise of a lattice point, mean 0, deviation 1.
pub fn gauss(x: i32, y: i32, seed: u32) -> f32 {
    let [a, b, c, d] = hash(x, y, seed).to_le_bytes().map(f32::from);
    // Four bytes added have a mean of 510 and a deviation of 147.8.
    (a + b + c + d - 510.0) / 147.8
}

/// A smooth field in 0 to 1 with one hill or dale a unit.
pub fn value(x: f32, y: f32, seed: u32) -> f32 {
    let (ix, iy) = (floor(x), floor(y));
    let (tx, ty) = (smooth(x - ix as f32), smooth(y - iy as f32));
    // The four corners' `lattice`.
    let left = (ix as u32).wrapping_mul(COLUMN);
    let above = (iy as u32).wrapping_mul(ROW);
    let (right, below) = (left.wrapping_add(COLUMN), above.wrapping_add(ROW));
    let corner = |across: u32, down: u32| share(mixed(across ^ down ^ seed));
    let top = mix(corner(left, above), corner(right, above), tx);
    mix(top, mix(corner(left, below), corner(right, below), tx), ty)
}

/// The next whole number below; on a generic processor, `f32::floor` is a function call.
fn floor(x: f32) -> i32 {
    let cut = x as i32;
    cut - i32::from((cut as f32) > x)
}

/// Several octaves of [`value`], each half as strong and twice as fine; still 0 to 1.
pub fn fractal(x: f32, y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut total) = (0.0, 1.0, 0.0);
    let (mut x, mut y) = (x, y);
    for octave in 0..octaves {
        sum += weight * value(x, y, seed.wrapping_add(octave.wrapping_mul(0x9E37)));
        total += weight;
        weight *= 0.5;
        // Turned between octaves, or the lattice would show.
        (x, y) = (1.6 * x + 1.2 * y + 7.3, -1.2 * x + 1.6 * y + 3.1);
    }
    if total > 0.0 { sum / total } else { 0.5 }
}

/// The cells of randomly scattered stones: which stone (x, y) belongs to, and how far it is
/// from the border to the next one, in units of about half a stone.
pub fn cells(x: f32, y: f32, seed: u32) -> (u32, f32) {
    let (ix, iy) = (x.floor() as i32, y.floor() as i32);
    let (mut nearest, mut second, mut id) = (f32::MAX, f32::MAX, 0);
    for cy in iy.wrapping_sub(1)..=iy.wrapping_add(1) {
        for cx in ix.wrapping_sub(1)..=ix.wrapping_add(1) {
            let h = hash(cx, cy, seed);
            let px = cx as f32 + 0.15 + 0.7 * ((h & 0xFFFF) as f32 / 65_535.0);
            let py = cy as f32 + 0.15 + 0.7 * ((h >> 16) as f32 / 65_535.0);
            let d = (px - x) * (px - x) + (py - y) * (py - y);
            if d < nearest {
                second = nearest;
                (nearest, id) = (d, h);
            } else if d < second {
                second = d;
            }
        }
    }
    (id, second.sqrt() - nearest.sqrt())
}

/// From `a` at 0 to `b` at 1.
pub fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// From one colour to another.
pub fn mix3(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)]
}

/// 0 up to `low`, 1 from `high` on, smooth between.
pub fn ramp(x: f32, low: f32, high: f32) -> f32 {
    smooth(((x - low) / (high - low)).clamp(0.0, 1.0))
}

fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}
