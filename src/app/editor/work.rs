//! What a person made on a photo.

use std::sync::Arc;

use super::boxes::PhotoBox;
use crate::photo::BoxInPhoto;
use crate::removal::{BrushStroke, Erasure};

/// All that undo brings back. A list is small and strokes are shared, so copies are cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// The boxes, oldest first.
    pub boxes: Vec<PhotoBox>,
    /// The brush's strokes, oldest first, wherever they lie.
    pub corrections: Vec<Arc<BrushStroke>>,
}

impl Work {
    /// What of it is taken out.
    pub fn erasure(&self) -> Erasure {
        let (removed, kept): (Vec<&PhotoBox>, Vec<&PhotoBox>) =
            self.boxes.iter().partition(|b| b.remove);
        let areas = |boxes: Vec<&PhotoBox>| boxes.iter().map(|b| b.area).collect::<Vec<_>>();
        let corrections = self.corrections.clone();
        let removed: Vec<BoxInPhoto> = areas(removed);
        Erasure { boxes: removed.clone(), others: areas(kept), corrections }.part(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::removal::Brush;

    #[test]
    fn strokes_count_where_digits_are_removed() {
        let at = |left| BoxInPhoto { left, top: 0, width: 10, height: 20 };
        let dab = |column: i32| {
            let points = vec![(4 * column + 2, 40)];
            Arc::new(BrushStroke { brush: Brush::Adds, radius: 4, points })
        };
        let b = |id, left, remove| PhotoBox { id, area: at(left), remove, label: None };
        let boxes = vec![b(1, 0, true), b(2, 50, false)];
        let work = Work { boxes, corrections: vec![dab(5), dab(55), dab(200)] };
        let erasure =
            Erasure { boxes: vec![at(0)], others: vec![at(50)], corrections: vec![dab(5)] };
        assert_eq!(work.erasure(), erasure);
    }
}
