//! One photo of many: whether it is done already, and its removal if it is not.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, atomic::Ordering},
    time::Instant,
};

use serde_json::{Value, json};

use super::{
    apart::SKIPPED,
    batch::{Batch, BatchError, Masks, Outcome, Turn},
    checks_json,
    eraser::{Eraser, Given, left_out},
    inputs::{Input, result_name},
    leave_readings_out, left_in, left_out_json, note_blocks,
    records::{RECORDS, Record, entry_of, hash_of, made_of, sha256_of},
    removed,
    state::{State, Suspicion},
};
use crate::{
    cli::{
        Result,
        boxes::{BoxesError, OnPhoto, of_same_stem, on_photo},
        masks::{MASK_SUFFIX, mask_of},
        memory::Share,
        places::{absolute, is_same_file},
        read::{OpenPhotoError, numbers_in, numbers_json, photo_file, photo_memory, readings_json},
    },
    files::write_again,
    photo::{
        Change, Encoding, LeftOut, Metadata, Photo, PhotoError, format_from_header, with_metadata,
    },
    publication::sha256_hex,
    removal::{Fill, Method, Proven},
};

/// Photos whose results are in progress, by the results' names.
pub(super) type UnderWay = Mutex<HashMap<PathBuf, PathBuf>>;

/// A photo with all that its result depends on.
pub(super) struct Subject<'a> {
    pub(super) path: &'a Path,
    pub(super) name: &'a Path,
    pub(super) metadata: fs::Metadata,
    /// The hash of the photo's path.
    path_hash: String,
    given: Given,
    /// Where the result belongs.
    pub(super) target: PathBuf,
    pub(super) made_of: String,
}

/// A photo without its digits.
pub(super) struct Made {
    /// Its file.
    pub(super) content: Vec<u8>,
    /// The mask of what was changed, if it is wanted.
    mask: Option<Vec<u8>>,
    /// The SHA-256 of the photo's file.
    photo_sha256: String,
    /// Whether it was checked, so that nothing of a digit is visible if `left` is 0.
    checked: bool,
    /// In how many boxes something of a digit may still be seen.
    left: usize,
    /// Its line of JSON.
    pub(super) line: Value,
}

impl Batch {
    /// Removes the digits from one photo, unless that is already done.
    pub(super) fn erase(&self, input: &Input, state: &State, turn: Turn) -> Result<Outcome> {
        let source = absolute(&input.photo)?;
        let Some(_entered) = Entered::enter(&self.under_way, &input.name, &source)? else {
            // The list names it twice, and it is already in progress.
            return Ok(Outcome::DoneBefore(json!({})));
        };
        let subject = self.subject(input, &source)?;
        self.eraser.note_foreign_label(&subject.given);
        self.check_place(&subject.target, subject.path)?;
        self.check_place(&self.records.path(subject.name), subject.path)?;
        self.check_mask_place(&subject)?;
        let entry = self.claim_entry(&subject, state)?;
        if let Some(done) = self.done_before(&subject)? {
            // A run may have been killed between the photo's record and its own last word on it.
            state.acquit(subject.name, &subject.metadata);
            return Ok(done);
        }
        match state.suspicion(subject.name, &subject.metadata) {
            // The run has looked at this.
            _ if self.apart => {}
            Suspicion::None => {}
            Suspicion::Guilty if !self.retry => return Err(SKIPPED.into()),
            _ if turn == Turn::First => return Ok(Outcome::PutOff),
            _ => {
                self.eraser.say(&format!(
                    "{}: an earlier run was killed while it did this photo; it is done alone now",
                    subject.path.display()
                ));
                return self.erase_apart(&subject, state);
            }
        }
        // The memory first, so that a photo that waits is not in work.
        let _memory = self.memory_for(&subject)?;
        if self.stop.load(Ordering::Relaxed) {
            return Ok(Outcome::NotBegun);
        }
        let work = state.begin(subject.name, &subject.metadata);
        let _work = work.map_err(self.written(&self.output))?;
        self.write_result(&subject, entry)
    }

