//! Photos of every format and kind, damaged ones, and what a saved photo keeps.

#![cfg(feature = "native")]

mod support;

use std::io::Write as _;

use doorplate::{
    photo::{BoxInPhoto, HeaderError, LooseBox, MAX_PIXELS, Photo, PhotoError, PhotoSize},
    removal::{Method, RemovalOptions, remove, stroke_reach},
};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use support::{colourful, encoded, pixels_outside, untrained_classifier, untrained_nets};

const LOSSLESS: [ImageFormat; 4] =
    [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Tiff];

fn decode(bytes: &[u8]) -> Photo {
    Photo::decode(bytes).expect("a sound picture is decoded")
}

/// A JPEG with an APP1 segment of `exif` behind its start marker.
fn with_exif(jpeg: &[u8], exif: &[u8]) -> Vec<u8> {
    let (start, rest) = jpeg.split_at(2);
    let content = [b"Exif\0\0".as_slice(), exif].concat();
    let length = u16::try_from(content.len() + 2).expect("a segment is short");
    [start, &[0xFF, 0xE1], &length.to_be_bytes(), &content, rest].concat()
}

/// The smallest EXIF block that holds an orientation.
fn orientation(value: u8) -> Vec<u8> {
    let header = b"MM\0\x2A\0\0\0\x08";
    let entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, value, 0, 0];
    [header.as_slice(), &[0, 1], &entry, &[0; 4]].concat()
}

/// A chunk of a PNG file.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    let length = u32::try_from(data.len()).expect("a short chunk");
    [&length.to_be_bytes(), kind.as_slice(), data, &crc.sum().to_be_bytes()].concat()
}

/// A palette PNG of 2 x 1 pixels: red, and green that is half transparent.
fn palette_png() -> Vec<u8> {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(&[0, 0, 1]).expect("memory takes it");
    let pixels = zlib.finish().expect("memory takes it");
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 1, 8, 3, 0, 0, 0]),
        chunk(b"PLTE", &[255, 0, 0, 0, 255, 0]),
        chunk(b"tRNS", &[255, 128]),
        chunk(b"IDAT", &pixels),
        chunk(b"IEND", &[]),
    ]
    .concat()
}

/// A CMYK JPEG of 8 x 8 pixels, all samples 128: every coefficient is zero, and zero is coded
/// as one bit.
fn cmyk_jpeg() -> Vec<u8> {
    let mut jpeg = vec![0xFF, 0xD8];
    let mut segment = |marker: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 2).expect("a segment is short");
        jpeg.extend([0xFF, marker]);
        jpeg.extend(length.to_be_bytes());
        jpeg.extend(content);
    };
    segment(0xEE, b"Adobe\0\x64\0\0\0\0\0");
    segment(0xDB, &[&[0u8][..], &[1; 64]].concat());
    let component = |id| [id, 0x11, 0];
    let components = [1, 2, 3, 4].map(component).concat();
    segment(0xC0, &[&[8, 0, 8, 0, 8, 4][..], &components].concat());
    let one_code = [&[1u8][..], &[0; 15], &[0]].concat();
    segment(0xC4, &[&[0x00][..], &one_code].concat());
    segment(0xC4, &[&[0x10][..], &one_code].concat());
    segment(0xDA, &[4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]);
    jpeg.extend([0x00, 0xFF, 0xD9]);
    jpeg
}

#[test]
fn lossless_formats_give_back_every_pixel() {
    let image = DynamicImage::ImageRgb8(colourful(19, 13));
    for format in LOSSLESS {
        let photo = decode(&encoded(&image, format));
        assert_eq!(photo.to_rgba8(), image.to_rgba8().into_raw(), "{format:?}");
    }
}

#[test]
fn a_jpeg_and_a_gif_come_near_their_picture() {
    // Smooth, as JPEG likes it, and of few colours, as GIF does.
    let image = DynamicImage::ImageRgb8(image::RgbImage::from_fn(32, 24, |x, y| {
        image::Rgb([8 * (x / 4 * 4) as u8, 10 * (y / 4 * 4) as u8, 90])
    }));
    for (format, reach) in [(ImageFormat::Jpeg, 40), (ImageFormat::Gif, 8)] {
        let photo = decode(&encoded(&image, format));
        assert_eq!(photo.size(), PhotoSize { width: 32, height: 24 });
        let (got, wanted) = (photo.to_rgba8(), image.to_rgba8().into_raw());
        let worst = got.iter().zip(&wanted).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(reach), "{format:?}: {worst:?} levels off");
    }
}

