//! Digits of typefaces under free licences, in addition to our own strokes.
//!
//! `assets/typefaces.json` pins which files of which packages, and how each typeface is used; `make
//! typefaces` fetches them. None of them is part of the program. Without them, only the digits of
//! `digits` are used.
//!
//! A digit is stored as a grid of distances to its outline, which is made when the digit is first
//! drawn. Reading it costs the same for every shape, and adding a constant makes the strokes
//! bolder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::dice::Dice;
use crate::fault::{AtFault, Fault};

/// The pinned list.
const LIST: &str = include_str!("../../assets/typefaces.json");

/// Which typefaces a number may be set in. What a classifier has learnt from one share can be
/// measured on letters it has never seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TypefaceSplit {
    /// Three in four, of every kind.
    Train,
    /// The rest.
    Validation,
}

/// What a typeface looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TypefaceKind {
    /// Narrow and upright.
    Condensed,
    /// Sober sans serifs.
    Grotesque,
    /// Sans serifs of circles and straight lines.
    Geometric,
    /// Strokes with round ends.
    Rounded,
    /// Squarish, as on machines.
    Technical,
    /// Thick and thin strokes with serifs.
    Serif,
    /// Serifs as thick as the strokes.
    Slab,
    /// Strokes with gaps.
    Stencil,
    /// Of the twenties, engraved, or neon tubes.
    Deco,
    /// Written with brush or nib.
    Script,
    /// Written with a marker or a pencil.
    Hand,
    /// Fat, broken or odd.
    Display,
    /// Made of dots.
    Dots,
}

impl TypefaceKind {
    /// All kinds, each with how many of a hundred numbers are set in it.
    const SHARES: [(TypefaceKind, u32); 13] = [
        (TypefaceKind::Condensed, 13),
        (TypefaceKind::Grotesque, 15),
        (TypefaceKind::Geometric, 8),
        (TypefaceKind::Rounded, 5),
        (TypefaceKind::Technical, 3),
        (TypefaceKind::Serif, 22),
        (TypefaceKind::Slab, 12),
        (TypefaceKind::Stencil, 2),
        (TypefaceKind::Deco, 3),
        (TypefaceKind::Script, 6),
        (TypefaceKind::Hand, 5),
        (TypefaceKind::Display, 5),
        (TypefaceKind::Dots, 1),
    ];
}

/// Why typefaces cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TypefaceError {
    /// The pinned list itself is damaged.
    #[error("assets/typefaces.json")]
    List {
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A font file is missing or cannot be read.
    #[error("{}: {reason}. Fetch the typefaces with `make typefaces`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// A font file is not the pinned one: other outlines would make other photos of a seed.
    #[error(
        "{}: not the file that assets/typefaces.json pins (its SHA-256 is {found}). Delete it and \
         fetch it again with `make typefaces`",
        path.display()
    )]
    NotPinned {
        /// The file.
        path: PathBuf,
        /// The SHA-256 found, in hexadecimal.
        found: String,
    },
    /// A font file cannot be unpacked.
    #[error("{}: not a WOFF file that can be unpacked ({message})", path.display())]
    Woff {
        /// The file.
        path: PathBuf,
        /// The unpacker's error.
        message: String,
    },
    /// A font has no usable outlines.
    #[error("{}: {message}", path.display())]
    Outlines {
        /// The file.
        path: PathBuf,
        /// What is missing.
        message: String,
    },
}

impl AtFault for TypefaceError {
    fn fault(&self) -> Fault {
        Fault::Input
    }
}

/// A typeface's line in the pinned list.
#[derive(Clone, Debug, Deserialize)]
pub struct PinnedTypeface {
    /// Its name.
    pub name: String,
    /// What it looks like.
    pub kind: TypefaceKind,
    /// What it is used for.
    pub split: TypefaceSplit,
    /// Its licence's SPDX identifier.
    pub licence: String,
    /// The npm package that holds it.
    pub package: String,
    /// That package's version.
    pub version: String,
    /// The packed package's digest, as npm writes it.
    pub integrity: String,
    /// The font files taken from it, one a weight.
    pub files: Vec<PinnedFile>,
}

