//! The page's state and everything that can happen to it. Components show the state and call
//! these methods; nothing else changes it.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use futures::channel::oneshot;
use leptos::prelude::*;

use super::comparison::Divider;
use super::dialogue::{Heard, Kind, MAX_RESTARTS};
use super::editor::{
    BoxId, Editor, Hand, PhotoBox, PointInPhoto, PointInScreen, SizeInScreen, View, numbers_of,
};
use super::engine::{Engine, Event};
use super::erasing::{affected, textured_from};
use super::house_number::HouseNumber;
use super::kept;
use super::messages::{Messages, Tone};
use super::models::choice::{Memory, Models, Phase, Step};
use super::models::side_by_side::SideBySide;
use super::offline::NewVersion;
use super::photos::{PhotoId, Photos};
use super::pieces::{Piece, cut_pieces};
use super::second_look::checks_of;
use crate::photo::{BoxInPhoto, PhotoSize};
use crate::removal::{Brush, Erasure};
use crate::worker::protocol::{
    Answer, Ask, BoxReading, Check, DeviceChoice, DeviceInfo, EngineInfo, Failure, FailureKind,
    Inside, Method, Patch, Progress,
};

/// Pause after a change of boxes before the engine is asked: about two frames, so that the removal
/// follows the box while it is dragged, but is not asked for at every event of the pointer. What
/// the engine does not get to before the next question, it drops.
const ASK_DELAY_MILLISECONDS: u32 = 30;

/// Pause after a removal before the engine looks at it once more, which takes several times as long
/// and would be in the way of the next change.
const CHECK_DELAY_MILLISECONDS: u32 = 200;

/// Readings that are kept for boxes no longer there, so that undo shows them at once.
const MAX_KEPT_READINGS: usize = 2000;

/// A digit's width as a share of its height, mostly.
const USUAL_WIDTH_BY_HEIGHT: f64 = 0.6;

/// The model chosen, kept under this key for the next visit.
const MODEL_KEY: &str = "doorplate-model";

/// How far the engine is.
#[derive(Clone, Debug, PartialEq)]
pub enum EngineState {
    /// Loading itself or its weights.
    Starting(Option<Progress>),
    /// Answering.
    Ready(EngineInfo),
    /// Not answering until the user tries again; why.
    Failed(String),
}

impl EngineState {
    fn phase(&self) -> Phase {
        match self {
            EngineState::Starting(_) => Phase::Starting,
            EngineState::Ready(_) => Phase::Ready,
            EngineState::Failed(_) => Phase::Failed,
        }
    }
}

/// The photo on the page.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoOnPage {
    /// Which of the photos it is.
    pub id: PhotoId,
    /// The file's name.
    pub name: String,
    /// Its upright size.
    pub size: PhotoSize,
}

/// Who waits for the engine to give or refuse something; dropped where it never will.
type Waiting<T> = Option<oneshot::Sender<Result<T, String>>>;

/// The last answers' times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timing {
    /// Boxes read and the milliseconds it took.
    pub read: Option<(usize, f64)>,
    /// The milliseconds that the removal took.
    pub erased: Option<f64>,
    /// What answered last.
    pub device: Option<DeviceInfo>,
}

/// Everything on the page. Copies are the same page.
#[derive(Clone, Copy)]
pub struct Page {
    /// The boxes; there is one exactly when there is a photo.
    pub editor: RwSignal<Option<Editor>>,
    /// How the photo lies on the stage.
    pub view: RwSignal<View>,
    /// The stage's size.
    pub stage: RwSignal<SizeInScreen>,
    /// All photos.
    pub photos: Photos,
    /// The one on the stage.
    pub photo: RwSignal<Option<PhotoOnPage>>,
    /// Its pixels, to be drawn on the stage.
    pub picture: RwSignal<Option<web_sys::ImageBitmap>, LocalStorage>,
    /// Pixels without the digits.
    pub pieces: RwSignal<Vec<Piece>, LocalStorage>,
    /// What the second look at the removal found in each box, as far as it was looked at.
    pub checks: Memo<HashMap<BoxId, Check>>,
    /// Whether the original is shown without the removals.
    pub comparing: RwSignal<bool>,
    /// The divider between before and after, while it is on.
    pub divider: RwSignal<Option<Divider>>,
    /// Whether the original is shown beside the result.
    pub beside: RwSignal<bool>,
    /// What the brush does, while it is up.
    pub brush: RwSignal<Option<Brush>>,
    /// Its width in photo pixels; 0 before it is first taken up.
    pub brush_width: RwSignal<u32>,
    /// Where it is.
    pub brush_at: RwSignal<Option<PointInPhoto>>,
    /// How many pixels the removal changes, once the engine has done it.
    pub changed: RwSignal<Option<u64>>,
    /// Whether there is a new version of the page.
    pub new_version: RwSignal<NewVersion>,
    /// Whether the dialog with what was fetched is open.
    pub showing_fetches: RwSignal<bool>,
    /// The browser's records of what the engine fetched, as JSON.
    pub fetched_by_engine: RwSignal<Vec<String>>,
    /// Whether the dialog with the keys is open.
    pub help: RwSignal<bool>,
    /// Whether the dialog with the models is open.
    pub choosing_model: RwSignal<bool>,
    /// Whether the inspector is open.
    pub inspecting: RwSignal<bool>,
    /// What it shows: the newest answer, which may be about the box as it was a moment ago.
    pub inside: RwSignal<Option<Rc<Inside>>, LocalStorage>,
    /// The digit whose gradient it shows; none for the digit that is read.
    pub gradient_of: RwSignal<Option<u8>>,
    /// How digits are taken out.
    pub method: RwSignal<Method>,
    /// How far the engine is.
    pub engine_state: RwSignal<EngineState>,
    /// The published models.
    pub models: RwSignal<Models>,
    /// The names of the models that are looked at more closely.
    pub ticked: RwSignal<Vec<String>>,
    /// What these read in the boxes, as far as they were asked.
    pub side_by_side: RwSignal<SideBySide>,
    /// The last answers' times.
    pub timing: RwSignal<Timing>,
    /// Lines for the user.
    pub messages: Messages,
    /// Told to screen readers only.
    pub announcement: RwSignal<String>,
    /// Whether the PNG is being made.
    pub saving: RwSignal<bool>,
    /// Whether the engine has the photo.
    pub opened: RwSignal<bool>,
    /// Whether anything is under way between page and engine.
    pub busy: RwSignal<bool>,
    /// What the stage was pointed at with last.
    pub hand: RwSignal<Hand>,
    /// Whether a drag pans, as while Space is held.
    pub panning: RwSignal<bool>,
    /// Whether a file is being dragged over the page.
    pub dropping: RwSignal<bool>,
    /// A box whose element should get the focus, once it is there.
    pub focus_wish: RwSignal<Option<BoxId>>,
    readings: RwSignal<HashMap<BoxInPhoto, BoxReading>>,
    engine: StoredValue<Option<Engine>, LocalStorage>,
    backstage: StoredValue<Backstage, LocalStorage>,
}

