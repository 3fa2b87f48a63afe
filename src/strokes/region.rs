//! Converts a region of a photo to the stroke network's input, and the network's output to the
//! photo's pixels.
//!
//! All regions lie on one grid over the photo: the sides of their pixels are powers of two, and
//! their edges are at multiples of a few of these pixels. So if a box moves by a pixel, the network
//! still sees the same pixels, and the result changes little.

use super::{CELL, CHANNELS, MULTIPLE};
use crate::{
    photo::{BoxInPhoto, Colours, Filter, LooseBox, Photo},
    unet,
};

/// In the first, coarsest region, digits are at most this tall, in the region's pixels, so that the
/// network sees them as a whole.
pub(crate) const COARSE_HEIGHT: u32 = 48;

/// In the last, finest region, which gives their rims, they are at most this tall.
pub(crate) const FINE_HEIGHT: u32 = 256;

/// Regions with a longer side, in pixels, are shrunk, to bound the cost.
const LONGEST_SIDE: u32 = 1024;

/// Margin around the area in the first region, in the region's pixels. On a shrunk photo it costs
/// little.
const VIEW_MARGIN: u32 = 12;

/// Contrasts below this (on the scale 0 to 1) are noise, and not amplified.
pub(crate) const LEAST_CONTRAST: f32 = 0.04;

/// A part of a photo, resampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Region {
    /// The part of the photo that it shows; it may extend beyond the photo.
    frame: LooseBox,
    /// Its size in pixels; as input of the network, multiples of [`MULTIPLE`].
    rows: usize,
    columns: usize,
}

impl Region {
    /// The regions in which digits are found, from coarse to fine. Each has pixels of half the side
    /// of those before it. The first shows the digits in `boxes` as a whole, the last their rims.
    pub(crate) fn coarse_to_fine(area: BoxInPhoto, boxes: &[BoxInPhoto]) -> Vec<Self> {
        // A box round a whole number is as tall as its digits, but a box round a digit on its side
        // is not.
        let size = |b: &BoxInPhoto| b.height.max(b.width / 4);
        let tallest = boxes.iter().filter(|b| b.within(&area, 0)).map(size).max().unwrap_or(0);
        let longest = area.width.max(area.height);
        // The number of halvings that bring a length down to a limit.
        let halvings =
            |length: u32, limit: u32| length.div_ceil(limit).max(1).next_power_of_two().ilog2();
        let least = halvings(longest, LONGEST_SIDE);
        let coarsest = halvings(tallest, COARSE_HEIGHT).max(least);
        let finest = halvings(tallest, FINE_HEIGHT).max(least);
        (finest..=coarsest)
            .rev()
            .map(|halvings| {
                let side = 1 << halvings;
                let first = halvings == coarsest && halvings > 0;
                Region::on_grid(area, side, if first { VIEW_MARGIN * side } else { 0 })
            })
            .collect()
    }

    /// The region of an area with a margin of `about` pixels of the photo, with pixels of this
    /// side.
    fn on_grid(area: BoxInPhoto, side: u32, about: u32) -> Self {
        let step = i64::from(side) * MULTIPLE as i64;
        let line = |start: u32, end: u32| {
            let first = (i64::from(start) - i64::from(about)).div_euclid(step);
            let last = -(-(i64::from(end) + i64::from(about))).div_euclid(step);
            (
                (first * step) as f64,
                ((last - first) * step) as f64,
                (last - first) as usize * MULTIPLE,
            )
        };
        let (left, width, columns) = line(area.left, area.right());
        let (top, height, rows) = line(area.top, area.bottom());
        Region { frame: LooseBox { left, top, width, height }, rows, columns }
    }

    /// The photo's own pixels in an area.
    fn of_photo(area: BoxInPhoto) -> Self {
        let (rows, columns) = (area.height as usize, area.width as usize);
        Region { frame: LooseBox::from(area), rows, columns }
    }

    /// A square region of this frame, `side` pixels in row and column.
    #[cfg(feature = "native")]
    pub(crate) fn square(frame: LooseBox, side: usize) -> Self {
        Region { frame, rows: side, columns: side }
    }

    /// The part of the photo that it shows; it may extend beyond the photo.
    #[cfg(feature = "native")]
    pub(crate) fn frame(&self) -> LooseBox {
        self.frame
    }

    /// Rows and columns of the network's input.
    pub(crate) fn cells(&self) -> [usize; 2] {
        [self.rows / CELL, self.columns / CELL]
    }

    /// The network's input for one region, of [`planes_of`](Region::planes_of).
    pub(crate) fn cells_of(
        &self,
        photo: &Photo,
        boxes: &[BoxInPhoto],
        prior: Option<(&Region, &[f32])>,
    ) -> Vec<f32> {
        self.packed(&self.planes_of(photo, boxes, prior))
    }

