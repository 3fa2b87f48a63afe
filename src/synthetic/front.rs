//! House fronts: the materials of walls, and the plates for numbers.

use super::{
    dice::Dice,
    noise::{cells, fractal, hash, lattice, mix, mix3, ramp, value},
    surface::{Colour, Light, Stamp, Surface, Texel, oval, paint, rounded_box},
};

/// What a wall is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WallKind {
    /// Painted plaster.
    Plaster,
    /// Bricks in mortar.
    Brick,
    /// Horizontal boards that overlap.
    Boards,
    /// Upright planks side by side.
    Planks,
    /// Blocks cut square.
    Ashlar,
    /// Field stones.
    Rubble,
    /// Bare concrete.
    Concrete,
    /// Painted metal, as of a garage or a letterbox.
    Sheet,
    /// Glazed tiles.
    Tiles,
}

/// A wall: its material at every point of a surface.
#[derive(Clone, Copy, Debug)]
pub struct Wall {
    /// What it is made of.
    pub kind: WallKind,
    /// The main colour.
    pub colour: Colour,
    /// The mortar's, the gaps' or the stains' colour.
    pub second: Colour,
    /// Height of a brick, width of a board, size of a stone: pixels of the surface.
    pub unit: f32,
    /// How uneven it is, 0 to 1.
    pub rough: f32,
    /// Seed of its unevenness.
    pub seed: u32,
}

impl Wall {
    /// A wall at random; `digit_height` in pixels sets the scale.
    pub fn random(dice: &mut Dice, digit_height: f32) -> Self {
        use WallKind::{Ashlar, Boards, Brick, Concrete, Planks, Plaster, Rubble, Sheet, Tiles};
        let kind = dice.pick([
            Plaster, Plaster, Plaster, Brick, Brick, Boards, Planks, Ashlar, Rubble, Concrete,
            Sheet, Sheet, Tiles,
        ]);
        let colour = match kind {
            Brick => dice.pick([
                paint(0x8E4A38),
                paint(0x9C5B41),
                paint(0x70392D),
                paint(0xB98A68),
                paint(0xC9B79A),
                paint(0x5B4A45),
                paint(0xE2DED6),
            ]),
            Boards | Planks => dice.pick([
                paint(0xE8E6E0),
                paint(0xB9C4C6),
                paint(0x6E4B33),
                paint(0x8A623F),
                paint(0x3D4A52),
                paint(0x7E8E78),
                paint(0x9B3B30),
                paint(0xD8C79E),
                paint(0x2E3B33),
            ]),
            Ashlar | Rubble => dice.pick([
                paint(0xB7AA93),
                paint(0x96908A),
                paint(0xC9BDA2),
                paint(0x7C756E),
                paint(0xA98C6C),
            ]),
            Concrete => dice.pick([paint(0xA3A09A), paint(0x8B8984), paint(0xBDB9B1)]),
            Sheet => dice.pick([
                paint(0x1F2A33),
                paint(0x8B9093),
                paint(0xE9E9E6),
                paint(0x22402F),
                paint(0x6B1F1F),
                paint(0x1B2F55),
                paint(0x161616),
                paint(0xB9AE98),
            ]),
            Tiles => {
                dice.pick([paint(0xE6E2D8), paint(0x6B8C9B), paint(0xB9A789), paint(0x4B5A4E)])
            }
            Plaster => dice.pick([
                paint(0xE9E4D8),
                paint(0xE3D2A8),
                paint(0xD9B48A),
                paint(0xC98F6B),
                paint(0xD9D9D6),
                paint(0xA9B3A6),
                paint(0xB7C3CF),
                paint(0x9E8E7E),
                paint(0xF1EDE4),
                paint(0x7D4438),
            ]),
        };
        let second = match kind {
            Brick => dice.pick([paint(0xB9B0A2), paint(0x8D867C), paint(0xD3CCBF)]),
            Rubble | Ashlar => dice.pick([paint(0x8F8778), paint(0xB9B2A4), paint(0x6F685D)]),
            Tiles => dice.pick([paint(0xC9C5BC), paint(0x77736C)]),
            _ => colour.map(|c| 0.35 * c),
        };
        let unit = digit_height
            * match kind {
                Brick => dice.range(0.3, 1.1),
                Boards | Planks => dice.range(0.7, 2.2),
                Ashlar => dice.range(1.2, 3.5),
                Rubble => dice.range(0.9, 2.4),
                Tiles => dice.range(0.8, 2.5),
                _ => dice.range(0.6, 1.6),
            };
        Wall {
            kind,
            colour: dice.near(colour, 0.18),
            second: dice.near(second, 0.12),
            unit,
            rough: dice.range(0.2, 1.0),
            seed: dice.bits(),
        }
    }