/// What the inspector was asked: the box, the gradient's digit, what is taken out of it, the method.
type InsideQuestion = (BoxInPhoto, Option<u8>, Erasure, Method);

/// What no component shows.
#[derive(Default)]
struct Backstage {
    /// Counts files from the moment they are chosen; only the last one chosen is opened.
    tickets: u32,
    /// The ticket of the photo that the engine has or is decoding.
    accepted: u32,
    /// The ticket of the photo on the stage; behind `accepted` until the new one is decoded.
    shown: u32,
    /// Files being fetched, read or decoded by the page.
    loading: u32,
    /// The photo that the engine has or is decoding.
    accepted_photo: Option<PhotoId>,
    /// The photo to go back to when the engine cannot decode that one.
    fallback: Option<PhotoId>,
    /// Waits for the accepted photo to be on the stage and in the engine.
    waits_for_photo: Waiting<()>,
    /// Waits for the PNG.
    waits_for_png: Waiting<Vec<u8>>,
    /// The photo's size as the engine sees it.
    size_in_engine: Option<PhotoSize>,
    /// Whether the engine's own pixels go on the stage.
    awaits_preview: bool,
    asked_read: Vec<BoxInPhoto>,
    asked_erase: Option<(Erasure, Method)>,
    /// Areas whose fill on the stage is not that of the boxes as they were asked about last; none
    /// when it is so of all.
    unfilled: Option<Vec<BoxInPhoto>>,
    /// Boxes that came or went while others' texture was left as it is.
    moved: Vec<BoxInPhoto>,
    asked_inside: Option<InsideQuestion>,
    asked_comparison: Option<(Vec<String>, Vec<BoxInPhoto>)>,
    /// Boxes to be pasted.
    copied: Vec<PhotoBox>,
    sync_timer: Option<gloo::timers::callback::Timeout>,
    /// Whether the last answer about the removal was a second look.
    checking: bool,
    /// Until the engine looks at the removal once more.
    check_timer: Option<gloo::timers::callback::Timeout>,
}

impl Backstage {
    /// What was asked about the boxes is to be asked again.
    fn forget_answers(&mut self) {
        self.asked_erase = None;
        self.unfilled = None;
        self.check_timer = None;
        self.asked_inside = None;
        self.asked_comparison = None;
    }
}

impl Page {
    /// The empty page, its engine not started.
    pub fn new() -> Self {
        let editor = RwSignal::new(None);
        let pieces = RwSignal::new_local(Vec::new());
        let page = Page {
            editor,
            view: RwSignal::new(View::default()),
            stage: RwSignal::new(SizeInScreen { width: 0.0, height: 0.0 }),
            photos: Photos::new(),
            photo: RwSignal::new(None),
            picture: RwSignal::new_local(None),
            pieces,
            checks: Memo::new(move |_| checks_of(editor, pieces)),
            comparing: RwSignal::new(false),
            divider: RwSignal::new(None),
            beside: RwSignal::new(false),
            brush: RwSignal::new(None),
            brush_width: RwSignal::new(0),
            brush_at: RwSignal::new(None),
            changed: RwSignal::new(None),
            new_version: RwSignal::new(NewVersion::None),
            showing_fetches: RwSignal::new(false),
            fetched_by_engine: RwSignal::new(Vec::new()),
            help: RwSignal::new(false),
            choosing_model: RwSignal::new(false),
            inspecting: RwSignal::new(false),
            inside: RwSignal::new_local(None),
            gradient_of: RwSignal::new(None),
            method: RwSignal::new(Method::default()),
            engine_state: RwSignal::new(EngineState::Starting(None)),
            models: RwSignal::new(Models::new(kept::read(MODEL_KEY))),
            ticked: RwSignal::new(Vec::new()),
            side_by_side: RwSignal::new(SideBySide::default()),
            timing: RwSignal::new(Timing::default()),
            messages: Messages::new(),
            announcement: RwSignal::new(String::new()),
            saving: RwSignal::new(false),
            opened: RwSignal::new(false),
            busy: RwSignal::new(false),
            hand: RwSignal::new(Hand::default()),
            panning: RwSignal::new(false),
            dropping: RwSignal::new(false),
            focus_wish: RwSignal::new(None),
            readings: RwSignal::new(HashMap::new()),
            engine: StoredValue::new_local(None),
            backstage: StoredValue::new_local(Backstage::default()),
        };
        page.engine.set_value(Some(Engine::new(move |event| page.hear(event))));
        page
    }

    // ---- The engine -------------------------------------------------------------------------

    /// Loads the engine.
    pub fn start_engine(self) {
        self.ask(self.start_question());
    }

    /// Tries once more after a failed start.
    pub fn try_again(self) {
        self.engine_state.set(EngineState::Starting(None));
        self.engine.with_value(|engine| {
            if let Some(engine) = engine {
                engine.try_again(self.start_question());
            }
        });
        self.update_busy();
    }

    /// Goes over to another model, or begins with it.
    pub fn choose_model(self, name: &str) {
        let phase = self.engine_state.with_untracked(EngineState::phase);
        let step = self.models.try_update(|models| models.choose(name, phase)).flatten();
        match step {
            None => {}
            Some(Step::Start) => self.try_again(),
            Some(Step::Switch) => {
                self.announcement.set(format!("Loading {name}."));
                self.ask(Ask::Switch { model: name.to_owned() });
            }
        }
    }

    /// Opens the view of all models.
    pub fn open_models(self) {
        self.choosing_model.set(true);
        // The boxes may be others than when it was closed.
        self.sync_soon();
    }

