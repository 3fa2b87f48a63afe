//! What the program prints. A line that cannot be printed is an error like any other, not a panic:
//! standard output may be a full disk, or a program such as `head` that has read enough.

use std::{
    fmt,
    io::{self, Write as _},
};

use crate::fault::{AtFault, Fault};

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written")]
pub struct OutputError(#[from] io::Error);

impl AtFault for OutputError {
    fn fault(&self) -> Fault {
        match self.0.kind() {
            // Its reader may close it at any time.
            io::ErrorKind::BrokenPipe => Fault::Unheard,
            _ => Fault::Other,
        }
    }
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
