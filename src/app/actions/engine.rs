//! Starting the engine and hearing what it says.

use leptos::prelude::*;

use crate::app::dialogue::{Heard, Kind, MAX_RESTARTS};
use crate::app::engine::{Engine, Event};
use crate::app::house_number::HouseNumber;
use crate::app::kept;
use crate::app::models::choice::{Models, Step};
use crate::app::page::Page;
use crate::app::state::dialogs::Dialog;
use crate::app::state::engine::EngineState;
use crate::app::state::messages::Tone;
use crate::photo::BoxInPhoto;
use crate::removal::Erasure;
use crate::worker::protocol::{
    Answer, Ask, DeviceChoice, EngineInfo, Failure, FailureKind, SavedFile,
};

/// Under which the adapter is kept that is slower than the CPU, with the browser's version.
const SLOW_GPU_KEY: &str = "doorplate-slow-gpu";

fn browser_version() -> String {
    window().navigator().user_agent().unwrap_or_default()
}

impl Page {
    // ---- Starting -----------------------------------------------------------------------------

    /// Loads the engine.
    pub fn start_engine(self) {
        self.engine.connect(Engine::new(move |event| self.hear(event)));
        self.ask(self.start_question());
    }

    /// Tries once more after a failed start.
    pub fn try_again(self) {
        self.engine.try_again(self.start_question());
        self.update_busy();
    }

    /// Goes over to another model, or begins with it.
    pub fn choose_model(self, name: &str) {
        let phase = self.engine.state.with_untracked(EngineState::phase);
        match self.models.choose(name, phase) {
            None => {}
            Some(Step::Start) => self.try_again(),
            Some(Step::Switch) => {
                self.messages.announce(format!("Loading {name}."));
                self.ask(Ask::Switch { model: name.to_owned() });
            }
        }
    }

    /// Opens the view of all models.
    pub fn open_models(self) {
        self.dialogs.open(Dialog::Models);
        // The boxes may be others than when it was closed.
        self.sync_soon();
    }

    /// Looks at a model more closely, or not any more; two or more read the boxes side by side.
    pub fn tick_model(self, name: &str, on: bool) {
        self.models.tick(name, on);
        self.sync_soon();
    }

    /// The first question to the engine. The page's address may choose the device
    /// (`?engine=cpu|webgpu|auto`), for comparing and for tests.
    fn start_question(self) -> Ask {
        let model = self.models.known.with_untracked(|models| models.wish().map(str::to_owned));
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
        // What was found with another version of the browser may not hold any more.
        let slow_gpu = kept::read(SLOW_GPU_KEY)
            .and_then(|kept| kept.strip_suffix(&browser_version()).map(str::to_owned));
        Ask::Start { models_url, model, device, slow_gpu }
    }

    /// Has the engine make the open photo's file without what is taken out.
    ///
    /// # Errors
    /// Why there will be none.
    pub async fn saved_file(self, erasure: Erasure) -> Result<SavedFile, String> {
        // The engine makes one picture at a time: a second question would end the first.
        if self.engine.awaits(Kind::Save) {
            return Err("another picture is being made".to_owned());
        }
        let file = self.saving.await_file();
        let choice = self.saving.choice.get_untracked();
        self.ask(Ask::Save { erasure, method: self.removal.method.get_untracked(), choice });
        file.await.unwrap_or_else(|_| Err("another photo was opened meanwhile".to_owned()))
    }

    // ---- Hearing ------------------------------------------------------------------------------

    fn hear(self, event: Event) {
        match event {
            Event::Fetched(entries) => self.engine.has_fetched(entries),
            Event::Heard(Heard::Notice(notice)) => self.messages.show(Tone::Notice, notice),
            // It stays until it is closed.
            Event::Heard(Heard::Warning(warning)) => self.messages.show(Tone::Error, warning),
            Event::Heard(Heard::Meanwhile { kind, answer }) => self.hear_meanwhile(kind, answer),
            Event::Heard(Heard::Final { kind, boxes, answer }) => {
                self.hear_answer(kind, boxes, answer);
            }
            // The client turns crashes into the two below.
            Event::Heard(_) => {}
            Event::Replaced { reason, restarts } => self.hear_of_successor(&reason, restarts),
            Event::GaveUp { reason } => self.hear_of_end(&reason),
        }
        self.update_busy();
    }

    fn hear_of_successor(self, reason: &str, restarts: u32) {
        self.models.learn(Models::stopped);
        self.engine.is(EngineState::Starting(None));
        self.open.engine_lost();
        leptos::logging::warn!("the engine stopped: {reason}");
        let how = if restarts > 1 { " on the CPU" } else { "" };
        self.messages.show_about_engine(format!(
            "The engine stopped. Starting it again{how} ({restarts} of {MAX_RESTARTS})."
        ));
    }

