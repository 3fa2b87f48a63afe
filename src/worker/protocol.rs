//! What page and engine say to each other: plain data, encoded with postcard, no engine types.
//!
//! The page sends [`Request`]s and gets [`Reply`]s with the same id. A request may get several
//! replies ([`Answer::Models`], [`Answer::Progress`], [`Answer::Column`], [`Answer::Seen`] and
//! [`Answer::Notice`] or [`Answer::Warning`] before the last one).
//! If a newer request of the same kind is waiting, the older one is answered with
//! [`Answer::Superseded`] and skipped. [`Ask::Start`] and [`Ask::Switch`] both load a model and count
//! as one kind. [`Ask::Open`] also replaces all waiting requests about the previous photo.
//!
//! Requests are answered in order, except those two, [`Ask::Find`], [`Ask::FindIn`] and
//! [`Ask::Compare`]: while their files are fetched, the engine answers later requests with the model that
//! it has, and between two compared models, or two parts of the photo in which digits are looked for,
//! it answers what was asked meanwhile.

use serde::{Deserialize, Serialize};

pub use crate::classifier::{BoxReading, Reading};
pub use crate::evaluation::Confusion;
use crate::photo::{BoxInPhoto, LeftOut, PhotoSize, SaveChoice};
pub use crate::removal::{Check, Erasure, Method};

/// Says which question an answer is for. Ids grow by one, and no id is used twice.
pub type RequestId = u32;

/// One question to the engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The id that the replies carry.
    pub id: RequestId,
    /// The question.
    pub ask: Ask,
}

/// What the page may ask.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Ask {
    /// Fetch the manifest and a model's weights, choose a device, check it. The first request.
    /// Answered by [`Answer::Started`], with [`Answer::Models`] and [`Answer::Progress`] before.
    Start {
        /// URL of the folder with `manifest.json`, ending in a slash.
        models_url: String,
        /// The name of the wanted model. Without one, or if it cannot be loaded: the first model
        /// of the manifest that this program can use.
        model: Option<String>,
        /// Which devices may be tried.
        device: DeviceChoice,
        /// The adapter that [`Answer::SlowGpu`] named on an earlier visit; it is not tried again.
        slow_gpu: Option<String>,
    },
    /// Load another model, by the same steps, from the folder and for the devices of the start.
    /// Answered like [`Ask::Start`]; after a failure the model in use stays in use.
    Switch {
        /// The model's name in the manifest. No other is used instead.
        model: String,
    },
    /// Decode a photo and make it the open one. Answered by [`Answer::Opened`].
    Open {
        /// The file's bytes.
        #[serde(with = "serde_bytes")]
        file: Vec<u8>,
    },
    /// The open photo's pixels, for formats that the browser itself cannot show.
    /// Answered by [`Answer::Preview`].
    Preview,
    /// Find the digits in the open photo. The network for that is fetched when it is first asked for.
    /// Answered by [`Answer::Found`], with [`Answer::Seen`]s before.
    Find {
        /// The only part to look at, where a person says that there are digits.
        within: Option<BoxInPhoto>,
    },
    /// Find the digits in another photo, which does not become the open one. Answered by
    /// [`Answer::FoundIn`].
    FindIn {
        /// The page's number of the photo, for the answer.
        photo: u32,
        /// The file's bytes.
        #[serde(with = "serde_bytes")]
        file: Vec<u8>,
    },
    /// Read boxes on the open photo, each round a digit or round a whole number. Answered by
    /// [`Answer::Readings`], one reading a box, in order.
    Read {
        /// The boxes.
        boxes: Vec<BoxInPhoto>,
    },
    /// Remove the digits in these boxes from the open photo, all at once. Answered by
    /// [`Answer::Erased`].
    Erase {
        /// What is removed.
        erasure: Erasure,
        /// How.
        method: Method,
        /// Whether the result is checked, and more is filled if something is left; this takes
        /// several times as long.
        check: bool,
    },
    /// The open photo as a file at full resolution with these boxes removed, and checked as by
    /// [`Ask::Erase`]. Answered by [`Answer::Saved`].
    Save {
        /// What is removed.
        erasure: Erasure,
        /// How.
        method: Method,
        /// How the file is written.
        choice: SaveChoice,
    },
    /// Read the same boxes on the open photo with several models, each on the CPU, so that their
    /// times can be compared. Answered by [`Answer::Compared`], with [`Answer::Column`]s before;
    /// loaded models come first.
    Compare {
        /// The models' names in the manifest.
        models: Vec<String>,
        /// The boxes.
        boxes: Vec<BoxInPhoto>,
    },
    /// What the network computes for one box, and how its digit is removed: with the boxes that are
    /// filled together with it, the brush's strokes and all options. Answered by
    /// [`Answer::Inside`].
    Inspect {
        /// The box that is read.
        area: BoxInPhoto,
        /// The digit whose logit's gradient is asked for; without one, the digit read.
        digit: Option<u8>,
        /// What is removed: the grown box, and all boxes that are filled together with it. For a
        /// digit that is kept, only its box.
        erasure: Erasure,
        /// How.
        method: Method,
    },
}

