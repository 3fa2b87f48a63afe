//! Where the label of each box goes, so that labels of digits that stand side by side stay
//! readable, hide no digit, and stay on the stage.

use super::view::{BoxInScreen, SizeInScreen};

/// How much a label shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelForm {
    /// The digit alone.
    Digit,
    /// The digit and the switch.
    Short,
    /// The digit, its confidence and the switch.
    Full,
}

impl LabelForm {
    /// Width in CSS pixels of one with a single digit.
    pub fn width(self) -> f64 {
        match self {
            LabelForm::Digit => 24.0,
            LabelForm::Short => 52.0,
            LabelForm::Full => 98.0,
        }
    }
}

/// Width in CSS pixels of each digit beyond the first.
const DIGIT_WIDTH: f64 = 9.5;

/// Height of every label in CSS pixels; the style sheet gives them this height.
const LABEL_HEIGHT: f64 = 26.0;

/// Space between a box and its label, and between rows of labels.
const GAP: f64 = 8.0;

/// Rows of labels that are tried on each side of a box.
const ROWS: u32 = 3;

/// By so many square CSS pixels a place further away must be better to be chosen; less is rounding.
const MIN_GAIN: f64 = 0.5;

/// A label's form and place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlacedLabel {
    /// How much it shows.
    pub form: LabelForm,
    /// Where it lies on the stage.
    pub place_in_screen: BoxInScreen,
}

