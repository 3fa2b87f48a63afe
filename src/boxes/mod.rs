//! Box files of labelling tools, with one source file for each format.
//!
//! Each format's reader takes a file's bytes and gives boxes in pixels or in fractions of their
//! photo; [`PhotoBoxes::on`] puts them on the photo. The class of a box in the file is kept as its
//! label. A box whose label is not a digit counts as well.

mod coco;
mod csv;
mod json;
mod scalar;
#[cfg(feature = "dataset")]
mod svhn;
mod voc;
mod write;
mod yolo;

use std::{
    collections::HashMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

#[cfg(feature = "dataset")]
use crate::dataset::digit_struct::DigitStructError;
#[cfg(feature = "dataset")]
use crate::files::read_regular;
use crate::{
    photo::{BoxError, BoxInPhoto, LooseBox, PhotoSize},
    removal::BrushStroke,
};

pub use write::{LabelledPhoto, UNREAD_CLASS, write_list, write_one, yolo_classes};

/// The end of the name of a photo's own boxes file, behind the photo's stem.
pub const JSON_SUFFIX: &str = ".boxes.json";

/// The largest file of boxes: 1 GiB, some ten million boxes.
#[cfg(feature = "dataset")]
const MAX_LIST_BYTES: u64 = 1 << 30;

/// The largest file of one photo's boxes: 16 MiB.
#[cfg(feature = "dataset")]
pub(crate) const MAX_OWN_BYTES: u64 = 16 << 20;

/// The most boxes on one photo.
pub const MAX_BOXES: usize = 10_000;

/// What a YOLO folder calls the list of its classes.
pub const YOLO_CLASSES: &str = "classes.txt";

/// A format of boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BoxFormat {
    /// `{"boxes": [{"left": 1, "top": 2, "width": 3, "height": 4}]}` for one photo, or
    /// `{"photos": [{"photo": "1.png", "boxes": [...]}]}` for many; in pixels.
    Json,
    /// A table with a header line, and a line for each box; in pixels.
    Csv,
    /// A text file for each photo: class, centre x, centre y, width, height; in fractions. Predictions
    /// have their confidence at the end.
    Yolo,
    /// The same with the confidence behind the class.
    YoloConfidenceFirst,
    /// Pascal VOC, an XML file for each photo; in pixels.
    Voc,
    /// One JSON with images, annotations and categories; in pixels.
    Coco,
    /// SVHN's `digitStruct.mat`; in pixels.
    Svhn,
}

impl BoxFormat {
    /// All formats with the names that options give them.
    pub const NAMES: [(&'static str, BoxFormat); 7] = [
        ("json", BoxFormat::Json),
        ("csv", BoxFormat::Csv),
        ("yolo", BoxFormat::Yolo),
        ("yolo-confidence-first", BoxFormat::YoloConfidenceFirst),
        ("voc", BoxFormat::Voc),
        ("coco", BoxFormat::Coco),
        ("svhn", BoxFormat::Svhn),
    ];

    /// The end of the name of a photo's own file, behind its stem; `None` for formats that hold
    /// many photos' boxes in one file.
    pub fn suffix(self) -> Option<&'static str> {
        match self {
            BoxFormat::Json => Some(JSON_SUFFIX),
            BoxFormat::Yolo | BoxFormat::YoloConfidenceFirst => Some(".txt"),
            BoxFormat::Voc => Some(".xml"),
            BoxFormat::Csv | BoxFormat::Coco | BoxFormat::Svhn => None,
        }
    }

    /// The format of a file by its name; `None` where that may be one of two JSONs.
    fn named(path: &Path) -> Option<Self> {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("csv" | "tsv") => Some(BoxFormat::Csv),
            Some("txt") => Some(BoxFormat::Yolo),
            Some("xml") => Some(BoxFormat::Voc),
            Some("mat") => Some(BoxFormat::Svhn),
            _ => None,
        }
    }

    /// Which of two JSONs a text is.
    fn of_json(text: &str) -> Self {
        if coco::looks_like(text) { BoxFormat::Coco } else { BoxFormat::Json }
    }
}

impl fmt::Display for BoxFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, format)| format == self).map(|(name, _)| *name);
        f.write_str(name.unwrap_or_default())
    }
}

/// What a box's numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pixels of the photo.
    Pixels,
    /// Parts of its width and of its height.
    Fractions,
}

