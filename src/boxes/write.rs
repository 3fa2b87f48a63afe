//! Writes box files as labelling tools do. The readers in this folder read them back unchanged.

use std::{fmt::Write, sync::Arc};

use super::BoxFormat;
use crate::{
    photo::{BoxInPhoto, PhotoSize},
    removal::{Brush, BrushStroke},
};

/// YOLO's class of boxes whose digit is not known: behind those of the ten digits.
pub const UNREAD_CLASS: usize = 10;

/// The boxes of a photo, each with its digit if that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledPhoto {
    /// The photo's name.
    pub name: String,
    /// Its upright size.
    pub size: PhotoSize,
    /// The boxes, in pixels.
    pub boxes: Vec<(BoxInPhoto, Option<u8>)>,
    /// Those of them whose digits are kept. Only our JSON holds this, and the strokes.
    pub kept: Vec<BoxInPhoto>,
    /// The strokes of the brush, oldest first.
    pub strokes: Vec<Arc<BrushStroke>>,
}

/// All photos' boxes as one file, in the formats that have such: [`BoxFormat::Json`],
/// [`BoxFormat::Csv`] and [`BoxFormat::Coco`]. None in the others.
pub fn write_list(format: BoxFormat, photos: &[LabelledPhoto]) -> Option<String> {
    match format {
        BoxFormat::Json => Some(json(photos)),
        BoxFormat::Csv => Some(csv(photos)),
        BoxFormat::Coco => Some(coco(photos)),
        BoxFormat::Yolo | BoxFormat::YoloConfidenceFirst | BoxFormat::Voc | BoxFormat::Svhn => None,
    }
}

/// One photo's boxes, in the formats that have a file for each photo: [`BoxFormat::Yolo`] and
/// [`BoxFormat::Voc`]. None in the others.
pub fn write_one(format: BoxFormat, photo: &LabelledPhoto) -> Option<String> {
    match format {
        BoxFormat::Yolo => Some(yolo(photo)),
        BoxFormat::Voc => Some(voc(photo)),
        _ => None,
    }
}

/// The list of classes that belongs beside YOLO's files.
pub fn yolo_classes() -> String {
    (0..10).map(|digit| format!("{digit}\n")).chain(["unread\n".to_owned()]).collect()
}

/// A text in JSON's quotes. By hand with the rest, as serde's code for these few shapes would weigh
/// on the page.
fn quoted(text: &str) -> String {
    // A text can always be written.
    serde_json::to_string(text).unwrap_or_default()
}

fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(",\n")
}

fn json(photos: &[LabelledPhoto]) -> String {
    let own = |(area, digit): &(BoxInPhoto, Option<u8>), kept: &[BoxInPhoto]| {
        let BoxInPhoto { left, top, width, height } = area;
        let label = digit.map(|digit| format!(", \"label\": \"{digit}\"")).unwrap_or_default();
        let keep = if kept.contains(area) { ", \"keep\": true" } else { "" };
        format!(
            "  {{\"left\": {left}, \"top\": {top}, \"width\": {width}, \"height\": \
             {height}{label}{keep}}}"
        )
    };
    let stroke = |stroke: &Arc<BrushStroke>| {
        // Quarters of a pixel have two digits behind the point.
        let pixels = |units: f64| units / f64::from(BrushStroke::PER_PIXEL);
        let point = |&(x, y): &(i32, i32)| format!("[{}, {}]", pixels(x.into()), pixels(y.into()));
        let points = stroke.points.iter().map(point).collect::<Vec<_>>().join(", ");
        let (fill, radius) = (stroke.brush == Brush::Adds, pixels(stroke.radius.into()));
        format!("  {{\"fill\": {fill}, \"radius\": {radius}, \"points\": [{points}]}}")
    };
    let photos = joined(photos.iter().map(|photo| {
        let boxes = joined(photo.boxes.iter().map(|labelled| own(labelled, &photo.kept)));
        let mut strokes = joined(photo.strokes.iter().map(stroke));
        if !strokes.is_empty() {
            strokes = format!(", \"strokes\": [\n{strokes}\n]");
        }
        format!("{{\"photo\": {}, \"boxes\": [\n{boxes}\n]{strokes}}}", quoted(&photo.name))
    }));
    format!("{{\"photos\": [\n{photos}\n]}}\n")
}

