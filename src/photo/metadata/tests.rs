use std::io::Cursor;

use ::exif::{Field, In, Rational, Reader, Tag, Value, experimental::Writer};
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder as _, ImageEncoder, ImageReader, RgbImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder},
};

use super::*;
use crate::photo::{BoxInPhoto, Change, Encoding, Photo, SaveChoice, SavedFormat};

/// What only the photo as it was shows.
const SECRET: &[u8] = b"what it was";

const CHOICES: [Metadata; 3] = [Metadata::None, Metadata::NoPlace, Metadata::All];

fn holds(file: &[u8], part: &[u8]) -> bool {
    file.windows(part.len()).any(|other| other == part)
}

/// EXIF data of a phone: camera, place, orientation, maker's notes and a preview.
fn exif(orientation: u16) -> Vec<u8> {
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let rational = |num| Rational { num, denom: 1 };
    let mut fields = vec![
        field(Tag::Model, Value::Ascii(vec![b"Box Camera".to_vec()])),
        field(Tag::DateTimeOriginal, Value::Ascii(vec![b"2026:01:02 03:04:05".to_vec()])),
        field(Tag::GPSLatitude, Value::Rational([51, 30, 26].map(rational).to_vec())),
        field(Tag::GPSLatitudeRef, Value::Ascii(vec![b"N".to_vec()])),
        field(Tag::MakerNote, Value::Undefined(SECRET.to_vec(), 0)),
    ];
    if orientation != 0 {
        fields.push(field(Tag::Orientation, Value::Short(vec![orientation])));
    }
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    writer.set_jpeg(SECRET, In::THUMBNAIL);
    let mut block = Cursor::new(Vec::new());
    writer.write(&mut block, false).expect("written");
    block.into_inner()
}

const XMP: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" GPano:ProjectionType="equirectangular"
 exif:GPSLongitude="0,7.6W" xmp:CreatorTool="an editor"><xmp:Thumbnails>what it was</xmp:Thumbnails>
</rdf:Description></rdf:RDF></x:xmpmeta>"#;

/// A picture of 24 x 16 pixels.
fn picture() -> RgbImage {
    RgbImage::from_fn(24, 16, |x, y| image::Rgb([x as u8 * 9, y as u8, 77]))
}

fn written(mut encoder: impl ImageEncoder, exif: Option<Vec<u8>>) {
    encoder.set_icc_profile(b"a profile".to_vec()).expect("taken");
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif).expect("taken");
    }
    encoder.write_image(&picture(), 24, 16, ExtendedColorType::Rgb8).expect("written");
}

/// The picture in three formats.
fn files(exif: Option<Vec<u8>>) -> [Vec<u8>; 3] {
    let [mut png, mut jpeg, mut webp] = [Vec::new(), Vec::new(), Vec::new()];
    written(PngEncoder::new(&mut png), exif.clone());
    written(JpegEncoder::new(&mut jpeg), exif.clone());
    written(WebPEncoder::new_lossless(&mut webp), exif);
    [png, jpeg, webp]
}

fn segment(code: u8, name: &[u8], content: &[u8]) -> Vec<u8> {
    let length = ((2 + name.len() + content.len()) as u16).to_be_bytes();
    [&[0xFF, code], &length[..], name, content].concat()
}

/// A JPEG as phones and editors write them, with everything that the result must not have.
fn laden_jpeg(orientation: u16) -> Vec<u8> {
    let [_, jpeg, _] = files(Some(exif(orientation)));
    let iptc = [
        &b"8BIM\x04\x04\0\0\0\0\0\x17"[..],
        b"\x1C\x02\x5A\0\x06London\x1C\x02\x05\0\x07A title\0",
    ];
    let resources = [&iptc.concat()[..], b"8BIM\x04\x0C\0\0\0\0\0\x0Bwhat it was\0"].concat();
    // The digest of the whole, its length, and the place of this part in it.
    let extended = [b"http://ns.adobe.com/xmp/extension/\0", &[b'0'; 32][..]].concat();
    let part = [b"\0\0\0\x0B\0\0\0\0", SECRET].concat();
    [
        &jpeg[..2],
        &segment(0xE1, XMP_NAME, XMP.as_bytes()),
        &segment(0xE1, &extended, &part),
        &segment(0xE2, b"MPF\0", SECRET),
        &segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0", SECRET),
        &segment(0xED, iptc::NAME, &resources),
        &segment(0xE5, b"maker", SECRET),
        &segment(0xFE, b"", b"a comment"),
        &jpeg[2..],
        SECRET,
    ]
    .concat()
}

