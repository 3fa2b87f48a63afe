//! The inspector's dialog.

use std::rc::Rc;

use leptos::prelude::*;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::controls::MethodControls;
use super::picture::{Frame, Picture, Point, Shown};
use super::pixels;
use crate::app::editor::Editor;
use crate::app::later::View;
use crate::app::lean::{text, truth, when};
use crate::app::modal::Modal;
use crate::app::page::Page;
use crate::app::reading::percent;
use crate::app::state::dialogs::Dialog;
use crate::classifier::DIGITS;
use crate::photo::BoxInPhoto;
use crate::worker::protocol::Inside;

/// The colours of strokes and key pixels over the photo.
const STROKE: [u8; 3] = [230, 40, 60];
const KEY_PIXEL: [u8; 4] = [40, 220, 120, 255];

/// Milliseconds from one round of the film to the next.
const FILM_PACE: u32 = 180;

/// The dialog, for [`later`](crate::app::later::later).
#[wasm_split(inside, fallible)]
pub fn part() -> Result<View, SplitLoaderError> {
    Ok(|page| Inspector(InspectorProps { page }).into_any())
}

/// The dialog.
#[component]
fn Inspector(page: Page) -> impl IntoView {
    view! {
        <Modal
            name="inside"
            title="Inside the network"
            shown=page.dialogs.shown(Dialog::Inspector)
            close=page.dialogs.closer(Dialog::Inspector)
        >
            <Show when=when(move || page.dialogs.is_open(Dialog::Inspector))>
                <div
                    class="inside-body"
                    data-area=move || page.inspector.inside.with(|inside| inside.as_ref().map(|it| area(it.area)))
                    data-digit=move || page.inspector.inside.with(|it| it.as_ref().map(|it| it.digit.to_string()))
                >
                    <aside class="inside-controls">
                        <Boxes page=page />
                        <Confidences page=page />
                        <MethodControls page=page />
                    </aside>
                    <Pictures page=page />
                </div>
            </Show>
        </Modal>
    }
}

fn area(BoxInPhoto { left, top, width, height }: BoxInPhoto) -> String {
    format!("{left} {top} {width} {height}")
}

/// The digits of the house numbers, one of which is looked into.
#[component]
fn Boxes(page: Page) -> impl IntoView {
    let digits = Memo::new(move |_| page.boxes.house_numbers());
    let selected = Memo::new(move |_| {
        page.boxes.editor.with(|editor| editor.as_ref().and_then(Editor::selected))
    });
    view! {
        <div class="inside-digits" role="group" aria-label="Which box">
            {move || {
                digits
                    .get()
                    .into_iter()
                    .flat_map(|number| number.boxes())
                    .map(|(id, digit)| {
                        view! {
                            <button
                                type="button"
                                data-testid="inside-box"
                                aria-label=format!("Box {id}, reads {digit}")
                                aria-pressed=text(move || (selected.get() == Some(id)).to_string())
                                on:click=move |_| page.select_quietly(Some(id))
                            >
                                {digit.clone()}
                            </button>
                        }
                    })
                    .collect_view()
            }}
        </div>
    }
}

/// The ten confidences; each chooses the digit whose gradient is shown.
#[component]
fn Confidences(page: Page) -> impl IntoView {
    let of = move |digit: u8| {
        page.inspector.inside.with(|inside| {
            inside.as_ref().and_then(|it| it.reading.confidences.get(usize::from(digit)).copied())
        })
    };
    let shown = move || page.inspector.inside.with(|inside| inside.as_ref().map(|it| it.digit));
    view! {
        <fieldset class="confidences">
            <legend>"Confidence; a digit shows its gradient"</legend>
            {(0..DIGITS as u8)
                .map(|digit| {
                    let width = text(move || format!("{:.1}%", 100.0 * of(digit).unwrap_or(0.0)));
                    view! {
                        <button
                            type="button"
                            data-testid="gradient-of"
                            aria-pressed=text(move || (shown() == Some(digit)).to_string())
                            on:click=move |_| page.show_gradient_of(Some(digit))
                        >
                            <b>{digit.to_string()}</b>
                            <span class="bar" aria-hidden="true"><span style:width=width></span></span>
                            <span>{text(move || of(digit).map(percent).unwrap_or_default())}</span>
                        </button>
                    }
                })
                .collect_view()}
        </fieldset>
    }
}