    /// The wall at a point of the surface.
    pub fn texel(&self, x: f32, y: f32) -> Texel {
        match self.kind {
            WallKind::Plaster => self.plaster(x, y),
            WallKind::Brick => self.brick(x, y),
            WallKind::Boards => self.boards(x, y),
            WallKind::Planks => self.planks(x, y),
            WallKind::Ashlar => self.ashlar(x, y),
            WallKind::Rubble => self.rubble(x, y),
            WallKind::Concrete => self.concrete(x, y),
            WallKind::Sheet => self.sheet(x, y),
            WallKind::Tiles => self.tiles(x, y),
        }
    }

    fn plaster(&self, x: f32, y: f32) -> Texel {
        let (u, v) = (x / self.unit, y / self.unit);
        let grit = fractal(9.0 * u, 9.0 * v, 3, self.seed);
        let trowel = value(1.3 * u, 2.1 * v, self.seed ^ 1);
        let fade = fractal(0.35 * u, 0.3 * v, 2, self.seed ^ 2);
        let shade =
            1.0 + self.rough * (0.16 * (grit - 0.5) + 0.1 * (trowel - 0.5)) + 0.2 * (fade - 0.5);
        Texel {
            colour: self.colour.map(|c| c * shade),
            relief: self.rough * (2.6 * grit * (self.unit / 26.0).clamp(0.4, 2.5) + 1.2 * trowel),
            gloss: 0.01,
        }
    }

    fn brick(&self, x: f32, y: f32) -> Texel {
        let seed = self.seed;
        // Bricks are laid by hand: their edges wander.
        let wander = 0.09 * (value(x / self.unit, 1.4 * y / self.unit, seed ^ 3) - 0.5);
        let v = y / self.unit + wander;
        let row = v.floor();
        let shift = if (row as i32) & 1 == 0 { 0.0 } else { 1.35 };
        let u = x / self.unit + shift + wander + 0.1 * lattice(row as i32, 0, seed);
        let column = (u / 2.7).floor();
        let (bx, by) = (u - 2.7 * column, v - row);
        let joint = 0.075;
        // The distance into the brick from its nearest edge, in brick heights.
        let inside = -rounded_box(bx, by, [joint, joint, 2.7 - joint, 1.0 - joint], 0.07);
        let id = hash(column as i32, row as i32, seed);
        let own = (id & 0xFF) as f32 / 255.0;
        let warm = ((id >> 8) & 0xFF) as f32 / 255.0;
        let grit = fractal(5.0 * u, 5.0 * v, 3, seed ^ id);
        let cover = ramp(inside * self.unit, -0.6, 0.7);
        let burnt = if (id >> 16) & 7 == 0 { 0.62 } else { 1.0 };
        let shade = burnt * (0.74 + 0.42 * own) * (0.82 + 0.36 * grit);
        let brick = [
            self.colour[0] * shade * (0.94 + 0.12 * warm),
            self.colour[1] * shade,
            self.colour[2] * shade * (1.06 - 0.12 * warm),
        ];
        let sand = fractal(7.0 * u, 7.0 * v, 2, seed ^ 9);
        let mortar = self.second.map(|c| c * (0.7 + 0.5 * sand));
        let height = (self.unit * 0.075).clamp(0.5, 4.0);
        Texel {
            colour: mix3(mortar, brick, cover),
            relief: height * ramp(inside, -0.01, 0.07)
                + self.rough * (0.12 * self.unit).clamp(0.5, 3.0) * 0.6 * grit,
            gloss: 0.02,
        }
    }

