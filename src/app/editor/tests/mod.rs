//! The editor without a browser.

mod edits;
mod pointer;

use super::*;

const PHOTO: PhotoSize = PhotoSize { width: 100, height: 50 };

fn at(x: f64, y: f64) -> PointInPhoto {
    PointInPhoto { x, y }
}

fn area(left: u32, top: u32, width: u32, height: u32) -> BoxInPhoto {
    BoxInPhoto { left, top, width, height }
}

fn draw(editor: &mut Editor, from: PointInPhoto, to: PointInPhoto) -> BoxId {
    editor.begin_draw(from, 0.5, None);
    editor.drag_to(to);
    match editor.finish() {
        Finished::Drawn(id) => id,
        other => panic!("a drag came to {other:?}"),
    }
}

fn one_box() -> (Editor, BoxId) {
    let mut editor = Editor::new(PHOTO);
    let id = draw(&mut editor, at(10.0, 10.0), at(30.0, 40.0));
    (editor, id)
}

fn area_of(editor: &Editor, id: BoxId) -> BoxInPhoto {
    editor.get(id).expect("the box is there").area
}

/// Three boxes from left to right, all selected, the last one last.
fn three_selected() -> (Editor, [BoxId; 3]) {
    let mut editor = Editor::new(PHOTO);
    let ids = [5.0, 30.0, 60.0].map(|x| draw(&mut editor, at(x, 10.0), at(x + 10.0, 30.0)));
    editor.select_all();
    (editor, ids)
}
