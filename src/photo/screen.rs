//! A photo's colours as a screen shows them: browsers turn a photo of another colour space into sRGB
//! when they decode it, and what is drawn over it must be turned likewise.

use std::{fmt, sync::Arc};

use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};

use super::{Photo, metadata::Rendering};

/// Turns a photo's colours into sRGB.
#[derive(Clone)]
pub struct ToScreen(Arc<Transform8BitExecutor>);

impl fmt::Debug for ToScreen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ToScreen")
    }
}

/// Colours whose results tell whether a colour space is sRGB.
const PROBES: [[u8; 4]; 6] = [
    [255, 0, 0, 255],
    [0, 255, 0, 255],
    [0, 0, 255, 255],
    [200, 60, 30, 255],
    [30, 90, 200, 255],
    [128, 128, 128, 255],
];

impl ToScreen {
    /// For a photo and the file that it was decoded from. None where its colours are sRGB, or not
    /// known.
    pub fn of(file: &[u8], photo: &Photo) -> Option<Self> {
        // A profile goes before a PNG's chunks.
        let profile = match &photo.icc_profile {
            Some(profile) => profile.clone(),
            None => Rendering::of(file).profile(false)?,
        };
        let profile = ColorProfile::new_from_slice(&profile).ok()?;
        if profile.color_space != DataColorSpace::Rgb {
            return None;
        }
        let options = TransformOptions::default();
        let srgb = ColorProfile::new_srgb();
        let transform =
            profile.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgba, options).ok()?;
        let to_screen = ToScreen(transform);
        let turned = to_screen.turned(PROBES.as_flattened());
        let differ = |(a, b): (&u8, &u8)| a.abs_diff(*b) > 1;
        PROBES.as_flattened().iter().zip(&turned).any(differ).then_some(to_screen)
    }

    /// Pixels in red, green, blue and alpha, turned.
    #[must_use]
    pub fn turned(&self, rgba: &[u8]) -> Vec<u8> {
        let mut turned = rgba.to_vec();
        match self.0.transform(rgba, &mut turned) {
            Ok(()) => turned,
            // Only where lengths differ.
            Err(_) => rgba.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};

    use super::*;

    fn with(profile: Option<ColorProfile>) -> (Vec<u8>, Photo) {
        let mut file = Vec::new();
        let mut encoder = PngEncoder::new(&mut file);
        if let Some(profile) = profile {
            encoder.set_icc_profile(profile.encode().expect("encoded")).expect("taken");
        }
        encoder.write_image(&[200; 12], 2, 2, ExtendedColorType::Rgb8).expect("written");
        let photo = Photo::decode(&file).expect("a photo");
        (file, photo)
    }

    #[test]
    fn colours_of_phones_are_turned_and_srgb_is_not() {
        for profile in [None, Some(ColorProfile::new_srgb())] {
            let (file, photo) = with(profile);
            assert!(ToScreen::of(&file, &photo).is_none());
        }
        let (file, photo) = with(Some(ColorProfile::new_display_p3()));
        let to_screen = ToScreen::of(&file, &photo).expect("other colours");
        // Display P3's (200, 100, 50) in sRGB, by the matrices and the curve of CSS Color 4.
        let turned = to_screen.turned(&[200, 100, 50, 77, 128, 128, 128, 255]);
        for (value, expected) in turned.iter().zip([215, 93, 31, 77, 128, 128, 128, 255]) {
            assert!(value.abs_diff(expected) <= 1, "{turned:?}");
        }
        let (mut file, photo) = with(None);
        let gamma = b"\0\0\0\x04gAMA\0\0\xD9\x04\0\0\0\0";
        file.splice(33..33, gamma.iter().copied());
        let to_screen = ToScreen::of(&file, &photo).expect("other colours");
        // 128 / 255 to the power of 1.8, in sRGB.
        assert!(to_screen.turned(&[128, 128, 128, 9])[0].abs_diff(146) <= 1);
    }
}
