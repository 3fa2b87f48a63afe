//! Writes the archive of results: for each photo its result, and a record of it.

use std::{
    io::{self, BufWriter, Stdout, Write as _},
    mem::ManuallyDrop,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tar::{Builder, EntryType, Header};

use super::super::{
    eraser::{Eraser, Tally},
    inputs::result_name,
    leave_readings_out,
};
use crate::{
    cli::{Error, Result, memory::Share, output::OutputError},
    publication::sha256_hex,
};

/// A photo that is done, or has failed.
pub(super) struct Done {
    /// What the archive calls it.
    pub(super) name: PathBuf,
    /// The path of its record.
    pub(super) record: PathBuf,
    /// Its line, and its result if it has one.
    pub(super) made: Result<(Value, Option<Vec<u8>>), Error>,
    /// The memory of its result.
    pub(super) _share: Option<Share>,
}

/// The archive on standard output.
pub(super) struct Results {
    // A builder writes the end mark when it is dropped; but that says that nothing is missing.
    archive: ManuallyDrop<Builder<BufWriter<Stdout>>>,
}

impl Results {
    pub(super) fn new() -> Self {
        let out = BufWriter::with_capacity(1 << 17, io::stdout());
        Results { archive: ManuallyDrop::new(Builder::new(out)) }
    }

    /// Writes a photo's result and its record, counts and reports it.
    pub(super) fn put(&mut self, done: Done, eraser: &Eraser) -> Result<(), OutputError> {
        let Done { name, record, made, _share } = done;
        let line = match made {
            Ok((mut line, content)) => {
                eraser.note_empty(&line);
                eraser.note_left(&name, &line);
                if let Some(content) = content {
                    Tally::add(&eraser.tally.written);
                    line["sha256"] = sha256_hex(&content).into();
                    self.append(&result_name(&name), &content)?;
                }
                line
            }
            Err(error) => eraser.note_failed(&name, &error),
        };
        self.append(&record, format!("{}\n", to_hand_on(line)).as_bytes())?;
        // So that the next program has it.
        Ok(self.archive.get_mut().flush()?)
    }

    fn append(&mut self, name: &Path, content: &[u8]) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // Nothing of when and by whom the photo was taken or changed, like its metadata; so the same
        // photos always give the same bytes.
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        self.archive.append_data(&mut header, name, content)
    }

    /// Writes the end mark: the whole archive was read.
    pub(super) fn finish(mut self) -> Result<(), OutputError> {
        self.archive.finish()?;
        Ok(self.archive.get_mut().flush()?)
    }
}

/// A photo's line as it is handed on with the results: without what was read, where the digits were,
/// and how long it took.
fn to_hand_on(mut line: Value) -> Value {
    if let Some(fields) = line.as_object_mut() {
        for field in ["output", "milliseconds"] {
            fields.remove(field);
        }
    }
    leave_readings_out(&mut line);
    line
}
