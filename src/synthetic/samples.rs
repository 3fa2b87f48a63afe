//! The page's sample pictures, each composed by hand.
//!
//! Measures are pixels of the photo; a [`Front`] scales them to its surface, which is larger,
//! so that edges come out as smooth as a lens makes them.

use super::{
    Picture,
    camera::Camera,
    dice::Dice,
    digits::{DigitForms, DigitStyle},
    front::{Plate, PlateKind, Wall, WallKind, leaf_shade},
    noise::ramp,
    number::{Lettering, Mount, Number},
    photograph,
    props::{self, Edges},
    surface::{Light, Surface, paint},
};

/// A sample picture.
pub(super) struct Sample {
    /// File name without its ending.
    pub stem: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// Draws it.
    pub draw: fn() -> Picture,
}

/// All of them, in the page's order.
pub(super) fn all() -> [Sample; 6] {
    [
        Sample { stem: "brick-27", title: "Brass digits on brick", draw: brick },
        Sample { stem: "enamel-143", title: "Enamel plate on plaster", draw: enamel },
        Sample { stem: "boards-1906", title: "Iron digits on boards", draw: boards },
        Sample { stem: "tiles-52", title: "Two tiles on field stone", draw: tiles },
        Sample { stem: "door-606", title: "Touching digits on a door", draw: gilt_door },
        Sample { stem: "front-385", title: "A whole house front (2000 x 1400)", draw: house },
    ]
}

/// A front in the making.
struct Front {
    surface: Surface,
    light: Light,
    camera: Camera,
    /// Pixels of the surface to a pixel of the photo.
    scale: f32,
    /// Where the photo's corner lies on the surface.
    origin: [f32; 2],
    dice: Dice,
}

impl Front {
    fn new(camera: Camera, scale: f32, light: Light, wall: Wall, seed: u64) -> Self {
        let full = |pixels: u32| (pixels as f32 * scale / camera.reach).round();
        let (width, height) = (full(camera.width), full(camera.height));
        let wall = Wall { unit: wall.unit * scale, ..wall };
        let origin = [
            0.5 * (width - scale * camera.width as f32),
            0.5 * (height - scale * camera.height as f32),
        ];
        Front {
            surface: Surface::new(width as usize, height as usize, |x, y| wall.texel(x, y)),
            light,
            camera,
            scale,
            origin,
            dice: Dice::new(seed),
        }
    }

    fn x(&self, x: f32) -> f32 {
        self.origin[0] + self.scale * x
    }

    fn y(&self, y: f32) -> f32 {
        self.origin[1] + self.scale * y
    }

    fn edges(&self, [left, top, right, bottom]: Edges) -> Edges {
        [self.x(left), self.y(top), self.x(right), self.y(bottom)]
    }

    fn number(&self, digits: &[u8], style: DigitStyle, left: f32, top: f32, height: f32) -> Number {
        Number {
            digits: digits.to_vec(),
            lettering: Lettering::Strokes(style),
            left: self.x(left),
            top: self.y(top),
            height: self.scale * height,
            spacing: 0.14,
            fall: 0.0,
            unsteady: 0.0,
            bridged: 0.0,
        }
    }

    /// Shadows of leaves: `size` in pixels of the photo; `thickness` as in [`leaf_shade`].
    fn dapple(&mut self, size: f32, thickness: f32, seed: u32) {
        let size = size * self.scale;
        self.surface.dapple(|x, y| leaf_shade(x, y, size, thickness, seed));
    }

    fn taken(mut self, numbers: &[(Number, Mount)]) -> Picture {
        photograph(&self.surface, numbers, &self.light, &self.camera, &mut self.dice)
    }
}

fn afternoon() -> Light {
    Light {
        towards: [-0.62, -0.75, 0.85],
        sun_strength: 0.72,
        sun_colour: [1.0, 0.93, 0.8],
        sky_strength: 0.34,
        sky_colour: [0.86, 0.95, 1.12],
    }
}

fn overcast() -> Light {
    Light {
        towards: [0.35, -0.8, 1.0],
        sun_strength: 0.3,
        sun_colour: [1.0, 0.98, 0.95],
        sky_strength: 0.62,
        sky_colour: [0.94, 0.98, 1.04],
    }
}

