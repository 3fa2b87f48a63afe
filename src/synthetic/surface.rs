//! The surface in front of the camera: a plane with colour, relief, gloss, and the amount of sun
//! and sky that reaches each point. Things are stamped onto it one after the other, and each throws
//! its shadow on those before it. In the end, light turns it into radiance.

use super::noise::{self, mix, mix3, ramp};

/// A colour in linear light, 0 to 1 for each channel: red, green, blue.
pub type Colour = [f32; 3];

/// A linear colour from the usual 8-bit notation.
///
/// Squaring approximates the sRGB curve, here and in the camera: this is close enough for paint,
/// and the same on every machine.
pub const fn paint(rgb: u32) -> Colour {
    const fn channel(byte: u32) -> f32 {
        let c = (byte & 0xFF) as f32 / 255.0;
        c * c
    }
    [channel(rgb >> 16), channel(rgb >> 8), channel(rgb)]
}

/// One point of a material.
#[derive(Clone, Copy, Debug)]
pub struct Texel {
    /// What share of the light it sends back, in linear light.
    pub colour: Colour,
    /// How far it is above the plane, in pixels of the surface.
    pub relief: f32,
    /// How strongly it mirrors the light, 0 (chalk) to 1 (metal).
    pub gloss: f32,
}

/// A shape as the distance to its outline on a grid of pixels, negative inside.
#[derive(Clone, Debug)]
pub struct Stamp {
    left: i32,
    top: i32,
    width: usize,
    height: usize,
    distance: Vec<f32>,
}

impl Stamp {
    /// Samples a distance function of surface coordinates over `bounds` (left, top, right,
    /// bottom) and `pad` pixels around it; parts off the surface are left out.
    pub fn new(
        surface: &Surface,
        bounds: [f32; 4],
        pad: f32,
        distance: impl Fn(f32, f32) -> f32,
    ) -> Self {
        let low = |edge: f32| (edge - pad).floor().max(-pad - 2.0);
        let high = |edge: f32, size: usize| (edge + pad).ceil().min(size as f32 + pad + 2.0);
        let (left, top) = (low(bounds[0]), low(bounds[1]));
        let (right, bottom) = (high(bounds[2], surface.width), high(bounds[3], surface.height));
        let width = (right - left).max(0.0) as usize;
        let height = (bottom - top).max(0.0) as usize;
        let (left, top) = (left as i32, top as i32);
        let mut samples = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let (x, y) = (left + x as i32, top + y as i32);
                samples.push(distance(x as f32 + 0.5, y as f32 + 0.5));
            }
        }
        Stamp { left, top, width, height, distance: samples }
    }

    /// The distance at a pixel of the surface; far outside where the stamp does not reach.
    fn at(&self, x: i32, y: i32) -> f32 {
        let (x, y) = (x - self.left, y - self.top);
        if x < 0 || y < 0 || x as usize >= self.width || y as usize >= self.height {
            return FAR;
        }
        self.distance.get(y as usize * self.width + x as usize).copied().unwrap_or(FAR)
    }

    /// The distance at a point of the surface, to the nearest sample's accuracy.
    pub fn around(&self, [x, y]: [f32; 2]) -> f32 {
        self.at(x.floor() as i32, y.floor() as i32)
    }

    /// The middles of the pixels whose middle is inside the shape.
    pub fn points(&self) -> impl Iterator<Item = [f32; 2]> {
        let inside = self.distance.iter().enumerate().filter(|(_, distance)| **distance < 0.0);
        inside.map(|(i, _)| {
            let (x, y) = ((i % self.width) as i32, (i / self.width) as i32);
            [(self.left + x) as f32 + 0.5, (self.top + y) as f32 + 0.5]
        })
    }

    /// How much of a pixel the shape covers, 0 to 1, when moved by (dx, dy) and its edge
    /// softened to `soft` pixels.
    fn cover(&self, x: i32, y: i32, dx: f32, dy: f32, soft: f32) -> f32 {
        let (px, py) = (x as f32 - dx, y as f32 - dy);
        let (fx, fy) = (px.floor(), py.floor());
        let (ix, iy) = (fx as i32, fy as i32);
        let (tx, ty) = (px - fx, py - fy);
        let distance = if tx == 0.0 && ty == 0.0 {
            self.at(ix, iy)
        } else {
            mix(
                mix(self.at(ix, iy), self.at(ix + 1, iy), tx),
                mix(self.at(ix, iy + 1), self.at(ix + 1, iy + 1), tx),
                ty,
            )
        };
        1.0 - ramp(distance, -0.5 * soft, 0.5 * soft)
    }

    fn window(&self, surface: &Surface, margin: i32) -> impl Iterator<Item = (i32, i32)> + use<> {
        let limit = |value: i32, size: usize| value.clamp(0, size as i32);
        let left = limit(self.left - margin, surface.width);
        let right = limit(self.left + self.width as i32 + margin, surface.width);
        let top = limit(self.top - margin, surface.height);
        let bottom = limit(self.top + self.height as i32 + margin, surface.height);
        (top..bottom).flat_map(move |y| (left..right).map(move |x| (x, y)))
    }
}

