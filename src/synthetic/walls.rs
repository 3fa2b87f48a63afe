//! Draws numbers on real street photos, on parts that show no number.
//!
//! Drawn fronts look drawn: a network that learned from them alone misses strokes on sharp brick,
//! corrugated concrete or lattice. Here the wall, its light and the camera are those of a real
//! photo, and the truth is still known: the photo without the digits, their strokes and their
//! shadow.
//!
//! The photo is put on a [`Surface`] as the camera sees it, and plates and digits are put on that.
//! What they cover, reflect and shade is projected back through perspective and lens onto the
//! photo. So the wall itself is never resampled, and remains as sharp as before.

use std::path::PathBuf;

use image::{GrayImage, RgbImage};

use super::{
    Masks, Scene,
    camera::{Camera, Field},
    dice::Dice,
    jpeg::Jpeg,
    noise::gauss,
    number::{Mount, PlacedDigit},
    street::{Plan, REACH, Setting, owners, random_digits, random_lettering, random_light, seen},
    surface::{Colour, Surface, Texel},
    typefaces::Typefaces,
};
use crate::{
    dataset::format1::Digit,
    fault::{AtFault, Fault},
    files::read_regular,
    photo::{BoxInPhoto, MAX_FILE_BYTES, Photo, PhotoError, PhotoSize},
};

/// A photo to draw on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wall {
    /// The photo's file.
    pub path: PathBuf,
    /// Where it shows numbers: nothing is drawn there, nor taken from there.
    pub numbers: Vec<BoxInPhoto>,
}

/// Photos to draw on, at least one.
#[derive(Clone, Debug)]
pub struct Walls {
    walls: Vec<Wall>,
}

/// Why numbers cannot be drawn on photos.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WallError {
    /// There are no photos.
    #[error("there is no photo to draw on")]
    None,
    /// A photo cannot be read from disk.
    #[error("{}", path.display())]
    File {
        /// The photo.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A photo cannot be decoded.
    #[error("{}", path.display())]
    Photo {
        /// The photo.
        path: PathBuf,
        /// What is wrong with it.
        source: PhotoError,
    },
    /// No photo has room for a number.
    #[error(
        "no room for a number in {tries} of the photos: each is smaller than \
         {LEAST_SIDE} x {LEAST_SIDE} pixels, or full of numbers"
    )]
    NoRoom {
        /// Photos that were tried.
        tries: usize,
    },
}

impl AtFault for WallError {
    fn fault(&self) -> Fault {
        Fault::Input
    }
}

/// Photos with a shorter side than this, in pixels, have no room for a number.
pub const LEAST_SIDE: u32 = 48;

/// Heights of digits, in pixels.
const HEIGHTS: [f32; 2] = [12.0, 600.0];

/// Margins with which the drawn part is cut out, in heights of a digit.
const MARGINS: [f32; 2] = [0.5, 1.7];

/// Places tried in a photo before another one is taken, and photos tried.
const PLACES: usize = 24;
const PHOTOS: usize = 200;

/// The share of numbers that are painted or stuck straight on whatever is there, in any colour, and
/// of those the share that nothing shades: as bright in the dark as a reflector.
const ANY_PAINT: f32 = 0.35;
const UNSHADED: f32 = 0.5;

/// To be visible, a number must change the photo by this many levels, at the share of its strokes'
/// pixels below.
const VISIBLE_LEVELS: f32 = 14.0;
const VISIBLE_SHARE: f32 = 0.4;

impl Walls {
    /// Photos to draw on.
    ///
    /// # Errors
    /// [`WallError::None`] without any.
    pub fn new(walls: Vec<Wall>) -> Result<Self, WallError> {
        if walls.is_empty() { Err(WallError::None) } else { Ok(Walls { walls }) }
    }

