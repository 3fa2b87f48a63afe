//! Which metadata of a photo's file are kept when digits were removed from it, and what is left out.
//!
//! What shows the photo as it was never stays: previews, gain maps and other pictures, blocks of
//! Photoshop and of cameras' makers, and fields that could hold a picture.

mod container;
mod exif;
mod iptc;
mod rendering;
mod text;
mod xmp;

use std::collections::BTreeSet;

use image::metadata::Orientation;

pub(super) use self::rendering::{Density, DensityUnit, Rendering};
use self::{
    container::{Container, Contents, MAX_EXIF, MAX_XMP, XMP_KEYWORD, XMP_NAME},
    exif::{KeptExif, exif_of_orientation, orientation_of},
    text::{is_text, without_place},
};
use super::{
    LeftOut, Metadata, format_from_header,
    header::MAX_METADATA_BYTES,
    heic,
    parts::{Part, PartKind, walk_parts},
};

/// What was left out so far.
#[derive(Clone, Debug, Default)]
pub struct Report(BTreeSet<LeftOut>);

impl Report {
    /// Notes that this was left out.
    pub fn add(&mut self, what: LeftOut) {
        self.0.insert(what);
    }

    /// All that was, each once.
    pub fn into_list(self) -> Vec<LeftOut> {
        self.0.into_iter().collect()
    }
}

/// Metadata of a file that are kept.
#[derive(Clone, Debug)]
pub struct KeptMetadata {
    exif: Option<KeptExif>,
    xmp: Option<String>,
    iptc: Option<Vec<u8>>,
    /// Whole segments or chunks with texts, and the kind of file that they are of.
    texts: Vec<Vec<u8>>,
    container: Option<Container>,
    orientation: Orientation,
    report: Report,
}

/// Metadata of a file as they are found in it.
#[derive(Default)]
struct Found<'a> {
    exif: Option<&'a [u8]>,
    xmp: Option<std::borrow::Cow<'a, [u8]>>,
    /// Photoshop's resources, which may be in several segments.
    resources: Vec<u8>,
    /// Whole parts with their texts; none of those that are no text.
    texts: Vec<(&'a [u8], Option<String>)>,
}

impl KeptMetadata {
    /// What `choice` keeps of a file. Of GIF, BMP and TIFF nothing is kept.
    pub fn of(file: &[u8], choice: Metadata) -> Self {
        let container = Container::of(file);
        let (mut found, mut report) = (Found::default(), Report::default());
        let heic = match format_from_header(file) {
            Some("HEIC") => heic::metadata_in(file),
            _ => heic::Found::default(),
        };
        found.exif = heic.exif.as_deref();
        found.xmp = heic.xmp.map(Into::into);
        heic.others.into_iter().for_each(|what| report.add(what));
        let walked = walk_parts(file, &mut |part| found.look(file, container, &part, &mut report));
        if walked.is_none() && (file.starts_with(b"II") || file.starts_with(b"MM")) {
            report.add(LeftOut::Tags);
        }
        let Found { exif, xmp, resources, texts } = found;
        let orientation = exif.map_or(Orientation::NoTransforms, orientation_of);
        let mut kept = KeptMetadata {
            exif: exif.and_then(|block| KeptExif::of(block, choice, &mut report)),
            xmp: xmp.and_then(|packet| xmp::kept(&packet, choice, &mut report)),
            iptc: iptc::kept(&resources, choice, &mut report),
            texts: Vec::new(),
            container,
            orientation,
            report,
        };
        for (whole, text) in texts {
            let readable = text.filter(|text| is_text(text));
            let stays = match (choice, &readable) {
                (Metadata::None, _) | (_, None) => Err(LeftOut::Text),
                (Metadata::NoPlace, Some(text)) if without_place(text).as_ref() != Some(text) => {
                    Err(LeftOut::Place)
                }
                _ => Ok(()),
            };
            match stays {
                Ok(()) => kept.texts.push(whole.to_vec()),
                Err(what) => kept.report.add(what),
            }
        }
        kept
    }

    /// EXIF data for a JPEG whose picture has this orientation as it is stored. None if there is
    /// nothing to say.
    pub fn exif(&self, orientation: Orientation) -> Option<Vec<u8>> {
        self.exif_within(orientation, MAX_EXIF).0
    }

    /// The same up to a length; also whether something had to be left out for that.
    fn exif_within(&self, orientation: Orientation, most: usize) -> (Option<Vec<u8>>, bool) {
        let turned =
            || (orientation != Orientation::NoTransforms).then(|| exif_of_orientation(orientation));
        let Some(kept) = &self.exif else { return (turned(), false) };
        match kept.block(orientation).filter(|block| block.len() <= most) {
            Some(block) => (Some(block), false),
            None => (turned(), true),
        }
    }

