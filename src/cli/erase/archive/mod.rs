//! `doorplate erase --tar`: an archive of photos on standard input, one of results and records on
//! standard output, in the same order.
//!
//! One thread reads the archive, some threads remove digits, and the main thread writes. Whatever the
//! archive's length, only so many photos are in memory as the memory budget allows: a photo keeps
//! its share of it until its result is written.

mod members;
mod results;

use std::{
    io::{self, IsTerminal as _},
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Instant,
};

use indicatif::{ProgressBar, ProgressStyle};

use self::{
    members::{Item, Summary, read_photos},
    results::{Done, Results},
};
use super::{
    Args,
    batch::PATIENCE,
    eraser::{Eraser, Given, STOPPING, left_out, panicked},
    records::record_name,
};
use crate::{
    boxes::BoxFormat,
    cli::{
        Error, Result, WrongArgument,
        memory::Share,
        stop::{Late, listen},
    },
    fault::{AtFault, Fault},
};

/// How many photos for each thread may be in progress, so that one that takes long does not hold the
/// others up at once.
const AHEAD: usize = 8;

/// What is said if a thread ends without an answer, so that the output would lack photos.
const SILENT: &str = "an error in this program (a thread gave no answer); please report it";

/// Why an archive was not done to its end.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("standard input cannot be read")]
    Read(#[source] io::Error),
    #[error(
        "standard input is compressed, and not a tar archive; unpack it first: {program} \
         photos.tar... | doorplate erase --tar"
    )]
    Packed { program: &'static str },
    #[error(
        "standard input is not a tar archive that can be read to its end: {reason}, at its \
         {members}. member; the output holds the photos before it, and has no end mark"
    )]
    Damaged { members: u64, reason: String },
    #[error(
        "the archive on standard input ends after {members} members without an end mark, so it may \
         have been cut off; the output has none either"
    )]
    NoEndMark { members: u64 },
    #[error(
        "none of the {members} members of the archive on standard input is a photo by its name"
    )]
    NoPhotos { members: u64 },
    #[error("stopped; the output holds the photos that were done, and has no end mark")]
    Stopped,
}

impl AtFault for ArchiveError {
    fn fault(&self) -> Fault {
        match self {
            ArchiveError::Stopped => Fault::Stopped,
            _ => Fault::Input,
        }
    }
}

/// A photo to be done, and where to send the result.
struct Job {
    name: PathBuf,
    file: Vec<u8>,
    given: Given,
    share: Share,
    reply: SyncSender<Done>,
}

/// The state of a run, shared by its threads.
struct Run {
    eraser: Eraser,
    /// The format of boxes that was asked for.
    format: Option<BoxFormat>,
    stop: Arc<AtomicBool>,
    /// Threads that remove digits.
    workers: AtomicUsize,
}

/// How the reading ended.
type Ended = Result<Summary, Error>;

pub(super) fn run(args: &Args) -> Result<()> {
    if io::stdin().is_terminal() || io::stdout().is_terminal() {
        let pipes = "--tar reads an archive from standard input and writes one to standard output: \
                     doorplate erase --tar < photos.tar > erased.tar";
        return Err(WrongArgument(pipes.to_owned()).into());
    }
    let bar = ProgressBar::no_length()
        .with_style(ProgressStyle::with_template("{pos} photos, {per_sec:.1}")?);
    let mut eraser = Eraser::load(args, bar)?;
    // Records are handed on together with the results.
    eraser.readings = false;
    let stop = Arc::new(AtomicBool::new(false));
    listen(&stop, STOPPING, || Late::End)?;
    let jobs = args.many.jobs.or_else(|| thread::available_parallelism().ok());
    let run = Run { eraser, format: args.boxes_format, stop, workers: AtomicUsize::new(0) };
    Arc::new(run).work(jobs.map_or(1, NonZeroUsize::get))
}