    /// Draws a number on a part of one of the photos, with its complete truth. The boxes of the
    /// digits are tight around their visible strokes.
    ///
    /// The same seed, photos and typefaces give the same bytes.
    ///
    /// # Errors
    /// [`WallError`] when a photo cannot be read, or none has room.
    pub fn scene(&self, seed: u64, typefaces: Option<&Typefaces>) -> Result<Scene, WallError> {
        let mut dice = Dice::new(seed);
        for _ in 0..PHOTOS {
            let wall = &self.walls[dice.below(self.walls.len() as u32) as usize];
            let photo = wall.load()?;
            // The distance of the camera varies, so photos are shrunk.
            let scale = if dice.chance(0.5) { 1.0 } else { dice.range(-1.0, 0.3).exp2() };
            let mirrored = dice.chance(0.5);
            for _ in 0..PLACES {
                let Some(place) = Place::random(&photo, &wall.numbers, scale, typefaces, &mut dice)
                else {
                    continue;
                };
                let part = place.cut(&photo, scale, mirrored);
                if let Some(scene) = place.drawn(&part, &mut dice) {
                    return Ok(scene);
                }
            }
        }
        Err(WallError::NoRoom { tries: PHOTOS })
    }
}

impl Wall {
    fn load(&self) -> Result<RgbImage, WallError> {
        let bytes = read_regular(&self.path, MAX_FILE_BYTES)
            .map_err(|source| WallError::File { path: self.path.clone(), source })?;
        let photo = Photo::decode(&bytes)
            .map_err(|source| WallError::Photo { path: self.path.clone(), source })?;
        Ok(photo.into_rgb8())
    }
}

/// A number and the part of a photo on which it is drawn.
struct Place {
    plan: Plan,
    /// Left and top edge of the part, in pixels of the photo.
    corner: [u32; 2],
}

impl Place {
    /// A number at random and a place for it; `None` where the photo is too small, or shows a number
    /// there.
    fn random(
        photo: &RgbImage,
        numbers: &[BoxInPhoto],
        scale: f32,
        typefaces: Option<&Typefaces>,
        dice: &mut Dice,
    ) -> Option<Self> {
        let shown = |length: u32| (length as f32 * scale) as u32;
        let (width, height) = (shown(photo.width()), shown(photo.height()));
        if width.min(height) < LEAST_SIDE {
            return None;
        }
        let digits = random_digits(dice);
        let [least, most] = HEIGHTS;
        let most = most.min(0.85 * height as f32);
        // Large digits are seldom: their rims are all that is new of them.
        let tall = least * libm::powf(most / least, dice.unit() * dice.range(0.55, 1.0));
        let aspect = (0.55 * libm::expf(0.22 * dice.normal())).clamp(0.3, 0.9);
        let (lettering, spacing) = random_lettering(dice, typefaces, aspect);
        let camera_roll = dice.normal() * if dice.chance(0.3) { 7.0 } else { 2.0 };
        let shear = dice.normal() * if dice.chance(0.3) { 0.2 } else { 0.05 };
        let mut plan = Plan {
            width: 0,
            height: 0,
            number: super::number::Number {
                digits,
                lettering,
                left: 0.0,
                top: 0.0,
                height: tall,
                spacing,
                fall: if dice.chance(0.1) { 0.2 * dice.normal() } else { 0.0 },
                unsteady: if dice.chance(0.3) { dice.range(0.2, 1.5) } else { 0.0 },
                bridged: if dice.chance(0.05) { dice.range(0.03, 0.08) } else { 0.0 },
            },
            roll: camera_roll,
            shear,
            light: random_light(dice),
        };
        let (across, down) = plan.number.extent();
        let slope = (camera_roll * std::f32::consts::PI / 180.0 + shear).abs().min(0.6);
        let high = down + across * slope;
        let mut margin = || tall * dice.range(MARGINS[0], MARGINS[1]);
        let [left, right, above, below] = [margin(), margin(), margin(), margin()];
        // Digits that nearly fill the photo have a smaller margin.
        let fits = |wanted: f32, about: [f32; 2], limit: u32| {
            let least = wanted + 4.0;
            let whole = (wanted + about[0] + about[1]).min(limit as f32);
            (whole >= least)
                .then_some((whole.floor(), about[0] * (whole - wanted) / (about[0] + about[1])))
        };
        let (whole_width, left) = fits(across, [left, right], width)?;
        let (whole_height, above) = fits(high, [above, below], height)?;
        let corner = [
            dice.below(width - whole_width as u32 + 1),
            dice.below(height - whole_height as u32 + 1),
        ];
        let part = [corner[0] as f32, corner[1] as f32, whole_width, whole_height];
        let [x, y, w, h] = part.map(|length| length / scale);
        let meets = |number: &BoxInPhoto| {
            let (l, t) = (number.left as f32, number.top as f32);
            let about = 0.15 * number.height as f32;
            x < l + number.width as f32 + about
                && x + w > l - about
                && y < t + number.height as f32 + about
                && y + h > t - about
        };
        if numbers.iter().any(meets) {
            return None;
        }
        let inset = |size: f32| 0.5 * ((size / REACH).ceil() - size);
        let rise = if plan.number.fall < 0.0 { down - tall } else { 0.0 };
        plan.number.left = inset(whole_width) + left;
        plan.number.top = inset(whole_height) + above + 0.5 * (high - down) + rise;
        (plan.width, plan.height) = (whole_width as u32, whole_height as u32);
        Some(Place { plan, corner })
    }