/// A distance no shape on a surface is away.
const FAR: f32 = 1e6;

/// Where a shadow falls.
#[derive(Clone, Copy, Debug)]
pub struct Shadow {
    /// Columns it is moved to the right, in pixels of the surface.
    pub dx: f32,
    /// Rows it is moved down.
    pub dy: f32,
    /// Width of its soft edge in pixels.
    pub soft: f32,
    /// How much of the sun it takes away, 0 to 1.
    pub strength: f32,
}

/// The plane; see the module.
#[derive(Clone, Debug)]
pub struct Surface {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    colour: Vec<Colour>,
    relief: Vec<f32>,
    gloss: Vec<f32>,
    sun: Vec<f32>,
    sky: Vec<f32>,
}

impl Surface {
    /// A plane all of one material, given by its texel at each point.
    pub fn new(width: usize, height: usize, mut material: impl FnMut(f32, f32) -> Texel) -> Self {
        let count = width * height;
        let mut surface = Surface {
            width,
            height,
            colour: Vec::with_capacity(count),
            relief: Vec::with_capacity(count),
            gloss: Vec::with_capacity(count),
            sun: vec![1.0; count],
            sky: vec![1.0; count],
        };
        for y in 0..height {
            for x in 0..width {
                let texel = material(x as f32 + 0.5, y as f32 + 0.5);
                surface.colour.push(texel.colour);
                surface.relief.push(texel.relief);
                surface.gloss.push(texel.gloss);
            }
        }
        surface
    }

    fn index(&self, x: i32, y: i32) -> usize {
        y as usize * self.width + x as usize
    }

    /// The shadow a shape throws on what is there.
    pub fn cast(&mut self, stamp: &Stamp, shadow: Shadow) {
        let margin = (shadow.dx.abs().max(shadow.dy.abs()) + shadow.soft).ceil() as i32;
        for (x, y) in stamp.window(self, margin) {
            let cover = stamp.cover(x, y, shadow.dx, shadow.dy, shadow.soft);
            let i = self.index(x, y);
            self.sun[i] *= 1.0 - shadow.strength * cover;
        }
    }

    /// Sets an opening back: its rim throws its shadow in and keeps the sky off within `reach`
    /// pixels of it. Everything outside the opening is unchanged.
    pub fn sink(&mut self, opening: &Stamp, shadow: Shadow, reach: f32, strength: f32) {
        for (x, y) in opening.window(self, 0) {
            let distance = opening.at(x, y);
            let within = (0.5 - distance).clamp(0.0, 1.0);
            let shaded = 1.0 - opening.cover(x, y, shadow.dx, shadow.dy, shadow.soft);
            let near = 1.0 - ramp(-distance, 0.0, reach);
            let i = self.index(x, y);
            self.sun[i] *= 1.0 - within * shadow.strength * shaded;
            self.sky[i] *= 1.0 - within * strength * near;
        }
    }