/// A box as a file gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenBox {
    /// Where it lies; it may stick out of the photo.
    pub area: LooseBox,
    /// What the file calls it.
    pub label: Option<String>,
    /// Whether what it holds is kept. Only our JSON can say so.
    pub keep: bool,
}

impl GivenBox {
    /// A box that holds what is to be removed.
    pub fn new(area: LooseBox, label: Option<String>) -> Self {
        GivenBox { area, label, keep: false }
    }
}

/// The boxes of one photo as a file gives them.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoBoxes {
    /// The boxes, in the file's order; empty if the file says that the photo has none.
    pub boxes: Vec<GivenBox>,
    /// What their numbers count.
    pub unit: Unit,
    /// The size of the photo they were drawn on, if the file says so.
    pub drawn_on: Option<PhotoSize>,
    /// Strokes of the brush, oldest first, on the upright photo. Only our JSON has them.
    pub strokes: Vec<Arc<BrushStroke>>,
}

/// Why boxes cannot be put on their photo.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OnPhotoError {
    /// More than [`MAX_BOXES`].
    #[error("{boxes} boxes for one photo; the limit is {MAX_BOXES}")]
    TooMany {
        /// How many.
        boxes: usize,
    },
    /// One of them cannot be used.
    #[error("box {index} (counted from 1): {reason}")]
    Box {
        /// Its number, from 1.
        index: usize,
        /// What is wrong with it.
        reason: BoxError,
    },
    /// Strokes of the brush, or a mask, beside boxes that were drawn before the photo was turned.
    #[error(
        "its brush strokes or its mask are those of the upright photo, so its boxes are, too; leave \
         out --boxes-as-stored"
    )]
    UprightStrokes,
    /// The file was made for a photo of another size.
    #[error(
        "its boxes were drawn on a photo of {} x {} pixels, and this one has {} x {}",
        drawn_on.width, drawn_on.height, photo.width, photo.height
    )]
    OtherSize {
        /// What the file says.
        drawn_on: PhotoSize,
        /// The photo's size, upright.
        photo: PhotoSize,
    },
    /// They only fit the photo before it is turned upright.
    #[error(
        "its boxes fit the photo as it is stored ({} x {} pixels), but not upright, as its EXIF \
         orientation shows it ({} x {}). If they were drawn before it was turned, give \
         --boxes-as-stored on the command line",
        stored.width, stored.height, stored.height, stored.width
    )]
    AsStored {
        /// The size before it is turned.
        stored: PhotoSize,
    },
    /// They are all smaller than a pixel, in the first one's corner.
    #[error(
        "its boxes look like fractions of the photo (box 1 is {width} x {height}), and this \
         format gives pixels"
    )]
    Fractions {
        /// Width of the first box.
        width: f64,
        /// Height of the first box.
        height: f64,
    },
}

impl PhotoBoxes {
    /// Boxes in pixels.
    fn in_pixels(boxes: Vec<GivenBox>) -> Self {
        Self::new(boxes, Unit::Pixels)
    }

    /// Boxes in a unit.
    pub fn new(boxes: Vec<GivenBox>, unit: Unit) -> Self {
        PhotoBoxes { boxes, unit, drawn_on: None, strokes: Vec::new() }
    }

    /// The boxes on a photo, limited to it by [`LooseBox::clamp_to`].
    ///
    /// # Errors
    /// [`OnPhotoError`] when one of them cannot be used: then none should be, as what it held
    /// would be left on the photo.
    pub fn on(&self, photo: PhotoSize) -> Result<Vec<BoxInPhoto>, OnPhotoError> {
        if self.boxes.len() > MAX_BOXES {
            return Err(OnPhotoError::TooMany { boxes: self.boxes.len() });
        }
        if let Some(drawn_on) = self.drawn_on.filter(|drawn_on| *drawn_on != photo) {
            return Err(OnPhotoError::OtherSize { drawn_on, photo });
        }
        let (across, down) = match self.unit {
            Unit::Pixels => (1.0, 1.0),
            Unit::Fractions => (f64::from(photo.width), f64::from(photo.height)),
        };
        if let Some(first) = self.boxes.first()
            && self.unit == Unit::Pixels
            && self.boxes.iter().all(|given| within_a_pixel(given.area))
        {
            let LooseBox { width, height, .. } = first.area;
            return Err(OnPhotoError::Fractions { width, height });
        }
        let on_photo = |(i, given): (usize, &GivenBox)| {
            let LooseBox { left, top, width, height } = given.area;
            let area = LooseBox {
                left: left * across,
                top: top * down,
                width: width * across,
                height: height * down,
            };
            area.clamp_to(photo).map_err(|reason| OnPhotoError::Box { index: i + 1, reason })
        };
        self.boxes.iter().enumerate().map(on_photo).collect()
    }

