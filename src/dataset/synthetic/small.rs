//! Small photos like SVHN's: a house number and little about it.

use std::sync::Arc;

use super::{
    Scene,
    camera::Camera,
    dice::Dice,
    digits::DigitStyle,
    front::{Plate, PlateKind, Wall, leaf_shade},
    number::{Lettering, Mount, Number},
    photograph,
    surface::{Colour, Light, Stamp, Surface, Texel, paint, rounded_box},
    typefaces::Typefaces,
};

/// Share of the surface that the photo shows; the rest is room for a tilted camera.
const REACH: f32 = 0.88;

/// How many of a hundred numbers our own strokes write where there are typefaces too.
const STROKES_SHARE: f32 = 0.2;

/// Draws photos like SVHN's, each from its seed.
#[derive(Clone, Debug, Default)]
pub struct Street {
    typefaces: Option<Arc<Typefaces>>,
}

impl Street {
    /// A street whose numbers are set in these typefaces, some in our own strokes.
    /// [`Street::default`] has our own strokes alone.
    pub fn with(typefaces: Typefaces) -> Self {
        Street { typefaces: Some(Arc::new(typefaces)) }
    }

    /// Draws a photo: about 40 to 260 pixels wide and 25 to 130 high, with 1 to 5 digits 15 to 50
    /// pixels high. The same seed and the same typefaces give the same bytes.
    pub fn scene(&self, seed: u64) -> Scene {
        let mut dice = Dice::new(seed);
        loop {
            // Nearly every plan shows all its digits; one that doesn't is drawn anew.
            let plan = Plan::random(&mut dice, self.typefaces.as_deref());
            let scene = plan.taken(&mut dice);
            if scene.digits.len() == plan.number.digits.len() {
                return scene;
            }
        }
    }
}

/// A [`Street::scene`] in our own strokes.
pub fn render(seed: u64) -> Scene {
    Street::default().scene(seed)
}

struct Plan {
    width: u32,
    height: u32,
    number: Number,
    light: Light,
}

/// How many digits, as often as among SVHN's photos (about).
fn random_digits(dice: &mut Dice) -> Vec<u8> {
    let count = match dice.unit() {
        u if u < 0.15 => 1,
        u if u < 0.7 => 2,
        u if u < 0.94 => 3,
        u if u < 0.99 => 4,
        _ => 5,
    };
    let digit = |dice: &mut Dice| dice.below(10) as u8;
    let mut digits: Vec<u8> = (0..count).map(|_| digit(dice)).collect();
    // A number seldom starts with 0, but a classifier needs as many zeros as it can get.
    if let [first, _, ..] = digits.as_mut_slice()
        && *first == 0
        && dice.chance(0.7)
    {
        *first = 1 + dice.below(9) as u8;
    }
    digits
}

fn random_lettering(dice: &mut Dice, typefaces: Option<&Typefaces>) -> Lettering {
    let own = dice.chance(STROKES_SHARE);
    match typefaces.filter(|_| !own).and_then(|typefaces| typefaces.draw(dice)) {
        Some(face) => Lettering::Face {
            face,
            widened: dice.range(0.72, 1.1),
            slant: if dice.chance(0.12) { dice.range(-0.05, 0.25) } else { 0.0 },
            bolder: if dice.chance(0.5) { dice.range(-0.012, 0.025) } else { 0.0 },
        },
        None => Lettering::Strokes(DigitStyle::random(dice)),
    }
}

impl Plan {
    fn random(dice: &mut Dice, typefaces: Option<&Typefaces>) -> Self {
        let digits = random_digits(dice);
        // Half of SVHN's digits are under 25 pixels high.
        let size = dice.unit();
        let height = 15.0 + 35.0 * size * size;
        let lettering = random_lettering(dice, typefaces);
        let spacing =
            if dice.chance(0.2) { dice.range(-0.05, 0.03) } else { dice.range(0.04, 0.28) };
        let fall = if dice.chance(0.12) { dice.range(-0.5, 0.6) } else { 0.0 };
        let unsteady = if dice.chance(0.3) { dice.range(0.2, 1.0) } else { 0.0 };
        let mut number =
            Number { digits, lettering, left: 0.0, top: 0.0, height, spacing, fall, unsteady };
        let (across, down) = number.extent();
        let (beside, above) = (dice.unit(), dice.unit());
        let width =
            (across + height * (0.3 + 2.6 * beside * beside)).clamp(40.0, 260.0).max(across + 8.0);
        let tall = (down + height * (0.2 + 1.5 * above * above)).clamp(25.0, 130.0).max(down + 8.0);
        let (width, tall) = (width.ceil() as u32, tall.ceil() as u32);
        let full = |pixels: u32| (pixels as f32 / REACH).ceil();
        let off = |dice: &mut Dice, room: f32| room * dice.range(-0.5, 0.5);
        number.left =
            0.5 * (full(width) - across) + off(dice, (width as f32 - across - 6.0).max(0.0) * 0.5);
        number.top = 0.5 * (full(tall) - down)
            + off(dice, (tall as f32 - down - 6.0).max(0.0) * 0.6)
            + if fall < 0.0 { down - height } else { 0.0 };
        Plan { width, height: tall, number, light: random_light(dice) }
    }

