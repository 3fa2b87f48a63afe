use std::{fs, path::Path};

use image::{DynamicImage, Rgb, RgbImage, metadata::Orientation};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::{progressive::Coefficients, *};
use crate::photo::PhotoSize;

mod corpus;

/// A file's coefficients.
fn coefficients(file: &[u8]) -> Coefficients {
    let parsed = JpegFile::read(file, None).expect("a JPEG");
    let frame = &parsed.frame;
    if frame.progressive {
        return progressive::read(&parsed).expect("whole");
    }
    let blocks = |component: &file::Component| component.padded[0] * component.padded[1];
    let mut all: Coefficients =
        frame.components.iter().map(|component| vec![[0; 64]; blocks(component)]).collect();
    for scan in &parsed.scans {
        sequential::recode(frame, scan, &mut |component, step, block| {
            all[component][step.block] = *block;
        })
        .expect("whole");
    }
    all
}

/// A picture as photos are: smooth, with edges, grain and some colour.
fn picture(width: u32, height: u32, seed: u32) -> RgbImage {
    let noise = |x: u32, y: u32, salt: u32| {
        let mut state =
            x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77) ^ seed ^ salt << 7;
        state = (state ^ state >> 15).wrapping_mul(0x2C1B_3C6D);
        ((state ^ state >> 13) % 17) as f32
    };
    RgbImage::from_fn(width, height, |x, y| {
        let edge = if (x / 19 + y / 23 + seed).is_multiple_of(3) { 60.0 } else { 0.0 };
        let wave =
            |k: f32| 90.0 + 60.0 * (x as f32 / k).sin() * (y as f32 / (k + 4.0)).cos() + edge;
        Rgb([0, 1, 2].map(|c| (wave(17.0 + 6.0 * c as f32) + noise(x, y, c)) as u8))
    })
}

/// One sort of file.
#[derive(Clone, Copy, Debug)]
struct Sort {
    sampling: SamplingFactor,
    grey: bool,
    quality: u8,
    restarts: u16,
    optimised: bool,
    progressive: Option<Script>,
}

#[derive(Clone, Copy, Debug)]
enum Script {
    /// Bands of coefficients, all bits at once.
    Bands,
    /// Bands and bits, as most programs send them.
    Bits,
}

const PLAIN: Sort = Sort {
    sampling: SamplingFactor::F_2_2,
    grey: false,
    quality: 85,
    restarts: 0,
    optimised: false,
    progressive: None,
};

/// Twelve sorts.
fn sorts() -> [Sort; 12] {
    use SamplingFactor::{F_1_1, F_1_2, F_2_1, F_4_1, F_4_2};
    [
        PLAIN,
        Sort { sampling: F_1_1, quality: 95, ..PLAIN },
        Sort { sampling: F_2_1, quality: 60, ..PLAIN },
        Sort { sampling: F_1_2, optimised: true, ..PLAIN },
        Sort { sampling: F_4_1, restarts: 3, ..PLAIN },
        Sort { sampling: F_4_2, quality: 30, ..PLAIN },
        Sort { grey: true, ..PLAIN },
        Sort { grey: true, restarts: 7, progressive: Some(Script::Bits), ..PLAIN },
        Sort { restarts: 1, quality: 100, ..PLAIN },
        Sort { sampling: F_1_1, progressive: Some(Script::Bands), ..PLAIN },
        Sort { progressive: Some(Script::Bits), quality: 92, ..PLAIN },
        Sort { sampling: F_2_1, restarts: 5, progressive: Some(Script::Bits), ..PLAIN },
    ]
}

fn encoded(image: &RgbImage, sort: Sort, exif: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, sort.quality);
    encoder.set_sampling_factor(sort.sampling);
    encoder.set_restart_interval(sort.restarts);
    encoder.set_optimized_huffman_tables(sort.optimised);
    encoder.set_progressive(matches!(sort.progressive, Some(Script::Bands)));
    if let Some(exif) = exif {
        encoder.add_exif_metadata(exif).expect("taken");
    }
    let (width, height) = (image.width() as u16, image.height() as u16);
    match sort.grey {
        true => {
            let grey = DynamicImage::ImageRgb8(image.clone()).to_luma8();
            encoder.encode(&grey, width, height, ColorType::Luma).expect("written");
        }
        false => encoder.encode(image, width, height, ColorType::Rgb).expect("written"),
    }
    match sort.progressive {
        Some(Script::Bits) => in_bits(&bytes),
        _ => bytes,
    }
}