    /// Looks at a model more closely, or not any more; two or more read the boxes side by side.
    pub fn tick_model(self, name: &str, on: bool) {
        self.ticked.update(|ticked| {
            ticked.retain(|other| other != name);
            if on {
                ticked.push(name.to_owned());
            }
        });
        self.side_by_side.update(|table| table.forget_failure(name));
        self.sync_soon();
    }

    /// The first question to the engine. The page's address may choose the device
    /// (`?engine=cpu|webgpu|auto`), for comparing and for tests.
    fn start_question(self) -> Ask {
        let model = self.models.with_untracked(|models| models.wish().map(str::to_owned));
        let location = window().location();
        let search = location.search().unwrap_or_default();
        let device = web_sys::UrlSearchParams::new_with_str(&search)
            .ok()
            .and_then(|parameters| parameters.get("engine"))
            .map(|choice| match choice.as_str() {
                "cpu" => DeviceChoice::Cpu,
                "webgpu" => DeviceChoice::WebGpu,
                _ => DeviceChoice::Auto,
            })
            .unwrap_or_default();
        let models_url = document()
            .base_uri()
            .ok()
            .flatten()
            .and_then(|base| web_sys::Url::new_with_base("models/", &base).ok())
            .map_or_else(|| "models/".to_owned(), |url| url.href());
        Ask::Start { models_url, model, device }
    }

    fn ask(self, ask: Ask) {
        // Cloned out, as asking may answer at once.
        if let Some(engine) = self.engine.get_value() {
            engine.ask(ask);
        }
        self.update_busy();
    }

    fn awaits(self, kind: Kind) -> bool {
        self.engine.with_value(|engine| engine.as_ref().is_some_and(|engine| engine.awaits(kind)))
    }

    fn update_busy(self) {
        let backstage = self.backstage.with_value(|backstage| {
            backstage.loading > 0
                || backstage.sync_timer.is_some()
                || backstage.check_timer.is_some()
        });
        let kinds = [
            Kind::Switch,
            Kind::Open,
            Kind::Preview,
            Kind::Read,
            Kind::Erase,
            Kind::Save,
            Kind::Inspect,
            Kind::Compare,
        ];
        let asked = kinds.into_iter().any(|kind| self.awaits(kind));
        let busy = backstage || asked;
        if self.busy.get_untracked() != busy {
            self.busy.set(busy);
        }
        let saving = self.awaits(Kind::Save);
        if self.saving.get_untracked() != saving {
            self.saving.set(saving);
        }
    }

    fn hear(self, event: Event) {
        match event {
            Event::Fetched(entries) => {
                self.fetched_by_engine.update(|known| known.push(entries));
            }
            Event::Heard(Heard::Notice(notice)) => self.messages.show(Tone::Notice, notice),
            Event::Heard(Heard::Meanwhile { kind, answer }) => self.hear_meanwhile(kind, answer),
            Event::Heard(Heard::Final { kind, boxes, answer }) => {
                self.hear_answer(kind, boxes, answer);
            }
            // The client turns crashes into the two below.
            Event::Heard(_) => {}
            Event::Replaced { reason, restarts } => {
                self.models.update(Models::stopped);
                self.engine_state.set(EngineState::Starting(None));
                self.opened.set(false);
                leptos::logging::warn!("the engine stopped: {reason}");
                let how = if restarts > 1 { ", this time on the CPU" } else { "" };
                self.messages.show_about_engine(format!(
                    "The engine stopped and is started again{how} ({restarts} of {MAX_RESTARTS})."
                ));
            }
            Event::GaveUp { reason } => {
                self.models.update(Models::stopped);
                self.opened.set(false);
                self.messages.close_about_engine();
                self.let_wait_no_longer("the engine is not running");
                self.engine_state.set(EngineState::Failed(format!(
                    "The engine cannot run: {reason}. Your photos and boxes stay as they are."
                )));
            }
        }
        self.update_busy();
    }

    fn hear_meanwhile(self, kind: Kind, answer: Answer) {
        match (kind, answer) {
            (_, Answer::Models(published)) => {
                self.models.update(|models| models.publish(published));
            }
            (Kind::Switch, Answer::Progress(progress)) => {
                self.models.update(|models| models.progress(progress));
            }
            (_, Answer::Column(column)) => {
                self.side_by_side.update(|table| table.take(column));
            }
            (_, Answer::Progress(progress)) => {
                self.engine_state.set(EngineState::Starting(Some(progress)));
            }
            _ => {}
        }
    }

    fn hear_answer(self, kind: Kind, boxes: Vec<BoxInPhoto>, answer: Answer) {
        match answer {
            Answer::Started(info) => {
                match self.models.try_update(|models| models.started(&info)) {
                    Some(Memory::Keep(name)) => kept::keep(MODEL_KEY, &name),
                    Some(Memory::Forget) => kept::forget(MODEL_KEY),
                    Some(Memory::AsItIs) | None => {}
                }
                self.engine_state.set(EngineState::Ready(*info));
                // Another model reads differently, and a new engine may hold other weights than
                // the last one. Back to the model in use is no exception: the one that was called
                // off may have been in use for a moment.
                self.readings.update(HashMap::clear);
                self.side_by_side.set(SideBySide::default());
                self.timing.set(Timing::default());
                self.backstage.update_value(Backstage::forget_answers);
                self.hand_over_again();
                self.sync_soon();
            }
            Answer::Opened { size } => self.photo_opened(size),
            Answer::Preview { size, rgba } => self.preview_came(size, rgba),
            Answer::Readings { readings, milliseconds, device } => {
                let count = readings.iter().map(|reading| reading.digits.len()).sum();
                self.readings.update(|known| {
                    if known.len() > MAX_KEPT_READINGS {
                        known.clear();
                    }
                    known.extend(boxes.into_iter().zip(readings));
                });
                self.timing.update(|timing| {
                    timing.read = Some((count, milliseconds));
                    timing.device = Some(device);
                });
                self.announce_numbers();
                // Boxes that changed meanwhile, and readings that the bound above let go.
                if !self.unread_boxes().is_empty() {
                    self.sync_soon();
                }
            }
            Answer::Erased { patches, checks, milliseconds, device } => {
                self.backstage.update_value(|backstage| {
                    backstage.unfilled = Some(Vec::new());
                    backstage.checking = !checks.is_empty();
                });
                self.lay(&boxes, patches, &checks);
                // A box that is dragged is further on by now.
                self.sync_soon();
                self.timing.update(|timing| {
                    // The second look has a time of its own.
                    if checks.is_empty() {
                        timing.erased = Some(milliseconds);
                    }
                    timing.device = Some(device);
                });
            }
            Answer::Inside(inside) => self.inside.set(Some(Rc::from(inside))),
            Answer::Saved { png } => {
                self.answer_waiting(|backstage| &mut backstage.waits_for_png, Ok(png));
            }
            Answer::Failed(failure) => self.hear_failure(kind, failure),
            Answer::Superseded
            | Answer::Models(_)
            | Answer::Progress(_)
            | Answer::Notice(_)
            | Answer::Column(_)
            | Answer::Compared => {}
        }
    }