    /// Puts what is kept into an encoded file that has no metadata. `orientation` is that of its
    /// picture as it is stored; `chunks` are a PNG's about colours and resolution. Returns what is
    /// not in it, but was in the photo's file.
    pub fn put_into(
        &self,
        file: &mut Vec<u8>,
        orientation: Orientation,
        chunks: &[u8],
    ) -> Vec<LeftOut> {
        self.put(file, Some(orientation), chunks)
    }

    /// The same for a JPEG that has its EXIF data already, those of [`KeptMetadata::exif`].
    pub fn put_beside_exif(&self, file: &mut Vec<u8>, orientation: Orientation) -> Vec<LeftOut> {
        let mut report = Report(self.put(file, None, &[]).into_iter().collect());
        if self.exif_within(orientation, MAX_EXIF).1 {
            report.add(LeftOut::Exif);
        }
        report.into_list()
    }

    fn put(&self, file: &mut Vec<u8>, exif: Option<Orientation>, chunks: &[u8]) -> Vec<LeftOut> {
        let mut report = self.report.clone();
        let container = Container::of(file);
        let (most_exif, most_xmp) = match container {
            Some(Container::Jpeg) => (MAX_EXIF, MAX_XMP),
            Some(_) => (MAX_METADATA_BYTES, MAX_METADATA_BYTES),
            None => (0, 0),
        };
        let mut contents = Contents { chunks, ..Contents::default() };
        if let Some(orientation) = exif {
            let (block, lost) = self.exif_within(orientation, most_exif);
            contents.exif = block;
            if lost {
                report.add(LeftOut::Exif);
            }
        }
        match &self.xmp {
            Some(xmp) if xmp.len() <= most_xmp => contents.xmp = Some(xmp),
            Some(_) => report.add(LeftOut::Xmp),
            None => {}
        }
        match &self.iptc {
            Some(iptc) if container == Some(Container::Jpeg) => contents.iptc = Some(iptc),
            Some(_) => report.add(LeftOut::Iptc),
            None => {}
        }
        if container == self.container {
            contents.texts = self.texts.iter().map(Vec::as_slice).collect();
        } else if !self.texts.is_empty() {
            report.add(LeftOut::Text);
        }
        // What an encoder wrote here is whole.
        if let Some(container) = container
            && container.put(file, &contents).is_none()
        {
            report.add(LeftOut::Exif);
        }
        report.into_list()
    }
}

impl<'a> Found<'a> {
    /// Takes in one part of a file.
    fn look(
        &mut self,
        file: &'a [u8],
        container: Option<Container>,
        part: &Part,
        report: &mut Report,
    ) {
        let whole = file.get(part.whole.clone()).unwrap_or_default();
        let content = file.get(part.content.clone()).unwrap_or_default();
        match part.kind {
            // JFIF's segment has room for a preview.
            PartKind::Picture if whole.starts_with(&[0xFF, 0xE0]) && content.len() > 14 => {
                report.add(LeftOut::Preview);
            }
            PartKind::Picture | PartKind::Profile => {}
            PartKind::Exif if self.exif.is_none() => self.exif = Some(content),
            PartKind::Exif => report.add(LeftOut::Exif),
            PartKind::Other if part.content.start == part.whole.start => {
                // Padding is nothing that anybody misses.
                let is_behind = part.whole.end == file.len();
                if content.iter().any(|byte| !matches!(byte, 0 | 0xFF)) {
                    report.add(if is_behind { LeftOut::Behind } else { LeftOut::Other });
                }
            }
            PartKind::Other => match container {
                Some(Container::Jpeg) => self.look_at_segment(whole, content, report),
                Some(Container::Png) => self.look_at_chunk(whole, content, report),
                Some(Container::WebP) if whole.starts_with(b"XMP ") => {
                    self.take_xmp(content.into(), report);
                }
                Some(Container::WebP) => report.add(LeftOut::Other),
                // A GIF's extensions.
                None if content.starts_with(b"\x0BXMP DataXMP") => report.add(LeftOut::Xmp),
                None if whole.starts_with(&[0x21, 0xFE]) => report.add(LeftOut::Text),
                None => report.add(LeftOut::Other),
            },
        }
    }

    fn take_xmp(&mut self, packet: std::borrow::Cow<'a, [u8]>, report: &mut Report) {
        match self.xmp {
            None => self.xmp = Some(packet),
            Some(_) => report.add(LeftOut::Xmp),
        }
    }

