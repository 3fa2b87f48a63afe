//! The digits 0 to 9 as strokes of our own: a skeleton in a unit box, followed by a pen whose
//! thickness depends on its direction, so that one skeleton gives thin signs and fat ones,
//! upright and slanted, sans and serif.
//!
//! A [`Glyph`] answers how far a point is from its outline. That one number is enough for
//! smooth edges, bevels, outlines, engraving and cast shadows.

use super::dice::Dice;

/// How digits look. Lengths are parts of a digit's height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DigitStyle {
    /// Width of a 0, 0.35 to 0.85; other digits follow it.
    pub width: f32,
    /// Thickness of upright strokes, 0.05 to 0.3.
    pub stem: f32,
    /// Thickness of level strokes, 0.03 to 0.25.
    pub hair: f32,
    /// Columns that the top leans over the bottom to the right, -0.1 to 0.35.
    pub slant: f32,
    /// Exponent of the bowls' superellipses: 2 round, 4 nearly square.
    pub squareness: f32,
    /// Strokes end in half circles instead of straight cuts.
    pub round_caps: bool,
    /// Length of the serifs beyond the stroke, 0 (none) to 0.12.
    pub serif: f32,
    /// Radius of the balls at the ends of curves, 0 (none) to 0.12.
    pub ball: f32,
    /// Where the two halves of 3 and 8 meet, 0.42 to 0.52 of the way down.
    pub waist: f32,
    /// How far curves stay open, 0 (nearly closed) to 1.
    pub aperture: f32,
    /// Degrees by which the free ends of curves curl in further, 0 to 50.
    pub curl: f32,
    /// The variants of single digits.
    pub forms: DigitForms,
}

/// Which of a digit's common forms is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigitForms {
    /// A 1 on a base.
    pub footed_one: bool,
    /// A 1 that is a mere stroke.
    pub plain_one: bool,
    /// A 2 whose foot is a wave.
    pub wavy_two: bool,
    /// A 3 with a flat top.
    pub flat_three: bool,
    /// A 4 whose strokes don't meet at the top.
    pub open_four: bool,
    /// A 6 and a 9 with a nearly straight stroke.
    pub straight_six: bool,
    /// A 7 whose stroke bends.
    pub curved_seven: bool,
    /// A 7 with a bar across.
    pub crossed_seven: bool,
}

impl DigitForms {
    /// The forms most signs have.
    pub const PLAIN: Self = DigitForms {
        footed_one: false,
        plain_one: false,
        wavy_two: false,
        flat_three: false,
        open_four: false,
        straight_six: false,
        curved_seven: false,
        crossed_seven: false,
    };
}

impl DigitStyle {
    /// A sober sans serif.
    pub const SANS: Self = DigitStyle {
        width: 0.56,
        stem: 0.14,
        hair: 0.125,
        slant: 0.0,
        squareness: 2.25,
        round_caps: false,
        serif: 0.0,
        ball: 0.0,
        waist: 0.47,
        aperture: 0.5,
        curl: 0.0,
        forms: DigitForms::PLAIN,
    };

    /// Fat and thin strokes, serifs and balls, as cast in brass.
    pub const SERIF: Self = DigitStyle {
        width: 0.58,
        stem: 0.17,
        hair: 0.06,
        slant: 0.0,
        squareness: 2.1,
        round_caps: false,
        serif: 0.07,
        ball: 0.075,
        waist: 0.46,
        aperture: 0.6,
        curl: 0.0,
        forms: DigitForms { footed_one: true, ..DigitForms::PLAIN },
    };