    /// Takes sky light away within `reach` pixels of a shape's outline, like the corner between the
    /// wall and a projecting thing.
    pub fn occlude(&mut self, stamp: &Stamp, reach: f32, strength: f32) {
        for (x, y) in stamp.window(self, 0) {
            let near = 1.0 - ramp(stamp.at(x, y), 0.0, reach);
            let i = self.index(x, y);
            self.sky[i] *= 1.0 - strength * near * near;
        }
    }

    /// Puts a thing of its own on the plane: it hides what is there and lies in full light.
    ///
    /// The material is given by surface coordinates and the depth inside the outline, in
    /// pixels.
    pub fn place(&mut self, stamp: &Stamp, mut material: impl FnMut(f32, f32, f32) -> Texel) {
        self.lay(stamp, |surface, i, x, y, depth, cover| {
            let texel = material(x, y, depth);
            surface.colour[i] = mix3(surface.colour[i], texel.colour, cover);
            surface.relief[i] = mix(surface.relief[i], texel.relief, cover);
            surface.gloss[i] = mix(surface.gloss[i], texel.gloss, cover);
            surface.sun[i] = mix(surface.sun[i], 1.0, cover);
            surface.sky[i] = mix(surface.sky[i], 1.0, cover);
        });
    }

    /// The mean relief under a shape, on which a thing put there rests; 0 if the shape covers
    /// nothing.
    pub fn mean_relief(&self, stamp: &Stamp) -> f32 {
        let (mut sum, mut count) = (0.0, 0.0_f32);
        for (x, y) in stamp.window(self, 0) {
            if stamp.at(x, y) < 0.0 {
                sum += self.relief[self.index(x, y)];
                count += 1.0;
            }
        }
        sum / count.max(1.0)
    }

    /// Changes what is there inside a shape: paint, letters, cut grooves, dirt. The texel given
    /// is the one beneath; shadows stay.
    pub fn tint(&mut self, stamp: &Stamp, mut change: impl FnMut(f32, f32, f32, Texel) -> Texel) {
        self.lay(stamp, |surface, i, x, y, depth, cover| {
            let below = Texel {
                colour: surface.colour[i],
                relief: surface.relief[i],
                gloss: surface.gloss[i],
            };
            let texel = change(x, y, depth, below);
            surface.colour[i] = mix3(below.colour, texel.colour, cover);
            surface.relief[i] = mix(below.relief, texel.relief, cover);
            surface.gloss[i] = mix(below.gloss, texel.gloss, cover);
        });
    }

    fn lay(&mut self, stamp: &Stamp, mut each: impl FnMut(&mut Self, usize, f32, f32, f32, f32)) {
        for (x, y) in stamp.window(self, 0) {
            let distance = stamp.at(x, y);
            let cover = (0.5 - distance).clamp(0.0, 1.0);
            if cover > 0.0 {
                let i = self.index(x, y);
                each(self, i, x as f32 + 0.5, y as f32 + 0.5, -distance, cover);
            }
        }
    }

    /// Multiplies the sunlight at each point, as shadows of things out of sight do.
    pub fn dapple(&mut self, mut share: impl FnMut(f32, f32) -> f32) {
        for y in 0..self.height {
            for x in 0..self.width {
                let i = y * self.width + x;
                self.sun[i] *= share(x as f32 + 0.5, y as f32 + 0.5);
            }
        }
    }