    /// A plane for each of the network's channels. `prior` is what was found in a coarser region
    /// that holds this one: the probability of a stroke at its pixels.
    pub(crate) fn planes_of(
        &self,
        photo: &Photo,
        boxes: &[BoxInPhoto],
        prior: Option<(&Region, &[f32])>,
    ) -> Vec<f32> {
        let size = [self.rows as u32, self.columns as u32];
        let pixels = self.rows * self.columns;
        let mut planes = photo.resampled(self.frame, Filter::Triangle, Colours::Rgb, size);
        standardise(&mut planes, pixels);
        planes.extend(self.inside(boxes).into_iter().map(|inside| f32::from(u8::from(inside))));
        match prior {
            Some((coarser, strokes)) => {
                let here = coarser.seen_in(strokes, self);
                planes.extend(here.into_iter().map(|stroke| 2.0 * stroke - 1.0));
            }
            None => planes.resize(CHANNELS * pixels, 0.0),
        }
        planes
    }

    /// Which of its pixels have their centre in a box.
    pub(crate) fn inside(&self, boxes: &[BoxInPhoto]) -> Vec<bool> {
        let (down, across) = self.steps();
        let mut inside = vec![false; self.rows * self.columns];
        // The pixels in a line whose centres lie from `start` on and before `end`.
        let range = |start: u32, end: u32, origin: f64, step: f64, limit: usize| {
            let first = |edge: u32| {
                let at = ((f64::from(edge) - origin) / step - 0.5).ceil();
                at.clamp(0.0, limit as f64) as usize
            };
            first(start)..first(end)
        };
        for b in boxes {
            let columns = range(b.left, b.right(), self.frame.left, across, self.columns);
            for row in range(b.top, b.bottom(), self.frame.top, down, self.rows) {
                inside[row * self.columns..][columns.clone()].fill(true);
            }
        }
        inside
    }

    /// The height and width of one of its pixels, in pixels of the photo.
    fn steps(&self) -> (f64, f64) {
        (self.frame.height / self.rows as f64, self.frame.width / self.columns as f64)
    }

    /// Planes of its pixels as planes of cells: four planes for each.
    pub(crate) fn packed(&self, planes: &[f32]) -> Vec<f32> {
        unet::packed(planes, self.rows, self.columns, CELL)
    }

    /// Four planes of cells as one plane of its pixels.
    pub(crate) fn unpacked(&self, cells: &[f32]) -> Vec<f32> {
        unet::unpacked(cells, self.rows, self.columns, CELL)
    }

    /// A plane of its pixels, each averaged with its neighbours in row and column, which count
    /// half. This removes alternation from pixel to pixel.
    pub(crate) fn blurred(&self, plane: &[f32]) -> Vec<f32> {
        let line = |a: f32, b: f32, c: f32| (a + 2.0 * b + c) / 4.0;
        let mut across = Vec::with_capacity(plane.len());
        for row in plane.chunks_exact(self.columns) {
            let last = row.len() - 1;
            across.extend(
                (0..=last).map(|x| line(row[x.saturating_sub(1)], row[x], row[(x + 1).min(last)])),
            );
        }
        let last = self.rows - 1;
        let at = |y: usize, x: usize| across[y * self.columns + x];
        (0..plane.len())
            .map(|i| {
                let (y, x) = (i / self.columns, i % self.columns);
                line(at(y.saturating_sub(1), x), at(y, x), at((y + 1).min(last), x))
            })
            .collect()
    }

    /// The values of a plane at the pixels of `area`, by linear interpolation.
    pub(crate) fn pixels_of(&self, plane: &[f32], area: BoxInPhoto) -> Vec<f32> {
        self.seen_in(plane, &Region::of_photo(area))
    }

    /// The values of a plane at another region's pixels, by linear interpolation.
    fn seen_in(&self, plane: &[f32], other: &Region) -> Vec<f32> {
        let ((down, across), (other_down, other_across)) = (self.steps(), other.steps());
        // For each of the other's rows (or columns) the two of this region between which its centre
        // lies, and the position between them.
        let line = |from: f64, step: f64, count: usize, origin: f64, own: f64, limit: usize| {
            let of = |i: usize| {
                let centre = from + (i as f64 + 0.5) * step;
                let position = ((centre - origin) / own - 0.5).clamp(0.0, (limit - 1) as f64);
                let first = position as usize;
                (first, (first + 1).min(limit - 1), (position - first as f64) as f32)
            };
            (0..count).map(of).collect::<Vec<_>>()
        };
        let (frame, to) = (self.frame, other.frame);
        let rows = line(to.top, other_down, other.rows, frame.top, down, self.rows);
        let columns = line(to.left, other_across, other.columns, frame.left, across, self.columns);
        let mix = |a: f32, b: f32, share: f32| a + share * (b - a);
        let mut seen = Vec::with_capacity(other.rows * other.columns);
        for (top, bottom, v) in rows {
            let (upper, lower) = (&plane[top * self.columns..], &plane[bottom * self.columns..]);
            seen.extend(columns.iter().map(|&(left, right, u)| {
                mix(mix(upper[left], upper[right], u), mix(lower[left], lower[right], u), v)
            }));
        }
        seen
    }
}

