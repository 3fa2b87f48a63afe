//! The ways to take digits out, behind one function.

use super::{Erasure, Fill, Method, Nets, Round, fill_groups, remove_as_reported};
use crate::{
    classifier::EngineError,
    photo::{BoxInPhoto, Photo},
};

/// Fills all `boxes` of a photo by one method. The fills are meant to be laid over the photo in
/// their order.
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

/// [`remove`] of an erasure, showing `watch` each round of fold-in.
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
    match method {
        Method::Doorplate(options) => fill_groups(photo, erasure, nets, options, watch).await,
        Method::WholeBoxes(options) => {
            let nets = Nets { strokes: None, ..nets.clone() };
            fill_groups(photo, erasure, &nets, options, watch).await
        }
        Method::Report(options) => {
            remove_as_reported(photo, &erasure.boxes, &nets.classifier, options, watch).await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::Device;

    use super::*;
    use crate::{
        classifier::{Architecture, Classifier, Network},
        photo::PhotoSize,
        removal::{Brush, BrushStroke, stroke_reach},
        strokes::{StrokeFinder, StrokeNet},
    };

    /// Pixels of the photo, by column and row, that a removal lays.
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
        let device = Device::flex();
        device.seed(2);
        let net = Network::new(Architecture::named("Caffe").expect("a network"), &device);
        let nets = Nets {
            classifier: Classifier::new(net, device.clone()).expect("the CPU's own weights"),
            strokes: Some(StrokeFinder::new(StrokeNet::new(&device), device).expect("weights")),
        };
        let size = PhotoSize { width: 60, height: 50 };
        let samples = (0..60 * 50 * 3).map(|i| (i * 7 % 251) as u8).collect();
        (nets, Photo::from_rgb8(size, samples).expect("a photo"))
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
        // By a brush a stroke goes on out of the box.
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
