//! The second look at each fill, as a curious person would do it: are there strokes that the
//! network still finds, and can the digit still be read, also with the contrast stretched? If
//! something is left, more is filled.

use super::{Check, Fill, Nets, groups::Group};
use crate::{
    classifier::{BoxReading, Classifier, EngineError, Reading},
    photo::{
        BoxInPhoto, Colours, Filter, LooseBox, Mask, Photo, PhotoSize, largest_within, to_byte,
    },
    strokes::{Found, StrokeFinder},
};

/// The second look also sees this many pixels around a group's area.
const SURROUNDINGS: u32 = 16;

/// A pixel above this probability counts as a stroke.
const LEAST_STROKE: f32 = 0.6;

/// A pixel that was below this stroke probability at first does not count as a remain of a digit.
const SURELY_NO_STROKE: f32 = 0.05;

/// A change of a sample by at most this many levels is invisible.
const INVISIBLE_LEVELS: u8 = 2;

/// Confidences from which a digit counts as read: before the removal, in the result, and with
/// contrast stretched, which makes noise look like digits. For a 1 it is higher, because edges of a
/// wall look like a 1. They were chosen for ReaderNet, which learned to be unsure where there is no
/// digit; the other models warn of bare walls more often.
const READ_BEFORE: f32 = 0.5;
const READ_AFTER: f32 = 0.5;
const READ_STRETCHED: f32 = 0.6;
const READ_AS_ONE: f32 = 0.7;

/// If a digit can still be read, the odds of strokes are multiplied by this in each round. Filling
/// the whole box instead would leave a conspicuous patch, often after a false alarm.
const ODDS_FACTOR: f32 = 3.0;

/// Contrast is stretched until one pixel in this many is black, and as many are white, but not by
/// more than the factor below.
const CLIPPED_ONE_IN: usize = 50;
const MOST_STRETCHED: f32 = 6.0;

/// The findings of the second look in a group's area.
pub(super) struct Proof {
    /// One for each of the group's boxes, in their order.
    pub(super) checks: Vec<Check>,
    /// Strokes in what was not filled; empty without a network that finds them.
    strokes: Vec<f32>,
    /// The boxes of digits that can still be read; a box round a number has one for each digit.
    legible: Vec<BoxInPhoto>,
}

impl Proof {
    /// Checks a group after some fills, copied in their order. `before` is the reading of each of
    /// its boxes on the original photo.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    pub(super) async fn of(
        photo: &Photo,
        group: &Group<'_>,
        fills: &[Fill],
        before: &[BoxReading],
        nets: &Nets,
    ) -> Result<Self, EngineError> {
        let shown = group.area.grown(SURROUNDINGS, photo.size());
        let moved = |area: &BoxInPhoto| BoxInPhoto {
            left: area.left - shown.left,
            top: area.top - shown.top,
            ..*area
        };
        let mut result = photo.part(shown);
        let before_fills = result.to_rgba8();
        let mut changed = vec![false; group.in_any_box.len()];
        let columns = group.area.width as usize;
        for fill in fills {
            result.lay(moved(&fill.area), &fill.planes, &fill.inside);
            let (down, right) = (fill.area.top - group.area.top, fill.area.left - group.area.left);
            for (i, _) in fill.inside.iter().enumerate().filter(|(_, inside)| **inside) {
                let (y, x) = (i / fill.inside.width(), i % fill.inside.width());
                changed[(y + down as usize) * columns + x + right as usize] = true;
            }
        }
        let found: &[f32] = fills.first().map_or(&[], |fill| &fill.strokes);
        let mut strokes = match &nets.strokes {
            Some(finder) => strokes_in(&result, moved(&group.area), group, moved, finder).await?,
            None => Vec::new(),
        };
        // The network expects a digit in each box. Without the strokes it sometimes finds one on
        // the fill, or on the wall between. Real remains of a digit are beside the fill, and were
        // not surely background before.
        for (i, stroke) in strokes.iter_mut().enumerate() {
            if changed[i] || found.get(i).is_some_and(|before| *before < SURELY_NO_STROKE) {
                *stroke = 0.0;
            }
        }
        let differ = |(a, b): (&u8, &u8)| a.abs_diff(*b) > INVISIBLE_LEVELS;
        let after_fills = result.to_rgba8();
        let looks_other = |area: BoxInPhoto| {
            (area.top..area.bottom()).any(|y| {
                let first = 4 * (y as usize * shown.width as usize + area.left as usize);
                let row = first..first + 4 * area.width as usize;
                before_fills[row.clone()].iter().zip(&after_fills[row]).any(differ)
            })
        };
        let legible = legible(&result, before, moved, &nets.classifier).await?;
        let checks = group.members.iter().zip(before).map(|(area, before)| {
            let pixels = || {
                let rows = area.top - group.area.top..area.bottom() - group.area.top;
                rows.flat_map(|y| {
                    let first = y as usize * columns + (area.left - group.area.left) as usize;
                    first..first + area.width as usize
                })
            };
            let count = |strokes: &[f32]| {
                pixels().filter(|&i| strokes.get(i).is_some_and(|it| *it > LEAST_STROKE)).count()
            };
            let residue = count(&strokes) as f32 / count(found).max(1) as f32;
            Check {
                area: *area,
                residue: residue.min(1.0),
                legible: before.digits.iter().any(|(digit, _)| legible.contains(digit)),
                unchanged: !looks_other(moved(area)),
            }
        });
        Ok(Proof { checks: checks.collect(), strokes, legible })
    }

    /// Whether nothing is left in any box.
    pub(super) fn passes(&self) -> bool {
        self.checks.iter().all(Check::passes)
    }

    /// What to fill next: the strokes found before and what is left of them; if a digit can still
    /// be read, also less likely strokes, and a rim of `by` pixels.
    pub(super) fn widened(&self, found: &Found, group: &Group<'_>, by: usize) -> Found {
        let width = group.area.width as usize;
        let mut strokes = found.strokes.clone();
        for (stroke, left) in strokes.iter_mut().zip(&self.strokes) {
            *stroke = stroke.max(*left);
        }
        let inside = Mask::covered_by(&self.legible, group.area);
        let likelier: Vec<f32> = strokes
            .iter()
            .zip(inside.iter())
            .map(|(stroke, inside)| match inside {
                true => ODDS_FACTOR * stroke / (1.0 + (ODDS_FACTOR - 1.0) * stroke),
                false => 0.0,
            })
            .collect();
        for (stroke, likelier) in strokes.iter_mut().zip(largest_within(&likelier, width, by)) {
            *stroke = stroke.max(likelier);
        }
        let mut widened = Found { strokes, key_pixels: found.key_pixels.clone() };
        widened.strokes_are_no_key_pixels();
        group.corrected.found(widened)
    }
}

