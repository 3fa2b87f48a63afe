//! From the light of a surface to the bytes of a photo: the camera is a little askew, its lens
//! blurs and darkens the corners, its sensor adds noise, and its software changes tone and colour.

use super::{
    noise::{gauss, mix3},
    surface::Colour,
};

/// A camera and its position.
#[derive(Clone, Copy, Debug)]
pub struct Camera {
    /// Photo's width in pixels.
    pub width: u32,
    /// Photo's height in pixels.
    pub height: u32,
    /// Samples a pixel along each axis, 1 to 4.
    pub samples: u32,
    /// Share of the surface's width that the photo shows; the rest is room for the tilt.
    pub reach: f32,
    /// Rotation around the line of sight in degrees.
    pub roll: f32,
    /// How much nearer the right edge is than the left, about -0.3 to 0.3.
    pub yaw: f32,
    /// How much nearer the lower edge is than the upper.
    pub pitch: f32,
    /// Rows that level lines fall a column to the right while upright ones stay upright: the
    /// look along a wall.
    pub shear: f32,
    /// Deviation of the lens blur in pixels of the photo.
    pub blur: f32,
    /// Blur of a moving camera: pixels to the right and down between shutter opening and closing.
    pub shake: [f32; 2],
    /// Share of the light that the corners lack.
    pub vignette: f32,
    /// Brightness: 1 shows a fully lit white as about white.
    pub exposure: f32,
    /// Contrast of the tone curve: 0 soft, 1 hard.
    pub contrast: f32,
    /// White balance, about 1 for each channel.
    pub cast: Colour,
    /// Haze or flare: light added everywhere.
    pub haze: f32,
    /// Deviation of the noise of a mid grey, in levels of 0 to 255.
    pub noise: f32,
    /// The noise's seed.
    pub noise_seed: u32,
}

/// Which points of a surface a camera sees where.
#[derive(Clone, Copy, Debug)]
pub struct View {
    camera: Camera,
    sin: f32,
    cos: f32,
    scale: f32,
    centre: [f32; 2],
}

impl View {
    /// The point of the surface that is seen (u, v) pixels from the photo's centre.
    pub fn seen_at(&self, u: f32, v: f32) -> [f32; 2] {
        let camera = &self.camera;
        let depth =
            1.0 + camera.yaw * u / camera.width as f32 + camera.pitch * v / camera.height as f32;
        let (u, v) = (self.scale * u / depth, self.scale * (v - camera.shear * u) / depth);
        let ([cx, cy], sin, cos) = (self.centre, self.sin, self.cos);
        [cx + cos * u - sin * v, cy + sin * u + cos * v]
    }

    /// Where in the photo a point of the surface is seen, in pixels from its upper left corner.
    pub fn shown_at(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let camera = &self.camera;
        let ([cx, cy], sin, cos) = (self.centre, self.sin, self.cos);
        let (dx, dy) = (x - cx, y - cy);
        let (p, q) = ((cos * dx + sin * dy) / self.scale, (cos * dy - sin * dx) / self.scale);
        // `seen_at` turned round: p = u / depth, q = (v - shear u) / depth.
        let (width, height) = (camera.width as f32, camera.height as f32);
        let nearer = camera.yaw * p / width + camera.pitch * (q + camera.shear * p) / height;
        let depth = 1.0 / (1.0 - nearer).max(0.05);
        [0.5 * width + depth * p, 0.5 * height + depth * (q + camera.shear * p)]
    }
}

/// A field over the photo's pixels, `N` values a pixel.
pub type Field<const N: usize> = Vec<[f32; N]>;

impl Camera {
    /// A straight look with nothing wrong, at a size.
    pub fn plain(width: u32, height: u32) -> Self {
        Camera {
            width,
            height,
            samples: 1,
            reach: 1.0,
            roll: 0.0,
            yaw: 0.0,
            pitch: 0.0,
            shear: 0.0,
            blur: 0.0,
            shake: [0.0, 0.0],
            vignette: 0.0,
            exposure: 1.0,
            contrast: 0.4,
            cast: [1.0; 3],
            haze: 0.0,
            noise: 0.0,
            noise_seed: 0,
        }
    }

