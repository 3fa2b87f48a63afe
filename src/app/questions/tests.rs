//! What is asked, without a browser and without an engine.

use super::*;

/// Boxes at these three places are filled apart; the second takes its texture from near the first.
const FIRST: BoxInPhoto = BoxInPhoto { left: 0, top: 0, width: 10, height: 20 };
const SECOND: BoxInPhoto = BoxInPhoto { left: 60, ..FIRST };
const FAR: BoxInPhoto = BoxInPhoto { left: 300, ..FIRST };

/// Right beside the first, so that the two are filled together.
const BESIDE: BoxInPhoto = BoxInPhoto { left: 12, ..FIRST };

fn whole_boxes() -> Method {
    Method::all().into_iter().find(|it| matches!(it, Method::WholeBoxes(_))).expect("a method")
}

/// The boxes that the removal is asked for; as nothing is dragged and no answer is waited for.
fn asked(questions: &mut Questions, boxes: &[BoxInPhoto]) -> Vec<BoxInPhoto> {
    boxes_of(questions.removal(Erasure::of(boxes), &Method::default(), false, false))
}

/// The same while a box is dragged.
fn asked_dragging(questions: &mut Questions, boxes: &[BoxInPhoto]) -> Vec<BoxInPhoto> {
    boxes_of(questions.removal(Erasure::of(boxes), &Method::default(), true, false))
}

fn boxes_of(removal: Removal) -> Vec<BoxInPhoto> {
    match removal {
        Removal::Asks(Ask::Erase { erasure, check: false, .. }) => erasure.boxes,
        other => panic!("asks for a removal, not {other:?}"),
    }
}

fn patch(area: BoxInPhoto) -> Patch {
    let pixels = (area.width * area.height) as usize;
    let filled = Patch::filled_of(&vec![true; pixels]);
    Patch { area, boxes: vec![area], rgba: vec![1; 4 * pixels], filled }
}

fn checked(area: BoxInPhoto) -> Check {
    Check { area, residue: 0.0, legible: false, unchanged: false }
}

/// Questions whose last one about the removal of these boxes was answered, and the pieces.
fn answered(boxes: &[BoxInPhoto]) -> (Questions, Vec<Piece>) {
    let mut questions = Questions::default();
    let mut pieces = Vec::new();
    assert_eq!(asked(&mut questions, boxes), boxes);
    questions.removal_came(false);
    questions.lay(&mut pieces, boxes, boxes.iter().copied().map(patch).collect(), &[]);
    (questions, pieces)
}

fn areas(pieces: &[Piece]) -> Vec<BoxInPhoto> {
    pieces.iter().map(|piece| piece.box_in_photo).collect()
}

// ---- Readings ---------------------------------------------------------------------------------

#[test]
fn digits_are_looked_for_once_and_not_in_the_next_photo() {
    let mut questions = Questions::default();
    assert!(questions.finding().is_none());
    questions.wish_to_find(None);
    assert!(matches!(questions.finding(), Some(Ask::Find { within: None })));
    assert!(questions.finding().is_none());
    questions.wish_to_find(None);
    questions.forget_photo();
    assert!(questions.finding().is_none());
}

#[test]
fn readings_are_asked_for_once_until_the_answer_comes() {
    let mut questions = Questions::default();
    assert!(questions.reading(Vec::new(), false).is_none());
    let ask = questions.reading(vec![FIRST], false);
    assert!(matches!(ask, Some(Ask::Read { boxes }) if boxes == [FIRST]));
    assert!(questions.reading(vec![FIRST], true).is_none(), "it is on its way");
    assert!(questions.reading(vec![SECOND], true).is_some(), "another box");
    assert!(questions.reading(vec![SECOND], false).is_some(), "it was answered, or lost");
    questions.forget();
    assert!(questions.reading(vec![SECOND], true).is_none(), "readings stay");
    questions.forget_photo();
    assert!(questions.reading(vec![SECOND], true).is_some(), "of another photo");
}

// ---- The removal ------------------------------------------------------------------------------

#[test]
fn the_same_is_not_asked_twice() {
    let (mut questions, _) = answered(&[FIRST, FAR]);
    let again = questions.removal(Erasure::of(&[FIRST, FAR]), &Method::default(), false, false);
    assert!(matches!(again, Removal::Settled));
}

#[test]
fn only_what_a_change_came_near_is_asked_for() {
    let (mut questions, _) = answered(&[FIRST, FAR]);
    let moved = BoxInPhoto { left: 303, ..FAR };
    assert_eq!(asked(&mut questions, &[FIRST, moved]), [moved]);
}

