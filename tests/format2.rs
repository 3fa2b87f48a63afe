//! SVHN's Format 2: written and read back, in the forms that other programs write, and damaged in
//! many ways.
#![cfg(feature = "dataset")]

mod support;

use std::{
    fs,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use doorplate::{
    dataset::{
        digit_struct::{LabelledBox, PhotoEntry},
        digit_struct_writer::write_digit_struct,
        format1::Format1,
        format2::{CROP_BYTES, Format2, SIDE},
        format2_writer::write_format2,
    },
    photo::LooseBox,
};
use flate2::{Compression, write::ZlibEncoder};
use image::imageops::{self, FilterType};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 2;

/// Types of elements and classes of arrays, by MATLAB's codes.
const INT8: u32 = 1;
const UINT8: u32 = 2;
const INT16: u32 = 3;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const SINGLE: u32 = 7;
const DOUBLE: u32 = 9;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
const CHAR_CLASS: u32 = 4;
const DOUBLE_CLASS: u32 = 6;
const UINT8_CLASS: u32 = 9;

/// Crops of noise, and the digits 0, 1, 2 and so on.
fn noise(count: usize) -> Format2 {
    let mut dice = ChaCha8Rng::seed_from_u64(SEED);
    let crops = (0..count * CROP_BYTES).map(|_| dice.random()).collect();
    Format2 { crops, digits: (0..count).map(|i| (i % 10) as u8).collect() }
}

/// The pixels in the file's order, worked out from its definition: `X(row, column, colour, n)`.
fn in_file_order(crops: &[u8]) -> Vec<u8> {
    let mut pixels = Vec::new();
    for crop in crops.chunks(CROP_BYTES) {
        for colour in 0..3 {
            for column in 0..SIDE {
                for row in 0..SIDE {
                    pixels.push(crop[(row * SIDE + column) * 3 + colour]);
                }
            }
        }
    }
    pixels
}

/// Writes MAT files of either order of bytes, as other programs do.
#[derive(Clone, Copy)]
struct Mat {
    big_endian: bool,
    compressed: bool,
}

const PLAIN: Mat = Mat { big_endian: false, compressed: false };
const PACKED: Mat = Mat { big_endian: false, compressed: true };

impl Mat {
    fn number<const N: usize>(self, little: [u8; N]) -> [u8; N] {
        let mut bytes = little;
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    fn word(self, value: u32) -> [u8; 4] {
        self.number(value.to_le_bytes())
    }

    fn file(self, elements: &[Vec<u8>]) -> Vec<u8> {
        let mut file = b"MATLAB 5.0 MAT-file, written by a test".to_vec();
        file.resize(124, b' ');
        file.extend(self.number([0, 1]));
        file.extend(self.number(*b"IM"));
        file.extend(elements.concat());
        file
    }

    fn element(self, kind: u32, content: &[u8]) -> Vec<u8> {
        let mut element = [self.word(kind), self.word(content.len() as u32)].concat();
        element.extend(content);
        element.resize(element.len().next_multiple_of(8), 0);
        element
    }

    /// A variable; `content` is its numbers' element.
    fn variable(self, name: &str, flags: u32, shape: &[u32], content: &[u8]) -> Vec<u8> {
        let shape: Vec<u8> = shape.iter().flat_map(|&size| self.word(size)).collect();
        let body = [
            self.element(UINT32, &[self.word(flags), [0; 4]].concat()),
            self.element(INT32, &shape),
            self.element(INT8, name.as_bytes()),
            content.to_vec(),
        ]
        .concat();
        let plain = self.element(MATRIX, &body);
        if self.compressed { self.packed(&plain) } else { plain }
    }

    fn packed(self, plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).expect("in memory");
        let packed = encoder.finish().expect("in memory");
        [&self.word(COMPRESSED)[..], &self.word(packed.len() as u32), &packed].concat()
    }

    fn crops(self, crops: &[u8]) -> Vec<u8> {
        let shape = [32, 32, 3, (crops.len() / CROP_BYTES) as u32];
        self.variable("X", UINT8_CLASS, &shape, &self.element(UINT8, &in_file_order(crops)))
    }

    fn labels(self, digits: &[u8]) -> Vec<u8> {
        let labels: Vec<u8> = digits.iter().map(|&d| if d == 0 { 10 } else { d }).collect();
        let shape = [labels.len() as u32, 1];
        self.variable("y", UINT8_CLASS, &shape, &self.element(UINT8, &labels))
    }
}

fn read(bytes: &[u8]) -> Result<Format2, String> {
    Format2::from_bytes(Path::new("a.mat"), bytes).map_err(|error| error.to_string())
}

/// What is wrong with these bytes, after checking that the file is named.
fn problem(bytes: &[u8]) -> String {
    let message = read(bytes).expect_err("refused");
    assert!(message.starts_with("a.mat: "), "{message}");
    message
}

fn read_without_panic(bytes: &[u8], what: &str) -> Result<Format2, String> {
    let read = catch_unwind(AssertUnwindSafe(|| read(bytes)));
    read.unwrap_or_else(|_| panic!("{what}: the reader panicked"))
}

fn written(data: &Format2) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("train_32x32.mat");
    write_format2(&path, &data.crops, &data.digits).expect("written");
    assert_eq!(Format2::open(&path).expect("read back"), *data);
    let left_over = fs::read_dir(folder.path()).expect("listed").count();
    assert_eq!(left_over, 1, "the temporary file was renamed");
    fs::read(&path).expect("read")
}

