//! The ways to take digits out, behind one function.

use super::{BrushStroke, Fill, Method, Nets, Round, fill_groups, remove_as_reported};
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
    remove_watched(photo, boxes, &[], method, nets, &mut |_| {}).await
}

/// [`remove`], corrected by the strokes of a brush, of which the report's methods know nothing, and
/// showing `watch` each round of fold-in.
///
/// # Errors
/// [`EngineError`] when the device fails.
pub async fn remove_watched(
    photo: &Photo,
    boxes: &[BoxInPhoto],
    corrections: &[BrushStroke],
    method: &Method,
    nets: &Nets,
    watch: &mut dyn FnMut(Round<'_>),
) -> Result<Vec<Fill>, EngineError> {
    match method {
        Method::Doorplate(options) => {
            fill_groups(photo, boxes, corrections, nets, options, watch).await
        }
        Method::WholeBoxes(options) => {
            let nets = Nets { strokes: None, ..nets.clone() };
            fill_groups(photo, boxes, corrections, &nets, options, watch).await
        }
        Method::Report(options) => {
            remove_as_reported(photo, boxes, &nets.classifier, options, watch).await
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{
        classifier::{Architecture, Classifier, Network},
        photo::PhotoSize,
        removal::{Brush, stroke_reach},
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

    #[test]
    fn a_brush_corrects_what_is_filled_but_not_the_reports_methods() {
        let device = Device::flex();
        device.seed(2);
        let net = Network::new(Architecture::named("Caffe").expect("a network"), &device);
        let nets = Nets {
            classifier: Classifier::new(net, device.clone()).expect("the CPU's own weights"),
            strokes: Some(StrokeFinder::new(StrokeNet::new(&device), device).expect("weights")),
        };
        let size = PhotoSize { width: 60, height: 50 };
        let samples = (0..60 * 50 * 3).map(|i| (i * 7 % 251) as u8).collect();
        let photo = Photo::from_rgb8(size, samples).expect("a photo");
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
                let (boxes, mut watch) = ([area], |_: Round<'_>| {});
                let fills = remove_watched(&photo, &boxes, corrections, &method, &nets, &mut watch);
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
