//! Photos like SVHN's: small, blurred and badly lit, with a house number, little around it, and
//! boxes as people draw them. Shares and sizes follow SVHN's train photos.

use std::sync::Arc;

use image::{GrayImage, RgbImage};

use super::{
    Masks, Scene,
    annotator::Annotator,
    camera::{Camera, View},
    dice::Dice,
    digits::DigitStyle,
    front::{Plate, PlateKind, Wall, leaf_shade},
    jpeg::Jpeg,
    noise::{mix3, ramp},
    number::{Lettering, Mount, Number, PlacedDigit},
    surface::{Colour, Light, Stamp, Surface, Texel, capsule, paint, rounded_box},
    typefaces::Typefaces,
};
use crate::{dataset::format1::Digit, photo::PhotoSize};

/// Share of the surface that the photo shows; the rest is room for a tilted camera.
pub(super) const REACH: f32 = 0.86;

/// Share of the numbers that our own strokes write where there are typefaces too.
const STROKES_SHARE: f32 = 0.3;

/// Share of those that are written as on enamel plates; none of the typefaces looks like this.
const ENAMEL_SHARE: f32 = 0.6;

/// Share of the numbers set in a typeface whose 3 has a flat top all the same.
const FLAT_THREES: f32 = 0.25;

/// Draws photos like SVHN's, each from its seed.
#[derive(Clone, Debug, Default)]
pub struct Street {
    typefaces: Option<Arc<Typefaces>>,
}

impl Street {
    /// A street whose numbers are set in these typefaces, some in our own strokes.
    /// [`Street::default`] has our own strokes alone.
    pub fn with(typefaces: Arc<Typefaces>) -> Self {
        Street { typefaces: Some(typefaces) }
    }

    /// Draws a photo with its complete truth: 1 to 5 digits, 10 to 90 pixels tall (half of them
    /// under 30), and about a digit's width on either side of the number.
    ///
    /// The same seed and the same typefaces give the same bytes.
    pub fn scene(&self, seed: u64) -> Scene {
        let shot = self.shot(seed);
        let (strokes, shadow) = shot.covers();
        let view = shot.camera.view(shot.bare.width, shot.bare.height);
        let size = [shot.camera.width, shot.camera.height];
        let digit = owners(&shot.placed, &view, size, &strokes, &shadow);
        let grey = |cover: Vec<u8>| {
            GrayImage::from_raw(shot.camera.width, shot.camera.height, cover).unwrap_or_default()
        };
        Scene {
            photo: shot.developed(&shot.full),
            clean: shot.developed(&shot.bare),
            masks: Masks { strokes: grey(strokes), shadow: grey(shadow), digit: grey(digit) },
            digits: shot.digits,
        }
    }

    /// The photo and the digits of [`Street::scene`] alone, in half the time.
    pub fn photo(&self, seed: u64) -> (RgbImage, Vec<Digit>) {
        let shot = self.shot(seed);
        (shot.developed(&shot.full), shot.digits)
    }

    fn shot(&self, seed: u64) -> Shot {
        let mut dice = Dice::new(seed);
        loop {
            // Nearly every plan shows all its digits; one that doesn't is drawn again.
            let plan = Plan::random(&mut dice, self.typefaces.as_deref());
            if let Some(shot) = plan.taken(&mut dice) {
                return shot;
            }
        }
    }
}

/// A [`Street::scene`] in our own strokes.
pub fn render(seed: u64) -> Scene {
    Street::default().scene(seed)
}

/// A photo taken but not developed.
struct Shot {
    bare: Surface,
    full: Surface,
    placed: Vec<PlacedDigit>,
    digits: Vec<Digit>,
    mount: Mount,
    light: Light,
    camera: Camera,
    /// Something in front of the number.
    before: Option<Stamp>,
    sharpened: f32,
    jpeg: Jpeg,
}