#[component]
fn Pictures(page: Page) -> impl IntoView {
    let mark = RwSignal::new(None::<Point>);
    let photo = page.open.picture;
    let shown = move |of: fn(&Inside) -> Shown| {
        Signal::derive_local(move || {
            page.inspector.inside.with(|inside| inside.as_ref().map(|it| of(it)))
        })
    };
    let note = move |of: fn(&Inside) -> String| {
        text(move || {
            page.inspector.inside.with(|it| it.as_ref().map_or_else(String::new, |it| of(it)))
        })
    };
    let waiting = truth(move || page.inspector.inside.with(Option::is_none));
    view! {
        <div class="inside-pictures">
            <Show when=when(move || waiting.get())>
                <p class="inside-wait">"The pictures come as soon as the engine answers."</p>
            </Show>
            <section class:is-hidden=waiting>
                <h3>"What it reads"</h3>
                <div class="picture-row">
                    <Picture name="Photo" caption=note(size_of_box) shown=shown(crop) photo mark />
                    <Picture name="Input" caption=note(|it| ranged(&it.input)) shown=shown(input) photo mark />
                    <Picture name="Gradient" caption=note(gradient_note) shown=shown(gradient) photo mark />
                </div>
            </section>
            <section class:is-hidden=waiting>
                <h3>"First convolution"</h3>
                <div class="picture-row">
                    <Picture name="Mean" caption=note(|it| ranged(&statistics(it)[0])) shown=shown(|it| of_maps(it, 0)) photo mark />
                    <Picture name="Deviation" caption=note(|it| ranged(&statistics(it)[1])) shown=shown(|it| of_maps(it, 1)) photo mark />
                    <Picture name="Mean − deviation" caption=note(|it| ranged(&statistics(it)[2])) shown=shown(|it| of_maps(it, 2)) photo mark />
                    <Histogram page=page />
                </div>
                <Maps page=page mark=mark />
            </section>
            <section class:is-hidden=waiting>
                <h3>"Removal"</h3>
                <div class="picture-row">
                    <Picture name="Strokes" caption=note(strokes_note) shown=shown(strokes) photo mark />
                    <Picture
                        name="Key pixels"
                        caption=note(|it| it.key_pixels.len().to_string())
                        shown=shown(key_pixels)
                        photo
                        mark
                    />
                    <Film page=page mark=mark />
                    <Picture name="Fill" caption=text(|| "what goes on the photo".to_owned()) shown=shown(fill) photo mark />
                </div>
            </section>
        </div>
    }
}

/// The first convolution's outputs, one by one.
#[component]
fn Maps(page: Page, mark: RwSignal<Option<Point>>) -> impl IntoView {
    let count = Memo::new(move |_| {
        page.inspector.inside.with(|inside| {
            inside.as_ref().map_or(0, |it| it.maps.len() / (it.side * it.side).max(1) as usize)
        })
    });
    view! {
        <details class="maps">
            <summary>{text(move || format!("All {} feature maps", count.get()))}</summary>
            <div class="maps-grid">
                {move || {
                    (0..count.get())
                        .map(|map| {
                            let shown = Signal::derive_local(move || {
                                page.inspector.inside.with(|inside| inside.as_ref().and_then(|it| one_map(it, map)))
                            });
                            view! {
                                <Picture
                                    name="Feature map"
                                    caption=text(move || (map + 1).to_string())
                                    shown=shown
                                    photo=page.open.picture
                                    mark=mark
                                    class="is-small"
                                />
                            }
                        })
                        .collect_view()
                }}
            </div>
        </details>
    }
}

