//! A model's figures in words.

use crate::evaluation::Confusion;
use crate::worker::protocol::{Figure, ModelInfo};

/// A model's network and the size of its weights.
pub fn network_and_size(model: &ModelInfo) -> String {
    format!("{}, {}", model.architecture, megabytes(model.bytes))
}

/// What a model was measured to read, and on what.
pub fn accuracy(model: &ModelInfo) -> String {
    let ModelInfo { accuracy, measured_digits, measured_on, .. } = model;
    let first = format!(
        "reads {} of {} digits right: {measured_on}",
        share(*accuracy),
        grouped(*measured_digits)
    );
    model.also_measured.iter().fold(
        first,
        |text, Figure { accuracy, measured_digits, measured_on }| {
            format!(
                "{text}; {} of {} digits: {measured_on}",
                share(*accuracy),
                grouped(*measured_digits)
            )
        },
    )
}

/// A size in millions of bytes.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1}\u{a0}MB", bytes as f64 / 1e6)
}

/// A share from 0 to 1, in percent.
pub fn share(share: f64) -> String {
    format!("{:.1}\u{a0}%", 100.0 * share)
}

/// A figure that may have nothing to be a share of.
pub fn share_or_none(figure: Option<f64>) -> String {
    figure.map_or_else(|| "–".to_owned(), share)
}

/// A count with a comma before every three digits.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many digits of each kind were read.
pub fn samples(confusion: &Confusion, truth: u8) -> u64 {
    (0..10).map(|read| confusion.at(truth, read)).sum()
}

/// How often a digit was read as another, in words: "a 3 read as 5: 4 of 91 (4.4 %)".
pub fn read_as(confusion: &Confusion, truth: u8, read: u8) -> String {
    let (count, of) = (confusion.at(truth, read), samples(confusion, truth));
    let article = if truth == 8 { "an" } else { "a" };
    let of_all = match of {
        0 => String::new(),
        _ => format!(" ({})", share(count as f64 / of as f64)),
    };
    format!("{article} {truth} read as {read}: {} of {}{of_all}", grouped(count), grouped(of))
}

/// How densely a cell of the matrix is filled, 0 to 1. Rare mistakes are to be seen beside what is
/// common, so it grows fast at first; between the two steps no ink would be legible.
pub fn density(count: u64, of: u64) -> f64 {
    match count as f64 / of.max(1) as f64 {
        0.0 => 0.0,
        share if share < 0.5 => 0.1 + 0.55 * share.sqrt(),
        share => 0.75 + 0.25 * share,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas() {
        for (count, text) in [(0, "0"), (971, "971"), (4956, "4,956"), (1_226_296, "1,226,296")] {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn every_measurement_is_told() {
        let model = ModelInfo {
            accuracy: 0.9207,
            measured_digits: 971,
            measured_on: "test photos".into(),
            also_measured: vec![Figure {
                accuracy: 0.9501,
                measured_digits: 1_381,
                measured_on: "street photos".into(),
            }],
            ..ModelInfo::default()
        };
        assert_eq!(
            accuracy(&model).replace('\u{a0}', " "),
            "reads 92.1 % of 971 digits right: test photos; 95.0 % of 1,381 digits: street photos"
        );
    }

    #[test]
    fn a_cell_is_said_with_count_and_share() {
        let mut confusion = Confusion::default();
        for read in [5, 3, 3, 3] {
            confusion.count(3, read);
        }
        confusion.count(8, 8);
        let said = |truth, read| read_as(&confusion, truth, read).replace('\u{a0}', " ");
        assert_eq!(said(3, 5), "a 3 read as 5: 1 of 4 (25.0 %)");
        assert_eq!(said(8, 8), "an 8 read as 8: 1 of 1 (100.0 %)");
        assert_eq!(said(0, 7), "a 0 read as 7: 0 of 0");
        assert_eq!(share_or_none(None), "–");
    }

    #[test]
    fn cells_are_denser_the_more_is_in_them_and_empty_without() {
        let densities: Vec<f64> = [0, 1, 9, 49, 50, 100].map(|count| density(count, 100)).into();
        assert_eq!((densities[0], densities[5]), (0.0, 1.0));
        assert!(densities.is_sorted() && densities[1] > 0.1, "{densities:?}");
        assert_eq!(density(0, 0), 0.0);
    }
}