#[test]
fn every_depth_and_channel_count_is_kept_through_a_save() {
    let image = DynamicImage::ImageRgb8(colourful(17, 9));
    let kinds = [
        DynamicImage::ImageLuma8(image.to_luma8()),
        DynamicImage::ImageLumaA8(image.to_luma_alpha8()),
        image.clone(),
        DynamicImage::ImageRgba8(image.to_rgba8()),
        DynamicImage::ImageLuma16(image.to_luma16()),
        DynamicImage::ImageLumaA16(image.to_luma_alpha16()),
        DynamicImage::ImageRgb16(image.to_rgb16()),
        DynamicImage::ImageRgba16(image.to_rgba16()),
    ];
    for kind in kinds {
        let saved = decode(&encoded(&kind, ImageFormat::Png)).to_png().expect("saved");
        let again = image::load_from_memory(&saved).expect("a PNG");
        assert_eq!(again, kind, "{:?}", kind.color());
    }
}

#[test]
fn palette_and_transparency_are_kept() {
    let photo = decode(&palette_png());
    assert_eq!(photo.to_rgba8(), [255, 0, 0, 255, 0, 255, 0, 128]);
    let saved = decode(&photo.to_png().expect("saved"));
    assert_eq!(saved.to_rgba8(), photo.to_rgba8());
}

#[test]
fn a_palette_bmp_is_read() {
    let mut bytes = Vec::new();
    image::codecs::bmp::BmpEncoder::new(&mut bytes)
        .encode_with_palette(
            &[0, 1, 1],
            3,
            1,
            image::ExtendedColorType::L8,
            Some(&[[9, 8, 7], [1, 2, 3]]),
        )
        .expect("memory takes it");
    assert_eq!(decode(&bytes).to_rgba8(), [9, 8, 7, 255, 1, 2, 3, 255, 1, 2, 3, 255]);
}

#[test]
fn a_cmyk_jpeg_becomes_rgb() {
    let photo = decode(&cmyk_jpeg());
    let area = BoxInPhoto { left: 0, top: 0, width: 8, height: 8 };
    assert_eq!(photo.planes(area).channels, 3);
    let pixels = photo.to_rgba8();
    // Half of each ink on half of black: a dark grey.
    assert!((40..=90).contains(&pixels[0]), "{:?}", &pixels[..4]);
    assert_eq!((pixels[0], pixels[0]), (pixels[1], pixels[2]));
}

#[test]
fn a_bmp_whose_rows_begin_at_the_top_is_read() {
    let image = DynamicImage::ImageRgb8(colourful(17, 9));
    let mut bytes = encoded(&image, ImageFormat::Bmp);
    // The height is negative then, and the rows are in the other order.
    bytes[22..26].copy_from_slice(&(-9i32).to_le_bytes());
    let start = bytes.len() - 9 * 52;
    let rows: Vec<Vec<u8>> = bytes[start..].chunks(52).rev().map(<[u8]>::to_vec).collect();
    bytes.splice(start.., rows.concat());
    assert_eq!(decode(&bytes).to_rgba8(), image.to_rgba8().into_raw());
}

#[test]
fn a_gif_whose_screen_has_no_size_is_that_of_its_picture() {
    let image = DynamicImage::ImageRgb8(colourful(17, 9));
    let whole = encoded(&image, ImageFormat::Gif);
    let mut bare = whole.clone();
    bare[6..10].fill(0);
    assert_eq!(decode(&bare).size(), PhotoSize { width: 17, height: 9 });
    assert_eq!(decode(&bare).to_rgba8(), decode(&whole).to_rgba8());
}

#[test]
fn a_file_of_several_pictures_is_refused_with_their_number() {
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    for _ in 0..3 {
        encoder.encode_frame(image::Frame::new(RgbaImage::new(20, 10))).expect("written");
    }
    drop(encoder);
    let mut files = vec![(gif, "the GIF file holds 3 pictures")];
    match std::fs::read("../shared/odd_files/three-pages.tif") {
        Ok(tiff) => files.push((tiff, "the TIFF file holds 3 pictures")),
        Err(error) => println!("the TIFF is skipped: {error}"),
    }
    for (file, reason) in files {
        let error = Photo::decode(&file).expect_err("several pictures").to_string();
        assert!(error.contains(reason) && error.contains("a file of its own"), "{error}");
    }
}

