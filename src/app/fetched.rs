//! What the page and its engine have fetched, from the browser's own records. Plain data, tested
//! without a browser; [`super::fetch_list`] shows it.

use serde::Deserialize;

/// Who fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetcher {
    /// The page.
    Page,
    /// The engine's worker.
    Engine,
}

/// A file that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Who fetched it.
    pub by: Fetcher,
    /// Its path relative to the page, or its whole address where it is not the page's own.
    pub file: String,
    /// Whether it comes from the page's own origin.
    pub own: bool,
    /// Its size in bytes; 0 where the browser does not say.
    pub bytes: u64,
    /// The bytes that came over the network for it, compressed and with headers; 0 where it was
    /// kept on the machine.
    pub over_network: u64,
}

/// The files taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Files of the page's own origin.
    pub own: usize,
    /// Other files.
    pub foreign: usize,
    /// The size of all.
    pub bytes: u64,
    /// What came over the network.
    pub over_network: u64,
}

/// An entry of the browser's `PerformanceResourceTiming`, as its `toJSON` gives it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    #[serde(default)]
    transfer_size: u64,
    #[serde(default)]
    decoded_body_size: u64,
}

/// Adds what a list of entries says, as JSON, to what is known. A file that was fetched again is
/// there once. `base` is the page's address, without file and query. What is not a list of entries
/// adds nothing.
pub fn add(known: &mut Vec<Fetch>, entries: &str, by: Fetcher, base: &str) {
    let entries: Vec<Entry> = serde_json::from_str(entries).unwrap_or_default();
    for Entry { name, transfer_size, decoded_body_size } in entries {
        // These are made of what is in the page's memory already.
        if name.starts_with("blob:") || name.starts_with("data:") {
            continue;
        }
        let address = name.split(['?', '#']).next().unwrap_or_default();
        let (file, own) = match address.strip_prefix(base) {
            Some("") => ("index.html".to_owned(), true),
            Some(file) => (file.to_owned(), true),
            None => (name.clone(), origin(&name) == origin(base)),
        };
        match known.iter_mut().find(|fetch| fetch.by == by && fetch.file == file) {
            Some(fetch) => {
                fetch.bytes = fetch.bytes.max(decoded_body_size);
                fetch.over_network += transfer_size;
            }
            None => known.push(Fetch {
                by,
                file,
                own,
                bytes: decoded_body_size,
                over_network: transfer_size,
            }),
        }
    }
}

/// The total of a list.
pub fn total(fetches: &[Fetch]) -> Total {
    fetches.iter().fold(Total::default(), |total, fetch| Total {
        own: total.own + usize::from(fetch.own),
        foreign: total.foreign + usize::from(!fetch.own),
        bytes: total.bytes + fetch.bytes,
        over_network: total.over_network + fetch.over_network,
    })
}

/// Scheme, host and port of an address.
fn origin(address: &str) -> &str {
    let Some(host) = address.find("://").map(|at| at + 3) else { return address };
    let end = address[host..].find('/').map_or(address.len(), |at| host + at);
    &address[..end]
}

/// A size in bytes, for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes}\u{a0}B"),
        1_000..1_000_000 => format!("{:.0}\u{a0}kB", bytes as f64 / 1e3),
        _ => format!("{:.1}\u{a0}MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://localhost:8080/plates/";

    fn listed(entries: &str) -> Vec<Fetch> {
        let mut known = Vec::new();
        add(&mut known, entries, Fetcher::Page, BASE);
        known
    }

    #[test]
    fn entries_are_files_of_the_page_or_of_others() {
        let list = listed(
            r#"[
            {"name": "http://localhost:8080/plates/?engine=cpu", "entryType": "navigation", "transferSize": 900, "decodedBodySize": 2400, "duration": 1.5},
            {"name": "http://localhost:8080/plates/app.js", "transferSize": 0, "decodedBodySize": 59185},
            {"name": "blob:http://localhost:8080/1234", "decodedBodySize": 5},
            {"name": "http://localhost:8080/other.js"},
            {"name": "http://localhost:8080.example.org/x.js", "transferSize": 7}]"#,
        );
        let shown: Vec<(&str, bool)> = list.iter().map(|f| (f.file.as_str(), f.own)).collect();
        assert_eq!(
            shown,
            [
                ("index.html", true),
                ("app.js", true),
                ("http://localhost:8080/other.js", true),
                ("http://localhost:8080.example.org/x.js", false)
            ]
        );
        assert_eq!(total(&list), Total { own: 3, foreign: 1, bytes: 61_585, over_network: 907 });
    }

    #[test]
    fn a_file_fetched_again_is_listed_once_and_by_each_who_fetched_it() {
        let entry = r#"[{"name": "http://localhost:8080/plates/a", "transferSize": 10, "decodedBodySize": 20}]"#;
        let mut known = listed(entry);
        add(&mut known, entry, Fetcher::Page, BASE);
        add(&mut known, entry, Fetcher::Engine, BASE);
        let sums: Vec<_> = known.iter().map(|f| (f.by, f.bytes, f.over_network)).collect();
        assert_eq!(sums, [(Fetcher::Page, 20, 20), (Fetcher::Engine, 20, 10)]);
    }

    #[test]
    fn nonsense_adds_nothing() {
        for nonsense in ["", "{}", "[1]", r#"[{"name": 3}]"#] {
            assert_eq!(listed(nonsense), []);
        }
    }

    #[test]
    fn sizes_are_read_at_a_glance() {
        let sizes: Vec<String> =
            [0, 999, 1_000, 194_105, 24_539_751].map(size).map(|s| s.replace('\u{a0}', " ")).into();
        assert_eq!(sizes, ["0 B", "999 B", "1 kB", "194 kB", "24.5 MB"]);
    }
}
