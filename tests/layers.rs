//! Which room uses which, in which order the page's files build on each other, and how many places
//! depend on Cargo features. Read from the sources: no compiler says so, as within a crate everything
//! may use everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The rooms from the lowest to the highest, each with those that it uses. A room may use only what
/// stands above it here.
const ROOMS: [(&str, &[&str]); 20] = [
    ("fault", &[]),
    ("files", &[]),
    ("photo", &["fault"]),
    ("numbers", &["photo"]),
    ("drawing", &["photo"]),
    ("dataset", &["drawing", "fault", "files", "photo"]),
    ("synthetic", &["dataset", "drawing", "fault", "files", "photo"]),
    ("classifier", &["fault", "numbers", "photo"]),
    ("unet", &["classifier"]),
    ("strokes", &["classifier", "photo", "unet"]),
    ("finder", &["classifier", "numbers", "photo", "strokes", "unet"]),
    ("onnx", &["classifier", "finder", "photo", "strokes", "unet"]),
    ("removal", &["classifier", "photo", "strokes", "unet"]),
    ("boxes", &["dataset", "files", "photo", "removal"]),
    ("evaluation", &["classifier", "dataset", "drawing", "fault", "photo", "removal", "synthetic"]),
    ("publication", &["classifier", "evaluation", "fault", "files", "finder", "strokes", "unet"]),
    (
        "training",
        &[
            "boxes",
            "classifier",
            "dataset",
            "evaluation",
            "fault",
            "files",
            "finder",
            "photo",
            "removal",
            "strokes",
            "unet",
        ],
    ),
    ("worker", &["classifier", "evaluation", "finder", "photo", "publication", "removal"]),
    ("app", &["boxes", "classifier", "evaluation", "numbers", "photo", "removal", "worker"]),
    (
        "cli",
        &[
            "boxes",
            "classifier",
            "dataset",
            "drawing",
            "evaluation",
            "fault",
            "files",
            "finder",
            "numbers",
            "onnx",
            "photo",
            "publication",
            "removal",
            "strokes",
            "synthetic",
            "training",
            "unet",
        ],
    ),
];

/// The levels of the page's files; `src/app/mod.rs` says what they are. A file may use those of its
/// own level or below. What begins with none of these is a part, on level 5.
const LEVELS: [(&str, u32); 35] = [
    ("comparison.rs", 1),
    ("dialogue.rs", 1),
    ("editor/", 1),
    ("erasing.rs", 1),
    ("fetched.rs", 1),
    ("house_number.rs", 1),
    ("inside/parameters.rs", 1),
    ("inside/pixels.rs", 1),
    ("models/charts.rs", 1),
    ("models/choice.rs", 1),
    ("models/figures.rs", 1),
    ("models/side_by_side.rs", 1),
    ("photos/format.rs", 1),
    ("photos/gallery.rs", 1),
    ("photos/record.rs", 1),
    ("pieces.rs", 1),
    ("questions.rs", 1),
    ("second_look.rs", 1),
    ("browser.rs", 2),
    ("engine.rs", 2),
    ("focus.rs", 2),
    ("icons.rs", 2),
    ("kept.rs", 2),
    ("lean.rs", 2),
    ("modal.rs", 2),
    ("photos/given.rs", 2),
    ("photos/named.rs", 2),
    ("photos/store.rs", 2),
    ("photos/zip.rs", 2),
    ("progress.rs", 2),
    ("theme.rs", 2),
    ("page.rs", 3),
    ("state/", 3),
    ("actions/", 4),
    ("shell.rs", 6),
];

/// The level of the parts of the page.
const PARTS: u32 = 5;

/// How often `#[cfg(feature` may occur. Each is a place that one program compiles and another doesn't,
/// so that an error in it is seen in some builds only.
const MOST_FEATURE_GATES: usize = 80;

// ---- The tests --------------------------------------------------------------------------------

#[test]
fn no_room_uses_a_higher_one() {
    let uses = rooms_used(&sources());
    for (place, (room, may)) in ROOMS.iter().enumerate() {
        for other in *may {
            let below = ROOMS.iter().take(place).any(|(name, _)| name == other);
            assert!(below, "the table: {other} does not stand above {room}");
        }
    }
    let known: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    for (room, others) in &uses {
        assert!(known.contains(room.as_str()), "{room} is not in the table");
        let may = ROOMS.iter().find(|(name, _)| name == room).map_or(&[][..], |(_, may)| may);
        for (other, file) in others {
            assert!(may.contains(&other.as_str()), "{room} uses {other}, in {file}");
        }
    }
}