/// A font file of a package.
#[derive(Clone, Debug, Deserialize)]
pub struct PinnedFile {
    /// Its path in the package; in the folder of typefaces it has its last part as name.
    pub file: String,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// The pinned list: every typeface that may be used.
///
/// # Errors
/// [`TypefaceError::List`] when `assets/typefaces.json` was damaged before the program was built.
pub fn pinned_typefaces() -> Result<Vec<PinnedTypeface>, TypefaceError> {
    #[derive(Deserialize)]
    struct List {
        typefaces: Vec<PinnedTypeface>,
    }
    let list: List = serde_json::from_str(LIST).map_err(|source| TypefaceError::List { source })?;
    Ok(list.typefaces)
}

/// The digits of many typefaces, ready to be drawn.
#[derive(Clone, Debug)]
pub struct Typefaces {
    /// Typefaces of each kind of [`TypefaceKind::SHARES`]; a typeface is a list of weights.
    kinds: Vec<(u32, Vec<Vec<Arc<Face>>>)>,
}

impl Typefaces {
    /// Reads the pinned typefaces of one share from the folder that `make typefaces` fills.
    ///
    /// # Errors
    /// [`TypefaceError`] when a file is missing, is not the pinned one, or holds no digits.
    pub fn open(folder: &Path, split: TypefaceSplit) -> Result<Self, TypefaceError> {
        let list = pinned_typefaces()?;
        let mut kinds: Vec<(u32, Vec<Vec<Arc<Face>>>)> = Vec::new();
        for (kind, share) in TypefaceKind::SHARES {
            let faces = list
                .iter()
                .filter(|pinned| pinned.split == split && pinned.kind == kind)
                .map(|pinned| pinned.files.iter().map(|file| read_face(folder, file)).collect())
                .collect::<Result<Vec<Vec<_>>, _>>()?;
            if !faces.is_empty() {
                kinds.push((share, faces));
            }
        }
        Ok(Typefaces { kinds })
    }

    /// How many typefaces there are, weights not counted.
    pub fn count(&self) -> usize {
        self.kinds.iter().map(|(_, faces)| faces.len()).sum()
    }

