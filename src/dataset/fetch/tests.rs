//! Against a server on this machine that does what real ones do on bad days.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::*;

/// A request, as far as the tests look at it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Request {
    path: String,
    /// The first byte asked for.
    from: Option<usize>,
    if_range: Option<String>,
}

/// What the server says.
#[derive(Clone)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// Breaks off after so many bytes of the body.
    cut: Option<usize>,
    /// Then holds the connection for so long.
    stall: Duration,
    /// The pause before each byte of the body, if it is sent byte by byte.
    drip: Option<Duration>,
}

impl Reply {
    fn new(status: u16, body: &[u8]) -> Self {
        let headers = vec![("Content-Length", body.len().to_string())];
        Reply { status, headers, body: body.to_vec(), cut: None, stall: Duration::ZERO, drip: None }
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_string()));
        self
    }

    fn without(mut self, name: &'static str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    fn cut(self, bytes: usize) -> Self {
        Reply { cut: Some(bytes), ..self }
    }

    /// What a good server says: the part asked for if the file is still the same.
    fn of_file(request: &Request, content: &[u8], tag: &str) -> Self {
        let same = request.if_range.as_deref().is_none_or(|wanted| wanted == tag);
        match request.from {
            Some(from) if same && from >= content.len() => {
                Reply::new(416, b"").with("Content-Range", format!("bytes */{}", content.len()))
            }
            Some(from) if same => {
                let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
                Reply::new(206, &content[from..]).with("Content-Range", range)
            }
            _ => Reply::new(200, content),
        }
        .with("ETag", tag)
    }
}

