//! What the engine's second look at a removal came to, for people.

use std::collections::HashMap;

use super::editor::BoxId;
use crate::removal::Check;

/// What is wrong in a box; none where nothing is left to see.
pub fn warning(check: &Check) -> Option<&'static str> {
    match check {
        Check { unchanged: true, .. } => Some("Nothing was removed: no digit found here"),
        check if check.passes() => None,
        _ => Some("Something may still show"),
    }
}

/// One line about all boxes whose digits are removed; empty until the engine has looked at each.
pub fn verdict(checks: &HashMap<BoxId, Check>, removed: usize) -> String {
    let left = checks.values().filter(|check| !check.passes()).count();
    match (removed, left) {
        (0, _) => String::new(),
        _ if checks.len() < removed => String::new(),
        (_, 0) => "Checked: nothing left to read".to_owned(),
        (_, 1) => "Check 1 digit".to_owned(),
        _ => format!("Check {left} digits"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::BoxInPhoto;

    #[test]
    fn the_verdict_is_good_once_every_box_passed() {
        let area = BoxInPhoto { left: 1, top: 2, width: 3, height: 4 };
        let clean = Check { area, residue: 0.0, legible: false, unchanged: false };
        let mut checks = HashMap::from([(1, clean)]);
        assert_eq!(verdict(&checks, 2), "", "one is on its way");
        assert_eq!(verdict(&HashMap::new(), 0), "", "there is nothing to say");
        checks.insert(5, clean);
        assert_eq!(verdict(&checks, 2), "Checked: nothing left to read");
        checks.insert(5, Check { legible: true, ..clean });
        assert_eq!(verdict(&checks, 2), "Check 1 digit");
        checks.insert(1, Check { unchanged: true, ..clean });
        assert_eq!(verdict(&checks, 2), "Check 2 digits");
    }

    #[test]
    fn a_warning_says_what_is_wrong() {
        let area = BoxInPhoto { left: 1, top: 2, width: 3, height: 4 };
        let clean = Check { area, residue: 0.0, legible: false, unchanged: false };
        assert_eq!(warning(&clean), None);
        for left in [Check { legible: true, ..clean }, Check { residue: 0.5, ..clean }] {
            assert_eq!(warning(&left), Some("Something may still show"));
        }
        let unchanged = Check { unchanged: true, residue: 0.5, ..clean };
        assert!(warning(&unchanged).is_some_and(|text| text.starts_with("Nothing was removed")));
    }
}
