//! Where boxes and their labels lie on the stage.

use std::collections::HashMap;

use super::editor::{BoxId, BoxInScreen, PhotoBox, PlacedLabel, place_labels};
use super::page::Page;

/// Where a box lies, its label, and what its digit is removed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Laid {
    /// The box.
    pub own: BoxInScreen,
    /// Its label.
    pub label: PlacedLabel,
    /// How many digits that shows.
    pub digits: usize,
    /// The grown box, where that is another one.
    pub grown: Option<BoxInScreen>,
}

/// Where all of that lies.
pub type Layout = HashMap<BoxId, Laid>;

/// A length for a style property.
pub fn px(length: f64) -> String {
    format!("{length:.1}px")
}

/// Where they lie now; `last` is the layout before.
pub fn layout_of(page: Page, last: Option<&Layout>) -> Layout {
    let (boxes, selected, grown) = page.boxes.editor.with(|editor| match editor {
        Some(editor) => (editor.boxes().to_vec(), editor.selected(), editor.grown()),
        None => (Vec::new(), None, Vec::new()),
    });
    let view = page.stage.view.get();
    let places: Vec<BoxInScreen> = boxes.iter().map(|b| view.box_to_screen(b.area)).collect();
    let in_focus = boxes.iter().position(|b| Some(b.id) == selected);
    let digits = |b: &PhotoBox| match (b.label, page.boxes.reading_of(b.area)) {
        (Some(_), _) => 1,
        (None, Some(reading)) => reading.digits.len(),
        // Until it is read again, the last reading is shown.
        (None, None) => last.and_then(|last| last.get(&b.id)).map_or(1, |laid| laid.digits),
    };
    let digits: Vec<usize> = boxes.iter().map(digits).collect();
    let labels = place_labels(&places, &digits, in_focus, page.stage.size.get());
    let laid = |(i, b): (usize, &PhotoBox)| {
        let grown = grown.iter().find(|(id, area)| *id == b.id && *area != b.area);
        let grown = grown.map(|(_, area)| view.box_to_screen(*area));
        (b.id, Laid { own: places[i], label: labels[i], digits: digits[i], grown })
    };
    boxes.iter().enumerate().map(laid).collect()
}
