//! Reads the photos of an archive, each with its boxes, one after the other.

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Cursor, Read},
    mem,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use tar::{Builder, Entry, EntryType, Header};

use super::{
    super::{
        eraser::{Eraser, Given, Tally},
        inputs::{resolved, result_name},
        records::{SUFFIX, record_name},
    },
    ArchiveError,
};
use crate::{
    boxes::{BoxFile, BoxFormat, MAX_OWN_BYTES, PhotoBoxes, box_file_from_bytes, is_class_list},
    cli::{
        Error, Result,
        boxes::{BoxSource, BoxesError},
        memory::Share,
        read::OpenPhotoError,
    },
    files::{Counted, Rationed},
    photo::{HeaderError, MAX_FILE_BYTES, is_photo, memory_needed},
};

/// A block of a tar archive: headers take one each, and files are filled up to whole ones.
const BLOCK: u64 = 512;

/// What the headers of one member may take, with zeros between archives: long names are kept in
/// memory.
const HEADER_BYTES: u64 = 1 << 20;

/// The folder for records of members whose own names cannot be used.
const REFUSED: &str = "doorplate-refused";

/// How files begin that other programs have packed, and what unpacks them.
const PACKED: [(&[u8], &str); 4] = [
    (b"\x1F\x8B", "gzip -dc"),
    (b"\x28\xB5\x2F\xFD", "zstd -dc"),
    (b"\xFD7zXZ\0", "xz -dc"),
    (b"BZh", "bzip2 -dc"),
];

/// What is done about one member of the archive.
pub(super) enum Item {
    /// A photo's digits are removed.
    Photo {
        /// Its path in the archive, which is that of its result.
        name: PathBuf,
        file: Vec<u8>,
        given: Given,
        /// The memory that it takes.
        share: Share,
    },
    /// It is reported as failed.
    Refused {
        /// What the archive calls it.
        name: PathBuf,
        /// The path of its record.
        record: PathBuf,
        error: Error,
    },
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Members that are neither photos nor boxes, apart from folders.
    pub(super) others: u64,
}

/// What a member is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Photo,
    Boxes,
    Other,
}

/// Reads a whole archive, and gives what is in it in its order, until `give` says that no more is
/// wanted. Members that are at fault are given as refused.
///
/// # Errors
/// [`ArchiveError`] if the rest of the archive cannot be read.
pub(super) fn read_photos(
    input: impl Read,
    eraser: &Eraser,
    format: Option<BoxFormat>,
    give: impl FnMut(Item) -> bool,
) -> Result<Summary, ArchiveError> {
    let mut input = BufReader::with_capacity(1 << 17, input);
    let start = input.fill_buf().map_err(ArchiveError::Read)?;
    if let Some((_, program)) = PACKED.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(ArchiveError::Packed { program });
    }
    let (input, bytes_read) = Counted::new(input);
    let (input, ration) = Rationed::new(input);
    let mut archive = tar::Archive::new(input);
    // Archives that were put together with `cat` are read to the end.
    archive.set_ignore_zeros(true);
    let mut reader = Reader {
        eraser,
        box_suffixes: box_suffixes(eraser, format),
        give,
        sample: Sample::new(eraser),
        summary: Summary::default(),
    };
    let (mut members, mut end, mut unread) = (0, 0, 0);
    let unreadable = |members, error: io::Error| match error.kind() {
        io::ErrorKind::Other | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            ArchiveError::Damaged { members, reason: error.to_string() }
        }
        _ => ArchiveError::Read(error),
    };
    let mut entries = archive.entries().map_err(|error| unreadable(members, error))?;
    loop {
        ration.set(u64::saturating_add(unread, BLOCK + HEADER_BYTES));
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(|error| unreadable(members, error))?;
        members += 1;
        let stored = stored_size(&entry);
        let blocks = stored.checked_next_multiple_of(BLOCK).unwrap_or(stored);
        end = entry.raw_file_position().saturating_add(blocks);
        ration.set(stored);
        let more = reader.take(&mut entry, members).map_err(|error| unreadable(members, error))?;
        unread = ration.get();
        if !more {
            return Ok(reader.summary);
        }
    }
    // A cut between two members would be the loss of all that follows, without a word.
    if bytes_read.get() < u64::saturating_add(end, BLOCK) {
        return Err(ArchiveError::NoEndMark { members });
    }
    reader.finish_sample();
    if members > 0 && eraser.tally.found.load(Ordering::Relaxed) == 0 {
        return Err(ArchiveError::NoPhotos { members });
    }
    Ok(reader.summary)
}