#[test]
fn no_file_of_the_page_uses_one_of_a_higher_level() {
    for (file, others) in page_graph(&sources()) {
        for other in others {
            assert!(
                level(&file) >= level(&other),
                "{file} uses {other}, which is on a higher level"
            );
        }
    }
}

#[test]
fn the_container_is_given_every_file_that_is_built_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).expect("it is here");
    let containerfile = read("Containerfile");
    let copies = containerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
    let copied: Vec<&str> = copies
        .filter(|copy| !copy.starts_with("--from"))
        .flat_map(|copy| {
            let mut paths: Vec<&str> = copy.split_whitespace().collect();
            paths.pop();
            paths
        })
        .collect();
    let ignored = read(".containerignore");
    let let_in: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let mut seen = BTreeSet::new();
    for (file, text) in sources() {
        // What only tests read is not built.
        let built = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for rest in ["include_str!(\"", "include_bytes!(\""]
            .into_iter()
            .flat_map(|call| built.split(call).skip(1))
        {
            let path = rest.split('"').next().unwrap_or_default();
            let from = Path::new("src").join(&file).with_file_name(path);
            let mut included = std::path::PathBuf::new();
            for part in from.components() {
                match part {
                    std::path::Component::ParentDir => drop(included.pop()),
                    part => included.push(part),
                }
            }
            assert!(root.join(&included).is_file(), "{file}: {}", included.display());
            for (what, paths) in [("Containerfile", &copied), (".containerignore", &let_in)] {
                assert!(
                    paths.iter().any(|path| included.starts_with(path)),
                    "{what} leaves out {}, which {file} includes",
                    included.display()
                );
            }
            seen.insert(included);
        }
    }
    assert!(seen.contains(Path::new("pkg-config/_headers")), "{seen:?}");
}

#[test]
fn no_two_files_of_the_page_use_each_other() {
    let circle = circle_in(&page_graph(&sources()));
    assert!(circle.is_empty(), "a circle: {}", circle.join(" uses "));
}

#[test]
fn few_places_depend_on_the_programs_features() {
    let mut counts: Vec<(usize, String)> = all_sources()
        .into_iter()
        .map(|(file, text)| (text.matches("#[cfg(feature").count(), file))
        .collect();
    let sum: usize = counts.iter().map(|(count, _)| count).sum();
    assert!(sum > 0, "the sources are here");
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts.truncate(3);
    assert!(
        sum <= MOST_FEATURE_GATES,
        "{sum} times #[cfg(feature, at most {MOST_FEATURE_GATES}; most in {counts:?}. Put what is \
         gated alike into one module, and gate this"
    );
}

#[test]
fn what_is_read_is_what_is_used() {
    let source = r#"
        //! Not in [`crate::comment`].
        mod child;
        use crate::one::{self, Two, three::{Four, five}};
        use super::{six, super::seven};
        pub use child::Eight;
        fn f(it: crate::nine::Ten) { let text = "x"; self::child::g(it); }
        #[cfg(test)]
        mod tests { use crate::eleven; }
    "#;
    let paths: Vec<String> = paths_in(source).iter().map(|path| path.join("::")).collect();
    let expected = [
        "crate::one::self",
        "crate::one::Two",
        "crate::one::three::Four",
        "crate::one::three::five",
        "super::six",
        "super::super::seven",
        "self::child::Eight",
        "crate::nine::Ten",
        "self::child::g",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn paths_lead_to_files_and_circles_are_found() {
    let sources: Sources = [
        ("app/mod.rs", "pub mod a; mod b; pub use b::part;"),
        ("app/a.rs", "use super::b::{Thing, OTHER};"),
        ("app/b/mod.rs", "mod c; use c::x;"),
        ("app/b/c.rs", "use super::super::a; use crate::photo::Mask;"),
        ("photo.rs", "use crate::app::a;"),
    ]
    .map(|(file, text)| (file.to_owned(), text.to_owned()))
    .into();
    let graph = page_graph(&sources);
    assert_eq!(graph["mod.rs"], BTreeSet::from(["b/mod.rs".to_owned()]));
    assert_eq!(graph["a.rs"], BTreeSet::from(["b/mod.rs".to_owned()]));
    assert_eq!(circle_in(&graph), ["a.rs", "b/mod.rs", "b/c.rs", "a.rs"]);
    let rooms = rooms_used(&sources);
    assert_eq!(rooms["photo"].keys().collect::<Vec<_>>(), ["app"]);
    assert_eq!(rooms["app"].keys().collect::<Vec<_>>(), ["photo"]);
}

// ---- Who uses whom ----------------------------------------------------------------------------

/// The text of each source file by its path below `src/`.
type Sources = BTreeMap<String, String>;

/// All of the library but its tests.
fn sources() -> Sources {
    let mut sources = all_sources();
    let tests = test_modules(&sources);
    sources.retain(|file, _| {
        let module = module_of(file);
        let is_test = tests.iter().any(|test| module.starts_with(test));
        !is_test && file != "lib.rs" && !file.starts_with("bin/")
    });
    assert!(sources.len() > 100, "the sources are here");
    sources
}

/// Every source file.
fn all_sources() -> Sources {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Sources::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                let file = path.strip_prefix(&src).expect("below src");
                sources.insert(file.to_string_lossy().replace('\\', "/"), text);
            }
        }
    }
    sources
}

