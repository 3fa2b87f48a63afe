//! The photo on the stage, and the one that is being opened: it is chosen, read, and decoded by the
//! browser for the stage and by the engine for itself, in no fixed order.

use futures::channel::oneshot;
use leptos::prelude::*;

use super::seen::Seen;
use super::waiting::{Waiting, answer};
use crate::app::photos::gallery::PhotoId;
use crate::photo::PhotoSize;

/// The photo on the page.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoOnPage {
    /// Which of the photos it is.
    pub id: PhotoId,
    /// The file's name.
    pub name: String,
    /// Its upright size.
    pub size: PhotoSize,
    /// The name of its format.
    pub format: &'static str,
}

/// The photo on the stage, and the one that is being opened.
#[derive(Clone, Copy)]
pub struct OpenPhoto {
    /// The one on the stage.
    pub photo: Seen<Option<PhotoOnPage>>,
    /// Its pixels, to be drawn on the stage.
    pub picture: Seen<Option<web_sys::ImageBitmap>, LocalStorage>,
    /// Whether the engine has it.
    pub in_engine: Seen<bool>,
    way: StoredValue<Way, LocalStorage>,
}

/// How far photos are that are being opened.
#[derive(Default)]
struct Way {
    /// Counts choices from the moment they are made.
    tickets: u32,
    /// The ticket of the photo that was opened last; one that was chosen before is not opened any more.
    opening: u32,
    /// The ticket of the photo that the engine has or is decoding.
    accepted: u32,
    /// The ticket of the photo on the stage; behind `accepted` until the new one is decoded.
    shown: u32,
    /// Files being fetched, read or decoded by the page.
    loading: u32,
    /// The photo that the engine has or is decoding.
    accepted_photo: Option<PhotoId>,
    /// The name of its format.
    accepted_format: &'static str,
    /// The photo to go back to when the engine cannot decode that one.
    fallback: Option<PhotoId>,
    /// The photo's size as the engine sees it.
    size_in_engine: Option<PhotoSize>,
    /// Whether the engine's own pixels go on the stage.
    awaits_preview: bool,
    /// Waits for the accepted photo to be on the stage and in the engine.
    waits: Waiting<()>,
}

impl OpenPhoto {
    /// None.
    pub fn new() -> Self {
        OpenPhoto {
            photo: Seen::new(None),
            picture: Seen::new_local(None),
            in_engine: Seen::new(false),
            way: StoredValue::new_local(Way::default()),
        }
    }

    fn change<T: Default>(self, change: impl FnOnce(&mut Way) -> T) -> T {
        self.way.try_update_value(change).unwrap_or_default()
    }

    /// The id of the photo on the stage, without following it.
    pub fn id(self) -> Option<PhotoId> {
        self.photo.with_untracked(|photo| photo.as_ref().map(|photo| photo.id))
    }

    // ---- Tickets ------------------------------------------------------------------------------

    /// Gives a choice its ticket: higher than those of earlier ones.
    pub fn take_ticket(self) -> u32 {
        self.change(|way| {
            way.tickets = way.tickets.wrapping_add(1);
            way.tickets
        })
    }

    /// A photo that was chosen with this ticket is about to be opened. Returns whether it may: not if
    /// one that was chosen later is.
    pub fn begin_opening(self, ticket: u32) -> bool {
        self.change(|way| {
            let is_later = ticket > way.opening;
            if is_later {
                way.opening = ticket;
            }
            is_later
        })
    }

    /// Whether no other photo was opened after the one with this ticket.
    pub fn is_opening(self, ticket: u32) -> bool {
        self.way.with_value(|way| way.opening == ticket)
    }

    /// Notes one more file that is being opened; [`OpenPhoto::loading_ended`] belongs to it.
    pub fn loading_began(self) {
        self.change(|way| way.loading += 1);
    }

    /// The same for the accepted photo, whose ticket it returns.
    pub fn decoding_began(self) -> u32 {
        self.change(|way| {
            way.loading += 1;
            way.accepted
        })
    }

    /// Ends what [`OpenPhoto::loading_began`] or [`OpenPhoto::decoding_began`] began.
    pub fn loading_ended(self) {
        self.change(|way| way.loading = way.loading.saturating_sub(1));
    }

    /// Whether files are being opened.
    pub fn is_loading(self) -> bool {
        self.way.with_value(|way| way.loading > 0)
    }

    /// Whether the photo with this ticket is the one that the engine has or is decoding.
    pub fn is_accepted(self, ticket: u32) -> bool {
        self.way.with_value(|way| way.accepted == ticket)
    }

