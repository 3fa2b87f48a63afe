//! Charts of what models were measured to read: SVG shapes, what is said of each place, and a table
//! of it all.

use std::fmt::Write as _;

use super::figures::{density, read_as, samples, share_or_none};
use crate::evaluation::{Confusion, DigitScore};

/// Where a chart's places lie in it, in its own units.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// The chart's width and height.
    pub size: (f64, f64),
    /// The first place's left and top.
    pub origin: (f64, f64),
    /// A place's width and height.
    pub cell: (f64, f64),
    /// Places in a row; there are ten.
    pub rows: usize,
}

/// Places in a row, one a digit.
const COLUMNS: usize = 10;

impl Grid {
    /// A place's left and top; places are counted from 0, row after row.
    pub fn corner(&self, place: usize) -> (f64, f64) {
        let (column, row) = (place % COLUMNS, place / COLUMNS);
        let along = |origin: f64, cell: f64, i: usize| origin + cell * i as f64;
        (along(self.origin.0, self.cell.0, column), along(self.origin.1, self.cell.1, row))
    }

    /// The place at a point.
    pub fn place_at(&self, x: f64, y: f64) -> Option<usize> {
        let along = |at: f64, origin: f64, cell: f64, count: usize| {
            let i = ((at - origin) / cell).floor();
            (0.0..count as f64).contains(&i).then_some(i as usize)
        };
        let column = along(x, self.origin.0, self.cell.0, COLUMNS)?;
        Some(along(y, self.origin.1, self.cell.1, self.rows)? * COLUMNS + column)
    }

    /// The place that an arrow key leads to; at the edge it is the same.
    pub fn next(&self, place: usize, key: &str) -> Option<usize> {
        let (column, row) = (place % COLUMNS, place / COLUMNS);
        let (column, row) = match key {
            "ArrowLeft" => (column.saturating_sub(1), row),
            "ArrowRight" => ((column + 1).min(COLUMNS - 1), row),
            "ArrowUp" => (column, row.saturating_sub(1)),
            "ArrowDown" => (column, (row + 1).min(self.rows - 1)),
            _ => return None,
        };
        Some(row * COLUMNS + column)
    }
}

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Its name.
    pub name: String,
    /// Where its places are.
    pub grid: Grid,
    /// Its shapes as SVG. They are made of numbers and this module's own words alone, so nothing in
    /// them needs to be escaped.
    pub shapes: String,
    /// What is said of each place.
    pub said: Vec<String>,
    /// The table's columns.
    pub head: Vec<String>,
    /// Its rows, each with its name first.
    pub rows: Vec<Vec<String>>,
}

fn label(shapes: &mut String, class: &str, x: f64, y: f64, text: impl std::fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(shapes, "<text class='{class}' x='{x}' y='{y}'>{text}</text>");
}

/// How often each digit is read as each other.
pub fn matrix(model: &str, confusion: &Confusion) -> Chart {
    let grid =
        Grid { size: (310.0, 310.0), origin: (48.0, 48.0), cell: (26.0, 26.0), rows: COLUMNS };
    let mut shapes = String::new();
    label(&mut shapes, "axis", 178.0, 16.0, "read as");
    shapes.push_str("<text transform='translate(15 178) rotate(-90)'>true digit</text>");
    let mut said = Vec::new();
    for truth in 0..10u8 {
        let of = samples(confusion, truth);
        let middle = 61.0 + 26.0 * f64::from(truth);
        label(&mut shapes, "tick", middle, 38.0, truth);
        label(&mut shapes, "tick", 34.0, middle, truth);
        for read in 0..10u8 {
            let (x, y) = grid.corner(said.len());
            let count = confusion.at(truth, read);
            let density = density(count, of);
            let class = if truth == read { "is-right" } else { "is-wrong" };
            for (class, opacity) in [("cell", 1.0), (class, density)] {
                let _ = write!(
                    shapes,
                    "<rect class='{class}' x='{}' y='{}' width='25' height='25' \
                     fill-opacity='{opacity:.2}'/>",
                    x + 0.5,
                    y + 0.5
                );
            }
            if count > 0 {
                let class = match density > 0.7 {
                    true if truth == read => "count is-on-right",
                    true => "count is-on-wrong",
                    false => "count",
                };
                label(&mut shapes, class, x + 13.0, y + 13.0, count);
            }
            said.push(read_as(confusion, truth, read));
        }
    }
    let head = (0..10).map(|read| format!("as {read}"));
    let row = |truth: u8| {
        let counts = (0..10).map(|read| confusion.at(truth, read).to_string());
        [truth.to_string()].into_iter().chain(counts).collect()
    };
    Chart {
        name: format!("Confusion of {model}"),
        grid,
        shapes,
        said,
        head: ["Digit".to_owned()].into_iter().chain(head).collect(),
        rows: (0..10).map(row).collect(),
    }
}

