//! The engine's state and its answers.

use std::{cell::RefCell, collections::VecDeque};

use burn::tensor::Device;
use futures::channel::oneshot;
use web_time::Instant;

use super::{
    choosing,
    devices::{adapter_name, cpu_info, faster_cpu_info, open_gpu, prove, with_timeout},
    inspecting::{self, patch_of},
    loading::{Fetched, FetchedFinder, Order, whole_boxes},
    protocol::{
        Answer, Ask, Column, ColumnState, DeviceChoice, DeviceInfo, EngineInfo, Failure,
        FailureKind, Patch, Progress, SavedFile,
    },
};
use crate::{
    classifier::{Classifier, EngineError},
    finder::{
        self, AT_LEAST, DigitFinder, FoundDigit, Search, completed_by_strokes, matters_from,
        sure_and_unsure,
    },
    photo::{BoxInPhoto, Change, Encoding, Photo, PhotoError, SaveChoice, ToScreen, Written},
    publication::{ModelEntry, StrokesEntry},
    removal::{Erasure, Fill, Method, Nets, Proven, remove_proven, remove_watched},
};

/// What the worker holds between requests.
#[derive(Default)]
pub(super) struct Engine {
    source: Option<Source>,
    gpu: Gpu,
    started: Option<Started>,
    /// All models loaded so far, so that none is loaded twice.
    kept: Vec<Kept>,
    /// The network that finds strokes, if the model in use came with one.
    strokes: Option<(StrokesEntry, Vec<u8>)>,
    /// The network that finds digits, once it was asked for.
    finder: Option<DigitFinder>,
    photo: Option<Photo>,
    /// Its file, of which a JPEG's blocks and the metadata are kept.
    file: Vec<u8>,
    /// What turns its colours into those of the page, if they are others.
    to_screen: Option<ToScreen>,
}

/// Where models come from and on which devices they may run, as the start request said.
struct Source {
    models_url: String,
    device: DeviceChoice,
    slow_gpu: Option<String>,
}

/// The browser's GPU. It can be opened only once, so it outlives the model it was opened for.
#[derive(Default)]
enum Gpu {
    /// Not tried yet.
    #[default]
    Untried,
    /// Being tried while the CPU answers.
    Trying(oneshot::Receiver<Trial>),
    /// Open. It may be slower than the CPU for one model and faster for the next.
    Open(Device, DeviceInfo),
    /// Missing or failed; not tried again.
    Unusable,
    /// Slower than the CPU.
    Slow,
}

/// The result of trying the GPU while the CPU answered.
struct Trial {
    gpu: Gpu,
    /// The model that was tried on it, with the networks on the GPU if that is faster.
    model: String,
    proven: Option<(Nets, DeviceInfo)>,
    /// What to tell the page.
    said: Vec<Answer>,
}

/// A loaded model on its devices.
struct Started {
    info: EngineInfo,
    cpu: Nets,
    /// `None` once it has failed.
    gpu: Option<(Nets, DeviceInfo)>,
}

/// A loaded model.
struct Kept {
    entry: ModelEntry,
    weights: Vec<u8>,
    /// On the CPU.
    classifier: Classifier,
}

/// The result of a request.
pub(super) enum Taken {
    /// Its answer.
    Answered(Answer),
    /// This has to be fetched first, and then given to [`Engine::install`], which answers.
    ToFetch(Order),
    /// It continues with [`Engine::find`], after other requests that came meanwhile.
    Finding(Finding),
    /// The same, once the network for it has been fetched from this folder and given to
    /// [`Engine::install_finder`].
    ToFetchFinder(Finding, String),
    /// It continues with [`Engine::compare`], after other requests that came meanwhile.
    Comparing(Comparison),
    /// The same, once its next model has been fetched and given to [`Engine::keep_for`].
    ToFetchFor(Comparison, Order),
}

/// A comparison in progress.
pub(super) struct Comparison {
    boxes: Vec<BoxInPhoto>,
    /// Models that have neither answered nor failed yet, the next one first.
    models: VecDeque<String>,
}

