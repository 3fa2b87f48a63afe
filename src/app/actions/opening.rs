//! Opening photos: a file becomes the photo on the stage, with its boxes, and the engine's.

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{Blob, ImageBitmap};

use crate::app::browser::{bytes_of, decode, picture_from_rgba};
use crate::app::dialogue::Kind;
use crate::app::editor::Editor;
use crate::app::page::Page;
use crate::app::photos::gallery::PhotoId;
use crate::app::state::messages::Tone;
use crate::app::state::open_photo::PhotoOnPage;
use crate::photo::{PhotoSize, format_from_header, size_from_header};
use crate::worker::protocol::Ask;

impl Page {
    /// Reads what was chosen just now, with the choice's ticket.
    pub fn read_chosen<Reading>(self, read: impl FnOnce(u32) -> Reading)
    where
        Reading: Future<Output = ()> + 'static,
    {
        let reading = read(self.open.take_ticket());
        self.loading_began();
        spawn_local(async move {
            reading.await;
            self.loading_ended();
        });
    }

    /// Files are being read; [`Page::loading_ended`] belongs to it.
    fn loading_began(self) {
        self.open.loading_began();
        self.update_busy();
    }

    /// Ends what [`Page::loading_began`] began.
    fn loading_ended(self) {
        self.open.loading_ended();
        self.update_busy();
    }

    /// Opens one of the photos.
    pub fn open_photo(self, id: PhotoId) {
        self.open_chosen(self.open.take_ticket(), id);
    }

    /// Opens a photo that was chosen with this ticket, unless one that was chosen later is opened.
    /// Returns whether it does.
    pub fn open_chosen(self, ticket: u32, id: PhotoId) -> bool {
        let Some((file, name)) = self.photos.file(id) else { return false };
        if !self.open.begin_opening(ticket) {
            return false;
        }
        self.photos.set_open(Some(id));
        self.loading_began();
        spawn_local(async move {
            if let Err(reason) = self.open_with_ticket(ticket, id, &file).await {
                self.photos.fail(id, &reason);
                self.open.failed(reason.clone());
                self.messages.show(Tone::Error, format!("{name}: {reason}."));
                if self.open.is_opening(ticket) {
                    self.photos.set_open(self.open.id());
                }
            }
            self.loading_ended();
        });
        true
    }

    async fn open_with_ticket(self, ticket: u32, id: PhotoId, file: &Blob) -> Result<(), String> {
        let bytes = bytes_of(file).await?;
        if !self.open.is_opening(ticket) {
            return Ok(());
        }
        size_from_header(&bytes).map_err(|error| error.to_string())?;
        self.accept(ticket, id, bytes);
        let picture = decode(window().create_image_bitmap_with_blob(file)).await;
        match picture {
            Ok(picture) if self.open.is_accepted(ticket) => {
                let size = PhotoSize { width: picture.width(), height: picture.height() };
                self.show_photo(picture, size);
            }
            Ok(picture) => picture.close(),
            Err(_) if self.open.is_accepted(ticket) => self.await_preview(),
            Err(_) => {}
        }
        Ok(())
    }

    /// Gives the engine a photo whose header was found right.
    fn accept(self, ticket: u32, id: PhotoId, bytes: Vec<u8>) {
        let format = format_from_header(&bytes).unwrap_or_default();
        self.open.accept(ticket, id, format);
        self.saving.let_go();
        self.asking.not_soon();
        self.ask(Ask::Open { file: bytes });
    }

    /// Puts the accepted photo on the stage, with the boxes that it has.
    fn show_photo(self, picture: ImageBitmap, size: PhotoSize) {
        let comes = self.open.comes();
        self.asking.forget_photo();
        let Some((id, format)) = comes else { return };
        let Some((editor, name)) = self.photos.to_stage(self.put_aside(), id, size) else { return };
        self.leave_stage();
        self.boxes.show(Some(editor));
        self.open.show(Some(PhotoOnPage { id, name, size, format }), Some(picture));
        self.stage.fit(size);
        self.settle_disagreement();
        self.open.answer_when_there();
        self.find_unasked();
        self.sync_soon();
    }

    /// Takes away what is about the photo on the stage alone, but its boxes.
    fn leave_stage(self) {
        self.models.forget_readings();
        self.removal.clear();
        self.finding.sees(Vec::new());
        self.inspector.show(None);
        self.engine.forget_times();
        self.stage.compare(false);
        self.stage.divide(None);
        self.brush.move_to(None);
    }

    /// The boxes on the stage, with their photo, as something else takes their place.
    fn put_aside(self) -> Option<(PhotoId, Editor)> {
        let id = self.open.id()?;
        let mut editor = self.boxes.editor.get_untracked()?;
        editor.cancel();
        Some((id, editor))
    }

    /// Leaves the stage empty, and drops what is being opened.
    pub fn clear_stage(self) {
        self.leave_stage();
        self.stage.set_beside(false);
        self.brush.take(None);
        self.asking.forget_photo();
        self.saving.let_go();
        self.boxes.show(None);
        self.open.clear();
        self.update_busy();
    }

    /// The browser cannot show the file; the engine's own decoder will.
    fn await_preview(self) {
        self.open.await_preview(true);
        if self.open.in_engine.get_untracked() {
            self.ask(Ask::Preview);
        } else if !self.engine.is_ready_now() {
            self.messages.show(
                Tone::Notice,
                "This browser cannot show the format by itself; the photo appears as soon as the \
                 engine is loaded."
                    .to_owned(),
            );
        }
    }

    /// The engine has decoded the photo.
    pub fn photo_opened(self, size: PhotoSize) {
        let Some(awaits_preview) = self.open.decoded(size) else { return };
        self.asking.forget();
        if awaits_preview {
            self.ask(Ask::Preview);
        } else {
            self.settle_disagreement();
        }
        self.open.answer_when_there();
        self.sync_soon();
    }

    fn settle_disagreement(self) {
        if self.open.decoders_disagree() {
            self.ask(Ask::Preview);
        }
    }

    /// The engine's own pixels are there.
    pub fn preview_came(self, size: PhotoSize, rgba: Vec<u8>) {
        let ticket = self.open.decoding_began();
        spawn_local(async move {
            let picture = picture_from_rgba(size, &rgba).await;
            drop(rgba);
            if self.open.is_accepted(ticket) {
                match picture {
                    Ok(picture) => self.show_photo(picture, size),
                    Err(reason) => self
                        .messages
                        .show(Tone::Error, format!("The browser cannot show this photo: {reason}")),
                }
            }
            self.loading_ended();
        });
    }

    /// Gives a started engine the photo on the stage if it neither has it nor is decoding it, as
    /// after one that gave up.
    pub fn hand_over_again(self) {
        if self.open.in_engine.get_untracked() || self.engine.awaits(Kind::Open) {
            return;
        }
        if let Some(id) = self.open.id() {
            self.open_photo(id);
        }
    }

    /// The engine cannot decode the photo: back to the one before.
    pub fn photo_refused(self, message: String) {
        let (refused, fallback) = self.open.refused();
        let name = refused.and_then(|id| self.photos.fail(id, &message)).unwrap_or_default();
        let (waited, text) = (self.saving.is_saving_all(), format!("{name}: {message}"));
        self.open.failed(message);
        // Saving all reports its failures itself, and opens the next.
        if waited {
            return;
        }
        self.messages.show(Tone::Error, text);
        match fallback.filter(|id| self.photos.can_open(*id)) {
            Some(id) => self.open_photo(id),
            None => {
                self.photos.set_open(None);
                self.clear_stage();
            }
        }
    }
}