impl Run {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn work(self: &Arc<Self>, jobs: usize) -> Result<()> {
        let started = Instant::now();
        let (job_sender, job_receiver) = sync_channel(2 * jobs);
        // The results of all photos in progress, in their order.
        let (order_sender, order_receiver) = sync_channel(AHEAD * jobs);
        let (end_sender, end_receiver) = sync_channel(1);
        let run = Arc::clone(self);
        // If the run stops early, this thread is left behind, because reading cannot be interrupted.
        thread::spawn(move || {
            let read = || run.read(&job_sender, &order_sender);
            let ended = catch_unwind(AssertUnwindSafe(read));
            let _ = end_sender.send(ended.unwrap_or_else(|panic| Err(panicked(&*panic))));
        });
        let job_receiver = Mutex::new(job_receiver);
        self.workers.store(jobs, Ordering::Relaxed);
        let written = thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    self.work_off(&job_receiver);
                    self.workers.fetch_sub(1, Ordering::Relaxed);
                });
            }
            let written = self.write(&order_receiver);
            if written.is_err() {
                self.stop.store(true, Ordering::Relaxed);
            }
            // Before the threads are waited for, so that the one that reads does not wait for room.
            drop(order_receiver);
            written
        });
        self.eraser.bar.finish_and_clear();
        let results = written?;
        self.eraser.say_counts(started.elapsed(), jobs);
        if self.is_stopped() {
            return Err(ArchiveError::Stopped.into());
        }
        // It was sent before the list of results ended.
        let ended = end_receiver.recv().map_err(|_| SILENT.to_owned())?;
        let Summary { others } = ended?;
        results.finish()?;
        if others > 0 {
            note!("doorplate: {others} members that are no photos were left out");
        }
        let tally = &self.eraser.tally;
        self.eraser.judge(tally.found.load(Ordering::Relaxed))
    }

    /// Reads the archive, and sends its photos to the threads.
    fn read(&self, jobs: &SyncSender<Job>, order: &SyncSender<Receiver<Done>>) -> Ended {
        let give = |item| {
            if self.is_stopped() {
                return false;
            }
            let (reply, done) = sync_channel(1);
            if order.send(done).is_err() {
                return false;
            }
            match item {
                Item::Photo { name, file, given, share } => {
                    jobs.send(Job { name, file, given, share, reply }).is_ok()
                }
                Item::Refused { name, record, error } => {
                    reply.send(Done { name, record, made: Err(error), _share: None }).is_ok()
                }
            }
        };
        Ok(read_photos(io::stdin().lock(), &self.eraser, self.format, give)?)
    }

    /// Does photos until there are no more.
    fn work_off(&self, jobs: &Mutex<Receiver<Job>>) {
        let _pool = self.eraser.compute_alone();
        loop {
            let next = {
                let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
                jobs.recv_timeout(PATIENCE)
            };
            match next {
                // Dropped, so that nobody waits for it.
                Ok(_) if self.is_stopped() => {}
                Ok(job) => self.do_one(job),
                Err(RecvTimeoutError::Timeout) if !self.is_stopped() => {}
                Err(_) => return,
            }
        }
    }

    fn do_one(&self, job: Job) {
        let Job { name, file, given, mut share, reply } = job;
        self.eraser.note_foreign_label(&given);
        let erase = || self.eraser.result(&name, &name, &given, || Ok(file));
        let made = catch_unwind(AssertUnwindSafe(erase));
        let made = made.unwrap_or_else(|panic| Err(panicked(&*panic)));
        let made = made.map(|made| match made {
            Some(made) => (made.line, Some(made.content)),
            None => (left_out(&name), None),
        });
        let length = match &made {
            Ok((_, Some(content))) => content.len() as u64,
            _ => 0,
        };
        share.resize(length.min(share.bytes()));
        // If nobody wants it, the run is being stopped.
        let _ = reply.send(Done { record: record_name(&name), name, made, _share: Some(share) });
    }

    /// Writes results in the order of their photos, until there are no more.
    fn write(&self, order: &Receiver<Receiver<Done>>) -> Result<Results> {
        let mut results = Results::new();
        loop {
            let next = match order.recv_timeout(PATIENCE) {
                Ok(next) => next,
                Err(RecvTimeoutError::Timeout) if !self.is_stopped() => continue,
                Err(_) => return Ok(results),
            };
            // Of what was not begun, nothing is written, nor of what follows.
            let Some(done) = self.wait_for(&next) else {
                return if self.is_stopped() { Ok(results) } else { Err(SILENT.into()) };
            };
            results.put(done, &self.eraser)?;
            self.eraser.bar.inc(1);
        }
    }

    /// Waits for a photo's result; none if the run was stopped before the photo was begun.
    fn wait_for(&self, done: &Receiver<Done>) -> Option<Done> {
        loop {
            match done.recv_timeout(PATIENCE) {
                Ok(done) => return Some(done),
                // It may lie where no thread comes any more.
                Err(RecvTimeoutError::Timeout)
                    if self.workers.load(Ordering::Relaxed) > 0 || !self.is_stopped() => {}
                Err(_) => return None,
            }
        }
    }
}
