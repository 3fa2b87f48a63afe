//! The reader of Format 2 on anything: it reads or refuses.
//!
//! Each input is read three times: as it is, with a sound header before it, and as what a sound
//! header's one packed element unpacks to. The fuzzer would find neither a header nor a stream
//! with its checksum by chance.
#![no_main]

use std::{io::Write, path::Path};

use doorplate::{
    dataset::format2::{CROP_BYTES, Format2},
    fault::with_causes,
};
use flate2::{Compression, write::ZlibEncoder};
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8]) {
    match Format2::from_bytes(Path::new("crops.mat"), bytes) {
        Ok(data) => {
            assert!(!data.is_empty());
            assert_eq!(data.crops.len(), data.digits.len() * CROP_BYTES);
            assert!(data.digits.iter().all(|&digit| digit <= 9));
        }
        Err(error) => assert!(with_causes(&error).starts_with("crops.mat: ")),
    }
}

/// The header of a file with the lowest byte first, or last.
fn header(big_endian: bool) -> Vec<u8> {
    let mut header = b"MATLAB 5.0 MAT-file".to_vec();
    header.resize(124, b' ');
    header.extend(if big_endian { b"\x01\0MI" } else { b"\0\x01IM" });
    header
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("in memory");
    encoder.finish().expect("in memory")
}

fuzz_target!(|data: &[u8]| {
    read(data);
    // The first byte says which order; the second where the second variable begins.
    let [order, split, content @ ..] = data else { return };
    let big_endian = order % 2 == 1;
    read(&[&header(big_endian), content].concat());
    let mut file = header(big_endian);
    let split = (usize::from(*split) * 8).min(content.len());
    for content in [&content[..split], &content[split..]] {
        let content = packed(content);
        for word in [15, content.len() as u32] {
            file.extend(if big_endian { word.to_be_bytes() } else { word.to_le_bytes() });
        }
        file.extend(content);
    }
    read(&file);
});
