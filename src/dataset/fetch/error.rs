//! Why a file cannot be fetched.

use crate::fault::{AtFault, Fault};
use std::{io, path::PathBuf};

/// Why a file cannot be fetched or unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A file or folder cannot be written or renamed.
    #[error(
        "{}: could not be written ({reason}). Is there space on the disk, and permission to write?",
        path.display()
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// A file cannot be read.
    #[error("{}: could not be read ({reason})", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// Another process fetches the same file.
    #[error("{}: another doorplate is fetching it. Wait for that one to end", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// It was asked to stop.
    #[error("{}: stopped; start again to continue", path.display())]
    Stopped {
        /// The file.
        path: PathBuf,
    },
    /// The set's folder exists, but was changed, or not unpacked by this program.
    #[error(
        "{}: is in the way: it holds no digitStruct.mat, so it is not an unpacked set. Move it \
         away or fetch into another folder",
        path.display()
    )]
    InTheWay {
        /// The folder.
        path: PathBuf,
    },
    /// The address is none.
    #[error(
        "{url}: not a usable address ({reason}). An address begins with http:// or https://, then \
         the name of a host"
    )]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server refuses.
    #[error("{url}: the server answered {status}. {}", advice(*status))]
    Refused {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The connection failed, or kept failing.
    #[error(
        "{url}: gave up after {tries} attempts in a row without new data (the last one: {reason}). \
         {}",
        go_on(kept.as_ref())
    )]
    Unreachable {
        /// The address.
        url: String,
        /// Tries in a row.
        tries: u32,
        /// What went wrong last.
        reason: String,
        /// Bytes that came in all, if any, and where they are.
        kept: Option<(u64, PathBuf)>,
    },
    /// What comes is something else.
    #[error(
        "{url}: received {found} instead of {expected}. Is there a log-in page between this \
         machine and the server, or is the mirror's address wrong?"
    )]
    Content {
        /// The address.
        url: String,
        /// What it seems to be.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The file has another size than the official one.
    #[error(
        "{place}: has {found} bytes, but SVHN's file has {published}. If SVHN itself has changed, \
         take the file with --accept-changed"
    )]
    Size {
        /// The address or the file.
        place: String,
        /// Its bytes.
        found: u64,
        /// The official file's.
        published: u64,
    },
    /// The file is larger than any that is accepted.
    #[error(
        "{url}: has more than {limit} bytes, so it is not one of SVHN's files. Nothing of it is \
             kept"
    )]
    TooLong {
        /// The address.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// The file has other bytes than the official one.
    #[error(
        "{place}: its SHA-256 is {found}, but that of SVHN's file is {published}. Fetch it again; \
         if SVHN itself has changed, take it with --accept-changed"
    )]
    Sha256 {
        /// The address or the file.
        place: String,
        /// Its SHA-256.
        found: String,
        /// The official file's.
        published: String,
    },
    /// An archive is damaged.
    #[error(
        "{}: the archive is damaged or cut short ({reason}). Remove it and fetch it again",
        path.display()
    )]
    Damaged {
        /// The archive.
        path: PathBuf,
        /// The unpacker's error.
        reason: String,
    },
    /// An archive holds what no set of photos holds. Nothing of it is kept.
    #[error(
        "{}: the entry {entry} {problem}, so nothing was unpacked. This is not SVHN's archive",
        path.display()
    )]
    Entry {
        /// The archive.
        path: PathBuf,
        /// The entry's name, as the archive has it.
        entry: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An archive holds more than any set of photos. Nothing of it is kept.
    #[error(
        "{}: unpacks to more than {limit} {what}, so nothing was unpacked. This is not SVHN's \
         archive",
        path.display()
    )]
    TooMuch {
        /// The archive.
        path: PathBuf,
        /// The limit.
        limit: u64,
        /// What there is too much of.
        what: &'static str,
    },
    /// An archive is whole, but has no list of photos.
    #[error("{}: holds no {missing}, so nothing was unpacked. This is not SVHN's archive", path.display())]
    Incomplete {
        /// The archive.
        path: PathBuf,
        /// What is missing.
        missing: String,
    },
}

impl AtFault for FetchError {
    fn fault(&self) -> Fault {
        match self {
            FetchError::Stopped { .. } => Fault::Stopped,
            _ => Fault::Other,
        }
    }
}

/// What to do about an HTTP status.
fn advice(status: u16) -> &'static str {
    match status {
        404 | 410 => "There is no such file: check the mirror's address",
        401 | 403 | 407 => {
            "It asks for a log-in, which SVHN's own server does not: check the address"
        }
        300..=399 => "It redirects without end: check the address",
        _ => "Try again later or give a mirror's address",
    }
}

/// What to do when a server stays silent.
fn go_on(kept: Option<&(u64, PathBuf)>) -> String {
    match kept {
        Some((bytes, path)) => format!(
            "{bytes} bytes are kept in {}; start again to continue after them",
            path.display()
        ),
        None => "Is this machine on the network? If so, try again later or give a mirror's \
                 address"
            .to_owned(),
    }
}