/// A baseline file as a progressive one, sent bit by bit.
fn in_bits(file: &[u8]) -> Vec<u8> {
    let all = coefficients(file);
    let mut parsed = JpegFile::read(file, None).expect("a JPEG");
    parsed.frame.progressive = true;
    let mut before = std::mem::take(&mut parsed.scans[0].before);
    let at = before.windows(2).position(|pair| pair == [0xFF, 0xC0]).expect("a frame");
    before[at + 1] = 0xC2;
    let components = parsed.frame.components.len();
    corpus::scanned(
        before,
        &parsed.frame,
        &all,
        &corpus::bits(components),
        parsed.scans[0].interval,
    )
}

/// Fills an area of a photo with grey, but for its corners, and returns which pixels those are.
fn fill(photo: &mut Photo, area: BoxInPhoto) -> Vec<bool> {
    let planes = photo.planes(area);
    let (width, height) = (area.width as usize, area.height as usize);
    let corner = |i: usize| {
        let (x, y) = (i % width, i / width);
        x.min(width - 1 - x) + y.min(height - 1 - y) < width.min(height) / 4
    };
    let filled: Vec<bool> = (0..width * height).map(|i| !corner(i)).collect();
    let samples = (0..planes.samples.len()).map(|i| 0.4 + 0.02 * (i % 5) as f32).collect();
    photo.lay(area, &crate::photo::Planes { samples, ..planes }, &filled);
    filled
}

/// Changes a file in one place, and checks every block of the result. Returns the two lengths.
fn check(file: &[u8], area: BoxInPhoto, name: &str) -> [usize; 2] {
    let before = Photo::decode(file).expect(name);
    let mut photo = before.clone();
    let filled = fill(&mut photo, area);
    let changes = [Change { area, pixels: &filled }];
    let new = with_changes(file, &photo, &changes, None).expect(name);

    let parsed = JpegFile::read(file, None).expect("a JPEG");
    let edit = Edit::new(&parsed.frame, &photo, &changes).expect("the photo's");
    let (old_blocks, new_blocks) = (coefficients(file), coefficients(&new));
    let (mut kept, mut changed) = (0, 0);
    for (component, (old, new)) in old_blocks.iter().zip(&new_blocks).enumerate() {
        assert_eq!(old.len(), new.len(), "{name}");
        for (i, (old, new)) in old.iter().zip(new).enumerate() {
            if edit.touches(component, i) {
                changed += usize::from(old != new);
            } else {
                kept += 1;
                assert_eq!(old, new, "{name}: component {component}, block {i}");
            }
        }
    }
    assert!(kept > 0 && changed > 0, "{name}: {kept} kept, {changed} changed");

    // What it shows.
    let after = decoded(&new);
    let [old, goal] = [decoded(file), photo.to_rgba8()];
    assert_eq!(after.len(), goal.len());
    let width = before.size().width;
    let (mut off, mut count) = (0u64, 0);
    for (i, ((after, old), goal)) in
        after.chunks_exact(4).zip(old.chunks_exact(4)).zip(goal.chunks_exact(4)).enumerate()
    {
        let at = [i as u32 % width, i as u32 / width];
        let furthest = |other: &[u8]| after.iter().zip(other).map(|(a, b)| a.abs_diff(*b)).max();
        if changes[0].changes(at) {
            off += u64::from(furthest(goal).unwrap_or(0));
            count += 1;
            continue;
        }
        // A group of blocks, and the colour beside it that decoders let shine through.
        let reach = 8 * 4 + 2;
        let is_far = at[0] + reach < area.left
            || at[1] + reach < area.top
            || at[0] >= area.right() + reach
            || at[1] >= area.bottom() + reach;
        if is_far {
            assert_eq!(after, old, "{name}: at {at:?}");
        }
    }
    // Where eight pixels share a colour, that of a small fill is also that of what is beside it.
    let shared =
        parsed.frame.components.iter().map(|component| component.step[0] * component.step[1]);
    let most = if shared.max() >= Some(4) { 60 } else { 24 };
    assert!(off / count < most, "{name}: filled pixels are off by {}", off / count);
    [file.len(), new.len()]
}

/// What a file shows.
fn decoded(file: &[u8]) -> Vec<u8> {
    Photo::decode(file).expect("a photo").to_rgba8()
}

#[test]
fn the_zigzag_is_the_standard_s() {
    assert_eq!(ZIGZAG[..10], [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]);
    assert_eq!(ZIGZAG[60..], [47, 55, 62, 63]);
}

#[test]
fn a_file_sent_bit_by_bit_shows_the_same_picture() {
    for sort in sorts().into_iter().filter(|sort| sort.progressive.is_none()) {
        let file = encoded(&picture(117, 83, 3), sort, None);
        let progressive = in_bits(&file);
        let frame = JpegFile::read(&file, None).expect("a JPEG").frame;
        for ((component, old), new) in
            frame.components.iter().zip(coefficients(&file)).zip(coefficients(&progressive))
        {
            for (i, (old, new)) in old.iter().zip(new).enumerate() {
                let [x, y] = [i % component.padded[0], i / component.padded[0]].map(|at| 8 * at);
                // Of blocks that only fill up groups, their first coefficient alone is sent.
                if x < component.samples[0] as usize && y < component.samples[1] as usize {
                    assert_eq!(*old, new, "{sort:?}, block {i}");
                }
            }
        }
        assert!(decoded(&progressive) == decoded(&file), "{sort:?}");
    }
}

