//! `doorplate models`

use std::path::PathBuf;

use clap::Parser;

use crate::publication::{Library, ModelEntry, Place};

/// List the published models, and where each was found.
///
/// Models are inside the program. Further ones are found in `models` beside the program and in the
/// platform's data folder. A folder that --models or the variable DOORPLATE_MODELS names is searched
/// instead of all of these. Where one name is found twice, the first in this list is used.
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
    /// Whether it is taken where no name is given.
    default: bool,
    #[serde(flatten)]
    model: ModelEntry,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let library = Library::new(args.models.as_deref());
    let mut found: Vec<Found> = Vec::new();
    for place in library.places() {
        for (i, model) in place.manifest()?.models.into_iter().enumerate() {
            let default = i == 0 && place == library.first();
            found.push(Found { place: place.to_string(), default, model });
        }
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(());
    }
    let width = found.iter().map(|it| it.model.name.len()).max().unwrap_or(0);
    for Found { place, default, model } in &found {
        let mark = if *default { '*' } else { ' ' };
        let read = 100.0 * model.measured.accuracy;
        let kilobytes = model.bytes.div_ceil(1000);
        println!("{mark} {:width$}  {read:5.1} %  {kilobytes:5} kB  {place}", model.name);
    }
    if library.places().contains(&Place::Inside) {
        println!("\n* is the default; the share is of the digits that its card names");
    }
    Ok(())
}