    fn hear_failure(self, kind: Kind, failure: Failure) {
        let Failure { kind: cause, message } = failure;
        match (kind, cause) {
            (Kind::Start, _) => self.engine_state.set(EngineState::Failed(message)),
            (Kind::Switch, _) => self.models.update(|models| models.switch_failed(&message)),
            (Kind::Open, FailureKind::Photo) => self.photo_refused(message),
            (Kind::Preview, _) => {
                self.backstage.update_value(|backstage| backstage.awaits_preview = false);
                self.messages.show(Tone::Error, message);
            }
            (_, FailureKind::Model) => self.engine_state.set(EngineState::Failed(message)),
            _ => {
                if kind == Kind::Save {
                    self.answer_waiting(|backstage| &mut backstage.waits_for_png, Err(message));
                    return;
                }
                if kind == Kind::Erase {
                    // Asked again with the next change.
                    self.backstage.update_value(Backstage::forget_answers);
                }
                self.messages.show(Tone::Error, message);
            }
        }
    }

    // ---- Photos -----------------------------------------------------------------------------

    /// Gives a chosen file its ticket; [`Page::loading_ended`] belongs to it.
    pub fn loading_began(self) -> u32 {
        let ticket = self
            .backstage
            .try_update_value(|backstage| {
                backstage.tickets = backstage.tickets.wrapping_add(1);
                backstage.loading += 1;
                backstage.tickets
            })
            .unwrap_or_default();
        self.update_busy();
        ticket
    }

    /// Ends what [`Page::loading_began`] began.
    pub fn loading_ended(self) {
        self.backstage
            .update_value(|backstage| backstage.loading = backstage.loading.saturating_sub(1));
        self.update_busy();
    }

    /// Whether no file was chosen after the one with this ticket.
    pub fn is_last_chosen(self, ticket: u32) -> bool {
        self.backstage.with_value(|backstage| backstage.tickets == ticket)
    }

    /// Whether the photo with this ticket is the one that the engine has or is decoding.
    pub fn is_accepted(self, ticket: u32) -> bool {
        self.backstage.with_value(|backstage| backstage.accepted == ticket)
    }

    /// Gives the engine a photo whose header was found right. The one until now is remembered for
    /// the case that the engine cannot decode this one after all.
    pub fn accept(self, ticket: u32, id: PhotoId, bytes: Vec<u8>) {
        let opened = self.opened.get_untracked();
        self.backstage.update_value(|backstage| {
            let before = backstage.accepted_photo.replace(id);
            if opened && before != Some(id) {
                backstage.fallback = before;
            }
            backstage.accepted = ticket;
            backstage.size_in_engine = None;
            backstage.awaits_preview = false;
            backstage.waits_for_png = None;
            backstage.sync_timer = None;
        });
        self.opened.set(false);
        self.ask(Ask::Open { file: bytes });
    }

    /// Puts the accepted photo on the stage, with the boxes that it has.
    pub fn show_photo(self, picture: web_sys::ImageBitmap, size: PhotoSize) {
        let Some(Some(id)) = self.backstage.try_update_value(|backstage| {
            backstage.shown = backstage.accepted;
            backstage.awaits_preview = false;
            backstage.asked_read.clear();
            backstage.forget_answers();
            backstage.accepted_photo
        }) else {
            return;
        };
        let Some((editor, name)) = self.photos.to_stage(self.put_aside(), id, size) else { return };
        self.readings.update(HashMap::clear);
        self.side_by_side.set(SideBySide::default());
        self.pieces.set(Vec::new());
        self.inside.set(None);
        self.timing.set(Timing::default());
        self.comparing.set(false);
        self.divider.set(None);
        self.brush_at.set(None);
        self.editor.set(Some(editor));
        self.photo.set(Some(PhotoOnPage { id, name, size }));
        self.set_picture(Some(picture));
        self.fit();
        self.settle_disagreement();
        self.answer_when_open();
        self.sync_soon();
    }

    /// The boxes on the stage, with their photo, as something else takes their place.
    fn put_aside(self) -> Option<(PhotoId, Editor)> {
        let id = self.photo.with_untracked(|photo| photo.as_ref().map(|photo| photo.id))?;
        let mut editor = self.editor.get_untracked()?;
        editor.cancel();
        Some((id, editor))
    }

    /// Shows other pixels, and frees the last ones at once: many photos would fill the memory
    /// before the browser does so by itself.
    fn set_picture(self, picture: Option<web_sys::ImageBitmap>) {
        let last = self.picture.get_untracked();
        self.picture.set(picture);
        if let Some(last) = last {
            last.close();
        }
    }

    /// Leaves the stage empty; what is on its way to it is let go.
    pub fn clear_stage(self) {
        self.backstage.update_value(|backstage| {
            backstage.tickets = backstage.tickets.wrapping_add(1);
            backstage.accepted = 0;
            backstage.shown = 0;
            backstage.accepted_photo = None;
            backstage.fallback = None;
            backstage.waits_for_photo = None;
            backstage.waits_for_png = None;
        });
        self.opened.set(false);
        self.editor.set(None);
        self.photo.set(None);
        self.divider.set(None);
        self.beside.set(false);
        self.brush.set(None);
        self.inside.set(None);
        self.set_picture(None);
        self.pieces.set(Vec::new());
        self.timing.set(Timing::default());
        self.update_busy();
    }

    /// Waits until the photo that was asked for last is on the stage and in the engine.
    ///
    /// # Errors
    /// Why it will not be.
    pub async fn photo_open(self) -> Result<(), String> {
        let (sender, receiver) = oneshot::channel();
        self.backstage.update_value(|backstage| backstage.waits_for_photo = Some(sender));
        receiver.await.unwrap_or_else(|_| Err("another photo was opened".to_owned()))
    }

