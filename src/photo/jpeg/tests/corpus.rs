//! JPEGs of every kind that the standard allows and browsers show, compared with what libjpeg-turbo makes
//! of them.

use std::{fs, path::Path, process::Command};

use image::DynamicImage;

use super::super::{
    coder::coded,
    edit::block_of,
    file::{Coding, Frame, Scan, ScanComponent},
    progressive::{self, Coefficients},
    sequential::write_block,
    *,
};

/// What a scan sends: components, band of coefficients, and bits.
pub type Script = Vec<(Vec<usize>, [usize; 2], [u32; 2])>;

/// A kind of file.
#[derive(Clone, Debug)]
struct Kind {
    size: [u16; 2],
    coding: Coding,
    /// Samples of each component, across and down.
    factors: Vec<[u8; 2]>,
    script: (&'static str, bool, Script),
    restarts: u16,
}

/// The script of a progressive file, sent bit by bit as by most programs.
pub fn bits(components: usize) -> Script {
    let colours: Vec<usize> = (0..components).collect();
    let mut script = vec![(colours.clone(), [0, 0], [0, 1]), (vec![0], [1, 5], [0, 2])];
    let of_colours = colours.iter().skip(1).rev();
    script.extend(of_colours.clone().map(|&c| (vec![c], [1, 63], [0, 1])));
    script.extend([(vec![0], [6, 63], [0, 2]), (vec![0], [1, 63], [2, 1])]);
    script.push((colours.clone(), [0, 0], [1, 0]));
    script.extend(of_colours.map(|&c| (vec![c], [1, 63], [1, 0])));
    script.push((vec![0], [1, 63], [1, 0]));
    script
}

/// All scripts for so many components, with their names and whether they are progressive.
fn scripts(components: usize) -> Vec<(&'static str, bool, Script)> {
    let all: Vec<usize> = (0..components).collect();
    let whole = |components: Vec<usize>| (components, [0, 63], [0, 0]);
    let each = |order: &[usize]| order.iter().map(|&c| whole(vec![c])).collect::<Script>();
    let reversed: Vec<usize> = all.iter().copied().rev().collect();
    let band = |first, last| all.iter().map(move |&c| (vec![c], [first, last], [0, 0]));
    let bands = [(all.clone(), [0, 0], [0, 0])].into_iter().chain(band(1, 20)).chain(band(21, 63));
    let first_each = all.iter().map(|&c| (vec![c], [0, 0], [0, 0])).chain(band(1, 63));
    let mut scripts = vec![
        ("at once", false, vec![whole(all.clone())]),
        ("bands", true, bands.collect()),
        ("bits", true, bits(components)),
    ];
    if components > 1 {
        scripts.extend([
            ("each", false, each(&all)),
            ("reversed", false, each(&reversed)),
            ("first and others", false, vec![whole(vec![0]), whole(all[1..].to_vec())]),
            ("each band", true, first_each.collect()),
        ]);
    }
    scripts
}

/// Writes scans of these coefficients behind `file`, each with the shortest codes.
pub fn scanned(
    mut file: Vec<u8>,
    frame: &Frame,
    all: &Coefficients,
    script: &Script,
    interval: usize,
) -> Vec<u8> {
    let mut written = Codes::default();
    for (components, band, [high, low]) in script {
        let slot = |index: usize| usize::from(index > 0);
        let mut header =
            vec![0xFF, 0xDA, 0, 6 + 2 * components.len() as u8, components.len() as u8];
        for &index in components {
            header.extend([frame.components[index].id, 0x11 * slot(index) as u8]);
        }
        header.extend([band[0] as u8, band[1] as u8, (high << 4 | low) as u8]);
        let of =
            |index: usize| ScanComponent { index, slots: [slot(index); 2], dc: None, ac: None };
        let scan = Scan {
            before: Vec::new(),
            header: &header,
            data: &[],
            components: components.iter().map(|&index| of(index)).collect(),
            band: *band,
            high: *high,
            low: *low,
            interval,
        };
        let (codes, data) = match frame.progressive {
            true => progressive::write(frame, &scan, all),
            false => coded(&scan, |coder| {
                let mut last = vec![0; components.len()];
                frame.walk(&scan, |step| {
                    if step.restart {
                        coder.restart();
                        last.fill(0);
                    }
                    let component = scan.components[step.nth].index;
                    let slots = [slot(component), 4 + slot(component)];
                    let block = &all[component][step.block];
                    write_block(coder, slots, &mut last[step.nth], block);
                    Ok(())
                })
            }),
        }
        .expect("written");
        put_codes(&mut file, &mut written, codes);
        file.extend_from_slice(&header);
        file.extend(data);
    }
    file.extend([0xFF, 0xD9]);
    file
}

/// A segment of a file.
fn segment(code: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 + 2).to_be_bytes();
    [&[0xFF, code], &length[..], content].concat()
}

