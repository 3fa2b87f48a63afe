//! `doorplate erase --verify`: what is in an output folder, without doing any photo again.

use std::{
    ffi::OsStr,
    fs, io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::json;
use walkdir::WalkDir;

use super::{
    batch::{Batch, Outcome},
    eraser::Tally,
    inputs::{Input, source_of},
    records::RECORDS,
};
use crate::cli::{Context as _, Result, places::absolute};

/// What a result is, compared with its record, and with what this command would make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The file that its record describes, made of this photo, these boxes and these options.
    Whole,
    /// It is missing, or its mask is.
    Missing,
    /// Its bytes, or those of its mask, are not those that were written.
    Changed,
    /// The photo, its boxes, an option, the model or the version has changed since.
    Outdated,
    /// A file that no record describes, or that belongs to no photo.
    Unknown,
}

impl Condition {
    const ALL: [(Condition, &'static str); 5] = [
        (Condition::Whole, "whole"),
        (Condition::Missing, "missing"),
        (Condition::Changed, "changed"),
        (Condition::Outdated, "outdated"),
        (Condition::Unknown, "unknown"),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(one, _)| *one == self).map_or("", |(_, name)| name)
    }
}

/// How many results were found in each condition.
#[derive(Debug, Default)]
pub(super) struct Found {
    of_conditions: [AtomicU64; Condition::ALL.len()],
    /// Whole results that were checked, with nothing left.
    proven: AtomicU64,
    /// Whole results that were not checked.
    unchecked: AtomicU64,
}

impl Found {
    fn count(&self, condition: Condition) {
        if let Some(counter) = self.of_conditions.get(condition as usize) {
            Tally::add(counter);
        }
    }

    /// How many results were looked at, and how many of them are not whole.
    pub(super) fn all_and_bad(&self) -> (u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let all = self.of_conditions.iter().map(count).sum();
        (all, all - self.of_conditions.first().map_or(0, count))
    }

    /// The counts in words; `left` is the number of whole results with something left.
    pub(super) fn summary(&self, left: u64) -> String {
        let counts = Condition::ALL.iter().zip(&self.of_conditions);
        let counts: Vec<String> = counts
            .map(|((_, name), count)| format!("{} {name}", count.load(Ordering::Relaxed)))
            .collect();
        format!(
            "{}; of the whole ones {} passed the check, {left} may still show something of a \
             digit, and {} were not checked",
            counts.join(", "),
            self.proven.load(Ordering::Relaxed),
            self.unchecked.load(Ordering::Relaxed)
        )
    }
}

impl Batch {
    /// Says what a photo's result is.
    pub(super) fn verify(&self, input: &Input) -> Result<Outcome> {
        let subject = self.subject(input, &absolute(&input.photo)?)?;
        let record = self.records.get(subject.name);
        let mask = self.mask_path(subject.name);
        let there = |file: &Path| fs::symlink_metadata(file).is_ok();
        let there = there(&subject.target) && mask.as_deref().is_none_or(there);
        let condition = match &record {
            _ if !there => Condition::Missing,
            None => Condition::Unknown,
            Some(record) if !record.is_of(&subject.target) => Condition::Changed,
            // A record of a run without masks is another run's.
            Some(record)
                if record.mask.is_some()
                    && mask.as_deref().is_some_and(|mask| !record.has_mask(mask)) =>
            {
                Condition::Changed
            }
            Some(record) if record.made_of != subject.made_of => Condition::Outdated,
            Some(_) => Condition::Whole,
        };
        self.condition.count(condition);
        let mut line = json!({
            "photo": subject.path.to_string_lossy(),
            "output": subject.target.to_string_lossy(),
            "state": condition.name(),
        });
        if let Some(record) = record.filter(|_| condition == Condition::Whole) {
            line["checked"] = record.checked.into();
            line["left"] = record.left.into();
            if !record.checked {
                Tally::add(&self.condition.unchecked);
            } else if record.left == 0 {
                Tally::add(&self.condition.proven);
            }
        }
        Ok(Outcome::Looked(line))
    }

    /// Reports files in the output folder that are no photo's results: an original among them would
    /// be handed on with its digits.
    pub(super) fn verify_no_others(&self, photos: &Path) -> Result<()> {
        let ours = |name: &OsStr| name == OsStr::new(RECORDS);
        let entries = WalkDir::new(&self.output)
            .into_iter()
            .filter_entry(|entry| entry.depth() != 1 || !ours(entry.file_name()));
        for entry in entries {
            let entry = entry.map_err(io::Error::from).context(self.output.display())?;
            let name = entry.path().strip_prefix(&self.output).unwrap_or(entry.path());
            let is_result = || {
                photos.join(name).is_file()
                    || source_of(name).is_some_and(|name| photos.join(name).is_file())
            };
            if entry.file_type().is_dir() || is_result() {
                continue;
            }
            self.condition.count(Condition::Unknown);
            self.eraser.say(&format!(
                "{}: not a result of a photo in {}",
                entry.path().display(),
                photos.display()
            ));
            self.print(&json!({
                "output": entry.path().to_string_lossy(),
                "state": Condition::Unknown.name(),
            }))?;
        }
        Ok(())
    }
}