/// How often each value of mean minus deviation occurs; the fullest bin is lit.
#[component]
fn Histogram(page: Page) -> impl IntoView {
    view! {
        <figure class="picture" data-testid="picture" data-name="Histogram">
            <figcaption>"Histogram"</figcaption>
            {move || {
                page.inspector.inside.with(|inside| {
                    let bins = &inside.as_ref()?.histogram;
                    let most = bins.counts.iter().copied().max().unwrap_or(1).max(1);
                    let width = 100.0 / bins.counts.len().max(1) as f64;
                    let bars = (0u32..)
                        .zip(&bins.counts)
                        .map(|(i, &count)| {
                            let height = 100.0 * f64::from(count) / f64::from(most);
                            view! {
                                <rect
                                    class:is-lit=i == bins.fullest
                                    x=f64::from(i) * width
                                    y=100.0 - height
                                    width=0.86 * width
                                    height=height
                                >
                                    <title>{format!("{count} pixels")}</title>
                                </rect>
                            }
                        })
                        .collect_view();
                    Some(view! {
                        <svg
                            class="histogram"
                            viewBox="0 0 100 100"
                            preserveAspectRatio="none"
                            role="img"
                            aria-label=format!("Histogram of {} bins", bins.counts.len())
                        >
                            {bars}
                        </svg>
                        <p class="picture-note">
                            {format!("{} bins, {:.2} to {:.2}; the fullest is taken for background", bins.counts.len(), bins.low, bins.high)}
                        </p>
                    })
                })
            }}
        </figure>
    }
}

/// The rounds of fold-in, to be leafed through or played.
#[component]
fn Film(page: Page, mark: RwSignal<Option<Point>>) -> impl IntoView {
    let at = RwSignal::new(usize::MAX);
    let last = Memo::new(move |_| {
        page.inspector
            .inside
            .with(|inside| inside.as_ref().map_or(0, |it| it.rounds.len().saturating_sub(1)))
    });
    let round = Memo::new(move |_| at.get().min(last.get()));
    let timer = StoredValue::new_local(None::<gloo::timers::callback::Interval>);
    let playing = RwSignal::new(false);
    let stop = move || {
        timer.set_value(None);
        playing.set(false);
    };
    let play = move || {
        if playing.get_untracked() {
            stop();
            return;
        }
        at.set(0);
        playing.set(true);
        timer.set_value(Some(gloo::timers::callback::Interval::new(FILM_PACE, move || {
            let next = round.get_untracked() + 1;
            at.set(next);
            if next >= last.get_untracked() {
                stop();
            }
        })));
    };
    on_cleanup(move || timer.set_value(None));
    let shown = Signal::derive_local(move || {
        page.inspector
            .inside
            .with(|inside| inside.as_ref().and_then(|it| of_round(it, round.get())))
    });
    let caption = text(move || match round.get() {
        0 => format!("key pixels, of {} rounds", last.get()),
        round => format!("round {round} of {}", last.get()),
    });
    view! {
        <div class="film">
            <Picture name="Fold-in" caption=caption shown=shown photo=page.open.picture mark=mark />
            <div class="film-controls">
                <button type="button" data-testid="play" disabled=truth(move || last.get() == 0) on:click=move |_| play()>
                    {text(move || if playing.get() { "Stop" } else { "Play" }.to_owned())}
                </button>
                <input
                    type="range"
                    data-testid="round"
                    aria-label="Round of fold-in"
                    min=0
                    max=text(move || last.get().to_string())
                    prop:value=text(move || round.get().to_string())
                    on:input=move |event| {
                        stop();
                        if let Ok(number) = event_target_value(&event).parse() {
                            at.set(number);
                        }
                    }
                />
            </div>
        </div>
    }
}

// ---- What the pictures show -------------------------------------------------------------------

