//! Statistics of a data set: how often each digit occurs, the sizes of boxes and photos, the
//! brightness and contrast of the digits' crops; as text, JSON (through serde) and charts.

mod charts;

use std::fmt::Write as _;

use rayon::prelude::*;
use serde::Serialize;

use super::format1::{Format1, Format1Error};
use crate::{
    fault::{AtFault, with_causes},
    photo::{BoxInPhoto, LooseBox, Photo, PhotoSize, luma},
};

/// Bins of a histogram, about.
const BINS: f64 = 24.0;

/// The share of values at each end that a histogram leaves out, as a few odd ones would squeeze
/// the rest into one bin.
const LEFT_OUT_AT_EACH_END: f64 = 0.005;

/// Values of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// How many values.
    pub count: usize,
    /// The least.
    pub min: f64,
    /// A quarter of the values are below. Between two values it is interpolated linearly, here
    /// and in the median.
    pub lower_quartile: f64,
    /// Half of the values are below.
    pub median: f64,
    /// Three quarters of the values are below.
    pub upper_quartile: f64,
    /// The greatest.
    pub max: f64,
    /// Their mean.
    pub mean: f64,
    /// How many lie where.
    pub histogram: Histogram,
}

/// Counts in bins of one width.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Where the first bin begins.
    pub start: f64,
    /// A bin's width. A value on a border belongs to the bin that begins there.
    pub bin: f64,
    /// Values in each bin.
    pub counts: Vec<u64>,
    /// Values below the first bin: at most the least half percent.
    pub below: u64,
    /// Values above the last bin: at most the greatest half percent.
    pub above: u64,
}

/// Statistics of photos with boxes; lengths in pixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhotoStatistics {
    /// Photos in the list.
    pub photos: usize,
    /// Why some of them cannot be used; these count nowhere else.
    pub unusable: Vec<String>,
    /// How many photos have no digit, one digit, two and so on.
    pub photos_by_digits: Vec<u64>,
    /// Boxes that stick out of their photo.
    pub boxes_over_the_edge: u64,
    /// Photos' widths.
    pub photo_width: Option<Distribution>,
    /// Photos' heights.
    pub photo_height: Option<Distribution>,
    /// Boxes' widths, as the list has them.
    pub box_width: Option<Distribution>,
    /// Boxes' heights, as the list has them.
    pub box_height: Option<Distribution>,
    /// Boxes' widths over their heights.
    pub box_aspect: Option<Distribution>,
}

/// What a data set is like. A distribution of nothing is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statistics {
    /// Digits in all.
    pub digits: u64,
    /// How often each digit, 0 to 9, is there.
    pub digit_counts: [u64; 10],
    /// Mean brightness (.299 R + .587 G + .114 B, 0 to 255) of each digit's crop: its box, or the
    /// square that Format 2 has.
    pub brightness: Option<Distribution>,
    /// Standard deviation of the brightness within each crop, 0 to 127.5.
    pub contrast: Option<Distribution>,
    /// Statistics that only full photos have.
    pub photos: Option<PhotoStatistics>,
}

impl Histogram {
    /// Counts sorted values.
    fn of_sorted(values: &[f64]) -> Self {
        let (low, high) =
            (quantile(values, LEFT_OUT_AT_EACH_END), quantile(values, 1.0 - LEFT_OUT_AT_EACH_END));
        let bin = round_step((high - low) / BINS);
        let start = (low / bin).floor() * bin;
        // At least the bin that the highest value begins.
        let bins = ((high - start) / bin).floor() as usize + 1;
        let mut counts = vec![0; bins];
        let (mut below, mut above) = (0, 0);
        for value in values {
            let place = ((value - start) / bin).floor();
            if place < 0.0 {
                below += 1;
            } else {
                // A float beyond all numbers becomes the greatest of them.
                match counts.get_mut(place as usize) {
                    Some(count) => *count += 1,
                    None => above += 1,
                }
            }
        }
        Histogram { start, bin, counts, below, above }
    }
}

/// The next of 1, 2 and 5 times a power of ten; 1 if all values are equal.
fn round_step(step: f64) -> f64 {
    if step <= 0.0 || !step.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(step.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * power >= step);
    times.unwrap_or(10.0) * power
}

