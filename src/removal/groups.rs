//! Which boxes are filled together, and what influences their fill.

use super::{Erasure, RemovalOptions, corrected::Corrected, stroke_reach};
use crate::photo::{BoxInPhoto, Mask, Photo, PhotoSize, connected};

/// Boxes that are filled together.
pub(super) struct Group<'a> {
    /// The part of the photo that is used.
    pub(super) area: BoxInPhoto,
    /// The boxes.
    pub(super) members: Vec<BoxInPhoto>,
    /// All boxes of the photo, including those whose digits are kept.
    pub(super) all: &'a [BoxInPhoto],
    /// Those that touch the area.
    pub(super) touching: Vec<BoxInPhoto>,
    /// The area's pixels that lie in any box.
    pub(super) in_any_box: Mask,
    /// The area's pixels outside all boxes into which strokes of the members are followed.
    pub(super) within_reach: Mask,
    /// The pixels in the members, with the brush's corrections.
    pub(super) corrected: Corrected,
}

impl<'a> Group<'a> {
    /// The groups of an erasure's boxes; `all` are the erasure's. Areas begin and end at multiples of
    /// `grid` pixels of the photo.
    pub(super) fn of(
        photo: &Photo,
        erasure: &Erasure,
        all: &'a [BoxInPhoto],
        options: &RemovalOptions,
        grid: u32,
    ) -> Vec<Self> {
        let boxes = &erasure.boxes;
        let gap = |a: &BoxInPhoto, b: &BoxInPhoto| options.joins_within(a, b);
        groups_of(boxes, gap)
            .into_iter()
            .filter_map(|group| {
                let members: Vec<BoxInPhoto> =
                    group.iter().filter_map(|&i| boxes.get(i)).copied().collect();
                let hull = members.iter().copied().reduce(|a, b| a.union(&b))?;
                let area = hull.grown(options.context_of(&members), photo.size());
                let area = on_grid(area, grid, photo.size());
                let touching: Vec<BoxInPhoto> =
                    all.iter().filter(|b| b.within(&area, 0)).copied().collect();
                let in_any_box = Mask::covered_by(&touching, area);
                let reach_of = |boxes: &[BoxInPhoto]| {
                    let reaches: Vec<BoxInPhoto> = boxes.iter().map(stroke_reach).collect();
                    Mask::covered_by(&reaches, area)
                };
                let inside = Mask::covered_by(&members, area);
                let corrected =
                    Corrected::of(area, inside, &reach_of(&touching), &erasure.corrections);
                // Pixels in a box of another group belong to that group.
                let mut within_reach = reach_of(&members);
                for (within, inside) in within_reach.iter_mut().zip(in_any_box.iter()) {
                    *within = *within && !inside;
                }
                Some(Group { area, members, all, touching, in_any_box, within_reach, corrected })
            })
            .collect()
    }
}

/// An area, enlarged to begin and end at multiples of `grid` pixels of the photo.
fn on_grid(area: BoxInPhoto, grid: u32, photo: PhotoSize) -> BoxInPhoto {
    let line = |start: u32, end: u32, limit: u32| {
        let start = start / grid * grid;
        (start, end.next_multiple_of(grid).min(limit) - start)
    };
    let (left, width) = line(area.left, area.right(), photo.width);
    let (top, height) = line(area.top, area.bottom(), photo.height);
    BoxInPhoto { left, top, width, height }
}

/// Indices of `boxes` in groups: two boxes are in one group if there are fewer than `gap` pixels
/// between them, or if a chain of such boxes joins them. Groups are in the order of their first
/// box.
fn groups_of(
    boxes: &[BoxInPhoto],
    gap: impl Fn(&BoxInPhoto, &BoxInPhoto) -> u32,
) -> Vec<Vec<usize>> {
    let near = |i: usize| {
        let gap = &gap;
        (0..boxes.len()).filter(move |&j| boxes[i].within(&boxes[j], gap(&boxes[i], &boxes[j])))
    };
    let mut groups = connected(&vec![true; boxes.len()], near);
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(left: u32, top: u32) -> BoxInPhoto {
        BoxInPhoto { left, top, width: 10, height: 20 }
    }

    #[test]
    fn a_chain_of_near_boxes_is_one_group() {
        let boxes = [at(0, 0), at(100, 0), at(24, 3), at(12, 1)];
        assert_eq!(groups_of(&boxes, |_, _| 3), [vec![0, 2, 3], vec![1]]);
    }

    #[test]
    fn areas_lie_on_a_grid_and_end_with_the_photo() {
        let photo = PhotoSize { width: 100, height: 70 };
        let area = BoxInPhoto { left: 17, top: 30, width: 20, height: 39 };
        let expected = BoxInPhoto { left: 16, top: 16, width: 32, height: 54 };
        assert_eq!(on_grid(area, 16, photo), expected);
        assert_eq!(on_grid(BoxInPhoto { left: 18, ..area }, 16, photo), expected);
        assert_eq!(on_grid(area, 1, photo), area);
    }

    #[test]
    fn no_boxes_make_no_groups() {
        assert!(groups_of(&[], |_, _| 3).is_empty());
    }
}