    /// A style at random of the digits that enamel plates have had for a century: thick and thin
    /// strokes that end in balls, a 3 with a flat top, a 2 on a wave.
    pub fn enamel(dice: &mut Dice) -> Self {
        let stem = dice.range(0.12, 0.21);
        DigitStyle {
            width: dice.range(0.46, 0.66).max(2.5 * stem),
            stem,
            hair: stem * dice.range(0.3, 0.6),
            slant: 0.0,
            squareness: dice.range(2.0, 2.4),
            round_caps: false,
            serif: dice.range(0.03, 0.08),
            ball: stem * dice.range(0.45, 0.65),
            waist: dice.range(0.42, 0.48),
            aperture: dice.range(0.0, 0.6),
            curl: if dice.chance(0.7) { dice.range(0.0, 45.0) } else { 0.0 },
            forms: DigitForms {
                footed_one: dice.chance(0.9),
                plain_one: false,
                wavy_two: dice.chance(0.7),
                flat_three: dice.chance(0.6),
                open_four: false,
                straight_six: false,
                curved_seven: dice.chance(0.75),
                crossed_seven: false,
            },
        }
    }

    /// A style for a 3 with a flat top, to be used with digits of a typeface, `width` wide and with
    /// strokes `stem` thick.
    pub fn flat_three(dice: &mut Dice, width: f32, stem: f32, slant: f32) -> Self {
        let stem = stem.clamp(0.05, 0.4 * width);
        let forms = DigitForms { flat_three: true, ..DigitForms::PLAIN };
        let style = DigitStyle { width, stem, hair: 0.9 * stem, slant, forms, ..Self::SANS };
        if dice.chance(0.35) {
            return style;
        }
        DigitStyle {
            hair: stem * dice.range(0.35, 0.8),
            serif: dice.range(0.02, 0.08),
            ball: stem * dice.range(0.4, 0.6),
            curl: dice.range(1.0, 40.0),
            ..style
        }
    }

    /// A style at random, as varied as house numbers are.
    pub fn random(dice: &mut Dice) -> Self {
        let family = dice.below(10);
        let stem = if dice.chance(0.15) { dice.range(0.07, 0.1) } else { dice.range(0.1, 0.22) };
        let mut style = DigitStyle {
            width: dice.range(0.46, 0.72).max(2.3 * stem),
            stem,
            hair: stem * dice.range(0.78, 1.0),
            slant: if dice.chance(0.15) { dice.range(0.08, 0.3) } else { 0.0 },
            squareness: dice.range(2.0, 2.6),
            round_caps: dice.chance(0.2),
            serif: 0.0,
            ball: 0.0,
            waist: dice.range(0.44, 0.5),
            aperture: dice.range(0.2, 0.9),
            curl: 0.0,
            forms: DigitForms {
                footed_one: dice.chance(0.15),
                plain_one: dice.chance(0.12),
                wavy_two: false,
                flat_three: dice.chance(0.08),
                open_four: dice.chance(0.12),
                straight_six: dice.chance(0.25),
                curved_seven: dice.chance(0.3),
                crossed_seven: dice.chance(0.06),
            },
        };
        match family {
            // Serif faces, from mild to strong contrast.
            0..=2 => {
                style.hair = stem * dice.range(0.35, 0.7);
                style.serif = dice.range(0.04, 0.09);
                style.ball = if dice.chance(0.6) { stem * dice.range(0.42, 0.55) } else { 0.0 };
                style.round_caps = false;
                style.forms.footed_one = dice.chance(0.8);
                style.forms.plain_one = false;
            }
            // Narrow, squarish road-sign faces.
            3 | 4 => {
                style.width = dice.range(0.4, 0.5).max(2.4 * stem);
                style.squareness = dice.range(2.8, 4.0);
            }
            _ => {}
        }
        style
    }
}

/// A straight piece of stroke.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from: [f32; 2],
    along: [f32; 2],
    length: f32,
    radius_from: f32,
    radius_to: f32,
    end_from: Cap,
    end_to: Cap,
}

/// What a piece of stroke has at an end.
#[derive(Clone, Copy, Debug)]
enum Cap {
    /// A half circle.
    Round,
    /// A straight cut, so far beyond the end.
    Cut(f32),
    /// The next piece, into which this one runs so far.
    Joint(f32),
}