/// A file of a kind. Kinds of the same size, coding and factors hold the same coefficients.
fn written(kind: &Kind) -> Vec<u8> {
    let Kind { size: [width, height], coding, factors, script: (_, progressive, script), .. } =
        kind;
    let code = if *progressive { 0xC2 } else { 0xC0 };
    let mut content = vec![8];
    content.extend([height.to_be_bytes(), width.to_be_bytes()].concat());
    content.push(factors.len() as u8);
    for (i, [across, down]) in factors.iter().enumerate() {
        content.extend([i as u8 + 1, across << 4 | down, u8::from(i > 0)]);
    }
    let frame = Frame::read(code, &content).expect("a frame");
    let tables = [2u16, 3].map(|step| std::array::from_fn::<u16, 64, _>(|i| step + i as u16 / 7));
    let all: Coefficients = frame
        .components
        .iter()
        .enumerate()
        .map(|(c, component)| {
            let [across, down] = component.padded;
            let blocks = (0..across * down).map(|i| {
                let [left, top] = [i % across * 8, i / across * 8];
                let samples = std::array::from_fn(|i| {
                    let at = [left + i % 8, top + i / 8];
                    let [x, y] = [0, 1].map(|way| (at[way] * component.step[way] as usize) as f32);
                    // Waves, edges and grain, another one for each component.
                    let k = 5.0 + 4.0 * c as f32;
                    let wave = 128.0 + 80.0 * (x / k).sin() * (y / (k + 3.0)).cos();
                    let edge =
                        if (at[0] / 5 + at[1] / 7 + c).is_multiple_of(3) { 45.0 } else { 0.0 };
                    let grain = (at[0] * 37 + at[1] * 91 + c * 13) % 19;
                    (wave + edge + grain as f32).clamp(0.0, 255.0)
                });
                block_of(&samples, &tables[usize::from(c > 0)])
            });
            blocks.collect()
        })
        .collect();
    let mut file = vec![0xFF, 0xD8];
    match coding {
        Coding::Grey | Coding::YCbCr => {
            file.extend(segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"));
        }
        Coding::Rgb | Coding::Cmyk => file.extend(segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")),
        Coding::Ycck => file.extend(segment(0xEE, b"Adobe\0\x64\0\0\0\0\x02")),
    }
    for (i, table) in tables.iter().enumerate() {
        let values = table.map(|value| value as u8);
        file.extend(segment(0xDB, &[&[i as u8], &values[..]].concat()));
    }
    file.extend(segment(code, &content));
    if kind.restarts > 0 {
        file.extend(segment(0xDD, &kind.restarts.to_be_bytes()));
    }
    scanned(file, &frame, &all, script, kind.restarts.into())
}

/// All kinds.
fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    let sizes = [[1, 1], [3, 5], [16, 8], [17, 33], [50, 37], [97, 64]];
    let grey = [vec![[1, 1]], vec![[2, 2]]].map(|factors| (Coding::Grey, factors));
    let with = |first: [u8; 2], others: &[[u8; 2]]| [&[first], others].concat();
    let of_three: Vec<Vec<[u8; 2]>> =
        [[1, 1], [2, 1], [1, 2], [2, 2], [4, 1], [1, 4], [4, 2], [2, 4], [3, 1], [1, 3], [3, 2]]
            .map(|first| with(first, &[[1, 1]; 2]))
            .into_iter()
            .chain([
                with([2, 2], &[[2, 1], [1, 2]]),
                with([1, 1], &[[2, 2], [1, 2]]),
                with([2, 2], &[[2, 2], [1, 1]]),
            ])
            .collect();
    let of_four = [[1, 1], [2, 2], [2, 1]].map(|first| with(first, &[[1, 1], [1, 1], first]));
    let rgb = [vec![[1, 1]; 3], with([2, 2], &[[1, 1]; 2])];
    let all = grey
        .into_iter()
        .chain(of_three.into_iter().map(|factors| (Coding::YCbCr, factors)))
        .chain(rgb.map(|factors| (Coding::Rgb, factors)))
        .chain(of_four.clone().map(|factors| (Coding::Cmyk, factors)))
        .chain(of_four.map(|factors| (Coding::Ycck, factors)));
    for (coding, factors) in all {
        for script in scripts(factors.len()) {
            // Scans of more blocks at a time are not allowed (T.81, B.2.3).
            let fits = |(components, ..): &(Vec<usize>, _, _)| {
                let blocks = components.iter().map(|&c| factors[c][0] * factors[c][1]);
                components.len() == 1 || blocks.sum::<u8>() <= 10
            };
            if !script.2.iter().all(fits) {
                continue;
            }
            for size in sizes {
                for restarts in [0, 1, 3] {
                    let (factors, script) = (factors.clone(), script.clone());
                    kinds.push(Kind { size, coding, factors, script, restarts });
                }
            }
        }
    }
    kinds
}

#[test]
fn the_same_coefficients_show_the_same_picture_whichever_way_they_are_sent() {
    let mut first: Option<(Kind, DynamicImage)> = None;
    let mut compared = 0;
    for kind in kinds() {
        let image = decode(&written(&kind)).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert_eq!([image.width(), image.height()], kind.size.map(u32::from));
        match &first {
            Some((like, picture))
                if like.coding == kind.coding
                    && like.factors == kind.factors
                    && like.size == kind.size =>
            {
                compared += 1;
                assert!(*picture == image, "{kind:?} and {like:?}");
            }
            _ => first = Some((kind, image)),
        }
    }
    assert!(compared > 500, "{compared}");
}

/// Lets libjpeg-turbo, in Pillow, decode all files in a folder, each to a file of samples.
const PILLOW: &str = "
import sys, pathlib
from PIL import Image, features
if not features.check('libjpeg_turbo'): raise SystemExit('Pillow has another libjpeg')
for path in sorted(pathlib.Path(sys.argv[1]).glob('*.jpg')):
    image = Image.open(path)
    image = image if image.mode == 'L' else image.convert('RGB')
    path.with_suffix('.raw').write_bytes(image.tobytes())
";

/// The most by which a sample differs from libjpeg-turbo's, in two grey levels' worth of a picture.
const MOST_OFF: u8 = 2;

#[test]
fn every_kind_of_file_shows_what_libjpeg_turbo_shows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kinds = kinds();
    let odd = Path::new("../shared/odd_files");
    let mut files: Vec<(String, Vec<u8>)> =
        kinds.iter().map(|kind| (format!("{kind:?}"), written(kind))).collect();
    for entry in fs::read_dir(odd).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "jpg") {
            files.push((entry.path().display().to_string(), fs::read(entry.path()).expect("read")));
        }
    }
    for (i, (_, file)) in files.iter().enumerate() {
        fs::write(folder.path().join(format!("{i}.jpg")), file).expect("written");
    }
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let run = Command::new(&python).args(["-c", PILLOW]).arg(folder.path()).output();
    match run {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let reason = String::from_utf8_lossy(&output.stderr);
            let missing = reason.contains("No module named") || reason.contains("another libjpeg");
            assert!(missing, "{reason}");
            println!("skipped: {}", reason.lines().last().unwrap_or_default());
            return;
        }
        Err(error) => {
            println!("skipped: {} ({error})", python.display());
            return;
        }
    }
    let mut worst = 0;
    for (i, (name, file)) in files.iter().enumerate() {
        let image = decode(file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let theirs = fs::read(folder.path().join(format!("{i}.raw"))).expect("decoded");
        assert_eq!(theirs.len(), image.as_bytes().len(), "{name}");
        let off = theirs.iter().zip(image.as_bytes()).map(|(a, b)| a.abs_diff(*b)).max();
        // A profile of inks is applied here, but not there.
        if !name.contains("cmyk") {
            assert!(off <= Some(MOST_OFF), "{name}: {off:?}");
            worst = worst.max(off.unwrap_or(0));
        }
    }
    println!("{} files, at most {worst} grey levels off", files.len());
}

