//! One digit as a network sees it, as one picture.

use image::{Rgb, RgbImage, imageops};

use crate::{
    classifier::{Classifier, EngineError, FeatureMaps, Input, Reading},
    drawing::{GAP, INK, Lettering, OUTLINE, PAPER, fitted, in_rows, outline, png, write},
    photo::{BoxInPhoto, CropShape, Photo},
    removal::{Histogram, RemovalOptions},
};

/// Feature maps in a row; the picture is as wide as these.
const COLUMNS: u32 = 12;

/// Pixels of a feature map on the picture, about.
const MAP: u32 = 80;

/// Pixels across the picture.
const WIDTH: u32 = COLUMNS * (MAP + GAP) - GAP;

/// Tiles in the upper and the lower row.
const TILES: u32 = 4;

/// Pixels of such a tile.
const TILE: u32 = (WIDTH + GAP) / TILES - GAP;

/// Room for a line of words.
const LINE: u32 = 13;

/// Pixels of the photo are enlarged at most this many times.
const LARGEST_SCALE: f64 = 16.0;

const BLUE: Rgb<u8> = Rgb([20, 90, 160]);
const RED: Rgb<u8> = Rgb([190, 40, 20]);
const GREY: Rgb<u8> = Rgb([170; 3]);

/// What a network makes of one digit.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// What the network is given.
    pub input: Input,
    /// The standardised input: plane after plane, row after row.
    pub samples: Vec<f32>,
    /// How it reads it.
    pub reading: Reading,
    /// The gradient of the read digit's logit by each of the input's samples.
    pub gradient: Vec<f32>,
    /// The first convolution's outputs, before batch normalisation.
    pub maps: FeatureMaps,
    /// The photo round the box.
    surroundings: Photo,
    /// The box on that part.
    area: BoxInPhoto,
}

impl Inspection {
    /// Reads one box of a photo and looks at how the network does it.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails or gives anything but finite numbers.
    pub fn of(
        classifier: &Classifier,
        photo: &Photo,
        area: BoxInPhoto,
    ) -> Result<Self, EngineError> {
        let input = classifier.architecture().input;
        let samples = classifier.input_of(photo, area);
        let nothing = || EngineError::Numbers("the network gave no reading".to_owned());
        let reading = pollster::block_on(classifier.read_inputs(&samples))?;
        let reading = reading.into_iter().next().ok_or_else(nothing)?;
        let gradient = classifier.input_gradient(&samples, reading.best().0)?;
        let maps = classifier.feature_maps_of_input(&samples).ok_or_else(nothing)?;
        let around = area.grown(area.width.max(area.height) / 4, photo.size());
        let (left, top) = (area.left - around.left, area.top - around.top);
        Ok(Inspection {
            input,
            samples,
            reading,
            gradient,
            maps,
            surroundings: photo.part(around),
            area: BoxInPhoto { left, top, ..area },
        })
    }

