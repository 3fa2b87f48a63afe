//! The page's side of the conversation with the engine: which questions are open, which answers
//! still matter, and what has to be asked again when the engine is replaced. Plain data, tested
//! without a browser; [`super::engine`] carries the bytes.

use crate::photo::BoxInPhoto;
use crate::worker::protocol::{Answer, Ask, DeviceChoice, FailureKind, Reply, Request, RequestId};

/// How often a crashed engine is replaced before the page gives up.
pub const MAX_RESTARTS: u32 = 3;

/// Questions of one kind replace each other: only the newest one's answer matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Ask::Start`]
    Start,
    /// [`Ask::Switch`]
    Switch,
    /// [`Ask::Open`]
    Open,
    /// [`Ask::Preview`]
    Preview,
    /// [`Ask::Read`]
    Read,
    /// [`Ask::Erase`]
    Erase,
    /// [`Ask::Save`]
    Save,
    /// [`Ask::Inspect`]
    Inspect,
    /// [`Ask::Compare`]
    Compare,
}

impl Kind {
    /// The kind of a question.
    pub fn of(ask: &Ask) -> Self {
        match ask {
            Ask::Start { .. } => Kind::Start,
            Ask::Switch { .. } => Kind::Switch,
            Ask::Open { .. } => Kind::Open,
            Ask::Preview => Kind::Preview,
            Ask::Read { .. } => Kind::Read,
            Ask::Erase { .. } => Kind::Erase,
            Ask::Save { .. } => Kind::Save,
            Ask::Inspect { .. } => Kind::Inspect,
            Ask::Compare { .. } => Kind::Compare,
        }
    }

    /// Whether the question is about the open photo, so that opening another ends it.
    fn is_about_the_photo(self) -> bool {
        matches!(
            self,
            Kind::Preview | Kind::Read | Kind::Erase | Kind::Save | Kind::Inspect | Kind::Compare
        )
    }
}

/// An answer that still matters.
#[derive(Debug)]
pub enum Heard {
    /// A sentence for the user.
    Notice(String),
    /// How the start, a switch or a comparison goes on; the question stays open.
    Meanwhile {
        /// What kind of question it is.
        kind: Kind,
        /// What comes before its answer.
        answer: Answer,
    },
    /// The last answer to a question.
    Final {
        /// What kind of question it was.
        kind: Kind,
        /// The boxes asked about; empty for kinds without.
        boxes: Vec<BoxInPhoto>,
        /// The answer.
        answer: Answer,
    },
    /// The engine says that it cannot go on; the question stays open for its successor.
    Crashed(String),
}

/// A question and whether it was answered. Only the start and the photo are kept when they
/// were: a new engine needs both again.
#[derive(Debug)]
struct Question {
    request: Request,
    answered: bool,
    /// Not sent yet, as the engine that is to answer it is still starting.
    held: bool,
}

impl Question {
    fn kind(&self) -> Kind {
        Kind::of(&self.request.ask)
    }
}

/// The open questions.
#[derive(Debug, Default)]
pub struct Dialogue {
    last_id: RequestId,
    questions: Vec<Question>,
    restarts: u32,
}

impl Dialogue {
    /// Takes a question up and gives it its id. Older ones of its kind no longer matter; when it
    /// opens a photo, neither do those about the old photo, and when it starts the engine, neither
    /// does a switch to another model.
    pub fn ask(&mut self, ask: Ask) -> RequestId {
        let kind = Kind::of(&ask);
        self.questions.retain(|question| {
            let outdated = question.kind() == kind
                || (kind == Kind::Open && question.kind().is_about_the_photo())
                || (kind == Kind::Start && question.kind() == Kind::Switch);
            !outdated
        });
        let id = self.next_id();
        self.questions.push(Question {
            request: Request { id, ask },
            answered: false,
            held: false,
        });
        id
    }

