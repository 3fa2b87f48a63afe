//! What remains visible after a removal on real photos, for which the truth is not known: digits
//! that can still be read, changes where there was nothing to remove, and edges around the boxes.

use image::RgbImage;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::{
    classifier::{Classifier, EngineError},
    dataset::format1::Digit,
    photo::{BoxInPhoto, Photo, PhotoSize, luma},
};

/// A digit counts as read from this confidence on.
const CONFIDENT: f32 = 0.5;

/// Places that are tried for a patch until a photo counts as too small for one.
const TRIES: usize = 200;

/// A mean that can be added to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn count(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn add(&mut self, other: Mean) {
        self.sum += other.sum;
        self.count += other.count;
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// What is left to see, over any number of photos.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traces {
    read: Mean,
    change_outside: Mean,
    seam: Mean,
    elsewhere: Mean,
}

impl Traces {
    /// Measures one photo.
    ///
    /// `after` is `before` without its `digits`, filled in `boxes`; of another size, nothing is
    /// counted but the readings.
    ///
    /// # Errors
    /// [`EngineError`] when the judge's device fails.
    pub fn measure(
        before: &RgbImage,
        after: &RgbImage,
        digits: &[Digit],
        boxes: &[BoxInPhoto],
        judge: &Classifier,
    ) -> Result<Self, EngineError> {
        let mut traces = Traces { read: readings(after, digits, judge)?, ..Traces::default() };
        if before.dimensions() != after.dimensions() {
            return Ok(traces);
        }
        let boxed = |x: u32, y: u32| boxes.iter().any(|area| area.contains(x, y));
        let grey = |x: u32, y: u32| {
            let [r, g, b] = after.get_pixel(x, y).0.map(f32::from);
            f64::from(luma(r, g, b))
        };
        let (width, height) = after.dimensions();
        for (x, y, pixel) in after.enumerate_pixels().filter(|&(x, y, _)| !boxed(x, y)) {
            let channels = pixel.0.into_iter().zip(before.get_pixel(x, y).0);
            let change: f64 = channels.map(|(a, b)| f64::from(a.abs_diff(b))).sum();
            traces.change_outside.count(change / 3.0);
            for (x2, y2) in [(x + 1, y), (x, y + 1)] {
                if x2 < width && y2 < height && !boxed(x2, y2) {
                    traces.elsewhere.count((grey(x, y) - grey(x2, y2)).abs());
                }
            }
        }
        for area in boxes {
            for (inner, outer) in seam(area, PhotoSize { width, height }) {
                traces.seam.count((grey(inner.0, inner.1) - grey(outer.0, outer.1)).abs());
            }
        }
        Ok(traces)
    }

    /// Adds another photo's, or other photos'.
    pub fn add(&mut self, other: &Traces) {
        self.read.add(other.read);
        self.change_outside.add(other.change_outside);
        self.seam.add(other.seam);
        self.elsewhere.add(other.elsewhere);
    }

    /// The share of digits that the judge still reads as what they were, with a confidence above
    /// 1/2; `None` without digits.
    pub fn still_read(&self) -> Option<f64> {
        self.read.value()
    }

    /// The digits that were looked at.
    pub fn digits(&self) -> u64 {
        self.read.count
    }

    /// The mean absolute change of the pixels outside all boxes, in grey levels: of strokes that
    /// were followed there.
    pub fn change_outside(&self) -> Option<f64> {
        self.change_outside.value()
    }

    /// The mean step of brightness between the pixels on both sides of the boxes' edges, as
    /// multiples of that between neighbours outside all boxes. Where boxes touch or overlap, the
    /// edge of each counts.
    pub fn seam(&self) -> Option<f64> {
        let elsewhere = self.elsewhere.value().filter(|elsewhere| *elsewhere > 0.0)?;
        Some(self.seam.value()? / elsewhere)
    }
}

