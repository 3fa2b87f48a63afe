//! A house number: digits in a row, put on any background.

use std::sync::Arc;

use super::{
    dice::Dice,
    digits::{DigitStyle, Glyph},
    noise::{fractal, mix3, ramp, value},
    surface::{Colour, Light, Shadow, Stamp, Surface, Texel},
    typefaces::Face,
};

/// A number and its position, in pixels of the surface.
#[derive(Clone, Debug)]
pub struct Number {
    /// The digits from left to right, 0 to 9 each.
    pub digits: Vec<u8>,
    /// Where their shapes come from.
    pub lettering: Lettering,
    /// Left edge of the first digit.
    pub left: f32,
    /// Top edge of the first digit.
    pub top: f32,
    /// Height of a digit.
    pub height: f32,
    /// Free space between two digits in parts of the height; below 0 they run into each other.
    pub spacing: f32,
    /// How far each digit is below the one before, in parts of the height.
    pub fall: f32,
    /// How far each digit is off its place and angle, 0 (machine) to 1 (an unsteady hand).
    pub unsteady: f32,
    /// Width of the bridges that a stencil leaves across each digit's middle, in parts of the
    /// height; 0 for none.
    pub bridged: f32,
}

/// Where the digits' shapes come from.
#[derive(Clone, Debug)]
pub enum Lettering {
    /// Our own strokes.
    Strokes(DigitStyle),
    /// A typeface.
    Face {
        /// One weight of it.
        face: Arc<Face>,
        /// Its width is taken times this.
        widened: f32,
        /// Columns that the top leans over the foot to the right, in parts of the height.
        slant: f32,
        /// What each edge of a stroke moves outwards, in parts of the height; below 0 inwards.
        bolder: f32,
        /// Our own strokes for the 3: no typeface has the one of enamel plates.
        three: Option<DigitStyle>,
    },
}

/// A digit's shape: its height is about 1, its left edge at x = 0, y down from its top.
enum Shape<'a> {
    Strokes(Glyph),
    Face { face: &'a Face, digit: u8, widened: f32, slant: f32, bolder: f32 },
}

impl Shape<'_> {
    /// How wide it is without its slant.
    fn width(&self) -> f32 {
        match self {
            Shape::Strokes(glyph) => glyph.width(),
            Shape::Face { face, digit, widened, bolder, .. } => {
                (widened * face.digit(*digit).width() + 2.0 * bolder).max(0.05)
            }
        }
    }

    fn slant(&self) -> f32 {
        match self {
            Shape::Strokes(glyph) => glyph.slant(),
            Shape::Face { slant, .. } => *slant,
        }
    }

    /// Where it starts and ends from top to bottom.
    fn rows(&self) -> (f32, f32) {
        match self {
            Shape::Strokes(_) => (0.0, 1.0),
            Shape::Face { face, digit, bolder, .. } => {
                let (top, foot) = face.digit(*digit).rows();
                (top - bolder, foot + bolder)
            }
        }
    }

    /// How far a point is from the outline, negative inside.
    fn distance(&self, x: f32, y: f32) -> f32 {
        match self {
            Shape::Strokes(glyph) => glyph.distance(x, y),
            Shape::Face { face, digit, widened, slant, bolder } => {
                let x = (x - slant * (1.0 - y) - bolder) / widened;
                face.digit(*digit).distance(x, y) - bolder
            }
        }
    }
}

/// How the digits are made.
#[derive(Clone, Copy, Debug)]
pub enum Mount {
    /// Paint or foil on what is there; `wear` from 0 to 1 takes some of it off.
    Painted {
        /// The paint.
        colour: Colour,
        /// How much has come off.
        wear: f32,
    },
    /// A flat shape screwed or glued on.
    Raised {
        /// Its face.
        colour: Colour,
        /// How far the face projects, in pixels.
        thickness: f32,
        /// How far the edge is rounded or bevelled, in pixels.
        bevel: f32,
        /// 0 for paint to 1 for polished metal.
        metal: f32,
    },
    /// Cut into what is there.
    Cut {
        /// What the groove is filled with.
        colour: Colour,
        /// Its depth in pixels.
        depth: f32,
    },
    /// Paint with an outline of another colour.
    Outlined {
        /// Inside.
        fill: Colour,
        /// The outline.
        rim: Colour,
        /// The outline's width in pixels.
        width: f32,
    },
}