/// The value below which a share of the sorted values lies, interpolated linearly.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len().max(1) - 1) as f64;
    let at = |i: f64| sorted.get(i as usize).copied().unwrap_or(0.0);
    let (low, high) = (at(place.floor()), at(place.ceil()));
    low + (high - low) * place.fract()
}

impl Distribution {
    /// Of finite values; others are left out.
    fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        Some(Distribution {
            count: sorted.len(),
            min,
            lower_quartile: quantile(&sorted, 0.25),
            median: quantile(&sorted, 0.5),
            upper_quartile: quantile(&sorted, 0.75),
            max,
            mean: sorted.iter().sum::<f64>() / sorted.len() as f64,
            histogram: Histogram::of_sorted(&sorted),
        })
    }
}

/// A crop's mean brightness and its standard deviation, both 0 to 255.
fn light(lumas: impl Iterator<Item = f32>) -> (f64, f64) {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in lumas {
        let value = 255.0 * f64::from(value);
        count += 1.0;
        sum += value;
        squares += value * value;
    }
    if count == 0.0 {
        return (f64::NAN, f64::NAN);
    }
    let mean = sum / count;
    // Rounding may leave a little less than nothing.
    (mean, (squares / count - mean * mean).max(0.0).sqrt())
}

fn light_in_photo(photo: &Photo, area: BoxInPhoto) -> (f64, f64) {
    let planes = photo.planes(area);
    let plane = planes.height * planes.width;
    let grey = planes.channels < 3;
    light((0..plane).map(|i| {
        let at = |c: usize| planes.samples[c * plane + i];
        if grey { at(0) } else { luma(at(0), at(1), at(2)) }
    }))
}

/// What one photo adds.
struct Measured {
    size: PhotoSize,
    over_the_edge: u64,
    digits: Vec<MeasuredDigit>,
}

struct MeasuredDigit {
    digit: u8,
    listed: LooseBox,
    light: (f64, f64),
}

impl Statistics {
    /// Statistics of full photos, all of which are decoded. Photos that cannot be used are counted
    /// and listed with the reason. `photo_done` is called once for each photo, from any thread.
    ///
    /// # Errors
    /// The first photo's [`Format1Error`] when none can be used.
    pub fn of_format1(
        data: &Format1,
        photo_done: &(dyn Fn() + Sync),
    ) -> Result<Self, Format1Error> {
        let measured: Vec<Result<Measured, Format1Error>> = data
            .photos
            .par_iter()
            .map(|entry| {
                let loaded = data.load(entry);
                photo_done();
                let (photo, digits) = loaded?;
                let size = photo.size();
                let (width, height) = (f64::from(size.width), f64::from(size.height));
                let over_the_edge = |area: &LooseBox| {
                    area.left < 0.0
                        || area.top < 0.0
                        || area.left + area.width > width
                        || area.top + area.height > height
                };
                Ok(Measured {
                    size,
                    over_the_edge: entry.digits.iter().filter(|d| over_the_edge(&d.area)).count()
                        as u64,
                    digits: digits
                        .iter()
                        .zip(&entry.digits)
                        .map(|(digit, listed)| MeasuredDigit {
                            digit: digit.digit,
                            listed: listed.area,
                            light: light_in_photo(&photo, digit.area),
                        })
                        .collect(),
                })
            })
            .collect();
        let mut unusable = Vec::new();
        let mut usable = Vec::new();
        let mut first = None;
        for photo in measured {
            match photo {
                Ok(photo) => usable.push(photo),
                Err(error) => {
                    unusable.push(with_causes(&error));
                    first.get_or_insert(error);
                }
            }
        }
        if let (true, Some(error)) = (usable.is_empty(), first) {
            return Err(error);
        }
        let most = usable.iter().map(|photo| photo.digits.len()).max().unwrap_or(0);
        let mut photos_by_digits = vec![0; most + 1];
        for photo in &usable {
            photos_by_digits[photo.digits.len()] += 1;
        }
        let digits = || usable.iter().flat_map(|photo| &photo.digits);
        let of_photos = |length: fn(&PhotoSize) -> u32| {
            Distribution::of(usable.iter().map(|photo| f64::from(length(&photo.size))))
        };
        let of_boxes = |length: fn(&LooseBox) -> f64| {
            Distribution::of(digits().map(|digit| length(&digit.listed)))
        };
        let photos = PhotoStatistics {
            photos: data.photos.len(),
            unusable,
            photos_by_digits,
            boxes_over_the_edge: usable.iter().map(|photo| photo.over_the_edge).sum(),
            photo_width: of_photos(|size| size.width),
            photo_height: of_photos(|size| size.height),
            box_width: of_boxes(|area| area.width),
            box_height: of_boxes(|area| area.height),
            box_aspect: of_boxes(|area| area.width / area.height),
        };
        Ok(Self::of_digits(digits().map(|digit| (digit.digit, digit.light)), Some(photos)))
    }

