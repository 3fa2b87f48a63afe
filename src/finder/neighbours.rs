//! The other digits of a number of which some are found, and where each ends.
//!
//! [`FINDER_NET`](super::FINDER_NET) often finds some digits of a number and misses others, and its
//! boxes are loose. The network that finds strokes sees more of a place where a number is known to be:
//! what stands there beside each other, as tall as the digits found, and reads surely, are digits, too.

use std::collections::BTreeSet;

use super::{DetectedDigit, FoundDigit, is_sure_number, mean, numbers_of};
use crate::{
    classifier::{Classifier, EngineError, Reading, is_unsure},
    numbers::{house_numbers, same_digit},
    photo::{BoxInPhoto, LooseBox, Photo},
    strokes::StrokeFinder,
};

/// Neighbours stand in the line of a number, which reaches this far beyond its digits to each side, and
/// above and below, in heights of its digits: nearly two digits further to each side.
const LINE_ACROSS: f64 = 1.5;
const LINE_DOWN: f64 = 0.1;

/// Strokes are looked for this far beyond the line, in heights: what goes on there is no digit.
const AROUND_ACROSS: f64 = 0.2;
const AROUND_DOWN: f64 = 0.3;

/// Larger areas, in pixels, are not looked at, so that this takes no more memory than finding does. Digits
/// are up to about 600 pixels tall then.
const LARGEST_AREA: u64 = 4_000_000;

/// What stands in the line is a digit if it has this height, in heights of the digits found: loose at
/// first, because their boxes are, and closer once they have the boxes of their strokes.
const PART_HEIGHTS: [f64; 2] = [0.6, 1.5];
const NEIGHBOUR_HEIGHTS: [f64; 2] = [0.8, 1.25];

/// The box of a digit's strokes is grown by this share of its height.
const STROKE_MARGIN: f64 = 0.04;

/// Strokes belong to a digit that is found if the boxes of both share this part of their union, and none
/// of another digit. Otherwise they are those of two digits that touch.
const SAME_STROKES: f64 = 0.35;

/// A neighbour must be read with this confidence, because letters stand beside numbers, too.
const LEAST_READING: f32 = 0.95;

/// A neighbour is less sure than the digits found are in the mean, by this much, unless these are a number
/// without it. So one weak find does not make a number of itself and of what stands beside it.
const LESS_SURE: f32 = 0.1;

/// The neighbours of at most this many numbers are looked for, of the surest ones: a page of a newspaper
/// would take seconds.
const MOST_NUMBERS: usize = 16;

/// What stands in a number's line.
struct Part {
    area: BoxInPhoto,
    reading: Reading,
}

/// The digits found, with the boxes of their strokes where these are clear, and their neighbours, which
/// come last. Numbers
/// are made of digits with a confidence of at least `at_least` (0 to 1) that are read surely. Without a
/// network that finds strokes, the digits are left as they are.
///
/// # Errors
/// [`EngineError`] when the device fails or gives anything but finite numbers.
pub async fn completed_by_strokes(
    photo: &Photo,
    mut found: Vec<FoundDigit>,
    at_least: f32,
    classifier: &Classifier,
    strokes: Option<&StrokeFinder>,
) -> Result<Vec<FoundDigit>, EngineError> {
    let Some(strokes) = strokes else { return Ok(found) };
    let mut neighbours = Vec::new();
    for number in surest_numbers(&found, at_least) {
        let parts = parts_beside(photo, &areas_of(&found, &number), classifier, strokes).await?;
        let rest = take_boxes(&mut found, &number, parts);
        let areas = areas_of(&found, &number);
        let confidences: Vec<f32> = number.iter().map(|&i| found[i].detected.confidence).collect();
        let least = if is_sure_number(&confidences, at_least) { at_least } else { 0.0 };
        let confidence = (mean(&confidences) - LESS_SURE).max(least);
        neighbours.extend(neighbours_of(&areas, rest).into_iter().map(|part| FoundDigit {
            detected: DetectedDigit { area: part.area, confidence },
            reading: part.reading,
        }));
    }
    for neighbour in neighbours {
        let area = neighbour.detected.area;
        let same: Vec<&FoundDigit> =
            found.iter().filter(|it| same_digit(it.detected.area, area)).collect();
        let is_surer = |it: &&FoundDigit| {
            it.detected.confidence >= neighbour.detected.confidence && it.is_read()
        };
        // What covers several digits is two that touch.
        if same.len() < 2 && !same.iter().any(is_surer) {
            found.retain(|it| !same_digit(it.detected.area, area));
            found.push(neighbour);
        }
    }
    Ok(found)
}

