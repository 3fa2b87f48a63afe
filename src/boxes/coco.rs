//! COCO's JSON: `images`, `annotations` with a `bbox` each, and `categories`
//! (<https://cocodataset.org/#format-data>).

use std::collections::HashMap;

use serde::Deserialize;

use super::{BoxList, GivenBox, PhotoBoxes, Problem, scalar::Scalar};
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
    /// Left, top, width, height.
    bbox: [f64; 4],
}

#[derive(Deserialize)]
struct Category {
    id: Scalar,
    name: String,
}

/// Whether a JSON is COCO's rather than the project's own: no other has members of these names.
pub(super) fn looks_like(text: &str) -> bool {
    text.contains("\"images\"") && text.contains("\"annotations\"")
}

/// Reads all photos' boxes. A photo without annotations has no boxes, which is not the same as not
/// being listed.
pub(super) fn parse(text: &str) -> Result<BoxList, Problem> {
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
        let Annotation { image_id, category_id, bbox: [left, top, width, height] } = annotation;
        let Some(photo) = boxes.get_mut(&image_id) else {
            let what = format!(
                "annotation {} (counted from 1) is on image {}, which is not among images",
                i + 1,
                image_id.0
            );
            return Err(Problem::new(None, what));
        };
        let named = |id: Scalar| match names.get(&id) {
            Some(name) => name.clone(),
            None => format!("category {}", id.0),
        };
        let label = category_id.map(named);
        photo.boxes.push(GivenBox { area: LooseBox { left, top, width, height }, label });
    }
    let mut list = BoxList::default();
    for image in file.images {
        if let Some(boxes) = boxes.remove(&image.id) {
            list.add(&image.file_name, boxes).map_err(|what| Problem::new(None, what))?;
        }
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
    fn damaged_files_say_where_or_which() {
        for (from, to, line, reason) in [
            ("[10, 20, 30.5, 40]", "[10, 20, 30.5]", Some(8), "not a COCO file"),
            ("[10, 20, 30.5, 40]", "[10, 20, \"w\", 40]", Some(8), "not a COCO file"),
            ("\"bbox\": [1, 2, 3, 4]", "\"b\": 1", Some(9), "bbox"),
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
