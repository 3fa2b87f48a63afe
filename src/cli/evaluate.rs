//! `doorplate evaluate`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use indicatif::ProgressBar;

use super::model::ModelArgs;
use crate::{
    classifier::{Architecture, Classifier},
    dataset::format1::Format1,
    publication::ModelsFolderError,
    training::evaluate_photos,
};

/// Measure a classifier on SVHN's Format 1 photos: accuracy, precision, recall, F1, confusion.
#[derive(Debug, Parser)]
pub struct Args {
    /// Folder with the photos and their digitStruct.mat.
    #[arg(long)]
    data: PathBuf,
    /// Weights that `doorplate train` wrote, instead of a published model's.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// The network of --weights.
    #[arg(long, default_value = "ConvNet48_Dropout3", requires = "weights")]
    net: Architecture,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let data = Format1::open(&args.data)?;
    let classifier = match &args.weights {
        Some(path) => {
            let at = || format!("{}", path.display());
            let bytes = std::fs::read(path)
                .map_err(|source| ModelsFolderError::File { path: path.clone(), source })?;
            Classifier::from_safetensors(args.net, bytes, &args.model.device()?).with_context(at)?
        }
        None => args.model.load()?,
    };
    let bar = ProgressBar::new(data.photos.len() as u64);
    let confusion = evaluate_photos(&classifier, &data, 0..data.photos.len(), &mut || bar.inc(1))?;
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
