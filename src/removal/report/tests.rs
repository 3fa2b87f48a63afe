//! The report's removal on pictures whose background is known, and on boxes at the limits.

use burn::tensor::Device;

use super::*;
use crate::{
    classifier::{Architecture, Network, seeded},
    photo::PhotoSize,
    removal::KeyPixels,
};

/// Untrained, the same in every run.
fn classifier() -> Classifier {
    let device = Device::flex();
    let architecture = Architecture::named("ConvNet48_Dropout3").expect("a network");
    let net = seeded(Network::new(architecture, &device), 5);
    Classifier::new(net, device).expect("the CPU reads its own weights")
}

fn photo(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Photo {
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let samples = pixels.flat_map(|(x, y)| pixel(x, y)).collect();
    Photo::from_rgb8(PhotoSize { width, height }, samples).expect("as many samples as pixels")
}

const WALL: [u8; 3] = [180, 150, 120];

/// Columns of a box 30 wide that hold its stroke.
const STROKE: std::ops::Range<u32> = 13..18;

const BOX: BoxInPhoto = BoxInPhoto { left: 5, top: 5, width: 30, height: 50 };

/// A flat wall with a dark stroke down the middle of [`BOX`].
fn stroke_on_a_wall() -> Photo {
    photo(40, 60, |x, y| {
        let stroke = STROKE.contains(&x.wrapping_sub(BOX.left)) && (10..50).contains(&y);
        if stroke { [30, 20, 40] } else { WALL }
    })
}

fn fills_of(photo: &Photo, boxes: &[BoxInPhoto], options: &ReportOptions) -> Vec<Fill> {
    let classifier = classifier();
    let mut watch = |_: Round<'_>| {};
    let fills = remove_as_reported(photo, boxes, &classifier, options, &mut watch);
    pollster::block_on(fills).expect("the CPU computes")
}

fn noise(x: u32, y: u32) -> [u8; 3] {
    let bits = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(2_246_822_519);
    let [a, b, c, _] = (bits ^ bits >> 15).to_be_bytes();
    [a, b, c]
}

#[test]
fn key_pixels_of_every_way_are_on_the_grid_and_off_the_stroke() {
    let photo = stroke_on_a_wall();
    for &way in KeyPixels::ALL {
        let fills = fills_of(&photo, &[BOX], &ReportOptions::by(way));
        let [fill] = fills.as_slice() else { panic!("one box, {} fills", fills.len()) };
        let corners = [(0, 0), (0, 29), (49, 0), (49, 29)];
        for corner in corners {
            assert!(fill.key_pixels.contains(&corner), "{way:?}: {corner:?} is missing");
        }
        let inner = fill.key_pixels.iter().filter(|at| !corners.contains(at));
        assert!(inner.clone().count() > 5, "{way:?}: {:?}", fill.key_pixels);
        for &(y, x) in inner {
            assert!(y % 3 == 0 && x % 3 == 0, "{way:?}: {y} {x}");
            let on_stroke = STROKE.contains(&(x as u32)) && (5..45).contains(&y);
            assert!(!on_stroke, "{way:?}: {y} {x} is on the stroke");
        }
        assert!(fill.rounds > 0 && fill.rounds <= 30, "{way:?}: {} rounds", fill.rounds);
    }
}

#[test]
fn without_key_pixels_on_the_stroke_the_wall_comes_back() {
    let photo = stroke_on_a_wall();
    for sigma in [Sigma::Fixed(1.8), Sigma::Adaptive] {
        for &way in KeyPixels::ALL {
            let options = ReportOptions { sigma, ..ReportOptions::by(way) };
            for fill in fills_of(&photo, &[BOX], &options) {
                assert!(fill.inside.iter().all(|inside| *inside) && fill.area == BOX);
                for (i, sample) in fill.planes.samples.iter().enumerate() {
                    let wall = f32::from(WALL[i / 1500]) / 255.0;
                    assert!((sample - wall).abs() < 0.01, "{way:?}, {sigma:?}, {i}: {sample}");
                }
            }
        }
    }
}

#[test]
fn each_round_takes_the_nearest_in_and_keeps_what_was_there() {
    let (photo, classifier) = (stroke_on_a_wall(), classifier());
    for sigma in [Sigma::Fixed(1.8), Sigma::Adaptive] {
        let options = ReportOptions { sigma, ..ReportOptions::by(KeyPixels::FeatureMaps) };
        let mut rounds: Vec<(usize, Vec<bool>, Vec<f32>)> = Vec::new();
        let mut watch = |round: Round<'_>| {
            assert_eq!(round.area, BOX);
            assert_eq!(round.nodes.len(), round.lattice.len());
            rounds.push((round.number, round.nodes.to_vec(), round.values.to_vec()));
        };
        let fills = remove_as_reported(&photo, &[BOX], &classifier, &options, &mut watch);
        let fills = pollster::block_on(fills).expect("the CPU computes");
        assert_eq!(rounds.len(), fills[0].rounds + 1);
        let count = |nodes: &[bool]| nodes.iter().filter(|node| **node).count();
        assert_eq!(count(&rounds[0].1), fills[0].key_pixels.len());
        for (i, pair) in rounds.windows(2).enumerate() {
            let [(_, before, old), (number, after, new)] = pair else { panic!("pairs") };
            assert_eq!(*number, i + 1);
            assert!(count(after) > count(before), "round {number} takes nothing in");
            for at in (0..before.len()).filter(|&at| before[at]) {
                assert!(after[at] && old[at] == new[at], "round {number} changes a node");
            }
        }
        // 17 x 10 of the grid, and the three corners that are not on it.
        let (_, last, _) = &rounds[rounds.len() - 1];
        assert_eq!(count(last), 17 * 10 + 3);
        // Fewer rounds leave the grid as it is then.
        let fewer = fills_of(&photo, &[BOX], &ReportOptions { rounds: 2, ..options });
        assert_eq!(fewer[0].rounds, 2);
    }
}

