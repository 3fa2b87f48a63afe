//! Reading times and memory of SVHN's lists and crops at their full size: a `digitStruct.mat` of
//! 33,402 photos and a Format 2 file of 73,257 digits, as in SVHN's train set, made again for the
//! run. Beside them, where Python has h5py and SciPy, these two on the same files.
//!
//! Run with `make bench-reading`. `PYTHON` names another interpreter than `python3`, `DIGIT_STRUCT`
//! a list of your own to be read too. Each reading has a process of its own, so that its peak of
//! memory is its own; times are medians.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark stops at the first thing that is not as it must be"
)]

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use doorplate::{
    dataset::{
        digit_struct::{LabelledBox, PhotoEntry, read_digit_struct},
        digit_struct_writer::write_digit_struct,
        format2::{CROP_BYTES, Format2, SIDE},
        format2_writer::write_format2,
    },
    photo::LooseBox,
};
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// SVHN's train photos by their number of digits, from one up.
const PHOTOS_BY_DIGITS: [usize; 6] = [5_137, 18_130, 8_691, 1_434, 9, 1];

/// A reading's median is over so many.
const ROUNDS: usize = 5;

/// h5py takes minutes for the whole list, so its time is for this many of the photos.
const PEER_PHOTOS: usize = 3_340;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, flag, kind, path] = arguments.as_slice()
        && flag == "--child"
    {
        return read_once(kind, Path::new(path));
    }
    // `cargo test` runs benchmarks too, to see that they still build; timing is not its business.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("digitStruct.mat");
    let matlabs = folder.path().join("as_matlab.mat");
    let crops = folder.path().join("train_32x32.mat");
    let mut dice = ChaCha8Rng::seed_from_u64(3);
    let photos = photos(&mut dice);
    let start = Instant::now();
    write_digit_struct(&list, &photos).unwrap();
    println!("digitStruct.mat written in {:.1} s", start.elapsed().as_secs_f64());
    let digits: Vec<u8> = photos.iter().flat_map(|p| &p.digits).map(|d| d.digit).collect();
    let pixels = pixels(&mut dice, digits.len());
    let start = Instant::now();
    write_format2(&crops, &pixels, &digits).unwrap();
    println!("Format 2 written in {:.1} s", start.elapsed().as_secs_f64());
    drop((photos, pixels));

    println!("file                      MB    digits   seconds   on a core    digits/s   peak, MB");
    measure("digitStruct.mat", "list", &list);
    // Groups in HDF5's old form, as in SVHN's own files, which our writer does not write.
    let by_h5py = peer(&["write-list", list.to_str().unwrap(), matlabs.to_str().unwrap()]);
    if by_h5py.is_some() {
        measure("the same, as MATLAB's", "list", &matlabs);
    }
    if let Some(own) = env::var_os("DIGIT_STRUCT") {
        measure("DIGIT_STRUCT", "list", Path::new(&own));
    }
    let ours = measure("train_32x32.mat", "crops", &crops);

    let count = PEER_PHOTOS.to_string();
    if by_h5py.is_some()
        && let Some(theirs) = peer(&["read-list", matlabs.to_str().unwrap(), &count])
    {
        let whole: usize = PHOTOS_BY_DIGITS.iter().sum();
        let ours = median_of_children("list", &matlabs).seconds * PEER_PHOTOS as f64 / whole as f64;
        println!("h5py, {count} photos: {theirs:.2} s, {:.0} times as long", theirs / ours);
    }
    if let Some(theirs) = peer(&["read-crops", crops.to_str().unwrap()]) {
        println!("SciPy, Format 2: {theirs:.2} s, {:.2} times as long", theirs / ours);
    }
}

