//! Fetches one file from a server, over as many connections as needed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use ureq::{
    Agent,
    http::{HeaderMap, StatusCode, Uri, header},
};

use super::{
    Event, FetchError, Patience, Stage, Watch,
    connection::{Body, Broken, send},
};
use crate::files::write_whole_through;

/// Size of the read buffer in bytes.
const BUFFER: usize = 1 << 16;

/// Between two progress events.
const PROGRESS_BYTES: u64 = 1 << 20;

/// A file to fetch.
pub(super) struct Download<'a> {
    /// Its address.
    pub url: &'a str,
    /// Where it goes.
    pub path: &'a Path,
    /// An empty folder, for files that are written before they get their names.
    pub drafts: &'a Path,
    /// The first bytes of the file, and the name of that format for messages.
    pub beginning: (&'static [u8], &'static str),
    /// The size and SHA-256 (hexadecimal) it must have.
    pub published: Option<(u64, &'static str)>,
    /// The bytes it may have if none are published.
    pub most_bytes: u64,
    /// How long the server is waited for.
    pub patience: Patience,
}

/// The origin of the bytes in a `.part` file, stored beside it as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    /// Where they came from.
    url: String,
    /// What the server calls this version of the file: its entity tag, else its date.
    version: Option<String>,
    /// The whole file's size.
    size: Option<u64>,
}

/// The bytes of a file that have come so far.
struct Part<'a> {
    path: PathBuf,
    /// As in [`Download`].
    drafts: &'a Path,
    file: File,
    length: u64,
    origin: Origin,
    /// Whether all bytes came in one go.
    in_one_go: bool,
}

/// How a try ended that did not bring the whole file.
enum Failed {
    /// Trying again would change nothing.
    ForGood(FetchError),
    /// Trying again may help.
    ForNow {
        reason: String,
        /// How long the server asks to wait.
        wait: Option<Duration>,
    },
}

impl From<FetchError> for Failed {
    fn from(error: FetchError) -> Self {
        Failed::ForGood(error)
    }
}

/// How far a file has come, and whether it gets further.
struct Pace {
    furthest: u64,
    since: Instant,
    /// Tries in a row that brought nothing new, or next to nothing.
    tries: u32,
}

impl Pace {
    /// Counts a try after which `length` bytes have come. Fetching the same bytes again is not
    /// progress: otherwise a server that always breaks off at the same place would be asked forever.
    /// Nor are a few bytes from time to time.
    fn tried(&mut self, length: u64, slowest: u32) {
        let new = length.saturating_sub(self.furthest);
        let least = f64::from(slowest) * self.since.elapsed().as_secs_f64();
        self.tries = if new > 0 && new as f64 >= least { 0 } else { self.tries + 1 };
        self.furthest = self.furthest.max(length);
        self.since = Instant::now();
    }
}

/// A passing failure.
fn for_now(reason: impl Into<String>) -> Failed {
    Failed::ForNow { reason: reason.into(), wait: None }
}

/// The note of a fetched file's SHA-256, in `sha256sum`'s form.
fn note(path: &Path) -> PathBuf {
    path.with_added_extension("sha256")
}

/// Where the bytes of a file go that come.
fn part_of(whole: &Path) -> PathBuf {
    whole.with_added_extension("part")
}

/// Where the origin of these bytes is noted.
fn origin_of(part: &Path) -> PathBuf {
    part.with_added_extension("json")
}

fn remove_if_there(path: &Path) -> Result<(), FetchError> {
    match fs::remove_file(path) {
        Err(reason) if reason.kind() != io::ErrorKind::NotFound => {
            Err(FetchError::Write { path: path.to_owned(), reason })
        }
        _ => Ok(()),
    }
}

/// The SHA-256 that was noted when the file was fetched.
pub(super) fn noted_sha256(path: &Path) -> Option<String> {
    let text = fs::read_to_string(note(path)).ok()?;
    let sum = text.split_whitespace().next()?;
    (sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit())).then(|| sum.to_owned())
}

