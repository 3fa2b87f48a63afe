//! Other things on a house front: doors, windows, lamps, leaves.

use super::{
    dice::Dice,
    front::{Plate, PlateKind, screw},
    noise::{fractal, mix, mix3, ramp, value},
    surface::{Colour, Light, Shadow, Stamp, Surface, Texel, capsule, oval, paint, rounded_box},
};

/// Left, top, right and bottom edge in pixels of the surface.
pub type Edges = [f32; 4];

/// `edges` made smaller by `by` on all sides.
fn shrunk(edges: Edges, by: f32) -> Edges {
    [edges[0] + by, edges[1] + by, edges[2] - by, edges[3] - by]
}

/// A board or beam with its shadow: painted wood that is `thick` pixels off the wall. `upright`
/// says which way the grain runs.
pub fn board(
    surface: &mut Surface,
    light: &Light,
    edges: Edges,
    colour: Colour,
    thick: f32,
    upright: bool,
    seed: u32,
) {
    let shadow = light.shadow(thick);
    let stamp = Stamp::new(surface, edges, 8.0 + shadow.soft, |x, y| rounded_box(x, y, edges, 1.5));
    surface.occlude(&stamp, 4.0 + thick, 0.5);
    surface.cast(&stamp, shadow);
    let bevel = (0.4 * thick).clamp(1.5, 7.0);
    surface.place(&stamp, |x, y, depth| {
        let (along, across) = if upright { (y, x) } else { (x, y) };
        let grain = value(0.012 * along, 0.35 * across, seed);
        let age = fractal(0.01 * x, 0.01 * y, 3, seed ^ 5);
        Texel {
            colour: colour.map(|c| c * (0.88 + 0.14 * grain + 0.14 * (age - 0.5))),
            relief: thick + bevel * ramp(depth, 0.0, bevel) + 0.5 * grain,
            gloss: 0.12,
        }
    });
}

/// A hollow in the wall, as of a door or a window: what is outside throws its shadow in.
fn hollow(surface: &mut Surface, light: &Light, edges: Edges, depth: f32) {
    let opening = Stamp::new(surface, edges, 2.0, |x, y| rounded_box(x, y, edges, 0.5));
    surface.sink(&opening, light.shadow(depth), 1.8 * depth, 0.6);
}

/// A door leaf with panels, set back `deep` pixels. `panels` are rectangles in parts of the leaf.
pub fn door(
    surface: &mut Surface,
    light: &Light,
    edges: Edges,
    colour: Colour,
    deep: f32,
    panels: &[Edges],
    seed: u32,
) {
    let [left, top, right, bottom] = edges;
    let leaf = Stamp::new(surface, edges, 1.0, |x, y| rounded_box(x, y, edges, 0.5));
    let bevel = 0.02 * (right - left).min(bottom - top);
    let panels: Vec<Edges> = panels
        .iter()
        .map(|part| {
            let across = |u: f32| mix(left, right, u);
            let down = |v: f32| mix(top, bottom, v);
            [across(part[0]), down(part[1]), across(part[2]), down(part[3])]
        })
        .collect();
    surface.place(&leaf, |x, y, _| {
        let grain = value(0.4 * x, 0.012 * y, seed);
        let age = fractal(0.008 * x, 0.008 * y, 3, seed ^ 1);
        // A moulding: down at a panel's edge, then up again to its field.
        let mut relief = 0.0;
        let mut shade = 1.0;
        for &panel in &panels {
            let inside = -rounded_box(x, y, panel, 1.0);
            relief += bevel
                * (-1.1 * ramp(inside, 0.0, 1.2 * bevel)
                    + 0.9 * ramp(inside, 2.2 * bevel, 5.0 * bevel));
            shade *= 1.0 - 0.35 * ramp(inside, -0.4 * bevel, 0.0) * ramp(-inside, -bevel, 0.0);
        }
        Texel {
            colour: colour.map(|c| c * shade * (0.86 + 0.16 * grain + 0.2 * (age - 0.5))),
            relief: relief + 0.35 * grain,
            gloss: 0.2,
        }
    });
    hollow(surface, light, edges, deep);
}