impl Shot {
    fn developed(&self, surface: &Surface) -> RgbImage {
        let camera = &self.camera;
        let sensor = camera.project(&surface.lit(&self.light), surface.width);
        let mut pixels = camera.noisy(&camera.developed(&sensor));
        camera.sharpen(&mut pixels, self.sharpened);
        self.jpeg.lossy(&mut pixels, camera.width as usize);
        let bytes = pixels.iter().flatten().map(|&value| (value + 0.5).clamp(0.0, 255.0) as u8);
        RgbImage::from_raw(camera.width, camera.height, bytes.collect()).unwrap_or_default()
    }

    /// How much of each pixel's light comes from strokes, and how much of its sun they take.
    fn covers(&self) -> (Vec<u8>, Vec<u8>) {
        let surface = &self.bare;
        let mut cover = vec![[0.0; 2]; surface.width * surface.height];
        for digit in &self.placed {
            self.mount.cover(surface, digit, &self.light, &mut cover);
        }
        if let Some(before) = &self.before {
            surface.hide(before, &mut cover);
        }
        let seen = self.camera.project(&cover, surface.width);
        let byte = |share: f32| (255.0 * share + 0.5).clamp(0.0, 255.0) as u8;
        seen.iter().map(|&[strokes, shadow]| (byte(strokes), byte(shadow))).unzip()
    }
}

/// The digit that each covered pixel belongs to: 1 for the first of those placed, 0 for none.
pub(super) fn owners(
    placed: &[PlacedDigit],
    view: &View,
    [width, height]: [u32; 2],
    strokes: &[u8],
    shadow: &[u8],
) -> Vec<u8> {
    let columns = width.max(1) as usize;
    let owner = |i: usize| {
        let (x, y) = ((i % columns) as f32 + 0.5, (i / columns) as f32 + 0.5);
        let at = view.seen_at(x - 0.5 * width as f32, y - 0.5 * height as f32);
        let away = |digit: &PlacedDigit| digit.away(at);
        let nearest = (1..).zip(placed).min_by(|a, b| away(a.1).total_cmp(&away(b.1)));
        nearest.map_or(0, |(number, _)| number)
    };
    let covered = strokes.iter().zip(shadow).enumerate();
    covered.map(|(i, (&a, &b))| if a.max(b) < 8 { 0 } else { owner(i) }).collect()
}

/// A number, and the light and the camera it meets.
pub(super) struct Plan {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) number: Number,
    pub(super) roll: f32,
    pub(super) shear: f32,
    pub(super) light: Light,
}

/// A number's digits, as often as among SVHN's train photos.
pub(super) fn random_digits(dice: &mut Dice) -> Vec<u8> {
    let first = [0.5, 30.5, 20.0, 13.0, 11.0, 9.0, 5.5, 4.2, 3.6, 3.6];
    let later = [12.6, 12.9, 8.8, 10.3, 9.9, 10.3, 8.5, 9.3, 9.8, 7.8];
    let alone = [2.0, 11.0, 17.0, 10.5, 12.5, 10.0, 10.0, 7.5, 11.0, 9.0];
    let count = 1 + dice.weighted(&[13.6, 55.4, 26.4, 4.4, 0.2]);
    let weights = if count == 1 { &alone } else { &first };
    let mut digits = vec![dice.weighted(weights) as u8];
    digits.extend((1..count).map(|_| dice.weighted(&later) as u8));
    digits
}

