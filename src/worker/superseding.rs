//! Which waiting work a newer request makes useless. Plain data, so that native tests can test it.

use super::protocol::Ask;

/// Work that has not begun or not continued yet.
pub(super) enum Waiting<'a> {
    /// A request that has not been worked on yet.
    Asked(&'a Ask),
    /// The rest of loading a model, once its files are fetched.
    Loading,
    /// The rest of finding digits: once the network is there, or in the rest of the photo.
    Finding,
    /// The same in another photo than the open one.
    FindingIn,
    /// The rest of a comparison.
    Comparison,
}

/// Whether `newer` makes `older` useless: both are of the same kind, or `newer` opens a photo and
/// `older` is about the previous one.
pub(super) fn supersedes(newer: &Ask, older: &Waiting<'_>) -> bool {
    let opens = matches!(newer, Ask::Open { .. });
    match older {
        Waiting::Asked(older) => kind(newer) == kind(older) || opens && is_about_the_photo(older),
        Waiting::Loading => kind(newer) == Kind::Load,
        Waiting::Finding => opens || kind(newer) == Kind::Find,
        Waiting::FindingIn => kind(newer) == Kind::FindIn,
        Waiting::Comparison => opens || kind(newer) == Kind::Compare,
    }
}

/// Requests of one kind replace each other.
#[derive(PartialEq)]
enum Kind {
    /// A start or a switch: both load a model.
    Load,
    FindIn,
    Open,
    Preview,
    Find,
    Read,
    Erase,
    Save,
    Compare,
    Inspect,
}

fn kind(ask: &Ask) -> Kind {
    match ask {
        Ask::Start { .. } | Ask::Switch { .. } => Kind::Load,
        Ask::FindIn { .. } => Kind::FindIn,
        Ask::Open { .. } => Kind::Open,
        Ask::Preview => Kind::Preview,
        Ask::Find { .. } => Kind::Find,
        Ask::Read { .. } => Kind::Read,
        Ask::Erase { .. } => Kind::Erase,
        Ask::Save { .. } => Kind::Save,
        Ask::Compare { .. } => Kind::Compare,
        Ask::Inspect { .. } => Kind::Inspect,
    }
}

fn is_about_the_photo(ask: &Ask) -> bool {
    !matches!(kind(ask), Kind::Load | Kind::FindIn | Kind::Open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        photo::{BoxInPhoto, SaveChoice},
        removal::{Erasure, Method},
        worker::protocol::DeviceChoice,
    };

    /// One request of each kind, the two that load a model first, then the one about another photo and
    /// the one that opens it.
    fn one_of_each() -> Vec<Ask> {
        let (boxes, erasure, method) = (Vec::new(), Erasure::default(), Method::default());
        let area = BoxInPhoto { left: 0, top: 0, width: 1, height: 1 };
        let models_url = String::new();
        vec![
            Ask::Start { models_url, model: None, device: DeviceChoice::Auto, slow_gpu: None },
            Ask::Switch { model: String::new() },
            Ask::FindIn { photo: 0, file: Vec::new() },
            Ask::Open { file: Vec::new() },
            Ask::Preview,
            Ask::Find { within: None },
            Ask::Read { boxes: boxes.clone() },
            Ask::Erase { erasure: erasure.clone(), method: method.clone(), check: false },
            Ask::Save {
                erasure: erasure.clone(),
                method: method.clone(),
                choice: SaveChoice::default(),
            },
            Ask::Compare { models: Vec::new(), boxes },
            Ask::Inspect { area, digit: None, erasure, method },
        ]
    }

    #[test]
    fn every_kind_replaces_itself_and_a_photo_all_about_the_last_one() {
        let all = one_of_each();
        let (loading, opening) = ([0, 1], 3);
        for (i, newer) in all.iter().enumerate() {
            for (j, older) in all.iter().enumerate() {
                let expected = i == j
                    || loading.contains(&i) && loading.contains(&j)
                    || i == opening && j > opening;
                let superseded = supersedes(newer, &Waiting::Asked(older));
                assert_eq!(superseded, expected, "{newer:?} after {older:?}");
            }
        }
    }

    #[test]
    fn what_is_under_way_ends_when_its_like_or_another_photo_is_asked_for() {
        for (i, newer) in one_of_each().iter().enumerate() {
            assert_eq!(supersedes(newer, &Waiting::Loading), i < 2, "{newer:?}");
            assert_eq!(supersedes(newer, &Waiting::Comparison), i == 3 || i == 9, "{newer:?}");
            assert_eq!(supersedes(newer, &Waiting::Finding), i == 3 || i == 5, "{newer:?}");
            assert_eq!(supersedes(newer, &Waiting::FindingIn), i == 2, "{newer:?}");
        }
    }
}
