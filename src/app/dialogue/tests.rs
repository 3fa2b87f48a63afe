//! The conversation with the engine, without a browser.

use super::*;
use crate::photo::{PhotoSize, SaveChoice};
use crate::removal::Erasure;
use crate::worker::protocol::{DeviceInfo, DeviceKind, EngineInfo, Failure, Method, ModelInfo};

const BOX: BoxInPhoto = BoxInPhoto { left: 1, top: 2, width: 3, height: 4 };

fn start() -> Ask {
    Ask::Start {
        models_url: "models/".into(),
        model: None,
        device: DeviceChoice::Auto,
        slow_gpu: None,
    }
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
fn opening_a_photo_does_not_end_the_search_in_another_and_a_new_engine_does() {
    let mut dialogue = Dialogue::default();
    let start = dialogue.ask(start());
    assert!(answer(&mut dialogue, start, started()).is_some());
    let search = dialogue.ask(Ask::FindIn { photo: 3, file: vec![1] });
    dialogue.ask(Ask::Open { file: vec![2] });
    assert!(dialogue.request(search).is_some());
    let size = PhotoSize { width: 10, height: 10 };
    let found = Answer::FoundIn { photo: 3, size, sure: Vec::new(), unsure: Vec::new() };
    assert!(answer(&mut dialogue, search, found).is_some());
    // It may be what brought the engine down.
    dialogue.ask(Ask::FindIn { photo: 4, file: vec![1] });
    dialogue.restart().expect("the first time");
    assert!(!dialogue.awaits(Kind::FindIn));
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
fn starting_again_ends_a_switch() {
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
    let save = dialogue.ask(Ask::Save {
        erasure: Erasure::of(&[BOX]),
        method: Method::default(),
        choice: SaveChoice::default(),
    });
    let read = dialogue.ask(Ask::Read { boxes: vec![BOX] });
    let crash = answer(&mut dialogue, read, failed(FailureKind::Engine));
    assert!(matches!(crash, Some(Heard::Crashed(message)) if message == "why"));

    let ids = dialogue.restart().expect("the first time");
    let asks: Vec<&Ask> =
        ids.iter().filter_map(|id| dialogue.request(*id)).map(|r| &r.ask).collect();
    assert!(matches!(asks[..], [Ask::Start { device: DeviceChoice::Auto, .. }, Ask::Open { .. }]));
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