/// The numbers that digits make which are found and read surely, the surest ones first.
fn surest_numbers(found: &[FoundDigit], at_least: f32) -> Vec<Vec<usize>> {
    let is_sure = |it: &FoundDigit| it.detected.confidence >= at_least && it.is_read();
    let sure: Vec<usize> = (0..found.len()).filter(|&i| is_sure(&found[i])).collect();
    let mut numbers = numbers_of(found, &sure);
    let confidence = |number: &[usize]| {
        mean(&number.iter().map(|&i| found[i].detected.confidence).collect::<Vec<_>>())
    };
    numbers.sort_by(|a, b| confidence(b).total_cmp(&confidence(a)));
    numbers.truncate(MOST_NUMBERS);
    numbers
}

/// What stands in the line of a number, from left to right.
async fn parts_beside(
    photo: &Photo,
    digits: &[BoxInPhoto],
    classifier: &Classifier,
    strokes: &StrokeFinder,
) -> Result<Vec<Part>, EngineError> {
    let height = mean_height(digits);
    let Some(hull) = digits.iter().copied().reduce(|a, b| a.union(&b)) else {
        return Ok(Vec::new());
    };
    let grown = |across: f64, down: f64| {
        let b = LooseBox::from(hull);
        let (across, down) = (across * height, down * height);
        LooseBox {
            left: b.left - across,
            top: b.top - down,
            width: b.width + 2.0 * across,
            height: b.height + 2.0 * down,
        }
        .clamp_to(photo.size())
    };
    let line = grown(LINE_ACROSS, LINE_DOWN);
    let around = grown(LINE_ACROSS + AROUND_ACROSS, LINE_DOWN + AROUND_DOWN);
    let (Ok(line), Ok(around)) = (line, around) else { return Ok(Vec::new()) };
    if u64::from(around.width) * u64::from(around.height) > LARGEST_AREA {
        return Ok(Vec::new());
    }
    let [low, high] = PART_HEIGHTS.map(|share| (share * height) as u32);
    let areas = strokes.parts_in(photo, around, line, low..=high).await?;
    let with_margin = |area: BoxInPhoto| {
        area.grown((STROKE_MARGIN * f64::from(area.height)).round() as u32, photo.size())
    };
    let areas: Vec<BoxInPhoto> = areas.into_iter().map(with_margin).collect();
    let readings = classifier.read(photo, &areas).await?;
    Ok(areas.into_iter().zip(readings).map(|(area, reading)| Part { area, reading }).collect())
}

/// Gives digits of a number the boxes of their strokes, unless they can be read less well there, or are no
/// longer one number. Returns the strokes that belong to none of them.
fn take_boxes(found: &mut [FoundDigit], number: &[usize], mut parts: Vec<Part>) -> Vec<Part> {
    let before: Vec<FoundDigit> = number.iter().map(|&i| found[i].clone()).collect();
    for &i in number {
        let own = LooseBox::from(found[i].detected.area);
        let shared = |part: &Part| own.shared_union(&part.area.into());
        let best =
            (0..parts.len()).max_by(|&a, &b| shared(&parts[a]).total_cmp(&shared(&parts[b])));
        let Some(k) = best.filter(|&k| shared(&parts[k]) > SAME_STROKES) else { continue };
        let mut others = found.iter().enumerate().filter(|(j, _)| *j != i);
        if others.any(|(_, other)| same_digit(other.detected.area, parts[k].area)) {
            continue;
        }
        let Part { area, reading } = parts.remove(k);
        let ((digit, confidence), (before, least)) = (reading.best(), found[i].reading.best());
        if confidence >= least || (digit == before && !is_unsure(confidence)) {
            found[i].detected.area = area;
            found[i].reading = reading;
        }
    }
    if house_numbers(&areas_of(found, number)).len() > 1 {
        for (&i, digit) in number.iter().zip(before) {
            found[i] = digit;
        }
    }
    parts
}

