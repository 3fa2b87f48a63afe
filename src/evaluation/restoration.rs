//! Compares a repaired photo with the truth, if there is one.

use image::{GrayImage, RgbImage};

use crate::photo::{BoxInPhoto, luma};

/// Signal-to-noise ratios are cut off here, in decibels: equal pictures have no noise.
const MOST_DECIBELS: f64 = 60.0;

/// Side of the window of the structural similarity, and its Gaussian's width, in pixels (Wang et
/// al., 2004, "Image quality assessment: from error visibility to structural similarity").
const WINDOW: i64 = 11;
const WINDOW_SIGMA: f64 = 1.5;

/// A pixel counts as a stroke's from this share of 255 on: beneath it is the rim of its blur.
pub(super) const STROKE: u8 = 26;

/// How close one photo's boxes come to the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Restoration {
    /// Peak signal-to-noise ratio over the boxes' pixels, in decibels; 60 at most.
    pub psnr_in_boxes: f64,
    /// The same over the pixels of strokes in them; `None` without any.
    pub psnr_on_strokes: Option<f64>,
    /// Mean structural similarity of the brightness over the boxes' pixels; 1 for equal ones.
    pub ssim_in_boxes: f64,
    /// The mean absolute error over the boxes' pixels outside the strokes, in grey levels. These
    /// were background before, and should still be; `None` if there are none.
    pub error_off_strokes: Option<f64>,
}

/// A figure over several photos.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The mean over the worst tenth, of one photo at least.
    pub worst: f64,
}

impl Spread {
    /// The spread of figures of which the lowest are the worst; `None` without figures.
    pub fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_by(f64::total_cmp);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let worst = figures.get(..figures.len().div_ceil(10))?;
        (!worst.is_empty()).then(|| Spread { mean: mean(&figures), worst: mean(worst) })
    }

    /// The spread of figures of which the highest are the worst; `None` without figures.
    pub fn of_errors(figures: Vec<f64>) -> Option<Self> {
        let turned = Spread::of(figures.into_iter().map(|figure| -figure).collect())?;
        Some(Spread { mean: -turned.mean, worst: -turned.worst })
    }
}

impl Restoration {
    /// Compares `repaired` with `truth`, which are of one size, in `boxes`; `strokes` is the share
    /// of each pixel that is a stroke.
    ///
    /// Returns `None` when the sizes differ or no pixel is in a box.
    pub fn measure(
        repaired: &RgbImage,
        truth: &RgbImage,
        boxes: &[BoxInPhoto],
        strokes: &GrayImage,
    ) -> Option<Self> {
        if repaired.dimensions() != truth.dimensions() || strokes.dimensions() != truth.dimensions()
        {
            return None;
        }
        let inside: Vec<(u32, u32)> = (0..truth.height())
            .flat_map(|y| (0..truth.width()).map(move |x| (x, y)))
            .filter(|&(x, y)| boxes.iter().any(|area| area.contains(x, y)))
            .collect();
        let error = |&(x, y): &(u32, u32)| -> f64 {
            let channels = repaired.get_pixel(x, y).0.into_iter().zip(truth.get_pixel(x, y).0);
            channels.map(|(a, b)| f64::from(a.abs_diff(b)).powi(2)).sum::<f64>() / 3.0
        };
        let (strokes, off): (Vec<_>, Vec<_>) =
            inside.iter().partition(|(x, y)| strokes.get_pixel(*x, *y).0[0] >= STROKE);
        let on_strokes: Vec<f64> = strokes.iter().map(error).collect();
        let absolute = |&(x, y): &(u32, u32)| -> f64 {
            let channels = repaired.get_pixel(x, y).0.into_iter().zip(truth.get_pixel(x, y).0);
            channels.map(|(a, b)| f64::from(a.abs_diff(b))).sum::<f64>() / 3.0
        };
        let off_strokes: f64 = off.iter().map(absolute).sum();
        let similarity = similarity_at(repaired, truth);
        let ssim: f64 = inside.iter().map(|&(x, y)| similarity(x, y)).sum();
        Some(Restoration {
            psnr_in_boxes: decibels(&inside.iter().map(error).collect::<Vec<_>>())?,
            psnr_on_strokes: decibels(&on_strokes),
            ssim_in_boxes: ssim / inside.len() as f64,
            error_off_strokes: (!off.is_empty()).then(|| off_strokes / off.len() as f64),
        })
    }
}

