//! The part of a photo's EXIF data that may be kept after digits are removed.

use std::io::Cursor;

use exif::{Context, Field, In, Reader, Tag, Value, experimental::Writer};
use image::metadata::Orientation;

use super::{
    Report,
    text::{is_text, without_place},
};
use crate::photo::{LeftOut, Metadata};

/// No plain field that is not a text is longer, in bytes; previews are.
const LONGEST_FIELD: usize = 1_024;

/// Tags that hold, or may hold, a copy of the photo, or metadata in another form.
const DROPPED: [(Tag, LeftOut); 6] = [
    (Tag::MakerNote, LeftOut::MakerNotes),
    // Previews in some makers' files.
    (Tag(Context::Tiff, 330), LeftOut::Preview),
    (Tag(Context::Tiff, 700), LeftOut::Xmp),
    (Tag(Context::Tiff, 33_723), LeftOut::Iptc),
    (Tag(Context::Tiff, 34_377), LeftOut::Photoshop),
    (Tag(Context::Tiff, 34_675), LeftOut::Other),
];

/// The character codes that a comment of the user may have (Exif 2.32, 4.6.5): eight bytes before
/// its text.
const ASCII: &[u8] = b"ASCII\0\0\0";
const UNICODE: &[u8] = b"UNICODE\0";
const UNDEFINED: &[u8] = &[0; 8];

/// Fields of Windows with texts in UTF-16 (title, comment, author, keywords, subject).
const UTF_16: std::ops::RangeInclusive<u16> = 0x9C9B..=0x9C9F;

/// EXIF data that are kept.
#[derive(Clone, Debug)]
pub struct KeptExif {
    fields: Vec<Field>,
    little_endian: bool,
}

impl KeptExif {
    /// The fields of the first directory that `choice` keeps, without any that could hold a preview.
    /// `None` when the block cannot be read or nothing is left.
    pub fn of(block: &[u8], choice: Metadata, report: &mut Report) -> Option<Self> {
        let block = without_name(block);
        let read = Reader::new().continue_on_error(true).read_raw(block.to_vec());
        let Ok(block) = read.or_else(|error| error.distill_partial_result(|_| ())) else {
            report.add(LeftOut::Exif);
            return None;
        };
        let mut kept = KeptExif { fields: Vec::new(), little_endian: block.little_endian() };
        let mut others = false;
        for field in block.fields() {
            if field.ifd_num != In::PRIMARY {
                report.add(LeftOut::Preview);
            } else if field.tag != Tag::Orientation {
                // It is written again.
                others = true;
                kept.fields.extend(kept_field(field, choice, report));
            }
        }
        if choice == Metadata::None {
            // A block with nothing but an orientation has lost nothing.
            if others {
                report.add(LeftOut::Exif);
            }
            return None;
        }
        (!kept.fields.is_empty()).then_some(kept)
    }

    /// The block of a picture with this orientation. `None` if it cannot be written.
    pub fn block(&self, orientation: Orientation) -> Option<Vec<u8>> {
        let mut writer = Writer::new();
        for field in &self.fields {
            writer.push_field(field);
        }
        let turned = Field {
            tag: Tag::Orientation,
            ifd_num: In::PRIMARY,
            value: Value::Short(vec![orientation.to_exif().into()]),
        };
        if orientation != Orientation::NoTransforms {
            writer.push_field(&turned);
        }
        let mut written = Cursor::new(Vec::new());
        writer.write(&mut written, self.little_endian).ok()?;
        Some(written.into_inner())
    }
}

/// The block without the name that it has in a JPEG.
fn without_name(block: &[u8]) -> &[u8] {
    block.strip_prefix(b"Exif\0\0").unwrap_or(block)
}

/// How EXIF data say that the photo is to be turned.
pub fn orientation_of(block: &[u8]) -> Orientation {
    Orientation::from_exif_chunk(without_name(block)).unwrap_or(Orientation::NoTransforms)
}