impl Download<'_> {
    /// Fetches the file, checks it and gives it its name. Returns its SHA-256.
    pub(super) fn run(&self, watch: &mut Watch<'_>) -> Result<String, FetchError> {
        let agent = self.agent()?;
        let mut part = Part::open(self.path, self.drafts, self.url)?;
        match self.bring(&agent, &mut part, watch) {
            Ok(sha256) => {
                // First, as an archive without a note is taken for one that somebody put there.
                self.write_note(&sha256)?;
                part.put(self.path)?;
                Ok(sha256)
            }
            Err(error) => {
                part.leave()?;
                Err(error)
            }
        }
    }

    /// Fetches all bytes and checks them. Returns their SHA-256.
    fn bring(
        &self,
        agent: &Agent,
        part: &mut Part<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<String, FetchError> {
        let mut pace = Pace { furthest: part.length, since: Instant::now(), tries: 0 };
        let mut mended = false;
        loop {
            match self.attempt(agent, part, watch) {
                Ok(()) => {
                    // From the disk, not from the connection: this is what will be read.
                    let sha256 = sha256_of(&mut part.file, &part.path, part.length, watch)?;
                    if self.is_published(&sha256) {
                        return Ok(sha256);
                    }
                    let in_pieces = !part.in_one_go;
                    part.clear(Origin::default())?;
                    if !in_pieces || mended {
                        return Err(self.wrong_sha256(self.url.to_owned(), sha256));
                    }
                    // Most likely the pieces are of different versions.
                    mended = true;
                    watch.tell(Event::StartingOver {
                        reason: "the pieces that came one after another do not make up the file",
                    })?;
                }
                Err(Failed::ForGood(error)) => return Err(error),
                Err(Failed::ForNow { reason, wait }) => {
                    pace.tried(part.length, self.patience.slowest);
                    let tries = pace.tries;
                    if tries >= self.patience.tries {
                        let kept = (part.length > 0).then(|| (part.length, part.path.clone()));
                        let url = self.url.to_owned();
                        return Err(FetchError::Unreachable { url, tries, reason, kept });
                    }
                    let doubled =
                        self.patience.first_pause * 2u32.saturating_pow(tries.saturating_sub(1));
                    let pause = wait.unwrap_or(doubled).min(self.patience.longest_pause);
                    watch.tell(Event::Retrying { reason: &reason, pause })?;
                    watch.pause(pause)?;
                }
            }
        }
    }

    /// Checks the file that is there already. Returns its SHA-256.
    pub(super) fn check(&self, watch: &mut Watch<'_>) -> Result<String, FetchError> {
        let place = self.path.display().to_string();
        let unreadable = |reason| FetchError::Read { path: self.path.to_owned(), reason };
        let mut file = File::open(self.path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        self.check_size(&place, length)?;
        let sha256 = sha256_of(&mut file, self.path, length, watch)?;
        if !self.is_published(&sha256) {
            return Err(self.wrong_sha256(place, sha256));
        }
        self.write_note(&sha256)?;
        // It stays if a fetch is killed when the file has just got its name.
        remove_if_there(&origin_of(&part_of(self.path)))?;
        Ok(sha256)
    }

    fn agent(&self) -> Result<Agent, FetchError> {
        let address = |reason: String| FetchError::Address { url: self.url.to_owned(), reason };
        let uri: Uri = self.url.parse().map_err(|error| address(format!("{error}")))?;
        let (Some("http" | "https"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(address("no http:// or https://, or no host".to_owned()));
        };
        let mut config = Agent::config_builder()
            .user_agent(concat!("doorplate/", env!("CARGO_PKG_VERSION")))
            // The bytes without compression, because sizes and ranges count these.
            .accept_encoding("identity")
            .http_status_as_error(false)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(self.patience.silence))
            .timeout_connect(Some(self.patience.silence))
            .timeout_recv_response(Some(self.patience.silence))
            .timeout_per_read(Some(self.patience.silence));
        if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            // There is no proxy between a machine and itself.
            config = config.proxy(None);
        }
        Ok(config.build().new_agent())
    }

    /// Makes one request and adds its bytes to the part. `Ok` if the part is then complete.
    fn attempt(
        &self,
        agent: &Agent,
        part: &mut Part<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<(), Failed> {
        let size = part.origin.size.or(self.published.map(|(bytes, _)| bytes));
        if part.length > 0 && size == Some(part.length) {
            // Broken off between the last byte and the new name.
            return Ok(());
        }
        if part.length > 0 && part.origin.version.is_none() && self.published.is_none() {
            // There is no way to know whether the rest is of the same version.
            watch.tell(Event::StartingOver {
                reason: "the server does not tell versions of it apart",
            })?;
            part.clear(Origin::default())?;
        }
        let mut request = agent.get(self.url);
        if part.length > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", part.length));
            if let Some(version) = &part.origin.version {
                request = request.header(header::IF_RANGE, version);
            }
        }
        let (head, length, body) =
            send(request, self.patience, watch).map_err(|broken| self.broken(broken))?;
        let headers = &head.headers;
        let range = content_range(headers).filter(|_| head.status == StatusCode::PARTIAL_CONTENT);
        let origin = Origin {
            url: self.url.to_owned(),
            version: version_of(headers),
            size: range.map_or(length, |(_, size)| size),
        };
        match head.status.as_u16() {
            200 => {
                if part.length > 0 {
                    let same =
                        part.origin.version.is_some() && part.origin.version == origin.version;
                    watch.tell(Event::StartingOver {
                        reason: if same {
                            "the server only sends the file as a whole"
                        } else {
                            "the server's file has changed, or it only sends it as a whole"
                        },
                    })?;
                }
                part.clear(origin)?;
            }
            206 => {
                let fits = range.is_some_and(|(first, size)| {
                    first == part.length && size.is_none_or(|size| size > first)
                }) && agree(&part.origin.size, &origin.size)
                    && agree(&part.origin.version, &origin.version);
                if !fits {
                    part.clear(Origin::default())?;
                    return Err(for_now("the server sent another part of the file than asked for"));
                }
                part.in_one_go = false;
                if part.origin.size.is_none() && origin.size.is_some() {
                    // Further pieces are measured by it, also those that do not say it.
                    part.origin.size = origin.size;
                    part.write_origin()?;
                }
                if let Err(error) = self.check_announced(part) {
                    part.clear(Origin::default())?;
                    return Err(error.into());
                }
            }
            416 => {
                part.clear(Origin::default())?;
                return Err(for_now("the server's file is shorter than what had come of it"));
            }
            status @ (408 | 425 | 429 | 500 | 502 | 503 | 504) => {
                let wait = headers.get(header::RETRY_AFTER);
                let wait = wait.and_then(|value| value.to_str().ok()?.trim().parse().ok());
                return Err(Failed::ForNow {
                    reason: format!("the server answered {status}"),
                    wait: wait.map(Duration::from_secs),
                });
            }
            status => return Err(FetchError::Refused { url: self.url.to_owned(), status }.into()),
        }
        self.receive(body, part, watch)
    }

    /// Adds a body to the part.
    fn receive(
        &self,
        mut body: Body,
        part: &mut Part<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<(), Failed> {
        let size = part.origin.size.or(self.published.map(|(bytes, _)| bytes));
        let mut beginning = if part.length == 0 { Some(Vec::new()) } else { None };
        let mut shown = None;
        loop {
            if shown.is_none_or(|shown| part.length - shown >= PROGRESS_BYTES) {
                shown = Some(part.length);
                let (stage, done) = (Stage::Downloading, part.length);
                watch.tell(Event::Progress { stage, done, of: size })?;
            }
            let came = body.piece(watch).map_err(|broken| self.broken(broken))?;
            let ended = came.is_none();
            let mut piece = came.unwrap_or_default();
            if let Some(mut first) = beginning.take() {
                first.append(&mut piece);
                if first.len() < self.beginning.0.len().max(16) && !ended {
                    beginning = Some(first);
                    continue;
                }
                // Before a gigabyte of something else has come.
                self.check_beginning(&first)?;
                self.check_announced(part)?;
                piece = first;
            }
            let after = part.length + piece.len() as u64;
            if after > size.unwrap_or(self.most_bytes) {
                part.clear(Origin::default())?;
                self.check_size(self.url, after)?;
                let limit = size.unwrap_or(self.most_bytes);
                return Err(FetchError::TooLong { url: self.url.to_owned(), limit }.into());
            }
            part.add(&piece)?;
            if ended {
                break;
            }
        }
        watch.tell(Event::Progress { stage: Stage::Downloading, done: part.length, of: size })?;
        match size {
            Some(size) if part.length < size => {
                Err(for_now(format!("cut short after {} of {size} bytes", part.length)))
            }
            _ => Ok(()),
        }
    }

    /// What a connection that ended early means.
    fn broken(&self, broken: Broken) -> Failed {
        let address = |reason| FetchError::Address { url: self.url.to_owned(), reason }.into();
        match broken {
            Broken::Stopped(error) => error.into(),
            Broken::Lost(reason) => for_now(reason),
            Broken::Refused(ureq::Error::BadUri(reason)) => address(reason),
            Broken::Refused(ureq::Error::Http(error)) => address(error.to_string()),
            Broken::Refused(other) => for_now(other.to_string()),
        }
    }

    /// Refuses what does not begin as the file does; less than that is cut short.
    fn check_beginning(&self, bytes: &[u8]) -> Result<(), Failed> {
        let (beginning, expected) = self.beginning;
        if bytes.starts_with(beginning) {
            return Ok(());
        }
        if beginning.starts_with(bytes) {
            return Err(for_now(format!("cut short after {} bytes", bytes.len())));
        }
        let found = match bytes.trim_ascii_start() {
            [b'<', ..] => "a web page".to_owned(),
            other => {
                let shown = &other[..other.len().min(8)];
                format!("something that begins with {:?}", String::from_utf8_lossy(shown))
            }
        };
        Err(FetchError::Content { url: self.url.to_owned(), found, expected }.into())
    }

    /// Refuses a file whose size is not the published one as soon as the server says it.
    fn check_announced(&self, part: &Part<'_>) -> Result<(), FetchError> {
        part.origin.size.map_or(Ok(()), |size| self.check_size(self.url, size))
    }

    fn check_size(&self, place: &str, found: u64) -> Result<(), FetchError> {
        match self.published {
            Some((published, _)) if found != published => {
                Err(FetchError::Size { place: place.to_owned(), found, published })
            }
            None if found > self.most_bytes => {
                Err(FetchError::TooLong { url: place.to_owned(), limit: self.most_bytes })
            }
            _ => Ok(()),
        }
    }

    fn is_published(&self, sha256: &str) -> bool {
        self.published.is_none_or(|(_, published)| sha256.eq_ignore_ascii_case(published))
    }

    fn wrong_sha256(&self, place: String, found: String) -> FetchError {
        let published = self.published.map_or("", |(_, sha256)| sha256).to_owned();
        FetchError::Sha256 { place, found, published }
    }

    fn write_note(&self, sha256: &str) -> Result<(), FetchError> {
        let path = note(self.path);
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        write_whole_through(self.drafts, &path, format!("{sha256}  {name}\n").as_bytes())
            .map_err(|reason| FetchError::Write { path, reason })
    }
}

impl<'a> Part<'a> {
    /// Opens the part of a file, with the bytes received before.
    fn open(whole: &Path, drafts: &'a Path, url: &str) -> Result<Self, FetchError> {
        let path = part_of(whole);
        let failed = |reason| FetchError::Write { path: path.clone(), reason };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        // Without its origin the part cannot be used.
        let origin: Option<Origin> = fs::read(origin_of(&path))
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .filter(|origin: &Origin| origin.url == url);
        let mut part = Part {
            path: path.clone(),
            drafts,
            file,
            length,
            origin: Origin::default(),
            in_one_go: length == 0,
        };
        match origin {
            Some(origin) => {
                part.origin = origin;
                part.file.seek(SeekFrom::End(0)).map_err(failed)?;
            }
            None => part.clear(Origin::default())?,
        }
        Ok(part)
    }

    fn origin_path(&self) -> PathBuf {
        origin_of(&self.path)
    }

    fn write_failed(&self) -> impl Fn(io::Error) -> FetchError + use<> {
        let path = self.path.clone();
        move |reason| FetchError::Write { path: path.clone(), reason }
    }

    /// Throws away what came, and notes where the next bytes are from.
    fn clear(&mut self, origin: Origin) -> Result<(), FetchError> {
        let failed = self.write_failed();
        // Empty before the note is changed: a break between the two must not mix versions.
        self.file.set_len(0).map_err(&failed)?;
        self.file.rewind().map_err(&failed)?;
        self.length = 0;
        self.in_one_go = true;
        self.origin = origin;
        self.write_origin()
    }

    fn write_origin(&self) -> Result<(), FetchError> {
        serde_json::to_vec(&self.origin)
            .map_err(io::Error::from)
            .and_then(|json| write_whole_through(self.drafts, &self.origin_path(), &json))
            .map_err(self.write_failed())
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.file.write_all(bytes).map_err(self.write_failed())?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Leaves what has come for the next time, and nothing if nothing has.
    fn leave(self) -> Result<(), FetchError> {
        if self.length == 0 { self.remove() } else { Ok(()) }
    }

    /// Leaves nothing of it behind.
    fn remove(self) -> Result<(), FetchError> {
        drop(self.file);
        remove_if_there(&origin_of(&self.path))?;
        remove_if_there(&self.path)
    }

    /// Gives the file its name; the part and its note are gone then.
    fn put(self, path: &Path) -> Result<(), FetchError> {
        let failed = |reason| FetchError::Write { path: path.to_owned(), reason };
        self.file.sync_all().map_err(failed)?;
        let note = self.origin_path();
        // Some systems rename no open file.
        drop(self.file);
        fs::rename(&self.path, path).map_err(failed)?;
        fs::remove_file(&note).map_err(|reason| FetchError::Write { path: note, reason })
    }
}

/// What the server calls this version of the file, if it can be relied on byte for byte: RFC 9110
/// wants a strong validator for `If-Range`.
fn version_of(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match text(header::ETAG) {
        Some(tag) if tag.starts_with('"') => Some(tag),
        _ => text(header::LAST_MODIFIED),
    }
}

/// Whether two answers do not contradict each other.
fn agree<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
    a.is_none() || b.is_none() || a == b
}

/// The first byte and the whole size from `Content-Range: bytes 5-9/10`.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?.trim();
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, size.trim().parse().ok()))
}

/// A file's SHA-256 in hexadecimal.
fn sha256_of(
    file: &mut File,
    path: &Path,
    length: u64,
    watch: &mut Watch<'_>,
) -> Result<String, FetchError> {
    let unreadable = |reason| FetchError::Read { path: path.to_owned(), reason };
    file.rewind().map_err(unreadable)?;
    let mut sum = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let (mut done, mut shown) = (0, 0);
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        sum.update(&buffer[..read]);
        done += read as u64;
        if done - shown >= 16 * PROGRESS_BYTES {
            shown = done;
            watch.tell(Event::Progress { stage: Stage::Checking, done, of: Some(length) })?;
        }
    }
    Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
