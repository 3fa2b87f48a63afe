//! Finding digits: what is asked, and what becomes of the answer.

use leptos::task::spawn_local;

use crate::app::browser::bytes_of;
use crate::app::dialogue::Kind;
use crate::app::editor::Editor;
use crate::app::page::Page;
use crate::app::state::messages::Tone;
use crate::photo::BoxInPhoto;
use crate::worker::protocol::Ask;

impl Page {
    /// Has the engine find the digits in the photo, if there is one.
    pub fn find(self) -> bool {
        if self.look(|_| ()).is_none() {
            return false;
        }
        self.find_within(None);
        self.messages.announce("Looking for numbers.".to_owned());
        true
    }

    /// Has the engine find the digits within the selected box, if there is one.
    pub fn find_in_selected(self) -> bool {
        let selected = |editor: &Editor| Some(editor.get(editor.selected()?)?.area);
        let Some(area) = self.look(selected).flatten() else { return false };
        self.find_within(Some(area));
        self.messages.announce("Looking for digits in the box.".to_owned());
        true
    }

    /// Has the engine find the digits in a photo that came to the stage, unless that was done, or
    /// anything else.
    pub fn find_unasked(self) {
        let id = self.open.id().filter(|id| !self.photos.is_looked_through(*id));
        let untouched = self.look(Editor::is_untouched).unwrap_or_default();
        if id.is_some() && untouched && self.finding.unasked.get_untracked() {
            self.find_within(None);
        }
    }

    /// Has the engine find the digits in the next photo that nobody has opened, while it has nothing
    /// else to do.
    pub fn find_beside(self) {
        let is_wanted = self.finding.unasked.get_untracked() && !self.saving.is_saving_all();
        if !is_wanted
            || !self.engine.is_ready_now()
            || self.engine.awaits(Kind::FindIn)
            || self.finding.chooses.get_untracked()
        {
            return;
        }
        let Some((id, file)) = self.photos.next_to_look_through() else { return };
        self.finding.set_chooses(true);
        spawn_local(async move {
            // What cannot be read says so when it is opened.
            let file = bytes_of(&file).await;
            self.finding.set_chooses(false);
            if let Ok(file) = file {
                self.engine.ask(Ask::FindIn { photo: id, file });
            }
        });
    }

    fn find_within(self, within: Option<BoxInPhoto>) {
        self.asking.ask(|it| it.wish_to_find(within));
        self.sync_soon();
    }

    /// Puts boxes round the digits that were found, as one step to undo: in the whole photo, or
    /// `within` a box, whose place they take.
    pub fn take_found(
        self,
        within: Option<BoxInPhoto>,
        sure: &[BoxInPhoto],
        unsure: &[BoxInPhoto],
    ) {
        self.finding.sees(Vec::new());
        let (tone, text) = match within {
            None => self.take_found_in_photo(sure, unsure),
            Some(within) => {
                let new = self.edit(|editor| editor.put_found_within(within, sure));
                match new.unwrap_or_default() {
                    0 => (Tone::Notice, "No digit found in the box: it stays.".to_owned()),
                    new => (Tone::Done, format!("Found {} in the box.", digits(new))),
                }
            }
        };
        self.messages.show(tone, text);
    }

    fn take_found_in_photo(self, sure: &[BoxInPhoto], unsure: &[BoxInPhoto]) -> (Tone, String) {
        if let Some(id) = self.open.id() {
            self.photos.looked_through(id);
        }
        let suggestions = || self.look(Editor::suggestions).unwrap_or_default();
        let before = suggestions();
        let new = self.edit(|editor| editor.add_found(sure, unsure)).unwrap_or_default();
        let after = suggestions();
        // What was suggested before is no news.
        let perhaps = if after == before { 0 } else { after.len() };
        let text = match (new, perhaps, sure.len()) {
            (0, 0, 0) => "No number found. Draw a box round each digit.".to_owned(),
            (0, 0, _) => "Nothing more found: all digits have a box already.".to_owned(),
            (0, perhaps, _) => {
                format!(
                    "Nothing sure found; {} to check (dashed): take or dismiss.",
                    digits(perhaps)
                )
            }
            (new, 0, _) => {
                format!("Found {}. Delete wrong boxes, draw missing ones.", digits(new))
            }
            (new, perhaps, _) => {
                format!(
                    "Found {}, and {perhaps} more to check (dashed): take or dismiss.",
                    digits(new)
                )
            }
        };
        (Tone::Done, text)
    }

    /// Shows what was seen so far, while the rest of the photo is looked through.
    pub fn take_seen(self, areas: Vec<BoxInPhoto>) {
        if self.engine.awaits(Kind::Find) {
            self.finding.sees(areas);
        }
    }
}

fn digits(count: usize) -> String {
    if count == 1 { "1 digit".to_owned() } else { format!("{count} digits") }
}
