//! Which boxes' removal a change affects: plain data.
//!
//! Boxes near each other are filled together. When one of many is dragged, only it and what is
//! near it, before or after, is asked for again.

use crate::photo::BoxInPhoto;
use crate::removal::{Method, texture_reach};

/// Of `areas`, all to be removed, those whose fill may differ from the last one: the `changed`
/// ones, and those that were or are filled together with them.
pub fn affected(changed: &[BoxInPhoto], areas: &[BoxInPhoto], method: &Method) -> Vec<BoxInPhoto> {
    let mut regions: Vec<BoxInPhoto> = changed.to_vec();
    let mut found = vec![false; areas.len()];
    loop {
        let near = |area: &BoxInPhoto| regions.iter().any(|region| meet(method, region, area));
        let next = (0..areas.len()).find(|&i| !found[i] && near(&areas[i]));
        let Some(next) = next else { break };
        found[next] = true;
        // Everything about a region counts, as a region is filled as a whole.
        let (near, far): (Vec<_>, Vec<_>) =
            regions.into_iter().partition(|region| meet(method, region, &areas[next]));
        regions = far;
        regions.push(near.iter().fold(areas[next], |hull, region| hull.union(region)));
    }
    areas.iter().zip(found).filter_map(|(area, found)| found.then_some(*area)).collect()
}

/// Of `areas`, those whose fill may take its texture from where boxes `moved`.
pub fn textured_from(
    moved: &[BoxInPhoto],
    areas: &[BoxInPhoto],
    method: &Method,
) -> Vec<BoxInPhoto> {
    if !matches!(method, Method::Doorplate(_)) {
        return Vec::new();
    }
    let reach = texture_reach(&[moved, areas].concat());
    let lends = |area: &BoxInPhoto| moved.iter().any(|other| area.within(other, reach));
    areas.iter().copied().filter(lends).collect()
}

/// Whether regions are so near each other that one's fill may depend on the other, with space to
/// spare.
fn meet(method: &Method, a: &BoxInPhoto, b: &BoxInPhoto) -> bool {
    let gap = match method {
        // Their surroundings must not meet, nor be filled together.
        Method::Doorplate(options) | Method::WholeBoxes(options) => {
            options.joins_within(a, b).max(2 * options.context) + 2
        }
        // Each alone; where two overlap, the later one lies on top.
        Method::Report(_) => 0,
    };
    a.within(b, gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(left: u32, top: u32) -> BoxInPhoto {
        BoxInPhoto { left, top, width: 10, height: 20 }
    }

    #[test]
    fn what_is_far_away_stays() {
        let areas = [at(0, 0), at(100, 0), at(200, 0)];
        let method = Method::default();
        assert_eq!(affected(&[at(100, 0), at(90, 0)], &areas, &method), [at(100, 0)]);
        assert!(affected(&[at(300, 300)], &areas, &method).is_empty(), "one that is gone");
        assert_eq!(affected(&areas, &areas, &method), areas);
        assert!(affected(&[], &areas, &method).is_empty());
    }

    #[test]
    fn texture_comes_from_further_away() {
        let areas = [at(0, 0), at(60, 0), at(200, 0)];
        let method = Method::default();
        assert_eq!(textured_from(&[at(0, 0)], &areas, &method), areas[..2]);
        assert!(textured_from(&[], &areas, &method).is_empty());
        let grid: Method = "grid".parse().expect("a method");
        assert!(textured_from(&areas, &areas, &grid).is_empty());
    }

    #[test]
    fn neighbours_and_theirs_go_along_and_so_does_what_lies_between() {
        // A row with gaps of 15 pixels, and one box that only the row's hull comes near.
        let row = [at(0, 0), at(25, 0), at(50, 30), at(0, 60)];
        let far = at(200, 0);
        let areas = [row.as_slice(), &[far]].concat();
        assert_eq!(affected(&[at(0, 0)], &areas, &Method::default()), row);
        // The report's methods fill each box alone.
        let grid: Method = "grid".parse().expect("a method");
        assert_eq!(affected(&[at(5, 10)], &areas, &grid), [at(0, 0)]);
    }
}