    /// Tells who waits for the photo that it will not come.
    pub fn photo_failed(self, reason: String) {
        self.answer_waiting(|backstage| &mut backstage.waits_for_photo, Err(reason));
    }

    fn answer_when_open(self) {
        let shown = self.backstage.with_value(|backstage| {
            backstage.shown == backstage.accepted && !backstage.awaits_preview
        });
        if shown && self.opened.get_untracked() {
            self.answer_waiting(|backstage| &mut backstage.waits_for_photo, Ok(()));
        }
    }

    fn answer_waiting<T>(
        self,
        waiting: impl FnOnce(&mut Backstage) -> &mut Waiting<T>,
        answer: Result<T, String>,
    ) {
        let sender =
            self.backstage.try_update_value(|backstage| waiting(backstage).take()).flatten();
        if let Some(sender) = sender {
            // Who waited may have turned away.
            let _ = sender.send(answer);
        }
    }

    fn let_wait_no_longer(self, reason: &str) {
        self.photo_failed(reason.to_owned());
        self.answer_waiting(|backstage| &mut backstage.waits_for_png, Err(reason.to_owned()));
    }

    /// The browser cannot show the file; the engine's own decoder will.
    pub fn await_preview(self) {
        self.backstage.update_value(|backstage| backstage.awaits_preview = true);
        if self.opened.get_untracked() {
            self.ask(Ask::Preview);
        } else if !matches!(self.engine_state.get_untracked(), EngineState::Ready(_)) {
            self.messages.show(
                Tone::Notice,
                "This browser cannot show the format by itself; the photo appears as soon as the \
                 engine is loaded."
                    .to_owned(),
            );
        }
    }

    fn photo_opened(self, size: PhotoSize) {
        if self.backstage.with_value(|backstage| backstage.accepted_photo.is_none()) {
            // It was closed meanwhile.
            return;
        }
        self.opened.set(true);
        let awaits_preview = self
            .backstage
            .try_update_value(|backstage| {
                backstage.fallback = None;
                backstage.size_in_engine = Some(size);
                backstage.forget_answers();
                backstage.awaits_preview
            })
            .unwrap_or_default();
        if awaits_preview {
            self.ask(Ask::Preview);
        } else {
            self.settle_disagreement();
        }
        self.answer_when_open();
        self.sync_soon();
    }

    /// Boxes mean the engine's pixels. Where its decoder and the browser's disagree about the
    /// size (a rare orientation tag), the engine's picture takes the stage.
    fn settle_disagreement(self) {
        let shown = self.photo.with_untracked(|photo| photo.as_ref().map(|photo| photo.size));
        let disagree = self
            .backstage
            .try_update_value(|backstage| {
                let disagree = backstage.shown == backstage.accepted
                    && backstage.size_in_engine.is_some()
                    && backstage.size_in_engine != shown;
                if disagree {
                    backstage.awaits_preview = true;
                }
                disagree
            })
            .unwrap_or_default();
        if disagree {
            self.ask(Ask::Preview);
        }
    }

    fn preview_came(self, size: PhotoSize, rgba: Vec<u8>) {
        let ticket = self.backstage.with_value(|backstage| backstage.accepted);
        self.backstage.update_value(|backstage| backstage.loading += 1);
        leptos::task::spawn_local(async move {
            let picture = super::intake::picture_from_rgba(size, &rgba).await;
            drop(rgba);
            if self.is_accepted(ticket) {
                match picture {
                    Ok(picture) => self.show_photo(picture, size),
                    Err(reason) => self
                        .messages
                        .show(Tone::Error, format!("The browser cannot show this photo: {reason}")),
                }
            }
            self.loading_ended();
        });
    }

    /// Gives a started engine the photo on the stage if it neither has it nor is decoding it, as
    /// after one that gave up.
    fn hand_over_again(self) {
        if self.opened.get_untracked() || self.awaits(Kind::Open) {
            return;
        }
        let shown = self.photo.with_untracked(|photo| photo.as_ref().map(|photo| photo.id));
        if let Some(id) = shown {
            super::intake::open(self, id);
        }
    }

    /// The engine cannot decode the photo: back to the one before.
    fn photo_refused(self, message: String) {
        let (refused, fallback) = self
            .backstage
            .try_update_value(|backstage| {
                (backstage.accepted_photo.take(), backstage.fallback.take())
            })
            .unwrap_or_default();
        let name = refused.and_then(|id| self.photos.fail(id, &message)).unwrap_or_default();
        let (waited, text) = (self.photos.is_saving_all(), format!("{name}: {message}"));
        self.photo_failed(message);
        // Saving all reports its failures itself, and opens the next.
        if waited {
            return;
        }
        self.messages.show(Tone::Error, text);
        match fallback.filter(|id| self.photos.can_open(*id)) {
            Some(id) => super::intake::open(self, id),
            None => {
                self.photos.gallery.update(|gallery| gallery.set_open(None));
                self.clear_stage();
            }
        }
    }

    // ---- Boxes ------------------------------------------------------------------------------

    /// Changes the boxes; the engine is asked a moment later. Gives what the change gives.
    pub fn edit<T>(self, change: impl FnOnce(&mut Editor) -> T) -> Option<T> {
        let result = self.editor.try_update(|editor| editor.as_mut().map(change)).flatten();
        if result.is_some() {
            self.sync_soon();
        }
        result
    }

    /// Looks at the boxes without following them.
    pub fn look<T>(self, look: impl FnOnce(&Editor) -> T) -> Option<T> {
        self.editor.with_untracked(|editor| editor.as_ref().map(look))
    }

    /// Selects a box whose element has the focus already.
    pub fn select_quietly(self, id: Option<BoxId>) {
        if self.look(Editor::selected).flatten() != id {
            self.editor.update(|editor| {
                if let Some(editor) = editor {
                    editor.select(id);
                }
            });
            if self.inspecting.get_untracked() {
                self.sync_soon();
            }
        }
    }

    /// Selects a box and wishes for its element to have the focus.
    pub fn select(self, id: Option<BoxId>) {
        self.select_quietly(id);
        if id.is_some() {
            self.focus_wish.set(id);
        }
    }

