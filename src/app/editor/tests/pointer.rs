//! What a pointer does.

use super::*;
use crate::app::editor::pointer::MIN_RADIUS;
use crate::removal::Brush;

#[test]
fn a_drag_draws_a_selected_box_to_be_removed_from_any_corner() {
    for (from, to) in [
        (at(10.2, 9.8), at(30.1, 40.0)),
        (at(30.1, 40.0), at(10.2, 9.8)),
        (at(30.1, 9.8), at(10.2, 40.0)),
    ] {
        let mut editor = Editor::new(PHOTO);
        let id = draw(&mut editor, from, to);
        assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
        assert_eq!(editor.selected(), Some(id));
        assert!(editor.get(id).is_some_and(|b| b.remove));
    }
}

#[test]
fn a_click_is_not_a_box() {
    let mut editor = Editor::new(PHOTO);
    editor.begin_draw(at(10.0, 10.0), 2.0, None);
    editor.drag_to(at(11.5, 8.5));
    assert_eq!(editor.draft(), None);
    assert_eq!(editor.finish(), Finished::Click(None));
    assert!(editor.boxes().is_empty());
    assert!(!editor.can_undo(), "nothing happened, so there is nothing to undo");
}

#[test]
fn a_click_on_a_box_names_it() {
    let (mut editor, id) = one_box();
    editor.begin_draw(at(20.0, 20.0), 2.0, Some(id));
    assert_eq!(editor.finish(), Finished::Click(Some(id)));
    editor.begin_move(id, at(20.0, 20.0), 2.0);
    editor.drag_to(at(21.0, 21.0));
    assert_eq!(editor.finish(), Finished::Click(Some(id)));
    assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
}

#[test]
fn a_sliver_is_no_box_and_a_tiny_drag_a_click() {
    let mut editor = Editor::new(PhotoSize { width: 400, height: 300 });
    let mut drawn = |from: PointInPhoto, to: PointInPhoto| {
        editor.begin_draw(from, 0.1, None);
        editor.drag_to(to);
        let draft = editor.draft();
        let finished = editor.finish();
        assert_eq!(
            draft.is_some_and(|draft| draft.is_sliver),
            matches!(finished, Finished::Sliver(_)),
            "what is told while it is drawn"
        );
        finished
    };
    let sliver = Finished::Sliver(area(10, 10, 201, 3));
    assert_eq!(drawn(at(10.0, 10.0), at(211.0, 13.0)), sliver);
    // Below the least side, however short.
    assert_eq!(drawn(at(9.0, 10.0), at(9.6, 30.0)), Finished::Sliver(area(9, 10, 1, 20)));
    let at_the_edge = Finished::Sliver(area(399, 10, 1, 20));
    assert_eq!(drawn(at(399.8, 10.0), at(401.0, 30.0)), at_the_edge);
    assert_eq!(drawn(at(50.0, 20.0), at(51.0, 21.0)), Finished::Click(None));
    // A bare 1, and ten digits in a row.
    assert_eq!(drawn(at(10.0, 10.0), at(13.0, 40.0)), Finished::Drawn(1));
    assert_eq!(drawn(at(10.0, 50.0), at(210.0, 70.0)), Finished::Drawn(2));
    assert!(!editor.stretch(1, 0, 0.0), "nor is a box made one later");
    assert_eq!(editor.boxes().len(), 2);
}

#[test]
fn a_box_is_fresh_from_its_drawing_until_it_is_touched() {
    let (mut editor, id) = one_box();
    assert!(editor.is_fresh(id));
    // Pointed at its rim, where a drag would draw.
    editor.begin_draw(at(10.0, 10.0), 2.0, Some(id));
    assert_eq!(editor.finish(), Finished::Click(Some(id)));
    assert!(!editor.is_fresh(id));
    let other = draw(&mut editor, at(40.0, 10.0), at(60.0, 40.0));
    assert!(editor.is_fresh(other) && !editor.is_fresh(id));
    editor.begin_move(other, at(50.0, 20.0), 2.0);
    assert!(!editor.is_dragging());
    editor.finish();
    assert!(!editor.is_fresh(other));
    let last = draw(&mut editor, at(70.0, 10.0), at(90.0, 40.0));
    editor.select(Some(last));
    assert!(!editor.is_fresh(last));
}