/// How often the digits are read in their boxes.
fn readings(photo: &RgbImage, digits: &[Digit], judge: &Classifier) -> Result<Mean, EngineError> {
    let mut read = Mean::default();
    let size = PhotoSize { width: photo.width(), height: photo.height() };
    let Some(photo) = Photo::from_rgb8(size, photo.as_raw().clone()) else { return Ok(read) };
    let boxes: Vec<BoxInPhoto> = digits.iter().map(|digit| digit.area).collect();
    for (digit, reading) in digits.iter().zip(pollster::block_on(judge.read(&photo, &boxes))?) {
        let (best, confidence) = reading.best();
        read.count(if best == digit.digit && confidence > CONFIDENT { 1.0 } else { 0.0 });
    }
    Ok(read)
}

/// How often the judge reads the same digits where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ChanceReadings(Mean);

impl ChanceReadings {
    /// Measures one photo: for each digit a patch of its box's size that touches none of `boxes`,
    /// where the photo has room for one; `seed` chooses where.
    ///
    /// # Errors
    /// [`EngineError`] when the judge's device fails.
    pub fn measure(
        photo: &RgbImage,
        digits: &[Digit],
        boxes: &[BoxInPhoto],
        judge: &Classifier,
        seed: u64,
    ) -> Result<Self, EngineError> {
        let size = PhotoSize { width: photo.width(), height: photo.height() };
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let free: Vec<Digit> = digits
            .iter()
            .filter_map(|digit| {
                let area = free_patch(digit.area, boxes, size, &mut dice)?;
                Some(Digit { area, ..*digit })
            })
            .collect();
        readings(photo, &free, judge).map(ChanceReadings)
    }

    /// Adds another photo's, or other photos'.
    pub fn add(&mut self, other: &ChanceReadings) {
        self.0.add(other.0);
    }

    /// The share of patches in which the digit is read with a confidence above 1/2; `None`
    /// without patches.
    pub fn share(&self) -> Option<f64> {
        self.0.value()
    }

    /// The patches.
    pub fn patches(&self) -> u64 {
        self.0.count
    }
}

/// A box of the same size somewhere else, that neither overlaps nor touches any of `boxes`.
fn free_patch(
    like: BoxInPhoto,
    boxes: &[BoxInPhoto],
    photo: PhotoSize,
    dice: &mut ChaCha8Rng,
) -> Option<BoxInPhoto> {
    let right = photo.width.checked_sub(like.width)?;
    let bottom = photo.height.checked_sub(like.height)?;
    (0..TRIES).find_map(|_| {
        let left = dice.random_range(0..=right);
        let top = dice.random_range(0..=bottom);
        let patch = BoxInPhoto { left, top, ..like };
        (!boxes.iter().any(|area| patch.within(area, 1))).then_some(patch)
    })
}