    /// Selects a box that was pointed at on purpose, so that it is taken hold of as such.
    pub fn pick(self, id: BoxId) {
        self.editor.update(|editor| {
            if let Some(editor) = editor {
                editor.select(Some(id));
            }
        });
        self.select(Some(id));
    }

    /// Makes a box in the middle of what is in sight, and selects it; tells whether there is a photo.
    pub fn new_box(self) -> bool {
        let Some(photo) = self.look(Editor::photo) else { return false };
        let (middle, width, height) =
            self.view.get_untracked().in_sight(photo, self.stage.get_untracked());
        // A fifth of what is in sight is large enough to be seen, and leaves room beside it.
        let height = (height.min(width) / 5.0).round();
        let usual = ((height * USUAL_WIDTH_BY_HEIGHT).round() as u32, height as u32);
        self.edit(|editor| editor.add_at(middle, usual));
        self.select(self.look(Editor::selected).flatten());
        self.announcement.set(
            "New box: arrows move it, with Shift faster, with Control they resize it.".to_owned(),
        );
        true
    }

    /// Selects several boxes and wishes for the last one's element to have the focus.
    pub fn select_several(self, ids: &[BoxId]) {
        self.edit(|editor| editor.select_several(ids));
        self.focus_wish.set(ids.last().copied());
    }

    /// Makes a box larger, so that more of what is in it is found and removed.
    pub fn widen(self, id: BoxId) {
        self.edit(|editor| editor.widen(id));
        self.select(Some(id));
        self.announcement.set(format!("Box {id} is larger now."));
    }

    /// Turns the removal of boxes on or off, all alike.
    pub fn toggle_remove(self, ids: &[BoxId]) {
        self.edit(|editor| {
            let removes = ids.iter().any(|id| editor.get(*id).is_some_and(|b| b.remove));
            editor.set_remove(ids, !removes)
        });
    }

    /// The same of the selected boxes. Tells whether there are any.
    pub fn toggle_remove_selected(self) -> bool {
        let selected = self.look(Editor::selection).unwrap_or_default();
        self.toggle_remove(&selected);
        !selected.is_empty()
    }

    /// Keeps the selected boxes to be pasted. Tells whether there are any.
    pub fn copy(self) -> bool {
        let copied = self.look(Editor::copied).unwrap_or_default();
        let any = !copied.is_empty();
        if any {
            self.backstage.update_value(|backstage| backstage.copied = copied);
        }
        any
    }

    /// Pastes the boxes that were copied last, from this photo or another one.
    pub fn paste(self) {
        let copied = self.backstage.with_value(|backstage| backstage.copied.clone());
        if self.edit(|editor| editor.paste(&copied)).unwrap_or_default() {
            self.select(self.look(Editor::selected).flatten());
        }
    }

    /// What the engine reads in an area of the photo, if it has said so.
    pub fn reading_of(self, area: BoxInPhoto) -> Option<BoxReading> {
        self.readings.with(|readings| readings.get(&area).cloned())
    }

    /// Whether a box is being moved or resized.
    pub fn is_adjusting(self) -> bool {
        self.editor.with(|editor| editor.as_ref().is_some_and(Editor::is_adjusting))
    }

    /// The house numbers on the stage, in reading order.
    pub fn house_numbers(self) -> Vec<HouseNumber> {
        let numbers = self.editor.with(|editor| {
            editor.as_ref().map(|editor| numbers_of(editor.boxes())).unwrap_or_default()
        });
        self.readings.with(|readings| {
            let digits = |b: PhotoBox| {
                let digits: Vec<Option<(u8, f32)>> = match (b.label, readings.get(&b.area)) {
                    (Some(label), _) => vec![Some((label, 1.0))],
                    (None, Some(reading)) => reading.best().map(Some).collect(),
                    (None, None) => vec![None],
                };
                digits.into_iter().map(move |digit| (b.id, digit))
            };
            let number = |boxes: Vec<PhotoBox>| HouseNumber {
                digits: boxes.into_iter().flat_map(digits).collect(),
            };
            numbers.into_iter().map(number).collect()
        })
    }

    /// The digits that were read in the boxes on the stage.
    pub fn digits(self) -> Vec<(BoxInPhoto, Vec<u8>)> {
        self.readings.with(|readings| {
            self.editor.with(|editor| {
                let boxes = editor.as_ref().map(Editor::boxes).unwrap_or_default();
                let best = |b: &PhotoBox| {
                    let digits = readings.get(&b.area)?.best().map(|(digit, _)| digit);
                    Some((b.area, digits.collect()))
                };
                boxes.iter().filter_map(best).collect()
            })
        })
    }

    /// Where the digits lie in boxes round several, as long as these are read and no person says
    /// what they hold.
    pub fn digit_places(self) -> Vec<BoxInPhoto> {
        self.readings.with(|readings| {
            self.editor.with(|editor| {
                let boxes = editor.as_ref().map(Editor::boxes).unwrap_or_default();
                let read = boxes.iter().filter(|b| b.label.is_none());
                let read = read.filter_map(|b| readings.get(&b.area));
                let several = read.filter(|reading| reading.digits.len() > 1);
                several.flat_map(|reading| &reading.digits).map(|(place, _)| *place).collect()
            })
        })
    }

    fn announce_numbers(self) {
        let numbers = untrack(|| self.house_numbers());
        let spoken: Vec<String> = numbers.iter().map(HouseNumber::spoken).collect();
        self.announcement.set(format!("{}.", spoken.join("; ")));
    }

    fn sync_soon(self) {
        let scheduled = self.backstage.with_value(|backstage| backstage.sync_timer.is_some());
        if scheduled {
            return;
        }
        let timer = gloo::timers::callback::Timeout::new(ASK_DELAY_MILLISECONDS, move || {
            self.sync_now();
        });
        self.backstage.update_value(|backstage| backstage.sync_timer = Some(timer));
        self.update_busy();
    }

    /// Asks for what is not known yet about the boxes as they are.
    fn sync_now(self) {
        self.backstage.update_value(|backstage| backstage.sync_timer = None);
        if self.engine_has_stage() {
            self.ask_readings();
            self.ask_removal();
            self.ask_inside();
            self.ask_comparison();
        }
        self.update_busy();
    }

    /// Whether the engine runs and has the photo that is on the stage.
    fn engine_has_stage(self) -> bool {
        let on_stage = self.backstage.with_value(|backstage| backstage.shown == backstage.accepted);
        let ready = matches!(self.engine_state.get_untracked(), EngineState::Ready(_));
        on_stage && ready && self.opened.get_untracked()
    }

