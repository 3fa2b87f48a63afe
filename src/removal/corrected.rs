//! Which pixels a fill may change after corrections by hand.

use std::sync::Arc;

use super::{Brush, BrushStroke};
use crate::{
    photo::{BoxInPhoto, Mask},
    strokes::Found,
};

/// The pixels of an area that a fill may change, with the brush's corrections.
pub(super) struct Corrected {
    /// Which pixels lie inside boxes, without those that the brush excluded.
    pub(super) inside: Mask,
    /// The brush's correction of each pixel; empty if there is none at all.
    says: Vec<Option<Brush>>,
}

impl Corrected {
    /// `inside` are the pixels of the boxes that are filled. Brush strokes work on all pixels in
    /// `reach` of a box, later ones over earlier ones.
    pub(super) fn of(
        area: BoxInPhoto,
        mut inside: Mask,
        reach: &Mask,
        strokes: &[Arc<BrushStroke>],
    ) -> Self {
        let mut says = Vec::new();
        for stroke in strokes.iter().filter(|stroke| stroke.may_touch(&area)) {
            says.resize(inside.len(), None);
            stroke.rasterise(area, |column, row| {
                let i = row * area.width as usize + column;
                says[i] = reach[i].then_some(stroke.brush);
            });
        }
        for (inside, says) in inside.iter_mut().zip(&says) {
            *inside = *inside && *says != Some(Brush::Takes);
        }
        Corrected { inside, says }
    }

    /// The brush's correction of a pixel.
    pub(super) fn brush(&self, i: usize) -> Option<Brush> {
        self.says.get(i).copied().flatten()
    }

    /// What was found, with the brush's corrections as certain; pixels that it excludes are key
    /// pixels.
    pub(super) fn found(&self, mut found: Found) -> Found {
        let pixels = found.strokes.iter_mut().zip(&mut found.key_pixels);
        for ((stroke, key_pixel), says) in pixels.zip(&self.says) {
            match says {
                Some(Brush::Adds) => (*stroke, *key_pixel) = (1.0, 0.0),
                Some(Brush::Takes) => (*stroke, *key_pixel) = (0.0, 1.0),
                None => {}
            }
        }
        found
    }
}

impl BrushStroke {
    /// Calls `paint` with column and row in `area` of each pixel whose middle the stroke covers,
    /// more than once if its parts overlap.
    fn rasterise(&self, area: BoxInPhoto, mut paint: impl FnMut(usize, usize)) {
        let unit = f64::from(Self::PER_PIXEL);
        let radius = f64::from(self.radius);
        let point = |&(x, y): &(i32, i32)| (f64::from(x), f64::from(y));
        // The pixels between two places along one axis, as far as they lie in the area.
        let pixels = |a: f64, b: f64, start: u32, length: u32| {
            let from = ((a.min(b) - radius) / unit).floor() - f64::from(start);
            let to = ((a.max(b) + radius) / unit).ceil() - f64::from(start);
            // Clamped to 0..=length, which came from a u32.
            from.clamp(0.0, f64::from(length)) as usize..to.clamp(0.0, f64::from(length)) as usize
        };
        let lines = self.points.windows(2).map(|ends| (&ends[0], &ends[1]));
        let first = self.points.first().map(|point| (point, point));
        for (a, b) in first.into_iter().chain(lines) {
            let (a, b) = (point(a), point(b));
            for row in pixels(a.1, b.1, area.top, area.height) {
                let y = (f64::from(area.top) + row as f64 + 0.5) * unit;
                for column in pixels(a.0, b.0, area.left, area.width) {
                    let x = (f64::from(area.left) + column as f64 + 0.5) * unit;
                    if squared_distance((x, y), a, b) <= radius * radius {
                        paint(column, row);
                    }
                }
            }
        }
    }
}

