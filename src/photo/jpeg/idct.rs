//! From a block's coefficients to its samples, with the integers of libjpeg's "accurate" transform, so
//! that samples are those which browsers and most other programs show, to the last bit.
//!
//! The transform is that of Loeffler, Ligtenberg and Moschytz ("Practical fast 1-D DCT algorithms with 11
//! multiplications", 1989). Between its two roundings everything is exact, so only the constants and
//! the places of the roundings decide.

use super::{Block, ZIGZAG};

/// Bits behind the point of the constants.
const BITS: i32 = 13;

/// Bits that are kept behind the point between the two passes.
const KEPT: i32 = 2;

/// Eight numbers that are computed with side by side.
type Lane = [i32; 8];

/// A constant as an integer.
const fn fixed(value: f64) -> i32 {
    (value * (1 << BITS) as f64 + 0.5) as i32
}

fn sum(a: Lane, b: Lane) -> Lane {
    std::array::from_fn(|i| a[i].wrapping_add(b[i]))
}

fn difference(a: Lane, b: Lane) -> Lane {
    std::array::from_fn(|i| a[i].wrapping_sub(b[i]))
}

fn times(a: Lane, factor: i32) -> Lane {
    a.map(|value| value.wrapping_mul(factor))
}

fn negative(a: Lane) -> Lane {
    a.map(i32::wrapping_neg)
}

/// One pass over eight rows of eight numbers, down each column. `shift` bits are rounded away.
fn pass(rows: [Lane; 8], shift: i32) -> [Lane; 8] {
    let rounded = |lane: Lane| lane.map(|value| value.wrapping_add(1 << (shift - 1)) >> shift);
    // Even frequencies.
    let turned = times(sum(rows[2], rows[6]), fixed(0.541_196_100));
    let low = sum(turned, times(rows[6], -fixed(1.847_759_065)));
    let high = sum(turned, times(rows[2], fixed(0.765_366_865)));
    let middle = times(sum(rows[0], rows[4]), 1 << BITS);
    let outer = times(difference(rows[0], rows[4]), 1 << BITS);
    let even =
        [sum(middle, high), sum(outer, low), difference(outer, low), difference(middle, high)];
    // Odd ones.
    let [one, three, five, seven] = [rows[1], rows[3], rows[5], rows[7]];
    let all = times(sum(sum(seven, three), sum(five, one)), fixed(1.175_875_602));
    let near = sum(times(sum(seven, three), -fixed(1.961_570_560)), all);
    let far = sum(times(sum(five, one), -fixed(0.390_180_644)), all);
    let ends = times(sum(seven, one), -fixed(0.899_976_223));
    let inner = times(sum(five, three), -fixed(2.562_915_447));
    let odd = [
        sum(times(one, fixed(1.501_321_110)), sum(ends, far)),
        sum(times(three, fixed(3.072_711_026)), sum(inner, near)),
        sum(times(five, fixed(2.053_119_869)), sum(inner, far)),
        sum(times(seven, fixed(0.298_631_336)), sum(ends, near)),
    ];
    std::array::from_fn(|i| {
        rounded(match i {
            0..4 => sum(even[i], odd[i]),
            _ => sum(even[7 - i], negative(odd[7 - i])),
        })
    })
}

fn transposed(rows: [Lane; 8]) -> [Lane; 8] {
    std::array::from_fn(|i| std::array::from_fn(|j| rows[j][i]))
}

/// A block's samples, row after row.
pub fn samples(block: &Block, quantisation: &[u16; 64]) -> [[u8; 8]; 8] {
    let sample = |value: i32| (value + 128).clamp(0, 255) as u8;
    let first = i32::from(block[0]) * i32::from(quantisation[0]);
    if block[1..].iter().all(|&value| value == 0) {
        // An eighth of it, rounded as below.
        return [[sample((first + 4) >> 3); 8]; 8];
    }
    let mut rows = [[0; 8]; 8];
    for ((&place, &value), &step) in ZIGZAG.iter().zip(block).zip(quantisation) {
        rows[place / 8][place % 8] = i32::from(value) * i32::from(step);
    }
    let columns = transposed(pass(rows, BITS - KEPT));
    transposed(pass(columns, BITS + KEPT + 3)).map(|row| row.map(sample))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_those_of_the_standard_s_formula() {
        let mut state = 7u32;
        for round in 0..200u32 {
            let block: Block = std::array::from_fn(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Fewer and smaller ones at high frequencies.
                let most = 60 >> (i as u32 / 8 + round % 3);
                ((state >> 16) as i32 % (2 * most + 1) - most) as i16
            });
            let quantisation: [u16; 64] = std::array::from_fn(|i| 1 + i as u16 / 8);
            let ours = samples(&block, &quantisation);
            for (y, row) in ours.iter().enumerate() {
                for (x, &sample) in row.iter().enumerate() {
                    let c = |u: usize| if u == 0 { 0.5f64.sqrt() } else { 1.0 };
                    let cos = |x: usize, u: usize| {
                        ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0).cos()
                    };
                    let sum: f64 = (0..64)
                        .map(|i| {
                            let (v, u) = (ZIGZAG[i] / 8, ZIGZAG[i] % 8);
                            let value = f64::from(block[i]) * f64::from(quantisation[i]);
                            c(u) * c(v) * value * cos(x, u) * cos(y, v)
                        })
                        .sum();
                    let exact = (sum / 4.0 + 128.0).clamp(0.0, 255.0);
                    let off = (exact - f64::from(sample)).abs();
                    assert!(off < 0.6, "round {round}, {x}, {y}: {exact} and {sample}");
                }
            }
        }
    }

    #[test]
    fn a_block_of_one_coefficient_takes_no_other_way() {
        for first in [-1024, -77, -1, 0, 3, 500, 1023] {
            let mut block: Block = [0; 64];
            block[0] = first;
            let short = samples(&block, &[3; 64]);
            // Too small to be seen, but not zero.
            block[63] = 1;
            let mut quantisation = [3; 64];
            quantisation[63] = 0;
            assert_eq!(samples(&block, &quantisation), short, "{first}");
        }
    }
}