/// EXIF data that hold an orientation and nothing else.
pub fn exif_of_orientation(orientation: Orientation) -> Vec<u8> {
    // A directory with one entry: tag 274, one short number.
    let mut block = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    block.extend([orientation.to_exif(), 0, 0, 0, 0, 0, 0]);
    block
}

/// A field as it is kept.
fn kept_field(field: &Field, choice: Metadata, report: &mut Report) -> Option<Field> {
    if let Some((_, what)) = DROPPED.iter().find(|(tag, _)| *tag == field.tag) {
        report.add(*what);
        return None;
    }
    if field.tag.context() == Context::Gps {
        // Its version alone tells no place.
        if choice != Metadata::All && field.tag != Tag::GPSVersionID {
            report.add(LeftOut::Place);
        }
        return (choice == Metadata::All).then(|| field.clone());
    }
    let Some(text) = text_of(field) else {
        let fits = length(field).is_some_and(|bytes| bytes <= LONGEST_FIELD);
        if !fits {
            report.add(LeftOut::LongFields);
        }
        return fits.then(|| field.clone());
    };
    if choice == Metadata::All {
        return Some(field.clone());
    }
    let kept = without_place(&text);
    if kept.as_deref() == Some(&text) {
        return Some(field.clone());
    }
    report.add(LeftOut::Place);
    // Some apps write their photo's data as JSON here; only what tells the place goes.
    let value = match &field.value {
        Value::Ascii(_) => Value::Ascii(vec![kept?.into_bytes()]),
        _ => return None,
    };
    Some(Field { tag: field.tag, ifd_num: field.ifd_num, value })
}

/// The text in a field; `None` of one that holds anything else.
fn text_of(field: &Field) -> Option<String> {
    let utf_8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let utf_16 = |bytes: &[u8], of: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| of([pair[0], pair[1]]));
        String::from_utf16(&units.collect::<Vec<_>>()).ok()
    };
    let text = match &field.value {
        Value::Ascii(texts) => utf_8(&texts.join(&b' '))?,
        Value::Undefined(bytes, _) if field.tag == Tag::UserComment => {
            let (code, text) = bytes.split_at_checked(8)?;
            match code {
                UNICODE => [u16::from_le_bytes, u16::from_be_bytes]
                    .into_iter()
                    .filter_map(|of| utf_16(text, of))
                    .find(|text| is_text(text))?,
                ASCII | UNDEFINED => utf_8(text)?,
                _ => return None,
            }
        }
        Value::Byte(bytes) if UTF_16.contains(&field.tag.number()) => {
            utf_16(bytes, u16::from_le_bytes)?
        }
        _ => return None,
    };
    is_text(&text).then_some(text)
}

/// About the bytes of a field's value; `None` of a value that could not be read.
fn length(field: &Field) -> Option<usize> {
    Some(match &field.value {
        Value::Byte(values) => values.len(),
        Value::Ascii(texts) => texts.iter().map(Vec::len).sum(),
        Value::Short(values) => 2 * values.len(),
        Value::Long(values) => 4 * values.len(),
        Value::Rational(values) => 8 * values.len(),
        Value::SByte(values) => values.len(),
        Value::Undefined(bytes, _) => bytes.len(),
        Value::SShort(values) => 2 * values.len(),
        Value::SLong(values) => 4 * values.len(),
        Value::SRational(values) => 8 * values.len(),
        Value::Float(values) => 4 * values.len(),
        Value::Double(values) => 8 * values.len(),
        Value::Unknown(..) => return None,
    })
}

#[cfg(test)]
mod tests {
    use exif::Rational;

    use super::*;

    fn field(tag: Tag, ifd_num: In, value: Value) -> Field {
        Field { tag, ifd_num, value }
    }

    fn ascii(text: &str) -> Value {
        Value::Ascii(vec![text.as_bytes().to_vec()])
    }

    const MAPILLARY: &str =
        r#"{"MAPLatitude":51.5,"MAPLongitude":-0.1,"MAPCaptureTime":"2026_01_02"}"#;

