//! `doorplate evaluate`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use indicatif::ProgressBar;

use super::{WrongArgument, model::ModelArgs};
use crate::{
    classifier::{Architecture, Classifier},
    evaluation::{confusion_of, read_all},
    publication::ModelsFolderError,
};

/// Measure a classifier on SVHN's Format 1 photos: accuracy, precision, recall, F1, confusion.
#[derive(Debug, Parser)]
pub struct Args {
    /// A Format 1 folder, or a Format 2 file (.mat).
    #[arg(long)]
    data: PathBuf,
    /// Weights that `doorplate train` wrote, instead of a published model's.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// The network of --weights.
    #[arg(long, default_value = "ConvNet48_Dropout3", requires = "weights")]
    net: String,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let classifier = match &args.weights {
        Some(path) => {
            let architecture =
                Architecture::named(&args.net).map_err(|error| WrongArgument(error.to_string()))?;
            let at = || format!("{}", path.display());
            let bytes = std::fs::read(path)
                .map_err(|source| ModelsFolderError::File { path: path.clone(), source })?;
            Classifier::from_safetensors(architecture, bytes, &args.model.device()?)
                .with_context(at)?
        }
        None => args.model.load()?,
    };
    let bar = ProgressBar::new(0);
    let read = read_all(&classifier, &args.data, |read, of| {
        bar.set_length(of as u64);
        bar.set_position(read as u64);
    })?;
    let confusion = confusion_of(&read);
    bar.finish_and_clear();
    if args.json {
        let report = serde_json::json!({
            "digits": confusion.total(),
            "accuracy": confusion.accuracy(),
            "scores": confusion.scores(),
            "confusion": confusion,
        });
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", confusion.report());
    }
    Ok(())
}
