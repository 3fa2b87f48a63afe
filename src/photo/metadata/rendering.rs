//! What a file says, beside a colour profile, of how its pixels are shown: a PNG's chunks about
//! colours, and the resolution.

use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, ColorPrimaries, ColorProfile,
    MatrixCoefficients, ToneReprCurve, TransferCharacteristics,
};

use super::container::png_chunk;
use crate::photo::parts::walk_parts;

/// Centimetres in an inch.
const INCH: f64 = 2.54;

/// sRGB's gamma and chromaticities as PNG's chunks tell them, in hundred-thousandths.
const SRGB_GAMMA: u32 = 45_455;
const SRGB_CHROMATICITIES: [u32; 8] =
    [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];

/// How far from sRGB's a value may be and still mean sRGB.
const SLACK: u32 = 100;

/// How pixels are shown, beside a colour profile.
#[derive(Clone, Debug, Default)]
pub struct Rendering {
    /// A PNG's whole chunks about colours.
    chunks: Vec<u8>,
    /// The contents of those that describe a colour space.
    cicp: Option<[u8; 4]>,
    srgb: bool,
    gamma: Option<u32>,
    chromaticities: Option<[u32; 8]>,
    /// Pixels on a length.
    pub density: Option<Density>,
}

/// Pixels on a length, across and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Density {
    pub x: u32,
    pub y: u32,
    pub unit: DensityUnit,
}

/// The length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DensityUnit {
    /// Unknown: only the shape of a pixel is told.
    None,
    Inch,
    Centimetre,
    Metre,
}

impl Rendering {
    /// What a PNG or a JPEG says; of other formats nothing.
    pub fn of(file: &[u8]) -> Self {
        let mut rendering = Rendering::default();
        let is_png = file.starts_with(b"\x89PNG");
        // What is damaged has been refused by now.
        let _ = walk_parts(file, &mut |part| {
            let whole = file.get(part.whole).unwrap_or_default();
            let content = file.get(part.content).unwrap_or_default();
            if is_png {
                rendering.look_at_chunk(whole, content);
            } else if let ([0xFF, 0xE0, ..], [b'J', b'F', b'I', b'F', 0, ..]) = (whole, content) {
                rendering.density = density_of_jfif(content);
            }
        });
        rendering
    }

    fn look_at_chunk(&mut self, whole: &[u8], content: &[u8]) {
        let numbers =
            || content.chunks_exact(4).map(|n| u32::from_be_bytes([n[0], n[1], n[2], n[3]]));
        let number = |i: usize| numbers().nth(i);
        match whole.get(4..8) {
            Some(b"cICP") => self.cicp = content.try_into().ok(),
            Some(b"sRGB") => self.srgb = true,
            Some(b"gAMA") => self.gamma = number(0),
            Some(b"cHRM") => {
                let numbers: Vec<u32> = numbers().collect();
                self.chromaticities = numbers.try_into().ok();
            }
            // How bright a screen the picture was made for is not for pixels of other formats.
            Some(b"mDCV" | b"cLLI") => {}
            Some(b"pHYs") => {
                let unit =
                    if content.get(8) == Some(&1) { DensityUnit::Metre } else { DensityUnit::None };
                if let (Some(x), Some(y)) = (number(0), number(1)) {
                    self.density = Some(Density { x, y, unit });
                }
                return;
            }
            _ => return,
        }
        self.chunks.extend_from_slice(whole);
    }

    /// The chunks of a PNG with the same pixels.
    pub fn png_chunks(&self) -> Vec<u8> {
        let mut chunks = self.chunks.clone();
        if let Some(density) = self.density {
            chunks.extend(density.png_chunk());
        }
        chunks
    }

    /// A colour profile that says what a PNG's chunks say, for formats without such chunks. None
    /// where they say sRGB, or nothing.
    pub fn profile(&self, grey: bool) -> Option<Vec<u8>> {
        let profile = match self.cicp {
            Some([primaries, transfer, ..]) => {
                let cicp = CicpProfile {
                    color_primaries: CicpColorPrimaries::try_from(primaries).ok()?,
                    transfer_characteristics: TransferCharacteristics::try_from(transfer).ok()?,
                    matrix_coefficients: MatrixCoefficients::Identity,
                    full_range: true,
                };
                // sRGB's primaries with its curve, or with the curve of video.
                if grey || primaries == 1 && matches!(transfer, 1 | 13) {
                    return None;
                }
                ColorProfile::new_from_cicp(cicp)
            }
            None if self.srgb => return None,
            None => self.calibrated(grey)?,
        };
        profile.encode().ok()
    }

    /// The profile of gamma and chromaticities.
    fn calibrated(&self, grey: bool) -> Option<ColorProfile> {
        let gamma = self.gamma.unwrap_or(SRGB_GAMMA).max(1);
        let places = self.chromaticities.unwrap_or(SRGB_CHROMATICITIES);
        let is_usual_gamma = gamma.abs_diff(SRGB_GAMMA) <= SLACK;
        let close = |(a, b): (&u32, &u32)| a.abs_diff(*b) <= SLACK;
        if is_usual_gamma && (grey || places.iter().zip(&SRGB_CHROMATICITIES).all(close)) {
            return None;
        }
        let exponent = 100_000.0 / gamma as f32;
        if grey {
            return Some(ColorProfile::new_gray_with_gamma(exponent));
        }
        let mut profile = ColorProfile::new_srgb();
        let [white, red, green, blue] = [0, 2, 4, 6].map(|i| Chromaticity {
            x: places[i] as f32 / 100_000.0,
            y: places[i + 1].max(1) as f32 / 100_000.0,
        });
        profile.update_rgb_colorimetry(white.to_xyyb(), ColorPrimaries { red, green, blue });
        if !is_usual_gamma {
            let curve = Some(ToneReprCurve::Parametric(vec![exponent]));
            profile.red_trc = curve.clone();
            profile.green_trc = curve.clone();
            profile.blue_trc = curve;
        }
        profile.description = None;
        Some(profile)
    }
}