#[test]
fn what_is_written_is_read_back_and_always_the_same_bytes() {
    // Up to four labels lie in their tag; crops are unpacked 64 at a time.
    for count in [1, 3, 4, 5, 63, 64, 65, 200] {
        let data = noise(count);
        let bytes = written(&data);
        assert_eq!(bytes, written(&data));
        assert_eq!(read(&bytes).as_ref(), Ok(&data));
        assert_eq!(data.len(), count);
        assert_eq!(data.crop(count - 1), &data.crops[(count - 1) * CROP_BYTES..]);
    }
}

#[test]
fn what_cannot_be_written_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("train_32x32.mat");
    let refused = |crops: &[u8], digits: &[u8]| {
        let message = write_format2(&path, crops, digits).expect_err("refused").to_string();
        assert!(message.starts_with(&path.display().to_string()), "{message}");
        message
    };
    assert!(refused(&[], &[]).contains("0 digits"));
    assert!(refused(&[0; CROP_BYTES], &[1, 2]).contains("3072 bytes of pixels for 2 digits"));
    assert!(refused(&[0; CROP_BYTES + 1], &[1]).contains("3073 bytes"));
    assert!(refused(&[0; 2 * CROP_BYTES], &[1, 10]).contains("entry 2 (counted from 1): 10"));
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 0);
    let nowhere = folder.path().join("nowhere/train_32x32.mat");
    let message = write_format2(&nowhere, &[0; CROP_BYTES], &[1]).expect_err("no such folder");
    assert!(message.to_string().contains("could not be written"), "{message}");
}

#[test]
fn either_order_of_bytes_packed_or_not_is_read() {
    let data = noise(7);
    for big_endian in [false, true] {
        for compressed in [false, true] {
            let mat = Mat { big_endian, compressed };
            let (crops, labels) = (mat.crops(&data.crops), mat.labels(&data.digits));
            assert_eq!(read(&mat.file(&[crops.clone(), labels.clone()])), Ok(data.clone()));
            assert_eq!(read(&mat.file(&[labels, crops])), Ok(data.clone()));
        }
    }
}

#[test]
fn other_variables_are_passed_over() {
    let data = noise(2);
    for mat in [PLAIN, PACKED] {
        let text = mat.variable("note", CHAR_CLASS, &[1, 2], &mat.element(4, b"h\0i\0"));
        let opaque = mat.element(MATRIX, &mat.element(UINT32, &[17, 0, 0, 0, 0, 0, 0, 0]));
        let file = [text.clone(), mat.crops(&data.crops), opaque, mat.labels(&data.digits), text];
        assert_eq!(read(&mat.file(&file)), Ok(data.clone()));
    }
}

#[test]
fn labels_are_read_from_every_type_of_number() {
    let crops = noise(3).crops;
    for big_endian in [false, true] {
        let mat = Mat { big_endian, compressed: true };
        let label_bytes = |kind: u32, label: u8| match kind {
            INT8 | UINT8 => vec![label],
            INT16 | 4 => mat.number(u16::from(label).to_le_bytes()).to_vec(),
            INT32 | UINT32 => mat.number(u32::from(label).to_le_bytes()).to_vec(),
            SINGLE => mat.number(f32::from(label).to_le_bytes()).to_vec(),
            DOUBLE => mat.number(f64::from(label).to_le_bytes()).to_vec(),
            _ => mat.number(u64::from(label).to_le_bytes()).to_vec(),
        };
        for kind in [INT8, UINT8, INT16, 4, INT32, UINT32, SINGLE, DOUBLE, 12, 13] {
            let labels: Vec<u8> = [10, 9, 1].iter().flat_map(|&n| label_bytes(kind, n)).collect();
            // As a column, and as SciPy writes a list: a row.
            for shape in [[3, 1], [1, 3]] {
                let labels = mat.element(kind, &labels);
                let labels = mat.variable("y", DOUBLE_CLASS, &shape, &labels);
                let data = read(&mat.file(&[mat.crops(&crops), labels])).expect("read");
                assert_eq!(data.digits, [0, 9, 1], "type {kind}");
            }
        }
    }
}

