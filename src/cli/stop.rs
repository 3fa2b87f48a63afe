//! Ctrl-C, and the system's request to end.

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::{Context as _, Result};

/// The exit code of a process that was stopped.
const STOPPED: i32 = 130;

/// How long a process may take to end by itself. Nobody who stops it, such as a cluster that is about to
/// kill it, waits for longer.
pub const GRACE: Duration = Duration::from_secs(4);

/// What `late` of [`listen`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// The process is ended.
    End,
    /// It is about to end by itself.
    Wait,
}

/// Sets `stop` at Ctrl-C, and says `notice`. At the second time, and if the process has not ended after
/// [`GRACE`], it ends at once, after `late`, which may refuse that in the second case.
pub fn listen(
    stop: &Arc<AtomicBool>,
    notice: &'static str,
    late: impl Fn() -> Late + Send + Sync + 'static,
) -> Result<()> {
    let (stop, late) = (Arc::clone(stop), Arc::new(late));
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            late();
            process::exit(STOPPED);
        }
        let late = Arc::clone(&late);
        // Before the message, which nobody may read.
        thread::spawn(move || {
            thread::sleep(GRACE);
            if late() == Late::End {
                process::exit(STOPPED);
            }
        });
        note!(
            "\ndoorplate: {notice}, in at most {} seconds; press Ctrl-C again to stop at once",
            GRACE.as_secs()
        );
    })
    .context("listening for Ctrl-C")
}
