//! What removes digits from many photos, wherever they come from and their results go: the options,
//! the networks, the memory, and the counts.

use std::{
    any::Any,
    borrow::Cow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use indicatif::ProgressBar;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::{Value, json};

use super::{Args, LeftError, batch::BatchError, check_masks, records::Settings, source};
use crate::{
    boxes::{PhotoBoxes, Unit},
    cli::{
        Error, Result,
        boxes::{BoxSource, BoxesError, grow},
        finding::Finding,
        memory::Budget,
        model::NamedNets,
    },
    files::printable,
    finder::MEMORY_OF_FINDING,
    photo::{MEMORY_OF_BOXES, PhotoSize},
    removal::Nets,
};

/// What is said when a run is being stopped.
pub(super) const STOPPING: &str = "stopping after the photos in progress";

/// Digits that are not found yet are expected to take up this part of their photo.
const FOUND: u64 = 20;

/// What removes digits from photos, for all threads.
pub(super) struct Eraser {
    pub(super) source: BoxSource,
    pub(super) settings: Settings,
    pass_unlisted: bool,
    /// Whether the JSON contains readings.
    pub(super) readings: bool,
    pub(super) nets: Nets,
    pub(super) finding: Finding,
    /// When digits are found.
    finds: Finds,
    /// Whether photos in which nothing is found have no result.
    pub(super) skip_empty: bool,
    pub(super) budget: Arc<Budget>,
    pub(super) bar: ProgressBar,
    pub(super) tally: Tally,
    foreign_label_said: AtomicBool,
}

/// When digits are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finds {
    Never,
    /// In photos that have no boxes.
    WithoutBoxes,
    /// In all photos, beside their boxes.
    Always,
}

/// A photo's boxes, and whether others are found.
#[derive(Debug)]
pub(super) struct Given {
    /// The file that gives them, for messages; empty if there is none.
    pub(super) file: PathBuf,
    pub(super) boxes: PhotoBoxes,
    /// Whether digits are found beside them.
    pub(super) finds: bool,
}

/// Counts of photos.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) found: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) done_before: AtomicU64,
    pub(super) failed: AtomicU64,
    /// Photos in which nothing was found.
    empty: AtomicU64,
    /// Photos that are done, but on which something of a digit may still be visible.
    pub(super) left: AtomicU64,
}

impl Tally {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The line of a photo in which nothing is found, if such photos are left out.
pub(super) fn left_out(photo: &Path) -> Value {
    json!({ "photo": photo.to_string_lossy(), "boxes": 0, "found": 0, "left_out": true })
}

impl Eraser {
    /// Loads what the arguments name. `bar` shows the progress.
    pub(super) fn load(args: &Args, bar: ProgressBar) -> Result<Self> {
        let file = args.masks.as_deref().or(args.boxes.as_deref());
        let method = args.method.method()?;
        check_masks(args, &method)?;
        let source = source(args)?;
        if let BoxSource::One { path, .. } = source {
            return Err(BoxesError::OfOnePhoto { path }.into());
        }
        let NamedNets { nets, sha256: model, .. } = args.model.load_nets_for(&method)?;
        let finding = Finding::load(&args.finding.options, &args.model, nets.clone())?;
        let many = &args.many;
        let finds = match (args.finding.finds(false), file) {
            (true, _) => Finds::Always,
            (false, None) if !many.pass_unlisted => Finds::WithoutBoxes,
            (false, _) => Finds::Never,
        };
        Ok(Eraser {
            source,
            settings: Settings {
                growth: args.grow,
                as_stored: args.boxes_as_stored,
                masks: args.write_masks.is_some(),
                metadata: args.metadata,
                checked: !args.no_check,
                method,
                model,
                finder: finding.made_of(),
            },
            pass_unlisted: many.pass_unlisted,
            readings: !args.no_readings,
            nets,
            finding,
            finds,
            skip_empty: args.skip_empty,
            budget: Arc::new(many.memory.map_or_else(Budget::usual, Budget::new)),
            bar,
            tally: Tally::default(),
            foreign_label_said: AtomicBool::new(false),
        })
    }