/// The peak signal-to-noise ratio of squared errors in grey levels; `None` of none.
fn decibels(errors: &[f64]) -> Option<f64> {
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    (!errors.is_empty()).then(|| (10.0 * (255.0 * 255.0 / mean).log10()).min(MOST_DECIBELS))
}

/// The structural similarity around a pixel; windows end at the pictures' edges.
fn similarity_at<'a>(a: &'a RgbImage, b: &'a RgbImage) -> impl Fn(u32, u32) -> f64 + 'a {
    let reach = WINDOW / 2;
    let weight = |d: i64| (-(d * d) as f64 / (2.0 * WINDOW_SIGMA * WINDOW_SIGMA)).exp();
    let grey = |image: &RgbImage, x: u32, y: u32| {
        let [r, g, b] = image.get_pixel(x, y).0.map(f32::from);
        f64::from(luma(r, g, b))
    };
    move |x, y| {
        let (mut weights, mut sums) = (0.0, [0.0; 5]);
        for (dy, dx) in (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dy, dx))) {
            let (Ok(x), Ok(y)) =
                (u32::try_from(i64::from(x) + dx), u32::try_from(i64::from(y) + dy))
            else {
                continue;
            };
            if x >= a.width() || y >= a.height() {
                continue;
            }
            let (w, p, q) = (weight(dx) * weight(dy), grey(a, x, y), grey(b, x, y));
            weights += w;
            for (sum, value) in sums.iter_mut().zip([p, q, p * p, q * q, p * q]) {
                *sum += w * value;
            }
        }
        let [p, q, pp, qq, pq] = sums.map(|sum| sum / weights);
        let (c1, c2) = ((0.01f64 * 255.0).powi(2), (0.03f64 * 255.0).powi(2));
        (2.0 * p * q + c1) * (2.0 * (pq - p * q) + c2)
            / ((p * p + q * q + c1) * (pp - p * p + qq - q * q + c2))
    }
}

#[cfg(test)]
mod tests {
    use image::{Luma, Rgb};

    use super::*;

    fn picture(add: u8) -> RgbImage {
        RgbImage::from_fn(30, 20, |x, y| Rgb([(x * 5) as u8 + add, (y * 7) as u8 + add, 90 + add]))
    }

    #[test]
    fn a_difference_of_ten_levels_is_28_decibels() {
        let strokes = GrayImage::from_fn(30, 20, |x, _| Luma([if x < 8 { 255 } else { 0 }]));
        let boxes = [BoxInPhoto { left: 5, top: 4, width: 10, height: 9 }];
        let measured = Restoration::measure(&picture(10), &picture(0), &boxes, &strokes);
        let measured = measured.expect("measured");
        // 20 log10(255 / 10).
        assert!((measured.psnr_in_boxes - 28.131).abs() < 1e-3, "{measured:?}");
        assert!((measured.psnr_on_strokes.expect("strokes") - 28.131).abs() < 1e-3);
        assert_eq!(measured.error_off_strokes, Some(10.0));
        assert!(measured.ssim_in_boxes < 1.0 && measured.ssim_in_boxes > 0.9);
        let same = Restoration::measure(&picture(0), &picture(0), &boxes, &strokes);
        let same = same.expect("measured");
        assert_eq!(same.psnr_in_boxes, MOST_DECIBELS);
        assert!((same.ssim_in_boxes - 1.0).abs() < 1e-9);
        // What lies outside the boxes does not count.
        let mut elsewhere = picture(0);
        elsewhere.put_pixel(25, 15, Rgb([0, 0, 0]));
        let measured = Restoration::measure(&elsewhere, &picture(0), &boxes, &strokes);
        assert_eq!(measured.expect("measured").psnr_in_boxes, MOST_DECIBELS);
        assert!(Restoration::measure(&picture(0), &picture(0), &[], &strokes).is_none());
    }

    #[test]
    fn the_worst_tenth_is_at_the_bad_end() {
        let figures: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(Spread::of(figures.clone()), Some(Spread { mean: 10.5, worst: 1.5 }));
        assert_eq!(Spread::of_errors(figures), Some(Spread { mean: 10.5, worst: 19.5 }));
        assert_eq!(Spread::of(vec![4.0]), Some(Spread { mean: 4.0, worst: 4.0 }));
        assert_eq!(Spread::of(Vec::new()), None);
    }
}