    /// The same for a photo that is stored lying on its side, with this size, and turned upright to
    /// be shown.
    ///
    /// # Errors
    /// As [`PhotoBoxes::on`], and [`OnPhotoError::AsStored`] when they only fit the stored size: then
    /// they are taken for boxes that were drawn before the photo was turned.
    pub fn on_turned(&self, stored: PhotoSize) -> Result<Vec<BoxInPhoto>, OnPhotoError> {
        let upright = PhotoSize { width: stored.height, height: stored.width };
        let drawn_on_stored = self.drawn_on == Some(stored) && stored != upright;
        if drawn_on_stored || !self.fit(upright) && self.fit(stored) {
            return Err(OnPhotoError::AsStored { stored });
        }
        self.on(upright)
    }

    /// Whether no box sticks out of a photo of this size by more than a pixel.
    fn fit(&self, photo: PhotoSize) -> bool {
        let within = |start: f64, length: f64, side: u32| start + length <= f64::from(side) + 1.0;
        self.unit == Unit::Fractions
            || self.boxes.iter().all(|given| {
                let LooseBox { left, top, width, height } = given.area;
                within(left, width, photo.width) && within(top, height, photo.height)
            })
    }

    /// The first label that is not a digit.
    pub fn foreign_label(&self) -> Option<&str> {
        let labels = self.boxes.iter().filter_map(|given| given.label.as_deref());
        labels.into_iter().find(|label| digit_of_class(label).is_none())
    }
}

/// The smallest upright box round these points; `None` if there are none.
fn around(points: impl IntoIterator<Item = [f64; 2]>) -> Option<LooseBox> {
    let mut extent: Option<[[f64; 2]; 2]> = None;
    for point in points {
        let [least, most] = extent.get_or_insert([point; 2]);
        for way in [0, 1] {
            // Not by `min` and `max`, which would pass over what is no number.
            let value = point[way];
            if value < least[way] || value.is_nan() {
                least[way] = value;
            }
            if value > most[way] || value.is_nan() {
                most[way] = value;
            }
        }
    }
    let [[left, top], [right, bottom]] = extent?;
    Some(LooseBox { left, top, width: right - left, height: bottom - top })
}

/// Whether a box lies in the photo's first pixel and not on its edges: no digit does.
fn within_a_pixel(area: LooseBox) -> bool {
    let LooseBox { left, top, width, height } = area;
    let inside = |start: f64, length: f64| start >= 0.0 && length > 0.0 && start + length <= 1.0;
    inside(left, width) && inside(top, height) && (width < 1.0 || height < 1.0)
}

/// The digit that a class stands for: its name is the digit, or SVHN's 10 for 0.
pub fn digit_of_class(class: &str) -> Option<u8> {
    match class.trim().parse::<u8>() {
        Ok(10) => Some(0),
        Ok(digit @ 0..=9) => Some(digit),
        _ => None,
    }
}

/// The boxes of many photos, by the name that the file gives each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BoxList {
    photos: HashMap<String, PhotoBoxes>,
}

impl BoxList {
    /// The boxes of the photo of this name; none at all where the file does not name it.
    pub fn get(&self, name: &str) -> Option<&PhotoBoxes> {
        self.photos.get(name)
    }

    /// The folder that all of its photos are in, by the names that the file gives them: many tools name
    /// photos by their place on the machine where they were labelled. `None` if there is none.
    pub fn common_folder(&self) -> Option<String> {
        let folders =
            self.names().map(|name| name.rsplit_once('/').map_or("", |(folder, _)| folder));
        let common = folders.reduce(|common, folder| {
            let same = common.split('/').zip(folder.split('/')).take_while(|(a, b)| a == b);
            let length: usize = same.map(|(part, _)| part.len() + 1).sum();
            &common[..length.saturating_sub(1)]
        });
        common.filter(|folder| !folder.is_empty()).map(str::to_owned)
    }

