//! Pascal VOC's XML: an `annotation` with an `object` for each box, as the challenge's development
//! kit describes it (<http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf>).

use roxmltree::{Document, Node};

use super::{GivenBox, PhotoBoxes, Problem, around};
use crate::photo::{LooseBox, PhotoSize};

/// Reads one photo's boxes.
///
/// VOC counts pixels from 1 and names a box's first and last; many tools count from 0 and name one
/// past the last. A box that starts a pixel early covers both.
pub(super) fn parse(text: &str) -> Result<PhotoBoxes, Problem> {
    let document = Document::parse(text)
        .map_err(|error| Problem::new(error.pos().row as usize, error.to_string()))?;
    let line = |node: Node| document.text_pos_at(node.range().start).row as usize;
    let root = document.root_element();
    if root.tag_name().name() != "annotation" {
        let what = format!("<{}> instead of VOC's <annotation>", root.tag_name().name());
        return Err(Problem::new(line(root), what));
    }
    let child = |node: Node<'_, '_>, name: &str| -> Option<String> {
        let child = node.children().find(|child| child.has_tag_name(name))?;
        Some(child.text().unwrap_or_default().trim().to_owned())
    };
    let size = root.children().find(|node| node.has_tag_name("size"));
    let drawn_on = size.and_then(|size| {
        let side = |name| child(size, name)?.parse::<u32>().ok().filter(|side| *side > 0);
        // Tools that did not open the photo write zeros, which are ignored.
        Some(PhotoSize { width: side("width")?, height: side("height")? })
    });
    let mut boxes = Vec::new();
    let number = |node: Node, text: &str| -> Result<f64, Problem> {
        text.trim().parse().map_err(|_| {
            let what = format!("<{}> is {text:?}, not a number", node.tag_name().name());
            Problem::new(line(node), what)
        })
    };
    for object in root.children().filter(|node| node.has_tag_name("object")) {
        if child(object, "deleted").is_some_and(|deleted| deleted == "1") {
            continue;
        }
        let area = match object.children().find(|node| node.has_tag_name("bndbox")) {
            Some(area) => {
                let edge = |name: &str| -> Result<f64, Problem> {
                    let edge = area.children().find(|child| child.has_tag_name(name));
                    let edge = edge.ok_or_else(|| {
                        Problem::new(line(area), format!("a <bndbox> without <{name}>"))
                    })?;
                    number(edge, edge.text().unwrap_or_default())
                };
                let corners = [[edge("xmin")?, edge("ymin")?], [edge("xmax")?, edge("ymax")?]];
                // Drawn from another corner, they may be swapped.
                around(corners)
            }
            None => {
                let points = polygon(object, &number)?;
                if points.len() < 3 {
                    let what = "an <object> without <bndbox> or <polygon>; export upright boxes";
                    return Err(Problem::new(line(object), what));
                }
                around(points)
            }
        };
        // Pixels are counted from 1.
        let area = area.map(|area| LooseBox {
            left: area.left - 1.0,
            top: area.top - 1.0,
            width: area.width + 1.0,
            height: area.height + 1.0,
        });
        let area = area.ok_or_else(|| Problem::new(line(object), "an <object> without a point"))?;
        boxes.push(GivenBox::new(area, child(object, "name")));
    }
    Ok(PhotoBoxes { drawn_on, ..PhotoBoxes::in_pixels(boxes) })
}

/// The points of an object's polygon, which are `<pt>` with `<x>` and `<y>`, or `<x1>`, `<y1>`, `<x2>` and so
/// on.
fn polygon(
    object: Node<'_, '_>,
    number: &dyn Fn(Node<'_, '_>, &str) -> Result<f64, Problem>,
) -> Result<Vec<[f64; 2]>, Problem> {
    let mut ways = [Vec::new(), Vec::new()];
    let polygons = object.children().filter(|node| node.has_tag_name("polygon"));
    for node in polygons.flat_map(|polygon| polygon.descendants()) {
        let name = node.tag_name().name();
        let way = match name.split_at_checked(1) {
            Some(("x", nth)) if nth.bytes().all(|digit| digit.is_ascii_digit()) => 0,
            Some(("y", nth)) if nth.bytes().all(|digit| digit.is_ascii_digit()) => 1,
            _ => continue,
        };
        ways[way].push(number(node, node.text().unwrap_or_default())?);
    }
    let [across, down] = ways;
    Ok(across.into_iter().zip(down).map(|(x, y)| [x, y]).collect())
}

