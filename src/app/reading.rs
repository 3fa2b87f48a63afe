//! How readings are shown, both on the stage and in the panel.

use leptos::prelude::*;

use super::page::Page;
use super::photos::gallery::PhotoId;
use crate::classifier::is_unsure;
use crate::photo::BoxInPhoto;
use crate::worker::protocol::BoxReading;

/// A reading and whether it belongs to the box as it lies now.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownReading {
    /// The reading.
    pub reading: BoxReading,
    /// False while the box was moved and the new reading is awaited.
    pub fresh: bool,
    /// The photo that it was read on.
    photo: Option<PhotoId>,
}

impl ShownReading {
    /// What the box most likely holds, best first: three digits (or none before them), or the whole
    /// number.
    pub fn ranks(&self) -> Vec<(String, f32)> {
        match self.reading.digits.as_slice() {
            [(_, digit)] => {
                let none = digit.is_no_digit().then(|| ("none".to_owned(), digit.no_digit()));
                let digits = digit.top(3).into_iter().map(|(d, sure)| (d.to_string(), sure));
                none.into_iter().chain(digits).take(3).collect()
            }
            _ => vec![self.reading.whole()],
        }
    }

    /// Whether there is rather no digit in the box.
    pub fn is_no_digit(&self) -> bool {
        matches!(self.reading.digits.as_slice(), [(_, digit)] if digit.is_no_digit())
    }
}

/// Whether a reading is to be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sureness {
    /// Nothing read yet.
    Unknown,
    /// Not to be relied on: it may be another digit, or none.
    Low,
    /// To be relied on.
    High,
}

impl Sureness {
    /// Of what is shown.
    pub fn of(shown: Option<&ShownReading>) -> Self {
        shown.map_or(Sureness::Unknown, |shown| Self::of_confidence(shown.reading.whole().1))
    }

    /// Of a confidence from 0 to 1.
    pub fn of_confidence(confidence: f32) -> Self {
        if is_unsure(confidence) { Sureness::Low } else { Sureness::High }
    }
}

/// The reading to show for a box: its own, or while that is awaited the last one, so that
/// digits do not flicker during a drag. Boxes of two photos may have the same id: what was read on
/// another one is not shown.
pub fn shown_reading(
    page: Page,
    area: impl Fn() -> Option<BoxInPhoto> + Send + Sync + 'static,
) -> Memo<Option<ShownReading>> {
    Memo::new(move |last: Option<&Option<ShownReading>>| {
        let photo = page.open.photo.with(|photo| photo.as_ref().map(|photo| photo.id));
        match area().and_then(|area| page.boxes.reading_of(area)) {
            Some(reading) => Some(ShownReading { reading, fresh: true, photo }),
            None => last
                .and_then(Option::as_ref)
                .filter(|last| last.photo == photo)
                .map(|last| ShownReading { fresh: false, ..last.clone() }),
        }
    })
}

/// A confidence in percent. Never 100 or 0 for what is not: a network is never certain.
pub fn percent(confidence: f32) -> String {
    let percent = confidence * 100.0;
    if percent > 99.0 && confidence < 1.0 {
        ">99 %".to_owned()
    } else if percent < 1.0 && confidence > 0.0 {
        "<1 %".to_owned()
    } else {
        format!("{percent:.0} %")
    }
    .replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_never_surer_than_the_network() {
        assert_eq!(percent(0.995).replace('\u{a0}', " "), ">99 %");
        assert_eq!(percent(0.87).replace('\u{a0}', " "), "87 %");
        assert_eq!(percent(0.004).replace('\u{a0}', " "), "<1 %");
        assert_eq!(percent(1.0).replace('\u{a0}', " "), "100 %");
    }
}
