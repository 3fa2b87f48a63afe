//! YOLO's texts: a line `class cx cy w h` for each box, in fractions of the photo, as Ultralytics
//! describes them (<https://docs.ultralytics.com/datasets/detect/>). Predictions have the
//! confidence at the end, and behind it the number of a track. Outlines and turned boxes are
//! `class x y x y x y ...`; of these the upright box round all points is taken.

use super::{GivenBox, PhotoBoxes, Problem, Unit, around};
use crate::photo::LooseBox;

/// Larger values are not fractions of a photo, but most likely pixels. Boxes that extend a little
/// beyond the photo are below this.
const FURTHEST: f64 = 2.0;

/// How far a box may stick out of its photo, as a part of it: what is rounded away.
const STICKS_OUT: f64 = 0.01;

/// Where the confidence stands, of boxes that have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// It is found out: with one of the two, a box mostly does not fit on its photo.
    Unknown,
    /// Behind the box.
    ConfidenceLast,
    /// Behind the class, before the box.
    ConfidenceFirst,
}

/// The classes' names, one per line, in their order.
pub(super) fn classes(text: &str) -> Vec<String> {
    text.trim_end().lines().map(|line| line.trim().to_owned()).collect()
}

/// Reads one photo's boxes. Their labels are the classes' names, and their numbers without any.
pub(super) fn parse(
    text: &str,
    classes: Option<&[String]>,
    order: Order,
) -> Result<PhotoBoxes, Problem> {
    let mut boxes = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let Some((class, fields)) = fields.split_first() else { continue };
        let problem = |what: String| Problem::new(i + 1, what);
        let class = class_of(class).map_err(problem)?;
        let area = area_of(fields, order).map_err(problem)?;
        let name = classes.and_then(|names| names.get(class)).cloned();
        boxes.push(GivenBox::new(area, Some(name.unwrap_or_else(|| class.to_string()))));
    }
    Ok(PhotoBoxes::new(boxes, Unit::Fractions))
}

/// A class's number, which some tools write as `3.0`.
fn class_of(text: &str) -> Result<usize, String> {
    let whole = text.split_once('.').filter(|(_, rest)| rest.bytes().all(|digit| digit == b'0'));
    let number = whole.map_or(text, |(whole, _)| whole);
    number.parse().map_err(|_| format!("the class is {text:?}, not a number from 0"))
}

/// The box of a line without its class.
fn area_of(fields: &[&str], order: Order) -> Result<LooseBox, String> {
    let last = fields.last().and_then(|text| text.parse::<usize>().ok());
    let (fields, last_may_be_track) = match (fields.len(), last) {
        // The number of a track, behind the confidence or instead of it.
        (5.., Some(2..)) => (&fields[..fields.len() - 1], false),
        (6, Some(_)) => (fields, true),
        _ => (fields, false),
    };
    let numbers = fields.iter().map(|text| fraction(text)).collect::<Result<Vec<f64>, _>>()?;
    match *numbers.as_slice() {
        [x, y, width, height] => Ok(about(x, y, width, height)),
        [a, b, c, d, e] => {
            let (last, first) = (about(a, b, c, d), about(b, c, d, e));
            match (order, fits(last), fits(first)) {
                (Order::ConfidenceLast, ..) | (Order::Unknown, true, false) => Ok(last),
                (Order::ConfidenceFirst, ..) => Ok(first),
                (Order::Unknown, false, true) => {
                    Err("the confidence seems to stand behind the class, as the box does not fit \
                     otherwise. If so, give --boxes-format yolo-confidence-first, or put it at the \
                     end of the line"
                        .to_owned())
                }
                (Order::Unknown, ..) => Err(
                    "it is not clear which of the numbers is the confidence. Give --boxes-format \
                     yolo if it is the last, or yolo-confidence-first if it stands behind the \
                     class, or remove it"
                        .to_owned(),
                ),
            }
        }
        [.., last] if last_may_be_track => Err(format!(
            "the last number, {last}, may be that of a track, or of an outline. Remove it if it is a \
             track's, or write it as {last}.0"
        )),
        ref points if points.len() >= 6 => {
            // Behind the points there may be a confidence.
            let points = points.as_chunks::<2>().0.iter().copied();
            around(points).ok_or_else(|| "an outline without a point".to_owned())
        }
        _ => Err(format!(
            "{} fields; a line of YOLO's holds class, centre x, centre y, width and height, or class \
             and the points of an outline",
            fields.len() + 1
        )),
    }
}

fn fraction(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.abs() <= FURTHEST => Ok(number),
        Ok(number) => {
            Err(format!("{number} is not a fraction of the photo; YOLO's numbers run from 0 to 1"))
        }
        Err(_) => Err(format!("{text:?} is not a number")),
    }
}

/// A box about its centre.
fn about(x: f64, y: f64, width: f64, height: f64) -> LooseBox {
    LooseBox { left: x - width / 2.0, top: y - height / 2.0, width, height }
}

