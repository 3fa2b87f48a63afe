//! `doorplate data prepare`

use std::path::PathBuf;

use clap::Parser;
use indicatif::ProgressBar;

use crate::{classifier::Architecture, cli::Result, training::open_store};

/// Cut out all digits of a data set once, and write them to a store, a file that training maps into
/// memory.
#[derive(Debug, Parser)]
#[command(after_help = crate::cli::examples!(
    "doorplate data prepare svhn/train -o train.store"
))]
pub struct Args {
    /// A Format 1 folder, a folder with folders 0 to 9 of cropped digits, or a Format 2 file
    /// (.mat).
    data: PathBuf,
    /// The network for whose input the digits are cut out. Networks with the same input can use the
    /// same store.
    #[arg(long, default_value = "ConvNet48_Dropout3")]
    net: String,
    /// The store to write.
    #[arg(long, short)]
    output: PathBuf,
}

pub fn run(args: &Args) -> Result<()> {
    let architecture = Architecture::named(&args.net)?;
    let bar = ProgressBar::no_length();
    let store = open_store(&args.data, architecture, |photos| bar.inc(photos as u64))?;
    bar.finish_and_clear();
    store.write(&args.output)?;
    tell!("{} digits: {}", store.len(), args.output.display())?;
    Ok(())
}
