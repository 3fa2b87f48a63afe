//! What a person made on a photo, and what of it is taken out of the photo.

use std::sync::Arc;

use super::boxes::PhotoBox;
use crate::photo::BoxInPhoto;
use crate::removal::{BrushStroke, stroke_reach};

/// All that undo brings back. A list is small and strokes are shared, so copies are cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// The boxes, oldest first.
    pub boxes: Vec<PhotoBox>,
    /// The brush's strokes, oldest first, wherever they lie.
    pub corrections: Vec<Arc<BrushStroke>>,
}

/// What is taken out of a photo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    /// The boxes whose digits are removed.
    pub areas: Vec<BoxInPhoto>,
    /// The brush's strokes that may act in these, oldest first.
    pub corrections: Vec<Arc<BrushStroke>>,
}

impl Work {
    /// What of it is taken out.
    pub fn erasure(&self) -> Erasure {
        let areas = self.boxes.iter().filter(|b| b.remove).map(|b| b.area).collect();
        let mut erasure = Erasure { areas, corrections: self.corrections.clone() };
        erasure.corrections = erasure.corrections_in(&erasure.areas);
        erasure
    }
}

fn acts_in(stroke: &BrushStroke, area: &BoxInPhoto) -> bool {
    stroke.may_touch(&stroke_reach(area))
}

impl Erasure {
    /// Of its strokes those that may act in some areas.
    pub fn corrections_in(&self, areas: &[BoxInPhoto]) -> Vec<Arc<BrushStroke>> {
        let acts = |stroke: &&Arc<BrushStroke>| areas.iter().any(|area| acts_in(stroke, area));
        self.corrections.iter().filter(acts).cloned().collect()
    }

    /// The areas, of this one and of what was taken out `before`, whose fill may differ: those that
    /// only one of the two has, and those that strokes reach which only one has.
    pub fn changed_since(&self, before: &Self) -> Vec<BoxInPhoto> {
        let only = |a: &[BoxInPhoto], b: &[BoxInPhoto]| -> Vec<BoxInPhoto> {
            a.iter().filter(|area| !b.contains(area)).copied().collect()
        };
        let mut changed =
            [only(&before.areas, &self.areas), only(&self.areas, &before.areas)].concat();
        // Strokes act in their order, so all count from the first that differs.
        let pairs = before.corrections.iter().zip(&self.corrections);
        let same = pairs.take_while(|(a, b)| a == b).count();
        let others = [&before.corrections, &self.corrections];
        for stroke in others.iter().flat_map(|strokes| strokes.iter().skip(same)) {
            changed.extend(self.areas.iter().filter(|area| acts_in(stroke, area)));
        }
        changed
    }
}

/// Copies of strokes, to be sent or kept.
pub fn plain(corrections: &[Arc<BrushStroke>]) -> Vec<BrushStroke> {
    corrections.iter().map(|stroke| BrushStroke::clone(stroke)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::removal::Brush;

    fn at(left: u32) -> BoxInPhoto {
        BoxInPhoto { left, top: 0, width: 10, height: 20 }
    }

    /// A dab in the column of pixels.
    fn dab(column: i32) -> Arc<BrushStroke> {
        Arc::new(BrushStroke { brush: Brush::Adds, radius: 4, points: vec![(4 * column + 2, 40)] })
    }

    fn erasure(lefts: &[u32], corrections: Vec<Arc<BrushStroke>>) -> Erasure {
        Erasure { areas: lefts.iter().map(|left| at(*left)).collect(), corrections }
    }

    #[test]
    fn strokes_count_where_digits_are_removed() {
        let b = |id, left, remove| PhotoBox { id, area: at(left), remove, label: None };
        let boxes = vec![b(1, 0, true), b(2, 50, false)];
        let work = Work { boxes, corrections: vec![dab(5), dab(55), dab(200)] };
        assert_eq!(work.erasure(), erasure(&[0], vec![dab(5)]));
    }

    #[test]
    fn what_changed_is_what_only_one_has_and_what_other_strokes_reach() {
        let before = erasure(&[0, 50], vec![]);
        assert_eq!(erasure(&[50, 90], vec![]).changed_since(&before), [at(0), at(90)]);
        assert!(before.changed_since(&before).is_empty());
        let painted = erasure(&[0, 50], vec![dab(55)]);
        assert_eq!(painted.changed_since(&before), [at(50)]);
        assert_eq!(before.changed_since(&painted), [at(50)], "undone");
        let more = erasure(&[0, 50], vec![dab(55), dab(5)]);
        assert_eq!(more.changed_since(&painted), [at(0)], "the first stroke is as it was");
    }
}