fn brick() -> Picture {
    let camera = Camera {
        samples: 2,
        reach: 0.92,
        roll: -0.7,
        yaw: 0.07,
        pitch: -0.03,
        blur: 0.55,
        vignette: 0.22,
        exposure: 1.12,
        contrast: 0.5,
        cast: [1.03, 1.0, 0.94],
        noise: 3.2,
        noise_seed: 11,
        ..Camera::plain(640, 420)
    };
    let wall = Wall {
        kind: WallKind::Brick,
        colour: paint(0x9C6049),
        second: paint(0xC4B9A6),
        unit: 33.0,
        rough: 0.9,
        seed: 5,
    };
    let mut front = Front::new(camera, 2.0, afternoon(), wall, 101);
    let light = front.light;
    front.surface.grime(170.0, 0.4, 3);
    let white = paint(0xE6E3DA);
    let frame = front.edges([430.0, -60.0, 468.0, 520.0]);
    let leaf = front.edges([468.0, -60.0, 760.0, 520.0]);
    props::door(
        &mut front.surface,
        &light,
        leaf,
        paint(0x304B3E),
        34.0,
        &[[0.12, 0.1, 0.47, 0.52], [0.55, 0.1, 0.9, 0.52], [0.12, 0.62, 0.9, 0.97]],
        21,
    );
    props::board(&mut front.surface, &light, frame, white, 16.0, true, 22);
    let inner = front.edges([458.0, -60.0, 474.0, 520.0]);
    props::board(&mut front.surface, &light, inner, white, 9.0, true, 23);
    let bell = [front.x(392.0), front.y(318.0)];
    props::knob(&mut front.surface, &light, bell, 15.0, paint(0xB8924C));
    let lamp = [front.x(92.0), front.y(78.0)];
    props::lantern(&mut front.surface, &light, lamp, 150.0, 0.12);
    front.dapple(44.0, 0.38, 77);
    let (scale, bottom) = (front.scale, front.y(420.0));
    let left = front.x(0.0);
    let mut dice = front.dice.clone();
    props::leaves(
        &mut front.surface,
        &light,
        2_600,
        36.0 * scale,
        paint(0x5B7340),
        &mut dice,
        |x, y| {
            let (u, v) = ((x - left) / scale, (bottom - y) / scale);
            1.0 - ramp(v + 0.42 * u, 60.0, 145.0)
        },
    );
    let number = front.number(&[2, 7], DigitStyle::SERIF, 222.0, 138.0, 112.0);
    let brass = Mount::Raised { colour: paint(0xCBA052), thickness: 10.0, bevel: 5.0, metal: 0.9 };
    front.taken(&[(number, brass)])
}