/// The search for the digits of a photo.
pub(super) struct Finding {
    /// The photo and the page's number of it, if it is not the open one.
    other: Option<(u32, Photo)>,
    within: Option<BoxInPhoto>,
    /// What was looked at; nothing before it begins.
    search: Option<Search>,
    /// How many digits were told before all are known.
    told: usize,
}

impl Finding {
    fn new(other: Option<(u32, Photo)>, within: Option<BoxInPhoto>) -> Self {
        Finding { other, within, search: None, told: 0 }
    }

    /// Whether digits are looked for in the open photo.
    pub(super) fn is_in_the_open_photo(&self) -> bool {
        self.other.is_none()
    }
}

/// Sends an answer before the last one.
type Reply<'a> = &'a dyn Fn(Answer);

fn failed(kind: FailureKind, message: impl Into<String>) -> Answer {
    Answer::Failed(Failure { kind, message: message.into() })
}

impl Engine {
    /// Handles one request; `reply` sends what comes before the answer itself.
    pub(super) async fn take(&mut self, ask: Ask, reply: Reply<'_>) -> Taken {
        self.end_trial(reply);
        Taken::Answered(match ask {
            Ask::Start { models_url, model, device, slow_gpu } => {
                self.source = Some(Source { models_url: models_url.clone(), device, slow_gpu });
                self.kept.clear();
                return Taken::ToFetch(Order { models_url, model, strict: false, compared: false });
            }
            Ask::Switch { model } => {
                let (Some(source), Some(started)) = (&self.source, &self.started) else {
                    return Taken::Answered(not_started());
                };
                if started.info.model.name == model {
                    // Back to a loaded model while another one was being fetched.
                    Answer::Started(Box::new(started.info.clone()))
                } else if let Some(fetched) = self.fetched_before(&model) {
                    self.install(Ok(fetched), reply).await
                } else {
                    let (models_url, model) = (source.models_url.clone(), Some(model));
                    let order = Order { models_url, model, strict: true, compared: false };
                    return Taken::ToFetch(order);
                }
            }
            Ask::Compare { models, boxes } => match self.ready(&boxes) {
                Ok(_) => {
                    let (at_hand, missing): (Vec<_>, Vec<_>) =
                        models.into_iter().partition(|model| self.kept(model).is_some());
                    let models = at_hand.into_iter().chain(missing).collect();
                    return self.compare(Comparison { boxes, models }, reply).await;
                }
                Err(answer) => answer,
            },
            Ask::Open { file } => match Photo::decode(&file) {
                Ok(photo) => {
                    let size = photo.size();
                    self.to_screen = ToScreen::of(&file, &photo);
                    self.photo = Some(photo);
                    self.file = file;
                    Answer::Opened { size }
                }
                Err(error) => failed(FailureKind::Photo, capitalised(&error.to_string())),
            },
            Ask::Preview => match &self.photo {
                Some(photo) => {
                    Answer::Preview { size: photo.size(), rgba: self.on_screen(photo.to_rgba8()) }
                }
                None => no_photo(),
            },
            Ask::Find { within } => {
                return self.begin_to_find(Finding::new(None, within), reply).await;
            }
            Ask::FindIn { photo, file } => match Photo::decode(&file) {
                Ok(decoded) => {
                    let finding = Finding::new(Some((photo, decoded)), None);
                    return self.begin_to_find(finding, reply).await;
                }
                Err(error) => failed(FailureKind::Photo, capitalised(&error.to_string())),
            },
            Ask::Read { boxes } => self.read(&boxes, reply).await,
            Ask::Erase { erasure, method, check } => {
                self.erase(&erasure, &method, check, reply).await
            }
            Ask::Save { erasure, method, choice } => {
                self.save(&erasure, &method, choice, reply).await
            }
            Ask::Inspect { area, digit, erasure, method } => {
                self.inspect(area, digit, &erasure, &method, reply).await
            }
        })
    }

