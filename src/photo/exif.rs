//! The part of a photo's EXIF data that may be kept after digits are removed.

use std::io::Cursor;

use exif::{Context, Field, In, Reader, Tag, Value, experimental::Writer};
use image::metadata::Orientation;

/// No plain field is longer, in bytes; previews are.
const LONGEST_FIELD: usize = 1_024;

/// Tags that hold, or may hold, a copy of the photo, and the orientation, which is written anew.
const DROPPED: [Tag; 7] = [
    Tag::Orientation,
    Tag::MakerNote,
    // Sub-directories (previews in some makers' files), XMP, IPTC, Photoshop's block, the profile.
    Tag(Context::Tiff, 330),
    Tag(Context::Tiff, 700),
    Tag(Context::Tiff, 33_723),
    Tag(Context::Tiff, 34_377),
    Tag(Context::Tiff, 34_675),
];

/// The block with the fields of its first directory, camera, time and location among them, and
/// nothing that could hold a preview. `None` when it cannot be read or nothing is left.
/// `orientation` is that of the picture as it will be stored.
pub(super) fn without_previews(block: Vec<u8>, orientation: Orientation) -> Option<Vec<u8>> {
    let block = block.strip_prefix(b"Exif\0\0").map(<[u8]>::to_vec).unwrap_or(block);
    let read = Reader::new().continue_on_error(true).read_raw(block);
    let block = read.or_else(|error| error.distill_partial_result(|_| ())).ok()?;
    let kept: Vec<&Field> = block
        .fields()
        .filter(|field| field.ifd_num == In::PRIMARY && !DROPPED.contains(&field.tag))
        .filter(|field| length(field).is_some_and(|bytes| bytes <= LONGEST_FIELD))
        .collect();
    if kept.is_empty() {
        return None;
    }
    let mut writer = Writer::new();
    for field in kept {
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
    writer.write(&mut written, block.little_endian()).ok()?;
    Some(written.into_inner())
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

    #[test]
    fn camera_and_place_stay_and_every_copy_of_the_photo_goes() {
        let secret = b"a preview that shows the number".to_vec();
        let degrees = vec![Rational { num: 51, denom: 1 }; 3];
        let fields = [
            field(Tag::Model, In::PRIMARY, Value::Ascii(vec![b"Box Camera".to_vec()])),
            field(Tag::Orientation, In::PRIMARY, Value::Short(vec![6])),
            field(Tag::GPSLatitude, In::PRIMARY, Value::Rational(degrees)),
            field(Tag::MakerNote, In::PRIMARY, Value::Undefined(secret.clone(), 0)),
            field(Tag::UserComment, In::PRIMARY, Value::Undefined(secret.repeat(99), 0)),
            field(Tag::ImageDescription, In::THUMBNAIL, Value::Ascii(vec![secret.clone()])),
        ];
        let mut writer = Writer::new();
        fields.iter().for_each(|field| writer.push_field(field));
        writer.set_jpeg(&secret, In::THUMBNAIL);
        let mut block = Cursor::new(Vec::new());
        writer.write(&mut block, false).expect("written");
        let block = block.into_inner();
        assert!(block.windows(secret.len()).any(|part| part == secret));

        for block in [block.clone(), [b"Exif\0\0", block.as_slice()].concat()] {
            let turned = without_previews(block.clone(), Orientation::Rotate270).expect("a block");
            assert_eq!(Orientation::from_exif_chunk(&turned), Some(Orientation::Rotate270));
            assert!(!turned.windows(secret.len()).any(|part| part == secret));
            let kept = without_previews(block, Orientation::NoTransforms).expect("a block");
            assert!(!kept.windows(secret.len()).any(|part| part == secret));
            let kept = Reader::new().read_raw(kept).expect("a block");
            let has = |tag| kept.get_field(tag, In::PRIMARY).is_some();
            assert!(has(Tag::Model) && has(Tag::GPSLatitude));
            assert!(!has(Tag::Orientation) && !has(Tag::MakerNote) && !has(Tag::UserComment));
        }
        for cut in 0..block.len() {
            let kept = without_previews(block[..cut].to_vec(), Orientation::NoTransforms)
                .unwrap_or_default();
            assert!(!kept.windows(secret.len()).any(|part| part == secret), "cut at {cut}");
        }
        assert_eq!(without_previews(b"nonsense".to_vec(), Orientation::NoTransforms), None);
    }
}