    /// Whether the photo on the stage is the one that the engine has or is decoding.
    pub fn is_on_stage(self) -> bool {
        self.way.with_value(|way| way.shown == way.accepted)
    }

    // ---- Steps --------------------------------------------------------------------------------

    /// The engine is given a photo. The one until now is remembered for the case that the engine
    /// cannot decode this one after all.
    pub fn accept(self, ticket: u32, id: PhotoId, format: &'static str) {
        let opened = self.in_engine.get_untracked();
        self.change(|way| {
            let before = way.accepted_photo.replace(id);
            if opened && before != Some(id) {
                way.fallback = before;
            }
            way.accepted = ticket;
            way.accepted_format = format;
            way.size_in_engine = None;
            way.awaits_preview = false;
        });
        self.in_engine.set(false);
    }

    /// The accepted photo is about to be on the stage; gives its id and its format.
    pub fn comes(self) -> Option<(PhotoId, &'static str)> {
        self.change(|way| {
            way.shown = way.accepted;
            way.awaits_preview = false;
            way.accepted_photo.map(|id| (id, way.accepted_format))
        })
    }

    /// Puts a photo on the stage, and frees the last one's pixels at once: many photos would fill
    /// the memory before the browser does so by itself.
    pub fn show(self, photo: Option<PhotoOnPage>, picture: Option<web_sys::ImageBitmap>) {
        self.photo.set(photo);
        let last = self.picture.get_untracked();
        self.picture.set(picture);
        if let Some(last) = last {
            last.close();
        }
    }

    /// Leaves the stage empty, and drops what is being opened.
    pub fn clear(self) {
        self.change(|way| {
            *way = Way {
                tickets: way.tickets,
                loading: way.loading,
                size_in_engine: way.size_in_engine,
                awaits_preview: way.awaits_preview,
                ..Way::default()
            };
        });
        self.in_engine.set(false);
        self.show(None, None);
    }

    /// The engine has decoded the photo. Returns whether its own pixels go on the stage; none where
    /// the photo was closed meanwhile.
    pub fn decoded(self, size: PhotoSize) -> Option<bool> {
        if self.way.with_value(|way| way.accepted_photo.is_none()) {
            return None;
        }
        self.in_engine.set(true);
        Some(self.change(|way| {
            way.fallback = None;
            way.size_in_engine = Some(size);
            way.awaits_preview
        }))
    }

    /// Whether the engine's decoder and the browser's disagree about the size of the photo on the
    /// stage (a rare orientation tag). The engine's picture takes the stage then, as boxes mean its
    /// pixels.
    pub fn decoders_disagree(self) -> bool {
        let shown = self.photo.with_untracked(|photo| photo.as_ref().map(|photo| photo.size));
        self.change(|way| {
            let disagree = way.shown == way.accepted
                && way.size_in_engine.is_some()
                && way.size_in_engine != shown;
            way.awaits_preview |= disagree;
            disagree
        })
    }

    /// The engine's own pixels are to go on the stage, or not any more.
    pub fn await_preview(self, awaits: bool) {
        self.change(|way| way.awaits_preview = awaits);
    }

    /// The engine cannot decode the photo: gives it, and the one to go back to.
    pub fn refused(self) -> (Option<PhotoId>, Option<PhotoId>) {
        self.change(|way| (way.accepted_photo.take(), way.fallback.take()))
    }

    /// The engine stopped, and has no photo any more.
    pub fn engine_lost(self) {
        self.in_engine.set(false);
    }

    // ---- Who waits ----------------------------------------------------------------------------

    /// Waits until the photo that was asked for last is on the stage and in the engine.
    ///
    /// # Errors
    /// Why it will not be.
    pub async fn arrived(self) -> Result<(), String> {
        let (sender, receiver) = oneshot::channel();
        self.change(|way| way.waits = Some(sender));
        receiver.await.unwrap_or_else(|_| Err("another photo was opened".to_owned()))
    }

    /// Tells who waits for the photo that it will not come.
    pub fn failed(self, reason: String) {
        answer(self.change(|way| way.waits.take()), Err(reason));
    }

    /// Tells who waits for the photo that it is there, if it is.
    pub fn answer_when_there(self) {
        let shown = self.way.with_value(|way| way.shown == way.accepted && !way.awaits_preview);
        if shown && self.in_engine.get_untracked() {
            answer(self.change(|way| way.waits.take()), Ok(()));
        }
    }
}
