//! A JPEG of any bytes is decoded, and written again with a change, or refused.
//!
//! The photo beside it has the size in the file's frame, so that most files are read to their end.
#![no_main]

use doorplate::photo::{BoxInPhoto, Change, Photo, PhotoSize, size_from_header, with_changes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(size) = size_from_header(data) else { return };
    let pixels = u64::from(size.width) * u64::from(size.height);
    // Large ones only take longer.
    if pixels > 1 << 16 {
        return;
    }
    // Whatever it is, decoding ends, and gives the size in the header.
    if let Ok(photo) = Photo::decode(data) {
        assert_eq!(photo.stored_size(), size);
    }
    let PhotoSize { width, height } = size;
    let samples = (0..3 * pixels).map(|i| (i % 251) as u8).collect();
    let Some(photo) = Photo::from_rgb8(size, samples) else { return };
    let area = BoxInPhoto { left: 0, top: 0, width: width.div_ceil(2), height: height.div_ceil(3) };
    let changed: Vec<bool> = (0..area.width * area.height).map(|i| i % 3 > 0).collect();
    let change = Change { area, pixels: &changed };
    if let Ok(new) = with_changes(data, &photo, &[change], None) {
        // What is written can be read, and has nothing more to change.
        let again = with_changes(&new, &photo, &[], None).expect("it was written here");
        assert_eq!(again, new);
    }
});