/// Letters as wide as wanted: `aspect` is a digit's width with half the space around it, in
/// heights. Gives the space between two digits too.
pub(super) fn random_lettering(
    dice: &mut Dice,
    typefaces: Option<&Typefaces>,
    aspect: f32,
) -> (Lettering, f32) {
    let space = match dice.below(10) {
        0 => dice.range(-0.06, 0.02),
        1 | 2 => dice.range(0.2, 0.45),
        _ => dice.range(0.03, 0.2),
    };
    let own = dice.chance(STROKES_SHARE);
    let slant = if dice.chance(0.18) { dice.range(-0.08, 0.3) } else { 0.0 };
    match typefaces.filter(|_| !own).and_then(|typefaces| typefaces.draw(dice)) {
        Some(face) => {
            let widths = (0..10).filter(|&digit| digit != 1).map(|d| face.digit(d).width());
            let natural = widths.sum::<f32>() / 9.0;
            let widened = (aspect / (natural + space)).clamp(0.5, 1.25);
            let bolder = if dice.chance(0.6) { dice.range(-0.02, 0.03) } else { 0.0 };
            let three = dice.chance(FLAT_THREES).then(|| {
                let width = widened * face.digit(2).width() + 2.0 * bolder;
                let stem = (0.5 + 0.5 * widened) * face.stem() + 2.0 * bolder;
                DigitStyle::flat_three(dice, width.clamp(0.25, 0.9), stem, slant)
            });
            (Lettering::Face { face, widened, slant, bolder, three }, widened * space)
        }
        None => {
            let enamel = dice.chance(if typefaces.is_some() { ENAMEL_SHARE } else { 0.4 });
            let mut style =
                if enamel { DigitStyle::enamel(dice) } else { DigitStyle::random(dice) };
            let wanted = (aspect - 0.8 * space).clamp(0.34, 0.75);
            style.stem = style.stem.min(0.4 * wanted);
            style.hair = style.hair.min(style.stem);
            style.ball = style.ball.min(0.55 * style.stem);
            style.width = wanted;
            (Lettering::Strokes(style), 0.8 * space)
        }
    }
}

impl Plan {
    fn random(dice: &mut Dice, typefaces: Option<&Typefaces>) -> Self {
        let digits = random_digits(dice);
        let height = (30.0 * libm::expf(0.45 * dice.normal())).clamp(10.0, 90.0);
        let aspect = (0.5 * libm::expf(0.22 * dice.normal())).clamp(0.3, 0.85);
        let (lettering, mut spacing) = random_lettering(dice, typefaces, aspect);
        let mut fall = if dice.chance(0.14) { 0.25 * dice.normal() } else { 0.0 };
        if dice.chance(0.01) && digits.len() > 1 {
            // One below the other.
            (spacing, fall) = (-0.9 * aspect, dice.range(1.05, 1.3));
        }
        let unsteady = if dice.chance(0.35) { dice.range(0.2, 1.6) } else { 0.0 };
        let (left, top, bridged) = (0.0, 0.0, 0.0);
        let mut number =
            Number { digits, lettering, left, top, height, spacing, fall, unsteady, bridged };
        // Cameras are level, walls are seen aslant; plates hang crooked.
        let roll = dice.normal() * if dice.chance(0.3) { 8.0 } else { 2.5 };
        let shear = dice.normal() * if dice.chance(0.25) { 0.16 } else { 0.04 };
        let (across, down) = number.extent();
        let slope = (roll * std::f32::consts::PI / 180.0 + shear).abs().min(0.6);
        let tall = down + across * slope;
        let common = dice.normal();
        let room = |dice: &mut Dice, least: f32, usual: f32, spread: f32| {
            let own = 0.88 * common + 0.47 * dice.normal();
            height * (least + usual * libm::expf(spread * own))
        };
        let (left, right) = (room(dice, 0.5, 0.62, 0.75), room(dice, 0.5, 0.62, 0.75));
        let (above, below) = (room(dice, 0.02, 0.2, 0.85), room(dice, 0.02, 0.22, 0.85));
        let width = (left + across + right).min(420.0).max(across + 8.0).ceil();
        let full_height = (above + tall + below).min(200.0).max(tall + 2.0).ceil();
        let corner = |size: f32| 0.5 * ((size / REACH).ceil() - size);
        number.left = corner(width) + left.min(width - across - 2.0);
        let rise = if fall < 0.0 { down - height } else { 0.0 };
        number.top = corner(full_height) + above + 0.5 * (tall - down) + rise;
        let (width, height) = (width as u32, full_height as u32);
        Plan { width, height, number, roll, shear, light: random_light(dice) }
    }

