//! What the program prints. A line that cannot be printed is an error like any other, not a panic:
//! standard output may be a full disk, or a program such as `head` that has read enough.

use std::{
    fmt,
    io::{self, Write as _},
};

/// The exit code if standard output was closed: that of a program which the system ends for it
/// (128 and SIGPIPE's number).
pub const CLOSED: u8 = 141;

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written: {0}")]
pub struct OutputError(#[from] io::Error);

impl OutputError {
    /// Whether its reader has closed it, which it may do at any time.
    fn is_closed(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Whether an error only means that nobody reads standard output any more.
pub fn is_closed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref().is_some_and(OutputError::is_closed))
}

/// Prints to standard output at once.
pub fn print(text: fmt::Arguments<'_>) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    out.write_fmt(text)?;
    Ok(out.flush()?)
}

/// Prints a line to standard error. If that fails, there is nobody to tell.
pub fn note(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints a line to standard output; gives [`OutputError`] if that fails.
macro_rules! tell {
    ($($text:tt)*) => {
        $crate::cli::output::print(format_args!("{}\n", format_args!($($text)*)))
    };
}

/// Prints a line to standard error.
macro_rules! note {
    ($($text:tt)*) => {
        $crate::cli::output::note(format_args!($($text)*))
    };
}
