//! A house number as the page shows it: plain data, tested without a browser.

use super::editor::BoxId;
use crate::classifier::is_unsure;
use crate::numbers::joint_confidence;

/// A box, and a digit in it with its confidence.
type Digit = (BoxId, Option<(u8, f32)>);

/// A house number: the boxes of its digits in reading order.
#[derive(Clone, Debug, PartialEq)]
pub struct HouseNumber {
    /// Each box with its digit, 0 to 9, and the digit's confidence, 0 to 1: what a person says it
    /// is, which is certain, or what is read; none before it is. A box round several digits is
    /// listed once for each.
    pub digits: Vec<Digit>,
}

impl HouseNumber {
    /// Its boxes.
    pub fn ids(&self) -> Vec<BoxId> {
        self.boxes().into_iter().map(|(id, _)| id).collect()
    }

    /// Its boxes, each with its digits as [`HouseNumber::text`] writes them.
    pub fn boxes(&self) -> Vec<(BoxId, String)> {
        let of_box = |of_box: &[Digit]| Some((of_box.first()?.0, text_of(of_box)));
        self.digits.chunk_by(|a, b| a.0 == b.0).filter_map(of_box).collect()
    }

    /// Its digits, with `?` for what is not read yet.
    pub fn text(&self) -> String {
        text_of(&self.digits)
    }

    /// How likely all its digits are right; none before all are read.
    pub fn confidence(&self) -> Option<f32> {
        let of_digits: Option<Vec<f32>> =
            self.digits.iter().map(|(_, best)| best.map(|(_, confidence)| confidence)).collect();
        of_digits.map(joint_confidence)
    }

    /// What a screen reader says of it: digit by digit, as house numbers are spoken.
    pub fn spoken(&self) -> String {
        let digits: Vec<String> = self
            .digits
            .iter()
            .map(|(_, best)| match best {
                Some((digit, sure)) if is_unsure(*sure) => format!("{digit} unsure"),
                Some((digit, _)) => digit.to_string(),
                None => "not read yet".to_owned(),
            })
            .collect();
        let sure = self.confidence().map(|sure| format!(", {:.0} percent", sure * 100.0));
        format!("House number {}{}", digits.join(" "), sure.unwrap_or_default())
    }
}

fn text_of(digits: &[Digit]) -> String {
    let letter = |best: Option<(u8, f32)>| best.map_or('?', |(d, _)| char::from(b'0' + d.min(9)));
    digits.iter().map(|(_, best)| letter(*best)).collect()
}

/// The texts of several numbers in their order.
pub fn texts(numbers: &[HouseNumber], between: &str) -> String {
    numbers.iter().map(HouseNumber::text).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_round_several_digits_counts_as_all_of_them() {
        let digits = vec![(4, Some((1, 1.0))), (4, Some((0, 0.5))), (2, None), (9, Some((3, 1.0)))];
        let number = HouseNumber { digits };
        assert_eq!((number.text().as_str(), number.ids()), ("10?3", vec![4, 2, 9]));
        let texts: Vec<String> = number.boxes().into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["10", "?", "3"]);
    }

    #[test]
    fn a_number_is_whole_once_all_its_digits_are_read() {
        let mut number = HouseNumber { digits: vec![(4, Some((6, 0.5))), (2, None)] };
        assert_eq!((number.text().as_str(), number.confidence()), ("6?", None));
        assert_eq!(number.spoken(), "House number 6 unsure not read yet");
        number.digits[1].1 = Some((0, 0.9));
        assert_eq!((number.text().as_str(), number.ids()), ("60", vec![4, 2]));
        assert!(number.confidence().is_some_and(|sure| (sure - 0.45).abs() < 1e-6));
        assert_eq!(number.spoken(), "House number 6 unsure 0, 45 percent");
        let other = HouseNumber { digits: vec![(9, Some((7, 1.0)))] };
        assert_eq!(texts(&[number, other], " "), "60 7");
    }
}