#[test]
fn a_box_drawn_beyond_the_edge_is_clamped_and_one_beside_the_photo_is_none() {
    let mut editor = Editor::new(PHOTO);
    let id = draw(&mut editor, at(-20.0, -20.0), at(15.0, 90.0));
    assert_eq!(area_of(&editor, id), area(0, 0, 15, 50));
    editor.begin_draw(at(-20.0, 10.0), 0.1, None);
    editor.drag_to(at(-5.0, 40.0));
    assert_eq!(editor.finish(), Finished::Click(None));
}

#[test]
fn a_photo_of_one_pixel_takes_a_box_of_one_pixel() {
    let mut editor = Editor::new(PhotoSize { width: 1, height: 1 });
    let id = draw(&mut editor, at(-0.5, -0.5), at(1.5, 1.5));
    assert_eq!(area_of(&editor, id), area(0, 0, 1, 1));
    assert!(!editor.nudge(1, 1, 0.0));
    assert!(!editor.stretch(1, -1, 0.0));
}

#[test]
fn moving_keeps_the_size_at_the_edge() {
    let (mut editor, id) = one_box();
    editor.begin_move(id, at(20.0, 20.0), 0.5);
    editor.drag_to(at(500.0, -500.0));
    assert!(editor.is_adjusting());
    assert_eq!(editor.finish(), Finished::Changed(id));
    assert_eq!(area_of(&editor, id), area(80, 0, 20, 30));
}

#[test]
fn a_handle_moves_its_edges_only_and_stops_at_the_least_size() {
    let cases = [
        (Handle::NorthWest, 5.0, 5.0, area(15, 15, 15, 25)),
        (Handle::North, 5.0, 5.0, area(10, 15, 20, 25)),
        (Handle::NorthEast, 5.0, 5.0, area(10, 15, 25, 25)),
        (Handle::East, 5.0, 5.0, area(10, 10, 25, 30)),
        (Handle::SouthEast, 5.0, 5.0, area(10, 10, 25, 35)),
        (Handle::South, 5.0, 5.0, area(10, 10, 20, 35)),
        (Handle::SouthWest, 5.0, 5.0, area(15, 10, 15, 35)),
        (Handle::West, 5.0, 5.0, area(15, 10, 15, 30)),
        (Handle::West, 500.0, 0.0, area(27, 10, 3, 30)),
        (Handle::SouthEast, -500.0, -500.0, area(10, 10, 3, 3)),
        (Handle::SouthEast, 500.0, 500.0, area(10, 10, 90, 40)),
        (Handle::NorthWest, -500.0, -500.0, area(0, 0, 30, 40)),
    ];
    for (handle, dx, dy, expected) in cases {
        let (mut editor, id) = one_box();
        editor.begin_resize(id, handle, at(0.0, 0.0));
        editor.drag_to(at(dx, dy));
        assert_eq!(editor.finish(), Finished::Changed(id));
        assert_eq!(area_of(&editor, id), expected, "{handle:?} by {dx}, {dy}");
    }
}

#[test]
fn escape_puts_a_dragged_box_back_and_leaves_no_step() {
    let (mut editor, id) = one_box();
    editor.begin_move(id, at(20.0, 20.0), 0.5);
    editor.drag_to(at(60.0, 20.0));
    assert_ne!(area_of(&editor, id), area(10, 10, 20, 30));
    assert!(editor.cancel());
    assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
    assert!(editor.undo(), "the drawing itself");
    assert!(!editor.can_undo());
}

#[test]
fn a_drag_is_one_step_to_undo() {
    let (mut editor, id) = one_box();
    editor.begin_move(id, at(20.0, 20.0), 0.5);
    for step in 1..30 {
        editor.drag_to(at(20.0 + f64::from(step), 20.0));
    }
    editor.finish();
    assert!(editor.undo());
    assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
    assert!(editor.redo());
    assert_eq!(area_of(&editor, id), area(39, 10, 20, 30));
}

