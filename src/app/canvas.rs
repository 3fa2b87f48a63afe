//! Canvases, and what those of the stage show: the photo, and pieces over it.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU32, Ordering},
};

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsValue;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageBitmap};

use super::browser::{can_draw, canvas_with, context_in_memory, context_of, describe};
use super::comparison::Divider;
use super::page::Page;
use super::pieces::Piece;
use super::state::messages::Tone;
use crate::photo::BoxInPhoto;

/// Canvases beyond these limits fail in some browsers, so larger photos are shown reduced; boxes,
/// removal and the saved file keep the full resolution.
const MAX_CANVAS_SIDE: f64 = 16_384.0;
const MAX_CANVAS_PIXELS: u32 = 64_000_000;

/// What canvases may have everywhere: on larger ones Safari on iPhones and iPads draws nothing, and
/// does not say so.
const SURE_CANVAS_PIXELS: u32 = 1 << 24;

/// Which of the two it is in this browser; 0 until a canvas was larger than the second.
static CANVAS_PIXELS: AtomicU32 = AtomicU32::new(0);

/// The same for a canvas that lies over the photo's, whose pixels need not be exact.
const MAX_OVERLAY_PIXELS: f64 = 8_000_000.0;

/// A photo that is seen from farther away shows nothing of a digit.
const MAX_REDUCTION: u32 = 64;

/// Of two reductions the finer one stays for so much longer, so that a zoom to and fro does not draw
/// the photo each time.
const REDUCTION_HYSTERESIS: f64 = 1.2;

/// What is under the pieces.
#[derive(Clone, Copy, PartialEq)]
pub enum Ground {
    /// The photo.
    Photo,
    /// Nothing on this canvas: the photo's lies below.
    Nothing,
}

/// Keeps a canvas in the photo's shape and with the photo, if that is its ground; counts how often
/// it was drawn.
///
/// A photo that is seen from afar is drawn with as many pixels as the screen has for it in row and
/// column, or a little more than twice as many at most: some browsers copy the whole canvas for each
/// frame.
pub fn draw_ground(page: Page, canvas: NodeRef<html::Canvas>, ground: Ground) -> RwSignal<u32> {
    let times = RwSignal::new(0);
    let reduction = Memo::new(move |before: Option<&f64>| {
        let exact = 1.0 / (page.stage.view.get().zoom * window().device_pixel_ratio());
        let before =
            before.copied().filter(|r| (*r..2.0 * r * REDUCTION_HYSTERESIS).contains(&exact));
        before.unwrap_or_else(|| f64::from(1 << (exact as u32).clamp(1, MAX_REDUCTION).ilog2()))
    });
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let scale = 1.0 / reduction.get();
        let drawn = page.open.picture.with(|picture| match picture {
            Some(picture) => draw_reduced(&canvas, picture, scale, ground),
            None => {
                canvas.set_width(0);
                canvas.set_height(0);
                Ok(())
            }
        });
        if let Err(error) = drawn {
            page.messages.show(
                Tone::Error,
                format!("The browser cannot show this photo: {}.", describe(&error)),
            );
        }
        times.update(|times| *times += 1);
    });
    times
}

fn draw_reduced(
    canvas: &HtmlCanvasElement,
    picture: &ImageBitmap,
    scale: f64,
    ground: Ground,
) -> Result<(), JsValue> {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let known = CANVAS_PIXELS.load(Ordering::Relaxed);
    let most_pixels = match ground {
        Ground::Photo if known == 0 => f64::from(MAX_CANVAS_PIXELS),
        Ground::Photo => f64::from(known),
        Ground::Nothing => MAX_OVERLAY_PIXELS,
    };
    let reduced = (MAX_CANVAS_SIDE / width.max(height))
        .min((most_pixels / (width * height)).sqrt())
        .min(scale);
    // Rounded down, as with one row more a canvas may be too large.
    let side = |length: f64| (length * reduced).floor().max(1.0);
    let (width, height) = (side(width), side(height));
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    if ground == Ground::Nothing {
        return Ok(());
    }
    let context = context_of(canvas)?;
    if known == 0 && width * height > f64::from(SURE_CANVAS_PIXELS) {
        let draws = context.as_ref().is_some_and(can_draw);
        let most = if draws { MAX_CANVAS_PIXELS } else { SURE_CANVAS_PIXELS };
        CANVAS_PIXELS.store(most, Ordering::Relaxed);
        if !draws {
            return draw_reduced(canvas, picture, scale, ground);
        }
    }
    if let Some(context) = context {
        context.draw_image_with_image_bitmap_and_dw_and_dh(picture, 0.0, 0.0, width, height)?;
    }
    Ok(())
}

/// What a canvas shows over its ground.
#[derive(Default)]
struct Shown {
    /// How often the ground was drawn, as [`draw_ground`] counts.
    times: u32,
    /// Pieces show right of this share of the photo's width: what replaces the photo is compared
    /// with it.
    from: f64,
    /// The pieces, with their pixels.
    pieces: Vec<(Piece, HtmlCanvasElement)>,
}

