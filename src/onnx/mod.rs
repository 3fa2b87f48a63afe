//! Networks as ONNX files, for other programs.
//!
//! A file is given a photo's samples, 0 to 1; their normalisation is part of the graph. Weights are
//! in single precision, which holds published ones (half precision) exactly. The same weights give
//! the same bytes. Unit tests read the files again, and `tests/onnx.rs` compares their answers in
//! onnxruntime with this program's.

mod classifier;
mod graph;
mod proto;
mod unet;

#[cfg(test)]
mod tests;

pub use self::{classifier::of_classifier, unet::of_finder, unet::of_strokes};

/// Which weights a file is made of, which it says.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The model's name.
    pub name: &'a str,
    /// The SHA-256 of the weights' safetensors file, 64 lower-case hexadecimal digits.
    pub sha256: &'a str,
}

impl Source<'_> {
    /// The first entries of a file's metadata.
    fn entries(&self, network: &str) -> Vec<(&'static str, String)> {
        vec![
            ("model", self.name.to_owned()),
            ("network", network.to_owned()),
            ("weights_sha256", self.sha256.to_owned()),
            // ONNX's own names for what a picture's samples are.
            ("Image.ColorSpaceGamma", "SRGB".to_owned()),
            ("Image.NominalPixelRange", "Normalized_0_1".to_owned()),
        ]
    }
}