#[test]
fn several_boxes_move_as_one_and_keep_their_places_at_the_edge() {
    let (mut editor, ids) = three_selected();
    let lefts = |editor: &Editor| ids.map(|id| area_of(editor, id).left);
    editor.begin_move(ids[1], at(35.0, 20.0), 2.0);
    editor.drag_to(at(45.0, 20.0));
    assert_eq!(lefts(&editor), [15, 40, 70]);
    editor.drag_to(at(99.0, 20.0));
    assert_eq!(lefts(&editor), [35, 60, 90], "the last one is at the edge");
    assert_eq!(editor.finish(), Finished::Changed(ids[1]));
    assert!(editor.undo());
    assert_eq!(lefts(&editor), [5, 30, 60], "one step");
    editor.nudge(-9, 0, 0.0);
    assert_eq!(lefts(&editor), [0, 25, 55]);
    editor.begin_move(ids[1], at(30.0, 20.0), 2.0);
    editor.drag_to(at(40.0, 20.0));
    assert!(editor.cancel());
    assert_eq!(lefts(&editor), [0, 25, 55]);
    // One that is not selected moves alone.
    editor.select(Some(ids[0]));
    editor.begin_move(ids[2], at(60.0, 20.0), 2.0);
    editor.drag_to(at(65.0, 20.0));
    editor.finish();
    assert_eq!(lefts(&editor), [0, 25, 60]);
}

#[test]
fn undo_during_a_drag_cancels_the_drag() {
    let (mut editor, id) = one_box();
    editor.begin_resize(id, Handle::East, at(30.0, 20.0));
    editor.drag_to(at(60.0, 20.0));
    assert!(editor.undo());
    assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
    assert!(editor.finish() == Finished::Nothing);
}

#[test]
fn points_that_are_no_numbers_do_no_harm() {
    let (mut editor, id) = one_box();
    editor.begin_move(id, at(f64::NAN, 0.0), 1.0);
    editor.drag_to(at(f64::NAN, f64::INFINITY));
    editor.finish();
    editor.begin_draw(at(f64::NAN, 0.0), 1.0, None);
    editor.drag_to(at(20.0, 20.0));
    editor.finish();
    for b in editor.boxes() {
        assert!(b.area.right() <= 100 && b.area.bottom() <= 50);
    }
}

/// Paints from point to point, 8 pixels wide.
fn paint(editor: &mut Editor, brush: Brush, points: &[PointInPhoto]) {
    let (first, others) = points.split_first().expect("a stroke has a point");
    editor.begin_paint(brush, 8.0, *first);
    others.iter().for_each(|point| editor.drag_to(*point));
    assert_eq!(editor.finish(), Finished::Painted);
}

#[test]
fn a_stroke_is_one_step_to_undo_and_counts_while_it_is_painted() {
    let (mut editor, _) = one_box();
    editor.begin_paint(Brush::Adds, 8.0, at(12.0, 12.0));
    editor.drag_to(at(12.1, 12.0));
    editor.drag_to(at(18.0, 12.0));
    let painting = editor.painting().expect("a stroke").clone();
    assert_eq!(
        (painting.radius, painting.points.as_slice()),
        (16, [(48, 48), (72, 48)].as_slice())
    );
    assert_eq!(editor.erasure().corrections.len(), 1);
    assert!(editor.work().corrections.is_empty(), "not yet");
    assert!(editor.cancel());
    assert!(editor.erasure().corrections.is_empty());

    paint(&mut editor, Brush::Adds, &[at(12.0, 12.0), at(18.0, 12.0)]);
    paint(&mut editor, Brush::Takes, &[at(20.0, 20.0)]);
    assert_eq!(editor.erasure().corrections.len(), 2);
    assert!(editor.undo());
    assert_eq!(editor.erasure().corrections.len(), 1);
    assert_eq!(editor.boxes().len(), 1);
    assert!(editor.redo());
    assert_eq!(editor.work().corrections[1].brush, Brush::Takes);
}

#[test]
fn strokes_of_a_deleted_box_are_without_effect_and_come_back_with_it() {
    let (mut editor, id) = one_box();
    paint(&mut editor, Brush::Adds, &[at(20.0, 20.0)]);
    assert!(editor.delete(id));
    assert!(editor.erasure().corrections.is_empty());
    assert!(editor.undo());
    assert_eq!(editor.erasure().corrections.len(), 1);
    let mut again = Editor::new(PHOTO);
    again.begin_with(editor.work());
    assert_eq!(again.erasure(), editor.erasure());
    assert!(!again.can_undo());
}

#[test]
fn strokes_at_points_that_are_no_numbers_do_no_harm() {
    let (mut editor, _) = one_box();
    let nowhere = at(f64::NAN, f64::INFINITY);
    paint(&mut editor, Brush::Adds, &[nowhere, at(-1e300, 1e300), at(5.0, 5.0)]);
    editor.begin_paint(Brush::Adds, f64::NAN, nowhere);
    assert_eq!(editor.painting().map(|stroke| stroke.radius), Some(MIN_RADIUS));
}