    fn unread_boxes(self) -> Vec<BoxInPhoto> {
        let areas: Vec<BoxInPhoto> =
            self.look(|editor| editor.boxes().iter().map(|b| b.area).collect()).unwrap_or_default();
        let mut seen = HashSet::new();
        self.readings.with_untracked(|readings| {
            areas
                .into_iter()
                .filter(|area| !readings.contains_key(area) && seen.insert(*area))
                .collect()
        })
    }

    /// Only boxes whose reading is not known are asked about: a reading depends on nothing but
    /// its own box, and moving one of many should cost one.
    fn ask_readings(self) {
        let unread = self.unread_boxes();
        if unread.is_empty() {
            return;
        }
        let asked = self.awaits(Kind::Read)
            && self.backstage.with_value(|backstage| backstage.asked_read == unread);
        if !asked {
            self.backstage.update_value(|backstage| backstage.asked_read.clone_from(&unread));
            self.ask(Ask::Read { boxes: unread });
        }
    }

    /// Boxes near each other are asked about together, as they are filled together; those that no
    /// change came near keep their fill. While a box is dragged, an answer is waited for before the
    /// next question, so that on a slow machine there are answers at all; and what only takes its
    /// texture from near it follows when it is let go.
    fn ask_removal(self) {
        let dragging = self.look(Editor::is_adjusting).unwrap_or_default();
        if dragging && self.awaits(Kind::Erase) {
            return;
        }
        let erasure = self.look(Editor::erasure).unwrap_or_default();
        let question = (erasure, self.method.get_untracked());
        let before = self.backstage.with_value(|backstage| backstage.asked_erase.clone());
        let settled = dragging || self.backstage.with_value(|backstage| backstage.moved.is_empty());
        if self.was_asked(&question, |backstage| &mut backstage.asked_erase) && settled {
            self.check_soon();
            return;
        }
        self.backstage.update_value(|backstage| backstage.check_timer = None);
        let (erasure, method) = question;
        let boxes = self
            .backstage
            .try_update_value(|backstage| match (before, &mut backstage.unfilled) {
                (Some((before, same)), Some(unfilled)) if same == method => {
                    let changed = erasure.changed_since(&before);
                    backstage.moved.extend(&changed);
                    unfilled.extend(changed);
                    if !dragging {
                        let moved = std::mem::take(&mut backstage.moved);
                        unfilled.extend(textured_from(&moved, &erasure.boxes, &method));
                    }
                    affected(unfilled, &erasure.boxes, &method)
                }
                (_, unfilled) => {
                    backstage.moved.clear();
                    *unfilled = Some(erasure.boxes.clone());
                    erasure.boxes.clone()
                }
            })
            .unwrap_or_default();
        if boxes.is_empty() {
            // What is gone leaves nothing to fill. An answer may be on its way all the same.
            self.lay(&[], Vec::new(), &[]);
            if erasure.boxes.is_empty() {
                self.timing.update(|timing| timing.erased = None);
            }
            self.check_soon();
            return;
        }
        self.ask(Ask::Erase { erasure: erasure.part(boxes), method, check: false });
    }

    /// Has the engine look once more at what it removed, as soon as nothing changes for a moment.
    fn check_soon(self) {
        let waits = self.backstage.with_value(|backstage| backstage.check_timer.is_some());
        if waits || self.unchecked().is_none() {
            return;
        }
        let goes_on = self.backstage.with_value(|backstage| backstage.checking);
        let delay = if goes_on { 0 } else { CHECK_DELAY_MILLISECONDS };
        let timer = gloo::timers::callback::Timeout::new(delay, move || {
            self.backstage.update_value(|backstage| backstage.check_timer = None);
            if let Some((erasure, method)) = self.unchecked() {
                self.ask(Ask::Erase { erasure, method, check: true });
            }
            self.update_busy();
        });
        self.backstage.update_value(|backstage| backstage.check_timer = Some(timer));
        self.update_busy();
    }

    /// Of what is on the stage as the engine removed it last, the first boxes that are filled
    /// together and were not looked at once more; none while anything is about to change. Not all at
    /// once: a box that is dragged next would wait for them.
    fn unchecked(self) -> Option<(Erasure, Method)> {
        let changes = self.look(Editor::has_gesture)? || self.awaits(Kind::Erase);
        if changes || !self.engine_has_stage() {
            return None;
        }
        let (erasure, method) = self.backstage.with_value(|it| it.asked_erase.clone())?;
        let first = self.pieces.with_untracked(|pieces| {
            let mut unchecked = pieces.iter().filter(|piece| piece.check.is_none());
            let piece = unchecked.find(|piece| erasure.boxes.contains(&piece.box_in_photo))?;
            Some(piece.box_in_photo)
        })?;
        let boxes = affected(&[first], &erasure.boxes, &method);
        Some((erasure.part(boxes), method))
    }

    /// Lays what came for some boxes in the place of their last fill; of the others', what is still
    /// wanted stays.
    fn lay(self, boxes: &[BoxInPhoto], patches: Vec<Patch>, checks: &[Check]) {
        let asked = self.backstage.with_value(|backstage| backstage.asked_erase.clone());
        let wanted = asked.map_or_else(Vec::new, |(erasure, _)| erasure.boxes);
        self.pieces.update(|pieces| {
            pieces.retain(|piece| {
                let area = &piece.box_in_photo;
                wanted.contains(area) && !boxes.contains(area)
            });
            pieces.extend(cut_pieces(patches, checks));
        });
    }

    /// Asks what is inside the selected box, while the inspector is open.
    fn ask_inside(self) {
        let selected = self.look(|editor| editor.get(editor.selected()?).copied()).flatten();
        let Some(PhotoBox { id, area, .. }) = selected.filter(|_| self.inspecting.get_untracked())
        else {
            return;
        };
        // Of a digit that is kept, its box.
        let grown = self.look(Editor::grown).unwrap_or_default();
        let grown = grown.into_iter().find(|(other, _)| *other == id);
        let erasure = self.look(Editor::erasure).unwrap_or_default();
        let erasure = erasure.part(vec![grown.map_or(area, |(_, grown)| grown)]);
        let digit = self.gradient_of.get_untracked();
        let question = (area, digit, erasure, self.method.get_untracked());
        if !self.was_asked(&question, |backstage| &mut backstage.asked_inside) {
            let (area, digit, erasure, method) = question;
            self.ask(Ask::Inspect { area, digit, erasure, method });
        }
    }