#[cfg(test)]
mod tests {
    use super::{super::tests::given, *};

    const WHOLE: &str = "<annotation>
  <filename>1.png</filename>
  <size><width>200</width><height>100</height><depth>3</depth></size>
  <object>
    <name>7</name>
    <bndbox><xmin>11</xmin><ymin>21</ymin><xmax>30</xmax><ymax>60</ymax></bndbox>
  </object>
  <object><bndbox><xmin>1</xmin><ymax>9</ymax><xmax>4.5</xmax><ymin>2</ymin></bndbox></object>
</annotation>";

    #[test]
    fn objects_are_boxes_from_their_first_to_their_last_pixel() {
        let read = parse(WHOLE).expect("read");
        let expected =
            [given([10.0, 20.0, 20.0, 40.0], Some("7")), given([0.0, 1.0, 4.5, 8.0], None)];
        assert_eq!(read.boxes, expected);
        assert_eq!(read.drawn_on, Some(PhotoSize { width: 200, height: 100 }));
        let unknown = WHOLE.replace(">200<", ">0<");
        assert_eq!(parse(&unknown).expect("read").drawn_on, None);
        assert_eq!(parse("<annotation/>").expect("read").boxes, []);
    }

    #[test]
    fn swapped_corners_and_polygons_are_the_boxes_round_them() {
        let expected = parse(WHOLE).expect("read");
        let corners = "<xmin>11</xmin><ymin>21</ymin><xmax>30</xmax><ymax>60</ymax>";
        let swapped = "<xmin>30</xmin><ymin>60</ymin><xmax>11</xmax><ymax>21</ymax>";
        assert_eq!(parse(&WHOLE.replace(corners, swapped)), Ok(expected.clone()));
        let bndbox = format!("<bndbox>{corners}</bndbox>");
        for polygon in [
            "<pt><x>11</x><y>40</y></pt><pt><x>30</x><y>21</y></pt><pt><x>20</x><y>60</y></pt>",
            "<x1>11</x1><y1>40</y1><x2>30</x2><y2>21</y2><x3>20</x3><y3>60</y3>",
        ] {
            let text = WHOLE.replace(&bndbox, &format!("<polygon>{polygon}</polygon>"));
            assert_eq!(parse(&text), Ok(expected.clone()), "{polygon}");
        }
        let deleted = WHOLE.replace("<name>7", "<deleted>1</deleted><name>7");
        assert_eq!(parse(&deleted).expect("read").boxes, expected.boxes[1..]);
        let turned = WHOLE.replace("bndbox", "robndbox");
        let problem = parse(&turned).expect_err("turned boxes");
        assert!(problem.line == Some(4) && problem.what.contains("export upright"), "{problem:?}");
    }

    #[test]
    fn damaged_files_say_in_which_line() {
        for (from, to, line) in [
            ("<bndbox><xmin>11", "<bndbox><xmin>eleven", 6),
            ("<xmin>11</xmin>", "", 6),
            ("</bndbox>\n", "\n", 7),
            // Where what is never closed begins.
            ("</annotation>", "", 1),
            ("<filename>", "<filename>&nothing;", 2),
            ("<bndbox><xmin>1<", "<box><xmin>1<", 8),
        ] {
            let text = WHOLE.replacen(from, to, 1);
            assert_ne!(text, WHOLE, "{from} is in the text");
            let problem = parse(&text).expect_err(to);
            assert_eq!(problem.line, Some(line), "{problem:?}");
        }
        let other = parse("<html></html>").expect_err("another document");
        assert!(other.what.contains("<html> instead of"), "{other:?}");
        parse("").expect_err("nothing");
        for cut in 0..WHOLE.len() {
            parse(&WHOLE[..cut]).expect_err("cut short");
        }
    }

    #[test]
    fn entities_that_grow_are_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\">]><annotation>&b;</annotation>";
        parse(bomb).expect_err("a document type");
    }
}