impl Piece {
    fn distance(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.from[0], y - self.from[1]);
        let along = dx * self.along[0] + dy * self.along[1];
        let across = (dx * self.along[1] - dy * self.along[0]).abs();
        let t = (along / self.length).clamp(0.0, 1.0);
        let radius = self.radius_from + (self.radius_to - self.radius_from) * t;
        let (past, cap) = if 2.0 * along < self.length {
            (-along, self.end_from)
        } else {
            (along - self.length, self.end_to)
        };
        match cap {
            Cap::Round => {
                let past = past.max(0.0);
                (across * across + past * past).sqrt() - radius
            }
            Cap::Cut(beyond) => outside_corner(past - beyond, across - radius),
            // A joint is not an edge: one leaves the stroke across it.
            Cap::Joint(beyond) if past <= beyond => across - radius,
            Cap::Joint(beyond) => outside_corner(past - beyond, across - radius),
        }
    }
}

/// The distance from a corner whose two edges are this far away; negative inside both.
fn outside_corner(a: f32, b: f32) -> f32 {
    if a > 0.0 && b > 0.0 { (a * a + b * b).sqrt() } else { a.max(b) }
}

/// One digit's shape: its height is 1, its left edge at x = 0, its top at y = 0, y down.
#[derive(Clone, Debug)]
pub struct Glyph {
    width: f32,
    slant: f32,
    pieces: Vec<Piece>,
    balls: Vec<([f32; 2], f32)>,
}

impl Glyph {
    /// The shape of a digit; anything above 9 is drawn as its last decimal.
    ///
    /// `fineness` is the number of straight pieces a quarter of a bowl is made of, at least 2; 5
    /// are enough for a digit 40 pixels tall, 14 for one of 300.
    pub fn new(digit: u8, style: &DigitStyle, fineness: u32) -> Self {
        let mut pen = Pen::new(style, fineness.max(2));
        match digit % 10 {
            0 => pen.zero(),
            1 => pen.one(),
            2 => pen.two(),
            3 => pen.three(),
            4 => pen.four(),
            5 => pen.five(),
            6 => pen.six(),
            7 => pen.seven(),
            8 => pen.eight(),
            _ => {
                pen.turned = true;
                pen.six();
            }
        }
        Glyph { width: pen.width, slant: style.slant, pieces: pen.pieces, balls: pen.balls }
    }

    /// How wide the glyph is without its slant.
    pub fn width(&self) -> f32 {
        self.width
    }

    /// How far the slant moves the top to the right.
    pub fn slant(&self) -> f32 {
        self.slant
    }

    /// How far a point is from the outline: negative inside, in parts of the height.
    pub fn distance(&self, x: f32, y: f32) -> f32 {
        let x = x - self.slant * (1.0 - y);
        let pieces = self.pieces.iter().map(|piece| piece.distance(x, y));
        let balls = self.balls.iter().map(|(centre, radius)| {
            let (dx, dy) = (x - centre[0], y - centre[1]);
            (dx * dx + dy * dy).sqrt() - radius
        });
        let strokes = pieces.chain(balls).fold(f32::MAX, f32::min);
        // Strokes that run out of the box at a slope are cut off level with it.
        let beyond = (-y).max(y - 1.0).max(-x).max(x - self.width);
        strokes.max(beyond)
    }
}

/// Draws skeletons. Positions are parts of the box that the middle of the pen moves in.
struct Pen {
    style: DigitStyle,
    fineness: u32,
    width: f32,
    /// Drawn upside down: a 9 is a 6.
    turned: bool,
    pieces: Vec<Piece>,
    balls: Vec<([f32; 2], f32)>,
}

/// How a stroke ends.
#[derive(Clone, Copy)]
enum End {
    /// As the style's strokes end.
    Free,
    /// At a corner with another stroke, which it runs into.
    Corner,
}

impl Pen {
    fn new(style: &DigitStyle, fineness: u32) -> Self {
        Pen {
            style: *style,
            fineness,
            width: style.width,
            turned: false,
            pieces: Vec::new(),
            balls: Vec::new(),
        }
    }