fn enamel() -> Picture {
    let camera = Camera {
        samples: 2,
        reach: 0.92,
        roll: 0.9,
        yaw: -0.09,
        pitch: 0.02,
        blur: 0.6,
        vignette: 0.2,
        exposure: 1.05,
        contrast: 0.45,
        cast: [1.02, 1.0, 0.96],
        noise: 3.2,
        noise_seed: 12,
        ..Camera::plain(640, 430)
    };
    let wall = Wall {
        kind: WallKind::Plaster,
        colour: paint(0xDDB877),
        second: paint(0xDDB877),
        unit: 46.0,
        rough: 0.85,
        seed: 15,
    };
    let light = Light { towards: [0.7, -0.8, 0.8], ..afternoon() };
    let mut front = Front::new(camera, 2.0, light, wall, 102);
    front.surface.grime(210.0, 0.5, 8);
    let glass = front.edges([-120.0, -80.0, 132.0, 330.0]);
    let surround = front.edges([-150.0, -110.0, 158.0, 352.0]);
    props::board(&mut front.surface, &light, surround, paint(0xE9E0CC), 8.0, true, 31);
    props::window(&mut front.surface, &light, glass, paint(0xEDEBE4), 40.0, (2, 3), 33);
    let sill = front.edges([-150.0, 336.0, 182.0, 362.0]);
    props::ledge(&mut front.surface, &light, sill, paint(0xB5AB98), 34);
    let shutter = front.edges([160.0, -90.0, 262.0, 338.0]);
    props::shutter(&mut front.surface, &light, shutter, paint(0x4E7A78), 35);
    // A neighbour's roof between the sun and the wall's upper right corner.
    let (px, py, scale) = (front.x(330.0), front.y(0.0), front.scale);
    front.surface.dapple(|x, y| {
        let d = ((y - py) - 0.62 * (x - px)) / scale;
        0.12 + 0.88 * ramp(d, -118.0, -92.0)
    });
    let plate = Plate {
        kind: PlateKind::Enamel,
        edges: front.edges([340.0, 150.0, 560.0, 290.0]),
        corner: Some(20.0),
        colour: paint(0x1E4191),
        line: Some((paint(0xECECE6), 12.0, 8.0)),
        thickness: 9.0,
        screws: 7.0,
        seed: 36,
    };
    plate.mount(&mut front.surface, &light);
    let style = DigitStyle {
        width: 0.54,
        stem: 0.165,
        hair: 0.12,
        forms: DigitForms { footed_one: true, ..DigitForms::PLAIN },
        ..DigitStyle::SANS
    };
    let mut number = front.number(&[1, 4, 3], style, 0.0, 178.0, 84.0);
    number.left = front.x(450.0) - 0.5 * number.extent().0;
    front.taken(&[(number, Mount::Painted { colour: paint(0xF0F0EB), wear: 0.08 })])
}

fn boards() -> Picture {
    let camera = Camera {
        samples: 2,
        reach: 0.93,
        roll: 0.4,
        yaw: 0.1,
        pitch: 0.03,
        blur: 0.6,
        vignette: 0.18,
        exposure: 1.12,
        contrast: 0.42,
        cast: [0.99, 1.0, 1.02],
        noise: 3.4,
        noise_seed: 13,
        ..Camera::plain(720, 460)
    };
    let wall = Wall {
        kind: WallKind::Boards,
        colour: paint(0xC3CCC8),
        second: paint(0x7F8886),
        unit: 62.0,
        rough: 0.8,
        seed: 25,
    };
    let mut front = Front::new(camera, 2.0, overcast(), wall, 103);
    let light = front.light;
    front.surface.grime(240.0, 0.4, 18);
    let white = paint(0xEDECE6);
    let corner = front.edges([-60.0, -60.0, 46.0, 560.0]);
    props::board(&mut front.surface, &light, corner, white, 12.0, true, 41);
    let pipe = front.x(96.0);
    props::pipe(&mut front.surface, &light, pipe, 30.0, paint(0x8E9492), 42);
    let frame = front.edges([618.0, -60.0, 664.0, 560.0]);
    let glass = front.edges([664.0, -60.0, 960.0, 400.0]);
    props::window(&mut front.surface, &light, glass, white, 20.0, (2, 2), 43);
    props::board(&mut front.surface, &light, frame, white, 14.0, true, 44);
    let lamp = [front.x(370.0), front.y(92.0)];
    props::lantern(&mut front.surface, &light, lamp, 190.0, 0.45);
    let style = DigitStyle {
        width: 0.6,
        stem: 0.15,
        hair: 0.1,
        forms: DigitForms { footed_one: true, ..DigitForms::PLAIN },
        ..DigitStyle::SERIF
    };
    let mut number = front.number(&[1, 9, 0, 6], style, 0.0, 262.0, 92.0);
    number.unsteady = 0.25;
    number.left = front.x(372.0) - 0.5 * number.extent().0;
    let iron = Mount::Raised { colour: paint(0x201F20), thickness: 11.0, bevel: 5.0, metal: 0.25 };
    front.taken(&[(number, iron)])
}