    async fn begin_to_find(&self, finding: Finding, reply: Reply<'_>) -> Taken {
        match (&self.finder, &self.source) {
            (Some(_), _) => self.find(finding, reply).await,
            (None, Some(source)) => Taken::ToFetchFinder(finding, source.models_url.clone()),
            (None, None) => Taken::Answered(not_started()),
        }
    }

    /// Loads the network that finds digits, if it could be fetched.
    pub(super) fn install_finder(&mut self, finding: Finding, fetched: FetchedFinder) -> Taken {
        let finder = fetched.and_then(|(entry, weights)| {
            entry.finder(weights, &Device::flex()).map_err(|error| error.to_string())
        });
        match finder {
            Ok(finder) => {
                self.finder = Some(finder);
                Taken::Finding(finding)
            }
            Err(reason) => Taken::Answered(failed(FailureKind::Request, capitalised(&reason))),
        }
    }

    /// Looks for digits in one more part of the photo, on the CPU.
    pub(super) async fn find(&self, finding: Finding, reply: Reply<'_>) -> Taken {
        match self.look_further(finding, reply).await {
            Ok(taken) => taken,
            Err(error) => {
                Taken::Answered(failed(FailureKind::Request, capitalised(&error.to_string())))
            }
        }
    }

    async fn look_further(
        &self,
        mut finding: Finding,
        reply: Reply<'_>,
    ) -> Result<Taken, EngineError> {
        let other = finding.other.as_ref().map(|(_, photo)| photo);
        let Some(photo) = other.or(self.photo.as_ref()) else {
            return Ok(Taken::Answered(no_photo()));
        };
        let (Some(started), Some(finder)) = (&self.started, &self.finder) else {
            return Ok(Taken::Answered(not_started()));
        };
        let (left, top) = finding.within.map_or((0, 0), |area| (area.left, area.top));
        let in_photo =
            |area: BoxInPhoto| BoxInPhoto { left: area.left + left, top: area.top + top, ..area };
        let part = finding.within.map(|area| photo.part(area));
        let photo = part.as_ref().unwrap_or(photo);
        let search =
            finding.search.get_or_insert_with(|| Search::of(photo, matters_from(AT_LEAST)));
        let more = search.look_further(finder).await?;
        let candidates = search.candidates();
        if more && finding.other.is_some() {
            return Ok(Taken::Finding(finding));
        }
        if more {
            let seen: Vec<BoxInPhoto> = (candidates.digits.iter())
                .filter(|digit| digit.confidence >= AT_LEAST)
                .map(|digit| in_photo(digit.area))
                .collect();
            if seen.len() != finding.told {
                finding.told = seen.len();
                reply(Answer::Seen(seen));
            }
            return Ok(Taken::Finding(finding));
        }
        // The photo at all scales is not needed any more, but memory is.
        finding.search = None;
        let Nets { classifier, strokes } = &started.cpu;
        let read = finder::read(photo, candidates, classifier).await?;
        let read =
            completed_by_strokes(photo, read, AT_LEAST, classifier, strokes.as_ref()).await?;
        // Where a person says that there are digits, the likely ones are.
        let (sure, unsure) = match finding.within {
            Some(_) => (read, Vec::new()),
            None => sure_and_unsure(read, AT_LEAST),
        };
        let boxes = |of: Vec<FoundDigit>| of.iter().map(|it| in_photo(it.detected.area)).collect();
        if let Some((number, photo)) = &finding.other {
            let read = |it: &FoundDigit| (it.detected.area, it.reading.best().0);
            let sure = sure.iter().map(read).collect();
            let (photo, size) = (*number, photo.size());
            return Ok(Taken::Answered(Answer::FoundIn {
                photo,
                size,
                sure,
                unsure: boxes(unsure),
            }));
        }
        Ok(Taken::Answered(Answer::Found { sure: boxes(sure), unsure: boxes(unsure) }))
    }

