//! A request and its answer on a thread of their own, so that nobody waits for a server longer than
//! they want to: a read of the system's can be neither hurried nor given up.

use std::{
    io::{self, Read as _},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Instant,
};

use ureq::{RequestBuilder, http::response::Parts, typestate::WithoutBody};

use super::{FetchError, Patience, TICK, Watch};

/// Size of the pieces of a body in bytes.
const PIECE: usize = 1 << 16;

/// What comes over a connection.
enum Came {
    Head(Box<Parts>, Option<u64>),
    Refused(ureq::Error),
    Piece(Vec<u8>),
    End,
    Broken(io::Error),
}

/// The body of an answer.
pub(super) struct Body {
    came: Receiver<Came>,
    patience: Patience,
    /// When the speed was last looked at, and what has come since.
    since: Instant,
    bytes: u64,
}

/// Why nothing more comes.
pub(super) enum Broken {
    /// The fetch is to stop.
    Stopped(FetchError),
    /// The request failed.
    Refused(ureq::Error),
    /// The connection failed.
    Lost(String),
}

/// Sends a request. Gives its answer's head, with the length of the body if that is announced, and
/// the body.
pub(super) fn send(
    request: RequestBuilder<WithoutBody>,
    patience: Patience,
    watch: &Watch<'_>,
) -> Result<(Parts, Option<u64>, Body), Broken> {
    watch.check().map_err(Broken::Stopped)?;
    // A few pieces, so that the disk and the network do not wait for each other.
    let (sender, came) = sync_channel(4);
    thread::spawn(move || converse(request, &sender));
    let mut body = Body { came, patience, since: Instant::now(), bytes: 0 };
    // To connect and to answer may take as long as a connection may be silent, each of them.
    let until = Instant::now() + 3 * patience.silence;
    loop {
        match body.next(watch)? {
            Some(Came::Head(head, length)) => {
                body.since = Instant::now();
                return Ok((*head, length, body));
            }
            Some(Came::Refused(error)) => return Err(Broken::Refused(error)),
            None if Instant::now() < until => {}
            _ => return Err(Broken::Lost("the server does not answer".to_owned())),
        }
    }
}

impl Body {
    /// The next piece, which is not empty; `None` at the end.
    pub(super) fn piece(&mut self, watch: &Watch<'_>) -> Result<Option<Vec<u8>>, Broken> {
        loop {
            let came = self.next(watch)?;
            if let Some(Came::Piece(piece)) = &came {
                self.bytes += piece.len() as u64;
            }
            let after = self.since.elapsed();
            if after >= self.patience.silence {
                if (self.bytes as f64) < f64::from(self.patience.slowest) * after.as_secs_f64() {
                    let reason = format!("slower than {} bytes a second", self.patience.slowest);
                    return Err(Broken::Lost(reason));
                }
                (self.since, self.bytes) = (Instant::now(), 0);
            }
            match came {
                Some(Came::Piece(piece)) => return Ok(Some(piece)),
                Some(Came::End) => return Ok(None),
                Some(Came::Broken(error)) => return Err(Broken::Lost(error.to_string())),
                Some(Came::Head(..) | Came::Refused(_)) | None => {}
            }
        }
    }

    /// What comes next, or `None` after a moment without anything.
    fn next(&self, watch: &Watch<'_>) -> Result<Option<Came>, Broken> {
        watch.check().map_err(Broken::Stopped)?;
        match self.came.recv_timeout(TICK) {
            Ok(came) => Ok(Some(came)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Broken::Lost("the connection ended without reason".to_owned()))
            }
        }
    }
}

/// Passes on what comes, until nobody listens.
fn converse(request: RequestBuilder<WithoutBody>, sender: &SyncSender<Came>) {
    let body = match request.call() {
        Ok(response) => {
            let (head, body) = response.into_parts();
            if sender.send(Came::Head(Box::new(head), body.content_length())).is_err() {
                return;
            }
            body
        }
        Err(error) => {
            let _ = sender.send(Came::Refused(error));
            return;
        }
    };
    let mut body = body.into_reader();
    loop {
        let mut piece = vec![0; PIECE];
        let came = match body.read(&mut piece) {
            Ok(0) => Came::End,
            Ok(length) => {
                piece.truncate(length);
                Came::Piece(piece)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Came::Broken(error),
        };
        let ended = !matches!(came, Came::Piece(_));
        if sender.send(came).is_err() || ended {
            return;
        }
    }
}