    /// The picture as PNG, `title` above it: the crop; the input; its gradient; the confidences,
    /// that of `truth` green, if known; the first convolution's feature maps; their mean, standard
    /// deviation, mean minus deviation, and the histogram of the latter, by which the removal finds
    /// quiet pixels.
    ///
    /// # Errors
    /// The encoder's error.
    pub fn png(&self, title: &[String], truth: Option<u8>) -> Result<Vec<u8>, image::ImageError> {
        let side = self.input.side as u32;
        let (mean, deviation) = self.maps.mean_and_deviation();
        let difference: Vec<f32> = mean.iter().zip(&deviation).map(|(m, d)| m - d).collect();
        let histogram = Histogram::of(&difference, RemovalOptions::default().bins);
        let crop = match self.input.crop {
            CropShape::Stretched => "crop: the box, stretched for the input",
            CropShape::Widened => "crop: the box, widened for the input",
            CropShape::Surrounded => "crop: the box and what is around it",
        };
        let (digit, _) = self.reading.best();
        let upper = [
            with_words(&[crop.to_owned()], &self.crop()),
            with_words(
                &[format!("input {side} x {side}, {}", range(&self.samples))],
                &enlarged(&self.input_picture(), TILE),
            ),
            with_words(
                &[format!("gradient of {digit} by input: + red, - blue")],
                &enlarged(&self.gradient_picture(), TILE),
            ),
            with_words(&["confidences".to_owned()], &confidence_bars(&self.reading, truth)),
        ];
        let maps: Vec<RgbImage> = (0..self.maps.maps)
            .map(|map| enlarged(&grey(self.maps.map(map), self.maps.side), MAP))
            .collect();
        let note = "first convolution's feature maps, before batch norm; each from its lowest \
                    value (black) to its highest (white)";
        let of_maps = |name: &str, values: &[f32]| {
            let words = [format!("{name}, {}", range(values))];
            with_words(&words, &enlarged(&grey(values, self.maps.side), TILE))
        };
        let bars = histogram_bars(&histogram);
        let lower = [
            of_maps("maps' mean", &mean),
            of_maps("deviation", &deviation),
            of_maps("mean - deviation", &difference),
            with_words(&[format!("{} bins, the fullest: quiet", histogram.counts.len())], &bars),
        ];
        png(&in_rows(
            &[
                with_words(title, &in_rows(&upper, TILES as usize)),
                with_words(&[note.to_owned()], &in_rows(&maps, COLUMNS as usize)),
                in_rows(&lower, TILES as usize),
            ],
            1,
        ))
    }

    /// The photo round the box, and the box on it.
    fn crop(&self) -> RgbImage {
        let (mut picture, scale) = fitted(&self.surroundings, TILE, TILE, LARGEST_SCALE);
        outline(&mut picture, &self.area, scale, (0, 0), OUTLINE);
        picture
    }

    /// The standardised samples, from the lowest to the highest of all channels.
    fn input_picture(&self) -> RgbImage {
        let side = self.input.side;
        let plane = side * side;
        let scaled = to_bytes(&self.samples);
        let at = |channel: usize, pixel: usize| {
            // Grey inputs have one channel for all three.
            let channel = channel.min(self.input.channels() - 1);
            scaled.get(channel * plane + pixel).copied().unwrap_or(0)
        };
        RgbImage::from_fn(side as u32, side as u32, |x, y| {
            let pixel = y as usize * side + x as usize;
            Rgb([at(0, pixel), at(1, pixel), at(2, pixel)])
        })
    }

    /// The gradient's sum over the channels: white where it is zero, red where a brighter pixel
    /// raises the answer, blue where it lowers it.
    fn gradient_picture(&self) -> RgbImage {
        let side = self.input.side;
        let plane = side * side;
        let sums: Vec<f32> =
            (0..plane).map(|pixel| self.gradient.iter().skip(pixel).step_by(plane).sum()).collect();
        let largest = sums.iter().fold(f32::MIN_POSITIVE, |a, b| a.max(b.abs()));
        RgbImage::from_fn(side as u32, side as u32, |x, y| {
            let value = sums[y as usize * side + x as usize] / largest;
            let faded = (255.0 * (1.0 - value.abs())).round() as u8;
            if value > 0.0 { Rgb([255, faded, faded]) } else { Rgb([faded, faded, 255]) }
        })
    }
}

/// The lowest and the highest of some values.
fn bounds(values: &[f32]) -> (f32, f32) {
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    (low, values.iter().copied().fold(f32::NEG_INFINITY, f32::max))
}

fn range(values: &[f32]) -> String {
    let (low, high) = bounds(values);
    format!("{low:.2} to {high:.2}")
}

/// Values from their lowest (0) to their highest (255); the middle if they are all equal.
fn to_bytes(values: &[f32]) -> Vec<u8> {
    let (low, high) = bounds(values);
    let byte = |value: &f32| {
        if high > low { ((value - low) / (high - low) * 255.0).round() as u8 } else { 128 }
    };
    values.iter().map(byte).collect()
}

