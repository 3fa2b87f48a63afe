//! A page on which a person looks through what was found in many photos.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use image::codecs::jpeg::JpegEncoder;

use super::{Context as _, Result, find::put, finding::Found, read::Number};
use crate::{
    drawing::fitted,
    files::write_whole,
    finder::FoundDigit,
    photo::{BoxInPhoto, Photo},
};

/// The sides of a photo's picture at most, in pixels.
const SIDE: u32 = 360;

/// The height of the picture of a number or digit, and the most that it is enlarged.
const CLOSE_UP: u32 = 64;
const ENLARGED: f64 = 4.0;

/// How much of a number's surroundings its picture shows, as a share of its height.
const AROUND: f64 = 0.25;

const QUALITY: u8 = 80;

/// The folder of the pictures, in that of the page.
pub const PICTURES: &str = "pictures";

const STYLE: &str = "\
body { font: 15px/1.4 system-ui, sans-serif; margin: 24px; background: #f4f2ee; color: #222; }
section { display: flex; flex-wrap: wrap; gap: 16px; align-items: start; }
article { background: #fff; border-radius: 8px; padding: 10px; max-width: 360px; }
article > div { position: relative; line-height: 0; }
svg { position: absolute; inset: 0; width: 100%; height: 100%; }
rect { fill: none; stroke: #d00; stroke-width: 2; vector-effect: non-scaling-stroke; }
rect.perhaps { stroke: #e08a00; stroke-dasharray: 5 3; }
h3 { font-size: 15px; margin: 8px 0 4px; overflow-wrap: anywhere; }
figure { display: inline-block; margin: 4px 8px 0 0; font-size: 13px; }
figure img { display: block; max-width: 340px; }
";

/// A page that is being written.
pub struct Review {
    folder: PathBuf,
    pictures: AtomicUsize,
}

/// A photo's part of the page.
pub struct Card {
    name: String,
    html: String,
    /// Whether a person should look at it first: nothing is found, or something may be missing.
    doubtful: bool,
}

impl Review {
    /// Makes the folder.
    pub fn begin(folder: &Path) -> Result<Self> {
        let pictures = folder.join(PICTURES);
        fs::create_dir_all(&pictures).context(pictures.display())?;
        Ok(Review { folder: folder.to_owned(), pictures: AtomicUsize::new(0) })
    }

    /// A photo with what was found in it; its pictures are written at once.
    pub fn card(
        &self,
        name: &str,
        photo: &Photo,
        found: &Found,
        numbers: &[Number],
    ) -> Result<Card> {
        let size = photo.size();
        let mut rects = String::new();
        let mut rect = |digit: &FoundDigit, class: &str| {
            let BoxInPhoto { left, top, width, height } = digit.detected.area;
            let place = format!("x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"");
            let _ = write!(rects, "<rect class=\"{class}\" {place} />");
        };
        found.sure.iter().for_each(|digit| rect(digit, "sure"));
        found.unsure.iter().for_each(|digit| rect(digit, "perhaps"));
        let mut close_ups = String::new();
        for number in numbers {
            let boxes = number.boxes.iter().filter_map(|&i| found.sure.get(i));
            let hull = boxes.map(|digit| digit.detected.area).reduce(|a, b| a.union(&b));
            if let Some(hull) = hull {
                close_ups += &self.close_up(photo, hull, &number.digits)?;
            }
        }
        for digit in &found.unsure {
            let perhaps = format!("{}?", digit.reading.best().0);
            close_ups += &self.close_up(photo, digit.detected.area, &perhaps)?;
        }
        let picture = self.picture(photo, SIDE, SIDE, 1.0)?;
        let shown = if numbers.is_empty() { "<p>No number found.</p>" } else { "" };
        let html = format!(
            "<article><div><img src=\"{picture}\" alt=\"\" loading=\"lazy\"><svg viewBox=\"0 0 {} {}\" \
             preserveAspectRatio=\"none\">{rects}</svg></div><h3>{}</h3>{shown}{close_ups}</article>\n",
            size.width,
            size.height,
            escaped(name),
        );
        let doubtful = numbers.is_empty() || !found.unsure.is_empty();
        Ok(Card { name: name.to_owned(), html, doubtful })
    }

    /// A number or a digit, large enough to be read.
    fn close_up(&self, photo: &Photo, area: BoxInPhoto, reads: &str) -> Result<String> {
        let margin = (f64::from(area.height) * AROUND).ceil() as u32;
        let part = photo.part(area.grown(margin, photo.size()));
        let picture = self.picture(&part, 5 * CLOSE_UP, CLOSE_UP, ENLARGED)?;
        Ok(format!("<figure><img src=\"{picture}\" alt=\"\" loading=\"lazy\">{reads}</figure>"))
    }

    /// Writes a picture of a photo that is at most so wide and tall and enlarged; gives its place.
    fn picture(&self, photo: &Photo, width: u32, height: u32, times: f64) -> Result<String> {
        let (picture, _) = fitted(photo, width, height, times);
        let mut bytes = Vec::new();
        picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
        let number = self.pictures.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PICTURES}/{number:06}.jpg");
        let path = self.folder.join(&name);
        write_whole(&path, &bytes).context(path.display())?;
        Ok(name)
    }

    /// Writes the page.
    pub fn finish(&self, mut cards: Vec<Card>) -> Result<()> {
        cards.sort_by(|a, b| a.name.cmp(&b.name));
        let (doubtful, clear): (Vec<Card>, Vec<Card>) =
            cards.into_iter().partition(|card| card.doubtful);
        let section = |title: &str, cards: &[Card]| {
            let cards_html: String = cards.iter().map(|card| card.html.as_str()).collect();
            format!("<h2>{title}: {}</h2>\n<section>\n{cards_html}</section>\n", cards.len())
        };
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Numbers found\
             </title>\n<style>\n{STYLE}</style>\n<p>Red: found. Dashed: perhaps a digit, left out.</p>\n\
             {}{}</html>\n",
            section("To look at: nothing found, or something may be missing", &doubtful),
            section("Found", &clear),
        );
        put(self.folder.join("index.html"), &html)
    }
}

/// Text for HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            letter => escaped.push(letter),
        }
    }
    escaped
}
