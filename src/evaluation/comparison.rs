//! Several models' readings of the same digits.

use serde::Serialize;

use super::ReadDigit;

/// Where models agree on a data set's digits, and where they don't.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Digits that all models read.
    pub digits: usize,
    /// Digits that all read right.
    pub all_right: usize,
    /// Digits that none reads right.
    pub none_right: usize,
    /// Digits that all read alike, right or wrong.
    pub all_alike: usize,
    /// Every two models.
    pub pairs: Vec<PairComparison>,
}

/// Two models' readings; the five counts add up to the digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PairComparison {
    /// One model.
    pub first: String,
    /// The other.
    pub second: String,
    /// Digits that both read right.
    pub both_right: usize,
    /// Digits that only the first one reads right.
    pub only_first_right: usize,
    /// Digits that only the second one reads right.
    pub only_second_right: usize,
    /// Digits that both read wrong, as the same digit.
    pub both_wrong_alike: usize,
    /// Digits that both read wrong, as different ones.
    pub both_wrong_differently: usize,
}

impl Comparison {
    /// Compares models' readings, each with the model's name; all of the same data, in the same
    /// order.
    pub fn of(models: &[(&str, &[ReadDigit])]) -> Self {
        let digits = models.iter().map(|(_, read)| read.len()).min().unwrap_or(0);
        let mut comparison =
            Comparison { digits, all_right: 0, none_right: 0, all_alike: 0, pairs: Vec::new() };
        for i in 0..digits {
            let read: Vec<(u8, bool)> = models
                .iter()
                .map(|(_, read)| (read[i].reading.best().0, read[i].is_right()))
                .collect();
            comparison.all_right += usize::from(read.iter().all(|(_, right)| *right));
            comparison.none_right += usize::from(!read.iter().any(|(_, right)| *right));
            comparison.all_alike += usize::from(read.windows(2).all(|two| two[0].0 == two[1].0));
        }
        for (i, first) in models.iter().enumerate() {
            for second in &models[i + 1..] {
                comparison.pairs.push(PairComparison::of(*first, *second));
            }
        }
        comparison
    }
}

impl PairComparison {
    fn of(
        (first, first_read): (&str, &[ReadDigit]),
        (second, second_read): (&str, &[ReadDigit]),
    ) -> Self {
        let mut pair = PairComparison {
            first: first.to_owned(),
            second: second.to_owned(),
            both_right: 0,
            only_first_right: 0,
            only_second_right: 0,
            both_wrong_alike: 0,
            both_wrong_differently: 0,
        };
        for (a, b) in first_read.iter().zip(second_read) {
            let count = match (a.is_right(), b.is_right()) {
                (true, true) => &mut pair.both_right,
                (true, false) => &mut pair.only_first_right,
                (false, true) => &mut pair.only_second_right,
                (false, false) if a.reading.best().0 == b.reading.best().0 => {
                    &mut pair.both_wrong_alike
                }
                (false, false) => &mut pair.both_wrong_differently,
            };
            *count += 1;
        }
        pair
    }

    /// Digits that the two read differently.
    pub fn read_differently(&self) -> usize {
        self.only_first_right + self.only_second_right + self.both_wrong_differently
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::read::tests::read_as;

    #[test]
    fn counts_are_those_of_six_digits_by_hand() {
        // Truths 1 1 7 7 0 5.
        let truths = [1, 1, 7, 7, 0, 5];
        let model = |read: [u8; 6]| -> Vec<ReadDigit> {
            truths.iter().zip(read).map(|(&truth, read)| read_as(truth, read, 0.9)).collect()
        };
        let (a, b) = (model([1, 7, 7, 1, 8, 6]), model([1, 1, 1, 1, 6, 6]));
        let comparison = Comparison::of(&[("a", &a), ("b", &b)]);
        assert_eq!(comparison.digits, 6);
        // Only the first digit; the fourth to sixth; the first, fourth and sixth.
        assert_eq!((comparison.all_right, comparison.none_right, comparison.all_alike), (1, 3, 3));
        let [pair] = comparison.pairs.as_slice() else { panic!("one pair of two models") };
        let expected = PairComparison {
            first: "a".into(),
            second: "b".into(),
            both_right: 1,
            only_first_right: 1,
            only_second_right: 1,
            both_wrong_alike: 2,
            both_wrong_differently: 1,
        };
        assert_eq!(*pair, expected);
        assert_eq!(pair.read_differently(), 3);
    }

    #[test]
    fn three_models_make_three_pairs_and_one_none() {
        let read = [read_as(4, 4, 0.5)];
        let names = |models: &[(&str, &[ReadDigit])]| -> Vec<(String, String)> {
            let pairs = Comparison::of(models).pairs;
            pairs.into_iter().map(|pair| (pair.first, pair.second)).collect()
        };
        let expected = [("a", "b"), ("a", "c"), ("b", "c")];
        let expected = expected.map(|(first, second)| (first.to_owned(), second.to_owned()));
        assert_eq!(names(&[("a", &read), ("b", &read), ("c", &read)]), expected);
        assert!(names(&[("a", &read)]).is_empty());
    }
}