/// Which devices the engine may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// WebGPU if it works and is faster, else the CPU, which also answers while WebGPU is tried.
    #[default]
    Auto,
    /// WebGPU if it works, even if it is slower.
    WebGpu,
    /// The CPU, without asking for WebGPU.
    Cpu,
}

/// One answer from the engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// The request's id.
    pub id: RequestId,
    /// The answer.
    pub answer: Answer,
}

/// What the engine may answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// The manifest's models, in its order, while one of them is being loaded.
    Models(Vec<ModelInfo>),
    /// How far [`Ask::Start`] or [`Ask::Switch`] has come; more answers follow.
    Progress(Progress),
    /// Something the user should know, in one sentence; the answer itself still follows.
    Notice(String),
    /// The same of what makes all results worse.
    Warning(String),
    /// This adapter was tried and is slower than the CPU. The answer itself still follows.
    SlowGpu(String),
    /// The engine is ready; this model answers from now on.
    Started(Box<EngineInfo>),
    /// The photo is decoded; its upright size.
    Opened {
        /// Upright size in pixels.
        size: PhotoSize,
    },
    /// The open photo's pixels.
    Preview {
        /// Upright size in pixels.
        size: PhotoSize,
        /// RGBA in sRGB, 8 bits a channel, alpha not multiplied in, rows from the top.
        #[serde(with = "serde_bytes")]
        rgba: Vec<u8>,
    },
    /// Boxes of what may be digits, before the whole photo was looked at: they may differ in the end.
    Seen(Vec<BoxInPhoto>),
    /// The digits in the open photo.
    Found {
        /// The boxes of those that are digits for sure.
        sure: Vec<BoxInPhoto>,
        /// The boxes of those that may be digits.
        unsure: Vec<BoxInPhoto>,
    },
    /// The digits in another photo.
    FoundIn {
        /// The page's number of the photo.
        photo: u32,
        /// Its upright size in pixels.
        size: PhotoSize,
        /// The boxes of those that are digits for sure, and what they read.
        sure: Vec<(BoxInPhoto, u8)>,
        /// The boxes of those that may be digits.
        unsure: Vec<BoxInPhoto>,
    },
    /// One reading a box, in the order of the request.
    Readings {
        /// The readings.
        readings: Vec<BoxReading>,
        /// Time from the request's start to its answer in the engine.
        milliseconds: f64,
        /// The device that answered.
        device: DeviceInfo,
    },
    /// The removal's result: draw these over the photo, in order. The report's methods fill each box
    /// alone, and where boxes overlap the later one is on top. With other methods no pixel is filled
    /// twice.
    Erased {
        /// One patch for each group of boxes that are filled together; for the report's methods one
        /// for each box, in the order of the erasure's boxes.
        patches: Vec<Patch>,
        /// The checks of the erasure's boxes, in their order; empty if no check was asked for.
        checks: Vec<Check>,
        /// Time from the request's start to its answer in the engine.
        milliseconds: f64,
        /// The device that answered.
        device: DeviceInfo,
    },
    /// The finished picture.
    Saved(SavedFile),
    /// How far one of the compared models is.
    Column(Column),
    /// All compared models have answered or said why they cannot.
    Compared,
    /// What is inside one box.
    Inside(Box<Inside>),
    /// Skipped: a newer request of this kind, or another photo, is waiting.
    Superseded,
    /// It could not be done.
    Failed(Failure),
}