    /// A photo's boxes as its file gives them, or none, if a photo without boxes can be done.
    pub(super) fn given(
        &self,
        found: Result<(PathBuf, Cow<'_, PhotoBoxes>), BoxesError>,
    ) -> Result<Given, BoxesError> {
        let (file, boxes) = match found {
            Ok((file, boxes)) => (file, boxes.into_owned()),
            Err(error)
                if error.is_unlisted() && (self.pass_unlisted || self.finds != Finds::Never) =>
            {
                let none = PhotoBoxes::new(Vec::new(), Unit::Pixels);
                (PathBuf::new(), none)
            }
            Err(error) => return Err(error),
        };
        let finds = match self.finds {
            Finds::Never => false,
            // An empty file of boxes says that there is no digit.
            Finds::WithoutBoxes => file.as_os_str().is_empty(),
            Finds::Always => true,
        };
        Ok(Given { file, boxes, finds })
    }

    /// The memory that a photo takes with its boxes. `memory` is what it takes without them. It is
    /// an error if there is never enough.
    pub(super) fn memory_needed(
        &self,
        stored: PhotoSize,
        memory: u64,
        given: &Given,
    ) -> Result<u64> {
        // Its boxes are on the photo as it is shown, which may be turned. What is wrong with them
        // is told later.
        let turned = PhotoSize { width: stored.height, height: stored.width };
        let pixels_on = |size| {
            let areas = given.boxes.on(size).ok()?;
            let grown = grow(&areas, self.settings.growth, size);
            Some(grown.iter().map(|area| u64::from(area.width) * u64::from(area.height)).sum())
        };
        let mut pixels: u64 = pixels_on(stored).or_else(|| pixels_on(turned)).unwrap_or(0);
        let mut memory = memory;
        if given.finds {
            pixels += u64::from(stored.width) * u64::from(stored.height) / FOUND;
            memory += MEMORY_OF_FINDING;
        }
        let of_boxes = pixels.saturating_mul(MEMORY_OF_BOXES);
        Ok(self.budget.admits(memory, of_boxes)?)
    }

    /// Notes that a photo uses its entry in a list of boxes. It is an error if another photo uses the
    /// same one.
    pub(super) fn take_entry(&self, photo: &Path, name: &Path) -> Result<(), String> {
        match self.source.take(photo, name) {
            None => Ok(()),
            Some(other) => Err(format!(
                "the list of boxes names photos without folders, and {} has this name too",
                other.display()
            )),
        }
    }

    /// Prints a message without disturbing the progress bar.
    pub(super) fn say(&self, text: &str) {
        self.bar.suspend(|| note!("doorplate: {}", printable(text)));
    }

    /// Makes the thread that calls this compute alone. The engine shares its work among the threads
    /// of the pool in which it is called; here each thread has its own photo, and sharing would make
    /// threads wait for each other.
    ///
    /// It does so as long as the result is held.
    pub(super) fn compute_alone(&self) -> Option<ThreadPool> {
        let pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        if let Err(error) = &pool {
            self.say(&format!("all threads share one pool, which is slower ({error})"));
        }
        pool.ok()
    }

    /// Reports once that boxes of a class that is not a digit are removed as well.
    pub(super) fn note_foreign_label(&self, Given { file, boxes, .. }: &Given) {
        if let Some(label) = boxes.foreign_label()
            && !self.foreign_label_said.swap(true, Ordering::Relaxed)
        {
            // The class may be the very number that is removed.
            let which = match self.readings {
                true => format!("the class {label:?}"),
                false => "a class".to_owned(),
            };
            self.say(&format!(
                "{}: {which} is not a digit; boxes of such classes are removed like all others \
                 (this is reported once)",
                file.display()
            ));
        }
    }

    /// Counts a photo in which nothing was found.
    pub(super) fn note_empty(&self, line: &Value) {
        if line["found"] == 0 && line["boxes"] == 0 {
            Tally::add(&self.tally.empty);
        }
    }

    /// Counts and reports a photo on which something of a digit is left.
    pub(super) fn note_left(&self, photo: &Path, line: &Value) {
        let boxes = line["left"].as_u64().unwrap_or(0);
        if boxes > 0 {
            Tally::add(&self.tally.left);
            self.say(&format!(
                "{}: in {boxes} of its boxes something of a digit may still be visible",
                photo.display()
            ));
        }
    }

    /// Counts and reports a photo that failed; gives its line.
    pub(super) fn note_failed(&self, photo: &Path, error: &Error) -> Value {
        Tally::add(&self.tally.failed);
        let message = error.to_string();
        let name = photo.display().to_string();
        let named = message.starts_with(&name);
        self.say(&if named { message.clone() } else { format!("{name}: {message}") });
        json!({ "photo": photo.to_string_lossy(), "error": message })
    }

    /// Says how many photos were done in this time on so many threads.
    pub(super) fn say_counts(&self, time: Duration, jobs: usize) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (written, failed) = (count(&self.tally.written), count(&self.tally.failed));
        let done_before = count(&self.tally.done_before);
        let seconds = time.as_secs_f64();
        note!(
            "doorplate: {written} photos written, {done_before} were done before, {failed} \
             failed; {seconds:.1} s, {:.1} a second on {jobs} threads",
            (written + failed) as f64 / seconds.max(1e-3)
        );
        let empty = count(&self.tally.empty);
        if empty > 0 {
            let what = if self.skip_empty { "left out" } else { "written unchanged" };
            note!(
                "doorplate: no number was found in {empty} photos, which were {what}; look \
                 through them with `doorplate find --review`"
            );
        }
    }

    /// The photos that are left out because nothing was found.
    pub(super) fn count_left_out(&self) -> u64 {
        if self.skip_empty { self.tally.empty.load(Ordering::Relaxed) } else { 0 }
    }

    /// Whether any of `all` photos failed, or something of a digit is left on any.
    pub(super) fn judge(&self, all: u64) -> Result<()> {
        let failed = self.tally.failed.load(Ordering::Relaxed);
        if failed > 0 {
            return Err(BatchError::SomeFailed { failed, all }.into());
        }
        let left = self.tally.left.load(Ordering::Relaxed);
        if left > 0 {
            return Err(LeftError::OnSome { photos: left, all }.into());
        }
        Ok(())
    }
}

/// A panic's message as an error. Decoders are foreign code, and a panic on one photo of a million
/// must not end the run.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    Error::from(format!(
        "an error in this program ({}); please report it",
        text.unwrap_or("no reason given")
    ))
}