/// A digit on its place.
#[derive(Clone, Debug)]
pub struct PlacedDigit {
    /// What it shows.
    pub digit: u8,
    stamp: Stamp,
    /// Left, top, right and bottom edge in pixels of the surface.
    pub edges: [f32; 4],
}

impl Number {
    fn shapes(&self) -> Vec<Shape<'_>> {
        // A quarter bowl's pieces should be some pixels long, no less.
        let fineness = (3.0 + self.height / 16.0).min(18.0) as u32;
        let shape = |&digit: &u8| match &self.lettering {
            Lettering::Strokes(style) => Shape::Strokes(Glyph::new(digit, style, fineness)),
            Lettering::Face { three: Some(style), .. } if digit == 3 => {
                Shape::Strokes(Glyph::new(digit, style, fineness))
            }
            &Lettering::Face { ref face, widened, slant, bolder, .. } => {
                Shape::Face { face, digit, widened, slant, bolder }
            }
        };
        self.digits.iter().map(shape).collect()
    }

    /// Width and height of the whole row in pixels.
    pub fn extent(&self) -> (f32, f32) {
        let shapes = self.shapes();
        let gaps = shapes.len().saturating_sub(1) as f32;
        let widths: f32 = shapes.iter().map(Shape::width).sum();
        let slant = shapes.first().map_or(0.0, Shape::slant);
        let across = widths + gaps * self.spacing + slant.abs();
        (across * self.height, (1.0 + gaps * self.fall.abs()) * self.height)
    }

    /// The digits' shapes; `reach` is the number of pixels around them that their shadow may need.
    pub fn placed(&self, surface: &Surface, reach: f32, dice: &mut Dice) -> Vec<PlacedDigit> {
        let mut left = self.left;
        let mut top = self.top;
        let height = self.height;
        self.digits
            .iter()
            .zip(self.shapes())
            .map(|(&digit, shape)| {
                let wobble = self.unsteady;
                let (sin, cos) = libm::sincosf(dice.range(-0.09, 0.09) * wobble);
                let x0 = left + dice.range(-0.03, 0.03) * wobble * height;
                let y0 = top + dice.range(-0.05, 0.05) * wobble * height;
                let width = shape.width() * height;
                let lean = shape.slant() * height;
                let (cx, cy) = (x0 + 0.5 * width, y0 + 0.5 * height);
                let more = sin.abs() * height;
                let (first, last) = shape.rows();
                let edges = [
                    x0 + lean.min(0.0) - more,
                    y0 + first * height - more,
                    x0 + width + lean.max(0.0) + more,
                    y0 + last * height + more,
                ];
                let stamp = Stamp::new(surface, edges, reach + 2.0, |x, y| {
                    let (dx, dy) = (x - cx, y - cy);
                    let (u, v) = (cos * dx + sin * dy, cos * dy - sin * dx);
                    let strokes =
                        shape.distance(u / height + 0.5 * shape.width(), v / height + 0.5);
                    let bridge = 0.5 * self.bridged - (u / height).abs();
                    height * if self.bridged > 0.0 { strokes.max(bridge) } else { strokes }
                });
                left += width + self.spacing * height;
                top += self.fall * height;
                PlacedDigit { digit, stamp, edges }
            })
            .collect()
    }
}

impl PlacedDigit {
    /// About how far a point of the surface is from its outline, negative inside.
    pub fn away(&self, point: [f32; 2]) -> f32 {
        self.stamp.around(point)
    }

    /// Left, top, right and bottom edge of its strokes, as `shown` shows points of the surface.
    pub fn shown(&self, shown: impl Fn([f32; 2]) -> [f32; 2]) -> [f32; 4] {
        let mut edges = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for point in self.stamp.points() {
            let [x, y] = shown(point);
            edges = [edges[0].min(x), edges[1].min(y), edges[2].max(x), edges[3].max(y)];
        }
        edges
    }
}

impl Mount {
    /// The maximum number of pixels around a digit that it changes, for [`Number::placed`].
    pub fn reach(&self, light: &Light) -> f32 {
        match *self {
            Mount::Raised { thickness, .. } => 4.0 + light.shadow(thickness).soft,
            Mount::Outlined { width, .. } => width,
            _ => 0.0,
        }
    }

