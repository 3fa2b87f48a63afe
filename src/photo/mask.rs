//! Masks: sets of pixels of an area.

use std::ops::{Deref, DerefMut};

use super::BoxInPhoto;

/// A flag for each pixel of an area, row after row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    width: usize,
    flags: Vec<bool>,
}

impl Mask {
    /// The mask of an area; `is` decides for each pixel by its number.
    pub fn from_fn(width: usize, height: usize, is: impl FnMut(usize) -> bool) -> Self {
        Mask { width: width.max(1), flags: (0..width * height).map(is).collect() }
    }

    /// The pixels of `area` that lie in one of `boxes`.
    pub fn covered_by<'a>(
        boxes: impl IntoIterator<Item = &'a BoxInPhoto>,
        area: BoxInPhoto,
    ) -> Self {
        let width = area.width as usize;
        let mut mask = Self::from_fn(width, area.height as usize, |_| false);
        for common in boxes.into_iter().filter_map(|b| b.intersection(&area)) {
            let left = (common.left - area.left) as usize;
            for y in common.top..common.bottom() {
                let row = (y - area.top) as usize * width + left;
                mask.flags[row..row + common.width as usize].fill(true);
            }
        }
        mask
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.flags.len() / self.width
    }

    /// The pixels within `reach` rows and columns of one, itself among them.
    pub fn around(&self, i: usize, reach: usize) -> impl Iterator<Item = usize> + use<> {
        around(i, reach, self.width, self.height())
    }

    /// The pixels in groups that are connected by sides or corners, in order within each group.
    pub fn components(&self) -> Vec<Vec<usize>> {
        let mut components = connected(&self.flags, |i| self.around(i, 1));
        components.iter_mut().for_each(|component| component.sort_unstable());
        components
    }

    /// The pixels that are connected with a pixel of `seeds`, by sides or corners. Seeds need not
    /// be in the mask, but are in the result.
    #[must_use]
    pub fn reached_from(&self, seeds: &Mask) -> Mask {
        let mut reached = seeds.clone();
        let mut ends: Vec<usize> = (0..seeds.len()).filter(|&i| seeds[i]).collect();
        while let Some(end) = ends.pop() {
            for next in self.around(end, 1) {
                if self[next] && !reached[next] {
                    reached[next] = true;
                    ends.push(next);
                }
            }
        }
        reached
    }
}

impl Deref for Mask {
    type Target = [bool];

    fn deref(&self) -> &[bool] {
        &self.flags
    }
}

impl DerefMut for Mask {
    fn deref_mut(&mut self) -> &mut [bool] {
        &mut self.flags
    }
}

/// The places of a grid within `reach` rows and columns of one, itself among them.
pub(crate) fn around(
    i: usize,
    reach: usize,
    width: usize,
    height: usize,
) -> impl Iterator<Item = usize> + use<> {
    let range = |at: usize, limit: usize| at.saturating_sub(reach)..(at + reach + 1).min(limit);
    let columns = range(i % width, width);
    range(i / width, height).flat_map(move |y| columns.clone().map(move |x| y * width + x))
}

/// The `members` in groups: those that a chain of members, each among the next one's `neighbours`,
/// joins.
pub(crate) fn connected<I: Iterator<Item = usize>>(
    members: &[bool],
    neighbours: impl Fn(usize) -> I,
) -> Vec<Vec<usize>> {
    let mut waiting = members.to_vec();
    let mut groups = Vec::new();
    for start in 0..members.len() {
        if !std::mem::take(&mut waiting[start]) {
            continue;
        }
        let mut group = vec![start];
        let mut next = 0;
        while let Some(&i) = group.get(next) {
            next += 1;
            group.extend(neighbours(i).filter(|&j| std::mem::take(&mut waiting[j])));
        }
        groups.push(group);
    }
    groups
}

/// For each pixel the largest value within `reach` pixels, along rows and columns.
pub(crate) fn largest_within(values: &[f32], width: usize, reach: usize) -> Vec<f32> {
    if reach == 0 {
        return values.to_vec();
    }
    let height = values.len() / width;
    let range = |at: usize, limit: usize| at.saturating_sub(reach)..(at + reach + 1).min(limit);
    let mut along_rows = Vec::with_capacity(values.len());
    for row in values.chunks_exact(width) {
        along_rows
            .extend((0..width).map(|x| row[range(x, width)].iter().copied().fold(0.0, f32::max)));
    }
    let mut largest = vec![0.0f32; values.len()];
    for (y, line) in largest.chunks_exact_mut(width).enumerate() {
        for from in range(y, height) {
            let row = &along_rows[from * width..(from + 1) * width];
            line.iter_mut().zip(row).for_each(|(most, value)| *most = most.max(*value));
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: [&str; 4]) -> Mask {
        let flags: Vec<bool> = rows.concat().bytes().map(|byte| byte == b'#').collect();
        Mask::from_fn(6, 4, |i| flags[i])
    }

    #[test]
    fn boxes_cover_what_of_them_lies_in_the_area() {
        let area = BoxInPhoto { left: 10, top: 20, width: 6, height: 4 };
        let boxes = [
            BoxInPhoto { left: 0, top: 0, width: 12, height: 21 },
            BoxInPhoto { left: 14, top: 22, width: 50, height: 1 },
            BoxInPhoto { left: 0, top: 0, width: 5, height: 5 },
        ];
        assert_eq!(Mask::covered_by(&boxes, area), mask(["##....", "......", "....##", "......"]));
    }

    #[test]
    fn components_hang_together_by_corners() {
        let components = mask(["##...#", "..#...", "......", "##...."]).components();
        assert_eq!(components, [vec![0, 1, 8], vec![5], vec![18, 19]]);
    }

    #[test]
    fn what_is_reached_goes_on_from_its_seeds_alone() {
        let ways = mask(["##...#", "..#...", "......", "###..."]);
        let seeds = mask(["#.....", "......", "......", "...#.."]);
        assert_eq!(ways.reached_from(&seeds), mask(["##....", "..#...", "......", "####.."]));
    }

    #[test]
    fn the_largest_value_spreads_as_a_square() {
        let mut values = vec![0.0; 30];
        values[8] = 1.0;
        let spread = largest_within(&values, 6, 1);
        let pixels: Vec<usize> = (0..30).filter(|i| spread[*i] > 0.0).collect();
        assert_eq!(pixels, [1, 2, 3, 7, 8, 9, 13, 14, 15]);
        assert_eq!(largest_within(&values, 6, 0), values);
    }
}