/// How the names of box files in the archive end. Archives for training often hold other `.json`
/// files beside their photos, so that end alone must be asked for.
fn box_suffixes(eraser: &Eraser, asked: Option<BoxFormat>) -> Vec<&'static str> {
    let BoxSource::Each { folder: None, formats, .. } = &eraser.source else { return Vec::new() };
    let usual = formats.iter().filter_map(|format| format.suffix());
    usual.chain((asked == Some(BoxFormat::Json)).then_some(".json")).collect()
}

/// The bytes that a member's content takes in the archive.
fn stored_size<R: Read>(entry: &Entry<'_, R>) -> u64 {
    match entry.header().entry_type() {
        // Its size is that of the file with its holes.
        EntryType::GNUSparse => entry.header().entry_size().unwrap_or(0),
        _ => entry.size(),
    }
}

/// A photo with what lies beside it. Its boxes may come before it or after it.
struct Sample {
    /// The folder and name of its files, without what follows the name.
    stem: Option<PathBuf>,
    photos: Vec<(PathBuf, Vec<u8>)>,
    /// The file of boxes, or why there is no such file.
    boxes: Option<(PathBuf, Result<Vec<u8>, String>)>,
    /// The memory for these files.
    share: Share,
}

impl Sample {
    fn new(eraser: &Eraser) -> Self {
        Sample { stem: None, photos: Vec::new(), boxes: None, share: eraser.budget.take(0) }
    }
}

struct Reader<'a, G> {
    eraser: &'a Eraser,
    /// How the names of box files in the archive end; none if boxes come from elsewhere.
    box_suffixes: Vec<&'static str>,
    give: G,
    sample: Sample,
    summary: Summary,
}