    /// The question with this id, to be sent.
    pub fn request(&self, id: RequestId) -> Option<&Request> {
        self.questions.iter().map(|question| &question.request).find(|request| request.id == id)
    }

    /// Whether a question of this kind waits for its answer.
    pub fn awaits(&self, kind: Kind) -> bool {
        self.questions.iter().any(|question| question.kind() == kind && !question.answered)
    }

    /// Takes an answer in; none when it is too late to matter.
    pub fn hear(&mut self, reply: Reply) -> Option<Heard> {
        let Reply { id, answer } = reply;
        // What is worth telling the user stays so, however old the question, and so does the
        // engine's own end; the engine says it even of a request that it could not read.
        let answer = match answer {
            Answer::Notice(notice) => return Some(Heard::Notice(notice)),
            Answer::Failed(failure) if failure.kind == FailureKind::Engine => {
                return Some(Heard::Crashed(failure.message));
            }
            answer => answer,
        };
        let position = self
            .questions
            .iter()
            .position(|question| question.request.id == id && !question.answered)?;
        let question = self.questions.get_mut(position)?;
        let kind = question.kind();
        match answer {
            Answer::Progress(_) | Answer::Models(_) | Answer::Column(_) => {
                Some(Heard::Meanwhile { kind, answer })
            }
            Answer::Started(info) if kind == Kind::Switch => {
                self.questions.remove(position);
                // A new engine is to begin where this one is now.
                for question in &mut self.questions {
                    if let Ask::Start { model, .. } = &mut question.request.ask {
                        *model = Some(info.model.name.clone());
                    }
                }
                Some(Heard::Final { kind, boxes: Vec::new(), answer: Answer::Started(info) })
            }
            Answer::Started(_) | Answer::Opened { .. } => {
                question.answered = true;
                Some(Heard::Final { kind, boxes: Vec::new(), answer })
            }
            // The engine supersedes only what the page asked anew, and that is dropped above; if
            // it ever does otherwise, the question is over all the same.
            _ => {
                let boxes = match self.questions.remove(position).request.ask {
                    Ask::Read { boxes } | Ask::Compare { boxes, .. } => boxes,
                    Ask::Erase { erasure, .. } | Ask::Save { erasure, .. } => erasure.boxes,
                    Ask::Inspect { area, .. } => vec![area],
                    Ask::Start { .. } | Ask::Switch { .. } | Ask::Open { .. } | Ask::Preview => {
                        Vec::new()
                    }
                };
                Some(Heard::Final { kind, boxes, answer })
            }
        }
    }

    /// Begins anew with a new engine: gives the ids to send to it, the start first, then the
    /// photo. What else was open follows with [`Dialogue::take_held`], except readings and
    /// removals: the page asks for those anew, with the boxes as they are by then. A switch to
    /// another model is let go, as it may be what brought the engine down. From the second time on
    /// the engine is told to use the CPU, as a failing GPU is the likeliest cause. None after
    /// [`MAX_RESTARTS`] times.
    pub fn restart(&mut self) -> Option<Vec<RequestId>> {
        if self.restarts == MAX_RESTARTS {
            // What was asked of a running engine may be what brought it down.
            if !self.awaits(Kind::Start) {
                self.questions.retain(|question| question.answered);
            }
            return None;
        }
        self.restarts += 1;
        if self.restarts > 1 {
            for question in &mut self.questions {
                if let Ask::Start { device, .. } = &mut question.request.ask {
                    *device = DeviceChoice::Cpu;
                }
            }
        }
        Some(self.begin_anew())
    }

    /// Like [`Dialogue::restart`] because the user wants to try again: the count starts over.
    pub fn try_again(&mut self) -> Vec<RequestId> {
        self.restarts = 0;
        self.begin_anew()
    }

