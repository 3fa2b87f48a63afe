//! No more photos at the same time than the memory holds.

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::fault::{AtFault, Fault};

/// What the program takes itself, with its networks: measured, and some more.
const PROGRAM: u64 = 120_000_000;

/// If the system does not say how much memory is free.
const UNKNOWN: u64 = 4_000_000_000;

/// An amount of memory in bytes, written as `2GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit: f64 = match unit.trim().to_ascii_lowercase().as_str() {
            "mb" => 1e6,
            "gb" => 1e9,
            "m" | "mib" => 1_048_576.0,
            "g" | "gib" => 1_073_741_824.0,
            _ => return Err("give a size with its unit, as 500MB or 2GB".to_owned()),
        };
        let number: f64 = number.parse().map_err(|_| format!("{number:?} is not a number"))?;
        let size = Size((number * unit) as u64);
        if size.0 < 2 * PROGRAM {
            return Err(format!("the program needs at least {}", Size(2 * PROGRAM)));
        }
        Ok(size)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes @ 10_000_000_000.. => write!(f, "{} GB", bytes / 1_000_000_000),
            bytes @ 1_000_000_000.. => write!(f, "{:.1} GB", bytes as f64 / 1e9),
            bytes => write!(f, "{} MB", bytes.div_ceil(1_000_000)),
        }
    }
}

/// What `ulimit -v` leaves to this process, on Linux.
fn address_space() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The memory for photos, which those in work share.
#[derive(Debug)]
pub struct Budget {
    /// What all photos in work may take together.
    all: u64,
    /// What one may take alone: as much, or more.
    most: u64,
    taken: Mutex<u64>,
    given_back: Condvar,
    /// Held by the photo that waits, so that small ones do not overtake a large one for ever.
    turn: Mutex<()>,
}

/// A photo's share, until it is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    bytes: u64,
}

/// A photo that takes more memory than there is.
#[derive(Debug, thiserror::Error)]
#[error(
    "it would take about {} of memory{}, and photos have {}; {advice}",
    Size(*.needed),
    boxes_share(*.of_boxes, *.needed),
    Size(*.all)
)]
pub struct TooLargeError {
    needed: u64,
    of_boxes: u64,
    all: u64,
    advice: &'static str,
}

/// What to do about a photo that is too large for `--memory`.
const ADVICE: &str = "scale it down, give it smaller boxes, or allow more with --memory";

/// The same where there is no such option.
const ADVICE_ALONE: &str = "scale it down, or do it where there is more memory";

impl AtFault for TooLargeError {
    fn fault(&self) -> Fault {
        Fault::Input
    }
}

fn boxes_share(of_boxes: u64, needed: u64) -> String {
    if of_boxes > needed / 2 {
        format!(", {} for its boxes", Size(of_boxes))
    } else {
        String::new()
    }
}

impl Budget {
    pub fn new(memory: Size) -> Self {
        Self::of(memory, memory)
    }

    /// Three quarters of the memory that is free now, within the limits of this process. Other
    /// programs may need the rest only for now, so a photo that takes more is still done, alone, if
    /// the machine has as much.
    pub fn usual() -> Self {
        let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(memory);
        let group = system.cgroup_limits();
        let part_of = |all: u64, of_group: Option<u64>| {
            let all = if all == 0 { UNKNOWN } else { all };
            let limits = [of_group.filter(|bytes| *bytes > 0), address_space()];
            Size((limits.into_iter().flatten().fold(all, u64::min) / 4 * 3).max(2 * PROGRAM))
        };
        let free = part_of(system.available_memory(), group.as_ref().map(|it| it.free_memory));
        let all = part_of(system.total_memory(), group.as_ref().map(|it| it.total_memory));
        Self::of(free, all)
    }

    fn of(memory: Size, most: Size) -> Self {
        Budget {
            all: memory.0.saturating_sub(PROGRAM),
            most: most.0.saturating_sub(PROGRAM),
            taken: Mutex::default(),
            given_back: Condvar::new(),
            turn: Mutex::default(),
        }
    }