fn tiles() -> Picture {
    let camera = Camera {
        samples: 2,
        reach: 0.92,
        roll: -1.2,
        yaw: -0.05,
        pitch: 0.04,
        blur: 0.6,
        vignette: 0.25,
        exposure: 1.12,
        contrast: 0.5,
        cast: [1.03, 1.0, 0.95],
        noise: 3.0,
        noise_seed: 14,
        ..Camera::plain(640, 420)
    };
    let wall = Wall {
        kind: WallKind::Rubble,
        colour: paint(0xB3A48A),
        second: paint(0xC2B69E),
        unit: 88.0,
        rough: 0.9,
        seed: 37,
    };
    let mut front = Front::new(camera, 2.0, afternoon(), wall, 104);
    let light = front.light;
    front.surface.grime(150.0, 0.45, 28);
    front.dapple(60.0, 0.3, 177);
    for (left, seed) in [(196.0, 51), (332.0, 52)] {
        Plate {
            kind: PlateKind::Ceramic,
            edges: front.edges([left, 128.0, left + 132.0, 292.0]),
            corner: Some(10.0),
            colour: paint(0xF1EDE0),
            line: Some((paint(0x2B55A0), 15.0, 7.0)),
            thickness: 12.0,
            screws: 0.0,
            seed,
        }
        .mount(&mut front.surface, &light);
    }
    let (scale, right, top) = (front.scale, front.x(640.0), front.y(0.0));
    let mut dice = front.dice.clone();
    props::leaves(
        &mut front.surface,
        &light,
        3_800,
        34.0 * scale,
        paint(0x506A3A),
        &mut dice,
        |x, y| {
            let (u, v) = ((right - x) / scale, (y - top) / scale);
            1.0 - ramp(u + 0.3 * v, 70.0, 190.0)
        },
    );
    let style = DigitStyle { width: 0.62, stem: 0.17, hair: 0.075, ..DigitStyle::SERIF };
    let blue = Mount::Painted { colour: paint(0x23488F), wear: 0.05 };
    let mut five = front.number(&[5], style, 0.0, 160.0, 100.0);
    five.left = front.x(262.0) - 0.5 * five.extent().0;
    let mut two = front.number(&[2], style, 0.0, 160.0, 100.0);
    two.left = front.x(398.0) - 0.5 * two.extent().0;
    front.taken(&[(five, blue), (two, blue)])
}

fn gilt_door() -> Picture {
    let camera = Camera {
        samples: 2,
        reach: 0.92,
        roll: 0.6,
        yaw: 0.05,
        pitch: 0.05,
        blur: 0.6,
        vignette: 0.3,
        exposure: 1.25,
        contrast: 0.4,
        cast: [1.0, 1.0, 1.0],
        noise: 3.6,
        noise_seed: 15,
        ..Camera::plain(600, 450)
    };
    let wall = Wall {
        kind: WallKind::Ashlar,
        colour: paint(0xBDB3A0),
        second: paint(0x8F8778),
        unit: 120.0,
        rough: 0.7,
        seed: 47,
    };
    let mut front = Front::new(camera, 2.0, overcast(), wall, 105);
    let light = front.light;
    let leaf = front.edges([92.0, -240.0, 640.0, 700.0]);
    props::door(
        &mut front.surface,
        &light,
        leaf,
        paint(0x27406A),
        46.0,
        &[
            [0.08, -0.05, 0.43, 0.36],
            [0.52, -0.05, 0.87, 0.36],
            [0.08, 0.68, 0.43, 0.97],
            [0.52, 0.68, 0.87, 0.97],
        ],
        61,
    );
    let frame = front.edges([60.0, -240.0, 98.0, 700.0]);
    props::board(&mut front.surface, &light, frame, paint(0xDCD8CE), 12.0, true, 62);
    let slot = front.edges([232.0, 306.0, 446.0, 362.0]);
    props::letterbox(&mut front.surface, &light, slot, 63);
    let knob = [front.x(546.0), front.y(254.0)];
    props::knob(&mut front.surface, &light, knob, 44.0, paint(0xBE974E));
    front.surface.grime(260.0, 0.25, 38);
    let style =
        DigitStyle { width: 0.62, stem: 0.17, hair: 0.1, squareness: 2.1, ..DigitStyle::SANS };
    let mut number = front.number(&[6, 0, 6], style, 0.0, 164.0, 104.0);
    number.spacing = -0.035;
    number.left = front.x(338.0) - 0.5 * number.extent().0;
    let gilt = Mount::Raised { colour: paint(0xD2AC5C), thickness: 5.0, bevel: 4.0, metal: 0.8 };
    front.taken(&[(number, gilt)])
}

