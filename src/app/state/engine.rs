//! The engine as the page knows it: how far it is, and the connection to it.

use leptos::prelude::*;

use super::seen::Seen;
use crate::app::dialogue::Kind;
use crate::app::engine::Engine;
use crate::app::models::choice::Phase;
use crate::worker::protocol::{Ask, DeviceInfo, EngineInfo, Progress};

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
    /// How far it is, as far as choosing a model depends on it.
    pub fn phase(&self) -> Phase {
        match self {
            EngineState::Starting(_) => Phase::Starting,
            EngineState::Ready(_) => Phase::Ready,
            EngineState::Failed(_) => Phase::Failed,
        }
    }
}

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

/// The engine.
#[derive(Clone, Copy)]
pub struct EngineSide {
    /// How far it is.
    pub state: Seen<EngineState>,
    /// The last answers' times.
    pub timing: Seen<Timing>,
    /// The browser's records of what it fetched, as JSON.
    pub fetched: Seen<Vec<String>>,
    /// Whether anything is in progress between page and engine.
    pub busy: Seen<bool>,
    link: StoredValue<Option<Engine>, LocalStorage>,
}

impl EngineSide {
    /// Not there yet.
    pub fn new() -> Self {
        EngineSide {
            state: Seen::new(EngineState::Starting(None)),
            timing: Seen::new(Timing::default()),
            fetched: Seen::new(Vec::new()),
            busy: Seen::new(false),
            link: StoredValue::new_local(None),
        }
    }

    /// Sets the connection. Earlier questions are not heard.
    pub fn connect(self, link: Engine) {
        self.link.set_value(Some(link));
    }

    /// Asks something.
    pub fn ask(self, ask: Ask) {
        // Cloned out, as asking may answer at once.
        if let Some(link) = self.link.get_value() {
            link.ask(ask);
        }
    }

    /// Starts over, because the user wants to.
    pub fn try_again(self, start: Ask) {
        self.state.set(EngineState::Starting(None));
        if let Some(link) = self.link.get_value() {
            link.try_again(start);
        }
    }

    /// Whether a question of this kind waits for its answer.
    pub fn awaits(self, kind: Kind) -> bool {
        self.link.with_value(|link| link.as_ref().is_some_and(|link| link.awaits(kind)))
    }

    /// Whether it answers; follows that.
    pub fn is_ready(self) -> bool {
        self.state.with(|state| matches!(state, EngineState::Ready(_)))
    }

    /// Whether it answers, without following that.
    pub fn is_ready_now(self) -> bool {
        self.state.with_untracked(|state| matches!(state, EngineState::Ready(_)))
    }

    /// Takes in how far it is.
    pub fn is(self, state: EngineState) {
        self.state.set(state);
    }

    /// Takes in how long an answer took.
    pub fn took(self, time: impl FnOnce(&mut Timing)) {
        self.timing.update(time);
    }

    /// Forgets how long answers took.
    pub fn forget_times(self) {
        self.timing.set(Timing::default());
    }

    /// Takes in a record of what it fetched.
    pub fn has_fetched(self, entries: String) {
        self.fetched.update(|known| known.push(entries));
    }

    /// Notes whether anything is in progress.
    pub fn set_busy(self, busy: bool) {
        self.busy.set_if_new(busy);
    }
}
