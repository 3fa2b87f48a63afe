//! Tables of boxes: a header line, then a line for each box.
//!
//! Tools name their columns differently. The names of TensorFlow's object detection, of VGG's tool
//! and of spreadsheets made by hand are known. Values are separated by commas, semicolons or tabs.

use std::collections::BTreeMap;

use ::csv::{ReaderBuilder, StringRecord, Trim};
use serde::Deserialize;

use super::{BoxList, GivenBox, PhotoBoxes, Problem, around, plain_name, scalar::Scalar};
use crate::photo::{LooseBox, PhotoSize};

const PHOTO: [&str; 7] = ["photo", "file", "filename", "file_name", "image", "path", "image_path"];
const LEFT: [&str; 5] = ["left", "xmin", "x_min", "x1", "x"];
const TOP: [&str; 5] = ["top", "ymin", "y_min", "y1", "y"];
const RIGHT: [&str; 4] = ["right", "xmax", "x_max", "x2"];
const BOTTOM: [&str; 4] = ["bottom", "ymax", "y_max", "y2"];
const WIDTH: [&str; 4] = ["width", "w", "box_width", "bbox_width"];
const HEIGHT: [&str; 4] = ["height", "h", "box_height", "bbox_height"];
/// VGG's tool (VIA) writes a region as JSON.
const SHAPE: [&str; 1] = ["region_shape_attributes"];
const ATTRIBUTES: [&str; 1] = ["region_attributes"];
const LABEL: [&str; 5] = ["label", "class", "category", "digit", "name"];

/// Where a table has what.
struct Columns {
    photo: usize,
    place: Place,
    label: Option<usize>,
}

/// How a table says where a box lies.
enum Place {
    Columns {
        left: usize,
        top: usize,
        extent: Extent,
        /// Whether numbers may have a comma in place of the point.
        decimal_comma: bool,
    },
    /// A region of VIA's.
    Shape(usize),
}

/// How a table says how large a box is.
enum Extent {
    Size {
        width: usize,
        height: usize,
    },
    /// With these columns, width and height are the photo's, if there are any.
    Edges {
        right: usize,
        bottom: usize,
        photo: Option<(usize, usize)>,
    },
}

impl Columns {
    fn of(header: &StringRecord, decimal_comma: bool) -> Result<Self, Problem> {
        let header: Vec<String> = header.iter().map(str::to_lowercase).collect();
        let find = |names: &[&str]| {
            names.iter().find_map(|name| header.iter().position(|column| column == name))
        };
        let need = |names: &[&str]| {
            find(names).ok_or_else(|| {
                let what = format!(
                    "no column {}; the first line should name the columns, for example \
                     photo,left,top,width,height,label",
                    names.first().copied().unwrap_or_default()
                );
                Problem::new(1, what)
            })
        };
        if let Some(shape) = find(&SHAPE) {
            let (photo, label) = (need(&PHOTO)?, find(&ATTRIBUTES));
            return Ok(Columns { photo, place: Place::Shape(shape), label });
        }
        let size = find(&WIDTH).zip(find(&HEIGHT));
        let extent = match find(&RIGHT).zip(find(&BOTTOM)) {
            Some((right, bottom)) => Extent::Edges { right, bottom, photo: size },
            None => Extent::Size { width: need(&WIDTH)?, height: need(&HEIGHT)? },
        };
        let (photo, left, top) = (need(&PHOTO)?, need(&LEFT)?, need(&TOP)?);
        let place = Place::Columns { left, top, extent, decimal_comma };
        Ok(Columns { photo, place, label: find(&LABEL) })
    }

