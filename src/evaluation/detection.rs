//! How well digits are found.

use std::fmt;

use crate::photo::{BoxInPhoto, LooseBox};

/// A box is found if what it shares with the true one is at least this part of their union.
pub const LEAST_UNION: f64 = 0.5;

/// The boxes that were found on photos, and how many there are to find.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detection {
    /// For each box that was found: the confidence, and whether a digit is there.
    found: Vec<(f32, bool)>,
    /// The digits there are.
    digits: usize,
    photos: usize,
}

/// What was found from some confidence on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecall {
    /// Only boxes with at least this confidence count.
    pub at_least: f32,
    /// The share of these where there is a digit.
    pub precision: f64,
    /// The share of all digits that are found.
    pub recall: f64,
}

impl PrecisionRecall {
    /// The harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 { 2.0 * self.precision * self.recall / sum } else { 0.0 }
    }
}

impl Detection {
    /// Of one photo: boxes that were found with their confidence, the surest first; those of its
    /// `digits`; and `unknown` areas, in which nothing counts.
    pub fn of(found: &[(BoxInPhoto, f32)], digits: &[LooseBox], unknown: &[LooseBox]) -> Self {
        let mut taken = vec![false; digits.len()];
        let mut counted = Vec::new();
        for (area, confidence) in found {
            let area = LooseBox::from(*area);
            let free = (0..digits.len()).filter(|&i| !taken[i]);
            let nearest = free
                .map(|i| (area.shared_union(&digits[i]), i))
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .filter(|(share, _)| *share >= LEAST_UNION);
            if let Some((_, i)) = nearest {
                taken[i] = true;
                counted.push((*confidence, true));
            } else if !unknown.iter().any(|unknown| holds_middle(unknown, &area)) {
                counted.push((*confidence, false));
            }
        }
        Detection { found: counted, digits: digits.len(), photos: 1 }
    }

    /// Both together.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.found.extend(other.found);
        self.digits += other.digits;
        self.photos += other.photos;
        self
    }

    /// Digits there are to find.
    pub fn digits(&self) -> usize {
        self.digits
    }

    /// Photos that were looked at.
    pub fn photos(&self) -> usize {
        self.photos
    }

    /// What is found for each confidence that a box was found with, from the highest.
    fn curve(&self) -> Vec<PrecisionRecall> {
        let mut found = self.found.clone();
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut right, mut all) = (0, 0);
        let step = |(confidence, is_right): &(f32, bool)| {
            all += 1;
            right += usize::from(*is_right);
            PrecisionRecall {
                at_least: *confidence,
                precision: f64::from(right as u32) / f64::from(all),
                recall: right as f64 / self.digits.max(1) as f64,
            }
        };
        found.iter().map(step).collect()
    }

    /// What is found with at least this confidence.
    pub fn at(&self, at_least: f32) -> PrecisionRecall {
        let counted = self.curve().into_iter().rev().find(|found| found.at_least >= at_least);
        counted.map_or(PrecisionRecall { at_least, precision: 1.0, recall: 0.0 }, |found| {
            PrecisionRecall { at_least, ..found }
        })
    }

    /// What is found with the confidence whose F1 is the highest.
    pub fn best(&self) -> PrecisionRecall {
        let best = self.curve().into_iter().max_by(|a, b| a.f1().total_cmp(&b.f1()));
        best.unwrap_or(PrecisionRecall { at_least: 1.0, precision: 1.0, recall: 0.0 })
    }

    /// Boxes found with at least this confidence where there is no digit.
    pub fn false_alarms(&self, at_least: f32) -> usize {
        self.found.iter().filter(|(confidence, right)| *confidence >= at_least && !right).count()
    }

    /// The mean precision over all recalls from 0 to 1: the area under the curve, each recall with
    /// the highest precision that it or a higher one is reached with (Everingham et al., 2010).
    pub fn average_precision(&self) -> f64 {
        let mut area = 0.0;
        let mut highest = 0.0f64;
        let curve = self.curve();
        for (i, found) in curve.iter().enumerate().rev() {
            highest = highest.max(found.precision);
            let before = if i == 0 { 0.0 } else { curve[i - 1].recall };
            area += highest * (found.recall - before);
        }
        area
    }
}

impl fmt::Display for Detection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| 100.0 * share;
        let best = self.best();
        writeln!(f, "{} photos, {} digits", self.photos, self.digits)?;
        writeln!(f, "Average precision: {:.1} %", percent(self.average_precision()))?;
        for (name, found) in [("Best F1", best), ("At .5", self.at(0.5))] {
            writeln!(
                f,
                "{name}: {:.1} % (precision {:.1} %, recall {:.1} %, confidence from {:.2}, false \
                 alarms a photo {:.2})",
                percent(found.f1()),
                percent(found.precision),
                percent(found.recall),
                found.at_least,
                self.false_alarms(found.at_least) as f64 / self.photos.max(1) as f64
            )?;
        }
        Ok(())
    }
}

/// Whether a box holds another one's middle.
fn holds_middle(outer: &LooseBox, inner: &LooseBox) -> bool {
    let within = |start: f64, length: f64, at: f64| at >= start && at <= start + length;
    within(outer.left, outer.width, inner.left + inner.width / 2.0)
        && within(outer.top, outer.height, inner.top + inner.height / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(left: u32) -> BoxInPhoto {
        BoxInPhoto { left, top: 0, width: 10, height: 20 }
    }

    #[test]
    fn each_digit_is_found_once_and_the_surest_box_counts() {
        let digits = [LooseBox::from(area(0)), LooseBox::from(area(20))];
        let found = [(area(1), 0.9), (area(0), 0.8), (area(100), 0.7), (area(22), 0.6)];
        let detection = Detection::of(&found, &digits, &[]);
        assert_eq!(
            detection.at(0.85),
            PrecisionRecall { at_least: 0.85, precision: 1.0, recall: 0.5 }
        );
        assert_eq!(
            detection.at(0.1),
            PrecisionRecall { at_least: 0.1, precision: 0.5, recall: 1.0 }
        );
        assert_eq!(detection.false_alarms(0.75), 1);
        // Precision 1 up to half of the digits, then 2 of 4.
        assert!((detection.average_precision() - 0.75).abs() < 1e-9);
        let unknown = [LooseBox::from(area(98))];
        assert_eq!(Detection::of(&found, &digits, &unknown).false_alarms(0.0), 1);
    }

    #[test]
    fn nothing_found_is_no_recall_and_no_false_alarm() {
        let detection = Detection::of(&[], &[LooseBox::from(area(0))], &[]);
        assert_eq!(detection.average_precision(), 0.0);
        assert_eq!(detection.best().recall, 0.0);
    }
}