/// The square of a point's distance to the line from `a` to `b`.
fn squared_distance(point: (f64, f64), a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (px, py) = (point.0 - a.0, point.1 - a.1);
    let squared_length = dx * dx + dy * dy;
    let along = px * dx + py * dy;
    if along <= 0.0 || squared_length == 0.0 {
        px * px + py * py
    } else if along >= squared_length {
        (point.0 - b.0).powi(2) + (point.1 - b.1).powi(2)
    } else {
        (px * dy - py * dx).powi(2) / squared_length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: BoxInPhoto = BoxInPhoto { left: 10, top: 20, width: 12, height: 8 };

    fn stroke(brush: Brush, radius: u32, points: &[(i32, i32)]) -> BrushStroke {
        BrushStroke { brush, radius, points: points.to_vec() }
    }

    /// Columns and rows of the area that are painted, in order.
    fn painted(radius: u32, points: &[(i32, i32)]) -> Vec<(usize, usize)> {
        let mut pixels = Vec::new();
        stroke(Brush::Adds, radius, points).rasterise(AREA, |x, y| pixels.push((y, x)));
        pixels.sort_unstable();
        pixels.dedup();
        pixels.into_iter().map(|(y, x)| (x, y)).collect()
    }

    #[test]
    fn a_dab_paints_the_pixels_whose_middles_it_covers() {
        // In the middle of column 12, row 24 of the photo.
        assert_eq!(painted(3, &[(50, 98)]), [(2, 4)]);
        assert_eq!(painted(4, &[(50, 98)]), [(2, 3), (1, 4), (2, 4), (3, 4), (2, 5)]);
        // Wherever in a pixel it lies.
        for x in 48..52 {
            for y in 96..100 {
                assert!(painted(3, &[(x, y)]).contains(&(2, 4)), "{x}, {y}");
            }
        }
        assert!(painted(8, &[]).is_empty());
    }

    #[test]
    fn a_line_is_as_wide_as_the_brush_and_goes_round_its_corners() {
        // Along row 24 from column 12 to 16, then down to row 26.
        let corner = painted(3, &[(50, 98), (66, 98), (66, 106)]);
        assert_eq!(corner, [(2, 4), (3, 4), (4, 4), (5, 4), (6, 4), (6, 5), (6, 6)]);
        let back = painted(3, &[(66, 106), (66, 98), (50, 98)]);
        assert_eq!(corner, back, "whichever way it is drawn");
        let diagonal = painted(3, &[(42, 82), (66, 106)]);
        assert!((0..7).all(|i| diagonal.contains(&(i, i))));
        let wide = painted(8, &[(50, 98), (66, 98)]);
        assert_eq!(wide.iter().filter(|(x, _)| *x == 4).count(), 5, "two pixels on either side");
    }

    #[test]
    fn what_lies_beyond_the_area_is_cut_off_and_does_no_harm() {
        let across = painted(3, &[(-4000, 98), (4000, 98)]);
        assert_eq!(across, (0..12).map(|x| (x, 4)).collect::<Vec<_>>());
        assert!(painted(9, &[(-500, -500)]).is_empty());
        assert!(painted(3, &[(i32::MIN, i32::MIN), (i32::MAX, i32::MIN)]).is_empty());
        assert_eq!(painted(u32::MAX, &[(0, 0)]).len(), 12 * 8);
    }

    #[test]
    fn the_last_stroke_holds_and_none_acts_far_from_boxes() {
        let pixels = 12 * 8;
        // Boxes reach over the columns below 8; those below 6 are filled.
        let columns = |limit: usize| Mask::from_fn(12, 8, |i| i % 12 < limit);
        let row = |brush, y| stroke(brush, 3, &[(0, y), (400, y)]);
        let strokes = [row(Brush::Adds, 82), row(Brush::Takes, 86), row(Brush::Adds, 90)];
        let over = stroke(Brush::Takes, 3, &[(42, 90)]);
        let strokes: Vec<_> = strokes.into_iter().chain([over]).map(Arc::new).collect();
        let corrected = Corrected::of(AREA, columns(6), &columns(8), &strokes);
        let unsure = Found { strokes: vec![0.5; pixels], key_pixels: vec![0.5; pixels] };
        let found = corrected.found(unsure.clone());
        for (i, probability) in found.strokes.iter().enumerate() {
            let (x, y) = (i % 12, i / 12);
            let expected = match (x, y) {
                (8.., _) | (_, 3..) => 0.5,
                (0, 2) | (_, 1) => 0.0,
                _ => 1.0,
            };
            assert_eq!(*probability, expected, "column {x}, row {y}");
            assert_eq!(found.key_pixels[i], 1.0 - expected, "column {x}, row {y}");
            assert_eq!(corrected.inside[i], x < 6 && expected != 0.0, "column {x}, row {y}");
        }
        let nothing = Corrected::of(AREA, columns(6), &columns(8), &[]);
        assert_eq!(nothing.found(unsure.clone()), unsure);
        assert_eq!(nothing.inside, columns(6));
    }
}
