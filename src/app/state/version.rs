//! Whether there is a new version of the page.

use super::seen::Seen;

/// Whether there is a new version of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewVersion {
    /// None that is known, or not now.
    None,
    /// One waits for the user's word.
    Ready,
    /// It has been asked to take over.
    Asked,
}

/// What is known of a new version.
#[derive(Clone, Copy)]
pub struct Version {
    /// Whether there is one.
    pub new: Seen<NewVersion>,
}

impl Version {
    /// None is known.
    pub fn new() -> Self {
        Version { new: Seen::new(NewVersion::None) }
    }

    /// There is one, which waits for the user's word.
    pub fn is_ready(self) {
        self.new.set(NewVersion::Ready);
    }

    /// It was asked to take over.
    pub fn was_asked(self) {
        self.new.set(NewVersion::Asked);
    }

    /// The user does not want it now.
    pub fn not_now(self) {
        self.new.set(NewVersion::None);
    }
}