#[test]
fn one_crop_needs_no_fourth_dimension() {
    let data = noise(1);
    let pixels = PLAIN.element(UINT8, &in_file_order(&data.crops));
    let crops = PLAIN.variable("X", UINT8_CLASS, &[32, 32, 3], &pixels);
    assert_eq!(read(&PLAIN.file(&[crops, PLAIN.labels(&data.digits)])), Ok(data));
}

#[test]
fn wrong_shapes_types_and_counts_are_refused_by_variable() {
    const COMPLEX: u32 = 0x800;
    let data = noise(3);
    for mat in [PLAIN, PACKED] {
        let pixels = mat.element(UINT8, &in_file_order(&data.crops));
        let (good_crops, good_labels) = (mat.crops(&data.crops), mat.labels(&data.digits));
        let crops = |flags, shape: &[u32], pixels: &[u8], reason: &str| {
            let crops = mat.variable("X", flags, shape, pixels);
            let message = problem(&mat.file(&[crops, good_labels.clone()]));
            assert!(message.contains("variable X: ") && message.contains(reason), "{message}");
        };
        crops(UINT8_CLASS, &[3, 32, 32, 3], &pixels, "of shape 3 x 32 x 32 x 3, not");
        crops(UINT8_CLASS, &[32, 32, 1, 3], &pixels, "of shape 32 x 32 x 1 x 3, not");
        crops(UINT8_CLASS, &[32, 32, 3, 3, 1], &pixels, "not 32 x 32 x 3 x N");
        crops(UINT8_CLASS, &[], &pixels, "not 32 x 32 x 3 x N");
        crops(UINT8_CLASS, &[32, 32, 3, 0], &mat.element(UINT8, &[]), "32 x 32 x 3 x 0");
        crops(UINT8_CLASS, &[32, 32, 3, 2], &pixels, "9216 bytes of type 2 where 2 crops need");
        crops(UINT8_CLASS, &[32, 32, 3, u32::MAX], &pixels, "where 4294967295 crops need");
        crops(DOUBLE_CLASS, &[32, 32, 3, 3], &pixels, "double, not uint8");
        crops(77, &[32, 32, 3, 3], &pixels, "not in the file");
        crops(UINT8_CLASS | COMPLEX, &[32, 32, 3, 3], &pixels, "complex");
        let signed = mat.element(INT8, &in_file_order(&data.crops));
        crops(UINT8_CLASS, &[32, 32, 3, 3], &signed, "of type 1 where");
        let more = [pixels.clone(), vec![0; 8]].concat();
        crops(UINT8_CLASS, &[32, 32, 3, 3], &more, "8 bytes more");

        let labels = |class, shape: &[u32], numbers: &[u8], reason: &str| {
            let labels = mat.variable("y", class, shape, numbers);
            let message = problem(&mat.file(&[good_crops.clone(), labels]));
            assert!(message.contains("variable y") && message.contains(reason), "{message}");
        };
        let ones = mat.element(UINT8, &[1; 6]);
        labels(UINT8_CLASS, &[3, 2], &ones, "of shape 3 x 2, not N x 1");
        labels(UINT8_CLASS, &[6, 1, 1], &ones, "not N x 1");
        labels(UINT8_CLASS, &[3, 1], &ones, "6 bytes for 3 numbers of 1");
        labels(UINT8_CLASS, &[u32::MAX, 1], &ones, "6 bytes for 4294967295 numbers");
        labels(CHAR_CLASS, &[6, 1], &ones, "text, neither uint8 nor double");
        labels(
            UINT8_CLASS,
            &[6, 1],
            &mat.element(MATRIX, &[1; 6]),
            "type 14, which is not a number",
        );
        for wrong in [0, 11, 255] {
            let numbers = mat.element(UINT8, &[1, wrong, 1]);
            let reason = format!("entry 2 (counted from 1): label {wrong} is not one of 1 to 10");
            labels(UINT8_CLASS, &[3, 1], &numbers, &reason);
        }
        for wrong in [1.5, -1.0, f64::NAN, f64::INFINITY] {
            let numbers = mat.element(DOUBLE, &wrong.to_le_bytes());
            labels(DOUBLE_CLASS, &[1, 1], &numbers, "entry 1 (counted from 1): label");
        }

        let message = problem(&mat.file(&[good_crops.clone(), mat.labels(&[1, 2])]));
        assert!(message.contains("X has 3 crops, but y has 2 labels"), "{message}");
        for (elements, reason) in [
            (vec![good_crops.clone()], "variable y: not in the file"),
            (vec![good_labels.clone()], "variable X: not in the file"),
            (vec![], "variable X: not in the file"),
            (vec![good_crops.clone(), good_crops.clone(), good_labels.clone()], "X: twice"),
            (vec![good_labels.clone(), good_labels.clone()], "y: twice"),
            (vec![good_crops.clone(), mat.element(UINT8, &[1; 3])], "element 2 (counted from 1)"),
            (vec![mat.packed(&mat.element(UINT8, &[1; 3]))], "unpacks to type 2, not to an array"),
        ] {
            let message = problem(&mat.file(&elements));
            assert!(message.contains(reason), "{message}");
        }
    }
}