    /// Dirt: darkens and dulls by `amount` (0 to 1) by the noise of `seed`, in patches of about
    /// `size` pixels drawn out downwards as rain does.
    pub fn grime(&mut self, size: f32, amount: f32, seed: u32) {
        for y in 0..self.height {
            for x in 0..self.width {
                let (u, v) = (x as f32 / size, y as f32 / size);
                let patches = noise::fractal(u, 0.6 * v, 3, seed);
                let streaks = noise::value(3.1 * u, 0.25 * v, seed ^ 0x51);
                let dirt = amount * ramp(0.65 * patches + 0.35 * streaks, 0.35, 0.8);
                let i = y * self.width + x;
                self.colour[i] = mix3(self.colour[i], [0.05, 0.045, 0.035], 0.55 * dirt);
                self.gloss[i] *= 1.0 - 0.7 * dirt;
            }
        }
    }

    /// How much shape covers each pixel, its shadow counted by its strength: the pixels that
    /// the thing changes. `cover` holds the larger of what it has and this.
    pub fn influence(&self, stamp: &Stamp, shadow: Option<Shadow>, cover: &mut [f32]) {
        let reach = shadow.map_or(0.0, |s| s.dx.abs().max(s.dy.abs()) + s.soft);
        for (x, y) in stamp.window(self, reach.ceil() as i32) {
            let mut share = stamp.cover(x, y, 0.0, 0.0, 1.0);
            if let Some(s) = shadow {
                share = share.max(s.strength * stamp.cover(x, y, s.dx, s.dy, s.soft));
            }
            if let Some(cover) = cover.get_mut(self.index(x, y)) {
                *cover = cover.max(share);
            }
        }
    }

    /// How much of each pixel a shape covers, and how much of the sun its shadow takes where the
    /// shape itself is not: `cover` holds the larger of what it has and this.
    pub fn cover(&self, stamp: &Stamp, shadow: Option<Shadow>, cover: &mut [[f32; 2]]) {
        let reach = shadow.map_or(0.0, |s| s.dx.abs().max(s.dy.abs()) + s.soft);
        for (x, y) in stamp.window(self, reach.ceil() as i32) {
            let Some(cover) = cover.get_mut(self.index(x, y)) else { continue };
            let shape = stamp.cover(x, y, 0.0, 0.0, 1.0);
            let shade = shadow.map_or(0.0, |s| s.strength * stamp.cover(x, y, s.dx, s.dy, s.soft));
            *cover = [cover[0].max(shape), cover[1].max(shade * (1.0 - shape))];
        }
    }

    /// Takes away of `cover` what a thing in front of it hides.
    pub fn hide(&self, stamp: &Stamp, cover: &mut [[f32; 2]]) {
        for (x, y) in stamp.window(self, 0) {
            let shown = 1.0 - stamp.cover(x, y, 0.0, 0.0, 1.0);
            if let Some(cover) = cover.get_mut(self.index(x, y)) {
                *cover = cover.map(|share| share * shown);
            }
        }
    }

    /// The light that each point sends to the camera.
    pub fn lit(&self, light: &Light) -> Vec<Colour> {
        let [sx, sy, sz] = unit(light.towards);
        // Half way between the sun and the camera, which looks straight at the wall.
        let [hx, hy, hz] = unit([sx, sy, sz + 1.0]);
        let mut radiance = Vec::with_capacity(self.colour.len());
        for y in 0..self.height {
            for x in 0..self.width {
                let i = y * self.width + x;
                let row = y * self.width;
                let (west, east) = (row + x.saturating_sub(1), row + (x + 1).min(self.width - 1));
                let north = y.saturating_sub(1) * self.width + x;
                let south = (y + 1).min(self.height - 1) * self.width + x;
                let slope =
                    |a: usize, b: usize| (0.5 * (self.relief[b] - self.relief[a])).clamp(-1.6, 1.6);
                let [nx, ny, nz] = unit([-slope(west, east), -slope(north, south), 1.0]);
                let facing = (nx * sx + ny * sy + nz * sz).max(0.0) / sz.max(0.2);
                let sun = light.sun_strength * facing * self.sun[i];
                // More sky above than street below.
                let sky = light.sky_strength * self.sky[i] * (0.82 + 0.18 * nz - 0.3 * ny);
                let mirror = (nx * hx + ny * hy + nz * hz).max(0.0);
                let mirror = square(square(square(square(mirror))));
                let shine = self.gloss[i]
                    * (1.1 * light.sun_strength * self.sun[i] * square(mirror)
                        + 0.25 * light.sky_strength * self.sky[i] * mirror);
                let mut seen = [0.0; 3];
                for (c, seen) in seen.iter_mut().enumerate() {
                    let arriving = sun * light.sun_colour[c] + sky * light.sky_colour[c];
                    *seen = self.colour[i][c] * arriving + shine * light.sun_colour[c];
                }
                radiance.push(seen);
            }
        }
        radiance
    }
}

