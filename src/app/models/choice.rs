//! The published models as the page knows them: which one answers, which one is being loaded,
//! and what is kept for the next visit.

use crate::worker::protocol::{EngineInfo, ModelInfo, Progress};

/// How far the engine is, as far as choosing a model depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Loading itself or its first model.
    Starting,
    /// Answering.
    Ready,
    /// Not answering until it is started again.
    Failed,
}

/// What a choice asks of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To begin with the chosen model.
    Start,
    /// To go over to it.
    Switch,
}

/// What is to be kept for the next visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Memory {
    /// What is kept stays.
    AsItIs,
    /// This model's name.
    Keep(String),
    /// Nothing: the model that was kept is not published any more.
    Forget,
}

/// A model that is being loaded while another one answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Switch {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub progress: Option<Progress>,
}

/// The models.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Models {
    published: Vec<ModelInfo>,
    /// What the user chose, now or on an earlier visit; without a choice, the manifest's first.
    wish: Option<String>,
    in_use: Option<String>,
    switch: Option<Switch>,
    failure: Option<String>,
}

impl Models {
    /// The models before the manifest is there; `kept` is the choice of the last visit.
    pub fn new(kept: Option<String>) -> Self {
        Models { wish: kept, ..Models::default() }
    }

    /// The manifest's models, in its order.
    pub fn published(&self) -> &[ModelInfo] {
        &self.published
    }

    /// The model to start the engine with.
    pub fn wish(&self) -> Option<&str> {
        self.wish.as_deref()
    }

    /// The model that is being loaded while another one answers.
    pub fn switch(&self) -> Option<&Switch> {
        self.switch.as_ref()
    }

    /// Why the model chosen last is not in use.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Whether this model answers.
    pub fn is_in_use(&self, name: &str) -> bool {
        self.in_use.as_deref() == Some(name)
    }

    /// Whether this model was chosen and does not answer yet.
    pub fn is_awaited(&self, name: &str) -> bool {
        match (&self.switch, &self.in_use) {
            (Some(switch), _) => switch.name == name,
            (None, None) => self.wish.as_deref() == Some(name),
            (None, Some(_)) => false,
        }
    }

    /// Takes the manifest's models in.
    pub fn publish(&mut self, models: Vec<ModelInfo>) {
        self.published = models;
    }

    /// Chooses a model; returns what to ask the engine, if anything.
    pub fn choose(&mut self, name: &str, phase: Phase) -> Option<Step> {
        let usable = self.published.iter().any(|it| it.name == name && it.obstacle.is_none());
        if !usable {
            return None;
        }
        self.failure = None;
        match phase {
            Phase::Starting if self.wish.as_deref() == Some(name) => None,
            Phase::Starting | Phase::Failed => {
                self.wish = Some(name.to_owned());
                Some(Step::Start)
            }
            Phase::Ready => {
                // Choosing the model in use while another is being loaded cancels that one.
                if self.is_awaited(name) || (self.switch.is_none() && self.is_in_use(name)) {
                    return None;
                }
                self.switch = Some(Switch { name: name.to_owned(), progress: None });
                Some(Step::Switch)
            }
        }
    }

    /// Notes how far the loading of a model is.
    pub fn progress(&mut self, progress: Progress) {
        if let Some(switch) = &mut self.switch {
            switch.progress = Some(progress);
        }
    }

    /// Notes that the engine has started or switched to another model; returns what to keep.
    pub fn started(&mut self, info: &EngineInfo) -> Memory {
        let name = &info.model.name;
        self.in_use = Some(name.clone());
        if let Some(Switch { name, .. }) = self.switch.take() {
            self.wish = Some(name);
        }
        match &self.wish {
            None => Memory::AsItIs,
            Some(wish) if wish == name => Memory::Keep(name.clone()),
            // A model that this page is too old for will do once the page is newer.
            Some(wish) if self.published.iter().any(|it| it.name == *wish) => Memory::AsItIs,
            Some(_) => {
                self.wish = None;
                Memory::Forget
            }
        }
    }

    /// Notes that the model cannot be loaded.
    pub fn switch_failed(&mut self, reason: &str) {
        if let Some(Switch { name, .. }) = self.switch.take() {
            let stays = match &self.in_use {
                Some(in_use) => format!(" {in_use} stays in use."),
                None => String::new(),
            };
            self.failure = Some(format!("{name} could not be loaded. {reason}{stays}"));
        }
    }

