//! HEIC, the format of phones, from end to end. Files of libheif's encoder are read if the Python that
//! `PYTHON` names (by default `python3`) has `pillow_heif`.
#![cfg(feature = "native")]

mod support;

use std::{fs, path::Path, process::Command};

use doorplate::photo::{Photo, PhotoSize};
use heifer::{EncodeOptions, encode_rgb8};
use support::shop::{erase, error_of, lines, results, tally};

/// A folder whose subfolder `photos` holds a sample photo as HEIC, with its boxes.
fn shop() -> tempfile::TempDir {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples");
    let shop = tempfile::tempdir().expect("a temporary folder");
    let photos = shop.path().join("photos");
    fs::create_dir(&photos).expect("made");
    let photo = image::open(samples.join("enamel-143.jpg")).expect("a sample").to_rgb8();
    let file = encode_rgb8(photo.width(), photo.height(), &photo, &EncodeOptions::default());
    fs::write(photos.join("IMG_1.HEIC"), file.expect("encoded")).expect("written");
    fs::copy(samples.join("enamel-143.boxes.json"), photos.join("IMG_1.boxes.json"))
        .expect("copied");
    shop
}

#[test]
fn a_folder_of_heics_becomes_one_of_jpegs() {
    let shop = shop();
    let run = || lines(&erase(shop.path(), "photos -o out").done());
    assert_eq!(tally(&run()), [1, 0, 0]);
    let made = results(&shop.path().join("out"));
    assert_eq!(made.keys().collect::<Vec<_>>(), ["IMG_1.HEIC.jpg"]);
    assert!(made["IMG_1.HEIC.jpg"].starts_with(b"\xFF\xD8"), "a JPEG");
    assert_eq!(tally(&run()), [0, 1, 0], "it is known again");
    erase(shop.path(), "photos -o out --verify").done();
}

#[test]
fn a_result_is_not_called_as_another_photo_s() {
    let shop = shop();
    let photos = shop.path().join("photos");
    fs::copy(photos.join("IMG_1.HEIC"), photos.join("IMG_1.HEIC.jpg")).expect("copied");
    fs::copy(photos.join("IMG_1.boxes.json"), photos.join("IMG_1.HEIC.boxes.json"))
        .expect("copied");
    let ran = erase(shop.path(), "photos -o out");
    let error = error_of(&lines(&ran.stdout), "photos/IMG_1.HEIC").to_owned();
    assert!(error.contains("would both be IMG_1.HEIC.jpg"), "{error}");
}

#[test]
fn a_heic_without_digits_becomes_a_jpeg_too() {
    let shop = shop();
    fs::write(shop.path().join("photos/IMG_1.boxes.json"), r#"{"boxes": []}"#).expect("written");
    erase(shop.path(), "photos -o out --metadata all").done();
    let made = results(&shop.path().join("out"));
    assert!(made["IMG_1.HEIC.jpg"].starts_with(b"\xFF\xD8"), "a JPEG");
}

/// Writes photos as phones have them, and each again as libheif decodes it.
const LIBHEIF: &str = "
import sys
import pillow_heif
from PIL import Image, ImageOps
pillow_heif.register_heif_opener()
photo = Image.open(sys.argv[1]).convert('RGB')
width, height = photo.size
photo = photo.resize((2 * width, 2 * height), Image.BICUBIC)
exif = Image.Exif()
exif[0x0112] = 6
kinds = {
    'plain': dict(quality=90),
    'fine colours': dict(quality=95, chroma=444),
    'turned': dict(quality=90, exif=exif.tobytes()),
    'grey': dict(quality=90),
    'odd sides': dict(quality=90),
}
for name, options in kinds.items():
    picture = photo
    if name == 'grey':
        picture = photo.convert('L')
    if name == 'odd sides':
        picture = photo.crop((0, 0, width - (width + 1) % 2, height - (height + 1) % 2))
    path = f'{sys.argv[2]}/{name}.heic'
    picture.save(path, format='HEIF', **options)
    ImageOps.exif_transpose(Image.open(path)).convert('RGB').save(f'{sys.argv[2]}/{name}.png')
";

#[test]
fn files_of_libheif_are_read_as_libheif_reads_them() {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples/enamel-143.jpg");
    let imports = Command::new(&python).args(["-c", "import pillow_heif"]).output();
    if !imports.is_ok_and(|ran| ran.status.success()) {
        println!(
            "skipped: {} cannot import pillow_heif; name a Python that can in PYTHON",
            python.display()
        );
        return;
    }
    let ran = Command::new(&python).arg("-c").arg(LIBHEIF).arg(sample).arg(folder.path()).output();
    let ran = ran.expect("it starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for name in ["plain", "fine colours", "turned", "grey", "odd sides"] {
        let open = |ending: &str| {
            let path = folder.path().join(name).with_extension(ending);
            Photo::decode(&fs::read(path).expect("read")).expect("a photo")
        };
        let (ours, theirs) = (open("heic"), open("png"));
        let PhotoSize { width, height } = ours.size();
        assert_eq!(ours.size(), theirs.size(), "{name}");
        let (ours, theirs) = (ours.to_rgba8(), theirs.to_rgba8());
        let off = || ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b));
        // Colours at half the resolution are enlarged in other ways.
        let mean = off().map(f64::from).sum::<f64>() / f64::from(4 * width * height);
        println!("{name}: {mean:.3} levels off in the mean, {:?} at most", off().max());
        assert!(mean < 1.0, "{name}: {mean}");
    }
}