    /// Loads a fetched model, chooses its device and checks it. If that fails, the model in use
    /// stays in use.
    pub(super) async fn install(
        &mut self,
        fetched: Result<Box<Fetched>, String>,
        reply: Reply<'_>,
    ) -> Answer {
        match self.load(fetched, reply).await {
            Ok(started) => {
                let info = started.info.clone();
                self.started = Some(started);
                Answer::Started(Box::new(info))
            }
            Err(message) => failed(FailureKind::Model, capitalised(&message)),
        }
    }

    async fn load(
        &mut self,
        fetched: Result<Box<Fetched>, String>,
        reply: Reply<'_>,
    ) -> Result<Started, String> {
        let Fetched { entry, weights, strokes, from_cache, notice } = *fetched?;
        let cpu = load_on(&Device::flex(), &entry, &weights, strokes.as_ref(), reply)?;
        if let Some(notice) = notice {
            reply(Answer::Notice(notice));
        }
        let choice = self.source.as_ref().map_or_else(DeviceChoice::default, |it| it.device);
        let mut gpu = None;
        match choice {
            DeviceChoice::Cpu => {}
            DeviceChoice::WebGpu => {
                reply(Answer::Progress(Progress::Proving));
                let load =
                    |device: &Device| load_on(device, &entry, &weights, strokes.as_ref(), reply);
                gpu = self.gpu.prove(&cpu, &load, false, reply).await;
            }
            DeviceChoice::Auto => {
                let slow = self.source.as_ref().and_then(|source| source.slow_gpu.as_deref());
                if slow.is_some()
                    && matches!(self.gpu, Gpu::Untried)
                    && slow == adapter_name().await.as_deref()
                {
                    self.gpu = Gpu::Slow;
                }
                self.try_gpu(&cpu, &entry, &weights, strokes.as_ref());
            }
        }
        let device = match (&gpu, &self.gpu) {
            (Some((_, info)), _) => info.clone(),
            (None, Gpu::Slow) => faster_cpu_info(),
            (None, _) => cpu_info(),
        };
        let model = choosing::info(&entry);
        let info = EngineInfo { device, model, weights_from_cache: from_cache };
        self.keep(Kept { entry, weights, classifier: cpu.classifier.clone() });
        self.strokes = strokes;
        Ok(Started { info, cpu, gpu })
    }

    /// Begins to try the GPU with this model, unless that is in progress or was in vain.
    fn try_gpu(
        &mut self,
        cpu: &Nets,
        entry: &ModelEntry,
        weights: &[u8],
        strokes: Option<&(StrokesEntry, Vec<u8>)>,
    ) {
        if !matches!(self.gpu, Gpu::Untried | Gpu::Open(..)) {
            return;
        }
        let (sender, receiver) = oneshot::channel();
        let mut gpu = std::mem::replace(&mut self.gpu, Gpu::Trying(receiver));
        let (cpu, entry, weights) = (cpu.clone(), entry.clone(), weights.to_vec());
        let strokes = strokes.cloned();
        wasm_bindgen_futures::spawn_local(async move {
            let said = RefCell::new(Vec::new());
            let say = |answer| said.borrow_mut().push(answer);
            let load = |device: &Device| load_on(device, &entry, &weights, strokes.as_ref(), &say);
            let proven = gpu.prove(&cpu, &load, true, &say).await;
            let model = entry.name.clone();
            // There is no receiver any more if another start has begun.
            drop(sender.send(Trial { gpu, model, proven, said: said.take() }));
        });
    }

    /// Uses the result of trying the GPU, once it is known.
    fn end_trial(&mut self, reply: Reply<'_>) {
        let Gpu::Trying(trial) = &mut self.gpu else { return };
        let trial = match trial.try_recv() {
            Ok(None) => return,
            Ok(Some(trial)) => trial,
            Err(oneshot::Canceled) => {
                self.gpu = Gpu::Unusable;
                return;
            }
        };
        self.gpu = trial.gpu;
        trial.said.into_iter().for_each(reply);
        let Some(started) = &mut self.started else { return };
        match trial.proven {
            Some((nets, info)) if started.info.model.name == trial.model => {
                started.info.device = info.clone();
                started.gpu = Some((nets, info));
            }
            None if matches!(self.gpu, Gpu::Slow) => started.info.device = faster_cpu_info(),
            _ => {}
        }
    }

