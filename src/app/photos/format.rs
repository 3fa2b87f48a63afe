//! How the finished picture is saved, and the names of saved files.

use std::collections::HashSet;

use crate::photo::{LeftOut, Metadata, SaveChoice, SavedFormat};

/// All formats that are offered.
pub const FORMATS: [SavedFormat; 4] =
    [SavedFormat::Own, SavedFormat::Png, SavedFormat::Jpeg, SavedFormat::WebP];

/// The lowest quality of a JPEG that is offered.
pub const MIN_QUALITY: u8 = 30;

/// A format's name for people; `own` is that of the photo's format.
pub fn format_name(format: SavedFormat, own: &'static str) -> &'static str {
    match format {
        // It is only read.
        SavedFormat::Own if own == "HEIC" => "JPEG",
        SavedFormat::Own => own,
        SavedFormat::Png => "PNG",
        SavedFormat::Jpeg => "JPEG",
        SavedFormat::WebP => "WebP",
    }
}

/// Its name where it is kept or chosen.
pub fn format_key(format: SavedFormat) -> &'static str {
    format_name(format, "Own")
}

/// The format with this key.
pub fn format_from_key(key: &str) -> Option<SavedFormat> {
    FORMATS.into_iter().find(|format| format_key(*format) == key)
}

/// Whether a photo whose own format is `own` gets a quality: a JPEG that stays one has its own.
pub fn has_quality(format: SavedFormat, own: &'static str) -> bool {
    format_name(format, own) == "JPEG" && own != "JPEG"
}

/// A choice as the text that is kept of it.
pub fn text_to_keep(choice: SaveChoice) -> String {
    format!("{} {} {}", format_key(choice.format), choice.quality, choice.metadata.name())
}

/// A choice that was kept; the default where none can be read in it.
pub fn kept_choice(text: &str) -> SaveChoice {
    let read = || {
        let mut words = text.split(' ');
        let format = format_from_key(words.next()?)?;
        let quality: u8 = words.next()?.parse().ok()?;
        // Earlier versions kept no more.
        let metadata = words.next().and_then(Metadata::from_name).unwrap_or_default();
        Some(SaveChoice { format, quality: quality.clamp(MIN_QUALITY, 100), metadata })
    };
    read().unwrap_or_default()
}

/// What was left out of a file, as a sentence behind others.
pub fn left_out_sentence(left_out: &[LeftOut]) -> String {
    if left_out.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = left_out.iter().map(|what| what.description()).collect();
    format!(" Left out: {}.", names.join(", "))
}

/// A file's name without folders and the last ending; `photo` where that leaves nothing.
pub fn stem_of(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if stem.trim().is_empty() { "photo" } else { stem }
}

/// The saved file's name: the original's stem, what was done, and the ending of the new format, or
/// the original's where that means the same.
pub fn saved_name(original: &str, extension: &str) -> String {
    let own = original.rsplit_once('.').map_or("", |(_, own)| own);
    let same = match own.to_lowercase().as_str() {
        "jpg" | "jpeg" | "jpe" | "jfif" => "jpg",
        "tif" | "tiff" => "tif",
        "png" => "png",
        "webp" => "webp",
        "gif" => "gif",
        "bmp" => "bmp",
        _ => "",
    } == extension;
    format!("{}-doorplate.{}", stem_of(original), if same { own } else { extension })
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
        assert_eq!(saved_name("a.b.jpg", "png"), "a.b-doorplate.png");
        assert_eq!(saved_name("../../etc/x.tif", "jpg"), "x-doorplate.jpg");
        assert_eq!(saved_name("..\\x", "webp"), "x-doorplate.webp");
        assert_eq!(saved_name(" .png", "png"), "photo-doorplate.png");
        assert_eq!(saved_name("", "png"), "photo-doorplate.png");
        assert_eq!(saved_name("a.JPEG", "jpg"), "a-doorplate.JPEG");
        assert_eq!(saved_name("a.tiff", "tif"), "a-doorplate.tiff");
        // A PNG that is called a JPEG.
        assert_eq!(saved_name("a.jpeg", "png"), "a-doorplate.png");
    }

    #[test]
    fn no_name_occurs_twice() {
        let mut names = UniqueNames::default();
        let taken = ["a.png", "A.png", "a-2.png", "a.png", "b", "b"].map(|name| names.take(name));
        assert_eq!(taken, ["a.png", "A-2.png", "a-2-2.png", "a-3.png", "b", "b-2"]);
    }

    #[test]
    fn the_choice_survives_being_kept() {
        for format in FORMATS {
            for (_, metadata) in Metadata::NAMES {
                let choice = SaveChoice { format, quality: 55, metadata };
                assert_eq!(kept_choice(&text_to_keep(choice)), choice);
            }
        }
        for broken in ["", "PNG", "GIF 5", "JPEG x", "JPEG 900"] {
            assert_eq!(kept_choice(broken), SaveChoice::default(), "{broken}");
        }
        assert_eq!(kept_choice("JPEG 1").quality, MIN_QUALITY);
        let earlier = SaveChoice { format: SavedFormat::WebP, ..SaveChoice::default() };
        assert_eq!(kept_choice("WebP 92"), earlier);
    }

    #[test]
    fn what_was_left_out_is_named() {
        let left_out = [LeftOut::Place, LeftOut::Preview];
        assert_eq!(left_out_sentence(&left_out), " Left out: place, preview.");
        assert_eq!(left_out_sentence(&[]), "");
    }
}