    fn taken(&self, dice: &mut Dice) -> Scene {
        let size = self.number.height;
        let wall = Wall::random(dice, size);
        let full = |pixels: u32| (pixels as f32 / REACH).ceil() as usize;
        let mut surface =
            Surface::new(full(self.width), full(self.height), |x, y| wall.texel(x, y));
        let mut behind = wall.colour;
        if dice.chance(0.35) {
            self.neighbour(&mut surface, dice);
        }
        if dice.chance(0.5) {
            behind = self.plate(&mut surface, dice);
        }
        if dice.chance(0.6) {
            surface.grime(1.4 * size, dice.range(0.1, 0.8), dice.bits());
        }
        self.shade(&mut surface, dice);
        let hair = match &self.number.lettering {
            Lettering::Strokes(style) => style.hair,
            Lettering::Face { bolder, .. } => 0.1 + 2.0 * bolder,
        };
        let mount = random_mount(dice, behind, size, hair);
        let camera = self.camera(dice);
        let numbers = [(self.number.clone(), mount)];
        photograph(&surface, &numbers, &self.light, &camera, dice)
    }

    /// The edge of something else: a frame, a board, another wall.
    fn neighbour(&self, surface: &mut Surface, dice: &mut Dice) {
        let size = self.number.height;
        let (across, down) = self.number.extent();
        let other = Wall::random(dice, size);
        let (width, height) = (surface.width as f32, surface.height as f32);
        let gap = size * dice.range(0.15, 0.6);
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

    /// A plate behind the number, or one behind each digit; returns its colour.
    fn plate(&self, surface: &mut Surface, dice: &mut Dice) -> Colour {
        use PlateKind::{Ceramic, Enamel, Metal, Plain, Slate, Wood};
        let size = self.number.height;
        let kind =
            dice.pick([Enamel, Enamel, Metal, Metal, Wood, Wood, Ceramic, Plain, Plain, Slate]);
        let colour = match kind {
            Enamel => dice.pick([
                paint(0x1F3F8C),
                paint(0x14306B),
                paint(0xEFEFEA),
                paint(0x15321F),
                paint(0x111114),
                paint(0x8C1F1F),
            ]),
            Metal => {
                dice.pick([paint(0xB9924A), paint(0xB4B6B8), paint(0x7A5A34), paint(0x8C9196)])
            }
            Wood => dice.pick([paint(0x8A5A33), paint(0x5A3A22), paint(0xB98A58), paint(0xC9B08A)]),
            Ceramic => dice.pick([paint(0xF3F0E6), paint(0xE9DFC6), paint(0x2F4F7F)]),
            Plain => dice.pick([
                paint(0xF3F3F0),
                paint(0x1A1A1C),
                paint(0xD9D4C6),
                paint(0x2A5A3A),
                paint(0x23395B),
                paint(0xC9A22F),
            ]),
            Slate => dice.pick([paint(0x3A3D42), paint(0x4A4644)]),
        };
        let colour = dice.near(colour, 0.15);
        let (across, down) = self.number.extent();
        let (pad_x, pad_y) = (size * dice.range(0.14, 0.7), size * dice.range(0.1, 0.4));
        let top = self.number.top
            + self.number.fall.min(0.0)
                * size
                * (self.number.digits.len().saturating_sub(1)) as f32;
        let edges = [
            self.number.left - pad_x,
            top - pad_y,
            self.number.left + across + pad_x,
            top + down + pad_y,
        ];
        let oval = dice.chance(0.12);
        let light_line = paint(0xECEAE2);
        let dark_line = paint(0x1C1C22);
        let bright = 0.3 * colour[0] + 0.6 * colour[1] + 0.1 * colour[2];
        let line_colour = if bright > 0.3 { dark_line } else { light_line };
        let line = (dice.chance(0.35) && !oval)
            .then(|| (line_colour, 0.05 * size, (0.04 * size).max(0.7)));
        let plate = Plate {
            kind,
            edges: if oval {
                [
                    edges[0] - 0.3 * size,
                    edges[1] - 0.2 * size,
                    edges[2] + 0.3 * size,
                    edges[3] + 0.2 * size,
                ]
            } else {
                edges
            },
            corner: (!oval).then(|| size * dice.range(0.0, 0.25)),
            colour,
            line,
            thickness: size * dice.range(0.03, 0.12),
            screws: if dice.chance(0.3) { size * dice.range(0.03, 0.055) } else { 0.0 },
            seed: dice.bits(),
        };
        plate.mount(surface, &self.light);
        colour
    }

    /// Shadows of what is out of sight.
    fn shade(&self, surface: &mut Surface, dice: &mut Dice) {
        let size = self.number.height;
        let seed = dice.bits();
        match dice.below(8) {
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
                    0.15 + 0.85 * super::noise::ramp(d, -soft, soft)
                });
            }
            _ => {}
        }
    }

    fn camera(&self, dice: &mut Dice) -> Camera {
        let size = self.number.height;
        let blurred = dice.unit();
        let blur = (size / 30.0).max(0.6) * (0.35 + 1.15 * blurred * blurred);
        let askew = if dice.chance(0.6) { 1.0 } else { 0.25 };
        let shake = if dice.chance(0.12) {
            [0.1 * size * dice.range(-1.0, 1.0), 0.04 * size * dice.range(-1.0, 1.0)]
        } else {
            [0.0, 0.0]
        };
        Camera {
            samples: 1,
            reach: REACH,
            roll: askew * dice.range(-4.0, 4.0),
            yaw: askew * dice.range(-0.12, 0.12),
            pitch: askew * dice.range(-0.06, 0.06),
            blur,
            shake,
            vignette: dice.range(0.0, 0.15),
            exposure: dice.range(0.6, 1.25),
            contrast: dice.range(-0.1, 0.7),
            cast: [dice.range(0.9, 1.1), 1.0, dice.range(0.88, 1.12)],
            haze: if dice.chance(0.25) { dice.range(0.02, 0.15) } else { 0.0 },
            noise: dice.range(0.8, 4.5),
            noise_seed: dice.bits(),
            ..Camera::plain(self.width, self.height)
        }
    }
}