/// A window, set back `deep` pixels: frame, bars (`columns` x `rows` panes), glass with the sky
/// in it and a curtain behind.
pub fn window(
    surface: &mut Surface,
    light: &Light,
    edges: Edges,
    frame: Colour,
    deep: f32,
    (columns, rows): (u32, u32),
    seed: u32,
) {
    let [left, top, right, bottom] = edges;
    let (width, height) = (right - left, bottom - top);
    let bar = 0.05 * width.min(height);
    let glass = Stamp::new(surface, edges, 1.0, |x, y| rounded_box(x, y, edges, 0.5));
    surface.place(&glass, |x, y, _| {
        let (u, v) = ((x - left) / width, (y - top) / height);
        let folds = value(16.0 * u + 1.5 * value(2.0 * u, 2.0 * v, seed), 0.8 * v, seed ^ 1);
        let drawn = ramp((u - 0.5).abs() + 0.06 * v, 0.2, 0.24);
        let curtain = mix3(
            [0.012, 0.012, 0.014],
            [0.2, 0.19, 0.17].map(|c| c * (0.45 + 0.75 * folds)),
            drawn,
        );
        let clouds = fractal(1.6 * u + 0.4 * v, 1.3 * v, 4, seed ^ 2);
        let roofs = 0.42
            + 0.16 * (6.0 * u + 0.3 * clouds).floor().rem_euclid(2.0) * 0.5
            + 0.05 * value(9.0 * u, 0.0, seed ^ 3);
        let sky = mix3([0.2, 0.27, 0.38], [0.6, 0.62, 0.64], ramp(clouds, 0.4, 0.65));
        let street = [0.035, 0.035, 0.03];
        let mirrored = mix3(sky, street, ramp(v, roofs - 0.01, roofs + 0.012));
        Texel {
            colour: mix3(curtain, mirrored, 0.42),
            relief: 0.6 * value(1.2 * u, 1.2 * v, seed ^ 4),
            gloss: 0.25,
        }
    });
    let mut bars = vec![
        [left, top, right, top + 1.4 * bar],
        [left, bottom - 1.7 * bar, right, bottom],
        [left, top, left + 1.4 * bar, bottom],
        [right - 1.4 * bar, top, right, bottom],
    ];
    for column in 1..columns {
        let x = left + width * column as f32 / columns as f32;
        bars.push([x - 0.45 * bar, top, x + 0.45 * bar, bottom]);
    }
    for row in 1..rows {
        let y = top + height * row as f32 / rows as f32;
        bars.push([left, y - 0.35 * bar, right, y + 0.35 * bar]);
    }
    for (i, edges) in (0u32..).zip(bars) {
        let upright = edges[3] - edges[1] > edges[2] - edges[0];
        board(surface, light, edges, frame, 0.35 * bar, upright, seed ^ i);
    }
    hollow(surface, light, edges, deep);
}

/// A louvred shutter beside a window.
pub fn shutter(surface: &mut Surface, light: &Light, edges: Edges, colour: Colour, seed: u32) {
    let width = edges[2] - edges[0];
    let thick = 0.06 * width;
    board(surface, light, edges, colour, thick, true, seed);
    let slat = 0.11 * width;
    let middle = 0.5 * (edges[1] + edges[3]);
    for field in [[edges[1], middle + 0.05 * width], [middle - 0.05 * width, edges[3]]] {
        let field = shrunk([edges[0], field[0], edges[2], field[1]], 0.14 * width);
        let stamp = Stamp::new(surface, field, 1.0, |x, y| rounded_box(x, y, field, 1.0));
        surface.tint(&stamp, |_, y, depth, below| {
            let t = ((y - field[1]) / slat).rem_euclid(1.0);
            let shade = 0.22 + 0.78 * ramp(t, 0.02, 0.3);
            let edge = 0.5 + 0.5 * ramp(depth, 0.0, 2.0);
            Texel {
                colour: below.colour.map(|c| c * shade * edge),
                relief: thick - 0.3 * slat + 0.55 * slat * t,
                gloss: 0.08,
            }
        });
    }
}

