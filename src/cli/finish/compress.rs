//! Compressed copies beside the files of a built page.

use std::{fs, io::Write as _, path::Path, time::SystemTime};

use super::beside;
use crate::{cli::Result, files::write_whole};

/// Files worth compressing; pictures and weights hardly get smaller.
pub(super) const ENDINGS: [&str; 8] =
    ["wasm", "js", "css", "html", "json", "svg", "webmanifest", "md"];

/// Up to this size in bytes a file is compressed in one block; beyond, as the encoder chooses.
const ONE_BLOCK: usize = 4_000_000;

/// Compresses one file, unless its copies are newer than it.
pub(super) fn compress(file: &Path, quality: u8) -> Result<()> {
    let changed = fs::metadata(file)?.modified()?;
    let (brotli_path, gzip_path) = (beside(file, ".br"), beside(file, ".gz"));
    let newer = |path: &Path| {
        fs::metadata(path).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH) >= changed
    };
    if newer(&brotli_path) && newer(&gzip_path) {
        return Ok(());
    }
    let content = fs::read(file)?;
    let mut brotli = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: i32::from(quality),
        lgwin: 24,
        // The page's wasm gets smaller in one block, and the engine's, which is larger, in several.
        lgblock: if content.len() <= ONE_BLOCK { 24 } else { 0 },
        ..Default::default()
    };
    brotli::BrotliCompress(&mut content.as_slice(), &mut brotli, &parameters)?;
    write_whole(&brotli_path, &brotli)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&content)?;
    write_whole(&gzip_path, &gzip.finish()?)?;
    Ok(())
}