    /// One weight of one typeface, with the frequency of [`TypefaceKind::SHARES`]; `None` only if
    /// there are no typefaces.
    pub(super) fn draw(&self, dice: &mut Dice) -> Option<Arc<Face>> {
        let total = self.kinds.iter().map(|(share, _)| share).sum();
        let mut at = dice.below(total);
        let (which, weight) = (dice.bits(), dice.bits());
        let of = |bits: u32, count: usize| ((u64::from(bits) * count as u64) >> 32) as usize;
        for (share, faces) in &self.kinds {
            if at < *share {
                let weights = faces.get(of(which, faces.len()))?;
                return weights.get(of(weight, weights.len())).cloned();
            }
            at -= share;
        }
        None
    }
}

fn read_face(folder: &Path, pinned: &PinnedFile) -> Result<Arc<Face>, TypefaceError> {
    let name = pinned.file.rsplit('/').next().unwrap_or_default();
    let path = folder.join(name);
    let woff =
        fs::read(&path).map_err(|reason| TypefaceError::Read { path: path.clone(), reason })?;
    let found: String = Sha256::digest(&woff).iter().map(|byte| format!("{byte:02x}")).collect();
    if found != pinned.sha256 {
        return Err(TypefaceError::NotPinned { path, found });
    }
    let font = wuff::decompress_woff1(&woff).map_err(|error| TypefaceError::Woff {
        path: path.clone(),
        message: format!("{error:?}"),
    })?;
    let face = Face::parse(&font).map_err(|message| TypefaceError::Outlines { path, message })?;
    Ok(Arc::new(face))
}

/// One weight of a typeface: the digits 0 to 9.
#[derive(Debug)]
pub struct Face {
    digits: [FaceDigit; 10],
}

impl Face {
    fn parse(font: &[u8]) -> Result<Self, String> {
        let font = ttf_parser::Face::parse(font, 0).map_err(|error| error.to_string())?;
        let mut outlines = Vec::with_capacity(10);
        for digit in '0'..='9' {
            let glyph = font.glyph_index(digit).ok_or(format!("it has no {digit}"))?;
            let mut pen = OutlinePen::default();
            font.outline_glyph(glyph, &mut pen)
                .filter(|_| !pen.edges.is_empty())
                .ok_or(format!("its {digit} has no outline"))?;
            outlines.push(pen.edges);
        }
        // Measures are parts of the usual digit's height; single digits may be larger or smaller.
        let middle = |mut values: Vec<f32>| {
            values.sort_by(f32::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        let all = |side: fn(&[Edge]) -> f32| middle(outlines.iter().map(|o| side(o)).collect());
        let (top, foot) = (all(highest), all(lowest));
        if top - foot < 1.0 {
            return Err("its digits have no height".to_owned());
        }
        let placed = |edges: &Vec<Edge>| {
            let left = edges.iter().flat_map(|e| [e.from[0], e.to[0]]).fold(f32::MAX, f32::min);
            let place = |[x, y]: [f32; 2]| [(x - left) / (top - foot), (top - y) / (top - foot)];
            let edges = edges.iter().map(|e| Edge { from: place(e.from), to: place(e.to) });
            FaceDigit::new(edges.collect())
        };
        let digits: Vec<FaceDigit> = outlines.iter().map(placed).collect();
        let digits = digits.try_into().map_err(|_| "it has not ten digits".to_owned())?;
        Ok(Face { digits })
    }

    /// About how thick the upright stroke of the 1 is, in parts of the height.
    pub fn stem(&self) -> f32 {
        let deepest = self.digit(1).grid().distance.iter().copied().fold(0.0, f32::min);
        // The middle of the stroke lies up to half a grid step off the grid.
        2.0 * (0.25 / GRID - deepest)
    }

    /// A digit; anything above 9 is its last decimal.
    pub fn digit(&self, digit: u8) -> &FaceDigit {
        &self.digits[usize::from(digit % 10)]
    }
}

/// A straight piece of an outline. The shape is where the windings don't add up to 0.
#[derive(Clone, Copy, Debug)]
struct Edge {
    from: [f32; 2],
    to: [f32; 2],
}

fn highest(edges: &[Edge]) -> f32 {
    edges.iter().flat_map(|e| [e.from[1], e.to[1]]).fold(f32::MIN, f32::max)
}

fn lowest(edges: &[Edge]) -> f32 {
    edges.iter().flat_map(|e| [e.from[1], e.to[1]]).fold(f32::MAX, f32::min)
}

/// Number of straight pieces by which a curve is approximated.
const CURVE_PIECES: u32 = 6;

/// Takes a glyph's outline down as straight pieces.
#[derive(Default)]
struct OutlinePen {
    edges: Vec<Edge>,
    start: [f32; 2],
    at: [f32; 2],
}

impl OutlinePen {
    fn line(&mut self, to: [f32; 2]) {
        if to != self.at {
            self.edges.push(Edge { from: self.at, to });
        }
        self.at = to;
    }
}

impl ttf_parser::OutlineBuilder for OutlinePen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.start = [x, y];
        self.at = self.start;
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.line([x, y]);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let [x0, y0] = self.at;
        for step in 1..=CURVE_PIECES {
            let t = step as f32 / CURVE_PIECES as f32;
            let s = 1.0 - t;
            let (a, b, c) = (s * s, 2.0 * s * t, t * t);
            self.line([a * x0 + b * x1 + c * x, a * y0 + b * y1 + c * y]);
        }
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let [x0, y0] = self.at;
        for step in 1..=CURVE_PIECES {
            let t = step as f32 / CURVE_PIECES as f32;
            let s = 1.0 - t;
            let (a, b, c, d) = (s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t);
            self.line([a * x0 + b * x1 + c * x2 + d * x, a * y0 + b * y1 + c * y2 + d * y]);
        }
    }

