//! Edits without a pointer, the selection, and undo.

use super::*;

#[test]
fn found_digits_get_boxes_where_there_are_none_as_one_step() {
    let mut editor = Editor::new(PhotoSize { width: 100, height: 60 });
    let area = |left| BoxInPhoto { left, top: 10, width: 12, height: 20 };
    assert_eq!(editor.add_found(&[area(10), area(24)]), 2);
    // One of these has moved a little, the other is new.
    assert_eq!(editor.add_found(&[area(13), area(40)]), 1);
    assert_eq!(editor.boxes().len(), 3);
    assert!(editor.boxes().iter().all(|b| b.remove) && editor.selected().is_none());
    assert_eq!(editor.add_found(&[area(10), area(24), area(40)]), 0);
    assert!(editor.undo());
    assert_eq!(editor.boxes().len(), 2, "nothing found is no step");
}

#[test]
fn a_box_is_widened_as_far_as_the_photo_reaches() {
    let (mut editor, id) = one_box();
    assert!(editor.widen(id));
    assert_eq!(area_of(&editor, id), area(7, 7, 26, 36));
    assert!(editor.widen(id) && editor.widen(id));
    assert_eq!(area_of(&editor, id), area(0, 0, 42, 50));
    assert!(editor.undo() && editor.undo() && editor.undo());
    assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
    editor.replace(&[area(0, 0, 100, 50)]);
    let all = editor.boxes()[0].id;
    assert!(!editor.widen(all), "all of the photo is no step");
}

#[test]
fn slivers_that_were_opened_stay_and_can_be_mended() {
    let mut editor = Editor::new(PHOTO);
    editor.replace(&[area(0, 10, 90, 3)]);
    assert_eq!(area_of(&editor, 1), area(0, 10, 90, 3));
    editor.select(Some(1));
    assert!(editor.stretch(0, 1, 0.0));
    assert!(editor.stretch(0, 20, 0.0));
    assert_eq!(area_of(&editor, 1), area(0, 10, 90, 24));
}

#[test]
fn a_box_made_without_a_pointer_is_like_the_last_one_and_hides_no_other() {
    let mut editor = Editor::new(PHOTO);
    editor.add_at(at(50.0, 25.0), (6, 10));
    assert_eq!(area_of(&editor, 1), area(47, 20, 6, 10));
    assert!(editor.selected() == Some(1) && !editor.is_fresh(1));
    assert!(editor.stretch(2, 0, 0.0));
    editor.select(None);
    editor.add_at(at(0.0, 200.0), (6, 10));
    assert_eq!(area_of(&editor, 2), area(0, 40, 8, 10), "on the photo");
    editor.add_at(at(0.0, 30.0), (6, 10));
    editor.add_at(at(0.0, 30.0), (6, 10));
    assert_eq!(area_of(&editor, 4), area(6, 31, 8, 10), "beside the one before");
    assert!(editor.undo());
    assert_eq!(editor.boxes().len(), 3);
    let mut tiny = Editor::new(PhotoSize { width: 1, height: 2 });
    tiny.add_at(at(0.5, f64::NAN), (0, 0));
    assert_eq!(area_of(&tiny, 1), area(0, 0, 1, 2));
}

#[test]
fn growth_is_undone_like_the_rest_and_quick_changes_are_one_step() {
    let (mut editor, _) = one_box();
    assert_eq!(editor.erasure().boxes, [area(7, 7, 26, 36)], "a tenth of the height");
    for (percent, now) in [(20, 0.0), (40, 100.0), (0, 200.0)] {
        assert!(editor.set_growth(percent, now));
    }
    assert!(!editor.set_growth(0, 300.0));
    assert_eq!(editor.erasure().boxes, [area(10, 10, 20, 30)]);
    assert!(editor.undo());
    assert_eq!(editor.work().growth, 10);
    let mut again = Editor::new(PHOTO);
    assert!(editor.redo());
    again.begin_with(editor.work());
    assert_eq!(again.work().growth, 0);
    again.replace(&[area(1, 1, 9, 9)]);
    assert_eq!(again.work().growth, 0, "boxes of a file");
}