/// A finished picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Its file.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// The ending of its name, by its format.
    pub extension: String,
    /// What was in the photo's file, and is not in this one.
    pub left_out: Vec<LeftOut>,
    /// Of a JPEG, why not only blocks with changed pixels were written again.
    pub reencoded_because: Option<String>,
}

/// How far the loading of a model has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Progress {
    /// Fetching the manifest.
    Manifest,
    /// Fetching weights.
    Weights {
        /// Bytes so far.
        received: u64,
        /// Bytes in all, from the manifest.
        total: u64,
    },
    /// Starting the device and comparing it with the CPU.
    Proving,
}

/// One of several models that read the same boxes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name in the manifest.
    pub model: String,
    /// How far it is.
    pub state: ColumnState,
}

/// How far one of several models is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ColumnState {
    /// It is being loaded.
    Loading(Progress),
    /// It has read the boxes.
    Read {
        /// One reading a box, in the order of the request.
        readings: Vec<Reading>,
        /// Time it took to cut the boxes out and read them.
        milliseconds: f64,
    },
    /// It failed; a sentence says why.
    Failed(String),
}

/// The engine that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// The device that will answer.
    pub device: DeviceInfo,
    /// The model that will answer.
    pub model: ModelInfo,
    /// Whether the weights came from the browser's cache.
    pub weights_from_cache: bool,
}

/// What the manifest says about a published model, for people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Its name in the manifest.
    pub name: String,
    /// Its network, for example `ConvNet48_Dropout3`.
    pub architecture: String,
    /// What the network takes, for people.
    pub input: String,
    /// The share of the digits it was measured on that it reads right, 0 to 1.
    pub accuracy: f64,
    /// How many digits these were.
    pub measured_digits: u64,
    /// Which digits these were, for example `SVHN Format 1, official test photos 1 to 500`.
    pub measured_on: String,
    /// How often it reads which digit as which, if the manifest says so; `measured_digits` in all.
    pub confusion: Option<Box<Confusion>>,
    /// What it was measured to read on other digits.
    pub also_measured: Vec<Figure>,
    /// What it was trained on.
    pub trained_on: String,
    /// How many digits that was.
    pub trained_digits: u64,
    /// The weights' size in bytes.
    pub bytes: u64,
    /// Their SHA-256, in hexadecimal.
    pub sha256: String,
    /// The command that trained it.
    pub command: String,
    /// The file of the training's curves in the models folder, SVG.
    pub curves: String,
    /// Why this program cannot use it, in a sentence; none where it can.
    pub obstacle: Option<String>,
}

/// How many of some digits a model reads right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The share, 0 to 1.
    pub accuracy: f64,
    /// How many digits these are.
    pub measured_digits: u64,
    /// Which digits these are.
    pub measured_on: String,
}

/// A device, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// Which kind.
    pub kind: DeviceKind,
    /// The adapter's name, or `CPU`, with a remark if it is faster than the GPU.
    pub name: String,
}

/// The kinds of device in a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    /// A GPU through WebGPU.
    WebGpu,
    /// The CPU, in WebAssembly.
    Cpu,
}

/// New pixels for a part of the photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Patch {
    /// Where it lies.
    pub area: BoxInPhoto,
    /// The boxes of the erasure whose digits it removes.
    pub boxes: Vec<BoxInPhoto>,
    /// RGBA in sRGB, 8 bits a channel, alpha not multiplied in, rows from the top. Pixels that
    /// are not filled hold the photo's own values.
    #[serde(with = "serde_bytes")]
    pub rgba: Vec<u8>,
    /// Which of its pixels the fill replaces, row after row: eight a byte, the first one the
    /// byte's lowest bit.
    #[serde(with = "serde_bytes")]
    pub filled: Vec<u8>,
}