    /// Notes that the engine stopped. Its successor starts with the model in use. A model that was
    /// being loaded may have crashed the engine, so it is only tried again if the user asks.
    pub fn stopped(&mut self) {
        self.switch_failed("The engine stopped meanwhile.");
        self.in_use = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::protocol::{DeviceInfo, DeviceKind};

    fn model(name: &str) -> ModelInfo {
        ModelInfo { name: name.into(), ..ModelInfo::default() }
    }

    fn info(name: &str) -> EngineInfo {
        EngineInfo {
            device: DeviceInfo { kind: DeviceKind::Cpu, name: "CPU".into() },
            model: model(name),
            weights_from_cache: false,
        }
    }

    /// Models `a`, `b` and the unusable `new`, with `a` in use.
    fn running() -> Models {
        let mut models = Models::new(None);
        let new = ModelInfo { obstacle: Some("unknown network".into()), ..model("new") };
        models.publish(vec![model("a"), model("b"), new]);
        assert_eq!(models.started(&info("a")), Memory::AsItIs, "nobody chose it");
        models
    }

    #[test]
    fn a_chosen_model_is_kept_once_it_answers() {
        let mut models = running();
        assert_eq!(models.choose("b", Phase::Ready), Some(Step::Switch));
        assert!(models.is_in_use("a") && models.is_awaited("b") && !models.is_in_use("b"));
        models.progress(Progress::Proving);
        assert_eq!(models.switch().and_then(|it| it.progress.clone()), Some(Progress::Proving));
        assert_eq!(models.wish(), None, "a start before that begins with the old one");
        assert_eq!(models.started(&info("b")), Memory::Keep("b".into()));
        assert!(models.is_in_use("b") && !models.is_awaited("b") && models.switch().is_none());
        assert_eq!(models.wish(), Some("b"));
    }

    #[test]
    fn a_model_that_fails_says_so_and_changes_nothing() {
        let mut models = running();
        models.choose("b", Phase::Ready);
        models.switch_failed("Its weights are missing.");
        assert_eq!(
            models.failure(),
            Some("b could not be loaded. Its weights are missing. a stays in use.")
        );
        assert!(models.is_in_use("a") && models.switch().is_none());
        assert_eq!(models.wish(), None);
        assert_eq!(models.choose("b", Phase::Ready), Some(Step::Switch), "it may be tried again");
        assert_eq!(models.failure(), None);
    }

    #[test]
    fn choosing_again_changes_what_is_awaited_and_the_old_one_calls_it_off() {
        let mut models = running();
        models.publish(vec![model("a"), model("b"), model("c")]);
        assert_eq!(models.choose("a", Phase::Ready), None, "it is in use");
        models.choose("b", Phase::Ready);
        models.progress(Progress::Proving);
        assert_eq!(models.choose("b", Phase::Ready), None, "it is on its way");
        assert_eq!(models.choose("c", Phase::Ready), Some(Step::Switch));
        assert!(models.is_awaited("c") && !models.is_awaited("b"));
        assert_eq!(models.switch().and_then(|it| it.progress.clone()), None);
        assert_eq!(models.choose("a", Phase::Ready), Some(Step::Switch));
        assert_eq!(models.started(&info("a")), Memory::Keep("a".into()));
        assert!(models.is_in_use("a") && models.switch().is_none());
    }

    #[test]
    fn what_cannot_be_used_cannot_be_chosen() {
        let mut models = running();
        for phase in [Phase::Starting, Phase::Ready, Phase::Failed] {
            assert_eq!(models.choose("new", phase), None);
            assert_eq!(models.choose("nowhere", phase), None);
        }
        assert_eq!(models, running());
    }

    #[test]
    fn before_the_engine_runs_a_choice_starts_it() {
        let mut models = Models::new(Some("a".into()));
        models.publish(vec![model("a"), model("b")]);
        assert!(models.is_awaited("a"));
        assert_eq!(models.choose("a", Phase::Starting), None, "it is on its way");
        assert_eq!(models.choose("a", Phase::Failed), Some(Step::Start), "once more");
        assert_eq!(models.choose("b", Phase::Starting), Some(Step::Start));
        assert!(models.is_awaited("b") && models.wish() == Some("b"));
        assert_eq!(models.started(&info("b")), Memory::Keep("b".into()));
    }

    #[test]
    fn a_kept_model_that_is_gone_is_forgotten_but_not_one_that_the_page_is_too_old_for() {
        let mut models = Models::new(Some("gone".into()));
        models.publish(vec![model("a")]);
        assert_eq!(models.started(&info("a")), Memory::Forget);
        assert_eq!(models.wish(), None);

        let mut models = Models::new(Some("new".into()));
        let new = ModelInfo { obstacle: Some("unknown network".into()), ..model("new") };
        models.publish(vec![model("a"), new]);
        assert_eq!(models.started(&info("a")), Memory::AsItIs);
        assert!(models.is_in_use("a") && !models.is_awaited("new"));
    }

    #[test]
    fn an_engine_that_stops_during_a_switch_begins_again_with_the_old_model() {
        let mut models = running();
        models.choose("b", Phase::Ready);
        models.stopped();
        assert!(models.failure().is_some_and(|why| why.starts_with("b could not be loaded.")));
        assert!(models.switch().is_none() && !models.is_in_use("a"));
        models.started(&info("a"));
        assert!(models.is_in_use("a"));
        assert!(models.failure().is_some(), "the reason stays on screen");
    }
}
