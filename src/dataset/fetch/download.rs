//! Fetches one file from a server, over as many connections as needed.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use ureq::{
    Agent, Body,
    http::{HeaderMap, Response, Uri, header},
};

use super::{Event, FetchError, Patience, Stage};
use crate::files::write_whole;

/// Size of the read buffer in bytes.
const BUFFER: usize = 1 << 16;

/// Between two progress events.
const PROGRESS_BYTES: u64 = 1 << 20;

/// No server may send more than this when a file's size is not known.
const MAX_BYTES: u64 = 16 << 30;

/// A file to fetch.
pub(super) struct Download<'a> {
    /// Its address.
    pub url: &'a str,
    /// Where it goes.
    pub path: &'a Path,
    /// The first bytes of the file, and the name of that format for messages.
    pub beginning: (&'static [u8], &'static str),
    /// The size and SHA-256 (hexadecimal) it must have.
    pub published: Option<(u64, &'static str)>,
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
struct Part {
    path: PathBuf,
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

/// A passing failure.
fn for_now(reason: impl Into<String>) -> Failed {
    Failed::ForNow { reason: reason.into(), wait: None }
}

/// The note of a fetched file's SHA-256, in `sha256sum`'s form.
fn note(path: &Path) -> PathBuf {
    path.with_added_extension("sha256")
}

/// The SHA-256 that was noted when the file was fetched.
pub(super) fn noted_sha256(path: &Path) -> Option<String> {
    let text = fs::read_to_string(note(path)).ok()?;
    let sum = text.split_whitespace().next()?;
    (sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit())).then(|| sum.to_owned())
}

impl Download<'_> {
    /// Fetches the file, checks it and gives it its name. Returns its SHA-256.
    pub(super) fn run(&self, watch: &mut dyn FnMut(Event<'_>)) -> Result<String, FetchError> {
        let agent = self.agent()?;
        let mut part = Part::open(self.path, self.url)?;
        let mut furthest = part.length;
        let mut tries = 0;
        let mut mended = false;
        loop {
            match self.attempt(&agent, &mut part, watch) {
                Ok(()) => {
                    let sha256 = self.sha256(&mut part, watch)?;
                    if self.is_published(&sha256) {
                        part.put(self.path)?;
                        self.write_note(&sha256)?;
                        return Ok(sha256);
                    }
                    let in_pieces = !part.in_one_go;
                    part.clear(Origin::default())?;
                    if !in_pieces || mended {
                        part.remove()?;
                        return Err(self.wrong_sha256(self.url.to_owned(), sha256));
                    }
                    // Most likely the pieces are of different versions.
                    mended = true;
                    watch(Event::StartingOver {
                        reason: "the pieces that came one after another do not make up the file",
                    });
                }
                Err(Failed::ForGood(error)) => {
                    if part.length == 0 {
                        part.remove()?;
                    }
                    return Err(error);
                }
                Err(Failed::ForNow { reason, wait }) => {
                    // Fetching the same bytes again is not progress. Otherwise a server that always
                    // breaks off at the same place would be asked forever.
                    tries = if part.length > furthest { 0 } else { tries + 1 };
                    furthest = furthest.max(part.length);
                    if tries >= self.patience.tries {
                        let kept = (part.length > 0).then(|| (part.length, part.path.clone()));
                        if kept.is_none() {
                            part.remove()?;
                        }
                        let url = self.url.to_owned();
                        return Err(FetchError::Unreachable { url, tries, reason, kept });
                    }
                    let doubled =
                        self.patience.first_pause * 2u32.saturating_pow(tries.saturating_sub(1));
                    let pause = wait.unwrap_or(doubled).min(self.patience.longest_pause);
                    watch(Event::Retrying { reason: &reason, pause });
                    thread::sleep(pause);
                }
            }
        }
    }

    /// Checks the file that is there already. Returns its SHA-256.
    pub(super) fn check(&self, watch: &mut dyn FnMut(Event<'_>)) -> Result<String, FetchError> {
        let place = self.path.display().to_string();
        let unreadable = |reason| FetchError::Read { path: self.path.to_owned(), reason };
        let mut file = File::open(self.path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        self.check_size(&place, length)?;
        let sha256 = sha256_of(&mut file, length, watch).map_err(unreadable)?;
        if !self.is_published(&sha256) {
            return Err(self.wrong_sha256(place, sha256));
        }
        self.write_note(&sha256)?;
        Ok(sha256)
    }

    fn agent(&self) -> Result<Agent, FetchError> {
        let address = |reason: String| FetchError::Address { url: self.url.to_owned(), reason };
        let uri: Uri = self.url.parse().map_err(|error| address(format!("{error}")))?;
        let (Some("http" | "https"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(address("it has no such beginning".to_owned()));
        };
        let mut config = Agent::config_builder()
            .user_agent(concat!("doorplate/", env!("CARGO_PKG_VERSION")))
            // The bytes without compression, because sizes and ranges count these.
            .accept_encoding("identity")
            .http_status_as_error(false)
            .max_redirects_will_error(false)
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
        part: &mut Part,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), Failed> {
        let size = part.origin.size.or(self.published.map(|(bytes, _)| bytes));
        if part.length > 0 && size == Some(part.length) {
            // Broken off between the last byte and the new name.
            return Ok(());
        }
        if part.length > 0 && part.origin.version.is_none() && self.published.is_none() {
            // There is no way to know whether the rest is of the same version.
            watch(Event::StartingOver { reason: "the server does not tell versions of it apart" });
            part.clear(Origin::default())?;
        }
        let mut request = agent.get(self.url);
        if part.length > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", part.length));
            if let Some(version) = &part.origin.version {
                request = request.header(header::IF_RANGE, version);
            }
        }
        let response = request.call().map_err(|error| self.broken(error))?;
        let origin = Origin {
            url: self.url.to_owned(),
            version: version_of(response.headers()),
            size: size_of(&response),
        };
        match response.status().as_u16() {
            200 => {
                if part.length > 0 {
                    let same =
                        part.origin.version.is_some() && part.origin.version == origin.version;
                    watch(Event::StartingOver {
                        reason: if same {
                            "the server only sends the file as a whole"
                        } else {
                            "the server's file has changed, or it only sends it as a whole"
                        },
                    });
                }
                part.clear(origin)?;
            }
            206 => {
                let fits = content_range(response.headers())
                    .is_some_and(|(first, _)| first == part.length)
                    && agree(&part.origin.size, &origin.size)
                    && agree(&part.origin.version, &origin.version);
                if !fits {
                    part.clear(Origin::default())?;
                    return Err(for_now("the server sent another part of the file than asked for"));
                }
                part.in_one_go = false;
            }
            416 => {
                part.clear(Origin::default())?;
                return Err(for_now("the server's file is shorter than what had come of it"));
            }
            status @ (408 | 425 | 429 | 500 | 502 | 503 | 504) => {
                let wait = response.headers().get(header::RETRY_AFTER);
                let wait = wait.and_then(|value| value.to_str().ok()?.trim().parse().ok());
                return Err(Failed::ForNow {
                    reason: format!("the server answered {status}"),
                    wait: wait.map(Duration::from_secs),
                });
            }
            status => return Err(FetchError::Refused { url: self.url.to_owned(), status }.into()),
        }
        self.receive(response.into_body(), part, watch)
    }

    /// Adds a body to the part.
    fn receive(
        &self,
        body: Body,
        part: &mut Part,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), Failed> {
        let mut body = body.into_reader();
        let mut buffer = vec![0; BUFFER];
        if part.length == 0 {
            // Before a gigabyte of something else has come.
            let length = fill(&mut body, &mut buffer[..self.beginning.0.len().max(16)])
                .map_err(|error| for_now(error.to_string()))?;
            if self.beginning.0.len() > length && self.beginning.0.starts_with(&buffer[..length]) {
                return Err(for_now(format!("cut short after {length} bytes")));
            }
            self.check_beginning(&buffer[..length])?;
            if let Some(size) = part.origin.size {
                self.check_size(self.url, size)?;
            }
            part.add(&buffer[..length])?;
        }
        let size = part.origin.size.or(self.published.map(|(bytes, _)| bytes));
        let mut shown = None;
        loop {
            if shown.is_none_or(|shown| part.length - shown >= PROGRESS_BYTES) {
                shown = Some(part.length);
                watch(Event::Progress { stage: Stage::Downloading, done: part.length, of: size });
            }
            let length = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(for_now(error.to_string())),
            };
            let after = part.length + length as u64;
            if after > size.unwrap_or(MAX_BYTES) {
                part.clear(Origin::default())?;
                self.check_size(self.url, after)?;
                return Err(FetchError::Content {
                    url: self.url.to_owned(),
                    found: format!("more than {} bytes", size.unwrap_or(MAX_BYTES)),
                    expected: self.beginning.1,
                }
                .into());
            }
            part.add(&buffer[..length])?;
        }
        watch(Event::Progress { stage: Stage::Downloading, done: part.length, of: size });
        match size {
            Some(size) if part.length < size => {
                Err(for_now(format!("cut short after {} of {size} bytes", part.length)))
            }
            _ => Ok(()),
        }
    }

    /// What a request that failed altogether means.
    fn broken(&self, error: ureq::Error) -> Failed {
        match error {
            ureq::Error::BadUri(reason) => {
                FetchError::Address { url: self.url.to_owned(), reason }.into()
            }
            ureq::Error::Http(error) => {
                FetchError::Address { url: self.url.to_owned(), reason: error.to_string() }.into()
            }
            other => for_now(other.to_string()),
        }
    }

    fn check_beginning(&self, bytes: &[u8]) -> Result<(), FetchError> {
        let (beginning, expected) = self.beginning;
        if bytes.starts_with(beginning) {
            return Ok(());
        }
        let found = match bytes.trim_ascii_start() {
            [b'<', ..] => "a web page".to_owned(),
            other => {
                let shown = &other[..other.len().min(8)];
                format!("something that begins with {:?}", String::from_utf8_lossy(shown))
            }
        };
        Err(FetchError::Content { url: self.url.to_owned(), found, expected })
    }

    fn check_size(&self, place: &str, found: u64) -> Result<(), FetchError> {
        match self.published {
            Some((published, _)) if found != published => {
                Err(FetchError::Size { place: place.to_owned(), found, published })
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

    fn sha256(
        &self,
        part: &mut Part,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<String, FetchError> {
        // From the disk, not from the connection: this is what will be read.
        sha256_of(&mut part.file, part.length, watch)
            .map_err(|reason| FetchError::Read { path: part.path.clone(), reason })
    }

    fn write_note(&self, sha256: &str) -> Result<(), FetchError> {
        let path = note(self.path);
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        write_whole(&path, format!("{sha256}  {name}\n").as_bytes())
            .map_err(|reason| FetchError::Write { path, reason })
    }
}

impl Part {
    /// Opens the part of a file, with the bytes received before, and locks it against other
    /// processes.
    fn open(whole: &Path, url: &str) -> Result<Self, FetchError> {
        let path = whole.with_added_extension("part");
        let failed = |reason| FetchError::Write { path: path.clone(), reason };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FetchError::Busy { path: path.clone() }),
            // Some network disks have no locks. There it works without.
            Err(TryLockError::Error(_)) => {}
        }
        let length = file.metadata().map_err(failed)?.len();
        // Without its origin the part cannot be used.
        let origin: Option<Origin> = fs::read(path.with_added_extension("json"))
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .filter(|origin: &Origin| origin.url == url);
        let in_one_go = length == 0;
        let mut part =
            Part { path: path.clone(), file, length, origin: Origin::default(), in_one_go };
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
        self.path.with_added_extension("json")
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
        let json = serde_json::to_vec(&origin).map_err(|error| failed(error.into()))?;
        write_whole(&self.origin_path(), &json).map_err(&failed)?;
        self.origin = origin;
        Ok(())
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.file.write_all(bytes).map_err(self.write_failed())?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Leaves nothing of it behind.
    fn remove(self) -> Result<(), FetchError> {
        drop(self.file);
        for path in [self.path.with_added_extension("json"), self.path] {
            match fs::remove_file(&path) {
                Err(reason) if reason.kind() != io::ErrorKind::NotFound => {
                    return Err(FetchError::Write { path, reason });
                }
                _ => {}
            }
        }
        Ok(())
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

/// The whole file's size, from the headers of an answer.
fn size_of(response: &Response<Body>) -> Option<u64> {
    if response.status().as_u16() == 206 {
        content_range(response.headers())?.1
    } else {
        response.body().content_length()
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

/// Reads until the buffer is full or the input ends.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match from.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// A file's SHA-256 in hexadecimal.
fn sha256_of(file: &mut File, length: u64, watch: &mut dyn FnMut(Event<'_>)) -> io::Result<String> {
    file.rewind()?;
    let mut sum = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let (mut done, mut shown) = (0, 0);
    loop {
        let read = fill(file, &mut buffer)?;
        if read == 0 {
            break;
        }
        sum.update(&buffer[..read]);
        done += read as u64;
        if done - shown >= 16 * PROGRESS_BYTES {
            shown = done;
            watch(Event::Progress { stage: Stage::Checking, done, of: Some(length) });
        }
    }
    Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
