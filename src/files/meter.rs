//! Counts what is read, and limits it.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// Counts the bytes that are read.
pub(crate) struct Counted<R> {
    inner: R,
    bytes: Rc<Cell<u64>>,
}

impl<R> Counted<R> {
    /// A reader, and its count.
    pub(crate) fn new(inner: R) -> (Self, Rc<Cell<u64>>) {
        let bytes = Rc::new(Cell::new(0));
        (Counted { inner, bytes: Rc::clone(&bytes) }, bytes)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

/// Gives out no more bytes of an archive than it is allowed: the parts between its entries, such as
/// long names, are kept in memory, whatever their size.
pub(crate) struct Rationed<R> {
    inner: R,
    ration: Rc<Cell<u64>>,
}

impl<R> Rationed<R> {
    /// A reader, and the number of bytes that it may still give out, which is 0 at first.
    pub(crate) fn new(inner: R) -> (Self, Rc<Cell<u64>>) {
        let ration = Rc::new(Cell::new(0));
        (Rationed { inner, ration: Rc::clone(&ration) }, ration)
    }
}

impl<R: Read> Read for Rationed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ration = self.ration.get();
        if ration == 0 && !buffer.is_empty() {
            return Err(io::Error::other("more bytes between its entries than any archive needs"));
        }
        let length = buffer.len().min(usize::try_from(ration).unwrap_or(usize::MAX));
        let read = self.inner.read(&mut buffer[..length])?;
        self.ration.set(ration - read as u64);
        Ok(read)
    }
}