    fn point(&self, u: f32, v: f32) -> [f32; 2] {
        let (u, v) = if self.turned { (1.0 - u, 1.0 - v) } else { (u, v) };
        let (stem, hair) = (self.style.stem, self.style.hair);
        [0.5 * stem + u * (self.width - stem), 0.5 * hair + v * (1.0 - hair)]
    }

    /// Half the pen's thickness when it moves in a direction (a unit vector).
    fn radius(&self, along: [f32; 2]) -> f32 {
        let (across, down) = (self.style.hair * along[0], self.style.stem * along[1]);
        0.5 * (across * across + down * down).sqrt()
    }

    fn stroke(&mut self, points: &[[f32; 2]], start: End, end: End) {
        let corner = 0.5 * self.style.hair.max(self.style.stem);
        let cap = |end| match end {
            End::Free if self.style.round_caps => Cap::Round,
            End::Free => Cap::Cut(0.0),
            End::Corner => Cap::Cut(corner),
        };
        let legs: Vec<([f32; 2], [f32; 2], f32)> = points
            .windows(2)
            .filter_map(|pair| {
                let &[from, to] = pair else { return None };
                let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
                let length = (dx * dx + dy * dy).sqrt();
                (length > 1e-5).then(|| (from, [dx / length, dy / length], length))
            })
            .collect();
        let radii: Vec<f32> = legs.iter().map(|leg| self.radius(leg.1)).collect();
        // Where two pieces meet, the thickness is the mean of theirs and the outer side of the
        // bend is covered by running on a little.
        let joint = |i: usize| -> Option<(f32, f32)> {
            let (a, b) = (legs.get(i)?, legs.get(i + 1)?);
            let radius = 0.5 * (radii.get(i)? + radii.get(i + 1)?);
            let cos = (a.1[0] * b.1[0] + a.1[1] * b.1[1]).clamp(-1.0, 1.0);
            // The tangent of half the angle of the bend; at most that of a right angle.
            let bend = ((1.0 - cos) / (1.0 + cos).max(0.01)).sqrt().min(1.0);
            Some((radius, radius * bend))
        };
        for (i, (leg, &radius)) in legs.iter().zip(&radii).enumerate() {
            let before = i.checked_sub(1).and_then(joint);
            let after = joint(i);
            self.pieces.push(Piece {
                from: leg.0,
                along: leg.1,
                length: leg.2,
                radius_from: before.map_or(radius, |(radius, _)| radius),
                radius_to: after.map_or(radius, |(radius, _)| radius),
                end_from: before.map_or_else(|| cap(start), |(_, more)| Cap::Joint(more)),
                end_to: after.map_or_else(|| cap(end), |(_, more)| Cap::Joint(more)),
            });
        }
    }

    fn line(&mut self, from: (f32, f32), to: (f32, f32), start: End, end: End) {
        let points = [self.point(from.0, from.1), self.point(to.0, to.1)];
        self.stroke(&points, start, end);
    }

    /// Points on a superellipse from one angle to another; degrees, 0 to the right, 90 down.
    fn bowl(&self, centre: (f32, f32), radii: (f32, f32), from: f32, to: f32) -> Vec<[f32; 2]> {
        let steps = ((to - from).abs() / 90.0 * self.fineness as f32).ceil().max(1.0) as u32;
        let power = 2.0 / self.style.squareness;
        let bent = |c: f32| if c < 0.0 { -libm::powf(-c, power) } else { libm::powf(c, power) };
        (0..=steps)
            .map(|step| {
                let degrees = from + (to - from) * step as f32 / steps as f32;
                let (sin, cos) = libm::sincosf(degrees * std::f32::consts::PI / 180.0);
                self.point(centre.0 + radii.0 * bent(cos), centre.1 + radii.1 * bent(sin))
            })
            .collect()
    }