    #[test]
    fn camera_and_place_stay_by_choice_and_every_copy_of_the_photo_goes() {
        let secret = b"a preview that shows the number".to_vec();
        let degrees = vec![Rational { num: 51, denom: 1 }; 3];
        let long = "A wall. ".repeat(900);
        let comment = [UNICODE, &[0, b'h', 0, b'i'].repeat(900)].concat();
        let fields = [
            field(Tag::Model, In::PRIMARY, ascii("Box Camera")),
            field(Tag::ImageDescription, In::PRIMARY, ascii(&long)),
            field(Tag::Artist, In::PRIMARY, ascii(MAPILLARY)),
            field(Tag::Orientation, In::PRIMARY, Value::Short(vec![6])),
            field(Tag::GPSLatitude, In::PRIMARY, Value::Rational(degrees)),
            field(Tag::MakerNote, In::PRIMARY, Value::Undefined(secret.clone(), 0)),
            field(Tag::UserComment, In::PRIMARY, Value::Undefined(comment, 0)),
            field(Tag(Context::Exif, 0xEA1C), In::PRIMARY, Value::Undefined(secret.repeat(99), 0)),
            field(Tag::ImageDescription, In::THUMBNAIL, Value::Ascii(vec![secret.clone()])),
        ];
        let mut writer = Writer::new();
        fields.iter().for_each(|field| writer.push_field(field));
        writer.set_jpeg(&secret, In::THUMBNAIL);
        let mut block = Cursor::new(Vec::new());
        writer.write(&mut block, false).expect("written");
        let block = block.into_inner();
        let holds = |block: &[u8], part: &[u8]| block.windows(part.len()).any(|it| it == part);
        assert!(holds(&block, &secret));

        for named in [block.clone(), [b"Exif\0\0", block.as_slice()].concat()] {
            for choice in [Metadata::NoPlace, Metadata::All] {
                let mut report = Report::default();
                let kept = KeptExif::of(&named, choice, &mut report).expect("a block");
                let turned = kept.block(Orientation::Rotate270).expect("a block");
                assert_eq!(Orientation::from_exif_chunk(&turned), Some(Orientation::Rotate270));
                assert!(!holds(&turned, &secret));
                let kept = kept.block(Orientation::NoTransforms).expect("a block");
                assert!(!holds(&kept, &secret));
                assert!(holds(&kept, long.trim_end().as_bytes()), "a long text");
                assert_eq!(holds(&kept, b"MAPLatitude"), choice == Metadata::All);
                assert!(holds(&kept, b"MAPCaptureTime"));
                let kept = Reader::new().read_raw(kept).expect("a block");
                let has = |tag| kept.get_field(tag, In::PRIMARY).is_some();
                assert!(has(Tag::Model) && has(Tag::UserComment));
                assert_eq!(has(Tag::GPSLatitude), choice == Metadata::All);
                assert!(!has(Tag::Orientation) && !has(Tag::MakerNote));
                let mut said = vec![LeftOut::Preview, LeftOut::MakerNotes, LeftOut::LongFields];
                said.extend((choice == Metadata::NoPlace).then_some(LeftOut::Place));
                said.sort();
                assert_eq!(report.into_list(), said);
            }
            let mut report = Report::default();
            assert!(KeptExif::of(&named, Metadata::None, &mut report).is_none());
            assert!(report.into_list().contains(&LeftOut::Place));
        }
        for cut in 0..block.len() {
            let kept = KeptExif::of(&block[..cut], Metadata::All, &mut Report::default());
            let kept = kept.and_then(|kept| kept.block(Orientation::NoTransforms));
            assert!(!holds(&kept.unwrap_or_default(), &secret), "cut at {cut}");
        }
        let mut report = Report::default();
        assert!(KeptExif::of(b"nonsense", Metadata::All, &mut report).is_none());
        assert_eq!(report.into_list(), [LeftOut::Exif]);
        let mut report = Report::default();
        let turned = exif_of_orientation(Orientation::Rotate90);
        assert!(KeptExif::of(&turned, Metadata::None, &mut report).is_none());
        assert!(report.into_list().is_empty(), "an orientation is not lost");
    }
}