    fn close(&mut self) {
        self.line(self.start);
    }
}

/// The longest piece that is looked at as a whole for whether it is an edge of the shape.
const LONGEST_PIECE: f32 = 0.06;

/// The pieces that separate inside from outside. Fonts whose contours overlap have others, which
/// would show as seams.
fn outer_edges(edges: &[Edge]) -> Vec<Edge> {
    let mut outer = Vec::new();
    for edge in edges {
        let (dx, dy) = (edge.to[0] - edge.from[0], edge.to[1] - edge.from[1]);
        let length = (dx * dx + dy * dy).sqrt();
        let pieces = (length / LONGEST_PIECE).ceil().max(1.0);
        let at = |t: f32| [edge.from[0] + t * dx, edge.from[1] + t * dy];
        let mut run: Option<Edge> = None;
        for piece in 0..pieces as u32 {
            let (from, to) = (at(piece as f32 / pieces), at((piece + 1) as f32 / pieces));
            let [mx, my] = at((piece as f32 + 0.5) / pieces);
            let (nx, ny) = (-1e-3 * dy / length.max(1e-9), 1e-3 * dx / length.max(1e-9));
            let inside = |x: f32, y: f32| winding(edges, x, y) != 0;
            if inside(mx + nx, my + ny) == inside(mx - nx, my - ny) {
                outer.extend(run.take());
            } else {
                run = Some(Edge { from: run.map_or(from, |run| run.from), to });
            }
        }
        outer.extend(run);
    }
    outer
}

/// How often the outline runs around a point.
fn winding(edges: &[Edge], x: f32, y: f32) -> i32 {
    let mut turns = 0;
    for Edge { from, to } in edges {
        let (down, up) = (from[1] <= y && to[1] > y, to[1] <= y && from[1] > y);
        if down || up {
            let t = (y - from[1]) / (to[1] - from[1]);
            if from[0] + t * (to[0] - from[0]) > x {
                turns += if down { 1 } else { -1 };
            }
        }
    }
    turns
}

/// Number of grid points in the height of a digit. Digits in SVHN's photos are 10 to 60 pixels
/// tall.
const GRID: f32 = 44.0;

/// Number of grid points around the digit.
const GRID_MARGIN: usize = 6;

/// A digit's outline. Heights are parts of the face's usual digit: 0 its top, 1 its foot; the
/// shape's left edge is at 0.
#[derive(Debug)]
pub struct FaceDigit {
    /// The font's contours, closed, so that they separate inside from outside.
    contours: Vec<Edge>,
    /// Those pieces of them that something of the shape ends at.
    edges: Vec<Edge>,
    /// Right edge, top and foot of the shape.
    width: f32,
    top: f32,
    foot: f32,
    grid: OnceLock<DistanceGrid>,
}

impl FaceDigit {
    fn new(contours: Vec<Edge>) -> Self {
        let edges = outer_edges(&contours);
        let width = edges.iter().flat_map(|e| [e.from[0], e.to[0]]).fold(0.0, f32::max);
        let (top, foot) = (lowest(&edges), highest(&edges));
        FaceDigit { contours, edges, width, top, foot, grid: OnceLock::new() }
    }

    /// How wide the shape is.
    pub fn width(&self) -> f32 {
        self.width
    }

    /// Where the shape starts and ends from top to bottom: about 0 and 1.
    pub fn rows(&self) -> (f32, f32) {
        (self.top, self.foot)
    }

    /// How far a point is from the outline, about: negative inside.
    pub fn distance(&self, x: f32, y: f32) -> f32 {
        self.grid().at(x, y)
    }