    /// Takes in a segment of a JPEG.
    fn look_at_segment(&mut self, whole: &'a [u8], content: &'a [u8], report: &mut Report) {
        match whole.get(1) {
            Some(0xFE) => {
                let text = String::from_utf8(content.to_vec()).ok();
                self.texts.push((whole, text));
            }
            Some(0xE0) if content.starts_with(b"JFXX\0") => report.add(LeftOut::Preview),
            Some(0xE1) => match content.strip_prefix(XMP_NAME) {
                Some(packet) => self.take_xmp(packet.into(), report),
                None if content.starts_with(b"http://ns.adobe.com/xmp/extension/\0") => {
                    report.add(LeftOut::Xmp);
                }
                None => report.add(LeftOut::Other),
            },
            Some(0xE2) if content.starts_with(b"MPF\0") => report.add(LeftOut::Pictures),
            Some(0xE2) if content.starts_with(b"urn:iso:std:iso:ts:21496") => {
                report.add(LeftOut::GainMap);
            }
            Some(0xED) => match content.strip_prefix(iptc::NAME) {
                Some(resources) => self.resources.extend_from_slice(resources),
                None => report.add(LeftOut::Other),
            },
            _ => report.add(LeftOut::Other),
        }
    }

    /// Takes in a chunk of a PNG.
    fn look_at_chunk(&mut self, whole: &'a [u8], content: &'a [u8], report: &mut Report) {
        match whole.get(4..8) {
            Some(b"iTXt") if content.starts_with(XMP_KEYWORD) => match international(content) {
                Some(packet) => self.take_xmp(packet, report),
                None => report.add(LeftOut::Xmp),
            },
            // ImageMagick's way to keep metadata.
            Some(b"tEXt" | b"zTXt") if content.starts_with(b"Raw profile type ") => {
                report.add(LeftOut::Other);
            }
            Some(b"tEXt") => {
                // Latin-1, with a zero between the keyword and the text.
                let text = content.iter().map(|&byte| if byte == 0 { ' ' } else { byte.into() });
                self.texts.push((whole, Some(text.collect())));
            }
            Some(b"iTXt") => {
                let keyword = content.split(|byte| *byte == 0).next().unwrap_or_default();
                let text = international(content).map(|text| [keyword, b" ", &text].concat());
                self.texts.push((whole, text.and_then(|text| String::from_utf8(text).ok())));
            }
            Some(b"zTXt") => {
                let keyword = content.split(|byte| *byte == 0).next().unwrap_or_default();
                let packed = content.get(keyword.len() + 2..).unwrap_or_default();
                let text = unpacked(packed).map(|text| [keyword, b" ", &text].concat());
                let latin = |text: Vec<u8>| text.into_iter().map(char::from).collect();
                self.texts.push((whole, text.map(latin)));
            }
            _ => report.add(LeftOut::Other),
        }
    }
}

/// The text of a PNG's chunk of international text (PNG, 11.3.3.4).
fn international(content: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    let keyword = content.iter().position(|byte| *byte == 0)?;
    let &[packed, _, ref behind @ ..] = content.get(keyword + 1..)? else { return None };
    // The language and the keyword in it.
    let text = behind.splitn(3, |byte| *byte == 0).nth(2)?;
    if packed == 0 { Some(text.into()) } else { unpacked(text).map(Into::into) }
}

fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    fdeflate::decompress_to_vec_bounded(packed, MAX_METADATA_BYTES).ok()
}

/// A picture's file with only the metadata that `choice` keeps, and what was left out; pixels, colour
/// profile, resolution and orientation stay as they are. Of a file without metadata it is an exact
/// copy.
///
/// Returns `None` for TIFF, whose metadata are spread over the file, and for damaged files.
pub fn with_metadata(bytes: &[u8], choice: Metadata) -> Option<(Vec<u8>, Vec<LeftOut>)> {
    let mut stripped = Vec::with_capacity(bytes.len());
    walk_parts(bytes, &mut |part| {
        if matches!(part.kind, PartKind::Picture | PartKind::Profile) {
            stripped.extend_from_slice(bytes.get(part.whole).unwrap_or_default());
        }
    })?;
    if bytes.starts_with(b"RIFF") {
        container::set_webp_flags(&mut stripped, 0)?;
    }
    let kept = KeptMetadata::of(bytes, choice);
    let left_out = kept.put_into(&mut stripped, kept.orientation, &[]);
    Some((stripped, left_out))
}

#[cfg(test)]
mod tests;