#[test]
fn what_is_filled_together_is_asked_for_together() {
    let (mut questions, _) = answered(&[FIRST, BESIDE, FAR]);
    let moved = BoxInPhoto { left: 13, ..BESIDE };
    assert_eq!(asked(&mut questions, &[FIRST, moved, FAR]), [FIRST, moved]);
}

#[test]
fn changes_add_up_until_an_answer_comes() {
    let (mut questions, _) = answered(&[FIRST, FAR]);
    let moved = BoxInPhoto { left: 303, ..FAR };
    assert_eq!(asked(&mut questions, &[FIRST, moved]), [moved]);
    // The engine drops the older question, so that the newer one has to ask for both.
    let taller = BoxInPhoto { height: 22, ..FIRST };
    assert_eq!(asked(&mut questions, &[taller, moved]), [taller, moved]);
    questions.removal_came(false);
    let back = BoxInPhoto { left: 302, ..FAR };
    assert_eq!(asked(&mut questions, &[taller, back]), [back], "the other one is filled");
}

#[test]
fn while_a_box_is_dragged_the_answer_is_waited_for() {
    let (mut questions, _) = answered(&[FIRST, FAR]);
    let moved = |left| BoxInPhoto { left, ..FAR };
    let method = Method::default();
    assert_eq!(asked_dragging(&mut questions, &[FIRST, moved(303)]), [moved(303)]);
    let next = Erasure::of(&[FIRST, moved(306)]);
    let waits = questions.removal(next.clone(), &method, true, true);
    assert!(matches!(waits, Removal::Waits));
    let let_go = questions.removal(next, &method, false, true);
    assert_eq!(boxes_of(let_go), [moved(306)], "let go, it is asked at once");
}

#[test]
fn what_takes_its_texture_from_near_a_dragged_box_follows_when_that_is_let_go() {
    let (mut questions, _) = answered(&[FIRST, SECOND, FAR]);
    let moved = BoxInPhoto { left: 2, ..FIRST };
    assert_eq!(asked_dragging(&mut questions, &[moved, SECOND, FAR]), [moved]);
    questions.removal_came(false);
    // Nothing else changed when it was released.
    assert_eq!(asked(&mut questions, &[moved, SECOND, FAR]), [moved, SECOND]);
    questions.removal_came(false);
    let settled =
        questions.removal(Erasure::of(&[moved, SECOND, FAR]), &Method::default(), false, false);
    assert!(matches!(settled, Removal::Settled));
}

#[test]
fn another_method_or_a_failure_asks_for_everything_again() {
    let (mut questions, _) = answered(&[FIRST, FAR]);
    let erasure = Erasure::of(&[FIRST, FAR]);
    let by_another = questions.removal(erasure, &whole_boxes(), false, false);
    assert_eq!(boxes_of(by_another), [FIRST, FAR]);
    questions.removal_came(false);
    questions.forget();
    assert_eq!(asked(&mut questions, &[FIRST, FAR]), [FIRST, FAR]);
}

#[test]
fn a_box_that_is_gone_is_taken_from_the_stage_and_others_stay() {
    let (mut questions, mut pieces) = answered(&[FIRST, FAR]);
    let gone = questions.removal(Erasure::of(&[FIRST]), &Method::default(), false, false);
    assert!(matches!(gone, Removal::Clears));
    questions.lay(&mut pieces, &[], Vec::new(), &[]);
    assert_eq!(areas(&pieces), [FIRST]);
    let none = questions.removal(Erasure::default(), &Method::default(), false, false);
    assert!(matches!(none, Removal::Clears));
    questions.lay(&mut pieces, &[], Vec::new(), &[]);
    assert!(pieces.is_empty());
}

#[test]
fn an_answer_replaces_the_pieces_it_is_about_and_those_not_wanted_go() {
    let (mut questions, mut pieces) = answered(&[FIRST, SECOND, FAR]);
    let old = pieces.clone();
    let moved = BoxInPhoto { left: 303, ..FAR };
    asked(&mut questions, &[FIRST, SECOND, moved]);
    questions.lay(&mut pieces, &[moved], vec![patch(moved)], &[]);
    assert_eq!(areas(&pieces), [FIRST, SECOND, moved]);
    assert!(pieces[0].is(&old[0]) && pieces[1].is(&old[1]), "they keep their fill");
    questions.lay(&mut pieces, &[FIRST], vec![patch(FIRST)], &[checked(FIRST)]);
    assert_eq!(areas(&pieces), [SECOND, moved, FIRST]);
    assert!(!pieces[2].is(&old[0]) && pieces[2].check.is_some());
}

