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
    /// [`Ask::Find`]
    Find,
    /// [`Ask::FindIn`]
    FindIn,
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
            Ask::Find { .. } => Kind::Find,
            Ask::FindIn { .. } => Kind::FindIn,
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
            Kind::Preview
                | Kind::Find
                | Kind::Read
                | Kind::Erase
                | Kind::Save
                | Kind::Inspect
                | Kind::Compare
        )
    }
}

/// An answer that still matters.
#[derive(Debug)]
pub enum Heard {
    /// A sentence for the user.
    Notice(String),
    /// The same, of what makes all results worse.
    Warning(String),
    /// How the start, a switch, a search or a comparison goes on; the question stays
    /// open.
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
    /// Adds a question and gives it its id. Older ones of its kind are dropped. If it opens a photo,
    /// those about the old photo are dropped too, and if it starts the engine, so is a switch to
    /// another model.
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

    /// Handles an answer; none if it comes too late.
    pub fn hear(&mut self, reply: Reply) -> Option<Heard> {
        let Reply { id, answer } = reply;
        // What is worth telling the user stays so, however old the question, and so does the
        // engine's own end; the engine says it even of a request that it could not read.
        let answer = match answer {
            Answer::Notice(notice) => return Some(Heard::Notice(notice)),
            Answer::Warning(warning) => return Some(Heard::Warning(warning)),
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
            Answer::Progress(_)
            | Answer::Models(_)
            | Answer::Column(_)
            | Answer::Seen(_)
            | Answer::SlowGpu(_) => Some(Heard::Meanwhile { kind, answer }),
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
            // The engine only supersedes what the page has asked again, and that is dropped above.
            // If it ever supersedes something else, that question is over as well.
            _ => {
                let boxes = match self.questions.remove(position).request.ask {
                    Ask::Read { boxes } | Ask::Compare { boxes, .. } => boxes,
                    Ask::Erase { erasure, .. } | Ask::Save { erasure, .. } => erasure.boxes,
                    Ask::Inspect { area, .. } => vec![area],
                    Ask::Find { within } => within.into_iter().collect(),
                    Ask::Start { .. }
                    | Ask::Switch { .. }
                    | Ask::Open { .. }
                    | Ask::Preview
                    | Ask::FindIn { .. } => Vec::new(),
                };
                Some(Heard::Final { kind, boxes, answer })
            }
        }
    }

    /// Starts again with a new engine: gives the ids to send to it, first the start, then the
    /// photo. Other open questions follow with [`Dialogue::take_held`], except readings and
    /// removals, which the page asks for again with the boxes of that time. A switch to another
    /// model, or a photo that is not open, is dropped, because it may have crashed the engine. From the second time on the
    /// engine uses the CPU only, because a failing GPU is the likeliest cause. None after
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
        Some(self.begin_again())
    }

    /// Like [`Dialogue::restart`] because the user wants to try again: the count starts over.
    pub fn try_again(&mut self) -> Vec<RequestId> {
        self.restarts = 0;
        self.begin_again()
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

    fn begin_again(&mut self) -> Vec<RequestId> {
        // The page asks for these by itself.
        self.questions.retain(|question| {
            !matches!(
                question.kind(),
                Kind::Switch
                    | Kind::FindIn
                    | Kind::Read
                    | Kind::Erase
                    | Kind::Inspect
                    | Kind::Compare
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
mod tests;