/// Those of the strokes that are digits of the same number as these.
fn neighbours_of(digits: &[BoxInPhoto], mut parts: Vec<Part>) -> Vec<Part> {
    let [low, high] = NEIGHBOUR_HEIGHTS.map(|share| share * mean_height(digits));
    parts.retain(|part| {
        (low..=high).contains(&f64::from(part.area.height))
            && part.reading.best().1 >= LEAST_READING
            && !digits.iter().any(|digit| same_digit(*digit, part.area))
    });
    let all: Vec<BoxInPhoto> =
        digits.iter().copied().chain(parts.iter().map(|part| part.area)).collect();
    // Of a column, which is read from top to bottom, there is no such number.
    let known = |number: &[usize]| number.iter().filter(|&&i| i < digits.len()).count();
    let numbers = house_numbers(&all).into_iter();
    let number = numbers.filter(|it| known(it) == digits.len()).flatten();
    let belongs: BTreeSet<usize> = number.collect();
    let marked = parts.into_iter().enumerate();
    marked.filter(|(i, _)| belongs.contains(&(i + digits.len()))).map(|(_, part)| part).collect()
}

fn areas_of(found: &[FoundDigit], digits: &[usize]) -> Vec<BoxInPhoto> {
    digits.iter().map(|&i| found[i].detected.area).collect()
}