    /// A line's box; `None` if the line names a photo but leaves the box empty, which means that
    /// the photo has none.
    fn box_of(&self, record: &StringRecord) -> Result<Option<GivenBox>, String> {
        let text = |column: usize| record.get(column).unwrap_or_default();
        let (left, top, extent, decimal_comma) = match self.place {
            Place::Columns { left, top, ref extent, decimal_comma } => {
                (left, top, extent, decimal_comma)
            }
            Place::Shape(column) => {
                let Some(area) = via_area(text(column))? else { return Ok(None) };
                let label = self.label.and_then(|column| via_label(text(column)));
                return Ok(Some(GivenBox::new(area, label)));
            }
        };
        let columns = match *extent {
            Extent::Size { width, height } => [left, top, width, height],
            Extent::Edges { right, bottom, .. } => [left, top, right, bottom],
        };
        if columns.iter().all(|&column| text(column).is_empty()) {
            return Ok(None);
        }
        let mut values = [0.0; 4];
        for (value, column) in values.iter_mut().zip(columns) {
            let text = text(column);
            let parsed = match decimal_comma && !text.contains('.') {
                true => text.replacen(',', ".", 1).parse(),
                false => text.parse(),
            };
            *value =
                parsed.map_err(|_| format!("column {} is {text:?}, not a number", column + 1))?;
        }
        let [left, top, third, fourth] = values;
        let area = match extent {
            Extent::Size { .. } => Some(LooseBox { left, top, width: third, height: fourth }),
            // Drawn from another corner, edges may be swapped.
            Extent::Edges { .. } => around([[left, top], [third, fourth]]),
        };
        let label = self.label.map(text).filter(|label| !label.is_empty()).map(str::to_owned);
        Ok(area.map(|area| GivenBox::new(area, label)))
    }

    fn drawn_on(&self, record: &StringRecord) -> Option<PhotoSize> {
        let Place::Columns { extent, .. } = &self.place else { return None };
        let &Extent::Edges { photo: Some((width, height)), .. } = extent else { return None };
        let side = |column: usize| record.get(column)?.parse().ok().filter(|side| *side > 0);
        Some(PhotoSize { width: side(width)?, height: side(height)? })
    }
}

/// A region of VIA's, by the box round it; `None` if there is no region.
#[derive(Deserialize)]
struct Shape {
    name: Option<String>,
    x: Option<f64>,
    y: Option<f64>,
    width: Option<f64>,
    height: Option<f64>,
    cx: Option<f64>,
    cy: Option<f64>,
    r: Option<f64>,
    rx: Option<f64>,
    ry: Option<f64>,
    theta: Option<f64>,
    #[serde(default)]
    all_points_x: Vec<f64>,
    #[serde(default)]
    all_points_y: Vec<f64>,
}

fn via_area(json: &str) -> Result<Option<LooseBox>, String> {
    if json.is_empty() {
        return Ok(None);
    }
    let shape: Shape =
        serde_json::from_str(json).map_err(|error| format!("its region is damaged ({error})"))?;
    let Some(name) = shape.name.as_deref() else { return Ok(None) };
    let of_rectangle = || {
        let (left, top) = (shape.x?, shape.y?);
        Some(LooseBox { left, top, width: shape.width?, height: shape.height? })
    };
    let of_ellipse = || {
        let (x, y) = (shape.cx?, shape.cy?);
        let [mut across, mut down] = [shape.rx.or(shape.r)?, shape.ry.or(shape.r)?];
        if shape.theta.is_some_and(|theta| theta != 0.0) {
            // Turned, it lies in the circle round it.
            (across, down) = (across.max(down), across.max(down));
        }
        around([[x - across, y - down], [x + across, y + down]])
    };
    let points = shape.all_points_x.iter().zip(&shape.all_points_y).map(|(&x, &y)| [x, y]);
    let area = match name {
        "rect" => of_rectangle(),
        "circle" | "ellipse" => of_ellipse(),
        "polygon" | "polyline" => around(points),
        _ => None,
    };
    let none = || format!("a region of the shape {name:?} is not a box; draw a rectangle");
    area.map(Some).ok_or_else(none)
}

/// The first text among a region's attributes.
fn via_label(json: &str) -> Option<String> {
    let attributes: BTreeMap<String, Scalar> = serde_json::from_str(json).ok()?;
    attributes.into_values().map(|Scalar(text)| text).find(|text| !text.is_empty())
}

