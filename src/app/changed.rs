//! Counts the pixels that the removal changes, on what is on the stage.

use std::collections::HashSet;
use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlCanvasElement, ImageBitmap};

use super::browser::context_in_memory;
use super::comparison::changed_pixels;
use super::page::Page;
use super::pieces::Piece;
use crate::worker::protocol::Patch;

/// Counts again whenever the engine has removed something and no box is dragged any more.
pub fn follow(page: Page) {
    let dragging = Memo::new(move |_| page.boxes.is_adjusting());
    Effect::new(move |_| {
        if dragging.get() {
            return;
        }
        let picture = page.open.picture.get();
        let count = page.removal.pieces.with(|pieces| match picture {
            Some(picture) if !pieces.is_empty() => count(&picture, pieces).ok().flatten(),
            _ => None,
        });
        page.removal.set_changed(count);
    });
}

/// None where the browser gives no canvas.
fn count(picture: &ImageBitmap, pieces: &[Piece]) -> Result<Option<u64>, JsValue> {
    let mut seen = HashSet::new();
    let mut sum = 0;
    for patch in pieces.iter().map(|piece| &piece.patch) {
        if !seen.insert(Rc::as_ptr(patch)) {
            continue;
        }
        let Some(before) = pixels_below(picture, patch)? else { return Ok(None) };
        let width = (patch.area.width as usize).max(1);
        // Boxes may overlap.
        let mut within = vec![false; before.len() / 4];
        for piece in pieces.iter().filter(|piece| Rc::ptr_eq(&piece.patch, patch)) {
            let b = piece.reach();
            let left = b.left.saturating_sub(patch.area.left) as usize;
            let top = b.top.saturating_sub(patch.area.top) as usize;
            for row in top..top + b.height as usize {
                let start = row * width + left;
                if let Some(row) = within.get_mut(start..start + b.width as usize) {
                    row.fill(true);
                }
            }
        }
        let counts = |index: usize| within.get(index).copied().unwrap_or_default();
        sum += changed_pixels(&before, &patch.rgba, counts);
    }
    Ok(Some(sum))
}

/// The picture's own pixels in a patch's area.
fn pixels_below(picture: &ImageBitmap, patch: &Patch) -> Result<Option<Vec<u8>>, JsValue> {
    let area = patch.area;
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    canvas.set_width(area.width);
    canvas.set_height(area.height);
    let Some(context) = context_in_memory(&canvas)? else { return Ok(None) };
    context.draw_image_with_image_bitmap(picture, -f64::from(area.left), -f64::from(area.top))?;
    let data = context.get_image_data(0.0, 0.0, f64::from(area.width), f64::from(area.height))?;
    Ok(Some(data.data().to_vec()))
}
