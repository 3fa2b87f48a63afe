//! Finds the number in a photo without labels, so that it can be trained on (Lee, 2013,
//! "Pseudo-Label"; here the boxes are guessed, too).
//!
//! SVHN's photos are cropped around their number, which is in the middle, so its size and number of
//! digits are known within bounds. Each guess splits the middle into boxes of one width. The guess
//! whose digits a trained network reads with the highest confidence is kept. It is then moved a
//! little, and the network's readings at all these places together give the label.

use std::path::Path;

use burn::tensor::Device;

use super::{TrainingError, teacher::Teacher};
use crate::{
    classifier::{Architecture, DIGITS, EngineError, Reading},
    photo::{BoxInPhoto, LooseBox, Photo},
};

/// The usual width over height of numbers with 1, 2, 3 and 4 digits, the medians of SVHN's 2,026
/// train photos at hand.
const USUAL_SHAPES: [f64; 4] = [0.54, 0.91, 1.24, 1.87];

/// The number's height as a share of the photo's, and its width as one of the usual width.
const HEIGHTS: [f64; 5] = [0.45, 0.55, 0.65, 0.75, 0.85];
const WIDTHS: [f64; 3] = [0.78, 1.0, 1.28];

/// The largest share of the photo's width that a number takes up.
const WIDEST: f64 = 0.95;

/// A bonus for each digit of a guess, in addition to the log of its confidence, so that of two
/// confident guesses the one with more digits is chosen. With a confidence of .92 or more, a digit
/// raises a guess's score.
const DIGIT: f64 = 0.08;

/// Where the number's middle is, as a share of the photo.
const MIDDLE: (f64, f64) = (0.5, 0.49);

/// How the best guess is moved: along each axis, as a share of the number's height.
const MOVES: [f64; 3] = [-0.06, 0.0, 0.06];
/// And scaled.
const SCALES: [f64; 2] = [0.93, 1.07];

/// A number that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundNumber {
    /// Its digits from left to right.
    pub digits: Vec<(BoxInPhoto, u8)>,
    /// The confidence of the least sure digit, 0 to 1, over all places of its box.
    pub confidence: f32,
}

/// A trained network that labels photos.
#[derive(Debug)]
pub struct PseudoLabeller {
    teacher: Teacher,
    architecture: &'static Architecture,
}

/// Where a number may be, and of how many digits.
#[derive(Clone, Copy, Debug)]
struct Guess {
    digits: usize,
    middle: (f64, f64),
    width: f64,
    height: f64,
}

impl Guess {
    fn boxes(&self, photo: &Photo) -> Option<Vec<BoxInPhoto>> {
        let width = self.width / self.digits as f64;
        (0..self.digits)
            .map(|i| {
                let area = LooseBox {
                    left: self.middle.0 - self.width / 2.0 + i as f64 * width,
                    top: self.middle.1 - self.height / 2.0,
                    width,
                    height: self.height,
                };
                area.clamp_to(photo.size()).ok()
            })
            .collect()
    }

    /// All that a photo of this size may show.
    fn all(photo: &Photo) -> Vec<Guess> {
        let (width, height) = (f64::from(photo.size().width), f64::from(photo.size().height));
        let mut guesses = Vec::new();
        for (digits, usual) in (1..).zip(USUAL_SHAPES) {
            for number_height in HEIGHTS.map(|share| share * height) {
                for number_width in WIDTHS.map(|share| share * usual * number_height) {
                    if number_width <= WIDEST * width {
                        guesses.push(Guess {
                            digits,
                            middle: (MIDDLE.0 * width, MIDDLE.1 * height),
                            width: number_width,
                            height: number_height,
                        });
                    }
                }
            }
        }
        guesses
    }

    /// The guess itself, moved and scaled.
    fn variants(&self) -> Vec<Guess> {
        let step = self.height;
        let mut variants = Vec::new();
        for scale in SCALES {
            for (dx, dy) in MOVES.iter().flat_map(|dx| MOVES.map(|dy| (dx, dy))) {
                variants.push(Guess {
                    middle: (self.middle.0 + dx * step, self.middle.1 + dy * step),
                    width: self.width * scale,
                    height: self.height * scale,
                    ..*self
                });
            }
        }
        variants
    }
}

impl PseudoLabeller {
    /// Loads the weights that a run left.
    ///
    /// # Errors
    /// [`TrainingError::Weights`] when the file cannot be used.
    pub fn load(weights: &Path, device: &Device) -> Result<Self, TrainingError> {
        let (teacher, architecture) = Teacher::open(weights, device)?;
        Ok(PseudoLabeller { teacher, architecture })
    }

    /// The number in the middle of a photo; `None` if the photo is too small for one.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    pub fn find(&mut self, photo: &Photo) -> Result<Option<FoundNumber>, EngineError> {
        let coarse = self.read(photo, Guess::all(photo))?;
        let Some((best, ..)) = coarse.into_iter().max_by(|a, b| a.2.total_cmp(&b.2)) else {
            return Ok(None);
        };
        let fine = self.read(photo, best.variants())?;
        let Some((best, ..)) = fine.iter().max_by(|a, b| a.2.total_cmp(&b.2)) else {
            return Ok(None);
        };
        let Some(boxes) = best.boxes(photo) else { return Ok(None) };
        let mut digits = Vec::with_capacity(boxes.len());
        let mut confidence = 1.0f32;
        for (i, area) in boxes.into_iter().enumerate() {
            let mut confidences = [0.0; DIGITS];
            for (_, readings, _) in &fine {
                let share = 1.0 / fine.len() as f32;
                for (sum, one) in confidences.iter_mut().zip(readings[i].confidences) {
                    *sum += share * one;
                }
            }
            let (digit, sure) = Reading { confidences }.best();
            confidence = confidence.min(sure);
            digits.push((area, digit));
        }
        Ok(Some(FoundNumber { digits, confidence }))
    }

    /// Reads all guesses at once; each with its readings and its score.
    fn read(
        &mut self,
        photo: &Photo,
        guesses: Vec<Guess>,
    ) -> Result<Vec<(Guess, Vec<Reading>, f64)>, EngineError> {
        let input = self.architecture.input;
        let mut samples = Vec::new();
        let mut kept = Vec::new();
        for guess in guesses {
            if let Some(boxes) = guess.boxes(photo) {
                for area in boxes {
                    samples.extend(input.crop_of(photo, area));
                }
                kept.push(guess);
            }
        }
        let shares = self.teacher.shares(&samples)?;
        let (shares, _) = shares.as_chunks::<DIGITS>();
        let mut readings = shares.iter().map(|&confidences| Reading { confidences });
        Ok(kept
            .into_iter()
            .map(|guess| {
                let of_guess: Vec<Reading> = readings.by_ref().take(guess.digits).collect();
                let score = of_guess.iter().map(|r| f64::from(r.best().1).ln() + DIGIT).sum();
                (guess, of_guess, score)
            })
            .collect())
    }
}