#[test]
fn quick_nudges_merge_and_slow_ones_do_not() {
    let (mut editor, id) = one_box();
    for step in 0..5 {
        assert!(editor.nudge(1, 0, f64::from(step) * 100.0));
    }
    assert!(editor.nudge(0, 1, 10_000.0));
    assert!(editor.undo());
    assert_eq!(area_of(&editor, id), area(15, 10, 20, 30));
    assert!(editor.undo());
    assert_eq!(area_of(&editor, id), area(10, 10, 20, 30));
}

#[test]
fn nudges_do_not_merge_over_an_undo_another_box_or_another_kind() {
    let (mut editor, id) = one_box();
    editor.nudge(1, 0, 0.0);
    editor.stretch(1, 0, 50.0);
    editor.undo();
    assert_eq!(area_of(&editor, id), area(11, 10, 20, 30));
    editor.nudge(1, 0, 100.0);
    editor.undo();
    assert_eq!(area_of(&editor, id), area(11, 10, 20, 30));
}

#[test]
fn nudges_against_the_edge_leave_no_step() {
    let mut editor = Editor::new(PHOTO);
    draw(&mut editor, at(0.0, 0.0), at(10.0, 10.0));
    assert!(!editor.nudge(-1, 0, 0.0));
    assert!(editor.undo());
    assert!(!editor.can_undo());
}

#[test]
fn undo_covers_the_switch_the_deletion_and_the_copy() {
    let (mut editor, id) = one_box();
    assert!(editor.set_remove(&[id], false));
    assert!(!editor.set_remove(&[id], false), "no change, no step");
    assert!(editor.duplicate());
    let copy = editor.selected().expect("the copy is selected");
    assert!(editor.get(copy).is_some_and(|b| !b.remove));
    assert_eq!(area_of(&editor, copy), area(30, 10, 20, 30));
    assert!(editor.delete_selected());
    assert_eq!(editor.selected(), Some(id), "the neighbour is selected next");
    assert!(editor.undo());
    assert!(editor.get(copy).is_some());
    assert!(editor.undo());
    assert!(editor.get(copy).is_none());
    assert!(editor.undo());
    assert!(editor.get(id).is_some_and(|b| b.remove));
    assert!(editor.redo());
    assert!(editor.get(id).is_some_and(|b| !b.remove));
}

#[test]
fn a_new_step_ends_the_way_forward() {
    let (mut editor, id) = one_box();
    editor.nudge(5, 0, 0.0);
    editor.undo();
    assert!(editor.can_redo());
    editor.set_remove(&[id], false);
    assert!(!editor.can_redo());
}

#[test]
fn a_duplicate_at_the_edge_does_not_hide_its_original() {
    let mut editor = Editor::new(PHOTO);
    let id = draw(&mut editor, at(80.0, 10.0), at(100.0, 40.0));
    assert!(editor.duplicate());
    let copy = editor.selected().expect("the copy is selected");
    assert_ne!(area_of(&editor, copy), area_of(&editor, id));
}

#[test]
fn several_boxes_are_selected_one_by_one() {
    let (mut editor, [one, two, three]) = three_selected();
    assert_eq!(editor.selection(), [three, two, one]);
    editor.select(Some(two));
    assert_eq!(editor.selection(), [two]);
    editor.toggle_selected(one);
    assert_eq!((editor.selected(), editor.selection()), (Some(one), vec![one, two]));
    assert!(editor.is_selected(two) && !editor.is_selected(three));
    editor.toggle_selected(one);
    editor.toggle_selected(99);
    assert_eq!(editor.selection(), [two]);
    editor.toggle_selected(two);
    assert_eq!(editor.selected(), None);
}