    /// Looks at a photo, its boxes, and where its result belongs.
    pub(super) fn subject<'a>(&self, input: &'a Input, source: &Path) -> Result<Subject<'a>> {
        let Input { photo: path, name } = input;
        let file_error = |source| OpenPhotoError::File { path: path.clone(), source };
        let metadata = fs::metadata(path).map_err(file_error)?;
        if !metadata.is_file() {
            return Err("not a regular file".into());
        }
        let real = path.canonicalize().map_err(file_error)?;
        if real.starts_with(&self.output) {
            return Err("it is in the output folder".into());
        }
        let first = name.components().next();
        if first.is_some_and(|first| first.as_os_str() == OsStr::new(RECORDS)) {
            return Err(format!(
                "its result would be among the records, because its folder is called {RECORDS}"
            )
            .into());
        }
        let given = self.eraser.given(self.eraser.source.find(path, name))?;
        if let Some(mask) = self.mask_path(name)
            && let Some(other) = of_same_stem(path)
        {
            return Err(format!(
                "its mask and that of {} would both be {}; rename one of the photos",
                other.display(),
                mask.display()
            )
            .into());
        }
        let result = result_name(name);
        if let Some(other) = result.file_name().map(|result| path.with_file_name(result))
            && *result != *name
            && other.is_file()
        {
            return Err(format!(
                "its result and that of {} would both be {}; rename one of the photos",
                other.display(),
                result.display()
            )
            .into());
        }
        Ok(Subject {
            path,
            name,
            path_hash: hash_of(source),
            made_of: made_of(&metadata, &given.boxes, given.finds, &self.eraser.settings),
            metadata,
            given,
            target: self.output.join(result),
        })
    }

    /// The hash of the list's entry that a photo uses. It is an error if an earlier run has used
    /// the entry for another photo: the list then gives file names without folders, and the entry
    /// may be meant for either.
    fn claim_entry(&self, subject: &Subject<'_>, state: &State) -> Result<Option<String>> {
        let Some(entry) = self.eraser.source.entry(subject.path, subject.name) else {
            return Ok(None);
        };
        let hash = entry_of(&subject.given.file, &entry.name);
        // It counts only as long as its result is there: the photo may have been moved since.
        let has_used = |other: &Path| {
            other != subject.name
                && self.output.join(result_name(other)).is_file()
                && self
                    .records
                    .get(other)
                    .is_some_and(|record| record.entry.as_ref() == Some(&hash))
        };
        let by_path = Some(PathBuf::from(&entry.name)).filter(|_| entry.by_file_name);
        let others = [by_path, state.user_of(&hash)];
        if let Some(other) = others.into_iter().flatten().find(|other| has_used(other)) {
            return Err(format!(
                "the list of boxes names photos without folders, and its entry {} was used for {}; \
                 write the photos' paths into the list. If that photo is now this one, remove {}",
                entry.name,
                other.display(),
                self.output.join(result_name(&other)).display()
            )
            .into());
        }
        if entry.by_file_name {
            let noted = state.note_user(&hash, subject.name);
            noted.map_err(self.written(&self.output))?;
        }
        Ok(Some(hash))
    }

    /// What is said of a photo whose result is there and up to date.
    fn done_before(&self, subject: &Subject<'_>) -> Result<Option<Outcome>> {
        let Subject { path, name, path_hash, target, .. } = subject;
        let Some(record) = self.records.get(name) else { return Ok(None) };
        if record.photo != *path_hash {
            // It may be the same photo, moved, or on a machine that has it in another place.
            let file_error = |source| OpenPhotoError::File { path: path.to_path_buf(), source };
            if sha256_of(path).map_err(file_error)? != record.content {
                return Err(format!(
                    "{} is the result of another photo, or of this one before it was moved and \
                     changed; remove it or give another --output",
                    target.display()
                )
                .into());
            }
        }
        let mask = self.mask_path(name);
        let has_mask = mask.as_ref().is_none_or(|mask| record.has_mask(mask));
        if record.made_of != subject.made_of || !record.is_of(target) || !has_mask {
            return Ok(None);
        }
        let line = json!({
            "output": target.to_string_lossy(),
            "grown_by_percent": self.eraser.settings.growth,
            "method": self.eraser.settings.method.name(),
            "left": record.left,
        });
        if record.photo != *path_hash {
            // So that its contents need not be compared next time.
            let moved = Record { photo: path_hash.clone(), ..record };
            self.records.put(name, &moved).map_err(self.written(&self.records.path(name)))?;
        }
        Ok(Some(Outcome::DoneBefore(line)))
    }

    /// Waits for the memory that a photo takes. It is an error if there is never enough.
    fn memory_for(&self, subject: &Subject<'_>) -> Result<Share> {
        let (stored, memory) = photo_memory(subject.path)?;
        let needed = self.eraser.memory_needed(stored, memory, &subject.given)?;
        Ok(self.eraser.budget.take(needed))
    }

    /// Makes a photo's result, and writes it with its record.
    fn write_result(&self, subject: &Subject<'_>, entry: Option<String>) -> Result<Outcome> {
        let Subject { path, name, target, given, .. } = subject;
        let Some(made) = self.eraser.result(path, target, given, || Ok(photo_file(path)?))? else {
            return Ok(Outcome::LeftOut(left_out(path)));
        };
        let Made { content, mask, photo_sha256, checked, left, mut line } = made;
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(self.written(folder))?;
        }
        // Checked again, because the removal took some time.
        self.check_place(target, path)?;
        self.check_mask_place(subject)?;
        let record_path = self.records.path(name);
        self.records.remove(name).map_err(self.written(&record_path))?;
        let mask_sha256 = mask.as_deref().map(sha256_hex);
        if let (Some(path), Some(mask)) = (self.mask_path(name), mask) {
            line["mask"] = path.to_string_lossy().into();
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(self.written(folder))?;
            }
            write_again(&path, &mask).map_err(self.written(&path))?;
        }
        self.records.write(target, &content).map_err(self.written(target))?;
        let record = Record {
            photo: subject.path_hash.clone(),
            content: photo_sha256,
            made_of: subject.made_of.clone(),
            bytes: content.len() as u64,
            sha256: sha256_hex(&content),
            left: left as u64,
            checked,
            entry,
            mask: mask_sha256,
        };
        self.records.put(name, &record).map_err(self.written(&record_path))?;
        Ok(Outcome::Written(line))
    }

    pub(super) fn written(&self, path: &Path) -> impl FnOnce(io::Error) -> BatchError + use<> {
        let path = path.to_owned();
        move |source| BatchError::Write { path, source }
    }

    /// Refuses to write a file that is the photo itself, or that a link puts outside the output
    /// folder.
    fn check_place(&self, target: &Path, photo: &Path) -> Result<()> {
        check_inside(target, &self.output, "output", "--output")?;
        if is_same_file(target, photo) {
            return Err(format!(
                "its result would overwrite the photo: {} is the same file; give another --output",
                target.display()
            )
            .into());
        }
        Ok(())
    }

    /// The same for its mask, which may not be its result or what is given either.
    fn check_mask_place(&self, subject: &Subject<'_>) -> Result<()> {
        let (Some(Masks { root, .. }), Some(mask)) = (&self.masks, self.mask_path(subject.name))
        else {
            return Ok(());
        };
        check_inside(&mask, root, "masks", "--write-masks")?;
        let kept = [
            (subject.path, "the photo"),
            (subject.target.as_path(), "its result"),
            (subject.given.file.as_path(), "the file of its boxes"),
        ];
        match kept.into_iter().find(|(file, _)| is_same_file(&mask, file)) {
            Some((_, what)) => Err(format!(
                "its mask would overwrite {what}: {} is the same file; give another --write-masks",
                mask.display()
            )
            .into()),
            None => Ok(()),
        }
    }

    /// Where a photo's mask belongs.
    pub(super) fn mask_path(&self, name: &Path) -> Option<PathBuf> {
        Some(
            self.masks
                .as_ref()?
                .folder
                .join(name)
                .with_extension(MASK_SUFFIX.trim_start_matches('.')),
        )
    }
}

