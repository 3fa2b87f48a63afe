//! What a person made on a photo.

use std::sync::Arc;

use super::boxes::{BoxId, PhotoBox};
use crate::photo::{BoxInPhoto, PhotoSize};
use crate::removal::{BrushStroke, Erasure, USUAL_GROWTH_PERCENT, grown_boxes};

/// All that undo brings back. A list is small and strokes are shared, so copies are cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The boxes, oldest first.
    pub boxes: Vec<PhotoBox>,
    /// Boxes of what may be digits, which a person has neither taken nor dismissed.
    pub suggestions: Vec<BoxInPhoto>,
    /// The brush's strokes, oldest first, wherever they lie.
    pub corrections: Vec<Arc<BrushStroke>>,
    /// Percent of its height by which each box is grown before its digit is removed.
    pub growth: u32,
}

impl Default for Work {
    fn default() -> Self {
        Work {
            boxes: Vec::new(),
            suggestions: Vec::new(),
            corrections: Vec::new(),
            growth: USUAL_GROWTH_PERCENT,
        }
    }
}

impl Work {
    /// The boxes whose digits are removed, each with the grown box that is filled.
    pub fn grown(&self, photo: PhotoSize) -> Vec<(BoxId, BoxInPhoto)> {
        let (ids, areas): (Vec<BoxId>, Vec<BoxInPhoto>) =
            self.boxes.iter().filter(|b| b.remove).map(|b| (b.id, b.area)).unzip();
        let grown = grown_boxes(&areas, &self.kept(), self.growth, photo);
        ids.into_iter().zip(grown).collect()
    }

    /// What of it is taken out of a photo of this size.
    pub fn erasure(&self, photo: PhotoSize) -> Erasure {
        let boxes: Vec<BoxInPhoto> = self.grown(photo).into_iter().map(|(_, area)| area).collect();
        let corrections = self.corrections.clone();
        Erasure { boxes: boxes.clone(), others: self.kept(), corrections }.part(boxes)
    }

    fn kept(&self) -> Vec<BoxInPhoto> {
        self.boxes.iter().filter(|b| !b.remove).map(|b| b.area).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::removal::Brush;

    const SIZE: PhotoSize = PhotoSize { width: 300, height: 200 };

    #[test]
    fn strokes_count_where_digits_are_removed() {
        let at = |left| BoxInPhoto { left, top: 0, width: 10, height: 20 };
        let dab = |column: i32| {
            let points = vec![(4 * column + 2, 40)];
            Arc::new(BrushStroke { brush: Brush::Adds, radius: 4, points })
        };
        let b = |id, left, remove| PhotoBox { id, area: at(left), remove, label: None };
        let boxes = vec![b(1, 0, true), b(2, 50, false)];
        let corrections = vec![dab(5), dab(55), dab(200)];
        let work = Work { boxes, corrections, growth: 0, ..Work::default() };
        let erasure =
            Erasure { boxes: vec![at(0)], others: vec![at(50)], corrections: vec![dab(5)] };
        assert_eq!(work.erasure(SIZE), erasure);
    }

    #[test]
    fn digits_are_removed_from_grown_boxes_and_kept_ones_stay_whole() {
        let area = |left| BoxInPhoto { left, top: 40, width: 20, height: 40 };
        let b = |id, left, remove| PhotoBox { id, area: area(left), remove, label: None };
        let boxes = vec![b(3, 50, true), b(5, 72, false)];
        let work = Work { boxes, growth: 10, ..Work::default() };
        let grown = BoxInPhoto { left: 46, top: 36, width: 26, height: 48 };
        assert_eq!(work.grown(SIZE), [(3, grown)]);
        let erasure = work.erasure(SIZE);
        assert_eq!((erasure.boxes, erasure.others), (vec![grown], vec![area(72)]));
    }
}
