//! Other programs' inpainting on the same photos: OpenCV's, through Python.
//!
//! Photos, boxes and masks are written to a temporary folder, a script fills them and writes them
//! back, and what comes back is measured like everything else.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Cursor},
    path::{Path, PathBuf},
    process::Command,
};

use image::{DynamicImage, GrayImage, ImageFormat, Luma, RgbImage};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::restoration::STROKE;
use crate::{fault::AtFault, photo::BoxInPhoto};

const SCRIPT: &str = include_str!("../../benches/removal_peers.py");

/// The radius of OpenCV's inpainting, in pixels: of 3 and 5 the one that gives better results on
/// drawn photos, by 0.1 to 0.2 dB.
pub const PEERS_RADIUS: u32 = 5;

/// Why peers cannot be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeersError {
    /// Python does not start, or the script fails in it.
    #[error(
        "{} cannot run {package} ({reason}); name a Python that has it in PYTHON", python.display()
    )]
    NoPython {
        /// The interpreter.
        python: PathBuf,
        /// What it should have.
        package: &'static str,
        /// The last line of its output.
        reason: String,
    },
    /// A file of the temporary folder cannot be written or read.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The script wrote something that is not a picture, or not the one asked for.
    #[error("{}: {reason}", path.display())]
    Answer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl AtFault for PeersError {}

/// Photos for the peers, in a temporary folder.
#[derive(Debug)]
pub struct PeerExamples {
    folder: TempDir,
    list: Vec<Value>,
}

/// One setting with which OpenCV filled the photos.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PeerWay {
    /// Telea's or Navier-Stokes.
    pub algorithm: String,
    /// What it filled: the whole boxes, Otsu's threshold in each, or the true strokes.
    pub mask: String,
    /// By how many pixels that mask was grown.
    pub dilation: u32,
    folder: String,
    /// Time taken, a photo.
    pub milliseconds: Vec<f64>,
}

/// The filled photos; the files go with it.
#[derive(Debug)]
pub struct Peers {
    folder: TempDir,
    /// OpenCV's version.
    pub version: String,
    /// All ways.
    pub ways: Vec<PeerWay>,
}

pub(super) fn write_png(path: &Path, picture: &DynamicImage) -> Result<(), PeersError> {
    let error = |source| PeersError::File { path: path.to_owned(), source };
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(|e| error(io::Error::other(e)))?;
    fs::write(path, bytes.into_inner()).map_err(error)
}

fn read_png(path: &Path) -> Result<DynamicImage, PeersError> {
    let bytes =
        fs::read(path).map_err(|source| PeersError::File { path: path.to_owned(), source })?;
    image::load_from_memory(&bytes)
        .map_err(|error| PeersError::Answer { path: path.to_owned(), reason: error.to_string() })
}

/// What a script prints as JSON, in the Python that the environment's `PYTHON` names or in `python3`.
pub(super) fn run_python<Answer: for<'de> Deserialize<'de>>(
    package: &'static str,
    arguments: &[&OsStr],
) -> Result<Answer, PeersError> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let failed = |reason: &str| {
        let reason = reason.lines().last().unwrap_or("it says nothing").to_owned();
        PeersError::NoPython { python: python.clone().into(), package, reason }
    };
    let output = Command::new(&python)
        .args(arguments)
        .output()
        .map_err(|error| failed(&error.to_string()))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(&error.to_string()))
}

impl PeerExamples {
    /// None yet.
    ///
    /// # Errors
    /// [`PeersError::File`] when temporary files cannot be written.
    pub fn new() -> Result<Self, PeersError> {
        let folder = tempfile::tempdir()
            .map_err(|source| PeersError::File { path: std::env::temp_dir(), source })?;
        Ok(PeerExamples { folder, list: Vec::new() })
    }

    /// Adds a photo with the boxes to be filled and, where it is known, how much of each pixel is
    /// a stroke.
    ///
    /// # Errors
    /// [`PeersError::File`].
    pub fn add(
        &mut self,
        photo: &RgbImage,
        boxes: &[BoxInPhoto],
        strokes: Option<&GrayImage>,
    ) -> Result<(), PeersError> {
        let number = self.list.len();
        let name = format!("{number}.png");
        write_png(&self.folder.path().join(&name), &DynamicImage::ImageRgb8(photo.clone()))?;
        let strokes = match strokes {
            Some(strokes) => {
                let name = format!("{number}-strokes.png");
                let mask = GrayImage::from_fn(strokes.width(), strokes.height(), |x, y| {
                    Luma([if strokes.get_pixel(x, y).0[0] >= STROKE { 255 } else { 0 }])
                });
                write_png(&self.folder.path().join(&name), &DynamicImage::ImageLuma8(mask))?;
                Some(name)
            }
            None => None,
        };
        let boxes: Vec<[u32; 4]> =
            boxes.iter().map(|area| [area.left, area.top, area.width, area.height]).collect();
        self.list.push(json!({ "photo": name, "strokes": strokes, "boxes": boxes }));
        Ok(())
    }

    /// Lets OpenCV fill all photos, in the Python that the environment's `PYTHON` names or in
    /// `python3`.
    ///
    /// # Errors
    /// [`PeersError::NoPython`] if that is not installed.
    pub fn run(self) -> Result<Peers, PeersError> {
        #[derive(Deserialize)]
        struct Answer {
            version: String,
            ways: Vec<PeerWay>,
        }
        let write = |name: &str, content: &str| {
            let path = self.folder.path().join(name);
            fs::write(&path, content)
                .map_err(|source| PeersError::File { path: path.clone(), source })?;
            Ok(path)
        };
        write("examples.json", &Value::from(self.list).to_string())?;
        let script = write("peers.py", SCRIPT)?;
        let radius = PEERS_RADIUS.to_string();
        let arguments = [script.as_os_str(), self.folder.path().as_os_str(), radius.as_ref()];
        let Answer { version, ways } = run_python("OpenCV", &arguments)?;
        Ok(Peers { folder: self.folder, version, ways })
    }
}

impl Peers {
    /// A photo, by its number from 0, filled with one setting.
    ///
    /// # Errors
    /// [`PeersError`] when the script did not write it.
    pub fn repaired(&self, way: &PeerWay, number: usize) -> Result<RgbImage, PeersError> {
        let path = self.folder.path().join(&way.folder).join(format!("{number}.png"));
        Ok(read_png(&path)?.to_rgb8())
    }

    /// Which pixels of it were filled.
    ///
    /// # Errors
    /// [`PeersError`] when the script did not write it.
    pub fn mask(&self, way: &PeerWay, number: usize) -> Result<GrayImage, PeersError> {
        let path = self.folder.path().join(&way.folder).join(format!("{number}-mask.png"));
        Ok(read_png(&path)?.to_luma8())
    }
}

impl PeerWay {
    /// What a table calls it.
    pub fn name(&self) -> String {
        match self.dilation {
            0 => format!("{}, {}", self.algorithm, self.mask),
            pixels => format!("{}, {} + {pixels} px", self.algorithm, self.mask),
        }
    }
}
