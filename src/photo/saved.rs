//! How a changed photo is saved, as plain data: in which format, with which metadata, and what was
//! left out.

use serde::{Deserialize, Serialize};

/// The format of a saved photo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SavedFormat {
    /// The photo's own.
    #[default]
    Own,
    /// Without loss: every pixel that is not filled is the photo's own.
    Png,
    /// Readable everywhere.
    Jpeg,
    /// Without loss, and smaller than PNG.
    WebP,
}

/// Which metadata a saved photo keeps. Colour profile, resolution and orientation always stay right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Metadata {
    /// None, but for the geometry of a panorama, which is none without it.
    #[default]
    None,
    /// All but the place where the photo was taken.
    NoPlace,
    /// All.
    All,
}

/// Quality, of 100, of a JPEG that was none before, or whose own tables cannot be read.
pub const JPEG_QUALITY: u8 = 92;

/// How a photo is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveChoice {
    /// The format.
    pub format: SavedFormat,
    /// The quality, of 100, of a JPEG that was none before.
    pub quality: u8,
    /// The metadata.
    pub metadata: Metadata,
}

impl Default for SaveChoice {
    fn default() -> Self {
        let (format, metadata) = (SavedFormat::default(), Metadata::default());
        SaveChoice { format, quality: JPEG_QUALITY, metadata }
    }
}

impl Metadata {
    /// Each choice with its name, as on the command line.
    pub const NAMES: [(&'static str, Metadata); 3] =
        [("none", Metadata::None), ("no-place", Metadata::NoPlace), ("all", Metadata::All)];

    /// Its name.
    pub fn name(self) -> &'static str {
        let named = Self::NAMES.iter().find(|(_, choice)| *choice == self);
        named.map_or("none", |(name, _)| name)
    }

    /// The choice with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(other, _)| *other == name).map(|(_, choice)| *choice)
    }
}

/// What a photo's file held and the saved one does not. Some of it can never stay, as it shows the
/// photo as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LeftOut {
    /// EXIF data: camera, time, description.
    Exif,
    /// The place where the photo was taken, in EXIF, XMP, IPTC or a text.
    Place,
    /// XMP data.
    Xmp,
    /// IPTC data.
    Iptc,
    /// Comments and other texts.
    Text,
    /// A small copy of the photo.
    Preview,
    /// What a camera's maker writes for itself.
    MakerNotes,
    /// Photoshop's block.
    Photoshop,
    /// The brightness of an HDR photo, as a picture of its own.
    GainMap,
    /// Other pictures in the same file.
    Pictures,
    /// What stands behind the picture, such as a film.
    Behind,
    /// Fields that are no text and long enough to hold a picture.
    LongFields,
    /// A TIFF's tags that its pixels do not need.
    Tags,
    /// Other segments or chunks.
    Other,
    /// A colour profile that is not for these pixels.
    ColourProfile,
}

impl LeftOut {
    /// Its name, for JSON.
    pub fn name(self) -> &'static str {
        match self {
            LeftOut::Exif => "exif",
            LeftOut::Place => "place",
            LeftOut::Xmp => "xmp",
            LeftOut::Iptc => "iptc",
            LeftOut::Text => "text",
            LeftOut::Preview => "preview",
            LeftOut::MakerNotes => "maker-notes",
            LeftOut::Photoshop => "photoshop",
            LeftOut::GainMap => "gain-map",
            LeftOut::Pictures => "pictures",
            LeftOut::Behind => "behind",
            LeftOut::LongFields => "long-fields",
            LeftOut::Tags => "tags",
            LeftOut::Other => "other",
            LeftOut::ColourProfile => "colour-profile",
        }
    }

    /// What it is, for people.
    pub fn description(self) -> &'static str {
        match self {
            LeftOut::Exif => "camera data",
            LeftOut::Place => "place",
            LeftOut::Xmp => "XMP",
            LeftOut::Iptc => "IPTC",
            LeftOut::Text => "comments",
            LeftOut::Preview => "preview",
            LeftOut::MakerNotes => "maker's notes",
            LeftOut::Photoshop => "Photoshop's block",
            LeftOut::GainMap => "HDR gain map",
            LeftOut::Pictures => "other pictures",
            LeftOut::Behind => "data behind the picture",
            LeftOut::LongFields => "long fields",
            LeftOut::Tags => "tags of the TIFF",
            LeftOut::Other => "other blocks",
            LeftOut::ColourProfile => "colour profile",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_is_found_by_its_name() {
        for choice in [Metadata::None, Metadata::NoPlace, Metadata::All] {
            assert_eq!(Metadata::from_name(choice.name()), Some(choice));
        }
        assert_eq!(Metadata::from_name("some"), None);
    }
}
