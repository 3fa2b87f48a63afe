//! Many photos, one by one: if one fails, this is reported, and the others are still done.

use std::{
    any::Any,
    collections::HashMap,
    fs,
    io::{self, Write as _},
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{
    Args, LeftError, checks_json,
    inputs::{Input, Shard, Unusable, absolute, files_in, listed},
    leave_readings_out, left_in,
    records::{Record, Records, Settings, hash_of, made_of},
    removed,
};
use crate::{
    boxes::{PhotoBoxes, Unit, is_class_list},
    cli::{
        Context as _, Error, Result, WrongArgument,
        boxes::{BoxSource, BoxesError, grow},
        model::NamedNets,
        read::{OpenPhotoError, numbers_in, numbers_json, readings_json},
    },
    fault::{AtFault, Fault},
    files::{printable, write_whole},
    photo::{BoxInPhoto, Encoding, PHOTO_EXTENSIONS, Photo, PhotoError, is_photo},
    publication::sha256_hex,
    removal::Nets,
};

/// How often a waiting thread checks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// At most this many names of photos are listed in a message.
const NAMES_IN_MESSAGE: usize = 3;

/// Why a run over many photos did not end well.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("{failed} of {all} photos failed, see above; the others are done")]
    SomeFailed { failed: u64, all: u64 },
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
            BatchError::SomeFailed { .. } => Fault::SomeFailed,
            BatchError::Stopped => Fault::Stopped,
            BatchError::Folder { .. } | BatchError::NoPhotos { .. } => Fault::Input,
            BatchError::Write { .. } => Fault::Other,
        }
    }
}

/// The state of a run, shared by its threads.
struct Batch {
    source: BoxSource,
    records: Records,
    output: PathBuf,
    settings: Settings,
    pass_unlisted: bool,
    /// Whether the JSON contains readings.
    readings: bool,
    nets: Nets,
    bar: ProgressBar,
    /// Results in progress by name, with their photos.
    under_way: Mutex<HashMap<PathBuf, PathBuf>>,
    tally: Tally,
    stop: Arc<AtomicBool>,
    /// The error that ended the run early.
    fatal: Mutex<Option<Error>>,
    foreign_label_said: AtomicBool,
}

#[derive(Default)]
struct Tally {
    found: AtomicU64,
    written: AtomicU64,
    done_before: AtomicU64,
    failed: AtomicU64,
    /// Photos that are done, but on which something of a digit may still be visible.
    left: AtomicU64,
}

impl Tally {
    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A photo that is done.
enum Outcome {
    Written(Value),
    DoneBefore(Value),
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
    let records = Records::claim(&args.output, many.shard)?;
    let output = args.output.canonicalize();
    let output = output.context(args.output.display())?;
    let stop = Arc::new(AtomicBool::new(false));
    listen_for_ctrl_c(&stop)?;
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
        },
        pass_unlisted: many.pass_unlisted,
        readings: !args.no_readings,
        nets,
        bar: ProgressBar::new(0).with_style(ProgressStyle::with_template(
            "[{bar:30}] {pos}/{len} photos, {per_sec:.1}, {eta} left",
        )?),
        under_way: Mutex::default(),
        tally: Tally::default(),
        stop,
        fatal: Mutex::default(),
        foreign_label_said: AtomicBool::new(false),
    });
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