#[test]
fn several_boxes_are_deleted_and_kept_in_one_step() {
    let (mut editor, [one, two, three]) = three_selected();
    assert!(editor.set_remove(&editor.selection(), false));
    assert!(editor.erasure().boxes.is_empty());
    assert!(editor.undo());
    assert_eq!(editor.erasure().boxes.len(), 3);
    editor.toggle_selected(two);
    assert!(editor.delete_selected());
    assert_eq!((editor.boxes().len(), editor.selected()), (1, Some(two)));
    assert!(editor.undo());
    assert_eq!(editor.boxes().len(), 3);
    editor.select(Some(one));
    editor.toggle_selected(three);
    assert!(editor.delete(three), "by its own button");
    assert_eq!(editor.selection(), [two], "the next one");
}

#[test]
fn copies_are_pasted_where_they_were_also_on_another_photo() {
    let (mut editor, ids) = three_selected();
    editor.set_remove(&[ids[0]], false);
    let copied = editor.copied();
    assert!(editor.paste(&copied));
    assert_eq!(editor.boxes().len(), 6);
    let pasted: Vec<PhotoBox> = editor.copied();
    assert_eq!(pasted.iter().map(|b| b.area.left).collect::<Vec<_>>(), [11, 36, 66]);
    assert_eq!(pasted.iter().map(|b| b.remove).collect::<Vec<_>>(), [false, true, true]);
    assert!(editor.undo());
    assert_eq!(editor.boxes().len(), 3, "one step");

    // Smaller, so that the last box misses it.
    let mut other = Editor::new(PhotoSize { width: 50, height: 40 });
    assert!(other.paste(&copied));
    let lefts: Vec<u32> = other.boxes().iter().map(|b| b.area.left).collect();
    assert_eq!(lefts, [5, 30]);
    assert!(!other.paste(&[]));
}

#[test]
fn a_label_is_a_digit_and_a_step_to_undo() {
    let (mut editor, id) = one_box();
    let label = |editor: &Editor| editor.get(id).and_then(|b| b.label);
    assert!(editor.set_label(id, Some(7)));
    assert!(!editor.set_label(id, Some(7)), "no change, no step");
    assert_eq!(label(&editor), Some(7));
    assert!(editor.set_label(id, Some(10)), "there is no such digit: as read");
    assert!(editor.undo());
    assert_eq!(label(&editor), Some(7));
    assert!(editor.undo());
    assert_eq!(label(&editor), None);
}

#[test]
fn the_number_reads_from_left_to_right_whatever_the_order_of_drawing() {
    let mut editor = Editor::new(PHOTO);
    let right = draw(&mut editor, at(60.0, 5.0), at(80.0, 45.0));
    let left = draw(&mut editor, at(5.0, 8.0), at(20.0, 45.0));
    let middle = draw(&mut editor, at(20.0, 2.0), at(60.0, 45.0));
    let ids: Vec<BoxId> = editor.reading_order().iter().map(|b| b.id).collect();
    assert_eq!(ids, [left, middle, right]);
}

#[test]
fn boxes_that_are_not_there_change_nothing() {
    let (mut editor, _) = one_box();
    editor.select(Some(99));
    assert_eq!(editor.selected(), None);
    assert!(!editor.delete(99) && !editor.set_remove(&[99], true) && !editor.delete_selected());
    assert!(!editor.nudge(1, 1, 0.0) && !editor.duplicate());
    editor.begin_move(99, at(0.0, 0.0), 1.0);
    editor.begin_resize(99, Handle::North, at(0.0, 0.0));
    assert!(!editor.has_gesture());
}

#[test]
fn another_size_clamps_the_boxes() {
    let (mut editor, id) = one_box();
    let gone = draw(&mut editor, at(70.0, 5.0), at(90.0, 45.0));
    editor.set_photo(PhotoSize { width: 50, height: 30 });
    assert_eq!(area_of(&editor, id), area(10, 10, 20, 20));
    assert!(editor.get(gone).is_none());
    assert_eq!(editor.selected(), None);
    assert!(!editor.can_undo());
}
