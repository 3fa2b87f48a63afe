//! Many photos, one by one: if one fails, this is reported, and the others are still done.

use std::{
    any::Any,
    fs, io, mem,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{
    Args, LeftError,
    inputs::{Input, Unusable, absolute, input, listed},
    memory::Budget,
    one::UnderWay,
    records::{Records, Settings},
    verify::Found,
};
use crate::{
    cli::{
        Context as _, Error, Result, WrongArgument,
        boxes::{BoxSource, BoxesError},
        finding::Finding,
        model::NamedNets,
        output::OutputError,
    },
    fault::{AtFault, Fault},
    files::printable,
    removal::Nets,
};

/// How often a waiting thread checks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// Why a run over many photos did not end well.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("{failed} of {all} photos failed, see above; the others are done")]
    SomeFailed { failed: u64, all: u64 },
    #[error(
        "{bad} of {all} results are not what this command would have written (\"state\" in their \
         lines); run it without --verify to make those again that are missing or have changed"
    )]
    NotWhole { bad: u64, all: u64 },
    #[error("stopped; run the same command again to continue")]
    Stopped,
    #[error("{}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("{}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{}: no photo in this folder", path.display())]
    NoPhotos { path: PathBuf },
}

impl AtFault for BatchError {
    fn fault(&self) -> Fault {
        match self {
            BatchError::SomeFailed { .. } | BatchError::NotWhole { .. } => Fault::SomeFailed,
            BatchError::Stopped => Fault::Stopped,
            BatchError::Folder { .. } | BatchError::NoPhotos { .. } => Fault::Input,
            BatchError::Write { .. } => Fault::Other,
        }
    }
}

/// The state of a run, shared by its threads.
pub(super) struct Batch {
    pub(super) source: BoxSource,
    pub(super) records: Records,
    pub(super) output: PathBuf,
    pub(super) settings: Settings,
    pub(super) pass_unlisted: bool,
    /// Whether photos are tried again that have killed the program.
    pub(super) retry: bool,
    /// Whether this is the process of one photo.
    pub(super) apart: bool,
    /// Photos that were in work when an earlier run was killed, to be done after all others.
    put_off: Mutex<Vec<Input>>,
    /// Whether the JSON contains readings.
    pub(super) readings: bool,
    pub(super) nets: Nets,
    pub(super) finding: Finding,
    /// When digits are found.
    pub(super) finds: Finds,
    /// Whether photos in which nothing is found have no result.
    pub(super) skip_empty: bool,
    pub(super) budget: Budget,
    pub(super) bar: ProgressBar,
    pub(super) under_way: UnderWay,
    pub(super) tally: Tally,
    /// What `--verify` has found.
    pub(super) condition: Found,
    pub(super) stop: AtomicBool,
    /// The error that ended the run early.
    fatal: Mutex<Option<Error>>,
    pub(super) foreign_label_said: AtomicBool,
}

/// When digits are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finds {
    Never,
    /// In photos that have no boxes.
    WithoutBoxes,
    /// In all photos, beside their boxes.
    Always,
}

#[derive(Default)]
pub(super) struct Tally {
    pub(super) found: AtomicU64,
    written: AtomicU64,
    done_before: AtomicU64,
    failed: AtomicU64,
    /// Photos in which nothing was found.
    empty: AtomicU64,
    /// Photos that are done, but on which something of a digit may still be visible.
    left: AtomicU64,
}