impl<G: FnMut(Item) -> bool> Reader<'_, G> {
    /// Takes one member, the `number`th; false if no more is wanted. It is an error if the archive
    /// cannot be read on.
    fn take<R: Read>(&mut self, entry: &mut Entry<'_, R>, number: u64) -> io::Result<bool> {
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            return Ok(true);
        }
        let shown = PathBuf::from(String::from_utf8_lossy(&entry.path_bytes()).into_owned());
        let (role, stem) = self.role_of(&shown);
        if role == Role::Other {
            self.summary.others += 1;
            return Ok(true);
        }
        let name = match usable_name(entry) {
            Ok(name) => name,
            Err(problem) => {
                let record = PathBuf::from(format!("{REFUSED}/{number}{SUFFIX}"));
                Tally::add(&self.eraser.tally.found);
                return Ok(self.finish_sample() && self.refuse(shown, record, problem.into()));
            }
        };
        let stem = name.with_file_name(stem);
        if self.sample.stem.as_ref() != Some(&stem) {
            if !self.finish_sample() {
                return Ok(false);
            }
            self.sample.stem = Some(stem);
        }
        let file = match self.file_of(entry, role, &name)? {
            Ok(file) => file,
            Err(error) if role == Role::Photo => return Ok(self.refuse_photo(name, error)),
            Err(error) => {
                self.sample.boxes = Some((name, Err(error.to_string())));
                return Ok(true);
            }
        };
        if role == Role::Boxes {
            let file = match self.sample.boxes {
                None => Ok(file),
                Some(_) => Err("the archive has boxes for this photo twice".to_owned()),
            };
            self.sample.boxes = Some((name, file));
            return Ok(true);
        }
        if self.sample.photos.iter().any(|(other, _)| *other == name) {
            return Ok(self.refuse_photo(name, "the archive has this photo twice".into()));
        }
        Tally::add(&self.eraser.tally.found);
        self.sample.photos.push((name, file));
        // Boxes from elsewhere are known already.
        Ok(self.box_format().is_some() || self.finish_sample())
    }

    /// The format of box files in the archive; none if boxes come from elsewhere.
    fn box_format(&self) -> Option<BoxFormat> {
        match &self.eraser.source {
            BoxSource::Each { folder: None, formats, .. } => formats.first().copied(),
            _ => None,
        }
    }

    /// What a member is, and its file name without the end that tells so.
    fn role_of(&self, name: &Path) -> (Role, PathBuf) {
        if is_photo(name) {
            return (Role::Photo, name.file_stem().unwrap_or_default().into());
        }
        let file_name = name.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match self.box_suffixes.iter().find_map(|suffix| file_name.strip_suffix(suffix)) {
            Some(stem) if !is_class_list(name) => (Role::Boxes, stem.into()),
            _ => (Role::Other, PathBuf::new()),
        }
    }

    /// The content of a member, or why it cannot be used; an error if the archive cannot be read on.
    fn file_of<R: Read>(
        &mut self,
        entry: &mut Entry<'_, R>,
        role: Role,
        name: &Path,
    ) -> io::Result<Result<Vec<u8>>> {
        if let Some(problem) = problem_of_kind(entry)? {
            return Ok(Err(problem.into()));
        }
        let size = entry.size();
        match role {
            Role::Photo if size > MAX_FILE_BYTES => {
                return Ok(Err(unusable(name, HeaderError::FileTooLarge { bytes: size })));
            }
            Role::Boxes if size > MAX_OWN_BYTES => {
                let limit = MAX_OWN_BYTES >> 20;
                let problem = format!("the file is larger than {limit} MB, which is the limit");
                return Ok(Err(problem.into()));
            }
            _ => {}
        }
        let held = self.sample.share.bytes();
        match self.eraser.budget.admits(held + size, 0) {
            Ok(needed) => self.sample.share.resize(needed),
            Err(error) => return Ok(Err(error.into())),
        }
        let mut file = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        entry.read_to_end(&mut file)?;
        if (file.len() as u64) < size {
            let problem = format!("it ends within {}", name.display());
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, problem));
        }
        Ok(Ok(file))
    }

    /// Gives the photos of a sample that is complete; false if no more is wanted.
    fn finish_sample(&mut self) -> bool {
        let sample = mem::replace(&mut self.sample, Sample::new(self.eraser));
        let Sample { photos, boxes, mut share, .. } = sample;
        if photos.is_empty()
            && let Some((name, _)) = boxes
        {
            // The photo, if there is one, was or will be done without them.
            let problem = "there is no photo of this name before or behind these boxes in the \
                           archive; a photo and its boxes must follow each other, as with `tar \
                           --sort=name`";
            Tally::add(&self.eraser.tally.found);
            return self.refuse(name.clone(), record_name(&name), problem.into());
        }
        for (name, file) in photos {
            let mut own = share.split(file.len() as u64);
            let item = match self.ready(&name, &file, boxes.as_ref()) {
                Ok((given, needed)) => {
                    own.resize_within(needed, share.bytes());
                    Item::Photo { name, file, given, share: own }
                }
                Err(error) => {
                    let record = record_name(&name);
                    Item::Refused { name, record, error }
                }
            };
            if !(self.give)(item) {
                return false;
            }
        }
        true
    }

    /// The boxes of a photo, and the memory that it takes.
    fn ready(
        &self,
        name: &Path,
        file: &[u8],
        boxes: Option<&(PathBuf, Result<Vec<u8>, String>)>,
    ) -> Result<(Given, u64)> {
        // Photos of this name in other archives are other processes' to do.
        let entry = self.eraser.source.entry(name, name);
        if let Some(entry) = entry.filter(|entry| entry.by_file_name) {
            return Err(format!(
                "the list of boxes has {} without a folder, so it may be for a photo in another \
                 folder or archive; write the photos' paths in the archives into the list",
                entry.name
            )
            .into());
        }
        let found = match (self.box_format(), boxes) {
            (None, _) => self.eraser.source.find(name, name),
            (Some(_), None) => Err(BoxesError::NoFile { path: name.to_owned() }),
            (Some(_), Some((path, Err(problem)))) => {
                return Err(format!("{}: {problem}", path.display()).into());
            }
            (Some(format), Some((path, Ok(bytes)))) => boxes_in(path, bytes, format, name),
        };
        let given = self.eraser.given(found)?;
        let length = file.len() as u64;
        let (stored, memory) =
            memory_needed(Cursor::new(file), length).map_err(|error| unusable(name, error))?;
        let needed = self.eraser.memory_needed(stored, memory, &given)?;
        Ok((given, needed))
    }

    fn refuse_photo(&mut self, name: PathBuf, error: Error) -> bool {
        Tally::add(&self.eraser.tally.found);
        let record = record_name(&name);
        self.refuse(name, record, error)
    }

    fn refuse(&mut self, name: PathBuf, record: PathBuf, error: Error) -> bool {
        (self.give)(Item::Refused { name, record, error })
    }
}