/// Places one label a box, in the order of the boxes; `digits` says how many each shows, where these
/// are several. The one at `in_focus` shows all it has and is placed first.
///
/// Greedy: each label takes the place that covers the least of what is already there. Exact
/// placement is hard and not worth it: zooming in makes room at once.
pub fn place_labels(
    boxes_in_screen: &[BoxInScreen],
    digits: &[usize],
    in_focus: Option<usize>,
    stage: SizeInScreen,
) -> Vec<PlacedLabel> {
    let mut order: Vec<usize> = (0..boxes_in_screen.len()).collect();
    order.sort_by(|a, b| {
        let left = |i: &usize| boxes_in_screen.get(*i).map_or(0.0, |b| b.left);
        (in_focus != Some(*a), left(a))
            .partial_cmp(&(in_focus != Some(*b), left(b)))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let nowhere = PlacedLabel {
        form: LabelForm::Digit,
        place_in_screen: BoxInScreen { left: 0.0, top: 0.0, width: 0.0, height: 0.0 },
    };
    let mut labels = vec![nowhere; boxes_in_screen.len()];
    let mut taken: Vec<BoxInScreen> = Vec::with_capacity(boxes_in_screen.len());
    for index in order {
        let Some(own) = boxes_in_screen.get(index) else { continue };
        let beyond_first = digits.get(index).map_or(0, |digits| digits.saturating_sub(1));
        let more = DIGIT_WIDTH * beyond_first as f64;
        let form = form_for(own.width - more, in_focus == Some(index));
        let best = candidates(own, form.width() + more, stage)
            .map(|place| (cost(&place, boxes_in_screen, &taken, stage), place))
            .reduce(|best, next| if next.0 + MIN_GAIN < best.0 { next } else { best });
        let Some((_, place_in_screen)) = best else { continue };
        taken.push(place_in_screen);
        if let Some(label) = labels.get_mut(index) {
            *label = PlacedLabel { form, place_in_screen };
        }
    }
    labels
}

fn form_for(box_width: f64, in_focus: bool) -> LabelForm {
    if in_focus || box_width >= LabelForm::Full.width() {
        LabelForm::Full
    } else if box_width >= LabelForm::Short.width() - 4.0 {
        LabelForm::Short
    } else {
        LabelForm::Digit
    }
}

/// Below and above, nearest rows first, centred on the box as far as the stage reaches.
fn candidates(
    own: &BoxInScreen,
    width: f64,
    stage: SizeInScreen,
) -> impl Iterator<Item = BoxInScreen> {
    let rightmost = (stage.width - width - GAP).max(GAP);
    let left = (own.left + (own.width - width) / 2.0).clamp(GAP, rightmost);
    let (top, bottom) = (own.top, own.top + own.height);
    (0..ROWS).flat_map(move |row| {
        let step = f64::from(row) * (LABEL_HEIGHT + GAP);
        [bottom + GAP + step, top - GAP - LABEL_HEIGHT - step].map(|top| BoxInScreen {
            left,
            top,
            width,
            height: LABEL_HEIGHT,
        })
    })
}

fn cost(
    place: &BoxInScreen,
    boxes_in_screen: &[BoxInScreen],
    taken: &[BoxInScreen],
    stage: SizeInScreen,
) -> f64 {
    let on_stage = BoxInScreen { left: 0.0, top: 0.0, width: stage.width, height: stage.height };
    let off_stage = place.width * place.height - place.overlap(&on_stage);
    let over_labels: f64 = taken.iter().map(|other| place.overlap(other)).sum();
    let over_boxes: f64 = boxes_in_screen.iter().map(|other| place.overlap(other)).sum();
    8.0 * off_stage + 4.0 * over_labels + over_boxes
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGE: SizeInScreen = SizeInScreen { width: 800.0, height: 600.0 };

    fn row_of(count: u32, width: f64) -> Vec<BoxInScreen> {
        (0..count)
            .map(|i| BoxInScreen {
                left: 100.0 + f64::from(i) * width,
                top: 200.0,
                width,
                height: 60.0,
            })
            .collect()
    }

    fn assert_clear(labels: &[PlacedLabel], boxes: &[BoxInScreen]) {
        for (i, label) in labels.iter().enumerate() {
            let place = label.place_in_screen;
            assert!(place.left >= 0.0 && place.top >= 0.0, "{place:?}");
            assert!(place.left + place.width <= STAGE.width);
            assert!(place.top + place.height <= STAGE.height);
            for other in &labels[i + 1..] {
                assert!(place.overlap(&other.place_in_screen) == 0.0, "{place:?} {other:?}");
            }
            for covered in boxes {
                assert!(place.overlap(covered) == 0.0, "{place:?} hides {covered:?}");
            }
        }
    }

    #[test]
    fn wide_boxes_show_everything_just_below() {
        let boxes = row_of(4, 120.0);
        let labels = place_labels(&boxes, &[], None, STAGE);
        assert!(labels.iter().all(|label| label.form == LabelForm::Full));
        assert!(labels.iter().all(|label| label.place_in_screen.top == 268.0));
        assert_clear(&labels, &boxes);
    }

    #[test]
    fn labels_are_as_wide_as_what_they_say() {
        let boxes = row_of(2, 60.0);
        let labels = place_labels(&boxes, &[3, 1], Some(0), STAGE);
        let width = LabelForm::Full.width() + 2.0 * DIGIT_WIDTH;
        assert_eq!(labels[0].place_in_screen.width, width);
        assert_eq!(labels[1].place_in_screen.width, LabelForm::Short.width());
        assert_clear(&labels, &boxes);
    }

    #[test]
    fn digits_side_by_side_keep_their_labels_apart() {
        for width in [15.0, 20.0, 30.0, 50.0, 70.0] {
            for in_focus in [None, Some(0), Some(2)] {
                let boxes = row_of(5, width);
                let labels = place_labels(&boxes, &[], in_focus, STAGE);
                assert_clear(&labels, &boxes);
            }
        }
    }

    #[test]
    fn rounding_moves_no_label_away_from_its_box() {
        for tenth in 0..1000 {
            let left = 100.0 + f64::from(tenth) * 0.377;
            let own = BoxInScreen { left, top: 200.0 + left / 7.0, width: 50.8, height: 60.1 };
            let label = place_labels(&[own], &[], None, STAGE)[0].place_in_screen;
            assert_eq!(label.top, own.top + own.height + GAP);
        }
    }

    #[test]
    fn the_box_in_focus_shows_everything_however_narrow() {
        let labels = place_labels(&row_of(3, 15.0), &[], Some(1), STAGE);
        assert_eq!(labels[1].form, LabelForm::Full);
        assert_eq!(labels[0].form, LabelForm::Digit);
    }

    #[test]
    fn labels_of_boxes_at_the_edge_stay_on_the_stage() {
        let at = |left, top| BoxInScreen { left, top, width: 20.0, height: 40.0 };
        let boxes = vec![at(0.0, 0.0), at(780.0, 0.0), at(0.0, 560.0), at(780.0, 560.0)];
        assert_clear(&place_labels(&boxes, &[], Some(3), STAGE), &boxes);
    }

    #[test]
    fn no_boxes_and_no_stage_do_no_harm() {
        assert!(place_labels(&[], &[], Some(0), STAGE).is_empty());
        let flat = SizeInScreen { width: 0.0, height: 0.0 };
        assert_eq!(place_labels(&row_of(2, 10.0), &[], Some(7), flat).len(), 2);
    }
}