    fn grain(&self, along: f32, across: f32, id: u32) -> f32 {
        let bend = 0.6 * value(0.25 * along, 0.6 * across, id);
        0.6 * value(0.35 * along, 9.0 * across + 4.0 * bend, id ^ 7)
            + 0.4 * value(1.1 * along, 26.0 * across + 7.0 * bend, id ^ 8)
    }

    fn boards(&self, x: f32, y: f32) -> Texel {
        let v = y / self.unit;
        let row = v.floor();
        let t = v - row;
        let id = hash(row as i32, 5, self.seed);
        let grain = self.grain(x / self.unit, t, id);
        let own = (id & 0xFF) as f32 / 255.0;
        let fade = fractal(0.2 * x / self.unit, 0.2 * v, 2, self.seed ^ 2);
        let shade =
            (0.9 + 0.16 * own) * (1.0 + self.rough * 0.34 * (grain - 0.5)) * (0.9 + 0.2 * fade);
        // Each board leans out towards its lower edge and throws a shadow on the next one.
        let gap = ramp(t, 0.0, 0.02) * (0.55 + 0.45 * ramp(t, 0.02, 0.11));
        Texel {
            colour: mix3(self.second.map(|c| 0.3 * c), self.colour, gap).map(|c| c * shade),
            relief: 0.09 * self.unit * t + self.rough * 0.8 * grain,
            gloss: 0.06,
        }
    }

    fn planks(&self, x: f32, y: f32) -> Texel {
        let u = x / self.unit;
        let column = u.floor();
        let t = u - column;
        let id = hash(column as i32, 11, self.seed);
        let grain = self.grain(y / self.unit + 3.0, t, id);
        let own = (id & 0xFF) as f32 / 255.0;
        let edge = t.min(1.0 - t) * self.unit;
        let gap = ramp(edge, 0.2, 1.0 + 0.02 * self.unit);
        let shade = (0.88 + 0.2 * own) * (1.0 + self.rough * 0.4 * (grain - 0.5));
        Texel {
            colour: mix3(self.second.map(|c| 0.3 * c), self.colour, gap).map(|c| c * shade),
            relief: 0.05 * self.unit * gap + self.rough * grain,
            gloss: 0.08,
        }
    }

    fn ashlar(&self, x: f32, y: f32) -> Texel {
        let v = y / self.unit;
        let row = v.floor();
        let id_row = hash(row as i32, 21, self.seed);
        let long = 1.5 + 0.9 * ((id_row & 0xFF) as f32 / 255.0);
        let u = x / self.unit + 5.0 * lattice(row as i32, 3, self.seed);
        let column = (u / long).floor();
        let (bx, by) = (u - long * column, v - row);
        let joint = 0.02;
        let inside = -rounded_box(bx, by, [joint, joint, long - joint, 1.0 - joint], 0.03);
        let id = hash(column as i32, row as i32, self.seed ^ 31);
        self.stone(x, y, inside, id, 0.05)
    }

    fn rubble(&self, x: f32, y: f32) -> Texel {
        let bend = 0.25 * (fractal(1.5 * x / self.unit, 1.5 * y / self.unit, 2, self.seed) - 0.5);
        let (id, border) =
            cells(0.85 * x / self.unit + bend, 1.25 * y / self.unit + bend, self.seed ^ 41);
        self.stone(x, y, 0.5 * border - 0.05, id, 0.14)
    }