    /// The photos' names, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.photos.keys().map(String::as_str)
    }

    /// The boxes of a photo, in pixels, to which more can be added.
    fn boxes_of(&mut self, name: &str) -> &mut Vec<GivenBox> {
        let photo = self.photos.entry(plain_name(name));
        &mut photo.or_insert_with(|| PhotoBoxes::in_pixels(Vec::new())).boxes
    }

    /// Adds a photo; an error if it is already in the list.
    fn add(&mut self, name: &str, boxes: PhotoBoxes) -> Result<(), String> {
        match self.photos.insert(plain_name(name), boxes) {
            None => Ok(()),
            Some(_) => Err(format!("the photo {name} is listed twice")),
        }
    }
}

/// A photo's name with `/` between folders, no `./` in front, and accents composed with their letters:
/// some systems store the two apart, so that names look the same but are not.
pub fn plain_name(name: &str) -> String {
    let name = name.replace('\\', "/");
    composed(name.trim_start_matches("./"))
}

cfg_if::cfg_if! {
    if #[cfg(not(target_arch = "wasm32"))] {
        /// A name with accents composed with their letters (Unicode's form NFC).
        pub fn composed(name: &str) -> String {
            unicode_normalization::UnicodeNormalization::nfc(name).collect()
        }

        /// A name with accents apart from their letters (NFD), as older Macs store it.
        pub fn decomposed(name: &str) -> String {
            unicode_normalization::UnicodeNormalization::nfd(name).collect()
        }
    } else {
        /// The same, by the browser, which has the tables for that.
        fn composed(name: &str) -> String {
            js_sys::JsString::from(name).normalize("NFC").into()
        }
    }
}

/// What a file of boxes holds.
#[derive(Clone, Debug, PartialEq)]
pub enum BoxFile {
    /// One photo's boxes, without the name of the photo.
    One(PhotoBoxes),
    /// Many photos' boxes.
    Many(BoxList),
}

/// What is wrong in a file, and in which line, counted from 1, if that is known.
#[derive(Debug, PartialEq)]
struct Problem {
    line: Option<usize>,
    what: String,
}

impl Problem {
    fn new(line: impl Into<Option<usize>>, what: impl Into<String>) -> Self {
        Problem { line: line.into(), what: what.into() }
    }

    fn in_file(self, path: &Path) -> BoxFileError {
        let Problem { line, what } = self;
        BoxFileError::Damaged { path: path.to_owned(), line, problem: what }
    }
}

/// Why a file of boxes cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoxFileError {
    /// It cannot be read from disk.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its content is not what it should be.
    #[error("{}{}: {problem}", path.display(), line.map_or(String::new(), |line| format!(":{line}")))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, if it is known.
        line: Option<usize>,
        /// What is wrong.
        problem: String,
    },
    /// It is a damaged `digitStruct.mat`.
    #[cfg(feature = "dataset")]
    #[error(transparent)]
    Svhn(#[from] DigitStructError),
}

/// Reads a file of boxes; without a format, the file's name decides.
///
/// # Errors
/// [`BoxFileError`] with file and line when any part of the file cannot be read: half a list would
/// leave digits on photos.
#[cfg(feature = "dataset")]
pub fn read_box_file(path: &Path, format: Option<BoxFormat>) -> Result<BoxFile, BoxFileError> {
    read_up_to(path, format, MAX_LIST_BYTES)
}

/// Reads the file of one photo's boxes, which is small; without a format, the file's name decides.
///
/// # Errors
/// As [`read_box_file`], and if the file is larger than 16 MiB.
#[cfg(feature = "dataset")]
pub fn read_own_box_file(path: &Path, format: Option<BoxFormat>) -> Result<BoxFile, BoxFileError> {
    read_up_to(path, format, MAX_OWN_BYTES)
}

#[cfg(feature = "dataset")]
fn read_up_to(path: &Path, format: Option<BoxFormat>, limit: u64) -> Result<BoxFile, BoxFileError> {
    let file_error = |path: &Path, source| BoxFileError::File { path: path.to_owned(), source };
    let read = |path: &Path| read_regular(path, limit).map_err(|source| file_error(path, source));
    let bytes = read(path)?;
    let known = format.or_else(|| BoxFormat::named(path));
    let mut classes = None;
    if matches!(known, Some(BoxFormat::Yolo | BoxFormat::YoloConfidenceFirst)) {
        let list = path.with_file_name(YOLO_CLASSES);
        classes = match read(&list) {
            Ok(bytes) => Some(utf8(bytes).map_err(|problem| problem.in_file(&list))?),
            Err(BoxFileError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                None
            }
            Err(error) => return Err(error),
        };
    }
    box_file_from_bytes(path, bytes, format, classes.as_deref())
}

