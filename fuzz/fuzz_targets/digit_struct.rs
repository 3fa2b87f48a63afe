//! The reader of `digitStruct.mat` on anything: it reads or refuses.
#![no_main]

use std::path::Path;

use doorplate::dataset::digit_struct::digit_struct_from_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match digit_struct_from_bytes(Path::new("list.mat"), data.to_vec()) {
        Ok(photos) => {
            for photo in photos {
                assert!(!photo.name.is_empty() && !photo.name.contains(['/', '\\']));
                assert!(photo.digits.iter().all(|digit| digit.digit <= 9));
            }
        }
        Err(error) => assert!(error.to_string().starts_with("list.mat: ")),
    }
});