    fn taken(&self, dice: &mut Dice) -> Option<Shot> {
        let size = self.number.height;
        let mut wall = Wall::random(dice, size);
        if dice.chance(0.5) {
            // Streets are greyer than paint charts.
            let grey = 0.3 * wall.colour[0] + 0.6 * wall.colour[1] + 0.1 * wall.colour[2];
            wall.colour = mix3(wall.colour, [grey; 3], dice.range(0.3, 0.9));
        }
        let full = |pixels: u32| (pixels as f32 / REACH).ceil() as usize;
        let mut bare = Surface::new(full(self.width), full(self.height), |x, y| wall.texel(x, y));
        if dice.chance(0.4) {
            self.neighbour(&mut bare, dice);
        }
        let setting = Setting::random(dice, wall.colour);
        if let Some(kind) = setting.plate {
            self.plate(kind, setting.behind, setting.ink, dice).mount(&mut bare, &self.light);
        }
        if dice.chance(0.5) {
            bare.grime(1.4 * size, dice.range(0.05, 0.7), dice.bits());
        }
        self.shade(&mut bare, dice);
        let mount = self.mount(&setting, dice);
        let camera = self.camera(dice);
        let mut surface = bare.clone();
        let placed = self.number.placed(&bare, mount.reach(&self.light), dice);
        mount.shade(&mut surface, &placed, &self.light);
        mount.draw(&mut surface, &placed, dice.bits());
        let before = dice.chance(0.04).then(|| self.occluder(&bare, dice));
        if let Some(before) = &before {
            let colour = dice.pick(OCCLUDERS);
            let colour = dice.near(colour, 0.3);
            for surface in [&mut surface, &mut bare] {
                surface.place(before, |_, _, _| Texel { colour, relief: 2.0, gloss: 0.05 });
            }
        }
        let view = camera.view(bare.width, bare.height);
        let seen: Vec<[f32; 4]> =
            placed.iter().map(|digit| digit.shown(|point| view.shown_at(point))).collect();
        let photo = PhotoSize { width: self.width, height: self.height };
        let areas = Annotator::random(dice).boxes(&seen, photo, dice)?;
        let digits = areas.into_iter().zip(&self.number.digits);
        let digits = digits.map(|(area, &digit)| Digit { area, digit }).collect();
        Some(Shot {
            bare,
            full: surface,
            placed,
            digits,
            mount,
            light: self.light,
            camera,
            before,
            sharpened: if dice.chance(0.4) { dice.range(0.2, 1.2) } else { 0.0 },
            jpeg: Jpeg {
                quality: dice.range(55.0, 96.0) as u32,
                offset: [dice.below(16) as usize, dice.below(16) as usize],
            },
        })
    }

    /// The edge of something else: a frame, a board, another wall.
    fn neighbour(&self, surface: &mut Surface, dice: &mut Dice) {
        let size = self.number.height;
        let (across, down) = self.number.extent();
        let other = Wall::random(dice, size);
        let (width, height) = (surface.width as f32, surface.height as f32);
        let gap = size * dice.range(0.05, 0.7);
        let deep = size * dice.range(0.1, 3.0);
        let (left, top) = (self.number.left - gap, self.number.top - gap);
        let (right, bottom) = (self.number.left + across + gap, self.number.top + down + gap);
        let edges = match dice.below(4) {
            0 => [left - deep, -9.0, left, height + 9.0],
            1 => [right, -9.0, right + deep, height + 9.0],
            2 => [-9.0, top - deep, width + 9.0, top],
            _ => [-9.0, bottom, width + 9.0, bottom + deep],
        };
        let thick = size * dice.range(0.02, 0.15);
        let stamp = Stamp::new(surface, edges, 8.0, |x, y| rounded_box(x, y, edges, 0.05 * size));
        surface.occlude(&stamp, 2.0 + thick, 0.5);
        surface.cast(&stamp, self.light.shadow(thick));
        surface.place(&stamp, |x, y, depth| {
            let texel = other.texel(x, y);
            Texel { relief: texel.relief + thick * depth.clamp(0.0, 2.0) / 2.0, ..texel }
        });
    }