    /// Has the models that are ticked read the boxes, while their view is open.
    fn ask_comparison(self) {
        let ticked = self.ticked.get_untracked();
        let boxes: Vec<BoxInPhoto> = self
            .look(|editor| editor.reading_order().iter().map(|b| b.area).collect())
            .unwrap_or_default();
        if !self.choosing_model.get_untracked() || ticked.len() < 2 || boxes.is_empty() {
            return;
        }
        self.side_by_side.update(|table| table.turn_to(&boxes));
        let models = self.side_by_side.with_untracked(|table| table.missing(&ticked));
        let question = (models, boxes);
        let asked = self.was_asked(&question, |backstage| &mut backstage.asked_comparison)
            && self.awaits(Kind::Compare);
        let (models, boxes) = question;
        if !models.is_empty() && !asked {
            self.ask(Ask::Compare { models, boxes });
        }
    }

    /// Whether the last question in this place was the same; it is this one from now on.
    fn was_asked<Q: Clone + PartialEq>(
        self,
        question: &Q,
        place: impl Fn(&mut Backstage) -> &mut Option<Q>,
    ) -> bool {
        let ask = |backstage: &mut Backstage| {
            place(backstage).replace(question.clone()).as_ref() == Some(question)
        };
        self.backstage.try_update_value(ask).unwrap_or_default()
    }

    /// Opens the inspector on the selected box, or on the first in reading order.
    pub fn inspect(self) {
        let first = |editor: &Editor| {
            editor.selected().or_else(|| editor.reading_order().first().map(|b| b.id))
        };
        let Some(id) = self.look(first).flatten() else { return };
        self.select_quietly(Some(id));
        self.inspecting.set(true);
        self.sync_soon();
    }

    /// Shows another digit's gradient; without one, that of the digit that is read.
    pub fn show_gradient_of(self, digit: Option<u8>) {
        self.gradient_of.set(digit);
        self.sync_soon();
    }

    /// Changes how digits are taken out.
    pub fn change_method(self, change: impl FnOnce(&mut Method)) {
        self.method.update(change);
        self.sync_soon();
    }

    // ---- Saving -----------------------------------------------------------------------------

    /// Whether the engine answers.
    pub fn is_engine_ready(self) -> bool {
        self.engine_state.with(|state| matches!(state, EngineState::Ready(_)))
    }

    /// Why nothing can be saved now, for people; none when it can.
    pub fn save_obstacle(self) -> Option<&'static str> {
        if self.photo.with(Option::is_none) {
            return Some("Open a photo to begin.");
        }
        match self.engine_state.with(|state| match state {
            EngineState::Starting(_) => Some("The engine is still loading."),
            EngineState::Failed(_) => Some("The engine is not running."),
            EngineState::Ready(_) => None,
        }) {
            Some(obstacle) => return Some(obstacle),
            None if !self.opened.get() => return Some("The photo is still being decoded."),
            None => {}
        }
        let (boxes, removed) = self.editor.with(|editor| {
            editor
                .as_ref()
                .map(|editor| (editor.boxes().len(), editor.erasure().boxes.len()))
                .unwrap_or_default()
        });
        match (boxes, removed) {
            (0, _) => Some("Drag a box round each digit first."),
            (_, 0) => Some("Switch “remove” on for at least one digit."),
            _ if self.saving.get() => Some("The picture is being made."),
            _ => None,
        }
    }

    /// Has the engine make the open photo's PNG without what is taken out.
    ///
    /// # Errors
    /// Why there will be none.
    pub async fn png(self, erasure: Erasure) -> Result<Vec<u8>, String> {
        let (sender, receiver) = oneshot::channel();
        self.backstage.update_value(|backstage| backstage.waits_for_png = Some(sender));
        self.ask(Ask::Save { erasure, method: self.method.get_untracked() });
        receiver.await.unwrap_or_else(|_| Err("another photo was opened meanwhile".to_owned()))
    }

    // ---- The view ---------------------------------------------------------------------------

    /// Fits the photo to the stage.
    pub fn fit(self) {
        let stage = self.stage.get_untracked();
        if let Some(photo) = self.look(Editor::photo) {
            self.view.set(View::fit(photo, stage));
        }
    }

    /// Switches the divider between before and after on or off; tells whether there is a photo.
    pub fn toggle_divider(self) -> bool {
        let has_photo = self.look(|_| ()).is_some();
        if has_photo {
            self.divider.update(|divider| {
                *divider = if divider.is_some() { None } else { Some(Divider::default()) };
            });
            self.beside.set(false);
            // The slider would take the pointer.
            if self.brush.get_untracked().is_some() {
                self.lay_brush_down();
            }
        }
        has_photo
    }

    /// Shows the original beside the result, or the result alone; tells whether there is a photo.
    pub fn toggle_beside(self) -> bool {
        let has_photo = self.look(|_| ()).is_some();
        if has_photo {
            self.beside.update(|beside| *beside = !*beside);
            self.divider.set(None);
        }
        has_photo
    }

    /// Zooms about a point of the stage, or about its middle.
    pub fn zoom(self, anchor: Option<PointInScreen>, factor: f64) {
        let stage = self.stage.get_untracked();
        let anchor =
            anchor.unwrap_or(PointInScreen { x: stage.width / 2.0, y: stage.height / 2.0 });
        if let Some(photo) = self.look(Editor::photo) {
            self.view.update(|view| *view = view.zoomed_at(anchor, factor, photo, stage));
        }
    }

    /// Shifts the photo on the stage.
    pub fn pan(self, dx: f64, dy: f64) {
        let stage = self.stage.get_untracked();
        if let Some(photo) = self.look(Editor::photo) {
            self.view.update(|view| *view = view.panned(dx, dy, photo, stage));
        }
    }

    /// Takes the stage's size on.
    pub fn stage_resized(self, size: SizeInScreen) {
        let last = self.stage.get_untracked();
        if last == size {
            return;
        }
        self.stage.set(size);
        if self.view.get_untracked().fitted {
            self.fit();
        } else {
            // What was in the middle stays there.
            self.pan((size.width - last.width) / 2.0, (size.height - last.height) / 2.0);
        }
    }
}