/// Photos with as many digits as SVHN's, in boxes of usual sizes.
fn photos(dice: &mut ChaCha8Rng) -> Vec<PhotoEntry> {
    let mut counts: Vec<usize> = (1..)
        .zip(PHOTOS_BY_DIGITS)
        .flat_map(|(digits, photos)| std::iter::repeat_n(digits, photos))
        .collect();
    counts.shuffle(dice);
    let photo = |(i, count): (usize, usize)| PhotoEntry {
        name: format!("{}.png", i + 1),
        digits: (0..count)
            .map(|n| LabelledBox {
                area: LooseBox {
                    left: f64::from(dice.random_range(0..60)) + 20.0 * n as f64,
                    top: f64::from(dice.random_range(0..20)),
                    width: f64::from(dice.random_range(8..24)),
                    height: f64::from(dice.random_range(20..40)),
                },
                digit: dice.random_range(0..10),
            })
            .collect(),
    };
    counts.into_iter().enumerate().map(photo).collect()
}

/// Crops that shrink to about four fifths, as SVHN's do: slopes with a little noise.
fn pixels(dice: &mut ChaCha8Rng, count: usize) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(count * CROP_BYTES);
    for _ in 0..count {
        let slopes: [[u32; 3]; 3] = std::array::from_fn(|_| {
            [dice.random_range(0..120), dice.random_range(0..3), dice.random_range(0..3)]
        });
        for at in 0..SIDE as u32 * SIDE as u32 {
            for [level, by_x, by_y] in slopes {
                let (x, y) = (at % SIDE as u32, at / SIDE as u32);
                let level = level + (by_x * x + by_y * y) / 2;
                pixels.push((level + dice.random_range(0..40)) as u8);
            }
        }
    }
    pixels
}

/// What one reading took.
struct Run {
    /// By the clock on the wall.
    seconds: f64,
    /// On a core: less than the former where others want the cores too.
    on_a_core: f64,
    digits: usize,
    peak_megabytes: f64,
}

/// Prints a line of the table; the median seconds.
fn measure(what: &str, kind: &str, path: &Path) -> f64 {
    let megabytes = fs::metadata(path).unwrap().len() as f64 / 1e6;
    let Run { seconds, on_a_core, digits, peak_megabytes } = median_of_children(kind, path);
    let rate = digits as f64 / seconds;
    println!(
        "{what:22} {megabytes:6.1}   {digits:7}   {seconds:7.2}   {on_a_core:9.2}   {rate:9.0}   \
         {peak_megabytes:8.0}"
    );
    seconds
}

fn median_of_children(kind: &str, path: &Path) -> Run {
    let mut runs: Vec<Run> = (0..ROUNDS)
        .map(|_| {
            let mut child = Command::new(env::current_exe().unwrap());
            let output = child.args(["--child", kind]).arg(path).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let line = String::from_utf8(output.stdout).unwrap();
            let [seconds, on_a_core, digits, peak_megabytes] =
                *line.split_whitespace().map(|n| n.parse().unwrap()).collect::<Vec<f64>>()
            else {
                panic!("{line}");
            };
            Run { seconds, on_a_core, digits: digits as usize, peak_megabytes }
        })
        .collect();
    runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    runs.swap_remove(ROUNDS / 2)
}

/// Reads a file once; prints seconds, seconds on a core, digits and this process's peak of memory
/// in MB. The second and the last are Linux's; NaN elsewhere.
fn read_once(kind: &str, path: &Path) {
    let start = Instant::now();
    let digits = match kind {
        "list" => read_digit_struct(path).unwrap().iter().map(|photo| photo.digits.len()).sum(),
        _ => Format2::open(path).unwrap().len(),
    };
    let seconds = start.elapsed().as_secs_f64();
    let number = |text: Option<&str>| text.and_then(|n| n.parse().ok()).unwrap_or(f64::NAN);
    let schedule = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = number(schedule.split_whitespace().next());
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = number(peak.and_then(|peak| peak.split_whitespace().next()));
    println!("{seconds} {} {digits} {}", nanoseconds / 1e9, kilobytes * 1.024e-3);
}

/// Seconds that Python's libraries take; `None`, said aloud, where they are not at hand.
fn peer(arguments: &[&str]) -> Option<f64> {
    let python = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/reading_peers.py");
    let output =
        Command::new(python).arg(script).args(arguments).stderr(Stdio::piped()).output().ok();
    let seconds = output
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8_lossy(&output.stdout).trim().parse().ok());
    if seconds.is_none() {
        println!("skipped {}: needs Python with h5py and SciPy", arguments[0]);
    }
    seconds
}
