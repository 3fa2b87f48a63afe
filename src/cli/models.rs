//! `doorplate models`

use std::path::PathBuf;

use clap::Parser;

use super::Result;
use crate::publication::{FinderEntry, Library, ModelEntry, StrokesEntry};

/// List the published models and networks, and where each was found.
///
/// Names are looked up in the folder `models` beside the program, then in the platform's data
/// folder, then among the models that are built into the program. The default is the first built-in
/// model. If --models or the variable DOORPLATE_MODELS names a folder, only its models are used, and
/// its first is the default; the networks that find strokes and digits are the program's own unless
/// the folder has its own.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate models",
    "doorplate models --json",
    "DOORPLATE_MODELS=my-models doorplate models",
))]
pub struct Args {
    /// A folder of published models to look in, instead of all other places.
    #[arg(long, value_name = "FOLDER")]
    models: Option<PathBuf>,
    /// Print JSON: a list with each network's manifest entry, `kind` (reader, strokes or finder),
    /// `place` and `default`.
    #[arg(long)]
    json: bool,
}

/// A network that was found.
#[derive(serde::Serialize)]
struct Found {
    place: String,
    /// Whether it is used if no name is given.
    default: bool,
    #[serde(flatten)]
    entry: Entry,
}

/// Its entry in the manifest.
#[derive(serde::Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Entry {
    Reader(Box<ModelEntry>),
    Strokes(StrokesEntry),
    Finder(FinderEntry),
}

impl Entry {
    /// The name, and the size of the weights in bytes.
    fn name_and_bytes(&self) -> (&str, u64) {
        match self {
            Entry::Reader(it) => (&it.name, it.bytes),
            Entry::Strokes(it) => (&it.name, it.bytes),
            Entry::Finder(it) => (&it.name, it.bytes),
        }
    }
}

pub fn run(args: &Args) -> Result<()> {
    let library = Library::new(args.models.as_deref());
    let mut found: Vec<Found> = Vec::new();
    for place in library.places() {
        for (i, model) in place.manifest()?.models.into_iter().enumerate() {
            let default = i == 0 && place == library.of_default();
            let entry = Entry::Reader(Box::new(model));
            found.push(Found { place: place.to_string(), default, entry });
        }
    }
    // There is one of each, which cannot be chosen by name.
    let strokes = library.strokes()?.map(|(place, it)| (place, Entry::Strokes(it)));
    let finder = library.finder()?.map(|(place, it)| (place, Entry::Finder(it)));
    for (place, entry) in strokes.into_iter().chain(finder) {
        found.push(Found { place: place.to_string(), default: true, entry });
    }
    if args.json {
        tell!("{}", serde_json::to_string_pretty(&found)?)?;
        return Ok(());
    }
    let width = found.iter().map(|it| it.entry.name_and_bytes().0.len()).max().unwrap_or(0);
    for Found { place, default, entry } in &found {
        let mark = if *default { '*' } else { ' ' };
        let does = match entry {
            Entry::Reader(model) => format!("reads {:5.1} %", 100.0 * model.measured.accuracy),
            Entry::Strokes(_) => "finds strokes".to_owned(),
            Entry::Finder(_) => "finds digits".to_owned(),
        };
        let (name, bytes) = entry.name_and_bytes();
        let kilobytes = bytes.div_ceil(1000);
        tell!("{mark} {name:width$}  {does:13}  {kilobytes:5} kB  {place}")?;
    }
    tell!(
        "\n* is used if no other is named; the share is that of digits read right, of those that the \
         model's card names"
    )?;
    Ok(())
}