/// Reads all photos' boxes; the lines of a photo may be anywhere in the file. Excel's first line
/// `sep=;` may say how values are separated.
pub(super) fn parse(text: &str) -> Result<BoxList, Problem> {
    let first = text.lines().next().unwrap_or_default();
    let told = first.trim_matches('"').strip_prefix("sep=").map(str::as_bytes);
    let (text, skipped) = match told {
        Some(_) => (text.split_once('\n').map_or("", |(_, rest)| rest), 1),
        None => (text, 0),
    };
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    let most = *b",;\t".iter().rev().max_by_key(|byte| count(**byte)).unwrap_or(&b',');
    let separator = told.and_then(<[u8]>::first).copied().unwrap_or(most);
    let mut reader =
        ReaderBuilder::new().delimiter(separator).trim(Trim::All).from_reader(text.as_bytes());
    let line_of = |position: Option<&::csv::Position>| {
        let line = position.and_then(|position| usize::try_from(position.line()).ok());
        line.map(|line| line + skipped)
    };
    let damaged = |error: ::csv::Error| {
        // The reader's own message gives the line as one of several numbers.
        let what = match error.kind() {
            ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{len} values, and the first line names {expected_len} columns")
            }
            _ => error.to_string(),
        };
        Problem::new(line_of(error.position()), what)
    };
    let columns = Columns::of(reader.headers().map_err(damaged)?, separator != b',')?;
    let mut list = BoxList::default();
    for record in reader.records() {
        let record = record.map_err(damaged)?;
        let problem = |what: String| Problem::new(line_of(record.position()), what);
        let photo = plain_name(record.get(columns.photo).unwrap_or_default());
        if photo.is_empty() {
            return Err(problem("the photo's name is empty".to_owned()));
        }
        let given = columns.box_of(&record).map_err(problem)?;
        let drawn_on = columns.drawn_on(&record);
        let none = || PhotoBoxes { drawn_on, ..PhotoBoxes::in_pixels(Vec::new()) };
        list.photos.entry(photo).or_insert_with(none).boxes.extend(given);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::given, *};

    #[test]
    fn lines_gather_by_photo() {
        let text = "photo,left,top,width,height,label\n1.png,1,2,3,4,7\n\"a, b/2.png\",1,2,3,4.5,\n\
                    1.png, 5 ,6,7,8,x\n3.png,,,,,\n";
        let list = parse(text).expect("read");
        let expected =
            [given([1.0, 2.0, 3.0, 4.0], Some("7")), given([5.0, 6.0, 7.0, 8.0], Some("x"))];
        assert_eq!(list.get("1.png").expect("listed").boxes, expected);
        let second = &list.get("a, b/2.png").expect("listed").boxes;
        assert_eq!(*second, [given([1.0, 2.0, 3.0, 4.5], None)]);
        assert_eq!(list.get("3.png").map(|photo| photo.boxes.len()), Some(0));
        assert_eq!(list.names().count(), 3);
    }

    #[test]
    fn other_tools_tables_are_known() {
        let tensorflow =
            "filename,width,height,class,xmin,ymin,xmax,ymax\n1.png,200,100,7,10,20,30,60\n";
        let list = parse(tensorflow).expect("read");
        let photo = list.get("1.png").expect("listed");
        assert_eq!(photo.boxes, [given([10.0, 20.0, 20.0, 40.0], Some("7"))]);
        assert_eq!(photo.drawn_on, Some(PhotoSize { width: 200, height: 100 }));
        for separator in [";", "\t"] {
            let text = "X,Y,W,H,Image\r\n1,2,3,4,1.png\r\n".replace(',', separator);
            let list = parse(&text).expect("read");
            let photo = list.get("1.png").expect("listed");
            assert_eq!(photo.boxes, [given([1.0, 2.0, 3.0, 4.0], None)]);
        }
        let empty = parse("photo,left,top,width,height\n").expect("read");
        assert_eq!(empty, BoxList::default());
    }

    #[test]
    fn excel_s_tables_are_read() {
        let expected = given([1.5, 2.0, 3.0, 4.25], Some("7"));
        for text in [
            "photo;left;top;width;height;label\n1.png;1,5;2;3;4,25;7\n",
            "sep=;\r\nphoto;left;top;width;height;label\r\n1.png;1,5;2;3;4,25;7\r\n",
            "\"sep=\t\"\nphoto\tleft\ttop\twidth\theight\tlabel\n1.png\t1.5\t2\t3\t4.25\t7\n",
            // Drawn from the lower right.
            "sep=,\nphoto,xmin,ymin,xmax,ymax,label\n1.png,4.5,6.25,1.5,2,7\n",
        ] {
            let list = parse(text).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
            let boxes = &list.get("1.png").expect("listed").boxes;
            assert_eq!(*boxes, std::slice::from_ref(&expected), "{text}");
        }
        let problem = parse("sep=;\nphoto;left;top;width;height\n1.png;1;2;x;4\n");
        assert_eq!(problem.expect_err("no number").line, Some(3));
        let problem = parse("photo;left;top;width;height\n1.png;1.000,5;2;3;4\n");
        assert_eq!(problem.expect_err("two signs").line, Some(2));
    }

    #[test]
    fn regions_of_via_are_boxes_round_them() {
        let header = "filename,file_size,file_attributes,region_count,region_id,\
                      region_shape_attributes,region_attributes\n";
        let line = |region: &str, attributes: &str| {
            let quoted = |json: &str| format!("\"{}\"", json.replace('"', "\"\""));
            format!("{header}1.png,99,\"{{}}\",1,0,{},{}\n", quoted(region), quoted(attributes))
        };
        for region in [
            r#"{"name":"rect","x":10,"y":20,"width":30,"height":40}"#,
            r#"{"name":"polygon","all_points_x":[10,40,20],"all_points_y":[30,20,60]}"#,
            r#"{"name":"ellipse","cx":25,"cy":40,"rx":15,"ry":20,"theta":0}"#,
        ] {
            let list = parse(&line(region, r#"{"a":"","digit":7}"#)).expect(region);
            let expected = [given([10.0, 20.0, 30.0, 40.0], Some("7"))];
            assert_eq!(list.get("1.png").expect("listed").boxes, expected, "{region}");
        }
        let none = parse(&line("{}", "{}")).expect("read");
        assert_eq!(none.get("1.png").map(|photo| photo.boxes.len()), Some(0));
        for (region, reason) in [
            (r#"{"name":"point","cx":1,"cy":2}"#, "not a box; draw a rectangle"),
            (r#"{"name":"rect","x":1,"y":2,"width":3}"#, "not a box"),
            (r#"{"name":"rect""#, "damaged"),
        ] {
            let problem = parse(&line(region, "{}")).expect_err(region);
            assert!(problem.line == Some(2) && problem.what.contains(reason), "{problem:?}");
        }
    }

    #[test]
    fn damaged_lines_say_which() {
        let header = "photo,left,top,width,height\n1.png,1,2,3,4\n";
        for (line, reason) in [
            ("1.png,1,2,3", "4 values"),
            ("1.png,1,2,3,4,5", "6 values"),
            ("1.png,1,2,three,4", "column 4 is \"three\""),
            ("1.png,1,,3,4", "column 3 is \"\""),
            (",1,2,3,4", "name is empty"),
        ] {
            let problem = parse(&format!("{header}{line}\n")).expect_err(line);
            assert_eq!(problem.line, Some(3), "{problem:?}");
            assert!(problem.what.contains(reason), "{problem:?}");
        }
        for (text, reason) in [
            ("", "no column"),
            ("1.png,1,2,3,4\n", "no column"),
            ("photo,left,top,width\n", "no column height"),
            ("left,top,width,height\n", "no column photo"),
        ] {
            let problem = parse(text).expect_err(text);
            assert_eq!(problem.line, Some(1));
            assert!(problem.what.contains(reason), "{problem:?}");
        }
    }
}