impl Tally {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A photo that is done.
pub(super) enum Outcome {
    Written(Value),
    DoneBefore(Value),
    /// Nothing was done; this is what its result is.
    Looked(Value),
    /// Nothing was found, so there is no result.
    LeftOut(Value),
    /// The run was stopped before the photo was begun.
    NotBegun,
    /// It is to be done after all others.
    PutOff,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let method = args.method.method()?;
    let folder = (args.photo.as_os_str() != "-").then_some(args.photo.as_path());
    let many = &args.many;
    if let Some(folder) = folder {
        if many.null || many.root.is_some() {
            return Err(WrongArgument(
                "-0 and --root are for a list of photos; for one, give - as the photo".to_owned(),
            )
            .into());
        }
        let error = |source| BatchError::Folder { path: folder.to_owned(), source };
        fs::read_dir(folder).map_err(error)?;
        keep_apart(folder, &args.output)?;
    }
    let file = args.boxes.as_deref();
    let source = BoxSource::open(file, args.boxes_format)?;
    if let BoxSource::One { path, .. } = source {
        return Err(BoxesError::OfOnePhoto { path }.into());
    }
    let NamedNets { nets, sha256: model, .. } = args.model.load_nets()?;
    let classifier = nets.classifier.clone();
    let finding = Finding::load(&args.finding.options, &args.model, classifier)?;
    let finds = match (args.finding.finds(false), file) {
        (true, _) => Finds::Always,
        (false, None) if !many.pass_unlisted => Finds::WithoutBoxes,
        (false, _) => Finds::Never,
    };
    let records = match &many.apart {
        Some(_) => Records::apart(&args.output, many.shard)?,
        None if many.verify => Records::look(&args.output)?,
        None => Records::claim(&args.output, many.shard)?,
    };
    let output = args.output.canonicalize();
    let output = output.context(args.output.display())?;
    let batch = Arc::new(Batch {
        source,
        records,
        output,
        settings: Settings {
            growth: args.grow,
            keep_exif: many.keep_exif,
            checked: !args.no_check,
            method,
            model,
            finder: finding.made_of(),
        },
        pass_unlisted: many.pass_unlisted,
        retry: many.retry,
        apart: many.apart.is_some(),
        put_off: Mutex::default(),
        readings: !args.no_readings,
        finding,
        finds,
        skip_empty: args.skip_empty,
        budget: many.memory.map_or_else(Budget::usual, Budget::new),
        nets,
        bar: ProgressBar::new(0).with_style(ProgressStyle::with_template(
            "[{bar:30}] {pos}/{len} photos, {per_sec:.1}, {eta} left",
        )?),
        under_way: UnderWay::default(),
        tally: Tally::default(),
        condition: Found::default(),
        stop: AtomicBool::new(false),
        fatal: Mutex::default(),
        foreign_label_said: AtomicBool::new(false),
    });
    listen_for_ctrl_c(&batch)?;
    if let Some(photo) = &many.apart {
        batch.end_with_the_run();
        return batch.work_apart(input(photo, folder, many.root.as_deref()));
    }
    let jobs = many.jobs.or_else(|| thread::available_parallelism().ok());
    batch.work(folder, args, jobs.map_or(1, NonZeroUsize::get))
}

/// Refuses an output folder that is the photos' own, or in it, or contains it: photos would be
/// overwritten, or results taken for photos.
fn keep_apart(photos: &Path, output: &Path) -> Result<()> {
    let photos = photos.canonicalize().context(photos.display())?;
    // A part of its path that does not exist yet cannot be a link.
    let path = absolute(output)?;
    let there = path.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
    let in_full = there.map_or(path.clone(), |(part, real)| {
        path.strip_prefix(part).map_or(real.clone(), |rest| real.join(rest))
    });
    let reason = if in_full == photos {
        "this is the folder of the photos itself"
    } else if in_full.starts_with(&photos) {
        "this is inside the folder of the photos"
    } else if photos.starts_with(&in_full) {
        "the folder of the photos is inside this one"
    } else {
        return Ok(());
    };
    let refused = format!("{}: {reason}; give a folder apart from it", output.display());
    Err(WrongArgument(refused).into())
}

fn listen_for_ctrl_c(batch: &Arc<Batch>) -> Result<()> {
    // The handler stays until the process ends, but must not keep the folder locked until then.
    let batch = Arc::downgrade(batch);
    ctrlc::set_handler(move || {
        let Some(batch) = batch.upgrade() else { return };
        if batch.stop.swap(true, Ordering::Relaxed) {
            // At the second time, stop immediately; no photo is to blame for that.
            match batch.records.state() {
                Some(state) => state.forgive_and_exit(130),
                None => process::exit(130),
            }
        }
        note!(
            "\ndoorplate: stopping after the photos under way; press Ctrl-C again to stop at once"
        );
    })
    .context("listening for Ctrl-C")
}

impl Batch {
    /// Does all photos on `jobs` threads.
    fn work(self: &Arc<Self>, folder: Option<&Path>, args: &Args, jobs: usize) -> Result<()> {
        let started = Instant::now();
        let shard = args.many.shard;
        // A short queue, so that a large folder is not listed far ahead.
        let (sender, receiver) = sync_channel(2 * jobs);
        let batch = Arc::clone(self);
        match folder {
            Some(folder) => {
                let folder = folder.to_owned();
                self.know_all(&folder);
                if !self.bar.is_hidden() {
                    self.count(&folder, shard);
                }
                thread::spawn(move || {
                    batch.feed_folder(&folder, shard, &sender);
                    // Before the sender, which is what the threads wait for: the last to hold the
                    // batch gives the locks back, and must not be a thread that ends with the
                    // process.
                    drop(batch);
                    drop(sender);
                });
            }
            None => {
                let (null, root) = (args.many.null, args.many.root.clone());
                // If the run stops early, this thread is left behind, because reading cannot be
                // interrupted.
                thread::spawn(move || {
                    for input in listed(io::stdin().lock(), null, root) {
                        if !batch.feed(input, shard, &sender, true) {
                            break;
                        }
                    }
                    drop(batch);
                    drop(sender);
                });
            }
        }
        let receiver = Mutex::new(receiver);
        thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| self.work_off(&receiver));
            }
        });
        for input in mem::take(&mut *self.put_off()) {
            if !self.stop.load(Ordering::Relaxed) {
                self.do_one(Ok(input), Turn::Last);
            }
        }
        if self.records.state().is_none()
            && shard.is_none()
            && !self.stop.load(Ordering::Relaxed)
            && let Some(folder) = folder
        {
            self.verify_no_others(folder)?;
        }
        self.bar.finish_and_clear();
        self.sum_up(folder, started.elapsed(), jobs)
    }

    /// Does the only photo of this process.
    fn work_apart(&self, input: Fed) -> Result<()> {
        let started = Instant::now();
        Tally::add(&self.tally.found);
        self.do_one(input, Turn::Last);
        self.sum_up(None, started.elapsed(), 1)
    }

    fn put_off(&self) -> MutexGuard<'_, Vec<Input>> {
        // The list is complete even after a panic elsewhere.
        self.put_off.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sums the run up.
    fn sum_up(&self, folder: Option<&Path>, time: Duration, jobs: usize) -> Result<()> {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (written, failed) = (count(&self.tally.written), count(&self.tally.failed));
        let (done_before, left) = (count(&self.tally.done_before), count(&self.tally.left));
        let fatal = self.fatal.lock().unwrap_or_else(PoisonError::into_inner).take();
        let unheard = fatal.as_ref().is_some_and(|error| error.fault() == Fault::Unheard);
        if self.records.state().is_none() {
            note!("doorplate: {}, {failed} failed", self.condition.summary(left));
        } else if !unheard {
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
        if let Some(error) = fatal {
            return Err(error);
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err(BatchError::Stopped.into());
        }
        if let Some(folder) = folder
            && count(&self.tally.found) == 0
            && failed == 0
        {
            return Err(BatchError::NoPhotos { path: folder.to_owned() }.into());
        }
        let (looked, bad) = self.condition.all_and_bad();
        let left_out = if self.skip_empty { count(&self.tally.empty) } else { 0 };
        let all = written + done_before + looked + left_out + failed;
        if bad > 0 {
            return Err(BatchError::NotWhole { bad: bad + failed, all }.into());
        }
        if failed > 0 {
            return Err(BatchError::SomeFailed { failed, all }.into());
        }
        if left > 0 {
            return Err(LeftError::OnSome { photos: left, all }.into());
        }
        Ok(())
    }

    /// Prints a message without disturbing the progress bar.
    pub(super) fn say(&self, text: &str) {
        self.bar.suspend(|| note!("doorplate: {}", printable(text)));
    }

    /// Does photos until there are no more.
    fn work_off(&self, receiver: &Mutex<Receiver<Fed>>) {
        // The engine shares its work among the threads of the pool in which it is called. Here each
        // thread has its own photo, and sharing would make threads wait for each other.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        if let Err(error) = &pool {
            self.say(&format!("all threads share one pool, which is slower ({error})"));
        }
        while !self.stop.load(Ordering::Relaxed) {
            let next = {
                let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
                receiver.recv_timeout(PATIENCE)
            };
            let input = match next {
                Ok(input) => input,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            self.do_one(input, Turn::First);
        }
    }

    /// Does one photo, and says how that ended.
    fn do_one(&self, input: Fed, turn: Turn) {
        let (photo, done) = match input {
            Ok(input) => {
                // Decoders are foreign code, and a panic on one photo of a million must not end
                // the run.
                let done = catch_unwind(AssertUnwindSafe(|| match self.records.state() {
                    Some(state) => self.erase(&input, state, turn),
                    None => self.verify(&input),
                }));
                let done = done.unwrap_or_else(|panic| Err(panicked(&*panic)));
                if let Ok(Outcome::PutOff) = done {
                    self.put_off().push(input);
                    return;
                }
                (input.photo, done)
            }
            Err(Unusable { path, problem }) => (path, Err(Error::from(problem))),
        };
        if let Err(error) = self.tell(&photo, done) {
            self.give_up(error.into());
        }
        self.bar.inc(1);
    }

    /// Ends the run early.
    fn give_up(&self, error: Error) {
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Prints one line of JSON about a photo.
    fn tell(&self, photo: &Path, done: Result<Outcome>) -> Result<(), OutputError> {
        let line = match done {
            Ok(Outcome::Written(line)) => {
                Tally::add(&self.tally.written);
                self.note_empty(&line);
                self.note_left(photo, &line);
                line
            }
            Ok(Outcome::DoneBefore(mut line)) => {
                Tally::add(&self.tally.done_before);
                self.note_left(photo, &line);
                line["photo"] = photo.to_string_lossy().into();
                line["skipped"] = true.into();
                line
            }
            Ok(Outcome::NotBegun | Outcome::PutOff) => return Ok(()),
            Ok(Outcome::LeftOut(line)) => {
                self.note_empty(&line);
                line
            }
            Ok(Outcome::Looked(line)) => {
                self.note_left(photo, &line);
                line
            }
            Err(error) => {
                Tally::add(&self.tally.failed);
                let message = error.to_string();
                let name = photo.display().to_string();
                let named = message.starts_with(&name);
                self.say(&if named { message.clone() } else { format!("{name}: {message}") });
                let line = json!({ "photo": photo.to_string_lossy(), "error": message });
                if hopeless(&error) {
                    self.give_up(error);
                }
                line
            }
        };
        self.print(&line)
    }

    /// Prints a line of JSON.
    pub(super) fn print(&self, line: &Value) -> Result<(), OutputError> {
        tell!("{line}")
    }

    /// Counts a photo in which nothing was found.
    fn note_empty(&self, line: &Value) {
        if line["found"] == 0 && line["boxes"] == 0 {
            Tally::add(&self.tally.empty);
        }
    }

    /// Counts and reports a photo on which something of a digit is left.
    fn note_left(&self, photo: &Path, line: &Value) {
        let boxes = line["left"].as_u64().unwrap_or(0);
        if boxes > 0 {
            Tally::add(&self.tally.left);
            self.say(&format!(
                "{}: in {boxes} of its boxes something of a digit may still be visible",
                photo.display()
            ));
        }
    }
}

/// When a photo's turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    First,
    /// After all others.
    Last,
}

/// What the list of photos sends to the threads.
pub(super) type Fed = Result<Input, Unusable>;

/// A panic's message as an error.
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    Error::from(format!(
        "an error in this program ({}); please report it",
        text.unwrap_or("no reason given")
    ))
}

/// Whether an error will also affect all further photos.
fn hopeless(error: &Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    error.as_io().is_some_and(|error| {
        matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
    })
}