/// A model's figures by digit, and the number of its colour.
#[derive(Clone, Debug)]
pub struct Series {
    /// The model.
    pub model: String,
    /// Its colour, from 0.
    pub colour: usize,
    /// Its figures, digit by digit.
    pub scores: Vec<DigitScore>,
}

/// A figure of each digit as bars, those of several models side by side.
pub fn bars(name: &str, all: &[Series], figure: fn(&DigitScore) -> Option<f64>) -> Chart {
    const HEIGHT: f64 = 110.0;
    let bottom = 10.0 + HEIGHT;
    let grid = Grid { size: (350.0, 146.0), origin: (36.0, 10.0), cell: (31.0, HEIGHT), rows: 1 };
    let mut shapes = String::new();
    for percent in [0, 50, 100] {
        let y = bottom - f64::from(percent) / 100.0 * HEIGHT;
        let _ = write!(shapes, "<line x1='36' x2='346' y1='{y}' y2='{y}'/>");
        label(&mut shapes, "scale", 31.0, y, format_args!("{percent} %"));
    }
    let width = 25.0 / all.len().max(1) as f64;
    let (mut said, mut rows) = (Vec::new(), Vec::new());
    for digit in 0..COLUMNS {
        let mut left = grid.corner(digit).0 + 3.0;
        label(&mut shapes, "tick", left + 12.5, 134.0, digit);
        let mut words = format!("Digit {digit}:");
        let mut row = vec![digit.to_string()];
        for (i, series) in all.iter().enumerate() {
            let value = series.scores.get(digit).and_then(figure);
            let height = value.unwrap_or(0.0) * HEIGHT;
            let _ = write!(
                shapes,
                "<rect class='bar series-{}' x='{left:.2}' y='{:.2}' width='{:.2}' height='{height:.2}'/>",
                series.colour,
                bottom - height,
                0.88 * width
            );
            left += width;
            let comma = if i > 0 { "," } else { "" };
            let _ = write!(words, "{comma} {} {}", series.model, share_or_none(value));
            row.push(share_or_none(value));
        }
        said.push(words);
        rows.push(row);
    }
    let models = all.iter().map(|series| series.model.clone());
    let head = ["Digit".to_owned()].into_iter().chain(models).collect();
    Chart { name: name.to_owned(), grid, shapes, said, head, rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confusion() -> Confusion {
        let mut confusion = Confusion::default();
        for (truth, read) in [(1, 1), (1, 1), (1, 7), (7, 7)] {
            confusion.count(truth, read);
        }
        confusion
    }

    #[test]
    fn places_are_found_by_points_and_keys() {
        let grid = matrix("a", &confusion()).grid;
        for place in [0, 7, 42, 99] {
            let (x, y) = grid.corner(place);
            assert_eq!(grid.place_at(x + 1.0, y + 25.0), Some(place));
        }
        for (x, y) in [(47.0, 60.0), (60.0, 47.0), (309.0, 60.0), (60.0, 309.0), (f64::NAN, 60.0)] {
            assert_eq!(grid.place_at(x, y), None);
        }
        let walk = |keys: &[&str]| keys.iter().try_fold(0, |place, key| grid.next(place, key));
        assert_eq!(walk(&["ArrowLeft", "ArrowUp"]), Some(0), "it stays within");
        assert_eq!(walk(&["ArrowDown", "ArrowRight", "ArrowRight"]), Some(12));
        assert_eq!(walk(&["ArrowDown"; 30]), Some(90));
        assert_eq!(walk(&["a"]), None);
    }

    #[test]
    fn a_matrix_says_and_lists_every_count() {
        let chart = matrix("<b>", &confusion());
        assert_eq!(chart.said.len(), 100);
        assert!(chart.said[17].starts_with("a 1 read as 7: 1 of 3"), "{}", chart.said[17]);
        assert_eq!((chart.rows[1][2].as_str(), chart.rows[1][8].as_str()), ("2", "1"));
        assert_eq!((chart.head.len(), chart.rows.len()), (11, 10));
        assert_eq!(chart.shapes.matches("class='count").count(), 3, "empty cells have no figure");
        assert!(!chart.shapes.contains("<b>"), "no name gets into the shapes");
    }

    #[test]
    fn bars_of_several_models_stand_side_by_side() {
        let series =
            |model: &str| Series { model: model.into(), colour: 2, scores: confusion().scores() };
        let chart = bars("Recall", &[series("a"), series("b")], |score| score.recall);
        assert_eq!(chart.shapes.matches("<rect").count(), 20);
        assert_eq!(chart.said[1].replace('\u{a0}', " "), "Digit 1: a 66.7 %, b 66.7 %");
        assert_eq!(chart.rows[0], ["0", "–", "–"]);
        assert_eq!(chart.head, ["Digit", "a", "b"]);
    }
}