#[test]
fn a_profile_of_inks_does_not_stay_on_what_was_made_of_them() {
    let inks = [&[0; 16][..], b"CMYK a profile of inks"].concat();
    let segment = |profile: &[u8]| {
        let content = [b"ICC_PROFILE\0\x01\x01", profile].concat();
        [&[0xFF, 0xE2], &(content.len() as u16 + 2).to_be_bytes()[..], &content].concat()
    };
    let behind_start = |file: &[u8], part: &[u8]| [&file[..2], part, &file[2..]].concat();
    let has_profile =
        |photo: &Photo| photo.to_png().expect("a PNG").windows(4).any(|name| name == b"iCCP");
    assert!(!has_profile(&decode(&behind_start(&cmyk_jpeg(), &segment(&inks)))));
    // One that fits stays, also in a file of several pieces.
    let jpeg = encoded(&DynamicImage::ImageRgb8(colourful(24, 16)), ImageFormat::Jpeg);
    let fits = [&[0; 16][..], b"RGB  a profile of lights"].concat();
    assert!(has_profile(&decode(&behind_start(&jpeg, &segment(&fits)))));
}

#[test]
fn a_float_tiff_is_kept_in_16_bits() {
    let image = image::Rgb32FImage::from_pixel(2, 2, image::Rgb([0.25, 0.5, 1.0]));
    let photo = decode(&encoded(&DynamicImage::ImageRgb32F(image), ImageFormat::Tiff));
    let saved = image::load_from_memory(&photo.to_png().expect("saved")).expect("a PNG");
    assert_eq!(saved.color(), image::ColorType::Rgb16);
    assert_eq!(saved.to_rgb16().get_pixel(1, 1).0, [16_384, 32_768, 65_535]);
}

#[test]
fn one_pixel_is_a_photo() {
    let image = DynamicImage::ImageRgb8(colourful(1, 1));
    for format in LOSSLESS.into_iter().chain([ImageFormat::Jpeg, ImageFormat::Gif]) {
        let photo = decode(&encoded(&image, format));
        assert_eq!(photo.size(), PhotoSize { width: 1, height: 1 }, "{format:?}");
    }
    let mut photo = decode(&encoded(&image, ImageFormat::Png));
    let all = BoxInPhoto { left: 0, top: 0, width: 1, height: 1 };
    let classifier = untrained_classifier();
    let readings = pollster::block_on(classifier.read(&photo, &[all])).expect("read");
    assert_eq!(readings.len(), 1);
    for nets in untrained_nets() {
        let options = RemovalOptions::default();
        let fills = pollster::block_on(remove(&photo, &[all], &Method::Doorplate(options), &nets));
        for fill in fills.expect("filled") {
            fill.lay_on(&mut photo);
        }
        assert!(photo.to_png().is_ok());
    }
}

#[test]
fn exif_orientation_turns_the_photo_upright() {
    // Left half black, right half white.
    let image =
        image::GrayImage::from_fn(32, 16, |x, _| image::Luma([if x < 16 { 0 } else { 255 }]));
    let jpeg = encoded(&DynamicImage::ImageLuma8(image), ImageFormat::Jpeg);
    let turned = decode(&with_exif(&jpeg, &orientation(6)));
    assert_eq!(turned.size(), PhotoSize { width: 16, height: 32 });
    // 6 is a quarter turn clockwise: what was left is on top.
    let rows = turned.to_rgba8();
    assert!(rows[0] < 50 && rows[31 * 16 * 4] > 200, "{} over {}", rows[0], rows[31 * 16 * 4]);
    let mirrored = decode(&with_exif(&jpeg, &orientation(2)));
    assert_eq!(mirrored.size(), PhotoSize { width: 32, height: 16 });
    assert!(mirrored.to_rgba8()[0] > 200);
}

#[test]
fn a_box_on_the_stored_picture_lies_where_the_upright_photo_shows_it() {
    // A black box on white.
    let drawn = LooseBox { left: 3.0, top: 2.0, width: 9.0, height: 5.0 };
    let image = image::GrayImage::from_fn(32, 16, |x, y| {
        image::Luma([if (3..12).contains(&x) && (2..7).contains(&y) { 0 } else { 255 }])
    });
    for value in 1..=8 {
        let mut file = std::io::Cursor::new(Vec::new());
        let mut encoder = image::codecs::png::PngEncoder::new(&mut file);
        image::ImageEncoder::set_exif_metadata(&mut encoder, orientation(value)).expect("taken");
        let colours = image::ExtendedColorType::L8;
        image::ImageEncoder::write_image(encoder, &image, 32, 16, colours).expect("written");
        let photo = decode(&file.into_inner());
        assert_eq!(photo.stored_size(), PhotoSize { width: 32, height: 16 });
        let upright = photo.upright(drawn).clamp_to(photo.size()).expect("on the photo");
        let pixels = photo.to_rgba8();
        for (i, pixel) in pixels.chunks_exact(4).enumerate() {
            let [x, y] = [i as u32 % photo.size().width, i as u32 / photo.size().width];
            assert_eq!(pixel[0] == 0, upright.contains(x, y), "orientation {value}, {x}, {y}");
        }
    }
}