/// Reads a file's content; without a format, the file's name decides. `classes` is the text of
/// YOLO's list beside it, if there is one.
///
/// # Errors
/// [`BoxFileError`] with file and line when any part of it cannot be read, as above.
pub fn box_file_from_bytes(
    path: &Path,
    bytes: Vec<u8>,
    format: Option<BoxFormat>,
    classes: Option<&str>,
) -> Result<BoxFile, BoxFileError> {
    let order = match format {
        Some(BoxFormat::YoloConfidenceFirst) => yolo::Order::ConfidenceFirst,
        Some(_) => yolo::Order::ConfidenceLast,
        None => yolo::Order::Unknown,
    };
    let format = format.or_else(|| BoxFormat::named(path));
    #[cfg(feature = "dataset")]
    if format == Some(BoxFormat::Svhn) {
        return Ok(BoxFile::Many(svhn::read(path, bytes)?));
    }
    let text = utf8(bytes).map_err(|problem| problem.in_file(path))?;
    let parsed = match format.unwrap_or_else(|| BoxFormat::of_json(&text)) {
        BoxFormat::Json => json::parse(&text),
        BoxFormat::Csv => csv::parse(&text).map(BoxFile::Many),
        BoxFormat::Voc => voc::parse(&text).map(BoxFile::One),
        BoxFormat::Coco => coco::parse(&text).map(BoxFile::Many),
        BoxFormat::Yolo | BoxFormat::YoloConfidenceFirst => {
            let classes = classes.map(yolo::classes);
            yolo::parse(&text, classes.as_deref(), order).map(BoxFile::One)
        }
        // Only here without the reader above.
        BoxFormat::Svhn => {
            Err(Problem::new(None, "MATLAB files are read by the native program only"))
        }
    };
    parsed.map_err(|problem| problem.in_file(path))
}

/// Whether a file that ends like a photo's box file is YOLO's list of classes instead.
pub fn is_class_list(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == YOLO_CLASSES)
}