    /// The part of the photo, in levels of 0 to 255.
    fn cut(&self, photo: &RgbImage, scale: f32, mirrored: bool) -> Field<3> {
        let Plan { width, height, .. } = self.plan;
        let [left, top] = self.corner;
        let mut part = if scale == 1.0 {
            image::imageops::crop_imm(photo, left, top, width, height).to_image()
        } else {
            let (full_width, full_height) = (photo.width() as f32, photo.height() as f32);
            // Of the photo only what is shown, so that a large one costs no more than a small one.
            let from = |at: u32| (at as f32 / scale) as u32;
            let length = |from: u32, shown: u32, full: f32| {
                ((shown as f32 / scale).ceil() as u32).min(full as u32 - from).max(1)
            };
            let (x, y) = (from(left), from(top));
            let (w, h) = (length(x, width, full_width), length(y, height, full_height));
            let shown = image::imageops::crop_imm(photo, x, y, w, h).to_image();
            image::imageops::resize(&shown, width, height, image::imageops::FilterType::Triangle)
        };
        if mirrored {
            image::imageops::flip_horizontal_in_place(&mut part);
        }
        part.pixels().map(|pixel| pixel.0.map(f32::from)).collect()
    }

    /// The number on the part of a photo; `None` if it would be invisible, or outside the part.
    fn drawn(&self, part: &[[f32; 3]], dice: &mut Dice) -> Option<Scene> {
        let plan = &self.plan;
        let size = plan.number.height;
        let (width, height) = (plan.width as usize, plan.height as usize);
        let camera = Camera {
            reach: REACH,
            roll: plan.roll,
            shear: plan.shear,
            yaw: dice.range(-0.15, 0.15),
            pitch: dice.range(-0.08, 0.08),
            // From in focus to blurred; a sharp photo's edges are about a pixel wide.
            blur: dice.range(0.3, 0.8)
                + if dice.chance(0.35) { size * dice.range(0.0, 0.05) } else { 0.0 },
            shake: if dice.chance(0.07) {
                [0.1 * size * dice.range(-1.0, 1.0), 0.0]
            } else {
                [0.0; 2]
            },
            ..Camera::plain(plan.width, plan.height)
        };
        let full = |pixels: usize| (pixels as f32 / REACH).ceil() as usize;
        let view = camera.view(full(width), full(height));
        let mean = mean_of(part);
        // How much of the light a wall of this kind sends back is not known; so neither is how much
        // light there is.
        let albedo = dice.range(0.15, 0.75);
        let any_paint = dice.chance(ANY_PAINT);
        let exposure = if any_paint && dice.chance(UNSHADED) {
            1.0
        } else {
            (seen(mean) * seen(mean) / albedo).clamp(0.12, 1.3)
        };
        let light = &plan.light;
        let flat: Colour = std::array::from_fn(|c| {
            light.sun_strength * light.sun_colour[c] + light.sky_strength * light.sky_colour[c]
        });
        let lay = |picture: &[Colour]| {
            Surface::new(full(width), full(height), |x, y| {
                let [u, v] = view.shown_at([x, y]);
                let colour = sample(picture, [width, height], u, v);
                Texel { colour: colour.map(|c| c / exposure), relief: 0.0, gloss: 0.0 }
            })
        };
        let develop = |lit: Vec<Colour>| -> Vec<Colour> {
            let shown = |lit: Colour| std::array::from_fn(|c| exposure * lit[c] / flat[c]);
            lit.into_iter().map(shown).collect()
        };
        let put = Put { camera: &camera, size: [width, height], noise: dice.range(0.0, 3.0) };

        let mut clean: Vec<Colour> = part.iter().map(|levels| levels.map(linear)).collect();
        let wall = mean.map(|c| c / exposure);
        let setting =
            if any_paint { Setting::any_paint(dice, wall) } else { Setting::random(dice, wall) };
        if let Some(kind) = setting.plate {
            let bare = lay(&clean);
            let mut full = bare.clone();
            let each = dice.chance(0.12);
            let plates = if each {
                let placed = plan.number.placed(&bare, 0.0, &mut dice.clone());
                placed.iter().map(|digit| plan.tile(digit.edges, setting.behind, dice)).collect()
            } else {
                vec![plan.plate(kind, setting.behind, setting.ink, dice)]
            };
            plates.iter().for_each(|plate| plate.mount(&mut full, light));
            let mut cover = vec![0.0f32; bare.width * bare.height];
            plates.iter().for_each(|plate| plate.cover(&bare, &mut cover));
            let (before, after) = (develop(bare.lit(light)), develop(full.lit(light)));
            let shade = shade(&before, &after, &cover);
            clean = put.on(&clean, &cover, &after, &shade, dice.bits()).0;
        }
        if dice.chance(0.1) {
            // A shadow's edge across the number.
            let (sin, cos) = libm::sincosf(dice.range(0.0, std::f32::consts::TAU));
            let soft = size * dice.range(0.03, 0.5);
            let (dark, at) = (dice.range(0.3, 0.8), size * dice.range(-0.7, 0.7));
            for (i, pixel) in clean.iter_mut().enumerate() {
                let (x, y) = ((i % width) as f32, (i / width) as f32);
                let d = (x - 0.5 * width as f32) * cos + (y - 0.5 * height as f32) * sin - at;
                let share = dark + (1.0 - dark) * (0.5 + d / soft).clamp(0.0, 1.0);
                *pixel = pixel.map(|c| share * c);
            }
        }

        let bare = lay(&clean);
        let mount = if any_paint {
            Mount::Painted { colour: setting.ink, wear: 0.0 }
        } else {
            plan.mount(&setting, dice)
        };
        let placed = plan.number.placed(&bare, mount.reach(light), dice);
        let mut shaded = bare.clone();
        mount.shade(&mut shaded, &placed, light);
        let mut full = shaded.clone();
        mount.draw(&mut full, &placed, dice.bits());
        let mut cover = vec![[0.0; 2]; bare.width * bare.height];
        placed.iter().for_each(|digit| mount.cover(&bare, digit, light, &mut cover));
        let through = if dice.chance(0.06) && matches!(mount, Mount::Painted { .. }) {
            // Foil on glass, worn paint.
            dice.range(0.45, 0.9)
        } else {
            1.0
        };
        let cover: Vec<f32> = cover.iter().map(|cover| through * cover[0]).collect();
        let (before, between, after) =
            (develop(bare.lit(light)), develop(shaded.lit(light)), develop(full.lit(light)));
        let shade: Vec<f32> = before.iter().zip(&between).map(|(a, b)| ratio(a, b)).collect();
        let (mut photo, strokes, shades) = put.on(&clean, &cover, &after, &shade, dice.bits());
        if dice.chance(0.04) {
            glow(&mut photo, &strokes, &setting, &camera, dice);
        }

        let sharpened = if dice.chance(0.35) { dice.range(0.2, 1.2) } else { 0.0 };
        let jpeg = dice.chance(0.6).then(|| Jpeg {
            quality: dice.range(60.0, 97.0) as u32,
            offset: [dice.below(16) as usize, dice.below(16) as usize],
        });
        let taken = |picture: &[Colour]| {
            let mut pixels: Field<3> = picture.iter().map(|light| light.map(level)).collect();
            camera.sharpen(&mut pixels, sharpened);
            if let Some(jpeg) = jpeg {
                jpeg.lossy(&mut pixels, width);
            }
            let bytes = pixels.iter().flatten().map(|&value| (value + 0.5).clamp(0.0, 255.0) as u8);
            RgbImage::from_raw(plan.width, plan.height, bytes.collect()).unwrap_or_default()
        };
        let (photo, clean) = (taken(&photo), taken(&clean));
        if !visible(&photo, &clean, &strokes) {
            return None;
        }
        let digits = boxes_of(
            &placed,
            &plan.number.digits,
            |point| view.shown_at(point),
            photo.dimensions(),
        )?;
        let byte = |share: &f32| (255.0 * share + 0.5).clamp(0.0, 255.0) as u8;
        let strokes: Vec<u8> = strokes.iter().map(byte).collect();
        let shadow: Vec<u8> = shades.iter().map(|share| byte(&(1.0 - share))).collect();
        let owners = owners(&placed, &view, [plan.width, plan.height], &strokes, &shadow);
        let grey = |cover| GrayImage::from_raw(plan.width, plan.height, cover).unwrap_or_default();
        let masks = Masks { digit: grey(owners), strokes: grey(strokes), shadow: grey(shadow) };
        Some(Scene { photo, digits, masks, clean })
    }
}