fn frame_of(area: BoxInPhoto) -> Frame {
    [area.left, area.top, area.width, area.height].map(f64::from)
}

fn region_size(it: &Inside) -> [u32; 2] {
    [it.region.width, it.region.height]
}

/// A picture of the region, with layers over the photo.
fn over_photo(it: &Inside, layers: Vec<Vec<u8>>) -> Shown {
    let frame = frame_of(it.region);
    Shown { size: region_size(it), layers, below: Some(frame), frame }
}

fn crop(it: &Inside) -> Shown {
    let frame = frame_of(it.area);
    Shown { size: [it.area.width, it.area.height], layers: Vec::new(), below: Some(frame), frame }
}

fn size_of_box(it: &Inside) -> String {
    format!("{} × {} px", it.area.width, it.area.height)
}

fn square(it: &Inside, rgba: Vec<u8>, frame: Frame) -> Shown {
    Shown { size: [it.side; 2], layers: vec![rgba], below: None, frame }
}

fn input(it: &Inside) -> Shown {
    let pixels = (it.side * it.side) as usize;
    square(it, pixels::planes(&it.input, pixels), it.input_in_photo.map(f64::from))
}

fn gradient(it: &Inside) -> Shown {
    square(it, pixels::signed(&it.gradient), it.input_in_photo.map(f64::from))
}

fn gradient_note(it: &Inside) -> String {
    format!("of {}: red where brighter means more of it", it.digit)
}

fn ranged(values: &[f32]) -> String {
    let (low, high) = pixels::range(values);
    format!("{low:.2} to {high:.2}")
}

/// Mean, deviation (n - 1) and their difference over the maps.
fn statistics(it: &Inside) -> [Vec<f32>; 3] {
    let difference = it.mean.iter().zip(&it.deviation).map(|(mean, d)| mean - d).collect();
    [it.mean.clone(), it.deviation.clone(), difference]
}

fn of_maps(it: &Inside, which: usize) -> Shown {
    let values = &statistics(it)[which];
    square(it, pixels::grey(values), frame_of(it.area))
}

fn one_map(it: &Inside, map: usize) -> Option<Shown> {
    let pixels = (it.side * it.side) as usize;
    let values = it.maps.get(map * pixels..(map + 1) * pixels)?;
    Some(square(it, pixels::grey(values), frame_of(it.area)))
}

fn strokes(it: &Inside) -> Shown {
    let layer =
        if it.strokes.is_empty() { Vec::new() } else { vec![pixels::veil(&it.strokes, STROKE)] };
    over_photo(it, layer)
}

fn strokes_note(it: &Inside) -> String {
    if it.strokes.is_empty() {
        return "this method looks for none".to_owned();
    }
    let found = it.strokes.iter().filter(|share| **share > 127).count();
    format!("{found} pixels, found by StrokeNet")
}

fn key_pixels(it: &Inside) -> Shown {
    let [width, height] = region_size(it);
    let mut rgba = vec![0; 4 * width as usize * height as usize];
    for (x, y) in &it.key_pixels {
        let at = 4 * (*y as usize * width as usize + *x as usize);
        if let Some(pixel) = rgba.get_mut(at..at + 4) {
            pixel.copy_from_slice(&KEY_PIXEL);
        }
    }
    over_photo(it, vec![rgba])
}

fn of_round(it: &Rc<Inside>, round: usize) -> Option<Shown> {
    let picture = it.rounds.get(round)?;
    let [width, height] = region_size(it);
    let rgba = pixels::spread(&picture.rgba, &picture.columns, &picture.rows, width, height);
    let frame = frame_of(it.region);
    Some(Shown { size: [width, height], layers: vec![rgba], below: None, frame })
}

fn fill(it: &Inside) -> Shown {
    let frame = frame_of(it.region);
    Shown { size: region_size(it), layers: vec![it.fill.rgba.clone()], below: None, frame }
}