#[test]
fn of_overlapping_boxes_that_are_filled_one_by_one_the_later_stays_on_top() {
    let grid = Method::all().into_iter().find(|it| it.name() == "grid").expect("a method");
    let over = BoxInPhoto { left: 6, ..FIRST };
    let ask = |questions: &mut Questions, boxes: &[BoxInPhoto]| {
        boxes_of(questions.removal(Erasure::of(boxes), &grid, false, false))
    };
    let mut questions = Questions::default();
    let mut pieces = Vec::new();
    let boxes = [FIRST, over, FAR];
    assert_eq!(ask(&mut questions, &boxes), boxes);
    questions.removal_came(false);
    questions.lay(&mut pieces, &boxes, boxes.map(patch).into(), &[]);
    assert_eq!(areas(&pieces), boxes);

    // The first alone was moved, but its new fill must not cover the second's.
    let moved = BoxInPhoto { top: 2, ..FIRST };
    let asked = ask(&mut questions, &[moved, over, FAR]);
    assert_eq!(asked, [moved, over]);
    questions.removal_came(false);
    questions.lay(&mut pieces, &asked, asked.iter().copied().map(patch).collect(), &[]);
    let overlapping: Vec<BoxInPhoto> =
        areas(&pieces).into_iter().filter(|area| *area != FAR).collect();
    assert_eq!(overlapping, [moved, over], "laid in the order of the boxes");
}

// ---- The second look --------------------------------------------------------------------------

#[test]
fn the_second_look_goes_from_group_to_group_until_all_are_checked() {
    let (mut questions, mut pieces) = answered(&[FIRST, BESIDE, FAR]);
    assert!(!questions.is_checking());
    let boxes = |ask: Option<Ask>| match ask {
        Some(Ask::Erase { erasure, check: true, .. }) => erasure.boxes,
        other => panic!("a second look, not {other:?}"),
    };
    assert_eq!(boxes(questions.check(&pieces)), [FIRST, BESIDE]);
    questions.removal_came(true);
    assert!(questions.is_checking(), "the next one follows at once");
    let checks = [checked(FIRST), checked(BESIDE)];
    questions.lay(&mut pieces, &[FIRST, BESIDE], vec![patch(FIRST), patch(BESIDE)], &checks);
    assert_eq!(boxes(questions.check(&pieces)), [FAR]);
    questions.removal_came(true);
    questions.lay(&mut pieces, &[FAR], vec![patch(FAR)], &[checked(FAR)]);
    assert!(questions.check(&pieces).is_none());
}

#[test]
fn what_is_not_removed_any_more_is_not_looked_at_again() {
    let (mut questions, pieces) = answered(&[FIRST, FAR]);
    questions.removal(Erasure::of(&[FAR]), &Method::default(), false, false);
    let ask = questions.check(&pieces);
    assert!(matches!(ask, Some(Ask::Erase { erasure, .. }) if erasure.boxes == [FAR]));
    questions.forget();
    assert!(questions.check(&pieces).is_none(), "nothing was asked yet");
}

// ---- The inspector and the comparison -----------------------------------------------------------

#[test]
fn the_inspector_asks_once_about_a_box_with_all_that_is_filled_with_it() {
    let mut questions = Questions::default();
    let method = Method::default();
    let grown = BoxInPhoto { width: 11, ..FIRST };
    let erasure = Erasure::of(&[grown, BESIDE, FAR]);
    let ask = questions.inside(FIRST, Some(grown), None, &erasure, &method);
    let Some(Ask::Inspect { area, digit: None, erasure: part, .. }) = ask else {
        panic!("asks what is inside");
    };
    assert_eq!((area, part.boxes), (FIRST, vec![grown, BESIDE]));
    assert!(questions.inside(FIRST, Some(grown), None, &erasure, &method).is_none());
    assert!(questions.inside(FIRST, Some(grown), Some(3), &erasure, &method).is_some());
    let kept = questions.inside(SECOND, None, None, &erasure, &method);
    assert!(matches!(kept, Some(Ask::Inspect { erasure, .. }) if erasure.boxes == [SECOND]));
}

#[test]
fn models_are_compared_again_when_the_last_comparison_ended_without_them() {
    let mut questions = Questions::default();
    let models = || vec!["a".to_owned(), "b".to_owned()];
    assert!(questions.comparison(Vec::new(), vec![FIRST], false).is_none(), "all have read");
    assert!(questions.comparison(models(), vec![FIRST], false).is_some());
    assert!(questions.comparison(models(), vec![FIRST], true).is_none(), "it goes on");
    assert!(questions.comparison(models(), vec![FIRST], false).is_some(), "it ended");
    assert!(questions.comparison(models(), vec![SECOND], true).is_some(), "other boxes");
}
