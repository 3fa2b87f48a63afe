//! What a general OCR still reads where numbers were removed: RapidOCR, through Python.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use image::{DynamicImage, RgbImage};
use serde::Deserialize;
use tempfile::TempDir;

use super::removal_peers::{PeersError, run_python, write_png};

const SCRIPT: &str = include_str!("../../benches/removal_ghosts.py");

/// Crops for the OCR, in a temporary folder.
#[derive(Debug)]
pub struct GhostCrops {
    folder: TempDir,
    names: Vec<String>,
}

impl GhostCrops {
    /// None yet.
    ///
    /// # Errors
    /// [`PeersError::File`] when temporary files cannot be written.
    pub fn new() -> Result<Self, PeersError> {
        let folder = tempfile::tempdir()
            .map_err(|source| PeersError::File { path: std::env::temp_dir(), source })?;
        Ok(GhostCrops { folder, names: Vec::new() })
    }

    /// Adds a crop.
    ///
    /// # Errors
    /// [`PeersError::File`].
    pub fn add(&mut self, crop: RgbImage) -> Result<(), PeersError> {
        let name = format!("{}.png", self.names.len());
        write_png(&self.folder.path().join(&name), &DynamicImage::ImageRgb8(crop))?;
        self.names.push(name);
        Ok(())
    }

    /// The strings of digits that the OCR reads in each crop, unchanged and with contrast
    /// stretched.
    ///
    /// # Errors
    /// [`PeersError::NoPython`] if RapidOCR is not installed.
    pub fn read(self) -> Result<Vec<Vec<String>>, PeersError> {
        #[derive(Deserialize)]
        struct Answer {
            readings: Vec<Vec<String>>,
        }
        let write = |path: PathBuf, content: &str| -> Result<PathBuf, PeersError> {
            let error = |source: io::Error| PeersError::File { path: path.clone(), source };
            fs::write(&path, content).map_err(error)?;
            Ok(path)
        };
        let folder: &Path = self.folder.path();
        write(folder.join("crops.json"), &serde_json::Value::from(self.names.clone()).to_string())?;
        let script = write(folder.join("ghosts.py"), SCRIPT)?;
        let Answer { readings } =
            run_python("rapidocr-onnxruntime", &[script.as_os_str(), folder.as_os_str()])?;
        Ok(readings)
    }
}