    /// Of crops without their photos, as Format 2 has them: each with its red, green and blue
    /// bytes (any number of pixels) and its digit, 0 to 9.
    pub fn of_crops<'a>(crops: impl Iterator<Item = (&'a [u8], u8)>) -> Self {
        let value = |byte: u8| f32::from(byte) / 255.0;
        Self::of_digits(
            crops.map(|(rgb, digit)| {
                let pixels = rgb.as_chunks::<3>().0.iter();
                (digit, light(pixels.map(|&[r, g, b]| luma(value(r), value(g), value(b)))))
            }),
            None,
        )
    }

    fn of_digits(
        digits: impl Iterator<Item = (u8, (f64, f64))>,
        photos: Option<PhotoStatistics>,
    ) -> Self {
        let mut digit_counts = [0; 10];
        let (mut brightness, mut contrast) = (Vec::new(), Vec::new());
        for (digit, light) in digits {
            if let Some(count) = digit_counts.get_mut(usize::from(digit)) {
                *count += 1;
            }
            brightness.push(light.0);
            contrast.push(light.1);
        }
        Statistics {
            digits: brightness.len() as u64,
            digit_counts,
            brightness: Distribution::of(brightness),
            contrast: Distribution::of(contrast),
            photos,
        }
    }

    /// The distributions, with names and how many decimals are of interest.
    fn distributions(&self) -> Vec<(&'static str, &Distribution, usize)> {
        let mut all = Vec::new();
        if let Some(photos) = &self.photos {
            all.extend([
                ("Photo width, px", &photos.photo_width, 0),
                ("Photo height, px", &photos.photo_height, 0),
                ("Box width, px", &photos.box_width, 0),
                ("Box height, px", &photos.box_height, 0),
                ("Box width / height", &photos.box_aspect, 2),
            ]);
        }
        all.extend([
            ("Brightness of a crop", &self.brightness, 0),
            ("Contrast of a crop", &self.contrast, 1),
        ]);
        all.into_iter()
            .filter_map(|(name, distribution, decimals)| {
                Some((name, distribution.as_ref()?, decimals))
            })
            .collect()
    }

    /// The statistics as readable text.
    pub fn report(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = match &self.photos {
            Some(photos) => {
                writeln!(text, "{} photos with {} digits", photos.photos, self.digits)
            }
            None => writeln!(text, "{} digits", self.digits),
        };
        let _ = writeln!(text, "\nDigit    Count  Share");
        for (digit, &count) in self.digit_counts.iter().enumerate() {
            let share = 100.0 * count as f64 / self.digits.max(1) as f64;
            let _ = writeln!(text, "{digit:>5}  {count:>7}  {share:>4.1} %");
        }
        if let Some(photos) = &self.photos {
            let _ = writeln!(text, "\nDigits a photo   Photos");
            for (digits, &count) in photos.photos_by_digits.iter().enumerate() {
                if count > 0 {
                    let _ = writeln!(text, "{digits:>14}  {count:>7}");
                }
            }
        }
        let _ = writeln!(
            text,
            "\n{:<20}  {:>8}  {:>8}  {:>8}  {:>8}  {:>8}  {:>8}",
            "", "least", "quarter", "median", "3/4", "greatest", "mean"
        );
        for (name, d, decimals) in self.distributions() {
            let _ = write!(text, "{name:<20}");
            for value in [d.min, d.lower_quartile, d.median, d.upper_quartile, d.max, d.mean] {
                let _ = write!(text, "  {value:>8.decimals$}");
            }
            text.push('\n');
        }
        if let Some(photos) = &self.photos {
            let _ = writeln!(
                text,
                "\nBoxes that stick out of their photo: {}",
                photos.boxes_over_the_edge
            );
            if !photos.unusable.is_empty() {
                let _ = writeln!(text, "\nPhotos that cannot be used: {}", photos.unusable.len());
                for reason in &photos.unusable {
                    let _ = writeln!(text, "  {reason}");
                }
            }
        }
        text
    }

    /// One SVG with a chart of each kind of count, under a title.
    ///
    /// # Errors
    /// The drawing library's error, which is not expected when drawing into memory.
    pub fn charts(&self, title: &str) -> Result<String, ChartError> {
        charts::draw(self, title).map_err(ChartError)
    }
}

