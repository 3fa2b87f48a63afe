//! `doorplate models`

use std::path::PathBuf;

use clap::Parser;

use super::Result;
use crate::publication::{Library, ModelEntry, Place};

/// List the published models, and where each was found.
///
/// Names are looked up in the folder `models` beside the program, then in the platform's data
/// folder, then among the models that are built into the program. The default is the first built-in
/// model. If --models or the variable DOORPLATE_MODELS names a folder, only that folder is used,
/// and its first model is the default.
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
    /// Print JSON: a list with each model's manifest entry, `place` and `default`.
    #[arg(long)]
    json: bool,
}

/// A model that was found.
#[derive(serde::Serialize)]
struct Found {
    place: String,
    /// Whether it is used if no name is given.
    default: bool,
    #[serde(flatten)]
    model: ModelEntry,
}

pub fn run(args: &Args) -> Result<()> {
    let library = Library::new(args.models.as_deref());
    let mut found: Vec<Found> = Vec::new();
    for place in library.places() {
        for (i, model) in place.manifest()?.models.into_iter().enumerate() {
            let default = i == 0 && place == library.of_default();
            found.push(Found { place: place.to_string(), default, model });
        }
    }
    if args.json {
        tell!("{}", serde_json::to_string_pretty(&found)?)?;
        return Ok(());
    }
    let width = found.iter().map(|it| it.model.name.len()).max().unwrap_or(0);
    for Found { place, default, model } in &found {
        let mark = if *default { '*' } else { ' ' };
        let read = 100.0 * model.measured.accuracy;
        let kilobytes = model.bytes.div_ceil(1000);
        tell!("{mark} {:width$}  {read:5.1} %  {kilobytes:5} kB  {place}", model.name)?;
    }
    if library.places().contains(&Place::Inside) {
        tell!("\n* is the default; the share is of the digits named in the model's card")?;
    }
    Ok(())
}