#[test]
fn files_of_other_versions_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("digitStruct.mat");
    let area = LooseBox { left: 1.0, top: 1.0, width: 4.0, height: 4.0 };
    let digits = vec![LabelledBox { area, digit: 1 }];
    write_digit_struct(&path, &[PhotoEntry { name: "1.png".to_owned(), digits }]).expect("written");
    let version_7_3 = fs::read(&path).expect("read");
    // A 1 x 1 double named y, as `save -v4` writes it.
    let mut version_4: Vec<u8> =
        [0u32, 1, 1, 0, 2].iter().flat_map(|word| word.to_le_bytes()).collect();
    version_4.extend(b"y\0");
    version_4.extend(1f64.to_le_bytes());
    version_4.resize(200, 0);
    for (bytes, reason) in [
        (&version_7_3[..], "MATLAB v7.3"),
        (&version_7_3[512..], "MATLAB v7.3"),
        (&version_4, "MATLAB v4"),
        (&version_4[..30], "cut short inside its header"),
        (b"", "cut short inside its header"),
        (&[b'a'; 500], "something else, not a MATLAB v5"),
    ] {
        let message = problem(bytes);
        assert!(message.contains(reason) && message.contains("train_32x32.mat"), "{message}");
    }
    let nowhere = folder.path().join("nowhere.mat");
    let message = Format2::open(&nowhere).expect_err("no such file").to_string();
    assert!(message.starts_with(&nowhere.display().to_string()), "{message}");
    Format2::open(folder.path()).expect_err("a folder");
}

#[test]
fn a_file_cut_at_any_length_is_refused_by_name() {
    for whole in [
        written(&noise(2)),
        PLAIN.file(&[PLAIN.crops(&noise(2).crops), PLAIN.labels(&[1, 2])]),
        PLAIN.file(&[PACKED.labels(&[1, 2]), PACKED.crops(&noise(2).crops)]),
    ] {
        read(&whole).expect("whole, it is read");
        for length in 0..whole.len() {
            let what = format!("cut to {length} of {}", whole.len());
            let message = read_without_panic(&whole[..length], &what).expect_err(&what);
            assert!(message.starts_with("a.mat: "), "{what}: {message}");
        }
    }
}

#[test]
fn a_changed_byte_never_changes_a_digit_in_a_packed_file() {
    let data = noise(2);
    let whole = written(&data);
    let mut refused = 0;
    for at in 0..whole.len() {
        for bit in [0x01, 0x80, 0xFF] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            match read_without_panic(&bytes, &format!("byte {at} changed to {}", bytes[at])) {
                Ok(read) => assert!(read == data, "byte {at} changed to {}: unseen", bytes[at]),
                Err(_) => refused += 1,
            }
        }
    }
    // The description may say anything.
    assert!(refused > (whole.len() - 140) * 3, "only {refused} of {} refused", whole.len() * 3);
}

#[test]
fn absurd_numbers_are_refused_without_panic() {
    let data = noise(1);
    let whole = PLAIN.file(&[PLAIN.labels(&data.digits), PLAIN.crops(&data.crops)]);
    for at in 0..400 {
        for value in [[0; 4], [0xFF; 4], [0xFF, 0xFF, 0xFF, 0x7F], [4, 0, 0, 0], [0, 0, 4, 0]] {
            let mut bytes = whole.clone();
            bytes[at..at + 4].copy_from_slice(&value);
            let packed = [&bytes[..128], &PLAIN.packed(&bytes[128..])].concat();
            // A change may lie in what is not looked at, or in pixels.
            let _ = read_without_panic(&bytes, &format!("{value:?} at {at}"));
            let _ = read_without_panic(&packed, &format!("{value:?} at {at}, packed"));
        }
    }
}

