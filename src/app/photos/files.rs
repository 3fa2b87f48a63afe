//! The photos with their files.

use std::collections::HashMap;

use leptos::prelude::*;
use web_sys::Blob;

use super::format::SaveChoice;
use super::gallery::{Gallery, PhotoId};
use super::keeping::Keeping;
use super::saving::{SavingAll, kept_choice};
use crate::app::editor::Editor;
use crate::app::intake;
use crate::app::page::Page;
use crate::photo::PhotoSize;

/// The photos with their files. Copies are the same photos.
#[derive(Clone, Copy)]
pub struct Photos {
    /// What is known of each.
    pub gallery: RwSignal<Gallery>,
    /// How far saving all is, while it is under way.
    pub saving_all: RwSignal<Option<SavingAll>>,
    /// How pictures are saved.
    pub save_choice: RwSignal<SaveChoice>,
    /// What keeps them for the next visit.
    pub keeping: Keeping,
    /// A file of the user's is only a handle; its bytes are read when they are needed.
    files: StoredValue<HashMap<PhotoId, Blob>, LocalStorage>,
}

impl Photos {
    /// No photos.
    pub fn new() -> Self {
        Photos {
            gallery: RwSignal::new(Gallery::default()),
            saving_all: RwSignal::new(None),
            save_choice: RwSignal::new(kept_choice()),
            keeping: Keeping::new(),
            files: StoredValue::new_local(HashMap::new()),
        }
    }

    /// Adds a photo behind the others.
    pub fn add(self, name: String, size: PhotoSize, file: Blob) -> PhotoId {
        let id = self.gallery.try_update(|gallery| gallery.add(name, size)).unwrap_or_default();
        self.files.update_value(|files| {
            files.insert(id, file);
        });
        id
    }

    /// A photo's file and name.
    pub fn file(self, id: PhotoId) -> Option<(Blob, String)> {
        let file = self.files.with_value(|files| files.get(&id).cloned())?;
        let name = self.gallery.with_untracked(|gallery| Some(gallery.get(id)?.name.clone()))?;
        Some((file, name))
    }

    /// Brings a photo's boxes to the stage, and puts those aside that leave it. Gives the photo's
    /// editor and name; none when it was closed meanwhile.
    pub fn to_stage(
        self,
        aside: Option<(PhotoId, Editor)>,
        id: PhotoId,
        size: PhotoSize,
    ) -> Option<(Editor, String)> {
        self.gallery
            .try_update(|gallery| {
                if let Some((id, editor)) = aside {
                    gallery.put_aside(id, editor);
                }
                let entry = gallery.get_mut(id)?;
                entry.failure = None;
                let name = entry.name.clone();
                gallery.set_open(Some(id));
                Some((gallery.take_editor(id, size), name))
            })
            .flatten()
    }

    /// Remembers why a photo cannot be opened; gives its name.
    pub fn fail(self, id: PhotoId, reason: &str) -> Option<String> {
        self.gallery
            .try_update(|gallery| {
                let entry = gallery.get_mut(id)?;
                entry.failure = Some(reason.to_owned());
                Some(entry.name.clone())
            })
            .flatten()
    }

    /// Whether a photo is there and not known to be damaged.
    pub fn can_open(self, id: PhotoId) -> bool {
        self.gallery
            .with_untracked(|gallery| gallery.get(id).is_some_and(|entry| entry.failure.is_none()))
    }

    /// Whether saving all is under way.
    pub fn is_saving_all(self) -> bool {
        self.saving_all.with_untracked(Option::is_some)
    }

    /// Lets all photos go.
    pub fn forget_all(self) {
        let ids: Vec<PhotoId> = self
            .gallery
            .with_untracked(|gallery| gallery.entries().iter().map(|entry| entry.id).collect());
        for id in ids {
            self.forget(id);
        }
    }

    fn forget(self, id: PhotoId) -> Option<PhotoId> {
        self.files.update_value(|files| {
            files.remove(&id);
        });
        self.gallery.try_update(|gallery| gallery.close(id)).flatten()
    }
}

/// Opens the photo `steps` away from the open one, if there is one.
pub fn step(page: Page, steps: isize) -> bool {
    let (neighbour, several) = page
        .photos
        .gallery
        .with_untracked(|gallery| (gallery.neighbour(steps), gallery.entries().len() > 1));
    if let Some(id) = neighbour {
        intake::open(page, id);
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
    let was_open = page.photos.gallery.with_untracked(Gallery::open) == Some(id);
    let heir = page.photos.forget(id);
    if was_open {
        page.clear_stage();
        if let Some(heir) = heir {
            intake::open(page, heir);
        }
    }
}

/// Takes up in the gallery what happens on the stage.
pub fn follow_stage(page: Page) {
    let gallery = page.photos.gallery;
    Effect::new(move |_| {
        let Some(photo) = page.photo.get() else { return };
        // A drag is taken up when it ends.
        let work = page.editor.with(|editor| {
            let editor = editor.as_ref().filter(|editor| !editor.has_gesture())?;
            Some(editor.work().clone())
        });
        let digits = page.digits();
        gallery.maybe_update(|gallery| {
            let noted = work.is_some_and(|work| gallery.note(photo.id, photo.size, &work));
            gallery.note_digits(photo.id, &digits) || noted
        });
    });
}