fn square(x: f32) -> f32 {
    x * x
}

fn unit(v: [f32; 3]) -> [f32; 3] {
    let length = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt().max(1e-6);
    v.map(|c| c / length)
}

/// Where the light comes from.
#[derive(Clone, Copy, Debug)]
pub struct Light {
    /// Direction to the sun: right, down, out of the wall towards the camera.
    pub towards: [f32; 3],
    /// Light of the sun on a wall without relief, about 0 (overcast) to 1.
    pub sun_strength: f32,
    /// The sun's colour.
    pub sun_colour: Colour,
    /// Light from everywhere else.
    pub sky_strength: f32,
    /// The sky's colour.
    pub sky_colour: Colour,
}

impl Light {
    /// The shadow of a thing whose edge is `height` pixels off the wall.
    pub fn shadow(&self, height: f32) -> Shadow {
        let z = self.towards[2].max(0.2);
        // A clear sun throws sharper shadows than a veiled one.
        let veil = 1.0 - self.sun_strength.clamp(0.0, 1.0);
        Shadow {
            dx: -self.towards[0] / z * height,
            dy: -self.towards[1] / z * height,
            soft: 1.0 + (0.35 + 2.2 * veil) * height,
            strength: 0.9,
        }
    }
}

/// The distance to a rectangle (left, top, right, bottom) with rounded corners.
pub fn rounded_box(x: f32, y: f32, edges: [f32; 4], radius: f32) -> f32 {
    let (half_width, half_height) = (0.5 * (edges[2] - edges[0]), 0.5 * (edges[3] - edges[1]));
    let radius = radius.min(half_width).min(half_height);
    let dx = (x - 0.5 * (edges[0] + edges[2])).abs() - half_width + radius;
    let dy = (y - 0.5 * (edges[1] + edges[3])).abs() - half_height + radius;
    let outside = (dx.max(0.0) * dx.max(0.0) + dy.max(0.0) * dy.max(0.0)).sqrt();
    outside + dx.max(dy).min(0.0) - radius
}

/// About the distance to an ellipse in a rectangle (left, top, right, bottom).
pub fn oval(x: f32, y: f32, edges: [f32; 4]) -> f32 {
    let (rx, ry) = (0.5 * (edges[2] - edges[0]), 0.5 * (edges[3] - edges[1]));
    let (dx, dy) = (x - 0.5 * (edges[0] + edges[2]), y - 0.5 * (edges[1] + edges[3]));
    let (qx, qy) = (dx / rx, dy / ry);
    let level = (qx * qx + qy * qy).sqrt();
    let (gx, gy) = (qx / rx, qy / ry);
    let gradient = (gx * gx + gy * gy).sqrt().max(1e-6);
    // First order near the outline, capped where the gradient vanishes in the middle.
    (level * (level - 1.0) / gradient).max(-rx.min(ry))
}

/// The distance to a line with round ends and the given half thickness.
pub fn capsule(x: f32, y: f32, from: [f32; 2], to: [f32; 2], radius: f32) -> f32 {
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let (px, py) = (x - from[0], y - from[1]);
    let t = ((px * dx + py * dy) / (dx * dx + dy * dy).max(1e-6)).clamp(0.0, 1.0);
    let (ox, oy) = (px - t * dx, py - t * dy);
    (ox * ox + oy * oy).sqrt() - radius
}