/// A letter slot of brass with its flap.
pub fn letterbox(surface: &mut Surface, light: &Light, edges: Edges, seed: u32) {
    let height = edges[3] - edges[1];
    let brass = paint(0xB8914A);
    Plate {
        kind: PlateKind::Metal,
        edges,
        corner: Some(0.12 * height),
        colour: brass,
        line: None,
        thickness: 0.07 * height,
        screws: 0.0,
        seed,
    }
    .mount(surface, light);
    let flap = [
        edges[0] + 0.45 * height,
        edges[1] + 0.22 * height,
        edges[2] - 0.45 * height,
        edges[3] - 0.2 * height,
    ];
    Plate {
        kind: PlateKind::Metal,
        edges: flap,
        corner: Some(0.06 * height),
        colour: brass.map(|c| 0.92 * c),
        line: Some((brass.map(|c| 0.3 * c), -0.02 * height, 0.04 * height)),
        thickness: 0.08 * height,
        screws: 0.0,
        seed: seed ^ 1,
    }
    .mount(surface, light);
    let middle = 0.5 * (edges[1] + edges[3]);
    for x in [edges[0] + 0.22 * height, edges[2] - 0.22 * height] {
        screw(surface, light, x, middle, 0.07 * height, 0.1 * height, seed ^ 2);
    }
}

/// A round knob or button that projects like half a ball.
pub fn knob(surface: &mut Surface, light: &Light, at: [f32; 2], radius: f32, colour: Colour) {
    let ball = |r: f32| [at[0] - r, at[1] - r, at[0] + r, at[1] + r];
    for (r, thick, shade) in [(1.45 * radius, 0.12 * radius, 0.8), (radius, 0.7 * radius, 1.0)] {
        let edges = ball(r);
        let shadow = light.shadow(thick);
        let stamp = Stamp::new(surface, edges, r + shadow.soft, |x, y| oval(x, y, edges));
        surface.occlude(&stamp, 0.5 * r, 0.5);
        surface.cast(&stamp, shadow);
        surface.place(&stamp, |_, y, depth| {
            let t = (depth / r).clamp(0.0, 1.0);
            let mirror = 0.6 + 0.7 * ramp((at[1] - y) / r, -0.6, 0.7);
            Texel {
                colour: colour.map(|c| c * shade * mirror),
                relief: thick * (1.0 - (1.0 - t) * (1.0 - t)).sqrt() * 1.6,
                gloss: 0.6,
            }
        });
    }
}

/// A pipe down the wall, with brackets.
pub fn pipe(surface: &mut Surface, light: &Light, x: f32, radius: f32, colour: Colour, seed: u32) {
    let height = surface.height as f32;
    let mut part = |edges: Edges, radius: f32, shade: f32| {
        let shadow = light.shadow(1.6 * radius);
        let stamp = Stamp::new(surface, edges, 2.0 * radius + shadow.soft, |x, y| {
            rounded_box(x, y, edges, 1.0)
        });
        surface.occlude(&stamp, 2.0 * radius, 0.45);
        surface.cast(&stamp, shadow);
        surface.place(&stamp, |px, py, _| {
            let t = ((px - x) / radius).clamp(-0.98, 0.98);
            let rust = fractal(0.04 * px, 0.012 * py, 3, seed);
            Texel {
                colour: colour.map(|c| c * shade * (0.82 + 0.36 * rust)),
                relief: radius * (1.0 - t * t).sqrt(),
                gloss: 0.2,
            }
        });
    };
    part([x - radius, -50.0, x + radius, height + 50.0], radius, 1.0);
    for at in [0.22, 0.8] {
        let y = at * height;
        let wide = 1.18 * radius;
        part([x - wide, y - 0.4 * radius, x + wide, y + 0.4 * radius], wide, 0.7);
    }
}

