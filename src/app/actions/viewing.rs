//! How the photo is looked at: zoom, before and after, the brush.

use crate::app::comparison::Divider;
use crate::app::editor::{Editor, PointInPhoto, PointInScreen, SizeInScreen};
use crate::app::page::Page;
use crate::photo::{BoxInPhoto, PhotoSize};
use crate::removal::Brush;

/// The brush's width at first, as a share of a box's height: about that of a stroke.
const USUAL_WIDTH: f64 = 0.1;

impl Page {
    // ---- Zoom ---------------------------------------------------------------------------------

    /// Fits the photo to the stage.
    pub fn fit(self) {
        if let Some(photo) = self.look(Editor::photo) {
            self.stage.fit(photo);
        }
    }

    /// Zooms about a point of the stage, or about its middle.
    pub fn zoom(self, anchor: Option<PointInScreen>, factor: f64) {
        if let Some(photo) = self.look(Editor::photo) {
            self.stage.zoom(anchor, factor, photo);
        }
    }

    /// Shifts the photo on the stage.
    pub fn pan(self, dx: f64, dy: f64) {
        if let Some(photo) = self.look(Editor::photo) {
            self.stage.pan(dx, dy, photo);
        }
    }

    /// Takes the stage's size on.
    pub fn stage_resized(self, size: SizeInScreen) {
        let Some(last) = self.stage.resize(size) else { return };
        if self.stage.view.get_untracked().fitted {
            self.fit();
        } else {
            // What was in the middle stays there.
            self.pan((size.width - last.width) / 2.0, (size.height - last.height) / 2.0);
        }
    }

    // ---- Before and after ---------------------------------------------------------------------

    /// The divider as it is shown, which is where it can be seen; none while it is off.
    pub fn divider_shown(self) -> Option<Divider> {
        let divider = self.stage.divider.get()?;
        let photo = self.boxes.editor.with(|editor| editor.as_ref().map(Editor::photo))?;
        Some(divider.in_sight(self.stage.view.get(), photo, self.stage.size.get()))
    }

    /// Switches the divider between before and after on or off; returns whether there is a photo.
    pub fn toggle_divider(self) -> bool {
        let has_photo = self.look(|_| ()).is_some();
        if has_photo {
            let is_on = self.stage.divider.with_untracked(Option::is_some);
            self.stage.divide((!is_on).then(Divider::default));
            self.stage.set_beside(false);
            // The slider would take the pointer.
            if self.brush.is_up() {
                self.lay_brush_down();
            }
        }
        has_photo
    }

    /// Shows the original beside the result, or the result alone; returns whether there is a photo.
    pub fn toggle_beside(self) -> bool {
        let has_photo = self.look(|_| ()).is_some();
        if has_photo {
            self.stage.set_beside(!self.stage.beside.get_untracked());
            self.stage.divide(None);
        }
        has_photo
    }

    // ---- The brush ----------------------------------------------------------------------------

    /// Switches the brush on or off; returns whether there is a photo.
    pub fn toggle_brush(self) -> bool {
        let Some(height) = self.look(|editor| editor.boxes().first().map(|b| b.area.height)) else {
            return false;
        };
        if self.brush.is_up() {
            self.lay_brush_down();
            return true;
        }
        if self.brush.width.get_untracked() == 0 {
            let usual = height.map_or(0.0, |height| f64::from(height) * USUAL_WIDTH);
            self.brush.set_width(usual.round() as u32);
        }
        self.edit(Editor::cancel);
        // Its slider would take the pointer.
        self.stage.divide(None);
        self.brush.move_to(self.look(middle_of_box));
        self.brush.take(Some(Brush::Adds));
        self.messages.announce(
            "Brush: paint in boxes to fill. Arrows move it, Enter begins and ends a stroke, X \
             restores instead, Escape closes it."
                .to_owned(),
        );
        true
    }

    /// Switches the brush off, and drops a stroke that was begun.
    pub fn lay_brush_down(self) {
        self.edit(Editor::cancel);
        self.brush.take(None);
        self.messages.announce("Brush closed.".to_owned());
    }

    /// Makes the brush so wide, and says so.
    pub fn change_brush_width(self, width: u32) {
        self.brush.set_width(width);
        let width = self.brush.width.get_untracked();
        self.messages.announce(format!("Brush {width} pixels wide."));
    }

    /// Begins a stroke; `other` of what the brush does otherwise.
    pub fn begin_stroke(self, point_in_photo: PointInPhoto, other: bool) {
        let Some(brush) = self.brush.does.get_untracked() else { return };
        let brush = if other { opposite(brush) } else { brush };
        let width = f64::from(self.brush.width.get_untracked());
        self.brush.move_to(Some(point_in_photo));
        self.edit(|editor| editor.begin_paint(brush, width, point_in_photo));
    }

    /// Where the brush is; on another photo than last, in the middle.
    pub fn brush_place(self) -> Option<PointInPhoto> {
        self.brush.at.get_untracked().or_else(|| self.look(middle_of_box))
    }
}

/// What the brush does otherwise.
pub fn opposite(brush: Brush) -> Brush {
    match brush {
        Brush::Adds => Brush::Takes,
        Brush::Takes => Brush::Adds,
    }
}

/// The middle of the selected box, of the first one, or of the photo.
fn middle_of_box(editor: &Editor) -> PointInPhoto {
    let selected = editor.selected().and_then(|id| editor.get(id)).copied();
    let b = selected.or_else(|| editor.reading_order().first().copied());
    let PhotoSize { width, height } = editor.photo();
    let BoxInPhoto { left, top, width, height } =
        b.map_or(BoxInPhoto { left: 0, top: 0, width, height }, |b| b.area);
    let middle = |start: u32, length: u32| f64::from(start) + f64::from(length) / 2.0;
    PointInPhoto { x: middle(left, width), y: middle(top, height) }
}
