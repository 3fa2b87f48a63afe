//! `doorplate data split`

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;

use crate::{
    cli::{Context as _, Result, WrongArgument},
    dataset::{
        digit_folders,
        format1::Format1,
        split::{Split, split_by_photo},
    },
};

/// Split folders of cropped digits in two, one to train on and one to measure on.
///
/// Pictures of a digit that hardly differ, because they mostly show the same sign, go to the same
/// side. The pictures are copied; the same seed gives the same split.
#[derive(Debug, Parser)]
#[command(after_help = crate::cli::examples!(
    "doorplate data split digits --share 0.2 --out sides"
))]
pub struct Args {
    /// Folder with folders 0 to 9 of cropped digits.
    data: PathBuf,
    /// Share of the pictures that is held back, between 0 and 1; pictures that hardly differ stay
    /// together.
    #[arg(long, default_value_t = 0.2)]
    share: f64,
    /// Seed of the split.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A new folder, in which `train` and `test` are written, each with folders 0 to 9.
    #[arg(long)]
    out: PathBuf,
}

pub fn run(args: &Args) -> Result<()> {
    let wrong = |reason: String| Err(WrongArgument(reason).into());
    if !(args.share > 0.0 && args.share < 1.0) {
        return wrong(format!("--share {}: give a number between 0 and 1", args.share));
    }
    if args.out.exists() {
        return wrong(format!("{}: already exists; give a new folder", args.out.display()));
    }
    let data = digit_folders::open(&args.data)?;
    let groups = digit_folders::groups(&data)?;
    let Split { train, validation } = split_by_photo(&groups, args.share, args.seed);
    if train.is_empty() || validation.is_empty() {
        return Err(format!(
            "{}: its {} pictures hardly differ, so none can be held back",
            args.data.display(),
            groups.len()
        )
        .into());
    }
    for (side, pictures) in [("train", train), ("test", validation)] {
        let folder = args.out.join(side);
        copy(&data, &pictures, &folder)?;
        tell!("{} digits: {}", pictures.len(), folder.display())?;
    }
    Ok(())
}

/// Copies these pictures into folders of their digits.
fn copy(data: &Format1, pictures: &[usize], to: &Path) -> Result<()> {
    for &picture in pictures {
        let name = &data.photos[picture].name;
        let copy = to.join(name);
        if let Some(folder) = copy.parent() {
            fs::create_dir_all(folder).context(folder.display())?;
        }
        fs::copy(data.folder().join(name), &copy).context(copy.display())?;
    }
    Ok(())
}