async fn strokes_in(
    result: &Photo,
    area: BoxInPhoto,
    group: &Group<'_>,
    moved: impl Fn(&BoxInPhoto) -> BoxInPhoto,
    finder: &StrokeFinder,
) -> Result<Vec<f32>, EngineError> {
    let boxes: Vec<BoxInPhoto> =
        group.touching.iter().filter_map(|b| Some(moved(&b.intersection(&group.area)?))).collect();
    let mut strokes = finder.find(result, area, &boxes).await?.strokes;
    // Other digits, which are kept, may be found.
    for (i, stroke) in strokes.iter_mut().enumerate() {
        if !group.corrected.inside[i] && !group.within_reach[i] {
            *stroke = 0.0;
        }
    }
    Ok(strokes)
}

/// The boxes of the digits read `before` that can still be read in the result, as it is or with its
/// contrast stretched.
async fn legible(
    result: &Photo,
    before: &[BoxReading],
    moved: impl Fn(&BoxInPhoto) -> BoxInPhoto,
    classifier: &Classifier,
) -> Result<Vec<BoxInPhoto>, EngineError> {
    let sure = before.iter().flat_map(|reading| &reading.digits);
    let sure: Vec<&(BoxInPhoto, Reading)> =
        sure.filter(|(_, reading)| reading.best().1 >= READ_BEFORE).collect();
    let boxes: Vec<BoxInPhoto> = sure.iter().map(|(area, _)| moved(area)).collect();
    let plain = classifier.read(result, &boxes).await?;
    let stretched = read_stretched(result, &boxes, classifier).await?;
    let still = |before: &Reading, after: &Reading, least: f32| {
        let ((digit, _), (read, probability)) = (before.best(), after.best());
        let least = if digit == 1 { READ_AS_ONE } else { least };
        read == digit && probability >= least
    };
    let after = plain.iter().zip(&stretched);
    let legible = sure.iter().zip(after).filter(|((_, before), (plain, stretched))| {
        still(before, plain, READ_AFTER) || still(before, stretched, READ_STRETCHED)
    });
    Ok(legible.map(|((area, _), _)| *area).collect())
}

/// The readings in boxes after the contrast in each is stretched.
async fn read_stretched(
    photo: &Photo,
    boxes: &[BoxInPhoto],
    classifier: &Classifier,
) -> Result<Vec<Reading>, EngineError> {
    let mut readings = Vec::with_capacity(boxes.len());
    for area in boxes {
        let about = area.grown(area.height / 4, photo.size());
        let part = stretched(photo, about, *area);
        let inner = BoxInPhoto { left: area.left - about.left, top: area.top - about.top, ..*area };
        readings.extend(classifier.read(&part, &[inner]).await?);
    }
    Ok(readings)
}

