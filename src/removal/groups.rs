//! Which boxes are filled together.

use crate::photo::BoxInPhoto;

/// Indices of `boxes` in groups: two boxes are in one group when fewer than `gap` pixels lie
/// between them, or when a chain of such boxes joins them. Groups stand in the order of their
/// first box.
pub fn groups_of(boxes: &[BoxInPhoto], gap: u32) -> Vec<Vec<usize>> {
    let mut group_of: Vec<usize> = (0..boxes.len()).collect();
    // Each pass joins neighbours; a chain of n boxes needs fewer than n passes.
    loop {
        let mut joined = false;
        for a in 0..boxes.len() {
            for b in 0..a {
                let (first, second) = (group_of[a].min(group_of[b]), group_of[a].max(group_of[b]));
                if first != second && boxes[a].within(&boxes[b], gap) {
                    for group in group_of.iter_mut().filter(|group| **group == second) {
                        *group = first;
                    }
                    joined = true;
                }
            }
        }
        if !joined {
            break;
        }
    }
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut names: Vec<usize> = Vec::new();
    for (i, &name) in group_of.iter().enumerate() {
        match names.iter().position(|&known| known == name) {
            Some(position) => groups[position].push(i),
            None => {
                names.push(name);
                groups.push(vec![i]);
            }
        }
    }
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
        assert_eq!(groups_of(&boxes, 3), [vec![0, 2, 3], vec![1]]);
    }

    #[test]
    fn no_boxes_make_no_groups() {
        assert!(groups_of(&[], 3).is_empty());
    }
}