    /// How often the engine was replaced.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// The ids of questions that had to wait until a new engine was started and had the photo;
    /// empty until it is and has.
    pub fn take_held(&mut self) -> Vec<RequestId> {
        if self.awaits(Kind::Start) || self.awaits(Kind::Open) {
            return Vec::new();
        }
        self.questions
            .iter_mut()
            .filter_map(|question| {
                std::mem::take(&mut question.held).then_some(question.request.id)
            })
            .collect()
    }

    fn begin_anew(&mut self) -> Vec<RequestId> {
        // The page asks for these by itself.
        self.questions.retain(|question| {
            !matches!(
                question.kind(),
                Kind::Switch | Kind::Read | Kind::Erase | Kind::Inspect | Kind::Compare
            )
        });
        self.questions.sort_by_key(|question| match question.kind() {
            Kind::Start => 0,
            Kind::Open => 1,
            _ => 2,
        });
        let mut ids = Vec::with_capacity(self.questions.len());
        for position in 0..self.questions.len() {
            // A new id, so that nothing the old engine said can be taken for an answer.
            let id = self.next_id();
            if let Some(question) = self.questions.get_mut(position) {
                question.request.id = id;
                question.answered = false;
                question.held = question.kind().is_about_the_photo();
                if !question.held {
                    ids.push(id);
                }
            }
        }
        ids
    }

