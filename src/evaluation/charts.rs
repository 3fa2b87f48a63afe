//! Confusion and calibration as SVG.

use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::{Calibration, Confusion, ModelReport, share};
use crate::fault::AtFault;

/// A chart could not be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chart could not be drawn ({0})")]
pub struct ChartError(String);

impl AtFault for ChartError {}

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for ChartError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        ChartError(error.to_string())
    }
}

/// Lines of several models; they differ in lightness too, for those who see few colours.
const COLOURS: [RGBColor; 6] = [
    RGBColor(20, 90, 160),
    RGBColor(210, 110, 20),
    RGBColor(40, 150, 90),
    RGBColor(150, 40, 110),
    RGBColor(110, 110, 110),
    RGBColor(90, 190, 220),
];

/// Pixels of a cell of the confusion matrix.
const CELL: i32 = 52;

/// Margin for the text left of the matrix and above it, in pixels.
const MARGIN: (i32, i32) = (74, 92);

fn words(size: i32, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour).pos(Pos::new(HPos::Center, VPos::Center))
}

/// The confusion matrix with its counts; a cell is the darker the larger its share of its row,
/// right readings blue, wrong ones red.
///
/// # Errors
/// [`ChartError`] when the drawing library fails.
pub fn confusion_svg(title: &str, confusion: &Confusion) -> Result<String, ChartError> {
    let mut svg = String::new();
    let (left, top) = MARGIN;
    let (right, bottom) = (left + 10 * CELL, top + 10 * CELL);
    {
        let size = ((right + 16) as u32, (bottom + 16) as u32);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        let middle = left + 5 * CELL;
        let accuracy = confusion.accuracy().map_or_else(String::new, |accuracy| {
            format!(": {:.1} % of {} digits", 100.0 * accuracy, confusion.total())
        });
        let title = format!("{title}{accuracy}");
        // Long titles get smaller letters rather than lose their ends.
        let letters = (1_000 / title.chars().count().max(1) as i32).clamp(9, 18);
        area.draw(&Text::new(title, (middle, 22), words(letters, BLACK)))?;
        area.draw(&Text::new("read as", (middle, 50), words(15, BLACK)))?;
        let upright = words(15, BLACK).transform(FontTransform::Rotate270);
        area.draw(&Text::new("true digit", (22, top + 5 * CELL), upright))?;
        for truth in 0u8..10 {
            let y = top + i32::from(truth) * CELL;
            let name = words(15, BLACK);
            let beside = (left - 16, y + CELL / 2);
            area.draw(&Text::new(truth.to_string(), beside, name.clone()))?;
            let above = (left + i32::from(truth) * CELL + CELL / 2, top - 16);
            area.draw(&Text::new(truth.to_string(), above, name))?;
            let row = (0..10).map(|read| confusion.at(truth, read)).sum();
            for read in 0u8..10 {
                let x = left + i32::from(read) * CELL;
                let count = confusion.at(truth, read);
                let (colour, ink) = shade(share(count, row).unwrap_or(0.0), truth == read);
                let cell = [(x, y), (x + CELL, y + CELL)];
                area.draw(&Rectangle::new(cell, colour.filled()))?;
                area.draw(&Rectangle::new(cell, RGBColor(215, 215, 215).stroke_width(1)))?;
                if count > 0 {
                    let centre = (x + CELL / 2, y + CELL / 2);
                    area.draw(&Text::new(count.to_string(), centre, words(14, ink)))?;
                }
            }
        }
        area.present()?;
    }
    Ok(svg)
}

/// A cell's colour and its number's, for its share of the row.
fn shade(share: f64, right: bool) -> (RGBColor, RGBColor) {
    let (r, g, b) = if right { (20.0, 90.0, 160.0) } else { (190.0, 40.0, 20.0) };
    // Confusions are rare; the root lifts the small shares off the ground.
    let depth = share.clamp(0.0, 1.0).sqrt();
    let mix = |colour: f64| (255.0 + (colour - 255.0) * depth).round() as u8;
    (RGBColor(mix(r), mix(g), mix(b)), if depth > 0.6 { WHITE } else { BLACK })
}