    /// A plate behind the number.
    pub(super) fn plate(
        &self,
        kind: PlateKind,
        colour: Colour,
        ink: Colour,
        dice: &mut Dice,
    ) -> Plate {
        let size = self.number.height;
        let (across, down) = self.number.extent();
        let wide = if dice.chance(0.25) { dice.range(0.4, 1.3) } else { dice.range(0.08, 0.45) };
        let high = if dice.chance(0.25) { dice.range(0.3, 0.8) } else { dice.range(0.06, 0.32) };
        let (pad_x, pad_y) = (size * wide, size * high);
        let gaps = self.number.digits.len().saturating_sub(1) as f32;
        let top = self.number.top + self.number.fall.min(0.0) * size * gaps;
        let [left, right] = [self.number.left - pad_x, self.number.left + across + pad_x];
        let [top, bottom] = [top - pad_y, top + down + pad_y];
        let oval = dice.chance(0.07);
        let more = if oval { 0.3 * size } else { 0.0 };
        let lined = dice.chance(if kind == PlateKind::Enamel { 0.55 } else { 0.25 });
        Plate {
            kind,
            edges: [left - more, top - 0.7 * more, right + more, bottom + 0.7 * more],
            corner: (!oval).then(|| size * dice.range(0.0, 0.25)),
            colour,
            line: (lined && !oval)
                .then(|| (ink, 0.03 * size + 0.2 * pad_y, (0.045 * size).max(0.7))),
            thickness: size * dice.range(0.02, 0.12),
            screws: if dice.chance(0.3) { size * dice.range(0.03, 0.06) } else { 0.0 },
            seed: dice.bits(),
        }
    }

    /// A tile of its own for a digit with these edges.
    pub(super) fn tile(
        &self,
        [left, top, right, bottom]: [f32; 4],
        colour: Colour,
        dice: &mut Dice,
    ) -> Plate {
        let size = self.number.height;
        let (beside, above) = (0.45 * self.number.spacing.max(0.05) * size, 0.2 * size);
        Plate {
            kind: PlateKind::Ceramic,
            edges: [left - beside, top - above, right + beside, bottom + above],
            corner: Some(0.03 * size),
            colour: dice.near(colour, 0.1),
            line: None,
            thickness: 0.02 * size,
            screws: 0.0,
            seed: dice.bits(),
        }
    }

    pub(super) fn mount(&self, setting: &Setting, dice: &mut Dice) -> Mount {
        let size = self.number.height;
        let colour = setting.ink;
        let weights =
            if setting.plate.is_some() { [72.0, 18.0, 5.0, 5.0] } else { [38.0, 50.0, 7.0, 5.0] };
        match dice.weighted(&weights) {
            0 => Mount::Painted {
                colour,
                wear: if dice.chance(0.3) { dice.range(0.1, 0.7) } else { 0.0 },
            },
            1 => Mount::Raised {
                colour,
                thickness: size * dice.range(0.015, 0.09),
                bevel: size * dice.range(0.01, 0.05),
                metal: dice.pick([0.0, 0.0, 0.5, 1.0]),
            },
            2 => Mount::Cut { colour, depth: size * dice.range(0.02, 0.06) },
            _ => {
                let rim = if seen(colour) > 0.5 { paint(0x1A1A1E) } else { paint(0xE9E6DE) };
                Mount::Outlined { fill: colour, rim, width: (0.022 * size).max(0.5) }
            }
        }
    }

    /// A cable, a bar or a twig that crosses the number.
    fn occluder(&self, surface: &Surface, dice: &mut Dice) -> Stamp {
        let size = self.number.height;
        let (across, down) = self.number.extent();
        let cx = self.number.left + across * dice.unit();
        let cy = self.number.top + down * dice.unit();
        let (sin, cos) = libm::sincosf(dice.range(0.0, std::f32::consts::PI));
        let length = size * dice.range(0.6, 5.0);
        let from = [cx - length * cos, cy - length * sin];
        let to = [cx + length * cos, cy + length * sin];
        let radius = size * dice.range(0.02, 0.09);
        let edges =
            [from[0].min(to[0]), from[1].min(to[1]), from[0].max(to[0]), from[1].max(to[1])];
        Stamp::new(surface, edges, radius + 2.0, |x, y| capsule(x, y, from, to, radius))
    }