    fn hear_of_end(self, reason: &str) {
        self.models.learn(Models::stopped);
        self.open.engine_lost();
        self.messages.close_about_engine();
        let why = || "the engine is not running".to_owned();
        self.open.failed(why());
        self.saving.answer_file(Err(why()));
        self.engine.is(EngineState::Failed(format!(
            "The engine cannot run: {reason}. Your photos and boxes are still here."
        )));
    }

    fn hear_meanwhile(self, kind: Kind, answer: Answer) {
        match (kind, answer) {
            (_, Answer::SlowGpu(name)) => kept::keep(SLOW_GPU_KEY, &(name + &browser_version())),
            (_, Answer::Models(published)) => self.models.learn(|it| it.publish(published)),
            (Kind::Switch, Answer::Progress(progress)) => {
                self.models.learn(|it| it.progress(progress));
            }
            (_, Answer::Column(column)) => self.models.take_column(column),
            (_, Answer::Seen(areas)) => self.take_seen(areas),
            (_, Answer::Progress(progress)) => {
                self.engine.is(EngineState::Starting(Some(progress)));
            }
            _ => {}
        }
    }

    fn hear_answer(self, kind: Kind, boxes: Vec<BoxInPhoto>, answer: Answer) {
        match answer {
            Answer::Started(info) => self.engine_started(*info),
            Answer::Opened { size } => self.photo_opened(size),
            Answer::Preview { size, rgba } => self.preview_came(size, rgba),
            Answer::Found { sure, unsure } => {
                self.take_found(boxes.first().copied(), &sure, &unsure);
            }
            Answer::FoundIn { photo, size, sure, unsure } => {
                self.photos.change(|gallery| gallery.put_found(photo, size, &sure, &unsure));
            }
            Answer::Readings { readings, milliseconds, device } => {
                let count = readings.iter().map(|reading| reading.digits.len()).sum();
                self.boxes.take_readings(boxes, readings);
                self.engine.took(|timing| {
                    timing.read = Some((count, milliseconds));
                    timing.device = Some(device);
                });
                self.announce_numbers();
                // Boxes that changed meanwhile, and readings that were too many to be kept.
                if !self.boxes.unread().is_empty() {
                    self.sync_soon();
                }
            }
            Answer::Erased { patches, checks, milliseconds, device } => {
                self.asking.ask(|it| it.removal_came(!checks.is_empty()));
                self.removal.lay(|pieces| {
                    self.asking.look(|it| it.lay(pieces, &boxes, patches, &checks));
                });
                // A box that is dragged is further on by now.
                self.sync_soon();
                self.engine.took(|timing| {
                    // The second look has a time of its own.
                    if checks.is_empty() {
                        timing.erased = Some(milliseconds);
                    }
                    timing.device = Some(device);
                });
            }
            Answer::Inside(inside) => self.inspector.show(Some(inside)),
            Answer::Saved(file) => self.saving.answer_file(Ok(file)),
            Answer::Failed(failure) => self.hear_failure(kind, failure),
            Answer::Superseded
            | Answer::Models(_)
            | Answer::Progress(_)
            | Answer::Notice(_)
            | Answer::Warning(_)
            | Answer::Column(_)
            | Answer::Seen(_)
            | Answer::SlowGpu(_)
            | Answer::Compared => {}
        }
    }

    /// Another model reads differently, and a new engine may hold other weights than the last one.
    /// Back to the model in use is no exception: the one that was called off may have been in use
    /// for a moment.
    fn engine_started(self, info: EngineInfo) {
        self.models.started(&info);
        self.engine.is(EngineState::Ready(info));
        self.boxes.forget_readings();
        self.models.forget_readings();
        self.engine.forget_times();
        self.asking.forget();
        self.hand_over_again();
        self.sync_soon();
    }

    fn announce_numbers(self) {
        let numbers = untrack(|| self.boxes.house_numbers());
        let spoken: Vec<String> = numbers.iter().map(HouseNumber::spoken).collect();
        self.messages.announce(format!("{}.", spoken.join("; ")));
    }

    fn hear_failure(self, kind: Kind, failure: Failure) {
        let Failure { kind: cause, message } = failure;
        match (kind, cause) {
            (Kind::Start, _) => self.engine.is(EngineState::Failed(message)),
            (Kind::Switch, _) => self.models.learn(|it| it.switch_failed(&message)),
            (Kind::Open, FailureKind::Photo) => self.photo_refused(message),
            (Kind::Preview, _) => {
                self.open.await_preview(false);
                self.messages.show(Tone::Error, message);
            }
            // It says so when it is opened.
            (Kind::FindIn, _) => {}
            (_, FailureKind::Model) => self.engine.is(EngineState::Failed(message)),
            (Kind::Save, _) => self.saving.answer_file(Err(message)),
            _ => {
                if kind == Kind::Erase {
                    // Asked again with the next change.
                    self.asking.forget();
                }
                self.messages.show(Tone::Error, message);
            }
        }
    }
}