    /// A stone or the mortar around it, `inside` units from its edge.
    fn stone(&self, x: f32, y: f32, inside: f32, id: u32, bulge: f32) -> Texel {
        let (u, v) = (x / self.unit, y / self.unit);
        let own = (id & 0xFF) as f32 / 255.0;
        let warm = ((id >> 8) & 0xFF) as f32 / 255.0 - 0.5;
        let grit = fractal(6.0 * u, 6.0 * v, 3, self.seed ^ id);
        let veins = fractal(1.4 * u, 2.6 * v, 2, id);
        let specks = value(31.0 * u, 31.0 * v, id ^ 3);
        let shade =
            (0.72 + 0.46 * own) * (0.6 + 0.34 * grit + 0.34 * veins) * (0.88 + 0.24 * specks);
        let stone = [
            self.colour[0] * shade * (1.0 + 0.12 * warm),
            self.colour[1] * shade,
            self.colour[2] * shade * (1.0 - 0.14 * warm),
        ];
        let mortar = self.second.map(|c| c * (0.6 + 0.5 * grit));
        let cover = ramp(inside * self.unit, -0.7, 0.9);
        let edge = (0.9 * bulge * self.unit).min(7.0);
        Texel {
            colour: mix3(mortar, stone, cover),
            relief: edge * ramp(inside, -0.02, 1.3 * bulge)
                + self.rough * (0.06 * self.unit).clamp(0.6, 3.5) * (grit + veins),
            gloss: 0.02,
        }
    }

    fn concrete(&self, x: f32, y: f32) -> Texel {
        let (u, v) = (x / self.unit, y / self.unit);
        let cloud = fractal(0.6 * u, 0.5 * v, 4, self.seed);
        let grit = value(14.0 * u, 14.0 * v, self.seed ^ 1);
        let pore = ramp(value(5.0 * u, 5.0 * v, self.seed ^ 2), 0.86, 0.93);
        let shade = (0.75 + 0.45 * cloud) * (0.94 + 0.12 * grit) * (1.0 - 0.5 * pore);
        Texel {
            colour: self.colour.map(|c| c * shade),
            relief: self.rough * (0.9 * grit + 0.8 * cloud) - 1.5 * pore,
            gloss: 0.02,
        }
    }

    fn sheet(&self, x: f32, y: f32) -> Texel {
        let (u, v) = (x / self.unit, y / self.unit);
        let dent = fractal(0.5 * u, 0.5 * v, 2, self.seed);
        let dust = fractal(3.0 * u, 3.0 * v, 3, self.seed ^ 1);
        Texel {
            colour: self.colour.map(|c| c * (0.92 + 0.16 * dust) + 0.006 * dust),
            relief: self.rough * 0.1 * self.unit * dent + 0.25 * dust,
            gloss: 0.18 + 0.15 * self.rough,
        }
    }

    fn tiles(&self, x: f32, y: f32) -> Texel {
        let (u, v) = (x / self.unit, y / self.unit);
        let (column, row) = (u.floor(), v.floor());
        let (bx, by) = (u - column, v - row);
        let inside = -rounded_box(bx, by, [0.025, 0.025, 0.975, 0.975], 0.04);
        let id = hash(column as i32, row as i32, self.seed);
        let own = (id & 0xFF) as f32 / 255.0;
        let cloud = fractal(2.0 * u, 2.0 * v, 3, self.seed ^ id);
        let cover = ramp(inside * self.unit, -0.5, 0.6);
        let glaze = self.colour.map(|c| c * (0.86 + 0.18 * own) * (0.9 + 0.2 * cloud));
        Texel {
            colour: mix3(self.second, glaze, cover),
            relief: (0.05 * self.unit).min(3.0) * ramp(inside, 0.0, 0.06)
                + 0.02 * self.unit * cloud,
            gloss: 0.03 + 0.3 * cover,
        }
    }
}

/// What a plate is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlateKind {
    /// Glass on steel: smooth, glossy, slightly domed.
    Enamel,
    /// Brushed or cast metal.
    Metal,
    /// Wood with its grain.
    Wood,
    /// Glazed clay.
    Ceramic,
    /// Painted or plastic: even and dull.
    Plain,
    /// Split stone.
    Slate,
}