    fn keep(&mut self, kept: Kept) {
        self.kept.retain(|other| other.entry.name != kept.entry.name);
        self.kept.push(kept);
    }

    fn kept(&self, model: &str) -> Option<&Kept> {
        self.kept.iter().find(|kept| kept.entry.name == model)
    }

    /// A model that is already loaded. `None` if the network that finds strokes is missing, because
    /// it may be available by now.
    fn fetched_before(&self, model: &str) -> Option<Box<Fetched>> {
        let Kept { entry, weights, .. } = self.kept(model)?;
        Some(Box::new(Fetched {
            entry: entry.clone(),
            weights: weights.clone(),
            strokes: Some(self.strokes.clone()?),
            from_cache: true,
            notice: None,
        }))
    }

    /// Reads the boxes with the next model of a comparison, if it is loaded.
    pub(super) async fn compare(&mut self, mut comparison: Comparison, reply: Reply<'_>) -> Taken {
        let Some(model) = comparison.models.front().cloned() else {
            return Taken::Answered(Answer::Compared);
        };
        let (Some(photo), Some(source)) = (&self.photo, &self.source) else {
            return Taken::Answered(no_photo());
        };
        let Some(Kept { classifier, .. }) = self.kept(&model) else {
            let models_url = source.models_url.clone();
            let order = Order { models_url, model: Some(model), strict: true, compared: true };
            return Taken::ToFetchFor(comparison, order);
        };
        let begun = Instant::now();
        let state = match classifier.read(photo, &comparison.boxes).await {
            Ok(readings) => ColumnState::Read { readings, milliseconds: since(begun) },
            Err(error) => ColumnState::Failed(capitalised(&error.to_string())),
        };
        reply(Answer::Column(Column { model, state }));
        comparison.models.pop_front();
        Taken::Comparing(comparison)
    }

    /// Loads the next model of a comparison, beside the one in use.
    pub(super) fn keep_for(
        &mut self,
        mut comparison: Comparison,
        fetched: Result<Box<Fetched>, String>,
        reply: Reply<'_>,
    ) -> Taken {
        let loaded = fetched.and_then(|fetched| {
            let Fetched { entry, weights, .. } = *fetched;
            let classifier = entry.classifier(weights.clone(), &Device::flex());
            let classifier = classifier.map_err(|error| error.to_string())?;
            Ok(Kept { entry, weights, classifier })
        });
        match loaded {
            Ok(kept) => self.keep(kept),
            Err(reason) => {
                if let Some(model) = comparison.models.pop_front() {
                    let state = ColumnState::Failed(capitalised(&reason));
                    reply(Answer::Column(Column { model, state }));
                }
            }
        }
        Taken::Comparing(comparison)
    }

    fn ready(&mut self, boxes: &[BoxInPhoto]) -> Result<(Ready<'_>, &Photo), Answer> {
        let (Some(started), Some(photo)) = (&mut self.started, &self.photo) else {
            return Err(if self.photo.is_none() { no_photo() } else { not_started() });
        };
        let size = photo.size();
        match boxes.iter().find(|b| b.right() > size.width || b.bottom() > size.height) {
            Some(_) => Err(failed(FailureKind::Request, "A box lies outside the open photo.")),
            None => Ok((Ready { started, gpu: &mut self.gpu }, photo)),
        }
    }

    async fn read(&mut self, boxes: &[BoxInPhoto], reply: Reply<'_>) -> Answer {
        let begun = Instant::now();
        let (mut ready, photo) = match self.ready(boxes) {
            Ok(ready) => ready,
            Err(answer) => return answer,
        };
        let result = ready.compute(reply, async |nets| nets.read(photo, boxes).await).await;
        match result {
            Ok((readings, device)) => {
                Answer::Readings { readings, milliseconds: since(begun), device }
            }
            Err(error) => failed(FailureKind::Engine, capitalised(&error.to_string())),
        }
    }