/// Draws what shows of each piece on a canvas.
///
/// All on one: a canvas a piece is a layer each to some browsers, and fifty of them make it miss
/// frames.
pub fn draw_pieces(
    page: Page,
    canvas: NodeRef<html::Canvas>,
    ground: Ground,
    pixels_of: fn(&Piece) -> Vec<u8>,
) {
    let times = draw_ground(page, canvas, ground);
    let shown = StoredValue::new_local(Shown::default());
    // Shown as long as there is a box exactly there that is to be removed: a box that is switched
    // off or deleted shows the original at once, and undo brings the piece back. While a box is
    // dragged its last piece stays until the next one comes, a moment behind the box: without, the
    // digit would flicker.
    let wanted = Memo::new(move |_| {
        page.boxes.editor.with(|editor| {
            let editor = editor.as_ref()?;
            let areas = editor.erasure().boxes.into_iter().collect::<HashSet<_>>();
            Some((areas, editor.is_adjusting()))
        })
    });
    let from = Memo::new(move |_| match (ground, page.stage.comparing.get()) {
        (Ground::Nothing, _) => 0.0,
        (_, true) => 1.0,
        (_, false) => page.divider_shown().map_or(0.0, Divider::share),
    });
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let mut old = shown.try_update_value(std::mem::take).unwrap_or_default();
        let mut new = Shown { times: times.get(), from: from.get(), pieces: Vec::new() };
        let afresh = (new.times, new.from) != (old.times, old.from);
        let (wanted, adjusting) = wanted.get().unwrap_or_default();
        let mut changed = Vec::new();
        page.removal.pieces.with(|pieces| {
            for piece in pieces {
                if !adjusting && !wanted.contains(&piece.box_in_photo) {
                    continue;
                }
                let known = old.pieces.iter().position(|(before, _)| before.is(piece));
                let known = known.map(|at| old.pieces.swap_remove(at).1);
                if afresh || known.is_none() {
                    changed.push(piece.reach());
                }
                if let Some(pixels) = known.or_else(|| canvas_of(piece, pixels_of)) {
                    new.pieces.push((piece.clone(), pixels));
                }
            }
        });
        changed.extend(old.pieces.iter().map(|(piece, _)| piece.reach()));
        page.open.picture.with(|picture| {
            let (Some(picture), Ok(Some(context))) = (picture, context_of(&canvas)) else { return };
            for area in changed {
                context.save();
                // A browser without free memory continues to show what it can.
                let _ = new.draw(area, &context, &canvas, picture, ground);
                context.restore();
            }
        });
        shown.set_value(new);
    });
}

/// The piece's pixels on a canvas of their own.
fn canvas_of(piece: &Piece, pixels_of: fn(&Piece) -> Vec<u8>) -> Option<HtmlCanvasElement> {
    let reach = piece.reach();
    canvas_with(reach.width, reach.height, &pixels_of(piece)).ok()
}

impl Shown {
    /// Draws a part of the photo again; clips and scales the context.
    fn draw(
        &self,
        area: BoxInPhoto,
        context: &CanvasRenderingContext2d,
        canvas: &HtmlCanvasElement,
        picture: &ImageBitmap,
        ground: Ground,
    ) -> Result<(), JsValue> {
        let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
        let across = f64::from(canvas.width()) / width;
        let down = f64::from(canvas.height()) / height;
        // Whole pixels of the canvas, so that nothing of what was there shines through.
        let span = |start: u32, end: u32, scale: f64| {
            let first = (f64::from(start) * scale).floor();
            (first, (f64::from(end) * scale).ceil() - first)
        };
        let (x, columns) = span(area.left, area.right(), across);
        let (y, rows) = span(area.top, area.bottom(), down);
        let clip = |x, y, columns, rows| {
            context.begin_path();
            context.rect(x, y, columns, rows);
            context.clip();
        };
        clip(x, y, columns, rows);
        context.clear_rect(x, y, columns, rows);
        if ground == Ground::Photo {
            context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
                picture,
                x / across,
                y / down,
                columns / across,
                rows / down,
                x,
                y,
                columns,
                rows,
            )?;
        }
        context.scale(across, down)?;
        clip(self.from * width, 0.0, width, height);
        // Others that lie in the same pixels of the canvas.
        let near = (1.0 / across.min(down)) as u32 + 1;
        for (piece, pixels) in &self.pieces {
            let reach = piece.reach();
            if reach.within(&area, near) {
                let (x, y) = (f64::from(reach.left), f64::from(reach.top));
                context.draw_image_with_html_canvas_element(pixels, x, y)?;
            }
        }
        Ok(())
    }
}

/// The box's part of the original photo, so that a reading can be checked after the removal.
pub fn draw_crop(page: Page, canvas: NodeRef<html::Canvas>, area: Memo<Option<BoxInPhoto>>) {
    /// The crop's sides on the canvas; twice the CSS size, for sharp screens.
    const SIDES: (f64, f64) = (72.0, 96.0);
    Effect::new(move |_| {
        let (Some(canvas), Some(area)) = (canvas.get(), area.get()) else { return };
        canvas.set_width(SIDES.0 as u32);
        canvas.set_height(SIDES.1 as u32);
        let (width, height) = (f64::from(area.width), f64::from(area.height));
        let scale = (SIDES.0 / width).min(SIDES.1 / height);
        let (shown_width, shown_height) = (width * scale, height * scale);
        page.open.picture.with(|picture| {
            let (Some(picture), Ok(Some(context))) = (picture, context_in_memory(&canvas)) else {
                return;
            };
            // A crop that cannot be drawn leaves its place empty; the box itself is on the stage.
            let _ = context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
                picture,
                f64::from(area.left),
                f64::from(area.top),
                width,
                height,
                (SIDES.0 - shown_width) / 2.0,
                (SIDES.1 - shown_height) / 2.0,
                shown_width,
                shown_height,
            );
        });
    });
}
