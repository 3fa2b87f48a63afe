//! Many photos, one by one: if one fails, this is reported, and the others are still done.

use std::{
    fs, io, mem,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::{
    Args,
    eraser::{Eraser, STOPPING, Tally, panicked},
    inputs::{Input, Unusable, input, listed},
    one::UnderWay,
    records::{Records, claim_masks},
    verify::Found,
};
use crate::{
    cli::{
        Context as _, Error, Result, WrongArgument,
        output::OutputError,
        places::{in_full, keep, keep_apart},
        stop::{Late, listen},
    },
    fault::{AtFault, Fault},
};

/// How often a waiting thread checks whether it should stop.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

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
    pub(super) eraser: Eraser,
    pub(super) records: Records,
    pub(super) output: PathBuf,
    /// Whether photos are tried again that have killed the program.
    pub(super) retry: bool,
    /// Whether this is the process of one photo.
    pub(super) apart: bool,
    /// Photos that were in work when an earlier run was killed, to be done after all others.
    put_off: Mutex<Vec<Input>>,
    /// Where masks of what was changed are written.
    pub(super) masks: Option<Masks>,
    pub(super) under_way: UnderWay,
    /// What `--verify` has found.
    pub(super) condition: Found,
    pub(super) stop: Arc<AtomicBool>,
    /// The error that ended the run early.
    fatal: Mutex<Option<Error>>,
}

/// The folder of masks.
pub(super) struct Masks {
    /// As it is given.
    pub(super) folder: PathBuf,
    /// Where that leads.
    pub(super) root: PathBuf,
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

pub(super) fn run(args: &Args, photos: &Path, output: &Path) -> Result<()> {
    let folder = (photos.as_os_str() != "-").then_some(photos);
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
        keep_apart(folder, PHOTOS, output)?;
    }
    if let Some(masks) = &args.write_masks {
        check_masks_folder(args, folder, output, masks)?;
    }
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "[{bar:30}] {pos}/{len} photos, {per_sec:.1}, {eta} left",
    )?);
    let eraser = Eraser::load(args, bar)?;
    let records = match &many.apart {
        Some(_) => Records::apart(output, many.shard)?,
        None if many.verify => Records::look(output)?,
        None => Records::claim(output, many.shard)?,
    };
    let output = output.canonicalize().context(output.display())?;
    let masks = args.write_masks.as_ref().map(|folder| -> Result<Masks> {
        if many.apart.is_none() && !many.verify {
            claim_masks(folder)?;
        }
        Ok(Masks { folder: folder.clone(), root: in_full(folder).context(folder.display())? })
    });
    let masks = masks.transpose()?;
    let batch = Arc::new(Batch {
        eraser,
        records,
        output,
        retry: many.retry,
        apart: many.apart.is_some(),
        put_off: Mutex::default(),
        masks,
        under_way: UnderWay::default(),
        condition: Found::default(),
        stop: Arc::default(),
        fatal: Mutex::default(),
    });
    listen_for_ctrl_c(&batch)?;
    if let Some(photo) = &many.apart {
        batch.end_with_the_run();
        return batch.work_apart(input(photo, folder, many.root.as_deref()));
    }
    let jobs = many.jobs.or_else(|| thread::available_parallelism().ok());
    batch.work(folder, args, jobs.map_or(1, NonZeroUsize::get))
}

/// The folder of the photos in messages.
const PHOTOS: &str = "the folder of the photos";

/// Refuses a folder of masks in which they would replace photos, results, or what is given as masks
/// or boxes.
fn check_masks_folder(
    args: &Args,
    photos: Option<&Path>,
    output: &Path,
    masks: &Path,
) -> Result<()> {
    if let Some(photos) = photos {
        keep_apart(photos, PHOTOS, masks)?;
    }
    keep_apart(output, "the folder of the results", masks)?;
    if let Some(given) = &args.masks {
        keep_apart(given, "the folder of the given masks", masks)?;
    }
    if let Some(boxes) = &args.boxes {
        keep(masks, &[(boxes, "the folder of the boxes")])?;
    }
    Ok(())
}

/// Stops a run at Ctrl-C.
fn listen_for_ctrl_c(batch: &Arc<Batch>) -> Result<()> {
    // The handler stays until the process ends, but must not keep the folder locked until then.
    let waiting = Arc::downgrade(batch);
    listen(&batch.stop, STOPPING, move || {
        // No photo is to blame for the end.
        if let Some(batch) = waiting.upgrade()
            && let Some(state) = batch.records.state()
        {
            state.forgive_and_exit(130);
        }
        Late::End
    })
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
                if !self.eraser.bar.is_hidden() {
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
        self.eraser.bar.finish_and_clear();
        self.sum_up(folder, started.elapsed(), jobs)
    }

    /// Does the only photo of this process.
    fn work_apart(&self, input: Fed) -> Result<()> {
        let started = Instant::now();
        Tally::add(&self.eraser.tally.found);
        self.do_one(input, Turn::Last);
        self.sum_up(None, started.elapsed(), 1)
    }

    fn put_off(&self) -> MutexGuard<'_, Vec<Input>> {
        // The list is complete even after a panic elsewhere.
        self.put_off.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sums the run up.
    fn sum_up(&self, folder: Option<&Path>, time: Duration, jobs: usize) -> Result<()> {
        let tally = &self.eraser.tally;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (written, failed) = (count(&tally.written), count(&tally.failed));
        let (done_before, left) = (count(&tally.done_before), count(&tally.left));
        let fatal = self.fatal.lock().unwrap_or_else(PoisonError::into_inner).take();
        let unheard = fatal.as_ref().is_some_and(|error| error.fault() == Fault::Unheard);
        if self.records.state().is_none() {
            note!("doorplate: {}, {failed} failed", self.condition.summary(left));
        } else if !unheard {
            self.eraser.say_counts(time, jobs);
        }
        if let Some(error) = fatal {
            return Err(error);
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err(BatchError::Stopped.into());
        }
        if let Some(folder) = folder
            && count(&tally.found) == 0
            && failed == 0
        {
            return Err(BatchError::NoPhotos { path: folder.to_owned() }.into());
        }
        let (looked, bad) = self.condition.all_and_bad();
        let all = written + done_before + looked + self.eraser.count_left_out() + failed;
        if bad > 0 {
            return Err(BatchError::NotWhole { bad: bad + failed, all }.into());
        }
        self.eraser.judge(all)
    }

    /// Does photos until there are no more.
    fn work_off(&self, receiver: &Mutex<Receiver<Fed>>) {
        let _pool = self.eraser.compute_alone();
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
        self.eraser.bar.inc(1);
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
                Tally::add(&self.eraser.tally.written);
                self.eraser.note_empty(&line);
                self.eraser.note_left(photo, &line);
                line
            }
            Ok(Outcome::DoneBefore(mut line)) => {
                Tally::add(&self.eraser.tally.done_before);
                self.eraser.note_left(photo, &line);
                line["photo"] = photo.to_string_lossy().into();
                line["skipped"] = true.into();
                line
            }
            Ok(Outcome::NotBegun | Outcome::PutOff) => return Ok(()),
            Ok(Outcome::LeftOut(line)) => {
                self.eraser.note_empty(&line);
                line
            }
            Ok(Outcome::Looked(line)) => {
                self.eraser.note_left(photo, &line);
                line
            }
            Err(error) => {
                let line = self.eraser.note_failed(photo, &error);
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

/// Whether an error will also affect all further photos.
fn hopeless(error: &Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    error.as_io().is_some_and(|error| {
        matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
    })
}
