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
    batch::{Batch, BatchError, Finds, Outcome, Turn},
    checks_json,
    inputs::{Input, absolute},
    leave_readings_out, left_in,
    memory::Share,
    note_blocks,
    records::{RECORDS, Record, entry_of, hash_of, made_of, sha256_of},
    removed,
    state::{State, Suspicion},
};
use crate::{
    boxes::{PhotoBoxes, Unit},
    cli::{
        Result,
        boxes::{BoxesError, grow},
        read::{OpenPhotoError, numbers_in, numbers_json, photo_file, photo_memory, readings_json},
    },
    finder::MEMORY_OF_FINDING,
    photo::{
        BoxInPhoto, Change, Encoding, MEMORY_OF_BOXES, Photo, PhotoError, PhotoSize,
        without_metadata,
    },
    publication::sha256_hex,
    removal::{Fill, Method, Proven},
};

/// Digits that are not found yet are expected to take up this part of their photo.
const FOUND: u64 = 20;

/// Photos whose results are in progress, by the results' names.
pub(super) type UnderWay = Mutex<HashMap<PathBuf, PathBuf>>;

/// A photo with all that its result depends on.
pub(super) struct Subject<'a> {
    pub(super) path: &'a Path,
    pub(super) name: &'a Path,
    pub(super) metadata: fs::Metadata,
    /// The hash of the photo's path.
    path_hash: String,
    boxes_file: PathBuf,
    pub(super) boxes: PhotoBoxes,
    /// Whether digits are found beside them.
    finds: bool,
    /// Where the result belongs.
    pub(super) target: PathBuf,
    pub(super) made_of: String,
}

