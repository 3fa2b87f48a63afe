//! Sends the photos of a folder or a list to the threads that do them.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{atomic::Ordering, mpsc::SyncSender},
    thread,
};

use super::{
    batch::{Batch, Fed},
    eraser::Tally,
    inputs::{Input, Shard, Unusable, files_in},
};
use crate::{
    boxes::{composed, decomposed, is_class_list},
    cli::boxes::BoxSource,
    photo::{PHOTO_EXTENSIONS, is_mac_fork, is_photo},
};

/// At most this many names of photos are listed in a message.
const NAMES_IN_MESSAGE: usize = 3;

/// What is said of a file that is no photo; `None` of hidden files and of those that hold boxes.
fn kind_of(file: &Path) -> Option<String> {
    if is_mac_fork(file) {
        return Some("._ files of a Mac".to_owned());
    }
    let name = file.file_name()?.to_string_lossy().to_lowercase();
    let extension = Path::new(&name).extension().map(|extension| extension.to_string_lossy());
    match extension.as_deref() {
        _ if name.starts_with('.') => None,
        Some("json" | "txt" | "xml" | "csv" | "tsv" | "mat") => None,
        Some(extension) => Some(format!(".{extension}")),
        None => Some("without an extension".to_owned()),
    }
}

impl Batch {
    /// Notes all photos of a folder, if the list of boxes has entries that several may use.
    pub(super) fn know_all(&self, folder: &Path) {
        if self.eraser.source.has_plain_names() {
            let photos = files_in(folder, &self.output).flatten();
            let photos = photos.filter(|input| is_photo(&input.photo));
            self.eraser.source.know_all(photos.map(|Input { photo, name }| (photo, name)));
        }
    }

    /// Counts the photos for the progress bar, in a thread of its own.
    pub(super) fn count(&self, folder: &Path, shard: Option<Shard>) {
        let (bar, output, folder) =
            (self.eraser.bar.clone(), self.output.clone(), folder.to_owned());
        thread::spawn(move || {
            let ours = |input: &Input| {
                is_photo(&input.photo) && shard.is_none_or(|shard| shard.holds(&input.name))
            };
            let count = files_in(&folder, &output).flatten().filter(ours).count();
            bar.set_length(count as u64);
        });
    }

    /// Sends the photos of a folder to the threads; then reports boxes without a photo.
    pub(super) fn feed_folder(
        &self,
        folder: &Path,
        shard: Option<Shard>,
        sender: &SyncSender<Fed>,
    ) {
        let beside = matches!(self.eraser.source, BoxSource::Each { folder: None, .. });
        let mut lonely = Vec::new();
        let mut passed_over = BTreeMap::<String, u64>::new();
        for input in files_in(folder, &self.output) {
            if let Ok(input) = &input
                && !is_photo(&input.photo)
            {
                if let Some(kind) = kind_of(&input.photo) {
                    *passed_over.entry(kind).or_default() += 1;
                }
                if beside {
                    self.note_lonely(&input.photo, &input.photo, &mut lonely);
                }
            } else if !self.feed(input, shard, sender, false) {
                return;
            }
        }
        match &self.eraser.source {
            BoxSource::Each { folder: Some(boxes), .. } => {
                for file in files_in(boxes, &self.output).flatten() {
                    self.note_lonely(&file.photo, &folder.join(&file.name), &mut lonely);
                }
            }
            _ => lonely.extend(self.eraser.source.left_over().into_iter().map(str::to_owned)),
        }
        if !passed_over.is_empty() {
            let kinds = passed_over.iter().map(|(kind, count)| format!("{count} {kind}"));
            let kinds = kinds.collect::<Vec<_>>().join(", ");
            self.eraser.say(&format!("skipped, not photos by name: {kinds}"));
        }
        if let Some(assumed) = self.eraser.source.assumed_folder() {
            self.eraser.say(&format!(
                "the list of boxes has all its photos in {assumed}; they are taken for those in {}",
                folder.display()
            ));
        }
        if lonely.is_empty() {
            return;
        }
        let named = lonely.iter().take(NAMES_IN_MESSAGE).cloned().collect::<Vec<_>>().join(", ");
        let more = match lonely.len().saturating_sub(NAMES_IN_MESSAGE) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let folder = folder.display();
        self.eraser
            .say(&format!("there are boxes for {named}{more}, but no such photo in {folder}"));
    }

    /// Notes a box file for which there is no photo at `place`.
    fn note_lonely(&self, file: &Path, place: &Path, lonely: &mut Vec<String>) {
        let BoxSource::Each { formats, .. } = &self.eraser.source else { return };
        let Some(name) = place.file_name().and_then(|name| name.to_str()) else { return };
        let suffixes = formats.iter().filter_map(|format| format.suffix());
        let Some(stem) = suffixes.into_iter().find_map(|suffix| name.strip_suffix(suffix)) else {
            return;
        };
        if is_class_list(file) || is_mac_fork(file) {
            return;
        }
        // Accents may be stored apart from their letters in one of the two names.
        let stems = [stem.to_owned(), composed(stem), decomposed(stem)];
        let has_photo = stems.iter().any(|stem| {
            PHOTO_EXTENSIONS.iter().any(|extension| {
                [(*extension).to_owned(), extension.to_ascii_uppercase()]
                    .iter()
                    .any(|extension| place.with_file_name(format!("{stem}.{extension}")).exists())
            })
        });
        if !has_photo {
            lonely.push(file.display().to_string());
        }
    }

    /// Sends one photo to the threads, if it belongs to this part; false if the run should stop.
    pub(super) fn feed(
        &self,
        input: Result<Input, Unusable>,
        shard: Option<Shard>,
        sender: &SyncSender<Fed>,
        lengthen: bool,
    ) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            return false;
        }
        Tally::add(&self.eraser.tally.found);
        let input = input.and_then(|input| {
            // Before the photo's part is checked, so that all parts get the same result.
            match self.eraser.take_entry(&input.photo, &input.name) {
                Ok(()) => Ok(input),
                Err(problem) => Err(Unusable { path: input.photo, problem }),
            }
        });
        // A path without a name is reported by every part: better often than never.
        if let (Ok(input), Some(shard)) = (&input, shard)
            && !shard.holds(&input.name)
        {
            return true;
        }
        if lengthen {
            self.eraser.bar.inc_length(1);
        }
        sender.send(input).is_ok()
    }
}
