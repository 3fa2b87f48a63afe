//! The list of a page's files that its service worker caches for offline use.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{beside, has_ending};
use crate::{
    cli::{Context as _, Result, serve::HEADERS},
    files::write_whole,
};

/// The list's file; `www/service-worker.js` loads it.
const LIST: &str = "precache.js";

/// Not in the list: the service worker's own scripts, which the browser caches by itself.
const OWN: [&str; 2] = [LIST, "service-worker.js"];

/// Not in the list: the models' folder, whose weights the engine caches when they are used.
const MODELS: &str = "models";

/// The files of one version of the page.
#[derive(Serialize)]
struct Precache {
    /// Changes with every file and with the headers, which are kept together with the files.
    version: String,
    /// SHA-256 as hexadecimal digits by path, `/` between its parts, relative to the page.
    files: BTreeMap<String, String>,
}

/// Writes the list of those of `files` that are in `dir` and belong to the page. A list that is
/// already up to date is not written again.
pub(super) fn write(dir: &Path, files: &[PathBuf]) -> Result<()> {
    let hashed: Vec<Option<(String, String)>> = files
        .par_iter()
        .map(|file| {
            let Some(name) = name_in_list(dir, file) else { return Ok(None) };
            let content = fs::read(file).context(file.display())?;
            Ok(Some((name, format!("{:x}", Sha256::digest(content)))))
        })
        .collect::<Result<_>>()?;
    let list = script(&precache(hashed.into_iter().flatten().collect()))?;
    let path = dir.join(LIST);
    if fs::read_to_string(&path).is_ok_and(|known| known == list) {
        return Ok(());
    }
    // A new list must never be served as the compressed copy of the old one.
    for copy in [beside(&path, ".br"), beside(&path, ".gz")] {
        if copy.exists() {
            fs::remove_file(&copy).context(copy.display())?;
        }
    }
    write_whole(&path, list.as_bytes()).context(path.display())
}

/// A file's path relative to the page, or `None` if it does not belong in the list.
fn name_in_list(dir: &Path, file: &Path) -> Option<String> {
    if has_ending(file, &["br", "gz"]) {
        return None;
    }
    let parts: Vec<&str> = file
        .strip_prefix(dir)
        .ok()?
        .components()
        .map(|part| part.as_os_str().to_str())
        .collect::<Option<_>>()?;
    let hidden = parts.iter().any(|part| part.starts_with(['.', '_']));
    let name = parts.join("/");
    let other = parts.first() == Some(&MODELS) || OWN.contains(&name.as_str());
    (!hidden && !other).then_some(name)
}

fn precache(files: BTreeMap<String, String>) -> Precache {
    let mut version = Sha256::new();
    version.update(HEADERS);
    for (name, hash) in &files {
        version.update(format!("{name} {hash}\n"));
    }
    let mut version = format!("{:x}", version.finalize());
    version.truncate(16);
    Precache { version, files }
}

fn script(precache: &Precache) -> Result<String> {
    let json = serde_json::to_string_pretty(precache)?;
    Ok(format!(
        "// The page's files and their SHA-256, written by `doorplate finish`.\nself.PRECACHE = {json};\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_its_samples_are_listed_and_nothing_else() {
        let listed = |name: &str| name_in_list(Path::new("dist"), &Path::new("dist").join(name));
        for name in ["index.html", "engine_bg.wasm", "samples/a.jpg", "samples/index.json"] {
            assert_eq!(listed(name).as_deref(), Some(name));
        }
        for name in [
            "index.html.br",
            "app.js.gz",
            "models/manifest.json",
            "models/a.safetensors",
            "precache.js",
            "service-worker.js",
            ".draft-1/app.js",
            "_headers",
        ] {
            assert_eq!(listed(name), None, "{name}");
        }
    }

    #[test]
    fn a_version_is_its_files() {
        let version = |files: &[(&str, &str)]| {
            let owned = |(name, hash): &(&str, &str)| ((*name).to_owned(), (*hash).to_owned());
            precache(files.iter().map(owned).collect()).version
        };
        let one = version(&[("a", "1"), ("b", "2")]);
        assert_eq!(one, version(&[("b", "2"), ("a", "1")]));
        assert_eq!(one.len(), 16);
        for other in [&[("a", "1")][..], &[("a", "1"), ("b", "3")], &[("a", "1"), ("c", "2")]] {
            assert_ne!(one, version(other));
        }
    }
}
