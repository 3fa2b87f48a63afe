//! Recognises photos by the names of their files.

use std::path::Path;

/// Extensions of files that are taken for photos.
pub const PHOTO_EXTENSIONS: [&str; 15] = [
    "png", "jpg", "jpeg", "jpe", "jfif", "pjpeg", "pjp", "webp", "heic", "heif", "hif", "gif",
    "bmp", "tif", "tiff",
];

/// Whether a file is a photo by its name.
pub fn is_photo(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    PHOTO_EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)) && !is_mac_fork(path)
}

/// Whether a file is what Macs leave beside another one on foreign disks: `._` and its name, without
/// its content.
pub fn is_mac_fork(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"._"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_are_known_by_their_extensions() {
        for name in ["a.png", "b.JPG", "c.d.jpeg", "folder.d/e.TIFF", "f.jfif"] {
            assert!(is_photo(Path::new(name)), "{name}");
        }
        for name in ["png", ".png", "a.boxes.json", "a.txt", "a.mat", "b.jpg.part", "a/._b.jpg"] {
            assert!(!is_photo(Path::new(name)), "{name}");
        }
    }
}