/// Whether a box lies on its photo.
fn fits(area: LooseBox) -> bool {
    let within = |start: f64, length: f64| {
        length > 0.0 && start >= -STICKS_OUT && start + length <= 1.0 + STICKS_OUT
    };
    within(area.left, area.width) && within(area.top, area.height)
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{SIZE, given},
        *,
    };
    use crate::photo::BoxInPhoto;

    #[test]
    fn lines_are_boxes_about_their_centres() {
        let read =
            parse("3 0.5 0.5 0.25 0.5\r\n\n10 0.125 0.5 0.25 1 0.97\n", None, Order::Unknown);
        let read = read.expect("read");
        let expected =
            [given([0.375, 0.25, 0.25, 0.5], Some("3")), given([0.0, 0.0, 0.25, 1.0], Some("10"))];
        assert_eq!(read.boxes, expected);
        let first = read.on(SIZE).expect("on the photo")[0];
        assert_eq!(first, BoxInPhoto { left: 75, top: 25, width: 50, height: 50 });
        assert_eq!(parse("", None, Order::Unknown).expect("no box").boxes, []);
    }

    #[test]
    fn outlines_tracks_and_confidences_are_read() {
        let read = |line: &str, order| parse(line, None, order).map(|read| read.boxes[0].clone());
        let near = |given: &GivenBox, expected: [f64; 4]| {
            let LooseBox { left, top, width, height } = given.area;
            let got = [left, top, width, height];
            got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9)
        };
        let centred = [0.45, 0.4, 0.1, 0.2];
        for line in [
            "3 0.5 0.5 0.1 0.2",
            "3.0 0.5 0.5 0.1 0.2",
            "3 0.5 0.5 0.1 0.2 0.93",
            "3 0.5 0.5 0.1 0.2 17",
            "3 0.5 0.5 0.1 0.2 0.93 17",
            // Turned boxes and outlines, also with confidence and track.
            "3 0.45 0.4 0.55 0.4 0.55 0.6 0.45 0.6",
            "3 0.5 0.4 0.55 0.5 0.5 0.6 0.45 0.5 0.93",
            "3 0.45 0.5 0.55 0.4 0.5 0.6",
            "3 0.5 0.4 0.55 0.5 0.5 0.6 0.45 0.5 0.48 0.5 0.93 17",
        ] {
            let given = read(line, Order::Unknown).expect(line);
            assert_eq!(given.label.as_deref(), Some("3"));
            assert!(near(&given, centred), "{line}: {given:?}");
        }
        let first = "3 0.93 0.5 0.5 0.1 0.2";
        assert!(near(&read(first, Order::ConfidenceFirst).expect("told"), centred));
        let unclear = "3 0.4 0.3 0.3 0.2 0.4";
        let last = read(unclear, Order::ConfidenceLast).expect("told");
        assert!(near(&last, [0.25, 0.2, 0.3, 0.2]));
    }

    #[test]
    fn classes_are_called_by_their_names() {
        let names = classes("house\n7\n \n");
        assert_eq!(names, ["house", "7"]);
        let read =
            parse("1 .5 .5 .1 .1\n0 .5 .5 .1 .1\n9 .5 .5 .1 .1", Some(&names), Order::Unknown);
        let labels: Vec<_> =
            read.expect("read").boxes.into_iter().filter_map(|given| given.label).collect();
        assert_eq!(labels, ["7", "house", "9"]);
    }

    #[test]
    fn damaged_lines_say_which() {
        for (text, reason) in [
            ("3 0.5 0.5 0.25", "4 fields"),
            ("3 0.4 0.3 0.3 0.2 0.4", "which of the numbers"),
            ("3 0.91 0.3 0.3 0.15 0.35", "yolo-confidence-first"),
            ("3 0.5 0.5 0.1 0.2 0.9 1", "may be that of a track"),
            ("3.5 0.5 0.5 0.1 0.2", "the class is \"3.5\""),
            ("3 120 40 20 30", "not a fraction"),
            ("3 0.5 NaN 0.2 0.2", "not a fraction"),
            ("3 0.5 inf 0.2 0.2", "not a fraction"),
            ("car 0.5 0.5 0.2 0.2", "not a number from 0"),
            ("-1 0.5 0.5 0.2 0.2", "not a number from 0"),
            ("3 0,5 0,5 0,2 0,2", "is not a number"),
        ] {
            let text_with_line = format!("1 .5 .5 .1 .1\n{text}\n");
            let problem = parse(&text_with_line, None, Order::Unknown);
            let problem = problem.expect_err(text);
            assert_eq!(problem.line, Some(2));
            assert!(problem.what.contains(reason), "{problem:?}");
        }
        // A negative size is one of the box, not of the text.
        let read = parse("3 0.5 0.5 -0.2 0.2", None, Order::Unknown).expect("read");
        read.on(SIZE).expect_err("no box");
    }
}