    /// The image on the sensor: the surface's values, `surface_width` per row, seen through
    /// perspective and lens. `width * height` values, row after row.
    pub fn project<const N: usize>(&self, values: &[[f32; N]], surface_width: usize) -> Field<N> {
        let surface_height = values.len() / surface_width.max(1);
        if surface_height == 0 || self.width == 0 {
            return vec![[0.0; N]; self.width as usize * self.height as usize];
        }
        let view = self.view(surface_width, surface_height);
        let samples = self.samples.max(1);
        let read = |x: f32, y: f32| -> [f32; N] {
            let x = (x - 0.5).clamp(0.0, surface_width as f32 - 1.001);
            let y = (y - 0.5).clamp(0.0, surface_height as f32 - 1.001);
            let (ix, iy) = (x as usize, y as usize);
            let (tx, ty) = (x - ix as f32, y - iy as f32);
            let (right, below) =
                ((ix + 1).min(surface_width - 1), (iy + 1).min(surface_height - 1));
            let corners = [
                (values[iy * surface_width + ix], (1.0 - tx) * (1.0 - ty)),
                (values[iy * surface_width + right], tx * (1.0 - ty)),
                (values[below * surface_width + ix], (1.0 - tx) * ty),
                (values[below * surface_width + right], tx * ty),
            ];
            let mut sum = [0.0; N];
            for (value, weight) in corners {
                for (sum, value) in sum.iter_mut().zip(value) {
                    *sum += weight * value;
                }
            }
            sum
        };
        let mut seen = Vec::with_capacity(self.width as usize * self.height as usize);
        let share = 1.0 / (samples * samples) as f32;
        for y in 0..self.height {
            for x in 0..self.width {
                let mut sum = [0.0; N];
                for j in 0..samples {
                    for i in 0..samples {
                        let at = |pixel: u32, part: u32, size: u32| {
                            pixel as f32 + (part as f32 + 0.5) / samples as f32 - 0.5 * size as f32
                        };
                        let [sx, sy] = view.seen_at(at(x, i, self.width), at(y, j, self.height));
                        let value = read(sx, sy);
                        for (sum, value) in sum.iter_mut().zip(value) {
                            *sum += share * value;
                        }
                    }
                }
                seen.push(sum);
            }
        }
        self.blurred(seen)
    }

    /// How a surface of this size is looked at.
    pub fn view(&self, surface_width: usize, surface_height: usize) -> View {
        let (sin, cos) = libm::sincosf(self.roll * std::f32::consts::PI / 180.0);
        View {
            camera: *self,
            sin,
            cos,
            scale: surface_width as f32 * self.reach / self.width as f32,
            centre: [0.5 * surface_width as f32, 0.5 * surface_height as f32],
        }
    }

    /// Blurs a field over the photo as lens and movement do.
    pub fn blurred<const N: usize>(&self, mut field: Field<N>) -> Field<N> {
        if self.blur > 0.15 {
            let reach = (2.5 * self.blur).ceil().max(1.0) as i32;
            let weights: Vec<(f32, f32, f32)> = (-reach..=reach)
                .map(|step| {
                    let t = step as f32 / self.blur;
                    (step as f32, 0.0, libm::expf(-0.5 * t * t))
                })
                .collect();
            field = self.gathered(&field, &weights);
            let down: Vec<(f32, f32, f32)> =
                weights.iter().map(|&(step, _, weight)| (0.0, step, weight)).collect();
            field = self.gathered(&field, &down);
        }
        let length = self.shake[0].abs().max(self.shake[1].abs());
        if length > 0.5 {
            let steps = length.ceil() as i32 + 1;
            let weights: Vec<(f32, f32, f32)> = (0..steps)
                .map(|step| {
                    let t = step as f32 / (steps - 1) as f32 - 0.5;
                    ((t * self.shake[0]).round(), (t * self.shake[1]).round(), 1.0)
                })
                .collect();
            field = self.gathered(&field, &weights);
        }
        field
    }

    /// Weighted means over neighbours at whole steps (right, down); the edge is repeated outside.
    fn gathered<const N: usize>(
        &self,
        field: &[[f32; N]],
        weights: &[(f32, f32, f32)],
    ) -> Field<N> {
        let total: f32 = weights.iter().map(|weight| weight.2).sum();
        let taps: Vec<(i32, i32, f32)> =
            weights.iter().map(|&(dx, dy, w)| (dx as i32, dy as i32, w / total)).collect();
        let (width, height) = (self.width as i32, self.height as i32);
        let mut out = vec![[0.0; N]; field.len()];
        let row = |y: i32| (y * width) as usize..((y + 1) * width) as usize;
        for y in 0..height {
            let sums = &mut out[row(y)];
            // One neighbour after the other for the whole row: whole registers at a time.
            for &(dx, dy, weight) in &taps {
                let values = &field[row((y + dy).clamp(0, height - 1))];
                let first = (-dx).clamp(0, width) as usize;
                let last = (width - dx).clamp(0, width) as usize;
                let add = |sum: &mut [f32; N], value: &[f32; N]| {
                    for (sum, value) in sum.iter_mut().zip(value) {
                        *sum += weight * value;
                    }
                };
                let (Some(left), Some(right)) = (values.first(), values.last()) else { continue };
                let last = last.max(first);
                sums[..first].iter_mut().for_each(|sum| add(sum, left));
                sums[last..].iter_mut().for_each(|sum| add(sum, right));
                let start = (first as i32 + dx).clamp(0, width) as usize;
                let inner = sums[first..last].iter_mut().zip(&values[start..]);
                inner.for_each(|(sum, value)| add(sum, value));
            }
        }
        out
    }