/// The pairs of pixels on both sides of a box's edge, the inner one first.
fn seam(area: &BoxInPhoto, photo: PhotoSize) -> Vec<((u32, u32), (u32, u32))> {
    let mut pairs = Vec::new();
    for x in area.left..area.right() {
        if area.top > 0 {
            pairs.push(((x, area.top), (x, area.top - 1)));
        }
        if area.bottom() < photo.height {
            pairs.push(((x, area.bottom() - 1), (x, area.bottom())));
        }
    }
    for y in area.top..area.bottom() {
        if area.left > 0 {
            pairs.push(((area.left, y), (area.left - 1, y)));
        }
        if area.right() < photo.width {
            pairs.push(((area.right() - 1, y), (area.right(), y)));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use image::Rgb;

    use super::*;
    use crate::classifier::{Architecture, Network, seeded};

    /// Untrained: what it reads does not matter here.
    fn judge() -> Classifier {
        let device = Device::flex();
        let architecture = Architecture::named("ConvNet32").expect("a network");
        let net = seeded(Network::new(architecture, &device), 5);
        Classifier::new(net, device).expect("read back")
    }

    /// Stripes of one grey level.
    fn stripes() -> RgbImage {
        RgbImage::from_fn(40, 30, |x, _| Rgb([100 + (x % 2) as u8; 3]))
    }

    const AREA: BoxInPhoto = BoxInPhoto { left: 10, top: 0, width: 8, height: 20 };

    #[test]
    fn seams_are_told_from_what_the_photo_has_anyway() {
        let judge = judge();
        let measure = |after: &RgbImage| {
            Traces::measure(&stripes(), after, &[], &[AREA], &judge).expect("measured")
        };
        let untouched = measure(&stripes());
        assert_eq!(untouched.change_outside(), Some(0.0));
        // Half of all neighbours differ by 1: those beside each other. Of the box's 48 pairs the
        // 40 on its left and right do.
        let across = untouched.seam().expect("a seam");
        let elsewhere = untouched.elsewhere.value().expect("neighbours");
        assert!((across * elsewhere - 40.0 / 48.0).abs() < 1e-4, "{across} {elsewhere}");
        // A fill that is 20 levels brighter has a seam of about 20.
        let mut patched = stripes();
        for (x, y) in (0..20).flat_map(|y| (10..18).map(move |x| (x, y))) {
            patched.put_pixel(x, y, Rgb([120; 3]));
        }
        let patched = measure(&patched);
        assert!(patched.seam() > Some(20.0 * across), "{patched:?}");
        assert_eq!(patched.change_outside(), Some(0.0));
        // One pixel outside, in one channel, by 30.
        let mut elsewhere = stripes();
        elsewhere.put_pixel(30, 25, Rgb([130, 100, 100]));
        let change = measure(&elsewhere).change_outside().expect("pixels outside");
        assert!((change - 10.0 / (1_200.0 - 160.0)).abs() < 1e-9, "{change}");
    }

    #[test]
    fn patches_touch_no_box_and_follow_the_seed() {
        let size = PhotoSize { width: 40, height: 30 };
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let mut found = Vec::new();
        for _ in 0..50 {
            let patch = free_patch(AREA, &[AREA], size, &mut dice).expect("room");
            assert!(patch.right() <= 40 && patch.bottom() <= 30);
            assert!(patch.left > 18 || patch.right() < 10, "{patch:?}");
            found.push(patch);
        }
        let mut again = ChaCha8Rng::seed_from_u64(1);
        let repeat = || free_patch(AREA, &[AREA], size, &mut again);
        assert_eq!(std::iter::repeat_with(repeat).take(50).flatten().collect::<Vec<_>>(), found);
        let whole = BoxInPhoto { left: 0, top: 0, width: 40, height: 30 };
        assert_eq!(free_patch(AREA, &[whole], size, &mut dice), None);
        assert_eq!(free_patch(whole, &[], PhotoSize { width: 9, height: 9 }, &mut dice), None);
    }

    #[test]
    fn what_the_judge_reads_counts_as_read() {
        let judge = judge();
        let photo = stripes();
        let read = {
            let size = PhotoSize { width: 40, height: 30 };
            let photo = Photo::from_rgb8(size, photo.as_raw().clone()).expect("a photo");
            pollster::block_on(judge.read(&photo, &[AREA])).expect("read")[0].best()
        };
        // Its answer counts when it is sure enough, and another digit never does.
        let of = |digit: u8| {
            let digits = [Digit { area: AREA, digit }];
            Traces::measure(&photo, &photo, &digits, &[AREA], &judge).expect("measured")
        };
        let sure = if read.1 > CONFIDENT { 1.0 } else { 0.0 };
        assert_eq!(of(read.0).still_read(), Some(sure));
        assert_eq!(of((read.0 + 1) % 10).still_read(), Some(0.0));
        let mut both = of(read.0);
        both.add(&of((read.0 + 1) % 10));
        assert_eq!((both.digits(), both.still_read()), (2, Some(sure / 2.0)));
    }
}
