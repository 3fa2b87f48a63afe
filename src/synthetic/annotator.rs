//! Boxes as people draw them. SVHN's were drawn by many people, number by number: all boxes of a
//! number have one height, boxes of neighbours nearly touch, and edges are sometimes outside the
//! strokes and sometimes in them. The figures here are those of SVHN's train boxes.

use super::dice::Dice;
use crate::photo::{BoxInPhoto, PhotoSize};

/// How one number's boxes are drawn. Lengths are parts of a digit's height.
#[derive(Clone, Copy, Debug)]
pub struct Annotator {
    /// How much higher than the digits the boxes are.
    taller: f32,
    /// How far all boxes are off, down.
    lower: f32,
    /// How far the outermost edges, and those beside wide gaps, lie outside the strokes.
    beside: f32,
    /// Deviation of each single edge.
    unsteady: f32,
}

impl Annotator {
    /// A hand at random.
    pub fn random(dice: &mut Dice) -> Self {
        Annotator {
            taller: (0.13 + 0.1 * dice.normal()).clamp(-0.08, 0.45),
            lower: 0.025 * dice.normal(),
            beside: (0.065 + 0.05 * dice.normal()).clamp(-0.06, 0.22),
            unsteady: dice.range(0.01, 0.06),
        }
    }

    /// The boxes of a number's digits, whose visible strokes reach from left to right edge and
    /// from top to foot (in pixels of the photo) as `strokes` says. `None` where a box would lie
    /// off the photo for more than a third, or be less than 3 pixels wide or 5 high.
    pub fn boxes(
        &self,
        strokes: &[[f32; 4]],
        photo: PhotoSize,
        dice: &mut Dice,
    ) -> Option<Vec<BoxInPhoto>> {
        let usual = strokes.iter().map(|[_, top, _, foot]| foot - top).fold(0.0, f32::max);
        let height = usual * (1.0 + self.taller);
        let off = |dice: &mut Dice| usual * self.unsteady * dice.normal();
        strokes
            .iter()
            .enumerate()
            .map(|(i, &[left, top, right, foot])| {
                let before = i.checked_sub(1).and_then(|i| strokes.get(i));
                let after = strokes.get(i + 1);
                // Half way to a neighbour beside it, but not far into a wide gap.
                let outside = usual * self.beside;
                let reach = |gap: f32| (0.5 * gap).clamp(-0.15 * usual, outside.max(0.08 * usual));
                let aside = |other: &[f32; 4]| other[1] < foot && other[3] > top;
                let before = before.filter(|o| aside(o) && o[0] < left).map(|o| reach(left - o[2]));
                let after = after.filter(|o| aside(o) && o[2] > right).map(|o| reach(o[0] - right));
                let x0 = left - before.unwrap_or(outside) + off(dice);
                let x1 = right + after.unwrap_or(outside) + off(dice);
                let middle = 0.5 * (top + foot) + usual * self.lower + off(dice);
                let (y0, y1) = (middle - 0.5 * height, middle + 0.5 * height);
                clamped([x0, y0, x1, y1], photo)
            })
            .collect()
    }
}

/// Edges (left, top, right, bottom) as whole pixels on the photo.
fn clamped(edges: [f32; 4], photo: PhotoSize) -> Option<BoxInPhoto> {
    let whole = edges.map(f32::round);
    let area =
        |[left, top, right, bottom]: [f32; 4]| (right - left).max(0.0) * (bottom - top).max(0.0);
    let on = |edge: f32, size: u32| edge.clamp(0.0, size as f32);
    let inside = [
        on(whole[0], photo.width),
        on(whole[1], photo.height),
        on(whole[2], photo.width),
        on(whole[3], photo.height),
    ];
    let (width, height) = (inside[2] - inside[0], inside[3] - inside[1]);
    if width < 3.0 || height < 5.0 || area(inside) < 0.67 * area(whole) {
        return None;
    }
    Some(BoxInPhoto {
        left: inside[0] as u32,
        top: inside[1] as u32,
        width: width as u32,
        height: height as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: PhotoSize = PhotoSize { width: 100, height: 60 };

    #[test]
    fn boxes_of_a_number_have_one_height_and_touch_about_half_way() {
        let strokes =
            [[20.0, 15.0, 32.0, 40.0], [36.0, 16.0, 40.0, 41.0], [70.0, 15.0, 82.0, 40.0]];
        let steady = Annotator { taller: 0.1, lower: 0.0, beside: 0.04, unsteady: 0.0 };
        let boxes = steady.boxes(&strokes, PHOTO, &mut Dice::new(1)).expect("all on the photo");
        assert!(boxes.iter().all(|area| area.height.abs_diff(28) <= 1), "{boxes:?}");
        assert_eq!((boxes[0].left, boxes[0].right()), (19, 34));
        assert_eq!((boxes[1].left, boxes[1].right()), (34, 42), "two pixels into the wide gap");
        assert_eq!((boxes[2].left, boxes[2].right()), (68, 83));
    }

    #[test]
    fn a_digit_that_is_mostly_off_the_photo_gets_no_box() {
        let steady = Annotator { taller: 0.1, lower: 0.0, beside: 0.04, unsteady: 0.0 };
        let off = [[92.0, 15.0, 112.0, 40.0]];
        assert_eq!(steady.boxes(&off, PHOTO, &mut Dice::new(1)), None);
    }
}
