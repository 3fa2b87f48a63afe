//! How far boxes are grown before their digits are removed: plain data, for the page and the
//! command line.

use crate::photo::{BoxInPhoto, PhotoSize};

/// Default growth of a box on all sides, in percent of its height. Tight boxes often cut a stroke
/// short, both SVHN's and hand-drawn ones.
pub const USUAL_GROWTH_PERCENT: u32 = 10;

/// Percent above which growth has no further effect: ten times the height of a box.
const MAX_GROWTH_PERCENT: u32 = 1_000;

/// The boxes, each grown on all sides by `percent` of its height, within the photo, and not into a
/// `kept` box, whose digit must stay whole.
///
/// If two grown boxes beside each other nearly touch, the left one is widened to the right one.
/// Otherwise the narrow gap, which shows the blur of both strokes, would remain as a line.
pub fn grown_boxes(
    boxes: &[BoxInPhoto],
    kept: &[BoxInPhoto],
    percent: u32,
    photo: PhotoSize,
) -> Vec<BoxInPhoto> {
    let margin = |area: &BoxInPhoto| {
        let margin = u64::from(area.height) * u64::from(percent.min(MAX_GROWTH_PERCENT)) / 100;
        u32::try_from(margin).unwrap_or(u32::MAX)
    };
    let grown: Vec<BoxInPhoto> = boxes.iter().map(|area| area.grown(margin(area), photo)).collect();
    let widened = |(area, before): (&BoxInPhoto, &BoxInPhoto)| {
        let next = grown.iter().filter(|next| {
            next.left > area.right()
                && next.left - area.right() <= margin(before)
                && next.top < area.bottom()
                && area.top < next.bottom()
        });
        let right = next.map(|next| next.left).min().unwrap_or(area.right());
        BoxInPhoto { width: right - area.left, ..*area }
    };
    let beside_kept = |grown: BoxInPhoto, before: &BoxInPhoto| {
        kept.iter().fold(grown, |grown, kept| cut_beside(grown, before, kept))
    };
    let widened = grown.iter().zip(boxes).map(widened);
    widened.zip(boxes).map(|(area, before)| beside_kept(area, before)).collect()
}

/// The largest part of a grown box that contains the box `before` its growth and does not reach
/// into `kept`. If the two boxes overlapped before, the grown box is unchanged.
fn cut_beside(grown: BoxInPhoto, before: &BoxInPhoto, kept: &BoxInPhoto) -> BoxInPhoto {
    if !grown.within(kept, 0) || before.within(kept, 0) {
        return grown;
    }
    let (right, bottom) = (grown.right(), grown.bottom());
    let part = |left: u32, top: u32, right: u32, bottom: u32| BoxInPhoto {
        left,
        top,
        width: right - left,
        height: bottom - top,
    };
    // On which sides of the box the kept one lies. Boxes that are apart have at least one such
    // side.
    let parts = [
        (kept.left >= before.right()).then(|| part(grown.left, grown.top, kept.left, bottom)),
        (kept.right() <= before.left).then(|| part(kept.right(), grown.top, right, bottom)),
        (kept.top >= before.bottom()).then(|| part(grown.left, grown.top, right, kept.top)),
        (kept.bottom() <= before.top).then(|| part(grown.left, kept.bottom(), right, bottom)),
    ];
    let pixels = |area: &BoxInPhoto| u64::from(area.width) * u64::from(area.height);
    parts.into_iter().flatten().max_by_key(pixels).unwrap_or(grown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: PhotoSize = PhotoSize { width: 200, height: 120 };

    fn area(left: u32, top: u32) -> BoxInPhoto {
        BoxInPhoto { left, top, width: 20, height: 40 }
    }

    #[test]
    fn grown_boxes_leave_no_sliver_between_them() {
        // Gaps of 9, of 30, and none beside a box in another row.
        let boxes = [area(10, 20), area(39, 22), area(89, 20), area(118, 70)];
        let grown = grown_boxes(&boxes, &[], 10, SIZE);
        assert_eq!((grown[0].left, grown[0].right()), (6, 35));
        assert_eq!(grown[1].left, 35);
        assert_eq!(grown[1].right(), 63);
        assert_eq!(grown[2].right(), 113);
        assert_eq!(grown_boxes(&boxes, &[], 0, SIZE), boxes, "no growth, no change");
    }

    #[test]
    fn growth_ends_at_the_photo_and_at_kept_boxes() {
        let own = area(50, 40);
        let grown = |kept: &[BoxInPhoto]| grown_boxes(&[own], kept, 10, SIZE)[0];
        assert_eq!(grown(&[]), own.grown(4, SIZE));
        // Right, left, above, below, by two pixels each.
        assert_eq!(grown(&[area(72, 40)]).right(), 72);
        assert_eq!(grown(&[area(28, 40)]).left, 48);
        assert_eq!(grown(&[BoxInPhoto { left: 50, top: 0, width: 20, height: 38 }]).top, 38);
        assert_eq!(grown(&[area(50, 82)]).bottom(), 82);
        // At a corner the smaller loss is chosen: 2 of 28 columns, not 3 of 48 rows.
        let corner = BoxInPhoto { left: 72, top: 81, width: 20, height: 20 };
        assert_eq!(grown(&[corner]), BoxInPhoto { height: 45, ..own.grown(4, SIZE) });
        // Boxes that overlap from the start do not show where one digit ends.
        assert_eq!(grown(&[area(60, 40)]), own.grown(4, SIZE));
        assert_eq!(grown_boxes(&[own], &[], u32::MAX, SIZE)[0].width, 200);
    }

    #[test]
    fn no_box_is_widened_over_a_kept_one() {
        let kept = BoxInPhoto { left: 33, top: 20, width: 3, height: 40 };
        let grown = grown_boxes(&[area(10, 20), area(39, 20)], &[kept], 10, SIZE);
        assert_eq!((grown[0].right(), grown[1].left), (33, 36));
    }
}