/// A lantern on a bracket; `at` is the middle of its glass, `size` the glass's height.
pub fn lantern(surface: &mut Surface, light: &Light, at: [f32; 2], size: f32, glow: f32) {
    let iron = paint(0x1B1B1D);
    let [x, y] = at;
    let half = |v: f32| (0.27 + 0.1 * (0.5 - v)) * size;
    let off = 0.5 * size;
    // Arm, roof, glass and base as one shape for the shadow.
    let whole = |px: f32, py: f32| {
        let v = (py - y) / size + 0.5;
        let body = ((px - x).abs() - half(v)).max((py - y).abs() - 0.5 * size);
        let roof = ((px - x).abs() - 0.44 * size * ramp(v, -0.38, 0.0).max(0.12))
            .max(-v * size - 0.36 * size)
            .max((v - 0.03) * size);
        let foot = rounded_box(
            px,
            py,
            [x - 0.28 * size, y + 0.46 * size, x + 0.28 * size, y + 0.58 * size],
            0.03 * size,
        );
        let tip = oval(px, py, [x - 0.06 * size, y - 0.98 * size, x + 0.06 * size, y - 0.8 * size]);
        let stem = capsule(px, py, [x, y + 0.55 * size], [x, y + 0.85 * size], 0.05 * size);
        body.min(roof).min(foot).min(tip).min(stem)
    };
    let bounds = [x - 0.5 * size, y - size, x + 0.5 * size, y + size];
    let shadow = light.shadow(off);
    let stamp = Stamp::new(surface, bounds, 8.0 + shadow.soft, whole);
    let foot = [x - 0.16 * size, y + 0.7 * size, x + 0.16 * size, y + 1.15 * size];
    let plate = Stamp::new(surface, foot, 8.0, |px, py| rounded_box(px, py, foot, 0.1 * size));
    let metal = |px: f32, depth: f32| {
        let round = ramp(depth, 0.0, 0.06 * size);
        let side = 0.8 + 0.5 * ramp((x - px) / size, -0.4, 0.3);
        Texel { colour: iron.map(|c| c * side), relief: 0.06 * size * round, gloss: 0.45 }
    };
    surface.cast(&plate, light.shadow(0.05 * size));
    surface.place(&plate, |px, _, depth| metal(px, depth));
    surface.cast(&stamp, shadow);
    surface.place(&stamp, |px, _, depth| metal(px, depth));
    // Four panes, of which two are seen.
    for (from, to) in [(-0.9, -0.12), (-0.04, 0.9)] {
        let pane = Stamp::new(surface, bounds, 1.0, |px, py| {
            let v = (py - y) / size + 0.5;
            let u = (px - x) / half(v);
            let sides = (from - u).max(u - to) * half(v);
            sides.max((0.06 - v) * size).max((v - 0.94) * size)
        });
        surface.tint(&pane, |px, py, _, _| {
            let v = (py - y) / size + 0.5;
            let warm = glow * (1.0 - 1.1 * ((v - 0.55).abs() + (px - x).abs() / size)).max(0.1);
            let sheen = 0.2
                + 0.3
                    * ramp(v + 0.6 * (px - x) / size, 0.25, 0.3)
                    * ramp(-v - 0.6 * (px - x) / size, -0.62, -0.57);
            let tone = if from < -0.5 { 1.0 } else { 0.75 };
            Texel {
                colour: [
                    tone * (sheen + 1.9 * warm),
                    tone * (sheen + 1.35 * warm),
                    tone * (1.05 * sheen + 0.6 * warm),
                ],
                relief: 0.0,
                gloss: 0.4,
            }
        });
    }
}

