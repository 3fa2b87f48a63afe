//! Undo and redo over all that was made. Copies are cheap, so keeping them is simpler and safer than
//! keeping inverse edits; the number of steps is bounded.

use std::collections::VecDeque;

use super::boxes::BoxId;
use super::work::Work;

/// Steps that are kept.
const MAX_STEPS: usize = 500;

/// Edits of one kind on one box merge while the pauses between them are shorter than this.
const MERGE_MILLISECONDS: f64 = 800.0;

/// Says which quick edits belong together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Merge {
    kind: MergeKind,
    id: BoxId,
    at: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MergeKind {
    Move,
    Stretch,
    Growth,
}

impl Merge {
    /// A move of a box at a time in milliseconds.
    pub(super) fn move_of(id: BoxId, at: f64) -> Self {
        Merge { kind: MergeKind::Move, id, at }
    }

    /// A resize of a box at a time in milliseconds.
    pub(super) fn stretch_of(id: BoxId, at: f64) -> Self {
        Merge { kind: MergeKind::Stretch, id, at }
    }

    /// A change, at a time in milliseconds, of how far all boxes are grown.
    pub(super) fn growth(at: f64) -> Self {
        // Of no box in particular; ids begin at 1.
        Merge { kind: MergeKind::Growth, id: 0, at }
    }

    fn continues(self, last: Merge) -> bool {
        self.kind == last.kind
            && self.id == last.id
            && (0.0..MERGE_MILLISECONDS).contains(&(self.at - last.at))
    }
}

/// The work before and after the present state.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    back: VecDeque<Work>,
    forward: Vec<Work>,
    last: Option<Merge>,
}

impl History {
    /// Keeps the work as it is before an edit, unless the edit continues the last one.
    pub(super) fn keep(&mut self, before: &Work, merge: Option<Merge>) {
        let continues = match (merge, self.last) {
            (Some(merge), Some(last)) => merge.continues(last),
            _ => false,
        };
        self.last = merge;
        if continues {
            return;
        }
        self.forward.clear();
        if self.back.len() == MAX_STEPS {
            self.back.pop_front();
        }
        self.back.push_back(before.clone());
    }

    pub(super) fn can_undo(&self) -> bool {
        !self.back.is_empty()
    }

    pub(super) fn can_redo(&self) -> bool {
        !self.forward.is_empty()
    }

    pub(super) fn undo(&mut self, work: &mut Work) -> bool {
        self.last = None;
        let Some(before) = self.back.pop_back() else { return false };
        self.forward.push(std::mem::replace(work, before));
        true
    }

    pub(super) fn redo(&mut self, work: &mut Work) -> bool {
        self.last = None;
        let Some(after) = self.forward.pop() else { return false };
        self.back.push_back(std::mem::replace(work, after));
        true
    }
}
