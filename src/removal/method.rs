//! All methods of removal, behind one function.

use super::{
    Check, Erasure, Fill, Method, Nets, RemovalOptions, Round, groups::Group, proof::Proof,
    remove_as_reported, strokes, whole_boxes,
};
use crate::{
    classifier::EngineError,
    photo::{BoxInPhoto, Photo},
};

/// How often a fill is widened at most if the second look finds something left.
const MOST_WIDENINGS: usize = 2;

/// Fills all `boxes` of a photo by one method. The fills must be copied onto the photo in their
/// order: the report's methods fill each box by itself, and if boxes overlap, the later fill is on
/// top. The fills of other methods share no pixel.
///
/// # Errors
/// [`EngineError`] when the device fails.
pub async fn remove(
    photo: &Photo,
    boxes: &[BoxInPhoto],
    method: &Method,
    nets: &Nets,
) -> Result<Vec<Fill>, EngineError> {
    remove_watched(photo, &Erasure::of(boxes), method, nets, &mut |_| {}).await
}

/// [`remove`] for an erasure; calls `watch` with each round of fold-in.
///
/// # Errors
/// [`EngineError`] when the device fails.
pub async fn remove_watched(
    photo: &Photo,
    erasure: &Erasure,
    method: &Method,
    nets: &Nets,
    watch: &mut dyn FnMut(Round<'_>),
) -> Result<Vec<Fill>, EngineError> {
    let (Method::Doorplate(options) | Method::WholeBoxes(options)) = method else {
        let Method::Report(options) = method else { unreachable!("the third kind of method") };
        return remove_as_reported(photo, &erasure.boxes, &nets.classifier, options, watch).await;
    };
    let all = erasure.all();
    let mut fills = Vec::new();
    for group in Group::of(photo, erasure, &all, options, grid_of(method, nets)) {
        fills.push(match (method, &nets.strokes) {
            (Method::Doorplate(_), Some(finder)) => {
                let found = strokes::find(photo, &group, finder, options).await?;
                strokes::fill(photo, &group, found, finder, options, watch).await?
            }
            _ => whole_boxes::fill(photo, group, &nets.classifier, options, watch).await?,
        });
    }
    Ok(fills)
}

/// The grid on which areas lie.
fn grid_of(method: &Method, nets: &Nets) -> u32 {
    match (method, &nets.strokes) {
        (Method::Doorplate(_), Some(_)) => strokes::GRID,
        _ => 1,
    }
}

/// A removal with the results of the second look.
#[derive(Clone, Debug, PartialEq)]
pub struct Proven {
    /// The fills, as from [`remove_watched`].
    pub fills: Vec<Fill>,
    /// One for each box of the erasure, in its order.
    pub checks: Vec<Check>,
}

/// [`remove`] for an erasure; then each fill is checked, and if something of a digit is left, it is
/// widened and filled again, at most twice. Only Doorplate's own method is widened; the others are
/// only checked.
///
/// # Errors
/// [`EngineError`] when the device fails.
pub async fn remove_proven(
    photo: &Photo,
    erasure: &Erasure,
    method: &Method,
    nets: &Nets,
) -> Result<Proven, EngineError> {
    let watch: &mut dyn FnMut(Round<'_>) = &mut |_| {};
    let all = erasure.all();
    let default = RemovalOptions::default();
    let options = match method {
        Method::Doorplate(options) | Method::WholeBoxes(options) => options,
        Method::Report(_) => &default,
    };
    let mut proven = Proven { fills: Vec::new(), checks: Vec::new() };
    for group in Group::of(photo, erasure, &all, options, grid_of(method, nets)) {
        let before = nets.read(photo, &group.members).await?;
        if let (Method::Doorplate(_), Some(finder)) = (method, &nets.strokes) {
            let mut found = strokes::find(photo, &group, finder, options).await?;
            let mut widened = 0;
            let (fill, proof) = loop {
                let fill =
                    strokes::fill(photo, &group, found.clone(), finder, options, watch).await?;
                let proof =
                    Proof::of(photo, &group, std::slice::from_ref(&fill), &before, nets).await?;
                if proof.passes() || widened == MOST_WIDENINGS {
                    break (fill, proof);
                }
                widened += 1;
                let tallest = group.members.iter().map(|b| b.height).max().unwrap_or(0);
                let by = (tallest as usize / 40).max(1);
                found = proof.widened(&found, &group, by);
            };
            proven.fills.push(fill);
            proven.checks.extend(proof.checks);
        } else {
            let part = Erasure { boxes: group.members.clone(), ..erasure.clone() };
            let fills = remove_watched(photo, &part, method, nets, watch).await?;
            let proof = Proof::of(photo, &group, &fills, &before, nets).await?;
            proven.fills.extend(fills);
            proven.checks.extend(proof.checks);
        }
    }
    // Groups are in the order of their first boxes.
    let place = |check: &Check| erasure.boxes.iter().position(|area| *area == check.area);
    proven.checks.sort_by_key(place);
    Ok(proven)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        photo::PhotoSize,
        removal::{Brush, BrushStroke, stroke_reach},
    };

    /// Pixels of the photo, by column and row, that a removal fills.
    fn laid(fills: &[Fill]) -> Vec<(u32, u32)> {
        let of = |fill: &Fill| {
            let (area, width) = (fill.area, fill.area.width as usize);
            let filled = fill.inside.iter().enumerate().filter(|(_, inside)| **inside);
            filled
                .map(|(i, _)| (area.left + (i % width) as u32, area.top + (i / width) as u32))
                .collect::<Vec<_>>()
        };
        fills.iter().flat_map(of).collect()
    }

    /// Networks that learned nothing, and a photo of 60 x 50 pixels.
    fn nets_and_photo() -> (Nets, Photo) {
        let nets = Nets::untrained();
        let size = PhotoSize { width: 60, height: 50 };
        let samples = (0..60 * 50 * 3).map(|i| (i * 7 % 251) as u8).collect();
        (nets, Photo::from_rgb8(size, samples).expect("a photo"))
    }

    #[test]
    fn only_the_reports_fills_depend_on_their_order() {
        let (nets, photo) = nets_and_photo();
        let at = |left| BoxInPhoto { left, top: 8, width: 20, height: 34 };
        // The first two overlap; the third is apart, but its surroundings meet theirs.
        let boxes = [at(2), at(14), at(38)];
        for method in Method::all() {
            let fills = pollster::block_on(remove(&photo, &boxes, &method, &nets));
            let fills = fills.expect("the CPU computes");
            let (mut laid, mut reversed) = (photo.clone(), photo.clone());
            fills.iter().for_each(|fill| fill.lay_on(&mut laid));
            fills.iter().rev().for_each(|fill| fill.lay_on(&mut reversed));
            let same = laid.to_rgba8() == reversed.to_rgba8();
            assert_eq!(same, !matches!(method, Method::Report(_)), "{method}");
            if matches!(method, Method::Report(_)) {
                let of: Vec<BoxInPhoto> = fills.iter().map(|fill| fill.area).collect();
                assert_eq!(of, boxes, "{method}: in the order of the boxes");
                let second = laid.part(at(14)).to_rgba8();
                assert_eq!(second, fills[1].rgba8(&photo), "{method}: the later one is on top");
            }
        }
    }

    #[test]
    fn strokes_are_not_followed_into_boxes_that_stay() {
        let (nets, photo) = nets_and_photo();
        let area = BoxInPhoto { left: 15, top: 8, width: 20, height: 34 };
        let kept = BoxInPhoto { left: 35, ..area };
        let in_kept = |erasure: Erasure| {
            let mut watch = |_: Round<'_>| {};
            let method = Method::default();
            let fills = remove_watched(&photo, &erasure, &method, &nets, &mut watch);
            let laid = laid(&pollster::block_on(fills).expect("the CPU computes"));
            laid.into_iter().filter(|(x, y)| kept.contains(*x, *y)).count()
        };
        // The brush extends a stroke out of the box.
        let points = vec![(4 * 20, 4 * 20), (4 * 50, 4 * 20)];
        let stroke = BrushStroke { brush: Brush::Adds, radius: 6, points };
        let corrections = vec![Arc::new(stroke)];
        let alone = Erasure { corrections, ..Erasure::of(&[area]) };
        assert!(in_kept(alone.clone()) > 0);
        assert_eq!(in_kept(Erasure { others: vec![kept], ..alone }), 0);
    }

    #[test]
    fn a_brush_corrects_what_is_filled_but_not_the_reports_methods() {
        let (nets, photo) = nets_and_photo();
        let area = BoxInPhoto { left: 15, top: 8, width: 22, height: 34 };
        let row = |brush, row: i32| BrushStroke {
            brush,
            radius: 3,
            points: vec![(0, 4 * row + 2), (4 * 60, 4 * row + 2)],
        };
        // The added row stays clear of the taken one, into which its blur would reach.
        let strokes = [row(Brush::Adds, 14), row(Brush::Takes, 30)];
        for method in Method::all() {
            let fills = |corrections: &[BrushStroke]| {
                let corrections = corrections.iter().cloned().map(Arc::new).collect();
                let erasure = Erasure { corrections, ..Erasure::of(&[area]) };
                let mut watch = |_: Round<'_>| {};
                let fills = remove_watched(&photo, &erasure, &method, &nets, &mut watch);
                pollster::block_on(fills).expect("the CPU computes")
            };
            let (plain, corrected) = (fills(&[]), fills(&strokes));
            if matches!(method, Method::Report(_)) {
                assert!(plain == corrected, "{method}");
                continue;
            }
            let laid = laid(&corrected);
            for x in 0..60 {
                let added = area.contains(x, 14);
                // Beside the box a stroke is followed.
                if !stroke_reach(&area).contains(x, 14) || added {
                    assert_eq!(laid.contains(&(x, 14)), added, "{method}: column {x}");
                }
                assert!(!laid.contains(&(x, 30)), "{method}: column {x}");
            }
            let mut result = photo.clone();
            corrected.iter().for_each(|fill| fill.lay_on(&mut result));
            let taken = BoxInPhoto { left: 0, top: 30, width: 60, height: 1 };
            assert_eq!(result.part(taken).to_rgba8(), photo.part(taken).to_rgba8(), "{method}");
        }
    }
}