/// Leaves scattered with `density` (0 to 1 at a point), `size` pixels long, each with its shadow,
/// those drawn last on top.
pub fn leaves(
    surface: &mut Surface,
    light: &Light,
    count: u32,
    size: f32,
    colour: Colour,
    dice: &mut Dice,
    density: impl Fn(f32, f32) -> f32,
) {
    let (width, height) = (surface.width as f32, surface.height as f32);
    for n in 0..count {
        let (x, y) = (dice.range(-size, width + size), dice.range(-size, height + size));
        let chosen = dice.unit();
        let (sin, cos) = libm::sincosf(dice.range(-2.4, 0.8));
        let long = size * dice.range(0.6, 1.15);
        let broad = long * dice.range(0.26, 0.4);
        let lift = size * dice.range(0.1, 0.6);
        let fresh = dice.near(colour, 0.4);
        let fold = dice.range(-0.5, 0.5);
        if chosen > density(x, y) {
            continue;
        }
        // Leaves underneath get less light.
        let depth = 0.45 + 0.55 * n as f32 / count as f32;
        let bounds = [x - 0.6 * long, y - 0.6 * long, x + 0.6 * long, y + 0.6 * long];
        let shadow = Shadow { strength: 0.65, ..light.shadow(lift) };
        let turned = |px: f32, py: f32| {
            let (dx, dy) = (px - x, py - y);
            (cos * dx + sin * dy, cos * dy - sin * dx)
        };
        let stamp = Stamp::new(surface, bounds, 2.0 + 0.5 * shadow.soft, |px, py| {
            let (u, v) = turned(px, py);
            // A lens with a point at each end, broader towards the stalk.
            let t = (u / (0.5 * long)).clamp(-1.0, 1.0);
            let half = 0.5 * broad * 2.0 * (1.0 - t * t) * (1.0 - 0.25 * t);
            (v.abs() - half).max(u.abs() - 0.5 * long) * 0.9
        });
        surface.cast(&stamp, shadow);
        surface.place(&stamp, |px, py, inside| {
            let (u, v) = turned(px, py);
            let rib = 1.0 - 0.3 * (1.0 - ramp(v.abs(), 0.3, 0.06 * long));
            let side = 1.0 + 0.22 * fold * (if v > 0.0 { 1.0 } else { -1.0 });
            let ribs = 0.94 + 0.06 * ramp((9.0 * (u.abs() + v.abs()) / long).fract(), 0.1, 0.4);
            Texel {
                colour: fresh.map(|c| c * depth * rib * side * ribs),
                relief: fold * v.abs() + 0.12 * broad * ramp(inside, 0.0, 0.5 * broad),
                gloss: 0.16 * depth,
            }
        });
    }
}

/// A ledge of stone across the front: a sill, a step, the top of a plinth.
pub fn ledge(surface: &mut Surface, light: &Light, edges: Edges, colour: Colour, seed: u32) {
    let height = edges[3] - edges[1];
    let shadow = light.shadow(0.9 * height);
    let stamp = Stamp::new(surface, edges, 10.0 + shadow.soft, |x, y| {
        rounded_box(x, y, edges, 0.08 * height)
    });
    surface.occlude(&stamp, 0.8 * height, 0.5);
    surface.cast(&stamp, shadow);
    surface.place(&stamp, |x, y, depth| {
        let cloud = fractal(0.02 * x, 0.03 * y, 4, seed);
        let grit = value(0.5 * x, 0.5 * y, seed ^ 1);
        // The upper face catches the sky.
        let face = mix(1.18, 0.86, ramp((y - edges[1]) / height, 0.22, 0.32));
        Texel {
            colour: colour.map(|c| c * face * (0.74 + 0.4 * cloud + 0.12 * grit)),
            relief: 3.0 * ramp(depth, 0.0, 4.0) + 0.8 * grit,
            gloss: 0.03,
        }
    });
}