    /// Fills all boxes, checks the result if asked to, and says on which device.
    async fn fill(
        &mut self,
        erasure: &Erasure,
        method: &Method,
        check: bool,
        reply: Reply<'_>,
    ) -> Result<(Proven, DeviceInfo), Answer> {
        let (mut ready, photo) = self.ready(&erasure.all())?;
        ready
            .compute(reply, async |nets| {
                if check {
                    return remove_proven(photo, erasure, method, nets).await;
                }
                let fills = remove_watched(photo, erasure, method, nets, &mut |_| {}).await?;
                Ok(Proven { fills, checks: Vec::new() })
            })
            .await
            .map_err(|error| failed(FailureKind::Engine, capitalised(&error.to_string())))
    }

    async fn erase(
        &mut self,
        erasure: &Erasure,
        method: &Method,
        check: bool,
        reply: Reply<'_>,
    ) -> Answer {
        let begun = Instant::now();
        match (self.fill(erasure, method, check, reply).await, &self.photo) {
            (Ok((Proven { fills, checks }, device)), Some(photo)) => Answer::Erased {
                patches: fills.iter().map(|fill| self.shown(patch_of(fill, photo))).collect(),
                checks,
                milliseconds: since(begun),
                device,
            },
            (Err(answer), _) => answer,
            (Ok(_), None) => no_photo(),
        }
    }

    /// Pixels of the open photo, in the colours of the page.
    fn on_screen(&self, rgba: Vec<u8>) -> Vec<u8> {
        match &self.to_screen {
            Some(to_screen) => to_screen.turned(&rgba),
            None => rgba,
        }
    }

    fn shown(&self, patch: Patch) -> Patch {
        Patch { rgba: self.on_screen(patch.rgba), ..patch }
    }

    async fn inspect(
        &mut self,
        area: BoxInPhoto,
        digit: Option<u8>,
        erasure: &Erasure,
        method: &Method,
        reply: Reply<'_>,
    ) -> Answer {
        let boxes = [erasure.all(), vec![area]].concat();
        let (mut ready, photo) = match self.ready(&boxes) {
            Ok(ready) => ready,
            Err(answer) => return answer,
        };
        let inside = ready
            .compute(reply, async |nets| {
                inspecting::inside(nets, photo, area, digit, erasure, method).await
            })
            .await;
        match inside {
            Ok((mut inside, _)) => {
                inside.fill = self.shown(inside.fill);
                Answer::Inside(Box::new(inside))
            }
            Err(error) => failed(FailureKind::Engine, capitalised(&error.to_string())),
        }
    }

    async fn save(
        &mut self,
        erasure: &Erasure,
        method: &Method,
        choice: SaveChoice,
        reply: Reply<'_>,
    ) -> Answer {
        match (self.fill(erasure, method, true, reply).await, &self.photo) {
            (Ok((Proven { fills, .. }, _)), Some(photo)) => {
                match saved(photo, &self.file, &fills, choice) {
                    Ok(file) => Answer::Saved(file),
                    Err(error) => failed(FailureKind::Photo, capitalised(&error.to_string())),
                }
            }
            (Err(answer), _) => answer,
            (Ok(_), None) => no_photo(),
        }
    }
}

/// A loaded model, and the GPU, which is given up if it fails.
struct Ready<'a> {
    started: &'a mut Started,
    gpu: &'a mut Gpu,
}

impl Ready<'_> {
    /// Runs `work` on the GPU. If it fails there, gives up the GPU, says so, and runs it on the CPU.
    async fn compute<T>(
        &mut self,
        reply: Reply<'_>,
        work: impl AsyncFn(&Nets) -> Result<T, EngineError>,
    ) -> Result<(T, DeviceInfo), EngineError> {
        if let Some((gpu, info)) = &self.started.gpu {
            match with_timeout(work(gpu)).await {
                Ok(value) => return Ok((value, info.clone())),
                Err(error) => {
                    // The driver's whole message goes to the console; the page shows its first line.
                    web_sys::console::warn_1(&error.reason().into());
                    let reason = error.reason().lines().next().unwrap_or_default();
                    reply(Answer::Notice(format!(
                        "The GPU ({}) stopped working ({reason}); the CPU has taken over.",
                        info.name
                    )));
                    self.started.gpu = None;
                    self.started.info.device = cpu_info();
                    *self.gpu = Gpu::Unusable;
                }
            }
        }
        Ok((work(&self.started.cpu).await?, self.started.info.device.clone()))
    }
}