    /// Points on a cubic Bezier curve.
    fn curve(&self, corners: [(f32, f32); 4]) -> Vec<[f32; 2]> {
        let [a, b, c, d] = corners.map(|(u, v)| self.point(u, v));
        let steps = self.fineness + 3;
        (0..=steps)
            .map(|step| {
                let t = step as f32 / steps as f32;
                let s = 1.0 - t;
                let weights = [s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t];
                let at = |axis: usize| {
                    weights[0] * a[axis]
                        + weights[1] * b[axis]
                        + weights[2] * c[axis]
                        + weights[3] * d[axis]
                };
                [at(0), at(1)]
            })
            .collect()
    }

    fn ball(&mut self, at: Option<&[f32; 2]>) {
        if let Some(&[x, y]) = at.filter(|_| self.style.ball > 0.0) {
            let r = self.style.ball;
            // Kept inside the box, which would flatten it.
            let inside = |c: f32, end: f32| c.clamp(r.min(0.5 * end), (end - r).max(0.5 * end));
            self.balls.push(([inside(x, self.width), inside(y, 1.0)], r));
        }
    }

    /// A serif: a level bar around a point at the top or bottom.
    fn level_serif(&mut self, u: f32, v: f32) {
        let [x, y] = self.point(u, v);
        let reach = 0.5 * self.style.stem + self.style.serif;
        self.stroke(&[[x - reach, y], [x + reach, y]], End::Free, End::Free);
    }

    /// A serif: an upright tick from a point at a bar's end, up or down.
    fn tick(&mut self, u: f32, v: f32, down: f32) {
        let [x, y] = self.point(u, v);
        let reach = down * (0.5 * self.style.hair + self.style.serif);
        let stem = self.style.stem;
        self.style.stem = self.style.hair.max(0.6 * stem);
        self.stroke(&[[x, y], [x, y + reach]], End::Corner, End::Free);
        self.style.stem = stem;
    }

    fn zero(&mut self) {
        let points = self.bowl((0.5, 0.5), (0.5, 0.5), 0.0, 360.0);
        self.closed(&points);
    }

    /// A stroke that ends where it starts, smoothly.
    fn closed(&mut self, points: &[[f32; 2]]) {
        let start = self.pieces.len();
        self.stroke(points, End::Corner, End::Corner);
        let Some(inner) = self.pieces.get(start + 1).map(|piece| piece.end_from) else { return };
        if let Some(first) = self.pieces.get_mut(start) {
            first.end_from = inner;
        }
        if let Some(last) = self.pieces.last_mut() {
            last.end_to = inner;
        }
    }

    fn one(&mut self) {
        let (stem, serif) = (self.style.stem, self.style.serif);
        if self.style.forms.plain_one {
            self.width = stem;
            self.line((0.5, 0.0), (0.5, 1.0), End::Corner, End::Corner);
            return;
        }
        let footed = self.style.forms.footed_one;
        self.width = (self.style.width * if footed { 0.78 } else { 0.62 }).max(1.8 * stem);
        let u = if footed { 0.55 } else { 1.0 };
        self.line((u, 0.0), (u, 1.0), End::Corner, End::Corner);
        // The flag is thinner, and cut off level with the top.
        let full = std::mem::replace(&mut self.style.stem, stem * 0.8);
        let flag = if serif > 0.0 { 0.14 } else { 0.25 };
        // Without a foot the flag makes the left edge, and is cut off level with it.
        let (left, end) = if footed { (0.08, End::Free) } else { (0.0, End::Corner) };
        self.line((left, flag), (u, 0.02), end, End::Corner);
        self.style.stem = full;
        if footed {
            self.line((0.0, 1.0), (1.0, 1.0), End::Corner, End::Corner);
        }
    }