/// Draws things on a photo.
struct Put<'a> {
    camera: &'a Camera,
    size: [usize; 2],
    /// Deviation of the noise of the drawn things, in levels.
    noise: f32,
}

impl Put<'_> {
    /// The photo with a thing that covers so much of each point of the surface, looks like `after`
    /// there, and shades the rest. Gives its share of each pixel, and the shades, too.
    fn on(
        &self,
        photo: &[Colour],
        cover: &[f32],
        after: &[Colour],
        shade: &[f32],
        seed: u32,
    ) -> (Vec<Colour>, Vec<f32>, Vec<f32>) {
        let fields: Vec<[f32; 5]> = cover
            .iter()
            .zip(after)
            .zip(shade)
            .map(|((&cover, [r, g, b]), &shade)| [cover, cover * r, cover * g, cover * b, shade])
            .collect();
        let [width, height] = self.size;
        let surface_width = (width as f32 / REACH).ceil() as usize;
        let seen = self.camera.project(&fields, surface_width);
        let mut put = Vec::with_capacity(width * height);
        for (i, ([cover, ink @ .., shade], below)) in seen.iter().zip(photo).enumerate() {
            let (x, y) = ((i % width) as i32, (i / width) as i32);
            let noise = self.noise * gauss(x, y, seed);
            put.push(std::array::from_fn(|c| {
                let ink: f32 =
                    if *cover > 1e-3 { linear(level(ink[c] / cover) + noise) } else { 0.0 };
                (1.0 - cover) * below[c] * shade + cover * ink
            }));
        }
        let (cover, shade) = seen.iter().map(|field| (field[0], field[4])).unzip();
        (put, cover, shade)
    }
}

