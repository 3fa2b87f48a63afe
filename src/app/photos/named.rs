//! Many lines in one message.

/// Lines that are named in one message.
const MAX_NAMED: usize = 6;

/// The first few lines, and how many more there are.
pub fn named(lines: &[String]) -> String {
    let shown = lines.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join("; ");
    match lines.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
