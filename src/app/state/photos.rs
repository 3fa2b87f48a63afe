//! The photos with their files.

use std::collections::HashMap;

use leptos::prelude::*;
use web_sys::Blob;

use super::seen::Seen;
use crate::app::editor::Editor;
use crate::app::photos::gallery::{Gallery, PhotoId};
use crate::photo::PhotoSize;

/// The photos with their files. Copies are the same photos.
#[derive(Clone, Copy)]
pub struct Photos {
    /// What is known of each.
    pub gallery: Seen<Gallery>,
    /// A file of the user's is only a handle; its bytes are read when they are needed.
    files: StoredValue<HashMap<PhotoId, Blob>, LocalStorage>,
}

impl Photos {
    /// No photos.
    pub fn new() -> Self {
        Photos {
            gallery: Seen::new(Gallery::default()),
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

    /// All photos' ids, in their order.
    pub fn ids(self) -> Vec<PhotoId> {
        self.gallery
            .with_untracked(|gallery| gallery.entries().iter().map(|entry| entry.id).collect())
    }

    /// Changes what is known of the photos.
    pub fn change(self, change: impl FnOnce(&mut Gallery)) {
        self.gallery.update(change);
    }

    /// Takes up what may be known already; the change says whether it is new.
    pub fn take_up(self, change: impl FnOnce(&mut Gallery) -> bool) {
        self.gallery.maybe_update(change);
    }

    /// Makes a photo the open one, or none.
    pub fn set_open(self, id: Option<PhotoId>) {
        self.change(|gallery| gallery.set_open(id));
    }

    /// The open photo.
    pub fn open(self) -> Option<PhotoId> {
        self.gallery.with_untracked(Gallery::open)
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

    /// Notes that a photo was looked through for digits.
    pub fn looked_through(self, id: PhotoId) {
        self.change(|gallery| {
            if let Some(entry) = gallery.get_mut(id) {
                entry.looked_through = true;
            }
        });
    }

    /// The next photo in which digits may be looked for beside the open one, and its file.
    pub fn next_to_look_through(self) -> Option<(PhotoId, Blob)> {
        let mut next = None;
        self.take_up(|gallery| {
            next = gallery.next_to_look_through();
            next.is_some()
        });
        Some((next?, self.file(next?)?.0))
    }

    /// Whether it was.
    pub fn is_looked_through(self, id: PhotoId) -> bool {
        self.gallery
            .with_untracked(|gallery| gallery.get(id).is_some_and(|entry| entry.looked_through))
    }

    /// Whether a photo is there and not known to be damaged.
    pub fn can_open(self, id: PhotoId) -> bool {
        self.gallery
            .with_untracked(|gallery| gallery.get(id).is_some_and(|entry| entry.failure.is_none()))
    }

    /// Lets all photos go.
    pub fn forget_all(self) {
        for id in self.ids() {
            self.forget(id);
        }
    }

    /// Lets a photo go; gives the one that should be open then.
    pub fn forget(self, id: PhotoId) -> Option<PhotoId> {
        self.files.update_value(|files| {
            files.remove(&id);
        });
        self.gallery.try_update(|gallery| gallery.close(id)).flatten()
    }
}