#[test]
fn a_box_is_filled_from_its_own_original_pixels_alone() {
    let photo = photo(60, 60, noise);
    let other = BoxInPhoto { left: 20, ..BOX };
    let options = ReportOptions::by(KeyPixels::Grid);
    let both = fills_of(&photo, &[BOX, other], &options);
    assert_eq!(both[0], fills_of(&photo, &[BOX], &options)[0]);
    assert_eq!(both[1], fills_of(&photo, &[other], &options)[0]);
    // What lies outside a box has no say.
    let mut elsewhere = photo.clone();
    let around = BOX.grown(5, photo.size());
    let outside: Vec<bool> = (around.top..around.bottom())
        .flat_map(|y| (around.left..around.right()).map(move |x| !BOX.contains(x, y)))
        .collect();
    let black = Planes { samples: vec![0.0; outside.len() * 3], ..photo.planes(around) };
    elsewhere.lay(around, &black, &outside);
    assert_eq!(fills_of(&elsewhere, &[BOX], &options)[0], both[0]);
}

#[test]
fn boxes_and_pictures_at_the_limits_are_filled() {
    let mut transparent = Vec::new();
    let rgba = image::RgbaImage::from_fn(30, 40, |x, y| {
        let [r, g, b] = noise(x, y);
        image::Rgba([r, g, b, if x < 15 { 0 } else { 200 }])
    });
    rgba.write_to(&mut std::io::Cursor::new(&mut transparent), image::ImageFormat::Png)
        .expect("encoded");
    let photos = [
        ("equal pixels", photo(30, 40, |_, _| WALL)),
        ("black", photo(30, 40, |_, _| [0; 3])),
        ("noise", photo(30, 40, noise)),
        ("transparent", Photo::decode(&transparent).expect("decoded")),
        ("one pixel", photo(1, 1, |_, _| WALL)),
    ];
    let classifier = classifier();
    for (name, photo) in photos {
        let PhotoSize { width, height } = photo.size();
        let whole = BoxInPhoto { left: 0, top: 0, width, height };
        let small = |width: u32, height: u32| BoxInPhoto { left: 7, top: 9, width, height };
        let mut boxes = vec![whole];
        if width > 1 {
            boxes.extend([small(1, 1), small(3, 2), small(1, 20), small(23, 1)]);
        }
        for sigma in [Sigma::Fixed(1.8), Sigma::Fixed(f64::NAN), Sigma::Adaptive] {
            for &way in KeyPixels::ALL {
                let options = ReportOptions { sigma, ..ReportOptions::by(way) };
                let mut watch = |_: Round<'_>| {};
                let fills = remove_as_reported(&photo, &boxes, &classifier, &options, &mut watch);
                let fills = pollster::block_on(fills).expect("the CPU computes");
                assert_eq!(fills.len(), boxes.len());
                for fill in fills {
                    let pixels = (fill.area.width * fill.area.height) as usize;
                    let told = format!("{name}, {way:?}, {sigma:?}, {:?}", fill.area);
                    assert_eq!(fill.inside.len(), pixels, "{told}");
                    assert_eq!(fill.planes.samples.len(), pixels * fill.planes.channels, "{told}");
                    assert!(fill.planes.samples.iter().all(|s| (0.0..=1.0).contains(s)), "{told}");
                }
            }
        }
    }
}