/// A plate that the number is put on.
#[derive(Clone, Copy, Debug)]
pub struct Plate {
    /// What it is made of.
    pub kind: PlateKind,
    /// Left, top, right and bottom edge in pixels of the surface.
    pub edges: [f32; 4],
    /// Radius of the corners in pixels; `None` for an oval.
    pub corner: Option<f32>,
    /// Its colour.
    pub colour: Colour,
    /// A line along the edge: its colour, its distance from the edge and its thickness in pixels.
    pub line: Option<(Colour, f32, f32)>,
    /// How far it projects, in pixels.
    pub thickness: f32,
    /// Radius of its screws in pixels, 0 for none.
    pub screws: f32,
    /// Seed of its unevenness.
    pub seed: u32,
}

impl Plate {
    fn distance(&self, x: f32, y: f32) -> f32 {
        match self.corner {
            Some(radius) => rounded_box(x, y, self.edges, radius),
            None => oval(x, y, self.edges),
        }
    }

    /// The plate's material: `depth` pixels inside its edge.
    pub fn texel(&self, x: f32, y: f32, depth: f32) -> Texel {
        let [left, top, right, bottom] = self.edges;
        let size = (bottom - top).max(1.0);
        let (u, v) = ((x - left) / size, (y - top) / size);
        let bevel = ramp(depth, 0.0, (0.05 * size).clamp(1.5, 8.0));
        let colour = self.colour;
        let cloud = fractal(3.0 * u, 3.0 * v, 3, self.seed);
        let (colour, relief, gloss) = match self.kind {
            PlateKind::Enamel => {
                // Domed: the light runs over it.
                let (dx, dy) = (2.0 * (x - left) / (right - left) - 1.0, 2.0 * v - 1.0);
                let dome = 0.05 * size * (1.0 - 0.5 * (dx * dx + dy * dy));
                (colour.map(|c| c * (0.95 + 0.1 * cloud)), dome, 0.35)
            }
            PlateKind::Metal => {
                // No finer than pixels can show.
                let fine = 0.35 * size;
                let brushed = 0.5 * value(2.0 * u, fine.min(60.0) * v, self.seed)
                    + 0.5 * value(5.0 * u, fine.min(140.0) * v, self.seed ^ 1);
                // The street and the sky in it.
                let mirror = 0.72 + 0.5 * ramp(1.0 - v + 0.4 * (cloud - 0.5), 0.25, 0.8)
                    - 0.25 * ramp(v, 0.75, 1.0);
                let shade = mirror * (0.86 + 0.28 * brushed);
                (colour.map(|c| c * shade), 0.3 * brushed, 0.45)
            }
            PlateKind::Wood => {
                let bend = 1.2 * value(0.7 * u, 1.5 * v, self.seed);
                let grain = 0.6 * value(1.2 * u, 11.0 * v + 3.0 * bend, self.seed ^ 2)
                    + 0.4 * value(3.0 * u, 34.0 * v + 6.0 * bend, self.seed ^ 3);
                (colour.map(|c| c * (0.62 + 0.7 * grain)), 0.9 * grain, 0.07)
            }
            PlateKind::Ceramic => {
                // Each edge rounds off by itself: mitres would show in the glaze.
                let rise = |from: f32, to: f32| ramp(to - from, 0.0, 0.16 * size);
                let pillow = (0.05 * size).min(5.0)
                    * (rise(left, x) * rise(x, right) * rise(top, y) * rise(y, bottom));
                (colour.map(|c| c * (0.9 + 0.18 * cloud)), pillow + 0.01 * size * cloud, 0.4)
            }
            PlateKind::Plain => (colour.map(|c| c * (0.94 + 0.12 * cloud)), 0.0, 0.06),
            PlateKind::Slate => {
                let split = fractal(2.0 * u, 7.0 * v, 4, self.seed ^ 4);
                (colour.map(|c| c * (0.7 + 0.6 * split)), 0.06 * size * split, 0.08)
            }
        };
        Texel { colour, relief: self.thickness * bevel + relief, gloss }
    }

