//! Separates light and colours, because JPEG blurs colours further than light, and the eye sees
//! texture mainly in light.

use crate::photo::luma;

/// The first three planes, of red, green and blue, as light and two colours (ITU-T T.871, JPEG's),
/// all on the scale 0 to 1.
pub(super) fn to_light_and_colours(samples: &mut [f32], pixels: usize) {
    for i in 0..pixels {
        let [r, g, b] = [0, 1, 2].map(|c| samples[c * pixels + i]);
        let light = luma(r, g, b);
        samples[i] = light;
        samples[pixels + i] = 0.5 + (b - light) / 1.772;
        samples[2 * pixels + i] = 0.5 + (r - light) / 1.402;
    }
}

/// The way back.
pub(super) fn to_red_green_blue(samples: &mut [f32], pixels: usize) {
    for i in 0..pixels {
        let [light, blue, red] = [0, 1, 2].map(|c| samples[c * pixels + i]);
        let r = light + 1.402 * (red - 0.5);
        let b = light + 1.772 * (blue - 0.5);
        samples[i] = r;
        samples[pixels + i] = (light - luma(r, 0.0, b)) / luma(0.0, 1.0, 0.0);
        samples[2 * pixels + i] = b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_back_as_they_were() {
        let samples: Vec<f32> = (0..30u8).map(|i| f32::from(i * 37 % 30) / 29.0).collect();
        let mut there_and_back = samples.clone();
        to_light_and_colours(&mut there_and_back, 10);
        assert!(there_and_back.iter().all(|sample| (-1e-6..=1.0 + 1e-6).contains(sample)));
        // The last plane is not a colour, and is unchanged.
        to_red_green_blue(&mut there_and_back, 10);
        for (back, sample) in there_and_back.iter().zip(&samples) {
            assert!((back - sample).abs() < 1e-5, "{back} {sample}");
        }
    }
}