/// `side * side` values, row after row, in grey.
fn grey(values: &[f32], side: usize) -> RgbImage {
    let bytes = to_bytes(values);
    RgbImage::from_fn(side as u32, side as u32, |x, y| {
        Rgb([bytes.get(y as usize * side + x as usize).copied().unwrap_or(0); 3])
    })
}

/// With whole pixels, each as large as another where `side` is a multiple.
fn enlarged(picture: &RgbImage, side: u32) -> RgbImage {
    imageops::resize(picture, side, side, imageops::FilterType::Nearest)
}

/// A picture with lines of words above it.
fn with_words(words: &[String], picture: &RgbImage) -> RgbImage {
    let widths = words.iter().map(|line| Lettering::Small.size(line).0);
    let width = widths.max().unwrap_or(0).max(picture.width());
    let room = LINE * words.len() as u32;
    let mut tile = RgbImage::from_pixel(width, room + picture.height(), PAPER);
    for (i, line) in (0u32..).zip(words) {
        write(&mut tile, line, (0, (i * LINE) as i32), Lettering::Small, INK, None);
    }
    imageops::replace(&mut tile, picture, 0, i64::from(room));
    tile
}

fn fill(
    picture: &mut RgbImage,
    (left, top): (u32, u32),
    (width, height): (u32, u32),
    colour: Rgb<u8>,
) {
    let (right, bottom) = (left.saturating_add(width), top.saturating_add(height));
    for y in top..bottom.min(picture.height()) {
        for x in left..right.min(picture.width()) {
            picture.put_pixel(x, y, colour);
        }
    }
}

/// A bar for each digit: blue for the one read, green the true one, red where the two differ.
fn confidence_bars(reading: &Reading, truth: Option<u8>) -> RgbImage {
    let mut picture = RgbImage::from_pixel(TILE, TILE, PAPER);
    let row = TILE / 10;
    let (left, right) = (22, 52);
    let longest = (TILE - left - right) as f32;
    let (read, _) = reading.best();
    for (digit, confidence) in (0u8..).zip(reading.confidences) {
        let top = u32::from(digit) * row;
        let known = truth == Some(digit);
        let colour = match (digit == read, known) {
            (_, true) => Rgb([40, 150, 90]),
            (true, false) if truth.is_some() => RED,
            (true, false) => BLUE,
            (false, false) => GREY,
        };
        let words_top = (top + (row - 15) / 2) as i32;
        let ink = if known || digit == read { colour } else { INK };
        write(&mut picture, &digit.to_string(), (4, words_top), Lettering::Large, ink, None);
        let width = ((confidence * longest).round() as u32).max(1);
        fill(&mut picture, (left, top + 3), (width, row - 6), colour);
        let percent = format!("{:.1} %", 100.0 * confidence);
        let beside = ((left + width + 4) as i32, words_top + 3);
        write(&mut picture, &percent, beside, Lettering::Small, INK, None);
    }
    picture
}