    fn grid(&self) -> &DistanceGrid {
        self.grid.get_or_init(|| DistanceGrid::new(self))
    }
}

#[derive(Debug)]
struct DistanceGrid {
    columns: usize,
    rows: usize,
    top: f32,
    distance: Vec<f32>,
}

impl DistanceGrid {
    fn new(digit: &FaceDigit) -> Self {
        let points = |length: f32| (length.max(0.0) * GRID).ceil() as usize + 2 * GRID_MARGIN + 1;
        // A shape the size of a house would be a damaged font's.
        let columns = points(digit.width.min(4.0));
        let rows = points((digit.foot - digit.top).min(4.0));
        let mut distance = Vec::with_capacity(columns * rows);
        let place = |i: usize| (i as f32 - GRID_MARGIN as f32) / GRID;
        for row in 0..rows {
            let y = digit.top + place(row);
            for column in 0..columns {
                let x = place(column);
                let mut nearest = f32::MAX;
                for Edge { from, to } in &digit.edges {
                    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
                    let (px, py) = (x - from[0], y - from[1]);
                    let t = (px * dx + py * dy) / (dx * dx + dy * dy).max(1e-12);
                    let t = t.clamp(0.0, 1.0);
                    let (ox, oy) = (px - t * dx, py - t * dy);
                    nearest = nearest.min(ox * ox + oy * oy);
                }
                let away = nearest.sqrt();
                let inside = winding(&digit.contours, x, y) != 0;
                distance.push(if inside { -away } else { away });
            }
        }
        DistanceGrid { columns, rows, top: digit.top, distance }
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        let (u, v) = (x * GRID + GRID_MARGIN as f32, (y - self.top) * GRID + GRID_MARGIN as f32);
        let (cu, cv) = (
            u.clamp(0.0, (self.columns - 1) as f32 - 1e-3),
            v.clamp(0.0, (self.rows - 1) as f32 - 1e-3),
        );
        let (iu, iv) = (cu as usize, cv as usize);
        let (tu, tv) = (cu - iu as f32, cv - iv as f32);
        let row = |iv: usize| {
            let at = |iu: usize| self.distance.get(iv * self.columns + iu).copied().unwrap_or(1.0);
            at(iu) + tu * (at(iu + 1) - at(iu))
        };
        let (above, below) = (row(iv), row(iv + 1));
        let inside = above + tv * (below - above);
        let (du, dv) = ((u - cu) / GRID, (v - cv) / GRID);
        // Beyond the grid: from there on to its nearest point, and on from that.
        inside + (du * du + dv * dv).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A face made of squares: the digit's frame, and in it a bar that overlaps the frame.
    fn boxy() -> Face {
        let square = |[l, t, r, b]: [f32; 4], around: bool| {
            let mut corners = [[l, t], [r, t], [r, b], [l, b]];
            if around {
                corners.reverse();
            }
            let next = |i: usize| corners[(i + 1) % 4];
            (0..4).map(|i| Edge { from: corners[i], to: next(i) }).collect::<Vec<_>>()
        };
        let digits = std::array::from_fn(|_| {
            let mut edges = square([0.0, 0.0, 0.6, 1.0], false);
            edges.extend(square([0.15, 0.15, 0.45, 0.85], true));
            edges.extend(square([0.1, 0.4, 0.5, 0.6], false));
            FaceDigit::new(edges)
        });
        Face { digits }
    }

    #[test]
    fn the_list_pins_free_typefaces_of_every_kind_for_both_shares() {
        let list = pinned_typefaces().expect("the list");
        assert!(list.len() >= 60, "{} typefaces", list.len());
        let held_back =
            list.iter().filter(|pinned| pinned.split == TypefaceSplit::Validation).count();
        assert!((4 * held_back).abs_diff(list.len()) < list.len() / 4, "{held_back} held back");
        for pinned in &list {
            assert!(
                ["OFL-1.1", "Apache-2.0"].contains(&pinned.licence.as_str()),
                "{}: {}",
                pinned.name,
                pinned.licence
            );
            assert!(pinned.package.starts_with("@fontsource/"), "{}", pinned.package);
            assert!(pinned.integrity.starts_with("sha512-"), "{}", pinned.name);
            assert!(!pinned.files.is_empty(), "{}", pinned.name);
            assert!(pinned.files.iter().all(|file| file.sha256.len() == 64), "{}", pinned.name);
        }
        for (kind, _) in TypefaceKind::SHARES {
            assert!(list.iter().any(|pinned| pinned.kind == kind), "{kind:?}");
        }
        let mut names: Vec<_> =
            list.iter().flat_map(|pinned| &pinned.files).map(|file| &file.file).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), list.iter().map(|pinned| pinned.files.len()).sum::<usize>());
        assert_eq!(TypefaceKind::SHARES.iter().map(|(_, share)| share).sum::<u32>(), 100);
    }