#[test]
fn every_untouched_block_of_204_photos_of_12_sorts_stays_and_so_does_the_size() {
    let mut lengths = [0, 0];
    for (kind, sort) in sorts().into_iter().enumerate() {
        for n in 0..17u32 {
            let (width, height) = (181 + 29 * (n % 5), 150 + 37 * (n % 7) + n);
            let file = encoded(&picture(width, height, n), sort, None);
            let side = 5 + n;
            // In the middle, and at all four edges.
            let left = [width / 3, 0, width - side, width / 2, 7][n as usize % 5];
            let top = [height / 2, height / 3, 9, 0, height - side][n as usize % 5];
            let area = BoxInPhoto { left, top, width: side, height: side };
            let [old, new] = check(&file, area, &format!("sort {kind}, photo {n}"));
            // Grain is gone from up to a fiftieth of the picture.
            let share = f64::from(side * side) / f64::from(width * height);
            let within = (old as f64 * (0.01 + 2.0 * share)) as usize;
            assert!(old.abs_diff(new) <= within, "sort {kind}, photo {n}: {old} and {new} bytes");
            lengths = [lengths[0] + old, lengths[1] + new];
        }
    }
    let [old, new] = lengths;
    assert!(old.abs_diff(new) * 100 <= old, "{old} and {new} bytes");
}

#[test]
fn a_file_without_a_change_is_the_same_to_the_byte() {
    for sort in sorts() {
        let file = encoded(&picture(90, 70, 1), sort, None);
        let photo = Photo::decode(&file).expect("a photo");
        let new = with_changes(&file, &photo, &[], None).expect("written");
        // Each encoder lays its segments out in its own way.
        let parsed = [&file, &new].map(|file| JpegFile::read(file, None).expect("a JPEG"));
        assert_eq!(parsed[0].scans.len(), parsed[1].scans.len());
        for (old, new) in parsed[0].scans.iter().zip(&parsed[1].scans) {
            assert_eq!(old.header, new.header);
            assert!(old.data == new.data, "{sort:?}");
        }
    }
}

#[test]
fn a_photo_that_lies_on_its_side_is_changed_where_it_shows_it() {
    for orientation in 1..=8u8 {
        let mut exif = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        for sort in [PLAIN, sorts()[11]] {
            // A progressive one that we made holds no EXIF data.
            let file = encoded(&picture(120, 90, 5), sort, None);
            let parsed = JpegFile::read(&file, None).expect("a JPEG");
            let turned = [&[0xFF, 0xD8, 0xFF, 0xE1, 0, 34], &b"Exif\0\0"[..], &exif, &file[2..]];
            let turned = turned.concat();
            assert_eq!(parsed.frame.width, 120);
            let mut photo = Photo::decode(&turned).expect("a photo");
            assert_eq!(Some(photo.orientation), Orientation::from_exif(orientation));
            let area = BoxInPhoto { left: 13, top: 50, width: 20, height: 30 };
            let pixels = fill(&mut photo, area);
            let changes = [Change { area, pixels: &pixels }];
            let new = with_changes(&turned, &photo, &changes, Some(&exif)).expect("written");
            let after = Photo::decode(&new).expect("a photo");
            assert_eq!(after.size(), photo.size());
            let PhotoSize { width, .. } = photo.size();
            let [after, goal] = [after.to_rgba8(), photo.to_rgba8()];
            let at = |x: usize, y: usize| 4 * (y * width as usize + x);
            for i in [at(23, 65), at(17, 65), at(23, 58), at(90, 5), at(5, 85)] {
                let off = after[i..i + 3].iter().zip(&goal[i..i + 3]).map(|(a, b)| a.abs_diff(*b));
                assert!(off.max() < Some(16), "{orientation}, {sort:?}, byte {i}");
            }
        }
    }
}

/// A file with a segment behind its first marker.
fn with_segment(file: &[u8], code: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 + 2).to_be_bytes();
    [&file[..2], &[0xFF, code], &length, content, &file[2..]].concat()
}