#[test]
fn no_damaged_file_passes_as_whole() {
    for kind in kinds().into_iter().filter(|kind| kind.size == [50, 37]) {
        let file = written(&kind);
        let parsed = JpegFile::read(&file, None).expect("a JPEG");
        for scan in &parsed.scans {
            let start = scan.data.as_ptr() as usize - file.as_ptr() as usize;
            let end = start + scan.data.len();
            // Half of a scan is missing, or all of it.
            let half = [&file[..start + (end - start) / 2], &file[end..]].concat();
            assert!(decode(&half).is_err(), "half of a scan is missing: {kind:?}");
            // A scan of few bits may be a single code of zeros.
            if scan.data.len() > 8 {
                let none = [&file[..start], &file[end..]].concat();
                assert!(decode(&none).is_err(), "the data of a scan are missing: {kind:?}");
            }
            let header = start - scan.header.len();
            let gone = [&file[..header], &file[end..]].concat();
            assert!(decode(&gone).is_err(), "a scan is missing: {kind:?}");
            let early = [&file[..start + (end - start) / 2], &[0xFF, 0xD9], &file[end..]].concat();
            assert!(decode(&early).is_err(), "an end marker in the data: {kind:?}");
        }
        let [.., a, b] = file.as_slice() else { panic!("a file") };
        assert_eq!([*a, *b], [0xFF, 0xD9]);
        assert_eq!(decode(&file[..file.len() - 2]).err(), Some(JpegError::CutShort));
    }
}