fn house() -> Picture {
    let camera = Camera {
        samples: 1,
        reach: 0.93,
        roll: 0.3,
        yaw: 0.06,
        pitch: -0.04,
        blur: 1.0,
        vignette: 0.18,
        exposure: 1.08,
        contrast: 0.45,
        cast: [1.02, 1.0, 0.96],
        noise: 0.7,
        noise_seed: 16,
        ..Camera::plain(2000, 1400)
    };
    let wall = Wall {
        kind: WallKind::Plaster,
        colour: paint(0xD4AA94),
        second: paint(0xD4AA94),
        unit: 120.0,
        rough: 0.6,
        seed: 57,
    };
    let mut front = Front::new(camera, 1.0, afternoon(), wall, 106);
    let light = front.light;
    front.surface.grime(520.0, 0.35, 48);
    let white = paint(0xE8E4DA);
    // The door, on the right.
    let leaf = front.edges([1240.0, 190.0, 1780.0, 1500.0]);
    let surround = front.edges([1150.0, 60.0, 1870.0, 1500.0]);
    let lintel = front.edges([1120.0, 40.0, 1900.0, 118.0]);
    props::board(&mut front.surface, &light, surround, paint(0xCFC6B4), 16.0, true, 71);
    props::door(
        &mut front.surface,
        &light,
        leaf,
        paint(0x6B2A26),
        60.0,
        &[
            [0.12, 0.07, 0.45, 0.42],
            [0.55, 0.07, 0.88, 0.42],
            [0.12, 0.6, 0.45, 0.95],
            [0.55, 0.6, 0.88, 0.95],
        ],
        72,
    );
    props::ledge(&mut front.surface, &light, lintel, paint(0xC6BDAC), 73);
    let slot = front.edges([1390.0, 800.0, 1630.0, 866.0]);
    props::letterbox(&mut front.surface, &light, slot, 74);
    let knob = [front.x(1722.0), front.y(850.0)];
    props::knob(&mut front.surface, &light, knob, 27.0, paint(0xBE974E));
    // The window, on the left.
    let glass = front.edges([130.0, 150.0, 590.0, 860.0]);
    let reveal = front.edges([84.0, 100.0, 636.0, 880.0]);
    props::board(&mut front.surface, &light, reveal, paint(0xD6CDBB), 10.0, true, 75);
    props::window(&mut front.surface, &light, glass, white, 48.0, (2, 3), 76);
    let sill = front.edges([60.0, 866.0, 660.0, 924.0]);
    props::ledge(&mut front.surface, &light, sill, paint(0xBDB4A2), 77);
    // The plinth.
    let plinth = front.edges([-200.0, 1210.0, 1150.0, 1250.0]);
    props::ledge(&mut front.surface, &light, plinth, paint(0xA79F91), 78);
    let lamp = [front.x(900.0), front.y(330.0)];
    props::lantern(&mut front.surface, &light, lamp, 200.0, 0.1);
    let bell = [front.x(1100.0), front.y(890.0)];
    props::knob(&mut front.surface, &light, bell, 14.0, paint(0xB4B2AE));
    front.dapple(64.0, 0.34, 277);
    let (bottom, left) = (front.y(1400.0), front.x(0.0));
    let mut dice = front.dice.clone();
    props::leaves(&mut front.surface, &light, 22_000, 58.0, paint(0x566F3F), &mut dice, |x, y| {
        let (u, v) = (x - left, bottom - y);
        (1.0 - ramp(v + 0.55 * (u - 330.0).abs(), 260.0, 440.0)) * 0.8
    });
    let style = DigitStyle { width: 0.6, stem: 0.15, hair: 0.135, ..DigitStyle::SANS };
    let mut number = front.number(&[3, 8, 5], style, 0.0, 620.0, 170.0);
    number.left = front.x(900.0) - 0.5 * number.extent().0;
    let steel = Mount::Raised { colour: paint(0x2C2E31), thickness: 11.0, bevel: 5.0, metal: 0.4 };
    front.taken(&[(number, steel)])
}