#[test]
fn a_damaged_exif_block_leaves_the_photo_as_it_is() {
    let jpeg = encoded(&DynamicImage::ImageRgb8(colourful(24, 16)), ImageFormat::Jpeg);
    for exif in [orientation(0), orientation(77), b"MM".to_vec(), vec![0xFF; 40], vec![]] {
        let photo = decode(&with_exif(&jpeg, &exif));
        assert_eq!(photo.size(), PhotoSize { width: 24, height: 16 });
    }
}

#[test]
fn a_file_cut_anywhere_is_refused_or_shows_the_whole_photo() {
    let image = DynamicImage::ImageRgb8(colourful(48, 40));
    for format in LOSSLESS.into_iter().chain([ImageFormat::Jpeg, ImageFormat::Gif]) {
        let bytes = encoded(&image, format);
        let whole = decode(&bytes).to_rgba8();
        let mut refused = 0;
        for length in 0..bytes.len() {
            match Photo::decode(&bytes[..length]) {
                Err(_) => refused += 1,
                Ok(photo) => {
                    assert!(photo.to_rgba8() == whole, "{format:?} cut to {length}: half a photo");
                }
            }
        }
        assert!(refused * 10 >= bytes.len() * 9, "{format:?}: {refused} of {}", bytes.len());
    }
}

#[test]
fn a_cut_jpeg_is_refused_at_every_length() {
    let plain = encoded(&DynamicImage::ImageRgb8(colourful(40, 24)), ImageFormat::Jpeg);
    // A preview in the EXIF block has an end marker of its own.
    let with_preview = with_exif(&plain, &[orientation(1), plain.clone()].concat());
    for jpeg in [plain, with_preview, cmyk_jpeg()] {
        assert!(Photo::decode(&jpeg).is_ok());
        for length in 0..jpeg.len() {
            let cut = Photo::decode(&jpeg[..length]);
            assert!(cut.is_err(), "cut to {length} of {} bytes", jpeg.len());
        }
    }
}

#[test]
fn what_a_camera_appends_to_a_jpeg_does_no_harm() {
    let jpeg = encoded(&DynamicImage::ImageRgb8(colourful(40, 24)), ImageFormat::Jpeg);
    // A short film behind the picture, as phones append it, may hold any two bytes.
    for film in [&b"ftyp\xFF\xDA film"[..], &[0; 64], &[0xFF; 5]] {
        let photo = decode(&[&jpeg, film].concat());
        assert_eq!(photo.to_rgba8(), decode(&jpeg).to_rgba8());
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let image = DynamicImage::ImageRgb8(colourful(24, 20));
    for format in LOSSLESS.into_iter().chain([ImageFormat::Jpeg, ImageFormat::Gif]) {
        let bytes = encoded(&image, format);
        for at in 0..bytes.len().min(1_500) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8) | 0x40;
            // A flipped pixel is still a photo; what counts is that nothing is torn down.
            if let Ok(photo) = Photo::decode(&damaged) {
                let size = photo.size();
                assert!(u64::from(size.width) * u64::from(size.height) <= MAX_PIXELS);
            }
        }
    }
}

#[test]
fn what_is_no_photo_is_refused_with_its_reason() {
    let refusal = |bytes: &[u8]| Photo::decode(bytes).expect_err("no photo").to_string();
    assert!(refusal(b"").contains("empty"));
    assert!(refusal(b"This is a text named .png\n").contains("not a picture"));
    assert!(refusal(b"<svg xmlns='http://www.w3.org/2000/svg'/>").contains("not a picture"));
    let huge = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30, 8, 2, 0, 0, 0]),
        chunk(b"IDAT", &[]),
        chunk(b"IEND", &[]),
    ]
    .concat();
    assert!(matches!(
        Photo::decode(&huge),
        Err(PhotoError::Header(HeaderError::TooLarge { width: 30_000, height: 30_000 }))
    ));
    assert!(refusal(&huge).contains("limit is 100 megapixels"));
}

