//! Corrections by hand of what counts as a stroke, made with a brush on the photo: plain data,
//! which the page uses, too.

use serde::{Deserialize, Serialize};

use crate::photo::BoxInPhoto;

/// What a brush does with the pixels that it paints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Brush {
    /// They count as a stroke, and are filled.
    Adds,
    /// They count as background, and are unchanged.
    Takes,
}

/// One stroke of the brush. It works inside boxes, and as far beyond them as strokes are followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrushStroke {
    /// What it does.
    pub brush: Brush,
    /// Half the brush's width, in units of [`BrushStroke::PER_PIXEL`] a pixel. With 3 or more, a
    /// stroke of one point paints the pixel in which the point is.
    pub radius: u32,
    /// The corners of the line that the brush's middle follows, as x and y in the same units.
    pub points: Vec<(i32, i32)>,
}

impl BrushStroke {
    /// Units of length per pixel. Lengths are whole numbers, which are small to store, and exact.
    pub const PER_PIXEL: u32 = 4;

    /// Whether the stroke may reach into an area: if its bounding box does not, it does not.
    pub fn may_touch(&self, area: &BoxInPhoto) -> bool {
        let along = |of: fn(&(i32, i32)) -> i32, start: u32, end: u32| {
            let places = || self.points.iter().map(of);
            let (Some(low), Some(high)) = (places().min(), places().max()) else { return false };
            let [start, end] = [start, end].map(|at| i64::from(at) * i64::from(Self::PER_PIXEL));
            let radius = i64::from(self.radius);
            i64::from(low) - radius < end && i64::from(high) + radius > start
        };
        along(|point| point.0, area.left, area.right())
            && along(|point| point.1, area.top, area.bottom())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stroke_touches_what_its_hull_reaches() {
        let stroke = |points: &[(i32, i32)]| BrushStroke {
            brush: Brush::Adds,
            radius: 4,
            points: points.to_vec(),
        };
        let line = stroke(&[(0, 0), (40, 0)]);
        let at = |left, top| BoxInPhoto { left, top, width: 5, height: 5 };
        assert!(line.may_touch(&at(0, 0)) && line.may_touch(&at(10, 0)));
        assert!(!line.may_touch(&at(11, 0)) && !line.may_touch(&at(0, 1)));
        assert!(!stroke(&[]).may_touch(&at(0, 0)));
    }
}
