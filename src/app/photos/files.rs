//! Going from photo to photo, closing them, and taking up in the gallery what happens on the stage.

use leptos::prelude::*;

use super::gallery::PhotoId;
use crate::app::page::Page;

/// Opens the photo `steps` away from the open one, if there is one.
pub fn step(page: Page, steps: isize) -> bool {
    let (neighbour, several) = page
        .photos
        .gallery
        .with_untracked(|gallery| (gallery.neighbour(steps), gallery.entries().len() > 1));
    if let Some(id) = neighbour {
        page.open_photo(id);
    }
    several
}

/// Closes a photo; its neighbour is opened if it was open. Boxes that were not saved are asked
/// about first, as nothing brings them back.
pub fn close(page: Page, id: PhotoId) {
    let unsaved = page.photos.gallery.with_untracked(|gallery| {
        let entry = gallery.unsaved().find(|entry| entry.id == id)?;
        Some(format!("Close {}? It has {}.", entry.name, entry.summary()))
    });
    // A browser that cannot ask closes.
    if unsaved.is_some_and(|question| !window().confirm_with_message(&question).unwrap_or(true)) {
        return;
    }
    let was_open = page.photos.open() == Some(id);
    let heir = page.photos.forget(id);
    if was_open {
        page.clear_stage();
        if let Some(heir) = heir {
            page.open_photo(heir);
        }
    }
}

/// Takes up in the gallery what happens on the stage.
pub fn follow_stage(page: Page) {
    Effect::new(move |_| {
        let Some(photo) = page.open.photo.get() else { return };
        // A drag counts when it ends.
        let work = page.boxes.editor.with(|editor| {
            let editor = editor.as_ref().filter(|editor| !editor.has_gesture())?;
            Some(editor.work().clone())
        });
        let digits = page.boxes.digits();
        page.photos.take_up(|gallery| {
            let noted = work.is_some_and(|work| gallery.note(photo.id, photo.size, &work));
            gallery.note_digits(photo.id, &digits) || noted
        });
    });
}