/// A part of a photo, with contrast stretched by the values in `area`.
fn stretched(photo: &Photo, part: BoxInPhoto, area: BoxInPhoto) -> Photo {
    let planes = |of: BoxInPhoto| {
        let size = [of.height, of.width];
        photo.resampled(LooseBox::from(of), Filter::Triangle, Colours::Grey, size)
    };
    let mut inside = planes(area);
    inside.sort_by(f32::total_cmp);
    let tail = inside.len() / CLIPPED_ONE_IN;
    let (low, high) = (inside[tail], inside[inside.len() - 1 - tail]);
    let middle = (low + high) / 2.0;
    let factor = (1.0 / (high - low).max(1e-3)).clamp(1.0, MOST_STRETCHED);
    let samples = planes(part)
        .into_iter()
        .flat_map(|sample| [to_byte(0.5 + factor * (sample - middle)); 3])
        .collect();
    let size = PhotoSize { width: part.width, height: part.height };
    Photo::from_rgb8(size, samples)
        .unwrap_or_else(|| unreachable!("a part has the samples of its pixels"))
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use std::path::Path;

    use burn::tensor::Device;

    use super::*;
    use crate::{
        boxes::{BoxFile, read_box_file},
        publication::Library,
        removal::{Erasure, Method, RemovalOptions, remove, remove_proven, strokes::GRID},
    };

    /// The published networks, a sample photo, and the boxes of its three digits, grown a little.
    fn sample() -> (Nets, Photo, Vec<BoxInPhoto>) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (models, samples) = (root.join("models"), root.join("assets/samples"));
        let device = Device::flex();
        let library = Library::new(Some(&models));
        let (_, classifier) = library.load(None, &device).expect("published");
        let (_, finder) = library.load_strokes(&device).expect("published");
        let strokes = Some(finder);
        let bytes = std::fs::read(samples.join("enamel-143.jpg")).expect("a sample");
        let photo = Photo::decode(&bytes).expect("a photo");
        let boxes = read_box_file(&samples.join("enamel-143.boxes.json"), None).expect("its boxes");
        let BoxFile::One(boxes) = boxes else { panic!("one photo's boxes") };
        let grown = |b: &BoxInPhoto| b.grown(b.height / 10, photo.size());
        let boxes = boxes.on(photo.size()).expect("on it").iter().map(grown).collect();
        (Nets { classifier, strokes }, photo, boxes)
    }

    /// The checks of a removal after `spoil` changed its fills, and whether all pass.
    fn checked(spoil: impl Fn(&Photo, &mut Fill)) -> (Vec<Check>, bool) {
        let (nets, photo, boxes) = sample();
        let erasure = Erasure::of(&boxes);
        let all = erasure.all();
        pollster::block_on(async {
            let mut fills = remove(&photo, &boxes, &Method::default(), &nets).await?;
            fills.iter_mut().for_each(|fill| spoil(&photo, fill));
            let groups = Group::of(&photo, &erasure, &all, &RemovalOptions::default(), GRID);
            let [group] = groups.as_slice() else { panic!("one number, one group") };
            let before = nets.read(&photo, &group.members).await?;
            let proof = Proof::of(&photo, group, &fills, &before, &nets).await?;
            Ok::<_, EngineError>((proof.checks.clone(), proof.passes()))
        })
        .expect("the CPU computes")
    }

    /// Whether a pixel is left of the middle of the fill's second box; there the photo is left
    /// unchanged.
    fn stays(fill: &Fill, i: usize) -> bool {
        let column = fill.area.left as usize + i % fill.area.width as usize;
        let second = fill.boxes[1];
        column < (second.left + second.width / 2) as usize
    }

    #[test]
    fn nothing_is_left_of_a_removal() {
        let (nets, photo, boxes) = sample();
        let (erasure, method) = (Erasure::of(&boxes), Method::default());
        let removal = pollster::block_on(remove_proven(&photo, &erasure, &method, &nets));
        let checks = removal.expect("the CPU computes").checks;
        assert_eq!(checks.len(), 3);
        assert!(checks.iter().all(Check::passes), "{checks:?}");
    }

    #[test]
    fn strokes_that_were_missed_are_found() {
        // One digit and a half are left unchanged.
        let (checks, passes) = checked(|_, fill| {
            let kept: Vec<bool> = (0..fill.inside.len()).map(|i| stays(fill, i)).collect();
            fill.inside.iter_mut().zip(kept).for_each(|(inside, kept)| *inside &= !kept);
        });
        assert!(!passes);
        let [whole, half, gone] = checks.as_slice() else { panic!("{checks:?}") };
        assert!(whole.unchanged && whole.legible && whole.residue > 0.5, "{whole:?}");
        assert!(!half.unchanged && half.residue > Check::MOST_RESIDUE, "{half:?}");
        assert!(gone.passes(), "{gone:?}");
    }

    #[test]
    fn a_remnant_in_a_fill_is_read() {
        // A twelfth of the first digit's contrast is left in the fill: hardly visible, but read
        // after contrast is stretched.
        let (checks, passes) = checked(|photo, fill| {
            let before = photo.planes(fill.area);
            let pixels = fill.inside.len();
            for i in 0..fill.planes.samples.len() {
                if stays(fill, i % pixels) {
                    let (new, old) = (&mut fill.planes.samples[i], before.samples[i]);
                    *new += (old - *new) / 12.0;
                }
            }
        });
        assert!(!passes);
        assert!(checks[0].legible && !checks[0].unchanged, "{checks:?}");
        assert!(!checks[2].legible, "{checks:?}");
    }
}
