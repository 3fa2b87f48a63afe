//! Several files as one ZIP file. They are compressed already, so they are stored unchanged.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use web_sys::Blob;

use crate::app::browser::{blob_of, describe, join};

/// What was written since it was last taken.
#[derive(Clone, Default)]
struct Tail(Rc<RefCell<Vec<u8>>>);

impl Write for Tail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A ZIP file in the making. What is finished of it is handed to the browser, which may keep it
/// on disk; only one file at a time is in the page's own memory.
pub struct Zip {
    tail: Tail,
    writer: ZipArchiveWriter<Tail>,
    parts: Vec<Blob>,
}

impl Zip {
    /// An empty one.
    pub fn new() -> Self {
        let tail = Tail::default();
        Zip { writer: ZipArchiveWriter::new(tail.clone()), tail, parts: Vec::new() }
    }

    /// Adds a file, of now.
    ///
    /// # Errors
    /// For a name that cannot be in a ZIP file, and the browser's own, as when it has too little
    /// memory.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let add = |writer: &mut ZipArchiveWriter<Tail>| -> Result<(), rawzip::Error> {
            let now = UtcDateTime::from_unix((js_sys::Date::now() / 1000.0) as i64);
            let file = writer.new_file(name).compression_method(CompressionMethod::STORE);
            let (mut entry, config) = file.last_modified(now).start()?;
            let mut data = config.wrap(&mut entry);
            data.write_all(bytes)?;
            let (_, descriptor) = data.finish()?;
            entry.finish(descriptor)?;
            Ok(())
        };
        add(&mut self.writer).map_err(|error| error.to_string())?;
        self.hand_over()
    }

    /// The whole file.
    ///
    /// # Errors
    /// The browser's own, as when it has too little memory.
    pub fn finish(mut self) -> Result<Blob, String> {
        let Zip { writer, tail, parts } = &mut self;
        let writer = std::mem::replace(writer, ZipArchiveWriter::new(tail.clone()));
        writer.finish().map_err(|error| error.to_string())?;
        let end = std::mem::take(&mut *tail.0.borrow_mut());
        parts.push(blob_part(&end)?);
        join(parts, "application/zip").map_err(|error| describe(&error))
    }

    fn hand_over(&mut self) -> Result<(), String> {
        let bytes = std::mem::take(&mut *self.tail.0.borrow_mut());
        self.parts.push(blob_part(&bytes)?);
        Ok(())
    }
}

fn blob_part(bytes: &[u8]) -> Result<Blob, String> {
    blob_of(bytes, "").map_err(|error| describe(&error))
}