/// A PNG with XMP and texts.
fn laden_png(orientation: u16) -> Vec<u8> {
    let [png, ..] = files(Some(exif(orientation)));
    let xmp = [XMP_KEYWORD, &[0; 4], XMP.as_bytes()].concat();
    let chunks = [
        container::png_chunk(b"gAMA", &55_556u32.to_be_bytes()),
        container::png_chunk(b"pHYs", b"\0\0\x0B\x13\0\0\x0B\x13\x01"),
        container::png_chunk(b"iTXt", &xmp),
        container::png_chunk(b"tEXt", b"Comment\0a comment"),
        container::png_chunk(b"tEXt", b"Raw profile type exif\0what it was"),
        container::png_chunk(b"tEXt", b"Place\0GPS 51 N"),
        container::png_chunk(b"caBX", SECRET),
    ];
    [&png[..33], &chunks.concat(), &png[33..], SECRET].concat()
}

/// A WebP with XMP.
fn laden_webp(orientation: u16) -> Vec<u8> {
    let [_, _, mut webp] = files(Some(exif(orientation)));
    webp.extend(b"XMP ");
    webp.extend((XMP.len() as u32).to_le_bytes());
    webp.extend(XMP.as_bytes());
    webp.extend(vec![0; XMP.len() % 2]);
    container::set_webp_flags(&mut webp, 0x0C).expect("a WebP");
    webp
}

fn upright(file: &[u8]) -> DynamicImage {
    let reader = ImageReader::new(Cursor::new(file)).with_guessed_format().expect("a picture");
    let mut decoder = reader.into_decoder().expect("a picture");
    let orientation = decoder.orientation().expect("read");
    let mut image = DynamicImage::from_decoder(decoder).expect("decoded");
    image.apply_orientation(orientation);
    image
}

/// What a file says of camera, place and panorama.
fn said(file: &[u8]) -> [bool; 3] {
    let exif = Reader::new().read_from_container(&mut Cursor::new(file));
    let has = |tag| exif.as_ref().is_ok_and(|it| it.get_field(tag, In::PRIMARY).is_some());
    let place = has(Tag::GPSLatitude);
    assert_eq!(place, holds(file, b"GPSLongitude=\"0,7.6W\""));
    [has(Tag::Model), place, holds(file, b"GPano:ProjectionType=\"equirectangular\"")]
}

#[test]
fn without_metadata_a_file_is_copied_exactly_and_with_them_they_go() {
    for (plain, laden) in files(None).into_iter().zip([laden_png(1), laden_jpeg(1), laden_webp(1)])
    {
        assert_eq!(with_metadata(&plain, Metadata::None), Some((plain.clone(), Vec::new())));
        let (stripped, left_out) = with_metadata(&laden, Metadata::None).expect("stripped");
        assert!(left_out.contains(&LeftOut::Place) && left_out.contains(&LeftOut::Preview));
        assert!(holds(&laden, SECRET) && !holds(&stripped, SECRET));
        assert_eq!(said(&stripped), [false, false, true], "a panorama stays one");
        let mut decoder = ImageReader::new(Cursor::new(&stripped))
            .with_guessed_format()
            .expect("a picture")
            .into_decoder()
            .expect("a picture");
        assert_eq!(decoder.exif_metadata().expect("read"), None);
        assert_eq!(decoder.icc_profile().expect("read").as_deref(), Some(&b"a profile"[..]));
        assert!(upright(&stripped) == upright(&plain));
        assert_eq!(with_metadata(&laden[..laden.len() / 2], Metadata::None), None);
    }
}

#[test]
fn a_photo_that_lies_on_its_side_is_still_turned() {
    for laden in [laden_png(6), laden_jpeg(6), laden_webp(6)] {
        for choice in CHOICES {
            let (stripped, _) = with_metadata(&laden, choice).expect("stripped");
            assert_eq!(upright(&stripped).width(), 16);
            assert!(upright(&stripped) == upright(&laden));
            assert_eq!(said(&stripped)[..2], [choice != Metadata::None, choice == Metadata::All]);
        }
    }
}

/// A file, changed in one pixel's place, as another format.
fn saved(file: &[u8], choice: Metadata, format: SavedFormat) -> crate::photo::Written {
    let mut photo = Photo::decode(file).expect("a photo");
    let area = BoxInPhoto { left: 1, top: 2, width: 3, height: 4 };
    let planes = photo.planes(area);
    photo.lay(area, &planes, &[true; 12]);
    let choice = SaveChoice { format, metadata: choice, ..SaveChoice::default() };
    let encoding = Encoding::chosen(file, choice).expect("a picture");
    let change = Change { area, pixels: &[true; 12] };
    encoding.write_changed(file, &photo, &[change]).expect("written")
}

