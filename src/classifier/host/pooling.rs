//! ReLU and pooling of one image, with a channel-wise scale and shift before them.

use crate::classifier::Pool;

/// Marks a pooled output whose window holds nothing above zero: no gradient passes.
const NOTHING: u8 = u8::MAX;

/// Pools `relu(scale * x + shift)` over one image's planes of `side * side`; for the poolings
/// that take the largest, `winners` gets the position of each window's largest value in it.
///
/// What is not a number stays so, so that a run gone astray is noticed.
pub(crate) fn forward(
    image: &[f32],
    side: usize,
    pool: Pool,
    affine: &[[f32; 2]],
    out: &mut [f32],
    winners: &mut [u8],
) {
    let out_side = pool.output_side(side);
    let out_plane = out_side * out_side;
    let planes = image.chunks_exact(side * side).zip(affine);
    let outs = out.chunks_exact_mut(out_plane).zip(winners.chunks_exact_mut(out_plane));
    for ((plane, &[scale, shift]), (out, winners)) in planes.zip(outs) {
        let value = |i: usize| scale * plane[i] + shift;
        match pool {
            Pool::None => {
                for ((out, winner), value) in out.iter_mut().zip(winners).zip(plane) {
                    let value = scale * value + shift;
                    let passes = value > 0.0 || value.is_nan();
                    *out = if passes { value } else { 0.0 };
                    *winner = if passes { 0 } else { NOTHING };
                }
            }
            Pool::Max2 => {
                for (y, (out, winners)) in out
                    .chunks_exact_mut(out_side)
                    .zip(winners.chunks_exact_mut(out_side))
                    .enumerate()
                {
                    let above = &plane[2 * y * side..][..side];
                    let below = &plane[(2 * y + 1) * side..][..side];
                    let windows = above.chunks_exact(2).zip(below.chunks_exact(2));
                    for ((out, winner), (above, below)) in out.iter_mut().zip(winners).zip(windows)
                    {
                        let values = [above[0], above[1], below[0], below[1]];
                        let mut best = 0.0;
                        let mut at = NOTHING;
                        for (i, value) in (0u8..).zip(values) {
                            let value = scale * value + shift;
                            let larger = value > best || value.is_nan();
                            best = if larger { value } else { best };
                            at = if larger { i } else { at };
                        }
                        *out = best;
                        *winner = at;
                    }
                }
            }
            Pool::Max3 => {
                for (o, (out, winner)) in out.iter_mut().zip(winners).enumerate() {
                    let mut best = 0.0;
                    let mut at = NOTHING;
                    for (position, i) in window(o / out_side, o % out_side, side) {
                        if value(i) > best || value(i).is_nan() {
                            (best, at) = (value(i), position);
                        }
                    }
                    (*out, *winner) = (best, at);
                }
            }
            Pool::Mean3 => {
                for (o, out) in out.iter_mut().enumerate() {
                    let (mut sum, mut count) = (0.0, 0.0);
                    for (_, i) in window(o / out_side, o % out_side, side) {
                        sum += if value(i) <= 0.0 { 0.0 } else { value(i) };
                        count += 1.0;
                    }
                    *out = sum / count;
                }
            }
        }
    }
}

/// [`forward`] of [`Pool::Max2`] for reading, where the position of the largest value does not
/// matter: whole rows at a time.
pub(crate) fn largest_of_four(
    image: &[f32],
    side: usize,
    affine: &[[f32; 2]],
    row: &mut Vec<f32>,
    out: &mut [f32],
) {
    let out_side = Pool::Max2.output_side(side);
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    row.resize(side, 0.0);
    let planes = image.chunks_exact(side * side).zip(affine);
    for ((plane, &[scale, shift]), out) in planes.zip(out.chunks_exact_mut(out_side * out_side)) {
        for (two, out) in plane.chunks_exact(2 * side).zip(out.chunks_exact_mut(out_side)) {
            let (above, below) = two.split_at(side);
            for ((larger_of, above), below) in row.iter_mut().zip(above).zip(below) {
                *larger_of = larger(scale * above + shift, scale * below + shift);
            }
            for (out, pair) in out.iter_mut().zip(row.chunks_exact(2)) {
                *out = larger(larger(pair[0], pair[1]), 0.0);
            }
        }
    }
}

/// The gradient of `scale * x + shift`, from the pooled outputs' gradient.
pub(crate) fn backward(
    image: &[f32],
    side: usize,
    pool: Pool,
    affine: &[[f32; 2]],
    winners: &[u8],
    out_gradient: &[f32],
    gradient: &mut [f32],
) {
    let out_side = pool.output_side(side);
    let out_plane = out_side * out_side;
    gradient.fill(0.0);
    let planes = image.chunks_exact(side * side).zip(affine);
    let outs = out_gradient.chunks_exact(out_plane).zip(winners.chunks_exact(out_plane));
    for (((plane, &[scale, shift]), (outs, winners)), gradient) in
        planes.zip(outs).zip(gradient.chunks_exact_mut(side * side))
    {
        for (o, (&out, &winner)) in outs.iter().zip(winners).enumerate() {
            let (y, x) = (o / out_side, o % out_side);
            match pool {
                Pool::None => gradient[o] = if winner == NOTHING { 0.0 } else { out },
                Pool::Max2 | Pool::Max3 => {
                    if winner != NOTHING {
                        let (dy, dx) = (
                            usize::from(winner) / pool.window(),
                            usize::from(winner) % pool.window(),
                        );
                        gradient[(2 * y + dy) * side + 2 * x + dx] += out;
                    }
                }
                Pool::Mean3 => {
                    let share = out / window(y, x, side).count() as f32;
                    for (_, i) in window(y, x, side) {
                        if scale * plane[i] + shift > 0.0 {
                            gradient[i] += share;
                        }
                    }
                }
            }
        }
    }
}

/// Positions in a 3 x 3 window of stride 2 and their indices in the plane, cut off at its edge.
fn window(y: usize, x: usize, side: usize) -> impl Iterator<Item = (u8, usize)> {
    (0u8..9).filter_map(move |position| {
        let (row, column) = (2 * y + usize::from(position / 3), 2 * x + usize::from(position % 3));
        (row < side && column < side).then_some((position, row * side + column))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_four_is_that_of_the_general_way() {
        // An odd side, whose last row and column are left out.
        let image: Vec<f32> = (0..2 * 49).map(|i| ((i * 37) % 23) as f32 - 11.0).collect();
        let affine = [[0.5, 1.0], [-2.0, 0.25]];
        let (mut general, mut fast) = ([0.0; 18], [0.0; 18]);
        forward(&image, 7, Pool::Max2, &affine, &mut general, &mut [0; 18]);
        largest_of_four(&image, 7, &affine, &mut Vec::new(), &mut fast);
        assert_eq!(fast, general);
    }

    #[test]
    fn what_is_no_number_stays_so() {
        for pool in [Pool::None, Pool::Max2, Pool::Max3, Pool::Mean3] {
            for at in 0..16 {
                let mut image = [0.5; 16];
                image[at] = f32::NAN;
                let left = pool.output_side(4).pow(2);
                let (mut out, mut winners) = (vec![0.0; left], vec![0; left]);
                forward(&image, 4, pool, &[[1.0, 0.0]], &mut out, &mut winners);
                assert!(out.iter().any(|out| out.is_nan()), "{pool:?}: {at}");
            }
        }
    }
}
