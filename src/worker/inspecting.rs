//! What a network computes for one box, and the steps of its digit's removal, for the inspector.

use super::protocol::{Bins, Inside, Patch, RoundPicture};
use crate::{
    classifier::EngineError,
    photo::{BoxInPhoto, Photo},
    removal::{
        Erasure, Fill, Histogram, Method, Nets, RemovalOptions, ReportOptions, Round,
        remove_watched,
    },
};

/// Maximum number of rounds that are kept: boxes over half a photo have more than are useful to
/// look at.
const MOST_ROUNDS: usize = 120;

/// Looks into one box of a photo. Without a `digit` the gradient is that of the digit read.
///
/// # Errors
/// [`EngineError`] when the device fails, or there is no such digit.
pub(super) async fn inside(
    nets: &Nets,
    photo: &Photo,
    area: BoxInPhoto,
    digit: Option<u8>,
    erasure: &Erasure,
    method: &Method,
) -> Result<Inside, EngineError> {
    let classifier = &nets.classifier;
    let shape = classifier.architecture().input;
    let input = classifier.input_of(photo, area);
    let nothing = || EngineError::Numbers("the network gave no reading".to_owned());
    let reading = classifier.read_inputs(&input).await?.into_iter().next().ok_or_else(nothing)?;
    let digit = digit.unwrap_or_else(|| reading.best().0);
    let of_planes = classifier.input_gradient(&input, digit)?;
    let pixels = shape.side * shape.side;
    let gradient = (0..pixels).map(|i| of_planes.iter().skip(i).step_by(pixels).sum()).collect();
    let maps = classifier.first_feature_maps(photo, area);
    let (mean, deviation) = maps.mean_and_deviation();
    let difference: Vec<f32> = mean.iter().zip(&deviation).map(|(m, d)| m - d).collect();
    let histogram = Histogram::of(&difference, bins(method));

    let mut rounds: Vec<(BoxInPhoto, RoundPicture)> = Vec::new();
    let mut watch = |round: Round<'_>| {
        if rounds.iter().filter(|(of, _)| *of == round.area).count() < MOST_ROUNDS {
            rounds.push((round.area, picture_of(&round)));
        }
    };
    let fills = remove_watched(photo, erasure, method, nets, &mut watch).await?;
    let fill = fill_of(area, fills).ok_or_else(nothing)?;
    let region = fill.area;
    rounds.retain(|(of, _)| *of == region);
    let rounds = rounds.into_iter().map(|(_, picture)| picture).collect();
    let frame = shape.crop.frame(area, photo.size());
    Ok(Inside {
        area,
        side: shape.side as u32,
        input_in_photo: [frame.left, frame.top, frame.width, frame.height].map(|at| at as f32),
        input,
        reading,
        digit,
        gradient,
        maps: maps.values,
        mean,
        deviation,
        histogram: Bins {
            low: histogram.low,
            high: histogram.high,
            fullest: histogram.fullest() as u32,
            counts: histogram.counts.iter().map(|&count| count as u32).collect(),
        },
        region,
        strokes: strokes_of(&fill),
        key_pixels: fill.key_pixels.iter().map(|&(y, x)| (x as u32, y as u32)).collect(),
        rounds,
        fill: patch_of(&fill, photo),
    })
}

/// The fill that takes a digit away: the one with the box, grown or not, that is most like the
/// digit's.
fn fill_of(area: BoxInPhoto, fills: Vec<Fill>) -> Option<Fill> {
    let pixels = |b: BoxInPhoto| f64::from(b.width) * f64::from(b.height);
    let likeness = |fill: &Fill| {
        let of = |other: &BoxInPhoto| {
            let shared = area.intersection(other).map_or(0.0, pixels);
            shared / (pixels(area) + pixels(*other) - shared)
        };
        fill.boxes.iter().map(of).fold(0.0, f64::max)
    };
    fills.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}

/// The strokes that a fill replaces, from 0 to 255: as found with all boxes near by, then corrected
/// by the brush and grown. Strokes of digits that are kept are not among them.
fn strokes_of(fill: &Fill) -> Vec<u8> {
    let filled = fill.strokes.iter().zip(fill.inside.iter());
    filled
        .map(|(probability, filled)| if *filled { (255.0 * probability).round() as u8 } else { 0 })
        .collect()
}