/// The histogram's bins, the fullest one blue, with the range below.
fn histogram_bars(histogram: &Histogram) -> RgbImage {
    let mut picture = RgbImage::from_pixel(TILE, TILE, PAPER);
    let ground = TILE - LINE - 2;
    let width = TILE / histogram.counts.len().max(1) as u32;
    let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1);
    let fullest = histogram.fullest();
    for (i, &count) in histogram.counts.iter().enumerate() {
        let height = (count as f64 / most as f64 * f64::from(ground - LINE)).round() as u32;
        let colour = if i == fullest { BLUE } else { GREY };
        let at = (i as u32 * width, ground - height);
        fill(&mut picture, at, (width.saturating_sub(1).max(1), height), colour);
    }
    fill(&mut picture, (0, ground), (TILE, 1), INK);
    let most = format!("{most} pixels");
    write(&mut picture, &most, (0, 0), Lettering::Small, BLUE, None);
    let below = (ground + 3) as i32;
    write(&mut picture, &format!("{:.2}", histogram.low), (0, below), Lettering::Small, INK, None);
    let high = format!("{:.2}", histogram.high);
    let right = width * histogram.counts.len() as u32;
    let left = right.saturating_sub(Lettering::Small.size(&high).0) as i32;
    write(&mut picture, &high, (left, below), Lettering::Small, INK, None);
    picture
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{
        classifier::{Architecture, DIGITS, Network, seeded},
        photo::PhotoSize,
    };

    fn inspected(name: &str) -> Inspection {
        let device = Device::flex();
        let net = Network::new(Architecture::named(name).expect("a network"), &device);
        let classifier =
            Classifier::new(seeded(net, 3), device).expect("the CPU reads its own weights");
        let rgb: Vec<u8> = (0..60 * 40 * 3u32).map(|i| (i * 37 % 251) as u8).collect();
        let photo = Photo::from_rgb8(PhotoSize { width: 60, height: 40 }, rgb).expect("pixels");
        let area = BoxInPhoto { left: 10, top: 4, width: 20, height: 30 };
        Inspection::of(&classifier, &photo, area).expect("the CPU computes")
    }

    #[test]
    fn every_network_gives_a_picture() {
        for architecture in Architecture::ALL {
            let inspection = inspected(architecture.name);
            assert_eq!(inspection.samples.len(), architecture.input.len());
            assert_eq!(inspection.gradient.len(), architecture.input.len());
            let png = inspection.png(&["title".into()], Some(3)).expect("encoded");
            let picture = image::load_from_memory(&png).expect("it is a PNG").to_rgb8();
            let rows = (inspection.maps.maps as u32).div_ceil(COLUMNS);
            let maps = LINE + rows * (MAP + GAP) - GAP;
            let height = (2 * LINE + TILE) + GAP + maps + GAP + (LINE + TILE);
            assert_eq!(picture.dimensions(), (WIDTH, height), "{architecture}");
        }
    }

    #[test]
    fn the_gradients_signs_have_their_colours() {
        let mut inspection = inspected("Caffe");
        let plane = 32 * 32;
        inspection.gradient = vec![0.0; 3 * plane];
        // Channels add up: 1 + 1, and 0.5 - 1.5.
        for (at, value) in [(5, 1.0), (plane + 5, 1.0), (40, 0.5), (2 * plane + 40, -1.5)] {
            inspection.gradient[at] = value;
        }
        let picture = inspection.gradient_picture();
        assert_eq!(picture.get_pixel(5, 0), &Rgb([255, 0, 0]));
        assert_eq!(picture.get_pixel(8, 1), &Rgb([128, 128, 255]));
        assert_eq!(picture.get_pixel(0, 0), &Rgb([255; 3]));
    }

    #[test]
    fn bars_are_as_long_as_the_confidences() {
        let mut confidences = [0.0; DIGITS];
        confidences[4] = 0.75;
        confidences[9] = 0.25;
        let bars = confidence_bars(&Reading { confidences }, Some(9));
        let length = |digit: u32, colour: Rgb<u8>| {
            let y = digit * (TILE / 10) + TILE / 20 + 9;
            (22..TILE).filter(|&x| bars.get_pixel(x, y) == &colour).count()
        };
        let longest = (TILE - 22 - 52) as f32;
        assert_eq!(length(4, RED), (0.75 * longest).round() as usize);
        assert_eq!(length(9, Rgb([40, 150, 90])), (0.25 * longest).round() as usize);
        assert_eq!(length(5, GREY), 1);
    }

    #[test]
    fn equal_values_are_middle_grey() {
        assert_eq!(to_bytes(&[0.4; 3]), [128; 3]);
        assert_eq!(to_bytes(&[-1.0, 0.0, 1.0]), [0, 128, 255]);
    }
}
