//! A photo in a process of its own, because a run was killed while the photo was in work. Only so can
//! the next run tell a photo that kills from one that was in work when somebody killed the run.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, Read as _},
    process::{Command, Output, Stdio},
    sync::{Arc, atomic::Ordering},
    thread,
};

use serde_json::Value;

use super::{
    batch::{Batch, Outcome},
    one::Subject,
    state::State,
};
use crate::cli::{Context as _, Error, Result};

/// What is said of a photo whose own process was killed.
pub(super) const SKIPPED: &str = "it is skipped, because the program was killed while it did this \
                                  photo alone; the photo may need more memory than there is. To try \
                                  it again, add --retry";

/// The exit code of a process that was stopped.
const STOPPED: i32 = 130;

impl Batch {
    /// Does one photo in a process of its own.
    pub(super) fn erase_apart(&self, subject: &Subject<'_>, state: &State) -> Result<Outcome> {
        let allowed = state.allow_apart().map_err(self.written(&self.output))?;
        let Output { status, stdout, stderr } =
            run_apart(subject.path.as_os_str()).context("it needs a process of its own")?;
        drop(allowed);
        // On Windows, a process that is ended by the system has a code that no program gives.
        let code = status.code().filter(|code| (0..=255).contains(code));
        if code.is_none() {
            let noted = state.condemn(subject.name, &subject.metadata);
            noted.map_err(self.written(&self.output))?;
            return Err(SKIPPED.into());
        }
        let line = String::from_utf8_lossy(&stdout);
        let line = line.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
        if line.is_none() && code == Some(STOPPED) {
            return Ok(Outcome::NotBegun);
        }
        // Whether it has begun the photo or refused it, what it has noted of it holds.
        match line {
            Some(line) => match line["error"].as_str() {
                Some(error) => Err(Error::from(error)),
                None if line["skipped"] == true => Ok(Outcome::DoneBefore(line)),
                None if line["left_out"] == true => Ok(Outcome::LeftOut(line)),
                None => Ok(Outcome::Written(line)),
            },
            None => Err(Error::from(String::from_utf8_lossy(&stderr).trim())),
        }
    }

    /// Ends this process if the run that has started it for one photo is killed. The run never
    /// writes to the pipe that is this process's standard input, but holds it open.
    pub(super) fn end_with_the_run(self: &Arc<Self>) {
        let batch = Arc::downgrade(self);
        thread::spawn(move || {
            loop {
                match io::stdin().lock().read(&mut [0]) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                }
            }
            let Some(batch) = batch.upgrade() else { return };
            batch.stop.store(true, Ordering::Relaxed);
            if let Some(state) = batch.records.state() {
                // The photo is still in work, so it was not what killed the run.
                state.forgive_and_exit(STOPPED);
            }
        });
    }
}

/// Starts this program again with the same arguments for this photo alone, and waits for its end.
fn run_apart(photo: &OsStr) -> io::Result<Output> {
    // One argument, as a photo's name may begin like an option.
    let mut apart = OsString::from("--apart=");
    apart.push(photo);
    let mut child = Command::new(env::current_exe()?)
        .arg("erase")
        .arg(apart)
        .args(env::args_os().skip(2))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // Held open until the process ends.
    let _run_lives = child.stdin.take();
    child.wait_with_output()
}