fn coco(photos: &[LabelledPhoto]) -> String {
    let images = joined((1..).zip(photos).map(|(id, photo)| {
        let PhotoSize { width, height } = photo.size;
        let name = quoted(&photo.name);
        format!("{{\"id\": {id}, \"file_name\": {name}, \"width\": {width}, \"height\": {height}}}")
    }));
    let boxes = (1_usize..)
        .zip(photos)
        .flat_map(|(image, photo)| photo.boxes.iter().map(move |labelled| (image, labelled)));
    let annotations = joined((1..).zip(boxes).map(|(id, (image, (area, digit)))| {
        let BoxInPhoto { left, top, width, height } = area;
        // Many tools take 0 for the background.
        let category =
            digit.map(|digit| format!("\"category_id\": {}, ", digit + 1)).unwrap_or_default();
        let pixels = u64::from(*width) * u64::from(*height);
        format!(
            "{{\"id\": {id}, \"image_id\": {image}, {category}\"bbox\": [{left}, {top}, {width}, \
             {height}], \"area\": {pixels}, \"iscrowd\": 0}}"
        )
    }));
    let categories = joined((0..10).map(|digit| {
        format!("{{\"id\": {}, \"name\": \"{digit}\", \"supercategory\": \"digit\"}}", digit + 1)
    }));
    format!(
        "{{\"images\": [\n{images}\n],\n\"annotations\": [\n{annotations}\n],\n\
         \"categories\": [\n{categories}\n]}}\n"
    )
}

fn csv(photos: &[LabelledPhoto]) -> String {
    let mut text = "photo,left,top,width,height,label\n".to_owned();
    for LabelledPhoto { name, boxes, .. } in photos {
        // In quotes, in which only a quote has a meaning, and is doubled.
        let name = format!("\"{}\"", name.replace('"', "\"\""));
        if boxes.is_empty() {
            text += &format!("{name},,,,,\n");
        }
        for (BoxInPhoto { left, top, width, height }, digit) in boxes {
            let label = digit.map(|digit| digit.to_string()).unwrap_or_default();
            text += &format!("{name},{left},{top},{width},{height},{label}\n");
        }
    }
    text
}

fn yolo(photo: &LabelledPhoto) -> String {
    let (across, down) = (f64::from(photo.size.width), f64::from(photo.size.height));
    let mut text = String::new();
    for (area, digit) in &photo.boxes {
        let (width, height) = (f64::from(area.width), f64::from(area.height));
        // Writing into memory cannot fail.
        let _ = writeln!(
            text,
            "{} {} {} {} {}",
            digit.map_or(UNREAD_CLASS, usize::from),
            (f64::from(area.left) + width / 2.0) / across,
            (f64::from(area.top) + height / 2.0) / down,
            width / across,
            height / down,
        );
    }
    text
}

/// VOC counts pixels from 1 and names a box's first and last.
fn voc(photo: &LabelledPhoto) -> String {
    let mut text = format!(
        "<annotation>\n  <filename>{}</filename>\n  <size><width>{}</width><height>{}</height>\
         <depth>3</depth></size>\n",
        escaped(&photo.name),
        photo.size.width,
        photo.size.height
    );
    for (area, digit) in &photo.boxes {
        let name = digit.map(|digit| format!("<name>{digit}</name>")).unwrap_or_default();
        let _ = writeln!(
            text,
            "  <object>{name}<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>\
             <ymax>{}</ymax></bndbox></object>",
            u64::from(area.left) + 1,
            u64::from(area.top) + 1,
            area.right(),
            area.bottom(),
        );
    }
    text + "</annotation>\n"
}

