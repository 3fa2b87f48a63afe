//! What is removed from a photo: plain data, which the page uses, too.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{BrushStroke, stroke_reach, texture_reach};
use crate::photo::BoxInPhoto;

/// What is removed from a photo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The boxes whose digits are removed, already grown; boxes near each other are filled
    /// together.
    pub boxes: Vec<BoxInPhoto>,
    /// Boxes whose digits are kept. Their pixels do not count as background either.
    pub others: Vec<BoxInPhoto>,
    /// Strokes of the brush, oldest first; the report's methods ignore them.
    pub corrections: Vec<Arc<BrushStroke>>,
}

impl Erasure {
    /// The removal of all digits in some boxes.
    pub fn of(boxes: &[BoxInPhoto]) -> Self {
        Erasure { boxes: boxes.to_vec(), ..Self::default() }
    }

    /// Every box of the photo.
    pub fn all(&self) -> Vec<BoxInPhoto> {
        [self.boxes.as_slice(), &self.others].concat()
    }

    /// The part of it that fills only some boxes, with everything else that influences their fill.
    pub fn part(&self, boxes: Vec<BoxInPhoto>) -> Self {
        let mut others = self.all();
        let reach = texture_reach(&others);
        let matters = |other: &BoxInPhoto| boxes.iter().any(|area| other.within(area, reach));
        others.retain(|other| !boxes.contains(other) && matters(other));
        let acts = |stroke: &&Arc<BrushStroke>| boxes.iter().any(|area| acts_in(stroke, area));
        let corrections = self.corrections.iter().filter(acts).cloned().collect();
        Erasure { boxes, others, corrections }
    }

    /// The areas around which this fill may differ from that of `before`: boxes that only one of
    /// the two has, and boxes reached by brush strokes that only one has.
    pub fn changed_since(&self, before: &Self) -> Vec<BoxInPhoto> {
        let only = |a: &[BoxInPhoto], b: &[BoxInPhoto]| -> Vec<BoxInPhoto> {
            a.iter().filter(|area| !b.contains(area)).copied().collect()
        };
        let mut changed: Vec<BoxInPhoto> = [
            (&before.boxes, &self.boxes),
            (&self.boxes, &before.boxes),
            (&before.others, &self.others),
            (&self.others, &before.others),
        ]
        .iter()
        .flat_map(|(a, b)| only(a, b))
        .collect();
        // Strokes are applied in order, so all count from the first that differs.
        let pairs = before.corrections.iter().zip(&self.corrections);
        let same = pairs.take_while(|(a, b)| a == b).count();
        let others = [&before.corrections, &self.corrections];
        for stroke in others.iter().flat_map(|strokes| strokes.iter().skip(same)) {
            changed.extend(self.boxes.iter().filter(|area| acts_in(stroke, area)));
        }
        changed
    }
}

fn acts_in(stroke: &BrushStroke, area: &BoxInPhoto) -> bool {
    stroke.may_touch(&stroke_reach(area))
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
        let boxes: Vec<BoxInPhoto> = lefts.iter().map(|left| at(*left)).collect();
        Erasure { corrections, ..Erasure::of(&boxes) }
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
        let beside = Erasure { others: vec![at(70)], ..before.clone() };
        assert_eq!(beside.changed_since(&before), [at(70)], "a box that stays");
        assert_eq!(before.changed_since(&beside), [at(70)], "which is gone");
    }

    #[test]
    fn a_part_knows_of_all_that_is_near() {
        let mut whole = erasure(&[0, 50, 90], vec![dab(5), dab(55)]);
        whole.others.extend([at(110), at(300)]);
        let part = whole.part(vec![at(50)]);
        assert_eq!((part.boxes, part.corrections), (vec![at(50)], vec![dab(55)]));
        assert_eq!(part.others, [at(0), at(90), at(110)]);
    }
}