    /// Shadows of what is out of sight.
    fn shade(&self, surface: &mut Surface, dice: &mut Dice) {
        let size = self.number.height;
        let seed = dice.bits();
        match dice.below(12) {
            0 => {
                let thickness = dice.range(0.2, 0.9);
                let leaf = size * dice.range(0.5, 1.5);
                surface.dapple(|x, y| leaf_shade(x, y, leaf, thickness, seed));
            }
            1 => {
                // The edge of a roof's or a porch's shadow.
                let (sin, cos) = libm::sincosf(dice.range(0.0, std::f32::consts::TAU));
                let (cx, cy) = (0.5 * surface.width as f32, 0.5 * surface.height as f32);
                let offset = size * dice.range(-1.2, 1.2);
                let soft = size * dice.range(0.05, 0.4);
                surface.dapple(|x, y| {
                    let d = (x - cx) * cos + (y - cy) * sin - offset;
                    0.15 + 0.85 * ramp(d, -soft, soft)
                });
            }
            _ => {}
        }
    }

    fn camera(&self, dice: &mut Dice) -> Camera {
        let size = self.number.height;
        let soft = (0.031 * libm::expf(0.6 * dice.normal())).min(0.14);
        let pixel = dice.range(0.4, 0.9);
        let blur = (pixel * pixel + size * size * soft * soft).sqrt();
        let shake = if dice.chance(0.15) {
            [0.16 * size * dice.range(-1.0, 1.0), 0.08 * size * dice.range(-1.0, 1.0)]
        } else {
            [0.0, 0.0]
        };
        // Most of SVHN's photos are a little blue.
        let blue = 0.06 + 0.05 * dice.normal();
        Camera {
            samples: 1,
            reach: REACH,
            roll: self.roll,
            shear: self.shear,
            yaw: dice.range(-0.12, 0.12),
            pitch: dice.range(-0.06, 0.06),
            blur,
            shake,
            vignette: dice.range(0.0, 0.1),
            exposure: 0.72 * libm::expf(0.4 * dice.normal()),
            contrast: dice.range(0.0, 1.0),
            cast: [1.0 - blue, 1.0 + 0.03 * dice.normal(), 1.0 + 1.4 * blue],
            haze: if dice.chance(0.3) { dice.range(0.01, 0.15) } else { 0.0 },
            noise: dice.range(0.4, 3.5),
            noise_seed: dice.bits(),
            ..Camera::plain(self.width, self.height)
        }
    }
}

/// Colours of cables, bars and twigs.
const OCCLUDERS: [Colour; 4] = [paint(0x1B1B1B), paint(0x4A4038), paint(0xC9C9C4), paint(0x3F5A34)];

pub(super) fn random_light(dice: &mut Dice) -> Light {
    let sunny = dice.chance(0.45);
    let warm = dice.range(0.0, 1.0);
    Light {
        towards: [dice.range(-0.8, 0.8), dice.range(-0.9, -0.2), dice.range(0.6, 1.2)],
        sun_strength: if sunny { dice.range(0.45, 0.85) } else { dice.range(0.03, 0.3) },
        sun_colour: [1.0, 0.97 - 0.08 * warm, 0.92 - 0.22 * warm],
        sky_strength: if sunny { dice.range(0.25, 0.45) } else { dice.range(0.4, 0.75) },
        sky_colour: [0.92, 0.97, 1.06],
    }
}

/// How bright a colour looks: the square root of its light.
pub(super) fn seen(c: Colour) -> f32 {
    (0.3 * c[0] + 0.6 * c[1] + 0.1 * c[2]).sqrt()
}

/// What a number is put on, and in which colours.
pub(super) struct Setting {
    pub(super) plate: Option<PlateKind>,
    pub(super) behind: Colour,
    pub(super) ink: Colour,
}