/// Text with markup escaped; characters that XML cannot hold are left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::boxes::{BoxFile, PhotoBoxes, box_file_from_bytes};

    /// Sizes that no fraction hits exactly, boxes at every edge, and a name with all that a format
    /// could stumble over.
    fn photos() -> Vec<LabelledPhoto> {
        let sizes = [(641, 479), (3, 7), (9973, 12_007), (1, 1)];
        let names = ["a, \"b\" & <i>c</i>; é.jpg", "1.png", "tall photo.webp", "none.png"];
        sizes
            .into_iter()
            .zip(names)
            .map(|((width, height), name)| {
                let mut boxes = Vec::new();
                for step in 1..=7_u32 {
                    let (left, top) = (width * (step - 1) / 8, height * (step - 1) / 8);
                    let area = BoxInPhoto {
                        left,
                        top,
                        width: ((width - left) * step / 7).max(1),
                        height: ((height - top) / step).max(1),
                    };
                    boxes.push((area, (step > 1).then_some((step * 3 % 10) as u8)));
                }
                if name == "none.png" {
                    boxes.clear();
                }
                let name = name.to_owned();
                let kept = boxes.iter().skip(2).step_by(3).map(|(area, _)| *area).collect();
                let stroke = |brush, radius| BrushStroke {
                    brush,
                    radius,
                    points: vec![(-3, 7), (width as i32 * 4, 1)],
                };
                let strokes = [stroke(Brush::Adds, 5), stroke(Brush::Takes, 400)];
                let strokes = strokes.into_iter().map(Arc::new).collect();
                let size = PhotoSize { width, height };
                LabelledPhoto { name, size, boxes, kept, strokes }
            })
            .collect()
    }

    fn read(name: &str, text: String, classes: Option<&str>) -> BoxFile {
        box_file_from_bytes(Path::new(name), text.into_bytes(), None, classes).expect(name)
    }

    fn assert_same(given: &PhotoBoxes, photo: &LabelledPhoto) {
        let areas: Vec<BoxInPhoto> = photo.boxes.iter().map(|(area, _)| *area).collect();
        assert_eq!(given.on(photo.size).expect("on the photo"), areas, "{}", photo.name);
        for (given, (_, digit)) in given.boxes.iter().zip(&photo.boxes) {
            let label = given.label.as_deref().filter(|label| *label != "unread");
            assert_eq!(label, digit.map(|digit| digit.to_string()).as_deref());
        }
    }

    #[test]
    fn lists_come_back_unchanged() {
        let photos = photos();
        for (format, name) in
            [(BoxFormat::Json, "a.json"), (BoxFormat::Csv, "a.csv"), (BoxFormat::Coco, "a.json")]
        {
            let text = write_list(format, &photos).expect("a list");
            let BoxFile::Many(list) = read(name, text, None) else { panic!("a list") };
            assert_eq!(list.names().count(), photos.len(), "{format}");
            for photo in &photos {
                let given = list.get(&photo.name).expect("listed");
                assert_same(given, photo);
                if format == BoxFormat::Json {
                    assert_eq!(given.strokes, photo.strokes);
                    for (given, (area, _)) in given.boxes.iter().zip(&photo.boxes) {
                        assert_eq!(given.keep, photo.kept.contains(area));
                    }
                }
            }
            assert_eq!(write_one(format, &photos[0]), None);
        }
    }

    #[test]
    fn files_a_photo_come_back_unchanged() {
        for photo in photos() {
            for (format, name) in [(BoxFormat::Yolo, "a.txt"), (BoxFormat::Voc, "a.xml")] {
                let text = write_one(format, &photo).expect("a file a photo");
                let classes = yolo_classes();
                let BoxFile::One(given) = read(name, text, Some(&classes)) else {
                    panic!("one photo's")
                };
                assert_eq!(given.boxes.len(), photo.boxes.len());
                assert_same(&given, &photo);
                assert_eq!(write_list(format, &[]), None);
            }
        }
    }
}