    /// What a photo is to take: no more than all.
    ///
    /// # Errors
    /// [`TooLargeError`] if it does not fit even alone.
    pub fn admits(&self, photo: u64, of_boxes: u64) -> Result<u64, TooLargeError> {
        let needed = photo.saturating_add(of_boxes);
        if needed > self.most {
            return Err(TooLargeError { needed, of_boxes, all: self.most, advice: ADVICE });
        }
        Ok(needed.min(self.all))
    }

    /// The same for a command that has no option for this.
    pub fn admits_alone(photo: u64, of_boxes: u64) -> Result<(), TooLargeError> {
        let admitted = Self::usual().admits(photo, of_boxes);
        admitted.map(drop).map_err(|error| TooLargeError { advice: ADVICE_ALONE, ..error })
    }

    /// What all photos in work may take together.
    pub fn all(&self) -> u64 {
        self.all
    }

    /// Waits until there is memory for a photo, in the order in which photos come.
    pub fn take(self: &Arc<Self>, bytes: u64) -> Share {
        let mut share = Share { budget: Arc::clone(self), bytes: 0 };
        share.resize(bytes);
        share
    }

    fn taken(&self) -> MutexGuard<'_, u64> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// How much it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A part of this share as one of its own.
    pub fn split(&mut self, bytes: u64) -> Share {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Share { budget: Arc::clone(&self.budget), bytes }
    }

    /// As [`Self::resize`], but so that there is enough in any case beside `rest`, which whoever waits
    /// holds as well.
    pub fn resize_within(&mut self, bytes: u64, rest: u64) {
        self.resize(bytes.min(self.budget.all.saturating_sub(rest)));
    }

    /// Makes this share larger, once there is memory for that, or smaller.
    ///
    /// Only one thread may make a share larger that holds memory already: two that hold some and wait
    /// for more could wait for each other.
    pub fn resize(&mut self, bytes: u64) {
        let Some(more) = bytes.checked_sub(self.bytes) else {
            *self.budget.taken() -= self.bytes - bytes;
            self.bytes = bytes;
            self.budget.given_back.notify_all();
            return;
        };
        let _turn = self.budget.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = self.budget.taken();
        while taken.saturating_add(more) > self.budget.all {
            taken = self.budget.given_back.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += more;
        drop(taken);
        self.bytes = bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        *self.budget.taken() -= self.bytes;
        self.budget.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("500MB", 500_000_000),
            ("1.5gb", 1_500_000_000),
            ("2GiB", 2 << 30),
            ("512 M", 512 << 20),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for wrong in ["", "2", "GB", "-1GB", "1TBB", "1.2.3GB", "10MB"] {
            wrong.parse::<Size>().expect_err(wrong);
        }
        assert_eq!(Size(1_200_000_000).to_string(), "1.2 GB");
        assert_eq!(Size(999_000_001).to_string(), "1000 MB");
    }

    #[test]
    fn photos_in_work_never_take_more_than_there_is() {
        let budget = Arc::new(Budget::new(Size(PROGRAM + 10)));
        let (in_work, most) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for bytes in [1, 3, 4, 6, 9, 10] {
                let (budget, in_work, most) = (&budget, &in_work, &most);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let _share = budget.take(bytes);
                        let now = in_work.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        most.fetch_max(now, Ordering::SeqCst);
                        thread::yield_now();
                        in_work.fetch_sub(bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 10);
        assert_eq!(budget.admits(4, 6).expect("it fits"), 10);
        assert_eq!(
            Budget::of(Size(PROGRAM + 10), Size(PROGRAM + 20)).admits(4, 7).expect("alone"),
            10
        );
        let mut share = budget.take(7);
        let part = share.split(4);
        assert_eq!((share.bytes(), part.bytes()), (3, 4));
        share.resize_within(100, part.bytes());
        assert_eq!((share.bytes(), *budget.taken()), (6, 10));
        share.resize(1);
        drop(part);
        assert_eq!(*budget.taken(), 1);
        let usual = Budget::usual();
        assert!(PROGRAM <= usual.all && usual.all <= usual.most, "{usual:?}");
        let error = budget.admits(4, 7).expect_err("too large").to_string();
        assert!(error.contains("for its boxes") && error.contains("--memory"), "{error}");
    }
}
