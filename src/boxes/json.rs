//! Doorplate's own JSON.

use std::sync::Arc;

use serde::Deserialize;

use super::{BoxFile, BoxList, GivenBox, PhotoBoxes, Problem, scalar::Scalar};
use crate::{
    photo::LooseBox,
    removal::{Brush, BrushStroke},
};

/// What a file should hold.
const SHAPE: &str = r#"{"boxes": [{"left": 1, "top": 2, "width": 3, "height": 4}]}"#;

/// A file; other members are let through.
#[derive(Deserialize)]
struct File {
    boxes: Option<Vec<OwnBox>>,
    #[serde(default)]
    strokes: Vec<OwnStroke>,
    photos: Option<Vec<OwnPhoto>>,
}

#[derive(Deserialize)]
struct OwnPhoto {
    photo: String,
    boxes: Vec<OwnBox>,
    #[serde(default)]
    strokes: Vec<OwnStroke>,
}

#[derive(Deserialize)]
struct OwnBox {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    label: Option<Scalar>,
    #[serde(default)]
    keep: bool,
}

impl From<OwnBox> for GivenBox {
    fn from(own: OwnBox) -> Self {
        let OwnBox { left, top, width, height, label, keep } = own;
        let label = label.map(|Scalar(text)| text);
        GivenBox { keep, ..GivenBox::new(LooseBox { left, top, width, height }, label) }
    }
}

/// A stroke of the brush, in pixels.
#[derive(Deserialize)]
struct OwnStroke {
    /// Whether what it paints is filled; otherwise it is unchanged.
    fill: bool,
    radius: f64,
    points: Vec<[f64; 2]>,
}

impl From<OwnStroke> for BrushStroke {
    fn from(OwnStroke { fill, radius, points }: OwnStroke) -> Self {
        // What is beyond all photos is taken to the edge of the numbers.
        let units = |length: f64| (length * f64::from(BrushStroke::PER_PIXEL)).round();
        BrushStroke {
            brush: if fill { Brush::Adds } else { Brush::Takes },
            radius: units(radius) as u32,
            points: points.into_iter().map(|[x, y]| (units(x) as i32, units(y) as i32)).collect(),
        }
    }
}

/// Reads one photo's boxes, or many photos'.
pub(super) fn parse(text: &str) -> Result<BoxFile, Problem> {
    let shape = |reason: &str| format!("not a boxes file ({reason}); it should hold {SHAPE}");
    let file: File = serde_json::from_str(text)
        .map_err(|error| Problem::new(error.line(), shape(&error.to_string())))?;
    let given = |boxes: Vec<OwnBox>, strokes: Vec<OwnStroke>| PhotoBoxes {
        strokes: strokes.into_iter().map(|stroke| Arc::new(stroke.into())).collect(),
        ..PhotoBoxes::in_pixels(boxes.into_iter().map(GivenBox::from).collect())
    };
    match (file.boxes, file.photos) {
        (Some(boxes), None) => Ok(BoxFile::One(given(boxes, file.strokes))),
        (None, Some(photos)) => {
            let mut list = BoxList::default();
            for OwnPhoto { photo, boxes, strokes } in photos {
                list.add(&photo, given(boxes, strokes)).map_err(|what| Problem::new(None, what))?;
            }
            Ok(BoxFile::Many(list))
        }
        (Some(_), Some(_)) => Err(Problem::new(None, shape("it has both boxes and photos"))),
        (None, None) => Err(Problem::new(None, shape("it has neither boxes nor photos"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::given, *};

    #[test]
    fn one_photo_or_many() {
        let one = r#"{"boxes": [{"left": 1, "top": -2.5, "width": 3, "height": 4, "label": 7},
            {"left": 1, "top": 2, "width": 3, "height": 4, "label": "plate", "id": 3}]}"#;
        let expected =
            [given([1.0, -2.5, 3.0, 4.0], Some("7")), given([1.0, 2.0, 3.0, 4.0], Some("plate"))];
        assert_eq!(parse(one), Ok(BoxFile::One(PhotoBoxes::in_pixels(expected[..].to_vec()))));
        let many = r#"{"photos": [{"photo": "./a/1.png", "boxes": []},
            {"photo": "b\\1.png", "boxes": [{"left": 1, "top": 2, "width": 3, "height": 4}]}]}"#;
        let Ok(BoxFile::Many(list)) = parse(many) else { panic!("a list") };
        assert_eq!(list.get("a/1.png").map(|photo| photo.boxes.len()), Some(0));
        let second = list.get("b/1.png").expect("listed");
        assert_eq!(second.boxes, [given([1.0, 2.0, 3.0, 4.0], None)]);
    }

    #[test]
    fn damaged_files_say_where() {
        let line = |text: &str| parse(text).expect_err("damaged").line;
        assert_eq!(line("{\n\"boxes\": [\n{\"left\": 1,}]}"), Some(3));
        assert_eq!(line("{\n\"boxes\": [{\"left\": \"a\"}]}"), Some(2));
        for text in [
            "",
            "{}",
            "[1, 2]",
            "null",
            r#"{"boxes": 1}"#,
            r#"{"boxes": [{"left": 1, "top": 2, "width": 3}]}"#,
            r#"{"boxes": [], "photos": []}"#,
        ] {
            let problem = parse(text).expect_err(text);
            assert!(problem.what.contains("not a boxes file"), "{problem:?}");
        }
        let twice = r#"{"photos": [{"photo": "1.png", "boxes": []},
            {"photo": "./1.png", "boxes": []}]}"#;
        let problem = parse(twice).expect_err("listed twice");
        assert!(problem.what.contains("1.png is listed twice"), "{problem:?}");
    }
}
