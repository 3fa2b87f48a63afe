//! What several test files share. Each uses a part of it.
#![allow(dead_code, reason = "every test file is a crate of its own and uses a part")]

#[cfg(feature = "native")]
pub mod shop;

#[cfg(feature = "native")]
use std::process::Command;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

#[cfg(feature = "native")]
use burn::tensor::Device;
use doorplate::photo::{BoxInPhoto, PhotoSize};
#[cfg(feature = "native")]
use doorplate::{
    classifier::{Architecture, Classifier, Network, seeded},
    removal::Nets,
    strokes::STROKE_NET,
    unet::{UNet, UNetModel},
};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

/// A classifier with untrained weights, the same in every run.
#[cfg(feature = "native")]
pub fn untrained_classifier() -> Classifier {
    let device = Device::flex();
    let architecture = Architecture::named("ConvNet48_Dropout3").expect("a network");
    let net = seeded(Network::new(architecture, &device), 11);
    Classifier::new(net, device).expect("the CPU reads its own weights")
}

/// Networks to remove with, untrained: without the one that finds strokes, and with it.
#[cfg(feature = "native")]
pub fn untrained_nets() -> [Nets; 2] {
    let classifier = untrained_classifier();
    let device = Device::flex();
    let strokes = seeded(UNet::new(&STROKE_NET, &device), 11);
    let strokes = Some(UNetModel::new(&STROKE_NET, strokes, device).expect("weights").into());
    [Nets { classifier: classifier.clone(), strokes: None }, Nets { classifier, strokes }]
}

/// A colourful picture in which no two neighbours are alike.
pub fn colourful(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 7 + y * 3) as u8, (x * 2 + y * 11) as u8, (x * y + 40) as u8])
    })
}

/// The file of a picture in some format.
pub fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("the format holds this kind of picture");
    bytes.into_inner()
}

/// The pixels of `size` that lie in none of `boxes`, as numbers row after row.
pub fn pixels_outside(size: PhotoSize, boxes: &[BoxInPhoto]) -> Vec<usize> {
    let mut outside = Vec::new();
    for y in 0..size.height {
        for x in 0..size.width {
            if !boxes.iter().any(|area| area.contains(x, y)) {
                outside.push((y * size.width + x) as usize);
            }
        }
    }
    outside
}

/// How a run of the program ended.
pub struct Ran {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Ran {
    /// What the program printed, after checking that it succeeded.
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// The JSON that the program printed, after checking that it succeeded.
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.done()).expect("--json prints JSON")
    }

    /// What the program complained about, after checking that it failed with this exit code, in
    /// one message and without a panic.
    pub fn refused(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert!(self.stderr.matches("(os error").count() < 2, "said twice: {}", self.stderr);
        self.stderr
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The built program, to be given its arguments. It takes models from `models` in its folder.
#[cfg(feature = "native")]
pub fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_doorplate"));
    program.env("DOORPLATE_MODELS", "models");
    program
}

/// Runs the program in `folder`; `command` is split at blanks.
#[cfg(feature = "native")]
pub fn doorplate(folder: &Path, command: &str) -> Ran {
    let output = program().current_dir(folder).args(command.split_whitespace()).output();
    Ran::from(output.expect("the built program starts"))
}

/// The names in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The folder with the real SVHN's Format 1 `train` and `test`, or `None` (with the reason printed)
/// where it is not at hand.
pub fn svhn() -> Option<PathBuf> {
    let folder = std::env::var_os("SVHN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/svhn/format1"),
        PathBuf::from,
    );
    if folder.join("test").is_dir() {
        return Some(folder);
    }
    println!(
        "skipped: no SVHN at {}; set SVHN to the folder that holds Format 1's train and test",
        folder.display()
    );
    None
}