impl Density {
    /// Of the picture, turned by a quarter.
    #[must_use]
    pub fn turned(self) -> Self {
        Density { x: self.y, y: self.x, ..self }
    }

    /// The numbers of JFIF's segment, on an inch, a centimetre, or without unit; none that do not fit
    /// there.
    pub fn for_jfif(self) -> Option<(u16, u16, DensityUnit)> {
        let (x, y, unit) = match self.unit {
            DensityUnit::Metre => {
                let on_inch = |n: u32| (f64::from(n) * INCH / 100.0).round() as u32;
                (on_inch(self.x), on_inch(self.y), DensityUnit::Inch)
            }
            unit => (self.x, self.y, unit),
        };
        let fits = |n: u32| u16::try_from(n).ok().filter(|n| *n > 0);
        Some((fits(x)?, fits(y)?, unit))
    }

    /// A PNG's chunk.
    fn png_chunk(self) -> Vec<u8> {
        let on_metre = |n: u32| match self.unit {
            DensityUnit::Inch => (f64::from(n) * 100.0 / INCH).round() as u32,
            DensityUnit::Centimetre => n.saturating_mul(100),
            DensityUnit::Metre | DensityUnit::None => n,
        };
        let unit = u8::from(self.unit != DensityUnit::None);
        let mut content = on_metre(self.x).to_be_bytes().to_vec();
        content.extend(on_metre(self.y).to_be_bytes());
        content.push(unit);
        png_chunk(b"pHYs", &content)
    }
}

/// What JFIF's segment says (ITU-T T.871, 10.1). A pixel that is square without a unit says nothing.
fn density_of_jfif(content: &[u8]) -> Option<Density> {
    let &[unit, x1, x0, y1, y0] = content.get(7..12)? else { return None };
    let unit = match unit {
        1 => DensityUnit::Inch,
        2 => DensityUnit::Centimetre,
        _ => DensityUnit::None,
    };
    let (x, y) = (u16::from_be_bytes([x1, x0]).into(), u16::from_be_bytes([y1, y0]).into());
    (unit != DensityUnit::None || x != y).then_some(Density { x, y, unit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolution_is_the_same_in_both_formats() {
        for dots in [72, 96, 300, 600] {
            let inch = Density { x: dots, y: 2 * dots, unit: DensityUnit::Inch };
            let mut rendering = Rendering::default();
            let chunk = inch.png_chunk();
            rendering.look_at_chunk(&chunk, &chunk[8..chunk.len() - 4]);
            let read = rendering.density.expect("a resolution");
            assert_eq!(read.unit, DensityUnit::Metre);
            let dots = dots as u16;
            assert_eq!(read.for_jfif(), Some((dots, 2 * dots, DensityUnit::Inch)));
            assert_eq!(read.turned().for_jfif(), Some((2 * dots, dots, DensityUnit::Inch)));
        }
        let centimetre = density_of_jfif(b"JFIF\0\x01\x02\x02\0\x76\0\x76\0\0").expect("one");
        assert_eq!(centimetre, Density { x: 118, y: 118, unit: DensityUnit::Centimetre });
        assert_eq!(density_of_jfif(b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0"), None);
    }

    #[test]
    fn colours_of_chunks_become_a_profile_unless_they_are_srgb() {
        let usual = Rendering {
            gamma: Some(SRGB_GAMMA),
            chromaticities: Some(SRGB_CHROMATICITIES),
            ..Rendering::default()
        };
        assert!(usual.profile(false).is_none() && Rendering::default().profile(false).is_none());
        let of_apple = Rendering { cicp: Some([12, 13, 0, 1]), ..Rendering::default() };
        let profile = of_apple.profile(false).expect("a profile");
        let read = ColorProfile::new_from_slice(&profile).expect("readable");
        let expected = ColorProfile::new_display_p3();
        let off = |a: moxcms::Xyzd, b: moxcms::Xyzd| {
            (a.x - b.x).abs().max((a.y - b.y).abs()).max((a.z - b.z).abs())
        };
        assert!(off(read.red_colorant, expected.red_colorant) < 1e-3);
        assert!(off(read.green_colorant, expected.green_colorant) < 1e-3);
        // Old Macs: darker middle tones.
        let linear = Rendering { gamma: Some(55_556), ..Rendering::default() };
        let profile = linear.profile(false).expect("a profile");
        let read = ColorProfile::new_from_slice(&profile).expect("readable");
        let srgb = ColorProfile::new_srgb();
        assert!(off(read.red_colorant, srgb.red_colorant) < 2e-3);
        assert!(
            matches!(&read.red_trc, Some(ToneReprCurve::Parametric(curve)) if (curve[0] - 1.8).abs() < 1e-3)
        );
        let grey = linear.profile(true).expect("a profile");
        assert_eq!(&grey[16..20], b"GRAY");
    }
}
