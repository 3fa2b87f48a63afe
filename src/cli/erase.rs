//! `doorplate erase`

use std::{path::PathBuf, time::Instant};

use anyhow::{Context as _, ensure};
use clap::Parser;

use super::{
    WrongArgument,
    boxes::{default_growth, grow, read_boxes},
    model::ModelArgs,
    read::{open_photo, readings_json},
};
use crate::{
    files::write_whole,
    removal::{RemovalOptions, remove_digits},
};

/// Take the digits in boxes out of a photo.
#[derive(Debug, Parser)]
pub struct Args {
    /// The photo.
    photo: PathBuf,
    /// The boxes: JSON, or the digitStruct.mat that lists the photo.
    #[arg(long)]
    boxes: PathBuf,
    /// Where the result goes, as PNG.
    #[arg(short, long)]
    output: PathBuf,
    /// Percent of its height by which each box is grown on all sides before it is removed: 10 for
    /// boxes from digitStruct.mat, which often cut a stroke short, else 0. Outside the grown boxes
    /// no pixel changes.
    #[arg(long, value_name = "PERCENT")]
    grow: Option<u32>,
    /// Print one JSON object with the readings and the time.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let output = args.output.display();
    ensure!(
        args.output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")),
        WrongArgument(format!(
            "{output}: the result is written as PNG, so that every pixel outside the boxes stays \
             as it was; give a name that ends in .png"
        ))
    );
    let mut photo = open_photo(&args.photo)?;
    if let (Ok(photo), Ok(output)) = (args.photo.canonicalize(), args.output.canonicalize()) {
        ensure!(
            photo != output,
            WrongArgument(format!("{}: this is the photo itself", args.output.display()))
        );
    }
    let boxes = read_boxes(&args.boxes, &args.photo, photo.size())?;
    let classifier = args.model.load()?;
    let readings = pollster::block_on(classifier.read(&photo, &boxes))?;
    let growth = args.grow.unwrap_or_else(|| default_growth(&args.boxes));
    let grown = grow(&boxes, growth, photo.size());
    let started = Instant::now();
    let fills =
        pollster::block_on(remove_digits(&photo, &grown, &classifier, &RemovalOptions::default()))?;
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    for fill in &fills {
        fill.lay_on(&mut photo);
    }
    write_whole(&args.output, &photo.to_png()?)
        .with_context(|| format!("{}", args.output.display()))?;
    if args.json {
        let report = serde_json::json!({
            "photo": args.photo.to_string_lossy(),
            "output": args.output.to_string_lossy(),
            "grown_by_percent": growth,
            "readings": readings_json(&boxes, &readings),
            "removal_milliseconds": milliseconds,
        });
        println!("{report}");
    } else {
        let number: String = readings.iter().map(|reading| reading.best().0.to_string()).collect();
        println!(
            "{}: removed {number} in {milliseconds:.1} ms, written to {}",
            args.photo.display(),
            args.output.display()
        );
    }
    Ok(())
}
