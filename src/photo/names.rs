//! Recognises photos by the names of their files.

use std::path::Path;

/// Extensions of files that are taken for photos.
pub const PHOTO_EXTENSIONS: [&str; 9] =
    ["png", "jpg", "jpeg", "jpe", "webp", "gif", "bmp", "tif", "tiff"];

/// Whether a file is a photo by its name.
pub fn is_photo(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    PHOTO_EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_are_known_by_their_extensions() {
        for name in ["a.png", "b.JPG", "c.d.jpeg", "folder.d/e.TIFF"] {
            assert!(is_photo(Path::new(name)), "{name}");
        }
        for name in ["png", ".png", "a.boxes.json", "a.txt", "a.mat", "b.jpg.part"] {
            assert!(!is_photo(Path::new(name)), "{name}");
        }
    }
}