fn unusable(name: &Path, error: HeaderError) -> Error {
    OpenPhotoError::Photo { path: name.to_owned(), source: error.into() }.into()
}

/// A photo's boxes as its own file gives them.
fn boxes_in(
    path: &Path,
    bytes: &[u8],
    format: BoxFormat,
    photo: &Path,
) -> Result<(PathBuf, Cow<'static, PhotoBoxes>), BoxesError> {
    match box_file_from_bytes(path, bytes.to_vec(), Some(format), None)? {
        BoxFile::One(boxes) => Ok((path.to_owned(), Cow::Owned(boxes))),
        BoxFile::Many(_) => {
            let photo = photo.to_string_lossy().into_owned();
            Err(BoxesError::NotListed { path: path.to_owned(), photo })
        }
    }
}

/// A member's path without a leading `/`, as `tar` unpacks it; or what is wrong with it.
fn usable_name<R: Read>(entry: &Entry<'_, R>) -> Result<PathBuf, String> {
    if entry.path_bytes().contains(&0) {
        return Err("its name contains a zero byte".to_owned());
    }
    let path = entry.path().map_err(|error| error.to_string())?;
    let name = resolved(&path)
        .filter(|name| name.file_name().is_some())
        .ok_or("its path leads out of the archive with ..")?;
    // The two names that are to be written.
    for written in [result_name(&name).into_owned(), record_name(&name)] {
        let mut header = Header::new_gnu();
        header.set_size(0);
        let written = Builder::new(io::sink()).append_data(&mut header, written, io::empty());
        written.map_err(|error| format!("its name cannot be written to an archive: {error}"))?;
    }
    Ok(name)
}

/// Why a member's content cannot be used, if it is not that of a file.
fn problem_of_kind<R: Read>(entry: &mut Entry<'_, R>) -> io::Result<Option<&'static str>> {
    let problem = match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous => None,
        EntryType::Link | EntryType::Symlink => Some(
            "this is a link, and the archive does not hold the file there; make the archive with \
             `tar --dereference --hard-dereference`",
        ),
        EntryType::GNUSparse => Some(SPARSE),
        _ => Some("this is neither a file nor a folder"),
    };
    if problem.is_some() {
        return Ok(problem);
    }
    if let Some(extensions) = entry.pax_extensions()? {
        for extension in extensions {
            if extension?.key_bytes().starts_with(b"GNU.sparse.") {
                return Ok(Some(SPARSE));
            }
        }
    }
    Ok(None)
}