    fn two(&mut self) {
        let top = 0.285;
        let open = 178.0 + 22.0 * self.style.aperture - self.style.curl;
        let mut points = self.bowl((0.5, top), (0.48, top), open, 360.0);
        self.ball(points.first());
        let run = self.curve([(0.98, top), (0.98, 0.52), (0.5, 0.66), (0.0, 1.0)]);
        points.extend(run.get(1..).unwrap_or_default());
        self.stroke(&points, End::Free, End::Corner);
        if self.style.forms.wavy_two {
            let hair = std::mem::replace(&mut self.style.hair, 0.8 * self.style.stem);
            let foot = self.curve([(0.0, 1.0), (0.3, 0.84), (0.62, 1.12), (1.0, 0.86)]);
            self.stroke(&foot, End::Corner, End::Free);
            self.style.hair = hair;
            return;
        }
        self.line((0.0, 1.0), (1.0, 1.0), End::Corner, End::Corner);
        if self.style.serif > 0.0 {
            self.tick(1.0, 1.0, -1.0);
        }
    }

    fn three(&mut self) {
        let waist = self.style.waist;
        let open = 20.0 * self.style.aperture - self.style.curl;
        if self.style.forms.flat_three {
            let high = 0.4;
            self.line((0.04, 0.0), (0.96, 0.0), End::Free, End::Corner);
            if self.style.serif > 0.0 && self.style.curl > 0.0 {
                self.tick(0.04, 0.0, 1.0);
            }
            let mut points = vec![self.point(0.96, 0.0)];
            points.extend(self.bowl(
                (0.48, 0.5 * (1.0 + high)),
                (0.52, 0.5 * (1.0 - high)),
                258.0,
                542.0 - open,
            ));
            if self.style.curl > 0.0 {
                self.ball(points.last());
            }
            self.stroke(&points, End::Corner, End::Free);
            return;
        }
        let upper = self.bowl((0.48, 0.5 * waist), (0.46, 0.5 * waist), 186.0 + open, 450.0);
        let lower = self.bowl(
            (0.48, 0.5 * (1.0 + waist)),
            (0.52, 0.5 * (1.0 - waist)),
            270.0,
            535.0 - open,
        );
        self.ball(upper.first());
        self.ball(lower.last());
        self.stroke(&upper, End::Free, End::Corner);
        self.stroke(&lower, End::Corner, End::Free);
        self.line((0.3, waist), (0.5, waist), End::Free, End::Free);
    }

    fn four(&mut self) {
        self.width = self.style.width * 1.06;
        let (stem_u, bar) = (0.74, 0.7);
        self.line((0.0, bar), (1.0, bar), End::Corner, End::Corner);
        if self.style.forms.open_four {
            self.line((stem_u, 0.3), (stem_u, 1.0), End::Free, End::Corner);
            self.line((0.42, 0.0), (0.0, bar), End::Corner, End::Free);
        } else {
            self.line((stem_u, 0.0), (stem_u, 1.0), End::Corner, End::Corner);
            self.line((stem_u, 0.0), (0.0, bar), End::Free, End::Free);
        }
        if self.style.serif > 0.0 {
            self.level_serif(stem_u, 1.0);
        }
    }

    fn five(&mut self) {
        self.line((0.12, 0.0), (0.9, 0.0), End::Corner, End::Free);
        if self.style.serif > 0.0 {
            self.tick(0.9, 0.0, -1.0);
        }
        let bowl = self.bowl(
            (0.47, 0.675),
            (0.53, 0.325),
            222.0,
            532.0 - 18.0 * self.style.aperture + self.style.curl,
        );
        self.ball(bowl.last());
        let top = self.point(0.12, 0.0);
        if let Some(&start) = bowl.first() {
            // The downstroke is thinner where serif faces have contrast.
            self.stroke(&[top, start], End::Corner, End::Corner);
        }
        self.stroke(&bowl, End::Free, End::Free);
    }

    fn six(&mut self) {
        let bowl = self.bowl((0.5, 0.68), (0.5, 0.32), 0.0, 360.0);
        self.closed(&bowl);
        let points = if self.style.forms.straight_six {
            self.curve([(0.72, 0.0), (0.42, 0.26), (0.04, 0.42), (0.0, 0.66)])
        } else {
            let open = 318.0 - 14.0 * self.style.aperture + 0.6 * self.style.curl;
            let mut points = self.bowl((0.52, 0.5), (0.52, 0.5), open, 180.0);
            points.push(self.point(0.0, 0.68));
            points
        };
        let end = if self.style.forms.straight_six { End::Corner } else { End::Free };
        if !self.style.forms.straight_six {
            self.ball(points.first());
        }
        self.stroke(&points, end, End::Free);
    }