    /// What the software makes of the sensor's light: 0 to 1 a channel as stored, no noise yet.
    pub fn developed(&self, sensor: &[Colour]) -> Field<3> {
        let (cx, cy) = (0.5 * self.width as f32, 0.5 * self.height as f32);
        let corner = cx * cx + cy * cy;
        let width = self.width.max(1) as usize;
        sensor
            .iter()
            .enumerate()
            .map(|(i, light)| {
                let (dx, dy) = ((i % width) as f32 - cx, (i / width) as f32 - cy);
                let dark = 1.0 - self.vignette * (dx * dx + dy * dy) / corner;
                let mut shown = [0.0; 3];
                for (c, shown) in shown.iter_mut().enumerate() {
                    let light = self.exposure * self.cast[c] * (light[c] * dark + self.haze);
                    *shown = self.toned(light);
                }
                shown
            })
            .collect()
    }

    /// The tone curve: square root for gamma, a shoulder for highlights, an S for contrast.
    fn toned(&self, light: f32) -> f32 {
        let light = light.max(0.0);
        // Rises like `light` and levels out at 1 near three times white.
        let rolled = light * (1.0 + light / 6.0) / (1.0 + 0.42 * light);
        let v = rolled.sqrt().min(1.0);
        let curved = v * v * (3.0 - 2.0 * v);
        v + self.contrast * 0.6 * (curved - v)
    }

    /// The bytes, red green blue, of a developed picture. The noise of a pixel depends on its
    /// place, the seed and `bright_as`, so that two pictures get the same noise wherever they
    /// are compared against the same one.
    pub fn quantised(&self, developed: &[Colour], bright_as: &[Colour]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(developed.len() * 3);
        for (i, (shown, reference)) in developed.iter().zip(bright_as).enumerate() {
            for (value, grain) in shown.iter().zip(self.grain(i, reference[1])) {
                bytes.push((255.0 * value + grain).round().clamp(0.0, 255.0) as u8);
            }
        }
        bytes
    }

    /// The noise of pixel `i` at a brightness of 0 to 1, in levels of 0 to 255.
    fn grain(&self, i: usize, bright: f32) -> Colour {
        if self.noise <= 0.0 {
            return [0.0; 3];
        }
        let width = self.width.max(1) as usize;
        let (x, y) = ((i % width) as i32, (i / width) as i32);
        // Shadows are noisier, and colour noise is coarser than brightness noise.
        let level = self.noise * (1.25 - 0.7 * bright);
        let fine = 0.85 * gauss(x, y, self.noise_seed)
            + 0.5 * gauss(x >> 1, y >> 1, self.noise_seed ^ 0xA5);
        let red = gauss(x >> 1, y >> 1, self.noise_seed ^ 0x1111);
        let blue = gauss(x >> 1, y >> 1, self.noise_seed ^ 0x2222);
        [fine + 0.4 * red, fine - 0.15 * (red + blue), fine + 0.5 * blue].map(|g| g * level)
    }

    /// A developed picture with its noise, in levels of 0 to 255.
    pub fn noisy(&self, developed: &[Colour]) -> Field<3> {
        let noisy = |(i, shown): (usize, &Colour)| {
            let grain = self.grain(i, shown[1]);
            [0, 1, 2].map(|c| (255.0 * shown[c] + grain[c]).clamp(0.0, 255.0))
        };
        developed.iter().enumerate().map(noisy).collect()
    }

    /// Adds `amount` times what a blur over three pixels takes away, as a camera's software does.
    pub fn sharpen(&self, pixels: &mut Field<3>, amount: f32) {
        if amount <= 0.0 {
            return;
        }
        let around: Vec<(f32, f32, f32)> = [-1.0, 0.0, 1.0]
            .into_iter()
            .flat_map(|dy| [-1.0, 0.0, 1.0].map(|dx: f32| (dx, dy, 1.0_f32)))
            .collect();
        let blurred = self.gathered(pixels, &around);
        for (pixel, blurred) in pixels.iter_mut().zip(blurred) {
            for (value, blurred) in pixel.iter_mut().zip(blurred) {
                *value = (*value + amount * (*value - blurred)).clamp(0.0, 255.0);
            }
        }
    }
}

/// `photo` where `share` is 1, `clean` where it is 0.
pub fn blended(photo: &[Colour], clean: &[Colour], share: &[f32]) -> Field<3> {
    photo.iter().zip(clean).zip(share).map(|((&p, &c), &share)| mix3(c, p, share)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_at_a_place_is_shown_there() {
        let camera = Camera {
            reach: 0.86,
            roll: 7.0,
            yaw: 0.2,
            pitch: -0.1,
            shear: -0.15,
            ..Camera::plain(130, 55)
        };
        let view = camera.view(151, 64);
        for (u, v) in [(0.0, 0.0), (-65.0, -27.5), (50.0, 3.0), (-12.0, 20.0)] {
            let [x, y] = view.shown_at(view.seen_at(u, v));
            let (right, down) = (x - 65.0 - u, y - 27.5 - v);
            assert!(right.abs() < 1e-2 && down.abs() < 1e-2, "{u}, {v} is shown at {x}, {y}");
        }
    }
}
