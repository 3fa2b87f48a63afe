//! Formats that the finished picture is saved in, and the names of saved files.

use std::collections::HashSet;
use std::fmt;

/// A format with a quality, where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// Without loss: every pixel that is not filled is the photo's own.
    Png,
    /// Everywhere readable.
    Jpeg,
    /// Smaller than JPEG.
    WebP,
}

impl PictureFormat {
    /// All formats.
    pub const ALL: [PictureFormat; 3] =
        [PictureFormat::Png, PictureFormat::Jpeg, PictureFormat::WebP];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            PictureFormat::Png => "PNG",
            PictureFormat::Jpeg => "JPEG",
            PictureFormat::WebP => "WebP",
        }
    }

    /// The end of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            PictureFormat::Png => "png",
            PictureFormat::Jpeg => "jpg",
            PictureFormat::WebP => "webp",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            PictureFormat::Png => "image/png",
            PictureFormat::Jpeg => "image/jpeg",
            PictureFormat::WebP => "image/webp",
        }
    }

    /// The format with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// How pictures are saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaveChoice {
    /// The format.
    pub format: PictureFormat,
    /// The quality in per cent, for formats with one.
    pub quality: u8,
}

impl SaveChoice {
    /// The lowest quality that is offered.
    pub const MIN_QUALITY: u8 = 30;

    /// A choice that was kept; the default where none can be read in it.
    pub fn from_kept(text: &str) -> Self {
        let read = || {
            let (format, quality) = text.split_once(' ')?;
            let quality: u8 = quality.parse().ok()?;
            Some(SaveChoice {
                format: PictureFormat::from_name(format)?,
                quality: quality.clamp(Self::MIN_QUALITY, 100),
            })
        };
        read().unwrap_or_default()
    }
}

impl Default for SaveChoice {
    fn default() -> Self {
        SaveChoice { format: PictureFormat::Png, quality: 92 }
    }
}

impl fmt::Display for SaveChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.format.name(), self.quality)
    }
}

/// A file's name without folders and the last ending; `photo` where that leaves nothing.
pub fn stem_of(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if stem.trim().is_empty() { "photo" } else { stem }
}

/// The saved file's name: the original's stem, what was done, and the new format.
pub fn saved_name(original: &str, format: PictureFormat) -> String {
    format!("{}-doorplate.{}", stem_of(original), format.extension())
}

/// Names of which none occurs twice, also where upper and lower case are the same.
#[derive(Default)]
pub struct UniqueNames {
    taken: HashSet<String>,
}

impl UniqueNames {
    /// The name, with a number behind its stem where it is taken.
    pub fn take(&mut self, name: &str) -> String {
        let (stem, ending) = match name.rsplit_once('.') {
            Some((stem, ending)) => (stem, format!(".{ending}")),
            None => (name, String::new()),
        };
        let mut free = name.to_owned();
        let mut count = 1;
        while !self.taken.insert(free.to_lowercase()) {
            count += 1;
            free = format!("{stem}-{count}{ending}");
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_was_done_and_hold_no_folders() {
        assert_eq!(saved_name("a.b.jpg", PictureFormat::Png), "a.b-doorplate.png");
        assert_eq!(saved_name("../../etc/x.tif", PictureFormat::Jpeg), "x-doorplate.jpg");
        assert_eq!(saved_name("..\\x", PictureFormat::WebP), "x-doorplate.webp");
        assert_eq!(saved_name(" .png", PictureFormat::Png), "photo-doorplate.png");
        assert_eq!(saved_name("", PictureFormat::Png), "photo-doorplate.png");
    }

    #[test]
    fn no_name_occurs_twice() {
        let mut names = UniqueNames::default();
        let taken = ["a.png", "A.png", "a-2.png", "a.png", "b", "b"].map(|name| names.take(name));
        assert_eq!(taken, ["a.png", "A-2.png", "a-2-2.png", "a-3.png", "b", "b-2"]);
    }

    #[test]
    fn the_choice_survives_being_kept() {
        for format in PictureFormat::ALL {
            let choice = SaveChoice { format, quality: 55 };
            assert_eq!(SaveChoice::from_kept(&choice.to_string()), choice);
        }
        for broken in ["", "PNG", "GIF 5", "JPEG x", "JPEG 900"] {
            assert_eq!(SaveChoice::from_kept(broken), SaveChoice::default(), "{broken}");
        }
        assert_eq!(SaveChoice::from_kept("JPEG 1").quality, SaveChoice::MIN_QUALITY);
    }
}
