//! Whose fault an error is, whichever room it comes from.
//!
//! An error's message either contains its cause or leaves it to [`Error::source`], never both; so
//! [`with_causes`] says each part once.

use std::{error::Error, io, iter};

/// Whose fault an error is. The command line has an exit code for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None of the others: mostly a file that cannot be written, or a machine out of something.
    Other,
    /// Arguments that are wrong, or do not go together.
    Arguments,
    /// A photo, its boxes, a data set or a run that cannot be used.
    Input,
    /// A model that cannot be used.
    Model,
    /// The device that computes.
    Device,
    /// Some photos of many; the others are done.
    SomeFailed,
    /// A removal after which something of a digit may still be visible.
    Left,
    /// The user, who stopped the program.
    Stopped,
    /// Whoever reads standard output, and has closed it.
    Unheard,
}

/// An error that says whose fault it is.
pub trait AtFault: Error {
    /// Whose fault it is.
    fn fault(&self) -> Fault {
        Fault::Other
    }
}

impl AtFault for io::Error {}

/// An error's message, followed by those of its causes.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
