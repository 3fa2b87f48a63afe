//! Writes files for the fuzzer to begin with: `cargo run --example seeds FOLDER`.

use std::{error::Error, fs, path::Path};

use doorplate::{
    dataset::{
        digit_struct::{LabelledBox, PhotoEntry},
        digit_struct_writer::write_digit_struct,
        format2_writer::write_format2,
    },
    photo::LooseBox,
};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: seeds FOLDER")?;
    let folder = Path::new(&folder);
    let (lists, crops) = (folder.join("digit_struct"), folder.join("format2"));
    fs::create_dir_all(&lists)?;
    fs::create_dir_all(&crops)?;
    let area = LooseBox { left: 1.0, top: -2.0, width: 3.0, height: 4.0 };
    for digits in 1..=3 {
        let photo = |n: u8| PhotoEntry {
            name: format!("{n}.png"),
            digits: vec![LabelledBox { area, digit: n }; digits],
        };
        let path = lists.join(format!("{digits}.mat"));
        write_digit_struct(&path, &(0..digits as u8).map(photo).collect::<Vec<_>>())?;
    }
    for digits in 1..=5u8 {
        let pixels: Vec<u8> = (0..u32::from(digits) * 3_072).map(|n| (n / 7) as u8).collect();
        let digits: Vec<u8> = (0..digits).collect();
        write_format2(&crops.join(format!("{}.mat", digits.len())), &pixels, &digits)?;
        for big_endian in [false, true] {
            let name = format!("{}_{big_endian}.bin", digits.len());
            fs::write(crops.join(name), unpacked(&pixels, &digits, big_endian))?;
        }
    }
    let jpegs = folder.join("jpeg");
    fs::create_dir_all(&jpegs)?;
    let samples: Vec<u8> = (0..40 * 30 * 3u32).map(|i| (i * i / 97 % 256) as u8).collect();
    for (sampling, name) in [(SamplingFactor::F_1_1, "444"), (SamplingFactor::F_2_2, "420")] {
        for progressive in [false, true] {
            for restarts in [0, 2] {
                let path = jpegs.join(format!("{name}_{progressive}_{restarts}.jpg"));
                let mut encoder = Encoder::new_file(path, 80)?;
                encoder.set_sampling_factor(sampling);
                encoder.set_progressive(progressive);
                encoder.set_restart_interval(restarts);
                encoder.encode(&samples, 40, 30, ColorType::Rgb)?;
            }
        }
    }
    Ok(())
}

/// What the target reads behind a header, and packed: the two bytes it wants first, then `y` and
/// `X` as arrays.
fn unpacked(pixels: &[u8], digits: &[u8], big_endian: bool) -> Vec<u8> {
    let words = |words: &[u32]| -> Vec<u8> {
        let bytes = |word: &u32| if big_endian { word.to_be_bytes() } else { word.to_le_bytes() };
        words.iter().flat_map(bytes).collect()
    };
    let array = |name: u8, shape: &[u32], content: &[u8]| {
        let mut body = words(&[6, 8, 9, 0, 5, 4 * shape.len() as u32]);
        body.extend(words(shape));
        body.extend(words(&[1, 1]));
        body.extend([name, 0, 0, 0, 0, 0, 0, 0]);
        body.extend(words(&[2, content.len() as u32]));
        body.extend(content);
        body.resize(body.len().next_multiple_of(8), 0);
        let mut array = words(&[14, body.len() as u32]);
        array.extend(body);
        array
    };
    let count = digits.len() as u32;
    let labels: Vec<u8> = digits.iter().map(|&d| if d == 0 { 10 } else { d }).collect();
    let labels = array(b'y', &[count, 1], &labels);
    let mut content = vec![u8::from(big_endian), (labels.len() / 8) as u8];
    content.extend(&labels);
    content.extend(array(b'X', &[32, 32, 3, count], pixels));
    content
}