    fn shadow(&self, light: &Light) -> Option<Shadow> {
        match *self {
            Mount::Raised { thickness, .. } => Some(light.shadow(thickness)),
            _ => None,
        }
    }

    /// Throws the digits' shadows on the surface, which comes before any is drawn: digits side by
    /// side don't stand on each other.
    pub fn shade(&self, surface: &mut Surface, digits: &[PlacedDigit], light: &Light) {
        if let Mount::Raised { thickness, .. } = *self {
            for digit in digits {
                surface.occlude(&digit.stamp, 1.5 + thickness, 0.35);
                surface.cast(&digit.stamp, light.shadow(thickness));
            }
        }
    }

    /// Puts the digits on the surface.
    pub fn draw(&self, surface: &mut Surface, digits: &[PlacedDigit], seed: u32) {
        for digit in digits {
            self.put(surface, digit, seed);
        }
    }

    fn put(&self, surface: &mut Surface, digit: &PlacedDigit, seed: u32) {
        let [_, top, _, bottom] = digit.edges;
        let size = (bottom - top).max(1.0);
        match *self {
            Mount::Painted { colour, wear } => {
                surface.tint(&digit.stamp, |x, y, _, below| {
                    let chips = fractal(9.0 * x / size, 9.0 * y / size, 3, seed);
                    let fresh = 1.0 - ramp(chips, 1.0 - 0.55 * wear, 1.1 - 0.55 * wear);
                    let fade = 1.0 - 0.25 * wear * value(2.0 * x / size, 2.0 * y / size, seed ^ 1);
                    Texel {
                        colour: mix3(below.colour, colour, fresh * fade),
                        gloss: below.gloss.max(0.05),
                        ..below
                    }
                });
            }
            Mount::Raised { colour, thickness, bevel, metal } => {
                let base = surface.mean_relief(&digit.stamp);
                surface.place(&digit.stamp, |x, y, depth| {
                    let (u, v) = (x / size, (y - top) / size);
                    // No finer than pixels can show.
                    let brushed = value(3.0 * u, (0.3 * size).min(70.0) * v, seed);
                    let spots = fractal(5.0 * u, 5.0 * v, 3, seed ^ 2);
                    let mirror = 0.75 + 0.5 * ramp(1.0 - v + 0.3 * (spots - 0.5), 0.2, 0.85);
                    let shade = 1.0
                        + metal * (mirror * (0.9 + 0.2 * brushed) - 1.0)
                        + (1.0 - metal) * 0.16 * (spots - 0.5);
                    let edge = ramp(depth, -0.5, bevel.max(0.6));
                    Texel {
                        colour: colour.map(|c| c * shade * (0.62 + 0.38 * edge)),
                        relief: base + 0.5 * thickness + edge * bevel.max(0.6),
                        gloss: 0.06 + 0.5 * metal,
                    }
                });
            }
            Mount::Cut { colour, depth } => {
                surface.tint(&digit.stamp, |_, _, inside, below| {
                    let wall = ramp(inside, 0.0, 1.0 + 0.6 * depth);
                    Texel {
                        colour: mix3(below.colour.map(|c| 0.5 * c), colour, 0.4 + 0.6 * wall),
                        relief: below.relief - depth * wall,
                        gloss: 0.5 * below.gloss,
                    }
                });
            }
            Mount::Outlined { fill, rim, width } => {
                surface.tint(&digit.stamp, |_, _, inside, below| {
                    let inner = ramp(inside, width - 0.5, width + 0.5);
                    Texel { colour: mix3(rim, fill, inner), ..below }
                });
            }
        }
    }

    /// How much of each pixel of the surface a digit covers, and how much of the sun its shadow
    /// takes there: `cover` holds the larger of what it has and this.
    pub fn cover(
        &self,
        surface: &Surface,
        digit: &PlacedDigit,
        light: &Light,
        cover: &mut [[f32; 2]],
    ) {
        surface.cover(&digit.stamp, self.shadow(light), cover);
    }

    /// How much of each pixel of the surface a digit changes, its shadow included.
    pub fn influence(&self, surface: &Surface, digit: &PlacedDigit, light: &Light) -> Vec<f32> {
        let mut cover = vec![0.0; surface.width * surface.height];
        surface.influence(&digit.stamp, self.shadow(light), &mut cover);
        cover
    }
}