impl Setting {
    pub(super) fn random(dice: &mut Dice, wall: Colour) -> Self {
        use PlateKind::{Ceramic, Enamel, Metal, Plain, Slate, Wood};
        let white = [paint(0xF2F2F0), paint(0xE4E6EA), paint(0xD6DAE2), paint(0xEFEBDD)];
        let (plate, behind, ink) = match dice.weighted(&[17.0, 22.0, 8.0, 12.0, 41.0]) {
            // Enamel, white on blue.
            0 => {
                let blue = [
                    paint(0x24307F),
                    paint(0x1E2A6E),
                    paint(0x2A3C9A),
                    paint(0x1A2350),
                    paint(0x3348A8),
                    paint(0x20264A),
                ];
                (Some(dice.pick([Enamel, Enamel, Plain])), dice.pick(blue), dice.pick(white))
            }
            // White plates.
            1 => {
                let dark = [
                    paint(0x16161A),
                    paint(0x1C1C22),
                    paint(0x2B2B30),
                    paint(0x24307F),
                    paint(0x1E2A6E),
                    paint(0x5A2420),
                    paint(0x2A4A34),
                ];
                let kind = dice.pick([Enamel, Ceramic, Plain, Plain]);
                (Some(kind), dice.pick(white), dice.pick(dark))
            }
            // Dark plates.
            2 => {
                let dark = [
                    paint(0x16161A),
                    paint(0x2A2420),
                    paint(0x15321F),
                    paint(0x5A1A1A),
                    paint(0x33363B),
                ];
                let light = [
                    paint(0xF0EEE8),
                    paint(0xD9D9D9),
                    paint(0xC9A04E),
                    paint(0xE3D9B8),
                    paint(0xB0B4B8),
                ];
                let kind = dice.pick([Enamel, Plain, Plain, Slate, Wood]);
                (Some(kind), dice.pick(dark), dice.pick(light))
            }
            3 => {
                let (kind, colour) = dice.pick([
                    (Metal, paint(0xB9924A)),
                    (Metal, paint(0xB4B6B8)),
                    (Metal, paint(0x7A5A34)),
                    (Wood, paint(0x8A5A33)),
                    (Wood, paint(0xB98A58)),
                    (Ceramic, paint(0xE9DFC6)),
                    (Plain, paint(0xD9D4C6)),
                    (Plain, paint(0xC9A22F)),
                    (Slate, paint(0x4A4644)),
                ]);
                (Some(kind), colour, contrasting(dice, colour))
            }
            _ => (None, wall, contrasting(dice, wall)),
        };
        let behind = if plate.is_some() { dice.near(behind, 0.25) } else { behind };
        // Faded, dirty, or much of a colour.
        let faint = if dice.chance(0.15) { dice.range(0.1, 0.5) } else { 0.0 };
        let ink = mix3(dice.near(ink, 0.15), behind, faint);
        Setting { plate, behind, ink }
    }

    /// No plate, and ink of any colour: greys, vivid ones, and whatever lies between.
    pub(super) fn any_paint(dice: &mut Dice, wall: Colour) -> Self {
        let most = dice.range(0.15, 1.0);
        let grey = dice.chance(0.33);
        let least = if grey { most } else { most * dice.unit() * dice.unit() };
        let between = dice.range(least, most);
        // Which channel is the brightest, and which the darkest.
        let [a, b, c] = [most, between, least];
        let seen = dice.pick([[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]]);
        Setting { plate: None, behind: wall, ink: seen.map(|seen| seen * seen) }
    }
}

/// A colour for digits that stands out from what is behind them.
fn contrasting(dice: &mut Dice, behind: Colour) -> Colour {
    let choices = [
        paint(0x121214),
        paint(0x1C1A18),
        paint(0xF2F0EA),
        paint(0xE6E2D8),
        paint(0xC9A04E),
        paint(0xB0B4B8),
        paint(0x24386B),
        paint(0x7A1F1B),
        paint(0x6B5030),
        paint(0x2F4F37),
        paint(0xD9D9D9),
        paint(0x3A3A3C),
    ];
    let dark = dice.chance(0.35) && seen(behind) > 0.4;
    for _ in 0..8 {
        let choice = dice.pick(choices);
        let lighter = seen(choice) - seen(behind);
        if lighter.abs() > 0.3 && !(dark && lighter > 0.0) {
            return choice;
        }
    }
    if dark || seen(behind) > 0.5 { paint(0x141416) } else { paint(0xF0EEE8) }
}
