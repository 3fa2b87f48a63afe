//! Pascal VOC's XML: an `annotation` with an `object` for each box, as the challenge's development
//! kit describes it (<http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf>).

use roxmltree::{Document, Node};

use super::{GivenBox, PhotoBoxes, Problem};
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
    for object in root.children().filter(|node| node.has_tag_name("object")) {
        let Some(area) = object.children().find(|node| node.has_tag_name("bndbox")) else {
            return Err(Problem::new(line(object), "an <object> without <bndbox>"));
        };
        let edge = |name: &str| -> Result<f64, Problem> {
            let Some(text) = child(area, name) else {
                return Err(Problem::new(line(area), format!("a <bndbox> without <{name}>")));
            };
            text.parse().map_err(|_| {
                Problem::new(line(area), format!("<{name}> is {text:?}, not a number"))
            })
        };
        let (left, top) = (edge("xmin")? - 1.0, edge("ymin")? - 1.0);
        let area = LooseBox { left, top, width: edge("xmax")? - left, height: edge("ymax")? - top };
        boxes.push(GivenBox { area, label: child(object, "name") });
    }
    Ok(PhotoBoxes { drawn_on, ..PhotoBoxes::in_pixels(boxes) })
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