const SPARSE: &str = "this file is stored without its holes, which is not supported; make the archive without \
     `--sparse`";

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use indicatif::ProgressBar;

    use super::{super::super::Args, *};

    /// An archive of `photos` empty photos with their boxes, with names of all kinds.
    fn archive(photos: usize) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for i in 0..photos {
            let folder = if i % 3 == 0 { "long/".repeat(40) } else { "short/".to_owned() };
            for end in ["png", "boxes.json", "cls"] {
                if i % 4 == 1 {
                    let path = format!("pax/{i}.{end}");
                    builder
                        .append_pax_extensions([("path", path.as_bytes())])
                        .expect("written to memory");
                }
                let content = vec![b'7'; 100 * i];
                let mut header = Header::new_ustar();
                if i % 3 == 0 {
                    header = Header::new_gnu();
                }
                header.set_size(content.len() as u64);
                builder
                    .append_data(&mut header, format!("{folder}{i}.{end}"), &content[..])
                    .expect("written to memory");
            }
        }
        builder.into_inner().expect("written to memory")
    }

    /// How many members were given, and how the reading ended.
    fn read(eraser: &Eraser, archive: &[u8]) -> (u64, Result<Summary, ArchiveError>) {
        let mut given = 0;
        let ended = read_photos(archive, eraser, None, |item| {
            given += 1;
            let record = match &item {
                Item::Photo { name, .. } => record_name(name),
                Item::Refused { record, .. } => record.clone(),
            };
            // Whatever the archive says, this can be written and leads nowhere else.
            assert!(resolved(&record).as_ref() == Some(&record), "{}", record.display());
            let mut header = Header::new_gnu();
            header.set_size(0);
            let mut out = Builder::new(io::sink());
            out.append_data(&mut header, &record, io::empty()).expect("it can be written");
            true
        });
        (given, ended)
    }

    #[test]
    fn archives_that_are_changed_at_random_are_read_or_refused() {
        let args = Args::parse_from(["erase", "--tar", "--memory", "500MB"]);
        let eraser = Eraser::load(&args, ProgressBar::hidden()).expect("loaded");
        let whole = archive(8);
        let (given, ended) = read(&eraser, &whole);
        assert!(given == 8 && ended.is_ok_and(|summary| summary.others == 8), "{given}");

        let wanted = std::env::var("MUTATIONS").ok().and_then(|text| text.parse::<u64>().ok());
        let count = wanted.map_or(1_000, |wanted| wanted / 10);
        let mut state = 1_u64;
        let mut dice = |end: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % end
        };
        let (mut whole_ones, mut members) = (0, 0);
        for _ in 0..count {
            let mut changed = whole.clone();
            for _ in 0..1 + dice(4) {
                // Mostly in a header.
                let block = dice(changed.len() / 512) * 512;
                let place = block + dice(512);
                match dice(5) {
                    0 => changed[place] ^= 1 << dice(8),
                    1 => changed[place] = dice(256) as u8,
                    2 => changed.truncate(place + 1),
                    3 => drop(changed.drain(block..block + 512)),
                    _ => {
                        // A valid header with a changed field, as only an attacker makes it.
                        let header = &mut changed[block..block + 512];
                        header[[0, 100, 124, 125, 134, 136, 156, 257, 345, 482][dice(10)]] =
                            dice(256) as u8;
                        header[148..156].fill(b' ');
                        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
                        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
                    }
                }
                if changed.len() < 1_024 {
                    break;
                }
            }
            let (given, ended) = read(&eraser, &changed);
            members += given;
            whole_ones += u64::from(ended.is_ok());
        }
        println!("{count} archives, {whole_ones} read to their end, {members} members");
        assert!(whole_ones > 0 && whole_ones < count);
    }
}