/// How a thing shades what it does not cover.
fn shade(before: &[Colour], after: &[Colour], cover: &[f32]) -> Vec<f32> {
    let all = before.iter().zip(after).zip(cover);
    all.map(|((a, b), cover)| if *cover > 0.0 { 1.0 } else { ratio(a, b) }).collect()
}

/// How much less light there is.
fn ratio(before: &Colour, after: &Colour) -> f32 {
    let [before, after] = [before, after].map(|c| c[0] + c[1] + c[2]);
    if before > 1e-4 { (after / before).clamp(0.0, 1.5) } else { 1.0 }
}

/// Neon: the strokes shine, and light up their surroundings.
fn glow(
    photo: &mut [Colour],
    strokes: &[f32],
    setting: &Setting,
    camera: &Camera,
    dice: &mut Dice,
) {
    let blur = dice.range(2.0, 8.0);
    let strength = dice.range(0.2, 0.7);
    let colour = setting.ink.map(|c| 0.2 + c);
    let wide = Camera { blur, shake: [0.0; 2], ..*camera };
    let halo = wide.blurred(strokes.iter().map(|share| [*share]).collect());
    for ((pixel, [halo]), strokes) in photo.iter_mut().zip(halo).zip(strokes) {
        for (c, light) in pixel.iter_mut().enumerate() {
            *light += colour[c] * (strength * halo + 0.5 * strokes);
        }
    }
}