impl Gpu {
    /// The model on the GPU, if there is one and its answers are right; otherwise says why not. If
    /// the devices `compete`, it must also be faster than the CPU.
    async fn prove(
        &mut self,
        cpu: &Nets,
        load: &dyn Fn(&Device) -> Result<Nets, String>,
        compete: bool,
        reply: Reply<'_>,
    ) -> Option<(Nets, DeviceInfo)> {
        let notice = |text: String| reply(Answer::Notice(text));
        if matches!(self, Gpu::Untried) {
            *self = match open_gpu().await {
                Ok(Some((device, info))) => Gpu::Open(device, info),
                Ok(None) => {
                    if !compete {
                        notice("This browser has no WebGPU. Using the CPU.".to_owned());
                    }
                    Gpu::Unusable
                }
                Err(error) => {
                    let reason = error.reason();
                    notice(format!("WebGPU could not be started ({reason}). Using the CPU."));
                    Gpu::Unusable
                }
            };
        }
        let Gpu::Open(device, info) = self else { return None };
        let info = info.clone();
        let gpu = match load(device) {
            Ok(gpu) => gpu,
            Err(message) => {
                notice(format!("The GPU ({}) could not be used: {message}", info.name));
                return None;
            }
        };
        match prove(cpu, &gpu).await {
            Ok(proof) if compete && proof.speedup < 1.0 => {
                *self = Gpu::Slow;
                reply(Answer::SlowGpu(info.name));
                None
            }
            Ok(_) => Some((gpu, info)),
            Err(error) => {
                notice(format!(
                    "The GPU ({}) failed its test ({}). Using the CPU.",
                    info.name,
                    error.reason()
                ));
                *self = Gpu::Unusable;
                None
            }
        }
    }
}

/// A model's networks on a device.
fn load_on(
    device: &Device,
    entry: &ModelEntry,
    weights: &[u8],
    strokes: Option<&(StrokesEntry, Vec<u8>)>,
    reply: Reply<'_>,
) -> Result<Nets, String> {
    let classifier = entry
        .classifier(weights.to_vec(), device)
        .map_err(|error| capitalised(&error.to_string()))?;
    let finder = |(entry, weights): &(StrokesEntry, Vec<u8>)| {
        let finder = entry.finder(weights.clone(), device);
        finder.map_err(|error| reply(Answer::Warning(whole_boxes(&error.to_string())))).ok()
    };
    Ok(Nets { classifier, strokes: strokes.and_then(finder) })
}

/// The file of a photo with these fills.
fn saved(
    photo: &Photo,
    file: &[u8],
    fills: &[Fill],
    choice: SaveChoice,
) -> Result<SavedFile, PhotoError> {
    let mut result = photo.clone();
    for fill in fills {
        fill.lay_on(&mut result);
    }
    let changes: Vec<Change<'_>> = fills.iter().map(Fill::change).collect();
    let encoding = Encoding::chosen(file, choice)?;
    let Written { bytes, blocks, left_out } = encoding.write_changed(file, &result, &changes)?;
    let reencoded_because = blocks.and_then(Result::err).map(|reason| reason.to_string());
    Ok(SavedFile { bytes, extension: encoding.extension().to_owned(), left_out, reencoded_because })
}

fn no_photo() -> Answer {
    failed(FailureKind::Request, "No photo is open.")
}

fn not_started() -> Answer {
    failed(FailureKind::Request, "The engine has not started yet.")
}

fn since(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

/// An error's text as a sentence.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