impl Patch {
    /// The bytes of [`Patch::filled`].
    pub fn filled_of(pixels: &[bool]) -> Vec<u8> {
        let byte = |pixels: &[bool]| {
            pixels.iter().rev().fold(0, |byte, filled| byte << 1 | u8::from(*filled))
        };
        pixels.chunks(8).map(byte).collect()
    }

    /// Whether the fill replaces a pixel, by its column and row in the area.
    pub fn fills(&self, column: u32, row: u32) -> bool {
        let at = row as usize * self.area.width as usize + column as usize;
        self.filled.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    }
}

/// What a network computes for one box, and the steps of its digit's removal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inside {
    /// The box.
    pub area: BoxInPhoto,
    /// Rows and columns of the network's input, its gradient and the feature maps.
    pub side: u32,
    /// The part of the photo that the input shows: left, top, width and height in pixels. It may
    /// reach beyond the photo.
    pub input_in_photo: [f32; 4],
    /// The standardised input: plane after plane, row after row.
    pub input: Vec<f32>,
    /// How it is read.
    pub reading: Reading,
    /// The digit of the gradient.
    pub digit: u8,
    /// The gradient of that digit's logit by the input's samples, summed over its planes.
    pub gradient: Vec<f32>,
    /// The first convolution's outputs for the box, stretched to the input's square: map after
    /// map, row after row.
    pub maps: Vec<f32>,
    /// Each pixel's mean over the maps, and its standard deviation there (n - 1).
    pub mean: Vec<f32>,
    /// See `mean`.
    pub deviation: Vec<f32>,
    /// Mean minus deviation over the maps, counted in bins.
    pub histogram: Bins,
    /// The part of the photo that `strokes`, `key_pixels` and `fill` lie on.
    pub region: BoxInPhoto,
    /// Stroke probability of each filled pixel, 0 to 255, row after row over the region, and 0 where
    /// nothing is filled; empty without a network that finds strokes, or if the method does not use
    /// strokes.
    #[serde(with = "serde_bytes")]
    pub strokes: Vec<u8>,
    /// The region's key pixels, as column and row in it.
    pub key_pixels: Vec<(u32, u32)>,
    /// The rounds of fold-in, the key pixels alone first.
    pub rounds: Vec<RoundPicture>,
    /// The region without the digit, and without those that are filled together with it.
    pub fill: Patch,
}

/// Values counted in equal bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    /// The lowest value.
    pub low: f32,
    /// The highest value.
    pub high: f32,
    /// The bins' counts, from the lowest values to the highest.
    pub counts: Vec<u32>,
    /// The fullest bin.
    pub fullest: u32,
}

/// A round of fold-in as a picture, with a pixel for each crossing of the lattice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundPicture {
    /// Columns of the region that the lattice's columns lie on.
    pub columns: Vec<u32>,
    /// Rows of the region that the lattice's rows lie on.
    pub rows: Vec<u32>,
    /// RGBA of each crossing, row after row; transparent where there is no node yet.
    #[serde(with = "serde_bytes")]
    pub rgba: Vec<u8>,
}

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the page can do about it.
    pub kind: FailureKind,
    /// What was wrong, where, and what to do; a sentence or two for people.
    pub message: String,
}

/// Failures by what the page can do about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The photo cannot be used; another one can.
    Photo,
    /// Manifest or weights are missing, damaged, tampered with or of an unknown network; boxes
    /// and photo stay.
    Model,
    /// The request makes no sense now, for example nothing is open.
    Request,
    /// The engine itself failed; start a new worker.
    Engine,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filled_pixels_are_found_again() {
        let area = BoxInPhoto { left: 7, top: 9, width: 5, height: 3 };
        let filled: Vec<bool> = (0..15).map(|i| i % 4 == 1 || i == 14).collect();
        let filled_bits = Patch::filled_of(&filled);
        let patch = Patch { area, boxes: vec![area], rgba: Vec::new(), filled: filled_bits };
        assert_eq!(patch.filled.len(), 2);
        let again: Vec<bool> = (0..15).map(|i| patch.fills(i % 5, i / 5)).collect();
        assert_eq!(again, filled);
        assert!(!patch.fills(0, 9), "beyond the area");
    }
}