/// Whether enough of the strokes can be distinguished from their background.
fn visible(photo: &RgbImage, clean: &RgbImage, strokes: &[f32]) -> bool {
    let (mut all, mut seen) = (0.0f32, 0.0);
    for ((a, b), strokes) in photo.pixels().zip(clean.pixels()).zip(strokes) {
        if *strokes > 0.4 {
            let most = a.0.iter().zip(b.0).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0);
            all += 1.0;
            seen += f32::from(u8::from(f32::from(most) > VISIBLE_LEVELS));
        }
    }
    seen > VISIBLE_SHARE * all
}

/// Tight boxes around the visible strokes; `None` if one is mostly outside the photo.
fn boxes_of(
    placed: &[PlacedDigit],
    numbers: &[u8],
    shown: impl Fn([f32; 2]) -> [f32; 2],
    (width, height): (u32, u32),
) -> Option<Vec<Digit>> {
    let size = PhotoSize { width, height };
    placed
        .iter()
        .zip(numbers)
        .map(|(digit, &number)| {
            let [left, top, right, bottom] = digit.shown(&shown);
            let exact = crate::photo::LooseBox {
                left: f64::from(left).floor(),
                top: f64::from(top).floor(),
                width: f64::from(right.ceil() - left.floor()),
                height: f64::from(bottom.ceil() - top.floor()),
            };
            let area = exact.clamp_to(size).ok()?;
            let on_photo = f64::from(area.width) * f64::from(area.height);
            let mostly = on_photo > 0.6 * exact.width * exact.height;
            (mostly && area.width >= 2 && area.height >= 5).then_some(Digit { area, digit: number })
        })
        .collect()
}

/// Levels of 0 to 255 in linear light, as [`paint`](super::surface::paint) has it, and back.
fn linear(level: f32) -> f32 {
    let share = (level / 255.0).max(0.0);
    share * share
}

fn level(light: f32) -> f32 {
    255.0 * light.max(0.0).sqrt().min(1.0)
}

/// The mean in linear light.
fn mean_of(part: &[[f32; 3]]) -> Colour {
    let mut sum = [0.0; 3];
    for levels in part {
        for (sum, level) in sum.iter_mut().zip(levels) {
            *sum += linear(*level);
        }
    }
    sum.map(|sum| sum / part.len().max(1) as f32)
}

/// A picture between its pixels; its edge is repeated.
fn sample(picture: &[Colour], [width, height]: [usize; 2], u: f32, v: f32) -> Colour {
    let along = |at: f32, limit: usize| {
        let at = (at - 0.5).clamp(0.0, (limit - 1) as f32);
        let first = at as usize;
        (first, (first + 1).min(limit - 1), at - first as f32)
    };
    let ((x0, x1, tx), (y0, y1, ty)) = (along(u, width), along(v, height));
    std::array::from_fn(|c| {
        let at = |y: usize, x: usize| picture[y * width + x][c];
        let (top, bottom) = (
            at(y0, x0) + tx * (at(y0, x1) - at(y0, x0)),
            at(y1, x0) + tx * (at(y1, x1) - at(y1, x0)),
        );
        top + ty * (bottom - top)
    })
}