#[test]
fn nothing_that_shows_the_photo_as_it_was_goes_on() {
    let secret = b"what it was";
    let file = encoded(&picture(40, 40, 5), PLAIN, None);
    let preview = [b"JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01", &secret[..]].concat();
    let mut laden = with_segment(&file, 0xE0, &preview);
    for (code, name) in [(0xE0, "JFXX\0"), (0xE1, "Exif\0\0"), (0xE1, "http"), (0xE2, "MPF\0")] {
        laden = with_segment(&laden, code, &[name.as_bytes(), secret].concat());
    }
    for code in [0xFE, 0xED, 0xEE, 0xEF, 0xF0] {
        laden = with_segment(&laden, code, secret);
    }
    laden.extend_from_slice(secret);
    laden = with_segment(&laden, 0xE2, b"ICC_PROFILE\0\x01\x01a profile");
    let photo = Photo::decode(&laden).expect("a photo");
    let new = with_changes(&laden, &photo, &[], Some(b"MM")).expect("written");
    let holds = |part: &[u8]| new.windows(part.len()).any(|other| other == part);
    assert!(!holds(secret));
    assert!(holds(b"a profile") && holds(b"Exif\0\0MM") && holds(b"JFIF\0"));
    assert!(coefficients(&new) == coefficients(&file));
}

#[test]
fn what_cannot_be_changed_is_named() {
    let file = encoded(&picture(40, 40, 5), PLAIN, None);
    let photo = Photo::decode(&file).expect("a photo");
    let frame = file.windows(2).position(|pair| pair == [0xFF, 0xC0]).expect("a frame");
    let with = |at: usize, value: u8| {
        let mut file = file.clone();
        file[at] = value;
        with_changes(&file, &photo, &[], None).expect_err("another kind")
    };
    assert_eq!(with(frame + 1, 0xC9), JpegError::Arithmetic);
    assert_eq!(with(frame + 1, 0xC3), JpegError::Process);
    assert_eq!(with(frame + 4, 12), JpegError::Depth(12));
    assert_eq!(with(frame + 8, 41), JpegError::OtherPhoto);
    // Three samples across beside two.
    let mut uneven = file.clone();
    (uneven[frame + 11], uneven[frame + 14]) = (0x31, 0x21);
    assert_eq!(with_changes(&uneven, &photo, &[], None), Err(JpegError::Sampling));
    let mut rgb = file.clone();
    [b'R', b'G', b'B'].into_iter().enumerate().for_each(|(i, id)| rgb[frame + 10 + 3 * i] = id);
    assert_eq!(with_changes(&rgb, &photo, &[], None).err(), Some(JpegError::Damaged));
    let inks = fs::read("../shared/odd_files/cmyk-with-cmyk-profile.jpg");
    if let Ok(inks) = inks {
        let photo = Photo::decode(&inks).expect("a photo");
        assert_eq!(with_changes(&inks, &photo, &[], None), Err(JpegError::Inks));
    }
    let outside = BoxInPhoto { left: 30, top: 0, width: 11, height: 1 };
    let change = Change { area: outside, pixels: &[true; 11] };
    assert_eq!(with_changes(&file, &photo, &[change], None), Err(JpegError::OtherPhoto));
    assert_eq!(with_changes(b"\x89PNG\r\n\x1A\n", &photo, &[], None), Err(JpegError::CutShort));
}

#[test]
fn damaged_files_are_refused_or_read_but_do_no_harm() {
    for sort in [PLAIN, sorts()[4], sorts()[10], sorts()[11]] {
        let file = encoded(&picture(50, 40, 5), sort, None);
        let mut photo = Photo::decode(&file).expect("a photo");
        let area = BoxInPhoto { left: 9, top: 9, width: 20, height: 20 };
        let pixels = fill(&mut photo, area);
        let changes = [Change { area, pixels: &pixels }];
        for cut in 0..file.len() {
            let cut_short = with_changes(&file[..cut], &photo, &changes, None);
            assert!(cut_short.is_err(), "{sort:?}, cut at {cut}");
        }
        for at in 2..file.len() {
            for value in [0, 0x11, 0x7F, 0xFF, file[at] ^ 1, file[at] ^ 0x80] {
                let mut damaged = file.clone();
                damaged[at] = value;
                // Whatever is made of it can be read.
                if let Ok(new) = with_changes(&damaged, &photo, &changes, None) {
                    JpegFile::read(&new, None).expect("a JPEG");
                }
            }
        }
    }
}

#[test]
fn every_untouched_block_of_real_photos_stays() {
    let folder = Path::new("../shared/street/photos");
    let Ok(entries) = fs::read_dir(folder) else {
        println!("skipped: there are no photos in {}", folder.display());
        return;
    };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    paths.sort();
    for path in paths.iter().step_by(paths.len() / 12) {
        let file = fs::read(path).expect("read");
        let name = path.display().to_string();
        let PhotoSize { width, height } = Photo::decode(&file).expect(&name).size();
        let area = BoxInPhoto { left: width / 3, top: height / 4, width: 60, height: 40 };
        let [old, new] = check(&file, area, &name);
        assert!(old.abs_diff(new) * 50 <= old, "{name}: {old} and {new} bytes");
    }
}
