//! YOLO's texts: a line `class cx cy w h` for each box, in fractions of the photo, as Ultralytics
//! describes them (<https://docs.ultralytics.com/datasets/detect/>). Predictions have the
//! confidence at the end.

use super::{GivenBox, PhotoBoxes, Problem, Unit};
use crate::photo::LooseBox;

/// Larger values are not fractions of a photo, but most likely pixels. Boxes that extend a little
/// beyond the photo are below this.
const FURTHEST: f64 = 2.0;

/// The classes' names, one per line, in their order.
pub(super) fn classes(text: &str) -> Vec<String> {
    text.trim_end().lines().map(|line| line.trim().to_owned()).collect()
}

/// Reads one photo's boxes. Their labels are the classes' names, and their numbers without any.
pub(super) fn parse(text: &str, classes: Option<&[String]>) -> Result<PhotoBoxes, Problem> {
    let mut boxes = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let problem = |what: String| Problem::new(i + 1, what);
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (class, numbers) = match fields.split_first() {
            None => continue,
            Some((class, numbers)) if matches!(numbers.len(), 4 | 5) => (class, numbers),
            Some(_) => {
                return Err(problem(format!(
                    "{} fields; a line of YOLO's holds class, centre x, centre y, width and \
                     height (outlines are not read)",
                    fields.len()
                )));
            }
        };
        let class: usize = class
            .parse()
            .map_err(|_| problem(format!("the class is {class:?}, not a number from 0")))?;
        let mut values = [0.0; 4];
        for (value, text) in values.iter_mut().zip(numbers) {
            *value = match text.parse::<f64>() {
                Ok(number) if number.abs() <= FURTHEST => number,
                Ok(number) => {
                    return Err(problem(format!(
                        "{number} is not a fraction of the photo; YOLO's numbers run from 0 to 1"
                    )));
                }
                Err(_) => return Err(problem(format!("{text:?} is not a number"))),
            };
        }
        let [across, down, width, height] = values;
        let area = LooseBox { left: across - width / 2.0, top: down - height / 2.0, width, height };
        let name = classes.and_then(|names| names.get(class)).cloned();
        boxes.push(GivenBox { area, label: Some(name.unwrap_or_else(|| class.to_string())) });
    }
    Ok(PhotoBoxes { boxes, unit: Unit::Fractions, drawn_on: None })
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
        let read = parse("3 0.5 0.5 0.25 0.5\r\n\n10 0.125 0.5 0.25 1 0.97\n", None);
        let read = read.expect("read");
        let expected =
            [given([0.375, 0.25, 0.25, 0.5], Some("3")), given([0.0, 0.0, 0.25, 1.0], Some("10"))];
        assert_eq!(read.boxes, expected);
        let first = read.on(SIZE).expect("on the photo")[0];
        assert_eq!(first, BoxInPhoto { left: 75, top: 25, width: 50, height: 50 });
        assert_eq!(parse("", None).expect("no box").boxes, []);
    }

    #[test]
    fn classes_are_called_by_their_names() {
        let names = classes("house\n7\n \n");
        assert_eq!(names, ["house", "7"]);
        let read = parse("1 .5 .5 .1 .1\n0 .5 .5 .1 .1\n9 .5 .5 .1 .1", Some(&names));
        let labels: Vec<_> =
            read.expect("read").boxes.into_iter().filter_map(|given| given.label).collect();
        assert_eq!(labels, ["7", "house", "9"]);
    }

    #[test]
    fn damaged_lines_say_which() {
        for (text, reason) in [
            ("3 0.5 0.5 0.25", "4 fields"),
            ("3 0.1 0.1 0.2 0.2 0.3 0.3 0.4", "outlines are not read"),
            ("3 120 40 20 30", "not a fraction"),
            ("3 0.5 NaN 0.2 0.2", "not a fraction"),
            ("3 0.5 inf 0.2 0.2", "not a fraction"),
            ("car 0.5 0.5 0.2 0.2", "not a number from 0"),
            ("-1 0.5 0.5 0.2 0.2", "not a number from 0"),
            ("3 0,5 0,5 0,2 0,2", "is not a number"),
        ] {
            let problem = parse(&format!("1 .5 .5 .1 .1\n{text}\n"), None);
            let problem = problem.expect_err(text);
            assert_eq!(problem.line, Some(2));
            assert!(problem.what.contains(reason), "{problem:?}");
        }
        // A negative size is one of the box, not of the text.
        let read = parse("3 0.5 0.5 -0.2 0.2", None).expect("read");
        read.on(SIZE).expect_err("no box");
    }
}