fn listen_for_ctrl_c(stop: &Arc<AtomicBool>) -> Result<()> {
    let stop = Arc::clone(stop);
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            // At the second time, stop immediately.
            std::process::exit(130);
        }
        eprintln!(
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
                if !self.bar.is_hidden() {
                    self.count(folder.clone(), shard);
                }
                thread::spawn(move || batch.feed_folder(&folder, shard, &sender));
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
                });
            }
        }
        let receiver = Mutex::new(receiver);
        thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| self.work_off(&receiver));
            }
        });
        self.bar.finish_and_clear();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (written, failed) = (count(&self.tally.written), count(&self.tally.failed));
        let done_before = count(&self.tally.done_before);
        let seconds = started.elapsed().as_secs_f64();
        eprintln!(
            "doorplate: {written} photos written, {done_before} were done before, {failed} failed; \
             {seconds:.1} s, {:.1} a second on {jobs} threads",
            (written + failed) as f64 / seconds.max(1e-3)
        );
        if let Some(error) = self.fatal.lock().unwrap_or_else(PoisonError::into_inner).take() {
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
        let all = written + done_before + failed;
        if failed > 0 {
            return Err(BatchError::SomeFailed { failed, all }.into());
        }
        let photos = count(&self.tally.left);
        if photos > 0 {
            return Err(LeftError::OnSome { photos, all }.into());
        }
        Ok(())
    }

    /// Prints a message without disturbing the progress bar.
    fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("doorplate: {}", printable(text)));
    }

    /// Counts the photos for the progress bar, in a thread of its own.
    fn count(self: &Arc<Self>, folder: PathBuf, shard: Option<Shard>) {
        let batch = Arc::clone(self);
        thread::spawn(move || {
            let ours = |input: &Input| {
                is_photo(&input.photo) && shard.is_none_or(|shard| shard.holds(&input.name))
            };
            let count = files_in(&folder, &batch.output).flatten().filter(ours).count();
            batch.bar.set_length(count as u64);
        });
    }

    /// Sends the photos of a folder to the threads; then reports boxes without a photo.
    fn feed_folder(&self, folder: &Path, shard: Option<Shard>, sender: &SyncSender<Fed>) {
        let beside = matches!(self.source, BoxSource::Each { folder: None, .. });
        let mut lonely = Vec::new();
        for input in files_in(folder, &self.output) {
            if let Ok(input) = &input
                && !is_photo(&input.photo)
            {
                if beside {
                    self.note_lonely(&input.photo, &input.photo, &mut lonely);
                }
            } else if !self.feed(input, shard, sender, false) {
                return;
            }
        }
        match &self.source {
            BoxSource::Each { folder: Some(boxes), .. } => {
                for file in files_in(boxes, &self.output).flatten() {
                    self.note_lonely(&file.photo, &folder.join(&file.name), &mut lonely);
                }
            }
            _ => lonely.extend(self.source.left_over().into_iter().map(str::to_owned)),
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
        self.say(&format!("there are boxes for {named}{more}, but no such photo in {folder}"));
    }

    /// Notes a box file for which there is no photo at `place`.
    fn note_lonely(&self, file: &Path, place: &Path, lonely: &mut Vec<String>) {
        let BoxSource::Each { formats, .. } = &self.source else { return };
        let Some(name) = place.file_name().and_then(|name| name.to_str()) else { return };
        let suffixes = formats.iter().filter_map(|format| format.suffix());
        let Some(stem) = suffixes.into_iter().find_map(|suffix| name.strip_suffix(suffix)) else {
            return;
        };
        if is_class_list(file) {
            return;
        }
        let has_photo = PHOTO_EXTENSIONS.iter().any(|extension| {
            [(*extension).to_owned(), extension.to_ascii_uppercase()]
                .iter()
                .any(|extension| place.with_file_name(format!("{stem}.{extension}")).exists())
        });
        if !has_photo {
            lonely.push(file.display().to_string());
        }
    }

    /// Sends one photo to the threads, if it belongs to this part; false if the run should stop.
    fn feed(
        &self,
        input: Result<Input, Unusable>,
        shard: Option<Shard>,
        sender: &SyncSender<Fed>,
        lengthen: bool,
    ) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            return false;
        }
        Tally::add(&self.tally.found);
        let input = input.and_then(|input| {
            // Before the photo's part is checked, so that all parts get the same result.
            match self.source.take(&input.photo, &input.name) {
                None => Ok(input),
                Some(other) => Err(Unusable {
                    problem: format!(
                        "the list of boxes names photos without folders, and {} has this name too",
                        other.display()
                    ),
                    path: input.photo,
                }),
            }
        });
        // A path without a name is reported by every part: better often than never.
        if let (Ok(input), Some(shard)) = (&input, shard)
            && !shard.holds(&input.name)
        {
            return true;
        }
        if lengthen {
            self.bar.inc_length(1);
        }
        sender.send(input).is_ok()
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
            let (photo, done) = match input {
                Ok(input) => {
                    // Decoders are foreign code, and a panic on one photo of a million must not end
                    // the run.
                    let done = catch_unwind(AssertUnwindSafe(|| self.erase(&input)));
                    (input.photo, done.unwrap_or_else(|panic| Err(panicked(&*panic))))
                }
                Err(Unusable { path, problem }) => (path, Err(Error::from(problem))),
            };
            let told = self.tell(&photo, done);
            if let Err(error) = told.context("standard output") {
                self.give_up(error);
            }
            self.bar.inc(1);
        }
    }

    /// Ends the run early.
    fn give_up(&self, error: Error) {
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Prints one line of JSON about a photo.
    fn tell(&self, photo: &Path, done: Result<Outcome>) -> io::Result<()> {
        let line = match done {
            Ok(Outcome::Written(line)) => {
                Tally::add(&self.tally.written);
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
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")?;
        out.flush()
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

    /// Removes the digits from one photo, unless that is already done.
    fn erase(&self, input: &Input) -> Result<Outcome> {
        let Input { photo: path, name } = input;
        let source = absolute(path)?;
        let Some(_under_way) = UnderWay::enter(self, name, &source)? else {
            // The list names it twice, and it is already in progress.
            return Ok(Outcome::DoneBefore(json!({})));
        };
        let file_error = |source| OpenPhotoError::File { path: path.clone(), source };
        let metadata = fs::metadata(path).map_err(file_error)?;
        if !metadata.is_file() {
            return Err("not a regular file".into());
        }
        let real = path.canonicalize().map_err(file_error)?;
        if real.starts_with(&self.output) {
            return Err("it is in the output folder".into());
        }
        let found = self.source.find(path, name);
        let (boxes_file, boxes) = match found {
            Ok((file, boxes)) => (file, boxes.into_owned()),
            Err(error) if self.pass_unlisted && error.is_unlisted() => {
                let none = PhotoBoxes { boxes: Vec::new(), unit: Unit::Pixels, drawn_on: None };
                (PathBuf::new(), none)
            }
            Err(error) => return Err(error.into()),
        };
        self.note_foreign_label(&boxes_file, &boxes);
        let made_of = made_of(&metadata, &boxes, &self.settings);
        let target = self.output.join(name);
        self.check_place(&target, path)?;
        self.check_place(&self.records.path(name), path)?;
        let path_hash = hash_of(&source);
        if let Some(record) = self.records.get(name) {
            if record.photo != path_hash {
                // It may be the same photo, moved, or on a machine that has it in another place.
                let content = fs::read(path).map_err(file_error)?;
                if sha256_hex(&content) != record.content {
                    return Err(format!(
                        "{} is the result of another photo, or of this one before it was moved and \
                         changed; remove it or give another --output",
                        target.display()
                    )
                    .into());
                }
            }
            if record.made_of == made_of && record.is_of(&target) {
                if record.photo != path_hash {
                    // So that its contents need not be compared next time.
                    let moved = Record { photo: path_hash, ..record.clone() };
                    self.records.put(name, &moved).map_err(|source| BatchError::Write {
                        path: self.records.path(name),
                        source,
                    })?;
                }
                return Ok(Outcome::DoneBefore(json!({
                    "output": target.to_string_lossy(),
                    "grown_by_percent": self.settings.growth,
                    "method": self.settings.method.name(),
                    "left": record.left,
                })));
            }
        }
        let Made { content, photo_sha256, left, line } =
            self.result(path, &target, &boxes_file, &boxes)?;
        let written = |path: &Path| {
            let path = path.to_owned();
            move |source| BatchError::Write { path, source }
        };
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(written(folder))?;
        }
        // Checked again, because the removal took some time.
        self.check_place(&target, path)?;
        self.records.remove(name).map_err(written(&self.records.path(name)))?;
        write_whole(&target, &content).map_err(written(&target))?;
        let record = Record {
            photo: path_hash,
            content: photo_sha256,
            made_of,
            bytes: content.len() as u64,
            sha256: sha256_hex(&content),
            left: left as u64,
        };
        self.records.put(name, &record).map_err(written(&self.records.path(name)))?;
        Ok(Outcome::Written(line))
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

    /// The file of a photo without its digits, and its line of JSON.
    fn result(
        &self,
        path: &Path,
        target: &Path,
        boxes_file: &Path,
        boxes: &PhotoBoxes,
    ) -> Result<Made> {
        let mut clock = Clock::start();
        let file_error = |source| OpenPhotoError::File { path: path.to_owned(), source };
        let bytes = fs::read(path).map_err(file_error)?;
        let unusable = |source: PhotoError| OpenPhotoError::Photo { path: path.to_owned(), source };
        let mut photo = Photo::decode(&bytes).map_err(unusable)?;
        let encoding = Encoding::of(&bytes, self.settings.keep_exif).map_err(unusable)?;
        let photo_sha256 = sha256_hex(&bytes);
        drop(bytes);
        let areas = boxes
            .on(photo.size())
            .map_err(|source| BoxesError::OnPhoto { path: boxes_file.to_owned(), source })?;
        let opening = clock.lap();
        let (mut readings, mut numbers) = (json!([]), json!([]));
        let mut reading = 0.0;
        let mut checks = Vec::new();
        if !areas.is_empty() {
            if self.readings {
                (readings, numbers) = self.read(&photo, &areas, boxes)?;
                reading = clock.lap();
            }
            let grown = grow(&areas, self.settings.growth, photo.size());
            let (method, no_check) = (&self.settings.method, !self.settings.checked);
            let proven = pollster::block_on(removed(&photo, &grown, method, &self.nets, no_check))?;
            for fill in &proven.fills {
                fill.lay_on(&mut photo);
            }
            checks = proven.checks;
        }
        let removal = clock.lap();
        let content = encoding.write(&photo).map_err(unusable)?;
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
            "milliseconds": {
                "opening": opening,
                "reading": reading,
                "removal": removal,
                "encoding": clock.lap(),
            },
        });
        if !self.readings {
            leave_readings_out(&mut line);
        }
        Ok(Made { content, photo_sha256, left, line })
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

/// A photo without its digits.
struct Made {
    /// Its file.
    content: Vec<u8>,
    /// The SHA-256 of the photo's file.
    photo_sha256: String,
    /// In how many boxes something of a digit may still be seen.
    left: usize,
    /// Its line of JSON.
    line: Value,
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

/// What the list of photos sends to the threads.
type Fed = Result<Input, Unusable>;

/// A result in progress, until it is dropped.
struct UnderWay<'a> {
    batch: &'a Batch,
    name: &'a Path,
}

impl<'a> UnderWay<'a> {
    /// Enters a result; `None` if that of the same photo is in progress.
    fn enter(batch: &'a Batch, name: &'a Path, photo: &Path) -> Result<Option<Self>> {
        let mut all = batch.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(name) {
            Some(other) if other == photo => Ok(None),
            Some(other) => {
                Err(format!("its result would overwrite that of {}", other.display()).into())
            }
            None => {
                all.insert(name.to_owned(), photo.to_owned());
                Ok(Some(UnderWay { batch, name }))
            }
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut all = self.batch.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(self.name);
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