/// The modules of tests that have files of their own.
fn test_modules(sources: &Sources) -> Vec<Vec<String>> {
    let mut tests = Vec::new();
    for (file, text) in sources {
        for rest in text.split("#[cfg(test)]\nmod ").skip(1) {
            let name: String = rest.chars().take_while(|sign| *sign != ';').collect();
            if name.chars().all(|sign| sign.is_alphanumeric() || sign == '_') {
                tests.push([module_of(file), vec![name]].concat());
            }
        }
    }
    tests
}

/// Each room with those that it uses, and a file where it does.
fn rooms_used(sources: &Sources) -> BTreeMap<String, BTreeMap<String, String>> {
    let rooms: BTreeSet<String> =
        sources.keys().filter_map(|file| module_of(file).into_iter().next()).collect();
    let mut used: BTreeMap<_, BTreeMap<String, String>> = BTreeMap::new();
    for (file, text) in sources {
        let module = module_of(file);
        let Some(room) = module.first() else { continue };
        let others = used.entry(room.clone()).or_default();
        for path in paths_in(text) {
            let target = absolute(&module, &path).into_iter().next();
            if let Some(other) = target.filter(|other| other != room && rooms.contains(other)) {
                others.entry(other).or_insert_with(|| file.clone());
            }
        }
    }
    used
}

/// Each file of the page with those that it uses.
fn page_graph(sources: &Sources) -> BTreeMap<String, BTreeSet<String>> {
    let modules: BTreeMap<Vec<String>, &str> = sources
        .keys()
        .filter_map(|file| Some((module_of(file), file.strip_prefix("app/")?)))
        .collect();
    let mut graph = BTreeMap::new();
    for (module, file) in &modules {
        let mut used = BTreeSet::new();
        for path in paths_in(&sources[&format!("app/{file}")]) {
            let path = absolute(module, &path);
            // The deepest module on the way; what follows is something in it.
            let target = (1..=path.len()).rev().find_map(|depth| modules.get(&path[..depth]));
            used.extend(target.filter(|target| *target != file).map(|it| (*it).to_owned()));
        }
        graph.insert((*file).to_owned(), used);
    }
    graph
}

