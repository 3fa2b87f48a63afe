//! COCO's JSON: `images`, `annotations` with a `bbox` each, and `categories`
//! (<https://cocodataset.org/#format-data>).

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{BoxList, GivenBox, PhotoBoxes, Problem, around, scalar::Scalar};
use crate::photo::{LooseBox, PhotoSize};

/// A file; other members, such as `info`, are let through.
#[derive(Deserialize)]
struct File {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    #[serde(default)]
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: Scalar,
    file_name: String,
    width: Option<u32>,
    height: Option<u32>,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: Scalar,
    category_id: Option<Scalar>,
    /// Left, top, width, height; empty in files of some tools.
    bbox: Option<Vec<f64>>,
    segmentation: Option<Outline>,
}

#[derive(Deserialize)]
struct Category {
    id: Scalar,
    name: String,
}

/// An entry of a list of results, which has no images; some tools write the name into it.
#[derive(Deserialize)]
struct Found {
    file_name: Option<String>,
    category_id: Option<Scalar>,
    bbox: Option<Vec<f64>>,
    segmentation: Option<Outline>,
}

/// The outline of an annotation, as the box round it. By hand, as serde's untagged enums would weigh on
/// the page.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Outline(Option<LooseBox>);

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Outline;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("polygons, or counts of pixels and their size")
            }

            /// Polygons: lists of x and y in turns.
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Outline, A::Error> {
                let mut points = Vec::new();
                while let Some(polygon) = list.next_element::<Vec<f64>>()? {
                    points.extend(polygon.as_chunks::<2>().0);
                }
                Ok(Outline(around(points)))
            }

            /// Runs of pixels in a picture of this height and width.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline, A::Error> {
                let (mut counts, mut size) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "counts" => counts = Some(map.next_value::<Counts>()?.0),
                        "size" => size = Some(map.next_value::<[u64; 2]>()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                let area = size.zip(counts).and_then(|([height, _], runs)| area_of(height, &runs));
                Ok(Outline(area))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// Lengths of runs of pixels, outside and inside in turns.
struct Counts(Vec<u64>);

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Counts;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("counts of pixels")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counts, A::Error> {
                let mut counts = Vec::new();
                while let Some(count) = list.next_element()? {
                    counts.push(count);
                }
                Ok(Counts(counts))
            }

            fn visit_str<E: serde::de::Error>(self, packed: &str) -> Result<Counts, E> {
                unpacked(packed).map(Counts).ok_or_else(|| E::custom("damaged counts of pixels"))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// Counts that are packed into letters, as COCO's own tools do: five bits a letter, the lowest ones first,
/// and from the fourth number on as the difference to the second last one.
fn unpacked(packed: &str) -> Option<Vec<u64>> {
    let mut counts: Vec<i64> = Vec::new();
    let (mut value, mut shift) = (0i64, 0u32);
    for byte in packed.bytes() {
        let bits = i64::from(byte.checked_sub(48).filter(|bits| *bits < 64)?);
        if shift > 40 {
            return None;
        }
        value |= (bits & 0x1F) << shift;
        shift += 5;
        if bits & 0x20 != 0 {
            continue;
        }
        if bits & 0x10 != 0 {
            value |= -1 << shift;
        }
        if counts.len() > 2 {
            value += counts[counts.len() - 2];
        }
        counts.push(value);
        (value, shift) = (0, 0);
    }
    let counts = counts.into_iter().map(|count| u64::try_from(count).ok()).collect();
    if shift == 0 { counts } else { None }
}

/// The box round all pixels inside; `None` if there are none. Pixels are counted down each column.
fn area_of(height: u64, runs: &[u64]) -> Option<LooseBox> {
    let mut points = Vec::new();
    let mut end = 0u64;
    for (i, &run) in runs.iter().enumerate() {
        let start = end;
        end = end.checked_add(run)?;
        if i % 2 == 0 || run == 0 || height == 0 {
            continue;
        }
        let (first, last) = (start / height, (end - 1) / height);
        let rows = match first == last {
            true => [start % height, (end - 1) % height + 1],
            false => [0, height],
        };
        points.extend([[first as f64, rows[0] as f64], [(last + 1) as f64, rows[1] as f64]]);
    }
    around(points)
}

/// An annotation's box: its own, or the one round its outline. `None` if it has neither.
fn box_of(bbox: Option<&[f64]>, outline: Option<Outline>) -> Option<Result<LooseBox, String>> {
    match bbox.unwrap_or_default() {
        &[left, top, width, height] => Some(Ok(LooseBox { left, top, width, height })),
        [] => outline.and_then(|Outline(area)| area).map(Ok),
        other => Some(Err(format!(
            "a bbox of {} numbers; it should be left, top, width and height",
            other.len()
        ))),
    }
}

/// What is wrong with an annotation, with its number in the list.
fn of_annotation(i: usize, what: &str) -> Problem {
    Problem::new(None, format!("annotation {} (counted from 1) {what}", i + 1))
}

const NO_BOX: &str = "has neither a bbox nor a segmentation, so what it marks would stay on its photo; \
                      give it a bbox, or remove it";

/// Whether a JSON is COCO's rather than the project's own: no other has members of these names.
pub(super) fn looks_like(text: &str) -> bool {
    text.contains("\"images\"") && text.contains("\"annotations\"")
        || text.trim_start().starts_with('[') && text.contains("\"image_id\"")
}

/// Reads all photos' boxes. A photo without annotations has no boxes, which is not the same as not
/// being listed.
pub(super) fn parse(text: &str) -> Result<BoxList, Problem> {
    if text.trim_start().starts_with('[') {
        return parse_results(text);
    }
    let file: File = serde_json::from_str(text)
        .map_err(|error| Problem::new(error.line(), format!("not a COCO file ({error})")))?;
    let names: HashMap<Scalar, String> =
        file.categories.into_iter().map(|category| (category.id, category.name)).collect();
    let mut boxes: HashMap<Scalar, PhotoBoxes> = HashMap::new();
    for image in &file.images {
        let drawn_on = match (image.width, image.height) {
            (Some(width), Some(height)) if width > 0 && height > 0 => {
                Some(PhotoSize { width, height })
            }
            _ => None,
        };
        let none = PhotoBoxes { drawn_on, ..PhotoBoxes::in_pixels(Vec::new()) };
        if boxes.insert(image.id.clone(), none).is_some() {
            let what = format!("two images have the id {}", image.id.0);
            return Err(Problem::new(None, what));
        }
    }
    for (i, annotation) in file.annotations.into_iter().enumerate() {
        let Annotation { image_id, category_id, bbox, segmentation } = annotation;
        let Some(photo) = boxes.get_mut(&image_id) else {
            let what = format!("is on image {}, which is not among images", image_id.0);
            return Err(of_annotation(i, &what));
        };
        let area = box_of(bbox.as_deref(), segmentation)
            .ok_or_else(|| of_annotation(i, NO_BOX))?
            .map_err(|what| of_annotation(i, &format!("has {what}")))?;
        let named = |id: Scalar| match names.get(&id) {
            Some(name) => name.clone(),
            None => format!("category {}", id.0),
        };
        photo.boxes.push(GivenBox::new(area, category_id.map(named)));
    }
    let mut list = BoxList::default();
    for image in file.images {
        if let Some(boxes) = boxes.remove(&image.id) {
            list.add(&image.file_name, boxes).map_err(|what| Problem::new(None, what))?;
        }
    }
    Ok(list)
}

/// Reads a list of results. Without images, it gives photos by their ids alone, unless the tool has
/// added their names.
fn parse_results(text: &str) -> Result<BoxList, Problem> {
    let results: Vec<Found> = serde_json::from_str(text)
        .map_err(|error| Problem::new(error.line(), format!("not a list of results ({error})")))?;
    let mut list = BoxList::default();
    for (i, Found { file_name, category_id, bbox, segmentation }) in results.into_iter().enumerate()
    {
        let Some(name) = file_name else {
            return Err(Problem::new(
                None,
                "this is COCO's list of results, which does not name photos; give a file with \
                 images and annotations, or add a file_name to each result",
            ));
        };
        let area = box_of(bbox.as_deref(), segmentation)
            .ok_or_else(|| of_annotation(i, NO_BOX))?
            .map_err(|what| of_annotation(i, &format!("has {what}")))?;
        let label = category_id.map(|Scalar(id)| format!("category {id}"));
        list.boxes_of(&name).push(GivenBox::new(area, label));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::given, *};

    const WHOLE: &str = r#"{
  "info": {"year": 2026},
  "images": [
    {"id": 1, "file_name": "a/1.jpg", "width": 200, "height": 100},
    {"id": 2, "file_name": "2.jpg"}
  ],
  "annotations": [
    {"id": 1, "image_id": 1, "category_id": 4, "bbox": [10, 20, 30.5, 40], "iscrowd": 0},
    {"id": 2, "image_id": 1, "category_id": 9, "bbox": [1, 2, 3, 4]}
  ],
  "categories": [{"id": 4, "name": "7", "supercategory": "digit"}]
}"#;

    #[test]
    fn annotations_find_their_image_and_category() {
        assert!(looks_like(WHOLE));
        let list = parse(WHOLE).expect("read");
        let first = list.get("a/1.jpg").expect("listed");
        let expected = [
            given([10.0, 20.0, 30.5, 40.0], Some("7")),
            given([1.0, 2.0, 3.0, 4.0], Some("category 9")),
        ];
        assert_eq!(first.boxes, expected);
        assert_eq!(first.drawn_on, Some(PhotoSize { width: 200, height: 100 }));
        assert_eq!(list.get("2.jpg").map(|photo| photo.boxes.len()), Some(0));
        assert_eq!(list.get("3.jpg"), None);
        let texts =
            WHOLE.replace("\"id\": 1,", "\"id\": \"x\",").replace("id\": 1,", "id\": \"x\",");
        assert_eq!(parse(&texts), Ok(list));
    }

    #[test]
    fn outlines_and_runs_of_pixels_are_boxes_round_them() {
        // Rows 2 to 4 of column 3, and rows 1 and 2 of column 4, of ten.
        let runs = "{\"size\": [10, 20], \"counts\": [32, 3, 6, 2, 157]}";
        let counts = [32i64, 3, 6, 2, 157];
        // Packed as COCO's own tools do.
        let packed: String = (0..counts.len())
            .flat_map(|i| {
                let mut value = if i > 2 { counts[i] - counts[i - 2] } else { counts[i] };
                let mut letters = Vec::new();
                loop {
                    let bits = value & 0x1F;
                    value >>= 5;
                    let more = if bits & 0x10 == 0 { value != 0 } else { value != -1 };
                    letters.push(char::from(48 + bits as u8 + if more { 32 } else { 0 }));
                    if !more {
                        break letters;
                    }
                }
            })
            .collect();
        let packed = packed.replace('\\', "\\\\");
        for (outline, expected) in [
            ("[[12, 30, 18.5, 25, 15, 60], [11, 40, 12, 41, 13, 39]]", [11.0, 25.0, 7.5, 35.0]),
            (runs, [3.0, 1.0, 2.0, 4.0]),
            (&format!("{{\"counts\": \"{packed}\", \"size\": [10, 20]}}"), [3.0, 1.0, 2.0, 4.0]),
        ] {
            for empty in ["", "\"bbox\": [], ", "\"bbox\": null, "] {
                let new = format!("{empty}\"segmentation\": {outline}");
                let text = WHOLE.replacen("\"bbox\": [1, 2, 3, 4]", &new, 1);
                let list = parse(&text).unwrap_or_else(|problem| panic!("{new}: {problem:?}"));
                let boxes = &list.get("a/1.jpg").expect("listed").boxes;
                assert_eq!(boxes[1], given(expected, Some("category 9")), "{new}");
            }
            // A box is taken rather than the outline.
            let both = WHOLE.replacen("4]}", &format!("4], \"segmentation\": {outline}}}"), 1);
            assert_eq!(parse(&both), parse(WHOLE));
        }
        for none in ["[]", "[[]]", "{\"size\": [0, 0], \"counts\": [0, 4]}"] {
            let new = format!("\"segmentation\": {none}");
            let text = WHOLE.replacen("\"bbox\": [1, 2, 3, 4]", &new, 1);
            assert!(parse(&text).expect_err(none).what.contains("neither"), "{none}");
        }
        assert_eq!(unpacked("oooooooooooo0"), None);
    }

    #[test]
    fn a_list_of_results_is_read_if_it_names_its_photos() {
        let result = |name: &str| {
            format!(
                "[{{{name}\"image_id\": 1, \"category_id\": 7, \"bbox\": [1, 2, 3, 4], \"score\": 0.9}}]"
            )
        };
        let named = result("\"file_name\": \"1.jpg\", ");
        assert!(looks_like(&named));
        let list = parse(&named).expect("read");
        let expected = [given([1.0, 2.0, 3.0, 4.0], Some("category 7"))];
        assert_eq!(list.get("1.jpg").expect("listed").boxes, expected);
        let problem = parse(&result("")).expect_err("without names");
        assert!(problem.what.contains("does not name photos"), "{problem:?}");
    }

    #[test]
    fn damaged_files_say_where_or_which() {
        for (from, to, line, reason) in [
            (
                "[10, 20, 30.5, 40]",
                "[10, 20, 30.5]",
                None,
                "annotation 1 (counted from 1) has a bbox of 3",
            ),
            ("[10, 20, 30.5, 40]", "[10, 20, \"w\", 40]", Some(8), "not a COCO file"),
            (
                "\"bbox\": [1, 2, 3, 4]",
                "\"b\": 1",
                None,
                "annotation 2 (counted from 1) has neither",
            ),
            ("\"bbox\": [1, 2, 3, 4]", "\"bbox\": []", None, "has neither a bbox nor"),
            ("\"file_name\": \"2.jpg\"", "\"name\": 2", Some(5), "file_name"),
            ("],\n  \"categories", "]\n  \"categories", Some(11), "expected"),
            ("\"image_id\": 1, \"category_id\": 9", "\"image_id\": 8", None, "annotation 2"),
            ("\"id\": 2, \"file", "\"id\": 1, \"file", None, "two images have the id 1"),
            ("\"2.jpg\"", "\"a/1.jpg\"", None, "a/1.jpg is listed twice"),
        ] {
            let text = WHOLE.replacen(from, to, 1);
            assert_ne!(text, WHOLE, "{from} is in the text");
            let problem = parse(&text).expect_err(to);
            assert_eq!(problem.line, line, "{problem:?}");
            assert!(problem.what.contains(reason), "{problem:?}");
        }
        for cut in 0..WHOLE.len() {
            parse(&WHOLE[..cut]).expect_err("cut short");
        }
    }
}