/// A reliability diagram: each model's accuracy over its confidence, and below how many readings
/// have which confidence.
///
/// # Errors
/// [`ChartError`] when the drawing library fails.
pub fn calibration_svg(models: &[ModelReport]) -> Result<String, ChartError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (640, 640)).into_drawing_area();
        area.fill(&WHITE)?;
        let (upper, lower) = area.split_vertically(460);
        draw_reliability(&upper, models)?;
        draw_shares(&lower, models)?;
        area.present()?;
    }
    Ok(svg)
}

fn coloured(models: &[ModelReport]) -> impl Iterator<Item = (&ModelReport, RGBColor)> {
    models.iter().zip(COLOURS.into_iter().cycle())
}

fn draw_reliability(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    models: &[ModelReport],
) -> Result<(), ChartError> {
    let mut chart = ChartBuilder::on(area)
        .caption("Calibration", ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(20)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    chart
        .configure_mesh()
        .y_desc("share read right")
        .x_label_formatter(&|share| format!("{share:.1}"))
        .y_label_formatter(&|share| format!("{share:.1}"))
        .light_line_style(WHITE)
        .draw()?;
    let grey = RGBColor(150, 150, 150);
    chart.draw_series(DashedLineSeries::new(
        [(0.0, 0.0), (1.0, 1.0)],
        5,
        4,
        grey.stroke_width(1),
    ))?;
    for (model, colour) in coloured(models) {
        let points: Vec<(f64, f64)> = points_of(&model.calibration);
        let error = model
            .calibration
            .expected_error
            .map_or_else(String::new, |error| format!(": expected error {:.1} %", 100.0 * error));
        let line = LineSeries::new(points.clone(), colour.stroke_width(2));
        chart.draw_series(line)?.label(format!("{}{error}", model.model)).legend(move |(x, y)| {
            PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2))
        });
        chart.draw_series(points.into_iter().map(|at| Circle::new(at, 3, colour.filled())))?;
    }
    if !models.is_empty() {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.2))
            .draw()?;
    }
    Ok(())
}

/// Mean confidence and accuracy of each bin that holds readings.
fn points_of(calibration: &Calibration) -> Vec<(f64, f64)> {
    calibration.bins.iter().filter_map(|bin| Some((bin.confidence?, bin.accuracy?))).collect()
}

fn draw_shares(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    models: &[ModelReport],
) -> Result<(), ChartError> {
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    chart
        .configure_mesh()
        .x_desc("confidence")
        .y_desc("share of readings")
        .y_labels(5)
        .x_label_formatter(&|share| format!("{share:.1}"))
        .y_label_formatter(&|share| format!("{share:.1}"))
        .light_line_style(WHITE)
        .draw()?;
    for (model, colour) in coloured(models) {
        // A staircase, so that several models can be seen at once.
        let steps = model.calibration.bins.iter().flat_map(|bin| {
            let share = share(bin.readings, model.digits).unwrap_or(0.0);
            [(bin.above, share), (bin.up_to, share)]
        });
        chart.draw_series(LineSeries::new(steps, colour.stroke_width(2)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::read::tests::read_as;

    #[test]
    fn the_matrix_shows_every_count_that_is_not_zero() {
        let mut confusion = Confusion::default();
        for (truth, read, times) in [(1, 1, 412), (7, 1, 137), (7, 7, 263)] {
            for _ in 0..times {
                confusion.count(truth, read);
            }
        }
        let svg = confusion_svg("a & b", &confusion).expect("drawn");
        let numbers: Vec<&str> = svg
            .lines()
            .map(str::trim)
            .filter(|line| line.len() == 3 && line.parse::<u32>().is_ok())
            .collect();
        assert_eq!(numbers, ["412", "137", "263"]);
        assert!(svg.contains("a &amp; b: 83.1 % of 812 digits"), "{svg}");
        assert!(svg.contains("true digit") && svg.contains("read as"));
        // 100 cells and their edges, and the ground.
        assert_eq!(svg.matches("<rect").count(), 201);
    }

    #[test]
    fn the_diagram_has_a_point_a_bin_with_readings() {
        let read = [read_as(1, 1, 0.95), read_as(1, 2, 0.55), read_as(2, 2, 0.56)];
        let model = ModelReport::new("first", "Net", &read, 0);
        let none = ModelReport::new("none", "Net", &[], 0);
        let svg = calibration_svg(&[model, none]).expect("drawn");
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("first: expected error") && svg.contains("none"));
        assert!(calibration_svg(&[]).expect("drawn").contains("Calibration"));
    }
}