fn mean_height(boxes: &[BoxInPhoto]) -> f64 {
    boxes.iter().map(|b| f64::from(b.height)).sum::<f64>() / boxes.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(digit: u8, confidence: f32) -> Reading {
        let mut confidences = [(1.0 - confidence) / 9.0; 10];
        confidences[usize::from(digit)] = confidence;
        Reading { confidences }
    }

    fn at(left: u32, width: u32, height: u32) -> BoxInPhoto {
        BoxInPhoto { left, top: 20, width, height }
    }

    fn digit(area: BoxInPhoto, confidence: f32, digit: u8) -> FoundDigit {
        FoundDigit { detected: DetectedDigit { area, confidence }, reading: reading(digit, 0.9) }
    }

    fn part(area: BoxInPhoto, digit: u8, confidence: f32) -> Part {
        Part { area, reading: reading(digit, confidence) }
    }

    #[test]
    fn a_digit_takes_the_box_of_its_strokes_unless_they_are_anothers_too_or_read_worse() {
        let before = vec![digit(at(10, 20, 40), 0.8, 3), digit(at(40, 20, 40), 0.8, 5)];
        let left_of = |parts: Vec<Part>| {
            let mut found = before.clone();
            let rest = take_boxes(&mut found, &[0, 1], parts);
            (found[0].detected.area.left, found[1].detected.area.left, rest.len())
        };
        let strokes = || part(at(13, 15, 36), 3, 0.99);
        assert_eq!(left_of(vec![strokes(), part(at(90, 15, 36), 7, 0.99)]), (13, 40, 1));
        assert_eq!(left_of(vec![part(at(8, 54, 42), 6, 1.0)]), (10, 40, 1), "strokes of both");
        assert_eq!(left_of(vec![part(at(13, 15, 36), 8, 0.8)]), (10, 40, 0), "less sure");
        assert_eq!(left_of(vec![part(at(13, 15, 36), 3, 0.8)]), (13, 40, 0), "the same digit");
        assert_eq!(left_of(Vec::new()), (10, 40, 0));
        // Two that stand so far apart that they are a number only with loose boxes.
        let apart =
            |left: u32| vec![part(at(13, 10, 30), 3, 0.99), part(at(left, 10, 30), 5, 0.99)];
        let mut found = vec![digit(at(10, 20, 40), 0.8, 3), digit(at(60, 20, 40), 0.8, 5)];
        take_boxes(&mut found, &[0, 1], apart(65));
        assert_eq!(areas_of(&found, &[0, 1]), [at(10, 20, 40), at(60, 20, 40)]);
        found[1].detected.area = at(40, 20, 40);
        take_boxes(&mut found, &[0, 1], apart(42));
        assert_eq!(areas_of(&found, &[0, 1]), [at(13, 10, 30), at(42, 10, 30)]);
    }

    #[test]
    fn neighbours_are_as_tall_near_and_read_surely() {
        let digits = [at(100, 20, 40)];
        let lefts = |parts: Vec<Part>| -> Vec<u32> {
            neighbours_of(&digits, parts).iter().map(|part| part.area.left).collect()
        };
        let chain = || vec![part(at(70, 20, 40), 1, 0.99), part(at(40, 20, 42), 2, 0.99)];
        assert_eq!(lefts(chain()), [70, 40]);
        let [near, far] = <[Part; 2]>::try_from(chain()).ok().expect("two parts");
        let letter = Part { reading: reading(4, 0.9), ..near };
        assert!(lefts(vec![letter, far]).is_empty(), "what is behind a letter is too far away");
        assert!(lefts(vec![part(at(70, 15, 28), 1, 0.99)]).is_empty(), "a small letter");
        assert!(lefts(vec![part(at(111, 20, 38), 1, 0.99)]).is_empty(), "the digit itself");
        let column = [at(100, 20, 40), BoxInPhoto { top: 62, ..at(100, 20, 40) }];
        let beside = vec![part(at(70, 20, 40), 1, 0.99)];
        assert!(neighbours_of(&column, beside).is_empty(), "beside a column");
    }

    #[test]
    fn the_surest_numbers_come_first_and_what_is_not_read_makes_none() {
        let unread = FoundDigit { reading: reading(1, 0.5), ..digit(at(300, 20, 40), 0.9, 1) };
        let found = [
            digit(at(100, 20, 40), 0.6, 1),
            unread,
            digit(at(500, 20, 40), 0.9, 2),
            digit(at(524, 20, 40), 0.7, 2),
            digit(at(700, 20, 40), 0.5, 2),
        ];
        assert_eq!(surest_numbers(&found, 0.55), [vec![2, 3], vec![0]]);
    }

    /// "000" on a plain wall, of which only the middle digit is found, in a box that is too large.
    #[cfg(feature = "native")]
    #[test]
    fn the_other_digits_of_a_number_are_found_by_their_strokes() {
        use crate::{photo::PhotoSize, publication::Library};

        const LEFTS: [u32; 3] = [28, 68, 108];
        let device = burn::tensor::Device::flex();
        let library = Library::new(None);
        let (_, classifier) = library.load(None, &device).expect("the program's own");
        let (_, strokes) = library.load_strokes(&device).expect("the program's own");
        let size = PhotoSize { width: 160, height: 80 };
        let is_stroke = |x: u32, y: u32| {
            let radius = |left: u32| {
                let across = (f64::from(x) + 0.5 - f64::from(left) - 12.0) / 12.0;
                across.hypot((f64::from(y) + 0.5 - 40.0) / 20.0)
            };
            LEFTS.iter().any(|&left| (0.76..1.0).contains(&radius(left)))
        };
        let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        let pixels = pixels.flat_map(|(x, y)| [if is_stroke(x, y) { 30 } else { 190 }; 3]);
        let photo = Photo::from_rgb8(size, pixels.collect()).expect("its pixels");
        let completed = |found| {
            let strokes = Some(&strokes);
            let completed = completed_by_strokes(&photo, found, 0.5, &classifier, strokes);
            let mut completed = pollster::block_on(completed).expect("the CPU computes");
            completed.sort_by_key(|it| it.detected.area.left);
            completed
        };
        let middle = BoxInPhoto { left: 64, top: 15, width: 32, height: 50 };
        let all = completed(vec![digit(middle, 0.8, 0)]);
        assert_eq!(all.len(), 3, "{all:?}");
        for (it, left) in all.iter().zip(LEFTS) {
            let area = it.detected.area;
            assert!(area.left.abs_diff(left) <= 6 && area.height.abs_diff(43) <= 6, "{area:?}");
            assert_eq!(it.reading.best().0, 0);
        }
        assert_eq!(all[1].detected.confidence, 0.8);
        assert!((all[0].detected.confidence - 0.7).abs() < 1e-6);
        // What was found with less confidence gives way; what was found with more stays.
        let left = |confidence| digit(BoxInPhoto { left: 24, ..middle }, confidence, 8);
        let read = |confidence| {
            let all = completed(vec![left(confidence), digit(middle, 0.8, 0)]);
            (all.len(), all[0].reading.best().0, all[0].detected.confidence)
        };
        assert_eq!((read(0.4).0, read(0.4).1), (3, 0));
        assert_eq!(read(0.75), (3, 0, 0.75), "the same digit, in the box of its strokes");
        // A number that is sure does not become unsure by its neighbours.
        let pair = vec![digit(BoxInPhoto { left: 24, ..middle }, 0.52, 0), digit(middle, 0.5, 0)];
        let (sure, _) = crate::finder::sure_and_unsure(completed(pair), 0.5);
        assert_eq!(sure.len(), 3, "{sure:?}");
    }
}