fn random_light(dice: &mut Dice) -> Light {
    let sunny = dice.chance(0.55);
    let warm = dice.range(0.0, 1.0);
    Light {
        towards: [dice.range(-0.8, 0.8), dice.range(-0.9, -0.2), dice.range(0.6, 1.2)],
        sun_strength: if sunny { dice.range(0.45, 0.85) } else { dice.range(0.03, 0.3) },
        sun_colour: [1.0, 0.97 - 0.08 * warm, 0.92 - 0.22 * warm],
        sky_strength: if sunny { dice.range(0.25, 0.45) } else { dice.range(0.4, 0.75) },
        sky_colour: [0.92, 0.97, 1.06],
    }
}

/// Digits that stand out from what is `behind` them, some barely.
fn random_mount(dice: &mut Dice, behind: Colour, size: f32, stem: f32) -> Mount {
    // As the eye has it: the square root of the light.
    let seen = |c: Colour| (0.3 * c[0] + 0.6 * c[1] + 0.1 * c[2]).sqrt();
    let least = if dice.chance(0.15) { 0.2 } else { 0.34 };
    let mut colour = if seen(behind) > 0.5 { paint(0x141416) } else { paint(0xF0EEE8) };
    for _ in 0..8 {
        let choice = dice.pick([
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
        ]);
        if (seen(choice) - seen(behind)).abs() > least {
            colour = choice;
            break;
        }
    }
    let colour = dice.near(colour, 0.1);
    match dice.below(10) {
        0..=3 => Mount::Painted {
            colour,
            wear: if dice.chance(0.3) { dice.range(0.1, 0.6) } else { 0.0 },
        },
        4..=7 => Mount::Raised {
            colour,
            thickness: size * dice.range(0.015, 0.075),
            bevel: size * dice.range(0.01, 0.04),
            metal: dice.pick([0.0, 0.0, 0.5, 1.0]),
        },
        8 => Mount::Cut { colour, depth: size * dice.range(0.02, 0.06) },
        // Too thin a stroke would be all outline.
        _ if stem < 0.12 => Mount::Painted { colour, wear: 0.0 },
        _ => {
            let rim = if seen(colour) > 0.5 { paint(0x1A1A1E) } else { paint(0xE9E6DE) };
            Mount::Outlined { fill: colour, rim, width: (0.025 * size).max(0.6) }
        }
    }
}