    fn next_id(&mut self) -> RequestId {
        self.last_id = self.last_id.wrapping_add(1);
        self.last_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::PhotoSize;
    use crate::removal::Erasure;
    use crate::worker::protocol::{DeviceInfo, DeviceKind, EngineInfo, Failure, Method, ModelInfo};

    const BOX: BoxInPhoto = BoxInPhoto { left: 1, top: 2, width: 3, height: 4 };

    fn start() -> Ask {
        Ask::Start { models_url: "models/".into(), model: None, device: DeviceChoice::Auto }
    }

    fn started() -> Answer {
        started_with("m")
    }

    fn started_with(model: &str) -> Answer {
        Answer::Started(Box::new(EngineInfo {
            device: DeviceInfo { kind: DeviceKind::Cpu, name: "CPU".into() },
            model: ModelInfo { name: model.into(), ..ModelInfo::default() },
            weights_from_cache: false,
        }))
    }

    fn switch(model: &str) -> Ask {
        Ask::Switch { model: model.into() }
    }

    /// The model that a new engine would begin with.
    fn next_model(dialogue: &mut Dialogue) -> Option<String> {
        let ids = dialogue.restart().expect("a restart is left");
        match ids.first().and_then(|id| dialogue.request(*id)).map(|request| &request.ask) {
            Some(Ask::Start { model, .. }) => model.clone(),
            other => panic!("a start comes first, not {other:?}"),
        }
    }

    fn erase(boxes: Vec<BoxInPhoto>) -> Ask {
        Ask::Erase { erasure: Erasure::of(&boxes), method: Method::default(), check: false }
    }

    fn opened() -> Answer {
        Answer::Opened { size: PhotoSize { width: 10, height: 10 } }
    }

    fn failed(kind: FailureKind) -> Answer {
        Answer::Failed(Failure { kind, message: "why".into() })
    }

    fn answer(dialogue: &mut Dialogue, id: RequestId, answer: Answer) -> Option<Heard> {
        dialogue.hear(Reply { id, answer })
    }

    #[test]
    fn only_the_newest_of_a_kind_is_heard_and_with_its_boxes() {
        let mut dialogue = Dialogue::default();
        let old = dialogue.ask(erase(vec![]));
        let new = dialogue.ask(erase(vec![BOX]));
        assert!(answer(&mut dialogue, old, Answer::Superseded).is_none());
        let heard = answer(&mut dialogue, new, failed(FailureKind::Request));
        assert!(matches!(
            heard,
            Some(Heard::Final { kind: Kind::Erase, boxes, .. }) if boxes == [BOX]
        ));
        assert!(!dialogue.awaits(Kind::Erase));
        assert!(answer(&mut dialogue, new, Answer::Superseded).is_none(), "answered once");
    }

    #[test]
    fn opening_a_photo_ends_the_questions_about_the_last_one() {
        let mut dialogue = Dialogue::default();
        let read = dialogue.ask(Ask::Read { boxes: vec![BOX] });
        let start = dialogue.ask(start());
        let open = dialogue.ask(Ask::Open { file: vec![1] });
        assert!(dialogue.request(read).is_none());
        assert!(dialogue.request(start).is_some());
        assert!(dialogue.awaits(Kind::Open));
        assert!(answer(&mut dialogue, open, opened()).is_some());
        assert!(!dialogue.awaits(Kind::Open));
    }

    #[test]
    fn notices_are_heard_however_old_and_progress_leaves_the_question_open() {
        let mut dialogue = Dialogue::default();
        let id = dialogue.ask(start());
        assert!(matches!(
            answer(&mut dialogue, 77, Answer::Notice("n".into())),
            Some(Heard::Notice(notice)) if notice == "n"
        ));
        let progress = Answer::Progress(crate::worker::protocol::Progress::Manifest);
        assert!(matches!(
            answer(&mut dialogue, id, progress),
            Some(Heard::Meanwhile { kind: Kind::Start, .. })
        ));
        assert!(dialogue.awaits(Kind::Start));
    }

    #[test]
    fn only_the_newest_of_two_switches_is_heard_and_a_new_engine_begins_with_its_model() {
        let mut dialogue = Dialogue::default();
        let begin = dialogue.ask(start());
        answer(&mut dialogue, begin, started());
        let first = dialogue.ask(switch("b"));
        let second = dialogue.ask(switch("c"));
        assert!(answer(&mut dialogue, first, started_with("b")).is_none(), "too late");
        assert!(answer(&mut dialogue, first, Answer::Models(vec![])).is_none());
        assert!(matches!(
            answer(&mut dialogue, second, Answer::Models(vec![])),
            Some(Heard::Meanwhile { kind: Kind::Switch, .. })
        ));
        assert!(dialogue.awaits(Kind::Switch));
        assert!(matches!(
            answer(&mut dialogue, second, started_with("c")),
            Some(Heard::Final { kind: Kind::Switch, .. })
        ));
        assert!(!dialogue.awaits(Kind::Switch));
        assert_eq!(next_model(&mut dialogue).as_deref(), Some("c"));
    }

    #[test]
    fn after_a_failed_or_broken_switch_a_new_engine_begins_with_the_old_model() {
        let mut dialogue = Dialogue::default();
        let begin = dialogue.ask(start());
        answer(&mut dialogue, begin, started());
        let failing = dialogue.ask(switch("b"));
        assert!(matches!(
            answer(&mut dialogue, failing, failed(FailureKind::Model)),
            Some(Heard::Final { kind: Kind::Switch, .. })
        ));
        let broken = dialogue.ask(switch("b"));
        assert!(matches!(
            answer(&mut dialogue, broken, failed(FailureKind::Engine)),
            Some(Heard::Crashed(_))
        ));
        assert_eq!(next_model(&mut dialogue), None, "as it was asked for");
        assert!(!dialogue.awaits(Kind::Switch));
    }

    #[test]
    fn columns_of_the_newest_comparison_are_heard_while_it_goes_on() {
        use crate::worker::protocol::{Column, ColumnState};
        let compare = || Ask::Compare { models: vec!["a".into()], boxes: vec![BOX] };
        let column = || {
            let state = ColumnState::Failed("why".into());
            Answer::Column(Column { model: "a".into(), state })
        };
        let mut dialogue = Dialogue::default();
        let old = dialogue.ask(compare());
        let new = dialogue.ask(compare());
        assert!(answer(&mut dialogue, old, column()).is_none(), "too late");
        assert!(matches!(
            answer(&mut dialogue, new, column()),
            Some(Heard::Meanwhile { kind: Kind::Compare, .. })
        ));
        assert!(dialogue.awaits(Kind::Compare));
        let end = answer(&mut dialogue, new, Answer::Compared);
        assert!(matches!(end, Some(Heard::Final { kind: Kind::Compare, .. })));
        assert!(!dialogue.awaits(Kind::Compare));

        let of_last_photo = dialogue.ask(compare());
        dialogue.ask(Ask::Open { file: vec![1] });
        assert!(answer(&mut dialogue, of_last_photo, column()).is_none());
    }

    #[test]
    fn starting_anew_ends_a_switch() {
        let mut dialogue = Dialogue::default();
        let id = dialogue.ask(switch("b"));
        dialogue.ask(start());
        assert!(dialogue.request(id).is_none());
        assert!(answer(&mut dialogue, id, started_with("b")).is_none());
    }

    #[test]
    fn a_new_engine_is_told_everything_again_in_order_and_the_cpu_from_the_second_time() {
        let mut dialogue = Dialogue::default();
        let open = dialogue.ask(Ask::Open { file: vec![1, 2] });
        answer(&mut dialogue, open, opened());
        let begin = dialogue.ask(start());
        answer(&mut dialogue, begin, started());
        let save =
            dialogue.ask(Ask::Save { erasure: Erasure::of(&[BOX]), method: Method::default() });
        let read = dialogue.ask(Ask::Read { boxes: vec![BOX] });
        let crash = answer(&mut dialogue, read, failed(FailureKind::Engine));
        assert!(matches!(crash, Some(Heard::Crashed(message)) if message == "why"));

        let ids = dialogue.restart().expect("the first time");
        let asks: Vec<&Ask> =
            ids.iter().filter_map(|id| dialogue.request(*id)).map(|r| &r.ask).collect();
        assert!(matches!(
            asks[..],
            [Ask::Start { device: DeviceChoice::Auto, .. }, Ask::Open { .. }]
        ));
        assert!(!dialogue.awaits(Kind::Read), "the page asks for readings by itself");
        assert!(ids.iter().all(|id| *id > read), "ids are never used twice");
        assert!(answer(&mut dialogue, read, Answer::Superseded).is_none());

        assert!(dialogue.take_held().is_empty(), "nothing before the photo is open");
        answer(&mut dialogue, ids[0], started());
        answer(&mut dialogue, ids[1], opened());
        let held = dialogue.take_held();
        assert!(held.len() == 1 && held[0] > save);
        assert!(matches!(dialogue.request(held[0]), Some(Request { ask: Ask::Save { .. }, .. })));
        assert!(dialogue.take_held().is_empty(), "sent once");

        let ids = dialogue.restart().expect("the second time");
        let first = ids.first().and_then(|id| dialogue.request(*id)).expect("the start");
        assert!(matches!(first.ask, Ask::Start { device: DeviceChoice::Cpu, .. }));
        assert!(dialogue.restart().is_some());
        assert!(dialogue.restart().is_none());
        assert_eq!(dialogue.try_again().len(), 2, "start and photo stay");
    }

    #[test]
    fn what_brings_a_running_engine_down_again_and_again_is_let_go() {
        let mut dialogue = Dialogue::default();
        dialogue.ask(start());
        dialogue.ask(Ask::Open { file: vec![9] });
        for _ in 0..MAX_RESTARTS {
            let ids = dialogue.restart().expect("a restart is left");
            let first = ids.first().copied().expect("the start");
            answer(&mut dialogue, first, started());
        }
        assert!(dialogue.restart().is_none());
        assert_eq!(dialogue.try_again().len(), 1);
    }

    #[test]
    fn a_refused_photo_is_not_opened_again() {
        let mut dialogue = Dialogue::default();
        let open = dialogue.ask(Ask::Open { file: vec![0] });
        assert!(answer(&mut dialogue, open, failed(FailureKind::Photo)).is_some());
        assert!(dialogue.try_again().is_empty());
    }
}
