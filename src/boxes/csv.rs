//! Tables of boxes: a header line, then a line for each box.
//!
//! Tools name their columns differently. The names of TensorFlow's object detection, of VGG's tool
//! and of spreadsheets made by hand are known. Values are separated by commas, semicolons or tabs.

use ::csv::{ReaderBuilder, StringRecord, Trim};

use super::{BoxList, GivenBox, PhotoBoxes, Problem, plain_name};
use crate::photo::{LooseBox, PhotoSize};

const PHOTO: [&str; 7] = ["photo", "file", "filename", "file_name", "image", "path", "image_path"];
const LEFT: [&str; 5] = ["left", "xmin", "x_min", "x1", "x"];
const TOP: [&str; 5] = ["top", "ymin", "y_min", "y1", "y"];
const RIGHT: [&str; 4] = ["right", "xmax", "x_max", "x2"];
const BOTTOM: [&str; 4] = ["bottom", "ymax", "y_max", "y2"];
const WIDTH: [&str; 4] = ["width", "w", "box_width", "bbox_width"];
const HEIGHT: [&str; 4] = ["height", "h", "box_height", "bbox_height"];
const LABEL: [&str; 5] = ["label", "class", "category", "digit", "name"];

/// Where a table has what.
struct Columns {
    photo: usize,
    left: usize,
    top: usize,
    extent: Extent,
    label: Option<usize>,
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
    fn of(header: &StringRecord) -> Result<Self, Problem> {
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
        let size = find(&WIDTH).zip(find(&HEIGHT));
        let extent = match find(&RIGHT).zip(find(&BOTTOM)) {
            Some((right, bottom)) => Extent::Edges { right, bottom, photo: size },
            None => Extent::Size { width: need(&WIDTH)?, height: need(&HEIGHT)? },
        };
        let (photo, left, top) = (need(&PHOTO)?, need(&LEFT)?, need(&TOP)?);
        Ok(Columns { photo, left, top, extent, label: find(&LABEL) })
    }

    /// A line's box; `None` if the line names a photo but leaves the box empty, which means that
    /// the photo has none.
    fn box_of(&self, record: &StringRecord) -> Result<Option<GivenBox>, String> {
        let text = |column: usize| record.get(column).unwrap_or_default();
        let columns = match self.extent {
            Extent::Size { width, height } => [self.left, self.top, width, height],
            Extent::Edges { right, bottom, .. } => [self.left, self.top, right, bottom],
        };
        if columns.iter().all(|&column| text(column).is_empty()) {
            return Ok(None);
        }
        let mut values = [0.0; 4];
        for (value, column) in values.iter_mut().zip(columns) {
            let text = text(column);
            *value = text
                .parse()
                .map_err(|_| format!("column {} is {text:?}, not a number", column + 1))?;
        }
        let [left, top, third, fourth] = values;
        let (width, height) = match self.extent {
            Extent::Size { .. } => (third, fourth),
            Extent::Edges { .. } => (third - left, fourth - top),
        };
        let label = self.label.map(text).filter(|label| !label.is_empty()).map(str::to_owned);
        Ok(Some(GivenBox { area: LooseBox { left, top, width, height }, label }))
    }

    fn drawn_on(&self, record: &StringRecord) -> Option<PhotoSize> {
        let Extent::Edges { photo: Some((width, height)), .. } = self.extent else { return None };
        let side = |column: usize| record.get(column)?.parse().ok().filter(|side| *side > 0);
        Some(PhotoSize { width: side(width)?, height: side(height)? })
    }
}

/// Reads all photos' boxes; the lines of a photo may be anywhere in the file.
pub(super) fn parse(text: &str) -> Result<BoxList, Problem> {
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    let separator = *b",;\t".iter().rev().max_by_key(|byte| count(**byte)).unwrap_or(&b',');
    let mut reader =
        ReaderBuilder::new().delimiter(separator).trim(Trim::All).from_reader(text.as_bytes());
    let line_of = |position: Option<&::csv::Position>| {
        position.and_then(|position| usize::try_from(position.line()).ok())
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
    let columns = Columns::of(reader.headers().map_err(damaged)?)?;
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