/// A photo without its digits.
struct Made {
    /// Its file.
    content: Vec<u8>,
    /// The SHA-256 of the photo's file.
    photo_sha256: String,
    /// Whether nothing was removed.
    nothing: bool,
    /// In how many boxes something of a digit may still be seen.
    left: usize,
    /// Its line of JSON.
    line: Value,
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
        self.note_foreign_label(&subject.boxes_file, &subject.boxes);
        self.check_place(&subject.target, subject.path)?;
        self.check_place(&self.records.path(subject.name), subject.path)?;
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
                self.say(&format!(
                    "{}: an earlier run ended without a word while this photo was in work; it is \
                     done alone now",
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
        let (boxes_file, boxes) = match self.source.find(path, name) {
            Ok((file, boxes)) => (file, boxes.into_owned()),
            Err(error)
                if error.is_unlisted() && (self.pass_unlisted || self.finds != Finds::Never) =>
            {
                let none = PhotoBoxes { boxes: Vec::new(), unit: Unit::Pixels, drawn_on: None };
                (PathBuf::new(), none)
            }
            Err(error) => return Err(error.into()),
        };
        let finds = match self.finds {
            Finds::Never => false,
            // An empty file of boxes says that there is no digit.
            Finds::WithoutBoxes => boxes_file.as_os_str().is_empty(),
            Finds::Always => true,
        };
        Ok(Subject {
            path,
            name,
            path_hash: hash_of(source),
            made_of: made_of(&metadata, &boxes, finds, &self.settings),
            metadata,
            boxes_file,
            boxes,
            finds,
            target: self.output.join(name),
        })
    }

    /// The hash of the list's entry that a photo uses. It is an error if an earlier run has used
    /// the entry for another photo: the list then gives file names without folders, and the entry
    /// may be meant for either.
    fn claim_entry(&self, subject: &Subject<'_>, state: &State) -> Result<Option<String>> {
        let Some(entry) = self.source.entry(subject.path, subject.name) else { return Ok(None) };
        let hash = entry_of(&subject.boxes_file, &entry.name);
        // It counts only as long as its result is there: the photo may have been moved since.
        let has_used = |other: &Path| {
            other != subject.name
                && self.output.join(other).is_file()
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
                self.output.join(&other).display()
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
        if record.made_of != subject.made_of || !record.is_of(target) {
            return Ok(None);
        }
        let line = json!({
            "output": target.to_string_lossy(),
            "grown_by_percent": self.settings.growth,
            "method": self.settings.method.name(),
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
    fn memory_for(&self, subject: &Subject<'_>) -> Result<Share<'_>> {
        let (stored, memory) = photo_memory(subject.path)?;
        // Its boxes are on the photo as it is shown, which may be turned. What is wrong with them
        // is told later.
        let turned = PhotoSize { width: stored.height, height: stored.width };
        let pixels_on = |size| {
            let areas = subject.boxes.on(size).ok()?;
            let grown = grow(&areas, self.settings.growth, size);
            Some(grown.iter().map(|area| u64::from(area.width) * u64::from(area.height)).sum())
        };
        let mut pixels: u64 = pixels_on(stored).or_else(|| pixels_on(turned)).unwrap_or(0);
        let mut memory = memory;
        if subject.finds {
            pixels += u64::from(stored.width) * u64::from(stored.height) / FOUND;
            memory += MEMORY_OF_FINDING;
        }
        let of_boxes = pixels.saturating_mul(MEMORY_OF_BOXES);
        let needed = self.budget.admits(memory, of_boxes)?;
        Ok(self.budget.take(needed))
    }

    /// Makes a photo's result, and writes it with its record.
    fn write_result(&self, subject: &Subject<'_>, entry: Option<String>) -> Result<Outcome> {
        let Subject { path, name, target, .. } = subject;
        let Some(made) = self.result(subject)? else {
            return Ok(Outcome::LeftOut(json!({
                "photo": path.to_string_lossy(), "boxes": 0, "found": 0, "left_out": true,
            })));
        };
        let Made { content, photo_sha256, nothing, left, line } = made;
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(self.written(folder))?;
        }
        // Checked again, because the removal took some time.
        self.check_place(target, path)?;
        let record_path = self.records.path(name);
        self.records.remove(name).map_err(self.written(&record_path))?;
        self.records.write(target, &content).map_err(self.written(target))?;
        let record = Record {
            photo: subject.path_hash.clone(),
            content: photo_sha256,
            made_of: subject.made_of.clone(),
            bytes: content.len() as u64,
            sha256: sha256_hex(&content),
            left: left as u64,
            // A photo without boxes has nothing to check.
            checked: nothing
                || self.settings.checked && !matches!(self.settings.method, Method::Report(_)),
            entry,
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
        let folder = target.parent().unwrap_or(target);
        // Missing folders are created where the last existing one leads.
        let leads_to = folder.ancestors().find_map(|part| part.canonicalize().ok());
        if let Some(leads_to) = leads_to.filter(|real| !real.starts_with(&self.output)) {
            return Err(format!(
                "{} would be written outside the output folder, because a link in it leads to {}; \
                 remove that link or give another --output",
                target.display(),
                leads_to.display()
            )
            .into());
        }
        if is_same_file(target, photo) {
            return Err(format!(
                "its result would overwrite the photo: {} is the same file; give another --output",
                target.display()
            )
            .into());
        }
        Ok(())
    }

    /// The file of a photo without its digits, and its line of JSON; none if nothing is found and
    /// such photos are left out.
    fn result(&self, subject: &Subject<'_>) -> Result<Option<Made>> {
        let Subject { path, target, boxes_file, boxes, .. } = subject;
        let mut clock = Clock::start();
        let bytes = photo_file(path)?;
        let unusable =
            |source: PhotoError| OpenPhotoError::Photo { path: path.to_path_buf(), source };
        let mut photo = Photo::decode(&bytes).map_err(unusable)?;
        let mut areas = boxes
            .on(photo.size())
            .map_err(|source| BoxesError::OnPhoto { path: boxes_file.clone(), source })?;
        let given = areas.len();
        let photo_sha256 = sha256_hex(&bytes);
        let opening = clock.lap();
        if subject.finds {
            areas.extend(self.finding.find_beside(&photo, &areas)?);
        }
        if subject.finds && areas.is_empty() && self.skip_empty {
            return Ok(None);
        }
        let finding = clock.lap();
        let (mut readings, mut numbers) = (json!([]), json!([]));
        let (mut checks, mut blocks) = (Vec::new(), None);
        let (mut reading, mut removal) = (0.0, 0.0);
        let content = if areas.is_empty() {
            self.unchanged(bytes, &photo).map_err(unusable)?
        } else {
            let encoding = Encoding::of(&bytes, self.settings.keep_exif).map_err(unusable)?;
            // Dropped if it need not be in memory beside the photo's pixels.
            let file = Some(bytes).filter(|_| encoding.is_jpeg()).unwrap_or_default();
            if self.readings {
                (readings, numbers) = self.read(&photo, &areas, boxes)?;
                reading = clock.lap();
            }
            let proven = self.remove_from(&mut photo, &areas)?;
            removal = clock.lap();
            let changes: Vec<Change<'_>> = proven.fills.iter().map(Fill::change).collect();
            let written = encoding.write_changed(&file, &photo, &changes).map_err(unusable)?;
            checks = proven.checks;
            blocks = written.blocks;
            written.bytes
        };
        let left = left_in(&checks);
        let mut line = json!({
            "photo": path.to_string_lossy(),
            "output": target.to_string_lossy(),
            "grown_by_percent": self.settings.growth,
            "method": self.settings.method.name(),
            "readings": readings,
            "numbers": numbers,
            "checks": checks_json(&checks),
            "left": left,
            "boxes": given,
            "milliseconds": {
                "opening": opening,
                "finding": finding,
                "reading": reading,
                "removal": removal,
                "encoding": clock.lap(),
            },
        });
        if subject.finds {
            line["found"] = (areas.len() - given).into();
        }
        if let Some(note) = note_blocks(&mut line, blocks) {
            self.say(&format!("{}: {note}", path.display()));
        }
        if !self.readings {
            leave_readings_out(&mut line);
        }
        Ok(Some(Made { content, photo_sha256, nothing: areas.is_empty(), left, line }))
    }

    /// Removes what is in these boxes, and gives the fills and what the check found in each.
    fn remove_from(&self, photo: &mut Photo, areas: &[BoxInPhoto]) -> Result<Proven> {
        let grown = grow(areas, self.settings.growth, photo.size());
        let (method, no_check) = (&self.settings.method, !self.settings.checked);
        let proven = pollster::block_on(removed(photo, &grown, method, &self.nets, no_check))?;
        for fill in &proven.fills {
            fill.lay_on(photo);
        }
        Ok(proven)
    }

    /// The file of a photo from which nothing is removed: the same file, without its metadata
    /// unless they are kept. Only a TIFF is encoded again, as its metadata are all over the file.
    fn unchanged(&self, bytes: Vec<u8>, photo: &Photo) -> Result<Vec<u8>, PhotoError> {
        if self.settings.keep_exif {
            return Ok(bytes);
        }
        match without_metadata(&bytes) {
            Some(stripped) => Ok(stripped),
            None => Encoding::of(&bytes, false)?.write(photo),
        }
    }

    /// The readings in each box, with the labels of its file, and the house numbers that they form.
    fn read(
        &self,
        photo: &Photo,
        areas: &[BoxInPhoto],
        boxes: &PhotoBoxes,
    ) -> Result<(Value, Value)> {
        let read = pollster::block_on(self.nets.read(photo, areas))?;
        let mut readings = readings_json(&read);
        // A box that holds several digits has one label for all of them.
        let labels = read
            .iter()
            .zip(&boxes.boxes)
            .flat_map(|(of_box, given)| of_box.digits.iter().map(|_| given.label.as_deref()));
        for (reading, label) in readings.as_array_mut().into_iter().flatten().zip(labels) {
            if let Some(label) = label {
                reading["label"] = label.into();
            }
        }
        Ok((readings, numbers_json(&numbers_in(&read))))
    }

    /// Reports once that boxes of a class that is not a digit are removed as well.
    fn note_foreign_label(&self, file: &Path, boxes: &PhotoBoxes) {
        if let Some(label) = boxes.foreign_label()
            && !self.foreign_label_said.swap(true, Ordering::Relaxed)
        {
            self.say(&format!(
                "{}: the class {label:?} is not a digit; boxes of such classes are removed like \
                 all others (this is reported once)",
                file.display()
            ));
        }
    }
}

/// Whether two paths lead to the same file, also through links and mounts.
#[cfg(unix)]
fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // A link at the place itself is replaced, not the file it leads to.
    let of = |metadata: io::Result<fs::Metadata>| metadata.ok().map(|it| (it.dev(), it.ino()));
    let a = of(fs::symlink_metadata(a));
    a.is_some() && a == of(fs::metadata(b))
}

#[cfg(not(unix))]
fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
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