#[test]
fn a_removal_changes_nothing_beyond_the_reach_of_its_boxes_through_a_save() {
    let rgb = DynamicImage::ImageRgb8(colourful(70, 50));
    let mut see_through = rgb.to_rgba8();
    for (x, y, pixel) in see_through.enumerate_pixels_mut() {
        pixel.0[3] = (x + 3 * y) as u8;
    }
    let kinds = [
        DynamicImage::ImageLuma8(rgb.to_luma8()),
        DynamicImage::ImageRgba8(see_through),
        DynamicImage::ImageLuma16(rgb.to_luma16()),
        DynamicImage::ImageRgb16(rgb.to_rgb16()),
        rgb,
    ];
    let loose = [(10.0, 8.0), (24.0, 9.0), (60.0, 35.0), (-6.0, -4.0)]
        .map(|(left, top)| LooseBox { left, top, width: 14.0, height: 20.0 });
    let nets = untrained_nets();
    for (kind, nets) in kinds.iter().flat_map(|kind| nets.iter().map(move |nets| (kind, nets))) {
        let mut photo = decode(&encoded(kind, ImageFormat::Png));
        let size = photo.size();
        let boxes = loose.map(|area| area.clamp_to(size).expect("on the photo"));
        let options = RemovalOptions::default();
        let fills = pollster::block_on(remove(&photo, &boxes, &Method::Doorplate(options), nets));
        for fill in fills.expect("filled") {
            fill.lay_on(&mut photo);
        }
        let saved = image::load_from_memory(&photo.to_png().expect("saved")).expect("a PNG");
        assert_eq!(saved.color(), kind.color());
        let bytes = usize::from(kind.color().bytes_per_pixel());
        let pixel =
            |image: &DynamicImage, i: usize| image.as_bytes()[i * bytes..][..bytes].to_vec();
        // Where strokes are found, they are followed.
        let follows = nets.strokes.is_some();
        let reach = if follows { boxes.map(|area| stroke_reach(&area)) } else { boxes };
        for i in pixels_outside(size, &reach) {
            assert_eq!(pixel(&saved, i), pixel(kind, i), "{:?}, pixel {i}", kind.color());
        }
        assert_ne!(saved, *kind, "the boxes are filled");
    }
}

#[test]
fn odd_boxes_and_photos_are_filled_all_the_same() {
    let flat = RgbImage::from_pixel(90, 60, Rgb([120, 130, 140]));
    let noise = RgbImage::from_fn(90, 60, |x, y| {
        let value = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) as u8;
        Rgb([value, value.wrapping_mul(7), value.wrapping_mul(13)])
    });
    let clear = RgbaImage::from_fn(90, 60, |x, y| Rgba([x as u8, y as u8, 9, 0]));
    let photos: [DynamicImage; 4] =
        [flat.into(), noise.into(), clear.into(), colourful(90, 60).into()];
    let at = |left, top, width, height| BoxInPhoto { left, top, width, height };
    let many: Vec<BoxInPhoto> =
        (0..500).map(|i| at(i % 70, i * 7 % 40, 4 + i % 17, 3 + i % 19)).collect();
    let boxes: [Vec<BoxInPhoto>; 5] = [
        vec![at(0, 0, 90, 60)],
        vec![at(30, 20, 1, 1)],
        vec![at(30, 20, 3, 2), at(89, 59, 1, 1)],
        many,
        Vec::new(),
    ];
    for nets in untrained_nets() {
        for photo in &photos {
            let photo = decode(&encoded(photo, ImageFormat::Png));
            for boxes in &boxes {
                let options = RemovalOptions::default();
                let fills =
                    pollster::block_on(remove(&photo, boxes, &Method::Doorplate(options), &nets));
                for fill in fills.expect("filled") {
                    assert!(fill.planes.samples.iter().all(|sample| (0.0..=1.0).contains(sample)));
                }
            }
        }
    }
}

#[test]
fn a_box_over_a_large_photo_is_filled_in_bounded_time_and_memory() {
    let photo = decode(&encoded(&colourful(1600, 1200).into(), ImageFormat::Png));
    let all = BoxInPhoto { left: 0, top: 0, width: 1600, height: 1200 };
    for nets in untrained_nets() {
        let options = RemovalOptions::default();
        let fills = pollster::block_on(remove(&photo, &[all], &Method::Doorplate(options), &nets));
        assert_eq!(fills.expect("filled").len(), 1);
    }
}