/// The most memory that this process ever asked for, in bytes, where the system tells.
fn peak_of_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmPeak:"))?;
    Some(peak.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
}

#[test]
fn a_header_that_claims_gigabytes_gets_no_memory_for_them() {
    const CLAIMED: u32 = 1_300_000;
    let bytes = CLAIMED * CROP_BYTES as u32;
    let claim = [PLAIN.word(UINT8), PLAIN.word(bytes), [7; 4], [7; 4]].concat();
    let crops = PLAIN.variable("X", UINT8_CLASS, &[32, 32, 3, CLAIMED], &claim);
    let mut long = crops.clone();
    long[4..8].copy_from_slice(&(bytes + 64).to_le_bytes());
    let before = peak_of_memory();
    for file in
        [PLAIN.file(&[crops]), PLAIN.file(&[long.clone()]), PLAIN.file(&[{ PLAIN.packed(&long) }])]
    {
        let message = problem(&file);
        assert!(message.contains("variable X, entry 1 (counted from 1): cut short"), "{message}");
    }
    if let (Some(before), Some(after)) = (before, peak_of_memory()) {
        // Other tests run beside this one, and their threads ask for memory too.
        assert!(after - before < 1 << 30, "{} bytes were asked for", after - before);
    }
}

#[test]
fn real_files_hold_the_digits_of_format_1() {
    let Some(format1) = support::svhn() else { return };
    let folder = format1.with_file_name("format2");
    if !folder.is_dir() {
        return println!("skipped: no Format 2 at {}", folder.display());
    }
    let test = Format2::open(&folder.join("test_32x32.mat")).expect("the test set");
    assert_eq!(test.crops.len(), test.len() * CROP_BYTES);
    assert!(test.digits.starts_with(&[5, 2, 1, 0, 6, 1, 9, 1, 1, 8]));
    let train = Format2::open(&folder.join("train_32x32.mat")).expect("the train set");
    let photos = Format1::open(&format1.join("train")).expect("the photos");
    let labels: Vec<u8> =
        photos.photos.iter().flat_map(|photo| &photo.digits).map(|digit| digit.digit).collect();
    // Format 1 lists the photos by number only if its list does; at hand it does.
    assert_eq!(train.digits, labels);

    // The crops show the digits, upright, in their colours.
    let mut entries = photos.photos.iter().flat_map(|photo| {
        let (pixels, _) = photos.load(photo).expect("a photo");
        let rgb = image::DynamicImage::from(
            image::RgbaImage::from_raw(
                pixels.size().width,
                pixels.size().height,
                pixels.to_rgba8().to_vec(),
            )
            .expect("four bytes a pixel"),
        )
        .to_rgb8();
        photo.digits.iter().map(move |digit| (rgb.clone(), digit.area)).collect::<Vec<_>>()
    });
    let (mut upright, mut turned, mut swapped, mut compared) = (0, 0, 0, 0);
    for i in 0..200 {
        let (photo, area) = entries.next().expect("as many boxes as crops");
        let side = area.width.max(area.height);
        let left = area.left + (area.width - side) / 2.0;
        let top = area.top + (area.height - side) / 2.0;
        let inside = left >= 0.0
            && top >= 0.0
            && left + side <= f64::from(photo.width())
            && top + side <= f64::from(photo.height());
        if !inside {
            continue;
        }
        let square = imageops::crop_imm(
            &photo,
            left.round() as u32,
            top.round() as u32,
            side as u32,
            side as u32,
        );
        let from_photo =
            imageops::resize(&square.to_image(), SIDE as u32, SIDE as u32, FilterType::Triangle);
        let crop = train.crop(i);
        for (x, y, pixel) in from_photo.enumerate_pixels() {
            let at = |x: u32, y: u32| (y as usize * SIDE + x as usize) * 3;
            let differ = |at: usize, order: [usize; 3]| -> u64 {
                (0..3).map(|c| u64::from(pixel[c].abs_diff(crop[at + order[c]]))).sum()
            };
            upright += differ(at(x, y), [0, 1, 2]);
            turned += differ(at(y, x), [0, 1, 2]);
            swapped += differ(at(x, y), [2, 1, 0]);
            compared += 3;
        }
    }
    assert!(compared > 50 * CROP_BYTES as u64, "too few digits lie inside their photos");
    assert!(upright < 6 * compared, "{} levels apart", upright / compared);
    assert!(2 * upright < turned && upright < swapped, "{upright} {turned} {swapped}");
}