/// The files of a circle, the first one again at its end; none where there is no circle.
fn circle_in(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    fn follow(
        graph: &BTreeMap<String, BTreeSet<String>>,
        file: &str,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> bool {
        if let Some(start) = way.iter().position(|before| before == file) {
            way.drain(..start);
            way.push(file.to_owned());
            return true;
        }
        if !done.insert(file.to_owned()) {
            return false;
        }
        way.push(file.to_owned());
        let found = graph[file].iter().any(|other| follow(graph, other, way, done));
        if !found {
            way.pop();
        }
        found
    }
    let (mut way, mut done) = (Vec::new(), BTreeSet::new());
    for file in graph.keys() {
        if follow(graph, file, &mut way, &mut done) {
            return way;
        }
    }
    Vec::new()
}

/// The level of one of the page's files.
fn level(file: &str) -> u32 {
    let own = LEVELS.iter().find(|(begin, _)| file.starts_with(begin)).map(|(_, level)| *level);
    match file {
        // The top file takes no part itself: it says where the page begins.
        "mod.rs" => u32::MAX,
        _ => own.unwrap_or(PARTS),
    }
}

/// The path of a file's module.
fn module_of(file: &str) -> Vec<String> {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    path.split('/').map(str::to_owned).collect()
}

/// A path as it is from the crate's root.
fn absolute(module: &[String], path: &[String]) -> Vec<String> {
    let mut place = module.to_vec();
    let mut names = Vec::new();
    for (i, name) in path.iter().enumerate() {
        match name.as_str() {
            "crate" if i == 0 => place.clear(),
            "self" => {}
            "super" => drop(place.pop()),
            _ => names.push(name.clone()),
        }
    }
    place.extend(names);
    place
}

// ---- Reading ----------------------------------------------------------------------------------

/// All paths of the crate in a source, outside its comments and tests: those that begin with
/// `crate`, `super` or `self`, and those that begin with a module which the source declares.
fn paths_in(source: &str) -> Vec<Vec<String>> {
    let words = words_of(source);
    let is_path = |i: usize| words.get(i + 1).is_some_and(|next| next == "::");
    let children: BTreeSet<&str> = words
        .windows(3)
        .filter(|three| three[0] == "mod" && three[2] == ";")
        .map(|three| three[1].as_str())
        .collect();
    let mut paths = Vec::new();
    let mut i = 0;
    while i < words.len() {
        let begins = (i == 0 || words[i - 1] != "::") && is_path(i);
        match words[i].as_str() {
            "crate" | "super" | "self" if begins => i = read_path(&words, i, &[], &mut paths),
            child if begins && children.contains(child) => {
                i = read_path(&words, i, &["self".to_owned()], &mut paths);
            }
            _ => i += 1,
        }
    }
    paths
}

/// Reads a path, or all paths of a group in braces, from a word on; gives the place behind it.
fn read_path(
    words: &[String],
    mut i: usize,
    before: &[String],
    paths: &mut Vec<Vec<String>>,
) -> usize {
    let mut path = before.to_vec();
    while let Some(word) = words.get(i) {
        i += 1;
        if word == "{" {
            while words.get(i).is_some_and(|word| word != "}") {
                i = read_path(words, i, &path, paths);
                if words.get(i).is_some_and(|word| word == ",") {
                    i += 1;
                }
            }
            return i + 1;
        }
        path.push(word.clone());
        if words.get(i).is_none_or(|next| next != "::") {
            break;
        }
        i += 1;
    }
    paths.push(path);
    // Behind a name of one's own.
    if words.get(i).is_some_and(|word| word == "as") { i + 2 } else { i }
}

/// The words and signs of a source without comments, literals and the tests at its end.
fn words_of(source: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut signs = source.chars().peekable();
    let mut word = String::new();
    while let Some(sign) = signs.next() {
        if sign.is_alphanumeric() || sign == '_' {
            word.push(sign);
            continue;
        }
        let before = std::mem::take(&mut word);
        let is_raw = matches!(before.as_str(), "r" | "br") && matches!(sign, '"' | '#');
        if !before.is_empty() && !is_raw {
            words.push(before);
        }
        match sign {
            _ if is_raw => skip_raw_text(sign, &mut signs),
            '/' if signs.peek() == Some(&'/') => drop(signs.by_ref().find(|sign| *sign == '\n')),
            '"' => skip_text('"', &mut signs),
            // A letter, and no lifetime: one that is escaped or closed at once.
            '\'' if is_letter(signs.clone()) => skip_text('\'', &mut signs),
            ':' if signs.peek() == Some(&':') => {
                signs.next();
                words.push("::".to_owned());
            }
            sign if sign.is_whitespace() => {}
            sign => words.push(sign.to_string()),
        }
        // What is behind it at the file's end are its tests.
        if sign == '{'
            && words.iter().rev().skip(1).map(String::as_str).take(2).eq(["tests", "mod"])
        {
            break;
        }
    }
    words
}

type Signs<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn is_letter(mut signs: Signs<'_>) -> bool {
    let first = signs.next();
    first == Some('\\') || signs.next() == Some('\'')
}

fn skip_text(end: char, signs: &mut Signs<'_>) {
    while let Some(sign) = signs.next() {
        if sign == '\\' {
            signs.next();
        } else if sign == end {
            return;
        }
    }
}

fn skip_raw_text(first: char, signs: &mut Signs<'_>) {
    let mut end = "\"".to_owned();
    if first == '#' {
        end.push('#');
        while signs.next() == Some('#') {
            end.push('#');
        }
    }
    let mut text = String::new();
    while !text.ends_with(&end) {
        let Some(sign) = signs.next() else { return };
        text.push(sign);
    }
}