    #[test]
    fn distances_are_those_to_the_outline_and_overlaps_leave_no_seam() {
        let face = boxy();
        let digit = face.digit(0);
        assert_eq!((digit.width(), digit.rows()), (0.6, (0.0, 1.0)));
        let near = |x: f32, y: f32, expected: f32| {
            let found = digit.distance(x, y);
            assert!((found - expected).abs() < 0.012, "at {x}, {y}: {found}, not {expected}");
        };
        near(0.075, 0.25, -0.075);
        near(0.3, 0.275, 0.125);
        near(-0.05, 0.5, 0.05);
        near(-0.5, 0.5, 0.5);
        near(0.6 + 0.3, 1.0 + 0.4, 0.5);
        // Where the bar runs into the frame nothing is left of their edges.
        near(0.1, 0.5, -0.1);
    }

    #[test]
    fn every_pinned_typeface_has_ten_digits_of_about_one_height() {
        let folder = std::env::var("TYPEFACES").unwrap_or_else(|_| "target/typefaces".to_owned());
        if !Path::new(&folder).is_dir() {
            println!("skipped: no typefaces in {folder}; fetch them with `make typefaces`");
            return;
        }
        let list = pinned_typefaces().expect("the list");
        for file in list.iter().flat_map(|pinned| &pinned.files) {
            let name = &file.file;
            let face = read_face(Path::new(&folder), file).expect(name);
            let stem = face.stem();
            assert!((0.02..0.6).contains(&stem), "{name}: a stem of {stem}");
            for digit in (0..10).map(|digit| face.digit(digit)) {
                let ((top, foot), width) = (digit.rows(), digit.width());
                assert!((0.7..1.4).contains(&(foot - top)), "{name}: {} high", foot - top);
                assert!((0.05..1.7).contains(&width), "{name}: {width} wide");
                let points = (0..40).flat_map(|y| (0..40).map(move |x| (x, y)));
                let ink = points.filter(|&(x, y)| {
                    let (x, y) = (x as f32 / 39.0 * width, top + y as f32 / 39.0 * (foot - top));
                    digit.distance(x, y) < 0.0
                });
                let share = ink.count() as f32 / 1600.0;
                assert!((0.04..0.97).contains(&share), "{name}: {share} of the box is ink");
            }
        }
    }

    #[test]
    fn missing_and_changed_files_are_errors_that_say_what_to_do() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = Typefaces::open(folder.path(), TypefaceSplit::Train).expect_err("empty");
        assert!(error.to_string().contains("make typefaces"), "{error}");
        let list = pinned_typefaces().expect("the list");
        for file in list.iter().flat_map(|pinned| &pinned.files) {
            let name = file.file.rsplit('/').next().expect("a name");
            fs::write(folder.path().join(name), b"wOFF, but cut off").expect("written");
        }
        let error = Typefaces::open(folder.path(), TypefaceSplit::Train).expect_err("changed");
        assert!(matches!(error, TypefaceError::NotPinned { .. }), "{error}");
    }
}