/// Subtracts its mean from each of three planes, and divides all by their common deviation, so that
/// light and contrast do not matter.
fn standardise(planes: &mut [f32], pixels: usize) {
    let mut squares = 0.0;
    for plane in planes.chunks_exact_mut(pixels) {
        let mean = plane.iter().sum::<f32>() / pixels as f32;
        for sample in plane {
            *sample -= mean;
            squares += *sample * *sample;
        }
    }
    let deviation = (squares / planes.len() as f32).sqrt().max(LEAST_CONTRAST);
    planes.iter_mut().for_each(|sample| *sample /= deviation);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(left: u32, top: u32, width: u32, height: u32) -> BoxInPhoto {
        BoxInPhoto { left, top, width, height }
    }

    /// The side of a region's pixels, and their number in row and column.
    fn sizes(regions: &[Region]) -> Vec<(f64, usize, usize)> {
        regions.iter().map(|region| (region.steps().0, region.rows, region.columns)).collect()
    }

    #[test]
    fn small_digits_are_seen_as_they_are_and_tall_ones_coarse_to_fine() {
        let small = Region::coarse_to_fine(area(3, 4, 38, 58), &[area(12, 13, 20, 40)]);
        assert_eq!(sizes(&small), [(1.0, 64, 48)]);
        let tall = Region::coarse_to_fine(area(64, 64, 256, 384), &[area(92, 96, 200, 300)]);
        // The first region has a larger margin.
        assert_eq!(sizes(&tall), [(8.0, 80, 64), (4.0, 96, 64), (2.0, 192, 128)]);
    }

    #[test]
    fn finer_regions_lie_in_coarser_ones_and_all_hold_the_area() {
        for left in 0..70 {
            let area = area(left, 3 * left + 1, 120 + left, 333);
            let regions = Region::coarse_to_fine(area, &[area]);
            let holds = |outer: LooseBox, inner: LooseBox| {
                outer.left <= inner.left
                    && outer.top <= inner.top
                    && outer.left + outer.width >= inner.left + inner.width
                    && outer.top + outer.height >= inner.top + inner.height
            };
            let frames = regions.iter().map(|region| region.frame);
            let frames: Vec<LooseBox> = frames.chain([LooseBox::from(area)]).collect();
            assert!(frames.windows(2).all(|pair| holds(pair[0], pair[1])), "{frames:?}");
        }
    }

    #[test]
    fn a_box_moved_by_a_pixel_is_seen_through_the_same_pixels() {
        let regions = |left| {
            let area = area(left, 100, 90, 120);
            Region::coarse_to_fine(area, &[area])
        };
        let moved = (100..200).filter(|left| regions(*left) != regions(left + 1)).count();
        assert!(moved < 30, "{moved}");
    }

    #[test]
    fn what_is_packed_comes_back() {
        let region = Region::on_grid(area(0, 0, 16, 24), 1, 0);
        let plane: Vec<f32> = (0..16 * 24u16).map(f32::from).collect();
        let packed = region.packed(&plane);
        assert_eq!(packed[..2], [0.0, 2.0], "every other pixel");
        assert_eq!(region.unpacked(&packed), plane);
        assert_eq!(region.pixels_of(&plane, area(0, 0, 16, 24)), plane);
        assert_eq!(region.pixels_of(&plane, area(3, 2, 2, 1)), plane[35..37]);
    }

    #[test]
    fn a_slope_is_the_same_slope_in_finer_pixels() {
        let coarse = Region::on_grid(area(0, 0, 64, 64), 4, 0);
        let plane: Vec<f32> = (0..16 * 16u16).map(|i| f32::from(i % 16)).collect();
        let seen = coarse.pixels_of(&plane, area(8, 8, 48, 48));
        for (i, value) in seen.iter().enumerate() {
            let expected = (8.0 + (i % 48) as f32 + 0.5) / 4.0 - 0.5;
            assert!((value - expected).abs() < 1e-5, "{i}: {value}");
        }
    }

    #[test]
    fn pixels_lie_inside_by_their_centres() {
        let region = Region::on_grid(area(0, 0, 32, 32), 2, 0);
        let inside = region.inside(&[area(3, 4, 6, 5)]);
        // Centres at 1, 3, 5, ...: columns 3 to 8, rows 4 to 8 of the photo.
        let pixels: Vec<(usize, usize)> =
            (0..256).filter(|i| inside[*i]).map(|i| (i / 16, i % 16)).collect();
        let expected: Vec<(usize, usize)> =
            (2..4).flat_map(|y| (1..4).map(move |x| (y, x))).collect();
        assert_eq!(pixels, expected);
    }

    #[test]
    fn light_and_contrast_do_not_matter() {
        let mut dark: Vec<f32> = (0..48u8).map(|i| f32::from(i % 7) / 40.0).collect();
        let mut light: Vec<f32> = dark.iter().map(|sample| 0.3 + 2.0 * sample).collect();
        standardise(&mut dark, 16);
        standardise(&mut light, 16);
        for (dark, light) in dark.iter().zip(&light) {
            assert!((dark - light).abs() < 1e-4, "{dark} {light}");
        }
    }
}
