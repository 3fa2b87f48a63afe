//! The statistics' charts.

use std::ops::Range;

use plotters::prelude::*;

use super::{Distribution, Statistics};

/// Number of charts in a row.
const COLUMNS: usize = 3;

/// A chart's size, in pixels.
const CHART: (u32, u32) = (340, 240);

/// The title's height, in pixels.
const TITLE: u32 = 44;

const BAR: RGBColor = RGBColor(20, 90, 160);

/// Bars next to each other.
struct Chart {
    caption: String,
    /// Each bar's range on the axis, and its height.
    bars: Vec<(Range<f64>, u64)>,
    /// Whether each bar represents a whole number, and not all values from edge to edge.
    whole: bool,
}

impl Chart {
    fn of_numbers(caption: &str, counts: &[u64]) -> Self {
        let bar = |(number, &count): (usize, &u64)| {
            let number = number as f64;
            (number - 0.4..number + 0.4, count)
        };
        let bars = counts.iter().enumerate().map(bar).collect();
        Chart { caption: caption.to_owned(), bars, whole: true }
    }

    fn of_distribution(name: &str, d: &Distribution, decimals: usize) -> Self {
        let h = &d.histogram;
        let mut caption = format!("{name} (median {:.decimals$}", d.median);
        if h.below + h.above > 0 {
            caption += &format!("; {} beyond", h.below + h.above);
        }
        caption.push(')');
        let bar = |(i, &count): (usize, &u64)| {
            let left = h.start + i as f64 * h.bin;
            (left..left + h.bin, count)
        };
        Chart { caption, bars: h.counts.iter().enumerate().map(bar).collect(), whole: false }
    }
}

/// One SVG with a chart of each kind of count.
pub(super) fn draw(statistics: &Statistics, title: &str) -> Result<String, String> {
    let mut charts = vec![Chart::of_numbers("Digits", &statistics.digit_counts)];
    if let Some(photos) = &statistics.photos {
        charts.push(Chart::of_numbers("Digits a photo", &photos.photos_by_digits));
    }
    charts.extend(
        statistics
            .distributions()
            .into_iter()
            .map(|(name, d, decimals)| Chart::of_distribution(name, d, decimals)),
    );
    let rows = charts.len().div_ceil(COLUMNS);
    let size = (COLUMNS as u32 * CHART.0, TITLE + rows as u32 * CHART.1);
    // A file's name may hold what XML may not.
    let title: String = title.chars().filter(|c| !c.is_control()).collect();
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE).map_err(|error| error.to_string())?;
        let (head, body) = area.split_vertically(TITLE);
        head.titled(&title, ("sans-serif", 20)).map_err(|error| error.to_string())?;
        for (chart, cell) in charts.iter().zip(body.split_evenly((rows, COLUMNS))) {
            draw_chart(chart, &cell)?;
        }
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

fn draw_chart(
    chart: &Chart,
    cell: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
) -> Result<(), String> {
    let ends = chart.bars.first().zip(chart.bars.last());
    let (left, right) = ends.map_or((0.0, 1.0), |(first, last)| (first.0.start, last.0.end));
    let margin = if chart.whole { 0.2 } else { 0.0 };
    let highest = chart.bars.iter().map(|bar| bar.1).max().unwrap_or(0).max(1) as f64;
    let mut context = ChartBuilder::on(cell)
        .caption(&chart.caption, ("sans-serif", 14))
        .margin(10)
        .x_label_area_size(24)
        .y_label_area_size(48)
        .build_cartesian_2d(left - margin..right + margin, 0.0..1.05 * highest)
        .map_err(|error| error.to_string())?;
    let decimals = if right - left < 10.0 && !chart.whole { 1 } else { 0 };
    context
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(if chart.whole { chart.bars.len().min(12) } else { 6 })
        .y_labels(5)
        .x_label_formatter(&|value| format!("{value:.decimals$}"))
        .y_label_formatter(&|count| format!("{count:.0}"))
        .light_line_style(WHITE)
        .draw()
        .map_err(|error| error.to_string())?;
    let bars = chart.bars.iter().map(|(place, count)| {
        Rectangle::new([(place.start, 0.0), (place.end, *count as f64)], BAR.filled())
    });
    context.draw_series(bars).map_err(|error| error.to_string())?;
    Ok(())
}