impl Eraser {
    /// The file of a photo without its digits, and its line of JSON; none if nothing is found and
    /// such photos are left out. `bytes` is the file of the photo, which messages call `path`, and
    /// whose result is called `target`.
    pub(super) fn result(
        &self,
        path: &Path,
        target: &Path,
        given: &Given,
        bytes: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<Option<Made>> {
        let Given { file: boxes_file, boxes, finds } = given;
        let mut clock = Clock::start();
        let unusable =
            |source: PhotoError| OpenPhotoError::Photo { path: path.to_path_buf(), source };
        let bytes = bytes()?;
        let mut photo = Photo::decode(&bytes).map_err(unusable)?;
        let mut on = on_photo(boxes, &photo, self.settings.as_stored)
            .map_err(|source| BoxesError::OnPhoto { path: boxes_file.clone(), source })?;
        let given = on.areas.len() + on.kept.len();
        let photo_sha256 = sha256_hex(&bytes);
        let opening = clock.lap();
        if *finds {
            on.areas.extend(self.finding.find_to_remove(&photo, &on.all())?);
        }
        let areas = &on.areas;
        if *finds && areas.is_empty() && self.skip_empty {
            return Ok(None);
        }
        let finding = clock.lap();
        let (mut readings, mut numbers) = (json!([]), json!([]));
        let (mut checks, mut blocks) = (Vec::new(), None);
        let mut fills = Vec::new();
        let (mut reading, mut removal) = (0.0, 0.0);
        let (content, left_out) = if areas.is_empty() {
            self.unchanged(bytes, &photo).map_err(unusable)?
        } else {
            let encoding = Encoding::of(&bytes, self.settings.metadata).map_err(unusable)?;
            // Dropped if it need not be in memory beside the photo's pixels.
            let file = Some(bytes).filter(|_| encoding.needs_file()).unwrap_or_default();
            if self.readings {
                (readings, numbers) = self.read(&photo, &on)?;
                reading = clock.lap();
            }
            let proven = self.remove_from(&mut photo, &on)?;
            removal = clock.lap();
            let changes: Vec<Change<'_>> = proven.fills.iter().map(Fill::change).collect();
            let written = encoding.write_changed(&file, &photo, &changes).map_err(unusable)?;
            (checks, fills) = (proven.checks, proven.fills);
            blocks = written.blocks;
            (written.bytes, written.left_out)
        };
        let left = left_in(&checks);
        let mut line = json!({
            "photo": path.to_string_lossy(),
            "output": target.to_string_lossy(),
            "grown_by_percent": self.settings.growth,
            "method": self.settings.method.name(),
            "readings": readings,
            "numbers": numbers,
            "checks": checks_json(&checks, &self.nets),
            "left": left,
            "metadata_left_out": left_out_json(&left_out),
            "boxes": given,
            "milliseconds": {
                "opening": opening,
                "finding": finding,
                "reading": reading,
                "removal": removal,
                "encoding": clock.lap(),
            },
        });
        if *finds {
            line["found"] = (areas.len() + on.kept.len() - given).into();
        }
        let mask = match self.settings.masks {
            true => {
                let changes: Vec<Change<'_>> = fills.iter().map(Fill::change).collect();
                Some(mask_of(photo.size(), &changes)?)
            }
            false => None,
        };
        if let Some(note) = note_blocks(&mut line, blocks) {
            self.say(&format!("{}: {note}", path.display()));
        }
        if !self.readings {
            leave_readings_out(&mut line);
        }
        // A photo without boxes has nothing to check.
        let checked = areas.is_empty()
            || self.settings.checked && !matches!(self.settings.method, Method::Report(_));
        Ok(Some(Made { content, mask, photo_sha256, checked, left, line }))
    }

    /// Removes what is in these boxes, and gives the fills and what the check found in each.
    fn remove_from(&self, photo: &mut Photo, on: &OnPhoto) -> Result<Proven> {
        let erasure = on.erasure(self.settings.growth, photo.size());
        let (method, no_check) = (&self.settings.method, !self.settings.checked);
        let proven = pollster::block_on(removed(photo, &erasure, method, &self.nets, no_check))?;
        for fill in &proven.fills {
            fill.lay_on(photo);
        }
        Ok(proven)
    }

    /// The file of a photo from which nothing is removed: the same file, with the metadata that are
    /// kept; and what is not. Only a TIFF, whose metadata are all over the file, is encoded again, and
    /// a HEIC, because its result is a JPEG.
    fn unchanged(
        &self,
        bytes: Vec<u8>,
        photo: &Photo,
    ) -> Result<(Vec<u8>, Vec<LeftOut>), PhotoError> {
        let choice = self.settings.metadata;
        if choice == Metadata::All && format_from_header(&bytes) != Some("HEIC") {
            return Ok((bytes, Vec::new()));
        }
        match with_metadata(&bytes, choice) {
            Some(stripped) => Ok(stripped),
            None => {
                let written = Encoding::of(&bytes, choice)?.write(photo)?;
                Ok((written.bytes, written.left_out))
            }
        }
    }

    /// The readings in each box, with the labels of its file, and the house numbers that they form.
    fn read(&self, photo: &Photo, on: &OnPhoto) -> Result<(Value, Value)> {
        let read = pollster::block_on(self.nets.read(photo, &on.areas))?;
        let mut readings = readings_json(&read);
        // A box that holds several digits has one label for all of them.
        let labels = read
            .iter()
            .zip(&on.labels)
            .flat_map(|(of_box, label)| of_box.digits.iter().map(|_| label.as_deref()));
        for (reading, label) in readings.as_array_mut().into_iter().flatten().zip(labels) {
            if let Some(label) = label {
                reading["label"] = label.into();
            }
        }
        Ok((readings, numbers_json(&numbers_in(&read))))
    }
}

/// Refuses to write a file that a link puts outside its folder, which is called `what` and given as
/// `option`.
fn check_inside(target: &Path, root: &Path, what: &str, option: &str) -> Result<()> {
    let folder = target.parent().unwrap_or(target);
    // Missing folders are created where the last existing one leads.
    let leads_to = folder.ancestors().find_map(|part| part.canonicalize().ok());
    match leads_to.filter(|real| !real.starts_with(root)) {
        Some(leads_to) => Err(format!(
            "{} would be written outside the {what} folder, because a link in it leads to {}; \
             remove that link or give another {option}",
            target.display(),
            leads_to.display()
        )
        .into()),
        None => Ok(()),
    }
}

/// A result in progress, until it is dropped.
struct Entered<'a> {
    all: &'a UnderWay,
    name: &'a Path,
}

impl<'a> Entered<'a> {
    /// Enters a result; `None` if that of the same photo is in progress.
    fn enter(all: &'a UnderWay, name: &'a Path, photo: &Path) -> Result<Option<Self>> {
        let mut entered = all.lock().unwrap_or_else(PoisonError::into_inner);
        match entered.get(name) {
            Some(other) if other == photo => Ok(None),
            Some(other) => {
                Err(format!("its result would overwrite that of {}", other.display()).into())
            }
            None => {
                entered.insert(name.to_owned(), photo.to_owned());
                Ok(Some(Entered { all, name }))
            }
        }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(self.name);
    }
}

/// Measures times.
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Clock(Instant::now())
    }

    /// Milliseconds since the last time, to the microsecond.
    fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let microseconds = now.duration_since(self.0).as_micros();
        self.0 = now;
        microseconds as f64 / 1e3
    }
}
