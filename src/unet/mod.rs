//! The small convolutional network that finds things in pictures: strokes ([`crate::strokes`]) and
//! digits ([`crate::finder`]). They differ in their channels and in what these mean.
//!
//! To compute on few positions, each position of the input is a cell of pixels, whose samples lie
//! in its channels.

mod host;
mod model;
mod network;

pub(crate) use host::HostUNet;
#[cfg(feature = "native")]
pub(crate) use host::{Activations, sizes};
pub use model::UNetModel;
pub use network::{MULTIPLE, Shape, UNet};

/// Planes of pixels as planes of square cells of `side` pixels: `side * side` planes for each, row
/// after row of a cell. `columns` is the number of pixels in a row, a multiple of `side`; and so are
/// the rows.
pub(crate) fn packed(planes: &[f32], rows: usize, columns: usize, side: usize) -> Vec<f32> {
    let mut packed = Vec::with_capacity(planes.len());
    for plane in planes.chunks_exact(rows * columns) {
        for (dy, dx) in corners(side) {
            for y in (dy..rows).step_by(side) {
                let row = &plane[y * columns..(y + 1) * columns];
                packed.extend(row.iter().skip(dx).step_by(side));
            }
        }
    }
    packed
}

/// `side * side` planes of cells as one plane of pixels, the reverse of [`packed`].
pub(crate) fn unpacked(cells: &[f32], rows: usize, columns: usize, side: usize) -> Vec<f32> {
    let mut plane = vec![0.0; rows * columns];
    let of_corner = cells.chunks_exact(cells.len() / (side * side));
    for ((dy, dx), cells) in corners(side).zip(of_corner) {
        for (y, row) in cells.chunks_exact(columns / side).enumerate() {
            let to = plane[(side * y + dy) * columns..].iter_mut();
            to.skip(dx).step_by(side).zip(row).for_each(|(to, value)| *to = *value);
        }
    }
    plane
}

/// The places in a cell, as rows and columns.
fn corners(side: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..side).flat_map(move |dy| (0..side).map(move |dx| (dy, dx)))
}