    fn seven(&mut self) {
        self.line((0.0, 0.0), (1.0, 0.0), End::Corner, End::Corner);
        if self.style.serif > 0.0 {
            self.tick(0.0, 0.0, 1.0);
        }
        let points = if self.style.forms.curved_seven {
            self.curve([(1.0, 0.0), (0.66, 0.32), (0.38, 0.62), (0.36, 1.0)])
        } else {
            vec![self.point(1.0, 0.0), self.point(0.3, 1.0)]
        };
        self.stroke(&points, End::Free, End::Corner);
        if self.style.forms.crossed_seven {
            self.line((0.2, 0.52), (0.92, 0.52), End::Free, End::Free);
        }
    }

    fn eight(&mut self) {
        let waist = self.style.waist;
        for (centre, radii) in [
            ((0.5, 0.5 * waist), (0.44, 0.5 * waist)),
            ((0.5, 0.5 * (1.0 + waist)), (0.5, 0.5 * (1.0 - waist))),
        ] {
            let bowl = self.bowl(centre, radii, 0.0, 360.0);
            self.closed(&bowl);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of the glyph's box that is ink, and whether its outline reaches all four edges.
    fn measured(glyph: &Glyph) -> (f32, bool) {
        let (columns, rows) = (60, 100);
        let inked = |x: i32, y: i32| {
            let u = (x as f32 + 0.5) / columns as f32 * glyph.width();
            glyph.distance(u, (y as f32 + 0.5) / rows as f32) < 0.0
        };
        let ink = (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y)));
        let share = ink.filter(|&(x, y)| inked(x, y)).count() as f32 / (columns * rows) as f32;
        let reaches = (0..columns).any(|x| inked(x, 1))
            && (0..columns).any(|x| inked(x, rows - 2))
            && (0..rows).any(|y| inked(2, y))
            && (0..rows).any(|y| inked(columns - 3, y));
        (share, reaches)
    }

    #[test]
    fn every_digit_of_every_style_fills_its_box_with_strokes() {
        let mut dice = Dice::new(1);
        for _ in 0..60 {
            let style = DigitStyle { slant: 0.0, ..DigitStyle::random(&mut dice) };
            for digit in 0..10 {
                let (share, reaches) = measured(&Glyph::new(digit, &style, 8));
                let plain_one = digit == 1 && style.forms.plain_one;
                assert!((0.1..0.85).contains(&share) || plain_one, "{digit}: {share} {style:?}");
                assert!(reaches, "{digit} leaves an edge of its box bare: {style:?}");
            }
        }
    }

    #[test]
    fn bowls_are_hollow_and_strokes_are_as_thick_as_the_style_says() {
        let zero = Glyph::new(0, &DigitStyle::SANS, 12);
        assert!(zero.distance(0.5 * zero.width(), 0.5) > 0.1, "the middle of a 0 is empty");
        let depth = zero.distance(0.5 * DigitStyle::SANS.stem, 0.5);
        let half = 0.5 * DigitStyle::SANS.stem;
        assert!((depth + half).abs() < 0.01, "{depth} in the middle of a stem of {half} x 2");
    }

    #[test]
    fn nine_is_six_turned() {
        let (six, nine) =
            (Glyph::new(6, &DigitStyle::SANS, 8), Glyph::new(9, &DigitStyle::SANS, 8));
        for (x, y) in [(0.1, 0.2), (0.3, 0.7), (0.5, 0.9), (0.2, 0.45)] {
            let turned = nine.distance(nine.width() - x, 1.0 - y);
            assert!((six.distance(x, y) - turned).abs() < 1e-4, "at {x}, {y}");
        }
    }
}