#[test]
fn sparse_grids_and_useless_parameters_are_filled_too() {
    let photo = photo(90, 70, |_, _| WALL);
    let area = BoxInPhoto { left: 0, top: 0, width: 90, height: 70 };
    let options = ReportOptions {
        bins: 0,
        spacing: 60,
        percentile: f32::NAN,
        filter: f32::NAN,
        sigma: Sigma::Fixed(1.0),
        rounds: 0,
        ..ReportOptions::by(KeyPixels::FeatureMaps)
    };
    for spacing in [0, 60, usize::MAX] {
        for &key_pixels in KeyPixels::ALL {
            let options = ReportOptions { key_pixels, spacing, ..options };
            for fill in fills_of(&photo, &[area], &options) {
                for (i, sample) in fill.planes.samples.iter().enumerate() {
                    // Far from every node the nearest one's value holds, not black.
                    let wall = f32::from(WALL[i / (90 * 70)]) / 255.0;
                    assert!((sample - wall).abs() < 0.01, "{key_pixels:?}, {spacing}: {sample}");
                }
            }
        }
    }
}

#[test]
fn nets_in_large_boxes_are_coarser() {
    let area = |width, height| BoxInPhoto { left: 0, top: 0, width, height };
    let fixed = ReportOptions::by(KeyPixels::Grid);
    assert_eq!(fixed.coarser_in(area(200, 300)), 1);
    assert_eq!(fixed.coarser_in(area(4_000, 3_000)), 9);
    let adaptive = ReportOptions { sigma: Sigma::Adaptive, ..fixed };
    assert_eq!(adaptive.coarser_in(area(40, 80)), 1);
    for area in [area(200, 300), area(4_000, 3_000), area(100_000, 1)] {
        let spacing = 3 * adaptive.coarser_in(area);
        let lines = |length: u32| lattice_line(length as usize, spacing).len();
        assert!(lines(area.width) * lines(area.height) <= MOST_ADAPTIVE_NODES, "{area:?}");
    }
}

#[test]
fn a_large_box_is_filled_within_seconds() {
    let photo = photo(1_400, 1_000, noise);
    let area = BoxInPhoto { left: 0, top: 0, width: 1_400, height: 1_000 };
    for sigma in [Sigma::Fixed(1.8), Sigma::Adaptive] {
        let options = ReportOptions { sigma, ..ReportOptions::by(KeyPixels::FeatureMaps) };
        let started = std::time::Instant::now();
        let [fill] = &fills_of(&photo, &[area], &options)[..] else { panic!("one fill") };
        assert!(fill.planes.samples.iter().all(|sample| (0.0..=1.0).contains(sample)));
        // The report's own way would take hours; an idle machine takes about two seconds.
        let seconds = started.elapsed().as_secs();
        assert!(seconds < 120, "{sigma:?}: {seconds} s");
    }
}