    /// How much of each pixel of the surface the plate covers: `cover` holds the larger of what it
    /// has and this.
    pub fn cover(&self, surface: &Surface, cover: &mut [f32]) {
        let stamp = Stamp::new(surface, self.edges, 2.0, |x, y| self.distance(x, y));
        surface.influence(&stamp, None, cover);
    }

    /// Puts the plate on the surface, with its shadow and its screws.
    pub fn mount(&self, surface: &mut Surface, light: &Light) {
        let shadow = light.shadow(self.thickness);
        let stamp = Stamp::new(surface, self.edges, 6.0 + shadow.soft, |x, y| self.distance(x, y));
        surface.occlude(&stamp, 3.0 + 1.5 * self.thickness, 0.5);
        surface.cast(&stamp, shadow);
        surface.place(&stamp, |x, y, depth| self.texel(x, y, depth));
        if let Some((colour, inset, width)) = self.line {
            let line = Stamp::new(surface, self.edges, 1.0, |x, y| {
                (self.distance(x, y) + inset + 0.5 * width).abs() - 0.5 * width
            });
            surface.tint(&line, |_, _, _, below| Texel { colour, ..below });
        }
        if self.screws > 0.0 {
            self.screw_on(surface, light);
        }
    }

    fn screw_on(&self, surface: &mut Surface, light: &Light) {
        let [left, top, right, bottom] = self.edges;
        let inset = 2.2 * self.screws;
        let corners = if self.corner.is_some() {
            vec![
                (left + inset, top + inset),
                (right - inset, top + inset),
                (left + inset, bottom - inset),
                (right - inset, bottom - inset),
            ]
        } else {
            let middle = 0.5 * (top + bottom);
            vec![(left + 1.3 * inset, middle), (right - 1.3 * inset, middle)]
        };
        for (i, (x, y)) in corners.into_iter().enumerate() {
            screw(surface, light, x, y, self.screws, self.thickness, hash(i as i32, 0, self.seed));
        }
    }
}

/// A slotted screw of `radius` pixels whose head is on `base` pixels of relief.
pub fn screw(
    surface: &mut Surface,
    light: &Light,
    x: f32,
    y: f32,
    radius: f32,
    base: f32,
    seed: u32,
) {
    let edges = [x - radius, y - radius, x + radius, y + radius];
    let head = Stamp::new(surface, edges, 4.0 + radius, |px, py| oval(px, py, edges));
    surface.occlude(&head, 0.9 * radius, 0.5);
    surface.cast(&head, light.shadow(0.35 * radius));
    let turn = 6.3 * (seed & 0xFF) as f32 / 255.0;
    let (sin, cos) = libm::sincosf(turn);
    surface.place(&head, |px, py, depth| {
        let across = ((px - x) * sin - (py - y) * cos).abs();
        let slot = 1.0 - ramp(across, 0.1 * radius, 0.3 * radius);
        let dome = 0.5 * radius * ramp(depth, 0.0, radius);
        let shade = 1.0 - 0.75 * slot;
        Texel {
            colour: paint(0xB4B0A8).map(|c| c * shade),
            relief: base + dome - 0.3 * radius * slot,
            gloss: 0.5 * shade,
        }
    });
}

/// The shadow of leaves out of sight: the share of the sun that reaches a point. `size` is a
/// leaf's length in pixels, `thickness` 0 (bare) to 1 (dense).
pub fn leaf_shade(x: f32, y: f32, size: f32, thickness: f32, seed: u32) -> f32 {
    let (u, v) = (x / size, y / size);
    let (bx, by) = (fractal(0.9 * u, 0.9 * v, 2, seed ^ 1), fractal(0.9 * u, 0.9 * v, 2, seed ^ 2));
    let leaves = fractal(0.8 * u + 1.5 * bx, 0.8 * v + 1.5 * by, 3, seed);
    let boughs = value(0.22 * u, 0.22 * v, seed ^ 3);
    let cover = ramp(0.6 * leaves + 0.4 * boughs, 0.63 - 0.3 * thickness, 0.77 - 0.3 * thickness);
    mix(1.0, 0.2, cover)
}