/// The charts could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("the charts could not be drawn ({0})")]
pub struct ChartError(String);

impl AtFault for ChartError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{
        digit_struct::{LabelledBox, PhotoEntry},
        digit_struct_writer::write_digit_struct,
        format1::DIGIT_STRUCT,
    };
    use image::{Rgb, RgbImage};

    #[test]
    fn quartiles_lie_between_values_as_numpy_has_them() {
        // numpy.percentile([1, 2, 4, 8], [25, 50, 75]) is [1.75, 3, 5].
        let d = Distribution::of([4.0, f64::NAN, 1.0, 8.0, 2.0]).expect("four values");
        assert_eq!((d.count, d.min, d.max, d.mean), (4, 1.0, 8.0, 3.75));
        assert_eq!([d.lower_quartile, d.median, d.upper_quartile], [1.75, 3.0, 5.0]);
        assert_eq!(Distribution::of([f64::INFINITY]), None);
    }

    #[test]
    fn a_histogram_counts_every_value_once() {
        let values = (0..1_000).map(|i| f64::from(i % 100)).chain([-1e300, 1e300]);
        let d = Distribution::of(values).expect("many values");
        let h = d.histogram;
        assert_eq!((h.start, h.bin, h.below, h.above), (0.0, 5.0, 1, 1));
        assert_eq!(h.counts, [50; 20]);
        let one = Distribution::of([3.0; 7]).expect("seven values").histogram;
        assert_eq!((one.start, one.bin, one.counts), (3.0, 1.0, vec![7]));
    }

    #[test]
    fn steps_are_round() {
        for (step, round) in [(0.9, 1.0), (1.0, 1.0), (1.1, 2.0), (4.0, 5.0), (70.0, 100.0)] {
            assert_eq!(round_step(step), round);
        }
        assert_eq!(round_step(f64::NAN), 1.0);
    }

    /// A folder with two photos, one of them half black and half white, and two that are missing
    /// or have a useless box.
    fn small_set() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("there is room");
        let halves = RgbImage::from_fn(20, 10, |x, _| Rgb([if x < 10 { 0 } else { 255 }; 3]));
        let red = RgbImage::from_pixel(40, 30, Rgb([255, 0, 0]));
        let digit = |left, top, width, height, digit| LabelledBox {
            area: LooseBox { left, top, width, height },
            digit,
        };
        let photos = [
            ("1.png", Some(&halves), vec![digit(5.0, 0.0, 10.0, 10.0, 3)]),
            (
                "2.png",
                Some(&red),
                vec![digit(-2.0, 1.0, 6.0, 12.0, 0), digit(6.0, 1.0, 4.0, 16.0, 3)],
            ),
            ("3.png", None, vec![digit(0.0, 0.0, 4.0, 4.0, 1)]),
            ("4.png", Some(&red), vec![digit(99.0, 0.0, 4.0, 4.0, 1)]),
        ];
        let mut entries = Vec::new();
        for (name, photo, digits) in photos {
            if let Some(photo) = photo {
                photo.save(folder.path().join(name)).expect("there is room");
            }
            entries.push(PhotoEntry { name: name.to_owned(), digits });
        }
        write_digit_struct(&folder.path().join(DIGIT_STRUCT), &entries).expect("there is room");
        folder
    }

    #[test]
    fn a_small_set_is_counted_exactly() {
        let folder = small_set();
        let data = Format1::open(folder.path()).expect("it was written");
        let done = std::sync::atomic::AtomicUsize::new(0);
        let s = Statistics::of_format1(&data, &|| {
            done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        })
        .expect("two photos are whole");
        assert_eq!(done.into_inner(), 4);
        assert_eq!((s.digits, s.digit_counts), (3, [1, 0, 0, 2, 0, 0, 0, 0, 0, 0]));
        let brightness = s.brightness.as_ref().expect("there are digits");
        // Red is 0.299 * 255; black and white in equal parts are half of 255.
        assert!((brightness.min - 76.245).abs() < 1e-3, "{brightness:?}");
        assert!((brightness.max - 127.5).abs() < 1e-3, "{brightness:?}");
        let contrast = s.contrast.as_ref().expect("there are digits");
        assert!(contrast.median < 1e-3 && (contrast.max - 127.5).abs() < 1e-3, "{contrast:?}");
        let photos = s.photos.as_ref().expect("there are photos");
        assert_eq!((photos.photos, photos.boxes_over_the_edge), (4, 1));
        assert_eq!(photos.photos_by_digits, [0, 1, 1]);
        assert!(photos.unusable[0].contains("3.png"), "{:?}", photos.unusable);
        assert!(photos.unusable[1].contains("4.png, box 1"), "{:?}", photos.unusable);
        let of = |d: &Option<Distribution>| d.as_ref().map(|d| (d.min, d.median, d.max));
        assert_eq!(of(&photos.photo_width), Some((20.0, 30.0, 40.0)));
        assert_eq!(of(&photos.box_width), Some((4.0, 6.0, 10.0)));
        assert_eq!(of(&photos.box_aspect), Some((0.25, 0.5, 1.0)));

        let report = s.report();
        for line in ["4 photos with 3 digits", "    3        2  66.7 %", "cannot be used: 2"] {
            assert!(report.contains(line), "{report}");
        }
        let json = serde_json::to_value(&s).expect("plain data");
        assert_eq!(json["digit_counts"][3], 2);
        assert_eq!(json["photos"]["box_width"]["max"], 10.0);
        let svg = s.charts("a <b> & c").expect("it is drawn in memory");
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("a &lt;b&gt; &amp; c") && svg.contains("Box height"), "{svg}");
    }

    #[test]
    fn a_set_without_a_usable_photo_says_why() {
        let folder = small_set();
        std::fs::remove_file(folder.path().join("1.png")).expect("it was there");
        std::fs::remove_file(folder.path().join("2.png")).expect("it was there");
        let data = Format1::open(folder.path()).expect("the list is whole");
        let error = Statistics::of_format1(&data, &|| {}).expect_err("no photo is left");
        assert!(matches!(error, Format1Error::PhotoFile { .. }), "{error}");
        assert!(error.to_string().contains("1.png"), "{error}");
    }

    #[test]
    fn crops_are_counted_without_photos() {
        let dark = [10u8; 3 * 16];
        let mixed: Vec<u8> = [0u8, 0, 0, 255, 255, 255].repeat(8);
        let s = Statistics::of_crops([(&dark[..], 0), (&mixed[..], 9)].into_iter());
        assert_eq!((s.digits, s.digit_counts[0], s.digit_counts[9]), (2, 1, 1));
        let brightness = s.brightness.as_ref().expect("two crops");
        assert!((brightness.min - 10.0).abs() < 1e-3 && (brightness.max - 127.5).abs() < 1e-3);
        assert_eq!(s.photos, None);
        assert!(s.charts("crops").expect("it is drawn in memory").contains("Contrast"));
        let none = Statistics::of_crops(std::iter::empty());
        assert!(none.report().contains("0 digits"));
        assert!(none.charts("nothing").is_ok());
    }
}