/// A file's text without a byte-order mark. It may be UTF-8, or UTF-16 with such a mark, as
/// PowerShell and Excel write it.
fn utf8(bytes: Vec<u8>) -> Result<String, Problem> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text: Result<String, _> =
            char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
        match text {
            Ok(text) if rest.is_empty() => Ok(text),
            _ => Err(Problem::new(None, "this is damaged UTF-16 text")),
        }
    };
    match bytes.as_slice() {
        [0xFF, 0xFE, text @ ..] => return wide(text, u16::from_le_bytes),
        [0xFE, 0xFF, text @ ..] => return wide(text, u16::from_be_bytes),
        _ => {}
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        Problem::new(line, "this is not UTF-8 text; save the file as UTF-8")
    })?;
    if text.starts_with('\u{FEFF}') {
        text.remove(0);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const SIZE: PhotoSize = PhotoSize { width: 200, height: 100 };

    pub(super) fn given(area: [f64; 4], label: Option<&str>) -> GivenBox {
        let [left, top, width, height] = area;
        let area = LooseBox { left, top, width, height };
        GivenBox::new(area, label.map(str::to_owned))
    }

    fn boxes(unit: Unit, areas: &[[f64; 4]]) -> PhotoBoxes {
        let boxes = areas.iter().map(|area| given(*area, None)).collect();
        PhotoBoxes::new(boxes, unit)
    }

    #[test]
    fn fractions_and_pixels_come_to_the_same_place() {
        let pixels = boxes(Unit::Pixels, &[[20.0, 10.0, 40.0, 50.0]]).on(SIZE);
        let fractions = boxes(Unit::Fractions, &[[0.1, 0.1, 0.2, 0.5]]).on(SIZE);
        assert_eq!(pixels, fractions);
        let expected = BoxInPhoto { left: 20, top: 10, width: 40, height: 50 };
        assert_eq!(pixels, Ok(vec![expected]));
    }

    #[test]
    fn a_box_that_sticks_out_is_cut_and_one_bad_box_refuses_all() {
        let sticking_out = boxes(Unit::Fractions, &[[-0.1, 0.5, 0.2, 0.9]]).on(SIZE);
        let expected = BoxInPhoto { left: 0, top: 50, width: 20, height: 50 };
        assert_eq!(sticking_out, Ok(vec![expected]));
        let good = [20.0, 10.0, 40.0, 50.0];
        for bad in [[1.0, 1.0, -5.0, 5.0], [1.0, 1.0, 5.0, 0.0], [300.0, 1.0, 5.0, 5.0]] {
            let error = boxes(Unit::Pixels, &[good, bad]).on(SIZE).expect_err("a bad box");
            assert!(matches!(error, OnPhotoError::Box { index: 2, .. }), "{error}");
        }
        let nan = boxes(Unit::Fractions, &[[f64::NAN, 0.0, 0.1, 0.1]]).on(SIZE);
        assert!(matches!(nan, Err(OnPhotoError::Box { index: 1, .. })));
    }

    #[test]
    fn fractions_given_as_pixels_are_noticed() {
        let fractions = boxes(Unit::Pixels, &[[0.1, 0.2, 0.3, 0.4], [0.5, 0.2, 0.5, 0.8]]);
        assert!(matches!(fractions.on(SIZE), Err(OnPhotoError::Fractions { .. })));
        // One box with real pixels, or one whole pixel, is taken at its word.
        boxes(Unit::Pixels, &[[0.1, 0.2, 0.3, 0.4], [50.0, 2.0, 9.0, 9.0]]).on(SIZE).expect("cut");
        boxes(Unit::Pixels, &[[0.0, 0.0, 1.0, 1.0]]).on(SIZE).expect("a pixel");
    }

    #[test]
    fn boxes_of_another_size_of_photo_are_refused() {
        let mut boxes = boxes(Unit::Pixels, &[[20.0, 10.0, 40.0, 50.0]]);
        boxes.drawn_on = Some(SIZE);
        boxes.on(SIZE).expect("the same size");
        boxes.drawn_on = Some(PhotoSize { width: 100, height: 200 });
        let message = boxes.on(SIZE).expect_err("another size").to_string();
        assert!(message.contains("100 x 200") && message.contains("200 x 100"), "{message}");
    }

    #[test]
    fn classes_are_digits_by_their_names() {
        assert_eq!(digit_of_class("0"), Some(0));
        assert_eq!(digit_of_class(" 9 "), Some(9));
        assert_eq!(digit_of_class("10"), Some(0));
        for other in ["11", "-1", "", "car", "1.0", "number"] {
            assert_eq!(digit_of_class(other), None, "{other}");
        }
        let mut boxes = boxes(Unit::Pixels, &[]);
        boxes.boxes = vec![given([0.0; 4], Some("3")), given([0.0; 4], Some("plate"))];
        assert_eq!(boxes.foreign_label(), Some("plate"));
    }

    #[test]
    fn a_format_is_told_by_the_name_and_of_two_jsons_by_the_content() {
        let of = |name: &str, text: &str| {
            BoxFormat::named(Path::new(name)).unwrap_or_else(|| BoxFormat::of_json(text))
        };
        assert_eq!(of("a.CSV", ""), BoxFormat::Csv);
        assert_eq!(of("a.txt", ""), BoxFormat::Yolo);
        assert_eq!(of("a.xml", ""), BoxFormat::Voc);
        assert_eq!(of("digitStruct.mat", ""), BoxFormat::Svhn);
        assert_eq!(of("a.json", r#"{"images": [], "annotations": []}"#), BoxFormat::Coco);
        assert_eq!(of("a.json", r#"{"boxes": []}"#), BoxFormat::Json);
        assert_eq!(of("a", "{"), BoxFormat::Json);
    }

    #[test]
    fn boxes_that_only_fit_the_stored_photo_are_named_as_such() {
        // Stored 200 x 100, shown 100 x 200.
        let on_turned = |areas: &[[f64; 4]], drawn_on| {
            PhotoBoxes { drawn_on, ..boxes(Unit::Pixels, areas) }.on_turned(SIZE)
        };
        let upright = PhotoSize { width: 100, height: 200 };
        let as_stored = Err(OnPhotoError::AsStored { stored: SIZE });
        assert_eq!(on_turned(&[[150.0, 10.0, 40.0, 50.0]], None), as_stored);
        assert_eq!(on_turned(&[[50.0, 10.0, 40.0, 50.0]], Some(SIZE)), as_stored);
        for drawn_on in [None, Some(upright)] {
            on_turned(&[[50.0, 140.0, 40.0, 50.0]], drawn_on).expect("upright");
        }
        // One that fits neither is cut or refused as on any photo.
        on_turned(&[[50.0, 140.0, 60.0, 50.0]], None).expect("cut");
        let fractions = boxes(Unit::Fractions, &[[0.5, 0.5, 0.5, 0.5]]).on_turned(SIZE);
        assert_eq!(fractions.map(|areas| areas[0].height), Ok(100));
        let message = OnPhotoError::AsStored { stored: SIZE }.to_string();
        assert!(
            message.contains("200 x 100") && message.contains("--boxes-as-stored"),
            "{message}"
        );
    }

    #[test]
    fn a_list_s_photos_may_all_be_in_one_folder() {
        let of = |names: &[&str]| {
            let mut list = BoxList::default();
            for name in names {
                list.add(name, boxes(Unit::Pixels, &[])).expect("a new one");
            }
            list.common_folder()
        };
        assert_eq!(of(&["C:\\data\\a\\1.jpg", "C:/data/a/b/2.jpg"]), Some("C:/data/a".to_owned()));
        assert_eq!(of(&["/x/1.jpg", "/x/2.jpg"]), Some("/x".to_owned()));
        assert_eq!(of(&["ab/1.jpg", "abc/2.jpg"]), None);
        assert_eq!(of(&["a/1.jpg", "2.jpg"]), None);
        assert_eq!(of(&["1.jpg"]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn names_are_the_same_whether_accents_are_apart_or_not() {
        let mut list = BoxList::default();
        list.add("Stra\u{DF}e/Cafe\u{301}.jpg", boxes(Unit::Pixels, &[])).expect("a new one");
        assert!(list.get(&plain_name("Stra\u{DF}e/Caf\u{E9}.jpg")).is_some());
        let twice = list.add("Stra\u{DF}e/Caf\u{E9}.jpg", boxes(Unit::Pixels, &[]));
        twice.expect_err("the same name");
    }

    #[test]
    fn points_that_are_no_numbers_do_not_get_lost() {
        let extent = around([[4.0, 2.0], [1.0, 9.0], [3.0, 3.0]]).expect("a box");
        assert_eq!(extent, LooseBox { left: 1.0, top: 2.0, width: 3.0, height: 7.0 });
        let area = around([[4.0, 2.0], [f64::NAN, 9.0]]).expect("a box");
        area.clamp_to(SIZE).expect_err("no number");
        assert_eq!(around([]), None);
    }

    #[test]
    fn a_text_that_is_none_says_in_which_line() {
        let problem = utf8(b"one\ntwo\n\xFFthree".to_vec()).expect_err("no UTF-8");
        assert_eq!(problem.line, Some(3));
        for half in [b"\xFF\xFEa\0b".as_slice(), b"\xFE\xFF\xD8\0"] {
            utf8(half.to_vec()).expect_err("half a letter");
        }
    }

    #[test]
    fn a_list_may_have_a_byte_order_mark_or_be_utf_16() {
        let own = r#"{"photos": [{"photo": "Straße.png", "boxes": []}]}"#;
        let coco = r#"{"images": [{"id": 1, "file_name": "Straße.png"}], "annotations": []}"#;
        let csv = "photo,left,top,width,height\nStraße.png,1,2,3,4\n";
        for (name, text) in [("a.json", own), ("b.json", coco), ("c.csv", csv)] {
            let wide = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
                mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
            };
            let files = [
                text.as_bytes().to_vec(),
                [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
                wide([0xFF, 0xFE], u16::to_le_bytes),
                wide([0xFE, 0xFF], u16::to_be_bytes),
            ];
            for bytes in files {
                let start = bytes[..3].to_vec();
                let file = box_file_from_bytes(Path::new(name), bytes, None, None);
                let Ok(BoxFile::Many(list)) = file else { panic!("{name}, {start:?}: {file:?}") };
                assert!(list.get("Straße.png").is_some(), "{name}, {start:?}");
            }
        }
    }
}