/// A fill in the form that the page uses.
pub(super) fn patch_of(fill: &Fill, photo: &Photo) -> Patch {
    let filled = Patch::filled_of(&fill.inside);
    Patch { area: fill.area, boxes: fill.boxes.clone(), rgba: fill.rgba8(photo), filled }
}

/// Bins of the histogram that the method looks at, or would.
fn bins(method: &Method) -> usize {
    match method {
        Method::Doorplate(RemovalOptions { bins, .. })
        | Method::WholeBoxes(RemovalOptions { bins, .. })
        | Method::Report(ReportOptions { bins, .. }) => *bins,
    }
}

fn picture_of(round: &Round<'_>) -> RoundPicture {
    let crossings = round.nodes.len();
    let of = |lines: &[usize]| lines.iter().map(|&line| line as u32).collect();
    let byte = |channel: usize, i: usize| {
        let value = round.values.get(channel * crossings + i).copied().unwrap_or(0.0);
        (255.0 * value.clamp(0.0, 1.0)).round() as u8
    };
    // Red, green and blue where there are three planes, light where there is one or none.
    let coloured = round.values.len() >= 3 * crossings;
    let rgba = (0..crossings)
        .flat_map(|i| {
            let [g, b] = if coloured { [1, 2] } else { [0, 0] };
            let alpha = if round.nodes[i] { u8::MAX } else { 0 };
            [byte(0, i), byte(g, i), byte(b, i), alpha]
        })
        .collect();
    RoundPicture { columns: of(&round.lattice.columns), rows: of(&round.lattice.rows), rgba }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::Device;

    use super::*;
    use crate::{
        classifier::{Architecture, Classifier, Network, seeded},
        photo::PhotoSize,
        removal::{Brush, BrushStroke, KeyPixels, remove},
    };

    #[test]
    fn every_step_is_there_for_every_method() {
        let nets = Nets::untrained();
        let architecture = nets.classifier.architecture();
        let size = PhotoSize { width: 60, height: 50 };
        let light = |i: u32| if (24..30).contains(&(i % 60)) { 20 } else { 150 + (i % 60) as u8 };
        let samples = (0..60 * 50).flat_map(|i| [light(i), light(i), 90]).collect();
        let photo = Photo::from_rgb8(size, samples).expect("a photo");
        let area = BoxInPhoto { left: 15, top: 8, width: 22, height: 34 };
        for method in Method::all() {
            let erasure = Erasure::of(&[area]);
            let look = inside(&nets, &photo, area, None, &erasure, &method);
            let inside = pollster::block_on(look).expect("the CPU computes");
            let side = architecture.input.side;
            assert_eq!(inside.side as usize, side);
            assert_eq!(inside.input.len(), 3 * side * side);
            assert_eq!(inside.gradient.len(), side * side);
            assert_eq!(inside.maps.len() % (side * side), 0);
            assert_eq!(inside.digit, inside.reading.best().0);
            assert_eq!(inside.histogram.counts.iter().sum::<u32>() as usize, side * side);
            // The box has more rows than columns: the square reaches beyond its sides.
            let [left, top, width, height] = inside.input_in_photo;
            assert_eq!([left, top, width, height], [9.0, 8.0, 34.0, 34.0]);

            let [pixels, crossings] = {
                let (last, region) = (inside.rounds.last().expect("a round"), inside.region);
                [(region.width * region.height) as usize, last.columns.len() * last.rows.len()]
            };
            assert_eq!(inside.fill.rgba.len(), 4 * pixels);
            let takes_strokes = matches!(method, Method::Doorplate(_));
            assert_eq!(inside.strokes.len(), if takes_strokes { pixels } else { 0 });
            let nodes = |round: &RoundPicture| {
                round.rgba.chunks_exact(4).filter(|pixel| pixel[3] > 0).count()
            };
            let counts: Vec<usize> = inside.rounds.iter().map(nodes).collect();
            // Levels have ever more crossings; elsewhere more and more of the same are nodes.
            assert!(counts[1..].is_sorted() && counts[0] > 0, "{method}: {counts:?}");
            assert!(takes_strokes || counts[0] <= counts[1], "{method}: {counts:?}");
            if !matches!(method, Method::Report(_)) {
                assert_eq!(counts.last(), Some(&crossings), "{method}");
            }
            assert_eq!(counts[0], inside.key_pixels.len(), "{method}");

            let fills = pollster::block_on(remove(&photo, &[area], &method, &nets));
            let fills = fills.expect("the CPU computes");
            assert_eq!(inside.fill.rgba, fills[0].rgba8(&photo), "{method}: what erase gives");
        }
    }

    #[test]
    fn what_is_shown_is_what_is_filled_with_the_boxes_beside_the_brush_and_growth() {
        let nets = Nets::untrained();
        let samples = (0..160 * 50 * 3).map(|i| (i * 7 % 251) as u8).collect();
        let size = PhotoSize { width: 160, height: 50 };
        let photo = Photo::from_rgb8(size, samples).expect("a photo");
        let at = |left| BoxInPhoto { left, top: 8, width: 20, height: 34 };
        let dab = |brush, column: i32, row: i32| {
            let points = vec![(4 * column + 2, 4 * row + 2)];
            Arc::new(BrushStroke { brush, radius: 12, points })
        };
        // Two that are filled together, and one far away that comes first.
        let erasure = Erasure {
            corrections: vec![dab(Brush::Adds, 42, 20), dab(Brush::Takes, 42, 32)],
            ..Erasure::of(&[at(120), at(30), at(52)])
        };
        let method = Method::Doorplate(RemovalOptions { grow: 2, ..RemovalOptions::default() });
        let mut unwatched = |_: Round<'_>| {};
        let fills = remove_watched(&photo, &erasure, &method, &nets, &mut unwatched);
        let fills = pollster::block_on(fills).expect("the CPU computes");
        let look = inside(&nets, &photo, at(31), None, &erasure, &method);
        let inside = pollster::block_on(look).expect("the CPU computes");
        assert_eq!(inside.fill.boxes, [at(30), at(52)], "not the first one's");
        assert_eq!(inside.fill, patch_of(&fills[1], &photo));
        assert_eq!(inside.region, fills[1].area);
        let columns = inside.region.width;
        let shown = |x: u32, y: u32| {
            let (x, y) = (x - inside.region.left, y - inside.region.top);
            inside.strokes[(y * columns + x) as usize]
        };
        assert_eq!((shown(42, 20), shown(42, 32)), (255, 0), "as the brush says");
        for (i, stroke) in inside.strokes.iter().enumerate() {
            let (x, y) = (i as u32 % columns, i as u32 / columns);
            let expected = if inside.fill.fills(x, y) { fills[1].strokes[i] } else { 0.0 };
            assert_eq!(*stroke, (255.0 * expected).round() as u8, "{x} {y}");
        }
        let right = (52..72).any(|x| (8..42).any(|y| shown(x, y) > 0));
        assert!(right, "strokes of the box beside it are filled with it");
        assert_eq!(inside.rounds.last().map(|round| round.columns.len() > 8), Some(true));
    }

    #[test]
    fn bins_and_digits_are_those_asked_for() {
        let device = Device::flex();
        let net = Network::new(Architecture::named("ConvNet32").expect("a network"), &device);
        let classifier = Classifier::new(seeded(net, 5), device).expect("the CPU's own weights");
        let nets = Nets { classifier, strokes: None };
        let photo = Photo::from_rgb8(PhotoSize { width: 30, height: 30 }, vec![99; 2700]);
        let photo = photo.expect("a photo");
        let area = BoxInPhoto { left: 3, top: 3, width: 20, height: 24 };
        let reported = ReportOptions { bins: 12, ..ReportOptions::by(KeyPixels::FeatureMaps) };
        let method = Method::Report(reported);
        let look = pollster::block_on(inside(
            &nets,
            &photo,
            area,
            Some(4),
            &Erasure::of(&[area]),
            &method,
        ));
        let inside_of = look.expect("the CPU computes");
        assert_eq!((inside_of.digit, inside_of.histogram.counts.len()), (4, 12));
        let none = pollster::block_on(inside(
            &nets,
            &photo,
            area,
            Some(10),
            &Erasure::of(&[area]),
            &method,
        ));
        assert!(none.is_err(), "there is no digit 10");
    }
}