#[test]
fn files_without_codes_have_the_usual_ones() {
    let picture = super::picture(60, 44, 2);
    for sort in [super::PLAIN, super::Sort { grey: true, ..super::PLAIN }] {
        let whole = super::encoded(&picture, sort, None);
        let mut bare = whole.clone();
        while let Some(at) = bare.windows(2).position(|pair| pair == [0xFF, 0xC4]) {
            let length = usize::from(u16::from_be_bytes([bare[at + 2], bare[at + 3]]));
            bare.drain(at..at + 2 + length);
        }
        assert!(bare.len() < whole.len());
        assert!(decode(&bare).expect("a picture") == decode(&whole).expect("a picture"));
    }
}

#[test]
fn fill_bytes_and_junk_between_segments_do_no_harm() {
    let file = super::encoded(&super::picture(60, 44, 2), super::PLAIN, None);
    let picture = decode(&file).expect("a picture");
    for code in [0xDB, 0xC0, 0xC4, 0xDA, 0xD9] {
        let at = file.windows(2).rposition(|pair| pair == [0xFF, code]).expect("a marker");
        for junk in [&[0xFF; 3][..], b"\0\0\0", b"left over\xFF\0 and more\xFF"] {
            let filled = [&file[..at], junk, &file[at..]].concat();
            assert!(decode(&filled).expect("a picture") == picture, "{junk:?} before {code:X}");
            crate::photo::size_from_header(&filled).expect("a size");
        }
    }
}

#[test]
fn odd_files_are_read() {
    let folder = Path::new("../shared/odd_files");
    let read = |name: &str| fs::read(folder.join(name));
    let Ok(plain) = read("plain420.jpg") else {
        println!("skipped: there is no {}", folder.display());
        return;
    };
    let plain = decode(&plain).expect("a picture");
    for name in ["noninterleaved420.jpg", "fill-bytes-before-sof.jpg"] {
        let file = read(name).expect(name);
        assert!(decode(&file).expect(name) == plain, "{name}");
    }
}