#[test]
fn each_choice_holds_in_each_format_and_what_shows_the_photo_as_it_was_never_stays() {
    for (own, laden) in [laden_jpeg(6), laden_png(6), laden_webp(6)].into_iter().enumerate() {
        for choice in CHOICES {
            for (other, format) in
                [SavedFormat::Jpeg, SavedFormat::Png, SavedFormat::WebP].into_iter().enumerate()
            {
                let name = format!("{own}, {choice:?}, {format:?}");
                let crate::photo::Written { bytes, left_out, blocks } =
                    saved(&laden, choice, format);
                assert_eq!(blocks.is_some(), own == 0 && other == 0, "{name}");
                assert!(!holds(&bytes, SECRET), "{name}");
                let kept = choice != Metadata::None;
                assert_eq!(said(&bytes), [kept, choice == Metadata::All, true], "{name}");
                assert_eq!(holds(&bytes, b"an editor"), kept, "{name}");
                assert_eq!(left_out.contains(&LeftOut::Place), choice != Metadata::All, "{name}");
                assert!(left_out.contains(&LeftOut::Preview), "{name}");
                assert!(left_out.contains(&LeftOut::MakerNotes) || !kept, "{name}");
                assert!(holds(&bytes, b"a profile") || format == SavedFormat::Png, "{name}");
                let photo = Photo::decode(&bytes).expect("a photo");
                assert_eq!([photo.size().width, photo.size().height], [16, 24], "{name}");
                assert_eq!(photo.icc_profile.as_deref(), Some(&b"a profile"[..]), "{name}");
                if own == 0 {
                    let lost =
                        [LeftOut::Pictures, LeftOut::GainMap, LeftOut::Behind, LeftOut::Other];
                    assert!(lost.iter().all(|what| left_out.contains(what)), "{name}");
                    assert_eq!(holds(&bytes, b"A title"), kept && other == 0, "{name}");
                    assert_eq!(holds(&bytes, b"London"), choice == Metadata::All && other == 0);
                    assert_eq!(left_out.contains(&LeftOut::Iptc), !kept || other != 0, "{name}");
                }
                if own < 2 {
                    assert_eq!(holds(&bytes, b"a comment"), kept && own == other, "{name}");
                }
                if own == 1 && other == 1 {
                    assert_eq!(holds(&bytes, b"GPS 51 N"), choice == Metadata::All);
                }
            }
        }
    }
}

#[test]
fn a_png_keeps_how_its_colours_are_meant_and_its_resolution() {
    // Its profile is the test's, and no real one; without it the chunks count.
    let file = [&laden_png(1)[..33], &container::png_chunk(b"gAMA", &55_556u32.to_be_bytes())];
    let mut bare = Vec::new();
    PngEncoder::new(&mut bare)
        .write_image(&picture(), 24, 16, ExtendedColorType::Rgb8)
        .expect("one");
    let resolution = container::png_chunk(b"pHYs", b"\0\0\x0B\x13\0\0\x0B\x13\x01");
    let file = [&file.concat(), &resolution, &bare[33..]].concat();
    let png = saved(&file, Metadata::None, SavedFormat::Own).bytes;
    assert!(holds(&png, &container::png_chunk(b"gAMA", &55_556u32.to_be_bytes())));
    assert!(holds(&png, &resolution));
    let jpeg = saved(&file, Metadata::None, SavedFormat::Jpeg).bytes;
    // 72 dots on an inch.
    assert_eq!(jpeg[6..18], *b"JFIF\0\x01\x02\x01\0\x48\0\x48");
    let profile = Photo::decode(&jpeg).expect("a photo").icc_profile.expect("a profile");
    assert_eq!(&profile[16..20], b"RGB ");
    let webp = saved(&file, Metadata::None, SavedFormat::WebP).bytes;
    assert_eq!(Photo::decode(&webp).expect("a photo").icc_profile, Some(profile));
    // And back.
    let again = saved(&jpeg, Metadata::None, SavedFormat::Png).bytes;
    assert!(holds(&again, &resolution));
}

#[test]
fn a_profile_for_other_pixels_is_left_out_and_transparent_is_white_in_a_jpeg() {
    let mut profile = vec![0; 128];
    profile[16..20].copy_from_slice(b"CMYK");
    profile[36..40].copy_from_slice(b"acsp");
    let rgba = image::RgbaImage::from_fn(16, 16, |x, _| {
        image::Rgba(if x < 8 { [0, 0, 0, 0] } else { [10, 200, 30, 255] })
    });
    let mut png = Vec::new();
    let mut encoder = PngEncoder::new(&mut png);
    encoder.set_icc_profile(profile).expect("taken");
    encoder.write_image(&rgba, 16, 16, ExtendedColorType::Rgba8).expect("written");
    let written = saved(&png, Metadata::All, SavedFormat::Jpeg);
    assert_eq!(written.left_out, [LeftOut::ColourProfile]);
    let photo = Photo::decode(&written.bytes).expect("a photo");
    assert_eq!(photo.icc_profile, None);
    let samples = photo.to_rgba8();
    assert!(samples[..3].iter().all(|sample| *sample > 245), "{:?}", &samples[..3]);
    assert!(samples[4 * 12].abs_diff(10) < 12 && samples[4 * 12 + 1].abs_diff(200) < 12);
}
