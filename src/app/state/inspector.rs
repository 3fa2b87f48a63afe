//! What the inspector shows.

use std::rc::Rc;

use leptos::prelude::*;

use super::seen::Seen;
use crate::worker::protocol::Inside;

/// The inspector.
#[derive(Clone, Copy)]
pub struct Inspector {
    /// What it shows: the newest answer, which may be about the box as it was a moment ago.
    pub inside: Seen<Option<Rc<Inside>>, LocalStorage>,
    /// The digit whose gradient it shows; none for the digit that is read.
    pub gradient_of: Seen<Option<u8>>,
}

impl Inspector {
    /// Nothing to show yet.
    pub fn new() -> Self {
        Inspector { inside: Seen::new_local(None), gradient_of: Seen::new(None) }
    }

    /// Takes in an answer; none when the photo is another one.
    pub fn show(self, inside: Option<Box<Inside>>) {
        self.inside.set(inside.map(Rc::from));
    }

    /// Shows another digit's gradient.
    pub fn show_gradient_of(self, digit: Option<u8>) {
        self.gradient_of.set(digit);
    }
}
