//! The browser's devices: finds a GPU, compares its answers with the CPU's, and times both.

use burn::tensor::Device;
use futures::future::{Either, select};
use gloo::timers::future::TimeoutFuture;
use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_time::Instant;

use crate::{
    classifier::{EngineError, read_back},
    photo::{BoxInPhoto, Photo, PhotoSize},
    removal::{Grnn, Lattice, Nets},
};

use super::protocol::{DeviceInfo, DeviceKind};

/// A GPU that has not answered by then counts as lost. A software adapter takes seconds to compile
/// shaders, and ten or more for a removal.
const GPU_TIMEOUT_MILLISECONDS: u32 = 60_000;

/// The largest difference between a GPU's answers and the CPU's. Rounding stays far below it, and a
/// shader that did not run is far above.
const MAX_DIFFERENCE: f32 = 1e-3;

/// The CPU's name on the page.
pub(super) fn cpu_info() -> DeviceInfo {
    DeviceInfo { kind: DeviceKind::Cpu, name: "CPU".to_owned() }
}

/// The CPU's name if there is a GPU, but a slower one.
pub(super) fn faster_cpu_info() -> DeviceInfo {
    DeviceInfo { kind: DeviceKind::Cpu, name: "CPU: it's faster here".to_owned() }
}

/// Waits for a GPU's answer, but not for ever: a lost device may never answer.
pub(super) async fn with_timeout<T>(
    answer: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    let answer = Box::pin(answer);
    match select(answer, TimeoutFuture::new(GPU_TIMEOUT_MILLISECONDS)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(EngineError::Device(format!(
            "no answer within {} s",
            GPU_TIMEOUT_MILLISECONDS / 1000
        ))),
    }
}

/// Opens the browser's GPU; `Ok(None)` if it has none.
pub(super) async fn open_gpu() -> Result<Option<(Device, DeviceInfo)>, EngineError> {
    let Some(name) = adapter_name().await else { return Ok(None) };
    match Device::wgpu_options().init_async().await {
        Ok(device) => Ok(Some((device, DeviceInfo { kind: DeviceKind::WebGpu, name }))),
        Err(error) => Err(EngineError::Device(format!("{error:?}"))),
    }
}

/// The adapter's name, or what the browser says of it; `None` if there is no adapter.
pub(super) async fn adapter_name() -> Option<String> {
    let get = |object: &JsValue, key: &str| -> Option<JsValue> {
        let value = Reflect::get(object, &key.into()).ok()?;
        (!value.is_undefined() && !value.is_null()).then_some(value)
    };
    let gpu = get(&get(&js_sys::global(), "navigator")?, "gpu")?;
    let request: Function = get(&gpu, "requestAdapter")?.dyn_into().ok()?;
    let promise: js_sys::Promise = request.call0(&gpu).ok()?.dyn_into().ok()?;
    let adapter = JsFuture::from(promise).await.ok()?;
    if adapter.is_null() || adapter.is_undefined() {
        return None;
    }
    let info = get(&adapter, "info");
    let text = |key: &str| -> Option<String> {
        info.as_ref().and_then(|info| get(info, key)?.as_string()).filter(|text| !text.is_empty())
    };
    // By default, browsers give vendor and architecture instead of the exact name.
    let name = text("description").unwrap_or_else(|| {
        let parts: Vec<String> =
            ["vendor", "architecture", "device"].iter().filter_map(|key| text(key)).collect();
        parts.join(" ")
    });
    Some(if name.is_empty() { "unnamed adapter".to_owned() } else { name })
}

/// A device's answers to the known questions.
struct Answers {
    values: Vec<f32>,
    milliseconds: f64,
}

/// Has the networks read two crops and find their strokes, then trains a GRNN and has it predict.
async fn ask(Nets { classifier, strokes }: &Nets) -> Result<Answers, EngineError> {
    let started = Instant::now();
    let (photo, boxes) = known_photo()?;
    let readings = classifier.read(&photo, &boxes).await?;
    let mut values: Vec<f32> = readings.iter().flat_map(|reading| reading.confidences).collect();
    if let Some(finder) = strokes {
        let whole = BoxInPhoto { left: 0, top: 0, width: 64, height: 48 };
        let found = finder.find(&photo, whole, &boxes).await?;
        values.extend(found.strokes);
        values.extend(found.key_pixels);
    }
    let line: Vec<usize> = (0..16).map(|i| 3 * i).collect();
    let lattice = Lattice { rows: line.clone(), columns: line };
    let nodes: Vec<bool> = (0..lattice.len()).map(|i| i % 7 != 3).collect();
    let targets: Vec<f32> = (0..3 * lattice.len()).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
    let net = Grnn::train(&lattice, 1.8, &nodes, &targets, 3, None, classifier.device()).await?;
    let pixels: Vec<usize> = (0..46).collect();
    values.extend(read_back(net.predict(&pixels, &pixels)).await?);
    Ok(Answers { values, milliseconds: started.elapsed().as_secs_f64() * 1e3 })
}

/// A small photo with two dark strokes on a gradient, and a box round each.
fn known_photo() -> Result<(Photo, [BoxInPhoto; 2]), EngineError> {
    let size = PhotoSize { width: 64, height: 48 };
    let samples = (0..size.width * size.height)
        .flat_map(|i| {
            let (x, y) = (i % size.width, i / size.width);
            let stroke = (14..19).contains(&x) || (40..45).contains(&x) && y > 10;
            let light = if stroke { 40 } else { 150 + x as u8 };
            [light, light, light - 20]
        })
        .collect();
    let photo = Photo::from_rgb8(size, samples)
        .ok_or_else(|| EngineError::Input("the known photo has the wrong size".to_owned()))?;
    let at = |left| BoxInPhoto { left, top: 4, width: 20, height: 40 };
    Ok((photo, [at(6), at(32)]))
}

/// What the known answers show about a GPU.
pub(super) struct Proof {
    /// The CPU's time divided by that of the GPU's fastest round after the first.
    pub(super) speedup: f64,
}

/// Rounds after the first. The GPU has to be faster than the CPU in one of them, because in the
/// others the page may have used the CPU, on the same thread.
const TIMED_ROUNDS: u32 = 3;

/// Asks both devices the same questions at least twice: in a GPU's first round shaders are compiled.
///
/// # Errors
/// [`EngineError`] when the GPU fails, or its answers differ from the CPU's.
pub(super) async fn prove(cpu: &Nets, gpu: &Nets) -> Result<Proof, EngineError> {
    let _ = ask(cpu).await?;
    let known = ask(cpu).await?;
    let mut fastest = f64::INFINITY;
    for round in 0..=TIMED_ROUNDS {
        let answers = with_timeout(ask(gpu)).await?;
        let worst = (answers.values.iter().zip(&known.values))
            .map(|(got, known)| (got - known).abs())
            // A NaN is worse than any number.
            .fold(0.0f32, |worst, d| if d <= worst { worst } else { d });
        if answers.values.len() != known.values.len() || worst.is_nan() || worst > MAX_DIFFERENCE {
            return Err(EngineError::Numbers(format!(
                "its answers differ from the CPU's by {worst}"
            )));
        }
        if round > 0 {
            fastest = answers.milliseconds.clamp(1e-3, fastest);
        }
        if fastest <= known.milliseconds {
            break;
        }
    }
    Ok(Proof { speedup: known.milliseconds / fastest })
}