/// Answers request after request, each on a connection of its own.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
    stopped: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// `answer` gets the request and how many came before it.
    fn start(answer: impl Fn(&Request, usize) -> Reply + Send + 'static) -> Self {
        Self::start_at("127.0.0.1:0", answer)
    }

    fn start_at(address: &str, answer: impl Fn(&Request, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind(address).expect("the port is free");
        let address = listener.local_addr().expect("it is bound").to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let (log, stop) = (Arc::clone(&requests), Arc::clone(&stopped));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let mut stream = stream.expect("a connection was made");
                let request = read_request(&stream);
                let before = {
                    let mut log = log.lock().expect("no test panics with the log");
                    log.push(request.clone());
                    log.len() - 1
                };
                send(&mut stream, &answer(&request, before));
            }
        });
        Server { address, requests, stopped, thread: Some(thread) }
    }

    fn options(&self) -> FetchOptions {
        let patience = Patience {
            tries: 3,
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(50),
            silence: Duration::from_secs(10),
            slowest: 1_000,
        };
        let source = format!("http://{}/svhn/", self.address);
        FetchOptions { source, patience, ..FetchOptions::default() }
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no test panics with the log").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread from its wait for a connection.
        drop(TcpStream::connect(&self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read_request(stream: &TcpStream) -> Request {
    let mut request = Request::default();
    for (i, line) in BufReader::new(stream).lines().enumerate() {
        let line = line.expect("a request is text");
        let lower = line.to_ascii_lowercase();
        if i == 0 {
            request.path = line.split(' ').nth(1).expect("a path is named").to_owned();
        } else if let Some(range) = lower.strip_prefix("range: bytes=") {
            request.from = Some(range.trim_end_matches('-').parse().expect("an open range"));
        } else if lower.starts_with("if-range: ") {
            request.if_range = Some(line["if-range: ".len()..].to_owned());
        } else if line.is_empty() {
            break;
        }
    }
    request
}

/// Sends what the reply says; the client may hang up at any time.
fn send(stream: &mut TcpStream, reply: &Reply) {
    let mut head = format!("HTTP/1.1 {} Whatever\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    let sent = reply.cut.unwrap_or(reply.body.len()).min(reply.body.len());
    let _ = stream.write_all(head.as_bytes());
    match reply.drip {
        None => drop(stream.write_all(&reply.body[..sent])),
        Some(pause) => {
            let all = reply.body[..sent].iter();
            all.map_while(|byte| {
                thread::sleep(pause);
                stream.write_all(&[*byte]).ok()
            })
            .for_each(drop);
        }
    }
    let _ = stream.flush();
    thread::sleep(reply.stall);
}

/// Bytes that do not shrink, so that an archive of them has a size to break off in.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A file that begins like a Format 2 one.
fn mat(length: usize, seed: u32) -> Vec<u8> {
    let mut bytes = b"MATLAB 5.0 MAT-file, made for a test".to_vec();
    bytes.extend(noise(length - bytes.len(), seed));
    bytes
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn official(set: &str, content: &[u8]) -> OfficialFile {
    let file = OfficialFile::of_set(set).expect("a set of SVHN's");
    OfficialFile { bytes: content.len() as u64, sha256: sum(content).leak(), ..file }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("there is room")
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").file_name().into_string().expect("plain names"))
        .collect();
    names.sort();
    names
}

fn quietly(
    file: &OfficialFile,
    folder: &Path,
    options: &FetchOptions,
) -> Result<Fetched, FetchError> {
    fetch(file, folder, options, &mut |_| {})
}

/// An entry of a test's archive: its raw name, its kind and its content.
type Entry<'a> = (&'a str, tar::EntryType, &'a [u8]);

/// An archive whose entries' names are taken as they are.
fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        if matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link) {
            header.set_link_name("/etc/passwd").expect("a short name");
        }
        header.set_cksum();
        builder.append(&header, *content).expect("memory takes all");
    }
    builder.into_inner().expect("it is whole").finish().expect("memory takes all")
}

const FILE: tar::EntryType = tar::EntryType::Regular;
const FOLDER: tar::EntryType = tar::EntryType::Directory;

fn small_set() -> Vec<u8> {
    let photo = noise(60_000, 3);
    archive(&[
        ("train/", FOLDER, b""),
        ("train/1.png", FILE, &photo),
        ("train/2.png", FILE, b"second"),
        ("train/digitStruct.mat", FILE, b"list"),
        ("train/see_bboxes.m", FILE, b"% script"),
    ])
}

#[test]
fn a_set_is_fetched_checked_and_unpacked() {
    let content = small_set();
    let file = official("train", &content);
    let sent = content.clone();
    let server = Server::start(move |request, _| Reply::of_file(request, &sent, "\"v1\""));
    let place = folder();
    let mut stages = Vec::new();
    let fetched = fetch(&file, place.path(), &server.options(), &mut |event| {
        if let Event::Progress { stage, done, of } = event {
            assert!(of.is_some_and(|of| done <= of));
            stages.push(stage);
        }
    })
    .expect("all is well");
    stages.dedup();
    assert_eq!(stages, [Stage::Downloading, Stage::Unpacking]);
    assert_eq!(fetched.path, place.path().join("train"));
    assert_eq!(fetched.sha256, Some(sum(&content)));
    assert!(!fetched.was_there);
    assert_eq!(names(place.path()), ["train", "train.tar.gz.sha256"]);
    let inside = ["1.png", "2.png", "digitStruct.mat", "see_bboxes.m"];
    assert_eq!(names(&place.path().join("train")), inside);
    assert_eq!(fs::read(place.path().join("train/2.png")).expect("unpacked"), b"second");
    let note = fs::read_to_string(place.path().join("train.tar.gz.sha256")).expect("noted");
    assert_eq!(note, format!("{}  train.tar.gz\n", sum(&content)));
    assert_eq!(server.requests()[0].path, "/svhn/train.tar.gz");

    let again = quietly(&file, place.path(), &server.options()).expect("it is there");
    assert_eq!(again, Fetched { was_there: true, ..fetched });
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    let content = mat(300_000, 1);
    let file = official("train_32x32", &content);
    let sent = content.clone();
    let server = Server::start(move |request, before| {
        let reply = Reply::of_file(request, &sent, "\"v1\"");
        if before < 4 { reply.cut(70_000) } else { reply }
    });
    let place = folder();
    let mut retries = 0;
    // More breaks than tries in a row: each one brought something.
    let fetched = fetch(&file, place.path(), &server.options(), &mut |event| {
        retries += u32::from(matches!(event, Event::Retrying { .. }));
        assert!(!matches!(event, Event::StartingOver { .. }));
    })
    .expect("each try brings more");
    assert_eq!(retries, 4);
    assert_eq!(fs::read(&fetched.path).expect("it is there"), content);
    assert_eq!(names(place.path()), ["train_32x32.mat", "train_32x32.mat.sha256"]);
    let from: Vec<_> = server.requests().iter().map(|request| request.from).collect();
    assert_eq!(from, [None, Some(70_000), Some(140_000), Some(210_000), Some(280_000)]);
    assert!(server.requests()[1..].iter().all(|r| r.if_range.as_deref() == Some("\"v1\"")));
}

#[test]
fn a_later_call_goes_on_with_what_is_there() {
    let content = mat(100_000, 1);
    let file = official("test_32x32", &content);
    let place = folder();
    let options = {
        let sent = content.clone();
        let dying = Server::start(move |request, before| match before {
            0 => Reply::of_file(request, &sent, "\"v1\"").cut(40_000),
            _ => Reply::new(503, b"").with("Retry-After", 0),
        });
        let options = dying.options();
        let error = quietly(&file, place.path(), &options).expect_err("it breaks off");
        let FetchError::Unreachable { tries: 3, kept: Some((40_000, part)), .. } = &error else {
            panic!("unexpected: {error}");
        };
        assert!(error.to_string().contains("answered 503"), "{error}");
        assert_eq!(part, &place.path().join("test_32x32.mat.part"));
        assert_eq!(dying.requests().len(), 4, "the first try brought something");
        options
    };
    assert_eq!(names(place.path()), ["test_32x32.mat.part", "test_32x32.mat.part.json"]);
    // The same address again, with a server that has recovered.
    let address = options.source["http://".len()..options.source.len() - "/svhn/".len()].to_owned();
    let sent = content.clone();
    let server =
        Server::start_at(&address, move |request, _| Reply::of_file(request, &sent, "\"v1\""));
    let fetched = quietly(&file, place.path(), &options).expect("the rest comes");
    assert_eq!(fs::read(&fetched.path).expect("it is there"), content);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(server.requests()[0].from, Some(40_000));
}

#[test]
fn what_came_whole_but_unnamed_is_not_fetched_again() {
    let content = mat(50_000, 1);
    let file = official("train_32x32", &content);
    let server = Server::start(|_, _| Reply::new(404, b""));
    let options = server.options();
    let place = folder();
    let part = place.path().join("train_32x32.mat.part");
    fs::write(&part, &content).expect("there is room");
    let url = format!("{}train_32x32.mat", options.source);
    let note = serde_json::json!({ "url": url, "version": "\"v1\"", "size": 50_000 });
    fs::write(part.with_added_extension("json"), note.to_string()).expect("there is room");
    let fetched = quietly(&file, place.path(), &options).expect("all of it is there");
    assert_eq!(fetched.sha256, Some(sum(&content)));
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_part_of_unknown_origin_is_thrown_away() {
    let content = mat(50_000, 1);
    let file = official("train_32x32", &content);
    let sent = content.clone();
    let server = Server::start(move |request, _| Reply::of_file(request, &sent, "\"v1\""));
    let place = folder();
    fs::write(place.path().join("train_32x32.mat.part"), mat(20_000, 9)).expect("there is room");
    let fetched = quietly(&file, place.path(), &server.options()).expect("it starts over");
    assert_eq!(server.requests()[0].from, None);
    assert_eq!(fs::read(&fetched.path).expect("it is there"), content);
}

#[test]
fn without_ranges_it_starts_over() {
    let content = mat(200_000, 1);
    let file = official("train_32x32", &content);
    let sent = content.clone();
    let server = Server::start(move |_, before| {
        let reply = Reply::new(200, &sent).with("ETag", "\"v1\"");
        if before == 0 { reply.cut(90_000) } else { reply }
    });
    let place = folder();
    let mut over = Vec::new();
    let fetched = fetch(&file, place.path(), &server.options(), &mut |event| {
        if let Event::StartingOver { reason } = event {
            over.push(reason.to_owned());
        }
    })
    .expect("the second try brings all");
    assert_eq!(over, ["the server only sends the file as a whole"]);
    assert_eq!(fs::read(&fetched.path).expect("it is there"), content);
}

#[test]
fn a_server_that_always_breaks_off_at_one_place_is_given_up() {
    let content = mat(200_000, 1);
    let file = official("train_32x32", &content);
    let sent = content.clone();
    let server = Server::start(move |_, _| Reply::new(200, &sent).cut(90_000));
    let place = folder();
    let error = quietly(&file, place.path(), &server.options()).expect_err("it never ends");
    assert!(matches!(error, FetchError::Unreachable { tries: 3, .. }), "{error}");
    assert_eq!(server.requests().len(), 4, "the first try brought something");
    assert!(!place.path().join("train_32x32.mat").exists());
}

#[test]
fn a_file_that_changes_between_tries_is_fetched_again() {
    let (old, new) = (mat(100_000, 1), mat(100_000, 2));
    let file = official("train_32x32", &new);
    let sent = new.clone();
    let server = Server::start(move |request, before| match before {
        0 => Reply::of_file(request, &old, "\"v1\"").cut(60_000),
        _ => Reply::of_file(request, &sent, "\"v2\""),
    });
    let place = folder();
    let fetched = quietly(&file, place.path(), &server.options()).expect("the new one is right");
    assert_eq!(fs::read(&fetched.path).expect("it is there"), new);
}

#[test]
fn pieces_that_do_not_fit_are_fetched_again_once() {
    // The server does not look at If-Range, and gives its new version the old one's tag.
    let (old, new) = (mat(100_000, 1), mat(100_000, 2));
    let file = official("train_32x32", &new);
    let sent = new.clone();
    let server = Server::start(move |request, before| {
        let request = Request { if_range: None, ..request.clone() };
        match before {
            0 => Reply::of_file(&request, &old, "\"v1\"").cut(60_000),
            _ => Reply::of_file(&request, &sent, "\"v1\""),
        }
    });
    let place = folder();
    let fetched = quietly(&file, place.path(), &server.options()).expect("the new one is right");
    assert_eq!(fs::read(&fetched.path).expect("it is there"), new);
    let from: Vec<_> = server.requests().iter().map(|request| request.from).collect();
    assert_eq!(from, [None, Some(60_000), None]);
}

#[test]
fn another_range_than_asked_for_is_not_used() {
    let content = mat(100_000, 1);
    let file = official("train_32x32", &content);
    let sent = content.clone();
    let server = Server::start(move |request, before| match before {
        0 => Reply::of_file(request, &sent, "\"v1\"").cut(60_000),
        1 => Reply::of_file(&Request { from: Some(10), ..request.clone() }, &sent, "\"v1\""),
        _ => Reply::of_file(request, &sent, "\"v1\""),
    });
    let place = folder();
    let fetched = quietly(&file, place.path(), &server.options()).expect("the third try is right");
    assert_eq!(fs::read(&fetched.path).expect("it is there"), content);
    assert_eq!(server.requests()[2].from, None);
}

#[test]
fn a_part_longer_than_the_servers_file_is_thrown_away() {
    let (old, new) = (mat(100_000, 1), mat(30_000, 2));
    let file = official("train_32x32", &new);
    let server = Server::start(move |request, before| match before {
        // The longer file came from a time when sizes were not checked.
        0 => Reply::of_file(request, &old, "\"v1\"").cut(60_000),
        _ => Reply::of_file(&Request { if_range: None, ..request.clone() }, &new, "\"v2\""),
    });
    let place = folder();
    let accepting = FetchOptions { accept_changed: true, ..server.options() };
    let fetched = quietly(&file, place.path(), &accepting).expect("it starts over");
    assert_eq!(fetched.sha256.as_deref(), Some(file.sha256));
}

#[test]
fn redirects_are_followed_and_resumed() {
    let content = mat(100_000, 1);
    let file = official("train_32x32", &content);
    let sent = content.clone();
    let server = Server::start(move |request, before| match (&*request.path, before) {
        ("/svhn/train_32x32.mat", _) => Reply::new(302, b"").with("Location", "/elsewhere"),
        (_, 1) => Reply::of_file(request, &sent, "\"v1\"").cut(60_000),
        _ => Reply::of_file(request, &sent, "\"v1\""),
    });
    let place = folder();
    let fetched = quietly(&file, place.path(), &server.options()).expect("it leads there");
    assert_eq!(fs::read(&fetched.path).expect("it is there"), content);
    assert_eq!(server.requests()[3].from, Some(60_000));
}

#[test]
fn redirects_without_end_are_refused() {
    let file = official("train_32x32", &mat(1_000, 1));
    let server = Server::start(|request, _| {
        Reply::new(302, b"").with("Location", format!("{}x", request.path))
    });
    let place = folder();
    let error = quietly(&file, place.path(), &server.options()).expect_err("it never ends");
    assert!(matches!(error, FetchError::Refused { status: 302, .. }), "{error}");
    assert_eq!(names(place.path()), [""; 0]);
}

#[test]
fn what_is_not_the_file_is_refused_and_leaves_nothing() {
    let content = mat(100_000, 1);
    let longer = mat(100_001, 1);
    let other = mat(100_000, 2);
    let page = b"<!DOCTYPE html><p>Please log in to use this network".to_vec();
    type Answer = (&'static str, Reply, fn(&FetchError) -> bool);
    let answers: Vec<Answer> = vec![
        ("a web page", Reply::new(200, &page), |e| matches!(e, FetchError::Content { .. })),
        ("begins with", Reply::new(200, &noise(100_000, 0x1234_5678)), |e| {
            matches!(e, FetchError::Content { .. })
        }),
        ("has 100001 bytes", Reply::new(200, &longer), |e| matches!(e, FetchError::Size { .. })),
        ("has 1000", Reply::new(200, &longer).without("Content-Length"), |e| {
            matches!(e, FetchError::Size { .. })
        }),
        ("SHA-256", Reply::new(200, &other), |e| matches!(e, FetchError::Sha256 { .. })),
        ("404", Reply::new(404, &page), |e| matches!(e, FetchError::Refused { status: 404, .. })),
        ("403", Reply::new(403, &page), |e| matches!(e, FetchError::Refused { status: 403, .. })),
    ];
    for (says, reply, is_it) in answers {
        let file = official("train_32x32", &content);
        let server = Server::start(move |_, _| reply.clone());
        let place = folder();
        let error = quietly(&file, place.path(), &server.options()).expect_err(says);
        assert!(is_it(&error), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.to_string().contains(&server.address), "{error}");
        assert_eq!(names(place.path()), [""; 0], "{says}");
        assert_eq!(server.requests().len(), 1, "{says}: asking again would change nothing");
    }
}

#[test]
fn a_busy_server_is_asked_again_after_the_pause_it_wants() {
    let content = mat(50_000, 1);
    let file = official("train_32x32", &content);
    let sent = content.clone();
    let server = Server::start(move |request, before| match before {
        0 => Reply::new(503, b"").with("Retry-After", 3_600),
        1 => Reply::new(429, b""),
        _ => Reply::of_file(request, &sent, "\"v1\""),
    });
    let place = folder();
    let mut pauses = Vec::new();
    fetch(&file, place.path(), &server.options(), &mut |event| {
        if let Event::Retrying { pause, .. } = event {
            pauses.push(pause.as_millis());
        }
    })
    .expect("the third answer is the file");
    // An hour is cut to the longest pause; without a wish, the second pause is twice the first.
    assert_eq!(pauses, [50, 2]);
}

#[test]
fn a_silent_connection_counts_as_broken() {
    let content = mat(100_000, 1);
    let file = official("train_32x32", &content);
    let sent = content.clone();
    let server = Server::start(move |request, before| {
        let reply = Reply::of_file(request, &sent, "\"v1\"");
        match before {
            0 => Reply { stall: Duration::from_secs(3), ..reply.cut(60_000) },
            _ => reply,
        }
    });
    let place = folder();
    let mut options = server.options();
    options.patience.silence = Duration::from_millis(200);
    // The server answers one connection at a time, so the next try has to wait for it.
    options.patience.tries = 100;
    let start = Instant::now();
    let mut waited = None;
    fetch(&file, place.path(), &options, &mut |event| {
        if let Event::Retrying { .. } = event {
            waited.get_or_insert(start.elapsed());
        }
    })
    .expect("the next try brings the rest");
    assert!(waited.is_some_and(|waited| waited < Duration::from_secs(2)), "{waited:?}");
}

/// A server that keeps its connections alive by a byte now and then.
fn dripping(content: &[u8]) -> (Server, FetchOptions) {
    let sent = content.to_vec();
    let server = Server::start(move |request, _| {
        let drip = Some(Duration::from_millis(5));
        Reply { drip, ..Reply::of_file(request, &sent, "\"v1\"") }
    });
    let mut options = server.options();
    options.patience.silence = Duration::from_millis(200);
    (server, options)
}

#[test]
fn a_dripping_server_is_given_up_and_what_came_is_kept() {
    let content = mat(10_000, 1);
    let (_server, options) = dripping(&content);
    let place = folder();
    let file = official("train_32x32", &content);
    let error = quietly(&file, place.path(), &options).expect_err("it would take a minute");
    let FetchError::Unreachable { tries: 3, reason, kept: Some((bytes, _)), .. } = &error else {
        panic!("unexpected: {error}");
    };
    assert!(reason.contains("slower than 1000 bytes a second"), "{error}");
    assert!((16..1_000).contains(bytes), "{bytes}");
    assert_eq!(names(place.path()), ["train_32x32.mat.part", "train_32x32.mat.part.json"]);
}

#[test]
fn a_server_that_sends_a_few_bytes_a_connection_is_given_up() {
    let content = mat(100_000, 1);
    let sent = content.clone();
    let server = Server::start(move |request, _| Reply::of_file(request, &sent, "\"v1\"").cut(40));
    let mut options = server.options();
    options.patience.first_pause = Duration::from_millis(50);
    let place = folder();
    let file = official("train_32x32", &content);
    let error = quietly(&file, place.path(), &options).expect_err("it would take minutes");
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    assert!(server.requests().len() < 10, "{}", server.requests().len());
}

#[test]
fn a_stop_waits_for_no_server_and_leaves_what_came() {
    let content = mat(100_000, 1);
    let file = official("train_32x32", &content);
    let sent = content.clone();
    let server = Server::start(move |request, before| {
        let reply = Reply::of_file(request, &sent, "\"v1\"");
        // A client that waited for the server would be here long after the test.
        let stall = if before == 0 { Duration::from_secs(3) } else { Duration::ZERO };
        Reply { stall, ..if before == 0 { reply.cut(60_000) } else { reply } }
    });
    let place = folder();
    let (outer, inner) = (place.path().join("new"), place.path().join("new/folder"));
    let options = server.options();
    // Before anything has come, nothing is left.
    options.stop.store(true, Ordering::Relaxed);
    let error = quietly(&file, &inner, &options).expect_err("it was told before");
    assert!(matches!(error, FetchError::Stopped { .. }), "{error}");
    assert!(!outer.exists(), "folders that were made for nothing are gone");
    assert_eq!(server.requests().len(), 0);

    options.stop.store(false, Ordering::Relaxed);
    let stop = Arc::clone(&options.stop);
    let begun = Instant::now();
    thread::spawn({
        let part = inner.join("train_32x32.mat.part");
        move || {
            let come = || fs::metadata(&part).is_ok_and(|part| part.len() == 60_000);
            while !come() && begun.elapsed() < Duration::from_secs(60) {
                thread::sleep(Duration::from_millis(5));
            }
            stop.store(true, Ordering::Relaxed);
        }
    });
    let error = quietly(&file, &inner, &options).expect_err("it is stopped");
    assert!(matches!(error, FetchError::Stopped { .. }), "{error}");
    assert_eq!(names(&inner), ["train_32x32.mat.part", "train_32x32.mat.part.json"]);

    options.stop.store(false, Ordering::Relaxed);
    let fetched = quietly(&file, &inner, &options).expect("the rest comes");
    assert_eq!(fs::read(fetched.path).expect("it is there"), content);
    assert_eq!(server.requests().last().and_then(|request| request.from), Some(60_000));
}

#[test]
fn a_stop_while_unpacking_leaves_the_archive() {
    let photo = noise(3_000_000, 3);
    let content =
        archive(&[("train/1.png", FILE, &photo), ("train/digitStruct.mat", FILE, b"list")]);
    let file = official("train", &content);
    let sent = content.clone();
    let server = Server::start(move |request, _| Reply::of_file(request, &sent, "\"v1\""));
    let place = folder();
    let options = server.options();
    let error = fetch(&file, place.path(), &options, &mut |event| {
        if matches!(event, Event::Progress { stage: Stage::Unpacking, .. }) {
            options.stop.store(true, Ordering::Relaxed);
        }
    })
    .expect_err("it is stopped");
    assert!(matches!(error, FetchError::Stopped { .. }), "{error}");
    assert_eq!(names(place.path()), ["train.tar.gz", "train.tar.gz.sha256"]);
    options.stop.store(false, Ordering::Relaxed);
    quietly(&file, place.path(), &options).expect("it is unpacked");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_a_killed_fetch_left_is_removed_by_the_next_one_of_its_set() {
    let content = small_set();
    let file = official("train", &content);
    let sent = content.clone();
    let server = Server::start(move |request, _| Reply::of_file(request, &sent, "\"v1\""));
    let place = folder();
    // As a kill leaves them; the other set's may be in use.
    for set in ["train", "test"] {
        let left = place.path().join(format!(".doorplate-fetching-{set}/{set}"));
        fs::create_dir_all(&left).expect("there is room");
        fs::write(left.join("1.png"), "half").expect("there is room");
    }
    fs::write(place.path().join(".lock-train"), "4711").expect("there is room");
    fs::write(place.path().join(".doorplate-mine"), "of another command").expect("there is room");
    quietly(&file, place.path(), &server.options()).expect("it is in nobody's way");
    let left = [".doorplate-fetching-test", ".doorplate-mine", "train", "train.tar.gz.sha256"];
    assert_eq!(names(place.path()), left);
}

#[test]
fn the_archive_that_a_fetch_left_that_was_killed_at_its_end_is_removed() {
    let content = small_set();
    let file = official("train", &content);
    let sent = content.clone();
    let server = Server::start(move |request, _| Reply::of_file(request, &sent, "\"v1\""));
    let place = folder();
    let kept = FetchOptions { keep_archive: true, ..server.options() };
    quietly(&file, place.path(), &kept).expect("fetched");
    let whole = ["train", "train.tar.gz", "train.tar.gz.sha256"];
    let again = |options| quietly(&file, place.path(), options).expect("it is there").was_there;
    let plain = server.options();
    assert!(again(&plain));
    assert_eq!(names(place.path()), whole, "what was to be kept");
    // As a kill leaves it between the set's last step and its archive's end.
    let killed = || {
        fs::create_dir(place.path().join(".doorplate-fetching-train")).expect("there is room");
        fs::write(place.path().join(".lock-train"), "4711").expect("there is room");
    };
    killed();
    assert!(again(&kept));
    assert_eq!(names(place.path()), whole);
    killed();
    assert!(again(&server.options()));
    assert_eq!(names(place.path()), ["train", "train.tar.gz.sha256"]);
}

#[test]
fn a_fetch_that_was_killed_while_its_file_got_its_name_leaves_nothing_for_good() {
    let content = small_set();
    let file = official("train", &content);
    let sent = content.clone();
    let server = Server::start(move |request, _| Reply::of_file(request, &sent, "\"v1\""));
    let place = folder();
    let path = |name: &str| place.path().join(name);
    let options = FetchOptions { keep_archive: true, ..server.options() };
    quietly(&file, place.path(), &options).expect("fetched");
    // It is noted, but all else is to come; then it has its name, and its part's origin is there still.
    for name in ["train.tar.gz.part", "train.tar.gz"] {
        fs::remove_dir_all(path("train")).expect("it is there");
        fs::write(path(name), &content).expect("there is room");
        fs::write(path("train.tar.gz.part.json"), "{}").expect("there is room");
        if name != "train.tar.gz" {
            fs::remove_file(path("train.tar.gz")).expect("it is there");
        }
        quietly(&file, place.path(), &server.options()).expect("done");
        assert_eq!(names(place.path()), ["train", "train.tar.gz.sha256"], "{name}");
    }
}

#[test]
fn a_changed_file_may_be_larger_but_not_endless() {
    let content = mat(100_000, 1);
    let file = official("train_32x32", b"another");
    for announced in [true, false] {
        let reply = Reply::new(200, &content);
        let reply = if announced { reply } else { reply.without("Content-Length") };
        let server = Server::start(move |_, _| reply.clone());
        let place = folder();
        let options = FetchOptions { accept_changed: true, ..server.options() };
        let fits = FetchOptions { most_bytes: 100_000, ..options.clone() };
        quietly(&file, &place.path().join("fits"), &fits).expect("just within");
        let short = FetchOptions { most_bytes: 99_999, ..options };
        let error = quietly(&file, &place.path().join("short"), &short).expect_err("too long");
        assert!(matches!(error, FetchError::TooLong { limit: 99_999, .. }), "{error}");
        assert_eq!(names(place.path()), ["fits"], "nothing of it is kept");
    }
}

#[test]
fn the_size_that_one_piece_tells_holds_for_the_later_ones() {
    let content = mat(100_000, 1);
    let file = official("train_32x32", b"another");
    let sent = content.clone();
    let server = Server::start(move |request, before| {
        let reply = Reply::of_file(request, &sent, "\"v1\"");
        match before {
            0 | 1 => reply.cut(30_000),
            // Neither says how long the file is, and the first of them is cut short.
            2 => {
                let range = format!("bytes {}-*/*", request.from.unwrap_or(0));
                let cut = Reply { body: reply.body[..20_000].to_vec(), ..reply };
                cut.with("Content-Range", range).without("Content-Length")
            }
            _ => {
                let range = format!("bytes {}-*/*", request.from.unwrap_or(0));
                reply.with("Content-Range", range).without("Content-Length")
            }
        }
    });
    let place = folder();
    let options = FetchOptions { accept_changed: true, ..server.options() };
    let part = place.path().join("train_32x32.mat.part");
    // What came before from an answer that did not tell the size.
    fs::write(&part, &content[..10_000]).expect("there is room");
    let url = format!("{}train_32x32.mat", options.source);
    let note = serde_json::json!({ "url": url, "version": "\"v1\"", "size": null });
    fs::write(part.with_added_extension("json"), note.to_string()).expect("there is room");
    let fetched = quietly(&file, place.path(), &options).expect("all pieces come");
    assert_eq!(fs::read(&fetched.path).expect("it is there"), content);
    let from: Vec<_> = server.requests().iter().map(|request| request.from).collect();
    assert_eq!(from, [Some(10_000), Some(40_000), Some(70_000), Some(90_000)]);
}

#[test]
fn a_file_without_length_or_version_is_taken_whole() {
    let content = mat(100_000, 1);
    let sent = content.clone();
    let server = Server::start(move |_, before| {
        let reply = Reply::new(200, &sent);
        match before {
            0 => reply.cut(60_000),
            _ => reply.without("Content-Length"),
        }
    });
    let place = folder();
    let accepting = FetchOptions { accept_changed: true, ..server.options() };
    let file = official("train_32x32", b"another");
    let fetched = quietly(&file, place.path(), &accepting).expect("its end is its end");
    assert_eq!(fetched.sha256, Some(sum(&content)));
    assert_eq!(server.requests()[1].from, None, "nothing tells whether the rest would fit");
}

#[test]
fn addresses_that_are_none_are_refused() {
    let file = official("train_32x32", b"");
    for source in ["ftp://example.org", "example.org/x", "http://", "http://exa mple"] {
        let place = folder();
        let options = FetchOptions { source: source.to_owned(), ..FetchOptions::default() };
        let error = quietly(&file, place.path(), &options).expect_err(source);
        assert!(matches!(error, FetchError::Address { .. }), "{error}");
        assert_eq!(names(place.path()), [""; 0], "{source}");
    }
}

#[test]
fn no_server_at_all_leaves_nothing() {
    let file = official("train_32x32", b"");
    let options = Server::start(|_, _| Reply::new(404, b"")).options();
    let place = folder();
    let error = quietly(&file, place.path(), &options).expect_err("nobody answers");
    assert!(matches!(error, FetchError::Unreachable { kept: None, .. }), "{error}");
    assert_eq!(names(place.path()), [""; 0]);
}

#[test]
fn two_fetches_of_one_file_do_not_mix() {
    let content = mat(50_000, 1);
    let file = official("train_32x32", &content);
    let sent = content.clone();
    let server = Server::start(move |request, _| Reply::of_file(request, &sent, "\"v1\""));
    let place = folder();
    let mut second = None;
    fetch(&file, place.path(), &server.options(), &mut |event| {
        if second.is_none() && matches!(event, Event::Progress { .. }) {
            second = Some(quietly(&file, place.path(), &server.options()));
        }
    })
    .expect("the first one goes on");
    let error = second.expect("there was progress").expect_err("the file is taken");
    assert!(matches!(error, FetchError::Busy { .. }), "{error}");
}

#[test]
fn a_file_that_is_there_is_checked_not_fetched() {
    let content = mat(50_000, 1);
    let file = official("train_32x32", &content);
    let server = Server::start(|_, _| Reply::new(404, b""));
    let place = folder();
    let path = place.path().join("train_32x32.mat");
    fs::write(&path, &content).expect("there is room");
    let fetched = quietly(&file, place.path(), &server.options()).expect("it is right");
    assert!(fetched.was_there);
    assert_eq!(download::noted_sha256(&path), Some(sum(&content)));

    fs::write(&path, mat(50_000, 2)).expect("there is room");
    let error = quietly(&file, place.path(), &server.options()).expect_err("it is wrong");
    assert!(matches!(error, FetchError::Sha256 { .. }), "{error}");
    fs::write(&path, mat(40_000, 1)).expect("there is room");
    let error = quietly(&file, place.path(), &server.options()).expect_err("it is short");
    assert!(matches!(error, FetchError::Size { found: 40_000, published: 50_000, .. }), "{error}");
    assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_folder_that_is_no_set_is_left_alone() {
    let file = official("train", &small_set());
    let server = Server::start(|_, _| Reply::new(404, b""));
    let place = folder();
    fs::create_dir(place.path().join("train")).expect("there is room");
    fs::write(place.path().join("train/mine.txt"), b"mine").expect("there is room");
    let error = quietly(&file, place.path(), &server.options()).expect_err("it is in the way");
    assert!(matches!(error, FetchError::InTheWay { .. }), "{error}");
    assert_eq!(names(&place.path().join("train")), ["mine.txt"]);
}

#[test]
fn an_archive_put_there_by_hand_stays() {
    let content = small_set();
    let file = official("train", &content);
    let server = Server::start(|_, _| Reply::new(404, b""));
    let place = folder();
    fs::write(place.path().join("train.tar.gz"), &content).expect("there is room");
    let fetched =
        quietly(&file, place.path(), &server.options()).expect("nothing is to be fetched");
    assert_eq!(fetched.path, place.path().join("train"));
    assert_eq!(names(place.path()), ["train", "train.tar.gz", "train.tar.gz.sha256"]);
}

/// Unpacks an archive; the folder must be as it was where that fails.
fn unpack_bytes(content: &[u8], limits: &Limits) -> Result<TempDir, FetchError> {
    let place = folder();
    let path = place.path().join("train.tar.gz");
    fs::write(&path, content).expect("there is room");
    let drafts = folder();
    let stop = AtomicBool::new(false);
    let mut watch = Watch { told: &mut |_| {}, stop: &stop, path: &path };
    let unpacked = unpack(&path, "train", place.path(), drafts.path(), limits, &mut watch);
    if unpacked.is_err() {
        assert_eq!(names(place.path()), ["train.tar.gz"]);
    }
    unpacked.map(|()| place)
}

#[test]
fn entries_that_leave_the_folder_are_refused() {
    const LIST: Entry<'static> = ("train/digitStruct.mat", FILE, b"list");
    let outside = std::env::temp_dir().join("doorplate-evil");
    let absolute = outside.to_str().expect("a plain path");
    let entries: [(Entry<'_>, &str); 11] = [
        (("../evil", FILE, b"x"), ".."),
        (("train/../../evil", FILE, b"x"), ".."),
        (("train/../train/1.png", FILE, b"x"), ".."),
        ((absolute, FILE, b"x"), "absolute"),
        (("/train/1.png", FILE, b"x"), "absolute"),
        (("train/1.png", tar::EntryType::Symlink, b""), "link"),
        (("train/1.png", tar::EntryType::Link, b""), "link"),
        (("train/1.png", tar::EntryType::Fifo, b""), "neither"),
        (("train\\..\\..\\evil", FILE, b"x"), "not a plain path"),
        (("train/c:evil", FILE, b"x"), "not a plain path"),
        (("elsewhere/1.png", FILE, b"x"), "does not lie in"),
    ];
    for (entry, says) in entries {
        // Also when the archive begins like a good one.
        let content = archive(&[("train/", FOLDER, b""), LIST, entry]);
        let error = unpack_bytes(&content, &Limits::default()).expect_err(says);
        let FetchError::Entry { entry: name, problem, .. } = &error else {
            panic!("unexpected: {error}");
        };
        assert_eq!(name, entry.0);
        assert!(problem.contains(says), "{error}");
        assert!(!outside.exists());
    }
}

#[test]
fn a_link_and_an_entry_through_it_write_nothing() {
    let content = archive(&[
        ("train/out", tar::EntryType::Symlink, b""),
        ("train/out/evil", FILE, b"x"),
        ("train/digitStruct.mat", FILE, b"list"),
    ]);
    let error = unpack_bytes(&content, &Limits::default()).expect_err("links are refused");
    assert!(matches!(error, FetchError::Entry { .. }), "{error}");
}

#[test]
fn archives_that_unpack_to_too_much_are_refused() {
    let zeros = vec![0; 3 << 20];
    let content = archive(&[
        ("train/1.png", FILE, &zeros),
        ("train/2.png", FILE, &zeros),
        ("train/digitStruct.mat", FILE, b"list"),
    ]);
    let limits = Limits { bytes: 4 << 20, ..Limits::default() };
    let error = unpack_bytes(&content, &limits).expect_err("6 MB");
    assert!(
        matches!(error, FetchError::TooMuch { limit: 4_194_304, what: "bytes", .. }),
        "{error}"
    );
    let error = unpack_bytes(&content, &Limits { entries: 2, ..limits }).expect_err("3 entries");
    assert!(matches!(error, FetchError::TooMuch { .. }), "{error}");
    unpack_bytes(&content, &Limits { entries: 3, bytes: 7 << 20 }).expect("just within");
    // A size that no disk holds is refused before anything is read.
    let mut header = tar::Header::new_gnu();
    header.set_path("train/1.png").expect("a short name");
    header.set_size(u64::MAX / 2);
    header.set_entry_type(FILE);
    header.set_cksum();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(header.as_bytes()).expect("memory takes all");
    let content = gzip.finish().expect("memory takes all");
    let error = unpack_bytes(&content, &Limits::default()).expect_err("too large");
    assert!(matches!(error, FetchError::TooMuch { .. }), "{error}");
}

#[test]
fn a_name_of_many_megabytes_is_not_kept_in_memory() {
    let name = vec![b'a'; 40 << 20];
    let content = archive(&[
        ("././@LongLink", tar::EntryType::GNULongName, &name),
        ("train/digitStruct.mat", FILE, b"list"),
    ]);
    let error = unpack_bytes(&content, &Limits::default()).expect_err("no name is as long");
    assert!(matches!(error, FetchError::Damaged { .. }), "{error}");
}

#[test]
fn archives_cut_anywhere_are_refused() {
    let content = small_set();
    for part in 1..16 {
        let cut = &content[..content.len() * part / 16];
        let error = unpack_bytes(cut, &Limits::default()).expect_err("it is cut");
        assert!(matches!(error, FetchError::Damaged { .. }), "{error}");
    }
    // Only the last check sum is missing.
    let error = unpack_bytes(&content[..content.len() - 1], &Limits::default()).expect_err("cut");
    assert!(matches!(error, FetchError::Damaged { .. }), "{error}");
    let mut flipped = content.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    let error = unpack_bytes(&flipped, &Limits::default()).expect_err("a bit is flipped");
    assert!(matches!(error, FetchError::Damaged { .. }), "{error}");
}

#[test]
fn an_archive_cut_before_it_was_packed_is_refused() {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2_000);
    header.set_entry_type(FILE);
    tar.append_data(&mut header, "train/digitStruct.mat", &*noise(2_000, 1)).expect("memory");
    let tar = tar.into_inner().expect("it is whole");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&tar[..1_500]).expect("memory takes all");
    let content = gzip.finish().expect("memory takes all");
    let error = unpack_bytes(&content, &Limits::default()).expect_err("it ends within its list");
    assert!(error.to_string().contains("train/digitStruct.mat"), "{error}");
    assert!(matches!(error, FetchError::Damaged { .. }), "{error}");
}

#[test]
fn an_archive_without_a_list_or_with_an_entry_twice_is_refused() {
    let content = archive(&[("train/1.png", FILE, b"x")]);
    let error = unpack_bytes(&content, &Limits::default()).expect_err("no list");
    assert!(matches!(error, FetchError::Incomplete { .. }), "{error}");
    let content = archive(&[
        ("train/digitStruct.mat", FILE, b"list"),
        ("./train/digitStruct.mat", FILE, b"another"),
    ]);
    let error = unpack_bytes(&content, &Limits::default()).expect_err("twice");
    assert!(error.to_string().contains("twice"), "{error}");
}

#[test]
fn a_damaged_archive_of_the_right_sum_leaves_no_folder() {
    let content = small_set()[..30_000].to_vec();
    let file = official("train", &content);
    let sent = content.clone();
    let server = Server::start(move |request, _| Reply::of_file(request, &sent, "\"v1\""));
    let place = folder();
    let error = quietly(&file, place.path(), &server.options()).expect_err("it is cut");
    assert!(matches!(error, FetchError::Damaged { .. }), "{error}");
    assert!(!place.path().join("train").exists());
}

#[test]
fn the_official_files_are_six_with_plain_names_and_sums() {
    for file in OFFICIAL_FILES {
        assert!(file.name.starts_with(file.set));
        assert_eq!(file.is_archive(), !file.name.ends_with(".mat"));
        assert_eq!(file.sha256.len(), 64);
        assert_eq!(OfficialFile::of_set(file.set), Some(file));
    }
    assert_eq!(OfficialFile::of_set("train.tar.gz"), None);
}
